# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that make the server misbehave."""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass, field
from html import escape
from typing import Any
from urllib.parse import quote

from .call import Reply

# Fault -> its parameters and their defaults.
KINDS: dict[str, dict[str, Any]] = {
    "status": {"status": 500, "retry_after": None, "body": None, "after": False},
    "html_200": {"after": False},
    "drop_before": {},
    "drop_after": {},
    "slow": {"ms": 1000},
    "slow_body": {"ms": 1000},
    "truncated_json": {},
    "short_body": {},
    "wrong_content_type": {"content_type": "text/html; charset=utf-8"},
    "error_body_200": {},
    "null_body": {},
    "stale_read": {"seconds": 2.0},
    "patch_ignored": {"answer": "new"},
    "duplicate_effect": {"drop": False},
    "deny": {},
    "redirect": {"status": 302, "location": "https://localhost/login"},
    "quoting": {"status": 400, "form": "json"},
    "shifted_pages": {},
}
MATCHERS = ("tenant", "method", "path", "query", "member", "role", "permission", "nth", "times", "probability", "seed")
HTML = "<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
TIMEOUT = "A timeout has occured. Please try again."
POOL = (
    "Timeout expired.  The timeout period elapsed prior to obtaining a connection from the pool.  This may have "
    "occurred because all pooled connections were in use and max pool size was reached."
)


class FaultError(ValueError):
    """A rule that cannot be understood."""


@dataclass
class Rule:
    kind: str
    options: dict[str, Any]
    tenant: str | None = None
    method: str | None = None
    path: re.Pattern[str] | None = None
    query: re.Pattern[str] | None = None
    member: str | None = None
    role: str | None = None
    permission: str | None = None
    nth: int | None = None
    times: int | None = None
    probability: float | None = None
    seed: int = 0
    seen: int = 0
    hits: int = 0
    random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def matches(self, request: Facts) -> bool:
        return (
            (self.tenant is None or self.tenant == request.tenant)
            and (self.method is None or self.method == request.method)
            and (self.path is None or self.path.search(request.path) is not None)
            and (self.query is None or self.query.search(request.query) is not None)
            and (self.member is None or self.member == request.member)
            and (self.role is None or self.role == request.role)
            and (self.permission is None or self.permission in request.permissions)
        )

    def fires(self) -> bool:
        """Called for each request that matches."""
        self.seen += 1
        if self.nth is not None and self.seen != self.nth:
            return False
        if self.times is not None and self.hits >= self.times:
            return False
        if self.probability is not None and self.random.random() >= self.probability:
            return False
        self.hits += 1
        return True

    def shown(self) -> dict[str, Any]:
        return {"fault": self.kind, "seen": self.seen, "hits": self.hits, **self.options}


@dataclass(frozen=True)
class Facts:
    """What rules look at."""

    tenant: str | None
    method: str
    path: str
    query: str
    member: str | None = None
    role: str | None = None
    permissions: tuple[str, ...] = ()


def parse(document: Any) -> list[Rule]:
    entries = document if isinstance(document, list) else [document]
    rules = []
    for entry in entries:
        if not isinstance(entry, dict) or "fault" not in entry:
            raise FaultError(f"a rule is a mapping with 'fault', not {entry!r}")
        matchers = {name: value for name, value in entry.items() if name in MATCHERS and value is not None}
        options = {name: value for name, value in entry.items() if name not in MATCHERS and name != "fault"}
        kind = entry["fault"]
        if isinstance(kind, dict):
            options.update({name: value for name, value in kind.items() if name != "kind"})
            kind = kind.get("kind")
        if kind not in KINDS:
            raise FaultError(f"unknown fault {kind!r}; known are {', '.join(KINDS)}")
        unknown = sorted(set(options) - set(KINDS[kind]))
        if unknown:
            raise FaultError(
                f"fault {kind}: unknown {', '.join(unknown)}; known are {', '.join([*KINDS[kind], *MATCHERS])}"
            )
        for name in ("path", "query"):
            if name in matchers:
                matchers[name] = re.compile(str(matchers[name]), re.IGNORECASE)
        if "method" in matchers:
            matchers["method"] = str(matchers["method"]).upper()
        rules.append(Rule(kind=kind, options={**KINDS[kind], **options}, **matchers))
    return rules


@dataclass
class Faults:
    rules: list[Rule] = field(default_factory=list)

    def pick(self, request: Facts) -> Rule | None:
        """The first rule that matches and fires."""
        for rule in self.rules:
            if rule.matches(request) and rule.fires():
                return rule
        return None

    def history_wanted(self) -> float:
        """For how many seconds the past must be kept."""
        return max((float(rule.options["seconds"]) for rule in self.rules if rule.kind == "stale_read"), default=0.0)


def html(title: str, status: int) -> Reply:
    return Reply(status, HTML.format(title=title), {"Content-Type": "text/html; charset=utf-8"})


def status_reply(options: dict[str, Any]) -> Reply:
    """An answer of a status as the real server words it."""
    status, chosen = int(options["status"]), options["body"]
    if status == 429:
        return too_many(30 if options["retry_after"] is None else options["retry_after"])
    if status in (502, 503, 504) or chosen == "html":
        titles = {502: "502 Bad Gateway", 503: "Service Unavailable", 504: "504 Gateway Time-out"}
        reply = html(titles.get(status, f"Error {status}"), status)
    else:
        code, message = {
            400: ("InvalidObject", "object is invalid"),
            401: ("Unauthorized", "UserNotAuthenticated"),
            403: ("Security", "You do not have security permission to perform this action."),
            404: ("ConnectWiseApi", "The endpoint does not exist."),
            409: ("Conflict", "The record is in use."),
        }.get(status, ("ConnectWiseApi", TIMEOUT))
        if chosen == "pool":
            message = POOL
        elif chosen not in (None, "timeout"):
            message = str(chosen)
        reply = Reply(status, {"code": code, "message": message, "errors": None})
    if options["retry_after"] is not None:
        reply.headers["Retry-After"] = str(options["retry_after"])
    return reply


def quoting(options: dict[str, Any], done: Reply) -> Reply:
    """An error that quotes the answer there would have been, as json, text, page or redirect."""
    status, quoted = int(options["status"]), json.dumps(done.body)
    if options["form"] == "text":
        return Reply(status, quoted, {"Content-Type": "text/plain"})
    if options["form"] == "page":
        return html(escape(quoted), status)
    if options["form"] == "redirect":
        return Reply(status, quoted, {"Location": f"https://localhost/login?made={quote(quoted)}"})
    inner = [{"code": "Quoted", "message": quoted, "resource": "apiKey", "field": quoted}]
    return Reply(status, {"code": "InvalidObject", "message": f"invalid: {quoted}", "errors": inner})


def too_many(seconds: Any) -> Reply:
    message = f"Too many requests. Please try again in {seconds} seconds."
    return Reply(429, {"error": "ConnectWiseAPI", "message": message}, {"Retry-After": str(seconds)})
