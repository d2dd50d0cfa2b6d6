# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes that do not come through the API: a person's clicks, and those behind everybody's back."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .catalog import VERBS, Record, Row
from .config import WEB_CLIENTS
from .mutations import MUTATIONS
from .roles import level_problem
from .tenant import MEMBER_FIELDS, REFERENCES, Levels, Role, Tenant, random_key, timestamp

LEVELS = ("None", "My", "All")


class EditError(ValueError):
    """A change that cannot be made; the text says why."""


def _role(tenant: Tenant, name: str) -> Role:
    found = [role for role in tenant.store.roles.values() if role.name == name]
    if len(found) != 1:
        raise EditError(f"{len(found) or 'no'} security roles are named {name!r}")
    return found[0]


def _row(tenant: Tenant, module: str, function: str) -> Row:
    row = tenant.catalog.named(module, function)
    if row is None:
        raise EditError(f"there is no row {function!r} in module {module!r}")
    return row


def _row_of_function(tenant: Tenant, edit: Record) -> Row:
    """A function by name; the module may be left out where the name is unique."""
    if edit.get("module"):
        return _row(tenant, edit["module"], edit["function"])
    found = [row for row in tenant.catalog.rows if row.function == edit["function"]]
    if len(found) != 1:
        raise EditError(f"{len(found) or 'no'} rows are named {edit['function']!r}; say the module")
    return found[0]


def _member(tenant: Tenant, identifier: str, kind: str | None = None) -> Record:
    member = tenant.store.find_member(identifier, kind)
    if member is None:
        raise EditError(f"there is no {'API member' if kind == 'api' else 'member'} {identifier!r}")
    return member


def _levels(row: Row, old: Levels, wanted: Any) -> Levels:
    if isinstance(wanted, str):
        wanted = dict.fromkeys(VERBS, wanted)
    unknown = set(wanted) - set(VERBS)
    if unknown:
        raise EditError(f"unknown level {sorted(unknown)[0]!r}")
    for verb, level in wanted.items():
        if level not in LEVELS:
            raise EditError(f"{row.key}: {verb} cannot be {level!r}")
        problem = level_problem(row, verb, level) if level != "None" else None
        if problem:
            raise EditError(problem)
    add, edit, delete, inquire = (wanted.get(verb, before) for verb, before in zip(VERBS, old, strict=True))
    return (add, edit, delete, inquire)


def set_levels(tenant: Tenant, edit: Record) -> None:
    role, row = _role(tenant, edit["role"]), _row(tenant, edit["module"], edit["function"])
    if role.admin:
        raise EditError("the Admin role cannot be changed")
    role.levels[row.number] = _levels(row, role.level(row), edit["levels"])


def _checked_items(row: Row, universe: tuple[str, ...], items: list[str]) -> None:
    if row.customize is None:
        raise EditError(f"{row.key} has no Customize link")
    unknown = [item for item in items if item not in universe]
    if unknown:
        raise EditError(f"the list of {row.key} has no item {unknown[0]!r}")


def set_allow(tenant: Tenant, edit: Record) -> None:
    role, row = _role(tenant, edit["role"]), _row_of_function(tenant, edit)
    universe = tenant.catalog.items(row)
    items = list(universe) if edit["items"] == "all" else edit["items"]
    _checked_items(row, universe, items)
    role.allow[row.number] = frozenset(items)


def customize_list(tenant: Tenant, step: Record) -> None:
    """Move items between the two lists of a Customize window, as the step says."""
    role, row = _role(tenant, step["role"]), _row(tenant, step["module"], step["function"])
    universe = tenant.catalog.items(row)
    allow, disallow, rest = step.get("allow", []), step.get("disallow", []), step.get("rest", "keep")
    _checked_items(row, universe, [*allow, *disallow])
    if rest not in ("allow", "disallow", "keep"):
        raise EditError(f"rest must be allow, disallow or keep, not {rest!r}")
    now = {"allow": set(universe), "disallow": set(), "keep": set(role.allowed(row, universe))}[rest]
    role.allow[row.number] = frozenset((now | set(allow)) - set(disallow))


