# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tenants that a run is about, as AWX hands them over: YAML, in which a name may be something else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible import context
from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.collections import ImmutableDict

from ansible_collections.msp.connectwise.plugins.filter import named_tenants as its_file
from ansible_collections.msp.connectwise.plugins.filter.named_tenants import named_tenants

PLAYBOOKS = Path(__file__).resolve().parents[2] / "playbooks"
NAMES = ["north", "22", "0x10", "1_000", "on", "2026-11-26", "12:30:45", "1e3", "1.5", "07", "y"]
GROUPS = {"all": NAMES, "cloud": ["north"]}


@pytest.mark.parametrize("name", NAMES)
def test_each_name_survives_yaml(name: str) -> None:
    assert named_tenants(yaml.safe_load(name), known=GROUPS) == name
    assert named_tenants([yaml.safe_load(name), "north"], known=GROUPS) == f"{name},north"
    assert named_tenants(name) == name


@pytest.mark.parametrize(
    ("names", "value", "said"),
    [
        (["on", "yes"], True, "either on or yes"),
        (["22", "0x16"], 22, "either 0x16 or 22"),
        (["north"], False, "a word such as no, on or yes"),
        (["1"], True, "a word such as no, on or yes"),
    ],
)
def test_what_can_be_two_tenants_or_none_is_an_error(names: list[str], value: Any, said: str) -> None:
    with pytest.raises(AnsibleFilterError, match=said):
        named_tenants(value, known={"all": names})


def test_names_on_lines_are_several() -> None:
    assert named_tenants("north\r\n\n22\n", known=GROUPS) == "north,22"
    assert named_tenants("- north\r\n-  '22',\n\n* \"0x10\"\n", known=GROUPS) == "north,22,0x10"
    # What Ansible's own patterns are made of stays.
    for pattern in ("*", "~nor(th|d)", "all,!north", "cloud:&all", "north,", "t[01:20]"):
        assert named_tenants(pattern, known=GROUPS) == pattern


@pytest.mark.parametrize("value", [None, "", "~", "\n", " , ", [], [""]])
def test_nobody_is_an_error(value: Any) -> None:
    with pytest.raises(AnsibleFilterError, match="cw_hosts is empty"):
        named_tenants(value, known=GROUPS)


def test_a_number_that_no_tenant_of_this_slice_has_is_its_text() -> None:
    assert named_tenants(23, known=GROUPS) == "23"
    assert named_tenants(23) == "23"


FLEET = {"all": ["north", "south"], "cloud": ["north"], "empty": []}
SLICE = {"awx_job_template_name": "PSA audit", "awx_workflow_job_name": "PSA audit"}
NIGHT = {"awx_job_template_name": "PSA audit", "awx_workflow_job_name": "PSA nightly"}


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set the command line that the filter sees."""

    def set_to(extra: dict[str, Any] | None = None, **arguments: Any) -> None:
        named = {"args": ("msp.connectwise.vendors",), **arguments}
        monkeypatch.setattr(context, "CLIARGS", ImmutableDict(named))
        monkeypatch.setattr(its_file, "load_extra_vars", lambda _loader: extra or {})

    set_to()
    return set_to


@pytest.mark.parametrize(
    ("pattern", "groups", "limit", "said"),
    [
        ("clients", FLEET, None, r"named clients \(cw_hosts\); nothing was done"),
        ("clouds", FLEET, None, "did you mean cloud"),
        ("empty", FLEET, None, "named empty"),
        ("cloud:!north", FLEET, None, "named cloud:!north"),
        ("all", {"all": [], "ungrouped": []}, None, "the inventory has no tenants"),
        ("cloud", FLEET, "south", "--limit south leaves none of the tenants named cloud"),
        ("localhost", FLEET, "south", "runs on localhost, which --limit leaves out"),
    ],
)
def test_no_tenant_is_an_error(typed: Any, pattern: str, groups: Any, limit: str | None, said: str) -> None:
    typed({"cw_hosts": pattern}, subset=limit)
    with pytest.raises(AnsibleFilterError, match=said):
        named_tenants(pattern, groups)


def test_what_names_a_tenant_is_taken(typed: Any) -> None:
    for pattern in ("all", "cloud", "no*", "south"):
        assert named_tenants(pattern, FLEET) == pattern
    assert named_tenants("localhost", {"all": [], "ungrouped": []}, tags=[]) == "localhost"
    # A playbook of one's own may import several, each for a group, and be limited to one of them.
    typed(subset="south", args=("site.yml",))
    assert named_tenants("cloud", FLEET) == "cloud"
    assert named_tenants("localhost", FLEET, tags=[]) == "localhost"


def test_a_slice_may_have_other_tenants(typed: Any) -> None:
    typed({"cw_hosts": "east", **SLICE})
    assert named_tenants("east", FLEET) == "east"
    assert named_tenants("all", {"all": []}) == "all"
    typed({"cw_hosts": "east", **NIGHT})
    with pytest.raises(AnsibleFilterError, match="named east"):
        named_tenants("east", FLEET)


@pytest.mark.parametrize("look", ["syntax", "listhosts", "listtags", "listtasks"])
def test_a_look_at_a_playbook_needs_no_inventory(typed: Any, look: str) -> None:
    typed({"cw_page": "x"}, **{look: True})
    assert named_tenants("all", {"all": []}, tags=[]) == "all"


def test_the_rest_of_the_command_line(typed: Any) -> None:
    typed({"cw_page": "x"})
    with pytest.raises(AnsibleFilterError, match="-e cw_page is no variable"):
        named_tenants("all", FLEET, tags=[])
    typed(tags=("nope",))
    with pytest.raises(AnsibleFilterError, match="no task of this playbook is left with the tags nope"):
        named_tenants("all", FLEET, tags=[])


@pytest.mark.parametrize("path", sorted(PLAYBOOKS.glob("*.yml")), ids=lambda path: path.stem)
def test_every_play_refuses_to_do_nothing(path: Path) -> None:
    """Each play of the collection asks the filter for its hosts, or imports one that does."""
    plays = yaml.safe_load(path.read_text(encoding="utf-8"))
    hosts = [play["hosts"] for play in plays if "ansible.builtin.import_playbook" not in play]
    assert all("msp.connectwise.named_tenants(groups" in one for one in hosts)
    fleet = "tasks/fleet.yml" in path.read_text(encoding="utf-8")
    assert all(("tags=" in one) != fleet for one in hosts)
