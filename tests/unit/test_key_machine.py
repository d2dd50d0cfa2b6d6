# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of a key against an in-memory tenant and store: runs die at any step and work at once, people interfere."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ansible_collections.msp.connectwise.plugins.plugin_utils import _key_life as life

WISH = life.Wish(member="Sync", member_type="api", description="Sync")


class Conflict(Exception):
    """The store holds another version than was read."""


class Stopped(Exception):
    """The run ends with a message."""


class Tenant:
    def __init__(self):
        self.keys, self.active, self.count = {}, True, 0

    def create(self):
        self.count += 1
        key = {
            "id": self.count,
            "description": "Sync",
            "public_key": f"pub{self.count}",
            "private_key": f"pri{self.count}",
        }
        self.keys[self.count] = key
        return key

    def delete(self, public_keys):
        self.keys = {number: key for number, key in self.keys.items() if key["public_key"] not in public_keys}

    def state(self, key):
        if not key:
            return "none"
        pairs = {(one["public_key"], one["private_key"]) for one in self.keys.values()}
        return "valid" if self.active and (key["public_key"], key["private_key"]) in pairs else "refused"


class Store:
    def __init__(self):
        self.record = {}

    def write(self, record, version):
        if self.record.get("version", 0) != version:
            raise Conflict
        self.record = {**record, "version": version + 1}


class Run:
    """What roles/integration/tasks/key.yml does, a step at a time; a yield is where it may die."""

    def __init__(self, world, wish, lost_answer=False):
        self.world, self.wish, self.lost_answer = world, wish, lost_answer
        world.pid += 1
        self.me = {"pid": world.pid}
        world.running.add(world.pid)
        self.steps = self.work()

    def put(self, record):
        self.world.store.write(record, self.stored.get("version", 0))
        self.stored = self.world.store.record

    def work(self):
        world, tenant = self.world, self.world.tenant
        self.stored = world.store.record
        tenant.active = True  # the member is made active before its key is looked at
        yield
        for _attempt in (1, 2):
            looked_at = (self.stored.get("current") or {}).get("public_key")
            keys = [{name: key[name] for name in ("id", "description", "public_key")} for key in tenant.keys.values()]
            yield
            self.stored = world.store.record
            if looked_at != (self.stored.get("current") or {}).get("public_key"):
                raise Stopped("replaced by another run")
            facts = life.Facts(tenant.state(self.stored.get("current")), True, keys, tenant.active)
            plan = life.plan(self.stored, facts, self.wish, self.me, world.now, world.alive)
            yield
            if plan.orphans:
                tenant.delete({key["public_key"] for key in keys if key["id"] in plan.orphans})
                yield
            unfinished = (self.stored.get("next") or {}).get("state") == "intent"
            if plan.do in ("clean", "manual", "stop") and unfinished and "next" not in plan.record:
                self.put(plan.record)
                yield
            if plan.do in ("stop", "manual"):
                raise Stopped(plan.message)
            if plan.do == "create":
                yield from self.create(plan)
            if (self.stored.get("next") or {}).get("state") == "created" and (yield from self.prove(plan)):
                continue
            break
        ripe = [key["public_key"] for key in life.ripe(self.stored, self.wish.grace_days, world.now)]
        if ripe:
            tenant.delete(set(ripe))
            yield
            self.put(life.settled(self.stored, ripe))
            yield

    def create(self, plan):
        self.put(plan.record)
        yield
        key = self.world.tenant.create()
        yield
        if self.lost_answer:
            raise Stopped("nobody saw the key")
        try:
            self.put(life.created(self.stored, key, self.world.now))
        except Conflict:
            self.world.tenant.delete({key["public_key"]})
            raise
        yield

    def prove(self, plan):
        """Whether to begin anew."""
        made = self.stored["next"]
        if self.world.tenant.state(made) == "valid":
            yield
            self.put(life.promoted(self.stored, self.world.now))
            yield
            return False
        self.world.tenant.delete({made["public_key"]})
        yield
        self.put(life.given_up(self.stored))
        yield
        if plan.do != "check":
            raise Stopped("the new key does not work")
        return True

    def step(self):
        """False when the run has ended."""
        try:
            next(self.steps)
        except (StopIteration, Stopped, Conflict):
            self.die()
            return False
        return True

    def die(self):
        self.world.running.discard(self.me["pid"])


