# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A profile against its schema (profile.schema.json), and what a schema cannot say. Pure functions."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._access import EXCLUSIVE, no_longer
from ansible_collections.msp.connectwise.plugins.module_utils._customize import customizable
from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError
from ansible_collections.msp.connectwise.plugins.module_utils._names import (
    canonical_function,
    canonical_module,
    level_hint,
)
from ansible_collections.msp.connectwise.plugins.module_utils._permissions import ListWish
from ansible_collections.msp.connectwise.plugins.plugin_utils._profile_tables import grants
from ansible_collections.msp.connectwise.plugins.plugin_utils._resolve import marker_in

SCHEMA_FILE = Path(__file__).with_name("profile.schema.json")
SCHEMA: Mapping[str, Any] = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
PROPERTIES: Mapping[str, Any] = SCHEMA["properties"]

# The word that ConnectWise's older documents have for a level.
_MEANT = {"mine": "my"}

# Keys whose value is text for people: printed as it is, and used for nothing else.
_TEXTS = frozenset({"vendor", "product", "source", "sources", "gaps", "readings", "notes", "handover"})
_GROUPS = ("feature_groups", "reduction_groups")

Where = tuple[object, ...]
Problem = tuple[Where, str]

_KINDS: dict[str, tuple[type, ...]] = {
    "object": (Mapping,),
    "array": (list, tuple),
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
}
_WORDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "boolean": "true or false",
}


def said(path: Where) -> str:
    return ".".join(f"[{part}]" if isinstance(part, int) else str(part) for part in path).replace(".[", "[")


def templates_in(profile: Mapping[str, Any]) -> Iterator[Problem]:
    """Where what is used of a profile has what begins a template, with that marker; text for people may have it."""
    for key, value in profile.items():
        if key not in _TEXTS:
            yield from _markers(value, (key,))


def _markers(value: Any, path: Where) -> Iterator[Problem]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if marker := marker_in(key):
                yield (*path, key), marker
            elif not (len(path) == 2 and path[0] in _GROUPS and key == "description"):
                yield from _markers(inner, (*path, key))
    elif isinstance(value, (list, tuple)):
        for number, inner in enumerate(value):
            yield from _markers(inner, (*path, number))
    elif marker := marker_in(value):
        yield path, marker


def problems(profile: Mapping[str, Any]) -> Iterator[Problem]:
    """Everything that is wrong with a profile; what a schema cannot say only once its form is right."""
    found = False
    for problem in misfits(profile, SCHEMA, ()):
        found = True
        yield problem
    if not found:
        yield from _meaning(profile)


def misfits(value: Any, schema: Mapping[str, Any], path: Where) -> Iterator[Problem]:
    """Where a value does not fit the part of JSON Schema that our schema uses."""
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    kind = schema.get("type", "")
    if "anyOf" in schema:
        yield from _one_of(value, schema["anyOf"], path)
    elif "enum" in schema:
        if value not in schema["enum"] or isinstance(value, bool):
            yield path, _not_one_of(value, schema["enum"])
    elif not isinstance(value, _KINDS[kind]) or (kind == "number" and isinstance(value, bool)):
        yield path, f"{_printed(value)} is not {_WORDS[kind]}{_quotes(value, kind)}"
    else:
        yield from _CHECKS[kind](value, schema, path) if kind in _CHECKS else ()


def _one_of(value: Any, choices: Sequence[Mapping[str, Any]], path: Where) -> Iterator[Problem]:
    tried = [list(misfits(value, choice, path)) for choice in choices]
    if all(tried):
        # What is said of the form the value has is what its writer meant; text is meant as one of the words.
        yield from tried[0] if not isinstance(value, (list, tuple)) else tried[-1]


def _mapping(value: Mapping[Any, Any], schema: Mapping[str, Any], path: Where) -> Iterator[Problem]:
    known, further = schema.get("properties", {}), schema.get("additionalProperties")
    for key, item in value.items():
        if key in known:
            yield from misfits(item, known[key], (*path, key))
        elif not isinstance(key, str) or not key.strip():
            yield (*path, key), "the key is not text, or is empty"
        elif isinstance(further, Mapping):
            yield from misfits(item, further, (*path, key))
        elif key == EXCLUSIVE and "state" in known:
            yield (*path, key), f"state took its place; {no_longer().remedy}"
        else:
            yield (*path, key), f"there is no such key; {nearest(key, known)}"
    for key in schema.get("required", []):
        if key not in value:
            yield path, f'"{key}" is missing'


def _items(value: Sequence[Any], schema: Mapping[str, Any], path: Where) -> Iterator[Problem]:
    for number, item in enumerate(value):
        yield from misfits(item, schema["items"], (*path, number))


def _number(value: float, schema: Mapping[str, Any], path: Where) -> Iterator[Problem]:
    if not value >= schema.get("minimum", value):
        yield path, f"{value} is less than {schema['minimum']}"


