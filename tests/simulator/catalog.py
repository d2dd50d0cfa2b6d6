# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a tenant's product version consists of: the permission matrix, setup tables, customize items, sample records.

Catalogs never change and are shared by all tenants that have the same data.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from .config import ConfigError, TenantConfig

DATA = Path(__file__).parent / "data"
VERBS = ("add", "edit", "delete", "inquire")
Record = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """One row of the permission matrix."""

    number: int
    key: str
    module: str
    module_identifier: str
    function: str
    identifier: str
    customize: str | None = None
    my: bool = False
    report: bool = False
    not_offered: frozenset[str] = frozenset()

    @functools.cached_property
    def fixed(self) -> Record:
        """The fields of a setting that are the same for every role."""
        return {
            "moduleFunctionName": self.function,
            "moduleFunctionDescription": f"{self.module}: {self.function}",
            "moduleFunctionIdentifier": self.identifier,
            "moduleName": self.module,
            "moduleDescription": self.module,
            "moduleIdentifier": self.module_identifier,
            "myAllFlag": self.my,
            "reportFlag": self.report,
            "restrictFlag": False,
            "customFlag": self.customize is not None,
            "sortOrder": self.number * 10,
        }


@dataclass(frozen=True)
class Resource:
    """A read-only list with its count."""

    path: str
    records: list[Record]
    needs: tuple[str, ...] = ()
    table: str | None = None


@dataclass(frozen=True)
class Catalog:
    rows: tuple[Row, ...]
    screens: tuple[Record, ...]
    customize: dict[str, tuple[str, ...]]
    resources: dict[str, Resource]
    by_key: dict[str, Row] = field(default_factory=dict)
    by_name: dict[tuple[str, str], Row] = field(default_factory=dict)
    by_number: dict[int, Row] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.by_key.update({row.key: row for row in self.rows})
        self.by_name.update({(row.module, row.function): row for row in self.rows})
        self.by_number.update({row.number: row for row in self.rows})

    def named(self, module: str, function: str) -> Row | None:
        return self.by_name.get((module, function))

    def items(self, row: Row) -> tuple[str, ...]:
        return self.customize.get(row.customize or "", ())


@functools.cache
def data(name: str) -> Any:
    return yaml.safe_load((DATA / f"{name}.yml").read_text(encoding="utf-8"))


def _identifier(name: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in re.findall(r"[A-Za-z0-9]+", name))


@functools.cache
def _union() -> tuple[Row, ...]:
    rows: list[Row] = []
    for module in data("matrix"):
        for entry in module["functions"]:
            rows.append(
                Row(
                    number=len(rows) + 1,
                    key=f"{module['name']} / {entry['name']}",
                    module=module["name"],
                    module_identifier=module["identifier"],
                    function=entry["name"],
                    identifier=_identifier(entry["name"]),
                    customize=entry.get("customize"),
                    my=bool(entry.get("my")),
                    report=bool(entry.get("report")),
                )
            )
    return tuple(rows)


def split_key(key: str) -> tuple[str, str]:
    """ "Companies / Company Maintenance" -> its two names (a function's own name may hold a slash)."""
    module, separator, function = key.partition(" / ")
    if not separator or not function:
        raise ConfigError(f"{key!r} is not of the form 'Module / Function' or 'Category / Table'")
    return module, function


def _matrix(config: TenantConfig) -> tuple[Row, ...]:
    where = f"tenant {config.company_id}: functions"
    changes = config.functions
    known = {row.key for row in _union()}
    for key in [*changes.remove, *changes.rename, *changes.not_offered]:
        if key not in known:
            raise ConfigError(f"{where}: there is no {key!r}")
    modules = {module["name"]: module["identifier"] for module in data("matrix")}
    rows = []
    for row in _union():
        if row.key in changes.remove:
            continue
        if row.key in changes.rename:
            row = replace(row, function=changes.rename[row.key])
        if row.key in changes.not_offered:
            row = replace(row, not_offered=frozenset(changes.not_offered[row.key]))
        rows.append(row)
    for number, entry in enumerate(changes.add, start=len(_union()) + 1):
        fields = entry if isinstance(entry, dict) else {"name": entry}
        module, function = split_key(fields["name"])
        rows.append(
            Row(
                number=number,
                key=fields["name"],
                module=module,
                module_identifier=modules.get(module, _identifier(module)),
                function=function,
                identifier=_identifier(function),
                customize=fields.get("customize"),
                my=bool(fields.get("my")),
                report=bool(fields.get("report")),
            )
        )
    return tuple(rows)


