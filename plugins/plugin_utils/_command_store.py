# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A key store of a user's own commands; the record goes over standard input and output."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any

from ansible_collections.msp.connectwise.plugins.plugin_utils._json import loaded
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_file import StoreError
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_record import Record

_LIMIT = 120.0  # seconds
_VERBS = {"read": "reads", "write": "writes", "delete": "deletes"}
UNSEEN = "what it said is not shown here, since it may quote the record"
RESTORE = "restore the record from a backup"


@dataclass(frozen=True)
class Where:
    """Whose record it is, and what of a described store differs from user to user.

    options: of the other collection, such as the server and how to authenticate.
    """

    tenant: str
    name: str
    path: str = ""
    mount: str = ""
    options: Mapping[str, Any] | None = None
    settle: float = 2.0


class Command:
    """Three commands that read, write and delete the record."""

    guarded = False

    def __init__(self, commands: Mapping[str, Any], where: Where) -> None:
        self._commands, self._where = commands, where
        self.settle = where.settle
        first = (commands.get("read") or ["no command"])[0]
        self.place = str(commands.get("place") or f"{first}: {where.tenant}/{where.name}")

    def read(self) -> Record:
        done = self._run("read")
        missing = self._commands.get("missing")
        if done.returncode:
            if missing and re.search(missing, done.stderr):
                return {}
            raise self._failed("read", _ended(done.returncode))
        if not done.stdout.strip():
            # A write that was cut short leaves this. To take it for no record would lose the key that was there.
            raise self._failed(
                "read",
                "it printed nothing and ended with exit code 0, so the record is damaged",
                f"{RESTORE}, and see what comes of {self._by_hand('read')}; where there is none, let it print {{}}, "
                "or fail with what integration_store_command.missing describes",
            )
        try:
            record = loaded(done.stdout)
        except ValueError:
            record = None
        if not isinstance(record, dict):
            raise self._failed("read", "what it printed is no record", f"{RESTORE}, or run {self._by_hand('read')}")
        return record

    def write(self, record: Record) -> None:
        self._require("write", json.dumps(record))

    def delete(self) -> None:
        self._require("delete")

    def check(self, *, write: bool) -> None:
        record = self.read()
        if write:
            self.write(record)

    def _require(self, operation: str, text: str = "") -> None:
        done = self._run(operation, text)
        if done.returncode:
            raise self._failed(operation, _ended(done.returncode))

    def _run(self, operation: str, text: str = "") -> subprocess.CompletedProcess[str]:
        command = [str(part) for part in self._commands.get(operation) or []]
        try:
            with (
                _whole(text) as whole,
                # In a session of its own it finishes its write when the run is killed or interrupted.
                subprocess.Popen(
                    command,
                    stdin=whole,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env={**os.environ, **self._variables()},
                    encoding="utf-8",
                    errors="replace",
                    start_new_session=True,
                ) as process,
            ):
                try:
                    output, errors = process.communicate(timeout=_LIMIT)
                except subprocess.TimeoutExpired:
                    with suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
                    raise
                return subprocess.CompletedProcess(command, process.returncode, output, errors)
        except subprocess.TimeoutExpired:
            raise self._failed(operation, f"it did not end within {_LIMIT:.0f} seconds and was killed") from None
        except (OSError, ValueError, IndexError) as problem:
            raise self._failed(operation, f"it cannot be run ({type(problem).__name__})") from None

    def _variables(self) -> dict[str, str]:
        return {"CW_STORE_TENANT": self._where.tenant, "CW_STORE_NAME": self._where.name}

    def _by_hand(self, operation: str) -> str:
        """Tell how to run it, without its arguments, which may hold a secret."""
        variables = " ".join(f"{name}={shlex.quote(value)}" for name, value in self._variables().items())
        return f"the command of integration_store_command.{operation} by hand with {variables}"

    def _failed(self, operation: str, why: str, remedy: str = "") -> StoreError:
        """Return the error without what the command said, which may quote the record."""
        first = (self._commands.get(operation) or ["none is set"])[0]
        more = {
            "read": ". If it fails because there is no record yet, describe what it says in "
            "integration_store_command.missing",
            "write": " and any JSON on its standard input",
            "delete": "",
        }[operation]
        return StoreError(
            f"the command that {_VERBS[operation]} ({first}) failed for {self._where.tenant}/{self._where.name}: {why}",
            remedy or f"run {self._by_hand(operation)}{more}; {UNSEEN}",
        )


def _ended(code: int) -> str:
    return f"it was ended by signal {-code}" if code < 0 else f"it ended with exit code {code}"


def _whole(text: str) -> IO[bytes]:
    """Return an input that is complete before the command starts, and on no disk under a name.

    A pipe would be cut when the run is killed, and the command would store an empty record.
    """
    try:
        file: IO[bytes] = os.fdopen(os.memfd_create("cw_record"), "w+b")
    except (AttributeError, OSError):
        file = tempfile.TemporaryFile()  # noqa: SIM115
    file.write(text.encode())
    file.flush()
    file.seek(0)
    return file
