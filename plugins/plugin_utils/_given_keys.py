# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys that a person has made: read from a file, or asked for at the terminal, and who takes them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ansible.errors import AnsibleError

from ansible_collections.msp.connectwise.plugins.module_utils._connection import shown_key
from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError, PsaError
from ansible_collections.msp.connectwise.plugins.module_utils._names import closest, same
from ansible_collections.msp.connectwise.plugins.module_utils._redact import register
from ansible_collections.msp.connectwise.plugins.plugin_utils import _commands, _files
from ansible_collections.msp.connectwise.plugins.plugin_utils._engine import Integration
from ansible_collections.msp.connectwise.plugins.plugin_utils._first_key import flaw
from ansible_collections.msp.connectwise.plugins.plugin_utils._fleet_run import Tenant
from ansible_collections.msp.connectwise.plugins.plugin_utils._json import loaded
from ansible_collections.msp.connectwise.plugins.plugin_utils._report import Entry, entry_in

FORM = "a list, each entry with member, public_key and private_key, and tenant if it is not every tenant's"
KEY_STEPS = ("create_key", "store_key")
_NEEDED = ("member", "public_key", "private_key")
_TRIES = 3
# In the temporary directory of a run, as the journal: what its end has to say about the keys.
_NOTE = "connectwise_given_keys.json"
_STORED = "connectwise_stored_keys"
_CLEAR = re.compile(rb"private_key[\"']?\s*:(?!\s*!vault)")

Keys = list[dict[str, Any]]


@dataclass(frozen=True)
class Waiting:
    """A key that a work order wants a person to make. integration: None if it is left to the tasks of the role."""

    tenant: str
    member: str
    product: str
    integration: Integration | None = None

    @property
    def place(self) -> str:
        return f"{self.member} ({self.product}) on {self.tenant}"


class Terminal(Protocol):
    """Ask a person at a terminal."""

    def ask(self, question: str) -> str:
        """Return what is typed, which is not shown."""

    def say(self, line: str) -> None:
        """Show a line."""


@dataclass(frozen=True)
class Note:
    """Tell at the end of a run about the keys of a person.

    playbook: at whose end. unasked: [tenant, member, product] of the keys that nobody was asked for. asked: whether
    somebody was asked for others. file: if it is in clear text. keys: [mark, name] of each key that is to be stored.
    """

    playbook: str
    unasked: list[list[str]] = field(default_factory=list)
    asked: bool = False
    file: str = ""
    keys: list[list[str]] = field(default_factory=list)


@dataclass(frozen=True)
class Taker:
    """A tenant of this run. names: by which a file may call it. known: whether it has no other members."""

    names: tuple[str, ...]
    members: tuple[str, ...]
    known: bool = True


def place_of(file: str) -> Path:
    """Return the file of keys that a command line names. Raises InputError."""
    if not file:
        raise InputError("no file of keys was named", remedy=f"say -e cw_keys_file=FILE; the file holds {FORM}")
    # As seen from where the command is typed, as for any other file on a command line.
    return Path(os.environ.get("PWD") or Path.cwd()) / Path(file).expanduser()


def read(load: Callable[[Path], Any], file: str) -> Keys:
    """Return the keys of a file, which may be vaulted. load: reads YAML. Raises InputError."""
    path = place_of(file)
    try:
        content = load(path)
    except FileNotFoundError:
        raise InputError(f"there is no file {path}", remedy=f"correct cw_keys_file; the file holds {FORM}") from None
    except OSError as problem:
        remedy = f"give this user the right to read it; it holds {FORM}"
        raise InputError(f"{path} cannot be read ({problem.strerror})", remedy=remedy) from None
    except (AnsibleError, ValueError) as problem:
        # What the reader says may quote the file.
        said = "it is vaulted, and the passphrase is missing or wrong" if "vault" in str(problem).lower() else "no YAML"
        raise InputError(f"{path} cannot be read: {said}", remedy=f"correct the file; it holds {FORM}") from None
    keys = checked(content, str(path))
    if not keys:
        raise InputError(f"{path} holds an empty list, so there is no key to store", remedy=f"write {FORM}")
    return keys


def is_vaulted(value: object) -> bool:
    """Return whether a value of YAML is vaulted; as text it is decrypted. Its type has another name in each core."""
    return hasattr(value, "_ciphertext")


def checked(content: Any, place: str) -> Keys:
    if not isinstance(content, Sequence) or isinstance(content, str):
        raise InputError(f"{place} holds no list of keys", remedy=f"write {FORM}")
    keys: Keys = []
    for number, key in enumerate(content, 1):
        where = f"{place}, entry {number}"
        if not isinstance(key, Mapping):
            raise InputError(f"{where} is not a mapping", remedy=f"write {FORM}")
        key = {name: str(value) if is_vaulted(value) else value for name, value in key.items()}
        missing = [name for name in _NEEDED if not isinstance(key.get(name), str) or not key[name].strip()]
        if missing:
            raise InputError(f"{where} has no text as {', '.join(missing)}", remedy=f"write {FORM}; quote the values")
        register(key["private_key"])
        keys.append({name: value.strip() if isinstance(value, str) else value for name, value in key.items()})
    return keys


