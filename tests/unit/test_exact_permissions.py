# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The planners of matrices and lists where mutation testing found no other test to notice."""

from __future__ import annotations

import pytest

from ansible_collections.msp.connectwise.plugins.module_utils import _permissions as permissions
from ansible_collections.msp.connectwise.plugins.module_utils._errors import UnknownName

NONE = dict.fromkeys(permissions.VERBS, "None")


def test_an_unknown_function_of_a_module_with_one_row():
    rows = [permissions.Row(1, "Time & Expense", "Time Entry", NONE)]
    with pytest.raises(UnknownName, match='function of module Time & Expense "Nothing"'):
        permissions.plan_matrix(rows, {"time and expense": {"Nothing": {"inquire": "All"}}})
