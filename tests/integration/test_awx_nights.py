# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX's nights, with the ansible-core of the tests; tests/long has them with the oldest and the newest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.awx.night import Nights, NightTests, nights


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    with nights(tmp_path_factory.mktemp("nights") / "root") as found:
        yield found


@pytest.mark.timeout(900)
class TestNights(NightTests):
    """With the ansible-core of the tests."""
