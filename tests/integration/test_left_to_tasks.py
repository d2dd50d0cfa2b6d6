# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one task cannot do for a tenant, the fleet says once, with the reason, and leaves to the tasks of the role."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import Run, World
from tests.playground import Playground, recap_of

VENDOR = "umbrella"
HERE = Path(__file__).resolve().parent
# A user's own store, described: what writes it are modules of another collection.
SHELF = {
    "place": "the shelf, <tenant>/<name>",
    "read": {"lookup": "ansible.builtin.file", "terms": ["SHELF/<tenant>.json"], "missing": "could not|not found"},
    "write": {
        "module": "ansible.builtin.lineinfile",
        "arguments": {"path": "SHELF/<tenant>.json", "line": "<json>", "regexp": "^", "create": True, "mode": "0600"},
    },
    "delete": {"module": "ansible.builtin.file", "arguments": {"path": "SHELF/<tenant>.json", "state": "absent"}},
}
WHY = {
    "elsewhere": "the connection is elsewhere",
    "process1": "cw_in_process is false",
    "process2": "cw_in_process is false",
    "shelved": "the store described is written by another collection's modules",
}
ONE_TASK = [
    {
        "hosts": "all",
        "gather_facts": False,
        "environment": {"SOME": "thing"},
        "tasks": [{"name": "The fleet", "msp.connectwise.cw_fleet": {}, "run_once": True}],
    }
]


class Fleet:
    def __init__(self, world: World, place: Path) -> None:
        self.world, self.place = world, place
        self.passphrase = Playground.write(place / "passphrase", "passphrase")

    def run(self, play: list[dict[str, Any]], *arguments: str, env: dict[str, str] | None = None, **extra: Any) -> Run:
        inventory = self.world.inventory(
            cw_integrations=[VENDOR],
            integration_report_dir=str(self.place / "reports"),
            integration_store_dir=str(self.place / "keys"),
        )
        hosts = inventory["all"]["hosts"]
        hosts["elsewhere"].update(ansible_connection="elsewhere", ansible_become=False)
        for name in ("process1", "process2"):
            hosts[name]["cw_in_process"] = False
        shelf = json.dumps(SHELF).replace("SHELF", str(self.place / "shelf"))
        hosts["shelved"].update(integration_store=json.loads(shelf), integration_store_settle=0)
        env = {
            **(env or {}),
            "ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connection"),
            "ELSEWHERE_FILE": str(self.place / "elsewhere.txt"),
        }
        more = ["--vault-password-file", str(self.passphrase), "-e", json.dumps(extra), *arguments]
        self.world.simulator.clear_journal()
        return self.world.runner.run(play, inventory, *more, env=env)

    def statuses(self) -> dict[str, str]:
        found = {}
        for path in (self.place / "reports").glob(f"*/{VENDOR}.json"):
            found[path.parent.name] = json.loads(path.read_text(encoding="utf-8"))["status"]
        return found


@pytest.fixture(scope="module")
def fleet(make_world: Any, tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    place = tmp_path_factory.mktemp("left")
    (place / "shelf").mkdir(mode=0o700)
    tenants = [{"company_id": name, "site": "na"} for name in ("here", *WHY)]
    return Fleet(make_world({"sites": [{"name": "na"}], "tenants": tenants}), place)


@pytest.mark.timeout(600)
def test_it_is_said_once_and_done(fleet: Fleet) -> None:
    # A become counts for nothing where the connection is local: in the one task, in those of the role, as a process.
    become = ("--become", "--become-user", "somebody")
    without = {"ANSIBLE_BECOME_EXE": "/no/such/sudo"}
    run = fleet.run([{"import_playbook": "msp.connectwise.onboard"}], "--diff", *become, env=without)
    assert run.code == 0, run.output
    assert "become is ignored: the tenants' API needs no rights" in " ".join(run.output.split())
    lines = [line for line in run.output.splitlines() if "left to the tasks of the role" in line]
    for reason in dict.fromkeys(WHY.values()):
        names = [name for name, why in WHY.items() if why == reason]
        (line,) = [line for line in lines if reason in line]
        assert line.startswith(names[0] if len(names) == 1 else "process1 and 1 more"), line
    assert len(lines) == len(set(WHY.values()))
    assert fleet.statuses() == dict.fromkeys(("here", *WHY), "ready")
    ran = {one.host for one in run.tasks if "Stored API key of" in one.name}
    assert ran == set(WHY)
    record = json.loads((fleet.place / "shelf" / "shelved.json").read_text(encoding="utf-8"))
    assert record["current"]["private_key"]
    assert record["current"]["private_key"] not in run.output
    # Each counts as changed in the recap, and its diffs name it.
    changed = {tenant: counts["changed"] for tenant, counts in recap_of(run.output).items()}
    assert changed.pop("here") == 1
    assert changed.keys() == WHY.keys()
    assert min(changed.values()) >= 4
    for tenant in WHY:
        for kind in ("security role", "Customize lists of", "API member", "API key of"):
            assert f"--- before: {tenant}: {kind} Umbrella\n+++ after: {tenant}: {kind} Umbrella\n" in run.output
    assert "--- before: here umbrella: security role Umbrella\n" in run.output


@pytest.mark.timeout(600)
def test_an_environment_is_only_a_workers(fleet: Fleet) -> None:
    run = fleet.run(ONE_TASK, "--limit", "here", "--check")
    assert run.code == 0, run.output
    assert "here left to the tasks of the role: the play sets an environment" in run.output
    assert run.task("here", "The fleet").result["left_to_tasks"] == {"here": [VENDOR]}
    assert fleet.world.simulator.journal() == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("extra", [{}, {"cw_in_process": False}])
def test_what_is_left_to_the_tasks_wants_the_word_for_all_too(fleet: Fleet, extra: dict[str, Any]) -> None:
    run = fleet.run([{"import_playbook": "msp.connectwise.offboard"}], **extra)
    assert run.code != 0
    assert "cw_confirm=offboard-all" in run.output
    assert fleet.world.simulator.journal() == []
