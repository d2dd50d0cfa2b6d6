# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample of the crash test (the whole is in tests/long), by the role and by a fleet's playbook; two runs at once."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import threading
import time

import pytest

from tests.keys.crash import Crash, CrashTest
from tests.keys.ground import Ground, tenants
from tests.keys.seams import children
from tests.keys.stores import STORES
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
    # The intent, that the request is sent, and after it the new key, which then becomes the current one.
    assert keys[-10:] == [*store, *store, "apiKeys", "apiKeys", *store, *store]
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
    # Killed after it was written that the request is sent.
    assert ground.run("north", kill_at="before POST 3.0/system/apiMembers/") < 0
    assert ground.record("north")["next"]["sent"] == 1
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


@pytest.mark.timeout(900)
def test_a_run_that_another_one_has_overtaken_loses_no_key(crashes, tmp_path):
    """A store without versions: this run waits for a DELETE while another one rotates and stores its key."""
    ground, crashes.playbook = crashes.ground, ""
    ground.forget("north")
    with STORES["command"](tmp_path) as store:
        variables = {**store.variables, "integration_store_settle": 0}
        assert ground.run("north", **variables) == 0, ground.output()
        ground.output()
        ground.simulator.faults({"fault": "slow", "ms": 3000, "method": "DELETE", "path": "apiKeys", "times": 1})
        codes = []
        order = ground.order("north", integration_rotate=True, cw_timeout=600, **variables)
        run = threading.Thread(target=lambda: codes.extend(ground.runner.run(order)), daemon=True)
        run.start()
        wait_for(lambda: ground.simulator.fault_hits()[0]["hits"])
        slow = children(ground.runner.process.pid)
        for process in slow:
            os.kill(process, signal.SIGSTOP)
        try:
            other = ground.playground.play(
                ground.play_file, "--limit", "north", **{**variables, "integration_rotate": True}
            )
        finally:
            for process in slow:
                os.kill(process, signal.SIGCONT)
        run.join(timeout=300)
        ground.simulator.clear_faults()
        output = " ".join(ground.output().split())
        assert other.code == 0, other.output
        assert not ground.problem("north", store.record("north")), output
        assert codes[0] > 0, output
        assert "another run has written the record of Umbrella meanwhile" in output
        assert "wait until the other run has ended, then run again" in output


@pytest.mark.timeout(900)
def test_another_controllers_key_is_left_and_named_with_a_command_that_deletes_it(crashes, tmp_path):
    """The intent of a killed run in one store says nothing of a key that a run with another store has made since."""
    ground, crashes.playbook = crashes.ground, ""
    ground.forget("north")
    elsewhere = {"integration_store_dir": str(tmp_path / "keys of another controller")}
    assert ground.run("north", kill_at="after KeyFile.write", **elsewhere) < 0
    assert ground.run("north") == 0, ground.output()
    (good,) = ground.live_keys("north")
    assert ground.run("north", playbook="onboard", **elsewhere) == 0, ground.output()
    assert not ground.problem("north")
    assert ground.live_keys("north") == [good]
    # Nothing silent: it is pending, and says which key and what to run.
    entry = ground.playground.reports()["north"]["umbrella"]
    (step,) = entry["manual_steps"]
    assert (entry["status"], step["kind"], step["public_keys"]) == ("pending", "leftover_key", [good])
    assert step["command"] in step["do"]
    command = shlex.split(step["command"])
    done = subprocess.run(command, cwd=ground.directory, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ground.live_keys("north") == []
    # When it is gone, a key of this store's own is made.
    assert ground.run("north", playbook="onboard", **elsewhere) == 0, ground.output()
    assert len(ground.live_keys("north")) == 1
    ground.forget("north")


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
