# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an answer may cost, and JSON that is refused; tests/hostile has the same through whole modules."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.msp.connectwise.plugins.module_utils import _answers as answers
from ansible_collections.msp.connectwise.plugins.module_utils import _errors as errors
from ansible_collections.msp.connectwise.plugins.module_utils import _http as http
from ansible_collections.msp.connectwise.plugins.module_utils import _names as names
from ansible_collections.msp.connectwise.plugins.module_utils import _strict_json as strict
from ansible_collections.msp.connectwise.plugins.module_utils import _wire as wire
from ansible_collections.msp.connectwise.plugins.module_utils._connection import shown_key
from ansible_collections.msp.connectwise.plugins.module_utils._patience import Limit
from tests.unit.support import LINEAR, growth

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)

NAMES = [("a", " ", "b"), ("", "-", ""), ("", "( ", ""), ("", "& ", ""), ("", "(customize", "")]


@pytest.fixture
def ask(serve):
    """Asks a server once: ask(outcome, max_answer_mb=1)."""
    made = []

    def once(*outcomes, method="GET", times=1, **policy):
        server = serve(*outcomes)
        one = http.Http(http.Policy(verify=server.ca, retries=0, **policy), answers.is_transient)
        made.append(one)
        return [one.request(method, server.url) for _time in range(times)][-1]

    yield once
    for one in made:
        one.close()


# JSON


@given(VALUES)
def test_what_json_writes_is_read(value):
    text = json.dumps(value)
    # Control characters and half characters have a test of their own.
    if "\\u" not in text and "\\b" not in text and "\\f" not in text and "\x7f" not in text:
        assert strict.parsed(text) == value
    else:
        strict.parsed(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[" * 33 + "]" * 33, "nested more than 32 deep"),
        ('{"a":' * 33 + "1" + "}" * 33, "nested more than 32 deep"),
        ("[" * 200_000 + "]" * 200_000, "nested more than 32 deep"),
        ("[NaN]", "NaN"),
        ("-Infinity", "-Infinity"),
        ("1e999", "beyond all bounds"),
        ('{"a":1,"a":1}', 'the key "a" twice'),
        ('{"a":1,"a" :2}', 'the key "a" twice'),
        ('{"a" :1,"a"\n:2}', 'the key "a" twice'),
        ('[{"b":{"a":1,"a":2}}]', 'the key "a" twice'),
        ('{"x":"\\":","a":1,"a":2}', 'the key "a" twice'),
    ],
)
def test_json_that_is_refused(text, why):
    with pytest.raises(strict.NotJson) as caught:
        strict.parsed(text)
    assert why in caught.value.why


@pytest.mark.parametrize(
    "text", ['{"a":"\\": b"}', '{"a": "x\\":y"}', '{"a" : 1}', "[" * 32 + "]" * 32, '{"a":"\\\\":1}'[:9] + "}"]
)
def test_json_that_only_looks_so(text):
    assert strict.parsed(text) == json.loads(text)


def test_control_characters_are_replaced_and_line_breaks_are_not():
    found = strict.parsed('{"a\\u001b":["\\u009b31m","\x9b\x7f","\\ud800","\\n\\r\\t\\u000a\\u000b\\b"]}')
    assert found == {"a\ufffd": ["\ufffd31m", "\ufffd\ufffd", "\ufffd", "\n\r\t\n\ufffd\ufffd"]}


# Messages


def test_a_message_is_one_line_that_no_terminal_obeys():
    error = errors.NotThePsa("a\x1b[2J\nfatal: [b]\r\u202e\u2028", said="\x9b\x07", tenant="n\x1b", operation="GET\x00")
    for text in (str(error), *(value for value in error.as_result()["error"].values() if value)):
        assert not any(ord(one) < 32 or 127 <= ord(one) < 160 or one in "\u2028\u202e" for one in text)
    error.problem = "later \x1b"
    assert "\x1b" not in json.dumps(error.as_result(), ensure_ascii=False)


@pytest.mark.parametrize(
    ("key", "shown"), [("abcdefgh", "abcd…"), ("abcd", "abcd…"), ("ab", "ab…"), ("", "none"), (None, "none")]
)
def test_a_key_shows_four_characters(key, shown):
    assert shown_key(key) == shown


# Linear time: eight times the text takes some eight times as long, and not sixty-four times


