#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cw_table_setup
short_description: Manage the Customize allow list of a role's function, such as Table Setup
version_added: 0.1.0
description:
  - Sets which items of a function a security role may reach; behind the (customize) link of the row in the product,
    the lists C(Allow Access to these) and C(Disallow).
  - The whole list in one task, "all but these two" as well as "only these three".
  - The API publishes no operation that writes such a list, and only the member itself can read it
    (C(GET /system/mySecurity/customizeItems/)). Where the tenant offers an extension route, the list is written and
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
    description: Name of the security role.
    type: str
    required: true
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
  exclusive:
    description:
      - Whether everything O(allow) does not name is disallowed.
      - Defaults to V(true) when O(allow) is given; V(false) adds O(allow) to what is allowed already.
    type: bool
  reader_public_key:
    description: Public key of a member that holds the role, to read the list where there is no extension route.
    type: str
  reader_private_key:
    description: Private key that belongs to O(reader_public_key).
    type: str
"""

EXAMPLES = r"""
- name: Only these three tables
  msp.connectwise.cw_table_setup:
    role: Example Sync
    allow: [Company / Configuration, Service / Priority, Service / Service Board]

- name: All tables but two
  msp.connectwise.cw_table_setup:
    role: Example Sync
    allow: all
    disallow: [Company / Configuration, Company / Configuration Status]

- name: One agreement type less, the rest as it is
  msp.connectwise.cw_table_setup:
    role: Example Sync
    function: Agreements
    disallow: [Managed Services]
"""

RETURN = r"""
table_setup:
  description: The list as it is now.
  returned: success
  type: dict
  contains:
    role: {description: Name of the role., type: str, returned: always}
    function: {description: Name of the function., type: str, returned: always}
    allowed:
      description: The allowed items; null where the tenant lets nobody read them with the keys at hand.
      type: list
      elements: str
      returned: always
manual_steps:
  description: What a person has to click, in order, where the API offers nothing.
  returned: success
  type: list
  elements: dict
pending:
  description: Whether manual steps are left.
  returned: success
  type: bool
"""

from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._client import Psa
from ansible_collections.msp.connectwise.plugins.module_utils._connection import PUBLIC_KEY
from ansible_collections.msp.connectwise.plugins.module_utils._customize import (
    TABLE_SETUP,
    Customizable,
    customizable,
    own_items,
    read_own,
    universe,
)
from ansible_collections.msp.connectwise.plugins.module_utils._errors import AuthenticationFailed, NotApplied
from ansible_collections.msp.connectwise.plugins.module_utils._manual import NO_CUSTOMIZE, customize_list
from ansible_collections.msp.connectwise.plugins.module_utils._module import (
    ON_UNKNOWN,
    ON_UNSUPPORTED,
    Module,
    Result,
    main,
)
from ansible_collections.msp.connectwise.plugins.module_utils._permissions import ListPlan, ListWish, plan_list
from ansible_collections.msp.connectwise.plugins.module_utils._resource import Names, write
from ansible_collections.msp.connectwise.plugins.module_utils._roles import (
    attempt,
    customizable_row,
    find_role,
    read_matrix,
    require_role,
)
from ansible_collections.msp.connectwise.plugins.module_utils._routes import Extensions

UNREADABLE = (
    NO_CUSTOMIZE
    + " It can be read only with a key of a member that holds the role, so this step stays until such a key is stored."
)


def run(psa: Psa, params: dict[str, Any], check_mode: bool) -> Result:
    what = customizable(params["function"], params["module"])
    wish = ListWish.parse(params["allow"], params["disallow"], params["exclusive"])
    names, lenient = Names(psa), params["on_unknown"] == "warn"
    role = find_role(psa, params["role"]) if check_mode else require_role(psa, params["role"])
    if role is None:
        # Check mode, before the role exists: nothing is set yet.
        plan = plan_list(wish, [], universe(names, what, wish), what=what.item, lenient=lenient)
        return report(params, what, plan, True)
    role_id = int(role["id"])
    row = customizable_row(read_matrix(psa, role_id), what.function, what.module)
    extensions = Extensions(psa, params["extension_routes"])
    offered, current = attempt(lambda: extensions.customize_items(role_id, int(row.id or 0)))
    if not offered:
        current = read_as_member(psa, params, what)
    catalogue = universe(names, what, wish)
    plan = plan_list(wish, current or [], catalogue, what=what.item, lenient=lenient)
    if current is None:
        return unreadable(params, what, wish, plan)
    if plan.before == plan.after:
        return report(params, what, plan, False)
    if offered and not check_mode:
        offered = attempt(lambda: replace(psa, extensions, role_id, int(row.id or 0), what, plan))[0]
    if not offered:
        # Without the route that reads the list back, a write would be taken on trust.
        step = customize_list(params["role"], what.module, what.function, plan.allow, plan.disallow, "keep")
        result = report(params, what, ListPlan(plan.before, plan.before, [], [], warnings=plan.warnings), False)
        result.manual_steps.append(step)
        return result
    return report(params, what, plan, True)


def read_as_member(psa: Psa, params: dict[str, Any], what: Customizable) -> list[str] | None:
    """The list as a member that holds the role sees it, or None when no usable key is at hand."""
    if not params["reader_public_key"] or not params["reader_private_key"]:
        return None
    reader = psa.with_keys(params["reader_public_key"], params["reader_private_key"])
    try:
        return own_items(read_own(reader), what)
    except AuthenticationFailed:
        return None


def replace(psa: Psa, extensions: Extensions, role: int, setting: int, what: Customizable, plan: ListPlan) -> None:
    """Replace the whole list and read it back."""
    write(
        lambda: extensions.replace_customize_items(role, setting, what.identifier, plan.after),
        lambda: extensions.customize_items(role, setting),
        lambda found: sorted(set(found) ^ set(plan.after)),
        NotApplied("written, but not taken over", tenant=psa.tenant, operation="customize_items.replace"),
    )


def unreadable(params: dict[str, Any], what: Customizable, wish: ListWish, plan: ListPlan) -> Result:
    """Nobody can tell what the list holds: the step names the whole of it."""
    rest = "allow" if wish.allow is None else "disallow" if wish.exclusive else "keep"
    allow = [] if rest == "allow" else plan.after
    step = customize_list(params["role"], what.module, what.function, allow, plan.refused, rest, UNREADABLE)
    return Result(
        values={"table_setup": {"role": params["role"], "function": what.function, "allowed": None}},
        manual_steps=[step],
        warnings=plan.warnings,
    )


def report(params: dict[str, Any], what: Customizable, plan: ListPlan, changed: bool) -> Result:
    return Result(
        changed=changed,
        values={"table_setup": {"role": params["role"], "function": what.function, "allowed": plan.after}},
        before={"allowed": plan.before},
        after={"allowed": plan.after},
        warnings=plan.warnings,
    )


MODULE = Module(
    name="msp.connectwise.cw_table_setup",
    options={
        "role": {"type": "str", "required": True},
        "function": {"type": "str", "default": TABLE_SETUP},
        "module": {"type": "str"},
        "allow": {"type": "raw"},
        "disallow": {"type": "list", "elements": "str"},
        "exclusive": {"type": "bool"},
        "reader_public_key": PUBLIC_KEY,
        "reader_private_key": {"type": "str", "no_log": True},
        "on_unknown": ON_UNKNOWN,
        "on_unsupported": ON_UNSUPPORTED,
    },
    run=run,
    constraints={"required_together": [("reader_public_key", "reader_private_key")]},
)

if __name__ == "__main__":
    main(MODULE)
