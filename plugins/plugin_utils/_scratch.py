# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scratch roles and API members: made to try things on, found again by their names, taken away after a failure too.

A nonce is part of each name, so that what a killed run left is found by the next one, and nothing else is ever touched.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._client import Psa, Record
from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError, PsaError
from ansible_collections.msp.connectwise.plugins.module_utils._members import API_MEMBERS
from ansible_collections.msp.connectwise.plugins.module_utils._resource import create, delete, update
from ansible_collections.msp.connectwise.plugins.module_utils._roles import ROLES, find_role
from ansible_collections.msp.connectwise.plugins.module_utils._routes import Extensions, NotOffered
from ansible_collections.msp.connectwise.plugins.plugin_utils._modules import MODULES

_API_MEMBER = MODULES["msp.connectwise.cw_api_member"]
_ROLE = "Scratch {nonce} {word}"
_MEMBER = "scr-{nonce}-{word}"
# A member cannot be deleted. One without keys is used again; one that may have keys keeps them, inactive, for good.
_RESTING = "scr-free-{nonce}"
_NONCE = r"[a-z2-9]{6}"
ROLE_NAME = re.compile(rf"Scratch {_NONCE} \w+")
MEMBER_NAME = re.compile(rf"scr-({_NONCE})-\w+")
RESTING_NAME = re.compile(rf"scr-free-{_NONCE}")
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def new_nonce() -> str:
    """Six letters; one at least is a digit, so that none is a word."""
    return "".join(secrets.choice(_LETTERS) for _place in range(5)) + secrets.choice("23456789")


@dataclass
class Left:
    """What could not be taken away, for the report."""

    notes: list[str] = field(default_factory=list)
    roles: int = 0
    members: int = 0
    keys: int = 0


class Scratch:
    """The scratch records of one nonce on one tenant."""

    def __init__(self, psa: Psa, nonce: str) -> None:
        self.psa = psa
        self.nonce = nonce

    def role(self, word: str) -> Record:
        name = _ROLE.format(nonce=self.nonce, word=word)
        return find_role(self.psa, name) or create(self.psa, ROLES, {"name": name}, lambda: find_role(self.psa, name))

    def member(self, word: str, role: Record) -> Record:
        """A member with that role; one that an earlier run has left at rest, where there is one."""
        identifier = _MEMBER.format(nonce=self.nonce, word=word)
        members = self.psa.list(API_MEMBERS)
        for known in members:
            if known.get("identifier") == identifier:
                return self._updated(known, {"securityRole": {"id": role["id"]}, "inactiveFlag": False})
        resting = [one for one in members if RESTING_NAME.fullmatch(str(one.get("identifier")))]
        resting = [one for one in resting if one.get("inactiveFlag")]
        if resting:
            body = {
                "identifier": identifier,
                "name": identifier,
                "securityRole": {"id": role["id"]},
                "inactiveFlag": False,
            }
            return self._updated(resting[0], body)
        options = {name: spec.get("default") for name, spec in _API_MEMBER.options.items()}
        given = {**options, "identifier": identifier, "security_role": role["name"], "level": "top", "state": "present"}
        made = _API_MEMBER.run(self.psa, given, False).values["api_member"]
        return self.psa.get(f"{API_MEMBERS}/{made['id']}")

    def _updated(self, member: Record, body: dict[str, Any]) -> Record:
        if all(_plain(member.get(name)) == _plain(value) for name, value in body.items()):
            return member

        def left(record: Record) -> list[str]:
            return [name for name, value in body.items() if _plain(record.get(name)) != _plain(value)]

        return update(self.psa, f"{API_MEMBERS}/{member['id']}", body, left)

    def give_role(self, member: Record, role: Record) -> None:
        self._updated(member, {"securityRole": {"id": role["id"]}})

    def owns(self, record: Record | None) -> bool:
        """Whether a record, or a reference to one, is of this nonce."""
        return any(self._is_mine(str((record or {}).get(field))) for field in ("name", "identifier"))

    def _is_mine(self, name: str) -> bool:
        return f"-{self.nonce}-" in name or f" {self.nonce} " in name

    def take_away(self, extensions: Extensions | None = None) -> Left:
        """Keys, members and roles of this nonce: whatever of them there is."""
        return take_away(self.psa, extensions, self._is_mine)


def _plain(value: Any) -> Any:
    return value.get("id") if isinstance(value, dict) else value


def take_away(psa: Psa, extensions: Extensions | None, is_mine: Any) -> Left:
    left = Left()
    roles = psa.list(ROLES)
    mine = [role for role in roles if is_mine(str(role.get("name"))) and ROLE_NAME.fullmatch(str(role.get("name")))]
    members = [
        one
        for one in psa.list(API_MEMBERS)
        if is_mine(str(one.get("identifier"))) and MEMBER_NAME.fullmatch(str(one.get("identifier")))
    ]
    rest = _resting_role(roles)
    for member in members:
        held = _plain(member.get("securityRole"))
        if member.get("inactiveFlag") and held not in {role["id"] for role in mine}:
            continue
        _retire(psa, extensions, member, rest, left)
    for role in mine:
        delete(psa, f"{ROLES}/{role['id']}", partial(find_role, psa, str(role["name"])))
        left.roles += 1
    return left


def _resting_role(roles: Iterable[Record]) -> Record:
    """A role for members at rest: they are inactive, so it grants them nothing."""
    others = [role for role in roles if not ROLE_NAME.fullmatch(str(role.get("name")))]
    plain = [role for role in others if not role.get("adminFlag") and not role.get("inactiveFlag")]
    if not others:
        raise InputError(
            "the tenant shows no other role that scratch members could rest with", remedy="check the rights of the key"
        )
    return (plain or others)[0]


def _retire(psa: Psa, extensions: Extensions | None, member: Record, rest: Record, left: Left) -> None:
    """Without keys and inactive. Inactive comes first: from then on no key of it works."""
    path = f"{API_MEMBERS}/{member['id']}"
    update(psa, path, {"inactiveFlag": True}, lambda one: [] if one.get("inactiveFlag") else ["inactiveFlag"])
    body = {"securityRole": {"id": rest["id"]}}
    update(psa, path, body, lambda one: [] if _plain(one.get("securityRole")) == rest["id"] else ["securityRole"])
    left.members += 1
    if _without_keys(extensions, int(member["id"]), left):
        name = _RESTING.format(nonce=new_nonce())
        psa.patch(path, {"identifier": name, "name": name})
    else:
        left.notes.append(
            f"the API member {member['identifier']} is inactive; its keys could not be read. None of them works any "
            "more, and the record is not used again"
        )


def _without_keys(extensions: Extensions | None, member: int, left: Left) -> bool:
    """Whether the member has no keys by now."""
    if extensions is None:
        return False
    try:
        for key in extensions.keys("api_member_key", member):
            extensions.delete_key("api_member_key", member, key["id"])
            left.keys += 1
        return not extensions.keys("api_member_key", member)
    except (NotOffered, PsaError):
        return False
