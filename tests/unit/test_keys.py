# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""API keys: none is lost, none is left behind, and no other is touched."""

from __future__ import annotations

import json
import shlex

import pytest

from ansible_collections.msp.connectwise.plugins.module_utils import _errors as errors
from ansible_collections.msp.connectwise.plugins.module_utils import _keys as keys
from ansible_collections.msp.connectwise.plugins.module_utils._answers import data_of
from ansible_collections.msp.connectwise.plugins.module_utils._routes import Extensions, NotOffered
from ansible_collections.msp.connectwise.plugins.modules import cw_api_key
from tests.unit.support import answer

PATH = "/system/apiMembers/7/apiKeys"
LIST, POST = f"GET {PATH}", f"POST {PATH}"
OLD = {"id": 1, "description": "Sync", "publicKey": "old"}
MINE = {"id": 2, "description": "Sync", "publicKey": "lost"}
OTHER = {"id": 3, "description": "Other", "publicKey": "other"}
MADE = {"id": 4, "description": "Sync", "publicKey": "made", "privateKey": "secret"}
LISTED = {**MADE, "privateKey": None}
LOST = errors.LostAnswer("lost")
BROKEN = answer(500, {"code": "ConnectWiseApi", "message": "Object reference not set", "errors": None})
NO_CONTENT = answer(204, text="")


@pytest.mark.parametrize(
    ("criteria", "found"),
    [
        ((None, None, None), [1, 2, 3]),
        (("sync", None, None), [1, 2]),
        ((None, ["old", "other"], None), [1, 3]),
        ((None, None, [2]), [2]),
        (("Sync", ["old", "other"], None), [1]),
        (("Sync", None, [3]), []),
        ((None, [], None), []),
    ],
)
def test_keys_fit_everything_that_is_given(criteria, found):
    assert [key["id"] for key in keys.fitting([OLD, MINE, OTHER], *criteria)] == found


def create(psa, known=()):
    return keys.create_key(Extensions(psa), "api_member_key", 7, "Sync", list(known))


def test_create(script):
    psa, transport = script({POST: [answer(201, MADE)], LIST: [[LISTED]]})
    assert create(psa) == MADE
    assert transport.bodies("POST") == [{"description": "Sync"}]


def test_a_key_that_shows_late(script, pauses):
    psa, _transport = script({POST: [answer(201, MADE)], LIST: [[OLD], [OLD], [OLD, LISTED]]})
    assert create(psa, [OLD]) == MADE
    assert pauses == [0.3, 0.8]


def test_a_key_that_was_accepted_and_never_made(script, pauses):
    # Looked for as a key that was answered, then as one that nobody has seen.
    psa, _transport = script({POST: [answer(201, MADE)], LIST: [[OLD]] * 8})
    with pytest.raises(errors.NotApplied, match="accepted, but the key is not there"):
        create(psa, [OLD])


def test_a_key_is_not_lost_for_want_of_a_list(script, pauses):
    psa, _transport = script({POST: [answer(201, MADE)], LIST: [BROKEN]})
    assert create(psa, [OLD]) == MADE


def test_the_twin_of_a_key_made_twice_is_deleted(script, pauses):
    psa, transport = script(
        {POST: [answer(201, MADE)], LIST: [[OLD, MINE, LISTED], [OLD, LISTED]], f"DELETE {PATH}/2": [NO_CONTENT]}
    )
    assert create(psa, [OLD]) == MADE
    assert transport.calls == [POST, LIST, f"DELETE {PATH}/2", LIST]


def test_a_key_whose_answer_was_lost_is_deleted_before_another_is_made(script, pauses):
    psa, transport = script(
        {
            POST: [LOST, answer(201, MADE)],
            LIST: [[OLD, MINE, OTHER], [OLD, OTHER], [OLD, OTHER, LISTED]],
            f"DELETE {PATH}/2": [NO_CONTENT],
        }
    )
    assert create(psa, [OLD]) == MADE
    assert transport.calls == [POST, LIST, f"DELETE {PATH}/2", LIST, POST, LIST]


def test_a_key_that_was_never_made_is_looked_for_and_made(script, pauses):
    psa, transport = script({POST: [LOST, answer(201, MADE)], LIST: [*[[OLD, OTHER]] * 4, [OLD, LISTED, OTHER]]})
    assert create(psa, [OLD]) == MADE
    assert not any(call.startswith("DELETE") for call in transport.calls)


