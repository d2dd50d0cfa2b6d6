# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tenant that plays back an honest one's answers, and at one operation answers as an enemy; a process of its own.

    python -m tests.hostile.gateway DIRECTORY     # with the recorded answers in DIRECTORY/answers.json

Commands come in as lines of JSON, {"step", "operation", "attack"}; each is answered with what was seen before it.
"""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from tests.simulator.tls import Authority

from .attacks import Asked, reply
from .more_attacks import ATTACKS, LARGEST, largest

# Whoever waits for an enemy this long has no deadline; each of those that only a deadline ends takes longer.
HELD = 20.0  # seconds of pauses
NOT_THERE = {"code": "ConnectWiseApi", "message": "The endpoint does not exist."}


def operation(method: str, path: str) -> str:
    """A request without its query and its numbers."""
    return f"{method} {re.sub(r'/[0-9]+', '/{}', path.partition('?')[0])}"


class Gateway:
    """steps: of an onboarding, each operation -> [[status, JSON or null], ...] in the order they were given."""

    def __init__(self, directory: Path) -> None:
        self.steps: list[dict[str, list[Any]]] = json.loads((directory / "answers.json").read_text(encoding="utf-8"))
        # Several gateways may run at once.
        authority = Authority(directory / f"gateway-{os.getpid()}")
        self.ca = authority.ca_file
        self.context = authority.context("gateway", ["localhost"])
        self.lock = threading.Lock()
        self.elsewhere_seen = 0
        self.number = 0
        self.begin({})
        self.socket, self.elsewhere = (socket.create_server(("127.0.0.1", 0), backlog=64) for _one in range(2))

    def begin(self, command: dict[str, Any]) -> None:
        self.answers = self.steps[command.get("step", 0)]
        self.target = command.get("operation", "")
        self.attack = command.get("attack", "")
        self.served: dict[str, int] = defaultdict(int)
        self.hits = self.outlasted = 0
        self.number += 1

    def seen(self) -> dict[str, Any]:
        """hits: requests that were answered by the attack; outlasted: those whose client stayed to its very end."""
        return {
            "hits": self.hits,
            "outlasted": self.outlasted,
            "elsewhere": self.elsewhere_seen,
            "operations": dict(self.served),
        }

    def listen(self) -> None:
        threading.Thread(target=self._elsewhere, daemon=True).start()
        threading.Thread(target=self._accept, daemon=True).start()

    def _elsewhere(self) -> None:
        while True:
            connection, _address = self.elsewhere.accept()
            self.elsewhere_seen += 1
            connection.close()

    def _accept(self) -> None:
        while True:
            connection, _address = self.socket.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        plain.settimeout(20)
        try:
            with self.context.wrap_socket(plain, server_side=True) as connection, connection.makefile("rb") as stream:
                while self._one(connection, stream):
                    pass
        except OSError:
            plain.close()

    def _one(self, connection: ssl.SSLSocket, stream: Any) -> bool:
        """One request; whether another may follow on this connection."""
        line = stream.readline().decode("latin-1").split()
        if len(line) != 3:
            return False
        headers = {}
        while (header := stream.readline().decode("latin-1").strip()) != "":
            name, _colon, value = header.partition(":")
            headers[name.strip()] = value.strip()
        stream.read(int(headers.get("Content-Length", 0)))
        called = operation(line[0], line[1])
        with self.lock:
            known = self.answers.get(called) or [[404, NOT_THERE]]
            status, true = known[min(self.served[called], len(known) - 1)]
            self.served[called] += 1
            hostile = called == self.target
            self.hits += hostile
            attack, number = self.attack, self.number
        if not hostile:
            connection.sendall(reply(status, b"" if true is None and status == 204 else json.dumps(true).encode()))
            return True
        host = f"localhost:{self.elsewhere.getsockname()[1]}"
        asked = Asked(line[0], line[1], true, status, host, headers)
        held = 0.0
        for piece in largest(asked) if attack == LARGEST else ATTACKS[attack](asked):
            if isinstance(piece, float):
                time.sleep(piece)
                held += piece
            else:
                connection.sendall(piece)
        with self.lock:
            # The client of an earlier case has left already.
            self.outlasted += held > HELD and number == self.number
        return False


def main(directory: Path) -> None:
    gateway = Gateway(directory)
    gateway.listen()
    here, there = gateway.socket.getsockname()[1], gateway.elsewhere.getsockname()[1]
    print(json.dumps({"host": f"localhost:{here}", "elsewhere": there, "ca": str(gateway.ca)}), flush=True)
    for line in sys.stdin:
        before = gateway.seen()
        with gateway.lock:
            gateway.begin(json.loads(line))
        print(json.dumps(before), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
