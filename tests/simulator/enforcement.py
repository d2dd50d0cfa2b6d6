# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which right each operation takes. A key whose role lacks it gets 403, and is not told which."""

from __future__ import annotations

from dataclasses import dataclass

from . import errors
from .catalog import Record
from .tenant import Store, Tenant

TABLE_SETUP = "System / Table Setup"
ROLES = "System / Security Roles"
MEMBERS = "System / Member Maintenance"
LEVEL_OF_METHOD = {"GET": "inquire", "POST": "add", "PUT": "edit", "PATCH": "edit", "DELETE": "delete"}


@dataclass(frozen=True)
class Need:
    """Any one of ``functions`` is enough; ``table`` must also be on the role's Table Setup allow list."""

    functions: tuple[str, ...] = ()
    table: str | None = None


ANYBODY = Need()


def check(tenant: Tenant, store: Store, member: Record, need: Need, method: str) -> None:
    if not need.functions:
        return
    verb = LEVEL_OF_METHOD[method]
    if all(tenant.level_of(store, member, key, verb) == "None" for key in need.functions):
        raise errors.denied()
    if need.table and not tenant.table_allowed(store, member, need.table):
        raise errors.denied()


def owns_nothing(tenant: Tenant, store: Store, member: Record, need: Need) -> bool:
    """Whether the key sees no records: its level is My (an API member owns none), or below the top of the structure."""
    if need.table:
        return False
    levels = [tenant.level_of(store, member, key, "inquire") for key in need.functions]
    return "All" not in levels or not tenant.sees_records(member)
