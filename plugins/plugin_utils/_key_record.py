# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of a key in the store: reading its parts and taking it from one state to the next. Pure but for secrets.

What a record holds is said in _key_life.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._connection import shown_key
from ansible_collections.msp.connectwise.plugins.module_utils._redact import register

Record = dict[str, Any]

# Clocks of two machines may differ by this much before the age of a key is not believed.
SKEW_DAYS = 1.0
SECONDS = 86400.0
# What a run does, in the words of _key_life.
KEYS_MADE = ("new API key", "given key stored")
_KEYS_GONE, _REPLACED_GONE = ("keys deleted", "record taken out"), "replaced keys deleted"
_HALVES = ("key_id", "public_key", "private_key")


def elapsed(moment: Any, now: datetime) -> float | None:
    """Seconds since a moment that a record names; negative when it lies ahead, None when it names none."""
    if not moment:
        return None
    try:
        then = datetime.fromisoformat(str(moment).replace("Z", "+00:00"))
    except ValueError:
        return None
    if then.tzinfo is None:
        then = then.replace(tzinfo=timezone.utc)
    return (now - then).total_seconds()


def age_days(created: str | None, now: datetime) -> float | None:
    """Age of a key in days; None when its creation is not known. One in the future (clock skew) counts as now."""
    seconds = elapsed(created, now)
    return None if seconds is None else max(0.0, seconds / SECONDS)


def clock_skew(created: str | None, now: datetime) -> str:
    """Why the age of a key is not to be believed; empty when it is."""
    seconds = elapsed(created, now)
    if seconds is None or seconds >= -SKEW_DAYS * SECONDS:
        return ""
    return (
        f"the key was created at {created}, and this machine's clock says {now.isoformat(timespec='seconds')}: "
        "one of two clocks is wrong, so the age of the key is not known. Set the clock right, or rotate the key now"
    )


def retired_keys(record: Record) -> list[Record]:
    return [dict(key) for key in record.get("retired") or []]


def working_keys(record: Record) -> list[Record]:
    """Return the replaced keys that still work, as far as the record tells."""
    return [key for key in retired_keys(record) if not key.get("refused")]


