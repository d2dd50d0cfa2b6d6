# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The statuses of an integration, and how complete the table is that it was made from. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._errors import UNVERIFIED
from ansible_collections.msp.connectwise.plugins.module_utils._names import counted

# From best to worst; of several members of one integration the worst counts.
STATUSES = ("absent", "ready", "new", "drifted", "pending", "failed", "unreachable")
# Statuses that make a tenant count as failed.
BAD = ("failed", "unreachable")
# Statuses that a run of onboard, or a person, still has to see to.
LEFT = ("pending", "drifted", "new", *BAD)
PARTIAL = "partial"
# Errors that say that the tenant was not there, rather than that it refused something.
_AWAY = (
    "AnswerTooLarge",
    "ConnectionFailed",
    "DeadlinePassed",
    "LostAnswer",
    "NotThePsa",
    "TooSlow",
    "TransientFailure",
)


def status_of(
    *,
    error: str,
    state: str,
    in_sync: bool | None,
    steps: Sequence[Mapping[str, Any]],
    predicts: bool,
    gone: bool = False,
    new: bool = False,
    error_kind: str = "",
) -> str:
    """Return the status of one member's part of an integration.

    predicts: the run changes nothing (an audit, or check mode), so a difference is drift and not a failure.
    gone: nothing of an integration that is to be absent is left. new: nothing of it exists yet.
    """
    if error:
        return "unreachable" if error_kind in _AWAY else "failed"
    if state == "absent":
        return "pending" if steps else "drifted" if predicts and in_sync is not None and not gone else "absent"
    if predicts:
        return "ready" if in_sync else "new" if new else "drifted"
    # Steps may be left although the key works: one that was to be replaced, or a replaced one that is to be deleted.
    return "pending" if steps else "ready" if in_sync else "failed"


def is_gone(profile: Mapping[str, Any], found: Mapping[str, Any], key: Mapping[str, Any]) -> bool:
    """Return whether nothing of an integration is left; a technician's own membership is none of ours."""
    active = _has_own_member(profile) and bool((found.get("member") or {}).get("active"))
    return not active and not key.get("public_key") and found.get("key") != "valid"


def is_new(profile: Mapping[str, Any], found: Mapping[str, Any], key: Mapping[str, Any]) -> bool:
    """Return whether the tenant has nothing of an integration and the store has no key of it.

    A technician's own membership is none of ours.
    """
    if found.get("key") != "none" or key.get("public_key"):
        return False
    if not _has_own_member(profile):
        return True
    member, role = found.get("member") or {}, found.get("role") or {}
    # What was not read may exist.
    return all(one.get("exists") is False for one in (member, role))


def _has_own_member(profile: Mapping[str, Any]) -> bool:
    return bool(profile.get("strategy", "shared_api_member") != "per_technician")


def worst(statuses: Sequence[str]) -> str:
    """Return the status of an integration out of those of its members."""
    if "new" in statuses and set(statuses) != {"new"}:
        # Some of it exists.
        statuses = ["drifted" if one == "new" else one for one in statuses]
    return max(statuses, key=STATUSES.index)


def failing(fail_on: Sequence[str]) -> list[str]:
    """Return the statuses that fail a run. Who counts what differs counts what does not exist yet as well."""
    return [*fail_on, *(["new"] if "drifted" in fail_on and "new" not in fail_on else [])]


def completeness(profile: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an entry that say how much of the vendor's page its profile holds.

    completeness: None if the profile does not say it. gaps: a line for each thing that is not known.
    """
    gaps = list(profile.get("gaps") or [])
    said = profile.get("completeness") or (PARTIAL if gaps else None)
    return {"completeness": said, "gaps": gaps}


def partly(entry: Mapping[str, Any]) -> str:
    """Return "partial: 3 gaps" for an integration whose profile holds a part of the vendor's page; else nothing."""
    return "" if entry["status"] in ("absent", *BAD) else partial_table(entry)


def partial_table(profile: Mapping[str, Any]) -> str:
    """Return "partial: 3 gaps" for a profile that holds a part of the vendor's page; else nothing."""
    said = completeness(profile)
    if said["completeness"] != PARTIAL:
        return ""
    amount = f": {counted(len(said['gaps']), 'gap')}" if said["gaps"] else ""
    return f"{PARTIAL}{amount}"


def is_unverified(entry: Mapping[str, Any]) -> bool:
    """Return whether a tenant did not show all that makes an integration ready."""
    return entry["status"] == "ready" and any(str(line).startswith(UNVERIFIED) for line in entry.get("notes") or [])


def shades(entry: Mapping[str, Any]) -> list[str]:
    """Return what stands in brackets behind the status of an entry, wherever it is told."""
    return [*filter(None, [partly(entry)]), *(["not verified"] if is_unverified(entry) else [])]


def in_words(entry: Mapping[str, Any], word: str = "") -> str:
    """Return the status of an entry, or the word for it, with what is to be known of it."""
    said = word or str(entry["status"])
    return f"{said} ({'; '.join(more)})" if (more := shades(entry)) else said
