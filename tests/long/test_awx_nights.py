# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX's nights with the oldest and the newest ansible-core in the execution environment: each reads extra variables
in a way of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.awx.night import Nights, NightTests, nights

ROOT = Path(__file__).resolve().parents[2]


def binaries_of(version: str) -> Path:
    """A venv with that ansible-core, as `make sanity` has it."""
    with pytest.MonkeyPatch.context() as patch:
        # The tools are scripts, which find one another beside them.
        patch.syspath_prepend(str(ROOT / "tools"))
        import ansible_test

    python = next(filter(None, map(ansible_test.find_python, ansible_test.PYTHONS[version])))
    return ansible_test.make_venv(version, python)


@pytest.fixture(scope="module", params=["2.16", "2.19", "2.21"])
def night(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    binaries = binaries_of(request.param)
    wanted = ["-r", str(ROOT / "requirements.txt"), "ansible-runner>=2.4,<3", f"ansible-core=={request.param}.*"]
    subprocess.run(
        ["uv", "pip", "install", "--quiet", "--python", str(binaries / "python"), *wanted], check=True, timeout=300
    )
    version = subprocess.run(
        [str(binaries / "ansible"), "--version"], capture_output=True, encoding="utf-8", check=True
    )
    assert f"core {request.param}." in version.stdout
    with nights(tmp_path_factory.mktemp("nights") / "root", binaries) as found:
        yield found


@pytest.mark.timeout(900)
class TestNights(NightTests):
    """The same, whatever the execution environment has."""
