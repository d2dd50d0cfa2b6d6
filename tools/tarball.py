# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the collection's tarball of the files that git tracks, as they are on disk, and names what differs from git.

    python tools/workspace.py python tools/tarball.py [FOLDER]

Whoever works in a clone has keys, inventories and recordings in it: none of them is packed, whatever its name.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from workspace import ROOT, copy_to, listed

SHOWN = 5


def build(place: Path) -> Path:
    """Return the tarball that was built into a folder."""
    with tempfile.TemporaryDirectory(prefix="tarball-") as folder:
        command = ["ansible-galaxy", "collection", "build", "--force", "--output-path", folder]
        tree = copy_to(Path(folder) / "source", untracked=False)
        done = subprocess.run([*command, str(tree)], capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{done.stdout}{done.stderr}\ntarball: nothing was built")
        (built,) = Path(folder).glob("*.tar.gz")
        place.mkdir(parents=True, exist_ok=True)
        return Path(shutil.move(built, place / built.name))


def few(names: list[str]) -> str:
    rest = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def differences() -> list[str]:
    """Return what the person who builds should know: changes that are packed, and files that are not."""
    changed = [name for name in listed("diff", "--name-only", "--relative", "HEAD") if (ROOT / name).is_file()]
    left_out = listed("ls-files", "--others", "--exclude-standard")
    found = []
    if changed:
        found.append(f"packed with changes that are not committed: {few(changed)}")
    if left_out:
        found.append(f"left out, because git does not track it: {few(left_out)}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("build"))
    place = parser.parse_args().folder
    try:
        told = differences()
        tarball = build(place)
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error.stderr}tarball: git cannot say which files it tracks here; build in a clone")
    for line in told:
        print(f"tarball: {line}", file=sys.stderr)
    print(tarball)


if __name__ == "__main__":
    main()
