# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tenants that a run is about, as AWX hands them over: YAML, in which a name may be something else."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.msp.connectwise.plugins.filter.named_tenants import named_tenants

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
