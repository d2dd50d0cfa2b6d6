# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The loop of a key's life: in which order it asks, acts and writes, and what it does if one of them fails."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

import pytest

from ansible_collections.msp.connectwise.plugins.module_utils import _patience
from ansible_collections.msp.connectwise.plugins.module_utils._errors import (
    InvalidRecord,
    LostAnswer,
    PermissionDenied,
    PsaError,
    ServerFailed,
)
from ansible_collections.msp.connectwise.plugins.module_utils._manual import create_key, delete_key, store_key
from ansible_collections.msp.connectwise.plugins.plugin_utils import _key_life as life
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_file import StoreError
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_loop import Listing, Loop, Outcome
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_port import Made, MemberKeys

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)
STAMP = "2026-03-01T12:00:00+00:00"
ME = {"host": "here", "pid": 1}
WISH = life.Wish("Sync", "api", "Sync key", vendor="sync", company_id="north")
IDENTITY = WISH.identity
SENT = {"sent": 1, "sent_at": STAMP}
CURRENT = {"key_id": 7, "public_key": "pub7-whole", "private_key": "prv7", "created": STAMP, "verified": STAMP}


class World:
    """A tenant and a store. log: what was asked of them and done, in its order."""

    def __init__(self, record=None, *numbers, offered=True, active=True):
        self.log, self.held = [], dict(record or {})
        self.offered, self.active, self.makes, self.deletes = offered, active, True, True
        self.keys = {number: f"prv{number}" for number in numbers}
        self.states, self.late, self.failing, self.garbled = {}, [], {}, None
        self.guarded, self.settle, self.place = True, 4.0, "the store"
        self.lost, self.twins = [], 0
        self.shows, self.alive = True, {}
        self.members = []

    @property
    def record(self):
        """What the store holds, but for the names of its writes."""
        return {name: value for name, value in self.held.items() if name != "revision"}

    @record.setter
    def record(self, record):
        self.held = dict(record)

    def loop(self, wish=WISH, **more):
        return Loop(self, self, wish, ME, alive=self.is_alive, clock=lambda: NOW, sleep=self.pause, **more)

    def is_alive(self, owner):
        return self.alive.get(owner["pid"], True)

    def run(self, wish=WISH, **more):
        self.log.clear()
        return self.loop(wish, **more).run()

    def fails(self, wish=WISH, **more):
        self.log.clear()
        with pytest.raises(PsaError) as problem:
            self.loop(wish, **more).run()
        return problem.value

    def pause(self, seconds):
        self.log.append(f"pause {seconds:g}")

    def did(self, what):
        self.log.append(what)
        if failure := self.failing.pop(what, None):
            raise failure

    # The tenant

    def listing(self):
        self.did("list")
        if self.members:
            return self.members.pop(0)
        keys = [{"id": n, "description": "Sync key", "public_key": f"pub{n}-whole"} for n in sorted(self.keys)]
        return Listing(self.offered, keys if self.offered else [], self.active)

    def create(self, other_than):
        self.did(f"create {other_than}")
        if self.late:
            self.keys.update(self.late.pop())
            return Made(True, None, False)
        if not self.makes:
            return Made(False, None, False)
        number = max(self.keys, default=7) + 1
        twins = range(number + 1, number + 1 + self.twins)
        self.keys.update({one: f"prv{one}" for one in (number, *twins)})
        if self.lost:
            raise self.lost.pop(0)
        if not self.shows:
            return Made(True, None, True)
        key = {"id": number, "public_key": f"pub{number}-whole", "private_key": f"prv{number}"}
        return Made(True, key, True, list(twins))

    def delete(self, which):
        self.did(f"delete {which}")
        if not self.deletes:
            return False
        public = [int(key[3:].partition("-")[0]) for key in which.get("public_keys", [])]
        for number in [*which.get("key_ids", []), *public]:
            self.keys.pop(number, None)
        return True

    def state(self, key):
        self.did(f"ask {key['public_key'][:4]}")
        if self.states.get(key["public_key"]):
            return self.states[key["public_key"]].pop(0)
        return "valid" if key["private_key"] in self.keys.values() else "refused"

    def offers(self):
        self.did("offers?")
        return self.makes

    # The store

    def read(self):
        self.did("read")
        return dict(self.held if self.garbled is None else self.garbled)

    def write(self, record):
        unfinished = record.get("next") or {}
        state = "sent" if unfinished.get("sent") else unfinished.get("state") or "rest"
        self.did(f"write {state}")
        self.held = dict(record)

    def check(self, *, write):
        raise AssertionError("whether the store can be written is found before the loop")


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(_patience.time, "sleep", lambda _seconds: None)


