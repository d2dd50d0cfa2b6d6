# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an entry keeps of the one before it: a work order stays until its steps are seen done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msp.connectwise.plugins.module_utils import _manual as manual
from ansible_collections.msp.connectwise.plugins.module_utils._permissions import Change, Row
from ansible_collections.msp.connectwise.plugins.plugin_utils import _report, _status
from ansible_collections.msp.connectwise.plugins.plugin_utils._commands import Typed
from ansible_collections.msp.connectwise.plugins.plugin_utils._history import still_open, unexplained

NONE = dict.fromkeys(("add", "edit", "delete", "inquire"), "None")
OLD = "2026-03-01T04:05:06+00:00"


def row(function: str, module: str = "Companies") -> dict[str, Any]:
    return manual.role_permission("Sync", Change(Row(1, module, function, NONE), {**NONE, "inquire": "All"}))


CONTACTS, NOTES = row("Contacts"), row("Notes")
LIST = manual.customize_list("Sync", "System", "Table Setup", ["A"], [], "keep")
KEY = manual.create_key("Sync", "api", "Sync key")
STORE = manual.store_key("Sync", "api", "Sync key", ["p1"])
DELETE = manual.delete_key("Sync", "api", None, "p0")
OWN = manual.own_key("Sync", "api", "p0")
ACTIVE = manual.role_activate("Sync")
OTHER = {"kind": "somebody's own", "menu": ["System"], "do": "Click.", "why": "because"}
ALL = [CONTACTS, NOTES, ACTIVE, LIST, KEY, STORE, DELETE, OWN, OTHER]

DENIED = {"module": "Companies", "function": "Contacts", "level": "inquire", "wanted": "All", "actual": "None"}
NO_ACCESS: dict[str, Any] = {"missing": [], "excess": [], "missing_items": [], "excess_items": [], "probes": []}


def seen(**more: Any) -> dict[str, Any]:
    return {"in_sync": False, "differences": [], "key": "none", "access": None, **more}


@pytest.mark.parametrize(
    ("found", "keys", "left"),
    [
        # Nothing was seen.
        ({}, ("", ""), ALL),
        (seen(), ("", ""), ALL),
        # The API alone reads roles, not lists and not keys.
        (seen(open_steps=[CONTACTS]), ("", ""), [CONTACTS, LIST, KEY, STORE, DELETE, OWN, OTHER]),
        # Another wording of the same step is the same step.
        (seen(open_steps=[{**NOTES, "do": "x"}, ACTIVE]), ("", ""), [NOTES, ACTIVE, *ALL[3:]]),
        # The key is there, and says itself what it may do.
        (seen(key="valid", access={**NO_ACCESS, "missing": [DENIED]}), ("", "p1"), [CONTACTS, ACTIVE, *ALL[6:]]),
        (seen(key="valid", access={**NO_ACCESS, "excess": [DENIED]}), ("", "p1"), [CONTACTS, ACTIVE, *ALL[6:]]),
        (
            seen(key="valid", access={**NO_ACCESS, "missing_items": [{"function": "Table setup", "item": "A"}]}),
            ("", "p1"),
            [ACTIVE, LIST, *ALL[6:]],
        ),
        (seen(key="valid", in_sync=True, access=NO_ACCESS), ("", "p1"), ALL[6:]),
        # The key that was to be replaced still works.
        (seen(key="valid", in_sync=True, access=NO_ACCESS), ("p1", "p1"), [KEY, STORE, *ALL[6:]]),
        (seen(key="refused"), ("p0", "p1"), ALL),
        # What the key may do comes from another role than the one of the steps.
        (
            seen(key="valid", access=NO_ACCESS, member={"security_role": "Admin"}),
            ("", "p1"),
            [CONTACTS, NOTES, ACTIVE, LIST, *ALL[6:]],
        ),
    ],
)
def test_a_step_stays_until_it_is_seen_done(found: dict[str, Any], keys: tuple[str, str], left: list[Any]) -> None:
    assert [step["do"] for step in still_open(ALL, found, *keys)] == [step["do"] for step in left]


RIGHTS = "missing: Companies / Contacts inquire is None, wanted All"


