#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cw_table_setup
short_description: Manage every Customize list of a security role, such as Table Setup
version_added: 0.1.0
description:
  - Sets which items of a function a security role may reach. In the product these are the lists
    C(Allow Access to these) and C(Disallow) behind the (customize) link of the row.
  - One task sets the whole list, such as "only these three" or "all but these two", or with O(state) only the items
    named. O(lists) sets all lists of a role.
  - The API publishes no operation that writes such a list, and only the member itself can read it
    (C(GET /system/mySecurity/customizeItems/)). If the tenant offers an extension route, the list is written and
    read back; elsewhere the change becomes a manual step. With O(reader_public_key) and O(reader_private_key) of a
    member that holds the role, a list that a person has set is seen without any extension route.
extends_documentation_fragment:
  - msp.connectwise.psa
  - msp.connectwise.psa.ladder
  - msp.connectwise.psa.unknown
  - msp.connectwise.attributes
  - msp.connectwise.attributes.write
options:
  role:
    description: Name of the security role, to the letter.
    type: str
    required: true
  own_members:
    description:
      - Identifiers of the API members that may hold the role, such as the member of the integration.
      - A list is changed, or its change becomes a manual step, only if nobody else holds the role, and only if the role
        is not one of administrators (C(adminFlag)).
    type: list
    elements: str
    default: []
  adopt:
    description: Whether a list is changed although others than O(own_members) hold the role.
    type: bool
    default: false
  own_key_role:
    description: Whether the role may be that of the member whose key the task works with.
    type: bool
    default: false
  function:
    description: The function whose list is meant, such as V(Table Setup), V(Agreements), V(Configurations),
      V(Resource Scheduling).
    type: str
    default: Table Setup
  module:
    description: Module of the function; needed only for names that several modules have, such as V(Reports).
    type: str
  allow:
    description:
      - Items to allow, for Table Setup written as V(Category / Table); or V(all) for every item the tenant has.
    type: raw
  disallow:
    description: Items to disallow. With O(allow=all) this is "all but these".
    type: list
    elements: str
  state:
    description:
      - V(exact) - the list holds what O(allow) says and nothing else. Without O(allow), the items of O(disallow) are
        taken away and the rest stays.
      - V(present) - the items of O(allow) are allowed. The rest stays as it is.
      - V(absent) - the items of O(disallow), or of O(allow), are not allowed. The rest stays as it is. With V(all) in
        place of the items, nothing is allowed.
    type: str
    choices: [exact, present, absent]
    default: exact
  lists:
    description:
      - All lists of the role at once, by their function; each a dictionary with the fields C(allow), C(disallow),
        C(state), C(module) and C(on_unknown), which mean what the options of these names do.
      - Takes the place of O(function), O(module), O(allow) and O(disallow). O(state) counts for the lists without one.
    type: dict
  reader_public_key:
    description: Public key of a member that holds the role, to read the list if there is no extension route.
    type: str
  reader_private_key:
    description: Private key that belongs to O(reader_public_key).
    type: str
  store:
    description:
      - The key store that holds the key that reads, instead of O(reader_public_key) - its name, or a dictionary with
        C(name), C(record) (name of the record, such as V(umbrella)) and the settings of the store; settings that are
        left out come from the C(integration_*) variables. No variable of the play ever holds the key.
    type: raw
"""

EXAMPLES = r"""
- name: Only these three tables
  msp.connectwise.cw_table_setup:
    role: Example Sync
    own_members: [ExampleSync]
    allow: [Company / Configuration, Service / Priority, Service / Service Board]

- name: All tables but two
  msp.connectwise.cw_table_setup:
    role: Example Sync
    own_members: [ExampleSync]
    allow: all
    disallow: [Company / Configuration, Company / Configuration Status]

- name: Every list of the role
  msp.connectwise.cw_table_setup:
    role: Example Sync
    own_members: [ExampleSync]
    lists:
      Table Setup: {allow: [Company / Configuration, Service / Priority]}
      Agreements: {allow: all}

- name: One table more, the rest as it is
  msp.connectwise.cw_table_setup:
    role: Example Sync
    own_members: [ExampleSync]
    allow: [Service / Source]
    state: present

- name: One agreement type less, the rest as it is
  msp.connectwise.cw_table_setup:
    role: Example Sync
    own_members: [ExampleSync]
    function: Agreements
    disallow: [Managed Services]
    state: absent
"""

RETURN = r"""
table_setup:
  description: The list as it is now.
  returned: if O(lists) is not given
  type: dict
  contains:
    role: {description: Name of the role., type: str, returned: always}
    function: {description: Name of the function., type: str, returned: always}
    allowed:
      description: The allowed items; null if they cannot be read with the keys at hand.
      type: list
      elements: str
      returned: always
lists:
  description: The lists as they are now, each as RV(table_setup).
  returned: success
  type: list
  elements: dict
changed_lists:
  description: The functions whose lists were changed.
  returned: success
  type: list
  elements: str
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

