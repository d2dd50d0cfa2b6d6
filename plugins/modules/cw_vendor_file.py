#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cw_vendor_file
short_description: Begin the file of a vendor, from a copy of its page
version_added: 0.1.0
description:
  - Writes C(connectwise_vendors/<name>.yml) beside the inventory. With it, C(cw_integrations) takes the vendor like one
    of this collection. A JSON Schema for editors is put beside it.
  - The table may be the page as HTML, or CSV, TSV or Markdown. Names are resolved to ConnectWise's own through their
    known prints; what is not known is never guessed but listed with the closest names, in the result and as comments
    of the file. C(lines) has every right that the file asks for, the risky ones first.
  - The page is data, and so is the file. What looks like a template is no name of an item, and is listed like that.
extends_documentation_fragment:
  - msp.connectwise.attributes
  - msp.connectwise.attributes.begin
options:
  name:
    description: Short name of the vendor, with small letters, digits and underscores.
    type: str
    required: true
  table:
    description: File with the table. Without it the file has an empty one to fill in.
    type: path
  directory:
    description: Where the file goes. C(connectwise_vendors) beside the inventory when left out.
    type: path
  product:
    description: Name of the product. Made of O(name) when left out.
    type: str
  vendor:
    description: Name of the vendor. The same as O(product) when left out.
    type: str
  source:
    description: Address of the page.
    type: str
  ticked:
    description:
      - What a tick means on a page that ticks levels instead of naming them. Without it, a row with a tick is left out.
    type: str
    choices: [All, My]
  values:
    description: Further keys of the file, such as C(role_name) or C(member).
    type: dict
    default: {}
  replace:
    description:
      - Whether a file that is there is written anew.
      - Without it such a file is left as it is, and the task fails, unless the table of the file is that of O(table).
        The error lists the rows that differ.
    type: bool
    default: false
author:
  - The msp.connectwise contributors (@msp-connectwise)
"""

EXAMPLES = r"""
- name: A page becomes a vendor
  msp.connectwise.cw_vendor_file:
    name: acme_sync
    product: Acme Sync
    source: https://docs.example.com/connectwise
    table: page.html
"""

RETURN = r"""
file:
  description: The file.
  returned: success
  type: str
unresolved:
  description: Lines of the table that were left out, and why.
  returned: success
  type: list
  elements: str
questions:
  description: Lines that were taken over and need a look.
  returned: success
  type: list
  elements: str
lines:
  description: What was read and what is to be done, as a person reads it.
  returned: success
  type: list
  elements: str
"""
