# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tenants that keep a connection without ever coming to an answer, or are slow: the fleet goes on without them."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.playground import Playground, inventory_of
from tests.simulator.client import Simulator
from tests.simulator.tls import Authority

from .campaign import options_of, run

TENANTS: dict[str, Any] = {"sites": [{"name": "na"}], "tenants": [{"company_id": "north", "site": "na"}]}
HASTE = {"timeout": 1.0, "retries": 0, "request_deadline": 2.0, "deadline": 4.0}
HELD = 60.0  # seconds that a connection is kept, many times a deadline

Enemy = Callable[[socket.socket], None]


OUTLASTED: list[str] = []  # enemies that had enough before their client had


def hold(connection: socket.socket, enemy: Enemy) -> None:
    """Wait for the client to hang up, which it has to do first."""
    connection.settimeout(HELD)
    try:
        while connection.recv(4096):
            pass
    except TimeoutError:
        OUTLASTED.append(enemy.__name__)


def silent(connection: socket.socket) -> None:
    """Takes the connection, and never begins with TLS."""
    hold(connection, silent)


def dripping(connection: socket.socket) -> None:
    """Begins with TLS, a byte at a time: the head of a record, and then what it announces."""
    connection.recv(4096)
    for byte in b"\x16\x03\x03\x40\x00" + b"\x02" * int(HELD / 0.1):
        connection.sendall(bytes([byte]))
        time.sleep(0.1)
    OUTLASTED.append("dripping")


def speechless(connection: socket.socket) -> None:
    """TLS as it should be, and then nothing."""
    with CONTEXT.wrap_socket(connection, server_side=True) as secure:
        secure.recv(4096)
        hold(secure, speechless)


def lingering(connection: socket.socket) -> None:
    """An answer that says it is the last, and a connection that stays."""
    with CONTEXT.wrap_socket(connection, server_side=True) as secure:
        secure.recv(4096)
        secure.sendall(b"HTTP/1.1 200 X\r\nConnection: close\r\n\r\n[]")
        hold(secure, lingering)


def closing(connection: socket.socket) -> None:
    """Hangs up before TLS."""
    connection.close()


ENEMIES: dict[str, Enemy] = {one.__name__: one for one in (silent, dripping, speechless, lingering, closing)}
CONTEXT: ssl.SSLContext


class Hostile:
    """Listens with one enemy's manners; where it is: host."""

    def __init__(self, enemy: Enemy) -> None:
        self._enemy = enemy
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.host = f"localhost:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _address = self._socket.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            self._enemy(connection)

    def close(self) -> None:
        # A thread that still waits would go on with whatever socket gets this one's number next.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    global CONTEXT
    CONTEXT = Authority(tmp_path_factory.mktemp("authority")).context("enemy", ["localhost"])
    enemies = {name: Hostile(enemy) for name, enemy in ENEMIES.items()}
    yield {name: one.host for name, one in enemies.items()}
    for one in enemies.values():
        one.close()


@pytest.mark.parametrize("enemy", ENEMIES)
@pytest.mark.parametrize("module", ["cw_tenant_info", "cw_doctor"])
def test_no_enemy_holds_a_task_longer_than_its_deadline(hosts: dict[str, str], enemy: str, module: str) -> None:
    keys = dict.fromkeys(("company_id", "public_key", "private_key", "client_id"), "x")
    connection = {**options_of(keys, hosts[enemy], ""), **HASTE, "validate_certs": False}
    del connection["ca_path"]
    result = run({"module": module}, connection)
    assert OUTLASTED == []
    assert "exception" not in result
    assert result.get("failed") or not result.get("healthy", False)


FORKS = 5
LATE = 4.0  # seconds that a slow tenant makes a run wait once
# Tenants that are slow in one way or another; there are more than forks could carry.
DRIPPING, BUSY, UNREACHED = "drips", "busy", "hole"
SLOW = [*(f"slow{number:02}" for number in range(9)), DRIPPING, BUSY, UNREACHED]
# Tenants that never answer, and that answer each request in time and need too many: one that the run works on in
# process, and one that is left to the tasks of the role.
HANGING, CRAWLING = ["hangs", "hangs_in_tasks"], ["crawls", "crawls_in_tasks"]
VENDORS = ["zofiq", "umbrella", "petra"]
ENOUGH = 2.0  # seconds that a hanging or crawling tenant may take
CRAWL = 0.45  # seconds of each answer


