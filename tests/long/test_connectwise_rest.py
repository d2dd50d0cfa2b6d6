# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""connectwise-rest (npm), through its own code and over TLS, against the simulator."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.client import Simulator
from tools import foreign

SCRIPT = Path(__file__).resolve().parents[1] / "foreign" / "connectwise_rest.js"
TENANTS: dict[str, Any] = {
    "sites": [{"name": "na"}, {"name": "onprem", "kind": "on_prem"}],
    "tenants": [
        {"company_id": "north", "site": "na", "profile": "published"},
        {"company_id": "onprem", "site": "onprem", "profile": "published"},
    ],
}
Steps = dict[str, dict[str, Any]]


@pytest.fixture(scope="module", params=["north", "onprem"])
def steps(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Steps:
    """What the client's operations gave, by their names."""
    place = foreign.modules()
    with Simulator(TENANTS, tmp_path_factory.mktemp("psa")) as simulator:
        tenant = simulator.ready["tenants"][request.param]
        options = {
            "companyId": tenant["company_id"],
            "companyUrl": tenant["host"],
            "publicKey": tenant["public_key"],
            "privateKey": tenant["private_key"],
            "clientId": tenant["client_id"],
        }
        environment = {
            "PATH": os.environ["PATH"],
            "NODE_PATH": str(place / "node_modules"),
            "NODE_EXTRA_CA_CERTS": simulator.ready["ca"],
        }
        done = subprocess.run(
            ["node", str(SCRIPT)],
            input=json.dumps(options),
            env=environment,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return {step["name"]: step for step in map(json.loads, done.stdout.splitlines())}


def value(steps: Steps, name: str) -> Any:
    assert "value" in steps[name], steps[name]
    return steps[name]["value"]


SUCCEEDED: dict[str, Callable[[Any], bool]] = {
    "info": lambda found: found["version"] == "v2025.1.10675",
    "count roles": lambda found: found["count"] == 2,
    "create role": lambda found: found["name"] == "From Node",
    "read role": lambda found: found["name"] == "From Node",
    "role info": lambda found: found["name"] == "From Node",
    "find role": lambda found: [one["name"] for one in found] == ["From Node"],
    "list roles": lambda found: (
        [set(one) for one in found] == [{"id", "name", "_info"}] * 3
        or [one["name"] for one in found] == ["Technician", "From Node", "Admin"]
    ),
    "read setting": lambda found: found["addLevel"] == "None",
    "default member": lambda found: "structureLevel" in found,
    "create member": lambda found: found["securityRole"]["name"] == "From Node",
    "read member": lambda found: found["identifier"] == "NodeSync",
    "patch member": lambda found: found["notes"] == "patched",
    "patch inside a reference": lambda found: found["securityRole"]["name"] == "From Node",
    "put member": lambda found: found["name"] == "Put Sync" and not found.get("notes"),
    "find member": lambda found: [one["identifier"] for one in found] == ["NodeSync"],
    "count members": lambda found: found["count"] == 1,
    "my security": lambda found: {row["member"]["identifier"] for row in found} == {"Automation"},
    "my customize items": lambda found: "Service / Service Board" in {row["itemIdentifier"] for row in found},
    "count tickets": lambda found: found["count"] > 0,
    "count companies": lambda found: found["count"] == 42,
    "page companies": lambda found: len({one["id"] for one in found}) == 42,
    "create spare role": lambda found: found["name"] == "Spare",
    "delete role": lambda found: found in ("", None),
}
REFUSED: dict[str, tuple[int, str]] = {
    "write setting": (405, ""),
    "delete role in use": (409, "Conflict"),
    "read deleted role": (404, "NotFound"),
    "duplicate role": (400, "ObjectExists"),
    "role with a long name": (400, "MaxLengthField"),
    "bad conditions": (400, "InvalidObject"),
    "unknown endpoint": (404, "The endpoint does not exist."),
    "wrong keys": (401, "Unauthorized"),
    "wrong codebase": (400, "Cannot route. Codebase/company is invalid"),
}


@pytest.mark.parametrize("name", SUCCEEDED)
def test_what_it_can_do(steps: Steps, name: str) -> None:
    assert SUCCEEDED[name](value(steps, name)), steps[name]


@pytest.mark.parametrize("name", REFUSED)
def test_what_it_is_refused(steps: Steps, name: str) -> None:
    status, text = REFUSED[name]
    error = steps[name].get("error")
    assert error is not None, steps[name]
    assert error["status"] == status, error
    assert text in json.dumps(error["body"])


@pytest.mark.parametrize(
    ("paged", "counted"), [("page settings", "count settings"), ("setup screens", "count setup screens")]
)
def test_pages_give_each_record_once(steps: Steps, paged: str, counted: str) -> None:
    records = value(steps, paged)
    assert len(records) == len({record["id"] for record in records}) == value(steps, counted)["count"]


def test_every_operation_is_judged(steps: Steps) -> None:
    paged = {"page settings", "count settings", "setup screens", "count setup screens"}
    assert set(steps) == {*SUCCEEDED, *REFUSED, *paged}
