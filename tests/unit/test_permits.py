# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The permits that tenants work with, lend while they wait, and queue for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msp.connectwise.plugins.module_utils._patience import (
    pause,
    read_once,
    waiting,
    with_this_permit,
    without_queue,
    working_with,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils._permits import Permits, TenantPermit

END: Any = 60.0  # seconds, which only end a hang


class Tenants:
    """Threads that each do something with the permit of a tenant. begun: their names, in order."""

    def __init__(self, permits: Permits) -> None:
        self._permits = permits
        self.begun: list[str] = []
        self.waited: dict[str, float] = {}
        self._threads: list[threading.Thread] = []

    def begin(self, name: str, does: Callable[[], object]) -> None:
        def work() -> None:
            permit = self._permits.of(lambda seconds: self.waited.update({name: self.waited.get(name, 0) + seconds}))
            with permit, working_with(permit):
                self.begun.append(name)
                does()

        self._threads.append(threading.Thread(target=work, daemon=True))
        self._threads[-1].start()

    def end(self) -> None:
        for thread in self._threads:
            thread.join(END)
        assert not any(thread.is_alive() for thread in self._threads)


def test_tenants_that_wait_keep_nobody_from_beginning(until: Any) -> None:
    tenants, answer = Tenants(Permits(2, moment=0.01)), threading.Event()

    def asks() -> None:
        with waiting():
            answer.wait(END)

    for number in range(12):
        tenants.begin(f"slow{number}", asks)
    until(lambda: len(tenants.begun) == 12)
    done = threading.Event()
    tenants.begin("good", done.set)
    assert done.wait(END)
    answer.set()
    tenants.end()


def test_a_tenant_that_works_lends_nothing_and_who_comes_first_begins_first(until: Any) -> None:
    permits = Permits(1, moment=0.0)
    tenants, go_on = Tenants(permits), threading.Event()
    tenants.begin("works", lambda: go_on.wait(END))
    until(lambda: tenants.begun)
    names = [f"tenant{number}" for number in range(5)]
    for number, name in enumerate(names):
        tenants.begin(name, lambda: None)
        until(lambda number=number: len(permits._queue) == number + 1)
    assert tenants.begun == ["works"]
    go_on.set()
    tenants.end()
    assert tenants.begun == ["works", *names]
    assert all(tenants.waited[name] > 0 for name in names)


def test_never_more_tenants_work_than_there_are_permits() -> None:
    tenants, lock, working, most = Tenants(Permits(3, moment=0.0)), threading.Lock(), set(), [0]

    def work(name: str) -> None:
        for _time in range(20):
            with lock:
                working.add(name)
                most[0] = max(most[0], len(working))
            with lock:
                working.remove(name)
            pause(0.001)

    for number in range(15):
        tenants.begin(f"tenant{number}", lambda number=number: work(f"tenant{number}"))
    tenants.end()
    assert len(tenants.begun) == 15
    assert 1 <= most[0] <= 3


