# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can go wrong, as types. Every error names the tenant, the operation, what the server said and what to do now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ._redact import redact, redact_data

# The beginning of a line about something that a tenant does not show.
UNVERIFIED = "not verified: "
# Stands in remedies for the short name of the integration, which only the engine knows.
VENDOR = "<vendor>"
# What a terminal obeys, line breaks among them, and what turns the direction of a text: no server writes our lines.
_ILLEGIBLE = dict.fromkeys(
    (
        *range(32),
        *range(127, 160),
        0x2028,
        0x2029,
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
        *range(0xD800, 0xE000),
    ),
    " ",
)


def legible(text: object) -> str:
    """A text as it may stand in a message: on one line, without anything that a terminal obeys."""
    return str(text).translate(_ILLEGIBLE)


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith(("?", "!", "…")) else sentence.rstrip(".") + "."


class PsaError(Exception):
    """Base of all errors below the Ansible layer.

    problem: one sentence, what went wrong.
    remedy: one sentence, what the reader can do now.
    tenant, operation, said: filled in by the client, which knows them.
    data: further values for the task's result (never secrets).
    code: of the server, if it is a known one.
    unclear: whether the request may have made a key, although it failed.
    choice: the option to set, and a name of the tenant that it may have.
    limit: the option whose limit of time was reached, if that is what went wrong.
    """

    remedy = ""
    code = ""
    unclear = False
    choice: tuple[str, str] | None = None
    limit = ""

    def __init__(
        self,
        problem: str,
        *,
        remedy: str | None = None,
        tenant: str = "",
        operation: str = "",
        said: str = "",
        status: int | None = None,
        **data: Any,
    ) -> None:
        super().__init__(problem)
        self.problem = legible(problem)
        if remedy is not None:
            self.remedy = remedy
        self.tenant = tenant
        self.operation = operation
        self.said = legible(said)
        self.status = status
        self.data = data

    def __str__(self) -> str:
        where = ": ".join(part for part in (self.tenant and f"tenant {self.tenant}", self.operation) if part)
        sentences = [f"{where}: {self.problem}" if where else self.problem]
        if self.said:
            sentences.append(f'The server said: "{self.said}"')
        if self.remedy:
            sentences.append(f"What to do: {self.remedy}")
        return redact(legible(" ".join(_ended(sentence) for sentence in sentences)))

    def as_result(self) -> dict[str, Any]:
        """The error as the fields of a failed task."""
        error = {
            "kind": type(self).__name__,
            "problem": legible(self.problem),
            "tenant": legible(self.tenant),
            "operation": legible(self.operation),
            "server_said": legible(self.said),
            "remedy": legible(self.remedy),
            "status": self.status,
            **({"unclear": True} if self.unclear else {}),
            **({"choice": [legible(one) for one in self.choice]} if self.choice else {}),
            **({"limit": self.limit} if self.limit else {}),
        }
        return redact_data({"msg": str(self), "error": error, **self.data})


class InputError(PsaError):
    """An option has a value that can never work; nothing was sent."""


class UnknownName(InputError):
    """A name that the tenant does not know (function, table, level, reference)."""


class AmbiguousName(InputError):
    """A name that fits several things of the tenant."""


class NotOurs(PsaError):
    """A role or an API member that is not this integration's, so it is left as it is."""


class LevelNotOffered(InputError):
    """A level the row of the matrix does not offer, such as My."""


class ConnectionFailed(PsaError):
    """No connection was made, so nothing was sent."""

    remedy = "check the host name, the port, the proxy and the firewall between this controller and the tenant"


class TlsUntrusted(ConnectionFailed):
    """The server's certificate was not accepted."""

    remedy = "set ca_path (cw_ca_path) to the CA bundle that signed the server's certificate"


class DeadlinePassed(ConnectionFailed):
    """The time for the tenant was over before a request, so it was not sent."""

    limit = "deadline"
    remedy = (
        "find out what makes the tenant, or a gateway in front of it, so slow; or raise deadline (cw_deadline), then "
        "run again: every run continues from what it finds"
    )


class LostAnswer(PsaError):
    """The request was sent, its answer never came: whether it took effect is not known."""

    remedy = "run again: every task reads the tenant first and continues from what it finds"


class TooSlow(LostAnswer):
    """The answer had begun perhaps, and was not complete in the time a request may take."""

    remedy = (
        "find out what makes the tenant, or a gateway in front of it, so slow; or raise request_deadline "
        "(cw_request_deadline), then run again"
    )


class NotThePsa(PsaError):
    """Something answered, but not the REST API: a gateway, a maintenance page, a login page."""

    remedy = (
        "check that host is the API host of the tenant, and whether the service is under maintenance; then run again"
    )


class AnswerTooLarge(NotThePsa):
    """More than anybody asked for: reading it all would take the memory of this controller."""

    remedy = (
        "check that host is the API host of the tenant; if it really has that much to say, raise max_answer_mb "
        "(cw_max_answer_mb)"
    )


