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
from contextlib import suppress
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


FORKS, SLOW = 5, [f"slow{number:02}" for number in range(12)]
# One that the run works on in process, and one that is left to the tasks of the role.
HANGING = ["hangs", "hangs_in_tasks"]
VENDORS = ["zofiq", "umbrella", "petra"]
LATE, ENOUGH = 4.0, 2.0  # seconds that a slow tenant takes once, and those that a hanging one may take


@pytest.fixture(scope="module")
def waited_for(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Playground, Simulator, str]]:
    """An audit of slow tenants, a good one after them, and two that never answer; its output."""
    directory = tmp_path_factory.mktemp("slow")
    tenants = {**TENANTS, "tenants": [{"company_id": name, "site": "na"} for name in [*SLOW, "good", *HANGING]]}
    with Simulator(tenants, directory / "psa") as simulator:
        ground = Playground(directory / "ground", simulator.ready)
        inventory = inventory_of(simulator.ready, cw_integrations=["umbrella"])
        hosts = inventory["all"]["hosts"]
        inventory["all"]["hosts"] = {name: hosts[name] for name in [*SLOW, "good", *HANGING]}
        for name in HANGING:
            hosts[name].update(cw_integrations=VENDORS, cw_deadline=ENOUGH)
        hosts["hangs_in_tasks"]["cw_in_process"] = False
        ground.write(ground.inventory, json.dumps(inventory))
        first = {"fault": "slow", "ms": 1000 * LATE, "times": 1}
        never = {"fault": "slow", "ms": 1000 * HELD}
        simulator.faults(*({**first, "tenant": name} for name in SLOW), *({**never, "tenant": one} for one in HANGING))
        done = ground.play("audit", "--forks", str(FORKS))
        yield ground, simulator, done.output


def test_slow_tenants_delay_no_other(waited_for: tuple[Playground, Simulator, str]) -> None:
    ground, simulator, output = waited_for
    journal = simulator.journal()
    begun = {name: min(entry["time"] for entry in journal if entry["tenant"] == name) for name in [*SLOW, "good"]}
    slowest = {name: max(entry["duration_ms"] for entry in journal if entry["tenant"] == name) for name in SLOW}
    # There are more slow ones than forks, and the good one is the last in line: it begins before one of them goes on.
    assert len(SLOW) > 2 * FORKS
    went_on = {
        name
        for name in SLOW
        if any(entry["tenant"] == name and begun[name] < entry["time"] < begun["good"] for entry in journal)
    }
    assert len(went_on) < FORKS, output[-3000:]
    assert begun["good"] - min(begun.values()) < min(slowest.values()) / 1000
    assert {ground.statuses(name)["umbrella"] for name in [*SLOW, "good"]} == {"drifted"}


@pytest.mark.parametrize("name", HANGING)
def test_after_its_deadline_a_tenant_is_asked_no_more(waited_for: tuple[Playground, Simulator, str], name: str) -> None:
    ground, simulator, output = waited_for
    (asked,) = (
        one["hits"] for one, known in zip(simulator.fault_hits(), [*SLOW, *HANGING], strict=True) if known == name
    )
    entries = ground.reports()[name]
    assert {entry["status"] for entry in entries.values()} == {"unreachable"}
    limit = f"the time limit deadline (cw_deadline) of {ENOUGH:g} s"
    first, *others = (entries[vendor]["error"] for vendor in VENDORS)
    assert f"GET /system/apiMembers: the answer was not complete within {limit}" in first, output[-3000:]
    begin = "not begun, because zofiq had no answer in time: GET /system/apiMembers: the answer was not complete within"
    assert [f"{begin} {limit}" in error for error in others] == [True, True]
    assert all("What to do: find out what makes the tenant" in error for error in others)
    assert asked == 1


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
