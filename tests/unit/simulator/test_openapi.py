# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answers against the project's own OpenAPI document, and the document against the operations."""

from __future__ import annotations

import copy
import re

import pytest
from jsonschema import Draft202012Validator

from tests.simulator import api, catalog, schema

from .conftest import Psa

DOCUMENT = schema.document()
OPERATIONS = [(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods]


def as_json_schema(node):
    """OpenAPI 3.0 says nullable where JSON Schema has a type null."""
    if isinstance(node, list):
        return [as_json_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    result = {key: as_json_schema(value) for key, value in node.items() if key != "nullable"}
    if node.get("nullable") and "type" in result:
        result["type"] = [result["type"], "null"]
    return result


COMPONENTS = as_json_schema(copy.deepcopy(DOCUMENT["components"]))


def validate(response, method, path):
    answers = DOCUMENT["paths"][path][method.lower()]["responses"]
    answer = answers.get(str(response.status_code))
    if answer is None:
        answer = DOCUMENT["components"]["responses"]["Error"]
    content = answer.get("content")
    if content is None:
        assert response.content == b""
        return
    wanted = as_json_schema(content["application/json"]["schema"])
    Draft202012Validator({**wanted, "components": COMPONENTS}).validate(response.json())


@pytest.fixture(scope="module")
def sample(server):
    """A role, a member and a key to put into the paths."""
    psa = Psa(server, "north")
    role = psa.role("Documented")
    member = psa.member("Documented", "Documented", notes="x", emailAddress="a@example.com")
    psa.post(f"/system/apiMembers/{member['id']}/apiKeys", {"description": "Documented"})
    tech = psa.get("/system/members")[0]["id"]
    return {
        "role": role["id"],
        "setting": psa.setting(role["id"], "System", "Table Setup"),
        "member": member["id"],
        "tech": tech,
    }


def filled(path, sample):
    if path.startswith("/system/securityRoles/{parentId}/settings/{id}"):
        return sample["setting"] + path.removeprefix("/system/securityRoles/{parentId}/settings/{id}")
    chosen = sample["role"] if "securityroles" in path.lower() else sample["member"]
    chosen = sample["tech"] if path.startswith("/system/members/") else chosen
    first = {"/system/setupScreens": 1, "/system/myCompany": 1, "/system/info/dep": 21, "/system/timeZone": 31}
    first |= {"/system/locations": 11, "/system/info/loc": 11, "/service/info": 41}
    chosen = next((number for start, number in first.items() if path.startswith(start)), chosen)
    return re.sub(r"\{\w+\}", str(chosen), path)


@pytest.mark.parametrize("path", [path for method, path in OPERATIONS if method == "GET"])
def test_every_read_is_as_documented(simulator, psa, sample, path):
    response = psa("GET", filled(path, sample), params={"pageSize": 1000})
    assert response.status_code == 200, response.text
    validate(response, "GET", path)


def test_writes_and_errors_are_as_documented(psa, name):
    role = psa("POST", "/system/securityroles", json={"name": name})
    validate(role, "POST", "/system/securityroles")
    validate(psa("POST", "/system/securityroles", json={"name": name}), "POST", "/system/securityroles")
    body = {**psa.get("/system/apiMembers/default"), "identifier": name, "name": name, "securityRole": {"name": name}}
    member = psa("POST", "/system/apiMembers", json=body)
    validate(member, "POST", "/system/apiMembers")
    path = f"/system/apiMembers/{member.json()['id']}"
    validate(psa("PUT", path, json=member.json()), "PUT", "/system/apiMembers/{id}")
    validate(psa.patch(path, notes="x"), "PATCH", "/system/apiMembers/{id}")
    validate(psa.patch(path, notes={}), "PATCH", "/system/apiMembers/{id}")
    key = psa("POST", f"{path}/apiKeys", json={"description": "x"})
    validate(key, "POST", "/system/apiMembers/{parentId}/apiKeys")
    gone = psa("DELETE", f"{path}/apiKeys/{key.json()['id']}")
    validate(gone, "DELETE", "/system/apiMembers/{parentId}/apiKeys/{id}")
    validate(psa("DELETE", f"/system/securityroles/{role.json()['id']}"), "DELETE", "/system/securityroles/{id}")


def test_document_and_operations_name_the_same_things():
    documented = {(method, re.sub(r"\{\w+\}", "{}", path).strip("/").lower()) for method, path in OPERATIONS}
    served = {
        (method, path.replace("{identifier}", "{}")) for path, methods in api.OPERATIONS.items() for method in methods
    }
    for entry in catalog.data("records"):
        served |= {("GET", entry["path"].lower()), ("GET", f"{entry['path'].lower()}/count")}
    assert documented == served


def test_extension_routes_are_labelled():
    labelled = {
        (method.upper(), re.sub(r"\{\w+\}", "{}", path).strip("/").lower())
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
        if operation["tags"] == ["extension"]
    }
    extension = {
        (method, path)
        for path, methods in api.OPERATIONS.items()
        for method, found in methods.items()
        if found.extension
    }
    assert labelled == extension
    assert len(extension) == 9
