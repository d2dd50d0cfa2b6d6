# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes every task's result as a line of JSON, with the time it took."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: recorder
type: aggregate
short_description: Record results for tests
description: Writes every task's result as a line of JSON into the file named by the environment variable RECORDER_FILE.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "recorder"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self.file = Path(os.environ["RECORDER_FILE"])
        self.started: dict[tuple[str, str], float] = {}

    def v2_runner_on_start(self, host, task):
        self.started[host.get_name(), task._uuid] = time.time()

    def record(self, result, status):
        host, task = result._host.get_name(), result._task
        line = {
            "host": host,
            "task": task.get_name(),
            "status": status,
            "started": self.started.get((host, task._uuid)),
            "ended": time.time(),
            "result": result._result,
        }
        with self.file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line, default=str) + "\n")

    def v2_runner_on_ok(self, result):
        self.record(result, "ok")

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self.record(result, "failed")

    def v2_runner_on_unreachable(self, result):
        self.record(result, "unreachable")

    def v2_runner_on_skipped(self, result):
        self.record(result, "skipped")
