# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report about a whole fleet, out of the entries of single integrations. Pure functions, mostly.

A fleet: {format, generated, run, playbook, check_mode, tenants: {name: {error, time, integrations: {vendor: cell}}}}.
A cell is an entry without what is empty and without the hand-over; `run` says which run has seen it last.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._connection import shown_key
from ansible_collections.msp.connectwise.plugins.module_utils._names import counted
from ansible_collections.msp.connectwise.plugins.plugin_utils import _files
from ansible_collections.msp.connectwise.plugins.plugin_utils._json import loaded
from ansible_collections.msp.connectwise.plugins.plugin_utils._order import spoken
from ansible_collections.msp.connectwise.plugins.plugin_utils._report import is_entry
from ansible_collections.msp.connectwise.plugins.plugin_utils._status import in_words

FORMAT = "msp.connectwise fleet 1"
Fleet = dict[str, Any]
Cell = dict[str, Any]

_KEPT = (
    *("product", "status", "time", "member", "changed", "changes", "differences", "manual_steps", "ordered", "error"),
    "unknown_vendor",
    "asks",
    "completeness",
    "gaps",
    "notes",
    "refused",
)


def now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def hours_ago(hours: float) -> str:
    return (datetime.now(timezone.utc) - timedelta(hours=hours)).isoformat(timespec="seconds")


def cell_of(entry: Mapping[str, Any], run: str) -> Cell:
    cell = {name: entry[name] for name in _KEPT if entry.get(name)}
    access = {name: found for name, found in (entry.get("access") or {}).items() if found and isinstance(found, list)}
    access.pop("probes", None)
    if access and cell["status"] != "ready":
        cell["access"] = access
    if entry.get("key"):
        # The whole public half stands in the tenant's own files, where it is needed.
        cell["key"] = {**entry["key"], "public_key": shown_key(entry["key"]["public_key"])}
    if entry.get("old_keys"):
        cell["old_keys"] = entry["old_keys"]
    members = [part["member"] for part in entry.get("parts") or [] if part.get("member")]
    if members:
        cell["member"] = ", ".join(members)
    return {**cell, "run": run}


def new_fleet(run: str, playbook: str, *, check_mode: bool = False) -> Fleet:
    return {
        "format": FORMAT,
        "generated": now(),
        "run": run,
        "playbook": playbook,
        "check_mode": check_mode,
        "tenants": {},
    }


def _tenant(fleet: Fleet, name: str) -> dict[str, Any]:
    tenant: dict[str, Any] = fleet["tenants"].setdefault(name, {"error": "", "time": "", "integrations": {}})
    return tenant


def add_entries(fleet: Fleet, entries: Iterable[Mapping[str, Any]]) -> None:
    for entry in entries:
        cells = _tenant(fleet, entry["tenant"])["integrations"]
        known = cells.get(entry["vendor"])
        if known is None or known["time"] <= entry["time"]:
            cells[entry["vendor"]] = cell_of(entry, fleet["run"])


def add_absence(fleet: Fleet, name: str, error: str, vendors: Iterable[str]) -> None:
    """A tenant about which the run has found out nothing."""
    tenant, time = _tenant(fleet, name), now()
    tenant.update(error=error, time=time)
    for vendor in vendors:
        cell = {"product": vendor, "status": "unreachable", "time": time, "error": error, "run": fleet["run"]}
        tenant["integrations"].setdefault(vendor, cell)


def forget_absences(known: Fleet, fleet: Mapping[str, Any]) -> None:
    """Drop from an earlier report that a tenant was away, if this one has reached it."""
    for name, tenant in fleet["tenants"].items():
        reached = any(cell["status"] != "unreachable" for cell in tenant["integrations"].values())
        before = known["tenants"].get(name)
        if before is not None:
            # A name that no vendor has was corrected, or this run has found it again.
            kept = {vendor: cell for vendor, cell in before["integrations"].items() if not cell.get("unknown_vendor")}
            before["integrations"] = kept
        if reached and before is not None:
            before["error"] = ""
            before["integrations"] = {
                vendor: cell for vendor, cell in before["integrations"].items() if cell["status"] != "unreachable"
            }


def add_fleet(fleet: Fleet, other: Mapping[str, Any], *, only: Iterable[str] | None = None, since: str = "") -> None:
    """Take in what another report knows; of two cells about the same integration the newer counts."""
    wanted = None if only is None else set(only)
    for name, there in other["tenants"].items():
        if wanted is not None and name not in wanted:
            continue
        cells = {vendor: cell for vendor, cell in there["integrations"].items() if cell["time"] >= since}
        error = there["error"] if there["time"] >= since else ""
        if not cells and not error:
            continue
        tenant = _tenant(fleet, name)
        for vendor, cell in cells.items():
            mine = tenant["integrations"].get(vendor)
            if mine is None or mine["time"] < cell["time"]:
                product = mine["product"] if mine else ""
                # A tenant that was not reached does not tell its products; another report may.
                nameless = cell["product"] == vendor and product
                tenant["integrations"][vendor] = {**cell, "product": product} if nameless else cell
            elif mine["product"] == vendor:
                mine["product"] = cell["product"]
        if error and there["time"] > tenant["time"]:
            tenant.update(error=error, time=there["time"])
        others = (cell["time"] for cell in tenant["integrations"].values() if cell.get("error") != error)
        newest = max(others, default="")
        if newest > tenant["time"]:
            tenant.update(error="", time=newest)


