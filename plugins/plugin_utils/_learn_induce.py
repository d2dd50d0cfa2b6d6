# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Repetitions of a request become a template: what differs must be known, or have come in an earlier answer.

Knows nothing of any client. Whatever cannot be explained is an error that names its place; nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ansible_collections.msp.connectwise.plugins.module_utils._templates import PLACEHOLDER
from ansible_collections.msp.connectwise.plugins.plugin_utils._har import Entry
from ansible_collections.msp.connectwise.plugins.plugin_utils._learn_decode import Coded, is_table, leaves
from ansible_collections.msp.connectwise.plugins.plugin_utils._learn_history import is_secretive
from ansible_collections.msp.connectwise.plugins.plugin_utils._learn_terms import (
    NotUnderstood,
    Seen,
    Template,
    frame,
    is_word,
    joined,
    literal,
    scalars,
    spelled_key,
    untexted,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils._learn_words import UNEXPLAINED, Wording

_CODED = {
    "json": "$json",
    "base64": "$base64",
    "urlencoded": "$urlencoded",
    "repeated": "$repeat",
    "indexed": "$indexed",
}
_OF_TEXTS = ("urlencoded", "repeated", "indexed")
_SEPARATORS = (",", ";", "|", "~", "/", ":", "-", "_", ".", " ")
_COLLECTIONS = ("rows", "matrix", "changes", "allowed", "refused", "catalogue", "added", "removed")
_IDS = ("role", "member", "setting", "row.setting", "key")


class Inducer(Wording):
    """Makes templates of repetitions."""

    # Requests

    def request(self, entries: Sequence[Entry], seen: Sequence[Seen]) -> dict[str, Any]:
        """The request of a route, from its repetitions."""
        requests = [self.history.fresh.request_of(entry) for entry in entries]
        kinds = {request.kind for request in requests}
        if len(kinds) > 1 or kinds == {"text"}:
            raise NotUnderstood("body", f"is {' or '.join(sorted(kinds))}, not JSON, a form or multipart")
        first = entries[0]
        route: dict[str, Any] = {"method": first.method}
        if first.site:
            route["site"] = first.site
        route["path"] = self._path([request.tree["path"] for request in requests], seen)
        for name in ("query", "headers"):
            trees = [request.tree[name] for request in requests]
            if any(trees):
                route[name] = self.induce(trees, seen, name, text=True)
        (kind,) = kinds
        if kind != "none":
            bodies = [request.tree["body"] for request in requests]
            route[kind] = self.induce(bodies, seen, kind, text=kind != "body")
        return route

    def _path(self, paths: Sequence[Sequence[str]], seen: Sequence[Seen]) -> str:
        if len({len(path) for path in paths}) > 1:
            raise NotUnderstood("path", "has a different number of parts each time")
        parts = []
        for number, values in enumerate(zip(*paths, strict=True)):
            part = self.induce(list(values), seen, f"path.{number}", text=True)
            if not isinstance(part, str):
                raise NotUnderstood(f"path.{number}", "is put together in a way a path cannot be")
            parts.append(part if PLACEHOLDER.search(part) else quote(part, safe="~@:+,;="))
        return "/" + "/".join(parts)

    # Values

    def induce(self, values: Sequence[Any], seen: Sequence[Seen], place: str, *, text: bool = False) -> Template:
        """One template for all values. text: the value is sent as text, so that a number need not become one."""
        first = values[0]
        if isinstance(first, Coded):
            return self._coded(values, seen, place, text)
        if any(isinstance(value, Coded) for value in values):
            raise NotUnderstood(place, "is put in different ways")
        if all(isinstance(value, Mapping) for value in values):
            return self._mapping(values, seen, place, text)
        if all(isinstance(value, list) for value in values):
            return self._list(values, seen, place, text)
        if any(isinstance(value, (Mapping, list)) for value in values):
            raise NotUnderstood(place, "is one thing in one repetition and another in the next")
        return self._scalar(values, seen, place, text)

    def _coded(self, values: Sequence[Any], seen: Sequence[Seen], place: str, text: bool) -> Template:
        kinds = {value.kind if isinstance(value, Coded) else "text" for value in values}
        if len(kinds) > 1:
            raise NotUnderstood(place, f"is {' and '.join(sorted(kinds))} by turns")
        (kind,) = kinds
        if kind == "new":
            return _new({value.value for value in values}, text)
        inner = self.induce([value.value for value in values], seen, f"{place}.({kind})", text=kind in _OF_TEXTS)
        return {_CODED[kind]: inner}

    def _mapping(self, values: Sequence[Any], seen: Sequence[Seen], place: str, text: bool) -> Template:
        def record() -> Template:
            keys = list(values[0])
            if any(set(value) != set(keys) for value in values):
                names = sorted(set().union(*values) - set(keys) or set(keys))
                raise NotUnderstood(f"{place}.{names[0]}", "is there in some repetitions only")
            return {
                spelled_key(key, place): self.induce(
                    [value[key] for value in values], seen, f"{place}.{key}", text=text
                )
                for key in keys
            }

        def table() -> Template:
            lists = [[{"key": key, "value": one} for key, one in value.items()] for value in values]
            template = self._each(lists, seen, place)
            do = template["do"]
            return {"$each": template["$each"], "key": untexted(do["key"]), "do": do["value"]}

        if all(not value for value in values):
            return {}
        values = _evened(values)
        tables = all(is_table(value) for value in values if value)
        return self._first_of([table, record] if tables else [record, table], place)

    def _list(self, values: Sequence[Any], seen: Sequence[Seen], place: str, text: bool = False) -> Template:
        def singly() -> Template:
            if len({len(value) for value in values}) > 1:
                raise NotUnderstood(place, "has a different number of entries each time")
            return [
                self.induce([value[number] for value in values], seen, f"{place}.{number}", text=text)
                for number in range(len(values[0]))
            ]

        return self._first_of([lambda: self._each(values, seen, place, text), singly], place)

    def _each(self, values: Sequence[Any], seen: Sequence[Seen], place: str, text: bool = False) -> dict[str, Any]:
        """A list with one entry for each of something that is known."""
        if "each" in seen[0].facts:
            raise NotUnderstood(place, "is a list in a list")

        def over(name: str, members: Sequence[Sequence[Any]]) -> Callable[[], Template]:
            def attempt() -> dict[str, Any]:
                flat = [one for value in values for one in value]
                inner = [
                    repetition.inside(each) for repetition, some in zip(seen, members, strict=True) for each in some
                ]
                used, self.learned.used = self.learned.used, set()
                template = {"$each": f"{{{name}}}", "do": self.induce(flat, inner, f"{place}.*", text=text)}
                found, self.learned.used = self.learned.used, used | self.learned.used
                if not any(one.startswith("each.") for one in found):
                    raise NotUnderstood(place, f"says nothing of its {name}")
                self.learned.used.add(name)
                return template

            return attempt

        tries: list[Callable[[], Template]] = []
        for name in _COLLECTIONS:
            members = [repetition.facts.get(name) for repetition in seen]
            if all(isinstance(some, list) and len(some) == len(one) for some, one in zip(members, values, strict=True)):
                if not any(members):
                    continue
                known = [list(some or []) for some in members]
                ordered = self._ordered(values, known, seen)
                tries += [over(name, some) for some in ([ordered, known] if ordered else [known])]
        template: dict[str, Any] = self._first_of(tries, place)
        return template

    def _ordered(
        self, values: Sequence[Any], members: Sequence[list[Any]], seen: Sequence[Seen]
    ) -> list[list[Any]] | None:
        """The known things in the order in which the lists have them, by what names each."""
        paths = [path for path, _value in leaves(next(one for value in values for one in value))]
        names = [name for name, _value in scalars(next(one for some in members for one in some)) if not is_word(name)]
        for path in paths:
            for name in names:
                found = [
                    self._by_name(value, some, path, name, repetition)
                    for value, some, repetition in zip(values, members, seen, strict=True)
                ]
                if all(one is not None for one in found):
                    return [one for one in found if one is not None]
        return None

    def _by_name(
        self, value: Sequence[Any], some: Sequence[Any], path: tuple[str, ...], name: str, repetition: Seen
    ) -> list[Any] | None:
        index = {str(dict(scalars(one)).get(name)): one for one in some}
        if len(index) != len(some):
            return None
        texts = [str(dict(leaves(one)).get(path)) for one in value]
        if not set(texts) <= set(index):
            # Ids of the client's own: an earlier answer says what they stand for.
            texts = [self._stands_for(text, index, repetition.number) for text in texts]
        if sorted(texts) != sorted(index):
            return None
        return [index[text] for text in texts]

    def _stands_for(self, text: str, index: Mapping[str, Any], number: int) -> str:
        for origin in self.history.before(text, number).values():
            for sibling in self.history.siblings(origin).values():
                if str(sibling) in index:
                    return str(sibling)
        return ""

    # Single values

    def _scalar(self, values: Sequence[Any], seen: Sequence[Seen], place: str, text: bool) -> Template:
        if all(type(value) is type(values[0]) and value == values[0] for value in values):
            return self._constant(values, seen, place, text)
        tries = [
            lambda: self._known(values, seen, place, text),
            lambda: self._word(values, seen, place),
            lambda: self._flags(values, seen, place, text),
            lambda: self._time(values, seen, place),
            lambda: self._traced(values, seen, place, text),
        ]
        if all(isinstance(value, str) for value in values):
            tries += [lambda: self._parts(values, seen, place)]
        return self._first_of(tries, place)

    def _constant(self, values: Sequence[Any], seen: Sequence[Seen], place: str, text: bool) -> Template:
        value = values[0]
        if isinstance(value, str) and len(value) > 1:
            try:
                with self._attempt():
                    return self._known(values, seen, place, text)
            except NotUnderstood:
                pass
            private = self.history.private(value)
            secretive = bool(private) or is_secretive(value)
            if secretive or not (place.startswith("path.") or self.history.is_the_clients(value)):
                try:
                    with self._attempt():
                        return self._traced(values, seen, place, text, needed=secretive)
                except NotUnderstood:
                    pass
            if private:
                raise NotUnderstood(place, private)
        if is_secretive(value) and not self.history.in_script(value):
            raise NotUnderstood(place, "holds what looks like a token or a person's data, and no answer before gave it")
        return self._embedded(value, seen) if isinstance(value, (str, int)) else value

    def _embedded(self, value: str | int, seen: Sequence[Seen]) -> Template:
        """A value as it is; an id in it that is that of all repetitions is no constant, though they had only one."""
        facts = [dict(scalars(repetition.facts)) for repetition in seen]
        for name in _IDS:
            ids = {str(one.get(name, "")) for one in facts}
            (number,) = ids if len(ids) == 1 else ("",)
            if isinstance(value, int):
                if not isinstance(value, bool) and len(number) > 1 and str(value) == number:
                    self.learned.used.add(name)
                    return f"{{{name}}}"
                continue
            parts = re.split(rf"(?<![\w.]){re.escape(number)}(?!\w)", value) if len(number) > 1 else [value]
            if len(parts) > 1:
                self.learned.used.add(name)
                return joined("", [part for part in _between(parts, f"{{{name}}}") if part])
        return literal(value)

    def _parts(self, values: Sequence[str], seen: Sequence[Seen], place: str) -> Template:
        """A text that is made of others."""

        def split(separator: str) -> Callable[[], Template]:
            def attempt() -> Template:
                lists = [value.split(separator) if value else [] for value in values]
                return joined(separator, self._list(lists, seen, f"{place}.({separator})", True))

            return attempt

        def letters() -> Template:
            if len({len(value) for value in values}) > 1 or not 1 < len(values[0]) <= 8:
                raise NotUnderstood(place, UNEXPLAINED)
            return joined("", self._list([list(value) for value in values], seen, f"{place}.()", True))

        def around() -> Template:
            start, end = frame(values)
            if not start and not end:
                raise NotUnderstood(place, UNEXPLAINED)
            inner = [value[len(start) : len(value) - len(end)] for value in values]
            parts = [literal(start), self._scalar(inner, seen, place, True), literal(end)]
            return joined("", [part for part in parts if part != ""])

        tries = [split(one) for one in _SEPARATORS if any(one in value for value in values)]
        try:
            return self._first_of([*tries, around, letters], place)
        except NotUnderstood:
            # Which letter of it, helps nobody.
            raise NotUnderstood(place, UNEXPLAINED) from None


def _new(names: set[str], text: bool) -> Template:
    """What the client makes anew each time, of its kind."""
    (name,) = names
    made = f"{{new.{name.partition(' ')[0]}}}"
    return {"$text": made} if name == "number as a text" and not text else made


def _evened(values: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Fields that are repeated in one request are so in all, be it once or not at all."""
    lists = {key for value in values for key, one in value.items() if isinstance(one, Coded) and one.kind == "repeated"}

    def even(one: Any) -> Coded:
        return one if isinstance(one, Coded) else Coded("repeated", [] if one is None else [one])

    return [{**value, **{key: even(value.get(key)) for key in sorted(lists)}} for value in values] if lists else values


def _between(parts: Sequence[str], placeholder: str) -> list[Template]:
    """The parts, each a text as it is, with a placeholder between them."""
    found: list[Template] = [literal(parts[0])]
    for part in parts[1:]:
        found += [placeholder, literal(part)]
    return found
