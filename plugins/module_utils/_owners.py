# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find out who holds a role, whose an API member is, and whether a task may change either.

The refusals are pure. What they are told is read right before a write, and only then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from ._client import Psa, Record
from ._errors import VENDOR, InvalidRecord, NotOurs, PermissionDenied, RecordNotFound, RouteNotOffered, readable
from ._members import API_MEMBERS, MEMBERS
from ._names import canonical_function, closest, same, sought
from ._roles import is_admin, read_matrix

OPTIONS: dict[str, dict[str, Any]] = {
    "adopt": {"type": "bool", "default": False},
    "own_key_role": {"type": "bool", "default": False},
}
ROLE_OPTIONS: dict[str, dict[str, Any]] = {"own_members": {"type": "list", "elements": "str", "default": []}, **OPTIONS}
_SHOWN = 5
_ID_LIMIT = 15
_SECURITY_ROLES = canonical_function("System", "Security Roles")
_OWN_KEY = "run with the keys of another member; only onboarding cw_admin may change this one (option own_key_role)"


@dataclass(frozen=True)
class Holder:
    """A member that holds a role. api: whether it is an API member; else it is a person."""

    identifier: str
    api: bool

    def __str__(self) -> str:
        return f"{self.identifier} ({'API member' if self.api else 'person'})"


@dataclass(frozen=True)
class Held:
    """The holders of a role. own: the member whose key the run works with; empty if the tenant does not tell.

    apart: whether the role cannot read roles, as this run has done, so that none of its holders owns that key.
    """

    holders: tuple[Holder, ...]
    own: str
    apart: bool = False

    @property
    def by_own(self) -> bool:
        return any(same(one.identifier, self.own) for one in self.holders)


@dataclass(frozen=True)
class Claim:
    """The limits of a task. members: API members of its integration; adopt, own_key_role: the options."""

    members: frozenset[str]
    adopt: bool
    own_key_role: bool

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Claim:
        """Return the claim that the options of a module make."""
        return cls(frozenset(params.get("own_members") or ()), bool(params["adopt"]), bool(params["own_key_role"]))

    @property
    def whole(self) -> bool:
        """Return whether nobody's rights would be spared, so that nobody's need be read."""
        return self.adopt and self.own_key_role


def every_right(role: Record) -> NotOurs | None:
    """Return why nobody may change this role: it is the product's own, or has every right there is."""
    name = str(role.get("name"))
    if not role.get("adminFlag") and not is_admin(name):
        return None
    return NotOurs(
        f'the role "{name}" is one of administrators and has every right (adminFlag); nothing was changed',
        remedy=f"set {VENDOR}_role_name to a role of the integration's own (option name)",
    )


def role_refusal(role: Record, held: Held, claim: Claim) -> NotOurs | None:
    """Return why a task may not change a role; None if it may."""
    if refusal := every_right(role):
        return refusal
    name = role.get("name")
    if not held.holders:
        return None
    if not claim.own_key_role:
        if not held.own and not held.apart:
            return NotOurs(
                f'the tenant does not tell whose key this run works with, and the role "{name}" is held by '
                f"{named(held.holders)}; nothing was changed",
                remedy="see that GET /system/mySecurity names the member of these keys",
            )
        if held.by_own:
            problem = f'the role "{name}" is that of {held.own}, whose key this run works with; nothing was changed'
            return NotOurs(problem, remedy=_OWN_KEY)
    others = [one for one in held.holders if not _counts_as_ours(one, held, claim)]
    if not others or claim.adopt:
        return None
    return NotOurs(
        f'the role "{name}" is also held by {named(others)}, not of this integration; nothing was changed',
        remedy=f"set {VENDOR}_role_name to another role, or integration_adopt: true if all holders, such as a former "
        "member of this integration, may get its rights and no others (options name, adopt and own_members)",
    )


def _counts_as_ours(one: Holder, held: Held, claim: Claim) -> bool:
    return (one.api and one.identifier in claim.members) or (claim.own_key_role and same(one.identifier, held.own))


def member_refusal(member: Record, wanted_role: str | None, claim: Claim) -> NotOurs | None:
    """Return why a task may not change an API member: it holds another role than the integration's."""
    held = (member.get("securityRole") or {}).get("name")
    if claim.adopt or (wanted_role is not None and held == wanted_role):
        return None
    identifier = member.get("identifier")
    told = f'not "{wanted_role}"' if wanted_role is not None else "and the task names none (option security_role)"
    return NotOurs(
        f'the API member "{identifier}" is there already and not known as one of this integration: it holds the role '
        f'"{held}", {told}; nothing was changed',
        remedy=f"set {VENDOR}_member_identifier to another Member ID, or integration_adopt: true to take this one over "
        "(options identifier and adopt)",
    )


def own_member_refusal(member: Record, own: str, claim: Claim) -> NotOurs | None:
    """Return why a task may not change the member whose key the run works with; own: that member, if it is told."""
    identifier = str(member.get("identifier"))
    if claim.own_key_role or (own and not same(identifier, own)) or (not own and not claim.adopt):
        return None
    whose = "owns the key that this run works with" if own else "may own the key that this run works with"
    return NotOurs(f'the API member "{identifier}" {whose}; nothing was changed', remedy=_OWN_KEY)


def require_our_role(psa: Psa, role: Record, claim: Claim) -> None:
    """Raise NotOurs if the task may not change the role; PermissionDenied if its holders cannot be read."""
    refusal = every_right(role)
    if refusal is None and not claim.whole:
        refusal = role_refusal(role, read_held(psa, role), claim)
    if refusal is not None:
        raise refusal


