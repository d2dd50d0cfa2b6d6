# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Security roles, their matrix, their Customize lists."""

from __future__ import annotations

import pytest

from .conftest import Psa


def problems(response):
    assert (response.status_code, response.json()["code"]) == (400, "InvalidObject"), response.text
    return {(error["code"], error["field"]) for error in response.json()["errors"]}


def items(psa, path):
    return [entry["itemIdentifier"] for entry in psa.get(f"{path}/customizeItems")]


def test_a_new_role_may_nothing_and_allows_every_item(psa, simulator, name):
    role = psa.role(name)
    rows = psa.get(f"/system/securityRoles/{role['id']}/settings", pageSize=1000)
    assert len(rows) == 96
    levels = {row[field] for row in rows for field in ("addLevel", "editLevel", "deleteLevel", "inquireLevel")}
    assert levels == {"None"}
    custom = [row for row in rows if row["customFlag"]]
    assert len(custom) == 18
    tables = items(psa, psa.setting(role["id"], "System", "Table Setup"))
    assert tables == simulator.state("north")["setup_tables"]
    for table in ("Project / Project Board", "General / Holiday", "Company / Configuration (Asio)"):
        assert table in tables


def test_settings_come_in_pages_of_25(psa, name):
    role = psa.role(name)
    path = f"/system/securityRoles/{role['id']}/settings"
    assert len(psa.get(path)) == 25
    assert psa.get(f"{path}/count") == {"count": 96}
    assert psa.get(f"{path}/count", conditions='moduleName = "Finance"') == {"count": 13}


def test_a_role_has_a_name_of_30_characters_at_most_and_of_its_own(psa):
    role = psa.role("n" * 30)
    assert problems(psa("POST", "/system/securityroles", json={"name": "n" * 31})) == {("MaxLengthField", "name")}
    assert problems(psa("POST", "/system/securityroles", json={})) == {("MissingRequiredField", "name")}
    assert problems(psa("POST", "/system/securityroles", json={"name": "  "})) == {("MissingRequiredField", "name")}
    assert problems(psa("POST", "/system/securityroles", json={"name": "N" * 30})) == {("ObjectExists", "name")}
    response = psa("POST", "/system/securityroles", json={"name": ["x"]})
    assert response.status_code == 500
    assert response.json()["message"].startswith("Error converting value")
    assert psa("DELETE", f"/system/securityroles/{role['id']}").status_code == 204
    response = psa("GET", f"/system/securityroles/{role['id']}")
    assert (response.status_code, response.json()["code"]) == (404, "NotFound")


def test_roles_cannot_be_changed_by_put_or_patch(psa, name):
    role = psa.role(name)
    for method in ("PUT", "PATCH"):
        assert psa(method, f"/system/securityroles/{role['id']}", json={"name": "x"}).status_code == 405


def test_a_role_that_members_hold_cannot_be_deleted(psa, name):
    role = psa.role(name)
    member = psa.member(name, name)
    assert psa("DELETE", f"/system/securityroles/{role['id']}").status_code == 409
    assert psa.patch(f"/system/apiMembers/{member['id']}", inactiveFlag=True).status_code == 200
    assert psa("DELETE", f"/system/securityroles/{role['id']}").status_code == 409
    assert psa.patch(f"/system/apiMembers/{member['id']}", securityRole={"name": "Technician"}).status_code == 200
    assert psa("DELETE", f"/system/securityroles/{role['id']}").status_code == 204


def test_levels_are_patched(psa, simulator, name):
    role = psa.role(name)
    path = psa.setting(role["id"], "Service Desk", "Service Tickets")
    setting = psa.patch(path, addLevel="My", inquireLevel="All").json()
    assert (setting["addLevel"], setting["editLevel"], setting["inquireLevel"]) == ("My", "None", "All")
    assert psa.get(path) == setting
    assert psa.patch(path, **{"/deleteLevel": "All"}).json()["deleteLevel"] == "All"
    shown = simulator.role("north", name)["permissions"]
    assert shown == {
        "Service Desk": {"Service Tickets": {"add": "My", "edit": "None", "delete": "All", "inquire": "All"}}
    }


def test_levels_that_are_not_offered(psa, simulator, name):
    role = psa.role(name)
    path = psa.setting(role["id"], "Companies", "Company Maintenance")
    assert problems(psa.patch(path, inquireLevel="My")) == {("UnsupportedFormat", "inquireLevel")}
    assert problems(psa.patch(path, inquireLevel=None)) == {("MissingRequiredField", "inquireLevel")}
    assert problems(psa.patch(path, InquireLevel="All")) == {("NotFound", "InquireLevel")}
    response = psa.patch(path, inquireLevel="Some")
    assert response.status_code == 500
    assert response.json()["message"].startswith('Error converting value "Some"')
    assert simulator.role("north", name)["permissions"] == {}


