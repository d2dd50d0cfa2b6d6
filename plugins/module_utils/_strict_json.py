# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JSON of a server that is somebody else's: what the standard leaves open, or Python takes beyond it, is refused."""

from __future__ import annotations

import json
import math
import re
import sys
from typing import Any

from ._redact import beginning

DEEPEST = 32  # the API nests four deep
# What one value takes in memory beyond its text, at the least favourable.
VALUE_COST = 64
_DIGITS = 4300
_CONTAINERS = (dict, list)
# What a terminal obeys, but line breaks and tabs, and halves of characters, which no file takes.
_ILLEGIBLE = dict.fromkeys((*range(9), 11, 12, *range(14, 32), *range(127, 160), *range(0xD800, 0xE000)), "\ufffd")
# How they stand in a text: written out, or as DEL and C1, which JSON takes as they are.
_WRITTEN = re.compile(r"\\(?:u(?:00(?:0[0-8bcefBCEF]|1[0-9a-fA-F]|7[fF]|[89][0-9a-fA-F])|[dD][89a-fA-F])|[bf])")
_RAW = re.compile(r"[\x7f-\x9f]")
# Python before 3.10.7 turns digits into an integer in quadratic time.
_BOUNDED = not hasattr(sys, "get_int_max_str_digits")


class NotJson(ValueError):
    """The text is no JSON, or none that can be trusted; why, if there is more to say."""

    def __init__(self, why: str = "") -> None:
        super().__init__(why)
        self.why = why


def weight(body: bytes | bytearray) -> int:
    """What a body takes in memory when it has been read: its text, at the width Python keeps it in, and its values."""
    width = 1
    if not body.isascii():
        width = 4 if re.search(rb"[\xf0-\xff]", body) else 2 if re.search(rb"[\xc4-\xef]", body) else 1
    return width * len(body) + VALUE_COST * (body.count(b",") + body.count(b"[") + body.count(b"{"))


def parsed(text: str) -> Any:
    """The value of a JSON text; raises NotJson."""
    try:
        value = _load(text)
        keys = _keys(value)
        # Where these agree, no key is written twice: what stands in a string can only make the first number larger.
        if text.count('":') != keys or re.search(r'"\s+:', text):
            value = _load(text, object_pairs_hook=_once)
    except RecursionError:
        raise NotJson(f"it is nested more than {DEEPEST} deep") from None
    except NotJson:
        raise
    except ValueError:
        raise NotJson from None
    return value if _is_legible(text) else _legible(value)


def _is_legible(text: str) -> bool:
    """Whether a text can be told at a glance to have nothing illegible in it, as nearly all can."""
    if "\\" in text and _WRITTEN.search(text):
        return False
    return "\x7f" not in text and (text.isascii() or not _RAW.search(text))


def _load(text: str, **hooks: Any) -> Any:
    if _BOUNDED:
        hooks["parse_int"] = _integer
    return json.loads(text, parse_constant=_constant, parse_float=_finite, **hooks)


def _constant(name: str) -> None:
    raise NotJson(f"it has the number {name}, which JSON does not know")


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise NotJson("it has a number beyond all bounds")
    return value


def _integer(digits: str) -> int:
    if len(digits) > _DIGITS:
        raise ValueError("too many digits")
    return int(digits)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _value in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise NotJson(f'it has the key "{beginning(twice, 60)}" twice in one object')
    return found


def _keys(value: Any) -> int:
    """How many keys there are; raises NotJson for what is nested too deep for those who will handle it."""
    keys = 0
    level = [value] if type(value) in _CONTAINERS else []
    for _depth in range(DEEPEST):
        inner: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                keys += len(one)
                inner += [each for each in one.values() if type(each) in _CONTAINERS]
            else:
                inner += [each for each in one if type(each) in _CONTAINERS]
        level = inner
        if not level:
            return keys
    raise NotJson(f"it is nested more than {DEEPEST} deep")


def _legible(value: Any) -> Any:
    """The value, each control character in its strings replaced: names are shown on terminals and in reports."""
    if isinstance(value, str):
        return value.translate(_ILLEGIBLE)
    if isinstance(value, dict):
        return {_legible(key): _legible(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_legible(each) for each in value]
    return value
