# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of a key at its edges: exact records, exact limits, exact reasons."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.msp.connectwise.plugins.plugin_utils import _key_life as life

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)
STAMP = "2026-03-01T12:00:00+00:00"
ME = {"host": "here", "pid": 1}
OTHER = {"host": "there", "pid": 2}
CURRENT = {"key_id": 7, "public_key": "pub7", "private_key": "prv7", "created": "2026-02-01T12:00:00+00:00"}


def wish(**more):
    return life.Wish(**{"member": "Sync", "member_type": "api", "description": "Sync key", **more})


def key(number, description="Sync key"):
    return {"id": number, "description": description, "public_key": f"pub{number}"}


def planned(record, state="valid", offered=True, keys=(), active=True, alive=None, **wished):
    facts = life.Facts(state, offered, keys, active)
    return life.plan(record, facts, wish(**wished), ME, NOW, lambda _owner: alive)


def ago(**span):
    return (NOW - timedelta(**span)).isoformat()


def intent(owner=None, known=(), known_ids=(), started=STAMP):
    return {
        "state": "intent",
        "known": list(known),
        "known_ids": list(known_ids),
        "owner": dict(owner or ME),
        "started": started,
    }


# Time


@pytest.mark.parametrize(
    ("created", "days"),
    [
        ("2026-02-27T12:00:00+00:00", 2.0),
        ("2026-02-27T12:00:00Z", 2.0),
        ("2026-02-27T12:00:00", 2.0),
        ("2026-02-27T14:00:00+02:00", 2.0),
        ("2026-03-01T00:00:00Z", 0.5),
        ("2027-01-01T00:00:00Z", 0.0),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_age(created, days):
    assert life.age_days(created, NOW) == days


@pytest.mark.parametrize(
    ("span", "believed"),
    [({"days": 1}, True), ({"days": -1}, True), ({"days": -1, "seconds": -1}, False), ({"seconds": 0}, True)],
)
def test_a_clock_may_be_wrong_by_a_day(span, believed):
    said = life.clock_skew(ago(**span), NOW)
    assert (said == "") is believed
    if said:
        assert f"this machine's clock says {STAMP}" in said
        assert ago(**span) in said


def test_no_moment_is_no_skew():
    assert life.clock_skew(None, NOW) == life.clock_skew("soon", NOW) == ""


# Another run


def busy(owner, started, alive, lease=900.0, **more):
    record = {"next": {"state": "intent", "owner": owner, "started": started, **more}}
    return life.busy(record, ME, lease, NOW, lambda _owner: alive)


def test_what_is_nobodys_or_mine_is_free():
    assert busy(None, STAMP, True) == busy(ME, STAMP, True) == life.busy({}, ME, 900, NOW, lambda _owner: True) == ""


def test_a_dead_process_holds_nothing():
    assert busy(OTHER, STAMP, False) == ""


def test_a_living_process_holds_it_however_long():
    said = busy(OTHER, ago(days=9), True)
    assert f"process 2 on there, since {ago(days=9)}" in said
    assert "integration_lease: 0" in said


@pytest.mark.parametrize(
    ("started", "lease", "free"),
    [
        (ago(seconds=900), 900.0, True),
        (ago(seconds=899), 900.0, False),
        (STAMP, 0.0, True),
        (None, 900.0, True),
        ("soon", 900.0, True),
    ],
)
def test_a_process_of_another_machine_holds_it_for_the_lease(started, lease, free):
    assert (busy(OTHER, started, None, lease) == "") is free


@pytest.mark.parametrize(("seconds", "do"), [(899.5, "stop"), (900.5, "create")])
def test_the_lease_is_fifteen_minutes_unless_said_otherwise(seconds, do):
    assert planned({"next": intent(OTHER, started=ago(seconds=seconds))}, "none", alive=None).do == do


def test_a_busy_plan_stops_and_keeps_the_record():
    record = {"next": intent(OTHER)}
    found = planned(record, "none", alive=True)
    assert (found.do, found.record, found.orphans, found.steps) == ("stop", record, [], [])
    assert "another run" in found.message


# Whose record


def test_the_record_of_this_integration_fits():
    held = {"company_id": "North", "vendor": "sync", "member": "Sync"}
    assert life.mismatch({}, "sync", "Sync", "north") == ""
    assert life.mismatch(held, "sync", "Sync", "north") == ""
    assert life.mismatch({"vendor": "sync"}, "sync", "Sync", "north") == ""
    assert life.mismatch(held, "sync", "Sync", "") == ""


@pytest.mark.parametrize(
    ("held", "what", "renamed"),
    [
        ({"company_id": "south"}, "the company south, and this run is for north", False),
        ({"vendor": "other"}, "the integration other, and this run is for sync", True),
        ({"member": "Else"}, "the member Else, and this run is for Sync", True),
    ],
)
def test_the_record_of_another_is_named(held, what, renamed):
    said = life.mismatch(held, "sync", "Sync", "north")
    assert what in said
    assert ("offboard.yml" in said) is renamed


# Which keys the store knows


def test_public_halves_of_all_keys():
    record = {"current": CURRENT, "next": {"public_key": "pub8"}, "retired": [{"public_key": "pub6"}, {"key_id": 5}]}
    assert life.known_public_keys(record) == ["pub7", "pub8", "pub6"]
    assert life.known_public_keys({}) == []
    assert life.known_public_keys({"next": intent()}) == []


# Is a new key needed?


@pytest.mark.parametrize(
    ("record", "state", "wished", "needed"),
    [
        ({}, "none", {}, True),
        ({"current": CURRENT}, "valid", {}, False),
        ({"current": CURRENT}, "valid", {"rotate": True}, True),
        ({"current": CURRENT}, "refused", {}, False),
        ({"current": CURRENT}, "refused", {"heal": True}, True),
        ({"current": CURRENT}, "refused", {"rotate": True}, True),
        ({"current": CURRENT}, "foreign", {"rotate": True, "heal": True}, False),
        ({"current": CURRENT}, "valid", {"heal": True}, False),
        ({"current": CURRENT}, "valid", {"max_age_days": 28}, False),
        ({"current": CURRENT}, "valid", {"max_age_days": 27.9}, True),
        ({"current": {**CURRENT, "created": None}}, "valid", {"max_age_days": 1}, False),
        (
            {"current": {**CURRENT, "created": "2030-01-01T00:00:00Z"}},
            "valid",
            {"rotate": True, "max_age_days": 1},
            True,
        ),
    ],
)
def test_needs_new_key(record, state, wished, needed):
    assert life.needs_new_key(record, state, wish(**wished), NOW) is needed


def test_an_age_that_cannot_be_known_is_an_error():
    record = {"current": {**CURRENT, "created": "2030-01-01T00:00:00Z"}}
    with pytest.raises(life.KeyLifeError, match="one of two clocks is wrong"):
        life.needs_new_key(record, "valid", wish(max_age_days=1), NOW)


# Retired keys


def retired(number, **span):
    return {"key_id": number, "public_key": f"pub{number}", "private_key": "x", "since": ago(**span)}


def test_retired_keys_ripen():
    old, young = retired(1, days=3), retired(2, days=1)
    record = {"current": CURRENT, "retired": [old, young]}
    assert life.ripe(record, 0, NOW) == [old, young]
    assert life.ripe(record, -1, NOW) == [old, young]
    assert life.ripe(record, 3, NOW) == [old]
    assert life.ripe(record, 3.1, NOW) == []
    assert life.ripe(record, 0.5, NOW) == [old, young]
    assert life.ripe({"retired": [old]}, 0, NOW) == []
    assert life.ripe({"current": CURRENT, "retired": [{"public_key": "p"}]}, 0.1, NOW) == []
    assert life.ripe({"current": CURRENT}, 0, NOW) == []
    # Of another machine whose clock is ahead; and of no known moment, with the shortest of times.
    assert life.ripe({"current": CURRENT, "retired": [retired(1, days=-1)]}, 0, NOW) == [retired(1, days=-1)]
    assert life.ripe({"current": CURRENT, "retired": [{"public_key": "p"}]}, 0.000001, NOW) == []


@pytest.mark.parametrize(
    ("record", "rotate", "max_age", "grace", "due"),
    [
        ({"current": CURRENT}, False, 0, 0, False),
        ({"current": CURRENT, "next": intent()}, False, 0, 0, True),
        ({"current": CURRENT, "retired": [retired(1, days=1)]}, False, 0, 0, True),
        ({"current": CURRENT, "retired": [retired(1, days=1)]}, False, 0, 2, False),
        ({"current": CURRENT}, True, 0, 0, True),
        ({"current": CURRENT}, False, 20, 0, True),
        ({"current": CURRENT}, False, 30, 0, False),
    ],
)
def test_is_due(record, rotate, max_age, grace, due):
    assert life.is_due(record, rotate, max_age, grace, NOW) is due


# The plan


def test_nothing():
    found = planned({"current": CURRENT}, keys=[key(7)])
    assert found.as_dict() == {
        "do": "nothing",
        "record": {"current": CURRENT},
        "orphans": [],
        "steps": [],
        "message": "",
    }


def test_a_first_key():
    found = planned({}, "none", keys=[key(3, "Another key"), {"id": 2, "description": "No public half"}])
    assert found.do == "create"
    assert found.orphans == []
    assert found.record == {"next": intent(known=["pub3"], known_ids=[2, 3])}


def test_a_created_key_is_checked_first():
    record = {"current": CURRENT, "next": {"state": "created", "public_key": "pub8"}}
    assert planned(record, "foreign", rotate=True).as_dict()["do"] == "check"
    assert planned(record, "foreign").record == record


def test_a_foreign_key_stops():
    found = planned({"current": CURRENT, "next": intent()}, "foreign", rotate=True)
    assert found.do == "stop"
    assert "the stored key pub7 authenticates, but does not belong to the member Sync" in found.message
    assert found.record == {"current": CURRENT, "next": intent()}


def test_an_interrupted_creation_leaves_orphans():
    # 7 is current, 4 was there before (known by id), 5 by its public half, 9 has another description, 8 is the orphan.
    keys = [key(7), key(4), key(5), key(8), key(9, "Another")]
    record = {"current": CURRENT, "next": intent(known=["pub5"], known_ids=[4])}
    found = planned(record, keys=keys)
    assert (found.do, found.orphans, found.record) == ("clean", [8], {"current": CURRENT})
    assert "next" in record


def test_an_interrupted_first_creation_starts_over():
    found = planned({"next": intent(known_ids=[4])}, "none", keys=[key(4, "Another"), key(8)])
    assert (found.do, found.orphans) == ("create", [8])
    assert found.record["next"]["known_ids"] == [4]
    assert found.record["next"]["known"] == ["pub4"]


def test_orphans_are_found_by_the_description_the_record_has_too():
    record = {"current": CURRENT, "description": "Old words", "next": intent()}
    assert planned(record, keys=[key(8, "old  WORDS"), key(9, "New words")]).orphans == [8]


def test_without_an_interrupted_run_there_are_no_orphans():
    assert planned({"current": CURRENT}, keys=[key(7), key(8)], rotate=True).orphans == []


def test_a_retired_key_that_is_ripe_is_cleaned():
    record = {"current": CURRENT, "retired": [retired(6, days=2)]}
    assert planned(record).do == "clean"
    assert planned(record, grace_days=3).do == "nothing"
    assert planned({"current": CURRENT, "retired": [retired(6, hours=1)]}).do == "clean"


def test_retired_keys_are_no_strangers():
    record = {"retired": [retired(6, days=2)]}
    assert planned(record, "none", keys=[key(6)]).do == "create"


@pytest.mark.parametrize(
    ("offered", "keys", "active", "why"),
    [
        (True, [], True, "it was deleted in ConnectWise PSA"),
        (True, [], False, "it was deleted in ConnectWise PSA"),
        (True, [key(7)], False, "its member is inactive"),
        (True, [key(7)], True, "it is still listed there, so the private key in the store is not the right one"),
        (False, [], False, "its member is inactive"),
        (False, [], True, "it was deleted in ConnectWise PSA, or the private key in the store is not the right one"),
        (None, [], True, "it was deleted in ConnectWise PSA, or the private key in the store is not the right one"),
    ],
)
def test_why_a_key_is_refused(offered, keys, active, why):
    found = planned({"current": CURRENT}, "refused", offered, keys, active)
    assert found.do == "stop"
    assert found.message.startswith(
        f"the tenant refuses the stored key pub7 of Sync: {why}. Set integration_heal: true"
    )


def test_a_member_is_active_unless_said_otherwise():
    assert life.why_refused({"current": CURRENT}, life.Facts("refused", None)).startswith("it was deleted")


def test_a_refused_key_of_an_inactive_person():
    found = planned({"current": CURRENT}, "refused", True, [key(7)], False, member_type="member")
    assert found.message.endswith("Activate the member in System > Members, or take it off the list of members")
    active = planned({"current": CURRENT}, "refused", True, [key(7)], True, member_type="member")
    assert "integration_heal" in active.message


@pytest.mark.parametrize(
    ("member_type", "offered", "active", "do", "what"),
    [
        ("member", None, True, "stop", "the member Sync does not exist"),
        ("member", True, False, "stop", "the member Sync is inactive"),
        ("member", True, True, "create", ""),
        ("api", None, True, "create", ""),
        ("api", True, False, "create", ""),
        ("member", False, True, "manual", ""),
    ],
)
def test_a_person_has_to_be_there(member_type, offered, active, do, what):
    found = planned({}, "none", offered, active=active, member_type=member_type)
    assert found.do == do
    assert found.message.startswith(what)
    assert bool(found.message) is bool(what)


def test_where_no_key_can_be_made_a_person_makes_it():
    found = planned({}, "none", False)
    assert (found.do, [step["kind"] for step in found.steps]) == ("manual", ["create_key"])
    assert found.steps[0]["description"] == "Sync key"
    assert found.record == {}


def test_a_key_that_nobody_has_stored_is_asked_for():
    keys = [key(3), key(4), key(5, "Another")]
    found = planned({}, "none", keys=keys)
    assert found.do == "manual"
    (step,) = found.steps
    assert "pub3" in str(step)
    assert "pub4" in str(step)
    assert "pub5" not in str(step)
    assert planned({}, "none", keys=keys, beside=True).do == "create"
    assert planned({"current": CURRENT}, keys=[*keys, key(7)], rotate=True).do == "create"


def test_an_orphan_is_no_stranger():
    found = planned({"next": intent(known_ids=[3])}, "none", keys=[key(3), key(8)])
    assert (found.do, found.orphans) == ("manual", [8])
    assert "pub3" in str(found.steps)
    assert "pub8" not in str(found.steps)


# What becomes of the record


def test_created():
    record = {"current": CURRENT, "next": intent(known=["a"], known_ids=[1])}
    made = life.created(record, {"id": 8, "public_key": "pub8", "private_key": "prv8", "description": "x"}, NOW)
    assert made["current"] == CURRENT
    assert made["next"] == {
        "state": "created",
        "key_id": 8,
        "public_key": "pub8",
        "private_key": "prv8",
        "created": STAMP,
        "owner": ME,
        "started": STAMP,
    }
    assert life.created({}, {"id": 8}, NOW)["next"]["key_id"] == 8


NEXT = {"state": "created", "key_id": 8, "public_key": "pub8", "private_key": "prv8", "created": STAMP, "owner": ME}
PROMOTED = {"key_id": 8, "public_key": "pub8", "private_key": "prv8", "created": STAMP, "verified": STAMP}


def test_promoted():
    earlier = retired(6, days=2)
    record = {"vendor": "sync", "current": CURRENT, "next": NEXT, "retired": [earlier]}
    assert life.promoted(record, NOW) == {
        "vendor": "sync",
        "current": PROMOTED,
        "retired": [earlier, {"key_id": 7, "public_key": "pub7", "private_key": "prv7", "since": STAMP}],
    }
    assert life.promoted({"next": NEXT}, NOW) == {"current": PROMOTED}


def test_the_same_key_again_is_not_its_own_predecessor():
    record = {"current": {**CURRENT, "public_key": "pub8"}, "next": NEXT}
    assert life.promoted(record, NOW) == {"current": PROMOTED}


def test_given():
    found = life.given({"current": CURRENT, "next": intent()}, {"public_key": "pub8", "private_key": "prv8"}, NOW)
    assert found["current"] == {**PROMOTED, "key_id": None}
    assert [one["public_key"] for one in found["retired"]] == ["pub7"]
    # What an interrupted run may have left is still to be cleaned up.
    assert found["next"] == intent()


def test_settled_and_given_up():
    record = {"current": CURRENT, "retired": [retired(5, days=1), retired(6, days=1)], "next": NEXT}
    assert life.settled(record, ["pub5", "other"])["retired"] == [retired(6, days=1)]
    assert life.settled(record, ["pub5", "pub6"]) == {"current": CURRENT, "next": NEXT}
    assert life.given_up(record) == {"current": CURRENT, "retired": record["retired"]}


MINE, OTHERS = {"member": "Umbrella", "public_key": "a"}, {"member": "Petra", "public_key": "b"}


@pytest.mark.parametrize(
    ("keys", "wanted"),
    [
        ([MINE, OTHERS], ["a"]),
        ([{**MINE, "member": " umbrella "}], ["a"]),
        ([{"public_key": "c"}], []),
        ([{**MINE, "tenant": None}], ["a"]),
        ([{**MINE, "tenant": ""}], ["a"]),
        ([{**MINE, "tenant": "NORTH"}], ["a"]),
        ([{**MINE, "tenant": "store-north"}], ["a"]),
        ([{**MINE, "tenant": "south"}], []),
        ([{**OTHERS, "tenant": "north"}], []),
        # What names the tenant comes last, and counts.
        ([{**MINE, "tenant": "north", "public_key": "d"}, MINE], ["a", "d"]),
    ],
)
def test_given_for(keys, wanted):
    found = life.given_for(keys, "Umbrella", ["store-north", "north"])
    assert [key["public_key"] for key in found] == wanted


def test_given_without_an_intent():
    found = life.given({"current": CURRENT}, {"public_key": "pub8", "private_key": "prv8"}, NOW)
    assert "next" not in found


def test_orphans_of():
    wish = life.Wish("Umbrella", "api", "Umbrella")
    keys = [{"id": number, "description": "umbrella", "public_key": f"pub{number}"} for number in range(1, 8)]
    keys.append({"id": 9, "description": "other", "public_key": "pub9"})
    record = {"next": {"state": "intent", "known": ["pub1"], "known_ids": [2]}, "current": {"public_key": "pub3"}}
    record["retired"] = [{"public_key": "pub4"}, {"key_id": 5}]
    assert life.orphans_of(record, keys, wish) == [6, 7]
    assert life.orphans_of({"current": {"public_key": "pub3"}}, keys, wish) == []
