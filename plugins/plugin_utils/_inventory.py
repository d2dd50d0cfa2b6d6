# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the vendor files of a run are, from the variables that an action is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError

from ansible_collections.msp.connectwise.plugins.plugin_utils._profile_names import DIRECTORY, directories
from ansible_collections.msp.connectwise.plugins.plugin_utils._settings import beside


def inventory_dir(variables: Mapping[str, Any]) -> str | None:
    """The directory of the inventory, also for a play of localhost, which is in no inventory."""
    hosts = [variables.get("inventory_hostname"), *((variables.get("groups") or {}).get("all") or [])]
    known = variables.get("hostvars") or {}
    for host in [one for one in hosts if one in known]:
        try:
            found = known[host].get("inventory_dir")
        except AnsibleError:
            continue
        if found:
            return str(found)
    return None


def vendor_directories(variables: Mapping[str, Any], given: Sequence[str] | None) -> list[Path]:
    return directories(inventory_dir(variables), given)


def own_directory(variables: Mapping[str, Any]) -> Path:
    """Where a new vendor file goes."""
    return Path(beside(DIRECTORY, inventory_dir(variables), here=True))
