# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Learned routes are used with care: by version, proven anew on another one, given up when they do not hold."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msp.connectwise.plugins.module_utils import _resource
from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError
from ansible_collections.msp.connectwise.plugins.plugin_utils import _routes_care
from ansible_collections.msp.connectwise.plugins.plugin_utils._routes_book import Stopped, write_page
from ansible_collections.msp.connectwise.plugins.plugin_utils._routes_care import Care
from ansible_collections.msp.connectwise.plugins.plugin_utils._tenant_action import InProcess
from tests.learning.ground import options, routes_of, scratch_left, tenants
from tests.simulator.client import Simulator

ROLE = {"permissions": {"Companies": {"Contacts": {"inquire": "My"}}}, "on_unsupported": "manual"}


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with Simulator(tenants("words", "codes"), tmp_path_factory.mktemp("psa")) as running:
        yield running


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch, simulator: Simulator) -> Iterator[None]:
    monkeypatch.setattr(_resource, "_SETTLE", (0.0, 0.01))
    monkeypatch.setattr(_routes_care, "_versions", {})
    monkeypatch.setattr(Stopped, "_known", {})
    yield
    for name in ("words", "codes"):
        edit = {"op": "set_web_client", "dialect": name, "mutation": None}
        simulator.edit(name, {"op": "set_version", "version": "v2025.1"}, edit)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory with the routes of one version, as learn_routes writes it."""
    routes = {operation: some[0] for operation, some in routes_of("words").items()}
    states = {operation: {"state": "proven"} for operation in routes}
    write_page(tmp_path / "routes", "v2025.1", {"version": "v2025.1", "operations": states}, routes)
    return tmp_path / "routes"


def runner(simulator: Simulator, folder: Path, tenant: str = "words", **changes: Any) -> InProcess:
    check_mode = bool(changes.pop("check_mode", False))
    given = options(simulator.ready, tenant, extension_routes_file=str(folder), **changes)
    return InProcess(given, check_mode=check_mode)


def writes(simulator: Simulator, tenant: str = "words") -> list[str]:
    return [entry["path"] for entry in simulator.journal(tenant, writes=True)]


def test_the_proven_version_is_used_without_another_proof(simulator: Simulator, folder: Path) -> None:
    simulator.clear_journal()
    result = runner(simulator, folder)("cw_security_role", {"name": "Plain", **ROLE})
    assert (result["changed"], result["pending"]) == (True, False)
    assert [path.rpartition("/")[2] for path in writes(simulator)] == ["securityroles", "SaveRow.rails"]


def test_another_version_is_proven_once_before_the_first_write(simulator: Simulator, folder: Path) -> None:
    simulator.edit("words", {"op": "set_version", "version": "v2026.1"})
    result = runner(simulator, folder)("cw_security_role", {"name": "Later", **ROLE})
    assert (result["changed"], result["pending"]) == (True, False)
    assert scratch_left(simulator, "words") == []
    simulator.clear_journal()
    runner(simulator, folder)("cw_security_role", {"name": "Later still", **ROLE})
    assert [path.rpartition("/")[2] for path in writes(simulator)] == ["securityroles", "SaveRow.rails"]


def test_another_client_is_noticed_before_anything_is_written(simulator: Simulator, folder: Path) -> None:
    edit = {"op": "set_web_client", "dialect": "numbers"}
    simulator.edit("words", {"op": "set_version", "version": "v2026.2"}, edit)
    result = runner(simulator, folder)("cw_security_role", {"name": "Changed", **ROLE})
    assert (result["changed"], result["pending"]) == (True, True)
    assert any("role_setting.update does not hold on v2026.2" in warning for warning in result["warnings"])
    assert simulator.role("words", "Changed")["permissions"] == {}
    assert scratch_left(simulator, "words") == []


def test_a_mutated_server_of_another_version_is_not_used(simulator: Simulator, folder: Path) -> None:
    edit = {"op": "set_web_client", "mutation": "one_row_too_many"}
    simulator.edit("words", {"op": "set_version", "version": "v2026.3"}, edit)
    result = runner(simulator, folder)("cw_security_role", {"name": "Mutated", **ROLE})
    assert result["pending"]
    assert simulator.role("words", "Mutated")["permissions"] == {}


def test_manual_means_no_proof(simulator: Simulator, folder: Path) -> None:
    simulator.edit("words", {"op": "set_version", "version": "v2026.4"})
    simulator.clear_journal()
    result = runner(simulator, folder, routes_on_new_version="manual")("cw_security_role", {"name": "By hand", **ROLE})
    assert result["pending"]
    assert any("cw_routes_on_new_version: manual" in warning for warning in result["warnings"])
    assert [path.rpartition("/")[2] for path in writes(simulator)] == ["securityroles"]


@pytest.mark.parametrize(("module", "check_mode"), [("cw_security_role", True), ("cw_integration_info", False)])
def test_a_check_and_a_look_prove_nothing(simulator: Simulator, folder: Path, module: str, check_mode: bool) -> None:
    simulator.edit("words", {"op": "set_version", "version": "v2026.5"})
    simulator.clear_journal()
    given: dict[str, Any] = {"name": "Looked", **ROLE}
    if module == "cw_integration_info":
        given = {"member": {"identifier": "x"}, "role_name": "Technician", "permissions": {}, "customize": {}}
    runner(simulator, folder, check_mode=check_mode)(module, given)
    assert writes(simulator) == []


def test_an_unknown_word_for_the_mode_is_told(simulator: Simulator, folder: Path) -> None:
    with pytest.raises(InputError, match="cw_routes_on_new_version"):
        runner(simulator, folder, routes_on_new_version="perhaps")


def test_a_write_that_does_not_hold_stops_the_operation_everywhere(simulator: Simulator, folder: Path) -> None:
    simulator.edit("words", {"op": "set_web_client", "mutation": "nothing"})
    with pytest.raises(Exception, match="not taken over"):
        runner(simulator, folder)("cw_security_role", {"name": "Lost", **ROLE})
    simulator.edit("words", {"op": "set_web_client", "mutation": None})
    simulator.edit("codes", {"op": "set_web_client", "dialect": "words"})
    result = runner(simulator, folder, "codes")("cw_security_role", {"name": "Elsewhere", **ROLE})
    assert result["pending"]
    said = " ".join(result["warnings"])
    assert "role_setting.update is not used any more in this run" in said
    assert "words at" in said


def test_a_file_of_a_person_is_used_as_it_is(simulator: Simulator, folder: Path, tmp_path: Path) -> None:
    file = shutil.copy(Path(__file__).parents[1] / "learning" / "routes" / "codes.yml", tmp_path / "own.yml")
    simulator.edit("codes", {"op": "set_version", "version": "v2026.1"})
    result = runner(simulator, Path(file), "codes")("cw_security_role", {"name": "Own", **ROLE})
    assert (result["changed"], result["pending"]) == (True, False)


def test_what_a_variable_says_wins(simulator: Simulator, folder: Path) -> None:
    run = runner(simulator, folder, extension_routes={"role_setting.update": False})
    assert run("cw_security_role", {"name": "Off", **ROLE})["pending"]


def test_without_routes_nothing_is_asked(simulator: Simulator) -> None:
    simulator.clear_journal()
    care = Care(options(simulator.ready, "words"), check_mode=False)
    assert "extension_routes" not in care.options("cw_security_role", {"name": "x"})
    assert simulator.journal("words") == []


def test_each_operation_says_its_rung(simulator: Simulator, folder: Path) -> None:
    own = {"member_key.list": {}}
    given = options(simulator.ready, "words", extension_routes_file=str(folder), extension_routes=own)
    care = Care(given, check_mode=False)
    routes = care.options("cw_security_role", given)["extension_routes"]
    rungs = care.rungs({**routes, "customize_items.list": False})
    assert rungs["role_setting.update"] == "proven route"
    assert rungs["customize_items.list"] == "by hand"
    assert rungs["member_key.list"] == "extension route"


def test_trouble_on_the_way_says_nothing_of_the_routes(simulator: Simulator, folder: Path) -> None:
    simulator.edit("words", {"op": "set_version", "version": "v2026.6"})
    simulator.faults({"fault": "drop_after", "tenant": "words", "method": "POST", "times": 40, "path": "GetKeys"})
    try:
        with pytest.raises(Exception, match="broke"):
            runner(simulator, folder)("cw_security_role", {"name": "Again", **ROLE})
    finally:
        simulator.clear_faults()
    assert scratch_left(simulator, "words") == []
    result = runner(simulator, folder)("cw_security_role", {"name": "Again", **ROLE})
    assert (result["changed"], result["pending"]) == (True, False)