def _text(value: str, schema: Mapping[str, Any], path: Where) -> Iterator[Problem]:
    if "maxLength" in schema and len(value) > schema["maxLength"]:
        excess = f'"{value}" has {len(value)} characters; ConnectWise takes at most {schema["maxLength"]}'
        override = (
            "; member_identifier gives a shorter one in its place" if path[-2:] == ("member", "identifier") else ""
        )
        yield path, excess + override
    elif "pattern" in schema and not re.search(schema["pattern"], value):
        yield path, "is empty" if not value.strip() else f'"{value}" does not have the form {schema["pattern"]}'


_CHECKS: dict[str, Callable[[Any, Mapping[str, Any], Where], Iterator[Problem]]] = {
    "object": _mapping,
    "array": _items,
    "string": _text,
    "number": _number,
}


def nearest(name: str, known: Iterable[object], cutoff: float = 0.5) -> str:
    found = difflib.get_close_matches(name, [str(one) for one in known], n=2, cutoff=cutoff)
    if found:
        return "did you mean " + " or ".join(found) + "?"
    return "there are " + ", ".join(str(one) for one in known)


def _not_one_of(value: Any, choices: Sequence[Any]) -> str:
    listed = ", ".join(map(str, choices))
    if isinstance(value, str):
        word = value.strip().casefold()
        near = [one for one in choices if str(one).casefold() == _MEANT.get(word, word)] or (
            difflib.get_close_matches(value.strip().title(), choices, n=1, cutoff=0.5)
        )
        return f'"{value}" is not one of {listed}' + (f'; did you mean "{near[0]}"?' if near else "")
    if "None" not in choices:
        more = _quotes(value, "string")
    else:
        more = '; without quotes YAML reads null and ~ as nothing: write "None"' if value is None else level_hint(value)
    return f"{_printed(value)} is not one of {listed}{more}"


def _printed(value: Any) -> str:
    if value is None:
        return "an empty value"
    if isinstance(value, (bool, int, float, str)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, (list, tuple)) else str(value)


def _quotes(value: Any, kind: str) -> str:
    written = value is not None and not isinstance(value, (str, list, tuple, Mapping))
    return "; put it in quotes" if written and kind == "string" else ""


def _meaning(profile: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _holders(profile)
    yield from _tables(profile, ())
    for switch, groups in (("features", "feature_groups"), ("reductions", "reduction_groups")):
        known = profile.get(groups, {})
        for number, name in enumerate(profile.get(switch, [])):
            if name not in known:
                hint = nearest(name, known) if known else f"this vendor has no {switch}"
                yield (switch, number), f'there is no "{name}"; {hint}'
        for name, group in known.items():
            yield from _tables(group, (groups, name))
    yield from _reductions(profile)
    for number, field in enumerate(profile.get("handover", {}).get("fields", [])):
        if ("from" in field) == ("value" in field):
            yield ("handover", "fields", number), "give either from or value"


def _reductions(profile: Mapping[str, Any]) -> Iterator[Problem]:
    """A reduction of a row that nothing grants would take back nothing, which its writer would not notice."""
    granted = [profile.get("permissions", {})]
    granted += [group.get("permissions", {}) for group in profile.get("feature_groups", {}).values()]
    for name, group in profile.get("reduction_groups", {}).items():
        for module, functions in group.get("permissions", {}).items():
            for function in functions:
                if not any(grants(matrix, module, function) for matrix in granted):
                    names = {other for matrix in granted for others in matrix.values() for other in others}
                    where = ("reduction_groups", name, "permissions", module, function)
                    yield where, f"the table has no such row to take back; {nearest(function, sorted(names))}"


def _holders(profile: Mapping[str, Any]) -> Iterator[Problem]:
    """Who holds the keys."""
    if not profile.get("key_description"):
        yield (), '"key_description" is missing'
    if profile.get("strategy") == "per_technician":
        if not profile.get("members"):
            yield ("members",), "with per_technician, name the members that get a key"
        elif len({name.casefold() for name in profile["members"]}) < len(profile["members"]):
            yield ("members",), "names a member twice"
        return
    for key in ("role_name", "member", "permissions"):
        if key not in profile:
            yield (), f'"{key}" is missing'
    seen: set[str] = set()
    for number, further in enumerate(profile.get("further_keys", [])):
        member = further.get("member") or profile.get("member") or {}
        record = str(further.get("record") or member.get("identifier")).casefold()
        if record in seen:
            yield ("further_keys", number), "has the name of another one in the store; give it a record of its own"
        seen.add(record)


def _tables(group: Mapping[str, Any], path: Where) -> Iterator[Problem]:
    seen: dict[tuple[str, str], str] = {}
    for module, functions in group.get("permissions", {}).items():
        for function in functions:
            key = canonical_module(module), canonical_function(module, function)
            if key in seen:
                where = (*path, "permissions", module, function)
                yield where, f'names the same function as "{seen[key]}"; keep one of the two'
            seen[key] = f"{module} / {function}"
    for function, lists in group.get("customize", {}).items():
        try:
            customizable(function, lists.get("module"))
            ListWish.parse(lists.get("allow"), lists.get("disallow"), lists.get("state"))
        except InputError as problem:
            yield (*path, "customize", function), f"{problem.problem}; {problem.remedy}"
