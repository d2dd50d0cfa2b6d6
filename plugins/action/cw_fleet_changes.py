# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Report what a fleet run changed at a host as that host's own result, so that Ansible counts it and shows the diff."""

from __future__ import annotations

from typing import Any

from ansible_collections.msp.connectwise.plugins.plugin_utils._own_action import OwnAction

ARGUMENT_SPEC: dict[str, Any] = {
    "changes": {"type": "list", "elements": "str", "required": True},
    "diffs": {"type": "list", "elements": "dict", "default": []},
}


class ActionModule(OwnAction):
    _requires_connection = False
    OPTIONS = ARGUMENT_SPEC

    def work(self, args: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002 - every action has it
        result: dict[str, Any] = {
            "changed": bool(args["changes"]),
            # A line each. As the result of debug, it is shown without -v.
            "msg": args["changes"],
            "_ansible_verbose_always": True,
        }
        if self._task.diff and args["diffs"]:
            result["diff"] = args["diffs"]
        return result
