# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filters that plan the life of an integration's key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.msp.connectwise.plugins.plugin_utils import _key_life, _key_report
from ansible_collections.msp.connectwise.plugins.plugin_utils._run import is_alive, this_run

Stored = Mapping[str, Any] | None


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _facts(found: Mapping[str, Any], listed: Mapping[str, Any]) -> _key_life.Facts:
    active = bool((found.get("member") or {}).get("active", True))
    return _key_life.Facts(found["key"], listed.get("offered"), listed.get("api_keys") or [], active)


def key_plan(
    record: Stored, found: Mapping[str, Any], listed: Mapping[str, Any], part: str = "", **wish: Any
) -> dict[str, Any]:
    facts = _facts(found, listed)
    try:
        plan = _key_life.plan(dict(record or {}), facts, _key_life.Wish(**wish), this_run(part), _now(), is_alive)
    except _key_life.KeyLifeError as problem:
        raise AnsibleFilterError(str(problem)) from None
    return plan.as_dict()


def key_problem(record: Stored, vendor: str, member: str, company_id: str, lease: float, part: str = "") -> str:
    stored = dict(record or {})
    return _key_life.mismatch(stored, vendor, member, company_id) or _key_life.busy(
        stored, this_run(part), lease, _now(), is_alive
    )


def key_created(record: Mapping[str, Any], key: Mapping[str, Any]) -> dict[str, Any]:
    return _key_life.created(dict(record), key, _now())


def key_promoted(record: Mapping[str, Any]) -> dict[str, Any]:
    return _key_life.promoted(dict(record), _now())


def key_settled(record: Mapping[str, Any], public_keys: Iterable[str]) -> dict[str, Any]:
    return _key_life.settled(dict(record), public_keys)


def key_given(record: Mapping[str, Any], key: Mapping[str, Any]) -> dict[str, Any]:
    return _key_life.given(dict(record), key, _now())


def key_given_for(given: Iterable[Mapping[str, Any]], member: str, tenants: Iterable[str]) -> list[dict[str, Any]]:
    return _key_life.given_for(given, member, tenants)


def key_orphans(record: Stored, listed: Mapping[str, Any], member: str, description: str) -> list[int]:
    wish = _key_life.Wish(member, "", description)
    return _key_life.orphans_of(dict(record or {}), listed.get("api_keys") or [], wish)


def key_given_up(record: Mapping[str, Any]) -> dict[str, Any]:
    return _key_life.given_up(dict(record))


def key_due(record: Stored, rotate: bool, max_age_days: float, grace_days: float = 0) -> bool:
    try:
        return _key_life.is_due(dict(record or {}), rotate, max_age_days, grace_days, _now())
    except _key_life.KeyLifeError as problem:
        raise AnsibleFilterError(str(problem)) from None


def key_ripe(record: Stored, grace_days: float = 0) -> list[dict[str, Any]]:
    return _key_life.ripe(dict(record or {}), grace_days, _now())


def key_known(record: Stored) -> list[str]:
    return _key_life.known_public_keys(dict(record or {}))


def key_report(
    record: Stored,
    found: Mapping[str, Any],
    listed: Mapping[str, Any],
    place: str,
    problem: str = "",
    **wish: Any,
) -> dict[str, Any]:
    facts, wanted = _facts(found, listed), _key_life.Wish(**wish)
    return _key_report.report(dict(record or {}), facts, wanted, found.get("access"), place, problem, _now())


def key_report_text(reports: Mapping[str, Mapping[str, Any]], tenant: str) -> str:
    return _key_report.text(reports, tenant)


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "key_plan": key_plan,
            "key_problem": key_problem,
            "key_created": key_created,
            "key_promoted": key_promoted,
            "key_settled": key_settled,
            "key_given": key_given,
            "key_given_for": key_given_for,
            "key_given_up": key_given_up,
            "key_orphans": key_orphans,
            "key_due": key_due,
            "key_ripe": key_ripe,
            "key_known": key_known,
            "key_report": key_report,
            "key_report_text": key_report_text,
        }
