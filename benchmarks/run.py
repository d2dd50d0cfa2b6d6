# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures several ways to do the same work on the same fleets, side by side, as whole processes.

    python -m benchmarks [--tenants 10,50,200] [--ways abcdef] [--first 10] [--head CHECKOUT] [--output build/bench]

writes results.json, table.md and plot.svg. With --head, another checkout of this repository is one more way, so that
before and after come from one run.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable
from math import log10
from pathlib import Path
from typing import Any

from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.msp.connectwise.plugins.plugin_utils._fleet import now
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_file import KeyFile
from benchmarks.fleet import JITTER_MS, LATENCY_MS, ROOT, Fleet, Measured, fleet_of, measure
from benchmarks.wishes import wishes_of, write
from tools import workspace

FORKS = "20"
WAYS = {
    "a": "this collection, in process",
    "b": "this collection, module processes",
    "c": "plain playbook of uri tasks",
    "d": "sequential script on pyconnectwise",
    "e": "bound: threads, only the unavoidable requests",
    "f": "this collection, the tasks of the role",
    "h": "the other checkout",
}
# Some ways take too long for larger fleets: what is left out is left out of the table, not estimated.
LARGEST = {"a": 10000, "b": 200, "c": 200, "d": 200, "e": 10000, "f": 200, "h": 10000}
COLOURS = {
    "a": "#0969da",
    "b": "#8250df",
    "c": "#cf222e",
    "d": "#9a6700",
    "e": "#57606a",
    "f": "#1a7f37",
    "h": "#bf3989",
}


class WayFailed(RuntimeError):
    """A run that did not do its work is not a result."""


def commands(fleet: Fleet, head: Path | None = None) -> dict[str, Callable[[], Measured]]:
    """How each way is run. head: the other checkout."""
    directory = fleet.directory
    wishes, inventory = directory / "wishes.json", str(fleet.inventory)
    python = [sys.executable, "-m"]
    ca = fleet.simulator.ready["ca"]

    def script(*arguments: str) -> Measured:
        environment = {**fleet.environment(), "REQUESTS_CA_BUNDLE": ca}
        return measure([*python, *arguments], environment, directory)

    def uri() -> Measured:
        (directory / "uri_keys").mkdir(exist_ok=True, mode=0o700)
        return fleet.playbook(str(ROOT / "benchmarks" / "uri_tasks.yml"), "-e", f"wishes_file={wishes}")

    def other() -> Measured:
        if head is None:
            raise WayFailed("no other checkout is named; use --head")
        found = {"ANSIBLE_COLLECTIONS_PATH": str(workspace.link_collection(head)), "PYTHONPATH": str(head)}
        return fleet.playbook("msp.connectwise.onboard", "-f", FORKS, **found)

    return {
        "a": lambda: fleet.playbook("msp.connectwise.onboard", "-f", FORKS),
        "b": lambda: fleet.playbook("msp.connectwise.onboard", "-f", FORKS, "-e", '{"cw_in_process": false}'),
        "c": uri,
        "d": lambda: script("benchmarks.sequential", inventory, str(wishes), str(directory / "sequential.json")),
        "e": lambda: script("benchmarks.bound", inventory, str(wishes), str(directory / "bound.json"), FORKS),
        "f": lambda: fleet.playbook(str(ROOT / "benchmarks" / "role_tasks.yml"), "-f", FORKS),
        "h": other,
    }


def one(fleet: Fleet, way: str, run: str, head: Path | None = None) -> dict[str, Any]:
    mark = fleet.mark()
    found = commands(fleet, head)[way]()
    if found.code != 0:
        raise WayFailed(f"({way}) {run} run on {fleet.count} tenants ended with {found.code}:\n{found.output[-4000:]}")
    requests = len([entry for entry in fleet.requests(mark) if entry["status"] < 400])
    row = {"way": way, "run": run, "tenants": fleet.count, **found.as_dict(), "requests": requests}
    print(
        f"({way}) {run:9} {fleet.count:4} tenants: {found.wall:7.1f} s wall, {found.cpu:7.1f} s CPU,"
        f" {found.memory_mb:5.0f} MB, {requests / fleet.count:5.1f} requests a tenant",
        flush=True,
    )
    return row


