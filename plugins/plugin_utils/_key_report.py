# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What there is to say about the keys of an integration, without any secret. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._connection import shown_key
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_life import (
    Facts,
    Record,
    Wish,
    age_days,
    clock_skew,
    known_public_keys,
    retired_keys,
    why_refused,
)


def _findings(record: Record, facts: Facts, wish: Wish, now: datetime) -> list[str]:
    current = record.get("current") or {}
    found = []
    if facts.state == "refused":
        found.append(f"the tenant refuses the stored key: {why_refused(record, facts)}")
    elif facts.state == "foreign":
        found.append(f"the stored key belongs to another member than {wish.member}")
    elif not current:
        found.append("the store has no key")
    if skew := clock_skew(current.get("created"), now):
        found.append(skew)
    age = age_days(current.get("created"), now)
    if wish.max_age_days and age is not None and age > wish.max_age_days:
        found.append(f"the key is {age:.0f} days old, more than {wish.max_age_days:g}: run playbooks/rotate_keys.yml")
    if record.get("next"):
        found.append("a run was interrupted while it made a key: run playbooks/onboard.yml")
    return found


def report(
    record: Record, facts: Facts, wish: Wish, access: Mapping[str, Any] | None, place: str, problem: str, now: datetime
) -> dict[str, Any]:
    """The keys of one member: the current one, replaced ones, those that only the tenant knows, and what is wrong."""
    current = record.get("current") or {}
    public = current.get("public_key")
    age = age_days(current.get("created"), now)
    known = set(known_public_keys(record))
    unknown = [
        {"id": key.get("id"), "description": key.get("description"), "public_key": key.get("public_key")}
        for key in facts.keys
        if key.get("public_key") not in known
    ]
    findings = [problem] if problem else _findings(record, facts, wish, now)
    if unknown:
        findings.append(f"{len(unknown)} keys of the member are not in the store: use, store or delete them")
    access = access or {}
    excess = [
        f"{one['module']} / {one['function']} {one['level']}: {one['actual']} instead of {one['wanted']}"
        for one in access.get("excess") or []
    ] + [f"{one['function']}: {one['item']}" for one in access.get("excess_items") or []]
    if excess:
        findings.append(f"the key has {len(excess)} rights beyond the vendor's page")
    return {
        "member": wish.member,
        "member_active": facts.active,
        "state": facts.state,
        "public_key": shown_key(public) if public and facts.state != "valid" else public,
        "created": current.get("created"),
        "age_days": None if age is None else round(age, 1),
        "place": place,
        "retired": [{"public_key": key.get("public_key"), "since": key.get("since")} for key in retired_keys(record)],
        "unknown": unknown,
        # Whether unknown keys would be seen: the API publishes no list of keys.
        "listed": facts.offered is True,
        "excess": excess,
        "findings": findings,
    }


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
        cells = [name, one["member"], one["public_key"] or "", one["state"], age, one["place"]]
        lines.append(f"| {' | '.join(str(cell) for cell in cells)} |")
    for name, one in sorted(reports.items()):
        details = [f"- {finding}" for finding in one["findings"]]
        details += [f"- not in the store: {key['public_key']} ({key['description']})" for key in one["unknown"]]
        details += [
            f"- replaced, still to be deleted: {key['public_key']}, since {key['since']}" for key in one["retired"]
        ]
        details += [f"- beyond the vendor's page: {right}" for right in one["excess"]]
        if not one["listed"]:
            details.append("- the tenant's API lists no keys, so keys that the store does not know cannot be seen")
        if details:
            lines += ["", f"## {name}", "", *details]
    return "\n".join([*lines, ""])
