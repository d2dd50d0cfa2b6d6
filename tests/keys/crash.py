# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The crash test: a run is killed, one normal run follows, and the invariant of tests/keys/ground.py must hold.

    python -m tests.keys.crash --seed 1 --runs 100 [--boundaries] [--store hashi_vault] [--aimed]

kills runs at random moments, or at every seam (tests/keys/seams.py) of each situation, and prints a line for each.
--aimed kills around and in the middle of the creation of a key, a write of the store and a deletion. --way fleet kills
runs of the playbook `onboard` instead of the role.
"""

from __future__ import annotations

import argparse
import random
import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.keys.ground import Ground, tenants
from tests.keys.seams import DELAY, SPARE
from tests.keys.stores import STORES
from tests.simulator.client import Simulator

# What the killed run was to do: the first key, the same with role and member, a new key for an old one or a lost one,
# and to take all of it away.
SITUATIONS = ("create", "fresh", "rotate", "heal", "offboard")
# What the run after it is told, too: a key stays lost, and an integration unwanted, whatever the crash did.
LASTING: dict[str, dict[str, Any]] = {"heal": {"integration_heal": True}, "offboard": {"integration_state": "absent"}}
KEYS = "apiKeys"
# What is aimed at: requests for and deletions of keys, and writes of any store.
AIM = re.compile(rf"{KEYS}|(KeyFile|Command)\.|vault_kv2_|sops_encrypt|ansible\.builtin\.file")
# Seconds after the beginning of one of them.
DELAYS = (0, 0, 0.01, 0.03, 0.07, 0.2, 0.5)
# Faults that a killed run may meet on top.
FAULTS: tuple[dict[str, Any], ...] = (
    {},
    {"fault": "slow_body", "ms": 400, "method": "POST", "path": KEYS},
    {"fault": "slow_body", "ms": 400, "method": "DELETE", "path": KEYS},
    {"fault": "drop_after", "method": "POST", "path": KEYS, "times": 1},
    {"fault": "drop_before", "method": "POST", "path": KEYS, "times": 1},
    {"fault": "drop_after", "method": "DELETE", "path": KEYS, "times": 1},
    {"fault": "drop_before", "method": "DELETE", "path": KEYS, "times": 1},
    {"fault": "status", "status": 503, "after": True, "method": "POST", "path": KEYS, "times": 2},
)


@dataclass
class Crash:
    """One killed run, and what became of it."""

    tenant: str
    situation: str
    kill_at: int = 0
    kill_after: float | None = None
    fault: dict[str, Any] | None = None
    main_only: bool = False
    seam: str = ""
    delay: float = 0
    spare: bool = False

    def __str__(self) -> str:
        when = f"at seam {self.kill_at} ({self.seam})" if self.kill_at else f"after {self.kill_after:.3f} s"
        if self.delay:
            when = f"{self.delay:.3f} s after seam {self.kill_at} ({self.seam})"
        if self.main_only:
            when += " without its workers"
        if self.spare:
            when += " without the programs it has started"
        fault = f", {self.fault['fault']} {self.fault['method']}" if self.fault else ""
        return f"{self.situation} killed {when}{fault}"


@dataclass
class Count:
    """What became of the crashes. silent: runs that ended with exit code 0 although something was wrong."""

    lost: int = 0
    duplicate: int = 0
    not_converged: int = 0
    silent: int = 0


class CrashTest:
    """playbook: the collection's playbook to run; the role alone if it is empty."""

    def __init__(self, ground: Ground, fresh: list[str], playbook: str = "") -> None:
        self.ground = ground
        self.playbook = playbook
        self.fresh = fresh
        self.tenant = "north"
        self.lengths: dict[str, tuple[list[str], float]] = {}
        self.killed = 0
        self.count = Count()

    def run(self, tenant: str, **how: Any) -> int:
        return self.ground.run(tenant, playbook=self.playbook, **how)

    def prepare(self, situation: str) -> tuple[str, dict[str, Any]]:
        """Bring a tenant into the situation; its name and the variables of the run that is to be killed."""
        if situation == "fresh" and self.fresh:
            return self.fresh.pop(), {}
        if situation in ("create", "fresh"):
            self.ground.forget(self.tenant)
            return self.tenant, {}
        if self.ground.problem(self.tenant):
            assert self.run(self.tenant) == 0, self.ground.output()
        if situation == "heal":
            (key,) = self.ground.live_keys(self.tenant)
            self.ground.simulator.edit(self.tenant, {"op": "delete_key", "public_key": key})
        return self.tenant, LASTING.get(situation, {"integration_rotate": True})

    def problem(self, situation: str, tenant: str) -> str:
        """What is wrong after a run that was not killed."""
        if situation != "offboard":
            return self.ground.problem(tenant)
        live, record = self.ground.live_keys(tenant), self.ground.record(tenant)
        return (
            f"the member's keys are {live}, the store still has {sorted(record)}"
            if live or record.get("current")
            else ""
        )

    def measure(self, situation: str) -> tuple[list[str], float]:
        """Seams and seconds of an undisturbed run."""
        if situation not in self.lengths:
            if situation == "create":
                # The killed runs find role and member there, so this one must.
                assert self.run(self.tenant) == 0, self.ground.output()
            tenant, extra = self.prepare(situation)
            started = time.monotonic()
            assert self.run(tenant, **extra) == 0, self.ground.output()
            self.lengths[situation] = (self.ground.seams(), time.monotonic() - started)
            assert not self.problem(situation, tenant), self.problem(situation, tenant)
        return self.lengths[situation]

    def once(self, situation: str, crash: Crash) -> str:
        """Kill a run, let a normal one follow; what is wrong then."""
        ground = self.ground
        crash.tenant, extra = self.prepare(situation)
        ground.output()
        if crash.fault:
            ground.simulator.faults(crash.fault)
        code = self.run(
            crash.tenant,
            kill_after=crash.kill_after,
            kill_at=crash.kill_at,
            main_only=crash.main_only,
            env={DELAY: str(crash.delay or ""), SPARE: "1" if crash.spare else ""},
            **extra,
        )
        if crash.kill_at:
            crash.seam = (ground.seams()[: crash.kill_at] or ["none"])[-1]
        ground.simulator.clear_faults()
        self.killed += code < 0
        after = self.run(crash.tenant, **LASTING.get(situation, {}))
        problem = self.problem(situation, crash.tenant)
        self.judge(situation, crash.tenant, after, problem)
        if after:
            problem = f"the run after it ended with {after}; {problem}\n{ground.output()}"
        return problem

    def judge(self, situation: str, tenant: str, after: int, problem: str) -> None:
        """Count what is wrong after the run that followed a crash. after: its exit code."""
        live, record = self.ground.live_keys(tenant), self.ground.record(tenant)
        current = record.get("current") or {}
        wanted = [] if situation == "offboard" else [current.get("public_key")]
        lost = bool(wanted) and (wanted[0] not in live or not self.ground.works(tenant, current))
        self.count.lost += lost
        self.count.duplicate += len(live) > len(wanted)
        self.count.not_converged += bool(after or problem)
        self.count.silent += bool(problem) and not after

    def two_at_once(self, situation: str) -> str:
        """Two runs begin together; what is wrong when both have ended, or after one normal run more."""
        ground = self.ground
        tenant, extra = self.prepare(situation)
        ground.output()
        orders = [ground.order(tenant, playbook=self.playbook, **extra) for _each in range(2)]
        codes = ground.runner.run(*orders)
        output = ground.output()
        record = ground.record(tenant)
        held = [record.get("current") or {}, record.get("next") or {}, *record.get("retired", [])]
        known = {key.get("public_key") for key in held}
        if nobodys := set(ground.live_keys(tenant)) - known:
            return f"nobody has {nobodys}; the runs ended with {codes}\n{output}"
        if all(codes):
            return f"neither run did it ({codes})\n{output}"
        if any(codes) and "another run" not in output:
            return f"a run failed without saying why ({codes})\n{output}"
        after = self.run(tenant)
        return ground.problem(tenant) or (f"the run after ended with {after}\n{ground.output()}" if after else "")

    def boundaries(self, situations: tuple[str, ...], every: int = 1, first: int = 1) -> Iterator[tuple[Crash, str]]:
        for situation in situations:
            for seam in range(first, len(self.measure(situation)[0]) + 1, every):
                crash = Crash("", situation, kill_at=seam)
                yield crash, self.once(situation, crash)

    def aimed(self, seed: int, runs: int) -> Iterator[tuple[Crash, str]]:
        """Kills before, after and in the middle of what creates a key, writes the store or deletes."""
        dice = random.Random(seed)
        for _turn in range(runs):
            situation = dice.choice([name for name in SITUATIONS if name != "fresh"])
            share, delay, spare = dice.random(), dice.choice(DELAYS), dice.random() < 0.5
            # Drawn before the seams are known, so that a seed always means the same sequence.
            seams = self.measure(situation)[0]
            targets = [number for number, name in enumerate(seams, 1) if AIM.search(name)]
            number = targets[int(share * len(targets))]
            if not seams[number - 1].startswith("before"):
                delay = 0
            crash = Crash("", situation, kill_at=number, delay=delay, spare=spare)
            yield crash, self.once(situation, crash)

    def random(self, seed: int, runs: int) -> Iterator[tuple[Crash, str]]:
        dice = random.Random(seed)
        for _turn in range(runs):
            situation = dice.choice(SITUATIONS)
            fault, share, main_only = dice.choice(FAULTS), dice.random(), dice.random() < 0.5
            # Drawn before the time is known, so that a seed always means the same sequence.
            moment = share * self.measure(situation)[1]
            crash = Crash("", situation, kill_after=moment, fault=fault or None, main_only=main_only)
            yield crash, self.once(situation, crash)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=100, help="runs killed at random moments")
    parser.add_argument("--aimed", action="store_true", help="kill them at key creation, store writes and deletions")
    parser.add_argument("--boundaries", action="store_true", help="also kill at every seam of every situation")
    parser.add_argument("--every", type=int, default=1, help="with --boundaries, at every n-th seam only")
    parser.add_argument("--way", choices=("role", "fleet"), default="role")
    parser.add_argument("--store", choices=sorted(STORES), default="vaulted_file")
    options = parser.parse_args()
    fresh = [f"fresh{number}" for number in range(120)]
    lost = done = 0
    with (
        tempfile.TemporaryDirectory() as folder,
        STORES[options.store](Path(folder)) as store,
        Simulator(tenants("north", *fresh)) as simulator,
        Ground(Path(folder), simulator, store=store) as ground,
    ):
        test = CrashTest(ground, fresh, playbook="onboard" if options.way == "fleet" else "")
        sources = [(test.aimed if options.aimed else test.random)(options.seed, options.runs)]
        if options.boundaries:
            sources.append(test.boundaries(SITUATIONS, options.every, 1 + options.seed % options.every))
        for source in sources:
            for crash, problem in source:
                done += 1
                lost += bool(problem)
                print(f"{done}: {crash}: {problem or 'as it should be'}", flush=True)
    print(
        f"{options.store}, {options.way}, seed {options.seed}: {done} runs killed ({test.killed} before they ended), "
        f"{lost} with a problem: {test.count}"
    )
    return int(bool(lost))


if __name__ == "__main__":
    raise SystemExit(main())
