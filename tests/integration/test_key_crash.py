# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample of the crash test (the whole is in tests/long), by the role and by a fleet's playbook; two runs at once."""

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


@pytest.fixture(params=["", "onboard"], ids=["role", "fleet"])
def by_both(crashes, request):
    crashes.playbook = request.param
    crashes.lengths.clear()
    return crashes


def test_one_step_after_the_key_was_made(by_both):
    """The worst moment: the key exists, and only the killed run has seen its private half."""
    ground = by_both.ground
    ground.forget("north")
    assert by_both.run("north", kill_at="after POST 3.0/system/apiMembers/") < 0
    assert "apiKeys" in ground.seams()[-1]
    (orphan,) = ground.live_keys("north")
    assert ground.record("north")["next"]["state"] == "intent"
    assert by_both.run("north") == 0, ground.output()
    assert not ground.problem("north")
    assert ground.live_keys("north") != [orphan]


def test_the_seams_are_where_something_changes(by_both):
    """What the crash test kills at: each write of the tenant and of the store, in the order that loses nothing."""
    ground = by_both.ground
    ground.forget("north")
    seams = by_both.measure("create")[0]
    keys = [name.rpartition("/")[2] for name in seams if "task" not in name]
    store = ["before KeyFile.write", "after KeyFile.write"]
    assert keys[-8:] == [*store, "apiKeys", "apiKeys", *store, *store]
    assert any(name.startswith("after the task") for name in seams)


def test_a_worker_that_outlives_its_run_does_nothing_more(by_both):
    """Only the process that a person sees is killed, while the request that makes the key is on its way."""
    ground = by_both.ground
    ground.forget("north")
    ground.output()
    ground.simulator.faults({"fault": "slow", "ms": 3000, "method": "POST", "path": "apiKeys"})
    order = ground.order("north", playbook=by_both.playbook, kill_after=200, main_only=True)
    codes = []
    run = threading.Thread(target=lambda: codes.extend(ground.runner.run(order)), daemon=True)
    run.start()
    wait_for(lambda: ground.simulator.fault_hits()[0]["hits"])
    ground.runner.kill()
    run.join(timeout=200)
    assert codes[0] < 0
    ground.simulator.clear_faults()
    assert by_both.run("north") == 0, ground.output()
    assert not ground.problem("north")


def wait_for(done):
    end = time.monotonic() + 100
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.timeout(900)
def test_a_seeded_sample(by_both):
    done = list(by_both.random(2026, 3))
    assert [f"{crash}: {problem}" for crash, problem in done if problem] == []
    assert len(done) == 3


def test_a_key_that_comes_after_its_run_was_killed(crashes):
    """What the killed run has sent takes effect only when the next one has already looked."""
    ground = crashes.ground
    ground.forget("north")
    assert ground.run("north", kill_at="after KeyFile.write") < 0
    assert ground.record("north")["next"]["state"] == "intent"
    ground.output()
    # The third time the keys are listed is after this run has written its own intent, just before it makes a key.
    ground.simulator.faults({"fault": "slow", "ms": 2000, "method": "GET", "path": "apiKeys", "nth": 3})
    codes = []
    run = threading.Thread(target=lambda: codes.append(ground.run("north")), daemon=True)
    run.start()
    wait_for(lambda: ground.simulator.fault_hits()[0]["hits"])
    ground.simulator.edit(
        "north", {"op": "add_key", "member": "Umbrella", "member_type": "api", "description": "Umbrella"}
    )
    (late,) = ground.live_keys("north")
    run.join(timeout=200)
    ground.simulator.clear_faults()
    output = ground.output()
    assert codes == [0], output
    journal = [entry for entry in ground.simulator.journal() if "apikeys" in entry["path"].lower()]
    writes = [entry["method"] for entry in journal[-40:] if entry["method"] != "GET"]
    # The late key is deleted, and only then this run's own is made.
    assert writes[-2:] == ["DELETE", "POST"]
    assert not ground.problem("north")
    assert ground.live_keys("north") != [late]


def test_two_runs_at_once(by_both):
    assert by_both.two_at_once("create") == ""


def test_it_would_be_noticed(crashes):
    """The invariant is one: a key more, or a store that lost it, is told."""
    ground, crashes.playbook = crashes.ground, ""
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
