# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""conditions, fields, orderBy and paging of list requests."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote, urlencode

from .catalog import Record

Predicate = Callable[[Record], bool]
KnownPath = Callable[[str], bool]
MAX_DEPTH = 40
PAGE_SIZE = 25
MAX_PAGE_SIZE = 1000
WORDS = {"and", "or", "not", "in", "like", "contains", "null", "true", "false"}


class QueryError(ValueError):
    """A parameter the server cannot understand."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(message)
        self.parameter = parameter


@dataclass(frozen=True)
class Grammar:
    """What nobody published, as switches of a tenant.

    ``quotes``: how a quote inside a string is written: ``none`` (not at all), ``backslash`` or ``doubled``.
    """

    sensitive: bool = False
    quotes: str = "none"

    def fold(self, text: str) -> str:
        return text if self.sensitive else text.casefold()


@dataclass(frozen=True)
class Token:
    kind: str  # word, text, number, date, operator
    value: Any


_PLAIN = re.compile(
    r"(?P<number>-?\d+(?:\.\d+)?(?![\w/]))|(?P<operator><=|>=|!=|<>|[=<>(),])|(?P<word>[A-Za-z_][\w/.]*)"
)


def _string(text: str, start: int, quotes: str) -> tuple[str, int]:
    """The string that starts at ``start``, and where it ends."""
    mark, position, collected = text[start], start + 1, []
    while position < len(text):
        here = text[position]
        if quotes == "backslash" and here == "\\" and position + 1 < len(text):
            collected.append(text[position + 1])
            position += 2
        elif here != mark:
            collected.append(here)
            position += 1
        elif quotes == "doubled" and text[position + 1 : position + 2] == mark:
            collected.append(mark)
            position += 2
        else:
            return "".join(collected), position + 1
    raise QueryError("conditions", f"Unterminated string at position {start}.")


def parse_date(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError as error:
        raise QueryError("conditions", f"'{text}' is not a date.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def tokens(text: str, quotes: str) -> Iterator[Token]:
    position = 0
    while position < len(text):
        here = text[position]
        if here.isspace():
            position += 1
        elif here in "\"'":
            value, position = _string(text, position, quotes)
            yield Token("text", value)
        elif here == "[":
            end = text.find("]", position)
            if end < 0:
                raise QueryError("conditions", f"Unterminated date at position {position}.")
            yield Token("date", parse_date(text[position + 1 : end]))
            position = end + 1
        else:
            match = _PLAIN.match(text, position)
            if match is None:
                raise QueryError("conditions", f"Unexpected '{here}' at position {position}.")
            position = match.end()
            if match["number"]:
                yield Token("number", float(match["number"]))
            elif match["operator"]:
                yield Token("operator", match["operator"])
            else:
                word = match["word"]
                yield Token("word", word.lower() if word.lower() in WORDS else word)


def values(record: Any, path: list[str]) -> Iterator[Any]:
    """Every value at a path; names in queries ignore case, lists are looked through."""
    if isinstance(record, list):
        for item in record:
            yield from values(item, path)
    elif not path:
        yield record
    elif isinstance(record, dict):
        found = record.get(path[0])
        if found is None:
            wanted = path[0].lower()
            found = next((value for name, value in record.items() if name.lower() == wanted), None)
        if found is not None:
            yield from values(found, path[1:])


class _Parser:
    def __init__(self, text: str, grammar: Grammar, known: KnownPath) -> None:
        self.tokens = list(tokens(text, grammar.quotes))
        self.position = 0
        self.depth = 0
        self.grammar = grammar
        self.known = known

    def peek(self, *wanted: Any) -> bool:
        """Whether the next token is one of the operators or key words asked for."""
        if self.position >= len(self.tokens):
            return False
        token = self.tokens[self.position]
        return token.kind in ("operator", "word") and token.value in wanted

    def take(self, *wanted: Any) -> bool:
        if self.peek(*wanted):
            self.position += 1
            return True
        return False

    def next(self) -> Token:
        if self.position >= len(self.tokens):
            raise QueryError("conditions", "Unexpected end.")
        self.position += 1
        return self.tokens[self.position - 1]

    def expect(self, wanted: str) -> None:
        if not self.take(wanted):
            raise QueryError("conditions", f"'{wanted}' expected.")

    def parse(self) -> Predicate:
        result = self.either()
        if self.position < len(self.tokens):
            raise QueryError("conditions", f"Unexpected '{self.tokens[self.position].value}'.")
        return result

    def either(self) -> Predicate:
        parts = [self.both()]
        while self.take("or"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else lambda record: any(part(record) for part in parts)

    def both(self) -> Predicate:
        parts = [self.single()]
        while self.take("and"):
            parts.append(self.single())
        return parts[0] if len(parts) == 1 else lambda record: all(part(record) for part in parts)

    def single(self) -> Predicate:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise QueryError("conditions", "The expression is nested too deeply.")
        try:
            if self.take("not"):
                inner = self.single()
                return lambda record: not inner(record)
            if self.take("("):
                inner = self.either()
                self.expect(")")
                return inner
            return self.comparison()
        finally:
            self.depth -= 1

    def comparison(self) -> Predicate:
        token = self.next()
        if token.kind != "word" or token.value in WORDS:
            raise QueryError("conditions", f"A field name was expected, not '{token.value}'.")
        if not self.known(token.value):
            raise QueryError("conditions", f"There is no field '{token.value}'.")
        path = token.value.split("/")
        negated = self.take("not")
        if self.take("in"):
            test = self.membership()
        elif self.take("like"):
            test = self.like(self.text())
        elif self.take("contains"):
            test = self.contains(self.text().casefold())
        elif negated:
            raise QueryError("conditions", "'not' must be followed by in, like or contains.")
        else:
            return self.relation(path)
        if negated:
            return lambda record: not any(test(value) for value in values(record, path))
        return lambda record: any(test(value) for value in values(record, path))

    def text(self) -> str:
        token = self.next()
        if token.kind not in ("text", "number"):
            raise QueryError("conditions", f"A string was expected, not '{token.value}'.")
        return str(token.value)

    def literal(self) -> Any:
        token = self.next()
        if token.kind == "word":
            if token.value not in ("null", "true", "false"):
                raise QueryError("conditions", f"A value was expected, not '{token.value}'.")
            return {"null": None, "true": True, "false": False}[token.value]
        if token.kind == "operator":
            raise QueryError("conditions", f"A value was expected, not '{token.value}'.")
        return token.value

    def membership(self) -> Callable[[Any], bool]:
        self.expect("(")
        wanted = [self.literal()]
        while self.take(","):
            wanted.append(self.literal())
        self.expect(")")
        return lambda value: any(self.compare(value, one) == 0 for one in wanted)

    @staticmethod
    def contains(wanted: str) -> Callable[[Any], bool]:
        return lambda value: wanted in str(value).casefold()

    def like(self, pattern: str) -> Callable[[Any], bool]:
        wild = {"%": ".*", "*": ".*", "_": "."}
        flags = re.DOTALL if self.grammar.sensitive else re.DOTALL | re.IGNORECASE
        compiled = re.compile("".join(wild.get(sign, re.escape(sign)) for sign in pattern), flags)
        return lambda value: compiled.fullmatch(str(value)) is not None

    def relation(self, path: list[str]) -> Predicate:
        token = self.next()
        operator = token.value if token.kind == "operator" else None
        if operator not in ("=", "!=", "<>", "<", "<=", ">", ">="):
            raise QueryError("conditions", f"An operator was expected, not '{token.value}'.")
        wanted = self.literal()
        if wanted is None:
            if operator not in ("=", "!=", "<>"):
                raise QueryError("conditions", "null can only be compared with = and !=.")
            return lambda record: any(True for _value in values(record, path)) is (operator != "=")
        if operator in ("!=", "<>"):
            return lambda record: all(self.compare(value, wanted) != 0 for value in values(record, path))
        accepted = {"=": (0,), "<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (1, 0)}[operator]
        return lambda record: any(self.compare(value, wanted) in accepted for value in values(record, path))

    def compare(self, value: Any, wanted: Any) -> int | None:
        """-1, 0 or 1; None when the two cannot be compared."""
        left: Any
        right: Any
        if isinstance(wanted, bool) or isinstance(value, bool):
            same = str(value).lower() == str(wanted).lower()
            return 0 if same else None
        if isinstance(wanted, datetime):
            try:
                left, right = parse_date(str(value)), wanted
            except QueryError:
                return None
        elif isinstance(value, (int, float)):
            try:
                left, right = float(value), float(wanted)
            except (TypeError, ValueError):
                return None
        elif isinstance(value, str):
            left, right = self.grammar.fold(value), self.grammar.fold(_plain(wanted))
        else:
            return None
        return int(left > right) - int(left < right)


def _plain(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def condition(text: str, grammar: Grammar, known: KnownPath, parameter: str = "conditions") -> Predicate:
    try:
        return _Parser(text, grammar, known).parse()
    except QueryError as error:
        raise QueryError(parameter, str(error)) from error


def ordered(records: list[Record], text: str, known: KnownPath) -> list[Record]:
    result = list(records)
    for part in reversed([part.strip() for part in text.split(",") if part.strip()]):
        words = part.split()
        direction = words[1].lower() if len(words) == 2 else "asc"
        if len(words) > 2 or direction not in ("asc", "desc"):
            raise QueryError("orderBy", f"'{part}' is not 'field [asc|desc]'.")
        if not known(words[0]):
            raise QueryError("orderBy", f"There is no field '{words[0]}'.")
        path = words[0].split("/")
        result.sort(key=lambda record: _sort_key(record, path), reverse=direction == "desc")
    return result


def _sort_key(record: Record, path: list[str]) -> tuple[int, float, str]:
    value = next(values(record, path), None)
    if value is None:
        return (0, 0.0, "")
    if isinstance(value, (int, float)):
        return (1, float(value), "")
    return (2, 0.0, str(value).casefold())


def projection(text: str) -> Callable[[Record], Record]:
    """``id,securityRole/name`` keeps those; names that do not exist are ignored."""
    paths = [part.strip().lower().split("/") for part in text.split(",") if part.strip()]
    if not paths:
        return lambda record: record

    def keep(record: Any, wanted: list[list[str]]) -> Any:
        if isinstance(record, list):
            return [keep(item, wanted) for item in record]
        if not isinstance(record, dict) or any(not path for path in wanted):
            return record
        result = {}
        for name, value in record.items():
            below = [path[1:] for path in wanted if path[0] == name.lower()]
            if below:
                result[name] = keep(value, below)
        return result

    def project(record: Record) -> Record:
        result: Record = keep(record, paths)
        return result

    return project


def number(query: dict[str, str], name: str, default: int, low: int, high: int | None = None) -> int:
    text = query.get(name.lower())
    if text is None or text == "":
        return default
    if not re.fullmatch(r"[+-]?\d{1,9}", text, re.ASCII):
        raise QueryError(name, f"The value '{text[:40]}' is not valid for {name}.")
    value = int(text)
    if value < low or (high is not None and value > high):
        limits = f"at least {low}" if high is None else f"between {low} and {high}"
        raise QueryError(name, f"{name} must be {limits}.")
    return value


def select(records: list[Record], query: dict[str, str], grammar: Grammar, known: KnownPath) -> list[Record]:
    """conditions, childConditions and customFieldConditions."""
    if query.get("conditions", "").strip():
        test = condition(query["conditions"], grammar, known)
        records = [record for record in records if test(record)]
    if query.get("childconditions", "").strip():
        test = condition(query["childconditions"], grammar, known, "childConditions")
        records = [record for record in records if test(record)]
    if query.get("customfieldconditions", "").strip():
        test = condition(query["customfieldconditions"], grammar, lambda _path: True, "customFieldConditions")
        records = [record for record in records if any(test(field) for field in record.get("customFields", []))]
    return records


@dataclass
class Page:
    records: list[Record]
    link: str | None = None


def page(records: list[Record], query: dict[str, str], base: str, forward_only: bool, shifted: bool = False) -> Page:
    """One page and its Link header, which is absent when everything fits on one page.

    ``shifted`` plays a list that lost its first record after page 1 was read.
    """
    size = number(query, "pageSize", PAGE_SIZE, 1, MAX_PAGE_SIZE)
    others = {name: text for name, text in query.items() if name not in ("page", "pageid", "pagesize")}

    def link(rel: str, **where: int) -> str:
        text = urlencode({**others, "pageSize": size, **where}, quote_via=quote)
        return f'<{base}?{text}>; rel="{rel}"'

    if forward_only:
        after = number(query, "pageId", 0, 0)
        rest = sorted((record for record in records if record.get("id", 0) > after), key=lambda record: record["id"])
        chosen = rest[:size]
        return Page(chosen, link("next", pageId=chosen[-1]["id"]) if len(rest) > size else None)
    at = number(query, "page", 1, 1)
    if shifted and at > 1:
        records = records[1:]
    chosen = records[(at - 1) * size : at * size]
    last = max(1, -(-len(records) // size))
    if last == 1:
        return Page(chosen)
    links = []
    if at < last:
        links.append(link("next", page=at + 1))
    if at > 1:
        links.append(link("prev", page=min(at - 1, last)))
    links += [link("first", page=1), link("last", page=last)]
    return Page(chosen, ", ".join(links))