def shown_change(record: Record, done: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the stored key before and after a run, as a diff shows it: shortened, and no private half.

    record: before the run. done: what the run did, or in check mode what it would do, which gives the same diff: a key
    that does not exist yet has no public half to show.
    """
    current = record.get("current") or {}
    before: dict[str, Any] = {}
    if current.get("public_key"):
        created = f", created {str(current['created'])[:10]}" if current.get("created") else ""
        before["stored_key"] = f"{shown_key(current['public_key'])}{created}"
    after = {} if any(one.startswith(_KEYS_GONE) for one in done) else dict(before)
    if made := [one for one in done if one in KEYS_MADE]:
        after = {"stored_key": made[0]}
    if _REPLACED_GONE in done and (replaced := [shown_key(one.get("public_key")) for one in retired_keys(record)]):
        before["replaced_key"] = replaced
    if after == before:
        after["changes"] = list(done)
    return {"before": before, "after": after}


def _parts(record: Record) -> list[Record]:
    return [record.get("current") or {}, record.get("next") or {}, *retired_keys(record)]


def register_keys(record: Record) -> None:
    """Keep the private halves of a record out of what this process shows."""
    for key in _parts(record):
        register(key.get("private_key"))


def held_keys(record: Record) -> list[Record]:
    """Every key that the store accounts for: the current one, one on its way, and the replaced ones."""
    return [dict(key) for key in _parts(record) if key.get("public_key")]


def known_public_keys(record: Record) -> list[str]:
    return [str(key["public_key"]) for key in held_keys(record)]


def known_to(record: Record) -> set[Any]:
    """Ids and public keys that the store accounts for."""
    return {key.get(name) for key in _parts(record) for name in ("key_id", "public_key")} - {None}


def without_next(record: Record) -> Record:
    """The record without a key on its way; the current one stays."""
    return {name: value for name, value in record.items() if name != "next"}


def sent(record: Record, now: datetime) -> Record:
    """Return the record right before a request. From now on there may be a key that nobody saw."""
    intent = record["next"]
    counted = {"sent": requests(intent) + 1, "sent_at": now.isoformat(timespec="seconds")}
    return {**record, "next": {**intent, **counted}}


def requests(intent: Mapping[str, Any]) -> int:
    """Return how many requests may have made a key that nobody saw. Records of old versions do not tell."""
    return int(intent.get("sent") or 0)


def less_sent(record: Record, deleted: int) -> Record:
    """Return the record after so many of the keys that its requests have made were deleted."""
    intent = record["next"]
    return {**record, "next": {**intent, "sent": max(0, requests(intent) - deleted)}}


def leftover_keys(record: Record) -> list[Record]:
    return [dict(key) for key in record.get("leftover") or []]


def with_leftover(record: Record, keys: Iterable[Mapping[str, Any]], now: datetime) -> Record:
    """Return the record without its intent, with the keys that a person has to judge."""
    since = now.isoformat(timespec="seconds")
    named = [{"key_id": key.get("id"), "public_key": key.get("public_key"), "since": since} for key in keys]
    return only_leftover(without_next(record), [*leftover_keys(record), *named])


def only_leftover(record: Record, left: Sequence[Mapping[str, Any]]) -> Record:
    result = {name: value for name, value in record.items() if name != "leftover"}
    return {**result, "leftover": [dict(key) for key in left]} if left else result


def revised(record: Record, before: Record, writer: str) -> Record:
    """Return the record with a revision that no other write has. before: what it replaces."""
    count = str(before.get("revision") or "").partition("-")[0]
    return {**record, "revision": f"{int(count) + 1 if count.isdecimal() else 1}-{writer}"}


def created(record: Record, key: Mapping[str, Any], now: datetime) -> Record:
    """The record with the key that was just made. key: {id, public_key, private_key}."""
    kept = ("owner", "started", "refused")
    intent = {name: value for name, value in (record.get("next") or {}).items() if name in kept}
    made = {
        **intent,
        "state": "created",
        "key_id": key.get("id"),
        "public_key": key.get("public_key"),
        "private_key": key.get("private_key"),
        "created": now.isoformat(timespec="seconds"),
    }
    return {**record, "next": made}


def promoted(record: Record, now: datetime) -> Record:
    """The record after the new key was proven: it is the current one, and the one before it has to go."""
    made, old = record["next"], record.get("current") or {}
    moment = now.isoformat(timespec="seconds")
    result = {name: value for name, value in record.items() if name not in ("next", "retired")}
    result["current"] = {**{name: made.get(name) for name in (*_HALVES, "created")}, "verified": moment}
    retired = retired_keys(record)
    if old:
        refused = {"refused": True} if made.get("refused") else {}
        retired.append({**{name: old.get(name) for name in _HALVES}, "since": moment, **refused})
    # The same key once more, its private half corrected by a person: it must not be deleted as its own predecessor.
    retired = [key for key in retired if key.get("public_key") != made.get("public_key")]
    if retired:
        result["retired"] = retired
    return result


def settled(record: Record, public_keys: Iterable[str]) -> Record:
    """The record after these retired keys were deleted."""
    gone = set(public_keys)
    left = [key for key in retired_keys(record) if key.get("public_key") not in gone]
    result = {name: value for name, value in record.items() if name != "retired"}
    return {**result, "retired": left} if left else result


def given(record: Record, key: Mapping[str, Any], now: datetime, *, refused: bool = False) -> Record:
    """The record with a proven key that a person has made, as the current one. refused: whether the one before is.

    The intent of an interrupted run stays, from which the next run deletes what that one has left.
    """
    made = {"id": key.get("id"), "public_key": key["public_key"], "private_key": key["private_key"]}
    before = {**without_next(record), **({"next": {"refused": True}} if refused else {})}
    result = promoted(created(before, made, now), now)
    return {**result, "next": record["next"]} if record.get("next") else result
