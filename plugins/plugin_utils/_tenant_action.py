# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every action has in common that works on a tenant: its connection, and how a module is run there.

Where the host's connection is local, a module runs in this process; elsewhere as a module process on that host.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from ansible_collections.msp.connectwise.plugins.module_utils._answers import is_transient
from ansible_collections.msp.connectwise.plugins.module_utils._connection import (
    CONNECTION_OPTIONS,
    parse_connection,
    parse_host,
)
from ansible_collections.msp.connectwise.plugins.module_utils._errors import (
    InputError,
    PsaError,
    error_from,
    legible,
)
from ansible_collections.msp.connectwise.plugins.module_utils._http import Http
from ansible_collections.msp.connectwise.plugins.module_utils._module import SECONDS, run_in_process
from ansible_collections.msp.connectwise.plugins.module_utils._patience import Deadline, Limit
from ansible_collections.msp.connectwise.plugins.plugin_utils._binding import Binding, misdirected
from ansible_collections.msp.connectwise.plugins.plugin_utils._bound_host import binding_of
from ansible_collections.msp.connectwise.plugins.plugin_utils._controller import Controller, decrypted, encrypted
from ansible_collections.msp.connectwise.plugins.plugin_utils._engine import Site
from ansible_collections.msp.connectwise.plugins.plugin_utils._modules import MODULES
from ansible_collections.msp.connectwise.plugins.plugin_utils._options import completed
from ansible_collections.msp.connectwise.plugins.plugin_utils._own_variables import own_variables
from ansible_collections.msp.connectwise.plugins.plugin_utils._resolve import Resolver
from ansible_collections.msp.connectwise.plugins.plugin_utils._routes_care import Care, with_place
from ansible_collections.msp.connectwise.plugins.plugin_utils._settings import StoreMaker
from ansible_collections.msp.connectwise.plugins.plugin_utils._tenant_time import deadline_of, note_spent, vendors_of

PREFIX = "msp.connectwise."
BECOME = "become is ignored: the tenants' API needs no rights on this machine, so leave it out"


# Its tasks make one integration, so they share the time of the tenant.
ROLE = f"{PREFIX}integration"


class Session:
    """One session and one deadline for all that a task, or a fleet run, does at a tenant.

    tenant: its host, if other parts of the run share the deadline. vendors: how many of the tenant's are worked on.
    vendor: the one that it is for, if it is for one.
    """

    def __init__(self, connection: Mapping[str, Any], *, tenant: str = "", vendors: int = 1, vendor: str = "") -> None:
        self._connection = _given(connection, {})
        self._tenant, self._vendors, self._vendor = tenant, vendors, vendor
        self._http: Http | None = None
        self.deadline: Deadline | None = None
        # The seconds that the run knows of.
        self._noted = 0.0

    def http(self) -> Http | None:
        """The session of all modules; None if the module itself has to say what is wrong with the connection."""
        if self._http is None:
            with suppress(PsaError, ValueError):
                policy = parse_connection(self._connection).policy
                self._http = Http(policy, is_transient, deadline=self.timed())
        return self._http

    def timed(self) -> Deadline:
        """The deadline. Raises PsaError or ValueError if there can be no connection."""
        if self.deadline is None:
            self.deadline = deadline_of(self._connection, tenant=self._tenant, vendors=self._vendors)
            self._noted = self.deadline.spent
        return self.deadline

    def waited(self, seconds: float) -> None:
        """Note that the tenant waited for others, which counts for no deadline."""
        if self.deadline is not None:
            self.deadline.extend(seconds)

    def close(self) -> None:
        """Close the session, and stop the deadline until the next module. The rest of the run knows what is left."""
        if self._http is not None:
            self._http.close()
            self._http = None
        if self.deadline is None:
            return
        self.deadline.stop()
        if self._tenant and self.deadline.spent > self._noted:
            note_spent(self._tenant, self.deadline.spent - self._noted, self._vendor)
            self._noted = self.deadline.spent


class InProcess:
    """Runs modules in this process, over one session and one deadline for all of them.

    vendors, tenant: as of a session. session: one that lives longer than this.
    """

    def __init__(
        self,
        connection: Mapping[str, Any],
        *,
        check_mode: bool,
        diff_mode: bool = False,
        vendors: int = 1,
        tenant: str = "",
        session: Session | None = None,
    ) -> None:
        self._connection, self._check_mode, self._diff_mode = dict(connection), check_mode, diff_mode
        self.session = session or Session(connection, tenant=tenant, vendors=vendors)
        self._care = Care(connection, check_mode=check_mode, session=self.session.http)
        self.waited, self.close = self.session.waited, self.session.close

    def __call__(self, module: str, options: Mapping[str, Any], *, check_mode: bool | None = None) -> dict[str, Any]:
        predicts = self._check_mode if check_mode is None else check_mode
        given = self._care.options(module, _given(self._connection, options))
        name = f"{PREFIX}{module}"
        result = run_in_process(
            MODULES[name],
            given,
            check_mode=predicts,
            diff_mode=self._diff_mode,
            action=name,
            invocation=False,
            http=self.session.http(),
        )
        if result.get("failed"):
            self._care.failed(result.get("error") or {})
            raise error_from(result)
        # A prediction before the first write is not what the run does, and nobody reads its result.
        if predicts == self._check_mode:
            _add_warnings(result, self._care)
        return result