@pytest.mark.parametrize(
    ("found", "steps", "left"),
    [
        (seen(differences=["no key is stored"]), [KEY], []),
        (seen(differences=["no key is stored"]), [CONTACTS], ["no key is stored"]),
        (seen(differences=["the stored key is refused"]), [STORE], []),
        (seen(differences=["member Sync is inactive", "no key is stored"]), [KEY], ["member Sync is inactive"]),
        (seen(differences=[RIGHTS], access={**NO_ACCESS, "missing": [DENIED]}), [CONTACTS], []),
        (seen(differences=[RIGHTS], access={**NO_ACCESS, "missing": [DENIED]}), [NOTES], [RIGHTS]),
        (
            seen(
                differences=["excess: Table Setup allows B"],
                access={**NO_ACCESS, "excess_items": [{"function": "Table Setup"}]},
            ),
            [LIST],
            [],
        ),
        (
            seen(differences=["missing: /x answers no"], access={**NO_ACCESS, "probes": [{**DENIED, "ok": False}]}),
            [LIST],
            ["missing: /x answers no"],
        ),
        (seen(differences=["excess: x"], access={**NO_ACCESS, "excess": [DENIED]}), [NOTES], ["excess: x"]),
        (
            seen(differences=["excess: x"], access={**NO_ACCESS, "excess_items": [{"function": "A"}]}),
            [LIST],
            ["excess: x"],
        ),
        (seen(differences=["row x"], open_steps=[{**CONTACTS, "difference": "row x"}]), [CONTACTS], []),
        (seen(differences=["row x"], open_steps=[{**CONTACTS, "difference": "row x"}]), [NOTES], ["row x"]),
    ],
)
def test_what_no_step_accounts_for(found: dict[str, Any], steps: list[Any], left: list[str]) -> None:
    assert unexplained(found, steps) == left


def made(**more: Any) -> _report.Entry:
    """An entry of a run, before it meets its history."""
    args = {
        "vendor": "sync", "profile": {"product": "Sync", "handover": {"console": "Sync", "fields": []}}, "found": {},
        "key": {}, "steps": [], "error": "", "error_kind": "", "state": "present", "mode": "converge",
        "member": "Sync", "changed": False, "changes": [], "place": "store#sync", **more,
    }  # fmt: skip
    return _report.entry_of(args, "north", {}, predicts=False, run=Typed())


def ordered() -> _report.Entry:
    """What a run has left that needs a person, on an earlier day."""
    entry = made(found=seen(differences=["no key is stored"]), steps=[CONTACTS, KEY])
    return {**_report.with_history(entry, None), "time": OLD, "ordered": OLD}


AUDIT = {"mode": "audit", "found": seen(differences=["no key is stored"])}


def test_an_audit_leaves_what_waits_for_a_person_as_it_is() -> None:
    entry = _report.with_history(made(**AUDIT), ordered())
    assert (entry["status"], entry["ordered"]) == ("pending", OLD)
    assert entry["manual_steps"] == [CONTACTS, KEY]
    assert "found" not in entry


def test_a_step_that_an_audit_sees_itself_is_there_once() -> None:
    entry = _report.with_history(made(**AUDIT, steps=[{**CONTACTS, "do": "said anew"}]), ordered())
    assert [step["do"] for step in entry["manual_steps"]] == [KEY["do"], "said anew"]


def test_without_an_earlier_order_an_audit_finds_drift() -> None:
    assert _report.with_history(made(**AUDIT), None)["status"] == "drifted"


def test_a_person_without_a_key_is_waited_for_if_a_key_was_ordered_and_new_if_not() -> None:
    people = {**AUDIT, "profile": {"product": "Sync", "strategy": "per_technician"}}
    assert _report.with_history(made(**people), None)["status"] == "new"
    assert _report.with_history(made(**people), ordered())["status"] == "pending"


def store_key_run(before: dict[str, Any], *, access: dict[str, Any], steps: Any = ()) -> _report.Entry:
    """What is recorded of a run that has stored a key."""
    key = {"record": "sync", "member": {"identifier": "Sync"}, "found": before, "place": "store#sync"}
    done = {"record": "sync", "done": ["given key stored"], "manual_steps": list(steps),
            "api_key": {"public_key": "p1", "created": OLD, "state": "valid"}}  # fmt: skip
    look = {"vendor": "sync", "mode": "store_key", "api_keys": [key]}
    results = {"cw_api_key": [done], "cw_access_check": [{"record": "sync", "access": access}]}
    assert not _report.is_silent(look, results, "", check_mode=False)
    # What is only predicted, or was not stored, is no result.
    assert _report.is_silent(look, results, "", check_mode=True)
    assert _report.is_silent(look, {}, "", check_mode=False)
    return _report.entry_of_integration(look, results, "north", {}, check_mode=False, run=Typed())


