# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts the seams of a run, and kills the run, with all its processes, at one of them; see tests/keys/seams.py."""

from __future__ import annotations

from typing import Any

from ansible.plugins.callback import CallbackBase

from tests.keys.seams import installed

DOCUMENTATION = r"""
name: boundary
type: aggregate
short_description: Kills the run at a seam
description:
  - Writes each seam into the file that SEAM_FILE names, and kills the run at number SEAM_NUMBER, or at the first one
    with SEAM_NAME in its name.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "boundary"

    def __init__(self) -> None:
        super().__init__()
        # Loaded before the first worker is forked, so that every worker has the seams too.
        self._seams = installed()

    def _step(self, result: Any, **_more: Any) -> None:
        if self._seams is not None:
            self._seams.reach(f"after the task {result._task.get_name()}")

    v2_runner_on_ok = v2_runner_on_failed = v2_runner_item_on_ok = _step
