# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every answer of an enemy at every operation of an onboarding and an offboarding."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hostile.more_attacks import ATTACKS
from tests.hostile.test_hostile import judged, played


@pytest.mark.timeout(4800)
def test_every_answer_at_every_operation(tmp_path: Path) -> None:
    cases = [*played(tmp_path), *played(tmp_path, "--slow")]
    assert {case["attack"] for case in cases} == set(ATTACKS)
    assert len({case["operation"] for case in cases}) > 30
    worst = {name: max(case[name] for case in cases) for name in ("ratio", "cpu", "memory", "seconds")}
    print(f"\n{len(cases)} cases, {len(ATTACKS)} answers; at most {worst}")
    assert judged(cases) == []
