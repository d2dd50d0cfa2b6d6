# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose a role or an API member is: the rules, and what is read for them before a write."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.msp.connectwise.plugins.module_utils import _owners as owners
from ansible_collections.msp.connectwise.plugins.module_utils._errors import (
    Conflict,
    InvalidRecord,
    NotOurs,
    PermissionDenied,
    PsaError,
)
from ansible_collections.msp.connectwise.plugins.module_utils._owners import Claim, Held, Holder
from ansible_collections.msp.connectwise.plugins.modules import (
    cw_api_key,
    cw_api_member,
    cw_security_role,
    cw_table_setup,
)
from tests.unit.support import answer

API, PEOPLE, OWN = "GET /system/apiMembers", "GET /system/members", "GET /system/mySecurity"
ROLES = "GET /system/securityroles"
ROLE = {"id": 5, "name": "Sync", "adminFlag": False}
MINE, OTHER, PERSON, KEY = Holder("Sync", True), Holder("Backup", True), Holder("jdoe", False), Holder("Ansible", True)
DENIED = answer(403, {"code": "Security", "message": "denied", "errors": None})
NO_ENDPOINT = answer(404, {"code": "ConnectWiseApi", "message": "The endpoint does not exist.", "errors": None})


def claim(*members: str, adopt: bool = False, own_key_role: bool = False) -> Claim:
    return Claim(frozenset(members), adopt, own_key_role)


def said(refusal: NotOurs | None) -> str:
    return "" if refusal is None else str(refusal)


@pytest.mark.parametrize(
    ("holders", "own", "may", "says"),
    [
        ([], "Ansible", claim(), ""),
        ([MINE], "Ansible", claim("Sync"), ""),
        ([MINE], "Ansible", claim(), "is also held by Sync (API member)"),
        # A person of the same name is not the API member.
        ([Holder("Sync", False)], "Ansible", claim("Sync"), "Sync (person)"),
        ([Holder("SYNC", True)], "Ansible", claim("Sync"), "SYNC (API member)"),
        ([MINE, OTHER, PERSON], "Ansible", claim("Sync"), "is also held by Backup (API member), jdoe (person), not"),
        ([MINE, OTHER, PERSON], "Ansible", claim("Sync", adopt=True), ""),
        # The role of our own key: adopting does not help, only the integration that makes this key may.
        ([MINE, KEY], "ansible", claim("Sync", "Ansible", adopt=True), "is that of ansible, whose key this run works"),
        ([KEY], "Ansible", claim("Ansible", own_key_role=True), ""),
        ([KEY, PERSON], "Ansible", claim("Ansible", own_key_role=True), "held by jdoe (person), not"),
        # The member of our own key is another one than the integration makes.
        ([KEY], "ansible", claim("Sync", own_key_role=True), ""),
        # A tenant that does not tell whose key this is.
        ([MINE], "", claim("Sync", adopt=True), "does not tell whose key"),
        ([], "", claim("Sync"), ""),
    ],
)
def test_whose_a_role_is(holders: list[Holder], own: str, may: Claim, says: str) -> None:
    found = said(owners.role_refusal(ROLE, Held(tuple(holders), own), may))
    assert says in found
    assert bool(says) == bool(found)


def test_whoever_cannot_read_roles_does_not_own_the_key_of_a_run_that_has_read_them() -> None:
    assert owners.role_refusal(ROLE, Held((MINE,), "", apart=True), claim("Sync")) is None
    crowd = owners.role_refusal(ROLE, Held((MINE, PERSON), "", apart=True), claim("Sync"))
    assert "is also held by jdoe (person)" in said(crowd)


@pytest.mark.parametrize("role", [{**ROLE, "adminFlag": True}, {"id": 5, "name": "ADMIN"}])
def test_a_role_of_administrators_is_nobody_elses(role: dict[str, Any]) -> None:
    everything = claim("Sync", adopt=True, own_key_role=True)
    assert "has every right (adminFlag)" in said(owners.role_refusal(role, Held((MINE,), "Ansible"), everything))


