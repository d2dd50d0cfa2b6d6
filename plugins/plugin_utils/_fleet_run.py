# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All tenants of a play at once: each integration looked at and carried out by the engine, one tenant a thread.

A task costs a fork for every host, which is nearly all that an unchanged night costs. The thread of the caller resolves
variables and records results; the threads talk to tenants and stores, as many at a time as there are permits.
"""

from __future__ import annotations

import resource
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._errors import (
    DeadlinePassed,
    InputError,
    NotOurs,
    PsaError,
    legible,
)
from ansible_collections.msp.connectwise.plugins.module_utils._http import PARALLEL
from ansible_collections.msp.connectwise.plugins.module_utils._patience import working_with
from ansible_collections.msp.connectwise.plugins.plugin_utils import _files, _report
from ansible_collections.msp.connectwise.plugins.plugin_utils._binding import server_of
from ansible_collections.msp.connectwise.plugins.plugin_utils._engine import CONVERGE, Integration, Look, Site
from ansible_collections.msp.connectwise.plugins.plugin_utils._files import NotAFile
from ansible_collections.msp.connectwise.plugins.plugin_utils._permits import Permits
from ansible_collections.msp.connectwise.plugins.plugin_utils._progress import Progress
from ansible_collections.msp.connectwise.plugins.plugin_utils._report_place import unwritable
from ansible_collections.msp.connectwise.plugins.plugin_utils._settings import Settings
from ansible_collections.msp.connectwise.plugins.plugin_utils._step_results import (
    Results,
    changes,
    diffs,
    warnings_of,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils._tenant_time import not_begun, note_late, require_in_time

# Stores that are written by modules of other collections; those need a worker of Ansible's own.
IN_PROCESS_STORES = ("vaulted_file", "command")
# The tenants that are worked on at the same time, those among them that only wait. Each has a thread and its sockets.
MOST_TENANTS = 200
# What a process has open beside the sockets of tenants.
_OTHER_FILES = 150


@dataclass
class IntegrationResult:
    """The result of one integration. look: `Integration.as_dict`; results: of the steps that ran.

    unknown_vendor: there is no such vendor, so no file is kept about it. too_late: the error, if it reached a limit of
    time.
    """

    vendor: str
    look: dict[str, Any] = field(default_factory=dict)
    results: Results = field(default_factory=dict)
    error: str = ""
    error_kind: str = ""
    warnings: list[str] = field(default_factory=list)
    unknown_vendor: bool = False
    too_late: PsaError | None = None


@dataclass
class Tenant:
    """One host: its integrations, in the order in which they are worked on, and what cannot be done here.

    left_to_tasks: vendor -> why the role has to run for it. broken: vendors with an error before anything is sent.
    serial: integrations that are worked on after the threads have ended. places: of its records in the store.
    """

    name: str
    site: Site | None = None
    connection: Mapping[str, Any] = field(default_factory=dict)
    directory: str | None = None
    settings: Settings | None = None
    integrations: list[Integration] = field(default_factory=list)
    left_to_tasks: dict[str, str] = field(default_factory=dict)
    broken: list[IntegrationResult] = field(default_factory=list)
    serial: list[Integration] = field(default_factory=list)
    places: set[tuple[str, str]] = field(default_factory=set)


@dataclass
class TenantResult:
    """The results of a host. left_to_tasks: as in Tenant. diffs: as of _step_results, each with its vendor."""

    name: str
    entries: list[_report.Entry] = field(default_factory=list)
    left_to_tasks: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    diffs: list[dict[str, Any]] = field(default_factory=list)


class FleetRun:
    """Works on tenants over threads; one tenant has one thread, so that it is asked by few at a time.

    forks: how many tenants are worked on at a time, without those that only wait. show: prints a text before the first
    write of what it is about. progress: shows how far the run is.
    """

    def __init__(
        self, *, check_mode: bool, forks: int, show: Callable[[str], object], progress: Progress | None = None
    ) -> None:
        self._check_mode, self._forks, self._show = check_mode, forks, show
        self._progress = progress or Progress()
        self._permits = Permits(forks)
        # Tenants with integrations that wait for the end of the threads, and what their others came to.
        self._serial: list[tuple[Tenant, list[IntegrationResult]]] = []
        self._shown: set[str] = set()
        self._showing = threading.Lock()

    def work_on(self, tenants: Sequence[Tenant]) -> list[TenantResult]:
        with self._progress.shown({one.name: len(one.integrations) + len(one.broken) for one in tenants}):
            return self._work_on(tenants)

    def _work_on(self, tenants: Iterable[Tenant]) -> list[TenantResult]:
        found: list[TenantResult] = []
        self._serial.clear()
        running: dict[Future[list[IntegrationResult]], Tenant] = {}
        pool = ThreadPoolExecutor(max_workers=most_tenants(self._forks), thread_name_prefix="tenant")
        try:
            running.update({pool.submit(self._work, tenant): tenant for tenant in tenants})
            while running:
                found += self._settled(running)
        except BaseException:
            # Nobody waits for tenants if this thread is interrupted.
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        pool.shutdown()
        # Modules of other collections run in this thread only.
        for tenant, results in self._serial:
            with _closing(tenant):
                for integration in tenant.serial:
                    results.append(self._in_time(integration, results))
            found.append(self._recorded(tenant, results))
        return found

    def _settled(self, running: dict[Future[list[IntegrationResult]], Tenant]) -> Iterator[TenantResult]:
        done = wait(running, return_when=FIRST_COMPLETED).done
        for future in done:
            tenant = running.pop(future)
            try:
                results = [*tenant.broken, *future.result()]
                if tenant.serial:
                    self._serial.append((tenant, results))
                    continue
                recorded = self._recorded(tenant, results)
            except Exception as problem:  # a defect of ours, on one tenant; the others go on
                vendors = [*(one.vendor for one in tenant.broken), *(one.vendor for one in tenant.integrations)]
                recorded = self._recorded(
                    tenant, [IntegrationResult(vendor, error=_defect(problem)) for vendor in vendors]
                )
            yield recorded

    def _work(self, tenant: Tenant) -> list[IntegrationResult]:
        """Look at a tenant and carry out what is left to do; in a thread, while the tenant has a permit."""
        run = tenant.site.run if tenant.site else None
        with self._permits.of(getattr(run, "waited", _uncounted)) as permit, working_with(permit):
            self._progress.begin(tenant.name)
            try:
                with _closing(tenant):
                    return self._each(tenant)
            finally:
                self._progress.end(tenant.name)

    def _each(self, tenant: Tenant) -> list[IntegrationResult]:
        results: list[IntegrationResult] = []
        for _one in tenant.broken:
            self._progress.integration_done(failed=True)
        for integration in tenant.integrations:
            if integration.stores_keys and integration.settings.store_name not in IN_PROCESS_STORES:
                tenant.serial.append(integration)
                continue
            try:
                results.append(self._in_time(integration, results))
            except _NeedsTasks as reason:
                tenant.left_to_tasks[integration.vendor] = str(reason)
        return results

    def _in_time(self, integration: Integration, before: Sequence[IntegrationResult]) -> IntegrationResult:
        """Work on an integration, unless another one of the tenant has reached a limit of time."""
        try:
            for late in before:
                if late.too_late is not None:
                    raise not_begun(late.vendor, late.too_late)
            # An earlier play of the run may have reached it.
            require_in_time(integration.site.name, integration.vendor)
        except DeadlinePassed as passed:
            problem = passed
        else:
            return self._integration(integration)
        self._progress.integration_done(failed=True)
        look = {"vendor": integration.vendor, "profile": integration.profile.as_dict()}
        return IntegrationResult(integration.vendor, look, error=str(problem), error_kind=type(problem).__name__)

    def _announce(self, integration: Integration, look: Look) -> None:
        """Show what a vendor asks for, once for all tenants where it is the same."""
        with self._showing:
            text = "\n".join(integration.announcement(look))
            if text and text not in self._shown:
                self._shown.add(text)
                self._show(text)

    def _integration(self, integration: Integration) -> IntegrationResult:
        result = IntegrationResult(integration.vendor)
        try:
            look = integration.look()
            result.look, result.warnings = integration.as_dict(look), list(look.warnings)
            if look.work == CONVERGE:
                elsewhere = integration.settings.store_name not in IN_PROCESS_STORES
                if elsewhere and not integration.stores_keys and not integration.site.check_mode:
                    raise _NeedsTasks(
                        f"the store {integration.settings.store_name} is written by another collection's modules"
                    )
                self._announce(integration, look)
                integration.preflight(look)
                integration.carry_out(look)
        except PsaError as problem:
            problem.tenant = problem.tenant or integration.site.name
            result.look = result.look or {"vendor": integration.vendor, "profile": integration.profile.as_dict()}
            result.error, result.error_kind = str(problem), type(problem).__name__
            result.too_late = problem if problem.limit else None
            if isinstance(problem, (NotOurs, InputError)) and integration.site.check_mode:
                # A run would find this before its first step, so it would do none of those that were predicted.
                integration.results.clear()
            if problem.data.get("done"):
                integration.results.setdefault("cw_api_key", []).append({**problem.data, "api_key": {"state": "none"}})
        except _NeedsTasks:
            raise
        except Exception as problem:  # a defect of ours, on one tenant; the others go on
            result.look = result.look or {"vendor": integration.vendor, "profile": integration.profile.as_dict()}
            result.error = _defect(problem)
        result.results = integration.results
        result.warnings += warnings_of(one for step in result.results.values() for one in step)
        self._progress.integration_done(failed=bool(result.error))
        return result

    def _recorded(self, tenant: Tenant, results: Sequence[IntegrationResult]) -> TenantResult:
        tenant_result = TenantResult(tenant.name, left_to_tasks=dict(tenant.left_to_tasks))
        facts = _report.connection_facts(tenant.connection)
        for one in results:
            if one.too_late is not None:
                note_late(tenant.name, one.vendor, one.too_late.as_result()["error"])
            tenant_result.warnings += one.warnings
            tenant_result.changes += [f"{one.vendor}: {line}" for line in changes(one.look, one.results)]
            tenant_result.diffs += [{"vendor": one.vendor, **diff} for diff in diffs(one.look, one.results)]
            if _report.is_silent(one.look, one.results, one.error, check_mode=self._check_mode):
                continue
            try:
                entry = self._record(tenant, one, facts, tenant.directory)
            except (OSError, NotAFile) as problem:
                told = unwritable(tenant.directory, problem) if isinstance(problem, OSError) else problem
                # The preflight may have said so already.
                one.error = one.error if one.error_kind == NotAFile.__name__ else str(told)
                entry = self._record(tenant, one, facts, None)
            tenant_result.entries.append(entry)
        return tenant_result

    def _record(
        self, tenant: Tenant, one: IntegrationResult, facts: Mapping[str, Any], directory: str | None
    ) -> _report.Entry:
        return _report.record_integration(
            one.look or {"vendor": one.vendor},
            one.results,
            tenant.name,
            facts,
            check_mode=self._check_mode,
            directory=None if one.unknown_vendor else directory,
            error=one.error,
            error_kind=one.error_kind,
            unknown_vendor=one.unknown_vendor,
            mode=tenant.settings.file_mode if tenant.settings else _files.PRIVATE,
        )


def _defect(problem: Exception) -> str:
    return f"a defect of this collection: {type(problem).__name__}: {legible(problem)}; please report it"


def most_tenants(forks: int) -> int:
    """Return how many tenants may be worked on at a time: as many as the sockets of each fit into open files."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    room = MOST_TENANTS if files == resource.RLIM_INFINITY else (files - _OTHER_FILES) // PARALLEL
    return max(forks, min(MOST_TENANTS, room))


