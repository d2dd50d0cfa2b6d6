# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests and answers of a recording as trees, with what is nested in texts unpacked. Pure functions."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from ansible_collections.msp.connectwise.plugins.plugin_utils._har import Entry

_BASE64 = re.compile(r"[A-Za-z0-9+/]{12,}={0,2}")
_FORM = re.compile(r"[\w.\[\]-]+=[^&=\s]*(&[\w.\[\]-]+=[^&=\s]*)*")
DEEPEST = 12


@dataclass(frozen=True)
class Coded:
    """A text that holds something else. kind: json, base64 or urlencoded; of a form also repeated and indexed."""

    kind: str
    value: Any


def unpacked(value: Any, depth: int = 0) -> Any:
    """A value with every text in it unpacked, as deep as it goes."""
    if depth > DEEPEST:
        return value
    if isinstance(value, Mapping):
        return {str(key): unpacked(one, depth + 1) for key, one in value.items()}
    if isinstance(value, list):
        return [unpacked(one, depth + 1) for one in value]
    return _of_text(value, depth) if isinstance(value, str) else value


def _of_text(text: str, depth: int) -> Any:
    stripped = text.strip()
    if stripped[:1] in ("{", "["):
        try:
            return Coded("json", unpacked(json.loads(stripped), depth + 1))
        except (ValueError, RecursionError):
            return text
    if _BASE64.fullmatch(text) and len(text) % 4 == 0:
        try:
            inner = base64.b64decode(text, validate=True).decode("utf-8")
        except (binascii.Error, ValueError):
            return text
        found = _of_text(inner, depth + 1)
        return Coded("base64", found) if isinstance(found, Coded) else text
    if "=" in text and ("&" in text or "%" in text) and _FORM.fullmatch(text):
        pairs = parse_qsl(text, keep_blank_values=True)
        if len(dict(pairs)) == len(pairs):
            return Coded("urlencoded", unpacked(dict(pairs), depth + 1))
    return text


_INDEXED = re.compile(r"(?P<head>.*?(?P<open>\[|\.|_|-))(?P<index>\d+)(?P<close>\]?)(?P<rest>.*)")


