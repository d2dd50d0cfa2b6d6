# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tenants that are otherwise than the profile expects: what a run says of them, and that check mode says the same."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.client import Simulator

from .engine import ROOT, Failed, Integration, connection, profile_of, run

EXTENDED = {"site": "na", "profile": "extended"}
TOPS = [{"name": name, "level": "Corporate"} for name in ("Tampa Office", "Boston Office")]
BRANCHES = [{"name": name, "level": "Branch"} for name in ("East", "West")]
READS = {
    "mine": "/system/mySecurity$",
    "lists": "/system/mySecurity/customizeItems",
    "default": "/system/apiMembers/default",
    "levels": "/system/myCompany/corporateStructureLevels",
}
REFUSALS: dict[str, dict[str, Any]] = {"refused": {"fault": "deny"}, "lacking": {"fault": "status", "status": 404}}
# Of one operation, while others accept the same keys.
REFUSALS["unauthorized"] = {"fault": "status", "status": 401}
WITHHELD = [f"{kind}-{refusal}" for kind in READS for refusal in REFUSALS]
TENANTS: dict[str, Any] = {
    "sites": [{"name": "na"}, {"name": "onprem", "kind": "on_prem"}],
    "tenants": [
        *({"company_id": name, **EXTENDED} for name in ("today", "edited", "healed", "boards", "menus", *WITHHELD)),
        {"company_id": "shows-nothing", **EXTENDED},
        {"company_id": "role-alone", **EXTENDED},
        {"company_id": "by-hand", "site": "onprem", "profile": "published"},
        {"company_id": "edited-by-hand", "site": "onprem", "profile": "published"},
        {"company_id": "two-tops", **EXTENDED, "locations": TOPS},
        {"company_id": "no-top", **EXTENDED, "locations": BRANCHES},
        {"company_id": "person", **EXTENDED, "members": ["umbrella", "UmbrellaAdmin"]},
    ],
}
# All with a Customize list, and some of the others.
VENDORS = sorted(
    path.parents[1].name
    for path in Path(ROOT, "roles").glob("*/defaults/main.yml")
    if f"\n{path.parents[1].name}_customize:\n" in path.read_text(encoding="utf-8")
)
VENDORS = sorted({*VENDORS, "domotz", "huntress", "nordlayer", "ticket_scout"})


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with Simulator(TENANTS, tmp_path_factory.mktemp("psa")) as running:
        yield running


@pytest.fixture
def faults(simulator: Simulator) -> Iterator[Any]:
    yield simulator.faults
    simulator.clear_faults()


def umbrella(simulator: Simulator, tenant: str, **settings: Any) -> Integration:
    profile = profile_of("umbrella")
    return Integration(connection(simulator.ready, tenant), profile, name="umbrella", heal=False, **settings)


# What check mode predicts


def promised(integration: Integration, *, check: bool) -> tuple[list[str], list[tuple[Any, ...]]]:
    """What a run writes and what it leaves to a person, or what check mode says of that."""
    result = integration.carried_out(check=check)
    (entry,) = result.entries
    assert not entry["error"], entry["error"]
    return result.changes, [tuple(sorted(step.items(), key=repr)) for step in map(plain, entry["manual_steps"])]


def plain(step: dict[str, Any]) -> dict[str, Any]:
    return {name: repr(value) for name, value in step.items()}


