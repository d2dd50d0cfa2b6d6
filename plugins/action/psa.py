# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one action behind every module: resolves the connection, then runs the module in this process or on the host.

meta/runtime.yml redirects each module's action here. The linear strategy loads this file in the parent process, so that
everything imported below is paid for once and not by every forked worker.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ansible import constants
from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from ansible_collections.msp.connectwise.plugins.module_utils._connection import CONNECTION_OPTIONS
from ansible_collections.msp.connectwise.plugins.module_utils._errors import PsaError
from ansible_collections.msp.connectwise.plugins.module_utils._module import Module, run_in_process, unconnected
from ansible_collections.msp.connectwise.plugins.modules import (
    cw_access_check,
    cw_api_key,
    cw_api_key_info,
    cw_api_member,
    cw_api_member_info,
    cw_doctor,
    cw_integration_info,
    cw_security_role,
    cw_security_role_info,
    cw_table_setup,
    cw_tenant_info,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils import _routes_file
from ansible_collections.msp.connectwise.plugins.plugin_utils._options import completed

MODULES: dict[str, Module] = {
    source.MODULE.name: source.MODULE
    for source in (
        cw_access_check,
        cw_api_key,
        cw_api_key_info,
        cw_api_member,
        cw_api_member_info,
        cw_doctor,
        cw_integration_info,
        cw_security_role,
        cw_security_role_info,
        cw_table_setup,
        cw_tenant_info,
    )
}


def _invocation_wanted(variables: Mapping[str, Any]) -> bool:
    """Whether results say with which options a module ran: always, until ansible-core 2.21 made it a setting."""
    try:
        return bool(constants.config.get_config_value("INJECT_INVOCATION", variables=variables))
    except AnsibleError:
        return True


class ActionModule(ActionBase):
    """Runs `msp.connectwise.cw_*`, in the worker process where the connection is local."""

    def run(self, tmp: object = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        variables = task_vars or {}
        result: dict[str, Any] = super().run(tmp, variables)
        name = f"msp.connectwise.{self._task.action.rpartition('.')[2]}"
        try:
            args = completed(self, CONNECTION_OPTIONS, variables)
            self._with_routes_file(args)
        except PsaError as problem:
            return {**result, **unconnected(MODULES[name], problem)}
        if self._in_process(variables):
            result.update(
                run_in_process(
                    MODULES[name],
                    args,
                    check_mode=bool(self._task.check_mode),
                    diff_mode=bool(self._task.diff),
                    action=name,
                    invocation=_invocation_wanted(variables),
                )
            )
        else:
            self._keep_off_disks()
            result.update(
                self._execute_module(
                    module_name=name, module_args=args, task_vars=variables, wrap_async=bool(self._task.async_val)
                )
            )
        return result

    def _with_routes_file(self, args: dict[str, Any]) -> None:
        """The file of extension routes lies on the controller, also where the module runs elsewhere."""
        file = args.pop("extension_routes_file", None)
        if file:
            routes = _routes_file.load(self._loader.path_dwim(str(file)))
            args["extension_routes"] = {**routes, **(args.get("extension_routes") or {})}

    def _keep_off_disks(self) -> None:
        """Keys are among the options of a module: over standard input they lie in no file on the way."""
        if not self._task.become:
            with suppress(AnsibleError, KeyError):  # a kind of connection that has no such option
                self._connection.set_option("pipelining", True)

    def _in_process(self, variables: Mapping[str, Any]) -> bool:
        if self._connection.transport != "local" or self._task.become or self._task.async_val:
            return False
        return boolean(self._templar.template(variables.get("cw_in_process", True)), strict=False)
