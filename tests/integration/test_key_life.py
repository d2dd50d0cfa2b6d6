# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Healing, adopting, reporting, re-keying, and records that are not to be touched, in whole runs."""

from __future__ import annotations

import json

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

from tests.keys.ground import MEMBER, VENDOR, Ground, tenants
from tests.simulator.client import Simulator

TENANT, OTHER = "north", "europe"


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    directory = tmp_path_factory.mktemp("life")
    with (
        Simulator(tenants(TENANT, OTHER)) as simulator,
        Ground(directory, simulator, cw_integrations=[VENDOR]) as found,
    ):
        yield found


@pytest.fixture
def ready(ground):
    """The ground with one good key."""
    if ground.problem(TENANT):
        ground.forget(TENANT)
        assert ground.run(TENANT) == 0, ground.output()
    ground.output()
    return ground


def play(ground, playbook, *arguments, **extra):
    """The exit status of one of the collection's own playbooks."""
    order = ground.order(TENANT, **extra)
    order["arguments"][0] = f"msp.connectwise.{playbook}"
    order["arguments"] += arguments
    return ground.runner.run(order)[0]


def put(ground, tenant, change):
    """Change the stored record behind everybody's back."""
    vault = VaultLib([("default", VaultSecret(ground.playground.passphrase.read_bytes().strip()))])
    content = json.loads(vault.decrypt(ground.store_file(tenant).read_bytes()))
    change(content["integrations"][VENDOR])
    ground.store_file(tenant).write_bytes(vault.encrypt(json.dumps(content)))


def test_a_deleted_key_is_told_and_healed_when_that_is_wanted(ready):
    before = ready.record(TENANT)
    ready.simulator.edit(TENANT, {"op": "delete_key", "public_key": before["current"]["public_key"]})
    assert ready.run(TENANT) != 0
    output = ready.output()
    assert "it was deleted in ConnectWise PSA" in output
    assert "integration_heal: true" in output
    assert ready.live_keys(TENANT) == []
    assert ready.record(TENANT) == before
    assert ready.run(TENANT, integration_heal=True) == 0, ready.output()
    assert not ready.problem(TENANT)


def test_an_inactive_member_is_activated_and_keeps_its_key(ready):
    before = ready.record(TENANT)
    ready.simulator.edit(TENANT, {"op": "deactivate", "member": MEMBER})
    assert not ready.works(TENANT, before["current"])
    assert ready.run(TENANT, integration_heal=True) == 0, ready.output()
    assert ready.record(TENANT) == before
    assert not ready.problem(TENANT)


def test_a_wrong_secret_is_told_from_a_deleted_key(ready):
    put(ready, TENANT, lambda record: record["current"].update(private_key="wrong"))
    assert ready.run(TENANT) != 0
    assert "the private key in the store is not the right one" in ready.output()
    assert ready.run(TENANT, integration_heal=True) == 0, ready.output()
    assert not ready.problem(TENANT)


@pytest.mark.parametrize(
    ("name", "said"),
    [("company_id", "belongs to the company elsewhere"), ("member", "belongs to the member elsewhere")],
)
def test_the_record_of_another_is_left_alone(ready, name, said):
    put(ready, TENANT, lambda record: record.update({name: "elsewhere"}))
    before, keys = ready.store_file(TENANT).read_bytes(), ready.live_keys(TENANT)
    assert ready.run(TENANT, integration_rotate=True) != 0
    assert said in ready.output()
    assert ready.run(TENANT, integration_state="absent") != 0
    assert ready.store_file(TENANT).read_bytes() == before
    assert ready.live_keys(TENANT) == keys
    ready.forget(TENANT)


def test_a_clock_that_cannot_be_right_is_told_where_age_counts(ready):
    put(ready, TENANT, lambda record: record["current"].update(created="2999-01-01T00:00:00+00:00"))
    assert ready.run(TENANT, integration_key_max_age_days=90) != 0
    assert "one of two clocks is wrong" in ready.output()
    assert ready.run(TENANT) == 0, ready.output()
    ready.forget(TENANT)


