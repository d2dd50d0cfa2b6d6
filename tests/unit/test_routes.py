# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of extension routes: what an entry may say, and what becomes of it."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs

import pytest

from ansible_collections.msp.connectwise.plugins.module_utils import _errors as errors
from ansible_collections.msp.connectwise.plugins.module_utils import _routes as routes
from ansible_collections.msp.connectwise.plugins.module_utils._customize import customizable
from ansible_collections.msp.connectwise.plugins.module_utils._lists import AllowList, ListFacts
from ansible_collections.msp.connectwise.plugins.module_utils._permissions import Row
from ansible_collections.msp.connectwise.plugins.module_utils._resource import Names
from tests.unit.support import answer

SETTING = "/system/securityRoles/5/settings/9"
NO_ENDPOINT = answer(404, {"code": "ConnectWiseApi", "message": "The endpoint does not exist.", "errors": None})
NOT_ALLOWED = answer(405, {"Message": "The requested resource does not support http method 'PATCH'."})
INFO = {"GET /system/info": [{}]}
LEVELS = {"add": "All", "edit": "My", "delete": "None", "inquire": "All"}
ACTION = "/services/system_io/actionprocessor/System/SaveLevels.rails"


# Checking entries


def test_the_shipped_table():
    for operation in routes.ROUTES:
        route = routes.parse_route(operation, {})
        assert route.method in ("GET", "POST", "PUT", "PATCH", "DELETE")
        assert route.path.startswith("/system/")
    assert set(routes.ROUTES) == set(routes.ARGUMENTS)


@pytest.mark.parametrize("entry", [False, None])
def test_switched_off(entry):
    assert routes.parse_route("member_key.list", entry) is None


def test_an_entry_completes_the_shipped_one():
    assert routes.parse_route("member_key.list", {"path": "/x/{member}"}) == routes.Route("GET", "/x/{member}")
    assert routes.parse_route("member_key.list", {"method": "post"}).method == "POST"


@pytest.mark.parametrize(
    ("operation", "entry", "message"),
    [
        ("role.update", {}, "extension_routes.role.update is not an operation"),
        ("member_key.list", "/x", "extension_routes.member_key.list is not a mapping"),
        ("member_key.list", True, "is not a mapping"),
        ("member_key.list", {"url": "/x", "verb": "GET"}, "has unknown fields: url, verb"),
        ("member_key.list", {"method": "FETCH"}, '.method "FETCH" is not one'),
        ("member_key.list", {"path": "x/{member}"}, '.path "x/{member}" does not begin with /'),
        ("member_key.list", {"path": "/../../x"}, "leads elsewhere"),
        ("member_key.list", {"path": "/x/%2e%2E/y"}, "leads elsewhere"),
        ("member_key.list", {"path": "//elsewhere.example/x"}, "leads elsewhere"),
        ("member_key.list", {"path": "/\\\\elsewhere.example", "site": "root"}, "leads elsewhere"),
        ("member_key.list", {"path": "https://elsewhere.example/x"}, "does not begin with /"),
        ("member_key.list", {"path": "/x HTTP/1.1\r\nHost: y"}, "leads elsewhere"),
        ("member_key.list", {"first": [{"name": "one", "path": "/./x"}]}, "leads elsewhere"),
        ("member_key.list", {"path": "/x/{key}"}, "uses unknown placeholders: key"),
        ("member_key.list", {"path": "/x/{Member}"}, ".path has {Member} in it"),
        ("member_key.list", {"path": "/x/{member"}, ".path has { in it"),
        ("member_key.create", {"body": {"a": "{nobody}"}}, "uses unknown placeholders: nobody"),
        ("member_key.create", {"body": ["{a}", {"{b}": 1}]}, "uses unknown placeholders: a, b"),
        ("member_key.create", {"form": {"a": {"b": ["{c.d}"]}}}, "uses unknown placeholders: c"),
        ("member_key.create", {"body": {}, "form": {}}, "has both body and form"),
        ("member_key.create", {"form": "a=b"}, ".form is not a mapping"),
        ("member_key.create", {"success": True}, ".success is not a mapping"),
    ],
)
def test_mistakes_name_the_entry_and_the_way_out(operation, entry, message):
    with pytest.raises(errors.InputError) as caught:
        routes.parse_route(operation, entry)
    assert message in str(caught.value)
    assert f"extension_routes.{operation}" in str(caught.value)
    assert caught.value.remedy


