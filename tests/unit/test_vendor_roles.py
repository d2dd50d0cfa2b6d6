# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vendor roles ask for what the vendors' pages ask for, and what is written from their tables is current."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from ansible_collections.msp.connectwise.plugins.plugin_utils import _profile
from ansible_collections.msp.connectwise.plugins.plugin_utils._profile_names import known

ROOT = Path(__file__).resolve().parents[2]
PAGES: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "data" / "seeds.yml").read_text(encoding="utf-8"))
VENDORS = sorted(PAGES)
VERBS = ("add", "edit", "delete", "inquire")
LETTERS = {"A": "All", "M": "My", "N": "None"}

each_vendor = pytest.mark.parametrize("vendor", VENDORS)


def load(vendor: str, part: str) -> Any:
    return yaml.safe_load((ROOT / "roles" / vendor / f"{part}.yml").read_text(encoding="utf-8"))


def default(vendor: str, name: str, otherwise: Any = None) -> Any:
    return load(vendor, "defaults/main").get(f"{vendor}_{name}", otherwise)


def read(vendor: str, **variables: Any) -> _profile.Profile:
    given = {f"{vendor}_{name}": value for name, value in variables.items()}
    return _profile.read(vendor, given, given.get)


def in_letters(permissions: dict[str, Any]) -> dict[str, dict[str, str]]:
    letter = {level: sign for sign, level in LETTERS.items()}
    return {
        module: {
            function: "".join(letter[levels.get(verb, "None")] for verb in VERBS) for function, levels in rows.items()
        }
        for module, rows in permissions.items()
    }


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        import vendors
    finally:
        sys.path.remove(str(ROOT / "tools"))
    return vendors


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for vendor in ("petra", "ticket_scout", "huntress"):
        shutil.copytree(ROOT / "roles" / vendor, tmp_path / "roles" / vendor)
    return tmp_path


def test_every_role_with_a_table_has_its_page_here() -> None:
    assert set(known()) == {*VENDORS, "cw_admin"}


@each_vendor
def test_permissions_are_those_of_the_page(vendor: str) -> None:
    assert in_letters(read(vendor).permissions) == PAGES[vendor]["permissions"]


@each_vendor
def test_features_are_those_of_the_page(vendor: str) -> None:
    groups = default(vendor, "feature_groups", {})
    own = {name if vendor == "ticket_scout" else group["description"]: group for name, group in groups.items()}
    wanted = PAGES[vendor].get("features", {})
    assert {name: in_letters(group["permissions"]) for name, group in own.items()} == wanted


@each_vendor
def test_customize_lists_are_those_of_the_page(vendor: str) -> None:
    wanted = PAGES[vendor]["customize"]
    actual = default(vendor, "customize")
    assert sorted(actual) == sorted(wanted)
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
    assert tolerant == {"zofiq": {"Table Setup"}, "cyberfox_autoelevate": {"Configurations"}}.get(vendor, set())


@each_vendor
def test_names_are_those_of_the_page_and_fit(vendor: str) -> None:
    profile = read(vendor)
    (key,) = profile.keys
    actual = {
        "role": profile.role_name,
        "identifier": key.member["identifier"],
        "member": key.member["name"],
        "key": key.description,
    }
    for name, wanted in PAGES[vendor]["names"].items():
        assert wanted in (None, actual[name]), name
        assert actual[name].strip() == actual[name] != ""
    assert (key.member["level"], key.member["security_location"]) == ("top", "top")
    assert key.record == vendor


@each_vendor
def test_the_page_is_named_and_what_is_missing_is_said(vendor: str) -> None:
    page = PAGES[vendor]
    assert default(vendor, "source") == page["source"]
    assert default(vendor, "completeness") == page.get("completeness", "full")
    assert re.fullmatch(r"20\d\d-\d\d", default(vendor, "checked"))
    assert (default(vendor, "completeness") == "partial") <= bool(default(vendor, "gaps"))


def test_all_vendors_go_together_on_one_tenant() -> None:
    profiles = [read(vendor) for vendor in known()]
    assert _profile.collisions(profiles) == []
    assert len({key.description.casefold() for profile in profiles for key in profile.keys}) == len(profiles)


@each_vendor
def test_none_is_quoted(vendor: str) -> None:
    text = (ROOT / "roles" / vendor / "defaults" / "main.yml").read_text(encoding="utf-8")
    assert not re.search(r":\s*None\b", text)


@each_vendor
def test_a_replaced_key_works_on_until_a_person_has_entered_the_new_one(vendor: str) -> None:
    assert read(vendor).grace_days == 7


@each_vendor
def test_handover_names_where_and_what(vendor: str) -> None:
    handover = read(vendor).handover
    assert all(handover[name] for name in ("console", "steps", "fields"))
    assert {"public_key", "private_key"} <= {field.get("from") for field in handover["fields"]}


@each_vendor
def test_the_role_is_one_import_of_the_engine(vendor: str) -> None:
    (task,) = load(vendor, "tasks/main")
    assert task["ansible.builtin.import_role"] == {"name": "msp.connectwise.integration", "rolespec_validate": False}
    assert task["vars"] == {"integration_vendor": vendor}


@each_vendor
def test_every_input_is_one_of_the_profile(vendor: str) -> None:
    spec = load(vendor, "meta/argument_specs")["argument_specs"]["main"]["options"]
    defaults = load(vendor, "defaults/main")
    for name, option in spec.items():
        assert name.startswith(f"{vendor}_")
        assert option.get("default", defaults.get(name)) == defaults.get(name)


