# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first key of a tenant: told, pasted without an echo, kept encrypted beside the inventory, tried."""

from __future__ import annotations

import base64
import json
import os
import pty
import select
import subprocess
import time

import pytest
import yaml

from tests.playground import FIRST_MEMBER as MEMBER
from tests.playground import Playground, first_key_by_hand
from tests.simulator.client import Simulator

TENANTS = {
    "sites": [{"name": "na", "kind": "cloud", "region": "NA"}],
    "tenants": [{"company_id": name, "site": "na", "profile": "published"} for name in ("north", "south")],
}
LIMIT = 120.0  # seconds
AT_NORTH = ("--limit", "north")


@pytest.fixture(scope="module")
def simulator():
    with Simulator(TENANTS) as running:
        yield running


@pytest.fixture(scope="module")
def key(simulator):
    """What a person has who did the clicks: role, lists, member and key by hand, at a tenant that offers no more."""
    made = first_key_by_hand(simulator, "north")
    return {"public": made["publicKey"], "private": made["privateKey"]}


@pytest.fixture(scope="module")
def another_key(simulator, key):
    assert key
    step = {"kind": "create_key", "member": MEMBER, "member_type": "api", "description": "Another"}
    (made,) = simulator.operator("north", [step])
    return {"public": made["publicKey"], "private": made["privateKey"]}


@pytest.fixture
def ground(simulator, tmp_path):
    """An inventory as it is before there is any key."""
    ground = Playground(tmp_path / "here", simulator.ready)
    inventory = json.loads(ground.inventory.read_text(encoding="utf-8"))
    for variables in inventory["all"]["hosts"].values():
        del variables["cw_public_key"], variables["cw_private_key"]
    ground.write(ground.inventory, json.dumps(inventory))
    return ground


def given(ground, key, **more):
    text = yaml.safe_dump({"cw_first_public_key": key["public"], "cw_first_private_key": key["private"], **more})
    return ("-e", f"@{ground.write(ground.directory / 'pasted.yml', text)}")


def play(ground, key, *arguments, **options):
    played = ground.play("first_key", *AT_NORTH, *given(ground, key), *arguments, **options)
    assert key["private"] not in played.output
    return played


def held(ground):
    """The tenant's variables as a task sees them."""
    names = ("cw_public_key", "cw_private_key", "notes")
    shown = f"{{{{ {{{', '.join(f'{name!r}: {name} | default(none)' for name in names)}}} | to_json | b64encode }}}}"
    vault = ["--vault-password-file", ground.passphrase]
    command = ["ansible", "north", "-i", ground.inventory, *vault, "-m", "ansible.builtin.debug", "-a", f"msg={shown}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=True)
    return json.loads(base64.b64decode(json.loads(done.stdout.partition("=>")[2])["msg"]))


def at_a_terminal(ground, answers):
    """Run the playbook at a terminal, answer what it asks, and return its exit status and all that was shown."""
    command = ["ansible-playbook", "msp.connectwise.first_key", "-i", str(ground.inventory), *AT_NORTH]
    command += ["--vault-password-file", str(ground.passphrase), "-vvvv"]
    ours, theirs = pty.openpty()
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "1"}
    process = subprocess.Popen(
        command,
        cwd=ground.directory,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        start_new_session=True,
    )
    os.close(theirs)
    shown, asked, end = b"", list(answers), time.monotonic() + LIMIT
    try:
        while time.monotonic() < end:
            if not select.select([ours], [], [], 1)[0]:
                continue
            try:
                shown += os.read(ours, 65536)
            except OSError:  # the terminal is closed: the run has ended
                break
            if asked and shown.endswith(f"{asked[0][0]}: ".encode()):
                os.write(ours, f"{asked.pop(0)[1]}\n".encode())
        return process.wait(timeout=60), shown.decode()
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_asked_for_at_a_terminal_and_never_shown(ground, key):
    prompt = "{} key (paste it; nothing is shown)"
    answers = [(prompt.format("Public"), f" {key['public']}"), (prompt.format("Private"), f"{key['private']} ")]
    code, shown = at_a_terminal(ground, answers)
    assert code == 0, shown
    assert "click +, enter the Role ID" in shown
    assert key["private"] not in shown
    assert "--limit north --check --diff" in shown.rpartition("msp.connectwise.onboard -i inventory.json")[2]
    end = shown.partition("PLAY RECAP")[0].rpartition("Show the summary]")[2]
    assert "1 tenant: kept" in end
    assert "File:    host_vars/north.yml" in end
    found = held(ground)
    assert (found["cw_public_key"], found["cw_private_key"]) == (key["public"], key["private"])
    path = ground.directory / "host_vars" / "north.yml"
    assert path.stat().st_mode & 0o777 == 0o600
    assert key["private"] not in path.read_text(encoding="utf-8")
    # From here on every playbook works with it.
    assert ground.play("doctor", *AT_NORTH).code == 0


def test_from_a_lookup(ground, key):
    pair = {f"cw_first_{kind}_key": f"{{{{ lookup('ansible.builtin.env', 'A_{kind}') }}}}" for kind in key}
    played = ground.play("first_key", *AT_NORTH, env={f"A_{kind}": one for kind, one in key.items()}, **pair)
    assert played.code == 0, played.output
    assert held(ground)["cw_private_key"] == key["private"]


