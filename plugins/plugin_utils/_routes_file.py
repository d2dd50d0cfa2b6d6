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
    """The line inside an entry that an error of parse_route is about; its first one where that cannot be told."""
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
    name = Path(path).name
    try:
        text = Path(path).read_text(encoding="utf-8")
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
        return {}
    if not isinstance(tree, yaml.MappingNode):
        raise _wrong(name, _line(tree), "not a mapping", "write operation: {method: …, path: …}, one below the other")
    _no_twins(name, tree)
    for key, entry in _pairs(tree):
        try:
            parse_route(key.value, routes[key.value])
        except InputError as problem:
            about = problem.problem.removeprefix(f"extension_routes.{key.value}")
            line = _line(key) if about.startswith(" is not an operation") else _place(entry, about)
            raise _wrong(name, line, f"{key.value}{about}", problem.remedy) from problem
    return dict(routes)
