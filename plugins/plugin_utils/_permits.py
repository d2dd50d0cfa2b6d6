# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Permits to work on tenants: as many as there are forks, and none for a tenant that only waits.

A tenant that waits longer than a moment lends its permit to the next tenant in the queue, and queues for one when it
goes on. So a slow tenant delays the others by moments, and forks still bound how fast requests are sent.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType

# Seconds that a tenant may wait before its permit is lent. Most answers are there by then.
_MOMENT = 0.25


class Permits:
    """A number of permits, and the queue for them: who comes first is served first."""

    def __init__(self, count: int, *, moment: float = _MOMENT) -> None:
        self._count, self._moment = count, moment
        self._lock = threading.Lock()
        self._held: set[TenantPermit] = set()
        self._queue: deque[TenantPermit] = deque()

    def of(self, waited: Callable[[float], object]) -> TenantPermit:
        """Return the permit of one tenant, not held yet. waited: is told the seconds in the queue."""
        return TenantPermit(self, self._lock, waited)

    def _hand_out(self) -> None:
        """Give the queue what is free or can be lent. The lock is held."""
        while self._queue and (len(self._held) < self._count or self._lent()):
            first = self._queue.popleft()
            self._held.add(first)
            first.waited(time.monotonic() - first.queued)
            first.changed.notify_all()
            if self._queue:
                # The new first one looks when the next permit can be lent.
                self._queue[0].changed.notify_all()

    def _lent(self) -> bool:
        """Take the permit of the tenant that has waited longest, if that was longer than a moment."""
        idle = min((one for one in self._held if one.waiting), key=_since, default=None)
        if idle is None or time.monotonic() - idle.since < self._moment:
            return False
        self._held.remove(idle)
        return True

    def _take(self, permit: TenantPermit) -> None:
        """Wait until the tenant holds its permit. The lock is held."""
        if permit not in self._held and permit not in self._queue:
            permit.queued = time.monotonic()
            self._queue.append(permit)
        while permit not in self._held:
            self._hand_out()
            if permit in self._held:
                break
            first = self._queue[0] is permit
            permit.changed.wait(self._next() if first else None)

    def _next(self) -> float:
        """Return the seconds until a permit may be lent, as far as that can be foreseen."""
        waits = [one.since for one in self._held if one.waiting]
        return max(0.0, min(waits, default=time.monotonic()) + self._moment - time.monotonic())

    def _give_back(self, permit: TenantPermit) -> None:
        self._held.discard(permit)
        self._hand_out()


def _since(permit: TenantPermit) -> float:
    return permit.since


class TenantPermit:
    """The permit of one tenant, for all its threads.

    waiting: how many of them wait. since: when one of them last began or ended. queued: when it came to the queue.
    """

    def __init__(self, permits: Permits, lock: threading.Lock, waited: Callable[[float], object]) -> None:
        self._permits, self._lock, self.waited = permits, lock, waited
        self.changed = threading.Condition(lock)
        self.waiting = 0
        self.since = self.queued = time.monotonic()

    def __enter__(self) -> TenantPermit:
        with self._lock:
            self._permits._take(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._permits._give_back(self)

    def begin_wait(self) -> None:
        with self._lock:
            self.waiting += 1
            self.since = time.monotonic()

    def end_wait(self) -> None:
        with self._lock:
            self.waiting -= 1
            self.since = time.monotonic()
            self._permits._take(self)
