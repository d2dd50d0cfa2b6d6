# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Extension routes as a file: two worked examples do everything, and every mistake is told with its line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError
from ansible_collections.msp.connectwise.plugins.module_utils._routes import ROUTES, fill
from ansible_collections.msp.connectwise.plugins.plugin_utils import _routes_file
from tests.playground import Playground
from tests.simulator.client import Simulator

from .engine import ROOT, Integration, connection, profile_of, run

EXAMPLES = ROOT / "docs" / "extension_routes"
SCHEMA = json.loads((EXAMPLES / "schema.json").read_text(encoding="utf-8"))
TENANTS: dict[str, Any] = {
    "sites": [{"name": "na"}],
    "tenants": [
        {"company_id": "rest", "site": "na", "profile": "published", "other_routes": ["rest"]},
        {"company_id": "actions", "site": "na", "profile": "published", "other_routes": ["actions"]},
        {"company_id": "neither", "site": "na", "profile": "published"},
        {"company_id": "played", "site": "na", "profile": "published", "other_routes": ["actions"]},
    ],
}


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with Simulator(TENANTS, tmp_path_factory.mktemp("psa")) as running:
        yield running


@pytest.mark.parametrize("name", ["rest", "actions"])
def test_a_worked_example_does_everything(simulator: Simulator, name: str) -> None:
    routes = _routes_file.load(str(EXAMPLES / f"{name}.yml"))
    options = connection(simulator.ready, name, extension_routes=routes)
    integration = Integration(options, profile_of("umbrella"), key_grace_days=0)
    assert integration.onboard()["status"] == "ready"
    assert integration.steps == []
    integration.onboard()
    assert not integration.changed
    assert integration.onboard(rotate=True)["status"] == "ready"
    assert len(simulator.state(name)["keys"]["Umbrella"]) == 1
    assert integration.remove()["status"] == "absent"
    assert integration.steps == []
    assert simulator.state(name)["keys"].get("Umbrella", []) == []


def test_a_tenant_without_them_gets_manual_steps(simulator: Simulator) -> None:
    for name in ("rest", "actions"):
        routes = _routes_file.load(str(EXAMPLES / f"{name}.yml"))
        integration = Integration(
            connection(simulator.ready, "neither", extension_routes=routes), profile_of("umbrella")
        )
        integration.onboard()
        assert {step["kind"] for step in integration.steps} == {"role_permission", "customize_list", "create_key"}


def test_a_refusal_with_status_200_is_no_success(simulator: Simulator) -> None:
    routes = _routes_file.load(str(EXAMPLES / "actions.yml"))
    routes["api_member_key.create"]["form"]["actionMessage"]["payload"] = {"$json": {"description": "{description}"}}
    options = connection(simulator.ready, "actions", extension_routes=routes)
    run("cw_api_member", options, identifier="Refused", security_role="Technician", level="top")
    result = run("cw_api_key", options, member="Refused", description="x")
    assert result["failed"]
    assert "holds no key pair" in result["msg"]
    assert "cw_extension_routes" in result["msg"]
    assert simulator.state("actions")["keys"].get("Refused", []) == []


def test_json_in_json_keeps_what_it_is_given() -> None:
    hostile = 'a "quote", a \\ and {braces}'
    template = {"payload": {"$json": {"id": "{member}", "text": "{description}", "rows": "{rows}"}}}
    filled = fill(template, {"member": 7, "description": hostile, "rows": [{"a": 1}]})
    assert json.loads(filled["payload"]) == {"id": 7, "text": hostile, "rows": [{"a": 1}]}


def test_the_playbook_takes_a_file(simulator: Simulator, tmp_path: Path) -> None:
    ready = {**simulator.ready, "tenants": {"played": simulator.ready["tenants"]["played"]}}
    file = str(EXAMPLES / "actions.yml")
    ground = Playground(tmp_path, ready, cw_integrations=["umbrella"], cw_extension_routes_file=file)
    played = ground.play("onboard")
    assert played.code == 0, played.output
    assert ground.statuses("played") == {"umbrella": "ready"}
    wrong = tmp_path / "wrong.yml"
    wrong.write_text("role_setting.update:\n  method: FETCH\n", encoding="utf-8")
    refused = ground.play("doctor", passphrase=False, cw_extension_routes_file=str(wrong))
    assert refused.code == 2
    assert "wrong.yml line 2: role_setting.update.method" in refused.output


WRONG = [
    ("role_settings.update: false\n", 1, "is not an operation"),
    ("\n\nrole_setting.update: 7\n", 3, "is not a mapping"),
    ("role_setting.update:\n  method: PUT\n  path: system/x\n", 3, "does not begin with /"),
    ("role_setting.update:\n  path: /x\n  method: FETCH\n", 3, "is not one"),
    ("role_setting.update:\n  path: /x\n  boby: {}\n", 3, "unknown fields: boby"),
    ("role_setting.update:\n  path: /x\n  body:\n    a:\n    - '{member}'\n", 5, "unknown placeholders: member"),
    ("role_setting.update:\n  path: /x/{Role}\n", 2, "{Role}"),
    ("role_setting.update:\n  body: {}\n  path: /x\n  form: {}\n", 4, "both body and form"),
    ("role_setting.update:\n  path: /x\n  success: yes\n", 3, "is not a mapping"),
    ("role_setting.update: false\nmember_key.list: false\nrole_setting.update: false\n", 3, "a second time"),
    ("role_setting.update:\n  path: /x\n  path: /y\n", 3, "a second time"),
    ("role_setting.update:\n  path: [unclosed\n", 3, "not YAML"),
    ("- role_setting.update\n", 1, "not a mapping"),
    ("role_setting.update:\n  path: /x\n  first:\n    - path: /y\n", 3, 'an entry named ""'),
    ("role_setting.update:\n  path: /x\n  site: there\n", 3, "is not one"),
    ("member_key.list: false\nabout:\n  version: 7\n", 3, "about does not say version and operations"),
]


@pytest.mark.parametrize(("text", "line", "problem"), WRONG)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, text: str, line: int, problem: str) -> None:
    file = tmp_path / "routes.yml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as refused:
        _routes_file.load(str(file))
    assert f"routes.yml line {line}: " in refused.value.problem
    assert problem in refused.value.problem
    assert refused.value.remedy


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(InputError, match="cannot be read") as refused:
        _routes_file.load("/no/such/routes.yml")
    assert "inventory_dir" in refused.value.remedy


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "routes.yml").write_text("---\n", encoding="utf-8")
    assert _routes_file.load(str(tmp_path / "routes.yml")) == {}


def test_the_schema_says_the_same() -> None:
    validator = Draft202012Validator(SCHEMA)
    assert set(SCHEMA["propertyNames"]["anyOf"][0]["enum"]) == set(ROUTES)
    for name in ("rest", "actions"):
        assert list(validator.iter_errors(yaml.safe_load((EXAMPLES / f"{name}.yml").read_text(encoding="utf-8")))) == []
    for file in (ROOT / "tests" / "learning" / "routes").glob("*.yml"):
        assert list(validator.iter_errors(yaml.safe_load(file.read_text(encoding="utf-8")))) == []
    beyond = ("unknown placeholders", "{Role}", "a second time", "not YAML")
    for text, _line, problem in WRONG:
        if problem not in beyond and not problem.startswith(beyond):
            assert list(validator.iter_errors(yaml.safe_load(text))), text
