# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vendor roles ask for what the vendors' pages ask for, and their READMEs say the same."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from ansible.plugins.filter.core import FilterModule
from jinja2.nativetypes import NativeEnvironment

ROOT = Path(__file__).resolve().parents[2]
PAGES: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "data" / "seeds.yml").read_text(encoding="utf-8"))
VENDORS = sorted(PAGES)
VERBS = ("add", "edit", "delete", "inquire")
LETTERS = {"A": "All", "M": "My", "N": "None"}
FROM = ["company_id", "site_host", "api_host", "api_url", "region", "public_key", "private_key", "client_id", "member"]

each_vendor = pytest.mark.parametrize("vendor", VENDORS)


def load(vendor: str, part: str) -> Any:
    return yaml.safe_load((ROOT / "roles" / vendor / f"{part}.yml").read_text(encoding="utf-8"))


def default(vendor: str, name: str) -> Any:
    return load(vendor, "defaults/main")[f"{vendor}_{name}"]


def options(vendor: str) -> dict[str, Any]:
    return load(vendor, "meta/argument_specs")["argument_specs"]["main"]["options"]


def profile(vendor: str) -> dict[str, Any]:
    return load(vendor, "tasks/main")[0]["vars"]["integration_profile"]


def in_letters(permissions: dict[str, Any]) -> dict[str, dict[str, str]]:
    letter = {level: sign for sign, level in LETTERS.items()}
    return {
        module: {
            function: "".join(letter[levels.get(verb, "None")] for verb in VERBS) for function, levels in rows.items()
        }
        for module, rows in permissions.items()
    }


