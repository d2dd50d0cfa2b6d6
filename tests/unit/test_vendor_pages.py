# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A vendor's page becomes a vendor: HTML, Markdown, CSV, TSV; nothing is guessed, and what is left out is listed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.msp.connectwise.plugins.action import cw_vendor_file
from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError
from ansible_collections.msp.connectwise.plugins.plugin_utils import (
    _new_vendor,
    _page_levels,
    _page_rows,
    _profile,
    _vendor_text,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils._page_rows import differences, hash_of, read_page
from ansible_collections.msp.connectwise.plugins.plugin_utils._profile_file import ProfileError
from tests.unit.support import LINEAR, growth

WANTED = {
    "Companies": {
        "Company Maintenance": {"add": "None", "edit": "None", "delete": "None", "inquire": "All"},
        "Contacts": {"add": "All", "edit": "My", "delete": "None", "inquire": "All"},
    },
    "Service Desk": {"Close Service Tickets": {"add": "All", "edit": "All", "delete": "None", "inquire": "All"}},
}
CSV = """\
Module,Function,Add,Edit,Delete,Inquire
Companies,Company Maintenance,None,None,None,All
,Contacts,All,My,,All
Service,Close Service Ticket,all,ALL,-,All
"""
MARKDOWN = """\
## Companies

| Permission | Add Level | Edit Level | Delete Level | Inquire Level |
|---|---|:---:|---|---|
| Company Maintenance | N/A | | None | **All** |
| Contacts | All | My | | All |

### Service Desk module

| Permission | Add Level | Edit Level | Delete Level | Inquire Level |
|---|---|---|---|---|
| Closed Service Tickets | All | All | | All |
"""
HTML = """\
<html><style>table {}</style><body><h2>Rights</h2><table><tbody>
<tr><th>Module</th><th>Function</th><th>Add</th><th>Edit</th><th>Delete</th><th>Inquire</th></tr>
<tr><td rowspan="2">Companies</td><td><p>Company&nbsp;Maintenance</p></td><td colspan="3">None</td><td>All</td></tr>
<tr><td>Contacts</td><td>All</td><td>My</td><td></td><td>All</td></tr>
<tr><td colspan=6><b>Service Desk</b></td></tr>
<tr><td></td><td>Close Service Tickets</td><td>All<td>All<td>None<td>All
</table></body></html>
"""
ONE_COLUMN = """\
<table><tr><td>Companies</td><td>Add Level</td><td>Edit Level</td><td>Delete Level</td><td>Inquire Level</td></tr>
<tr><td>Companies</td><td></td><td></td><td></td><td></td></tr>
<tr><td>Company Maintenance</td><td></td><td></td><td></td><td>All</td></tr>
<tr><td>Contacts</td><td>All</td><td>My</td><td></td><td>All</td></tr>
<tr><td>Service Desk</td><td></td><td></td><td></td><td></td></tr>
<tr><td>Close Service Tickets</td><td>All</td><td>All</td><td></td><td>All</td></tr></table>
"""
PLACES = """\
Function;Add;Edit;Delete;Inquire
Companies > Company Maintenance;;;;All
Companies / Contacts;All;My;;All
Service Desk: Close Service Tickets;All;All;;All
"""


@pytest.mark.parametrize(
    "page",
    [CSV, CSV.replace(",", "\t"), MARKDOWN, HTML, ONE_COLUMN, PLACES, HTML.partition("</table>")[0]],
    ids=["csv", "tsv", "markdown", "html", "modules as rows", "module and function in one cell", "cut off"],
)
def test_a_table_in_whatever_form(page: str) -> None:
    reading = read_page(page)
    assert reading.permissions == WANTED
    assert reading.unresolved == []


def test_the_print_of_a_name_is_kept() -> None:
    assert read_page(CSV).printed == {("Service Desk", "Close Service Tickets"): "Close Service Ticket"}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            "Companies,Contact List,,,,All",
            "line 2: Contact List: Companies has no such function; close to it: Contacts",
        ),
        ("Companies,Table Setup,,,,All", "Companies has no such function, but System has"),
        ("Compnies,Contacts,,,,All", 'there is no module "Compnies" (Contacts); there are Companies'),
        (",Reports,,,,All", "several modules have a function of this name: Companies, Finance"),
        (",Wizardry,,,,All", "there is no such function"),
        ("Companies,Contacts,Yes,,,All", '"Yes" (add) is not one of None, My, All; the row is left out'),
        ("Companies,Contacts,✓,,,All", '"✓" (add) is not one of None, My, All; the row is left out'),
    ],
)
def test_what_is_not_known_is_listed_and_not_guessed(row: str, said: str) -> None:
    reading = read_page(f"Module,Function,Add,Edit,Delete,Inquire\n{row}\n")
    assert reading.permissions == {}
    (line,) = reading.unresolved
    assert said in line


