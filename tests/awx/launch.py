# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX makes of a launch: which answers it refuses, which variables and which hosts a job gets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.awx.records import Record, Records


class Refusal(Exception):
    """AWX does not launch the job."""


def answers_wrong(survey: Mapping[str, Any] | None, answers: Mapping[str, Any]) -> list[str]:
    wrong = []
    for question in (survey or {}).get("spec") or []:
        variable = question["variable"]
        if variable not in answers:
            # A default takes the place of an answer, also of a required one.
            if question["required"] and question.get("default") is None:
                wrong.append(f"'{variable}' value missing")
        elif question["type"] == "text" and len(answers[variable]) < int(question.get("min") or 0):
            wrong.append(f"'{variable}' value is too small")
        elif question["type"] == "integer" and not isinstance(answers[variable], int):
            wrong.append(f"'{variable}' expected to be an integer")
    return wrong


def launch_variables(
    records: Records, template: Record, answers: Mapping[str, Any], about: Mapping[str, Any]
) -> dict[str, Any]:
    """The template's own, the defaults of its survey, the answers or artifacts, and what AWX says of the job."""
    survey = (records.surveys.get(template["id"]) or {}).get("spec") or []
    defaults = {one["variable"]: one["default"] for one in survey if one.get("default") is not None}
    project = records.kinds["projects"][template["project"]]
    inventory = records.kinds["inventories"][template["inventory"]]
    meta = {
        **about,
        "awx_job_template_id": template["id"],
        "awx_job_template_name": template["name"],
        "awx_inventory_id": inventory["id"],
        "awx_inventory_name": inventory["name"],
        "awx_project_revision": project["scm_revision"],
        "awx_project_scm_branch": project["scm_branch"],
    }
    twice = {name.replace("awx_", "tower_", 1): value for name, value in meta.items()}
    return {**json.loads(template["extra_vars"] or "{}"), **defaults, **answers, **meta, **twice}


def sliced(tenants: Mapping[str, Any], number: int, slices: int) -> dict[str, Any]:
    """The inventory of one slice: every n-th host, by name."""
    mine = sorted(tenants["_meta"]["hostvars"])[number - 1 :: slices]
    found: dict[str, Any] = {}
    for name, group in tenants.items():
        if name != "_meta":
            found[name] = {
                **group,
                **({"hosts": [one for one in group["hosts"] if one in mine]} if "hosts" in group else {}),
            }
    more = {"remote_tower_enabled": "true"}
    hostvars = {name: {**values, **more} for name, values in tenants["_meta"]["hostvars"].items() if name in mine}
    ungrouped = [name for name in mine if not any(name in group.get("hosts", []) for group in found.values())]
    found.setdefault("ungrouped", {}).setdefault("hosts", []).extend(ungrouped)
    return {**found, "_meta": {"hostvars": hostvars}}
