# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts of a play as tenants: their variables resolved without a task for each of them.

What a task of one host would see is put together from what an action is given: the host's own variables (`hostvars`),
and those that the play, the block or the task sets for all hosts alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.msp.connectwise.plugins.module_utils._connection import CONNECTION_OPTIONS
from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError, PsaError
from ansible_collections.msp.connectwise.plugins.plugin_utils import _profile
from ansible_collections.msp.connectwise.plugins.plugin_utils._asked import Tags, meant
from ansible_collections.msp.connectwise.plugins.plugin_utils._engine import Integration
from ansible_collections.msp.connectwise.plugins.plugin_utils._fleet_run import IntegrationResult, Tenant, mark_broken
from ansible_collections.msp.connectwise.plugins.plugin_utils._options import completed
from ansible_collections.msp.connectwise.plugins.plugin_utils._own_variables import own_variables, with_vendors
from ansible_collections.msp.connectwise.plugins.plugin_utils._resolve import Resolve, Resolver
from ansible_collections.msp.connectwise.plugins.plugin_utils._routes_care import with_place
from ansible_collections.msp.connectwise.plugins.plugin_utils._settings import Settings, settings_of
from ansible_collections.msp.connectwise.plugins.plugin_utils._stores import NoStore, Store
from ansible_collections.msp.connectwise.plugins.plugin_utils._tenant_action import InProcess, TenantAction, site_of

OWN_COLLECTION = "msp.connectwise."
# Set for a play, but different for each host.
_OF_THE_HOST = frozenset({"hostvars", "vars", "environment", "ansible_delegated_vars", "inventory_hostname_short"})


