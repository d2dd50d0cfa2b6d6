# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts a simulated PSA to try the collection on: three tenants, an inventory, a vault passphrase, what to type next.

python tools/simulator.py [--port 8443] [--directory DIR]     in a clone: make simulator

Addresses and the administrators' keys are the same at every start; what was made at the tenants is forgotten, and with
it the key store and the reports of an earlier start.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shlex
import shutil
import signal
import sys
from pathlib import Path
from typing import NoReturn

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.playground import TENANTS, Playground, inventory_of  # noqa: E402 - found through the line above
from tests.simulator.client import ControlError, Simulator  # noqa: E402

BY_HAND = "onprem"
HEAD = "# The simulated tenants. Written anew at every start: copy it to change it.\n"


def shown(path: Path) -> str:
    """A path as it is typed in the clone, or whole if it lies elsewhere."""
    return shlex.quote(str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path))


def commands(place: Path) -> list[tuple[str, str]]:
    """What to try, and how to type it: with the clone's own Ansible, or with the one that is installed."""
    own = ".venv/bin/python tools/workspace.py " if (ROOT / ".venv").is_dir() else ""
    files = f"-i {shown(place / 'inventory.yml')} --vault-password-file {shown(place / 'vault-passphrase')}"
    made = place / "made.json"
    # ansible-playbook takes name=value apart at a space.
    given = shlex.quote(json.dumps({"cw_keys_file": str(made)})) if " " in str(made) else f"cw_keys_file={shown(made)}"
    orders = f"{shown(place / 'connectwise_reports' / BY_HAND)}/*.json"
    operator = f"operator --ready-file {shown(place / 'state' / 'ready.json')} --tenant {BY_HAND}"
    return [
        ("onboard all tenants", f"{own}ansible-playbook msp.connectwise.onboard {files}"),
        (
            f"do the clicks of the work orders of {BY_HAND}, as a person would",
            f"{own}python -m tests.simulator {operator} --work-order {orders} --keys-out {shown(made)}",
        ),
        (
            "store the keys that were made there",
            f"{own}ansible-playbook msp.connectwise.store_key {files} --limit {BY_HAND} -e {given}",
        ),
    ]


def prepare(place: Path, simulator: Simulator) -> None:
    for left in ("connectwise_keys", "connectwise_reports"):
        shutil.rmtree(place / left, ignore_errors=True)
    inventory = inventory_of(simulator.ready, cw_integrations=["zofiq", "umbrella"])
    Playground.write(place / "inventory.yml", HEAD + yaml.safe_dump(inventory, sort_keys=False))
    if not (place / "vault-passphrase").exists():
        Playground.write(place / "vault-passphrase", secrets.token_urlsafe(24))


def end(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def main() -> int:
    parser = argparse.ArgumentParser(description="A simulated ConnectWise PSA to try the collection on.")
    parser.add_argument("--port", type=int, default=8443, help="the first of three ports in a row (default: 8443)")
    parser.add_argument("--directory", type=Path, default=ROOT / "build" / "simulator", help="where everything is kept")
    options = parser.parse_args()
    os.chdir(ROOT)
    place = options.directory.absolute()
    ports = ",".join(f"{site['name']}={options.port + number}" for number, site in enumerate(TENANTS["sites"]))
    signal.signal(signal.SIGTERM, end)
    try:
        with Simulator(TENANTS, place / "state", arguments=("--ports", ports)) as simulator:
            prepare(place, simulator)
            for name, tenant in simulator.ready["tenants"].items():
                kind = "only what ConnectWise publishes" if name == BY_HAND else "with extension routes"
                print(f"{name:8} https://{tenant['host']}  ({kind})")
            print("\nTry, in another terminal of this directory:")
            for what, command in commands(place):
                print(f"\n  # {what}\n  {command}")
            print("\nThe first one again finds everything done. Ctrl-C ends the simulator.", flush=True)
            simulator.process.wait()
    except ControlError as problem:
        print(f"{problem}\nIf a port is taken, begin at another one: make simulator PORT=9443", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
