# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client of one tenant: what it sends, how it reads lists, and who it tells apart from whom."""

from __future__ import annotations

import base64
import threading

import pytest

from ansible_collections.msp.connectwise.plugins.module_utils import _client as client
from ansible_collections.msp.connectwise.plugins.module_utils import _errors as errors
from ansible_collections.msp.connectwise.plugins.module_utils import _http as http
from ansible_collections.msp.connectwise.plugins.module_utils._rights import right_for
from tests.unit.support import answer

COMPANY = "GET /login/companyinfo/north"
KNOWN = {"CompanyName": "Tenant North", "Codebase": "v2025_1/", "IsCloud": True}
CANNOT_ROUTE = answer(400, text="Cannot route. Codebase/company is invalid")
REFUSED = answer(401, {"code": "Unauthorized", "message": "UserNotAuthenticated", "errors": None})
NO_ENDPOINT = answer(404, {"code": "ConnectWiseApi", "message": "The endpoint does not exist.", "errors": None})
DENIED = answer(403, {"code": "Security", "message": "You do not have security permission.", "errors": None})
NEXT = {"Link": '<https://psa.example.com/x?page=2>; rel="next", <https://psa.example.com/x?page=9>; rel="last"'}


def records(count, first=1):
    return [{"id": number} for number in range(first, first + count)]


# What is sent


def test_every_call_carries_keys_and_client_id(script):
    psa, transport = script({"GET /system/info": [{}]})
    psa.get("/system/info")
    (sent,) = transport.requests
    assert sent["url"] == "https://psa.example.com/v4_6_release/apis/3.0/system/info"
    assert base64.b64decode(sent["authorization"].removeprefix("Basic ")) == b"north+publicpublic:privateprivate"
    assert sent["headers"] == {"clientId": "11111111-2222-3333-4444-555555555555", "Accept": "application/json"}


def test_a_data_model_can_be_asked_for(script):
    psa, transport = script({"GET /x": [{}]}, api_version="2025.1", codebase="v2025_1")
    psa.get("/x")
    assert transport.requests[0]["headers"]["Accept"] == "application/vnd.connectwise.com+json; version=2025.1"
    assert transport.requests[0]["url"].startswith("https://psa.example.com/v2025_1/apis/3.0/")


def test_patch_replaces_whole_fields(script):
    psa, transport = script({"PATCH /x/1": [{"id": 1}]})
    assert psa.patch("/x/1", {"securityRole": {"id": 2}, "notes": None}) == {"id": 1}
    (sent,) = transport.requests
    assert sent["json"] == [
        {"op": "replace", "path": "securityRole", "value": {"id": 2}},
        {"op": "replace", "path": "notes", "value": None},
    ]
    assert sent["headers"]["Content-Type"] == "application/json"


def test_parameters_that_are_none_are_left_out(script):
    psa, transport = script({"GET /x": [[]]})
    psa.list("/x", conditions=None, fields="id")
    assert transport.requests[0]["params"] == {"fields": "id", "pageSize": 1000, "page": 1}


def test_a_path_of_the_site(script):
    psa, transport = script({"POST /v4_6_release/services/x.rails": [{"success": True}]})
    assert psa.call("POST", "/services/x.rails", form={"a": "b"}, site=True) == {"success": True}
    assert transport.requests[0]["form"] == {"a": "b"}
    assert transport.requests[0]["url"] == "https://psa.example.com/v4_6_release/services/x.rails"


def test_writes_may_answer_with_nothing(script):
    psa, _transport = script({"DELETE /x/1": [answer(204, text="")], "POST /x": [answer(200, text="")]})
    psa.delete("/x/1")
    assert psa.post("/x", {}) is None


@pytest.mark.parametrize("body", [None, [], "text", 5])
def test_a_record_that_is_none(script, body):
    psa, _transport = script({"GET /x": [answer(200, body)]})
    with pytest.raises(errors.NotThePsa, match=r"tenant north at psa.example.com: GET /x: the answer is not a record"):
        psa.get("/x")


# Lists


def test_a_list_on_one_page_has_no_link(script):
    psa, transport = script({"GET /x": [records(3)]})
    assert psa.list("/x") == records(3)
    assert transport.calls == ["GET /x"]


def test_a_list_on_many_pages(script):
    psa, transport = script(
        {
            "GET /x": [
                answer(200, records(1000), **NEXT),
                answer(200, records(1000, 1001), **NEXT),
                answer(200, records(5, 2001)),
            ]
        }
    )
    assert len(psa.list("/x")) == 2005
    assert [sent["params"]["page"] for sent in transport.requests] == [1, 2, 3]


