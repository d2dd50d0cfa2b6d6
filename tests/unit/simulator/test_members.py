# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""API members and API keys."""

from __future__ import annotations

import pytest

from .conftest import Psa
from .test_roles import problems

REQUIRED = (
    "identifier",
    "name",
    "securityRole",
    "structureLevel",
    "securityLocation",
    "defaultLocation",
    "defaultDepartment",
    "timeZone",
)


def test_what_a_new_member_must_have(psa):
    response = psa("POST", "/system/apiMembers", json={})
    assert problems(response) == {("MissingRequiredField", field) for field in REQUIRED}


def test_references_by_id_name_or_identifier_are_answered_in_full(psa, name):
    fields = {
        "defaultDepartment": {"identifier": "services"},
        "timeZone": {"id": 31},
        "serviceDefaultBoard": {"name": "alerts"},
    }
    member = psa.member(name, "technician", **fields)
    assert member["defaultDepartment"] == {"id": 22, "name": "Professional Services", "identifier": "Services"}
    assert member["timeZone"]["name"] == "US Eastern"
    assert member["serviceDefaultBoard"]["name"] == "Alerts"
    assert member["securityRole"]["name"] == "Technician"
    assert psa.get(f"/system/apiMembers/{member['id']}") == member
    assert member["_info"]["securityRole_href"].endswith(f"/system/securityroles/{member['securityRole']['id']}")


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"identifier": "x" * 16}, ("MaxLengthField", "identifier")),
        ({"name": "x" * 31}, ("MaxLengthField", "name")),
        ({"emailAddress": "x" * 251}, ("MaxLengthField", "emailAddress")),
        ({"identifier": "automation"}, ("ObjectExists", "identifier")),
        ({"identifier": "Tech1"}, ("ObjectExists", "identifier")),
        ({"securityRole": {"name": "Nobody"}}, ("NotFound", "securityRole")),
        ({"defaultLocation": {"id": 99}}, ("NotFound", "defaultLocation")),
        ({"excludedServiceBoardIds": [99]}, ("NotFound", "excludedServiceBoardIds")),
    ],
)
def test_what_is_refused(psa, fields, problem):
    defaults = psa.get("/system/apiMembers/default")
    body = {**defaults, "identifier": "Refused", "name": "Refused", "securityRole": {"name": "Technician"}, **fields}
    # The missing role is told twice, as unknown and as missing.
    assert problem in problems(psa("POST", "/system/apiMembers", json=body))
    assert psa.get("/system/apiMembers/count", conditions='identifier = "Refused"') == {"count": 0}


@pytest.mark.parametrize(
    "fields", [{"inactiveFlag": "maybe"}, {"securityRole": 5}, {"name": {}}, {"excludedServiceBoardIds": 1}]
)
def test_wrong_types_are_the_deserializers_business(psa, fields):
    response = psa("POST", "/system/apiMembers", json=fields)
    assert response.status_code == 500
    assert response.json()["message"].startswith("Error converting value")


def test_the_default_is_not_the_top_of_the_structure(psa):
    default = psa.get("/system/apiMembers/default")
    assert default["structureLevel"]["name"] == "Branch"
    assert psa.get("/system/myCompany/corporateStructureLevels")[0] == {"id": 1, "name": "Corporate"}


def test_patch_replaces_whole_fields_and_ignores_paths_inside_them(psa, name):
    member = psa.member(name, "Technician", notes="old")
    path = f"/system/apiMembers/{member['id']}"
    admin = psa.get("/system/securityroles", conditions='name = "Admin"')[0]["id"]
    assert psa.patch(path, **{"securityRole/id": admin}).json()["securityRole"]["name"] == "Technician"
    assert psa.patch(path, securityRole={"id": admin}).json()["securityRole"]["name"] == "Admin"
    assert problems(psa.patch(path, SecurityRole={"id": admin})) == {("NotFound", "SecurityRole")}
    assert ("NotFound", "timeZone") in problems(psa.patch(path, timeZone={"name": "Moon"}))
    assert ("MissingRequiredField", "name") in problems(psa.patch(path, name=None))
    response = psa("PATCH", path, json=[{"op": "remove", "path": "notes"}])
    assert "notes" not in response.json()
    inactive = psa.patch(path, inactiveFlag=True).json()
    assert inactive["inactiveFlag"] is True
    assert inactive["inactiveDate"]
    assert "inactiveDate" not in psa.patch(path, inactiveFlag=False).json()


def test_put_nulls_what_it_is_not_given(psa, name):
    member = psa.member(name, "Technician", notes="gone soon", emailAddress="a@example.com")
    body = {field: member[field] for field in (*REQUIRED, "emailAddress")}
    response = psa("PUT", f"/system/apiMembers/{member['id']}", json=body)
    assert response.status_code == 200
    assert "notes" not in response.json()
    assert response.json()["emailAddress"] == "a@example.com"
    assert psa("PUT", f"/system/apiMembers/{member['id']}", json={"notes": "x"}).status_code == 400
    assert psa("DELETE", f"/system/apiMembers/{member['id']}").status_code == 405


def test_the_life_of_a_key(psa, simulator, name):
    member = psa.member(name, "Technician")
    path = f"/system/apiMembers/{member['id']}/apiKeys"
    made = psa.post(path, {"description": "Vendor"})
    assert set(made) == {"id", "description", "publicKey", "privateKey"}
    assert psa.get(path) == [{key: made[key] for key in ("id", "description", "publicKey")}]
    own = Psa(simulator, "north", made["publicKey"], made["privateKey"])
    assert own.get("/system/mySecurity", pageSize=1)[0]["member"]["identifier"] == name
    psa.patch(f"/system/apiMembers/{member['id']}", inactiveFlag=True)
    assert own("GET", "/system/mySecurity").status_code == 401
    psa.patch(f"/system/apiMembers/{member['id']}", inactiveFlag=False)
    assert own("GET", "/system/mySecurity").status_code == 200
    assert psa("DELETE", f"{path}/{made['id']}").status_code == 204
    assert psa("DELETE", f"{path}/{made['id']}").status_code == 404
    assert own("GET", "/system/mySecurity").status_code == 401
    assert psa.get(path) == []


def test_keys_need_a_description_and_a_member(psa, name):
    path = f"/system/apiMembers/{psa.member(name, 'Technician')['id']}/apiKeys"
    assert problems(psa("POST", path, json={})) == {("MissingRequiredField", "description")}
    assert problems(psa("POST", path, json={"description": "x" * 51})) == {("MaxLengthField", "description")}
    assert psa("POST", "/system/apiMembers/1/apiKeys", json={"description": "x"}).status_code == 404


def test_members_have_keys_too(psa, simulator):
    tech = psa.get("/system/members", conditions='identifier = "Tech2"')[0]
    made = psa.post(f"/system/members/{tech['id']}/apiKeys", {"description": "Own"})
    own = Psa(simulator, "north", made["publicKey"], made["privateKey"])
    assert own.get("/service/tickets/count") == {"count": 310}
    assert psa("GET", f"/system/apiMembers/{tech['id']}/apiKeys").status_code == 404
    assert psa.get(f"/system/members/{tech['id']}")["licenseClass"] == "F"
