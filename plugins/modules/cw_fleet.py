#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cw_fleet
short_description: Work on the integrations of all hosts of a play in one task
version_added: 0.1.0
description:
  - Does for every host of the play, over as many threads as there are forks, what the tasks of the
    P(msp.connectwise.integration#role) role do - looks at key store and tenant, finds what would make a later step
    fail, carries out the steps, and records each result, as M(msp.connectwise.cw_integration_report) does.
  - It runs once for the whole play, so that a tenant costs no task of its own. Use the linear strategy.
  - A host's C(cw_integrations) names its integrations, its C(cw_*) variables give the connection, its
    C(integration_*) variables the settings of the role, its C(<vendor>_*) variables what differs from a vendor's table.
    C(--tags VENDOR) narrows a run down to vendors.
  - A tenant is left to the tasks of the role if its connection is not local, if an C(environment) is set, or if
    C(cw_in_process) is false; one integration, if its role is of another collection, or if its key has to be written
    to a store that another collection's modules keep. The task displays which tenants were left, and why.
  - Where the connection is local, V(become) is ignored, and a warning says so.
  - Before the first write for a vendor it displays the vendor's risky rights, and all rights of a vendor whose table is
    not of this collection; also in check mode.
  - A run of more than 3 seconds shows its progress on a terminal. Elsewhere it prints a line every 15 seconds.
  - An error of one tenant or one vendor stops no other.
extends_documentation_fragment:
  - msp.connectwise.psa
  - msp.connectwise.attributes
  - msp.connectwise.attributes.fleet_work
options:
  keys_file:
    description:
      - File of keys that a person has made, which may be vaulted - a list, each entry with C(member), C(public_key),
        C(private_key), and C(tenant) unless it is every tenant's. For C(integration_mode=store_key).
    type: str
  ask_for_keys:
    description: Whether to ask, at a terminal, for the keys that work orders wait for, if O(keys_file) has none.
    type: bool
    default: false
  confirm:
    description:
      - Taking away every integration of the inventory has to be confirmed with V(offboard-all), replacing every key
        with V(rotate-all). Not needed if C(--limit), or C(cw_integrations) or C(cw_hosts) as an extra
        variable, says what is meant.
      - As an extra variable, V(host-moved) lets the stored keys of the one tenant that is named be sent to the host
        that the inventory has for it now.
    type: str
    default: ""
  fail_on:
    description: Statuses of an integration that count as an error of its host. With V(drifted) V(new) counts as well.
    type: list
    elements: str
    choices: [absent, ready, new, drifted, pending, failed, unreachable]
    default: [failed, unreachable]
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

    - name: Skip finished tenants
      ansible.builtin.meta: end_host
      when: inventory_hostname in fleet.done

    - name: Run the role for integrations that are left to its tasks
      ansible.builtin.include_role:
        name: msp.connectwise.integration
      vars:
        integration_vendor: "{{ item }}"
      loop: "{{ fleet.left_to_tasks[inventory_hostname] | default([]) }}"

    - name: Show what was changed
      msp.connectwise.cw_fleet_changes:
        changes: "{{ fleet.changes[inventory_hostname] }}"
        diffs: "{{ (fleet.diffs | default({}))[inventory_hostname] | default([]) }}"
      when: inventory_hostname in fleet.changes
"""

RETURN = r"""
hosts:
  description: Hosts that have C(cw_integrations).
  returned: success
  type: list
  elements: str
done:
  description:
    - Hosts on which nothing is left to do and nothing was changed, also those without C(cw_integrations). Never the
      host of this task, so that one that runs once at the end has a host.
  returned: success
  type: list
  elements: str
left_to_tasks:
  description: For each host that was left to the tasks of the role, the vendors.
  returned: success
  type: dict
changes:
  description: For each host that was changed, what was changed, a line each.
  returned: success
  type: dict
diffs:
  description:
    - For each host that was changed a list of diffs, one for each security role, Customize list, API member and API
      key. M(msp.connectwise.cw_fleet_changes) shows them.
  returned: with C(--diff)
  type: dict
errors:
  description: Hosts with an integration of a status of O(fail_on), with what is wrong.
  returned: success
  type: dict
"""
