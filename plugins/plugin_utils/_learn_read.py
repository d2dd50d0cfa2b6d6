# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What answers hold: the keys of a member with their ids, a new key's two halves, the items of a Customize list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from ansible_collections.msp.connectwise.plugins.plugin_utils._har import AGAIN, Entry
from ansible_collections.msp.connectwise.plugins.plugin_utils._learn import Ask, Found, Learner, ask_for_keys
from ansible_collections.msp.connectwise.plugins.plugin_utils._learn_decode import Coded, is_table, leaves
from ansible_collections.msp.connectwise.plugins.plugin_utils._learn_induce import Inducer
from ansible_collections.msp.connectwise.plugins.plugin_utils._learn_terms import (
    Learned,
    NotUnderstood,
    Seen,
    placeholder_at,
)

Path = tuple[str, ...]
_LEAST_LENGTH = 8  # of a half of a key
_MOST_ROUTES = 6


def tables(data: Any, path: Path = ()) -> Iterator[tuple[Path, list[Any]]]:
    """Every list or table of an answer with its elements, as a template sees them."""
    if isinstance(data, Coded):
        yield from tables(data.value, (*path, "(json)"))
    elif isinstance(data, list):
        yield path, data
        for number, one in enumerate(data):
            yield from tables(one, (*path, str(number)))
    elif isinstance(data, Mapping):
        if is_table(data):
            yield path, [{"key": key, "value": one} for key, one in data.items()]
        for key, one in data.items():
            yield from tables(one, (*path, str(key)))


def _flat(element: Any) -> dict[Path, Any]:
    return dict(leaves(element))


def _each(path: Path) -> Any:
    return placeholder_at(["each", *path])


class ListReader:
    """Learns how the client reads a Customize list, from what it read after each save."""

    def __init__(self, learner: Learner, saves: Sequence[Mapping[str, Any]], written: Sequence[Entry]) -> None:
        self._learner = learner
        self._saves = saves
        self._written = written

    def find(self) -> Found:
        found = Found(why=f"nothing in the recording reads a Customize list after it was saved; {AGAIN}")
        for entries in self._learner.clusters:
            for pick in (0, 1, -1):
                chosen = self._after(entries, pick)
                if chosen is None:
                    continue
                try:
                    route = self._route(chosen)
                except NotUnderstood:
                    continue
                if route not in found.routes:
                    found.routes.append(route)
                    found.sources.append(chosen)
                    found.state, found.why = "learned", ""
        return found

    def _after(self, entries: Sequence[Entry], pick: int) -> list[Entry] | None:
        """One read after each save and before the next."""
        numbers = [entry.number for entry in self._written]
        ends = [*numbers[1:], len(self._learner.history.entries)]
        chosen = []
        for start, end in zip(numbers, ends, strict=True):
            between = [entry for entry in entries if start < entry.number < end]
            if not between or pick >= len(between):
                return None
            chosen.append(between[pick])
        return chosen

    def _route(self, chosen: Sequence[Entry]) -> dict[str, Any]:
        answers = [self._learner.history.answers[entry.number] for entry in chosen]
        result = self._result(answers)
        learned = Learned()
        facts = [{name: save[name] for name in ("role", "setting", "row")} for save in self._saves]
        seen = [Seen(one, entry.number, entry.time) for one, entry in zip(facts, chosen, strict=True)]
        route = Inducer(self._learner.history, learned).request(chosen, seen)
        if not learned.used & {"role", "setting", "row.setting"}:
            raise NotUnderstood("", "does not say which role's list it reads")
        return {**self._learner.finished(route, learned, chosen), "result": result}

    def _result(self, answers: Sequence[Any]) -> dict[str, Any]:
        for path, _elements in tables(answers[0]):
            found = [dict(tables(answer)).get(path) for answer in answers]
            lists = [one for one in found if one is not None]
            if len(lists) < len(answers):
                continue
            for name in ("catalogue", "allowed"):
                items = [save[name] for save in self._saves]
                if any(len(one) != len(some) for one, some in zip(lists, items, strict=True)):
                    continue
                matched = self._named(lists, items)
                if matched is None:
                    continue
                template, order = matched
                do = {"itemIdentifier": template}
                result: dict[str, Any] = {"$each": placeholder_at(["answer", *path]), "do": do}
                if name == "catalogue":
                    flag = self._flag(lists, order)
                    if flag is None:
                        continue
                    result["if"] = flag
                return result
        raise NotUnderstood("", "does not hold the items")

    @staticmethod
    def _named(lists: Sequence[Sequence[Any]], items: Sequence[Sequence[Mapping[str, Any]]]) -> Any:
        """The template for an item's name, and for each list the items in its order."""
        paths = list(_flat(lists[0][0])) if lists[0] else []
        pairs: dict[str, Path] = {}
        for path, fact in product(paths, ("name", "id", "category", "short")):
            told = [Counter(str(_flat(one).get(path)) for one in some) for some in lists]
            known = [Counter(str(item[fact]) for item in some) for some in items]
            if told == known:
                pairs.setdefault(fact, path)
        for facts in (("name",), ("id",), ("category", "short"), ("short",)):
            if not set(facts) <= set(pairs):
                continue
            index = [{tuple(str(item[fact]) for fact in facts): item for item in some} for some in items]
            if any(len(one) < len(some) for one, some in zip(index, items, strict=True)):
                continue
            try:
                order = [
                    [one[tuple(str(_flat(element).get(pairs[fact])) for fact in facts)] for element in some]
                    for one, some in zip(index, lists, strict=True)
                ]
            except KeyError:
                continue
            if facts == ("name",):
                return _each(pairs["name"]), order
            where = {fact: _each(pairs[fact]) for fact in facts}
            return {"$find": "{catalogue}", "where": where, "take": "name"}, order
        return None

    @staticmethod
    def _flag(lists: Sequence[Sequence[Any]], order: Sequence[Sequence[Mapping[str, Any]]]) -> dict[str, Any] | None:
        """The field that says whether an item is allowed, and what it says then."""
        pairs = [
            (_flat(element), item["allowed"])
            for some, items in zip(lists, order, strict=True)
            for element, item in zip(some, items, strict=True)
        ]
        for path in pairs[0][0]:
            said: dict[bool, Any] = {}
            if all(said.setdefault(allowed, flat.get(path)) == flat.get(path) for flat, allowed in pairs) and (
                len(said) == 2 and said[True] != said[False]
            ):
                return {".".join(path): said[True]}
        return None


