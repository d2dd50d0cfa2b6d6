# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The planners of matrices and lists where mutation testing found no other test to notice."""

from __future__ import annotations

import pytest

from ansible_collections.msp.connectwise.plugins.module_utils import _permissions as permissions
from ansible_collections.msp.connectwise.plugins.module_utils._errors import UnknownName

NONE = dict.fromkeys(permissions.VERBS, "None")


def test_an_unknown_function_of_a_module_with_one_row():
    rows = [permissions.Row(1, "Time & Expense", "Time Entry", NONE)]
    with pytest.raises(UnknownName, match='function of module Time & Expense "Nothing"'):
        permissions.plan_matrix(rows, {"time and expense": {"Nothing": {"inquire": "All"}}})


def test_items_after_one_that_is_found_by_its_normalised_name_count_too():
    universe = ["Service / Priority", "Service / Service Board", "Service / Source"]
    wish = permissions.ListWish.parse(["service/priority", "service/service board"])
    assert permissions.plan_list(wish, [], universe).after == universe[:2]


def test_a_row_has_a_list_only_where_it_says_so():
    assert not permissions.Row(1, "Service Desk", "Service Tickets", NONE).customizable
    assert permissions.Row.from_record({"customFlag": True}).customizable


def test_unknown_names_are_errors_unless_said_otherwise():
    rows = [permissions.Row(1, "Service Desk", "Service Tickets", NONE)]
    wanted = {"Service Desk": {"Nothing": {"inquire": "All"}}}
    for planner in (permissions.wanted_matrix, permissions.plan_matrix, permissions.deviations):
        with pytest.raises(UnknownName):
            planner(rows, wanted)
    with pytest.raises(UnknownName):
        permissions.plan_list(permissions.ListWish.parse(["Nothing"]), [], ["Service / Source"])


def test_only_all_needs_to_know_every_item():
    assert permissions.ListWish.parse("all").needs_universe
    assert not permissions.ListWish.parse(["Service / Source"]).needs_universe


def test_defaults():
    row = permissions.Row(1, "Service Desk", "Service Tickets", NONE)
    assert row.my_offered
    assert permissions.ListWish.parse("all") == permissions.ListWish(None, [], True)
