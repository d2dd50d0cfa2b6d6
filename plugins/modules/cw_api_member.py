#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cw_api_member
short_description: Manage an API member
version_added: 0.1.0
description:
  - Creates, updates and deactivates an API member (C(/system/apiMembers)).
  - Only options that are given are compared and written. What they leave open comes, when the member is created, from
    the tenant's own defaults (C(GET /system/apiMembers/default)).
  - A member that exists is changed only if it holds O(security_role), or with O(adopt). Otherwise the task fails before
    the first write and names the role that it holds.
  - References are given by name. Unknown and ambiguous names are different errors.
extends_documentation_fragment:
  - msp.connectwise.psa
  - msp.connectwise.attributes
  - msp.connectwise.attributes.write
options:
  identifier:
    description:
      - Member ID, 1 to 15 characters, to the letter.
      - If there is none, and one that differs in case or spaces only, the task fails and names it.
      - A person's Member ID cannot be given to an API member. In check mode the task fails, too, and names it.
    type: str
    required: true
  state:
    description:
      - V(present) creates or updates the member and makes it active.
      - V(absent) deactivates it. The API cannot delete an API member; the record stays, and its keys are refused from
        then on.
    type: str
    choices: [present, absent]
    default: present
  name:
    description: Member Name, up to 30 characters. The identifier when a new member has none.
    type: str
  security_role:
    description:
      - Name of the security role (Role ID in the product), to the letter.
      - A member that exists and holds it is taken for the one that is meant, also with O(state=absent).
    type: str
  adopt:
    description: Whether a member that holds another role than O(security_role) is changed or deactivated.
    type: bool
    default: false
  own_key_role:
    description: Whether the member may be the one whose key the task works with.
    type: bool
    default: false
  level:
    description:
      - Level of the corporate structure. V(top) is the highest one; below it, records are invisible to the member's
        keys.
    type: str
  security_location:
    description: The entry of the corporate structure at O(level) (Name in the product). V(top) is the one at the
      highest level.
    type: str
  location:
    description: Default location. V(top) is the one at the highest level.
    type: str
  department:
    description: Default department.
    type: str
  territory:
    description: Default territory. V(top) is the location at the highest level.
    type: str
  time_zone:
    description: Time zone, as the tenant's time zone setup calls it.
    type: str
  board:
    description: Default service board.
    type: str
  excluded_boards:
    description: Service boards the member does not see. The whole list; an empty one excludes none.
    type: list
    elements: str
  email:
    description: Email address, up to 250 characters.
    type: str
  notes:
    description: Notes.
    type: str
  block_price:
    description: Whether prices are hidden from the member.
    type: bool
  block_cost:
    description: Whether costs are hidden from the member.
    type: bool
"""

EXAMPLES = r"""
- name: The member of an integration
  msp.connectwise.cw_api_member:
    identifier: ExampleSync
    name: Example Sync
    security_role: Example Sync
    level: top
    location: top
    notes: Managed by Ansible

- name: Switch it off
  msp.connectwise.cw_api_member:
    identifier: ExampleSync
    security_role: Example Sync
    state: absent
"""

RETURN = r"""
api_member:
  description: The member as it is now, in the words of the options.
  returned: success
  type: dict
  contains:
    id: {description: Record id; null if it does not exist., type: int, returned: always}
    identifier: {description: Member ID., type: str, returned: always}
    exists: {description: Whether the record exists., type: bool, returned: always}
    active: {description: Whether it is active., type: bool, returned: always}
notes:
  description: What the tenant refuses to show or does not offer, and why, a line each.
  returned: with O(state=present)
  type: list
  elements: str
msg:
  description: With O(state=absent), that the member was deactivated and not deleted.
  returned: when a member was deactivated
  type: str
