# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""More of a hostile server: answers that are not about what was asked, lists without end, and what HTTP leaves open."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .attacks import ATTACKS, MB, SLOW, Asked, Piece, attack, changed_by, errors, headed, redirects, reply
from .wire_attacks import dripping, raw

__all__ = ["ATTACKS", "FIRST", "LARGEST", "SLOW", "largest"]

# Those of the other files.
FIRST = frozenset(ATTACKS)

Lie = Callable[[Asked], Any]

# Records that are not those that were asked for


def _like(asked: Asked) -> dict[str, Any]:
    """A record as this operation has them."""
    true = asked.true[0] if isinstance(asked.true, list) and asked.true else asked.true
    return true if isinstance(true, dict) else {"id": 1, "name": "x", "identifier": "x", "description": "x"}


def _list(asked: Asked) -> list[Any]:
    return asked.true if isinstance(asked.true, list) else [_like(asked)]


def _renumbered(asked: Asked, number: Callable[[int], Any]) -> Any:
    if isinstance(asked.true, list):
        return [{**one, "id": number(at)} if isinstance(one, dict) else one for at, one in enumerate(asked.true)]
    return {**_like(asked), "id": number(0)}


def _nested(depth: int) -> Any:
    value: Any = 1
    for _level in range(depth):
        value = {"a": value}
    return value


LIES: dict[str, Lie] = {
    "one id for all records": lambda asked: _renumbered(asked, lambda _at: 7),
    "ids of other records": lambda asked: _renumbered(asked, lambda at: 900_000 + at),
    "ids in reverse": lambda asked: list(reversed(_list(asked))) if isinstance(asked.true, list) else _like(asked),
    "ids of zero": lambda asked: _renumbered(asked, lambda _at: 0),
    "the highest ids": lambda asked: _renumbered(asked, lambda at: 2**63 - 1 - at),
    "ids beyond the highest": lambda asked: _renumbered(asked, lambda at: 2**64 + at),
    "ids that are true": lambda asked: _renumbered(asked, lambda _at: True),
    "ids that are whole fractions": lambda asked: _renumbered(asked, lambda at: float(at + 1)),
    "each record twice": lambda asked: _list(asked) * 2,
    "only the first record": lambda asked: _list(asked)[:1],
    "a record for a list, a list for a record": lambda asked: (
        _like(asked) if isinstance(asked.true, list) else [asked.true]
    ),
    "the true answer in a wrapper": lambda asked: {"value": asked.true, "count": 1},
    "the true answer and an error": lambda asked: {**_like(asked), "code": "Conflict", "message": "no", "errors": []},
    "another record": lambda asked: {**_like(asked), "id": 4711, "name": "Another", "identifier": "Another"},
    "a thousand more fields": lambda asked: {**_like(asked), **{f"field{number}": number for number in range(1000)}},
    "fields in other letters": lambda asked: {key.upper(): value for key, value in _like(asked).items()},
    "a field of Python": lambda asked: {**_like(asked), "__class__": "x", "__proto__": {"id": 1}, "": 1},
    "all fields 25 deep": lambda asked: dict.fromkeys(_like(asked), _nested(25)),
    "all lists in one list": lambda asked: [_list(asked)],
    "a codebase and a site elsewhere": lambda asked: {
        "CompanyName": "x",
        "Codebase": f"v2025_1/@{asked.elsewhere}/",
        "SiteUrl": asked.elsewhere,
        "VersionNumber": "x" * 1000,
        "IsCloud": True,
    },
    "a codebase that climbs": lambda _asked: {"Codebase": "v4/../../login", "SiteUrl": "//", "IsCloud": "maybe"},
    "a codebase of a megabyte": lambda _asked: {"Codebase": "v" * MB, "SiteUrl": "x", "IsCloud": None},
}


def _lying(lie: Lie, status: int = 0) -> Callable[[Asked], Iterator[Piece]]:
    def answer(asked: Asked) -> Iterator[Piece]:
        yield reply(status or asked.status, json.dumps(lie(asked)).encode())

    return answer


ATTACKS.update({name: _lying(lie) for name, lie in LIES.items()})

