# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prism as a validating proxy between the collection and the simulator: what both say is what the document allows.

collection --TLS--> front --HTTP--> prism --TLS--> simulator. The front ends the TLS that the collection insists on and
collects Prism's verdicts; what is not the REST API (companyinfo) goes to the simulator past Prism.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.contract import reports
from tests.playground import VENDORS, Playground
from tests.simulator.client import Simulator
from tests.simulator.tls import Authority
from tools import foreign

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "tests" / "simulator" / "data" / "openapi.yml"
TENANTS: dict[str, Any] = {
    "sites": [{"name": "na"}],
    "tenants": [{"company_id": "north", "site": "na", "profile": "published"}],
}
BASE = "/v4_6_release/apis/3.0"
HOP = {"connection", "keep-alive", "transfer-encoding", "host", "content-length", "content-encoding"}
START_LIMIT = 180  # seconds


class Front(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, context: ssl.SSLContext, simulator: str, ca: str, prism: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.simulator, self.prism = simulator, prism
        self.trusting = ssl.create_default_context(cafile=ca)
        self.seen: list[tuple[str, int]] = []
        self.violations: list[dict[str, Any]] = []

    @property
    def host(self) -> str:
        return f"localhost:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Front

    def log_message(self, *_arguments: object) -> None:
        """The test says what went wrong."""

    def forward(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        content = self.rfile.read(length) if length else None
        connection: http.client.HTTPConnection
        if self.path.startswith(BASE):
            connection = http.client.HTTPConnection("127.0.0.1", self.server.prism, timeout=60)
            path = self.path.removeprefix(BASE)
        else:
            address = urlsplit(f"https://{self.server.simulator}")
            connection = http.client.HTTPSConnection(address.netloc, context=self.server.trusting, timeout=60)
            path = self.path
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
        with contextlib.closing(connection):
            connection.request(self.command, path, body=content, headers=headers)
            response = connection.getresponse()
            body = response.read()
        if found := response.getheader("sl-violations"):
            for violation in json.loads(found):
                self.server.violations.append({"request": f"{self.command} {path}", **violation})
        self.server.seen.append((f"{self.command} {path.partition('?')[0]}", response.status))
        self.send_response(response.status)
        for name, value in response.getheaders():
            if name.lower() not in HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


for verb in ("GET", "POST", "PUT", "PATCH", "DELETE"):
    setattr(Handler, f"do_{verb}", Handler.forward)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@contextlib.contextmanager
def prism(simulator: Simulator, log: Path) -> Iterator[int]:
    """Prism before the simulator; yields its port."""
    modules, port = foreign.modules() / "node_modules", free_port()
    upstream = f"https://{simulator.ready['tenants']['north']['host']}{BASE}"
    command = [
        "node",
        str(modules / "@stoplight" / "prism-cli" / "dist" / "index.js"),
        "proxy",
        str(DOCUMENT),
        upstream,
    ]
    environment = {"PATH": os.environ["PATH"], "NODE_EXTRA_CA_CERTS": simulator.ready["ca"], "HOME": str(log.parent)}
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*command, "--port", str(port)], stdout=stream, stderr=stream, stdin=subprocess.DEVNULL, env=environment
        )
    try:
        end = time.monotonic() + START_LIMIT
        while True:
            assert process.poll() is None, log.read_text(encoding="utf-8")
            assert time.monotonic() < end, log.read_text(encoding="utf-8")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=60)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Simulator, Front, str]]:
    place = tmp_path_factory.mktemp("prism")
    with Simulator(TENANTS, place / "psa") as simulator, prism(simulator, place / "prism.log") as port:
        authority = Authority(place / "front")
        context = authority.context("front", [])
        front = Front(context, simulator.ready["tenants"]["north"]["host"], simulator.ready["ca"], port)
        thread = threading.Thread(target=front.serve_forever)
        thread.start()
        try:
            yield simulator, front, str(authority.ca_file)
        finally:
            front.shutdown()
            thread.join()
            front.server_close()


@pytest.mark.timeout(900)
def test_the_whole_demo_breaks_no_rule(watched: tuple[Simulator, Front, str], tmp_path: Path) -> None:
    simulator, front, ca = watched
    tenant = {**simulator.ready["tenants"]["north"], "host": front.host}
    ground = Playground(tmp_path, {**simulator.ready, "ca": ca, "tenants": {"north": tenant}}, cw_integrations=VENDORS)
    assert ground.play("onboard").code == 0
    assert set(ground.statuses("north").values()) == {"pending"}
    made = []
    for _round in range(3):
        steps = [step for entry in ground.reports()["north"].values() for step in entry["manual_steps"]]
        made += simulator.operator("north", [step for step in steps if step["kind"] != "store_key"])
        if made:
            assert ground.store_keys("north", made).code == 0
        assert ground.play("onboard").code == 0
        if set(ground.statuses("north").values()) == {"ready"}:
            break
    assert ground.statuses("north") == dict.fromkeys(VENDORS, "ready")
    assert ground.play("audit").code == 0
    assert ground.play("offboard", "-e", "cw_confirm=offboard-all").code == 0
    assert front.violations == []
    writes = {request.split()[0] for request, status in front.seen if status < 300}
    # A role that a member was given cannot be deleted over the published operations.
    assert writes == {"GET", "POST", "PATCH"}
    assert len(front.seen) > 200
    reports.keep("prism", f"{len(front.seen)} requests of the demo, no violation in request or response")


@pytest.mark.parametrize(
    ("method", "path", "body", "place"),
    [
        ("POST", "/system/securityroles", {"name": "x" * 31}, "request"),
        ("POST", "/system/securityroles", {}, "request"),
        ("POST", "/system/apiMembers", {"identifier": "x" * 16, "name": "x"}, "request"),
        ("GET", "/system/securityroles?pageSize=0", None, "request"),
    ],
)
def test_the_watch_would_have_noticed(
    watched: tuple[Simulator, Front, str], method: str, path: str, body: Any, place: str
) -> None:
    simulator, front, ca = watched
    tenant = simulator.ready["tenants"]["north"]
    before = len(front.violations)
    with requests.Session() as session:
        session.trust_env = False
        session.request(
            method,
            f"https://{front.host}{BASE}{path}",
            json=body,
            auth=(f"north+{tenant['public_key']}", tenant["private_key"]),
            headers={"clientId": tenant["client_id"]},
            verify=ca,
            timeout=120,
        )
    noticed = front.violations[before:]
    assert noticed
    assert all(place in violation["location"] for violation in noticed)
    del front.violations[before:]
