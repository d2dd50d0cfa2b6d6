# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of a key at its edges: each turn with its exact act, record, steps and reason."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.msp.connectwise.plugins.module_utils._manual import (
    create_key,
    delete_key,
    leftover_key,
    own_key,
    store_key,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils import _key_life as life
from ansible_collections.msp.connectwise.plugins.plugin_utils import _key_record as records

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)
STAMP = "2026-03-01T12:00:00+00:00"
ME = {"host": "here", "pid": 1}
OTHER = {"host": "there", "pid": 2}

UNLISTED = (
    "it was deleted in ConnectWise PSA, or its description was edited there, which makes a new pair, or the private "
    "key in the store is not the right one"
)


def pub(number):
    return f"pub{number}-whole"


CURRENT = {"key_id": 7, "public_key": pub(7), "private_key": "prv7", "created": "2026-02-01T12:00:00+00:00"}


def wish(**more):
    return life.Wish(**{"member": "Sync", "member_type": "api", "description": "Sync key", **more})


def key(number, description="Sync key"):
    return {"id": number, "description": description, "public_key": pub(number)}


def turn(record, state="valid", offered=True, keys=(), active=True, *, alive=None, own="", me=None, **wished):
    """state: what the tenant says of every key that is asked for, or a mapping of public keys."""
    wanted = wish(**wished)
    asked = [one["public_key"] for one in life.to_ask(record, offered, wanted)]
    states = state if isinstance(state, dict) else dict.fromkeys(asked, state)
    facts = life.Facts(offered, keys, active, states, own)
    before = repr((record, facts))
    found = life.turn(record, facts, wanted, me or ME, NOW, lambda _owner: alive)
    assert repr((record, facts)) == before
    return found


def refused_turn(*arguments, **more):
    """Why a turn wants a person."""
    with pytest.raises(life.KeyLifeError) as problem:
        turn(*arguments, **more)
    return str(problem.value).removesuffix(".")


def ago(**span):
    return (NOW - timedelta(**span)).isoformat()


def intent(owner=None, known=(), known_ids=(), started=STAMP, sent=0, sent_at=STAMP):
    return {
        "state": "intent",
        "known": list(known),
        "known_ids": list(known_ids),
        "owner": dict(owner or ME),
        "started": started,
        "sent": sent,
        **({"sent_at": sent_at} if sent else {}),
    }


def retired(number, **span):
    return {"key_id": number, "public_key": pub(number), "private_key": "x", "since": ago(**span)}


def made(number=8, owner=None):
    names = {"key_id": number, "public_key": pub(number), "private_key": f"prv{number}", "created": STAMP}
    return {"state": "created", **names, "owner": dict(owner or ME), "started": STAMP}


PROMOTED = {"key_id": 8, "public_key": pub(8), "private_key": "prv8", "created": STAMP, "verified": STAMP}


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
    assert records.age_days(created, NOW) == days


@pytest.mark.parametrize(
    ("span", "believed"),
    [({"days": 1}, True), ({"days": -1}, True), ({"days": -1, "seconds": -1}, False), ({"seconds": 0}, True)],
)
def test_a_clock_may_be_wrong_by_a_day(span, believed):
    said = records.clock_skew(ago(**span), NOW)
    assert (said == "") is believed
    if said:
        assert f"this machine's clock says {STAMP}" in said
        assert ago(**span) in said


def test_no_moment_is_no_skew():
    assert records.clock_skew(None, NOW) == records.clock_skew("soon", NOW) == ""


def test_elapsed_is_negative_for_what_lies_ahead():
    assert records.elapsed(ago(seconds=-90), NOW) == -90.0


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


def test_the_lease_is_fifteen_minutes_unless_said_otherwise():
    assert "another run" in refused_turn({"next": intent(OTHER, started=ago(seconds=899.5))}, alive=None)
    assert turn({"next": intent(OTHER, started=ago(seconds=900.5))}, alive=None).do == "intend"


@pytest.mark.parametrize("wished", [{}, {"absent": True}, {"given": {"public_key": "a", "private_key": "b"}}])
def test_a_living_run_is_left_alone_whatever_is_wished(wished):
    assert "another run" in refused_turn({"next": intent(OTHER)}, alive=True, **wished)


# Whose record


def test_the_record_of_this_integration_fits():
    held = {"company_id": "North", "vendor": "sync", "member": "Sync"}
    assert life.mismatch({}, wish(vendor="sync", company_id="north")) == ""
    assert life.mismatch(held, wish(vendor="sync", company_id="north")) == ""
    assert life.mismatch({"vendor": "sync"}, wish(vendor="sync", company_id="north")) == ""
    assert life.mismatch(held, wish(vendor="sync")) == ""


