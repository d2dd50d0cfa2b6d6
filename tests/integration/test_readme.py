# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What README.md prints is typed as it stands, from the build to the audit, and its figures are measured.

A comment before each code block says how it is run:
    file NAME    written to a file
    clone        run by a shell in a copy of the sources
    run          run by a shell beside the files; the collection is the one that was installed
A comment `not rehearsed: REASON` is the way out.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.playground import TENANTS, VENDORS, Playground
from tests.simulator.client import Simulator
from tools import workspace

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(
    r"(?:^<!-- (?P<how>[^\n]+) -->\n)?^```(?P<language>\w*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)
LIMIT = 280.0  # seconds
# Simulated tenants in the place of the real ones: addresses, and what a person would paste.
STAND_IN = 'ansible-playbook() { command ansible-playbook "$@" -e @"$SIMULATED"; }\n'


@pytest.fixture(scope="module")
def simulator():
    with Simulator(TENANTS) as running:
        yield running


def cloned(place):
    """Make a clone in which these files are committed."""
    workspace.copy_to(place, repository=True)
    person = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.com"]
    subprocess.run(["git", *person, "commit", "--quiet", "-m", "All of it"], cwd=place, check=True)


class Reader:
    """Somebody who types what the README says."""

    def __init__(self, directory, ready):
        self.directory, self.sources = directory / "here", directory / "sources"
        self.directory.mkdir()
        cloned(self.sources)
        tenants = ready["tenants"]
        simulated = {"cw_ca_path": ready["ca"]}
        sources = {
            "cw_host": "host",
            "cw_client_id": "client_id",
            "cw_first_public_key": "public_key",
            "cw_first_private_key": "private_key",
        }
        for variable, key in sources.items():
            values = {name: tenant[key] for name, tenant in tenants.items()}
            simulated[variable] = f"{{{{ {values!r}[inventory_hostname] }}}}"
        # The addresses of the README are nobody's.
        (self.directory / "group_vars").mkdir()
        Playground.write(self.directory / "group_vars" / "all.json", json.dumps({"cw_allow_host_override": True}))
        self.simulated = Playground.write(directory / "simulated.json", json.dumps(simulated))
        self.collections = directory / "collections"

    def shell(self, body, directory):
        environment = {
            **os.environ,
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_COLLECTIONS_PATH": str(self.collections),
            "SIMULATED": str(self.simulated),
        }
        return subprocess.run(
            ["bash", "-e", "-c", STAND_IN + body],
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )

    def file(self, name, body):
        (self.directory / name).write_text(body, encoding="utf-8")

    def clone(self, _argument, body):
        done = self.shell(body, self.sources)
        assert done.returncode == 0, done.stdout + done.stderr

    def run(self, _argument, body):
        done = self.shell(body, self.directory)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def reader(simulator, tmp_path_factory):
    """What is there after somebody has typed all of it."""
    reader = Reader(tmp_path_factory.mktemp("readme"), simulator.ready)
    for match in BLOCK.finditer(README):
        kind, _colon, what = match["how"].partition(": ")
        if kind == "rehearse":
            verb, _space, argument = what.partition(" ")
            getattr(reader, verb)(argument, match["body"])
    return reader


def reports(directory):
    found = [
        json.loads(path.read_text(encoding="utf-8")) for path in (directory / "connectwise_reports").glob("*/*.json")
    ]
    return {(entry["tenant"], entry["vendor"]): entry for entry in found if "vendor" in entry}


def test_every_block_says_how_it_is_run():
    found = list(BLOCK.finditer(README))
    assert len(found) * 2 == README.count("```")
    for match in found:
        assert re.match(r"(rehearse: (file \S+|clone|run)|not rehearsed: .+)$", match["how"] or ""), match["body"]


@pytest.mark.timeout(900)
def test_what_is_printed_does_what_is_said(reader, simulator):
    found = reports(reader.directory)
    assert {(tenant, vendor): entry["status"] for (tenant, vendor), entry in found.items()} == {
        ("north", "zofiq"): "ready",
        ("north", "umbrella"): "ready",
        ("onprem", "zofiq"): "pending",
        ("onprem", "umbrella"): "pending",
    }
    secrets = [tenant["private_key"] for tenant in simulator.ready["tenants"].values()]
    for path in reader.directory.rglob("*"):
        if path.is_file():
            assert not [one for one in secrets if one in path.read_text(encoding="utf-8")], path
    kept = (reader.directory / "host_vars" / "north.yml").read_text(encoding="utf-8")
    assert re.findall(r"^(\w+): !vault \|$", kept, re.MULTILINE) == ["cw_public_key", "cw_private_key"]


@pytest.mark.timeout(900)
def test_what_is_said_of_exit_codes_and_undoing(reader, simulator):
    start = "export ANSIBLE_VAULT_PASSWORD_FILE=$PWD/vault-passphrase\nansible-playbook msp.connectwise."
    drift = re.search(r"`-e ('[^`]*cw_fail_on[^`]*')`", README)[1]
    simulator.edit(
        "north",
        {"op": "set_levels", "role": "Umbrella", "module": "Companies", "function": "Contacts", "levels": "All"},
    )
    assert reader.shell(f"{start}audit -i inventory.yml --limit north", reader.directory).returncode == 0
    assert reader.shell(f"{start}audit -i inventory.yml --limit north -e {drift}", reader.directory).returncode == 2
    simulator.faults({"fault": "status", "status": 503, "tenant": "north"})
    unreachable = reader.shell(f"{start}onboard -i inventory.yml --limit north -e cw_retries=0", reader.directory)
    simulator.clear_faults()
    assert unreachable.returncode == 2
    assert reader.shell(f"{start}onbord -i inventory.yml", reader.directory).returncode == 1
    undo = re.search(r"\*\*Undo\*\*: `offboard ([^`]+)`", README)[1]
    done = reader.shell(f"{start}offboard -i inventory.yml {undo}", reader.directory)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not simulator.role("north", "Umbrella")["permissions"]
    assert simulator.role("north", "zofiQ Sec Role")["permissions"]
    assert not simulator.state("north")["keys"].get("Umbrella")


def kept_in_git(reader):
    """What git takes of a reader who has the README's lines in .gitignore."""
    lines = re.search(r"^Lines for your `.gitignore`: (.*)\.$", README, re.MULTILINE)[1]
    patterns = "".join(f"{pattern}\n" for pattern in re.findall(r"`([^`]+)`", lines))
    (reader.directory / ".gitignore").write_text(patterns, encoding="utf-8")
    try:
        return set(reader.shell("git init -q; git ls-files -o --exclude-standard", reader.directory).stdout.split()) - {
            ".gitignore"
        }
    finally:
        shutil.rmtree(reader.directory / ".git")
        (reader.directory / ".gitignore").unlink()


@pytest.mark.timeout(900)
def test_typed_in_the_clone_itself_nothing_of_it_is_built_or_committed(reader, tmp_path):
    clone = tmp_path / "clone"
    cloned(clone)
    shutil.copytree(reader.directory, clone, dirs_exist_ok=True)
    made = {str(path.relative_to(reader.directory)) for path in reader.directory.rglob("*") if path.is_file()}
    assert {"vault-passphrase", "host_vars/north.yml", "connectwise_keys/north.yml"} <= made
    assert kept_in_git(reader) == {
        "inventory.yml",
        "group_vars/all.json",
        "host_vars/north.yml",
        "host_vars/onprem.yml",
    }
    added = reader.shell("git add -A; git ls-files", clone)
    assert not made & set(added.stdout.splitlines())
    (clone / "playbooks" / "a name of nobody's list.yml").write_text("private", encoding="utf-8")
    commands = next(match["body"] for match in BLOCK.finditer(README) if match["how"] == "rehearse: clone")
    plainly = "ansible-galaxy collection build --force --output-path plain\n"
    done = reader.shell(commands + plainly, clone)
    assert done.returncode == 0, done.stderr
    for folder in ("build", "plain"):
        (tarball,) = (clone / folder).glob("*.tar.gz")
        with tarfile.open(tarball) as tar:
            assert not made & set(tar.getnames())
            assert ("playbooks/a name of nobody's list.yml" in tar.getnames()) is (folder == "plain")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("profile", ["published", "extended"])
def test_figures_are_as_measured(profile, tmp_path):
    tenants = {"sites": [{"name": "na"}], "tenants": [{"company_id": "north", "site": "na", "profile": profile}]}
    with Simulator(tenants, tmp_path / "simulator") as simulator:
        ground = Playground(tmp_path / "here", simulator.ready, cw_integrations=VENDORS)
        assert ground.play("onboard").code == 0
        calls = len(simulator.journal())
        steps = {vendor: entry["manual_steps"] for vendor, entry in ground.reports()["north"].items()}
        made = simulator.operator("north", [step for found in steps.values() for step in found])
        if made:
            assert ground.store_keys("north", made).code == 0
            assert ground.play("onboard").code == 0
        assert set(ground.statuses("north").values()) == {"ready"}
        simulator.clear_journal()
        assert ground.play("onboard").code == 0
        unchanged = simulator.journal()
    first, extended, later = map(
        int, re.search(r"at most (\d+) calls .*?\((\d+) if .*? at most (\d+), none", README, re.DOTALL).groups()
    )
    assert calls <= (first if profile == "published" else extended)
    assert len(unchanged) <= later
    assert {entry["method"] for entry in unchanged} <= {"GET", "HEAD"}
    if profile == "published":
        for vendor, found in steps.items():
            kinds = [step["kind"] for step in found]
            words = f"{kinds.count('role_permission')} rows?, (?:{kinds.count('customize_list')} lists?, )?1 key"
            assert re.search(rf"`{vendor}` \| role, API member \| {len(found)} steps: {words} \|", README), kinds
        assert f"All five: {sum(map(len, steps.values()))} steps" in README
