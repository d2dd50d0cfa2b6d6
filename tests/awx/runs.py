# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One job: ansible-runner with a private data directory as AWX writes it."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment

from tests.awx.records import Record

SCRIPT = "#!/usr/bin/env python3\nprint({!r})\n"


class Run:
    def __init__(self, directory: Path, number: int, environment: Mapping[str, str]) -> None:
        self.directory, self.number, self.environment = directory, number, environment
        self.code: int | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(
        self,
        *,
        project: Path,
        playbook: str,
        inventory: Mapping[str, Any],
        extra_vars: str,
        credentials: Iterable[tuple[Record, Record]],
        arguments: list[str],
    ) -> None:
        self.playbook = playbook
        self.hosts = sorted(inventory["_meta"]["hostvars"])
        # Blanks at the end of its .git are not the job's.
        shutil.copytree(project, self.directory / "project", ignore=shutil.ignore_patterns(".git"))
        variables, passwords = {}, {}
        for credential, kind in credentials:
            if kind["kind"] == "vault":
                arguments = ["--ask-vault-pass", *arguments]
                passwords[r"Vault password:\s*?$"] = credential["inputs"]["vault_password"]
            filled = {one["id"]: "" for one in kind["inputs"]["fields"]} | credential["inputs"]
            for name, text in (kind["injectors"].get("env") or {}).items():
                variables[name] = Environment(autoescape=False).from_string(text).render(**filled)  # noqa: S701
        self._write("inventory/hosts", SCRIPT.format(json.dumps(inventory)), mode=0o700)
        self._write("env/extravars", extra_vars)
        self._write("env/envvars", json.dumps(variables))
        self._write("env/passwords", json.dumps(passwords))
        self._write("env/cmdline", shlex.join(["-u", "root", *arguments]))

    def _write(self, name: str, text: str, mode: int = 0o600) -> None:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=mode)
        path.write_text(text, encoding="utf-8")

    def start(self) -> None:
        command = ["ansible-runner", "run", str(self.directory), "-p", self.playbook, "--ident", str(self.number), "-q"]
        with (self.directory / "runner.log").open("wb") as log:
            self._process = subprocess.Popen(
                command, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def wait(self, limit: float) -> None:
        if self._process is not None:
            self.code = self._process.wait(timeout=limit)

    def kill(self) -> None:
        """As a node that is switched off: without a word."""
        if self._process is None or self._process.poll() is not None:
            return
        os.killpg(self._process.pid, signal.SIGKILL)
        for child in self._children():
            os.kill(child, signal.SIGKILL)
        self._process.wait()

    def _children(self) -> list[int]:
        """ansible-runner gives its playbook a session of its own; found by the inventory it was started with."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and entry.name != str(os.getpid()):
                try:
                    command = (entry / "cmdline").read_bytes()
                except OSError:
                    continue
                if str(self.directory / "inventory").encode() in command:
                    found.append(int(entry.name))
        return found

    @property
    def place(self) -> Path:
        return self.directory / "artifacts" / str(self.number)

    def events(self) -> list[dict[str, Any]]:
        files = sorted(self.place.glob("job_events/*.json"))
        return [json.loads(path.read_text(encoding="utf-8")) for path in files if "partial" not in path.name]

    def artifacts(self) -> dict[str, Any]:
        """What AWX hands on to the next node of a workflow."""
        found: dict[str, Any] = {}
        for event in self.events():
            found.update(event.get("event_data", {}).get("artifact_data") or {})
        return found

    def output(self) -> str:
        """What a person reads in AWX."""
        path = self.place / "stdout"
        text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        return re.sub(r"\x1b\[[0-9;]*m", "", text) + (self.directory / "runner.log").read_text(encoding="utf-8")

    def everything(self) -> str:
        """All that the run has left; `command` is ansible-runner's own note of the environment it was given."""
        files = [path for path in self.place.rglob("*") if path.is_file() and path.name != "command"]
        return "".join(path.read_text(encoding="utf-8", errors="replace") for path in files) + self.output()