def test_boxes_of_a_spreadsheet_are_ticks_and_no_ticks() -> None:
    page = "Module,Function,Add,Edit,Delete,Inquire\nCompanies,Contacts,FALSE,off,False,TRUE\n"
    assert read_page(page).questions == [_page_rows.TICKED]
    wanted = {"Companies": {"Contacts": {"add": "None", "edit": "None", "delete": "None", "inquire": "All"}}}
    assert read_page(page, ticked="All").permissions == wanted
    assert read_page(page.replace("TRUE", "All")).permissions == wanted


TICKS = """\
<table><tr><th>Module</th><th>Function</th><th>Add</th><th>Edit</th><th>Delete</th><th>Inquire</th></tr>
<tr><td>Companies</td><td>Company Maintenance</td><td>❌</td><td>No</td><td>&#10007;</td><td>&#10004;&#65039;</td></tr>
<tr><td>Companies</td><td>Contacts<sup>1</sup></td><td>All</td><td>My</td><td>&mdash;</td><td>Yes</td></tr>
<tr><td>Service Desk</td><td>Close Service Tickets</td><td>x</td><td>&#10003;</td><td>-</td><td>✅</td></tr></table>
"""


def test_a_tick_names_no_level_unless_somebody_says_what_it_means() -> None:
    reading = read_page(TICKS)
    assert reading.permissions == {}
    assert len(reading.unresolved) == 3
    assert reading.questions == [_page_rows.TICKED]

    reading = read_page(TICKS, "All")
    assert reading.permissions == WANTED
    assert reading.unresolved == []
    assert reading.printed == {}
    (line,) = reading.questions
    assert "Contacts(1): is marked" in line
    profile = yaml.safe_load(_new_vendor.begun("acme", TICKS, {}, ticked="All").text)
    assert profile["readings"] == ["The page ticks levels and does not name them; a tick is read as All."]
    assert "readings" not in yaml.safe_load(_new_vendor.begun("acme", CSV, {}, ticked="All").text)


IN_WORDS = """\
### Company

Function | Permissions
--- | ---
Company&nbsp;Maintenance | Inquire: All
Contacts | Add: All;<br>Edit My;<br/>Inquire Level = All

### Service Desk

Function | Permissions
--- | ---
Close Service Tickets | All: Add, Edit & Inquire
"""


def test_the_levels_of_a_row_in_one_cell() -> None:
    reading = read_page(IN_WORDS)
    assert reading.permissions == WANTED
    assert (reading.unresolved, reading.questions) == ([], [])


@pytest.mark.parametrize(
    ("cell", "levels"),
    [
        ("Inquire: All", "NNNA"),
        ("Add/Edit/Inquire - All", "AANA"),
        ("Add All, Edit My, Delete None, Inquire All", "AMNA"),
        ("All (Add, Edit); My (Delete)", "AAMN"),
        ("None", "NNNN"),
        ("Add, Inquire", "A..A"),
        ("Inquire", "...A"),
        ("Add: All, My", None),
        ("Inquire: All, Inquire: My", None),
        ("All", None),
        ("Full access", None),
        ("All: Add, Edit: My", None),
        ("", None),
    ],
)
def test_words_that_say_levels(cell: str, levels: str | None) -> None:
    found = _page_levels.in_words(cell)
    if levels is None:
        assert found is None
    else:
        assert found is not None
        said = [str(_page_levels.level(one, "All"))[0] for one in found.values()]
        assert said == list(levels.replace(".", "N"))


def test_words_that_say_no_levels_are_listed() -> None:
    reading = read_page(IN_WORDS.replace("Inquire: All", "Full access"))
    assert "Company Maintenance" not in reading.permissions["Companies"]
    assert reading.unresolved == ['line 5: Company Maintenance: "Full access" does not say levels such as Inquire: All']


def test_a_table_of_functions_without_levels_is_not_lost_in_silence() -> None:
    reading = read_page(MARKDOWN + "\n| Function | Why |\n|---|---|\n| Time Entry | for timers |\n")
    assert reading.questions == ['line 16: the table with "Time Entry" has no columns for the levels; it is left out']


def test_a_function_that_one_module_has_needs_no_module() -> None:
    reading = read_page("Function,Add,Edit,Delete,Inquire\nTable setup,,,,All\n")
    assert reading.permissions == {
        "System": {"Table Setup": dict(zip(("add", "edit", "delete", "inquire"), ["None"] * 3 + ["All"], strict=True))}
    }


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("System,Table Setup (Customize),,,,All", "is customized; write the items the page allows below customize"),
        ("Companies,Contacts*,,,,All", "if it is needed under a condition only, make it a feature"),
        ("Companies,Contacts,,,,All†", "is marked"),
    ],
)
def test_what_needs_a_look_is_said(row: str, said: str) -> None:
    reading = read_page(f"Module,Function,Add,Edit,Delete,Inquire\n{row}\n")
    assert len(reading.permissions) == 1
    (line,) = reading.questions
    assert said in line


