# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the profile, the key store and the tenant, checks what could fail later, and says what is left to do."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError, PsaError
from ansible_collections.msp.connectwise.plugins.plugin_utils import _profile
from ansible_collections.msp.connectwise.plugins.plugin_utils._engine import CONVERGE, Integration
from ansible_collections.msp.connectwise.plugins.plugin_utils._guard import guarded
from ansible_collections.msp.connectwise.plugins.plugin_utils._settings import settings_of
from ansible_collections.msp.connectwise.plugins.plugin_utils._tenant_action import TenantAction

ARGUMENT_SPEC: dict[str, Any] = {"vendor": {"type": "str", "required": True}, "profile": {"type": "dict"}}


class ActionModule(TenantAction):
    """Runs on the controller; what it asks of the tenant runs where any module of the collection would."""

    @guarded
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        variables = task_vars or {}
        result: dict[str, Any] = super().run(tmp, variables)
        try:
            return {**result, **self._look(variables)}
        except PsaError as problem:
            return {**result, "failed": True, "changed": False, **problem.as_result()}

    def _look(self, variables: dict[str, Any]) -> dict[str, Any]:
        own = {name: value for name, value in self._task.args.items() if name in ARGUMENT_SPEC}
        validation = ArgumentSpecValidator(ARGUMENT_SPEC).validate(own)
        if validation.error_messages:
            raise InputError(validation.error_messages[0], remedy="see the README of msp.connectwise.integration")
        args = validation.validated_parameters
        site = self.site(variables)
        settings = settings_of(variables, self.template)
        folders = _profile.directories(variables.get("inventory_dir"), self.template(variables.get("cw_vendor_dirs")))
        if args["profile"] is not None:
            profile = _profile.of_mapping(args["vendor"], args["profile"])
        else:
            profile = _profile.read(args["vendor"], variables, self.template, folders)
        maker = self.store_maker(variables)

        def store(key: _profile.Key) -> Any:
            return maker.store(settings, key.record, variables, self.template, key.member["identifier"])

        integration = Integration(site, profile, settings, store, vendor=args["vendor"].rpartition(".")[2])
        look = integration.look()
        if look.work == CONVERGE:
            integration.preflight(look)
        found = {"changed": False, "integration": integration.as_dict(look)}
        return {**found, "warnings": look.warnings} if look.warnings else found