def wrote(what):
    """The record is read right before it is written, and read back."""
    return ["read", f"write {what}", "read"]


LOOK = ["list", "read"]
FIRST_KEY = [
    *LOOK,
    *wrote("intent"),
    *LOOK,
    *wrote("sent"),
    "create []",
    *wrote("created"),
    *LOOK,
    "ask pub8",
    *wrote("rest"),
    *LOOK,
]


class Shelf(World):
    """A world whose store also deletes."""

    def delete(self, which=None):
        if which is not None:
            return super().delete(which)
        self.did("forget")
        self.record = {}
        return None


def test_a_first_key_in_its_order():
    world = World()
    outcome = world.run()
    assert world.log == FIRST_KEY
    current = {**CURRENT, "key_id": 8, "public_key": "pub8-whole", "private_key": "prv8"}
    assert world.record == {**IDENTITY, "current": current}
    assert (outcome.did, outcome.changed, outcome.steps, outcome.state) == (["new API key"], True, [], "valid")
    assert outcome.record == world.held


def test_the_second_time_there_is_nothing_to_do():
    world = World({"current": CURRENT}, 7)
    outcome = world.run()
    assert world.log == [*LOOK, "ask pub7"]
    assert (outcome.did, outcome.changed, outcome.state) == ([], False, "valid")


def test_a_rotation_replaces_the_key_of_the_beginning_once():
    world = World({"current": CURRENT}, 7)
    outcome = world.run(rotate=True)
    assert outcome.did == ["new API key", "replaced keys deleted"]
    assert (list(world.keys), world.record["current"]["public_key"]) == ([8], "pub8-whole")
    assert "retired" not in world.record
    # The new key is asked for once, and proven before the old one goes.
    assert world.log.count("ask pub8") == 1
    assert world.log.index("ask pub8") < world.log.index("delete {'public_keys': ['pub7-whole']}")


def test_without_a_key_a_rotation_makes_one():
    world = World()
    assert world.run(rotate=True).did == ["new API key"]
    assert world.log == FIRST_KEY


def test_days_of_grace_keep_the_replaced_key():
    world = World({"current": CURRENT}, 7)
    outcome = world.run(replace(WISH, grace_days=7), rotate=True)
    assert (outcome.did, list(world.keys)) == (["new API key"], [7, 8])
    shown = outcome.as_result()
    assert shown["retired"] == [{"public_key": "pub7…", "since": STAMP}]
    assert "prv" not in str(shown)


# What is shown


def test_the_result_of_a_working_key():
    outcome = Outcome(did=["a", "b"], record={"current": CURRENT, "description": "Sync key"}, state="valid")
    assert outcome.as_result() == {
        "changed": True,
        "done": ["a", "b"],
        "api_key": {
            "id": 7,
            "description": "Sync key",
            "public_key": "pub7-whole",
            "created": STAMP,
            "state": "valid",
        },
        "retired": [],
        "manual_steps": [],
        "pending": False,
    }


@pytest.mark.parametrize("state", ["refused", "none", "foreign"])
def test_of_a_key_that_is_not_proven_only_the_beginning_is_shown(state):
    shown = Outcome(record={"current": CURRENT}, state=state).as_result()
    assert (shown["api_key"]["public_key"], shown["api_key"]["state"]) == ("pub7…", state)


def test_the_result_without_a_key():
    shown = Outcome(steps=[create_key("Sync", "api", "Sync key")]).as_result()
    assert shown["api_key"] == {"id": None, "description": None, "public_key": None, "created": None, "state": "none"}
    assert (shown["changed"], shown["pending"], len(shown["manual_steps"])) == (False, True, 1)


# Check mode


def test_check_mode_predicts_and_touches_nothing():
    world = World()
    outcome = world.run(check_mode=True)
    assert world.log == LOOK
    assert (outcome.did, world.record, world.keys) == (["new API key"], {}, {})


