# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of a vendor's page as grids of text, from HTML, Markdown, CSV or TSV. Pure functions."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser

from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError

_RULED = re.compile(r":?-{2,}:?")
_TABLE = re.compile(r"<\s*table\b", re.IGNORECASE)
_TABLE_END = re.compile(r"</\s*table\s*>", re.IGNORECASE)
# Headings of Markdown, and what only a whole page of HTML has; a tag in a line of Markdown is another matter.
_MARKED = re.compile(r"^ {0,3}(#{1,6} |\*\*.*\*\*$)", re.MULTILINE)
_DOCUMENT = re.compile(r"<\s*(!doctype|html|head|body)\b", re.IGNORECASE)
_SPACE = re.compile(r"\s+")
_NEAR = 5000  # characters above a table, among which its heading is looked for
_WIDEST = 100  # columns; a colspan beyond it is a slip of the page


@dataclass
class Grid:
    """A table: the heading above it, and its rows with the line each begins in."""

    heading: str = ""
    rows: list[tuple[int, list[str]]] = field(default_factory=list)


def grids(text: str) -> list[Grid]:
    """Every table in a text, whatever it is written in."""
    tables, rest = _cut_out(text)
    if tables and not _DOCUMENT.search(text) and (_has_rule(rest) or _MARKED.search(rest)):
        return _mixed(tables, rest)
    if tables or (re.search(r"<\s*(tr|td)\b", text, re.IGNORECASE) and not _has_rule(text)):
        return _html(text)
    return _markdown(text) if _has_rule(text) else _separated(text)


def _has_rule(text: str) -> bool:
    return any("|" in line and _is_rule(line) for line in text.splitlines())


def _is_rule(line: str) -> bool:
    """Return whether a line is the one below the head of a Markdown table."""
    cells = line.strip().removeprefix("|").removesuffix("|").split("|")
    return all(_RULED.fullmatch(cell.strip()) for cell in cells)


def _html(text: str) -> list[Grid]:
    reader = _Html()
    reader.feed(text)
    reader.close()
    return reader.finished()


def _cut_out(text: str) -> tuple[list[tuple[str, int]], str]:
    """Return the HTML tables of a text, each with where it was in the rest, and the rest, whose lines keep their
    numbers.
    """
    tables: list[tuple[str, int]] = []
    rest: list[str] = []
    length = end = 0
    while start := _TABLE.search(text, end):
        before, begin = text[end : start.start()], start.start()
        end = _end_of_table(text, start.end())
        length += len(before)
        tables.append((text[begin:end], length))
        lines = "\n" * text.count("\n", begin, end)
        rest += [before, lines]
        length += len(lines)
    return tables, "".join([*rest, text[end:]])


def _mixed(tables: Iterable[tuple[str, int]], rest: str) -> list[Grid]:
    """The tables of a Markdown text that has some as raw HTML."""
    found = _markdown(rest) if _has_rule(rest) else []
    line = above = 0
    for table, place in tables:
        line, above = line + rest.count("\n", above, place), place
        for grid in _html(table):
            grid.heading = grid.heading or _heading_above(rest[max(0, place - _NEAR) : place])
            grid.rows = [(line + number, [_unmarked(cell) for cell in cells]) for number, cells in grid.rows]
            found.append(grid)
    return sorted((grid for grid in found if grid.rows), key=lambda grid: grid.rows[0][0])


def _end_of_table(text: str, begin: int) -> int:
    """Return where a table ends that may have others in it; the end of the text if it is cut off."""
    depth, place = 1, begin
    while depth:
        closing = _TABLE_END.search(text, place)
        if closing is None:
            return len(text)
        depth += len(_TABLE.findall(text, place, closing.start())) - 1
        place = closing.end()
    return place


def _heading_above(text: str) -> str:
    """Return the last line of Markdown that has words."""
    line = next((line for line in reversed(text.splitlines()) if line.strip() and "|" not in line), "")
    return clean(re.sub(r"<[^<>]*>", " ", line).strip().strip("#*_: "))


def clean(text: str) -> str:
    return _SPACE.sub(" ", text.replace("\u00a0", " ")).strip()


def _plain(text: str) -> str:
    """A cell of a table that is no HTML but was copied out of some."""
    return clean(html.unescape(re.sub(r"(?i)<br\s*/?>", " ", text)))


def _unmarked(text: str) -> str:
    """A cell without the marks of Markdown for bold, italics and code."""
    return re.sub(r"[`*_]{1,2}(.+?)[`*_]{1,2}", r"\1", text)


