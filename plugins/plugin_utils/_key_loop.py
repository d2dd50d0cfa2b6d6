# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The loop that leads a key through its life: look at the tenant, look at the store, take one turn, and again.

What happens next is decided by _key_life.turn alone. Here it is carried out. Right before each write the record has to
be the one that the turn was decided on, and every write is read back.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._connection import shown_key
from ansible_collections.msp.connectwise.plugins.module_utils._errors import PASSING, UNCERTAIN, NotApplied, PsaError
from ansible_collections.msp.connectwise.plugins.module_utils._manual import Step
from ansible_collections.msp.connectwise.plugins.module_utils._patience import pause, without_queue
from ansible_collections.msp.connectwise.plugins.module_utils._redact import register
from ansible_collections.msp.connectwise.plugins.module_utils._resource import settled
from ansible_collections.msp.connectwise.plugins.plugin_utils import _commands
from ansible_collections.msp.connectwise.plugins.plugin_utils import _key_life as life
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_port import Keys, Listing
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_record import (
    Record,
    created,
    known_public_keys,
    less_sent,
    register_keys,
    revised,
    sent,
    shown_change,
    working_keys,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils._run import is_alive
from ansible_collections.msp.connectwise.plugins.plugin_utils._stores import Store

# A first key takes five turns, clearing up what a killed run has left before it three more.
_MOST_TURNS = 16
# Seconds between looks at a key that was made this moment and may not be known everywhere yet.
_NOT_KNOWN_YET = (1.0, 1.0)


@dataclass
class Outcome:
    """What the loop did. did: a line each. record: what the store holds now. state: of the current key.

    before: what the store held at first.
    """

    did: list[str] = field(default_factory=list)
    before: Record = field(default_factory=dict)
    record: Record = field(default_factory=dict)
    state: str = "none"
    steps: list[Step] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return bool(self.did)

    def as_result(self) -> dict[str, Any]:
        """As the fields of a task's result, without any private half."""
        current = self.record.get("current") or {}
        public = current.get("public_key")
        key = {
            "id": current.get("key_id"),
            "description": self.record.get("description"),
            # Only the tenant's word makes it sure that the halves of a pair were not swapped.
            "public_key": public if self.state == "valid" or not public else shown_key(public),
            "created": current.get("created"),
            "state": self.state,
        }
        old = [
            {"public_key": shown_key(one["public_key"]), "since": one.get("since")} for one in working_keys(self.record)
        ]
        return {
            "changed": self.changed,
            "done": self.did,
            "api_key": key,
            "retired": old,
            "manual_steps": self.steps,
            "pending": bool(self.steps),
        }

    def diff(self) -> dict[str, Any]:
        """Return the key before and after, as a diff shows it. A check run, which has no new key, shows the same."""
        return shown_change(self.before, self.did)


class Loop:
    """One key of one integration. me: which run this is. own: the public key that the run works with."""

    def __init__(
        self,
        keys: Keys,
        store: Store,
        wish: life.Wish,
        me: Mapping[str, Any],
        *,
        own: str = "",
        rotate: bool = False,
        check_mode: bool = False,
        alive: life.Alive = is_alive,
        clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
        sleep: Callable[[float], None] = pause,
    ) -> None:
        self._keys, self._store, self._wish, self._me = keys, store, wish, dict(me)
        register((wish.given or {}).get("private_key"))
        self._own, self._rotate, self._check_mode = own, rotate, check_mode
        self._alive, self._clock, self._sleep = alive, clock, sleep
        # The tenant lists keys, and then refuses to make or delete one.
        self._only_lists = False
        # What another run has left, and whether that run lived, as it was seen before list and store were read.
        self._left: Record | None = None
        self._left_alive: bool | None = None
        self._valid: set[tuple[str, str | None]] = set()
        # The errors of requests for a key whose answer was lost, and the one after which nobody has cleared up yet.
        self._lost: list[PsaError] = []
        self._unclear: PsaError | None = None
        # Who writes, what it wrote last, and the key that it has made and stored.
        self._writer = uuid.uuid4().hex[:12]
        self._wrote: Record | None = None
        self._made: Mapping[str, Any] | None = None

    def run(self) -> Outcome:
        """Raises PsaError: KeyLifeError if a person has to decide, StoreError, or what the tenant said."""
        outcome = Outcome()
        try:
            return self._turns(outcome)
        except PsaError as problem:
            problem.data["done"] = outcome.did
            if outcome.did:
                problem.data.update(member=self._wish.member, diff=outcome.diff())
            if self._unclear is not None:
                raise self._may_be_live(problem) from None
            raise

    def _turns(self, outcome: Outcome) -> Outcome:
        for number in range(_MOST_TURNS):
            now = self._clock()
            record, facts = self._look(first=number == 0)
            outcome.before = outcome.before if number else record
            outcome.record, outcome.state = record, facts.state(record.get("current") or {})
            step = life.turn(record, facts, self._wish, self._me, now, lambda _owner: self._left_alive)
            outcome.steps = step.steps
            if step.do == "rest":
                return outcome
            if step.do == "create" and self._lost:
                # What was left is deleted by now.
                self._require_another_try()
            # An intent promises a key; that it was made is said when it was.
            done = self._check_mode or (self._take(step, record) and step.do != "intend")
            if done and step.does and step.does not in outcome.did:
                outcome.did.append(step.does)
            if self._check_mode:
                return outcome
            if step.message:
                raise life.KeyLifeError(step.message)
        raise life.KeyLifeError(
            f"the key of {self._wish.member} did not come to rest: the tenant's answers or the store keep changing",
            remedy="see whether another run works on it, then run again",
        )

    def _look(self, *, first: bool) -> tuple[Record, life.Facts]:
        """First the tenant's list, then the store: another run's key in that list has its intent in the store by
        then.
        """
        listing, record = self._read(first=first)
        while (left := record.get("next")) and left.get("owner") != self._me and left != self._left:
            # Its run may have made a key after our list and died before we read the store: list once more. Only a
            # store that is read after its end holds all that it did.
            self._left, self._left_alive = left, self._alive(left.get("owner") or {})
            listing, record = self._read(first=False)
        offered = False if self._only_lists else listing.offered
        if offered is None and self._check_mode and self._wish.member_type == "api" and not self._wish.absent:
            offered = self._keys.offers()  # the member is what an earlier task would create
        if first and self._rotate:
            self._wish = replace(self._wish, replace=str((record.get("current") or {}).get("public_key") or ""))
        states = {str(key["public_key"]): self._state(key, record) for key in life.to_ask(record, offered, self._wish)}
        if self._check_mode and not listing.active and self._wish.member_type == "api" and not self._wish.absent:
            # An earlier task would activate the member, and with it the keys that are there.
            there = {str(key["public_key"]) for key in listing.keys} if listing.offered else set(states)
            states.update(dict.fromkeys(there & set(states), "valid"))
        given = self._wish.given
        if given and not self._wish.absent and states.get(given["public_key"]) == "refused":
            other = life.swapped(given)
            states[other["public_key"]] = self._state(other, record)
        return record, life.Facts(offered, listing.keys, listing.active, states, self._own)

    def _read(self, *, first: bool) -> tuple[Listing, Record]:
        # A member that an earlier task made may not be in the first list.
        patient = first and not self._check_mode and not self._wish.absent
        listing = self._listed_when(lambda found: not patient or found.offered is not None)
        record = self._store.read()
        register_keys(record)
        if self._wrote is not None and not _same_but_version(record, self._wrote):
            raise self._overtaken(record)
        if reason := life.misplaced(record, self._wish):
            # Its keys are for another tenant to see.
            raise life.KeyLifeError(reason)
        return listing, record

    def _listed_when(self, done: Callable[[Listing], bool]) -> Listing:
        """The tenant's list once it shows what was done, or the last one that was read."""
        return settled(self._keys.listing, done, self._sleep)

    def _state(self, key: Mapping[str, Any], record: Record) -> str:
        pair = (key["public_key"], key.get("private_key"))
        if pair in self._valid:
            return "valid"
        made = record.get("next") or {}
        mine = made.get("public_key") == pair[0] and made.get("owner") == self._me
        state = self._keys.state(key)
        for seconds in _NOT_KNOWN_YET if mine else ():
            if state != "valid":
                self._sleep(seconds)
                state = self._keys.state(key)
        if state == "valid":
            self._valid.add(pair)
        return state

    def _take(self, step: life.Turn, record: Record) -> bool:
        """Carry a turn out: the act at the tenant, then the write. Whether it was done."""
        self._require_run()
        if step.do == "create":
            # Until the store has the key, a killed run loses it.
            with without_queue():
                return self._create(record, list(step.keys["other_than"]))
        if step.do == "delete" and not self._keys.delete(step.keys):
            self._only_lists = True
            return False
        if step.do == "forget":
            self._require_unchanged(record)
            self._store.delete()
            self._wrote = {}
        elif step.record is not None:
            self._put(step.record, record, contested=step.do == "intend")
        return True

    def _require_run(self) -> None:
        """A worker outlives a run of which only the first process was killed, and the next run takes that one for
        dead.
        """
        if self._alive(self._me) is False:
            raise life.KeyLifeError(
                f"the run that worked on the key of {self._wish.member} has ended; its worker did nothing more",
                remedy="run again",
            )

    def _require_unchanged(self, record: Record) -> None:
        """Raises KeyLifeError if another run has written the record since this turn began."""
        if (found := self._store.read()) != record:
            raise self._overtaken(found)

    def _overtaken(self, found: Record) -> life.KeyLifeError:
        """Return the error, and delete a key of this run that the other run does not know."""
        reason = life.busy(found, self._me, self._wish.lease, self._clock(), self._alive) or (
            f"another run has written the record of {self._wish.member} meanwhile ({self._store.place}), so this one "
            "wrote nothing more"
        )
        if self._made and self._made["public_key"] not in known_public_keys(found):
            reason += f". {self._undone(self._made)[1]}"
        return life.KeyLifeError(reason, remedy="wait until the other run has ended, then run again")

    def _may_be_live(self, problem: PsaError) -> PsaError:
        """An error that kept this run from clearing up after a request for a key."""
        tenant = str(self._me.get("part") or "")
        command = _commands.playbook("onboard", _commands.typed(), [tenant] if tenant else [])
        problem.problem += f". Before that the request for a key failed: {str(self._unclear).rstrip('.')}"
        problem.remedy = f"a key of {self._wish.member} may be live. The next run deletes it: {command}"
        return problem

    def _require_another_try(self) -> None:
        """Raise the error of the lost request if it does not pass by itself, or if it is the second one."""
        self._unclear = None
        last = self._lost[-1]
        if len(self._lost) > 1 or not isinstance(last, PASSING):
            raise last

    def _create(self, record: Record, other_than: list[int]) -> bool:
        record = self._put(sent(record, self._clock()), record)
        try:
            made = self._keys.create(other_than)
        except UNCERTAIN as problem:
            return self._without(problem, other_than)
        except PsaError as problem:
            if self._shows_another(other_than, problem):
                return self._without(problem, other_than)
            if not isinstance(problem, NotApplied):
                # The tenant made no key, so one that shows later is not this store's.
                with suppress(PsaError):
                    self._put(less_sent(record, 1), record)
            raise
        if not made.offered:
            self._only_lists = True
            return False
        if made.key is None and made.changed:
            unseen = life.KeyLifeError(
                f"the tenant created a key of {self._wish.member} and did not show its private key",
                remedy="run again; if it stays, look at the route that creates keys",
            )
            return self._without(unseen, other_than)
        if made.key is None:
            # The next turn sees whose it is: a killed run's that came late, or somebody else's.
            self._put(less_sent(record, 1), record)
            return False
        self._keep(record, made.key, made.twins)
        return True

    def _shows_another(self, other_than: Sequence[int], problem: PsaError) -> bool:
        """Return whether there is a new key although the tenant refused one. Raises PsaError if it cannot be seen."""

        def is_there(found: Listing) -> bool:
            return any(key["id"] not in other_than for key in found.keys)

        if not problem.unclear:
            with suppress(PsaError):
                return is_there(self._keys.listing())
            return False
        self._unclear = problem
        shown = is_there(self._listed_when(is_there))
        self._unclear = None
        return shown

    def _without(self, problem: PsaError, other_than: Sequence[int]) -> bool:
        """Wait for a key that nobody saw, which may show a moment later. The next turn deletes it."""
        self._lost.append(problem)
        self._unclear = problem
        self._require_run()
        self._listed_when(lambda found: any(key["id"] not in other_than for key in found.keys))
        return False

    def _keep(self, record: Record, key: Mapping[str, Any], twins: Sequence[int]) -> None:
        """Store a key that was just made, or delete it."""
        try:
            self._require_run()
            if twins:
                # If another run has taken over, its key may look like a twin of ours.
                self._require_unchanged(record)
                self._keys.delete({"key_ids": list(twins)})
            self._put(created(record, key, self._clock()), record)
        except PsaError as problem:
            deleted, said = self._undone(key)
            problem.problem += f". {said}. A key that was current before still is"
            if deleted:
                with suppress(PsaError):
                    self._put(less_sent(record, 1), record)
            raise
        self._made = key

    def _undone(self, key: Mapping[str, Any]) -> tuple[bool, str]:
        """Delete a key that the store did not take. Return whether it is gone, and the words for it."""
        public = str(key["public_key"])
        try:
            deleted = self._keys.delete({"public_keys": [public]})
        except PsaError:
            deleted = False
        what = "was deleted again" if deleted else "could not be deleted; the next run does it, or says how"
        return deleted, f"The new key {public[:4]}… {what}"

    def _put(self, record: Record, before: Record, *, contested: bool = False) -> Record:
        """Write what is to follow on `before`, and read it back.

        contested: another run may begin at the same moment, so a store that compares no versions is given time.
        """
        self._require_unchanged(before)
        wanted = revised({**record, **self._wish.identity}, before, self._writer)
        register_keys(wanted)
        self._store.write(wanted)
        self._wrote = wanted
        if contested and not self._store.guarded:
            # Of two runs that write at once both have written after this pause, and the next turn finds one intent.
            self._sleep(self._store.settle)
            return wanted
        found = self._store.read()
        if _same_but_version(found, wanted):
            return found
        if found.get("revision") not in (before.get("revision"), wanted["revision"]):
            raise self._overtaken(found)
        raise life.KeyLifeError(
            f"the key store gave back another record than was written ({self._store.place}); nothing more was done",
            remedy="look at the store, then run again",
        )


def _same_but_version(one: Record, other: Record) -> bool:
    return {**one, "version": 0} == {**other, "version": 0}
