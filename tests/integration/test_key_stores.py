# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A first key in each kind of store; tests/long has their whole lives, and their troubles."""

from __future__ import annotations

import json
import os
import subprocess

import pyrage
import pytest

from tests.keys.ground import VENDOR, Ground, tenants
from tests.keys.openbao import OpenBao
from tests.keys.stores import PLAIN, TENANT, commands_in, hashi_vault, optional_collections
from tests.simulator.client import Simulator


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    optional_collections()
    with Simulator(tenants(TENANT)) as simulator, Ground(tmp_path_factory.mktemp("stores"), simulator) as found:
        yield found


@pytest.fixture
def ground(whole):
    """With a tenant that has no key."""
    whole.forget(TENANT)
    whole.output()
    return whole


def test_hashi_vault(ground, tmp_path):
    with OpenBao(tmp_path / "bao") as bao:
        assert ground.run(TENANT, **hashi_vault(bao, bao.token("create", "read", "update"))) == 0, ground.output()
        assert not ground.problem(TENANT, bao.record(f"connectwise/{TENANT}/{VENDOR}"))


def test_sops(ground, tmp_path):
    identity = pyrage.x25519.Identity.generate()
    keyfile = tmp_path / "age.txt"
    keyfile.write_text(f"{identity}\n", encoding="utf-8")
    options = {"age": [str(identity.to_public())], "age_keyfile": str(keyfile)}
    store = {"integration_store": "sops", "integration_sops": options, "integration_store_settle": 0}
    assert ground.run(TENANT, **store) == 0, ground.output()
    file = ground.directory / "connectwise_keys" / TENANT / f"{VENDOR}.sops.json"
    decrypt = {**os.environ, "SOPS_AGE_KEY_FILE": str(keyfile)}
    done = subprocess.run(["sops", "-d", str(file)], env=decrypt, capture_output=True, check=True, timeout=60)
    assert not ground.problem(TENANT, json.loads(done.stdout))


def test_a_store_a_user_has_written(ground, tmp_path):
    store = {"integration_store": str(PLAIN), "plain_store_dir": str(tmp_path), "integration_store_settle": 0}
    assert ground.run(TENANT, **store) == 0, ground.output()
    record = json.loads((tmp_path / f"{TENANT}-{VENDOR}.json").read_text(encoding="utf-8"))
    assert not ground.problem(TENANT, record)


def test_command(ground, tmp_path):
    commands = commands_in(tmp_path)
    store = {"integration_store": "command", "integration_store_command": commands, "integration_store_settle": 0}
    assert ground.run(TENANT, **store) == 0, ground.output()
    assert not ground.problem(TENANT, json.loads((tmp_path / f"{TENANT}.{VENDOR}").read_text(encoding="utf-8")))


def test_no_store_makes_no_key(ground):
    assert ground.run(TENANT, integration_store="none") != 0
    assert "integration_return_key" in ground.output()
    assert ground.live_keys(TENANT) == []
