# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The secrets that this process knows, and texts without them, however a server or a program has written them.

Found are a secret as it is, and any mixture of URL, JSON, HTML and Python escapes of it; also base64 of it, alone or
inside a longer text such as an Authorization header.

Texts are searched by the first characters of each form: the time does not grow with the number of secrets, and one
that is registered later costs nothing. Lists and dictionaries only grow, so threads need no lock, and a fork has none
to wait for.
"""

from __future__ import annotations

import base64
import html
import operator
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")
HIDDEN = "********"
# Characters of the shortest secret: a shorter one stands in half of all words.
SHORTEST = 6
# Letters of a password from which on no ordinary word is it.
_WORD = 12
# Beginnings of forms up to which a search for each of them is faster than a look at each place of a text.
_FEW = 128
_MARGIN = 4096  # characters behind a cut that are looked at, so that no part of a secret stays before it
# A user name, password or token in an address, also one that nobody has registered.
_IN_ADDRESS = re.compile(r"(?<=://)[^/?#\s\"'<>@]+(?=@)")
# Escapes of escapes: a header in a query, quoted in JSON, in a page. More rounds are a server's doing alone.
_ROUNDS = 4
_ESCAPE = re.compile(
    r"%[0-7][0-9a-fA-F]|(?:%[89a-fA-F][0-9a-fA-F])+"
    r"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}"
    r"|\\U000[0-9a-fA-F]{5}|\\U0010[0-9a-fA-F]{4}|\\[/\"'\\bfnrt]"
    r"|&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"
)
_SHORT_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=")


def _meant(found: re.Match[str]) -> str:
    """The character that an escape stands for."""
    escape = found.group()
    if escape[0] == "%":
        return bytes.fromhex(escape.replace("%", "")).decode("utf-8", "replace")
    if escape[0] == "&":
        return html.unescape(escape)
    if escape[1] == "u":
        units = bytes.fromhex(escape.replace("\\u", ""))
        return units.decode("utf-16-be", "surrogatepass")
    if escape[1] in "xU":
        return chr(int(escape[2:], 16))
    return _SHORT_ESCAPES.get(escape[1], escape[1])


@dataclass(frozen=True)
class _Unescaped:
    """A text after one round, and where its characters stood before.

    made: where the character of each escape begins in the text; ends: where that ends; was: what it was before.
    """

    text: str
    made: list[int]
    ends: list[int]
    was: list[tuple[int, int]]

    @classmethod
    def of(cls, text: str) -> _Unescaped:
        parts: list[str] = []
        result = cls("", [], [], [])
        at = length = 0
        for found in _ESCAPE.finditer(text):
            begin, end = found.span()
            meant = _meant(found)
            parts += (text[at:begin], meant)
            length += begin - at
            result.made.append(length)
            length += len(meant)
            result.ends.append(length)
            result.was.append((begin, end))
            at = end
        parts.append(text[at:])
        return cls("".join(parts), result.made, result.ends, result.was)

    def before(self, begin: int, end: int) -> tuple[int, int]:
        """The place of a part of the text before the round."""
        return self._before(begin)[0], self._before(end - 1)[1]

    def _before(self, position: int) -> tuple[int, int]:
        number = bisect_right(self.made, position) - 1
        if number < 0:
            return position, position + 1
        if position < self.ends[number]:
            return self.was[number]
        moved = self.was[number][1] + position - self.ends[number]
        return moved, moved + 1


def _rounds(text: str) -> Iterator[_Unescaped]:
    for _round in range(_ROUNDS):
        if not ("%" in text or "\\" in text or "&" in text):
            return
        once = _Unescaped.of(text)
        if once.text == text:
            return
        yield once
        text = once.text


def _encoded(secret: str) -> set[str]:
    """The characters of base64 that this secret alone decides, at each place it can have in a longer text."""
    raw = secret.encode("utf-8", "surrogatepass")
    found = set()
    for offset in range(3):
        whole = base64.b64encode(bytes(offset) + raw).decode()
        core = whole[-(-8 * offset // 6) : 8 * (offset + len(raw)) // 6]
        found |= {core, core.replace("+", "-").replace("/", "_")}
    return found


class Registry:
    """Known secrets. Plain forms are replaced as they are, of base64 the whole run of its characters."""

    def __init__(self) -> None:
        self._known: dict[str, None] = {}
        # First characters -> forms that begin so, each with whether it is base64.
        self._forms: dict[str, list[tuple[str, bool]]] = {}

    def register(self, secret: object) -> None:
        """Keep a secret out of what is shown from now on. None and short texts are left alone."""
        text = str(secret).strip() if isinstance(secret, str) else ""
        if len(text) < SHORTEST or text in self._known:
            return
        bare = text
        for once in _rounds(text):
            bare = once.text
        forms = {(one, False) for one in (text, bare, text.replace(" ", "+"), bare.replace(" ", "+"))}
        forms |= {(one, True) for one in _encoded(text)}
        for form, is_base64 in forms:
            if len(form) >= SHORTEST:
                self._forms.setdefault(form[:SHORTEST], []).append((form, is_base64))
        self._known[text] = None

    def redact(self, text: str) -> str:
        """A text without the known secrets; the same object if it has none."""
        if len(text) < SHORTEST:
            return text
        # Ansible marks texts with types whose methods are slow.
        plain = str.__str__(text)
        spans = [found.span() for found in _IN_ADDRESS.finditer(plain)] if "@" in plain else []
        if not self._known and not spans:
            return text
        spans += self._spans(plain)
        back: list[_Unescaped] = []
        for once in _rounds(plain):
            back.append(once)
            for span in self._spans(once.text):
                for earlier in reversed(back):
                    span = earlier.before(*span)
                spans.append(span)
        if not spans:
            return text
        parts: list[str] = []
        at = 0
        for begin, end in _joined(spans):
            parts += (plain[at:begin], HIDDEN)
            at = end
        return "".join((*parts, plain[at:]))

    def redact_data(self, value: T) -> T:
        """Data without the known secrets in its texts; what has none stays the same object, with its type."""
        clean: T = self._clean(value)
        return clean

    def _clean(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, Mapping):
            parts = [part for item in value.items() for part in item]
            clean = [self._clean(part) for part in parts]
            return value if _same(parts, clean) else dict(zip(clean[::2], clean[1::2], strict=True))
        if isinstance(value, (list, tuple, set, frozenset)):
            parts = list(value)
            clean = [self._clean(part) for part in parts]
            if _same(parts, clean):
                return value
            return clean if isinstance(value, list) else tuple(clean) if isinstance(value, tuple) else set(clean)
        return value

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        forms, size = self._forms, SHORTEST
        if len(forms) <= _FEW and not any(map(text.__contains__, tuple(forms))):
            return
        begins = [at for at in range(len(text) - size + 1) if text[at : at + size] in forms]
        for at in begins:
            for form, is_base64 in forms[text[at : at + size]]:
                if text.startswith(form, at):
                    yield _run(text, at, at + len(form)) if is_base64 else (at, at + len(form))


def _same(parts: list[Any], others: list[Any]) -> bool:
    return all(map(operator.is_, parts, others))


def _run(text: str, begin: int, end: int) -> tuple[int, int]:
    """The characters of base64 around a place: they hold the rest of a header."""
    while begin > 0 and text[begin - 1] in _BASE64:
        begin -= 1
    while end < len(text) and text[end] in _BASE64:
        end += 1
    return begin, end


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order, those that touch as one."""
    result: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if result and begin <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((begin, end))
    return result


_OURS = Registry()


def register(secret: object) -> None:
    """Keep a secret out of everything that this process shows from now on."""
    _OURS.register(secret)


def register_unless_word(secret: object) -> None:
    """Keep a password or token out of what this process shows, unless it is a word that ordinary texts have too.

    Short words of letters of one case would hide paths and messages. Keys are never left out: see `register`.
    """
    text = str(secret).strip() if isinstance(secret, str) else ""
    if not (len(text) < _WORD and text.isalpha() and (text.islower() or text.isupper())):
        _OURS.register(secret)


def redact(text: str) -> str:
    """A text as it may be shown, logged or reported."""
    return _OURS.redact(text)


def beginning(text: object, limit: int) -> str:
    """Return the first characters of a text without secrets: a cut leaves no part of one."""
    return _OURS.redact(str(text)[: limit + _MARGIN])[:limit]


def redact_data(value: T) -> T:
    """Nested data as it may be shown, logged or reported."""
    return _OURS.redact_data(value)
