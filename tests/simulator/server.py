# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTPS server: sites, authentication, latency, rate limits, faults."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hmac
import json
import random
import secrets
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from aiohttp import web

from . import api, catalog, control, errors, faults, other_routes, web_client
from .call import Call, Reply
from .catalog import Catalog, Record
from .config import Config, SiteConfig, TenantConfig
from .errors import ApiError
from .journal import Entry, Journal, hide
from .limits import Limits
from .tenant import Key, Tenant

API = "/apis/3.0"
PREFIX = "/_simulator/"
MAX_URL = 2000
MAX_LINE = 65536
WRITES = ("POST", "PUT", "PATCH", "DELETE")
JSON = "application/json; charset=utf-8"
VENDOR_TYPE = "application/vnd.connectwise.com+json"


class DroppedError(Exception):
    """The connection is closed instead of answered."""


@dataclass
class Exchange:
    """A request on its way through the server."""

    site: SiteConfig
    method: str
    path: str
    query: str
    headers: dict[str, str]
    content: bytes
    entry: Entry
    company: str | None = None
    public: str = ""
    private: str = field(default="", repr=False)
    tenant: Tenant | None = None
    key: Key | None = None

    @property
    def api_path(self) -> tuple[str, str] | None:
        """Codebase and the path below ``apis/3.0``."""
        head, separator, rest = self.path.partition(API)
        codebase = head.strip("/")
        return (codebase, rest) if separator and codebase and "/" not in codebase else None


