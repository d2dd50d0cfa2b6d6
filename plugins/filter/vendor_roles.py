# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter that turns the names of integrations into the roles that make them real."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: vendor_roles
short_description: The roles of integrations, by their names
version_added: 0.1.0
author:
  - The msp.connectwise contributors (@msp-connectwise)
description:
  - Turns names such as V(zofiq) into roles of this collection. A name with a dot is a role of another collection and
    stays as it is.
  - A name no role has is an error that lists the roles there are.
options:
  _input:
    description: Names of integrations.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Make every integration of the tenant real
  ansible.builtin.include_role:
    name: "{{ cw_integration }}"
  loop: "{{ cw_integrations | msp.connectwise.vendor_roles }}"
  loop_control:
    loop_var: cw_integration
"""

RETURN = r"""
_value:
  description: Full names of the roles.
  type: list
  elements: str
"""

ROLES = Path(__file__).resolve().parent.parent.parent / "roles"
# Roles that make no integration real.
OTHERS = ("doctor", "integration")


def known_vendors() -> list[str]:
    return sorted(path.name for path in ROLES.iterdir() if (path / "tasks").is_dir() and path.name not in OTHERS)


def vendor_roles(names: Iterable[str] | str) -> list[str]:
    wanted = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    known = known_vendors()
    roles = []
    for name in wanted:
        if "." not in name and name not in known:
            near = difflib.get_close_matches(name.lower().replace("-", "_"), known, n=2, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}? " if near else ""
            raise AnsibleFilterError(
                f'no role makes an integration "{name}" real; {hint}The vendors are {", ".join(known)}; '
                "a role of another collection is given by its full name"
            )
        roles.append(name if "." in name else f"msp.connectwise.{name}")
    return roles


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"vendor_roles": vendor_roles}
