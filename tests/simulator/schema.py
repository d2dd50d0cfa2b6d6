# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The published data model: field names, lengths and types, from ``data/openapi.yml``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import yaml

from . import errors
from .catalog import DATA, Record
from .query import QueryError, parse_date

# The C loader, where there is one: the document is long, and every start waits for it.
Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
INT32 = 2**31


@functools.cache
def document() -> dict[str, Any]:
    with (DATA / "openapi.yml").open(encoding="utf-8") as stream:
        loaded: dict[str, Any] = Loader(stream).get_single_data()
    return loaded


@functools.cache
def properties(name: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = document()["components"]["schemas"][name].get("properties", {})
    return found


def target(field: dict[str, Any]) -> str | None:
    """The schema a field points to."""
    reference = field.get("$ref")
    return reference.rsplit("/", 1)[1] if reference else None


@functools.cache
def known_paths(name: str | None) -> Callable[[str], bool]:
    """Whether a query may name a path of this schema; without a schema anything goes."""
    if name is None:
        return lambda _path: True

    @functools.cache
    def known(path: str) -> bool:
        at: str | None = name
        parts = path.lower().split("/")
        for position, part in enumerate(parts):
            if at is None:
                return False
            field = next((field for key, field in properties(at).items() if key.lower() == part), None)
            if field is None:
                return False
            at = target(field)
            if at is None and field.get("type") == "object":
                return position + 1 < len(parts)
        return True

    return known


def _convert_boolean(value: Any, path: str) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise errors.conversion(value, "System.Boolean", path)


def _convert_integer(value: Any, path: str) -> int:
    if isinstance(value, str) and value.strip().lstrip("-").isdecimal() and len(value) < 12:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not -INT32 <= value < INT32:
        raise errors.conversion(value, "System.Int32", path)
    return value


def _convert_string(value: Any, path: str) -> str:
    if isinstance(value, (dict, list)):
        raise errors.conversion(value, "System.String", path)
    if isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else str(value)


def convert(field: dict[str, Any], value: Any, path: str) -> Any:
    """A value as the field's type, the way the server's deserializer does it: leniently, or with a 500."""
    if value is None:
        return None
    if target(field) or field.get("type") == "object":
        if not isinstance(value, dict):
            raise errors.conversion(value, target(field) or "Object", path)
        return value
    kind = field.get("type")
    if kind == "array":
        if not isinstance(value, list):
            raise errors.conversion(value, "List", path)
        return [convert(field["items"], item, f"{path}[{index}]") for index, item in enumerate(value)]
    if kind == "boolean":
        return _convert_boolean(value, path)
    if kind in ("integer", "number"):
        return _convert_integer(value, path)
    text = _convert_string(value, path)
    if "enum" in field and text not in field["enum"]:
        raise errors.conversion(value, "Nullable<Level>", path)
    if field.get("format") == "date-time":
        try:
            parse_date(text)
        except QueryError as error:
            raise errors.conversion(value, "System.DateTime", path) from error
    return text


def fields(name: str, body: Any, resource: str) -> tuple[Record, list[dict[str, str]]]:
    """The known fields of a request body with their types, and what is too long. Unknown fields are ignored."""
    if not isinstance(body, dict):
        raise errors.conversion(body, resource, "")
    known = properties(name)
    values: Record = {}
    problems = []
    for key, value in body.items():
        field = known.get(key)
        if field is None or key in ("id", "_info"):
            continue
        values[key] = convert(field, value, key)
        limit = field.get("maxLength")
        if limit is not None and isinstance(values[key], str) and len(values[key]) > limit:
            problems.append(errors.too_long(resource, key, limit))
    return values, problems
