# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A person has done the clicks of a work order, and types the keys where `finish` asks for them."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.playground import Played, Playground
from tests.simulator.client import Simulator
from tests.terminal.person import CTRL_C, Session, at_a_terminal

MEMBER = "Petra API"
NAMES = ("north", "south", "east", "shelved", "away", "west")
TENANTS = {
    "sites": [{"name": "na", "kind": "cloud", "region": "NA"}],
    "tenants": [{"company_id": name, "site": "na", "profile": "published"} for name in NAMES],
}
# A store that modules of another collection write.
SHELF = {
    "place": "the shelf, <tenant>/<name>",
    "read": {"lookup": "ansible.builtin.file", "terms": ["SHELF/<tenant>.json"], "missing": "could not|not found"},
    "write": {
        "module": "ansible.builtin.lineinfile",
        "arguments": {"path": "SHELF/<tenant>.json", "line": "<json>", "regexp": "^", "create": True, "mode": "0600"},
    },
    "delete": {"module": "ansible.builtin.file", "arguments": {"path": "SHELF/<tenant>.json", "state": "absent"}},
}


class Place:
    """Tenants whose work orders are done but for the keys, which were made and copied. keys: tenant -> its keys."""

    def __init__(self, simulator: Simulator, directory: Path) -> None:
        self.simulator = simulator
        self.ground = Playground(directory, simulator.ready, cw_integrations=["petra"])
        inventory = json.loads(self.ground.inventory.read_text(encoding="utf-8"))
        hosts = inventory["all"]["hosts"]
        hosts["east"]["cw_integrations"] = ["petra", "zofiq"]
        (directory / "shelf").mkdir(mode=0o700)
        shelf = json.loads(json.dumps(SHELF).replace("SHELF", str(directory / "shelf")))
        hosts["shelved"].update(integration_store=shelf, integration_store_settle=0)
        hosts["away"]["cw_in_process"] = False
        self.ground.write(self.ground.inventory, json.dumps(inventory))
        played = self.ground.play("onboard")
        assert played.code == 0, played.output
        self.keys: dict[str, list[dict[str, Any]]] = {}
        for tenant, found in self.ground.reports().items():
            steps = [step for entry in found.values() for step in entry["manual_steps"]]
            assert any(step["kind"] == "create_key" for step in steps)
            self.keys[tenant] = simulator.operator(tenant, steps)
        simulator.clear_journal()

    def key(self, tenant: str, number: int = 0) -> tuple[str, str]:
        made = self.keys[tenant][number]
        return made["publicKey"], made["privateKey"]

    def type(
        self, tenant: str, *answers: tuple[str, str], playbook: str = "finish", more: tuple[str, ...] = ()
    ) -> Session:
        found = at_a_terminal(self.ground, playbook, answers, "--limit", tenant, *more)
        self.unseen(found.screen)
        assert found.hidden
        return found

    def play(self, tenant: str, *arguments: str, **extra: Any) -> Played:
        # As a shell sets it.
        env = {"PWD": str(self.ground.directory)}
        played = self.ground.play("finish", "--limit", tenant, *arguments, env=env, **extra)
        self.unseen(played.output)
        return played

    def unseen(self, text: str) -> None:
        """Neither half of any key is shown."""
        for keys in self.keys.values():
            for made in keys:
                assert made["publicKey"] not in text
                assert made["privateKey"] not in text

    def stored(self, tenant: str) -> bool:
        return (self.ground.directory / "connectwise_keys" / f"{tenant}.yml").exists()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with Simulator(TENANTS) as simulator:
        yield Place(simulator, tmp_path_factory.mktemp("terminal") / "ground")


def halves(pair: tuple[str, str], name: str = MEMBER) -> list[tuple[str, str]]:
    """What is asked for, and what is typed."""
    return [(f"Public key of {name}", pair[0]), (f"Private key of {name}", pair[1])]


def test_typed_keys_are_stored_verified_and_handed_over_in_the_same_run(place: Place) -> None:
    found = place.type("south", *halves(place.key("south")))
    assert found.code == 0, found.screen
    assert "The tenant takes the key of Petra" in found.screen
    assert place.ground.statuses("south") == {"petra": "ready"}
    assert place.stored("south")
    entry = place.ground.reports()["south"]["petra"]
    assert entry["key"]["public_key"] == place.key("south")[0]
    assert entry["handover"]


WRONG = ("wrongwrongwrong1", "wrongwrongwrong2")


def test_halves_that_the_tenant_does_not_take_are_told_at_once_and_never_stored(place: Place) -> None:
    public, private = place.key("north")
    typed = [*halves(WRONG), *halves((private, public)), *halves((public, f"{private[:-1]}!"))]
    found = place.type("north", *typed)
    assert found.code != 0
    assert found.screen.count("Petra API (Petra) on north: the tenant refuses this key") == 2
    assert "Petra API (Petra) on north: the two halves are swapped; type the public key first" in found.screen
    assert "was not stored: the tenant says it is refused" in found.screen
    assert not place.stored("north")


def test_an_empty_answer_leaves_a_key_out(place: Place) -> None:
    found = place.type("north", ("Public key of Petra", ""))
    assert found.code == 0, found.screen
    assert "Petra API (Petra) on north is left out" in found.screen
    assert (place.ground.statuses("north"), place.stored("north")) == ({"petra": "pending"}, False)


def test_an_interrupt_stores_nothing(place: Place) -> None:
    public, _private = place.key("north")
    found = place.type("north", ("Public key of Petra", public), ("Private key of Petra", CTRL_C))
    assert found.code != 0
    assert "interrupted while keys were typed; nothing was stored" in found.screen
    assert (place.ground.statuses("north"), place.stored("north")) == ({"petra": "pending"}, False)


