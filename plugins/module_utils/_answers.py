# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading an answer of the ConnectWise REST API: data, or the typed error it stands for. Pure functions.

Source of the bodies: the developer guide and authors of live integrations.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ._errors import (
    AnswerTooLarge,
    AuthenticationFailed,
    ClientIdRefused,
    Conflict,
    DeadlinePassed,
    InvalidRecord,
    LostAnswer,
    NotThePsa,
    PermissionDenied,
    PsaError,
    RateLimited,
    RecordNotFound,
    RouteNotOffered,
    ServerFailed,
    TooSlow,
    TransientFailure,
    UserInterfaceHost,
    WrongAddress,
    legible,
)
from ._http import Answer
from ._redact import beginning, redact
from ._shapes import plausible

_SAID_LIMIT = 300  # characters of a server's words in a message
_INNER_LIMIT = 50  # errors of a validation that are kept
_INNER_FIELDS = ("code", "message", "resource", "field")
_CODES = frozenset(("ConnectWiseApi", "Conflict", "InvalidObject", "NotFound", "RateLimit", "Security", "Unauthorized"))


@dataclass(frozen=True)
class _Case:
    """One way an answer can be an error.

    statuses: empty fits all. words: in the body; of several sequences of patterns that follow one another any will do.
    json: whether the body is JSON. not_code: what the code must not be.

    Each pattern takes linear time, and a sequence is one search after another: a server chooses what is searched.
    """

    kind: type[PsaError]
    problem: str
    statuses: tuple[int, ...] = ()
    words: str | tuple[tuple[str, ...], ...] = ()
    json: bool | None = None
    not_code: str = ""
    remedy: str | None = None

    def fits(self, answer: Answer) -> bool:
        sequences = ((self.words,),) if isinstance(self.words, str) else self.words
        return (
            (not self.statuses or answer.status in self.statuses)
            and (self.json is None or self.json is answer.is_json)
            and (not self.not_code or _body(answer).get("code") != self.not_code)
            and (not sequences or any(_follow(answer.text, sequence) for sequence in sequences))
        )


def _follow(text: str, sequence: tuple[str, ...]) -> bool:
    """Whether the patterns occur one after another. The first place of each leaves the most to the next."""
    at = 0
    for pattern in sequence:
        found = re.compile(pattern, re.IGNORECASE).search(text, at)
        if found is None:
            return False
        at = found.end()
    return True


_CLIENT_ID = r"client[\s_-]*id"
_VALIDATION = "InvalidObject"  # its words speak of whatever the caller sent

# The first that fits counts.
_CASES = [
    _Case(RateLimited, "the tenant's rate limit was still exceeded after the last retry", (429,)),
    _Case(WrongAddress, "host, codebase and company do not belong together", words="cannot route"),
    _Case(
        ClientIdRefused,
        "no client id reached the server",
        (400, 401),
        ((r"(missing|no|without|requires?)\b", _CLIENT_ID), (_CLIENT_ID, r"\b(missing|required)")),
        not_code=_VALIDATION,
        remedy="check that no proxy between this controller and the tenant strips the clientId header, and that "
        "client_id (cw_client_id, CW_CLIENT_ID) is the one registered at developer.connectwise.com/ClientID",
    ),
    _Case(ClientIdRefused, "the client id is not known", (400, 401), _CLIENT_ID, not_code=_VALIDATION),
    _Case(AuthenticationFailed, "the keys were refused", (401,)),
    _Case(UserInterfaceHost, "this is the host of the user interface, not of the API", (403,), "ssl is required"),
    _Case(PermissionDenied, "the security role behind these keys lacks a permission", (403,), json=True),
    _Case(
        NotThePsa,
        "something in front of the API refused the request",
        (403,),
        json=False,
        remedy="check the firewall, proxy or gateway between this controller and the tenant, and that host is the API "
        "host",
    ),
    _Case(RouteNotOffered, "this tenant does not offer the operation", (405,)),
    _Case(RouteNotOffered, "this tenant does not offer the operation", (404,), "endpoint does not exist"),
    _Case(RecordNotFound, "the record does not exist", (404,), json=True),
    _Case(Conflict, "the record is in use", (409,)),
    _Case(NotThePsa, "the server refused the content type", (415,)),
    _Case(InvalidRecord, "the server refused the content", (400,), json=True),
    # Our own mistake, in the words of the server's deserializer: trying again cannot help.
    _Case(
        InvalidRecord,
        "the server could not read a value of the request",
        (500,),
        "error converting value",
        remedy="check cw_extension_routes if one of them was used; otherwise report this as a defect of the collection",
    ),
    _Case(TransientFailure, "the server, or a gateway in front of it, failed for the moment", (502, 503, 504)),
    _Case(
        TransientFailure,
        "the server failed for the moment",
        (500,),
        "timeout has occur|timeout expired|max pool size|please try again",
    ),
]


