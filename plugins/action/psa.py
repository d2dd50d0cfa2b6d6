# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one action behind every module: resolves the connection, then runs the module in this process or on the host.

meta/runtime.yml redirects each module's action here. The linear strategy loads this file in the parent process, so that
everything imported below is paid for once and not by every forked worker.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from ansible_collections.msp.connectwise.plugins.module_utils._connection import CONNECTION_OPTIONS
from ansible_collections.msp.connectwise.plugins.module_utils._module import Module, run_in_process
from ansible_collections.msp.connectwise.plugins.modules import (
    cw_access_check,
    cw_api_key,
    cw_api_key_info,
    cw_api_member,
    cw_api_member_info,
    cw_integration_info,
    cw_security_role,
    cw_security_role_info,
    cw_table_setup,
    cw_tenant_info,
)

MODULES: dict[str, Module] = {
    source.MODULE.name: source.MODULE
    for source in (
        cw_access_check,
        cw_api_key,
        cw_api_key_info,
        cw_api_member,
        cw_api_member_info,
        cw_integration_info,
        cw_security_role,
        cw_security_role_info,
        cw_table_setup,
        cw_tenant_info,
    )
}


class ActionModule(ActionBase):
    """Runs `msp.connectwise.cw_*`, in the worker process where the connection is local."""

    def run(self, tmp: object = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        variables = task_vars or {}
        result: dict[str, Any] = super().run(tmp, variables)
        name = f"msp.connectwise.{self._task.action.rpartition('.')[2]}"
        args = self._with_connection(variables)
        if self._in_process(variables):
            result.update(
                run_in_process(
                    MODULES[name],
                    args,
                    check_mode=bool(self._task.check_mode),
                    diff_mode=bool(self._task.diff),
                    action=name,
                )
            )
        else:
            result.update(
                self._execute_module(
                    module_name=name, module_args=args, task_vars=variables, wrap_async=bool(self._task.async_val)
                )
            )
        return result

    def _in_process(self, variables: Mapping[str, Any]) -> bool:
        if self._connection.transport != "local" or self._task.become or self._task.async_val:
            return False
        return boolean(self._templar.template(variables.get("cw_in_process", True)), strict=False)

    def _with_connection(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The task's arguments, completed: inventory variable `cw_<option>`, then the play's and the process's CW_<OPTION>."""
        args = dict(self._task.args)
        missing = [option for option in CONNECTION_OPTIONS if args.get(option) is None]
        environment: dict[str, Any] = {}
        if self._task.environment:
            self._compute_environment_string(environment)
        for option in missing:
            args.pop(option, None)
            variable, name = variables.get(f"cw_{option}"), f"CW_{option.upper()}"
            if variable is not None:
                variable = self._templar.template(variable)
            for value in (variable, environment.get(name), os.environ.get(name)):
                if value is not None and value != "":
                    args[option] = value
                    break
        return args
