# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules and functions of a permission matrix, as far as vendors' and the product's own pages show them.

A tenant's own matrix decides; this is for reading a page when no tenant is at hand.
"""

from __future__ import annotations

from ansible_collections.msp.connectwise.plugins.module_utils._names import (
    canonical_function,
    canonical_module,
    closest,
)

MATRIX: dict[str, tuple[str, ...]] = {
    "Companies": (
        "Company Maintenance",
        "Company/Contact Group Maintenance",
        "Configuration - Display Passwords",
        "Configurations",
        "Contacts",
        "CRM/Sales Activities",
        "Import Contacts",
        "Manage Attachments",
        "Management",
        "Notes",
        "Reports",
        "Surveys",
        "Team Members",
        "Tracks",
        "UserCentric",
    ),
    "Finance": (
        "Accounting Interface",
        "Agreement Invoicing",
        "Agreement Sales",
        "Agreements",
        "Billing Rate Maintenance",
        "Billing Reconciliation",
        "Billing View Time",
        "Company Finance",
        "Expense Reimbursements",
        "Financial Dashboard",
        "Invoice Approval",
        "Invoicing",
        "Reports",
    ),
    "Marketing": (
        "ConnectWise Campaign",
        "Marketing Groups",
        "Marketing Management",
        "Marketing Reports",
    ),
    "Procurement": (
        "Inventory Adjustments",
        "Inventory Transfers",
        "Product Billable Option",
        "Product Catalog",
        "Products",
        "Purchase Orders",
        "Purchase Orders (Aiso)",
        "Purchasing Demand",
        "Reports",
    ),
    "Project": (
        "Close Project Tickets",
        "Close Projects",
        "Project Contacts",
        "Project Finance",
        "Project Headers",
        "Project Management",
        "Project Notes",
        "Project Phase",
        "Project Product",
        "Project Scheduling",
        "Project Teams",
        "Project Templates",
        "Project Ticket - Dependencies",
        "Project Ticket Tasks",
        "Project Tickets",
    ),
    "Sales": (
        "Closed Opportunity",
        "Opportunity",
        "Opportunity Finance",
        "Reports",
        "Sales Dashboard",
        "Sales Funnel",
        "Sales Order Finance",
        "Sales Orders",
    ),
    "Service Desk": (
        "Change Approvals",
        "Close Service Tickets",
        "Cloud Console",
        "Knowledge Base Approver",
        "Knowledge Base Creator",
        "Launch Remote Access",
        "Merge Tickets",
        "Print Service Signoff",
        "Reports",
        "Resource Scheduling",
        "Service Ticket - Dependencies",
        "Service Tickets",
        "Service Tickets - Finance",
        "SLA Dashboard",
        "Ticket Templates",
    ),
    "System": (
        "API Reports",
        "Custom Menu Entry",
        "Manage Hosted API",
        "Mass Maintenance",
        "Member Maintenance",
        "Member Maintenance - Finance",
        "My Account",
        "My Company",
        "Security Roles",
        "System Reports",
        "Table Setup",
    ),
    "Time & Expense": (
        "Expense Report Entry",
        "Time Approval",
        "Time Entry",
        "Time Entry Billable Option",
    ),
}

_MODULES = {canonical_module(module): module for module in MATRIX}
_FUNCTIONS = {
    (canonical_module(module), canonical_function(module, function)): function
    for module, functions in MATRIX.items()
    for function in functions
}


def module_named(name: str) -> str | None:
    """ConnectWise's name of a module, from any print of it."""
    return _MODULES.get(canonical_module(name))


def function_named(module: str, name: str) -> str | None:
    """ConnectWise's name of a function of a module, from any print of it."""
    return _FUNCTIONS.get((canonical_module(module), canonical_function(module, name)))


def modules_with(name: str) -> list[str]:
    """The modules that have a function of this name."""
    return [module for module in MATRIX if function_named(module, name) is not None]


def near(module: str | None, name: str) -> list[str]:
    """The functions that look most like a name, of one module or of all."""
    modules = [module] if module else list(MATRIX)
    return closest(
        name, [f"{one} / {function}" if not module else function for one in modules for function in MATRIX[one]]
    )
