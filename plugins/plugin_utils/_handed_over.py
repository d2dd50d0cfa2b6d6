# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a job on AWX hands over to the next node of its workflow, and the folders that jobs leave behind.

AWX writes artifacts into the extra variables of every job that follows, so what goes there is a digest: statuses, times
and numbers. The report itself stays where the job wrote it, and the merging reads it there if that place is shared.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._names import counted
from ansible_collections.msp.connectwise.plugins.plugin_utils import _files, _fleet
from ansible_collections.msp.connectwise.plugins.plugin_utils._json import loaded

FORMAT = "msp.connectwise digest 1"
# The files of one job's folder; a folder that holds anything else is not ours to remove.
FILES = ("fleet.json", "fleet.html", "keys.html", "failed", "left")
DAY = 24 * 3600.0
_NAME = re.compile(r"connectwise_fleet_[0-9]+")
_FOLDER = re.compile(r"job-([0-9]+)")
_COUNTED = ("changes", "differences", "gaps")
_NOTES = 5  # lines of one integration
_LONGEST = 400  # characters of a text, such as an error


def artifacts(variables: Mapping[str, Any]) -> list[Any]:
    """What the jobs before this one have handed over, as it came: a template would make other types of it."""
    return [variables[name] for name in sorted(variables) if _NAME.fullmatch(name)]


def digest(fleet: Mapping[str, Any], report: str) -> str:
    """One JSON text, because AWX hands YAML on, of which newer Ansible reads times, numbers and words anew.

    report: the path of the whole report; empty if none was written.
    """
    products: dict[str, str] = {}
    tenants = {}
    for name, tenant in fleet["tenants"].items():
        cells = {vendor: _small(cell, fleet["run"]) for vendor, cell in tenant["integrations"].items()}
        for vendor, cell in cells.items():
            if products.setdefault(vendor, cell["product"]) == cell["product"]:
                del cell["product"]
        tenants[name] = {"error": tenant["error"][:_LONGEST], "time": tenant["time"], "integrations": cells}
    head = {key: fleet[key] for key in ("run", "playbook", "check_mode", "generated")}
    whole = {"format": FORMAT, **head, "report": report, "products": products, "tenants": tenants}
    return json.dumps(whole, separators=(",", ":"), default=str)


def _small(cell: Mapping[str, Any], run: str) -> dict[str, Any]:
    """A cell with numbers in place of texts."""
    small: dict[str, Any] = {}
    for name, value in cell.items():
        if isinstance(value, str):
            small[name] = value[:_LONGEST]
        elif isinstance(value, (bool, int, float)):
            small[name] = value
    if small.get("run") == run:
        del small["run"]
    if key := cell.get("key"):
        small["key"] = {name: key[name] for name in ("created", "age_days") if key.get(name) is not None}
    if keys := [key["until"] for key in cell.get("old_keys") or [] if key.get("until")]:
        small["old_keys"] = keys
    if notes := cell.get("notes"):
        small["notes"] = [str(line)[:_LONGEST] for line in notes[:_NOTES]]
    if steps := cell.get("manual_steps"):
        small["steps"] = dict(Counter(step["kind"] for step in steps))
        small["screens"] = len({tuple(step["menu"]) for step in steps})
    if amounts := {name: len(cell[name]) for name in _COUNTED if cell.get(name)}:
        small["amounts"] = amounts
    rights = {name: len(found) for name, found in (cell.get("access") or {}).items() if isinstance(found, list)}
    return {**small, **({"rights": rights} if rights else {})}


def fleet_of(handed: Any) -> _fleet.Fleet:
    """The report behind an artifact: a digest, or a whole report, as text or as a mapping."""
    found = handed if isinstance(handed, Mapping) else loaded(handed)
    if not isinstance(found, Mapping):
        raise ValueError("an artifact is neither a digest nor a fleet report of this collection")
    if found.get("format") != FORMAT:
        return checked(_fleet.unpacked(found))
    try:
        return _read(found) or checked(_restored(found))
    except (AttributeError, KeyError, TypeError) as problem:
        raise ValueError("an artifact to merge is not whole; run the job that made it again") from problem


def checked(fleet: _fleet.Fleet) -> _fleet.Fleet:
    """Refuse a report that is not whole, and one whose times have become something else on the way."""
    try:
        tenants = list(fleet["tenants"].values())
        named = all(isinstance(fleet[name], str) for name in ("run", "generated"))
        cells = [cell for tenant in tenants for cell in tenant["integrations"].values()]
        times = [one["time"] for one in (*tenants, *cells)]
        named = named and all({"product", "status", "run"} <= cell.keys() for cell in cells)
    except (AttributeError, KeyError, TypeError):
        named, times = False, []
    if not named:
        raise ValueError("a report to merge is not whole; run the job that made it again")
    if not all(isinstance(moment, str) for moment in times):
        raise ValueError(
            "a report to merge has lost the types of its values in YAML; hand it over as the JSON text that it was, "
            "or as the path of its fleet.json"
        )
    return fleet


