# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs killed after every step, and at random moments under faults; CRASH_RUNS, CRASH_SEED, CRASH_EVERY: how many."""

from __future__ import annotations

import os

import pytest

from tests.keys.crash import SITUATIONS, CrashTest
from tests.keys.ground import Ground, tenants
from tests.simulator.client import Simulator

SEED = int(os.environ.get("CRASH_SEED", "1"))
RUNS = int(os.environ.get("CRASH_RUNS", "40"))
# 1 kills after every step; 4 after every fourth, beginning with another one for each seed.
EVERY = int(os.environ.get("CRASH_EVERY", "4"))
FRESH = [f"fresh{number}" for number in range(20)]


@pytest.fixture
def crashes(tmp_path):
    with Simulator(tenants("north", *FRESH)) as simulator, Ground(tmp_path, simulator) as ground:
        yield CrashTest(ground, list(FRESH))


@pytest.mark.timeout(7200)
def test_killed_at_random_moments(crashes):
    done = list(crashes.random(SEED, RUNS))
    assert [f"{crash}: {problem}" for crash, problem in done if problem] == []
    assert len(done) == RUNS
    assert crashes.killed > RUNS / 3


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("situation", [name for name in SITUATIONS if name != "fresh"])
def test_killed_after_every_step(crashes, situation):
    done = list(crashes.boundaries((situation,), EVERY, first=1 + SEED % EVERY))
    assert [f"{crash}: {problem}" for crash, problem in done if problem] == []
    assert len(done) > 20 / EVERY
    assert crashes.killed >= len(done) - 1
