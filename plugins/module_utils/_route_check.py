# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shipped table of extension routes, and what an entry of such a table may say. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ._templates import PLACEHOLDER, placeholders, problems

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
# `changes` are those that differ, each with `verb` and `level`; `added` and `removed` what a list gains and loses.
# `row` is a row of the matrix, `rows` those that change, `matrix` all; `allowed` and `refused` divide `catalogue`.
_LIST = ("role", "setting", "row", "catalogue")
ARGUMENTS: dict[str, tuple[str, ...]] = {
    "role_setting.update": ("role", "setting", "levels", "changes", "row", "rows", "matrix"),
    "customize_items.list": _LIST,
    "customize_items.replace": (*_LIST, "items", "allowed", "refused", "added", "removed"),
    "api_member_key.list": ("member",),
    "api_member_key.create": ("member", "description"),
    "api_member_key.delete": ("member", "key"),
    "member_key.list": ("member",),
    "member_key.create": ("member", "description"),
    "member_key.delete": ("member", "key"),
}
# What every request has: now.s and now.ms, and what a client makes anew each time, new.uuid and new.number.
ALWAYS = ("now", "new")
BODIES = ("body", "form", "multipart")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_REQUEST = {"method", "path", "query", *BODIES, "headers", "site"}
_FIELDS = {*_REQUEST, "first", "maps", "result", "success"}
_STEP_FIELDS = {*_REQUEST, "name", "find"}
_BRACES = re.compile(r"\{[^{}]*\}|[{}]")
_NAME = re.compile(r"[a-z][A-Za-z0-9_]*")
# What leads out of the codebase, or to another place than it looks.
_ASTRAY = re.compile(r"(^|/)(\.|%2e){1,2}(?=[/?#;]|$)|^//|\\|%5c|[\x00-\x20\x7f]", re.IGNORECASE)

Problems = Iterator[tuple[str, str]]


def check(operation: str, entry: Mapping[str, Any], merged: Mapping[str, Any]) -> Problems:
    """What is wrong with an entry, each with what to do. merged: the entry on top of the shipped one."""
    yield from _shape(entry, merged, _FIELDS)
    yield from _further(merged)
    known = {*ARGUMENTS[operation], "body", *ALWAYS}
    for step in merged.get("first") or []:
        yield from _step(step, merged, known)
        known.add(str(step["name"]))
    yield from _use(merged, known)
    if not isinstance(merged.get("result", ""), str):
        unknown = placeholders(merged["result"]) - known - {"answer"}
        if unknown:
            yield f".result uses unknown placeholders: {', '.join(sorted(unknown))}", "use {answer} and the arguments"


def leads_astray(path: str) -> bool:
    """Return whether a path leads out of where it begins."""
    return _ASTRAY.search(path.partition("?")[0]) is not None


def _shape(entry: Mapping[str, Any], merged: Mapping[str, Any], fields: set[str]) -> Problems:
    strangers = sorted(str(name) for name in set(entry) - fields)
    if strangers:
        yield f" has unknown fields: {', '.join(strangers)}", f"use {', '.join(sorted(fields))}"
    if str(merged.get("method", "GET")).upper() not in _METHODS:
        yield f'.method "{merged["method"]}" is not one', f"use {', '.join(_METHODS)}"
    if not str(merged.get("path", "")).startswith("/"):
        yield f'.path "{merged.get("path")}" does not begin with /', "write the path below the API, with {placeholders}"
    if leads_astray(_BRACES.sub("x", str(merged.get("path", "")))):
        yield f'.path "{merged.get("path")}" leads elsewhere', "write the path without . and .., // and blanks"
    bodies = [name for name in BODIES if name in merged]
    if len(bodies) > 1:
        yield f" has both {bodies[0]} and {bodies[1]}", "keep one of the two"
    for name in ("query", "form", "multipart", "headers", "success", "maps"):
        if not isinstance(merged.get(name, {}), Mapping):
            yield f".{name} is not a mapping", f"write {name} as a mapping"
    if merged.get("site", False) not in (True, False, "root"):
        yield f'.site "{merged["site"]}" is not one', "write true (below the codebase) or root (below the host)"


def _further(merged: Mapping[str, Any]) -> Problems:
    for name, table in (merged.get("maps") or {}).items():
        if not isinstance(table, Mapping):
            yield f".maps {name} is not a mapping", "write a map as {value: other word}"
    if not isinstance(merged.get("result", ""), (str, Mapping, list)):
        yield ".result is neither a path nor a template", "write a dotted path, or a template with {answer}"
    if not isinstance(merged.get("first", []), list):
        yield ".first is not a list", "write first as a list of requests, each with a name"


def _step(step: Any, merged: Mapping[str, Any], known: set[str]) -> Problems:
    """One request of `first`."""
    if not isinstance(step, Mapping):
        yield ".first has an entry that is not a mapping", "write {name: …, method: …, path: …}"
        return
    name = str(step.get("name", ""))
    if not _NAME.fullmatch(name) or name in {*known, "answer", "maps", "each"}:
        yield f'.first has an entry named "{name}"', "give each a name of its own, in letters, that is no argument"
    for problem, remedy in (*_shape(step, step, _STEP_FIELDS), *_use({"maps": merged.get("maps"), **step}, known)):
        yield f".first {name}{problem}", remedy
    for found, place in (step.get("find") or {}).items():
        texts = [place.get(one) for one in ("after", "until")] if isinstance(place, Mapping) else []
        if not texts or not all(isinstance(text, str) and text for text in texts):
            yield f".first {name} finds {found} nowhere", "write find as {name: {after: text, until: text}}"


def _use(request: Mapping[str, Any], known: set[str]) -> Problems:
    """Placeholders and forms of a request."""
    for braces in _BRACES.findall(str(request["path"])):
        if not PLACEHOLDER.fullmatch(braces):
            yield f".path has {braces} in it", "write placeholders as {name}, in small letters"
    templates = [request.get(name) for name in (*BODIES, "query", "headers")]
    used = placeholders([request["path"], *templates])
    if used - known:
        strangers = ", ".join(sorted(used - known))
        yield f" uses unknown placeholders: {strangers}", f"the operation brings {', '.join(sorted(known))}"
    for template in (*templates, request.get("result")):
        if not isinstance(template, str):
            yield from problems(template, request.get("maps") or {})
