# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds out whether AWX can be set up as it is wanted. It only reads."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

from ansible_collections.msp.connectwise.plugins.plugin_utils._awx import CONNECTION_SPEC, Awx, AwxError, connection
from ansible_collections.msp.connectwise.plugins.plugin_utils._awx_look import Found, look, wrong_options
from ansible_collections.msp.connectwise.plugins.plugin_utils._guard import guarded

ARGUMENT_SPEC: dict[str, Any] = {
    **CONNECTION_SPEC,
    "organization": {"type": "str", "required": True},
    "prefix": {"type": "str", "required": True},
    "project_url": {"type": "str"},
    "project_branch": {"type": "str"},
    "project_credential": {"type": "str"},
    "inventory": {"type": "str", "required": True},
    "inventory_file": {"type": "str"},
    "execution_environment": {"type": "str", "required": True},
    "execution_environment_image": {"type": "str", "default": ""},
    "execution_environment_credential": {"type": "str"},
    "credentials": {"type": "list", "elements": "str", "default": []},
    "new_credentials": {"type": "list", "elements": "dict", "default": [], "no_log": True},
    "credential_type": {"type": "str", "required": True},
    "fields": {"type": "list", "elements": "str", "default": []},
    "required_fields": {"type": "list", "elements": "str", "default": []},
    "templates": {"type": "list", "elements": "str", "default": []},
    "ask_variables": {"type": "bool", "default": False},
}
_ASKS = (
    "awx_ask_variables is true: whoever may launch a job template may set any variable of the job. That includes the "
    "name of a role, another key store, and a command that a store runs. The host of a tenant stays that of the "
    "inventory. Leave the variable out unless everybody with the role Execute may do all of that"
)


class ActionModule(ActionBase):
    """Runs on the controller of Ansible."""

    _requires_connection = False

    @guarded
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars or {})
        validation = ArgumentSpecValidator(ARGUMENT_SPEC).validate(dict(self._task.args))
        if validation.error_messages:
            return {**result, "failed": True, "msg": validation.error_messages[0]}
        args = validation.validated_parameters
        found = Found(problems=wrong_options(args))
        if not found.problems:
            try:
                found = look(Awx(connection(args)), args)
            except AwxError as problem:
                found.problems.append(str(problem))
        if found.problems:
            return {**result, "failed": True, "msg": " | ".join(found.problems), "problems": found.problems}
        check = bool(self._task.check_mode)
        would = [f"would make: {', '.join(found.missing)}"] if check and found.missing else []
        result.update(
            changed=check and bool(found.missing),
            notes=[*would, *found.notes],
            missing=found.missing,
            job_credentials=found.of_jobs,
            superuser=found.superuser,
            type_exists=found.type_exists,
            # In check mode, what hangs on something that is missing cannot be compared.
            comparable={part: can or not check for part, can in found.comparable().items()},
            msg="AWX can be set up",
        )
        if args["ask_variables"]:
            result["warnings"] = [_ASKS]
        return result
