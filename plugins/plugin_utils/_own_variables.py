# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of a host as they would be without extra variables: what the inventory and the play themselves say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.vars import load_extra_vars
from ansible.vars.hostvars import HostVars

from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError

VENDORS = "cw_integrations"


def own_variables(action: ActionBase, variables: Mapping[str, Any], host: str = "") -> Mapping[str, Any]:
    """The variables of a host without extra ones. variables: those of its task. host: its name, if that is known.

    Raises InputError.
    """
    extra = load_extra_vars(action._loader)
    if not extra or variables.get("hostvars") is None:
        return variables
    # `copy` asks it for what can be pickled, which leaves out loader and inventory before ansible-core 2.19.
    original = action._task.get_play().get_variable_manager()
    manager: Any = object.__new__(type(original))
    manager.__dict__.update(vars(original), _extra_vars={})
    if manager.extra_vars:
        raise InputError(
            "this version of ansible-core does not tell variables of the inventory from extra ones; nothing was sent",
            remedy="use a version of ansible-core that the collection supports",
        )
    beneath = _beneath(manager, action, host or str(variables.get("inventory_hostname") or ""))
    own = {name: value for name, value in variables.items() if name not in extra}
    own.update((name, beneath[name]) for name in extra if name in beneath)
    own["hostvars"] = HostVars(inventory=manager._inventory, variable_manager=manager, loader=action._loader)
    return {**own, "vars": dict(own)}


def _beneath(manager: Any, action: ActionBase, name: str) -> Mapping[str, Any]:
    """What extra variables hide, also in the play and the task."""
    host, task = manager._inventory.get_host(name), action._task
    try:
        found: Mapping[str, Any] = manager.get_vars(
            play=task.get_play(),
            host=host,
            task=None if task.delegate_to else task,
            include_hostvars=False,
            _hosts=[name],
            _hosts_all=[name],
        )
    except AnsibleError:  # a file of variables whose name hangs on an extra variable
        found = manager.get_vars(host=host, include_hostvars=False)
    return found


def unanswered(action: ActionBase, variables: Mapping[str, Any]) -> bool:
    """Return whether a survey or a command line leaves the vendors to the inventory: its answer is empty."""
    extra = load_extra_vars(action._loader)
    said = extra.get(VENDORS)
    # Nobody takes away what he has not named.
    if VENDORS not in extra or variables.get("integration_state") == "absent":
        return False
    return said is None or (isinstance(said, str) and not said.strip())


def with_vendors(action: ActionBase, variables: Mapping[str, Any]) -> dict[str, Any]:
    """The variables of a host, with the inventory's vendors where nobody has named any."""
    found = dict(variables)
    if unanswered(action, variables):
        own = own_variables(action, variables)
        found.pop(VENDORS, None)
        found.update((name, own[name]) for name in (VENDORS,) if name in own)
    return found