def model(directory: Path) -> dict[str, Any]:
    """What one first run of ours makes, for the other ways to make and check."""
    shutil.rmtree(directory / "model", ignore_errors=True)
    with fleet_of(1, directory / "model", latency_ms=0, jitter_ms=0) as fleet:
        found = commands(fleet)["a"]()
        if found.code:
            raise WayFailed(f"the first run ended with {found.code}:\n{found.output[-4000:]}")
        return wishes_of(fleet, next(iter(fleet.tenants)))


def prepare(fleet: Fleet, wishes: dict[str, Any]) -> None:
    """The state after a first run, made the quick way, so that unchanged runs of large fleets can be measured."""
    fleet.simulator.latency(0, 0)
    one(fleet, "e", "first")
    keys = json.loads((fleet.directory / "bound.json").read_text(encoding="utf-8"))
    write(fleet.directory / "sequential.json", keys)
    (fleet.directory / "uri_keys").mkdir(mode=0o700)
    vault = VaultLib([("default", VaultSecret(fleet.passphrase.read_bytes()))])
    for tenant, key in keys.items():
        write(fleet.directory / "uri_keys" / f"{tenant}.json", key)
        store = KeyFile(
            str(fleet.directory / "connectwise_keys"), tenant, vault.encrypt, lambda data: vault.decrypt(data).decode()
        )
        current = {"public_key": key["publicKey"], "private_key": key["privateKey"], "created": now()}
        of = {"vendor": "zofiq", "member": wishes["member"]["identifier"], "host": fleet.tenants[tenant]["host"]}
        store.write("zofiq", {**of, "current": current}, 0)


def measured(
    sizes: Iterable[int], ways: str, directory: Path, *, first: Iterable[int] = (), head: Path | None = None
) -> list[dict[str, Any]]:
    """Unchanged runs of all ways on the same fleet; first runs of each on a fleet of its own."""
    rows = []
    wishes = model(directory)
    for size in sizes:
        folder = directory / str(size)
        shutil.rmtree(folder, ignore_errors=True)
        with fleet_of(size, folder) as fleet:
            write(folder / "wishes.json", wishes)
            prepare(fleet, wishes)
            fleet.simulator.latency(LATENCY_MS, JITTER_MS)
            rows += [one(fleet, way, "unchanged", head) for way in ways if size <= LARGEST[way]]
    for size in first:
        for way in ways:
            folder = directory / f"first-{way}-{size}"
            shutil.rmtree(folder, ignore_errors=True)
            with fleet_of(size, folder) as fleet:
                write(folder / "wishes.json", wishes)
                rows.append(one(fleet, way, "first", head))
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    numbers = ["tenants", "wall s", "wall s / tenant", "CPU s", "CPU s / tenant", "memory MB", "requests / tenant"]
    numbers += ["wall against (a)", "CPU against (a)"]
    lines = [f"| way | run | {' | '.join(numbers)} |", f"| --- | --- |{' ---: |' * len(numbers)}"]
    ours = {(row["run"], row["tenants"]): row for row in rows if row["way"] == "a"}
    for row in sorted(rows, key=lambda one: (one["run"] == "first", one["tenants"], one["way"])):
        count, mine = row["tenants"], ours.get((row["run"], row["tenants"]))
        ratios = [f"{row[name] / mine[name]:.2f}" if mine else "" for name in ("wall", "cpu")]
        values = [
            str(count),
            f"{row['wall']:.1f}",
            f"{row['wall'] / count:.3f}",
            f"{row['cpu']:.1f}",
            f"{row['cpu'] / count:.3f}",
            f"{row['memory_mb']:.0f}",
            f"{row['requests'] / count:.1f}",
            *ratios,
        ]
        lines.append(f"| ({row['way']}) {WAYS[row['way']]} | {row['run']} | {' | '.join(values)} |")
    return "\n".join(lines) + "\n"


