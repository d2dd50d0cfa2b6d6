# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A first key in each kind of store; tests/long has their whole lives, and their troubles."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.keys.ground import VENDOR, Ground, tenants
from tests.keys.stores import STORES, TENANT, guide_store
from tests.simulator.client import Simulator


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

        compared = f"Compare with the profile of {VENDOR}"
        assert compared in ground.output()
        code = ground.run(TENANT, playbook="onboard", **variables)
        output = ground.output()
        assert code == 0, output
        # Every store is read for a whole fleet at once, without a task for the tenant.
        assert compared not in output
        assert "1 ready" in output

        # A prediction reads the store too, and writes nothing.
        before = ground.record(TENANT) if store is None else store.record(TENANT)
        order = ground.order(TENANT, integration_rotate=True, **variables)
        order["arguments"].append("--check")
        assert ground.runner.run(order) == [0], ground.output()
        assert "changed=1" in ground.output()
        assert (ground.record(TENANT) if store is None else store.record(TENANT)) == before


FILES = {
    "vaulted_file": f"connectwise_keys/{TENANT}.yml",
    "sops": f"connectwise_keys/{TENANT}/{VENDOR}.sops.json",
    "command": f"by_command/{TENANT}.{VENDOR}",
    "described": f"by_description/{TENANT}-{VENDOR}.json",
}


@pytest.mark.parametrize("name", sorted(FILES))
def test_an_empty_file_is_damage_and_not_a_missing_record(ground, name):
    """It is what a write leaves that was cut short: the key that works is not given up for a new one."""
    with STORES[name](ground.directory) as store:
        variables = store.variables if store else {}
        (ground if store is None else store).forget(TENANT)
        assert ground.run(TENANT, **variables) == 0, ground.output()
        (key,) = ground.live_keys(TENANT)
        file = ground.directory / FILES[name]
        whole = file.read_bytes()
        file.write_bytes(b"")
        ground.output()
        assert ground.run(TENANT, **variables) > 0, ground.output()
        output = " ".join(ground.output().split())
        assert "damaged" in output
        assert "from a backup" in output
        assert ground.live_keys(TENANT) == [key]
        file.write_bytes(whole)
        assert ground.run(TENANT, **variables) == 0, ground.output()
        (ground if store is None else store).forget(TENANT)


@pytest.mark.parametrize("playbook", ["", "onboard"])
def test_a_store_that_quotes_the_record_is_not_quoted(ground, playbook):
    """On a read it quotes the live key, on a write the new one; neither is shown or in a report."""
    with STORES["command"](ground.directory) as store:
        commands = store.variables["integration_store_command"]
        store.forget(TENANT)
        assert ground.run(TENANT, **store.variables) == 0, ground.output()
        quoted = ground.directory / "quoted"
        secrets = [store.record(TENANT)["current"]["private_key"]]
        record = f"{ground.directory}/by_command/{TENANT}.{VENDOR}"
        made = '*\'"state": "created"\'*'
        aloud = {
            "read": f"cat '{record}' >&2; exit 3",
            # The intent is written; the record with the new key is not.
            "write": f"text=$(cat); case $text in {made}) echo \"$text\" | tee '{quoted}' >&2; exit 3;; esac; "
            f"echo \"$text\" > '{record}'",
        }
        for operation, script in aloud.items():
            told = {**store.variables, "integration_store_command": {**commands, operation: ["sh", "-c", script]}}
            assert ground.run(TENANT, playbook=playbook, **{**told, "integration_rotate": True}) > 0, operation
            output = " ".join(ground.output().split())
            assert f"the command that {operation}s (sh) failed" in output
            secrets += [json.loads(quoted.read_text())["next"]["private_key"]] if quoted.exists() else []
            reports = (ground.directory / "connectwise_reports").rglob("*")
            shown = output + "".join(file.read_text(encoding="utf-8") for file in reports if file.is_file())
            assert not [secret for secret in secrets if secret in shown]
        assert len(secrets) == 2
        quoted.unlink()
        store.forget(TENANT)


def test_a_store_that_a_user_describes_in_a_file(ground, tmp_path):
    file = tmp_path / "store.yml"
    file.write_text(yaml.safe_dump(guide_store(tmp_path)["integration_store"]), encoding="utf-8")
    assert ground.run(TENANT, playbook="onboard", integration_store=str(file), integration_store_settle=0) == 0
    record = yaml.safe_load((tmp_path / f"{TENANT}-{VENDOR}.json").read_text(encoding="utf-8"))
    assert not ground.problem(TENANT, record)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"reed": {}}, "has the unknown word reed; did you mean read?"),
        (
            {"write": {"module": "ansible.builtin.no_such_module"}},
            "write failed: ansible.builtin.no_such_module is not installed",
        ),
        ({"read": {"lookup": "no.such.lookup"}}, "the lookup no.such.lookup is not installed"),
    ],
)
def test_a_description_that_does_not_work_makes_no_key_and_says_why(ground, tmp_path, change, said):
    store = {**guide_store(tmp_path)["integration_store"], **change}
    assert ground.run(TENANT, integration_store=store) != 0
    assert said in " ".join(ground.output().split())
    assert ground.live_keys(TENANT) == []


def test_no_store_makes_no_key(ground):
    assert ground.run(TENANT, integration_store="none") != 0
    assert "integration_return_key" in ground.output()
    assert ground.live_keys(TENANT) == []