OK = {**NO_ACCESS, "verdict": "ok"}
BROKEN = {**ordered(), "status": "failed", "error": "an earlier run: no answer"}


@pytest.mark.parametrize(
    ("differences", "access", "steps", "status"),
    [
        (["no key is stored"], OK, [], "ready"),
        (["the stored key is refused; what to do"], OK, [], "ready"),
        # The rows that were ordered are not clicked yet.
        (["no key is stored"], {**OK, "verdict": "missing", "summary": RIGHTS, "missing": [DENIED]}, [], "pending"),
        (["member Sync is inactive", "no key is stored"], OK, [], "drifted"),
        # The key took the place of another one, which a person has to delete.
        ([], OK, [DELETE], "pending"),
    ],
)
def test_a_run_that_stored_a_key_has_a_result_of_its_own(
    differences: list[str], access: dict[str, Any], steps: list[Any], status: str
) -> None:
    entry = store_key_run(seen(differences=differences), access=access, steps=steps)
    entry = _report.with_history(entry, BROKEN)
    assert (entry["status"], entry["error"], entry["changes"]) == (status, "", ["given key stored"])
    left = {"ready": [], "drifted": []}.get(status, steps or [CONTACTS])
    assert [step["do"] for step in entry["manual_steps"]] == [step["do"] for step in left]


def test_what_was_wrong_with_the_rights_of_the_key_before_is_no_difference_of_the_next() -> None:
    before = seen(differences=[RIGHTS], key="valid", access={**NO_ACCESS, "summary": RIGHTS})
    assert store_key_run(before, access=OK)["status"] == "ready"


def test_what_nobody_was_asked_to_do_is_drift_and_the_order_stays() -> None:
    found = seen(differences=["no key is stored", "member Sync is inactive"])
    entry = _report.with_history(made(mode="audit", found=found), ordered())
    assert (entry["status"], len(entry["manual_steps"]), entry["ordered"]) == ("drifted", 2, OLD)


def test_a_finished_order_is_gone() -> None:
    found = seen(in_sync=True, key="valid", access=NO_ACCESS)
    entry = _report.with_history(made(mode="audit", found=found, key={"public_key": "p1"}), ordered())
    assert (entry["status"], entry["manual_steps"], entry["ordered"]) == ("ready", [], None)


def test_a_shorter_order_keeps_its_date_and_another_one_has_its_own() -> None:
    shorter = _report.with_history(made(found=seen(), steps=[KEY]), ordered())
    assert (shorter["status"], shorter["ordered"], shorter["manual_steps"]) == ("pending", OLD, [KEY])
    other = _report.with_history(made(found=seen(), steps=[KEY, NOTES]), ordered())
    assert other["ordered"] == other["time"] != OLD


@pytest.mark.parametrize(("state", "old"), [("present", 1), ("absent", 0)])
def test_of_what_was_taken_away_no_old_key_works(state: str, old: int) -> None:
    entry = made(state=state, found=seen(in_sync=True, key="none"), retired=[{"public_key": "p9"}])
    assert len(entry["old_keys"]) == old


@pytest.mark.parametrize("kind", ["ConnectionFailed", "PermissionDenied"])
def test_a_run_that_saw_nothing_wipes_nothing(kind: str) -> None:
    found = seen(in_sync=True, key="valid", access=NO_ACCESS)
    key = {"public_key": "p0", "created": OLD}
    ready = _report.with_history(made(found=found, key=key, retired=[{"public_key": "p9"}]), None)
    assert ready["handover"]
    pending = {**ready, "status": "pending", "manual_steps": [KEY], "ordered": OLD}
    failed = _report.with_history(made(error="no", error_kind=kind, changes=["role"]), pending)
    assert failed["status"] in _status.BAD
    assert (failed["manual_steps"], failed["ordered"], failed["changes"]) == ([KEY], OLD, ["role"])
    assert failed["handover"] == ready["handover"]
    assert (failed["key"], failed["old_keys"]) == (ready["key"], ready["old_keys"])
    # The key that was to be replaced still works, which the run after it must not take for the new one.
    after = _report.with_history(made(mode="audit", found=found, key=key), failed)
    assert (after["status"], after["manual_steps"]) == ("pending", [KEY])