for _status in (201, 202, 203, 206, 226, 299):
    ATTACKS[f"another record, with {_status}"] = _lying(LIES["another record"], _status)

# Texts that mean something to somebody

TEXTS: dict[str, str] = {
    "links for a terminal": "\x1b]8;;https://evil.example/\x1b\\click\x1b]8;;\x1b\\\x90q\x9c",
    "texts that run to the left": "\u202eevil\u2066\u2069\u200f\u061c\u200b\ufeff",
    "texts of marks": "a" + "\u0301" * 5000,
    "texts of YAML": "!!python/object/apply:os.system ['id']",
    "texts of vaults": "$ANSIBLE_VAULT;1.1;AES256\n6162",
    "texts that YAML resolves": "no",
    "texts that are times": "12:30:45",
    "texts of formats": "%s%n{0.__class__}${HOME}`id`$(id)",
    "formulas": "=cmd|' /C calc'!A0",
    "texts of quotes": "\"'`\\\"\\'; DROP TABLE x; --",
    "texts without letters": "- _ / & and",
    "texts of 300 KB": "x" * 300_000,
    "half characters in all texts": "\ud800\udfff",
}


def _told(text: str) -> Callable[[Asked], Iterator[Piece]]:
    def answer(asked: Asked) -> Iterator[Piece]:
        yield reply(asked.status, changed_by(asked, lambda _key, value: text if isinstance(value, str) else value))

    return answer


ATTACKS.update({name: _told(text) for name, text in TEXTS.items()})

# Lists without end


def _page(asked: Asked) -> int:
    return int(parse_qs(urlsplit(asked.path).query).get("page", ["1"])[0])


def _records(first: int, count: int) -> bytes:
    return json.dumps(
        [{"id": first + at, "name": f"n{first + at}", "identifier": f"n{first + at}"} for at in range(count)]
    ).encode()


def _next(asked: Asked) -> str:
    return f'<https://{asked.headers.get("Host", "")}{asked.path}>; rel="next"'


@attack("a next page that is this page")
def _same(asked: Asked) -> Iterator[Piece]:
    yield reply(asked.status, changed_by(asked, lambda _key, value: value), Link=_next(asked))


@attack("full pages without end")
def _full(asked: Asked) -> Iterator[Piece]:
    yield reply(200, _records(1 + 1000 * _page(asked), 1000))


@attack("pages of one record without end")
def _single(asked: Asked) -> Iterator[Piece]:
    yield reply(200, _records(_page(asked), 1), Link=_next(asked))


@attack("empty pages without end")
def _empty(asked: Asked) -> Iterator[Piece]:
    yield reply(200, b"[]", Link=_next(asked))


@attack("two pages in turn without end")
def _in_turn(asked: Asked) -> Iterator[Piece]:
    yield reply(200, _records(1 + _page(asked) % 2, 1), Link=_next(asked))


# Errors in the words that the table of errors looks for, again and again

STATUSES = (203, 206, 300, 305, 306, 402, 410, 413, 421, 431, 451, 505, 511, 530)
WORDS: dict[str, tuple[int, bytes]] = {
    "401 and dashes": (401, b"client" + b"-" * 32_000),
    "401 and half words": (401, b"clien " * 6000),
    "400 and required": (400, b"client id " * 3000 + b"required" * 3000),
    "403 and ssl": (403, b"ssl is " * 5000),
    "404 and endpoints": (404, b"endpoint does not " * 2000),
    "500 and values": (500, b"error converting " * 2000),
    "500 and pools": (500, b"max pool please try timeout has " * 1000),
    "500 in HTML": (500, b"<html>" + b"</title" * 5000 + b"<title>" + b"<" * 30_000),
    "503 and a long wait": (503, b"{}"),
    "400 with a message of 4 MB": (400, b'{"code":"InvalidObject","message":"' + b"x" * 4_000_000 + b'"}'),
    "400 with a message in messages": (400, json.dumps({"code": "InvalidObject", "message": _nested(30)}).encode()),
    **{
        f"status {status}": (status, b"{}")
        for status in (203, 206, 300, 305, 306, 402, 410, 413, 421, 431, 451, 505, 511, 530)
    },
}
ATTACKS.update(errors(WORDS))