def test_the_last_page_links_back_only(script):
    back = {"Link": '<https://psa.example.com/x?page=1>; rel="first"'}
    psa, transport = script({"GET /x": [answer(200, records(1000), **NEXT), answer(200, records(1000, 1001), **back)]})
    assert len(psa.list("/x")) == 2000
    assert len(transport.calls) == 2


@pytest.mark.parametrize("rest", [[], records(7, 1001)])
def test_a_full_page_whose_link_was_stripped(script, rest):
    psa, transport = script({"GET /x": [records(1000), rest]})
    assert len(psa.list("/x")) == 1000 + len(rest)
    assert len(transport.calls) == 2


def test_a_list_that_knows_no_pages(script):
    psa, _transport = script({"GET /x": [records(1200), records(1200)]})
    assert psa.list("/x") == records(1200)


def test_a_list_that_never_ends(script, monkeypatch):
    monkeypatch.setattr(client, "_MAX_PAGES", 3)
    psa, _transport = script({"GET /x": [answer(200, records(2, first), **NEXT) for first in (1, 3, 5)]})
    with pytest.raises(
        errors.NotThePsa, match=r"tenant north at psa.example.com: GET /x: the list does not end after 3"
    ):
        psa.list("/x")


@pytest.mark.parametrize("body", [None, {"id": 1}, [1], "x"])
def test_a_list_that_is_none(script, body):
    psa, _transport = script({"GET /x": [answer(200, body)]})
    with pytest.raises(errors.NotThePsa, match="not a list of records"):
        psa.list("/x")


# The codebase


def test_auto_asks_the_tenant_once(script):
    psa, transport = script({COMPANY: [KNOWN], "GET /a": [{}], "GET /b": [{}]}, codebase="auto")
    psa.get("/a")
    psa.get("/b")
    assert transport.calls == [COMPANY, "GET /a", "GET /b"]
    assert transport.requests[0].get("authorization") is None
    assert transport.requests[1]["url"] == "https://psa.example.com/v2025_1/apis/3.0/a"


@pytest.mark.parametrize("gone", [CANNOT_ROUTE, answer(404, text="<html>"), answer(404, text="Cannot route")])
def test_auto_follows_an_upgrade(script, gone):
    psa, transport = script(
        {COMPANY: [KNOWN, {**KNOWN, "Codebase": "v2025_2/"}], "GET /a": [{}], "PATCH /a": [gone, {"id": 1}]},
        codebase="auto",
    )
    psa.get("/a")
    assert psa.patch("/a", {"x": 1}) == {"id": 1}
    assert transport.calls == [COMPANY, "GET /a", "PATCH /a", COMPANY, "PATCH /a"]
    assert transport.requests[-1]["url"] == "https://psa.example.com/v2025_2/apis/3.0/a"


def test_auto_gives_up_when_nothing_has_changed(script):
    psa, transport = script({COMPANY: [KNOWN, KNOWN], "GET /a": [CANNOT_ROUTE]}, codebase="auto")
    with pytest.raises(errors.WrongAddress):
        psa.get("/a")
    assert transport.calls == [COMPANY, "GET /a", COMPANY]


@pytest.mark.parametrize("found", [None, "", "/"])
def test_auto_without_an_answer_takes_the_one_that_works_everywhere(script, found):
    psa, transport = script({COMPANY: [{"Codebase": found}], "GET /a": [{}]}, codebase="auto")
    psa.get("/a")
    assert "/v4_6_release/" in transport.requests[1]["url"]


# The company


@pytest.mark.parametrize(
    ("said", "cloud"), [(True, True), ("True", True), ("true", True), (False, False), ("False", False), (None, False)]
)
def test_is_cloud(script, said, cloud):
    psa, _transport = script({COMPANY: [{"IsCloud": said}]})
    assert psa.is_cloud is cloud


def test_the_company_id_is_quoted(script):
    psa, transport = script({"GET /login/companyinfo/north%2Fsouth": [KNOWN]}, company_id="north/south")
    psa.company_info()
    assert len(transport.calls) == 1


def test_an_unknown_company_is_asked_for_once(script):
    psa, transport = script({COMPANY: [answer(200, None)]})
    with pytest.raises(errors.WrongAddress, match='the company id "north" is not known at this host') as caught:
        psa.company_info()
    assert caught.value.operation == COMPANY
    assert transport.calls == [COMPANY]