import json
from dataclasses import dataclass
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._access import wished
from ansible_collections.msp.connectwise.plugins.module_utils._client import Psa, Record
from ansible_collections.msp.connectwise.plugins.module_utils._connection import PUBLIC_KEY
from ansible_collections.msp.connectwise.plugins.module_utils._customize import (
    TABLE_SETUP,
    Customizable,
    own_items,
    read_own,
    universe,
)
from ansible_collections.msp.connectwise.plugins.module_utils._errors import (
    UnknownName,
    legible,
    readable,
)
from ansible_collections.msp.connectwise.plugins.module_utils._lists import AllowList, ListFacts
from ansible_collections.msp.connectwise.plugins.module_utils._manual import NO_CUSTOMIZE, customize_list
from ansible_collections.msp.connectwise.plugins.module_utils._module import (
    ON_UNKNOWN,
    ON_UNSUPPORTED,
    Module,
    Result,
    main,
)
from ansible_collections.msp.connectwise.plugins.module_utils._names import listed
from ansible_collections.msp.connectwise.plugins.module_utils._owners import (
    ROLE_OPTIONS,
    Claim,
    require_no_twin,
    require_our_role,
)
from ansible_collections.msp.connectwise.plugins.module_utils._patience import read_once
from ansible_collections.msp.connectwise.plugins.module_utils._permissions import (
    STATES,
    ListPlan,
    ListWish,
    Row,
    plan_list,
)
from ansible_collections.msp.connectwise.plugins.module_utils._resource import Names
from ansible_collections.msp.connectwise.plugins.module_utils._roles import (
    ROLES,
    attempt,
    customizable_row,
    is_admin,
    read_matrix,
    reads_offered,
    require_role,
    seek_role,
)
from ansible_collections.msp.connectwise.plugins.module_utils._routes import Extensions

UNREADABLE = (
    NO_CUSTOMIZE
    + " It can be read only with a key of a member that holds the role, so this step stays until such a key is stored."
)
ONE_LIST = ("allow", "disallow", "module")


@dataclass
class Role:
    """The role whose lists are set, read once for all of them. record: None in check mode, before the role exists."""

    psa: Psa
    params: dict[str, Any]
    record: Record | None
    rows: list[Row]
    names: Names
    extensions: Extensions

    @property
    def name(self) -> str:
        return str(self.params["role"])

    @read_once
    def own(self) -> list[Record] | None:
        """The lists as a member that holds the role sees them, or None when no usable key is at hand."""
        public, private = self.params["reader_public_key"], self.params["reader_private_key"]
        if not public or not private:
            return None
        # Keys that are refused show nothing either.
        return readable(lambda: read_own(self.psa.with_keys(public, private)), proven=True)[0]

    @read_once
    def lists_offered(self) -> bool:
        """Return whether the tenant has routes for Customize lists, as far as another role tells."""
        return reads_offered(self.psa, self.extensions)[0]

    def all_items(self, what: Customizable) -> list[str]:
        """Every item of a list that the API does not publish, as the role of administrators allows them."""
        admins = [one for one in self.names.records(ROLES) if one.get("adminFlag") or is_admin(one.get("name"))]
        if not admins:
            return []
        rows = read_matrix(self.psa, int(admins[0]["id"]))
        row = customizable_row(rows, what.function, what.module)
        facts = ListFacts(self.names, what, row, rows.index(row))
        return attempt(AllowList(self.extensions, int(admins[0]["id"]), row, what, facts).read)[1] or []


def run(psa: Psa, params: dict[str, Any], check_mode: bool) -> Result:
    lists = params["lists"]
    if lists is None:
        lists = {params["function"]: {name: params[name] for name in ONE_LIST if params[name] is not None}}
    wishes = [(*wished(function, entry, params["state"]), entry.get("on_unknown")) for function, entry in lists.items()]
    record, twin = seek_role(psa, params["role"])
    require_no_twin("security role", "role_name", params["role"], twin)
    if record is None and not check_mode:
        record = require_role(psa, params["role"])
    rows = [] if record is None else read_matrix(psa, int(record["id"]))
    role = Role(psa, params, record, rows, Names(psa), Extensions(psa, params["extension_routes"]))
    # A mistake in one list must not be found after another was written.
    plans = [planned(role, what, wish, on_unknown) for what, wish, on_unknown in wishes]
    if record is not None and any(current is None or plan.before != plan.after for *_rest, current, plan in plans):
        require_our_role(psa, record, Claim.of(params))
    results = [carried_out(role, *plan, check_mode) for plan in plans]
    return together(results, params)