def test_check_mode_predicts_a_rotation_and_a_deletion():
    world = World({"current": CURRENT}, 7)
    assert world.run(check_mode=True, rotate=True).did == ["new API key"]
    assert world.run(replace(WISH, absent=True), check_mode=True).did == ["keys deleted"]
    assert (list(world.keys), world.record) == ([7], {"current": CURRENT})
    old = {"key_id": 6, "public_key": "pub6-whole", "private_key": "prv6", "since": STAMP}
    world.held["retired"] = [old]
    assert world.run(check_mode=True).did == ["replaced keys deleted"]
    assert world.record["retired"] == [old]


def test_check_mode_asks_what_the_tenant_would_offer_a_member_to_come():
    world = World(offered=None)
    assert world.run(check_mode=True).did == ["new API key"]
    assert world.log == ["list", "read", "offers?"]
    world.makes = False
    outcome = world.run(check_mode=True)
    assert (outcome.did, outcome.steps) == ([], [create_key("Sync", "api", "Sync key")])


@pytest.mark.parametrize(("member_type", "absent"), [("member", False), ("api", True), ("member", True)])
def test_check_mode_does_not_ask_for_a_person_or_for_what_goes_away(member_type, absent):
    world = World(offered=None)
    wish = replace(WISH, member_type=member_type, absent=absent)
    if absent:
        assert world.run(wish, check_mode=True).did == []
    else:
        assert "does not exist" in str(world.fails(wish, check_mode=True))
    assert "offers?" not in world.log


# A store that does not do what it is told


def test_a_key_that_the_store_does_not_take_is_deleted_again():
    world = World({"current": CURRENT}, 7)
    world.failing["write created"] = StoreError("it is sealed", "unseal it")
    problem = world.fails(rotate=True)
    assert "it is sealed. The new key pub8… was deleted again. A key that was current before still is" in str(problem)
    assert (list(world.keys), world.record["current"]) == ([7], CURRENT)
    assert problem.data["done"] == []
    # The next run goes on from the intent.
    assert world.run(rotate=True).did == ["new API key", "replaced keys deleted"]


@pytest.mark.parametrize("refuses", [True, False])
def test_a_key_that_neither_the_store_takes_nor_the_tenant_deletes_is_the_next_runs(refuses):
    world = World()
    world.failing["write created"] = StoreError("it is sealed", "unseal it")
    if refuses:
        world.failing["delete {'public_keys': ['pub8-whole']}"] = LostAnswer("gone")
    else:
        world.deletes = False
    assert "The new key pub8… could not be deleted; the next run does it, or says how" in str(world.fails())
    assert list(world.keys) == [8]
    # Another process, to which this one is dead.
    world.held["next"]["owner"] = {"host": "here", "pid": 9}
    world.alive[9], world.deletes = False, True
    assert world.run().did == ["leftover keys of an interrupted run deleted", "new API key"]
    assert list(world.keys) == [8]
    assert world.record["current"]["private_key"] == "prv8"


def test_a_store_that_gives_back_another_record_stops_before_a_key_is_made():
    world = World()
    world.garbled = {"current": CURRENT, "version": 3}
    world.keys = {7: "prv7"}
    problem = world.fails(rotate=True)
    assert "the key store gave back another record than was written (the store); nothing more was done" in str(problem)
    assert not any(line.startswith("create") for line in world.log)


def test_a_store_that_garbles_the_new_key_has_it_deleted_again():
    world = World()

    def forgetful(record):
        made = record.get("next") or {}
        garbled = {**record, "next": {**made, "private_key": None}} if made.get("state") == "created" else record
        World.write(world, garbled)

    world.write = forgetful
    assert "was deleted again" in str(world.fails())
    assert world.keys == {}


def test_the_version_that_a_store_counts_is_no_difference():
    world = World()

    def counting(record):
        World.write(world, {**record, "version": int(record.get("version") or 0) + 1})

    world.write = counting
    assert world.run().did == ["new API key"]
    assert world.record["version"] == 4


def test_a_store_that_cannot_be_read_ends_the_run():
    world = World()
    world.failing["read"] = StoreError("it is locked", "unlock it")
    assert world.fails().data["done"] == []
    assert world.log == LOOK


def test_what_was_done_before_a_failure_is_told():
    world = World({"current": CURRENT}, 7)
    world.failing["delete {'public_keys': ['pub7-whole']}"] = LostAnswer("gone")
    assert world.fails(rotate=True).data["done"] == ["new API key"]


