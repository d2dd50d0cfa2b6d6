# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job through real ansible-playbook runs: five vendors on three tenants, and what follows in their life.

The tests of a class build on each other, in order, on one simulator: each looks at what the run before it has left.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.playground import TENANTS, VENDORS, Played, Playground
from tests.simulator.client import Simulator

SEEDS: dict[str, Any] = yaml.safe_load((Path(__file__).parents[1] / "unit/data/seeds.yml").read_text(encoding="utf-8"))
LETTERS = {"N": "None", "M": "My", "A": "All"}
VERBS = ("add", "edit", "delete", "inquire")
ROLES = {
    "zofiq": "zofiQ Sec Role",
    "acct_sync": "Acct Sync API",
    "ticket_scout": "Ticket Scout API",
    "umbrella": "Umbrella",
    "petra": "Petra API",
}
# What the vendors' pages call otherwise than ConnectWise.
PRODUCT_NAMES = {("Service Desk", "Reporting"): "Reports", ("System", "Managed Hosted API"): "Manage Hosted API"}
# What a person has to read of five vendors' first run on three tenants.
MOST_LINES = 150
FINANCE = "Finance"
NOTHING = dict.fromkeys(VERBS, "None")


@dataclass
class World:
    simulator: Simulator
    ground: Playground

    def role(self, tenant: str, vendor: str) -> dict[str, Any]:
        found = self.simulator.role(tenant, ROLES[vendor])
        assert found is not None, f"{tenant} has no role {ROLES[vendor]}"
        return found

    def onboard(self, *arguments: str, **extra: Any) -> Played:
        return self.ground.play("onboard", *arguments, **extra)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    base = tmp_path_factory.mktemp("a user's directory")
    with Simulator(TENANTS, base / "simulator") as simulator:
        yield World(simulator, Playground(base / "work", simulator.ready, cw_integrations=VENDORS))


def wanted_rows(vendor: str, matrix: dict[str, list[str]]) -> dict[str, dict[str, dict[str, str]]]:
    """The seed's rows in the product's names; "*" spelled out; only rows that grant anything."""
    rows: dict[str, dict[str, dict[str, str]]] = {}
    for module, functions in SEEDS[vendor]["permissions"].items():
        for function, letters in functions.items():
            levels = dict(zip(VERBS, (LETTERS[letter] for letter in letters), strict=True))
            names = matrix[module] if function == "*" else [PRODUCT_NAMES.get((module, function), function)]
            rows.setdefault(module, {}).update(dict.fromkeys(names, levels))
    return rows


def allowed(role: dict[str, Any], function: str) -> list[str]:
    found = [lists[function] for lists in role["allow"].values() if function in lists]
    assert len(found) == 1
    return sorted(found[0])


def assert_is_the_seed(world: World, tenant: str, vendor: str) -> None:
    """The role in the simulator is the seed's, row by row; what the seed does not name grants nothing."""
    admin = world.simulator.role(tenant, "Admin")
    assert admin is not None
    matrix = {module: list(functions) for module, functions in admin["permissions"].items()}
    role = world.role(tenant, vendor)
    granted = {
        module: rows
        for module, functions in role["permissions"].items()
        if (rows := {name: levels for name, levels in functions.items() if levels != NOTHING})
    }
    assert granted == wanted_rows(vendor, matrix)
    for function, wish in (SEEDS[vendor].get("customize") or {}).items():
        if "only" in wish:
            assert allowed(role, function) == sorted(wish["only"])
        else:
            everything = allowed(admin, function)
            assert allowed(role, function) == sorted(set(everything) - set(wish["all_but"]))


