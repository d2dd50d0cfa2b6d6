# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run leaves for the person behind it: its last lines, and a work order that stays until it is done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.playground import TENANTS, Played, Playground
from tests.simulator.client import Simulator

VENDOR = "umbrella"
COMMAND = "ansible-playbook msp.connectwise.{} -i inventory.json --vault-password-file vault-passphrase"
STRICT = {"cw_fail_on": ["failed", "unreachable", "drifted"]}


NO_LEVEL = dict.fromkeys(("add", "edit", "delete", "inquire"), "None")
LISTS = {"permissions": {}, "customize": {"Table Setup": {"allow": ["Agreements / Agreement Type"]}}}
NOTHING = {"permissions": {"Companies": {"Contacts": NO_LEVEL}}, "customize": {"Table Setup": {"allow": []}}}
PART = {
    "permissions": {"Companies": {"Contacts": {"inquire": "All"}}},
    "completeness": "partial",
    "gaps": ["row 1", "row 2", "row 3"],
}


def vendor_file(name: str) -> dict[str, Any]:
    """A vendor file as new_vendor begins it."""
    member = {"identifier": name, "name": name, "level": "top", "security_location": "top"}
    return {"vendor": name, "product": name.title(), "role_name": name, "member": member, "key_description": name}


class World:
    """A tenant that offers everything, and one that leaves most to a person; what the first run left on each."""

    def __init__(self, directory: Path, simulator: Simulator) -> None:
        self.simulator = simulator
        # One test sends a tenant elsewhere.
        everywhere = {"cw_integrations": [VENDOR], "cw_retries": 0, "cw_allow_host_override": True}
        self.ground = Playground(directory / "fleet", simulator.ready, **everywhere)
        self.reports = self.ground.directory / "connectwise_reports"
        self.first = self.ground.play("onboard", "--limit", "north,onprem")
        self.ordered = self.entry("onprem")
        self.handed_over = self.entry("north")["handover"]

    def entry(self, tenant: str) -> dict[str, Any]:
        return self.ground.reports()[tenant][VENDOR]

    def text(self, tenant: str) -> str:
        return (self.reports / tenant / f"{VENDOR}.md").read_text(encoding="utf-8")

    def keys_of(self, tenant: str) -> str:
        """The row of a tenant on the page about keys."""
        page = (self.reports / "keys.html").read_text(encoding="utf-8")
        return page.partition(f'<tr><th scope="row">{tenant}</th>')[2].partition("</tr>")[0]

    def page(self) -> dict[str, Any]:
        text = (self.reports / "fleet.html").read_text(encoding="utf-8")
        data: dict[str, Any] = json.loads(text.partition('id="data">')[2].partition("</script>")[0])
        return {tenant["name"]: tenant["cells"][0] for tenant in data["tenants"]}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("reports")
    with Simulator(TENANTS, directory / "simulator") as simulator:
        yield World(directory, simulator)


def told(played: Played) -> list[str]:
    """The lines at the end of a run, as they stand in its plain output."""
    lines = played.output.splitlines()
    last = max(number for number, line in enumerate(lines) if line.startswith("Next:    "))
    begin = max(number for number, line in enumerate(lines[:last]) if " UTC: " in line and not line.startswith("Since"))
    return lines[begin : last + 1]


def test_a_run_ends_with_how_it_stands_and_what_to_do(world: World) -> None:
    assert world.first.code == 0, world.first.output
    lines = told(world.first)
    assert lines[0].startswith("onboard, ")
    assert lines[0].endswith(" UTC: 2 tenants: 1 pending, 1 ready")
    assert lines[1:4] == ["        umbrella", "north   ready", "onprem  pending 6"]
    assert lines[4:] == [
        "",
        "By hand: 6 steps, about 7 min: onprem umbrella (6)",
        "Vendors: give them their new keys, as the hand-overs in the report say: north umbrella",
        "Report:  connectwise_reports/fleet.html",
        f"Next:    {COMMAND.format('finish')} --limit onprem",
    ]