@pytest.fixture(scope="module")
def hole() -> Iterator[str]:
    """A host that takes no connection: its backlog is full, and nobody accepts."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, ExitStack() as waiting:
        for _time in range(4):
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            with suppress(BlockingIOError):
                one.connect(listener.getsockname())
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture(scope="module")
def waited_for(tmp_path_factory: pytest.TempPathFactory, hole: str) -> Iterator[tuple[Playground, Simulator, str]]:
    """An audit of slow tenants, a good one after them, and some that take too long; its output."""
    directory = tmp_path_factory.mktemp("slow")
    names = [*SLOW, "good", *HANGING, *CRAWLING]
    tenants = {**TENANTS, "tenants": [{"company_id": name, "site": "na"} for name in names]}
    with Simulator(tenants, directory / "psa") as simulator:
        ground = Playground(directory / "ground", simulator.ready)
        inventory = inventory_of(simulator.ready, cw_integrations=["umbrella"])
        hosts = inventory["all"]["hosts"]
        inventory["all"]["hosts"] = {name: hosts[name] for name in names}
        for name in (*HANGING, *CRAWLING):
            hosts[name].update(cw_integrations=VENDORS, cw_deadline=ENOUGH, cw_in_process="in_tasks" not in name)
        hosts[BUSY]["cw_retry_max_delay"] = LATE
        hosts[UNREACHED].update(cw_host=hole, cw_deadline=LATE)
        ground.write(ground.inventory, json.dumps(inventory))
        once = {"fault": "slow", "ms": 1000 * LATE, "times": 1}
        faults = {name: dict(once) for name in SLOW}
        faults[DRIPPING]["fault"] = "slow_body"
        faults[BUSY] = {"fault": "status", "status": 429, "retry_after": 60, "times": 1}
        faults |= {name: {"fault": "slow", "ms": 1000 * HELD} for name in HANGING}
        faults |= {name: {"fault": "slow", "ms": 1000 * CRAWL} for name in CRAWLING}
        simulator.faults(*({**fault, "tenant": name} for name, fault in faults.items()))
        done = ground.play("audit", "--forks", str(FORKS))
        yield ground, simulator, done.output


def test_slow_tenants_delay_no_other(waited_for: tuple[Playground, Simulator, str]) -> None:
    ground, simulator, output = waited_for
    asked: dict[str, list[float]] = {}
    for entry in simulator.journal():
        asked.setdefault(entry["tenant"], []).append(entry["time"])
    slow = [name for name in SLOW if name != UNREACHED]
    first = min(times[0] for times in asked.values())
    # There are more slow ones than forks, and the good one is the last in line: it begins before one of them goes on.
    assert len(SLOW) > 2 * FORKS
    went_on = [name for name in slow if any(asked[name][0] < time < asked["good"][0] for time in asked[name])]
    assert len(went_on) < FORKS, output[-3000:]
    assert asked["good"][0] - first < LATE
    # It also ends while they wait.
    assert len([name for name in slow if asked[name][1] > asked["good"][-1]]) > len(slow) / 2
    assert {ground.statuses(name)["umbrella"] for name in [*slow, "good"]} == {"new"}
    assert ground.statuses(UNREACHED)["umbrella"] == "unreachable"
    error = ground.reports()[UNREACHED]["umbrella"]["error"]
    assert f"no connection within the time limit deadline (cw_deadline) of {LATE:g} s" in error


def limits(errors: dict[str, str]) -> None:
    """See that the first vendor names the limit, and that the others were not begun, and why."""
    limit = f"the time limit deadline (cw_deadline) of {ENOUGH:g} s"
    first, *others = (errors[vendor] for vendor in VENDORS)
    assert limit in first
    assert "not begun" not in first
    for error in others:
        assert "not begun, because zofiq had no answer in time: " in error
        assert limit in error
        assert "What to do: find out what makes the tenant" in error


@pytest.mark.parametrize("name", HANGING)
def test_after_its_deadline_a_tenant_is_asked_no_more(waited_for: tuple[Playground, Simulator, str], name: str) -> None:
    ground, simulator, output = waited_for
    entries = ground.reports()[name]
    assert {entry["status"] for entry in entries.values()} == {"unreachable"}, output[-3000:]
    limits({vendor: entry["error"] for vendor, entry in entries.items()})
    assert "GET /system/apiMembers: the answer was not complete within" in entries[VENDORS[0]]["error"]
    assert len(simulator.journal(name)) == 1


@pytest.mark.parametrize("name", CRAWLING)
def test_many_answers_in_time_reach_the_deadline_too(waited_for: tuple[Playground, Simulator, str], name: str) -> None:
    ground, simulator, output = waited_for
    entries = ground.reports()[name]
    assert {entry["status"] for entry in entries.values()} == {"unreachable"}, output[-3000:]
    limits({vendor: entry["error"] for vendor, entry in entries.items()})
    # Each answer took its time, two of them perhaps at once.
    assert 2 <= len(simulator.journal(name)) <= 2 * ENOUGH / CRAWL + 2


def test_the_fleet_goes_on_without_them(hosts: dict[str, str], tmp_path: Path) -> None:
    with Simulator(TENANTS, tmp_path / "psa") as simulator:
        ground = Playground(tmp_path / "ground", simulator.ready)
        inventory = inventory_of(simulator.ready, cw_integrations=["umbrella"])
        north = inventory["all"]["hosts"]["north"]
        limits = {f"cw_{name}": value for name, value in HASTE.items()} | {"cw_validate_certs": False}
        inventory["all"]["hosts"].update({name: {**north, **limits, "cw_host": host} for name, host in hosts.items()})
        ground.write(ground.inventory, json.dumps(inventory))
        done = ground.play("onboard")
        assert OUTLASTED == []
        statuses = {name: ground.statuses(name)["umbrella"] for name in ("north", *hosts)}
    assert statuses.pop("north") in ("ready", "pending"), done.output[-3000:]
    assert set(statuses.values()) <= {"failed", "unreachable"}
    assert "Traceback" not in done.output
    for name in hosts:
        assert name in done.output
