# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Teaches a tenant's version: prepares a choreography, learns its recording, proves the routes on scratch records."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.msp.connectwise.plugins.module_utils._client import Psa
from ansible_collections.msp.connectwise.plugins.module_utils._connection import CONNECTION_OPTIONS, parse_connection
from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError, PsaError
from ansible_collections.msp.connectwise.plugins.plugin_utils._guard import guarded
from ansible_collections.msp.connectwise.plugins.plugin_utils._lesson_files import LessonFiles
from ansible_collections.msp.connectwise.plugins.plugin_utils._options import completed
from ansible_collections.msp.connectwise.plugins.plugin_utils._routes_book import FOLDER
from ansible_collections.msp.connectwise.plugins.plugin_utils._settings import beside
from ansible_collections.msp.connectwise.plugins.plugin_utils._tenant_action import TenantAction

ARGUMENT_SPEC: dict[str, Any] = {
    "step": {"type": "str", "choices": ["prepare", "learn", "prove"], "required": True},
    "recordings": {"type": "list", "elements": "path", "default": []},
    "directory": {"type": "path"},
}


class ActionModule(TenantAction):
    """Runs on the controller, and speaks to the tenant from there."""

    _requires_connection = False

    @guarded
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        variables = task_vars or {}
        result: dict[str, Any] = super().run(tmp, variables)
        own = {name: value for name, value in self._task.args.items() if name not in CONNECTION_OPTIONS}
        validation = ArgumentSpecValidator(ARGUMENT_SPEC).validate(own)
        if validation.error_messages:
            return {**result, "failed": True, "msg": validation.error_messages[0]}
        if self._task.check_mode:
            return {**result, "changed": False, "skipped": True, "msg": "a check makes, learns and proves nothing"}
        try:
            return {**result, **self._step(validation.validated_parameters, variables)}
        except PsaError as problem:
            return {**result, "failed": True, "changed": False, **problem.as_result()}

    def _step(self, args: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        folder = args["directory"] or beside(FOLDER, variables.get("inventory_dir"), here=True)
        recordings = [self._loader.path_dwim(str(path)) for path in args["recordings"]]
        with Psa(parse_connection(completed(self, CONNECTION_OPTIONS, variables))) as psa:
            lesson = LessonFiles(psa, str(folder), str(variables.get("inventory_hostname") or ""))
            if args["step"] == "prepare":
                return lesson.prepare()
            if args["step"] == "learn":
                return lesson.learn(recordings)
            if recordings:
                raise InputError("the step prove takes no recordings", remedy="give them to the step learn")
            return lesson.prove()
