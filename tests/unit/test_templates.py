# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forms of templates: what they make, and what is said of one that is written wrong."""

from __future__ import annotations

import base64
import json

import pytest

from ansible_collections.msp.connectwise.plugins.module_utils import _errors as errors
from ansible_collections.msp.connectwise.plugins.module_utils._routes import Extensions, parse_route
from ansible_collections.msp.connectwise.plugins.module_utils._templates import fill, placeholders, problems
from tests.unit.support import answer

GIVEN = {
    "role": 5,
    "levels": {"add": "All", "edit": None},
    "rows": [{"setting": 1, "on": True}, {"setting": 2, "on": False}],
    "read": {"data": {"items": [{"id": 7, "n": "a"}, {"id": 8, "n": "b"}], "odd.key": 3, "text": '{"deep": [4]}'}},
    "table": {"k1": ["x"], "k2": ["y"]},
    "maps": {"words": {"All": 2, "null": 0, "true": "Y"}},
}


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ({"$text": "{role}"}, "5"),
        ({"$text": "{rows}"}, json.dumps(GIVEN["rows"])),
        ({"$base64": {"$json": ["{role}"]}}, base64.b64encode(b"[5]").decode()),
        ({"$urlencoded": {"a": "{role}", "b": "x y"}}, "a=5&b=x+y"),
        ({"$literal": {"q": "{role}"}}, {"q": "{role}"}),
        ({"$at": ["read", "data", "odd.key"]}, 3),
        ({"$at": ["read", "data", "text", "(json)", "deep", "0"]}, 4),
        ({"$map": {"All": 9}, "of": "{levels.add}"}, 9),
        ({"$map": "words", "of": "{levels.edit}"}, 0),
        ({"$each": "{rows}", "do": "{each.setting}"}, [1, 2]),
        ({"$each": "{rows}", "do": "{each.setting}", "if": {"on": False}}, [2]),
        ({"$each": "{rows}", "key": "{each.setting}", "do": "{role}"}, {"1": 5, "2": 5}),
        ({"$each": "{rows}", "do": {"$map": "words", "of": "{each.on}"}, "if": {"on": True}}, ["Y"]),
        ({"$each": "{table}", "do": "{each.key}{each.value.0}"}, ["k1x", "k2y"]),
        ({"$join": ";", "of": {"$each": "{rows}", "do": "{each.setting}"}}, "1;2"),
        ({"$join": ";", "of": []}, ""),
        ({"$find": "{read.data.items}", "where": {"n": "b"}, "take": "id"}, 8),
        ({"$find": "{read.data.items}", "where": {"id": "7"}}, {"id": 7, "n": "a"}),
        ({"$$type": "T"}, {"$type": "T"}),
        ("{levels.edit}", None),
    ],
)
def test_what_they_make(template, filled):
    assert fill(template, GIVEN) == filled


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ({"$find": "{read.data.items}", "where": {"n": "c"}, "take": "id"}, "finds 0"),
        ({"$map": "words", "of": "{role}"}, 'does not say what "5" is'),
        ({"$map": "nobody", "of": "{role}"}, "does not say"),
        ({"$each": "{role}", "do": "x"}, "is not a list"),
        ({"$at": ["read", "nothing"]}, "stands for nothing"),
        ({"$at": ["read", "data", "odd.key", "(json)"]}, "stands for nothing"),
    ],
)
def test_what_cannot_be_made_is_an_error_and_nothing_is_sent(template, said):
    with pytest.raises(errors.InputError, match=said) as caught:
        fill(template, GIVEN)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ({"$jsn": 1}, "unknown form $jsn"),
        ({"$each": "{rows}"}, "$each without do"),
        ({"$json": 1, "more": 2}, "$json with more beside it"),
        ({"$map": "nobody", "of": "{role}"}, "unknown map nobody"),
        ({"a": [{"$find": "{rows}", "where": 3}]}, "where that is not a mapping"),
        ({"$at": "read"}, "$at with 'read'"),
    ],
)
def test_what_is_written_wrong_is_told(template, said):
    assert any(said in problem for problem, _remedy in problems(template, {}))


def test_the_element_of_a_list_is_known_inside_only():
    template = {"$each": "{rows}", "do": {"x": "{each.setting}", "y": "{role}"}}
    assert placeholders(template) == {"rows", "role"}
    assert "each" in placeholders("{each.setting}")


CREATE = {
    "site": True,
    "path": "/keys.rails",
    "method": "POST",
    "multipart": {"text": "{description}"},
    "headers": {"X-Token": "{form.found.token}"},
    "first": [
        {
            "name": "form",
            "site": True,
            "path": "/form.rails",
            "query": {"member": "{member}", "at": "{now.ms}"},
            "find": {"token": {"after": 'token="', "until": '"'}},
        }
    ],
    "result": {"publicKey": "{answer.p}", "privateKey": "{answer.q}"},
}


class Any200:
    """A tenant that answers a form and then a key; what it was asked."""

    def __init__(self):
        self.seen = []

    def request(self, method, url, **details):
        self.seen.append((method, url, details))
        if "form.rails" in url:
            return answer(text='<input token="t0k3n">')
        return answer(200, {"p": "public", "q": "private"})

    def close(self):
        pass


def test_a_value_out_of_a_page_goes_into_a_header(script):
    psa, _transport = script({})
    psa._http = Any200()
    made = Extensions(psa, {"api_member_key.create": CREATE}).create_key("api_member_key", 7, "name")
    assert made == {"publicKey": "public", "privateKey": "private"}
    (_get, first, _details), (_post, second, sent) = psa._http.seen
    assert "/form.rails?member=7&at=" in first
    assert second.endswith("/keys.rails")
    assert sent["headers"]["X-Token"] == "t0k3n"
    assert b'name="text"\r\n\r\nname\r\n' in sent["form"]


def test_a_route_never_says_who_we_are(script):
    psa, _transport = script({})
    psa._http = Any200()
    entry = {**CREATE, "headers": {"Authorization": "Basic x", "Cookie": "a=b", "clientId": "y", "X-Own": "1"}}
    Extensions(psa, {"api_member_key.create": entry}).create_key("api_member_key", 7, "name")
    headers = psa._http.seen[1][2]["headers"]
    assert headers["X-Own"] == "1"
    assert headers["clientId"] != "y"
    assert not {"Authorization", "Cookie"} & set(headers)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"first": {}}, ".first is not a list"),
        ({"first": [7]}, "not a mapping"),
        ({"first": [{"name": "member", "path": "/x"}]}, 'an entry named "member"'),
        ({"first": [{"name": "a", "path": "x"}]}, "does not begin with /"),
        ({"first": [{"name": "a", "path": "/x", "find": {"t": {"after": "x"}}}]}, "finds t nowhere"),
        ({"headers": {"X": "{form.found.token}"}, "first": []}, "unknown placeholders: form"),
        ({"site": "there"}, '.site "there" is not one'),
        ({"maps": {"a": 1}}, ".maps a is not a mapping"),
        ({"result": 7}, ".result is neither"),
        ({"result": {"x": "{nobody}"}}, ".result uses unknown placeholders: nobody"),
    ],
)
def test_mistakes_in_what_is_new(change, said):
    with pytest.raises(errors.InputError) as caught:
        parse_route("api_member_key.create", {**CREATE, **change})
    assert said in str(caught.value)
