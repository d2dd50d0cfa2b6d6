# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The life of an integration's key, as a pure plan: what the store and the tenant say -> what to do next.

A record of the store (one integration on one tenant):

  version   counts the writes; a write names the version it has read (check and set)
  vendor, company_id, host, member, member_type, description
  current   the key that works: {key_id, public_key, private_key, created, verified}
  next      the key on its way: {state: intent, known: [public keys], known_ids: [ids] (what was there before), owner, started}
            and, once it was created: {state: created, key_id, public_key, private_key, created, owner}
  retired   the key that `next` replaced and that has to be deleted: {key_id, public_key}

The order that loses nothing: write the intent -> create -> write the key -> read back -> check it -> make it current
-> delete the retired one. A run that dies in between leaves a record from which the next run knows what happened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._manual import Step, create_key, store_key
from ansible_collections.msp.connectwise.plugins.module_utils._names import same

Record = dict[str, Any]
Alive = Callable[[Mapping[str, Any]], "bool | None"]


@dataclass(frozen=True)
class Facts:
    """What is known when the plan is made.

    state: of the stored current key: valid, refused, foreign or none. offered: whether the tenant lists and makes keys
    (None: there is no member yet). keys: what the member has, each {id, description, public_key}.
    """

    state: str
    offered: bool | None
    keys: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Wish:
    """What the user asks for. lease: seconds an unfinished creation of another machine is respected."""

    member: str
    member_type: str
    description: str
    rotate: bool = False
    max_age_days: float = 0
    heal: bool = False
    beside: bool = False
    lease: float = 900.0


@dataclass
class Plan:
    """do: nothing, stop, manual, clean, create or check (a key that was created and not yet proven)."""

    do: str
    record: Record
    orphans: list[int] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    message: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "do": self.do,
            "record": self.record,
            "orphans": self.orphans,
            "steps": self.steps,
            "message": self.message,
        }


def age_days(created: str | None, now: datetime) -> float | None:
    """Age of a key in days; None when its creation is not known. A creation in the future counts as now (clock skew)."""
    if not created:
        return None
    try:
        moment = datetime.fromisoformat(created.replace("Z", "+00:00"))
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0.0, (now - moment).total_seconds() / 86400)


def _busy(unfinished: Mapping[str, Any], me: Mapping[str, Any], wish: Wish, now: datetime, alive: Alive) -> str:
    """Why an unfinished creation must be left alone; empty when it may be taken over."""
    owner = unfinished.get("owner") or {}
    if not owner or owner == dict(me):
        return ""
    running = alive(owner)
    if running is False:
        return ""
    age = age_days(unfinished.get("started"), now)
    if running is None and (age is None or age * 86400 >= wish.lease):
        return ""
    who = f"process {owner.get('pid')} on {owner.get('host')}, since {unfinished.get('started')}"
    return (
        f"another run ({who}) is creating this key; wait until it has ended, then run again. "
        "If that machine is gone, set integration_lease: 0"
    )


def _known(record: Record) -> set[Any]:
    """Ids and public keys that the store accounts for."""
    found: set[Any] = set()
    for part in ("current", "retired", "next"):
        key = record.get(part) or {}
        found |= {key.get("key_id"), key.get("public_key")} - {None}
    return found


def _is_known(key: Mapping[str, Any], known: set[Any]) -> bool:
    return key.get("id") in known or key.get("public_key") in known


def needs_new_key(record: Record, state: str, wish: Wish, now: datetime) -> bool:
    current = record.get("current") or {}
    if not current:
        return True
    if state == "refused":
        return wish.heal or wish.rotate
    if state == "foreign":
        return False
    age = age_days(current.get("created"), now)
    return wish.rotate or bool(wish.max_age_days and age is not None and age > wish.max_age_days)


