#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cw_security_role
short_description: Manage a security role and its whole permission matrix
version_added: 0.1.0
description:
  - Creates or deletes a security role and sets its permission levels, the whole matrix in one task.
  - Names of modules and functions are compared without regard to case, spacing, kinds of dashes, V(&) for V(and) and a
    C(Customize) in parentheses behind the name; known variants of vendors' pages are understood. A name the tenant
    does not have is an error that lists the closest ones.
  - The published API reads the matrix but does not write it (C(GET /system/securityRoles/{id}/settings)). Where the
    tenant offers an extension route, the levels are written and read back; elsewhere they become manual steps.
extends_documentation_fragment:
  - msp.connectwise.psa
  - msp.connectwise.psa.ladder
  - msp.connectwise.psa.unknown
  - msp.connectwise.attributes
  - msp.connectwise.attributes.write
options:
  name:
    description:
      - Name of the role, 1 to 30 characters, to the letter. The API cannot rename a role.
      - If there is none, and one whose name differs in case or spaces only, the task fails and names it.
      - The role V(Admin) that comes with the product is neither changed nor deleted.
    type: str
    required: true
  state:
    description: Whether the role should exist.
    type: str
    choices: [present, absent]
    default: present
  permissions:
    description:
      - The wanted levels. Modules, each with its functions, each with C(add), C(edit), C(delete) and C(inquire), which
        are V(None), V(My) or V(All). A level that is left out means V(None), and so do V(no), V(off) and V(false).
      - The function V(*) means every function of the module; functions that are named win over it.
      - V(My) is refused if the row does not offer it.
      - When left out, the matrix is not touched.
      - In check mode it is not known whether the tenant offers a route that writes levels, since asking would be a
        write. A tenant that offers none of the extension routes which can be tried by reading is taken not to offer
        this one either, and the levels are predicted as manual steps.
    type: dict
  exclusive:
    description: Whether functions that O(permissions) does not name are set to V(None).
    type: bool
    default: false
  own_members:
    description:
      - Identifiers of the API members that may hold the role, such as the member of the integration.
      - A role that exists is changed, cleared or deleted only if nobody else holds it, and only if it is not one of
        administrators (C(adminFlag)). Otherwise the task fails before the first write and names the holders. Who holds
        the role is read only then.
    type: list
    elements: str
    default: []
  adopt:
    description: Whether the role is changed although others than O(own_members) hold it. Their rights change with it.
    type: bool
    default: false
  own_key_role:
    description: Whether the role may be that of the member whose key the task works with.
    type: bool
    default: false
  given:
    description:
      - Whether an API member is given the role after this task. Then the same is checked of a role that exists although
        nothing of it changes.
    type: bool
    default: false
  in_use:
    description:
      - What O(state=absent) does with a role that members still hold, which ConnectWise refuses to delete.
      - V(fail) fails; V(clear) keeps the role and sets all its levels to V(None), if only O(own_members) hold it.
    type: str
    choices: [fail, clear]
    default: fail
"""

EXAMPLES = r"""
- name: A role with exactly these rights, which the member of the integration may hold
  msp.connectwise.cw_security_role:
    name: Example Sync
    own_members: [ExampleSync]
    exclusive: true
    permissions:
      Companies:
        Company Maintenance: {inquire: All}
        Configurations: {add: All, edit: All, inquire: All}
      Service Desk:
        Service Tickets: {add: All, edit: All, inquire: All}

- name: Every function of a module, and the manual steps instead of an error if the API offers no operation
  msp.connectwise.cw_security_role:
    name: Example Finance
    permissions:
      Finance:
        "*": {inquire: All}
    on_unsupported: manual

- name: No such role; one that a member still has cannot be deleted and loses all its rights
  msp.connectwise.cw_security_role:
    name: Example Sync
    own_members: [ExampleSync]
    state: absent
    in_use: clear