@pytest.mark.parametrize(
    ("held", "what", "renamed"),
    [
        ({"company_id": "south"}, "the company south, and this run is for north", ""),
        ({"vendor": "other"}, "the integration other, and this run is for sync", "to begin anew with sync"),
        ({"member": "Else"}, "the member Else, and this run is for Sync", "to begin anew with Sync"),
    ],
)
@pytest.mark.parametrize("wished", [{}, {"absent": True}])
def test_the_record_of_another_is_named_and_nothing_done(held, what, renamed, wished):
    said = refused_turn({**held, "current": CURRENT}, vendor="sync", company_id="north", replace=pub(7), **wished)
    assert what in said
    assert ("msp.connectwise.offboard under the old name" in said) is bool(renamed)
    assert renamed in said


def test_identity_is_what_is_known():
    assert wish().identity == {"member": "Sync", "member_type": "api", "description": "Sync key"}
    assert wish(vendor="sync", company_id="north").identity["company_id"] == "north"


# Which keys the store knows


def test_public_halves_of_all_keys():
    record = {"current": CURRENT, "next": {"public_key": pub(8)}, "retired": [{"public_key": pub(6)}, {"key_id": 5}]}
    assert records.known_public_keys(record) == [pub(7), pub(8), pub(6)]
    assert records.known_public_keys({}) == []
    assert records.known_public_keys({"next": intent()}) == []
    assert records.known_to(record) == {7, pub(7), pub(8), pub(6), 5}


# Which keys the tenant is asked with


@pytest.mark.parametrize(
    ("record", "offered", "wished", "asked"),
    [
        ({}, True, {}, []),
        ({"current": CURRENT, "retired": [retired(6, days=1)]}, True, {}, [7]),
        ({"current": CURRENT, "next": intent()}, True, {}, [7]),
        ({"current": CURRENT, "next": made()}, True, {}, [8]),
        ({"current": CURRENT, "next": made()}, None, {}, [8]),
        ({"current": CURRENT, "retired": [retired(6, days=1)]}, None, {}, [7]),
        ({"current": CURRENT, "next": made(), "retired": [retired(6, days=1)]}, False, {}, [7, 8, 6]),
        ({"current": CURRENT, "next": made(), "retired": [retired(6, days=1)]}, True, {"absent": True}, [7, 8, 6]),
        ({"current": CURRENT}, True, {"given": {"public_key": pub(1)}}, [1, 7]),
        ({"current": CURRENT, "retired": [retired(6, days=1)]}, False, {"given": {"public_key": pub(1)}}, [1, 7]),
        # The stored one may be the same with another private half.
        ({"current": CURRENT}, True, {"given": {"public_key": pub(7)}}, [7]),
    ],
)
def test_to_ask(record, offered, wished, asked):
    assert [one["public_key"] for one in life.to_ask(record, offered, wish(**wished))] == [pub(one) for one in asked]


# Is a new key needed?


@pytest.mark.parametrize(
    ("record", "state", "wished", "needed"),
    [
        ({}, "none", {}, True),
        ({"current": CURRENT}, "valid", {}, False),
        ({"current": CURRENT}, "valid", {"replace": pub(7)}, True),
        # What is to be replaced was replaced by a run before.
        ({"current": CURRENT}, "valid", {"replace": pub(6)}, False),
        ({"current": {"key_id": 7}}, "valid", {}, False),
        ({"current": CURRENT}, "refused", {}, False),
        ({"current": CURRENT}, "refused", {"heal": True}, True),
        ({"current": CURRENT}, "refused", {"replace": pub(7)}, True),
        ({"current": CURRENT}, "refused", {"max_age_days": 1}, False),
        ({"current": CURRENT}, "valid", {"heal": True}, False),
        ({"current": CURRENT}, "valid", {"max_age_days": 28}, False),
        ({"current": CURRENT}, "valid", {"max_age_days": 27.9}, True),
        ({"current": CURRENT}, "valid", {"max_age_days": 0.5}, True),
        ({"current": {**CURRENT, "created": None}}, "valid", {"max_age_days": 1}, False),
        (
            {"current": {**CURRENT, "created": "2030-01-01T00:00:00Z"}},
            "valid",
            {"replace": pub(7), "max_age_days": 1},
            True,
        ),
    ],
)
def test_needs_new_key(record, state, wished, needed):
    assert life.needs_new_key(record, life.Facts(True, states={pub(7): state}), wish(**wished), NOW) is needed


def test_an_age_that_cannot_be_known_is_an_error():
    record = {"current": {**CURRENT, "created": "2030-01-01T00:00:00Z"}}
    assert "one of two clocks is wrong" in refused_turn(record, keys=[key(7)], max_age_days=1)
    assert turn(record, keys=[key(7)]).do == "rest"