def test_a_key_made_by_hand_is_adopted_and_rotated_like_any_other(ready):
    ready.forget(TENANT)
    add = {"op": "add_key", "member": MEMBER, "member_type": "api", "description": "made by hand in 2019"}
    (made,) = ready.simulator.edit(TENANT, add)
    (public,) = ready.live_keys(TENANT)
    file = ready.directory / "given.json"
    given = {"member": MEMBER, "public_key": made["publicKey"], "private_key": made["privateKey"]}
    file.write_text(json.dumps([{**given, "private_key": "mistyped"}]), encoding="utf-8")
    assert play(ready, "store_key", cw_keys_file=str(file)) != 0
    assert "was not stored" in ready.output()
    file.write_text(json.dumps([given]), encoding="utf-8")
    assert play(ready, "store_key", cw_keys_file=str(file)) == 0, ready.output()
    assert not ready.problem(TENANT)
    assert ready.record(TENANT)["current"]["public_key"] == public
    assert ready.run(TENANT, integration_rotate=True) == 0, ready.output()
    assert not ready.problem(TENANT)
    assert ready.live_keys(TENANT) != [public]


def test_a_replaced_key_works_through_its_days_of_grace(ready):
    old = ready.record(TENANT)["current"]
    assert ready.run(TENANT, integration_rotate=True, integration_key_grace_days=7) == 0, ready.output()
    assert ready.works(TENANT, old)
    assert ready.works(TENANT, ready.record(TENANT)["current"])
    assert ready.run(TENANT, integration_key_grace_days=7) == 0, ready.output()
    assert ready.works(TENANT, old)
    assert ready.run(TENANT) == 0, ready.output()
    assert not ready.problem(TENANT)


def test_the_report_on_keys(ready):
    ready.simulator.edit(
        TENANT,
        {"op": "add_key", "member": MEMBER, "member_type": "api", "description": "somebody's"},
        {
            "op": "set_levels",
            "role": "Umbrella",
            "module": "Finance",
            "function": "Invoicing",
            "levels": {"inquire": "All"},
        },
    )
    put(ready, TENANT, lambda record: record["current"].update(created="2020-01-01T00:00:00+00:00"))
    before, keys = ready.record(TENANT), ready.live_keys(TENANT)
    ready.simulator.clear_journal()
    assert play(ready, "key_report", integration_key_max_age_days=90) == 0, ready.output()
    assert ready.simulator.journal(writes=True) == []
    assert (ready.record(TENANT), ready.live_keys(TENANT)) == (before, keys)
    folder = ready.directory / "connectwise_reports" / TENANT
    report = json.loads((folder / "keys.json").read_text(encoding="utf-8"))[VENDOR]
    current = ready.record(TENANT)["current"]
    assert (report["state"], report["public_key"]) == ("valid", current["public_key"])
    assert report["age_days"] > 2000
    assert [key["description"] for key in report["unknown"]] == ["somebody's"]
    assert report["excess"] == ["Finance / Invoicing inquire: All instead of None"]
    assert len(report["findings"]) == 3
    text = (folder / "keys.md").read_text(encoding="utf-8")
    assert "somebody's" in text
    assert current["private_key"] not in text + json.dumps(report)
    ready.forget(TENANT)


def test_another_passphrase_for_the_store(ready):
    record = ready.record(TENANT)
    other = ready.directory / "other-passphrase"
    other.write_text("another", encoding="utf-8")
    before = ready.store_file(TENANT).read_bytes()
    # The only passphrase of the run, or of several none that is named, is no new one.
    for refused in ({"integration_store_vault_id": "default"}, {}):
        assert play(ready, "rekey_store", **refused) != 0
        shown = ready.output()
        assert "so nothing was encrypted. What to do: give the old and the new one" in " ".join(shown.split())
        assert "Next:    ansible-playbook msp.connectwise.rekey_store -i " in shown
        assert "--vault-id old@prompt --vault-id new@prompt" in shown
        assert ready.store_file(TENANT).read_bytes() == before
    ids = ["--vault-id", f"old@{ready.playground.passphrase}", "--vault-id", f"new@{other}"]
    assert play(ready, "rekey_store", *ids, integration_store_vault_id="new") == 0, ready.output()
    end = ready.output().partition("PLAY RECAP")[0].rpartition("TASK [Show the summary]")[2]
    assert "1 encrypted" in end
    assert "Next:    ansible-playbook msp.connectwise.key_report -i " in end
    text = VaultLib([("new", VaultSecret(b"another"))]).decrypt(ready.store_file(TENANT).read_bytes())
    assert json.loads(text)["integrations"][VENDOR] == record
    assert ready.run(TENANT) != 0
    assert "the passphrase is wrong" in ready.output()
    ready.store_file(TENANT).unlink()
    assert play(ready, "rekey_store", *ids, integration_store_vault_id="new") != 0
    assert "no tenant of this run has a key file, so nothing was encrypted" in " ".join(ready.output().split())


