# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Permission matrices and Customize lists: what is wanted against what is there. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ._errors import InputError, LevelNotOffered, UnknownName
from ._names import ambiguous, canonical_function, canonical_item, canonical_module, level_word, normalised, unknown

VERBS = ("add", "edit", "delete", "inquire")
RANK = {"None": 0, "My": 1, "All": 2}
WHOLE_MODULE = "*"
# What a Customize list is to be: these items and no others, these too, or these not.
STATES = ("exact", "present", "absent")

Levels = Mapping[str, str]


@dataclass(frozen=True)
class Row:
    """One function of a role's matrix, as the tenant has it."""

    id: int | None
    module: str
    function: str
    levels: Levels
    my_offered: bool = True
    not_offered: frozenset[str] = frozenset()
    customizable: bool = False
    # The record it was read from, for templates of extension routes.
    record: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Row:
        """From a SecurityRoleSetting or a MySecurity record; a null level counts as None."""
        return cls(
            id=record.get("id"),
            module=str(record.get("moduleName") or record.get("moduleDescription") or ""),
            function=str(record.get("moduleFunctionName") or record.get("moduleFunctionDescription") or ""),
            levels={verb: record.get(f"{verb}Level") or "None" for verb in VERBS},
            # null says nothing about My: let the server decide.
            my_offered=record.get("myAllFlag") is not False,
            # A report row without a value for a level has no such level.
            not_offered=frozenset(
                verb for verb in VERBS if record.get("reportFlag") and record.get(f"{verb}Level") is None
            ),
            customizable=bool(record.get("customFlag")),
            record=record,
        )

    @property
    def key(self) -> tuple[str, str]:
        return canonical_module(self.module), canonical_function(self.module, self.function)

    @property
    def label(self) -> str:
        return f"{self.module} / {self.function}"


@dataclass(frozen=True)
class Change:
    """One row that has to change: its four levels before and after."""

    row: Row
    after: Levels

    @property
    def levels(self) -> dict[str, str]:
        """Only the levels that differ."""
        return {verb: self.after[verb] for verb in VERBS if self.after[verb] != self.row.levels[verb]}


@dataclass
class MatrixPlan:
    changes: list[Change] = field(default_factory=list)
    wanted: dict[tuple[str, str], Levels] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    rows: Sequence[Row] = ()


@dataclass(frozen=True)
class Deviation:
    """A right that is not as wanted: `missing` when there is less of it, `excess` when there is more."""

    module: str
    function: str
    verb: str
    wanted: str
    actual: str

    def as_dict(self) -> dict[str, str]:
        return {
            "module": self.module,
            "function": self.function,
            "level": self.verb,
            "wanted": self.wanted,
            "actual": self.actual,
        }


def parse_levels(value: Any, where: str) -> Levels:
    if not isinstance(value, Mapping):
        raise InputError(
            f"{where}: expected the levels as a mapping, such as {{inquire: All}}, not {value!r}",
            remedy="write permissions as {module: {function: {add, edit, delete, inquire}}}",
        )
    strangers = sorted(str(verb) for verb in value if verb not in VERBS)
    if strangers:
        raise InputError(
            f"{where}: unknown level name {', '.join(strangers)}",
            remedy=f"the levels of a function are {', '.join(VERBS)}",
        )
    return {verb: level_word(value.get(verb), f"{where}, {verb}") for verb in VERBS}


def _matching(rows: Sequence[Row], module: str, function: str) -> list[Row]:
    """The rows a wanted (module, function) names; one row, or with "*" the whole module."""
    module_key = canonical_module(module)
    in_module = [row for row in rows if canonical_module(row.module) == module_key]
    if not in_module:
        raise unknown("module", module, sorted({row.module for row in rows}))
    if function == WHOLE_MODULE:
        return in_module
    key = canonical_function(module, function)
    found = [row for row in in_module if canonical_function(row.module, row.function) == key]
    if not found:
        raise unknown(f"function of module {in_module[0].module}", function, [row.function for row in in_module])
    if len(found) > 1:
        raise ambiguous("function", function, [row.label for row in found])
    return found


def _offered(row: Row, levels: Levels, whole_module: bool) -> Levels:
    """The levels as the row can hold them; what it cannot hold is an error, unless "*" asked for it."""
    after = dict(levels)
    for verb in VERBS:
        if after[verb] == "My" and not row.my_offered:
            raise LevelNotOffered(
                f"{row.label} does not offer the level My ({verb}); it knows None and All",
                remedy="choose None or All for this row",
            )
        if after[verb] != "None" and verb in row.not_offered:
            if not whole_module:
                raise LevelNotOffered(
                    f"{row.label} has no {verb} level; a report row is granted by other levels",
                    remedy=f"take {verb} out of this row",
                )
            after[verb] = "None"
    return after