for _value in ("1000000000", "-1000000000", "Fri, 31 Dec 9999 23:59:59 GMT", "1e9", "0x10", "\xb2\xb3"):
    ATTACKS.update(headed({f"a wait of {_value}": {"Retry_After": _value}}, 503))

# Redirects

ATTACKS.update(
    redirects(
        (
            "file:///etc/passwd",
            "gopher://{elsewhere}/",
            "data:application/json,[]",
            "ht\ttps://{elsewhere}/",
            "https://{elsewhere}#@{host}/",
            "https://{host}.{elsewhere}/",
            "https://{host}%2f@{elsewhere}/",
            "////{elsewhere}/",
            "https:///{elsewhere}/",
            " https://{elsewhere}/",
            "HTTPS://{elsewhere}/",
            "?again",
            "",
        )
    )
)

# Headers

ATTACKS.update(
    headed(
        {
            "a length of a million digits": {"content-length": "9" * 60_000},
            "lengths without end": {"content-length": "2," * 30_000},
            "a challenge of 60 KB": {"WWW_Authenticate": 'Digest a="' * 6000},
            "another service": {"Alt_Svc": 'h2="evil.example:443"; ma=31536000', "Upgrade": "h2c"},
            "a cookie that expires slowly": {"Set_Cookie": "b;Expires=1-c-1" + " " * 60_000},
            "a cookie for all hosts": {"Set_Cookie": "a=b; Domain=.; Path=/; Max-Age=999999999999999999999"},
            "a type of pictures": {"Content_Type": "image/png"},
            "a type in UTF-16": {"Content_Type": "application/json; charset=utf-16"},
            "a type of 60 KB": {"Content_Type": "a/" + ";a=b" * 15_000},
            "two encodings": {"Content_Encoding": "identity, identity"},
            "an encoding of deflate": {"Content_Encoding": "deflate"},
            "packed in pieces": {"Transfer_Encoding": "gzip, chunked"},
            "pieces twice": {"Transfer_Encoding": "chunked, chunked"},
            "pieces and more": {"Transfer_Encoding": "xchunked"},
            "a part of it": {"Content_Range": "bytes 0-1/9999999999999999"},
            "a link of many": {"Link": ", ".join(['<https://x/?page=2>; rel="next"'] * 1500)},
        }
    )
)


def _packed(asked: Asked) -> bytes:
    return gzip.compress(changed_by(asked, lambda _key, value: value))


@attack("gzip and something behind it")
def _behind(asked: Asked) -> Iterator[Piece]:
    yield reply(asked.status, _packed(asked) + b"\0" * MB, Content_Encoding="gzip")


@attack("gzip with a name without end")
def _named(_asked: Asked) -> Iterator[Piece]:
    yield reply(200, b"\x1f\x8b\x08\x08\0\0\0\0\0\x03" + b"x" * 11 * MB, Content_Encoding="gzip")


@lru_cache(maxsize=1)
def _bomb() -> bytes:
    return gzip.compress(b" " * 100 * MB, 9)


@attack("100 MB in gzip, as an error")
def _error_bomb(_asked: Asked) -> Iterator[Piece]:
    yield reply(400, _bomb(), Content_Encoding="gzip")


@attack("100 MB in gzip, in pieces")
def _bomb_in_pieces(_asked: Asked) -> Iterator[Piece]:
    yield b"HTTP/1.1 200 X\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    yield b"%x\r\n" % len(_bomb()) + _bomb() + b"\r\n0\r\n\r\n"


# What HTTP leaves open

