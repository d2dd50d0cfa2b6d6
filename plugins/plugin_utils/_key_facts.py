# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known and wished of a key, and what follows from it: whose a record is, who works on it, what is due.

Pure functions over a record of the store; what happens next is decided in _key_life.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._errors import PsaError
from ansible_collections.msp.connectwise.plugins.module_utils._names import same
from ansible_collections.msp.connectwise.plugins.plugin_utils._binding import HOST_MOVED, Binding, misdirected, moves
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_record import (
    SECONDS,
    Record,
    age_days,
    clock_skew,
    elapsed,
    known_public_keys,
    known_to,
    leftover_keys,
    requests,
    retired_keys,
)

# The difference of an integration whose stored key does not authenticate.
REFUSED = "the stored key is refused"
Alive = Callable[[Mapping[str, Any]], "bool | None"]


class KeyLifeError(PsaError):
    """Only a person can decide; says why and what to do."""


@dataclass(frozen=True)
class Facts:
    """What is known when a turn begins. The list of the tenant is read before the store, never after it.

    offered: whether the tenant lists and makes keys; None if there is no such member. keys: what the member has, each
    {id, description, public_key}. active: whether the member is. states: of the keys that `to_ask` named, by public
    key: valid, refused (deleted, or its member is inactive) or foreign (it belongs to another member). own: the public
    key that the run itself works with.
    """

    offered: bool | None
    keys: Sequence[Mapping[str, Any]] = ()
    active: bool = True
    states: Mapping[str, str] = field(default_factory=dict)
    own: str = ""

    def state(self, key: Mapping[str, Any]) -> str:
        return self.states.get(str(key.get("public_key") or ""), "none")


@dataclass(frozen=True)
class Wish:
    """What the user asks for.

    replace: public key that is to be replaced now; empty for none. grace_days: days for which a replaced key still
    works.
    heal: replace a key that the tenant refuses. beside: make a key beside one of the same description that the store
    does not know. lease: seconds for which an unfinished creation of another machine is respected. given: a key that a
    person has made, {public_key, private_key}, to be stored once the tenant confirms it. ad_hoc: the words of a command
    that runs a module at this tenant. binding: the host that the key is bound to. heal_command: replaces the refused
    keys of this tenant.
    """

    member: str
    member_type: str
    description: str
    vendor: str = ""
    company_id: str = ""
    absent: bool = False
    replace: str = ""
    max_age_days: float = 0
    grace_days: float = 0
    heal: bool = False
    beside: bool = False
    lease: float = 900.0
    given: Mapping[str, Any] | None = None
    ad_hoc: tuple[str, ...] = ("ansible", "TENANT", "-i", "INVENTORY")
    binding: Binding = field(default_factory=Binding)
    heal_command: str = ""

    @property
    def identity(self) -> Record:
        """What a record says of whose key it is."""
        names = ("vendor", "member", "member_type", "description", "company_id")
        found = {name: value for name in names if (value := getattr(self, name))}
        return {**found, "host": self.binding.bound} if self.binding.bound else found

    def moves(self, record: Record) -> bool:
        """Return whether the record does not name the host that the tenant has now."""
        return moves(self.binding, _host_of(record)) or self.unbound(record)

    def unbound(self, record: Record) -> bool:
        """Return whether the record has a key and names no host: an older version wrote it."""
        return bool(record.get("current") and self.binding.bound and not _host_of(record))


def busy(record: Record, me: Mapping[str, Any], lease: float, now: datetime, alive: Alive) -> str:
    """Why an unfinished creation must be left alone; empty when there is none, or when it may be taken over."""
    unfinished = record.get("next") or {}
    owner = unfinished.get("owner") or {}
    if not owner or owner == dict(me):
        return ""
    running = alive(owner)
    if running is False:
        return ""
    seconds = elapsed(unfinished.get("started"), now)
    if running is None and (seconds is None or seconds >= lease):
        return ""
    who = f"process {owner.get('pid')} on {owner.get('host')}, since {unfinished.get('started')}"
    return (
        f"another run ({who}) is creating this key; wait until it has ended, then run again. "
        "If that machine is gone, set integration_lease: 0"
    )


def _host_of(record: Record) -> str:
    return str(record.get("host") or "")


def misplaced(record: Record, wish: Wish) -> str:
    """Why the keys of a record are not sent to this tenant; empty if they may be."""
    held = record.get("company_id")
    if held and wish.company_id and not same(str(held), wish.company_id):
        return _of_another("company_id", str(held), wish.company_id)
    problem = misdirected(wish.binding, _host_of(record))
    return f"{problem.problem}. What to do: {problem.remedy}" if problem else ""


