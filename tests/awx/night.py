# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nights of three simulated tenants on AWX: what it sets up is launched there, a slice dies, a tenant leaves."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible.parsing.vault import VaultLib, VaultSecret

from tests.awx.ground import Repository, set_up
from tests.awx.jobs import LIMIT
from tests.awx.launch import Refusal
from tests.awx.runs import Run
from tests.awx.server import Awx
from tests.simulator.client import Simulator

MEMBER = "Petra API"
CLIENT_ID = "11111111-2222-3333-4444-555555555555"
PASSPHRASE = "passphrase-of-the-nights"
# The second offers no extension routes, so a person has to do something there. A name of digits is a name.
TENANTS = {
    "sites": [{"name": "na"}],
    "tenants": [
        {"company_id": "22", "site": "na", "client_ids": [CLIENT_ID]},
        {"company_id": "europe", "site": "na", "client_ids": [CLIENT_ID], "profile": "published"},
        {"company_id": "onprem", "site": "na", "client_ids": [CLIENT_ID]},
    ],
}
Runs = dict[str, list[Run]]


@dataclass
class Nights:
    """first: a slice of its onboarding dies; second: nothing happens; then one tenant is offboarded."""

    awx: Awx
    simulator: Simulator
    root: Path
    first: Runs = field(default_factory=dict)
    second: Runs = field(default_factory=dict)
    refused: list[Any] = field(default_factory=list)
    nobody: Run | None = None
    offboarded: list[Run] = field(default_factory=list)
    # By somebody who may only launch.
    elsewhere: list[Run] = field(default_factory=list)
    unanswered: list[Run] = field(default_factory=list)
    connected: int = 0

    @property
    def runs(self) -> list[Run]:
        return list(self.awx.jobs.runs.values())

    @property
    def reports(self) -> Path:
        return self.root / "reports"


def inventory_of(ready: dict[str, Any], root: Path) -> str:
    """Readable but for the values that are secret: AWX could not read a file that is vaulted as a whole."""
    vault = VaultLib([("default", VaultSecret(PASSPHRASE.encode()))])
    lines = ["all:", "  vars:", "    ansible_connection: local", "    cw_integrations: [petra]"]
    for name, value in (
        ("cw_ca_path", ready["ca"]),
        ("integration_report_dir", str(root / "reports")),
        ("integration_store_dir", str(root / "keys")),
    ):
        lines.append(f"    {name}: {json.dumps(value)}")
    lines.append("  hosts:")
    for tenant, known in ready["tenants"].items():
        lines.append(f"    {json.dumps(tenant)}:")
        lines.append(f"      cw_company_id: {json.dumps(known['company_id'])}")
        lines.append(f"      cw_host: {json.dumps(known['host'])}")
        lines.append(f"      cw_public_key: {json.dumps(known['public_key'])}")
        lines.append("      cw_private_key: !vault |")
        lines += [f"        {line}" for line in vault.encrypt(known["private_key"]).decode().splitlines()]
    return "\n".join(lines) + "\n"


@contextmanager
def nights(root: Path, binaries: Path | None = None) -> Iterator[Nights]:
    """binaries: where the ansible-core of AWX's execution environment is; without it that of the tests."""
    (root / "awx").mkdir(parents=True)
    with Simulator(TENANTS, root / "simulator") as simulator, Awx(root / "awx", binaries=binaries) as awx:
        repository = Repository(root / "repository", inventory_of(simulator.ready, root))
        made = set_up(
            awx,
            root,
            awx_project_url=repository.url,
            awx_slices=3,
            awx_forks=5,
            awx_new_credentials=[
                {"name": "key store", "type": "Vault", "inputs": {"vault_password": PASSPHRASE}},
                {"name": "keys", "type": "ConnectWise PSA", "inputs": {"client_id": CLIENT_ID}},
            ],
        )
        assert made.returncode == 0, made.stdout[-4000:] + made.stderr[-2000:]
        found = Nights(awx, simulator, root)
        awx.jobs.meddle = lambda template, runs: kill_in_the_middle(simulator, template, runs)
        found.first = awx.jobs.workflow("ConnectWise nightly")
        awx.jobs.meddle = None
        found.second = awx.jobs.workflow("ConnectWise nightly")
        launch(found)
        offboard(found)
        yield found


def kill_in_the_middle(simulator: Simulator, template: str, runs: list[Run]) -> None:
    """The slice of one tenant, after its first write."""
    if template != "ConnectWise onboard":
        return
    (run,) = [one for one in runs if "onprem" in one.hosts]
    end = time.monotonic() + LIMIT
    while not simulator.journal(tenant="onprem", writes=True) and time.monotonic() < end:
        time.sleep(0.05)
    run.kill()


