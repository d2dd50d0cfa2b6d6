# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says which vendors there are, from the tables of the collection and the vendor files of the user."""

from __future__ import annotations

from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._names import counted
from ansible_collections.msp.connectwise.plugins.plugin_utils import _vendor_list
from ansible_collections.msp.connectwise.plugins.plugin_utils._inventory import vendor_directories
from ansible_collections.msp.connectwise.plugins.plugin_utils._own_action import OwnAction

ARGUMENT_SPEC: dict[str, Any] = {
    "search": {"type": "str", "default": ""},
    "directories": {"type": "list", "elements": "path"},
}


class ActionModule(OwnAction):
    """Runs on the controller."""

    _requires_connection = False
    OPTIONS = ARGUMENT_SPEC

    def work(self, args: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        none = f"no vendor matches {args['search']}; leave cw_search out to see all of them"
        found, wrong = _vendor_list.listed(vendor_directories(variables, args["directories"]), args["search"])
        return {
            "changed": False,
            "vendors": found,
            "lines": _vendor_list.lines(found) or [none],
            "msg": counted(len(found), "vendor"),
            **({"warnings": wrong} if wrong else {}),
        }