ATTACKS.update(
    raw(
        {
            "100000 headers": lambda: b"HTTP/1.1 200 X\r\n" + b"A: b\r\n" * 100_000 + b"\r\n[]",
            "a header without end": lambda: b"HTTP/1.1 200 X\r\nA: " + b"x" * 20 * MB,
            "headers without a name": lambda: b"HTTP/1.1 200 X\r\n" + b": b\r\n" * 90 + b"Content-Length: 2\r\n\r\n[]",
            "90 cookies": lambda: (
                b"HTTP/1.1 200 X\r\n"
                + b"".join(b"Set-Cookie: c%d=%s; Path=/\r\n" % (at, b"x" * 1000) for at in range(90))
                + b"Content-Length: 2\r\n\r\n[]"
            ),
            "continues with headers": lambda: (b"HTTP/1.1 100 X\r\n" + b"A: b\r\n" * 90 + b"\r\n") * 5000,
            "a hint with cookies": lambda: (
                b"HTTP/1.1 103 X\r\nSet-Cookie: a=b\r\nLink: x\r\n\r\n" * 200 + reply(200, b"[]")
            ),
            "a piece of a million digits": lambda: (
                b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * MB + b"\r\n[]\r\n0\r\n\r\n"
            ),
            "a piece of many zeros": lambda: (
                b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n" + b"0" * 60_000 + b"2\r\n[]\r\n0\r\n\r\n"
            ),
            "a piece of 10 to the 15": lambda: (
                b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n38d7ea4c68000\r\n" + b" " * MB
            ),
            "pieces with trailers": lambda: (
                b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\nLocation: https://x/\r\n\r\n"
            ),
            "a length of 10 to the 15": lambda: (
                b"HTTP/1.1 200 X\r\nContent-Length: 1000000000000000\r\n\r\n" + b" " * MB
            ),
            "a status without a reason": lambda: b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n[]",
            "a status below zero": lambda: b"HTTP/1.1 -20 X\r\nContent-Length: 2\r\n\r\n[]",
            "a status of zero": lambda: b"HTTP/1.1 000 X\r\nContent-Length: 2\r\n\r\n[]",
            "HTTP/1.0": lambda: b"HTTP/1.0 200 X\r\n\r\n[]",
            "HTTP/9.9": lambda: b"HTTP/9.9 200 X\r\nContent-Length: 2\r\n\r\n[]",
            "HTTP/0.9": lambda: b"[]",
            "line breaks alone": lambda: b"\r\n" * 100_000,
            "newlines without returns": lambda: b"HTTP/1.1 200 X\nContent-Length: 2\n\n[]",
            "a zero in a header": lambda: b"HTTP/1.1 200 X\r\nA: b\x00c\r\nContent-Length: 2\r\n\r\n[]",
        }
    )
)

# What is not asked for, and what only a deadline ends


@attack("a connection held open behind the answer")
def _held(asked: Asked) -> Iterator[Piece]:
    yield reply(asked.status, changed_by(asked, lambda _key, value: value), Connection="close")
    yield 3.0


@attack("an answer without length, held open", slow=True)
def _unending(_asked: Asked) -> Iterator[Piece]:
    yield b"HTTP/1.1 200 X\r\nConnection: close\r\n\r\n[]"
    yield 60.0


@attack("an error that drips", slow=True)
def _drip_error(_asked: Asked) -> Iterator[Piece]:
    yield reply(400, length=1000)
    yield from dripping(b"client id " * 100)


@attack("trailers that drip", slow=True)
def _drip_trailers(_asked: Asked) -> Iterator[Piece]:
    yield b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n"
    yield from dripping(b"A: b\r\n" * 90)


@attack("gzip that drips", slow=True)
def _drip_gzip(_asked: Asked) -> Iterator[Piece]:
    yield reply(200, length=10_000, Content_Encoding="gzip")
    yield from dripping(gzip.compress(json.dumps([number * 7919 % 10_007 for number in range(5000)]).encode()))


@attack("redirects that are slow", slow=True)
def _slow_redirects(asked: Asked) -> Iterator[Piece]:
    yield 0.3
    yield reply(307, b"", Location=re.sub(r"\?.*", "", asked.path) + "?again")


# No attack: what an honest answer may cost at most, to compare the others with

LARGEST = "the largest honest list"


def largest(asked: Asked) -> Iterator[Piece]:
    """The true records and so many more of their kind as a list may have."""
    more = [{**_like(asked), "id": number, "name": f"Role {number} " + "x" * 300} for number in range(10_000, 18_000)]
    yield reply(asked.status, json.dumps([*asked.true, *more]).encode(), Link='<https://localhost/>; rel="last"')