class TestMainJob:
    def test_first_run_makes_what_the_api_offers(self, world: World) -> None:
        played = world.onboard()
        assert played.code == 0, played.output
        assert "WARNING" not in played.output
        assert len(played.output.splitlines()) <= MOST_LINES
        for tenant in ("north", "europe"):
            assert world.ground.statuses(tenant) == dict.fromkeys(VENDORS, "ready")
        assert world.ground.statuses("onprem") == dict.fromkeys(VENDORS, "pending")

    @pytest.mark.parametrize("vendor", VENDORS)
    @pytest.mark.parametrize("tenant", ["north", "europe"])
    def test_state_equals_the_seed(self, world: World, tenant: str, vendor: str) -> None:
        assert_is_the_seed(world, tenant, vendor)

    def test_members_and_keys(self, world: World) -> None:
        state = world.simulator.state("north")
        members = {member["identifier"]: member for member in state["api_members"]}
        for vendor in VENDORS:
            entry = world.ground.reports()["north"][vendor]
            member = members[entry["member"]]
            assert member["securityRole"] == ROLES[vendor]
            assert member["structureLevel"] == "Corporate"
            assert not member["inactiveFlag"]
            assert [key["public_key"] for key in state["keys"][entry["member"]]] == [entry["key"]["public_key"]]
            wanted = SEEDS[vendor]["names"]["key"]
            assert wanted is None or state["keys"][entry["member"]][0]["description"] == wanted

    def test_second_run_changes_and_writes_nothing(self, world: World) -> None:
        world.simulator.clear_journal()
        played = world.onboard("--limit", "north,europe")
        assert played.code == 0, played.output
        assert played.changed == 0
        assert world.simulator.journal(writes=True) == []

    def test_store_is_encrypted_and_private(self, world: World) -> None:
        for tenant in ("north", "europe"):
            path = world.ground.directory / "connectwise_keys" / f"{tenant}.yml"
            assert path.read_text(encoding="utf-8").startswith("$ANSIBLE_VAULT;1.1;AES256\n")
            assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_hand_over_names_fields_and_place_but_not_the_key(self, world: World) -> None:
        entry = world.ground.reports()["north"]["petra"]
        fields = {field["label"]: field["value"] for field in entry["handover"]["fields"]}
        assert fields["Company ID"] == "north"
        assert fields["Public Key"] == entry["key"]["public_key"]
        assert fields["Private Key"].startswith("in the key store: ")
        assert entry["handover"]["watch"]
        order = (world.ground.directory / "connectwise_reports/north/petra.md").read_text(encoding="utf-8")
        assert "## Hand-over to the vendor" in order


class TestPublishedTenant:
    def test_nothing_is_claimed_that_is_not_there(self, world: World) -> None:
        for vendor in VENDORS:
            role = world.role("onprem", vendor)
            rows = [levels for functions in role["permissions"].values() for levels in functions.values()]
            assert all(levels == NOTHING for levels in rows)
        assert not any(entry["key"] for entry in world.ground.reports()["onprem"].values())

    @pytest.mark.parametrize("vendor", VENDORS)
    def test_work_order_names_each_row_and_list(self, world: World, vendor: str) -> None:
        entry = world.ground.reports()["onprem"][vendor]
        admin = world.simulator.role("onprem", "Admin")
        assert admin is not None
        matrix = {module: list(functions) for module, functions in admin["permissions"].items()}
        wanted = {(module, name) for module, rows in wanted_rows(vendor, matrix).items() for name in rows}
        steps = entry["manual_steps"]
        assert {(step["module"], step["function"]) for step in steps if step["kind"] == "role_permission"} == wanted
        lists = set(SEEDS[vendor].get("customize") or {})
        assert {step["function"] for step in steps if step["kind"] == "customize_list"} == lists
        assert [step["kind"] for step in steps if step["kind"] == "create_key"] == ["create_key"]
        order = (world.ground.directory / f"connectwise_reports/onprem/{vendor}.md").read_text(encoding="utf-8")
        assert all(f"- [ ] {step.get('brief') or step['do']}\n" in order for step in steps)

    def test_half_done_work_is_seen(self, world: World) -> None:
        steps = world.ground.reports()["onprem"]["acct_sync"]["manual_steps"]
        done = [step for step in steps if step["kind"] == "role_permission"][:4]
        world.simulator.operator("onprem", done)
        played = world.onboard("--limit", "onprem", cw_integrations=["acct_sync"])
        assert played.code == 0, played.output
        left = world.ground.reports()["onprem"]["acct_sync"]["manual_steps"]
        assert len(left) == len(steps) - len(done)
        assert all(step not in left for step in done)

    def test_after_the_operator_everything_is_ready(self, world: World) -> None:
        steps = [step for entry in world.ground.reports()["onprem"].values() for step in entry["manual_steps"]]
        made = world.simulator.operator("onprem", steps)
        stored = world.ground.store_keys("onprem", made)
        assert stored.code == 0, stored.output
        played = world.onboard("--limit", "onprem")
        assert played.code == 0, played.output
        assert world.ground.statuses("onprem") == dict.fromkeys(VENDORS, "ready")
        for vendor in VENDORS:
            assert_is_the_seed(world, "onprem", vendor)

    def test_then_nothing_is_left_to_do(self, world: World) -> None:
        world.simulator.clear_journal()
        played = world.onboard("--limit", "onprem")
        assert (played.code, played.changed) == (0, 0), played.output
        assert world.simulator.journal(writes=True) == []


