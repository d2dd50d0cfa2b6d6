# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests over one kept-alive session: TLS, limits, retries. Knows HTTP, nothing of ConnectWise."""

from __future__ import annotations

import json as jsonlib
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urljoin, urlsplit

from ._errors import (
    ConnectionFailed,
    DeadlinePassed,
    InputError,
    LostAnswer,
    NotThePsa,
    PsaError,
    TlsUntrusted,
    TooSlow,
)
from ._http_errors import translated, unreadable
from ._patience import Deadline, Limit, pause, waiting
from ._redact import beginning
from ._strict_json import NotJson, parsed, weight
from ._wire import CONNECTING, ENCODINGS, Adapter, Budget, Session, read_body, spending, too_large

try:
    import requests
    import requests.adapters
    import urllib3
except ImportError as missing:
    REQUESTS_MISSING: str | None = str(missing)
else:
    REQUESTS_MISSING = None

# The live limit: 12 parallel calls trip the rate limit of a tenant, 4 do not.
PARALLEL = 4
_READS = frozenset({"GET", "HEAD"})
_BACKOFF_START = 0.5  # seconds
_MAX_REDIRECTS = 5
_TEXT_KEPT = 4096  # characters of a body that are looked at and quoted, beside its JSON
_MEGABYTE = 1_000_000
_WRITE_ANSWER = _MEGABYTE  # to a write; several are on their way at once


