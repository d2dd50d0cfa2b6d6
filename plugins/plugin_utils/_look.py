# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One look at a whole fleet: which integrations are as their profile says, found out in one process.

A task costs a fork for every host, which on an unchanged night is nearly all that a run costs. So this does what the
tasks of the engine do first (read the store, compare the tenant with the profile, record) for every host at once, with
the same variables and the same code, over threads. Whatever it cannot do, or finds to be in need of work, it leaves to
the engine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.playbook.block import Block
from ansible.playbook.role_include import IncludeRole
from ansible.playbook.task import Task
from jinja2 import Environment, TemplateSyntaxError, nodes

from ansible_collections.msp.connectwise.plugins.filter.integration_work import integration_work
from ansible_collections.msp.connectwise.plugins.module_utils._connection import CONNECTION_OPTIONS
from ansible_collections.msp.connectwise.plugins.module_utils._module import Module, run_in_process
from ansible_collections.msp.connectwise.plugins.plugin_utils import _report
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_file import KeyFile, StoreError
from ansible_collections.msp.connectwise.plugins.plugin_utils._options import completed

ENGINE = "msp.connectwise.integration"
STORE = "vaulted_file"
# Other stores are read where a variable of this name says how.
_LOOKUP = "__integration_look_{}"
_PATIENCE = 2.0  # seconds; a store that fails only after so long is left to the engine, which asks it in parallel
# Only parses, never renders.
_JINJA = Environment(autoescape=True)
# What the engine's tasks take from its variables; the profile comes first, because the others are made of it.
_NEEDED = (
    "integration_profile",
    "integration_vendor",
    "integration_state",
    "integration_mode",
    "integration_exclusive",
    "integration_on_unknown",
    "integration_probe",
    "integration_store",
    "integration_store_dir",
    "integration_store_tenant",
    "integration_store_allow_readable",
    "integration_rotate",
    "integration_key_max_age_days",
    "integration_key_grace_days",
    "integration_report_dir",
    "__integration_members",
    "__integration_member_type",
    "__integration_role_name",
    "__integration_permissions",
    "__integration_customize",
)


class LeftToTheEngine(Exception):
    """This integration takes more than a look, or a variable that cannot be resolved here."""


@dataclass
class Member:
    """One member that holds a key of an integration, and what was seen of it."""

    name: str
    fields: dict[str, Any]
    record_name: str
    read: bool = False
    place: str = ""
    record: dict[str, Any] = field(default_factory=dict)
    seen: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    error_kind: str = ""


@dataclass
class Integration:
    """One integration on one host, its variables resolved."""

    role: str
    values: dict[str, Any]
    members: list[Member]


@dataclass
class Tenant:
    """One host: its connection, and its integrations in the order they are worked on."""

    name: str
    connection: dict[str, Any] = field(default_factory=dict)
    integrations: list[Integration] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


