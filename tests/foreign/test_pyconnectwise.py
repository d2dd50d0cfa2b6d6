# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pyconnectwise, through its own code and over TLS, against the simulator."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from pyconnectwise import ConnectWiseManageAPIClient
from pyconnectwise.config import Config
from pyconnectwise.exceptions import (
    AuthenticationFailedException,
    ConflictException,
    MalformedRequestException,
    MethodNotAllowedException,
    NotFoundException,
    ObjectExistsError,
    PermissionsFailedException,
)

from tests.simulator.client import Simulator

# The client's own models, generated for an older pydantic.
pytestmark = pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince20")

TENANTS: dict[str, Any] = {
    "sites": [{"name": "na"}, {"name": "onprem", "kind": "on_prem"}],
    "tenants": [
        {"company_id": "north", "site": "na", "profile": "published"},
        {"company_id": "onprem", "site": "onprem", "profile": "published"},
    ],
}


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with Simulator(TENANTS, tmp_path_factory.mktemp("psa")) as running:
        yield running


def client_of(simulator: Simulator, tenant: str = "north", **changes: Any) -> ConnectWiseManageAPIClient:
    known = simulator.ready["tenants"][tenant]
    options = {
        "company_name": known["company_id"],
        "manage_url": known["host"],
        "client_id": known["client_id"],
        "public_key": known["public_key"],
        "private_key": known["private_key"],
    }
    return ConnectWiseManageAPIClient(**{**options, **changes})


