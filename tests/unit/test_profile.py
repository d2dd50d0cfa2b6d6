# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reader of profiles: tables, a host's variables over them, and errors that name file, line and key."""

from __future__ import annotations

import copy
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleError
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ansible_collections.msp.connectwise.plugins.plugin_utils import _new_vendor, _profile
from ansible_collections.msp.connectwise.plugins.plugin_utils._profile import ProfileError
from ansible_collections.msp.connectwise.plugins.plugin_utils._profile_check import SCHEMA, misfits, said
from ansible_collections.msp.connectwise.plugins.plugin_utils._profile_file import load
from ansible_collections.msp.connectwise.plugins.plugin_utils._profile_names import ROLES, known
from tests.unit.planted import FORMS, for_people, places, vendor_file
from tests.unit.support import LINEAR, cpu, growth

JUDGE = Draft202012Validator(SCHEMA)
FILE = """\
product: Acme Sync
role_name: Acme
member: {identifier: Acme}
key_description: Acme key
permissions:
  Companies:
    Contacts: {inquire: All}
  System:
    Table Setup: {add: All, inquire: All}
customize:
  Table Setup:
    allow: [Service / Service Board]
"""


ROW = "inquire: All}\n  System"


def read(name: str, variables: dict[str, Any] | None = None, *directories: Path) -> _profile.Profile:
    given = variables or {}
    return _profile.read(name, given, given.__getitem__, directories)


@pytest.fixture
def vendors(tmp_path: Path) -> Path:
    (tmp_path / "acme.yml").write_text(FILE, encoding="utf-8")
    return tmp_path


def test_a_no_in_a_table_or_a_variable_is_the_level_none(vendors: Path) -> None:
    groups = "reduction_groups:\n  less: {description: x, permissions: {System: {Table Setup: {inquire: off}}}}\n"
    text = FILE.replace("{inquire: All}", "{inquire: My, add: no, edit: Off, delete: 'no'}") + groups
    (vendors / "acme.yml").write_text(text, encoding="utf-8")
    contacts = {"add": "None", "edit": "None", "delete": "None", "inquire": "My"}
    assert read("acme", {}, vendors).permissions["Companies"]["Contacts"] == contacts
    assert (
        read("acme", {"acme_reductions": ["less"]}, vendors).permissions["System"]["Table Setup"]["inquire"] == "None"
    )
    own = {"Companies": {"Contacts": {"inquire": False}}, "System": {"Table Setup": {"inquire": "All"}}}
    assert read("acme", {"acme_permissions": own}, vendors).permissions["Companies"]["Contacts"] == {"inquire": "None"}


def test_a_page_is_compared_with_a_file_that_says_no(vendors: Path) -> None:
    (vendors / "acme.yml").write_text(FILE.replace("{inquire: All}", "{inquire: All, add: no}"), encoding="utf-8")
    values = load(vendors / "acme.yml").values
    assert _new_vendor.whole_table(values)["Companies"]["Contacts"] == {"inquire": "All", "add": "None"}


def refused(vendors: Path, text: str, **variables: Any) -> str:
    (vendors / "acme.yml").write_text(text, encoding="utf-8")
    with pytest.raises(ProfileError) as caught:
        read("acme", {f"acme_{key}": value for key, value in variables.items()}, vendors)
    return str(caught.value)


def test_a_vendor_file_is_a_profile(vendors: Path) -> None:
    profile = read("acme", {}, vendors)
    assert (profile.name, profile.product, profile.vendor, profile.role_name) == ("acme", "Acme Sync", "acme", "Acme")
    assert profile.permissions["Companies"] == {"Contacts": {"inquire": "All"}}
    assert profile.keys == [_profile.Key({"identifier": "Acme"}, "api", "Acme key", "acme")]
    assert profile.grace_days == 0
    assert profile.as_dict()["findings"][0]["function"] == "Table Setup"


def test_a_role_by_its_short_and_its_full_name() -> None:
    assert read("zofiq") is read("msp.connectwise.zofiq")


def test_a_variable_of_the_host_takes_the_place_of_a_key(vendors: Path) -> None:
    profile = read("acme", {"acme_role_name": "Other", "acme_elsewhere": 1, "role_name": "no"}, vendors)
    assert profile.role_name == "Other"
    assert read("acme", {}, vendors).role_name == "Acme"


def test_boards_that_the_member_does_not_see(vendors: Path) -> None:
    member = {"identifier": "Acme", "excluded_boards": ["Internal"]}
    assert read("acme", {"acme_member": member}, vendors).keys[0].member == member


