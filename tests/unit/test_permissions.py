# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The planners of matrices and allow lists: by table, and by what must always hold."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.msp.connectwise.plugins.module_utils import _permissions as permissions
from ansible_collections.msp.connectwise.plugins.module_utils._customize import customizable, universe
from ansible_collections.msp.connectwise.plugins.module_utils._errors import (
    AmbiguousName,
    InputError,
    LevelNotOffered,
    UnknownName,
)

VERBS = permissions.VERBS
NONE = dict.fromkeys(VERBS, "None")


def levels(add="None", edit="None", delete="None", inquire="None"):
    return {"add": add, "edit": edit, "delete": delete, "inquire": inquire}


def row(number, module, function, my=True, not_offered=(), **given_levels):
    return permissions.Row(number, module, function, levels(**given_levels), my, frozenset(not_offered))


ROWS = [
    row(1, "Companies", "Company Maintenance", my=False, inquire="All"),
    row(2, "Companies", "Contacts", add="My", inquire="My"),
    row(3, "Companies", "Reports", my=False, not_offered=("add", "edit", "delete")),
    row(4, "Service Desk", "Service Tickets", inquire="All"),
    row(5, "Service Desk", "Close Service Tickets"),
    row(6, "Time & Expense", "Time Entry"),
]


def plan(wanted, rows=None, **options):
    return permissions.plan_matrix(rows or ROWS, wanted, **options)


def changed(result):
    return {change.row.label: change.after for change in result.changes}


def applied(rows, result):
    after = {change.row.id: change.after for change in result.changes}
    return [replace(one, levels=after.get(one.id, one.levels)) for one in rows]


def test_only_what_differs_changes():
    result = plan(
        {"Companies": {"Company Maintenance": {"inquire": "All"}, "Contacts": {"add": "All", "inquire": "My"}}}
    )
    assert changed(result) == {"Companies / Contacts": levels(add="All", inquire="My")}
    assert result.changes[0].levels == {"add": "All"}
    assert result.changes[0].row.id == 2


def test_a_level_left_out_means_none():
    assert changed(plan({"Companies": {"Contacts": {"inquire": "My"}}})) == {
        "Companies / Contacts": levels(inquire="My")
    }


def test_names_as_vendors_print_them():
    result = plan(
        {"Service": {"Closed Service Tickets": {"inquire": "all"}}, "Time and Expenses": {"TIME ENTRY": {"add": "my"}}}
    )
    assert changed(result) == {
        "Service Desk / Close Service Tickets": levels(inquire="All"),
        "Time & Expense / Time Entry": levels(add="My"),
    }


def test_not_exclusive_leaves_the_rest():
    assert plan({"Service Desk": {"Service Tickets": {"inquire": "All"}}}).changes == []


def test_exclusive_takes_away_the_rest():
    result = plan({"Service Desk": {"Service Tickets": {"inquire": "All"}}}, exclusive=True)
    assert changed(result) == {"Companies / Company Maintenance": NONE, "Companies / Contacts": NONE}


def test_exclusive_with_nothing_wanted_takes_away_everything():
    after = applied(ROWS, plan({}, exclusive=True))
    assert permissions.granted(after) == {}


def test_star_is_every_function_of_the_module():
    result = plan({"Companies": {"*": {"inquire": "All"}}})
    assert changed(result) == {
        "Companies / Contacts": levels(inquire="All"),
        "Companies / Reports": levels(inquire="All"),
    }


def test_named_functions_win_over_star_wherever_they_stand():
    for wanted in (
        {"Companies": {"*": {"inquire": "All"}, "Contacts": {"add": "My"}}},
        {"Companies": {"Contacts": {"add": "My"}, "*": {"inquire": "All"}}},
        # The same module under two of its names.
        {"Companies": {"Contacts": {"add": "My"}}, "Company": {"*": {"inquire": "All"}}},
    ):
        assert changed(plan(wanted))["Companies / Contacts"] == levels(add="My")


