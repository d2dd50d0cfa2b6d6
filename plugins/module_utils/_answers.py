# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading an answer of the ConnectWise REST API: data, or the typed error it stands for. Pure functions.

Source of the bodies: the developer guide and authors of live integrations.
"""

from __future__ import annotations

import re
from typing import Any

from ._errors import (
    AuthenticationFailed,
    ClientIdRefused,
    Conflict,
    InvalidRecord,
    NotThePsa,
    PermissionDenied,
    PsaError,
    RateLimited,
    RecordNotFound,
    RouteNotOffered,
    ServerFailed,
    TransientFailure,
    WrongAddress,
)
from ._http import Answer

_TRANSIENT_500 = re.compile(r"timeout has occur|timeout expired|max pool size|please try again", re.IGNORECASE)
_CLIENT_ID = re.compile(r"client\s*id", re.IGNORECASE)
_CANNOT_ROUTE = re.compile(r"cannot route", re.IGNORECASE)
_NO_ENDPOINT = re.compile(r"endpoint does not exist", re.IGNORECASE)
_SAID_LIMIT = 300  # characters of a server's words in a message


def is_transient(answer: Answer) -> bool:
    """Whether a read that got this answer is worth another try: a 5xx that passes by itself."""
    if answer.status in (502, 503, 504):
        return True
    return answer.status == 500 and bool(_TRANSIENT_500.search(answer.text))


def _body(answer: Answer) -> dict[str, Any]:
    return answer.data if isinstance(answer.data, dict) else {}


def said(answer: Answer) -> str:
    """What the server said, as one short line; pages of a gateway are named, not quoted."""
    body = _body(answer)
    if body:
        inner = [
            " ".join(str(one[key]) for key in ("field", "code", "message") if one.get(key))
            for one in body.get("errors") or []
            if isinstance(one, dict)
        ]
        text = "; ".join([str(body.get("message") or ""), *inner]).strip("; ")
    elif "<html" in answer.text[:2000].lower() or "<!doctype" in answer.text[:200].lower():
        title = re.search(r"<title[^>]*>(.*?)</title>", answer.text, re.IGNORECASE | re.DOTALL)
        text = "an HTML page" + (f" titled {title.group(1).strip()}" if title else "")
    else:
        text = answer.text
    text = " ".join(text.split())
    return text if len(text) <= _SAID_LIMIT else text[: _SAID_LIMIT - 1] + "…"


def error_of(answer: Answer) -> PsaError:
    """The typed error of an answer that is not a success."""
    body = _body(answer)
    status, text, words = answer.status, answer.text, said(answer)
    common: dict[str, Any] = {"said": words, "status": status}
    if status == 429:
        return RateLimited("the tenant's rate limit was still exceeded after the last retry", **common)
    if _CANNOT_ROUTE.search(text):
        return WrongAddress("host, codebase and company do not belong together", **common)
    if status in (400, 401) and _CLIENT_ID.search(text) and body.get("code") != "InvalidObject":
        return ClientIdRefused("the client id was not accepted", **common)
    if status == 401:
        return AuthenticationFailed("the keys were refused", **common)
    if status == 403 and "ssl is required" in text.lower():
        return WrongAddress(
            "this is the host of the user interface, not of the API",
            remedy="set host to the API host, which begins with api- (such as api-na.myconnectwise.net), or set region",
            **common,
        )
    if status == 403 and answer.is_json:
        return PermissionDenied(
            "the security role behind these keys lacks a permission",
            remedy="give the role of the API member that owns these keys the right for this operation; "
            "the server does not say which one it misses",
            **common,
        )
    if status == 405 or (status == 404 and _NO_ENDPOINT.search(text)):
        return RouteNotOffered("this tenant does not offer the operation", **common)
    if status == 404 and answer.is_json:
        return RecordNotFound(
            "the record does not exist", remedy="run again; it may have been removed meanwhile", **common
        )
    if status == 409:
        return Conflict("the record is in use", **common)
    if status == 415:
        return NotThePsa("the server refused the content type", **common)
    if status == 400 and answer.is_json:
        return InvalidRecord(
            "the server refused the content",
            remedy="correct the named fields",
            errors=body.get("errors") or [],
            **common,
        )
    if status >= 500:
        kind = TransientFailure if is_transient(answer) else ServerFailed
        return kind("the server failed", **common)
    return NotThePsa(f"unexpected answer with status {status}", **common)


def data_of(answer: Answer, *, empty_allowed: bool = False) -> Any:
    """The JSON of a success; raises the typed error of anything else."""
    if answer.status == 204 and empty_allowed:
        return None
    if not 200 <= answer.status < 300:
        raise error_of(answer)
    if not answer.is_json:
        if empty_allowed and not answer.text.strip():
            return None
        raise NotThePsa("the answer is not JSON, so it is not from the API", said=said(answer), status=answer.status)
    body = _body(answer)
    if {"code", "message"} <= set(body) and "id" not in body and not set(body) - {"code", "message", "errors"}:
        raise ServerFailed("the server answered with an error in a success", said=said(answer), status=answer.status)
    return answer.data
