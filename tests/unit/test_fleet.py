# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet report as data: what is merged, kept and packed, and the place beside an inventory."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msp.connectwise.plugins.plugin_utils import (
    _fleet,
    _key_report,
    _keys_page,
    _page,
    _report,
    _report_place,
    _status,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_life import Facts, Wish
from ansible_collections.msp.connectwise.plugins.plugin_utils._settings import beside

OLD, NEW = "2026-03-01T01:00:00+00:00", "2026-03-01T02:00:00+00:00"
STEP = {"kind": "role_activate", "menu": ["System", "Security Roles"], "do": "Activate it.", "why": "no API"}


def entry(tenant: str, vendor: str, status: str, time: str = NEW, **more: Any) -> dict[str, Any]:
    return {"tenant": tenant, "vendor": vendor, "product": vendor.title(), "status": status, "time": time, **more}


def fleet(*entries: dict[str, Any], run: str = "run") -> _fleet.Fleet:
    made = _fleet.new_fleet(run, "onboard")
    _fleet.add_entries(made, entries)
    return made


def statuses(made: _fleet.Fleet) -> dict[str, dict[str, str]]:
    return {
        name: {vendor: cell["status"] for vendor, cell in tenant["integrations"].items()}
        for name, tenant in made["tenants"].items()
    }


def test_of_two_results_the_newer_counts_whichever_comes_first() -> None:
    older, newer = fleet(entry("north", "petra", "failed", OLD)), fleet(entry("north", "petra", "ready", NEW))
    for order in ((older, newer), (newer, older)):
        merged = _fleet.new_fleet("merge", "merged")
        for one in order:
            _fleet.add_fleet(merged, one)
        assert statuses(merged) == {"north": {"petra": "ready"}}


def test_what_a_run_was_not_about_stays_and_what_left_the_inventory_goes() -> None:
    known = fleet(entry("north", "petra", "ready"), entry("europe", "petra", "ready"), entry("gone", "petra", "ready"))
    made = fleet(entry("north", "zofiq", "pending", manual_steps=[STEP]), run="next")
    _fleet.add_fleet(made, known, only=["north", "europe"])
    assert statuses(made) == {"north": {"zofiq": "pending", "petra": "ready"}, "europe": {"petra": "ready"}}
    assert _fleet.counts(made) == {"pending": 1, "ready": 2}
    assert _fleet.tenants_with(made, _status.LEFT) == ["north"]


def test_a_tenant_that_was_not_reached_is_unreachable_until_something_newer_is_known() -> None:
    made = _fleet.new_fleet("run", "audit")
    _fleet.add_absence(made, "north", "away", ["petra"])
    _fleet.add_absence(made, "europe", "away", [])
    assert _fleet.counts(made) == {"unreachable": 2}
    assert _fleet.tenants_with(made, _status.BAD) == ["europe", "north"]
    later = (datetime.now(timezone.utc) + timedelta(hours=1)).isoformat(timespec="seconds")
    _fleet.add_fleet(made, fleet(entry("north", "petra", "ready", later)))
    assert statuses(made)["north"] == {"petra": "ready"}
    assert made["tenants"]["north"]["error"] == ""
    assert _fleet.tenants_with(made, _status.BAD) == ["europe"]


def test_packing_keeps_everything_and_each_step_once() -> None:
    pending = [entry(f"tenant{number}", "petra", "pending", manual_steps=[STEP, STEP]) for number in range(50)]
    made = fleet(*pending, entry("north", "petra", "ready"))
    small = _fleet.packed(made)
    assert small["steps"] == [STEP]
    assert _fleet.unpacked(json.loads(json.dumps(small))) == made
    with pytest.raises(ValueError, match="not a fleet report"):
        _fleet.unpacked({"format": "another"})


def changes(made: _fleet.Fleet) -> dict[str, tuple[str, str]]:
    return {f"{one['tenant']}/{one['vendor']}": (one["before"], one["after"]) for one in made["since"]["changes"]}