def test_star_passes_over_levels_a_report_row_does_not_have():
    result = plan({"Companies": {"*": {"add": "All", "inquire": "All"}}})
    assert changed(result)["Companies / Reports"] == levels(inquire="All")


def test_my_for_a_row_without_it_is_refused():
    with pytest.raises(
        LevelNotOffered, match="Companies / Company Maintenance does not offer the level My \\(inquire\\)"
    ):
        plan({"Companies": {"Company Maintenance": {"inquire": "My"}}})


def test_my_with_star_concerns_only_the_rows_star_speaks_of():
    with pytest.raises(LevelNotOffered, match="Company Maintenance"):
        plan({"Companies": {"*": {"inquire": "My"}}})
    result = plan(
        {
            "Companies": {
                "*": {"inquire": "My"},
                "Company Maintenance": {"inquire": "All"},
                "Reports": {"inquire": "All"},
            }
        }
    )
    assert changed(result) == {
        "Companies / Contacts": levels(inquire="My"),
        "Companies / Reports": levels(inquire="All"),
    }


def test_a_level_a_report_row_does_not_have_is_refused():
    with pytest.raises(LevelNotOffered, match="Companies / Reports has no add level"):
        plan({"Companies": {"Reports": {"add": "All", "inquire": "All"}}})


def test_unknown_names_are_errors_or_warnings():
    wanted = {"Companies": {"Contacs": {"inquire": "All"}}, "Compnies": {"Contacts": {"inquire": "All"}}}
    with pytest.raises(UnknownName, match='function of module Companies "Contacs"; did you mean "Contacts"'):
        plan(wanted)
    result = plan(wanted, lenient=True)
    assert result.changes == []
    assert [text.split(";")[0] for text in result.warnings] == [
        'this tenant has no function of module Companies "Contacs"',
        'this tenant has no module "Compnies"',
    ]
    assert all(text.endswith("left out") for text in result.warnings)


def test_the_same_row_twice():
    with pytest.raises(InputError, match='name "Service Desk / Close Service Tickets" twice'):
        plan(
            {"Service Desk": {"Close Service Tickets": {"inquire": "All"}, "Closed Service Tickets": {"inquire": "My"}}}
        )
    with pytest.raises(InputError, match='name "Companies / \\*" twice'):
        plan({"Companies": {"*": {"inquire": "All"}}, "Company": {"*": {"add": "All"}}})


def test_two_rows_of_one_name():
    twice = [*ROWS, row(7, "Companies", "contacts")]
    with pytest.raises(AmbiguousName, match="Companies / Contacts, Companies / contacts"):
        plan({"Companies": {"Contacts": {"inquire": "All"}}}, twice)
    assert set(changed(plan({"Companies": {"*": {"inquire": "All"}}}, twice))) >= {
        "Companies / Contacts",
        "Companies / contacts",
    }


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"Companies": ["Contacts"]}, "permissions of module Companies: expected a mapping of functions"),
        ({"Companies": None}, "permissions of module Companies: expected a mapping of functions"),
        ({"Companies": {"Contacts": "All"}}, "Companies / Contacts: expected the levels as a mapping"),
        ({"Companies": {"Contacts": None}}, "Companies / Contacts: expected the levels as a mapping"),
        ({"Companies": {"Contacts": {"read": "All"}}}, "Companies / Contacts: unknown level name read"),
        ({"Companies": {"Contacts": {"add": "Mine"}}}, 'Companies / Contacts, add: "Mine" is not a level'),
        ({"Companies": {"Contacts": {"add": True}}}, 'Companies / Contacts, add: "True" is not a level'),
        ({1: {2: {"add": "All"}}}, 'no module "1"'),
    ],
)
def test_wrong_permissions(wanted, message):
    with pytest.raises(InputError) as caught:
        plan(wanted)
    assert message in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize("text", ["no", "No", "off", "false", '"no"', '"False"'])
