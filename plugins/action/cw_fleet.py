# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Works on the integrations of all hosts of the play in one process, and says which of them need tasks of their own."""

from __future__ import annotations

import os
import termios
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from ansible import context
from ansible.errors import AnsiblePromptInterrupt, AnsiblePromptNoninteractive
from ansible.module_utils.common.text.converters import to_text
from ansible.utils.display import Display
from ansible.utils.vars import load_extra_vars

from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError, legible
from ansible_collections.msp.connectwise.plugins.module_utils._names import counted
from ansible_collections.msp.connectwise.plugins.module_utils._redact import redact
from ansible_collections.msp.connectwise.plugins.plugin_utils import (
    _asked,
    _batch,
    _confirm,
    _given_keys,
    _job_folder,
    _report,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils._controller import yaml_of
from ansible_collections.msp.connectwise.plugins.plugin_utils._fleet_hosts import Hosts
from ansible_collections.msp.connectwise.plugins.plugin_utils._fleet_run import (
    FleetRun,
    Tenant,
    TenantResult,
    mark_broken,
    shared_companies,
    shared_records,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils._guard import guarded
from ansible_collections.msp.connectwise.plugins.plugin_utils._job_folder import REMEDY
from ansible_collections.msp.connectwise.plugins.plugin_utils._own_action import OwnAction
from ansible_collections.msp.connectwise.plugins.plugin_utils._progress import Progress
from ansible_collections.msp.connectwise.plugins.plugin_utils._screen import Screen
from ansible_collections.msp.connectwise.plugins.plugin_utils._status import BAD, STATUSES, failing
from ansible_collections.msp.connectwise.plugins.plugin_utils._table import failure
from ansible_collections.msp.connectwise.plugins.plugin_utils._tenant_action import BECOME, TenantAction

ARGUMENT_SPEC: dict[str, Any] = {
    "keys_file": {"type": "str", "no_log": False},
    "ask_for_keys": {"type": "bool", "default": False},
    "confirm": {"type": "str", "default": ""},
    "fail_on": {"type": "list", "elements": "str", "default": list(BAD), "choices": list(STATUSES)},
}
_WARNINGS_SHOWN = 20


# The rest of what was pasted in one go comes within this time.
_PASTE: Any = 0.15  # seconds, also parts of one
_NEVER_TYPED = (b"\0",)
_TURNS = 20


class _Terminal:
    """The terminal of the run, which a worker reaches through the display."""

    def ask(self, question: str) -> str:
        # What was pasted behind the answer before is no answer to this question. The display has read some ahead.
        for _turn in range(_TURNS):
            if not Display().prompt_until("", private=True, seconds=_PASTE, complete_input=_NEVER_TYPED):
                break
        return str(to_text(Display().prompt_until(f"{question}: ", private=True) or "")).strip()

    def say(self, line: str) -> None:
        Display().display(line)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep a terminal from showing what is pasted between two questions."""
    handle = None
    with suppress(OSError):
        # A worker has no terminal of its own, so it opens that of the process it comes from.
        handle = os.open(f"/proc/{os.getppid()}/fd/0", os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    if handle is None or not os.isatty(handle) or not _in_front(handle):
        yield
        return
    before = termios.tcgetattr(handle)
    quiet = [*before[:3], before[3] & ~termios.ECHO, *before[4:]]
    try:
        termios.tcsetattr(handle, termios.TCSANOW, quiet)
        yield
    finally:
        termios.tcsetattr(handle, termios.TCSAFLUSH, before)
        os.close(handle)


def _in_front(handle: int) -> bool:
    """Return whether this process may set a terminal; one in the background is stopped for that."""
    try:
        return os.tcgetpgrp(handle) == os.getpgrp()
    except OSError:
        # The terminal is not that of this process's session, so nothing stops it.
        return True


class ActionModule(OwnAction, TenantAction):
    """Runs once, for every host of the batch."""

    BYPASS_HOST_LOOP = True
    _requires_connection = False
    OPTIONS = ARGUMENT_SPEC
    VARIABLES: ClassVar[Mapping[str, str]] = {"fail_on": "cw_fail_on"}

    @guarded
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        if result.get("failed"):
            # The play ends here, and the one with the report does not begin.
            Screen().end_with(failure(str(result.get("msg"))))
        return result

    def work(self, args: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        args["fail_on"] = failing(args["fail_on"])
        screen = Screen()
        progress = Progress(screen)
        batch = [str(host) for host in variables.get("ansible_play_batch") or [variables["inventory_hostname"]]]
        _asked.require_meaning(load_extra_vars(self._loader), context.CLIARGS)
        given = _given_keys.read(self._loaded, args["keys_file"] or "") if self._stores_keys(args) else None
        if self.ignores_become():
            Display().warning(BECOME)
        tags = _asked.tags()
        hosts = Hosts(self, variables, tags=tags, given_keys=given)
        wanted = [host for host in batch if hosts.wants_integrations(host)]
        if not wanted:
            raise InputError(
                "no tenant of this play has cw_integrations",
                remedy="list the vendors of each tenant in the inventory, such as cw_integrations: [zofiq, umbrella]",
            )
        tenants = [hosts.tenant(host) for host in wanted]
        if not any(tenant.left_to_tasks for tenant in tenants):
            # The role of another collection may have tags of its own.
            tags.require(hosts.vendors)
        if not self._task.check_mode:
            _confirm.require(args["confirm"], tenants, self._loader)
        if args["ask_for_keys"] and not args["keys_file"]:
            given = self._asked(tenants)
            # The time in which a person types is no time of waiting.
            progress = Progress(screen)
        if given is not None:
            self._complete(given, tenants, hosts)
        for name, problem in {**shared_companies(tenants), **shared_records(tenants)}.items():
            tenant = next(one for one in tenants if one.name == name)
            mark_broken(tenant, problem, [one.vendor for one in tenant.integrations])
        run = FleetRun(
            check_mode=bool(self._task.check_mode),
            forks=max(1, int(context.CLIARGS.get("forks") or 5)),
            show=screen.say,
            progress=progress,
        )
        if given is not None and args["keys_file"]:
            self._clear_up(args, given)
        results = run.work_on(tenants)
        if given is not None and not self._task.check_mode:
            _given_keys.note_all_stored(
                _report.run_directory(), [one for tenant in tenants for one in tenant.integrations]
            )
        without = sorted(set(batch) - set(wanted))
        self._tell(screen, tenants, results, without, ((host, hosts.misspelt(host)) for host in batch))
        result = self._result(args, results, wanted, without, str(variables["inventory_hostname"]))
        _batch.remember(_batch.Batch(batch, [name for name in batch if name not in result["done"]]))
        return result

    @staticmethod
    def _stores_keys(args: Mapping[str, Any]) -> bool:
        """Return whether the keys of a person come from a file; one that is not named is told then."""
        return bool(args["keys_file"]) or (args["keys_file"] is not None and not args["ask_for_keys"])

    @staticmethod
    def _asked(tenants: Sequence[Tenant]) -> _given_keys.Keys:
        """Ask for the keys that work orders wait for, or say how they are given without a terminal."""
        given, waiting = [], _given_keys.waiting_for(tenants)
        # A tenant that is left to the tasks of the role has no part in what is typed here.
        unasked = [one for one in waiting if one.integration is None]
        try:
            if _job_folder.is_job():
                raise AnsiblePromptNoninteractive("nobody sits at the terminal of a job")
            if len(unasked) < len(waiting):
                with _quiet():
                    given = _given_keys.asked_for(waiting, _Terminal())
        except AnsiblePromptNoninteractive:
            unasked = waiting
        except AnsiblePromptInterrupt:
            raise InputError(
                "interrupted while keys were typed; nothing was stored, also not of the keys before",
                remedy="run again and type them; a key that cannot be copied any more is made anew in ConnectWise PSA",
            ) from None
        if unasked:
            keys = [[one.tenant, one.member, one.product] for one in unasked]
            command = _given_keys.command_with_file(one.tenant for one in unasked)
            Screen().say("\n".join(_given_keys.not_asked(keys, command)))
            note = _given_keys.Note("finish", unasked=keys, asked=len(unasked) < len(waiting))
            _given_keys.remember(_report.run_directory(), note)
        return given

    @staticmethod
    def _complete(given: _given_keys.Keys, tenants: Sequence[Tenant], hosts: Hosts) -> None:
        """See that each given key is somebody's, and give them to the integrations."""
        takers = [_given_keys.taker(one, hosts.members(one.name, one.left_to_tasks)) for one in tenants]
        if nobodys := _given_keys.untaken(given, takers):
            raise InputError(
                f"not stored, because no tenant of this run has these members among its integrations: {nobodys}",
                remedy="keep the file, correct its tenant and member (or --limit), and run again",
            )
        for one in (one for tenant in tenants for one in tenant.integrations):
            one.settings = replace(one.settings, given_keys=list(given))

    def _clear_up(self, args: Mapping[str, Any], given: _given_keys.Keys) -> None:
        """See to a file of keys: who may read it, and that the end of the run tells what became of the keys."""
        # To delete a link would leave the keys.
        path = _given_keys.place_of(args["keys_file"]).resolve()
        clear = _given_keys.in_clear_text(path)
        mode = path.stat().st_mode & 0o777
        if clear and mode & 0o077:
            Display().warning(f"{path} holds private keys, and others can read it (mode {mode:04o}): chmod 600 {path}")
        if not self._task.check_mode:
            playbook = "finish" if args["ask_for_keys"] else "store_key"
            note = _given_keys.Note(playbook, file=str(path) if clear else "", keys=_given_keys.marked(given))
            _given_keys.remember(_report.run_directory(), note)

    def _loaded(self, path: Path) -> Any:
        return yaml_of(self._loader, path)

    def _result(
        self,
        args: Mapping[str, Any],
        results: Sequence[TenantResult],
        wanted: Sequence[str],
        without: Sequence[str],
        bearer: str,
    ) -> dict[str, Any]:
        errors: dict[str, list[str]] = {}
        for one in results:
            for entry in one.entries:
                if entry["status"] in args["fail_on"]:
                    errors.setdefault(one.name, []).append(_report.summary(entry))
        left_to_tasks = {one.name: list(one.left_to_tasks) for one in results if one.left_to_tasks}
        changes = {one.name: one.changes for one in results if one.changes}
        result: dict[str, Any] = {
            # Each host's own task says whether it changed; this one stands for all of them.
            "changed": False,
            "msg": f"{counted(len(wanted), 'tenant')}, {len(changes)} changed, {len(errors)} failed",
            "hosts": list(wanted),
            "left_to_tasks": left_to_tasks,
            "errors": errors,
            "changes": changes,
            # The first host goes on to the end of the play, and writes the report of all.
            "done": [name for name in (*wanted, *without) if name not in {*left_to_tasks, *errors, *changes, bearer}],
        }
        if self._task.diff:
            result["diffs"] = {
                one.name: [_shown(one.name, diff) for diff in one.diffs] for one in results if one.changes
            }
        return result

    def _tell(
        self,
        screen: Screen,
        tenants: Sequence[Tenant],
        results: Sequence[TenantResult],
        without: Sequence[str],
        misspelt: Iterable[tuple[str, Iterable[str]]],
    ) -> None:
        display = Display()
        for folder in dict.fromkeys(one.directory for one in tenants if one.directory):
            if _job_folder.is_lost(folder):
                display.warning(
                    f"AWX deletes the reports in {folder} with this job: set integration_report_dir to {REMEDY}"
                )
        warnings = [*misspelt, *((one.name, one.warnings) for one in results)]
        for warning, names in _grouped(warnings)[:_WARNINGS_SHOWN]:
            display.warning(redact(f"{_named(names)}: {warning}"))
        for reason, names in _grouped((one.name, one.left_to_tasks.values()) for one in results):
            screen.say(f"{_named(names)} left to the tasks of the role: {reason}")
        if without:
            screen.say(f"{_named(without)} left out: cw_integrations is not set")


def _grouped(said: Iterable[tuple[str, Iterable[str]]]) -> list[tuple[str, list[str]]]:
    """Lines, each with the tenants it is said of."""
    lines: dict[str, list[str]] = {}
    for name, texts in said:
        for text in dict.fromkeys(texts):
            lines.setdefault(text, []).append(name)
    return list(lines.items())


def _named(names: Sequence[str]) -> str:
    # As they came to an end they are in another order each time.
    return names[0] if len(names) == 1 else f"{min(names)} and {len(names) - 1} more"


def _shown(tenant: str, diff: Mapping[str, Any]) -> dict[str, Any]:
    what = legible(f"{tenant} {diff['vendor']}: {diff['object']}")
    return {"before_header": what, "after_header": what, "before": diff["before"], "after": diff["after"]}
