# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How an integration is to be made: the `integration_*` variables of a host over the defaults of the engine's role.

The defaults are those of roles/integration/defaults/main.yml, the types those of its meta/argument_specs.yml.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from ansible import constants, context
from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.utils.display import Display

from ansible_collections.msp.connectwise.plugins.module_utils._connection import register_credentials
from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError
from ansible_collections.msp.connectwise.plugins.module_utils._redact import register_unless_word
from ansible_collections.msp.connectwise.plugins.plugin_utils import _files
from ansible_collections.msp.connectwise.plugins.plugin_utils._command_store import Command, Where
from ansible_collections.msp.connectwise.plugins.plugin_utils._job_folder import lasting
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_file import Decrypt, Encrypt, KeyFile, StoreError
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_record import Record
from ansible_collections.msp.connectwise.plugins.plugin_utils._resolve import Resolve
from ansible_collections.msp.connectwise.plugins.plugin_utils._stores import (
    Described,
    NoStore,
    Outside,
    Store,
    VaultedFile,
    check_place,
    checked_description,
    shipped,
    unknown_store,
)

ROLE = Path(__file__).resolve().parents[2] / "roles" / "integration"
PREFIX = "integration_"
KEYS_FOLDER, REPORTS_FOLDER, VENDORS_FOLDER = "connectwise_keys", "connectwise_reports", "connectwise_vendors"
RETURNED_KEYS = "connectwise_returned_keys"
# Options of a store that let somebody in.
_OPENS = re.compile(r"token|password|passphrase|secret|jwt", re.IGNORECASE)
# Options about such an option, whose values are paths and the like.
_ABOUT = ("_path", "_file", "_validate")
_NOT_NEGATIVE = ("store_settle", "key_max_age_days", "key_grace_days", "lease")


@dataclass(frozen=True)
class Settings:
    """The role's inputs, checked. key_grace_days is None if the vendor's profile decides."""

    state: str
    mode: str
    exclusive: bool
    adopt: bool
    on_unknown: str
    on_unsupported: str
    probe: bool
    store: Any
    store_tenant: str
    store_dir: str
    store_vault_id: str
    store_allow_readable: bool
    store_settle: float
    hashi_vault: Mapping[str, Any]
    hashi_vault_mount: str
    hashi_vault_path: str
    sops: Mapping[str, Any]
    sops_path: str
    store_command: Mapping[str, Any]
    return_key: bool
    rotate: bool
    key_max_age_days: float
    key_grace_days: float | None
    heal: bool
    new_key: bool
    lease: float
    given_keys: list[Mapping[str, Any]]
    report_dir: str
    report_mode: str
    defer_failure: bool

    @property
    def store_name(self) -> str:
        return self.store if isinstance(self.store, str) else "described"

    @property
    def file_mode(self) -> int:
        """The mode of the files of reports."""
        return file_mode(self.report_mode)


NAMES = tuple(one.name for one in fields(Settings))
# Resolved for each record, since they may name it.
_PER_RECORD = ("hashi_vault_path", "sops_path")


@lru_cache(maxsize=1)
def _defaults() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text(encoding="utf-8"))
    return {name.removeprefix(PREFIX): value for name, value in found.items()}


@lru_cache(maxsize=1)
def _types() -> dict[str, Any]:
    found = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    options: dict[str, Any] = found["argument_specs"]["main"]["options"]
    return {name.removeprefix(PREFIX): {**one, "no_log": False} for name, one in options.items()}


def settings_of(variables: Mapping[str, Any], resolve: Resolve, **said: Any) -> Settings:
    """The settings of one host. said: what the playbook says, over what the host's variables say.

    Raises InputError with the variable's name, its value and what to do.
    """
    values, said = dict(_defaults()), {name: value for name, value in said.items() if value is not None}
    for name in NAMES:
        if f"{PREFIX}{name}" in variables and name not in _PER_RECORD and name not in said:
            values[name] = _resolved(f"{PREFIX}{name}", resolve)
    values.update(said)
    checked = _checked(values)
    tenant = str(checked["store_tenant"] or variables.get("inventory_hostname") or "")
    keys = str(checked["store_dir"] or beside(KEYS_FOLDER, variables.get("inventory_dir")))
    reports = report_dir_of(variables, resolve)
    file_mode(checked["report_mode"])
    checked.update(store_tenant=tenant, store_dir=_expanded(keys), report_dir=reports)
    return Settings(**{name: checked[name] for name in NAMES})