def test_a_store_that_compares_no_versions_is_given_time():
    """The intent is not read back at once: whoever wrote last has won when the next turn looks."""
    world = World()
    world.guarded = False
    assert world.run().did == ["new API key"]
    assert world.log[:7] == [*LOOK, "read", "write intent", "pause 4", *LOOK]
    assert world.log.count("pause 4") == 1


def test_of_two_that_write_at_once_the_one_that_lost_makes_no_key():
    world = World()
    world.guarded = False

    def other_wrote(seconds):
        World.pause(world, seconds)
        world.held["next"]["owner"] = {"host": "here", "pid": 2}

    world.pause = other_wrote
    assert "another run (process 2 on here" in str(world.fails())
    assert world.keys == {}


def rotated_by_another(world):
    """What the store holds when another run has rotated meanwhile."""
    world.keys[20] = "prv20"
    world.held = {**IDENTITY, "current": {"key_id": 20, "public_key": "pub20-whole", "private_key": "prv20"}}


@pytest.mark.parametrize("guarded", [True, False])
def test_a_record_that_another_run_has_written_is_not_overwritten(guarded):
    """This run waits for a slow DELETE when another one rotates and stores its key."""
    world = World({"current": CURRENT}, 7)
    world.guarded = guarded
    delete = world.delete

    def slow(which):
        if which == {"public_keys": ["pub7-whole"]}:
            rotated_by_another(world)
        return delete(which)

    world.delete = slow
    said = str(world.fails(rotate=True))
    assert "another run has written the record of Sync meanwhile (the store), so this one wrote nothing more" in said
    assert "The new key pub8… was deleted again" in said
    assert "wait until the other run has ended" in said
    # The other run's key works, is in the store, and this run's is nobody's.
    assert (list(world.keys), world.record["current"]["public_key"]) == ([20], "pub20-whole")


def test_a_key_that_the_other_run_knows_is_not_deleted():
    world = World()
    put = world.write

    def write(record):
        put(record)
        if world.record.get("current"):
            world.held = {**world.held, "revision": "9-other", "retired": [world.record["current"]]}

    world.write = write
    assert "another run has written" in str(world.fails())
    assert list(world.keys) == [8]


def test_a_record_is_not_deleted_after_another_run_has_written():
    world = Shelf({"current": CURRENT})
    reads = []

    def read():
        reads.append(1)
        if len(reads) == 2:
            rotated_by_another(world)
        return World.read(world)

    world.read = read
    assert "another run has written" in str(world.fails(replace(WISH, absent=True)))
    assert "forget" not in world.log
    assert world.record["current"]["public_key"] == "pub20-whole"


def test_each_write_has_a_revision_of_its_own_and_old_records_have_none():
    seen = []
    for _run in range(2):
        world = World({"current": CURRENT}, 7)
        put = world.write
        world.write = lambda record, put=put: (seen.append(record["revision"]), put(record))
        world.run(rotate=True)
    counts = [int(one.partition("-")[0]) for one in seen]
    assert counts == [1, 2, 3, 4, 5] * 2
    assert len(set(seen)) == 10


@pytest.mark.parametrize("made", [True, False])
def test_a_refused_request_that_has_made_a_key_all_the_same(made):
    world = World({"current": CURRENT}, 7)
    create = world.create

    def refused(other_than):
        if made:
            create(other_than)
        problem = InvalidRecord("bad request")
        problem.unclear = True
        raise problem

    world.create = refused
    assert "bad request" in str(world.fails(rotate=True))
    assert list(world.keys) == [7]
    # No key of this store can show any more, so one that does is somebody else's.
    assert world.record["next"]["sent"] == 0


# A tenant that does not do what it is told


def test_a_member_that_an_earlier_task_made_may_not_be_listed_yet():
    world = World()
    world.members = [Listing(None, [], True), Listing(None, [], True)]
    assert world.run().did == ["new API key"]
    assert world.log[:6] == ["list", "pause 0.3", "list", "pause 0.8", "list", "read"]


@pytest.mark.parametrize("more", [{"check_mode": True}, {}])
def test_nobody_waits_for_a_member_that_is_not_to_come(more):
    world = Shelf(offered=None)
    world.run(replace(WISH, absent=not more), **more)
    assert world.log.count("list") == 1