def activate_role(tenant: Tenant, edit: Record) -> None:
    _role(tenant, edit["role"]).inactive = False


def deactivate_role(tenant: Tenant, edit: Record) -> None:
    _role(tenant, edit["role"]).inactive = True


def create_key(tenant: Tenant, step: Record) -> Record:
    member = _member(tenant, step["member"], step.get("member_type"))
    key = tenant.store.add_key(member["id"], step["description"])
    return {
        "member": step["member"],
        "description": key.description,
        "publicKey": key.public,
        "privateKey": key.private,
    }


def delete_keys(tenant: Tenant, step: Record) -> None:
    member = _member(tenant, step["member"], step.get("member_type"))
    public = step.get("public_key")
    for key in tenant.store.owned(member["id"]):
        if key.public == public if public else key.description == step["description"]:
            del tenant.store.keys[key.public]


def delete_key(tenant: Tenant, edit: Record) -> None:
    if tenant.store.keys.pop(edit["public_key"], None) is None:
        raise EditError(f"there is no key {edit['public_key']!r}")


def edit_key(tenant: Tenant, edit: Record) -> Record:
    """Another description of a key: the product then makes a new pair for the same record."""
    old = tenant.store.keys.get(edit["public_key"])
    if old is None:
        raise EditError(f"there is no key {edit['public_key']!r}")
    new = replace(old, description=edit["description"], public=random_key(), private=random_key())
    del tenant.store.keys[old.public]
    tenant.store.keep_key(new)
    owner = tenant.store.owner(new)["identifier"]
    return {"member": owner, "description": new.description, "publicKey": new.public, "privateKey": new.private}


def _set_inactive(tenant: Tenant, identifier: str, inactive: bool) -> None:
    member = _member(tenant, identifier)
    member["inactiveFlag"] = inactive
    if inactive:
        member["inactiveDate"] = timestamp()
    else:
        member.pop("inactiveDate", None)


def deactivate(tenant: Tenant, edit: Record) -> None:
    _set_inactive(tenant, edit["member"], True)


def activate(tenant: Tenant, edit: Record) -> None:
    _set_inactive(tenant, edit["member"], False)


def assign_role(tenant: Tenant, edit: Record) -> None:
    _member(tenant, edit["member"])["securityRole"] = _role(tenant, edit["role"]).id


def add_role(tenant: Tenant, edit: Record) -> Record:
    """Also a second one of the same name, which the API refuses."""
    role = Role(
        tenant.store.new_id(),
        edit["name"],
        admin=bool(edit.get("admin")),
        inactive=bool(edit.get("inactive")),
        info={"lastUpdated": timestamp(), "updatedBy": "Admin"},
    )
    tenant.store.roles[role.id] = role
    return {"id": role.id}


def rename_role(tenant: Tenant, edit: Record) -> None:
    _role(tenant, edit["role"]).name = edit["name"]


def delete_role(tenant: Tenant, edit: Record) -> None:
    role = _role(tenant, edit["role"])
    if tenant.store.holders(role.id):
        raise EditError(f"members hold the role {role.name!r}")
    del tenant.store.roles[role.id]


def add_member(tenant: Tenant, edit: Record) -> Record:
    """A member (type ``member``) or an API member (type ``api``) with a role."""
    number = tenant.store.new_id()
    record = {
        "id": number,
        "identifier": edit["identifier"],
        "inactiveFlag": bool(edit.get("inactive")),
        "securityRole": _role(tenant, edit.get("role", "Technician")).id,
        **tenant.top(),
        "_info": {"lastUpdated": timestamp(), "updatedBy": "Admin"},
    }
    if edit.get("member_type", "member") == "api":
        tenant.store.api_members[number] = {**record, "name": edit.get("name", edit["identifier"])}
    else:
        tenant.store.members[number] = {**record, **MEMBER_FIELDS, "firstName": edit["identifier"], "lastName": ""}
    return {"id": number}


