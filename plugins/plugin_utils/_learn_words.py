# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Single values that what is known explains: an id or a name, a level in the client's own words, the time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ansible_collections.msp.connectwise.plugins.plugin_utils._learn_terms import (
    NotUnderstood,
    Seen,
    Template,
    is_word,
    same,
    same_kind,
    scalars,
    word_of,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils._learn_trace import Tracing

UNEXPLAINED = "differs between the repetitions, and nothing known explains it"
_SECONDS_APART = 10


class Wording(Tracing):
    """Explains values by what is known of each repetition."""

    def _known(self, values: Sequence[Any], seen: Sequence[Seen], place: str, text: bool) -> Template:
        facts = [dict(scalars(repetition.facts)) for repetition in seen]
        for name in facts[0]:
            if is_word(name) or isinstance(values[0], bool):
                continue
            if all(
                name in one and one[name] is not None and same(one[name], value)
                for one, value in zip(facts, values, strict=True)
            ):
                return self._placeholder(name, values, [one[name] for one in facts], place, text)
        raise NotUnderstood(place, UNEXPLAINED)

    def _placeholder(self, name: str, values: Sequence[Any], facts: Sequence[Any], place: str, text: bool) -> Template:
        if isinstance(values[0], str) and not isinstance(facts[0], str) and not text:
            self.learned.used.add(name)
            return {"$text": f"{{{name}}}"}
        if not isinstance(values[0], str) and isinstance(facts[0], str):
            raise NotUnderstood(place, "is a number that is known as a text only")
        self.learned.used.add(name)
        return f"{{{name}}}"

    def _word(self, values: Sequence[Any], seen: Sequence[Seen], place: str) -> Template:
        """A level, or whether something is allowed, in the client's own words."""
        facts = [dict(scalars(repetition.facts)) for repetition in seen]
        found: dict[str, dict[str, Any]] = {}
        for name in facts[0]:
            if not is_word(name) or (name.startswith("row.levels.")):
                continue
            table: dict[str, Any] = {}
            pairs = [(word_of(one.get(name)), value) for one, value in zip(facts, values, strict=True)]
            if all(same_kind(table.setdefault(word, value), value) for word, value in pairs):
                found[name] = table
        if not found:
            raise NotUnderstood(place, UNEXPLAINED)
        if len(found) > 1:
            raise NotUnderstood(place, f"fits {' and '.join(sorted(found))} alike")
        name, table = next(iter(found.items()))
        self.learned.used.add(name)
        if all(word == value or (word == "null" and value is None) for word, value in table.items()):
            return f"{{{name}}}"
        return {"$map": self._map(table), "of": f"{{{name}}}"}

    def _map(self, table: dict[str, Any]) -> str:
        """The name of a map; a smaller one is part of a larger one."""
        for name, known in self.learned.maps.items():
            if all(
                known.get(word, value) == value and type(known.get(word, value)) is type(value)
                for word, value in table.items()
            ):
                known = self.learned.maps[name] = {**known, **table}
                return name
        name = f"words{len(self.learned.maps) + 1}" if self.learned.maps else "words"
        self.learned.maps[name] = dict(table)
        return name

    def _time(self, values: Sequence[Any], seen: Sequence[Seen], place: str) -> Template:
        for name, factor in (("now.ms", 1000), ("now.s", 1)):
            if all(
                re.fullmatch(r"\d{10,13}", str(value)) and abs(int(value) / factor - repetition.time) < _SECONDS_APART
                for value, repetition in zip(values, seen, strict=True)
            ):
                return f"{{{name}}}" if not isinstance(values[0], str) else {"$text": f"{{{name}}}"}
        raise NotUnderstood(place, UNEXPLAINED)

    def _flags(self, values: Sequence[Any], seen: Sequence[Seen], place: str, text: bool) -> Template:
        """Several levels in one number: each bit that changes must follow one right, and no other."""
        if not all(re.fullmatch(r"\d{1,9}", str(value)) and not isinstance(value, bool) for value in values):
            raise NotUnderstood(place, UNEXPLAINED)
        numbers = [int(value) for value in values]
        facts = [dict(scalars(repetition.facts)) for repetition in seen]
        words = [name for name in facts[0] if is_word(name) and not name.startswith("row.levels.")]
        constant = 0
        tables: dict[str, dict[str, int]] = {}
        for bit in range(max(numbers).bit_length()):
            bits = [number >> bit & 1 for number in numbers]
            if len(set(bits)) == 1:
                constant |= bits[0] << bit
                continue
            fits = [name for name in words if _follows(bits, [word_of(one.get(name)) for one in facts])]
            if len(fits) != 1:
                raise NotUnderstood(place, UNEXPLAINED)
            table = tables.setdefault(fits[0], {})
            for one, value in zip(facts, bits, strict=True):
                word = word_of(one.get(fits[0]))
                table[word] = table.get(word, 0) & ~(1 << bit) | value << bit
        if not tables:
            raise NotUnderstood(place, UNEXPLAINED)
        self.learned.used |= set(tables)
        terms: list[Any] = [{"$map": self._map(table), "of": f"{{{name}}}"} for name, table in tables.items()]
        found = {"$sum": [*terms, constant] if constant else terms}
        return {"$text": found} if isinstance(values[0], str) and not text else found


def _follows(bits: Sequence[int], words: Sequence[str]) -> bool:
    said: dict[str, int] = {}
    return all(said.setdefault(word, bit) == bit for word, bit in zip(words, bits, strict=True))
