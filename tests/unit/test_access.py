# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keys can do against a profile, Customize lists, and probes."""

from __future__ import annotations

import pytest

from ansible_collections.msp.connectwise.plugins.module_utils import _access as access
from ansible_collections.msp.connectwise.plugins.module_utils import _customize as customize
from ansible_collections.msp.connectwise.plugins.module_utils import _errors as errors
from ansible_collections.msp.connectwise.plugins.module_utils._permissions import VERBS, ListWish
from ansible_collections.msp.connectwise.plugins.module_utils._resource import Names
from ansible_collections.msp.connectwise.plugins.modules import cw_access_check
from tests.unit.support import answer

SCREENS = [{"category": "Service", "name": "Priority"}, {"category": "Service", "name": "Service Board"}]
DENIED = answer(403, {"code": "Security", "message": "You do not have security permission.", "errors": None})


def right(module, function, **levels):
    return {
        "moduleName": module,
        "moduleFunctionName": function,
        **{f"{verb}Level": levels.get(verb, "None") for verb in VERBS},
        "member": {"id": 1, "identifier": "Sync"},
    }


def item(name, identifier="SystemTableSetup"):
    return {"id": 1, "customizeIdentifier": identifier, "itemIdentifier": name}


SETTINGS = [
    right("Service Desk", "Service Tickets", add="All", inquire="All"),
    right("Companies", "Contacts", inquire="My"),
    right("System", "Table Setup", inquire="All"),
]
PROFILE = {
    "Service Desk": {"Service Tickets": {"add": "All", "inquire": "All"}},
    "Companies": {"Contacts": {"inquire": "My"}},
    "System": {"Table Setup": {"inquire": "All"}},
}


def compare(script, permissions=None, lists=None, items=()):
    psa, transport = script({})
    permissions = PROFILE if permissions is None else permissions
    return access.compare(access.Own(SETTINGS, list(items)), permissions, lists or {}, Names(psa)), transport


def test_as_wanted(script):
    found, transport = compare(script)
    assert (found.verdict, found.member, found.summary()) == ("ok", "Sync", "ok")
    assert transport.calls == []


def test_keys_that_may_not_read_the_catalogue(script):
    psa, _transport = script({"GET /finance/agreements/types": [DENIED, DENIED]})
    found = access.compare(
        access.Own(SETTINGS, [item("Managed", "FinanceAgreements")]),
        PROFILE,
        {"Agreements": {"allow": "all"}},
        Names(psa),
    )
    assert found.verdict == "ok"
    (warning,) = found.warnings
    assert warning.startswith("these keys may not read the agreement types of the tenant")
    assert warning.endswith("whether Agreements allows every one that it should")
    named = access.compare(access.Own(SETTINGS, []), PROFILE, {"Agreements": {"allow": ["Managed"]}}, Names(psa))
    assert [one["item"] for one in named.missing_items] == ["Managed"]


def test_missing_and_excess_rights(script):
    found, _transport = compare(
        script, {"Service Desk": {"Service Tickets": {"inquire": "All"}}, "Companies": {"Contacts": {"inquire": "All"}}}
    )
    assert found.verdict == "missing"
    assert found.summary() == (
        "missing: Companies / Contacts inquire is My, wanted All; "
        "excess: Service Desk / Service Tickets add is All, wanted None; "
        "excess: System / Table Setup inquire is All, wanted None"
    )
    found, _transport = compare(script, {**PROFILE, "Companies": {}})
    assert found.verdict == "excess"


def test_a_summary_names_the_first_five():
    found = access.Access("Sync", excess_items=[{"function": "Reports", "item": str(number)} for number in range(9)])
    assert found.summary().count("excess") == 5
    assert found.summary().endswith(" and 4 more")


def test_lists_that_hold_all_the_names_need_no_catalogue(script):
    found, transport = compare(
        script,
        lists={"Table Setup": {"allow": ["service/priority"]}},
        items=[item("Service / Priority"), item("Alien", "SystemReports")],
    )
    assert found.verdict == "ok"
    assert transport.calls == []


def test_lists_that_differ(script):
    psa, transport = script({"GET /system/setupScreens": [SCREENS]})
    lists = {"Table Setup": {"allow": ["Service / Priority"]}}
    found = access.compare(access.Own(SETTINGS, [item("Service / Service Board")]), PROFILE, lists, Names(psa))
    assert found.missing_items == [{"function": "Table Setup", "item": "Service / Priority"}]
    assert found.excess_items == [{"function": "Table Setup", "item": "Service / Service Board"}]
    assert found.verdict == "missing"
    assert "missing: Table Setup does not allow Service / Priority" in found.summary()
    assert transport.calls == ["GET /system/setupScreens"]


