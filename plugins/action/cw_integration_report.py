# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records how an integration ended: as a fact, and as a JSON file and a work order on the controller."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.msp.connectwise.plugins.module_utils._connection import CONNECTION_OPTIONS
from ansible_collections.msp.connectwise.plugins.module_utils._errors import PsaError
from ansible_collections.msp.connectwise.plugins.plugin_utils import _report, _step_results
from ansible_collections.msp.connectwise.plugins.plugin_utils._files import PRIVATE
from ansible_collections.msp.connectwise.plugins.plugin_utils._options import completed
from ansible_collections.msp.connectwise.plugins.plugin_utils._own_action import OwnAction
from ansible_collections.msp.connectwise.plugins.plugin_utils._report_place import unwritable
from ansible_collections.msp.connectwise.plugins.plugin_utils._resolve import Resolver
from ansible_collections.msp.connectwise.plugins.plugin_utils._settings import file_mode, report_dir_of, report_mode_of
from ansible_collections.msp.connectwise.plugins.plugin_utils._status import BAD
from ansible_collections.msp.connectwise.plugins.plugin_utils._tenant_time import note_late

FACT = "connectwise_integrations"
ARGUMENT_SPEC: dict[str, Any] = {
    "vendor": {"type": "str", "required": True},
    "look": {"type": "dict", "default": {}},
    "results": {"type": "dict", "default": {}},
    "failed_result": {"type": "dict", "default": {}},
    "failed_step": {"type": "str", "default": ""},
}


class ActionModule(OwnAction):
    """Runs on the controller, whatever the host's connection is."""

    _requires_connection = False
    OPTIONS = ARGUMENT_SPEC

    def work(self, args: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        # A role of another collection goes by its full name, its integration by the short one.
        args["vendor"] = args["vendor"].rpartition(".")[2]
        look, results, error, kind = self._read(args)
        if _report.is_silent(look, results, error, check_mode=bool(self._task.check_mode)):
            return {"changed": False, "msg": "nothing is reported of an integration of which no key was stored"}
        tenant = str(variables["inventory_hostname"])
        if late := _step_results.too_late(args["failed_result"]):
            note_late(tenant, args["vendor"], late)
        directory, defer, mode = self._settings(look, variables)
        try:
            entry = _report.record_integration(
                look,
                results,
                tenant,
                self._connection_facts(variables),
                check_mode=bool(self._task.check_mode),
                directory=directory,
                error=error,
                error_kind=kind,
                mode=mode,
            )
        except OSError as problem:
            raise unwritable(directory, problem) from None
        known = (variables.get("ansible_facts") or {}).get(FACT) or {}
        result = {
            "changed": False,
            "msg": _report.summary(entry),
            "integration": entry,
            "ansible_facts": {FACT: {**known, args["vendor"]: entry}},
        }
        return {**result, "failed": True} if entry["status"] in BAD and not defer else result

    @staticmethod
    def _read(args: Mapping[str, Any]) -> tuple[dict[str, Any], _step_results.Results, str, str]:
        """What was found, what the steps said, and why one of them failed; of this integration only."""
        step = args["failed_step"].rpartition(".")[2]
        error, kind = _step_results.causes(args["failed_result"]) if args["failed_result"] else ("", "")
        look = args["look"] if args["look"].get("vendor") == args["vendor"] else {}
        if not look or (error and step not in _step_results.STEPS):
            return {**look, "vendor": args["vendor"]}, {}, error, kind
        return look, _step_results.collected(args["results"], step), error, kind

    def _connection_facts(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return _report.connection_facts(completed(self, CONNECTION_OPTIONS, variables))
        except PsaError:  # then the error of this integration says so
            return {}

    def _settings(self, look: Mapping[str, Any], variables: Mapping[str, Any]) -> tuple[str | None, bool, int]:
        """Return folder and mode of the report, and whether a failure waits for the end; also without a look."""
        if look.get("directory") is not None:
            return look["directory"], bool(look.get("defer_failure")), file_mode(look.get("report_mode") or "0600")
        resolve = Resolver(self, variables)
        defer = boolean(resolve("integration_defer_failure", False), strict=False)
        mode = PRIVATE
        with suppress(PsaError):  # a wrong mode is what the report then tells of
            mode = report_mode_of(variables, resolve)
        return report_dir_of(variables, resolve), defer, mode
