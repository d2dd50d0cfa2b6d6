# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which run is this, and does another one still live? Known for sure on one machine, by its lease elsewhere."""

from __future__ import annotations

import multiprocessing
import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PROC = Path("/proc")


def _started(pid: int) -> str:
    """When a process began, so that a recycled pid is not taken for it; empty when there is no such process."""
    try:
        # The name in parentheses may hold spaces. Then the state, and as 22nd field of all the start in clock ticks.
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        return "" if fields[0] in "ZX" else fields[19]
    except OSError:
        pass
    if (PROC / "self" / "stat").exists():
        return ""
    listed = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return " ".join(listed.stdout.split())


def _space() -> str:
    """Where a pid means one process: this boot of this machine, and this container (two may have one host name)."""
    try:
        boot = (PROC / "sys" / "kernel" / "random" / "boot_id").read_text().strip()
        return f"{boot}/{(PROC / 'self' / 'ns' / 'pid').readlink()}"
    except OSError:
        return platform.node()


def this_run(part: str = "") -> dict[str, Any]:
    """The process of this ansible-playbook run; its workers answer the same. part: the host of the play it works on."""
    parent = multiprocessing.parent_process()
    pid = parent.pid if parent is not None and parent.pid is not None else os.getpid()
    return {"host": platform.node(), "space": _space(), "pid": pid, "process": _started(pid), "part": part}


def is_alive(owner: Mapping[str, Any]) -> bool | None:
    """Whether the run of an owner still lives; None when that cannot be seen from here."""
    if owner.get("space") != _space():
        return None
    try:
        pid = int(owner["pid"])
    except (KeyError, TypeError, ValueError):
        return False
    return bool(_started(pid)) and _started(pid) == owner.get("process")