def test_lost_twice_leaves_nothing_behind(script, pauses):
    psa, transport = script(
        {
            POST: [LOST, LOST],
            LIST: [[OLD, MINE], [OLD], [OLD, {**MINE, "id": 5}], [OLD]],
            f"DELETE {PATH}/2": [NO_CONTENT],
            f"DELETE {PATH}/5": [NO_CONTENT],
        }
    )
    with pytest.raises(errors.LostAnswer):
        create(psa, [OLD])
    assert transport.calls[-2:] == [f"DELETE {PATH}/5", LIST]


def test_a_failure_that_does_not_pass(script, pauses):
    psa, transport = script({POST: [BROKEN], LIST: [[OLD]] * 4})
    with pytest.raises(errors.ServerFailed):
        create(psa, [OLD])
    assert transport.calls.count(POST) == 1


def test_an_answer_without_a_key_pair_is_cleaned_up_too(script, pauses):
    psa, transport = script({POST: [answer(201, {"id": 2})], LIST: [[MINE], []], f"DELETE {PATH}/2": [NO_CONTENT]})
    with pytest.raises(errors.ServerFailed, match="holds no key pair"):
        create(psa)
    assert transport.calls == [POST, LIST, f"DELETE {PATH}/2", LIST]


QUOTED = "pUbLiC0123456789:pRiVaTe0123456789"
PAGE = f"<html><title>{QUOTED}</title></html>"
# What a tenant may say to the request for a key that it has made all the same.
QUOTING = {
    "400": answer(400, {"code": "InvalidObject", "message": QUOTED, "errors": [{"code": QUOTED, "message": QUOTED}]}),
    "400 with a code": answer(400, {"code": QUOTED, "message": "no"}),
    "400 as text": answer(400, text=QUOTED),
    "401": answer(401, {"code": "Unauthorized", "message": QUOTED}),
    "403": answer(403, {"code": "Security", "message": QUOTED}),
    "403 of a gateway": answer(403, text=PAGE),
    "404": answer(404, {"code": "NotFound", "message": QUOTED}),
    "404 without the operation": answer(
        404, {"code": "ConnectWiseApi", "message": f"Endpoint does not exist. {QUOTED}"}
    ),
    "405": answer(405, {"Message": QUOTED}),
    "409": answer(409, {"code": "Conflict", "message": QUOTED}),
    "429": answer(429, {"code": "RateLimit", "message": QUOTED}),
    "500": answer(500, {"code": "ConnectWiseApi", "message": QUOTED}),
    "500 as a page": answer(500, text=PAGE),
    "503": answer(503, text=QUOTED),
    "a redirect": errors.NotThePsa(f"the server redirects to https://psa.example.com/{QUOTED}", status=302),
    "a status line": errors.LostAnswer(f"the connection broke before the answer was complete ({QUOTED})"),
    "a page": answer(201, text=PAGE),
    "an error in a success": answer(201, {"code": "X", "message": QUOTED}),
    "another type": answer(201, {"id": 2, "publicKey": {"key": QUOTED}, "privateKey": "x"}),
    "lists": answer(201, {"id": 2, "publicKey": ["x"], "privateKey": [QUOTED]}),
    "one half": answer(201, {"id": 2, "publicKey": QUOTED, "privateKey": ""}),
    "a text": answer(201, QUOTED),
}
COMPANY = {"CompanyName": "North", "Codebase": "v4_6_release/"}


@pytest.mark.parametrize("case", QUOTING)
def test_nothing_that_a_tenant_says_to_a_creation_is_quoted_and_its_key_is_deleted(case, script, pauses):
    twice = isinstance(keys_error(QUOTING[case]), errors.PASSING)
    left = [[OLD, MINE, OTHER], [OLD, OTHER]]
    refused = case in ("404 without the operation", "405")
    psa, transport = script(
        {
            POST: [QUOTING[case]] * 2,
            # A refusal is looked into once more.
            LIST: [*([left[0]] if refused else []), *left, [OLD, {**MINE, "id": 5}, OTHER], [OLD, OTHER]],
            f"DELETE {PATH}/2": [NO_CONTENT],
            f"DELETE {PATH}/5": [NO_CONTENT],
            "GET /system/info": [{}],
            "GET /login/companyinfo/north": [COMPANY],
        }
    )
    with pytest.raises(errors.PsaError) as caught:
        create(psa, [OLD])
    shown = f"{caught.value} {caught.value.as_result()}"
    assert [half for half in QUOTED.split(":") if half in shown] == []
    assert not caught.value.unclear
    deleted = [call for call in transport.calls if call.startswith("DELETE")]
    assert deleted == [f"DELETE {PATH}/2", f"DELETE {PATH}/5"][: 2 if twice else 1]
    transport.outcomes.clear()  # not every case asks as much


