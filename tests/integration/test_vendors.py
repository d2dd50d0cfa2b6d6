# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every vendor on simulated tenants with today's, an older and a newer matrix, and vendors that are one file each.

The tests of a class build on each other, in order, on one simulator: each looks at what the run before it has left.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.playground import Playground
from tests.simulator.client import Simulator

PAGES: dict[str, Any] = yaml.safe_load((Path(__file__).parents[1] / "unit/data/seeds.yml").read_text(encoding="utf-8"))
VENDORS = sorted(PAGES)
LETTERS = {"N": "None", "M": "My", "A": "All"}
VERBS = ("add", "edit", "delete", "inquire")
NOTHING = dict.fromkeys(VERBS, "None")
# What the vendors' pages call otherwise than ConnectWise, and the older product otherwise than today's.
PRODUCT_NAMES = {("Service Desk", "Reporting"): "Reports", ("System", "Managed Hosted API"): "Manage Hosted API"}
OLDER_NAMES = {"Close Service Tickets": "Closed Service Tickets"}
TABLE_NAMES = {"Project / Project Boards": "Project / Project Board"}
OLDER = {
    "version": "v2021.2",
    "asio": False,
    "functions": {
        "remove": ["Service Desk / Merge Tickets", "Service Desk / Cloud Console", "Companies / UserCentric"],
        "rename": {"Service Desk / Close Service Tickets": "Closed Service Tickets"},
    },
}
NEWER = {
    "version": "v2026.4",
    "functions": {"add": ["Service Desk / Ticket Summaries", {"name": "Sales / Deal Room", "my": True}]},
    "tables": {"add": ["Service / Ticket Summary"]},
}
TENANTS: dict[str, Any] = {
    "sites": [{"name": "na"}],
    "tenants": [
        {"company_id": "today", "site": "na", "profile": "extended"},
        {"company_id": "older", "site": "na", "profile": "extended", **OLDER},
        {"company_id": "newer", "site": "na", "profile": "extended", **NEWER},
    ],
}
EACH_TENANT = pytest.mark.parametrize("tenant", ["today", "older", "newer"])


@dataclass
class World:
    simulator: Simulator
    ground: Playground

    def matrix(self, tenant: str) -> dict[str, list[str]]:
        admin = self.simulator.role(tenant, "Admin")
        assert admin is not None
        return {module: list(functions) for module, functions in admin["permissions"].items()}


@pytest.fixture(scope="class")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    base = tmp_path_factory.mktemp("every vendor")
    with Simulator(TENANTS, base / "simulator") as simulator:
        yield World(simulator, Playground(base / "work", simulator.ready, cw_integrations="all"))


def wanted_rows(vendor: str, matrix: dict[str, list[str]]) -> dict[tuple[str, str], dict[str, str]]:
    """The page's rows in the names of a tenant, as far as the tenant has them; only rows that grant anything."""
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for module, functions in PAGES[vendor]["permissions"].items():
        for function, letters in functions.items():
            levels = dict(zip(VERBS, (LETTERS[letter] for letter in letters), strict=True))
            name = PRODUCT_NAMES.get((module, function), function)
            names = matrix[module] if function == "*" else [name, OLDER_NAMES.get(name, name)]
            rows.update({(module, one): levels for one in names if one in matrix[module] and levels != NOTHING})
    return rows


def granted_rows(role: dict[str, Any]) -> dict[tuple[str, str], dict[str, str]]:
    return {
        (module, name): levels
        for module, functions in role["permissions"].items()
        for name, levels in functions.items()
        if levels != NOTHING
    }


def allowed(role: dict[str, Any], function: str) -> list[str]:
    (found,) = [lists[function] for lists in role["allow"].values() if function in lists]
    return sorted(TABLE_NAMES.get(item, item) for item in found)


