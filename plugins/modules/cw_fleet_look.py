#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cw_fleet_look
short_description: Find out at all tenants at once which integrations are as they should be
version_added: 0.1.0
description:
  - Does for every host of the play, over as many threads as there are forks, what the
    P(msp.connectwise.integration#role) role does first - read the key store, compare the tenant with the profile -
    and records the integrations that need nothing more, as M(msp.connectwise.cw_integration_report) does. It says
    which hosts are done, and which roles are left for the others.
  - It runs once for the whole play, so that an unchanged tenant costs no task of its own. Use the linear strategy.
  - The names of the integrations are read from each host's C(cw_integrations), the connection from its C(cw_*)
    variables.
  - The default key store is read as files, the stores C(hashi_vault) and C(sops) with the lookups of their collections.
  - A host is left to the role as it is where its connection is not local, C(cw_in_process) is false, its keys are
    in another store, the play sets an environment, or one of its variables cannot be resolved.
  - It changes nothing. Rotate, remove and store keys with the role.
extends_documentation_fragment:
  - msp.connectwise.psa
  - msp.connectwise.attributes
  - msp.connectwise.attributes.fleet
options:
  fail_on:
    description: Statuses of an integration that make its host one with errors.
    type: list
    elements: str
    default: [failed, unreachable]
author:
  - The msp.connectwise contributors (@msp-connectwise)
"""

EXAMPLES = r"""
- name: Work on the integrations of all tenants
  hosts: tenants
  connection: local
  gather_facts: false
  tasks:
    - name: See which integrations are as they should be
      msp.connectwise.cw_fleet_look:
      register: fleet
      run_once: true

    - name: Be done with the tenants where all is well
      ansible.builtin.meta: end_host
      when: inventory_hostname in fleet.done

    - name: Make the other integrations real
      ansible.builtin.include_role:
        name: "{{ item }}"
      loop: "{{ fleet.left[inventory_hostname] | default(cw_integrations | msp.connectwise.vendor_roles) }}"
"""

RETURN = r"""
done:
  description:
    - Hosts on which nothing is left to do. Never the first host of the play, so that a task which runs once at the
      end has a host.
  returned: always
  type: list
  elements: str
left:
  description: For each of the other hosts that were looked at, the roles that have to be run.
  returned: always
  type: dict
errors:
  description: Hosts with an integration of a status of O(fail_on), with what is wrong.
  returned: always
  type: dict
"""