def test_a_table_is_checked_before_anything_is_sent(script):
    psa, transport = script({})
    with pytest.raises(errors.InputError, match=r"extension_routes\.member_key\.list"):
        routes.Extensions(psa, {"member_key.list": {"path": "x"}})
    assert transport.calls == []


def test_what_a_tenant_answers_leads_no_request_elsewhere(script):
    psa, transport = script({"GET /first": [{"at": ".."}]})
    entry = {"first": [{"name": "one", "path": "/first"}], "path": "/x/{one.data.at}/y"}
    with pytest.raises(errors.InputError, match="leads elsewhere; nothing was sent"):
        routes.Extensions(psa, {"member_key.list": entry}).keys("member_key", 7)
    assert transport.calls == ["GET /first"]


# Templates


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("{role}", 5),
        ("role {role}", "role 5"),
        ("{levels}", LEVELS),
        ("{levels.add}", "All"),
        ({"{role}": ["{levels.edit}", 1, None, True]}, {5: ["My", 1, None, True]}),
        ("{items.1}", "b"),
        ("no braces", "no braces"),
        ({"json": "{ }"}, {"json": "{ }"}),
    ],
)
def test_templates(template, filled):
    assert routes.fill(template, {"role": 5, "levels": LEVELS, "items": ["a", "b"]}) == filled


@pytest.mark.parametrize("template", ["{levels.added}", "x {levels.added}", "{items.7}", ["{nobody}"]])
def test_a_placeholder_for_nothing_never_becomes_the_word_none(template):
    with pytest.raises(errors.InputError, match="stands for nothing"):
        routes.fill(template, {"levels": LEVELS, "items": []})


@pytest.mark.parametrize(
    ("path", "found"),
    [("", {"a": [{"b": 1}]}), ("a", [{"b": 1}]), ("a.0.b", 1), ("a.1.b", None), ("a.x", None), ("a.0.b.c", None)],
)
def test_digging(path, found):
    assert routes.dig({"a": [{"b": 1}]}, path) == found


# Calls


def test_levels_go_out_as_a_patch_of_what_differs(script):
    psa, transport = script({f"PATCH {SETTING}": [{}]})
    routes.Extensions(psa).update_setting(5, 9, LEVELS, {"add": "All", "edit": "My"})
    assert transport.bodies("PATCH") == [
        [
            {"op": "replace", "path": "addLevel", "value": "All"},
            {"op": "replace", "path": "editLevel", "value": "My"},
        ]
    ]


def test_a_template_has_all_four_levels(script):
    psa, transport = script({"PUT /levels/5/9": [{}]})
    entry = {
        "method": "PUT",
        "path": "/levels/{role}/{setting}",
        "body": {"rights": "{levels}", "delete": "{levels.delete}"},
    }
    routes.Extensions(psa, {"role_setting.update": entry}).update_setting(5, 9, LEVELS, {"add": "All"})
    assert transport.bodies("PUT") == [{"rights": LEVELS, "delete": "None"}]


def test_a_form_carries_json_text(script):
    psa, transport = script({f"POST /v4_6_release{ACTION}": [{"success": True, "data": {"error": None}}]})
    entry = {
        "method": "POST",
        "path": ACTION,
        "site": True,
        "form": {
            "actionMessage": {"payload": {"role": "{role}", "add": "{levels.add}"}, "project": "System"},
            "plain": "x",
        },
        "success": {"success": True, "data.error": None},
    }
    routes.Extensions(psa, {"role_setting.update": entry}).update_setting(5, 9, LEVELS, {})
    (sent,) = transport.requests
    assert parse_qs(sent["form"].decode()) == {
        "actionMessage": ['{"payload": {"role": 5, "add": "All"}, "project": "System"}'],
        "plain": ["x"],
    }
    assert sent["json"] is None


def test_an_answer_without_the_promised_success(script):
    psa, _transport = script({f"PATCH {SETTING}": [{"success": False, "data": None}]})
    entry = {"success": {"success": True}}
    with pytest.raises(errors.ServerFailed) as caught:
        routes.Extensions(psa, {"role_setting.update": entry}).update_setting(5, 9, LEVELS, {})
    assert "extension route role_setting.update: the answer has success = False, not True" in caught.value.problem
    assert "cw_extension_routes" in caught.value.remedy
    assert (caught.value.tenant, caught.value.operation) == ("north at psa.example.com", f"PATCH {SETTING}")