def drift(simulator: Simulator, tenant: str, integration: Integration, chance: random.Random) -> None:
    """Some changes behind everybody's back at one integration."""
    role = integration.profile["role_name"]
    edits: list[dict[str, Any]] = [
        {"op": "set_levels", "role": role, "module": "Companies", "function": "Contacts", "levels": {"delete": "All"}},
        {"op": "set_allow", "role": role, "module": "System", "function": "Table Setup", "items": "all"},
        {"op": "set_allow", "role": role, "module": "Finance", "function": "Agreements", "items": []},
        {"op": "set_member", "member": integration.member, "fields": {"notes": "changed", "structureLevel": "Branch"}},
        {"op": "deactivate", "member": integration.member},
        {"op": "delete_key", "public_key": integration.store["current"]["public_key"]},
    ]
    simulator.edit(tenant, *chance.sample(edits, chance.randint(1, len(edits))))


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_run_does_what_check_mode_has_predicted(simulator: Simulator, vendor: str) -> None:
    chance = random.Random(vendor)
    integration = Integration(connection(simulator.ready, "today"), profile_of(vendor), name=vendor, on_unknown="warn")
    for _round in range(2):
        predicted = promised(integration, check=True)
        assert promised(integration, check=False) == predicted
        assert promised(integration, check=True) == ([], [])
        drift(simulator, "today", integration, chance)
    by_hand = Integration(connection(simulator.ready, "by-hand"), profile_of(vendor), name=vendor, on_unknown="warn")
    predicted = promised(by_hand, check=True)
    assert promised(by_hand, check=False) == predicted


# What a tenant does not show


@pytest.mark.parametrize("tenant", [*WITHHELD, "shows-nothing"])
def test_a_read_that_only_verifies_and_is_withheld_leaves_a_note(
    simulator: Simulator, faults: Any, tenant: str
) -> None:
    kinds = list(READS) if tenant == "shows-nothing" else [tenant.partition("-")[0]]
    refusal = REFUSALS[tenant.partition("-")[2]] if tenant != "shows-nothing" else REFUSALS["refused"]
    faults(*({**refusal, "path": READS[kind], "tenant": tenant} for kind in kinds))
    integration = umbrella(simulator, tenant)
    for mode in ("converge", "audit", "converge"):
        entry = integration.onboard(mode=mode)
        assert (entry["status"], entry["differences"]) == ("ready", []), (mode, entry["error"])
        # What a new member is preset with matters where it is made, and the levels where they are compared.
        named = [kind for kind in kinds if kind != "default" or not integration.changed]
        assert all(line.startswith("not verified: ") for line in entry.get("notes", []))
    assert not integration.changed
    paths = {"mine": "mySecurity: ", "lists": "customizeItems/: ", "levels": "corporateStructureLevels: "}
    text = "\n".join(entry.get("notes", []))
    assert [kind for kind in paths if paths[kind] in text] == [kind for kind in paths if kind in named]
    diagnosis = run("cw_doctor", integration.options, permissions=integration.profile["permissions"])
    assert diagnosis["healthy"], diagnosis["report"]
    # Whoever is not told whose the keys are does not ask for the levels, and wants no Customize list here.
    assert ("not verified: " in " ".join(diagnosis["report"])) is bool({"mine", "levels"} & {*kinds})
    # What is there can be put right, and taken away.
    role = integration.profile["role_name"]
    levels = {"module": "Companies", "function": "Contacts", "levels": {"delete": "All"}}
    simulator.edit(tenant, {"op": "set_levels", "role": role, **levels})
    mended = integration.onboard()
    assert (mended["status"], mended["changes"]) == ("ready", [f"security role {role}"])
    assert integration.remove()["status"] == "absent"


def test_presets_that_are_withheld_are_those_of_another_member(simulator: Simulator, faults: Any) -> None:
    faults({"fault": "deny", "path": READS["default"], "tenant": "today"})
    member = run(
        "cw_api_member",
        connection(simulator.ready, "today"),
        identifier="Preset",
        level="top",
        security_role="Technician",
    )
    (note,) = member["notes"]
    assert note.startswith("not verified: what the tenant presets for a new API member; level, security_location,")
    assert "are those of Automation: GET /system/apiMembers/default: " in note


def test_a_read_that_decides_fails_with_the_reason(simulator: Simulator, faults: Any) -> None:
    faults({"fault": "deny", "path": "/system/apiMembers$", "tenant": "today"})
    with pytest.raises(Failed, match=r"GET /system/apiMembers: .*lacks a permission.*What to do: give the role"):
        umbrella(simulator, "today").onboard()


