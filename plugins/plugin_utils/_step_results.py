# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of an integration, from what was found first and the results of its steps. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._errors import legible

# The modules of the steps, in their order.
STEPS = ("cw_security_role", "cw_table_setup", "cw_api_member", "cw_api_key", "cw_access_check")
STORE_KEY = "store_key"
# How the differences begin that are about the stored key.
_OF_THE_KEY = ("no key is stored", "the stored key ")
Result = Mapping[str, Any]
Results = dict[str, list[Result]]


def collected(registered: Mapping[str, Any], failed_step: str = "") -> Results:
    """The results of the steps by module, each of a loop on its own.

    failed_step: after it nothing ran, so what is registered there is of an integration before this one.
    """
    found: Results = {}
    for step in STEPS:
        result = registered.get(step) or {}
        each = result.get("results") if "results" in result else [result]
        found[step] = [one for one in each or [] if one and not one.get("skipped")]
        if step == failed_step:
            break
    return found


def causes(result: Result) -> tuple[str, str]:
    """The message of a failed task and the kind of its error; of a loop, the messages of its failed items."""
    items = [one for one in result.get("results") or [] if one.get("failed")] or [result]
    said = list(dict.fromkeys(str(one.get("msg") or "the task failed and did not say why") for one in items))
    kinds = [str((one.get("error") or {}).get("kind") or "") for one in items]
    return " | ".join(said), next(filter(None, kinds), "")


def too_late(result: Result) -> Mapping[str, Any] | None:
    """The error of a failed task, or of one of its loop, that reached a limit of time."""
    errors = [one.get("error") or {} for one in (result, *(result.get("results") or []))]
    return next((error for error in errors if error.get("limit")), None)


def changes(look: Mapping[str, Any], results: Results) -> list[str]:
    """What the steps changed, a line each."""
    lines = []
    if any(one.get("changed") for one in results.get("cw_security_role", [])):
        lines.append(f"security role {(look.get('role') or {}).get('name')}")
    for one in results.get("cw_table_setup", []):
        lines += [f"Customize list {name}" for name in one.get("changed_lists") or []]
    for one in results.get("cw_api_member", []):
        if one.get("changed"):
            lines.append(f"API member {one['api_member']['identifier']}")
    for one in results.get("cw_api_key", []):
        lines += list(one.get("done") or [])
    return lines


def diffs(look: Mapping[str, Any], results: Results) -> list[dict[str, Any]]:
    """Return the object, before and after of each change, in the order of `changes`, of results in diff mode.

    Both sides are text, a fact a line, so that they read the same in every format of results.
    """
    found = [_diff(f"security role {(look.get('role') or {}).get('name')}", one) for one in _of_step(results, 0)]
    for one in _of_step(results, 1):
        found += [_diff(f"Customize list {name}", one, name) for name in one.get("changed_lists") or []]
    found += [_diff(f"API member {one['api_member']['identifier']}", one) for one in _of_step(results, 2)]
    found += [_diff(f"API key of {one.get('member')}", one) for one in _of_step(results, 3) if one.get("done")]
    return [one for one in found if one["before"] != one["after"]]


def _of_step(results: Results, number: int) -> Sequence[Result]:
    return results.get(STEPS[number], [])


def _diff(what: str, result: Result, part: str = "") -> dict[str, str]:
    """part: the name of the object in a diff of several."""
    diff = result.get("diff") or {}
    found = {"object": what}
    for side in ("before", "after"):
        whole = diff.get(side) or {}
        found[side] = _as_text((whole.get(part) or {}) if part else whole)
    return found


def _as_text(shown: Mapping[str, Any]) -> str:
    """Return what a diff shows with each row and each item in a line of its own, which says what it is."""
    lines: list[str] = []
    for name, value in sorted(shown.items()):
        if name == "permissions":
            lines += [
                f"{row}: {', '.join(f'{verb} {level}' for verb, level in levels.items())}"
                for row, levels in sorted(value.items())
            ]
        elif isinstance(value, (list, tuple)):
            lines += [f"{name}: {one}" for one in value]
        else:
            lines.append(f"{name}: {value}")
    return "".join(f"{legible(line)}\n" for line in lines)