# Retired keys


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
    ("record", "wished", "due"),
    [
        ({"current": CURRENT}, {}, False),
        ({"current": CURRENT, "next": intent()}, {}, True),
        ({"current": CURRENT, "retired": [retired(1, days=1)]}, {}, True),
        ({"current": CURRENT, "retired": [retired(1, days=1)]}, {"grace_days": 2}, False),
        ({"current": CURRENT}, {"replace": pub(7)}, True),
        ({"current": CURRENT}, {"max_age_days": 20}, True),
        ({"current": CURRENT}, {"max_age_days": 30}, False),
        ({}, {}, True),
    ],
)
def test_is_due(record, wished, due):
    assert life.is_due(record, wish(**wished), NOW) is due


def test_a_retired_key_that_is_ripe_is_deleted_and_forgotten():
    record = {"current": CURRENT, "retired": [retired(6, days=2)]}
    found = turn(record, keys=[key(6), key(7)])
    assert found == life.Turn("delete", "replaced keys deleted", {"public_keys": [pub(6)]}, {"current": CURRENT})
    assert turn(record, keys=[key(6), key(7)], grace_days=3) == life.Turn("rest")
    assert turn({"current": CURRENT, "retired": [retired(6, hours=1)]}, keys=[key(7)]).do == "delete"


def test_only_the_ripe_ones_go():
    record = {"current": CURRENT, "retired": [retired(5, days=4), retired(6, days=1)]}
    found = turn(record, keys=[key(5), key(6), key(7)], grace_days=3)
    assert (found.keys, found.record["retired"]) == ({"public_keys": [pub(5)]}, [retired(6, days=1)])


def test_without_the_member_a_retired_key_is_left():
    assert turn({"current": CURRENT, "retired": [retired(6, days=2)]}, offered=None) == life.Turn("rest")


def test_the_key_the_run_works_with_is_left_and_told():
    record = {"current": CURRENT, "retired": [retired(5, days=2), retired(6, days=2)]}
    found = turn(record, keys=[key(5), key(6), key(7)], own=pub(6))
    assert (found.do, found.keys, found.steps) == ("delete", {"public_keys": [pub(5)]}, [])
    assert found.record["retired"] == [retired(6, days=2)]
    found = turn(found.record, keys=[key(6), key(7)], own=pub(6))
    assert found == life.Turn("rest", steps=[own_key("Sync", "api", pub(6))])


def test_where_no_api_deletes_a_person_does_and_the_refusal_shows_it():
    record = {"current": CURRENT, "retired": [retired(5, days=2), retired(6, days=2)]}
    found = turn(record, offered=False)
    steps = [delete_key("Sync", "api", None, pub(number)) for number in (5, 6)]
    assert found == life.Turn("rest", steps=steps)
    states = {pub(7): "valid", pub(5): "refused", pub(6): "valid"}
    found = turn(record, states, False)
    assert found == life.Turn("write", record={"current": CURRENT, "retired": [retired(6, days=2)]})


# The turns of a key


def test_nothing():
    assert turn({"current": CURRENT}, keys=[key(7)]) == life.Turn("rest")
    assert life.Turn("rest") == life.Turn("rest", does="", keys={}, record=None, steps=[], message="")


def test_a_first_key():
    keys = [key(3, "Another key"), {"id": 2, "description": "No public half"}]
    found = turn({"vendor": "x"}, keys=keys)
    record = {"vendor": "x", "next": intent(known=[pub(3)], known_ids=[2, 3])}
    assert found == life.Turn("intend", "new API key", record=record)
    assert turn(record, keys=keys) == life.Turn("create", "new API key", {"other_than": [2, 3]}, record)


def test_a_key_that_was_stored_is_proven_before_all_else():
    record = {"current": CURRENT, "next": made()}
    proven = {
        "current": PROMOTED,
        "retired": [{"key_id": 7, "public_key": pub(7), "private_key": "prv7", "since": STAMP}],
    }
    assert turn(record, keys=[key(7), key(8)], replace=pub(7)) == life.Turn("write", record=proven)
    # Also that of a killed run.
    assert turn({**record, "next": made(owner=OTHER)}, alive=False).record == proven


@pytest.mark.parametrize("state", ["refused", "foreign"])
@pytest.mark.parametrize("owner", [ME, OTHER])
def test_a_new_key_that_is_not_taken_is_given_up(state, owner):
    record = {"current": CURRENT, "next": made(owner=owner)}
    found = turn(record, state, keys=[key(7), key(8)], alive=False)
    assert found.record == {"current": CURRENT}
    assert (found.do == "delete") is (state == "refused")
    if state == "refused":
        assert (found.does, found.keys) == ("refused key deleted", {"public_keys": [pub(8)]})
    else:
        assert (found.do, found.does) == ("write", "")
    # Who made it says so; who only found it goes on.
    assert bool(found.message) is (owner == ME)
    if found.message:
        assert found.message.startswith(f"the new key of Sync is {state} by the tenant; it was given up")


