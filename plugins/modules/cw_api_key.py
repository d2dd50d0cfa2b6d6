#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cw_api_key
short_description: Create and delete the API keys of a member
version_added: 0.1.0
description:
  - Creates an API key for an API member, or for a person's member record, and deletes keys.
  - ConnectWise shows the private key once, when the key is created. It stands in the result of the task that created
    the key and nowhere else, so register the result with C(no_log) and store it at once; the
    P(msp.connectwise.integration#role) role does all of that.
  - The API publishes no operation for API keys. Where the tenant offers an extension route, it is used; elsewhere the
    change becomes a manual step.
extends_documentation_fragment:
  - msp.connectwise.psa
  - msp.connectwise.psa.ladder
  - msp.connectwise.attributes
  - msp.connectwise.attributes.write
options:
  member:
    description: Identifier of the member that owns the key.
    type: str
    required: true
  member_type:
    description: V(api) for an API member, V(member) for a person's member record.
    type: str
    choices: [api, member]
    default: api
  description:
    description: Description of the key. With O(state=absent) it can be left out when O(public_keys) or O(key_ids) name
      the keys.
    type: str
  state:
    description:
      - V(present) means that a key with this description exists, other than those in O(other_than).
      - V(absent) means that no key exists that O(description), O(public_keys) and O(key_ids) fit, as far as they are
        given.
    type: str
    choices: [present, absent]
    default: present
  other_than:
    description: Ids of keys that do not count, such as the key that is being rotated out.
    type: list
    elements: int
    default: []
  public_keys:
    description: Public keys to delete.
    type: list
    elements: str
  key_ids:
    description: Ids of keys to delete.
    type: list
    elements: int
"""

EXAMPLES = r"""
- name: A key for the member of an integration
  msp.connectwise.cw_api_key:
    member: ExampleSync
    description: Example Sync
  register: created
  no_log: true

- name: No key with this description
  msp.connectwise.cw_api_key:
    member: ExampleSync
    description: Example Sync
    state: absent
"""

RETURN = r"""
api_key:
  description: The key.
  returned: success
  type: dict
  contains:
    id: {description: Record id; null where there is no such key., type: int, returned: always}
    description: {description: Its description., type: str, returned: always}
    public_key: {description: Public key., type: str, returned: always}
    private_key:
      description: Private key. Shown this one time.
      type: str
      returned: when the key was created by this task
deleted:
  description: Ids of the keys that were deleted.
  returned: with O(state=absent)
  type: list
  elements: int
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

from ansible_collections.msp.connectwise.plugins.module_utils._client import Psa, Record
from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError
from ansible_collections.msp.connectwise.plugins.module_utils._keys import create_key, delete_keys, fitting
from ansible_collections.msp.connectwise.plugins.module_utils._manual import create_key as create_step
from ansible_collections.msp.connectwise.plugins.module_utils._manual import delete_key as delete_step
from ansible_collections.msp.connectwise.plugins.module_utils._manual import own_key
from ansible_collections.msp.connectwise.plugins.module_utils._members import find_owner, key_routes, no_member
from ansible_collections.msp.connectwise.plugins.module_utils._module import ON_UNSUPPORTED, STATE, Module, Result, main
from ansible_collections.msp.connectwise.plugins.module_utils._resource import settled
from ansible_collections.msp.connectwise.plugins.module_utils._roles import attempt, reads_offered
from ansible_collections.msp.connectwise.plugins.module_utils._routes import Extensions


def run(psa: Psa, params: dict[str, Any], check_mode: bool) -> Result:
    if params["state"] == "absent" and all(params[name] is None for name in ("description", "public_keys", "key_ids")):
        raise InputError("nothing says which keys", remedy="give description, public_keys or key_ids")
    needed = params["state"] == "present" and not check_mode
    # A member that an earlier task made may not be in the first list.
    owner = settled(
        lambda: find_owner(psa, params["member"], params["member_type"]), lambda found: not needed or found is not None
    )
    if owner is None:
        if params["state"] == "absent":
            return Result(values={"deleted": []})
        if check_mode:
            # The member may be what an earlier task of the play would create; another one tells what the tenant offers.
            if not reads_offered(psa, Extensions(psa, params["extension_routes"]))[1]:
                step = create_step(params["member"], params["member_type"], params["description"])
                return Result(values={"api_key": shown(None, params)}, manual_steps=[step])
            return Result(True, {"api_key": shown(None, params)}, {}, {"key": params["description"]})
        raise no_member(psa, params["member"], params["member_type"])
    extensions, routes = Extensions(psa, params["extension_routes"]), key_routes(params["member_type"])
    offered, keys = attempt(lambda: extensions.keys(routes, int(owner["id"])))
    if params["state"] == "present":
        return present(extensions, routes, owner, keys if offered else None, params, check_mode)
    return absent(extensions, routes, owner, keys if offered else None, params, check_mode)


def shown(key: Record | None, params: dict[str, Any]) -> dict[str, Any]:
    key = key or {"description": params["description"]}
    described = {"id": key.get("id"), "description": key.get("description"), "public_key": key.get("publicKey")}
    if key.get("privateKey"):
        described["private_key"] = key["privateKey"]
    return described


def present(
    extensions: Extensions,
    routes: str,
    owner: Record,
    keys: list[Record] | None,
    params: dict[str, Any],
    check_mode: bool,
) -> Result:
    fit = fitting(keys or [], params["description"], None, None)
    found = [key for key in fit if key.get("id") not in params["other_than"]]
    if found:
        return Result(values={"api_key": shown(found[0], params)})
    offered, made = keys is not None, None
    if keys is not None and not check_mode:
        offered, made = attempt(lambda: create_key(extensions, routes, int(owner["id"]), params["description"], keys))
    if not offered:
        step = create_step(params["member"], params["member_type"], params["description"])
        return Result(values={"api_key": shown(None, params)}, manual_steps=[step])
    return Result(True, {"api_key": shown(made, params)}, {}, {"key": params["description"]})


def absent(
    extensions: Extensions,
    routes: str,
    owner: Record,
    keys: list[Record] | None,
    params: dict[str, Any],
    check_mode: bool,
) -> Result:
    found = fitting(keys or [], params["description"], params["public_keys"], params["key_ids"])
    # Without the key that this very task works with, nothing could be read back, and no later task could begin.
    in_use = extensions.psa.connection.public_key
    doomed = [key for key in found if key.get("publicKey") != in_use]
    steps = [own_key(params["member"], params["member_type"], in_use)] if len(doomed) < len(found) else []
    offered = keys is not None
    if doomed and not check_mode:
        offered = attempt(lambda: delete_keys(extensions, routes, int(owner["id"]), doomed))[0]
    if not offered:
        named = [None] if params["public_keys"] is None else params["public_keys"]
        public_keys = [key.get("publicKey") for key in doomed] or named
        steps += [
            delete_step(params["member"], params["member_type"], params["description"], public_key)
            for public_key in public_keys
        ]
        return Result(values={"deleted": []}, manual_steps=steps)
    before = {"keys": [f"{key.get('description')} ({key.get('publicKey')})" for key in doomed]}
    return Result(
        bool(doomed), {"deleted": [key.get("id") for key in doomed]}, before, {"keys": []}, manual_steps=steps
    )


MODULE = Module(
    name="msp.connectwise.cw_api_key",
    options={
        "member": {"type": "str", "required": True},
        "member_type": {"type": "str", "choices": ["api", "member"], "default": "api"},
        "description": {"type": "str"},
        "state": STATE,
        "other_than": {"type": "list", "elements": "int", "default": [], "no_log": False},
        "public_keys": {"type": "list", "elements": "str", "no_log": False},
        "key_ids": {"type": "list", "elements": "int", "no_log": False},
        "on_unsupported": ON_UNSUPPORTED,
    },
    run=run,
    constraints={"required_if": [("state", "present", ("description",))]},
)

if __name__ == "__main__":
    main(MODULE)
