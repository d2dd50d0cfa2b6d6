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


def _started(pid: int) -> str:
    """When a process began, so that a recycled pid is not taken for it; empty when there is no such process."""
    try:
        # The 22nd field: start time in clock ticks since boot. The name in parentheses may hold spaces.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        pass
    if Path("/proc/self/stat").exists():
        return ""
    listed = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return " ".join(listed.stdout.split())


def this_run() -> dict[str, Any]:
    """The process of this ansible-playbook run; its workers answer the same."""
    parent = multiprocessing.parent_process()
    pid = parent.pid if parent is not None and parent.pid is not None else os.getpid()
    return {"host": platform.node(), "pid": pid, "process": _started(pid)}


def is_alive(owner: Mapping[str, Any]) -> bool | None:
    """Whether the run of an owner still lives; None when it ran on another machine."""
    if owner.get("host") != platform.node():
        return None
    try:
        pid = int(owner["pid"])
    except (KeyError, TypeError, ValueError):
        return False
    return bool(_started(pid)) and _started(pid) == owner.get("process")
