# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Security roles: finding, reading, writing whole matrices."""

from __future__ import annotations

import pytest

from ansible_collections.msp.connectwise.plugins.module_utils import _errors as errors
from ansible_collections.msp.connectwise.plugins.module_utils import _permissions as permissions
from ansible_collections.msp.connectwise.plugins.module_utils import _roles as roles
from ansible_collections.msp.connectwise.plugins.module_utils._routes import Extensions, NotOffered
from ansible_collections.msp.connectwise.plugins.modules import cw_security_role
from tests.unit.support import answer

ROLES = "GET /system/securityroles"
SETTINGS = "GET /system/securityRoles/5/settings"
LOST = errors.LostAnswer("lost")
NO_ENDPOINT = answer(404, {"code": "ConnectWiseApi", "message": "The endpoint does not exist.", "errors": None})
DENIED = answer(403, {"code": "Security", "message": "denied", "errors": None})


def setting(number, function="Contacts", module="Companies", custom=False, **levels):
    return {
        "id": number,
        "moduleName": module,
        "moduleFunctionName": function,
        **{f"{verb}Level": levels.get(verb, "None") for verb in permissions.VERBS},
        "myAllFlag": True,
        "customFlag": custom,
    }


def matrix(*levels):
    """Rows 1, 2, ...: each with this inquire level."""
    return [setting(number, f"Function {number}", inquire=level) for number, level in enumerate(levels, start=1)]


def row_path(number):
    return f"PATCH /system/securityRoles/5/settings/{number}"


@pytest.mark.parametrize("name", ["", "  ", "x" * 31])
def test_names_that_cannot_be(name):
    with pytest.raises(errors.InputError, match="ConnectWise takes 1 to 30"):
        roles.check_name(name)
    roles.check_name("x" * 30)


@pytest.mark.parametrize(
    "asked",
    [
        {"name": "Admin", "state": "absent", "permissions": None},
        {"name": "admin", "state": "present", "permissions": {}},
    ],
)
def test_the_admin_role_is_left_alone(script, asked):
    psa, transport = script({})
    with pytest.raises(errors.InputError, match="administrators"):
        cw_security_role.run(psa, asked, False)
    assert transport.calls == []


def test_a_role_is_found_by_its_name_to_the_letter(script):
    found = [{"id": 1, "name": "SYNC"}, {"id": 2, "name": "R&D \u2013 'Sync'"}, {"id": 3, "name": "Sync (Customize)"}]
    psa, transport = script({ROLES: [found] * 5})
    assert roles.find_role(psa, "SYNC")["id"] == 1
    # One that differs in print only may be the same one to ConnectWise, so it is named.
    assert roles.seek_role(psa, "Sync") == (None, "SYNC")
    assert roles.seek_role(psa, "r&d -  'SYNC'") == (None, "R&D \u2013 'Sync'")
    assert roles.seek_role(psa, "R and D - 'Sync'") == (None, "")
    assert roles.seek_role(psa, "Syn") == (None, "")
    assert all("conditions" not in sent["params"] for sent in transport.requests)


def test_two_roles_of_the_very_same_name(script):
    psa, _transport = script({ROLES: [[{"id": 1, "name": "Sync"}, {"id": 2, "name": "Sync"}]]})
    with pytest.raises(errors.AmbiguousName, match='several entries are called security role "Sync": id 1, id 2'):
        roles.find_role(psa, "Sync")


def test_a_role_that_must_be_there(script, pauses):
    psa, _transport = script({ROLES: [[{"id": 1, "name": "Sync"}]] * 5})
    with pytest.raises(errors.UnknownName, match='no security role "Snc"; did you mean "Sync"'):
        roles.require_role(psa, "Snc")


def test_a_blank_matrix_is_that_of_any_role_without_rights(script):
    psa, _transport = script({ROLES: [[{"id": 5, "name": "Admin"}]], SETTINGS: [matrix("All", "My")]})
    assert [(row.id, set(row.levels.values())) for row in roles.blank_matrix(psa)] == [(None, {"None"})] * 2


def test_no_role_to_read_a_matrix_from(script):
    psa, _transport = script({ROLES: [[]]})
    with pytest.raises(errors.InputError, match="no security role to read"):
        roles.blank_matrix(psa)


# Writing


