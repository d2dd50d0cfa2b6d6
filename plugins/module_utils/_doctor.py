# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why does a tenant not work? One line for each thing that can be wrong, each standing on those before it."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from ._access import compare, member_of, read_access
from ._answers import error_of, is_transient
from ._client import Psa, Record
from ._connection import Connection, shown_key
from ._errors import (
    AuthenticationFailed,
    ClientIdRefused,
    ConnectionFailed,
    InputError,
    NotThePsa,
    PermissionDenied,
    PsaError,
    RateLimited,
    RouteNotOffered,
    TlsUntrusted,
    UserInterfaceHost,
    WrongAddress,
    legible,
)
from ._http import Answer, Http
from ._members import find_api_member
from ._resource import Names
from ._roles import reads_offered
from ._routes import Extensions

# Each stands on those before it: where one is wrong, what comes after it cannot be looked at.
CHECKS = (
    "options",
    "proxy",
    "name",
    "connection",
    "certificate",
    "service",
    "company",
    "clock",
    "host",
    "codebase",
    "client_id",
    "keys",
    "member",
    "level",
    "rights",
    "routes",
    "rate",
)
OK, WARNING, WRONG, UNKNOWN = "ok", "warning", "wrong", "unknown"
UNSEEN = "not looked at"
_CLOCK_LIMIT = 300  # seconds
_EXPIRES_SOON = 21  # days
_SLOW = 3.0  # seconds for one read


@dataclass
class Line:
    check: str
    status: str
    found: str
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        found, remedy = legible(self.found), legible(self.remedy)
        return {"check": self.check, "status": self.status, "found": found, "remedy": remedy}

    def __str__(self) -> str:
        return legible(
            f"{self.status:<8}{self.check}: {self.found}"
            + (f". What to do: {self.remedy}" if self.remedy and self.status != OK else "")
        )


class _Stop(Exception):
    """What is wrong keeps the rest from being looked at."""


@dataclass
class Diagnosis:
    lines: list[Line] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    def add(self, check: str, found: str, *, status: str = OK, remedy: str = "") -> None:
        self.lines.append(Line(check, status, found, remedy))

    def wrong(self, check: str, problem: PsaError) -> None:
        said = f' (the server said: "{problem.said}")' if problem.said else ""
        self.add(check, problem.problem + said, status=WRONG, remedy=problem.remedy)

    @property
    def healthy(self) -> bool:
        return not any(line.status == WRONG for line in self.lines)

    def finished(self) -> Diagnosis:
        """With a line for what could not be looked at, in the order of the checks."""
        seen = {line.check for line in self.lines}
        first = next((line.check for line in self.lines if line.status == WRONG), "")
        for check in CHECKS:
            if check not in seen:
                self.add(check, f"{UNSEEN}: {first} comes first", status=UNKNOWN)
        self.lines.sort(key=lambda line: CHECKS.index(line.check))
        return self

    def report(self) -> list[str]:
        """A line for each check; what was not looked at shares the last one."""
        unseen = [line for line in self.lines if line.found.startswith(UNSEEN)]
        lines = [str(line) for line in self.lines if line not in unseen]
        if unseen:
            lines.append(str(Line(", ".join(line.check for line in unseen), UNKNOWN, unseen[0].found)))
        return lines

    @contextmanager
    def attempt(self, place: Callable[[PsaError], str], *passed: str) -> Iterator[None]:
        """Run something that shows what is wrong by its error; `passed`: the checks that its error leaves behind it."""
        started = time.monotonic()
        try:
            yield
        except PsaError as problem:
            check = place(problem)
            for one in passed:
                if CHECKS.index(one) < CHECKS.index(check):
                    self.add(one, "good, as far as the answer shows")
            self.wrong(check, problem)
            raise _Stop from None
        finally:
            self.times.append(time.monotonic() - started)


