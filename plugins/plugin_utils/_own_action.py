# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An action with options of its own: it checks them, does its work, and tells a problem as a failed task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

from ansible_collections.msp.connectwise.plugins.module_utils._connection import CONNECTION_OPTIONS
from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError, PsaError
from ansible_collections.msp.connectwise.plugins.plugin_utils import _files
from ansible_collections.msp.connectwise.plugins.plugin_utils._guard import guarded
from ansible_collections.msp.connectwise.plugins.plugin_utils._profile_names import listed


def with_lists(given: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The options, where a text as a survey gives it stands for a list of words, as that list."""
    lists = {name for name, one in options.items() if one.get("type") == "list" and one.get("elements") == "str"}
    return {
        name: listed(value) if name in lists and isinstance(value, str) and value.strip() else value
        for name, value in given.items()
    }


class OwnAction(ActionBase):
    """OPTIONS: its argument spec, CONSTRAINTS: what goes with it, WRITES: what it writes, as a message names it.

    PLACE: the variable that chooses where it is written.
    VARIABLES: the options that a playbook takes from a variable, by which a person knows them.
    """

    OPTIONS: ClassVar[Mapping[str, Any]]
    CONSTRAINTS: ClassVar[Mapping[str, Any]] = {}
    WRITES: ClassVar[str] = "a file"
    PLACE: ClassVar[str] = ""
    VARIABLES: ClassVar[Mapping[str, str]] = {}

    @guarded
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        variables = task_vars or {}
        result: dict[str, Any] = super().run(tmp, variables)
        # The defaults of the action group give the connection to actions that need none, too.
        given = {name: value for name, value in self._task.args.items() if name not in CONNECTION_OPTIONS}
        given = with_lists(given, self.OPTIONS)
        validation = ArgumentSpecValidator(dict(self.OPTIONS), **self.CONSTRAINTS).validate(given)
        if validation.error_messages:
            problem = validation.error_messages[0]
            for option, variable in self.VARIABLES.items():
                problem = problem.replace(f" {option} ", f" {variable} ")
            return {**result, "failed": True, "msg": problem}
        try:
            return {**result, **self.work(validation.validated_parameters, variables)}
        except PsaError as problem:
            return {**result, "failed": True, "changed": False, **problem.as_result()}
        except OSError as problem:
            reason = f"{problem.strerror or problem}" + (f": {problem.filename}" if problem.filename else "")
            remedy = _files.way_out(problem, problem.filename or "the folder", self.PLACE)
            told = InputError(f"{self.WRITES} could not be written: {reason}", remedy=remedy)
            return {**result, "failed": True, "changed": False, **told.as_result()}

    def work(self, args: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """What the task does, with validated options; its result. Raises PsaError or OSError."""
        raise NotImplementedError
