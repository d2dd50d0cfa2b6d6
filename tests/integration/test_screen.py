# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run over a fleet shows: diffs of what it changes, one summary above the recap, and a task name once.

The tests build on each other, in order, on one simulator.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.playground import Played, Playground
from tests.simulator.client import Simulator

VENDOR = "umbrella"
# The last offers no extension routes. test_left_to_tasks.py has tenants that are left to the tasks of the role.
TENANTS: dict[str, Any] = {
    "sites": [{"name": "na", "kind": "cloud", "region": "NA"}, {"name": "onprem", "kind": "on_prem"}],
    "tenants": [
        {"company_id": "north", "site": "na", "profile": "extended"},
        {"company_id": "europe", "site": "na", "profile": "extended"},
        {"company_id": "onprem", "site": "onprem", "profile": "published"},
    ],
}
OBJECTS = ("security role Umbrella", "Customize list Table Setup", "API member Umbrella", "API key of Umbrella")
ROLE = "Companies / Configurations: add All, edit All, delete None, inquire All"
PLAYBOOKS = sorted(path.stem for path in (Path(__file__).parents[2] / "playbooks").glob("*.yml"))
MANY = 200
# The lines of a diff: two of its header, and those that say something.
_DIFF = re.compile(r"^--- before: (.+)\n\+\+\+ after: (.+)\n((?:[-+@ ].*\n)+)", re.MULTILINE)


class World:
    """A fleet, and every output of its runs."""

    def __init__(self, simulator: Simulator, directory: Path) -> None:
        self.simulator = simulator
        self.ground = Playground(directory, simulator.ready, cw_integrations=[VENDOR], cw_retries=0)
        self.outputs: list[str] = []

    def play(self, *arguments: str, **more: Any) -> Played:
        played = self.ground.play(*arguments, **more)
        self.outputs.append(played.output)
        return played

    def private_keys(self) -> set[str]:
        """The private half of each key in the store."""
        found: set[str] = set()
        for path in (self.ground.directory / "connectwise_keys").glob("*.yml"):
            command = ["ansible-vault", "view", "--vault-password-file", str(self.ground.passphrase), str(path)]
            shown = subprocess.run(command, check=True, capture_output=True, encoding="utf-8", timeout=60).stdout
            found |= set(re.findall(r"private_key['\"]?: ['\"]?(\w+)", shown))
        return found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("screen")
    with Simulator(TENANTS, directory / "simulator") as simulator:
        yield World(simulator, directory / "fleet")


def diffs(played: Played) -> dict[str, str]:
    """The diffs on the screen: what they are of, and their lines."""
    found = {}
    for before, after, body in _DIFF.findall(played.output):
        assert before == after
        assert before not in found, f"{before} is shown twice"
        found[before] = body
    return found


def changed(played: Played) -> dict[str, int]:
    return {tenant: counts["changed"] for tenant, counts in played.recap.items()}


def assert_ends_with_its_summary(played: Played) -> None:
    """One summary, and nothing but empty lines between it and the recap."""
    before, recap, _after = played.output.partition("PLAY RECAP")
    assert recap, played.output
    heads = [line for line in before.splitlines() if re.search(r" UTC: \d+ tenants?: ", line) and "Since" not in line]
    assert len(heads) == 1, heads
    last = before.rstrip().splitlines()[-1]
    assert last.startswith("Next: "), last


def assert_names_each_task_once(played: Played) -> None:
    banners = re.findall(r"^TASK \[(.+?)\] \*", played.output, re.MULTILINE)
    assert banners
    assert len(banners) == len(set(banners)), banners


@pytest.fixture(scope="module")
def onboarded(world: World) -> tuple[Played, Played]:
    """A first look at what a run would do, and the run. Case 31 of the field."""
    predicted = world.play("onboard", "--check", "--diff")
    assert predicted.code == 0, predicted.output
    done = world.play("onboard", "--diff")
    assert done.code == 0, done.output
    return predicted, done


