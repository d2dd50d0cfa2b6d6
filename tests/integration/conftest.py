# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real runs of ansible-playbook against a simulator, with every task's result to look at."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.playground import inventory_of
from tests.simulator.client import Simulator

HERE = Path(__file__).resolve().parent
RUN_LIMIT = 280.0  # seconds; the tests of the whole project may run beside it


@dataclass(frozen=True)
class Task:
    """One task on one host: its result as Ansible shows it, and when it ran."""

    host: str
    name: str
    status: str
    started: float
    ended: float
    result: dict[str, Any]

    @property
    def failed(self) -> bool:
        return self.status != "ok"


@dataclass(frozen=True)
class Run:
    """One run of ansible-playbook. tasks: those that ran. results: of these and of those that were skipped."""

    code: int
    output: str
    tasks: list[Task]
    results: list[Task]

    def task(self, host: str, name: str) -> Task:
        found = [one for one in self.tasks if (one.host, one.name) == (host, name)]
        assert len(found) == 1, f"{len(found)} results of {name} on {host}:\n{self.output}"
        return found[0]


class Runner:
    """Runs plays in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.count = 0

    def run(
        self,
        plays: list[dict[str, Any]],
        inventory: Mapping[str, Any],
        *arguments: str,
        env: Mapping[str, str] | None = None,
    ) -> Run:
        self.count += 1
        place = self.directory / f"run {self.count}"
        place.mkdir(parents=True)
        for name, content in (("inventory.json", inventory), ("play.yml", plays)):
            (place / name).touch(mode=0o600)
            # JSON is YAML too.
            (place / name).write_text(json.dumps(content, indent=1), encoding="utf-8")
        record = place / "results.jsonl"
        record.touch(mode=0o600)
        done = subprocess.run(
            ["ansible-playbook", "play.yml", "-i", "inventory.json", *arguments],
            cwd=place,
            env={
                **os.environ,
                "ANSIBLE_NOCOLOR": "1",
                "ANSIBLE_PIPELINING": "1",
                "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback"),
                "ANSIBLE_CALLBACKS_ENABLED": "recorder",
                "RECORDER_FILE": str(record),
                **(env or {}),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=RUN_LIMIT,
            check=False,
        )
        lines = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
        results = [
            Task(line["host"], line["task"], line["status"], line["started"], line["ended"], line["result"])
            for line in lines
        ]
        tasks = [one for one in results if one.status != "skipped"]
        return Run(done.returncode, done.stdout, tasks, results)


@dataclass
class World:
    """A simulator and a way to run plays on its tenants."""

    simulator: Simulator
    runner: Runner

    def inventory(self, **everywhere: Any) -> dict[str, Any]:
        return inventory_of(self.simulator.ready, **everywhere)


@pytest.fixture(scope="session")
def make_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Starts a simulator with the tenants given: make_world({"sites": [...], "tenants": [...]})."""
    running: list[Simulator] = []

    def start(tenants: dict[str, Any]) -> World:
        base = tmp_path_factory.mktemp("world")
        simulator = Simulator(tenants, base / "simulator")
        running.append(simulator)
        return World(simulator, Runner(base / "runs"))

    yield start
    for simulator in running:
        simulator.stop()