@pytest.mark.parametrize("offered", [False, None])
def test_a_new_key_that_is_refused_where_no_api_deletes_keys(offered):
    found = turn({"next": made(owner=OTHER)}, "refused", offered, alive=False)
    assert found == life.Turn("write", record={})


@pytest.mark.parametrize("wished", [{}, {"replace": pub(7), "heal": True}])
def test_a_foreign_key_stops(wished):
    said = refused_turn({"current": CURRENT, "next": intent()}, "foreign", **wished)
    assert "the stored key pub7… authenticates, but does not belong to the member Sync" in said
    assert "Nothing was changed" in said


def test_an_interrupted_creation_leaves_orphans():
    # 7 is current, 4 was there before (known by id), 5 by its public half, 9 has another description, 8 is the orphan.
    keys = [key(7), key(4), key(5), key(8), key(9, "Another")]
    record = {"current": CURRENT, "next": intent(OTHER, known=[pub(5)], known_ids=[4], sent=1)}
    found = turn(record, keys=keys, alive=False)
    assert (found.do, found.does, found.keys) == (
        "delete",
        "leftover keys of an interrupted run deleted",
        {"key_ids": [8]},
    )
    # What was deleted is not looked for again.
    assert found.record["next"]["sent"] == 0
    found = turn(record, keys=keys[:3], alive=False)
    assert found == life.Turn("write", record={"current": CURRENT})


def test_an_interrupted_first_creation_starts_over():
    record = {"next": intent(OTHER, known_ids=[4], sent=1)}
    found = turn(record, keys=[key(4, "Another"), key(8)], alive=False)
    assert (found.do, found.keys) == ("delete", {"key_ids": [8]})
    found = turn(record, keys=[key(4, "Another")], alive=False)
    assert found.do == "intend"
    # Its key may still come.
    assert found.record["next"] == intent(known=[pub(4)], known_ids=[4], sent=1)


DAY = {"days": 1}


@pytest.mark.parametrize("lease", [900.0, 0.0])
@pytest.mark.parametrize(
    ("sent", "sent_at", "keys", "ours"),
    [
        (1, ago(seconds=899), [8], {900.0}),
        (1, ago(seconds=900), [8], set()),
        (1, ago(**DAY), [8], set()),
        # A clock that was set back does not make a request young.
        (1, ago(days=-1), [8], set()),
        # The run died before it sent anything, or a version wrote it that does not tell.
        (0, STAMP, [8], set()),
        # One request makes one key, so somebody else has made one of the two.
        (1, STAMP, [8, 9], set()),
        (2, STAMP, [8, 9], {900.0}),
    ],
)
def test_only_what_is_certainly_this_stores_is_deleted(sent, sent_at, keys, ours, lease):
    """Another controller with a store of its own may have made the key since the intent."""
    record = {"current": CURRENT, "next": intent(OTHER, known_ids=[7], sent=sent, sent_at=sent_at)}
    found = turn(record, keys=[key(7), *map(key, keys)], alive=False, lease=lease)
    if lease in ours:
        assert (found.do, found.keys) == ("delete", {"key_ids": keys})
        return
    left = [{"key_id": number, "public_key": pub(number), "since": STAMP} for number in keys]
    assert found == life.Turn("write", record={"current": CURRENT, "leftover": left})


def test_what_this_very_run_has_sent_is_its_own_however_long_it_takes():
    record = {"next": intent(sent=1, sent_at=ago(**DAY))}
    assert turn(record, keys=[key(8)], lease=0.0).keys == {"key_ids": [8]}


LEFT = {"key_id": 8, "public_key": pub(8), "since": STAMP}


def test_a_leftover_key_is_named_until_it_is_gone_or_accepted():
    record = {"current": CURRENT, "leftover": [LEFT]}
    ad_hoc = ("ansible", "north", "-i", "my inventory")
    found = turn(record, keys=[key(7), key(8)], ad_hoc=ad_hoc)
    assert found == life.Turn("rest", steps=[leftover_key("Sync", "api", "Sync key", [pub(8)], ad_hoc)])
    assert "ansible north -i 'my inventory' -m msp.connectwise.cw_api_key -a" in found.steps[0]["do"]
    assert turn(record, offered=False).steps[-1]["public_keys"] == [pub(8)]
    assert life.is_due(record, wish(), NOW)
    gone = life.Turn("write", record={"current": CURRENT})
    assert turn(record, keys=[key(7)]) == gone
    assert turn(record, keys=[key(7), key(8)], beside=True) == gone
    # A person has stored it.
    assert (
        turn({"current": {**CURRENT, "key_id": 8, "public_key": pub(8)}, "leftover": [LEFT]}, keys=[key(8)]).do
        == "write"
    )