def test_what_a_file_holds_stays(ground, key):
    path = ground.directory / "host_vars" / "north.yml"
    path.parent.mkdir()
    before = "---\n# ours\ncw_integrations: [petra] # for now one\nnotes: |\n  one\n\n  two\n"
    path.write_text(before, encoding="utf-8")
    assert play(ground, key, "--check").code == 0
    assert path.read_text(encoding="utf-8") == before
    assert play(ground, key).code == 0
    after = path.read_text(encoding="utf-8")
    assert after.startswith(before)
    assert held(ground)["notes"] == "one\n\ntwo\n"
    # Once more: nothing is to be done.
    assert play(ground, key).changed == 0
    assert path.read_text(encoding="utf-8") == after


def test_keys_that_work_make_room_only_for_others_that_do_and_stay_beside_them(ground, key, another_key):
    path = ground.directory / "host_vars" / "north.yml"
    assert play(ground, key).code == 0
    kept = path.read_text(encoding="utf-8")
    assert "add -e cw_first_key_replace=true" in play(ground, another_key).output
    wrong = {"public": "wrongwrongwrong1", "private": "wrongwrongwrong2"}
    swapped = {"public": another_key["private"], "private": another_key["public"]}
    for pair, said in ((wrong, "nothing was written"), (swapped, "the two halves are swapped")):
        refused = play(ground, pair, cw_first_key_replace=True)
        assert refused.code != 0
        assert said in " ".join(refused.output.split()), refused.output
        assert [one.name for one in path.parent.iterdir()] == ["north.yml"]
        assert path.read_text(encoding="utf-8") == kept
    done = play(ground, another_key, cw_first_key_replace=True)
    assert done.code == 0, done.output
    assert held(ground)["cw_private_key"] == another_key["private"]
    (backup,) = (one for one in path.parent.iterdir() if one != path)
    assert (backup.read_text(encoding="utf-8"), backup.stat().st_mode & 0o777) == (kept, 0o600)
    assert f"as it was before: {backup}" in done.output


def test_a_file_encrypted_as_a_whole_stays_so(ground, key):
    path = ground.directory / "host_vars" / "north.yml"
    path.parent.mkdir()
    path.write_text("other: secret\n", encoding="utf-8")
    vault = ["--vault-password-file", ground.passphrase, path]
    subprocess.run(["ansible-vault", "encrypt", *vault], check=True, capture_output=True, timeout=LIMIT)
    assert play(ground, key).code == 0
    seen = subprocess.run(["ansible-vault", "view", *vault], check=True, capture_output=True, text=True, timeout=LIMIT)
    assert seen.stdout.startswith("other: secret\ncw_public_key: ")
    assert held(ground)["cw_private_key"] == key["private"]


def test_a_folder_of_variables(ground, key):
    folder = ground.directory / "host_vars" / "north"
    folder.mkdir(parents=True)
    (folder / "vault.yml").write_text("cw_private_key: theirs\n", encoding="utf-8")
    refused = play(ground, key)
    assert refused.code != 0
    assert "vault.yml holds cw_private_key already" in refused.output
    (folder / "vault.yml").write_text("other: 1\n", encoding="utf-8")
    assert play(ground, key).code == 0
    assert (folder / "connectwise_key.yml").is_file()
    assert held(ground)["cw_private_key"] == key["private"]


@pytest.mark.parametrize(
    ("options", "arguments", "said"),
    [
        ({"env": {"AWX_PRIVATE_DATA_DIR": "GROUND"}}, AT_NORTH, "lies in the private folder of this AWX job"),
        ({"passphrase": False}, AT_NORTH, "there is no vault passphrase to encrypt the keys with"),
        ({}, (), "the keys of one tenant are pasted at a time, and this run has 2: north, south"),
        ({}, AT_NORTH, "no public key was given"),
        # Before anybody makes and pastes keys that could not be tried.
        ({}, (*AT_NORTH, "-e", "cw_client_id=abc"), 'client_id \\"abc\\" cannot be sent, because it is no GUID'),
        ({}, (*AT_NORTH, "-e", "cw_first_public_key=a", "-e", "{cw_first_private_key: 'b c'}"), "has blanks"),
        ({}, (*AT_NORTH, "-e", "cw_first_public_key=a cw_first_private_key=a"), "are the same"),
    ],
)
def test_refused_before_anything_is_written(simulator, ground, options, arguments, said):
    simulator.clear_journal()
    if "env" in options:
        options = {"env": {name: str(ground.directory) for name in options["env"]}}
    played = ground.play("first_key", *arguments, **options)
    assert played.code != 0
    assert said in " ".join(played.output.split()), played.output
    assert simulator.journal() == []
    before = played.output.partition("PLAY RECAP")[0].rstrip().splitlines()
    assert [line for line in before if line.startswith("Next:    ")] == before[-1:], played.output
    assert "first_key" in before[-1]
    assert not (ground.directory / "host_vars").exists()
