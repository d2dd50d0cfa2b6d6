#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cw_integration_look
short_description: Find out what an integration needs, and what would make it fail
version_added: 0.1.0
description:
  - Reads a vendor's profile, the key store and the tenant, and says what is left to do and with which options. Nothing
    is changed at the tenant.
  - If something is to be done, it also finds what would make a later step fail - a store or a directory of reports that
    cannot be written, a missing passphrase, a name or a level that the tenant does not know, another run at work,
    a role that others hold - so that nothing is begun that cannot be completed.
  - The first task of the P(msp.connectwise.integration#role) role, whose C(integration_*) variables say how.
extends_documentation_fragment:
  - msp.connectwise.psa
  - msp.connectwise.attributes
  - msp.connectwise.attributes.look
options:
  vendor:
    description: Name of the vendor, short or with its collection, or of a vendor file.
    type: str
    required: true
  profile:
    description: The profile, if no role and no file of that name has it.
    type: dict
author:
  - The msp.connectwise contributors (@msp-connectwise)
"""

EXAMPLES = r"""
- name: Compare with the profile
  msp.connectwise.cw_integration_look:
    vendor: umbrella
  register: look
"""

RETURN = r"""
integration:
  description: What was found, and the options of each step. Never with the private half of a key.
  returned: success
  type: dict
  contains:
    vendor: {description: Short name of the vendor., type: str, returned: always}
    profile: {description: What reports say of the profile., type: dict, returned: always}
    work: {description: V(unchanged) if nothing is left to do; else V(converge)., type: str, returned: always}
    state: {description: V(present) or V(absent)., type: str, returned: always}
    mode: {description: "V(converge), V(audit), V(store_key) or V(key_report).", type: str, returned: always}
    role: {description: Options of M(msp.connectwise.cw_security_role)., type: dict, returned: always}
    lists: {description: Options of M(msp.connectwise.cw_table_setup)., type: dict, returned: always}
    members: {description: Options of M(msp.connectwise.cw_api_member)., type: list, elements: dict, returned: always}
    access: {description: Options of M(msp.connectwise.cw_access_check)., type: dict, returned: always}
    api_keys:
      description: Each key of the integration, with its member, its place in the store, and what was found of it.
      type: list
      elements: dict
      returned: always
"""
