# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Older and newer products: functions that are missing, renamed or new, tables with and without Asio, codebases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.simulator.client import Simulator

from .engine import Failed, Integration, connection, profile_of, run

OLDER = {
    "version": "v2021.2",
    "asio": False,
    "functions": {
        "remove": ["Service Desk / Merge Tickets", "Service Desk / Cloud Console"],
        "rename": {"Service Desk / Close Service Tickets": "Closed Service Tickets"},
        "not_offered": {"Companies / Reports": ["add", "edit", "delete"]},
    },
}
NEWER = {
    "version": "v2026.4",
    "functions": {
        "add": ["Service Desk / Ticket Summaries", {"name": "Sales / Deal Room", "my": True}],
        "rename": {"Time & Expense / Time Entry": "Time Entry"},
    },
    "tables": {"add": ["Service / Ticket Summary"]},
}
TENANTS: dict[str, Any] = {
    "sites": [{"name": "na"}, {"name": "onprem", "kind": "on_prem"}],
    "tenants": [
        {"company_id": "today", "site": "na"},
        {"company_id": "older", "site": "na", **OLDER},
        {"company_id": "newer", "site": "na", **NEWER},
        {"company_id": "oldprem", "site": "onprem", "is_cloud_as_string": True, **OLDER},
        {"company_id": "stringly", "site": "na", "is_cloud_as_string": True},
        {"company_id": "moving", "site": "na", "wrong_codebase_status": 404},
        {"company_id": "moved", "site": "na"},
    ],
}


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with Simulator(TENANTS, tmp_path_factory.mktemp("psa")) as running:
        yield running


@pytest.mark.parametrize("tenant", ["today", "newer", "stringly"])
def test_a_profile_of_today(simulator: Simulator, tenant: str) -> None:
    integration = Integration(connection(simulator.ready, tenant), profile_of("zofiq"))
    assert integration.onboard()["status"] == "ready"
    integration.onboard()
    assert not integration.changed
    allowed = simulator.role(tenant, "zofiQ Sec Role")
    assert allowed is not None
    tables = allowed["allow"]["System"]["Table Setup"]
    assert not [name for name in tables if "Asio" in name]
    assert ("Service / Ticket Summary" in tables) is (tenant == "newer")


@pytest.mark.parametrize("tenant", ["older", "oldprem"])
def test_an_older_product_is_told_exactly(simulator: Simulator, tenant: str) -> None:
    options = connection(simulator.ready, tenant)
    with pytest.raises(Failed) as refused:
        Integration(options, profile_of("zofiq")).onboard()
    message = refused.value.result["msg"]
    assert "Cloud Console" in message or "Merge Tickets" in message
    assert "What to do:" in message
    integration = Integration(options, profile_of("zofiq"), on_unknown="warn")
    assert integration.onboard()["status"] == "ready"
    integration.onboard()
    assert not integration.changed
    role = simulator.role(tenant, "zofiQ Sec Role")
    assert role is not None
    assert role["permissions"]["Service Desk"]["Closed Service Tickets"]["inquire"] == "All"
    assert not {"Merge Tickets", "Cloud Console"} & set(role["permissions"]["Service Desk"])


def test_versions_are_read_in_every_form(simulator: Simulator) -> None:
    found = {
        name: run("cw_tenant_info", connection(simulator.ready, name), gather=["system"])["tenant"]
        for name in ("today", "older", "oldprem", "stringly", "newer")
    }
    assert {name: one["is_cloud"] for name, one in found.items()} == {
        "today": True,
        "older": True,
        "oldprem": False,
        "stringly": True,
        "newer": True,
    }
    assert found["newer"]["codebase"] == "v2026_4"
    assert found["oldprem"]["codebase"] == "v4_6_release"


@pytest.mark.parametrize("api_version", [None, "2019.1", "2025.1", "2026.4"])
def test_versions_of_the_data_model(simulator: Simulator, api_version: str | None) -> None:
    simulator.clear_journal()
    result = run("cw_tenant_info", connection(simulator.ready, "today", api_version=api_version), gather=["system"])
    assert not result.get("failed"), result
    assert {entry["status"] for entry in simulator.journal("today")} == {200}


@pytest.mark.parametrize(("tenant", "status"), [("moving", 404), ("moved", 400)])
def test_a_codebase_that_changes_in_the_middle_of_a_run(simulator: Simulator, tenant: str, status: int) -> None:
    from ansible_collections.msp.connectwise.plugins.module_utils._client import Psa
    from ansible_collections.msp.connectwise.plugins.module_utils._connection import parse_connection
    from ansible_collections.msp.connectwise.plugins.module_utils._errors import WrongAddress

    options = connection(simulator.ready, tenant)
    with Psa(parse_connection({**options, "codebase": "auto"})) as psa:
        before = psa.list("/system/securityroles")
        assert psa.codebase == "v2025_1"
        simulator.edit(tenant, {"op": "set_version", "version": "v2026.1", "status": status})
        simulator.clear_journal()
        assert psa.list("/system/securityroles") == before
        assert psa.codebase == "v2026_1"
        psa.list("/system/securityroles")
    calls = [(entry["path"].split("/")[1], entry["status"]) for entry in simulator.journal(tenant)]
    assert calls == [("v2025_1", status), ("login", 200), ("v2026_1", 200), ("v2026_1", 200)]
    with Psa(parse_connection({**options, "codebase": "v2025_1"})) as fixed, pytest.raises(WrongAddress) as lost:
        fixed.get("/system/info")
    assert "v2026_1" in lost.value.remedy
    with Psa(parse_connection(options)) as always:
        assert always.list("/system/securityroles") == before


def test_an_integration_goes_on_over_an_upgrade(simulator: Simulator) -> None:
    integration = Integration(connection(simulator.ready, "moved", codebase="auto"), profile_of("umbrella"))
    assert integration.onboard()["status"] == "ready"
    simulator.edit("moved", {"op": "set_version", "version": "v2026.2", "status": 404})
    integration.onboard()
    assert not integration.changed
