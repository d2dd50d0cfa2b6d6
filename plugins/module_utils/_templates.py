# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Templates of extension routes: data that becomes a request, or the result out of an answer. Pure functions.

`{name}` is replaced by an argument; a text that is nothing but `{name}` becomes the argument itself, with its type;
`{levels.add}` is a part of one. A mapping whose first key begins with $ is a form:

  {$json: T}            T as JSON text              {$text: T}            T as text (a number in quotes)
  {$base64: T}          T's text, in base64         {$urlencoded: {a: T}} a form as text
  {$join: ",", of: T}   a list as text              {$literal: X}         X as it is, braces and all
  {$at: [name, step]}   an argument by its steps, for names that a placeholder cannot spell
  {$map: {All: 2}, of: T}                   another word for a value; also the name of one of the route's maps
  {$each: T, do: T, if: {path: value}, key: T}   a list (with key: a mapping) made of a list; its element is `each`
  {$find: T, where: {path: T}, take: path}       the one element of a list that fits, or a part of it

Of a mapping, $each and $find see a list of {key, value}. A key that begins with $$ begins with one $ in what is sent.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from ._errors import InputError

PLACEHOLDER = re.compile(r"\{([a-z][A-Za-z0-9_.-]*)\}")
EACH = "each"
IN_TEXT = "(json)"
_MISSING = object()


def steps(data: Any, path: list[str]) -> Any:
    """The part of data at a path, or a marker if there is none. The step (json) reads a text as JSON."""
    for step in path:
        if step == IN_TEXT and isinstance(data, str):
            try:
                data = json.loads(data)
            except (ValueError, RecursionError):
                return _MISSING
        elif isinstance(data, Mapping) and step in data:
            data = data[step]
        elif isinstance(data, list) and step.isdigit() and int(step) < len(data):
            data = data[int(step)]
        else:
            return _MISSING
    return data


def dig(data: Any, path: str) -> Any:
    """The part of an answer at a dotted path; None when there is none."""
    found = steps(data, [step for step in path.split(".") if step])
    return None if found is _MISSING else found


def argument(arguments: Mapping[str, Any], path: list[str]) -> Any:
    """The value of a placeholder. One that stands for nothing must not become the word None, which is a level too."""
    value = steps(arguments, path)
    # Only a part of something may be null: a level that the row does not have.
    if value is _MISSING or (value is None and len(path) == 1):
        raise InputError(
            f"the placeholder {{{'.'.join(path)}}} of an extension route stands for nothing",
            remedy=f"correct it in cw_extension_routes; the arguments are {', '.join(sorted(arguments))}",
        )
    return value


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def fill(template: Any, arguments: Mapping[str, Any]) -> Any:
    """A template with its placeholders replaced."""
    if isinstance(template, str):
        whole = PLACEHOLDER.fullmatch(template)
        if whole:
            return argument(arguments, whole.group(1).split("."))
        return PLACEHOLDER.sub(lambda found: str(argument(arguments, found.group(1).split("."))), template)
    if isinstance(template, Mapping):
        form = form_of(template)
        if form:
            return _FORMS[form](template, arguments)
        return {_key(key, arguments): fill(value, arguments) for key, value in template.items()}
    if isinstance(template, (list, tuple)):
        return [fill(one, arguments) for one in template]
    return template


def _key(key: Any, arguments: Mapping[str, Any]) -> Any:
    """A key of a mapping; $$ stands for a $ of the product's own."""
    return fill(key[1:] if isinstance(key, str) and key.startswith("$$") else key, arguments)


def form_of(template: Mapping[Any, Any]) -> str:
    """The name of the form that a mapping is; empty when it is a mapping like any other."""
    found = [key for key in template if isinstance(key, str) and key in FIELDS]
    return found[0] if len(found) == 1 and set(template) <= {found[0], *FIELDS[found[0]]} else ""


def _map(template: Mapping[str, Any], arguments: Mapping[str, Any]) -> Any:
    table = template["$map"]
    table = table if isinstance(table, Mapping) else steps(arguments, ["maps", str(table)])
    value = fill(template["of"], arguments)
    name = "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    if not isinstance(table, Mapping) or name not in table:
        raise InputError(
            f'the map of an extension route does not say what "{name}" is',
            remedy="add it to the map in cw_extension_routes, or learn the routes anew",
        )
    return table[name]


def _list(template: Any, arguments: Mapping[str, Any]) -> list[Any]:
    found = fill(template, arguments)
    if isinstance(found, Mapping):
        # Records by their ids.
        return [{"key": key, "value": one} for key, one in found.items()]
    if not isinstance(found, list):
        raise InputError(
            f"{template!r} in an extension route is not a list",
            remedy="correct the path in cw_extension_routes, or learn the routes anew",
        )
    return found


def _each(template: Mapping[str, Any], arguments: Mapping[str, Any]) -> Any:
    wanted = template.get("if") or {}
    inner = [{**arguments, EACH: one} for one in _list(template["$each"], arguments)]
    kept = [one for one in inner if all(dig(one[EACH], path) == value for path, value in wanted.items())]
    if "key" in template:
        return {str(fill(template["key"], one)): fill(template["do"], one) for one in kept}
    return [fill(template["do"], one) for one in kept]


