# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet of simulated tenants, and whole processes measured against it."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from tests.playground import Playground, inventory_of  # noqa: E402 - found through the line above
from tests.simulator.client import Simulator  # noqa: E402

LATENCY_MS, JITTER_MS = 50.0, 20.0
_SAMPLE = 0.5  # seconds between two looks at the memory


@dataclass
class Measured:
    """One whole process: seconds of wall clock and CPU (children too), and the peak memory of the tree."""

    wall: float
    cpu: float
    memory_mb: float
    code: int
    output: str

    def as_dict(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name != "output"}


def _tree_memory(pid: int) -> int:
    """Proportional set size of a process and all below it, in kB: shared pages of forks count once."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    total, todo = 0, [pid]
    while todo:
        one = todo.pop()
        todo += parents.get(one, [])
        try:
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total


def measure(command: Sequence[str], environment: Mapping[str, str], cwd: Path, limit: float = 3600.0) -> Measured:
    """Run a command to its end. It is killed after `limit` seconds."""
    log = cwd / "last-command.log"
    peak, ended = 0, threading.Event()

    def watch(pid: int) -> None:
        nonlocal peak
        while not ended.wait(_SAMPLE):
            peak = max(peak, _tree_memory(pid))

    with log.open("wb") as output:
        started = time.monotonic()
        process = subprocess.Popen(
            list(command), cwd=cwd, env=dict(environment), stdout=output, stderr=output, stdin=subprocess.DEVNULL
        )
        watcher = threading.Thread(target=watch, args=(process.pid,), daemon=True)
        watcher.start()
        killer = threading.Timer(limit, process.kill)
        killer.start()
        _pid, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        killer.cancel()
        ended.set()
        watcher.join()
    # A process too short for a sample is known by the largest of its parts.
    memory = max(peak, usage.ru_maxrss) / 1024
    text = log.read_text(encoding="utf-8", errors="replace")
    return Measured(wall, usage.ru_utime + usage.ru_stime, memory, process.returncode, text)


class Fleet:
    """`count` tenants in one simulator, and what a user writes to work on them."""

    def __init__(self, simulator: Simulator, directory: Path, count: int, vendors: Sequence[str]) -> None:
        self.simulator, self.directory, self.count = simulator, directory, count
        self.tenants: dict[str, dict[str, Any]] = simulator.ready["tenants"]
        self.inventory = directory / "inventory.json"
        self.passphrase = directory / "passphrase"
        content = inventory_of(
            simulator.ready, ansible_python_interpreter=sys.executable, cw_integrations=list(vendors)
        )
        Playground.write(self.inventory, json.dumps(content))
        Playground.write(self.passphrase, secrets.token_urlsafe(24))

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CW_")}
        kept.update({"PYTHONPATH": str(ROOT), "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORKS": "20", **more})
        return kept

    def playbook(self, name: str, *arguments: str, **environment: str) -> Measured:
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        command = [program, name, "-i", str(self.inventory), "--vault-password-file", str(self.passphrase), *arguments]
        return measure(command, self.environment(**environment), self.directory)

    def requests(self, since: int = 0) -> list[dict[str, Any]]:
        return self.simulator.journal(since=since)

    def mark(self) -> int:
        """From here on count requests."""
        journal = self.simulator.journal()
        return int(journal[-1]["n"]) if journal else 0


@contextmanager
def fleet_of(
    count: int,
    directory: Path,
    vendors: Sequence[str] = ("zofiq",),
    latency_ms: float = LATENCY_MS,
    jitter_ms: float = JITTER_MS,
    **tenant: Any,
) -> Iterator[Fleet]:
    directory.mkdir(parents=True, exist_ok=True)
    every = {"site": "na", "fleet": {"count": count, "prefix": "t"}, **tenant}
    tenants = {"sites": [{"name": "na"}], "tenants": [every]}
    with Simulator(tenants, directory / "simulator") as simulator:
        simulator.latency(latency_ms, jitter_ms)
        yield Fleet(simulator, directory, count, vendors)
