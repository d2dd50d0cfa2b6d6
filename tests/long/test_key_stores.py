# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every key store holds to the one contract: real OpenBao, real sops with age, a command, none, and a user's own."""

from __future__ import annotations

import json
import subprocess
import threading
import time

import pyrage
import pytest

from tests.keys.ground import VENDOR, Ground, tenants
from tests.keys.openbao import OpenBao
from tests.keys.stores import GUIDE, STORES, TENANT, guide_store, hashi_vault, live_through, optional_collections
from tests.simulator.client import Simulator


@pytest.fixture(scope="module", autouse=True)
def collections():
    optional_collections()


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    directory = tmp_path_factory.mktemp("stores")
    with Simulator(tenants(TENANT)) as simulator, Ground(directory, simulator) as found:
        yield found


@pytest.fixture
def bare(ground):
    """The ground with a tenant that has no key."""
    ground.forget(TENANT)
    ground.output()
    return ground


@pytest.fixture(scope="module")
def bao(tmp_path_factory):
    with OpenBao(tmp_path_factory.mktemp("bao")) as server:
        yield server


def test_hashi_vault(bare, bao):
    path = f"connectwise/{TENANT}/{VENDOR}"
    token = bao.token("create", "read", "update")
    live_through(bare, lambda: bao.record(path), **hashi_vault(bao, token))
    *older, newest = sorted(bao.versions(path).items(), key=lambda item: int(item[0]))
    assert older
    assert all(version["deletion_time"] for _number, version in older)
    assert bao.record(path) == {"removed": True}
    assert not newest[1]["deletion_time"]


def test_hashi_vault_begins_anew_after_an_offboarding_at_a_path_of_ones_own(bare, bao):
    where = {**hashi_vault(bao), "integration_hashi_vault_path": "psa/{{ integration_store_tenant }}-umbrella"}
    bao.call("POST", "secret/data/psa/north-umbrella", {"data": {"removed": True}})
    assert bare.run(TENANT, **where) == 0, bare.output()
    assert not bare.problem(TENANT, bao.record("psa/north-umbrella"))


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ("sealed", "the server is sealed"),
        ("stopped", "the server cannot be reached"),
        ("denied", "permission denied"),
        ("read_only", "permission denied"),
    ],
)
def test_hashi_vault_in_trouble_makes_no_key_and_says_why(bare, bao, trouble, said):
    rights = {"denied": ["list"], "read_only": ["read"]}.get(trouble)
    where = hashi_vault(bao, bao.token(*rights) if rights else None)
    where["integration_hashi_vault_path"] = f"trouble/{trouble}/{{{{ integration_store_tenant }}}}"
    {"sealed": bao.seal, "stopped": bao.stop}.get(trouble, lambda: None)()
    try:
        assert bare.run(TENANT, **where) != 0
    finally:
        {"sealed": bao.unseal, "stopped": bao.restart}.get(trouble, lambda: None)()
    output = bare.output()
    assert said in output
    assert "What to do" in output
    assert bare.live_keys(TENANT) == []
    assert bare.run(TENANT, **hashi_vault(bao), integration_hashi_vault_path=f"trouble/{trouble}/north") == 0
    assert not bare.problem(TENANT, bao.record(f"trouble/{trouble}/north"))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("trouble", ["sealed", "restarted", "denied"])
def test_hashi_vault_in_trouble_just_when_the_key_is_made(bare, bao, trouble):
    """The key exists, and the store does not take it: it is deleted again, or by the next run."""
    token = bao.token("create", "read", "update")
    where = {**hashi_vault(bao, token), "integration_hashi_vault_path": f"middle/{trouble}/north"}
    bare.simulator.faults({"fault": "slow", "ms": 3000, "method": "POST", "path": "apiKeys"})
    codes = []
    run = threading.Thread(target=lambda: codes.append(bare.run(TENANT, **where)), daemon=True)
    run.start()
    end = time.monotonic() + 200
    while not bare.simulator.fault_hits()[0]["hits"]:
        assert time.monotonic() < end
        time.sleep(0.05)
    if trouble == "sealed":
        bao.seal()
    elif trouble == "restarted":
        bao.stop()
    else:
        bao.call("POST", "auth/token/revoke", {"token": token})
    run.join(timeout=300)
    bare.simulator.clear_faults()
    output = bare.output()
    {"sealed": bao.unseal, "restarted": bao.restart}.get(trouble, lambda: None)()
    assert codes[0] != 0, output
    assert "was deleted again" in output
    assert bare.live_keys(TENANT) == []
    where["integration_hashi_vault"]["token"] = bao.root
    assert bare.run(TENANT, **where) == 0, bare.output()
    assert not bare.problem(TENANT, bao.record(f"middle/{trouble}/north"))


