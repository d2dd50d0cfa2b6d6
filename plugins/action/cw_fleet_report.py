# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the report about the whole fleet, out of what this run (or several) has found."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

from ansible_collections.msp.connectwise.plugins.module_utils._errors import PsaError
from ansible_collections.msp.connectwise.plugins.plugin_utils import (
    _asked,
    _commands,
    _files,
    _fleet,
    _given_keys,
    _handed_over,
    _keys_page,
    _page,
    _table,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils._batch import hosts_of
from ansible_collections.msp.connectwise.plugins.plugin_utils._guard import guarded
from ansible_collections.msp.connectwise.plugins.plugin_utils._json import loaded
from ansible_collections.msp.connectwise.plugins.plugin_utils._own_action import with_lists
from ansible_collections.msp.connectwise.plugins.plugin_utils._own_variables import VENDORS, own_variables, unanswered
from ansible_collections.msp.connectwise.plugins.plugin_utils._profile_names import listed
from ansible_collections.msp.connectwise.plugins.plugin_utils._report import noted, run_directory, summary
from ansible_collections.msp.connectwise.plugins.plugin_utils._report_place import (
    replace_file,
    require_place_of_all,
    tighten_all,
    unwritable,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils._resolve import Resolver
from ansible_collections.msp.connectwise.plugins.plugin_utils._screen import Screen
from ansible_collections.msp.connectwise.plugins.plugin_utils._settings import (
    REPORTS_FOLDER,
    report_dir_of,
    report_mode_of,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils._status import BAD, LEFT, STATUSES, failing

ARGUMENT_SPEC: dict[str, Any] = {
    "directory": {"type": "path"},
    "playbook": {"type": "str", "default": "run"},
    "sources": {"type": "list", "elements": "raw"},
    "handed_over": {"type": "bool", "default": False},
    "max_age_hours": {"type": "float", "default": 12.0},
    "expected": {"type": "list", "elements": "str"},
    "fail_on": {"type": "list", "elements": "str", "default": list(BAD), "choices": list(STATUSES)},
    "artifact": {"type": "str"},
    "keep_jobs": {"type": "int", "default": 30},
    "show": {"type": "bool", "default": True},
}
NOT_SEEN = "the run ended for this tenant before this integration was looked at; its output says why"
NO_RESULT = "no report has a result for this tenant: the job that had it did not end, or did not run"


class ActionModule(ActionBase):
    """Runs once, for every host of the play."""

    BYPASS_HOST_LOOP = True
    _requires_connection = False

    @guarded
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        variables = task_vars or {}
        result: dict[str, Any] = super().run(tmp, variables)
        validation = ArgumentSpecValidator(ARGUMENT_SPEC).validate(with_lists(self._task.args, ARGUMENT_SPEC))
        if validation.error_messages:
            return {**result, "failed": True, "msg": validation.error_messages[0]}
        args = validation.validated_parameters
        args["fail_on"] = failing(args["fail_on"])
        job = variables.get("awx_job_id")
        if args["artifact"] is None:
            args["artifact"] = f"connectwise_fleet_{job}" if job else "connectwise_fleet"
        try:
            directory = self._directory(args, variables, job)
            if not self._task.check_mode:
                require_place_of_all(directory)
            mode = report_mode_of(variables, Resolver(self, variables))
            own = args["sources"] is None and not args["handed_over"]
            fleet = self._of_this_run(args, variables, directory) if own else self._merged(args, variables)
            known = self._known(directory)
        except PsaError as problem:
            return {**result, "failed": True, **problem.as_result()}
        except (OSError, ValueError) as problem:
            return {**result, "failed": True, "msg": f"the fleet report could not be made: {problem}"}
        if since := _fleet.changes_since(known, fleet):
            fleet["since"] = since
        result.update(
            changed=False,
            counts=_fleet.counts(fleet),
            failed_tenants=_fleet.tenants_with(fleet, args["fail_on"]),
            errors=self._errors(args["fail_on"]) if own else {},
            msg=_fleet.about(fleet),
        )
        if not self._task.check_mode:
            result.update(self._files(fleet, args, directory, mode, variables))
        result["lines"] = self._lines(fleet, args, result.get("files"), directory, variables)
        # How it stands is told also if there was no place to write it to.
        if not result.get("failed"):
            result.update(self._of_keys(args["playbook"], result["lines"]))
        if args["show"]:
            Screen().say_all(result["lines"])
        if result.get("failed"):
            return result
        if args["artifact"]:
            report = str(Path(result["files"]["fleet.json"]).absolute()) if "files" in result else ""
            digest = {args["artifact"]: _handed_over.digest(fleet, report)}
            result["ansible_stats"] = {"data": digest, "aggregate": False, "per_host": False}
        return result

    def _files(
        self, fleet: _fleet.Fleet, args: Mapping[str, Any], directory: Path, mode: int, variables: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Write the report and tidy up. Return what a result says of it, also if that fails."""
        try:
            files = self._write(directory, fleet, mode)
            # What runs before this one have left, also of tenants that it leaves out.
            for place in {directory, Path(report_dir_of(variables, Resolver(self, variables)))}:
                tighten_all(place, fleet["tenants"], mode, REPORTS_FOLDER)
            return {"files": files, "removed": _handed_over.tidy(directory, args["keep_jobs"])}
        except (OSError, _files.NotAFile) as problem:
            told = unwritable(directory, problem) if isinstance(problem, OSError) else problem
            return {"failed": True, **told.as_result()}

    def _directory(self, args: Mapping[str, Any], variables: Mapping[str, Any], job: Any) -> Path:
        """Return where the report goes. Raises NotAFile if a link leads there from the folder of the reports on."""
        directory = Path(args["directory"] or self._usual_directory(args, variables, job))
        reports = Path(report_dir_of(variables, Resolver(self, variables)))
        below = reports if directory.is_relative_to(reports) else directory
        _files.require_folders(directory, below=below.parent)
        return directory

    def _usual_directory(self, args: Mapping[str, Any], variables: Mapping[str, Any], job: Any) -> str:
        """That of the reports. Slices of a job on AWX know a part of the inventory each, and may share the place."""
        report_dir = report_dir_of(variables, Resolver(self, variables))
        if args["handed_over"] or args["sources"] is not None:
            return f"{report_dir}/merged"
        return f"{report_dir}/job-{job}" if job else report_dir

    @staticmethod
    def _of_keys(playbook: str, lines: list[str]) -> dict[str, str]:
        """Add to the lines what the run has to say of a person's keys; return why it fails because of them."""
        note = _given_keys.remembered(run_directory())
        if note is None or note.playbook != playbook:
            return {}
        found = noted(run_directory())
        failed = any(entry["status"] in BAD for entry in found)
        left = _given_keys.not_stored(run_directory(), note)
        if left:
            _before_commands(lines, f"Not stored:  {'; '.join(left)}")
            return {} if failed else {"unasked": _given_keys.lost(left)}
        if note.file and not failed:
            _before_commands(lines, _given_keys.clear_up(note.file))
        unasked = _given_keys.unasked(note, found)
        return {"unasked": _given_keys.nothing_done(unasked)} if unasked else {}

    @staticmethod
    def _lines(
        fleet: _fleet.Fleet,
        args: Mapping[str, Any],
        files: Mapping[str, str] | None,
        directory: Path,
        variables: Mapping[str, Any],
    ) -> list[str]:
        """What a run ends with: in a job of AWX its name first, and job templates instead of commands."""
        hosts = hosts_of(variables)
        merges = args["handed_over"] or args["sources"] is not None
        templates = _handed_over.template_prefix(variables, "merge_reports" if merges else args["playbook"])
        typed = _commands.typed() if templates is None else replace(_commands.typed(), templates=templates)
        keys = (
            _keys_page.summary(_keys_page.reports_below(directory, fleet["tenants"]))
            if fleet["playbook"] == "key_report"
            else ""
        )
        name = _handed_over.job_name(variables)
        orders = str(directory) if fleet["check_mode"] and not name else ""
        return [*([f"AWX, {name}"] if name else []), *_table.table(fleet, files, typed, hosts, keys, orders)]

    def _of_this_run(self, args: Mapping[str, Any], variables: Mapping[str, Any], directory: Path) -> _fleet.Fleet:
        hosts = [str(host) for host in (hosts_of(variables) if args["expected"] is None else args["expected"])]
        run = str(variables.get("awx_job_id") or f"{platform.node()}:{run_directory()}")
        fleet = _fleet.new_fleet(run, args["playbook"], check_mode=bool(self._task.check_mode))
        _fleet.add_entries(fleet, noted(run_directory()))
        # A play with serial comes here once a batch; what a later batch finds takes the place of its absence.
        for host in hosts:
            self._add_absence(fleet, host, variables)
        known = self._known(directory)
        if known:
            inventory = {str(host) for host in (variables.get("groups") or {}).get("all") or hosts}
            _fleet.forget_absences(known, fleet)
            _fleet.add_fleet(fleet, known, only=inventory)
        return fleet

    @staticmethod
    def _errors(fail_on: Iterable[str]) -> dict[str, list[str]]:
        """What this run itself has found, and not an earlier one of which a fact or a report still speaks."""
        found: dict[str, list[str]] = {}
        for entry in noted(run_directory()):
            if entry["status"] in fail_on:
                found.setdefault(entry["tenant"], []).append(summary(entry))
        return found

    def _add_absence(self, fleet: _fleet.Fleet, host: str, variables: Mapping[str, Any]) -> None:
        """Say of each integration of a host that the run has not come to it."""
        seen = (fleet["tenants"].get(host) or {"integrations": {}})["integrations"]
        if VENDORS in seen:
            return  # What the variable holds are no names; its error stands there.
        error, vendors = NOT_SEEN, []
        try:
            hostvars = (own_variables(self, variables) if unanswered(self, variables) else variables)["hostvars"]
            vendors = [str(name).rpartition(".")[2] for name in listed(hostvars[host]["cw_integrations"])]
        except (AnsibleError, KeyError, TypeError):
            error = (
                "cw_integrations of this tenant is not set, or cannot be resolved: list its vendors, such as [zofiq]"
            )
        tags = _asked.tags()
        vendors = [vendor for vendor in vendors if tags.wants(vendor)]
        missing = [vendor for vendor in vendors if vendor not in seen]
        # A role may record its integration under another name than its own.
        if len(set(seen) - set(vendors)) >= len(missing) and (seen or error == NOT_SEEN):
            return
        _fleet.add_absence(fleet, host, error, missing)

    def _merged(self, args: Mapping[str, Any], variables: Mapping[str, Any]) -> _fleet.Fleet:
        fleet = _fleet.new_fleet(str(variables.get("awx_job_id") or "merge"), args["playbook"])
        handed_over = _handed_over.artifacts(variables) if args["handed_over"] else []
        for source in [*(args["sources"] or []), *handed_over]:
            if isinstance(source, Mapping) or str(source).lstrip().startswith("{"):
                other = _handed_over.fleet_of(source)
            elif (path := Path(str(source)).expanduser()).is_dir():
                other = _fleet.new_fleet(str(source), args["playbook"])
                _fleet.add_entries(other, _fleet.entries_below(path, args["max_age_hours"]))
            else:
                other = _handed_over.checked(_fleet.unpacked(loaded(_files.read_text(path))))
            # Merged, they are one run.
            for tenant in other["tenants"].values():
                for cell in tenant["integrations"].values():
                    # What a report itself has from an earlier run stays marked so.
                    cell["run"] = fleet["run"] if cell["run"] == other["run"] else cell["run"]
            fleet["check_mode"] = fleet["check_mode"] or other["check_mode"]
            _fleet.add_fleet(fleet, other)
        expected = args["expected"] if args["expected"] is not None else variables.get("ansible_play_hosts_all") or []
        since = _fleet.hours_ago(args["max_age_hours"])
        for name in expected:
            cells = (fleet["tenants"].get(str(name)) or {"integrations": {}})["integrations"]
            # What a report has kept of an earlier run is no result for ever.
            if all(cell["run"] != fleet["run"] and cell["time"] < since for cell in cells.values()):
                _fleet.add_absence(fleet, str(name), NO_RESULT, [])
        return fleet

    @staticmethod
    def _known(directory: Path) -> _fleet.Fleet | None:
        """What an earlier run has written; one with --limit, or some vendors, leaves the others as they were."""
        try:
            text = _files.read_text(directory / "fleet.json", below=directory.parent)
            return _handed_over.checked(_fleet.unpacked(loaded(text)))
        except (OSError, ValueError):
            return None

    @staticmethod
    def _limit(tenants: Iterable[str]) -> str:
        """A file for --limit. Ansible takes an empty one for every host, which must not happen to an offboarding."""
        return "".join(f"{name}\n" for name in tenants) or "!all\n"

    @staticmethod
    def _write(directory: Path, fleet: _fleet.Fleet, mode: int) -> dict[str, str]:
        keys = _keys_page.reports_below(directory, fleet["tenants"])
        command = _commands.playbook("finish", _commands.typed(), ["TENANT"])
        texts = {
            "fleet.json": json.dumps(fleet, indent=1, ensure_ascii=False, default=str) + "\n",
            "fleet.html": _page.page(fleet, command, keys=bool(keys)),
            # For --limit @…: the tenants to take up again, and those a person or another run still has to see to.
            "failed": ActionModule._limit(_fleet.tenants_with(fleet, BAD)),
            "left": ActionModule._limit(_fleet.tenants_with(fleet, LEFT)),
        }
        if keys:
            texts["keys.html"] = _keys_page.page(keys, fleet["generated"])
        else:
            (directory / "keys.html").unlink(missing_ok=True)
        for name, text in texts.items():
            replace_file(directory, directory / name, text, mode=mode)
        return {name: str(directory / name) for name in texts}


def _before_commands(lines: list[str], line: str) -> None:
    """Add a line to a summary, which ends with what to type next."""
    at = next((number for number, text in enumerate(lines) if text.startswith("Next:")), len(lines))
    lines.insert(at, line)
