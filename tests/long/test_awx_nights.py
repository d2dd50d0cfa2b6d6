# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX's nights with the oldest and the newest ansible-core in the execution environment: each reads extra variables
in a way of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.awx.night import Nights, NightTests, nights
from tests.cores import NEWEST, OLDEST, binaries_of


@pytest.fixture(scope="module", params=[OLDEST, "2.19", NEWEST])
def night(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    binaries = binaries_of(request.param, "ansible-runner>=2.4,<3")
    with nights(tmp_path_factory.mktemp("nights") / "root", binaries) as found:
        yield found


@pytest.mark.timeout(900)
class TestNights(NightTests):
    """The same, whatever the execution environment has."""
