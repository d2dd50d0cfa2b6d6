# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tarball holds the collection and nothing of the place it was built in."""

from __future__ import annotations

import os
import subprocess
import tarfile
from pathlib import Path, PurePosixPath

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


def ansible(*command, collections):
    """Run a program that sees the collections of one folder alone, not this clone."""
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(collections)}
    command = [str(word) for word in command]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def tarball(tmp_path_factory):
    folder = tmp_path_factory.mktemp("built")
    ansible("ansible-galaxy", "collection", "build", ROOT, "--output-path", folder, collections=folder)
    (built,) = folder.iterdir()
    return built


def test_it_is_named_by_galaxy_yml(tarball):
    meta = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    assert tarball.name == f"{meta['namespace']}-{meta['name']}-{meta['version']}.tar.gz"


def test_it_holds_what_git_holds(tarball):
    with tarfile.open(tarball) as tar:
        built = {member.name for member in tar if not member.isdir()}
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout.split("\0")
    # Continuous integration and git's own files belong to the repository, the two manifests to the tarball.
    left_out = {name for name in tracked if PurePosixPath(name).parts[:1] in {(".ci",), (".gitignore",)}}
    left_out |= {".gitattributes", "galaxy.yml", ""}
    assert built - {"MANIFEST.json", "FILES.json"} == set(tracked) - left_out


def test_it_installs_without_a_network_and_documents_itself(tarball, tmp_path):
    install = ["ansible-galaxy", "collection", "install", "--offline", tarball, "--collections-path", tmp_path]
    ansible(*install, collections=tmp_path)
    said = ansible("ansible-doc", "--list", "--type", "module", "msp.connectwise", collections=tmp_path)
    listed = {line.split()[0] for line in said.splitlines() if line.strip()}
    modules = {f"msp.connectwise.{path.stem}" for path in (ROOT / "plugins" / "modules").glob("cw_*.py")}
    assert modules
    assert listed == modules
