# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No private key shows anywhere: talkative output, callbacks, caches, temporary files, processes, reports."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.keys.ground import VENDOR, Ground, tenants
from tests.simulator.client import Simulator

ROOT = Path(__file__).resolve().parents[2]
TENANT = "north"
KEYS = "apiKeys"


@pytest.fixture(scope="module", autouse=True)
def collections():
    tool = ROOT / "tools" / "optional_collections.py"
    subprocess.run([sys.executable, str(tool), "ansible.posix", "community.general"], check=True, timeout=240)


class Processes(threading.Thread):
    """Every command line of the machine while a run is going on."""

    def __init__(self):
        super().__init__(daemon=True)
        self.ended, self.lines = threading.Event(), set()

    def run(self):
        while not self.ended.wait(0.02):
            for file in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self.lines.add(file.read_bytes())
                except OSError:
                    continue


def forms(public, private):
    """The secret as it is, and as a request's header would carry it."""
    pair = base64.b64encode(f"{TENANT}+{public}:{private}".encode()).decode().rstrip("=")
    return [private, pair[-24:-2], base64.b64encode(private.encode()).decode().rstrip("=")[:-2]]


def found_in(text, secrets):
    return [secret for secret in secrets if secret in text]


def talkative(ground, directory):
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
        "ANSIBLE_KEEP_REMOTE_FILES": "1",
        "ANSIBLE_REMOTE_TMP": str(directory / "remote"),
        "ANSIBLE_LOCAL_TEMP": str(directory / "local"),
        "ANSIBLE_DISPLAY_ARGS_TO_STDOUT": "1",
    }


@pytest.mark.timeout(900)
def test_no_private_key_shows_anywhere(tmp_path):
    directory = tmp_path / "written"
    directory.mkdir()
    with Simulator(tenants(TENANT)) as simulator, Ground(tmp_path / "ground", simulator) as ground:
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
        processes = Processes()
        processes.start()
        secrets, output, codes = [], "", []
        runs = [
            ({}, {}),
            # The second new key is stored and current when its predecessor cannot be deleted; that run fails.
            ({"integration_rotate": True}, {"fault": "status", "status": 500, "method": "DELETE", "path": KEYS}),
            ({}, {}),
        ]
        for extra, fault in runs:
            if fault:
                simulator.faults(fault)
            done = ground.playground.play(
                ground.play_file, "-vvvv", "--diff", env=talkative(ground, directory), **extra
            )
            simulator.clear_faults()
            output += done.output
            codes.append(done.code)
            record = ground.record(TENANT)
            for key in [record.get("current"), record.get("next"), *record.get("retired", [])]:
                if key and key.get("private_key"):
                    secrets += forms(key["public_key"], key["private_key"])
        processes.ended.set()
        processes.join(timeout=30)
        assert not ground.problem(TENANT)
        journal = json.dumps(simulator.journal())
        state = json.dumps(simulator.state(TENANT))
        log = simulator.log.read_text(encoding="utf-8")

    assert [bool(code) for code in codes] == [False, True, False]
    secrets = sorted(set(secrets))
    assert len(secrets) == 2 * 3
    # The net holds: a secret that is there is found.
    assert found_in(f"x{secrets[0]}x", secrets) == [secrets[0]]
    # The name of the file differs between versions of ansible-core.
    (facts,) = (directory / "facts").iterdir()
    assert VENDOR in facts.read_text(encoding="utf-8")
    for name in ("tree", "plays", "junit"):
        assert any((directory / name).iterdir()), name
    assert found_in(output, secrets) == []
    for what, text in (("journal", journal), ("state", state), ("log", log)):
        assert found_in(text, secrets) == [], what
    for line in processes.lines:
        assert found_in(line.decode(errors="replace"), secrets) == []
    leaky = [
        str(file.relative_to(tmp_path))
        for file in tmp_path.rglob("*")
        if file.is_file() and found_in(file.read_bytes().decode(errors="replace"), secrets)
    ]
    assert leaky == []