def _entries(permissions: Mapping[str, Any]) -> list[tuple[str, str, Levels]]:
    """(module, function, levels) of every entry; the named functions first, since they win over "*"."""
    entries = []
    for module, functions in permissions.items():
        if not isinstance(functions, Mapping):
            raise InputError(
                f"permissions of module {module}: expected a mapping of functions, not {functions!r}",
                remedy="write permissions as {module: {function: {add, edit, delete, inquire}}}",
            )
        entries += [
            (str(module), str(function), parse_levels(value, f"{module} / {function}"))
            for function, value in functions.items()
        ]
    return sorted(entries, key=lambda entry: entry[1] == WHOLE_MODULE)


def wanted_matrix(
    rows: Sequence[Row], permissions: Mapping[str, Any], *, lenient: bool = False
) -> tuple[dict[tuple[str, str], Levels], list[str]]:
    """Resolve {module: {function: levels}} against the tenant's rows.

    Named functions win over "*" of their module. With lenient, names the tenant does not have become
    warnings; otherwise they raise UnknownName.
    """
    by_name: dict[tuple[str, str], Levels] = {}
    by_module: dict[tuple[str, str], Levels] = {}
    warnings: list[str] = []
    for module, function, levels in _entries(permissions):
        try:
            found = _matching(rows, module, function)
        except UnknownName as problem:
            if not lenient:
                raise
            warnings.append(f"{problem.problem}; left out")
            continue
        whole = function == WHOLE_MODULE
        target = by_module if whole else by_name
        # Rows of one key are one function to whoever wrote the permissions.
        for key, row in {row.key: row for row in found}.items():
            if whole and key in by_name:
                continue
            if key in target:
                raise InputError(
                    f'permissions name "{row.module} / *" twice' if whole else f'permissions name "{row.label}" twice',
                    remedy="keep one of the two spellings",
                )
            target[key] = _offered(row, levels, whole)
    return {**by_module, **by_name}, warnings


def plan_matrix(
    rows: Sequence[Row], permissions: Mapping[str, Any], *, exclusive: bool = False, lenient: bool = False
) -> MatrixPlan:
    """What has to change so that the rows grant what is wanted.

    exclusive: functions that are not named go to None.
    """
    wanted, warnings = wanted_matrix(rows, permissions, lenient=lenient)
    nothing = dict.fromkeys(VERBS, "None")
    changes = []
    for row in rows:
        after = wanted.get(row.key, nothing if exclusive else row.levels)
        if after != row.levels:
            changes.append(Change(row, after))
    return MatrixPlan(changes, wanted, warnings, rows)


def deviations(
    rows: Sequence[Row], permissions: Mapping[str, Any], *, exclusive: bool = True, lenient: bool = False
) -> tuple[list[Deviation], list[Deviation], list[str]]:
    """Missing and excess rights of an effective matrix against the wanted one.

    exclusive: functions that are not named count as None; otherwise they may grant what they like.
    """
    wanted, warnings = wanted_matrix(rows, permissions, lenient=lenient)
    missing: list[Deviation] = []
    excess: list[Deviation] = []
    for row in rows:
        if not exclusive and row.key not in wanted:
            continue
        levels = wanted.get(row.key, {})
        for verb in VERBS:
            want, have = levels.get(verb, "None"), row.levels[verb]
            if RANK[have] != RANK[want]:
                target = missing if RANK[have] < RANK[want] else excess
                target.append(Deviation(row.module, row.function, verb, want, have))
    return missing, excess, warnings


def granted(rows: Iterable[Row]) -> dict[str, dict[str, dict[str, str]]]:
    """The rows that grant anything, as {module: {function: levels}}."""
    matrix: dict[str, dict[str, dict[str, str]]] = {}
    for row in rows:
        if any(level != "None" for level in row.levels.values()):
            matrix.setdefault(row.module, {})[row.function] = dict(row.levels)
    return matrix


