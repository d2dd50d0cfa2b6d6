# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hostile server's answers that are hardly HTTP, and those that come so slowly that only a deadline ends them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

from .attacks import ATTACKS, MB, Asked, Attack, Piece, attack, reply

# Answers that are hardly HTTP

RAW: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "no HTTP": lambda: b"SSH-2.0-OpenSSH_9.0\r\n",
    "HTTP/2": lambda: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a status that is a word": lambda: b"HTTP/1.1 fine X\r\n\r\n",
    "a status of five digits": lambda: b"HTTP/1.1 20000 X\r\n\r\n",
    "a status line of 100 KB": lambda: b"HTTP/1.1 200 " + b"x" * 100_000,
    "a header of 100 KB": lambda: b"HTTP/1.1 200 X\r\nA: " + b"x" * 100_000 + b"\r\n\r\n[]",
    "101 headers": lambda: b"HTTP/1.1 200 X\r\n" + b"A: b\r\n" * 101 + b"Content-Length: 2\r\n\r\n[]",
    "99 headers of 60 KB": lambda: b"HTTP/1.1 200 X\r\n" + (b"A: " + b"x" * 60_000 + b"\r\n") * 99 + b"\r\n",
    "a header that is none": lambda: b"HTTP/1.1 200 X\r\nnonsense \x1b[2J\r\n: x\r\nContent-Length: 2\r\n\r\n[]",
    "headers folded": lambda: b"HTTP/1.1 200 X\r\nA: b\r\n" + b" c\r\n" * 50 + b"Content-Length: 2\r\n\r\n[]",
    "a body that ends early": lambda: reply(200, b"[", length=100),
    "a body without end": lambda: b"HTTP/1.1 200 X\r\n\r\n[",
    "pieces of no size": lambda: b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n[]\r\n0\r\n\r\n",
    "pieces below zero": lambda: b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n[]\r\n0\r\n\r\n",
    "pieces that end early": lambda: b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n[]",
    "pieces of a byte": lambda: b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 2_000_000,
    "pieces with a long name": lambda: b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"x" * 100_000,
    "endless trailers": lambda: (
        b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n" + b"A: b\r\n" * MB
    ),
    "a million continues": lambda: b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000_000,
    "a thousand early hints": lambda: b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 1000 + reply(200, b"[]"),
    "an upgrade": lambda: b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n[]",
    "two answers": lambda: reply(200, b"[]") + reply(200, b"[]"),
}


def raw(known: dict[str, Callable[[], bytes]]) -> dict[str, Attack]:
    def attack_of(make: Callable[[], bytes]) -> Attack:
        made = lru_cache(maxsize=1)(make)

        def answer(_asked: Asked) -> Iterator[Piece]:
            yield made()

        return answer

    return {name: attack_of(make) for name, make in known.items()}


ATTACKS.update(raw(RAW))


@attack("a record of TLS for each byte")
def _small(_asked: Asked) -> Iterator[Piece]:
    yield reply(200, length=MB)
    for _time in range(MB):
        yield b" "


# What only a deadline ends


@attack("silence", slow=True)
def _silence(_asked: Asked) -> Iterator[Piece]:
    yield 60.0


@attack("a status line that drips", slow=True)
def _drip_status(_asked: Asked) -> Iterator[Piece]:
    yield from dripping(b"HTTP/1.1 200 " + b"x" * 1000)


@attack("headers that drip", slow=True)
def _drip_headers(_asked: Asked) -> Iterator[Piece]:
    yield b"HTTP/1.1 200 X\r\n"
    yield from dripping(b"A: b\r\n" * 90)


@attack("a body that drips", slow=True)
def _drip_body(_asked: Asked) -> Iterator[Piece]:
    yield reply(200, length=1000)
    yield from dripping(b" " * 1000)


@attack("pieces that drip", slow=True)
def _drip_pieces(_asked: Asked) -> Iterator[Piece]:
    yield b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n"
    yield from dripping(b"1\r\n \r\n" * 200)


@attack("continues that drip", slow=True)
def _drip_continues(_asked: Asked) -> Iterator[Piece]:
    yield from dripping(b"HTTP/1.1 100 Continue\r\n\r\n" * 40)


def dripping(data: bytes) -> Iterator[Piece]:
    for at in range(len(data)):
        yield data[at : at + 1]
        yield 0.05