def test_bad_patches(psa, name):
    path = psa.setting(psa.role(name)["id"], "Companies", "Contacts")
    for body in ({"addLevel": "All"}, ["x"], [{"op": "move", "path": "addLevel"}], [{"op": "replace"}]):
        assert psa("PATCH", path, json=body).status_code == 400
    assert psa.patch(path[:-1] + "999", addLevel="All").status_code == 404


def test_the_admin_role_cannot_be_changed(psa):
    admin = psa.get("/system/securityroles", conditions="adminFlag = true")[0]
    path = psa.setting(admin["id"], "System", "Table Setup")
    assert psa.patch(path, addLevel="None").status_code == 400
    assert psa("PUT", f"{path}/customizeItems", json=[]).status_code == 400


def test_a_customize_list_is_replaced_as_a_whole(psa, name):
    path = psa.setting(psa.role(name)["id"], "System", "Table Setup")
    wanted = [
        {"customizeIdentifier": "SystemTableSetup", "itemIdentifier": item}
        for item in ("Service / Source", "Company / Configuration")
    ]
    response = psa("PUT", f"{path}/customizeItems", json=wanted)
    assert response.status_code == 200
    assert items(psa, path) == ["Company / Configuration", "Service / Source"]
    assert psa("PUT", f"{path}/customizeItems", json=[]).json() == []
    assert items(psa, path) == []
    strange = [{"customizeIdentifier": "FinanceAgreements", "itemIdentifier": "Service / Nothing"}]
    assert problems(psa("PUT", f"{path}/customizeItems", json=strange)) == {
        ("UnsupportedFormat", "customizeIdentifier"),
        ("NotFound", "itemIdentifier"),
    }
    assert psa("PUT", f"{path}/customizeItems", json={"x": 1}).status_code == 500


def test_rows_without_a_customize_link_have_no_list(psa, name):
    path = psa.setting(psa.role(name)["id"], "Companies", "Contacts")
    assert psa("GET", f"{path}/customizeItems").status_code == 404


def test_a_published_tenant_has_no_extension_routes(onprem, name):
    role = onprem.role(name)
    path = onprem.setting(role["id"], "System", "Table Setup")
    assert onprem.patch(path, addLevel="All").status_code == 405
    for method, route in [
        ("GET", f"{path}/customizeItems"),
        ("PUT", f"{path}/customizeItems"),
        ("GET", "/system/apiMembers/1/apiKeys"),
        ("POST", "/system/apiMembers/1/apiKeys"),
        ("DELETE", "/system/members/1/apiKeys/2"),
    ]:
        response = onprem(method, route, json=[])
        assert (response.status_code, response.json()["message"]) == (404, "The endpoint does not exist.")


def test_an_older_product_has_other_rows(simulator):
    older = Psa(simulator, "older")
    role = older.role("Rows")
    rows = older.get(f"/system/securityRoles/{role['id']}/settings", pageSize=1000)
    found = {(row["moduleName"], row["moduleFunctionName"]): row for row in rows}
    assert ("Service Desk", "Merge Tickets") not in found
    assert ("Service Desk", "Reports") not in found
    assert found["Service Desk", "Reporting"]["customFlag"] is True
    assert found["Sales", "Deal Room"]["myAllFlag"] is True
    reports = found["Companies", "Reports"]
    assert [reports[f"{verb}Level"] for verb in ("add", "edit", "delete", "inquire")] == [None, None, None, "None"]
    response = older.patch(f"/system/securityRoles/{role['id']}/settings/{reports['id']}", addLevel="All")
    assert response.status_code == 400
    tables = items(older, older.setting(role["id"], "System", "Table Setup"))
    assert "Company / State" not in tables
    assert "Service / Ticket Type" in tables


def test_asio_tables_only_with_asio(simulator):
    def names(tenant):
        return [
            f"{s['category']} / {s['name']}" for s in Psa(simulator, tenant).get("/system/setupScreens", pageSize=1000)
        ]

    assert [name for name in names("north") if "Asio" in name] == [
        "Company / Configuration (Asio)",
        "Company / Configuration Status (Asio)",
    ]
    assert [name for name in names("strange") if "Asio" in name] == []


@pytest.mark.parametrize("path", ["/system/securityroles/{}/info", "/system/securityroles/{}"])
def test_single_roles(psa, path, name):
    role = psa.role(name)
    assert psa.get(path.format(role["id"]))["name"] == name
    assert psa("GET", path.format(role["id"] + 999)).status_code == 404