def given_file(ground, **key):
    return str(ground.playground.write(ground.directory / "given.json", json.dumps([{"private_key": "x", **key}])))


@pytest.mark.parametrize("wrong", [{"tenant": "nowhere", "member": MEMBER}, {"tenant": TENANT, "member": "Umbrela"}])
def test_a_key_in_the_file_that_nobody_takes_is_told(ready, wrong):
    assert play(ready, "store_key", cw_keys_file=given_file(ready, public_key="Nobodys", **wrong)) != 0
    output = " ".join(ready.output().split())
    assert "not stored" in output
    assert "Nobo… of" in output


def test_names_in_the_file_are_compared_as_people_write_them(ready):
    current = ready.record(TENANT)["current"]
    key = {"public_key": current["public_key"], "private_key": current["private_key"]}
    file = given_file(ready, tenant=TENANT.upper(), member=f" {MEMBER.lower()} ", **key)
    assert play(ready, "store_key", cw_keys_file=file) == 0, ready.output()


def test_a_new_key_that_stays_refused_is_given_up(ready):
    before = ready.record(TENANT)["current"]
    ready.simulator.faults({"fault": "status", "status": 401, "member": MEMBER, "path": "mySecurity"})
    assert ready.run(TENANT, integration_rotate=True) != 0
    ready.simulator.clear_faults()
    assert "it was given up" in " ".join(ready.output().split())
    assert ready.live_keys(TENANT) == [before["public_key"]]
    assert not ready.problem(TENANT)


def test_rights_beyond_the_page_are_left_where_that_is_wanted(ready):
    more = {"module": "Companies", "function": "Contacts", "levels": {"inquire": "All"}}
    ready.simulator.edit(TENANT, {"op": "set_levels", "role": "Umbrella", **more})
    assert ready.run(TENANT, integration_exclusive=False) == 0, ready.output()
    rows = ready.simulator.role(TENANT, "Umbrella")["permissions"]
    assert rows["Companies"]["Contacts"]["inquire"] == "All"
    assert ready.run(TENANT) == 0, ready.output()
    rows = ready.simulator.role(TENANT, "Umbrella")["permissions"]
    assert rows["Companies"].get("Contacts", {}).get("inquire", "None") == "None"


def test_a_run_does_not_delete_the_key_it_works_with(ground):
    def keys(record):
        return {"cw_public_key": record["public_key"], "cw_private_key": record["private_key"]}

    def status():
        return ground.playground.statuses(OTHER)["cw_admin"]

    def admin(playbook, **extra):
        order = ground.order(OTHER, cw_integrations=["cw_admin"], **extra)
        order["arguments"][0] = f"msp.connectwise.{playbook}"
        return ground.runner.run(order)[0]

    assert admin("onboard") == 0, ground.output()
    old = ground.records(OTHER)["cw_admin"]["current"]
    assert admin("rotate_keys", **keys(old)) == 0, ground.output()
    record = ground.records(OTHER)["cw_admin"]
    assert [key["public_key"] for key in record["retired"]] == [old["public_key"]]
    assert set(ground.live_keys(OTHER, "Ansible")) == {old["public_key"], record["current"]["public_key"]}
    assert status() == "pending"
    (step,) = ground.playground.reports()[OTHER]["cw_admin"]["manual_steps"]
    assert step["kind"] == "own_key"

    assert admin("onboard", **keys(record["current"])) == 0, ground.output()
    assert ground.live_keys(OTHER, "Ansible") == [record["current"]["public_key"]]
    assert status() == "ready"


def test_an_integration_that_is_gone_has_not_drifted(ready):
    assert play(ready, "offboard") == 0, ready.output()
    assert play(ready, "audit", integration_state="absent") == 0, ready.output()
    assert ready.playground.statuses(TENANT)[VENDOR] == "absent"
    assert play(ready, "offboard", "--check") == 0, ready.output()
    ready.forget(TENANT)
    assert ready.run(TENANT) == 0, ready.output()