@dataclass(frozen=True)
class Policy:
    """How patient the transport is. Times in seconds; retries counts the tries after the first.

    timeout: of each read; request_deadline: of one request from its first byte to the last of its answer; deadline: of
    all requests of a task, or of a run that works on a tenant as a whole. max_answer_mb: size of an answer, unpacked.
    """

    timeout: float = 30.0
    retries: int = 4
    max_delay: float = 60.0
    verify: bool | str = True
    request_deadline: float = 120.0
    deadline: float = 600.0
    max_answer_mb: float = 12.0

    @property
    def max_answer(self) -> int:
        return int(self.max_answer_mb * _MEGABYTE)


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; `data` is its JSON, or None if the body is not JSON (`defect` may say more about that).

    text: the first few KiB of the body, which are all that is ever matched and quoted. size: what it takes in memory.
    no_time: why it was not asked for again, if that is because the deadline is near.
    """

    status: int
    headers: Mapping[str, str]
    text: str
    data: Any
    is_json: bool
    defect: str = ""
    size: int = 0
    no_time: str = ""

    @classmethod
    def of(cls, status: int, headers: Mapping[str, str], body: bytes | bytearray, secret: str | None = None) -> Answer:
        """secret: what a server that sends back what it was sent must not bring into a message."""
        size = weight(body)
        # JSON is UTF-8, also if the type names no charset and requests would guess one from the bytes.
        try:
            text, defect = body.decode(), ""
        except UnicodeDecodeError:
            text, defect = body[:_TEXT_KEPT].decode(errors="replace"), "its bytes are not UTF-8"
        if not defect and b"\0" in body[:4]:
            defect = "it is UTF-16 or UTF-32, and JSON is UTF-8"
        if secret and secret in text:
            text = text.replace(secret, "********")
        try:
            data = None if defect else parsed(text.removeprefix("\ufeff"))
        except NotJson as problem:
            defect = problem.why
            return cls(status, headers, beginning(text, _TEXT_KEPT), None, False, defect, size)
        return cls(status, headers, text[:_TEXT_KEPT], data, not defect, defect, size)


def _with_authorization(value: str | None) -> Callable[[requests.PreparedRequest], requests.PreparedRequest]:
    """Sends the header it is given; an explicit auth also keeps requests from reading a .netrc."""

    def add(request: requests.PreparedRequest) -> requests.PreparedRequest:
        if value:
            request.headers["Authorization"] = value
        return request

    return add


def retry_after(headers: Mapping[str, str], now: Callable[[], float] = time.time) -> float | None:
    """The seconds a Retry-After header asks for (a number or a date), or None."""
    value = (headers.get("Retry-After") or "").strip()
    if not value or len(value) > 60:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now())
    except (TypeError, ValueError, OverflowError):
        return None


class Http:
    """One session, for a task or for a run that works on a tenant as a whole.

    transient: tells whether an answer is worth another try (a question of the API, so the client brings it).
    deadline: of the tenant, if others share it.
    """

    def __init__(
        self,
        policy: Policy,
        transient: Callable[[Answer], bool],
        *,
        deadline: Deadline | None = None,
        sleep: Callable[[float], None] = pause,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        if REQUESTS_MISSING:
            raise InputError(
                f"the Python library requests is missing ({REQUESTS_MISSING})",
                remedy="install requests for the Python that runs this task",
            )
        self.policy = policy
        self._transient = transient
        self._sleep = sleep
        self._jitter = jitter
        self._session = Session()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = Adapter(pool_connections=2, pool_maxsize=PARALLEL, max_retries=0)
        self._session.mount("https://", adapter)
        self._shares = deadline is not None
        self.deadline = deadline or Deadline(policy.deadline)
        self.deadline.start()
        if policy.verify is False:
            # Somebody chose so; a warning for every request would bury what matters.
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

    def begin(self) -> None:
        """Restart the deadline, unless it is that of a whole run."""
        if not self._shares:
            self.deadline.restart()

    def close(self) -> None:
        self._session.close()

    def request(
        self,
        method: str,
        url: str,
        *,
        authorization: str | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        form: bytes | None = None,
    ) -> Answer:
        """Send; retry reads on what passes by itself, writes only if nothing can have happened.

        Raises ConnectionFailed, DeadlinePassed, TlsUntrusted, LostAnswer, TooSlow, NotThePsa, AnswerTooLarge.
        """
        last, answered = self.policy.retries, False
        for attempt in range(last + 1):
            problem: PsaError | None = None
            asked = None
            try:
                answer = self._once(method, url, authorization, headers, params, json, form)
            except (TlsUntrusted, NotThePsa, TooSlow, DeadlinePassed) as failed:
                failed.unclear = answered
                raise
            except ConnectionFailed as failed:
                problem = failed
            except LostAnswer as lost:
                if method not in _READS:
                    raise
                problem = lost
            else:
                if answer.status != 429 and not (method in _READS and self._transient(answer)):
                    return answer
                asked = retry_after(answer.headers)
                answered = method not in _READS
            wait = self._delay(attempt, asked)
            no_time = "" if attempt == last else self._no_time_for(wait)
            if attempt == last or no_time:
                if problem is None:
                    return replace(answer, no_time=no_time)
                problem.unclear = answered
                raise _with_deadline(problem, no_time)
            self._sleep(wait)
        raise AssertionError("the loop above returns or raises")

    def _no_time_for(self, wait: float) -> str:
        """Why there is no other try after that wait; empty if there is time for one."""
        if time.monotonic() + wait < self.deadline.until:
            return ""
        return f"{self.deadline.limit} leaves no other try"

    def _delay(self, attempt: int, asked: float | None) -> float:
        """What the server asked for, or twice as long each time; capped, and spread so that a fleet is not in step."""
        wait = _BACKOFF_START * 2.0**attempt if asked is None else asked
        spread = self._jitter()
        if asked is None:
            wait *= 0.5 + 0.5 * spread
        else:
            wait += 0.1 * spread * max(wait, 1.0)
        return min(wait, self.policy.max_delay)

    def _once(
        self,
        method: str,
        url: str,
        authorization: str | None,
        headers: Mapping[str, str] | None,
        params: Mapping[str, Any] | None,
        json: Any,
        form: bytes | None,
    ) -> Answer:
        hops = 0
        budget = self._budget(method)
        while True:
            with waiting(), self.deadline.asking(f"{method} {urlsplit(url).path}"):
                try:
                    with spending(budget):
                        answer = self._sent(budget, method, url, authorization, headers, params, json, form)
                except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as problem:
                    raise translated(problem, self.policy.verify, budget) from problem
                except OSError as problem:
                    # requests and urllib3 wrap what the network does; what is left concerns the CA bundle.
                    raise unreadable(self.policy.verify, problem) from problem
            if answer.status not in (301, 302, 303, 307, 308):
                return answer
            target = _target(url, answer.headers.get("Location", ""))
            hops += 1
            if method not in _READS or hops > _MAX_REDIRECTS or not _same_server(url, target):
                raise NotThePsa(
                    f"the server redirects to {beginning(target, 200) or 'nowhere'}",
                    remedy="use the API host itself as host, not an address that redirects",
                    status=answer.status,
                )
            url, params = target, None

    def _budget(self, method: str) -> Budget:
        """What one request may take, its redirects included."""
        now, end = time.monotonic(), self.deadline.until
        if now >= end:
            raise self.deadline.passed()
        limit = Limit("request_deadline", self.policy.request_deadline)
        if now + limit.seconds >= end:
            limit = self.deadline.limit
        until = min(now + self.policy.request_deadline, end)
        size = self.policy.max_answer
        return Budget(until, self.policy.timeout, size if method in _READS else min(size, _WRITE_ANSWER), limit)

    def _sent(
        self,
        budget: Budget,
        method: str,
        url: str,
        authorization: str | None,
        headers: Mapping[str, str] | None,
        params: Mapping[str, Any] | None,
        json: Any,
        form: bytes | None,
    ) -> Answer:
        wait = budget.seconds()
        with self._session.request(
            method,
            url,
            auth=_with_authorization(authorization),
            headers={"Accept-Encoding": ENCODINGS, **(headers or {})},
            params=params,
            data=jsonlib.dumps(json) if json is not None else form,
            timeout=(min(CONNECTING, wait), wait),
            allow_redirects=False,
            # Given with every request: REQUESTS_CA_BUNDLE of the environment would win over session.verify.
            verify=self.policy.verify,
            stream=True,
        ) as response:
            body = read_body(response, budget)
            status, found = response.status_code, response.headers
        if status < 400 and weight(body) > budget.size:
            raise too_large(budget.size)
        return Answer.of(status, found, body, (authorization or "").rpartition(" ")[2])


def _with_deadline(problem: PsaError, no_time: str) -> PsaError:
    """The error of the last try; with the deadline, if it was that which left no other one."""
    if no_time and problem.limit != "deadline":
        problem.problem += f"; {no_time}"
        problem.limit, problem.remedy = "deadline", DeadlinePassed.remedy
    return problem


def _target(url: str, location: str) -> str:
    """Where a redirect leads; unchanged if that is no address."""
    try:
        return urljoin(url, location)
    except ValueError:
        return location


def _same_server(url: str, target: str) -> bool:
    try:
        here, there = urlsplit(url), urlsplit(target)
    except ValueError:
        return False
    return there.scheme == "https" and here.netloc == there.netloc