def test_the_first_five_holders_are_named() -> None:
    crowd = Held(tuple(Holder(f"tech{number}", False) for number in range(9)), "Ansible")
    found = owners.role_refusal(ROLE, crowd, claim())
    assert "tech4 (person) and 4 more, not of this integration" in said(found)
    assert "tech5" not in said(found)
    assert "<vendor>_role_name" in said(found)
    assert "integration_adopt: true" in said(found)


TWICE = [Holder("mine", False), Holder("mine", True), Holder("mine", True), PERSON]


def test_a_holder_is_named_once() -> None:
    # As a tenant tells it that lists API members among its people too, or one member on two pages.
    assert owners.named(TWICE) == "jdoe (person), mine (API member)"
    found = owners.role_refusal(ROLE, Held(tuple(TWICE), "Ansible"), claim())
    assert "is also held by jdoe (person), mine (API member), not of" in said(found)


def test_a_role_in_use_names_each_holder_once(script: Any) -> None:
    lists = {API: [[member(1, "mine", 5)]], PEOPLE: [[member(7, "mine", 5), member(9, "jdoe", 6)]], OWN: [me("jdoe")]}
    psa, _transport = script({ROLES: [[ROLE]], **lists})
    with pytest.raises(Conflict, match=r'the role "Sync" is held by mine \(API member\), so'):
        cw_security_role.run(psa, {**OPTIONS, "state": "absent"}, False)


@pytest.mark.parametrize(
    ("held", "wanted", "may", "refused"),
    [
        ("Sync", "Sync", claim(), False),
        ("SYNC", "Sync", claim(), True),
        ("Backup", "Sync", claim(), True),
        ("Backup", "Sync", claim(adopt=True), False),
        ("Backup", None, claim(), True),
        (None, None, claim(), True),
    ],
)
def test_whose_an_api_member_is(held: str | None, wanted: str | None, may: Claim, refused: bool) -> None:
    found = said(owners.member_refusal({"identifier": "Sync", "securityRole": {"name": held}}, wanted, may))
    assert bool(found) == refused
    if refused:
        assert f'holds the role "{held}"' in found
        assert "<vendor>_member_identifier" in found
        assert "integration_adopt: true" in found


@pytest.mark.parametrize(
    ("own", "may", "refused"),
    [
        ("Ansible", claim(), False),
        ("sync", claim(adopt=True), True),
        ("Sync", claim(own_key_role=True), False),
        ("", claim(), False),
        ("", claim(adopt=True), True),
    ],
)
def test_the_member_of_the_own_key_stays_as_it_is(own: str, may: Claim, refused: bool) -> None:
    assert bool(owners.own_member_refusal({"identifier": "Sync"}, own, may)) == refused


def member(number: int, identifier: str, role: int) -> dict[str, Any]:
    return {"id": number, "identifier": identifier, "securityRole": {"id": role}}


def me(identifier: str) -> list[dict[str, Any]]:
    return [{"member": {"identifier": identifier}}]


def test_people_and_api_members_hold_a_role(script: Any) -> None:
    # Where the list of members has the API members too, they stay API members.
    api = [member(1, "Sync", 5), member(2, "Ansible", 6)]
    people = [member(1, "Sync", 5), member(9, "jdoe", 5), {"id": 10, "identifier": "none"}]
    psa, transport = script({API: [api], PEOPLE: [people], OWN: [me("Ansible")]})
    assert owners.read_held(psa, ROLE) == Held((MINE, PERSON), "Ansible")
    assert len(transport.calls) == 3