CHECK = """
- hosts: north
  gather_facts: false
  tasks:
    - name: Read the stored key
      msp.connectwise.cw_key_file:
        operation: read
        directory: "{{ inventory_dir }}/connectwise_keys"
        tenant: north
        name: "{{ vendor }}"
      register: stored
      no_log: true
    - name: Defaults of the vendor's role
      ansible.builtin.include_vars:
        file: "{{ defaults }}"
    - name: Check with the vendor's own key
      msp.connectwise.cw_access_check:
        public_key: "{{ stored.record.current.public_key }}"
        private_key: "{{ stored.record.current.private_key }}"
        permissions: "{{ lookup('ansible.builtin.vars', vendor ~ '_permissions') }}"
        customize: "{{ lookup('ansible.builtin.vars', vendor ~ '_customize') }}"
        probe: true
        fail_on: none
      register: check
    - name: Keep the outcome
      ansible.builtin.copy:
        content: "{{ check.access | to_json }}"
        dest: "{{ inventory_dir }}/access-{{ vendor }}.json"
        mode: "0600"
"""


class TestAccess:
    def check(self, world: World, vendor: str) -> dict[str, Any]:
        play = world.ground.directory / "check.yml"
        play.write_text(CHECK, encoding="utf-8")
        defaults = Path(__file__).parents[2] / "roles" / vendor / "defaults/main.yml"
        played = world.ground.play(play, vendor=vendor, defaults=str(defaults))
        assert played.code == 0, played.output
        found: dict[str, Any] = json.loads(
            (world.ground.directory / f"access-{vendor}.json").read_text(encoding="utf-8")
        )
        return found

    @pytest.mark.parametrize("vendor", VENDORS)
    def test_own_key_is_ok(self, world: World, vendor: str) -> None:
        access = self.check(world, vendor)
        assert access["verdict"] == "ok", access
        assert access["probes"]
        assert all(probe["ok"] for probe in access["probes"])

    def test_changes_behind_the_back_show(self, world: World) -> None:
        row = {"role": ROLES["umbrella"], "module": "Companies", "function": "Configurations"}
        world.simulator.edit(
            "north",
            {"op": "set_levels", **row, "levels": {"add": "None", "edit": "All", "delete": "All", "inquire": "All"}},
            {"op": "set_allow", "role": ROLES["umbrella"], "function": "Table Setup", "items": ["Service / Source"]},
        )
        access = self.check(world, "umbrella")
        assert access["verdict"] == "missing"
        assert [(one["function"], one["level"]) for one in access["missing"]] == [("Configurations", "add")]
        assert [(one["function"], one["level"]) for one in access["excess"]] == [("Configurations", "delete")]
        assert {one["item"] for one in access["missing_items"]} == set(
            SEEDS["umbrella"]["customize"]["Table Setup"]["only"]
        )
        assert [one["item"] for one in access["excess_items"]] == ["Service / Source"]

    def test_audit_reports_the_drift_and_changes_nothing(self, world: World) -> None:
        world.simulator.clear_journal()
        played = world.ground.play("audit", "--limit", "north")
        assert (played.code, played.changed) == (0, 0), played.output
        assert world.simulator.journal(writes=True) == []
        assert world.ground.statuses("north") == {**dict.fromkeys(VENDORS, "ready"), "umbrella": "drifted"}
        assert world.ground.reports()["north"]["umbrella"]["access"]["excess"]

    def test_check_mode_sends_no_write_and_shows_the_rows(self, world: World) -> None:
        world.simulator.clear_journal()
        before = world.simulator.state("north")
        played = world.onboard("--limit", "north", "--check", "--diff", cw_integrations=["umbrella"])
        assert played.code == 0, played.output
        # Once for the tenant; what it is stands beside it.
        assert played.changed == 1
        assert "umbrella: security role Umbrella" in played.output
        assert "umbrella: Customize list Table Setup" in played.output
        assert "Companies / Configurations" in played.output
        assert world.simulator.journal(writes=True) == []
        assert world.simulator.state("north") == before

    def test_onboarding_mends_it(self, world: World) -> None:
        played = world.onboard("--limit", "north")
        assert played.code == 0, played.output
        assert world.ground.statuses("north") == dict.fromkeys(VENDORS, "ready")
        assert_is_the_seed(world, "north", "umbrella")


TECHNICIANS = {
    "cw_integrations": ["ticket_scout"],
    "ticket_scout_strategy": "per_technician",
    "ticket_scout_members": ["Tech1", "Tech2"],
}


class TestTicketScout:
    def test_a_key_for_each_technician_and_no_role_touched(self, world: World) -> None:
        before = world.simulator.state("europe")
        played = world.onboard("--limit", "europe", **TECHNICIANS)
        assert played.code == 0, played.output
        after = world.simulator.state("europe")
        assert after["roles"] == before["roles"]
        assert after["api_members"] == before["api_members"]
        for member in ("Tech1", "Tech2"):
            assert [key["description"] for key in after["keys"][member]] == ["Ticket Scout"]
        entry = world.ground.reports()["europe"]["ticket_scout"]
        assert entry["status"] == "ready"
        assert [part["member"] for part in entry["parts"]] == ["Tech1", "Tech2"]

    def test_taken_away_twice(self, world: World) -> None:
        for _turn in range(2):
            played = world.ground.play("offboard", "--limit", "europe", **TECHNICIANS)
            assert played.code == 0, played.output
            assert world.ground.statuses("europe")["ticket_scout"] == "absent"
        keys = world.simulator.state("europe")["keys"]
        assert not keys.get("Tech1")
        assert not keys.get("Tech2")

    def test_features_add_their_rows(self, world: World) -> None:
        played = world.onboard(
            "--limit", "europe", cw_integrations=["ticket_scout"], ticket_scout_features=["opportunities"]
        )
        assert played.code == 0, played.output
        role = world.role("europe", "ticket_scout")
        assert role["permissions"]["Sales"]["Opportunity"]["inquire"] == "All"