def _screens(config: TenantConfig) -> tuple[Record, ...]:
    identifiers = {module["name"]: module["identifier"] for module in data("matrix")}
    screens: list[Record] = []

    def add(category: str, module: str, table: str) -> None:
        screens.append(
            {
                "id": len(screens) + 1,
                "category": category,
                "name": table,
                "description": f"{table} setup table",
                "moduleDescription": module,
                "moduleIdentifier": identifiers.get(module, _identifier(module)),
                "moduleName": module,
            }
        )

    for entry in data("setup_tables"):
        for group in ("tables", "asio", "assumed"):
            for table in entry.get(group, []):
                add(entry["category"], entry["module"], table)
    modules = {entry["category"]: entry["module"] for entry in data("setup_tables")}
    for extra in config.tables.add:
        category, table = split_key(extra)
        add(category, modules.get(category, "System"), table)
    asio = {f"{entry['category']} / {table}" for entry in data("setup_tables") for table in entry.get("asio", [])}
    removed = set(config.tables.remove) | (set() if config.asio else asio)
    unknown = set(config.tables.remove) - {table_name(screen) for screen in screens}
    if unknown:
        raise ConfigError(f"tenant {config.company_id}: tables: there is no {sorted(unknown)[0]!r}")
    for screen in screens:
        old = table_name(screen)
        if old in config.tables.rename:
            screen["category"], screen["name"] = split_key(config.tables.rename[old])
    return tuple(screen for screen in screens if table_name(screen) not in removed)


def table_name(screen: Record) -> str:
    return f"{screen['category']} / {screen['name']}"


def names(entries: list[Any]) -> list[str]:
    """Lists in the tenants file hold names or mappings with a name."""
    return [entry["name"] if isinstance(entry, dict) else str(entry) for entry in entries]


def _filled(template: Record, number: int) -> Record:
    return {
        name: value.replace("{n}", str(number)) if isinstance(value, str) else value for name, value in template.items()
    }


def _resources(boards: list[str]) -> dict[str, Resource]:
    resources = {}
    for entry in data("records"):
        label = entry.get("label", "name")
        if entry.get("names_from") == "boards":
            texts = boards
        elif "names_from" in entry:
            texts = names(data("samples")[entry["names_from"]])
        elif "names" in entry:
            texts = entry["names"]
        else:
            texts = [f"{entry['text']} {number}" for number in range(1, entry["count"] + 1)]
        records = [
            {"id": number, label: text, **_filled(entry.get("with", {}), number)}
            for number, text in enumerate(texts, start=1)
        ]
        resources[entry["path"].lower()] = Resource(
            path=entry["path"], records=records, needs=tuple(entry.get("needs", ())), table=entry.get("table")
        )
    return resources


def build(config: TenantConfig) -> Catalog:
    samples = data("samples")
    rows = _matrix(config)
    screens = _screens(config)
    customize = {identifier: tuple(items) for identifier, items in samples["customize"].items()}
    customize["SystemTableSetup"] = tuple(table_name(screen) for screen in screens)
    customize["FinanceAgreements"] = tuple(samples["agreement_types"])
    customize["CompanyConfigurations"] = tuple(samples["configuration_types"])
    customize["ServiceResourceScheduling"] = tuple(names(config.locations or samples["locations"]))
    resources = _resources(names(config.boards or samples["boards"]))
    return Catalog(rows=rows, screens=screens, customize=customize, resources=resources)