@dataclass(frozen=True)
class ListPlan:
    """A Customize allow list: the wanted whole, and what has to move. All names are the tenant's own.

    refused: the items asked to be disallowed, whether or not they stand in the list.
    """

    before: list[str]
    after: list[str]
    allow: list[str]
    disallow: list[str]
    refused: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ListWish:
    """The wanted contents of an allow list.

    allow: item names, or None for every item there is. disallow: item names. exclusive: nothing but `allow`.
    """

    allow: list[str] | None
    disallow: list[str]
    exclusive: bool

    @classmethod
    def parse(cls, allow: Any, disallow: Any = None, state: Any = None) -> ListWish:
        """Read the options of a list. state: one of STATES; None means the first."""
        if state is not None and state not in STATES:
            raise InputError(f'state "{state}" is not known', remedy=f"use one of {', '.join(STATES)}")
        if state == "absent":
            if (allow is None) == (disallow is None):
                raise InputError(
                    "state: absent takes one list of items", remedy="name the items that are not allowed in disallow"
                )
            allow, disallow = None, allow if disallow is None else disallow
        refused = _names_of(disallow if disallow is not None else [], "disallow")
        if allow is None and len(refused) == 1 and _is_all(refused[0]):
            return cls([], [], True)
        if state == "present" and refused:
            raise InputError(
                "state: present allows items and disallows none",
                remedy="take disallow out, or disallow these items in another task with state: absent",
            )
        if _is_all(allow):
            return cls(None, refused, True)
        if not refused and (allow is None or (state == "present" and not allow)):
            raise InputError("nothing is asked for", remedy="give allow (a list of items, or all) or disallow")
        wished = _names_of(allow if allow is not None else [], "allow")
        both = {canonical_item(name) for name in wished} & {canonical_item(name) for name in refused}
        if both:
            raise InputError(
                f"allow and disallow both name {', '.join(sorted(both))}", remedy="take it out of one of the two lists"
            )
        return cls(wished, refused, allow is not None and state != "present")

    @property
    def needs_universe(self) -> bool:
        """Whether what is asked for depends on the items there are."""
        return self.allow is None or any(begins(name) for name in [*self.allow, *self.disallow])


def begins(name: str) -> bool:
    """Whether a name stands for all items that begin like it: "Company / *"."""
    return name.rstrip().endswith("*")


def _beginning(name: str, universe: Sequence[str]) -> list[str]:
    prefix = normalised(name.rstrip().rstrip("*"))
    return [item for item in universe if normalised(item).startswith(prefix)]


def _beginnings(universe: Sequence[str]) -> list[str]:
    """What a name with * could have been meant as."""
    return list(dict.fromkeys(f"{item.partition(' / ')[0]} / *" for item in universe if " / " in item))


def _is_all(value: Any) -> bool:
    return isinstance(value, str) and value.strip().casefold() == "all"


def _names_of(value: Any, option: str) -> list[str]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise InputError(
            f"{option}: expected item names, not {value!r}",
            remedy='write a list such as ["Service / Service Board"], or allow: all',
        )
    return list(names)


def _resolve_items(
    names: Iterable[str], universe: Sequence[str], what: str, lenient: bool, warnings: list[str]
) -> list[str]:
    by_key: dict[str, list[str]] = {}
    for item in universe:
        by_key.setdefault(canonical_item(item), []).append(item)
    resolved = []
    for name in names:
        if name in universe:
            resolved.append(name)
            continue
        found = by_key.get(canonical_item(name), [])
        if len(found) > 1:
            raise ambiguous(what, name, found)
        found = found or (_beginning(name, universe) if begins(name) else [])
        if found:
            resolved += found
            continue
        problem = unknown(what, name, (begins(name) and _beginnings(universe)) or universe)
        if not lenient:
            raise problem
        warnings.append(f"{problem.problem}; left out")
    return list(dict.fromkeys(resolved))


def plan_list(
    wish: ListWish, current: Sequence[str], universe: Sequence[str], *, what: str = "table", lenient: bool = False
) -> ListPlan:
    """The whole allow list that is wanted, and the items that have to move to reach it.

    universe: every item the tenant knows; items that only the current list names count as known too.
    """
    warnings: list[str] = []
    known = list(dict.fromkeys([*universe, *current]))
    refused = set(_resolve_items(wish.disallow, known, what, lenient, warnings))
    if wish.allow is None:
        allowed = known
    else:
        named = _resolve_items(wish.allow, known, what, lenient, warnings)
        allowed = named if wish.exclusive else [*current, *named]
    after = sorted({item for item in allowed if item not in refused}, key=str.casefold)
    have = set(current)
    return ListPlan(
        before=sorted(have, key=str.casefold),
        after=after,
        allow=[item for item in after if item not in have],
        disallow=sorted(have - set(after), key=str.casefold),
        refused=sorted(refused, key=str.casefold),
        warnings=warnings,
    )
