# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A transport and an HTTPS server that follow a script."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._http import Answer

OPTIONS = {
    "company_id": "north",
    "public_key": "publicpublic",
    "private_key": "privateprivate",
    "client_id": "11111111-2222-3333-4444-555555555555",
    "host": "psa.example.com",
}


def answer(status: int = 200, data: Any = None, text: str | None = None, **headers: str) -> Answer:
    """An answer as the transport gives it; text makes one that is not JSON."""
    if text is not None:
        return Answer(status, headers, text, None, False)
    return Answer(status, headers, json.dumps(data), data, True)


# What growth() may be where eight times the work takes eight times as long, and not sixty-four times.
LINEAR = 24


def growth(work: Callable[[int], object], size: int, times: int = 8) -> float:
    """How many times as much CPU so many times the size takes; other work only adds, so the least of some counts."""
    taken: dict[int, list[float]] = {size: [], size * times: []}
    for _try in range(4):
        for each, found in taken.items():
            found.append(cpu(work, each))
    return min(taken[size * times]) / min(taken[size])


def cpu(work: Callable[..., object], *arguments: object) -> float:
    """The seconds of CPU of this thread, to compare with others of the same run."""
    started = time.thread_time()
    work(*arguments)
    return time.thread_time() - started


class Script:
    """Stands in for Http: what each operation answers, in order, and every call that was made.

    An outcome is an Answer, an exception to raise, or the JSON of a 200.
    """

    def __init__(self, outcomes: dict[str, list[Any]]) -> None:
        self.outcomes = {operation: list(found) for operation, found in outcomes.items()}
        self.calls: list[str] = []
        self.requests: list[dict[str, Any]] = []
        self.lock = threading.Lock()

    def request(self, method: str, url: str, **details: Any) -> Answer:
        path = url.partition("/apis/3.0")[2] or url.removeprefix("https://psa.example.com")
        operation = f"{method} {path}"
        with self.lock:
            self.calls.append(operation)
            self.requests.append({"method": method, "url": url, **details})
            left = self.outcomes.get(operation)
            assert left, f"unexpected call: {operation} after {self.calls}"
            outcome = left.pop(0)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome if isinstance(outcome, Answer) else answer(200, outcome)

    def close(self) -> None:
        pass

    def bodies(self, method: str) -> list[Any]:
        return [request["json"] for request in self.requests if request["method"] == method]


@dataclass
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    body: str


@dataclass
class Server:
    """An HTTPS server: each request takes the next outcome, the last one for ever.

    An outcome: {"status", "body" (text, bytes or JSON), "headers"}; "drop" ends the connection instead, "short" gives
    half of the body.
    """

    host: str
    ca: str
    outcomes: list[Any] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"https://{self.host}"

    @property
    def calls(self) -> list[str]:
        return [f"{one.method} {one.path}" for one in self.seen]

    def next(self) -> Any:
        return self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]


def handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            server.seen.append(Seen(self.command, self.path, dict(self.headers.items()), body))
            outcome = server.next()
            if outcome == "drop":
                self.close_connection = True
                return
            short = outcome == "short"
            outcome = {"body": {"long": "x" * 100}} if short else outcome
            content = outcome.get("body", "")
            if not isinstance(content, (str, bytes)):
                content = json.dumps(content)
            payload = content if isinstance(content, bytes) else content.encode()
            self.send_response(outcome.get("status", 200))
            for name, value in {"Content-Length": len(payload), **outcome.get("headers", {})}.items():
                self.send_header(name, str(value))
            self.end_headers()
            self.wfile.write(payload[: len(payload) // 2] if short else payload)
            self.close_connection = short

        def log_message(self, *_arguments: object) -> None:
            pass

    for method in ("GET", "POST", "PATCH", "PUT", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.answer)
    return Handler


class Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that refuse the certificate are what some tests are about."""
