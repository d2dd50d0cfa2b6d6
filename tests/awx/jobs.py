# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX does: fetches projects with git, reads inventories, runs jobs, slices and workflows with ansible-runner."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.awx.extra_vars import rendered
from tests.awx.launch import Refusal, launch_variables, sliced
from tests.awx.records import Record, Records
from tests.awx.rules import answers_wrong
from tests.awx.runs import Run

LIMIT = 240.0  # seconds for whatever is started here


class Jobs:
    """binaries: where the ansible-core of the execution environment is; without it that of the tests."""

    def __init__(self, records: Records, directory: Path, binaries: Path | None = None) -> None:
        self.records, self.directory = records, directory
        path = os.environ["PATH"]
        self.environment = {**os.environ, "PATH": f"{binaries}{os.pathsep}{path}" if binaries else path}
        # What a container of its own gives every job of AWX.
        self.environment.pop("ANSIBLE_CONFIG", None)
        self.private: dict[str, str] = {}
        self.runs: dict[int, Run] = {}
        # Called with the name of the template and its runs as soon as they have started.
        self.meddle: Callable[[str, list[Run]], None] | None = None
        self._threads: list[threading.Thread] = []

    def stop(self) -> None:
        for run in self.runs.values():
            run.kill()
        for thread in self._threads:
            thread.join(timeout=LIMIT)

    def changed(self, kind: str, record: Record, body: Mapping[str, Any]) -> None:
        """AWX fetches a project by itself as soon as it, or where it comes from, is new."""
        if kind == "projects" and {"scm_url", "scm_branch", "credential"} & set(body):
            self.update(kind, record)

    def update(self, kind: str, record: Record) -> Record:
        updates = {"projects": "project_updates", "inventory_sources": "inventory_updates"}[kind]
        number = self.records.number()
        made = {"id": number, "status": "pending", "log": "", "job_explanation": ""}
        self.records.kinds[updates][number] = made
        record.update(status="pending", last_update=number)
        work = self._fetch if kind == "projects" else self._read
        thread = threading.Thread(target=self._work, args=(work, record, made), daemon=True)
        self._threads.append(thread)
        thread.start()
        return made

    def _work(self, work: Any, record: Record, made: Record) -> None:
        good, log = work(record)
        with self.records.lock:
            made.update(status="successful" if good else "failed", log=log)
            record["status"] = made["status"]

    def _fetch(self, project: Record) -> tuple[bool, str]:
        url = project["scm_url"]
        credential = self.records.kinds["credentials"].get(project.get("credential") or 0)
        password = (credential or {}).get("inputs", {}).get("password")
        if url in self.private and password != self.private[url]:
            return False, task_failed(f"fatal: could not read Username for '{url}': terminal prompts disabled")
        checkout = self.directory / f"project-{project['id']}-{self.records.number()}"
        branch = ["--branch", project["scm_branch"]] if project["scm_branch"] else []
        done = self._run(["git", "clone", "--quiet", *branch, url, str(checkout)], self.directory)
        if done.returncode:
            return False, task_failed(done.stderr)
        files = [path.relative_to(checkout) for path in sorted(checkout.rglob("*.yml")) if is_playbook(path)]
        revision = self._run(["git", "rev-parse", "HEAD"], checkout).stdout.strip()
        with self.records.lock:
            project.update(playbooks=[str(path) for path in files], checkout=str(checkout), scm_revision=revision)
        return True, "ok: [localhost]\n"

    def _read(self, source: Record) -> tuple[bool, str]:
        project = self.records.kinds["projects"][source["source_project"]]
        command = ["ansible-inventory", "-i", source["source_path"], "--list", "--export"]
        done = self._run(command, Path(project["checkout"]), ANSIBLE_INVENTORY_UNPARSED_FAILED="True")
        if done.returncode:
            return False, done.stderr
        found = json.loads(done.stdout)
        hostvars = found["_meta"]["hostvars"]
        for group in [group for name, group in found.items() if name != "_meta"]:
            for host in group.get("hosts", []):
                hostvars.setdefault(host, {})
        inventory = self.records.kinds["inventories"][source["inventory"]]
        with self.records.lock:
            inventory.update(tenants=found, total_hosts=len(hostvars))
        return True, done.stderr

    def _run(self, command: list[str], place: Path, **more: str) -> subprocess.CompletedProcess[str]:
        environment = {**self.environment, "GIT_TERMINAL_PROMPT": "0", **more}
        return subprocess.run(
            command, cwd=place, env=environment, capture_output=True, encoding="utf-8", timeout=LIMIT, check=False
        )

    def settled(self, kind: str, record: Record) -> None:
        """As AWX does before a job of a project or inventory that is updated on launch."""
        self.update(kind, record)
        end = time.monotonic() + LIMIT
        while record["status"] not in ("successful", "failed") and time.monotonic() < end:
            time.sleep(0.02)

    def launch(self, name: str, *, limit: str = "", **answers: Any) -> list[Run]:
        """A job template, with answers as its API takes them; one run for each slice."""
        template = self.records.named("job_templates", name)
        survey = self.records.surveys.get(template["id"]) if template.get("survey_enabled") else None
        if wrong := answers_wrong(survey, answers):
            raise Refusal(wrong)
        if not template.get("ask_variables_on_launch"):
            asked = {question["variable"] for question in (survey or {}).get("spec") or []}
            answers = {variable: answer for variable, answer in answers.items() if variable in asked}
        limit = limit if template.get("ask_limit_on_launch") else template["limit"]
        return self._jobs(template, answers, {"awx_job_launch_type": "manual"}, limit=limit)

    def workflow(self, name: str) -> dict[str, list[Run]]:
        """A workflow, from its first node on; the runs by the identifier of the node."""
        kinds, related = self.records.kinds, self.records.related
        workflow = self.records.named("workflow_job_templates", name)
        nodes = {
            number: node
            for number, node in kinds["workflow_job_template_nodes"].items()
            if node["workflow_job_template"] == workflow["id"]
        }
        links = {
            (number, kind): related.get(("workflow_job_template_nodes", number, f"{kind}_nodes"), [])
            for number in nodes
            for kind in ("success", "failure", "always")
        }
        about = {"awx_workflow_job_id": self.records.number(), "awx_workflow_job_name": name}
        waiting = [number for number in nodes if not any(number in linked for linked in links.values())]
        handed: dict[int, dict[str, Any]] = {number: {} for number in nodes}
        done: dict[str, list[Run]] = {}
        while waiting:
            number = waiting.pop(0)
            template = kinds["job_templates"][nodes[number]["unified_job_template"]]
            runs = self._jobs(template, handed[number], about)
            done[nodes[number]["identifier"]] = runs
            artifacts = {name: value for run in runs for name, value in run.artifacts().items()}
            outcome = "success" if all(run.code == 0 for run in runs) else "failure"
            for following in (*links[number, outcome], *links[number, "always"]):
                handed[following].update({**handed[number], **artifacts})
                waiting.append(following)
        return done

    def _jobs(
        self, template: Record, answers: Mapping[str, Any], about: Mapping[str, Any], *, limit: str = ""
    ) -> list[Run]:
        inventory = self.records.kinds["inventories"][template["inventory"]]
        project = self.records.kinds["projects"][template["project"]]
        # Before the first synchronization of its inventory a job is not sliced.
        slices = min(template["job_slice_count"], inventory["total_hosts"]) or 1
        self.settled("projects", project)
        for source in self.records.kinds["inventory_sources"].values():
            self.settled("inventory_sources", source)
        above = dict(about)
        if slices > 1:
            above = {"awx_workflow_job_id": self.records.number(), "awx_workflow_job_name": template["name"]}
        runs = []
        for number in range(1, slices + 1):
            identity = self.records.number()
            variables = launch_variables(self.records, template, answers, {**above, "awx_job_id": identity})
            run = Run(self.directory / "jobs" / str(identity), identity, self.environment)
            run.prepare(
                project=Path(project["checkout"]),
                playbook=template["playbook"],
                inventory=sliced(inventory["tenants"], number, slices),
                extra_vars=rendered(variables, json.loads(template["extra_vars"] or "{}")),
                credentials=self._credentials(template),
                arguments=["--forks", str(template["forks"]), *(["--limit", limit] if limit else [])],
            )
            self.runs[identity] = run
            runs.append(run)
        for run in runs:
            run.start()
        if self.meddle:
            self.meddle(template["name"], runs)
        for run in runs:
            run.wait(LIMIT)
        return runs

    def _credentials(self, template: Record) -> list[tuple[Record, Record]]:
        kinds = self.records.kinds
        linked = self.records.related.get(("job_templates", template["id"], "credentials"), [])
        found = [kinds["credentials"][number] for number in linked]
        return [(one, kinds["credential_types"][one["credential_type"]]) for one in found]


def task_failed(said: str) -> str:
    return f"fatal: [localhost]: FAILED! => {json.dumps({'changed': False, 'msg': said.strip()})}\n"


def is_playbook(path: Path) -> bool:
    """As AWX guesses it."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return any(re.match(r"^\s*-?\s*(hosts|(ansible\.builtin\.)?import_playbook):", line) for line in lines)
