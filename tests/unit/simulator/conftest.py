# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One simulator process for these tests; each test gets its tenants as they are and cleans up what it disturbs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.simulator.client import Simulator

TENANTS: dict[str, Any] = {
    "sites": [
        {"name": "na"},
        {"name": "onprem", "kind": "on_prem"},
        {"name": "ui", "kind": "ui"},
        {"name": "expired", "certificate": "expired"},
        {"name": "elsewhere", "certificate": "other_host"},
    ],
    "tenants": [
        {"company_id": "north", "site": "na"},
        {"company_id": "quoting", "site": "na", "quotes": "backslash", "equals": "sensitive"},
        {"company_id": "doubling", "site": "na", "quotes": "doubled"},
        {"company_id": "strange", "site": "na", "bad_keys_status": 404, "is_cloud_as_string": True, "asio": False},
        {
            "company_id": "older",
            "site": "na",
            "functions": {
                "remove": ["Service Desk / Merge Tickets"],
                "add": [{"name": "Sales / Deal Room", "my": True}],
                "rename": {"Service Desk / Reports": "Reporting"},
                "not_offered": {"Companies / Reports": ["add", "edit", "delete"]},
            },
            "tables": {"remove": ["Company / State"], "add": ["Service / Ticket Type"]},
        },
        {"company_id": "onprem", "site": "onprem", "profile": "published"},
        {"site": "na", "fleet": {"count": 3, "prefix": "t"}},
    ],
}


class Psa:
    """A client as plain as can be."""

    def __init__(
        self, simulator: Simulator, tenant: str, public: str | None = None, private: str | None = None
    ) -> None:
        self.simulator = simulator
        self.tenant = simulator.ready["tenants"][tenant]
        self.session = requests.Session()
        # The environment's proxies and CA bundle are not for loopback.
        self.session.trust_env = False
        self.session.verify = simulator.ready["ca"]
        self.session.auth = (
            f"{tenant}+{public or self.tenant['public_key']}",
            private or self.tenant["private_key"],
        )
        self.session.headers["clientId"] = self.tenant["client_id"]
        self.base = f"https://{self.tenant['host']}/v4_6_release/apis/3.0"

    def __call__(self, method: str, path: str, **options: Any) -> requests.Response:
        options.setdefault("timeout", 20)
        return self.session.request(method, self.base + path, allow_redirects=False, **options)

    def get(self, path: str, **params: Any) -> Any:
        response = self("GET", path, params=params)
        assert response.status_code == 200, response.text
        return response.json()

    def post(self, path: str, body: Any) -> Any:
        response = self("POST", path, json=body)
        assert response.status_code == 201, response.text
        return response.json()

    def patch(self, path: str, **changes: Any) -> requests.Response:
        body = [{"op": "replace", "path": name, "value": value} for name, value in changes.items()]
        return self("PATCH", path, json=body)

    def role(self, name: str) -> dict[str, Any]:
        return self.post("/system/securityroles", {"name": name})

    def setting(self, role: int, module: str, function: str) -> str:
        """The path of a role's row."""
        rows = self.get(f"/system/securityRoles/{role}/settings", pageSize=1000)
        found = [row for row in rows if (row["moduleName"], row["moduleFunctionName"]) == (module, function)]
        assert len(found) == 1
        return f"/system/securityRoles/{role}/settings/{found[0]['id']}"

    def member(self, identifier: str, role: str, **fields: Any) -> dict[str, Any]:
        defaults = self.get("/system/apiMembers/default")
        top = {"structureLevel": {"name": "Corporate"}, "securityLocation": {"name": "Corporate"}}
        own = {"identifier": identifier, "name": identifier, "securityRole": {"name": role}}
        return self.post("/system/apiMembers", {**defaults, **top, **own, **fields})

    def key(self, member: int, description: str = "Test") -> Psa:
        """The same client under a new key of an API member."""
        made = self.post(f"/system/apiMembers/{member}/apiKeys", {"description": description})
        return Psa(self.simulator, self.tenant["company_id"], made["publicKey"], made["privateKey"])


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with Simulator(TENANTS, tmp_path_factory.mktemp("psa")) as simulator:
        yield simulator
    log = simulator.log.read_text(encoding="utf-8").splitlines()
    assert len(log) == 1, log
    assert simulator.process.returncode == 0


@pytest.fixture
def simulator(server: Simulator) -> Iterator[Simulator]:
    yield server
    server.clear_faults()
    server.latency(0)
    server.rate_limit()


@pytest.fixture
def psa(simulator: Simulator) -> Iterator[Psa]:
    client = Psa(simulator, "north")
    yield client
    client.session.close()


@pytest.fixture
def onprem(simulator: Simulator) -> Iterator[Psa]:
    client = Psa(simulator, "onprem")
    yield client
    client.session.close()


@pytest.fixture(scope="session")
def numbers() -> Iterator[int]:
    return itertools.count(1)


@pytest.fixture
def name(numbers: Iterator[int]) -> str:
    """A name that no other test uses, short enough for an identifier."""
    return f"Test {next(numbers)}"
