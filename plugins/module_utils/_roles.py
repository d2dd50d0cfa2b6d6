# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Security roles of a tenant: finding one, reading its matrix, writing rows, reading back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ._client import Psa, Record
from ._customize import CUSTOMIZABLE
from ._errors import UNCERTAIN, InputError, NotApplied, PsaError
from ._facts import Fact, matrix_facts
from ._lists import AllowList, ListFacts
from ._names import ambiguous, canonical_module, normalised, sought, unknown
from ._permissions import Change, MatrixPlan, Row
from ._resource import Names, settled, write
from ._routes import Extensions, NotOffered

ROLES = "/system/securityroles"
NAME_LIMIT = 30


def check_name(name: str) -> None:
    if not name.strip() or len(name) > NAME_LIMIT:
        raise InputError(
            f'the role name "{name}" has {len(name)} characters; ConnectWise takes 1 to {NAME_LIMIT}',
            remedy="choose another name",
        )


def is_admin(name: str | None) -> bool:
    """Whether it is the role that comes with the product and has every right."""
    return name is not None and normalised(name) in ("admin", "administrator")


def require_own(name: str) -> None:
    """Raises InputError for the Admin role: narrowed, it would lock the tenant's administrators out."""
    if is_admin(name):
        raise InputError(
            f'"{name}" is the role of the tenant\'s administrators; nothing was changed',
            remedy="give the integration a role of its own",
        )


def find_role(psa: Psa, name: str) -> Record | None:
    """The role of exactly that name, or None."""
    return seek_role(psa, name)[0]


def seek_role(psa: Psa, name: str) -> tuple[Record | None, str]:
    """The role of exactly that name, and else the name of one that looks alike.

    Compared here: how the server compares and un-escapes is not documented.
    """
    return sought(psa.list(ROLES), "name", name, "security role")


def require_role(psa: Psa, name: str) -> Record:
    # A role that an earlier task made may not be in the first list.
    role = settled(lambda: find_role(psa, name), lambda found: found is not None)
    if role is None:
        raise unknown("security role", name, [str(one.get("name")) for one in psa.list(ROLES)])
    return role


def read_matrix(psa: Psa, role_id: int) -> list[Row]:
    """`GET /system/securityRoles/{role}/settings`: every row of a role."""
    return [Row.from_record(record) for record in psa.list(f"/system/securityRoles/{role_id}/settings")]


def blank_matrix(psa: Psa) -> list[Row]:
    """The rows a new role will have, all None: read from any role, for a plan before the role exists."""
    roles = psa.list(ROLES)
    if not roles:
        raise InputError(
            "the tenant shows no security role to read the functions from", remedy="check the rights of the key"
        )
    none = dict.fromkeys(("add", "edit", "delete", "inquire"), "None")
    return [
        Row(None, row.module, row.function, none, row.my_offered, row.not_offered, row.customizable)
        for row in read_matrix(psa, int(roles[0]["id"]))
    ]


def write_matrix(psa: Psa, extensions: Extensions, role_id: int, plan: MatrixPlan) -> list[Row]:
    """Write the changed rows and read all back; raises NotOffered when the tenant has no route for it.

    The first row goes alone, to learn whether the route is there; the rest over a few parallel connections. A route
    that takes many rows in one request gets them all.
    """
    rows: list[Row] = []
    facts: dict[int | None, Fact] = {}

    def send_all() -> None:
        lost: list[PsaError] = []

        def send(change: Change) -> None:
            try:
                extensions.update_setting(
                    role_id, int(change.row.id or 0), change.after, change.levels, row=facts[change.row.id]
                )
            except UNCERTAIN as problem:
                lost.append(problem)

        # Rows that are as wanted by now were written by the first try.
        todo = still_open(plan, rows)
        wanted = {change.row.id: change.after for change in todo}
        matrix = matrix_facts(rows or plan.rows, wanted)
        facts.update({fact["setting"]: fact for fact in matrix})
        if extensions.all_rows_at_once:
            extensions.update_settings(role_id, [facts[row] for row in wanted], matrix)
            return
        first, *rest = todo
        send(first)
        psa.together(partial(send, change) for change in rest)
        if lost:
            raise lost[0]

    def read() -> list[Row]:
        nonlocal rows
        rows = read_matrix(psa, role_id)
        return rows

    def left(found: list[Row]) -> list[str]:
        return [change.row.label for change in still_open(plan, found)]

    unmade = NotApplied("written, but not taken over", tenant=psa.tenant, operation="role_setting.update")
    return write(send_all, read, left, unmade)


def still_open(plan: MatrixPlan, rows: list[Row]) -> list[Change]:
    """The changes of a plan whose rows do not have their wanted levels yet."""
    levels = {row.id: row.levels for row in rows}
    return [change for change in plan.changes if levels.get(change.row.id) != change.after]


def customizable_row(rows: list[Row], function: str, module: str | None) -> Row:
    """The row whose Customize list is meant; the module is needed only if several have such a function."""
    candidates = [row for row in rows if module is None or canonical_module(module) == row.key[0]]
    found = [row for row in candidates if row.key[1] == Row(None, row.module, function, {}).key[1]]
    if not found:
        raise unknown(
            "function with a Customize list", function, [row.function for row in candidates if row.customizable]
        )
    customizable = [row for row in found if row.customizable]
    if not customizable:
        raise InputError(
            f"{found[0].label} has no Customize list on this tenant",
            remedy="the functions with one are " + ", ".join(row.label for row in rows if row.customizable),
        )
    if len(customizable) > 1:
        raise ambiguous("function", function, [row.label for row in customizable])
    return customizable[0]


def reads_offered(psa: Psa, extensions: Extensions) -> tuple[bool, bool]:
    """Whether the tenant offers the extension routes that can be tried without a write: Customize lists, API keys.

    Any role and any API member serve for the question. Used if the one in question does not exist yet.
    """
    roles, members = psa.list(ROLES), psa.list("/system/apiMembers")
    rows = read_matrix(psa, int(roles[0]["id"])) if roles else []
    lists = False
    for row, what in ((row, what) for row in rows if row.customizable for what in CUSTOMIZABLE if what.key == row.key):
        facts = ListFacts(Names(psa), what, row, rows.index(row))
        lists = attempt(AllowList(extensions, int(roles[0]["id"]), row, what, facts).read)[0]
        break
    keys = bool(members) and attempt(lambda: extensions.keys("api_member_key", int(members[0]["id"])))[0]
    return lists, keys


def attempt(call: Callable[[], Any]) -> tuple[bool, Any]:
    """Whether the tenant offers an extension route, and what it answered."""
    try:
        return True, call()
    except NotOffered:
        return False, None
