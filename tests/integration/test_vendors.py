# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every vendor on simulated tenants with today's, an older and a newer matrix, and vendors that are one file each.

The tests of a class build on each other, in order, on one simulator: each looks at what the run before it has left.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract.test_versions import NEWER, OLDER
from tests.playground import Playground
from tests.simulator.client import Simulator

PAGES: dict[str, Any] = yaml.safe_load((Path(__file__).parents[1] / "unit/data/seeds.yml").read_text(encoding="utf-8"))
LETTERS = {"N": "None", "M": "My", "A": "All"}
VERBS = ("add", "edit", "delete", "inquire")
NOTHING = dict.fromkeys(VERBS, "None")
# What the vendors' pages call otherwise than ConnectWise, and the older product otherwise than today's.
PRODUCT_NAMES = {("Service Desk", "Reporting"): "Reports", ("System", "Managed Hosted API"): "Manage Hosted API"}
OLDER_NAMES = {("Service Desk", "Close Service Tickets"): "Closed Service Tickets"}
GONE = {("Service Desk", "Merge Tickets"), ("Service Desk", "Cloud Console")}
TENANTS: dict[str, Any] = {
    "sites": [{"name": "na"}],
    "tenants": [
        {"company_id": "today", "site": "na", "profile": "extended"},
        {"company_id": "older", "site": "na", "profile": "extended", **OLDER},
        {"company_id": "newer", "site": "na", "profile": "extended", **NEWER},
    ],
}
ACME = """\
Module\tFunction\tAdd Level\tEdit Level\tDelete Level\tInquire Level
Companies\tCompany Maintenance\t\t\t\tAll
\tContacts\tAll\tAll\t\tAll
Service Desk\tClosed Service Tickets\t\tMy\t\tAll
System\tTable Setup\t\t\t\tAll
"""


@dataclass
class World:
    simulator: Simulator
    ground: Playground

    def writes(self, tenant: str) -> int:
        return sum(1 for entry in self.simulator.journal(tenant) if entry["method"] not in ("GET", "HEAD"))


@pytest.fixture(scope="class")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    base = tmp_path_factory.mktemp("vendors")
    with Simulator(TENANTS, base / "simulator") as simulator:
        yield World(simulator, Playground(base / "work", simulator.ready))
