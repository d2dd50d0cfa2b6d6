# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a client makes anew for each request: a UUID, or the number of the request. Pure functions.

All requests to one address are looked at: a number counts only if it goes up over all of them, without gaps to speak
of, and each answer repeats it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.msp.connectwise.plugins.plugin_utils._har import Entry
from ansible_collections.msp.connectwise.plugins.plugin_utils._learn_decode import Coded, Request, leaves, request_of

Path = tuple[str, ...]
_UUID = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}", re.IGNORECASE)
_FEWEST_UUIDS, _FEWEST_NUMBERS, _LARGEST_STEP = 2, 4, 8
_WHERE = ("query", "headers", "body")


class Fresh:
    """Where the requests of a recording have something new each time."""

    def __init__(self, entries: Sequence[Entry], answers: Mapping[int, Any]) -> None:
        self._places: dict[Any, dict[Path, str]] = {}
        addresses: dict[Any, list[Entry]] = {}
        for entry in entries:
            addresses.setdefault((entry.method, entry.site, entry.path), []).append(entry)
        for address, some in addresses.items():
            self._places[address] = _places(some, answers)

    def request_of(self, entry: Entry) -> Request:
        """The request with marks in the place of what is new each time."""
        request = request_of(entry)
        places = self._places.get((entry.method, entry.site, entry.path))
        if not places:
            return request
        tree = {name: _marked(one, (name,), places) if name in _WHERE else one for name, one in request.tree.items()}
        return Request(request.kind, tree)


def _places(entries: Sequence[Entry], answers: Mapping[int, Any]) -> dict[Path, str]:
    values: dict[Path, list[tuple[int, Any]]] = {}
    for entry in entries:
        tree = request_of(entry).tree
        for path, value in leaves({name: tree[name] for name in _WHERE}):
            values.setdefault(path, []).append((entry.number, value))
    found = {}
    for path, some in values.items():
        plain = [value for _number, value in some]
        if len({str(value) for value in plain}) < len(plain):
            continue
        if len(plain) >= _FEWEST_UUIDS and all(isinstance(one, str) and _UUID.fullmatch(one) for one in plain):
            if not any(_told_before(value, number, answers) for number, value in some):
                found[path] = "uuid"
        elif _counted(plain) and all(_answered(value, answers[number]) for number, value in some):
            found[path] = "number"
    return found


def _counted(values: Sequence[Any]) -> bool:
    if len(values) < _FEWEST_NUMBERS or not all(re.fullmatch(r"\d{1,9}", str(value)) for value in values):
        return False
    numbers = [int(value) for value in values]
    return all(0 < later - one <= _LARGEST_STEP for one, later in itertools.pairwise(numbers))


def _answered(value: Any, answer: Any) -> bool:
    return any(found == value for _path, found in leaves(answer))


def _told_before(value: Any, number: int, answers: Mapping[int, Any]) -> bool:
    return any(_answered(value, answer) for one, answer in answers.items() if one < number)


def _marked(value: Any, path: Path, places: Mapping[Path, str]) -> Any:
    if isinstance(value, Coded):
        return Coded(value.kind, _marked(value.value, (*path, f"({value.kind})"), places))
    if isinstance(value, Mapping):
        return {key: _marked(one, (*path, str(key)), places) for key, one in value.items()}
    if isinstance(value, list):
        return [_marked(one, (*path, str(number)), places) for number, one in enumerate(value)]
    if path not in places:
        return value
    return Coded("new", f"{places[path]} as a text" if isinstance(value, str) else places[path])
