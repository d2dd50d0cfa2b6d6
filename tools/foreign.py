# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Install the npm packages that tests use, once, below .cache; offline afterwards.

python tools/foreign.py            prints the directory that holds node_modules
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = [ROOT / "tests" / "foreign" / name for name in ("package.json", "package-lock.json")]
INSTALL_LIMIT = 600  # seconds


def modules() -> Path:
    """The directory with node_modules; what is there and current is left alone."""
    place = ROOT / ".cache" / "foreign"
    place.mkdir(parents=True, exist_ok=True)
    stamp, wanted = place / "installed", hashlib.sha256(b"".join(path.read_bytes() for path in SOURCES)).hexdigest()
    # Test workers may come here together.
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
            return place
        if not (shutil.which("node") and shutil.which("npm")):
            sys.exit("foreign: node (18 or newer) and npm are needed (Debian: apt-get install nodejs npm)")
        for path in SOURCES:
            shutil.copy(path, place / path.name)
        command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel", "error"]
        environment = {**os.environ, "npm_config_cache": str(ROOT / ".cache" / "npm")}
        subprocess.run(command, cwd=place, env=environment, check=True, timeout=INSTALL_LIMIT, stdout=sys.stderr)
        stamp.write_text(wanted, encoding="utf-8")
    return place


if __name__ == "__main__":
    print(modules())