@dataclass
class Seen:
    """What came of a host. entries: what was recorded; left: the roles the engine has to run."""

    name: str
    entries: list[_report.Entry] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class Resolver:
    """The variables a task of the engine would see on a host, without running one."""

    def __init__(self, action: Any, variables: Mapping[str, Any]) -> None:
        self._action, self._task, self._templar = action, action._task, action._templar
        hostvars = variables["hostvars"]
        self._manager, self._inventory = hostvars._variable_manager, hostvars._inventory
        block = self._task._parent
        while not isinstance(block, Block):
            block = block._parent
        self._block, self._play = block, block._play
        self._hosts = list(variables.get("ansible_play_hosts") or [])
        self._hosts_all = list(variables.get("ansible_play_hosts_all") or [])
        self._tasks: dict[str, Task | None] = {}
        self._values = Values()
        self._silent: set[str] = set()

    def _variables(self, host: str, task: Task) -> dict[str, Any]:
        found: dict[str, Any] = self._manager.get_vars(
            play=self._play,
            host=self._inventory.get_host(host),
            task=task,
            _hosts=self._hosts,
            _hosts_all=self._hosts_all,
        )
        return found

    def _engine_task(self, role: str) -> Task | None:
        """A task of the engine as the vendor's role brings it in, with what the role defines; None if it does not."""
        if role not in self._tasks:
            include = IncludeRole.load(
                {"ansible.builtin.include_role": {"name": role}},
                block=self._block,
                variable_manager=self._manager,
                loader=self._action._loader,
            )
            blocks, _handlers = include.get_block_list(
                play=self._play, variable_manager=self._manager, loader=self._action._loader
            )
            self._tasks[role] = next(
                (
                    task
                    for task in _tasks_of(blocks)
                    if task._role is not None and task._role.get_name(include_role_fqcn=True) == ENGINE
                ),
                None,
            )
        return self._tasks[role]

    def tenant(self, host: str, roles_of: Callable[[Any], Iterable[str]]) -> Tenant:
        """Raises LeftToTheEngine where a host's own variables do not resolve, or its tasks run elsewhere."""
        variables = self._variables(host, self._task)
        templar = self._templar.copy_with_new_env(available_variables=variables)

        def value(name: str, default: Any = None) -> Any:
            return self._values.of(name, variables, templar) if name in variables else default

        try:
            transport = value("ansible_connection", self._action._connection.transport)
            if str(transport).rpartition(".")[2] != "local" or boolean(value("ansible_become", False), strict=False):
                raise LeftToTheEngine
            if not boolean(value("cw_in_process", True), strict=False) or "cw_integrations" not in variables:
                raise LeftToTheEngine
            roles = list(roles_of(value("cw_integrations")))
            shown: Any = SimpleNamespace(
                _task=SimpleNamespace(args=self._connection_arguments(), environment=None), _templar=templar
            )
            connection = completed(shown, CONNECTION_OPTIONS, variables)
        except Exception:  # whatever is wrong with one host's variables must not stop the look at all others
            raise LeftToTheEngine from None
        tenant = Tenant(host, connection)
        for role in roles:
            try:
                tenant.integrations.append(self._integration(host, role))
            except Exception:  # the engine meets it again, and says what it is
                tenant.left.append(role)
        return tenant

    def _connection_arguments(self) -> dict[str, Any]:
        return {name: value for name, value in self._task.args.items() if name in CONNECTION_OPTIONS}

    def _integration(self, host: str, role: str) -> Integration:
        task = self._engine_task(role)
        if task is None:
            raise LeftToTheEngine
        variables = self._variables(host, task)
        templar = self._templar.copy_with_new_env(available_variables=variables)
        values = {}
        for name in _NEEDED:
            values[name] = self._values.of(name, variables, templar)
            if name == "integration_profile":
                # The others refer to it; resolved once, it is not resolved again for each of them.
                variables["integration_profile"] = values[name]
        if values["integration_state"] != "present" or values["integration_mode"] not in ("converge", "audit"):
            raise LeftToTheEngine
        store = str(values["integration_store"])
        members = [self._member(str(name), variables, store) for name in values["__integration_members"]]
        return Integration(role, values, members)

    def _member(self, name: str, variables: dict[str, Any], store: str) -> Member:
        own = {**variables, "__integration_member": name}
        templar = self._templar.copy_with_new_env(available_variables=own)
        fields = self._values.of("__integration_member_fields", own, templar)
        member = Member(name, fields, str(self._values.of("__integration_record_name", own, templar)).strip())
        if store != STORE:
            found = self._looked_up(store, own, templar)
            member.read, member.place, member.record = True, str(found["place"]), dict(found["record"])
        return member

    def _looked_up(self, store: str, variables: Mapping[str, Any], templar: Any) -> dict[str, Any]:
        """What a lookup finds in a store; a record that is not there, and one that cannot be read, are the engine's."""
        variable = _LOOKUP.format(store)
        if variable not in variables or store in self._silent:
            raise LeftToTheEngine
        begun = time.monotonic()
        try:
            found: dict[str, Any] = templar.template(variables[variable])
        except AnsibleError:
            if time.monotonic() - begun > _PATIENCE:
                self._silent.add(store)
            raise
        return found


