# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names as people print them."""

from __future__ import annotations

import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.msp.connectwise.plugins.module_utils import _names as names
from ansible_collections.msp.connectwise.plugins.module_utils._errors import AmbiguousName, UnknownName


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Table Setup", "table  setup"),
        ("Table Setup (Customize)", "Table Setup"),
        ("Table Setup (customise)", "Table Setup"),
        ("Time & Expense", "Time and Expense"),
        ("Time&Expense", "time AND expense"),
        ("Service Ticket \u2013 Dependencies", "Service Ticket - Dependencies"),
        ("Service Ticket \u2014 Dependencies", "Service Ticket-Dependencies"),
        ("Service Ticket \u2212 Dependencies", "Service Ticket \uff0d Dependencies"),
        ("Company/ Contact Group Maintenance", "Company / Contact Group Maintenance"),
        ("CRM\u00a0/\u00a0Sales Activities", "CRM/Sales Activities"),
        ("\ufb01nance", "Finance"),
        (" Contacts\n", "Contacts"),
    ],
)
def test_differences_of_print_do_not_count(left, right):
    assert names.same(left, right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Service Tickets", "Ticket Templates"),
        ("Notes", "Note"),
        ("Company / State", "Company State"),
        ("Android", "& roid"),
    ],
)
def test_differences_of_meaning_count(left, right):
    assert not names.same(left, right)


@pytest.mark.parametrize(
    ("module", "printed", "known"),
    [
        ("Service Desk", "Closed Service Tickets", "Close Service Tickets"),
        ("Service Desk", "Close Service Ticket", "Close Service Tickets"),
        ("Service", "Reporting", "Reports"),
        ("Service Desk", "Service Ticket \u2013 Dependancies", "Service Ticket - Dependencies"),
        ("Project", "Project Ticket - Dependancies", "Project Ticket - Dependencies"),
        ("Projects", "Close Project", "Close Projects"),
        ("System", "Managed Hosted API", "Manage Hosted API"),
        ("System", "Setup Tables (Customize)", "Table Setup"),
        ("Company", "Manage Documents", "Manage Attachments"),
        ("Companies", "Company/ Contact Group Maintenance", "Company/Contact Group Maintenance"),
        ("Sales", "Opportunities", "Opportunity"),
        ("Time & Expenses", "Tim Entry Billable Option", "Time Entry Billable Option"),
        ("Procurement", "Product", "Products"),
        ("Finance", "GL Interface", "Accounting Interface"),
    ],
)
def test_known_variants_of_vendors_pages(module, printed, known):
    assert names.canonical_function(module, printed) == names.canonical_function(module, known)


@pytest.mark.parametrize(
    ("printed", "known"),
    [
        ("Company", "Companies"),
        ("time and expenses", "Time & Expense"),
        ("Service", "Service Desk"),
        ("Projects", "Project"),
    ],
)
def test_known_variants_of_modules(printed, known):
    assert names.canonical_module(printed) == names.canonical_module(known)


def test_a_variant_counts_in_its_module_alone():
    assert names.canonical_function("Sales", "Reporting") != names.canonical_function("Sales", "Reports")
    assert names.canonical_item("Service / Service Boards") == names.canonical_item("service/service board")


def test_no_variant_hides_a_name_of_its_own():
    for variants in [names.MODULE_VARIANTS, names.TABLE_VARIANTS, *names.FUNCTION_VARIANTS.values()]:
        assert not set(variants) & set(variants.values())


@given(st.text())
def test_normalising_again_changes_nothing(text):
    assert names.normalised(names.normalised(text)) == names.normalised(text)


@given(
    st.text(alphabet="abcde &/-", min_size=1),
    st.sampled_from(["\u2010", "\u2011", "\u2012", "\u2013", "\u2014", "\u2212"]),
)
def test_every_dash_is_a_dash(text, dash):
    assert names.same(text, text.replace("-", dash))


def test_unknown_names_come_with_the_closest():
    error = names.unknown("function", "Servce Tickets", ["Service Tickets", "Invoicing", "Services Ticket"])
    assert isinstance(error, UnknownName)
    assert (
        error.problem
        == 'this tenant has no function "Servce Tickets"; did you mean "Service Tickets" or "Services Ticket"?'
    )
    assert error.data == {"name": "Servce Tickets", "closest": ["Service Tickets", "Services Ticket"]}


def test_a_name_like_no_other():
    error = names.unknown("table", "Xyzzy", ["Service / Priority"])
    assert "no name there is close to it" in error.problem
    assert "cw_tenant_info" in error.remedy


