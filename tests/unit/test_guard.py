# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A defect of ours is a result, and one tenant's: Ansible before 2.19 would take its traceback for a template."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleError

from ansible_collections.msp.connectwise.plugins.plugin_utils import _fleet_run, _handover, _key_report, _order, _report
from ansible_collections.msp.connectwise.plugins.plugin_utils._guard import guarded

ACTIONS = sorted(Path(importlib.import_module(_fleet_run.__name__).__file__ or "").parents[1].glob("action/*.py"))
EVIL = "{{ lookup('pipe', 'id') }}\x1b[2J"


@pytest.mark.parametrize("path", ACTIONS, ids=lambda path: path.stem)
def test_every_action_is_guarded(path: Path) -> None:
    module = importlib.import_module(f"ansible_collections.msp.connectwise.plugins.action.{path.stem}")
    assert hasattr(module.ActionModule.run, "__wrapped__")


def raising(problem: Exception) -> Any:
    def run(_self: Any, _tmp: str | None = None, _task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        raise problem

    return guarded(run)(SimpleNamespace(_task=SimpleNamespace(action="msp.connectwise.cw_fleet")))


def test_a_defect_is_a_result() -> None:
    result = raising(KeyError(EVIL))
    assert (result["failed"], result["changed"]) == (True, False)
    assert result["msg"].startswith("cw_fleet hit a defect of its own: KeyError: ")
    assert "\x1b" not in result["msg"]
    assert "KeyError" in result["exception"]


def test_what_ansible_raises_stays_its_own() -> None:
    with pytest.raises(AnsibleError, match="ours to read"):
        raising(AnsibleError("ours to read"))


def tenant(name: str) -> _fleet_run.Tenant:
    return _fleet_run.Tenant(name, broken=[_fleet_run.IntegrationResult("umbrella", error="not reached")])


def test_a_defect_while_a_tenant_is_recorded_leaves_the_others_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    real = _fleet_run._report.record_integration

    def record(look: Any, results: Any, name: str, facts: Any, **options: Any) -> Any:
        if name == "north" and "defect" not in options["error"]:
            raise ValueError(EVIL)
        return real(look, results, name, facts, **options)

    monkeypatch.setattr(_fleet_run._report, "record_integration", record)
    run = _fleet_run.FleetRun(check_mode=True, threads=2, show=lambda _text: None)
    seen = {one.name: one.entries for one in run.work_on([tenant("north"), tenant("south")])}
    assert "a defect of this collection: ValueError: {{ lookup" in seen["north"][0]["error"]
    assert "\x1b" not in seen["north"][0]["error"]
    assert seen["south"][0]["error"] == "not reached"


@pytest.mark.parametrize("moment", [EVIL, "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00", 7, ["x"]])
def test_moments_that_are_none(moment: Any) -> None:
    (key,) = _handover.old_keys([{"public_key": "k", "since": moment}], 3.0)
    assert key["until"] is None or key["until"].startswith("0001-")
    assert isinstance(_order.spoken(moment), str)


KEY: dict[str, Any] = {
    **dict.fromkeys(("member", "state", "place"), "x"),
    **dict.fromkeys(("public_key", "age_days")),
    **{name: [] for name in ("retired", "unknown", "excess", "findings")},
    "listed": True,
}


def test_of_a_file_of_keys_only_what_can_be_told_is_kept() -> None:
    forged = {
        "a": 7,
        "b": {},
        "c": {**KEY, "age_days": "old"},
        "d": {**KEY, "unknown": [1]},
        "e": {**KEY, "findings": 1},
    }
    assert _key_report.whole({**forged, "umbrella": KEY}) == {"umbrella": KEY}
    assert _key_report.whole([1]) == {}


@pytest.mark.parametrize(
    "forged",
    [
        None,
        [],
        {},
        {"status": [1]},
        {"status": "fine"},
        {"time": 7},
        {"key": "k"},
        {"parts": {"a": 1}},
        {"error": ["x"]},
    ],
)
def test_an_entry_that_is_none(forged: Any) -> None:
    entry = {"status": "ready", "time": "2026-03-01T02:00:00+00:00"}
    assert _report.is_entry(entry)
    assert not _report.is_entry({**entry, **forged} if forged else forged)
