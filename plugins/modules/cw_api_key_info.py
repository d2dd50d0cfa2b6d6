#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cw_api_key_info
short_description: List the API keys of members
version_added: 0.1.0
description:
  - Lists the API keys of API members or of persons' member records, without their private halves.
  - The API publishes no such operation; on a tenant without the extension route RV(offered) is V(false) and the list
    is empty.
extends_documentation_fragment:
  - msp.connectwise.psa
  - msp.connectwise.attributes
  - msp.connectwise.attributes.read
options:
  member:
    description: Identifier of the member, or a pattern such as V(Umbrella*), where C(*) stands for any characters and
      C(?) for one. A member of exactly this identifier counts before the pattern.
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

- name: Which keys do all API members have?
  msp.connectwise.cw_api_key_info:
    member: "*"
"""

RETURN = r"""
offered:
  description: Whether the tenant offers an operation that lists keys; null if there is no member to ask for.
  returned: success
  type: bool
member_exists:
  description: Whether a member is named so.
  returned: success
  type: bool
member_active:
  description: Whether the member is active, or one of them; no key of an inactive one works.
  returned: success
  type: bool
api_keys:
  description: The keys.
  returned: success
  type: list
  elements: dict
  contains:
    member: {description: Identifier of the member that owns it., type: str, returned: always}
    id: {description: Record id., type: int, returned: always}
    description: {description: Description., type: str, returned: always}
    public_key: {description: Public key., type: str, returned: always}
"""

from functools import partial
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._client import Psa, Record
from ansible_collections.msp.connectwise.plugins.module_utils._members import find_owners, key_routes
from ansible_collections.msp.connectwise.plugins.module_utils._module import Module, Result, main
from ansible_collections.msp.connectwise.plugins.module_utils._roles import attempt
from ansible_collections.msp.connectwise.plugins.module_utils._routes import Extensions


def describe(key: Record, owner: Record) -> dict[str, Any]:
    return {
        "member": owner.get("identifier"),
        "id": key.get("id"),
        "description": key.get("description"),
        "public_key": key.get("publicKey"),
    }


def run(psa: Psa, params: dict[str, Any], _check_mode: bool) -> Result:
    owners = find_owners(psa, params["member"], params["member_type"])
    extensions, routes = Extensions(psa, params["extension_routes"]), key_routes(params["member_type"])

    def keys_of(owner: Record) -> tuple[bool, list[Record] | None]:
        return attempt(lambda: extensions.keys(routes, int(owner["id"])))

    found = psa.together([partial(keys_of, owner) for owner in owners])
    values = {
        "offered": all(offered for offered, _keys in found) if found else None,
        "member_exists": bool(owners),
        "member_active": any(not owner.get("inactiveFlag") for owner in owners),
        "api_keys": [
            describe(key, owner) for owner, (_offered, keys) in zip(owners, found, strict=True) for key in keys or []
        ],
    }
    return Result(values=values)


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
