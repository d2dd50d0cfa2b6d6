# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The planner of records where mutation testing found no other test to notice."""

from __future__ import annotations

import pytest

from ansible_collections.msp.connectwise.plugins.module_utils import _patience
from ansible_collections.msp.connectwise.plugins.module_utils import _resource as resource
from ansible_collections.msp.connectwise.plugins.module_utils._resource import Field, Reference

NAME = Field("name", "name")
ROLE = Field("security_role", "securityRole", "ref", "/system/securityRoles", "Security Role")


def test_what_a_record_does_not_have_is_empty_in_the_form_of_its_kind():
    assert NAME.current({}) == ""
    assert Field("boards", "boards", "ids").current({"boards": None}) == []
    assert Field("flag", "flag", "flag").current({}) is False
    assert ROLE.current({"securityRole": {"identifier": "R"}}) == "R"
    assert ROLE.current({"securityRole": None}) is None


@pytest.mark.parametrize(
    ("held", "target", "same"),
    [
        ({"id": 5, "name": "Old"}, Reference(5, "New words"), True),
        ({"id": 6, "name": "Sync"}, Reference(5, "Sync"), False),
        ({"name": "Sync"}, Reference(5, "Sync"), True),
        ({"name": "Other"}, Reference(5, "Sync"), False),
        ({"id": 5, "name": "Sync"}, Reference(None, "Sync"), True),
        ({"id": 5, "name": "Other"}, Reference(None, "Sync"), False),
        (None, Reference(None, "Sync"), False),
    ],
)
def test_a_reference_is_compared_by_id_and_else_by_name(held, target, same):
    # "top" has to be looked up whatever the record says, so the name that is held does not decide.
    plan = resource.plan_record([ROLE], {"security_role": "top"}, {"securityRole": held}, lambda _field, _name: target)
    assert plan.changes is not same
    assert plan.body == ({} if same else {"securityRole": target.value})


def test_fields_after_a_reference_by_its_present_name_count_too():
    wanted = {"security_role": "sync", "name": "New"}
    plan = resource.plan_record([ROLE, NAME], wanted, {"securityRole": {"name": "Sync"}, "name": "Old"}, pytest.fail)
    assert plan.body == {"name": "New"}


def test_what_is_as_written_is_not_judged_again(monkeypatch):
    judged = []
    monkeypatch.setattr(_patience.time, "sleep", pytest.fail)
    assert resource.settled(lambda: 7, lambda state: not judged.append(state)) == 7
    assert judged == [7]
