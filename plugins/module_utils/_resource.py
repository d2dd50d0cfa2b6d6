# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records of the API: fields as data, references by name, one planner for create and update."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from ._client import Psa, Record
from ._errors import (
    PASSING,
    UNCERTAIN,
    UNVERIFIED,
    InputError,
    InvalidRecord,
    NotApplied,
    PsaError,
    RecordNotFound,
    legible,
    readable,
    unverified,
)
from ._names import ambiguous, listed, normalised, unknown
from ._patience import pause

TOP = "top"
LEVELS = "/system/myCompany/corporateStructureLevels"
T = TypeVar("T")
# A read right after a write may still show the old state; look again after these seconds before judging.
_SETTLE = (0.0, 0.3, 0.8, 1.6)


def settled(read: Callable[[], T], done: Callable[[T], bool], sleep: Callable[[float], object] | None = None) -> T:
    """Read until the state is as written, a few times; the last state read, whatever it is."""
    state = read()
    for seconds in _SETTLE[1:]:
        if done(state):
            break
        (sleep or pause)(seconds)
        state = read()
    return state


@dataclass(frozen=True)
class Field:
    """One option of a module and the field of the record it stands for.

    api: name of the field. kind: "text", "flag", "ids" or "ref". source: list of the names a reference may have.
    label: the field's words in the product. limit: length in characters. top: whether "top" names the tenant's top.
    exact: whether a name has to be that of the record to the letter. always: whether each record has a value, so that
    one without it does not show it.
    """

    option: str
    api: str
    kind: str = "text"
    source: str = ""
    label: str = ""
    limit: int | None = None
    top: bool = False
    exact: bool = False
    always: bool = False

    def means(self, name: str, wanted: str) -> bool:
        """Return whether a name of the tenant is the wanted one."""
        return name == wanted if self.exact else normalised(name) == normalised(wanted)

    def check(self, value: Any) -> None:
        if self.limit and isinstance(value, str) and len(value) > self.limit:
            raise InputError(
                f'{self.option} "{value}" is {len(value)} characters long; ConnectWise takes {self.limit}',
                remedy=f"shorten {self.option}",
            )

    def current(self, record: Mapping[str, Any]) -> Any:
        """The value of a record in the form the option has: a reference by its name."""
        value = record.get(self.api)
        if self.kind == "ref":
            return (value or {}).get("name") or (value or {}).get("identifier")
        if self.kind == "flag":
            return bool(value)
        return value or ([] if self.kind == "ids" else "")


@dataclass(frozen=True)
class Reference:
    """A reference that was resolved: an id, or only a name if the record does not exist yet (check mode)."""

    id: int | None
    name: str

    @property
    def value(self) -> Record:
        return {"name": self.name} if self.id is None else {"id": self.id}


class Names:
    """Resolves references by name; each list is read once a task."""

    def __init__(self, psa: Psa) -> None:
        self._psa = psa
        self._lists: dict[str, list[Record]] = {}
        # What the tenant does not show, and what was taken in its place.
        self.unverified: list[str] = []

    def records(self, source: str) -> list[Record]:
        if source not in self._lists:
            self._lists[source] = self._levels() if source == LEVELS else self._psa.list(source)
        return self._lists[source]

    def _levels(self) -> list[Record]:
        """The levels of the corporate structure; those of the API members if the tenant does not list them.

        The member of a key that sees records stands at the top. Keys that are refused are refused by both lists.
        """
        levels, withheld = readable(partial(self._psa.list, LEVELS), proven=True)
        if levels is not None or withheld is None:
            return levels or []
        held = [one.get("structureLevel") or {} for one in self.records("/system/apiMembers")]
        known = {level["id"]: level for level in held if level.get("id") is not None}
        if not known:
            raise withheld
        what = "the levels of the structure, of which only those of the API members are known"
        self.unverified.append(unverified(what, withheld))
        return list(known.values())

    def resolve(self, field: Field, name: str) -> Reference:
        """The record a name means; zero and several matches are different errors."""
        records = self.records(field.source)
        what = field.label or field.option
        if field.top and normalised(name) == TOP:
            found = [self.top(field)]
        else:
            found = [one for one in records if name in (one.get("name"), one.get("identifier"))] or [
                one
                for one in records
                if any(field.means(str(one[key]), name) for key in ("name", "identifier") if one.get(key))
            ]
        if not found:
            names = [str(one.get("name")) for one in records]
            problem = unknown(what, name, names)
            # The name of a role is that of the integration, and not the tenant's.
            raise problem if field.exact else _to_choose(problem, field, names, name)
        if len(found) > 1:
            raise ambiguous(what, name, [f"id {one.get('id')}" for one in found])
        return Reference(int(found[0]["id"]), str(found[0].get("name") or found[0].get("identifier")))

    def top_level(self) -> Record:
        """The highest level of the corporate structure; below it, records are invisible to a key."""
        levels = self.records(LEVELS)
        if not levels:
            raise InputError(
                "the tenant lists no levels of its corporate structure", remedy="name the level instead of top"
            )
        return min(levels, key=lambda level: int(level["id"]))

    def top(self, field: Field) -> Record:
        level = self.top_level()
        if field.source == LEVELS:
            return level
        places = [
            one for one in self.records(field.source) if (one.get("structureLevel") or {}).get("id") == level["id"]
        ]
        if len(places) == 1:
            return places[0]
        names = [str(one.get("name")) for one in places or self.records(field.source)]
        what = f"{len(places)} entries stand at the top level {level.get('name')}"
        problem = InputError(what, remedy=f"name {field.option} instead of top")
        raise _to_choose(problem, field, names, TOP)


