# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark measures what it says, on a fleet small enough for every run of the tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

TENANTS = 10


def test_it_writes_a_table_and_a_plot_of_runs_that_did_their_work(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "benchmarks", "--tenants", str(TENANTS), "--ways", "adef", "--first", ""]
    # Another checkout is measured beside this one; here it is this one again.
    command += ["--head", str(root)]
    done = subprocess.run(
        [*command, "--output", str(tmp_path)], cwd=root, capture_output=True, encoding="utf-8", timeout=280, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    found = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    rows = {row["way"]: row for row in found["rows"]}
    assert sorted(rows) == ["a", "d", "e", "f", "h"]
    # In an unchanged run we read what any way has to read, and nothing more.
    assert {rows[way]["requests"] for way in "aefh"} == {7 * TENANTS}
    # The public client asks for the company's information too, once for each pair of keys.
    assert rows["d"]["requests"] == 9 * TENANTS
    assert all(row["wall"] > 0 and row["cpu"] > 0 and row["memory_mb"] > 10 for row in rows.values())
    table = (tmp_path / "table.md").read_text(encoding="utf-8").splitlines()
    assert len(table) == 2 + len(rows)
    assert len({line.count("|") for line in table}) == 1
    plot = (tmp_path / "plot.svg").read_text(encoding="utf-8")
    assert plot.count("<polyline") == len(rows)
