# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A key's life often enough to notice what goes wrong seldom, such as a store that is read before the tenant's list."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from tests.keys.machine import KeyLife

pytestmark = pytest.mark.timeout(1800)


class Often(KeyLife):
    pass


Often.TestCase.settings = settings(
    max_examples=4000, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestKeyLife = Often.TestCase