def test_only_the_first_list_of_the_first_look_waits():
    owner = {"host": "here", "pid": 2}
    intent = {"state": "intent", "known": [], "known_ids": [], "owner": owner, "started": STAMP}
    world = World({**IDENTITY, "next": intent}, offered=None)
    world.is_alive = lambda owner: owner == ME
    assert "does not exist" in str(world.fails())
    waited = ["list", "pause 0.3", "list", "pause 0.8", "list", "pause 1.6", "list"]
    assert world.log[:10] == [*waited, "read", *LOOK]


def test_only_the_first_look_waits():
    world = World({}, 9, offered=None)
    world.run(replace(WISH, given={"public_key": "pub9-whole", "private_key": "prv9"}))
    assert [line for line in world.log if line in LOOK] == ["list"] * 4 + ["read"] * 3 + ["list", "read"]


def test_a_tenant_that_lists_keys_and_makes_none():
    world = World()
    world.makes = False
    outcome = world.run()
    assert (outcome.did, outcome.steps) == ([], [create_key("Sync", "api", "Sync key")])
    assert "next" not in world.record


def test_a_tenant_that_lists_keys_and_deletes_none():
    world = World(
        {"current": CURRENT, "retired": [{**CURRENT, "public_key": "pub6-whole", "private_key": "prv6"}]}, 6, 7
    )
    world.deletes = False
    outcome = world.run()
    assert (outcome.did, outcome.steps) == ([], [delete_key("Sync", "api", None, "pub6-whole")])
    assert world.record["retired"]
    # A person deletes it, which the tenant's refusal shows.
    del world.keys[6]
    assert (world.run().did, "retired" in world.record) == ([], False)


def test_a_key_whose_private_half_is_not_shown():
    world = World()
    world.shows = False
    problem = world.fails()
    assert "did not show its private key" in str(problem)
    assert (world.keys, problem.data["done"]) == ({}, ["leftover keys of an interrupted run deleted"])
    world.shows = True
    world.held["next"]["owner"] = {"host": "here", "pid": 9}
    world.alive[9] = False
    assert world.run().did == ["new API key"]


def test_a_late_key_of_a_killed_run_is_deleted_and_another_one_made():
    world = World({"next": {"state": "intent", "owner": {"pid": 9}, "known_ids": [], **SENT}})
    world.alive[9] = False
    world.late = [{8: "nobody has it"}]
    outcome = world.run()
    assert outcome.did == ["leftover keys of an interrupted run deleted", "new API key"]
    assert world.keys == {8: "prv8"}
    assert world.record["current"]["private_key"] == "prv8"


def test_a_run_that_ends_after_its_record_was_read_has_left_no_orphan():
    owner = {"host": "here", "pid": 2}
    intent = {"state": "intent", "known": [], "known_ids": [], "owner": owner, "started": STAMP}
    world = World({**IDENTITY, "next": intent}, 7)
    # It lives until this run has read the store for the last time, and makes key 7 the current one only then.
    world.is_alive = lambda _owner: world.log.count("read") < 2
    assert "another run" in str(world.fails())
    assert world.keys == {7: "prv7"}


def test_a_key_that_somebody_else_made_meanwhile_is_left_alone():
    world = World()
    world.late = [{8: "somebody has it"}]
    problem = world.fails()
    assert problem.data["done"] == []
    assert "somebody else has just made a key of Sync; it was left alone" in str(problem)
    assert world.keys == {8: "somebody has it"}
    assert "next" not in world.record
    assert world.run().steps == [store_key("Sync", "api", "Sync key", ["pub8-whole"])]


@pytest.mark.parametrize("wrong", [1, 2])
def test_a_new_key_may_not_be_known_everywhere_at_once(wrong):
    world = World()
    world.states["pub8-whole"] = ["refused"] * wrong
    assert world.run().did == ["new API key"]
    assert world.log.count("pause 1") == wrong
    assert world.log.count("ask pub8") == wrong + 1


def test_a_new_key_that_stays_refused_is_deleted_and_told():
    world = World({"current": CURRENT}, 7)
    world.states["pub8-whole"] = ["refused"] * 3
    problem = world.fails(rotate=True)
    assert "the new key of Sync is refused by the tenant; it was given up" in str(problem)
    assert (list(world.keys), world.record) == ([7], {**IDENTITY, "current": CURRENT})
    assert problem.data["done"] == ["new API key", "refused key deleted"]


