# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The terms in which repetitions are explained: what is known of each, and the parts of templates. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._templates import FIELDS, PLACEHOLDER

Template = Any
Facts = Mapping[str, Any]


class NotUnderstood(Exception):
    """A place of a request that nothing explains."""

    def __init__(self, place: str, why: str) -> None:
        super().__init__(f"{place}: {why}")
        self.place = place
        self.why = why


_SECTIONS = ("path", "query", "headers", "form", "multipart", "body")


def farther(one: NotUnderstood, other: NotUnderstood) -> bool:
    """Whether a complaint came up later in a request than another, and so says more."""
    return _depth(one.place) > _depth(other.place)


def _depth(place: str) -> tuple[int, int, int]:
    section = place.partition(".")[0]
    return _SECTIONS.index(section) + 1 if section in _SECTIONS else 0, place.count("."), len(place)


@dataclass(frozen=True)
class Seen:
    """One repetition: what was known of it, and when it was sent."""

    facts: Facts
    number: int
    time: float

    def inside(self, each: Any) -> Seen:
        return replace(self, facts={**self.facts, "each": each})

    @property
    def outside(self) -> Seen:
        return replace(self, facts={name: value for name, value in self.facts.items() if name != "each"})


@dataclass
class Learned:
    """What a template was found to need."""

    steps: list[dict[str, Any]] = field(default_factory=list)
    maps: dict[str, dict[str, Any]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)


def scalars(facts: Facts, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every single value of the facts by its name, as placeholders spell it."""
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield from scalars(value, f"{prefix}{name}.")
        elif not isinstance(value, (list, tuple)):
            yield f"{prefix}{name}", value


def is_word(name: str) -> bool:
    """Whether a value has few words, which a client may put otherwise: a level, or whether an item is allowed."""
    return "levels." in name or name.endswith("allowed") or name in ("each.verb", "each.level")


def same(fact: Any, value: Any) -> bool:
    if isinstance(fact, bool) or isinstance(value, bool):
        return fact is value
    return str(fact) == str(value)


def same_kind(one: Any, other: Any) -> bool:
    return type(one) is type(other) and one == other


def word_of(value: Any) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def literal(value: Any) -> Template:
    return {"$literal": value} if isinstance(value, str) and PLACEHOLDER.search(value) else value


def spelled_key(key: str, place: str) -> str:
    if PLACEHOLDER.search(key):
        raise NotUnderstood(f"{place}.{key}", "has a name that a template cannot spell")
    return f"${key}" if key.startswith("$") or key in FIELDS else key


def joined(separator: str, of: Template) -> Template:
    """A text of parts; a plain one where each part is."""
    if isinstance(of, list) and len(of) > 1 and all(isinstance(part, str) for part in of):
        return separator.join(of)
    return {"$join": separator, "of": of}


def untexted(template: Template) -> Template:
    """A key of a mapping is a text in any case."""
    return template["$text"] if isinstance(template, Mapping) and set(template) == {"$text"} else template


def placeholder_at(path: Sequence[str]) -> Template:
    dotted = f"{{{'.'.join(path)}}}"
    return dotted if PLACEHOLDER.fullmatch(dotted) and not any("." in step for step in path) else {"$at": list(path)}


def frame(values: Sequence[str]) -> tuple[str, str]:
    """What all texts begin and end with, whole words and numbers only."""
    shortest = min(values, key=len)
    start = 0
    while start < len(shortest) and all(value[start] == shortest[start] for value in values):
        start += 1
    head = re.sub(
        r"(\d+|[A-Za-z]+)$", lambda found: "" if _cut(values, start, found.group()) else found.group(), shortest[:start]
    )
    end = 0
    while end < len(shortest) - len(head) and all(value[-1 - end] == shortest[-1 - end] for value in values):
        end += 1
    tail = shortest[len(shortest) - end :] if end else ""
    tail = re.sub(r"^\d+", "", tail)
    return head, tail


def _cut(values: Sequence[str], start: int, last: str) -> bool:
    """Whether a word or number goes on behind the part that all texts share."""
    return any(
        start < len(value) and (value[start].isdigit() if last[-1].isdigit() else value[start].isalpha())
        for value in values
    )
