# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other collections that the tests use, put beside this one in the workplace.

    python tools/optional_collections.py [NAMESPACE.NAME...]

takes them out of the Python package `ansible`, which holds them all: one download from the package index, then
nothing more. Without names: all that the tests know.
"""

from __future__ import annotations

import fcntl
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import workspace

# 13 and later no longer hold awx.awx in every release; the contents are what the tests were made with.
PACKAGE = "ansible==12.3.0"
KNOWN = ("ansible.posix", "awx.awx", "community.general", "community.hashi_vault", "community.sops")


def missing(names: Iterable[str], collections: Path) -> list[str]:
    folder = collections / "ansible_collections"
    return [name for name in names if not (folder.joinpath(*name.split(".")) / "MANIFEST.json").is_file()]


def install(names: Iterable[str] = KNOWN, root: Path = workspace.ROOT) -> Path:
    """Make sure that the collections are there; return the directory that holds ansible_collections."""
    collections = workspace.link_collection(root)
    cache = root / ".cache"
    cache.mkdir(exist_ok=True)
    wanted = list(names)
    with (cache / ".optional_collections.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = missing(wanted, collections)
        if wanted:
            with tempfile.TemporaryDirectory(dir=cache) as folder:
                unpack(fetch(Path(folder)), wanted, collections)
    return collections


def fetch(folder: Path) -> Path:
    """The package's wheel. It is never installed, so this interpreter need not be one it supports."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    download = ["download", "--no-deps", "--no-cache-dir", "--only-binary=:all:", "--python-version", "3.12"]
    subprocess.run([*pip, *download, "--dest", str(folder), PACKAGE], check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def unpack(wheel: Path, names: Iterable[str], collections: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = archive.namelist()
        for name in names:
            prefix = f"ansible_collections/{name.replace('.', '/')}/"
            members = [member for member in held if member.startswith(prefix)]
            if not members:
                sys.exit(f"{PACKAGE} holds no collection {name}")
            # The manifest last: it is what says that the collection is whole.
            members.sort(key=lambda member: member == f"{prefix}MANIFEST.json")
            archive.extractall(collections, members)


if __name__ == "__main__":
    install(sys.argv[1:] or KNOWN)
