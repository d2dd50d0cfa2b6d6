# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine without a tenant: what it sees to be done, what it asks of the modules, and in which order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msp.connectwise.plugins.module_utils._errors import VENDOR, InputError, NotOurs, PsaError
from ansible_collections.msp.connectwise.plugins.plugin_utils import _profile
from ansible_collections.msp.connectwise.plugins.plugin_utils._binding import Binding
from ansible_collections.msp.connectwise.plugins.plugin_utils._engine import Integration, Site
from ansible_collections.msp.connectwise.plugins.plugin_utils._settings import settings_of
from ansible_collections.msp.connectwise.plugins.plugin_utils._step_options import StepOptions

KEY = {"public_key": "PUBLIC", "private_key": "PRIVATE", "created": datetime.now(timezone.utc).isoformat()}
PROFILE = {
    "role_name": "Sync",
    "member": {"identifier": "Sync", "name": "Sync"},
    "key_description": "Sync",
    "permissions": {"Companies": {"Contacts": {"inquire": "All"}}},
    "customize": {"Table Setup": {"allow": ["Service / Priority"]}},
}


class Tenant:
    """Answers as the modules do, and remembers what was asked. in_sync: what the comparison says. refuses: fails."""

    def __init__(self, *, in_sync: bool = True, refuses: str = "") -> None:
        self.in_sync, self.refuses, self.asked = in_sync, refuses, []
        self.options: dict[str, Mapping[str, Any]] = {}
        self.key = "valid"

    def __call__(self, module: str, options: Mapping[str, Any], *, check_mode: bool | None = None) -> dict[str, Any]:
        self.asked.append((module, bool(check_mode)))
        self.options[module] = options
        if module == self.refuses:
            raise NotOurs(f"{module} refused it", remedy=f"set {VENDOR}_role_name")
        if module == "cw_integration_info":
            return {"integration": {"in_sync": self.in_sync, "differences": [], "key": self.key}}
        if module == "cw_api_key_info":
            keys = [{"member": options["member"], "id": 1, "public_key": KEY["public_key"], "description": "Sync"}]
            return {"offered": True, "api_keys": keys, "member_active": True}
        if module == "cw_access_check":
            return {"access": {"verdict": "ok"}}
        return {"changed": False, "api_member": {"identifier": "Sync"}}


class Store:
    guarded, settle, place = True, 0.0, "memory"

    def __init__(self, record: Mapping[str, Any], *, broken: bool = False) -> None:
        self.record = {"host": "psa.example", **record} if record else {}
        self.broken, self.checked = broken, []

    def read(self) -> dict[str, Any]:
        return dict(self.record)

    def check(self, *, write: bool) -> None:
        self.checked.append(write)
        if self.broken:
            raise InputError("the store cannot be written", remedy="mend it")


def integration(tenant: Tenant, store: Store, *, check_mode: bool = False, **settings: Any) -> Integration:
    variables = {f"integration_{name}": value for name, value in settings.items()}
    return Integration(
        Site("north", tenant, "north", "OWN", check_mode, Binding("north", "psa.example", "psa.example")),
        _profile.of_mapping("sync", PROFILE),
        settings_of({"inventory_hostname": "north", **variables}, variables.get),
        lambda _key: store,
    )


@pytest.mark.parametrize(
    ("in_sync", "mode", "state", "rotate", "work"),
    [
        (True, "converge", "present", False, "unchanged"),
        (True, "converge", "present", True, "converge"),
        (False, "converge", "present", False, "converge"),
        (False, "audit", "present", False, "unchanged"),
        (False, "audit", "absent", False, "unchanged"),
        (True, "converge", "absent", False, "converge"),
        # No key of a person's file is this member's.
        (False, "store_key", "present", False, "unchanged"),
    ],
)
def test_what_a_run_has_to_do(in_sync: bool, mode: str, state: str, rotate: bool, work: str) -> None:
    one = integration(Tenant(in_sync=in_sync), Store({"current": KEY}), mode=mode, state=state, rotate=rotate)
    assert one.look().work == work


def test_the_record_of_an_older_version_is_work_until_it_names_a_host() -> None:
    for host, mode, work in (
        ("", "converge", "converge"),
        ("", "audit", "unchanged"),
        ("psa.example", "converge", "unchanged"),
    ):
        assert integration(Tenant(), Store({"current": KEY, "host": host}), mode=mode).look().work == work


def test_a_given_key_is_work_for_its_member_alone() -> None:
    for member, work in (("sync", "converge"), ("Other", "unchanged")):
        given = [{"member": member, "public_key": "p", "private_key": "q"}]
        one = integration(Tenant(), Store({"current": KEY}), mode="store_key", given_keys=given)
        assert one.look().work == work


NOTHING = {"Companies": {"Contacts": {"inquire": "None"}}}
ROWS = {"Companies": {"Contacts": {"inquire": "All"}}}


