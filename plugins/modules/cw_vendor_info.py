#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cw_vendor_info
short_description: Which vendors there are
version_added: 0.1.0
description:
  - Lists the vendors of this collection and the vendor files of the inventory, with their rows, the riskiest of them,
    the page they are from and when it was read. No tenant is asked.
  - A vendor file that cannot be used is a warning.
extends_documentation_fragment:
  - msp.connectwise.attributes
  - msp.connectwise.attributes.report
options:
  search:
    description: Words that name, vendor, product, functions or findings must have, each of them.
    type: str
    default: ""
  directories:
    description: Directories of vendor files besides C(connectwise_vendors) next to the inventory.
    type: list
    elements: path
author:
  - The msp.connectwise contributors (@msp-connectwise)
"""

EXAMPLES = r"""
- name: Who wants to write agreements?
  msp.connectwise.cw_vendor_info:
    search: finance agreements
  register: found
"""

RETURN = r"""
vendors:
  description: The vendors, by name.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: The name for C(cw_integrations)., type: str, returned: always}
    vendor: {description: Name of the vendor., type: str, returned: always}
    product: {description: Name of the product., type: str, returned: always}
    strategy: {description: V(shared_api_member) or V(per_technician)., type: str, returned: always}
    rows: {description: How many rows the permission table has., type: int, returned: always}
    functions: {description: The functions of these rows., type: list, elements: str, returned: always}
    lists: {description: The functions with a Customize list., type: list, elements: str, returned: always}
    riskiest: {description: Up to three rows that deserve a look., type: list, elements: str, returned: always}
    source: {description: The page the table is from., type: str, returned: always}
    checked: {description: When it was read., type: str, returned: always}
    completeness: {description: V(full) or V(partial)., type: str, returned: always}
    features: {description: Features that can be switched on., type: list, elements: str, returned: always}
    reductions: {description: Narrower variants that can be switched on., type: list, elements: str, returned: always}
    file: {description: The vendor file; null for a vendor of the collection., type: str, returned: always}
lines:
  description: The same, one line a vendor.
  returned: success
  type: list
  elements: str
"""
