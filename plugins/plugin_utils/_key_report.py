# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What there is to say about the keys of an integration, without any secret. Pure functions, but for `forget`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._connection import shown_key
from ansible_collections.msp.connectwise.plugins.module_utils._names import counted
from ansible_collections.msp.connectwise.plugins.plugin_utils import _files
from ansible_collections.msp.connectwise.plugins.plugin_utils._json import loaded
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_facts import Facts, Wish, refusal
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_record import (
    Record,
    age_days,
    clock_skew,
    known_public_keys,
    leftover_keys,
    retired_keys,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils._order import spoken


def _findings(record: Record, facts: Facts, state: str, wish: Wish, now: datetime) -> list[str]:
    current = record.get("current") or {}
    found = []
    if state == "refused":
        found.append(refusal(record, facts, wish))
    elif state == "foreign":
        found.append(f"the stored key belongs to another member than {wish.member}")
    elif not current:
        found.append("the store has no key")
    if skew := clock_skew(current.get("created"), now):
        found.append(skew)
    age = age_days(current.get("created"), now)
    if wish.max_age_days and age is not None and age > wish.max_age_days:
        old = f"{counted(round(age), 'day')} old, more than {wish.max_age_days:g}"
        found.append(f"the key is {old}: run msp.connectwise.rotate_keys")
    if record.get("next"):
        found.append("a run was interrupted while it made a key: run msp.connectwise.onboard")
    if left := leftover_keys(record):
        names = ", ".join(str(key.get("public_key")) for key in left)
        found.append(
            f"an interrupted run or somebody else has made {names}: msp.connectwise.onboard says how to delete it"
        )
    return found


def report(
    record: Record,
    facts: Facts,
    state: str,
    wish: Wish,
    access: Mapping[str, Any] | None,
    place: str,
    problem: str,
    now: datetime,
) -> dict[str, Any]:
    """The keys of one member: the current one, replaced ones, those that only the tenant knows, and what is wrong."""
    current = record.get("current") or {}
    public, age = current.get("public_key"), age_days(current.get("created"), now)
    known = set(known_public_keys(record))
    unknown = [
        {"id": key.get("id"), "description": key.get("description"), "public_key": key.get("public_key")}
        for key in facts.keys
        if key.get("public_key") not in known
    ]
    findings = [problem] if problem else _findings(record, facts, state, wish, now)
    excess = _excess(access or {})
    return {
        "member": wish.member,
        "member_active": facts.active,
        "state": state,
        # Of a pair that the tenant does not know, the halves may have been swapped.
        "public_key": public if state == "valid" or not public else shown_key(public),
        "created": current.get("created"),
        "age_days": None if age is None else round(age, 1),
        "place": place,
        "key_id": current.get("key_id"),
        "retired": [{"public_key": key.get("public_key"), "since": key.get("since")} for key in retired_keys(record)],
        "unknown": unknown,
        # Whether unknown keys would be seen: the API publishes no list of keys.
        "listed": facts.offered is True,
        "excess": excess,
        "findings": [*findings, *_counted(unknown, excess)],
    }


def _excess(access: Mapping[str, Any]) -> list[str]:
    rows = [
        f"{one['module']} / {one['function']} {one['level']}: {one['actual']} instead of {one['wanted']}"
        for one in access.get("excess") or []
    ]
    return rows + [f"{one['function']}: {one['item']}" for one in access.get("excess_items") or []]


def _counted(unknown: Sequence[Mapping[str, Any]], excess: Sequence[str]) -> list[str]:
    """Return the findings about unknown keys and excess rights, which `details` lists one by one."""
    found = []
    if unknown:
        what = counted(len(unknown), "key")
        found.append(f"the member has {what} that the store does not know: use, store or delete what is listed")
    if excess:
        found.append(f"the key has {counted(len(excess), 'right')} beyond the vendor's page")
    return found


# What a report says of a key in this state, which the run that saw it so did not look into.
_STATES = {
    "valid": [],
    "none": ["the store has no key"],
    "refused": ["the tenant refuses the stored key; msp.connectwise.key_report says why"],
    "foreign": ["the stored key belongs to another member"],
}


def _renewed(one: Mapping[str, Any], seen: Mapping[str, Any], now: datetime) -> dict[str, Any] | None:
    """Return a key's report with what a later run has seen of the key; None if it says so already.

    seen: what `_step_results.entry_options` says of the key.
    """
    found, key = seen["found"], seen["key"]
    state, public, age = found.get("key"), key.get("public_key"), age_days(key.get("created"), now)
    public = public if state == "valid" or not public else shown_key(public)
    retired = [(shown_key(old["public_key"]), old["since"]) for old in one["retired"]]
    retires = [(shown_key(old["public_key"]), old["since"]) for old in seen["retired"]]
    if state not in _STATES or (state, public, retires) == (one["state"], one["public_key"], retired):
        return None
    # A pair in the record of the key that was replaced went with it.
    gone = one.get("key_id") if key.get("public_key") and public != one["public_key"] else None
    unknown = [
        other
        for other in one["unknown"]
        if other.get("public_key") != public and (gone is None or other.get("id") != gone)
    ]
    excess = _excess(found.get("access") or {})
    return {
        **one,
        "state": state,
        "public_key": public,
        "key_id": None,
        "created": key.get("created"),
        "age_days": None if age is None else round(age, 1),
        "place": seen["place"],
        "retired": list(seen["retired"]),
        "unknown": unknown,
        "excess": excess,
        "findings": [*_STATES[state], *_counted(unknown, excess)],
    }


def state_word(state: str) -> str:
    """Return the state of a key as people read it; "none" says nothing behind a number of keys."""
    return "missing" if state == "none" else state


def text(reports: Mapping[str, Mapping[str, Any]], tenant: str) -> str:
    """The reports of a tenant as a person reads them."""
    lines = [f"# Keys of {tenant}", ""]
    if not reports:
        return "\n".join([*lines, "No integration was looked at.", ""])
    lines += [
        "| Integration | Member | Public key | State | Age in days | Store |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, one in sorted(reports.items()):
        age = "" if one["age_days"] is None else one["age_days"]
        cells = [name, one["member"], one["public_key"] or "", state_word(one["state"]), age, one["place"]]
        lines.append(f"| {' | '.join(str(cell) for cell in cells)} |")
    for name, one in sorted(reports.items()):
        if found := details(one):
            lines += ["", f"## {name}", "", *(f"- {line}" for line in found)]
    return "\n".join([*lines, ""])


def whole(found: Any) -> dict[str, dict[str, Any]]:
    """Of what a file holds, the reports that can be told: somebody else may have written it."""
    kept = {}
    for name, one in found.items() if isinstance(found, dict) else ():
        with suppress(AttributeError, KeyError, TypeError):
            text({name: one}, "")
            # Pages sort by the age, and count states.
            round(one["age_days"] or 0, 1)
            kept[name] = {**one, "state": str(one["state"])}
    return kept


def details(one: Mapping[str, Any]) -> list[str]:
    """What a person has to know about a key beyond its row of the table."""
    found = list(one["findings"])
    found += [f"not in the store: {shown_key(key['public_key'])} ({key['description']})" for key in one["unknown"]]
    found += [
        f"replaced, still to be deleted: {shown_key(key['public_key'])}"
        + (f", since {spoken(key['since'])}" if key["since"] else "")
        for key in one["retired"]
    ]
    found += [f"beyond the vendor's page: {right}" for right in one["excess"]]
    found += one.get("known") or []
    if risks := one.get("risks"):
        found.append(f"rights that the vendor's page asks for and that deserve a look: {'; '.join(risks)}")
    if not one["listed"]:
        found.append("the tenant's API lists no keys, so keys that the store does not know cannot be seen")
    return found


def renewed_reports(folder: Path, keys: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return those of a tenant's key reports that a run has seen to be otherwise, as they are now.

    keys: what `_step_results.entry_options` says of each key.
    """
    try:
        known = whole(loaded(_files.read_text(folder / "keys.json", below=folder.parent.parent)))
    except (OSError, ValueError, _files.NotAFile):
        return {}
    now = datetime.now(timezone.utc)
    named = ((one["record"], _renewed(known[one["record"]], one, now)) for one in keys if one["record"] in known)
    return {name: one for name, one in named if one is not None}


def write_reports(
    folder: Path, reports: Mapping[str, Mapping[str, Any]], tenant: str, write: Callable[[Path, str], None]
) -> None:
    """Put what was found into a tenant's key report; what it says of other integrations stays."""
    path = folder / "keys.json"
    try:
        known = whole(loaded(_files.read_text(path, below=folder.parent.parent)))
        written = _moment(path.stat().st_mtime)
        # A report of an earlier version is as old as its file.
        known = {name: {"seen": written, **one} for name, one in known.items()}
    except (FileNotFoundError, ValueError):
        known = {}
    seen = _moment(datetime.now(timezone.utc).timestamp())
    both = {**known, **{name: {**one, "seen": seen} for name, one in reports.items()}}
    write(path, json.dumps(both, indent=1, ensure_ascii=False) + "\n")
    write(folder / "keys.md", text(both, tenant))


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")


def forget(folder: Path, vendor: str, tenant: str, write: Callable[[Path, str], None]) -> None:
    """Take an integration that is gone out of a tenant's key report; the report goes with its last one."""
    path = folder / "keys.json"
    try:
        known = whole(loaded(_files.read_text(path, below=folder.parent.parent)))
    except FileNotFoundError:
        return
    except ValueError:
        known = {}
    # The records of a vendor with several members are named <vendor>/<member>.
    left = {name: one for name, one in known.items() if name.partition("/")[0] != vendor}
    if left:
        write(path, json.dumps(left, indent=1, ensure_ascii=False) + "\n")
        write(folder / "keys.md", text(left, tenant))
        return
    for name in ("keys.json", "keys.md"):
        (folder / name).unlink(missing_ok=True)
