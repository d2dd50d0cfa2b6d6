# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One small vendor on simulated tenants, run and killed at will, and what must hold of its keys afterwards."""

from __future__ import annotations

import base64
import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible.parsing.vault import VaultLib, VaultSecret

from tests.keys.seams import FILE, NAME, NUMBER
from tests.playground import Playground
from tests.simulator.client import Simulator

ROOT = Path(__file__).resolve().parents[2]
VENDOR, MEMBER = "umbrella", "Umbrella"
PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.include_role:
        name: msp.connectwise.umbrella
"""


def tenants(*names: str, profile: str = "extended") -> dict[str, Any]:
    return {
        "sites": [{"name": "na", "kind": "cloud", "region": "NA"}],
        "tenants": [{"company_id": name, "site": "na", "profile": profile} for name in names],
    }


class Runner:
    """The process that forks runs."""

    def __init__(self, log: Path) -> None:
        environment = {
            **os.environ,
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests" / "keys" / "callback"),
            "ANSIBLE_CALLBACKS_ENABLED": "boundary",
            # The callback takes the seams from here.
            "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
        }
        command = [sys.executable, str(ROOT / "tests" / "keys" / "runner.py")]
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            )

    def run(self, *runs: dict[str, Any]) -> list[int]:
        """The exit statuses of runs that begin together."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(runs) + "\n")
        self.process.stdin.flush()
        statuses: list[int] = json.loads(self.process.stdout.readline())
        return statuses

    def kill(self) -> None:
        """End the time of the runs that are under way and have one."""
        self.process.send_signal(signal.SIGUSR1)

    def close(self) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        self.process.wait(timeout=300)
        self.process.stdout.close()


@dataclass(frozen=True)
class Store:
    """Another store than the default one: the variables that choose it, and how to read and to empty it by tenant."""

    record: Callable[[str], dict[str, Any]]
    forget: Callable[[str], object]
    variables: Mapping[str, Any] = field(default_factory=dict)


class Ground:
    """Tenants, a runner, and a store: the default one of the directory, or another."""

    def __init__(self, directory: Path, simulator: Simulator, *, store: Store | None = None, **everywhere: Any) -> None:
        self.simulator = simulator
        self.store = store or Store(self._vaulted, lambda tenant: self.store_file(tenant).unlink(missing_ok=True))
        # What is replaced goes at once, unless a test says otherwise; the vendors' own days of grace are longer.
        known = {"cw_integrations": [VENDOR], "integration_key_grace_days": 0, **everywhere}
        self.playground = Playground(directory, simulator.ready, **known)
        self.directory = directory
        self.play_file = directory / "play.yml"
        self.play_file.write_text(PLAY, encoding="utf-8")
        self.seam_file = directory / "seams"
        self.log = directory / "runs.log"
        self.runner = Runner(directory / "runner.log")

    def close(self) -> None:
        self.runner.close()

    def __enter__(self) -> Ground:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def order(
        self,
        tenant: str,
        kill_after: float | None = None,
        kill_at: int | str = 0,
        env: Mapping[str, str] | None = None,
        playbook: str = "",
        main_only: bool = False,
        **extra: Any,
    ) -> dict[str, Any]:
        """What the runner needs to know.

        kill_at: number of the seam at which the run kills itself, or a part of its name. playbook: one of the
        collection's instead of the role. main_only: whether kill_after leaves the workers to themselves.
        """
        play = f"msp.connectwise.{playbook}" if playbook else str(self.play_file)
        arguments = [play, "-i", str(self.playground.inventory), "--limit", tenant]
        extra = {**self.store.variables, **extra}
        arguments += ["--vault-password-file", str(self.playground.passphrase), "-e", json.dumps(extra)]
        self.seam_file.unlink(missing_ok=True)
        which = NAME if isinstance(kill_at, str) else NUMBER
        variables = {FILE: str(self.seam_file), which: str(kill_at or ""), **(env or {})}
        return {
            "arguments": arguments,
            "directory": str(self.directory),
            "log": str(self.log),
            "variables": variables,
            "kill_after": kill_after,
            "main_only": main_only,
        }

    def run(self, tenant: str, **how: Any) -> int:
        """One run's exit status; negative where it was killed."""
        return self.runner.run(self.order(tenant, **how))[0]

    def output(self) -> str:
        """What the runs since the last call have printed."""
        text = self.log.read_text(encoding="utf-8") if self.log.exists() else ""
        self.log.unlink(missing_ok=True)
        return text

    def seams(self) -> list[str]:
        """The seams of the last run, in their order."""
        return self.seam_file.read_text(encoding="utf-8").splitlines() if self.seam_file.exists() else []

    def store_file(self, tenant: str) -> Path:
        return self.directory / "connectwise_keys" / f"{tenant}.yml"

    def record(self, tenant: str) -> dict[str, Any]:
        """What the store holds of the vendor."""
        return self.store.record(tenant)

    def _vaulted(self, tenant: str) -> dict[str, Any]:
        found: dict[str, Any] = self.records(tenant).get(VENDOR, {})
        return found

    def records(self, tenant: str) -> dict[str, Any]:
        """What the default store holds, by vendor."""
        if not self.store_file(tenant).exists():
            return {}
        passphrase = self.playground.passphrase.read_bytes().strip()
        text = VaultLib([("default", VaultSecret(passphrase))]).decrypt(self.store_file(tenant).read_bytes())
        found: dict[str, Any] = json.loads(text)["integrations"]
        return found

    def live_keys(self, tenant: str, member: str = MEMBER) -> list[str]:
        """Public halves of the keys that the member has."""
        return [key["public_key"] for key in self.simulator.state(tenant)["keys"].get(member, [])]

    def works(self, tenant: str, key: Mapping[str, Any]) -> bool:
        """Whether the tenant takes both halves of a key."""
        return works(self.simulator, tenant, key)

    def forget(self, tenant: str) -> None:
        """As if the vendor had no key on this tenant, and the store none of it."""
        self.store.forget(tenant)
        doomed = [{"op": "delete_key", "public_key": key} for key in self.live_keys(tenant)]
        if doomed:
            self.simulator.edit(tenant, *doomed)

    def problem(self, tenant: str, record: Mapping[str, Any] | None = None) -> str:
        """What is wrong with the invariant: one live key, whose secret is in the store, and nothing unfinished."""
        record = self.record(tenant) if record is None else record
        current, live = record.get("current") or {}, self.live_keys(tenant)
        if live != [current.get("public_key")]:
            return f"the member's keys are {live}, the store's is {current.get('public_key')}"
        if not self.works(tenant, current):
            return f"the stored key {current['public_key']} does not work"
        left = sorted({"next", "retired", "leftover"} & set(record))
        return f"the record still has {', '.join(left)}" if left else ""


def works(simulator: Simulator, tenant: str, key: Mapping[str, Any]) -> bool:
    known = simulator.ready["tenants"][tenant]
    pair = f"{known['company_id']}+{key['public_key']}:{key['private_key']}"
    headers = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}", "clientId": known["client_id"]}
    context = ssl.create_default_context(cafile=simulator.ready["ca"])
    connection = http.client.HTTPSConnection(known["host"], context=context, timeout=30)
    try:
        connection.request("GET", "/v4_6_release/apis/3.0/system/mySecurity?pageSize=1", headers=headers)
        return connection.getresponse().status == 200
    finally:
        connection.close()
