# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records: names to references, one planner, and writes that are believed only when they are read back."""

from __future__ import annotations

import pytest

from ansible_collections.msp.connectwise.plugins.module_utils import _errors as errors
from ansible_collections.msp.connectwise.plugins.module_utils import _resource as resource
from ansible_collections.msp.connectwise.plugins.module_utils._resource import Field
from tests.unit.support import answer

LEVELS = "/system/myCompany/corporateStructureLevels"
LOCATIONS = "/system/locations"
BOARD = Field("board", "serviceDefaultBoard", "ref", "/boards", "Service Board")
LEVEL = Field("level", "structureLevel", "ref", LEVELS, "Level", top=True)
LOCATION = Field("location", "defaultLocation", "ref", LOCATIONS, "Location", top=True)
NAME = Field("name", "name", limit=30)
NOTES = Field("notes", "notes")
BLOCK = Field("block_price", "blockPriceFlag", "flag")
EXCLUDED = Field("excluded_boards", "excludedServiceBoardIds", "ids", "/boards")
BOARDS = [
    {"id": 1, "name": "Help Desk"},
    {"id": 2, "name": "Alerts"},
    {"id": 3, "name": "alerts"},
    {"id": 4, "identifier": "PS"},
]
LOST = errors.LostAnswer("lost")
EXISTS = answer(
    400, {"code": "InvalidObject", "message": "x", "errors": [{"code": "ObjectExists", "message": "unique"}]}
)
TOO_LONG = answer(
    400, {"code": "InvalidObject", "message": "x", "errors": [{"code": "MaxLengthField", "message": "long"}]}
)
BUSY = answer(503, text="<html><title>Busy</title></html>")
BROKEN = answer(500, {"code": "ConnectWiseApi", "message": "Object reference not set", "errors": None})
GONE = answer(404, {"code": "NotFound", "message": "gone", "errors": None})
NO_CONTENT = answer(204, text="")


# Names


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("Help Desk", resource.Reference(1, "Help Desk")),
        ("help  desk", resource.Reference(1, "Help Desk")),
        ("Alerts", resource.Reference(2, "Alerts")),
        ("alerts", resource.Reference(3, "alerts")),
        ("ps", resource.Reference(4, "PS")),
    ],
)
def test_one_match(script, name, reference):
    psa, _transport = script({"GET /boards": [BOARDS]})
    assert resource.Names(psa).resolve(BOARD, name) == reference


def test_no_match(script):
    psa, _transport = script({"GET /boards": [BOARDS]})
    with pytest.raises(errors.UnknownName, match='no Service Board "Help Dsk"; did you mean "Help Desk"'):
        resource.Names(psa).resolve(BOARD, "Help Dsk")


def test_several_matches(script):
    psa, _transport = script({"GET /boards": [BOARDS]})
    with pytest.raises(errors.AmbiguousName, match='Service Board "ALERTS": id 2, id 3'):
        resource.Names(psa).resolve(BOARD, "ALERTS")


def test_a_list_is_read_once(script):
    psa, transport = script({"GET /boards": [BOARDS]})
    names = resource.Names(psa)
    names.resolve(BOARD, "Help Desk")
    names.resolve(EXCLUDED, "PS")
    assert transport.calls == ["GET /boards"]


def test_top_is_the_level_with_the_lowest_id_and_the_place_there(script):
    places = [
        {"id": 7, "name": "Main Office", "structureLevel": {"id": 3}},
        {"id": 2, "name": "The Company", "structureLevel": {"id": 1}},
    ]
    psa, _transport = script(
        {f"GET {LEVELS}": [[{"id": 3, "name": "Branch"}, {"id": 1, "name": "Corporate"}]], f"GET {LOCATIONS}": [places]}
    )
    names = resource.Names(psa)
    assert names.resolve(LEVEL, "top") == resource.Reference(1, "Corporate")
    assert names.resolve(LOCATION, "TOP") == resource.Reference(2, "The Company")