@pytest.mark.parametrize(
    ("features", "project", "sales"),
    [
        ([], set(), set()),
        (["opportunities"], set(), {"Opportunity"}),
        (["project_tickets", "projects"], {"Project Tickets", "Project Headers"}, set()),
        ("projects, opportunities", {"Project Headers"}, {"Opportunity"}),
    ],
)
def test_features_join_the_required_permission(features: Any, project: set[str], sales: set[str]) -> None:
    merged = read("ticket_scout", features=features).permissions
    assert merged["Service Desk"] == {"Service Tickets": {"inquire": "All"}}
    assert set(merged.get("Project", {})) == project
    assert set(merged.get("Sales", {})) == sales


@each_vendor
def test_reductions_only_take_back(vendor: str) -> None:
    groups = default(vendor, "reduction_groups", {})
    whole = in_letters(read(vendor).permissions)
    for name in groups:
        fewer = in_letters(read(vendor, reductions=[name]).permissions)
        assert fewer != whole, name
        for module, rows in fewer.items():
            for function, letters in rows.items():
                before = whole[module][function]
                assert all("NMA".index(new) <= "NMA".index(old) for new, old in zip(letters, before, strict=True))


def test_a_feature_brings_its_customize_list() -> None:
    plain, boards = read("thread_ticket_report"), read("thread_ticket_report", features=["boards"])
    assert plain.customize == {}
    assert boards.customize == {"Table Setup": {"allow": ["Service / Service Board"]}}


def test_what_is_written_from_tables_is_current(tool: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert tool.main(["--check"]) == 0, capsys.readouterr().err


@each_vendor
def test_a_readme_shows_every_row(vendor: str) -> None:
    text = (ROOT / "roles" / vendor / "README.md").read_text(encoding="utf-8")
    for module, rows in PAGES[vendor]["permissions"].items():
        for function, letters in rows.items():
            name = "every function (`*`)" if function == "*" else function
            levels = " | ".join(LETTERS[letter] for letter in letters)
            assert f"\n| {module} | {name} | {levels} |\n" in text
    assert PAGES[vendor]["source"] in text
    for gap in default(vendor, "gaps", []):
        assert gap in text


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


def test_a_table_that_cannot_work_is_named_and_nothing_is_written(
    copy: Path, tool: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    defaults = copy / "roles" / "petra" / "defaults" / "main.yml"
    defaults.write_text(
        defaults.read_text(encoding="utf-8").replace("inquire: All}", "inquire: Al}", 1), encoding="utf-8"
    )
    assert tool.main(["--root", str(copy)]) == 1
    assert (
        'Company Maintenance.inquire: "Al" is not one of None, My, All; did you mean "All"?' in capsys.readouterr().err
    )


def test_the_top_readme_gets_the_vendor_table_between_its_markers(copy: Path, tool: ModuleType) -> None:
    top = copy / "README.md"
    top.write_text("# Top\n\n<!-- vendors:start -->\nold\n<!-- vendors:end -->\n\nEnd\n", encoding="utf-8")
    assert tool.main(["--check", "--root", str(copy)]) == 1
    assert tool.main(["--root", str(copy)]) == 0
    text = top.read_text(encoding="utf-8")
    assert text.startswith("# Top\n\n<!-- vendors:start -->\n| Role |")
    assert text.endswith(" |\n<!-- vendors:end -->\n\nEnd\n")
    assert "old" not in text
    for vendor in ("petra", "ticket_scout", "huntress"):
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


TABLE = """\
| Module | Function | Add | Edit | Delete | Inquire |
| --- | --- | --- | --- | --- | --- |
| Companies | Company Maintenance | None | None | None | All |
| Procurement | Products | None | None | None | All |
"""


def test_a_new_vendor_is_one_command(copy: Path, tool: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    page = copy / "page.md"
    page.write_text(TABLE, encoding="utf-8")
    assert tool.main(["--new", "acme_sync", "--table", str(page), "--root", str(copy)]) == 0
    assert "2 rows read from the page" in capsys.readouterr().out
    role = copy / "roles" / "acme_sync"
    values = yaml.safe_load((role / "defaults" / "main.yml").read_text(encoding="utf-8"))
    assert values["acme_sync_permissions"]["Procurement"] == {"Products": {"inquire": "All"}}
    for part in ("README.md", "meta/main.yml", "meta/argument_specs.yml", "tasks/main.yml"):
        assert (role / part).is_file()
    assert tool.main(["--check", "--root", str(copy)]) == 0
    assert tool.main(["--new", "acme_sync", "--root", str(copy)]) == 1


def test_a_new_copy_of_a_page_says_which_rows_change(
    copy: Path, tool: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    page = copy / "page.md"
    page.write_text(TABLE, encoding="utf-8")
    assert tool.main(["--compare", str(page), "huntress", "--root", str(copy)]) == 0
    assert "The table is the one that the role was made from." in capsys.readouterr().out

    page.write_text(TABLE.replace("| All |", "| My |", 1) + "| System | Table Setup | | | | All |\n", encoding="utf-8")
    assert tool.main(["--compare", str(page), "--root", str(copy)]) == 1
    assert capsys.readouterr().out.splitlines()[1:] == [
        "~ Companies / Company Maintenance: inquire All becomes inquire My",
        "+ System / Table Setup: inquire All",
    ]
    assert tool.main(["--compare", str(page), "hunter", "--root", str(copy)]) == 2


def test_a_page_that_cannot_be_read_is_named(copy: Path, tool: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    picture = copy / "page.pdf"
    picture.write_bytes(b"%PDF\xff\xfe")
    for page in (copy / "nowhere.html", picture):
        assert tool.main(["--compare", str(page), "--root", str(copy)]) == 2
        assert tool.main(["--new", "acme", "--table", str(page), "--root", str(copy)]) == 2
        assert capsys.readouterr().err.count(f"{page} cannot be read: ") == 2
    assert not (copy / "roles" / "acme").exists()
