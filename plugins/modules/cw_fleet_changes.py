#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cw_fleet_changes
short_description: Report what a fleet run changed at a host as the result of that host
version_added: 0.1.0
description:
  - M(msp.connectwise.cw_fleet) works on all hosts in one task, and Ansible has one result for that. This module repeats
    the part of one host, so that Ansible counts the host as changed and shows its diffs with C(--diff).
  - It changes nothing itself.
extends_documentation_fragment:
  - msp.connectwise.attributes
  - msp.connectwise.attributes.fleet_changes
options:
  changes:
    description: What was changed, a line each, as RV(msp.connectwise.cw_fleet#module:changes) has it for the host.
    type: list
    elements: str
    required: true
  diffs:
    description: One diff for each object, as RV(msp.connectwise.cw_fleet#module:diffs) has them for the host.
    type: list
    elements: dict
    default: []
author:
  - The msp.connectwise contributors (@msp-connectwise)
"""

EXAMPLES = r"""
- name: Make the integrations of all tenants real
  hosts: all
  connection: local
  gather_facts: false
  tasks:
    - name: Work on all tenants
      msp.connectwise.cw_fleet:
      register: fleet
      run_once: true

    - name: Show what was changed
      msp.connectwise.cw_fleet_changes:
        changes: "{{ fleet.changes[inventory_hostname] }}"
        diffs: "{{ (fleet.diffs | default({}))[inventory_hostname] | default([]) }}"
      when: inventory_hostname in fleet.changes
"""

RETURN = r"""
msg:
  description: What was changed, a line each.
  returned: success
  type: list
  elements: str
diff:
  description: O(diffs). Each names tenant, vendor and object in its header.
  returned: with C(--diff), if there are any
  type: list
  elements: dict
"""