def test_a_no_is_the_level_none_with_and_without_quotes(text):
    read = yaml.safe_load(f"{{add: {text}, inquire: All}}")
    assert permissions.parse_levels(read, "x") == levels(inquire="All")


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        *((text, 'without quotes as true: write "All" or "My"') for text in ("yes", "on", "true", '"Yes"')),
        *((text, "write the word, not a number") for text in ("0", "1", "2.5")),
        ("Everything", "a level is one of None, My, All"),
    ],
)
def test_a_value_that_is_no_level_is_told_with_what_to_write(text, remedy):
    with pytest.raises(InputError, match=r"x, add: .* is not a level") as caught:
        permissions.parse_levels(yaml.safe_load(f"{{add: {text}}}"), "x")
    assert caught.value.remedy.endswith(remedy)


def test_null_and_any_capitals_are_levels():
    assert permissions.parse_levels({"add": None, "edit": "ALL", "delete": " my "}, "x") == levels(
        edit="All", delete="My"
    )


def test_rows_from_records():
    record = {
        "id": 5,
        "moduleName": "Companies",
        "moduleFunctionName": "Reports",
        "addLevel": None,
        "inquireLevel": "All",
        "reportFlag": True,
        "myAllFlag": False,
        "customFlag": True,
    }
    found = permissions.Row.from_record(record)
    assert (found.label, found.levels, found.my_offered) == ("Companies / Reports", levels(inquire="All"), False)
    assert found.not_offered == {"add", "edit", "delete"}
    assert found.customizable
    bare = permissions.Row.from_record({"moduleDescription": "Sales", "moduleFunctionDescription": "Opportunity"})
    assert (bare.id, bare.label, bare.levels, bare.my_offered) == (None, "Sales / Opportunity", NONE, True)
    assert not bare.not_offered


def test_deviations_name_every_right():
    missing, excess, warnings = permissions.deviations(
        ROWS, {"Companies": {"Contacts": {"add": "None", "inquire": "All"}}, "Sales": {"X": {}}}, lenient=True
    )
    assert [one.as_dict() for one in missing] == [
        {"module": "Companies", "function": "Contacts", "level": "inquire", "wanted": "All", "actual": "My"}
    ]
    assert [(one.function, one.verb, one.actual) for one in excess] == [
        ("Company Maintenance", "inquire", "All"),
        ("Contacts", "add", "My"),
        ("Service Tickets", "inquire", "All"),
    ]
    assert len(warnings) == 1


def test_deviations_of_what_is_named():
    missing, excess, _warnings = permissions.deviations(
        ROWS, {"Companies": {"Contacts": {"inquire": "All"}}}, exclusive=False
    )
    assert [(one.function, one.verb) for one in missing] == [("Contacts", "inquire")]
    assert [(one.function, one.verb) for one in excess] == [("Contacts", "add")]


# What must always hold

LEVEL = st.sampled_from(["None", "My", "All"])


@st.composite
def matrices(draw):
    rows = []
    for number in range(draw(st.integers(1, 8))):
        my = draw(st.booleans())
        missing = frozenset(draw(st.sets(st.sampled_from(VERBS))) if draw(st.integers(0, 3)) == 0 else ())
        held = {
            verb: "None" if verb in missing else draw(LEVEL if my else st.sampled_from(["None", "All"]))
            for verb in VERBS
        }
        rows.append(permissions.Row(number, f"Module {number % 3}", f"Function {number}", held, my, missing))
    return rows


@st.composite
def cases(draw):
    rows = draw(matrices())
    wanted = {}
    for one in rows:
        if draw(st.booleans()):
            offered = {
                verb: "None"
                if verb in one.not_offered
                else draw(LEVEL if one.my_offered else st.sampled_from(["None", "All"]))
                for verb in VERBS
            }
            spelling = draw(st.sampled_from([one.function, one.function.upper(), one.function.replace(" ", "  ")]))
            wanted.setdefault(one.module, {})[spelling] = offered
    for module in {one.module for one in rows}:
        if draw(st.integers(0, 3)) == 0:
            wanted.setdefault(module, {})["*"] = {verb: draw(st.sampled_from(["None", "All"])) for verb in VERBS}
    return rows, wanted