@pytest.mark.parametrize(
    ("profile", "refused"),
    [
        ({}, False),
        # The Customize list of the profile gives no right without its row.
        ({"permissions": {}}, True),
        ({"permissions": {}, "customize": {}}, True),
        ({"permissions": NOTHING, "customize": {"Table Setup": {"allow": []}}}, True),
        ({"permissions": NOTHING, "customize": {"Table Setup": {"disallow": ["Service / Priority"]}}}, True),
        ({"permissions": NOTHING, "customize": {"Table Setup": {"allow": "all"}}}, True),
        ({"permissions": {}, "customize": {}, "feature_groups": {"notes": {"permissions": ROWS}}}, True),
        (
            {"permissions": {}, "customize": {}, "feature_groups": {"a": {"permissions": ROWS}}, "features": ["a"]},
            False,
        ),
        (
            {"customize": {}, "reduction_groups": {"less": {"permissions": NOTHING}}, "reductions": ["less"]},
            True,
        ),
        # The rights of a person's key are that person's.
        ({"strategy": "per_technician", "members": ["Ann"], "permissions": {}, "customize": {}}, False),
    ],
)
@pytest.mark.parametrize("mode", ["converge", "audit"])
def test_a_profile_that_allows_nothing_is_refused_before_anything_is_asked(
    profile: dict[str, Any], refused: bool, mode: str
) -> None:
    tenant = Tenant()
    one = integration(tenant, Store({"current": KEY}), mode=mode)
    one.profile = _profile.of_mapping("sync", {**PROFILE, **profile})
    if not refused:
        one.look()
        return
    with pytest.raises(InputError, match="no row allows anything") as problem:
        one.look()
    assert ("sync_features: notes" in str(problem.value)) == ("feature_groups" in profile)
    assert tenant.asked == []


@pytest.mark.parametrize("settings", [{"state": "absent"}, {"mode": "store_key"}])
def test_what_allows_nothing_and_is_there_can_be_taken_away(settings: dict[str, str]) -> None:
    one = integration(Tenant(), Store({"current": KEY}), **settings)
    one.profile = _profile.of_mapping("sync", {**PROFILE, "permissions": {}, "customize": {}})
    assert one.look().keys


@pytest.mark.parametrize("part", ["next", "retired"])
def test_an_unfinished_key_is_work_although_all_is_well(part: str) -> None:
    record = {"current": KEY, part: {"state": "intent"} if part == "next" else [{**KEY, "public_key": "OLD"}]}
    assert integration(Tenant(), Store(record)).look().work == "converge"


def test_everything_is_predicted_before_anything_is_written(tmp_path: Path) -> None:
    tenant, store = Tenant(in_sync=False), Store({})
    one = integration(tenant, store, report_dir=str(tmp_path / "reports"))
    one.preflight(one.look())
    assert store.checked == [True]
    assert (tmp_path / "reports").is_dir()
    assert tenant.asked[1:] == [(name, True) for name in ("cw_security_role", "cw_table_setup", "cw_api_member")]


def test_check_mode_tries_no_write_of_the_store(tmp_path: Path) -> None:
    tenant, store = Tenant(in_sync=False), Store({})
    one = integration(tenant, store, check_mode=True, report_dir=str(tmp_path))
    one.preflight(one.look())
    assert store.checked == [False]


@pytest.mark.parametrize("module", ["cw_security_role", "cw_table_setup", "cw_api_member"])
def test_what_a_prediction_says_stops_the_run(tmp_path: Path, module: str) -> None:
    one = integration(Tenant(in_sync=False, refuses=module), Store({}), report_dir=str(tmp_path))
    with pytest.raises(NotOurs, match=r"refused it.*set sync_role_name"):
        one.preflight(one.look())


def test_taking_away_is_predicted_too(tmp_path: Path) -> None:
    tenant = Tenant()
    one = integration(tenant, Store({"current": KEY}), state="absent", report_dir=str(tmp_path))
    one.preflight(one.look())
    assert tenant.asked[1:] == [("cw_security_role", True), ("cw_api_member", True)]
    # The role that a member holds proves whose it is.
    assert tenant.options["cw_api_member"]["security_role"] == "Sync"


@pytest.mark.parametrize(("recorded", "adopt"), [({}, False), ({"member": "Sync"}, True), ({"member": "sync"}, False)])
def test_a_member_that_the_store_names_is_ours(tmp_path: Path, recorded: dict[str, str], adopt: bool) -> None:
    tenant = Tenant(in_sync=False)
    one = integration(tenant, Store({"current": KEY, **recorded}), report_dir=str(tmp_path))
    one.carry_out(one.look())
    role, member = tenant.options["cw_security_role"], tenant.options["cw_api_member"]
    assert (member["adopt"], member["own_key_role"]) == (adopt, False)
    assert role["own_members"] == ["Sync"]
    assert (role["adopt"], role["own_key_role"]) == (False, False)
    assert {name: tenant.options["cw_table_setup"][name] for name in ("own_members", "adopt", "own_key_role")} == {
        name: role[name] for name in ("own_members", "adopt", "own_key_role")
    }


