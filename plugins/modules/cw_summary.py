#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cw_summary
short_description: Show the summary with which a playbook ends
version_added: 0.1.0
description:
  - Displays lines as they are, so that they can be read and copied. As the last task of an C(always) section it puts
    the summary below everything else that a run prints.
  - It displays nothing if the output belongs to a callback that programs read, such as P(ansible.posix.json#callback).
extends_documentation_fragment:
  - msp.connectwise.attributes
  - msp.connectwise.attributes.fleet
options:
  playbook:
    description: The playbook whose tasks have registered what there is to summarise. Left out, O(lines) are shown.
    type: str
    choices: [compare, doctor, first_key, rekey_store]
  lines:
    description: The lines, as RV(msp.connectwise.cw_fleet_report#module:lines) has them.
    type: list
    elements: str
    default: []
  problem:
    description: Why there are no O(lines), which is displayed instead of them.
    type: str
  explain_recap:
    description:
      - Whether to say why Ansible's recap does not list every host. It lists no host for which
        M(msp.connectwise.cw_fleet) did everything, because that task is one for all hosts.
    type: bool
    default: false
  only_reads:
    description: Whether the playbook changes nothing. With C(--diff) the summary then says that there is no diff.
    type: bool
    default: false
author:
  - The msp.connectwise contributors (@msp-connectwise)
"""

EXAMPLES = r"""
- name: Diagnose the tenants
  block:
    - name: Diagnose the tenant
      ansible.builtin.include_role:
        name: msp.connectwise.doctor
  always:
    - name: Show the summary
      msp.connectwise.cw_summary:
        playbook: doctor
      run_once: true
"""

RETURN = r"""
"""
