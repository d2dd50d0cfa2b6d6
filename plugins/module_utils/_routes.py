# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The second rung of the ladder: operations a tenant may offer beside the published ones, as data.

None of these routes is published by ConnectWise or confirmed on a live tenant. They follow the API's own
conventions. A tenant's `cw_extension_routes` replaces or extends the table, entry by entry.

An entry: operation -> {method, path, body | form, site, result, success}
  method   GET, POST, PUT, PATCH or DELETE
  path     below the REST API; with `site: true` below the codebase of the site
  body     the JSON body as a template; without it the operation's own body is sent as it is
  form     a form body instead: field -> JSON template (sent as JSON text) or text
  result   dotted path to the part of the answer that is the operation's result, such as data.action.items
  success  dotted path -> value that the answer must have, else the operation failed
`{name}` in path and templates is replaced by an argument of the operation; a template that is nothing but
`{name}` becomes the argument itself, with its type; `{levels.add}` is a part of one. `{$json: TEMPLATE}` becomes the
filled template as JSON text, for routes that want JSON inside of JSON. An entry that is false switches the operation
off.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ._client import Psa, patch_operations, quoted
from ._errors import InputError, NotThePsa, RouteNotOffered, ServerFailed

ROUTES: dict[str, dict[str, Any]] = {
    "role_setting.update": {"method": "PATCH", "path": "/system/securityRoles/{role}/settings/{setting}"},
    "customize_items.list": {
        "method": "GET",
        "path": "/system/securityRoles/{role}/settings/{setting}/customizeItems",
    },
    "customize_items.replace": {
        "method": "PUT",
        "path": "/system/securityRoles/{role}/settings/{setting}/customizeItems",
    },
    "api_member_key.list": {"method": "GET", "path": "/system/apiMembers/{member}/apiKeys"},
    "api_member_key.create": {"method": "POST", "path": "/system/apiMembers/{member}/apiKeys"},
    "api_member_key.delete": {"method": "DELETE", "path": "/system/apiMembers/{member}/apiKeys/{key}"},
    "member_key.list": {"method": "GET", "path": "/system/members/{member}/apiKeys"},
    "member_key.create": {"method": "POST", "path": "/system/members/{member}/apiKeys"},
    "member_key.delete": {"method": "DELETE", "path": "/system/members/{member}/apiKeys/{key}"},
}

# What each operation brings for the templates, beside `body`: the whole default body. `levels` are all four of the row.
ARGUMENTS: dict[str, tuple[str, ...]] = {
    "role_setting.update": ("role", "setting", "levels"),
    "customize_items.list": ("role", "setting"),
    "customize_items.replace": ("role", "setting", "items"),
    "api_member_key.list": ("member",),
    "api_member_key.create": ("member", "description"),
    "api_member_key.delete": ("member", "key"),
    "member_key.list": ("member",),
    "member_key.create": ("member", "description"),
    "member_key.delete": ("member", "key"),
}

AS_JSON = "$json"
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_FIELDS = {"method", "path", "body", "form", "site", "result", "success"}
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_.]*)\}")
_BRACES = re.compile(r"\{[^{}]*\}|[{}]")


class NotOffered(RouteNotOffered):
    """The tenant does not offer the operation: go on to the manual step."""


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    body: Any = None
    form: Mapping[str, Any] | None = None
    site: bool = False
    result: str = ""
    success: Mapping[str, Any] | None = None


def _placeholders(template: Any) -> set[str]:
    if isinstance(template, str):
        return {name.split(".")[0] for name in _PLACEHOLDER.findall(template)}
    if isinstance(template, Mapping):
        return set().union(*(_placeholders(one) for one in [*template.keys(), *template.values()]))
    if isinstance(template, (list, tuple)):
        return set().union(*(_placeholders(one) for one in template))
    return set()


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
    known = {*ARGUMENTS[operation], "body"}
    for problem, remedy in (*_shape(entry, merged), *_placeholder_use(merged, known)):
        raise InputError(f"{where}{problem}", remedy=remedy)
    return Route(
        str(merged["method"]).upper(),
        str(merged["path"]),
        merged.get("body"),
        merged.get("form"),
        bool(merged.get("site")),
        str(merged.get("result") or ""),
        merged.get("success"),
    )


