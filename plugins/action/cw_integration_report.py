# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records how an integration ended: as a fact, and as a JSON file and a work order on the controller."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

from ansible_collections.msp.connectwise.plugins.module_utils._connection import CONNECTION_OPTIONS
from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError
from ansible_collections.msp.connectwise.plugins.plugin_utils import _report
from ansible_collections.msp.connectwise.plugins.plugin_utils._options import completed

FACT = "connectwise_integrations"
ARGUMENT_SPEC: dict[str, Any] = {
    "vendor": {"type": "str", "required": True},
    "profile": {"type": "dict", "required": True},
    "directory": {"type": "path"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "mode": {"type": "str", "choices": ["converge", "audit", "store_key"], "default": "converge"},
    "member": {"type": "str"},
    "continues": {"type": "bool", "default": False},
    "found": {"type": "dict", "default": {}},
    "steps": {"type": "list", "elements": "dict", "default": []},
    "key": {"type": "dict", "default": {}, "no_log": False},
    "place": {"type": "str"},
    "changed": {"type": "bool", "default": False},
    "changes": {"type": "list", "elements": "str", "default": []},
    "error": {"type": "str", "default": ""},
    "error_kind": {"type": "str", "default": ""},
    "defer_failure": {"type": "bool", "default": False},
}


class ActionModule(ActionBase):
    """Runs on the controller, whatever the host's connection is."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        variables = task_vars or {}
        result: dict[str, Any] = super().run(tmp, variables)
        connection: dict[str, Any] = {}
        with suppress(InputError):  # which is then the error that is recorded here
            connection = _report.connection_facts(completed(self, CONNECTION_OPTIONS, variables))
        own = {name: value for name, value in self._task.args.items() if name in ARGUMENT_SPEC}
        validation = ArgumentSpecValidator(ARGUMENT_SPEC).validate(own)
        if validation.error_messages:
            return {**result, "failed": True, "msg": validation.error_messages[0]}
        args = validation.validated_parameters
        known = self._templar.template((variables.get("ansible_facts") or {}).get(FACT)) or {}
        entry = _report.entry_of(
            args, str(variables["inventory_hostname"]), connection, predicts=bool(self._task.check_mode)
        )
        if args["continues"] and args["vendor"] in known:
            entry = _report.merged(known[args["vendor"]], entry)
        if args["directory"] and not self._task.check_mode:
            _report.write_files(Path(args["directory"]), entry)
        _report.note(_report.run_directory(), entry)
        result.update(
            changed=False,
            msg=_report.summary(entry),
            integration=entry,
            ansible_facts={FACT: {**known, args["vendor"]: entry}},
        )
        if entry["status"] in _report.BAD and not args["defer_failure"]:
            result["failed"] = True
        return result
