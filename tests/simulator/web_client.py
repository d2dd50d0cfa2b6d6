# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small web client of a tenant (`web_client: DIALECT`): pages a person works with, and what they write through.

How the product's own client puts its requests is not published. The dialects here are six ways in which such a client
might; they are invented to learn routes from. What they do to the tenant is the same in all, and in one place, which
can also be made to do something wrong (`mutation`).
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from . import api, errors, mutations
from .call import Call, Reply
from .catalog import Record
from .errors import ApiError
from .roles import ROW_STEP

if TYPE_CHECKING:
    from .server import Exchange, Simulator
    from .tenant import State, Tenant

PAGES = Path(__file__).parent / "data" / "web_client"
PAGE = re.compile(r"/[^/]+/webclient(?:/([\w.]*))?", re.IGNORECASE)
SERVICE = re.compile(r"/[^/]+/services/(?:system_io/actionprocessor/(\w+)/)?(\w+)\.rails", re.IGNORECASE)
COOKIE = "psa_session"
LEVELS = ("None", "My", "All")
VERBS = ("add", "edit", "delete", "inquire")
TYPES = {"html": "text/html; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}


@dataclass
class Web:
    """One request of the web client: who asks, and what."""

    call: Call
    exchange: Exchange
    with_cookie: bool
    state: State

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.exchange.query))

    def json(self) -> Any:
        return json.loads(self.exchange.content)

    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.exchange.content.decode(), keep_blank_values=True))

    def parts(self) -> dict[str, str]:
        """The fields of a multipart body."""
        boundary = self.exchange.headers["content-type"].partition("boundary=")[2].strip('"')
        found = {}
        for part in self.exchange.content.decode().split(f"--{boundary}")[1:-1]:
            head, _blank, value = part.strip("\r\n").partition("\r\n\r\n")
            name = re.search(r'name="([^"]*)"', head)
            found[name[1] if name else ""] = value
        return found

    # What all dialects do

    def _api(self, method: str, path: str, body: Any = None) -> Any:
        call = replace(self.call, method=method, path=path, body=body, params={"pagesize": "1000"})
        return api.perform(call, extended=True).body

    def rows(self, role: int) -> list[Record]:
        found: list[Record] = self._api("GET", f"/system/securityRoles/{role}/settings")
        return found

    def save_rows(self, role: int, wanted: Mapping[int, Mapping[str, str | None]]) -> None:
        for setting, levels in wanted.items():
            patch = [{"op": "replace", "path": f"{verb}Level", "value": level} for verb, level in levels.items()]
            self._mutated("levels", role=role, setting=setting, patch=patch)

    def items(self, role: int, setting: int) -> list[Record]:
        """Every item of a list, with an id of the client's own and whether it is allowed."""
        row = self.call.tenant.catalog.by_number[setting % ROW_STEP]
        allowed = {one["itemIdentifier"] for one in self._api("GET", _list(role, setting))}
        items = self.call.tenant.catalog.items(row)
        return [
            {"name": name, "number": 7000 + 13 * row.number + 3 * position, "allowed": name in allowed}
            for position, name in enumerate(items)
        ]

    def save_items(self, role: int, setting: int, allowed: list[str]) -> None:
        identifier = self.call.tenant.catalog.by_number[setting % ROW_STEP].customize
        body = [{"customizeIdentifier": identifier, "itemIdentifier": name} for name in allowed]
        self._mutated("items", role=role, setting=setting, body=body)

    def setting_of(self, role: int, identifier: str) -> int:
        row = next(row for row in self.call.tenant.catalog.rows if row.customize == identifier)
        return role * ROW_STEP + row.number

    def keys(self, member: int) -> list[Record]:
        found: list[Record] = self._api("GET", f"/system/apiMembers/{member}/apiKeys")
        return found

    def create_key(self, member: int, description: str) -> Record:
        made: Record = self._mutated("create", member=member, description=description)
        return made

    def delete_key(self, member: int, key: int) -> None:
        self._mutated("delete", member=member, key=key)

    def _mutated(self, kind: str, **what: Any) -> Any:
        """Do it, as it should be or as a mutation of the tenant says."""
        return mutations.carry_out(self.call.tenant.config.mutation, kind, self.plainly, self.call, what)

    def plainly(self, kind: str, what: Record) -> Any:
        if kind == "levels":
            return self._api("PATCH", f"/system/securityRoles/{what['role']}/settings/{what['setting']}", what["patch"])
        if kind == "items":
            return self._api("PUT", _list(what["role"], what["setting"]), what["body"])
        keys = f"/system/apiMembers/{what['member']}/apiKeys"
        if kind == "create":
            return self._api("POST", keys, {"description": what["description"]})
        return self._api("DELETE", f"{keys}/{what['key']}")


Service = Callable[[Web], Any]


