# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the other ways are told to make: exactly what this collection has made at one tenant, as data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.fleet import Fleet

LISTS = {"SystemTableSetup": ("System", "Table Setup")}


def wishes_of(fleet: Fleet, tenant: str) -> dict[str, Any]:
    """The zofiQ integration of a tenant on which our first run was made."""
    role = fleet.simulator.role(tenant, "zofiQ Sec Role")
    if role is None:
        raise RuntimeError(f"{tenant} has no role yet")
    rows = [
        {
            "module": module,
            "function": function,
            "levels": {f"{kind}Level": value for kind, value in levels.items()},
        }
        for module, functions in role["permissions"].items()
        for function, levels in functions.items()
    ]
    return {
        "role": role["name"],
        "rows": rows,
        "allow": {name: role["allow"][module][function] for name, (module, function) in LISTS.items()},
        "member": {"identifier": "zofiQ", "name": "zofiQ API Member"},
        "key_description": "zofiQ API Keys",
    }


def write(path: Path, value: Any) -> Path:
    path.touch(mode=0o600)
    path.write_text(json.dumps(value), encoding="utf-8")
    return path