class TestEveryVendor:
    def test_all_become_ready_in_one_run(self, world: World) -> None:
        played = world.ground.play("onboard", integration_on_unknown="warn", integration_probe=True)
        assert played.code == 0, played.output
        for tenant in TENANTS["tenants"]:
            assert world.ground.statuses(tenant["company_id"]) == dict.fromkeys(VENDORS, "ready")

    @EACH_TENANT
    def test_the_state_is_the_table_of_the_page(self, world: World, tenant: str) -> None:
        matrix = world.matrix(tenant)
        admin = world.simulator.role(tenant, "Admin")
        assert admin is not None
        for vendor, page in PAGES.items():
            entry = world.ground.reports()[tenant][vendor]
            defaults = yaml.safe_load(Path(f"roles/{vendor}/defaults/main.yml").read_text(encoding="utf-8"))
            role = world.simulator.role(tenant, defaults[f"{vendor}_role_name"])
            assert role is not None
            assert granted_rows(role) == wanted_rows(vendor, matrix), vendor
            for function, wish in page["customize"].items():
                universe = set(allowed(admin, function))
                if "only" in wish:
                    named = {TABLE_NAMES.get(item, item) for item in wish["only"]}
                    assert set(allowed(role, function)) == named & universe, (vendor, function)
                else:
                    assert set(allowed(role, function)) == universe - set(wish["all_but"]), (vendor, function)
            assert entry["key"]

    @EACH_TENANT
    def test_the_keys_can_do_what_they_should_and_no_more(self, world: World, tenant: str) -> None:
        for vendor, entry in world.ground.reports()[tenant].items():
            access = entry["access"]
            assert (access["verdict"], access["missing"], access["excess"]) == ("ok", [], []), vendor
            assert all(probe["ok"] for probe in access["probes"]), vendor

    def test_a_second_run_writes_nothing(self, world: World) -> None:
        world.simulator.clear_journal()
        played = world.ground.play("onboard", integration_on_unknown="warn")
        assert (played.code, played.changed) == (0, 0), played.output
        assert world.simulator.journal(writes=True) == []

    def test_drift_is_seen(self, world: World) -> None:
        world.simulator.edit(
            "today",
            {
                "op": "set_levels",
                "role": "Huntress API",
                "module": "Companies",
                "function": "Contacts",
                "levels": {"delete": "All"},
            },
        )
        played = world.ground.play("audit", "--limit", "today")
        statuses = world.ground.statuses("today")
        assert statuses.pop("huntress") == "drifted", played.output
        assert set(statuses.values()) == {"ready"}

    def test_offboarding_leaves_no_key_and_no_right(self, world: World) -> None:
        played = world.ground.play("offboard", "--limit", "today,older,newer")
        assert played.code == 0, played.output
        for tenant in ("today", "older", "newer"):
            state = world.simulator.state(tenant)
            assert world.ground.statuses(tenant) == dict.fromkeys(VENDORS, "absent")
            members = {entry["member"] for entry in world.ground.reports()[tenant].values()}
            for member in state["api_members"]:
                if member["identifier"] in members:
                    # The API cannot delete a member; an inactive one still refers to its role, which has no right left.
                    assert member["inactiveFlag"]
                    assert not state["keys"].get(member["identifier"])
                    role = world.simulator.role(tenant, member["securityRole"])
                    assert role is None or granted_rows(role) == {}


