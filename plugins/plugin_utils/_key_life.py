# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The life of an integration's key as one function: what the store and the tenant say -> what to do next.

A record of the store (one key of one integration on one tenant):

  version   counts the writes of a store that compares versions; a write names the version it has read
  revision  names one write: a counter and the run that wrote. Of another run's write it is always another one
  vendor, company_id, host, member, member_type, description: whose key it is
  current   the key that works: {key_id, public_key, private_key, created, verified}
  next      the key on its way: {state: intent, known: [public keys], known_ids: [ids] (what was there before), owner,
            started, sent (requests that may have made a key nobody saw), sent_at}; once it was made: {state: created,
            key_id, public_key, private_key, created, owner, started}; in both, refused: whether the tenant refuses the
            current key, which then has no days of grace
  retired   the keys that were replaced and are to be deleted: [{key_id, public_key, private_key, since, refused}]
  leftover  keys that a dead run of this store or somebody else has made, for a person: [{key_id, public_key, since}]

The order that loses nothing: write the intent -> write that the request is sent -> create -> write the key -> read
back -> check it -> make it current
-> delete the retired ones. All that a turn has to remember is in the record, so a run is a loop of turns, and a run
after a crash is the same loop. A retired key keeps its private half until it is gone: only with it can be seen that a
person has deleted it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._manual import (
    Step,
    create_key,
    delete_key,
    leftover_key,
    own_key,
    store_key,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_facts import (
    REFUSED,
    Alive,
    Facts,
    KeyLifeError,
    Wish,
    are_ours,
    are_swapped,
    busy,
    fitting,
    given_for,
    is_due,
    is_known,
    mismatch,
    misplaced,
    needs_new_key,
    not_moved,
    open_requests,
    orphans_of,
    refusal,
    refused_problem,
    ripe,
    still_left,
    swapped,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_record import (
    Record,
    given,
    held_keys,
    known_to,
    leftover_keys,
    less_sent,
    only_leftover,
    promoted,
    requests,
    settled,
    with_leftover,
    without_next,
)

__all__ = [
    "REFUSED",
    "Alive",
    "Facts",
    "KeyLifeError",
    "Record",
    "Turn",
    "Wish",
    "busy",
    "given_for",
    "is_due",
    "mismatch",
    "misplaced",
    "needs_new_key",
    "not_moved",
    "orphans_of",
    "refusal",
    "ripe",
    "swapped",
    "to_ask",
    "turn",
]

_FORGOTTEN = "record taken out of the key store"


@dataclass(frozen=True)
class Turn:
    """do: rest (nothing is left to do), intend (write that a key is about to be made), write, create, delete or forget
    (take the record out of the store).

    does: what a person calls it; empty for what is of no interest. keys: which ones, as options of cw_api_key. record:
    what to store after the act. steps: what is left to a person. message: if not empty, the run fails with it in the
    end.
    """

    do: str
    does: str = ""
    keys: Mapping[str, Any] = field(default_factory=dict)
    record: Record | None = None
    steps: list[Step] = field(default_factory=list)
    message: str = ""


def turn(record: Record, facts: Facts, wish: Wish, me: Mapping[str, Any], now: datetime, alive: Alive) -> Turn:
    """What happens next: at most one act at the tenant, and one write to the store. Raises KeyLifeError."""
    found = _turn(record, facts, wish, me, now, alive)
    left = still_left(record, facts, wish)
    if found.do != "rest" or not record.get("leftover"):
        return found
    if left != leftover_keys(record):
        return Turn("write", record=only_leftover(record, left))
    return replace(found, steps=[*found.steps, _judge(left, wish)])


def _judge(left: Sequence[Mapping[str, Any]], wish: Wish) -> Step:
    public = [str(key["public_key"]) for key in left]
    return leftover_key(wish.member, wish.member_type, wish.description, public, wish.ad_hoc)


def _turn(record: Record, facts: Facts, wish: Wish, me: Mapping[str, Any], now: datetime, alive: Alive) -> Turn:
    if reason := mismatch(record, wish) or busy(record, me, wish.lease, now, alive):
        raise KeyLifeError(reason)
    if reason := not_moved(record, wish, facts.state(record.get("current") or {})):
        raise KeyLifeError(reason)
    if wish.given and not wish.absent:
        return _given(record, facts, wish, now)
    # A key that is deleted says no more whose it was.
    valid = facts.state(record.get("current") or {}) == "valid"
    if (wish.unbound(record) and valid) if wish.absent else wish.moves(record):
        return Turn("write", f"stored key bound to the host {wish.binding.bound}", record=record)
    if wish.absent:
        return _absent(record, facts, wish, me, now)
    return _wanted(record, facts, wish, me, now)


def _wanted(record: Record, facts: Facts, wish: Wish, me: Mapping[str, Any], now: datetime) -> Turn:
    """What happens next to a key that is to be there and that is this tenant's."""
    unfinished = record.get("next") or {}
    mine = unfinished.get("owner") == dict(me)
    if unfinished.get("state") == "created":
        return _proven(record, facts, wish, now, mine)
    if facts.state(record.get("current") or {}) == "foreign":
        raise KeyLifeError(_foreign(record, wish))
    if orphans := orphans_of(record, facts.keys, wish):
        return _left_behind(record, orphans, facts, wish, me, now)
    if not needs_new_key(record, facts, wish, now):
        return _kept(record, facts, wish, now)
    if not mine and (blocked := _blocked(record, facts, wish)):
        return blocked
    if mine and facts.offered is not False:
        return Turn("create", "new API key", {"other_than": unfinished["known_ids"]}, record)
    if facts.offered is False:
        return _by_hand(record, wish)
    return Turn("intend", "new API key", record=_with_intent(record, facts, me, now, wish.lease))


def _left_behind(
    record: Record, orphans: Sequence[int], facts: Facts, wish: Wish, me: Mapping[str, Any], now: datetime
) -> Turn:
    """Delete what this store's runs have made for certain, and name what may be somebody else's."""
    unfinished = record["next"]
    if are_ours(record, orphans, me, wish.lease, now):
        done = "leftover keys of an interrupted run deleted"
        return Turn("delete", done, {"key_ids": list(orphans)}, less_sent(record, len(orphans)))
    if unfinished.get("owner") == dict(me) and not requests(unfinished):
        message = f"somebody else has just made a key of {wish.member}; it was left alone. Run again"
        return Turn("write", record=without_next(record), message=message)
    return Turn("write", record=with_leftover(record, [key for key in facts.keys if key["id"] in orphans], now))


def to_ask(record: Record, offered: bool | None, wish: Wish) -> list[Record]:
    """The keys whose state a turn needs: the new one until it is proven, else the current one.

    With a given key also the current one, unless it is the same with another private half. If no API lists keys,
    only the tenant's refusal shows that a person has deleted one, so all are asked for.
    """
    if wish.given and not wish.absent:
        current = record.get("current") or {}
        replaced = current and current.get("public_key") != wish.given["public_key"]
        return [dict(wish.given), *([dict(current)] if replaced else [])]
    if wish.absent or offered is False:
        return held_keys(record)
    unfinished = record.get("next") or {}
    # Whether a tenant has moved, its current key says.
    made = unfinished.get("state") == "created" and not wish.moves(record)
    asked = unfinished if made else record.get("current")
    return [dict(asked)] if asked else []


def _with_intent(record: Record, facts: Facts, me: Mapping[str, Any], now: datetime, lease: float) -> Record:
    before = record.get("next") or {}
    # What a killed run has just asked for may still come; its key is then nobody's, and not somebody else's.
    late = open_requests(before, me, lease, now)
    intent = {
        "state": "intent",
        "known": sorted({str(key["public_key"]) for key in facts.keys if key.get("public_key")}),
        "known_ids": sorted(int(key["id"]) for key in facts.keys),
        "owner": dict(me),
        "started": now.isoformat(timespec="seconds"),
        "sent": late,
        **({"refused": True} if facts.state(record.get("current") or {}) == "refused" else {}),
        **({"sent_at": before["sent_at"]} if late else {}),
    }
    return {**record, "next": intent}


def _proven(record: Record, facts: Facts, wish: Wish, now: datetime, mine: bool) -> Turn:
    made = record["next"]
    state = facts.state(made)
    if state == "valid":
        return Turn("write", record=promoted(record, now))
    message = ""
    if mine:
        message = (
            f"the new key of {wish.member} is {state} by the tenant; it was given up, and a key that was current "
            "before still is. Run again; if it stays, look at the member in System > Members"
        )
    if state == "refused" and facts.offered:
        which = {"public_keys": [made["public_key"]]}
        return Turn("delete", "refused key deleted", which, without_next(record), message=message)
    return Turn("write", record=without_next(record), message=message)


def _kept(record: Record, facts: Facts, wish: Wish, now: datetime) -> Turn:
    """The current key stays; what an interrupted run and earlier rotations have left is cleared."""
    if record.get("next"):
        return Turn("write", record=without_next(record))
    current = record["current"]
    if facts.state(current) == "refused":
        raise KeyLifeError(refused_problem(record, facts, wish))
    due = ripe(record, wish.grace_days, now)
    if not due or facts.offered is None:
        return Turn("rest")
    if not facts.offered:
        gone = [key["public_key"] for key in due if facts.state(key) == "refused"]
        if gone:
            return Turn("write", record=settled(record, gone))
        return Turn("rest", steps=[delete_key(wish.member, wish.member_type, None, key["public_key"]) for key in due])
    if refused := [key for key in due if key.get("refused")]:
        return _without_refused(record, facts, refused)
    doomed = [key["public_key"] for key in due if key["public_key"] != facts.own]
    if not doomed:
        return Turn("rest", steps=[own_key(wish.member, wish.member_type, facts.own)])
    return Turn("delete", "replaced keys deleted", {"public_keys": doomed}, settled(record, doomed))


def _without_refused(record: Record, facts: Facts, refused: Sequence[Record]) -> Turn:
    """Delete what is left at the tenant of keys that it refused: a record of theirs may have another pair by now."""
    public = [str(key["public_key"]) for key in refused]
    ids = {key["key_id"] for key in refused if key.get("key_id") is not None}
    kept = (record["current"]["public_key"], facts.own)
    left = [
        int(key["id"])
        for key in facts.keys
        if (key["id"] in ids or key.get("public_key") in public) and key.get("public_key") not in kept
    ]
    if not left:
        return Turn("write", record=settled(record, public))
    return Turn("delete", "replaced keys deleted", {"key_ids": left}, settled(record, public))


def _blocked(record: Record, facts: Facts, wish: Wish) -> Turn | None:
    """Why this run makes no key; None if it does."""
    if facts.offered is None or (wish.member_type == "member" and not facts.active):
        what = "does not exist" if facts.offered is None else "is inactive, and no key of such a member works"
        message = f"the member {wish.member} {what}; correct its name, or the member in System > Members"
        if not record.get("next"):
            raise KeyLifeError(message)
        return Turn("write", record=without_next(record), message=message)
    if facts.offered is False:
        return _by_hand(record, wish)
    known = known_to(record)
    strangers = [key for key in fitting(record, facts.keys, wish) if not is_known(key, known)]
    if strangers and not record.get("current") and not wish.beside:
        if record.get("next"):
            return Turn("write", record=without_next(record))
        left = {key["key_id"] for key in leftover_keys(record)}
        public = [str(key["public_key"]) for key in strangers if key.get("id") not in left]
        steps = [store_key(wish.member, wish.member_type, wish.description, public)] if public else []
        return Turn("rest", steps=steps)
    return None


def _by_hand(record: Record, wish: Wish) -> Turn:
    """The tenant makes no keys: a person does. An intent that leads nowhere goes first."""
    if record.get("next"):
        return Turn("write", record=without_next(record))
    return Turn("rest", steps=[create_key(wish.member, wish.member_type, wish.description)])


def _given(record: Record, facts: Facts, wish: Wish, now: datetime) -> Turn:
    """Take a key that a person has made; one that the tenant does not confirm is refused."""
    key = dict(wish.given or {})
    key["id"] = next((one["id"] for one in facts.keys if one.get("public_key") == key["public_key"]), None)
    if (record.get("next") or {}).get("state") == "created":
        raise KeyLifeError(
            f"an interrupted run has made a key of {wish.member}, and nothing was stored. Run msp.connectwise.onboard "
            "once, which takes that key into use, then store the other one"
        )
    state = facts.state(key)
    if state == "refused" and are_swapped(key, facts):
        raise KeyLifeError(
            f"the two halves of the key of {wish.member} are swapped, and nothing was stored",
            remedy="exchange public_key and private_key in the file of keys, then run again",
        )
    if state != "valid":
        raise KeyLifeError(
            f"the key {key['public_key'][:4]}… was not stored: the tenant says it is {state} for the member "
            f"{wish.member}. Check that it was copied whole, for this tenant, and that the member is active"
        )
    current = record.get("current") or {}
    if all(current.get(half) == key[half] for half in ("public_key", "private_key")):
        return Turn("rest")
    refused = facts.state(current) == "refused"
    return Turn("write", "given key stored", record=given(record, key, now, refused=refused))


def _absent(record: Record, facts: Facts, wish: Wish, me: Mapping[str, Any], now: datetime) -> Turn:
    """No key of the integration works any more, and the store has none."""
    if facts.state(record.get("current") or {}) == "foreign":
        raise KeyLifeError(
            f"the stored key authenticates, but does not belong to the member {wish.member}. Nothing was taken away. "
            "Was the member renamed? Then correct the profile; or correct the stored key with msp.connectwise.store_key"
        )
    if facts.offered is False:
        return _absent_by_hand(record, facts, wish)
    known = known_to(record)
    mine = [key for key in facts.keys if is_known(key, known)]
    # Of an API member made for this integration every key of the description goes, also another store's: the member
    # goes with it. Of a person only what is accounted for.
    orphans = orphans_of(record, facts.keys, wish)
    if wish.member_type == "api":
        others = fitting(record, facts.keys, wish)
    else:
        others = [key for key in facts.keys if key["id"] in orphans]
        if others and not are_ours(record, orphans, me, wish.lease, now):
            return Turn("write", record=with_leftover(record, others, now))
    found = {int(key["id"]): key for key in [*mine, *others]}
    doomed = [number for number, key in sorted(found.items()) if key.get("public_key") != facts.own]
    if doomed:
        return Turn("delete", _deleted(found, doomed, {*known, *orphans}), {"key_ids": doomed})
    if found:
        return Turn("rest", steps=[own_key(wish.member, wish.member_type, facts.own)])
    if wish.member_type != "api" and (left := still_left(record, facts, wish)):
        # Only the record knows of them, so it stays until a person has judged them.
        done = not record.get("next") and not held_keys(record)
        return Turn("rest") if done else Turn("write", record=only_leftover(wish.identity, left))
    return Turn("forget", _FORGOTTEN) if record else Turn("rest")


def _deleted(found: Mapping[int, Mapping[str, Any]], doomed: Sequence[int], known: set[Any]) -> str:
    """Say what was deleted, and which of it the store did not know."""
    strangers = [str(found[number].get("public_key")) for number in doomed if not is_known(found[number], known)]
    return "keys deleted" + (f", also {', '.join(strangers)}, not known to the store" if strangers else "")


def _absent_by_hand(record: Record, facts: Facts, wish: Wish) -> Turn:
    """No API lists the keys: those of the record that the tenant still takes are left to a person."""
    living = [key for key in held_keys(record) if facts.state(key) != "refused"]
    if living:
        steps = [delete_key(wish.member, wish.member_type, wish.description, key["public_key"]) for key in living]
        return Turn("rest", steps=steps)
    if record:
        return Turn("forget", _FORGOTTEN)
    if wish.member_type == "member" or not facts.active:
        return Turn("rest")
    return Turn("rest", steps=[delete_key(wish.member, wish.member_type, wish.description)])


def _foreign(record: Record, wish: Wish) -> str:
    public = str((record.get("current") or {}).get("public_key"))[:4]
    return (
        f"the stored key {public}… authenticates, but does not belong to the member {wish.member}. Nothing was "
        "changed. Correct the stored key with msp.connectwise.store_key, or delete it from the store to have a new one "
        "made"
    )
