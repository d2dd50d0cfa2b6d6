# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the loop of a key's life asks of the tenant, through the modules: in this process, or on the host."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ansible_collections.msp.connectwise.plugins.module_utils._redact import register


@dataclass(frozen=True)
class Listing:
    """The member and its keys as the tenant tells. offered: whether it lists keys; None if there is no such member."""

    offered: bool | None
    keys: list[dict[str, Any]]
    active: bool


@dataclass(frozen=True)
class Made:
    """What came of creating a key. key: with its private half, or None. changed: whether one was created.

    twins: ids of further keys that the tenant made of the same request.
    """

    offered: bool
    key: dict[str, Any] | None
    changed: bool
    twins: Sequence[int] = ()


class Keys(Protocol):
    """What the loop asks of the tenant: the keys of one member."""

    def listing(self) -> Listing:
        """The member and its keys, as they are now."""

    def create(self, other_than: list[int]) -> Made:
        """Make one key, unless there is one that has none of these ids.

        Raises an error of UNCERTAIN, or one that is `unclear`, if there may be a key whose private half nobody saw.
        """

    def delete(self, which: Mapping[str, Any]) -> bool:
        """Whether the tenant offers to delete keys at all."""

    def state(self, key: Mapping[str, Any]) -> str:
        """valid, refused or foreign."""

    def offers(self) -> bool:
        """Whether the tenant would make a key of a member that does not exist yet."""


class MemberKeys:
    """The keys of one member. run: runs a module of this collection at the tenant."""

    def __init__(self, run: Callable[..., dict[str, Any]], member: str, member_type: str, description: str) -> None:
        self._run, self._description = run, description
        self._owner = {"member": member, "member_type": member_type}

    @property
    def wanted(self) -> dict[str, Any]:
        """Options of cw_api_key for a key of the member."""
        return {**self._owner, "description": self._description, "on_unsupported": "manual"}

    def listing(self) -> Listing:
        found = self._run("cw_api_key_info", self._owner)
        # To that module, a member that does not exist may be a pattern of others.
        own = [key for key in found["api_keys"] if key["member"] == self._owner["member"]]
        return Listing(found["offered"], own, found["member_active"])

    def create(self, other_than: list[int]) -> Made:
        made = self._run(
            "cw_api_key",
            {**self.wanted, "other_than": other_than},
            check_mode=False,
        )
        key = made["api_key"] if made["api_key"].get("private_key") else None
        register((key or {}).get("private_key"))
        return Made(not made["pending"], key, made["changed"], made.get("twins") or [])

    def delete(self, which: Mapping[str, Any]) -> bool:
        options = {**self._owner, **which, "state": "absent", "on_unsupported": "manual"}
        return not self._run("cw_api_key", options, check_mode=False)["pending"]

    def state(self, key: Mapping[str, Any]) -> str:
        found = self._run(
            "cw_integration_info",
            {
                "member": {"identifier": self._owner["member"]},
                "member_type": self._owner["member_type"],
                "key_public": key["public_key"],
                "key_private": key.get("private_key"),
            },
        )
        state: str = found["integration"]["key"]
        return state

    def offers(self) -> bool:
        return not self._run("cw_api_key", self.wanted, check_mode=True)["pending"]
