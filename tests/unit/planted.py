# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates in the place of data: each form of one, and each place of a vendor file that one can stand in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.msp.connectwise.plugins.plugin_utils._profile_check import SCHEMA

FORMS = ("{{ lookup('pipe', 'touch ran') }}", "{% set x = 1 %}", "{# no #}")
TEXTS = ("vendor", "product", "source", "sources", "gaps", "readings", "notes", "handover")
Place = tuple[object, ...]


def places(schema: Mapping[str, Any], path: Place = ()) -> Iterator[Place]:
    """Each place of the schema that holds a single value, and with None at its end one that holds free keys."""
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    for choice in schema.get("anyOf", []):
        yield from places(choice, path)
    for key, inner in schema.get("properties", {}).items():
        yield from places(inner, (*path, key))
    if isinstance(schema.get("additionalProperties"), dict):
        yield (*path, None)
        yield from places(schema["additionalProperties"], (*path, "free"))
    if "items" in schema:
        yield from places(schema["items"], (*path, 0))
    if not {"properties", "additionalProperties", "items", "anyOf"} & set(schema):
        yield path


def for_people(path: Place) -> bool:
    """Whether a value is text that is printed and used for nothing else."""
    return path[0] in TEXTS or (str(path[0]).endswith("_groups") and path[2:] == ("description",))


def vendor_file(values: Mapping[str, Any], path: Place, text: str) -> str:
    """A vendor file with a text in one place, a key a line."""
    value: Any = text
    for key in reversed(path):
        value = [value] if key == 0 else {text: {}} if key is None else {key: value}
    if path[:2] == ("handover", "fields"):
        value["handover"]["fields"][0] = {"label": "L", **({} if "from" in path else {"value": "V"}), path[-1]: text}
    whole = {**values, **value}
    return "".join(json.dumps({key: one}, ensure_ascii=False)[1:-1] + "\n" for key, one in whole.items())
