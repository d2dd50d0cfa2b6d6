# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of one tenant: roles, members, API keys, and the small reference lists they point to."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import string
import time
from dataclasses import dataclass, field, replace

from . import catalog
from .catalog import VERBS, Catalog, Record, Row
from .config import SiteConfig, TenantConfig

Levels = tuple[str, str, str, str]
NONE: Levels = ("None", "None", "None", "None")
ALL: Levels = ("All", "All", "All", "All")

# Field of an API member -> the list its reference points to.
REFERENCES = {
    "timeZone": "time_zones",
    "securityRole": "roles",
    "structureLevel": "levels",
    "securityLocation": "locations",
    "defaultLocation": "locations",
    "defaultDepartment": "departments",
    "salesDefaultLocation": "locations",
    "serviceDefaultBoard": "boards",
}
TOKEN_LIFE = 4 * 3600
# A member that is not an API member has these whatever else it has.
MEMBER_FIELDS = {
    "licenseClass": "F",
    "defaultEmail": "Office",
    "defaultPhone": "Office",
    "invoicingDisplayOptions": "RemainOnInvoicingScreen",
    "agreementInvoicingDisplayOptions": "RemainOnInvoicingScreen",
    "invoiceScreenDefaultTabFormat": "ShowInvoicingTab",
}


def timestamp(moment: float | None = None) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


def derived(seed: str, *parts: str) -> str:
    """16 letters and digits that are the same for the same seed."""
    digest = hmac.new(seed.encode(), "\0".join(parts).encode(), hashlib.sha256).digest()
    alphabet = string.ascii_letters + string.digits
    return "".join(alphabet[byte % len(alphabet)] for byte in digest[:16])


def derived_guid(seed: str, *parts: str) -> str:
    text = hmac.new(seed.encode(), "\0".join(parts).encode(), hashlib.sha256).hexdigest()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:32]}"


def random_key() -> str:
    alphabet = string.ascii_letters + string.digits
    return "".join(secrets.choice(alphabet) for _position in range(16))


@dataclass
class Role:
    id: int
    name: str
    role_type: str | None = None
    admin: bool = False
    inactive: bool = False
    levels: dict[int, Levels] = field(default_factory=dict)
    # Row number -> allowed items. A row that is not here allows everything, as a new role does.
    allow: dict[int, frozenset[str]] = field(default_factory=dict)
    info: dict[str, str] = field(default_factory=dict)

    def level(self, row: Row) -> Levels:
        if self.admin:
            return ALL
        return self.levels.get(row.number, NONE)

    def allowed(self, row: Row, items: tuple[str, ...]) -> list[str]:
        chosen = None if self.admin else self.allow.get(row.number)
        return list(items) if chosen is None else [item for item in items if item in chosen]

    def copy(self) -> Role:
        return replace(self, levels=dict(self.levels), allow=dict(self.allow), info=dict(self.info))


@dataclass
class Key:
    id: int
    owner: int
    description: str
    public: str
    private: str = field(repr=False)
    expires: float | None = None


@dataclass
class Store:
    """Everything that writes change. Copies are cheap enough to keep a history when a fault asks for one."""

    roles: dict[int, Role] = field(default_factory=dict)
    api_members: dict[int, Record] = field(default_factory=dict)
    members: dict[int, Record] = field(default_factory=dict)
    keys: dict[str, Key] = field(default_factory=dict)
    next_id: int = 1
    # Every private key there ever was, so that none is ever written down; shared by all copies.
    secrets: set[str] = field(default_factory=set, repr=False)

    def copy(self) -> Store:
        return Store(
            roles={number: role.copy() for number, role in self.roles.items()},
            api_members={number: dict(member) for number, member in self.api_members.items()},
            members={number: dict(member) for number, member in self.members.items()},
            keys=dict(self.keys),
            next_id=self.next_id,
            secrets=self.secrets,
        )

    def new_id(self) -> int:
        self.next_id += 1
        return self.next_id

    def owner(self, key: Key) -> Record:
        return self.api_members.get(key.owner) or self.members[key.owner]

    def is_api_member(self, number: int) -> bool:
        return number in self.api_members

    def owned(self, member: int) -> list[Key]:
        return [key for key in self.keys.values() if key.owner == member]

    def add_key(self, owner: int, description: str, expires: float | None = None) -> Key:
        return self.keep_key(Key(self.new_id(), owner, description, random_key(), random_key(), expires))

    def keep_key(self, key: Key) -> Key:
        self.keys[key.public] = key
        self.secrets.add(key.private)
        return key

    def everyone(self) -> list[Record]:
        return [*self.api_members.values(), *self.members.values()]

    def holders(self, role: int) -> list[Record]:
        return [member for member in self.everyone() if member.get("securityRole") == role]

    def find_role(self, name: str) -> Role | None:
        return next((role for role in self.roles.values() if role.name == name), None)

    def find_member(self, identifier: str, kind: str | None = None) -> Record | None:
        """An API member, a member, or either, by identifier."""
        groups = {"api": [self.api_members], "member": [self.members]}.get(kind or "", [self.api_members, self.members])
        for group in groups:
            for member in group.values():
                if member["identifier"] == identifier:
                    return member
        return None