def test_what_is_otherwise_than_in_the_run_before() -> None:
    steps = {"manual_steps": [STEP, STEP]}
    known = fleet(
        entry("north", "petra", "failed"), entry("north", "zofiq", "ready"), entry("south", "petra", "pending", **steps)
    )
    made = fleet(
        entry("north", "petra", "ready"), entry("north", "zofiq", "ready"), entry("north", "umbrella", "ready"),
        entry("south", "petra", "pending", manual_steps=[STEP]), run="next",
    )  # fmt: skip
    made["since"] = _fleet.changes_since(known, made)
    assert made["since"]["generated"] == known["generated"]
    assert changes(made) == {
        "north/petra": ("failed", "ready"),
        "north/umbrella": ("", "ready"),
        "south/petra": ("pending 2", "pending 1"),
    }
    assert _fleet.changes_since(None, made) is None
    # Those that merge it with others have no use for it.
    assert "since" not in _fleet.packed(made)


def test_batches_of_one_run_compare_with_the_run_before_all_of_them() -> None:
    known = fleet(entry("north", "petra", "failed"), entry("south", "petra", "ready"))
    first = fleet(entry("north", "petra", "ready"), entry("south", "petra", "ready"), run="next")
    first["since"] = _fleet.changes_since(known, first)
    second = fleet(entry("north", "petra", "ready"), entry("south", "petra", "drifted"), run="next")
    second["since"] = _fleet.changes_since(first, second)
    assert changes(second) == {"north/petra": ("failed", "ready"), "south/petra": ("ready", "drifted")}
    # Without a run before there is nothing to compare with, in any batch.
    del first["since"]
    assert _fleet.changes_since(first, second) is None


def test_a_report_of_the_fleet_shows_the_beginning_of_a_key() -> None:
    made = fleet(entry("north", "petra", "ready", key={"public_key": "publickey", "place": "store"}))
    assert made["tenants"]["north"]["integrations"]["petra"]["key"]["public_key"] == "publ…"


def key(**more: Any) -> dict[str, Any]:
    one = {"member": "m", "public_key": "publickey", "state": "valid", "age_days": 1.0, "place": "s", "findings": []}
    return {**one, "unknown": [], "retired": [], "excess": [], "listed": True, **more}


def test_the_page_of_all_keys_begins_with_those_to_look_at(tmp_path: Path) -> None:
    for tenant, keys in {
        "north": {"petra": key(age_days=300.0), "zofiq": key(findings=["<b>old</b>"])},
        "south": {"petra": key(age_days=120.4, state="refused", findings=["refused"], public_key=None)},
    }.items():
        (tmp_path / tenant).mkdir()
        (tmp_path / tenant / "keys.json").write_text(json.dumps(keys), encoding="utf-8")
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "keys.json").write_text('{"petra": ', encoding="utf-8")
    text = _keys_page.page(_keys_page.reports_below(tmp_path), NEW)
    assert "1 March 2026, 02:00 UTC: 2 tenants, 3 keys: 1 refused, 2 valid; 2 with findings" in text
    rows = [row.partition("</th>")[0] for row in text.split('<tr><th scope="row">')[1:]]
    assert rows == ["south", "north", "north"]
    assert "publickey" not in text
    assert "<b>" not in text
    assert "&lt;b&gt;old" in text
    assert "120 days" in text
    assert "1 day<" in text
    assert "@" not in text.partition("<body>")[2]


def test_a_key_that_the_store_lacks_is_missing() -> None:
    keys = {"petra": key(), "zofiq": key(state="none", public_key=None)}
    reports = {"north": {"time": NEW, "keys": keys}}
    assert _keys_page.summary(reports) == "1 tenant, 2 keys: 1 missing, 1 valid; 0 with findings"
    assert ">missing</span>" in _keys_page.page(reports, NEW)
    assert "| missing |" in _key_report.text(keys, "north")


@pytest.mark.parametrize(("state", "shown"), [("valid", "publickey"), ("refused", "publ…"), ("foreign", "publ…")])
def test_a_key_that_the_tenant_does_not_confirm_is_not_shown_whole(state: str, shown: str) -> None:
    record = {"current": {"public_key": "publickey", "created": NEW}}
    now = datetime.now(timezone.utc)
    found = _key_report.report(record, Facts(offered=True), state, Wish("m", "api", "key"), None, "store", "", now)
    assert found["public_key"] == shown
    assert "publickey" not in _key_report.text({"petra": {**found, "public_key": shown[:4]}}, "north")