def test_the_result_may_lie_deep(script):
    psa, _transport = script({"GET /system/members/7/apiKeys": [{"data": {"action": {"keys": [{"id": 1}]}}}]})
    found = routes.Extensions(psa, {"member_key.list": {"result": "data.action.keys"}}).keys("member_key", 7)
    assert found == [{"id": 1}]


@pytest.mark.parametrize("reply", [{"data": 1}, [1], None])
def test_rows_that_are_none(script, reply):
    psa, _transport = script({"GET /system/members/7/apiKeys": [answer(200, reply)]})
    with pytest.raises(errors.NotThePsa, match=r"member_key\.list: the answer is not a list of records"):
        routes.Extensions(psa).keys("member_key", 7)


@pytest.mark.parametrize("refusal", [NO_ENDPOINT, NOT_ALLOWED])
def test_not_offered(script, refusal):
    psa, _transport = script({f"PATCH {SETTING}": [refusal], **INFO})
    with pytest.raises(routes.NotOffered) as caught:
        routes.Extensions(psa).update_setting(5, 9, LEVELS, LEVELS)
    assert caught.value.operation == f"PATCH {SETTING}"


def test_switched_off_sends_nothing(script):
    psa, transport = script({})
    with pytest.raises(routes.NotOffered, match=r"member_key\.list is switched off"):
        routes.Extensions(psa, {"member_key.list": False}).keys("member_key", 7)
    assert transport.calls == []


def test_outside_of_the_api_a_page_that_says_404_is_not_offered(script):
    page = answer(404, text="<html><title>404</title></html>")
    company = {"GET /login/companyinfo/north": [{"Codebase": "v2025_1/"}]}
    psa, _transport = script({"GET /v4_6_release/keys/7": [page], "GET /system/members/7/apiKeys": [page], **company})
    entry = {"path": "/keys/{member}", "site": True}
    with pytest.raises(routes.NotOffered):
        routes.Extensions(psa, {"member_key.list": entry}).keys("member_key", 7)
    with pytest.raises(errors.NotThePsa):
        routes.Extensions(psa).keys("member_key", 7)


def test_a_record_that_is_not_there_is_not_a_route_that_is_not_offered(script):
    gone = answer(404, {"code": "NotFound", "message": "ApiKey 3 was not found.", "errors": None})
    psa, _transport = script({"DELETE /system/members/7/apiKeys/3": [gone]})
    with pytest.raises(errors.RecordNotFound):
        routes.Extensions(psa).delete_key("member_key", 7, 3)


def test_path_arguments_are_quoted(script):
    psa, transport = script({"DELETE /system/members/7/apiKeys/a%2Fb": [answer(204, text="")]})
    routes.Extensions(psa).delete_key("member_key", 7, "a/b")
    assert len(transport.calls) == 1


def test_customize_items(script):
    path = f"{SETTING}/customizeItems"
    rows = [{"customizeIdentifier": "SystemTableSetup", "itemIdentifier": "Service / Priority"}]
    psa, transport = script({f"GET {path}": [rows], f"PUT {path}": [rows]})
    extensions = routes.Extensions(psa)
    assert extensions.customize_items(5, 9) == ["Service / Priority"]
    extensions.replace_customize_items(5, 9, "SystemTableSetup", ["Service / Priority"])
    assert transport.bodies("PUT") == [rows]


@pytest.mark.parametrize(("written", "error"), [(True, errors.NotApplied), (False, routes.NotOffered)])
def test_a_list_that_was_written_and_cannot_be_read_back_is_no_manual_step(script, written, error):
    path = f"{SETTING}/customizeItems"
    outcomes = (
        {f"PUT {path}": [[]], f"GET {path}": [NO_ENDPOINT]} if written else {f"PUT {path}": [NO_ENDPOINT], **INFO}
    )
    psa, _transport = script(outcomes)
    what, row = customizable("Table Setup"), Row(9, "System", "Table Setup", LEVELS, customizable=True)
    facts = ListFacts(Names(psa), replace(what, source=""), row, 0)
    with pytest.raises(error, match="does not offer"):
        AllowList(routes.Extensions(psa), 5, row, what, facts).replace([])


@pytest.mark.parametrize("made", [None, {}, {"publicKey": "p"}, {"publicKey": "p", "privateKey": ""}, []])
def test_a_key_without_its_private_half_is_no_success(script, made):
    psa, _transport = script({"POST /system/apiMembers/7/apiKeys": [answer(201, made)]})
    with pytest.raises(errors.ServerFailed, match="holds no key pair"):
        routes.Extensions(psa).create_key("api_member_key", 7, "Sync")
