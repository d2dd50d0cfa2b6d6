# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recordings of a browser (HAR): read with limits, and what of them concerns the tenant."""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError
from ansible_collections.msp.connectwise.plugins.module_utils._redact import register
from ansible_collections.msp.connectwise.plugins.plugin_utils import _files

LARGEST = 100 * 1024 * 1024
AGAIN = "record again as the choreography page says, and save the recording with its content"
_STATIC = re.compile(r"(text/css|javascript|ecmascript|^image/|^font/|^audio/|^video/|wasm)", re.IGNORECASE)
_AS_SENT = re.compile(r"([\w.~+*\[\]-]|%[0-9A-F]{2})*", re.ASCII | re.IGNORECASE)
_CODEBASE = re.compile(r"v\d[\w.]*", re.ASCII)
# Headers that browsers, proxies and what watches them add; whatever else a client sends may matter.
_USUAL = re.compile(
    r"(:.*|accept.*|authorization|cache-control|connection|content-.*|cookie|dnt|expect|host|if-(?!match).*|keep-alive"
    r"|origin|pragma|priority|proxy-.*|range|referer|sec-.*|te|transfer-encoding|upgrade.*|user-agent|via|x-forwarded.*"
    r"|x-real-ip|clientid|traceparent|tracestate|baggage|sentry-trace|newrelic|x-newrelic.*|x-datadog.*|x-b3-.*|x-amz.*"
    r"|(x-)?(request|correlation|trace|ms-client-request)-id|request-context)"
)


@dataclass(frozen=True)
class Entry:
    """One request of a recording and its answer. site: as in a route; path: without the codebase."""

    number: int
    time: float
    method: str
    site: bool | str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: str
    body_type: str
    status: int
    answer: str
    answer_type: str
    answer_headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        return not 200 <= self.status < 400

    @property
    def place(self) -> str:
        return f"{self.method} {self.path}"


@dataclass
class Recording:
    """What concerns the tenant, in the order of time, and what was set aside."""

    entries: list[Entry] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    other_hosts: set[str] = field(default_factory=set)
    # What may never be written anywhere: cookies, credentials.
    secrets: set[str] = field(default_factory=set, repr=False)
    # Values of cookies, as they are and as a script may have read them.
    cookies: set[str] = field(default_factory=set, repr=False)
    failed: int = 0


def load(paths: Sequence[str], hosts: Collection[str]) -> Recording:
    """The entries of all files that are about these hosts. Raises InputError that says what to record again."""
    recording, raw = Recording(), []
    for path in paths:
        raw += _entries(Path(path))
    kept, seen = [], 0
    for one in raw:
        try:
            entry, host = _entry(one)
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
        if host not in hosts:
            recording.other_hosts.add(host)
            continue
        seen += 1
        recording.secrets |= _secrets(one)
        recording.cookies |= _cookies(one)
        if entry.method in ("OPTIONS", "HEAD", "CONNECT") or entry.status == 101:
            continue
        if _STATIC.search(entry.answer_type):
            recording.scripts.append(entry.answer)
        elif entry.failed:
            recording.failed += 1
        else:
            kept.append(entry)
    for secret in filter(_lets_in, recording.secrets | recording.cookies):
        register(secret)
    if not seen:
        others = ", ".join(sorted(recording.other_hosts)[:5]) or "no host at all"
        raise InputError(
            f"the recording is not of this tenant's host ({', '.join(sorted(hosts))}), but of {others}",
            remedy="record the web client of this very tenant",
        )
    if kept and not any(entry.answer for entry in kept):
        raise InputError("the recording holds no content of the answers", remedy=AGAIN)
    kept.sort(key=lambda entry: entry.time)
    recording.entries = [_numbered(entry, number) for number, entry in enumerate(kept)]
    return recording


def _numbered(entry: Entry, number: int) -> Entry:
    return Entry(**{**entry.__dict__, "number": number})


def _entries(path: Path) -> list[Any]:
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise InputError(
                f"the recording {path} is {size // 2**20} MB; {LARGEST // 2**20} MB are read",
                remedy="record only the steps of the choreography page, in a window of its own",
            )
        document = json.loads(_files.read_text(path, limit=LARGEST, encoding="utf-8-sig"))
        found = document["log"]["entries"]
    except OSError as problem:
        said = problem.strerror or type(problem).__name__
        raise InputError(f"the recording {path} cannot be read: {said}", remedy="check cw_recordings") from problem
    except (ValueError, RecursionError) as problem:
        what = "is cut off or not JSON"
        raise InputError(f"the recording {path} {what} ({problem})", remedy="save the recording again") from problem
    except (KeyError, TypeError) as problem:
        raise InputError(f"{path} is not a HAR recording", remedy=AGAIN) from problem
    if not isinstance(found, list) or not found:
        raise InputError(f"the recording {path} is empty", remedy=AGAIN)
    return found