def entry_options(
    look: Mapping[str, Any], results: Results, *, check_mode: bool, error: str = "", error_kind: str = ""
) -> list[dict[str, Any]]:
    """What `_report.entry_of` takes, for each key of the integration."""
    common = {
        "vendor": look["vendor"],
        "profile": look.get("profile") or {},
        "state": look.get("state") or "present",
        # A report on keys changes nothing, as an audit.
        "mode": "audit" if look.get("mode") == "key_report" else look.get("mode") or "converge",
        "store": look.get("store") or "vaulted_file",
        "store_read": look.get("store_read") or [],
        "grace_days": look.get("grace_days") or 0.0,
        "asks": look.get("asks") or [],
        "error": error,
        "error_kind": error_kind,
    }
    shared_steps = [
        step
        for name in ("cw_security_role", "cw_table_setup", "cw_api_member")
        for one in results.get(name, [])
        for step in one.get("manual_steps") or []
    ]
    keys: Sequence[Mapping[str, Any]] = look.get("api_keys") or [{}]
    lines, role = changes(look, results), _role(keys[0], results, check_mode=check_mode)
    options = []
    for number, key in enumerate(keys):
        done = _of(results.get("cw_api_key", []), key.get("record"))
        access = _of(results.get("cw_access_check", []), key.get("record"))
        steps = [*(shared_steps if number == 0 else []), *((done or {}).get("manual_steps") or [])]
        beside = _beside_the_key(key) if look.get("mode") == STORE_KEY else []
        found = _found(key, results, done, access, beside, check_mode=check_mode)
        options.append(
            {
                **common,
                "record": key.get("record"),
                "member": (key.get("member") or {}).get("identifier"),
                "found": {**found, **role} if not error else {},
                # What onboard mends only with another key, also if this run has failed for it.
                "refused": _state(key, done) == "refused",
                "steps": steps if not error else [],
                "key": _key(key, done) if not error else {},
                "place": (done or {}).get("place") or key.get("place"),
                "retired": (done or {}).get("retired") or key.get("retired") or [],
                # What the role, its lists and the member changed is told once.
                "changes": lines if number == 0 else [],
                "changed": bool(lines) and number == 0,
            }
        )
    return options


def _role(key: Mapping[str, Any], results: Results, *, check_mode: bool) -> dict[str, Any]:
    """Return whether the role of the integration exists, which all its keys share; nothing if it was not read."""
    if check_mode and (predicted := results.get("cw_security_role")):
        return {"role": {"exists": predicted[0]["role"]["exists"]}}
    found = (key.get("found") or {}).get("role")
    return {"role": found} if found else {}


def _of(found: Sequence[Result], record: Any) -> Result | None:
    """The result about the key of this record; that of a loop over records has the name as its item."""
    for one in found:
        if record in (one.get("record"), one.get(str(one.get("ansible_loop_var")))):
            return one
    return None


def _state(key: Mapping[str, Any], done: Result | None) -> str:
    """Return the state of the stored key after the steps, or as it was found."""
    return str(done["api_key"]["state"] if done else (key.get("found") or {}).get("key") or "")


def _key(key: Mapping[str, Any], done: Result | None) -> dict[str, Any]:
    held = (done or {}).get("api_key") or key.get("key") or {}
    return {name: held[name] for name in ("public_key", "created") if held.get(name)}


def _beside_the_key(key: Mapping[str, Any]) -> list[str]:
    """Return the differences that another key cannot mend."""
    found = key.get("found") or {}
    rights = (found.get("access") or {}).get("summary")
    return [one for one in found.get("differences") or [] if one != rights and not one.startswith(_OF_THE_KEY)]


def _found(
    key: Mapping[str, Any],
    results: Results,
    done: Result | None,
    access: Result | None,
    beside: Sequence[str],
    *,
    check_mode: bool,
) -> dict[str, Any]:
    """Return the integration as it is after the steps; as it was found, if none of them could change anything.

    beside: differences that the steps of this run leave.
    """
    before = dict(key.get("found") or {})
    if done is None or check_mode:
        return before
    state = done["api_key"]["state"]
    rights = (access or {}).get("access")
    wrong = [] if state == "valid" else [f"the key is {state}" if state != "none" else "no key is stored"]
    differences = [*beside, *wrong]
    if rights and rights["verdict"] not in ("ok", "unverified"):
        differences.append(summary_of(rights))
    members = results.get("cw_api_member", [])
    member = next(iter(one["api_member"] for one in members), before.get("member"))
    notes = [*(before.get("notes") or []), *(line for one in members for line in one.get("notes") or [])]
    return {
        **before,
        "in_sync": not differences,
        "differences": differences,
        "member": member,
        "key": state,
        "access": rights,
        "notes": list(dict.fromkeys(notes)),
    }


def summary_of(rights: Mapping[str, Any]) -> str:
    """What a check of access says in one line; the whole of it is in the report."""
    named = rights.get("summary")
    return str(named) if named else f"rights: {rights['verdict']}"


def warnings_of(results: Iterable[Result]) -> list[str]:
    return list(dict.fromkeys(line for one in results for line in one.get("warnings") or []))
