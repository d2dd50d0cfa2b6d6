# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Slow tenants in a fleet: one deadline for all vendors of a tenant, and permits that are lent while it waits.

tests/hostile/test_fleet.py has the same with whole runs.
"""

from __future__ import annotations

import resource
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.msp.connectwise.plugins.module_utils._client import Psa
from ansible_collections.msp.connectwise.plugins.module_utils._connection import parse_connection
from ansible_collections.msp.connectwise.plugins.module_utils._errors import (
    AuthenticationFailed,
    DeadlinePassed,
    LostAnswer,
    PsaError,
    TooSlow,
    error_from,
)
from ansible_collections.msp.connectwise.plugins.module_utils._http import PARALLEL
from ansible_collections.msp.connectwise.plugins.module_utils._module import SECONDS
from ansible_collections.msp.connectwise.plugins.module_utils._patience import (
    Deadline,
    Limit,
    waiting,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils import (
    _fleet_run,
    _step_results,
    _tenant_action,
    _tenant_time,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils._permits import Permits
from ansible_collections.msp.connectwise.plugins.plugin_utils._tenant_action import InProcess, Session, TenantAction
from ansible_collections.msp.connectwise.plugins.plugin_utils._tenant_time import FURTHER_VENDOR
from tests.unit.support import OPTIONS

END: Any = 60.0  # seconds, which only end a hang


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


# The time of a run, over its plays and tasks


def test_a_part_of_the_run_that_comes_later_has_what_is_left() -> None:
    given = {**OPTIONS, "deadline": 30.0}
    first = Session(given, tenant="north")
    first.timed().spend(10.0)
    first.close()
    first.close()  # told once
    second = InProcess(given, check_mode=True, tenant="north", vendors=6).session.timed()
    assert (second.limit.seconds, second.left) == (30.0, pytest.approx(20.0, abs=0.1))
    assert Session(given, tenant="south").timed().left == 30.0
    # A task that is not one of the role shares its time with nobody.
    alone = Session(given)
    alone.timed().spend(10.0)
    alone.close()
    assert Session(given).timed().left == 30.0
    second.spend(25.0)
    over: Any = InProcess(given, check_mode=True, tenant="north")
    _tenant_time.note_spent("north", 25.0)
    with pytest.raises(
        DeadlinePassed, match=r"not sent, because the time limit deadline \(cw_deadline\) of 30 s was over"
    ):
        over("cw_tenant_info", {})


class Task(TenantAction):
    """A task of a role, with the processes that it would start on a host. told: the deadline of each, in seconds."""

    def __init__(self, takes: float, role: str = "msp.connectwise.integration") -> None:
        named = SimpleNamespace(get_name=lambda: role)
        self._task: Any = SimpleNamespace(_role=named, async_val=0, become=None, args={}, environment=None)
        self._connection: Any = SimpleNamespace(transport="ssh", become=None, set_option=lambda *_given: None)
        self.takes, self.told = takes, list[float]()

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        raise AssertionError

    def cleanup(self, force: bool = False) -> None:
        self._session and self._session.close()

    def _execute_module(self, **given: Any) -> dict[str, Any]:
        deadline = given["module_args"].get("deadline", 600.0)
        self.told.append(deadline)
        problem = late(TooSlow, "deadline")
        problem.problem = f"not complete within {Limit('deadline', deadline)}"
        failed = {"failed": True, **problem.as_result()} if self.takes > deadline else {}
        return {"changed": False, SECONDS: min(self.takes, deadline), **failed}


def on_host(task: Task, monkeypatch: pytest.MonkeyPatch, vendor: str, **options: Any) -> dict[str, Any]:
    variables = {"inventory_hostname": "north", "integration_vendor": vendor, "cw_integrations": ["a", "b", "c"]}
    monkeypatch.setattr(
        _tenant_action, "Resolver", lambda _action, known: lambda name, other=None: known.get(name, other)
    )
    result = task.run_on_host("x", {**OPTIONS, **options}, variables)
    task.cleanup()
    return result


def test_the_tasks_of_the_role_share_the_time_of_the_tenant(monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = [Task(3.0) for _time in range(3)]
    results = [on_host(task, monkeypatch, "a", deadline=8.0) for task in tasks]
    assert [task.told for task in tasks] == [[8.0], [5.0], [2.0]]
    assert [SECONDS in result for result in results] == [False] * 3
    # What the process was told is not the limit that a person has set.
    assert results[2]["error"]["problem"] == "not complete within the time limit deadline (cw_deadline) of 8 s"
    assert "2 s" not in results[2]["msg"]
    after = Task(3.0)
    assert on_host(after, monkeypatch, "b", deadline=8.0)["error"]["kind"] == "DeadlinePassed"
    assert after.told == []


def test_the_tasks_have_time_for_each_vendor_and_other_tasks_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = [Task(100.0), Task(100.0), Task(100.0, "mine"), Task(100.0)]
    for task, vendor in zip(tasks, ["a", "b", "a", "e"], strict=True):
        on_host(task, monkeypatch, vendor)
    assert [task.told for task in tasks] == [[600.0 + 240], [740.0], [600.0], [640.0]]
    for vendor in ("f", "g"):  # more than cw_integrations names
        on_host(Task(0.5), monkeypatch, vendor)
    assert _tenant_time.vendors_of("north") == {"a", "b", "e", "f", "g"}
    assert on_host(last := Task(0.0), monkeypatch, "h") == {"changed": False}
    assert last.told == [600.0 + 5 * FURTHER_VENDOR - 301.0]


def test_a_limit_that_an_earlier_play_reached_stops_the_other_vendors() -> None:
    _tenant_time.note_late("north", "vendor0", late().as_result()["error"])
    looked, entries = worked_on(None, None)
    assert looked == ["vendor0"]
    assert "not begun, because vendor0 had no answer in time" in entries["vendor1"]["error"]


def test_an_interrupted_run_waits_for_no_tenant(monkeypatch: pytest.MonkeyPatch, until: Any) -> None:
    begun: list[str] = []
    answer, ended = threading.Event(), threading.Event()

    class Hangs(Asked):
        def look(self) -> Any:
            begun.append(self.vendor)
            with waiting():
                answer.wait(END)
            ended.set()
            raise late()

    def interrupted(_running: Any, **_options: Any) -> Any:
        until(lambda: begun)
        raise KeyboardInterrupt

    monkeypatch.setattr(_fleet_run, "wait", interrupted)
    monkeypatch.setattr(_fleet_run, "most_tenants", lambda _forks: 1)
    tenants: Any = [_fleet_run.Tenant(name, integrations=[Hangs(name, None, [])]) for name in ("north", "south")]
    with pytest.raises(KeyboardInterrupt):
        _fleet_run.FleetRun(check_mode=True, forks=1, show=lambda _text: None).work_on(tenants)
    assert not ended.is_set()
    answer.set()
    assert ended.wait(END)
    assert begun == ["north"]


def test_tenants_under_way_and_their_requests_are_bounded(monkeypatch: pytest.MonkeyPatch, until: Any) -> None:
    """As many tenants as there may be, each with as many requests; the next one begins when one of them ends."""
    lock, answer, in_flight, most = threading.Lock(), threading.Event(), [0], [0]

    def request() -> None:
        with waiting():
            with lock:
                in_flight[0] += 1
                most[0] = max(most[0], in_flight[0])
            answer.wait(END)
            with lock:
                in_flight[0] -= 1

    class Asks(Asked):
        def look(self) -> Any:
            Psa(parse_connection(OPTIONS)).together([request] * (2 * PARALLEL))
            raise late()

    monkeypatch.setattr(_fleet_run, "MOST_TENANTS", 3)
    tenants: Any = [_fleet_run.Tenant(str(number), integrations=[Asks("v", None, [])]) for number in range(7)]
    run = _fleet_run.FleetRun(check_mode=True, forks=2, show=lambda _text: None)
    run._permits = Permits(2, moment=0.0)
    working = threading.Thread(target=run.work_on, args=[tenants], daemon=True)
    working.start()
    until(lambda: in_flight[0] == 3 * PARALLEL)
    answer.set()
    working.join(END)
    assert not working.is_alive()
    assert most[0] == 3 * PARALLEL


@pytest.mark.parametrize(
    ("files", "forks", "most"),
    [(1024, 5, 200), (resource.RLIM_INFINITY, 5, 200), (256, 5, 26), (100, 5, 5), (256, 50, 50)],
)
def test_no_more_tenants_at_a_time_than_open_files_allow(
    monkeypatch: pytest.MonkeyPatch, files: int, forks: int, most: int
) -> None:
    monkeypatch.setattr(_fleet_run.resource, "getrlimit", lambda _which: (files, files))
    assert _fleet_run.most_tenants(forks) == most