def test_without_a_key_a_leftover_one_is_named_and_no_other_made():
    record = {"leftover": [LEFT]}
    (step,) = turn(record, keys=[key(8)]).steps
    assert step["kind"] == "leftover_key"
    stranger, step = turn(record, keys=[key(3), key(8)]).steps
    assert (stranger["public_keys"], step["public_keys"]) == ([pub(3)], [pub(8)])
    assert turn(record, keys=[key(8)], beside=True).do == "intend"
    assert turn(record, keys=[]).do == "intend"


def test_a_key_that_comes_after_its_run_was_killed():
    """This run has looked, and written its own intent; then what the killed run has sent takes effect."""
    late = turn({"next": intent(sent=1)}, keys=[key(8)])
    assert (late.do, late.keys, late.message) == ("delete", {"key_ids": [8]}, "")
    somebodys = turn({"current": CURRENT, "next": intent()}, keys=[key(7), key(8)], replace=pub(7))
    assert (somebodys.do, somebodys.record) == ("write", {"current": CURRENT})
    assert "somebody else has just made a key of Sync; it was left alone. Run again" in somebodys.message


def test_orphans_are_found_by_the_description_the_record_has_too():
    record = {"current": CURRENT, "description": "Old words", "next": intent(OTHER, sent=1)}
    found = turn(record, keys=[key(7), key(8, "old  WORDS"), key(9, "New words")], alive=False)
    assert found.keys == {"key_ids": [8]}


def test_without_an_interrupted_run_there_are_no_orphans():
    found = turn({"current": CURRENT}, keys=[key(7), key(8)], replace=pub(7))
    assert (found.do, found.record["next"]["known_ids"]) == ("intend", [7, 8])


def test_retired_keys_are_no_strangers():
    assert turn({"retired": [retired(6, days=2)]}, keys=[key(6)]).do == "intend"


@pytest.mark.parametrize(
    ("offered", "keys", "active", "why"),
    [
        (True, [], True, "it was deleted in ConnectWise PSA"),
        (True, [], False, "it was deleted in ConnectWise PSA"),
        (True, [key(7)], False, "its member is inactive"),
        (True, [key(7)], True, "it is still listed there, so the private key in the store is not the right one"),
        (False, [], False, "its member is inactive"),
        (False, [], True, UNLISTED),
        (None, [], True, UNLISTED),
    ],
)
def test_why_a_key_is_refused(offered, keys, active, why):
    said = refused_turn({"current": CURRENT}, "refused", offered, keys, active)
    assert said.startswith(f"the tenant refuses the stored key pub7… of Sync: {why}. Set integration_heal: true")


def test_a_member_is_active_unless_said_otherwise():
    assert life.refusal({"current": CURRENT}, life.Facts(None), wish()) == f"the stored key is refused: {UNLISTED}"


EDITED = {**key(7, "Edited"), "public_key": pub(5)}


@pytest.mark.parametrize(
    ("current", "keys", "more", "named", "why"),
    [
        # ConnectWise makes a new pair for the same record.
        (CURRENT, [EDITED], {}, 5, "in its record: its description was edited"),
        (
            CURRENT,
            [key(3, "Else"), {**EDITED, "description": "Sync key"}],
            {},
            5,
            "in its record: its description was edited",
        ),
        # The store knows no record of a key that a person has made.
        ({**CURRENT, "key_id": None}, [key(3, "Else"), key(4)], {}, 4, "which the key store does not have"),
        ({**CURRENT, "key_id": None}, [key(3, "Edited")], {}, 3, "which the key store does not have"),
        (CURRENT, [key(4)], {"member_type": "member"}, 4, "which the key store does not have"),
        # A person has keys of their own.
        (CURRENT, [key(3, "Else")], {"member_type": "member"}, None, "it was deleted in ConnectWise PSA"),
        (CURRENT, [], {}, None, "it was deleted in ConnectWise PSA"),
        ({**CURRENT, "key_id": None}, [key(7), key(8)], {}, None, "it is still listed there"),
    ],
)
def test_a_key_in_the_place_of_a_refused_one_is_named(current, keys, more, named, why):
    wanted = wish(heal_command="HEAL", **more)
    line = life.refusal({"current": current}, life.Facts(True, keys), wanted)
    said = refused_turn({"current": current}, "refused", True, keys, heal_command="HEAL", **more)
    assert why in line
    assert why in said
    assert said.endswith(
        "Set integration_heal: true to have a new key made and stored, then enter it at the vendor: HEAL"
    )
    if named:
        assert line.startswith(f'the stored key is refused; a key {pub(named)} ("')
        assert "deleted" not in said
        assert "If you have its private key, store it with msp.connectwise.store_key" in said
    else:
        assert line.startswith("the stored key is refused: ")


