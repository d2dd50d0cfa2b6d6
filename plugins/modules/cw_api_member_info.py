#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cw_api_member_info
short_description: Read API members
version_added: 0.1.0
description:
  - Lists the API members of a tenant, in the words of M(msp.connectwise.cw_api_member).
extends_documentation_fragment:
  - msp.connectwise.psa
  - msp.connectwise.attributes
  - msp.connectwise.attributes.read
options:
  identifier:
    description: Identifier of one member; all when left out. One that does not exist gives an empty list.
    type: str
"""

EXAMPLES = r"""
- name: All API members, the inactive ones too
  msp.connectwise.cw_api_member_info:
"""

RETURN = r"""
api_members:
  description: The members.
  returned: success
  type: list
  elements: dict
  contains:
    id: {description: Record id., type: int, returned: always}
    identifier: {description: Member ID., type: str, returned: always}
    active: {description: Whether it is active., type: bool, returned: always}
    security_role: {description: Name of its security role., type: str, returned: always}
"""

from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._client import Psa
from ansible_collections.msp.connectwise.plugins.module_utils._members import API_MEMBERS, describe, find_api_member
from ansible_collections.msp.connectwise.plugins.module_utils._module import Module, Result, main


def run(psa: Psa, params: dict[str, Any], _check_mode: bool) -> Result:
    if params["identifier"] is None:
        members = psa.list(API_MEMBERS)
    else:
        found = find_api_member(psa, params["identifier"])
        members = [found] if found else []
    return Result(values={"api_members": [describe(one, str(one.get("identifier"))) for one in members]})


MODULE = Module(name="msp.connectwise.cw_api_member_info", options={"identifier": {"type": "str"}}, run=run)

if __name__ == "__main__":
    main(MODULE)