def plan(record: Record, facts: Facts, wish: Wish, me: Mapping[str, Any], now: datetime, alive: Alive) -> Plan:
    """The next step in the life of a key."""
    record = {**record}
    unfinished = record.get("next") or {}
    if unfinished:
        busy = _busy(unfinished, me, wish, now, alive)
        if busy:
            return Plan("stop", record, message=busy)
    if unfinished.get("state") == "created":
        return Plan("check", record)
    if facts.state == "foreign":
        return Plan("stop", record, message=_foreign(record, wish))
    known = _known(record)
    fitting = [key for key in facts.keys if same(str(key.get("description")), wish.description)]
    orphans = []
    if unfinished:
        before = {*(unfinished.get("known") or []), *(unfinished.get("known_ids") or [])}
        orphans = [int(key["id"]) for key in fitting if not _is_known(key, before | known)]
        del record["next"]
    if not needs_new_key(record, facts.state, wish, now):
        if facts.state == "refused":
            return Plan("stop", record, orphans, message=_refused(record, wish))
        if unfinished or record.get("retired"):
            return Plan("clean", record, orphans)
        return Plan("nothing", record)
    if facts.offered is None and wish.member_type == "member":
        return Plan("stop", record, orphans, message=f"the member {wish.member} does not exist in System > Members")
    if facts.offered is False:
        step = create_key(wish.member, wish.member_type, wish.description)
        return Plan("manual", record, orphans, [step])
    strangers = [key for key in fitting if int(key["id"]) not in orphans and not _is_known(key, known)]
    if strangers and not record.get("current") and not wish.beside:
        step = store_key(wish.member, wish.member_type, wish.description, [str(key["public_key"]) for key in strangers])
        return Plan("manual", record, orphans, [step])
    remaining = [key for key in facts.keys if int(key["id"]) not in orphans]
    record["next"] = {
        "state": "intent",
        "known": sorted({str(key["public_key"]) for key in remaining if key.get("public_key")}),
        "known_ids": sorted(int(key["id"]) for key in remaining),
        "owner": dict(me),
        "started": now.isoformat(timespec="seconds"),
    }
    return Plan("create", record, orphans)


def created(record: Record, key: Mapping[str, Any], now: datetime) -> Record:
    """The record with the key that was just made."""
    made = {
        **(record.get("next") or {}),
        "state": "created",
        "key_id": key.get("id"),
        "public_key": key.get("public_key"),
        "private_key": key.get("private_key"),
        "created": now.isoformat(timespec="seconds"),
    }
    made.pop("known", None)
    made.pop("known_ids", None)
    return {**record, "next": made}


def promoted(record: Record, now: datetime) -> Record:
    """The record after the new key was proven: it is the current one, and the one before it has to go."""
    made, old = record["next"], record.get("current") or {}
    fields = ("key_id", "public_key", "private_key", "created")
    result = {name: value for name, value in record.items() if name != "next"}
    result["current"] = {**{name: made.get(name) for name in fields}, "verified": now.isoformat(timespec="seconds")}
    if old:
        result["retired"] = {"key_id": old.get("key_id"), "public_key": old.get("public_key")}
    return result


def settled(record: Record) -> Record:
    """The record after the retired key was deleted."""
    return {name: value for name, value in record.items() if name != "retired"}


def given(record: Record, key: Mapping[str, Any], now: datetime) -> Record:
    """The record with a key that a person made; it becomes current once it is proven."""
    return created({name: value for name, value in record.items() if name != "next"}, {"id": None, **key}, now)


def given_up(record: Record) -> Record:
    """The record without a new key that does not work; the current one stays."""
    return {name: value for name, value in record.items() if name != "next"}


def is_due(record: Record, rotate: bool, max_age_days: float, now: datetime) -> bool:
    """Whether the key needs work although it is valid: an unfinished step, or its rotation."""
    if record.get("next") or record.get("retired"):
        return True
    return needs_new_key(record, "valid", Wish("", "", "", rotate=rotate, max_age_days=max_age_days), now)


def _foreign(record: Record, wish: Wish) -> str:
    public = (record.get("current") or {}).get("public_key")
    return (
        f"the stored key {public} authenticates, but does not belong to the member {wish.member}. Nothing was changed. "
        "Correct the stored key with playbooks/store_key.yml, or delete it from the store to have a new one made"
    )


def _refused(record: Record, wish: Wish) -> str:
    public = (record.get("current") or {}).get("public_key")
    return (
        f"the tenant refuses the stored key {public} of {wish.member}: it was deleted in ConnectWise PSA, or its member is "
        "inactive. Set integration_heal: true to have a new key made and stored, then enter it at the vendor"
    )
