# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A first key in each kind of store; tests/long has their whole lives, and their troubles."""

from __future__ import annotations

import json

import pytest

from tests.keys.ground import VENDOR, Ground, tenants
from tests.keys.stores import PLAIN, STORES, TENANT
from tests.simulator.client import Simulator

# Stores that are read for a whole fleet at once, without a task for every tenant.
LOOKED_AT = {"vaulted_file", "hashi_vault", "sops"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    with Simulator(tenants(TENANT)) as simulator, Ground(tmp_path_factory.mktemp("stores"), simulator) as found:
        yield found


@pytest.fixture
def ground(whole):
    """With a tenant that has no key."""
    whole.forget(TENANT)
    whole.output()
    return whole


@pytest.mark.parametrize("name", sorted(STORES))
def test_a_first_key_and_an_unchanged_fleet(ground, name):
    with STORES[name](ground.directory) as store:
        variables = store.variables if store else {}
        assert ground.run(TENANT, **variables) == 0, ground.output()
        assert not ground.problem(TENANT, store.record(TENANT) if store else None)

        order = ground.order(TENANT, cw_integrations=[VENDOR], **variables)
        order["arguments"][0] = "msp.connectwise.onboard"
        ground.output()
        codes = ground.runner.run(order)
        output = ground.output()
    assert codes == [0], output
    assert ("Compare the tenant with the profile" not in output) == (name in LOOKED_AT)


def test_a_store_a_user_has_written(ground, tmp_path):
    store = {"integration_store": str(PLAIN), "plain_store_dir": str(tmp_path), "integration_store_settle": 0}
    assert ground.run(TENANT, **store) == 0, ground.output()
    record = json.loads((tmp_path / f"{TENANT}-{VENDOR}.json").read_text(encoding="utf-8"))
    assert not ground.problem(TENANT, record)


def test_no_store_makes_no_key(ground):
    assert ground.run(TENANT, integration_store="none") != 0
    assert "integration_return_key" in ground.output()
    assert ground.live_keys(TENANT) == []
