# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter that decides, after the first look at a tenant, what a run has to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.msp.connectwise.plugins.filter.key_life import key_due

DOCUMENTATION = r"""
name: integration_work
short_description: What a run has to do for an integration, after the first look at the tenant
version_added: 0.1.0
author:
  - The msp.connectwise contributors (@msp-connectwise)
description:
  - V(remove), V(store_key), V(key_report), V(converge), or V(unchanged) where nothing is to be done, or may be.
  - Used by the P(msp.connectwise.integration#role) role and by M(msp.connectwise.cw_fleet_look).
options:
  _input:
    description: The C(integration) value of M(msp.connectwise.cw_integration_info).
    type: dict
    required: true
  record:
    description: The record of the key store.
    type: dict
    required: true
  state:
    description: The role's C(integration_state).
    type: str
    required: true
  mode:
    description: The role's C(integration_mode).
    type: str
    required: true
  rotate:
    description: Whether a new key is wanted now.
    type: bool
    required: true
  max_age_days:
    description: Age in days from which a new key is wanted; V(0) for never.
    type: float
    required: true
  grace_days:
    description: Days for which a replaced key is kept.
    type: float
    default: 0
"""

EXAMPLES = r"""
- name: What would a run do?
  ansible.builtin.debug:
    msg: "{{ {'in_sync': false} | msp.connectwise.integration_work({}, 'present', 'converge', false, 90) }}"
"""

RETURN = r"""
_value:
  description: The work.
  type: str
"""


def integration_work(
    found: Mapping[str, Any],
    record: Mapping[str, Any] | None,
    state: str,
    mode: str,
    rotate: bool,
    max_age_days: float,
    grace_days: float = 0,
) -> str:
    if not isinstance(found, Mapping) or "in_sync" not in found:
        raise AnsibleFilterError("integration_work takes the integration value of cw_integration_info")
    if mode in ("store_key", "key_report"):
        return mode
    if state == "absent" and mode == "converge":
        return "remove"
    if mode == "audit":
        return "unchanged"
    return "converge" if not found["in_sync"] or key_due(record, rotate, max_age_days, grace_days) else "unchanged"


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"integration_work": integration_work}
