# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter that refuses a pattern of hosts that names nobody."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible import context
from ansible.errors import AnsibleFilterError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader

DOCUMENTATION = r"""
name: named_tenants
short_description: A pattern of hosts, if it names any
version_added: 0.1.0
author:
  - The msp.connectwise contributors (@msp-connectwise)
description:
  - Returns the pattern, a list joined and a number as text. An empty one is an error, and so is one that no host of the
    inventory and of C(--limit) matches, if O(groups) are given; Ansible by itself would end such a play as a success
    that has done nothing.
options:
  _input:
    description: A pattern of hosts, as C(hosts) of a play takes it.
    type: str
    required: true
  groups:
    description: The variable C(groups); without it nothing has to match, as in a slice that has other tenants.
    type: dict
"""

EXAMPLES = r"""
- name: Only the tenants that were named
  hosts: "{{ cw_hosts | default('all') | msp.connectwise.named_tenants(groups) }}"
  tasks: []
"""

RETURN = r"""
_value:
  description: The pattern.
  type: str
"""


def matching(pattern: str, groups: Mapping[str, Sequence[str]], limit: str | None = None) -> list[str]:
    """The hosts that Ansible would take, limited as it does it."""
    inventory = InventoryManager(loader=DataLoader(), parse=False)
    for name, hosts in groups.items():
        inventory.add_group(name)
        for host in hosts:
            inventory.add_host(str(host), group=name)
    inventory.reconcile_inventory()
    inventory.subset(limit)
    return [str(host) for host in inventory.get_hosts(pattern)]


def named_tenants(pattern: Any, groups: Mapping[str, Sequence[str]] | None = None) -> str:
    # A name of digits alone comes as a number from the extra variables of AWX, and an empty one as null.
    names = pattern if isinstance(pattern, (list, tuple)) else [] if pattern is None else [pattern]
    text = ",".join(map(str, names))
    if not text.strip(" ,"):
        raise AnsibleFilterError(
            "no tenant is named: cw_hosts is empty. Name the tenants, such as north, or all of them: all"
        )
    # A check of the syntax needs no inventory.
    checks = groups is not None and not context.CLIARGS.get("syntax")
    if checks and not matching(text, groups or {}, context.CLIARGS.get("subset")):
        raise AnsibleFilterError(
            f"no tenant of the inventory is named {text} (cw_hosts), as far as --limit goes. Nothing was done"
        )
    return text


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"named_tenants": named_tenants}
