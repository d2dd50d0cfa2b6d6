# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the connection as a task sees them: its own, then the inventory's, then the environment's."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from ansible.plugins.action import ActionBase


def completed(action: ActionBase, options: Iterable[str], variables: Mapping[str, Any]) -> dict[str, Any]:
    """The task's arguments with each missing option from `cw_<option>`, the play's or the process's CW_<OPTION>."""
    args = dict(action._task.args)
    environment: dict[str, Any] = {}
    if action._task.environment:
        action._compute_environment_string(environment)
    for option in options:
        if args.get(option) is not None:
            continue
        args.pop(option, None)
        variable, name = variables.get(f"cw_{option}"), f"CW_{option.upper()}"
        if variable is not None:
            variable = action._templar.template(variable)
            # A single value that is vaulted in the inventory stays an object of its own before ansible-core 2.19.
            variable = str(variable) if getattr(variable, "__ENCRYPTED__", False) else variable
        for value in (variable, environment.get(name), os.environ.get(name)):
            if value is not None and value != "":
                args[option] = value
                break
    return args
