# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample of the crash test (the whole of it is in tests/long), and two runs at once."""

from __future__ import annotations

import pytest

from tests.keys.crash import Crash, CrashTest
from tests.keys.ground import Ground, tenants
from tests.simulator.client import Simulator


@pytest.fixture(scope="module")
def crashes(tmp_path_factory):
    directory = tmp_path_factory.mktemp("crash")
    with Simulator(tenants("north")) as simulator, Ground(directory, simulator) as ground:
        yield CrashTest(ground, [])


def test_one_step_after_the_key_was_made(crashes):
    """The worst moment: the key exists, and only the killed run has seen its private half."""
    steps, _seconds = crashes.measure("create")
    ground = crashes.ground
    lost = 0
    for step in range(steps, 0, -1):
        ground.forget("north")
        ground.run("north", kill_at=step)
        record = ground.record("north")
        if (record.get("next") or {}).get("state") != "intent" or not ground.live_keys("north"):
            continue
        lost += 1
        assert ground.run("north") == 0, ground.output()
        assert not ground.problem("north")
        break
    assert lost == 1


def test_a_seeded_sample(crashes):
    done = list(crashes.random(2026, 4))
    assert [f"{crash}: {problem}" for crash, problem in done if problem] == []
    assert len(done) == 4


def test_two_runs_at_once(crashes):
    assert crashes.two_at_once("create") == ""


def test_it_would_be_noticed(crashes):
    """The invariant is one: a key more, or a store that lost it, is told."""
    ground = crashes.ground
    crashes.once("create", Crash("", "create", kill_after=0.1))
    assert not ground.problem("north")
    ground.simulator.edit(
        "north", {"op": "add_key", "member": "Umbrella", "member_type": "api", "description": "Umbrella"}
    )
    assert "the member's keys are" in ground.problem("north")
    (extra,) = set(ground.live_keys("north")) - {ground.record("north")["current"]["public_key"]}
    ground.simulator.edit("north", {"op": "delete_key", "public_key": extra})
    wrong = {**ground.record("north"), "current": {**ground.record("north")["current"], "private_key": "wrong"}}
    assert "does not work" in ground.problem("north", wrong)