def _to_choose(problem: InputError, field: Field, names: Sequence[str], wrong: str) -> InputError:
    """Return the error with the names that the tenant has for the field, and with one of them as an example."""
    if not names:
        return problem
    near = problem.data.get("closest") or list(names)[:1]
    problem.problem = legible(f"{problem.problem} (the tenant has {listed(names)})")
    problem.choice = (field.option, near[0])
    example = f'{field.option}: "{near[0]}"'
    problem.remedy = f"set {field.option} of the member to one of these names instead of {wrong}, such as {example}"
    return problem


@dataclass(frozen=True)
class RecordPlan:
    """before and after: only the declared fields, as the options name them. body: what is written.

    unverified: the fields that the tenant does not show, or whose names it does not list; they stay as they are.
    """

    before: dict[str, Any]
    after: dict[str, Any]
    body: Record
    unverified: list[str] = dataclasses.field(default_factory=list)

    @property
    def changes(self) -> bool:
        return bool(self.body)


def plan_record(
    fields: Iterable[Field],
    wanted: Mapping[str, Any],
    actual: Mapping[str, Any] | None,
    resolve: Callable[[Field, str], Reference],
) -> RecordPlan:
    """Compare the declared fields of a record; options that are null are not compared."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    body: Record = {}
    hidden: list[str] = []
    for field in fields:
        value = wanted.get(field.option)
        if value is None:
            continue
        field.check(value)
        current = field.current(actual) if actual is not None else None
        if field.always and actual is not None and current is None:
            hidden.append(f"{UNVERIFIED}the {field.option} of the member: its record does not show it")
            continue
        if field.kind == "ref":
            if current and field.means(current, str(value)) and normalised(current) != TOP:
                # Refers to it by that very name: nothing to look up.
                before[field.option] = after[field.option] = current
                continue
            # A new record, and the role that gives the rights, need an answer.
            optional = actual is not None and not field.exact
            find = partial(resolve, field, str(value))
            target, withheld = readable(find) if optional else (find(), None)
            if target is None:
                hidden += [unverified(f"the {field.option} of the member", withheld)] if withheld else []
                continue
            same = actual is not None and _refers_to(actual.get(field.api), target)
            shown: Any = target.name
            written: Any = target.value
        elif field.kind == "ids":
            targets = [resolve(field, str(one)) for one in value]
            written = sorted(target.id for target in targets if target.id is not None)
            shown = written
            same = actual is not None and sorted(current or []) == written
        else:
            shown = written = value
            same = actual is not None and _plain(current) == _plain(value)
        if actual is not None:
            before[field.option] = current
        after[field.option] = current if same else shown
        if not same:
            body[field.api] = written
    return RecordPlan(before, after, body, hidden)


def _plain(value: Any) -> Any:
    """A text without what the server may take off: the kind of line ends, and space around it."""
    return value.replace("\r\n", "\n").strip() if isinstance(value, str) else value


def _refers_to(reference: Any, target: Reference) -> bool:
    if not isinstance(reference, Mapping):
        return False
    if target.id is not None and reference.get("id") is not None:
        return int(reference["id"]) == target.id
    return reference.get("name") == target.name


def create(psa: Psa, path: str, body: Record, find: Callable[[], Record | None]) -> Record:
    """POST a record. Where the answer is lost, look for the record before anything is sent again."""

    def look() -> Record | None:
        return settled(find, lambda record: record is not None)

    for attempt in (1, 2):
        try:
            psa.post(path, body)
        except UNCERTAIN as problem:
            found = look()
            if found is None and (attempt == 2 or not isinstance(problem, PASSING)):
                raise
        except InvalidRecord as problem:
            # Somebody else made it between our look and our POST.
            found = look() if "ObjectExists" in problem.codes else None
            if found is None:
                raise
        else:
            # Read back: an answer is not yet a record that others see, and what comes next refers to it.
            found = look()
            if found is None:
                raise NotApplied("accepted, but the record is not there", tenant=psa.tenant, operation=f"POST {path}")
        if found is not None:
            return found
    raise AssertionError("the loop above returns or raises")


def write(send: Callable[[], object], read: Callable[[], T], left: Callable[[T], list[str]], unmade: PsaError) -> T:
    """Write and read back: what the reading shows decides, also if the answer was lost.

    send: must do no harm when it is done twice. left: what a reading shows to be not as wanted yet.
    unmade: raised when the server accepted the write and did not carry it out. Returns the last reading.
    """
    for attempt in (1, 2):
        lost: PsaError | None = None
        try:
            send()
        except UNCERTAIN as problem:
            lost = problem
        state = settled(read, lambda found: not left(found))
        missing = left(state)
        if not missing:
            return state
        if lost is None:
            more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
            unmade.problem += f": {', '.join(missing[:5])}{more}"
            raise unmade
        if attempt == 2 or not isinstance(lost, PASSING):
            raise lost
    raise AssertionError("the loop above returns or raises")


def update(psa: Psa, path: str, body: Record, remaining: Callable[[Record], Iterable[str]]) -> Record:
    """PATCH whole fields and read back. remaining: the fields of a record that are still not as wanted."""
    unmade = NotApplied("written, but not taken over", tenant=psa.tenant, operation=f"PATCH {path}")
    return write(lambda: psa.patch(path, body), lambda: psa.get(path), lambda record: sorted(remaining(record)), unmade)


def delete(psa: Psa, path: str, find: Callable[[], Record | None]) -> None:
    """DELETE a record and look that it is gone."""

    def send() -> None:
        with suppress(RecordNotFound):
            psa.delete(path)

    def left(record: Record | None) -> list[str]:
        return [] if record is None else [path]

    write(send, find, left, NotApplied("deleted, but still there", tenant=psa.tenant, operation=f"DELETE {path}"))
