# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The screen or the log of a run: plain lines, and a line of progress that replaces itself on a terminal."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Collection, Mapping
from pathlib import Path

from ansible import constants
from ansible.utils.display import Display

from ansible_collections.msp.connectwise.plugins.module_utils._redact import redact
from ansible_collections.msp.connectwise.plugins.plugin_utils import _files, _job_folder
from ansible_collections.msp.connectwise.plugins.plugin_utils._report import run_directory

# Callbacks whose output a program reads.
PROGRAMS = ("json", "jsonl", "junit", "null")
# The callback that shows progress in its own way, if it is enabled.
_OWN_PROGRESS = "msp.connectwise.fleet"
# A worker has no terminal of its own. It inherits these values from the process that started it, which imported this
# file for the action.
_TERMINAL = sys.stdout.isatty()
# COLUMNS of the environment may be that of another terminal.
try:
    _COLUMNS = os.get_terminal_size(sys.stdout.fileno()).columns or 80
except (OSError, ValueError):
    _COLUMNS = 80
# Where a task leaves its summary for the callback that stands beside the playbooks.
_SUMMARY = "connectwise_summary.json"
# Holds one word if that callback is loaded. A worker inherits it.
_later: set[str] = set()


def is_terminal(environment: Mapping[str, str] = os.environ, *, stdout: bool = _TERMINAL) -> bool:
    """Return whether a person watches this run: ansible-runner has a terminal that nobody looks at."""
    return stdout and environment.get("TERM", "dumb") != "dumb" and not _job_folder.is_job(environment)


def is_for_programs() -> bool:
    """Return whether the output belongs to a callback that programs read."""
    return str(vars(constants)["DEFAULT_STDOUT_CALLBACK"]).rpartition(".")[2] in PROGRAMS


def show_summaries_later() -> None:
    """Leave summaries to the callback that calls this, which shows each below Ansible's line about its task."""
    _later.add("callback")


def show_kept_summary() -> None:
    """Show the summary that a task has left, if there is one."""
    path = Path(run_directory()) / _SUMMARY
    try:
        lines = json.loads(_files.read_text(path))
        path.unlink()
    except FileNotFoundError:
        return
    for line in ["", *lines]:
        Screen().say(line)


class Screen:
    """Prints lines for people, from any thread. A callback for programs owns the output, so nothing is printed then."""

    def __init__(self, *, terminal: bool | None = None, columns: int = _COLUMNS) -> None:
        self.terminal = is_terminal() if terminal is None else terminal
        self._columns, self._silent = columns, is_for_programs()
        self._lock = threading.Lock()
        self._width = 0

    def say(self, text: str) -> None:
        if not self._silent:
            with self._lock:
                self._clear()
                Display().display(redact(text))

    def say_all(self, lines: Collection[str]) -> None:
        """Print a block of lines between two empty ones."""
        for line in ["", *lines, ""] if lines else ():
            self.say(line)

    def end_with(self, lines: Collection[str]) -> None:
        """Print the summary of a playbook, below Ansible's line about this task if the callback for that is loaded."""
        if not _later:
            self.say_all(lines)
        elif lines:
            _files.write(Path(run_directory()) / _SUMMARY, json.dumps(list(lines)))

    def update(self, text: str) -> None:
        """Replace the line of progress on a terminal. In a log, print another one."""
        if _OWN_PROGRESS in (vars(constants)["CALLBACKS_ENABLED"] or ()):
            return
        if not self.terminal:
            self.say(text)
        elif not self._silent:
            with self._lock:
                line = redact(text)[: max(20, self._columns - 1)]
                self._write(f"\r{line.ljust(self._width)}")
                self._width = len(line)

    def clear(self) -> None:
        """Take the line of progress off the terminal."""
        with self._lock:
            self._clear()

    def _clear(self) -> None:
        if self._width:
            self._write(f"\r{' ' * self._width}\r")
            self._width = 0

    @staticmethod
    def _write(text: str) -> None:
        Display().display(text, screen_only=True, newline=False)