def plot(rows: list[dict[str, Any]]) -> str:
    """Wall seconds of the unchanged run over tenants, both logarithmic, as SVG."""
    chosen = [row for row in rows if row["run"] == "unchanged"]
    if not chosen:
        return '<svg xmlns="http://www.w3.org/2000/svg"/>\n'
    low_x, high_x = (log10(pick(row["tenants"] for row in chosen)) for pick in (min, max))
    low_y, high_y = (log10(pick(row["wall"] for row in chosen)) for pick in (min, max))

    def place(row: dict[str, Any]) -> tuple[float, float]:
        x = 60 + 480 * (log10(row["tenants"]) - low_x) / max(high_x - low_x, 0.01)
        y = 340 - 300 * (log10(row["wall"]) - low_y) / max(high_y - low_y, 0.01)
        return x, y

    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" width="900" height="400" font-family="sans-serif" font-size="13">'
    ]
    parts.append('<rect width="900" height="400" fill="#fff"/><path d="M60 30V340H550" stroke="#000" fill="none"/>')
    parts.append('<text x="60" y="20">Unchanged run: wall seconds over tenants (both axes logarithmic)</text>')
    for way, colour in COLOURS.items():
        mine = sorted((row for row in chosen if row["way"] == way), key=lambda row: int(row["tenants"]))
        if not mine:
            continue
        points = [place(row) for row in mine]
        path = " ".join(f"{x:.0f},{y:.0f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for (x, y), row in zip(points, mine, strict=True):
            parts.append(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="4" fill="{colour}"/>')
            parts.append(f'<text x="{x + 6:.0f}" y="{y - 6:.0f}" font-size="11">{row["wall"]:.1f}</text>')
        y = 60 + 24 * list(COLOURS).index(way)
        parts.append(f'<text x="570" y="{y}" fill="{colour}">({way}) {WAYS[way]}</text>')
    for count in sorted({row["tenants"] for row in chosen}):
        x = 60 + 480 * (log10(count) - low_x) / max(high_x - low_x, 0.01)
        parts.append(f'<text x="{x:.0f}" y="360" text-anchor="middle">{count}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def write_results(rows: list[dict[str, Any]], output: Path) -> None:
    output.mkdir(parents=True, exist_ok=True)
    facts = {
        "cores": os.cpu_count(),
        "latency_ms": 50,
        "jitter_ms": 20,
        "forks": int(FORKS),
        "vendors": 1,
        "rows": rows,
    }
    (output / "results.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    (output / "table.md").write_text(table(rows), encoding="utf-8")
    (output / "plot.svg").write_text(plot(rows), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tenants", default="10,50,100,200,500")
    parser.add_argument("--ways", default="abcdef")
    parser.add_argument("--head", type=Path, help="another checkout of this repository, measured as one more way (h)")
    parser.add_argument("--first", default="10,50", help="sizes whose first run is measured too; may be empty")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "bench")
    arguments = parser.parse_args()
    named = arguments.ways.replace("h", "") + ("h" if arguments.head else "")
    ways = "".join(way for way in WAYS if way in named)
    if not ways:
        parser.error("no way is named")
    sizes = [int(size) for size in arguments.tenants.split(",")]
    first = [int(size) for size in arguments.first.split(",") if size]
    head = arguments.head and arguments.head.resolve()
    rows = measured(sizes, ways, arguments.output / "fleets", first=first, head=head)
    write_results(rows, arguments.output)
    print(table(rows))
    print(arguments.output / "table.md", arguments.output / "plot.svg", sep="\n")


if __name__ == "__main__":
    main()
