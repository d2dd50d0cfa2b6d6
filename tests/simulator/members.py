# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""API members, members, and the keys of both."""

from __future__ import annotations

import time

from . import errors, schema
from .call import Call, Reply, listing, patched, single
from .catalog import Record
from .tenant import REFERENCES, TOKEN_LIFE, Key, timestamp

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
KEY_DESCRIPTION_LENGTH = 50


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
    changes = dict(patched(call.body, "ApiMember", "apiMember"))
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