def _tasks_of(blocks: Iterable[Any]) -> Iterable[Task]:
    for one in blocks:
        if isinstance(one, Block):
            yield from _tasks_of([*one.block, *one.rescue, *one.always])
        else:
            yield one


# Filters whose result depends on nothing but what they are given.
_PURE = frozenset(
    {"bool", "combine", "d", "default", "dict2items", "first", "flatten", "float", "int", "items2dict", "join", "last"}
    | {"length", "list", "lower", "replace", "sort", "string", "ternary", "trim", "union", "unique", "upper"}
    | {"msp.connectwise.beside_inventory"}
)
_VARIANTS = 20  # of a value that differs from tenant to tenant, so many are kept
_MISSING = object()


class Values:
    """Resolved variables, kept from one tenant to the next where all they are made of is the same.

    Compiling templates is most of what a look costs, and the profiles of a fleet hardly differ.
    """

    def __init__(self) -> None:
        self._known: dict[str, list[tuple[dict[str, Any], Any]]] = {}

    def of(self, name: str, variables: Mapping[str, Any], templar: Any) -> Any:
        known = self._known.setdefault(name, [])
        for inputs, value in known:
            if all(_equal(variables.get(one, _MISSING), before) for one, before in inputs.items()):
                return value
        value = templar.template(variables[name])
        if len(known) < _VARIANTS:
            found = _inputs(name, variables)
            if found is not None:
                known.append((found, value))
        return value


def _equal(one: Any, other: Any) -> bool:
    return one is other or (type(one) is type(other) and bool(one == other))


