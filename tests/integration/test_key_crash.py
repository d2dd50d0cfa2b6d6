# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample of the crash test (the whole of it is in tests/long), and two runs at once."""

from __future__ import annotations

import threading
import time

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
    ground = crashes.ground
    ground.forget("north")
    assert ground.run("north", env={"BOUNDARY_TASK": "Create the key"}) < 0
    (orphan,) = ground.live_keys("north")
    assert ground.record("north")["next"]["state"] == "intent"
    assert ground.run("north") == 0, ground.output()
    assert not ground.problem("north")
    assert ground.live_keys("north") != [orphan]


@pytest.mark.timeout(900)
def test_a_seeded_sample(crashes):
    done = list(crashes.random(2026, 3))
    assert [f"{crash}: {problem}" for crash, problem in done if problem] == []
    assert len(done) == 3


def test_a_key_that_comes_after_its_run_was_killed(crashes):
    """What the killed run has sent takes effect only when the next one has already looked."""
    ground = crashes.ground
    ground.forget("north")
    assert ground.run("north", env={"BOUNDARY_TASK": "Write the tenant's vaulted file"}) < 0
    assert ground.record("north")["next"]["state"] == "intent"
    ground.output()
    # The second time the keys are listed is just before one is made.
    ground.simulator.faults({"fault": "slow", "ms": 2000, "method": "GET", "path": "apiKeys", "nth": 2})
    codes = []
    run = threading.Thread(target=lambda: codes.append(ground.run("north")), daemon=True)
    run.start()
    end = time.monotonic() + 100
    while not ground.simulator.fault_hits()[0]["hits"]:
        assert time.monotonic() < end
        time.sleep(0.02)
    ground.simulator.edit(
        "north", {"op": "add_key", "member": "Umbrella", "member_type": "api", "description": "Umbrella"}
    )
    (late,) = ground.live_keys("north")
    run.join(timeout=200)
    ground.simulator.clear_faults()
    output = ground.output()
    assert codes == [0], output
    assert output.count("List the keys of the member]") == 2
    assert not ground.problem("north")
    assert ground.live_keys("north") != [late]


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