def not_moved(record: Record, wish: Wish, state: str) -> str:
    """Why the new host of a record is not to be believed; empty if it is, or if there is none."""
    if wish.given or not record.get("current") or not wish.moves(record) or state == "valid":
        return ""
    if wish.unbound(record):
        return "" if wish.binding.moved or (wish.absent and state != "refused") else _unclaimed(wish, state)
    if wish.absent:
        return ""
    return (
        f"the tenant at {wish.binding.bound} does not accept the stored key of {wish.member} ({state}), so it has not "
        f"moved there from {_host_of(record)}; nothing was changed. Correct cw_host or cw_region"
    )


def _unclaimed(wish: Wish, state: str) -> str:
    return (
        f"the key store's record names no host, as an older version wrote it, and the tenant at {wish.binding.bound} "
        f"does not accept the stored key of {wish.member} ({state}); nothing was changed. If the record is this "
        f"tenant's, add --limit {wish.binding.tenant or 'TENANT'} -e cw_confirm={HOST_MOVED}; else give the tenant "
        "another place in the store (integration_store_tenant)"
    )


def mismatch(record: Record, wish: Wish) -> str:
    """Why a record is not the one of this integration on this tenant; empty when it is."""
    if reason := misplaced(record, wish):
        return reason
    for name in ("vendor", "member"):
        value, held = getattr(wish, name), record.get(name)
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
            ". Was it renamed? Then run msp.connectwise.offboard under the old name first, or delete this record to "
            f"begin anew with {value}"
        )
    return message


def is_known(key: Mapping[str, Any], known: set[Any]) -> bool:
    return key.get("id") in known or key.get("public_key") in known


def fitting(record: Record, keys: Iterable[Mapping[str, Any]], wish: Wish) -> list[Mapping[str, Any]]:
    """The member's keys with this integration's description, also with the one it had when the record was written."""
    names = [wish.description, *([str(record["description"])] if record.get("description") else [])]
    return [key for key in keys if any(same(str(key.get("description")), name) for name in names)]


def orphans_of(record: Record, keys: Iterable[Mapping[str, Any]], wish: Wish) -> list[int]:
    """Ids of the keys that an interrupted creation has left, and whose private half nobody has."""
    unfinished = record.get("next") or {}
    if not unfinished:
        return []
    before = {*(unfinished.get("known") or []), *(unfinished.get("known_ids") or [])}
    return [int(key["id"]) for key in fitting(record, keys, wish) if not is_known(key, before | known_to(record))]


def are_ours(record: Record, orphans: Sequence[int], me: Mapping[str, Any], lease: float, now: datetime) -> bool:
    """Return whether this store's runs have made these keys for certain, so that they may be deleted.

    Another controller with a store of its own may have made them since the intent. So a request must have been sent,
    there are no more keys than requests, and the run is this one or died within the lease.
    """
    unfinished = record.get("next") or {}
    return 0 < len(orphans) <= open_requests(unfinished, me, lease, now)


def open_requests(unfinished: Mapping[str, Any], me: Mapping[str, Any], lease: float, now: datetime) -> int:
    """Return how many requests of this run, or of one that has just died, may have made a key that nobody saw."""
    seconds = elapsed(unfinished.get("sent_at"), now)
    young = seconds is not None and abs(seconds) < lease
    return requests(unfinished) if young or unfinished.get("owner") == dict(me) else 0


def still_left(record: Record, facts: Facts, wish: Wish) -> list[Record]:
    """Return the leftover keys that are there, and that nobody has accounted for."""
    if not facts.offered:
        return leftover_keys(record)
    there = {key.get("id") for key in facts.keys}
    known = known_to(record)
    return [
        key
        for key in leftover_keys(record)
        if key.get("key_id") in there and not {key.get("key_id"), key.get("public_key")} & known and not wish.beside
    ]


def needs_new_key(record: Record, facts: Facts, wish: Wish, now: datetime) -> bool:
    """Whether the current key is to be replaced, or there is none.

    Raises KeyLifeError if its age is not to be believed.
    """
    current = record.get("current") or {}
    if not current:
        return True
    # Said of one key: what replaces it satisfies the wish, in this run and in one that goes on after a crash.
    if wish.replace and wish.replace == current.get("public_key"):
        return True
    if facts.state(current) == "refused":
        return wish.heal
    if not wish.max_age_days:
        return False
    if problem := clock_skew(current.get("created"), now):
        raise KeyLifeError(problem)
    age = age_days(current.get("created"), now)
    return age is not None and age > wish.max_age_days