def test_the_page_of_all_keys_shows_the_beginning_of_any_key_and_times_of_people() -> None:
    other = [{"id": 1, "description": "old", "public_key": "unknownkey"}]
    one = key(
        retired=[{"public_key": "replacedkey", "since": NEW}], unknown=other, risks=["A / B: Add All", "A / C: All"]
    )
    page = _keys_page.page({"north": {"time": NEW, "keys": {"petra": one}}}, NEW)
    assert "<li>not in the store: unkn… (old)</li>" in page
    assert "<li>replaced, still to be deleted: repl…, since 1 March 2026, 02:00 UTC</li>" in page
    assert page.count("deserve a look") == 1
    assert "A / B: Add All; A / C: All</li>" in page


def test_a_page_holds_no_markup_of_a_tenants_and_no_address_of_the_network() -> None:
    page = _page.page(fleet(entry("north", "petra", "failed", error="</script><img src=https://example.org/x>")))
    data = page.partition('<script type="application/json" id="data">')[2].partition("</script>")[0]
    assert json.loads(data)["tenants"][0]["cells"][0]["error"] == "</script><img src=https://example.org/x>"
    assert "<img" not in page
    assert "https://" not in page.replace(data, "").replace("https://www.gnu.org/licenses/gpl-3.0.txt", "")


def test_files_of_a_killed_run_count_as_far_as_they_are_whole_and_new(tmp_path: Path) -> None:
    now = datetime.now(timezone.utc)
    fresh = entry("north", "petra", "ready", now.isoformat(timespec="seconds"))
    stale = entry("europe", "petra", "ready", (now - timedelta(hours=13)).isoformat(timespec="seconds"))
    for one in (fresh, stale):
        _report.write_files(tmp_path, {"error": "", "manual_steps": [], "differences": [], "handover": None, **one})
    (tmp_path / "onprem").mkdir()
    (tmp_path / "onprem" / "petra.json").write_text('{"tenant": "onprem", "ven', encoding="utf-8")
    assert [one["tenant"] for one in _fleet.entries_below(tmp_path, 12)] == ["north"]


def test_the_journal_of_a_run_keeps_the_last_word_about_each(tmp_path: Path) -> None:
    assert _report.noted(str(tmp_path)) == []
    for status in ("ready", "pending"):
        _report.note(str(tmp_path), entry("north", "petra", status))
    assert [one["status"] for one in _report.noted(str(tmp_path))] == ["pending"]


@pytest.mark.parametrize("character", ["\x85", "\u2028", "\u2029", "\x0b", "\x1c"])
def test_names_with_characters_that_some_take_for_line_ends(tmp_path: Path, character: str) -> None:
    _report.note(str(tmp_path), entry("north", "petra", "drifted", differences=[f"Managed{character}Services"]))
    _report.note(str(tmp_path), entry("south", "petra", "ready"))
    assert [one["tenant"] for one in _report.noted(str(tmp_path))] == ["north", "south"]


def test_a_tenant_that_was_reached_is_away_no_more() -> None:
    known = fleet(entry("north", "zofik", "unreachable", OLD), entry("north", "petra", "failed", OLD), run="before")
    _fleet.add_absence(known, "south", "away", ["petra"])
    made = fleet(entry("north", "zofiq", "ready"))
    _fleet.forget_absences(known, made)
    _fleet.add_fleet(made, known)
    assert statuses(made) == {"north": {"zofiq": "ready", "petra": "failed"}, "south": {"petra": "unreachable"}}


def written(directory: Path, tenant: str, status: str = "ready", **more: Any) -> _report.Entry:
    base = {"error": "", "manual_steps": [], "differences": [], "handover": None}
    return _report.write_files(directory, {**base, **entry(tenant, "petra", status), **more})


