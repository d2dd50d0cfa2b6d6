# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operations of the REST API, published and extension, on a tenant's state."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from . import errors, query, schema
from .catalog import VERBS, Record, Row, names
from .enforcement import ANYBODY, MEMBERS, ROLES, TABLE_SETUP, Need, check, owns_nothing
from .errors import ApiError
from .tenant import ALL, NONE, REFERENCES, TOKEN_LIFE, Key, Role, Store, Tenant, timestamp

ROW_STEP = 1000
ADMIN_FIXED = "The Admin role cannot be changed."
REQUIRED_MEMBER_FIELDS = (
    "identifier",
    "name",
    "securityRole",
    "structureLevel",
    "securityLocation",
    "defaultLocation",
    "defaultDepartment",
    "timeZone",
)
LEVEL_FIELDS = {f"{verb}Level": index for index, verb in enumerate(VERBS)}
KEY_DESCRIPTION_LENGTH = 50
REPORTS = ("Company", "Member", "Service", "Time")


@dataclass
class Call:
    """One request, as an operation sees it."""

    tenant: Tenant
    store: Store
    member: Record
    key: Key
    method: str
    base: str  # https://host/codebase/apis/3.0
    path: str  # below base, as it was sent
    params: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    ids: list[str] = field(default_factory=list)
    # Set by faults: make duplicates, or lose a row between two pages.
    duplicate: bool = False
    shifted: bool = False

    @property
    def grammar(self) -> query.Grammar:
        config = self.tenant.config
        return query.Grammar(sensitive=config.equals == "sensitive", quotes=config.quotes)

    def number(self, position: int = 0) -> int:
        return int(self.ids[position])

    def info(self) -> dict[str, str]:
        return {"lastUpdated": timestamp(), "updatedBy": str(self.member["identifier"])}


@dataclass
class Reply:
    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


Handler = Callable[[Call], Reply]


@dataclass(frozen=True)
class Operation:
    handler: Handler
    need: Need
    extension: bool = False


# Answers of lists


def listing(call: Call, records: list[Record], model: str | None) -> Reply:
    known = schema.known_paths(model)
    found = query.select(records, call.params, call.grammar, known)
    if call.params.get("orderby", "").strip():
        found = query.ordered(found, call.params["orderby"], known)
    forward = call.headers.get("pagination-type", "").lower() == "forward-only"
    page = query.page(found, call.params, f"{call.base}{call.path}", forward, call.shifted)
    project = query.projection(call.params.get("fields", ""))
    return Reply(200, [project(record) for record in page.records], {"Link": page.link} if page.link else {})


def counting(call: Call, records: list[Record], model: str | None) -> Reply:
    return Reply(200, {"count": len(query.select(records, call.params, call.grammar, schema.known_paths(model)))})


def single(call: Call, record: Record) -> Reply:
    return Reply(200, query.projection(call.params.get("fields", ""))(record))


def list_and_count(records: Callable[[Call], list[Record]], model: str | None) -> tuple[Handler, Handler]:
    return (
        lambda call: listing(call, records(call), model),
        lambda call: counting(call, records(call), model),
    )


# Security roles


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
    for name, value in operations(call.body, "SecurityRoleSetting", "securityRoleSetting"):
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


def operations(body: Any, model: str, resource: str) -> list[tuple[str, Any]]:
    """The fields a JSON patch replaces. A path inside an object is accepted and changes nothing, as documented."""
    if not isinstance(body, list):
        raise errors.invalid(resource, [errors.inner("UnsupportedFormat", resource, "", "A list is expected.")])
    changes: list[tuple[str, Any]] = []
    for entry in body:
        if not isinstance(entry, dict) or not isinstance(entry.get("path"), str):
            raise errors.invalid(resource, [errors.missing(resource, "path")])
        op = entry.get("op")
        if op not in ("add", "replace", "remove"):
            raise errors.invalid(resource, [errors.inner("UnsupportedFormat", resource, "op", f"{op!r} is unknown.")])
        path = entry["path"].removeprefix("/")
        first, inside, _rest = path.partition("/")
        if first not in schema.properties(model):
            raise errors.invalid(resource, [errors.inner("NotFound", resource, path, f"There is no field {path!r}.")])
        if not inside:
            changes.append((first, None if op == "remove" else entry.get("value")))
    return changes


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


def my_items(call: Call) -> list[Record]:
    role = call.tenant.role_of(call.store, call.member)
    if role is None:
        return []
    found: list[Record] = []
    for row in call.tenant.catalog.rows:
        if row.customize is not None:
            found += render_items(role, row, call.tenant.catalog.items(row))
    return [{"id": number, **item} for number, item in enumerate(found, start=1)]


