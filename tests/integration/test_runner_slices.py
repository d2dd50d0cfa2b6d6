# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""As AWX runs it: ansible-runner, credentials through the environment, slices at the same time, one of them killed."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

from tests.awx.extra_vars import rendered
from tests.simulator.client import Simulator

TENANTS = {
    "sites": [{"name": "na"}],
    "tenants": [{"company_id": name, "site": "na"} for name in ("north", "europe", "onprem")],
}
LIMIT = 240.0
PASSPHRASE = "passphrase-of-the-slices"


@dataclass
class Slice:
    """One job: its private data directory, and the tenants it has."""

    directory: Path
    number: int

    @property
    def artifacts(self) -> Path:
        return self.directory / "artifacts" / str(self.number)

    def events(self) -> list[dict[str, Any]]:
        files = self.artifacts.glob("job_events/*.json")
        # What a kill has left half written is not an event yet.
        return [json.loads(path.read_text(encoding="utf-8")) for path in files if "partial" not in path.name]

    def artifact(self) -> dict[str, Any]:
        """What AWX hands on to the next node of a workflow."""
        data = [
            event["event_data"].get("artifact_data") for event in self.events() if event["event"] == "playbook_on_stats"
        ]
        (found,) = [one for one in data if one]
        return dict(found)

    def text(self) -> str:
        # `command` is ansible-runner's own note of the environment it was given; every other file comes from the run.
        files = [path for path in self.artifacts.rglob("*") if path.is_file() and path.name != "command"]
        return "".join(path.read_text(encoding="utf-8", errors="replace") for path in files)


def private_data(root: Path, ready: dict[str, Any], tenant: str, number: int) -> Slice:
    """The keys come as a credential's environment, everything else from the inventory."""
    directory = root / f"slice{number}"
    known = ready["tenants"][tenant]
    hosts = {tenant: {"cw_company_id": known["company_id"], "cw_host": known["host"]}}
    variables = {
        "ansible_connection": "local",
        "cw_ca_path": ready["ca"],
        "cw_integrations": ["petra"],
        "integration_report_dir": str(directory / "reports"),
        "integration_store_dir": str(root / "keys"),
    }
    files = {
        "inventory/hosts.json": json.dumps({"all": {"vars": variables, "hosts": hosts}}),
        "project/onboard.yml": "- import_playbook: msp.connectwise.onboard\n",
        "env/envvars": json.dumps(
            {
                "CW_PUBLIC_KEY": known["public_key"],
                "CW_PRIVATE_KEY": known["private_key"],
                "CW_CLIENT_ID": known["client_id"],
                # AWX injects a field that was left empty as an empty variable.
                "CW_REGION": "",
            }
        ),
        "env/extravars": rendered({"awx_job_id": number, "awx_job_template_name": "ConnectWise onboard"}),
        "env/cmdline": f"--vault-password-file {shlex.quote(str(root / 'passphrase'))}",
    }
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
    return Slice(directory, number)


def start(job: Slice) -> subprocess.Popen[bytes]:
    command = ["ansible-runner", "run", str(job.directory), "-p", "onboard.yml", "--ident", str(job.number), "-q"]
    with (job.directory / "runner.log").open("wb") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)


@dataclass
class Jobs:
    simulator: Simulator
    root: Path
    slices: list[Slice]
    codes: list[int]


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jobs]:
    root = tmp_path_factory.mktemp("runner")
    (root / "passphrase").touch(mode=0o600)
    (root / "passphrase").write_text(PASSPHRASE, encoding="utf-8")
    with Simulator(TENANTS) as simulator:
        slices = [
            private_data(root, simulator.ready, tenant, number)
            for number, tenant in enumerate(("north", "europe", "onprem"), 1)
        ]
        processes = [start(job) for job in slices]
        try:
            # The third dies in the middle of its work, after its first write.
            end = time.monotonic() + LIMIT
            while not simulator.journal(tenant="onprem", writes=True) and time.monotonic() < end:
                time.sleep(0.2)
            os.killpg(processes[2].pid, signal.SIGKILL)
            for child in children_of(slices[2]):
                os.kill(child, signal.SIGKILL)
            codes = [process.wait(timeout=LIMIT) for process in processes]
        finally:
            for process in processes:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
        yield Jobs(simulator, root, slices, codes)


