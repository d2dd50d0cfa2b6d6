# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts the steps of a run, and kills the run, with all its processes, after one of them."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: boundary
type: aggregate
short_description: Kills the run after a step
description:
  - Counts task results into the file that BOUNDARY_COUNT names, and kills the process group after number BOUNDARY_KILL,
    or after the task that BOUNDARY_TASK names.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "boundary"

    def __init__(self) -> None:
        super().__init__()
        self._steps = 0
        self._last = int(os.environ.get("BOUNDARY_KILL") or 0)
        self._task = os.environ.get("BOUNDARY_TASK")
        self._count = os.environ.get("BOUNDARY_COUNT")

    def _step(self, result: Any, **_more: Any) -> None:
        self._steps += 1
        if self._steps == self._last or (self._task and self._task == result._task.name):
            os.killpg(0, signal.SIGKILL)
        if self._count:
            Path(self._count).write_text(str(self._steps), encoding="utf-8")

    v2_runner_on_ok = v2_runner_on_failed = v2_runner_item_on_ok = _step
