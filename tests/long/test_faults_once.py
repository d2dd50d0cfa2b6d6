# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every fault once at every request of an onboarding: converged, or told with cause and remedy; never a false ok."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract import reports
from tests.contract.campaign import FAULTS, WRITES, Case, Fault, carry_out, table
from tests.simulator.client import Simulator


@pytest.fixture(scope="module")
def told() -> Iterator[list[Case]]:
    """All cases, for the table at the end."""
    cases: list[Case] = []
    yield cases
    reports.keep("faults-once", table(cases))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_once(
    simulator: Simulator, fresh: Iterator[str], onboarding: list[tuple[str, str]], told: list[Case], fault: Fault
) -> None:
    cases = []
    for number, (method, path) in enumerate(onboarding, start=1):
        if fault.writes and method not in WRITES:
            continue
        tenant = next(fresh)
        cases.append(
            Case(fault, f"request {number}, {method} {path}", tenant, {**fault.rule, "tenant": tenant, "nth": number})
        )
    carry_out(simulator, cases)
    told += cases
    assert [(case.where, case.outcome, case.message, case.problems) for case in cases if case.problems] == []