class ServerFailed(PsaError):
    """A 5xx of the server."""

    remedy = "run again later; if it stays, ask ConnectWise support"


class TransientFailure(ServerFailed):
    """A 5xx that passes by itself."""


class RateLimited(PsaError):
    """429, still after the retries."""

    remedy = "run with fewer forks or raise retries and retry_max_delay; a tenant takes about 1,000 calls a minute"


class AuthenticationFailed(PsaError):
    """The keys were refused."""

    remedy = (
        "check company_id (case-sensitive), public_key and private_key, and that the API member of these keys is active"
    )


class ClientIdRefused(PsaError):
    """The client id is missing or unknown."""

    remedy = (
        "set client_id (cw_client_id, CW_CLIENT_ID) to the client id registered at developer.connectwise.com/ClientID"
    )


class WrongAddress(PsaError):
    """Host, codebase or company do not belong together."""

    remedy = "check region or host, codebase and company_id"


class UserInterfaceHost(WrongAddress):
    """The host of the web client, which does not serve the API."""

    remedy = "set host to the API host, which begins with api- (such as api-na.myconnectwise.net), or set region"


class PermissionDenied(PsaError):
    """403: the role behind these keys lacks a permission. The server never says which."""

    remedy = "give the role of the API member that owns these keys the right for this operation"


class RouteNotOffered(PsaError):
    """404 "The endpoint does not exist." or 405: this tenant does not offer the operation."""

    remedy = (
        "this version of ConnectWise PSA does not offer the operation; check codebase and the product's version. "
        "On the cloud, wrong keys can look like this too"
    )


class RecordNotFound(PsaError):
    """The record does not exist."""

    remedy = "run again; it may have been removed meanwhile"


class InvalidRecord(PsaError):
    """The server refused the content of a record."""

    remedy = "correct the named fields"

    @property
    def codes(self) -> set[str]:
        return {str(inner.get("code")) for inner in self.data.get("errors") or [] if isinstance(inner, dict)}


class Conflict(PsaError):
    """409: the record is in use."""

    remedy = "take it out of use in ConnectWise PSA, then run again"


class NotApplied(PsaError):
    """The server accepted a write, and reading back showed that it did not take effect."""

    remedy = "run again; if it stays, make the change in the product and report the tenant's version"


class Unsupported(PsaError):
    """The tenant's API cannot make the change; `manual_steps` says how a person does."""

    remedy = "carry out the manual steps, then run again; or set on_unsupported: manual to let the play go on"


# After these a write may or may not have taken effect: look for the record, then decide.
UNCERTAIN = (LostAnswer, ServerFailed, NotThePsa)
# Of these, the ones that pass by themselves: when the effect is not there, the write is worth one more try.
PASSING = (LostAnswer, TransientFailure, NotThePsa)

# The tenant answers, and refuses, lacks or breaks the one operation.
_WITHHELD = (PermissionDenied, RouteNotOffered, RecordNotFound, ServerFailed, NotThePsa)
T = TypeVar("T")


def readable(read: Callable[[], T], *, proven: bool = False) -> tuple[T | None, PsaError | None]:
    """Return what a read finds, or the error of a tenant that withholds it. For reads that only verify.

    proven: another read shows whether the tenant accepts the keys, so that a 401 here is about the operation.
    """
    withheld = (*_WITHHELD, AuthenticationFailed) if proven else _WITHHELD
    try:
        return read(), None
    except withheld as problem:
        # What passes by itself, or is too much to read, says nothing about what the tenant offers.
        if isinstance(problem, (TransientFailure, AnswerTooLarge)):
            raise
        return None, problem


def unverified(what: str, problem: PsaError) -> str:
    """Return the line of a report for what could not be read."""
    details = ", ".join(filter(None, [str(problem.status or ""), f'"{problem.said}"' if problem.said else ""]))
    reason = f"{problem.operation}: {problem.problem}" if problem.operation else problem.problem
    return redact(f"{UNVERIFIED}{what}: {reason}{f' ({details})' if details else ''}")


def error_from(result: Mapping[str, Any]) -> PsaError:
    """The error of a failed task, from its result: as the module raised it, if it says so."""
    said = result.get("error") or {}
    if not said:
        return InputError(str(result.get("msg") or "the module failed and did not say why"))
    kinds = {kind.__name__: kind for kind in _kinds(PsaError)}
    kind = kinds.get(str(said.get("kind")), PsaError)
    problem = kind(
        str(said.get("problem") or ""),
        remedy=str(said.get("remedy") or ""),
        tenant=str(said.get("tenant") or ""),
        operation=str(said.get("operation") or ""),
        said=str(said.get("server_said") or ""),
        status=said.get("status"),
    )
    problem.unclear = bool(said.get("unclear"))
    option, *names = said.get("choice") or [""]
    problem.choice = (str(option), str(names[0])) if names else None
    problem.limit = str(said.get("limit") or "")
    return problem


def _kinds(kind: type[PsaError]) -> list[type[PsaError]]:
    return [kind, *(one for below in kind.__subclasses__() for one in _kinds(below))]