@pytest.mark.parametrize(
    ("levels", "places", "message"),
    [
        ([], [], "lists no levels"),
        ([{"id": 1, "name": "Corporate"}], [], "0 entries stand at the top level Corporate"),
        (
            [{"id": 1, "name": "Corporate"}],
            [{"id": 2, "name": "A", "structureLevel": {"id": 1}}, {"id": 3, "name": "B", "structureLevel": {"id": 1}}],
            "2 entries stand at the top level Corporate",
        ),
    ],
)
def test_a_top_that_is_not_clear(script, levels, places, message):
    psa, _transport = script({f"GET {LEVELS}": [levels], f"GET {LOCATIONS}": [places]})
    with pytest.raises(errors.InputError, match=message) as caught:
        resource.Names(psa).resolve(LOCATION, "top")
    assert "instead of top" in caught.value.remedy


def test_top_is_a_word_only_where_there_is_a_top(script):
    psa, _transport = script({"GET /boards": [[*BOARDS, {"id": 9, "name": "Top"}]]})
    assert resource.Names(psa).resolve(BOARD, "top") == resource.Reference(9, "Top")


# Planning


def resolve(field, name):
    known = {"Help Desk": 1, "Alerts": 2, "Corporate": 5}
    return resource.Reference(known.get(name), name)


FIELDS = [NAME, NOTES, BOARD, LEVEL, BLOCK, EXCLUDED]
ACTUAL = {
    "id": 9,
    "name": "Sync",
    "notes": "one\r\ntwo",
    "serviceDefaultBoard": {"id": 1, "name": "Help Desk"},
    "blockPriceFlag": True,
    "excludedServiceBoardIds": [2, 1],
}


def plan(wanted, new=False):
    return resource.plan_record(FIELDS, wanted, None if new else ACTUAL, resolve)


def test_a_new_record_has_all_that_is_given():
    found = plan(
        {"name": "Sync", "board": "Help Desk", "level": None, "excluded_boards": ["Alerts", "Help Desk"]}, new=True
    )
    assert found.body == {"name": "Sync", "serviceDefaultBoard": {"id": 1}, "excludedServiceBoardIds": [1, 2]}
    assert (found.before, found.after) == ({}, {"name": "Sync", "board": "Help Desk", "excluded_boards": [1, 2]})


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"name": "Sync"},
        {"notes": "one\ntwo\n"},
        {"board": "Help Desk"},
        {"board": "help desk"},
        {"block_price": True},
        {"excluded_boards": ["Help Desk", "Alerts"]},
        {"name": None, "board": None, "block_price": None},
    ],
)
def test_what_is_as_wanted_is_not_written(wanted):
    found = plan(wanted)
    assert not found.changes
    assert found.before == found.after


@pytest.mark.parametrize(
    ("wanted", "body", "before", "after"),
    [
        ({"name": "Other"}, {"name": "Other"}, "Sync", "Other"),
        ({"notes": ""}, {"notes": ""}, "one\r\ntwo", ""),
        ({"board": "Alerts"}, {"serviceDefaultBoard": {"id": 2}}, "Help Desk", "Alerts"),
        ({"level": "Corporate"}, {"structureLevel": {"id": 5}}, None, "Corporate"),
        ({"level": "Yet to come"}, {"structureLevel": {"name": "Yet to come"}}, None, "Yet to come"),
        ({"block_price": False}, {"blockPriceFlag": False}, True, False),
        ({"excluded_boards": []}, {"excludedServiceBoardIds": []}, [2, 1], []),
    ],
)
def test_what_differs_is_written_and_shown(wanted, body, before, after):
    found = plan(wanted)
    (option,) = wanted
    assert found.body == body
    assert (found.before, found.after) == ({option: before}, {option: after})


def test_a_reference_by_its_present_name_needs_no_look_up():
    def nobody(field, name):
        raise AssertionError(f"{field.option} was looked up")

    found = resource.plan_record(FIELDS, {"board": "HELP DESK"}, ACTUAL, nobody)
    assert found.after == {"board": "Help Desk"}


def test_top_is_always_looked_up():
    actual = {**ACTUAL, "structureLevel": {"id": 8, "name": "Top"}}
    found = resource.plan_record(
        [LEVEL], {"level": "top"}, actual, lambda _field, _name: resource.Reference(5, "Corporate")
    )
    assert found.body == {"structureLevel": {"id": 5}}


