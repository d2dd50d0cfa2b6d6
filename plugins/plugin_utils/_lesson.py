# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The first two steps on a tenant: preparing the scratch records and the choreography, and learning the recording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._client import Psa, Record
from ansible_collections.msp.connectwise.plugins.module_utils._customize import CUSTOMIZABLE, TABLE_SETUP
from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError
from ansible_collections.msp.connectwise.plugins.module_utils._permissions import Row
from ansible_collections.msp.connectwise.plugins.module_utils._resource import Names
from ansible_collections.msp.connectwise.plugins.plugin_utils import _choreography, _har
from ansible_collections.msp.connectwise.plugins.plugin_utils._learn_tenant import Lesson, learn
from ansible_collections.msp.connectwise.plugins.plugin_utils._prove_look import version_of
from ansible_collections.msp.connectwise.plugins.plugin_utils._scratch import Scratch

Plan = dict[str, Any]
FORMAT = 1


def settings(psa: Psa, role: int) -> list[Record]:
    return psa.list(f"/system/securityRoles/{role}/settings")


def list_records(psa: Psa) -> dict[str, list[Record]]:
    """What the tenant publishes of each Customize list."""
    names = Names(psa)
    return {one.identifier: names.records(one.source) for one in CUSTOMIZABLE if one.source}


def prepare(psa: Psa, tenant: str, nonce: str) -> Plan:
    """Scratch roles and members, and what a person is to do with them. Safe to do again with the same nonce."""
    scratch = Scratch(psa, nonce)
    roles = [scratch.role(word) for word in ("one", "two")]
    before = [settings(psa, int(role["id"])) for role in roles]
    rows = [[Row.from_record(record) for record in records] for records in before]
    records = list_records(psa)
    lists = [
        (one, [one.name_of(record) for record in records[one.identifier]])
        for one in CUSTOMIZABLE
        if one.source and any(row.key == one.key and row.customizable for row in rows[0])
    ]
    lists.sort(key=lambda pair: pair[0].function != TABLE_SETUP)
    members = [scratch.member(word, role) for word, role in zip("ab", roles, strict=True)]
    keys, deletes = _choreography.key_steps(nonce)
    return {
        "format": FORMAT,
        "nonce": nonce,
        "tenant": tenant,
        "company_id": psa.connection.company_id,
        "host": psa.connection.host,
        "version": version_of(psa),
        "roles": [{"id": role["id"], "name": role["name"]} for role in roles],
        "members": [{"id": one["id"], "identifier": one["identifier"]} for one in members],
        "saves": _choreography.saves(rows[0]),
        "lists": _choreography.list_saves(lists),
        "keys": keys,
        "deletes": deletes,
        "before": before,
    }


def hosts(psa: Psa) -> set[str]:
    """The hosts that a recording of this tenant may be of: the API's, and that of the web client beside it."""
    own = psa.connection.host.lower()
    site = str(psa.company_info().get("SiteUrl") or "").lower().removeprefix("https://").strip("/")
    found = {host for host in (own, site) if host}
    return found | {host.removeprefix("api-") for host in found}


def study(psa: Psa, plan: Plan, recordings: Sequence[str]) -> Lesson:
    """What the recordings teach. The scratch roles must be as the choreography leaves them."""
    if (plan["company_id"], plan["host"]) != (psa.connection.company_id, psa.connection.host):
        raise InputError(
            f"the choreography was made for {plan['company_id']} at {plan['host']}",
            remedy="learn on that tenant, or prepare this one",
        )
    lesson = _learned(psa, plan, recordings)
    _as_left(psa, plan)
    return lesson


def study_keys(psa: Psa, plan: Plan, recordings: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The halves of the keys that were made while it was recorded, by description."""
    return _learned(psa, plan, recordings).pairs


def _learned(psa: Psa, plan: Plan, recordings: Sequence[str]) -> Lesson:
    recording = _har.load(recordings, hosts(psa))
    rows = [[Row.from_record(record) for record in records] for records in plan["before"]]
    return learn(plan, recording, rows, list_records(psa))


def _as_left(psa: Psa, plan: Mapping[str, Any]) -> None:
    for number, role in enumerate(plan["roles"]):
        rows = [Row.from_record(record) for record in settings(psa, int(role["id"]))]
        wrong = _choreography.done(plan, rows, number)
        if wrong:
            raise InputError(
                f"the role {role['name']} is not as the choreography leaves it: {', '.join(wrong[:5])}",
                remedy="somebody changed it, or a step was left out or done otherwise: prepare and record again",
            )
