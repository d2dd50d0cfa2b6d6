# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The second rung of the ladder: operations a tenant may offer beside the published ones, as data.

None of these routes is published by ConnectWise or confirmed on a live tenant. The shipped ones follow the API's own
conventions; others were learned from a recording of the web client and proven. A tenant's `cw_extension_routes`
replaces or extends the table, entry by entry.

An entry: operation -> {method, path, query, body | form | multipart, headers, site, first, maps, result, success}
  method     GET, POST, PUT, PATCH or DELETE
  query      what stands behind the path: name -> text template
  path       below the REST API; with `site: true` below the codebase, with `site: root` below the host
  body       the JSON body as a template; without it the operation's own body is sent as it is
  form       a form body instead: field -> JSON template (sent as JSON text) or text; multipart: the same in parts
  headers    further headers: name -> text template
  first      requests before this one: [{name, method, path, …, find}]; what one answers stands as {name.data.…},
             {name.headers.…} and {name.found.…} (find: name -> {after, until}, a text between two others)
  maps       named maps for $map
  result     dotted path to the part of the answer that is the operation's result, such as data.action.items, or a
             template that makes the result of {answer}
  success    dotted path -> value that the answer must have, else the operation failed
The templates are those of _templates. An entry that is false switches the operation off.
"""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from ._answers import unquoted
from ._client import Psa, patch_operations, quoted
from ._errors import ConnectionFailed, InputError, NotThePsa, PsaError, RouteNotOffered, ServerFailed
from ._redact import register
from ._route_check import ALWAYS, ARGUMENTS, ROUTES, check, leads_astray
from ._templates import PLACEHOLDER, argument, as_text, dig, fill, form_fields, placeholders

__all__ = ["ARGUMENTS", "ROUTES", "Extensions", "NotOffered", "Route", "dig", "fill", "parse_route"]

_BOUNDARY = "----msp-connectwise-7f3c1b"
_KINDS = {
    "form": "application/x-www-form-urlencoded",
    "multipart": f"multipart/form-data; boundary={_BOUNDARY}",
}


class NotOffered(RouteNotOffered):
    """The tenant does not offer the operation: go on to the manual step."""


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    body: Any = None
    form: Mapping[str, Any] | None = None
    site: bool | str = False
    result: Any = ""
    success: Mapping[str, Any] | None = None
    multipart: Mapping[str, Any] | None = None
    headers: Mapping[str, Any] = field(default_factory=dict)
    first: tuple[Mapping[str, Any], ...] = ()
    maps: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)

    @property
    def used(self) -> set[str]:
        """The arguments of the operation that its templates use."""
        own = {"answer", "maps", *ALWAYS} | {str(one["name"]) for one in self.first}
        templates = [self.path, self.body, self.form, self.multipart, dict(self.query), dict(self.headers)]
        return placeholders([*templates, list(self.first), self.result]) - own


def parse_route(operation: str, entry: Any) -> Route | None:
    """A checked route from an entry of the table; None when the entry switches the operation off."""
    where = f"extension_routes.{operation}"
    if operation not in ROUTES:
        raise InputError(f"{where} is not an operation", remedy=f"the operations are {', '.join(sorted(ROUTES))}")
    if entry is False or entry is None:
        return None
    if not isinstance(entry, Mapping):
        raise InputError(f"{where} is not a mapping", remedy="write {method: …, path: …}, or false to switch it off")
    merged = {**ROUTES[operation], **entry}
    for problem, remedy in check(operation, entry, merged):
        raise InputError(f"{where}{problem}", remedy=remedy)
    return Route(
        str(merged["method"]).upper(),
        str(merged["path"]),
        merged.get("body"),
        merged.get("form"),
        merged.get("site") or False,
        merged.get("result") or "",
        merged.get("success"),
        merged.get("multipart"),
        merged.get("headers") or {},
        tuple(merged.get("first") or ()),
        merged.get("maps") or {},
        merged.get("query") or {},
    )


@dataclass(frozen=True)
class _Request:
    """One filled request."""

    method: str
    path: str
    body: Any
    form: bytes | None
    headers: dict[str, str]
    site: bool | str


def _filled(route: Mapping[str, Any], values: Mapping[str, Any], body: Any) -> _Request:
    values = {**values, "now": _now(), "new": _new()}
    path = PLACEHOLDER.sub(lambda found: quoted(argument(values, found.group(1).split("."))), str(route["path"]))
    if leads_astray(path):
        raise InputError(
            f'the path of an extension route became "{path}", which leads elsewhere; nothing was sent',
            remedy="correct the entry in cw_extension_routes, or learn the routes anew",
        )
    if route.get("query"):
        path += "?" + urlencode(form_fields(fill(route["query"], values)))
    headers = {str(name): as_text(fill(one, values)) for name, one in (route.get("headers") or {}).items()}
    form: bytes | None = None
    for kind in ("form", "multipart"):
        if route.get(kind) is not None:
            fields = form_fields(fill(route[kind], values))
            form = _parts(fields) if kind == "multipart" else urlencode(fields).encode()
            headers["Content-Type"] = _KINDS[kind]
    sent = fill(route["body"], values) if route.get("body") is not None else (body if form is None else None)
    return _Request(str(route["method"]).upper(), path, sent, form, headers, route.get("site") or False)


def _parts(fields: Sequence[tuple[str, str]]) -> bytes:
    lines = []
    for name, value in fields:
        label = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        lines.append(f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{label}"\r\n\r\n{value}\r\n')
    return ("".join(lines) + f"--{_BOUNDARY}--\r\n").encode()


class Extensions:
    """The extension routes of one tenant."""

    def __init__(self, psa: Psa, replaced: Mapping[str, Any] | None = None) -> None:
        self.psa = psa
        self._own = {operation for operation, entry in (replaced or {}).items() if entry}
        self._routes = {
            operation: parse_route(operation, entry) for operation, entry in {**ROUTES, **(replaced or {})}.items()
        }

    def rung(self, operation: str) -> str:
        """Which rung of the ladder an operation stands on here: shipped, own (a table of the tenant), by_hand."""
        if self._routes.get(operation) is None:
            return "by_hand"
        return "own" if operation in self._own else "shipped"

    def uses(self, operation: str) -> set[str]:
        """The arguments that the templates of an operation use."""
        route = self._routes[operation]
        return set() if route is None else route.used

    def call(self, operation: str, *, body: Any = None, **arguments: Any) -> Any:
        """Run an operation; raises NotOffered when the tenant has no such route."""
        route, values, request = self._prepared(operation, body, arguments)
        return self._result(operation, route, values, request, self._send(request))

    def _prepared(
        self, operation: str, body: Any, arguments: Mapping[str, Any]
    ) -> tuple[Route, dict[str, Any], _Request]:
        """The route of an operation, the values of its templates and its request, after those that come before it."""
        route = self._routes[operation]
        if route is None:
            raise NotOffered(f"the operation {operation} is switched off for this tenant", tenant=self.psa.tenant)
        values = {**arguments, "body": body, "maps": route.maps}
        for one in route.first:
            values[str(one["name"])] = self._first(operation, one, values)
        return route, values, _filled({name: getattr(route, name) for name in _SENT}, values, body)

    def _result(self, operation: str, route: Route, values: Mapping[str, Any], request: _Request, answer: Any) -> Any:
        """Return the result of an answer. Raise ServerFailed if it lacks what the route calls a success."""
        for place, expected in (route.success or {}).items():
            if dig(answer, place) != expected:
                raise ServerFailed(
                    f"extension route {operation}: the answer has {place} = {dig(answer, place)!r}, not {expected!r}",
                    tenant=self.psa.tenant,
                    operation=f"{request.method} {request.path}",
                    remedy="check the entry of this operation in cw_extension_routes",
                )
        if isinstance(route.result, str):
            return dig(answer, route.result) if route.result else answer
        return fill(route.result, {**values, "answer": answer})

    def _send(self, request: _Request) -> Any:
        try:
            return self.psa.call(
                request.method,
                request.path,
                body=request.body,
                form=request.form,
                site=request.site,
                headers=request.headers,
            )
        except (RouteNotOffered, NotThePsa) as problem:
            raise self._offered(problem, request) from None

    @staticmethod
    def _offered(problem: RouteNotOffered | NotThePsa, request: _Request) -> RouteNotOffered | NotThePsa:
        # Outside of the REST API the web server itself says that there is no such address.
        if isinstance(problem, NotThePsa) and not (request.site and problem.status == 404):
            return problem
        return NotOffered(
            problem.problem,
            tenant=problem.tenant,
            operation=problem.operation,
            said=problem.said,
            status=problem.status,
        )

    def _first(self, operation: str, step: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of a request that comes before the operation's own."""
        request = _filled({"method": "GET", **step}, values, None)
        try:
            answer = self.psa.exchange(
                request.method,
                request.path,
                body=request.body,
                form=request.form,
                site=request.site,
                headers=request.headers,
            )
        except (RouteNotOffered, NotThePsa) as problem:
            raise self._offered(problem, request) from None
        found = {}
        for name, place in (step.get("find") or {}).items():
            _before, after, rest = answer.text.partition(place["after"])
            value, until, _rest = rest.partition(place["until"])
            if not after or not until:
                raise NotThePsa(
                    f"extension route {operation}: the answer of {step['name']} does not hold {name}",
                    tenant=self.psa.tenant,
                    operation=f"{request.method} {request.path}",
                    remedy="learn the routes anew; the web client of this version is another one",
                )
            found[name] = value
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return {"data": answer.data, "headers": headers, "found": found}

    def update_setting(
        self, role: int, setting: int, levels: Mapping[str, str], changed: Mapping[str, str], **more: Any
    ) -> None:
        """levels: all four of the row, for templates. changed: those that differ, all that the default body sends."""
        fields = {f"{verb}Level": level for verb, level in changed.items()}
        self.call(
            "role_setting.update",
            role=role,
            setting=setting,
            levels=dict(levels),
            changes=[{"verb": verb, "level": level} for verb, level in changed.items()],
            body=patch_operations(fields),
            **more,
        )

    @property
    def all_rows_at_once(self) -> bool:
        """Whether the route for permissions takes many rows in one request."""
        return bool(self.uses("role_setting.update") & {"rows", "matrix"})

    def update_settings(
        self, role: int, rows: Sequence[Mapping[str, Any]], matrix: Sequence[Mapping[str, Any]]
    ) -> None:
        """One request for many rows. rows: those that change, matrix: all of them; each as they are to be."""
        self.call("role_setting.update", role=role, rows=list(rows), matrix=list(matrix), body=None)

    def customize_items(self, role: int, setting: int, **more: Any) -> list[str]:
        rows = self.call("customize_items.list", role=role, setting=setting, **more)
        return [str(row.get("itemIdentifier")) for row in self._rows(rows, "customize_items.list")]

    def replace_customize_items(self, role: int, setting: int, identifier: str, items: list[str], **more: Any) -> None:
        body = [{"customizeIdentifier": identifier, "itemIdentifier": item} for item in items]
        self.call("customize_items.replace", role=role, setting=setting, items=items, body=body, **more)

    def keys(self, kind: str, member: int) -> list[dict[str, Any]]:
        rows = self._rows(self.call(f"{kind}.list", member=member), f"{kind}.list")
        for row in rows:
            register(row.get("privateKey"))
        return rows

    def create_key(self, kind: str, member: int, description: str) -> dict[str, Any]:
        """Create a key. No error quotes the answer, and each that came after the request was sent is `unclear`."""
        operation = f"{kind}.create"
        arguments = {"member": member, "description": description}
        route, values, request = self._prepared(operation, {"description": description}, arguments)
        try:
            answer = self._send(request)
        except PsaError as problem:
            if isinstance(problem, (ConnectionFailed, InputError)) and not problem.unclear:
                raise
            raise _unclear(unquoted(problem)) from None
        try:
            made = self._result(operation, route, values, request, answer)
        except Exception:  # whatever it is, it may quote the key
            made = None
        if not isinstance(made, dict) or not all(_is_half(made.get(name)) for name in ("publicKey", "privateKey")):
            raise _unclear(
                ServerFailed(
                    "the answer to the creation of a key holds no key pair",
                    tenant=self.psa.tenant,
                    operation=operation,
                    remedy="check the result and success of this operation in cw_extension_routes",
                )
            )
        register(made["privateKey"])
        return made

    def delete_key(self, kind: str, member: int, key: object) -> None:
        self.call(f"{kind}.delete", member=member, key=key)

    def _rows(self, rows: Any, operation: str) -> list[dict[str, Any]]:
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise NotThePsa(
                f"extension route {operation}: the answer is not a list of records",
                tenant=self.psa.tenant,
                operation=operation,
                remedy="check the result path of this operation in cw_extension_routes",
            )
        return rows


def _is_half(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _unclear(problem: PsaError) -> PsaError:
    problem.unclear = True
    return problem


def _new() -> dict[str, Any]:
    """What a client makes anew for each request."""
    return {"uuid": str(uuid.uuid4()), "number": secrets.randbelow(10**6) + 1}


def _now() -> dict[str, int]:
    moment = time.time()
    return {"s": int(moment), "ms": int(moment * 1000)}


_SENT = ("method", "path", "query", "body", "form", "multipart", "headers", "site")
