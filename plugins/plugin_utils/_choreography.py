# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person does in the browser while it records, so that every value can be told from every other. Pure functions.

Each level appears for each right, in an order that no two rights share; rows, roles, lists and members vary; and every
kind of save is done more than once, with different values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._customize import Customizable
from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError
from ansible_collections.msp.connectwise.plugins.module_utils._names import counted
from ansible_collections.msp.connectwise.plugins.module_utils._permissions import VERBS, Row

Plan = dict[str, Any]
LETTERS = {"N": "None", "M": "My", "A": "All"}
# No two of the twelve pairs of a right and a level appear at the same entries, nor at all the others.
TO_LEARN = ("NMAM", "NMNA", "ANNN", "NAMM", "MANN", "NNAN", "MAMM", "MNNM", "NMAA")
TO_PROVE = ("AMNA", "MANM", "NAMN", "MMAN", "ANMA")
# Which role and which of the chosen rows each save is about.
_SAVES = ((0, (0, 1, 2, 3)), (0, (3, 4, 5)), (1, (1, 2)))
_ROWS = 6
_FEWEST_ITEMS = 4


def levels_of(letters: str) -> dict[str, str]:
    return {verb: LETTERS[letter] for verb, letter in zip(VERBS, letters, strict=True)}


def usable_rows(rows: Sequence[Row], count: int, skip: int = 0) -> list[Row]:
    """Rows that offer every level, of as many modules as there are; none that rules over roles or members."""
    fit = [
        row
        for row in rows
        if row.record.get("myAllFlag") is True
        and not row.customizable
        and row.key[0] != "system"
        and all(row.record.get(f"{verb}Level") is not None for verb in VERBS)
    ]
    by_module: dict[str, list[Row]] = {}
    for row in fit:
        by_module.setdefault(row.module, []).append(row)
    turns = [
        group[turn]
        for turn in range(max(map(len, by_module.values()), default=0))
        for group in by_module.values()
        if turn < len(group)
    ]
    found = turns[skip:] + turns[:skip]
    if len(found) < count:
        raise InputError(
            f"the matrix has only {counted(len(found), 'row')} with None, My and All; needed: {count}",
            remedy="learn on a tenant whose version has more such rows",
        )
    return found[:count]


def _named(rows: Sequence[Row], letters: Sequence[str]) -> list[Plan]:
    return [
        {"module": row.module, "function": row.function, "levels": levels_of(one)}
        for row, one in zip(rows, letters, strict=True)
    ]


def saves(rows: Sequence[Row]) -> list[Plan]:
    """The saves of permissions: role (0 or 1) and rows with their levels."""
    chosen, letters, made = usable_rows(rows, _ROWS), iter(TO_LEARN), []
    for role, places in _SAVES:
        some = [chosen[place] for place in places]
        made.append({"role": role, "rows": _named(some, [next(letters) for _row in some])})
    return made


def list_saves(lists: Sequence[tuple[Customizable, Sequence[str]]]) -> list[Plan]:
    """The saves of Customize lists: what is not allowed after each. lists: each with its items, Table Setup first."""
    table, items = lists[0]
    if len(items) < 2 * _FEWEST_ITEMS:
        raise InputError(
            f"the tenant lists only {counted(len(items), 'setup table')}",
            remedy="check the rights of the key, then run again",
        )
    # Neither the first nor the last, and not side by side.
    spread = [items[place * len(items) // 8] for place in range(1, 8)]
    made: list[Plan] = [
        {"role": 0, **_list(table), "refused": sorted({spread[0], spread[2], spread[5]})},
        {"role": 0, **_list(table), "refused": sorted({spread[1], spread[2], spread[3], spread[6]})},
    ]
    other = next(((one, names) for one, names in lists[1:] if len(names) >= _FEWEST_ITEMS), None)
    if other is None:
        return [*made, {"role": 1, **_list(table), "refused": sorted({spread[3], spread[4]})}]
    return [*made, {"role": 1, **_list(other[0]), "refused": sorted({other[1][1], other[1][-1]})}]


def _list(what: Customizable) -> dict[str, str]:
    return {"module": what.module, "function": what.function, "identifier": what.identifier}


def key_steps(nonce: str) -> tuple[list[Plan], list[str]]:
    """The keys to make, and the descriptions of those to delete again."""
    made: list[Plan] = [
        {"member": member, "description": f"Learn {nonce} {word}"}
        for member, word in ((0, "alpha"), (0, "beta"), (1, "gamma"))
    ]
    return made, [made[0]["description"], made[2]["description"]]


HOW_TO_RECORD = (
    (
        "Chrome, Edge",
        "F12, Network, tick Preserve log. At the end the arrow down, Export HAR (of two: with sensitive data).",
    ),
    ("Firefox", "F12, Network, the gear, tick Persist Logs. At the end the gear, Save All As HAR."),
)


@dataclass(frozen=True)
class Step:
    """One thing to do. where: the way through the menus; rows: levels to set; items: what the sentence is about."""

    where: str
    what: str
    rows: Sequence[Mapping[str, Any]] = ()
    items: Sequence[str] = ()


def steps(plan: Mapping[str, Any]) -> list[Step]:
    """The clicks, in order."""
    found: list[Step] = []
    roles = [f"System > Security Roles > {role['name']}" for role in plan["roles"]]
    members = [f"System > Members > API Members > {one['identifier']} > API Keys" for one in plan["members"]]
    what = "Set these rows, save once, close the role."
    found += [Step(roles[save["role"]], what, rows=save["rows"]) for save in plan["saves"]]
    for save in plan["lists"]:
        place = f"{roles[save['role']]} > {save['module']} / {save['function']} > Customize"
        what = "Disallow exactly these, allow all others, save once, close the role."
        found.append(Step(place, what, items=save["refused"]))
        found.append(Step(place, "Open it once more, only look, close the role."))
    for key in plan["keys"]:
        what = "Make a key with this description, save, close. Nobody needs its private half."
        found.append(Step(members[key["member"]], what, items=[key["description"]]))
    for description in plan["deletes"]:
        member = next(members[key["member"]] for key in plan["keys"] if key["description"] == description)
        found.append(Step(member, "Delete this key, close.", items=[description]))
    return found


def done(plan: Mapping[str, Any], rows: Sequence[Row], role: int) -> list[str]:
    """What of the permissions a role should have by now and has not, as rows."""
    wanted: dict[tuple[str, str], Mapping[str, str]] = {}
    for save in plan["saves"]:
        if save["role"] == role:
            wanted.update({(row["module"], row["function"]): row["levels"] for row in save["rows"]})
    nothing = dict.fromkeys(VERBS, "None")
    return [row.label for row in rows if dict(row.levels) != dict(wanted.get((row.module, row.function), nothing))]