def test_ambiguous_names_list_what_carries_them():
    error = names.ambiguous("security role", "Sync", ["id 1", "id 2"])
    assert isinstance(error, AmbiguousName)
    assert 'several entries are called security role "Sync": id 1, id 2' in str(error)


@pytest.mark.parametrize("hidden", ["\u00ad", "\u200b", "\u200d", "\u2060", "\ufeff"])
def test_characters_without_width_are_not_part_of_a_name(hidden):
    assert names.same(f"Service{hidden} Tickets", "Service Tickets")


def test_the_closest_names_are_all_named_those_in_the_same_letters_first():
    assert names.closest("mine", ["Mine (Customize)", "Mine", "Nine"]) == ["Mine", "Mine (Customize)", "Nine"]


@pytest.mark.parametrize("wanted", ["UMBRELLA SYNC", "UmbrellaSync", "Umbrella  Sync ", "Umbrella\u00a0Sync"])
def test_a_difference_in_case_or_spaces_is_a_look_alike(wanted):
    assert names.sought([{"id": 1, "name": "Umbrella Sync"}], "name", wanted, "role") == (None, "Umbrella Sync")


@pytest.mark.parametrize("wanted", ["Umbrella Sync 2", "Umbrella Sync (Customize)"])
def test_another_name_is_no_look_alike(wanted):
    assert names.sought([{"id": 1, "name": "Umbrella Sync"}], "name", wanted, "role") == (None, "")


@pytest.mark.parametrize(
    ("number", "words", "said"),
    [
        (1, ["vendor"], "1 vendor"),
        (0, ["vendor"], "0 vendors"),
        (2, ["vendor"], "2 vendors"),
        (1.0, ["second"], "1 second"),
        (1.5, ["second"], "1.5 seconds"),
        (3, ["entry", "entries"], "3 entries"),
        (1, ["entry", "entries"], "1 entry"),
    ],
)
def test_a_number_and_its_noun_agree(number, words, said):
    assert names.counted(number, *words) == said


# Numbers that are never 1, by the words behind them.
NEVER_ONE = re.compile(r" (characters|entries stand|credentials are named)\b")


def uncounted(source):
    """Return the lines that print a number and a plural by themselves."""
    lines = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.IfExp) and getattr(node.body, "value", None) == "s":
            lines.add(node.lineno)
        for number, words in pairwise(node.values) if isinstance(node, ast.JoinedStr) else ():
            if not isinstance(number, ast.FormattedValue) or not isinstance(words, ast.Constant):
                continue
            value = ast.unparse(number.value)
            plural = re.match(r" ([a-z]+ ){0,2}[a-z]{2,}[^s\W]s\b", words.value)
            if re.match(r"(len|sum)\(", value) and plural and not NEVER_ONE.match(words.value):
                lines.add(number.lineno)
    return lines


def test_one_helper_prints_every_number_with_its_noun():
    folder = Path(names.__file__).parent.parent
    found = {f"{path.name}:{line}" for path in folder.rglob("*.py") for line in uncounted(path.read_text("utf-8"))}
    found -= {one for one in found if one.startswith("_names.py:")}
    assert not found, f"use counted(): {sorted(found)}"
    # The same in the script of a page.
    for page in folder.rglob("*.html"):
        assert not re.search(r"\$\{[^}]*length\} [a-z]+s\b", page.read_text("utf-8")), page


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Umbrella", [1]),
        ("Umbrella*", [1, 2]),
        ("Umbrella?", []),
        ("Umbrella ?", [2]),
        ("umbrella*", []),
        ("*", [1, 2, 3, 4, 5]),
        # A name that is there to the letter is no pattern, and brackets never are.
        ("Sync*", [4]),
        ("[API] Sync", [3]),
        ("[API]*", [3]),
        ("Sync [old]", []),
        ("*Sync?", [4, 5]),
    ],
)
def test_a_name_or_a_pattern(name, found):
    there = ["Umbrella", "Umbrella 2", "[API] Sync", "Sync*", "Sync1"]
    records = [{"id": number, "name": one} for number, one in enumerate(there, start=1)]
    assert [one["id"] for one in names.fitting(records, "name", name, "role")] == found


def test_a_name_of_two_is_no_pattern():
    with pytest.raises(AmbiguousName):
        names.fitting([{"id": 1, "name": "Sync*"}, {"id": 2, "name": "Sync*"}], "name", "Sync*", "role")
