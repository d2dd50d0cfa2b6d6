# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The progress of a fleet run, as a person at a terminal or the reader of a log wants to know it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from ansible_collections.msp.connectwise.plugins.module_utils._names import counted

# Seconds until the first line, and between two.
AT_TERMINAL, IN_LOG = (3.0, 1.0), (15.0, 15.0)
_NAMES = 3


class Output(Protocol):
    """Where progress is shown."""

    terminal: bool

    def update(self, text: str) -> None:
        """Show a line of progress."""

    def clear(self) -> None:
        """Take it away again."""


class Progress:
    """Counts finished tenants and integrations. The threads of a run report to it.

    output: None shows nothing. wait: waits for the end of the run, at most so many seconds; returns whether it came.
    """

    def __init__(
        self,
        output: Output | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], bool] | None = None,
    ) -> None:
        self._output, self._clock = output, clock
        self._ended = threading.Event()
        self._wait = wait or self._ended.wait
        self._lock = threading.Lock()
        self._began = clock()
        self._wanted: dict[str, int] = {}
        # In the order in which they were begun.
        self._current: dict[str, None] = {}
        self._tenants = self._integrations = self._failed = 0

    def begin(self, tenant: str) -> None:
        with self._lock:
            self._current[tenant] = None

    def integration_done(self, *, failed: bool) -> None:
        with self._lock:
            self._integrations += 1
            self._failed += failed

    def end(self, tenant: str) -> None:
        with self._lock:
            self._current.pop(tenant, None)
            self._tenants += tenant in self._wanted

    @contextmanager
    def shown(self, wanted: Mapping[str, int]) -> Iterator[None]:
        """Show the progress while the work goes on. wanted: tenant -> the number of its integrations."""
        self._wanted = {tenant: number for tenant, number in wanted.items() if number}
        if self._output is None:
            yield
            return
        thread = threading.Thread(target=self.watch, args=[self._output], name="progress", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()
            self._output.clear()

    def watch(self, output: Output) -> None:
        """Show a line now and then until the run ends."""
        first, every = AT_TERMINAL if output.terminal else IN_LOG
        pause = first - (self._clock() - self._began)
        while not self._wait(max(0.0, pause)):
            output.update(self.line())
            pause = every

    def line(self) -> str:
        with self._lock:
            current = list(self._current)
            tenants = f"{self._tenants} of {counted(len(self._wanted), 'tenant')}"
            work = f"{self._integrations} of {counted(sum(self._wanted.values()), 'integration')}"
            failed = f", {self._failed} failed" if self._failed else ""
        more = f" and {len(current) - _NAMES} more" if len(current) > _NAMES else ""
        now = f"; now {', '.join(current[:_NAMES])}{more}" if current else ""
        return f"{self._clock() - self._began:.0f} s: {tenants}, {work} done{failed}{now}"
