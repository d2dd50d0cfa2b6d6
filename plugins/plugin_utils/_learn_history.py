# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the answers of a recording held before a request was sent, and what may be written down. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.msp.connectwise.plugins.plugin_utils._har import Entry
from ansible_collections.msp.connectwise.plugins.plugin_utils._learn_decode import (
    Spot,
    answer_of,
    hollow,
    leaves,
    request_of,
    spots,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils._learn_fresh import Fresh

Shape = tuple[Any, ...]
_RANDOM = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[\w+/=.:~-]{16,}|[0-9a-fA-F-]{24,}|\S{40,}")
_MAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+")
_LARGEST_NUMBER = 10**9  # beyond it, a number is a time or made by chance


def is_secretive(value: Any) -> bool:
    """Whether a value looks like a token, a key, a time or a person's address: never written as a constant."""
    if isinstance(value, bool) or value is None:
        return False
    if isinstance(value, (int, float)):
        return abs(value) >= _LARGEST_NUMBER
    return bool(_RANDOM.fullmatch(value) or _MAIL.search(value) or (value.isdigit() and len(value) >= 10))


def shape_of(entry: Entry, words: Collection[str]) -> Shape:
    """What requests for the same have in common. words: values of the choreography, which vary in paths."""
    path = tuple(
        "*" if any(letter.isdigit() for letter in part) or part in words else part.lower()
        for part in entry.path.split("/")
    )
    request = request_of(entry)
    fields = request.tree["body"]
    names = tuple(sorted(fields)) if isinstance(fields, Mapping) else ()
    return entry.method, entry.site, path, tuple(sorted(dict(entry.query))), request.kind, names


_INLINE = re.compile(r"<script[^>]*>(.*?)</script", re.DOTALL | re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z][\w.:/-]{1,80}")


def _told_apart(shapes: dict[int, Shape], entries: Sequence[Entry]) -> dict[int, Shape]:
    """If one address serves for all, a field of the body says what is meant: with its value, other fields go along."""
    groups: dict[Shape, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(shapes[entry.number], []).append(entry)
    for shape, group in groups.items():
        trees = {entry.number: request_of(entry).tree["body"] for entry in group}
        flat = {number: dict(leaves(tree)) for number, tree in trees.items()}
        names_of = {number: [*flat[number], *hollow(tree)] for number, tree in trees.items()}
        for path in sorted(set.intersection(*(set(values) for values in flat.values()))):
            values = {number: one[path] for number, one in flat.items()}
            if _tells_apart(values, names_of):
                shapes.update({number: (*shape, path, value) for number, value in values.items()})
                break
    return shapes


def _tells_apart(values: Mapping[int, Any], names_of: Mapping[int, Sequence[tuple[str, ...]]]) -> bool:
    """Whether each value of a field goes along with fields of its own; how deep those lie is not known."""
    if len(set(values.values())) < 2 or not all(
        isinstance(one, str) and _NAME.fullmatch(one) for one in values.values()
    ):
        return False
    for depth in (2, 3, 4):
        along: dict[str, set[Any]] = {}
        for number, value in values.items():
            names = {
                tuple("#" if step.isdigit() else step for step in path if not step.startswith("("))[:depth]
                for path in names_of[number]
            }
            along.setdefault(value, set()).add(frozenset(names))
        if all(len(one) == 1 for one in along.values()) and len({frozenset(one) for one in along.values()}) > 1:
            return True
    return False


@dataclass(frozen=True)
class Origin:
    """Where a value came from. place: how the step's answer has it: data, found or headers."""

    entry: Entry
    place: str
    spot: Spot


class History:
    """The entries of a recording, with every value of every answer."""

    def __init__(
        self,
        entries: Sequence[Entry],
        scripts: Sequence[str],
        words: Collection[str],
        private: Callable[[Any], str] = lambda _value: "",
    ) -> None:
        self.entries = entries
        # Why a value may not stand in a route as it is; empty where it may.
        self.private = private
        self.words = words
        self.shapes = _told_apart({entry.number: shape_of(entry, words) for entry in entries}, entries)
        self.answers = {entry.number: answer_of(entry) for entry in entries}
        self.fresh = Fresh(entries, self.answers)
        self._scripts = "\n".join(scripts)
        pages = [entry.answer for entry in entries if self.answers[entry.number] is None]
        self._inline = [script for page in pages for script in _INLINE.findall(page)]
        self._known: dict[str, list[Origin]] = {}
        for entry in entries:
            for value, spot in spots(self.answers[entry.number]):
                self._add(value, Origin(entry, "data", spot))
            for name, value in entry.answer_headers.items():
                if name.startswith("x-") or name == "etag":
                    self._add(value, Origin(entry, "headers", Spot((name,))))

    def _add(self, value: Any, origin: Origin) -> None:
        if value not in (None, "", True, False):
            self._known.setdefault(str(value), []).append(origin)

    def in_script(self, value: Any) -> bool:
        return isinstance(value, str) and value in self._scripts

    def is_the_clients(self, value: Any) -> bool:
        """Whether the client's own code says this text; the code may stand in a page."""
        return self.in_script(value) or any(str(value) in script for script in self._inline)

    def before(self, value: Any, number: int) -> dict[tuple[Any, ...], Origin]:
        """Where a value had been seen before a request: the latest origin of each kind."""
        found = {}
        for origin in self._known.get(str(value), []):
            if origin.entry.number < number:
                spot = origin.spot
                found[(self.shapes[origin.entry.number], origin.place, spot.table, spot.path)] = origin
        return found

    def pages_before(self, value: str, number: int) -> dict[Shape, Entry]:
        """Pages (not JSON) that held a text before a request."""
        return {
            self.shapes[entry.number]: entry
            for entry in self.entries[:number]
            if self.answers[entry.number] is None and value in entry.answer
        }

    def siblings(self, origin: Origin) -> dict[str, Any]:
        """The other values of the row that a value lies in, by their dotted paths."""
        return {
            ".".join(path): value
            for path, value in leaves(origin.spot.element)
            if path != origin.spot.path and not any("." in step for step in path)
        }


def markers(pages: Sequence[str], values: Sequence[str]) -> dict[str, str] | None:
    """The text before and after the values that all pages share, where it leads to the values and nowhere else."""
    heads = [page[: page.index(value)] for page, value in zip(pages, values, strict=True)]
    tails = [page[page.index(value) + len(value) :] for page, value in zip(pages, values, strict=True)]
    # From its own tag on: what stands before may speak of a person.
    after = re.sub(r"^.*(?=<)", "", _shared_end(heads)[-120:], flags=re.DOTALL)[-60:]
    until = _shared_start(tails)[:1]
    if len(after) < 6 or not until:
        return None
    fits = all(page.partition(after)[2].partition(until)[0] == value for page, value in zip(pages, values, strict=True))
    return {"after": after, "until": until} if fits else None


def _shared_start(texts: Sequence[str]) -> str:
    first, length = texts[0], 0
    while length < min(map(len, texts)) and all(text[length] == first[length] for text in texts):
        length += 1
    return first[:length]


def _shared_end(texts: Sequence[str]) -> str:
    return _shared_start([text[::-1] for text in texts])[::-1]
