# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a documentation tool in a copy of the collection whose modules are not redirected to their action plugin.

    python tools/workspace.py python tools/docs_tree.py COMMAND [ARGUMENT...]

antsibull-docs takes the redirect of an action for the new name of its module, and then misses all modules.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml
from workspace import NAME, NAMESPACE, copy_to


def without_redirects(tree: Path) -> None:
    runtime = tree / "meta" / "runtime.yml"
    meta = yaml.safe_load(runtime.read_text(encoding="utf-8"))
    meta.get("plugin_routing", {}).pop("action", None)
    runtime.write_text(yaml.safe_dump(meta), encoding="utf-8")


def main(command: list[str]) -> int:
    if not command:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory(prefix="docs-") as collections:
        tree = copy_to(Path(collections) / "ansible_collections" / NAMESPACE / NAME, repository=True)
        without_redirects(tree)
        # antsibull-docs leaves a log in HOME.
        environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": collections, "HOME": collections}
        return subprocess.run(command, cwd=tree, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
