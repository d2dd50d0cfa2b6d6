# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotating every key of three tenants, while five vendors on each keep using what the store calls their current key."""

from __future__ import annotations

import threading
import time

import pytest

from tests.keys.ground import Ground, tenants
from tests.playground import VENDORS
from tests.simulator.client import Simulator

TENANTS = ["north", "south", "west"]


class Vendors(threading.Thread):
    """Reads the store and uses the keys in it, over and over, as vendors do that take them from there."""

    def __init__(self, ground):
        super().__init__(daemon=True)
        self.ground, self.ended = ground, threading.Event()
        self.uses, self.changes, self.refused, self.trouble = 0, 0, [], []
        self.last = {}

    def current(self, tenant):
        return {name: record["current"] for name, record in self.ground.records(tenant).items()}

    def use(self, tenant, name, key):
        self.uses += 1
        if self.ground.works(tenant, key):
            self.changes += self.last.get((tenant, name), key["public_key"]) != key["public_key"]
            self.last[tenant, name] = key["public_key"]
        elif self.current(tenant)[name]["public_key"] == key["public_key"]:
            # Replaced between our reading and our use would be no outage; this is one.
            self.refused.append((tenant, name, key["public_key"]))

    def run(self):
        try:
            while not self.ended.is_set():
                for tenant in TENANTS:
                    for name, key in self.current(tenant).items():
                        self.use(tenant, name, key)
                    self.ended.wait(0.02)
        except Exception as problem:  # a thread's own failure must fail the test
            self.trouble.append(repr(problem))


def play(ground, playbook):
    """The exit status of one of the collection's own playbooks on all tenants."""
    ground.output()
    order = ground.order("all", kill_after=1500)
    order["arguments"][0] = f"msp.connectwise.{playbook}"
    return ground.runner.run(order)[0]


@pytest.mark.timeout(3600)
def test_no_moment_without_a_working_key(tmp_path):
    with (
        Simulator(tenants(*TENANTS)) as simulator,
        Ground(tmp_path, simulator, cw_integrations=VENDORS) as ground,
    ):
        assert play(ground, "onboard") == 0, ground.output()[-3000:]
        before = {tenant: ground.records(tenant) for tenant in TENANTS}
        assert {len(records) for records in before.values()} == {len(VENDORS)}
        simulator.clear_journal()

        vendors = Vendors(ground)
        vendors.start()
        started = time.monotonic()
        code = play(ground, "rotate_keys")
        seconds = time.monotonic() - started
        vendors.ended.set()
        vendors.join(timeout=60)
        assert code == 0, ground.output()[-3000:]

        after = {tenant: ground.records(tenant) for tenant in TENANTS}
        journal = simulator.journal()

    assert not vendors.trouble
    assert not vendors.refused
    number = sum(len(records) for records in before.values())
    assert vendors.uses > number
    for tenant in TENANTS:
        for name, record in after[tenant].items():
            assert record["current"]["public_key"] != before[tenant][name]["current"]["public_key"]
            assert not {"next", "retired"} & set(record)
    # The journal's own word: each new key was used with success before the old one of its member was deleted.
    deletions = [entry for entry in journal if entry["method"] == "DELETE" and "apikeys" in entry["path"].lower()]
    assert len(deletions) == number
    proven = {}
    for entry in journal:
        if entry["public_key"] and entry["status"] == 200:
            proven.setdefault((entry["tenant"], entry["public_key"]), entry["n"])
    new = {(tenant, r["current"]["public_key"]) for tenant in TENANTS for r in after[tenant].values()}
    assert new <= set(proven)
    for tenant in TENANTS:
        born = sorted(proven[pair] for pair in new if pair[0] == tenant)
        died = sorted(entry["n"] for entry in deletions if entry["tenant"] == tenant)
        # One integration after the other on a tenant: the n-th deletion follows the n-th proof.
        assert all(first < last for first, last in zip(born, died, strict=True))
    print(f"{number} keys rotated in {seconds:.0f} s under {vendors.uses} uses, none refused")