class TestWrongInput:
    def test_unknown_vendor(self, world: World) -> None:
        before = world.ground.reports()["north"]
        played = world.onboard("--limit", "north", cw_integrations=["zofik", "petra"])
        assert played.code != 0
        assert 'there is no vendor "zofik" in this collection' in played.output
        assert "did you mean zofiq?" in played.output
        # It fails alone, and the other vendor of the tenant is looked at.
        after = world.ground.reports()["north"]
        assert set(after) == set(before)
        assert after["petra"]["time"] > before["petra"]["time"]
        assert after["petra"]["status"] == "ready"

    def test_a_list_with_what_is_no_name_is_one_failure(self, world: World) -> None:
        played = world.onboard("--check", "--limit", "north", cw_integrations="Zofiq\nThe Petra\n")
        assert played.code != 0
        assert "1 tenant: 1 failed" in played.output
        assert "did you mean zofiq?" in played.output
        assert "unreachable" not in played.output.partition("PLAY RECAP")[0]

    def test_missing_passphrase_is_said_before_a_key_is_made(self, world: World, tmp_path: Path) -> None:
        world.simulator.clear_journal()
        ground = Playground(tmp_path, world.simulator.ready, cw_integrations=["petra"])
        play = ground.play(
            "onboard", "--limit", "europe", passphrase=False, petra_member={"identifier": "Other", "name": "Other"}
        )
        assert play.code != 0
        assert "there is no vault passphrase to encrypt the keys with, so none is made" in play.output
        keys = [entry for entry in world.simulator.journal(writes=True) if entry["path"].endswith("/apiKeys")]
        assert keys == []

    def test_a_failing_vendor_does_not_stop_the_others(self, world: World) -> None:
        bad = {"Service Desk": {"Sevice Tickets": {"inquire": "All"}}}
        played = world.onboard("--limit", "north", petra_permissions=bad)
        assert played.code != 0
        assert world.ground.statuses("north") == {**dict.fromkeys(VENDORS, "ready"), "petra": "failed"}
        error = world.ground.reports()["north"]["petra"]["error"]
        assert "Sevice Tickets" in error
        assert "Service Tickets" in error


class TestOffboard:
    @pytest.mark.parametrize(("playbook", "word"), [("offboard", "offboard-all"), ("rotate_keys", "rotate-all")])
    def test_the_whole_fleet_wants_one_word(self, world: World, playbook: str, word: str) -> None:
        world.simulator.clear_journal()
        played = world.ground.play(playbook)
        assert played.code != 0
        assert f"cw_confirm={word}" in played.output
        assert "on 3 tenants; nothing was done" in " ".join(played.output.split())
        assert world.simulator.journal() == []

    def test_takes_everything_away(self, world: World) -> None:
        played = world.ground.play("offboard", cw_integrations=["umbrella"])
        assert played.code == 0, played.output
        for tenant in ("north", "europe"):
            state = world.simulator.state(tenant)
            member = next(one for one in state["api_members"] if one["identifier"] == "Umbrella")
            assert member["inactiveFlag"]
            assert not state["keys"].get("Umbrella")
            role = world.simulator.role(tenant, ROLES["umbrella"])
            # The inactive member still refers to the role, so it stays, without any right.
            assert role is not None
            assert all(levels == NOTHING for rows in role["permissions"].values() for levels in rows.values())
            assert world.ground.statuses(tenant)["umbrella"] == "absent"

    def test_published_tenant_ends_absent_after_the_operator(self, world: World) -> None:
        entry = world.ground.reports()["onprem"]["umbrella"]
        assert entry["status"] == "pending"
        world.simulator.operator("onprem", entry["manual_steps"])
        played = world.ground.play("offboard", "--limit", "onprem", cw_integrations=["umbrella"])
        assert played.code == 0, played.output
        assert world.ground.statuses("onprem")["umbrella"] == "absent"

    def test_a_second_time_nothing_happens(self, world: World) -> None:
        world.simulator.clear_journal()
        played = world.ground.play("offboard", cw_integrations=["umbrella"])
        assert (played.code, played.changed) == (0, 0), played.output
        assert world.simulator.journal(writes=True) == []