@pytest.mark.parametrize(
    "reply", [answer(404, text="<html>"), answer(200, [1]), answer(401, {"code": "Unauthorized", "message": "x"})]
)
def test_company_info_that_is_none(script, reply):
    psa, transport = script({COMPANY: [reply]})
    with pytest.raises(errors.PsaError):
        psa.company_info()
    assert transport.calls == [COMPANY]


# Who is told apart from whom


@pytest.mark.parametrize("refusal", [CANNOT_ROUTE, REFUSED, answer(404, text="<html><title>404</title></html>")])
def test_a_wrong_company_is_not_taken_for_wrong_keys(script, refusal):
    psa, transport = script({"GET /a": [refusal], COMPANY: [answer(200, None)]})
    with pytest.raises(errors.WrongAddress) as caught:
        psa.get("/a")
    error = caught.value
    assert 'the company id "north" is not known at this host' in error.problem
    assert (error.tenant, error.operation) == ("north at psa.example.com", "GET /a")
    assert error.said
    assert transport.calls == ["GET /a", COMPANY]


def test_wrong_keys_of_a_company_that_exists(script):
    psa, _transport = script({"GET /a": [REFUSED], COMPANY: [KNOWN]})
    with pytest.raises(errors.AuthenticationFailed) as caught:
        psa.get("/a")
    assert str(caught.value) == (
        "tenant north at psa.example.com: GET /a: the keys were refused. "
        'The server said: "UserNotAuthenticated". What to do: the company exists here, so check public_key '
        "(publ…) and private_key (not exchanged?), that the API member of these keys is active, and that the "
        "description of the key was not edited, which makes a new pair (msp.connectwise.first_key takes it)."
    )


def test_a_wrong_codebase(script):
    psa, _transport = script({"GET /a": [CANNOT_ROUTE], COMPANY: [KNOWN]}, codebase="v2020_1")
    with pytest.raises(errors.WrongAddress) as caught:
        psa.get("/a")
    assert caught.value.remedy == "the company exists here; set codebase to v2025_1, v4_6_release or auto"


def test_refused_where_companyinfo_is_not_to_be_had(script):
    psa, _transport = script({"GET /a": [REFUSED], COMPANY: [errors.ConnectionFailed("x")]})
    with pytest.raises(errors.AuthenticationFailed) as caught:
        psa.get("/a")
    assert "company_id (case-sensitive)" in caught.value.remedy


def test_refused_keys_that_look_like_a_missing_endpoint(script):
    psa, transport = script({"GET /a": [NO_ENDPOINT], "GET /system/info": [NO_ENDPOINT], COMPANY: [KNOWN]})
    with pytest.raises(errors.AuthenticationFailed, match=r"the keys were refused \(here"):
        psa.get("/a")
    assert transport.calls == ["GET /a", "GET /system/info", COMPANY]


def test_a_missing_endpoint_with_good_keys(script):
    psa, transport = script({"GET /a": [NO_ENDPOINT, NO_ENDPOINT], "GET /system/info": [{"version": "v2025.1"}]})
    for _time in range(2):
        with pytest.raises(errors.RouteNotOffered):
            psa.get("/a")
    assert transport.calls == ["GET /a", "GET /system/info", "GET /a"]


def test_after_a_success_a_missing_endpoint_is_just_that(script):
    psa, transport = script({"GET /a": [{}], "PATCH /b": [NO_ENDPOINT]})
    psa.get("/a")
    with pytest.raises(errors.RouteNotOffered):
        psa.patch("/b", {})
    assert transport.calls == ["GET /a", "PATCH /b"]


def test_other_keys_are_accepted_or_not_on_their_own(script):
    psa, transport = script({"GET /a": [{}, NO_ENDPOINT], "GET /system/info": [NO_ENDPOINT], COMPANY: [KNOWN]})
    psa.get("/a")
    other = psa.with_keys("pub", "priv")
    with pytest.raises(errors.AuthenticationFailed):
        other.get("/a")
    tokens = [sent.get("authorization") for sent in transport.requests]
    assert tokens[0] != tokens[1] == tokens[2]


def test_the_probe_of_refused_keys_may_fail_itself(script):
    psa, _transport = script({"GET /a": [NO_ENDPOINT], "GET /system/info": [errors.LostAnswer("x")]})
    with pytest.raises(errors.RouteNotOffered):
        psa.get("/a")


