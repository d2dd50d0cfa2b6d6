# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last lines of a fleet playbook: how it stands, who has to do what, and what to type next."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.msp.connectwise.plugins.plugin_utils import _fleet
from ansible_collections.msp.connectwise.plugins.plugin_utils._commands import Typed
from ansible_collections.msp.connectwise.plugins.plugin_utils._table import WIDTH, table

TIME = "2026-03-01T04:05:06+00:00"
KEY = {"kind": "create_key", "menu": ["System", "Members"], "do": "Click +.", "why": "no API"}
RUN = Typed(("-i", "inventory.yml"), ("--ask-vault-pass",), here="/here", limit="site")
FILES = {name: f"/here/connectwise_reports/{name}" for name in ("fleet.html", "failed", "left")}
BASE = "ansible-playbook msp.connectwise.{} -i inventory.yml --ask-vault-pass"


def entry(tenant: str, vendor: str, status: str, **more: Any) -> dict[str, Any]:
    steps = [KEY, KEY] if status == "pending" else []
    made = {"tenant": tenant, "vendor": vendor, "product": vendor, "status": status, "time": TIME}
    return {**made, "manual_steps": steps, **more}


def fleet(*entries: dict[str, Any], playbook: str = "onboard", check_mode: bool = False) -> _fleet.Fleet:
    made = _fleet.new_fleet("run", playbook, check_mode=check_mode)
    made["generated"] = TIME
    _fleet.add_entries(made, entries)
    return made


def command(playbook: str, *limit: str) -> str:
    return " ".join([BASE.format(playbook), *(["--limit", *limit] if limit else [])])


def test_a_small_fleet_is_tenants_by_vendors() -> None:
    made = fleet(
        entry("north", "petra", "ready"), entry("north", "zofiq", "ready"),
        entry("onprem", "petra", "pending"), entry("onprem", "zofiq", "failed", error="no: do it", changes=["a role"]),
    )  # fmt: skip
    made["tenants"]["onprem"]["integrations"]["petra"]["run"] = "before"
    assert table(made, FILES, RUN) == [
        "onboard, 1 March 2026, 04:05 UTC: 2 tenants: 1 failed, 2 ready",
        "        petra        zofiq",
        "north   ready        ready",
        "onprem  (pending 2)  failed",
        "(in brackets: as an earlier run has found it)",
        "",
        "Failed:  onprem zofiq: no: do it",
        "         changed before that: a role",
        "By hand: 2 steps, about 5 min: onprem petra (2)",
        "Report:  connectwise_reports/fleet.html",
        f"Next:    {command('onboard', 'onprem')}",
    ]


@pytest.mark.parametrize(("tenants", "vendors"), [(500, 20), (500, 3), (3, 20), (1, 1), (7, 2)])
def test_any_fleet_fits(tenants: int, vendors: int) -> None:
    statuses = ["ready", "pending", "drifted", "failed", "unreachable", "absent"]
    long = {"error": "what went wrong " * 30, "differences": ["what differs " * 30], "changes": ["change " * 40]}
    made = fleet(
        *(
            entry(f"tenant-{tenant:03d}", f"vendor_with_a_name_{vendor}", statuses[(tenant + vendor) % 6], **long)
            for tenant in range(tenants)
            for vendor in range(vendors)
        )
    )
    lines = table(made, FILES, RUN)
    assert [line for line in lines if len(line) > WIDTH and not line.startswith("Next:")] == []
    assert len(lines) <= 28
    assert all(len(line) < 200 for line in lines)


PARTIAL = {"completeness": "partial", "gaps": ["a", "b", "c"]}


UNSEEN = entry("north", "petra", "ready", notes=["not verified: the rights of the key: 403"])


