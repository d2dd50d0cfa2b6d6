# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets plain pytest, in any clone, import the collection as ansible_collections.msp.connectwise."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent

# The simulator and the tools are imported from the top of the clone.
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

# Inside an ansible_collections tree ansible-test has done all this already, and a second collection finder breaks it.
if ROOT.parent.parent.name != "ansible_collections":
    from tools import workspace

    workspace.apply(ROOT)

    from ansible.plugins.loader import init_plugin_loader

    init_plugin_loader([str(workspace.link_collection(ROOT))])