SHARED = ("x y", "x_y", "x%y", "x/y")
ODD = ("", "..", ".hidden", "~", "Fleet.json", "failed", "left", "merged", "job-17", "a" * 250, "é" * 150)


def test_each_tenant_has_a_folder_of_its_own_and_plain_names_stay() -> None:
    for plain in ("north", "x_y", "acme.yml", "client@example.org", "Kunde-ä", "job-x"):
        assert _report_place.folder_name(plain) == plain
    names = {tenant: _report_place.folder_name(tenant) for tenant in (*SHARED, *ODD, "fleet.json", "a" * 251)}
    assert len({name.casefold() for name in names.values()}) == len(names)
    assert all("/" not in name and not name.startswith(".") and len(name.encode()) <= 255 for name in names.values())
    # Still to be read by a person.
    assert names["x y"].startswith("x_y~")
    assert names["fleet.json"].startswith("fleet.json~")


def test_tenants_with_names_alike_read_only_their_own_history(tmp_path: Path) -> None:
    for tenant in SHARED:
        written(tmp_path, tenant, changes=[tenant])
    for tenant in SHARED:
        found = _report.entry_in(tmp_path, tenant, "petra")
        assert found is not None
        assert found["changes"] == [tenant]
    assert _report.entry_in(tmp_path, "x?y", "petra") is None


def test_a_tenant_with_the_name_of_a_file_about_all_leaves_that_to_the_report(tmp_path: Path) -> None:
    for tenant in ("fleet.json", "keys.html", "failed"):
        written(tmp_path, tenant)
        # An earlier version would have had its folder where the report about all stands by the second run.
        (tmp_path / tenant).write_text("of all", encoding="utf-8")
        assert _report.entry_in(tmp_path, tenant, "another") is None
        written(tmp_path, tenant, changes=["second run"])
        assert (_report.entry_in(tmp_path, tenant, "petra") or {})["changes"] == ["second run"]
    _report_place.require_place_of_all(tmp_path)
    assert {one["tenant"] for one in _fleet.entries_below(tmp_path, 10**6)} == {"fleet.json", "keys.html", "failed"}


@pytest.mark.parametrize("first", ["x y", "x_y"])
def test_what_an_earlier_version_has_left_in_a_shared_folder_goes_to_its_tenant(tmp_path: Path, first: str) -> None:
    written(tmp_path, "x_y", changes=["an earlier run"])
    path = tmp_path / "x_y" / "petra.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"x_y"', '"x y"'), encoding="utf-8")
    found = _report.entry_in(tmp_path, "x y", "petra")
    assert found is not None
    assert found["changes"] == ["an earlier run"]
    assert _report.entry_in(tmp_path, "x_y", "petra") is None
    written(tmp_path, first, changes=["this run"])
    new = tmp_path / _report_place.folder_name("x y")
    assert sorted(one.name for one in new.iterdir()) == ["petra.json", "petra.md"]
    assert (tmp_path / "x_y").exists() == (first == "x_y")
    for tenant, said in (("x y", "this run" if first == "x y" else "an earlier run"), ("x_y", "this run")):
        found = _report.entry_in(tmp_path, tenant, "petra")
        assert (found is None and first != tenant) or (found or {})["changes"] == [said]


def run_with_key(directory: Path, state: str, *, mode: str = "audit", done: bool = False, **more: Any) -> None:
    """Record a run that has seen the key of an integration, or with done has stored another one."""
    shown = {"public_key": "newkey12345", "created": NEW}
    found = {"in_sync": state == "valid", "differences": [], "key": state, **more}
    look = {
        "vendor": "petra",
        "mode": mode,
        "api_keys": [{"record": "petra", "found": found, "place": "s", "key": shown}],
    }
    stored = {"record": "petra", "api_key": {**shown, "state": "valid"}, "done": ["given key stored"], "place": "new"}
    results = {"cw_api_key": [stored]} if done else {}
    _report.record_integration(look, results, "north", {}, check_mode=False, directory=str(directory))