def test_a_profile_that_is_a_part_of_its_page_says_so_in_every_form() -> None:
    made = fleet(
        entry("north", "huntress", "ready", **PARTIAL),
        entry("north", "lastpass", "pending", completeness="partial", gaps=["a"]),
        entry("north", "petra", "ready", completeness="full", gaps=["a"]),
        entry("north", "wise_sync", "failed", error="no", **PARTIAL),
    )
    assert table(made)[:4] == [
        "onboard, 1 March 2026, 04:05 UTC: 1 tenant: 1 failed, 1 pending (partial: 1 gap), 2 ready (1",
        "         partial)",
        "       huntress                 lastpass                    petra  wise_sync",
        "north  ready (partial: 3 gaps)  pending 2 (partial: 1 gap)  ready  failed",
    ]
    made["tenants"]["north"]["integrations"]["huntress"]["run"] = "before"
    assert any("(ready; partial: 3 gaps)" in line for line in table(made))
    # One tenant with more vendors than fit beside each other.
    many = fleet(*(entry("north", f"a_long_name_{number}", "ready", **PARTIAL) for number in range(5)), UNSEEN)
    assert table(many)[:3] == [
        "onboard, 1 March 2026, 04:05 UTC: 1 tenant: 6 ready (5 partial, 1 not verified)",
        "               north",
        "a_long_name_0  ready (partial: 3 gaps)",
    ]
    assert "petra          ready (not verified)" in table(many)
    # A fleet that is counted.
    made = fleet(*(entry(f"t{number}", "huntress", "ready", **PARTIAL) for number in range(9)))
    assert table(made)[0].endswith(": 9 tenants: 9 ready (partial: 3 gaps)")
    made = fleet(
        *(entry(f"t{number}", "huntress", "ready", **PARTIAL) for number in range(9)),
        *(entry("t1", f"vendor{number}", "ready", **(PARTIAL if number == 6 else {})) for number in range(7)),
    )
    assert [line.split("  ")[0] for line in table(made)[2:9:6]] == [
        "huntress (partial: 3 gaps)",
        "2 other vendors (1 partial)",
    ]


def test_what_to_do_about_a_long_error_is_not_cut_off() -> None:
    remedy = 'set sync_customize with one of these names, such as sync_customize: {"Table Setup": {"allow": ["a"]}}'
    made = fleet(entry("north", "sync", "failed", error=f"{'no such table ' * 40}. What to do: {remedy}."))
    text = " ".join(" ".join(table(made)).split())
    assert "no such table … What to do: set sync_customize with" in text
    assert '{"allow": ["a"]}}.' in text


def test_what_exists_nowhere_yet_is_new_and_not_different() -> None:
    made = fleet(entry("north", "petra", "new", differences=["member Petra does not exist"]), playbook="audit")
    lines = table(made, FILES, RUN)
    assert lines[0].endswith(" 1 tenant: 1 new")
    assert "New:     nothing exists yet of north petra" in lines
    assert not any(line.startswith("Differs:") for line in lines)


def test_many_tenants_are_counted() -> None:
    made = fleet(*(entry(f"t{number}", "petra", "ready") for number in range(9)), entry("t9", "petra", "drifted"),
                 *(entry(f"t{number}", "zofiq", "ready") for number in range(9)))  # fmt: skip
    assert table(made)[1:4] == ["       drifted  ready", "petra  1        9", "zofiq  -        9"]


