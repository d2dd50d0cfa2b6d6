# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Routes out of a recording: which requests did what the choreography asked for, and what they are made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, islice
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._facts import Fact
from ansible_collections.msp.connectwise.plugins.module_utils._names import counted
from ansible_collections.msp.connectwise.plugins.module_utils._permissions import VERBS
from ansible_collections.msp.connectwise.plugins.plugin_utils._har import AGAIN, Entry
from ansible_collections.msp.connectwise.plugins.plugin_utils._learn_decode import leaves, request_of, taken
from ansible_collections.msp.connectwise.plugins.plugin_utils._learn_history import History
from ansible_collections.msp.connectwise.plugins.plugin_utils._learn_induce import Inducer
from ansible_collections.msp.connectwise.plugins.plugin_utils._learn_terms import Learned, NotUnderstood, Seen, farther

_MOST_TRIES = 120
_SUCCESS = {"success", "issuccess", "ok", "succeeded", "issuccessful"}
_ERROR = {"error", "errors", "errormessage"}


@dataclass
class Found:
    """An operation: its routes, and the requests each was learned from; or why there are none."""

    routes: list[dict[str, Any]] = field(default_factory=list)
    sources: list[Sequence[Entry]] = field(default_factory=list)
    state: str = "not recorded"
    why: str = ""

    def __bool__(self) -> bool:
        return bool(self.routes)

    @property
    def entries(self) -> Sequence[Entry]:
        return self.sources[0] if self.sources else []


@dataclass(frozen=True)
class Ask:
    """What to look for. repetitions: the facts of each, in the order of time; needed: what a route must speak of.

    marks: values that show a request to be about it. by: groups of repetitions that one save made at once, if any.
    since: the number of an entry after which the first repetition comes.
    """

    operation: str
    what: str
    repetitions: Sequence[Mapping[str, Any]]
    needed: Callable[[set[str]], bool]
    marks: frozenset[str]
    by: Sequence[int] = ()
    since: int = -1


class Learner:
    """The operations of one recording."""

    def __init__(self, history: History) -> None:
        self.history = history
        self._clusters: dict[Any, list[Entry]] = {}
        for entry in history.entries:
            self._clusters.setdefault(history.shapes[entry.number], []).append(entry)

    @property
    def clusters(self) -> list[list[Entry]]:
        """Requests of one shape each."""
        return list(self._clusters.values())

    def find(self, *asks: Ask) -> Found:
        """The routes that explain the requests of one of the ways to do something."""
        found, short = Found(), (0, "")
        complaint: tuple[Entry, NotUnderstood] | None = None
        for ask in asks:
            for cluster in self._clusters.values():
                entries = [entry for entry in cluster if entry.number > ask.since]
                marked = [entry for entry in entries if self._is_about(entry, ask)]
                if len(entries) < len(ask.repetitions):
                    short = max(short, (len(marked), entries[0].place if entries else ""))
                    continue
                try:
                    route, used = self._cluster(entries, ask)
                except NotUnderstood as problem:
                    if marked and (complaint is None or farther(problem, complaint[1])):
                        complaint = entries[0], problem
                    continue
                if not any(known == route for known in found.routes):
                    found.routes.append(route)
                    found.sources.append(used)
        if found:
            found.state = "learned"
        elif complaint:
            entry, last = complaint
            found.state = "not understood"
            found.why = f"{entry.place}, {last.place or 'the request'} {last.why}"
        elif short[0]:
            times = "once" if short[0] == 1 else counted(short[0], "time")
            found.why = f"what {asks[-1].what} ({short[1]}) is in the recording only {times}; {AGAIN}"
        else:
            found.why = f"no request {asks[-1].what}; {AGAIN}"
        return found

    def _is_about(self, entry: Entry, ask: Ask) -> bool:
        if entry.method == "GET":
            return False
        values = {str(value) for _path, value in leaves(request_of(entry).tree)}
        # A number also inside of a text; a name is found in too many of them.
        numbers = set(re.findall(r"\d{5,}", f"{entry.path} {entry.body}"))
        return bool((values | numbers) & ask.marks)

    def _cluster(self, entries: Sequence[Entry], ask: Ask) -> tuple[dict[str, Any], list[Entry]]:
        deepest = NotUnderstood("", "differs between the repetitions, and nothing known explains it")
        for chosen in _choices(_without_retries(entries), len(ask.repetitions)):
            for facts in self._assigned(chosen, ask):
                seen = [Seen(one, entry.number, entry.time) for one, entry in zip(facts, chosen, strict=True)]
                try:
                    return self._route(chosen, seen, ask), list(chosen)
                except NotUnderstood as problem:
                    if farther(problem, deepest):
                        deepest = problem
        raise deepest

    def _assigned(self, chosen: Sequence[Entry], ask: Ask) -> Iterator[Sequence[Mapping[str, Any]]]:
        """The repetitions in the order of the requests: those that one save made may have been sent in any order."""
        if not ask.by:
            yield ask.repetitions
            return
        start, ordered = 0, []
        inducer = Inducer(self.history)
        trees, members = [], []
        for count in ask.by:
            trees.append([request_of(entry).tree for entry in chosen[start : start + count]])
            members.append([one["row"] for one in ask.repetitions[start : start + count]])
            start += count
        seen = [Seen({}, entry.number, entry.time) for entry in chosen[: len(ask.by)]]
        rows = inducer._ordered(trees, members, seen)
        if rows is None:
            return
        by_row = [{id(one["row"]): one for one in ask.repetitions}]
        for some in rows:
            ordered += [by_row[0][id(row)] for row in some]
        yield ordered

    def _route(self, entries: Sequence[Entry], seen: Sequence[Seen], ask: Ask) -> dict[str, Any]:
        learned = Learned()
        route = Inducer(self.history, learned).request(entries, seen)
        if not ask.needed(learned.used):
            raise NotUnderstood("", "does not carry all that has to be said")
        return self.finished(route, learned, entries)

    def finished(self, route: dict[str, Any], learned: Learned, entries: Sequence[Entry]) -> dict[str, Any]:
        """The entry of the table."""
        if learned.steps:
            route["first"] = learned.steps
        if learned.maps:
            route["maps"] = learned.maps
        if success := self._success(entries):
            route["success"] = success
        return route

    def _success(self, entries: Sequence[Entry]) -> dict[str, Any]:
        """Where all answers said that it went well."""
        answers = [self.history.answers[entry.number] for entry in entries]
        found = {}
        for path, value in leaves(answers[0]):
            last = path[-1].lower() if path else ""
            if any(step in ("(json)",) or "." in step for step in path):
                continue
            good = (value is True and last in _SUCCESS) or (value is None and last in _ERROR)
            if good and all(taken(answer, path) is value for answer in answers):
                found[".".join(path)] = value
        return found


