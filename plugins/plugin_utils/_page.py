# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fleet report and the key report as pages that need nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.msp.connectwise.plugins.plugin_utils._fleet import Cell, counts, packed
from ansible_collections.msp.connectwise.plugins.plugin_utils._order import amount
from ansible_collections.msp.connectwise.plugins.plugin_utils._status import shades

_HERE = Path(__file__).parent


def filled(template: str, **words: str) -> str:
    """A page out of its template and the style that all pages have."""
    text = (_HERE / template).read_text(encoding="utf-8")
    for name, word in {"STYLE": (_HERE / "report.css").read_text(encoding="utf-8"), **words}.items():
        text = text.replace(f"@{name}@", word, 1)
    return text


def page(fleet: Mapping[str, Any], command: str = "", *, keys: bool = False) -> str:
    """The fleet as one HTML page.

    command: what to type when the steps of a tenant, which it calls TENANT, are done; keys: whether there is a page
    about keys beside it.
    """
    small = packed(fleet)
    products: dict[str, str] = {}
    for tenant in small["tenants"].values():
        for vendor, cell in tenant["integrations"].items():
            if products.get(vendor, vendor) == vendor:
                products[vendor] = cell["product"]
    vendors = sorted(products)
    gaps: list[list[str]] = []
    data = {
        **{name: fleet[name] for name in ("playbook", "check_mode", "generated")},
        "since": fleet.get("since"),
        "command": command,
        "keys": keys,
        "counts": counts(fleet),
        # Filled below: those of a vendor are mostly the same at every tenant.
        "gaps": gaps,
        "vendors": [{"id": vendor, "product": products[vendor]} for vendor in vendors],
        "steps": [{name: step.get(name) for name in ("menu", "part", "brief", "do", "why")} for step in small["steps"]],
        "tenants": [
            {
                "name": name,
                "error": tenant["error"],
                "cells": [_shown(tenant["integrations"].get(vendor), small, gaps) for vendor in vendors],
            }
            for name, tenant in sorted(small["tenants"].items())
        ],
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), default=str)
    # Inside a script element only these could end it, or begin a comment.
    text = text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return filled("fleet.html", DATA=text)


def _shown(cell: Mapping[str, Any] | None, small: Mapping[str, Any], gaps: list[list[str]]) -> Cell | None:
    """Return a cell as the page needs it. gaps: lists that a cell names by number, to which its own is added."""
    if cell is None:
        return None
    left_out = ("product", "run", "completeness", "gaps")
    shown = {name: value for name, value in cell.items() if name not in left_out}
    if mine := cell.get("gaps"):
        if mine not in gaps:
            gaps.append(mine)
        shown["gaps"] = gaps.index(mine)
    if more := shades(cell):
        shown["shades"] = more
    steps = [small["steps"][number] for number in cell.get("steps") or []]
    old = {"old": True} if cell["run"] != small["run"] else {}
    return {"steps": [], **shown, **({"amount": amount(steps)} if steps else {}), **old}
