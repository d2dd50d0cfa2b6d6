# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""API keys: none is lost, none is left behind, and no other is touched."""

from __future__ import annotations

import pytest

from ansible_collections.msp.connectwise.plugins.module_utils import _errors as errors
from ansible_collections.msp.connectwise.plugins.module_utils import _keys as keys
from ansible_collections.msp.connectwise.plugins.module_utils._routes import Extensions, NotOffered
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
    psa, _transport = script({POST: [answer(201, MADE)], LIST: [[OLD]] * 4})
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