def _shape(entry: Mapping[str, Any], merged: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong with the fields of an entry, each with what to do."""
    strangers = sorted(str(name) for name in set(entry) - _FIELDS)
    if strangers:
        yield f" has unknown fields: {', '.join(strangers)}", f"use {', '.join(sorted(_FIELDS))}"
    if str(merged["method"]).upper() not in _METHODS:
        yield f'.method "{merged["method"]}" is not one', f"use {', '.join(_METHODS)}"
    if not str(merged["path"]).startswith("/"):
        yield f'.path "{merged["path"]}" does not begin with /', "write the path below the API, with {placeholders}"
    if "body" in merged and "form" in merged:
        yield " has both body and form", "keep one of the two"
    for field in ("form", "success"):
        if not isinstance(merged.get(field, {}), Mapping):
            yield f".{field} is not a mapping", f"write {field} as a mapping"


def _placeholder_use(merged: Mapping[str, Any], known: set[str]) -> Iterator[tuple[str, str]]:
    for braces in _BRACES.findall(str(merged["path"])):
        if not _PLACEHOLDER.fullmatch(braces):
            yield f".path has {braces} in it", "write placeholders as {name}, in small letters"
    used = _placeholders([merged["path"], merged.get("body"), merged.get("form")])
    if used - known:
        strangers = ", ".join(sorted(used - known))
        yield f" uses unknown placeholders: {strangers}", f"the operation brings {', '.join(sorted(known))}"


def dig(data: Any, path: str) -> Any:
    """The part of an answer at a dotted path; None when there is none."""
    for step in filter(None, path.split(".")):
        if isinstance(data, Mapping):
            data = data.get(step)
        elif isinstance(data, list) and step.isdigit() and int(step) < len(data):
            data = data[int(step)]
        else:
            return None
    return data


def _argument(arguments: Mapping[str, Any], name: str) -> Any:
    """The value of a placeholder. One that stands for nothing must not become the word None, which is a level too."""
    value = dig(arguments, name)
    if value is None:
        raise InputError(
            f"the placeholder {{{name}}} of an extension route stands for nothing",
            remedy=f"correct it in cw_extension_routes; the arguments are {', '.join(sorted(arguments))}",
        )
    return value


def fill(template: Any, arguments: Mapping[str, Any]) -> Any:
    """A template with its placeholders replaced."""
    if isinstance(template, str):
        whole = _PLACEHOLDER.fullmatch(template)
        if whole:
            return _argument(arguments, whole.group(1))
        return _PLACEHOLDER.sub(lambda found: str(_argument(arguments, found.group(1))), template)
    if isinstance(template, Mapping) and set(template) == {AS_JSON}:
        return json.dumps(fill(template[AS_JSON], arguments))
    if isinstance(template, Mapping):
        return {fill(key, arguments): fill(value, arguments) for key, value in template.items()}
    if isinstance(template, (list, tuple)):
        return [fill(one, arguments) for one in template]
    return template


class Extensions:
    """The extension routes of one tenant."""

    def __init__(self, psa: Psa, replaced: Mapping[str, Any] | None = None) -> None:
        self.psa = psa
        self._routes = {
            operation: parse_route(operation, entry) for operation, entry in {**ROUTES, **(replaced or {})}.items()
        }

    def call(self, operation: str, *, body: Any = None, **arguments: Any) -> Any:
        """Run an operation; raises NotOffered when the tenant has no such route."""
        route = self._routes[operation]
        if route is None:
            raise NotOffered(f"the operation {operation} is switched off for this tenant", tenant=self.psa.tenant)
        values = {**arguments, "body": body}
        path = _PLACEHOLDER.sub(lambda found: quoted(_argument(values, found.group(1))), route.path)
        form = None
        if route.form is not None:
            form = {name: _as_text(fill(template, values)) for name, template in route.form.items()}
        sent = fill(route.body, values) if route.body is not None else (None if form else body)
        try:
            answer = self.psa.call(route.method, path, body=sent, form=form, site=route.site)
        except (RouteNotOffered, NotThePsa) as problem:
            # Outside of the REST API the web server itself says that there is no such address.
            if isinstance(problem, NotThePsa) and not (route.site and problem.status == 404):
                raise
            raise NotOffered(
                problem.problem,
                tenant=problem.tenant,
                operation=problem.operation,
                said=problem.said,
                status=problem.status,
            ) from None
        for place, expected in (route.success or {}).items():
            if dig(answer, place) != expected:
                raise ServerFailed(
                    f"extension route {operation}: the answer has {place} = {dig(answer, place)!r}, not {expected!r}",
                    tenant=self.psa.tenant,
                    operation=f"{route.method} {path}",
                    remedy="check the entry of this operation in cw_extension_routes",
                )
        return dig(answer, route.result) if route.result else answer

    def update_setting(self, role: int, setting: int, levels: Mapping[str, str], changed: Mapping[str, str]) -> None:
        """levels: all four of the row, for templates. changed: those that differ, all that the default body sends."""
        fields = {f"{verb}Level": level for verb, level in changed.items()}
        self.call("role_setting.update", role=role, setting=setting, levels=dict(levels), body=patch_operations(fields))

    def customize_items(self, role: int, setting: int) -> list[str]:
        rows = self.call("customize_items.list", role=role, setting=setting)
        return [str(row.get("itemIdentifier")) for row in self._rows(rows, "customize_items.list")]

    def replace_customize_items(self, role: int, setting: int, identifier: str, items: list[str]) -> None:
        body = [{"customizeIdentifier": identifier, "itemIdentifier": item} for item in items]
        self.call("customize_items.replace", role=role, setting=setting, items=items, body=body)

    def keys(self, kind: str, member: int) -> list[dict[str, Any]]:
        return self._rows(self.call(f"{kind}.list", member=member), f"{kind}.list")

    def create_key(self, kind: str, member: int, description: str) -> dict[str, Any]:
        made = self.call(f"{kind}.create", member=member, description=description, body={"description": description})
        if not isinstance(made, dict) or not all(made.get(name) for name in ("publicKey", "privateKey")):
            raise ServerFailed(
                "the answer to the creation of a key holds no key pair",
                tenant=self.psa.tenant,
                operation=f"{kind}.create",
                remedy="check the result path of this operation in cw_extension_routes",
            )
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


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