def _entry(one: Mapping[str, Any]) -> tuple[Entry, str]:
    request, response = one["request"], one["response"]
    url = urlsplit(request["url"])
    if url.scheme not in ("http", "https"):
        raise ValueError(url.scheme)
    site, path = _place(unquote(url.path))
    posted = request.get("postData") or {}
    content = response.get("content") or {}
    body = str(posted.get("text") or "")
    kind = str(posted.get("mimeType") or dict(_named(request)).get("content-type") or "").lower()
    entry = Entry(
        number=0,
        time=_moment(str(one["startedDateTime"])),
        method=str(request["method"]).upper(),
        site=site,
        path=path,
        query=tuple(parse_qsl(url.query, keep_blank_values=True)),
        headers={name: value for name, value in _named(request) if not _USUAL.fullmatch(name)},
        body=body or _of_params(posted, kind),
        body_type=kind,
        status=int(response.get("status") or 0),
        answer=_text(content),
        answer_type=str(content.get("mimeType") or ""),
        answer_headers=dict(_named(response)),
    )
    return entry, url.netloc.lower()


def _moment(text: str) -> float:
    """Recorders write three to nine digits behind the second; not every Python reads them."""
    plain = re.sub(r"\.(\d{1,6})\d*", lambda found: f".{found.group(1):0<6}", text.replace("Z", "+00:00"))
    return datetime.fromisoformat(plain).timestamp()


_SECRET = ("cookie", "set-cookie", "authorization", "proxy-authorization")
_SHORTEST_SECRET, _SHORTEST_TOKEN = 8, 16


def _secrets(one: Mapping[str, Any]) -> set[str]:
    """The values of cookies and credentials, each part of them that is long enough to be told from a word."""
    found: set[str] = set()
    for message in (one["request"], one["response"]):
        texts = [value for name, value in _named(message) if name in _SECRET]
        texts += [str(cookie.get("value")) for cookie in message.get("cookies") or []]
        for text in texts:
            found |= {part for part in re.split(r"[\s;,=]+", text) if len(part) >= _SHORTEST_SECRET}
    return {part for part in found if re.search(r"\d", part)}


def _lets_in(text: str) -> bool:
    """Whether a part of a cookie is the secret itself, and no path, date or number of its attributes."""
    return len(text) >= _SHORTEST_TOKEN and text[0] not in "/." and bool(re.search("[A-Za-z]", text))


def _cookies(one: Mapping[str, Any]) -> set[str]:
    """Whole values of cookies, long enough to be told from a word."""
    found = [str(cookie.get("value")) for name in ("request", "response") for cookie in one[name].get("cookies") or []]
    for name, text in (*_named(one["request"]), *_named(one["response"])):
        if name in ("cookie", "set-cookie"):
            found += [part.partition("=")[2] for part in re.split(r";\s*|\n", text)]
    both = {value for text in found for value in (text, unquote(text))}
    return {value for value in both if len(value) >= _SHORTEST_SECRET and re.search(r"\d", value)}


def _named(message: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    return [(str(one["name"]).lower(), str(one["value"])) for one in message.get("headers") or []]


def _of_params(posted: Mapping[str, Any], kind: str) -> str:
    """Some browsers list the fields of a form instead of its text."""
    params = posted.get("params") or []
    if "multipart" not in kind:
        return "&".join(f"{_quoted(one.get('name'))}={_quoted(one.get('value'))}" for one in params)
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="{one["name"]}"\r\n\r\n{one.get("value", "")}\r\n'
        for one in params
    ]
    return "".join(parts) + "--b--\r\n" if parts else ""


def _quoted(value: Any) -> str:
    """Some list the fields as they were sent, and some as they were meant."""
    text = str(value or "")
    return text if _AS_SENT.fullmatch(text) else quote(text, safe="")


def _text(content: Mapping[str, Any]) -> str:
    text = str(content.get("text") or "")
    if content.get("encoding") == "base64":
        try:
            return _unzipped(base64.b64decode(text)).decode("utf-8", errors="replace")
        except (binascii.Error, ValueError, zlib.error):
            return ""
    return text


def _unzipped(raw: bytes) -> bytes:
    """Some proxies record an answer as it went over the wire."""
    if not raw.startswith(b"\x1f\x8b"):
        return raw
    return zlib.decompressobj(wbits=31).decompress(raw, LARGEST)


def _place(path: str) -> tuple[bool | str, str]:
    """Where a path begins, in the words of a route: below the API, below the codebase, or at the host."""
    first, _slash, rest = path.lstrip("/").partition("/")
    if not _CODEBASE.fullmatch(first.removesuffix("apis") if rest.startswith("3.0/") else first):
        return "root", path
    if rest.lower().startswith("apis/3.0/"):
        return False, "/" + rest[len("apis/3.0/") :]
    return True, "/" + rest