def test_the_report_about_a_key_follows_what_later_runs_see(tmp_path: Path) -> None:
    def kept(name: str = "petra") -> dict[str, Any]:
        found: dict[str, Any] = json.loads((tmp_path / "north" / "keys.json").read_text(encoding="utf-8"))[name]
        return found

    run_with_key(tmp_path, "valid")
    # Nobody has asked for a report about keys.
    assert not (tmp_path / "north" / "keys.json").exists()
    unknown = [
        {"id": 7, "description": "other", "public_key": "newkey12345"},
        # A pair in the record of the key that is replaced, and one of somebody else.
        {"id": 5, "description": "edited", "public_key": "edited123456"},
        {"id": 9, "description": "theirs", "public_key": "theirs123456"},
    ]
    findings = ["the tenant refuses the stored key: it was deleted", "1 key of the member is not in the store"]
    old = key(state="refused", public_key="publ…", age_days=300.0, findings=findings, unknown=unknown, key_id=5)
    path = tmp_path / "north" / "keys.json"
    path.write_text(json.dumps({"petra": old, "zofiq": key()}), encoding="utf-8")
    os.utime(path, (0, 0))

    run_with_key(tmp_path, "refused", mode="store_key", done=True)
    now = kept()
    assert (now["state"], now["public_key"], now["place"]) == ("valid", "newkey12345", "new")
    assert now["findings"] == ["the member has 1 key that the store does not know: use, store or delete what is listed"]
    assert [one["id"] for one in now["unknown"]] == [9]
    assert now["age_days"] != 300.0
    page = _keys_page.page(_keys_page.reports_below(tmp_path), NEW)
    assert "refuses" not in page
    # Of the other key this run has seen nothing.
    assert kept("zofiq") == {"seen": "1970-01-01T00:00:00+00:00", **key()}
    assert "1 January 1970" in page

    before = path.read_bytes()
    run_with_key(tmp_path, "valid", place="s")
    assert path.read_bytes() == before
    access = {"excess": [], "excess_items": [{"function": "Table Setup", "item": "A"}]}
    run_with_key(tmp_path, "refused", access=access)
    assert kept()["state"] == "refused"
    assert kept()["public_key"] == "newk…"
    assert kept()["findings"][2:] == ["the key has 1 right beyond the vendor's page"]


def test_the_page_of_all_keys_names_tenants_and_not_their_folders(tmp_path: Path) -> None:
    for folder in ("north", "x_y", _report_place.folder_name("x y")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "keys.json").write_text(json.dumps({"petra": key()}), encoding="utf-8")
    # What lies in the old folder is of an earlier version, unless a tenant has that name.
    assert set(_keys_page.reports_below(tmp_path, ["north", "x y"])) == {"north", "x y"}
    assert set(_keys_page.reports_below(tmp_path, ["north", "x y", "x_y"])) == {"north", "x y", "x_y"}
    assert set(_keys_page.reports_below(tmp_path)) == {"north", "x_y", _report_place.folder_name("x y")}


STEPS = [{"kind": "create_key"}]


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"state": "present", "in_sync": True, "steps": []}, "ready"),
        # A key works, but the one that was to come is a person's to make.
        ({"state": "present", "in_sync": True, "steps": STEPS}, "pending"),
        ({"state": "present", "in_sync": False, "steps": []}, "failed"),
        ({"state": "present", "in_sync": True, "steps": [], "predicts": True}, "ready"),
        ({"state": "present", "in_sync": False, "steps": STEPS, "predicts": True}, "drifted"),
        ({"state": "present", "in_sync": False, "steps": STEPS, "predicts": True, "new": True}, "new"),
        # Of a run that was to make it, it is a failure that nothing exists.
        ({"state": "present", "in_sync": False, "steps": [], "new": True}, "failed"),
        ({"state": "absent", "in_sync": False, "steps": [], "predicts": True}, "drifted"),
        ({"state": "absent", "in_sync": False, "steps": [], "predicts": True, "gone": True}, "absent"),
        ({"state": "absent", "in_sync": False, "steps": STEPS}, "pending"),
        ({"state": "absent", "in_sync": None, "steps": []}, "absent"),
        (
            {"state": "present", "in_sync": None, "steps": [], "error": "no answer", "error_kind": "LostAnswer"},
            "unreachable",
        ),
    ],
)
def test_the_status_of_an_integration(given: dict[str, Any], status: str) -> None:
    assert _status.status_of(**{"error": "", "predicts": False, **given}) == status


