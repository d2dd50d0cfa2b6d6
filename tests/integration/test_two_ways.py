# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One engine, three ways to run it: a fleet in one task, the tasks of the role, and those on a host elsewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import Run, World
from tests.playground import Playground

VENDOR, MEMBER = "umbrella", "Umbrella"
PROFILES = ("extended", "published")
WAYS = ("fleet", "role", "elsewhere")
HERE = Path(__file__).resolve().parent
ROLE = [{"hosts": "all", "gather_facts": False, "roles": [f"msp.connectwise.{VENDOR}"]}]
# What is done to an integration, in order, and with which variables.
LIFE: dict[str, dict[str, Any]] = {
    "present": {},
    "unchanged": {},
    "rotate": {"integration_rotate": True, "integration_key_grace_days": 0},
    "absent": {"integration_state": "absent"},
    "gone": {"integration_state": "absent"},
}
MOST_RESULTS = 8


class Lives:
    """The same life by each way, each on tenants of its own. writes: (way, profile, step) -> what was sent."""

    def __init__(self, world: World, place: Path) -> None:
        self.world, self.place = world, place
        self.runs: dict[tuple[str, str], Run] = {}
        self.writes: dict[tuple[str, str, str], list[Any]] = {}
        self.entries: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.passphrase = Playground.write(place / "passphrase", "passphrase")
        self.noted = place / "elsewhere.txt"
        for way in WAYS:
            for step, variables in LIFE.items():
                self.live(way, step, variables)

    def live(self, way: str, step: str, variables: dict[str, Any]) -> None:
        world, names = self.world, [f"{way}-{profile}" for profile in PROFILES]
        world.simulator.clear_journal()
        play: list[dict[str, Any]] = ROLE if way != "fleet" else [{"import_playbook": "msp.connectwise.onboard"}]
        inventory = world.inventory(
            cw_integrations=[VENDOR],
            integration_store_dir=str(self.place / "keys"),
            integration_report_dir=str(self.place / "reports"),
        )
        if way == "elsewhere":
            inventory["all"]["vars"]["ansible_connection"] = "elsewhere"
        arguments = ["--limit", ",".join(names), "--vault-password-file", str(self.passphrase)]
        arguments += ["-e", json.dumps(variables)]
        env = {
            "ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connection"),
            "ELSEWHERE_FILE": str(self.noted),
            # The collection itself sees to it that keys go over standard input.
            "ANSIBLE_PIPELINING": "0",
        }
        run = self.runs[way, step] = world.runner.run(play, inventory, *arguments, env=env)
        assert run.code == 0, run.output
        for profile, name in zip(PROFILES, names, strict=True):
            self.writes[way, profile, step] = [comparable(one) for one in world.simulator.journal(name, writes=True)]
            report = self.place / "reports" / name / f"{VENDOR}.json"
            self.entries[way, profile, step] = json.loads(report.read_text(encoding="utf-8"))
            if step == "present" and profile == "published":
                self.click(name)

    def click(self, name: str) -> None:
        """A person works off the order, but for the key, which stays theirs: the writes of the others are compared."""
        steps = self.entries[name.partition("-")[0], "published", "present"]["manual_steps"]
        doable = [step for step in steps if step["kind"] in ("role_permission", "customize_list")]
        assert doable
        self.world.simulator.operator(name, doable)


def comparable(entry: dict[str, Any]) -> tuple[str, str, str, int]:
    """A request without what two tenants cannot have in common."""
    path = re.sub(r"/\d+", "/{}", entry["path"].partition("/apis/3.0")[2])
    body = re.sub(r'"id": \d+', '"id": 0', json.dumps(entry.get("body"), sort_keys=True))
    return entry["method"], path, body, entry["status"]


@pytest.fixture(scope="module")
def lives(make_world: Any, tmp_path_factory: pytest.TempPathFactory) -> Lives:
    tenants = [
        {"company_id": f"{way}-{profile}", "site": "na", "profile": profile} for way in WAYS for profile in PROFILES
    ]
    world = make_world({"sites": [{"name": "na"}], "tenants": tenants})
    return Lives(world, tmp_path_factory.mktemp("lives"))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("step", LIFE)
@pytest.mark.parametrize("profile", PROFILES)
def test_each_way_sends_the_same_writes(lives: Lives, profile: str, step: str) -> None:
    fleet, role, elsewhere = (lives.writes[way, profile, step] for way in WAYS)
    assert fleet == role == elsewhere
    done = [request for request in fleet if request[-1] < 300]
    assert bool(done) is (step in ("present", "absent") or (step == "rotate" and profile == "extended"))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("step", LIFE)
@pytest.mark.parametrize("profile", PROFILES)
def test_each_way_reports_the_same(lives: Lives, profile: str, step: str) -> None:
    fleet, role, elsewhere = (told(lives.entries[way, profile, step]) for way in WAYS)
    assert fleet == role == elsewhere


def told(entry: dict[str, Any]) -> dict[str, Any]:
    """What a report says, without what is the tenant's or the run's own."""
    names = ("status", "changed", "changes", "differences", "error", "manual_steps")
    steps = [{name: step.get(name) for name in ("kind", "module", "function")} for step in entry["manual_steps"]]
    return {**{name: entry[name] for name in names}, "manual_steps": steps, "has_key": bool(entry["key"])}


@pytest.mark.parametrize("step", ["present", "unchanged", "rotate", "absent"])
@pytest.mark.parametrize("way", ["role", "elsewhere"])
def test_a_vendor_on_a_tenant_is_eight_results_at_most(lives: Lives, way: str, step: str) -> None:
    for profile in PROFILES:
        results = [one.name for one in lives.runs[way, step].results if one.host == f"{way}-{profile}"]
        assert 0 < len(results) <= MOST_RESULTS, results


def test_elsewhere_means_processes_there_and_here_none(lives: Lives) -> None:
    noted = lives.noted.read_text(encoding="utf-8").splitlines()
    modules = [line for line in noted if int(line.split()[0]) > 1000]
    assert len(modules) > 20
    assert "private_key" not in lives.noted.read_text(encoding="utf-8")


def test_no_private_key_is_in_any_result(lives: Lives) -> None:
    for run in lives.runs.values():
        for name, tenant in lives.world.simulator.ready["tenants"].items():
            assert tenant["private_key"] not in run.output, name
        made = re.findall(r'"private_key": "(?!VALUE_SPECIFIED|\*)', json.dumps([one.result for one in run.results]))
        assert made == []
