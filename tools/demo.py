# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole job on simulated tenants: five vendors on three tenants, one of which lets the API write nothing.

Everything it makes is below build/demo: the inventory, the key store, the reports, and the full output of each run.
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.playground import TENANTS, VENDORS, Played, Playground  # noqa: E402 - found through the line above
from tests.simulator.client import Simulator  # noqa: E402

BY_HAND = "onprem"


class DemoFailedError(Exception):
    """A run did not end as it should."""


class Demo:
    """One walk through the demo in a directory of its own."""

    def __init__(self, directory: Path, simulator: Simulator) -> None:
        self.directory = directory
        self.simulator = simulator
        self.ground = Playground(directory, simulator.ready, cw_integrations=VENDORS)
        self.automatic = [name for name in simulator.ready["tenants"] if name != BY_HAND]

    def told(self, title: str, played: Played) -> Played:
        """Keep the output of a run, say its outcome in a line, and stop at a failure."""
        log = self.directory / f"{title}.log"
        log.write_text(played.output, encoding="utf-8")
        counts = ", ".join(f"{tenant} changed={found['changed']}" for tenant, found in sorted(played.recap.items()))
        print(f"  {counts} ({played.seconds:.0f} s, {log.relative_to(ROOT)})", flush=True)
        if played.code:
            tail = "\n".join(played.output.splitlines()[-40:])
            raise DemoFailedError(f"ansible-playbook ended with {played.code}; the end of {log}:\n{tail}")
        return played

    def expect(self, status: str, tenants: list[str]) -> None:
        wrong = [
            f"{tenant}/{v}" for tenant in tenants for v in VENDORS if self.ground.statuses(tenant).get(v) != status
        ]
        if wrong:
            raise DemoFailedError(f"expected {status}: {', '.join(wrong)}")

    def table(self) -> str:
        """Tenant x vendor."""
        reports: dict[str, dict[str, dict[str, Any]]] = self.ground.reports()
        width = max(len(vendor) for vendor in VENDORS)
        lines = [" " * width + "".join(f"  {tenant:<10}" for tenant in sorted(reports))]
        for vendor in VENDORS:
            cells = "".join(f"  {reports[tenant][vendor]['status']:<10}" for tenant in sorted(reports))
            lines.append(f"{vendor:<{width}}{cells}")
        return "\n".join(line.rstrip() for line in lines)

    def walk(self) -> None:
        print("\n1. Onboard five vendors on three tenants", flush=True)
        self.told("1-onboard", self.ground.play("onboard"))
        self.expect("ready", self.automatic)
        self.expect("pending", [BY_HAND])
        print(self.table())

        order = self.directory / "connectwise_reports" / BY_HAND / "umbrella.md"
        steps = [step for entry in self.ground.reports()[BY_HAND].values() for step in entry["manual_steps"]]
        print(
            f"\n2. The API of {BY_HAND} writes no matrix, list or key: {len(steps)} manual steps, such as", flush=True
        )
        print("\n".join(f"   | {line}" for line in order.read_text(encoding="utf-8").splitlines()[:16]))

        print(f"\n3. A person does these clicks on {BY_HAND} and puts the keys into the store", flush=True)
        made = self.simulator.operator(BY_HAND, steps)
        self.told("3-store_key", self.ground.store_keys(BY_HAND, made))

        print("\n4. Onboard again", flush=True)
        self.told("4-onboard", self.ground.play("onboard"))
        self.expect("ready", [*self.automatic, BY_HAND])

        print("\n5. Onboard a third time: nothing is left to do", flush=True)
        self.simulator.clear_journal()
        if self.told("5-onboard", self.ground.play("onboard")).changed:
            raise DemoFailedError("the third run changed something")
        entries = self.simulator.journal()
        writes = [entry for entry in entries if entry["method"] not in ("GET", "HEAD")]
        if writes:
            raise DemoFailedError(f"the third run sent {len(writes)} writes")
        print(f"  {len(entries)} requests, 0 writes")


def main() -> int:
    directory = ROOT / "build" / "demo"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    started = time.monotonic()
    try:
        with Simulator(TENANTS, directory / "simulator") as simulator:
            demo = Demo(directory, simulator)
            demo.walk()
    except DemoFailedError as problem:
        print(f"\nThe demo failed: {problem}", file=sys.stderr)
        return 1
    print(f"\n{demo.table()}\n")
    print(f"Every integration is ready ({time.monotonic() - started:.0f} s). Keys: connectwise_keys; work orders and")
    print(f"hand-overs: connectwise_reports; both in {directory.relative_to(ROOT)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