def test_a_page_that_contradicts_itself_is_read_narrowly() -> None:
    reading = read_page(CSV + "Companies,Contacts,None,All,,All\n")
    assert reading.permissions["Companies"]["Contacts"] == {
        "add": "None",
        "edit": "My",
        "delete": "None",
        "inquire": "All",
    }
    assert "twice with different levels" in reading.questions[0]


def test_a_table_of_setup_tables() -> None:
    rows = ["Service,Service Board,Yes", "Service,Source,No", "Company,Company Type,x", "Company,State,perhaps"]
    reading = read_page("\n".join(["Category,Table,Required", *rows]))
    assert reading.customize == {"Table Setup": {"allow": ["Service / Service Board", "Company / Company Type"]}}
    assert reading.unresolved == ['line 5: Company / State: "perhaps" is neither yes nor no; it is left out']


RAW = """\
# Permissions

## Companies

<table>
<tr><th>Permission</th><th>Add</th><th>Edit</th><th>Delete</th><th>Inquire</th></tr>
<tr><td>Company Maintenance</td><td></td><td>None</td><td>&nbsp;</td><td>**All**</td></tr>
<tr><td>

Contacts</td><td>All</td><td>`My`</td><td></td><td>All</td></tr>
</table>

Text with a `<td>` in it.

### Service Desk module

| Permission | Add | Edit | Delete | Inquire |
|---|---|---|---|---|
| Closed Service Tickets | All | All | | All |
"""


def test_a_table_of_raw_html_in_markdown_is_read_beside_the_others() -> None:
    assert read_page(RAW).permissions == WANTED
    # The lines are those of the file.
    said = read_page(RAW.replace("Contacts", "Contcts").replace("Closed Service", "Clsd Srv")).unresolved
    assert [one.partition(":")[0] for one in said] == ["line 8", "line 19"]


def test_markdown_that_names_a_tag_is_markdown() -> None:
    assert read_page(MARKDOWN + "\nEach <td> or <tr> of the page.\n").permissions == WANTED


def test_raw_html_that_is_cut_off_or_has_a_table_in_it_is_read_too() -> None:
    head, body = RAW.partition("</table>")[0], "<tr><td>Notes<table><tr><td>x</td></tr></table></td></tr>"
    for text in (head, head + body + "</table>\n"):
        assert read_page(text).permissions["Companies"] == WANTED["Companies"]


@pytest.mark.parametrize("text", ["x" * 140_000, '"' + "Notes,All,,,All\nCompanies," * 8000])
def test_a_cell_without_end_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(InputError, match="line 3: a cell of this table is longer") as caught:
        read_page(f"{CSV.partition('Companies')[0]}Companies,Contacts,All,My,,All\nCompanies,{text},All,,,All\n")
    assert "quotes" in str(caught.value.remedy)


def test_a_file_that_is_far_too_large_for_a_page_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    with file.open("wb") as stream:
        stream.truncate(17 * 2**20)
    with pytest.raises(InputError, match=r"page\.html is larger than 16 MB.*only its table.*cw_table"):
        cw_vendor_file._page(file)


def test_what_a_quote_that_is_not_closed_swallows_is_told_in_short() -> None:
    text = CSV.replace("Company Maintenance", '"Company') + "Companies,Notes,All,,,All\n" * 1000
    said = read_page(text).unresolved
    assert said
    assert max(map(len, said)) < 600


@pytest.mark.parametrize("line", ["{}x|", "|{0}{0}x|", "--{}x|", "{1}{0}x|", "|--|{}--x"])
def test_the_time_of_a_long_line_grows_with_it(line: str) -> None:
    head = "| Function | Add |\n|---|---|\n"
    assert growth(lambda size: read_page(head + line.format(" " * size, "-" * size)), 4000) < LINEAR


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("no table at all", "no table here has columns for the levels"),
        ("<table><tr><td>Name<td>Phone<tr><td>A<td>1</table>", "no table here has columns for the levels"),
        ("<table></table>", "there is no table in this text"),
        ("", "there is no table in this text"),
    ],
)
def test_a_page_without_a_table(page: str, said: str) -> None:
    reading = read_page(page)
    assert reading.permissions == {}
    assert said in reading.unresolved[0]


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="<>|/tablerdh ,;\t\n\"'=Add&#x0;*-", max_size=200))
def test_no_text_makes_the_reader_stumble(text: str) -> None:
    reading = read_page(f"{text}\n{CSV}{text}")
    assert isinstance(reading.unresolved, list)


