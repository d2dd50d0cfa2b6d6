# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter that finds the place beside the inventory, where keys and reports are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ansible import context

DOCUMENTATION = r"""
name: beside_inventory
short_description: A folder beside the inventory of the run
version_added: 0.1.0
author:
  - The msp.connectwise contributors (@msp-connectwise)
description:
  - Names a folder that lies beside the inventory file, or beside the directory where the inventory is a whole
    directory. Within that directory, Ansible would read what lies there as further inventory.
  - Without an inventory file there is no such place, and the result is empty. The directory of the playbook would be
    one of an installed collection, whose next version is installed over everything that lies there.
options:
  _input:
    description: Name of the folder.
    type: str
    required: true
  inventory_dir:
    description: The host's C(inventory_dir); null where there is no inventory file.
    type: str
  here:
    description: Whether the working directory serves where there is no inventory file, as it may for reports, not keys.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Where are the keys?
  ansible.builtin.debug:
    msg: "{{ 'connectwise_keys' | msp.connectwise.beside_inventory(inventory_dir | default(none)) }}"
"""

RETURN = r"""
_value:
  description: Path of the folder, or an empty string.
  type: str
"""


def beside(folder: str, inventory_dir: str | None, sources: Iterable[str], *, here: bool = False) -> str:
    if not inventory_dir:
        return str(Path.cwd() / folder) if here else ""
    place = Path(inventory_dir)
    for source in sources:
        directory = Path(source)
        # A list of hosts, "north,south", is no path.
        if "," not in source and directory in (place, *place.parents) and directory.is_dir():
            place = directory.parent
            break
    return str(place / folder)


def beside_inventory(folder: str, inventory_dir: str | None = None, here: bool = False) -> str:
    return beside(folder, inventory_dir, context.CLIARGS.get("inventory") or (), here=here)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"beside_inventory": beside_inventory}
