# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that write down all they can, and a look for private keys in everything they leave, show and pass through."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.keys.ground import ROOT, VENDOR, Ground, tenants
from tests.keys.stores import STORES, TENANT
from tests.simulator.client import Simulator

KEYS = "apiKeys"
OWN_STORES = {"by_command", "by_description"}


class Watch(threading.Thread):
    """Every command line of the machine, and every file below these directories, while runs are going on."""

    def __init__(self, *directories: Path) -> None:
        super().__init__(daemon=True)
        self.directories = directories
        self.ended = threading.Event()
        self.command_lines: set[bytes] = set()
        self.files: dict[tuple[str, int], bytes] = {}

    def run(self) -> None:
        while not self.ended.wait(0.01):
            # Processes and files go while they are looked at; whoever is too late for one goes on to the next.
            for process in Path("/proc").iterdir():
                if process.name.isdecimal():
                    with suppress(OSError):
                        self.command_lines.add((process / "cmdline").read_bytes())
            for directory in self.directories:
                for folder, _folders, names in os.walk(directory):
                    for file in (Path(folder, name) for name in names):
                        with suppress(OSError):
                            self._keep(file)

    def _keep(self, file: Path) -> None:
        seen = (str(file), file.stat().st_size)
        if seen not in self.files and file.is_file():
            self.files[seen] = file.read_bytes()


def forms(public: str, private: str) -> list[str]:
    """The secret as it is, and as a request's header would carry it."""
    pair = base64.b64encode(f"{TENANT}+{public}:{private}".encode()).decode().rstrip("=")
    return [private, pair[-24:-2], base64.b64encode(private.encode()).decode().rstrip("=")[:-2]]


def found_in(text: str | bytes, secrets: Iterable[str]) -> list[str]:
    plain = text.decode(errors="replace") if isinstance(text, bytes) else text
    return [secret for secret in secrets if secret in plain]


def talkative(directory: Path, keep_files: bool) -> dict[str, str]:
    """The variables of a run that writes down all it can."""
    return {
        "ANSIBLE_CALLBACKS_ENABLED": "ansible.builtin.junit,ansible.builtin.tree,ansible.posix.profile_tasks,"
        "community.general.log_plays,ansible.posix.jsonl",
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
        "ANSIBLE_CALLBACK_TREE_DIR": str(directory / "tree"),
        "ANSIBLE_LOG_FOLDER": str(directory / "plays"),
        "JUNIT_OUTPUT_DIR": str(directory / "junit"),
        "ANSIBLE_LOG_PATH": str(directory / "ansible.log"),
        "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(directory / "facts"),
        "ANSIBLE_KEEP_REMOTE_FILES": str(int(keep_files)),
        "ANSIBLE_REMOTE_TMP": str(directory / "remote"),
        "ANSIBLE_LOCAL_TEMP": str(directory / "local"),
        "ANSIBLE_DISPLAY_ARGS_TO_STDOUT": "1",
    }


def look_for_leaks(place: Path, store_name: str = "vaulted_file", *, keep_files: bool = True, **variables: Any) -> None:
    """Create and replace a key, once with a failure in between, and look everywhere.

    keep_files: let Ansible keep what it hands to modules of other processes, which holds their arguments.
    """
    tool = ROOT / "tools" / "optional_collections.py"
    subprocess.run([sys.executable, str(tool), "ansible.posix", "community.general"], check=True, timeout=240)
    directory = place / "written"
    directory.mkdir()
    (place / "ground").mkdir()
    with (
        STORES[store_name](place / "ground") as store,
        Simulator(tenants(TENANT)) as simulator,
        Ground(place / "ground", simulator, store=store) as ground,
    ):
        # A play of one's own, after the engine: what it sees in the host's variables is what it could print.
        ground.play_file.write_text(
            ground.play_file.read_text(encoding="utf-8")
            + f"""
    - ansible.builtin.copy:
        content: >-
          {{{{ hostvars[inventory_hostname] | dict2items | rejectattr('key', 'eq', 'cw_private_key') | string }}}}
        dest: {directory}/variables
        mode: "0600"
""",
            encoding="utf-8",
        )
        watch = Watch(directory / "remote", directory / "local")
        watch.start()
        secrets: set[str] = set()
        output, codes = "", []
        runs: list[tuple[dict[str, Any], dict[str, Any]]] = [
            ({}, {}),
            # The second new key is stored and current when its predecessor cannot be deleted; that run fails.
            ({"integration_rotate": True}, {"fault": "status", "status": 500, "method": "DELETE", "path": KEYS}),
            ({}, {}),
        ]
        for extra, fault in runs:
            if fault:
                simulator.faults(fault)
            told = {**ground.store.variables, **variables, **extra}
            done = ground.playground.play(
                ground.play_file, "-vvvv", "--diff", env=talkative(directory, keep_files), **told
            )
            simulator.clear_faults()
            output += done.output
            codes.append(done.code)
            # The same store and tenant through the action that works on a fleet, which has the key in its hands too.
            for playbook in ("onboard", "audit", "key_report"):
                fleet = ground.playground.play(
                    playbook,
                    "-vvvv",
                    "--diff",
                    env=talkative(directory, keep_files),
                    **{**told, "integration_rotate": False},
                )
                output += fleet.output
            record = ground.record(TENANT)
            for key in [record.get("current"), record.get("next"), *record.get("retired", [])]:
                if key and key.get("private_key"):
                    secrets.update(forms(key["public_key"], key["private_key"]))
        watch.ended.set()
        watch.join(timeout=30)
        assert not ground.problem(TENANT)
        texts = {
            "output": output,
            "journal": json.dumps(simulator.journal()),
            "state": json.dumps(simulator.state(TENANT)),
            "log": simulator.log.read_text(encoding="utf-8"),
        }

    assert [bool(code) for code in codes] == [False, True, False], output[-3000:]
    assert len(secrets) == 2 * 3
    # The net holds: a secret that is there is found, and files that came and went were seen.
    assert found_in(f"x{min(secrets)}x", secrets) == [min(secrets)]
    assert watch.files
    # The name of the file differs between versions of ansible-core.
    (facts,) = (directory / "facts").iterdir()
    assert VENDOR in facts.read_text(encoding="utf-8")
    for name in ("tree", "plays", "junit"):
        assert any((directory / name).iterdir()), name
    assert [what for what, text in texts.items() if found_in(text, secrets)] == []
    assert [line for line in watch.command_lines if found_in(line, secrets)] == []
    assert [name for (name, _size), text in watch.files.items() if found_in(text, secrets)] == []
    # What a user's own store keeps in the clear is that store's business.
    leaky = [
        str(file.relative_to(place))
        for file in place.rglob("*")
        if file.is_file() and not OWN_STORES & set(file.parts) and found_in(file.read_bytes(), secrets)
    ]
    assert leaky == []
