# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No private key shows anywhere, with every store and with modules as processes of their own."""

from __future__ import annotations

import pytest

from tests.keys.leaks import look_for_leaks
from tests.keys.stores import STORES


@pytest.mark.timeout(900)
@pytest.mark.parametrize("store", sorted(set(STORES) - {"vaulted_file"}))
def test_other_stores(tmp_path, store):
    look_for_leaks(tmp_path, store, keep_files=False)


@pytest.mark.timeout(900)
def test_module_processes(tmp_path):
    look_for_leaks(tmp_path, keep_files=False, cw_in_process=False)
