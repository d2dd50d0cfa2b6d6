# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Puts the vendors of each tenant side by side, in one page."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError

from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError, PsaError
from ansible_collections.msp.connectwise.plugins.module_utils._names import counted
from ansible_collections.msp.connectwise.plugins.plugin_utils import _compare, _compare_page, _profile, _vendor_list
from ansible_collections.msp.connectwise.plugins.plugin_utils._inventory import vendor_directories
from ansible_collections.msp.connectwise.plugins.plugin_utils._own_action import OwnAction
from ansible_collections.msp.connectwise.plugins.plugin_utils._report_place import replace_file
from ansible_collections.msp.connectwise.plugins.plugin_utils._resolve import Resolver
from ansible_collections.msp.connectwise.plugins.plugin_utils._settings import settings_of

ARGUMENT_SPEC: dict[str, Any] = {
    "directory": {"type": "path"},
    "add": {"type": "list", "elements": "str"},
    "directories": {"type": "list", "elements": "path"},
}


class ActionModule(OwnAction):
    """Runs on the controller, once for every host of the play."""

    BYPASS_HOST_LOOP = True
    _requires_connection = False
    OPTIONS = ARGUMENT_SPEC
    WRITES = "the comparison"
    PLACE = "integration_report_dir"

    def work(self, args: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        directories = vendor_directories(variables, args["directories"])
        others, wrong = self._others(args["add"], directories)
        alike: dict[tuple[int, ...], tuple[list[_profile.Profile], list[str]]] = {}
        refused: dict[str, list[str]] = {}
        for host in [str(one) for one in variables.get("ansible_play_hosts_all") or []]:
            try:
                profiles = _profiles(variables["hostvars"][host], directories)
            except (PsaError, AnsibleError) as problem:
                refused.setdefault(str(problem), []).append(host)
                continue
            # The reader gives tenants whose vendors are the same the same profiles.
            alike.setdefault(tuple(id(one) for one in profiles), (profiles, []))[1].append(host)
        if not refused and args["add"] is None and not any(profiles for profiles, _tenants in alike.values()):
            raise InputError(
                "no tenant of this play has cw_integrations, so there is nothing to compare",
                remedy="list the vendors of each tenant in the inventory, such as cw_integrations: [zofiq, umbrella], "
                "or name vendors to compare: -e cw_add=huntress",
            )
        compared = [
            _compare.compared(
                tenants, profiles, [one for one in others if one.name not in {own.name for own in profiles}]
            )
            for profiles, tenants in alike.values()
        ]
        left = {_compare_page.names(hosts): why for why, hosts in refused.items()}
        problems = [f"{_compare_page.names(one.tenants)}: {text}" for one in compared for text in one.problems]
        if args["add"] is not None:
            problems += [
                f"{_compare_page.names(one.tenants)}, with {added.name}: {text}"
                for one in compared
                for added, _rows, texts in one.more
                for text in texts
            ]
        problems += [f"{tenants}: {why}" for tenants, why in left.items()]
        result = {"changed": False, "collisions": problems, "comparisons": [_data(one) for one in compared]}
        if wrong:
            result["warnings"] = wrong
        settings = settings_of(variables, Resolver(self, variables))
        path = Path(args["directory"] or settings.report_dir) / "vendors.html"
        if not self._task.check_mode:
            made = f"Made on {time.strftime('%Y-%m-%d %H:%M %z')} from the inventory and the vendors' tables"
            page = _compare_page.page(compared, left, f"{made}; no tenant was asked.")
            replace_file(path.parent, path, page, mode=settings.file_mode)
            result["file"] = str(path)
        count = sum(len(one.tenants) for one in compared)
        result["msg"] = f"{counted(count, 'tenant')} compared, {counted(len(problems), 'problem')}" + (
            f", see {path}" if "file" in result else ""
        )
        return result

    @staticmethod
    def _others(names: Sequence[str] | None, directories: Sequence[Path]) -> tuple[list[_profile.Profile], list[str]]:
        """The vendors that may come: those that are named, or all there are; and why others cannot be used."""
        if names is None:
            found, wrong = _vendor_list.profiles(directories)
            return [one for one in found if one.name != "cw_admin"], wrong
        return [_profile.read(name, {}, {}.get, directories) for name in names], []


def _profiles(host: Mapping[str, Any], directories: Sequence[Path]) -> list[_profile.Profile]:
    """The profiles of a host, whose variables resolve as they are asked for."""
    if "cw_integrations" not in host:
        return []
    names = _profile.wanted(host["cw_integrations"], directories)
    profiles = [_profile.read(name, host, host.__getitem__, directories) for name in names]
    for profile in profiles:
        profile.require_rights()
    return profiles


def _data(one: _compare.Comparison) -> dict[str, Any]:
    return {
        "tenants": one.tenants,
        "vendors": [profile.name for profile in one.profiles],
        "rows": [
            {"module": row.module, "function": row.function, "wanted": row.wanted, "union": row.union}
            for row in one.rows
        ],
        "findings": _compare.union_findings(one),
        "more": {profile.name: added for profile, added, _problems in one.more},
        "collisions": one.problems,
    }