class KeyLife(RuleBasedStateMachine):
    @initialize()
    def begin(self):
        self.tenant, self.store, self.running, self.pid = Tenant(), Store(), set(), 0
        self.now = datetime(2026, 1, 1, tzinfo=timezone.utc)
        self.runs = []
        self.revoked = False

    def alive(self, owner):
        return owner["pid"] in self.running

    wishes = st.builds(
        replace, st.just(WISH), rotate=st.booleans(), heal=st.booleans(), grace_days=st.sampled_from([0, 3])
    )

    @precondition(lambda self: not self.runs)
    @rule(wish=wishes, steps=st.integers(0, 14), lost=st.booleans())
    def killed_run(self, wish, steps, lost):
        run = Run(self, wish, lost)
        for _turn in range(steps):
            if not run.step():
                break
        run.die()

    @precondition(lambda self: len(self.runs) < 2)
    @rule(wish=wishes)
    def start(self, wish):
        self.runs.append(Run(self, wish))

    @precondition(lambda self: self.runs)
    @rule(which=st.integers(0, 1), steps=st.integers(1, 4), die=st.booleans())
    def go_on(self, which, steps, die):
        run = self.runs[which % len(self.runs)]
        for _turn in range(steps):
            if not run.step():
                self.runs.remove(run)
                return
        if die:
            run.die()
            self.runs.remove(run)

    @precondition(lambda self: not self.runs)
    @rule(days=st.integers(1, 5))
    def time_passes(self, days):
        self.now += timedelta(days=days)

    @precondition(lambda self: not self.runs)
    @rule()
    def somebody_deletes_the_current_key(self):
        current = self.store.record.get("current")
        if current:
            self.tenant.delete({current["public_key"]})
            self.revoked = True

    @precondition(lambda self: not self.runs)
    @rule()
    def somebody_deactivates_the_member(self):
        self.tenant.active = False

    @precondition(lambda self: not self.runs and self.store.record)
    @rule()
    def a_person_makes_a_key_and_stores_it(self):
        if self.store.record.get("next"):
            return
        self.tenant.active = True
        key = self.tenant.create()
        given = {"public_key": key["public_key"], "private_key": key["private_key"]}
        self.store.write(life.given(self.store.record, given, self.now), self.store.record["version"])
        self.revoked = False

    @precondition(lambda self: not self.runs)
    @rule()
    def one_normal_run_converges(self):
        self.tenant.active = True
        run = Run(self, replace(WISH, heal=True))
        while run.step():
            pass
        record = self.store.record
        assert "next" not in record
        assert "retired" not in record
        assert [key["public_key"] for key in self.tenant.keys.values()] == [record["current"]["public_key"]]
        assert self.tenant.state(record["current"]) == "valid"
        self.revoked = False

    @invariant()
    def every_key_is_accounted_for(self):
        """A live key is in the store with its secret, or an intent shows that it is an orphan."""
        record = self.store.record
        known = set(life.known_public_keys(record))
        intent = record.get("next") or {}
        held = {tuple(key.get(half) for half in ("public_key", "private_key"))
                for key in [record.get("current") or {}, intent, *life.retired_keys(record)]}  # fmt: skip
        for key in self.tenant.keys.values():
            if key["public_key"] in known:
                assert (key["public_key"], key["private_key"]) in held
            else:
                assert intent.get("state") == "intent" or self.runs, f"{key['public_key']} is nobody's"
                assert key["id"] not in intent.get("known_ids", []) or self.runs

    @invariant()
    def no_outage(self):
        """What the store calls current works, unless a person took it away."""
        current = self.store.record.get("current")
        if current and not self.revoked and self.tenant.active:
            assert self.tenant.state(current) == "valid"


KeyLife.TestCase.settings = settings(
    max_examples=250, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestKeyLife = KeyLife.TestCase