def test_a_check_run_shows_the_diffs_of_the_run_that_follows(onboarded: tuple[Played, Played]) -> None:
    predicted, done = (diffs(played) for played in onboarded)
    assert predicted == done
    for tenant in ("north", "europe"):
        assert {f"{tenant} {VENDOR}: {one}" for one in OBJECTS} <= set(done)
        assert f"+{ROLE}\n" in done[f"{tenant} {VENDOR}: {OBJECTS[0]}"]
        items = done[f"{tenant} {VENDOR}: {OBJECTS[1]}"]
        assert " allowed: Service / Priority\n" in items
        assert "-allowed: Service / Source\n" in items
        assert "+identifier: Umbrella\n" in done[f"{tenant} {VENDOR}: {OBJECTS[2]}"]
        assert done[f"{tenant} {VENDOR}: {OBJECTS[3]}"].endswith("\n+stored_key: new API key\n")
    # What its API does not offer is left to a person, and is no diff.
    assert {one for one in done if one.startswith("onprem ")} == {
        f"onprem {VENDOR}: {one}" for one in (OBJECTS[0], OBJECTS[2])
    }


def test_each_tenant_that_changed_is_counted_as_changed(onboarded: tuple[Played, Played]) -> None:
    for played in onboarded:
        assert changed(played) == {"north": 1, "europe": 1, "onprem": 1}
        assert_ends_with_its_summary(played)
        assert_names_each_task_once(played)
        assert "Recap: " not in played.output


def test_only_what_drifted_is_shown_and_counted(world: World, onboarded: tuple[Played, Played]) -> None:
    row = {"role": "Umbrella", "module": "Companies", "function": "Configurations"}
    levels = {"add": "None", "edit": "All", "delete": "All", "inquire": "All"}
    world.simulator.edit("europe", {"op": "set_levels", **row, "levels": levels})
    limit = ("--limit", "north,europe,onprem")
    audit = world.play("audit", "--diff", *limit)
    assert changed(audit) == {"north": 0}
    assert diffs(audit) == {}
    assert "Recap:   the task for all tenants is counted for north" in audit.output
    told = " ".join(audit.output.split())
    assert "Diff: this playbook changes nothing, so it has none; onboard --check --diff shows what would change" in told
    shown = world.play("onboard", "--check", "--diff", *limit)
    mended = world.play("onboard", "--diff", *limit, env={"ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml"})
    for played in (shown, mended):
        assert played.code == 0, played.output
        assert changed(played) == {"north": 0, "europe": 1}
        (body,) = diffs(played).values()
        assert body.splitlines()[1:3] == [
            "-Companies / Configurations: add None, edit All, delete All, inquire All",
            f"+{ROLE}",
        ]
        assert "Recap:   the task for all tenants is counted for north" in played.output
    for played in (audit, shown, mended):
        assert_ends_with_its_summary(played)
        assert_names_each_task_once(played)


def test_finish_has_one_summary_and_shows_the_key(world: World, onboarded: tuple[Played, Played]) -> None:
    steps = world.ground.reports()["onprem"][VENDOR]["manual_steps"]
    (made,) = world.simulator.operator("onprem", steps)
    key = {"member": made["member"], "public_key": made["publicKey"], "private_key": made["privateKey"]}
    file = world.ground.write(world.ground.directory / "keys.json", json.dumps([{"tenant": "onprem", **key}]))
    arguments = ("--diff", "--limit", "onprem,north")
    checked = world.play("store_key", "--check", *arguments, cw_keys_file=str(file))
    finished = world.play("finish", *arguments, cw_keys_file=str(file))
    for played in (checked, finished):
        assert played.code == 0, played.output
        assert diffs(played)[f"onprem {VENDOR}: {OBJECTS[3]}"].endswith("\n+stored_key: given key stored\n")
        assert changed(played)["onprem"] == 1
        assert changed(played)["north"] == 0
    assert world.ground.statuses("onprem") == {VENDOR: "ready"}
    assert_ends_with_its_summary(finished)
    assert made["privateKey"] not in "".join(world.outputs)
    file.unlink()


@pytest.mark.parametrize(
    ("playbook", "objects"),
    [("rotate_keys", OBJECTS[3:]), ("offboard", (OBJECTS[0], *OBJECTS[2:]))],
)
def test_the_other_playbooks_show_theirs(
    world: World, onboarded: tuple[Played, Played], playbook: str, objects: tuple[str, ...]
) -> None:
    yaml = {"ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml"}
    both = [world.play(playbook, "--limit", "north", "--diff", *check, env=yaml) for check in (["--check"], [])]
    predicted, done = (diffs(played) for played in both)
    assert predicted == done
    assert set(done) == {f"north {VENDOR}: {one}" for one in objects}
    assert "-stored_key: " in done[f"north {VENDOR}: {OBJECTS[3]}"]
    for played in both:
        assert changed(played) == {"north": 1}
        assert_ends_with_its_summary(played)


