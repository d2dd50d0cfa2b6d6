# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Permits to work on tenants: as many as there are forks, and none for a tenant that only waits.

A tenant that waits longer than a moment lends its permit to the next tenant in the queue, and queues for one when it
goes on; so does one whose short waits add up. So a slow tenant delays the others by moments, and forks still bound how
fast requests are sent.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType

# Seconds that a tenant may wait before its permit is lent. Most answers are there by then.
_MOMENT = 0.25
# Seconds that its waits may take together, also if each of them is short, while others are in the queue.
_TURN = 1.0
# Seconds without any permit handed out, after which the queue does not wait for those who hold one: they may wait for
# what somebody in the queue has.
_STUCK = 30.0
# Seconds between two looks at least.
_GLANCE = 0.01


class Permits:
    """A number of permits, and the queue for them: who comes first is served first."""

    def __init__(self, count: int, *, moment: float = _MOMENT, turn: float = _TURN, stuck: float = _STUCK) -> None:
        self._count, self._moment, self._turn, self._stuck = count, moment, turn, stuck
        self._handed = time.monotonic()
        self._lock = threading.Lock()
        self._held: set[TenantPermit] = set()
        self._queue: deque[TenantPermit] = deque()

    def of(self, waited: Callable[[float], object]) -> TenantPermit:
        """Return the permit of one tenant, not held yet. waited: is told the seconds in the queue."""
        return TenantPermit(self, self._lock, waited)

    def _hand_out(self) -> None:
        """Give the queue what is free or can be lent. The lock is held."""
        while self._queue and (len(self._held) < self._count or self._lent() or self._is_stuck()):
            self._hold(self._queue.popleft())
            if self._queue:
                # The new first one looks when the next permit can be lent.
                self._queue[0].changed.notify_all()

    def _hold(self, permit: TenantPermit) -> None:
        self._handed = now = time.monotonic()
        self._held.add(permit)
        permit.begin_turn(now)
        permit.waited(now - permit.queued)
        permit.changed.notify_all()

    def _lent(self) -> bool:
        """Take the permit of the tenant that is the first to have waited long enough, if there is one."""
        now = time.monotonic()
        idle = min((one for one in self._held if one.waiting), key=self._lends, default=None)
        if idle is None or self._lends(idle) > now:
            return False
        self._held.remove(idle)
        return True

    def _is_stuck(self) -> bool:
        return time.monotonic() - max(self._handed, self._queue[0].queued) > self._stuck

    def _lends(self, permit: TenantPermit) -> float:
        """Return when a tenant that waits has waited long enough to lend its permit."""
        return min(permit.since + self._moment, permit.idle_since + self._turn)

    def _take(self, permit: TenantPermit) -> None:
        """Wait until the tenant holds its permit. The lock is held."""
        if permit not in self._held and permit not in self._queue:
            permit.queued = time.monotonic()
            self._queue.append(permit)
        while permit not in self._held:
            if permit.urgent:
                # One more than there are, for as long as it takes.
                self._queue.remove(permit)
                self._hold(permit)
            else:
                self._hand_out()
            if permit in self._held:
                break
            first = self._queue[0] is permit
            permit.changed.wait(self._next() if first else None)

    def _next(self) -> float:
        """Return the seconds until a permit may be lent, as far as that can be foreseen."""
        now = time.monotonic()
        ends = [self._lends(one) for one in self._held if one.waiting]
        return max(_GLANCE, min([now + self._moment, *ends]) - now)

    def _give_back(self, permit: TenantPermit) -> None:
        self._held.discard(permit)
        if permit in self._queue:
            # A thread of the tenant was interrupted in the queue, and nobody would give that permit back.
            self._queue.remove(permit)
        self._hand_out()


class TenantPermit:
    """The permit of one tenant, for all its threads.

    waiting: how many of them wait. since: when one of them last began or ended. queued: when it came to the queue.
    idle_since: when it would have begun to wait, if it had waited once for as long as it has in this turn. urgent: how
    many of its threads must not wait for others.
    """

    def __init__(self, permits: Permits, lock: threading.Lock, waited: Callable[[float], object]) -> None:
        self._permits, self._lock, self.waited = permits, lock, waited
        self.changed = threading.Condition(lock)
        self.waiting = self.urgent = 0
        self.since = self.queued = self.idle_since = time.monotonic()
        self._idle = 0.0

    def __enter__(self) -> TenantPermit:
        with self._lock:
            self._permits._take(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._permits._give_back(self)

    def begin_turn(self, now: float) -> None:
        """Count waits from now on. The lock is held."""
        self.idle_since, self._idle = now, 0.0

    def begin_wait(self) -> None:
        with self._lock:
            self.since = time.monotonic()
            if not self.waiting:
                self.idle_since = self.since - self._idle
            self.waiting += 1
            self._permits._hand_out()

    def end_wait(self) -> None:
        with self._lock:
            self.waiting -= 1
            self.since = time.monotonic()
            if not self.waiting:
                self._idle = self.since - self.idle_since
            self._permits._take(self)

    def begin_urgent(self) -> None:
        with self._lock:
            self.urgent += 1

    def end_urgent(self) -> None:
        with self._lock:
            self.urgent -= 1
