# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A terminal shows how far a slow run is, in one line that is gone at the end; a step has a name to say yes to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pexpect
import pytest

from tests.playground import Playground
from tests.simulator.client import Simulator
from tests.terminal.shell import rendered

TENANTS: dict[str, Any] = {
    "sites": [{"name": "na", "kind": "cloud", "region": "NA"}],
    "tenants": [{"company_id": name, "site": "na", "profile": "extended"} for name in ("north", "south")],
}
COLUMNS = 60
LATENCY_MS = 1500.0  # of a request; an audit sends several, one after the other


@pytest.mark.timeout(300)
def test_a_slow_run_shows_one_live_line(tmp_path: Path) -> None:
    with Simulator(TENANTS, tmp_path / "simulator") as simulator:
        ground = Playground(tmp_path / "fleet", simulator.ready, cw_integrations=["umbrella"])
        simulator.latency(LATENCY_MS)
        child = pexpect.spawn(
            "ansible-playbook",
            ["msp.connectwise.audit", "-i", str(ground.inventory), "--step"],
            cwd=str(ground.directory),
            env={**os.environ, "ANSIBLE_NOCOLOR": "1", "TERM": "xterm", "COLUMNS": "200", "PWD": str(ground.directory)},
            encoding="utf-8",
            timeout=100,
            dimensions=(50, COLUMNS),
        )
        try:
            child.expect_exact("Perform task: TASK: Work on all tenants (N)o/(y)es/(c)ontinue: ")
            child.send("c\r")
            child.expect(r"\r(\d+) s: 0 of 2 tenants, ")
            first = int(child.match.group(1))
            written = child.before + child.after
            # Ansible asks anew in each play.
            child.expect_exact("Perform task: TASK: Run the role for integrations that are left to its tasks (N)o")
            written += child.before + child.after
            child.send("c\r")
            child.expect(pexpect.EOF)
            written += child.before
        finally:
            child.close(force=True)
    assert child.exitstatus == 0, written
    assert first >= 3
    # A line as long as the terminal would wrap, and could not be written over.
    live = [part for line in written.split("\r\n") for part in line.split("\r") if " of 2 tenants, " in part]
    assert len(live) > 1
    assert max(map(len, live)) < COLUMNS
    screen = rendered(written, {})
    assert "of 2 tenants, " not in screen
    assert "\nok: [north]\n" in screen
    last = screen.partition("PLAY RECAP")[0].rstrip().splitlines()[-1]
    assert last.startswith("Next: "), screen
