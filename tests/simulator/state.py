# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tenant's state as the control API shows it, for assertions."""

from __future__ import annotations

from .catalog import VERBS, Record, table_name
from .tenant import NONE, REFERENCES, Key, Role, Tenant, display_name


def _shown_role(tenant: Tenant, role: Role) -> Record:
    permissions: dict[str, dict[str, dict[str, str]]] = {}
    allow: dict[str, dict[str, list[str]]] = {}
    for row in tenant.catalog.rows:
        levels = role.level(row)
        if levels != NONE:
            permissions.setdefault(row.module, {})[row.function] = dict(zip(VERBS, levels, strict=True))
        if row.customize is not None:
            allow.setdefault(row.module, {})[row.function] = role.allowed(row, tenant.catalog.items(row))
    return {
        "id": role.id,
        "name": role.name,
        "admin": role.admin,
        "inactive": role.inactive,
        "permissions": permissions,
        "allow": allow,
    }


def _shown_member(tenant: Tenant, member: Record) -> Record:
    shown: Record = {}
    for name, value in member.items():
        kind = REFERENCES.get(name)
        if kind is not None and value is not None:
            value = (tenant.reference(tenant.store, kind, value) or {}).get("name")
        if name != "_info":
            shown[name] = value
    return {**shown, "name": display_name(member)}


def _shown_key(tenant: Tenant, key: Key) -> Record:
    active = not tenant.store.owner(key).get("inactiveFlag")
    return {"id": key.id, "description": key.description, "public_key": key.public, "active": active}


def state(tenant: Tenant) -> Record:
    store = tenant.store
    return {
        "company_id": tenant.config.company_id,
        "profile": tenant.config.profile,
        "version": tenant.version,
        "roles": [_shown_role(tenant, role) for role in store.roles.values()],
        "api_members": [_shown_member(tenant, member) for member in store.api_members.values()],
        "members": [_shown_member(tenant, member) for member in store.members.values()],
        "keys": {
            member["identifier"]: [_shown_key(tenant, key) for key in store.owned(member["id"])]
            for member in store.everyone()
        },
        "setup_tables": [table_name(screen) for screen in tenant.catalog.screens],
    }
