# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs ansible-playbook again and again, each in a process group of its own, without starting Python anew each time.

A line of JSON in: a list of runs that begin together, each {arguments, directory, log, variables, kill_after,
main_only}. A line out: for each its exit status, negative for the signal that ended it. kill_after: seconds until the
run is killed, or until SIGUSR1 comes. main_only: whether its workers are left to themselves, as by a `kill -9` of the
process that a person sees.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

# What every run imports; a fork has it already.
import ansible.cli.playbook
import ansible.executor.playbook_executor
import ansible.executor.task_queue_manager
import ansible.plugins.strategy.linear
import requests
from ansible import constants

from tests.keys.seams import children, kill_run

PRELOADED = requests.__name__
LIMIT = 240.0
# Workers that outlived a killed run: the run after it meets them, and the invariant holds once they have ended.
ORPHANS: set[int] = set()
# Not empty after SIGUSR1: whatever has a time to die dies now.
HURRY: list[int] = []


def begin(run: dict[str, Any]) -> int:
    """Fork a run; its process id, which is its group's too."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        os.setsid()
        os.chdir(run["directory"])
        os.environ.update(run.get("variables") or {})
        # A run of its own has a temporary directory of its own, and with it a journal.
        vars(constants)["DEFAULT_LOCAL_TMP"] = tempfile.mkdtemp(dir=Path(vars(constants)["DEFAULT_LOCAL_TMP"]).parent)
        log = os.open(run["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for number, file in ((0, nothing), (1, log), (2, log)):
            os.dup2(file, number)
        arguments = ["ansible-playbook", *run["arguments"]]
        sys.argv = arguments
        ansible.cli.playbook.main(arguments)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(bool(end.code))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def serve(runs: list[dict[str, Any]]) -> list[int]:
    started = time.monotonic()
    ends: dict[int, float] = {}
    order, alone, timed = [], set(), set()
    HURRY.clear()
    for run in runs:
        child = begin(run)
        order.append(child)
        if run.get("main_only"):
            alone.add(child)
        if run.get("kill_after") is not None:
            timed.add(child)
        ends[child] = started + (LIMIT if run.get("kill_after") is None else run["kill_after"])
    statuses: dict[int, int] = {}
    while len(statuses) < len(order):
        for child in order:
            if child in statuses:
                continue
            if time.monotonic() > ends[child] or (HURRY and child in timed):
                if child in alone:
                    ORPHANS.update(children(child))
                    os.kill(child, signal.SIGKILL)
                else:
                    kill_run(child)
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                statuses[child] = os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    if not alone:
        _await_orphans(started + LIMIT)
    return [statuses[child] for child in order]


def _runs(process: int) -> bool:
    try:
        # A zombie has no command line.
        return bool(Path(f"/proc/{process}/cmdline").read_bytes())
    except OSError:
        return False


def _await_orphans(end: float) -> None:
    while ORPHANS and time.monotonic() < end:
        ORPHANS.intersection_update([number for number in ORPHANS if _runs(number)])
        time.sleep(0.02)


def main() -> None:
    signal.signal(signal.SIGUSR1, lambda number, _frame: HURRY.append(number))
    gc.freeze()  # what every run shares stays shared
    for line in sys.stdin:
        print(json.dumps(serve(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
