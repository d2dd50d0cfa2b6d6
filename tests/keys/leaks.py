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
from urllib.parse import quote

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


# Tenant -> what it answers to the creation of a key, which it carries out.
QUOTING = {
    "north": {"status": 400, "form": "json"},
    "east": {"status": 500, "form": "text"},
    "south": {"status": 302, "form": "redirect"},
    "west": {"status": 403, "form": "page"},
}
PASSWORD = "hunter22/secret"


def told(place: Path, ground: Ground) -> dict[str, bytes]:
    """What runs have written, but for what the ground and the simulator keep for themselves."""
    own = {ground.playground.inventory, ground.playground.passphrase}
    files = [
        file for file in place.rglob("*") if file.is_file() and file not in own and not OWN_STORES & set(file.parts)
    ]
    return {str(file.relative_to(place)): file.read_bytes() for file in files}


def open_to_others(directory: Path) -> list[str]:
    """What others than the owner may read, write or enter."""
    return [
        f"{one} {one.stat().st_mode & 0o777:o}"
        for one in (directory, *directory.rglob("*"))
        if one.stat().st_mode & 0o077
    ]


def look_for_quoted_keys(place: Path) -> None:
    """Tenants that make a key and quote it in an error, and a host with a password in its address."""
    with (
        Simulator(tenants(*QUOTING)) as simulator,
        Ground(place, simulator) as ground,
    ):
        inventory = json.loads(ground.playground.inventory.read_text(encoding="utf-8"))
        hosts = inventory["all"]["hosts"]
        hosts["mistyped"] = {**hosts["north"], "cw_company_id": "mistyped"}
        hosts["mistyped"]["cw_host"] = f"https://bob:{quote(PASSWORD, safe='')}@{hosts['north']['cw_host']}"
        ground.playground.write(ground.playground.inventory, json.dumps(inventory))
        reports = place / "connectwise_reports"
        # What an earlier version has left open.
        (reports / "north").mkdir(parents=True, mode=0o755)
        (reports / "north" / "zofiq.md").write_text("an order", encoding="utf-8")
        (reports / "north" / "zofiq.md").chmod(0o644)
        rules = [
            {"fault": "quoting", "tenant": name, "method": "POST", "path": KEYS, **what}
            for name, what in QUOTING.items()
        ]
        simulator.faults(*rules)
        env = {"ANSIBLE_LOG_PATH": str(place / "ansible.log")}
        done = ground.playground.play("onboard", "-vvv", "--diff", env=env)
        doctor = ground.playground.play("doctor", "-vvv", "--limit", "mistyped", env=env)
        apart = ground.playground.play("doctor", "-vvv", "--limit", "mistyped", env=env, cw_in_process=False)
        found = ground.playground.reports()
        written, open_before = told(place, ground), open_to_others(reports)
        assert {name: ground.live_keys(name) for name in QUOTING} == {name: [] for name in QUOTING}
        assert len([hit for hit in simulator.fault_hits() if hit["hits"]]) == len(QUOTING)
        simulator.clear_faults()
        second = ground.playground.play("onboard", "--limit", "all:!mistyped", integration_report_mode="0640")
        problems = {name: ground.problem(name) for name in QUOTING}
        modes = {one.stat().st_mode & 0o777 for one in (reports / "north").iterdir()}
        folder = (reports / "north").stat().st_mode & 0o777

    output = done.output + doctor.output + apart.output
    for name, what in QUOTING.items():
        assert f"status {what['status']}" in found[name][VENDOR]["error"], found[name][VENDOR]["error"]
    assert "has a user name or a password in it" in done.output
    assert "has a user name or a password in it" in doctor.output
    assert "has a user name or a password in it" in apart.output
    # The simulator names the half so wherever it quotes it, and nothing of ours does.
    secrets = ["privateKey", PASSWORD, quote(PASSWORD, safe=""), PASSWORD.partition("/")[0]]
    assert found_in(output, secrets) == []
    assert {name: text for name, text in written.items() if found_in(text, secrets)} == {}
    assert open_before == []
    assert second.code == 0, second.output[-3000:]
    assert problems == dict.fromkeys(QUOTING, "")
    assert (modes, folder) == ({0o640}, 0o750)


TALKATIVE = """
#!/bin/sh
# A store that quotes what it is given, and what it holds, once it is to fail.
cd "$(dirname "$0")" || exit 1
file="$CW_STORE_TENANT.$CW_STORE_NAME"
case "$1" in
read) [ -e failing ] && { cat "$file" >&2; base64 "$file" >&2; exit 1; }; cat "$file" ;;
delete) rm "$file" ;;
write)
  record=$(cat)
  case "$record" in *private_key*) [ -e refusing ] && { echo "$record" | tee -a seen >&2; exit 1; } ;; esac
  printf '%s' "$record" > "$file" ;;
esac
"""


def look_for_a_store_that_talks(place: Path) -> None:
    """A command store that fails and quotes the record: when the key is stored, and when it is read."""
    directory = place / "by_command"
    directory.mkdir(mode=0o700)
    script = directory / "store.sh"
    script.write_text(TALKATIVE.lstrip(), encoding="utf-8")
    commands: dict[str, Any] = {name: ["sh", str(script), name] for name in ("read", "write", "delete")}
    variables = {
        "integration_store": "command",
        "integration_store_command": {**commands, "missing": "No such file"},
        "integration_store_settle": 0,
    }
    env = {"ANSIBLE_LOG_PATH": str(place / "ansible.log")}
    with Simulator(tenants(TENANT)) as simulator, Ground(place, simulator) as ground:
        (directory / "refusing").touch()
        refused = ground.playground.play("onboard", "-vvv", "--diff", env=env, **variables)
        assert ground.live_keys(TENANT) == []
        (directory / "refusing").unlink()
        stored = ground.playground.play("onboard", "-vvv", "--diff", env=env, **variables)
        (directory / "failing").touch()
        unread = ground.playground.play("onboard", "-vvv", "--diff", env=env, **variables)
        written = told(place, ground)
    seen = [json.loads(line) for line in (directory / "seen").read_text(encoding="utf-8").splitlines()]
    (file,) = directory.glob(f"{TENANT}.*")
    kept = json.loads(file.read_text(encoding="utf-8"))
    keys = [key for record in (*seen, kept) for key in (record.get("current"), record.get("next")) if key]
    secrets = {form for key in keys if key.get("private_key") for form in forms(key["public_key"], key["private_key"])}
    assert len(secrets) == 2 * 3
    assert [bool(one.code) for one in (refused, stored, unread)] == [True, False, True], stored.output[-3000:]
    assert found_in(refused.output + stored.output + unread.output, secrets) == []
    assert [name for name, text in written.items() if found_in(text, secrets)] == []