@pytest.mark.parametrize(("held", "given"), [("Sync", False), ("Technician", True), (None, True)])
def test_the_role_that_a_member_is_given_is_checked(tmp_path: Path, held: str | None, given: bool) -> None:
    tenant = Tenant(in_sync=False)
    one = integration(tenant, Store({"current": KEY}), report_dir=str(tmp_path))
    look = one.look()
    look.keys[0].found["member"] = {"security_role": held} if held else {"exists": False}
    one.preflight(look)
    assert tenant.options["cw_security_role"]["given"] == given
    assert one.as_dict(look)["role"]["given"] == given


def test_the_member_of_a_key_that_the_profile_names_no_more_is_ours(tmp_path: Path) -> None:
    class Keeper(Store):
        def neighbours(self, prefix: str) -> list[dict[str, str]]:
            return [{"member": "Sync 3"}] if prefix == "sync/" else []

    tenant = Tenant(in_sync=False)
    one = integration(tenant, Keeper({"current": KEY}), report_dir=str(tmp_path))
    one.preflight(one.look())
    assert tenant.options["cw_security_role"]["own_members"] == ["Sync", "Sync 3"]


def test_an_audit_reads_no_holders_and_tells_what_it_would_be_refused(tmp_path: Path) -> None:
    tenant = Tenant(in_sync=False, refuses="cw_security_role")
    tenant.key = "none"
    look = integration(tenant, Store({}), mode="audit", report_dir=str(tmp_path)).look()
    assert (tenant.options["cw_security_role"]["adopt"], tenant.options["cw_security_role"]["own_key_role"]) == (
        True,
        True,
    )
    assert look.keys[0].found["differences"] == ["cw_security_role refused it"]


def test_only_the_integration_of_our_own_key_may_change_its_role() -> None:
    def claims(profile: _profile.Profile, **more: str) -> bool:
        settings = settings_of({"inventory_hostname": "north", **more}, lambda name: more.get(name, name))
        options = StepOptions(profile, settings).role()
        return bool(options and options["own_key_role"])

    assert claims(_profile.read("cw_admin", {}, lambda value: value))
    # Emptied halfway, it could not be emptied to the end.
    assert not claims(_profile.read("cw_admin", {}, lambda value: value), integration_state="absent")
    assert not claims(_profile.read("umbrella", {}, lambda value: value))
    # A profile of a user's own that takes this name is another one.
    assert not claims(_profile.of_mapping("cw_admin", PROFILE))


def test_a_store_that_cannot_be_written_stops_the_run_before_the_tenant_is_asked(tmp_path: Path) -> None:
    tenant = Tenant(in_sync=False)
    one = integration(tenant, Store({}, broken=True), report_dir=str(tmp_path))
    look = one.look()
    with pytest.raises(InputError, match="cannot be written"):
        one.preflight(look)
    assert [module for module, _check in tenant.asked] == ["cw_integration_info"]


def test_a_directory_of_reports_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    one = integration(Tenant(in_sync=False), Store({}), report_dir=str(tmp_path / "file" / "reports"))
    look = one.look()
    with pytest.raises(InputError, match="reports cannot be written"):
        one.preflight(look)


@pytest.mark.parametrize(("name", "value"), [("company_id", "south"), ("host", "psa.south.example")])
@pytest.mark.parametrize("mode", ["converge", "audit", "key_report", "store_key"])
def test_the_key_of_another_tenant_is_not_sent(mode: str, name: str, value: str) -> None:
    tenant = Tenant()
    one = integration(tenant, Store({"current": KEY, name: value}), mode=mode)
    with pytest.raises(PsaError, match=value):
        one.look()
    assert tenant.asked == []


@pytest.mark.parametrize(("name", "value"), [("member", "Other"), ("vendor", "petra")])
def test_the_record_of_somebody_else_stops_the_run(tmp_path: Path, name: str, value: str) -> None:
    one = integration(Tenant(in_sync=False), Store({"current": KEY, name: value}), report_dir=str(tmp_path))
    look = one.look()
    with pytest.raises(PsaError, match=value):
        one.preflight(look)


def test_the_steps_and_what_they_return_are_in_the_order_of_the_role(tmp_path: Path) -> None:
    tenant = Tenant(in_sync=False)
    one = integration(tenant, Store({"current": KEY}), report_dir=str(tmp_path))
    results = one.carry_out(one.look())
    steps = ["cw_security_role", "cw_table_setup", "cw_api_member", "cw_api_key", "cw_access_check"]
    assert list(results) == steps
    assert "PRIVATE" not in repr(results)