@pytest.mark.parametrize(
    ("rows", "apart"),
    [
        ([{"moduleName": "System", "moduleFunctionName": "Security Roles", "inquireLevel": "None"}], True),
        ([{"moduleName": "System", "moduleFunctionName": "Security Roles", "inquireLevel": "All"}], False),
        ([{"moduleName": "System", "moduleFunctionName": "Table Setup", "inquireLevel": "None"}], False),
    ],
)
def test_where_a_tenant_does_not_tell_whose_key_it_is_the_rights_of_the_role_do(
    script: Any, rows: list[dict[str, Any]], apart: bool
) -> None:
    outcomes = {API: [[member(1, "Sync", 5)]], PEOPLE: [[member(9, "jdoe", 6)]], OWN: [DENIED]}
    psa, _transport = script({**outcomes, f"GET /system/securityRoles/{ROLE['id']}/settings": [rows]})
    assert owners.read_held(psa, ROLE) == Held((MINE,), "", apart=apart)


@pytest.mark.parametrize("path", [API, PEOPLE])
@pytest.mark.parametrize("refusal", [DENIED, NO_ENDPOINT])
def test_holders_nobody_may_see(script: Any, path: str, refusal: Any) -> None:
    outcomes: dict[str, list[Any]] = {API: [[]], PEOPLE: [[member(9, "jdoe", 5)]], OWN: [me("jdoe")]}
    outcomes["GET /system/info"] = [{}] if refusal is NO_ENDPOINT else []
    psa, transport = script({**outcomes, path: [refusal]})
    with pytest.raises(Exception, match='it cannot be read who holds the role "Sync", so nothing was changed') as found:
        owners.require_our_role(psa, ROLE, claim())
    if refusal is DENIED:
        assert "Member Maintenance" in str(found.value)
    transport.outcomes.clear()


@pytest.mark.parametrize(
    ("api", "people"), [([], [member(9, "jdoe", 6)]), ([member(2, "Ansible", 6)], []), ([], [])], ids=str
)
def test_a_list_without_oneself_or_without_people_is_not_the_whole(script: Any, api: Any, people: Any) -> None:
    psa, _transport = script({API: [api], PEOPLE: [people], OWN: [me("Ansible")]})
    with pytest.raises(PermissionDenied, match="see only a part of the members"):
        owners.read_held(psa, ROLE)


def test_nothing_is_read_for_what_is_certain(script: Any) -> None:
    psa, transport = script({})
    with pytest.raises(NotOurs, match="adminFlag"):
        owners.require_our_role(psa, {**ROLE, "adminFlag": True}, claim())
    owners.require_our_role(psa, ROLE, claim(adopt=True, own_key_role=True))
    owners.require_our_member(psa, {"securityRole": {"name": "Sync"}}, "Sync", claim(), writes=False)
    assert transport.calls == []


def test_a_name_in_other_letters_is_told_with_the_ways_out() -> None:
    owners.require_no_twin("security role", "role_name", "Umbrella", "")
    with pytest.raises(
        NotOurs, match=r'one is called "UMBRELLA".*set <vendor>_role_name: "UMBRELLA"; otherwise'
    ) as found:
        owners.require_no_twin("security role", "role_name", "Umbrella", "UMBRELLA")
    assert 'no security role "Umbrella"' in found.value.problem


def test_a_refused_record_names_its_neighbours() -> None:
    problem = InvalidRecord("refused", errors=[{"code": "ObjectExists"}])
    told = owners.with_neighbours(problem, "Umbrella", ["Umbrela", "Umbrella 2"])
    assert "close to it are Umbrela, Umbrella 2" in str(told)
    other = InvalidRecord("refused", errors=[{"code": "MaxLengthField"}])
    assert "Umbrela" not in str(owners.with_neighbours(other, "Umbrella", ["Umbrela"]))


OPTIONS = {
    **{name: spec.get("default") for name, spec in cw_security_role.MODULE.options.items()},
    "name": "Sync",
    "extension_routes": {},
}


@pytest.mark.parametrize(
    ("module", "given"),
    [
        (cw_security_role, {"name": "SYNC"}),
        (cw_security_role, {"name": "SYNC", "state": "absent", "in_use": "clear"}),
        (cw_table_setup, {"role": "SYNC", "allow": ["Service / Priority"]}),
        (cw_api_member, {"identifier": "SYNC"}),
        (cw_api_member, {"identifier": "SYNC", "state": "absent"}),
    ],
)
@pytest.mark.parametrize("check_mode", [True, False])
def test_a_name_in_other_letters_stops_every_task(script: Any, module: Any, given: Any, check_mode: bool) -> None:
    options = {name: spec.get("default") for name, spec in module.MODULE.options.items()}
    psa, _transport = script({ROLES: [[ROLE]], API: [[member(1, "Sync", 5)]]})
    with pytest.raises(NotOurs, match='one is called "Sync"'):
        module.run(psa, {**options, **given, "extension_routes": {}}, check_mode)
    _transport.outcomes.clear()


