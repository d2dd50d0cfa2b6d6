# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values that an earlier answer gave: where they came from, and the request that has to come first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from ansible_collections.msp.connectwise.plugins.plugin_utils._har import Entry
from ansible_collections.msp.connectwise.plugins.plugin_utils._learn_decode import leaves, taken
from ansible_collections.msp.connectwise.plugins.plugin_utils._learn_history import History, Origin, markers
from ansible_collections.msp.connectwise.plugins.plugin_utils._learn_terms import (
    Learned,
    NotUnderstood,
    Seen,
    Template,
    farther,
    is_word,
    placeholder_at,
    same,
    scalars,
)

_DEEPEST = 3  # answers that need an answer that needs an answer


class Tracing:
    """Explains values by earlier answers."""

    def __init__(self, history: History, learned: Learned | None = None, depth: int = 0) -> None:
        self.history = history
        self.learned = learned or Learned()
        self._depth = depth

    def request(self, entries: Sequence[Entry], seen: Sequence[Seen]) -> dict[str, Any]:
        """The request of a route, from its repetitions."""
        raise NotImplementedError

    @contextmanager
    def _attempt(self) -> Iterator[None]:
        """Forget what a failed attempt has learned."""
        steps, maps, used = list(self.learned.steps), dict(self.learned.maps), set(self.learned.used)
        try:
            yield
        except NotUnderstood:
            self.learned.steps[:], self.learned.used = steps, used
            self.learned.maps = maps
            raise

    def _first_of(self, tries: Sequence[Callable[[], Template]], place: str) -> Template:
        """The first attempt that succeeds; the complaint of the one that got farthest."""
        deepest = NotUnderstood(place, "differs between the repetitions, and nothing known explains it")
        for one in tries:
            try:
                with self._attempt():
                    return one()
            except NotUnderstood as problem:
                if farther(problem, deepest):
                    deepest = problem
        raise deepest

    # Earlier answers

    def _traced(
        self, values: Sequence[Any], seen: Sequence[Seen], place: str, text: bool, *, needed: bool = True
    ) -> Template:
        """A value that an earlier answer gave. needed: it may not stand in the route itself."""
        origins = [
            self.history.before(value, repetition.number) for value, repetition in zip(values, seen, strict=True)
        ]
        shared = [key for key in origins[0] if all(key in one for one in origins)]
        if not needed:
            # Nothing is sent that may write, for the sake of a word that is always the same.
            shared = [key for key in shared if origins[0][key].entry.method == "GET"]
        # The plainest first, and of those the latest.
        shared.sort(key=lambda key: (_plainness(key[2], key[3]), len(key[3]), -origins[-1][key].entry.number))
        tries = [self._trace(values, [one[key] for one in origins], seen, place, text) for key in shared[:8]]
        if needed and all(isinstance(value, str) and len(value) > 5 for value in values):
            held = [self.history.pages_before(str(value), one.number) for value, one in zip(values, seen, strict=True)]
            for shape in held[0]:
                if all(shape in one for one in held):
                    some = [one[shape] for one in held]
                    tries = [*tries, self._page(values, some, seen, place)]
        if not tries or self._depth >= _DEEPEST:
            raise NotUnderstood(place, "differs between the repetitions, and no answer before gave it")
        return self._first_of(tries, place)

    def _trace(
        self, values: Sequence[Any], origins: Sequence[Origin], seen: Sequence[Seen], place: str, text: bool
    ) -> Callable[[], Template]:
        def attempt() -> Template:
            where = self._where(origins, seen, place) if origins[0].spot.table is not None else {}
            step = self._step([origin.entry for origin in origins], seen)
            spot = origins[0].spot
            if spot.table is None:
                found = placeholder_at([step, origins[0].place, *spot.path])
            else:
                found = {
                    "$find": placeholder_at([step, "data", *spot.table]),
                    "where": where,
                    "take": ".".join(spot.path),
                }
            self.learned.used.add(f"{step}.data")
            given = value_of(origins[0], self.history)
            return {"$text": found} if isinstance(values[0], str) and not isinstance(given, str) and not text else found

        return attempt

    def _where(self, origins: Sequence[Origin], seen: Sequence[Seen], place: str) -> dict[str, Any]:
        """What tells the row that a value lies in from the other rows."""
        facts = [dict(scalars(repetition.facts)) for repetition in seen]
        rows = [self.history.siblings(origin) for origin in origins]
        where = {}
        for path in rows[0]:
            for name in facts[0]:
                if not is_word(name) and all(
                    path in row and one.get(name) is not None and same(one[name], row[path])
                    for row, one in zip(rows, facts, strict=True)
                ):
                    where[path] = f"{{{name}}}"
                    self.learned.used.add(name)
                    break
        if not where:
            raise NotUnderstood(place, "came in an answer before, in a row that nothing known names")
        return where

    def _page(
        self, values: Sequence[Any], pages: Sequence[Entry], seen: Sequence[Seen], place: str
    ) -> Callable[[], Template]:
        def attempt() -> Template:
            found = markers([page.answer for page in pages], [str(value) for value in values])
            if found is None or self.history.in_script(found["after"]):
                raise NotUnderstood(place, "came in a page before, at no place that can be told")
            return f"{{{self._step(pages, seen, found)}.found.value}}"

        return attempt

    def _step(self, entries: Sequence[Entry], seen: Sequence[Seen], find: Mapping[str, str] | None = None) -> str:
        """The name of the request before; a new one where there is none like it yet."""
        inner = [
            replace(repetition.outside, number=entry.number, time=entry.time)
            for repetition, entry in zip(seen, entries, strict=True)
        ]
        route = type(self)(self.history, self.learned, self._depth + 1).request(entries, inner)
        if find:
            route["find"] = {"value": dict(find)}
        for known in self.learned.steps:
            if {name: value for name, value in known.items() if name != "name"} == route:
                return str(known["name"])
        name = f"read{len(self.learned.steps) + 1}"
        self.learned.steps.append({"name": name, **route})
        return name


def _plainness(table: Sequence[str] | None, path: Sequence[str]) -> int:
    """A field, a row that something names, a row by its number: in this order."""
    if table is not None:
        return 1
    return 2 if any(step.isdigit() for step in path) else 0


def value_of(origin: Origin, history: History) -> Any:
    """A value as the answer has it: a number, where the request may have it as a text."""
    spot = origin.spot
    if spot.table is not None:
        return dict(leaves(spot.element)).get(spot.path)
    return "" if origin.place == "headers" else taken(history.answers[origin.entry.number], spot.path)
