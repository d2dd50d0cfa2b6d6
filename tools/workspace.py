# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clone as a workplace: where Ansible finds the collection, and where every tool keeps its files.

    python tools/workspace.py COMMAND [ARGUMENT...]

runs a command so that it sees this clone as the collection msp.connectwise and writes nothing outside the clone.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAMESPACE, NAME = "msp", "connectwise"


def link_collection(root: Path = ROOT) -> Path:
    """Return the directory that holds ansible_collections/msp/connectwise; make it, as a link, where there is none."""
    if root.parts[-3:] == ("ansible_collections", NAMESPACE, NAME):
        return root.parents[2]
    collections = root / ".cache" / "collections"
    link = collections / "ansible_collections" / NAMESPACE / NAME
    target = Path(os.path.relpath(root, link.parent))
    if not (link.is_symlink() and link.readlink() == target):
        link.parent.mkdir(parents=True, exist_ok=True)
        # Parallel test workers come here together: the rename makes the last one win, without a moment of no link.
        fresh = link.with_name(f".{NAME}.{os.getpid()}")
        fresh.symlink_to(target, target_is_directory=True)
        os.replace(fresh, link)
    return collections


def environment(root: Path = ROOT) -> dict[str, str]:
    """The variables that keep Ansible, Molecule, pip and the rest inside the clone, and the clone's own venv first."""
    cache = root / ".cache"
    temporary = cache / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    places = {
        "ANSIBLE_HOME": cache / "ansible",
        "ANSIBLE_LOCAL_TEMP": cache / "ansible" / "tmp",
        "ANSIBLE_REMOTE_TMP": cache / "ansible" / "remote",
        "ANSIBLE_ASYNC_DIR": cache / "ansible" / "async",
        "HYPOTHESIS_STORAGE_DIRECTORY": cache / "hypothesis",
        "MYPY_CACHE_DIR": cache / "mypy",
        "PIP_CACHE_DIR": cache / "pip",
        "RUFF_CACHE_DIR": cache / "ruff",
        "TMPDIR": temporary,
        "UV_CACHE_DIR": cache / "uv",
        "XDG_CACHE_HOME": cache,
    }
    lists = {
        "ANSIBLE_COLLECTIONS_PATH": [str(link_collection(root))],
        "PATH": [sysconfig.get_path("scripts")],
    }
    joined = {}
    for name, first in lists.items():
        rest = [part for part in os.environ.get(name, "").split(os.pathsep) if part and part not in first]
        joined[name] = os.pathsep.join([*first, *rest])
    bypass = [part for part in os.environ.get("NO_PROXY", os.environ.get("no_proxy", "")).split(",") if part]
    loopback = ",".join(dict.fromkeys([*bypass, "localhost", "127.0.0.1", "::1"]))
    return {
        **{name: str(path) for name, path in places.items()},
        **joined,
        # The venv that runs Ansible is first on PATH; unlike its path, a bare name survives a space in it everywhere.
        "ANSIBLE_PYTHON_INTERPRETER": "python3",
        # A person's own ansible.cfg must not change what the tests see.
        "ANSIBLE_CONFIG": str(root / "tests" / "ansible.cfg"),
        "NO_PROXY": loopback,
        "no_proxy": loopback,
    }


def listed(*command: str) -> list[str]:
    """Return the names that a command of git lists for the clone."""
    done = subprocess.run(["git", *command, "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in done.stdout.split("\0") if name]


def copy_to(tree: Path, repository: bool = False, untracked: bool = True) -> Path:
    """Copy the files of the clone as they are on disk, without what was made in it; git knows which these are.

    repository: make the copy one of its own, for tools that ask git for its files and may lie in a folder git ignores.
    untracked: also what git would take if it were told to add everything; never for what is given to others.
    """
    shutil.rmtree(tree, ignore_errors=True)
    for name in listed("ls-files", "--cached", *(("--others", "--exclude-standard") if untracked else ())):
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tree / name)
    if repository:
        subprocess.run(["git", "init", "--quiet"], cwd=tree, check=True)
        subprocess.run(["git", "add", "--all"], cwd=tree, check=True)
    return tree


def apply(root: Path = ROOT) -> None:
    """Put this process and all it starts into the workplace; keys to a real tenant in the environment stay outside."""
    for name in [name for name in os.environ if name.startswith("CW_")]:
        del os.environ[name]
    os.environ.update(environment(root))
    tempfile.tempdir = None  # may hold an answer from before TMPDIR was set


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    apply()
    if Path(sys.argv[1]).name.startswith("ansible"):
        # The commands that a run prints to type next need this workplace as well.
        os.environ["MSP_CONNECTWISE_RUN_WITH"] = shlex.join(sys.orig_argv[: 1 - len(sys.argv)])
    try:
        os.execvp(sys.argv[1], sys.argv[1:])
    except OSError as error:
        sys.exit(f"{sys.argv[1]}: {error.strerror}")