def test_the_defaults_of_a_role_are_no_change() -> None:
    # In a vendor's own role its defaults are variables too.
    assert read("zofiq", {"zofiq_role_name": "zofiQ Sec Role"}) is read("zofiq")


def test_a_changed_file_is_read_again(vendors: Path) -> None:
    assert read("acme", {}, vendors).role_name == "Acme"
    (vendors / "acme.yml").write_text(FILE.replace("role_name: Acme", "role_name: Acme 2"), encoding="utf-8")
    assert read("acme", {}, vendors).role_name == "Acme 2"


def test_a_template_in_a_file_is_data_and_moves_to_a_variable(vendors: Path) -> None:
    """Nothing asks for the text of a file to be resolved; a variable of the host is, also one with the same text."""
    text = '"{{ prefix }} Acme"'
    message = refused(vendors, FILE.replace("role_name: Acme", f"role_name: {text}"))
    assert "/acme.yml, line 2: role_name: {{ begins a template" in message
    assert message.endswith("What to do: move the template to host_vars as acme_role_name.")
    asked: list[str] = []

    def resolve(name: str) -> str:
        asked.append(name)
        return f"N{len(asked)} Acme"

    variables = {"acme_role_name": "{{ prefix }} Acme"}
    profiles = [_profile.read("acme", variables, resolve, [vendors]) for _turn in range(2)]
    assert [one.role_name for one in profiles] == ["N1 Acme", "N2 Acme"]
    assert asked == ["acme_role_name"] * 2


def test_a_template_under_what_is_no_key_is_not_moved_to_a_variable(vendors: Path) -> None:
    message = refused(vendors, 'x: &a "{{ prefix }} Acme"\n' + FILE.replace("role_name: Acme", "role_name: *a"))
    assert "/acme.yml, line 1: x: there is no such key; " in message
    assert "acme_x" not in message


@pytest.mark.parametrize("text", FORMS)
@pytest.mark.parametrize("path", sorted(set(places(SCHEMA)), key=str), ids=said)
def test_a_template_in_each_place_of_a_file(vendors: Path, path: tuple[object, ...], text: str) -> None:
    """Where a value is used, it is refused with its line and the variable to move it to; text for people stays."""
    file = vendor_file(yaml.safe_load(FILE), path, text)
    line = 1 + [one.startswith(f'"{path[0]}"') for one in file.splitlines()].index(True)
    if path[-1] == "from":
        assert "is not one of company_id" in refused(vendors, file)
    elif for_people(path):
        (vendors / "acme.yml").write_text(file, encoding="utf-8")
        assert text in json.dumps(read("acme", {}, vendors).as_dict(), ensure_ascii=False)
    else:
        message = refused(vendors, file)
        assert f"acme.yml, line {line}: {path[0]}" in message
        assert f"{text[:2]} begins a template" in message
        assert message.endswith(f"move the template to host_vars as acme_{path[0]}.")


def test_a_value_that_does_not_resolve_names_its_variable(vendors: Path) -> None:
    def resolve(name: str) -> Any:
        raise AnsibleError("'north_name' is undefined")

    with pytest.raises(ProfileError, match="variable acme_role_name: cannot be resolved: 'north_name' is undefined"):
        _profile.read("acme", {"acme_role_name": "{{ north_name }}"}, resolve, [vendors])


def test_keys_of_people() -> None:
    variables = {"ticket_scout_strategy": "per_technician", "ticket_scout_members": "ann, bo"}
    profile = read("ticket_scout", variables)
    assert (profile.role_name, profile.permissions, profile.customize) == (None, {}, {})
    assert [(key.member, key.member_type, key.record) for key in profile.keys] == [
        ({"identifier": "ann"}, "member", "ticket_scout/ann"),
        ({"identifier": "bo"}, "member", "ticket_scout/bo"),
    ]


def test_a_file_of_keys_of_people_needs_no_table(vendors: Path) -> None:
    people = "strategy: per_technician\nmembers: [ann]\nkey_description: Notes\n"
    (vendors / "notes.yml").write_text(people, encoding="utf-8")
    profile = read("notes", {}, vendors)
    assert ([key.record for key in profile.keys], profile.permissions) == (["notes/ann"], {})
    assert profile.asks == ["a key of ann, with every right of that person"]
    without = FILE.partition("permissions:")[0]
    assert refused(vendors, without).startswith(f'{vendors.name}/acme.yml: "permissions" is missing')