def test_the_order_has_boxes_and_the_command_that_is_right_where_it_was_typed(world: World) -> None:
    text = world.text("onprem")
    assert text.count("- [ ] ") == 6 + 1
    assert "### System > Security Roles > Umbrella\n\nIn the security module Companies:\n\n- [ ] " in text
    assert f"Run this in `{world.ground.directory}`:\n\n```\n{COMMAND.format('finish')} --limit onprem\n```" in text
    assert f"{COMMAND.format('store_key')} --limit onprem -e cw_keys_file=FILE\n" in text


def test_the_hand_over_shows_the_command_that_displays_the_key(world: World) -> None:
    (command,) = world.handed_over["show"]
    assert command == "ansible-vault view --vault-password-file vault-passphrase connectwise_keys/north.yml"
    assert command in world.text("north")


def test_an_audit_leaves_what_waits_for_a_person(world: World) -> None:
    # As a survey of AWX hands them over: a name on each line.
    survey = {"cw_hosts": "- north\r\n\r\n- 'onprem'\r\n", "cw_integrations": f"- {VENDOR}\r\n\r\n"}
    played = world.ground.play("audit", **survey, cw_fail_on="- failed\r\n- unreachable\r\n\r\ndrifted,\r\n")
    assert played.code == 0, played.output
    entry = world.entry("onprem")
    assert (entry["status"], entry["manual_steps"]) == ("pending", world.ordered["manual_steps"])
    assert entry["ordered"] == world.ordered["ordered"] == world.ordered["time"]
    assert "## Work order" in world.text("onprem")
    cell = world.page()["onprem"]
    assert (cell["status"], len(cell["steps"]), cell["ordered"]) == ("pending", 6, world.ordered["ordered"])
    assert "onprem  pending 6" in told(played)


def test_a_run_that_reaches_nobody_wipes_neither_order_nor_hand_over(world: World) -> None:
    played = world.ground.play("onboard", "--limit", "north,onprem", cw_host="127.0.0.1:1")
    assert played.code != 0
    entry = world.entry("onprem")
    assert (entry["status"], entry["manual_steps"]) == ("unreachable", world.ordered["manual_steps"])
    assert entry["ordered"] == world.ordered["ordered"]
    assert len(world.page()["onprem"]["steps"]) == 6
    assert world.entry("north")["handover"] == world.handed_over
    assert "## Hand-over to the vendor" in world.text("north")
    lines = told(played)
    assert "By hand: 6 steps, about 7 min: onprem umbrella (6)" in lines
    assert lines[-1] == f"Next:    {COMMAND.format('doctor')} --limit north,onprem"


def test_what_was_done_is_seen_and_the_rest_keeps_its_date(world: World) -> None:
    steps = [step for step in world.ordered["manual_steps"] if step["kind"] == "role_permission"]
    world.simulator.operator("onprem", steps)
    played = world.ground.play("onboard", "--limit", "onprem")
    assert played.code == 0, played.output
    entry = world.entry("onprem")
    assert [step["kind"] for step in entry["manual_steps"]] == ["customize_list", "create_key"]
    assert entry["ordered"] == world.ordered["ordered"]


def test_tags_choose_vendors_and_the_others_are_not_missed(world: World) -> None:
    both = {"cw_integrations": [VENDOR, "petra"]}
    for option, name in (("--tags", VENDOR), ("--skip-tags", "petra")):
        played = world.ground.play("audit", "--limit", "north", option, name, **both)
        assert played.code == 0, played.output
        assert told(played)[1:3] == ["       umbrella", "north  ready"]


def test_an_empty_answer_for_the_vendors_leaves_them_to_the_inventory(world: World) -> None:
    for answer in ("", "\n", f"\n{VENDOR}\n"):
        played = world.ground.play("audit", "--limit", "north", cw_integrations=answer, cw_fail_on=["unreachable"])
        assert played.code == 0, played.output
        assert VENDOR in told(played)[1].split()
    # Nobody takes away what he has not named.
    played = world.ground.play("offboard", "--limit", "north", cw_integrations=" ")
    assert played.code != 0
    assert "cw_integrations has an empty name" in played.output
    assert world.entry("north")["status"] == "ready"