def _markdown(text: str) -> list[Grid]:
    found: list[Grid] = []
    heading, current = "", None
    for number, line in enumerate(text.splitlines(), 1):
        if "|" not in line:
            current = None
            if line.strip():
                heading = clean(line.strip().strip("#*_: "))
            continue
        if current is None:
            current = Grid(heading)
            found.append(current)
        if not _is_rule(line):
            cells = re.split(r"(?<!\\)\|", line.strip().strip("|") if line.strip().startswith("|") else line)
            current.rows.append((number, [_plain(_unmarked(one)) for one in cells]))
    return found


def _separated(text: str) -> list[Grid]:
    lines = text.splitlines()
    counts = {mark: sum(line.count(mark) for line in lines) for mark in ("\t", ";", ",")}
    mark = "\t" if counts["\t"] >= len(lines) / 2 > 0 else max((";", ","), key=counts.__getitem__)
    grid = Grid()
    reader = csv.reader(io.StringIO(text), delimiter=mark)
    begun = 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                grid.rows.append((begun, [_plain(cell) for cell in row]))
            begun = reader.line_num + 1
    except csv.Error:
        raise InputError(
            f"line {begun}: a cell of this table is longer than {csv.field_size_limit()} characters",
            remedy="correct the quotes in that line, one of which is not closed, or shorten the cell",
        ) from None
    return [grid] if grid.rows else []


class _Html(HTMLParser):
    """Collects tables; a cell that spans rows or columns stands in each of them."""

    _HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6", "caption", "strong", "b", "p")

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._grids: list[Grid] = []
        self._open: list[Grid] = []
        self._cell: list[str] | None = None
        self._span = (1, 1)
        self._spans: dict[int, tuple[int, str]] = {}
        self._row: list[tuple[str, int, int]] | None = None
        self._line = 1
        self._heading = ""
        self._words: list[str] | None = None
        self._silent = 0
        self._raised = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style"):
            self._silent += 1
        elif tag == "sup":
            self._raised = True
        elif tag == "table":
            self._end_cell()
            self._open.append(Grid(self._heading))
            self._spans = {}
        elif tag == "tr" and self._open:
            self._end_row()
            self._row, self._line = [], self.getpos()[0]
        elif tag in ("td", "th") and self._open:
            self._end_cell()
            if self._row is None:
                self._row = []
            given = dict(attrs)
            self._span = (_number(given.get("rowspan")), _number(given.get("colspan")))
            self._cell = []
        elif tag in self._HEADINGS and self._cell is None:
            self._words = []
        elif tag in ("br", "li", "p", "div") and self._cell is not None:
            self._cell.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._silent = max(0, self._silent - 1)
        elif tag == "sup":
            self._raised = False
        elif tag in ("td", "th"):
            self._end_cell()
        elif tag == "tr":
            self._end_row()
        elif tag == "table" and self._open:
            self._end_row()
            self._grids.append(self._open.pop())
        elif tag in self._HEADINGS and self._words is not None:
            text = clean("".join(self._words)).strip(": ")
            self._heading, self._words = text or self._heading, None
            if tag == "caption" and self._open:
                self._open[-1].heading = text

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        if self._cell is not None:
            # A raised number refers to a footnote.
            self._cell.append(f"({data.strip()})" if self._raised and data.strip().isdigit() else data)
        elif self._words is not None:
            self._words.append(data)

    def finished(self) -> list[Grid]:
        """Also of a page that was cut off in the middle of a table."""
        self._end_row()
        self._grids += reversed(self._open)
        self._open = []
        return [grid for grid in self._grids if grid.rows]

    def _end_cell(self) -> None:
        if self._cell is not None and self._row is not None:
            self._row.append((clean("".join(self._cell)), *self._span))
        self._cell = None

    def _end_row(self) -> None:
        self._end_cell()
        if self._row is None or not self._open:
            self._row = None
            return
        cells = self._laid_out(self._row)
        if any(cells):
            self._open[-1].rows.append((self._line, cells))
        self._row = None

    def _laid_out(self, row: Iterable[tuple[str, int, int]]) -> list[str]:
        """The cells of a row with those that reach into it from above."""
        cells: list[str] = []

        def from_above() -> None:
            while len(cells) in self._spans:
                left, text = self._spans.pop(len(cells))
                if left > 1:
                    kept[len(cells)] = (left - 1, text)
                cells.append(text)

        kept: dict[int, tuple[int, str]] = {}
        for text, rows, columns in row:
            from_above()
            for _column in range(columns):
                if rows > 1:
                    kept[len(cells)] = (rows - 1, text)
                cells.append(text)
        from_above()
        self._spans = {**self._spans, **kept}
        return cells


def _number(value: str | None) -> int:
    return min(int(value), _WIDEST) if value and value.isdigit() and int(value) > 0 else 1
