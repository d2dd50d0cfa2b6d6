# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A command that would do nothing fails in one sentence before a tenant gets a request. A right one does not fail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.playground import Playground
from tests.simulator.client import Simulator

HERE = Path(__file__).resolve().parent
TENANTS = {
    "sites": [{"name": "na", "kind": "cloud", "region": "NA"}],
    "tenants": [{"company_id": name, "site": "na", "profile": "published"} for name in ("north", "south")],
}
NO_GUID = 'client_id \\"abc\\" cannot be sent, because it is no GUID'
UNKNOWN = "is no variable of this collection; nothing was done"
ABC = ("-e", "cw_client_id=abc")


class World:
    def __init__(self, directory: Path, simulator: Simulator) -> None:
        self.simulator = simulator
        self.ground = Playground(directory / "fleet", simulator.ready, cw_integrations=["umbrella"])

    def run(self, playbook: Any, *arguments: str, **options: Any) -> tuple[int, str]:
        """Run a playbook of the collection, or plays. Return the exit code and the output in one line."""
        if not isinstance(playbook, str):
            playbook = self.ground.write(self.ground.directory / "own.yml", yaml.safe_dump(playbook))
        self.simulator.clear_journal()
        played = self.ground.play(playbook, *arguments, **options)
        return played.code, " ".join(played.output.split())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("idle")
    with Simulator(TENANTS, directory / "simulator") as simulator:
        yield World(directory, simulator)


def tasks(*found: dict[str, Any], **play: Any) -> list[dict[str, Any]]:
    return [{"hosts": "north", "gather_facts": False, "tasks": list(found), **play}]


INFO: dict[str, Any] = {"msp.connectwise.cw_tenant_info": None}
KEY = {"member": "Umbrella", "description": "Umbrella"}


@pytest.mark.parametrize(
    ("playbook", "arguments", "said"),
    [
        ("doctor", ("-e", "cw_hosts=clients"), "no tenant of the inventory is named clients (cw_hosts)"),
        ("audit", ("--limit", "nosuch"), "leaves us with no hosts to target"),
        ("vendors", ("--limit", "north"), "runs on localhost, which --limit leaves out; nothing was done"),
        ("new_vendor", ("-e", "cw_vendor=acme", "--limit", "north"), "runs on localhost, which --limit leaves out"),
        ("vendors", ("-e", "cw_serch=x"), f"-e cw_serch {UNKNOWN}"),
        ("key_report", ("-e", '{"cw_page": "x"}'), f"-e cw_page {UNKNOWN}"),
        ("compare", ("--tags", "nosuch"), "no task of this playbook is left with the tags nosuch"),
        ("compare", ("-e", '{"cw_integrations": []}'), "so there is nothing to compare"),
        ("rekey_store", (), "no passphrase is named as the new one, so nothing was encrypted"),
        ("store_key", ("-e", "cw_keys_file=/dev/null"), "/dev/null is a device, and not a file"),
        ("store_key", ("-e", "cw_keys_file='EMPTY'"), "holds an empty list, so there is no key to store"),
        ("awx_setup", ("-e", "awx_slice=1"), "-e awx_slice is no variable of awx_setup; nothing was done"),
        ("learn_routes", (), "2 tenants are meant; name the one to learn on with --limit"),
        ("onboard", ("-e", "cw_integrations=nosuch"), "there is no vendor"),
        ("doctor", ABC, NO_GUID),
        ("onboard", ABC, NO_GUID),
        (tasks(INFO), ABC, NO_GUID),
        (tasks({"msp.connectwise.cw_tenant_info": {"client_id": "abc"}}), (), NO_GUID),
        (tasks({"msp.connectwise.cw_api_key": {**KEY, "rotate": True}}), (), "rotate would do nothing without store"),
    ],
)
def test_a_run_that_would_do_nothing_fails(world: World, playbook: Any, arguments: tuple[str, ...], said: str) -> None:
    empty = world.ground.write(world.ground.directory / "empty.yml", "[]\n")
    code, output = world.run(playbook, *(one.replace("EMPTY", str(empty)) for one in arguments))
    assert code != 0, output
    assert said in output
    assert "hit a defect" not in output
    assert world.simulator.journal() == []


def test_a_client_id_of_the_environment_is_looked_at_too(world: World) -> None:
    inventory = json.loads(world.ground.inventory.read_text(encoding="utf-8"))
    for variables in inventory["all"]["hosts"].values():
        del variables["cw_client_id"]
    other = world.ground.write(world.ground.directory / "other.json", json.dumps(inventory))
    kept = world.ground.inventory
    world.ground.inventory = other
    try:
        code, output = world.run("doctor", env={"CW_CLIENT_ID": "abc"})
    finally:
        world.ground.inventory = kept
    assert code != 0, output
    assert NO_GUID in output
    assert world.simulator.journal() == []


def test_a_playbook_of_ones_own_has_variables_and_plays_of_its_own(world: World) -> None:
    own = [
        {"hosts": "all", "gather_facts": False, "tasks": [{"ansible.builtin.debug": {"var": "cw_mine"}}]},
        {"import_playbook": "msp.connectwise.doctor", "vars": {"cw_hosts": "north"}},
        {"import_playbook": "msp.connectwise.compare", "vars": {"cw_hosts": "south"}},
        {"import_playbook": "msp.connectwise.vendors"},
    ]
    mine = ("-e", "cw_mine=1", "-e", "psa_sync_member=2", "-e", "psa_mine=3", "-e", "integration_of_mine=4")
    code, output = world.run(own, *mine, "--limit", "south")
    assert code == 0, output
    assert "1 tenant: the vendors can go together" in output
    assert "--limit south" in output.rpartition("Next:")[2]


def test_what_is_right_is_taken(world: World) -> None:
    file = world.ground.write(
        world.ground.directory / "variables.yml",
        "{cw_search: umbrella, awx_project_url: x, cw_north_private_key: x, integration_store_token: x, "
        "zofiq_role_name: y, cw_keys_file: z}",
    )
    code, output = world.run("vendors", "-e", f"@{file}", passphrase=False)
    assert code == 0, output
    assert "Umbrella" in output
    # Without a step, it prepares and prints the next command.
    code, output = world.run("learn_routes", "--limit", "north")
    assert code == 0, output
    command = "ansible-playbook msp.connectwise.learn_routes -i inventory.json --vault-password-file vault-passphrase"
    assert f"then run: {command} --limit north -e cw_recordings=FILE.har" in output
    for look in ("--list-tasks", "--syntax-check", "--list-hosts"):
        code, output = world.run("onboard", look, "--limit", "north", cw_page="x")
        assert code == 0, output
    # A search is answered, also if it finds nothing.
    code, output = world.run("vendors", cw_search="nosuchthing")
    assert code == 0, output
    assert "no vendor matches nosuchthing" in output


def test_a_host_without_sudo_is_told(world: World) -> None:
    env = {
        "ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connection"),
        "ELSEWHERE_FILE": str(world.ground.directory / "elsewhere.txt"),
        "ANSIBLE_BECOME_EXE": "/no/such/sudo",
        "ANSIBLE_PIPELINING": "1",
    }
    roles = {"roles": ["msp.connectwise.umbrella"], "vars": {"ansible_connection": "elsewhere"}}
    code, output = world.run(tasks(**roles), "--become", "--become-user", "somebody", env=env)
    assert code != 0, output
    assert "tenant north: the host did not run the module: " in output
    assert "What to do: leave become out, since the tenant's API needs no rights on the host" in output
    assert "hit a defect" not in output
    assert world.simulator.journal() == []
