# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX makes of a launch: which answers it refuses, which variables and which hosts a job gets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.awx.records import Record, Records
from tests.awx.rules import answer_wrong


class Refusal(Exception):
    """AWX does not launch the job."""


def launch_variables(
    records: Records, template: Record, answers: Mapping[str, Any], about: Mapping[str, Any]
) -> dict[str, Any]:
    """The template's own, the defaults of its survey, the answers or artifacts, and what AWX says of the job."""
    survey = (records.surveys.get(template["id"]) or {}).get("spec") or []
    given = [one for one in survey if one.get("default") is not None]
    # A default that is no answer to its own question is left out.
    defaults = {one["variable"]: one["default"] for one in given if not answer_wrong(one, one["default"])}
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