def taker(tenant: Tenant, left: Iterable[str] | None = ()) -> Taker:
    """Return a tenant as one that takes keys. left: members that the tasks of roles make; None if not known."""
    names = (tenant.name, *([tenant.settings.store_tenant] if tenant.settings else []))
    members = (key.member["identifier"] for one in tenant.integrations for key in one.profile.keys)
    return Taker(names, (*members, *(left or ())), known=left is not None and not tenant.broken)


def untaken(keys: Iterable[Mapping[str, Any]], takers: Sequence[Taker]) -> str:
    """Return which keys no tenant of this run takes, and why; empty if each is taken, or may be."""
    lines = []
    for key in keys:
        tenant = str(key.get("tenant") or "")
        named = [one for one in takers if not tenant or any(same(tenant, name) for name in one.names)]
        there = [member for one in named for member in one.members]
        if any(same(name, str(key["member"])) for name in there) or not all(one.known for one in named):
            continue
        near = closest(str(key["member"]), there)
        names = f"did you mean {near[0]}?" if near else f"its members are {', '.join(sorted(set(there)))}"
        lines.append(f"{_name(key)} ({names if there else 'no such tenant in this run'})")
    return "; ".join(lines)


def _name(key: Mapping[str, Any]) -> str:
    tenant = f" on {key['tenant']}" if key.get("tenant") else ""
    return f"{shown_key(key['public_key'])} of {key['member']}{tenant}"


# At the terminal


def waiting_for(tenants: Iterable[Tenant]) -> list[Waiting]:
    """Return the keys that the work orders of tenants wait for. Raises NotAFile."""
    return [one for tenant in tenants if tenant.directory for one in _of(tenant, Path(tenant.directory))]


def _of(tenant: Tenant, directory: Path) -> Iterator[Waiting]:
    for one in tenant.integrations:
        entry = entry_in(directory, tenant.name, one.vendor) or {}
        members = [key.member["identifier"] for key in one.profile.keys]
        for step in key_steps(entry):
            known = any(same(str(step["member"]), name) for name in members)
            if known and not _is_stored(one, str(step["member"]), str(entry["time"])):
                yield Waiting(tenant.name, str(step["member"]), one.profile.product, one)
    for name in tenant.left_to_tasks:
        entry = entry_in(directory, tenant.name, name.rpartition(".")[2]) or {}
        for step in key_steps(entry):
            yield Waiting(tenant.name, str(step["member"]), str(entry.get("product") or name))


def _is_stored(integration: Integration, member: str, time: str) -> bool:
    """Return whether a run has stored the key of a work order, and failed before it wrote the next report."""
    try:
        return integration.stored_since(member, time)
    except PsaError:
        # The run tells, for it reads the store again.
        return False


def asked_for(waiting: Iterable[Waiting], terminal: Terminal) -> Keys:
    """Ask for keys, and try each at its tenant at once. Raises what `ask` raises."""
    keys: Keys = []
    for one in waiting:
        if one.integration is not None and (pair := _pair(one, one.integration, terminal)):
            keys.append({"tenant": one.tenant, "member": one.member, **pair})
    return keys


def _pair(waiting: Waiting, integration: Integration, terminal: Terminal) -> dict[str, str]:
    """Return the two halves of a key; empty if it is left out.

    The last one that was typed is returned also if the tenant refuses it: the run fails with it then.
    """
    pair: dict[str, str] = {}
    for _try in range(_TRIES):
        public = terminal.ask(f"Public key of {waiting.place} (not shown; press Enter to skip it)")
        if not public:
            break
        private = ""
        for _again in range(_TRIES):
            # A line end that was pasted too is no half of a key.
            private = private or terminal.ask(f"Private key of {waiting.place} (not shown)")
        said = flaw(public, private)
        if not said:
            pair = {"public_key": public, "private_key": private}
            try:
                said = _refusal(integration, waiting.member, pair)
            except PsaError:
                # The run tells why, for it tries the key again before it stores it.
                terminal.say(f"The key of {waiting.place} could not be tried now. The run tries it again.")
                return pair
        if not said:
            terminal.say(f"The tenant takes the key of {waiting.place}.")
            return pair
        terminal.say(f"{waiting.place}: {said}. Nothing is stored yet.")
    else:
        if pair:
            return pair
    terminal.say(f"{waiting.place} is left out.")
    return {}


def _refusal(integration: Integration, member: str, pair: Mapping[str, str]) -> str:
    """Return why the tenant does not take a pair for a member; empty if it does. Raises PsaError."""
    state = integration.tried(member, pair)
    refused = "the tenant refuses this key; copy both halves whole, from this tenant; see that the member is active"
    return {
        "valid": "",
        "swapped": "the two halves are swapped; type the public key first, and the private key second",
        "foreign": "this key is another member's; copy the one of this member",
    }.get(state, refused)


