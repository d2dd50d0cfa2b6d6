# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the profile, the key store and the tenant, checks what could fail later, and says what is left to do."""

from __future__ import annotations

from typing import Any

from ansible.utils.display import Display

from ansible_collections.msp.connectwise.plugins.plugin_utils import _profile
from ansible_collections.msp.connectwise.plugins.plugin_utils._engine import CONVERGE, Integration
from ansible_collections.msp.connectwise.plugins.plugin_utils._own_action import OwnAction
from ansible_collections.msp.connectwise.plugins.plugin_utils._resolve import Resolver
from ansible_collections.msp.connectwise.plugins.plugin_utils._settings import settings_of
from ansible_collections.msp.connectwise.plugins.plugin_utils._tenant_action import TenantAction
from ansible_collections.msp.connectwise.plugins.plugin_utils._tenant_time import require_in_time

ARGUMENT_SPEC: dict[str, Any] = {"vendor": {"type": "str", "required": True}, "profile": {"type": "dict"}}


class ActionModule(OwnAction, TenantAction):
    """Runs on the controller; what it asks of the tenant runs where any module of the collection would."""

    OPTIONS = ARGUMENT_SPEC

    def work(self, args: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        vendor = args["vendor"].rpartition(".")[2]
        require_in_time(str(variables["inventory_hostname"]), vendor)
        site = self.site(variables)
        resolve = Resolver(self, variables)
        settings = settings_of(variables, resolve)
        folders = _profile.directories(variables.get("inventory_dir"), resolve("cw_vendor_dirs"))
        if args["profile"] is not None:
            profile = _profile.of_mapping(args["vendor"], args["profile"])
        else:
            profile = _profile.read(args["vendor"], variables, resolve, folders)
        maker = self.store_maker(variables)

        def store(key: _profile.Key) -> Any:
            return maker.store(settings, key.record, variables, resolve, key.member["identifier"])

        integration = Integration(site, profile, settings, store, vendor=vendor)
        look = integration.look()
        if look.work == CONVERGE:
            if lines := integration.announcement(look):
                Display().display("\n".join(lines))
            integration.preflight(look, as_tasks=True)
        found = {"changed": False, "integration": integration.as_dict(look)}
        return {**found, "warnings": look.warnings} if look.warnings else found