@contextmanager
def _closing(tenant: Tenant) -> Iterator[None]:
    """Close the session of a tenant at the end, which also stops its deadline."""
    try:
        yield
    finally:
        close = getattr(tenant.site.run if tenant.site else None, "close", None)
        if close:
            close()


def _uncounted(_seconds: float) -> None:
    """The deadline of a tenant without a connection."""


class _NeedsTasks(Exception):
    """This integration needs tasks of its own; says why."""


def shared_companies(tenants: Sequence[Tenant]) -> dict[str, str]:
    """Hosts that are one company at one address: each would undo and rotate what the other does.

    Host -> what is wrong.
    """
    by_company: dict[tuple[str, str], list[Tenant]] = {}
    for tenant in tenants:
        if tenant.site is not None and tenant.integrations:
            facts = _report.connection_facts(tenant.connection)
            place = (server_of(str(facts.get("api_host") or "")), tenant.site.company_id)
            by_company.setdefault(place, []).append(tenant)
    found: dict[str, str] = {}
    for (_host, company), group in by_company.items():
        asked = [one.vendor for tenant in group for one in tenant.integrations]
        if len(group) < 2 or len(asked) == len(set(asked)):
            continue
        names = " and ".join(tenant.name for tenant in group)
        problem = InputError(
            f"{names} are one company, {company}: both would make the same integrations, and each the keys of its own",
            remedy="leave one of them out of the inventory, or give each other integrations (cw_integrations)",
        )
        found.update((tenant.name, str(problem)) for tenant in group)
    return found


def shared_records(tenants: Sequence[Tenant]) -> dict[str, str]:
    """Hosts that name one record of the store and are not at one address: each would send the other's key.

    Host -> what is wrong.
    """
    by_place: dict[tuple[str, str], list[Tenant]] = {}
    for tenant in tenants:
        for named in tenant.places if tenant.site is not None else ():
            by_place.setdefault(named, []).append(tenant)
    found: dict[str, str] = {}
    for (_store_tenant, place), group in sorted(by_place.items()):
        if len({tenant.site.binding.bound for tenant in group if tenant.site is not None}) < 2:
            continue
        names = " and ".join(tenant.name for tenant in group)
        problem = InputError(
            f"{names} have different hosts and one record in the key store, {place}; nothing was sent",
            remedy="give each tenant a place of its own in the store (integration_store_tenant, or the path)",
        )
        found.update((tenant.name, str(problem)) for tenant in group)
    return found


def mark_broken(tenant: Tenant, problem: str, vendors: Iterable[str]) -> None:
    """Nothing is sent to a tenant about these vendors; the report says why."""
    names = set(vendors)
    tenant.integrations = [one for one in tenant.integrations if one.vendor not in names]
    tenant.broken += [IntegrationResult(name, error=problem) for name in sorted(names)]
