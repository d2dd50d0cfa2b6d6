# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says which vendors there are, from the tables of the collection and the vendor files of the user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

from ansible_collections.msp.connectwise.plugins.module_utils._errors import PsaError
from ansible_collections.msp.connectwise.plugins.plugin_utils import _vendor_list
from ansible_collections.msp.connectwise.plugins.plugin_utils._inventory import vendor_directories

ARGUMENT_SPEC: dict[str, Any] = {
    "search": {"type": "str", "default": ""},
    "directories": {"type": "list", "elements": "path"},
}


class ActionModule(ActionBase):
    """Runs on the controller."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        variables = task_vars or {}
        result: dict[str, Any] = super().run(tmp, variables)
        validation = ArgumentSpecValidator(ARGUMENT_SPEC).validate(dict(self._task.args))
        if validation.error_messages:
            return {**result, "failed": True, "msg": validation.error_messages[0]}
        try:
            return {**result, **self._done(validation.validated_parameters, variables)}
        except PsaError as problem:
            return {**result, "failed": True, **problem.as_result()}

    def _done(self, args: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
        found, wrong = _vendor_list.listed(vendor_directories(variables, args["directories"]), args["search"])
        return {
            "changed": False,
            "vendors": found,
            "lines": _vendor_list.lines(found),
            "msg": f"{len(found)} vendors",
            **({"warnings": wrong} if wrong else {}),
        }