@pytest.mark.parametrize(
    ("playbook", "given", "check_mode", "commands"),
    [
        ("onboard", [("north", "ready")], False, [command("audit")]),
        ("audit", [("north", "ready")], False, ["nothing; there is nothing left to do"]),
        ("offboard", [("north", "absent")], False, ["nothing; there is nothing left to do"]),
        ("onboard", [("north", "pending")], False, [command("finish", "north")]),
        (
            "audit",
            [("north", "pending"), ("south", "drifted"), ("west", "new"), ("east", "failed")],
            False,
            [command("audit", "east"), command("finish", "north"), command("onboard", "south,west")],
        ),
        # What failed and what differs is one run, and a tenant that waits is made good by the run that ends the wait.
        ("onboard", [("a", "failed"), ("b", "drifted"), ("b", "pending")], True, [command("onboard", "a,b")]),
        ("audit", [("a", "drifted"), ("a", "pending")], False, [command("finish", "a")]),
        ("audit", [("north", "new")], True, [command("onboard", "north")]),
        ("offboard", [("north", "pending")], False, [command("offboard", "north")]),
        ("audit", [("north", "drifted")], False, [command("onboard", "north")]),
        ("rotate_keys", [("north", "drifted")], True, [command("rotate_keys", "north")]),
        ("rotate_keys", [("north", "failed")], False, [command("rotate_keys", "north")]),
        ("merged", [("north", "failed")], False, [command("onboard", "north")]),
        ("onboard", [("north", "unreachable"), ("south", "failed")], False, [command("doctor", "north,south")]),
        (
            "onboard",
            [("north", "failed"), ("south", "pending")],
            False,
            [command("onboard", "north"), command("finish", "south")],
        ),
        (
            "onboard",
            [(f"t{number}", "failed") for number in range(9)],
            False,
            [command("onboard", "@connectwise_reports/failed")],
        ),
        ("onboard", [(f"t{number}", "drifted") for number in range(9)], True, [command("onboard", "site")]),
        (
            "audit",
            [(f"t{number}", status) for number, status in enumerate(["drifted"] * 5 + ["failed"] * 5)],
            False,
            [command("audit", "@connectwise_reports/failed"), command("onboard", "@connectwise_reports/left")],
        ),
        # The files name tenants of other runs, from which nobody wants to take anything away.
        ("offboard", [(f"t{number}", "failed") for number in range(9)], False, [command("offboard", "site")]),
    ],
)
def test_what_to_type_next(playbook: str, given: Any, check_mode: bool, commands: list[str]) -> None:
    made = fleet(
        *(entry(tenant, f"petra{number}", status) for number, (tenant, status) in enumerate(given)),
        playbook=playbook,
        check_mode=check_mode,
    )
    lines = table(made, {} if check_mode else FILES, RUN)
    assert [line.removeprefix("Next:    ") for line in lines if line.startswith("Next:")] == commands


def test_a_run_that_only_stored_keys_tells_of_its_own_tenants() -> None:
    made = fleet(entry("north", "petra", "unreachable", error="away"), entry("south", "petra", "ready"),
                 playbook="store_key")  # fmt: skip
    for tenant in made["tenants"].values():
        tenant["integrations"]["petra"]["run"] = "before"
    lines = table(made, FILES, RUN, ["north"])
    assert "north  (unreachable)" in lines
    assert "and 1 tenant of earlier runs, in the report" in lines
    # That it was away then is no failure of this run, which has reached it.
    assert not any(line.startswith("Failed:") for line in lines)
    assert lines[-1] == f"Next:    {command('onboard', 'north')}"


def test_the_same_error_of_a_tenant_is_told_once_and_in_full() -> None:
    error = "no connection could be made. What to do: check the host name, the port, the proxy and the firewall"
    made = fleet(
        entry("north", "petra", "unreachable", error=error), entry("north", "zofiq", "unreachable", error=error)
    )
    lines = table(made)
    at = next(number for number, line in enumerate(lines) if line.startswith("Failed:"))
    assert " ".join(line.strip() for line in lines[at : at + 2]) == f"Failed:  north petra, zofiq: {error}"


@pytest.mark.parametrize("status", ["failed", "drifted"])
def test_what_an_earlier_run_was_not_content_with_is_looked_at_again_and_not_counted(status: str) -> None:
    made = fleet(
        entry("north", "petra", status, error="no"),
        entry("north", "zofiq", "ready"),
        entry("south", "umbrella", "ready"),
    )
    made["tenants"]["north"]["integrations"]["petra"]["run"] = "before"
    run = replace(RUN, extra=("-e", "cw_integrations=zofiq,umbrella"))
    for playbook in ("audit", "onboard", "offboard"):
        lines = table({**made, "playbook": playbook}, FILES, run)
        assert lines[0].endswith(" 2 tenants: 2 ready")
        # By a run that only reads: the earlier one may have been an offboarding.
        assert lines[-1] == f"Next:    {command('audit', 'north')} -e cw_integrations=petra"


