# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one action behind every module: resolves the connection, then runs the module in this process or on the host.

meta/runtime.yml redirects each module's action here. The linear strategy loads this file in the parent process, so that
everything imported below is paid for once and not by every forked worker.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible import constants
from ansible.errors import AnsibleError

from ansible_collections.msp.connectwise.plugins.module_utils._access import EXCLUSIVE, no_longer
from ansible_collections.msp.connectwise.plugins.module_utils._errors import VENDOR, PsaError, legible
from ansible_collections.msp.connectwise.plugins.module_utils._module import run_in_process, unconnected
from ansible_collections.msp.connectwise.plugins.plugin_utils._guard import guarded
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_facts import KeyLifeError, Wish, misplaced
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_file import StoreError
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_record import Record, register_keys
from ansible_collections.msp.connectwise.plugins.plugin_utils._modules import MODULES
from ansible_collections.msp.connectwise.plugins.plugin_utils._resolve import Resolver
from ansible_collections.msp.connectwise.plugins.plugin_utils._routes_care import Care
from ansible_collections.msp.connectwise.plugins.plugin_utils._store_option import store_of
from ansible_collections.msp.connectwise.plugins.plugin_utils._tenant_action import BECOME, PREFIX, TenantAction

# With `store`, the stored key takes the place of these options.
_KEY_OPTIONS = {
    "cw_access_check": ("public_key", "private_key"),
    "cw_table_setup": ("reader_public_key", "reader_private_key"),
}
# What a module changes, and the option that names it.
_OBJECTS = {
    "cw_security_role": ("security role", "name"),
    "cw_table_setup": ("Customize lists of", "role"),
    "cw_api_member": ("API member", "identifier"),
    "cw_api_key": ("API key of", "member"),
}


def named_diff(diff: Mapping[str, Any], tenant: object, module: str, args: Mapping[str, Any]) -> dict[str, Any]:
    """Return a diff that says in its header of which tenant and object it is."""
    kind, option = _OBJECTS[module]
    header = legible(f"{tenant}: {kind} {args.get(option)}")
    return {**diff, "before_header": header, "after_header": header}


def _invocation_wanted(variables: Mapping[str, Any]) -> bool:
    """Whether results say with which options a module ran: always, until ansible-core 2.21 made it a setting."""
    try:
        return bool(constants.config.get_config_value("INJECT_INVOCATION", variables=variables))
    except AnsibleError:
        return True


class ActionModule(TenantAction):
    """Runs `msp.connectwise.cw_*`, in the worker process if the connection is local."""

    @guarded
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        variables = task_vars or {}
        result: dict[str, Any] = super().run(tmp, variables)
        short = self._task.action.rpartition(".")[2]
        try:
            args = self.connection_options(variables)
            if short == "cw_table_setup" and EXCLUSIVE in args:
                raise no_longer()
            self._with_stored_key(short, args, variables)
            in_process = self.runs_in_process(variables)
            # The tasks of the role share the tenant's time; any other task has its own.
            session = self.session(args, variables) if in_process and self.shares_time else None
            http = session.http if session else lambda: None
            care = Care(args, check_mode=bool(self._task.check_mode), local=in_process, session=http)
            args = care.options(short, args)
        except PsaError as problem:
            return {**result, **unconnected(MODULES[f"{PREFIX}{short}"], problem)}
        if in_process:
            result.update(
                run_in_process(
                    MODULES[f"{PREFIX}{short}"],
                    args,
                    check_mode=bool(self._task.check_mode),
                    diff_mode=bool(self._task.diff),
                    action=f"{PREFIX}{short}",
                    invocation=_invocation_wanted(variables),
                    http=http(),
                )
            )
        else:
            result.update(self.run_on_host(f"{PREFIX}{short}", args, variables))
        if result.get("diff") and short in _OBJECTS:
            result["diff"] = named_diff(result["diff"], variables.get("inventory_hostname"), short, args)
        if self.ignores_become():
            result.setdefault("warnings", []).append(BECOME)
        care.failed(result.get("error") or {})
        self._name_vendor(result, variables)
        if care.warnings:
            result.setdefault("warnings", []).extend(care.warnings)
        return result

    def _name_vendor(self, result: dict[str, Any], variables: dict[str, Any]) -> None:
        """Tell the way out of an error with the variables of the integration whose role runs the task."""
        error = result.get("error") or {}
        if not result.get("failed") or VENDOR not in str(error.get("remedy")):
            return
        if vendor := str(Resolver(self, variables)("integration_vendor", "")).rpartition(".")[2]:
            result["msg"] = str(result["msg"]).replace(VENDOR, vendor)
            result["error"] = {**error, "remedy": str(error["remedy"]).replace(VENDOR, vendor)}

    def _with_stored_key(self, module: str, args: dict[str, Any], variables: dict[str, Any]) -> None:
        """Let a module work with the key of an integration, which no variable of the play ever holds."""
        if module not in _KEY_OPTIONS or args.get("store") is None:
            return
        record: Record = store_of(self, args.pop("store"), variables, "").read()
        register_keys(record)
        tenant = Wish("", "", "", company_id=str(args.get("company_id") or "").strip(), binding=self.binding)
        if reason := misplaced(record, tenant):
            raise KeyLifeError(reason)
        current = record.get("current") or {}
        public, private = _KEY_OPTIONS[module]
        if current.get("public_key") and current.get("private_key"):
            args[public], args[private] = current["public_key"], current["private_key"]
        elif module == "cw_access_check":
            # Else the key that the run itself works with would be checked.
            raise StoreError("the store has no key to check", "make the key first, or store it with store_key")
