# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The summaries of doctor, first_key, compare and rekey_store: what was done, what is left, and what to type."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.msp.connectwise.plugins.plugin_utils._commands import Typed
from ansible_collections.msp.connectwise.plugins.plugin_utils._summaries import (
    COMPARED,
    EXAMINED,
    KEPT,
    REKEYED,
    SUMMARIES,
    Ended,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils._table import WIDTH

TYPED = Typed(("-i", "inventory.yml"), ("--vault-id", "old@OLD", "--vault-id", "new@NEW"), here="/here")
WRONG = {"check": "keys", "status": "wrong", "found": "the keys were refused", "remedy": "check public_key"}
WARNS = {"check": "rate", "status": "warning", "found": "slow", "remedy": "wait"}
FINE = {"check": "name", "status": "ok", "found": "good", "remedy": ""}


def told(playbook: str, results: dict[str, dict[str, Any]], **changes: Any) -> list[str]:
    """The summary of a run; results: by host, what its tasks registered."""
    ended = {"typed": TYPED, "check_mode": False, **changes}
    lines = SUMMARIES[playbook](Ended(list(results), results.__getitem__, **ended))
    assert lines[0].startswith(playbook)
    assert lines[-1].startswith("Next:    ansible-playbook msp.connectwise.")
    assert all(len(line) <= WIDTH for line in lines if not line.startswith(("Next:", "File:", "Backup:", "Page:")))
    return lines


def following(lines: list[str]) -> list[str]:
    return [line.removeprefix("Next:    ") for line in lines if line.startswith("Next:")]


def examined(*findings: dict[str, str]) -> dict[str, Any]:
    return {EXAMINED: {"findings": [FINE, *findings]}}


def test_doctor_counts_tenants_and_names_what_is_wrong() -> None:
    lines = told("doctor", {"north": examined(), "south": examined(WARNS, WRONG), "west": examined(WARNS)})
    assert lines[0].endswith(": 3 tenants: 1 wrong, 1 with a warning, 1 well")
    assert lines[1:5] == ["north  well", "south  wrong (keys)", "west   warning (rate)", ""]
    assert "Wrong:   south: the keys were refused. What to do: check public_key" in lines
    assert "Warning: west: slow. What to do: wait" in lines
    vault = "--vault-id old@OLD --vault-id new@NEW"
    assert following(lines) == [
        f"ansible-playbook msp.connectwise.doctor -i inventory.yml {vault} --limit south",
        f"ansible-playbook msp.connectwise.onboard -i inventory.yml {vault} --limit north,west --check --diff",
    ]


def test_doctor_is_short_with_many_tenants_and_tells_an_error_once() -> None:
    lines = told("doctor", {f"t{number:03}": examined(WRONG) for number in range(200)})
    assert lines[0].endswith(": 200 tenants: 200 wrong")
    assert "Wrong:   t000, t001, t002, t003 and 196 more: the keys were refused." in "\n".join(lines)
    assert len(lines) < 8


def test_doctor_tells_a_tenant_that_was_not_looked_at() -> None:
    lines = told("doctor", {"north": {EXAMINED: {"failed": True, "msg": "a variable is wrong"}}, "south": {}})
    assert lines[0].endswith(": 2 tenants: 2 failed")
    assert "Failed:  north: a variable is wrong" in lines
    assert any(line.startswith("Failed:  south: the tenant was not looked at") for line in lines)


@pytest.mark.parametrize(
    ("vaulted", "limit", "more"),
    [(True, "", ""), (False, "", " --ask-vault-pass"), (True, "@left", "")],
)
def test_the_next_command_can_be_typed_as_it_is(vaulted: bool, limit: str, more: str) -> None:
    typed = Typed(("-i", "inventory.yml"), limit=limit)
    (command,) = following(told("doctor", {"north": examined()}, typed=typed, vaulted=vaulted))
    about = f" --limit {limit}" if limit else ""
    assert command == f"ansible-playbook msp.connectwise.onboard -i inventory.yml{about} --check --diff{more}"


def test_a_job_of_awx_is_launched_and_not_typed() -> None:
    results = {"north": examined(WRONG)}
    ended = Ended(["north"], results.__getitem__, Typed(templates="ConnectWise"), check_mode=False)
    assert following(SUMMARIES["doctor"](ended)) == ["in AWX, launch ConnectWise audit, limit north"]


KEPT_NOW = {"path": "/here/host_vars/north.yml", "changed": True, "next": "ansible-playbook msp.connectwise.onboard"}


def test_first_key_says_where_the_keys_are_and_whether_they_work() -> None:
    lines = told("first_key", {"north": {KEPT: {**KEPT_NOW, "backup": "/here/x~"}, **examined()}})
    assert lines[0].endswith(": 1 tenant: kept")
    assert "File:    host_vars/north.yml" in lines
    assert "Backup:  as it was before: /here/x~" in lines
    assert following(lines) == [KEPT_NOW["next"]]
    # A file of extra variables may hold the keys, which the diagnosis does not need any more.
    typed = Typed(("-i", "inventory.yml"), extra=("-e", "@keys.yml", "-e", "cw_hosts=north"))
    lines = told("first_key", {"north": {KEPT: KEPT_NOW, **examined(WRONG)}}, typed=typed)
    assert "north  wrong (keys)" in lines
    command = "ansible-playbook msp.connectwise.doctor -i inventory.yml -e cw_hosts=north --limit north"
    assert following(lines) == [command]


def test_first_key_that_kept_nothing_is_run_again() -> None:
    lines = told("first_key", {"north": {KEPT: {"failed": True, "msg": "the two halves are swapped"}}})
    assert lines[0].endswith(": 1 tenant: not kept")
    assert "Failed:  the two halves are swapped" in lines
    assert "msp.connectwise.first_key" in lines[-1]
    found = {"first_key_begun": {"failed": True, "msg": "this run has 2: north, south"}}
    lines = told("first_key", {"north": found, "south": {}}, typed=Typed(("-i", "i.yml"), limit="north,south"))
    assert "Failed:  this run has 2: north, south" in lines
    assert lines[-1] == "Next:    ansible-playbook msp.connectwise.first_key -i i.yml --limit north"


def test_rekey_store_counts_files_and_tells_what_still_has_the_old_passphrase() -> None:
    done, none, bad = {"changed": True}, {"changed": False}, {"failed": True, "msg": "it is damaged"}
    results = {"north": {REKEYED: done}, "south": {REKEYED: none}, "west": {REKEYED: done}}
    lines = told("rekey_store", results)
    assert lines[0].endswith(": 3 tenants: 2 encrypted, 1 without a key file")
    assert any(line.startswith("Left:    the old passphrase still opens") for line in lines)
    assert "msp.connectwise.key_report -i inventory.yml --vault-id old@OLD --vault-id new@NEW" in lines[-1]
    lines = told("rekey_store", {**results, "west": {REKEYED: bad}})
    assert "Failed:  west: it is damaged" in lines
    assert lines[-1].endswith("--vault-id new@NEW --limit west")
    assert "msp.connectwise.rekey_store" in told("rekey_store", results, check_mode=True)[-1]
    # A long first line is broken, and not cut: its totals stand at the end.
    lines = told("rekey_store", {**results, "west": {REKEYED: bad}, "east": {}}, check_mode=True)
    assert " ".join(" ".join(lines[:2]).split()).endswith(
        " 4 tenants: 1 encrypted, 1 without a key file, 1 failed, 1 not looked at"
    )


def test_rekey_store_without_a_new_passphrase_asks_for_both() -> None:
    refused = {"__checked": {"failed": True, "msg": "no new passphrase is given"}}
    typed = Typed(("-i", "i.yml"), ("--vault-password-file", "old"), ("-e", "integration_store_vault_id=default"))
    lines = told("rekey_store", {"north": refused, "south": refused}, typed=typed)
    assert lines.count("Failed:  no new passphrase is given") == 1
    command = "--vault-id old@prompt --vault-id new@prompt -e integration_store_vault_id=new"
    assert lines[-1] == f"Next:    ansible-playbook msp.connectwise.rekey_store -i i.yml {command}"


def test_compare_says_who_has_which_vendors() -> None:
    alike = {"tenants": ["north", "south"], "vendors": ["petra", "zofiq"]}
    found = {COMPARED: {"collisions": [], "comparisons": [alike], "file": "/here/reports/vendors.html"}}
    typed = Typed(("-i", "i.yml"), extra=("-e", "cw_add=huntress"), here="/here")
    lines = told("compare", {"north": found, "south": found}, typed=typed)
    assert lines[0].endswith(": 2 tenants: the vendors can go together")
    assert lines[1:3] == ["north, south  petra, zofiq", ""]
    assert "Page:    reports/vendors.html" in lines
    assert "--check" not in told("compare", {"north": found}, typed=typed, check_mode=True)[0]
    alike["more"] = {"huntress": ["Companies / Contacts: Add All"]}
    lines = told("compare", {"north": found, "south": found}, typed=typed)
    assert "Adding:  huntress has 1 row that north, south do not have yet" in lines
    alike["more"] = {f"vendor{number}": [] for number in range(44)}
    assert "Adding" not in "".join(told("compare", {"north": found, "south": found}, typed=typed))
    assert lines[-1] == "Next:    ansible-playbook msp.connectwise.onboard -i i.yml --check --diff"
    found[COMPARED]["collisions"] = ["north: one", "north: two", "north: three"]
    lines = told("compare", {"north": found, "south": found}, typed=typed)
    assert lines[0].endswith(": 2 tenants: 3 problems")
    assert "Failed:  north: two" in lines
    assert "         and 1 more, as shown above" in lines
    assert lines[-1] == "Next:    ansible-playbook msp.connectwise.compare -i i.yml -e cw_add=huntress"