class Hosts:
    """Makes tenants of hosts. tags: the vendors that the command line names; given_keys: those of a person's file.

    vendors: all that the hosts have, also those that the command line leaves out.
    """

    def __init__(
        self,
        action: TenantAction,
        variables: dict[str, Any],
        *,
        tags: Tags,
        given_keys: list[dict[str, Any]] | None = None,
    ) -> None:
        self._action, self._tags, self._given_keys = action, tags, given_keys
        self.vendors: set[str] = set()
        self._hostvars = variables["hostvars"]
        self._of_play = self._play_variables(variables)
        # The environment of a task may differ from host to host, and only a worker sets it.
        self._environment = any(action._task.environment or [])

    def _play_variables(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """What is set for all hosts alike: in this host's task, and not among the variables of the host itself."""
        own = self._hostvars.raw_get(variables["inventory_hostname"])
        return {
            name: value
            for name, value in variables.items()
            if name not in _OF_THE_HOST and (name not in own or (own[name] is not value and own[name] != value))
        }

    def variables(self, host: str) -> dict[str, Any]:
        found = {**self._hostvars.raw_get(host), **self._of_play, "hostvars": self._hostvars}
        return with_vendors(self._action, found)

    def wants_integrations(self, host: str) -> bool:
        return "cw_integrations" in self.variables(host)

    def misspelt(self, host: str) -> list[str]:
        """What is said of variables of the inventory that count for nothing because of their name."""
        return [
            f"{name} is no variable; did you mean {right}?"
            for name in self._hostvars.raw_get(host)
            if (right := meant(name))
        ]

    def tenant(self, host: str) -> Tenant:
        """A host with its integrations; what is wrong with its variables stands in `broken`, and nothing is sent
        then.
        """
        try:
            return self._tenant(host)
        except AnsibleError as problem:
            unresolved = InputError(
                f"a variable cannot be resolved: {problem.message or problem}",
                remedy="correct the variable, or define what it refers to in host_vars or group_vars",
            )
            return Tenant(
                host,
                broken=[IntegrationResult("cw_integrations", error=_message(unresolved, host), unknown_vendor=True)],
            )

    def _tenant(self, host: str) -> Tenant:
        variables = self.variables(host)
        resolve = Resolver(self._action, variables)
        tenant = Tenant(host)
        try:
            names, problems = self._vendors(variables, resolve)
            tenant.broken += problems
        except PsaError as problem:
            tenant.broken.append(
                IntegrationResult("cw_integrations", error=_message(problem, host), unknown_vendor=True)
            )
            return tenant
        try:
            settings = settings_of(variables, resolve, given_keys=self._given_keys)
            tenant.settings, tenant.directory = settings, settings.report_dir
            if reason := self._why_tasks(resolve):
                tenant.left_to_tasks = dict.fromkeys(names, reason)
                return tenant
            tenant.connection = self._connection(variables, resolve)
            binding = self._action.bound(tenant.connection, variables, own_variables(self._action, variables, host))
            run = InProcess(
                tenant.connection,
                check_mode=self._check_mode,
                diff_mode=bool(self._action._task.diff),
                vendors=len(names),
                tenant=host,
            )
            tenant.site = site_of(host, run, tenant.connection, check_mode=self._check_mode, binding=binding)
        except PsaError as problem:
            mark_broken(tenant, _message(problem, host), names)
            return tenant
        self._add_integrations(tenant, names, settings, variables, resolve)
        return tenant

    @property
    def _check_mode(self) -> bool:
        return bool(self._action._task.check_mode)

    def _vendors(self, variables: Mapping[str, Any], resolve: Resolve) -> tuple[list[str], list[IntegrationResult]]:
        """The vendors of a host, and those of them that do not exist: one that is misspelt does not stop the others."""
        try:
            value = resolve("cw_integrations")
        except AnsibleError as problem:
            raise InputError(
                f"cw_integrations cannot be resolved: {problem}",
                remedy="list the vendors of the tenant, such as [zofiq]",
            ) from None
        folders = self._folders(variables, resolve)
        known, problems = [], []
        for name in _profile.wanted(value, folders):
            short = name.rpartition(".")[2]
            self.vendors.add(short)
            if not self._tags.wants(short):
                continue
            try:
                _profile.find(name, folders)
                known.append(name)
            except PsaError as problem:
                said = _message(problem, str(variables["inventory_hostname"]))
                problems.append(IntegrationResult(short, error=said, unknown_vendor=True))
        return known, problems

    def members(self, host: str, names: Iterable[str]) -> list[str] | None:
        """Return the members that the tasks of roles make for a host; None if a role or a profile does not tell."""
        variables = self.variables(host)
        resolve, found = Resolver(self._action, variables), []
        try:
            folders = self._folders(variables, resolve)
            for name in names:
                role = _profile.find(name, folders).role
                if role and not role.startswith(OWN_COLLECTION):
                    return None
                profile = _profile.read(name, variables, resolve, folders)
                found += [str(key.member["identifier"]) for key in profile.keys]
        except (AnsibleError, PsaError):
            return None
        return found

    @staticmethod
    def _folders(variables: Mapping[str, Any], resolve: Resolve) -> list[Path]:
        return _profile.directories(variables.get("inventory_dir"), resolve("cw_vendor_dirs"))

    def _why_tasks(self, resolve: Resolve) -> str:
        """Why a host's integrations need tasks of their own; empty if they do not."""
        transport = str(resolve("ansible_connection", self._action._connection.transport))
        if transport.rpartition(".")[2] != "local":
            return f"the connection is {transport}, so the modules run on that host"
        if not boolean(resolve("cw_in_process", True), strict=False):
            return "cw_in_process is false"
        return "the play sets an environment" if self._environment else ""

    def _connection(self, variables: Mapping[str, Any], resolve: Resolve) -> dict[str, Any]:
        own = {name: value for name, value in self._action._task.args.items() if name in CONNECTION_OPTIONS}
        shown: Any = SimpleNamespace(_task=SimpleNamespace(args=own, environment=None))
        return with_place(completed(shown, CONNECTION_OPTIONS, variables, resolve), self._action._loader.path_dwim)

    def _add_integrations(
        self,
        tenant: Tenant,
        names: Iterable[str],
        settings: Settings,
        variables: dict[str, Any],
        resolve: Resolve,
    ) -> None:
        folders, maker = self._folders(variables, resolve), self._action.store_maker(variables)
        for name in names:
            short = name.rpartition(".")[2]
            source = _profile.find(name, folders)
            if source.role and not source.role.startswith(OWN_COLLECTION):
                tenant.left_to_tasks[name] = f"the role {source.role} of another collection may have tasks of its own"
                continue
            try:
                profile = _profile.read(name, variables, resolve, folders)
                stores = {
                    key.record: maker.store(settings, key.record, variables, resolve, key.member["identifier"])
                    for key in profile.keys
                }
            except PsaError as problem:
                mark_broken(tenant, _message(problem, tenant.name), [short])
                continue
            site: Any = tenant.site
            tenant.places |= {
                (settings.store_tenant, store.place) for store in stores.values() if not isinstance(store, NoStore)
            }
            tenant.integrations.append(Integration(site, profile, settings, _by_record(stores)))
        if said := _profile.collisions([one.profile for one in tenant.integrations]):
            shared = InputError("; ".join(said), remedy="correct the variables of this tenant; nothing was sent")
            mark_broken(tenant, _message(shared, tenant.name), [one.vendor for one in tenant.integrations])


def _by_record(stores: Mapping[str, Store]) -> Callable[[_profile.Key], Store]:
    return lambda key: stores[key.record]


def _message(problem: PsaError, host: str) -> str:
    problem.tenant = problem.tenant or host
    return str(problem)
