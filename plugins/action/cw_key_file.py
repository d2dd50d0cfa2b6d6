# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads and writes the default key store with the vault secrets of the running play."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.msp.connectwise.plugins.plugin_utils import _job_folder
from ansible_collections.msp.connectwise.plugins.plugin_utils._controller import require_new_passphrase
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_file import KeyFile
from ansible_collections.msp.connectwise.plugins.plugin_utils._own_action import OwnAction
from ansible_collections.msp.connectwise.plugins.plugin_utils._resolve import Resolver
from ansible_collections.msp.connectwise.plugins.plugin_utils._settings import settings_of
from ansible_collections.msp.connectwise.plugins.plugin_utils._tenant_action import TenantAction

ARGUMENT_SPEC: dict[str, Any] = {
    "operation": {"type": "str", "choices": ["read", "write", "delete", "rekey"], "required": True},
    "directory": {"type": "path"},
    "tenant": {"type": "str"},
    "name": {"type": "str"},
    "record": {"type": "dict", "no_log": False},
    "if_version": {"type": "int"},
    "vault_id": {"type": "str"},
    "allow_readable": {"type": "bool"},
}
CONSTRAINTS: dict[str, Any] = {
    "required_if": [
        ("operation", "read", ("name",)),
        ("operation", "write", ("name", "record")),
        ("operation", "delete", ("name",)),
    ]
}


class ActionModule(OwnAction, TenantAction):
    """Runs on the controller, whatever the host's connection is."""

    _requires_connection = False
    OPTIONS = ARGUMENT_SPEC
    CONSTRAINTS = CONSTRAINTS

    def work(self, args: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        settings = {
            "store_dir": args["directory"],
            "store_tenant": args["tenant"],
            "store_vault_id": args["vault_id"],
            "store_allow_readable": args["allow_readable"],
        }
        found = settings_of(variables, Resolver(self, variables), **settings)
        if args["operation"] == "rekey":
            require_new_passphrase(self._loader._vault, found.store_vault_id)
        store = self.store_maker(variables).key_file(found)
        return self._operate(store, args)

    def _operate(self, store: KeyFile, args: Mapping[str, Any]) -> dict[str, Any]:
        operation, name = args["operation"], args["name"]
        place = {"changed": False, "place": f"{store.path}#{name}" if name else str(store.path)}
        if operation == "read":
            return {**place, "record": store.read(name)}
        if operation == "write" and _job_folder.is_lost(str(store.directory)):
            raise _job_folder.problem_of(str(store.directory), "directory (integration_store_dir)")
        if self._task.check_mode:
            would = {"write": True, "delete": bool(name and store.read(name)), "rekey": store.path.exists()}
            return {**place, "changed": would[operation]}
        if operation == "write":
            return {**place, "changed": True, "version": store.write(name, _plain(args["record"]), args["if_version"])}
        changed = store.delete(name) if operation == "delete" else store.rekey()
        return {**place, "changed": changed}


def _plain(value: Any) -> Any:
    """Templating may hand over strings and containers of its own types; the file holds plain data."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, str) else value
