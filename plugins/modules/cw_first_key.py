#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cw_first_key
short_description: Keep a tenant's first key, pasted by a person, beside the inventory
version_added: 0.1.0
description:
  - Writes C(cw_public_key) and C(cw_private_key) of a tenant into C(host_vars/<tenant>.yml) beside the inventory, each
    encrypted with the vault secrets of the running play. What else the file holds stays to the letter.
  - The keys are taken from the variables C(cw_first_public_key) and C(cw_first_private_key) of the play, so that they
    stand among the arguments of no task.
  - A file that is encrypted as a whole stays so. A folder C(host_vars/<tenant>) gets a file C(connectwise_key.yml).
  - The tenant has to take the keys. Nothing is written otherwise, and swapped halves are told.
  - The file is replaced in one step, readable by its owner only, and read again as Ansible reads it. If other keys
    make room, the file as it was stays beside it.
  - The playbook C(msp.connectwise.first_key) asks for the keys and uses this.
extends_documentation_fragment:
  - msp.connectwise.attributes
options:
  write:
    description: V(false) only looks whether the keys could be kept, before a person is asked for them.
    type: bool
    default: true
  replace:
    description: Whether other keys in the file make room for these.
    type: bool
    default: false
  vault_id:
    description: Id of the vault secret to encrypt with; the first one when left out.
    type: str
    default: ""
  profile:
    description:
      - C(role_name), C(member), C(key_description), C(permissions) and C(customize), as in the role
        P(msp.connectwise.cw_admin#role).
      - With it, the result has the clicks to such a key.
    type: dict
attributes:
  check_mode:
    support: full
    details: No file is written in check mode.
  diff_mode:
    support: none
    details: What changes is secret.
  idempotent:
    support: full
  action:
    support: full
    description: Runs on the controller.
author:
  - The msp.connectwise contributors (@msp-connectwise)
"""

EXAMPLES = r"""
- name: Could a key be kept here?
  msp.connectwise.cw_first_key:
    write: false
"""

RETURN = r"""
path:
  description: The file of the tenant's variables.
  returned: success
  type: str
backup:
  description: A copy of the file as it was, beside it, which Ansible does not read.
  returned: if other keys were replaced
  type: str
next:
  description: The command that shows what the onboarding would change.
  returned: success
  type: str
clicks:
  description: How a person makes the key, a line each.
  returned: with O(profile)
  type: list
  elements: str
"""
