#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cw_integration_report
short_description: Record the result of an integration
version_added: 0.1.0
description:
  - Records for one integration on one tenant whether it is ready, pending (manual steps are left), drifted (an audit or
    check mode found a difference), new (it found that nothing exists yet), absent, failed, or unreachable (the tenant
    did not answer) - as the fact C(connectwise_integrations), and in C(<tenant>/<vendor>.json) and C(.md) below
    C(integration_report_dir) on the controller. The Markdown file is the work order with the exact clicks, and for a
    ready integration the hand-over.
  - The task fails if the integration failed, unless C(integration_defer_failure) is true.
  - The last task of the P(msp.connectwise.integration#role) role.
extends_documentation_fragment:
  - msp.connectwise.attributes
  - msp.connectwise.attributes.report
options:
  vendor:
    description: Short name of the integration.
    type: str
    required: true
  look:
    description: The C(integration) value of M(msp.connectwise.cw_integration_look); left out if it failed.
    type: dict
    default: {}
  results:
    description:
      - What the steps have registered, by the short name of the module - C(cw_security_role), C(cw_table_setup),
        C(cw_api_member), C(cw_api_key), C(cw_access_check). Those that were skipped may be left out.
    type: dict
    default: {}
  failed_result:
    description: The result of the step that failed.
    type: dict
    default: {}
  failed_step:
    description: The module of the step that failed. What O(results) has of it and of later steps does not count.
    type: str
    default: ""
author:
  - The msp.connectwise contributors (@msp-connectwise)
"""

EXAMPLES = r"""
- name: Compare with the profile, as an audit does
  msp.connectwise.cw_integration_look:
    vendor: umbrella
  vars:
    integration_mode: audit
  register: look

- name: Record what was found
  msp.connectwise.cw_integration_report:
    vendor: umbrella
    look: "{{ look.integration }}"
"""

RETURN = r"""
integration:
  description: What was recorded.
  returned: success, unless the run was to store keys and stored none of this integration
  type: dict
  contains:
    status:
      description: V(ready) or V(pending) or V(drifted) or V(new) or V(absent) or V(failed) or V(unreachable).
      type: str
      returned: always
    completeness:
      description:
        - V(partial) if the profile holds a part of the vendor's page, V(full) if it holds all of it. Null if unknown.
      type: str
      returned: always
    gaps: {description: What the vendor's page leaves open., type: list, elements: str, returned: always}
    notes:
      description:
        - What is no difference and worth knowing, a line each. A line that begins with C(not verified) names what the
          tenant does not show, and why.
      type: list
      elements: str
      returned: if there are any
    manual_steps: {description: What a person has to click., type: list, elements: dict, returned: always}
    differences: {description: What differs from the profile., type: list, elements: str, returned: always}
    changes: {description: "What was changed, a line each.", type: list, elements: str, returned: always}
    key: {description: Public key and its age and place in the store., type: dict, returned: always}
    handover: {description: What to enter at the vendor., type: dict, returned: always}
    error: {description: What went wrong., type: str, returned: always}
"""