def test_switches_and_a_whole_module(vendors: Path) -> None:
    """What a whole module grants a function is what a feature adds to, and what a reduction takes from."""
    text = FILE.replace(
        "Contacts: {inquire: All}", '"*": {add: All, edit: All, inquire: All}\n    Notes: {inquire: All}'
    )
    text += """\
feature_groups:
  deletes: {permissions: {Companies: {Contacts: {delete: My}}}}
  widely: {permissions: {Companies: {"*": {edit: All}}}}
reduction_groups:
  less: {permissions: {Companies: {Configurations: {add: "None"}}}}
  reads: {permissions: {Companies: {"*": {add: "None", edit: "None"}}}}
"""
    (vendors / "acme.yml").write_text(text, encoding="utf-8")

    def rows(**switches: Any) -> dict[str, dict[str, str]]:
        given = {f"acme_{key}": value for key, value in switches.items()}
        return dict(read("acme", given, vendors).permissions["Companies"])

    whole = {"add": "All", "edit": "All", "inquire": "All"}
    notes = {"inquire": "All"}
    assert rows() == {"*": whole, "Notes": notes}
    assert rows(features="deletes") == {"*": whole, "Notes": notes, "Contacts": {**whole, "delete": "My"}}
    assert rows(features="widely") == {"*": whole, "Notes": {"inquire": "All", "edit": "All"}}
    assert rows(reductions="less") == {"*": whole, "Notes": notes, "Configurations": {**whole, "add": "None"}}
    reads = {"add": "None", "edit": "None", "inquire": "All"}
    assert rows(reductions="reads") == {"*": reads, "Notes": notes}


def test_a_reduction_of_a_row_that_the_table_does_not_have(vendors: Path) -> None:
    text = FILE + 'reduction_groups:\n  less:\n    permissions: {Companies: {Contact: {inquire: "None"}}}\n'
    assert refused(vendors, text).startswith(
        f"{vendors.name}/acme.yml, line 15: reduction_groups.less.permissions.Companies.Contact: "
        "the table has no such row to take back; did you mean Contacts?"
    )


def test_further_keys(vendors: Path) -> None:
    further = """
further_keys:
  - {key_description: Second, record: second}
  - {key_description: Third, member: {identifier: Acme Two}}
"""
    (vendors / "acme.yml").write_text(FILE + further, encoding="utf-8")
    keys = read("acme", {}, vendors).keys
    assert [(key.record, key.member["identifier"], key.description) for key in keys] == [
        ("acme", "Acme", "Acme key"),
        ("acme/second", "Acme", "Second"),
        ("acme/Acme Two", "Acme Two", "Third"),
    ]


