# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why does a tenant not work? One line for each thing that can be wrong, each depending on those before it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import replace
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

from ._access import Own, compare, read_access
from ._answers import error_of, is_transient
from ._client import Psa
from ._connection import Connection, shown_key
from ._diagnosis import UNKNOWN, WARNING, WRONG, Diagnosis, Stop
from ._doctor_network import proxy_of, reach
from ._errors import (
    UNVERIFIED,
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
    unverified,
)
from ._http import Answer, Http
from ._members import find_api_member
from ._names import counted
from ._resource import Names
from ._roles import reads_offered
from ._routes import Extensions

_CLOCK_LIMIT = 300  # seconds
_SLOW = 3.0  # seconds for one read


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
    """The diagnosis if the options do not even give a connection."""
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
    with closing(Http(replace(connection.policy, retries=0), is_transient)) as http, suppress(Stop):
        _look(Psa(connection, http), diagnosis, permissions, customize, routes)
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
    proxy = proxy_of(connection, diagnosis)
    reach(connection, diagnosis, proxy)
    place = partial(_place, proxy=proxy)
    _company(psa, diagnosis, place)
    with diagnosis.attempt(place, "host", "codebase", "client_id", "keys"):
        info = psa.get("/system/info")
    cloud = "on the cloud" + (f", region {info['cloudRegion']}" if info.get("cloudRegion") else "")
    diagnosis.add("host", f"the REST API, {cloud if psa.is_cloud else 'on premises'}")
    diagnosis.add("codebase", f"{psa.codebase} answers; the product is {info.get('version')}")
    diagnosis.add("client_id", "accepted")
    with diagnosis.attempt(place, "keys"):
        own = read_access(psa)
    diagnosis.add("keys", "accepted")
    _member(psa, diagnosis, own)
    _rights(psa, diagnosis, own, permissions, customize)
    _routes(psa, diagnosis, routes)
    _rate(psa, diagnosis)


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


def _member(psa: Psa, diagnosis: Diagnosis, own: Own) -> None:
    """Who the keys belong to. An inactive member's keys are refused, so one that answers is active."""
    identifier, hidden = own.member, own.why_settings
    if hidden is not None:
        diagnosis.add("member", unverified("whose the keys are", hidden), status=UNKNOWN, remedy=hidden.remedy)
        diagnosis.add("level", f"{UNVERIFIED}the tenant does not tell whose the keys are", status=UNKNOWN)
        return
    try:
        member, names = find_api_member(psa, identifier), Names(psa)
        top = names.top_level()
    except PsaError as problem:
        diagnosis.add("member", f"{identifier}, active")
        found = unverified(f"the level of {identifier}", problem)
        diagnosis.add("level", found, status=UNKNOWN, remedy=problem.remedy)
        return
    if member is None:
        diagnosis.add("member", f"{identifier}, active, a member of its own and not an API member")
        diagnosis.add("level", "only an API member's level is looked at", status=UNKNOWN)
        return
    role = (member.get("securityRole") or {}).get("name")
    diagnosis.add("member", f"{identifier}, active, with the role {role}")
    level = member.get("structureLevel") or {}
    if level.get("id") is None:
        found = f"{UNVERIFIED}the level of {identifier}: its record does not show it"
        remedy = f"look at it in System > Members > API Members > {identifier}; it has to be {top.get('name')}"
        diagnosis.add("level", found, status=UNKNOWN, remedy=remedy)
        return
    if level.get("id") == top.get("id"):
        for line in names.unverified:
            diagnosis.add("level", f"{line}; the highest of those is {top.get('name')}", status=UNKNOWN)
        if not names.unverified:
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
    own: Own,
    permissions: Mapping[str, Any],
    customize: Mapping[str, Any],
) -> None:
    """What this collection needs for its own work, right by right."""
    try:
        access = compare(own, permissions, customize, Names(psa), lenient=True)
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
    for line in access.unverified:
        remedy = next(one.remedy for one in (own.why_settings, own.why_items) if one is not None)
        diagnosis.add("rights", line, status=UNKNOWN, remedy=remedy)
    if access.missing or access.missing_items or own.settings is None:
        return
    if access.excess:
        diagnosis.add(
            "rights",
            f"all that is needed, and {counted(len(access.excess), 'level')} more",
            status=WARNING,
            remedy="give the keys a member with the rights of the role msp.connectwise.cw_admin and no others",
        )
    elif not access.unverified:
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