"""

from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._client import Psa, Record
from ansible_collections.msp.connectwise.plugins.module_utils._errors import (
    InputError,
    InvalidRecord,
    readable,
    unverified,
)
from ansible_collections.msp.connectwise.plugins.module_utils._members import (
    API_MEMBERS,
    FIELDS,
    IDENTIFIER,
    MemberNames,
    describe,
    find_api_member,
    seek_api_member,
)
from ansible_collections.msp.connectwise.plugins.module_utils._module import STATE, Module, Result, main
from ansible_collections.msp.connectwise.plugins.module_utils._owners import (
    OPTIONS,
    Claim,
    another_identifier,
    read_own_member,
    require_no_person,
    require_no_twin,
    require_our_member,
)
from ansible_collections.msp.connectwise.plugins.module_utils._resource import RecordPlan, create, plan_record, update

# Fields of a new API member that every tenant may insist on.
PRESET = ("level", "security_location", "location", "department", "time_zone")


def run(psa: Psa, params: dict[str, Any], check_mode: bool) -> Result:
    identifier = params["identifier"]
    IDENTIFIER.check(identifier)
    if not identifier.strip():
        raise InputError("identifier is empty", remedy="give the Member ID, 1 to 15 characters")
    member, twin = seek_api_member(psa, identifier)
    require_no_twin("API member", "member_identifier", identifier, twin)
    if params["state"] == "absent":
        return deactivate(psa, params, member, check_mode)
    names = MemberNames(psa, check_mode)

    def plan_for(record: Record | None) -> RecordPlan:
        plan = plan_record(FIELDS, params, record, names.resolve)
        if record is not None and record.get("inactiveFlag"):
            plan.before["active"], plan.after["active"] = False, True
            plan.body["inactiveFlag"] = False
        return plan

    plan = plan_for(member)
    notes = [*plan.unverified, *names.unverified]
    if member is not None and not plan.changes:
        return Result(values={"api_member": describe(member, identifier), "notes": notes})
    if member is not None:
        require_our_member(psa, member, params["security_role"], Claim.of(params), writes=True)
    if check_mode:
        if member is None:
            require_no_person(psa, identifier)
        after = {**describe(member, identifier), **plan.after, "active": True}
    else:
        if member is None:
            # The new record may already be all that is wanted; what its POST did not take over, the PATCH settles.
            body = {**defaults(psa, notes), "name": identifier, **plan.body, "identifier": identifier}
            member = made(psa, identifier, body)
            rest = plan_for(member).body
        else:
            rest = plan.body
        if rest:
            path = f"{API_MEMBERS}/{member['id']}"
            member = update(psa, path, rest, lambda record: plan_for(record).body)
        after = describe(member, identifier)
    return Result(
        True,
        {"api_member": after, "notes": notes},
        plan.before,
        {"identifier": identifier, **plan.after} if not plan.before else plan.after,
    )


def made(psa: Psa, identifier: str, body: Record) -> Record:
    try:
        return create(psa, API_MEMBERS, body, lambda: find_api_member(psa, identifier))
    except InvalidRecord as problem:
        if "ObjectExists" in problem.codes:
            require_no_person(psa, identifier)
            # A person whom these keys do not see may have it.
            names = [str(one.get("identifier")) for one in psa.list(API_MEMBERS)]
            problem.remedy = another_identifier(identifier, [identifier, *names])
        raise


def defaults(psa: Psa, notes: list[str]) -> Record:
    """Return what the tenant presets for a new API member, or what another one has if it does not show that."""
    preset, withheld = readable(lambda: psa.get(f"{API_MEMBERS}/default"), proven=True)
    if withheld is not None:
        donor = next(iter(api_members(psa, read_own_member(psa))), {})
        preset = {field.api: donor.get(field.api) for field in FIELDS if field.option in PRESET}
        whose = f"{', '.join(PRESET)} are those of {donor['identifier']}" if donor else "nothing is preset"
        notes.append(unverified(f"what the tenant presets for a new API member; {whose}", withheld))
    left_out = {"id", "identifier", "name", "_info", "inactiveFlag", "inactiveDate"}
    return {key: value for key, value in (preset or {}).items() if key not in left_out and value is not None}


def api_members(psa: Psa, first: str) -> list[Record]:
    """The active API members, the one with this identifier first."""
    found = [one for one in psa.list(API_MEMBERS) if not one.get("inactiveFlag")]
    return sorted(found, key=lambda one: one.get("identifier") != first)


def deactivate(psa: Psa, params: dict[str, Any], member: Record | None, check_mode: bool) -> Result:
    identifier, active = params["identifier"], not (member or {}).get("inactiveFlag")
    if member is not None and (active or params["security_role"]):
        # Also of one that is inactive: what follows takes the keys of this member.
        require_our_member(psa, member, params["security_role"], Claim.of(params), writes=active)
    if member is None or not active:
        return Result(values={"api_member": describe(member, identifier)})
    after = {**member, "inactiveFlag": True}
    if not check_mode:
        path = f"{API_MEMBERS}/{member['id']}"
        after = update(
            psa, path, {"inactiveFlag": True}, lambda record: [] if record.get("inactiveFlag") else ["inactiveFlag"]
        )
    note = f"The API cannot delete an API member: {identifier} was deactivated, its record stays."
    return Result(True, {"api_member": describe(after, identifier), "msg": note}, {"active": True}, {"active": False})


MODULE = Module(
    name="msp.connectwise.cw_api_member",
    options={
        "identifier": {"type": "str", "required": True},
        "state": STATE,
        "name": {"type": "str"},
        "security_role": {"type": "str"},
        **OPTIONS,
        "level": {"type": "str"},
        "security_location": {"type": "str"},
        "location": {"type": "str"},
        "department": {"type": "str"},
        "territory": {"type": "str"},
        "time_zone": {"type": "str"},
        "board": {"type": "str"},
        "excluded_boards": {"type": "list", "elements": "str"},
        "email": {"type": "str"},
        "notes": {"type": "str"},
        "block_price": {"type": "bool"},
        "block_cost": {"type": "bool"},
    },
    run=run,
)

if __name__ == "__main__":
    main(MODULE)