def test_an_identifier_that_is_too_long_has_an_override(vendors: Path) -> None:
    long = FILE.replace("member: {identifier: Acme}", "member: {identifier: Acme Synchronisation API}")
    message = refused(vendors, long)
    assert "line 3: member.identifier" in message
    assert "24 characters" in message
    assert "member_identifier gives a shorter one" in message
    assert read("acme", {"acme_member_identifier": "Acme Sync"}, vendors).keys[0].member["identifier"] == "Acme Sync"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("role_name: Acme", 'role_name: ""', "acme.yml, line 2: role_name: is empty"),
        ("role_name: Acme", f"role_name: {'x' * 31}", "31 characters; ConnectWise takes at most 30"),
        ("role_name: Acme\n", "", '"role_name" is missing'),
        (ROW, "inquire: Yes}\n  System", "line 7: permissions.Companies.Contacts.inquire: true is not one of None, My"),
        (ROW, "inquire: on}\n  System", 'without quotes as true: write "All" or "My"'),
        (ROW, "inquire: 1}\n  System", "1 is not one of None, My, All; write the word, not a number"),
        (ROW, "inquire: }\n  System", 'Contacts.inquire: an empty value is not one of None, My, All'),
        (ROW, "inquire: ~}\n  System", 'write "None"'),
        (ROW, "inquire: all}\n  System", '"all" is not one of None, My, All; did you mean "All"?'),
        (ROW, "inquire: Mine}\n  System", '"Mine" is not one of None, My, All; did you mean "My"?'),
        (ROW, "inquire: Some}\n  System", '"Some" is not one of'),
        (ROW, "inquir: All}\n  System", "Contacts.inquir: there is no such key; did you mean inquire?"),
        ("Contacts: {inquire: All}", "Contacts:", "Companies.Contacts: an empty value is not a mapping. What to do"),
        ("Contacts: {inquire: All}", "Contacts: All", 'Contacts: "All" is not a mapping'),
        ("  Companies:\n    Contacts: {inquire: All}\n", "  Companies: All\n", 'Companies: "All" is not a mapping'),
        ("customize:", "customise:", "line 10: customise: there is no such key; did you mean customize?"),
        ("  Table Setup:\n    allow", "  Tabel Setup:\n    allow", 'list is known for the function "Tabel Setup"'),
        ("allow: [S", "exclusive: false\n    allow: [S", "exclusive: state took its place; write state"),
        ("allow: [Service / Service Board]", "allow: most", 'allow: "most" is not one of all'),
        ("allow: [Service / Service Board]", "allow: [1]", "allow[0]: 1 is not text; put it in quotes"),
        ("product: Acme Sync", "features: [boards]", 'there is no "boards"; this vendor has no features'),
        ("product: Acme Sync", "product: Acme Sync\nproduct: B", '"product" is there a second time, after line 1'),
        ("product: Acme Sync", "product: [Acme", "is not YAML"),
        ("product: Acme Sync", "product: !vault abc", "is not YAML"),
        ("product: Acme Sync", "product: &a [*a]", "acme.yml, line 1"),
        ("role_name: Acme", "role_name: No", "role_name: false is not text; put it in quotes"),
        ("role_name: Acme", "role_name: ~", "role_name: an empty value is not text. What to do"),
        ("product: Acme Sync", "checked: 2026-11-24", "put it in quotes"),
        ("product: Acme Sync", "grace_days: -1", "grace_days: -1 is less than 0"),
        ("product: Acme Sync", "strategy: per_technician", "name the members that get a key"),
        ("    Table Setup: {a", "    Setup Tables: {}\n    Table Setup: {a", 'function as "System / Setup Tables"'),
        ("  System:\n", "  Company: {Contacts: {}}\n  System:\n", 'the same function as "Companies / Contacts"'),
    ],
)  # fmt: skip
def test_what_cannot_work_is_named(vendors: Path, before: str, after: str, said: str) -> None:
    assert FILE.count(before) == 1
    message = refused(vendors, FILE.replace(before, after))
    assert said in message
    assert "acme.yml" in message


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("role_name", "", "variable acme_role_name: is empty"),
        ("role_name", "x" * 31, "variable acme_role_name"),
        (
            "permissions",
            {"Companies": {"Contacts": {"inquire": True}}},
            "variable acme_permissions.Companies.Contacts",
        ),
        ("member", {"name": "x"}, '"identifier" is missing'),
        ("permisions", {}, "variable acme_permisions: a profile has no key permisions; did you mean permissions?"),
        ("grace_days", "soon", "is not a number"),
    ],
)
def test_a_wrong_variable_of_the_host_is_named(vendors: Path, key: str, value: Any, said: str) -> None:
    assert said in refused(vendors, FILE, **{key: value})


def test_a_question_ends_with_its_own_mark() -> None:
    problem = ProfileError('did you mean "All"?', remedy="write it")
    assert str(problem) == 'did you mean "All"? What to do: write it.'


def test_many_problems_are_counted(vendors: Path) -> None:
    rows = "".join(f"    F{number}: {{inquire: Al}}\n" for number in range(9))
    assert refused(vendors, FILE.replace("    Contacts: {inquire: All}\n", rows)).count("is not one of") == 5
    assert "and 4 more" in refused(vendors, FILE.replace("    Contacts: {inquire: All}\n", rows))


def test_the_time_of_a_table_grows_with_its_rows(vendors: Path) -> None:
    numbers = itertools.count()

    def one_with(rows: int) -> None:
        text = "".join(f"    Function {number}: {{add: All, edit: All, inquire: All}}\n" for number in range(rows))
        # A file that has not changed is not read again.
        name = f"acme{next(numbers)}"
        (vendors / f"{name}.yml").write_text(FILE.replace("    Contacts: {inquire: All}\n", text), encoding="utf-8")
        assert len(read(name, {}, vendors).permissions["Companies"]) == rows

    assert growth(one_with, 300) < LINEAR