def test_only_a_new_key_of_this_run_is_waited_for():
    world = World({"current": CURRENT})
    assert "it was deleted" in str(world.fails())
    assert not any(line.startswith("pause") for line in world.log)
    world = World({"next": {**CURRENT, "state": "created", "owner": {"pid": 9}}})
    world.alive[9] = False
    world.run()
    assert not any(line.startswith("pause") for line in world.log)


def test_a_tenant_that_never_comes_to_rest():
    world = World()
    numbers = iter(range(100, 200))

    def growing():
        world.keys[next(numbers)] = "x"
        return World.listing(world)

    world.listing = growing
    wish = replace(WISH, absent=True)
    problem = world.fails(wish)
    assert "the key of Sync did not come to rest" in str(problem)
    assert "see whether another run works on it" in str(problem)
    assert world.log.count("list") == 16


# A run that is not there any more


def test_a_key_whose_answer_was_lost_is_deleted_and_another_one_made():
    world = World()
    world.lost = [LostAnswer("lost")]
    outcome = world.run()
    lost = world.log.index("create []") + 1
    # That it may be there was in the store before it was asked for.
    assert world.log[lost - 3 : lost - 1] == ["write sent", "read"]
    gone = ["delete {'key_ids': [8]}", *wrote("intent"), *LOOK]
    assert world.log[lost:][: len(gone) + 3] == ["list", *LOOK, *gone]
    assert (outcome.state, list(world.keys)) == ("valid", [8])
    assert world.log.count("create []") == 2


@pytest.mark.parametrize(
    ("lost", "tries"),
    [([LostAnswer("lost"), LostAnswer("lost")], 2), ([ServerFailed("no key pair")], 1)],
)
def test_a_key_that_cannot_be_seen_is_deleted_and_told(lost, tries):
    world = World({"current": CURRENT, **IDENTITY}, 7)
    world.lost = list(lost)
    problem = world.fails(replace(WISH, replace="pub7-whole"))
    assert problem is lost[-1]
    assert "new API key" not in problem.data["done"]
    assert world.log.count("create [7]") == tries
    assert list(world.keys) == [7]
    assert world.record["current"] == CURRENT


def unclear(problem):
    problem.unclear = True
    return problem


def test_a_refusal_after_which_a_key_is_there_is_cleared_up_after():
    world = World({"current": CURRENT, **IDENTITY}, 7)
    world.lost = [unclear(InvalidRecord("the server refused the content"))]
    problem = world.fails(replace(WISH, replace="pub7-whole"))
    assert (type(problem), str(problem)) == (
        InvalidRecord,
        "the server refused the content. What to do: correct the named fields.",
    )
    assert list(world.keys) == [7]
    assert world.log.count("delete {'key_ids': [8]}") == 1


@pytest.mark.parametrize("failing", ["list", "delete {'key_ids': [8]}"])
def test_a_key_that_may_be_left_is_told_with_the_command_that_deletes_it(failing):
    world = World({"current": CURRENT, **IDENTITY}, 7)
    world.lost = [unclear(InvalidRecord("the server refused the content"))]
    create = world.create

    def created(other_than):
        world.failing[failing] = PermissionDenied("the security role lacks a permission")
        return create(other_than)

    world.create = created
    problem = world.fails(replace(WISH, replace="pub7-whole"))
    assert isinstance(problem, PermissionDenied)
    assert "the request for a key failed: the server refused the content" in str(problem)
    command = str(problem).partition("a key of Sync may be live. The next run deletes it: ")[2]
    assert command.startswith("ansible-playbook msp.connectwise.onboard")


def test_twins_go_while_the_intent_still_tells_of_them():
    world = World()
    world.twins = 2
    outcome = world.run()
    made = world.log.index("create []") + 1
    assert world.log[made:][:5] == ["read", "delete {'key_ids': [9, 10]}", *wrote("created")]
    assert (outcome.state, list(world.keys)) == ("valid", [8])


def test_what_looks_like_a_twin_may_be_the_key_of_the_run_that_took_over():
    world = World()
    world.twins = 1
    create = world.create

    def taken_over(other_than):
        made = create(other_than)
        world.record = {**IDENTITY, "current": {"public_key": "pub9-whole", "private_key": "prv9"}}
        return made

    world.create = taken_over
    assert "another run has written the record of Sync" in str(world.fails())
    assert list(world.keys) == [9]