def children_of(job: Slice) -> list[int]:
    """ansible-runner gives its playbook a session of its own; found by the inventory it was started with."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and entry.name != str(os.getpid()):
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if str(job.directory / "inventory").encode() in command:
                found.append(int(entry.name))
    return found


def merge(jobs: Jobs, name: str, extra: dict[str, Any]) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    inventory = jobs.root / "all.json"
    hosts = {tenant: {"ansible_connection": "local"} for tenant in ("north", "europe", "onprem")}
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    target = jobs.root / name
    variables = jobs.root / f"{name}.yml"
    variables.write_text(rendered({"cw_merged_dir": str(target), **extra}), encoding="utf-8")
    command = ["ansible-playbook", "msp.connectwise.merge_reports", "-i", str(inventory), "-e", f"@{variables}"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=LIMIT, check=False)
    return done, json.loads((target / "fleet.json").read_text(encoding="utf-8"))["tenants"]


def log_of(job: Slice) -> str:
    return (job.directory / "runner.log").read_text(encoding="utf-8")[-2000:]


def fleet_file(job: Slice) -> Path:
    """Slices that share a place for their reports have a folder each."""
    return job.directory / "reports" / f"job-{job.number}" / "fleet.json"


def test_slices_that_ended_made_their_tenants_real(jobs: Jobs) -> None:
    assert jobs.codes[:2] == [0, 0], [log_of(job) for job in jobs.slices]
    for job, tenant in zip(jobs.slices[:2], ("north", "europe"), strict=True):
        report = json.loads(fleet_file(job).read_text(encoding="utf-8"))
        assert report["tenants"][tenant]["integrations"]["petra"]["status"] == "ready"
        assert f"connectwise_fleet_{job.number}" in job.artifact()


def test_no_secret_is_in_events_output_or_artifacts(jobs: Jobs) -> None:
    vault = VaultLib([("default", VaultSecret(PASSPHRASE.encode()))])
    secrets = [PASSPHRASE, *(tenant["private_key"] for tenant in jobs.simulator.ready["tenants"].values())]
    for tenant in ("north", "europe"):
        stored = json.loads(vault.decrypt((jobs.root / "keys" / f"{tenant}.yml").read_bytes()))
        secrets.append(stored["integrations"]["petra"]["current"]["private_key"])
    assert len(set(secrets)) == 6
    for job, code in zip(jobs.slices, jobs.codes, strict=True):
        text = job.text() + log_of(job)
        # The one that was killed had come as far as its first write.
        assert len(job.events()) > (5 if code == 0 else 1)
        assert [secret for secret in secrets if secret in text] == []


def test_a_workflow_merges_artifacts_and_tells_the_killed_slice(jobs: Jobs) -> None:
    artifacts = {name: value for job in jobs.slices[:2] for name, value in job.artifact().items()}
    done, tenants = merge(jobs, "from-artifacts", artifacts)
    assert done.returncode == 2
    assert "failed or not reached: onprem" in done.stdout + done.stderr
    assert tenants["north"]["integrations"]["petra"]["status"] == "ready"
    assert tenants["europe"]["integrations"]["petra"]["status"] == "ready"
    assert tenants["onprem"]["integrations"] == {}
    assert "did not end" in tenants["onprem"]["error"]
    page = (jobs.root / "from-artifacts" / "fleet.html").read_text(encoding="utf-8")
    assert "onprem" in page
    assert (jobs.root / "from-artifacts" / "failed").read_text(encoding="utf-8") == "onprem\n"


def test_what_slices_left_on_disk_merges_to_the_same(jobs: Jobs) -> None:
    sources = [str(fleet_file(jobs.slices[0])), str(jobs.slices[1].directory / "reports")]
    for job in jobs.slices[2:]:
        (job.directory / "reports").mkdir(exist_ok=True)
        sources.append(str(job.directory / "reports"))
    _done, from_disk = merge(jobs, "from-disk", {"cw_reports": sources})
    statuses = {
        name: {vendor: cell["status"] for vendor, cell in tenant["integrations"].items()}
        for name, tenant in from_disk.items()
    }
    assert statuses == {"north": {"petra": "ready"}, "europe": {"petra": "ready"}, "onprem": {}}


def test_the_killed_slice_is_made_good_by_running_it_again(jobs: Jobs) -> None:
    again = private_data(jobs.root, jobs.simulator.ready, "onprem", 4)
    process = start(again)
    assert process.wait(timeout=LIMIT) == 0, log_of(again)
    artifacts = {name: value for job in (*jobs.slices[:2], again) for name, value in job.artifact().items()}
    done, tenants = merge(jobs, "whole", artifacts)
    assert done.returncode == 0, done.stdout[-2000:]
    assert {tenant["integrations"]["petra"]["status"] for tenant in tenants.values()} == {"ready"}


def test_an_execution_environment_can_be_built_from_it(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    context = tmp_path / "context"
    definition = tmp_path / "execution-environment.yml"
    definition.write_text((root / "execution-environment.yml").read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "msp-connectwise.tar.gz").write_bytes(b"")
    done = subprocess.run(
        ["ansible-builder", "create", "-f", str(definition), "-c", str(context)],
        capture_output=True,
        encoding="utf-8",
        timeout=LIMIT,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (context / "_build" / "build" / "msp-connectwise.tar.gz").exists()
    assert "awx.awx" in (context / "_build" / "requirements.yml").read_text(encoding="utf-8")
    meta = (root / "meta" / "execution-environment.yml").read_text(encoding="utf-8")
    assert "python: requirements.txt" in meta
    assert (root / "requirements.txt").exists()
