# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tenants file: which sites listen and which tenants live there."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from .tls import CERTIFICATES

SITE_KINDS = ("cloud", "on_prem", "ui")
PROFILES = ("extended", "published")
OTHER_ROUTES = ("rest", "actions")
WEB_CLIENTS = ("words", "codes", "message", "numbers", "token", "session")


class ConfigError(ValueError):
    """The tenants file cannot be used; the text says which entry and why."""


@dataclass
class SiteConfig:
    name: str
    kind: str = "cloud"
    region: str = "NA"
    host: str = "localhost"
    certificate: str = "good"

    def __post_init__(self) -> None:
        _one_of(f"site {self.name}", "kind", self.kind, SITE_KINDS)
        _one_of(f"site {self.name}", "certificate", self.certificate, CERTIFICATES)


@dataclass
class Differences:
    """What a tenant has other than the shipped data."""

    remove: list[str] = field(default_factory=list)
    add: list[Any] = field(default_factory=list)
    rename: dict[str, str] = field(default_factory=dict)
    not_offered: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class TenantConfig:
    company_id: str
    site: str
    profile: str = "extended"
    version: str = "v2025.1"
    build: str = "10675"
    company_name: str | None = None
    is_cloud_as_string: bool = False
    bad_keys_status: int = 401
    wrong_codebase_status: int = 400
    equals: str = "insensitive"
    quotes: str = "none"
    asio: bool = True
    functions: Differences = field(default_factory=Differences)
    tables: Differences = field(default_factory=Differences)
    admin: dict[str, str] = field(default_factory=dict)
    client_ids: list[str] = field(default_factory=list)
    levels: list[Any] | None = None
    locations: list[Any] | None = None
    departments: list[Any] | None = None
    time_zones: list[Any] | None = None
    boards: list[Any] | None = None
    members: list[Any] | None = None
    other_routes: list[str] = field(default_factory=list)
    web_client: str | None = None
    mutation: str | None = None

    def __post_init__(self) -> None:
        where = f"tenant {self.company_id}"
        _one_of(where, "profile", self.profile, PROFILES)
        _one_of(where, "equals", self.equals, ("insensitive", "sensitive"))
        _one_of(where, "quotes", self.quotes, ("none", "backslash", "doubled"))
        for kind in self.other_routes:
            _one_of(where, "other_routes", kind, OTHER_ROUTES)
        _one_of(where, "web_client", self.web_client, (None, *WEB_CLIENTS))
        if not re.fullmatch(r"v\d{4}\.\d+", self.version):
            raise ConfigError(f"{where}: version must look like v2025.1, not {self.version!r}")

    @property
    def codebase(self) -> str:
        return self.version.replace(".", "_")

    @property
    def data_key(self) -> str:
        """Tenants with equal data share one catalog."""
        return repr((self.asio, self.functions, self.tables, self.boards, self.locations))


@dataclass
class Config:
    sites: dict[str, SiteConfig]
    tenants: dict[str, TenantConfig]


def _one_of(where: str, name: str, value: object, allowed: tuple[str | None, ...]) -> None:
    if value not in allowed:
        raise ConfigError(f"{where}: {name} is {value!r}, known are {', '.join(map(str, allowed))}")


def _known(where: str, kind: type, entry: Any) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise ConfigError(f"{where}: expected a mapping, not {entry!r}")
    names = {item.name for item in fields(kind)}
    unknown = sorted(set(entry) - names)
    if unknown:
        raise ConfigError(f"{where}: unknown {', '.join(unknown)}; known are {', '.join(sorted(names))}")
    return entry


def _tenant(entry: Any) -> TenantConfig:
    where = f"tenant {entry.get('company_id')}" if isinstance(entry, dict) else "tenants"
    values = dict(_known(where, TenantConfig, entry))
    for required in ("company_id", "site"):
        if not isinstance(values.get(required), str):
            raise ConfigError(f"{where}: {required} is required")
    for name in ("functions", "tables"):
        values[name] = Differences(**_known(f"{where}: {name}", Differences, values.get(name) or {}))
    values["admin"] = values.get("admin") or {}
    return TenantConfig(**values)


def _expand(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """``fleet: {count: 200, prefix: t}`` stands for t0001 to t0200, otherwise equal."""
    fleet = entry.get("fleet")
    if fleet is None:
        return [entry]
    if "company_id" in entry:
        raise ConfigError(f"tenant {entry['company_id']}: an entry has a company_id or a fleet, not both")
    rest = {key: value for key, value in entry.items() if key != "fleet"}
    prefix = fleet.get("prefix", "t")
    return [{**rest, "company_id": f"{prefix}{number:04d}"} for number in range(1, int(fleet["count"]) + 1)]


def parse(document: Any) -> Config:
    if not isinstance(document, dict):
        raise ConfigError("the tenants file must be a mapping with sites and tenants")
    unknown = sorted(set(document) - {"sites", "tenants", "fleet"})
    if unknown:
        raise ConfigError(f"unknown {', '.join(unknown)}; known are sites, tenants, fleet")
    sites = {}
    for entry in document.get("sites") or [{"name": "na"}]:
        site = SiteConfig(**_known("sites", SiteConfig, entry))
        sites[site.name] = site
    entries = list(document.get("tenants") or [])
    if document.get("fleet"):
        entries.append({"site": next(iter(sites)), "fleet": document["fleet"]})
    tenants: dict[str, TenantConfig] = {}
    for entry in entries:
        for single in _expand(entry) if isinstance(entry, dict) else [entry]:
            tenant = _tenant(single)
            if tenant.company_id in tenants:
                raise ConfigError(f"tenant {tenant.company_id} is there twice")
            if tenant.site not in sites or sites[tenant.site].kind == "ui":
                raise ConfigError(f"tenant {tenant.company_id}: site {tenant.site!r} is no site that serves the API")
            tenants[tenant.company_id] = tenant
    return Config(sites=sites, tenants=tenants)


def load(path: Path) -> Config:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"cannot read {path}: {error}") from error
    return parse(document)