@dataclass(frozen=True)
class Dialect:
    """One client. services: name -> what it does. told: how an answer, and an error, is put."""

    services: dict[str, Service]
    told: Callable[[Any, str | None], Any]
    cookie_only: frozenset[str] = frozenset()


def _list(role: int, setting: int) -> str:
    return f"/system/securityRoles/{role}/settings/{setting}/customizeItems"


def page(simulator: Simulator, exchange: Exchange, name: str) -> Reply | None:
    """The client's pages. Only signing in, and what it shows afterwards, needs to know the tenant."""
    if name in ("", "index.html"):
        return _file("index.html")
    if name.endswith((".svg", ".css")):
        return _file("logo.svg")
    if name == "signin" and exchange.method == "POST":
        given = dict(parse_qsl(exchange.content.decode()))
        return _sign_in(simulator, given)
    tenant = _tenant_of(simulator, exchange)
    if tenant is None:
        return Reply(401, {"ok": False, "message": "Sign in first."})
    if name == "client.js":
        return _file(f"{tenant.config.web_client}.js")
    if name == "poll":
        return Reply(200, {"unread": secrets.randbelow(5), "at": secrets.token_hex(8)})
    if name == "overview":
        member = _member(tenant, exchange)
        roles = [{"id": role.id, "name": role.name} for role in tenant.store.roles.values()]
        members = [{"id": one["id"], "name": one["identifier"]} for one in tenant.store.api_members.values()]
        mail = f"{member['identifier'].lower()}@example.com"
        return Reply(200, {"me": member["identifier"], "mail": mail, "roles": roles, "members": members})
    return None


def _file(name: str) -> Reply:
    content = (PAGES / name).read_text(encoding="utf-8")
    return Reply(200, content, {"Content-Type": TYPES[name.rpartition(".")[2]]})


def _sign_in(simulator: Simulator, given: Record) -> Reply:
    """With the keys of an API member, so that the simulator needs no passwords beside them."""
    tenant = simulator.tenant(given.get("company"))
    key = tenant.store.keys.get(given.get("user", "")) if tenant else None
    if tenant is None or key is None or not secrets.compare_digest(key.private, given.get("password", "")):
        return Reply(401, {"ok": False, "message": "Company, user or password is wrong."})
    session = secrets.token_urlsafe(24)
    tenant.web.sessions[session] = key.public
    cookie = f"{COOKIE}={tenant.config.company_id}.{session}; Path=/; Secure; HttpOnly"
    return Reply(303, "", {"Set-Cookie": cookie, "Location": "./"})


def _session(exchange: Exchange) -> tuple[str, str]:
    found = re.search(rf"{COOKIE}=([^.;]+)\.([\w-]+)", exchange.headers.get("cookie", ""))
    return (found[1], found[2]) if found else ("", "")


def _tenant_of(simulator: Simulator, exchange: Exchange) -> Tenant | None:
    company, session = _session(exchange)
    tenant = simulator.tenant(company) if company else None
    return tenant if tenant is not None and session in tenant.web.sessions else None


def _member(tenant: Tenant, exchange: Exchange) -> Record:
    return tenant.store.owner(tenant.store.keys[tenant.web.sessions[_session(exchange)[1]]])


def service(simulator: Simulator, exchange: Exchange, name: str) -> Reply | None:
    """One action of the client, for its own session or for the keys of an API member."""
    from .web_dialects import DIALECTS

    tenant = _tenant_of(simulator, exchange)
    with_cookie = tenant is not None
    if tenant is None:
        tenant = exchange.tenant
    if tenant is None or tenant.config.web_client is None:
        return None
    dialect = DIALECTS[tenant.config.web_client]
    found = {known.lower(): known for known in dialect.services}.get(name.lower())
    if found is None:
        return None
    if with_cookie:
        key = tenant.store.keys[tenant.web.sessions[_session(exchange)[1]]]
        member = tenant.store.owner(key)
    elif found in dialect.cookie_only:
        raise ApiError(401, {"ok": False, "message": "Your session has ended. Sign in again."})
    else:
        member, key = simulator.authenticate(exchange, tenant)
    exchange.entry.tenant, exchange.entry.member = tenant.config.company_id, member["identifier"]
    call = Call(tenant, tenant.store, member, key, exchange.method, f"https://{exchange.site.host}", exchange.path)
    web = Web(call, exchange, with_cookie, tenant.web)
    try:
        result = dialect.services[found](web)
    except ApiError as refused:
        text = refused.body.get("message") if isinstance(refused.body, dict) else str(refused.body)
        return Reply(200, dialect.told(None, text))
    except (KeyError, TypeError, ValueError, StopIteration) as problem:
        raise errors.invalid("request", [errors.missing("request", str(problem))]) from problem
    return result if isinstance(result, Reply) else Reply(200, dialect.told(result, None))
