# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filters that plan the life of an integration's key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any

from ansible_collections.msp.connectwise.plugins.plugin_utils import _key_life
from ansible_collections.msp.connectwise.plugins.plugin_utils._run import is_alive, this_run


def _now() -> datetime:
    return datetime.now(timezone.utc)


def key_plan(
    record: Mapping[str, Any] | None, found: Mapping[str, Any], listed: Mapping[str, Any], **wish: Any
) -> dict[str, Any]:
    facts = _key_life.Facts(found["key"], listed.get("offered"), listed.get("api_keys") or [])
    plan = _key_life.plan(dict(record or {}), facts, _key_life.Wish(**wish), this_run(), _now(), is_alive)
    return plan.as_dict()


def key_created(record: Mapping[str, Any], key: Mapping[str, Any]) -> dict[str, Any]:
    return _key_life.created(dict(record), key, _now())


def key_promoted(record: Mapping[str, Any]) -> dict[str, Any]:
    return _key_life.promoted(dict(record), _now())


def key_settled(record: Mapping[str, Any]) -> dict[str, Any]:
    return _key_life.settled(dict(record))


def key_given(record: Mapping[str, Any], key: Mapping[str, Any]) -> dict[str, Any]:
    return _key_life.given(dict(record), key, _now())


def key_given_up(record: Mapping[str, Any]) -> dict[str, Any]:
    return _key_life.given_up(dict(record))


def key_due(record: Mapping[str, Any] | None, rotate: bool, max_age_days: float) -> bool:
    return _key_life.is_due(dict(record or {}), rotate, max_age_days, _now())


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {
            "key_plan": key_plan,
            "key_created": key_created,
            "key_promoted": key_promoted,
            "key_settled": key_settled,
            "key_given": key_given,
            "key_given_up": key_given_up,
            "key_due": key_due,
        }