@given(cases(), st.booleans())
def test_after_its_changes_a_plan_is_empty(case, exclusive):
    rows, wanted = case
    after = applied(rows, permissions.plan_matrix(rows, wanted, exclusive=exclusive))
    assert permissions.plan_matrix(after, wanted, exclusive=exclusive).changes == []


@given(cases())
def test_a_plan_touches_only_what_it_names(case):
    rows, wanted = case
    named, _warnings = permissions.wanted_matrix(rows, wanted)
    assert {change.row.key for change in permissions.plan_matrix(rows, wanted).changes} <= set(named)


@given(cases(), st.booleans())
def test_no_deviation_if_and_only_if_the_plan_is_empty(case, exclusive):
    rows, wanted = case
    missing, excess, _warnings = permissions.deviations(rows, wanted, exclusive=exclusive)
    assert (not missing and not excess) == (not permissions.plan_matrix(rows, wanted, exclusive=exclusive).changes)


@given(cases())
def test_what_a_role_grants_is_its_own_plan(case):
    rows, _wanted = case
    assert permissions.plan_matrix(rows, permissions.granted(rows), exclusive=True).changes == []


# Allow lists

TABLES = ["Company / Configuration", "Service / Priority", "Service / Service Board", "Service / Source"]


def plan_tables(current, lenient=False, universe=None, **wish):
    return permissions.plan_list(permissions.ListWish.parse(**wish), current, universe or TABLES, lenient=lenient)


@pytest.mark.parametrize(
    ("current", "wish", "after"),
    [
        ([], {"allow": ["Service / Priority"]}, ["Service / Priority"]),
        (TABLES, {"allow": ["service/priority"]}, ["Service / Priority"]),
        (TABLES, {"allow": []}, []),
        ([], {"allow": "all"}, TABLES),
        ([], {"allow": " All "}, TABLES),
        (TABLES, {"allow": "all", "disallow": ["Service / Source"]}, TABLES[:3]),
        (TABLES[:1], {"allow": ["Service / Source"], "state": "exact"}, [TABLES[3]]),
        (TABLES[:1], {"allow": ["Service / Source"], "state": "present"}, [TABLES[0], TABLES[3]]),
        (TABLES[:1], {"allow": "all", "state": "present"}, TABLES),
        (TABLES, {"allow": None, "disallow": ["Service / S*"], "state": "absent"}, TABLES[:2]),
        (TABLES[:2], {"allow": ["Service / Priority", "Service / Source"], "state": "absent"}, TABLES[:1]),
        (TABLES, {"allow": "all", "state": "absent"}, []),
        (TABLES, {"allow": None, "disallow": ["All"], "state": "absent"}, []),
        (TABLES, {"allow": None, "disallow": "all"}, []),
        (TABLES[:2], {"allow": None, "disallow": ["Service / Priority", "Service / Source"]}, TABLES[:1]),
        (TABLES, {"allow": ["Service / Service Boards"]}, ["Service / Service Board"]),
        ([], {"allow": "Service / Source"}, ["Service / Source"]),
        ([], {"allow": ["Service / *"]}, TABLES[1:]),
        ([], {"allow": ["service/S*"], "disallow": ["Service / Source"]}, ["Service / Service Board"]),
        (TABLES, {"allow": "all", "disallow": ["Service / *"]}, TABLES[:1]),
        # Something that stands in the list and in no catalogue is known too.
        (["Own / Table"], {"allow": ["own / table"]}, ["Own / Table"]),
    ],
)
def test_lists(current, wish, after):
    result = plan_tables(current, **wish)
    assert result.after == after
    assert result.before == sorted(current, key=str.casefold)
    assert set(result.allow) == set(after) - set(current)
    assert set(result.disallow) == set(current) - set(after)


