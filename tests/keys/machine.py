# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The loop of a key's life against an in-memory tenant and store.

Runs die at any call and work at once, and people interfere.

The loop is the one that users run. Every call it makes of the tenant or the store is a step of the machine, and before
each of them it may die.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ansible_collections.msp.connectwise.plugins.module_utils._errors import LostAnswer, PsaError
from ansible_collections.msp.connectwise.plugins.plugin_utils import _key_life as life
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_file import StoreError
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_loop import Listing, Loop
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_port import Made
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_record import (
    held_keys,
    known_public_keys,
    retired_keys,
)

WISH = life.Wish(member="Sync", member_type="api", description="Sync")


class Died(BaseException):
    """The run was killed."""


class Tenant:
    """What the product holds: the keys of one member."""

    def __init__(self):
        self.keys, self.active, self.count = {}, True, 0

    def create(self):
        self.count += 1
        made = {"id": self.count, "description": "Sync", "public_key": f"pub{self.count}"}
        self.keys[self.count] = {**made, "private_key": f"pri{self.count}"}
        return self.keys[self.count]

    def delete(self, which):
        """As cw_api_key does: what fits all that is given."""
        doomed = [
            number
            for number, key in self.keys.items()
            if ("key_ids" not in which or number in which["key_ids"])
            and ("public_keys" not in which or key["public_key"] in which["public_keys"])
        ]
        for number in doomed:
            del self.keys[number]

    def state(self, key):
        pairs = {(one["public_key"], one["private_key"]) for one in self.keys.values()}
        return "valid" if self.active and (key["public_key"], key["private_key"]) in pairs else "refused"


class Run:
    """One run of the loop in a thread of its own, which waits before each call until the machine lets it go on."""

    def __init__(self, world, wish, *, rotate=False, lost_answer=False):
        self.world, self.lost_answer = world, lost_answer
        world.pid += 1
        self.me = {"pid": world.pid}
        world.running.add(world.pid)
        self.failure, self.outcome = None, None
        self._go, self._ready, self._dead, self.ended = threading.Semaphore(0), threading.Semaphore(0), False, False
        self._loop = Loop(
            self,
            Shelf(self),
            wish,
            self.me,
            rotate=rotate,
            alive=world.alive,
            clock=lambda: world.now,
            sleep=lambda _time: None,
        )
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.acquire()

    def _run(self):
        try:
            self._wait()
            self.outcome = self._loop.run()
        except (Died, PsaError) as problem:
            self.failure = problem
        self.ended = True
        self.world.running.discard(self.me["pid"])
        self._ready.release()

    def _wait(self):
        self._ready.release()
        self._go.acquire()
        if self._dead:
            raise Died

    def step(self):
        """Let the run make one call; false when it has ended."""
        if self.ended:
            return False
        self._go.release()
        self._ready.acquire()
        return not self.ended

    def die(self):
        self._dead = True
        while self.step():
            pass
        self._thread.join()

    def finish(self):
        while self.step():
            pass
        self._thread.join()
        return self

    # What the loop asks of the tenant

    def listing(self):
        tenant = self.world.tenant
        keys = [{name: key[name] for name in ("id", "description", "public_key")} for key in tenant.keys.values()]
        active = tenant.active
        self._wait()
        return Listing(True, keys, active)

    def create(self, _other_than):
        made = dict(self.world.tenant.create())
        self._wait()
        if self.lost_answer:
            raise LostAnswer("nobody saw the key")
        return Made(True, made, True)

    def delete(self, which):
        self.world.tenant.delete(which)
        self._wait()
        return True

    def state(self, key):
        state = self.world.tenant.state(key)
        self._wait()
        return state


