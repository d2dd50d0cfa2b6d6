# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How one integration on one tenant ended: its status, its hand-over, its work order. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

Entry = dict[str, Any]

# From best to worst; of several members of one integration the worst counts.
STATUSES = ("absent", "ready", "drifted", "pending", "failed")


def status_of(
    *, error: str, state: str, in_sync: bool | None, steps: Sequence[Mapping[str, Any]], predicts: bool
) -> str:
    """predicts: the run changes nothing (an audit, or check mode), so a difference is drift and not a failure."""
    if error:
        return "failed"
    if state == "absent":
        return "pending" if steps else "drifted" if predicts and in_sync is not None else "absent"
    if in_sync:
        return "ready"
    if predicts:
        return "drifted"
    return "pending" if steps else "failed"


def worst(statuses: Sequence[str]) -> str:
    return max(statuses, key=STATUSES.index)


def site_host(host: str) -> str:
    """The host of the user interface that belongs to a cloud's API host; an on-premises host is both."""
    return host.removeprefix("api-")


def handover(profile: Mapping[str, Any], known: Mapping[str, Any]) -> Entry | None:
    """The fields the vendor's own console asks for, filled in; the private key as its place in the store."""
    wanted = profile.get("handover") or {}
    if not wanted:
        return None
    fields = []
    for field in wanted.get("fields") or []:
        source = field.get("from")
        value = known.get(source) if source else field.get("value")
        if value:
            fields.append({"label": field["label"], "value": value})
    return {
        "console": wanted.get("console"),
        "steps": list(wanted.get("steps") or []),
        "fields": fields,
        "watch": list(wanted.get("watch") or []),
    }


def merged(known: Entry, entry: Entry) -> Entry:
    """One entry for an integration of several members; each member's own stands in `parts`."""
    parts = [*(known.get("parts") or [known]), entry]
    return {
        **entry,
        "member": None,
        "parts": parts,
        "status": worst([part["status"] for part in parts]),
        "changed": any(part["changed"] for part in parts),
        "error": "; ".join(part["error"] for part in parts if part["error"]),
        "differences": [line for part in parts for line in part["differences"]],
        "manual_steps": [step for part in parts for step in part["manual_steps"]],
        "key": None,
        "handover": None,
    }


def summary(entry: Mapping[str, Any]) -> str:
    """The status of an entry in one line."""
    status = entry["status"]
    if status == "failed":
        return f"{entry['product']}: failed: {entry['error']}"
    if status == "pending":
        count = len(entry["manual_steps"])
        return f"{entry['product']}: pending, {count} manual step{'s' if count != 1 else ''} left"
    if status == "drifted":
        return f"{entry['product']}: drifted: {'; '.join(entry['differences'])}"
    return f"{entry['product']}: {status}"


def markdown(entry: Mapping[str, Any]) -> str:
    """The work order and the hand-over as a person reads them."""
    lines = [f"# {entry['product']} on {entry['tenant']}: {entry['status']}", ""]
    if entry["error"]:
        lines += ["## What went wrong", "", entry["error"], ""]
    if entry["manual_steps"]:
        lines += ["## Work order", "", "In ConnectWise PSA, in this order:", ""]
        number = 0
        for menu, steps in groupby(entry["manual_steps"], key=lambda step: step["menu"]):
            lines += [f"**{' > '.join(menu)}**", ""]
            for step in steps:
                number += 1
                lines.append(f"{number}. {step['do']}")
            lines.append("")
        lines += [f"Why by hand: {reason}" for reason in dict.fromkeys(step["why"] for step in entry["manual_steps"])]
        lines += ["", "Then run the same playbook again: what was done is seen, and its steps are gone.", ""]
    if entry["differences"] and entry["status"] != "ready":
        lines += ["## What differs", "", *(f"- {line}" for line in entry["differences"]), ""]
    lines += _rights(entry.get("access") or {})
    for part in entry.get("parts") or [entry]:
        if part.get("handover"):
            lines += _handover(part["handover"], part["member"] if entry.get("parts") else None)
    if entry.get("source"):
        lines += [f"Source of the profile: {entry['source']}", ""]
    return "\n".join(lines)


def _rights(access: Mapping[str, Any]) -> list[str]:
    lines = []
    for kind, title in (("missing", "Rights the key lacks"), ("excess", "Rights the key has beyond the profile")):
        rows = [
            f"| {one['module']} | {one['function']} | {one['level']} | {one['wanted']} | {one['actual']} |"
            for one in access.get(kind) or []
        ]
        items = [f"- {one['function']}: {one['item']}" for one in access.get(f"{kind}_items") or []]
        if rows:
            lines += [f"## {title}", "", "| Module | Function | Level | Wanted | Actual |", "| --- | --- | --- | --- | --- |"]
            lines += [*rows, ""]
        if items:
            lines += [f"## {title}: Customize lists", "", *items, ""]
    return lines


def _handover(handed: Mapping[str, Any], member: str | None) -> list[str]:
    lines = ["## Hand-over to the vendor" + (f": {member}" if member else ""), ""]
    if handed.get("console"):
        lines += [f"Where: {handed['console']}", ""]
    lines += [f"{number}. {step}" for number, step in enumerate(handed["steps"], 1)]
    if handed["fields"]:
        lines += ["", "| Field | Value |", "| --- | --- |"]
        lines += [f"| {field['label']} | {field['value']} |" for field in handed["fields"]]
    if handed["watch"]:
        lines += ["", "Watch:", "", *(f"- {line}" for line in handed["watch"])]
    return [*lines, ""]