def _read(small: Mapping[str, Any]) -> _fleet.Fleet | None:
    """The whole report, if this job sees the place where the other has written it."""
    if not small.get("report"):
        return None
    try:
        whole = checked(_fleet.unpacked(loaded(_files.read_text(Path(str(small["report"]))))))
    except (OSError, ValueError, _files.NotAFile):
        return None
    return whole if (whole.get("run"), whole.get("generated")) == (small["run"], small["generated"]) else None


def _restored(small: Mapping[str, Any]) -> _fleet.Fleet:
    """As many steps, differences and rights as there were, each of which says where it can be read."""
    where = f"the report of job {small['run']}" + (f" ({small['report']})" if small["report"] else "")
    fleet: _fleet.Fleet = {key: small[key] for key in ("run", "playbook", "check_mode", "generated")}
    fleet.update(format=_fleet.FORMAT, tenants={})
    for name, tenant in small["tenants"].items():
        cells = {
            vendor: _large({"product": small["products"].get(vendor, vendor), "run": small["run"], **cell}, where)
            for vendor, cell in tenant["integrations"].items()
        }
        fleet["tenants"][name] = {**tenant, "integrations": cells}
    return fleet


def _large(cell: dict[str, Any], where: str) -> dict[str, Any]:
    """As many steps and lines as there were, on as many screens; each says where it is to be read."""
    amounts, rights, steps, screens = (cell.pop(name, None) for name in ("amounts", "rights", "steps", "screens"))
    for name, amount in (amounts or {}).items():
        cell[name] = [f"{number} of {amount}, see {where}" for number in range(1, amount + 1)]
    if rights:
        lines = [
            f"{counted(amount, 'right')} ({name.replace('_', ' ')}), see {where}" for name, amount in rights.items()
        ]
        cell["differences"] = [*cell.get("differences", []), *lines]
    if cell.get("old_keys"):
        cell["old_keys"] = [{"until": until} for until in cell["old_keys"]]
    kinds = [kind for kind, amount in (steps or {}).items() for _each in range(amount)]
    if kinds:
        cell["manual_steps"] = [
            {
                "kind": kind,
                "menu": ["Work order", f"Screen {min(number, screens)}"],
                "do": f"Manual step {number} of {len(kinds)}, see {where}",
                "why": "a job hands over how many steps there are, not their texts",
            }
            for number, kind in enumerate(kinds, 1)
        ]
    return cell


def tidy(directory: Path, keep: int) -> list[str]:
    """Remove the folders of earlier jobs beside this one, but for the newest and those of the last day."""
    if not _FOLDER.fullmatch(directory.name):
        return []
    numbered = [(int(found[1]), path) for path in directory.parent.iterdir() if (found := _FOLDER.fullmatch(path.name))]
    removed = []
    for _number, path in sorted(numbered, reverse=True)[max(keep, 1) :]:
        if path != directory and _is_old(path):
            try:
                for name in FILES:
                    (path / name).unlink(missing_ok=True)
                path.rmdir()
            except OSError:
                # Another job may be tidying up at the same moment.
                continue
            removed.append(path.name)
    return removed


def _is_old(folder: Path) -> bool:
    try:
        names = {path.name for path in folder.iterdir()}
        return not folder.is_symlink() and names <= set(FILES) and folder.stat().st_mtime < time.time() - DAY
    except OSError:
        return False


def job_name(variables: Mapping[str, Any]) -> str:
    """What AWX calls the job that this run is; empty elsewhere."""
    number = variables.get("awx_job_id")
    if number is None:
        return ""
    template = str(variables.get("awx_job_template_name") or "")
    part = "slice " if is_slice(variables) else ""
    return f"{part}job {number}" + (f" of {template}" if template else "")


def is_slice(variables: Mapping[str, Any]) -> bool:
    """Return whether this run is a slice of a job on AWX, which has a part of the inventory only."""
    # The slices of a job are a workflow of their own, which has the name of the template.
    template = variables.get("awx_job_template_name")
    return bool(template) and variables.get("awx_workflow_job_name") == template


def template_prefix(variables: Mapping[str, Any], playbook: str) -> str | None:
    """What the names of the job templates begin with, if this run is a job of one; None elsewhere."""
    if variables.get("awx_job_id") is None:
        return None
    return str(variables.get("awx_job_template_name") or "").removesuffix(playbook).strip()
