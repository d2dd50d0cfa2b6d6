# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways in which a server does something else than it was asked for, and says that all is well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .call import Call
from .catalog import Record
from .roles import ROW_STEP

Plainly = Callable[[str, Record], Any]
OTHER = {"None": "My", "My": "All", "All": "My"}


def _next_row(call: Call, setting: int) -> int:
    rows = [row.number for row in call.tenant.catalog.rows]
    role, number = divmod(setting, ROW_STEP)
    return role * ROW_STEP + rows[(rows.index(number) + 1) % len(rows)]


def _other_role(call: Call, role: int) -> int:
    return next(one.id for one in call.store.roles.values() if one.id != role and not one.admin)


def _set(call: Call, role: int, setting: int, patch: list[Record]) -> None:
    """Levels as they come, also ones that the row does not offer."""
    held, number = call.store.roles[role], setting % ROW_STEP
    levels = list(held.levels.get(number, ("None",) * 4))
    for one in patch:
        levels[("addLevel", "editLevel", "deleteLevel", "inquireLevel").index(one["path"])] = one["value"]
    held.levels[number] = (levels[0], levels[1], levels[2], levels[3])


def _levels(name: str, plainly: Plainly, call: Call, what: Record) -> bool:
    role, setting, patch = what["role"], what["setting"], what["patch"]
    if name == "nothing":
        return True
    if name == "one_row_too_many":
        _set(call, role, _next_row(call, setting), patch)
    elif name == "the_next_row":
        _set(call, role, _next_row(call, setting), patch)
        return True
    elif name == "wrong_level":
        patch[0]["value"] = OTHER[patch[0]["value"]]
        _set(call, role, setting, patch)
        return True
    elif name == "verbs_swapped":
        patch[0]["value"], patch[1]["value"] = patch[1]["value"], patch[0]["value"]
        _set(call, role, setting, patch)
        return True
    elif name == "only_upwards":
        _set(call, role, setting, [one for one in patch if one["value"] != "None"])
        return True
    elif name == "another_role":
        _set(call, _other_role(call, role), setting, patch)
        return True
    else:
        _besides(name, call, role, setting, patch)
    return False


def _besides(name: str, call: Call, role: int, setting: int, patch: list[Record]) -> None:
    """Something more than was asked for."""
    if name == "another_role_too":
        _set(call, _other_role(call, role), setting, patch)
    elif name == "a_member_too":
        _somebody(call)["inactiveFlag"] = True
    elif name == "the_role_of_a_member_too":
        _somebody(call)["securityRole"] = role
    elif name == "a_role_renamed":
        call.store.roles[_other_role(call, role)].name += " (old)"
    elif name == "a_list_too":
        row = next(row for row in call.tenant.catalog.rows if row.customize == "FinanceAgreements")
        call.store.roles[role].allow[row.number] = frozenset()


def _somebody(call: Call) -> Record:
    """An API member that is not the one who asks."""
    return next(one for one in call.store.api_members.values() if one["id"] != call.member["id"])


def _items(name: str, plainly: Plainly, call: Call, what: Record) -> bool:
    role, setting, body = what["role"], what["setting"], what["body"]
    row = call.tenant.catalog.by_number[setting % ROW_STEP]
    everything = call.tenant.catalog.items(row)
    wanted = {one["itemIdentifier"] for one in body}
    held = call.store.roles[role]
    if name == "list_nothing":
        return True
    if name == "list_one_too_many":
        held.allow[row.number] = frozenset(wanted | set([one for one in everything if one not in wanted][:1]))
        return True
    if name == "list_turned_round":
        held.allow[row.number] = frozenset(set(everything) - wanted)
        return True
    if name == "list_only_adds":
        held.allow[row.number] = frozenset(set(held.allowed(row, everything)) | wanted)
        return True
    if name == "list_of_another_role_too":
        call.store.roles[_other_role(call, role)].allow[row.number] = frozenset(wanted)
    elif name == "another_list_too":
        other = next(one for one in call.tenant.catalog.rows if one.customize and one.number != row.number)
        held.allow[other.number] = frozenset()
    elif name == "list_and_a_level":
        held.levels[row.number] = ("All", "All", "All", "All")
    return False


def _create(name: str, plainly: Plainly, call: Call, what: Record) -> Any:
    if name == "key_of_another_member":
        return plainly("create", {**what, "member": _somebody(call)["id"]})
    if name == "key_for_another_member_too":
        plainly("create", {**what, "member": _somebody(call)["id"]})
    if name == "another_description":
        return plainly("create", {**what, "description": "New key"})
    made = plainly("create", what)
    if name == "dead_key":
        del call.store.keys[made["publicKey"]]
    if name == "halves_swapped":
        return {**made, "publicKey": made["privateKey"], "privateKey": made["publicKey"]}
    if name == "two_keys":
        plainly("create", what)
    return made


def _delete(name: str, plainly: Plainly, call: Call, what: Record) -> bool:
    if name == "keys_stay":
        return True
    if name == "all_keys_go":
        for key in call.store.owned(what["member"]):
            del call.store.keys[key.public]
        return True
    if name == "another_key_goes":
        others = [key for key in call.store.owned(what["member"]) if key.id != what["key"]]
        for key in others[:1]:
            del call.store.keys[key.public]
        return True
    if name == "the_member_goes_too":
        plainly("delete", what)
        call.store.api_members[what["member"]] = {**call.store.api_members[what["member"]], "inactiveFlag": True}
        return True
    return False


def carry_out(name: str | None, kind: str, plainly: Plainly, call: Call, what: Record) -> Any:
    if name is None:
        return plainly(kind, what)
    if kind == "create":
        return _create(name, plainly, call, what)
    table = {"levels": _levels, "items": _items, "delete": _delete}
    done = table[kind](
        name, plainly, call, {**what, **({"patch": [dict(one) for one in what["patch"]]} if "patch" in what else {})}
    )
    return None if done else plainly(kind, what)


MUTATIONS = {
    "levels": (
        "nothing",
        "one_row_too_many",
        "the_next_row",
        "wrong_level",
        "verbs_swapped",
        "only_upwards",
        "another_role",
        "another_role_too",
        "a_member_too",
        "the_role_of_a_member_too",
        "a_role_renamed",
        "a_list_too",
    ),
    "lists": (
        "list_nothing",
        "list_one_too_many",
        "list_turned_round",
        "list_only_adds",
        "list_of_another_role_too",
        "another_list_too",
        "list_and_a_level",
    ),
    "keys": (
        "key_of_another_member",
        "key_for_another_member_too",
        "another_description",
        "dead_key",
        "halves_swapped",
        "two_keys",
        "keys_stay",
        "all_keys_go",
        "another_key_goes",
        "the_member_goes_too",
    ),
}
