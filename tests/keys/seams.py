# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The seams of a run, counted over all of its processes, and a run that dies at one of them.

A seam is the moment before and after each request that is not a read, each write of a key store, each module that
runs as a process of its own, and after each task's result. Between two of them nothing changes that outlives a run.
"""

from __future__ import annotations

import fcntl
import functools
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

FILE, NUMBER, NAME = "SEAM_FILE", "SEAM_NUMBER", "SEAM_NAME"
DELAY, SPARE = "SEAM_DELAY", "SEAM_SPARE"


class Seams:
    """file: gets a line for each seam. number: at which one the run dies. name: or the first with this in it.

    delay: seconds after it, so in the middle of what begins there. spare: whether programs that the run has started,
    such as the commands of a store, outlive it.
    """

    def __init__(self, file: str, number: int = 0, name: str = "", delay: float = 0, *, spare: bool = False) -> None:
        self._file, self._number, self._name = file, number, name
        self._delay, self._spare = delay, spare
        self._main = os.getpid()

    def reach(self, name: str) -> None:
        handle = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            os.write(handle, f"{name}\n".encode())
            count = len(Path(self._file).read_bytes().splitlines())
            if count == self._number or (self._name and self._name in name):
                if self._delay:
                    timer = threading.Timer(self._delay, self._die)
                    timer.daemon = True
                    timer.start()
                else:
                    # Under the lock, so that no other process of the run comes further.
                    self._die()
        finally:
            os.close(handle)

    def _die(self) -> None:
        kill_run(self._main, spare=self._spare)
        os.kill(os.getpid(), signal.SIGKILL)

    def around(self, owner: Any, method: str, named: Callable[..., str | None]) -> None:
        """Make each call of a method two seams. named: what the call is, from its arguments; None if it is no seam."""
        original = getattr(owner, method)

        @functools.wraps(original)
        def wrapped(*arguments: Any, **more: Any) -> Any:
            name = named(*arguments, **more)
            if name is None:
                return original(*arguments, **more)
            self.reach(f"before {name}")
            try:
                return original(*arguments, **more)
            finally:
                self.reach(f"after {name}")

        setattr(owner, method, wrapped)

    def install(self) -> None:
        """In the process that will fork the workers, once Ansible knows its collections."""
        from ansible_collections.msp.connectwise.plugins.module_utils._http import Http
        from ansible_collections.msp.connectwise.plugins.plugin_utils._command_store import Command
        from ansible_collections.msp.connectwise.plugins.plugin_utils._controller import Controller
        from ansible_collections.msp.connectwise.plugins.plugin_utils._key_file import KeyFile
        from ansible_collections.msp.connectwise.plugins.plugin_utils._tenant_action import TenantAction

        self.around(Http, "request", _request)
        for store in (KeyFile, Command):
            for operation in ("write", "delete"):
                self.around(store, operation, lambda *_a, _n=f"{store.__name__}.{operation}", **_m: _n)
        self.around(Controller, "run_module", lambda _self, name, *_a: f"module {name}")
        self.around(TenantAction, "run_on_host", lambda _self, name, *_a: f"module {name}")


def _request(_self: Any, method: str, url: str, *_arguments: Any, **_more: Any) -> str | None:
    return None if method == "GET" else f"{method} {url.partition('/apis/')[2]}"


def installed() -> Seams | None:
    """The seams that the environment asks for."""
    if not os.environ.get(FILE):
        return None
    seams = Seams(
        os.environ[FILE],
        int(os.environ.get(NUMBER) or 0),
        os.environ.get(NAME) or "",
        float(os.environ.get(DELAY) or 0),
        spare=bool(os.environ.get(SPARE)),
    )
    seams.install()
    return seams


def kill_run(main: int, *, spare: bool = False) -> None:
    """SIGKILL for all processes of a run but this one; since ansible-core 2.19 workers have sessions of their own.

    spare: whether programs that it has started live on; workers are forks and have its command line.
    """
    me = os.getpid()
    mine = _command_line(me)
    if main != me:
        os.kill(main, signal.SIGSTOP)  # so that it begins no further process
    for process in [*children(main), main]:
        if process != me and not (spare and _command_line(process) != mine):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


def _command_line(process: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes()
    return b""


def children(process: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            number, parent = int(stat.parent.name), int(stat.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
        parents.setdefault(parent, []).append(number)
    found, left = [], [process]
    while left:
        children = parents.get(left.pop(), [])
        found += children
        left += children
    return found
