# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lets AWX read a project or an inventory that it has not read yet."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

from ansible_collections.msp.connectwise.plugins.plugin_utils._awx import CONNECTION_SPEC, Awx, AwxError, connection
from ansible_collections.msp.connectwise.plugins.plugin_utils._awx_sync import Sync
from ansible_collections.msp.connectwise.plugins.plugin_utils._guard import guarded

ARGUMENT_SPEC: dict[str, Any] = {
    **CONNECTION_SPEC,
    "project": {"type": "str"},
    "organization": {"type": "str", "required": True},
    "playbooks": {"type": "list", "elements": "str", "default": []},
    "inventory": {"type": "str"},
    "source": {"type": "str"},
    "timeout": {"type": "float", "default": 600.0},
    "interval": {"type": "float", "default": 2.0},
}


class ActionModule(ActionBase):
    """Runs on the controller of Ansible."""

    _requires_connection = False

    @guarded
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars or {})
        validator = ArgumentSpecValidator(
            ARGUMENT_SPEC, required_one_of=[["project", "source"]], required_by={"source": "inventory"}
        )
        validation = validator.validate(dict(self._task.args))
        if validation.error_messages:
            return {**result, "failed": True, "msg": validation.error_messages[0]}
        args = validation.validated_parameters
        try:
            awx = Awx(connection(args))
            sync = Sync(awx, args["organization"], bool(self._task.check_mode), args["timeout"], args["interval"])
            if args["project"]:
                result["changed"] = sync.project(args["project"], args["playbooks"])
            else:
                result["changed"] = sync.source(args["inventory"], args["source"])
        except AwxError as problem:
            result.update(failed=True, msg=str(problem))
        return result