def entries_below(directory: Path, max_age_hours: float) -> list[dict[str, Any]]:
    """The files that runs have left for each tenant and vendor, as far as they are not older than that."""
    since = hours_ago(max_age_hours)
    entries = []
    for path in sorted(directory.glob("*/*.json")):
        try:
            entry = loaded(_files.read_text(path, below=directory.parent))
        except (OSError, ValueError, _files.NotAFile):
            # Half a file is one that its run did not end; what is no file is no report of ours.
            continue
        if is_entry(entry) and {"tenant", "vendor"} <= entry.keys() and entry["time"] >= since:
            entries.append(entry)
    return entries


def counts(fleet: Mapping[str, Any]) -> dict[str, int]:
    """Integrations by status; a tenant of which not even the vendors are known counts once."""
    found: Counter[str] = Counter()
    for tenant in fleet["tenants"].values():
        found.update(cell["status"] for cell in tenant["integrations"].values())
        found.update(["unreachable"] if tenant["error"] and not tenant["integrations"] else [])
    return dict(found)


def tenants_with(fleet: Mapping[str, Any], statuses: Iterable[str]) -> list[str]:
    """Tenants with an integration of one of these statuses, such as a rerun should take up."""
    wanted = set(statuses)
    return sorted(
        name
        for name, tenant in fleet["tenants"].items()
        if any(cell["status"] in wanted for cell in tenant["integrations"].values())
        or (tenant["error"] and "unreachable" in wanted)
    )


def word(cell: Mapping[str, Any]) -> str:
    """A status, with the number of steps that a pending one waits for, and with what is to be known of it."""
    steps = f" {len(cell.get('manual_steps') or [])}" if cell["status"] == "pending" else ""
    return in_words(cell, f"{cell['status']}{steps}")


def changes_since(known: Mapping[str, Any] | None, fleet: Mapping[str, Any]) -> dict[str, Any] | None:
    """What is otherwise than an earlier report has it: {generated, changes: [{tenant, vendor, before, after}]}."""
    if known is None:
        return None
    before = {
        (name, vendor): word(cell)
        for name, tenant in known["tenants"].items()
        for vendor, cell in tenant["integrations"].items()
    }
    generated = known["generated"]
    if known["run"] == fleet["run"]:
        # A play with serial writes once a batch: the run to compare with is the one before all of them.
        if not known.get("since"):
            return None
        generated = known["since"]["generated"]
        before.update({(one["tenant"], one["vendor"]): one["before"] for one in known["since"]["changes"]})
    changes = [
        {"tenant": name, "vendor": vendor, "before": before.get((name, vendor), ""), "after": word(cell)}
        for name, tenant in sorted(fleet["tenants"].items())
        for vendor, cell in sorted(tenant["integrations"].items())
        if before.get((name, vendor), "") != word(cell)
    ]
    return {"generated": generated, "changes": changes}


def about(fleet: Mapping[str, Any]) -> str:
    found = counts(fleet)
    parts = ", ".join(f"{found[status]} {status}" for status in sorted(found))
    mode = " (check mode: nothing was changed)" if fleet["check_mode"] else ""
    amount = f"{counted(len(fleet['tenants']), 'tenant')}, {counted(sum(found.values()), 'integration')}"
    return f"{fleet['playbook']}{mode}, {spoken(fleet['generated'])}: {amount}: {parts}"


def packed(fleet: Mapping[str, Any]) -> Fleet:
    """The same, smaller: each manual step once, and cells that name steps by number."""
    numbers: dict[str, int] = {}
    steps: list[dict[str, Any]] = []
    tenants = {}
    for name, tenant in fleet["tenants"].items():
        cells = {}
        for vendor, cell in tenant["integrations"].items():
            mine = []
            for step in cell.get("manual_steps") or []:
                text = json.dumps(step, sort_keys=True, default=str)
                if text not in numbers:
                    numbers[text] = len(steps)
                    steps.append(step)
                mine.append(numbers[text])
            rest = {key: value for key, value in cell.items() if key != "manual_steps"}
            cells[vendor] = {**rest, "steps": mine} if mine else rest
        tenants[name] = {**tenant, "integrations": cells}
    # What changed on one machine is of no use to those that merge this with other reports.
    rest = {key: value for key, value in fleet.items() if key != "since"}
    return {**rest, "tenants": tenants, "steps": steps}


def unpacked(small: Any) -> Fleet:
    """Raises ValueError for what is no fleet report, or none that is whole."""
    try:
        return _unpacked(small)
    except (AttributeError, IndexError, KeyError, TypeError):
        raise ValueError("a fleet report is not whole; run the job that made it again") from None


def _unpacked(small: Mapping[str, Any]) -> Fleet:
    if small.get("format") != FORMAT:
        raise ValueError(f"not a fleet report of this collection (format {small.get('format')!r})")
    if "steps" not in small:
        return dict(small)
    tenants = {}
    for name, tenant in small["tenants"].items():
        cells = {}
        for vendor, cell in tenant["integrations"].items():
            rest = {key: value for key, value in cell.items() if key != "steps"}
            mine = [small["steps"][number] for number in cell.get("steps") or []]
            cells[vendor] = {**rest, "manual_steps": mine} if mine else rest
        tenants[name] = {**tenant, "integrations": cells}
    return {**{key: value for key, value in small.items() if key != "steps"}, "tenants": tenants}
