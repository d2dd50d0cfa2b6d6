# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""API members and members."""

from __future__ import annotations

import pytest

from ansible_collections.msp.connectwise.plugins.module_utils import _errors as errors
from ansible_collections.msp.connectwise.plugins.module_utils import _members as members
from ansible_collections.msp.connectwise.plugins.module_utils._resource import Reference

API, PEOPLE = "GET /system/apiMembers", "GET /system/members"
ROLE = next(field for field in members.FIELDS if field.option == "security_role")
BOARD = next(field for field in members.FIELDS if field.option == "board")


def test_owners_of_both_kinds(script):
    psa, _transport = script({API: [[{"id": 1, "identifier": "Sync"}]], PEOPLE: [[{"id": 2, "identifier": "Sync"}]]})
    assert members.find_owner(psa, "Sync", "api")["id"] == 1
    assert members.find_owner(psa, "Sync", "member")["id"] == 2
    assert (members.key_routes("api"), members.key_routes("member")) == ("api_member_key", "member_key")


def test_an_identifier_is_meant_to_the_letter(script):
    psa, _transport = script(
        {
            API: [[{"id": 1, "identifier": "sync"}, {"id": 2, "identifier": "Sync"}]] * 2,
            PEOPLE: [[{"id": 3, "identifier": "T"}]],
        }
    )
    assert members.find_api_member(psa, "Sync")["id"] == 2
    assert members.seek_api_member(psa, "SYNC") == (None, "sync")
    assert members.find_owner(psa, "t", "member") is None


def test_no_such_owner(script):
    psa, _transport = script({API: [[{"id": 1, "identifier": "Sync"}]], PEOPLE: [[{"id": 2, "identifier": "Tech1"}]]})
    assert 'no API member "Synk"; did you mean "Sync"' in members.no_member(psa, "Synk", "api").problem
    assert 'no member "Teck1"; did you mean "Tech1"' in members.no_member(psa, "Teck1", "member").problem


def test_a_role_yet_to_come_is_a_placeholder_in_check_mode_only(script, pauses):
    psa, _transport = script(
        {"GET /system/securityroles": [[{"id": 1, "name": "Admin"}]] * 6, "GET /service/info/boards": [[]]}
    )
    checking = members.MemberNames(psa, check_mode=True)
    assert checking.resolve(ROLE, "Sync") == Reference(None, "Sync")
    assert checking.resolve(ROLE, "Admin") == Reference(1, "Admin")
    assert checking.resolve(ROLE, "admin") == Reference(None, "admin")
    with pytest.raises(errors.UnknownName):
        checking.resolve(BOARD, "Help Desk")
    with pytest.raises(errors.UnknownName):
        members.MemberNames(psa, check_mode=False).resolve(ROLE, "Sync")
    assert pauses == [0.3, 0.8, 1.6]


def test_a_role_that_shows_late(script, pauses):
    lists = [[{"id": 1, "name": "Admin"}]] * 2 + [[{"id": 1, "name": "Admin"}, {"id": 2, "name": "Sync"}]]
    psa, _transport = script({"GET /system/securityroles": lists})
    assert members.MemberNames(psa, check_mode=False).resolve(ROLE, "Sync") == Reference(2, "Sync")


def test_a_member_in_the_words_of_the_options():
    record = {
        "id": 7,
        "identifier": "Sync",
        "name": "Sync API",
        "inactiveFlag": True,
        "securityRole": {"id": 1, "name": "Sync Role"},
        "timeZone": {"id": 2, "identifier": "UTC"},
        "blockCostFlag": True,
    }
    found = members.describe(record, "Sync")
    assert found == {
        "id": 7,
        "identifier": "Sync",
        "exists": True,
        "active": False,
        "name": "Sync API",
        "security_role": "Sync Role",
        "level": None,
        "security_location": None,
        "location": None,
        "department": None,
        "territory": None,
        "time_zone": "UTC",
        "board": None,
        "excluded_boards": [],
        "email": "",
        "notes": "",
        "block_price": False,
        "block_cost": True,
    }
    assert members.describe(None, "Sync") == {"id": None, "identifier": "Sync", "exists": False, "active": False}


@pytest.mark.parametrize(("option", "limit"), [("identifier", 15), ("name", 30), ("email", 250)])
def test_lengths(option, limit):
    field = next(field for field in [members.IDENTIFIER, *members.FIELDS] if field.option == option)
    field.check("x" * limit)
    with pytest.raises(errors.InputError, match=f"is {limit + 1} characters long; ConnectWise takes {limit}"):
        field.check("x" * (limit + 1))
