# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The YAML of a profile, with the line of every key, so that an error can name it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError
from ansible_collections.msp.connectwise.plugins.plugin_utils import _files

Path_ = tuple[object, ...]
_DEEP, _MANY = 20, 300_000  # what no profile needs, and an anchor that refers to itself has
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class ProfileError(InputError):
    """A profile that cannot work: the file, line and key it is about, what is wrong, and the closest right name."""

    remedy = "correct the profile, then run again; nothing was sent to the tenant"


@dataclass(frozen=True)
class Document:
    """A YAML mapping and the line of each of its keys, by the path to it."""

    name: str
    values: Mapping[str, Any]
    lines: Mapping[Path_, int] = field(default_factory=dict)

    def line_of(self, path: Sequence[object]) -> int | None:
        """The line of a key, or of the nearest one above it that has a line."""
        for length in range(len(path), 0, -1):
            if tuple(path[:length]) in self.lines:
                return self.lines[tuple(path[:length])]
        return None


def load(path: Path) -> Document:
    """The document in a file; read again when the file has changed."""
    try:
        return _loaded(path, path.stat().st_mtime_ns)
    except OSError as problem:
        raise ProfileError(f"{path}: cannot be read: {problem.strerror or problem}") from None


@lru_cache(maxsize=1024)
def _loaded(path: Path, _changed: int) -> Document:
    name = shown(path)
    try:
        text = _files.read_text(path)
    except UnicodeDecodeError:
        raise ProfileError(f"{name}: is not a text in UTF-8") from None
    return parse(text, name)


def shown(path: Path) -> str:
    """A path as it is said to people: its last three parts, which are what they know it by."""
    return "/".join(path.parts[-3:] if path.name == "main.yml" else path.parts[-2:])


def parse(text: str, name: str) -> Document:
    lines: dict[Path_, int] = {}
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if not isinstance(node, yaml.MappingNode):
            raise ProfileError(f"{name}: is not a mapping of keys, such as permissions: …")
        values = _value(loader, node, (), lines, name)
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        where = f"{name}, line {mark.line + 1}" if mark else name
        raise ProfileError(f"{where}: is not YAML: {getattr(problem, 'problem', None) or problem}") from None
    finally:
        loader.dispose()
    return Document(name, values, lines)


def _value(loader: Any, node: yaml.Node, path: Path_, lines: dict[Path_, int], name: str) -> Any:
    if len(path) > _DEEP or len(lines) > _MANY:
        raise ProfileError(f"{name}, line {node.start_mark.line + 1}: is deeper or larger than a profile can be")
    if isinstance(node, yaml.MappingNode):
        found: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = loader.construct_object(key_node, deep=True)
            line = key_node.start_mark.line + 1
            if not isinstance(key, str):
                raise ProfileError(f"{name}, line {line}: the key {key_node.value!r} is not text; put it in quotes")
            here = (*path, key)
            if key in found:
                raise ProfileError(f'{name}, line {line}: "{key}" is there a second time, after line {lines[here]}')
            lines[here] = line
            found[key] = _value(loader, value_node, here, lines, name)
        return found
    if isinstance(node, yaml.SequenceNode):
        items = []
        for number, item in enumerate(node.value):
            here = (*path, number)
            lines[here] = item.start_mark.line + 1
            items.append(_value(loader, item, here, lines, name))
        return items
    return loader.construct_object(node, deep=True)