def test_an_integration_that_is_taken_away_has_no_order_to_set_it_up() -> None:
    gone = seen(member={"active": False})
    assert _report.with_history(made(state="absent", found=gone), ordered())["manual_steps"] == []
    away = _report.with_history(made(state="absent", error="no"), ordered())
    assert away["manual_steps"] == [CONTACTS, KEY]
    leaving = {**_report.with_history(made(state="absent", found=gone, steps=[DELETE]), None), "ordered": OLD}
    audit = made(state="absent", mode="audit", found=gone, key={"public_key": "p0"})
    assert _report.with_history(audit, leaving)["status"] == "pending"
    done = _report.with_history(made(state="absent", mode="audit", found=gone), leaving)
    assert (done["status"], done["manual_steps"]) == ("absent", [])
    active = made(state="absent", mode="audit", found=seen(member={"active": True}), key={"public_key": "p0"})
    assert _report.with_history(active, leaving)["status"] == "drifted"


def test_a_hand_over_says_since_when_it_says_so() -> None:
    found = seen(in_sync=True, key="valid", access=NO_ACCESS)
    first = _report.with_history(made(found=found), None)
    first["handover"]["written"] = OLD
    assert _report.with_history(made(found=found), first)["handover"]["written"] == OLD
    first["handover"]["console"] = "another"
    again = _report.with_history(made(found=found), first)
    assert again["handover"]["written"] == again["time"]


def test_of_several_members_each_has_its_own_history(tmp_path: Path) -> None:
    found = seen(differences=["no key is stored"])
    steps = {name: manual.create_key(name, "member", "key") for name in ("Ann", "Bob")}

    def run(**more: Any) -> _report.Entry:
        entry: _report.Entry | None = None
        for name in steps:
            own = {one: value[name] if one == "steps" else value for one, value in more.items()}
            part = made(member=name, found=found, **own)
            entry = part if entry is None else _report.merged(entry, part)
            # As a run does, after each of them.
            entry = _report.write_files(tmp_path, entry)
        assert entry is not None
        return entry

    assert run(steps={name: [step] for name, step in steps.items()})["status"] == "pending"
    audited = run(mode="audit")
    assert audited["status"] == "pending"
    assert audited["manual_steps"] == list(steps.values())
    assert "unseen" not in audited
    # Before its members are known, an integration can fail as one.
    failed = _report.write_files(tmp_path, made(member=None, error="no", steps=[]))
    assert (failed["status"], failed["error"], failed["manual_steps"]) == ("failed", "no", list(steps.values()))
    assert [part["status"] for part in run(mode="audit")["parts"]] == ["pending", "pending"]


def test_the_file_is_read_before_it_is_written_and_a_broken_one_is_none(tmp_path: Path) -> None:
    _report.write_files(tmp_path, made(found=seen(differences=["no key is stored"]), steps=[KEY]))
    path = tmp_path / "north" / "sync.json"
    assert _report.write_files(tmp_path, made(**AUDIT))["status"] == "pending"
    assert json.loads(path.read_text(encoding="utf-8"))["status"] == "pending"
    path.write_text('{"tenant": "nor', encoding="utf-8")
    assert _report.write_files(tmp_path, made(**AUDIT))["status"] == "drifted"


def test_check_mode_writes_what_a_run_would_order_beside_the_real_order(tmp_path: Path) -> None:
    order = made(found=seen(differences=["no key is stored"]), steps=[KEY])
    _report.write_files(tmp_path, order, predicted=True)
    assert sorted(path.name for path in tmp_path.glob("*/*")) == ["sync.check.md"]
    _report.write_files(tmp_path, order)
    assert sorted(path.name for path in tmp_path.glob("*/*")) == ["sync.json", "sync.md"]


def test_the_key_report_goes_with_the_last_integration(tmp_path: Path) -> None:
    folder = tmp_path / "north"
    folder.mkdir()
    one = {"member": "m", "public_key": "p", "state": "valid", "age_days": 1, "place": "s", "findings": [],
           "unknown": [], "retired": [], "excess": [], "listed": True}  # fmt: skip
    (folder / "keys.json").write_text(json.dumps({"sync/Ann": one, "sync/Bob": one, "other": one}), encoding="utf-8")
    (folder / "keys.md").write_text("sync other", encoding="utf-8")
    gone = made(state="absent", found=seen(member={"active": False}))
    _report.write_files(tmp_path, gone)
    assert list(json.loads((folder / "keys.json").read_text(encoding="utf-8"))) == ["other"]
    assert "sync" not in (folder / "keys.md").read_text(encoding="utf-8")
    _report.write_files(tmp_path, {**gone, "vendor": "other"})
    assert not list(folder.glob("keys.*"))
