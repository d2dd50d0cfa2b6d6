# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of least privilege, and the vendors of a tenant side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msp.connectwise.plugins.plugin_utils import _compare, _compare_page, _profile, _vendor_list
from ansible_collections.msp.connectwise.plugins.plugin_utils._privilege import (
    ADMIN,
    OPEN_LIST,
    RULES,
    announced,
    asked,
    findings,
)


def made(name: str, permissions: dict[str, Any], **more: Any) -> _profile.Profile:
    values = {"role_name": name, "member": {"identifier": name}, "key_description": name, "permissions": permissions}
    return _profile.of_mapping(name, {**values, **more})


@pytest.mark.parametrize(
    ("module", "function", "levels", "rule"),
    [
        ("System", "Security Roles", {"edit": "All"}, "security roles"),
        ("System", "Member Maintenance", {"add": "My"}, "members"),
        ("Sales", "*", {"inquire": "All"}, "whole module"),
        ("System", "Setup Tables", {"delete": "All"}, "deletes setup tables"),
        ("System", "Table Setup", {"add": "All"}, "changes setup tables"),
        ("Finance", "Agreements", {"add": "All"}, "writes finance"),
        ("Companies", "Configuration \u2013 Display Passwords", {"inquire": "All"}, "passwords"),
        ("Sales", "Opportunity", {"delete": "All"}, "deletes"),
        ("Service Desk", "Closed Service Tickets", {"edit": "All"}, None),
        ("Service Desk", "Close Service Tickets", {"edit": "All"}, "closes"),
        ("Service Desk", "Service Tickets", {"add": "All", "edit": "All", "inquire": "All"}, None),
        ("Finance", "Agreements", {"inquire": "All"}, None),
        ("System", "Security Roles", {"inquire": "All", "add": "None"}, None),
    ],
)
def test_rows_that_deserve_a_look(module: str, function: str, levels: dict[str, str], rule: str | None) -> None:
    found = findings({module: {function: levels}}, {"Table Setup": {"allow": []}})
    assert [one.rule for one in found] == ([rule] if rule else [])


def test_each_level_is_said_once_by_the_heaviest_rule() -> None:
    found = findings({"Finance": {"Invoicing": {"add": "All", "delete": "All", "inquire": "All"}}}, {})
    assert [(one.rule, one.levels) for one in found] == [("writes finance", "Add All, Delete All")]


def test_what_is_said_of_the_whole() -> None:
    assert [one.rule for one in findings({}, {}, role_name="Admin")] == [ADMIN.name]
    reads = {"System": {"Table Setup": {"inquire": "All"}}}
    assert [one.rule for one in findings(reads, {})] == [OPEN_LIST.name]
    assert findings(reads, {"Table Setup": {"allow": ["Service / Service Board"]}}) == []


def test_a_product_that_only_reads_by_its_page() -> None:
    rows = {"Companies": {"Contacts": {"add": "All"}}}
    assert findings(rows, {}) == []
    assert [one.rule for one in findings(rows, {}, reads_only=True)] == ["writes although it reads"]


GRAVE = {
    "System": {
        "Security Roles": {"edit": "All"},
        "Member Maintenance": {"add": "All", "inquire": "All"},
        "Table Setup": {"delete": "All"},
    },
    "Invoicing and Finance": {"*": {"inquire": "My"}},
}
HARMLESS = {
    "Companies": {"*": {"inquire": "All"}, "Contacts": {"delete": "All"}},
    "System": {"Security Roles": {"inquire": "All"}, "Table Setup": {"add": "All", "edit": "All"}},
}


def test_the_risky_rights_are_shown_and_those_alone() -> None:
    shown = asked(GRAVE, findings(GRAVE, {}), outside=False)
    assert [one.split(" — ")[0] for one in shown] == [
        "System / Security Roles: Edit All",
        "System / Member Maintenance: Add All",
        "System / Table Setup: Delete All",
        "Invoicing and Finance / every function: Inquire My",
    ]
    assert asked(HARMLESS, findings(HARMLESS, {}), outside=False) == []
    assert announced("acme", [], outside=False) == []
    assert announced("acme", shown[:2], outside=False) == [f"acme asks for: {shown[0]}; {shown[1]}"]


def test_a_table_from_outside_is_shown_whole_and_cannot_steer_the_terminal() -> None:
    rows = {"Companies": {"Contacts\x1b[2J": {"inquire": "All", "add": "None"}, "Nothing": {"add": "None"}}, **GRAVE}
    shown = asked(rows, findings(rows, {}), outside=True)
    assert shown[0].startswith("System / Security Roles: Edit All — ")
    assert shown[4:6] == ["Companies / Contacts\x1b[2J: Inquire All", "System / Security Roles: Edit All"]
    lines = announced("acme", shown, outside=True)
    assert lines[0] == "acme, whose table is not of this collection, asks for:"
    assert len(lines) == len(shown) + 1
    assert not any("\x1b" in line for line in lines)


