# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The life of an integration's key, as a pure plan: what the store and the tenant say -> what to do next.

A record of the store (one integration on one tenant):

  version   counts the writes; a write names the version it has read (check and set)
  vendor, company_id, member, member_type, description: whose key it is
  current   the key that works: {key_id, public_key, private_key, created, verified}
  next      the key on its way: {state: intent, known: [public keys], known_ids: [ids] (what was there before), owner,
            started}; once it was made: {state: created, key_id, public_key, private_key, created, owner, started}
  retired   the keys that were replaced and are to be deleted: [{key_id, public_key, private_key, since}]

The order that loses nothing: write the intent -> create -> write the key -> read back -> check it -> make it current
-> delete the retired ones. A run that dies in between leaves a record from which the next run knows what happened.
A retired key keeps its private half until it is gone: only with it can be seen that a person has deleted it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._manual import Step, create_key, store_key
from ansible_collections.msp.connectwise.plugins.module_utils._names import same

Record = dict[str, Any]
Alive = Callable[[Mapping[str, Any]], "bool | None"]

# Clocks of two machines may differ by this much before the age of a key is not believed.
SKEW_DAYS = 1.0
_SECONDS = 86400.0


class KeyLifeError(Exception):
    """The record cannot be judged; says why and what to do."""


@dataclass(frozen=True)
class Facts:
    """What is known when the plan is made.

    state: of the stored current key: valid, refused, foreign or none. offered: whether the tenant lists and makes keys
    (None: there is no member yet). keys: what the member has, each {id, description, public_key}. active: is it?
    """

    state: str
    offered: bool | None
    keys: Sequence[Mapping[str, Any]] = ()
    active: bool = True


@dataclass(frozen=True)
class Wish:
    """What the user asks for. lease: seconds an unfinished creation of another machine is respected."""

    member: str
    member_type: str
    description: str
    rotate: bool = False
    max_age_days: float = 0
    grace_days: float = 0
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


def _elapsed(moment: Any, now: datetime) -> float | None:
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
    seconds = _elapsed(created, now)
    return None if seconds is None else max(0.0, seconds / _SECONDS)


def clock_skew(created: str | None, now: datetime) -> str:
    """Why the age of a key is not to be believed; empty when it is."""
    seconds = _elapsed(created, now)
    if seconds is None or seconds >= -SKEW_DAYS * _SECONDS:
        return ""
    return (
        f"the key was created at {created}, and this machine's clock says {now.isoformat(timespec='seconds')}: "
        "one of two clocks is wrong, so the age of the key is not known. Set the clock right, or rotate the key now"
    )


def busy(record: Record, me: Mapping[str, Any], lease: float, now: datetime, alive: Alive) -> str:
    """Why an unfinished creation must be left alone; empty when there is none, or when it may be taken over."""
    unfinished = record.get("next") or {}
    owner = unfinished.get("owner") or {}
    if not owner or owner == dict(me):
        return ""
    running = alive(owner)
    if running is False:
        return ""
    seconds = _elapsed(unfinished.get("started"), now)
    if running is None and (seconds is None or seconds >= lease):
        return ""
    who = f"process {owner.get('pid')} on {owner.get('host')}, since {unfinished.get('started')}"
    return (
        f"another run ({who}) is creating this key; wait until it has ended, then run again. "
        "If that machine is gone, set integration_lease: 0"
    )


def mismatch(record: Record, vendor: str, member: str, company_id: str) -> str:
    """Why a record is not the one of this integration on this tenant; empty when it is."""
    if not record:
        return ""
    wanted = {"company_id": company_id, "vendor": vendor, "member": member}
    for name, value in wanted.items():
        held = record.get(name)
        if value and held and not same(str(held), value):
            return _of_another(name, str(held), value)
    return ""


def _of_another(name: str, held: str, value: str) -> str:
    what = {"company_id": "company", "vendor": "integration", "member": "member"}[name]
    message = (
        f"the key store's record belongs to the {what} {held}, and this run is for {value}; nothing was changed. "
        "Correct the inventory, or what names the place in the store (integration_store_tenant, the path)"
    )
    if name != "company_id":
        message += (
            ". Was it renamed? Then run playbooks/offboard.yml under the old name first, or delete this record to "
            f"begin anew with {value}"
        )
    return message


def retired_keys(record: Record) -> list[Record]:
    return [dict(key) for key in record.get("retired") or []]


def known_public_keys(record: Record) -> list[str]:
    """Public halves of every key that the store accounts for."""
    keys = [record.get("current") or {}, record.get("next") or {}, *retired_keys(record)]
    return [str(key["public_key"]) for key in keys if key.get("public_key")]


def _known(record: Record) -> set[Any]:
    """Ids and public keys that the store accounts for."""
    keys = [record.get("current") or {}, record.get("next") or {}, *retired_keys(record)]
    return {key.get(name) for key in keys for name in ("key_id", "public_key")} - {None}


def _is_known(key: Mapping[str, Any], known: set[Any]) -> bool:
    return key.get("id") in known or key.get("public_key") in known


def _fitting(record: Record, keys: Iterable[Mapping[str, Any]], wish: Wish) -> list[Mapping[str, Any]]:
    """The member's keys with this integration's description, also with the one it had when the record was written."""
    names = [wish.description, *([str(record["description"])] if record.get("description") else [])]
    return [key for key in keys if any(same(str(key.get("description")), name) for name in names)]