def launch(found: Nights) -> None:
    """What a launch brings beside answers, and answers as the fields of a survey give them."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        foreign = {"cw_host": f"https://127.0.0.1:{listening.getsockname()[1]}", "cw_allow_host_override": True}
        found.elsewhere = found.awx.jobs.launch("ConnectWise audit", cw_hosts="onprem\n22\neurope\n", **foreign)
        with suppress(TimeoutError):
            listening.accept()
            found.connected += 1
    found.unanswered = found.awx.jobs.launch("ConnectWise audit", cw_integrations="", limit="22,europe,onprem")


def offboard(found: Nights) -> None:
    jobs = found.awx.jobs
    for answers in ({}, {"cw_integrations": "petra"}, {"cw_hosts": "22"}, {"cw_hosts": "", "cw_integrations": "petra"}):
        try:
            found.refused.append(jobs.launch("ConnectWise offboard", **answers))
        except Refusal as refusal:
            found.refused.append(refusal)
    # Misspelt: AWX lets it through.
    (found.nobody,) = jobs.launch("ConnectWise offboard", cw_hosts="onprm", cw_integrations="petra")
    found.offboarded = jobs.launch("ConnectWise offboard", cw_hosts="22", cw_integrations="petra")


class NightTests:
    """What has to hold with every ansible-core; needs the fixture `night`."""

    def test_the_first_run_is_sliced_and_tells_what_is_missing(self, night: Nights) -> None:
        audit = night.first["audit"]
        assert [run.hosts for run in audit] == [["22"], ["europe"], ["onprem"]]
        # Drift fails the job, so that the workflow goes on to mend it.
        assert {run.code for run in audit} == {2}
        assert list(night.first) == ["audit", "onboard", "report"]

    def test_a_killed_slice_is_told_by_the_last_node(self, night: Nights) -> None:
        onboard, (report,) = night.first["onboard"], night.first["report"]
        assert [run.code for run in onboard][:2] == [0, 0], [run.output()[-3000:] for run in onboard]
        assert onboard[2].code not in (0, 2)
        assert report.code == 2, report.output()[-3000:]
        assert "failed or not reached: onprem" in report.output()

    def test_the_next_night_makes_it_good(self, night: Nights) -> None:
        (report,) = night.second["report"]
        assert report.code == 0, report.output()[-3000:]
        merged = json.loads((night.reports / "merged" / "fleet.json").read_text(encoding="utf-8"))["tenants"]
        statuses = {name: tenant["integrations"]["petra"]["status"] for name, tenant in merged.items()}
        assert statuses == {"22": "ready", "europe": "pending", "onprem": "ready"}
        # The slice that died left no key behind that works beside the one in the store.
        assert len(night.simulator.state("onprem")["keys"][MEMBER]) == 1

    def test_the_merged_report_has_the_steps_of_the_slices(self, night: Nights) -> None:
        """The slices hand over digests; what they leave out is read where they wrote it."""
        merged = json.loads((night.reports / "merged" / "fleet.json").read_text(encoding="utf-8"))
        steps = merged["tenants"]["europe"]["integrations"]["petra"]["manual_steps"]
        assert len(steps) > 2
        for run in night.second["onboard"]:
            handed = (run.directory / "env" / "extravars").read_text(encoding="utf-8")
            assert handed.count("connectwise_fleet_") == 3
            assert steps[0]["do"] not in handed
            assert len(handed) < 6000

    def test_a_job_ends_with_its_name_what_is_to_do_and_where_the_page_is(self, night: Nights) -> None:
        (report,), onboard = night.second["report"], night.second["onboard"]
        assert f"AWX, job {report.number} of ConnectWise merge_reports" in report.output()
        assert "By hand:" in report.output()
        assert str(night.reports / "merged" / "fleet.html") in report.output()
        assert "ansible-playbook" not in "".join(line for line in report.output().splitlines() if "Next:" in line)
        for run in onboard:
            assert f"AWX, slice job {run.number} of ConnectWise onboard" in run.output()
            assert (night.reports / f"job-{run.number}" / "fleet.json").is_file()

    def test_a_launch_sets_nothing_that_no_survey_asks_for(self, night: Nights) -> None:
        assert night.connected == 0
        for run in night.elsewhere:
            brought = (run.directory / "env" / "extravars").read_text(encoding="utf-8")
            assert "'cw_hosts'" in brought
            assert "'cw_host'" not in brought
            assert "petra" in run.output()
        assert [run.code for run in night.elsewhere] == [0, 0, 0], [run.output()[-3000:] for run in night.elsewhere]

    def test_an_empty_answer_is_about_what_the_inventory_names(self, night: Nights) -> None:
        for run in night.unanswered:
            assert "'cw_integrations': !unsafe ''" in (run.directory / "env" / "extravars").read_text(encoding="utf-8")
            assert "petra" in run.output()
        assert [run.code for run in night.unanswered] == [0, 0, 0], [run.output()[-3000:] for run in night.unanswered]

    def test_nobody_offboards_what_he_has_not_named(self, night: Nights) -> None:
        assert all(isinstance(one, Refusal) for one in night.refused)
        assert night.nobody is not None
        assert night.nobody.code not in (0, None)
        assert "no tenant of the inventory is named onprm" in " ".join(night.nobody.output().split())

    def test_one_tenant_is_offboarded_and_the_others_stay(self, night: Nights) -> None:
        (run,) = night.offboarded
        assert run.code == 0, run.output()[-3000:]
        inactive = {
            name: one["inactiveFlag"]
            for name in ("22", "onprem")
            for one in night.simulator.state(name)["api_members"]
            if one["identifier"] == MEMBER
        }
        assert inactive == {"22": True, "onprem": False}

    def test_no_secret_is_in_what_awx_keeps(self, night: Nights) -> None:
        vault = VaultLib([("default", VaultSecret(PASSPHRASE.encode()))])
        secrets = [PASSPHRASE, *(tenant["private_key"] for tenant in night.simulator.ready["tenants"].values())]
        stored = json.loads(vault.decrypt((night.root / "keys" / "onprem.yml").read_bytes()))
        secrets.append(stored["integrations"]["petra"]["current"]["private_key"])
        assert len(set(secrets)) == 5
        for run in night.runs:
            text = run.everything()
            assert [secret for secret in secrets if secret in text] == []
