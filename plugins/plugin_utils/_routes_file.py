# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file of extension routes: read, checked entry by entry, every error with the line it is about."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError
from ansible_collections.msp.connectwise.plugins.module_utils._routes import parse_route
from ansible_collections.msp.connectwise.plugins.plugin_utils import _files

ABOUT = "about"


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _pairs(node: yaml.MappingNode) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
    return [(key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode)]


def _wrong(name: str, line: int, problem: str, remedy: str) -> InputError:
    return InputError(f"{name} line {line}: {problem}", remedy=remedy)


def _no_twins(name: str, node: yaml.Node) -> None:
    """YAML lets the later of two equal keys win without a word."""
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in _pairs(node):
            if key.value in seen:
                problem = f"{key.value} is there a second time, after line {seen[key.value]}"
                raise _wrong(name, _line(key), problem, "keep one of the two")
            seen[key.value] = _line(key)
            _no_twins(name, value)
    elif isinstance(node, yaml.SequenceNode):
        for one in node.value:
            _no_twins(name, one)


def _place(entry: yaml.Node, problem: str) -> int:
    """The line inside an entry that an error of parse_route is about; its first one if that cannot be told."""
    if not isinstance(entry, yaml.MappingNode):
        return _line(entry)
    fields = {key.value: (key, value) for key, value in _pairs(entry)}
    named = re.match(r"\.(\w+)", problem)
    strange = re.search(r"unknown fields: ([^,]+)", problem)
    for found in (named, strange):
        if found and found.group(1) in fields:
            return _line(fields[found.group(1)][0])
    used = re.search(r"unknown placeholders: (\w+)", problem)
    todo = [value for _key, value in fields.values()] if used else []
    while used and todo:
        node = todo.pop(0)
        if isinstance(node, yaml.ScalarNode) and re.search(rf"\{{{used.group(1)}[.}}]", node.value):
            return _line(node)
        if isinstance(node, yaml.MappingNode):
            todo += [value for _key, value in _pairs(node)]
        elif isinstance(node, yaml.SequenceNode):
            todo += node.value
    if "both body and form" in problem:
        return max(_line(fields[field][0]) for field in ("body", "form"))
    return _line(entry)


def load(path: str) -> dict[str, Any]:
    """The routes of a file, by operation. Raises InputError that names the file, the line and what to do."""
    return read(path)[0]


def read(path: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The routes of a file, and what it says about them itself: empty for one that a person wrote."""
    name = Path(path).name
    try:
        text = _files.read_text(Path(path))
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        routes = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as problem:
        remedy = "correct cw_extension_routes_file; write the path whole, such as {{ inventory_dir }}/routes.yml"
        raise InputError(f"the file of extension routes {path} cannot be read ({problem})", remedy=remedy) from problem
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        what = getattr(problem, "problem", None) or str(problem)
        raise _wrong(name, mark.line + 1 if mark else 1, f"not YAML ({what})", "correct the file") from problem
    if tree is None or routes is None:
        return {}, {}
    if not isinstance(tree, yaml.MappingNode):
        raise _wrong(name, _line(tree), "not a mapping", "write operation: {method: …, path: …}, one below the other")
    _no_twins(name, tree)
    about: dict[str, Any] = {}
    for key, entry in _pairs(tree):
        if key.value == ABOUT:
            about = _about(name, entry, routes.pop(ABOUT))
            continue
        try:
            parse_route(key.value, routes[key.value])
        except InputError as problem:
            said = problem.problem.removeprefix(f"extension_routes.{key.value}")
            line = _line(key) if said.startswith(" is not an operation") else _place(entry, said)
            raise _wrong(name, line, f"{key.value}{said}", problem.remedy) from problem
    return dict(routes), about


def _about(name: str, node: yaml.Node, about: Any) -> dict[str, Any]:
    """What a learned file says of itself: the version it was proven on, and the state of each operation."""
    fits = isinstance(about, dict) and isinstance(about.get("version"), str)
    states = about.get("operations") if fits else None
    if not isinstance(states, dict) or not all(isinstance(one, dict) and "state" in one for one in states.values()):
        remedy = "take about out, for routes of your own, or learn the routes anew"
        raise _wrong(name, _line(node), "about does not say version and operations", remedy)
    return dict(about)
