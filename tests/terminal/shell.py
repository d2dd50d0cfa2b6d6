# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A shell at a pseudo-terminal, and its screen as a text that is the same on every machine."""

from __future__ import annotations

import difflib
import os
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pexpect

LIMIT = 240.0  # seconds until the next prompt
# A prompt first shows, and then throws away what was typed before it.
_BREATH = 0.3
# Between these, the shell's prompt says how the last command ended; no command prints them.
_MARK = "\x1e"
_PROMPT = re.compile(f"{_MARK}(\\d+){_MARK}\\$ ")
# Nothing is kept of what is typed.
_SHELL = {"PS1": f"{_MARK}$?{_MARK}$ ", "PS2": "> ", "HISTFILE": "/dev/null"}
# Wide enough for no line to be broken: where it would be depends on the length of paths.
_COLUMNS = 1000

# What differs from run to run, and how it is shown; each in the text that the one before has left.
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
CHANGING = (
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d| UTC)?", "<time>"),
    (r"\d{4}-\d\d-\d\d", "<date>"),
    (rf"\d{{1,2}} ({_MONTHS})( \d{{4}})?", "<date>"),
    (r"\b\d\d:\d\d(:\d\d)?\b", "<time>"),
    (r"\b[A-Z][a-z]{2} [ \d]\d <time> \d{4} GMT", "<time>"),
    (r"\b\d+(\.\d+)? (s|seconds?)\b", "<n> s"),
    (r"\b\d+ ms\b", "<n> ms"),
    (r"\blocalhost(:| port )\d+", r"localhost\1<port>"),
    (r"\b[A-Za-z0-9]{4}…", "<four characters>…"),
    (r"\b127\.0\.0\.1:\d+", "127.0.0.1:<port>"),
    (r"Scratch [a-z0-9]{6}\b", "Scratch <code>"),
    (r"\bscr-[a-z0-9]{6}", "scr-<code>"),
    (r"\*{4,}", "****"),
)
# A control sequence, or the beginning of one that another control character ends.
_CONTROL = re.compile(r"\x1b\[(?:(?=[\r\x1b])|[0-?]*[ -/]*[@-~])")
# A summary breaks its lines at a width, and a date is longer in September than in May.
_BROKEN = re.compile(r"^([A-Z]\w+: .*)\n {9}(?=\S)", re.MULTILINE)


class Shell:
    """Somebody who types commands, and answers what they ask for."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self.child = pexpect.spawn(
            "bash",
            ["--norc", "--noprofile", "--noediting"],
            cwd=str(directory),
            env={**os.environ, **environment, **_SHELL, "PWD": str(directory)},
            encoding="utf-8",
            timeout=LIMIT,
            dimensions=(50, _COLUMNS),
        )
        self.child.expect(_PROMPT)

    def type(self, command: str, answers: Sequence[tuple[str, str]] = ()) -> tuple[int, str]:
        """Type a command, answer its prompts, each named by its beginning. Return how it ended, and the screen."""
        screen = "$ "
        for line in command.splitlines():
            self.child.send(f"{line}\r")
        for prompt, answer in answers:
            if self.child.expect([re.escape(prompt), _PROMPT]) == 1:
                raise AssertionError(f"it did not ask for {prompt!r}:\n{screen}{self.child.before}")
            screen += self.child.before + prompt
            self.child.expect(r": ?\r\n|: $")
            screen += self.child.before + self.child.after
            assert self.child.waitnoecho(timeout=10), f"{prompt} shows what is typed"
            time.sleep(_BREATH)
            self.child.send(f"{answer}\r")
        self.child.expect(_PROMPT)
        return int(self.child.match.group(1)), screen + self.child.before

    def close(self) -> None:
        self.child.close(force=True)


def rendered(raw: str, known: Mapping[str, str]) -> str:
    """Return what stands on the screen at the end. known: a text, and the placeholder that is shown for it."""
    text = _CONTROL.sub("", raw).replace("\r\n", "\n")
    # A line that was written over shows what was written last.
    lines = [line.rstrip("\r").rpartition("\r")[2].rstrip() for line in text.split("\n")]
    text = "\n".join(lines)
    while _BROKEN.search(text):
        text = _BROKEN.sub(r"\1 ", text)
    for value in sorted(known, key=len, reverse=True):
        text = text.replace(value, known[value])
    # A path is quoted where the clone's has a blank.
    text = re.sub(r"'(~/[^' ]*)'", r"\1", text)
    for pattern, placeholder in CHANGING:
        text = re.sub(pattern, placeholder, text)
    return text.strip("\n") + "\n"


def compare(file: Path, text: str, update: bool) -> str:
    """Return how a text differs from its file, as a unified diff; with update, write the file."""
    if update:
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    sides = (before.splitlines(), text.splitlines())
    return "\n".join(difflib.unified_diff(*sides, f"{file.name} (expected)", f"{file.name} (shown)", lineterm=""))
