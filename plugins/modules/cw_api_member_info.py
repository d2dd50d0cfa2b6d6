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
    description:
      - Identifier of a member, or a pattern such as V(Umbrella*), where C(*) stands for any characters and C(?) for
        one. A member of exactly this identifier counts before the pattern.
      - All when left out. An identifier or pattern that no member has gives an empty list.
    type: str
"""

EXAMPLES = r"""
- name: All API members, the inactive ones too
  msp.connectwise.cw_api_member_info:

- name: Those of one vendor
  msp.connectwise.cw_api_member_info:
    identifier: Umbrella*
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
from ansible_collections.msp.connectwise.plugins.module_utils._members import API_MEMBERS, describe
from ansible_collections.msp.connectwise.plugins.module_utils._module import Module, Result, main
from ansible_collections.msp.connectwise.plugins.module_utils._names import fitting


def run(psa: Psa, params: dict[str, Any], _check_mode: bool) -> Result:
    identifier = params["identifier"]
    members = psa.list(API_MEMBERS)
    if identifier is not None:
        members = fitting(members, "identifier", identifier, "API member")
    return Result(values={"api_members": [describe(one, str(one.get("identifier"))) for one in members]})


MODULE = Module(name="msp.connectwise.cw_api_member_info", options={"identifier": {"type": "str"}}, run=run)

if __name__ == "__main__":
    main(MODULE)
