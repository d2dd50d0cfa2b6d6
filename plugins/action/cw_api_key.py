# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Leads a key through its life on the controller, if a store is named; else the module of the same name runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.msp.connectwise.plugins.action.psa import ActionModule as PsaAction
from ansible_collections.msp.connectwise.plugins.action.psa import named_diff
from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError, PsaError
from ansible_collections.msp.connectwise.plugins.module_utils._module import unsupported
from ansible_collections.msp.connectwise.plugins.modules.cw_api_key import MODULE
from ansible_collections.msp.connectwise.plugins.plugin_utils import _commands, _given_keys
from ansible_collections.msp.connectwise.plugins.plugin_utils import _key_life as life
from ansible_collections.msp.connectwise.plugins.plugin_utils._engine import Site
from ansible_collections.msp.connectwise.plugins.plugin_utils._guard import guarded
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_loop import Loop
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_port import MemberKeys
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_record import KEYS_MADE
from ansible_collections.msp.connectwise.plugins.plugin_utils._report import run_directory
from ansible_collections.msp.connectwise.plugins.plugin_utils._run import this_run
from ansible_collections.msp.connectwise.plugins.plugin_utils._settings import RETURNED_KEYS
from ansible_collections.msp.connectwise.plugins.plugin_utils._store_option import record_name, store_of
from ansible_collections.msp.connectwise.plugins.plugin_utils._stores import NoStore, Store

_SHOWN = "the result holds the private key, and every callback and log shows it; set no_log: true, or use store"


class ActionModule(PsaAction):
    """Runs on the controller; what it asks of the tenant runs where any module of the collection would."""

    @guarded
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        if self._task.args.get("store") is None:
            made: dict[str, Any] = super().run(tmp, task_vars)
            if (made.get("api_key") or {}).get("private_key") and not self._task.no_log:
                made.setdefault("warnings", []).append(_SHOWN)
            return made
        result: dict[str, Any] = super(PsaAction, self).run(tmp, task_vars or {})
        try:
            return {**result, **self._live(task_vars or {})}
        except PsaError as problem:
            done = problem.data.get("done") or []
            problem.tenant = problem.tenant or str((task_vars or {}).get("inventory_hostname") or "")
            return {**result, "failed": True, "changed": bool(done), **problem.as_result()}

    def _live(self, variables: dict[str, Any]) -> dict[str, Any]:
        params = self._validated(variables)
        site = self.site(variables)
        member = params["member"]
        usual = params["vendor"] or member
        store = store_of(self, params["store"], variables, usual)
        wish = self._wish(params, site, variables)
        loop = Loop(
            MemberKeys(site.run, member, params["member_type"], params["description"]),
            store,
            wish,
            this_run(site.name),
            own=site.own_key,
            rotate=params["rotate"],
            check_mode=site.check_mode,
        )
        outcome = loop.run()
        if site.check_mode and set(KEYS_MADE) & set(outcome.did):
            store.check(write=False)
        result = {**outcome.as_result(), "place": store.place, "record": record_name(params["store"], usual)}
        if self._task.diff and outcome.changed:
            result["diff"] = named_diff(outcome.diff(), variables.get("inventory_hostname"), "cw_api_key", params)
        if wish.given and not site.check_mode:
            _given_keys.note_stored(run_directory(), wish.given, result)
        if outcome.steps and params["on_unsupported"] == "fail":
            result.update(unsupported(outcome.steps).as_result(), failed=True)
        return {**result, **self._returned(store, params, variables)}

    def _validated(self, variables: dict[str, Any]) -> dict[str, Any]:
        own = {name: value for name, value in self.connection_options(variables).items() if name in MODULE.options}
        validation = ArgumentSpecValidator(dict(MODULE.options)).validate(own)
        if validation.error_messages:
            raise InputError(validation.error_messages[0], remedy="see ansible-doc msp.connectwise.cw_api_key")
        params: dict[str, Any] = validation.validated_parameters
        if not params["description"]:
            raise InputError("nothing says which key", remedy="give description")
        for name in ("max_age_days", "grace_days", "lease"):
            if params[name] < 0:
                raise InputError(f"{name} is {params[name]:g}, which is less than 0", remedy="give 0 or more")
        return params

    @staticmethod
    def _wish(params: Mapping[str, Any], site: Site, variables: Mapping[str, Any]) -> life.Wish:
        names = [str(variables.get("inventory_hostname")), str(variables.get("integration_store_tenant") or "")]
        given = life.given_for(params["given_keys"] or [], params["member"], names)
        return life.Wish(
            member=params["member"],
            member_type=params["member_type"],
            description=params["description"],
            vendor=params["vendor"] or "",
            company_id=site.company_id,
            binding=site.binding,
            absent=params["state"] == "absent",
            max_age_days=params["max_age_days"],
            grace_days=params["grace_days"],
            heal=params["heal"],
            beside=params["beside"],
            lease=params["lease"],
            given=given[-1] if given else None,
            ad_hoc=_commands.ad_hoc(names[0], _commands.typed()),
        )

    def _returned(self, store: Store, params: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
        """With the store `none`, the key goes back to the play as a fact, and the result is not shown."""
        if not isinstance(store, NoStore) or not store.record:
            return {}
        known = variables.get(RETURNED_KEYS) or {}
        facts = {RETURNED_KEYS: {**known, str(params["vendor"] or params["member"]): store.record}}
        return {"ansible_facts": facts, "_ansible_no_log": True}
