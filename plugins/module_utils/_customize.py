# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Customize lists: which functions have one, how the API calls it, and where the tenant lists its items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ._client import Psa, Record
from ._errors import InputError
from ._names import canonical_function, canonical_module, same
from ._permissions import ListWish
from ._resource import Names

TABLE_SETUP = "Table Setup"
MY_ITEMS = "/system/mySecurity/customizeItems/"


@dataclass(frozen=True)
class Customizable:
    """One function with a Customize list. source: the published list of its items, if there is one."""

    module: str
    function: str
    identifier: str
    item: str
    source: str = ""

    def name_of(self, record: Mapping[str, Any]) -> str:
        if self.function == TABLE_SETUP:
            return f"{record.get('category')} / {record.get('name')}"
        return str(record.get("name"))

    @property
    def key(self) -> tuple[str, str]:
        return canonical_module(self.module), canonical_function(self.module, self.function)


# customizeIdentifier values are published; what itemIdentifier holds is not: item names are this collection's reading.
CUSTOMIZABLE = [
    Customizable("System", TABLE_SETUP, "SystemTableSetup", "table", "/system/setupScreens"),
    Customizable(
        "Companies", "Configurations", "CompanyConfigurations", "configuration type", "/company/configurations/types"
    ),
    Customizable("Finance", "Agreements", "FinanceAgreements", "agreement type", "/finance/agreements/types"),
    Customizable("Service Desk", "Resource Scheduling", "ServiceResourceScheduling", "location", "/system/locations"),
    Customizable("Project", "Project Scheduling", "ProjectScheduling", "item"),
    Customizable("System", "Manage Hosted API", "SystemManageHostedApi", "item"),
    Customizable("System", "My Account", "SystemMyAccount", "item"),
    Customizable("System", "Custom Menu Entry", "SystemCustomMenuEntry", "menu entry"),
    Customizable("System", "Mass Maintenance", "SystemMassMaintenance", "item"),
    Customizable("Companies", "Reports", "CompanyReports", "report"),
    Customizable("Finance", "Reports", "FinanceReports", "report"),
    Customizable("Marketing", "Marketing Reports", "MarketingReports", "report"),
    Customizable("Procurement", "Reports", "ProcurementReports", "report"),
    Customizable("Project", "Reports", "ProjectReports", "report"),
    Customizable("Sales", "Reports", "SalesReports", "report"),
    Customizable("Service Desk", "Reports", "ServiceReports", "report"),
    Customizable("System", "System Reports", "SystemReports", "report"),
    Customizable("Time & Expense", "Reports", "TimeAndExpenseReports", "report"),
]


def customizable(function: str, module: str | None = None) -> Customizable:
    """The Customize list of a function; raises InputError for one that is not known."""
    found = [
        one
        for one in CUSTOMIZABLE
        if canonical_function(one.module, function) == one.key[1]
        and (module is None or canonical_module(module) == one.key[0])
    ]
    if len(found) == 1:
        return found[0]
    names = ", ".join(f"{one.module} / {one.function}" for one in (found or CUSTOMIZABLE))
    if found:
        raise InputError(f'several modules have a Customize list "{function}"', remedy=f"set module too: {names}")
    raise InputError(f'no Customize list is known for the function "{function}"', remedy=f"use one of: {names}")


def universe(names: Names, what: Customizable, wish: ListWish | None = None) -> list[str]:
    """Every item the tenant offers for a list; if the API publishes no such list, the names asked for."""
    if not what.source:
        if wish is None:
            return []
        if wish.allow is None:
            raise InputError(
                f"the API publishes no list of the items of {what.module} / {what.function}, so all is not known",
                remedy="name the items in allow",
            )
        if wish.needs_universe:
            raise InputError(
                f"the API publishes no list of the items of {what.module} / {what.function}, "
                "so a name with * fits nothing",
                remedy="name the items in full",
            )
        return [*wish.allow, *wish.disallow]
    return [what.name_of(record) for record in names.records(what.source)]


def own_items(records: Iterable[Record], what: Customizable) -> list[str]:
    """The items of one list out of `GET /system/mySecurity/customizeItems/`."""
    return [
        str(record.get("itemIdentifier"))
        for record in records
        if same(str(record.get("customizeIdentifier")), what.identifier)
    ]


def read_own(psa: Psa) -> list[Record]:
    """The allow lists of the member behind the keys: the one published way to read them."""
    return psa.list(MY_ITEMS)