@pytest.mark.parametrize(
    ("arguments", "extra", "said"),
    [
        (("--tags", "umbrela"), {}, "--tags names umbrela, and no tenant of this run has such an integration"),
        (("--skip-tags", "umbrela"), {}, "--skip-tags names umbrela, and no tenant"),
        ((), {"cw_integration": VENDOR}, "-e cw_integration is no variable of this collection"),
        ((), {"cw_page": "x"}, "-e cw_page is no variable of this collection"),
        (("--start-at-task", "Write the fleet report"), {}, "nothing was done: --start-at-task leaves out the task"),
        (("--start-at-task", "Show what was changed"), {}, "nothing was done: --start-at-task leaves out the task"),
    ],
)
def test_a_command_that_would_do_something_else_is_refused(
    world: World, arguments: tuple[str, ...], extra: dict[str, str], said: str
) -> None:
    world.simulator.clear_journal()
    played = world.ground.play("rotate_keys", "--limit", "north", *arguments, **extra)
    assert played.code == 2, played.output
    assert said in " ".join(played.output.split())
    assert "undefined" not in played.output
    assert world.simulator.journal("north", writes=True) == []


def test_a_run_without_a_tenant_is_no_success(world: World) -> None:
    # An inventory that does not exist is but a warning of Ansible's.
    for arguments, said in (
        (("-e", "cw_hosts=clients"), "no tenant of the inventory is named clients (cw_hosts); nothing was done"),
        (("-e", "cw_hosts=north", "--limit", "onprem"), "--limit onprem leaves none of the tenants named north"),
    ):
        played = world.ground.play("rotate_keys", *arguments)
        assert played.code != 0, played.output
        assert said in " ".join(played.output.split())
    # A slice of a job on AWX has other tenants than those that are named.
    job = {"awx_job_id": 7, "awx_job_template_name": "ConnectWise audit"}
    played = world.ground.play("audit", cw_hosts="europe", **job, awx_workflow_job_name="ConnectWise audit")
    assert played.code == 0, played.output
    world.ground.inventory.rename(world.ground.directory / "elsewhere.json")
    try:
        played = world.ground.play("audit")
    finally:
        (world.ground.directory / "elsewhere.json").rename(world.ground.inventory)
    assert played.code != 0, played.output
    assert "the inventory has no tenants; nothing was done" in " ".join(played.output.split())


def test_a_misspelt_variable_of_the_inventory_is_warned_of(world: World) -> None:
    (world.ground.directory / "host_vars").mkdir(exist_ok=True)
    (world.ground.directory / "host_vars" / "north.json").write_text('{"cw_time_out": 20}', encoding="utf-8")
    played = world.ground.play("audit", "--limit", "north")
    (world.ground.directory / "host_vars" / "north.json").unlink()
    assert played.code == 0, played.output
    assert "north: cw_time_out is no variable; did you mean cw_timeout?" in " ".join(played.output.split())


def test_a_report_about_keys_has_its_page_which_an_offboarding_takes_with_it(world: World) -> None:
    played = world.ground.play("key_report", "--limit", "north,onprem")
    assert played.code == 0, played.output
    lines = told(played)
    assert "         connectwise_reports/keys.html" in lines
    assert any(line.startswith("Keys:    2 tenants, 2 keys: 1 missing, 1 valid;") for line in lines)
    assert (world.reports / "north" / "keys.md").exists()
    gone = world.ground.play("offboard", "--limit", "north")
    assert gone.code == 0, gone.output
    assert not list((world.reports / "north").glob("keys.*"))
    page = (world.reports / "keys.html").read_text(encoding="utf-8")
    assert '<th scope="row">onprem</th>' in page
    assert '<th scope="row">north</th>' not in page
    assert told(gone)[-1] == "Next:    nothing for this tenant; the report says what is left for onprem"