def keys_error(outcome):
    """The error that the answer to a creation is."""
    if isinstance(outcome, errors.PsaError):
        return outcome
    try:
        data_of(outcome)
    except errors.PsaError as problem:
        return problem
    return errors.ServerFailed("holds no key pair")


def test_an_error_of_a_creation_names_status_operation_and_known_code(script, pauses):
    psa, _transport = script({POST: [QUOTING["400"]], LIST: [[OLD]] * 4})
    with pytest.raises(errors.InvalidRecord) as caught:
        create(psa, [OLD])
    said = f"tenant {psa.tenant}: POST {PATH}: the server refused the content (status 400, code InvalidObject)."
    assert str(caught.value).startswith(said)
    assert not caught.value.said


@pytest.mark.parametrize("stays", [False, True])
def test_a_key_that_cannot_be_cleared_up_after_is_told(stays, script, pauses):
    """The look fails, or the deletion."""
    denied = answer(403, {"code": "Security", "message": QUOTED})
    looks = [[MINE]] if stays else [denied]
    deletes = {f"DELETE {PATH}/2": [denied]} if stays else {}
    psa, _transport = script({POST: [QUOTING["400"]], LIST: looks, **deletes})
    with pytest.raises(errors.InvalidRecord) as caught:
        create(psa)
    assert caught.value.unclear
    assert ("could not be deleted" if stays else "could not be seen") in str(caught.value)
    assert [half for half in QUOTED.split(":") if half in str(caught.value)] == []
    params = {"member": "Sync's", "member_type": "api", "description": "Sync"}
    told = str(cw_api_key.told(caught.value, params))
    command = shlex.split(told.partition("This deletes it: ")[2].rstrip("."))
    assert command[:4] == ["ansible", "TENANT", "-m", "msp.connectwise.cw_api_key"]
    assert json.loads(command[5]) == {**params, "state": "absent"}


def test_an_error_before_the_request_is_told_as_it_is(script):
    psa, transport = script({POST: [errors.ConnectionFailed("the host name is not known")]})
    with pytest.raises(errors.ConnectionFailed, match="the host name is not known"):
        create(psa)
    assert transport.calls == [POST]


def delete(psa, *doomed):
    keys.delete_keys(Extensions(psa), "api_member_key", 7, list(doomed))


def test_delete(script, pauses):
    psa, transport = script({f"DELETE {PATH}/1": [NO_CONTENT], f"DELETE {PATH}/2": [NO_CONTENT], LIST: [[OTHER]]})
    delete(psa, OLD, MINE)
    assert transport.calls == [f"DELETE {PATH}/1", f"DELETE {PATH}/2", LIST]


def test_a_key_that_is_gone_already(script, pauses):
    gone = answer(404, {"code": "NotFound", "message": "ApiKey 1 was not found.", "errors": None})
    psa, transport = script({f"DELETE {PATH}/1": [gone], f"DELETE {PATH}/2": [NO_CONTENT], LIST: [[]]})
    delete(psa, OLD, MINE)
    assert transport.calls == [f"DELETE {PATH}/1", f"DELETE {PATH}/2", LIST]


def test_delete_lost_before_the_effect(script, pauses):
    psa, transport = script({f"DELETE {PATH}/1": [LOST, NO_CONTENT], LIST: [*[[OLD]] * 4, []]})
    delete(psa, OLD)
    assert transport.calls == [f"DELETE {PATH}/1", *[LIST] * 4, f"DELETE {PATH}/1", LIST]


def test_a_key_that_stays(script, pauses):
    psa, transport = script({f"DELETE {PATH}/1": [NO_CONTENT], LIST: [[OLD, OTHER]] * 4})
    with pytest.raises(errors.NotApplied, match=r"api_member_key\.delete: deleted, but still there: old\. "):
        delete(psa, OLD)
    assert transport.calls == [f"DELETE {PATH}/1", *[LIST] * 4]


def test_ids_of_any_kind(script, pauses):
    psa, transport = script({f"DELETE {PATH}/a1": [NO_CONTENT], LIST: [[]]})
    delete(psa, {"id": "a1", "publicKey": "x"})
    assert transport.calls == [f"DELETE {PATH}/a1", LIST]


def test_not_offered(script):
    psa, transport = script({f"DELETE {PATH}/1": [answer(405, text="")], "GET /system/info": [{}]})
    with pytest.raises(NotOffered):
        delete(psa, OLD)
    assert transport.calls[0] == f"DELETE {PATH}/1"
