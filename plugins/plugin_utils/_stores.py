# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Key stores behind one port: the default file, stores described as data, and none; commands are in _command_store.

A store holds one record: that of one key of one integration on one tenant. Errors are StoreError, never with what the
store holds.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import yaml

from ansible_collections.msp.connectwise.plugins.module_utils._names import closest
from ansible_collections.msp.connectwise.plugins.plugin_utils._command_store import RESTORE, UNSEEN, Where
from ansible_collections.msp.connectwise.plugins.plugin_utils._json import loaded
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_file import KeyFile, StoreError
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_record import Record

STORES = ("vaulted_file", "hashi_vault", "sops", "command", "none")
_PLACEHOLDER = re.compile(r"<([a-z]+)>")
_USER_INFO = re.compile("//[^/@]*@")
_NOT_INSTALLED = re.compile("was not found in configured module paths|[Cc]ould(n't| not) (be )?resolve")


class Store(Protocol):
    """place: where a person finds the record. guarded: whether a write fails if another run has written meanwhile.

    settle: seconds in which another run may write after this one, for a store that is not guarded.
    """

    place: str
    guarded: bool
    settle: float

    def read(self) -> Record:
        """The record; empty if there is none."""

    def write(self, record: Record) -> None:
        """Put the record, after the one that was read last."""

    def delete(self) -> None:
        """Take the record out; no error if there is none."""

    def check(self, *, write: bool) -> None:
        """Find out before anything depends on it whether a record can be written. write: whether trying is allowed."""


class Outside(Protocol):
    """What a described store needs of Ansible, on the controller."""

    def run_module(self, name: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """The result of a module of any collection; a failed one says so."""

    def run_lookup(self, name: str, terms: Sequence[str], options: Mapping[str, Any]) -> Any:
        """The first thing that the lookup finds. Raises LookupFailed."""


class LookupFailed(Exception):
    """A lookup said why it found nothing."""


class VaultedFile:
    """The default store: one file per tenant, encrypted by ansible-vault."""

    guarded, settle = True, 0.0

    def __init__(self, file: KeyFile, name: str) -> None:
        self._file, self._name = file, name
        self.place = f"{file.path}#{name}"
        self._version = 0

    def read(self) -> Record:
        record = self._file.read(self._name)
        self._version = int(record.get("version") or 0)
        return record

    def neighbours(self, prefix: str) -> list[Record]:
        """The records of the tenant whose names begin so."""
        return [record for name, record in self._file.read_all().items() if name.startswith(prefix)]

    def write(self, record: Record) -> None:
        self._version = self._file.write(self._name, record, self._version)

    def delete(self) -> None:
        self._file.delete(self._name, self._version)

    def check(self, *, write: bool) -> None:
        self._file.check(write=write)


class Described:
    """A store that another collection keeps: which module or lookup, with which arguments, where the record is."""

    def __init__(self, description: Mapping[str, Any], where: Where, outside: Outside) -> None:
        self._description, self._where, self._outside = description, where, outside
        self._version = 0
        self.guarded = bool(description.get("compares_versions"))
        self.settle = where.settle
        self.place = str(self._filled(description.get("place") or "<tenant>/<name>", {}))

    def read(self) -> Record:
        call = self._description["read"]
        found = self._answer(call)
        self._version = int(_dug(found, str(call.get("version") or "")) or 0) if call.get("version") else 0
        record = _dug(found, str(call.get("record") or ""))
        if isinstance(record, str):
            if not record.strip() and self._has_no_file(call):
                return {}
            record = _parsed(record)
        elif not record:
            return {}
        if not isinstance(record, Mapping):
            raise StoreError(f"{self._named()} holds no record: it is damaged", RESTORE)
        if call.get("removed") and record.get(call["removed"]):
            return {}
        return {str(name): value for name, value in record.items()}

    def _has_no_file(self, call: Mapping[str, Any]) -> bool:
        """Return whether an empty answer means no record: some lookups give it for a missing file."""
        file = call.get("file")
        return bool(file) and not os.path.lexists(str(self._filled(file, {})))

    def write(self, record: Record) -> None:
        self._run_all("write", record)

    def delete(self) -> None:
        self._run_all("delete", {})

    def check(self, *, write: bool) -> None:
        record = self.read()
        if write:
            self.write(record)

    def _answer(self, call: Mapping[str, Any]) -> Any:
        """What the call that reads says; None if there is no record."""
        arguments = self._arguments(call, {})
        try:
            if "lookup" in call:
                terms = self._filled(call.get("terms") or ["<path>"], {})
                return self._outside.run_lookup(call["lookup"], terms, arguments)
            result = self._outside.run_module(call["module"], arguments)
            said = str(result.get("msg") or "") if result.get("failed") else ""
        except LookupFailed as problem:
            said, result = str(problem) or "it failed", {}
        if not said:
            return result
        if call.get("missing") and re.search(call["missing"], said):
            return None
        raise self._problem("read", call, said)

    def _run_all(self, operation: str, record: Record) -> None:
        calls = self._description[operation]
        for call in [calls] if isinstance(calls, Mapping) else calls:
            result = self._outside.run_module(call["module"], self._arguments(call, record))
            if result.get("failed"):
                parts = (str(result.get(name) or "") for name in ("msg", "module_stderr", "exception"))
                raise self._problem(operation, call, " ".join(part for part in parts if part))

    def _arguments(self, call: Mapping[str, Any], record: Record) -> dict[str, Any]:
        takes = call.get("takes")
        options = {name: value for name, value in (self._where.options or {}).items() if takes is None or name in takes}
        filled: dict[str, Any] = self._filled({**options, **(call.get("arguments") or {})}, record)
        return filled

    def _filled(self, value: Any, record: Record) -> Any:
        """A value with its placeholders replaced; one that is nothing but a placeholder becomes the thing itself."""
        if isinstance(value, Mapping):
            return {name: self._filled(one, record) for name, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._filled(one, record) for one in value]
        if not isinstance(value, str):
            return value
        if whole := _PLACEHOLDER.fullmatch(value):
            return self._value(whole.group(1), record)
        return _PLACEHOLDER.sub(lambda found: str(self._value(found.group(1), record)), value)

    def _value(self, name: str, record: Record) -> Any:
        where = self._where
        values: dict[str, Callable[[], Any]] = {
            "tenant": lambda: where.tenant,
            "name": lambda: where.name,
            "path": lambda: where.path,
            "folder": lambda: str(Path(where.path).parent),
            "mount": lambda: where.mount,
            "record": lambda: record,
            "json": lambda: json.dumps(record),
            "version": lambda: self._version,
            "versions": lambda: list(range(1, self._version + 1)),
        }
        if name not in values:
            raise StoreError(
                f"the description of the store has an unknown placeholder <{name}>",
                f"use {', '.join(f'<{known}>' for known in values)}",
            )
        return values[name]()

    def _problem(self, operation: str, call: Mapping[str, Any], said: str) -> StoreError:
        """Return the error that fits what the store said, and never show that: it may quote the record."""
        asked = call.get("lookup") or call["module"]
        if _NOT_INSTALLED.search(said):
            return StoreError(
                f"{self._named()}: {operation} failed: {asked} is not installed", "install its collection"
            )
        for known in self._description.get("problems") or []:
            if known.get("when", operation) == operation and re.search(known["says"], said):
                problem = known.get("problem") or f"{operation} failed"
                return StoreError(f"{self._named()}: {problem}", known["remedy"])
        remedy = f"look at how integration_store describes it, and run {asked} by hand, for {UNSEEN}"
        return StoreError(f"{self._named()}: {operation} failed ({asked})", remedy)

    def _named(self) -> str:
        server = _USER_INFO.sub("//", str((self._where.options or {}).get("url") or ""))
        return f"{server} and the record {self.place}" if server else self.place


class NoStore:
    """Keeps nothing but, if that is wanted, what goes back to the play."""

    guarded, settle = True, 0.0
    place = "returned to the play as connectwise_returned_keys"

    def __init__(self, returned: Record, member: str, *, return_key: bool) -> None:
        self.record, self._member, self._return_key = dict(returned), member, return_key

    def read(self) -> Record:
        return dict(self.record)

    def write(self, record: Record) -> None:
        if not self._return_key:
            raise StoreError(
                f"integration_store is none, so a new key of {self._member} would be lost, and none was made",
                "choose a store, or set integration_return_key: true to have the key returned to this play as the fact "
                "connectwise_returned_keys",
            )
        self.record = dict(record)

    def delete(self) -> None:
        self.record = {}

    def check(self, *, write: bool) -> None:
        """Whether a key would be lost shows when one is to be made; most runs make none."""


def _parsed(text: str) -> Any:
    """Return the JSON value of a text, or the text itself if it holds none."""
    try:
        return loaded(text)
    except ValueError:
        return text


def _dug(data: Any, path: str) -> Any:
    for part in filter(None, path.split(".")):
        data = data.get(part) if isinstance(data, Mapping) else None
    return data


@lru_cache(maxsize=1)
def shipped() -> Mapping[str, Any]:
    """The descriptions of stores that come with the collection."""
    found: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("stores.yml").read_text(encoding="utf-8"))
    return found


