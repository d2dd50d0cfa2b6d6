#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cw_integration_report
short_description: Record how an integration ended
version_added: 0.1.0
description:
  - Records for one integration on one tenant whether it is ready, pending (manual steps are left), drifted (an audit
    or check mode
    found a difference), absent, or failed - as the fact C(connectwise_integrations), and in
    C(<directory>/<tenant>/<vendor>.json) and
    C(.md) on the controller. The Markdown file is the work order with the exact clicks, and for a ready integration
    the hand-over.
  - The last task of the P(msp.connectwise.integration#role) role. In check mode no file is written.
extends_documentation_fragment:
  - msp.connectwise.attributes
  - msp.connectwise.attributes.report
options:
  vendor:
    description: Short name of the integration.
    type: str
    required: true
  profile:
    description: The profile of the integration, as the role takes it.
    type: dict
    required: true
  directory:
    description: Where the files go; no files when left out.
    type: path
  state:
    description: What was asked for.
    type: str
    choices: [present, absent]
    default: present
  mode:
    description: How it was asked for.
    type: str
    choices: [converge, audit, store_key]
    default: converge
  member:
    description: Identifier of the member this report is about.
    type: str
  continues:
    description: Whether an earlier report of this run was about another member of the same integration.
    type: bool
    default: false
  found:
    description: The C(integration) value of M(msp.connectwise.cw_integration_info).
    type: dict
    default: {}
  steps:
    description: Manual steps that are left.
    type: list
    elements: dict
    default: []
  changed:
    description: Whether the run changed the tenant.
    type: bool
    default: false
  changes:
    description: What the run changed, a line each.
    type: list
    elements: str
    default: []
  error:
    description: What went wrong.
    type: str
    default: ""
  error_kind:
    description:
      - The C(error.kind) of the task that failed; errors of the connection make the tenant unreachable rather than
        failed.
    type: str
    default: ""
  key:
    description: The stored key without its private half.
    type: dict
    default: {}
  place:
    description: Where the store keeps the key.
    type: str
  store:
    description: Name of the store, from which the command follows that displays the key.
    type: str
    default: vaulted_file
  store_read:
    description: The command that reads a record, for the store V(command).
    type: list
    elements: str
    default: []
  retired:
    description: Replaced keys that still work, each C(public_key) and C(since).
    type: list
    elements: dict
    default: []
  grace_days:
    description: Days after which a replaced key is deleted; V(0) where a person deletes it.
    type: float
    default: 0.0
  defer_failure:
    description: Whether a failed integration leaves the task successful, so that the play goes on with the next one.
    type: bool
    default: false
author:
  - The msp.connectwise contributors (@msp-connectwise)
"""

EXAMPLES = r"""
- name: Record that an integration could not be made
  msp.connectwise.cw_integration_report:
    vendor: example
    profile: {product: Example}
    directory: "{{ inventory_dir }}/connectwise_reports"
    error: the tenant is closed
    defer_failure: true
"""

RETURN = r"""
integration:
  description: What was recorded.
  returned: always
  type: dict
  contains:
    status:
      description: V(ready) or V(pending) or V(drifted) or V(absent) or V(failed) or V(unreachable).
      type: str
      returned: always
    manual_steps: {description: What a person has to click., type: list, elements: dict, returned: always}
    differences: {description: What differs from the profile., type: list, elements: str, returned: always}
    key: {description: Public key and its age and place in the store., type: dict, returned: always}
    handover: {description: What to enter at the vendor., type: dict, returned: always}
    error: {description: What went wrong., type: str, returned: always}
"""