def set_member(tenant: Tenant, edit: Record) -> None:
    """Other fields of an API member: name, emailAddress, notes, or a reference by name."""
    member = _member(tenant, edit["member"])
    for name, value in edit["fields"].items():
        kind = REFERENCES.get(name)
        if kind is None:
            member[name] = value
            continue
        choices = tenant.candidates(tenant.store, kind)
        found = next((number for number, entry in choices.items() if entry["name"] == value), None)
        if found is None:
            raise EditError(f"there is no {name} {value!r}")
        member[name] = found


def set_version(tenant: Tenant, edit: Record) -> None:
    """A new product version: the versioned codebase of the old one is gone. ``status``: how it answers from now on."""
    version = edit["version"]
    if not re.fullmatch(r"v\d{4}\.\d+", version):
        raise EditError(f"a version looks like v2025.1, not {version!r}")
    tenant.version = version
    if tenant.site.kind == "cloud":
        tenant.codebases = {"v4_6_release", version.replace(".", "_")}
    tenant.wrong_codebase_status = int(edit.get("status", tenant.wrong_codebase_status))


def set_web_client(tenant: Tenant, edit: Record) -> None:
    """Another web client from now on, or (mutation) one whose server does something else than it is asked for."""
    if "dialect" in edit:
        if edit["dialect"] not in WEB_CLIENTS:
            raise EditError(f"there is no web client {edit['dialect']!r}")
        tenant.config.web_client = edit["dialect"]
    if "mutation" in edit:
        known = [name for names in MUTATIONS.values() for name in names]
        if edit["mutation"] not in (None, *known):
            raise EditError(f"there is no mutation {edit['mutation']!r}")
        tenant.config.mutation = edit["mutation"]


Edit = Callable[[Tenant, Record], "Record | None"]

EDITS: dict[str, Edit] = {
    "set_levels": set_levels,
    "set_allow": set_allow,
    "activate_role": activate_role,
    "deactivate_role": deactivate_role,
    "add_key": create_key,
    "delete_key": delete_key,
    "edit_key": edit_key,
    "activate": activate,
    "deactivate": deactivate,
    "assign_role": assign_role,
    "add_role": add_role,
    "rename_role": rename_role,
    "delete_role": delete_role,
    "add_member": add_member,
    "set_member": set_member,
    "set_version": set_version,
    "set_web_client": set_web_client,
}

STEPS: dict[str, Edit] = {
    "role_permission": set_levels,
    "role_activate": activate_role,
    "customize_list": customize_list,
    "create_key": create_key,
    "delete_key": delete_keys,
}


def apply(tenant: Tenant, table: dict[str, Edit], name_field: str, document: Any) -> list[Record]:
    """Do every entry in order; what it made, per entry. Stops at the first that cannot be done."""
    entries = document if isinstance(document, list) else [document]
    results: list[Record] = []
    for position, entry in enumerate(entries, start=1):
        if isinstance(entry, dict) and name_field not in entry and len(entry) == 1:
            name, fields = next(iter(entry.items()))
            entry = {name_field: name, **(fields or {})} if isinstance(fields, dict) else entry
        if not isinstance(entry, dict) or entry.get(name_field) not in table:
            known = ", ".join(table)
            raise EditError(f"entry {position}: {name_field} must be one of {known}, not {entry!r}")
        try:
            results.append(table[entry[name_field]](tenant, entry) or {})
        except KeyError as error:
            raise EditError(f"entry {position} ({entry[name_field]}): {error.args[0]} is missing") from error
        except EditError as error:
            raise EditError(f"entry {position} ({entry[name_field]}): {error}") from error
    return results
