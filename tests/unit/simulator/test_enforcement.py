# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A key may do what its role allows, and nothing else."""

from __future__ import annotations

import pytest

from tests.simulator import catalog
from tests.simulator.enforcement import TABLE_SETUP

from .conftest import Psa

DENIED = {"code": "Security", "message": "You do not have security permission to perform this action.", "errors": None}
NEEDS = [
    ("/system/securityroles", "System / Security Roles"),
    ("/system/apiMembers", "System / Member Maintenance"),
    ("/system/members/count", "System / Member Maintenance"),
    ("/system/setupScreens", TABLE_SETUP),
    ("/system/reports", "System / API Reports"),
    *[(f"/{entry['path']}/count", entry["needs"][0]) for entry in catalog.data("records") if "needs" in entry],
]
FREE = [
    "/system/info",
    "/system/mySecurity",
    "/system/mySecurity/customizeItems/",
    "/system/myCompany/corporateStructure",
    "/system/myCompany/corporateStructureLevels",
    "/system/locations",
    "/system/info/locations",
    "/system/info/departments",
    "/system/timeZoneSetups/info",
    "/service/info/boards",
]


@pytest.fixture(scope="module")
def vendor(server):
    """A member with a role of its own, whose rights the tests set."""
    psa = Psa(server, "north")
    psa.role("Enforced")
    return psa.key(psa.member("Enforced", "Enforced")["id"])


def allow(simulator, key, level="All"):
    module, function = catalog.split_key(key)
    levels = dict.fromkeys(("add", "edit", "delete"), "None") | {"inquire": level}
    edit = {"op": "set_levels", "role": "Enforced", "module": module, "function": function, "levels": levels}
    simulator.edit("north", edit)


@pytest.mark.parametrize(("path", "key"), NEEDS)
def test_each_read_takes_its_own_permission(simulator, vendor, path, key):
    response = vendor("GET", path)
    assert (response.status_code, response.json()) == (403, DENIED)
    allow(simulator, key)
    try:
        assert vendor("GET", path).status_code == 200
    finally:
        allow(simulator, key, "None")


@pytest.mark.parametrize("path", FREE)
def test_what_any_key_may_read(vendor, path):
    assert vendor("GET", path).status_code == 200


@pytest.mark.parametrize(
    "entry", [entry for entry in catalog.data("records") if "table" in entry], ids=lambda e: e["path"]
)
def test_setup_tables_take_table_setup_and_the_allow_list(simulator, vendor, entry):
    path, table = f"/{entry['path']}", {"op": "set_allow", "role": "Enforced", "function": "Table Setup"}
    allow(simulator, TABLE_SETUP)
    try:
        simulator.edit("north", {**table, "items": [entry["table"]]})
        assert vendor("GET", path).status_code == 200
        assert vendor.get(f"{path}/count")["count"] == len(vendor.get(path))
        simulator.edit("north", {**table, "items": []})
        assert vendor("GET", path).status_code == 403
    finally:
        allow(simulator, TABLE_SETUP, "None")
        simulator.edit("north", {**table, "items": "all"})
    assert vendor("GET", path).status_code == 403


def test_each_write_takes_its_own_level(simulator, vendor):
    psa = Psa(simulator, "north")
    role = psa.role("Target")["id"]
    path = psa.setting(role, "Companies", "Contacts")
    writes = {
        "add": ("POST", "/system/securityroles", {"name": "Made by vendor"}, 201),
        "edit": ("PATCH", path, [{"op": "replace", "path": "addLevel", "value": "All"}], 200),
        "delete": ("DELETE", f"/system/securityroles/{role}", None, 204),
    }
    edit = {"op": "set_levels", "role": "Enforced", "module": "System", "function": "Security Roles"}
    for verb, (method, route, body, status) in writes.items():
        others = dict.fromkeys(("add", "edit", "delete", "inquire"), "All") | {verb: "None"}
        simulator.edit("north", {**edit, "levels": others})
        assert vendor(method, route, json=body).status_code == 403, verb
        simulator.edit("north", {**edit, "levels": dict.fromkeys(others, "None") | {verb: "All"}})
        assert vendor(method, route, json=body).status_code == status, verb
    simulator.edit("north", {**edit, "levels": "None"})


def test_my_and_a_low_level_see_no_records(simulator, vendor):
    allow(simulator, "Service Desk / Service Tickets")
    assert vendor.get("/service/tickets/count") == {"count": 310}
    allow(simulator, "Service Desk / Service Tickets", "My")
    assert vendor.get("/service/tickets/count") == {"count": 0}
    allow(simulator, "Service Desk / Service Tickets")
    below = {"op": "set_member", "member": "Enforced", "fields": {"structureLevel": "Branch"}}
    simulator.edit("north", below)
    assert vendor.get("/service/tickets/count") == {"count": 0}
    simulator.edit("north", {**below, "fields": {"structureLevel": "Corporate"}})
    assert vendor.get("/service/tickets/count") == {"count": 310}
    allow(simulator, "Service Desk / Service Tickets", "None")


def test_an_inactive_role_grants_nothing(simulator, vendor):
    allow(simulator, "Companies / Contacts")
    assert vendor("GET", "/company/contacts").status_code == 200
    simulator.edit("north", {"op": "deactivate_role", "role": "Enforced"})
    assert vendor("GET", "/company/contacts").status_code == 403
    assert vendor.get("/system/mySecurity/customizeItems/") == []
    simulator.edit("north", {"op": "activate_role", "role": "Enforced"})
    assert vendor("GET", "/company/contacts").status_code == 200
    allow(simulator, "Companies / Contacts", "None")


def test_my_security_is_the_effective_matrix(simulator, vendor):
    allow(simulator, "Companies / Contacts")
    rows = vendor.get("/system/mySecurity", pageSize=1000)
    assert len(rows) == 96
    assert {row["member"]["identifier"] for row in rows} == {"Enforced"}
    granted = [row["moduleFunctionName"] for row in rows if row["inquireLevel"] != "None"]
    assert granted == ["Contacts"]
    simulator.edit("north", {"op": "set_allow", "role": "Enforced", "function": "Agreements", "items": ["Backup"]})
    items = vendor.get("/system/mySecurity/customizeItems/", conditions='customizeIdentifier = "FinanceAgreements"')
    assert [item["itemIdentifier"] for item in items] == ["Backup"]
    everything = vendor.get("/system/mySecurity/customizeItems/", pageSize=1000)
    assert len({item["customizeIdentifier"] for item in everything}) == 18
    allow(simulator, "Companies / Contacts", "None")