def write(psa, before, wanted, **entries):
    rows = [permissions.Row.from_record(record) for record in before]
    named = {f"Function {number}": {"inquire": level} for number, level in enumerate(wanted, start=1)}
    plan = permissions.plan_matrix(rows, {"Companies": named})
    return roles.write_matrix(psa, Extensions(psa, entries), 5, plan)


def test_only_changed_rows_are_written_and_all_is_read_back_once(script, pauses):
    after = matrix("All", "All", "My")
    psa, transport = script({row_path(1): [{}], row_path(3): [{}], SETTINGS: [after]})
    found = write(psa, matrix("None", "All", "None"), ["All", "All", "My"])
    assert [row.levels["inquire"] for row in found] == ["All", "All", "My"]
    assert transport.calls == [row_path(1), row_path(3), SETTINGS]
    assert transport.bodies("PATCH")[0] == [{"op": "replace", "path": "inquireLevel", "value": "All"}]


def test_the_first_row_tells_whether_there_is_a_route(script):
    psa, transport = script({row_path(1): [NO_ENDPOINT], "GET /system/info": [{}]})
    with pytest.raises(NotOffered):
        write(psa, matrix("None", "None", "None"), ["All", "All", "All"])
    assert transport.calls == [row_path(1), "GET /system/info"]


def test_rows_whose_answer_was_lost_are_written_again_if_they_need_it(script, pauses):
    half, done = matrix("All", "All", "None"), matrix("All", "All", "All")
    psa, transport = script(
        {row_path(1): [{}], row_path(2): [LOST], row_path(3): [LOST, {}], SETTINGS: [half, half, half, half, done]}
    )
    write(psa, matrix("None", "None", "None"), ["All", "All", "All"])
    assert transport.calls.count(row_path(3)) == 2
    assert transport.calls.count(row_path(1)) == transport.calls.count(row_path(2)) == 1


def test_a_stale_matrix_is_read_again(script, pauses):
    psa, transport = script({row_path(1): [{}], SETTINGS: [matrix("None"), matrix("None"), matrix("All")]})
    write(psa, matrix("None"), ["All"])
    assert transport.calls == [row_path(1), SETTINGS, SETTINGS, SETTINGS]


def test_a_success_that_changed_nothing(script, pauses):
    psa, _transport = script({row_path(1): [{}], SETTINGS: [matrix("None")] * 4})
    with pytest.raises(errors.NotApplied, match="written, but not taken over: Companies / Function 1"):
        write(psa, matrix("None"), ["All"])


def test_a_denied_row_stops_the_rest(script):
    psa, transport = script({row_path(1): [DENIED]})
    with pytest.raises(errors.PermissionDenied, match="Security Roles with Edit"):
        write(psa, matrix("None", "None"), ["All", "All"])
    assert transport.calls == [row_path(1)]


# Rows with a Customize list

CUSTOM = [
    permissions.Row.from_record(record)
    for record in (
        setting(1, "Table Setup", "System", custom=True),
        setting(2, "Reports", "Companies", custom=True),
        setting(3, "Reports", "Finance", custom=True),
        setting(4, "Contacts", "Companies"),
        setting(5, "Reports", "Sales"),
    )
]


@pytest.mark.parametrize(
    ("function", "module", "number"),
    [("table setup", None, 1), ("Setup Tables", "System", 1), ("Reports", "Finance", 3), ("reports", "Company", 2)],
)
def test_the_row_of_a_list(function, module, number):
    assert roles.customizable_row(CUSTOM, function, module).id == number


@pytest.mark.parametrize(
    ("function", "module", "kind", "message"),
    [
        ("Tabel Setup", None, errors.UnknownName, 'did you mean "Table Setup"'),
        ("Contacts", None, errors.InputError, "Companies / Contacts has no Customize list on this tenant"),
        ("Reports", "Sales", errors.InputError, "Sales / Reports has no Customize list"),
        ("Reports", None, errors.AmbiguousName, "Companies / Reports, Finance / Reports"),
    ],
)
def test_no_row_of_a_list(function, module, kind, message):
    with pytest.raises(kind, match=message):
        roles.customizable_row(CUSTOM, function, module)


def test_attempt():
    def refuse():
        raise NotOffered("x")

    assert roles.attempt(lambda: 5) == (True, 5)
    assert roles.attempt(refuse) == (False, None)
