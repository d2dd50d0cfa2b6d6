# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The time that a run has for a tenant, which its plays and tasks share, although each task is a process of its own.

What they spend, and which integrations reached a limit of time, stands in files of the run, beside its journal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._connection import parse_connection
from ansible_collections.msp.connectwise.plugins.module_utils._errors import DeadlinePassed, PsaError, error_from
from ansible_collections.msp.connectwise.plugins.module_utils._patience import Deadline
from ansible_collections.msp.connectwise.plugins.plugin_utils import _report

# Seconds that the deadline of a tenant has for each vendor after the first, unless the deadline is set.
FURTHER_VENDOR = 120.0
_LATE, _SPENT = "connectwise_late.jsonl", "connectwise_spent.jsonl"


def deadline_of(connection: Mapping[str, Any], *, tenant: str, vendors: int) -> Deadline:
    """Return the deadline of a tenant, with the time that this run has spent on it already taken off.

    connection: its options; without a deadline among them each vendor after the first adds to the default. tenant: its
    host; empty for a task that shares its time with nobody. vendors: how many of the tenant's are worked on.
    Raises PsaError or ValueError if the options are no connection.
    """
    given = {name: value for name, value in connection.items() if value is not None}
    seconds = parse_connection(given).policy.deadline
    if "deadline" not in given:
        seconds += FURTHER_VENDOR * (max(1, vendors) - 1)
    return Deadline(seconds, spent=spent(tenant) if tenant else 0.0)


def note_spent(tenant: str, seconds: float, vendor: str = "") -> None:
    """Note seconds that this run has spent on a tenant, and for which vendor, if it was for one."""
    entry = {"tenant": tenant, "vendor": vendor, "seconds": round(seconds, 3)}
    _report.note(_report.run_directory(), entry, _SPENT)


def spent(tenant: str) -> float:
    """Return the seconds that this run has spent on a tenant."""
    return sum(float(one["seconds"]) for one in _lines(tenant))


def vendors_of(tenant: str) -> set[str]:
    """Return the vendors of a tenant for which this run has spent time in tasks."""
    return {one["vendor"] for one in _lines(tenant) if one["vendor"]}


def _lines(tenant: str) -> list[dict[str, Any]]:
    return [one for one in _report.notes(_report.run_directory(), _SPENT) if one["tenant"] == tenant]


def not_begun(vendor: str, late: PsaError) -> DeadlinePassed:
    """Return the error of an integration after another one of the tenant has reached a limit of time."""
    where = f"{late.operation}: " if late.operation else ""
    problem = DeadlinePassed(
        f"not begun, because {vendor} had no answer in time: {where}{late.problem}",
        remedy=late.remedy,
        tenant=late.tenant,
    )
    problem.limit = ""
    return problem


def note_late(tenant: str, vendor: str, error: Mapping[str, Any]) -> None:
    """Note that an integration reached a limit of time, for the tasks of the tenant's other vendors."""
    _report.note(_report.run_directory(), {"tenant": tenant, "vendor": vendor, "error": dict(error)}, _LATE)


def require_in_time(tenant: str, vendor: str) -> None:
    """Raise DeadlinePassed if another integration of the tenant has reached a limit of time in this run."""
    for late in _report.noted(_report.run_directory(), _LATE):
        if late["tenant"] == tenant and late["vendor"] != vendor:
            raise not_begun(late["vendor"], error_from(late))
