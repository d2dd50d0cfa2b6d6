# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter that refuses a command line with which a playbook would do nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import yaml
from ansible import context
from ansible.errors import AnsibleFilterError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.utils.vars import load_extra_vars

from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError
from ansible_collections.msp.connectwise.plugins.module_utils._names import closest
from ansible_collections.msp.connectwise.plugins.plugin_utils import _asked, _batch
from ansible_collections.msp.connectwise.plugins.plugin_utils._handed_over import is_slice
from ansible_collections.msp.connectwise.plugins.plugin_utils._profile_names import listed

DOCUMENTATION = r"""
name: named_tenants
short_description: A pattern of hosts, if it names any
version_added: 0.1.0
author:
  - The msp.connectwise contributors (@msp-connectwise)
description:
  - Returns the pattern, a list joined and a number as text. An empty one is an error, and so is one that no host of the
    inventory and of C(--limit) matches, if O(groups) are given; Ansible by itself would end such a play as a success
    that has done nothing. In a slice of a job on AWX the tenant may be one of another slice, so nothing has to match.
  - With O(groups), it also refuses C(--tags), C(--skip-tags) and C(--start-at-task) that leave no task of a playbook of
    this collection.
  - With O(tags), it also refuses misspelt extra variables. For a playbook of this collection it refuses all unknown
    ones that begin with C(cw_), C(integration_) or C(psa_), except those that a file (C(-e @FILE)) sets.
  - AWX hands names over as YAML, of which V(no) comes back as false and V(0x16) as 22. Such a value stands for the
    host or group that YAML reads in this way, if there is one; if there are several, it is an error.
options:
  _input:
    description: A pattern of hosts, as C(hosts) of a play takes it.
    type: str
    required: true
  groups:
    description: The variable C(groups); without it nothing has to match, and the command line is not looked at.
    type: dict
  known:
    description: The variable C(groups) too, where nothing has to match; only for the names in it.
    type: dict
  tags:
    description: The tags that C(--tags) may name. Left out, tags name vendors, and M(msp.connectwise.cw_fleet) looks at
      them and at the extra variables.
    type: list
    elements: str
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


# Names that mean themselves in a pattern of hosts. Where one does not, the play takes all hosts and skips their tasks.
_PLAIN = re.compile(r"[\w.-]+").fullmatch
# Options of ansible-playbook that show a playbook and run none of it.
_LOOKS = ("syntax", "listhosts", "listtags", "listtasks")


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


def _value(name: str) -> Any:
    """What YAML makes of a name that nothing quotes."""
    try:
        return yaml.safe_load(name)
    except (yaml.YAMLError, ValueError):
        return name


def as_text(value: Any, known: Iterable[str]) -> str:
    """A name that came through YAML as something else, as the inventory writes it."""
    if isinstance(value, str):
        return str(value)
    # True equals 1 and 22 equals 22.0.
    kind = next(one for one in (bool, int, float, object) if isinstance(value, one))
    meant = sorted(name for name in set(known) if isinstance(found := _value(name), kind) and found == value)
    if len(meant) > 1 or (not meant and isinstance(value, bool)):
        written = f"either {' or '.join(meant)}" if meant else "a word such as no, on or yes"
        raise AnsibleFilterError(
            f"cw_hosts came as {value}, which was {written} before YAML read it. Write the name with a comma behind it"
        )
    return meant[0] if meant else str(value)


def named_tenants(
    pattern: Any,
    groups: Mapping[str, Sequence[str]] | None = None,
    known: Mapping[str, Sequence[str]] | None = None,
    tags: Iterable[str] | None = None,
    unfinished: bool = False,
) -> str:
    if unfinished and (batch := _batch.remembered()) is not None and all(map(_PLAIN, batch.unfinished)):
        return ",".join(batch.unfinished)
    # An empty answer comes as null from the extra variables of AWX.
    names = pattern if isinstance(pattern, (list, tuple)) else [] if pattern is None else [pattern]
    inventory = groups or known or {}
    every = [*inventory, *(str(host) for hosts in inventory.values() for host in hosts)]
    # A field of a survey may hold a name on each line.
    text = ",".join(name for given in names for name in listed(as_text(given, every)))
    # A tilde alone is null to YAML, and to Ansible an expression that fits every name.
    if not text.strip(" ,~"):
        raise AnsibleFilterError(
            "no tenant is named: cw_hosts is empty. Name the tenants, such as north, or all of them: all"
        )
    # A look at the playbook needs no inventory.
    if groups is not None and not any(context.CLIARGS.get(option) for option in _LOOKS):
        extra = load_extra_vars(DataLoader())
        try:
            _asked.require_tasks(context.CLIARGS, tags)
            # The task of a fleet playbook looks at them itself.
            if tags is not None:
                _asked.require_meaning(extra, context.CLIARGS)
            if not is_slice(extra):
                _require_hosts(text, groups, "cw_hosts" in extra)
        except InputError as problem:
            raise AnsibleFilterError(str(problem)) from None
    return text


def _require_hosts(pattern: str, groups: Mapping[str, Sequence[str]], typed: bool) -> None:
    """Raise InputError if a pattern names no host. typed: whether it stands on the command line."""
    limit = context.CLIARGS.get("subset")
    hosts = groups.get("all") or ()
    if (pattern == "all" and hosts and not limit) or matching(pattern, groups, limit):
        return
    if pattern == "localhost":
        # In a playbook of the user's own, it is one play of several.
        if not _asked.runs_own(context.CLIARGS):
            return
        raise InputError(
            "this playbook runs on localhost, which --limit leaves out; nothing was done", remedy="leave --limit out"
        )
    if not hosts:
        raise InputError(
            "the inventory has no tenants; nothing was done",
            remedy="name the file of your tenants, -i inventory.yml, and see what Ansible warns of",
        )
    if not limit or not matching(pattern, groups):
        near = closest(pattern, [*groups, *map(str, hosts)])
        remedy = f"did you mean {near[0]}?" if near else "name hosts or groups of the inventory, or all"
        raise InputError(f"no tenant of the inventory is named {pattern} (cw_hosts); nothing was done", remedy=remedy)
    # In a playbook of the user's own that imports several, --limit may leave some of them without a tenant.
    if typed:
        raise InputError(
            f"--limit {limit} leaves none of the tenants named {pattern} (cw_hosts); nothing was done",
            remedy="name the tenants with one of the two",
        )


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"named_tenants": named_tenants}