@pytest.mark.parametrize("answer", [[member(9, "SYNC", 5)], [member(9, "jdoe", 5)], DENIED])
def test_the_member_id_of_a_person_is_not_free(script: Any, answer: Any) -> None:
    psa, _transport = script({PEOPLE: [answer]})
    if answer is DENIED or answer[0]["identifier"] == "jdoe":
        owners.require_no_person(psa, "Sync")
        return
    with pytest.raises(NotOurs, match=r'a person has the Member ID "SYNC".*<vendor>_member_identifier'):
        owners.require_no_person(psa, "Sync")


def test_no_task_makes_a_person(script: Any) -> None:
    options = {name: spec.get("default") for name, spec in cw_api_key.MODULE.options.items()}
    psa, _transport = script({PEOPLE: [[member(9, "tech2", 5)], [member(9, "tech2", 5)]]})
    given = {"member": "TECH2", "member_type": "member", "description": "x", "extension_routes": {}}
    with pytest.raises(PsaError, match='no member "TECH2"; did you mean "tech2"'):
        cw_api_key.run(psa, {**options, **given}, True)


def test_a_role_of_administrators_is_refused_though_nothing_of_it_would_change(script: Any) -> None:
    psa, transport = script({ROLES: [[{**ROLE, "adminFlag": True}]]})
    with pytest.raises(NotOurs, match="adminFlag"):
        cw_security_role.run(psa, {**OPTIONS, "permissions": {}}, False)
    assert transport.calls == [ROLES]


def test_nobody_is_asked_to_activate_a_role_of_others(script: Any) -> None:
    people = [member(9, "jdoe", 5)]
    psa, _transport = script(
        {ROLES: [[{**ROLE, "inactiveFlag": True}]], API: [[]], PEOPLE: [people], OWN: [me("jdoe")]}
    )
    with pytest.raises(NotOurs, match="is that of jdoe"):
        cw_security_role.run(psa, OPTIONS, True)


@pytest.mark.parametrize("given", [True, False])
def test_a_role_that_a_member_is_to_be_given_is_checked_although_nothing_of_it_changes(
    script: Any, given: bool
) -> None:
    people = [member(9, "jdoe", 5)]
    lists = {API: [[]], PEOPLE: [people], OWN: [me("jdoe")]} if given else {}
    psa, transport = script({ROLES: [[ROLE]], **lists})
    if given:
        with pytest.raises(NotOurs, match="is that of jdoe"):
            cw_security_role.run(psa, {**OPTIONS, "given": True}, True)
    else:
        cw_security_role.run(psa, OPTIONS, True)
        assert transport.calls == [ROLES]


def test_the_same_for_the_role_that_others_hold_and_its_ways_out(script: Any) -> None:
    lists = {
        API: [[member(1, "Sync", 5), member(2, "Ansible", 6)]],
        PEOPLE: [[member(9, "jdoe", 6)]],
        OWN: [me("Ansible")],
    }
    for more, refused in (({}, True), ({"own_members": ["Sync"]}, False), ({"adopt": True}, False)):
        given = {**OPTIONS, "state": "absent", "in_use": "clear", **more}
        outcomes = {ROLES: [[ROLE]], **lists, "GET /system/securityRoles/5/settings": [[]]}
        psa, transport = script(outcomes)
        if refused:
            with pytest.raises(NotOurs, match="Sync"):
                cw_security_role.run(psa, given, False)
            transport.outcomes.clear()
        else:
            assert cw_security_role.run(psa, given, False).manual_steps == []
