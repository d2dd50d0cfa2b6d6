# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manual steps: data that a person and the simulator's operator can follow."""

from __future__ import annotations

import pytest

from ansible_collections.msp.connectwise.plugins.module_utils import _manual as manual
from ansible_collections.msp.connectwise.plugins.module_utils._permissions import Change, Row

NONE = {"add": "None", "edit": "None", "delete": "None", "inquire": "My"}


def test_role_permission_names_the_clicks_and_all_four_levels():
    step = manual.role_permission(
        "Sync", Change(Row(1, "Companies", "Contacts", NONE), {**NONE, "add": "All", "inquire": "All"})
    )
    assert step["kind"] == "role_permission"
    assert step["menu"] == ["System", "Security Roles", "Sync"]
    assert step["do"] == (
        'In the security module Companies, row "Contacts", set Add Level to All, Inquire Level to All; then Save.'
    )
    assert (step["role"], step["module"], step["function"]) == ("Sync", "Companies", "Contacts")
    assert step["levels"] == {"add": "All", "edit": "None", "delete": "None", "inquire": "All"}


def test_role_activate():
    step = manual.role_activate("Sync")
    assert (step["kind"], step["role"], manual.where(step)) == (
        "role_activate",
        "Sync",
        "System > Security Roles > Sync",
    )


@pytest.mark.parametrize(
    ("allow", "disallow", "rest", "clicks"),
    [
        (["A"], ["B", "C"], "keep", "move to the Allow list: A, then move to the Disallow list: B; C"),
        (["A"], [], "disallow", "move all items to the Disallow list, then move to the Allow list: A"),
        ([], ["B"], "allow", "move all items to the Allow list, then move to the Disallow list: B"),
        ([], [], "allow", "move all items to the Allow list"),
    ],
)
def test_customize_list(allow, disallow, rest, clicks):
    step = manual.customize_list("Sync", "System", "Table Setup", allow, disallow, rest)
    assert step["do"] == f'In the security module System, row "Table Setup", click (customize): {clicks}; then Save.'
    assert (step["kind"], step["allow"], step["disallow"], step["rest"]) == ("customize_list", allow, disallow, rest)


@pytest.mark.parametrize(
    ("member_type", "menu"),
    [("api", "System > Members > API Members > Sync > API Keys"), ("member", "System > Members > Sync > API Keys")],
)
def test_keys(member_type, menu):
    made = manual.create_key("Sync", member_type, "Sync key")
    assert (made["kind"], manual.where(made), made["description"]) == ("create_key", menu, "Sync key")
    assert "shown this one time" in made["do"]
    stored = manual.store_key("Sync", member_type, "Sync key", ["p1", "p2"])
    assert (stored["kind"], manual.where(stored), stored["public_keys"]) == ("store_key", menu, ["p1", "p2"])
    assert "(p1, p2)" in stored["do"]
    gone = manual.delete_key("Sync", member_type, "Sync key")
    assert (gone["do"], gone["public_key"]) == ('Select every key described "Sync key" and delete it.', None)
    one = manual.delete_key("Sync", member_type, None, "p1")
    assert (one["do"], one["public_key"]) == ("Select the key with the public key p1 and delete it.", "p1")


def test_every_step_says_why():
    steps = [
        manual.role_activate("r"),
        manual.customize_list("r", "m", "f", [], [], "keep", "because"),
        manual.create_key("m", "api", "d"),
        manual.delete_key("m", "api", "d"),
    ]
    assert all(step["why"] for step in steps)
    assert steps[1]["why"] == "because"
