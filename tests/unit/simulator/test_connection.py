# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is let in, and what the server says otherwise."""

from __future__ import annotations

import pytest
import requests

from .conftest import Psa


def plain(simulator, url, **headers):
    session = requests.Session()
    session.trust_env = False
    with session:
        return session.get(url, verify=simulator.ready["ca"], headers=headers, timeout=120)


@pytest.mark.parametrize(
    ("tenant", "codebase", "cloud"),
    [("north", "v2025_1/", True), ("strange", "v2025_1/", "True"), ("onprem", "v4_6_release/", False)],
)
def test_company_info(simulator, tenant, codebase, cloud):
    host = simulator.ready["tenants"][tenant]["host"]
    info = plain(simulator, f"https://{host}/login/companyinfo/{tenant}").json()
    assert (info["Codebase"], info["IsCloud"], info["SiteUrl"], info["CompanyID"]) == (codebase, cloud, host, tenant)


@pytest.mark.parametrize("company", ["North", "nobody", "onprem"])
def test_company_info_of_a_company_that_is_not_here_is_null(simulator, company):
    response = plain(simulator, f"{simulator.ready['sites']['na']['url']}/login/companyinfo/{company}")
    assert (response.status_code, response.text) == (200, "null")


def test_the_ui_host_knows_where_a_company_lives_but_serves_no_api(simulator, psa):
    site = simulator.ready["sites"]["ui"]
    assert plain(simulator, f"{site['url']}/login/companyinfo/north").json()["SiteUrl"] == psa.tenant["host"]
    psa.base = f"{site['url']}/v4_6_release/apis/3.0"
    response = psa("GET", "/system/info")
    assert response.status_code == 403
    assert response.json() == {"code": "Security", "message": "SSL is required.", "errors": None}


@pytest.mark.parametrize(
    ("tenant", "codebase", "status"),
    [
        ("north", "v4_6_release", 200),
        ("north", "v2025_1", 200),
        ("north", "v2024_1", 400),
        ("onprem", "v4_6_release", 200),
        ("onprem", "v2025_1", 400),
    ],
)
def test_codebases(simulator, tenant, codebase, status):
    psa = Psa(simulator, tenant)
    psa.base = psa.base.replace("v4_6_release", codebase)
    response = psa("GET", "/system/info")
    assert response.status_code == status
    if status == 400:
        assert response.text == "Cannot route. Codebase/company is invalid"
        assert response.headers["Content-Type"].startswith("text/plain")


def test_a_company_of_another_site_cannot_be_routed(simulator, psa):
    psa.base = psa.base.replace(psa.tenant["host"], simulator.ready["tenants"]["onprem"]["host"])
    assert psa("GET", "/system/info").text == "Cannot route. Codebase/company is invalid"


def test_wrong_keys(simulator, psa):
    for public, private in ((psa.tenant["public_key"], "wrong"), ("wrong", psa.tenant["private_key"])):
        response = Psa(simulator, "north", public, private)("GET", "/system/info")
        assert (response.status_code, response.json()["code"]) == (401, "Unauthorized")
    response = Psa(simulator, "strange", "wrong", "wrong")("GET", "/system/info")
    assert (response.status_code, response.json()["message"]) == (404, "The endpoint does not exist.")
    psa.session.auth = None
    assert psa("GET", "/system/info").status_code == 401
    assert psa("GET", "/system/info", headers={"Authorization": "Basic !"}).status_code == 401


def test_client_id_is_needed_and_must_be_known(psa):
    known = psa.session.headers.pop("clientId")
    response = psa("GET", "/system/info")
    assert response.status_code == 400
    assert "clientId" in response.text
    response = psa("GET", "/system/info", headers={"clientId": known[:-1] + "x"})
    assert response.status_code == 401
    assert "clientId" in response.text
    assert psa("GET", "/system/info", headers={"clientId": known.upper()}).status_code == 200


def test_accept_and_version_headers(psa):
    vendor = "application/vnd.connectwise.com+json"
    response = psa("GET", "/system/info", headers={"Accept": f"{vendor}; version=2025.1"})
    assert response.headers["Content-Type"] == f"{vendor}; version=2025.1; charset=utf-8"
    assert response.headers["api-current-version"] == "2025.1"
    assert psa("GET", "/system/info").headers["Content-Type"] == "application/json; charset=utf-8"


def test_routes_ignore_case_and_a_trailing_slash(psa):
    names = [role["name"] for role in psa.get("/system/securityroles")]
    assert names == [role["name"] for role in psa.get("/System/SecurityRoles/")]
    assert psa.get("/system/mySecurity/customizeItems/") == psa.get("/system/mysecurity/customizeitems")


def test_unknown_routes_methods_and_types(psa):
    response = psa("GET", "/system/nothing")
    assert (response.status_code, response.json()["message"]) == (404, "The endpoint does not exist.")
    response = psa("DELETE", "/system/apiMembers")
    assert response.status_code == 405
    assert response.headers["Allow"] == "GET, POST"
    assert psa("POST", "/system/securityroles", data="name=x").status_code == 415
    response = psa("POST", "/system/securityroles", data="{", headers={"Content-Type": "application/json"})
    assert (response.status_code, response.json()["code"]) == (400, "InvalidObject")
    response = psa("GET", f"/system/info?conditions={'x' * 2000}")
    assert response.status_code == 404
    assert "too long" in response.text


def test_info(psa, onprem):
    assert psa.get("/system/info")["version"] == "v2025.1.10675"
    assert psa.get("/system/info")["cloudRegion"] == "NA"
    assert onprem.get("/system/info")["isCloud"] is False


def test_tls_is_real(simulator):
    for site, word in (("expired", "expired"), ("elsewhere", "doesn't match|not valid for|mismatch")):
        with pytest.raises(requests.exceptions.SSLError, match=word):
            plain(simulator, f"{simulator.ready['sites'][site]['url']}/login/companyinfo/north")
    with requests.Session() as session:
        session.trust_env = False
        with pytest.raises(requests.exceptions.SSLError):
            session.get(f"{simulator.ready['sites']['na']['url']}/login/companyinfo/north", timeout=120)


def test_a_fleet_is_as_many_tenants(simulator):
    fleet = [name for name in simulator.ready["tenants"] if name.startswith("t0")]
    assert fleet == ["t0001", "t0002", "t0003"]
    keys = {simulator.ready["tenants"][name]["private_key"] for name in fleet}
    assert len(keys) == 3
    Psa(simulator, "t0001").role("Only here")
    assert "Only here" in [role["name"] for role in simulator.state("t0001")["roles"]]
    assert "Only here" not in [role["name"] for role in simulator.state("t0002")["roles"]]


def test_a_member_gets_a_short_lived_key_and_an_api_member_does_not(simulator, psa):
    made = simulator.edit("north", {"op": "add_key", "member": "Tech1", "member_type": "member", "description": "own"})[
        0
    ]
    tech = Psa(simulator, "north", made["publicKey"], made["privateKey"])
    body, header = {"memberIdentifier": "Tech1"}, {"x-cw-usertype": "member"}
    assert psa("POST", "/system/members/Tech1/tokens", json=body, headers=header).status_code == 403
    assert tech("POST", "/system/members/Tech1/tokens", json=body).status_code == 400
    token = tech("POST", "/system/members/Tech1/tokens", json=body, headers=header)
    assert token.status_code == 201
    short = Psa(simulator, "north", token.json()["publicKey"], token.json()["privateKey"])
    assert short.get("/system/mySecurity", pageSize=1)[0]["member"]["identifier"] == "Tech1"
