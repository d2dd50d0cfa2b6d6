# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The first key of a tenant: what a person clicks to make it, and what a pasted one has to look like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._redact import register
from ansible_collections.msp.connectwise.plugins.plugin_utils._host_vars import HostVarsError
from ansible_collections.msp.connectwise.plugins.plugin_utils._resolve import marker_in

_VERBS = ("add", "edit", "delete", "inquire")
_KEY = {"public": "public key", "private": "private key"}


def clicks(profile: Mapping[str, Any]) -> list[str]:
    """The way through the screens to a key with the rights of a profile, a line each, in order."""
    role, member = profile["role_name"], profile["member"]
    lines = [f'System > Security Roles: click +, enter the Role ID "{role}", click Save.']
    for module, rows in profile["permissions"].items():
        for function, levels in rows.items():
            wanted = ", ".join(
                f"{verb.capitalize()} {levels[verb]}" for verb in _VERBS if levels.get(verb, "None") != "None"
            )
            lines.append(f'In this role, module {module}, row "{function}": {wanted}. The other levels stay None.')
    for function, lists in profile["customize"].items():
        items = "; ".join(lists["allow"])
        lines.append(f'At the row "{function}" click (customize): all items to Disallow, then to Allow: {items}. Save.')
    lines.append(
        f'System > Members > API Members: click +, enter Member ID "{member["identifier"]}", Member Name '
        f'"{member["name"]}", Role ID "{role}", Level and Name at the top of your structure, fill what the form '
        "marks as required, click Save."
    )
    lines.append(
        f'In this member, tab API Keys: click +, enter the description "{profile["key_description"]}", click Save (not '
        "Save and Close). The private key is shown this one time: leave the page open until it is pasted."
    )
    return lines


def pasted(keys: Mapping[str, Any]) -> dict[str, str]:
    """The pair as it was pasted, without the space around it; says what is wrong with it, but never shows it."""
    found = {kind: str(keys.get(kind) or "").strip() for kind in _KEY}
    register(found["private"])
    for kind, what in _KEY.items():
        key = found[kind]
        # Without a terminal nothing is asked, and Ansible gives the word None for what was not answered.
        if key in ("", "None"):
            raise HostVarsError(
                f"no {what} was given",
                "run this at a terminal, which asks for it; or give both with -e @FILE, as cw_first_public_key and "
                "cw_first_private_key",
            )
    if said := flaw(found["public"], found["private"]):
        raise HostVarsError(said, "copy it again, the key alone, each half from its own field")
    return found


def flaw(public: str, private: str) -> str:
    """Return why two texts cannot be the halves of a key, without showing them; empty if they can."""
    for what, key in (("public key", public), ("private key", private)):
        if not key:
            return f"nothing was given as the {what}"
        if not (key.isascii() and key.isprintable()) or " " in key:
            return f"the {what} has blanks or other characters in it that no key has ({len(key)} characters)"
        # In host_vars, Ansible would take it for a template.
        if marker := marker_in(key):
            return f"the {what} has {marker} in it, which no key has"
    return "public and private key are the same" if public == private else ""
