#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cw_security_role_info
short_description: Read security roles and their permission matrix
version_added: 0.1.0
description:
  - Lists the security roles of a tenant, and for the roles named the whole matrix of each.
extends_documentation_fragment:
  - msp.connectwise.psa
  - msp.connectwise.attributes
  - msp.connectwise.attributes.read
options:
  name:
    description:
      - Name of a role, or a pattern such as V(Umbrella*), where C(*) stands for any characters and C(?) for one. A role
        of exactly this name counts before the pattern.
      - All roles, without their matrix, when left out. A name or pattern that no role has gives an empty list.
    type: str
"""

EXAMPLES = r"""
- name: All roles
  msp.connectwise.cw_security_role_info:

- name: What one role grants
  msp.connectwise.cw_security_role_info:
    name: Admin
  register: admin

- name: What the roles of one vendor grant
  msp.connectwise.cw_security_role_info:
    name: Umbrella*
"""

RETURN = r"""
roles:
  description: The roles.
  returned: success
  type: list
  elements: dict
  contains:
    id: {description: Record id., type: int, returned: always}
    name: {description: Name., type: str, returned: always}
    inactive: {description: Whether it is inactive., type: bool, returned: always}
    permissions:
      description: Every function that grants anything, as modules, each with its functions, each with C(add), C(edit),
        C(delete) and C(inquire).
      type: dict
      returned: when O(name) is given
"""

from functools import partial
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._client import Psa, Record
from ansible_collections.msp.connectwise.plugins.module_utils._module import Module, Result, main
from ansible_collections.msp.connectwise.plugins.module_utils._names import fitting
from ansible_collections.msp.connectwise.plugins.module_utils._permissions import granted
from ansible_collections.msp.connectwise.plugins.module_utils._roles import ROLES, read_matrix


def describe(role: Record) -> dict[str, Any]:
    return {"id": role.get("id"), "name": role.get("name"), "inactive": bool(role.get("inactiveFlag"))}


def run(psa: Psa, params: dict[str, Any], _check_mode: bool) -> Result:
    if params["name"] is None:
        return Result(values={"roles": [describe(role) for role in psa.list(ROLES)]})
    roles = fitting(psa.list(ROLES), "name", params["name"], "security role")
    matrices = psa.together([partial(read_matrix, psa, int(role["id"])) for role in roles])
    described = [{**describe(role), "permissions": granted(rows)} for role, rows in zip(roles, matrices, strict=True)]
    return Result(values={"roles": described})


MODULE = Module(name="msp.connectwise.cw_security_role_info", options={"name": {"type": "str"}}, run=run)

if __name__ == "__main__":
    main(MODULE)