def test_a_wrong_key_of_one_member_does_not_lose_that_of_another(place: Place) -> None:
    good = halves(place.key("east", 1), "zofiQ")
    found = place.type("east", *halves(WRONG), *halves(WRONG), *halves(WRONG), *good)
    assert found.code != 0
    assert place.stored("east")
    # What is stored is not asked for again, although no report says so yet.
    found = place.type("east", *halves(place.key("east")))
    assert found.code == 0, found.screen
    assert place.ground.statuses("east") == {"petra": "ready", "zofiq": "ready"}


def test_a_store_of_another_collection_takes_what_is_typed(place: Place) -> None:
    found = place.type("shelved", *halves(place.key("shelved")))
    assert found.code == 0, found.screen
    record = json.loads((place.ground.directory / "shelf" / "shelved.json").read_text(encoding="utf-8"))
    assert record["current"]["public_key"] == place.key("shelved")[0]
    assert place.ground.statuses("shelved") == {"petra": "ready"}


def test_a_tenant_that_is_left_to_tasks_is_not_asked_for_in_vain(place: Place) -> None:
    # The key of the other is pasted with the ends of lines around it.
    public, private = place.key("west")
    typed = [("Public key of Petra", f"{public}\r\n\r\n{private}"), ("Private key of Petra", f"{private}\r\n")]
    found = place.type("west,away", *typed)
    assert found.code == 0, found.screen
    assert found.echoes_again
    assert "Not asked for: Petra API (Petra) on away" in found.screen
    assert "still differs" not in found.screen
    assert "nothing was asked" not in found.screen
    assert place.ground.statuses("west") == {"petra": "ready"}
    assert place.ground.statuses("away") == {"petra": "pending"}


def test_a_job_is_not_asked_for_nobody_answers(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWX_ISOLATED_DATA_DIR", str(place.ground.directory / "artifacts"))
    found = at_a_terminal(place.ground, "finish", (), "--limit", "away,north")
    assert found.code != 0
    assert "nothing was asked and nothing was done, and these keys are waited for: " in found.screen
    assert "Petra API on north" in found.screen


def test_a_mistyped_member_beside_a_tenant_left_to_tasks_is_told(place: Place) -> None:
    file = place.ground.directory / "mistyped.yml"
    public, private = place.key("north")
    key = {"member": "Petra APl", "public_key": public, "private_key": private}
    place.ground.write(file, yaml.safe_dump([{"tenant": "north", **key}]))
    link = place.ground.directory / "link.yml"
    link.symlink_to(file)
    for more in ({"tenant": "north"}, {}):
        place.ground.write(file, yaml.safe_dump([{**more, **key}]))
        done = place.ground.play("store_key", "--limit", "away,north", cw_keys_file=str(link))
        place.unseen(done.output)
        assert done.code != 0
        assert "Delete: " not in done.output
        assert "Petra APl" in done.output
    key["member"] = MEMBER
    away, secret = place.key("away")
    keys = [{"tenant": "away", "member": MEMBER, "public_key": away, "private_key": secret}]
    place.ground.write(file, yaml.safe_dump(keys))
    done = place.ground.play("store_key", "--limit", "away,north", cw_keys_file=str(link))
    assert done.code == 0, done.output
    assert f"and they are stored now: rm {shlex.quote(str(file))}" in done.output


def test_swapped_halves_in_a_file_are_told_and_not_stored(place: Place) -> None:
    public, private = place.key("north")
    key = {"member": MEMBER, "public_key": private, "private_key": public}
    file = place.ground.write(place.ground.directory / "swapped.yml", yaml.safe_dump([key]))
    found = place.type("north", playbook="store_key", more=("-e", f"cw_keys_file={file.name}"))
    assert found.code != 0
    assert "the two halves of the key of Petra API are swapped, and nothing was stored" in found.screen
    # It is needed once more.
    assert "Delete: " not in found.screen
    assert not place.stored("north")


def test_without_a_terminal_the_file_to_write_is_told_and_works_as_told(place: Place) -> None:
    told = place.play("north")
    assert told.code != 0
    assert "nothing was asked and nothing was done, and these keys are waited for: Petra API on north" in told.output
    lines = told.output[told.output.index("\n---\n") + 1 :].splitlines()
    end = next(number for number, line in enumerate(lines) if line.startswith("Then run: "))
    (key,) = yaml.safe_load("\n".join(lines[:end]))
    assert (key["public_key"], key["private_key"]) == ("PUBLIC", "PRIVATE")
    key["public_key"], key["private_key"] = place.key("north")
    file = place.ground.directory / "keys.yml"
    file.write_text(yaml.safe_dump([key]), encoding="utf-8")
    file.chmod(0o644)
    assert lines[end].endswith("-e cw_keys_file=keys.yml")
    done = place.play("north", "-e", "cw_keys_file=keys.yml")
    assert done.code == 0, done.output
    assert place.ground.statuses("north") == {"petra": "ready"}
    assert "others can read it (mode 0644)" in " ".join(done.output.split())
    last = done.output.rpartition("PLAY [")[2]
    assert f"{file} holds private keys in clear text, and they are stored now: rm {shlex.quote(str(file))}" in last


def test_a_vaulted_file_may_stay(place: Place) -> None:
    public, private = place.key("north")
    key = {"member": MEMBER, "public_key": public, "private_key": private}
    file = place.ground.write(place.ground.directory / "vaulted.yml", yaml.safe_dump([key]))
    vault = ["ansible-vault", "encrypt", "--vault-password-file", str(place.ground.passphrase), str(file)]
    subprocess.run(vault, check=True, capture_output=True, timeout=60)
    done = place.ground.play("store_key", "--limit", "north", cw_keys_file=str(file))
    assert done.code == 0, done.output
    assert "Delete: " not in done.output