def display_name(member: Record) -> str:
    return str(member.get("name") or f"{member.get('firstName', '')} {member.get('lastName', '')}".strip())


# API members


def render_member(call: Call, member: Record) -> Record:
    record: Record = {}
    hrefs = {}
    for name, value in member.items():
        kind = REFERENCES.get(name)
        if kind is None or value is None:
            record[name] = value
        else:
            record[name] = call.tenant.reference(call.store, kind, value)
            if kind == "roles":
                hrefs[f"{name}_href"] = f"{call.base}/system/securityroles/{value}"
    record = {name: value for name, value in record.items() if value is not None}
    record["_info"] = {**member.get("_info", {}), **hrefs}
    return record


def api_members(call: Call) -> list[Record]:
    return [render_member(call, member) for member in call.store.api_members.values()]


def the_api_member(call: Call) -> Record:
    member = call.store.api_members.get(call.number())
    if member is None:
        raise errors.not_found(f"ApiMember {call.ids[0]}")
    return member


def get_api_member(call: Call) -> Reply:
    return single(call, render_member(call, the_api_member(call)))


def default_api_member(call: Call) -> Reply:
    empty = {"id": 0, "identifier": "", "name": "", "inactiveFlag": False}
    return single(call, render_member(call, {**empty, **call.tenant.default_member()}))


def resolve(call: Call, values: Record) -> tuple[Record, list[dict[str, str]]]:
    """References by id, name or identifier -> ids."""
    found, problems = dict(values), []
    for name, kind in REFERENCES.items():
        reference = values.get(name)
        if reference is None:
            continue
        choices = call.tenant.candidates(call.store, kind)
        number = _pick(choices, reference, name)
        if number is None:
            problems.append(errors.inner("NotFound", "apiMember", name, f"{_shown(reference)!r} was not found."))
        found[name] = number
    boards = call.tenant.references["boards"]
    for board in values.get("excludedServiceBoardIds") or []:
        if board not in boards:
            text = f"The service board {board} was not found."
            problems.append(errors.inner("NotFound", "apiMember", "excludedServiceBoardIds", text))
    return found, problems


def _shown(reference: Record) -> str:
    return str(next((reference[name] for name in ("id", "identifier", "name") if reference.get(name)), reference))


def _pick(choices: dict[int, Record], reference: Record, field_name: str) -> int | None:
    if reference.get("id") is not None:
        number = schema.convert({"type": "integer"}, reference["id"], f"{field_name}.id")
        return number if number in choices else None
    for name in ("identifier", "name"):
        wanted = reference.get(name)
        if isinstance(wanted, str):
            for number, choice in choices.items():
                if str(choice.get(name, "")).casefold() == wanted.casefold():
                    return number
    return None


def checked_member(call: Call, values: Record, problems: list[dict[str, str]], own: int | None) -> Record:
    """A complete API member, ready to be stored; ``values`` holds all its fields."""
    for name in REQUIRED_MEMBER_FIELDS:
        value = values.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            problems.append(errors.missing("apiMember", name))
    identifier = str(values.get("identifier") or "").casefold()
    others = [member for member in call.store.everyone() if member["id"] != own]
    if not call.duplicate and any(member["identifier"].casefold() == identifier for member in others):
        problems.append(errors.inner("ObjectExists", "apiMember", "identifier", "The identifier must be unique."))
    if problems:
        raise errors.invalid("apiMember", problems)
    record = {name: value for name, value in values.items() if value is not None}
    record["inactiveFlag"] = bool(record.get("inactiveFlag"))
    if not record["inactiveFlag"]:
        record.pop("inactiveDate", None)
    else:
        record.setdefault("inactiveDate", timestamp())
    record["_info"] = call.info()
    return record


def create_api_member(call: Call) -> Reply:
    values, problems = schema.fields("ApiMember", call.body, "apiMember")
    values, more = resolve(call, values)
    record = checked_member(call, values, problems + more, None)
    number = call.store.new_id()
    call.store.api_members[number] = {"id": number, **record}
    body = render_member(call, call.store.api_members[number])
    return Reply(201, body, {"Location": f"{call.base}/system/apiMembers/{number}"})


def replace_api_member(call: Call) -> Reply:
    """PUT: what is not given is gone."""
    member = the_api_member(call)
    values, problems = schema.fields("ApiMember", call.body, "apiMember")
    values, more = resolve(call, values)
    record = checked_member(call, values, problems + more, member["id"])
    call.store.api_members[member["id"]] = {"id": member["id"], **record}
    return Reply(200, render_member(call, call.store.api_members[member["id"]]))


