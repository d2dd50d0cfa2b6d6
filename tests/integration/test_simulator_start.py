# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One command starts tenants to try the collection on, and what it prints to type works as it stands."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 180.0  # seconds


def free_ports(count):
    """The first of some ports in a row that nobody listens on."""
    for first in range(21000, 30000, count):
        with suppress(OSError):
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            return first
    raise AssertionError("no free ports")


@contextmanager
def started(place, port):
    """The tool, as a person starts it; gives what it printed."""
    command = [sys.executable, "tools/simulator.py", "--port", str(port), "--directory", str(place)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    printed, end = b"", time.monotonic() + LIMIT
    try:
        while b"ends the simulator" not in printed:
            assert time.monotonic() < end, printed
            if select.select([process.stdout], [], [], 1)[0]:
                piece = os.read(process.stdout.fileno(), 65536)
                assert piece, printed
                printed += piece
        yield printed.decode()
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            assert process.wait(timeout=60) == 0
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def typed(printed):
    return [line.strip() for line in printed.splitlines() if line.startswith("  ") and "# " not in line]


def run(command):
    # The passphrase and the places are in the command; nothing else of a workplace may be needed.
    own = "" if command.startswith(".venv/") else sysconfig.get_path("scripts") + os.pathsep
    shell = {"HOME": os.environ["HOME"], "PATH": f"{own}/usr/bin:/bin", "LANG": "C.UTF-8"}
    if own:
        shell["ANSIBLE_COLLECTIONS_PATH"] = os.environ["ANSIBLE_COLLECTIONS_PATH"]
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=ROOT,
        env=shell,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def told_next(printed):
    """The commands that a run prints to type next."""
    return [line.removeprefix("Next:").strip() for line in printed.splitlines() if line.startswith("Next:")]


def statuses(place):
    found = [json.loads(path.read_text(encoding="utf-8")) for path in (place / "connectwise_reports").glob("*/*.json")]
    return {(entry["tenant"], entry["vendor"]): entry["status"] for entry in found if "vendor" in entry}


@pytest.mark.timeout(600)
def test_what_is_printed_works(tmp_path):
    place, port = tmp_path / "a place", free_ports(3)
    with started(place, port) as printed:
        onboard, clicks, store = typed(printed)
        (after,) = told_next(run(onboard))
        assert "msp.connectwise.finish" in after
        assert statuses(place)[("north", "zofiq")] == "ready"
        assert statuses(place)[("onprem", "zofiq")] == "pending"
        run(clicks)
        # As it is printed, in a shell that knows nothing of the one before.
        (after,) = told_next(run(store))
        assert "msp.connectwise.audit" in after
        assert set(statuses(place).values()) == {"ready"}
        assert told_next(run(after)) == ["nothing; there is nothing left to do"]
        assert (place / "vault-passphrase").stat().st_mode & 0o777 == 0o600
        assert (place / "inventory.yml").stat().st_mode & 0o777 == 0o600
        before = (place / "inventory.yml").read_text(encoding="utf-8")
    # Another start has the same addresses and keys, and knows nothing of what was made.
    with started(place, port) as printed:
        assert (place / "inventory.yml").read_text(encoding="utf-8") == before
        assert f"https://localhost:{port} " in printed
        assert not (place / "connectwise_keys").exists()


def test_a_port_that_is_taken_is_told(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = [sys.executable, "tools/simulator.py", "--directory", str(tmp_path)]
        command += ["--port", str(taken.getsockname()[1])]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert done.returncode == 1
    assert "make simulator PORT=" in done.stderr