def test_all_but_one(script):
    psa, _transport = script({"GET /system/setupScreens": [SCREENS] * 2})
    lists = {"Table Setup": {"allow": "all", "disallow": ["Service / Priority"]}}
    held = [item("Service / Service Board")]
    assert access.compare(access.Own(SETTINGS, held), PROFILE, lists, Names(psa)).verdict == "ok"
    both = [*held, item("Service / Priority")]
    assert access.compare(access.Own(SETTINGS, both), PROFILE, lists, Names(psa)).verdict == "excess"


def test_a_list_may_be_lenient_on_its_own(script):
    psa, _transport = script({"GET /system/setupScreens": [SCREENS] * 2})
    entry = {"allow": ["Service / Priority", "Company / Asio"]}
    held = [item("Service / Priority")]
    with pytest.raises(errors.UnknownName, match="Company / Asio"):
        access.compare(access.Own(SETTINGS, held), PROFILE, {"Table Setup": entry}, Names(psa))
    lists = {"Table Setup": {**entry, "on_unknown": "warn"}}
    found = access.compare(access.Own(SETTINGS, held), PROFILE, lists, Names(psa))
    assert found.verdict == "ok"
    assert len(found.warnings) == 1


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        ({"Table Setup": ["Service / Priority"]}, "customize.Table Setup: expected a mapping"),
        ({"Table Setup": None}, "customize.Table Setup: expected a mapping"),
        ({"Table Setup": {"alow": []}}, "customize.Table Setup has unknown fields: alow"),
        ({"Table Setup": {}}, "customize.Table Setup: nothing is asked for"),
        ({"Tables": {"allow": []}}, 'no Customize list is known for the function "Tables"'),
        ({"Reports": {"allow": []}}, 'several modules have a Customize list "Reports"'),
    ],
)
def test_lists_that_are_none(script, lists, message):
    with pytest.raises(errors.InputError) as caught:
        compare(script, lists=lists)
    assert message in str(caught.value)
    assert caught.value.remedy


def test_reading_asks_for_both_with_the_slash_at_the_end(script):
    psa, transport = script(
        {"GET /system/mySecurity": [SETTINGS], "GET /system/mySecurity/customizeItems/": [[item("A")]]}
    )
    assert access.read_access(psa) == access.Own(SETTINGS, [item("A")])
    assert len(transport.calls) == 2


MINE, LISTS, INFO = (f"GET /system/{path}" for path in ("mySecurity", "mySecurity/customizeItems/", "info"))
MISSING = answer(404, {"code": "ConnectWiseApi", "message": "The endpoint does not exist."})
BROKEN = answer(500, {"message": "Broken."})
WANTED = {
    "permissions": PROFILE,
    "customize": {"Table Setup": {"allow": ["A"]}},
    "exclusive": True,
    "on_unknown": "fail",
}
CHECK = {**WANTED, "probe": False, "endpoints": [], "fail_on": "excess", "settle": True}


@pytest.mark.parametrize("refusal", [DENIED, MISSING, BROKEN], ids=["refused", "lacking", "broken"])
@pytest.mark.parametrize(
    ("hidden", "named"),
    [
        ((MINE,), ["the rights of the key, and whose it is: GET /system/mySecurity: "]),
        ((LISTS,), ["the Customize lists Table Setup: GET /system/mySecurity/customizeItems/: "]),
        ((MINE, LISTS), ["the rights of the key, and whose it is: ", "the Customize lists Table Setup: "]),
    ],
    ids=["rights", "lists", "both"],
)
def test_what_a_tenant_does_not_show_is_not_verified(script, pauses, refusal, hidden, named):
    shown = {MINE: SETTINGS, LISTS: [item("A")]}
    outcomes = {path: [refusal if path in hidden else found] for path, found in shown.items()}
    # Accepted keys are shown something, so a missing endpoint is one.
    psa, transport = script(outcomes)
    transport.outcomes[INFO] = [{}] * 3
    result = cw_access_check.run(psa, CHECK, False)
    transport.outcomes.pop(INFO)
    found = result.values["access"]
    assert (found["verdict"], result.failure, pauses) == ("unverified", None, [])
    assert len(found["unverified"]) == len(named)
    for line, begin in zip(found["unverified"], named, strict=True):
        assert line.startswith(f"not verified: {begin}"), line
    assert (found["missing"], found["excess"], found["missing_items"], found["excess_items"]) == ([], [], [], [])


def test_keys_that_are_refused_everywhere_are_no_keys_that_are_shown_nothing(script):
    refused = answer(401, {"code": "Unauthorized"})
    for shown in (DENIED, refused):
        company = {"GET /login/companyinfo/north": [{"Codebase": "v4_6_release/"}]}
        psa, transport = script({MINE: [shown], LISTS: [shown], **company})
        transport.outcomes[INFO] = [refused] if shown is DENIED else []
        with pytest.raises(errors.AuthenticationFailed):
            access.read_access(psa)


