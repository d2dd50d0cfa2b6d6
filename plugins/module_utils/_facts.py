# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a template of an extension route can say of a row, or of an item of a Customize list. Pure functions.

A row:   setting (id), module, module_id, function, function_id, sort, position (from 0), number (from 1), identifier
         (of its Customize list), levels: {add, edit, delete, inquire}; a level the row does not have is null
An item: name, category, short (the name without its category), id, position, number, allowed
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ._customize import CUSTOMIZABLE, Customizable
from ._permissions import VERBS, Row

Fact = dict[str, Any]


def row_fact(row: Row, position: int, levels: Mapping[str, str] | None = None) -> Fact:
    """A row as it is, or as it is to be."""
    record = row.record
    lists = [one.identifier for one in CUSTOMIZABLE if one.key == row.key] if row.customizable else []
    raw = {verb: row.levels[verb] if record.get(f"{verb}Level", "") is not None else None for verb in VERBS}
    for verb, level in (levels or {}).items():
        if raw[verb] is not None or level != "None":
            raw[verb] = level
    return {
        "setting": row.id,
        "module": row.module,
        "module_id": record.get("moduleIdentifier"),
        "function": row.function,
        "function_id": record.get("moduleFunctionIdentifier"),
        "sort": record.get("sortOrder"),
        "position": position,
        "number": position + 1,
        "identifier": lists[0] if lists else None,
        "levels": raw,
    }


def matrix_facts(rows: Sequence[Row], after: Mapping[int | None, Mapping[str, str]]) -> list[Fact]:
    """Every row of a role; after: the levels of those that change, by the row's id."""
    return [row_fact(row, position, after.get(row.id)) for position, row in enumerate(rows)]


def item_facts(
    records: Iterable[Mapping[str, Any]], what: Customizable, allowed: Collection[str] | None = None
) -> list[Fact]:
    """Every item of a list. records: those of the list that the tenant publishes."""
    found = []
    for position, record in enumerate(records):
        name = what.name_of(record)
        fact = {
            "name": name,
            "category": record.get("category") or "",
            "short": record.get("name"),
            "id": record.get("id"),
            "position": position,
            "number": position + 1,
        }
        found.append(fact if allowed is None else {**fact, "allowed": name in allowed})
    return found
