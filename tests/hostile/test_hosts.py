# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys and the host that they are bound to: extra variables that name another one, tenants that share a record."""

from __future__ import annotations

import json
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

from tests.playground import Played, Playground, inventory_of
from tests.simulator.client import Simulator

TENANTS: dict[str, Any] = {
    "sites": [{"name": "na"}],
    "tenants": [{"company_id": name, "site": "na", "profile": "extended"} for name in ("north", "europe")],
}
GIVEN = [{"member": "Umbrella", "public_key": "PublicHalf", "private_key": "PrivateHalf"}]


class Listener:
    """A host that is nobody's tenant. heard: the first bytes of each connection."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self.heard: list[bytes] = []
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def _listen(self) -> None:
        while True:
            try:
                connection, _peer = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(1)
                self.heard.append(b"connected")

    def __enter__(self) -> Listener:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        # Closing alone does not wake who accepts.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)


@pytest.fixture
def attacker() -> Iterator[Listener]:
    with Listener() as listening:
        yield listening


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with Simulator(TENANTS, tmp_path_factory.mktemp("psa")) as running:
        yield running


@pytest.fixture(scope="module")
def ground(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Playground:
    made = Playground(
        tmp_path_factory.mktemp("hosts") / "ground", simulator.ready, cw_integrations=["umbrella"], cw_retries=0
    )
    first = made.play("onboard", "--limit", "north")
    assert first.code == 0, first.output
    made.write(made.directory / "given.json", json.dumps(GIVEN))
    return made


def record(ground: Playground, tenant: str = "north") -> dict[str, Any]:
    vault = VaultLib([("default", VaultSecret(ground.passphrase.read_bytes()))])
    text = vault.decrypt((ground.directory / "connectwise_keys" / f"{tenant}.yml").read_bytes())
    found: dict[str, Any] = json.loads(text)["integrations"]["umbrella"]
    return found


def put(ground: Playground, tenant: str, record: dict[str, Any]) -> None:
    vault = VaultLib([("default", VaultSecret(ground.passphrase.read_bytes()))])
    path = ground.directory / "connectwise_keys" / f"{tenant}.yml"
    content = json.loads(vault.decrypt(path.read_bytes()))
    content["integrations"]["umbrella"] = record
    ground.write(path, vault.encrypt(json.dumps(content)).decode())


def refused(played: Played, attacker: Listener, home: str) -> None:
    assert attacker.heard == [], played.output
    assert played.code != 0, played.output
    said = " ".join(played.output.split())
    assert attacker.address in said
    assert home in said
    assert "nothing was sent" in said


PLAYBOOKS: list[tuple[str, dict[str, Any]]] = [
    ("audit", {}),
    ("onboard", {}),
    ("rotate_keys", {}),
    ("offboard", {}),
    ("key_report", {}),
    ("store_key", {"cw_keys_file": "given.json"}),
    ("finish", {"cw_keys_file": "given.json"}),
    ("doctor", {}),
    ("learn_routes", {}),
    ("first_key", {"cw_first_public_key": "PublicHalf", "cw_first_private_key": "PrivateHalf"}),
]


@pytest.mark.parametrize(("playbook", "extra"), PLAYBOOKS, ids=[name for name, _extra in PLAYBOOKS])
def test_no_playbook_sends_keys_to_the_host_of_an_extra_variable(
    simulator: Simulator, ground: Playground, attacker: Listener, playbook: str, extra: dict[str, Any]
) -> None:
    if playbook == "first_key":
        extra = {**extra, "cw_first_key_replace": True}
    if "cw_keys_file" in extra:
        extra = {"cw_keys_file": str(ground.directory / "given.json")}
    before = record(ground)
    # An override is the inventory's to give, and a confirmation is about the inventory's own host.
    more = {"cw_allow_host_override": True, "cw_confirm": "host-moved", "cw_validate_certs": False}
    host = f"https://{attacker.address}"
    played = ground.play(playbook, "--limit", "north", cw_host=host, **more, **extra)
    refused(played, attacker, simulator.ready["tenants"]["north"]["host"])
    assert record(ground) == before
    # The other tests work with the keys of the inventory.
    shutil.rmtree(ground.directory / "host_vars", ignore_errors=True)


@pytest.mark.parametrize("playbook", ["audit", "doctor"])
def test_no_tenant_passes_for_another_one(ground: Playground, attacker: Listener, playbook: str) -> None:
    """An override is that of one tenant."""
    before = ground.inventory.read_text(encoding="utf-8")
    inventory = json.loads(before)
    inventory["all"]["hosts"]["europe"].update(cw_allow_host_override=True)
    ground.write(ground.inventory, json.dumps(inventory))
    played = ground.play(playbook, "--limit", "north", inventory_hostname="europe", cw_host=attacker.address)
    ground.write(ground.inventory, before)
    assert attacker.heard == [], played.output
    assert played.code != 0, played.output
    assert "extra variables set inventory_hostname" in " ".join(played.output.split())


MODULES = [
    {"msp.connectwise.cw_tenant_info": {}},
    {"msp.connectwise.cw_tenant_info": {}, "vars": {"cw_in_process": False}},
    {"msp.connectwise.cw_tenant_info": {}, "vars": {"cw_host": "{{ elsewhere }}"}},
    {"msp.connectwise.cw_tenant_info": {"host": "{{ elsewhere }}"}},
    {
        "msp.connectwise.cw_tenant_info": {},
        "module_defaults": {"group/msp.connectwise.psa": {"host": "{{ elsewhere }}"}},
    },
    {"msp.connectwise.cw_access_check": {"store": {"record": "umbrella"}}},
    {"msp.connectwise.cw_table_setup": {"role": "Umbrella", "allow": [], "store": {"record": "umbrella"}}},
    {
        "msp.connectwise.cw_integration_info": {
            "member": {"identifier": "Umbrella"},
            "key_public": "p",
            "key_private": "q",
        }
    },
    {
        "msp.connectwise.cw_api_key": {
            "member": "Umbrella",
            "description": "Umbrella",
            "vendor": "umbrella",
            "store": "vaulted_file",
        }
    },
    {"msp.connectwise.cw_integration_look": {"vendor": "umbrella"}},
]


@pytest.mark.parametrize("named", [True, False], ids=["the inventory names a host", "the inventory names none"])
def test_no_module_sends_keys_there(
    simulator: Simulator, ground: Playground, attacker: Listener, tmp_path: Path, named: bool
) -> None:
    other = Playground(tmp_path / "other", simulator.ready)
    inventory = json.loads(ground.inventory.read_text(encoding="utf-8"))
    if not named:
        del inventory["all"]["hosts"]["north"]["cw_host"]
    inventory["all"]["vars"]["integration_store_dir"] = str(ground.directory / "connectwise_keys")
    other.write(other.inventory, json.dumps(inventory))
    other.write(other.passphrase, ground.passphrase.read_text(encoding="utf-8"))
    tasks = [{**task, "register": f"r{number}", "ignore_errors": True} for number, task in enumerate(MODULES)]
    failed = " and ".join(f"r{number} is failed" for number in range(len(MODULES)))
    results = ", ".join(f"r{number}.msg" for number in range(len(MODULES)))
    last = {"ansible.builtin.assert": {"that": failed, "fail_msg": "{{ [" + results + "] }}"}}
    book = other.directory / "book.yml"
    book.write_text(json.dumps([{"hosts": "north", "gather_facts": False, "tasks": [*tasks, last]}]), encoding="utf-8")
    elsewhere = {"cw_host": attacker.address, "elsewhere": attacker.address, "cw_allow_host_override": True}
    played = other.play(book, **elsewhere)
    assert attacker.heard == [], played.output
    assert played.code == 0, played.output
    assert played.output.count("nothing was sent") >= len(MODULES), played.output


def test_whoever_brings_host_and_keys_works_with_them(simulator: Simulator, ground: Playground, tmp_path: Path) -> None:
    """An inventory that names neither has nothing to protect."""
    host = inventory_of(simulator.ready)["all"]["hosts"]["north"]
    ground = Playground(tmp_path / "ground", {**simulator.ready, "tenants": {}})
    ground.write(ground.inventory, json.dumps({"all": {"hosts": {"anybody": {"ansible_connection": "local"}}}}))
    book = ground.directory / "book.yml"
    play = {"hosts": "anybody", "gather_facts": False, "tasks": [{"msp.connectwise.cw_tenant_info": {}}]}
    book.write_text(json.dumps([play]), encoding="utf-8")
    brought = {**host, "cw_ca_path": simulator.ready["ca"]}
    played = ground.play(book, **brought)
    assert played.code == 0, played.output
    # A key of the environment is not theirs to send.
    del brought["cw_private_key"]
    played = ground.play(book, env={"CW_PRIVATE_KEY": host["cw_private_key"]}, **brought)
    assert "the inventory names no host" in " ".join(played.output.split())
    assert played.code != 0


def test_a_tenant_that_has_moved_is_confirmed_once(simulator: Simulator, ground: Playground) -> None:
    """The same server by another name: to the inventory that is another host."""
    inventory = json.loads(ground.inventory.read_text(encoding="utf-8"))
    before = record(ground)
    old = simulator.ready["tenants"]["north"]["host"]
    new = old.replace("localhost", "127.0.0.1")
    assert before["host"] == old != new
    inventory["all"]["hosts"]["north"]["cw_host"] = f"https://{new.upper()}/"
    ground.write(ground.inventory, json.dumps(inventory))
    simulator.clear_journal()
    played = ground.play("audit", "--limit", "north")
    assert played.code != 0
    said = " ".join(played.output.split())
    assert f"belongs to the host {old}, and the inventory names {new}" in said
    assert "--limit north -e cw_confirm=host-moved" in said
    # Of two tenants none is meant.
    assert ground.play("onboard", cw_confirm="host-moved").code != 0
    assert record(ground) == before
    assert not [
        one for one in simulator.journal(tenant="north") if one["public_key"] == before["current"]["public_key"]
    ]
    moved = ground.play("onboard", "--limit", "north", cw_confirm="host-moved")
    assert moved.code == 0, moved.output
    assert f"stored key bound to the host {new}" in moved.output
    write = {"host": "", "version": 0, "revision": ""}
    assert {**record(ground), **write} == {**before, **write}
    assert record(ground)["host"] == new
    assert ground.play("audit", "--limit", "north").code == 0


@contextmanager
def two_of_one_company(directory: Path) -> Iterator[tuple[Simulator, Simulator]]:
    one = {"sites": TENANTS["sites"], "tenants": TENANTS["tenants"][:1]}
    with Simulator(one, directory / "first") as first, Simulator(one, directory / "second") as second:
        yield first, second


def test_two_tenants_of_one_company_id_and_one_record_do_not_exchange_keys(tmp_path: Path) -> None:
    with two_of_one_company(tmp_path) as (first, second):
        ground = Playground(tmp_path / "ground", first.ready)
        hosts = {
            name: {**inventory_of(psa.ready)["all"]["hosts"]["north"], "cw_ca_path": psa.ready["ca"]}
            for name, psa in (("first", first), ("second", second))
        }
        shared = {"ansible_connection": "local", "cw_integrations": ["umbrella"], "integration_store_tenant": "shared"}
        ground.write(ground.inventory, json.dumps({"all": {"vars": shared, "hosts": hosts}}))
        assert ground.play("onboard", "--limit", "first").code == 0
        held = record(ground, "shared")
        for playbook, extra in (("audit", {}), ("onboard", {"integration_heal": True}), ("offboard", {})):
            second.clear_journal()
            played = ground.play(playbook, "--limit", "second", **extra)
            assert played.code != 0, played.output
            assert f"belongs to the host {hosts['first']['cw_host']}" in " ".join(played.output.split())
            assert [one for one in second.journal() if one["status"] == 401] == []
        assert record(ground, "shared") == held
        # As an older version wrote it, it is the first one's all the same.
        del held["host"]
        put(ground, "shared", held)
        second.clear_journal()
        for playbook, extra in (("audit", {}), ("onboard", {})):
            both = ground.play(playbook, **extra)
            assert both.code != 0, both.output
            assert "first and second have different hosts and one record" in " ".join(both.output.split())
        assert second.journal() == []
        healed = ground.play("onboard", "--limit", "second", integration_heal=True)
        assert healed.code != 0, healed.output
        assert "names no host" in " ".join(healed.output.split())
        assert record(ground, "shared") == held
        assert ground.play("audit", "--limit", "first").code == 0
        assert record(ground, "shared") == held
        bound = ground.play("onboard", "--limit", "first")
        assert bound.code == 0, bound.output
        assert record(ground, "shared")["host"] == hosts["first"]["cw_host"]
        again = ground.play("onboard", "--limit", "first")
        assert (again.code, "bound to the host" in again.output) == (0, False)
