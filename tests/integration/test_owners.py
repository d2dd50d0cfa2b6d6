# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles and members of others, through real runs: nothing of theirs is changed, ordered by hand or taken away.

The tests build on each other, in order, on one simulator.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.playground import Played, Playground
from tests.simulator.client import Simulator

ROLE, MEMBER = "Umbrella", "Umbrella"
RIGHTS = {"role": ROLE, "module": "Service Desk", "function": "Service Tickets", "levels": "All"}
PEOPLE = [{"op": "add_member", "identifier": f"tech{number}", "role": ROLE} for number in range(1, 7)]
BACKUP = [
    {"op": "add_role", "name": "Backup"},
    {"op": "add_member", "identifier": "BackupSync", "role": ROLE, "member_type": "api"},
]
HELD = [{"op": "add_role", "name": ROLE}, {"op": "set_levels", **RIGHTS}, *BACKUP, *PEOPLE]
OWN_RIGHTS = [
    {"op": "set_levels", "role": "Ops", "module": "System", "function": function, "levels": "All"}
    for function in ("Security Roles", "Member Maintenance", "Table Setup")
]
OWN_ROLE = [
    {"op": "add_role", "name": "Ops"},
    *OWN_RIGHTS,
    {"op": "assign_role", "member": "Automation", "role": "Ops"},
]
VERBS = ("add", "edit", "delete", "inquire")
ADOPT = {"integration_adopt": True}
VENDOR_FILE = """---
vendor: Acme
role_name: Acme
member: {identifier: Acme, name: Acme, level: top, security_location: top}
key_description: Acme
permissions:
  Companies:
    Contacts: {inquire: All}
  System:
    Security Roles: {edit: All}
"""


@dataclass(frozen=True)
class Case:
    """A tenant on which something is not ours. edits: how it came so. says: what the error names."""

    edits: list[dict[str, Any]]
    says: tuple[str, ...]
    variables: dict[str, Any]
    profile: str = "extended"


OTHERS = ("BackupSync (API member), tech1 (person)", "and 2 more", "umbrella_role_name", "integration_adopt: true")
CASES = {
    "held": Case(HELD, OTHERS, {}),
    "byhand": Case(HELD, OTHERS, {}, "published"),
    "letters": Case(
        [
            {"op": "add_role", "name": "UMBRELLA"},
            {"op": "set_levels", **RIGHTS, "role": "UMBRELLA"},
            {"op": "add_member", "identifier": "tech1", "role": "UMBRELLA"},
        ],
        ('no security role "Umbrella", and one is called "UMBRELLA"', 'umbrella_role_name: "UMBRELLA"'),
        {},
    ),
    "foreign": Case(
        [BACKUP[0], {"op": "add_member", "identifier": MEMBER, "role": "Backup", "member_type": "api"}],
        ('the API member "Umbrella" is there already', 'holds the role "Backup"', "umbrella_member_identifier"),
        {},
    ),
    "admins": Case([{"op": "add_role", "name": ROLE, "admin": True}], ("has every right (adminFlag)",), ADOPT),
    "ownrole": Case(
        OWN_ROLE,
        ('the role "Ops" is that of Automation, whose key this run works with',),
        {**ADOPT, "umbrella_role_name": "Ops"},
    ),
    "person": Case(
        [{"op": "add_member", "identifier": "UMBRELLA", "role": "Technician"}],
        ('a person has the Member ID "UMBRELLA"', "umbrella_member_identifier"),
        {},
    ),
    "ownmember": Case([], ('"Automation" owns the key that this run works with',), {**ADOPT, "umbrella_member": "own"}),
}
OURS = ("similar", "renamed", "back")
# Tenants with an integration of their own, or another way of running it.
MORE = {
    "admin": Case(OWN_ROLE, (), {"cw_integrations": ["cw_admin"], "cw_admin_role_name": "Ops"}),
    "tasks": Case(HELD, OTHERS, {"cw_in_process": False}),
    "people": Case([], (), {"cw_integrations": ["people"]}),
    "dropped": Case([], (), {"cw_integrations": ["many"]}),
    "handed": Case(OWN_ROLE, (), {"cw_integrations": ["ops_sync"]}),
}
PEOPLE_FILE = """---
vendor: People
strategy: per_technician
members: [Tech1, TECH2]
key_description: People
"""
MANY_FILE = """---
vendor: Many
role_name: Many
member: {identifier: Many, name: Many, level: top, security_location: top}
key_description: Many
further_keys:
  - {key_description: Many 2, member: {identifier: Many2, name: Many2, level: top, security_location: top}}
permissions:
  Companies:
    Contacts: {inquire: All}
"""
OPS_FILE = """---
vendor: Ops
role_name: Ops
member: {identifier: Ops, name: Ops, level: top, security_location: top}
key_description: Ops
permissions:
  System:
    Security Roles: {add: All, edit: All, delete: All, inquire: All}
    Member Maintenance: {add: All, edit: All, delete: All, inquire: All}
    Table Setup: {add: All, edit: All, delete: All, inquire: All}
"""


