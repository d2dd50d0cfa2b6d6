# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Taking away, or replacing the keys of, every integration has to be confirmed on the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible import context
from ansible.utils.vars import load_extra_vars

from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError
from ansible_collections.msp.connectwise.plugins.module_utils._names import counted
from ansible_collections.msp.connectwise.plugins.plugin_utils._fleet_run import Tenant
from ansible_collections.msp.connectwise.plugins.plugin_utils._profile_names import listed
from ansible_collections.msp.connectwise.plugins.plugin_utils._settings import Settings

OFFBOARD, ROTATE = "offboard-all", "rotate-all"


def word_for(settings: Settings) -> str:
    """The word that an integration needs; empty if nothing is taken away at once."""
    if settings.mode != "converge":
        return ""
    if settings.state == "absent":
        return OFFBOARD
    return ROTATE if settings.rotate else ""


def names_what(limit: Any, extra: Mapping[str, Any]) -> bool:
    """Return whether the command line names the tenants or the vendors that it means."""
    vendors = extra.get("cw_integrations")
    some = any(listed(vendors)) if isinstance(vendors, (str, list, tuple)) else bool(vendors)
    return some or names_tenants(limit, extra)


def names_tenants(limit: Any, extra: Mapping[str, Any]) -> bool:
    """Return whether the command line names the tenants that it means."""
    hosts = extra.get("cw_hosts") or []
    names = listed(hosts if isinstance(hosts, (list, tuple)) else str(hosts))
    return bool(limit) or not {str(name) for name in names} <= {"", "all", "*"}


def require(said: str, tenants: Sequence[Tenant], loader: Any) -> None:
    """Raises InputError if a confirmation is needed, and the command line has neither it nor a choice of tenants."""
    asked = [
        (word_for(tenant.settings), tenant.name, vendor)
        for tenant in tenants
        if tenant.settings is not None
        # Also what is left to the tasks of the role: they ask nobody.
        for vendor in (*(one.vendor for one in tenant.integrations), *tenant.left_to_tasks)
    ]
    for word, what in ((OFFBOARD, "take away"), (ROTATE, "replace the keys of")):
        hit = [(name, vendor) for needed, name, vendor in asked if needed == word]
        if not hit or said == word or names_what(context.CLIARGS.get("subset"), load_extra_vars(loader)):
            continue
        vendors, hosts = {vendor for _name, vendor in hit}, {name for name, _vendor in hit}
        raise InputError(
            f"this would {what} {counted(len(hit), 'integration')}: {counted(len(vendors), 'vendor')} on "
            f"{counted(len(hosts), 'tenant')}; nothing was done",
            remedy=f"name what you mean with --limit TENANT or -e cw_integrations=VENDOR, or say -e cw_confirm={word}",
        )
