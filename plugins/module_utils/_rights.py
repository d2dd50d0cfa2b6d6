# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which right an operation usually takes, for the hint beside a 403: the server never says. Pure data."""

from __future__ import annotations

import re

_LEVELS = {"GET": "Inquire", "POST": "Add", "PUT": "Edit", "PATCH": "Edit", "DELETE": "Delete"}

# Beginning of the path -> row of the matrix. The first that fits counts. Gathered from vendors' pages, not published.
_RIGHTS: list[tuple[str, str]] = [
    (r"/system/securityroles", "System / Security Roles"),
    (r"/system/(api)?members", "System / Member Maintenance"),
    (r"/system/setupscreens", "System / Table Setup"),
    (r"/system/(mycompany|locations|info/(locations|departments))", "System / My Company"),
    (r"/system/timezonesetups", "System / Table Setup"),
    (r"/system/documents", "Companies / Manage Attachments"),
    (r"/(service/(info/)?boards|service/(priorities|sources|slas))", "System / Table Setup"),
    (r"/(company/configurations|finance/agreements|company/companies)/(types|statuses)", "System / Table Setup"),
    (r"/company/notetypes", "System / Table Setup"),
    (r"/company/companies", "Companies / Company Maintenance"),
    (r"/company/configurations", "Companies / Configurations"),
    (r"/company/contacts", "Companies / Contacts"),
    (r"/company/tracks", "Companies / Tracks"),
    (r"/finance/agreements", "Finance / Agreements"),
    (r"/finance/invoices", "Finance / Invoicing"),
    (r"/procurement/catalog", "Procurement / Product Catalog"),
    (r"/procurement/products", "Procurement / Products"),
    (r"/project/projects", "Project / Project Headers"),
    (r"/project/tickets", "Project / Project Tickets"),
    (r"/sales/opportunities", "Sales / Opportunity"),
    (r"/schedule/entries", "Service Desk / Resource Scheduling"),
    (r"/service/tickets", "Service Desk / Service Tickets"),
    (r"/time/entries", "Time & Expense / Time Entry"),
]

# A setup table also has to be on the Customize list of Table Setup.
_TABLES: list[tuple[str, str]] = [
    (r"/company/configurations/types", "Company / Configuration"),
    (r"/finance/agreements/types", "Agreements / Agreement Type"),
]


def right_for(method: str, path: str) -> str | None:
    """The row and level an operation usually needs, such as "System / Security Roles with Inquire: All"."""
    for beginning, row in _RIGHTS:
        if re.match(rf"{beginning}(/|$)", path, re.IGNORECASE):
            right = f"{row} with {_LEVELS.get(method, 'Inquire')}: All"
            table = next((name for start, name in _TABLES if re.match(rf"{start}(/|$)", path, re.IGNORECASE)), None)
            return f"{right}, and {table} on its Customize list" if table else right
    return None