def fields(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The fields of a form. A name that comes again, or ends in [], holds a list; names with numbers in them, records.

    `row[0][id]=5&row[0][add]=A` is one field `row[#]`, and so is `item_7=on&item_9=on` a field `item_#`.
    """
    numbered: dict[str, dict[str, dict[str, Any]]] = {}
    plain: dict[str, list[str]] = {}
    indexes: dict[str, set[str]] = {}
    found = [(_INDEXED.fullmatch(name), name, value) for name, value in pairs]
    for match, _name, _value in found:
        if match:
            indexes.setdefault(_spelled(match), set()).add(match["index"])
    for match, name, value in found:
        if match and (match["close"] or len(indexes[_spelled(match)]) > 1):
            records = numbered.setdefault(_spelled(match), {})
            records.setdefault(match["index"], {})[match["rest"]] = unpacked(value, 1)
        else:
            plain.setdefault(name, []).append(unpacked(value, 1))
    single = {
        name: values[0] if len(values) == 1 and not name.endswith("[]") else Coded("repeated", values)
        for name, values in plain.items()
    }
    return {**single, **{name: Coded("indexed", _records(records)) for name, records in numbered.items()}}


def _spelled(match: re.Match[str]) -> str:
    return f"{match['head']}#{match['close']}"


def _records(records: Mapping[str, dict[str, Any]]) -> Any:
    found = {index: one[""] if set(one) == {""} else one for index, one in records.items()}
    in_order = list(found) == [str(number) for number in range(len(found))]
    return list(found.values()) if in_order else found


@dataclass(frozen=True)
class Request:
    """A request as a tree. kind: what its body is: none, body (JSON), form, multipart or text."""

    kind: str
    tree: dict[str, Any]


def request_of(entry: Entry) -> Request:
    kind, body = _body(entry)
    tree = {
        "path": entry.path.split("/")[1:],
        "query": fields(entry.query),
        "headers": unpacked(dict(entry.headers)),
        "body": body,
    }
    return Request(kind, tree)


def _body(entry: Entry) -> tuple[str, Any]:
    if not entry.body:
        return "none", None
    if "multipart/form-data" in entry.body_type:
        return "multipart", fields(_parts(entry.body))
    if "urlencoded" in entry.body_type:
        return "form", fields(parse_qsl(entry.body, keep_blank_values=True))
    try:
        return "body", unpacked(json.loads(entry.body))
    except (ValueError, RecursionError):
        pass
    if not entry.body_type and _FORM.fullmatch(entry.body):
        return "form", fields(parse_qsl(entry.body, keep_blank_values=True))
    return "text", entry.body


def _parts(text: str) -> list[tuple[str, str]]:
    boundary = text.lstrip().split("\n", 1)[0].strip()
    found = []
    for part in text.split(boundary)[1:]:
        head, blank, value = part.replace("\r\n", "\n").lstrip("\n").partition("\n\n")
        name = re.search(r'name="([^"]*)"', head)
        if blank and name:
            found.append((name.group(1), value.removesuffix("\n")))
    return found


def answer_of(entry: Entry) -> Any:
    """The answer as data; None when it is not JSON."""
    try:
        return _json_in(json.loads(entry.answer))
    except (ValueError, RecursionError):
        return None


def _json_in(value: Any, depth: int = 0) -> Any:
    """JSON in the texts of an answer; what else texts may hold, no template could take out again."""
    if isinstance(value, Mapping):
        return {str(key): _json_in(one, depth + 1) for key, one in value.items()}
    if isinstance(value, list):
        return [_json_in(one, depth + 1) for one in value]
    if isinstance(value, str) and value.strip()[:1] in ("{", "[") and depth < DEEPEST:
        try:
            return Coded("json", _json_in(json.loads(value), depth + 1))
        except (ValueError, RecursionError):
            return value
    return value


def taken(data: Any, path: Sequence[str]) -> Any:
    """The part of an answer at a path, as a template would take it; None when there is none."""
    for step in path:
        if isinstance(data, Coded):
            data = data.value
        elif isinstance(data, Mapping):
            data = data.get(step)
        elif isinstance(data, list) and step.isdigit() and int(step) < len(data):
            data = data[int(step)]
        else:
            return None
    return data


def is_table(value: Any) -> bool:
    """Whether a mapping is records by their keys rather than one record."""
    if not isinstance(value, Mapping) or not value:
        return False
    if all(str(key).isdigit() for key in value):
        return True
    kinds = {type(one) for one in value.values()}
    return len(value) > 5 and len(kinds) == 1 and (kinds <= {dict, list} or all(" " in str(key) for key in value))


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every scalar of a tree with its path; also inside of texts."""
    if isinstance(value, Coded):
        yield from leaves(value.value, (*path, f"({value.kind})"))
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from leaves(one, (*path, str(key)))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from leaves(one, (*path, str(number)))
    else:
        yield path, value


def hollow(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of what is empty in a tree, as if it had one entry: a list of nothing is still there."""
    if isinstance(value, Coded):
        yield from hollow(value.value, (*path, f"({value.kind})"))
    elif isinstance(value, (Mapping, list)):
        if not value:
            yield (*path, "0")
        for key, one in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from hollow(one, (*path, str(key)))


@dataclass(frozen=True)
class Spot:
    """Where an answer has a value. table: the path of the list or table it lies in, or None; element: its row there."""

    path: tuple[str, ...]
    table: tuple[str, ...] | None = None
    element: Any = None


def spots(data: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[Any, Spot]]:
    """Every scalar of an answer with its spot; of a table, the keys too."""
    if isinstance(data, Coded):
        yield from spots(data.value, (*path, "(json)"))
        return
    rows = _rows(data)
    for one in rows:
        for inner, value in leaves(one):
            yield value, Spot(inner, path, one)
    if not isinstance(data, (Mapping, list)):
        yield data, Spot(path)
    elif not rows or (isinstance(data, list) and len(data) == 1):
        # One answer in a list of answers may hold all.
        for key, one in data.items() if isinstance(data, Mapping) else enumerate(data):
            yield from spots(one, (*path, str(key)))


def _rows(data: Any) -> list[Any]:
    """The rows of a list or table; of anything else none."""
    if isinstance(data, list) and not _is_record(data):
        return data
    return [{"key": key, "value": one} for key, one in data.items()] if is_table(data) else []


def _is_record(data: list[Any]) -> bool:
    """A short list of different kinds is one record, not a list of them."""
    return len(data) < 8 and len({type(one) for one in data}) > 1
