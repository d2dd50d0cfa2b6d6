# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to type after a run of a fleet playbook, and for which tenants. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._names import counted
from ansible_collections.msp.connectwise.plugins.plugin_utils._commands import (
    Typed,
    heal,
    launched_as,
    playbook,
    short_path,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils._status import BAD, LEFT, STATUSES

NAMES = 4  # so many names are told before "and 12 more", or before the file that lists them
# Those that may be run again as they were.
PLAYBOOKS = ("onboard", "audit", "rotate_keys", "offboard", "store_key", "finish", "key_report")
# Those that a prediction is followed by; what the others find is made good by onboard.
CONVERGING = ("onboard", "rotate_keys", "offboard", "finish")
Fleet = Mapping[str, Any]


def with_status(
    fleet: Fleet, names: Iterable[str], statuses: Iterable[str]
) -> list[tuple[str, str, Mapping[str, Any]]]:
    wanted = set(statuses)
    return [
        (name, vendor, cell)
        for name in names
        for vendor, cell in sorted(fleet["tenants"][name]["integrations"].items())
        if cell["status"] in wanted
    ]


def of_this_run(
    fleet: Fleet, found: Iterable[tuple[str, str, Mapping[str, Any]]]
) -> list[tuple[str, str, Mapping[str, Any]]]:
    return [one for one in found if one[2]["run"] == fleet["run"]]


def found_by_run(
    fleet: Fleet, names: Sequence[str], statuses: Iterable[str]
) -> list[tuple[str, str, Mapping[str, Any]]]:
    """What this run has found; of one that has looked at no integration, what earlier ones found."""
    wanted = set(statuses)
    known = with_status(fleet, names, STATUSES)
    return [one for one in of_this_run(fleet, known) or known if one[2]["status"] in wanted]


def named(words: Sequence[str]) -> str:
    more = f" and {len(words) - NAMES} more" if len(words) > NAMES else ""
    return ", ".join(words[:NAMES]) + more


def next_commands(fleet: Fleet, names: Sequence[str], files: Mapping[str, str], run: Typed) -> list[str]:
    """Return what to type next, for the tenants that failed, for those that wait for a person, and for the rest."""
    name, check = str(fleet["playbook"]), fleet["check_mode"]
    mine = of_this_run(fleet, with_status(fleet, names, STATUSES))
    if name == "store_key" and not mine:
        return [playbook("onboard", run, _limit(set(names), None, run))]
    lone = {one for one in names if fleet["tenants"][one]["error"] and not fleet["tenants"][one]["integrations"]}
    failed = lone | {one[0] for one in mine if one[2]["status"] in BAD}
    waiting = {
        one[0] for one in (mine if check else with_status(fleet, names, ["pending"])) if one[2]["status"] == "pending"
    }
    differing = {one[0] for one in found_by_run(fleet, names, ["drifted", "new"])}
    if check:
        differing |= {one[0] for one in mine if one[2].get("changes")}
        waiting -= differing
    else:
        # What stores the keys mends the rest of these tenants as well.
        differing -= waiting
    # The same run would be refused the same keys again.
    refused = {one[0] for one in mine if one[2].get("refused") and one[2]["status"] in ("failed", "drifted")}
    refused = refused if name != "offboard" else set()
    failed, differing = failed - refused, differing - refused
    away = lone | {one[0] for one in with_status(fleet, names, ["unreachable"])}
    # To take away is said of the tenants of this run alone, and the files name those of other runs too.
    files = {} if name == "offboard" else files
    wanted = [
        ("doctor" if away else name if name in PLAYBOOKS else "onboard", failed, files.get("failed")),
        ("offboard" if name == "offboard" else "finish", waiting - failed, files.get("left")),
        (name if name in CONVERGING and check else "onboard", differing - failed, files.get("left")),
    ]
    commands = [heal(run, _limit(refused, files.get("left"), run))] if refused else []
    commands += _joined([one for one in wanted if one[1]], files.get("left"), run)
    if not commands and not check:
        commands += _of_earlier_runs(fleet, names, run)
    if not commands and name in ("onboard", "finish", "rotate_keys", "store_key") and fleet["tenants"]:
        commands.append(playbook("audit", run))
    return commands


def _joined(wanted: Sequence[tuple[str, set[str], str | None]], left: str | None, run: Typed) -> list[str]:
    """Return the commands, one for each playbook, or for each job template of AWX. left: names the tenants of all."""
    found: dict[str, tuple[str, set[str], str | None]] = {}
    for name, tenants, file in wanted:
        place = launched_as(name, run)
        before = found.get(place)
        found[place] = (before[0], before[1] | tenants, left) if before else (name, tenants, file)
    return [playbook(name, run, _limit(tenants, file, run)) for name, tenants, file in found.values()]


def _of_earlier_runs(fleet: Fleet, names: Sequence[str], run: Typed) -> list[str]:
    """What tells how it stands where an earlier run was not content: one tenant, its vendors, and without a write."""
    known = with_status(fleet, names, (*BAD, "drifted", "new"))
    bad = [(name, vendor) for name, vendor, cell in known if cell["run"] != fleet["run"]]
    if not bad:
        return []
    vendors = ",".join(vendor for name, vendor in bad if name == bad[0][0])
    return [playbook("audit", run.without("cw_integrations"), [bad[0][0]], ["-e", f"cw_integrations={vendors}"])]


def nothing_to_type(fleet: Fleet, names: Sequence[str]) -> str:
    """Return what stands in the place of a command if there is nothing to type."""
    others = sorted({name for name, _vendor, _cell in with_status(fleet, set(fleet["tenants"]) - set(names), LEFT)})
    if not others:
        return "nothing; there is nothing left to do"
    said = "this tenant" if len(names) == 1 else f"these {counted(len(names), 'tenant')}"
    return f"nothing for {said}; the report says what is left for {named(others)}"


def _limit(names: set[str], file: str | None, run: Typed) -> list[str]:
    """Names while they are few, else the file that lists them, else what this run was limited to."""
    if len(names) <= NAMES:
        return sorted(names)
    return [f"@{short_path(file, run.here)}"] if file else [run.limit] if run.limit else []
