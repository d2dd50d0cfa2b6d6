# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All of a tenant that a route could have changed, read through the published API before and after."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._client import Psa, Record
from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError
from ansible_collections.msp.connectwise.plugins.module_utils._members import API_MEMBERS
from ansible_collections.msp.connectwise.plugins.module_utils._names import counted
from ansible_collections.msp.connectwise.plugins.module_utils._permissions import VERBS
from ansible_collections.msp.connectwise.plugins.module_utils._roles import ROLES

Levels = dict[int, tuple[Any, ...]]
Further = Mapping[str, Callable[[], Any]]


@dataclass
class Look:
    """roles and members: their records; levels: the matrix of each role; more: what else was looked at, by name."""

    roles: dict[int, Record] = field(default_factory=dict)
    levels: dict[int, Levels] = field(default_factory=dict)
    members: dict[int, Record] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)


def version_of(psa: Psa) -> str:
    """The product's version as companyinfo gives it, such as v2025.1: tenants of one version share the web client."""
    company = psa.company_info()
    version = str(company.get("VersionCode") or company.get("VersionNumber") or "").strip()
    if not version:
        raise InputError(
            "the tenant does not say which version it has", remedy="check that the host is the tenant's own, then again"
        )
    return version


def _plain(record: Record) -> Record:
    return {name: value for name, value in record.items() if name != "_info"}


def look(psa: Psa, more: Further | None = None) -> Look:
    """Every role with its matrix, every API member, and what else is asked for."""
    roles = {int(role["id"]): _plain(role) for role in psa.list(ROLES)}
    paths = [f"/system/securityRoles/{role}/settings" for role in roles]
    matrices = psa.together(partial(psa.list, path) for path in paths)
    names = list(more or {})
    return Look(
        roles,
        {
            role: {int(row["id"]): tuple(row.get(f"{verb}Level") for verb in VERBS) for row in rows}
            for role, rows in zip(roles, matrices, strict=True)
        },
        {int(member["id"]): _plain(member) for member in psa.list(API_MEMBERS)},
        dict(zip(names, psa.together((more or {})[name] for name in names), strict=True)),
    )


def differences(before: Look, after: Look, wanted: Mapping[int, Mapping[int, tuple[Any, ...]]]) -> list[str]:
    """What else changed. wanted: by role and row, the levels that were asked for."""
    found = []
    for kind, one, other in (("role", before.roles, after.roles), ("API member", before.members, after.members)):
        for number in sorted(set(one) | set(other)):
            if one.get(number) != other.get(number):
                record = one.get(number) or other.get(number) or {}
                name = record.get("identifier") or record.get("name")
                fields = [
                    field
                    for field in sorted(set(one.get(number, {})) | set(other.get(number, {})))
                    if one.get(number, {}).get(field) != other.get(number, {}).get(field)
                ]
                found.append(f"the {kind} {name} changed ({', '.join(fields[:5])})")
    for role in sorted(set(before.levels) & set(after.levels)):
        expected = {**before.levels[role], **wanted.get(role, {})}
        wrong = [row for row in expected if after.levels[role].get(row) != expected[row]]
        if wrong:
            name = before.roles[role].get("name")
            found.append(f"the role {name} has {counted(len(wrong), 'wrong row')} (row {wrong[0]} first)")
    found += [f"{name} changed" for name in before.more if before.more[name] != after.more.get(name)]
    return found
