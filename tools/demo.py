# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole job on simulated tenants: five vendors on three tenants, one of which lets the API write nothing.

Everything it makes is below build/demo: the inventory, the key store, the reports, and the full output of each run.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.simulator.client import Simulator  # noqa: E402 - found through the line above

VENDORS = ["zofiq", "acct_sync", "ticket_scout", "umbrella", "petra"]
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
BY_HAND = "onprem"


class DemoFailed(Exception):
    """A run did not end as it should."""


def inventory_of(ready: dict[str, Any]) -> dict[str, Any]:
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
    everywhere = {"ansible_connection": "local", "cw_ca_path": ready["ca"], "cw_integrations": VENDORS}
    return {"all": {"vars": everywhere, "hosts": hosts}}


class Demo:
    """One walk through the demo in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.inventory = directory / "inventory.json"
        self.passphrase = directory / "vault-passphrase"
        self.runs = 0

    def prepare(self, ready: dict[str, Any]) -> None:
        for path, text in (
            (self.inventory, json.dumps(inventory_of(ready), indent=1)),
            (self.passphrase, secrets.token_urlsafe(24)),
        ):
            path.touch(mode=0o600)
            path.write_text(text, encoding="utf-8")

    def play(self, playbook: str, *arguments: str) -> dict[str, dict[str, int]]:
        """Run a playbook of the collection; its recap by tenant."""
        self.runs += 1
        log = self.directory / f"run-{self.runs}-{playbook}.log"
        command = ["ansible-playbook", f"msp.connectwise.{playbook}", "-i", str(self.inventory)]
        command += ["--vault-password-file", str(self.passphrase), *arguments]
        environment = {**os.environ, "ANSIBLE_NOCOLOR": "1"}
        started = time.monotonic()
        with log.open("w", encoding="utf-8") as output:
            done = subprocess.run(
                command, cwd=self.directory, env=environment, stdout=output, stderr=output, check=False
            )
        recap = _recap(log.read_text(encoding="utf-8"))
        counts = ", ".join(f"{tenant} changed={found['changed']}" for tenant, found in sorted(recap.items()))
        print(f"  {playbook}: {counts} ({time.monotonic() - started:.0f} s, {log.relative_to(ROOT)})", flush=True)
        if done.returncode:
            raise DemoFailed(f"{playbook} ended with {done.returncode}; the end of {log}:\n{_tail(log)}")
        return recap

    def reports(self) -> dict[str, dict[str, dict[str, Any]]]:
        """What the runs left about each tenant and vendor."""
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for path in sorted((self.directory / "connectwise_reports").glob("*/*.json")):
            entry = json.loads(path.read_text(encoding="utf-8"))
            if isinstance(entry, dict) and "vendor" in entry:
                found.setdefault(entry["tenant"], {})[entry["vendor"]] = entry
        return found

    def expect(self, status: str, tenants: list[str]) -> None:
        reports = self.reports()
        wrong = [f"{t}/{v}" for t in tenants for v in VENDORS if reports.get(t, {}).get(v, {}).get("status") != status]
        if wrong:
            raise DemoFailed(f"expected {status}: {', '.join(wrong)}")


def _recap(output: str) -> dict[str, dict[str, int]]:
    """The numbers behind PLAY RECAP."""
    lines = output.rpartition("PLAY RECAP")[2].splitlines()[1:]
    found = {}
    for line in lines:
        name, colon, counts = line.partition(":")
        if colon and "ok=" in counts:
            found[name.strip()] = {key: int(value) for key, value in (pair.split("=") for pair in counts.split())}
    return found


def _tail(path: Path, lines: int = 40) -> str:
    return "\n".join(path.read_text(encoding="utf-8").splitlines()[-lines:])


def table(reports: dict[str, dict[str, dict[str, Any]]]) -> str:
    """Tenant x vendor."""
    tenants = sorted(reports)
    width = max(len(vendor) for vendor in VENDORS)
    lines = [" " * width + "".join(f"  {tenant:<10}" for tenant in tenants)]
    for vendor in VENDORS:
        cells = "".join(f"  {reports[tenant][vendor]['status']:<10}" for tenant in tenants)
        lines.append(f"{vendor:<{width}}{cells}")
    return "\n".join(line.rstrip() for line in lines)


def walk(demo: Demo, simulator: Simulator) -> None:
    automatic = [name for name in simulator.ready["tenants"] if name != BY_HAND]
    demo.prepare(simulator.ready)

    print("\n1. Onboard five vendors on three tenants", flush=True)
    demo.play("onboard")
    demo.expect("ready", automatic)
    demo.expect("pending", [BY_HAND])
    print(table(demo.reports()))

    order = demo.directory / "connectwise_reports" / BY_HAND / "umbrella.md"
    steps = [step for entry in demo.reports()[BY_HAND].values() for step in entry["manual_steps"]]
    print(
        f"\n2. The API of {BY_HAND} writes neither matrices nor lists nor keys: {len(steps)} manual steps, such as",
        flush=True,
    )
    print("\n".join(f"   | {line}" for line in order.read_text(encoding="utf-8").splitlines()[:16]))

    print(f"\n3. A person does these clicks on {BY_HAND} and puts the keys into the store", flush=True)
    given = demo.directory / "keys-made-by-hand.json"
    given.touch(mode=0o600)
    made = simulator.operator(BY_HAND, steps)
    keys = [
        {"tenant": BY_HAND, "member": key["member"], "public_key": key["publicKey"], "private_key": key["privateKey"]}
        for key in made
    ]
    given.write_text(json.dumps(keys), encoding="utf-8")
    try:
        demo.play("store_key", "--limit", BY_HAND, "-e", json.dumps({"cw_keys_file": str(given)}))
    finally:
        given.unlink()

    print("\n4. Onboard again", flush=True)
    demo.play("onboard")
    demo.expect("ready", [*automatic, BY_HAND])

    print("\n5. Onboard a third time: nothing is left to do", flush=True)
    before = len(simulator.journal())
    recap = demo.play("onboard")
    changed = {tenant: counts["changed"] for tenant, counts in recap.items()}
    if any(changed.values()):
        raise DemoFailed(f"the third run changed something: {changed}")
    entries = simulator.journal()[before:]
    writes = [entry for entry in entries if entry["method"] not in ("GET", "HEAD")]
    if writes:
        raise DemoFailed(f"the third run sent {len(writes)} writes")
    print(f"  {len(entries)} requests, 0 writes")


def main() -> int:
    directory = ROOT / "build" / "demo"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    started = time.monotonic()
    demo = Demo(directory)
    try:
        with Simulator(TENANTS, directory / "simulator") as simulator:
            walk(demo, simulator)
    except DemoFailed as problem:
        print(f"\nThe demo failed: {problem}", file=sys.stderr)
        return 1
    print(f"\n{table(demo.reports())}\n")
    print(f"Every integration is ready ({time.monotonic() - started:.0f} s).")
    print(
        f"In {directory.relative_to(ROOT)}: keys in connectwise_keys, work orders and hand-overs in connectwise_reports"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