def ripe(record: Record, grace_days: float, now: datetime) -> list[Record]:
    """The retired keys whose time is up: they are kept `grace_days` for a vendor that does not know the new one yet.

    One that the tenant refused when it was replaced serves no vendor.
    """
    if not record.get("current"):
        return []
    return [
        key
        for key in retired_keys(record)
        if grace_days <= 0 or key.get("refused") or (elapsed(key.get("since"), now) or 0.0) >= grace_days * SECONDS
    ]


def is_due(record: Record, wish: Wish, now: datetime) -> bool:
    """Whether the key needs work although the tenant takes it: an unfinished step, a leftover key, a replacement."""
    if record.get("next") or record.get("leftover") or ripe(record, wish.grace_days, now):
        return True
    return needs_new_key(record, Facts(None), wish, now)


def why_refused(record: Record, facts: Facts) -> str:
    """What the tenant's list of keys and the member's record say about a stored key that is refused."""
    public = (record.get("current") or {}).get("public_key")
    if facts.offered and not any(key.get("public_key") == public for key in facts.keys):
        return "it was deleted in ConnectWise PSA"
    if not facts.active:
        return "its member is inactive"
    if facts.offered:
        return "it is still listed there, so the private key in the store is not the right one"
    return (
        "it was deleted in ConnectWise PSA, or its description was edited there, which makes a new pair, or the "
        "private key in the store is not the right one"
    )


def key_in_place(record: Record, facts: Facts, wish: Wish) -> Mapping[str, Any] | None:
    """Return the key that the tenant lists in the place of a refused one: of its record, its words, or its member.

    ConnectWise makes a new pair for the same record when the description of a key is edited.
    """
    current, known = record.get("current") or {}, set(known_public_keys(record))
    if not facts.offered or any(key.get("public_key") == current.get("public_key") for key in facts.keys):
        return None
    others = [key for key in facts.keys if key.get("public_key") not in known]
    likely = [key for key in others if current.get("key_id") is not None and key.get("id") == current["key_id"]]
    likely = likely or fitting(record, others, wish) or (others if wish.member_type == "api" else [])
    return likely[0] if likely else None


def refusal(record: Record, facts: Facts, wish: Wish) -> str:
    """Return the line that reports a refused key and the reason."""
    key = key_in_place(record, facts, wish)
    if key is None:
        return f"{REFUSED}: {why_refused(record, facts)}"
    line = f'{REFUSED}; a key {key.get("public_key")} ("{key.get("description")}") exists'
    if key.get("id") == (record.get("current") or {}).get("key_id"):
        return f"{line} in its record: its description was edited, and ConnectWise PSA then makes a new pair"
    return f"{line}, which the key store does not have"


def refused_problem(record: Record, facts: Facts, wish: Wish) -> str:
    """Return why a run stops at a refused key, and how the integration gets one that works."""
    public = str((record.get("current") or {}).get("public_key"))[:4]
    remedy = "Set integration_heal: true to have a new key made and stored, then enter it at the vendor"
    remedy += f": {wish.heal_command}" if wish.heal_command else ""
    if key_in_place(record, facts, wish):
        return (
            f"{wish.member}, key {public}…: {refusal(record, facts, wish)}. If you have its private key, store it with "
            f"msp.connectwise.store_key. {remedy}"
        )
    if not facts.active and wish.member_type == "member":
        remedy = "Activate the member in System > Members, or take it off the list of members"
    return f"the tenant refuses the stored key {public}… of {wish.member}: {why_refused(record, facts)}. {remedy}"


def swapped(key: Mapping[str, Any]) -> Record:
    """Return a given key with its halves exchanged."""
    return {**key, "public_key": key["private_key"], "private_key": key["public_key"]}


def are_swapped(key: Mapping[str, Any], facts: Facts) -> bool:
    """Return whether the tenant shows that a given key it refuses has its halves exchanged."""
    listed = {str(one.get("public_key")) for one in facts.keys}
    return facts.state(swapped(key)) in ("valid", "foreign") or str(key["private_key"]) in listed


def given_for(keys: Iterable[Mapping[str, Any]], member: str, tenants: Iterable[str]) -> list[Record]:
    """The keys in a person's file that are this member's on this tenant; without a tenant they are every tenant's."""
    names = list(tenants)
    mine = [dict(key) for key in keys if same(str(key.get("member") or ""), member)]
    anywhere = [key for key in mine if not key.get("tenant")]
    return anywhere + [key for key in mine if any(same(str(key.get("tenant") or ""), name) for name in names)]
