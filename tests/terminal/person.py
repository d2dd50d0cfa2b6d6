# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Somebody at a real terminal: types what a playbook asks for, and sees what the screen shows."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

import pexpect

from tests.playground import Playground

LIMIT = 120.0  # seconds until the next prompt
CTRL_C = "\x03"
# A prompt first shows, and then throws away what was typed before it.
_BREATH = 0.3


@dataclass(frozen=True)
class Session:
    """One run at a terminal. hidden: whether the terminal echoed nothing at each prompt."""

    code: int
    screen: str
    hidden: bool
    echoes_again: bool


def at_a_terminal(ground: Playground, playbook: str, answers: Sequence[tuple[str, str]], *arguments: str) -> Session:
    """Run a playbook and answer its prompts, each named by its beginning, in this order."""
    command = [f"msp.connectwise.{playbook}", "-i", str(ground.inventory), *arguments]
    command += ["--vault-password-file", str(ground.passphrase)]
    child = pexpect.spawn(
        "ansible-playbook",
        command,
        cwd=str(ground.directory),
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "PWD": str(ground.directory)},
        encoding="utf-8",
        timeout=LIMIT,
        # No line is broken within a name.
        dimensions=(50, 400),
    )
    screen, hidden = "", True
    try:
        for prompt, answer in answers:
            child.expect_exact(prompt)
            screen += child.before + prompt
            child.expect(r": ?\r\n|: $")
            screen += child.before
            hidden = child.waitnoecho(timeout=10) and hidden
            time.sleep(_BREATH)
            child.send(answer if answer == CTRL_C else f"{answer}\r")
        child.expect(pexpect.EOF)
        screen += child.before
        echoes = child.getecho() if child.isalive() else True
        child.close()
        return Session(child.exitstatus if child.exitstatus is not None else -1, screen, hidden, echoes)
    finally:
        child.close(force=True)