def patch_api_member(call: Call) -> Reply:
    member = the_api_member(call)
    changes = dict(operations(call.body, "ApiMember", "apiMember"))
    values, problems = schema.fields("ApiMember", changes, "apiMember")
    values, more = resolve(call, values)
    unresolved = {entry["field"] for entry in more}
    merged = {**member, **{name: value for name, value in values.items() if name not in unresolved}}
    if values.get("inactiveFlag") is False:
        merged.pop("inactiveDate", None)
    record = checked_member(call, merged, problems + more, member["id"])
    call.store.api_members[member["id"]] = record
    return Reply(200, render_member(call, record))


# Members and their keys


def members(call: Call) -> list[Record]:
    return [render_member(call, member) for member in call.store.members.values()]


def get_member(call: Call) -> Reply:
    member = call.store.members.get(call.number())
    if member is None:
        raise errors.not_found(f"Member {call.ids[0]}")
    return single(call, render_member(call, member))


def create_token(call: Call) -> Reply:
    """A short-lived key for a member; refused to the keys of API members."""
    if call.store.is_api_member(call.key.owner):
        raise errors.denied()
    member = call.store.find_member(call.ids[0], "member")
    if member is None:
        raise errors.not_found(f"Member {call.ids[0]}")
    body = call.body if isinstance(call.body, dict) else {}
    if call.headers.get("x-cw-usertype", "").lower() != "member" or body.get("memberIdentifier") != call.ids[0]:
        raise errors.invalid("token", [errors.missing("token", "memberIdentifier")])
    if member["id"] != call.member["id"]:
        raise errors.denied()
    key = call.store.add_key(member["id"], "Token", expires=time.time() + TOKEN_LIFE)
    answer = {"publicKey": key.public, "privateKey": key.private, "expiration": timestamp(key.expires)}
    return Reply(201, answer)


def key_owner(call: Call) -> Record:
    is_api = call.path.lower().startswith("/system/apimembers/")
    group, model = (call.store.api_members, "ApiMember") if is_api else (call.store.members, "Member")
    member = group.get(call.number())
    if member is None:
        raise errors.not_found(f"{model} {call.ids[0]}")
    return member


def render_key(key: Key) -> Record:
    return {"id": key.id, "description": key.description, "publicKey": key.public}


def keys(call: Call) -> list[Record]:
    owned = call.store.owned(key_owner(call)["id"])
    return [render_key(key) for key in owned if key.expires is None]


def list_keys(call: Call) -> Reply:
    return listing(call, keys(call), "ApiKey")


def create_key(call: Call) -> Reply:
    owner = key_owner(call)
    body = call.body if isinstance(call.body, dict) else {}
    description = schema.convert({"type": "string"}, body.get("description"), "description")
    if not description or not description.strip():
        raise errors.invalid("apiKey", [errors.missing("apiKey", "description")])
    if len(description) > KEY_DESCRIPTION_LENGTH:
        raise errors.invalid("apiKey", [errors.too_long("apiKey", "description", KEY_DESCRIPTION_LENGTH)])
    key = call.store.add_key(owner["id"], description)
    return Reply(201, {**render_key(key), "privateKey": key.private})


def delete_key(call: Call) -> Reply:
    owner = key_owner(call)
    for key in call.store.owned(owner["id"]):
        if key.id == call.number(1):
            del call.store.keys[key.public]
            return Reply(204)
    raise errors.not_found(f"ApiKey {call.ids[1]}")


# The company's own structure


def system_info(call: Call) -> Reply:
    config, cloud = call.tenant.config, call.tenant.site.kind == "cloud"
    zones = call.tenant.references["time_zones"].values()
    body: Record = {
        "version": f"{call.tenant.version}.{config.build}",
        "isCloud": cloud,
        "serverTimeZone": next(zone["zone"] for zone in zones),
        "licenseBits": [{"name": "Service", "activeFlag": True}, {"name": "Project", "activeFlag": True}],
        "maxWorkFlowRecordsAllowed": 500,
    }
    if cloud:
        body["cloudRegion"] = call.tenant.site.region
    return Reply(200, body)


def entries(call: Call, kind: str) -> list[tuple[int, Record]]:
    return list(call.tenant.references[kind].items())