class Simulator:
    def __init__(self, config: Config, seed: str) -> None:
        self.config = config
        self.seed = seed
        self.token = secrets.token_urlsafe(24)
        self.tenants: dict[str, Tenant] = {}
        self.catalogs: dict[str, Catalog] = {}
        self.journal = Journal()
        self.faults = faults.Faults()
        self.limits = Limits()
        self.random = random.Random(seed)
        self.addresses: dict[str, str] = {}

    def tenant(self, company: str | None) -> Tenant | None:
        """A tenant's state is made when it is first asked for."""
        if company is None:
            return None
        known = self.tenants.get(company)
        if known is None:
            config = self.config.tenants.get(company)
            if config is None:
                return None
            known = Tenant(config, self.config.sites[config.site], self.catalog(config), self.seed)
            self.tenants[company] = known
        return known

    def catalog(self, config: TenantConfig) -> Catalog:
        shared = self.catalogs.get(config.data_key)
        if shared is None:
            shared = self.catalogs[config.data_key] = catalog.build(config)
        return shared

    # One request

    async def handle(self, site: SiteConfig, request: web.BaseRequest) -> web.StreamResponse:
        started = time.perf_counter()
        raw, _mark, query = request.raw_path.partition("?")
        path = unquote(raw)
        content = await request.read()
        if path.startswith(PREFIX):
            return control.answer(self, request.method, path[len(PREFIX) :], query, request.headers, content)
        entry = Entry(self.journal.next(), time.time(), request.method, path, query)
        headers = {name.lower(): value for name, value in request.headers.items()}
        exchange = Exchange(site, request.method, path, query, headers, content, entry)
        self.identify(exchange)
        self.clean(exchange)
        self.journal.add(entry)
        try:
            rule, reply = await self.process(exchange)
            entry.status = reply.status
            response = await self.send(request, exchange, rule, reply)
        except (DroppedError, ConnectionError):
            # Wanted by a fault, or the client has gone away.
            if request.transport is not None:
                request.transport.abort()
            response = web.Response(status=500)
        finally:
            entry.duration_ms = (time.perf_counter() - started) * 1000
        return response

    def identify(self, exchange: Exchange) -> None:
        """Who asks, for the journal, the rules and the limits. Nothing is refused here."""
        scheme, _space, value = exchange.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                text = base64.b64decode(value, validate=True).decode("utf-8")
            except (binascii.Error, UnicodeDecodeError):
                text = ""
            user, _colon, exchange.private = text.partition(":")
            company, _plus, exchange.public = user.partition("+")
            exchange.company = company or None
        elif "/companyinfo/" in exchange.path.lower():
            exchange.company = exchange.path.rstrip("/").rsplit("/", 1)[1]
        exchange.tenant = self.tenant(exchange.company)
        if exchange.tenant is not None:
            exchange.key = exchange.tenant.store.keys.get(exchange.public)
        exchange.entry.tenant = exchange.company
        exchange.entry.public_key = exchange.public or None
        if exchange.tenant is not None and exchange.key is not None:
            exchange.entry.member = exchange.tenant.store.owner(exchange.key)["identifier"]

    def clean(self, exchange: Exchange) -> None:
        """Keep secrets out of the journal, whatever the client did with them."""
        entry = exchange.entry
        hidden = [exchange.private] if len(exchange.private) > 3 else []
        if exchange.tenant is not None:
            hidden += exchange.tenant.store.secrets
        entry.path, entry.query = hide(entry.path, hidden), hide(entry.query, hidden)
        if exchange.key is None:
            # Somebody may have swapped the two keys.
            entry.public_key = hide(entry.public_key, hidden)
        if exchange.content and exchange.method in WRITES:
            try:
                entry.body = hide(json.loads(exchange.content), hidden)
            except (ValueError, RecursionError):
                entry.body = f"({len(exchange.content)} bytes that are not JSON)"

    def facts(self, exchange: Exchange) -> faults.Facts:
        place = exchange.api_path
        path = place[1] if place else exchange.path
        tenant, role = exchange.tenant, None
        functions: tuple[str, ...] = ()
        if tenant is not None and exchange.key is not None:
            held = tenant.store.roles.get(tenant.store.owner(exchange.key).get("securityRole", 0))
            role = held.name if held else None
        if tenant is not None and place is not None:
            try:
                functions = api.operation(exchange.method, path, tenant)[0].need.functions
            except ApiError:
                functions = ()
        return faults.Facts(
            exchange.company, exchange.method, path, exchange.query, exchange.entry.member, role, functions
        )

    async def process(self, exchange: Exchange) -> tuple[faults.Rule | None, Reply]:
        limits, name = self.limits, exchange.company or ""
        limits.running[name] = limits.running.get(name, 0) + 1
        try:
            if limits.latency_ms or limits.jitter_ms:
                await asyncio.sleep((limits.latency_ms + self.random.uniform(0, limits.jitter_ms)) / 1000)
            refused = limits.refuses(name)
            if refused is not None:
                exchange.entry.fault = "rate_limit"
                return None, refused
            rule = self.faults.pick(self.facts(exchange)) if self.faults.rules else None
            if rule is None:
                return None, self.effect(exchange, None)
            exchange.entry.fault = rule.kind
            return rule, await self.disturbed(exchange, rule)
        finally:
            limits.running[name] -= 1

    async def disturbed(self, exchange: Exchange, rule: faults.Rule) -> Reply:
        """The answer under a fault rule."""
        kind, options = rule.kind, rule.options
        if kind == "drop_before":
            raise DroppedError
        if kind == "slow":
            await asyncio.sleep(float(options["ms"]) / 1000)
        if kind == "deny":
            return as_reply(errors.denied())
        if kind == "redirect":
            return Reply(int(options["status"]), None, {"Location": str(options["location"])})
        if kind in ("status", "html_200") and not options["after"]:
            return self.invented(rule)
        reply = self.effect(exchange, rule)
        if kind == "drop_after" or (kind == "duplicate_effect" and options["drop"]):
            raise DroppedError
        if kind in ("status", "html_200", "error_body_200", "null_body"):
            return self.invented(rule)
        return faults.quoting(options, reply) if kind == "quoting" else reply

    @staticmethod
    def invented(rule: faults.Rule) -> Reply:
        if rule.kind == "html_200":
            return faults.html("ConnectWise PSA", 200)
        if rule.kind == "null_body":
            return Reply(200, "null", {"Content-Type": JSON})
        if rule.kind == "error_body_200":
            return Reply(200, {"code": "ConnectWiseApi", "message": faults.TIMEOUT, "errors": None})
        return faults.status_reply(rule.options)

    # What the request does

    def effect(self, exchange: Exchange, rule: faults.Rule | None) -> Reply:
        try:
            return self.answer(exchange, rule)
        except ApiError as error:
            return as_reply(error)

    def answer(self, exchange: Exchange, rule: faults.Rule | None) -> Reply:
        if exchange.path.lower().startswith("/login/companyinfo/"):
            return self.company_info(exchange)
        client = self.web_client(exchange)
        if client is not None:
            return client
        action = self.action_of(exchange)
        place = exchange.api_path if action is None else (exchange.path.split("/")[1], "")
        if place is None:
            return faults.html("404 - File or directory not found.", 404)
        codebase, path = place
        if exchange.site.kind == "ui":
            raise ApiError(403, {"code": "Security", "message": "SSL is required.", "errors": None})
        if len(exchange.path) + len(exchange.query) > MAX_URL:
            return faults.html("404 - The request URL is too long.", 404)
        tenant = exchange.tenant
        if exchange.company is None:
            raise errors.unauthorized()
        if tenant is None or tenant.site is not exchange.site:
            raise errors.cannot_route()
        if codebase not in tenant.codebases:
            raise errors.cannot_route(tenant.wrong_codebase_status)
        member, key = self.authenticate(exchange, tenant)
        call = Call(
            tenant=tenant,
            store=tenant.store,
            member=member,
            key=key,
            method=exchange.method,
            base=f"https://{exchange.headers.get('host', 'localhost')}/{codebase}{API}",
            path=path,
            params={name.lower(): value for name, value in reversed(parse_qsl(exchange.query, keep_blank_values=True))},
            headers=exchange.headers,
        )
        if action is not None:
            return other_routes.action(call, action, exchange.content)
        other = self.other_route(exchange, tenant, call)
        if other is not None:
            return other
        if exchange.method in ("POST", "PUT", "PATCH"):
            api.operation(call.method, path, tenant)
            call.body = parsed(exchange)
        return self.carry_out(tenant, call, rule)

    def web_client(self, exchange: Exchange) -> Reply | None:
        """What the web client asks for: its pages and their actions."""
        if page := web_client.PAGE.fullmatch(exchange.path):
            return web_client.page(self, exchange, page[1] or "")
        service = web_client.SERVICE.fullmatch(exchange.path)
        return web_client.service(self, exchange, service[2]) if service else None

    @staticmethod
    def action_of(exchange: Exchange) -> str | None:
        """The action of the web client's kind that is asked for, where the tenant offers such."""
        found = other_routes.ACTION.fullmatch(exchange.path)
        offered = exchange.tenant is not None and "actions" in exchange.tenant.config.other_routes
        return found[1] if found and offered and exchange.method == "POST" else None

    @staticmethod
    def other_route(exchange: Exchange, tenant: Tenant, call: Call) -> Reply | None:
        if "rest" not in tenant.config.other_routes:
            return None
        call.body = parsed(exchange) if exchange.method in ("POST", "PUT") else None
        return other_routes.rest(call)

    def carry_out(self, tenant: Tenant, call: Call, rule: faults.Rule | None) -> Reply:
        kind = rule.kind if rule else None
        options = rule.options if rule else {}
        if call.method not in WRITES:
            if kind == "stale_read":
                call.store = tenant.as_of(float(options["seconds"]))
                call.member = call.store.api_members.get(call.member["id"], call.member)
            call.shifted = kind == "shifted_pages"
            return api.perform(call)
        keep = self.faults.history_wanted()
        if keep:
            tenant.remember(keep)
        if kind == "patch_ignored":
            call.store = tenant.store.copy()
            reply = api.perform(call)
            return reply if options["answer"] == "new" else self.read_back(tenant, call, reply)
        reply = api.perform(call)
        if kind == "duplicate_effect":
            call.duplicate = True
            # The second time there may be nothing left to do.
            with contextlib.suppress(ApiError):
                api.perform(call)
        return reply

    @staticmethod
    def read_back(tenant: Tenant, call: Call, reply: Reply) -> Reply:
        """The record as it is, under the status of a write that did nothing."""
        call.store, call.method = tenant.store, "GET"
        return Reply(reply.status, api.perform(call).body)

    def authenticate(self, exchange: Exchange, tenant: Tenant) -> tuple[Record, Key]:
        guid = exchange.headers.get("clientid")
        if guid is None:
            message = "Missing clientId header. See https://developer.connectwise.com/ClientID"
            raise ApiError(400, {"code": "ConnectWiseApi", "message": message, "errors": None})
        if guid.strip().lower() not in tenant.client_ids:
            raise ApiError(401, "Cannot find the clientId sent with this request.")
        # Not the key found on arrival: it may have been deleted while this request waited.
        key = tenant.store.keys.get(exchange.public)
        good = key is not None and hmac.compare_digest(key.private.encode(), exchange.private.encode())
        if key is None or not good or (key.expires is not None and key.expires < time.time()):
            if tenant.config.bad_keys_status == 404:
                raise errors.no_endpoint()
            raise errors.unauthorized()
        member = tenant.store.owner(key)
        if member.get("inactiveFlag"):
            raise errors.unauthorized()
        return member, key

    def company_info(self, exchange: Exchange) -> Reply:
        if exchange.method != "GET":
            raise errors.method_not_allowed(exchange.method, ["GET"])
        tenant = self.tenant(exchange.path.rstrip("/").rsplit("/", 1)[1])
        at_home = tenant is not None and (
            tenant.site is exchange.site or (exchange.site.kind == "ui" and tenant.site.kind == "cloud")
        )
        if tenant is None or not at_home:
            return Reply(200, "null", {"Content-Type": JSON})
        cloud = tenant.site.kind == "cloud"
        year, _dot, number = tenant.version.removeprefix("v").partition(".")
        body: Record = {
            "CompanyName": tenant.config.company_name or f"Tenant {tenant.config.company_id.title()}",
            "Codebase": f"{tenant.version.replace('.', '_')}/" if cloud else "v4_6_release/",
            "VersionCode": tenant.version,
            "VersionNumber": f"v{year}.{number}.{tenant.config.build}",
            "CompanyID": tenant.config.company_id,
            "IsCloud": str(cloud) if tenant.config.is_cloud_as_string else cloud,
            "SiteUrl": self.addresses.get(tenant.site.name, tenant.site.host),
            "AllowedOrigins": [],
        }
        return Reply(200, body)

    # The answer on the wire

    async def send(
        self, request: web.BaseRequest, exchange: Exchange, rule: faults.Rule | None, reply: Reply
    ) -> web.StreamResponse:
        headers = dict(reply.headers)
        payload = b"" if reply.body is None else encoded(reply.body)
        if payload:
            headers.setdefault("Content-Type", content_type(exchange, reply.body))
        if exchange.tenant is not None and exchange.api_path is not None:
            headers["api-current-version"] = exchange.tenant.version.removeprefix("v")
        kind = rule.kind if rule else None
        if kind == "wrong_content_type" and rule is not None:
            headers["Content-Type"] = str(rule.options["content_type"])
        if kind == "truncated_json":
            payload = payload[: len(payload) // 2]
        if kind in ("slow_body", "short_body") and rule is not None and payload:
            return await self.dribble(request, rule, web.StreamResponse(status=reply.status, headers=headers), payload)
        return web.Response(status=reply.status, headers=headers, body=payload)

    @staticmethod
    async def dribble(
        request: web.BaseRequest, rule: faults.Rule, response: web.StreamResponse, payload: bytes
    ) -> web.StreamResponse:
        """The body in pieces over some time, or only half of it before the connection ends."""
        response.content_length = len(payload)
        await response.prepare(request)
        if rule.kind == "short_body":
            await response.write(payload[: len(payload) // 2])
            raise DroppedError
        pieces = 8
        step = max(1, -(-len(payload) // pieces))
        for start in range(0, len(payload), step):
            await asyncio.sleep(float(rule.options["ms"]) / 1000 / pieces)
            await response.write(payload[start : start + step])
        await response.write_eof()
        return response


def as_reply(error: ApiError) -> Reply:
    headers = dict(error.headers)
    if isinstance(error.body, str):
        headers["Content-Type"] = "text/plain; charset=utf-8"
    return Reply(error.status, error.body, headers)


def encoded(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else json.dumps(body, ensure_ascii=False).encode()


def content_type(exchange: Exchange, body: Any) -> str:
    """The type asked for: the vendor's with its version, or plain JSON."""
    accepted = exchange.headers.get("accept", "")
    if VENDOR_TYPE in accepted and not isinstance(body, str) and exchange.tenant is not None:
        return f"{VENDOR_TYPE}; version={exchange.tenant.version.removeprefix('v')}; charset=utf-8"
    return JSON


def parsed(exchange: Exchange) -> Any:
    kind = exchange.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("application/json", "text/json", "application/json-patch+json", VENDOR_TYPE):
        text = f"The request entity's media type '{kind}' is not supported for this resource."
        raise ApiError(415, {"Message": text})
    try:
        return json.loads(exchange.content)
    except (ValueError, RecursionError) as error:
        problem = errors.inner("UnsupportedFormat", "body", "", "The request body is not valid JSON.")
        raise errors.invalid("body", [problem]) from error
