# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A key's life under killed and simultaneous runs; tests/long tries many more."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from tests.keys.machine import KeyLife, TwoControllers

SETTINGS = settings(
    max_examples=150, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
KeyLife.TestCase.settings = SETTINGS
TwoControllers.TestCase.settings = settings(SETTINGS, max_examples=30)
TestKeyLife, TestTwoControllers = KeyLife.TestCase, TwoControllers.TestCase