def test_after_a_prediction_of_changes_the_same_run_makes_them() -> None:
    made = fleet(
        entry("north", "petra", "ready", changes=["new API key"]), entry("south", "petra", "ready"),
        playbook="rotate_keys", check_mode=True,
    )  # fmt: skip
    assert table(made, {}, RUN)[-1] == f"Next:    {command('rotate_keys', 'north')}"


def test_a_prediction_speaks_of_itself_and_names_the_run_that_makes_it_so() -> None:
    made = fleet(
        entry("onprem", "petra", "drifted", manual_steps=[KEY]), entry("onprem", "zofiq", "pending"), check_mode=True
    )
    made["tenants"]["onprem"]["integrations"]["zofiq"]["run"] = "before"
    lines = table(made, {}, RUN, orders="/here/connectwise_reports")
    assert lines[0].endswith(" 1 tenant: 1 drifted")
    at = lines.index("By hand: would be 1 step, about 3 min: onprem petra (1)")
    assert lines[at + 1] == "         connectwise_reports/onprem/petra.check.md"
    assert lines[-1] == f"Next:    {command('onboard', 'onprem')}"


@pytest.mark.parametrize(("change", "told"), [("new API key", True), ("given key stored", True), ("a role", False)])
def test_who_has_to_be_given_a_new_key_is_told(change: str, told: bool) -> None:
    made = fleet(entry("north", "petra", "ready", changes=["a role", change]), entry("south", "petra", "ready"))
    line = "Vendors: give them their new keys, as the hand-overs in the report say: north petra"
    assert (line in table(made, FILES, RUN)) is told
    assert line not in table({**made, "check_mode": True}, {}, RUN)


def test_what_is_made_with_risky_rights_is_told_once_for_each_vendor() -> None:
    asks = ["System / Security Roles: Edit All — can give itself and others any right", *["Companies / Contacts"] * 20]
    made = fleet(
        *(entry(tenant, "acme", "ready", asks=asks) for tenant in ("east", "north")),
        *(entry("north", f"vendor{number}", "ready", asks=asks[:1]) for number in range(6)),
        entry("north", "zofiq", "ready"),
    )
    lines = table(made)
    told = [line for line in lines if line.startswith("Rights:")]
    assert told[0].startswith("Rights:  acme asks for System / Security Roles: Edit All — can give itself")
    assert len(told) == 4
    assert "         and vendor3, vendor4, vendor5, as shown above" in lines
    assert max(map(len, lines)) <= WIDTH
    # What an earlier run has made was shown then.
    for cell in made["tenants"]["north"]["integrations"].values():
        cell["run"] = "before"
    assert len([line for line in table(made) if line.startswith("Rights:")]) == 1


def test_a_tenant_without_vendors_and_the_end_of_old_keys_are_told() -> None:
    old = [{"public_key": "abcd…", "until": "2026-03-08T04:05:06+00:00"}]
    made = fleet(entry("north", "petra", "ready", old_keys=old))
    _fleet.add_absence(made, "south", "cw_integrations is not set", [])
    lines = table(made)
    assert "south  unreachable" in lines
    assert not any("in brackets" in line for line in lines)
    assert "Failed:  south: cw_integrations is not set" in lines
    assert any(
        line.startswith("Vendors: old keys work until 8 March 2026, 04:05 UTC;") and line.endswith("north petra")
        for line in lines
    )


HIDDEN = "not verified: the rights of the key: GET /system/mySecurity"


def test_what_a_tenant_does_not_show_is_told_beside_the_status() -> None:
    boards = "the key sees no ticket of Help Desk"
    made = fleet(
        entry("north", "petra", "ready", notes=[HIDDEN]),
        entry("north", "zofiq", "ready", notes=[boards]),
        entry("south", "petra", "ready", notes=[HIDDEN]),
        entry("south", "zofiq", "drifted", notes=["further"], differences=["a row"]),
    )
    lines = table(made, FILES, RUN)
    assert lines[2:4] == ["north  ready (not verified)  ready", "south  ready (not verified)  drifted"]
    assert f"Note:    north petra, south petra: {HIDDEN}" in lines
    assert f"Note:    north zofiq: {boards}" in lines
    assert "         and 1 more, in the report" in lines
    later = fleet(entry("north", "petra", "ready"))
    (change,) = _fleet.changes_since({**made, "run": "before"}, later)["changes"]  # type: ignore[index]
    assert (change["before"], change["after"]) == ("ready (not verified)", "ready")


