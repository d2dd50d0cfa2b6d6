# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet with tenants that are well, drifted and away: what a run does, says, and leaves for the next."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.fleet import Fleet, Measured, fleet_of

NOT_COMPARED = ("time", "age_days")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with fleet_of(3, tmp_path_factory.mktemp("fleet"), ["zofiq"], latency_ms=0, jitter_ms=0) as one:
        yield one


def inventory(fleet: Fleet) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(fleet.inventory.read_text(encoding="utf-8"))
    return found


def write(fleet: Fleet, content: dict[str, Any]) -> None:
    fleet.inventory.write_text(json.dumps(content), encoding="utf-8")


def report(fleet: Fleet) -> dict[str, Any]:
    text = (fleet.directory / "connectwise_reports" / "fleet.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)["tenants"]
    return found


def statuses(fleet: Fleet) -> dict[str, str]:
    return {name: tenant["integrations"]["zofiq"]["status"] for name, tenant in report(fleet).items()}


@pytest.fixture(scope="module")
def first(fleet: Fleet) -> Measured:
    """t0003 is away while the others are onboarded."""
    content = inventory(fleet)
    away = json.loads(json.dumps(content))
    away["all"]["hosts"]["t0003"].update(cw_host="127.0.0.1:1", cw_retries=0)
    write(fleet, away)
    found = fleet.playbook(
        "msp.connectwise.onboard", ANSIBLE_CALLBACKS_ENABLED="msp.connectwise.fleet", CW_FLEET_INTERVAL="0.2"
    )
    write(fleet, content)
    return found


def test_one_tenant_that_is_away_stops_no_other_and_is_told(fleet: Fleet, first: Measured) -> None:
    assert first.code == 2, first.output[-3000:]
    assert statuses(fleet) == {"t0001": "ready", "t0002": "ready", "t0003": "unreachable"}
    cell = report(fleet)["t0001"]["integrations"]["zofiq"]
    assert "new API key" in cell["changes"]
    assert "connection" in report(fleet)["t0003"]["integrations"]["zofiq"]["error"]
    assert (fleet.directory / "connectwise_reports" / "failed").read_text(encoding="utf-8") == "t0003\n"
    page = (fleet.directory / "connectwise_reports" / "fleet.html").read_text(encoding="utf-8")
    assert "t0003" in page
    assert "@DATA@" not in page


def test_the_callback_counts_tenants_and_says_how_it_ended(first: Measured) -> None:
    lines = [line for line in first.output.splitlines() if line.startswith("fleet: ")]
    assert len(lines) > 2
    assert lines[-1] == "fleet: 3 of 3 tenants done, 3 of 3 integrations: 0 pending, 0 drifted, 0 new, 1 failed"
    assert any(" left" in line for line in lines)
    assert "PLAY RECAP" in first.output


def test_a_rerun_takes_up_only_what_is_left_and_an_unchanged_run_only_reads(fleet: Fleet, first: Measured) -> None:
    mark = fleet.mark()
    again = fleet.playbook("msp.connectwise.onboard", "--limit", "@connectwise_reports/failed")
    assert again.code == 0, again.output[-3000:]
    assert {entry["tenant"] for entry in fleet.requests(mark)} == {"t0003"}
    assert statuses(fleet) == dict.fromkeys(("t0001", "t0002", "t0003"), "ready")
    assert (fleet.directory / "connectwise_reports" / "failed").read_text(encoding="utf-8") == "!all\n"

    # A list without tenants is nobody, not everybody.
    mark = fleet.mark()
    nobody = fleet.playbook("msp.connectwise.onboard", "--limit", "@connectwise_reports/failed")
    assert nobody.code != 0
    assert "no hosts" in nobody.output
    assert not fleet.requests(mark)

    mark = fleet.mark()
    unchanged = fleet.playbook("msp.connectwise.onboard")
    made = fleet.requests(mark)
    assert unchanged.code == 0, unchanged.output[-3000:]
    assert {entry["method"] for entry in made} == {"GET"}
    # The member, what its key may do (2), and the four lists of names that the profile refers to.
    assert len(made) == 3 * 7, sorted(entry["path"] for entry in made)
    # What the look records is what the engine's own tasks record.
    looked = entries(fleet)
    slow = fleet.playbook("msp.connectwise.onboard", "-e", '{"cw_in_process": false}')
    assert slow.code == 0, slow.output[-3000:]
    assert entries(fleet) == looked


def entries(fleet: Fleet) -> dict[str, Any]:
    found = {}
    for path in sorted((fleet.directory / "connectwise_reports").glob("*/zofiq.json")):
        entry = json.loads(path.read_text(encoding="utf-8"))
        found[path.parent.name] = json.loads(
            json.dumps({name: value for name, value in entry.items() if name != "time"}), object_hook=without_age
        )
    return found


def without_age(value: dict[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in value.items() if name not in NOT_COMPARED}


def test_an_audit_tells_drift_and_can_fail_on_it(fleet: Fleet, first: Measured, tmp_path: Path) -> None:
    fleet.simulator.edit(
        "t0002",
        {
            "op": "set_levels",
            "role": "zofiQ Sec Role",
            "module": "Companies",
            "function": "Contacts",
            "levels": {"delete": "All"},
        },
    )
    audit = fleet.playbook("msp.connectwise.audit")
    assert audit.code == 0, audit.output[-3000:]
    assert statuses(fleet)["t0002"] == "drifted"
    (row,) = report(fleet)["t0002"]["integrations"]["zofiq"]["access"]["excess"]
    assert (row["function"], row["actual"], row["wanted"]) == ("Contacts", "All", "None")
    strict = fleet.playbook("msp.connectwise.audit", "-e", '{"cw_fail_on": ["failed", "unreachable", "drifted"]}')
    assert strict.code == 2
    assert (fleet.directory / "connectwise_reports" / "left").read_text(encoding="utf-8") == "t0002\n"


def test_where_everything_fails_there_still_is_a_report(fleet: Fleet, first: Measured) -> None:
    content = inventory(fleet)
    broken = json.loads(json.dumps(content))
    # Without the records of the others: those name the hosts that their keys are for.
    broken["all"]["vars"].update(cw_retries=0, integration_store_dir=str(fleet.directory / "no-keys"))
    for host in broken["all"]["hosts"].values():
        host["cw_host"] = "127.0.0.1:1"
    del broken["all"]["vars"]["cw_integrations"]
    broken["all"]["hosts"]["t0001"]["cw_integrations"] = ["zofiq"]
    broken["all"]["hosts"]["t0002"]["cw_integrations"] = ["zofik"]
    write(fleet, broken)
    found = fleet.playbook("msp.connectwise.onboard", "-e", "integration_report_dir=broken")
    write(fleet, content)
    assert found.code == 2
    path = fleet.directory / "broken" / "fleet.json"
    tenants = json.loads(path.read_text(encoding="utf-8"))["tenants"]
    assert tenants["t0001"]["integrations"]["zofiq"]["status"] == "unreachable"
    assert tenants["t0002"]["integrations"]["zofik"]["status"] == "failed"
    # A host that is no tenant is left out of everything, and that is said.
    assert "t0003 left out: cw_integrations is not set" in found.output
    assert "t0003" not in tenants
    assert (path.parent / "failed").read_text(encoding="utf-8").split() == ["t0001", "t0002"]


def test_one_tenants_wrong_variable_is_that_tenants_matter(fleet: Fleet, first: Measured) -> None:
    content = inventory(fleet)
    broken = json.loads(json.dumps(content))
    broken["all"]["hosts"]["t0002"]["integration_key_max_age_days"] = "ninety"
    broken["all"]["hosts"]["t0003"]["cw_in_process"] = "{{ nobody_has_defined_it }}"
    write(fleet, broken)
    found = fleet.playbook("msp.connectwise.onboard")
    write(fleet, content)
    assert found.code == 2
    assert statuses(fleet) == {"t0001": "ready", "t0002": "failed", "t0003": "ready"}
    assert "nobody_has_defined_it" in report(fleet)["t0003"]["integrations"]["cw_integrations"]["error"]
    assert "integration_key_max_age_days" in report(fleet)["t0002"]["integrations"]["zofiq"]["error"]


def test_a_vendor_whose_variables_are_wrong_is_told_and_stops_no_other(fleet: Fleet, first: Measured) -> None:
    wrong = {"cw_integrations": ["umbrella", "zofiq"], "umbrella_member": {"identifer": "Umbrella"}}
    found = fleet.playbook("msp.connectwise.onboard", "--limit", "t0001", "-e", json.dumps(wrong))
    assert found.code == 2
    cells = report(fleet)["t0001"]["integrations"]
    assert {name: cell["status"] for name, cell in cells.items()} == {"umbrella": "failed", "zofiq": "ready"}
    assert "identifer" in cells["umbrella"]["error"]


def test_what_a_cache_of_facts_remembers_is_not_what_this_run_found(fleet: Fleet, first: Measured) -> None:
    cache = {"ANSIBLE_CACHE_PLUGIN": "jsonfile", "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(fleet.directory / "facts")}
    content = inventory(fleet)
    allowing = json.loads(json.dumps(content))
    allowing["all"]["vars"]["cw_allow_host_override"] = True
    write(fleet, allowing)
    narrowed = ("--limit", "t0003", "-e")
    away = json.dumps({"cw_in_process": False, "cw_host": "127.0.0.1:1", "cw_retries": 0})
    assert fleet.playbook("msp.connectwise.onboard", *narrowed, away, **cache).code == 2
    write(fleet, content)
    assert "unreachable" in next((fleet.directory / "facts").iterdir()).read_text(encoding="utf-8")
    again = fleet.playbook("msp.connectwise.onboard", "--limit", "t0003", **cache)
    assert again.code == 0, again.output[-3000:]