@pytest.fixture
def client(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[ConnectWiseManageAPIClient]:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", simulator.ready["ca"])
    yield client_of(simulator)
    simulator.clear_faults()


def role_of(client: ConnectWiseManageAPIClient, name: str) -> Any:
    return client.system.security_roles.post({"name": name})


def member_of(client: ConnectWiseManageAPIClient, identifier: str, role: str) -> Any:
    preset = client.system.api_members.default.get().model_dump(mode="json", exclude_none=True, by_alias=True)
    own = {"identifier": identifier, "name": identifier, "securityRole": {"name": role}}
    return client.system.api_members.post({**preset, **own})


def settings_of(client: ConnectWiseManageAPIClient, role: int) -> Any:
    """The client has this endpoint, but hangs it on no other."""
    endpoints = importlib.import_module("pyconnectwise.endpoints.manage.SystemSecurityrolesIdSettingsEndpoint")
    return endpoints.SystemSecurityrolesIdSettingsEndpoint(
        client, parent_endpoint=client.system.security_roles.id(role)
    )


def test_finds_the_codebase_by_companyinfo(client: ConnectWiseManageAPIClient, simulator: Simulator) -> None:
    assert client.codebase == "v2025_1/"
    assert client_of(simulator, "onprem").codebase == "v4_6_release/"


def test_an_unknown_company_is_null(client: ConnectWiseManageAPIClient, simulator: Simulator) -> None:
    with pytest.raises(AttributeError, match="NoneType"):
        client_of(simulator, company_name="North")


def test_reads_info(client: ConnectWiseManageAPIClient) -> None:
    info = client.system.info.get()
    assert info.version == "v2025.1.10675"
    assert info.is_cloud is True
    assert info.cloud_region == "NA"


def test_creates_reads_and_deletes_a_role(client: ConnectWiseManageAPIClient) -> None:
    before = client.system.security_roles.count.get().count
    made = role_of(client, "Foreign")
    assert made.name == "Foreign"
    assert client.system.security_roles.id(made.id).get().name == "Foreign"
    assert client.system.security_roles.count.get().count == before + 1
    found = client.system.security_roles.get(params={"conditions": "name = 'Foreign'"})
    assert [role.id for role in found] == [made.id]
    assert client.system.security_roles.info.get(params={"conditions": 'name="Foreign"'})[0].id == made.id
    client.system.security_roles.id(made.id).delete()
    with pytest.raises(NotFoundException):
        client.system.security_roles.id(made.id).get()


def test_pages_through_a_roles_settings(client: ConnectWiseManageAPIClient) -> None:
    made = role_of(client, "Paged")
    settings = settings_of(client, made.id)
    count = settings.count.get().count
    page = settings.paginated(1, 30)
    assert len(page.data) == 30
    assert page.has_next_page
    rows = list(page.all())
    assert len(rows) == count == len({row.id for row in rows})
    assert {row.module_name for row in rows} >= {"Companies", "Service Desk", "System"}
    one = settings.id(rows[0].id).get()
    assert (one.module_function_name, one.add_level) == (rows[0].module_function_name, "None")
    whole = settings.paginated(1, 1000)
    # Without a Link header this client asks for a second page, which is empty.
    assert "Link" not in whole.response.headers
    assert len(list(whole.all())) == count


def test_a_role_cannot_be_changed(client: ConnectWiseManageAPIClient) -> None:
    made = role_of(client, "Fixed")
    row = settings_of(client, made.id).get()[0]
    address = settings_of(client, made.id).id(row.id)
    with pytest.raises(MethodNotAllowedException):
        address._make_request("PATCH", data=[{"op": "replace", "path": "addLevel", "value": "All"}])


def test_creates_changes_and_replaces_a_member(client: ConnectWiseManageAPIClient) -> None:
    role_of(client, "Holder")
    made = member_of(client, "ForeignSync", "Holder")
    address = client.system.api_members.id(made.id)
    assert address.get().security_role.name == "Holder"
    changed = address.patch([{"op": "replace", "path": "notes", "value": "patched"}])
    assert changed.notes == "patched"
    whole = address.get().model_dump(mode="json", exclude_none=True, by_alias=True)
    whole.pop("notes")
    replaced = address.put(whole)
    assert not replaced.notes
    assert address.get().identifier == "ForeignSync"
    assert client.system.api_members.count.get(params={"conditions": 'identifier="ForeignSync"'}).count == 1
    off = address.patch([{"op": "replace", "path": "inactiveFlag", "value": True}])
    assert off.inactive_flag is True


def test_reads_its_own_security(client: ConnectWiseManageAPIClient) -> None:
    rows = client.system.my_security.get(params={"pageSize": 1000})
    assert {row.member.identifier for row in rows} == {"Automation"}
    assert {row.inquire_level for row in rows} == {"All"}
    # The client knows the address and no operation of it.
    items = client.system.my_security.customize_items._make_request("GET", params={"pageSize": 1000}).json()
    allowed = {(item["customizeIdentifier"], item["itemIdentifier"]) for item in items}
    assert ("SystemTableSetup", "Service / Service Board") in allowed


def test_reads_setup_screens_and_structure(client: ConnectWiseManageAPIClient) -> None:
    screens = client.system.setup_screens.get(params={"pageSize": 1000})
    assert len(screens) == client.system.setup_screens.count.get().count
    assert ("Service", "Service Board") in {(screen.category, screen.name) for screen in screens}
    assert client.system.setup_screens.id(screens[0].id).get().name == screens[0].name
    assert client.system.locations.get()
    assert client.system.info.departments.get()
    assert client.system.time_zone_setups.get()


def test_counts_records(client: ConnectWiseManageAPIClient) -> None:
    assert client.service.tickets.count.get().count > 0
    assert client.company.companies.count.get().count == 42
    companies = list(client.company.companies.paginated(1, 10).all())
    assert len(companies) == 42
    trimmed = client.company.companies.get(
        params={"fields": "id,identifier,name", "orderBy": "name desc", "pageSize": 5}
    )
    names = [company.name for company in trimmed]
    assert names == sorted(names, reverse=True)
    assert trimmed[0].phone_number is None


def test_reads_errors(client: ConnectWiseManageAPIClient, simulator: Simulator) -> None:
    role = role_of(client, "Erring")
    member_of(client, "Erring", "Erring")
    with pytest.raises(ObjectExistsError) as exists:
        role_of(client, "Erring")
    assert "name" in str(exists.value)
    with pytest.raises(MalformedRequestException) as long:
        role_of(client, "x" * 31)
    assert "MaxLengthField" in long.value.response.text
    with pytest.raises(ConflictException):
        client.system.security_roles.id(role.id).delete()
    with pytest.raises(MalformedRequestException):
        client.system.security_roles.get(params={"conditions": "name ="})
    with pytest.raises(AuthenticationFailedException):
        client_of(simulator, private_key="wrong").system.info.get()
    client.codebase = "v2019_1/"
    with pytest.raises(MalformedRequestException) as routed:
        client.system.info.get()
    client.codebase = "v4_6_release/"
    assert routed.value.response.text.strip('"') == "Cannot route. Codebase/company is invalid"
    with pytest.raises(NotFoundException) as nowhere:
        client.marketing.campaigns.get()
    assert "does not exist" in nowhere.value.response.text


def test_a_key_with_fewer_rights_is_refused(client: ConnectWiseManageAPIClient, simulator: Simulator) -> None:
    simulator.faults({"fault": "deny", "permission": "Service Desk / Service Tickets"})
    with pytest.raises(PermissionsFailedException) as refused:
        client.service.tickets.count.get()
    assert refused.value.response.json()["code"] == "Security"


def test_tries_again_after_a_timeout_of_the_server(client: ConnectWiseManageAPIClient, simulator: Simulator) -> None:
    client.config = Config(max_retries=3)
    simulator.faults({"fault": "status", "status": 500, "body": "pool", "times": 2})
    assert client.system.info.get().is_cloud is True
    assert [hit["hits"] for hit in simulator.fault_hits()] == [2]


def test_without_the_authority_nothing_is_sent(simulator: Simulator) -> None:
    with pytest.raises(requests.exceptions.SSLError, match=re.compile("certificate", re.IGNORECASE)):
        client_of(simulator)
