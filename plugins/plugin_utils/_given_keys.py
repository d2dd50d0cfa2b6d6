# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys that a person has made: read from a file, or asked for at the terminal, and who takes them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError

from ansible_collections.msp.connectwise.plugins.module_utils._connection import shown_key
from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError
from ansible_collections.msp.connectwise.plugins.module_utils._names import closest, same
from ansible_collections.msp.connectwise.plugins.module_utils._redact import register
from ansible_collections.msp.connectwise.plugins.plugin_utils._engine import Integration
from ansible_collections.msp.connectwise.plugins.plugin_utils._report import folder_name

FORM = "a list, each entry with member, public_key and private_key, and tenant if it is not every tenant's"
_NEEDED = ("member", "public_key", "private_key")

Keys = list[dict[str, Any]]
Ask = Callable[[str, bool], str]


def read(load: Callable[[str], Any], file: str) -> Keys:
    """The keys of a file, which may be vaulted. load: reads YAML. Raises InputError."""
    if not file:
        raise InputError("no file of keys was named", remedy=f"say -e cw_keys_file=FILE; the file holds {FORM}")
    # As seen from where the command is typed, as for any other file on a command line.
    path = Path(os.environ.get("PWD") or Path.cwd()) / Path(file).expanduser()
    if not path.is_file():
        raise InputError(f"there is no file {path}", remedy=f"correct cw_keys_file; the file holds {FORM}")
    try:
        content = load(str(path))
    except AnsibleError as problem:
        # What the reader says may quote the file.
        said = "it is vaulted, and the passphrase is missing or wrong" if "vault" in str(problem).lower() else "no YAML"
        raise InputError(f"{path} cannot be read: {said}", remedy=f"correct the file; it holds {FORM}") from None
    return checked(content, str(path))


def checked(content: Any, place: str) -> Keys:
    if not isinstance(content, Sequence) or isinstance(content, str):
        raise InputError(f"{place} holds no list of keys", remedy=f"write {FORM}")
    keys: Keys = []
    for number, key in enumerate(content, 1):
        where = f"{place}, entry {number}"
        if not isinstance(key, Mapping):
            raise InputError(f"{where} is not a mapping", remedy=f"write {FORM}")
        missing = [name for name in _NEEDED if not isinstance(key.get(name), str) or not key[name].strip()]
        if missing:
            raise InputError(f"{where} has no text as {', '.join(missing)}", remedy=f"write {FORM}; quote the values")
        register(key["private_key"])
        keys.append({name: value.strip() if isinstance(value, str) else value for name, value in key.items()})
    return keys


def untaken(keys: Iterable[Mapping[str, Any]], integrations: Sequence[Integration]) -> str:
    """Which keys no integration of this run takes, and why; empty if each is taken."""
    takers = [(one, key.member["identifier"]) for one in integrations for key in one.profile.keys]
    lines = []
    for key in keys:
        tenant = str(key.get("tenant") or "")
        there = [name for one, name in takers if not tenant or _is_tenant(one, tenant)]
        if any(same(name, str(key["member"])) for name in there):
            continue
        which = f"{shown_key(key['public_key'])} of {key['member']}" + (f" on {tenant}" if tenant else "")
        near = closest(str(key["member"]), there)
        names = f"did you mean {near[0]}?" if near else f"its members are {', '.join(sorted(set(there)))}"
        lines.append(f"{which} ({names if there else 'no such tenant in this run'})")
    return "; ".join(lines)


def _is_tenant(integration: Integration, name: str) -> bool:
    return any(same(name, one) for one in (integration.site.name, integration.settings.store_tenant))


def asked_for(integrations: Sequence[Integration], load: Callable[[Path], Any], ask: Ask) -> Keys:
    """Ask for the keys that work orders want a person to make.

    load: reads a report; ask: (question, hidden) -> text.
    """
    keys: Keys = []
    for integration in integrations:
        for step in _waiting(integration, load):
            place = f"{step['member']} ({integration.profile.product}) on {integration.site.name}"
            public = ask(f"Public key of {place}, or nothing to leave it out", False)
            if not public:
                continue
            private = ask(f"Private key of {place} (not shown)", True)
            key = {"tenant": integration.site.name, "member": step["member"], "public_key": public}
            keys.append({**key, "private_key": private})
    return checked(keys, "what was typed")


def _waiting(integration: Integration, load: Callable[[Path], Any]) -> list[dict[str, Any]]:
    folder = Path(integration.settings.report_dir) / folder_name(integration.site.name)
    entry = load(folder / f"{integration.vendor}.json") or {}
    steps = entry.get("manual_steps") or []
    return [step for step in steps if step.get("kind") in ("create_key", "store_key")]