class TenantAction(ActionBase):
    """The base of the actions that work on one tenant. binding: of the tenant that was bound last."""

    binding = Binding()
    _session: Session | None = None

    def cleanup(self, force: bool = False) -> None:
        """Tell the rest of the run what this task has spent of the tenant's time."""
        if self._session is not None:
            self._session.close()
        super().cleanup(force)  # type: ignore[no-untyped-call]

    @property
    def shares_time(self) -> bool:
        """Return whether this task is one of several that make an integration."""
        role = getattr(self._task, "_role", None)
        return role is not None and role.get_name() == ROLE and not self._task.async_val

    def session(self, options: Mapping[str, Any], variables: Mapping[str, Any]) -> Session:
        """Return the session of this task. options: of the connection."""
        if self._session is None:
            if not self.shares_time:
                self._session = Session(options)
                return self._session
            resolve, tenant = Resolver(self, variables), str(variables["inventory_hostname"])
            vendor, named = str(resolve("integration_vendor", "")).rpartition(".")[2], []
            with suppress(AnsibleError):  # the playbooks over a fleet say what is wrong with it
                named = resolve("cw_integrations", [])
            vendors = max(len(named) if isinstance(named, list) else 1, len(vendors_of(tenant) | {vendor}))
            self._session = Session(options, tenant=tenant, vendors=vendors, vendor=vendor)
        return self._session

    def connection_options(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The options of the connection, those of the task with it. Raises PsaError, also if keys would go astray."""
        # The routes lie on the controller, also if the module runs elsewhere.
        return with_place(self.bound_options(variables), self._loader.path_dwim)

    def bound_options(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Return the same without a look at the routes, which may have to be learned. Raises PsaError."""
        args = completed(self, CONNECTION_OPTIONS, variables)
        if "@" in str(args.get("host") or ""):
            parse_host(str(args["host"]))  # refused here: a process on a host would log its options
        self.bound(args, variables, own_variables(self, variables))
        return args

    def bound(self, options: Mapping[str, Any], variables: Mapping[str, Any], own: Mapping[str, Any]) -> Binding:
        """The binding of a tenant, before anything is sent. own: its variables without extra ones.

        Raises InputError if keys would go astray.
        """
        binding = binding_of(self, options, variables, Resolver(self, own))
        if problem := misdirected(binding):
            raise problem
        self.binding = binding
        return binding

    def runs_in_process(self, variables: Mapping[str, Any]) -> bool:
        if self._connection.transport != "local" or self._task.async_val:
            return False
        return bool(boolean(Resolver(self, variables)("cw_in_process", True), strict=False))

    def ignores_become(self) -> bool:
        """Return whether the task has a become that counts for nothing, and take it away: there may be no sudo here."""
        asked = bool(self._task.become or self._connection.become)
        if self._connection.transport != "local" or not asked:
            return False
        self._connection.become = None
        return True

    def run_on_host(self, name: str, args: Mapping[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Run a module as a process on the host.

        Keys are among its options: over standard input they lie in no file.
        """
        self.ignores_become()
        if self._connection.become is None:
            with suppress(AnsibleError, KeyError):  # a kind of connection that has no such option
                self._connection.set_option("pipelining", True)
        deadline: Deadline | None = None
        if self.shares_time:
            with suppress(PsaError, ValueError):  # the module says what is wrong with its connection
                deadline = self.session(args, variables).timed()
        if deadline is None:
            return self._executed(name, args, variables)
        if deadline.left <= 0:
            return {"failed": True, "changed": False, **deadline.passed().as_result()}
        # Of the tenth of a second that the deadline may be told in, there is at least one.
        own = Limit("deadline", max(round(deadline.left, 1), 0.1))
        found = self._executed(name, {**args, own.option: own.seconds}, variables, deadline)
        return _with_limit(found, own, deadline.limit)

    def _executed(
        self, name: str, args: Mapping[str, Any], variables: dict[str, Any], deadline: Deadline | None = None
    ) -> dict[str, Any]:
        """Run a module, and take the time of its requests off a deadline. To start it is nothing the tenant does.

        Raises PsaError if the host does not run it.
        """
        try:
            found: dict[str, Any] = self._execute_module(
                module_name=name, module_args=dict(args), task_vars=variables, wrap_async=bool(self._task.async_val)
            )
        except (AnsibleError, PsaError):
            raise
        except Exception as problem:  # of a connection or become plugin, which may be anybody's
            reason = f"{type(problem).__name__} {legible(problem)}".rstrip()
            raise self._not_run(f"its connection or become plugin raised {reason}", variables) from problem
        if found.get("failed") and "module_stderr" in found:
            said = [line for line in str(found["module_stderr"]).splitlines() if line.strip()]
            reason = legible(said[-1]) if said else f"it ended with {found.get('rc')} and said nothing"
            return {**found, **self._not_run(reason, variables).as_result()}
        seconds = found.pop(SECONDS, 0.0)
        if deadline is not None:
            deadline.spend(float(seconds))
        return found

    def _not_run(self, reason: str, variables: Mapping[str, Any]) -> InputError:
        """Return the error for a module that the host did not run, or not to its end."""
        host = str(variables.get("inventory_hostname") or "")
        if self._task.become or self._connection.become:
            remedy = "leave become out, since the tenant's API needs no rights on the host; or see whether sudo works"
        else:
            remedy = f"see whether ansible {host} -m ansible.builtin.ping works"
        problem = f"the host did not run the module: {reason.rstrip('. ')}"
        return InputError(problem, remedy=f"{remedy}. Set ansible_connection: local to run it here", tenant=host)

    def site(self, variables: dict[str, Any], **said: str) -> Site:
        """The tenant of this task's host, and the way to run modules there. Raises PsaError.

        said: options of the connection that count instead of the host's.
        """
        options = {
            name: value for name, value in self.connection_options(variables).items() if name in CONNECTION_OPTIONS
        } | said
        check_mode = bool(self._task.check_mode)
        session = self.session(options, variables)
        run: Any = InProcess(options, check_mode=check_mode, diff_mode=bool(self._task.diff), session=session)
        if not self.runs_in_process(variables):
            run = OnHost(self, options, variables)
        name = str(variables.get("inventory_hostname") or "")
        return site_of(name, run, options, check_mode=check_mode, binding=self.binding)

    def store_maker(self, variables: Mapping[str, Any]) -> StoreMaker:
        vault: Any = self._loader._vault
        return StoreMaker(
            Controller(self, variables),
            lambda text, vault_id: encrypted(vault, text, vault_id),
            lambda data: decrypted(vault, data),
        )


class OnHost:
    """Runs modules as processes on the host."""

    def __init__(self, action: TenantAction, connection: Mapping[str, Any], variables: dict[str, Any]) -> None:
        self._action, self._connection, self._variables = action, dict(connection), variables
        self._care = Care(connection, check_mode=bool(action._task.check_mode), local=False)

    def __call__(self, module: str, options: Mapping[str, Any], *, check_mode: bool | None = None) -> dict[str, Any]:
        given = self._care.options(module, _given(self._connection, options))
        task = self._action._task
        before = task.check_mode
        task.check_mode = before if check_mode is None else check_mode
        try:
            result = self._action.run_on_host(f"{PREFIX}{module}", given, self._variables)
        finally:
            task.check_mode = before
        if result.get("failed"):
            self._care.failed(result.get("error") or {})
            raise error_from(result)
        if check_mode is None:
            _add_warnings(result, self._care)
        return result


def _given(connection: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**connection, **options}.items() if value is not None}


def _with_limit(result: dict[str, Any], told: Limit, limit: Limit) -> dict[str, Any]:
    """Return the result of a process that was told what is left of a limit, with the limit itself in its error."""
    error = result.get("error") or {}
    if error.get("limit") != limit.option:
        return result
    named = {**error, "problem": str(error.get("problem")).replace(str(told), str(limit))}
    return {**result, "msg": str(result.get("msg")).replace(str(told), str(limit)), "error": named}


def _add_warnings(result: dict[str, Any], care: Care) -> None:
    """What the use of learned routes has to say, once."""
    if care.warnings:
        result["warnings"] = [*(result.get("warnings") or []), *care.warnings]
        care.warnings = []


def site_of(
    name: str, run: Any, options: Mapping[str, Any], *, check_mode: bool, binding: Binding | None = None
) -> Site:
    return Site(
        name=name,
        run=run,
        company_id=str(options.get("company_id") or "").strip(),
        own_key=str(options.get("public_key") or "").strip(),
        check_mode=check_mode,
        binding=binding or Binding(),
    )
