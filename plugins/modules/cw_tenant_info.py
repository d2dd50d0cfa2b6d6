#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cw_tenant_info
short_description: Read what a tenant is and which names it has
version_added: 0.1.0
description:
  - Reads the version, codebase and region of a tenant, and the names that other modules take - levels, locations,
    departments, time zones, boards, setup tables, and the functions of the permission matrix.
extends_documentation_fragment:
  - msp.connectwise.psa
  - msp.connectwise.attributes
  - msp.connectwise.attributes.read
options:
  gather:
    description: What to read. The functions are read from one of the tenant's roles.
    type: list
    elements: str
    choices: [system, levels, locations, departments, time_zones, boards, setup_tables, functions]
    default: [system, levels, locations, departments, time_zones, boards, setup_tables, functions]
"""

EXAMPLES = r"""
- name: Everything
  msp.connectwise.cw_tenant_info:
  register: tenant

- name: Only the names of the setup tables
  msp.connectwise.cw_tenant_info:
    gather: [setup_tables]
"""

RETURN = r"""
tenant:
  description: The tenant, as far as O(gather) asks.
  returned: success
  type: dict
  contains:
    company_id: {description: Company id., type: str, returned: always}
    host: {description: API host., type: str, returned: always}
    version: {description: Version of the product., type: str, returned: with system}
    codebase: {description: Current codebase., type: str, returned: with system}
    is_cloud: {description: Whether it runs in ConnectWise's cloud., type: bool, returned: with system}
    region: {description: Region of the cloud., type: str, returned: with system}
    site_url: {description: The address companyinfo gives for the site., type: str, returned: with system}
    levels: {description: "Names of the levels, the highest first.", type: list, elements: str, returned: with levels}
    locations: {description: Names of the locations., type: list, elements: str, returned: with locations}
    departments: {description: Names of the departments., type: list, elements: str, returned: with departments}
    time_zones: {description: Names of the time zone setups., type: list, elements: str, returned: with time_zones}
    boards: {description: Names of the service boards., type: list, elements: str, returned: with boards}
    setup_tables:
      description: Setup tables as C(Category / Table).
      type: list
      elements: str
      returned: with setup_tables
    functions: {description: Names of the functions by module., type: dict, returned: with functions}
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._client import Psa
from ansible_collections.msp.connectwise.plugins.module_utils._customize import TABLE_SETUP, customizable
from ansible_collections.msp.connectwise.plugins.module_utils._module import Module, Result, main
from ansible_collections.msp.connectwise.plugins.module_utils._resource import LEVELS
from ansible_collections.msp.connectwise.plugins.module_utils._roles import blank_matrix

LISTS = {
    "locations": "/system/info/locations",
    "departments": "/system/info/departments",
    "time_zones": "/system/timeZoneSetups/info",
    "boards": "/service/info/boards",
}


def system(psa: Psa) -> dict[str, Any]:
    info, company = psa.get("/system/info"), psa.company_info()
    return {
        "version": info.get("version"),
        "codebase": str(company.get("Codebase") or "").strip("/"),
        "is_cloud": psa.is_cloud,
        "region": info.get("cloudRegion"),
        "site_url": company.get("SiteUrl"),
    }


def names(psa: Psa, part: str) -> list[str]:
    return [str(record.get("name")) for record in psa.list(LISTS[part])]


def levels(psa: Psa) -> list[str]:
    return [str(level.get("name")) for level in sorted(psa.list(LEVELS), key=lambda level: int(level["id"]))]


def setup_tables(psa: Psa) -> list[str]:
    what = customizable(TABLE_SETUP)
    return [what.name_of(record) for record in psa.list(what.source)]


def functions(psa: Psa) -> dict[str, list[str]]:
    by_module: dict[str, list[str]] = {}
    for row in blank_matrix(psa):
        by_module.setdefault(row.module, []).append(row.function)
    return by_module


def run(psa: Psa, params: dict[str, Any], _check_mode: bool) -> Result:
    readers: dict[str, Callable[[Psa], Any]] = {
        "system": system,
        "levels": levels,
        "setup_tables": setup_tables,
        "functions": functions,
        **{part: partial(names, part=part) for part in LISTS},
    }
    gather = list(dict.fromkeys(params["gather"]))
    found = psa.together(partial(readers[part], psa) for part in gather)
    tenant: dict[str, Any] = {"company_id": psa.connection.company_id, "host": psa.connection.host}
    for part, value in zip(gather, found, strict=True):
        tenant.update(value if part == "system" else {part: value})
    return Result(values={"tenant": tenant})


PARTS = ["system", "levels", *LISTS, "setup_tables", "functions"]
MODULE = Module(
    name="msp.connectwise.cw_tenant_info",
    options={"gather": {"type": "list", "elements": "str", "choices": PARTS, "default": PARTS}},
    run=run,
)

if __name__ == "__main__":
    main(MODULE)
