# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one answer may cost: its time from the first byte to the last, its bytes on the wire, its size when unpacked.

A tenant is somebody else's server. The limits of http.client and urllib3 are per read, which a server that sends a byte
a second never meets; so every read below them is counted here.
"""

from __future__ import annotations

import http.client
import io
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from ._errors import AnswerTooLarge, LostAnswer, NotThePsa
from ._patience import Limit
from ._redact import beginning

try:
    import requests.adapters
    import urllib3.connectionpool
except ImportError:
    # _http says so, before anything here is used.
    _Session: Any = object
    _Adapter: Any = object
    _Pool: Any = object
    _Connection: Any = object
else:
    _Session = requests.Session
    _Adapter = requests.adapters.HTTPAdapter
    _Pool = urllib3.connectionpool.HTTPSConnectionPool
    _Connection = _Pool.ConnectionCls

_HEADERS_LIMIT = 128 * 1024  # bytes; http.client itself takes 100 lines of 64 KiB, and as many 1xx answers as there are
# What a read and a chunk count at least, because each of them takes time however little it brings: a read of one record
# of TLS about as long as the parsing of so many bytes.
_READ_COST, _CHUNK_COST = 512, 128
_PIECE = 64 * 1024
CONNECTING = 10.0  # seconds, at most, for a connection
_ERROR, _ERROR_LIMIT = 400, 256 * 1024  # status; bytes of such an answer, whose rest nobody reads
_now = threading.local()


class TooMuch(OSError):
    """The bytes of an answer are used up; an OSError, because that passes through http.client and urllib3 unharmed."""


@dataclass
class Budget:
    """Holds what is left for one request. until: on the monotonic clock; timeout: of one read; size: of the body.

    limit: the one that ends it at `until`.
    """

    until: float
    timeout: float
    size: int
    limit: Limit
    left: int = _HEADERS_LIMIT
    has_headers: bool = False

    def seconds(self) -> float:
        """How long the next read may wait."""
        remaining = self.until - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("the time for the whole answer is over")
        return min(self.timeout, remaining)

    def charge(self, cost: int) -> None:
        self.left -= cost
        if self.left < 0:
            raise TooMuch("the answer takes more bytes than it may")

    @property
    def is_late(self) -> bool:
        return time.monotonic() >= self.until


@contextmanager
def spending(budget: Budget) -> Iterator[None]:
    """Requests that this thread makes meanwhile are held to the budget."""
    _now.budget = budget
    try:
        yield
    finally:
        _now.budget = None


class _Reader(io.RawIOBase):
    """A socket's reading end that waits no longer, and takes no more, than the budget allows."""

    def __init__(self, raw: Any, sock: Any, budget: Budget) -> None:
        self._raw, self._sock, self._budget = raw, sock, budget

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._budget.seconds())
        count: int | None = self._raw.readinto(buffer)
        self._budget.charge(max(count or 0, _READ_COST))
        return count

    def close(self) -> None:
        if not self.closed:
            with suppress(OSError):  # a socket that is closed already
                self._sock.settimeout(self._budget.timeout)
            self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """An answer that is read at the expense of the budget of its thread."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._budget: Budget | None = getattr(_now, "budget", None)
        if self._budget is not None:
            self._budget.left, self._budget.has_headers = _HEADERS_LIMIT, False
            self.fp = io.BufferedReader(_Reader(self.fp.detach(), sock, self._budget))

    def begin(self) -> None:
        super().begin()
        if self._budget is not None:
            self._budget.left, self._budget.has_headers = self._budget.left + self._budget.size, True

    def _read_next_chunk_size(self) -> Any:
        if self._budget is not None:
            self._budget.charge(_CHUNK_COST)
        return super()._read_next_chunk_size()  # type: ignore[misc]


class _TimedConnection(_Connection):  # type: ignore[misc]
    response_class = _Response


class _TimedPool(_Pool):  # type: ignore[misc]
    ConnectionCls = _TimedConnection


class Adapter(_Adapter):  # type: ignore[misc]
    """The transport of requests, its connections held to the budget; through an HTTP proxy too."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self._hold(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not proxy.lower().startswith("socks"):
            self._hold(manager)
        return manager

    @staticmethod
    def _hold(manager: Any) -> None:
        manager.pool_classes_by_scheme = {**manager.pool_classes_by_scheme, "https": _TimedPool}


class Session(_Session):  # type: ignore[misc]
    """One that follows nothing, and so reads no address that a server names; that is for those who send to decide."""

    def get_redirect_target(self, resp: Any) -> None:  # noqa: ARG002
        return None


# Nothing else is asked for, so that it is this file that unpacks, piece by piece.
ENCODINGS = "gzip"


def read_body(response: requests.Response, budget: Budget) -> bytearray:
    """The body, unpacked; of an error no more than its beginning.

    Raises AnswerTooLarge, LostAnswer, NotThePsa, and what urllib3 raises.
    """
    encoding = str(response.headers.get("Content-Encoding") or "identity").strip().lower()
    if encoding not in ("identity", "gzip", "x-gzip"):
        raise NotThePsa(f'the answer is packed as "{beginning(encoding, 60)}", which was not asked for')
    body = bytearray()
    try:
        _fill(body, response, budget, zlib.decompressobj(16 + zlib.MAX_WBITS) if encoding != "identity" else None)
    except zlib.error:
        raise NotThePsa("the answer is said to be packed with gzip and cannot be unpacked") from None
    except ValueError:
        # http.client reads a negative size of a piece as a number like any other.
        raise NotThePsa("the answer's pieces have sizes that are none") from None
    except Exception:
        # The traceback of an error lives as long as the error, and would keep it.
        body.clear()
        raise
    return body


def _fill(body: bytearray, response: requests.Response, budget: Budget, unpack: Any) -> None:
    is_error = response.status_code >= _ERROR
    limit = min(_ERROR_LIMIT, budget.size) if is_error else budget.size
    packed = 0
    while piece := response.raw.read(_PIECE, decode_content=False):
        packed += len(piece)
        for part in _unpacked(piece, unpack):
            body += part
            if len(body) > limit and is_error:
                del body[limit:]
                return
            if len(body) > limit:
                raise too_large(budget.size)
    # urllib3 1.26 takes a body that ends too early for a whole one.
    if response.raw.length_remaining or (unpack is not None and packed and not unpack.eof):
        raise LostAnswer("the connection broke before the answer was complete (its end is missing)")


def _unpacked(piece: bytes, unpack: Any) -> Iterator[bytes]:
    """What a piece holds, in parts: a thousand times as much may be packed into it."""
    if unpack is None:
        yield piece
        return
    while piece and not unpack.eof:
        yield unpack.decompress(piece, _PIECE)
        piece = unpack.unconsumed_tail


def too_large(limit: int, what: str = "answer") -> AnswerTooLarge:
    return AnswerTooLarge(f"the {what} is larger than {limit / 1_000_000:g} MB, so it was not read to its end")
