# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paging, conditions, fields and order, over the wire."""

from __future__ import annotations

import re

import pytest

from .conftest import Psa


def links(response):
    return {rel: url for url, rel in re.findall(r'<([^>]+)>; rel="(\w+)"', response.headers.get("Link", ""))}


def test_the_default_page_has_25_and_the_links_lead_through_all(psa):
    response = psa("GET", "/service/tickets")
    assert len(response.json()) == 25
    assert set(links(response)) == {"next", "first", "last"}
    seen = response.json()
    while "next" in links(response):
        response = psa.session.get(links(response)["next"], timeout=120)
        seen += response.json()
    assert [record["id"] for record in seen] == list(range(1, 311))
    assert set(links(response)) == {"prev", "first", "last"}


def test_no_link_when_everything_fits_on_one_page(psa):
    response = psa("GET", "/service/tickets", params={"pageSize": 310})
    assert len(response.json()) == 310
    assert "Link" not in response.headers


def test_links_keep_the_query(psa):
    params = {"conditions": 'summary like "Ticket 1%" and id != 1', "fields": "id", "pageSize": 10}
    response = psa("GET", "/service/tickets", params=params)
    following = psa.session.get(links(response)["next"], timeout=120).json()
    assert [record["id"] for record in response.json() + following] == [*range(10, 20), *range(100, 110)]
    assert all(set(record) == {"id"} for record in following)


def test_forward_only(psa):
    header = {"pagination-type": "forward-only"}
    response = psa("GET", "/service/tickets", params={"pageSize": 100}, headers=header)
    sizes = [len(response.json())]
    while "next" in links(response):
        assert set(links(response)) == {"next"}
        response = psa.session.get(links(response)["next"], headers=header, timeout=120)
        sizes.append(len(response.json()))
    assert sizes == [100, 100, 100, 10]


@pytest.mark.parametrize("params", [{"pageSize": 1001}, {"pageSize": 0}, {"page": 0}, {"page": "x"}, {"page": -1}])
def test_pages_that_do_not_exist_are_refused(psa, params):
    response = psa("GET", "/system/setupScreens", params=params)
    assert (response.status_code, response.json()["code"]) == (400, "InvalidObject")


def test_a_page_after_the_last_is_empty(psa):
    assert psa.get("/system/setupScreens", page=99) == []


def test_count(psa):
    assert psa.get("/service/tickets/count") == {"count": 310}
    assert psa.get("/service/tickets/count", conditions="id <= 7") == {"count": 7}
    assert psa.get("/company/companies/count", conditions='identifier in ("company3", "company4")') == {"count": 2}


def test_conditions_follow_references_and_know_the_fields(psa):
    found = psa.get("/system/apiMembers", conditions='securityRole/name = "admin" and inactiveFlag = false')
    assert [member["identifier"] for member in found] == ["Automation"]
    for conditions in ('nothing = "x"', "securityRole/nothing = 1", "_info/lastUpdated >", 'name = "x'):
        response = psa("GET", "/system/apiMembers", params={"conditions": conditions})
        assert response.status_code == 400, conditions
        assert response.json()["errors"][0]["field"] == "conditions"
    since = psa.get("/system/apiMembers", conditions="_info/lastUpdated > [2016-08-20T18:04:26Z]")
    assert "Automation" in [member["identifier"] for member in since]
    assert psa.get("/system/apiMembers", conditions="_info/lastUpdated < [2016-08-20T18:04:26Z]") == []


def test_child_and_custom_field_conditions(psa):
    assert psa.get("/system/locations", childConditions="departmentIds = 21", fields="name")
    assert psa.get("/company/companies", customFieldConditions='caption = "Tier"') == []


def test_fields_and_order(psa):
    rows = psa.get("/system/setupScreens", fields="Category,name", orderBy="category desc,name", pageSize=3)
    assert rows == [
        {"category": "Time", "name": "Work Role"},
        {"category": "Time", "name": "Work Type"},
        {"category": "Service", "name": "Priority"},
    ]
    member = psa.get("/system/apiMembers", fields="securityRole/name")[0]
    assert member == {"securityRole": {"name": "Admin"}}
    assert psa("GET", "/system/setupScreens", params={"orderBy": "name sideways"}).status_code == 400
    assert psa("GET", "/system/setupScreens", params={"orderBy": "nothing"}).status_code == 400


@pytest.mark.parametrize(
    ("tenant", "written"),
    [
        ("quoting", lambda name: name.replace("\\", "\\\\").replace('"', '\\"')),
        ("doubling", lambda n: n.replace('"', '""')),
    ],
)
@pytest.mark.parametrize(
    "hostile",
    [
        '"',
        "it's",
        "\\",
        "100% & more",
        "\U0001f600",
        "\u05d0\u05d1\u05d2",
        "x" * 30,
        "trailing  ",
        "null",
        "a+b",
        "<>(),[]",
        "a=b",
    ],
)
def test_hostile_names_are_found_again(simulator, tenant, written, hostile):
    psa = Psa(simulator, tenant)
    role = psa.role(hostile)
    found = psa.get("/system/securityroles", conditions=f'name = "{written(hostile)}"')
    assert [(entry["id"], entry["name"]) for entry in found] == [(role["id"], hostile)]
    assert psa("DELETE", f"/system/securityroles/{role['id']}").status_code == 204


def test_equals_is_sensitive_where_the_tenant_says_so(simulator, psa):
    assert psa.get("/system/securityroles/count", conditions='name = "ADMIN"') == {"count": 1}
    assert Psa(simulator, "quoting").get("/system/securityroles/count", conditions='name = "ADMIN"') == {"count": 0}