def structure(call: Call) -> list[Record]:
    level_names = names([entry for _number, entry in entries(call, "levels")])
    record: Record = {
        "id": 1,
        "fiscalYearStart": "January",
        "locationCaption": "Location",
        "groupCaption": "Department",
        "baseCurrency": {"id": 1, "symbol": "$", "currencyCode": "USD", "name": "US Dollars"},
        "levelCount": f"Level{min(len(level_names), 5)}",
    }
    record.update({f"level{position}Name": name for position, name in enumerate(level_names[:5], start=1)})
    return [record]


def levels(call: Call) -> list[Record]:
    return [{"id": number, "name": entry["name"]} for number, entry in entries(call, "levels")]


def locations(call: Call) -> list[Record]:
    places = entries(call, "locations")
    departments = [number for number, _entry in entries(call, "departments")]
    zone = call.tenant.reference(call.store, "time_zones", entries(call, "time_zones")[0][0])
    found: list[Record] = []
    for number, entry in places:
        record: Record = {
            "id": number,
            "name": entry["name"],
            "structureLevel": call.tenant.reference(call.store, "levels", entry["level"]),
            "ownerLevelId": number,
            "timeZoneSetup": zone,
            "locationFlag": entry["level"] == entries(call, "levels")[-1][0],
            "clientFlag": False,
            "departmentIds": departments,
        }
        if number != places[0][0]:
            record["reportsTo"] = call.tenant.reference(call.store, "locations", places[0][0])
        found.append(record)
    return found


def location_infos(call: Call) -> list[Record]:
    wanted = ("id", "name", "locationFlag", "structureLevel")
    return [{name: record[name] for name in wanted} for record in locations(call)]


def department_infos(call: Call) -> list[Record]:
    return [{"id": number, "name": entry["name"]} for number, entry in entries(call, "departments")]


def zones(call: Call) -> list[Record]:
    return [
        {
            "id": number,
            "name": entry["name"],
            "timeZone": {"id": number, "name": entry["zone"]},
            "offset": entry["offset"],
            "defaultFlag": bool(entry["default"]),
            "daylightSavingsFlag": False,
        }
        for number, entry in entries(call, "time_zones")
    ]


def zone_infos(call: Call) -> list[Record]:
    return [{name: record[name] for name in ("id", "name", "offset")} for record in zones(call)]


def boards(call: Call) -> list[Record]:
    main = call.tenant.default_member()["defaultLocation"]
    department = call.tenant.top()["defaultDepartment"]
    return [
        {
            "id": number,
            "name": entry["name"],
            "location": call.tenant.reference(call.store, "locations", main),
            "department": call.tenant.reference(call.store, "departments", department),
            "projectFlag": bool(entry.get("project")),
            "inactiveFlag": bool(entry.get("inactive")),
        }
        for number, entry in entries(call, "boards")
    ]


def screens(call: Call) -> list[Record]:
    return [dict(screen) for screen in call.tenant.catalog.screens]


def reports(call: Call) -> list[Record]:
    return [{"id": number, "name": name} for number, name in enumerate(REPORTS, start=1)]


# The table of operations: method and path ("{}" stands for a number) -> what is done and what it takes.


