# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody needs who has just cloned the project: README, `make help`, and a home folder that stays as it was."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
# The interpreter of a venv that is there; what it is asked for beyond its version would install packages.
PYTHON = """#!/bin/sh
case "$1" in -c) echo 3.11 ;; *) echo "$RUSTUP_HOME" >> "$HOME.log" ;; esac
"""


def test_the_readme_begins_with_two_commands_and_their_cost():
    top = README[: README.index("## What it does")]
    lines = {name: re.search(rf"^make {name} +# (.*)$", top, re.MULTILINE) for name in ("demo", "test", "simulator")}
    said = {name: found[1] for name, found in lines.items() if found}
    assert "minute" in said["demo"]
    assert "build/demo" in said["demo"]
    assert "hour" in said["test"]
    assert "foreground" in said["simulator"]
    assert re.search(r"\d+ MB in `\.venv`", top)
    assert "make clean" in top


def test_the_readme_says_what_to_keep_and_what_not_to_commit():
    assert re.search(r"Back up `connectwise_keys/`, `host_vars/` and.* passphrase", README)
    told = re.search(r"Lines for your `\.gitignore`: (.*)\.$", README, re.MULTILINE)
    assert told is not None
    kept = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    for line in re.findall(r"`([^`]+)`", told[1]):
        # The clone itself has them too, some for more endings.
        assert line in kept or line.replace(".yml", ".y*ml") in kept, line


def test_the_help_says_how_long_the_first_commands_take():
    told = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout
    assert re.search(r"^  make demo .*minute", told, re.MULTILINE)
    assert re.search(r"^  make test .*hour", told, re.MULTILINE)
    assert re.search(r"^  make simulator .*Ctrl-C", told, re.MULTILINE)


def test_the_setup_leaves_nothing_in_the_home_folder(tmp_path):
    clone, home = tmp_path / "a clone", tmp_path / "home"
    home.mkdir()
    (clone / ".venv" / "bin").mkdir(parents=True)
    (clone / ".venv" / ".place").write_text(f"{clone}\n")
    for name in ("requirements.txt", "tests/unit/requirements.txt", "requirements-test.txt"):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).touch()
    python = clone / ".venv" / "bin" / "python"
    python.write_text(PYTHON)
    python.chmod(0o755)
    environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
    run = ["sh", str(ROOT / "tools" / "setup.sh"), "test"]
    subprocess.run(run, cwd=clone, env=environment, check=True, capture_output=True, timeout=60)
    # pip starts rustc, which makes the folder that this variable names.
    assert {Path(line) for line in (tmp_path / "home.log").read_text().splitlines()} == {clone / ".cache" / "rustup"}
    assert list(home.iterdir()) == []