def test_sops(bare):
    file = bare.directory / "connectwise_keys" / TENANT / f"{VENDOR}.sops.json"
    with STORES["sops"](bare.directory) as store:

        def record():
            found = store.record(TENANT)
            if found:
                assert file.stat().st_mode & 0o777 == 0o600
                assert found["current"]["private_key"] not in file.read_text(encoding="utf-8")
            return found

        live_through(bare, record, **store.variables)


def test_sops_with_another_age_key_says_so_and_changes_nothing(bare, tmp_path):
    keyfile = tmp_path / "age.txt"
    file = bare.directory / "connectwise_keys" / TENANT / f"{VENDOR}.sops.json"
    ours, others = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    file.parent.mkdir(parents=True, exist_ok=True)
    encrypt = ["sops", "encrypt", "--age", str(ours.to_public()), "--filename-override", "x.json", "/dev/stdin"]
    done = subprocess.run(encrypt, input=b'{"current": {}}', capture_output=True, check=True, timeout=60)
    file.write_bytes(done.stdout)
    keyfile.write_text(f"{others}\n", encoding="utf-8")
    options = {"age": [str(others.to_public())], "age_keyfile": str(keyfile)}
    assert bare.run(TENANT, integration_store="sops", integration_sops=options) != 0
    output = bare.output()
    assert "cannot be read" in output
    assert "integration_sops.age_keyfile" in output
    assert file.read_bytes() == done.stdout
    assert bare.live_keys(TENANT) == []
    file.unlink()


def test_command(bare):
    with STORES["command"](bare.directory) as store:
        commands = store.variables["integration_store_command"]
        commands["write"][2] = f"ps -ewwo args > '{bare.directory}/processes' && {commands['write'][2]}"
        live_through(bare, lambda: store.record(TENANT), **store.variables)
    shown = (bare.directory / "processes").read_text(encoding="utf-8")
    assert "runner.py" in shown
    assert "private_key" not in shown


def test_a_command_that_fails_makes_no_key(bare):
    commands = {"read": ["sh", "-c", "echo locked >&2; exit 3"], "write": ["false"], "delete": ["false"]}
    assert bare.run(TENANT, integration_store="command", integration_store_command=commands) != 0
    output = bare.output()
    assert "the command that reads (sh)" in output
    assert "it ended with exit code 3" in output
    # What it says may quote the record.
    assert "locked" not in output.replace("echo locked", "")
    assert bare.live_keys(TENANT) == []


def test_no_store_makes_no_key(bare):
    assert bare.run(TENANT, integration_store="none") != 0
    assert "integration_return_key" in bare.output()
    assert bare.live_keys(TENANT) == []


def test_no_store_returns_the_key_when_told_to(bare):
    play = bare.directory / "returned.yml"
    play.write_text(
        bare.play_file.read_text(encoding="utf-8")
        + """
    - ansible.builtin.copy:
        content: "{{ connectwise_returned_keys | to_json }}"
        dest: "{{ playbook_dir }}/returned.json"
        mode: "0600"
      no_log: true
""",
        encoding="utf-8",
    )
    order = bare.order(TENANT, integration_store="none", integration_return_key=True)
    order["arguments"][0] = str(play)
    assert bare.runner.run(order) == [0], bare.output()
    returned = bare.directory / "returned.json"
    assert not bare.problem(TENANT, json.loads(returned.read_text(encoding="utf-8"))[VENDOR])
    returned.unlink()


def test_a_store_a_user_has_described(bare):
    """The one of the guide, in full."""
    lines = GUIDE.read_text(encoding="utf-8").partition("   integration_store:\n     place:")[2].partition("\n\n")[0]
    assert len(lines.splitlines()) <= 20
    with STORES["described"](bare.directory) as store:

        def record():
            for file in (bare.directory / "by_description").iterdir():
                assert file.stat().st_mode & 0o777 == 0o600
            return store.record(TENANT)

        live_through(bare, record, **store.variables)


def test_a_described_store_in_trouble_makes_no_key_and_says_why(bare, tmp_path):
    place = tmp_path / "in the way"
    place.write_text("no directory", encoding="utf-8")
    assert bare.run(TENANT, **guide_store(place)) != 0
    output = " ".join(bare.output().split())
    assert f"{place}/{TENANT}-{VENDOR}.json" in output
    assert "What to do" in output
    assert bare.live_keys(TENANT) == []
