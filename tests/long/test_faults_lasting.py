# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every fault, lasting, at every operation of an onboarding: told with cause and remedy; never a false ok."""

from __future__ import annotations

import re
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
    reports.keep("faults-lasting", table(cases))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_lasting(
    simulator: Simulator, fresh: Iterator[str], onboarding: list[tuple[str, str]], told: list[Case], fault: Fault
) -> None:
    cases = []
    for method, path in dict.fromkeys(onboarding):
        if fault.writes and method not in WRITES:
            continue
        tenant = next(fresh)
        pattern = f"^{re.escape(path).replace(re.escape('{}'), r'[0-9]+')}$"
        cases.append(
            Case(fault, f"{method} {path}", tenant, {**fault.rule, "tenant": tenant, "method": method, "path": pattern})
        )
    carry_out(simulator, cases)
    told += cases
    assert [(case.where, case.outcome, case.message, case.problems) for case in cases if case.problems] == []
