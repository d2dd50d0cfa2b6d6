# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the campaigns of faults share: a fleet, tenants nobody has used yet, and the requests of an onboarding."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.campaign import FLEET, requests_of, tenants
from tests.simulator.client import Simulator


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with Simulator(FLEET, tmp_path_factory.mktemp("psa")) as running:
        yield running


@pytest.fixture(scope="module")
def fresh() -> Iterator[str]:
    return tenants()


@pytest.fixture(scope="module")
def onboarding(simulator: Simulator, fresh: Iterator[str]) -> list[tuple[str, str]]:
    found = requests_of(simulator, next(fresh))
    assert len(found) > 30
    assert {method for method, _path in found} == {"GET", "POST", "PATCH", "PUT"}
    return found
