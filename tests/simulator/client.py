# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts a simulator and talks to its control API; standard library only, for tests and scripts."""

from __future__ import annotations

import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT = 120.0


class ControlError(RuntimeError):
    """The control API refused, or the simulator is not there."""


class Control:
    """The control API, from the contents of a ready file."""

    def __init__(self, ready: dict[str, Any]) -> None:
        self.ready = ready
        self._context = ssl.create_default_context(cafile=ready["ca"])
        self._address = urlsplit(ready["control"]).netloc

    def call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body)
        headers = {"X-Simulator-Token": self.ready["token"], "Content-Type": "application/json"}
        connection = http.client.HTTPSConnection(self._address, context=self._context, timeout=120)
        try:
            connection.request(method, f"/_simulator/{path}", body=data, headers=headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
        except OSError as error:
            raise ControlError(f"no simulator at {self.ready['control']}: {error}") from error
        finally:
            connection.close()
        if response.status != HTTPStatus.OK:
            raise ControlError(answer.get("error", f"status {response.status}"))
        return answer

    def journal(self, tenant: str | None = None, since: int = 0, writes: bool = False) -> list[dict[str, Any]]:
        arguments: dict[str, Any] = {"since": since, "writes": int(writes)}
        if tenant is not None:
            arguments["tenant"] = tenant
        entries: list[dict[str, Any]] = self.call("GET", f"journal?{urlencode(arguments)}")
        return entries

    def clear_journal(self) -> None:
        self.call("DELETE", "journal")

    def state(self, tenant: str) -> dict[str, Any]:
        found: dict[str, Any] = self.call("GET", f"state/{quote(tenant)}")
        return found

    def role(self, tenant: str, name: str) -> dict[str, Any] | None:
        """The role of that name; an error when there are several."""
        found = [role for role in self.state(tenant)["roles"] if role["name"] == name]
        if len(found) > 1:
            raise ControlError(f"{len(found)} roles are named {name!r}")
        return found[0] if found else None

    def faults(self, *rules: dict[str, Any]) -> None:
        self.call("POST", "faults", list(rules))

    def fault_hits(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call("GET", "faults")
        return found

    def clear_faults(self) -> None:
        self.call("DELETE", "faults")

    def latency(self, ms: float, jitter_ms: float = 0) -> None:
        self.call("POST", "latency", {"ms": ms, "jitter_ms": jitter_ms})

    def rate_limit(self, per_minute: int | None = None, max_parallel: int | None = None) -> None:
        self.call("POST", "rate_limit", {"per_minute": per_minute, "max_parallel": max_parallel})

    def operator(self, tenant: str, steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
        made: list[dict[str, Any]] = self.call("POST", f"operator/{quote(tenant)}", steps)
        return made

    def edit(self, tenant: str, *edits: dict[str, Any]) -> list[dict[str, Any]]:
        made: list[dict[str, Any]] = self.call("POST", f"edit/{quote(tenant)}", list(edits))
        return made


class Simulator(Control):
    """A simulator process of one's own, as a context manager. ``tenants`` is the tenants file's content or path."""

    def __init__(
        self,
        tenants: dict[str, Any] | str | os.PathLike[str],
        directory: str | os.PathLike[str] | None = None,
        python: str = sys.executable,
        arguments: tuple[str, ...] = (),
    ) -> None:
        self._own = None if directory else tempfile.TemporaryDirectory(prefix="psa-simulator-")
        self.directory = Path(self._own.name if self._own else str(directory))
        self.directory.mkdir(parents=True, exist_ok=True)
        if isinstance(tenants, dict):
            # JSON is YAML too.
            tenants_file = self.directory / "tenants.yml"
            tenants_file.write_text(json.dumps(tenants), encoding="utf-8")
        else:
            tenants_file = Path(tenants)
        self.ready_file = self.directory / "ready.json"
        self.ready_file.unlink(missing_ok=True)
        self.log = self.directory / "simulator.log"
        command = [python, "-m", "tests.simulator", "serve", "--with-parent"]
        command += ["--tenants", str(tenants_file.absolute()), "--state-dir", str(self.directory)]
        command += ["--ready-file", str(self.ready_file), *arguments]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        super().__init__(self._wait())

    def _wait(self) -> dict[str, Any]:
        end = time.monotonic() + START_TIMEOUT
        while not self.ready_file.exists():
            if self.process.poll() is not None or time.monotonic() > end:
                self.process.kill()
                self.process.wait()
                raise ControlError(f"the simulator did not start: {self.log.read_text(encoding='utf-8')}")
            time.sleep(0.02)
        ready: dict[str, Any] = json.loads(self.ready_file.read_text(encoding="utf-8"))
        return ready

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self._own:
            self._own.cleanup()

    def __enter__(self) -> Simulator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