def _without_retries(entries: Sequence[Entry]) -> list[Entry]:
    """Of equal requests in a row, the last."""
    kept: list[Entry] = []
    for entry in entries:
        if kept and (kept[-1].path, kept[-1].query, kept[-1].body) == (entry.path, entry.query, entry.body):
            kept[-1] = entry
        else:
            kept.append(entry)
    return kept


def _choices(entries: Sequence[Entry], count: int) -> Iterator[Sequence[Entry]]:
    """Which of the requests are the repetitions: all of them, or so many in a row, or any so many."""
    for start in range(len(entries) - count, -1, -1):
        yield entries[start : start + count]
    if count < len(entries) <= count + 4:
        yield from islice(combinations(entries, count), _MOST_TRIES)


# What to look for


def speaks_of_rows(used: set[str]) -> bool:
    verbs = all({f"levels.{verb}", f"each.levels.{verb}"} & used for verb in VERBS)
    verbs = verbs or {"changes", "each.verb", "each.level"} <= used
    return verbs and bool(used & {"role", "setting", "row.setting", "each.setting"})


def speaks_of_items(used: set[str]) -> bool:
    which = {"allowed", "refused"} & used or "each.allowed" in used or {"added", "removed"} <= used
    return bool(which) and bool(used & {"role", "setting", "row.setting"})


def asks_for_rows(saves: Sequence[Mapping[str, Any]]) -> list[Ask]:
    """saves: role, rows, matrix of each save, as facts."""
    marks = frozenset(
        str(row[name]) for save in saves for row in save["rows"] for name in ("setting", "function", "function_id")
    )
    singly = [
        {
            "role": save["role"],
            "setting": row["setting"],
            "levels": row["levels"],
            "row": row,
            "changes": save["changes"][row["setting"]],
        }
        for save in saves
        for row in save["rows"]
    ]
    what = "saves the permissions of the scratch roles"
    return [
        Ask("role_setting.update", what, [_without_changes(save) for save in saves], speaks_of_rows, marks),
        Ask("role_setting.update", what, singly, speaks_of_rows, marks, [len(save["rows"]) for save in saves]),
    ]


def _without_changes(save: Mapping[str, Any]) -> dict[str, Any]:
    """What one request for many rows may speak of."""
    return {name: value for name, value in save.items() if name != "changes"}


def asks_for_lists(saves: Sequence[Mapping[str, Any]], deltas: Sequence[Sequence[Mapping[str, Any]]] = ()) -> list[Ask]:
    """saves: role, setting, row and items of each save; deltas: the same with what it may have added and removed."""
    marks = {str(save[name]) for save in saves for name in ("setting",)}
    marks |= {str(save["row"]["identifier"]) for save in saves}
    what = "saves the Customize lists of the scratch roles"
    return [Ask("customize_items.replace", what, some, speaks_of_items, frozenset(marks)) for some in (saves, *deltas)]


def ask_for_keys(made: Sequence[Mapping[str, Any]]) -> Ask:
    marks = frozenset(str(one["description"]) for one in made)
    return Ask(
        "api_member_key.create",
        "makes the keys of the scratch members",
        made,
        lambda used: {"member", "description"} <= used,
        marks,
    )


def fact_of(facts: Sequence[Fact], module: str, function: str) -> Fact:
    return next(one for one in facts if (one["module"], one["function"]) == (module, function))