def test_boards_that_are_withheld_are_named(simulator: Simulator) -> None:
    integration = umbrella(simulator, "boards")
    integration.onboard()
    one = {"op": "set_member", "member": "Umbrella", "fields": {"excludedServiceBoardIds": [41]}}
    simulator.edit("boards", one)
    assert integration.onboard(mode="audit")["notes"][0].endswith("Umbrella withholds this service board")
    boards = run("cw_tenant_info", integration.options, gather=["boards"])["tenant"]["boards"]
    simulator.edit(
        "boards", {"op": "set_member", "member": "Umbrella", "fields": {"excludedServiceBoardIds": [41, 42]}}
    )
    entry = integration.onboard(mode="audit")
    said = f"the key sees no ticket of {boards[0]}, {boards[1]}: Restrict Board Access of the API member Umbrella"
    assert (entry["status"], entry["differences"]) == ("ready", [])
    assert entry["notes"] == [f"{said} withholds these service boards"]
    # They are kept, and told again.
    assert integration.onboard()["notes"] == entry["notes"]
    assert not integration.changed
    wanted = {**integration.profile["member"], "excluded_boards": boards[:2]}
    integration.profile = {**integration.profile, "member": wanted}
    assert integration.onboard(mode="audit")["notes"][0].endswith("as the profile asks (excluded_boards)")


def test_what_exists_in_part_is_not_new(simulator: Simulator) -> None:
    integration = umbrella(simulator, "role-alone")
    assert integration.onboard(mode="audit")["status"] == "new"
    (predicted,) = integration.carried_out(check=True).entries
    assert predicted["status"] == "new"
    simulator.edit("role-alone", {"op": "add_role", "name": integration.profile["role_name"]})
    assert integration.onboard(mode="audit")["status"] == "drifted"
    (predicted,) = integration.carried_out(check=True).entries
    assert predicted["status"] == "drifted"


def test_boards_without_names_are_told_by_their_numbers(simulator: Simulator, faults: Any) -> None:
    faults({"fault": "deny", "path": "/service/info/boards", "tenant": "boards"})
    simulator.edit("boards", {"op": "set_member", "member": "Automation", "fields": {"excludedServiceBoardIds": [43]}})
    known = {"member": {"identifier": "Automation"}, "member_type": "api"}
    found = run("cw_integration_info", connection(simulator.ready, "boards"), **known)["integration"]
    assert [line.partition(":")[0] for line in found["notes"]] == ["the key sees no ticket of board 43"]


# A key whose description was edited


def edited(simulator: Simulator, tenant: str, integration: Integration) -> dict[str, Any]:
    old = integration.store["current"]["public_key"]
    (new,) = simulator.edit(tenant, {"op": "edit_key", "public_key": old, "description": "Edited"})
    return new


def live(simulator: Simulator, tenant: str) -> list[str]:
    return [key["public_key"] for key in simulator.state(tenant)["keys"]["Umbrella"]]


@pytest.mark.parametrize("rotates", [False, True])
def test_an_edited_key_is_told_and_replaced(simulator: Simulator, rotates: bool) -> None:
    tenant = "edited" if rotates else "healed"
    integration = umbrella(simulator, tenant, key_grace_days=7)
    integration.onboard()
    new = edited(simulator, tenant, integration)
    audited = integration.onboard(mode="audit")
    (line,) = audited["differences"]
    assert (audited["status"], audited["refused"]) == ("drifted", True)
    assert line.startswith(f'the stored key is refused; a key {new["publicKey"]} ("Edited") exists in its record: ')
    with pytest.raises(Failed) as told:
        integration.onboard()
    assert "deleted" not in str(told.value)
    assert "If you have its private key, store it with msp.connectwise.store_key. Set integration_heal" in str(
        told.value
    )
    (result,) = [integration.carried_out()]
    assert result.entries[0]["refused"] is True
    entry = integration.onboard(**({"rotate": True} if rotates else {"heal": True}))
    # Nothing is promised of a key that does not work, and nothing of it is left.
    assert (entry["status"], entry["old_keys"], "refused" in entry) == ("ready", [], False)
    assert live(simulator, tenant) == [integration.store["current"]["public_key"]]
    assert "retired" not in integration.store
    assert integration.onboard(mode="audit")["status"] == "ready"


