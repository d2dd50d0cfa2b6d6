# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory from which ansible-playbook works on simulated tenants as a user's does on real ones."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.simulator.client import Control

VENDORS = ["zofiq", "acct_sync", "ticket_scout", "umbrella", "petra"]
# A North American and a European cloud tenant that offer the extension routes, and one on premises that does not.
TENANTS: dict[str, Any] = {
    "sites": [
        {"name": "na", "kind": "cloud", "region": "NA"},
        {"name": "eu", "kind": "cloud", "region": "EU"},
        {"name": "onprem", "kind": "on_prem"},
    ],
    "tenants": [
        {"company_id": "north", "site": "na", "profile": "extended"},
        {"company_id": "europe", "site": "eu", "profile": "extended"},
        {"company_id": "onprem", "site": "onprem", "profile": "published"},
    ],
}
PLAY_LIMIT = 240.0  # seconds
# Role and member of the first key, as roles/cw_admin names them.
FIRST_ROLE, FIRST_MEMBER = "Ansible msp.connectwise", "Ansible"
FIRST_RIGHTS = {
    "Member Maintenance": ("add", "edit", "delete", "inquire"),
    "Security Roles": ("add", "edit", "delete", "inquire"),
    "Table Setup": ("inquire",),
}
FIRST_TABLES = ["Agreements / Agreement Type", "Company / Configuration"]


def inventory_of(ready: Mapping[str, Any], **everywhere: Any) -> dict[str, Any]:
    """What a user writes for tenants of the real product, with the simulator's addresses and keys."""
    hosts = {
        name: {
            "cw_host": tenant["host"],
            "cw_company_id": tenant["company_id"],
            "cw_public_key": tenant["public_key"],
            "cw_private_key": tenant["private_key"],
            "cw_client_id": tenant["client_id"],
        }
        for name, tenant in ready["tenants"].items()
    }
    return {"all": {"vars": {"ansible_connection": "local", "cw_ca_path": ready["ca"], **everywhere}, "hosts": hosts}}


def first_key_by_hand(simulator: Control, tenant: str) -> dict[str, Any]:
    """Do the clicks for the first key of a tenant that the guide on it tells, and return the key."""
    at = {"role": FIRST_ROLE, "module": "System"}
    verbs = ("add", "edit", "delete", "inquire")
    steps: list[dict[str, Any]] = [
        {
            **at,
            "kind": "role_permission",
            "function": function,
            "levels": {verb: "All" if verb in granted else "None" for verb in verbs},
        }
        for function, granted in FIRST_RIGHTS.items()
    ]
    table_setup = {"function": "Table Setup", "allow": FIRST_TABLES, "disallow": [], "rest": "disallow"}
    steps.append({**at, "kind": "customize_list", **table_setup})
    simulator.edit(tenant, {"op": "add_role", "name": FIRST_ROLE})
    simulator.operator(tenant, steps)
    simulator.edit(tenant, {"op": "add_member", "identifier": FIRST_MEMBER, "member_type": "api", "role": FIRST_ROLE})
    key = {"kind": "create_key", "member": FIRST_MEMBER, "member_type": "api", "description": FIRST_ROLE}
    (made,) = simulator.operator(tenant, [key])
    return made


@dataclass(frozen=True)
class Played:
    """One run of ansible-playbook. recap: the counts by tenant. seconds: wall time."""

    code: int
    output: str
    recap: dict[str, dict[str, int]]
    seconds: float

    @property
    def changed(self) -> int:
        return sum(counts["changed"] for counts in self.recap.values())


def recap_of(output: str) -> dict[str, dict[str, int]]:
    """The numbers behind PLAY RECAP."""
    found = {}
    for line in output.rpartition("PLAY RECAP")[2].splitlines()[1:]:
        name, colon, counts = line.partition(":")
        if colon and "ok=" in counts:
            found[name.strip()] = {key: int(value) for key, value in (pair.split("=") for pair in counts.split())}
    return found


class Playground:
    """Inventory, vault passphrase, key store and reports in one directory."""

    def __init__(self, directory: Path, ready: Mapping[str, Any], **everywhere: Any) -> None:
        self.directory = directory
        self.inventory = directory / "inventory.json"
        self.passphrase = directory / "vault-passphrase"
        directory.mkdir(parents=True, exist_ok=True)
        self.write(self.inventory, json.dumps(inventory_of(ready, **everywhere), indent=1))
        self.write(self.passphrase, secrets.token_urlsafe(24))

    @staticmethod
    def write(path: Path, text: str) -> Path:
        """Write what nobody else may read."""
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        return path

    def play(
        self,
        playbook: str | Path,
        *arguments: str,
        passphrase: bool = True,
        env: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> Played:
        """Run a playbook of the collection (by name) or of a file; extra: further variables."""
        name = str(playbook) if isinstance(playbook, Path) else f"msp.connectwise.{playbook}"
        command = ["ansible-playbook", name, "-i", str(self.inventory), *arguments]
        if passphrase:
            command += ["--vault-password-file", str(self.passphrase)]
        if extra:
            command += ["-e", json.dumps(extra)]
        started = time.monotonic()
        done = subprocess.run(
            command,
            cwd=self.directory,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1", **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=PLAY_LIMIT,
            check=False,
        )
        return Played(done.returncode, done.stdout, recap_of(done.stdout), time.monotonic() - started)

    def reports(self) -> dict[str, dict[str, dict[str, Any]]]:
        """What the runs left about each tenant and vendor."""
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for path in sorted((self.directory / "connectwise_reports").glob("*/*.json")):
            entry = json.loads(path.read_text(encoding="utf-8"))
            if isinstance(entry, dict) and "vendor" in entry:
                found.setdefault(entry["tenant"], {})[entry["vendor"]] = entry
        return found

    def statuses(self, tenant: str) -> dict[str, str]:
        return {vendor: entry["status"] for vendor, entry in self.reports().get(tenant, {}).items()}

    def store_keys(self, tenant: str, made: list[dict[str, Any]]) -> Played:
        """Put keys that the simulator's operator has made into the store, as a person does."""
        keys = [
            {
                "tenant": tenant,
                "member": key["member"],
                "public_key": key["publicKey"],
                "private_key": key["privateKey"],
            }
            for key in made
        ]
        given = self.write(self.directory / "keys-made-by-hand.json", json.dumps(keys))
        try:
            return self.play("store_key", "--limit", tenant, cw_keys_file=str(given))
        finally:
            given.unlink()