def test_a_refused_key_that_is_replaced_has_no_days_of_grace():
    record, keys = {"current": CURRENT}, [EDITED, key(9, "Else")]
    intended = turn(record, "refused", keys=keys, replace=pub(7), grace_days=7)
    assert intended.record["next"]["refused"] is True
    assert "refused" not in turn(record, keys=keys, replace=pub(7)).record["next"]
    made_key = records.created(intended.record, {"id": 8, "public_key": pub(8), "private_key": "prv8"}, NOW)
    after = records.promoted(made_key, NOW)
    assert records.working_keys(after) == []
    # Its record goes, whatever pair it has by now, and no other key.
    gone = turn(after, keys=[*keys, key(8)], grace_days=7)
    assert (gone.do, gone.keys, gone.does) == ("delete", {"key_ids": [7]}, "replaced keys deleted")
    assert "retired" not in gone.record
    assert turn(after, keys=[key(8)], grace_days=7) == life.Turn("write", record=gone.record)
    by_hand = turn(after, {pub(8): "valid", pub(7): "refused"}, False, grace_days=7)
    assert (by_hand.do, by_hand.record) == ("write", gone.record)


@pytest.mark.parametrize("state", ["refused", "valid"])
def test_a_given_key_in_the_place_of_a_refused_one_keeps_no_days_of_grace(state):
    """The pair that came of the edit is stored: its record is that of the key before it."""
    given = {"member": "Sync", "public_key": pub(5), "private_key": "prv5"}
    stored = turn({"current": CURRENT}, {pub(5): "valid", pub(7): state}, keys=[EDITED], given=given).record
    assert stored["current"]["key_id"] == 7
    assert bool(records.working_keys(stored)) is (state == "valid")
    if state == "refused":
        assert turn(stored, keys=[EDITED], grace_days=7).record == {"current": stored["current"]}


def test_a_refused_key_of_an_inactive_person():
    said = refused_turn({"current": CURRENT}, "refused", True, [key(7)], False, member_type="member")
    assert said.endswith("Activate the member in System > Members, or take it off the list of members")
    active = refused_turn({"current": CURRENT}, "refused", True, [key(7)], True, member_type="member")
    assert "integration_heal" in active


def test_a_refused_key_is_healed_when_that_is_wanted():
    assert turn({"current": CURRENT}, "refused", heal=True).do == "intend"


@pytest.mark.parametrize(
    ("member_type", "offered", "active", "what"),
    [
        ("member", None, True, "the member Sync does not exist"),
        ("member", True, False, "the member Sync is inactive, and no key of such a member works"),
        ("api", None, True, "the member Sync does not exist"),
    ],
)
def test_a_member_has_to_be_there(member_type, offered, active, what):
    said = refused_turn({}, offered=offered, active=active, member_type=member_type)
    assert said.startswith(what)
    assert said.endswith("correct its name, or the member in System > Members")
    # An intent that leads nowhere goes before that is said.
    record = {"next": intent(OTHER)}
    found = turn(record, offered=offered, active=active, member_type=member_type, alive=False)
    assert found == life.Turn("write", record={}, message=said)


@pytest.mark.parametrize(("member_type", "active"), [("member", True), ("api", True), ("api", False)])
def test_a_member_that_is_there_gets_a_key(member_type, active):
    assert turn({}, active=active, member_type=member_type).do == "intend"


@pytest.mark.parametrize("member_type", ["member", "api"])
def test_where_no_key_can_be_made_a_person_makes_it(member_type):
    found = turn({}, offered=False, member_type=member_type)
    assert found == life.Turn("rest", steps=[create_key("Sync", member_type, "Sync key")])


@pytest.mark.parametrize("owner", [ME, OTHER])
def test_an_intent_that_leads_nowhere_goes_first(owner):
    """The tenant lists keys, and refuses to make one."""
    found = turn({"current": CURRENT, "next": intent(owner)}, "refused", False, heal=True, alive=False)
    assert found == life.Turn("write", record={"current": CURRENT})


def test_a_key_that_nobody_has_stored_is_asked_for():
    keys = [key(3), key(4), key(5, "Another")]
    step = store_key("Sync", "api", "Sync key", [pub(3), pub(4)])
    assert turn({}, keys=keys) == life.Turn("rest", steps=[step])
    assert turn({}, keys=keys, beside=True).do == "intend"
    assert turn({"current": CURRENT}, keys=[*keys, key(7)], replace=pub(7)).do == "intend"
    # What was written for a key that is not to be made goes first.
    found = turn({"next": intent(OTHER, known_ids=[3, 4])}, keys=keys, alive=False)
    assert found == life.Turn("write", record={})


