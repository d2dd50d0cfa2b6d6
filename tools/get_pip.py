# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for the get-pip script that ansible-test fetches from a server of its own.

It brings the same packages (pip of one version, on old versions setuptools and wheel) from the package index instead.
"""

from __future__ import annotations

import subprocess
import sys


def main(arguments: list[str]) -> None:
    packages = [argument for argument in arguments if not argument.startswith("-")]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([sys.executable, "-m", "ensurepip"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([*pip, "install", *packages], check=True)
    if "--no-setuptools" in arguments:
        # Older Pythons bundle it with pip, the script that this one stands in for leaves it out.
        subprocess.run([*pip, "uninstall", "--yes", "setuptools"], check=True, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main(sys.argv[1:])
