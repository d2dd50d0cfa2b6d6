#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cw_awx_sync
short_description: Let AWX read a project or an inventory that it has not read yet
version_added: 0.1.0
description:
  - Waits for the update that AWX is making; makes one if the last one failed, if playbooks are missing from a
    project, or if an inventory has no hosts. Otherwise it does nothing.
  - If AWX cannot read it, the error says what AWX read from where, with which credential, the end of AWX's log, and
    where that log is.
extends_documentation_fragment:
  - msp.connectwise.attributes
  - msp.connectwise.attributes.update
  - msp.connectwise.awx
options:
  project:
    description: Name of the project to read.
    type: str
  playbooks:
    description: Files that the project has to have.
    type: list
    elements: str
    default: []
  inventory:
    description: Name of the inventory whose O(source) is to be read.
    type: str
  source:
    description: Name of the source of O(inventory) to read.
    type: str
  timeout:
    description: Seconds that AWX has for it.
    type: float
    default: 600
  interval:
    description: Seconds between two looks.
    type: float
    default: 2
author:
  - The msp.connectwise contributors (@msp-connectwise)
"""

EXAMPLES = r"""
- name: The project is there, with its playbooks
  msp.connectwise.cw_awx_sync:
    organization: Default
    project: ConnectWise project
    playbooks: [playbooks/audit.yml]

- name: Its inventory is read
  msp.connectwise.cw_awx_sync:
    organization: Default
    inventory: ConnectWise tenants
    source: ConnectWise project
"""

RETURN = r"""
msg:
  description: What AWX read, what it says, where its log is, and what to do.
  returned: failure
  type: str
"""
