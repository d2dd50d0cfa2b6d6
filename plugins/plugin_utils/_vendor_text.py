# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A profile as YAML that a person reads and goes on with. Pure functions."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from ansible_collections.msp.connectwise.plugins.module_utils._permissions import VERBS

_WIDTH = 118
_LONGEST = 155  # characters of a line that cannot be broken, such as an address
_ORDER = (
    (
        "vendor",
        "product",
        "source",
        "sources",
        "checked",
        "completeness",
        "gaps",
        "readings",
        "notes",
        "reads_only",
        "table",
    ),
    ("strategy", "members"),
    ("role_name",),
    ("member", "member_identifier"),
    ("key_description", "further_keys"),
    ("permissions",),
    ("customize",),
    ("features", "feature_groups"),
    ("reductions", "reduction_groups"),
    ("endpoints",),
    ("handover",),
    ("grace_days",),
)
Remarks = Mapping[Any, str]


def written(profile: Mapping[str, Any], prefix: str = "", remarks: Remarks | None = None) -> str:
    """The keys of a profile, each with a prefix; remarks: comments by the path they belong to, from the key on."""
    blocks = []
    for names in _ORDER:
        lines: list[str] = []
        for name in names:
            if name in profile:
                lines += _keyed(prefix + name, profile[name], 0, (name,), remarks or {})
        if lines:
            blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def scalar(value: Any, *, key: bool = False) -> str:
    """A scalar as YAML; the word None is always quoted, and so is a number that is text."""
    # What Ansible hands over are kinds of their own, which YAML does not know.
    plain = next(
        (kind(value) for kind in (str, int, float) if isinstance(value, kind) and not isinstance(value, bool)), value
    )
    if plain == "None" and not key:
        return '"None"'
    text = str(yaml.safe_dump(plain, width=10_000, allow_unicode=True)).removesuffix("\n...\n").rstrip("\n")
    if isinstance(plain, str) and text.startswith("'"):
        return yaml.dump(plain, default_style='"', width=10_000, allow_unicode=True).strip()
    return text


def _keyed(key: str, value: Any, depth: int, path: tuple[str, ...], remarks: Remarks) -> Iterator[str]:
    pad = "  " * depth
    remark = f" # {remarks[path]}" if path in remarks else ""
    head = f"{pad}{scalar(key, key=True)}:"
    if isinstance(value, Mapping) and value and not _is_row(value):
        yield head + remark
        for name, inner in value.items():
            yield from _keyed(str(name), inner, depth + 1, (*path, str(name)), remarks)
    elif isinstance(value, Mapping):
        inner = ", ".join(f"{name}: {scalar(level)}" for name, level in value.items())
        yield f"{head} {{{inner}}}{remark}"
    elif isinstance(value, (list, tuple)) and value:
        yield head + remark
        yield from _items(value, depth + 1)
    elif isinstance(value, (list, tuple)):
        yield f"{head} []{remark}"
    elif (length := len(f"{head} {scalar(value)}")) > _WIDTH and (" " in str(value) or length > _LONGEST):
        yield f"{head} >-{remark}"
        yield from _folded(str(value), depth + 1)
    else:
        yield f"{head} {scalar(value)}{remark}"


def _is_row(value: Mapping[str, Any]) -> bool:
    # A function may have the name of a level.
    return set(value) <= set(VERBS) and not any(isinstance(inner, Mapping) for inner in value.values())


def _items(values: Sequence[Any], depth: int) -> Iterator[str]:
    pad = "  " * depth
    for item in values:
        if isinstance(item, Mapping):
            inner = ", ".join(f"{name}: {scalar(one)}" for name, one in item.items() if not isinstance(one, Mapping))
            yield f"{pad}- {{{inner}}}"
        elif len(f"{pad}- {scalar(item)}") > _WIDTH:
            yield f"{pad}- >-"
            yield from _folded(str(item), depth + 1)
        else:
            yield f"{pad}- {scalar(item)}"


def _folded(text: str, depth: int) -> Iterator[str]:
    pad = "  " * depth
    yield from textwrap.wrap(
        text, _WIDTH, initial_indent=pad, subsequent_indent=pad, break_long_words=False, break_on_hyphens=False
    )


def ordered(levels: Mapping[str, str]) -> dict[str, str]:
    """The levels of a row as tables have them; a row that grants nothing says so."""
    given = {verb: levels[verb] for verb in VERBS if levels.get(verb, "None") != "None"}
    return given or {"inquire": "None"}