def test_the_time_of_a_page_grows_with_its_rows() -> None:
    def page_of(rows: int) -> None:
        reading = read_page("Module,Function,Add,Edit,Delete,Inquire\n" + "Companies,Contacts,,,,All\n" * rows)
        assert reading.permissions == {
            "Companies": {"Contacts": {**dict.fromkeys(("add", "edit", "delete"), "None"), "inquire": "All"}}
        }

    assert growth(page_of, 500) < LINEAR


def test_the_same_rights_have_the_same_hash() -> None:
    printed = {"Service": {"Close Service Ticket": {"inquire": "All"}}, "Company": {"Notes": {}}}
    named = {"Service Desk": {"Close Service Tickets": {"inquire": "All", "add": "None"}}}
    assert hash_of(printed) == hash_of(named)
    assert hash_of(printed) != hash_of({"Service": {"Close Service Ticket": {"inquire": "My"}}})
    assert differences(printed, named) == []


def test_differences_row_by_row() -> None:
    before = {"Companies": {"Notes": {"inquire": "All"}, "Contacts": {"inquire": "All"}}}
    after = {"Company": {"Notes": {"add": "My", "inquire": "All"}}, "System": {"My Company": {"inquire": "All"}}}
    assert differences(before, after) == [
        "- Companies / Contacts: inquire All",
        "~ Company / Notes: inquire All becomes add My, inquire All",
        "+ System / My Company: inquire All",
    ]


def test_a_file_is_begun_that_the_reader_takes() -> None:
    made = _new_vendor.begun(
        "acme_sync", CSV + "Companies,Contact List,,,,All\n", {"source": "https://docs.example.com"}
    )
    values = yaml.safe_load(made.text)
    profile = _profile.of_mapping("acme_sync", values)
    assert profile.product == "Acme Sync"
    assert profile.source == "https://docs.example.com"
    assert _page_rows.lettered(profile.permissions) == _page_rows.lettered(WANTED)
    assert profile.about["completeness"] == "partial"
    assert made.text.startswith("# not resolved: line 5: Contact List")
    assert 'Close Service Tickets: {add: All, edit: All, inquire: All} # printed "Close Service Ticket"' in made.text


def test_ten_thousand_lines_that_are_not_resolved_are_not_all_told() -> None:
    made = _new_vendor.begun("acme", CSV + "Companies,Wizardry,,,,All\n" * 10_000, {})
    assert len(made.messages) == 52
    assert made.messages[-1] == "not resolved: 9950 more, see the file"
    assert made.text.count("# not resolved: line ") == 10_000


def test_a_file_without_a_page_waits_for_its_table() -> None:
    made = _new_vendor.begun("acme", "", {})
    assert yaml.safe_load(made.text)["permissions"] == {}
    assert made.messages == ["an empty table to fill in"]


def test_what_a_new_copy_of_the_page_changes() -> None:
    values = yaml.safe_load(_new_vendor.begun("acme", CSV, {}).text)
    assert _new_vendor.changes(values, read_page(HTML)) == []
    assert _new_vendor.changes(values, read_page(CSV.replace("My,,All", "My,All,All"))) == [
        "~ Companies / Contacts: add All, edit My, inquire All becomes add All, edit My, delete All, inquire All"
    ]
    people = {"strategy": "per_technician", "members": ["ann"], "key_description": "k"}
    assert _new_vendor.changes(people, read_page("")) == []


def test_names_that_are_too_long_are_cut() -> None:
    values = yaml.safe_load(_new_vendor.begun("a", "", {"product": "The Very Long Name Of One Product, Inc."}).text)
    assert values["member"]["identifier"] == "TheVeryLongName"
    assert values["role_name"] == "The Very Long Name Of One Prod"
    assert yaml.safe_load(_new_vendor.begun("a_b", "", {"product": "東京"}).text)["member"]["identifier"] == "a_b"
    _profile.of_mapping("a", values)


@pytest.mark.parametrize(("name", "given"), [("Acme", {}), ("../a", {}), ("all", {}), ("acme", {"rolename": "x"})])
def test_what_cannot_begin_a_file(name: str, given: dict[str, Any]) -> None:
    with pytest.raises(ProfileError):
        _new_vendor.begun(name, "", given)


TEXTS = st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=0x2FF), min_size=1, max_size=200).filter(
    lambda text: text == " ".join(text.split())
)


@settings(max_examples=150, deadline=None)
@given(product=TEXTS, notes=st.lists(TEXTS, max_size=3))
@example(product="edit", notes=[])
def test_whatever_is_written_is_read_again(product: str, notes: list[str]) -> None:
    values = {"product": product, "notes": notes, "permissions": {"System": {product: {"inquire": "None"}}}}
    assert yaml.safe_load(_vendor_text.written(values)) == values