def _find(template: Mapping[str, Any], arguments: Mapping[str, Any]) -> Any:
    wanted = {path: fill(one, arguments) for path, one in template["where"].items()}
    # A number may be a text on the other side.
    found = [
        one
        for one in _list(template["$find"], arguments)
        if all(str(dig(one, path)) == str(value) for path, value in wanted.items())
    ]
    if len(found) != 1:
        said = ", ".join(f"{path} = {value!r}" for path, value in wanted.items())
        raise InputError(
            f"an extension route looks for the one entry with {said} and finds {len(found)}",
            remedy="correct the route in cw_extension_routes, or learn the routes anew",
        )
    return dig(found[0], template["take"]) if template.get("take") else found[0]


def _plain(value: Any) -> str:
    return "true" if value is True else "false" if value is False else as_text(value)


Form = Callable[[Mapping[str, Any], Mapping[str, Any]], Any]
# Each form and the fields beside its own; of those, `if`, `key` and `take` may be left out.
FIELDS: dict[str, tuple[str, ...]] = {
    "$json": (),
    "$text": (),
    "$base64": (),
    "$urlencoded": (),
    "$literal": (),
    "$at": (),
    "$join": ("of",),
    "$map": ("of",),
    "$each": ("do", "if", "key"),
    "$find": ("where", "take"),
}
_NEEDED = {"of", "do", "where"}
_FORMS: dict[str, Form] = {
    "$json": lambda one, given: json.dumps(fill(one["$json"], given)),
    "$text": lambda one, given: _plain(fill(one["$text"], given)),
    "$base64": lambda one, given: base64.b64encode(as_text(fill(one["$base64"], given)).encode()).decode(),
    "$urlencoded": lambda one, given: urlencode(
        {key: as_text(value) for key, value in fill(one["$urlencoded"], given).items()}
    ),
    "$literal": lambda one, _given: one["$literal"],
    "$at": lambda one, given: argument(given, [str(step) for step in one["$at"]]),
    "$join": lambda one, given: one["$join"].join(_plain(part) for part in fill(one["of"], given)),
    "$map": _map,
    "$each": _each,
    "$find": _find,
}


def placeholders(template: Any) -> set[str]:
    """The arguments that a template uses, by their first names; `each` only outside of a list's."""
    if isinstance(template, str):
        return {name.split(".")[0] for name in PLACEHOLDER.findall(template)}
    if isinstance(template, Mapping):
        form = form_of(template)
        if form == "$literal":
            return set()
        if form == "$at":
            return {str(template["$at"][0])}
        found = set().union(*(placeholders(one) for one in [*template.keys(), *template.values()]))
        # The list itself is made outside of its elements.
        return (found - {EACH}) | placeholders(template["$each"]) if form == "$each" else found
    if isinstance(template, (list, tuple)):
        return set().union(*(placeholders(one) for one in template))
    return set()


def problems(template: Any, maps: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong with the forms of a template, each with what to do."""
    if isinstance(template, Mapping):
        own = [str(key) for key in template if re.match(r"\$(?!\$)", str(key))]
        form = form_of(template)
        if own and not form:
            yield from _form_problem(template, own)
            return
        if form and (missing := sorted(_NEEDED & set(FIELDS[form]) - set(template))):
            yield f" has {form} without {', '.join(missing)}", f"add {', '.join(missing)} to it"
        yield from _content_problem(template, form, maps)
        if form != "$literal":
            for one in template.values():
                yield from problems(one, maps)
    elif isinstance(template, (list, tuple)):
        for one in template:
            yield from problems(one, maps)


def _form_problem(template: Mapping[str, Any], own: list[str]) -> Iterator[tuple[str, str]]:
    strange = [name for name in own if name not in FIELDS]
    if strange:
        yield f" has the unknown form {strange[0]}", f"use {', '.join(FIELDS)}"
    else:
        known = ", ".join(FIELDS[own[0]]) or "nothing"
        others = ", ".join(sorted(str(key) for key in template if key != own[0]))
        yield f" has {own[0]} with {others} beside it", f"beside {own[0]} there may be {known}"


def _content_problem(template: Mapping[str, Any], form: str, maps: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    value = template.get(form)
    kinds: dict[str, tuple[type, ...]] = {"$at": (list,), "$join": (str,), "$urlencoded": (Mapping,)}
    if form in kinds and (not isinstance(value, kinds[form]) or not value) and value != "":
        yield f" has {form} with {value!r}", f"write {form} as in the guide"
    if form == "$map" and not isinstance(value, Mapping) and value not in maps:
        yield f" has the unknown map {value}", f"the maps of this route are {', '.join(maps) or 'none'}"
    for field in ("if", "where"):
        if form and field in FIELDS[form] and not isinstance(template.get(field, {}), Mapping):
            yield f" has {form} with {field} that is not a mapping", f"write {field} as a mapping"
