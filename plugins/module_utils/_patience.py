# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The time that a run gives a tenant: its limits, the deadline, and the waits that keep no other tenant waiting."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from ._errors import DeadlinePassed, PsaError

T = TypeVar("T")


@dataclass(frozen=True)
class Limit:
    """One limit of time. option: which sets it; its variable is cw_<option>."""

    option: str
    seconds: float

    def __str__(self) -> str:
        return f"the time limit {self.option} (cw_{self.option}) of {self.seconds:g} s"


class Deadline:
    """The time of all requests to one tenant in one run, over all its vendors and clients. It starts when it is used.

    seconds: how much there is. spent: how much of it earlier parts of the run have used. last: the last request, with
    the seconds that it took.
    """

    def __init__(self, seconds: float, *, spent: float = 0.0) -> None:
        self.limit = Limit("deadline", seconds)
        self.last = ""
        self._left = seconds - spent
        self._until: float | None = None
        self._changing = threading.Lock()

    def start(self) -> float:
        """Let time pass from now on, if it does not yet. Return the end on the monotonic clock."""
        with self._changing:
            if self._until is None:
                self._until = time.monotonic() + self._left
            return self._until

    def stop(self) -> None:
        """Let no time pass until the next start: the run works on other tenants."""
        with self._changing:
            if self._until is not None:
                self._left, self._until = self._until - time.monotonic(), None

    def restart(self) -> None:
        with self._changing:
            self._left, self._until = self.limit.seconds, None

    def spend(self, seconds: float) -> None:
        """Take off what requests elsewhere have taken."""
        with self._changing:
            if self._until is None:
                self._left -= seconds
            else:
                self._until -= seconds

    def extend(self, seconds: float) -> None:
        """Give back the time in which the tenant waited for its turn among the others."""
        with self._changing:
            if self._until is not None:
                self._until += seconds

    @property
    def until(self) -> float:
        """The end on the monotonic clock."""
        return self.start()

    @property
    def left(self) -> float:
        """The seconds that are left; less than 0 if it is over. Does not start it."""
        with self._changing:
            return self._left if self._until is None else self._until - time.monotonic()

    @property
    def spent(self) -> float:
        """The seconds that are used."""
        return self.limit.seconds - self.left

    def passed(self) -> DeadlinePassed:
        """Return the error of what is not sent any more."""
        before = f". The last request, {self.last}" if self.last else ""
        return DeadlinePassed(f"not sent, because {self.limit} was over{before}")

    @contextmanager
    def asking(self, request: str) -> Iterator[None]:
        """Note a request, which is the last one if time is over."""
        began = time.monotonic()
        self.last = request
        try:
            yield
        finally:
            self.last = f"{request}, took {time.monotonic() - began:.1f} s"


class read_once(Generic[T]):  # noqa: N801 - used as a decorator, as property is
    """A property that is read once for each instance, and by each thread that comes before it is there.

    functools.cached_property has one lock for all instances before Python 3.12: a tenant that has a permit would wait
    for one that reads, and that for the permit.
    """

    def __init__(self, read: Callable[[Any], T]) -> None:
        self._read, self._name, self.__doc__ = read, read.__name__, read.__doc__

    def __get__(self, instance: Any, _owner: type | None = None) -> T:
        found = self._read(instance)
        # From now on the instance's own value is found first.
        instance.__dict__[self._name] = found
        return found


class Permit(Protocol):
    """Lets a tenant go on while others wait. It may be lent while the tenant itself waits."""

    def begin_wait(self) -> None:
        """Note that a thread of the tenant waits."""

    def end_wait(self) -> None:
        """Note that it goes on; wait for the permit if another tenant has it."""

    def begin_urgent(self) -> None:
        """Let the tenant go on at once after each wait, as one more than may."""

    def end_urgent(self) -> None:
        """Let it wait for its turn again."""


_permit: ContextVar[Permit | None] = ContextVar("permit", default=None)


@contextmanager
def working_with(permit: Permit) -> Iterator[None]:
    """Let this thread wait with this permit for what it waits for meanwhile."""
    token = _permit.set(permit)
    try:
        yield
    finally:
        _permit.reset(token)


@contextmanager
def waiting() -> Iterator[None]:
    """Wrap what waits for a tenant or a lock: another tenant may go on meanwhile.

    Not for a process on this machine: there would be as many of them as tenants.
    """
    permit = _permit.get()
    if permit is None:
        yield
        return
    permit.begin_wait()
    try:
        yield
    finally:
        permit.end_wait()


@contextmanager
def without_queue() -> Iterator[None]:
    """Wrap what must not wait for other tenants, such as the store of a key that was just made."""
    permit = _permit.get()
    if permit is None:
        yield
        return
    permit.begin_urgent()
    try:
        yield
    finally:
        permit.end_urgent()


def pause(seconds: float) -> None:
    """Sleep, and let another tenant go on meanwhile."""
    with waiting():
        time.sleep(seconds)


def with_this_permit(call: Callable[..., Any]) -> Callable[..., Any]:
    """Return the call for another thread, which waits with the permit of this one."""
    permit = _permit.get()

    def carried(*arguments: Any) -> Any:
        if permit is None:
            return call(*arguments)
        with working_with(permit):
            return call(*arguments)

    return carried


def alone(call: Callable[[], Any]) -> Any:
    """A call of several: its error waits for theirs, and must not keep the answer it came from as long."""
    try:
        return call()
    except PsaError as problem:
        raise problem.with_traceback(None) from None