def all_permissions(vendor: str) -> list[dict[str, Any]]:
    features = load(vendor, "defaults/main").get(f"{vendor}_feature_permissions", {})
    return [default(vendor, "permissions"), *features.values()]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("role_readme", ROOT / "tools" / "role_readme.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for vendor in VENDORS:
        shutil.copytree(ROOT / "roles" / vendor, tmp_path / "roles" / vendor)
    return tmp_path


@each_vendor
def test_permissions_are_those_of_the_page(vendor: str) -> None:
    assert in_letters(default(vendor, "permissions")) == PAGES[vendor]["permissions"]


def test_features_are_those_of_the_page() -> None:
    features = default("ticket_scout", "feature_permissions")
    assert {name: in_letters(rows) for name, rows in features.items()} == PAGES["ticket_scout"]["features"]
    assert options("ticket_scout")["ticket_scout_features"]["choices"] == list(features)
    assert list(options("ticket_scout")["ticket_scout_feature_permissions"]["options"]) == list(features)


@each_vendor
def test_customize_lists_are_those_of_the_page(vendor: str) -> None:
    wanted = PAGES[vendor]["customize"]
    actual = default(vendor, "customize")
    assert list(actual) == list(wanted)
    for function, lists in actual.items():
        assert set(lists) <= {"allow", "disallow", "on_unknown"}
        if "only" in wanted[function]:
            assert lists["allow"] == wanted[function]["only"]
            assert "disallow" not in lists
        else:
            assert lists["allow"] == "all"
            assert lists.get("disallow", []) == wanted[function]["all_but"]


@each_vendor
def test_only_items_that_few_tenants_have_may_be_unknown(vendor: str) -> None:
    tolerant = {function for function, lists in default(vendor, "customize").items() if "on_unknown" in lists}
    assert tolerant == ({"Table Setup"} if vendor == "zofiq" else set())


@each_vendor
def test_names_are_those_of_the_page_and_fit(vendor: str) -> None:
    member = default(vendor, "member")
    actual = {
        "role": default(vendor, "role_name"),
        "identifier": member["identifier"],
        "member": member["name"],
        "key": default(vendor, "key_description"),
    }
    for name, wanted in PAGES[vendor]["names"].items():
        assert wanted in (None, actual[name]), name
        assert actual[name].strip() == actual[name] != ""
    assert len(actual["identifier"]) <= 15
    assert len(actual["member"]) <= 30
    assert len(actual["role"]) <= 30
    assert (member["level"], member["security_location"]) == ("top", "top")


@pytest.mark.parametrize("field", ["role", "identifier", "key"])
def test_vendors_do_not_share_a_record_of_one_tenant(field: str) -> None:
    of = {
        "role": lambda vendor: default(vendor, "role_name"),
        "identifier": lambda vendor: default(vendor, "member")["identifier"],
        "key": lambda vendor: default(vendor, "key_description"),
    }[field]
    assert len({of(vendor).casefold() for vendor in VENDORS}) == len(VENDORS)


@each_vendor
def test_levels_are_spelled_as_the_api_spells_them(vendor: str) -> None:
    for permissions in all_permissions(vendor):
        for rows in permissions.values():
            for function, levels in rows.items():
                assert levels, function
                assert set(levels) <= set(VERBS), function
                assert set(levels.values()) <= set(LETTERS.values()), function


@each_vendor
def test_none_is_quoted(vendor: str) -> None:
    text = (ROOT / "roles" / vendor / "defaults" / "main.yml").read_text(encoding="utf-8")
    assert not re.search(r":\s*None\b", text)


@each_vendor
def test_argument_specs_name_exactly_the_defaults(vendor: str) -> None:
    defaults = load(vendor, "defaults/main")
    spec = options(vendor)
    assert set(spec) == set(defaults)
    for name, value in defaults.items():
        if spec[name]["type"] != "dict":
            assert spec[name]["default"] == value, name
        assert name.startswith(f"{vendor}_")


def misfits(value: Any, spec: dict[str, Any], path: str) -> list[str]:
    """Where a value does not fit its argument spec."""
    kinds = {"str": str, "list": list, "dict": dict}
    found = [] if isinstance(value, kinds[spec["type"]]) else [f"{path} is not of type {spec['type']}"]
    if spec["type"] == "list":
        element = {**spec, "type": spec["elements"]}
        return found + [
            text for number, item in enumerate(value) for text in misfits(item, element, f"{path}[{number}]")
        ]
    if "choices" in spec and value not in spec["choices"]:
        found.append(f"{path} is not one of the choices")
    if "options" in spec:
        inner = spec["options"]
        found += [f"{path}.{name} is unknown" for name in value if name not in inner]
        found += [f"{path}.{name} is missing" for name in inner if inner[name].get("required") and name not in value]
        found += [
            text for name in value if name in inner for text in misfits(value[name], inner[name], f"{path}.{name}")
        ]
    return found


@each_vendor
def test_defaults_fit_their_argument_specs(vendor: str) -> None:
    spec = options(vendor)
    assert [
        text for name, value in load(vendor, "defaults/main").items() for text in misfits(value, spec[name], name)
    ] == []


def test_misfits_are_found() -> None:
    spec = options("petra")["petra_handover"]
    wrong = {"consol": "x", "fields": [{"from": "public_keys", "label": "Key"}, {"from": "region"}], "steps": "one"}
    assert len(misfits({**wrong, "steps": [1]}, spec, "handover")) == 4


@each_vendor
def test_all_roles_take_the_same_inputs(vendor: str) -> None:
    common = ["role_name", "member", "key_description", "permissions", "customize", "handover"]
    first = options(VENDORS[0])
    for name in common:
        mine = {key: text for key, text in options(vendor)[f"{vendor}_{name}"].items() if key != "default"}
        assert mine == {key: text for key, text in first[f"{VENDORS[0]}_{name}"].items() if key != "default"}, name
    extra = set(options(vendor)) - {f"{vendor}_{name}" for name in common}
    extras = {"strategy", "members", "features", "feature_permissions"} if vendor == "ticket_scout" else set()
    assert extra == {f"{vendor}_{name}" for name in extras}


@each_vendor
def test_handover_names_where_and_what(vendor: str) -> None:
    handover = default(vendor, "handover")
    assert all(handover[name] for name in ("console", "steps", "fields", "watch"))
    assert all(("from" in field) != ("value" in field) for field in handover["fields"])
    sources = [field["from"] for field in handover["fields"] if "from" in field]
    assert {"public_key", "private_key"} <= set(sources) <= set(FROM)
    assert options(vendor)[f"{vendor}_handover"]["options"]["fields"]["options"]["from"]["choices"] == FROM


@each_vendor
def test_the_role_is_one_import_of_the_engine(vendor: str) -> None:
    tasks = load(vendor, "tasks/main")
    assert len(tasks) == 1
    assert tasks[0]["ansible.builtin.import_role"] == {"name": "msp.connectwise.integration"}
    assert set(tasks[0]["vars"]) == {"integration_vendor", "integration_profile"}
    assert tasks[0]["vars"]["integration_vendor"] == vendor
    assert profile(vendor)["source"] == PAGES[vendor]["source"]


@each_vendor
def test_every_input_reaches_the_profile(vendor: str) -> None:
    handed = str(profile(vendor))
    inner = ROOT / "roles" / vendor / "vars" / "main.yml"
    if inner.exists():
        handed += inner.read_text(encoding="utf-8")
    for name in load(vendor, "defaults/main"):
        assert re.search(rf"(?<![a-z_]){name}(?![a-z_])", handed), name


@pytest.mark.parametrize(
    ("features", "project", "sales"),
    [
        ([], set(), set()),
        (["opportunities"], set(), {"Opportunity"}),
        (["project_tickets", "projects"], {"Project Tickets", "Project Headers"}, set()),
        ("projects,opportunities", {"Project Headers"}, {"Opportunity"}),
    ],
)
def test_features_join_the_required_permission(features: Any, project: set[str], sales: set[str]) -> None:
    environment = NativeEnvironment()
    environment.filters.update(FilterModule().filters())
    inner = load("ticket_scout", "vars/main")
    values = {**load("ticket_scout", "defaults/main"), "ticket_scout_features": features}
    for name in ("__ticket_scout_features", "__ticket_scout_permissions"):
        values[name] = environment.from_string(inner[name]).render(values)
    merged = values["__ticket_scout_permissions"]
    assert merged["Service Desk"] == {"Service Tickets": {"inquire": "All"}}
    assert set(merged.get("Project", {})) == project
    assert set(merged.get("Sales", {})) == sales


@each_vendor
def test_galaxy_metadata(vendor: str) -> None:
    meta = load(vendor, "meta/main")
    assert meta["dependencies"] == []
    assert meta["galaxy_info"]["min_ansible_version"] == "2.16"
    assert meta["galaxy_info"]["license"] == "GPL-3.0-or-later"


def test_readmes_are_current(tool: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert tool.main(["--check"]) == 0, capsys.readouterr().err


def test_the_tool_knows_every_vendor_role(tool: ModuleType) -> None:
    assert set(VENDORS) <= {role.slug for role in tool.load_roles(ROOT)}


@each_vendor
def test_a_readme_shows_every_row(vendor: str, tool: ModuleType) -> None:
    (role,) = (role for role in tool.load_roles(ROOT) if role.slug == vendor)
    text = tool.render(role)
    for module, rows in PAGES[vendor]["permissions"].items():
        for function, letters in rows.items():
            name = "every function (`*`)" if function == "*" else function
            levels = " | ".join(LETTERS[letter] for letter in letters)
            assert f"\n| {module} | {name} | {levels} |\n" in text
    assert PAGES[vendor]["source"] in text


def test_a_stale_readme_is_found_and_mended(copy: Path, tool: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    defaults = copy / "roles" / "petra" / "defaults" / "main.yml"
    defaults.write_text(
        defaults.read_text(encoding="utf-8").replace("Service / Source", "Service / Type"), encoding="utf-8"
    )
    before = (copy / "roles" / "petra" / "README.md").read_text(encoding="utf-8")

    assert tool.main(["--check", "--root", str(copy)]) == 1
    assert "roles/petra/README.md is not current" in capsys.readouterr().err
    assert (copy / "roles" / "petra" / "README.md").read_text(encoding="utf-8") == before

    assert tool.main(["--root", str(copy)]) == 0
    assert capsys.readouterr().out == "roles/petra/README.md written\n"
    assert "Service / Type" in (copy / "roles" / "petra" / "README.md").read_text(encoding="utf-8")
    assert tool.main(["--check", "--root", str(copy)]) == 0


def test_the_top_readme_gets_the_vendor_table_between_its_markers(copy: Path, tool: ModuleType) -> None:
    top = copy / "README.md"
    top.write_text("# Top\n\n<!-- vendors:start -->\nold\n<!-- vendors:end -->\n\nEnd\n", encoding="utf-8")
    assert tool.main(["--check", "--root", str(copy)]) == 1
    assert tool.main(["--root", str(copy)]) == 0
    text = top.read_text(encoding="utf-8")
    assert text.startswith("# Top\n\n<!-- vendors:start -->\n| Role |")
    assert text.endswith(" |\n<!-- vendors:end -->\n\nEnd\n")
    assert "old" not in text
    for vendor in VENDORS:
        assert text.count(f"roles/{vendor}/README.md") == 1
    assert tool.main(["--check", "--root", str(copy)]) == 0


@pytest.mark.parametrize(
    "text",
    ["# Top\n", "<!-- vendors:start -->\n", "<!-- vendors:end -->\n<!-- vendors:start -->\n"],
    ids=["none", "no end", "wrong order"],
)
def test_a_top_readme_without_markers_is_left_alone(copy: Path, tool: ModuleType, text: str) -> None:
    (copy / "README.md").write_text(text, encoding="utf-8")
    assert tool.main(["--root", str(copy)]) == 0
    assert (copy / "README.md").read_text(encoding="utf-8") == text
