# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a run shows how far it is, and what a terminal or a log then shows. No test waits."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.utils.display import Display

from ansible_collections.msp.connectwise.plugins.plugin_utils import _screen
from ansible_collections.msp.connectwise.plugins.plugin_utils._progress import Progress
from ansible_collections.msp.connectwise.plugins.plugin_utils._screen import Screen, is_terminal


class Output:
    """Takes what is shown, each with the second of it. terminal: whether a person watches."""

    def __init__(self, terminal: bool, clock: Any) -> None:
        self.terminal, self._clock = terminal, clock
        self.seconds: list[float] = []
        self.texts: list[str] = []

    def update(self, text: str) -> None:
        self.seconds.append(self._clock())
        self.texts.append(text)

    def clear(self) -> None:
        self.texts.append("")


class Time:
    """Seconds that pass where a run would wait; it ends at a given one."""

    def __init__(self, end: float) -> None:
        self.now, self._end = 0.0, end

    def clock(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.now = min(self.now + seconds, self._end)
        return self.now >= self._end


@pytest.mark.parametrize(
    ("terminal", "end", "seconds"),
    [
        (True, 3.0, []),
        (True, 6.5, [3.0, 4.0, 5.0, 6.0]),
        (False, 15.0, []),
        (False, 50.0, [15.0, 30.0, 45.0]),
    ],
)
def test_a_terminal_shows_it_from_three_seconds_and_a_log_every_fifteen(
    terminal: bool, end: float, seconds: list[float]
) -> None:
    time = Time(end)
    output = Output(terminal, time.clock)
    Progress(output, clock=time.clock, wait=time.wait).watch(output)
    assert output.seconds == seconds


def test_the_time_before_the_first_request_counts() -> None:
    time = Time(10.0)
    output = Output(True, time.clock)
    progress = Progress(output, clock=time.clock, wait=time.wait)
    time.now = 2.5
    progress.watch(output)
    assert output.seconds[0] == 3.0


def test_a_line_counts_what_is_done_and_names_what_is_not() -> None:
    time = Time(60.0)
    time.now = 0.0
    output = Output(True, time.clock)
    # The run is shown without waiting: it ends at once.
    progress = Progress(output, clock=time.clock, wait=lambda _seconds: True)
    with progress.shown({"north": 2, "south": 1, "west": 1, "east": 1, "all done": 0}):
        for name in ("north", "south", "west", "east"):
            progress.begin(name)
        progress.integration_done(failed=True)
        progress.end("north")
        time.now = 12.4
        assert progress.line() == ("12 s: 1 of 4 tenants, 1 of 5 integrations done, 1 failed; now south, west, east")
        progress.begin("north")
        assert progress.line().endswith("; now south, west, east and 1 more")
    assert output.texts == [""]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the display is given, with its line ends."""
    found: list[str] = []

    def display(_self: Display, text: str, newline: bool = True, **_more: Any) -> None:
        found.append(text + ("\n" if newline else ""))

    monkeypatch.setattr(Display, "display", display)
    return found


def on_screen(written: str, columns: int) -> list[str]:
    """The lines of a terminal of this width after a text was written to it."""
    lines, at = [""], 0
    for character in written:
        if character == "\r":
            at = 0
        elif character == "\n":
            lines.append("")
            at = 0
        else:
            if at == columns:
                lines.append("")
                at = 0
            lines[-1] = f"{lines[-1][:at]}{character}{lines[-1][at + 1 :]}"
            at += 1
    return [line.rstrip() for line in lines]


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_a_live_line_never_wraps_and_leaves_nothing_behind(shown: list[str], columns: int) -> None:
    screen = Screen(terminal=True, columns=columns)
    screen.update("3 s: 0 of 20 tenants, 0 of 40 integrations done; now north, south, west and 2 more")
    assert len(on_screen("".join(shown), columns)) == 1
    screen.say("a line between")
    screen.update("a longer line, and then a shorter one")
    screen.update("short")
    assert on_screen("".join(shown), columns) == ["a line between", "short"]
    screen.clear()
    screen.clear()
    Display().display("ok: [north]")
    assert on_screen("".join(shown), columns) == ["a line between", "ok: [north]", ""]


def test_a_log_has_plain_lines(shown: list[str]) -> None:
    screen = Screen(terminal=False)
    screen.update("15 s: nothing yet")
    screen.clear()
    assert shown == ["15 s: nothing yet\n"]


@pytest.mark.parametrize("callback", ["json", "ansible.posix.json", "ansible.posix.jsonl", "community.general.null"])
@pytest.mark.parametrize("terminal", [True, False])
def test_an_output_for_programs_has_nothing_of_it(
    shown: list[str], monkeypatch: pytest.MonkeyPatch, callback: str, terminal: bool
) -> None:
    monkeypatch.setattr(_screen.constants, "DEFAULT_STDOUT_CALLBACK", callback)
    screen = Screen(terminal=terminal)
    screen.update("x")
    screen.say_all(["x"])
    screen.clear()
    assert shown == []


@pytest.mark.parametrize("terminal", [True, False])
def test_the_callback_for_progress_has_it_alone(
    shown: list[str], monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    monkeypatch.setattr(_screen.constants, "CALLBACKS_ENABLED", ["msp.connectwise.fleet"])
    screen = Screen(terminal=terminal)
    screen.update("15 s: nothing yet")
    assert shown == []
    screen.say("a line")
    assert shown == ["a line\n"]


def test_a_job_and_a_dumb_terminal_are_no_terminals() -> None:
    assert is_terminal({"TERM": "xterm"}, stdout=True)
    assert not is_terminal({"TERM": "dumb"}, stdout=True)
    assert not is_terminal({}, stdout=True)
    assert not is_terminal({"TERM": "xterm"}, stdout=False)
    assert not is_terminal({"TERM": "xterm", "AWX_ISOLATED_DATA_DIR": "/runner"}, stdout=True)
