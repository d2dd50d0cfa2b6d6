# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One request as an operation sees it, and the shapes of answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from . import errors, query, schema
from .catalog import Record
from .enforcement import Need
from .tenant import Key, Store, Tenant, timestamp


@dataclass
class Call:
    """One request, as an operation sees it."""

    tenant: Tenant
    store: Store
    member: Record
    key: Key
    method: str
    base: str  # https://host/codebase/apis/3.0
    path: str  # below base, as it was sent
    params: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    ids: list[str] = field(default_factory=list)
    # Set by faults: make duplicates, or lose a row between two pages.
    duplicate: bool = False
    shifted: bool = False

    @property
    def grammar(self) -> query.Grammar:
        config = self.tenant.config
        return query.Grammar(sensitive=config.equals == "sensitive", quotes=config.quotes)

    def number(self, position: int = 0) -> int:
        return int(self.ids[position])

    def info(self) -> dict[str, str]:
        return {"lastUpdated": timestamp(), "updatedBy": str(self.member["identifier"])}


@dataclass
class Reply:
    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


Handler = Callable[[Call], Reply]


@dataclass(frozen=True)
class Operation:
    handler: Handler
    need: Need
    extension: bool = False


def listing(call: Call, records: list[Record], model: str | None) -> Reply:
    known = schema.known_paths(model)
    found = query.select(records, call.params, call.grammar, known)
    if call.params.get("orderby", "").strip():
        found = query.ordered(found, call.params["orderby"], known)
    forward = call.headers.get("pagination-type", "").lower() == "forward-only"
    page = query.page(found, call.params, f"{call.base}{call.path}", forward, call.shifted)
    project = query.projection(call.params.get("fields", ""))
    return Reply(200, [project(record) for record in page.records], {"Link": page.link} if page.link else {})


def counting(call: Call, records: list[Record], model: str | None) -> Reply:
    return Reply(200, {"count": len(query.select(records, call.params, call.grammar, schema.known_paths(model)))})


def single(call: Call, record: Record) -> Reply:
    return Reply(200, query.projection(call.params.get("fields", ""))(record))


def list_and_count(records: Callable[[Call], list[Record]], model: str | None) -> tuple[Handler, Handler]:
    return (
        lambda call: listing(call, records(call), model),
        lambda call: counting(call, records(call), model),
    )


def patched(body: Any, model: str, resource: str) -> list[tuple[str, Any]]:
    """The fields a JSON patch replaces. A path inside an object is accepted and changes nothing, as documented."""
    if not isinstance(body, list):
        raise errors.invalid(resource, [errors.inner("UnsupportedFormat", resource, "", "A list is expected.")])
    changes: list[tuple[str, Any]] = []
    for entry in body:
        if not isinstance(entry, dict) or not isinstance(entry.get("path"), str):
            raise errors.invalid(resource, [errors.missing(resource, "path")])
        op = entry.get("op")
        if op not in ("add", "replace", "remove"):
            raise errors.invalid(resource, [errors.inner("UnsupportedFormat", resource, "op", f"{op!r} is unknown.")])
        path = entry["path"].removeprefix("/")
        first, inside, _rest = path.partition("/")
        if first not in schema.properties(model):
            raise errors.invalid(resource, [errors.inner("NotFound", resource, path, f"There is no field {path!r}.")])
        if not inside:
            changes.append((first, None if op == "remove" else entry.get("value")))
    return changes