@dataclass
class World:
    simulator: Simulator
    ground: Playground

    def play(self, playbook: str, *tenants: str, arguments: tuple[str, ...] = (), **extra: Any) -> Played:
        self.simulator.clear_journal()
        return self.ground.play(playbook, "--limit", ",".join(tenants), *arguments, **extra)

    def writes(self, *tenants: str) -> list[str]:
        return [
            f"{tenant}: {entry['method']} {entry['path']}"
            for tenant in tenants
            for entry in self.simulator.journal(tenant, writes=True)
        ]

    def error(self, tenant: str, vendor: str = "umbrella") -> str:
        return str(self.ground.reports()[tenant][vendor]["error"])

    def variables(self, **hosts: dict[str, Any]) -> None:
        inventory = json.loads(self.ground.inventory.read_text(encoding="utf-8"))
        for name, values in hosts.items():
            inventory["all"]["hosts"][name].update(values)
        self.ground.write(self.ground.inventory, json.dumps(inventory))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    base = tmp_path_factory.mktemp("owners")
    tenants = [{"company_id": name, "site": "na", "profile": case.profile} for name, case in CASES.items()]
    tenants += [{"company_id": name, "site": "na"} for name in (*OURS, *MORE, "outside")]
    with Simulator({"sites": [{"name": "na"}], "tenants": tenants}, base / "simulator") as simulator:
        ground = Playground(base / "work", simulator.ready, cw_integrations=["umbrella"])
        world = World(simulator, ground)
        own = {"umbrella_member": {"identifier": "Automation", "name": "Umbrella", "level": "top"}}
        world.variables(
            **{name: own if "umbrella_member" in case.variables else case.variables for name, case in CASES.items()},
            outside={"cw_integrations": ["acme_sync"]},
        )
        world.variables(ownmember=ADOPT, **{name: case.variables for name, case in MORE.items()})
        for name, case in {**CASES, **MORE}.items():
            simulator.edit(name, *case.edits)
        similar = [{"op": "add_role", "name": "Umbrella (Customize)"}, {"op": "set_levels", **RIGHTS}]
        similar[1]["role"] = "Umbrella (Customize)"
        simulator.edit("similar", *similar, {"op": "add_member", "identifier": "tech1", "role": "Umbrella (Customize)"})
        (ground.directory / "connectwise_vendors").mkdir()
        (ground.directory / "connectwise_vendors" / "acme_sync.yml").write_text(VENDOR_FILE, encoding="utf-8")
        for name, text in (("ops_sync", OPS_FILE), ("people", PEOPLE_FILE), ("many", MANY_FILE)):
            (ground.directory / "connectwise_vendors" / f"{name}.yml").write_text(text, encoding="utf-8")
        yield world


@pytest.fixture(scope="module")
def predicted(world: World) -> Played:
    return world.play("onboard", *CASES, "outside", arguments=("--check", "--diff"))


def test_check_mode_predicts_the_refusal(world: World, predicted: Played) -> None:
    assert predicted.code != 0, predicted.output
    assert world.writes(*CASES, "outside") == []
    for name, case in CASES.items():
        (said,) = (line for line in predicted.output.splitlines() if line.startswith(f"fatal: [{name}]"))
        assert case.says[0] in said.replace('\\"', '"')
        # The run itself would stop before the first of its steps.
        assert "changed before that" not in said
    assert predicted.changed == 1
    # The summary cuts no way out.
    summary = " ".join(predicted.output.partition("Failed:")[2].partition("Next:")[0].split())
    assert "umbrella_role_name to another role, or integration_adopt: true" in summary


def test_the_rights_are_shown_before_the_first_write(predicted: Played) -> None:
    shown, _colon, rest = predicted.output.partition("PLAY RECAP")
    assert "acme_sync, whose table is not of this collection, asks for:\n" in shown
    assert "  System / Security Roles: Edit All — can give itself and others any right\n" in shown
    assert "  Companies / Contacts: Inquire All\n" in shown
    assert "Rights:  acme_sync asks for System / Security Roles: Edit All — can give" in predicted.output, rest


def test_what_is_not_ours_is_left_and_its_holders_are_named(world: World) -> None:
    before = {name: world.simulator.state(name) for name in CASES}
    played = world.play("onboard", *CASES, *OURS)
    assert [name for name, counts in played.recap.items() if not counts["failed"]] == sorted(OURS), played.output
    assert world.writes(*CASES) == []
    assert {name: world.simulator.state(name) for name in CASES} == before
    for name, case in CASES.items():
        said = world.error(name)
        assert all(part in said for part in (*case.says, "othing was changed")), said
        assert world.ground.reports()[name]["umbrella"]["manual_steps"] == []