@dataclass
class State:
    """What the web client of a tenant remembers: sessions, tokens it gave, versions of roles."""

    sessions: dict[str, str] = field(default_factory=dict, repr=False)
    tokens: set[str] = field(default_factory=set, repr=False)
    stamps: dict[int, int] = field(default_factory=dict)


class Tenant:
    def __init__(self, config: TenantConfig, site: SiteConfig, shared: Catalog, seed: str) -> None:
        self.config = config
        self.site = site
        self.catalog = shared
        self.version = config.version
        self.codebases = {"v4_6_release"} | ({config.codebase} if site.kind == "cloud" else set())
        self.wrong_codebase_status = config.wrong_codebase_status
        self.history: list[tuple[float, Store]] = []
        self.client_ids = {guid.lower() for guid in client_ids(config, seed)}
        self.references = _references(config)
        self.web = State()
        self.store = self._first_state(seed)

    def _first_state(self, seed: str) -> Store:
        # Ids differ between tenants, so that an id kept from one is noticed on another.
        store = Store(next_id=60 + 7 * (hashlib.sha256(self.config.company_id.encode()).digest()[0] % 40))
        now = {"lastUpdated": timestamp(), "updatedBy": "System"}
        admin = Role(store.new_id(), "Admin", "Admin", admin=True, info=dict(now))
        store.roles[admin.id] = admin
        identifier = self.config.admin.get("identifier", "Automation")
        number = store.new_id()
        store.api_members[number] = {
            "id": number,
            "identifier": identifier,
            "name": identifier,
            "inactiveFlag": False,
            "securityRole": admin.id,
            **self.top(),
            "_info": dict(now),
        }
        public, private = admin_keys(self.config, seed)
        store.keep_key(Key(store.new_id(), number, "Automation", public, private))
        staff = Role(store.new_id(), "Technician", info=dict(now))
        for key in ("Service Desk / Service Tickets", "Time & Expense / Time Entry"):
            if key in self.catalog.by_key:
                staff.levels[self.catalog.by_key[key].number] = ("All", "All", "None", "All")
        store.roles[staff.id] = staff
        for entry in self.config.members if self.config.members is not None else catalog.data("samples")["members"]:
            fields = entry if isinstance(entry, dict) else {"identifier": entry}
            role = next((r for r in store.roles.values() if r.name == fields.get("role", "Technician")), staff)
            number = store.new_id()
            store.members[number] = {
                "id": number,
                "identifier": fields["identifier"],
                "firstName": fields.get("first_name", fields["identifier"]),
                "lastName": fields.get("last_name", ""),
                "inactiveFlag": bool(fields.get("inactive", False)),
                **MEMBER_FIELDS,
                "securityRole": role.id,
                **self.top(),
                "_info": dict(now),
            }
        return store

    def top(self) -> Record:
        """References at the top of the structure."""
        refs = self.references
        return {
            "structureLevel": _first(refs["levels"]),
            "securityLocation": _first(refs["locations"]),
            "defaultLocation": _first(refs["locations"]),
            "defaultDepartment": _first(refs["departments"]),
            "timeZone": _first(refs["time_zones"]),
        }

    def default_member(self) -> Record:
        """A new API member's defaults: not the top of the structure, so that forgetting the level is noticed."""
        refs = self.references
        last = list(refs["levels"])[-1]
        places = [number for number, place in refs["locations"].items() if place["level"] == last]
        location = places[0] if places else _first(refs["locations"])
        return {**self.top(), "structureLevel": last, "securityLocation": location, "defaultLocation": location}

    def reference(self, store: Store, kind: str, number: int | None) -> Record | None:
        if number is None:
            return None
        if kind == "roles":
            role = store.roles.get(number)
            return {"id": number, "name": role.name} if role else {"id": number}
        entry = self.references[kind][number]
        found: Record = {"id": number, "name": entry["name"]}
        if "identifier" in entry:
            found["identifier"] = entry["identifier"]
        return found

    def candidates(self, store: Store, kind: str) -> dict[int, Record]:
        if kind == "roles":
            return {role.id: {"name": role.name} for role in store.roles.values()}
        return self.references[kind]

    def sees_records(self, member: Record) -> bool:
        """Records are invisible to members below the top level."""
        return bool(member.get("structureLevel") == _first(self.references["levels"]))

    # Rights

    def role_of(self, store: Store, member: Record) -> Role | None:
        role = store.roles.get(member.get("securityRole", 0))
        return None if role is None or role.inactive else role

    def level_of(self, store: Store, member: Record, key: str, verb: str) -> str:
        role, row = self.role_of(store, member), self.catalog.by_key.get(key)
        if role is None:
            return "None"
        if row is None:
            return "All" if role.admin else "None"
        return role.level(row)[VERBS.index(verb)]

    def table_allowed(self, store: Store, member: Record, table: str) -> bool:
        role, row = self.role_of(store, member), self.catalog.by_key.get("System / Table Setup")
        if role is None or row is None:
            return role is not None and role.admin
        return role.admin or table in role.allowed(row, self.catalog.items(row))

    def remember(self, keep: float) -> None:
        """Keep the state as it is now, for reads that are to be stale; forget what is older than ``keep`` seconds."""
        now = time.monotonic()
        self.history = [entry for entry in self.history if entry[0] >= now - keep]
        self.history.append((now, self.store.copy()))

    def as_of(self, age: float) -> Store:
        since = time.monotonic() - age
        return next((store for moment, store in self.history if moment >= since), self.store)