@pytest.mark.parametrize(
    ("skipped", "callback"), [("false", "ansible.builtin.default"), ("true", "minimal"), ("true", "ansible.posix.json")]
)
def test_a_configured_output_keeps_its_form(world: World, skipped: str, callback: str) -> None:
    env = {"ANSIBLE_DISPLAY_SKIPPED_HOSTS": skipped, "ANSIBLE_STDOUT_CALLBACK": callback}
    played = world.play("onboard", "--check", "--limit", "north", env=env)
    assert played.code == 0, played.output
    if callback == "ansible.posix.json":
        # No line beside it, not even a warning.
        assert json.loads(played.output)["stats"]["north"]["changed"] == 1
    elif callback == "minimal":
        assert played.output.rstrip().splitlines()[-1].startswith("Next: ")
    else:
        assert_ends_with_its_summary(played)
        assert "skipping: " not in played.output


def test_no_private_half_was_shown(world: World, onboarded: tuple[Played, Played]) -> None:
    private = world.private_keys()
    assert private
    assert not [key for key in private if any(key in output for output in world.outputs)]


def away(world: World, directory: Path, count: int) -> Playground:
    """A fleet of tenants at a port where nobody listens, some of them beside one that answers."""
    ground = Playground(directory, world.simulator.ready, cw_integrations=[VENDOR], cw_retries=0)
    inventory = json.loads(ground.inventory.read_text(encoding="utf-8"))
    hosts = inventory["all"]["hosts"]
    host = {**hosts.pop("europe"), "cw_host": "127.0.0.1:1"}
    inventory["all"]["hosts"] = {f"t{number:03}": {**host, "cw_company_id": f"t{number}"} for number in range(count)}
    if count < MANY:
        inventory["all"]["hosts"]["north"] = hosts["north"]
    ground.write(ground.inventory, json.dumps(inventory))
    return ground


def test_the_summary_comes_last_where_one_tenant_fails(world: World, tmp_path: Path) -> None:
    played = away(world, tmp_path / "few", 2).play("onboard", "--check")
    assert played.code == 2, played.output
    assert {tenant: counts["failed"] for tenant, counts in played.recap.items()} == {"north": 0, "t000": 1, "t001": 1}
    assert played.output.index("fatal: [t001]") < played.output.index(" UTC: 3 tenants: ")
    assert_ends_with_its_summary(played)
    assert_names_each_task_once(played)


@pytest.mark.timeout(300)
def test_the_summary_comes_last_where_all_of_many_tenants_fail(world: World, tmp_path: Path) -> None:
    played = away(world, tmp_path / "many", MANY).play("audit", "-f", "20")
    assert played.code == 2, played.output[-3000:]
    assert len(played.recap) == MANY
    assert_ends_with_its_summary(played)
    assert_names_each_task_once(played)


@pytest.mark.timeout(300)
def test_fifty_tenants_show_four_diffs_each(tmp_path: Path) -> None:
    names = [f"t{number:02}" for number in range(50)]
    tenants = {"sites": TENANTS["sites"][:1], "tenants": [{"company_id": name, "site": "na"} for name in names]}
    with Simulator(tenants, tmp_path / "simulator") as simulator:
        ground = Playground(tmp_path / "fleet", simulator.ready, cw_integrations=[VENDOR])
        played = ground.play("onboard", "--check", "--diff")
    assert played.code == 0, played.output[-3000:]
    assert set(diffs(played)) == {f"{name} {VENDOR}: {one}" for name in names for one in OBJECTS}
    assert changed(played) == dict.fromkeys(names, 1)
    assert_ends_with_its_summary(played)
    assert_names_each_task_once(played)


def test_a_run_that_begins_nothing_ends_with_the_reason(world: World) -> None:
    played = world.play("onboard", "--tags", "nope")
    assert played.code == 2
    end = " ".join(played.output.partition("PLAY RECAP")[0].rstrip().rpartition("\n\n")[2].split())
    assert end.startswith("Failed: --tags names nope, and no tenant of this run has such an integration"), end


def test_a_list_of_tasks_has_names(world: World) -> None:
    names = [f"msp.connectwise.{name}" for name in PLAYBOOKS]
    command = ["ansible-playbook", "-i", str(world.ground.inventory), "--list-tasks", *names]
    listed = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120, check=False)
    assert listed.returncode == 0, listed.stderr
    assert listed.stdout.count("playbook: ") == len(PLAYBOOKS)
    assert "{{" not in listed.stdout
    assert listed.stdout.count("Work on all tenants") >= 7