"""

RETURN = r"""
role:
  description: The role as it is now.
  returned: success
  type: dict
  contains:
    id: {description: Record id; null if it does not exist., type: int, returned: always}
    name: {description: Name., type: str, returned: always}
    exists: {description: Whether it exists now., type: bool, returned: always}
    permissions:
      description: Every function that grants anything, as modules, each with its functions, each with C(add), C(edit),
        C(delete) and C(inquire).
      type: dict
      returned: when the matrix was read
differs:
  description: The rows whose levels were not as wanted when the task began, each as a manual step, with C(difference).
  returned: when the matrix was read
  type: list
  elements: dict
manual_steps:
  description: What a person has to click, in order, if the API offers no operation.
  returned: success
  type: list
  elements: dict
pending:
  description: Whether manual steps are left.
  returned: success
  type: bool
"""

from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._client import Psa, Record
from ansible_collections.msp.connectwise.plugins.module_utils._errors import Conflict, InvalidRecord
from ansible_collections.msp.connectwise.plugins.module_utils._manual import role_activate, role_permission
from ansible_collections.msp.connectwise.plugins.module_utils._module import (
    ON_UNKNOWN,
    ON_UNSUPPORTED,
    STATE,
    Module,
    Result,
    main,
)
from ansible_collections.msp.connectwise.plugins.module_utils._owners import (
    ROLE_OPTIONS,
    Claim,
    every_right,
    named,
    read_held,
    require_no_twin,
    require_our_role,
    role_refusal,
    with_neighbours,
)
from ansible_collections.msp.connectwise.plugins.module_utils._permissions import (
    Change,
    MatrixPlan,
    Row,
    granted,
    plan_matrix,
)
from ansible_collections.msp.connectwise.plugins.module_utils._resource import create, delete
from ansible_collections.msp.connectwise.plugins.module_utils._roles import (
    ROLES,
    attempt,
    blank_matrix,
    check_name,
    find_role,
    read_matrix,
    reads_offered,
    require_own,
    seek_role,
    write_matrix,
)
from ansible_collections.msp.connectwise.plugins.module_utils._routes import Extensions

GIVE_UP_ROLE = (
    "give the members that hold this role another one, or set in_use: clear (and own_members) to take all its rights "
    "away"
)


def describe(role: Record | None, name: str, rows: list[Row] | None) -> dict[str, Any]:
    described: dict[str, Any] = {
        "id": (role or {}).get("id"),
        "name": (role or {}).get("name", name),
        "exists": role is not None,
    }
    if rows is not None:
        described["permissions"] = granted(rows)
    return described


def run(psa: Psa, params: dict[str, Any], check_mode: bool) -> Result:
    check_name(params["name"])
    if params["state"] == "absent" or params["permissions"] is not None:
        require_own(params["name"])
    extensions = Extensions(psa, params["extension_routes"])
    role, twin = seek_role(psa, params["name"])
    # Also if it is to go: our member may hold the other one, which would keep its rights.
    require_no_twin("security role", "role_name", params["name"], twin)
    if params["state"] == "absent":
        return remove(psa, extensions, role, params, check_mode)
    existed = role is not None
    claim: Claim | None = Claim.of(params) if existed else None
    if role is not None and params["permissions"] is not None and (refusal := every_right(role)):
        # Also if it would not be changed: a member that is given this role has every right.
        raise refusal
    result = Result(changed=not existed, before={}, after={"role": params["name"]})
    if role is None and not check_mode:
        if params["permissions"] is not None:
            # A mistake in them must not leave an empty role behind.
            planned(blank_matrix(psa), params)
        role = made(psa, params["name"])
    if existed:
        result.before = {"role": params["name"]}
    if role and claim and (role.get("inactiveFlag") or params["given"]):
        require_our_role(psa, role, claim)
        claim = None
    if role and role.get("inactiveFlag"):
        result.manual_steps.append(role_activate(role["name"]))
    rows = None
    if params["permissions"] is not None:
        rows = converge(psa, extensions, role, params, check_mode, result, claim)
    result.values["role"] = describe(role, params["name"], rows)
    return result


def made(psa: Psa, name: str) -> Record:
    try:
        return create(psa, ROLES, {"name": name}, lambda: find_role(psa, name))
    except InvalidRecord as problem:
        raise with_neighbours(problem, name, [str(one.get("name")) for one in psa.list(ROLES)]) from None


def planned(rows: list[Row], params: dict[str, Any]) -> MatrixPlan:
    lenient = params["on_unknown"] == "warn"
    return plan_matrix(rows, params["permissions"], exclusive=params["exclusive"], lenient=lenient)


def converge(
    psa: Psa,
    extensions: Extensions,
    role: Record | None,
    params: dict[str, Any],
    check_mode: bool,
    result: Result,
    claim: Claim | None,
) -> list[Row]:
    """Bring the matrix to what is wanted; manual steps if the tenant has no route for it.

    claim: what the task may touch; None if that was seen to already.
    """
    rows = read_matrix(psa, int(role["id"])) if role else blank_matrix(psa)
    plan = planned(rows, params)
    result.warnings += plan.warnings
    result.values["differs"] = [differing(params["name"], change) for change in plan.changes]
    if not plan.changes:
        return rows
    if role and claim:
        require_our_role(psa, role, claim)
    offered = not check_mode or any(reads_offered(psa, extensions))
    if not check_mode and role:
        offered, written = attempt(lambda: write_matrix(psa, extensions, int(role["id"]), plan))
        rows = written if offered else rows
    if offered:
        result.changed = True
        result.after["permissions"] = {change.row.label: dict(change.after) for change in plan.changes}
        if result.before:
            result.before["permissions"] = {change.row.label: dict(change.row.levels) for change in plan.changes}
    else:
        result.manual_steps += [role_permission(params["name"], change) for change in plan.changes]
    return rows


def differing(role: str, change: Change) -> dict[str, Any]:
    """A row that was not as wanted, as a manual step would name it, and in one line."""
    levels = ", ".join(
        f"{verb} is {change.row.levels.get(verb)}, wanted {level}" for verb, level in change.levels.items()
    )
    return {**role_permission(role, change), "difference": f"{change.row.label}: {levels}"}


def remove(psa: Psa, extensions: Extensions, role: Record | None, params: dict[str, Any], check_mode: bool) -> Result:
    """Delete the role; one that members hold keeps its record, and with in_use: clear loses its rights."""
    if role is None:
        return Result(values={"role": describe(None, params["name"], None)})
    held = read_held(psa, role)
    held_by = named(held.holders)
    if params["in_use"] == "clear" or not held_by:
        refusal = role_refusal(role, held, Claim.of(params))
        if refusal is not None:
            raise refusal
    if not held_by and not check_mode:
        try:
            delete(psa, f"{ROLES}/{role['id']}", lambda: find_role(psa, params["name"]))
        except Conflict as problem:
            # Held by somebody whom these keys may not see.
            if params["in_use"] == "fail" or not params["adopt"]:
                problem.remedy = GIVE_UP_ROLE
                raise
            held_by = "members whom these keys do not see"
    if not held_by:
        return Result(True, {"role": describe(None, params["name"], None)}, {"role": role["name"]}, {})
    if params["in_use"] == "fail":
        raise Conflict(
            f'the role "{role["name"]}" is held by {held_by}, so ConnectWise would refuse to delete it',
            remedy=GIVE_UP_ROLE,
        )
    result = Result(before={"role": role["name"]}, after={"role": role["name"]})
    wish = {**params, "permissions": {}, "exclusive": True}
    rows = converge(psa, extensions, role, wish, check_mode, result, None)
    result.values |= {"role": describe(role, params["name"], rows)}
    return result


MODULE = Module(
    name="msp.connectwise.cw_security_role",
    options={
        "name": {"type": "str", "required": True},
        "state": STATE,
        "permissions": {"type": "dict"},
        "exclusive": {"type": "bool", "default": False},
        "in_use": {"type": "str", "choices": ["fail", "clear"], "default": "fail"},
        **ROLE_OPTIONS,
        "given": {"type": "bool", "default": False},
        "on_unknown": ON_UNKNOWN,
        "on_unsupported": ON_UNSUPPORTED,
    },
    run=run,
)

if __name__ == "__main__":
    main(MODULE)