THERE, NOT_THERE = {"exists": True}, {"exists": False}
UNSEEN = {"member": NOT_THERE, "role": NOT_THERE, "key": "none"}
PEOPLE = {"strategy": "per_technician"}


@pytest.mark.parametrize(
    ("profile", "found", "key", "new"),
    [
        ({}, UNSEEN, {}, True),
        ({}, {**UNSEEN, "member": THERE}, {}, False),
        ({}, {**UNSEEN, "role": THERE}, {}, False),
        # Who holds the role could not be read.
        ({}, {"member": NOT_THERE, "key": "none"}, {}, False),
        ({}, {**UNSEEN, "key": "refused"}, {}, False),
        ({}, UNSEEN, {"public_key": "p"}, False),
        (PEOPLE, {"member": THERE, "key": "none"}, {}, True),
        (PEOPLE, {"member": THERE, "key": "valid"}, {}, False),
    ],
)
def test_what_is_new(profile: dict[str, Any], found: dict[str, Any], key: dict[str, Any], new: bool) -> None:
    assert _status.is_new(profile, found, key) is new


def test_who_counts_drift_counts_what_is_new() -> None:
    assert _status.failing(["failed", "drifted"]) == ["failed", "drifted", "new"]
    assert _status.failing(["drifted", "new"]) == ["drifted", "new"]
    assert _status.failing(["failed"]) == ["failed"]


def test_of_several_members_some_of_which_exist_the_rest_is_drift() -> None:
    assert _status.worst(["new", "new"]) == "new"
    assert _status.worst(["new", "ready"]) == "drifted"
    assert _status.worst(["pending", "new"]) == "pending"


@pytest.mark.parametrize(
    ("profile", "completeness", "note"),
    [
        ({}, None, ""),
        ({"completeness": "full", "gaps": ["a"]}, "full", ""),
        ({"completeness": "partial", "gaps": ["a", "b", "c"]}, "partial", "partial: 3 gaps"),
        ({"completeness": "partial", "gaps": ["a"]}, "partial", "partial: 1 gap"),
        ({"completeness": "partial"}, "partial", "partial"),
        ({"gaps": ["a", "b"]}, "partial", "partial: 2 gaps"),
    ],
)
def test_how_complete_a_profile_is(profile: dict[str, Any], completeness: str | None, note: str) -> None:
    fields = _status.completeness(profile)
    assert fields == {"completeness": completeness, "gaps": profile.get("gaps", [])}
    for status in _status.STATUSES:
        told = note if status in ("ready", "new", "drifted", "pending") else ""
        assert _status.in_words({**fields, "status": status}) == (f"{status} ({told})" if told else status)


def test_what_is_gone() -> None:
    member = {"member": {"active": False}, "key": "none"}
    assert _status.is_gone({}, member, {})
    assert not _status.is_gone({}, {**member, "member": {"active": True}}, {})
    assert not _status.is_gone({}, member, {"public_key": "p"})
    # A technician's own membership stays.
    assert _status.is_gone({"strategy": "per_technician"}, {**member, "member": {"active": True}}, {})


def test_the_place_beside_an_inventory(tmp_path: Path) -> None:
    inventory = tmp_path / "inventories" / "prod"
    (inventory / "sub").mkdir(parents=True)
    file = inventory / "hosts.yml"
    file.touch()
    found = str(tmp_path / "inventories" / "keys")
    assert beside("keys", str(inventory), [str(file)]) == str(inventory / "keys")
    # Within a directory that is an inventory, Ansible would read keys and reports as further inventory.
    assert beside("keys", str(inventory), [str(inventory)]) == found
    assert beside("keys", str(inventory / "sub"), ["north,south", str(inventory)]) == found
    # Reports may lie where the command was typed, keys may not.
    assert beside("keys", None, ["north,"]) == ""
    assert beside("reports", None, ["north,"], here=True) == str(Path.cwd() / "reports")
