#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cw_api_key
short_description: Keep an API key of a member in a store, or create and delete keys
version_added: 0.1.0
description:
  - With O(store) it is idempotent for the life of a key. O(state=present) means that a key of this description, which
    the tenant has confirmed, is in the store; O(state=absent) that none works any more. The key is made, stored, read
    back, proven and, when it is replaced, deleted in an order in which nothing is lost when a run dies. The private
    half is in no result, variable or log. This part runs on the controller.
  - Without O(store) it creates a key for an API member, or for a person's member record, and deletes keys.
    ConnectWise shows the private key once, when the key is created. It stands in the result of the task that created
    the key and nowhere else, so set C(no_log) on the task, register the result and store it at once. A task without
    C(no_log) warns.
  - Nothing that the tenant says to the creation of a key is shown, for it may hold the key. After an error the key that
    it may have left is looked for and deleted; where that fails, the error gives the command that deletes it.
  - The API publishes no operation for API keys. If the tenant offers an extension route, it is used; if not, the change
    becomes a manual step.
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
    description:
      - Ids of keys that do not count, such as the key that is being rotated out.
      - If it is given, even as an empty list, nothing is cleared up here. A key whose answer was lost is an error and
        is not tried again, and further keys that the same request made are named in RV(twins) and not deleted.
    type: list
    elements: int
  public_keys:
    description: Public keys to delete.
    type: list
    elements: str
  key_ids:
    description: Ids of keys to delete.
    type: list
    elements: int
  store:
    description:
      - The key store, by name (V(vaulted_file), V(hashi_vault), V(sops), V(command), V(none), or the path of a YAML
        file that describes one), or a dictionary with C(name), C(record) and the settings C(tenant), C(directory),
        C(vault_id), C(allow_readable), C(settle), C(hashi_vault), C(hashi_vault_mount), C(hashi_vault_path), C(sops),
        C(sops_path), C(command), C(return_key). Settings that are left out come from the C(integration_*) variables of
        the host, as the P(msp.connectwise.integration#role) role explains them.
      - C(record) is the name of the record in the store; the identifier of the member if it is left out.
    type: raw
  vendor:
    description: With O(store), the short name of the integration the key belongs to; a record of another one is
      refused.
    type: str
  rotate:
    description: With O(store), whether the key that is in the store when the task begins is replaced.
    type: bool
    default: false
  max_age_days:
    description: With O(store), age in days from which the key is replaced; V(0) for never.
    type: float
    default: 0
  grace_days:
    description: With O(store), days for which a replaced key still works, for a vendor that is told of the new one by
      hand.
    type: float
    default: 0
  heal:
    description: With O(store), whether a stored key that the tenant refuses is replaced. If not, the task fails.
    type: bool
    default: false
  beside:
    description:
      - With O(store), whether a key is made beside one of the same description that the store does not know. If not, a
        manual step names the choice.
      - It also ends the manual step that names a key of an interrupted run or of somebody else.
    type: bool
    default: false
  lease:
    description:
      - With O(store), seconds for which the unfinished creation of a key by a run on another machine is respected.
      - The key that a dead run has left is deleted within this time. After it the key may be somebody else's, and a
        manual step names it.
    type: float
    default: 900
  given_keys:
    description:
      - With O(store), keys that a person has made, each a dictionary with C(member), C(public_key), C(private_key) and
        optionally C(tenant). The one of this member on this tenant is stored once the tenant has confirmed it, and
        nothing else is done.
    type: list
    elements: dict
"""

EXAMPLES = r"""
- name: A proven, working key in the store of the tenant
  msp.connectwise.cw_api_key:
    member: ExampleSync
    description: Example Sync
    store:
      name: vaulted_file
      directory: "{{ inventory_dir }}/connectwise_keys"
      record: example

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
    id: {description: Record id; null if there is no such key., type: int, returned: always}
    description: {description: Its description., type: str, returned: always}
    public_key: {description: Public key., type: str, returned: always}
    private_key:
      description: Private key. Shown this one time.
      type: str
      returned: when the key was created by this task, without O(store)
    created: {description: "With O(store), when it was made.", type: str, returned: with O(store)}
    state:
      description: With O(store), what the tenant says of it - V(valid), V(refused), or V(none) if there is no key.
      type: str
      returned: with O(store)
done:
  description: With O(store), what was done, or in check mode would be, a line each.
  returned: with O(store)
  type: list
  elements: str
record:
  description: With O(store), the name of the record.
  returned: with O(store)
  type: str
place:
  description: With O(store), where a person finds the key.
  returned: with O(store)
  type: str
retired:
  description: With O(store), the replaced keys that still work, with the beginning of the public key and since when.
  returned: with O(store)
  type: list
  elements: dict
twins:
  description: Ids of further keys that the tenant has made of the same request.
  returned: when a key was created, with O(other_than)
  type: list
  elements: int
deleted:
  description: Ids of the keys that were deleted.
  returned: with O(state=absent)
  type: list
  elements: int
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
import shlex
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._client import Psa, Record
from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError, PsaError
from ansible_collections.msp.connectwise.plugins.module_utils._keys import create_key, delete_keys, fitting, request_key
from ansible_collections.msp.connectwise.plugins.module_utils._manual import create_key as create_step
from ansible_collections.msp.connectwise.plugins.module_utils._manual import delete_key as delete_step
from ansible_collections.msp.connectwise.plugins.module_utils._manual import own_key
from ansible_collections.msp.connectwise.plugins.module_utils._members import find_owner, key_routes, no_member
from ansible_collections.msp.connectwise.plugins.module_utils._module import ON_UNSUPPORTED, STATE, Module, Result, main
from ansible_collections.msp.connectwise.plugins.module_utils._resource import settled
from ansible_collections.msp.connectwise.plugins.module_utils._roles import attempt, reads_offered
from ansible_collections.msp.connectwise.plugins.module_utils._routes import Extensions


def run(psa: Psa, params: dict[str, Any], check_mode: bool) -> Result:
    if params["store"] is not None:
        raise InputError("store works on the controller only", remedy="run the task as an action, not the bare module")
    if idle := [name for name, option in _OF_STORE.items() if params[name] != option.get("default")]:
        raise InputError(
            f"{', '.join(idle)} would do nothing without store, so nothing was sent",
            remedy="name the key store, such as store: vaulted_file",
        )
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
        if check_mode and params["member_type"] == "api":
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
    found = [key for key in fit if key.get("id") not in (params["other_than"] or [])]
    if found:
        return Result(values={"api_key": shown(found[0], params)})
    offered, made = keys is not None, None
    twins: list[Record] = []
    place = routes, int(owner["id"]), params["description"]
    if keys is not None and not check_mode and params["other_than"] is None:
        try:
            offered, made = attempt(lambda: create_key(extensions, *place, keys))
        except PsaError as problem:
            raise told(problem, params) from None
    elif keys is not None and not check_mode:
        offered, sent = attempt(lambda: request_key(extensions, *place, keys))
        made, twins = sent or (None, [])
    if not offered:
        step = create_step(params["member"], params["member_type"], params["description"])
        return Result(values={"api_key": shown(None, params)}, manual_steps=[step])
    values: dict[str, Any] = {"api_key": shown(made, params)}
    if made and params["other_than"] is not None:
        values["twins"] = [twin["id"] for twin in twins]
    return Result(True, values, {}, {"key": params["description"]})


def told(problem: PsaError, params: dict[str, Any]) -> PsaError:
    """The error of a creation, with the command that deletes a key it may have left; before it there was none."""
    if problem.unclear:
        names = ("member", "member_type", "description")
        options = json.dumps({**{name: params[name] for name in names}, "state": "absent"}, ensure_ascii=False)
        command = f"ansible TENANT -m msp.connectwise.cw_api_key -a {shlex.quote(options)}"
        problem.remedy = f"a key of {params['member']} may be live. This deletes it: {command}"
    return problem


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


# Options that only the store's part reads, with their defaults.
_OF_STORE: dict[str, dict[str, Any]] = {
    "vendor": {"type": "str"},
    "rotate": {"type": "bool", "default": False},
    "max_age_days": {"type": "float", "default": 0},
    "grace_days": {"type": "float", "default": 0},
    "heal": {"type": "bool", "default": False},
    "beside": {"type": "bool", "default": False},
    "lease": {"type": "float", "default": 900},
    # Not no_log: their values would also be cut out of the results that tell which key is in the store.
    "given_keys": {"type": "list", "elements": "dict", "no_log": False},
}

MODULE = Module(
    name="msp.connectwise.cw_api_key",
    options={
        "member": {"type": "str", "required": True},
        "member_type": {"type": "str", "choices": ["api", "member"], "default": "api"},
        "description": {"type": "str"},
        "state": STATE,
        "other_than": {"type": "list", "elements": "int", "no_log": False},
        "public_keys": {"type": "list", "elements": "str", "no_log": False},
        "key_ids": {"type": "list", "elements": "int", "no_log": False},
        "store": {"type": "raw"},
        **_OF_STORE,
        "on_unsupported": ON_UNSUPPORTED,
    },
    run=run,
    constraints={"required_if": [("state", "present", ("description",))]},
)

if __name__ == "__main__":
    main(MODULE)