class Shelf:
    """What the loop asks of the store, through the run that asks.

    One that compares no versions is written right after it was read: nothing else protects it.
    """

    settle, place = 0.0, "the store"

    def __init__(self, run):
        self.run, self.world, self.version, self._wait = run, run.world, 0, run._wait
        self.guarded = run.world.guarded

    def read(self):
        if not self.guarded:
            self._wait()
            return dict(self.world.store)
        record = self.world.store
        self.version = record.get("version", 0)
        self._wait()
        return dict(record)

    def write(self, record):
        if not self.guarded:
            self.world.store = dict(record)
            self._wait()
            return
        if self.world.store.get("version", 0) != self.version:
            raise StoreError("another run has written", "run again")
        self.version += 1
        self.world.store = {**record, "version": self.version}
        self._wait()

    def delete(self):
        self.world.store = {}
        self._wait()


class KeyLife(RuleBasedStateMachine):
    @initialize(guarded=st.booleans())
    def begin(self, guarded):
        self.guarded = guarded
        self.tenant, self.store, self.running, self.pid = Tenant(), {}, set(), 0
        self.now = datetime(2026, 1, 1, tzinfo=timezone.utc)
        self.runs = []
        self.revoked = False

    def alive(self, owner):
        return owner["pid"] in self.running

    def teardown(self):
        for run in self.runs:
            run.die()

    wishes = st.builds(replace, st.just(WISH), heal=st.booleans(), grace_days=st.sampled_from([0, 3]))

    @precondition(lambda self: not self.runs)
    @rule(wish=wishes, rotate=st.booleans(), steps=st.integers(0, 30), lost=st.booleans())
    def killed_run(self, wish, rotate, steps, lost):
        self.tenant.active = True
        run = Run(self, wish, rotate=rotate, lost_answer=lost)
        for _turn in range(steps):
            if not run.step():
                break
        run.die()

    @precondition(lambda self: len(self.runs) < 2)
    @rule(wish=wishes, rotate=st.booleans())
    def start(self, wish, rotate):
        self.tenant.active = True
        self.runs.append(Run(self, wish, rotate=rotate))

    @precondition(lambda self: self.runs)
    @rule(which=st.integers(0, 1), steps=st.integers(1, 6), die=st.booleans())
    def go_on(self, which, steps, die):
        run = self.runs[which % len(self.runs)]
        for _turn in range(steps):
            if not run.step():
                self.runs.remove(run)
                return
        if die:
            run.die()
            self.runs.remove(run)

    # What becomes of an intent that is older than the lease is in TwoControllers.
    @precondition(lambda self: not self.runs and (self.store.get("next") or {}).get("state") != "intent")
    @rule(days=st.integers(1, 5))
    def time_passes(self, days):
        self.now += timedelta(days=days)

    @precondition(lambda self: not self.runs)
    @rule()
    def somebody_deletes_the_current_key(self):
        current = self.store.get("current")
        if current:
            self.tenant.delete({"public_keys": [current["public_key"]]})
            self.revoked = True

    @precondition(lambda self: not self.runs)
    @rule()
    def somebody_deactivates_the_member(self):
        self.tenant.active = False

    @precondition(lambda self: not self.runs and self.store)
    @rule()
    def a_person_makes_a_key_and_stores_it(self):
        if self.store.get("next"):
            return
        self.tenant.active = True
        key = self.tenant.create()
        run = Run(self, replace(WISH, given={name: key[name] for name in ("public_key", "private_key")})).finish()
        assert run.outcome is not None, run.failure
        assert self.store["current"]["public_key"] == key["public_key"]
        self.revoked = False

    @precondition(lambda self: not self.runs)
    @rule()
    def one_normal_run_converges(self):
        self.tenant.active = True
        run = Run(self, replace(WISH, heal=True)).finish()
        assert run.outcome is not None, run.failure
        record = self.store
        assert "next" not in record
        assert "retired" not in record
        assert [key["public_key"] for key in self.tenant.keys.values()] == [record["current"]["public_key"]]
        assert self.tenant.state(record["current"]) == "valid"
        self.revoked = False

    @precondition(lambda self: not self.runs)
    @rule(killed_after=st.integers(0, 20))
    def offboarding_leaves_nothing(self, killed_after):
        run = Run(self, replace(WISH, absent=True))
        for _turn in range(killed_after):
            run.step()
        run.die()
        run = Run(self, replace(WISH, absent=True)).finish()
        assert run.outcome is not None, run.failure
        assert self.tenant.keys == {}
        assert self.store == {}

    @precondition(lambda self: not self.runs)
    @rule()
    def a_run_that_has_nothing_to_do_does_nothing(self):
        if "current" not in self.store or {"next", "retired"} & set(self.store):
            return
        if self.tenant.state(self.store["current"]) != "valid":
            return
        before = (dict(self.store), dict(self.tenant.keys))
        run = Run(self, WISH).finish()
        assert run.outcome is not None, run.failure
        assert not run.outcome.changed
        assert (self.store, self.tenant.keys) == before

    @invariant()
    def every_key_is_accounted_for(self):
        """A live key is in the store with its secret, or an intent shows that it is an orphan."""
        record = self.store
        known, intent = set(known_public_keys(record)), record.get("next") or {}
        held = {(key["public_key"], key["private_key"]) for key in held_keys(record)}
        for key in self.tenant.keys.values():
            if key["public_key"] in known:
                assert (key["public_key"], key["private_key"]) in held
            else:
                assert intent.get("state") == "intent" or self.runs, f"{key['public_key']} is nobody's"
                assert key["id"] not in intent.get("known_ids", []) or self.runs

    @invariant()
    def no_outage(self):
        """What the store calls current works, unless a person took it away."""
        current = self.store.get("current")
        if current and not self.revoked and self.tenant.active and not self.runs:
            assert self.tenant.state(current) == "valid"

    @invariant()
    def grace_is_kept(self):
        """A replaced key keeps its private half until it is gone."""
        assert all(key.get("private_key") for key in retired_keys(self.store))


