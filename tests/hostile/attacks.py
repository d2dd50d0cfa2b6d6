# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a hostile server answers. Each attack turns a request, and the true answer to it, into bytes and pauses."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import quote

MB = 1 << 20
Piece = bytes | float  # bytes to send, or seconds to wait
Attack = Callable[["Asked"], Iterator[Piece]]
ATTACKS: dict[str, Attack] = {}
# Those that a deadline ends, and no limit before it.
SLOW: set[str] = set()


@dataclass(frozen=True)
class Asked:
    """One request. true: the JSON that an honest tenant answers; elsewhere: another host, which must see nothing."""

    method: str
    path: str
    true: Any
    status: int
    elsewhere: str
    headers: dict[str, str] = field(default_factory=dict)


def attack(name: str, *, slow: bool = False) -> Callable[[Attack], Attack]:
    def add(function: Attack) -> Attack:
        ATTACKS[name] = function
        if slow:
            SLOW.add(name)
        return function

    return add


def reply(status: int = 200, body: bytes = b"", length: int = -1, **headers: str) -> bytes:
    """A whole answer that is well formed."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body) if length < 0 else length}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


# Bodies


def _bodies() -> dict[str, Callable[[], bytes]]:
    return {
        "empty": lambda: b"",
        "blanks": lambda: b" " * 32768,
        "null": lambda: b"null",
        "true": lambda: b"true",
        "a number": lambda: b"7",
        "a text": lambda: b'"text"',
        "an empty list": lambda: b"[]",
        "an empty record": lambda: b"{}",
        "a list of nulls": lambda: b"[null,null]",
        "a list of lists": lambda: b"[[],[[]]]",
        "lists 100000 deep": lambda: b"[" * 100_000 + b"]" * 100_000,
        "records 100000 deep": lambda: b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        "100000 brackets": lambda: b"[" * 100_000,
        "lists 500 deep": lambda: b"[" * 500 + b"]" * 500,
        "a record 60 deep in a list": lambda: b'[{"id":1,"name":' + b"[" * 60 + b"]" * 60 + b"}]",
        "NaN": lambda: b'[{"id":NaN}]',
        "Infinity": lambda: b'[{"id":-Infinity}]',
        "1e999": lambda: b'[{"id":1e999}]',
        "a million digits": lambda: b'[{"id":' + b"1" * 1_000_000 + b"}]",
        "a million decimals": lambda: b'[{"id":1.' + b"1" * 1_000_000 + b"}]",
        "a key twice": lambda: b'[{"id":1,"id":2}]',
        "a key twice, with blanks": lambda: b'[{"id" : 1, "id":2}]',
        "UTF-16": lambda: json.dumps([{"id": 1}]).encode("utf-16"),
        "UTF-16 without a mark": lambda: json.dumps([{"id": 1}]).encode("utf-16-le"),
        "UTF-32": lambda: json.dumps([{"id": 1}]).encode("utf-32"),
        "not UTF-8": lambda: b'[{"id":1,"name":"\xff\xfe"}]',
        "a mark before UTF-8": lambda: b"\xef\xbb\xbf[]",
        "half characters": lambda: b'[{"id":1,"name":"\\ud800","identifier":"\\udfff"}]',
        "a string of 4 MB": lambda: b'[{"id":1,"name":"' + b"x" * 4_000_000 + b'"}]',
        "a string of 4 MB with one wide character": lambda: (
            b'[{"id":1,"name":"\xf0\x9f\x92\xa9' + b"x" * 4_000_000 + b'"}]'
        ),
        "a million lists": lambda: b"[" + b"[]," * 1_000_000 + b"[]]",
        "200000 keys": lambda: b"{" + b",".join(b'"k%d":0' % number for number in range(200_000)) + b"}",
        "100000 records": lambda: b"[" + b",".join(b'{"id":%d}' % number for number in range(100_000)) + b"]",
        "10000 names": lambda: _records(10_000, lambda number: f"name {number} " + "x" * 40),
        "one name, 3000 times": lambda: _records(3000, lambda _number: "Admin"),
        "names of 100 KB": lambda: _records(20, lambda number: f"{number}" + "ab " * 33_000),
        "a name of blanks": lambda: _records(3, lambda number: f"a{' ' * 100_000}{number}"),
        "unfinished": lambda: b'[{"id": 1, "name": "x',
        "something behind it": lambda: b"[] []",
        "a page": lambda: b"<!DOCTYPE html><html><title>Log in</title></html>",
        "a page with endless titles": lambda: b"<html>" + b"<title" * 20_000,
        "an error in a success": lambda: b'{"code":"X","message":"no"}',
    }


def _records(count: int, name: Callable[[int], str]) -> bytes:
    return json.dumps(
        [{"id": number, "name": name(number), "identifier": name(number)} for number in range(1, count + 1)]
    ).encode()


def _plain(make: Callable[[], bytes]) -> Attack:
    made = lru_cache(maxsize=1)(make)

    def answer(_asked: Asked) -> Iterator[Piece]:
        yield reply(200, made())

    return answer


ATTACKS.update({name: _plain(make) for name, make in _bodies().items()})


# An error that quotes the true answer, which may be a key: how it is made.
QUOTING: dict[str, Callable[[str], bytes]] = {
    "quoted in a 400": lambda true: reply(400, json.dumps({"code": "InvalidObject", "message": true}).encode()),
    "quoted in a 409": lambda true: reply(409, json.dumps({"code": true, "errors": [{"message": true}]}).encode()),
    "quoted in the text of a 500": lambda true: reply(500, true.encode()),
    "quoted in the page of a 403": lambda true: reply(403, f"<html><title>{true}</title></html>".encode()),
    "quoted in a redirect": lambda true: reply(302, Location=f"/login?made={quote(true)}"),
    "quoted in a status line": lambda true: f"HTTP/1.1 {quote(true)}\r\n\r\n".encode(),
    "quoted as another type": lambda true: reply(201, json.dumps({"id": 1, "privateKey": [true]}).encode()),
}


def _quotes(make: Callable[[str], bytes]) -> Attack:
    def answer(asked: Asked) -> Iterator[Piece]:
        yield make(json.dumps(asked.true))

    return answer


ATTACKS.update({name: _quotes(make) for name, make in QUOTING.items()})


@attack("300 MB of blanks")
def _flood(_asked: Asked) -> Iterator[Piece]:
    yield reply(200, length=300 * MB)
    for _time in range(300):
        yield b" " * MB


@lru_cache(maxsize=4)
def _bomb(layers: int) -> bytes:
    packed = b"[" + b" " * (100 * MB if layers == 1 else 10 * MB) + b"]"
    for _layer in range(layers):
        packed = gzip.compress(packed, 9)
    return packed


@attack("100 MB in gzip")
def _gzip_bomb(_asked: Asked) -> Iterator[Piece]:
    yield reply(200, _bomb(1), Content_Encoding="gzip")


@attack("gzip in gzip")
def _double_bomb(_asked: Asked) -> Iterator[Piece]:
    yield reply(200, _bomb(2), Content_Encoding="gzip, gzip")


@attack("no gzip at all")
def _no_gzip(_asked: Asked) -> Iterator[Piece]:
    yield reply(200, b"[]", Content_Encoding="gzip")


@attack("gzip without its end")
def _half_gzip(_asked: Asked) -> Iterator[Piece]:
    yield reply(200, gzip.compress(b"[]" + b" " * 1000)[:-6], Content_Encoding="gzip")


@attack("100000 empty gzip members")
def _members(_asked: Asked) -> Iterator[Piece]:
    yield reply(200, gzip.compress(b"") * 100_000, Content_Encoding="gzip")


@attack("an encoding nobody asked for")
def _brotli(_asked: Asked) -> Iterator[Piece]:
    yield reply(200, zlib.compress(b"[]"), Content_Encoding="br\x1b[2J")


# The true answer, changed. What a write would answer is made up: it is not done.


def changed_by(asked: Asked, change: Callable[[str, Any], Any]) -> bytes:
    true = asked.true if asked.true is not None else {"id": 1, "name": "x", "identifier": "x", "description": "x"}

    def record(one: Any) -> Any:
        return {key: change(key, value) for key, value in one.items()} if isinstance(one, dict) else one

    changed = [record(one) for one in true] if isinstance(true, list) else record(true)
    return json.dumps(changed).encode()


STRANGE: dict[str, Callable[[str, Any], Any]] = {
    "all fields null": lambda _key, _value: None,
    "all fields lists": lambda _key, _value: [1],
    "all fields records": lambda _key, _value: {"id": {"id": 1}, "name": []},
    "all fields texts": lambda _key, _value: "x",
    "all fields numbers": lambda _key, _value: 7,
    "all fields true": lambda _key, _value: True,
    "all fields empty texts": lambda _key, _value: "",
    "ids that climb": lambda key, value: "../../x?y#z" if key == "id" else value,
    "ids as texts": lambda key, value: str(value) if key == "id" else value,
    "ids below zero": lambda key, value: -1 if key == "id" else value,
    "ids of 400 digits": lambda key, value: 10**400 if key == "id" else value,
    "ids with a fraction": lambda key, value: 1.5 if key == "id" else value,
    "no ids": lambda key, value: None if key == "id" else value,
    "no names": lambda key, value: None if "ame" in key or key == "identifier" else value,
    "names that are records": lambda key, value: {"a": 1} if "ame" in key or key == "identifier" else value,
    "names that are lists": lambda key, value: ["a"] if "ame" in key or key == "identifier" else value,
    "levels nobody knows": lambda key, value: "Everything" if key.endswith("Level") else value,
    "levels that are numbers": lambda key, value: 3 if key.endswith("Level") else value,
    "references that are texts": lambda _key, value: "Corporate" if isinstance(value, dict) else value,
    "references to nothing": lambda _key, value: {"id": None, "name": None} if isinstance(value, dict) else value,
    "flags that are texts": lambda _key, value: "yes" if isinstance(value, bool) else value,
    "template markers": lambda _key, value: "{{ lookup('pipe', 'id') }}{% raw %}" if isinstance(value, str) else value,
    "HTML": lambda _key, value: "</script><script>alert(1)</script>" if isinstance(value, str) else value,
    "terminal escapes": lambda _key, value: "\x1b[2J\x1b]0;x\x07\x9b31m\u202e" if isinstance(value, str) else value,
    "several lines": lambda _key, value: "a\nfatal: [north]\r\nb\u2028c" if isinstance(value, str) else value,
    "paths as texts": lambda _key, value: "../../../etc/passwd\x00" if isinstance(value, str) else value,
}


def _strange(change: Callable[[str, Any], Any]) -> Attack:
    def answer(asked: Asked) -> Iterator[Piece]:
        yield reply(asked.status, changed_by(asked, change))

    return answer


ATTACKS.update({name: _strange(change) for name, change in STRANGE.items()})


# Errors

ERRORS: dict[str, tuple[int, bytes]] = {
    "400 and no": (400, b"no " * 12_000),
    "400 and no client": (400, b"no client " * 12_000),
    "400 and client ids": (400, b"clientid " * 12_000),
    "401 and blanks between": (401, b"client" + b" -_" * 40_000),
    "400 and a title": (400, b"<html>" + b"<title " * 20_000),
    "400 of 1 MB": (400, b"missing " * (MB // 8)),
    "401 as a page": (401, b"<html><title>\x1b[2J\x1b]0;x\x07</title></html>"),
    "403 and escapes": (403, b'{"code":"Security","message":"\\u001b[2Jno\\u009b"}'),
    "404 not found": (404, b'{"code":"NotFound","message":"gone"}'),
    "404 no endpoint": (404, b'{"code":"ConnectWiseApi","message":"The endpoint does not exist."}'),
    "404 cannot route": (404, b"Cannot route. Codebase/company is invalid"),
    "405": (405, b""),
    "409": (409, b'{"code":"Conflict","message":{"a":[1]}}'),
    "400 with 50000 errors": (
        400,
        json.dumps(
            {"code": "InvalidObject", "message": "x", "errors": [{"code": "a", "message": "b"}] * 50_000}
        ).encode(),
    ),
    "400 with strange errors": (400, b'{"code":["x"],"message":{"a":1},"errors":[1,null,{"code":{"b":2},"field":[]}]}'),
    "400 with errors that are a text": (400, b'{"code":"InvalidObject","message":7,"errors":"all"}'),
    "400 with template markers": (400, b'{"code":"InvalidObject","message":"{{ lookup(\'pipe\',\'id\') }}"}'),
    "500 of blanks": (500, b" " * 100_000),
    "500 passing": (500, b'{"message":"A timeout has occured. Please try again."}'),
    "502": (502, b"<html>" + b"\x00" * 10_000),
    "407": (407, b"who are you"),
    "304": (304, b""),
    "204": (204, b""),
    "299": (299, b"[]"),
    "600": (600, b"{}"),
    "999": (999, b"{}"),
}


def errors(known: dict[str, tuple[int, bytes]]) -> dict[str, Attack]:
    def attack_of(status: int, body: bytes) -> Attack:
        def answer(_asked: Asked) -> Iterator[Piece]:
            yield reply(status, body)

        return answer

    return {name: attack_of(status, body) for name, (status, body) in known.items()}


ATTACKS.update(errors(ERRORS))


@attack("what was sent, sent back")
def _echo(asked: Asked) -> Iterator[Piece]:
    sent = "; ".join(f"{name}: {value}" for name, value in asked.headers.items())
    yield reply(400, f"you sent {sent}".encode())


for _value in (
    "nan",
    "-1",
    "1e308",
    "9" * 5000,
    "Fri, 31 Dec 99999 23:59:59 GMT",
    "Mon, 01 Jan 0001 00:00:00 +2359",
    "\x1b[",
):

    def _limited(_asked: Asked, value: str = _value) -> Iterator[Piece]:
        yield reply(429, b"{}", Retry_After=value)

    ATTACKS[f"429, Retry-After {_value[:12]!r}"] = _limited


# Headers

HEADERS: dict[str, dict[str, str]] = {
    "lengths that contradict": {"content-length": "7"},
    "a length below zero": {"Content_Length": "-5"},
    "a length that is a word": {"Content_Length": "many"},
    "a length and pieces": {"Transfer_Encoding": "chunked"},
    "a link of 60 KB": {"Link": '<x>; rel="next' * 4000},
    "a date of 60 KB": {"Date": "Mon, " * 12_000},
    "cookies of 60 KB": {"Set_Cookie": "a;" * 30_000},
    "cookies that quote": {"Set_Cookie": 'a="' + "\\" * 60_000},
    "a strange type": {"Content_Type": "text/html; charset=\x1b" + "a" * 1000},
}


def headed(known: dict[str, dict[str, str]], status: int = 0) -> dict[str, Attack]:
    """The true answer, or one with a status of its own, with these headers."""

    def attack_of(headers: dict[str, str]) -> Attack:
        def answer(asked: Asked) -> Iterator[Piece]:
            yield reply(status or asked.status, changed_by(asked, lambda _key, value: value), -1, **headers)

        return answer

    return {name: attack_of(headers) for name, headers in known.items()}


ATTACKS.update(headed(HEADERS))


@attack("a link to another host")
def _link(asked: Asked) -> Iterator[Piece]:
    body = changed_by(asked, lambda _key, value: value)
    yield reply(
        asked.status, body, Link=f'<https://{asked.elsewhere}/x>; rel="next"', Refresh=f"0;https://{asked.elsewhere}/"
    )


LOCATIONS = (
    "https://{elsewhere}/",
    "//{elsewhere}/",
    "http://{elsewhere}/",
    "https://{host}@{elsewhere}/",
    "https://{elsewhere}\\@{host}/",
    "https://{host}:443/",
    "https:{elsewhere}/",
    "/\\{elsewhere}/",
    "/{path}/again",
    "javascript:alert(1)",
    "\x1b[2J",
    "https://[::1",
    "x" * 50_000,
)


def redirects(locations: tuple[str, ...]) -> dict[str, Attack]:
    def attack_of(location: str) -> Attack:
        def answer(asked: Asked) -> Iterator[Piece]:
            here = asked.headers.get("Host", "")
            yield reply(307, b"", Location=location.format(elsewhere=asked.elsewhere, host=here, path=asked.path))

        return answer

    return {f"a redirect to {location[:24]!r}": attack_of(location) for location in locations}


ATTACKS.update(redirects(LOCATIONS))
