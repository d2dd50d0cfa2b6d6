#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cw_vendor_compare
short_description: Put the vendors of each tenant side by side
version_added: 0.1.0
description:
  - Writes C(vendors.html), one page without network or script. It shows for the vendors of each tenant who asks for
    what, what they reach together, which rows deserve a look, what one more vendor would add, and which vendors cannot
    go together because they share a member or a role.
  - It runs once for the whole play and reads the inventory and the vendors' tables. No tenant is asked.
extends_documentation_fragment:
  - msp.connectwise.attributes
  - msp.connectwise.attributes.fleet
options:
  directory:
    description: Where the page goes. The place of the reports when left out. Made when it does not exist.
    type: path
  add:
    description:
      - Vendors that may come. Every vendor there is when left out.
      - It is an error if no tenant of the play has vendors and this names none.
    type: list
    elements: str
  directories:
    description: Directories of vendor files besides C(connectwise_vendors) next to the inventory.
    type: list
    elements: path
author:
  - The msp.connectwise contributors (@msp-connectwise)
"""

EXAMPLES = r"""
- name: What would Huntress add?
  msp.connectwise.cw_vendor_compare:
    directory: "{{ inventory_dir }}/connectwise_reports"
    add: [huntress]
"""

RETURN = r"""
collisions:
  description:
    - What keeps vendors of a tenant from going together, also with those that O(add) names.
    - Tenants that could not be compared.
  returned: success
  type: list
  elements: str
comparisons:
  description: For each set of vendors, its tenants, rows, findings, and what each further vendor would add.
  returned: success
  type: list
  elements: dict
file:
  description: The page.
  returned: not in check mode
  type: str
"""