class Controller:
    """One of two that work on a tenant without knowing of each other, each with a store of its own."""

    guarded = True

    def __init__(self, machine):
        self.tenant, self._machine, self.store, self.running, self.pid = machine.tenant, machine, {}, set(), 0

    @property
    def now(self):
        return self._machine.now

    def alive(self, owner):
        return owner["pid"] in self.running


class TwoControllers(RuleBasedStateMachine):
    """Runs of either die at any call; none takes away what the other one uses.

    Between two runs of different controllers the lease passes: within it a key is taken for that of a run which has
    just died.
    """

    @initialize()
    def begin(self):
        self.tenant, self.now = Tenant(), datetime(2026, 1, 1, tzinfo=timezone.utc)
        self.controllers, self.last = [Controller(self), Controller(self)], 0
        for which in range(2):
            assert self.began(which, replace(WISH, beside=True)).finish().outcome

    def began(self, which, wish=WISH, **more):
        if which != self.last:
            self.now += timedelta(seconds=WISH.lease)
        self.last = which
        return Run(self.controllers[which], wish, **more)

    @rule(which=st.integers(0, 1), rotate=st.booleans(), steps=st.integers(0, 30), lost=st.booleans())
    def killed_run(self, which, rotate, steps, lost):
        run = self.began(which, rotate=rotate, lost_answer=lost)
        for _turn in range(steps):
            if not run.step():
                break
        run.die()

    @rule(which=st.integers(0, 1), rotate=st.booleans())
    def run(self, which, rotate):
        run = self.began(which, rotate=rotate).finish()
        assert run.outcome is not None, run.failure
        record = self.controllers[which].store
        assert "next" not in record
        # Whatever it has left on the tenant it has named.
        named = {key for step in run.outcome.steps for key in step["public_keys"]}
        assert named == {key["public_key"] for key in record.get("leftover", [])}

    @invariant()
    def what_either_uses_works(self):
        for controller in self.controllers:
            assert self.tenant.state(controller.store["current"]) == "valid"

    @invariant()
    def every_key_is_accounted_for(self):
        records = [controller.store for controller in self.controllers]
        known = {key for record in records for key in known_public_keys(record)}
        known |= {key["public_key"] for record in records for key in record.get("leftover", [])}
        unfinished = any(record.get("next") for record in records)
        assert unfinished or {key["public_key"] for key in self.tenant.keys.values()} <= known