def test_the_pair_of_an_edited_key_can_be_stored(simulator: Simulator) -> None:
    integration = umbrella(simulator, "healed", key_grace_days=7)
    integration.onboard(heal=True, new_key=True)
    new = edited(simulator, "healed", integration)
    given = {"member": "Umbrella", "public_key": new["publicKey"], "private_key": new["privateKey"]}
    integration.carried_out(mode="store_key", given_keys=[given])
    assert integration.onboard()["status"] == "ready"
    assert new["publicKey"] in live(simulator, "healed")
    assert integration.onboard(mode="audit")["old_keys"] == []


def test_where_no_api_makes_keys_a_refused_one_is_replaced_by_hand(simulator: Simulator) -> None:
    tenant = "edited-by-hand"
    integration = umbrella(simulator, tenant, key_grace_days=7)
    store_made(simulator, tenant, integration)
    assert integration.onboard()["status"] == "ready"
    edited(simulator, tenant, integration)
    (line,) = integration.onboard(mode="audit")["differences"]
    assert line.startswith(
        "the stored key is refused: it was deleted in ConnectWise PSA, or its description was edited"
    )
    entry = integration.onboard(rotate=True)
    assert (entry["status"], entry["old_keys"]) == ("pending", [])
    store_made(simulator, tenant, integration)
    entry = integration.onboard()
    assert (entry["status"], entry["old_keys"]) == ("ready", [])


def store_made(simulator: Simulator, tenant: str, integration: Integration) -> None:
    """Do what the work order asks for, and store the key that came of it."""
    integration.onboard(rotate=True)
    (made,) = [one for one in simulator.operator(tenant, integration.steps) if one]
    given = {"member": "Umbrella", "public_key": made["publicKey"], "private_key": made["privateKey"]}
    integration.carried_out(mode="store_key", given_keys=[given])


# Names that a tenant does not have


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("tenant", "changes", "said"),
    [
        (
            "two-tops",
            {},
            [
                "2 entries stand at the top level Corporate",
                '"Tampa Office", "Boston Office"',
                'such as umbrella_member: {"identifier": "Umbrella", "name": "Cisco Umbrella", "level": "top"',
                '"security_location": "Tampa Office"}',
            ],
        ),
        ("no-top", {}, ["0 entries stand at the top level", '"East", "West"', '"security_location": "East"}']),
        (
            "person",
            {},
            [
                'a person has the Member ID "umbrella"',
                "UmbrellaAdmin",
                'umbrella_member_identifier to another Member ID, such as "Umbrella API"',
            ],
        ),
        (
            "menus",
            {"customize": {"Custom Menu Entry": {"allow": ["Zebra"]}}},
            [
                'no menu entry "Zebra"',
                '"Remote Console", "Documentation"',
                'umbrella_customize: {"Custom Menu Entry": {"allow": ["',
            ],
        ),
        (
            "menus",
            {"member": {"identifier": "Umbrella", "department": "Zebra"}},
            [
                'no Department "Zebra"',
                '"Administration"',
                'umbrella_member: {"identifier": "Umbrella", "department": "Administration"}',
            ],
        ),
        (
            "menus",
            {
                "further_keys": [
                    {"member": {"identifier": "Second", "time_zone": "US Eastrn"}, "key_description": "Second"}
                ]
            },
            ['no Time Zone "US Eastrn"', "time_zone of the member Second in umbrella_further_keys"],
        ),
    ],
    ids=["two tops", "no top", "person", "menu", "department", "further"],
)
def test_a_wrong_name_is_told_with_the_variable_before_the_first_write(
    simulator: Simulator, tenant: str, changes: dict[str, Any], said: list[str], check: bool
) -> None:
    integration = umbrella(simulator, tenant)
    integration.profile = {**integration.profile, **changes}
    simulator.clear_journal()
    result = integration.carried_out(check=check)
    error = result.entries[0]["error"]
    for part in said:
        assert part in error
    assert result.changes == []
    assert simulator.journal(tenant, writes=True) == []