def planned(
    role: Role, what: Customizable, wish: ListWish, on_unknown: str | None
) -> tuple[Customizable, ListWish, AllowList | None, list[str] | None, ListPlan]:
    """The list as it is, and what it is to become; None instead of the list if no route reads it."""
    lenient = (on_unknown or role.params["on_unknown"]) == "warn"
    target: AllowList | None = None
    catalogue = universe(role.names, what, wish)
    # The API may list no items; then the role that has every right shows them.
    items = catalogue if what.source else role.all_items(what)
    # A new role allows everything.
    current: list[str] | None = items if role.record is None and role.lists_offered else []
    if role.record is not None:
        row = customizable_row(role.rows, what.function, what.module)
        facts = ListFacts(role.names, what, row, role.rows.index(row))
        target = AllowList(role.extensions, int(role.record["id"]), row, what, facts)
        offered, current = attempt(target.read)
        if not offered:
            target = None
            current = None if role.own is None else own_items(role.own, what)
    try:
        plan = plan_list(wish, current or [], items or catalogue, what=what.item, lenient=lenient)
    except UnknownName as problem:
        raise to_choose(problem, what, wish, items) from None
    return what, wish, target, current, plan


def to_choose(problem: UnknownName, what: Customizable, wish: ListWish, items: list[str]) -> UnknownName:
    """Return the error with the names that the tenant has for the list, and with one of them as an example."""
    near = problem.data.get("closest") or items[:1]
    if near:
        if not problem.data.get("closest"):
            problem.problem = legible(f"{problem.problem} (the tenant has {listed(items)})")
        # What is not to be allowed must not become an example that allows it.
        option = "disallow" if problem.data.get("name") in wish.disallow else "allow"
        example = json.dumps({what.function: {option: near[:1]}}, ensure_ascii=False)
        problem.choice = ("customize", example)
        problem.remedy = f"name items of the tenant, such as {example}"
    return problem


def carried_out(
    role: Role,
    what: Customizable,
    wish: ListWish,
    target: AllowList | None,
    current: list[str] | None,
    plan: ListPlan,
    check_mode: bool,
) -> Result:
    if role.record is None:
        # Check mode, before the role exists: nothing is set yet, and another role tells what the tenant offers.
        if not role.lists_offered:
            return unreadable(role, what, wish, plan)
        return report(role, what, plan, plan.before != plan.after)
    if current is None:
        return unreadable(role, what, wish, plan)
    if plan.before == plan.after:
        return report(role, what, plan, False)
    offered = target is not None
    if target is not None and not check_mode:
        offered = attempt(lambda: target.replace(plan.after))[0]
    if not offered:
        # Without the route that reads the list back, a write would be taken on trust.
        step = customize_list(role.name, what.module, what.function, plan.allow, plan.disallow, "keep")
        result = report(role, what, ListPlan(plan.before, plan.before, [], [], warnings=plan.warnings), False)
        result.manual_steps.append(step)
        return result
    return report(role, what, plan, True)


def unreadable(role: Role, what: Customizable, wish: ListWish, plan: ListPlan) -> Result:
    """Nobody can tell what the list holds: the step names the whole of it."""
    rest = "allow" if wish.allow is None else "disallow" if wish.exclusive else "keep"
    allow = [] if rest == "allow" else plan.after
    step = customize_list(role.name, what.module, what.function, allow, plan.refused, rest, UNREADABLE)
    return Result(
        values={"table_setup": {"role": role.name, "function": what.function, "allowed": None}},
        manual_steps=[step],
        warnings=plan.warnings,
    )


def report(role: Role, what: Customizable, plan: ListPlan, changed: bool) -> Result:
    return Result(
        changed=changed,
        values={"table_setup": {"role": role.name, "function": what.function, "allowed": plan.after}},
        before={"allowed": plan.before},
        after={"allowed": plan.after},
        warnings=plan.warnings,
    )


def together(results: list[Result], params: dict[str, Any]) -> Result:
    """One result of all lists; the diff names the function of each that changes."""
    changed = [one.values["table_setup"]["function"] for one in results if one.changed]
    lists = [one.values["table_setup"] for one in results]
    whole = Result(values={"lists": lists, "changed_lists": changed}, before={}, after={})
    for one in results:
        whole.changed = whole.changed or one.changed
        whole.manual_steps += one.manual_steps
        whole.warnings += one.warnings
        if one.changed:
            function = one.values["table_setup"]["function"]
            whole.before[function], whole.after[function] = one.before, one.after
    if params["lists"] is None:
        (one,) = results
        whole.values["table_setup"] = one.values["table_setup"]
        whole.before, whole.after = one.before, one.after
    return whole


MODULE = Module(
    name="msp.connectwise.cw_table_setup",
    options={
        "role": {"type": "str", "required": True},
        "function": {"type": "str", "default": TABLE_SETUP},
        "module": {"type": "str"},
        "allow": {"type": "raw"},
        "disallow": {"type": "list", "elements": "str"},
        "state": {"type": "str", "choices": list(STATES), "default": STATES[0]},
        "lists": {"type": "dict"},
        "reader_public_key": PUBLIC_KEY,
        "reader_private_key": {"type": "str", "no_log": True},
        "store": {"type": "raw"},
        **ROLE_OPTIONS,
        "on_unknown": ON_UNKNOWN,
        "on_unsupported": ON_UNSUPPORTED,
    },
    run=run,
    constraints={
        "required_together": [("reader_public_key", "reader_private_key")],
        "mutually_exclusive": [("lists", name) for name in ONE_LIST],
    },
)

if __name__ == "__main__":
    main(MODULE)