def test_the_parallel_requests_of_a_tenant_wait_with_its_permit(until: Any) -> None:
    permits, answer = Permits(1, moment=0.0), threading.Event()
    tenants, seen = Tenants(permits), []

    def asks() -> None:
        with waiting():
            answer.wait(END)
        seen.append("went on")

    def asks_twice() -> None:
        threads = [threading.Thread(target=with_this_permit(asks), daemon=True) for _time in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(END)

    tenants.begin("parallel", asks_twice)
    until(lambda: any(one.waiting == 2 for one in permits._held))
    last, held = threading.Event(), threading.Event()

    def holds() -> None:
        held.set()
        last.wait(END)

    tenants.begin("next", holds)
    assert held.wait(END)
    answer.set()
    # Neither of them goes on before the other tenant has given the permit back.
    until(lambda: len(permits._queue) == 1)
    assert seen == []
    last.set()
    tenants.end()
    assert seen == ["went on", "went on"]


def test_short_waits_add_up_until_the_tenant_has_had_its_turn(until: Any) -> None:
    permits = Permits(1, moment=END, turn=0.05)
    tenants, stop = Tenants(permits), threading.Event()

    def answers_soon() -> None:
        while not stop.is_set():
            pause(0.01)

    tenants.begin("first", answers_soon)
    until(lambda: tenants.begun)
    # Each wait is far below a moment, and the first tenant never ends by itself.
    tenants.begin("second", stop.set)
    tenants.end()
    assert tenants.begun == ["first", "second"]


def test_who_stores_a_key_goes_on_although_all_permits_are_held(until: Any) -> None:
    permits = Permits(1, moment=0.0)
    tenants, answer, go_on, stored = Tenants(permits), threading.Event(), threading.Event(), threading.Event()

    def makes_a_key() -> None:
        with without_queue(), waiting():
            answer.wait(END)
        stored.set()

    tenants.begin("maker", makes_a_key)
    until(lambda: any(one.waiting for one in permits._held))
    tenants.begin("works", lambda: go_on.wait(END))
    until(lambda: len(tenants.begun) == 2)
    answer.set()
    assert stored.wait(END)
    go_on.set()
    tenants.end()
    assert (permits._held, list(permits._queue)) == (set(), [])
    with without_queue():  # also outside of a fleet
        pass


def test_a_tenant_that_ends_leaves_nothing_in_the_queue(until: Any) -> None:
    permits = Permits(1, moment=0.0)
    tenants, go_on = Tenants(permits), threading.Event()
    tenants.begin("works", lambda: go_on.wait(END))
    until(lambda: tenants.begun)
    gone = permits.of(lambda _seconds: None)
    with permits._lock:
        permits._queue.append(gone)
    gone.__exit__(None, None, None)
    tenants.begin("next", lambda: None)
    go_on.set()
    tenants.end()
    assert tenants.begun == ["works", "next"]


def test_the_queue_waits_for_nobody_who_waits_for_it(until: Any) -> None:
    tenants, shared = Tenants(Permits(1, moment=0.0, stuck=0.05)), threading.Lock()
    answer = threading.Event()

    def reads() -> None:
        with shared, waiting():
            answer.wait(END)

    def needs_it_too() -> None:
        answer.set()
        with shared:
            pass

    tenants.begin("reads", reads)
    until(shared.locked)
    tenants.begin("needs it too", needs_it_too)
    tenants.end()


class Role:
    """A role of one tenant, which is read over the network. asks: the names that were read."""

    def __init__(self, answer: threading.Event, asks: list[object]) -> None:
        self._answer, self._asks = answer, asks

    @read_once
    def lists(self) -> list[str]:
        """The lists of the role."""
        self._asks.append(self)
        with waiting():
            self._answer.wait(END)
        return ["one"]


def test_a_tenant_that_reads_keeps_no_other_from_reading_the_same(until: Any) -> None:
    permits, asks, never = Permits(1, moment=0.0), list[object](), threading.Event()
    tenants, late, soon = Tenants(permits), Role(never, asks), Role(threading.Event(), asks)
    soon._answer.set()
    tenants.begin("late", lambda: late.lists)
    until(lambda: asks == [late])
    # With a lock for all of them this one would hold the permit, and wait for the one that queues for it.
    tenants.begin("soon", lambda: (never.set(), until(lambda: permits._queue), soon.lists))
    tenants.end()
    assert asks == [late, soon]
    assert (soon.lists, soon.lists, len(asks)) == (["one"], ["one"], 2)


def test_no_plugin_has_properties_that_lock_for_all_tenants() -> None:
    plugins = Path(__file__).resolve().parents[2] / "plugins"
    texts = {path.name: path.read_text(encoding="utf-8") for path in plugins.rglob("*.py")}
    assert len(texts) > 100
    assert [
        name for name, text in texts.items() if "import cached_property" in text or "@cached_property" in text
    ] == []


def test_outside_a_fleet_nothing_is_lent() -> None:
    with waiting():
        pause(0.0)
    assert with_this_permit(lambda: 7)() == 7


def test_an_error_gives_the_permit_back() -> None:
    permits = Permits(1)
    permit: TenantPermit = permits.of(lambda _seconds: None)
    with pytest.raises(ValueError, match="broken"), permit, working_with(permit), waiting():
        raise ValueError("broken")
    with permits.of(lambda _seconds: None):
        pass
