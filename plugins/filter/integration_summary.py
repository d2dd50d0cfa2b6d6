# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter that says in one line how an integration ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.msp.connectwise.plugins.plugin_utils._report import summary

DOCUMENTATION = r"""
name: integration_summary
short_description: How an integration ended, in one line
version_added: 0.1.0
author:
  - The msp.connectwise contributors (@msp-connectwise)
description:
  - Takes a value of the fact C(connectwise_integrations), which M(msp.connectwise.cw_integration_report) sets.
options:
  _input:
    description: The entry of one integration.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: What was left
  ansible.builtin.debug:
    msg: "{{ connectwise_integrations.values() | map('msp.connectwise.integration_summary') | list }}"
"""

RETURN = r"""
_value:
  description: Product, status, and what is wrong.
  type: str
"""


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"integration_summary": summary}
