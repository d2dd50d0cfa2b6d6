# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Show the lines with which a playbook ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from textwrap import wrap
from typing import Any

from ansible_collections.msp.connectwise.plugins.plugin_utils import _commands, _handed_over, _table
from ansible_collections.msp.connectwise.plugins.plugin_utils._own_action import OwnAction
from ansible_collections.msp.connectwise.plugins.plugin_utils._screen import Screen
from ansible_collections.msp.connectwise.plugins.plugin_utils._summaries import SUMMARIES, Ended

ARGUMENT_SPEC: dict[str, Any] = {
    "playbook": {"type": "str", "choices": list(SUMMARIES)},
    "lines": {"type": "list", "elements": "str", "default": []},
    "problem": {"type": "str"},
    "explain_recap": {"type": "bool", "default": False},
    "only_reads": {"type": "bool", "default": False},
}

# Why a tenant may be missing in the recap. Takes the host of the task for all hosts.
_RECAP = "the task for all tenants is counted for {}; a tenant that needed no other task is not listed"
_NO_DIFF = "this playbook changes nothing, so it has none; onboard --check --diff shows what would change"


class ActionModule(OwnAction):
    """Runs once, for every host of the play."""

    BYPASS_HOST_LOOP = True
    _requires_connection = False
    OPTIONS = ARGUMENT_SPEC

    def work(self, args: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        lines = [*args["lines"], *(self._of(args["playbook"], variables) if args["playbook"] else ())]
        if not lines and args["problem"]:
            lines = _table.failure(args["problem"])
        notes = []
        if args["only_reads"] and self._task.diff:
            notes += _note("Diff:", _NO_DIFF)
        if args["explain_recap"]:
            notes += _note("Recap:", _RECAP.format(variables["inventory_hostname"]))
        if lines:
            commands = [number for number, text in enumerate(lines) if text.startswith("Next:")]
            at = commands[0] if commands else len(lines)
            lines[at:at] = notes
        Screen().end_with(lines)
        return {"changed": False}

    def _of(self, playbook: str, variables: Mapping[str, Any]) -> list[str]:
        hosts = [str(host) for host in variables.get("ansible_play_hosts_all") or []]
        templates = _handed_over.template_prefix(variables, playbook)
        typed = _commands.typed() if templates is None else replace(_commands.typed(), templates=templates)
        vaulted = bool(self._loader._vault.secrets)
        ended = Ended(hosts, variables["hostvars"].raw_get, typed, bool(self._task.check_mode), vaulted)
        return SUMMARIES[playbook](ended)


def _note(word: str, text: str) -> list[str]:
    """Return the lines of a summary that a word introduces."""
    return wrap(text, _table.WIDTH, initial_indent=f"{word:9}", subsequent_indent=" " * 9, break_on_hyphens=False)
