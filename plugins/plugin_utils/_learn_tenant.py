# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A recording of the choreography, and what the tenant publishes, become candidates for routes. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._customize import customizable
from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError
from ansible_collections.msp.connectwise.plugins.module_utils._facts import item_facts, matrix_facts
from ansible_collections.msp.connectwise.plugins.module_utils._names import counted
from ansible_collections.msp.connectwise.plugins.module_utils._permissions import Row
from ansible_collections.msp.connectwise.plugins.plugin_utils._har import AGAIN, Recording
from ansible_collections.msp.connectwise.plugins.plugin_utils._learn import (
    Found,
    Learner,
    asks_for_lists,
    asks_for_rows,
    fact_of,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils._learn_history import History
from ansible_collections.msp.connectwise.plugins.plugin_utils._learn_read import KeyReader, ListReader
from ansible_collections.msp.connectwise.plugins.plugin_utils._learn_session import set_aside

Facts = Mapping[str, Any]


@dataclass
class Lesson:
    """What a recording taught: the operations, and the keys made while it ran, by description."""

    found: dict[str, Found] = field(default_factory=dict)
    pairs: dict[str, tuple[str, str]] = field(default_factory=dict, repr=False)


def row_saves(plan: Facts, rows: Sequence[Sequence[Row]]) -> list[dict[str, Any]]:
    """Each save of permissions as facts. rows: the matrix of each scratch role before the first save."""
    current: list[dict[int | None, Mapping[str, str]]] = [{} for _role in rows]
    made = []
    for save in plan["saves"]:
        role = save["role"]
        changed, changes = [], {}
        for wanted in save["rows"]:
            row = next(
                one for one in rows[role] if (one.module, one.function) == (wanted["module"], wanted["function"])
            )
            held = current[role].get(row.id, row.levels)
            changes[row.id] = [
                {"verb": verb, "level": level} for verb, level in wanted["levels"].items() if level != held[verb]
            ]
            current[role][row.id] = wanted["levels"]
            changed.append(row.id)
        matrix = matrix_facts(rows[role], current[role])
        some = [next(fact for fact in matrix if fact["setting"] == number) for number in changed]
        made.append({"role": plan["roles"][role]["id"], "rows": some, "matrix": matrix, "changes": changes})
    return made


def list_saves(
    plan: Facts, rows: Sequence[Sequence[Row]], records: Mapping[str, Sequence[Facts]]
) -> list[dict[str, Any]]:
    """Each save of a Customize list as facts. records: what the tenant publishes of each list, by its identifier."""
    made = []
    for save in plan["lists"]:
        what = customizable(save["function"], save["module"])
        row = fact_of(matrix_facts(rows[save["role"]], {}), save["module"], save["function"])
        names = [what.name_of(record) for record in records[what.identifier]]
        items = item_facts(records[what.identifier], what, set(names) - set(save["refused"]))
        made.append(
            {
                "role": plan["roles"][save["role"]]["id"],
                "setting": row["setting"],
                "row": row,
                "catalogue": items,
                "allowed": [item for item in items if item["allowed"]],
                "refused": [item for item in items if not item["allowed"]],
            }
        )
    return made


def with_deltas(saves: Sequence[Facts], at_first: bool) -> list[dict[str, Any]]:
    """The same with what each save added and removed, if all items were allowed before the first one, or none."""
    held: dict[Any, set[str]] = {}
    made = []
    for save in saves:
        allowed = {item["name"] for item in save["allowed"]}
        names = {item["name"] for item in save["catalogue"]}
        before = held.get(save["setting"], names if at_first else set())
        added = [item for item in save["allowed"] if item["name"] not in before]
        removed = [item for item in save["refused"] if item["name"] in before]
        made.append({**save, "added": added, "removed": removed})
        held[save["setting"]] = allowed
    return made


def learn(
    plan: Facts, recording: Recording, rows: Sequence[Sequence[Row]], records: Mapping[str, Sequence[Facts]]
) -> Lesson:
    """Every operation that the recording explains. Raises InputError where it is of something else."""
    permissions, lists = row_saves(plan, rows), list_saves(plan, rows, records)
    made = [{"member": plan["members"][one["member"]]["id"], "description": one["description"]} for one in plan["keys"]]
    _check(plan, recording)
    entries, session = set_aside(recording.entries, recording.cookies)
    history = History(entries, recording.scripts, _words(permissions, lists), session.why_not)
    learner = Learner(history)
    lesson = Lesson()
    lesson.found["role_setting.update"] = learner.find(*asks_for_rows(permissions))
    replace = learner.find(*asks_for_lists(lists, [with_deltas(lists, one) for one in (True, False)]))
    lesson.found["customize_items.replace"] = replace
    lesson.found["customize_items.list"] = (
        ListReader(learner, lists, replace.entries).find() if replace else Found(why=replace.why, state=replace.state)
    )
    keys = KeyReader(learner, made, plan["deletes"])
    lesson.found.update(keys.find())
    if recording.failed:
        for one in lesson.found.values():
            one.why += f" ({counted(recording.failed, 'failed request')} of the recording left out)" if one.why else ""
    lesson.pairs = keys.pairs
    return lesson


def _words(permissions: Sequence[Facts], lists: Sequence[Facts]) -> set[str]:
    """Texts that vary with what is asked for, and may stand in paths."""
    found = {str(row[name]) for save in permissions for row in save["rows"] for name in ("function", "function_id")}
    return found | {str(save["row"]["identifier"]) for save in lists}


def _check(plan: Facts, recording: Recording) -> None:
    """Whether it is a recording of this choreography at all."""
    text = "\n".join(f"{entry.path} {entry.query} {entry.body} {entry.answer}" for entry in recording.entries)
    if plan["nonce"] not in text:
        problem = "the recording is not of this choreography: neither its roles nor its keys are in it"
        raise InputError(problem, remedy=f"take the recording of the page with the code {plan['nonce']}, or {AGAIN}")
