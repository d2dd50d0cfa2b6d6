# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an entry keeps of the one before it: a work order stays until its steps are seen done. Pure functions.

An entry between `entry_of` and `with_history` holds in `found` what the run saw, by which the earlier steps are judged:
{predicts, in_sync, differences, key (state of the stored key), access, member, open_steps}. `open_steps` (None if the
tenant could not be asked) are the steps that the API alone, without the integration's key, sees to be open; each may
say in `difference` by which line the differences name it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._names import same

Entry = dict[str, Any]
Step = Mapping[str, Any]

# What makes two steps one, by kind; the words of a step may change from release to release.
_IDENTITY: dict[str, tuple[str, ...]] = {
    "role_permission": ("role", "module", "function"),
    "role_activate": ("role",),
    "customize_list": ("role", "module", "function"),
    "create_key": ("member",),
    "store_key": ("member",),
    "delete_key": ("member", "public_key"),
    "own_key": ("member", "public_key"),
    "leftover_key": ("member", "public_keys"),
}
# What the API reads without the integration's own key.
_READ_BY_API = ("role_permission", "role_activate")
_KEY_STEPS = ("create_key", "store_key")
_KEY_LINES = ("no key is stored", "the stored key is refused")


def identity(step: Step) -> tuple[str, ...]:
    names = _IDENTITY.get(step["kind"], ("do",))
    return (step["kind"], *(str(step.get(name) or "").casefold() for name in names))


def still_open(steps: Sequence[Step], found: Mapping[str, Any], key_was: str = "", key_is: str = "") -> list[Step]:
    """The steps that are not seen done; one that cannot be judged stays.

    key_was, key_is: public half of the stored key when the steps were written, and now.
    """
    return [step for step in steps if not _is_done(step, found, key_was, key_is)]


def _is_done(step: Step, found: Mapping[str, Any], key_was: str, key_is: str) -> bool:
    kind, listed, access = step["kind"], found.get("open_steps"), found.get("access")
    if kind in _READ_BY_API and listed is not None:
        return identity(step) not in {identity(one) for one in listed}
    if kind in _KEY_STEPS:
        # A key that worked all the time does not show that the one to replace it was made.
        return found.get("key") == "valid" and bool(key_is) and key_is != key_was
    if kind == "role_activate":
        return bool(found.get("in_sync"))
    if access is None or not _holds(found, step):
        return False
    if kind == "role_permission":
        rows = [*(access.get("missing") or []), *(access.get("excess") or [])]
        return not any(_is_row(step, one) for one in rows)
    if kind == "customize_list":
        items = [*(access.get("missing_items") or []), *(access.get("excess_items") or [])]
        return not any(same(one["function"], step["function"]) for one in items)
    return False


def _is_row(step: Step, row: Mapping[str, Any]) -> bool:
    return same(row["module"], step["module"]) and same(row["function"], step["function"])


def _holds(found: Mapping[str, Any], step: Step) -> bool:
    """Whether what the key may do comes from the role that the step is about."""
    role = (found.get("member") or {}).get("security_role")
    return not role or same(str(role), str(step.get("role")))


def unexplained(found: Mapping[str, Any], steps: Sequence[Step]) -> list[str]:
    """The differences that no open step of a work order accounts for."""
    ordered = {identity(step) for step in steps}
    known = {str(one.get("difference")) for one in found.get("open_steps") or [] if identity(one) in ordered}
    key_steps = any(step["kind"] in _KEY_STEPS for step in steps)
    rights = ("missing: ", "excess: ") if _rights_are_ordered(found.get("access") or {}, steps) else ()
    # Behind these words a line says more of the same.
    begin = (*rights, *(_KEY_LINES if key_steps else ()))
    return [line for line in found.get("differences") or [] if line not in known and not line.startswith(begin)]


def _rights_are_ordered(access: Mapping[str, Any], steps: Sequence[Step]) -> bool:
    rows = [one for kind in ("missing", "excess") for one in access.get(kind) or []]
    rows += [one for one in access.get("probes") or [] if not one["ok"]]
    items = [one for kind in ("missing_items", "excess_items") for one in access.get(kind) or []]
    permissions = [step for step in steps if step["kind"] == "role_permission"]
    lists = [step for step in steps if step["kind"] == "customize_list"]
    return all(any(_is_row(step, row) for step in permissions) for row in rows) and all(
        any(same(step["function"], one["function"]) for step in lists) for one in items
    )


def continued(entry: Entry, before: Mapping[str, Any] | None) -> Entry:
    """One member's entry, with what stays of the one before it."""
    found = entry.get("found")
    if found is None:
        return entry
    result = {name: value for name, value in entry.items() if name != "found"}
    # What was ordered to set an integration up says nothing about how to take it away, unless nothing was seen at all.
    if before and not entry["error"] and before.get("state", "present") != entry["state"]:
        before = None
    if before and entry["status"] != "absent":
        result.update(_kept(entry, found, before))
    if result["handover"]:
        result["handover"] = _dated(result["handover"], (before or {}).get("handover"), entry["time"])
    result["ordered"] = _ordered(result, before)
    return result


def _kept(entry: Entry, found: Mapping[str, Any], before: Mapping[str, Any]) -> Entry:
    kept: Entry = {"handover": entry["handover"] or before.get("handover")}
    if entry["error"]:
        kept["key"] = entry["key"] or before.get("key")
        kept["old_keys"] = entry["old_keys"] or before.get("old_keys") or []
    elif not found["predicts"]:
        # A run that did its work has written its own order.
        return kept
    keys = [str((one or {}).get("public_key") or "") for one in (before.get("key"), entry["key"])]
    left = still_open(before.get("manual_steps") or [], found, *keys)
    mine = {identity(step) for step in entry["manual_steps"]}
    kept["manual_steps"] = [step for step in left if identity(step) not in mine] + entry["manual_steps"]
    if entry["status"] in ("ready", "new", "drifted") and left and _waits(entry, found, left):
        kept["status"] = "pending"
    return kept


def _waits(entry: Entry, found: Mapping[str, Any], left: Sequence[Step]) -> bool:
    """Whether nothing differs but what a person was asked to do."""
    if entry["state"] == "absent":
        return not (found.get("member") or {}).get("active")
    return not unexplained(found, left)


def _dated(handover: Entry, before: Mapping[str, Any] | None, now: str) -> Entry:
    """The hand-over with the time since which it says what it says."""
    old = {name: value for name, value in (before or {}).items() if name != "written"}
    new = {name: value for name, value in handover.items() if name != "written"}
    since = (before or {}).get("written") if old == new else handover.get("written")
    return {**new, "written": since or now}


def _ordered(entry: Entry, before: Mapping[str, Any] | None) -> str | None:
    """When the work order was written: a shorter one is still the same."""
    steps = {identity(step) for step in entry["manual_steps"]}
    if not steps:
        return None
    asked = {identity(step) for step in (before or {}).get("manual_steps") or []}
    if before and steps <= asked:
        return str(before.get("ordered") or before.get("time"))
    return str(entry["time"])
