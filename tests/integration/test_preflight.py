# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cannot be completed is not begun: nothing is sent that changes a tenant, by either way, also in check mode."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import Run, World
from tests.playground import Playground

VENDOR = "umbrella"
LONG = "NineteenCharacters1"


@dataclass(frozen=True)
class Wrong:
    """A host whose variables cannot work. says: what the message names. role: whether the role's tasks see it too."""

    host: str
    variables: dict[str, Any]
    says: tuple[str, ...]
    role: bool = True
    company: str = ""


FILE = "{{ inventory_dir }}/inventory.json"
WRONG = [
    Wrong("nostore", {"integration_store_dir": f"{FILE}/keys"}, ("inventory.json/keys",)),
    Wrong(
        "noreports",
        {"integration_report_dir": f"{FILE}/reports"},
        ("reports cannot be written to", "remove the file"),
    ),
    # A folder that takes no file, not even from root.
    Wrong(
        "readonly",
        {"integration_report_dir": "/sys/connectwise_reports"},
        ("reports cannot be written to /sys/connectwise_reports (", "or set integration_report_dir to another place"),
    ),
    Wrong("longname", {"umbrella_member": {"identifier": LONG, "name": "Long"}}, ("umbrella_member.identifier", "15")),
    Wrong(
        "mistyped",
        {"umbrella_permissions": {"Companies": {"Contacts": {"inquire": "Al"}}}},
        ("umbrella_permissions.Companies.Contacts.inquire", "All"),
    ),
    Wrong("norow", {"umbrella_permissions": {"Companies": {"Contcts": {"inquire": "All"}}}}, ("Contcts", "Contacts")),
    Wrong(
        "noreference",
        {"umbrella_member": {"identifier": "Umbrella", "name": "Umbrella", "board": "Hepl Desk"}},
        ("Hepl Desk", "Help Desk"),
    ),
    Wrong("shared1", {}, ("shared1 and shared2 are one company",), role=False, company="shared1"),
    Wrong("shared2", {}, ("shared1 and shared2 are one company",), role=False, company="shared1"),
    Wrong(
        "colliding",
        {"cw_integrations": [VENDOR, "petra"], "petra_role_name": "Umbrella"},
        ('umbrella and petra would share the security role "Umbrella"', "petra_role_name"),
        role=False,
    ),
    Wrong("linked", {"integration_report_dir": "PLACE/linked"}, ("PLACE/linked is a symbolic link, and not a folder",)),
    Wrong("piped", {"integration_report_dir": "PLACE/piped"}, ("piped/umbrella.json is a named pipe",)),
    Wrong("pipedpage", {"integration_report_dir": "PLACE/pipedpage"}, ("pipedpage/fleet.json is a named pipe",)),
    *(
        Wrong(f"piped{name}", {"integration_report_dir": f"PLACE/piped{name}"}, (f"/{name} is a named pipe",))
        for name in ("fleet.html", "keys.html", "failed", "left")
    ),
    Wrong("pipedkeys", {"integration_store_dir": "PLACE/pipedkeys"}, ("pipedkeys.yml is a named pipe",)),
]
# What others have put there, where a run reads and writes.
PIPES = (
    *("piped/piped/umbrella.json", "pipedpage/fleet.json", "pipedkeys/pipedkeys.yml"),
    *("pipedfleet.html/fleet.html", "pipedkeys.html/keys.html", "pipedfailed/failed", "pipedleft/left"),
)
IN_AWX = "lies in the private folder of this AWX job"
ROLE = [{"hosts": "all", "gather_facts": False, "roles": [f"msp.connectwise.{VENDOR}"]}]
FLEET: list[dict[str, Any]] = [{"import_playbook": "msp.connectwise.onboard"}]


@dataclass
class Tried:
    """A run on every wrong host."""

    run: Run
    writes: list[dict[str, Any]]
    reports: Path

    def said(self, host: str) -> str:
        """What is told about a host, in the log or in its reports."""
        found = [json.loads(path.read_text(encoding="utf-8")) for path in self.reports.glob(f"{host}/*.json")]
        results = [json.dumps(one.result.get("msg")) for one in self.run.tasks if one.host == host and one.failed]
        return " ".join([*(str(one.get("error")) for one in found), *results])