def display_name(member: Record) -> str:
    return str(member.get("name") or f"{member.get('firstName', '')} {member.get('lastName', '')}".strip())


def _first(entries: dict[int, Record]) -> int:
    return next(iter(entries))


def _references(config: TenantConfig) -> dict[str, dict[int, Record]]:
    samples = catalog.data("samples")

    def entries(name: str) -> list[Record]:
        own = getattr(config, name)
        listed = samples[name] if own is None else own
        return [dict(entry) if isinstance(entry, dict) else {"name": str(entry)} for entry in listed]

    lists: dict[str, dict[int, Record]] = {}
    for offset, name in enumerate(("levels", "locations", "departments", "time_zones", "boards")):
        start = 1 if name == "levels" else 1 + offset * 10
        lists[name] = dict(enumerate(entries(name), start=start))
    levels = {entry["name"]: number for number, entry in lists["levels"].items()}
    lowest = list(lists["levels"])[-1]
    for position, place in enumerate(lists["locations"].values()):
        # A location listed by name only: the first is the top one, the others are at the lowest level.
        place["level"] = levels.get(place.get("level", ""), 1 if position == 0 else lowest)
    for entry in lists["departments"].values():
        entry.setdefault("identifier", entry["name"])
    for position, entry in enumerate(lists["time_zones"].values()):
        entry.setdefault("zone", entry["name"])
        entry.setdefault("offset", 0)
        entry.setdefault("default", position == 0)
    return lists


def admin_keys(config: TenantConfig, seed: str) -> tuple[str, str]:
    return (
        config.admin.get("public_key") or derived(seed, config.company_id, "public"),
        config.admin.get("private_key") or derived(seed, config.company_id, "private"),
    )


def client_ids(config: TenantConfig, seed: str) -> list[str]:
    return config.client_ids or [derived_guid(seed, config.company_id, "client")]