def test_too_long():
    with pytest.raises(errors.InputError, match=r'name "x{31}" is 31 characters long; ConnectWise takes 30'):
        plan({"name": "x" * 31})
    assert plan({"name": "x" * 30}).changes


# Creating


def create(psa):
    return resource.create(psa, "/x", {"name": "a"}, lambda: next(iter(psa.list("/found")), None))


def test_create(script, pauses):
    psa, transport = script({"POST /x": [answer(201, {"id": 1})], "GET /found": [[{"id": 1}]]})
    assert create(psa) == {"id": 1}
    assert (transport.calls, pauses) == (["POST /x", "GET /found"], [])


@pytest.mark.parametrize("lost", [LOST, BUSY, BROKEN, answer(200, text="<html>")])
def test_an_answer_lost_after_the_effect(script, pauses, lost):
    psa, transport = script({"POST /x": [lost], "GET /found": [[{"id": 1}]]})
    assert create(psa) == {"id": 1}
    assert transport.calls == ["POST /x", "GET /found"]


@pytest.mark.parametrize("lost", [LOST, BUSY, answer(200, text="<html>")])
def test_an_answer_lost_before_the_effect(script, pauses, lost):
    psa, transport = script({"POST /x": [lost, answer(201, {"id": 2})], "GET /found": [*[[]] * 4, [{"id": 2}]]})
    assert create(psa) == {"id": 2}
    assert transport.calls == ["POST /x", *["GET /found"] * 4, "POST /x", "GET /found"]
    assert pauses == [0.3, 0.8, 1.6]


def test_a_record_that_shows_late_is_not_made_twice(script, pauses):
    psa, transport = script({"POST /x": [LOST], "GET /found": [[], [], [{"id": 1}]]})
    assert create(psa) == {"id": 1}
    assert transport.calls.count("POST /x") == 1


def test_lost_twice(script, pauses):
    psa, _transport = script({"POST /x": [LOST, BUSY], "GET /found": [[]] * 8})
    with pytest.raises(errors.TransientFailure):
        create(psa)


def test_a_failure_that_does_not_pass_is_not_tried_again(script, pauses):
    psa, transport = script({"POST /x": [BROKEN], "GET /found": [[]] * 4})
    with pytest.raises(errors.ServerFailed):
        create(psa)
    assert transport.calls.count("POST /x") == 1


def test_somebody_else_made_it_first(script, pauses):
    psa, _transport = script({"POST /x": [EXISTS], "GET /found": [[], [{"id": 3}]]})
    assert create(psa) == {"id": 3}


def test_exists_and_is_not_to_be_found(script, pauses):
    psa, _transport = script({"POST /x": [EXISTS], "GET /found": [[]] * 4})
    with pytest.raises(errors.InvalidRecord):
        create(psa)


def test_refused(script, pauses):
    psa, transport = script({"POST /x": [TOO_LONG]})
    with pytest.raises(errors.InvalidRecord, match="MaxLengthField long"):
        create(psa)
    assert transport.calls == ["POST /x"]


@pytest.mark.parametrize("empty", [NO_CONTENT, answer(201, {"name": "a"}), answer(200, [])])
def test_a_success_without_the_record_is_looked_up(script, pauses, empty):
    psa, _transport = script({"POST /x": [empty, empty], "GET /found": [[{"id": 4}], *[[]] * 4]})
    assert create(psa) == {"id": 4}
    with pytest.raises(errors.NotApplied, match="POST /x: accepted, but the record is not there"):
        create(psa)


# Updating


def update(psa):
    return resource.update(psa, "/x/1", {"name": "b"}, lambda record: [] if record["name"] == "b" else ["name"])


OLD, NEW = {"id": 1, "name": "a"}, {"id": 1, "name": "b"}


def test_update_is_read_back(script, pauses):
    psa, transport = script({"PATCH /x/1": [OLD], "GET /x/1": [NEW]})
    assert update(psa) == NEW
    assert (transport.calls, pauses) == (["PATCH /x/1", "GET /x/1"], [])