def test_rules_are_in_the_order_of_their_weight() -> None:
    weights = [rule.weight for rule in RULES]
    assert weights == sorted(weights, reverse=True)
    assert all(rule.reason for rule in RULES)


ONE = made("one", {"Companies": {"Contacts": {"inquire": "All"}}, "Service": {"Service Ticket": {"add": "All"}}})
TWO = made(
    "two", {"Company": {"Contacts": {"inquire": "My", "edit": "My"}}, "Companies Module ": {}}, product="Two & Co"
)
MORE = made("three", {"Finance": {"Invoicing": {"edit": "All"}}, "Companies": {"Contacts": {"inquire": "All"}}})


def test_who_asks_for_what() -> None:
    found = _compare.side_by_side([ONE, TWO])
    assert [(row.module, row.function, sorted(row.wanted)) for row in found] == [
        ("Companies", "Contacts", ["one", "two"]),
        ("Service Desk", "Service Tickets", ["one"]),
    ]
    contacts, tickets = found
    assert contacts.union == {"add": "None", "edit": "My", "delete": "None", "inquire": "All"}
    assert (contacts.alone("one"), contacts.alone("two"), tickets.alone("one")) == (["inquire"], ["edit"], ["add"])
    assert tickets.alone("two") == []


def test_who_asks_for_a_whole_module_asks_for_each_function() -> None:
    whole = made("whole", {"Finance": {"*": {"add": "All", "inquire": "All"}, "Agreements": {"inquire": "My"}}})
    named = made("named", {"Finance": {"Invoicing": {"inquire": "All"}, "Agreements": {"edit": "All"}}})
    rows = {row.function: row for row in _compare.side_by_side([whole, named])}
    assert rows["Invoicing"].wanted["whole"]["add"] == "All"
    assert rows["Invoicing"].alone("named") == []
    assert rows["Agreements"].wanted["whole"] == {"add": "None", "edit": "None", "delete": "None", "inquire": "My"}
    ((_named, added, _problems),) = _compare.compared([], [whole], [named]).more
    assert added == ["Finance / Agreements: Edit All"]


def test_what_one_more_vendor_adds() -> None:
    clash = made("four", {}, role_name="ONE")
    compared = _compare.compared(["north"], [ONE, TWO], [MORE, clash])
    added = {profile.name: (rows, problems) for profile, rows, problems in compared.more}
    assert added["three"] == (["Finance / Invoicing: Edit All"], [])
    assert added["four"][0] == []
    assert "one and four would share the security role" in added["four"][1][0]


def test_the_page_shows_it_and_escapes_what_others_wrote() -> None:
    hostile = made(
        "evil", {"System": {"<script>alert(1)</script>": {"delete": "All"}}}, product="<img src=x onerror=1>"
    )
    text = _compare_page.page([_compare.compared(["no<rth"], [ONE, TWO, hostile], [MORE])], {"south": "a & b"}, "made")
    assert "<script" not in text
    assert "<img" not in text
    for part in ("no&lt;rth", "Two &amp; Co", "a &amp; b", "Finance / Invoicing: Edit All", "<td>···<b>A</b></td>"):
        assert part in text
    assert "//" not in text.replace("https://www.gnu.org/licenses", "").replace("<!-- ", "")


def test_collisions_are_on_the_page() -> None:
    text = _compare_page.page([_compare.compared(["north"], [ONE, made("b", {}, role_name="one")])], {}, "")
    assert "These vendors cannot go together" in text
    assert "one and b would share the security role" in text


def test_the_list_of_vendors_is_searched_by_words() -> None:
    names = [one["name"] for one in _vendor_list.listed([], "finance invoicing accounting")[0]]
    assert {"acct_sync", "wise_sync", "alternative_payments"} <= set(names)
    assert "huntress" not in names
    ((huntress,), _wrong) = _vendor_list.listed([], "huntress")
    assert (huntress["rows"], huntress["completeness"], huntress["file"]) == (2, "partial", None)
    assert _vendor_list.lines([huntress])[0].startswith("huntress  Huntress EDR: 2 rows, partial, read in 2026-11; ")


def test_one_wrong_file_does_not_hide_the_other_vendors(tmp_path: Path) -> None:
    (tmp_path / "acme.yml").write_text("permissions: {Companies: {Contacts: {inquire: Al}}}\n", encoding="utf-8")
    (tmp_path / "people.yml").write_text(
        "strategy: per_technician\nmembers: [ann]\nkey_description: k\n", encoding="utf-8"
    )
    found, wrong = _vendor_list.listed([tmp_path], "people")
    assert _vendor_list.lines(found) == ["people  people: keys of people; nothing stands out; no source"]
    (line,) = wrong
    assert line.startswith("acme cannot be used: ")
    assert 'did you mean "All"?' in line
