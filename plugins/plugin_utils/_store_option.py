# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option `store` of a task: a store's name, or a mapping of its name and settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._names import closest
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_file import StoreError
from ansible_collections.msp.connectwise.plugins.plugin_utils._resolve import Resolver
from ansible_collections.msp.connectwise.plugins.plugin_utils._settings import settings_of
from ansible_collections.msp.connectwise.plugins.plugin_utils._stores import Store
from ansible_collections.msp.connectwise.plugins.plugin_utils._tenant_action import TenantAction

# Setting of the option -> setting of the role, whose variables give what is left out.
SETTINGS = {
    "name": "store",
    "tenant": "store_tenant",
    "directory": "store_dir",
    "vault_id": "store_vault_id",
    "allow_readable": "store_allow_readable",
    "settle": "store_settle",
    "hashi_vault": "hashi_vault",
    "hashi_vault_mount": "hashi_vault_mount",
    "hashi_vault_path": "hashi_vault_path",
    "sops": "sops",
    "sops_path": "sops_path",
    "command": "store_command",
    "return_key": "return_key",
}


def record_name(option: Any, usual: str) -> str:
    """The record that a task's `store` names."""
    named = option.get("record") if isinstance(option, Mapping) else None
    return str(named or usual)


def store_of(action: TenantAction, option: Any, variables: dict[str, Any], record: str) -> Store:
    """The store that a task names. record: name of the record, unless the option names another. Raises PsaError."""
    given = dict(option) if isinstance(option, Mapping) else {"name": option}
    name = record_name(option, record)
    given.pop("record", None)
    if not name:
        raise StoreError("nothing says which record", "give store.record, such as the short name of the vendor")
    if strangers := sorted(set(given) - set(SETTINGS)):
        near = closest(strangers[0], SETTINGS)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise StoreError(f"store has no setting {strangers[0]}{hint}", f"use record, {', '.join(SETTINGS)}")
    said = {SETTINGS[setting]: value for setting, value in given.items()}
    resolve = Resolver(action, variables)
    settings = settings_of(variables, resolve, **said)
    return action.store_maker(variables).store(settings, name, variables, resolve)
