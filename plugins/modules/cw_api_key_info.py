#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cw_api_key_info
short_description: List the API keys of a member
version_added: 0.1.0
description:
  - Lists the API keys of an API member or of a person's member record, without their private halves.
  - The API publishes no such operation; on a tenant without the extension route RV(offered) is V(false) and the list
    is empty.
extends_documentation_fragment:
  - msp.connectwise.psa
  - msp.connectwise.attributes
  - msp.connectwise.attributes.read
options:
  member:
    description: Identifier of the member.
    type: str
    required: true
  member_type:
    description: V(api) for an API member, V(member) for a person's member record.
    type: str
    choices: [api, member]
    default: api
"""

EXAMPLES = r"""
- name: Which keys does the member have?
  msp.connectwise.cw_api_key_info:
    member: ExampleSync
"""

RETURN = r"""
offered:
  description: Whether the tenant offers an operation that lists keys; null if there is no member to ask for.
  returned: success
  type: bool
member_exists:
  description: Whether the member exists.
  returned: success
  type: bool
member_active:
  description: Whether the member is active; no key of an inactive one works.
  returned: success
  type: bool
api_keys:
  description: The keys.
  returned: success
  type: list
  elements: dict
  contains:
    id: {description: Record id., type: int, returned: always}
    description: {description: Description., type: str, returned: always}
    public_key: {description: Public key., type: str, returned: always}
"""

from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._client import Psa
from ansible_collections.msp.connectwise.plugins.module_utils._members import find_owner, key_routes
from ansible_collections.msp.connectwise.plugins.module_utils._module import Module, Result, main
from ansible_collections.msp.connectwise.plugins.module_utils._roles import attempt
from ansible_collections.msp.connectwise.plugins.module_utils._routes import Extensions


def run(psa: Psa, params: dict[str, Any], _check_mode: bool) -> Result:
    owner = find_owner(psa, params["member"], params["member_type"])
    extensions, routes = Extensions(psa, params["extension_routes"]), key_routes(params["member_type"])
    if owner is None:
        return Result(values={"offered": None, "member_exists": False, "member_active": False, "api_keys": []})
    offered, keys = attempt(lambda: extensions.keys(routes, int(owner["id"])))
    listed = [
        {"id": key.get("id"), "description": key.get("description"), "public_key": key.get("publicKey")}
        for key in keys or []
    ]
    active = not owner.get("inactiveFlag")
    return Result(values={"offered": offered, "member_exists": True, "member_active": active, "api_keys": listed})


MODULE = Module(
    name="msp.connectwise.cw_api_key_info",
    options={
        "member": {"type": "str", "required": True},
        "member_type": {"type": "str", "choices": ["api", "member"], "default": "api"},
    },
    run=run,
)

if __name__ == "__main__":
    main(MODULE)
