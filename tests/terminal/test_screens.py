# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every playbook at a terminal, typed as README and guides print it, shows what its file in `screens` shows.

`make screens` takes the screens again, and the transcript of the guide: look at the difference before it is committed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.awx.server import Awx
from tests.simulator.client import Simulator
from tests.terminal.shell import Shell, compare, rendered
from tests.terminal.story import CHAPTERS, GUIDE, ROOT, TENANTS, USE_IT, Story, in_guide, transcript

SCREENS = Path(__file__).parent / "screens"
UPDATE = bool(os.environ.get("UPDATE_SCREENS"))
AGAIN = "\nIf that is what it should show now: make screens"
PLAYBOOKS = {path.stem for path in (ROOT / "playbooks").glob("*.yml")}


@dataclass
class Seen:
    """What the terminal showed. secrets: private keys and passphrases, which no screen shows."""

    screens: dict[str, str]
    secrets: set[str]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    directory = tmp_path_factory.mktemp("terminal")
    (directory / "awx").mkdir()
    with Simulator(TENANTS, directory / "psa") as simulator, Awx(directory / "awx") as awx:
        story = Story(simulator, awx, directory / "msp")
        try:
            for chapter in CHAPTERS:
                chapter(story)
            yield Seen(story.finished(), story.secrets())
        finally:
            story.close()


def typed() -> list[str]:
    """The screens there are; a new one is written first."""
    return sorted(path.stem for path in SCREENS.glob("*.txt"))


@pytest.mark.timeout(900)
def test_every_playbook_is_typed(seen: Seen) -> None:
    if UPDATE:
        for path in SCREENS.glob("*.txt"):
            path.unlink()
        for name, text in seen.screens.items():
            compare(SCREENS / f"{name}.txt", text, True)
    missing = {
        name for name in PLAYBOOKS if not any(f"msp.connectwise.{name} " in one for one in seen.screens.values())
    }
    assert not missing, "tests/terminal/story.py types no command with these playbooks"
    assert set(seen.screens) == set(typed())


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", [] if UPDATE else typed())
def test_screen(seen: Seen, name: str) -> None:
    difference = compare(SCREENS / f"{name}.txt", seen.screens.get(name, ""), False)
    assert not difference, f"the screen of {name} is another one:\n{difference}{AGAIN}"


@pytest.mark.timeout(900)
def test_the_guide_shows_the_section_of_the_readme(seen: Seen) -> None:
    difference = compare(GUIDE, in_guide(transcript(seen.screens)), UPDATE)
    assert not difference, f"the transcript of {GUIDE.name} is another one:\n{difference}{AGAIN}"


def test_no_secret_is_on_a_screen(seen: Seen) -> None:
    assert len(seen.secrets) > len(USE_IT)
    assert not [name for name, text in seen.screens.items() if any(secret in text for secret in seen.secrets)]


def test_a_screen_is_what_stands_at_the_end() -> None:
    raw = "$ x\r\nworking 1\rworking 2\r\x1b[Kdone\x1b[0m in 12.3 s\r\nAsks: \r\n"
    raw += "\x1b[\r\x1b[\x1b[KVendors: a\r\n         b\r\n"
    assert rendered(raw, {"x": "<x>"}) == "$ <x>\ndone in <n> s\nAsks:\nVendors: a b\n"


def test_a_difference_is_told_line_by_line(tmp_path: Path) -> None:
    file = tmp_path / "one.txt"
    assert compare(file, "same\nold\n", True) == ""
    assert compare(file, "same\nnew\n", False).splitlines()[-3:] == [" same", "-old", "+new"]


def test_the_transcript_shortens_a_diff() -> None:
    diff = "\n".join(["--- before", "+++ after", *(f"+ row {number}" for number in range(30)), "", "changed: [north]"])
    shown = transcript({**dict.fromkeys(USE_IT, "$ x\n"), "onboard": f"$ y\n{diff}\n"})
    assert "+ row 13\n[...]\n\nchanged: [north]" in shown


def test_a_command_that_asks_nothing_is_an_error(tmp_path: Path) -> None:
    shell = Shell(tmp_path, {})
    try:
        with pytest.raises(AssertionError, match="did not ask for 'Public key'"):
            shell.type("true", [("Public key", "x")])
    finally:
        shell.close()