def _place(problem: PsaError, proxy: str) -> str:
    """The check that an error belongs to."""
    if isinstance(problem, ConnectionFailed) and not isinstance(problem, TlsUntrusted):
        return "proxy" if proxy else "connection"
    table: list[tuple[type[PsaError], str]] = [
        (TlsUntrusted, "certificate"),
        (UserInterfaceHost, "host"),
        (WrongAddress, "codebase"),
        (ClientIdRefused, "client_id"),
        (AuthenticationFailed, "keys"),
        (PermissionDenied, "rights"),
        (RateLimited, "rate"),
        (NotThePsa, "host"),
        (RouteNotOffered, "codebase"),
        (InputError, "certificate"),
    ]
    return next((check for kind, check in table if isinstance(problem, kind)), "service")


def refused_options(problem: PsaError) -> Diagnosis:
    """The diagnosis where the options do not even give a connection."""
    diagnosis = Diagnosis()
    diagnosis.wrong("options", problem)
    return diagnosis.finished()


def diagnose(
    connection: Connection,
    permissions: Mapping[str, Any],
    customize: Mapping[str, Any],
    routes: Mapping[str, Any] | None = None,
) -> Diagnosis:
    """Look at a tenant from the outside in. Reads only; a failure is told as it is, without another try."""
    diagnosis = Diagnosis()
    psa = Psa(connection, Http(replace(connection.policy, retries=0), is_transient))
    with psa, suppress(_Stop):
        _look(psa, diagnosis, permissions, customize, routes)
    return diagnosis.finished()


def _look(
    psa: Psa,
    diagnosis: Diagnosis,
    permissions: Mapping[str, Any],
    customize: Mapping[str, Any],
    routes: Mapping[str, Any] | None,
) -> None:
    connection = psa.connection
    diagnosis.add("options", f"{psa.tenant}, key {shown_key(connection.public_key)}")
    proxy = _proxy(connection, diagnosis)
    _reach(connection, diagnosis, proxy)
    place = partial(_place, proxy=proxy)
    _company(psa, diagnosis, place)
    with diagnosis.attempt(place, "host", "codebase", "client_id", "keys"):
        info = psa.get("/system/info")
    cloud = "on the cloud" + (f", region {info['cloudRegion']}" if info.get("cloudRegion") else "")
    diagnosis.add("host", f"the REST API, {cloud if psa.is_cloud else 'on premises'}")
    diagnosis.add("codebase", f"{psa.codebase} answers; the product is {info.get('version')}")
    diagnosis.add("client_id", "accepted")
    with diagnosis.attempt(place, "keys"):
        settings, items = read_access(psa)
    diagnosis.add("keys", "accepted")
    _member(psa, diagnosis, member_of(settings))
    _rights(psa, diagnosis, settings, items, permissions, customize)
    _routes(psa, diagnosis, routes)
    _rate(psa, diagnosis)


def _without_password(url: str) -> str:
    parts = urlsplit(url if "://" in url else f"http://{url}")
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _proxy(connection: Connection, diagnosis: Diagnosis) -> str:
    """The proxy the environment sends this connection through; empty when there is none."""
    import requests.utils  # here, where it is known to be installed

    url = f"https://{connection.host}/"
    chosen = requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url))
    if chosen:
        diagnosis.add("proxy", f"the environment sends this connection through {_without_password(chosen)}")
        return str(chosen)
    diagnosis.add("proxy", "none")
    return ""


def _reach(connection: Connection, diagnosis: Diagnosis, proxy: str) -> None:
    """Name, connection and certificate; through a proxy the last two show in the first request."""
    target = (
        urlsplit(proxy if "://" in proxy else f"http://{proxy}") if proxy else urlsplit(f"https://{connection.host}")
    )
    host, port = target.hostname or "", target.port or (443 if target.scheme == "https" else 80)
    try:
        found = sorted({str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)})
    except (OSError, UnicodeError) as problem:
        diagnosis.add(
            "proxy" if proxy else "name",
            f"the host name {host} is not known ({problem})",
            status=WRONG,
            remedy="check HTTPS_PROXY of the controller"
            if proxy
            else "check region or host for a typing mistake, and the DNS of the controller",
        )
        raise _Stop from None
    whose = "the proxy " if proxy else ""
    diagnosis.add("name", f"{whose}{host} is {', '.join(found)}")
    limit = min(10.0, connection.policy.timeout)
    try:
        opened = socket.create_connection((host, port), timeout=limit)
    except OSError as problem:
        diagnosis.add(
            "proxy" if proxy else "connection",
            f"{whose}{host} port {port} cannot be reached ({problem})",
            status=WRONG,
            remedy="check HTTPS_PROXY and NO_PROXY of the controller" if proxy else ConnectionFailed.remedy,
        )
        raise _Stop from None
    with opened:
        diagnosis.add("connection", f"{whose}{host} port {port} can be reached")
        if not proxy and connection.policy.verify is not False:
            _certificate(opened, host, connection, diagnosis)