def test_the_worker_of_a_killed_run_does_nothing_more():
    world = World({"current": CURRENT}, 7)
    world.alive[1] = False
    assert "its worker did nothing more" in str(world.fails(rotate=True))
    assert (world.log, world.record) == ([*LOOK, "ask pub7"], {"current": CURRENT})


def test_a_key_that_was_made_while_the_run_was_killed_is_deleted_again():
    world = World()
    made = world.create

    def killed_meanwhile(other_than):
        world.alive[1] = False
        return made(other_than)

    world.create = killed_meanwhile
    assert "The new key pub8… was deleted again" in str(world.fails())
    assert world.keys == {}
    assert world.record["next"]["state"] == "intent"


# What goes away, and what a person has made


def test_an_integration_that_goes_away_leaves_nothing():
    world = Shelf({"current": CURRENT}, 7)
    outcome = world.run(replace(WISH, absent=True))
    assert outcome.did == ["keys deleted", "record taken out of the key store"]
    assert (world.keys, world.record, outcome.record) == ({}, {}, {})
    assert world.log[-3:] == ["forget", "list", "read"]


def test_absent_does_not_replace_what_it_takes_away():
    world = Shelf({"current": CURRENT}, 7)
    assert "create" not in str(world.run(replace(WISH, absent=True), rotate=True).did)
    assert world.keys == {}


def test_the_key_of_the_run_itself_stays():
    world = Shelf({"current": CURRENT}, 7)
    outcome = world.run(replace(WISH, absent=True), own="pub7-whole")
    assert (outcome.did, list(world.keys), outcome.steps[0]["kind"]) == ([], [7], "own_key")


def test_a_given_key_is_proven_stored_and_the_one_before_it_left():
    world = World({"current": CURRENT}, 7, 9)
    given = {"public_key": "pub9-whole", "private_key": "prv9"}
    outcome = world.run(replace(WISH, given=given))
    assert outcome.did == ["given key stored"]
    assert world.record["current"]["public_key"] == "pub9-whole"
    assert [key["public_key"] for key in world.record["retired"]] == ["pub7-whole"]
    assert list(world.keys) == [7, 9]
    assert not world.run(replace(WISH, given=given)).changed


@pytest.mark.parametrize(("stored", "given"), [("mistyped", "prv7"), ("prv7", "mistyped")])
def test_the_private_half_of_a_stored_key_is_corrected_and_never_spoilt(stored, given):
    world = World({"current": {**CURRENT, "private_key": stored}}, 7)
    wish = replace(WISH, given={"public_key": "pub7-whole", "private_key": given})
    if given == "prv7":
        assert world.run(wish).did == ["given key stored"]
        assert "retired" not in world.record
    else:
        assert "was not stored" in str(world.fails(wish))
    assert world.record["current"]["private_key"] == "prv7"


def test_a_given_key_with_a_wrong_half_is_not_stored():
    world = World({"current": CURRENT}, 7, 9)
    problem = world.fails(replace(WISH, given={"public_key": "pub9-whole", "private_key": "mistyped"}))
    assert "the key pub9… was not stored" in str(problem)
    assert "mistyped" not in str(problem)
    assert world.record == {"current": CURRENT}


@pytest.mark.parametrize("offered", [True, False])
def test_swapped_halves_of_a_given_key_are_told_and_not_stored(offered):
    world = World({"current": CURRENT}, 7, 9, offered=offered)
    problem = world.fails(replace(WISH, given={"public_key": "prv9", "private_key": "pub9-whole"}))
    assert "the two halves of the key of Sync are swapped, and nothing was stored" in str(problem)
    assert "What to do: exchange public_key and private_key" in str(problem)
    assert world.record == {"current": CURRENT}


def test_keys_of_members_that_fit_an_identifier_as_a_pattern_are_not_the_members():
    keys = [{"member": name, "id": number} for number, name in enumerate(("Sync1", "Sync*"), start=1)]
    found = {"offered": True, "member_active": True, "api_keys": keys}
    assert [key["id"] for key in MemberKeys(lambda *_: found, "Sync*", "api", "Sync key").listing().keys] == [2]
