# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Manual steps: what a person has to click if the API offers no operation. Data, in the order a person does them.

`do` says it whole; `part` and `brief` say it under the heading of its screen, which is saved once.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from ._permissions import VERBS, Change

Step = dict[str, Any]

ROLES_MENU = ["System", "Security Roles"]
NO_MATRIX = "The API of this tenant reads a role's permissions but offers no operation that writes them."
NO_CUSTOMIZE = "The API of this tenant offers no operation that writes a Customize list."
NO_KEYS = "The API of this tenant offers no operation for the API keys of a member."
NO_ROLE_UPDATE = "The API publishes no operation that changes a security role itself."


def role_permission(role: str, change: Change) -> Step:
    levels = dict(change.after)
    clicks = ", ".join(f"{verb.capitalize()} Level to {levels[verb]}" for verb in VERBS if verb in change.levels)
    return {
        "kind": "role_permission",
        "menu": [*ROLES_MENU, role],
        "do": f'In the security module {change.row.module}, row "{change.row.function}", set {clicks}; then Save.',
        "part": f"In the security module {change.row.module}",
        "brief": f"{change.row.function}: {clicks}",
        "why": NO_MATRIX,
        "role": role,
        "module": change.row.module,
        "function": change.row.function,
        "levels": levels,
    }


def role_activate(role: str) -> Step:
    return {
        "kind": "role_activate",
        "menu": [*ROLES_MENU, role],
        "do": "Clear the Inactive box of the role; then Save.",
        "why": NO_ROLE_UPDATE,
        "role": role,
    }


def customize_list(
    role: str,
    module: str,
    function: str,
    allow: Sequence[str],
    disallow: Sequence[str],
    rest: str,
    why: str = NO_CUSTOMIZE,
) -> Step:
    """rest: where every item stands that neither list names: "allow", "disallow" or "keep"."""
    clicks = []
    if rest == "allow":
        clicks.append("move all items to the Allow list")
    elif rest == "disallow":
        clicks.append("move all items to the Disallow list")
    if allow and rest != "allow":
        clicks.append("move to the Allow list: " + "; ".join(allow))
    if disallow and rest != "disallow":
        clicks.append("move to the Disallow list: " + "; ".join(disallow))
    return {
        "kind": "customize_list",
        "menu": [*ROLES_MENU, role],
        "do": f'In the security module {module}, row "{function}", click (customize): '
        f"{', then '.join(clicks)}; then Save.",
        "part": f"In the security module {module}",
        "brief": f"{function}, click (customize): {', then '.join(clicks)}",
        "why": why,
        "role": role,
        "module": module,
        "function": function,
        "allow": list(allow),
        "disallow": list(disallow),
        "rest": rest,
    }


def _keys_menu(member: str, member_type: str) -> list[str]:
    return ["System", "Members", *(["API Members"] if member_type == "api" else []), member, "API Keys"]


def create_key(member: str, member_type: str, description: str) -> Step:
    return {
        "kind": "create_key",
        "menu": _keys_menu(member, member_type),
        "do": f'Click +, enter the description "{description}", click Save (not Save and Close), and copy the Public '
        "Key and the Private Key at once: the private key is shown this one time. Put both into the key store with "
        "msp.connectwise.finish, or from a file with msp.connectwise.store_key.",
        "why": NO_KEYS,
        "member": member,
        "member_type": member_type,
        "description": description,
    }


def store_key(member: str, member_type: str, description: str, public_keys: Sequence[str]) -> Step:
    """A key that exists and that the store does not know: nobody but its maker has the private half."""
    return {
        "kind": "store_key",
        "menu": _keys_menu(member, member_type),
        "do": f'A key described "{description}" exists ({", ".join(public_keys)}), and the key store does not have it. '
        "If you have its private key, put it into the key store with msp.connectwise.finish. Otherwise set "
        "integration_new_key: true to have another one made beside it.",
        "why": "A private key is shown once, when it is created; no API reads it again.",
        "member": member,
        "member_type": member_type,
        "description": description,
        "public_keys": list(public_keys),
    }


def delete_key(member: str, member_type: str, description: str | None, public_key: str | None = None) -> Step:
    which = f"the key with the public key {public_key}" if public_key else f'every key described "{description}"'
    return {
        "kind": "delete_key",
        "menu": _keys_menu(member, member_type),
        "do": f"Select {which} and delete it.",
        "why": NO_KEYS,
        "member": member,
        "member_type": member_type,
        "description": description,
        "public_key": public_key,
    }


def own_key(member: str, member_type: str, public_key: str) -> Step:
    """The key that a run works with cannot delete itself and be proven gone."""
    return {
        "kind": "own_key",
        "menu": _keys_menu(member, member_type),
        "do": f"Put another key into the inventory in the place of {public_key}, then run again: the run that worked "
        "with this key did not delete it.",
        "why": "With this key the run reads the tenant; without it nothing more could be read or done.",
        "member": member,
        "member_type": member_type,
        "public_key": public_key,
    }


def leftover_key(
    member: str, member_type: str, description: str, public_keys: Sequence[str], ad_hoc: Sequence[str]
) -> Step:
    """A key of an interrupted run, or of another key store: only a person can tell. ad_hoc: runs a module there."""
    options = {"member": member, "member_type": member_type, "state": "absent", "public_keys": list(public_keys)}
    command = shlex.join([*ad_hoc, "-m", "msp.connectwise.cw_api_key", "-a", json.dumps(options)])
    return {
        "kind": "leftover_key",
        "menu": _keys_menu(member, member_type),
        "do": f'A key described "{description}" ({", ".join(public_keys)}) was made by an interrupted run of this key '
        f"store or by somebody else. If nobody uses it, delete it, or run: {command}. If it is in use, run once with "
        "integration_new_key: true, and it is not named again.",
        "why": "The API does not tell who made a key, so one that may be in use was left alone.",
        "member": member,
        "member_type": member_type,
        "public_keys": list(public_keys),
        "command": command,
    }


def where(step: Mapping[str, Any]) -> str:
    """The menu path of a step as one line."""
    return " > ".join(step["menu"])