def test_a_run_that_stores_a_key_tells_its_own_result(world: World) -> None:
    away = world.ground.play("onboard", "--limit", "onprem", cw_host="127.0.0.1:1")
    assert "onprem  unreachable" in told(away)
    assert ">missing</span>" in world.keys_of("onprem")
    made = world.simulator.operator("onprem", world.entry("onprem")["manual_steps"])
    stored = world.ground.store_keys("onprem", made)
    assert stored.code == 0, stored.output
    lines = told(stored)
    assert lines[0].endswith(" UTC: 1 tenant: 1 ready")
    assert "onprem  ready" in lines
    entry = world.entry("onprem")
    assert (entry["status"], entry["manual_steps"], entry["error"]) == ("ready", [], "")
    assert entry["handover"]["fields"]
    assert world.page()["onprem"]["status"] == "ready"
    # The page about keys, which only a report on keys had written so far.
    assert ">valid</span>" in world.keys_of("onprem")
    assert "the store has no key" not in world.keys_of("onprem")
    assert lines[-1] == f"Next:    {COMMAND.format('audit')}"


def test_what_was_never_onboarded_is_new_and_a_vendor_without_rights_is_refused(world: World) -> None:
    """Cases 27 and 28 of the field: a vendor file that allows nothing, and one that is a part of its page."""
    folder = world.ground.directory / "connectwise_vendors"
    folder.mkdir()
    for name, more in {"nothing": NOTHING, "part": PART, "lists": LISTS}.items():
        (folder / f"{name}.yml").write_text(json.dumps({**vendor_file(name), **more}), encoding="utf-8")
    both = {"cw_integrations": ["nothing", "part"]}
    # A workflow that mends what differs has to be able to count what is new.
    for playbook, option, counts in (("audit", "--diff", ["new"]), ("onboard", "--check", ["failed"])):
        played = world.ground.play(playbook, option, "--limit", "europe", **both, cw_fail_on=counts)
        assert played.code == 2, played.output
        text = " ".join(told(played))
        assert " UTC: 1 tenant: 1 failed, 1 new (partial: 3 gaps) " in " ".join(text.split())
        assert "        nothing  part europe  failed   new (partial: 3 gaps)" in text
        assert "New:     nothing exists yet of europe part" in text
    assert world.ground.reports()["europe"]["part"]["status"] == "new"

    made = world.ground.play("onboard", "--limit", "europe", **both)
    assert made.code == 2, made.output
    assert "no row allows anything, and a Customize list alone gives no right" in " ".join(made.output.split())
    state = world.simulator.state("europe")
    assert "nothing" not in [role["name"] for role in state["roles"]]
    assert "nothing" not in [member["identifier"] for member in state["api_members"]]
    lines = told(made)
    assert lines[2] == "europe  failed   ready (partial: 3 gaps)"
    entry = world.ground.reports()["europe"]["part"]
    assert (entry["status"], entry["completeness"], len(entry["gaps"])) == ("ready", "partial", 3)
    order = (world.reports / "europe" / "part.md").read_text(encoding="utf-8")
    assert order.startswith("# Part on europe: ready (partial: 3 gaps)\n")
    assert "## What the vendor's page leaves open\n\n- row 1\n" in order
    page = (world.reports / "fleet.html").read_text(encoding="utf-8")
    assert '"shades":["partial: 3 gaps"]' in page
    # Those who ask no tenant say it as well.
    none = "no row allows anything, and a Customize list alone gives no right"
    compared = world.ground.play("compare", "--limit", "europe", cw_integrations=["part", "lists"])
    assert compared.code == 2, compared.output
    assert none in " ".join(compared.output.split())
    listing = world.ground.play("vendors", cw_search="contacts")
    assert f"lists cannot be used: connectwise_vendors/lists.yml, line 1: permissions: {none}" in listing.output
    assert "Part: 1 row, partial; " in listing.output


def test_a_failed_run_lists_what_it_had_changed_before(world: World) -> None:
    world.simulator.faults(
        {"fault": "status", "status": 400, "tenant": "europe", "method": "POST", "path": "apiMembers$"}
    )
    played = world.ground.play("onboard", "--limit", "europe")
    world.simulator.clear_faults()
    assert played.code != 0
    entry = world.entry("europe")
    assert (entry["status"], entry["changed"]) == ("failed", True)
    assert entry["changes"] == ["security role Umbrella", "Customize list Table Setup"]
    assert "## Changed before that\n\n- security role Umbrella\n" in world.text("europe")
    assert "         changed before that: security role Umbrella, Customize list Table Setup" in told(played)
    assert (
        "changed before that: security role Umbrella, Customize list Table Setup"
        in played.output.rpartition("fatal:")[2]
    )
