#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cw_integration_info
short_description: Read whether a whole integration is as its profile says, in one task
version_added: 0.1.0
description:
  - Compares everything an integration consists of with its profile - the member and its fields, and, with the
    integration's own key, the effective permission matrix and the Customize lists. Reads only; three requests where
    nothing has changed (C(GET /system/apiMembers), and with the integration's key C(GET /system/mySecurity) and
    C(GET /system/mySecurity/customizeItems/)), plus one for every list of names that the profile needs resolved.
  - The P(msp.connectwise.integration#role) role asks this first on every run, and goes on only if something differs.
extends_documentation_fragment:
  - msp.connectwise.psa
  - msp.connectwise.psa.unknown
  - msp.connectwise.attributes
  - msp.connectwise.attributes.read
options:
  member:
    description:
      - The member, in the words of M(msp.connectwise.cw_api_member). C(identifier) is needed.
    type: dict
    required: true
  member_type:
    description: V(api) for an API member, V(member) for a person's own record, whose fields and rights are left as
      they are.
    type: str
    choices: [api, member]
    default: api
  role_name:
    description: The security role the member should hold.
    type: str
  permissions:
    description: The wanted levels, as in M(msp.connectwise.cw_security_role).
    type: dict
    default: {}
  customize:
    description: The wanted Customize lists, as in M(msp.connectwise.cw_access_check).
    type: dict
    default: {}
  exclusive:
    description: Whether functions that are not named count as V(None), as in M(msp.connectwise.cw_access_check).
    type: bool
    default: true
  key_public:
    description: Public half of the integration's stored key; nothing when there is none.
    type: str
  key_private:
    description: Private half of the integration's stored key.
    type: str
  probe:
    description: Whether to try one cheap read for every function, as in M(msp.connectwise.cw_access_check).
    type: bool
    default: false
  endpoints:
    description: Lists of the API whose count is read too with O(probe).
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Is the integration still as it should be?
  msp.connectwise.cw_integration_info:
    role_name: Example Sync
    member: {identifier: ExampleSync, level: top}
    permissions:
      Service Desk:
        Service Tickets: {inquire: All}
    key_public: "{{ vendor_public_key }}"
    key_private: "{{ vendor_private_key }}"
"""

RETURN = r"""
integration:
  description: What was found.
  returned: success
  type: dict
  contains:
    in_sync: {description: Whether nothing differs and the key works., type: bool, returned: always}
    differences: {description: "What differs, a line each.", type: list, elements: str, returned: always}
    member:
      description: The member, as M(msp.connectwise.cw_api_member) returns it.
      type: dict
      returned: always
    company_id: {description: Company id of the tenant that was asked., type: str, returned: always}
    key:
      description:
        - State of the stored key. V(valid), V(refused) (deleted, or its member is inactive), V(foreign) (it belongs to
          another member), V(none) (nothing is stored).
      type: str
      returned: always
    access:
      description: The access as M(msp.connectwise.cw_access_check) returns it; null without a working key.
      type: dict
      returned: always
    notes:
      description:
        - What is no difference and worth knowing, a line each. A line that begins with C(not verified) names what the
          tenant refuses to show or does not offer, and why. Another one names the service boards that the member's
          Restrict Board Access withholds.
      type: list
      elements: str
      returned: always
"""

from functools import partial
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._access import (
    Access,
    Own,
    compare,
    probe,
    read_access,
)
from ansible_collections.msp.connectwise.plugins.module_utils._client import Psa, Record
from ansible_collections.msp.connectwise.plugins.module_utils._connection import PUBLIC_KEY
from ansible_collections.msp.connectwise.plugins.module_utils._errors import (
    AuthenticationFailed,
    InputError,
    UnknownName,
    readable,
    unverified,
)
from ansible_collections.msp.connectwise.plugins.module_utils._members import (
    BOARDS,
    FIELDS,
    MemberNames,
    describe,
    find_owner,
)
from ansible_collections.msp.connectwise.plugins.module_utils._module import ON_UNKNOWN, Module, Result, main
from ansible_collections.msp.connectwise.plugins.module_utils._names import same
from ansible_collections.msp.connectwise.plugins.module_utils._resource import plan_record

SHOWN_BOARDS = 20


def checked_member(member: dict[str, Any]) -> str:
    """The identifier of a profile's member, whose fields are checked; a misspelt one would never be compared."""
    known = {"identifier", *(field.option for field in FIELDS)}
    if strangers := sorted(set(member) - known):
        raise InputError(f"member has unknown fields: {', '.join(strangers)}", remedy=f"use {', '.join(sorted(known))}")
    if not member.get("identifier"):
        raise InputError("member has no identifier", remedy="give member.identifier")
    return str(member["identifier"])


def read_key(psa: Psa, params: dict[str, Any]) -> tuple[str, Own]:
    """State of the stored key, and what it may do."""
    if not params["key_public"] or not params["key_private"]:
        return "none", Own(None, None)
    try:
        own = read_access(psa.with_keys(params["key_public"], params["key_private"]))
    except AuthenticationFailed:
        return "refused", Own(None, None)
    if own.settings is not None and not same(own.member, str(params["member"]["identifier"])):
        return "foreign", Own(None, None)
    return "valid", own


def member_differences(
    names: MemberNames, member: Record | None, params: dict[str, Any], notes: list[str]
) -> list[str]:
    """Return what differs at the member. notes: takes what is not verified, and what is worth knowing."""
    identifier = str(params["member"]["identifier"])
    if member is None:
        return [f"member {identifier} does not exist"]
    differences = [f"member {identifier} is inactive"] if member.get("inactiveFlag") else []
    if params["member_type"] == "member":
        return differences
    notes += withheld_boards(names, member, params["member"])
    wanted = {**params["member"], "security_role": params["role_name"]}
    try:
        # A role is known by its name here; only a difference makes the role's own module look it up.
        plan = plan_record(
            [field for field in FIELDS if field.option != "security_role"], wanted, member, names.resolve
        )
    except UnknownName as problem:
        return [*differences, problem.problem]
    notes += [*plan.unverified, *names.unverified]
    differences += [
        f"member {identifier}: {option} is {plan.before[option]!r}, wanted {plan.after[option]!r}"
        for option in sorted(plan.after)
        if plan.before[option] != plan.after[option]
    ]
    role = (member.get("securityRole") or {}).get("name")
    if params["role_name"] and role != params["role_name"]:
        differences.append(f"member {identifier} holds the role {role}, wanted {params['role_name']}")
    return differences


def withheld_boards(names: MemberNames, member: Record, wanted: dict[str, Any]) -> list[str]:
    """Say which service boards the product withholds from the key, whatever its rights are."""
    ids = member.get("excludedServiceBoardIds") or []
    if not ids:
        return []
    boards, _why = readable(lambda: names.records(BOARDS), proven=True)
    known = {board.get("id"): str(board.get("name")) for board in boards or []}
    listed = [known.get(one, f"board {one}") for one in ids]
    more = f" and {len(listed) - SHOWN_BOARDS} more" if len(listed) > SHOWN_BOARDS else ""
    which = "this service board" if len(listed) == 1 else "these service boards"
    asked = ", as the profile asks (excluded_boards)" if len(wanted.get("excluded_boards") or []) == len(ids) else ""
    note = (
        f"the key sees no ticket of {', '.join(listed[:SHOWN_BOARDS])}{more}: Restrict Board Access of the API member "
    )
    return [f"{note}{member.get('identifier')} withholds {which}{asked}"]


def run(psa: Psa, params: dict[str, Any], _check_mode: bool) -> Result:
    identifier = checked_member(params["member"])
    names, lenient = MemberNames(psa, check_mode=True), params["on_unknown"] == "warn"
    notes: list[str] = []
    member, (key, own) = psa.together(
        [partial(find_owner, psa, identifier, params["member_type"]), partial(read_key, psa, params)]
    )
    differences = member_differences(names, member, params, notes)
    access: Access | None = None
    if key != "valid":
        differences.append(
            {
                "none": "no key is stored",
                "refused": "the stored key is refused",
                "foreign": "the stored key belongs to another member",
            }[key]
        )
    elif params["member_type"] == "api":
        try:
            wanted = (params["permissions"], params["customize"])
            access = compare(own, *wanted, names, exclusive=params["exclusive"], lenient=lenient)
        except UnknownName as problem:
            differences.append(problem.problem)
        else:
            if params["probe"]:
                reader = psa.with_keys(params["key_public"], params["key_private"])
                access.probes = probe(reader, own, params["permissions"], lenient, params["endpoints"])
            if access.differs:
                differences.append(access.summary())
    elif own.why_settings:
        notes.append(unverified("whose the key is", own.why_settings))
    found = {
        "in_sync": not differences,
        "differences": differences,
        "member": describe(member, identifier),
        "company_id": psa.connection.company_id,
        "key": key,
        "access": access.as_dict() if access else None,
        "notes": list(dict.fromkeys(notes)),
    }
    return Result(values={"integration": found}, warnings=access.warnings if access else [])


MODULE = Module(
    name="msp.connectwise.cw_integration_info",
    options={
        "member": {"type": "dict", "required": True},
        "member_type": {"type": "str", "choices": ["api", "member"], "default": "api"},
        "role_name": {"type": "str"},
        "permissions": {"type": "dict", "default": {}},
        "customize": {"type": "dict", "default": {}},
        "exclusive": {"type": "bool", "default": True},
        "key_public": PUBLIC_KEY,
        "key_private": {"type": "str", "no_log": True},
        "probe": {"type": "bool", "default": False},
        "endpoints": {"type": "list", "elements": "str", "default": []},
        "on_unknown": ON_UNKNOWN,
    },
    run=run,
)

if __name__ == "__main__":
    main(MODULE)