# At the end of a run


def remember(directory: str, note: Note) -> None:
    _files.write(Path(directory) / _NOTE, json.dumps(asdict(note)))


def remembered(directory: str) -> Note | None:
    """Return what the run has noted; None if there is nothing."""
    try:
        return Note(**loaded(_files.read_text(Path(directory) / _NOTE)))
    except FileNotFoundError:
        return None


def marked(keys: Iterable[Mapping[str, Any]]) -> list[list[str]]:
    """Return the mark and the name of each key, for a note."""
    return [[_mark(key), _name(key)] for key in keys]


def _mark(key: Mapping[str, Any]) -> str:
    """A person may have swapped the halves, so that not even the public one is noted."""
    parts = [str(key.get(name) or "").strip() for name in ("tenant", "member", "public_key")]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def note_stored(directory: str, key: Mapping[str, Any], result: Mapping[str, Any]) -> None:
    """Note that a given key is stored, if the result of its step says that it is, and that the tenant takes it."""
    found = result.get("api_key") or {}
    if found.get("state") == "valid" and found.get("public_key") == str(key["public_key"]).strip():
        # A file of its own: workers note at the same time.
        _files.write(Path(directory) / _STORED / _mark(key), "", below=Path(directory))


def note_all_stored(directory: str, integrations: Iterable[Integration]) -> None:
    """Note which of the keys that were given to integrations are stored."""
    for one in integrations:
        for key in one.profile.keys:
            given = one.wish(key).given
            for result in one.results.get("cw_api_key", []):
                if given and result.get("record") == key.record:
                    note_stored(directory, given, result)


def not_stored(directory: str, note: Note) -> list[str]:
    """Return the names of the keys that the run was to store, and of which no step says that they are stored."""
    return [name for mark, name in note.keys if not (Path(directory) / _STORED / mark).exists()]


def lost(names: Sequence[str]) -> str:
    """Return the error of a run in which nothing failed, and that did not store some keys of a file."""
    remedy = "keep the file, correct tenant and member of these keys (one key for each member), and run again"
    return str(InputError(f"not stored, because no integration took them: {'; '.join(names)}", remedy=remedy))


def unasked(note: Note, entries: Iterable[Entry]) -> list[list[str]]:
    """Return the keys that are still waited for and that nobody was asked for; empty if the run did anything else."""
    found = list(entries)
    if note.asked or any(entry["changed"] for entry in found):
        return []
    waited = [(entry["tenant"], step["member"]) for entry in found for step in key_steps(entry)]
    return [one for one in note.unasked if (one[0], one[1]) in waited]


def key_steps(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the steps of a work order that make a key."""
    return [step for step in entry.get("manual_steps") or [] if step.get("kind") in KEY_STEPS and step.get("member")]


def example(keys: Iterable[Sequence[str]]) -> str:
    """Return the file of keys that a person is to write, as YAML."""
    lines = ["---"]
    for tenant, member, *_product in keys:
        lines += [f"- tenant: {json.dumps(tenant)}", f"  member: {json.dumps(member)}"]
        lines += ["  public_key: PUBLIC", "  private_key: PRIVATE"]
    return "\n".join(lines)


def not_asked(keys: Sequence[Sequence[str]], command: str) -> list[str]:
    """Return the lines about keys that nobody was asked for. command: takes them from the file keys.yml."""
    places = [f"{member} ({product}) on {tenant}" for tenant, member, product in keys]
    return [
        f"Not asked for: {'; '.join(places)}. Write what a person has copied to keys.yml, which only you may read:",
        *example(keys).splitlines(),
        f"Then run: {command}",
    ]


def nothing_done(keys: Sequence[Sequence[str]]) -> str:
    """Return the error of a run that waits for keys, asked nobody and did nothing."""
    places = "; ".join(f"{member} on {tenant}" for tenant, member, _product in keys)
    form = "-e cw_keys_file=FILE; the lines above are its form"
    problem = f"nothing was asked and nothing was done, and these keys are waited for: {places}"
    return str(InputError(problem, remedy=f"run this at a terminal, or write the keys to a file and add {form}"))


def command_with_file(tenants: Iterable[str]) -> str:
    """Return the command of this run with the keys in the file keys.yml."""
    run = _commands.typed().without("cw_keys_file")
    return _commands.playbook("finish", run, list(dict.fromkeys(tenants)), ["-e", "cw_keys_file=keys.yml"])


def clear_up(file: str) -> str:
    """Return what is to be done with a file of keys that are all stored."""
    return f"Delete:  {file} holds private keys in clear text, and they are stored now: rm {shlex.quote(file)}"


def in_clear_text(path: Path) -> bool:
    """Return whether a file holds a private key that is not vaulted."""
    data = _files.read_bytes(path)
    return not data.startswith(b"$ANSIBLE_VAULT") and bool(_CLEAR.search(data))
