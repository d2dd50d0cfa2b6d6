# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet report as data: what is merged, kept and packed, and the place beside an inventory."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msp.connectwise.plugins.plugin_utils import _fleet, _key_report, _keys_page, _page, _report
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
    assert _fleet.tenants_with(made, _fleet.LEFT) == ["north"]


def test_a_tenant_that_was_not_reached_is_unreachable_until_something_newer_is_known() -> None:
    made = _fleet.new_fleet("run", "audit")
    _fleet.add_absence(made, "north", "away", ["petra"])
    _fleet.add_absence(made, "europe", "away", [])
    assert _fleet.counts(made) == {"unreachable": 2}
    assert _fleet.tenants_with(made, _report.BAD) == ["europe", "north"]
    later = (datetime.now(timezone.utc) + timedelta(hours=1)).isoformat(timespec="seconds")
    _fleet.add_fleet(made, fleet(entry("north", "petra", "ready", later)))
    assert statuses(made)["north"] == {"petra": "ready"}
    assert made["tenants"]["north"]["error"] == ""
    assert _fleet.tenants_with(made, _report.BAD) == ["europe"]


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
    assert _report.status_of(**{"error": "", "predicts": False, **given}) == status


def test_what_is_gone() -> None:
    member = {"member": {"active": False}, "key": "none"}
    assert _report.is_gone({}, member, {})
    assert not _report.is_gone({}, {**member, "member": {"active": True}}, {})
    assert not _report.is_gone({}, member, {"public_key": "p"})
    # A technician's own membership stays.
    assert _report.is_gone({"strategy": "per_technician"}, {**member, "member": {"active": True}}, {})


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