def test_the_host_of_the_user_interface(script):
    psa, transport = script(
        {"GET /a": [answer(403, {"code": "Security", "message": "SSL is required.", "errors": None})]}
    )
    with pytest.raises(errors.UserInterfaceHost, match="begins with api-"):
        psa.get("/a")
    assert transport.calls == ["GET /a"]


@pytest.mark.parametrize(
    ("call", "right"),
    [
        (lambda psa: psa.list("/system/securityRoles/5/settings"), "System / Security Roles with Inquire: All"),
        (lambda psa: psa.post("/system/securityroles", {}), "System / Security Roles with Add: All"),
        (lambda psa: psa.patch("/system/apiMembers/5", {}), "System / Member Maintenance with Edit: All"),
        (lambda psa: psa.delete("/system/members/5/apiKeys/3"), "System / Member Maintenance with Delete: All"),
        (lambda psa: psa.list("/system/setupScreens"), "System / Table Setup with Inquire: All"),
        (lambda psa: psa.list("/service/info/boards"), "System / Table Setup with Inquire: All"),
        (
            lambda psa: psa.list("/company/configurations/types"),
            "System / Table Setup with Inquire: All, and Company / Configuration on its Customize list",
        ),
        (lambda psa: psa.get("/company/configurations/count"), "Companies / Configurations with Inquire: All"),
        (lambda psa: psa.list("/system/myCompany/corporateStructureLevels"), "System / My Company with Inquire: All"),
    ],
)
def test_a_denial_names_the_key_and_the_right_it_usually_takes(script, call, right):
    psa, transport = script({})
    transport.request = lambda *_arguments, **_details: DENIED
    with pytest.raises(errors.PermissionDenied) as caught:
        call(psa)
    assert caught.value.remedy == (
        f"give the role of the API member that owns the key publ… the right this usually takes: {right}; "
        "the server does not say"
    )
    assert caught.value.said == "You do not have security permission."


def test_a_denial_of_something_else(script):
    psa, _transport = script({"GET /marketing/campaigns": [DENIED]})
    with pytest.raises(errors.PermissionDenied, match="the right for this operation; the server does not say which"):
        psa.list("/marketing/campaigns")


def test_rights_are_of_whole_path_segments():
    assert right_for("GET", "/system/membersOther") is None
    assert right_for("GET", "/system/MEMBERS") == "System / Member Maintenance with Inquire: All"
    assert right_for("GET", "/system/mySecurity") is None


def test_errors_of_the_transport_get_tenant_and_operation(script):
    psa, _transport = script({"GET /a": [errors.LostAnswer("broken")]})
    with pytest.raises(errors.LostAnswer) as caught:
        psa.list("/a")
    assert str(caught.value).startswith("tenant north at psa.example.com: GET /a: broken. What to do: run again")


# Several at once


def test_together_keeps_the_order_and_raises_the_first_error_at_the_end(script):
    psa, _transport = script({})
    done = []
    barrier = threading.Barrier(2, timeout=120)

    def call(number):
        if number in (1, 2):
            barrier.wait()  # both run at the same time
        done.append(number)
        if number in (3, 4):
            raise errors.Conflict(str(number))
        return number

    assert psa.together([lambda: call(1), lambda: call(2)]) == [1, 2]
    with pytest.raises(errors.Conflict, match=r"^3\."):
        psa.together([lambda number=number: call(number) for number in (0, 3, 4, 5)])
    assert sorted(done) == [0, 1, 2, 3, 4, 5]
    assert psa.together([]) == []
    assert psa.together([lambda: 7]) == [7]


class Crowd:
    """A lock that lets nobody in before so many wait."""

    def __init__(self, number):
        self.lock, self.barrier = threading.Lock(), threading.Barrier(number, timeout=120)

    def __enter__(self):
        self.barrier.wait()
        self.lock.acquire()

    def __exit__(self, *_exception):
        self.lock.release()


def test_those_who_wait_for_the_company_share_the_failure_to_learn_about_it(script):
    psa, transport = script({COMPANY: [errors.LostAnswer("broken"), KNOWN], "GET /a": [{}]}, codebase="auto")
    asking, psa._asking = psa._asking, Crowd(4)
    with pytest.raises(errors.LostAnswer, match=f"{COMPANY}: broken"):
        psa.together([lambda: psa.get("/a")] * 4)
    assert transport.calls == [COMPANY]
    # Whoever comes later asks anew.
    psa._asking = asking
    assert psa.get("/a") == {}