def _certificate(opened: socket.socket, host: str, connection: Connection, diagnosis: Diagnosis) -> None:
    """How long the certificate holds. What is wrong with it is left to the first request, which says so better."""
    import requests.adapters  # here, where it is known to be installed

    bundle = (
        connection.policy.verify
        if isinstance(connection.policy.verify, str)
        else requests.adapters.DEFAULT_CA_BUNDLE_PATH
    )
    try:
        context = ssl.create_default_context(cafile=bundle)
        with context.wrap_socket(opened, server_hostname=host) as secured:
            until = str((secured.getpeercert() or {}).get("notAfter") or "")
        days = int((ssl.cert_time_to_seconds(until) - time.time()) // 86400)
    except (OSError, ValueError):
        return
    if days < _EXPIRES_SOON:
        diagnosis.add(
            "certificate",
            f"trusted, but it ends on {until}",
            status=WARNING,
            remedy="have the server's certificate renewed",
        )
    else:
        diagnosis.add("certificate", f"trusted, until {until}")


def _company(psa: Psa, diagnosis: Diagnosis, place: Callable[[PsaError], str]) -> None:
    def of_first_request(problem: PsaError) -> str:
        return "company" if isinstance(problem, WrongAddress) else place(problem)

    with diagnosis.attempt(of_first_request, "certificate", "service"):
        answer = psa.ask_company()
        if answer.status >= 400:
            raise error_of(answer)
        company = psa.company_info()
    if not any(line.check == "certificate" for line in diagnosis.lines):
        if psa.connection.policy.verify is False:
            remedy = "set ca_path to the CA of the server instead of validate_certs: false"
            diagnosis.add("certificate", "not verified: validate_certs is false", status=WARNING, remedy=remedy)
        else:
            diagnosis.add("certificate", "trusted")
    diagnosis.add("service", "answers")
    diagnosis.add("company", f"{company.get('CompanyName')}, {company.get('VersionNumber')}")
    _clock(answer, diagnosis)
    site = str(company.get("SiteUrl") or "").removeprefix("https://").strip("/")
    if site and psa.is_cloud and site.lower() != psa.connection.host.lower():
        diagnosis.add(
            "host",
            f"the company's own site is {site}",
            status=WARNING,
            remedy=f"set host to {site} if {psa.connection.host} does not serve this company",
        )


def _clock(answer: Answer, diagnosis: Diagnosis) -> None:
    try:
        theirs = parsedate_to_datetime(answer.headers.get("Date", "")).timestamp()
    except (TypeError, ValueError, OverflowError):
        diagnosis.add("clock", "the server tells no time", status=UNKNOWN)
        return
    apart = round(time.time() - theirs)
    if abs(apart) <= _CLOCK_LIMIT:
        diagnosis.add("clock", f"{abs(apart)} s from the server's")
        return
    direction = "ahead of" if apart > 0 else "behind"
    diagnosis.add(
        "clock",
        f"the controller's clock is {abs(apart)} s {direction} the server's",
        status=WRONG,
        remedy="let the controller take its time from NTP: certificates, key ages and leases depend on it",
    )


def _member(psa: Psa, diagnosis: Diagnosis, identifier: str) -> None:
    """Who the keys belong to. An inactive member's keys are refused, so one that answers is active."""
    try:
        member = find_api_member(psa, identifier)
        top = Names(psa).top_level()
    except PsaError as problem:
        diagnosis.add("member", f"{identifier}, active")
        diagnosis.add("level", f"cannot be read: {problem.problem}", status=UNKNOWN, remedy=problem.remedy)
        return
    if member is None:
        diagnosis.add("member", f"{identifier}, active, a member of its own and not an API member")
        diagnosis.add("level", "only an API member's level is looked at", status=UNKNOWN)
        return
    role = (member.get("securityRole") or {}).get("name")
    diagnosis.add("member", f"{identifier}, active, with the role {role}")
    level = member.get("structureLevel") or {}
    if level.get("id") == top.get("id"):
        diagnosis.add("level", f"{level.get('name')}, the highest")
        return
    diagnosis.add(
        "level",
        f"{identifier} stands at {level.get('name')}, below {top.get('name')}: records are invisible to it",
        status=WRONG,
        remedy=f"in System > Members > API Members > {identifier} set Level to {top.get('name')}",
    )


def _rights(
    psa: Psa,
    diagnosis: Diagnosis,
    settings: list[Record],
    items: list[Record],
    permissions: Mapping[str, Any],
    customize: Mapping[str, Any],
) -> None:
    """What this collection needs for its own work, right by right."""
    try:
        access = compare(settings, items, permissions, customize, Names(psa), lenient=True)
    except PsaError as problem:
        diagnosis.wrong("rights", problem)
        return
    menu = f"in System > Security Roles, in the role of {access.member},"
    for one in access.missing:
        level, wanted = one["level"].capitalize(), one["wanted"]
        diagnosis.add(
            "rights",
            f"{one['module']} / {one['function']} has {level} {one['actual']}, needed is {wanted}",
            status=WRONG,
            remedy=f"{menu} set {level} Level of {one['function']} ({one['module']}) to {wanted}",
        )
    for one in access.missing_items:
        diagnosis.add(
            "rights",
            f"{one['function']} does not allow {one['item']}",
            status=WRONG,
            remedy=f"{menu} click (customize) at {one['function']} and move {one['item']} to the Allow list",
        )
    if access.missing or access.missing_items:
        return
    if access.excess:
        diagnosis.add(
            "rights",
            f"all that is needed, and {len(access.excess)} levels more",
            status=WARNING,
            remedy="give the keys a member with the rights of the role msp.connectwise.cw_admin and no others",
        )
    else:
        diagnosis.add("rights", "exactly what is needed")


def _routes(psa: Psa, diagnosis: Diagnosis, routes: Mapping[str, Any] | None) -> None:
    """Which of the operations that are not published this tenant offers, as far as reading shows."""
    try:
        extensions = Extensions(psa, routes)
        lists, keys = reads_offered(psa, extensions)
    except PsaError as problem:
        diagnosis.add("routes", f"cannot be read: {problem.problem}", status=UNKNOWN, remedy=problem.remedy)
        return
    offered = [name for name, there in (("Customize lists", lists), ("API keys", keys)) if there]
    missing = [name for name, there in (("Customize lists", lists), ("API keys", keys)) if not there]
    told = [f"offered: {', '.join(offered)}"] if offered else []
    told += [f"not offered, so changes are manual steps: {', '.join(missing)}"] if missing else []
    diagnosis.add("routes", "; ".join(told))


def _rate(psa: Psa, diagnosis: Diagnosis) -> None:
    """Four reads at a time, as the modules make them."""

    def read() -> float:
        started = time.monotonic()
        psa.get("/system/info")
        return time.monotonic() - started

    with diagnosis.attempt(lambda _problem: "rate"):
        times = sorted(psa.together([read] * 4))
    slowest = times[-1]
    if slowest > _SLOW:
        remedy = "raise timeout (cw_timeout), and lower forks if many tenants are worked on at once"
        diagnosis.add("rate", f"a read took {slowest:.1f} s", status=WARNING, remedy=remedy)
    else:
        diagnosis.add("rate", f"4 reads at once, the slowest in {slowest * 1000:.0f} ms")