def _inputs(name: str, variables: Mapping[str, Any]) -> dict[str, Any] | None:
    """The variables that a value is made of, as they are; None where it may come from elsewhere, such as a lookup."""
    inputs: dict[str, Any] = {}
    todo = [name]
    while todo:
        one = todo.pop()
        if one in inputs:
            continue
        inputs[one] = variables.get(one, _MISSING)
        for text in _strings(inputs[one]):
            if "{" not in text:
                continue
            try:
                tree = _JINJA.parse(text)
            except TemplateSyntaxError:
                return None
            if any(found.name not in _PURE for found in tree.find_all(nodes.Filter)) or tree.find(nodes.Call):
                return None
            todo += [found.name for found in tree.find_all(nodes.Name)]
    return inputs


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _strings(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _strings(one)


class Look:
    """Looks at tenants over threads; one tenant is looked at by one thread, so that it is asked by few at a time.

    Variables are resolved, and what was seen is judged, by the thread of the caller.
    """

    def __init__(
        self, module: Module, decrypt: Callable[[bytes], str], run_directory: str, *, check_mode: bool, threads: int
    ) -> None:
        self._module, self._decrypt = module, decrypt
        self._run_directory, self._check_mode = run_directory, check_mode
        self._threads = threads

    def at(self, tenants: Iterable[Tenant]) -> list[Seen]:
        """What came of each tenant."""
        found: list[Seen] = []
        running: dict[Future[None], Tenant] = {}
        with ThreadPoolExecutor(max_workers=self._threads, thread_name_prefix="look") as pool:
            for tenant in tenants:
                running[pool.submit(self._ask, tenant)] = tenant
                # Templating goes on while threads wait for the network, but not far ahead of them.
                found += self._settled(running, wait_for_one=len(running) >= 2 * self._threads)
            while running:
                found += self._settled(running, wait_for_one=True)
        return found

    def _settled(self, running: dict[Future[None], Tenant], *, wait_for_one: bool) -> list[Seen]:
        done = wait(running, timeout=None if wait_for_one else 0, return_when=FIRST_COMPLETED).done
        found = []
        for future in done:
            tenant = running.pop(future)
            try:
                future.result()
                found.append(self._judged(tenant))
            except Exception:  # a value that cannot be judged, or a report that cannot be written: one tenant's matter
                roles = [*tenant.left, *(one.role for one in tenant.integrations)]
                found.append(Seen(tenant.name, left=roles))
        return found

    def _ask(self, tenant: Tenant) -> None:
        """Read store and tenant; in a thread."""
        stores: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
        for integration in tenant.integrations:
            for member in integration.members:
                try:
                    if not member.read:
                        member.place, member.record = self._record(integration.values, member.record_name, stores)
                except StoreError as problem:
                    member.error = str(problem)
                else:
                    self._compare(tenant, integration.values, member)

    def _compare(self, tenant: Tenant, values: Mapping[str, Any], member: Member) -> None:
        key = member.record.get("current") or {}
        result = run_in_process(
            self._module,
            {
                **tenant.connection,
                "member": member.fields,
                "member_type": values["__integration_member_type"],
                "role_name": values["__integration_role_name"] or None,
                "permissions": values["__integration_permissions"],
                "customize": values["__integration_customize"],
                "key_public": key.get("public_key"),
                "key_private": key.get("private_key"),
                "exclusive": values["integration_exclusive"],
                "probe": values["integration_probe"],
                "on_unknown": values["integration_on_unknown"],
            },
            check_mode=self._check_mode,
            diff_mode=False,
            action=self._module.name,
        )
        if result.get("failed"):
            member.error, member.error_kind = result["msg"], (result.get("error") or {}).get("kind") or ""
        else:
            member.seen = result

    def _judged(self, tenant: Tenant) -> Seen:
        """Record what is done; leave the rest to the engine."""
        seen = Seen(tenant.name, left=list(tenant.left))
        facts = _report.connection_facts(tenant.connection)
        for integration in tenant.integrations:
            if any(not one.error and _work(integration.values, one) != "unchanged" for one in integration.members):
                seen.left.append(integration.role)
                continue
            entry: _report.Entry | None = None
            for member in integration.members:
                part = self._entry(tenant.name, integration.values, member, facts)
                entry = part if entry is None else _report.merged(entry, part)
                seen.warnings += member.seen.get("warnings") or []
            if entry is None:
                seen.left.append(integration.role)
                continue
            seen.entries.append(
                _report.recorded(integration.values["integration_report_dir"], entry, check_mode=self._check_mode)
            )
        return seen

    def _entry(self, tenant: str, values: Mapping[str, Any], member: Member, facts: Mapping[str, Any]) -> _report.Entry:
        key = member.record.get("current") or {}
        args = {
            "vendor": values["integration_vendor"],
            "profile": values["integration_profile"],
            "state": values["integration_state"],
            "mode": values["integration_mode"],
            "member": None if member.error else member.name,
            "found": member.seen.get("integration") or {},
            "steps": [],
            "changed": False,
            "changes": [],
            "key": {} if member.error else {name: value for name, value in key.items() if name != "private_key"},
            "place": member.place,
            "error": member.error,
            "error_kind": member.error_kind,
        }
        return _report.entry_of(args, tenant, facts, predicts=self._check_mode)

    def _record(
        self, values: Mapping[str, Any], name: str, stores: dict[tuple[str, str], Any]
    ) -> tuple[str, dict[str, Any]]:
        """The stored record of an integration. A tenant's file is decrypted once, however many vendors it holds."""
        directory = str(Path(values["integration_store_dir"]).expanduser())
        tenant = values["integration_store_tenant"]
        allow = boolean(values["integration_store_allow_readable"])
        store = KeyFile(directory, tenant, _no_writing, self._decrypt, allow_readable=allow)
        if (directory, tenant) not in stores:
            stores[directory, tenant] = store.read_all()
        return f"{store.path}#{name}", dict(stores[directory, tenant].get(name) or {})


def _work(values: Mapping[str, Any], member: Member) -> str:
    """What the engine would do, having seen this much."""
    return integration_work(
        member.seen["integration"],
        member.record,
        values["integration_state"],
        values["integration_mode"],
        boolean(values["integration_rotate"]),
        float(values["integration_key_max_age_days"]),
        float(values["integration_key_grace_days"]),
    )


def _no_writing(_text: str) -> bytes:
    raise AssertionError("a look writes no store")