def test_a_stale_read_is_read_again(script, pauses):
    psa, transport = script({"PATCH /x/1": [NEW], "GET /x/1": [OLD, OLD, NEW]})
    assert update(psa) == NEW
    assert transport.calls.count("PATCH /x/1") == 1
    assert pauses == [0.3, 0.8]


def test_a_write_that_changed_nothing(script, pauses):
    psa, transport = script({"PATCH /x/1": [NEW], "GET /x/1": [OLD] * 4})
    with pytest.raises(errors.NotApplied, match="PATCH /x/1: written, but not taken over: name"):
        update(psa)
    assert transport.calls.count("PATCH /x/1") == 1


def test_a_lost_answer_whose_effect_is_there(script, pauses):
    psa, transport = script({"PATCH /x/1": [LOST], "GET /x/1": [NEW]})
    assert update(psa) == NEW
    assert transport.calls == ["PATCH /x/1", "GET /x/1"]


def test_a_lost_answer_whose_effect_is_not_there(script, pauses):
    psa, transport = script({"PATCH /x/1": [LOST, NEW], "GET /x/1": [*[OLD] * 4, NEW]})
    assert update(psa) == NEW
    assert transport.calls.count("PATCH /x/1") == 2


@pytest.mark.parametrize(
    ("outcomes", "kind", "times"), [([LOST, BUSY], errors.TransientFailure, 2), ([BROKEN], errors.ServerFailed, 1)]
)
def test_answers_that_stay_lost(script, pauses, outcomes, kind, times):
    psa, transport = script({"PATCH /x/1": outcomes, "GET /x/1": [OLD] * 4 * times})
    with pytest.raises(kind):
        update(psa)
    assert transport.calls.count("PATCH /x/1") == times


def test_a_refused_update_is_not_read_back(script, pauses):
    psa, transport = script({"PATCH /x/1": [TOO_LONG]})
    with pytest.raises(errors.InvalidRecord):
        update(psa)
    assert transport.calls == ["PATCH /x/1"]


@pytest.mark.parametrize(("count", "rest"), [(5, ""), (6, " and 1 more"), (12, " and 7 more")])
def test_only_the_first_few_of_many_are_named(pauses, count, rest):
    left = [str(number) for number in range(count)]
    with pytest.raises(errors.NotApplied, match=f"not taken over: 0, 1, 2, 3, 4{rest}\\."):
        resource.write(lambda: None, lambda: None, lambda _state: left, errors.NotApplied("not taken over"))


# Deleting


def delete(psa):
    resource.delete(psa, "/x/1", lambda: next(iter(psa.list("/found")), None))


@pytest.mark.parametrize("reply", [NO_CONTENT, LOST, GONE])
def test_delete(script, pauses, reply):
    psa, transport = script({"DELETE /x/1": [reply], "GET /found": [[]]})
    delete(psa)
    assert transport.calls == ["DELETE /x/1", "GET /found"]


def test_delete_shows_late(script, pauses):
    psa, transport = script({"DELETE /x/1": [NO_CONTENT], "GET /found": [[{"id": 1}], []]})
    delete(psa)
    assert (transport.calls, pauses) == (["DELETE /x/1", "GET /found", "GET /found"], [0.3])


def test_delete_lost_before_the_effect(script, pauses):
    psa, transport = script({"DELETE /x/1": [LOST, NO_CONTENT], "GET /found": [*[[{"id": 1}]] * 4, []]})
    delete(psa)
    assert transport.calls == ["DELETE /x/1", *["GET /found"] * 4, "DELETE /x/1", "GET /found"]


def test_delete_that_changed_nothing(script, pauses):
    psa, transport = script({"DELETE /x/1": [NO_CONTENT], "GET /found": [[{"id": 1}]] * 4})
    with pytest.raises(errors.NotApplied, match="DELETE /x/1: deleted, but still there"):
        delete(psa)
    assert transport.calls == ["DELETE /x/1", *["GET /found"] * 4]


def test_a_refused_delete_is_not_read_back(script, pauses):
    denied = answer(403, {"code": "SecurityPermission", "message": "no", "errors": None})
    psa, transport = script({"DELETE /x/1": [denied]})
    with pytest.raises(errors.PermissionDenied):
        delete(psa)
    assert transport.calls == ["DELETE /x/1"]