@pytest.mark.parametrize("size", [4, 16, 128])
@pytest.mark.parametrize(
    "pattern",
    ["no ", "no client", "client id ", "client" + " " * 50, "<html><title ", "<title>", "missing requires ", "x"],
)
def test_an_error_of_any_size_is_understood_in_linear_time(pattern, size):
    def understood(length):
        text = (pattern * (length // len(pattern) + 1))[:length].encode()
        for status in (400, 401, 403, 404, 500):
            assert answers.error_of(http.Answer.of(status, {}, text)).said != text.decode()

    assert growth(understood, size * 1024) < LINEAR


@pytest.mark.parametrize(("before", "pattern", "after"), NAMES)
def test_a_name_of_any_size_is_compared_in_linear_time(before, pattern, after):
    def name(length):
        return before + pattern * (length // len(pattern)) + after

    # Names that were seen are remembered, so each is another one.
    numbers = itertools.count()
    assert growth(lambda length: names.normalised(f"{name(length)}{next(numbers)}"), 25_000) < LINEAR
    assert growth(lambda length: names.closest(name(length)[:300], [name(length)] * 3000), 25_000) < LINEAR
    assert growth(lambda number: names.closest(name(300), [f"{name(300)}{one}" for one in range(number)]), 400) < LINEAR


# What is read


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_that_is_too_large(ask, packed):
    body = b"[" + b" " * 2_000_000 + b"]"
    outcome = {"body": gzip.compress(body), "headers": {"Content-Encoding": "gzip"}} if packed else {"body": body}
    with pytest.raises(errors.AnswerTooLarge, match="larger than 1 MB") as caught:
        ask(outcome, max_answer_mb=1.0)
    assert "cw_max_answer_mb" in caught.value.remedy
    assert ask(outcome, max_answer_mb=3.0).data == []


class OneByte(io.RawIOBase):
    """A stream that brings one byte a read, for ever: what a record of TLS for each byte does. reads: so far."""

    reads = 0

    def readinto(self, buffer):
        self.reads += 1
        buffer[:1] = b" "
        return 1

    def settimeout(self, _seconds):
        pass


def test_a_read_counts_more_than_the_byte_it_brings():
    stream = OneByte()
    budget = wire.Budget(until=float("inf"), timeout=5.0, size=0, limit=Limit("deadline", 600.0), left=1_000_000)
    with pytest.raises(wire.TooMuch):
        io.BufferedReader(wire._Reader(stream, stream, budget)).read()
    # In large pieces the same budget takes 1,000,000 bytes.
    assert stream.reads <= 1_000_000 / 500


def test_small_values_count_what_they_take_in_memory(ask):
    body = b"[" + b"[]," * 20_000 + b"[]]"
    with pytest.raises(errors.AnswerTooLarge):
        ask({"body": body}, max_answer_mb=1.0)
    assert len(ask({"body": body}, max_answer_mb=3.0).data) == 20_001


def test_of_an_error_only_the_beginning_is_read(ask):
    found = ask({"status": 404, "body": b"<html>" + b"x" * 5_000_000}, max_answer_mb=1.0)
    assert (found.status, len(found.text)) == (404, 4096)


def test_a_packed_answer_is_unpacked(ask):
    outcome = {"body": gzip.compress(b'{"a": 1}'), "headers": {"Content-Encoding": "gzip"}}
    assert ask(outcome, times=2).data == {"a": 1}


def test_a_connection_is_used_again(serve):
    server = serve({"body": {"id": 1}})
    one = http.Http(http.Policy(verify=server.ca), answers.is_transient)
    try:
        for _time in range(5):
            one.request("GET", server.url)
        pools = one._session.get_adapter(server.url).poolmanager.pools
        counts = [(pools[key].num_connections, pools[key].num_requests) for key in pools.keys()]  # noqa: SIM118
        assert counts == [(1, 5)]
    finally:
        one.close()


@pytest.mark.parametrize(
    ("headers", "body", "words"),
    [
        ({"Content-Encoding": "br"}, b"x", 'packed as "br"'),
        ({"Content-Encoding": "gzip, gzip"}, b"x", "packed as"),
        ({"Content-Encoding": "gzip"}, b"[]", "cannot be unpacked"),
        ({"content-length": "5"}, b"[]", "contradict"),
    ],
)
def test_answers_that_contradict_themselves(ask, headers, body, words):
    with pytest.raises(errors.NotThePsa, match=words):
        ask({"body": body, "headers": headers})


def test_a_packed_answer_without_its_end_is_lost(ask):
    body = gzip.compress(b"[]" + b" " * 999)[:-5]
    with pytest.raises(errors.LostAnswer, match="its end is missing"):
        ask({"body": body, "headers": {"Content-Encoding": "gzip"}})


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (json.dumps([1]).encode("utf-16"), "its bytes are not UTF-8"),
        (json.dumps([1]).encode("utf-16-le"), "it is UTF-16 or UTF-32"),
        (b'["\xff"]', "its bytes are not UTF-8"),
        (b"[NaN]", "the number NaN"),
    ],
)
def test_why_an_answer_is_not_json_is_said(ask, body, why):
    found = ask({"body": body})
    assert (found.data, found.is_json) == (None, False)
    with pytest.raises(errors.NotThePsa, match="the answer is not JSON: ") as caught:
        answers.data_of(found)
    assert why in caught.value.problem


def test_after_the_deadline_of_the_task_nothing_is_sent(serve):
    server = serve({"status": 503, "body": "busy"})
    slept = []
    one = http.Http(http.Policy(verify=server.ca, retries=9, deadline=0.6), answers.is_transient, sleep=slept.append)
    try:
        # The next wait would be longer than what is left, so this answer is the last.
        last = one.request("GET", server.url + "/read")
        assert last.status == 503
        assert len(server.seen) < 4
        time.sleep(0.7)
        with pytest.raises(errors.DeadlinePassed, match=r"deadline \(cw_deadline\) of 0.6 s was over") as caught:
            one.request("POST", server.url + "/made")
    finally:
        one.close()
    assert "The last request, GET /read, took" in caught.value.problem
    assert "cw_deadline" in caught.value.remedy
    busy = answers.error_of(last)
    assert busy.problem.endswith("the time limit deadline (cw_deadline) of 0.6 s leaves no other try")
    assert (busy.limit, busy.remedy) == ("deadline", caught.value.remedy)
    assert all(seen.method == "GET" for seen in server.seen)