def test_an_orphan_is_no_stranger():
    record = {"next": intent(OTHER, known_ids=[3], sent=1)}
    assert turn(record, keys=[key(3), key(8)], alive=False).keys == {"key_ids": [8]}
    assert turn(record, keys=[key(3)], alive=False).record == {}
    assert "pub8" not in str(turn({}, keys=[key(3)]).steps)


def test_the_run_that_has_said_what_it_will_do_does_it_beside_a_stranger():
    """Between intent and key it decides no more, or it would never come to rest."""
    assert turn({"next": intent(known_ids=[3])}, keys=[key(3)]).do == "create"


# Keys that a person has made

GIVEN = {"member": "Sync", "public_key": pub(8), "private_key": "prv8"}


def test_a_given_key_is_stored_when_the_tenant_confirms_it():
    found = turn({"current": CURRENT}, given=GIVEN)
    assert (found.do, found.does) == ("write", "given key stored")
    assert found.record["current"] == {**PROMOTED, "key_id": None}
    assert [one["public_key"] for one in found.record["retired"]] == [pub(7)]


def test_a_given_key_that_is_stored_already_changes_nothing():
    record = {"current": {**CURRENT, "public_key": pub(8), "private_key": "prv8"}}
    assert turn(record, given=GIVEN) == life.Turn("rest")
    # Its private half corrected.
    found = turn({"current": {**record["current"], "private_key": "mistyped"}}, given=GIVEN)
    assert found.record == {"current": {**PROMOTED, "key_id": None}}


@pytest.mark.parametrize("state", ["refused", "foreign"])
def test_a_given_key_that_the_tenant_does_not_confirm_is_refused(state):
    said = refused_turn({"current": CURRENT}, {pub(8): state, pub(7): "valid"}, given=GIVEN)
    assert said.startswith(f"the key pub8… was not stored: the tenant says it is {state} for the member Sync")
    assert "whole" not in said.replace("copied whole", "")


def test_a_given_key_waits_for_one_that_a_killed_run_has_made():
    said = refused_turn({"next": made(owner=OTHER)}, given=GIVEN, alive=False)
    assert said.startswith("an interrupted run has made a key of Sync, and nothing was stored")
    assert "msp.connectwise.onboard" in said
    # Its intent alone stays, for the next run to clear up after.
    record = {"next": intent(OTHER)}
    assert turn(record, given=GIVEN, alive=False).record["next"] == record["next"]


# Nothing is to be left


def test_of_an_api_member_every_key_of_the_description_goes():
    keys = [key(9, "Another"), key(8), key(7), key(6, "renamed")]
    record = {"current": CURRENT, "retired": [retired(6, days=1)]}
    found = turn(record, keys=keys, absent=True)
    said = f"keys deleted, also {pub(8)}, not known to the store"
    assert found == life.Turn("delete", said, {"key_ids": [6, 7, 8]})
    assert turn(record, keys=[key(7)], absent=True).does == "keys deleted"


def test_of_a_person_only_what_is_accounted_for():
    keys = [key(9, "Another"), key(8), key(7)]
    assert turn({"current": CURRENT}, keys=keys, absent=True, member_type="member").keys == {"key_ids": [7]}
    record = {"current": CURRENT, "next": intent(OTHER, known_ids=[7], sent=1)}
    found = turn(record, keys=keys, absent=True, member_type="member", alive=False)
    assert (found.does, found.keys) == ("keys deleted", {"key_ids": [7, 8]})


def test_of_a_person_what_may_be_somebody_elses_stays_and_is_named():
    def gone(record, *numbers):
        return turn(
            record, "refused", keys=[key(one) for one in numbers], absent=True, member_type="member", alive=False
        )

    record = {"current": CURRENT, "next": intent(OTHER, known_ids=[7], sent=1, sent_at=ago(**DAY))}
    record = gone(record, 7, 8).record
    assert record == {"current": CURRENT, "leftover": [LEFT]}
    assert gone(record, 7, 8).keys == {"key_ids": [7]}
    # The record outlives its keys, for only it knows of the one that is left.
    record = gone(record, 8).record
    assert record == {**wish(member_type="member").identity, "leftover": [LEFT]}
    assert [step["kind"] for step in gone(record, 8).steps] == ["leftover_key"]
    assert gone(record).do == "forget"


def test_when_no_key_is_left_the_record_goes():
    assert turn({"current": CURRENT}, "refused", absent=True) == life.Turn(
        "forget", "record taken out of the key store"
    )
    assert turn({}, absent=True) == life.Turn("rest")
    assert turn({}, offered=None, absent=True) == life.Turn("rest")


def test_absent_leaves_the_key_of_the_run_itself():
    record = {"current": CURRENT}
    assert turn(record, keys=[key(7), key(8)], own=pub(7), absent=True).keys == {"key_ids": [8]}
    found = turn(record, keys=[key(7)], own=pub(7), absent=True)
    assert found == life.Turn("rest", steps=[own_key("Sync", "api", pub(7))])