def test_an_unchanged_profile_is_cheap(vendors: Path) -> None:
    variables = {f"variable_{number}": number for number in range(300)}
    rows = "".join(f"    Function {number}: {{inquire: All}}\n" for number in range(200))
    text = FILE.replace("    Contacts: {inquire: All}\n", rows)
    for number in range(20):
        (vendors / f"acme{number}.yml").write_text(text, encoding="utf-8")
    anew = cpu(lambda: [read(f"acme{number}", variables, vendors) for number in range(20)])
    again = cpu(lambda: [read(f"acme{number}", variables, vendors) for number in range(20)])
    # A table read anew takes about a hundred times as long.
    assert again * 10 < anew


def test_a_profile_given_whole() -> None:
    given = {
        "role_name": "R",
        "member": {"identifier": "M"},
        "key_description": "K",
        "permissions": {},
        "members": None,
    }
    profile = _profile.of_mapping("my.own.acme", given)
    assert (profile.name, profile.role_name, profile.keys[0].record) == ("acme", "R", "acme")
    with pytest.raises(ProfileError, match="integration_profile of acme: permission: there is no such key"):
        _profile.of_mapping("acme", {**given, "permission": {}})
    with pytest.raises(ProfileError, match="is not a mapping"):
        _profile.of_mapping("acme", ["permissions"])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (["petra", "umbrella"], ["petra", "umbrella"]),
        ("petra, umbrella", ["petra", "umbrella"]),
        ([" petra "], ["petra"]),
        # As the field of a survey hands them over.
        ("petra\numbrella\n", ["petra", "umbrella"]),
        (" petra,\r\n\n umbrella, zofiq ", ["petra", "umbrella", "zofiq"]),
        (
            "- petra\r\n-  umbrella\r\n\r\n* 'zofiq'\n\u2022 \"acct_sync\",\n",
            ["petra", "umbrella", "zofiq", "acct_sync"],
        ),
        ("- petra, 'umbrella'", ["petra", "umbrella"]),
        ("petra\n-\numbrella", ["petra", "umbrella"]),
        ("1. petra\n2) umbrella\n\u25cf zofiq\n\u2014 acct_sync", ["petra", "umbrella", "zofiq", "acct_sync"]),
        ("\u201cpetra\u201d;\n\u2018umbrella\u2019\n\u201ezofiq\u201c", ["petra", "umbrella", "zofiq"]),
        ("\ufeffpetra\u200b\n\xa0umbrella\xa0", ["petra", "umbrella"]),
        ("petra; umbrella", ["petra", "umbrella"]),
        ('["petra", umbrella]', ["petra", "umbrella"]),
        ("[\n petra,\n umbrella\n]\n", ["petra", "umbrella"]),
        (["acme.psa.sync"], ["acme.psa.sync"]),
        ([], []),
    ],
)
def test_the_names_a_tenant_wants(value: Any, names: list[str]) -> None:
    assert _profile.wanted(value) == names


def test_all_is_every_vendor_but_the_collection_itself(vendors: Path) -> None:
    names = _profile.wanted("all", [vendors])
    assert names[-1] == "acme"
    assert {"petra", "huntress"} <= set(names)
    assert "cw_admin" not in names
    assert _profile.wanted(["all"]) == names[:-1]
    assert _profile.wanted("- all\r\n") == names[:-1]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "cw_integrations is empty"),
        (3, "cw_integrations is 3"),
        (True, "cw_integrations is True"),
        ({"petra": {"role_name": "x"}}, "variables of its own, such as petra_role_name"),
        ({}, "is a mapping"),
        (["../petra"], 'did you mean petra?'),
        (["Petra API"], 'cannot be the name'),
        (["petra, umbrella"], 'cannot be the name'),
        ("petra,,umbrella", "has an empty name"),
        ("", "has an empty name"),
        (["petra", "petra"], "names petra twice"),
        ("petra,petra", "names petra twice"),
        ([None], "None is not the name"),
        ([["petra"]], "is not the name"),
        (["all", "petra"], "all stands alone"),
        (["a.b"], "cannot be the name"),
    ],
)  # fmt: skip
def test_what_is_no_list_of_names(value: Any, said: str) -> None:
    with pytest.raises(ProfileError) as caught:
        _profile.wanted(value)
    assert said in str(caught.value)
    assert "What to do" in str(caught.value)


