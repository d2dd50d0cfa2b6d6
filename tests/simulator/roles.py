# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Security roles, their permission matrix, their Customize lists, and what the caller itself may do."""

from __future__ import annotations

from . import errors, schema
from .call import Call, Reply, listing, patched, single
from .catalog import VERBS, Record, Row
from .errors import ApiError
from .tenant import Role, display_name

ROW_STEP = 1000
ADMIN_FIXED = "The Admin role cannot be changed."
LEVEL_FIELDS = {f"{verb}Level": index for index, verb in enumerate(VERBS)}


def render_role(role: Role) -> Record:
    record: Record = {"id": role.id, "name": role.name}
    if role.role_type is not None:
        record["roleType"] = role.role_type
    record.update(adminFlag=role.admin, inactiveFlag=role.inactive, _info=role.info)
    return record


def roles(call: Call) -> list[Record]:
    return [render_role(role) for role in call.store.roles.values()]


def the_role(call: Call) -> Role:
    role = call.store.roles.get(call.number())
    if role is None:
        raise errors.not_found(f"SecurityRole {call.ids[0]}")
    return role


def get_role(call: Call) -> Reply:
    return single(call, render_role(the_role(call)))


def role_infos(call: Call) -> list[Record]:
    wanted = ("id", "name", "roleType", "inactiveFlag")
    return [{name: record[name] for name in wanted if name in record} for record in roles(call)]


def get_role_info(call: Call) -> Reply:
    role = the_role(call)
    return single(call, next(record for record in role_infos(call) if record["id"] == role.id))


def create_role(call: Call) -> Reply:
    values, problems = schema.fields("SecurityRole", call.body, "securityRole")
    name = values.get("name")
    if not name or not name.strip():
        problems.append(errors.missing("securityRole", "name"))
    elif not call.duplicate and any(role.name.casefold() == name.casefold() for role in call.store.roles.values()):
        problems.append(errors.inner("ObjectExists", "securityRole", "name", "The name must be unique."))
    if problems:
        raise errors.invalid("securityRole", problems)
    role = Role(
        id=call.store.new_id(),
        name=str(name),
        role_type=values.get("roleType"),
        admin=bool(values.get("adminFlag")),
        inactive=bool(values.get("inactiveFlag")),
        info=call.info(),
    )
    call.store.roles[role.id] = role
    return Reply(201, render_role(role), {"Location": f"{call.base}/system/securityroles/{role.id}"})


def delete_role(call: Call) -> Reply:
    role = the_role(call)
    if call.store.holders(role.id):
        raise ApiError(409, {"code": "Conflict", "message": f"SecurityRole {role.id} is in use.", "errors": None})
    del call.store.roles[role.id]
    return Reply(204)


# The permission matrix


def render_setting(role: Role, row: Row) -> Record:
    levels = role.level(row)
    record: Record = {"id": role.id * ROW_STEP + row.number}
    for name, index in LEVEL_FIELDS.items():
        record[name] = None if VERBS[index] in row.not_offered else levels[index]
    record.update(row.fixed)
    return record


def settings(call: Call) -> list[Record]:
    role = the_role(call)
    return [render_setting(role, row) for row in call.tenant.catalog.rows]


def the_row(call: Call) -> tuple[Role, Row]:
    role = the_role(call)
    owner, number = divmod(call.number(1), ROW_STEP)
    row = call.tenant.catalog.by_number.get(number)
    if owner != role.id or row is None:
        raise errors.not_found(f"SecurityRoleSetting {call.ids[1]}")
    return role, row


def get_setting(call: Call) -> Reply:
    return single(call, render_setting(*the_row(call)))


def level_problem(row: Row, verb: str, level: str) -> str | None:
    """Why a row does not take a level."""
    if verb in row.not_offered:
        return f"{row.function} has no {verb} level."
    if level == "My" and not row.my:
        return f"{row.function} does not offer My."
    return None