def checked_description(description: Any, where: str) -> Mapping[str, Any]:
    """A user's own description; raises StoreError that says what is wrong with it."""
    remedy = "see the guide on keys for the words of a description"
    if not isinstance(description, Mapping):
        raise StoreError(f"{where} is no description of a store", remedy)
    known = {"place", "compares_versions", "read", "write", "delete", "problems"}
    if strangers := sorted(set(map(str, description)) - known):
        near = closest(strangers[0], known)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise StoreError(f"{where} has the unknown word {strangers[0]}{hint}", f"use {', '.join(sorted(known))}")
    for operation in ("read", "write", "delete"):
        calls = description.get(operation)
        for call in [calls] if isinstance(calls, Mapping) else calls or [None]:
            kinds = ("lookup", "module") if operation == "read" else ("module",)
            if not isinstance(call, Mapping) or not any(kind in call for kind in kinds):
                raise StoreError(f"{where}.{operation} names no {' or '.join(kinds)}", remedy)
    return description


def unknown_store(name: str) -> StoreError:
    near = closest(name, STORES)
    hint = f"; did you mean {near[0]}?" if near else ""
    return StoreError(
        f'integration_store "{name}" is not a store{hint}',
        f"use one of {', '.join(STORES)}, a mapping that describes a store, or the path of a YAML file with one",
    )


def check_place(tenant: str, place: str, directory: str = "") -> None:
    """Refuse a name that would leave the tenant's place in the store."""
    parts = place.split("/")
    bad = "/" in tenant or not tenant or tenant.startswith(".") or {"..", "."} & set(parts)
    if bad or (not directory and place.startswith(f"/{tenant}/")):
        raise StoreError(
            f'the place "{place}" would leave the store, or lies outside of the tenant "{tenant}"',
            "give the inventory host a name without slashes and leading dots, or set integration_store_tenant, and "
            "keep it in the path; without an inventory file, set integration_store_dir",
        )