@pytest.mark.parametrize("playbook", ["audit", "onboard", "key_report"])
def test_what_replaces_refused_keys_comes_next(playbook: str) -> None:
    line = "the stored key is refused; a key X exists"
    given = [
        entry("north", "petra", "drifted", refused=True, differences=[line]),
        entry("south", "petra", "failed", refused=True, error=line),
        entry("west", "petra", "drifted", differences=["a row"]),
    ]
    lines = table(fleet(*given[:2], playbook=playbook), FILES, RUN)
    heal = f"Next:    {command('onboard', 'north,south')} -e integration_heal=true"
    assert [one for one in lines if one.startswith("Next:")] == [heal]
    assert heal in table(fleet(*given, playbook=playbook), FILES, RUN)
    awx = table(fleet(*given[:1], playbook=playbook), FILES, replace(RUN, templates="CW"))
    assert "Next:    in AWX, launch CW onboard, limit north, extra variable integration_heal: true" in awx


def test_what_is_taken_away_needs_no_other_key() -> None:
    made = fleet(entry("north", "petra", "failed", refused=True, error="no"), playbook="offboard")
    assert f"Next:    {command('offboard', 'north')}" in table(made, FILES, RUN)


def test_what_changed_since_the_run_before_is_told() -> None:
    made = fleet(entry("north", "petra", "ready"), entry("south", "petra", "pending"))
    before = fleet(entry("north", "petra", "failed"), entry("south", "petra", "pending"))
    made["run"], made["since"] = "next", _fleet.changes_since(before, {**made, "run": "next"})
    assert "Since:   1 March 2026, 04:05 UTC: north petra failed > ready" in table(made)
    assert not any(line.startswith("Since:") for line in table({**made, "check_mode": True}))


def test_a_report_about_keys_says_how_they_are_and_where_it_is() -> None:
    files = {**FILES, "keys.html": "/here/connectwise_reports/keys.html"}
    made = fleet(entry("north", "petra", "ready"), playbook="key_report")
    lines = table(made, files, RUN, keys="1 tenant, 1 key: 1 valid; 0 with findings")
    at = lines.index("Keys:    1 tenant, 1 key: 1 valid; 0 with findings")
    assert lines[at + 1] == "         connectwise_reports/keys.html"
    assert not any("keys.html" in line for line in table(made, files, RUN))


def test_on_awx_nobody_types_commands() -> None:
    made = fleet(entry("north", "petra", "failed"))
    lines = table(made, FILES, replace(RUN, templates=""))
    assert lines[-1] == "Next:    in AWX, launch onboard, limit north"
    # One template does for several playbooks, and is launched once.
    made = fleet(
        *(entry(f"t{number}", "petra", status) for number, status in enumerate(["pending", "drifted", "new"])),
        entry("t9", "petra", "failed"),
        playbook="audit",
    )
    lines = table(made, FILES, replace(RUN, templates="MSP"))
    assert [line for line in lines if line.startswith("Next:")] == [
        "Next:    in AWX, launch MSP audit, limit t9",
        "Next:    in AWX, launch MSP onboard, limit t0,t1,t2",
    ]


def test_nothing_is_known() -> None:
    assert table(fleet())[0].endswith("0 tenants: nothing is known")


def test_keys_replaced_in_the_same_minute_are_in_the_order_of_their_names() -> None:
    first, last = ([{"until": f"2026-12-06T04:05:{second}+00:00"}] for second in ("01", "59"))
    made = fleet(
        entry("north", "zofiq", "ready", old_keys=first),
        entry("north", "petra", "ready", old_keys=last),
    )
    assert "enter the new ones before: north petra, north zofiq" in " ".join(line.strip() for line in table(made))