def patch_setting(call: Call) -> Reply:
    role, row = the_row(call)
    levels = list(role.level(row))
    problems = []
    for name, value in patched(call.body, "SecurityRoleSetting", "securityRoleSetting"):
        if name not in LEVEL_FIELDS:
            continue
        index = LEVEL_FIELDS[name]
        level = schema.convert(schema.properties("SecurityRoleSetting")[name], value, name)
        if level is None:
            problems.append(errors.missing("securityRoleSetting", name))
            continue
        problem = level_problem(row, VERBS[index], level)
        if problem:
            problems.append(errors.inner("UnsupportedFormat", "securityRoleSetting", name, problem))
        levels[index] = level
    if role.admin:
        problems.append(errors.inner("UnsupportedFormat", "securityRoleSetting", "", ADMIN_FIXED))
    if problems:
        raise errors.invalid("securityRoleSetting", problems)
    role.levels[row.number] = (levels[0], levels[1], levels[2], levels[3])
    role.info = call.info()
    return Reply(200, render_setting(role, row))


# Customize lists


def render_items(role: Role, row: Row, items: tuple[str, ...]) -> list[Record]:
    return [{"customizeIdentifier": row.customize, "itemIdentifier": item} for item in role.allowed(row, items)]


def customizable(call: Call) -> tuple[Role, Row]:
    role, row = the_row(call)
    if row.customize is None:
        raise errors.not_found(f"Customize list of SecurityRoleSetting {call.ids[1]}")
    return role, row


def get_customize(call: Call) -> Reply:
    role, row = customizable(call)
    items = render_items(role, row, call.tenant.catalog.items(row))
    # The route has no pages of its own; a client that asks for them gets them.
    return listing(call, items, None) if {"page", "pagesize"} & call.params.keys() else Reply(200, items)


def put_customize(call: Call) -> Reply:
    role, row = customizable(call)
    resource = "customizeItem"
    universe = call.tenant.catalog.items(row)
    if not isinstance(call.body, list) or not all(isinstance(entry, dict) for entry in call.body):
        raise errors.conversion(call.body, "List<CustomizeItem>", "")
    problems, chosen = [], []
    for entry in call.body:
        item = entry.get("itemIdentifier")
        if entry.get("customizeIdentifier") != row.customize:
            text = f"The customizeIdentifier of this setting is {row.customize}."
            problems.append(errors.inner("UnsupportedFormat", resource, "customizeIdentifier", text))
        if item not in universe:
            problems.append(errors.inner("NotFound", resource, "itemIdentifier", f"There is no item {item!r}."))
        chosen.append(item)
    if role.admin:
        problems.append(errors.inner("UnsupportedFormat", resource, "", ADMIN_FIXED))
    if problems:
        raise errors.invalid(resource, problems)
    role.allow[row.number] = frozenset(chosen)
    role.info = call.info()
    return Reply(200, render_items(role, row, universe))


# What the caller may do


def my_security(call: Call) -> list[Record]:
    role = call.tenant.role_of(call.store, call.member) or Role(call.member.get("securityRole", 0), "")
    member = {"id": call.member["id"], "identifier": call.member["identifier"], "name": display_name(call.member)}
    return [{**render_setting(role, row), "member": member} for row in call.tenant.catalog.rows]


def list_my_security(call: Call) -> Reply:
    return listing(call, my_security(call), "MySecurity")


def my_items(call: Call) -> list[Record]:
    role = call.tenant.role_of(call.store, call.member)
    if role is None:
        return []
    found: list[Record] = []
    for row in call.tenant.catalog.rows:
        if row.customize is not None:
            found += render_items(role, row, call.tenant.catalog.items(row))
    return [{"id": number, **item} for number, item in enumerate(found, start=1)]


def list_my_items(call: Call) -> Reply:
    return listing(call, my_items(call), "MySecurityCustomizeItem")
