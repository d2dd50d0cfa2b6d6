# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What browsers and proxies write into recordings, each in its own way."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msp.connectwise.plugins.plugin_utils import _har
from ansible_collections.msp.connectwise.plugins.plugin_utils._learn_decode import Coded, answer_of, fields, request_of
from tests.learning.synthetic import HOST, Wire


def entry_of(folder: Path, **changes: Any) -> _har.Entry:
    """One request of a recording; changes: of its postData, content, moment and headers."""
    wire = Wire()
    wire.send("POST", "/x", {"a": 1}, json_body={})
    (one,) = wire.entries
    one["request"]["postData"] = changes.get("posted", {"mimeType": "application/json", "text": "{}"})
    one["request"]["headers"] = changes.get("headers", [])
    one["response"]["content"] = changes.get("content", one["response"]["content"])
    one["startedDateTime"] = changes.get("moment", one["startedDateTime"])
    (found,) = _har.load([wire.save(folder / "x.har")], {HOST}).entries
    return found


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    "posted",
    [
        {"mimeType": f"{FORM}; charset=UTF-8", "text": "a=x%26y&b=2"},
        {"mimeType": FORM, "text": "a=x%26y&b=2", "params": [{"name": "a", "value": "wrong"}]},
        {"mimeType": FORM, "params": [{"name": "a", "value": "x&y"}, {"name": "b", "value": "2"}]},
        {"mimeType": FORM, "params": [{"name": "a", "value": "x%26y"}, {"name": "b", "value": "2"}]},
        {"text": "a=x%26y&b=2"},
    ],
)
def test_a_form_is_read_however_it_was_recorded(tmp_path: Path, posted: dict[str, Any]) -> None:
    request = request_of(entry_of(tmp_path, posted=posted))
    assert (request.kind, request.tree["body"]) == ("form", {"a": "x&y", "b": "2"})


def test_the_kind_of_a_body_may_stand_in_the_headers_only(tmp_path: Path) -> None:
    headers = [{"name": ":method", "value": "POST"}, {"name": "Content-Type", "value": FORM}]
    found = entry_of(tmp_path, posted={"text": "a=1"}, headers=headers)
    assert request_of(found).kind == "form"
    assert found.headers == {}


def test_parts_may_be_recorded_as_parameters(tmp_path: Path) -> None:
    posted = {"mimeType": "multipart/form-data; boundary=x", "params": [{"name": "a", "value": '{"b": 1}'}]}
    request = request_of(entry_of(tmp_path, posted=posted))
    assert (request.kind, request.tree["body"]) == ("multipart", {"a": Coded("json", {"b": 1})})


@pytest.mark.parametrize("packed", [False, True])
def test_content_may_be_in_base64_and_packed(tmp_path: Path, packed: bool) -> None:
    raw = json.dumps({"name": "Grüße"}).encode()
    text = base64.b64encode(gzip.compress(raw) if packed else raw).decode()
    content = {"mimeType": "application/json", "encoding": "base64", "text": text}
    assert answer_of(entry_of(tmp_path, content=content)) == {"name": "Grüße"}


@pytest.mark.parametrize("broken", ["%%%", base64.b64encode(b"\x1f\x8bnothing").decode()])
def test_content_that_cannot_be_unpacked_is_none(tmp_path: Path, broken: str) -> None:
    wire = Wire()
    wire.send("GET", "/y", {"b": 2})
    wire.send("GET", "/x", {})
    wire.entries[1]["response"]["content"] = {"mimeType": "application/json", "encoding": "base64", "text": broken}
    assert [one.answer for one in _har.load([wire.save(tmp_path / "x.har")], {HOST}).entries] == ['{"b": 2}', ""]


@pytest.mark.parametrize(
    "moment",
    ["2026-03-01T09:00:01.5Z", "2026-03-01T09:00:01.500+00:00", "2026-03-01T10:00:01.5000001+01:00"],
)
def test_moments_of_every_recorder_are_read(tmp_path: Path, moment: str) -> None:
    assert entry_of(tmp_path, moment=moment).time == pytest.approx(1772355601.5)


def test_what_watches_a_browser_is_no_part_of_a_request(tmp_path: Path) -> None:
    names = ("X-Request-Id", "traceparent", "newrelic", "X-Datadog-Trace-Id", "If-None-Match", "Request-Id")
    headers = [{"name": name, "value": "1"} for name in (*names, "If-Match")]
    assert entry_of(tmp_path, headers=headers).headers == {"if-match": "1"}


def test_names_of_a_form_that_repeat_or_have_numbers_are_lists() -> None:
    pairs = [("a", "1"), ("b[]", "x"), ("c", "y"), ("c", "z"), ("d[0][e]", "5"), ("d[0][f]", "A"), ("address_1", "q")]
    assert fields(pairs) == {
        "a": "1",
        "b[]": Coded("repeated", ["x"]),
        "c": Coded("repeated", ["y", "z"]),
        "d[#]": Coded("indexed", [{"[e]": "5", "[f]": "A"}]),
        "address_1": "q",
    }
    assert fields([("item_7", "on"), ("item_9", "on")]) == {"item_#": Coded("indexed", {"7": "on", "9": "on"})}
