# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m benchmarks`: makes the collection importable, then measures."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT)]

import workspace  # noqa: E402 - found through the line above

workspace.apply(ROOT)

from ansible.plugins.loader import init_plugin_loader  # noqa: E402 - after the workspace is set

init_plugin_loader([str(workspace.link_collection(ROOT))])

from benchmarks.run import main  # noqa: E402 - imports the collection

main()