def report_dir_of(variables: Mapping[str, Any], resolve: Resolve) -> str:
    """Where reports go; also if another setting is wrong, of which the report then tells."""
    own = _resolved(f"{PREFIX}report_dir", resolve)
    return _expanded(str(own or beside(REPORTS_FOLDER, variables.get("inventory_dir"), here=True)))


def report_mode_of(variables: Mapping[str, Any], resolve: Resolve) -> int:
    """Return the mode of the files of reports, also if another setting is wrong. Raises InputError."""
    name = f"{PREFIX}report_mode"
    return file_mode(_resolved(name, resolve) if name in variables else _defaults()["report_mode"])


def file_mode(text: object) -> int:
    """Return the mode that a text in octal digits names. Raises InputError."""
    # YAML reads 0640 without quotes as 416. No such number is also the digits of a mode that is allowed.
    for digits, base in (("0?[0-7]{3}", 8), ("[34][0-9]{2}", 10)):
        mode = int(str(text), base) if re.fullmatch(digits, str(text)) else 0
        if mode & 0o600 == 0o600 and not mode & 0o113:
            return mode
    raise InputError(
        f'{PREFIX}report_mode is "{text}", and no mode for a file that only its owner and a group may write',
        remedy='write four octal digits in quotes, such as "0640"; "0600" is the default',
    )


def _resolved(name: str, resolve: Resolve) -> Any:
    try:
        return resolve(name)
    except AnsibleError as problem:
        raise InputError(
            f"{name} cannot be resolved: {problem.message or problem}",
            remedy="correct the variable, or define what it refers to in host_vars or group_vars",
        ) from None


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with the types that the role's argument specs declare."""
    types, given = _types(), {name: value for name, value in values.items() if name in NAMES and value is not None}
    spec = {name: {"type": types[name].get("type", "str"), **_shape(types[name])} for name in given}
    for name in (one for one in given if types[one].get("type") == "float"):
        try:
            float(given[name])
        except (TypeError, ValueError):
            raise InputError(
                f'{PREFIX}{name} is "{given[name]}", and not a number', remedy=f"give {PREFIX}{name} a number"
            ) from None
    validation = ArgumentSpecValidator(spec).validate(given)
    if validation.error_messages:
        said = validation.error_messages[0]
        for name in given:
            said = said.replace(f"'{name}'", f"{PREFIX}{name}").replace(f"of {name} ", f"of {PREFIX}{name} ")
        raise InputError(
            said, remedy="correct the variable; the README of the role msp.connectwise.integration lists them"
        )
    checked = {**dict.fromkeys(NAMES), **validation.validated_parameters}
    for name in _NOT_NEGATIVE:
        if checked[name] is not None and checked[name] < 0:
            raise InputError(
                f"{PREFIX}{name} is {checked[name]:g}, which is less than 0",
                remedy=f"give 0 or more; leave {PREFIX}{name} out for its default",
            )
    return checked


def _shape(one: Mapping[str, Any]) -> dict[str, Any]:
    return {name: one[name] for name in ("choices", "elements") if name in one}


def _expanded(path: str) -> str:
    return str(Path(path).expanduser()) if path else ""


def beside(folder: str, inventory_dir: Any, sources: Iterable[str] | None = None, *, here: bool = False) -> str:
    """A folder beside the inventory file, or beside the directory if the inventory is a whole directory.

    Within that directory, Ansible would read what lies there as further inventory. Without an inventory file there is
    no such place: the working directory if `here`, else nothing (that of the playbook may be one of an installed
    collection).
    """
    if not inventory_dir:
        return str(Path.cwd() / folder) if here else ""
    place = Path(str(inventory_dir))
    for source in context.CLIARGS.get("inventory") or () if sources is None else sources:
        directory = Path(source)
        # A list of hosts, "north,south", is no path.
        if "," not in source and directory in (place, *place.parents) and directory.is_dir():
            place = directory.parent
            break
    return str(place / folder)


