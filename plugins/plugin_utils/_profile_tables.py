# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A profile's tables with its features added and its reductions taken back. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._names import (
    canonical_function,
    canonical_item,
    canonical_module,
    level_meant,
)
from ansible_collections.msp.connectwise.plugins.module_utils._permissions import RANK, VERBS, WHOLE_MODULE

Matrix = dict[str, dict[str, dict[str, str]]]
Lists = dict[str, dict[str, Any]]


def with_switches(profile: Mapping[str, Any]) -> tuple[Matrix, Lists]:
    """The matrix and the Customize lists of a profile as they are with what is switched on."""
    matrix: Matrix = {
        module: {function: dict(levels) for function, levels in functions.items()}
        for module, functions in profile["permissions"].items()
    }
    lists: Lists = {function: dict(one) for function, one in profile.get("customize", {}).items()}
    for name in profile.get("features", []):
        group = profile["feature_groups"][name]
        _add(matrix, group.get("permissions", {}))
        for function, further in group.get("customize", {}).items():
            own = _name_in(lists, function, canonical_item)
            lists[own] = _longer(lists[own], further) if own in lists else dict(further)
    for name in profile.get("reductions", []):
        group = profile["reduction_groups"][name]
        _take_back(matrix, group.get("permissions", {}))
        for function, shorter in group.get("customize", {}).items():
            lists[_name_in(lists, function, canonical_item)] = dict(shorter)
    return matrix, lists


def with_levels(profile: Mapping[str, Any]) -> dict[str, Any]:
    """The profile with the level None where its writer left a no without quotes; what has another form stays."""
    found = {**profile}
    if "permissions" in found:
        found["permissions"] = _unquoted(found["permissions"], 3)
    for groups in ("feature_groups", "reduction_groups"):
        if isinstance(named := found.get(groups), Mapping):
            found[groups] = {
                name: with_levels(group) if isinstance(group, Mapping) else group for name, group in named.items()
            }
    return found


def _unquoted(value: Any, depth: int) -> Any:
    """depth: how many mappings lie around a level."""
    if not depth:
        return level_meant(value)
    return {key: _unquoted(one, depth - 1) for key, one in value.items()} if isinstance(value, Mapping) else value


def _name_in(names: Mapping[str, Any], name: str, canonical: Callable[[str], str]) -> str:
    """The name as it stands there already, in whatever print; otherwise the name itself."""
    return next((one for one in names if canonical(one) == canonical(name)), name)


def _named(matrix: Matrix, module: str, function: str) -> list[dict[str, str]]:
    """The rows that a name stands for: its own, or with "*" every row of the module.

    A function that a whole module has granted so far gets a row of its own, with what the module grants it.
    """
    functions = matrix.setdefault(_name_in(matrix, module, canonical_module), {})
    name = _name_in(functions, function, lambda one: canonical_function(module, one))
    if name not in functions:
        functions[name] = dict(functions.get(WHOLE_MODULE, {}))
    return list(functions.values()) if name == WHOLE_MODULE else [functions[name]]


def _add(matrix: Matrix, further: Mapping[str, Any]) -> None:
    for module, function, levels in _given(further):
        for row in _named(matrix, module, function):
            row.update({verb: level for verb, level in levels.items() if RANK[level] >= RANK[row.get(verb, "None")]})


def _take_back(matrix: Matrix, fewer: Mapping[str, Any]) -> None:
    for module, function, levels in _given(fewer):
        if grants(matrix, module, function):
            for row in _named(matrix, module, function):
                row.update({verb: level for verb, level in levels.items() if RANK[level] < RANK[row.get(verb, "None")]})


def _given(matrix: Mapping[str, Any]) -> list[tuple[str, str, Mapping[str, str]]]:
    """(module, function, the levels that are written) of every row."""
    return [(module, name, levels) for module, functions in matrix.items() for name, levels in functions.items()]


def grants(matrix: Mapping[str, Any], module: str, function: str) -> bool:
    """Whether a matrix has a row for a function, by its own name or with its whole module."""
    functions = matrix.get(_name_in(matrix, module, canonical_module), {})
    if function == WHOLE_MODULE:
        return bool(functions)
    return (
        WHOLE_MODULE in functions
        or _name_in(functions, function, lambda one: canonical_function(module, one)) in functions
    )


def allows_nothing(matrix: Mapping[str, Any]) -> bool:
    """Return whether a role with this matrix has no right at all: a Customize list narrows a right and gives none."""
    return all(level == "None" for _module, _function, row in _given(matrix) for level in row.values())


def _longer(one: Mapping[str, Any], further: Mapping[str, Any]) -> dict[str, Any]:
    """A list with the items of another one allowed too."""
    both = dict(one)
    if "all" in (one.get("allow"), further.get("allow")):
        both["allow"] = "all"
    else:
        both["allow"] = list(dict.fromkeys([*(one.get("allow") or []), *(further.get("allow") or [])]))
    allowed = {canonical_item(item) for item in further.get("allow") or []} if both["allow"] != "all" else set()
    refused = [item for item in one.get("disallow", []) if canonical_item(item) not in allowed]
    both.pop("disallow", None)
    return {**both, "disallow": refused} if refused else both


def rows(matrix: Mapping[str, Any]) -> list[tuple[str, str, dict[str, str]]]:
    """(module, function, all four levels) of every row."""
    return [
        (module, function, {verb: levels.get(verb, "None") for verb in VERBS})
        for module, functions in matrix.items()
        for function, levels in functions.items()
    ]
