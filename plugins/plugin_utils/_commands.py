# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands a person can copy: the playbooks of this collection, and what displays a stored key. Mostly pure."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from ansible import context

# Extra variables that decide what a run is about and where its files are; any other may hold a secret.
_REPEATED = (
    *("integration_store", "integration_report_", "cw_integrations", "cw_hosts"),
    *("cw_add", "cw_routes_dir", "cw_vendor_dirs"),
)
_KEYS_FILE = ("cw_keys_file",)
# What makes a vendor another one here: without it, the next command would make other rights. None of these is a secret.
_OF_VENDORS = re.compile(
    r"[a-z]\w*_(customize|features|feature_groups|further_keys|grace_days|handover|key_description|members?|member_identifier"
    r"|permissions|reductions|reduction_groups|role_name|strategy)"
)
# Playbooks without a job template, and the template that takes their place.
_TEMPLATES = {"finish": "onboard", "doctor": "audit", "store_key": "onboard", "key_report": "audit"}
# Set by what runs Ansible in an environment of its own: how that was typed, which a later command needs as well.
RUN_WITH = "MSP_CONNECTWISE_RUN_WITH"
# What displays a record of each store; words in braces are filled in. Several are alternatives.
_SHOW: dict[str, tuple[tuple[str, ...], ...]] = {
    "vaulted_file": (("{prefix}", "ansible-vault", "view", "{vault}", "{file}"),),
    "hashi_vault": (("bao", "kv", "get", "{place}"), ("vault", "kv", "get", "{place}")),
    "sops": (("sops", "-d", "{file}"),),
    "command": (("{command}",),),
}


@dataclass(frozen=True)
class Typed:
    """Holds what another command has to repeat of a run's command line, each a list of arguments.

    prefix: what Ansible itself was run with. keys_file: the file of keys that a person has made, as extra variables.
    """

    inventory: tuple[str, ...] = ()
    vault: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    limit: str = ""
    here: str = ""
    # What the names of the job templates begin with, in a job of AWX, where nobody types commands.
    templates: str | None = None
    prefix: tuple[str, ...] = ()
    keys_file: tuple[str, ...] = ()

    def without(self, name: str) -> Typed:
        """The same without an extra variable."""
        kept = [_without(text, name) for text in self.extra[1::2]]
        return replace(self, extra=tuple(part for text in kept if text for part in ("-e", text)))

    def without_files(self) -> Typed:
        """The same without files of extra variables."""
        kept = [text for text in self.extra[1::2] if not text.startswith("@")]
        return replace(self, extra=tuple(part for text in kept for part in ("-e", text)))


def typed() -> Typed:
    """The command line of this run."""
    run = typed_of(context.CLIARGS, str(Path.cwd()), os.environ)
    # AWX and its relatives set this for whatever they run.
    return replace(run, templates="") if "AWX_PRIVATE_DATA_DIR" in os.environ else run


def typed_of(arguments: Mapping[str, Any], here: str, environment: Mapping[str, str]) -> Typed:
    """Return what of a command line another command has to repeat, so that it works in any shell.

    arguments: those of ansible-playbook, parsed, in which paths are absolute. here: where it was typed.
    """
    vault = ["--ask-vault-pass"] if arguments.get("ask_vault_pass") else []
    for one in arguments.get("vault_ids") or []:
        label, at, source = str(one).rpartition("@")
        vault += ["--vault-id", f"{label}{at}{short_path(source, here)}"]
    files = [str(one) for one in arguments.get("vault_password_files") or []]
    if not vault and not files and environment.get("ANSIBLE_VAULT_PASSWORD_FILE"):
        files = [environment["ANSIBLE_VAULT_PASSWORD_FILE"]]
    vault += [part for one in files for part in ("--vault-password-file", short_path(one, here))]
    given = [str(one) for one in arguments.get("extra_vars") or []]
    return Typed(
        tuple(part for one in arguments.get("inventory") or [] for part in ("-i", short_path(str(one), here))),
        tuple(vault),
        tuple(part for one in given for part in _extra(one, here)),
        str(arguments.get("subset") or ""),
        here,
        prefix=tuple(shlex.split(environment.get(RUN_WITH, ""))),
        keys_file=tuple(part for one in given if not one.startswith("@") for part in _extra(one, here, _KEYS_FILE)),
    )


def _extra(given: str, here: str, names: tuple[str, ...] = _REPEATED) -> list[str]:
    if given.startswith("@"):
        return ["-e", f"@{short_path(given[1:], here)}"]
    if given.lstrip().startswith(("{", "[")):
        return _extra_json(given, names)
    try:
        words = shlex.split(given)
    except ValueError:
        return []
    kept = [word for word in words if "=" in word and _repeats(word.partition("=")[0], names)]
    return ["-e", _pairs(kept)] if kept else []