def test_a_vendor_nobody_knows(vendors: Path) -> None:
    with pytest.raises(ProfileError, match=r'there is no vendor "zofig" .* did you mean zofiq\?'):
        _profile.find("zofig", [vendors])
    with pytest.raises(ProfileError, match=r"did you mean acme\?"):
        _profile.find("acmee", [vendors])
    with pytest.raises(ProfileError, match=r"there is no collection acme\.psa"):
        _profile.find("acme.psa.sync")
    with pytest.raises(ProfileError, match="no role nothing"):
        _profile.find("msp.connectwise.nothing".replace("msp.connectwise", "ansible.builtin"))


def test_a_file_that_hides_a_vendor_of_the_collection(vendors: Path) -> None:
    (vendors / "petra.yml").write_text(FILE, encoding="utf-8")
    with pytest.raises(ProfileError, match='the collection has a "petra" of its own'):
        _profile.find("petra", [vendors])


def test_two_files_of_one_vendor(vendors: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "acme.yaml").write_text(FILE, encoding="utf-8")
    for look in (lambda: _profile.find("acme", [vendors, other]), lambda: _profile.wanted("all", [vendors, other])):
        with pytest.raises(ProfileError, match='two files describe the vendor "acme"'):
            look()


def test_a_file_with_a_name_that_no_vendor_can_have(vendors: Path) -> None:
    (vendors / "Acme Two.yml").write_text(FILE, encoding="utf-8")
    with pytest.raises(ProfileError, match="cannot be that of a vendor"):
        _profile.wanted("all", [vendors])


def test_directories_of_vendor_files(tmp_path: Path) -> None:
    (tmp_path / "connectwise_vendors").mkdir()
    (tmp_path / "more").mkdir()
    found = _profile.directories(str(tmp_path), "more")
    assert found == [tmp_path / "connectwise_vendors", tmp_path / "more"]
    with pytest.raises(ProfileError, match="missing is not a directory"):
        _profile.directories(str(tmp_path), ["missing"])


def test_the_admin_role_is_nobodys_to_change(vendors: Path) -> None:
    (line,) = _profile.collisions([read("acme", {"acme_role_name": "ADMIN"}, vendors)])
    assert line.startswith('acme would change the security role "ADMIN", which is ConnectWise\'s own')
    assert line.endswith("give it a role of its own with acme_role_name")


def test_a_vendor_by_both_its_names() -> None:
    said = _profile.collisions([read("petra"), read("msp.connectwise.petra")])
    assert "petra is named twice, once by its full name; leave one of them out" in said


def test_vendors_that_cannot_go_together(vendors: Path) -> None:
    (vendors / "bcme.yml").write_text(FILE.replace("role_name: Acme", "role_name: ACME"), encoding="utf-8")
    one, other = read("acme", {}, vendors), read("bcme", {}, vendors)
    assert _profile.collisions([one, read("petra")]) == []
    role, member = _profile.collisions([one, other])
    assert role.startswith('acme and bcme would share the security role "Acme" on this tenant')
    assert role.endswith("give one of them another with bcme_role_name")
    assert 'share the API member "Acme"' in member
    assert member.endswith("with bcme_member_identifier")
    apart = read("bcme", {"bcme_role_name": "B", "bcme_member_identifier": "B"}, vendors)
    assert _profile.collisions([one, apart]) == []
    assert len(_profile.collisions([one, one])) == 1


TABLES = [
    {key.removeprefix(f"{name}_"): value for key, value in yaml.safe_load(path.read_text(encoding="utf-8")).items()}
    for name in known()
    for path in [ROLES / name / "defaults" / "main.yml"]
]


@pytest.mark.parametrize("table", TABLES, ids=known())
def test_the_schema_for_editors_takes_every_vendor(table: dict[str, Any]) -> None:
    assert list(JUDGE.iter_errors(table)) == []
    assert list(misfits(table, SCHEMA, ())) == []


WORDS = st.sampled_from(["All", "None", "My", "all", "", " ", "x" * 31, None, True, 0, -1, 1.5, [], ["All"], {}])


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_the_reader_and_an_editor_agree(data: st.DataObject) -> None:
    """A table with one value changed fits for our reader if and only if it does for a JSON Schema validator."""
    table = copy.deepcopy(data.draw(st.sampled_from(TABLES)))
    place: Any = table
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from([*keys, "stranger"] if isinstance(place, dict) else keys))
        inner = place.get(key) if isinstance(place, dict) else place[key]
        if not inner or not isinstance(inner, (dict, list)) or data.draw(st.booleans()):
            place[key] = data.draw(WORDS)
            break
        place = inner
    assert bool(list(misfits(table, SCHEMA, ()))) == bool(list(JUDGE.iter_errors(table)))
