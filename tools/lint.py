# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs every linter and type checker, two at a time, and ends with one line for each.

python tools/workspace.py python tools/lint.py [NAME...]
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from workspace import NAME, NAMESPACE, ROOT, link_collection


def checks() -> dict[str, list[str]]:
    """Name each check by the command a person would run; the slow ones first, so that the two lanes end together."""
    collection = link_collection() / "ansible_collections" / NAMESPACE / NAME
    typed = [str(collection / "plugins" / name) for name in ("module_utils", "plugin_utils")]
    shell_files = ["tools/setup.sh", ".ci/run"]
    return {
        "ansible-lint": ["ansible-lint", "--offline", "--strict", "--profile", "production"],
        "mypy": ["mypy", *typed, "tests/simulator"],
        "mypy-tools": ["mypy", "tools"],
        "antsibull-docs": [
            "python",
            "tools/docs_tree.py",
            "antsibull-docs",
            "lint-collection-docs",
            "--plugin-docs",
            ".",
        ],
        "antsibull-changelog": ["antsibull-changelog", "lint"],
        "reuse": ["reuse", "lint", "--quiet"],
        "ruff-check": ["ruff", "check", "."],
        "ruff-format": ["ruff", "format", "--check", "."],
        "shellcheck": ["shellcheck", *shell_files],
        "vendors": ["python", "tools/vendors.py", "--check"],
        "yamllint": ["yamllint", "--strict", "."],
    }


def run(command: list[str]) -> tuple[str, float, str]:
    """Return verdict, seconds and output of one check."""
    started = time.monotonic()
    if shutil.which(command[0]) is None:
        # The one program that no Python package brings; a person may do without it, continuous integration may not.
        verdict = "FAILED" if os.environ.get("CI") else "not installed"
        return verdict, 0.0, f"{command[0]} is not installed\n"
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return "ok" if done.returncode == 0 else "FAILED", time.monotonic() - started, done.stdout


def main(names: list[str]) -> int:
    known = checks()
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    wanted = {name: command for name, command in known.items() if not names or name in names}
    table = []
    with ThreadPoolExecutor(max_workers=2) as pool:
        for name, (verdict, seconds, output) in zip(wanted, pool.map(run, wanted.values()), strict=True):
            if verdict != "ok":
                print(f"--- {name}: {' '.join(wanted[name])}\n{output.rstrip()}\n", flush=True)
            table.append((name, verdict, seconds))
    for name, verdict, seconds in table:
        print(f"{name:20} {seconds:6.1f} s  {verdict}")
    return 1 if any(verdict == "FAILED" for _name, verdict, _seconds in table) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
