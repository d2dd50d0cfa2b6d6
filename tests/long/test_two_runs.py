# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two runs at once on one tenant and vendor, fifty times, by role and by playbook.

No key is left that nobody has, and a run that loses says what it met.
"""

from __future__ import annotations

import os

import pytest

from tests.keys.crash import CrashTest
from tests.keys.ground import Ground, tenants
from tests.simulator.client import Simulator

TIMES = int(os.environ.get("TWO_RUNS", "50"))


@pytest.mark.timeout(7200)
def test_fifty_times(tmp_path):
    with Simulator(tenants("north")) as simulator, Ground(tmp_path, simulator) as ground:
        test = CrashTest(ground, [])
        problems = []
        for number in range(TIMES):
            situation = ("create", "rotate", "heal")[number % 3]
            test.playbook = ("", "onboard")[number % 2]
            if problem := test.two_at_once(situation):
                problems.append(f"{number}, {situation}, {test.playbook or 'role'}: {problem}")
    assert problems == []