class Preflight:
    def __init__(self, world: World, place: Path) -> None:
        self.world, self.place = world, place
        self.passphrase = Playground.write(place / "passphrase", "passphrase")
        (place / "elsewhere").mkdir()
        (place / "linked").symlink_to(place / "elsewhere")
        for pipe in PIPES:
            (place / pipe).parent.mkdir(parents=True, exist_ok=True)
            os.mkfifo(place / pipe)
        self.tried: dict[tuple[str, bool, bool], Tried] = {}

    def placed(self, value: Any) -> Any:
        return json.loads(json.dumps(value).replace("PLACE", str(self.place)))

    def in_awx(self, play: list[dict[str, Any]], *, check: bool) -> Tried:
        """A run in a job of AWX, with the key store and the reports in the job's own folder."""
        jobs = self.place / f"job {len(list(self.place.iterdir()))}"
        inventory = self.world.inventory(
            cw_integrations=[VENDOR],
            integration_report_dir=str(jobs / "reports"),
            integration_store_dir=str(jobs / "keys"),
        )
        arguments = ["--limit", "nopassphrase", "--vault-password-file", str(self.passphrase)]
        self.world.simulator.clear_journal()
        env = {"AWX_PRIVATE_DATA_DIR": str(jobs)}
        run = self.world.runner.run(play, inventory, *arguments, *(["--check"] if check else []), env=env)
        assert not (jobs / "keys").exists()
        return Tried(run, self.world.simulator.journal(writes=True), jobs / "reports")

    def run(self, way: str, *, check: bool, passphrase: bool = True) -> Tried:
        if (way, check, passphrase) not in self.tried:
            self.tried[way, check, passphrase] = self._run(way, check, passphrase)
        return self.tried[way, check, passphrase]

    def _run(self, way: str, check: bool, passphrase: bool) -> Tried:
        reports = self.place / f"reports {way} {check} {passphrase}"
        inventory = self.world.inventory(cw_integrations=[VENDOR], integration_report_dir=str(reports))
        hosts = inventory["all"]["hosts"]
        for wrong in WRONG:
            hosts[wrong.host] = {**hosts[wrong.company or wrong.host], **self.placed(wrong.variables)}
        # The same server by another name.
        hosts["shared2"]["cw_host"] = hosts["shared2"]["cw_host"].replace("localhost", "127.0.0.1")
        limit = [wrong.host for wrong in WRONG if wrong.role or way == "fleet"] if passphrase else ["nopassphrase"]
        arguments = ["--limit", ",".join(limit), *(["--check"] if check else [])]
        if passphrase:
            arguments += ["--vault-password-file", str(self.passphrase)]
        self.world.simulator.clear_journal()
        run = self.world.runner.run(FLEET if way == "fleet" else ROLE, inventory, *arguments)
        return Tried(run, self.world.simulator.journal(writes=True), reports)


@pytest.fixture(scope="module")
def world(make_world: Any, tmp_path_factory: pytest.TempPathFactory) -> Preflight:
    names = dict.fromkeys([*(wrong.company or wrong.host for wrong in WRONG), "nopassphrase"])
    tenants = [{"company_id": name, "site": "na"} for name in names]
    return Preflight(make_world({"sites": [{"name": "na"}], "tenants": tenants}), tmp_path_factory.mktemp("preflight"))


BOTH_WAYS = pytest.mark.parametrize("way", ["fleet", "role"])


@pytest.mark.timeout(600)
@pytest.mark.parametrize("check", [True, False])
@BOTH_WAYS
def test_nothing_is_written(world: Preflight, way: str, check: bool) -> None:
    tried = world.run(way, check=check)
    assert tried.run.code != 0, tried.run.output
    assert tried.writes == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("way", "wrong"),
    # The tasks of one role on one tenant see nothing of another role or tenant.
    [(way, wrong) for way in ("fleet", "role") for wrong in WRONG if way == "fleet" or wrong.role],
    ids=lambda one: one.host if isinstance(one, Wrong) else one,
)
def test_it_is_told_what_is_wrong(world: Preflight, way: str, check: bool, wrong: Wrong) -> None:
    tried = world.run(way, check=check)
    said = tried.said(wrong.host) if way == "role" else tried.run.output + tried.said(wrong.host)
    for part in world.placed(wrong.says):
        assert part in said, said[-3000:]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("check", [True, False])
@BOTH_WAYS
def test_without_a_passphrase_nothing_is_begun(world: Preflight, way: str, check: bool) -> None:
    tried = world.run(way, check=check, passphrase=False)
    assert tried.run.code != 0, tried.run.output
    assert "there is no vault passphrase" in tried.run.output
    assert tried.writes == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("check", [True, False])
@BOTH_WAYS
def test_in_a_job_of_awx_no_key_is_made_that_is_deleted_with_the_job(world: Preflight, way: str, check: bool) -> None:
    tried = world.in_awx(FLEET if way == "fleet" else ROLE, check=check)
    assert tried.run.code != 0, tried.run.output
    assert IN_AWX in tried.run.output
    assert "set integration_store_dir to a folder outside of the job's own" in tried.run.output
    assert way == "role" or "AWX deletes the reports in" in " ".join(tried.run.output.split())
    assert tried.writes == []


@pytest.mark.parametrize("check", [True, False])
def test_the_modules_that_store_keys_refuse_the_same(world: Preflight, check: bool) -> None:
    key = {"member": "Automation", "description": "A key", "store": {"record": "a"}}
    file = {"operation": "write", "name": "a", "record": {"a": 1}, "directory": "{{ integration_store_dir }}"}
    tasks = [{"msp.connectwise.cw_api_key": key, "ignore_errors": True}, {"msp.connectwise.cw_key_file": file}]
    tried = world.in_awx([{"hosts": "all", "gather_facts": False, "tasks": tasks}], check=check)
    refused = [one for one in tried.run.tasks if one.failed and IN_AWX in str(one.result.get("msg"))]
    assert len(refused) == 2, tried.run.output
    assert tried.writes == []
