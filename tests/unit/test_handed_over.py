# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job on AWX hands over, and the folders that jobs leave behind."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msp.connectwise.plugins.plugin_utils import _fleet, _handed_over
from ansible_collections.msp.connectwise.plugins.plugin_utils._order import amount
from ansible_collections.msp.connectwise.plugins.plugin_utils._table import table

MOMENT = "2026-03-01T02:00:00+00:00"
STEPS: list[dict[str, Any]] = [
    {"kind": "role_permission", "menu": ["System"], "do": f"Click {number}", "why": "no API"} for number in range(3)
]


def fleet(steps: list[dict[str, Any]], tenants: int = 1) -> _fleet.Fleet:
    made = _fleet.new_fleet("17", "audit")
    for number in range(tenants):
        _fleet.add_entries(
            made,
            [
                {
                    "tenant": f"north{number}",
                    "vendor": "zofiq",
                    "product": "zofiQ",
                    "status": "pending",
                    "time": MOMENT,
                    "manual_steps": steps,
                    "differences": ["one", "two"],
                    "access": {"missing": [{"level": "view"}], "excess": []},
                    "error": "x" * 5000,
                    "old_keys": [{"public_key": "old", "until": MOMENT}],
                    "key": {"public_key": "k", "created": MOMENT, "age_days": 2.5, "place": "a store"},
                }
            ],
        )
    return made


def test_the_digest_is_text_and_does_not_grow_with_the_texts_of_steps() -> None:
    few = _handed_over.digest(fleet(STEPS), "")
    long = [{**step, "do": step["do"] * 1000} for step in STEPS]
    assert isinstance(few, str)
    assert len(_handed_over.digest(fleet(long), "")) == len(few) < 1200


def test_a_digest_alone_still_says_how_much_is_left_and_where_it_is() -> None:
    back = _handed_over.fleet_of(_handed_over.digest(fleet(STEPS), "/reports/job-17/fleet.json"))
    (cell,) = back["tenants"]["north0"]["integrations"].values()
    assert (cell["product"], cell["status"], cell["time"], cell["run"]) == ("zofiQ", "pending", MOMENT, "17")
    assert len(cell["manual_steps"]) == 3
    assert "job 17 (/reports/job-17/fleet.json)" in cell["manual_steps"][0]["do"]
    assert len(cell["differences"]) == 3
    assert amount(cell["manual_steps"]) == amount(STEPS)
    assert cell["key"] == {"created": MOMENT, "age_days": 2.5}
    assert _fleet.counts(back) == {"pending": 1}
    assert cell["old_keys"] == [{"until": MOMENT}]
    assert any("3 steps" in line for line in table(back))


def test_a_digest_tells_new_and_partial_integrations() -> None:
    made = fleet([])
    (cell,) = made["tenants"]["north0"]["integrations"].values()
    cell.update(status="new", completeness="partial", gaps=["a" * 500, "b"])
    text = _handed_over.digest(made, "")
    assert "aaa" not in text
    (cell,) = _handed_over.fleet_of(text)["tenants"]["north0"]["integrations"].values()
    assert _fleet.word(cell) == "new (partial: 2 gaps)"


def test_where_the_report_can_be_read_nothing_is_lost(tmp_path: Path) -> None:
    made, report = fleet(STEPS), tmp_path / "fleet.json"
    report.write_text(json.dumps(made), encoding="utf-8")
    assert _handed_over.fleet_of(_handed_over.digest(made, str(report))) == made


@pytest.mark.parametrize("change", [{"run": "18"}, {"generated": "later"}, {"format": "another"}, {"tenants": 1}])
def test_the_report_of_another_run_is_not_taken(tmp_path: Path, change: dict[str, Any]) -> None:
    made, report = fleet(STEPS), tmp_path / "fleet.json"
    text = _handed_over.digest(made, str(report))
    report.write_text(json.dumps({**made, **change}), encoding="utf-8")
    assert "see the report of job 17" in str(_handed_over.fleet_of(text))


def test_whole_reports_are_still_accepted_as_mapping_and_as_text() -> None:
    made = fleet(STEPS)
    for handed in (made, _fleet.packed(made), json.dumps(_fleet.packed(made))):
        assert _handed_over.fleet_of(handed) == made


HEAD = {"format": _fleet.FORMAT, "run": "1", "generated": MOMENT}


@pytest.mark.parametrize(
    ("handed", "message"),
    [
        ("[1]", "neither a digest nor"),
        ('{"format": "another"}', "not a fleet report"),
        ("[" * 50_000 + "]" * 50_000, "nested more than"),
        (json.dumps({**HEAD, "tenants": [7]}), "not whole"),
        (json.dumps({**HEAD, "steps": [], "tenants": {"a": {"integrations": {"x": {"steps": [3]}}}}}), "not whole"),
        (json.dumps({"format": _fleet.FORMAT}), "not whole"),
        (json.dumps({"format": _handed_over.FORMAT}), "not whole"),
        (
            json.dumps({**HEAD, "tenants": {"a": {"time": 1, "integrations": {}}}}),
            "types of its values",
        ),
    ],
)
def test_what_is_no_report_is_refused_with_what_to_do(handed: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _handed_over.fleet_of(handed)


def folder(root: Path, number: int, *, days: float, extra: str = "") -> Path:
    made = root / f"job-{number}"
    made.mkdir()
    for name in (*_handed_over.FILES, *([extra] if extra else [])):
        (made / name).write_text("", encoding="utf-8")
    moment = time.time() - days * 24 * 3600
    os.utime(made, (moment, moment))
    return made


def test_old_folders_of_jobs_go_and_all_else_stays(tmp_path: Path) -> None:
    for number in range(8, 13):
        folder(tmp_path, number, days=3)
    folder(tmp_path, 5, days=3, extra="notes.txt")
    folder(tmp_path, 6, days=0.5)
    (tmp_path / "job-x").mkdir()
    (tmp_path / "north").mkdir()
    (tmp_path / "job-4").symlink_to(tmp_path / "north", target_is_directory=True)
    assert _handed_over.tidy(tmp_path / "merged", 2) == []
    assert _handed_over.tidy(tmp_path / "job-12", 2) == ["job-10", "job-9", "job-8"]
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"job-12", "job-11", "job-6", "job-5", "job-4", "job-x", "north"}


def test_a_job_is_named_as_awx_names_it() -> None:
    variables = {"awx_job_id": 17, "awx_job_template_name": "ConnectWise audit"}
    nightly = {**variables, "awx_workflow_job_name": "ConnectWise nightly"}
    slice_ = {**variables, "awx_workflow_job_name": "ConnectWise audit"}
    assert _handed_over.job_name({}) == ""
    assert _handed_over.job_name({"awx_job_id": 17}) == "job 17"
    assert _handed_over.job_name(nightly) == "job 17 of ConnectWise audit"
    assert _handed_over.job_name(slice_) == "slice job 17 of ConnectWise audit"