def orphans_of(record: Record, keys: Iterable[Mapping[str, Any]], wish: Wish) -> list[int]:
    """Ids of the keys that an interrupted creation has left, and whose private half nobody has."""
    unfinished = record.get("next") or {}
    if not unfinished:
        return []
    before = {*(unfinished.get("known") or []), *(unfinished.get("known_ids") or [])}
    return [int(key["id"]) for key in _fitting(record, keys, wish) if not _is_known(key, before | _known(record))]


def needs_new_key(record: Record, state: str, wish: Wish, now: datetime) -> bool:
    current = record.get("current") or {}
    if not current:
        return True
    if state == "refused":
        return wish.heal or wish.rotate
    if state == "foreign":
        return False
    if wish.rotate or not wish.max_age_days:
        return wish.rotate
    if problem := clock_skew(current.get("created"), now):
        raise KeyLifeError(problem)
    age = age_days(current.get("created"), now)
    return age is not None and age > wish.max_age_days


def ripe(record: Record, grace_days: float, now: datetime) -> list[Record]:
    """The retired keys whose time is up: they are kept `grace_days` for a vendor that does not know the new one yet."""
    if not record.get("current"):
        return []
    keys = retired_keys(record)
    return [key for key in keys if grace_days <= 0 or (_elapsed(key.get("since"), now) or 0.0) >= grace_days * _SECONDS]


def plan(record: Record, facts: Facts, wish: Wish, me: Mapping[str, Any], now: datetime, alive: Alive) -> Plan:
    """The next step in the life of a key."""
    record = {**record}
    unfinished = record.get("next") or {}
    if reason := busy(record, me, wish.lease, now, alive):
        return Plan("stop", record, message=reason)
    if unfinished.get("state") == "created":
        return Plan("check", record)
    if facts.state == "foreign":
        return Plan("stop", record, message=_foreign(record, wish))
    known = _known(record)
    fitting = _fitting(record, facts.keys, wish)
    orphans = orphans_of(record, facts.keys, wish)
    if unfinished:
        del record["next"]
    if not needs_new_key(record, facts.state, wish, now):
        if facts.state == "refused":
            return Plan("stop", record, orphans, message=_refused(record, wish, facts))
        if unfinished or ripe(record, wish.grace_days, now):
            return Plan("clean", record, orphans)
        return Plan("nothing", record)
    if wish.member_type == "member" and (facts.offered is None or not facts.active):
        what = "does not exist" if facts.offered is None else "is inactive, and no key of such a member works"
        message = f"the member {wish.member} {what}; correct the list of members, or the member in System > Members"
        return Plan("stop", record, orphans, message=message)
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
    moment = now.isoformat(timespec="seconds")
    result = {name: value for name, value in record.items() if name not in ("next", "retired")}
    result["current"] = {**{name: made.get(name) for name in fields}, "verified": moment}
    retired = retired_keys(record)
    if old:
        retired.append({"key_id": old.get("key_id"), "public_key": old.get("public_key"),
                        "private_key": old.get("private_key"), "since": moment})  # fmt: skip
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


def given(record: Record, key: Mapping[str, Any], now: datetime) -> Record:
    """The record with a proven key that a person has made, as the current one.

    The intent of an interrupted run stays, from which the next run deletes what that one has left.
    """
    before = {name: value for name, value in record.items() if name != "next"}
    result = promoted(created(before, {"id": None, **key}, now), now)
    return {**result, "next": record["next"]} if record.get("next") else result


def given_for(given: Iterable[Mapping[str, Any]], member: str, tenants: Iterable[str]) -> list[Record]:
    """The keys in a person's file that are this member's on this tenant; without a tenant they are every tenant's."""
    names = list(tenants)
    mine = [dict(key) for key in given if same(str(key.get("member") or ""), member)]
    anywhere = [key for key in mine if not key.get("tenant")]
    return anywhere + [key for key in mine if any(same(str(key.get("tenant") or ""), name) for name in names)]


def given_up(record: Record) -> Record:
    """The record without a new key that does not work; the current one stays."""
    return {name: value for name, value in record.items() if name != "next"}


def is_due(record: Record, rotate: bool, max_age_days: float, grace_days: float, now: datetime) -> bool:
    """Whether the key needs work although it is valid: an unfinished step, or its rotation."""
    if record.get("next") or ripe(record, grace_days, now):
        return True
    return needs_new_key(record, "valid", Wish("", "", "", rotate=rotate, max_age_days=max_age_days), now)


def _foreign(record: Record, wish: Wish) -> str:
    public = (record.get("current") or {}).get("public_key")
    return (
        f"the stored key {public} authenticates, but does not belong to the member {wish.member}. Nothing was changed. "
        "Correct the stored key with playbooks/store_key.yml, or delete it from the store to have a new one made"
    )


def why_refused(record: Record, facts: Facts) -> str:
    """What the tenant's list of keys and the member's record say about a stored key that is refused."""
    public = (record.get("current") or {}).get("public_key")
    if facts.offered and not any(key.get("public_key") == public for key in facts.keys):
        return "it was deleted in ConnectWise PSA"
    if not facts.active:
        return "its member is inactive"
    if facts.offered:
        return "it is still listed there, so the private key in the store is not the right one"
    return "it was deleted in ConnectWise PSA, or the private key in the store is not the right one"


def _refused(record: Record, wish: Wish, facts: Facts) -> str:
    public = (record.get("current") or {}).get("public_key")
    remedy = "Set integration_heal: true to have a new key made and stored, then enter it at the vendor"
    if not facts.active and wish.member_type == "member":
        remedy = "Activate the member in System > Members, or take it off the list of members"
    return f"the tenant refuses the stored key {public} of {wish.member}: {why_refused(record, facts)}. {remedy}"