def test_absent_takes_nothing_away_if_the_stored_key_is_anothers():
    said = refused_turn({"current": CURRENT}, "foreign", keys=[key(7)], absent=True)
    assert "does not belong to the member Sync. Nothing was taken away" in said


def test_absent_by_hand():
    record = {"current": CURRENT, "retired": [retired(6, days=1)]}
    found = turn(record, {pub(7): "valid", pub(6): "refused"}, False, absent=True)
    assert found == life.Turn("rest", steps=[delete_key("Sync", "api", "Sync key", pub(7))])
    found = turn(record, "refused", False, absent=True)
    assert found == life.Turn("forget", "record taken out of the key store")


@pytest.mark.parametrize(
    ("member_type", "active", "told"), [("api", True, True), ("api", False, False), ("member", True, False)]
)
def test_absent_by_hand_without_a_record(member_type, active, told):
    found = turn({}, offered=False, active=active, absent=True, member_type=member_type)
    assert found == life.Turn("rest", steps=[delete_key("Sync", "api", "Sync key")] if told else [])


# What becomes of the record


def test_created():
    record = {"current": CURRENT, "next": intent(known=["a"], known_ids=[1])}
    found = records.created(record, {"id": 8, "public_key": pub(8), "private_key": "prv8", "description": "x"}, NOW)
    assert found == {"current": CURRENT, "next": made()}
    assert records.created({}, {"id": 8}, NOW)["next"]["key_id"] == 8


def test_promoted():
    earlier = retired(6, days=2)
    record = {"vendor": "sync", "current": CURRENT, "next": made(), "retired": [earlier]}
    assert records.promoted(record, NOW) == {
        "vendor": "sync",
        "current": PROMOTED,
        "retired": [earlier, {"key_id": 7, "public_key": pub(7), "private_key": "prv7", "since": STAMP}],
    }
    assert records.promoted({"next": made()}, NOW) == {"current": PROMOTED}


def test_the_same_key_again_is_not_its_own_predecessor():
    record = {"current": {**CURRENT, "public_key": pub(8)}, "next": made()}
    assert records.promoted(record, NOW) == {"current": PROMOTED}


def test_requests_are_counted():
    record = {"current": CURRENT, "next": {"state": "intent", "owner": ME}}
    once = records.sent(record, NOW)
    assert once == {"current": CURRENT, "next": {**record["next"], "sent": 1, "sent_at": STAMP}}
    assert records.sent(once, NOW)["next"]["sent"] == 2
    assert records.less_sent(once, 1)["next"]["sent"] == records.less_sent(once, 2)["next"]["sent"] == 0
    assert records.less_sent(record, 1)["next"]["sent"] == 0


def test_every_write_has_a_revision_of_its_own():
    first = records.revised({"a": 1}, {}, "me")
    assert first == {"a": 1, "revision": "1-me"}
    assert records.revised(first, first, "you")["revision"] == "2-you"
    assert records.revised({}, {"revision": "9-you"}, "me")["revision"] == "10-me"
    assert records.revised({}, {"revision": "odd"}, "me")["revision"] == "1-me"


def test_given():
    found = records.given({"current": CURRENT, "next": intent()}, GIVEN, NOW)
    assert found["current"] == {**PROMOTED, "key_id": None}
    assert [one["public_key"] for one in found["retired"]] == [pub(7)]
    # What an interrupted run may have left is still to be cleaned up.
    assert found["next"] == intent()
    assert "next" not in records.given({"current": CURRENT}, GIVEN, NOW)


def test_settled_and_without_next():
    record = {"current": CURRENT, "retired": [retired(5, days=1), retired(6, days=1)], "next": made()}
    assert records.settled(record, [pub(5), "other"])["retired"] == [retired(6, days=1)]
    assert records.settled(record, [pub(5), pub(6)]) == {"current": CURRENT, "next": made()}
    assert records.without_next(record) == {"current": CURRENT, "retired": record["retired"]}


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


def test_orphans_of():
    wish = life.Wish("Umbrella", "api", "Umbrella")
    keys = [{"id": number, "description": "umbrella", "public_key": f"pub{number}"} for number in range(1, 8)]
    keys.append({"id": 9, "description": "other", "public_key": "pub9"})
    record = {"next": {"state": "intent", "known": ["pub1"], "known_ids": [2]}, "current": {"public_key": "pub3"}}
    record["retired"] = [{"public_key": "pub4"}, {"key_id": 5}]
    assert life.orphans_of(record, keys, wish) == [6, 7]
    assert life.orphans_of({"current": {"public_key": "pub3"}}, keys, wish) == []