def is_transient(answer: Answer) -> bool:
    """Whether a read that got this answer is worth another try: a 5xx that passes by itself."""
    return answer.status >= 500 and isinstance(error_of(answer), TransientFailure)


def _body(answer: Answer) -> dict[str, Any]:
    return answer.data if isinstance(answer.data, dict) else {}


def said(answer: Answer) -> str:
    """What the server said, as one short line; pages of a gateway are named, not quoted."""
    body = _body(answer)
    inner = [" ".join(filter(None, (one.get(key, "") for key in ("field", "code", "message")))) for one in _inner(body)]
    text = "; ".join(filter(None, [_words(body.get("message")) or _words(body.get("Message")), *inner]))
    if not text and re.search(r"<html|<!doctype", answer.text[:2000], re.IGNORECASE):
        title = _title(answer.text)
        text = "an HTML page" + (f" titled {title}" if title else "")
    # A secret is found before a cut leaves a part of it.
    text = redact(legible(" ".join((text or answer.text).split())))
    return text if len(text) <= _SAID_LIMIT else text[: _SAID_LIMIT - 1] + "…"


def _words(value: Any) -> str:
    """A server's word, as far as it is one and anybody would read it."""
    return beginning(value, 2 * _SAID_LIMIT) if isinstance(value, (str, int, float)) else ""


def _inner(body: Mapping[str, Any]) -> list[dict[str, str]]:
    """The errors of a validation, in the fields they are documented to have."""
    errors = body.get("errors")
    found = [one for one in errors[:_INNER_LIMIT] if isinstance(one, dict)] if isinstance(errors, list) else []
    return [{key: _words(one[key]) for key in _INNER_FIELDS if one.get(key)} for one in found]


def _title(page: str) -> str:
    lower = page.lower()
    begin = lower.find(">", lower.find("<title")) + 1 if "<title" in lower else 0
    end = lower.find("</title>", begin)
    return page[begin:end].strip() if begin and end >= 0 else ""


def error_of(answer: Answer) -> PsaError:
    """The typed error of an answer that is not a success."""
    problem = _error_of(answer)
    code = _body(answer).get("code")
    problem.code = code if isinstance(code, str) and code in _CODES else ""
    if answer.no_time:
        problem.limit, problem.remedy = "deadline", DeadlinePassed.remedy
        problem.problem += f"; {answer.no_time}"
    return problem


def _error_of(answer: Answer) -> PsaError:
    common: dict[str, Any] = {"said": said(answer), "status": answer.status}
    for case in _CASES:
        if case.fits(answer):
            if case.kind is InvalidRecord:
                common["errors"] = _inner(_body(answer))
            return case.kind(case.problem, remedy=case.remedy, **common)
    if answer.status >= 500:
        return ServerFailed("the server failed", **common)
    return NotThePsa(f"unexpected answer with status {answer.status}", **common)


# The words of this collection with which an error begins whose further words may be the server's.
_OWN_WORDS = (
    *(case.problem for case in _CASES),
    "no answer within the time limit",
    "the connection broke before the answer was complete",
    "the TLS connection broke",
    "the answer is not JSON",
    "the server answered with an error in a success",
)
_WITHOUT_WORDS: dict[type[PsaError], str] = {
    TooSlow: "the answer did not come in time",
    LostAnswer: "the answer was lost",
    AnswerTooLarge: "the answer is too large",
    NotThePsa: "the answer is not from the API",
    ServerFailed: "the server failed",
}


def unquoted(problem: PsaError) -> PsaError:
    """Return the error without a word of the server, whose answer may quote a secret that nobody knows yet."""
    general = next((text for kind, text in _WITHOUT_WORDS.items() if isinstance(problem, kind)), "the request failed")
    words = next((own for own in _OWN_WORDS if problem.problem.startswith(own)), general)
    details = [f"status {problem.status}" if problem.status else "", f"code {problem.code}" if problem.code else ""]
    known = ", ".join(filter(None, details))
    clean = type(problem)(
        f"{words} ({known}). Its words are not shown, because they may hold the key" if known else words,
        remedy=problem.remedy,
        tenant=problem.tenant,
        operation=problem.operation,
        status=problem.status,
    )
    clean.unclear, clean.limit = problem.unclear, problem.limit
    return clean


def data_of(answer: Answer, *, empty_allowed: bool = False) -> Any:
    """The JSON of a success; raises the typed error of anything else."""
    if answer.status == 204 and empty_allowed:
        return None
    if not 200 <= answer.status < 300:
        raise error_of(answer)
    if not answer.is_json:
        if empty_allowed and not answer.text.strip():
            return None
        why = f": {answer.defect}" if answer.defect else ", so it is not from the API"
        raise NotThePsa(f"the answer is not JSON{why}", said=said(answer), status=answer.status)
    body = _body(answer)
    if {"code", "message"} <= set(body) and not set(body) - {"code", "message", "errors"}:
        raise ServerFailed("the server answered with an error in a success", said=said(answer), status=answer.status)
    return plausible(answer.data, answer.status)
