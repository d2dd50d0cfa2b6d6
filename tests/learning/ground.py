# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated tenants with a web client, for the proofs of routes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._client import Psa
from ansible_collections.msp.connectwise.plugins.module_utils._connection import parse_connection
from ansible_collections.msp.connectwise.plugins.plugin_utils import _routes_file
from tests.simulator.client import Simulator
from tests.simulator.config import WEB_CLIENTS

ROUTES = Path(__file__).parent / "routes"
DIALECTS = WEB_CLIENTS


def tenants(*names: str) -> dict[str, Any]:
    """Published tenants, each with the web client of its name."""
    entries = [
        {"company_id": name, "site": "na", "profile": "published", "web_client": name} for name in names or DIALECTS
    ]
    return {"sites": [{"name": "na"}], "tenants": entries}


def options(ready: Mapping[str, Any], tenant: str, **changes: Any) -> dict[str, Any]:
    known = ready["tenants"][tenant]
    found = {name: known[name] for name in ("company_id", "host", "public_key", "private_key", "client_id")}
    return {**found, "ca_path": ready["ca"], "retry_max_delay": 0.02, "timeout": 10.0, **changes}


def psa_of(simulator: Simulator, tenant: str) -> Psa:
    return Psa(parse_connection(options(simulator.ready, tenant)))


def routes_of(dialect: str) -> dict[str, list[dict[str, Any]]]:
    """The routes of a dialect as candidates for a proof."""
    return {operation: [route] for operation, route in _routes_file.load(str(ROUTES / f"{dialect}.yml")).items()}


def scratch_left(simulator: Simulator, tenant: str) -> list[str]:
    """Scratch records that are still there: roles, active members, and keys that work."""
    state = simulator.state(tenant)
    found = [role["name"] for role in state["roles"] if role["name"].startswith("Scratch ")]
    active = [member["identifier"] for member in state["api_members"] if not member["inactiveFlag"]]
    found += [name for name in active if name.startswith("scr-")]
    for name, keys in state["keys"].items():
        found += [f"key of {name}" for key in keys if name.startswith("scr-") and key["active"]]
    return found
