# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scripted HTTPS server on loopback, a scripted transport, and no waiting."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from ansible_collections.msp.connectwise.plugins.module_utils import _patience, _redact
from ansible_collections.msp.connectwise.plugins.module_utils._client import Psa
from ansible_collections.msp.connectwise.plugins.module_utils._connection import parse_connection
from tests.simulator.tls import Authority
from tests.unit.support import OPTIONS, Listener, Script, Server, handler

# How long an example takes says more about the machine than about the code.
settings.register_profile("patient", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture
def options() -> dict[str, Any]:
    return dict(OPTIONS)


@pytest.fixture
def until() -> Callable[[Callable[[], object]], None]:
    """Waits until something is so; a minute, which only ends a hang."""

    def look(done: Callable[[], object]) -> None:
        tick = threading.Event()
        for _time in range(6000):
            if done():
                return
            tick.wait(0.01)
        pytest.fail("it never came")

    return look


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy, CA bundle or key of the person who runs the tests."""
    for name in list(os.environ):
        if name.startswith("CW_") or name.lower() in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.delenv(name)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def own_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Know no secret of an earlier test: its made-up key may be a word of this one's texts."""
    monkeypatch.setattr(_redact, "_OURS", _redact.Registry())


@pytest.fixture
def script():
    """Makes a client on a script: psa, transport = script({"GET /system/info": [...]})."""
    made: list[Script] = []

    def make(outcomes: dict[str, list[Any]], **changes: Any) -> tuple[Psa, Script]:
        transport = Script(outcomes)
        made.append(transport)
        return Psa(parse_connection({**OPTIONS, **changes}), transport), transport

    yield make
    for transport in made:
        left = {operation: found for operation, found in transport.outcomes.items() if found}
        assert not left, f"never called: {left}"


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits between reads that settle a write, not waited."""
    found: list[float] = []
    monkeypatch.setattr(_patience.time, "sleep", found.append)
    return found


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def serve(authority: Authority) -> Iterator[Any]:
    """Starts servers: serve(outcome, outcome, certificate="good")."""
    running: list[Listener] = []

    def start(*outcomes: Any, certificate: str = "good", tls: bool = True) -> Server:
        server = Server("", str(authority.ca_file), list(outcomes))
        listener = Listener(("127.0.0.1", 0), handler(server))
        if tls:
            context = authority.context(certificate, ["localhost"], certificate)
            # The handshake belongs to the thread of the connection, not to the one that accepts.
            listener.socket = context.wrap_socket(listener.socket, server_side=True, do_handshake_on_connect=False)
        server.host = f"localhost:{listener.server_address[1]}"
        threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        running.append(listener)
        return server

    yield start
    for listener in running:
        listener.shutdown()
        listener.server_close()