def _operations() -> dict[str, dict[str, Operation]]:
    table: dict[str, dict[str, Operation]] = {}

    def add(method: str, path: str, handler: Handler, need: Need, extension: bool = False) -> None:
        table.setdefault(path.lower(), {})[method] = Operation(handler, need, extension)

    def add_list(path: str, records: Callable[[Call], list[Record]], model: str | None, need: Need) -> None:
        read, count = list_and_count(records, model)
        add("GET", path, read, need)
        add("GET", f"{path}/count", count, need)

    role, member, setup = Need((ROLES,)), Need((MEMBERS,)), Need((TABLE_SETUP,))
    add_list("system/securityRoles", roles, "SecurityRole", role)
    add("POST", "system/securityRoles", create_role, role)
    add("GET", "system/securityRoles/{}", get_role, role)
    add("DELETE", "system/securityRoles/{}", delete_role, role)
    add_list("system/securityRoles/{}/settings", settings, "SecurityRoleSetting", role)
    add("GET", "system/securityRoles/{}/settings/{}", get_setting, role)
    add("PATCH", "system/securityRoles/{}/settings/{}", patch_setting, role, extension=True)
    add("GET", "system/securityRoles/{}/settings/{}/customizeItems", get_customize, role, extension=True)
    add("PUT", "system/securityRoles/{}/settings/{}/customizeItems", put_customize, role, extension=True)

    add_list("system/apiMembers", api_members, "ApiMember", member)
    add("POST", "system/apiMembers", create_api_member, member)
    add("GET", "system/apiMembers/default", default_api_member, member)
    add("GET", "system/apiMembers/{}", get_api_member, member)
    add("PUT", "system/apiMembers/{}", replace_api_member, member)
    add("PATCH", "system/apiMembers/{}", patch_api_member, member)
    add_list("system/members", members, "Member", member)
    add("GET", "system/members/{}", get_member, member)
    add("POST", "system/members/{member}/tokens", create_token, ANYBODY)
    for kind in ("apiMembers", "members"):
        add(
            "GET",
            f"system/{kind}/{{}}/apiKeys",
            list_keys,
            member,
            extension=True,
        )
        add("POST", f"system/{kind}/{{}}/apiKeys", create_key, member, extension=True)
        add("DELETE", f"system/{kind}/{{}}/apiKeys/{{}}", delete_key, member, extension=True)

    add("GET", "system/mySecurity", lambda call: listing(call, my_security(call), "MySecurity"), ANYBODY)
    mine = lambda call: listing(call, my_items(call), "MySecurityCustomizeItem")  # noqa: E731
    add("GET", "system/mySecurity/customizeItems", mine, ANYBODY)
    add("GET", "system/info", system_info, ANYBODY)
    add_list("system/setupScreens", screens, "SetupScreen", setup)
    add_list("system/myCompany/corporateStructure", structure, "CorporateStructure", ANYBODY)
    add_list("system/myCompany/corporateStructureLevels", levels, "CorporateStructureLevel", ANYBODY)
    add_list("system/locations", locations, "Location", ANYBODY)
    add_list("system/info/locations", location_infos, "LocationInfo", ANYBODY)
    add_list("system/info/departments", department_infos, "DepartmentInfo", ANYBODY)
    add_list("system/timeZoneSetups", zones, "TimeZoneSetup", Need((TABLE_SETUP,), "Company / Time Zone"))
    add_list("system/timeZoneSetups/info", zone_infos, "TimeZoneSetupInfo", ANYBODY)
    add_list("service/info/boards", boards, "BoardInfo", ANYBODY)
    add("GET", "system/reports", lambda call: listing(call, reports(call), None), Need(("System / API Reports",)))
    return table


OPERATIONS = _operations()


def _resource(call_path: str, tenant: Tenant) -> dict[str, Operation] | None:
    """The read-only lists, which come from data."""
    counted = call_path.endswith("/count")
    resource = tenant.catalog.resources.get(call_path[: -len("/count")] if counted else call_path)
    if resource is None:
        return None
    need = Need((TABLE_SETUP,), resource.table) if resource.table else Need(resource.needs)

    def records(call: Call) -> list[Record]:
        return [] if owns_nothing(call.tenant, call.store, call.member, need) else resource.records

    read, count = list_and_count(records, None)
    return {"GET": Operation(count if counted else read, need)}


def route(path: str, tenant: Tenant) -> tuple[dict[str, Operation], list[str]]:
    """The operations at a path (the server ignores the case of routes), and the ids in it."""
    parts = path.strip("/").split("/")
    lower = [part.lower() for part in parts]
    ids = [part for part in parts if _is_id(part)]
    found = OPERATIONS.get("/".join("{}" if _is_id(part) else part for part in lower))
    if len(parts) == 4 and lower[:2] == ["system", "members"] and lower[3] == "tokens":
        found, ids = OPERATIONS["system/members/{member}/tokens"], [parts[2]]
    if found is None:
        found = _resource("/".join(lower), tenant)
    if found is None:
        raise errors.no_endpoint()
    if tenant.config.profile == "published":
        found = {method: operation for method, operation in found.items() if not operation.extension}
        if not found:
            raise errors.no_endpoint()
    return found, ids


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10


def operation(method: str, path: str, tenant: Tenant) -> tuple[Operation, list[str]]:
    found, ids = route(path, tenant)
    if method not in found:
        raise errors.method_not_allowed(method, sorted(found))
    return found[method], ids


def perform(call: Call) -> Reply:
    """Check the caller's rights and do it."""
    found, call.ids = operation(call.method, call.path, call.tenant)
    check(call.tenant, call.store, call.member, found.need, call.method)
    try:
        return found.handler(call)
    except query.QueryError as error:
        problem = errors.inner("UnsupportedFormat", error.parameter, error.parameter, str(error))
        raise errors.invalid(error.parameter, [problem]) from error


__all__ = ["ALL", "NONE", "Call", "Operation", "Reply", "operation", "perform"]