@pytest.mark.parametrize("lost", [answer(503, text="<html>"), answer(429, {"message": "Too many requests."})])
def test_what_passes_by_itself_is_no_answer(script, lost):
    psa, _transport = script({MINE: [lost], LISTS: [[]]})
    with pytest.raises(errors.PsaError):
        access.read_access(psa)


def test_what_differs_counts_although_the_rest_is_not_shown(script):
    psa, _transport = script({MINE: [[right("Service Desk", "Service Tickets"), *SETTINGS[1:]]], LISTS: [DENIED]})
    found = cw_access_check.run(psa, {**CHECK, "settle": False, "fail_on": "none"}, False).values["access"]
    assert found["verdict"] == "missing"
    assert found["unverified"]


@pytest.mark.parametrize(("settle", "verdict", "waits"), [(True, "ok", [0.3]), (False, "missing", [])])
def test_rights_that_show_late_after_a_change(script, pauses, settle, verdict, waits):
    before = [right("Service Desk", "Service Tickets"), *SETTINGS[1:]]
    reads = 2 if settle else 1
    psa, _transport = script(
        {
            "GET /system/mySecurity": [before, SETTINGS][:reads],
            "GET /system/mySecurity/customizeItems/": [[]] * reads,
        }
    )
    wanted = {"permissions": PROFILE, "customize": {}, "exclusive": True, "on_unknown": "fail"}
    others = {"probe": False, "endpoints": [], "fail_on": "none", "settle": settle}
    assert cw_access_check.run(psa, {**wanted, **others}, False).values["access"]["verdict"] == verdict
    assert pauses == waits


@pytest.mark.parametrize("settings", [[], [{"member": None}], [{"moduleName": "x"}]])
def test_keys_of_nobody(settings):
    assert access.member_of(settings) == ""


# Probes


def test_probes_call_what_the_profile_may_inquire(script):
    psa, transport = script({"GET /service/tickets/count": [{"count": 3}], "GET /company/contacts/count": [DENIED]})
    probes = access.probe(psa, access.Own(SETTINGS, []), {**PROFILE, "System": {"Table Setup": {"add": "All"}}}, False)
    assert [(one["path"], one["ok"]) for one in probes] == [
        ("/service/tickets/count", True),
        ("/company/contacts/count", False),
    ]
    assert probes[1]["error"] == "You do not have security permission."
    found = access.Access("Sync", probes=probes)
    assert found.verdict == "missing"
    assert "missing: /company/contacts/count answers You do not have security permission." in found.summary()
    assert sorted(transport.calls) == ["GET /company/contacts/count", "GET /service/tickets/count"]


def test_probes_call_what_the_vendor_calls(script):
    psa, _transport = script({"GET /service/sources/count": [{"count": 1}], "GET /time/entries/count": [DENIED]})
    probes = access.probe(psa, access.Own(SETTINGS, []), {}, False, ["/service/sources", "/time/entries/count"])
    assert [(one["path"], one["ok"]) for one in probes] == [
        ("/service/sources/count", True),
        ("/time/entries/count", False),
    ]


def test_a_probe_that_fails_otherwise(script):
    psa, _transport = script({"GET /service/tickets/count": [errors.LostAnswer("broken")]})
    (probe,) = access.probe(psa, access.Own(SETTINGS[:1], []), {"Service Desk": PROFILE["Service Desk"]}, False)
    assert (probe["ok"], probe["error"]) == (False, "broken")


# The Customize lists themselves


def test_every_known_list_is_found_by_its_names():
    for one in customize.CUSTOMIZABLE:
        assert customize.customizable(one.function, one.module) is one
    assert customize.customizable("setup tables").identifier == "SystemTableSetup"
    assert customize.customizable("Managed Hosted API").identifier == "SystemManageHostedApi"
    assert customize.customizable("Reporting", "Service").identifier == "ServiceReports"


def test_names_of_items():
    tables, locations = customize.customizable("Table Setup"), customize.customizable("Resource Scheduling")
    assert tables.name_of({"category": "Service", "name": "Priority"}) == "Service / Priority"
    assert locations.name_of({"name": "Main Office"}) == "Main Office"


def test_a_list_whose_items_nobody_publishes(script):
    psa, transport = script({})
    reports = customize.customizable("Reports", "Finance")
    wish = ListWish.parse(["Aged Receivables"], ["Other"])
    assert customize.universe(Names(psa), reports, wish) == ["Aged Receivables", "Other"]
    assert customize.universe(Names(psa), reports) == []
    with pytest.raises(errors.InputError, match="publishes no list of the items of Finance / Reports"):
        customize.universe(Names(psa), reports, ListWish.parse("all"))
    assert transport.calls == []
