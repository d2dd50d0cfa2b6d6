# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tables of a vendor's page ask for: a permission matrix, Customize lists, and what could not be resolved.

A name that is not known is never guessed: it is listed with the closest ones there are. Pure functions.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._names import (
    canonical_function,
    canonical_module,
    closest,
    normalised,
)
from ansible_collections.msp.connectwise.plugins.module_utils._permissions import VERBS
from ansible_collections.msp.connectwise.plugins.plugin_utils import _matrix
from ansible_collections.msp.connectwise.plugins.plugin_utils._page_levels import (
    MARKS,
    in_words,
    is_ticked,
    level,
    yes_or_no,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils._page_tables import Grid, grids
from ansible_collections.msp.connectwise.plugins.plugin_utils._profile_tables import Matrix, rows
from ansible_collections.msp.connectwise.plugins.plugin_utils._resolve import marker_in

_MODULE = ("module", "section", "area", "category")
_FUNCTION = ("function", "permission", "submodule", "sub module", "module function", "security function", "name")
_TABLE = ("table", "subcategory", "setup table", "table name", "name")
_ALLOWED = ("required", "allow", "allowed", "needed")
_BETWEEN = re.compile(r"\s*(?:>|\u203a|\u00bb|:|/|\s-\s|\s\u2013\s)\s*")
_LONGEST = 500  # characters of what is said; a quote that is not closed makes one cell of the rest of a page
TICKED = "levels are ticked here, not named: if a tick means All on this page, read it again with ticked: All"


@dataclass
class Reading:
    """What was read. unresolved: what was left out, and why. questions: what was taken over and needs a look.

    ticked: the level that a tick stands for, if its reader knows; ticks: whether there are ticks where levels belong.
    """

    ticked: str | None = None
    ticks: bool = False
    permissions: Matrix = field(default_factory=dict)
    customize: dict[str, dict[str, Any]] = field(default_factory=dict)
    unresolved: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    printed: dict[tuple[str, str], str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Columns:
    """Where a table has what. in_words: the column that has all levels of a row, as "Add, Edit: All; Inquire: All"."""

    module: int | None
    function: int
    verbs: Mapping[str, int]
    in_words: int | None = None

    @property
    def last(self) -> int:
        return max([*self.verbs.values(), self.function, self.in_words or 0])

    def levels(self, texts: Sequence[str]) -> dict[str, str] | None:
        """The cells of a row by verb; None if its words say no levels."""
        if self.in_words is None:
            return {verb: texts[place] for verb, place in self.verbs.items()}
        return in_words(texts[self.in_words])


def read_page(text: str, ticked: str | None = None) -> Reading:
    """The matrix and lists in a text: a page's HTML, or a table as Markdown, CSV or TSV.

    ticked: the level that a tick means on this page; a row with a tick is left out if nobody says.
    """
    reading = Reading(ticked=ticked)
    found = grids(text)
    left = [grid for grid in found if not _read_grid(grid, reading)]
    if not found:
        reading.unresolved.append("there is no table in this text: give HTML with a table, Markdown, CSV or TSV")
    elif len(left) == len(found):
        reading.unresolved.append(
            "no table here has columns for the levels: their headings must be Add, Edit, Delete and Inquire "
            "(or some of them), next to Module and Function"
        )
    else:
        reading.questions += [said for grid in left if (said := _left_out(grid))]
    if reading.ticks and ticked is None:
        reading.questions.append(TICKED)
    reading.unresolved = [_cut(said) for said in reading.unresolved]
    reading.questions = [_cut(said) for said in reading.questions]
    return reading


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _left_out(grid: Grid) -> str:
    """A table without levels that names functions may well be one of permissions."""
    for line, cells in grid.rows:
        named = next((cell for cell in cells if _matrix.modules_with(MARKS.sub("", cell).strip())), None)
        if named is not None:
            return f'line {line}: the table with "{named}" has no columns for the levels; it is left out'
    return ""


def _read_grid(grid: Grid, reading: Reading) -> bool:
    for number, (_line, cells) in enumerate(grid.rows):
        heads = [normalised(MARKS.sub("", cell)) for cell in cells]
        columns = _columns(heads)
        if columns is not None:
            _read_matrix(grid, number + 1, columns, reading)
            return True
        lists = _list_columns(heads)
        if lists is not None:
            _read_list(grid.rows[number + 1 :], *lists, reading)
            return True
    return _read_words(grid, reading)


def _read_words(grid: Grid, reading: Reading) -> bool:
    """A table that says the levels of a row in one cell: the column whose cells read like that."""
    width = max((len(cells) for _line, cells in grid.rows), default=0)
    for place in range(1, width):
        filled = [
            number for number, (_line, cells) in enumerate(grid.rows) if len(cells) > place and cells[place].strip()
        ]
        spoken = [said for number in filled if (said := in_words(grid.rows[number][1][place])) is not None]
        # The head of the column, and what is not understood, may be among the others.
        if len(spoken) * 3 >= len(filled) and any(set(said.values()) != {"None"} for said in spoken):
            head = filled[0] if in_words(grid.rows[filled[0]][1][place]) is None else None
            heads = [] if head is None else [normalised(cell) for cell in grid.rows[head][1]]
            begin = 0 if head is None else head + 1
            _read_matrix(grid, begin, _named_columns(heads, {}, place), reading)
            return True
    return False


def _index(heads: Sequence[str], names: Iterable[str], taken: Iterable[int | None] = ()) -> int | None:
    return next((heads.index(name) for name in names if name in heads and heads.index(name) not in taken), None)


def _columns(heads: Sequence[str]) -> _Columns | None:
    verbs = {}
    for verb in VERBS:
        place = _index(heads, (verb, f"{verb} level", f"{verb} levels"))
        if place is not None:
            verbs[verb] = place
    if not verbs:
        return None
    return _named_columns(heads, verbs)


def _named_columns(heads: Sequence[str], verbs: Mapping[str, int], in_words: int | None = None) -> _Columns:
    """The columns of names, which stand before those of levels."""
    first = min(verbs.values()) if in_words is None else in_words
    taken = in_words if in_words is not None else -1
    module = _index(heads, _MODULE, (taken,))
    function = _index(heads, _FUNCTION, (module, taken))
    if function is None and module is not None and "submodule" not in heads:
        # One column with names only: a module's name stands in it as a row of its own.
        others = [place for place in range(first) if place != module]
        function = others[0] if others else module
        module = module if others else None
    if function is None:
        function = max(0, first - 1)
        module = function - 1 if function else None
    return _Columns(module, function, verbs, in_words)


def _read_matrix(grid: Grid, begin: int, columns: _Columns, reading: Reading) -> None:
    module = _matrix.module_named(_without_suffix(grid.heading))
    for line, cells in grid.rows[begin:]:
        texts = [*cells, *[""] * (columns.last + 1 - len(cells))]
        if _columns([normalised(MARKS.sub("", cell)) for cell in texts]) is not None:
            continue  # the head once more, as long tables have it
        said = columns.levels(texts)
        own = texts[columns.module] if columns.module is not None else ""
        name = texts[columns.function]
        alone = {text for text in texts if text}
        if len(alone) == 1 and (not any((said or {}).values()) or len(set(texts)) == 1):
            module = _matrix.module_named(_without_suffix(alone.pop())) or module
            continue
        if own:
            stated = _matrix.module_named(_without_suffix(own))
            if stated is None and name:
                near = " or ".join(closest(own, _matrix.MATRIX)) or ", ".join(_matrix.MATRIX)
                reading.unresolved.append(f'line {line}: there is no module "{own}" ({name}); there are {near}')
                continue
            module = stated or module
        if name and said is None:
            words = texts[columns.in_words or 0]
            reading.unresolved.append(f'line {line}: {name}: "{words}" does not say levels such as Inquire: All')
        elif name and said is not None:
            _read_row(line, module, name, said, reading)


def _without_suffix(name: str) -> str:
    return re.sub(r"(?i)\s+(module|permissions|section)$", "", name.strip(": "))


def _read_row(line: int, module: str | None, printed: str, cells: Mapping[str, str], reading: Reading) -> None:
    where = f"line {line}: {printed}"
    found = _placed(module, MARKS.sub("", printed).strip())
    if isinstance(found, str):
        reading.unresolved.append(f"{where}: {found}")
        return
    levels = {}
    for verb, cell in cells.items():
        reading.ticks = reading.ticks or is_ticked(cell)
        word = level(cell, reading.ticked)
        if word is None:
            reading.unresolved.append(f'{where}: "{cell}" ({verb}) is not one of None, My, All; the row is left out')
            return
        levels[verb] = word
    if any(MARKS.search(text) for text in (printed, *cells.values())):
        reading.questions.append(f"{where}: is marked; if it is needed under a condition only, make it a feature")
    if re.search(r"(?i)customi[sz]e", printed):
        reading.questions.append(f"{where}: is customized; write the items the page allows below customize")
    in_module, function = found
    row = reading.permissions.setdefault(in_module, {})
    if row.get(function, levels) != levels:
        narrower = {verb: min(row[function][verb], levels[verb], key=_rank) for verb in levels}
        reading.questions.append(f"{where}: is there twice with different levels; the lower ones were taken")
        levels = narrower
    row[function] = levels
    if normalised(MARKS.sub("", printed)) != normalised(function):
        reading.printed[in_module, function] = printed


def _rank(level: str) -> int:
    return ("None", "My", "All").index(level)


def _placed(module: str | None, name: str) -> tuple[str, str] | str:
    """The module and function of a name, by ConnectWise's own names; or what keeps it from being resolved."""
    if module is not None:
        function = _matrix.function_named(module, name)
        if function is not None:
            return module, function
    for split in _BETWEEN.finditer(name):
        # "System > Table Setup", as pages print it that name no module otherwise.
        stated = _matrix.module_named(_without_suffix(name[: split.start()]))
        function = _matrix.function_named(stated, name[split.end() :]) if stated else None
        if stated and function:
            return stated, function
    others = _matrix.modules_with(name)
    if module is None and len(others) == 1:
        return others[0], str(_matrix.function_named(others[0], name))
    if module is None and others:
        return f"several modules have a function of this name: {', '.join(others)}"
    if others:
        return f"{module} has no such function, but {' and '.join(others)} has"
    near = _matrix.near(module, name)
    where = f"{module} has no such function" if module else "there is no such function"
    return f"{where}; close to it: {', '.join(near)}" if near else where


def _list_columns(heads: Sequence[str]) -> tuple[int, int, int | None] | None:
    category = _index(heads, ("category",))
    table = _index(heads, _TABLE, (category,))
    return None if category is None or table is None else (category, table, _index(heads, _ALLOWED))


def _read_list(
    lines: Iterable[tuple[int, list[str]]], category: int, table: int, allowed: int | None, reading: Reading
) -> None:
    allow = reading.customize.setdefault("Table Setup", {"allow": []})["allow"]
    for line, cells in lines:
        if len(cells) <= max(category, table) or not cells[category] or not cells[table]:
            continue
        item = f"{cells[category]} / {cells[table]}"
        said = cells[allowed] if allowed is not None and len(cells) > allowed else "yes"
        if marker := marker_in(item):
            reading.unresolved.append(f"line {line}: {item}: {marker} is in no name of an item; it is left out")
            continue
        if yes_or_no(said) and item not in allow:
            allow.append(item)
        elif yes_or_no(said) is None:
            reading.unresolved.append(f'line {line}: {item}: "{said}" is neither yes nor no; it is left out')


def lettered(matrix: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """Every row that grants something, by canonical name: one letter a level, A, M or N."""
    found = {}
    for module, function, levels in rows(matrix):
        letters = "".join(levels[verb][0] for verb in VERBS)
        if letters != "NNNN":
            found[canonical_module(module), canonical_function(module, function)] = letters
    return found


def hash_of(matrix: Mapping[str, Any]) -> str:
    """The same for the same rights, in whatever order and print."""
    text = "\n".join(
        f"{module}/{function}={letters}" for (module, function), letters in sorted(lettered(matrix).items())
    )
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _said(letters: str) -> str:
    words = {"A": "All", "M": "My"}
    return ", ".join(f"{verb} {words[letter]}" for verb, letter in zip(VERBS, letters, strict=True) if letter in words)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What a new table asks for that the old one does not, row by row."""
    names = {
        (canonical_module(module), canonical_function(module, function)): f"{module} / {function}"
        for matrix in (before, after)
        for module, function, _levels in rows(matrix)
    }
    old, new = lettered(before), lettered(after)
    found = []
    for key in sorted(set(old) | set(new)):
        if old.get(key) != new.get(key):
            if key not in old:
                found.append(f"+ {names[key]}: {_said(new[key])}")
            elif key not in new:
                found.append(f"- {names[key]}: {_said(old[key])}")
            else:
                found.append(f"~ {names[key]}: {_said(old[key])} becomes {_said(new[key])}")
    return found