def test_a_similar_name_is_another_role(world: World) -> None:
    names = [one["name"] for one in world.simulator.state("similar")["roles"] if "Umb" in one["name"]]
    assert sorted(names) == [ROLE, "Umbrella (Customize)"]
    role = world.simulator.role("similar", "Umbrella (Customize)")
    assert role is not None
    assert role["permissions"] == {"Service Desk": {"Service Tickets": dict.fromkeys(VERBS, "All")}}


def test_offboarding_takes_nothing_from_others(world: World) -> None:
    played = world.play("offboard", *CASES, "back")
    assert world.writes(*CASES) == []
    for name in CASES:
        # A role in other letters may be the one that our member holds, so it is not passed over.
        assert bool(world.error(name)) == (name != "person"), played.output
        assert world.ground.reports()[name]["umbrella"]["manual_steps"] == []
    assert world.ground.statuses("back") == {"umbrella": "absent"}


def test_what_is_ours_or_is_adopted_is_changed(world: World) -> None:
    # The store names the member, so another role does not make it somebody else's.
    world.variables(renamed={"umbrella_role_name": "Umbrella 2"}, held=ADOPT, foreign=ADOPT)
    played = world.play("onboard", *OURS, "held", "foreign")
    assert played.code == 0, played.output
    for name in (*OURS, "held", "foreign"):
        (member,) = (one for one in world.simulator.state(name)["api_members"] if one["identifier"] == MEMBER)
        assert (member["securityRole"], member["inactiveFlag"]) == ("Umbrella 2" if name == "renamed" else ROLE, False)
        assert world.ground.statuses(name) == {"umbrella": "ready"}


def test_only_onboarding_changes_the_role_of_our_own_key(world: World) -> None:
    # The member that the run works with is not the one that the integration makes.
    assert world.play("onboard", "admin").code == 0, world.error("admin", "cw_admin")
    role = world.simulator.role("admin", "Ops")
    played = world.play("offboard", "admin")
    assert (played.code, world.writes("admin")) == (2, [])
    assert world.simulator.role("admin", "Ops") == role
    assert "is that of Automation, whose key this run works with" in world.error("admin", "cw_admin")


def test_a_role_of_others_is_not_handed_out_although_its_rights_fit(world: World) -> None:
    for arguments in (("--check",), ()):
        played = world.play("onboard", "handed", arguments=arguments)
        assert (played.code, world.writes("handed")) == (2, [])
        assert "is that of Automation, whose key this run works with" in played.output


def test_the_tasks_of_the_role_are_refused_and_predicted_in_the_same_way(world: World) -> None:
    for arguments in (("--check",), ()):
        played = world.play("onboard", "tasks", arguments=arguments)
        assert (played.code, world.writes("tasks"), played.changed) == (2, [], 0)
        (said, *_rest) = (line for line in played.output.splitlines() if line.startswith("fatal: [tasks]"))
        assert all(part in said for part in OTHERS), said
        assert "TASK [msp.connectwise.integration : Security role" not in played.output.partition("Report on")[0]
    # Of a task whose look was another's, the error names the variables of the integration too.
    role = {"name": "Umbrella", "permissions": {"Companies": {"Contacts": {"inquire": "All"}}}}
    task = {"msp.connectwise.cw_security_role": role, "vars": {"integration_vendor": "umbrella"}}
    book = world.ground.directory / "alone.yml"
    world.ground.write(book, json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [task]}]))
    assert "umbrella_role_name" in world.ground.play(book, "--limit", "tasks").output


def test_a_person_in_other_letters_is_named_before_any_key_is_made(world: World) -> None:
    for arguments in (("--check",), ()):
        played = world.play("onboard", "people", arguments=arguments)
        assert (played.code, world.writes("people"), played.changed) == (2, [], 0)
        assert "  a key of Tech1, with every right of that person\n" in played.output
        assert 'no member \\"TECH2\\"; did you mean \\"Tech2\\"' in played.output, played.output


def test_a_key_that_the_vendor_file_names_no_more_is_still_ours(world: World) -> None:
    assert world.play("onboard", "dropped").code == 0, world.error("dropped", "many")
    lines = MANY_FILE.replace("{inquire: All}", "{add: All, inquire: All}").splitlines(keepends=True)
    fewer = "".join(line for line in lines if "further_keys" not in line and "Many2" not in line)
    (world.ground.directory / "connectwise_vendors" / "many.yml").write_text(fewer, encoding="utf-8")
    played = world.play("onboard", "dropped")
    assert (played.code, world.ground.statuses("dropped")) == (0, {"many": "ready"}), played.output
    # The error of an integration is told once, not once a key.
    (world.ground.directory / "connectwise_vendors" / "many.yml").write_text(MANY_FILE, encoding="utf-8")
    world.simulator.edit("dropped", {"op": "add_member", "identifier": "tech1", "role": "Many"})
    world.play("onboard", "dropped")
    assert world.error("dropped", "many").count("also held by tech1 (person)") == 1
