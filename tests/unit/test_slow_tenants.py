# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Slow tenants in a fleet: one deadline for all vendors of a tenant, and permits that are lent while it waits.

tests/hostile/test_fleet.py has the same with whole runs.
"""

from __future__ import annotations

import resource
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.msp.connectwise.plugins.module_utils._errors import (
    AuthenticationFailed,
    DeadlinePassed,
    LostAnswer,
    PsaError,
    TooSlow,
    error_from,
)
from ansible_collections.msp.connectwise.plugins.module_utils._patience import (
    Deadline,
    pause,
    waiting,
    with_this_permit,
    working_with,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils import _fleet_run, _step_results, _tenant_time
from ansible_collections.msp.connectwise.plugins.plugin_utils._permits import Permits, TenantPermit
from ansible_collections.msp.connectwise.plugins.plugin_utils._tenant_action import InProcess
from ansible_collections.msp.connectwise.plugins.plugin_utils._tenant_time import FURTHER_VENDOR
from tests.unit.support import OPTIONS

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


@pytest.fixture
def until() -> Callable[[Callable[[], object]], None]:
    def look(done: Callable[[], object]) -> None:
        tick = threading.Event()
        for _time in range(int(END / 0.01)):
            if done():
                return
            tick.wait(0.01)
        pytest.fail("it never came")

    return look


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


# The deadline


def test_time_in_the_queue_and_between_two_parts_of_a_run_is_not_the_tenants() -> None:
    deadline = Deadline(50.0)
    before = deadline.until
    deadline.extend(7.0)
    assert deadline.until == before + 7.0
    deadline.stop()
    deadline.extend(1000.0)
    first = deadline.until
    # What has passed has passed, and nothing came on top while it stood still.
    assert before < first < before + 1000.0
    deadline.restart()
    assert deadline.until > before


@pytest.mark.parametrize(
    ("given", "vendors", "seconds"),
    [({}, 1, 600.0), ({}, 6, 600.0 + 5 * FURTHER_VENDOR), ({"deadline": 8}, 6, 8.0), ({"deadline": 600.0}, 6, 600.0)],
)
def test_the_deadline_grows_with_the_vendors_unless_it_is_set(given: Any, vendors: int, seconds: float) -> None:
    assert FURTHER_VENDOR == 120.0
    run = InProcess({**OPTIONS, **given}, check_mode=True, vendors=vendors)
    session: Any = run.session.http()
    assert session.deadline.limit.seconds == seconds


def test_all_modules_of_a_tenant_share_its_deadline(serve: Any) -> None:
    server = serve({"status": 404, "body": {"code": "NotFound", "message": "no", "errors": None}})
    options = {**OPTIONS, "host": server.host, "ca_path": server.ca, "deadline": 30.0, "retries": 0}
    run = InProcess(options, check_mode=False, vendors=3)
    with pytest.raises(PsaError):
        run("cw_api_member_info", {})
    asked, deadline = len(server.seen), run.session.deadline
    assert asked
    assert deadline is not None
    run.close()
    # As if all of it had passed; a session that is opened again does not begin anew.
    deadline._left = 0.0
    with pytest.raises(DeadlinePassed) as caught:
        run("cw_api_member_info", {})
    run.close()
    assert len(server.seen) == asked
    assert "the time limit deadline (cw_deadline) of 30 s was over" in str(caught.value)
    assert "The last request, GET /" in str(caught.value)
    assert caught.value.limit == "deadline"


class Asked:
    """Stands in for an integration whose look ends as told."""

    stores_keys = False

    def __init__(self, vendor: str, ends: PsaError | None, looked: list[str], store: str = "vaulted_file") -> None:
        self.vendor, self.ends, self._looked = vendor, ends, looked
        self.site = SimpleNamespace(name="north", check_mode=True, run=None)
        self.settings = SimpleNamespace(store_name=store)
        self.profile = SimpleNamespace(as_dict=lambda: {"product": vendor})
        self.results: dict[str, Any] = {}

    def look(self) -> Any:
        self._looked.append(self.vendor)
        if self.ends is not None:
            raise self.ends
        return SimpleNamespace(work="unchanged", warnings=[])

    def as_dict(self, _look: Any) -> dict[str, Any]:
        return {"vendor": self.vendor, "profile": {}, "api_keys": [], "state": "present", "mode": "audit"}


@pytest.fixture(autouse=True)
def own_run(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the notes of a run apart from those of other tests."""
    monkeypatch.setattr(_fleet_run._report, "run_directory", lambda: str(tmp_path))


def worked_on(*ends: PsaError | None) -> tuple[list[str], dict[str, Any]]:
    """Vendors that were looked at, and what is reported of each."""
    looked: list[str] = []
    integrations: Any = [Asked(f"vendor{number}", end, looked) for number, end in enumerate(ends)]
    tenant = _fleet_run.Tenant("north", integrations=integrations)
    run = _fleet_run.FleetRun(check_mode=True, forks=1, show=lambda _text: None)
    (result,) = run.work_on([tenant])
    return looked, {entry["vendor"]: entry for entry in result.entries}


def late(kind: type[PsaError] = TooSlow, limit: str = "request_deadline") -> PsaError:
    problem = kind("too late", tenant="north", operation="GET /x", remedy="wait")
    problem.limit = limit
    return problem


@pytest.mark.parametrize("end", [late(), late(LostAnswer, "timeout"), late(DeadlinePassed, "deadline")])
def test_after_a_timeout_the_other_vendors_are_not_begun(end: PsaError) -> None:
    looked, entries = worked_on(None, end, None, None)
    assert looked == ["vendor0", "vendor1"]
    assert [entry["status"] for entry in entries.values()] == ["drifted", *["unreachable"] * 3]
    assert entries["vendor3"]["error"] == (
        "tenant north: not begun, because vendor1 had no answer in time: GET /x: too late. What to do: wait."
    )
    # Tasks that come later know of it, but for the vendor itself, which may be tried again.
    with pytest.raises(DeadlinePassed, match=r"not begun, because vendor1 had no answer in time: GET /x: too late"):
        _tenant_time.require_in_time("north", "vendor4")
    _tenant_time.require_in_time("north", "vendor1")
    _tenant_time.require_in_time("south", "vendor4")


def test_after_another_error_they_are() -> None:
    broken = LostAnswer("the connection broke", tenant="north")
    looked, _entries = worked_on(AuthenticationFailed("the keys were refused", tenant="north"), broken, None)
    assert looked == ["vendor0", "vendor1", "vendor2"]
    _tenant_time.require_in_time("north", "vendor4")


def test_that_a_limit_was_reached_stays_known_through_a_task() -> None:
    result = {"failed": True, **late().as_result()}
    assert error_from(result).limit == "request_deadline"
    assert _step_results.too_late(result) == result["error"]
    assert _step_results.too_late({"msg": "one item failed", "results": [{}, result]}) == result["error"]
    assert _step_results.too_late({"failed": True, **LostAnswer("the connection broke").as_result()}) is None


@pytest.mark.parametrize(
    ("files", "forks", "most"),
    [(1024, 5, 200), (resource.RLIM_INFINITY, 5, 200), (256, 5, 26), (100, 5, 5), (256, 50, 50)],
)
def test_no_more_tenants_at_a_time_than_open_files_allow(
    monkeypatch: pytest.MonkeyPatch, files: int, forks: int, most: int
) -> None:
    monkeypatch.setattr(_fleet_run.resource, "getrlimit", lambda _which: (files, files))
    assert _fleet_run.most_tenants(forks) == most