class StoreMaker:
    """Makes the store of a record from the settings. outside: how to reach modules and lookups of other collections."""

    def __init__(self, outside: Outside, encrypt: Callable[[str, str], bytes], decrypt: Decrypt) -> None:
        self._outside, self._encrypt, self._decrypt = outside, encrypt, decrypt

    def store(
        self, settings: Settings, name: str, variables: Mapping[str, Any], resolve: Resolve, member: str = ""
    ) -> Store:
        """Raises StoreError if the store is not one, or the record would lie outside of the tenant's place."""
        kind = settings.store
        if kind == "vaulted_file":
            return lasting(VaultedFile(self.key_file(settings), name), settings.store_dir, "integration_store_dir")
        if kind == "none":
            return NoStore(_returned(variables).get(name) or {}, member, return_key=settings.return_key)
        path = self._path(settings, name, resolve)
        where = Where(settings.store_tenant, name, path, settings.hashi_vault_mount, settle=settings.store_settle)
        check_place(settings.store_tenant, path or name, settings.store_dir)
        if kind == "command":
            return Command(settings.store_command, where)
        if isinstance(kind, Mapping):
            return Described(checked_description(kind, "integration_store"), where, self._outside)
        if kind in shipped():
            options = settings.hashi_vault if kind == "hashi_vault" else settings.sops
            _register_options(options or {})
            where = Where(where.tenant, name, path, where.mount, options, where.settle)
            described = Described(shipped()[kind], where, self._outside)
            setting = "integration_sops_path" if settings.sops_path else "integration_store_dir"
            return lasting(described, str(Path(path).parent), setting) if kind == "sops" else described
        return Described(_described_in(str(kind)), where, self._outside)

    def key_file(self, settings: Settings) -> KeyFile:
        """The file of a tenant in the default store."""
        if not settings.store_allow_readable:
            _warn_of_others(Path(settings.store_dir))
        encrypt: Encrypt = lambda text: self._encrypt(text, settings.store_vault_id)  # noqa: E731
        return KeyFile(
            settings.store_dir,
            settings.store_tenant,
            encrypt,
            self._decrypt,
            allow_readable=settings.store_allow_readable,
            own_passphrase=bool(settings.store_vault_id),
        )

    @staticmethod
    def _path(settings: Settings, name: str, resolve: Resolve) -> str:
        """Where the record is in a store that other collections keep; a user's own path may name the record."""
        names = {"integration_store_tenant": settings.store_tenant, "integration_record_name": name}
        if settings.store == "hashi_vault":
            said, usual = settings.hashi_vault_path, f"connectwise/{settings.store_tenant}/{name}"
        elif settings.store == "sops":
            said = settings.sops_path
            usual = f"{settings.store_dir}/{settings.store_tenant}/{name.replace('/', '@')}.sops.json"
        else:
            return ""
        # What a task says itself has been resolved with the task.
        path = str(said or resolve(f"{PREFIX}{settings.store}_path", known=names) or usual)
        return _expanded(path) if settings.store == "sops" else path


def _warn_of_others(folder: Path) -> None:
    """Warn where a group may replace key files, and where others may read a passphrase; each of them once."""
    with suppress(OSError):
        if folder != Path() and folder.stat().st_mode & stat.S_IWGRP:
            Display().warning(f"the group of {folder} may replace the key files in it: chmod g-w {folder}")
    files = [
        *(context.CLIARGS.get("vault_password_files") or []),
        constants.config.get_config_value("DEFAULT_VAULT_PASSWORD_FILE"),
    ]
    files += [one.rpartition("@")[2] for one in context.CLIARGS.get("vault_ids") or []]
    for file in filter(None, files):
        with suppress(OSError):
            mode = Path(file).expanduser().stat().st_mode
            # One that can be run is a script, which asks somebody else for the passphrase.
            if stat.S_ISREG(mode) and not mode & 0o111 and mode & stat.S_IROTH:
                Display().warning(f"every user of this machine may read the passphrase in {file}: chmod 600 {file}")


def _register_options(options: Mapping[str, Any]) -> None:
    """Keep what opens a store out of what this process shows."""
    for name, value in options.items():
        if _OPENS.search(str(name)) and not str(name).lower().endswith(_ABOUT):
            register_unless_word(value)
    register_credentials(options.get("url"))


def _returned(variables: Mapping[str, Any]) -> Mapping[str, Record]:
    """The records that this play was given back. They are data, so nothing resolves them."""
    found = variables.get(RETURNED_KEYS) or {}
    if not isinstance(found, Mapping):
        raise StoreError(f"{RETURNED_KEYS} is not a mapping", "leave this fact to the collection")
    return found


def _described_in(file: str) -> Mapping[str, Any]:
    """The description in a user's own YAML file."""
    path = Path(file).expanduser()
    if "/" not in file and path.suffix not in (".yml", ".yaml"):
        raise unknown_store(file)
    if path.is_dir():
        raise StoreError(
            f"{path} is a directory; task files as a store are not supported any more",
            "describe the store in a mapping or a YAML file, as the guide on keys shows",
        )
    try:
        return checked_description(yaml.safe_load(_files.read_text(path)), str(path))
    except (OSError, ValueError, yaml.YAMLError) as problem:
        raise StoreError(f"{path} cannot be read ({problem})", "correct the path in integration_store") from None
