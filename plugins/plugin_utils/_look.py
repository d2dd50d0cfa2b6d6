# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a look at one integration on one tenant found. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.msp.connectwise.plugins.module_utils._connection import shown_key
from ansible_collections.msp.connectwise.plugins.plugin_utils._binding import Binding
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_record import Record, working_keys
from ansible_collections.msp.connectwise.plugins.plugin_utils._profile import Key
from ansible_collections.msp.connectwise.plugins.plugin_utils._status import partial_table
from ansible_collections.msp.connectwise.plugins.plugin_utils._stores import Store

UNCHANGED, CONVERGE = "unchanged", "converge"


class Run(Protocol):
    """Runs a module of this collection at the tenant."""

    def __call__(self, module: str, options: Mapping[str, Any], *, check_mode: bool | None = None) -> dict[str, Any]:
        """Its result. Raises PsaError if it failed."""


@dataclass(frozen=True)
class Site:
    """One tenant as a run sees it. own_key: the public key that the run works with. company_id: as connected.

    binding: the host that its keys are bound to.
    """

    name: str
    run: Run
    company_id: str
    own_key: str
    check_mode: bool
    binding: Binding = field(default_factory=Binding)


@dataclass
class KeyLook:
    """What a look found of one key of an integration. found: the integration value of cw_integration_info."""

    key: Key
    store: Store
    record: Record
    found: dict[str, Any]
    report: dict[str, Any] = field(default_factory=dict)


@dataclass
class Look:
    """What a look found of an integration, and what is left to do."""

    work: str
    keys: list[KeyLook] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def hides_rights(key_look: KeyLook) -> bool:
    """Return whether a tenant accepts the key of an API member and does not show its rights."""
    access = key_look.found.get("access")
    return key_look.found["key"] == "valid" and access is not None and not access["member"]


def as_planned(key_look: KeyLook, *, wanted: bool) -> dict[str, Any]:
    """Return what the steps and the report are told of a key."""
    current = key_look.record.get("current") or {}
    return {
        "member": key_look.key.member,
        "member_type": key_look.key.member_type,
        "description": key_look.key.description,
        "record": key_look.key.record,
        "place": key_look.store.place,
        "wanted": wanted,
        "found": key_look.found,
        "report": key_look.report,
        "key": {name: current[name] for name in ("public_key", "created") if current.get(name)},
        "retired": [
            {"public_key": shown_key(key["public_key"]), "since": key.get("since")}
            for key in working_keys(key_look.record)
        ],
    }


def worth_knowing(found: Mapping[str, Any], about: Mapping[str, Any]) -> list[str]:
    """Return what a report on keys says beside its findings: what is not verified, and that the profile is partial."""
    lines = [*(found.get("notes") or []), *((found.get("access") or {}).get("unverified") or [])]
    if part := partial_table(about):
        lines.append(f"the profile holds a part of the vendor's page ({part}): the vendor may need more rights")
    return lines