class KeyReader:
    """Learns what concerns keys: making, listing and deleting them hang together by ids and halves."""

    def __init__(self, learner: Learner, made: Sequence[Mapping[str, Any]], deleted: Sequence[str]) -> None:
        self._learner = learner
        self._made = made
        self._deleted = deleted
        self.pairs: dict[str, tuple[str, str]] = {}

    def find(self) -> dict[str, Found]:
        create = self._learner.find(ask_for_keys(self._made))
        why = create.why
        for route, entries in zip(create.routes, create.sources, strict=True):
            try:
                return self._of(Found([route], [entries], "learned"))
            except NotUnderstood as problem:
                why = str(problem) if problem.place else problem.why
        if create:
            create = Found(state="not understood", why=why)
        others = Found(state=create.state, why=create.why)
        return {"api_member_key.create": create, "api_member_key.list": others, "api_member_key.delete": others}

    def _of(self, create: Found) -> dict[str, Found]:
        """The three operations, if these requests are those that made the keys."""
        why = NotUnderstood("", f"no list of keys in the recording leads to those that were deleted; {AGAIN}")
        for entries in self._learner.clusters:
            try:
                listing, rows, table, named = self._listing(entries, create.entries)
            except NotUnderstood as problem:
                why = NotUnderstood(f"{entries[0].place}, {problem.place}", problem.why) if problem.place else why
                continue
            for path in rows[0]:
                delete = self._delete(rows, path, create.entries[-1].number) if path != named else None
                if delete:
                    return self._complete(create, delete, listing, rows, (table, named, path))
        raise why

    def _listing(
        self, entries: Sequence[Entry], created: Sequence[Entry]
    ) -> tuple[dict[str, Any], list[dict[Path, Any]], Path, Path]:
        """The list of keys: its route, the rows of our keys, where the list lies and what has the description."""
        chosen, rows, places = [], [], set()
        for one, made in zip(self._made, created, strict=True):
            for entry in (entry for entry in entries if entry.number > made.number):
                place = self._row(entry, str(one["description"]))
                if place:
                    chosen.append(entry)
                    rows.append(place[2])
                    places.add(place[:2])
                    break
        if len(chosen) < len(self._made) or len(places) != 1:
            raise NotUnderstood("", "does not list the keys")
        learned = Learned()
        seen = [
            Seen({"member": one["member"]}, entry.number, entry.time)
            for one, entry in zip(self._made, chosen, strict=True)
        ]
        route = Inducer(self._learner.history, learned).request(chosen, seen)
        if "member" not in learned.used:
            raise NotUnderstood("", "does not say whose keys")
        ((table, named),) = places
        return self._learner.finished(route, learned, chosen), rows, table, named

    def _row(self, entry: Entry, description: str) -> tuple[Path, Path, dict[Path, Any]] | None:
        """Where a list has a description; the innermost list, as a list of answers may hold it."""
        found = None
        for path, elements in tables(self._learner.history.answers[entry.number]):
            for element in elements:
                flat = _flat(element)
                found = next(((path, place, flat) for place, value in flat.items() if value == description), found)
        return found

    def _delete(self, rows: Sequence[Mapping[Path, Any]], path: Path, since: int) -> Found | None:
        """The deletion, if the ids it sends are what the list has at that path."""
        ids = [row.get(path) for row in rows]
        if len({str(one) for one in ids}) < len(ids) or any(isinstance(one, bool) or one is None for one in ids):
            return None
        by_description = {
            str(one["description"]): (one["member"], key) for one, key in zip(self._made, ids, strict=True)
        }
        repetitions = [{"member": by_description[text][0], "key": by_description[text][1]} for text in self._deleted]
        ask = Ask(
            "api_member_key.delete",
            "deletes the keys of the scratch members",
            repetitions,
            lambda used: "key" in used,
            frozenset(),
            since=since,
        )
        found = self._learner.find(ask)
        return found or None

    def _complete(
        self,
        create: Found,
        delete: Found,
        listing: dict[str, Any],
        rows: Sequence[Mapping[Path, Any]],
        places: tuple[Path, Path, Path],
    ) -> dict[str, Found]:
        """The results of the three, once it is known which value is what. places: table, description, id."""
        table, named, number = places
        answers = [_flat(self._learner.history.answers[entry.number]) for entry in create.entries]
        shared = [path for path in answers[0] if all(path in answer for answer in answers)]
        pairs = list(product(_publics(rows, answers, shared, named), _privates(rows, answers, shared)))[:_MOST_ROUTES]
        if not pairs:
            raise NotUnderstood(
                "", "the answer to a new key does not hold two halves of which the list of keys has one"
            )
        ids = [path for path in shared if _equal(answers, path, rows, number)]
        lists, creates = [], []
        for (row_path, public), private in pairs:
            do = {"id": _each(number), "description": _each(named), "publicKey": _each(row_path)}
            lists.append({**listing, "result": {"$each": placeholder_at(["answer", *table]), "do": do}})
            result = {"description": "{description}", "publicKey": _answer(public), "privateKey": _answer(private)}
            creates.append({**create.routes[0], "result": {**result, **({"id": _answer(ids[0])} if ids else {})}})
        (_row_path, public), private = pairs[0]
        self.pairs = {
            str(one["description"]): (str(answer[public]), str(answer[private]))
            for one, answer in zip(self._made, answers, strict=True)
        }
        return {
            "api_member_key.list": Found(lists, [], "learned"),
            "api_member_key.create": Found(creates, create.sources, "learned"),
            "api_member_key.delete": delete,
        }


Rows = Sequence[Mapping[Path, Any]]


def _answer(path: Path) -> Any:
    return placeholder_at(["answer", *path])


def _equal(answers: Rows, path: Path, rows: Rows, row_path: Path) -> bool:
    return all(str(answer[path]) == str(row.get(row_path)) for answer, row in zip(answers, rows, strict=True))


def _publics(rows: Rows, answers: Rows, shared: Sequence[Path], named: Path) -> list[tuple[Path, Path]]:
    """Where list and answer both have the half that may be shown."""
    halves = [path for path in shared if all(_is_half(answer[path]) for answer in answers)]
    return [(one, path) for one in rows[0] for path in halves if one != named and _equal(answers, path, rows, one)]


def _privates(rows: Rows, answers: Rows, shared: Sequence[Path]) -> list[Path]:
    """Where the answer has a text of its own each time that no list shows."""
    listed = {str(value) for row in rows for value in row.values()}
    return [
        path
        for path in shared
        if len({str(answer[path]) for answer in answers}) == len(answers)
        and all(_is_half(answer[path]) and str(answer[path]) not in listed for answer in answers)
    ]


def _is_half(value: Any) -> bool:
    return isinstance(value, str) and len(value) >= _LEAST_LENGTH
