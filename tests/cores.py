# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other versions of ansible-core, in the venvs that `make sanity` has."""

from __future__ import annotations

import fcntl
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# The oldest and the newest that the collection works with.
OLDEST, NEWEST = "2.16", "2.21"


def binaries_of(version: str, *packages: str) -> Path:
    """The bin directory of a venv with that ansible-core, what the collection needs, and further packages."""
    with pytest.MonkeyPatch.context() as patch:
        # The tools are scripts, which find one another beside them.
        patch.syspath_prepend(str(ROOT / "tools"))
        import ansible_test

    python = next(filter(None, map(ansible_test.find_python, ansible_test.PYTHONS[version])))
    ansible_test.BUILD.mkdir(exist_ok=True)
    # Workers of a parallel run come here together.
    with (ansible_test.BUILD / f"core-{version}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        binaries: Path = ansible_test.make_venv(version, python)
        wanted = ["-r", str(ROOT / "requirements.txt"), *packages, f"ansible-core=={version}.*"]
        install = ["uv", "pip", "install", "--quiet", "--python", str(binaries / "python"), *wanted]
        subprocess.run(install, check=True, timeout=300)
    said = subprocess.run([str(binaries / "ansible"), "--version"], capture_output=True, encoding="utf-8", check=True)
    assert f"core {version}." in said.stdout
    return binaries
