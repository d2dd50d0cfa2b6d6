# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of the role and of a fleet's playbook with every store, killed at every seam and at random moments under faults.

CRASH_RUNS, CRASH_SEED, CRASH_EVERY: how many, and which.
"""

from __future__ import annotations

import os

import pytest

from tests.keys.crash import SITUATIONS, CrashTest
from tests.keys.ground import Ground, tenants
from tests.keys.stores import STORES
from tests.simulator.client import Simulator

SEED = int(os.environ.get("CRASH_SEED", "1"))
RUNS = int(os.environ.get("CRASH_RUNS", "40"))
# 1 kills at every seam; 4 at every fourth, beginning with another one for each seed.
EVERY = int(os.environ.get("CRASH_EVERY", "4"))
FRESH = [f"fresh{number}" for number in range(20)]


@pytest.fixture(params=["", "onboard"], ids=["role", "fleet"])
def crashes(tmp_path, request):
    with Simulator(tenants("north", *FRESH)) as simulator, Ground(tmp_path, simulator) as ground:
        yield CrashTest(ground, list(FRESH), request.param)


@pytest.mark.timeout(7200)
def test_killed_at_random_moments(crashes):
    done = list(crashes.random(SEED, RUNS))
    assert [f"{crash}: {problem}" for crash, problem in done if problem] == []
    assert len(done) == RUNS
    assert crashes.killed > RUNS / 3


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("situation", [name for name in SITUATIONS if name != "fresh"])
def test_killed_at_every_seam(crashes, situation):
    done = list(crashes.boundaries((situation,), EVERY, first=1 + SEED % EVERY))
    assert [f"{crash}: {problem}" for crash, problem in done if problem] == []
    # At least the six seams around the three writes of a new key, or around what is taken away.
    assert len(done) >= 6 / EVERY
    assert crashes.killed >= len(done) - 1


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("name", sorted(set(STORES) - {"vaulted_file"}))
def test_killed_with_every_other_store(tmp_path, name):
    with (
        STORES[name](tmp_path) as store,
        Simulator(tenants("north")) as simulator,
        Ground(tmp_path, simulator, store=store) as ground,
    ):
        test = CrashTest(ground, [], "onboard")
        done = list(test.boundaries(("create", "rotate"), 2 * EVERY, first=1 + SEED % (2 * EVERY)))
        done += list(test.aimed(SEED, RUNS // 8))
    assert [f"{crash}: {problem}" for crash, problem in done if problem] == []
    assert len(done) > RUNS // 8
