# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs ansible-test on the clone as it is, with each ansible-core that this machine's Pythons can take.

    python tools/workspace.py python tools/ansible_test.py sanity|units [VERSION...] [-- ARGUMENT...]

ansible-test wants a real ansible_collections tree and a HOME it may fill: both are made in build/.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workspace import NAME, NAMESPACE, ROOT, copy_to

BUILD = ROOT / "build"
HOME = BUILD / "home"
TREE = BUILD / "ansible_collections" / NAMESPACE / NAME

# ansible-core -> the Pythons its controller side runs on, the one to prefer first.
PYTHONS = {
    "2.16": ["3.11", "3.10", "3.12"],
    "2.17": ["3.11", "3.10", "3.12"],
    "2.18": ["3.11", "3.12", "3.13"],
    "2.19": ["3.11", "3.12", "3.13"],
    "2.20": ["3.12", "3.13", "3.14"],
    "2.21": ["3.13", "3.12", "3.14"],
}
# The pip that each ansible-test wants to fetch a bootstrap script for.
BOOTSTRAPS = ["23_1_2", "24_2", "25_2"]


def find_python(version: str) -> str | None:
    """Return a working interpreter of a version, from PATH or from pyenv (whose shims on PATH may be disabled)."""
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    candidates = [shutil.which(f"python{version}"), *map(str, sorted(pyenv.glob(f"{version}.*/bin/python{version}")))]
    for candidate in filter(None, candidates):
        probe = [candidate, "-c", "import ensurepip, ssl, venv; print('works')"]
        if "works" in subprocess.run(probe, capture_output=True, text=True, check=False).stdout:
            return candidate
    return None


def make_home() -> None:
    """Make a HOME for ansible-test, with a stand-in for the script it would fetch to get pip into its venvs."""
    cache = HOME / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in BOOTSTRAPS:
        shutil.copyfile(ROOT / "tools" / "get_pip.py", cache / f"get_pip_{version}.py")
    # A package index that a person configured for pip has to serve here as well.
    for name in (".config/pip", ".pip", ".netrc"):
        theirs, ours = Path("~").expanduser() / name, HOME / name
        if theirs.exists() and not ours.is_symlink():
            ours.parent.mkdir(parents=True, exist_ok=True)
            ours.symlink_to(theirs)


def make_venv(core: str, python: str) -> Path:
    """Return the bin directory of a venv with one ansible-core; make it where it is missing."""
    venv = BUILD / f"core-{core}"
    ready = venv / ".ready"
    if not ready.exists():
        shutil.rmtree(venv, ignore_errors=True)
        subprocess.run([python, "-m", "venv", str(venv)], check=True)
        requirement = f"ansible-core=={core}.*"
        with_uv = ["uv", "pip", "install", "--quiet", "--python", str(venv / "bin" / "python"), requirement]
        with_pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", requirement]
        if not shutil.which("uv") or subprocess.run(with_uv, check=False).returncode:
            subprocess.run(with_pip, check=True)
        ready.touch()
    return venv / "bin"


@contextmanager
def without_space(directory: Path) -> Iterator[Path]:
    """Give a directory a name that can stand in a script's first line, where ansible-test writes its Python's path."""
    if " " not in str(directory):
        yield directory
        return
    with tempfile.TemporaryDirectory(prefix="ansible-test-", dir="/tmp") as place:
        link = Path(place) / "venv"
        link.symlink_to(directory)
        yield link


def run(kind: str, core: str, extra: list[str]) -> tuple[str, str, float]:
    """Return the version that ran, the verdict and the seconds of one ansible-core."""
    found = {version: path for version in PYTHONS[core] if (path := find_python(version))}
    if not found:
        return f"ansible-core {core}", f"not run: needs Python {', '.join(PYTHONS[core])}", 0.0
    version, python = next(iter(found.items()))
    bin_directory = make_venv(core, python)
    report = [str(bin_directory / "python"), "-c", "from ansible.release import __version__; print(__version__)"]
    release = subprocess.run(report, capture_output=True, text=True, check=True).stdout.strip()
    label = f"ansible-core {release}, Python {version}"
    # What the clone's workplace sets for Ansible is not for a tree that stands on its own.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    environment.update(HOME=str(HOME), PATH=os.pathsep.join([str(bin_directory), os.environ["PATH"]]))
    log = BUILD / f"{kind}-{core}.log"
    print(f"{label}: ansible-test {kind}; log in {log.relative_to(ROOT)}", flush=True)
    started = time.monotonic()
    with log.open("w", encoding="utf-8") as output, without_space(bin_directory.parent) as venv:
        # Not the script ansible-test: on older versions it does not survive a venv whose path has a space in it.
        command = [str(venv / "bin" / "python"), "-m", "ansible_test._util.target.cli.ansible_test_cli_stub", kind]
        options = ["--local", "--python", version, "--color", "no", *(["--requirements"] if kind == "units" else [])]
        done = subprocess.run(
            [*command, *options, *extra],
            cwd=TREE,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    seconds = time.monotonic() - started
    said = log.read_text(encoding="utf-8")
    passed = done.returncode == 0 and "All targets skipped" not in said
    if not passed:
        lines = said.splitlines()
        findings = [line for line in lines if line.startswith(("ERROR", "FATAL", "FAILED", "E "))]
        print("\n".join(findings or lines[-40:]), flush=True)
    return label, "ok" if passed else "FAILED", seconds


def main(arguments: list[str]) -> int:
    arguments, extra = (
        (arguments[: arguments.index("--")], arguments[arguments.index("--") + 1 :])
        if "--" in arguments
        else (arguments, [])
    )
    if not arguments or arguments[0] not in ("sanity", "units"):
        sys.exit(__doc__)
    kind, *versions = arguments
    if unknown := [version for version in versions if version not in PYTHONS]:
        sys.exit(f"unknown version: {', '.join(unknown)}; known: {', '.join(PYTHONS)}")
    # Without a repository of its own the tree counts as a folder that the clone ignores, and nothing would be tested.
    copy_to(TREE, repository=True)
    make_home()
    results = [run(kind, core, extra) for core in versions or PYTHONS]
    print(f"\nansible-test {kind}")
    for label, verdict, seconds in results:
        print(f"{label:36} {seconds:6.1f} s  {verdict}")
    verdicts = {verdict for _label, verdict, _seconds in results}
    return 0 if "ok" in verdicts and "FAILED" not in verdicts else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