ODD = """\
product: Odd \u2013 Pro
role_name: Odd \u2013 Pro
member: {identifier: AnIdentifierOf25Characters, name: Odd}
member_identifier: Odd
key_description: Odd \u2013 Pro
permissions:
  Company:
    Configuration \u2013 Display Passwords: {inquire: All}
    Manage Documents: {delete: My, inquire: All}
  System:
    Setup Tables (Customize): {inquire: All}
customize:
  Table Setup: {allow: []}
  Configurations: {allow: []}
feature_groups:
  invoices:
    permissions: {Finance: {Invoicing: {inquire: All}}}
    customize: {Table Setup: {allow: [Service / Service Boards]}}
"""
PERSON = """\
product: Person Notes
strategy: per_technician
members: [Tech1]
key_description: Person Notes
"""
PAGE = """\
<h1>Connect Acme Sync</h1>
<p>Create a security role with these permissions.</p>
<table>
<tr><th>Module</th><th>Function</th><th>Add Level</th><th>Edit Level</th>
<th>Delete Level</th><th>Inquire Level</th></tr>
<tr><td rowspan="2">Companies</td><td>Company Maintenance</td><td></td><td></td><td></td><td>All</td></tr>
<tr><td>Contacts</td><td>All</td><td>All</td><td></td><td>All</td></tr>
<tr><td>Service</td><td>Service Ticket</td><td>All</td><td>My</td><td></td><td>All</td></tr>
<tr><td>System</td><td>Setup Tables (customize)</td><td></td><td></td><td></td><td>All</td></tr>
<tr><td>System</td><td>Wizardry</td><td></td><td></td><td></td><td>All</td></tr>
</table>
<table><tr><th>Category<th>Table<th>Required
<tr><td>Service<td>Service Board<td>Yes<tr><td>Service<td>Source<td>No</table>
"""
OWN = """\
product: Bcme
role_name: Bcme
member: {identifier: Bcme, level: top, security_location: top}
key_description: Bcme
permissions:
  Companies:
    Company Maintenance: {inquire: All}
  System:
    Table Setup: {inquire: All}
customize:
  Table Setup:
    allow: [Company / *]
further_keys:
  - {key_description: Bcme second, record: second}
endpoints: [/company/companies]
"""


