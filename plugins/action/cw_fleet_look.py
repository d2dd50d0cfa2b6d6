# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks at all hosts of the play in one process, and says which of them the engine still has to work on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible import context
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.msp.connectwise.plugins.action.cw_key_file import decrypted
from ansible_collections.msp.connectwise.plugins.filter.vendor_roles import vendor_roles
from ansible_collections.msp.connectwise.plugins.modules import cw_integration_info
from ansible_collections.msp.connectwise.plugins.plugin_utils import _report
from ansible_collections.msp.connectwise.plugins.plugin_utils._look import LeftToTheEngine, Look, Resolver, Seen, Tenant

_WARNINGS_SHOWN = 20


class ActionModule(ActionBase):
    """Runs once, for every host of the batch."""

    BYPASS_HOST_LOOP = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        variables = task_vars or {}
        result: dict[str, Any] = super().run(tmp, variables)
        fail_on = self._task.args.get("fail_on") or _report.BAD
        hosts = [str(host) for host in variables.get("ansible_play_batch") or [variables["inventory_hostname"]]]
        # The environment of a task may differ from host to host, and is the workers' to set.
        seen = [] if any(self._task.environment or []) else self._look(hosts, variables)
        left = {one.name: one.left for one in seen if one.left}
        errors: dict[str, list[str]] = {}
        for one in seen:
            for entry in one.entries:
                if entry["status"] in fail_on:
                    errors.setdefault(one.name, []).append(_report.summary(entry))
        # This one goes on to the end of the play, and writes the report of all.
        bearer = str(variables["inventory_hostname"])
        done = [one.name for one in seen if one.name not in left and one.name not in errors and one.name != bearer]
        looked = {one.name for one in seen}
        self._warn(seen)
        result.update(
            changed=False,
            msg=f"{len(done)} of {len(hosts)} tenants are done, {len(errors)} failed",
            done=done,
            left={name: left.get(name, []) for name in hosts if name in looked and name not in done},
            errors=errors,
        )
        return result

    def _look(self, hosts: list[str], variables: dict[str, Any]) -> list[Seen]:
        resolver = Resolver(self, variables)
        look = Look(
            cw_integration_info.MODULE,
            lambda data: decrypted(self._loader._vault, data),
            _report.run_directory(),
            check_mode=bool(self._task.check_mode),
            threads=max(1, int(context.CLIARGS.get("forks") or 5)),
        )
        return look.at(self._resolved(resolver, hosts))

    def _resolved(self, resolver: Resolver, hosts: list[str]) -> Iterator[Tenant]:
        for host in hosts:
            try:
                yield resolver.tenant(host, vendor_roles)
            except LeftToTheEngine:
                continue

    def _warn(self, seen: list[Seen]) -> None:
        lines: dict[str, list[str]] = {}
        for one in seen:
            for warning in one.warnings:
                lines.setdefault(warning, []).append(one.name)
        display = Display()
        for warning, names in list(lines.items())[:_WARNINGS_SHOWN]:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            display.warning(f"{names[0]}{more}: {warning}")
