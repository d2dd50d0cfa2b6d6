# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client of one tenant: addresses, credentials, paging, and errors that say what to do."""

from __future__ import annotations

import base64
import copy
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from ._answers import data_of, error_of, is_transient
from ._connection import CODEBASE, DEFAULT_CODEBASE, Connection, shown_key
from ._errors import (
    AuthenticationFailed,
    NotThePsa,
    PermissionDenied,
    PsaError,
    RecordNotFound,
    RouteNotOffered,
    UserInterfaceHost,
    WrongAddress,
)
from ._http import PARALLEL, Answer, Http
from ._patience import alone, pause, with_this_permit
from ._redact import HIDDEN, beginning, register
from ._rights import right_for
from ._shapes import identified
from ._wire import too_large

Record = dict[str, Any]
Records = list[Record]
Results = list[Any]
PAGE_SIZE = 1000  # the most the API gives in one page
# Of 1,000 records each, where the tenant gives as many; whoever gives fewer and fewer does not keep us long.
_MAX_PAGES = 200
_NOT_YET = (0.3, 0.8, 1.6)  # seconds between looks for a record that was written just now


def quoted(value: object) -> str:
    """One segment of a path."""
    return quote(str(value), safe="")


class Psa:
    """One tenant through one pair of keys.

    Errors of its methods: the types of _errors, each with tenant, operation, the server's words and a remedy.
    """

    def __init__(self, connection: Connection, http: Http | None = None) -> None:
        self.connection = connection
        register(connection.private_key)
        # A session of the caller's stays open.
        self._shared = http is not None
        self._http = http or Http(connection.policy, is_transient)
        self._codebase = None if connection.codebase == "auto" else connection.codebase
        self._company: Record | None = None
        self._asking = threading.Lock()
        # The last failure to learn about the company, for those who were waiting for the same answer.
        self._no_company: PsaError | None = None
        # Whether the tenant has ever answered these keys with a success.
        self._accepted = False
        token = f"{connection.company_id}+{connection.public_key}:{connection.private_key}"
        self._authorization = "Basic " + base64.b64encode(token.encode()).decode()

    def __enter__(self) -> Psa:
        return self

    def __exit__(self, *_exception: object) -> None:
        if not self._shared:
            self._http.close()

    def with_keys(self, public_key: str, private_key: str) -> Psa:
        """The same tenant and session with other keys, to see what those may do."""
        other = Psa(self.connection.with_keys(public_key, private_key), self._http)
        other._codebase, other._company = self._codebase, self._company
        return other

    def begin(self) -> None:
        """Restart the deadline, unless it is that of a whole run: what comes now is a task of its own."""
        self._http.begin()

    @property
    def tenant(self) -> str:
        return self.connection.tenant

    @property
    def _company_path(self) -> str:
        return f"/login/companyinfo/{quoted(self.connection.company_id)}"

    def ask_company(self) -> Answer:
        """The bare answer to `GET /login/companyinfo/{company}`, the one address that takes no keys."""
        url = f"https://{self.connection.host}{self._company_path}"
        return self._http.request("GET", url, headers=_ACCEPT_JSON)

    def company_info(self) -> Record:
        """`GET /login/companyinfo/{company}`, without keys: CompanyName, Codebase, SiteUrl, IsCloud, … (read once)."""
        before = self._no_company
        with self._asking, self._context("GET", self._company_path, explain=False):
            if self._company is None:
                if self._no_company is not None and self._no_company is not before:
                    raise copy.copy(self._no_company)
                try:
                    self._company = self._asked_company()
                except PsaError as problem:
                    self._no_company = problem
                    raise
        return self._company

    def _asked_company(self) -> Record:
        found = data_of(self.ask_company())
        if found is None:
            raise WrongAddress(
                f'the company id "{self.connection.company_id}" is not known at this host',
                remedy="check company_id (case-sensitive, as typed at the login page) and region or host",
            )
        if not isinstance(found, dict):
            raise NotThePsa("the answer is not a company's information")
        return found

    @property
    def codebase(self) -> str:
        if self._codebase is None:
            self._codebase = self._offered_codebase() or DEFAULT_CODEBASE
        return self._codebase

    def _offered_codebase(self) -> str:
        """The codebase that companyinfo names; it becomes part of every address, so it has to be one."""
        found = str(self.company_info().get("Codebase") or "").strip("/")
        if found and not CODEBASE.fullmatch(found):
            raise WrongAddress(
                f'the tenant names "{beginning(found, 60)}" as its codebase, which is none',
                remedy="set codebase (cw_codebase) to v4_6_release, and find out who answers at this host",
                tenant=self.tenant,
                operation=f"GET {self._company_path}",
            )
        return found

    @property
    def is_cloud(self) -> bool:
        return str(self.company_info().get("IsCloud")).lower() == "true"

    def get(self, path: str, **params: Any) -> Record:
        """One record."""
        with self._context("GET", path):
            answer = self._send("GET", path, params, None, None)
            record = data_of(answer)
            if not isinstance(record, dict):
                raise NotThePsa("the answer is not a record", status=answer.status)
            return record

    def post(self, path: str, body: Any) -> Any:
        return self._call("POST", path, body=body)

    def patch(self, path: str, fields: Mapping[str, Any]) -> Any:
        """Replace whole top-level fields; a path inside an object can answer 200 and change nothing."""
        return self._call("PATCH", path, body=patch_operations(fields))

    def delete(self, path: str) -> None:
        self._call("DELETE", path)

    def list(self, path: str, **params: Any) -> Records:
        """All records of a list, over as many pages as it takes."""
        return list(self._pages(path, params))

    def _pages(self, path: str, params: Mapping[str, Any]) -> Iterator[Record]:
        page, size, before = 1, 0, Records()
        while True:
            with self._context("GET", path):
                answer = self._send("GET", path, {**params, "pageSize": PAGE_SIZE, "page": page}, None, None)
                records = data_of(answer)
                if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
                    raise NotThePsa("the answer is not a list of records", status=answer.status)
                if "fields" not in params:
                    identified(path, records, answer.status)
                size += answer.size
                if size > self.connection.policy.max_answer:
                    raise too_large(self.connection.policy.max_answer, "list")
            if page > 1 and records == before:
                return  # the list has no pages: it gives the whole of it each time
            yield from records
            # Something on the way may strip the Link header: then a full page means that there may be another.
            link = answer.headers.get("Link")
            if 'rel="next"' not in link if link else len(records) < PAGE_SIZE:
                return
            page, before = page + 1, records
            if page > _MAX_PAGES:
                raise NotThePsa(
                    f"the list does not end after {_MAX_PAGES} pages", tenant=self.tenant, operation=f"GET {path}"
                )

    def call(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        form: bytes | None = None,
        site: bool | str = False,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Any operation; `site` takes the path from below the codebase, "root" from the host itself, not the API."""
        return self._call(method, path, body=body, form=form, site=site, headers=headers)

    def exchange(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        form: bytes | None = None,
        site: bool | str = False,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The same for an answer that need not be JSON: any success, as it came."""
        with self._context(method, path):
            answer = self._send(method, path, None, body, form, site, headers)
            if not 200 <= answer.status < 300:
                raise error_of(answer)
            return answer

    def together(self, calls: Iterable[Callable[[], Any]]) -> Results:
        """Run callables over a few parallel connections; the results in order, the first error raised at the end."""
        todo = list(calls)
        if len(todo) < 2:
            return [call() for call in todo]
        with ThreadPoolExecutor(max_workers=min(PARALLEL, len(todo))) as pool:
            futures = [pool.submit(with_this_permit(alone), call) for call in todo]
        return [future.result() for future in futures]

    def _call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        form: bytes | None = None,
        site: bool | str = False,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        with self._context(method, path):
            answer = self._send(method, path, params, body, form, site, headers)
            return data_of(answer, empty_allowed=method != "GET")

    def _send(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None,
        body: Any,
        form: bytes | None,
        site: bool | str = False,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        answer = self._once(method, path, params, body, form, site, headers)
        if self.connection.codebase == "auto" and self._is_address_problem(answer):
            # The tenant may have been upgraded since its codebase was read: look once more.
            stale, self._codebase, self._company = self._codebase, None, None
            try:
                if self.codebase != stale:
                    answer = self._once(method, path, params, body, form, site, headers)
            except PsaError as problem:
                problem.unclear = True  # the first request was answered
                raise
        for seconds in _NOT_YET if method == "GET" else ():
            # Ids come from the tenant itself: a record that is not found may only not be visible yet.
            if answer.status != 404 or not isinstance(error_of(answer), RecordNotFound):
                break
            pause(seconds)
            answer = self._once(method, path, params, body, form, site, headers)
        return answer

    @staticmethod
    def _is_address_problem(answer: Answer) -> bool:
        if answer.status not in (400, 404):
            return False
        return isinstance(error_of(answer), WrongAddress) or (answer.status == 404 and not answer.is_json)

    def _once(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None,
        body: Any,
        form: bytes | None,
        site: bool | str,
        more: Mapping[str, str] | None = None,
    ) -> Answer:
        host = f"https://{self.connection.host}"
        root = host if site == "root" else f"{host}/{self.codebase}"
        version = self.connection.api_version
        headers = {
            "clientId": self.connection.client_id,
            "Accept": f"application/vnd.connectwise.com+json; version={version}" if version else "application/json",
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        # What a route brings never replaces who we are.
        headers.update({name: value for name, value in (more or {}).items() if name.lower() not in _OURS})
        answer = self._http.request(
            method,
            root + path if site else f"{root}/apis/3.0{path}",
            authorization=self._authorization,
            headers=headers,
            params={key: value for key, value in (params or {}).items() if value is not None},
            json=body,
            form=form,
        )
        self._accepted = self._accepted or (200 <= answer.status < 300 and answer.is_json)
        return answer

    @contextmanager
    def _context(self, method: str, path: str, *, explain: bool = True) -> Iterator[None]:
        """Give an error from below the tenant and the operation, and find out what a bare refusal means."""
        try:
            yield
        except PsaError as problem:
            if problem.tenant:
                raise
            if explain:
                problem = self._explained(problem, method, path)
            problem.tenant, problem.operation = self.tenant, f"{method} {path}"
            problem.said = self._without_keys(problem.said)
            raise problem from None

    def _explained(self, problem: PsaError, method: str, path: str) -> PsaError:
        """The error with what one more look at the tenant, or at our own data, says about its cause."""
        if isinstance(problem, PermissionDenied):
            return self._which_right(problem, method, path)
        if isinstance(problem, RouteNotOffered) and not self._accepted and self._refuses_all():
            problem = AuthenticationFailed(
                "the keys were refused (here that looks like a missing endpoint)",
                said=problem.said,
                status=problem.status,
            )
        if isinstance(problem, UserInterfaceHost):
            return problem
        if isinstance(problem, (AuthenticationFailed, WrongAddress)) or (
            isinstance(problem, NotThePsa) and problem.status == 404
        ):
            return self._about_company(problem)
        return problem

    def _without_keys(self, text: str) -> str:
        """A server's words may repeat what it was sent."""
        text = text.replace(self.connection.private_key, HIDDEN)
        return text.replace(self.connection.public_key, shown_key(self.connection.public_key))

    def _which_right(self, problem: PermissionDenied, method: str, path: str) -> PermissionDenied:
        owner = f"the API member that owns the key {shown_key(self.connection.public_key)}"
        right = right_for(method, path)
        if right is None:
            problem.remedy = f"give the role of {owner} the right for this operation; the server does not say which"
        else:
            problem.remedy = f"give the role of {owner} the right this usually takes: {right}; the server does not say"
        return problem

    def _refuses_all(self) -> bool:
        """Whether these keys are shown no endpoint at all, not even the one every tenant has."""
        try:
            answer = self._once("GET", "/system/info", None, None, None, False)
        except PsaError:
            return False
        return answer.status >= 400 and isinstance(error_of(answer), RouteNotOffered)

    def _about_company(self, problem: PsaError) -> PsaError:
        """Refused keys and a wrong company look alike; companyinfo, which needs no keys, tells them apart."""
        try:
            self.company_info()
            offered = self._offered_codebase()
        except WrongAddress as better:
            better.said = better.said or problem.said
            return better
        except PsaError:
            return problem
        if isinstance(problem, WrongAddress) and offered:
            problem.remedy = f"the company exists here; set codebase to {offered}, {DEFAULT_CODEBASE} or auto"
        elif isinstance(problem, AuthenticationFailed):
            problem.remedy = (
                f"the company exists here, so check public_key ({shown_key(self.connection.public_key)}) and "
                "private_key (not exchanged?), that the API member of these keys is active, and that the description "
                "of the key was not edited, which makes a new pair (msp.connectwise.first_key takes it)"
            )
        return problem


_OURS = frozenset({"authorization", "clientid", "cookie", "host"})
_ACCEPT_JSON = {"Accept": "application/json"}


def patch_operations(fields: Mapping[str, Any]) -> list[Record]:
    """A JSON patch that replaces whole top-level fields; null removes the value."""
    return [{"op": "replace", "path": name, "value": value} for name, value in fields.items()]
