# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example of the documentation runs against simulated tenants: the EXAMPLES of the plugins and the guides.

In the guides a comment before each code block says how it is run; the blocks of a guide run in order in one directory:
    file NAME        written to a file
    tasks            run as tasks on the tenant north
    run              the lines that begin with $ are run by a shell; each has to succeed
    background FILE  the same, without waiting for the end, only for FILE; ended with the guide
    fails TEXT       like run, and each has to fail and say TEXT
A comment `not rehearsed: REASON` is the way out.
"""

from __future__ import annotations

import ast
import json
import os
import re
import signal
import subprocess
import textwrap
import time
from pathlib import Path

import pytest
import yaml

from tests.awx.ground import Repository, inventory, project
from tests.awx.server import Awx
from tests.playground import TENANTS, Playground
from tests.simulator.client import Simulator

ROOT = Path(__file__).resolve().parents[2]
GUIDES = sorted((ROOT / "docs" / "docsite" / "rst").glob("*.rst"))
BLOCK = re.compile(
    r"(?:^\.\. (?P<how>(?:not )?rehearsed?: [^\n]+)\n)?^\.\. code-block:: (?P<language>[^\n]+)\n\n"
    r"(?P<body>(?:(?: +[^\n]*)?\n)+)",
    re.MULTILINE,
)
CONNECTION = ("host", "company_id", "public_key", "private_key", "client_id")
START_LIMIT = 180.0  # seconds


def environment(**more):
    return {**os.environ, "ANSIBLE_NOCOLOR": "1", "PYTHONPATH": str(ROOT), **more}


def blocks(text):
    """(how, language, contents) of each code block."""
    for match in BLOCK.finditer(text + "\n"):
        yield match["how"] or "", match["language"].strip(), textwrap.dedent(match["body"]).strip("\n") + "\n"


def commands(body):
    return [line[2:] for line in re.sub(r"\\\n\s*", "", body).splitlines() if line.startswith("$ ")]


class Guide:
    """A reader who does what a guide says, in a directory of their own."""

    def __init__(self, directory, simulator):
        self.ground = Playground(directory, simulator.ready)
        self.directory = directory
        self.passphrase = directory / "vault-passphrase"
        self.running = []
        north = simulator.ready["tenants"]["north"]
        Playground.write(directory / "private-key.txt", north["private_key"])
        Playground.write(directory / "passphrase", self.passphrase.read_text(encoding="utf-8"))
        inventory = {
            "all": {"vars": {"ansible_connection": "local", "cw_integrations": ["umbrella"]}, "hosts": {"north": {}}}
        }
        self.file("inventory.yml", yaml.safe_dump(inventory))
        # A guide's inventory names the real product; what stands in host_vars wins over it.
        (directory / "host_vars").mkdir()
        for name, tenant in simulator.ready["tenants"].items():
            variables = {
                f"cw_{key}": tenant[key] for key in ("host", "company_id", "public_key", "private_key", "client_id")
            }
            variables["cw_ca_path"] = simulator.ready["ca"]
            Playground.write(directory / "host_vars" / f"{name}.json", json.dumps(variables))

    def shell(self, command):
        return subprocess.run(
            ["bash", "-c", command],
            cwd=self.directory,
            env=environment(ANSIBLE_VAULT_PASSWORD_FILE=str(self.passphrase)),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    def file(self, argument, body):
        path = self.directory / argument
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body, encoding="utf-8")

    def tasks(self, _argument, body):
        play = [{"name": "Tasks of a guide", "hosts": "north", "gather_facts": False, "tasks": yaml.safe_load(body)}]
        path = self.directory / "tasks.yml"
        path.write_text(yaml.safe_dump(play, sort_keys=False), encoding="utf-8")
        played = self.ground.play(path, "--limit", "north")
        assert played.code == 0, f"{body}\n{played.output}"

    def run(self, _argument, body):
        assert commands(body)
        for command in commands(body):
            done = self.shell(command)
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"

    def fails(self, argument, body):
        assert commands(body)
        for command in commands(body):
            done = self.shell(command)
            assert done.returncode != 0, f"{command}\n{done.stdout}"
            assert argument in " ".join((done.stdout + done.stderr).split())

    def background(self, argument, body):
        for command in commands(body):
            process = subprocess.Popen(
                ["bash", "-c", f"exec {command}"], cwd=self.directory, env=environment(), stdin=subprocess.DEVNULL
            )
            self.running.append(process)
        end = time.monotonic() + START_LIMIT
        while not (self.directory / argument).exists():
            assert time.monotonic() < end, f"{argument} did not come"
            assert self.running[-1].poll() is None, body
            time.sleep(0.05)
        # From here on the guide's own tenants count.
        for path in (self.directory / "host_vars").iterdir():
            path.unlink()

    def close(self):
        for process in self.running:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


@pytest.fixture
def simulator(tmp_path):
    """Tenants nobody has worked on: a guide begins with them, and so does its reader."""
    with Simulator(TENANTS, tmp_path / "simulator") as running:
        yield running


def test_every_block_of_every_guide_is_accounted_for():
    assert GUIDES
    for guide in GUIDES:
        text = guide.read_text(encoding="utf-8")
        found = list(blocks(text))
        assert len(found) == len(re.findall(r"code-block::|^\s*::\s*$", text, re.MULTILINE)), (
            f"{guide.name}: a block is not read"
        )
        for how, language, body in found:
            if language == "text":
                continue
            assert how, f"{guide.name}: nothing says how to rehearse\n{body}"
            kind, _colon, what = how.partition(": ")
            assert kind in ("rehearse", "not rehearsed"), how
            if kind == "rehearse":
                assert what.split()[0] in ("file", "tasks", "run", "fails", "background"), how


@pytest.mark.timeout(600)
@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_guide(guide, simulator, tmp_path):
    reader = Guide(tmp_path / "here", simulator)
    try:
        for how, _language, body in blocks(guide.read_text(encoding="utf-8")):
            kind, _colon, what = how.partition(": ")
            if kind == "rehearse":
                verb, _space, argument = what.partition(" ")
                getattr(reader, verb)(argument, body)
    finally:
        reader.close()


def documented():
    """Name of each plugin -> its examples as tasks."""
    found = {}
    for folder in ("modules", "filter"):
        for path in sorted((ROOT / "plugins" / folder).glob("*.py")):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "EXAMPLES":
                    found[path.stem] = yaml.safe_load(ast.literal_eval(node.value))
        for path in sorted((ROOT / "plugins" / folder).glob("*.yml")):
            found[path.stem] = yaml.safe_load(yaml.safe_load(path.read_text(encoding="utf-8"))["EXAMPLES"])
    return found


def arguments(task):
    return next((value or {} for name, value in task.items() if name.startswith("msp.connectwise.")), {})


def in_order(examples):
    """What makes something first, in the order in which one needs the other, then the rest; what takes it away last."""
    first = ("cw_security_role", "cw_table_setup", "cw_api_member", "cw_api_key")
    names = [*first, *(name for name in examples if name not in first)]
    tasks = [(name, task) for name in names for task in examples[name] if "hosts" not in task]
    kept = [task for _name, task in tasks if arguments(task).get("state") != "absent"]
    gone = [task for _name, task in reversed(tasks) if arguments(task).get("state") == "absent"]
    return [*kept, *gone]


def vendor(examples):
    """The key that the examples speak of: it can do what the example of cw_access_check asks, and no more."""
    (asked,) = (arguments(task) for task in examples["cw_access_check"])
    lists = [
        {"msp.connectwise.cw_table_setup": {"role": "Vendor", "function": function, **wanted}}
        for function, wanted in asked["customize"].items()
    ]
    return [
        {
            "msp.connectwise.cw_security_role": {
                "name": "Vendor",
                "permissions": asked["permissions"],
                "exclusive": True,
            }
        },
        *lists,
        {
            "msp.connectwise.cw_api_member": {
                "identifier": "Vendor",
                "name": "Vendor",
                "security_role": "Vendor",
                "level": "top",
            }
        },
        {"msp.connectwise.cw_api_key": {"member": "Vendor", "description": "Vendor"}, "register": "vendor"},
        {
            "ansible.builtin.set_fact": {
                "vendor_public_key": "{{ vendor.api_key.public_key }}",
                "vendor_private_key": "{{ vendor.api_key.private_key }}",
            }
        },
    ]


@pytest.fixture
def awx(tmp_path, monkeypatch):
    """One that is as the examples about AWX have it."""
    (tmp_path / "awx").mkdir()
    with Awx(tmp_path / "awx") as server:
        server.credential("key store", "Vault", vault_password="x")
        repository = Repository(tmp_path / "repository", "all:\n  hosts:\n    north:\n")
        inventory(server, project(server, "ConnectWise project", repository), "ConnectWise tenants")
        monkeypatch.setenv("CONTROLLER_HOST", server.address)
        monkeypatch.setenv("CONTROLLER_OAUTH_TOKEN", "token-of-root")
        yield server


def test_examples_of_the_plugins(simulator, awx, tmp_path):
    examples = documented()
    assert set(examples) >= {path.stem for path in (ROOT / "plugins" / "modules").glob("cw_*.py")}
    assert all(examples.values())
    # Learning takes a recording of what was prepared; tests/long/test_learned_routes.py makes one in a browser.
    tasks = [task for task in in_order(examples) if arguments(task).get("step") not in ("learn", "prove")]
    ground = Playground(tmp_path / "here", simulator.ready, cw_integrations=["umbrella"])
    path = tmp_path / "here" / "examples.yml"
    play = {"name": "Examples", "hosts": "north", "gather_facts": False, "tasks": [*vendor(examples), *tasks]}
    # Where the example of merging looks for the reports of three runs there is the one of the example before.
    for number in (1, 2, 3):
        (tmp_path / "here" / f"slice{number}").symlink_to(tmp_path / "here" / "connectwise_reports")
    # A copy of a vendor's page, as somebody has saved it.
    page = "Module,Function,Add,Edit,Delete,Inquire\nCompanies,Contacts,,,,All\n"
    (tmp_path / "here" / "page.html").write_text(page, encoding="utf-8")
    # Some examples are whole plays.
    plays = [entry for entries in examples.values() for entry in entries if "hosts" in entry]
    path.write_text(yaml.safe_dump([play, *plays], sort_keys=False), encoding="utf-8")
    # The example of a change of passphrases speaks of one with the id "new".
    (tmp_path / "here" / "new-passphrase").write_text("another", encoding="utf-8")
    played = ground.play(path, "--limit", "north", "--vault-id", "new@new-passphrase")
    assert played.code == 0, played.output
    assert played.recap["north"]["ok"] >= len(tasks)
