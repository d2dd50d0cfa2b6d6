# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JSON out of files, stores and other jobs, which somebody else may have written."""

from __future__ import annotations

from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._strict_json import NotJson, parsed


def loaded(text: str) -> Any:
    """As json.loads, and nested too deep is a ValueError too."""
    try:
        return parsed(text)
    except NotJson as problem:
        raise ValueError(problem.why or "it is not JSON") from None