def test_no_more_at_once_than_a_tenant_takes(script):
    psa, _transport = script({})
    lock, running, most = threading.Lock(), [], []

    def call():
        with lock:
            running.append(1)
            most.append(len(running))
        threading.Event().wait(0.01)
        with lock:
            running.pop()

    psa.together([call] * 20)
    assert max(most) <= 4


def test_the_session_is_closed_with_the_client(script):
    given, transport = script({})
    own, closed = client.Psa(given.connection), []
    transport.close = own._http.close = lambda: closed.append(True)
    with own as same:
        assert same is own
        # Another pair of keys goes over the same session, which is not its own to close.
        with own.with_keys("other", "keys"):
            pass
        # Nor is one that the caller gave.
        with given:
            pass
        assert closed == []
    assert closed == [True]


def test_a_record_that_shows_late(script, pauses):
    missing = answer(404, {"code": "NotFound", "message": "SecurityRole 7 was not found.", "errors": None})
    psa, _transport = script({"GET /system/securityroles/7": [missing, missing, {"id": 7}]})
    assert psa.get("/system/securityroles/7") == {"id": 7}
    assert pauses == [0.3, 0.8]


# Names that a tenant gives, and that become part of an address


@pytest.mark.parametrize(
    "codebase",
    [
        "../v4_6_release/",
        "@elsewhere.example.com/",
        "//elsewhere.example.com/",
        "https://elsewhere.example.com/",
        "v2025_1/../../x",
        "v2025_1?x",
        "v2025_1#x",
        "v2025_1\r\nX-Header: y",
        "v2025_1 x",
        "\x1b[2J",
        "v" + "9" * 5000 + "/x",
    ],
)
def test_a_codebase_that_is_none_goes_into_no_address(script, codebase):
    psa, transport = script({COMPANY: [{"Codebase": codebase}]}, codebase="auto")
    with pytest.raises(errors.WrongAddress, match="as its codebase, which is none") as caught:
        psa.get("/system/info")
    assert transport.calls == [COMPANY]
    assert "cw_codebase" in caught.value.remedy
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_codebase_that_is_none_is_not_advised(script):
    psa, _transport = script({"GET /a": [CANNOT_ROUTE], COMPANY: [{"Codebase": "run-this"}]})
    with pytest.raises(errors.WrongAddress) as caught:
        psa.get("/a")
    assert "set codebase to run-this" not in caught.value.remedy


def test_what_was_sent_is_not_quoted(script):
    said = answer(500, {"message": "publicpublic privateprivate"})
    psa, _transport = script({"GET /a": [said]})
    with pytest.raises(errors.ServerFailed) as caught:
        psa.get("/a")
    assert caught.value.said == "publ… ********"


@pytest.mark.parametrize(
    ("record", "field"),
    [
        ({"id": "1"}, "id"),
        ({"id": True}, "id"),
        ({"id": None}, "id"),
        ({"id": -1}, "id"),
        ({"id": 1, "name": []}, "name"),
        ({"id": 1, "addLevel": "Much"}, "addLevel"),
        ({"id": 1, "securityRole": "x"}, "securityRole"),
        ({"id": 1, "securityRole": {"id": "x"}}, "securityRole"),
        ({"id": 1, "customFlag": 1}, "customFlag"),
    ],
)
def test_a_field_that_is_not_what_it_is_documented_to_be(script, record, field):
    psa, _transport = script({"GET /a": [record, [record]]})
    for read in (psa.get, psa.list):
        with pytest.raises(errors.NotThePsa, match=f'as "{field}" of a record'):
            read("/a")


def test_a_list_that_is_referred_to_has_ids(script):
    psa, _transport = script({"GET /system/securityroles": [[{"name": "x"}]]})
    with pytest.raises(errors.NotThePsa, match="a record without an id"):
        psa.list("/system/securityroles")


def test_the_pages_of_a_list_count_together(script):
    page = http.Answer(200, {"Link": '<x>; rel="next"'}, "", [{"id": 1}], True, size=7_000_000)
    other = http.Answer(200, {"Link": '<x>; rel="next"'}, "", [{"id": 2}], True, size=7_000_000)
    psa, _transport = script({"GET /a": [page, other]})
    with pytest.raises(errors.AnswerTooLarge, match="the list is larger than 12 MB"):
        psa.list("/a")
