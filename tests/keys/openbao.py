# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real OpenBao server on loopback, which can be sealed, stopped and started with what it holds."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

START_TIMEOUT = 120.0


class OpenBaoError(RuntimeError):
    """The server did not do what it was asked."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class OpenBao:
    """KV version 2 at `secret`; root: a token that may do everything."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.root = ""
        self._unseal_key = ""
        self.config = directory / "server.json"
        (directory / "data").mkdir()
        configuration = {
            "storage": {"raft": {"path": str(directory / "data"), "node_id": "one"}},
            "listener": {"tcp": {"address": f"127.0.0.1:{self.port}", "tls_disable": True}},
            "api_addr": self.url,
            "cluster_addr": f"http://127.0.0.1:{free_port()}",
            "log_level": "error",
        }
        self.config.write_text(json.dumps(configuration), encoding="utf-8")
        self.process: subprocess.Popen[bytes] | None = None
        self.start()
        made = self.call("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
        self.root, self._unseal_key = made["root_token"], made["keys"][0]
        self.unseal()
        self.call("POST", "sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})

    def start(self) -> None:
        with (self.directory / "server.log").open("ab") as log:
            command = ["bao", "server", "-config", str(self.config)]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + START_TIMEOUT
        while True:
            try:
                self.call("GET", "sys/seal-status")
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    self.stop()
                    said = (self.directory / "server.log").read_text(encoding="utf-8")
                    raise OpenBaoError(f"the server did not start: {said}") from None
                time.sleep(0.05)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(timeout=30)
            self.process = None

    def restart(self) -> None:
        self.stop()
        self.start()
        self.unseal()

    def seal(self) -> None:
        self.call("PUT", "sys/seal")

    def unseal(self) -> None:
        self.call("PUT", "sys/unseal", {"key": self._unseal_key})
        end = time.monotonic() + START_TIMEOUT
        # Unsealed, it still has to elect itself before it takes a write.
        while self.call("GET", "sys/health?standbycode=200&sealedcode=200")["standby"]:
            if time.monotonic() > end:
                raise OpenBaoError("the server does not become active")
            time.sleep(0.05)

    def token(self, *rights: str, path: str = "secret/data/*") -> str:
        """A token with these rights on the secrets (and the right to delete versions)."""
        name = f"test-{'-'.join(rights)}"
        rules = f'path "{path}" {{ capabilities = {json.dumps(rights)} }}'
        rules += f' path "secret/delete/*" {{ capabilities = {json.dumps(rights)} }}'
        self.call("PUT", f"sys/policies/acl/{name}", {"policy": rules})
        made: str = self.call("POST", "auth/token/create", {"policies": [name]})["auth"]["client_token"]
        return made

    def record(self, path: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = self.call("GET", f"secret/data/{path}")["data"]["data"]
        except OpenBaoError:
            return {}
        return found

    def forget(self, path: str) -> None:
        """As if nothing had ever been written there."""
        self.call("DELETE", f"secret/metadata/{path}")

    def versions(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = self.call("GET", f"secret/metadata/{path}")["data"]["versions"]
        return found

    def call(self, method: str, path: str, body: Any = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, f"/v1/{path}", content, {"X-Vault-Token": self.root} if self.root else {})
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if answer.status >= 400:
            raise OpenBaoError(f"{method} {path}: {answer.status} {text}")
        return json.loads(text) if text else None

    def __enter__(self) -> OpenBao:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()