def test_items_asked_to_be_disallowed_are_named_as_the_tenant_does():
    assert plan_tables([], allow="all", disallow=["service/source"]).refused == ["Service / Source"]


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"allow": None}, "nothing is asked for"),
        ({"allow": None, "disallow": []}, "nothing is asked for"),
        ({"allow": [], "state": "present"}, "nothing is asked for"),
        ({"allow": [], "state": "absent"}, "nothing is asked for"),
        ({"allow": None, "state": "absent"}, "takes one list of items"),
        ({"allow": TABLES[:1], "disallow": TABLES[1:], "state": "absent"}, "takes one list of items"),
        ({"allow": TABLES[:1], "disallow": TABLES[1:], "state": "present"}, "allows items and disallows none"),
        ({"allow": TABLES, "state": "only"}, "use one of exact, present, absent"),
        ({"allow": {"a": 1}}, "allow: expected item names"),
        ({"allow": [1]}, "allow: expected item names"),
        (
            {"allow": ["Service / Source"], "disallow": ["service/source"]},
            "allow and disallow both name service/source",
        ),
        ({"allow": ["Servce / Source"]}, 'no table "Servce / Source"; did you mean "Service / Source"'),
        ({"allow": "all", "disallow": ["Asio"]}, 'no table "Asio"'),
    ],
)
def test_wrong_wishes(wish, message):
    with pytest.raises(InputError) as caught:
        plan_tables([], **wish)
    assert message in str(caught.value)


def test_lists_of_mixed_versions():
    result = plan_tables([], lenient=True, allow=["Service / Source", "Company / Asio"], disallow=["Asio"])
    assert result.after == ["Service / Source"]
    assert [text.partition(";")[0] for text in result.warnings] == [
        'this tenant has no table "Asio"',
        'this tenant has no table "Company / Asio"',
    ]


def test_a_beginning_that_fits_nothing():
    with pytest.raises(UnknownName, match='no table "Companies / \\*"; did you mean "Company / \\*"\\?'):
        plan_tables([], allow=["Companies / *"])
    assert plan_tables([], lenient=True, allow=["Companies / *", "Service / Source"]).after == ["Service / Source"]


def test_a_beginning_needs_a_list_of_the_items():
    what = customizable("Manage Hosted API")
    with pytest.raises(InputError, match=r"so a name with \* fits nothing"):
        universe(None, what, permissions.ListWish.parse(["Reporting*"]))
    assert universe(None, what, permissions.ListWish.parse(["Reporting"])) == ["Reporting"]


def test_two_items_of_one_name():
    universe = ["Service / Source", "service/source"]
    with pytest.raises(AmbiguousName, match="Service / Source, service/source"):
        plan_tables([], universe=universe, allow=["SERVICE / SOURCE"])
    assert plan_tables([], universe=universe, allow=["service/source"]).after == ["service/source"]


ITEMS = [f"Item {letter}" for letter in "ABCDEF"]
SUBSET = st.lists(st.sampled_from(ITEMS), unique=True)


@st.composite
def wishes(draw):
    disallow = draw(SUBSET)
    kind = draw(st.sampled_from(["all", "some", "none", "absent", "present"]))
    if kind == "all":
        return permissions.ListWish.parse("all", disallow)
    if kind == "none" and disallow:
        return permissions.ListWish.parse(None, disallow)
    if kind == "absent" and disallow:
        return permissions.ListWish.parse(None, disallow, "absent")
    allow = [item for item in draw(SUBSET) if item not in disallow]
    if kind == "present" and allow:
        return permissions.ListWish.parse(allow, None, "present")
    return permissions.ListWish.parse(allow, disallow)


@given(SUBSET, wishes())
def test_after_its_moves_a_list_plan_is_empty(current, wish):
    result = permissions.plan_list(wish, current, ITEMS)
    moved = [item for item in [*current, *result.allow] if item not in result.disallow]
    assert sorted(moved) == result.after
    again = permissions.plan_list(wish, moved, ITEMS)
    assert (again.allow, again.disallow) == ([], [])
    assert not set(result.after) & set(wish.disallow)