def _pairs(words: Iterable[str]) -> str:
    """Return name=value pairs as one extra variable; Ansible takes them apart at a space that is not quoted."""
    parts = (word.partition("=") for word in words)
    return " ".join(f"{name}={shlex.quote(value) if value else ''}" for name, _equals, value in parts)


def _extra_json(given: str, names: tuple[str, ...]) -> list[str]:
    """The same of JSON or YAML, as far as it is plain text: a mapping may describe a store, and hold its secrets."""
    try:
        found = yaml.safe_load(given)
    except yaml.YAMLError:
        return []
    pairs = found.items() if isinstance(found, dict) else ()
    kept = {
        name: value
        for name, value in pairs
        if _repeats(str(name), names) and (_is_plain(value) or _OF_VENDORS.fullmatch(str(name)))
    }
    return ["-e", json.dumps(kept, default=str)] if kept else []


def _repeats(name: str, names: tuple[str, ...]) -> bool:
    """Return whether a later command needs a variable. All but a file of keys repeats what a vendor is."""
    return name.startswith(names) or (names is _REPEATED and _OF_VENDORS.fullmatch(name) is not None)


def _is_plain(value: Any) -> bool:
    return all(isinstance(one, str) for one in (value if isinstance(value, list) else [value]))


def _without(text: str, name: str) -> str:
    if text.startswith("@"):
        return text
    if text.startswith("{"):
        kept = {key: value for key, value in json.loads(text).items() if key != name}
        return json.dumps(kept) if kept else ""
    return _pairs(word for word in shlex.split(text) if not word.startswith(f"{name}="))


def short_path(path: str, here: str) -> str:
    """A path as one types it in the directory `here`."""
    try:
        return str(Path(path).relative_to(here)) if here and Path(path).is_absolute() else path
    except ValueError:
        return path


def playbook(name: str, run: Typed, limit: Iterable[str] = (), more: Sequence[str] = ()) -> str:
    """What runs a playbook of this collection; limit: tenants, or one `@FILE`."""
    names = ",".join(map(_pattern, limit))
    if run.templates is not None:
        # Nobody types there; those that have no template are what one of them does as well.
        launched = f"{run.templates} {launched_as(name, run)}".strip()
        return f"in AWX, launch {launched}" + (f", limit {names}" if names else "")
    words = [*run.prefix, "ansible-playbook", f"msp.connectwise.{name}", *run.inventory, *run.vault, *run.extra]
    if name == "store_key" and not more:
        more = run.keys_file
    return shlex.join([*words, *(["--limit", names] if names else []), *more])


def _pattern(name: str) -> str:
    """Return what --limit takes for a tenant: Ansible takes a name with a space in it for two."""
    if name.startswith("@") or not re.search(r"\s", name):
        return name
    return "~^" + r"\s".join(map(re.escape, re.split(r"\s", name))) + "$"


def launched_as(name: str, run: Typed) -> str:
    """Return what runs a playbook: itself, or in AWX the job template that does the same."""
    return _TEMPLATES.get(name, name) if run.templates is not None else name


def heal(run: Typed, limit: Iterable[str]) -> str:
    """What replaces the keys of these tenants that are refused, and no others."""
    command = playbook("onboard", run, limit, ["-e", "integration_heal=true"])
    return command if run.templates is None else f"{command}, extra variable integration_heal: true"


def ad_hoc(tenant: str, run: Typed) -> tuple[str, ...]:
    """Return the words of a command that runs a module at a tenant."""
    return (*run.prefix, "ansible", tenant, *run.inventory, *run.vault)


def show_command(store: str, place: str, run: Typed | None = None, command: Sequence[str] = ()) -> list[str]:
    """The commands that display a record of the key store: one, or alternatives; none if nobody knows one.

    place: where the store keeps the record, as it says itself; command: what reads it from the store `command`.
    """
    run = run or Typed()
    if not place:
        return []
    values: dict[str, list[str]] = {
        "{prefix}": list(run.prefix),
        "{vault}": list(run.vault),
        "{place}": [place],
        # The default store names a file and, behind the last #, a record in it.
        "{file}": [
            short_path(place.rpartition("#")[0] if store == "vaulted_file" and "#" in place else place, run.here)
        ],
        "{command}": list(command),
    }
    shown = [[part for word in words for part in values.get(word, [word])] for words in _SHOW.get(store, ())]
    return [shlex.join(words) for words in shown if words]