class TestOneFile:
    """Vendors that nobody here has seen."""

    def test_a_page_becomes_a_ready_integration(self, world: World) -> None:
        page = world.ground.directory / "page.html"
        page.write_text(PAGE, encoding="utf-8")
        made = world.ground.play("new_vendor", cw_vendor="acme_sync", cw_table=str(page), cw_product="Acme Sync")
        assert made.code == 0, made.output
        assert "not resolved: line 10: Wizardry: System has no such function" in made.output
        assert (world.ground.directory / "connectwise_vendors" / "acme_sync.yml").is_file()
        # Every right of the file is shown before anything is made of it, and once more when it is.
        right = "  Service Desk / Service Tickets: Add All, Edit My, Inquire All"
        assert f'"{right}"' in made.output

        played = world.ground.play("onboard", "--limit", "today", cw_integrations=["acme_sync"])
        assert played.code == 0, played.output
        assert "acme_sync, whose table is not of this collection, asks for:\n" in played.output
        assert f"\n{right}\n" in played.output
        role = world.simulator.role("today", "Acme Sync")
        assert role is not None
        assert granted_rows(role) == {
            ("Companies", "Company Maintenance"): {**NOTHING, "inquire": "All"},
            ("Companies", "Contacts"): {"add": "All", "edit": "All", "delete": "None", "inquire": "All"},
            ("Service Desk", "Service Tickets"): {"add": "All", "edit": "My", "delete": "None", "inquire": "All"},
            ("System", "Table Setup"): {**NOTHING, "inquire": "All"},
        }
        assert allowed(role, "Table Setup") == ["Service / Service Board"]

    @pytest.mark.parametrize(
        ("playbook", "extra", "said"),
        [
            ("new_vendor", {"cw_page": "x"}, "-e cw_page is no variable of this collection; nothing was done"),
            ("new_vendor", {}, "no vendor is named; nothing was written. What to do: name it: -e cw_vendor=acme_sync"),
            ("vendors", {"cw_serch": "x"}, "did you mean cw_search?"),
        ],
    )
    def test_what_names_nothing_writes_nothing(
        self, world: World, playbook: str, extra: dict[str, str], said: str
    ) -> None:
        before = sorted(world.ground.directory.rglob("*"))
        played = world.ground.play(playbook, **extra)
        assert played.code != 0, played.output
        assert said in " ".join(played.output.split())
        assert sorted(world.ground.directory.rglob("*")) == before

    def test_a_check_says_what_would_be_written(self, world: World) -> None:
        played = world.ground.play("new_vendor", "--check", cw_vendor="never_written")
        assert played.code == 0, played.output
        assert "never_written.yml would be written; look it over" in played.output
        assert not list(world.ground.directory.rglob("never_written.yml"))

    def test_a_file_is_compared_with_a_page(self, world: World) -> None:
        page = world.ground.directory / "page.html"
        same = world.ground.play("new_vendor", cw_vendor="acme_sync", cw_table=str(page))
        assert (same.code, same.changed) == (0, 0), same.output
        assert "is there already, and its table is that of this page" in same.output
        page.write_text(PAGE.replace("Maintenance</td><td></td>", "Maintenance</td><td>All</td>"), encoding="utf-8")
        other = world.ground.play("new_vendor", cw_vendor="acme_sync", cw_table=str(page))
        assert other.code != 0
        assert "~ Companies / Company Maintenance: inquire All becomes add All, inquire All" in other.output

    def test_a_page_does_not_take_the_place_of_a_file(self, world: World) -> None:
        again = world.ground.play("new_vendor", cw_vendor="acme_sync")
        assert again.code != 0
        assert "is there already" in again.output
        shipped = world.ground.play("new_vendor", cw_vendor="petra")
        assert shipped.code != 0
        assert 'the collection has a vendor \\"petra\\" of its own' in shipped.output

    def test_a_file_with_two_keys_and_all_tables_of_a_category(self, world: World) -> None:
        (world.ground.directory / "connectwise_vendors" / "bcme.yml").write_text(OWN, encoding="utf-8")
        played = world.ground.play("onboard", "--limit", "today", cw_integrations="bcme", integration_probe=True)
        assert played.code == 0, played.output
        probes = world.ground.reports()["today"]["bcme"]["access"]["probes"]
        assert ("/company/companies/count", True) in [(one["path"], one["ok"]) for one in probes]
        state = world.simulator.state("today")
        assert sorted(key["description"] for key in state["keys"]["Bcme"]) == ["Bcme", "Bcme second"]
        role, admin = world.simulator.role("today", "Bcme"), world.simulator.role("today", "Admin")
        assert role is not None
        assert admin is not None
        assert allowed(role, "Table Setup") == [
            one for one in allowed(admin, "Table Setup") if one.startswith("Company /")
        ]

    def test_odd_prints_an_empty_list_and_a_key_of_a_person(self, world: World) -> None:
        where = world.ground.directory / "more vendors"
        where.mkdir()
        (where / "odd.yml").write_text(ODD, encoding="utf-8")
        (where / "person.yml").write_text(PERSON, encoding="utf-8")
        given = {"cw_integrations": ["odd", "person"], "cw_vendor_dirs": ["more vendors"], "odd_features": ["invoices"]}
        played = world.ground.play("onboard", "--limit", "today", **given)
        assert played.code == 0, played.output
        assert world.ground.statuses("today")["person"] == "ready"
        role = world.simulator.role("today", "Odd \u2013 Pro")
        assert role is not None
        assert granted_rows(role) == {
            ("Companies", "Configuration - Display Passwords"): {**NOTHING, "inquire": "All"},
            ("Companies", "Manage Attachments"): {**NOTHING, "delete": "My", "inquire": "All"},
            ("Finance", "Invoicing"): {**NOTHING, "inquire": "All"},
            ("System", "Table Setup"): {**NOTHING, "inquire": "All"},
        }
        assert allowed(role, "Table Setup") == ["Service / Service Board"]
        assert allowed(role, "Configurations") == []
        keys = world.simulator.state("today")["keys"]
        assert [key["description"] for key in keys["Tech1"]] == ["Person Notes"]
        world.simulator.clear_journal()
        again = world.ground.play("onboard", "--limit", "today", **given)
        assert (again.code, again.changed, world.simulator.journal(writes=True)) == (0, 0, []), again.output

    def test_then_nothing_is_left_to_do(self, world: World) -> None:
        world.simulator.clear_journal()
        played = world.ground.play("onboard", "--limit", "today", cw_integrations=["acme_sync", "bcme"])
        assert (played.code, played.changed) == (0, 0), played.output
        assert world.simulator.journal(writes=True) == []

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            (OWN.replace("Maintenance: {inquire: All}", "Maintenance: {inquire: Yes}"), "ccme.yml, line 7"),
            (OWN.replace("role_name: Bcme", "role_name: ''"), "role_name: is empty"),
            (OWN.replace("{identifier: Bcme,", "{identifier: An Identifier Of 25 Chars,"), "has 25 characters"),
            (OWN.replace("Table Setup:\n    allow", "Tables:\n    allow"), "no Customize list is known"),
        ],
    )
    def test_a_wrong_file_is_refused_before_anything_is_sent(self, world: World, text: str, said: str) -> None:
        file = world.ground.directory / "connectwise_vendors" / "ccme.yml"
        file.write_text(text, encoding="utf-8")
        world.simulator.clear_journal()
        played = world.ground.play("onboard", "--limit", "today", cw_integrations=["ccme"])
        file.unlink()
        assert played.code != 0
        assert said in played.output
        assert "ccme.yml, line" in played.output
        assert world.simulator.journal(writes=True) == []

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (("Company Maintenance:", "Company Maintenence:"), "did you mean"),
            (("Company / *", "Companies / *"), 'no table "Companies / *"'),
        ],
    )
    def test_names_that_the_tenant_does_not_have(self, world: World, change: tuple[str, str], said: str) -> None:
        file = world.ground.directory / "connectwise_vendors" / "ccme.yml"
        file.write_text(OWN.replace("Bcme", "Ccme").replace(*change), encoding="utf-8")
        world.simulator.clear_journal()
        played = world.ground.play("onboard", "--limit", "today", cw_integrations=["ccme"])
        file.unlink()
        assert played.code != 0
        assert said in played.output
        assert world.simulator.journal(writes=True) == []

    def test_vendors_that_collide_are_refused_before_anything_is_sent(self, world: World) -> None:
        world.simulator.clear_journal()
        names = {"cw_integrations": ["acme_sync", "bcme"], "bcme_role_name": "acme sync"}
        played = world.ground.play("onboard", "--limit", "today", **names)
        assert played.code != 0
        assert "would share the security role" in played.output
        assert world.simulator.journal(writes=True) == []

    def test_vendors_are_compared_and_listed(self, world: World) -> None:
        compared = world.ground.play("compare", cw_integrations=["acme_sync", "zofiq"], cw_add="huntress")
        assert compared.code == 0, compared.output
        text = (world.ground.directory / "connectwise_reports" / "vendors.html").read_text(encoding="utf-8")
        end = compared.output.partition("PLAY RECAP")[0].rpartition("TASK [Show the summary]")[2]
        assert "3 tenants: the vendors can go together\ntoday, older, newer  acme_sync, zofiq\n" in end
        assert "\nPage:    connectwise_reports/vendors.html\nNext:    ansible-playbook " in end
        for part in ("today, older, newer", "Acme Sync", "zofiQ", "Huntress EDR: 1 row more"):
            assert part in text
        wrong = world.ground.play("compare", cw_integrations=["acme_sink"])
        assert wrong.code != 0
        assert 'today, older, newer: there is no vendor \\"acme_sink\\"' in wrong.output
        listed = world.ground.play("vendors", cw_search="acme")
        assert "Acme Sync: 4 rows" in listed.output