def require_our_member(psa: Psa, member: Record, wanted_role: str | None, claim: Claim, *, writes: bool) -> None:
    """Raise NotOurs if the task may not change the API member. writes: whether it would change it now."""
    refusal = member_refusal(member, wanted_role, claim)
    if refusal is None and writes and not claim.own_key_role:
        own = read_own_member(psa)
        if own or (claim.adopt and _reads_roles(psa, member.get("securityRole") or {})):
            refusal = own_member_refusal(member, own, claim)
    if refusal is not None:
        raise refusal


def read_own_member(psa: Psa) -> str:
    """`GET /system/mySecurity`: the member whose key this is; empty if the tenant does not tell."""
    records, _why = readable(lambda: psa.list("/system/mySecurity", fields="member"), proven=True)
    for record in records or []:
        if identifier := (record.get("member") or {}).get("identifier"):
            return str(identifier)
    return ""


def read_held(psa: Psa, role: Record) -> Held:
    """Read who holds a role, people and API members.

    The whole lists are read: whoever is shown none of them, or not himself, is shown a part at best.
    """
    fields = "id,identifier,securityRole"
    try:
        api, people, own = psa.together(
            [
                partial(psa.list, API_MEMBERS, fields=fields),
                partial(psa.list, MEMBERS, fields=fields),
                partial(read_own_member, psa),
            ]
        )
    except (PermissionDenied, RouteNotOffered, RecordNotFound) as problem:
        problem.problem = (
            f'it cannot be read who holds the role "{role.get("name")}", so nothing was changed: {problem.problem}'
        )
        raise
    known = {(one.get("id"), one.get("identifier")) for one in api}
    people = [one for one in people if (one.get("id"), one.get("identifier")) not in known]
    if not people or (own and not any(same(str(one.get("identifier")), own) for one in [*api, *people])):
        raise PermissionDenied(
            f'who holds the role "{role.get("name")}" is not known, because these keys see only a part of the members; '
            "nothing was changed",
            remedy="give the member of these keys the top level of the structure, and its role System / Member "
            "Maintenance with Inquire All",
        )
    holders = (*_holding(api, role, True), *_holding(people, role, False))
    return Held(holders, own, apart=bool(holders) and not own and not _reads_roles(psa, role))


def _reads_roles(psa: Psa, role: Record) -> bool:
    """Return whether the key of this run, which reads a role here, may be that of a member with this very role."""
    rows = read_matrix(psa, int(role["id"])) if role.get("id") is not None else []
    levels = [
        one.levels["inquire"]
        for one in rows
        if same(one.module, "System") and canonical_function("System", one.function) == _SECURITY_ROLES
    ]
    # A matrix without the row says nothing.
    return levels != ["None"]


def _holding(members: Iterable[Record], role: Record, api: bool) -> list[Holder]:
    return [
        Holder(str(one.get("identifier")), api)
        for one in members
        if (one.get("securityRole") or {}).get("id") == role.get("id")
    ]


def named(holders: Iterable[Holder]) -> str:
    """Return the first holders in words, each Member ID once: a tenant may list API members among its people too."""
    by_id: dict[str, Holder] = {}
    for one in sorted(holders, key=lambda one: not one.api):
        by_id.setdefault(one.identifier, one)
    names = sorted(map(str, by_id.values()))
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def require_no_twin(what: str, option: str, name: str, twin: str) -> None:
    """Raise NotOurs if the tenant has this name in other letters: it may refuse a second one, and it may be meant."""
    if twin:
        raise NotOurs(
            f'there is no {what} "{name}", and one is called "{twin}"; ConnectWise may refuse a second one whose name '
            "differs in case or spaces only. Nothing was changed",
            remedy=f'if that one is meant, set {VENDOR}_{option}: "{twin}"; otherwise choose another name',
        )


def require_no_person(psa: Psa, identifier: str) -> None:
    """Raise NotOurs if a person has the Member ID that a new API member is to get."""
    try:
        people = psa.list(MEMBERS, fields="id,identifier")
    except (PermissionDenied, RouteNotOffered, RecordNotFound):
        return  # then the server says so
    found, twin = sought(people, "identifier", identifier, "member")
    if found is not None or twin:
        taken = [str(one.get("identifier")) for one in people]
        near = ", ".join(name for name in closest(identifier, taken) if name != (twin or identifier))
        others = f" (close to it are also {near})" if near else ""
        raise NotOurs(
            f'a person has the Member ID "{twin or identifier}"{others}, so no API member can get "{identifier}"; '
            "nothing was changed",
            remedy=another_identifier(identifier, taken),
        )


def another_identifier(identifier: str, taken: Iterable[str]) -> str:
    """Return the remedy for a Member ID that is taken, with one that is free as far as these names tell."""
    used = {name.casefold() for name in taken}
    tries = (f"{identifier[: _ID_LIMIT - len(end)]}{end}" for end in (" API", *map(str, range(2, 1000))))
    free = next((one for one in tries if one.casefold() not in used), "")
    return f'set {VENDOR}_member_identifier to another Member ID, such as "{free}" (option identifier)'


def with_neighbours(problem: InvalidRecord, name: str, names: Iterable[str]) -> InvalidRecord:
    """Return the refusal of a new record with the names that are close to its own."""
    near = closest(name, names)
    if "ObjectExists" in problem.codes and near:
        problem.remedy = f'choose another name than "{name}"; close to it are {", ".join(near)}'
    return problem
