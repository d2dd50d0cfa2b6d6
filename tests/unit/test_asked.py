# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is misspelt on the command line is told, and what is somebody's own is left alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError
from ansible_collections.msp.connectwise.plugins.plugin_utils._asked import (
    AWX,
    Tags,
    known_variables,
    meant,
    require_known,
    require_meaning,
    require_tasks,
    tags_of,
)

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("given", "right"),
    [
        ("cw_integration", "cw_integrations"),
        ("cw_company", "cw_company_id"),
        ("cw_validate_cert", "cw_validate_certs"),
        ("integration_key_grace_day", "integration_key_grace_days"),
        ("cw_integrations", ""),
        ("cw_client_name", ""),
        ("integration_of_ours", ""),
        ("cw_north_private_key", ""),
        ("integration_store_token", ""),
        ("petra_role_name", ""),
    ],
)
def test_a_misspelt_variable_is_told_from_somebodys_own(given: str, right: str) -> None:
    assert meant(given) == right
    if right:
        with pytest.raises(InputError, match=rf"-e {given} is no variable.*did you mean {right}\?$"):
            require_known(["x", given])
    else:
        require_known([given])


OWN, PATH = "msp.connectwise.vendors", str(ROOT / "playbooks" / "vendors.yml")


@pytest.mark.parametrize("playbook", [OWN, PATH])
@pytest.mark.parametrize(
    ("given", "right"),
    [
        ("cw_page", "cw_table"),
        ("cw_serch", "cw_search"),
        ("psa_host", "cw_host"),
        ("integration_zzzzzzz", "Correct it"),
    ],
)
def test_a_playbook_of_the_collection_takes_no_unknown_variable(playbook: str, given: str, right: str) -> None:
    with pytest.raises(InputError, match=rf"^-e {given} is no variable of this collection; nothing was done.*{right}"):
        require_meaning(["x", given], {"args": (playbook,)})


@pytest.mark.parametrize(
    "given",
    [
        *(
            "cw_search",
            "cw_host",
            "integration_store",
            "cw_admin_role_name",
            "cw_admin_member_identifier",
            "psa_sync_member",
            "awx_slices",
            "mine",
        ),
        *("zofiq_role_name", "cw_admin_member_identifier", "umbrella_member", "integration_store_token"),
    ],
)
def test_a_playbook_of_the_collection_takes_what_has_a_meaning(given: str) -> None:
    require_meaning([given], {"args": (OWN,)})


def test_a_file_may_hold_variables_for_others() -> None:
    # Such as a key that the inventory refers to, or what another program reads.
    file = {"args": (OWN,), "extra_vars": ("@vault.yml", "cw_search=x")}
    require_meaning(["cw_north_private_key", "psa_url", "cw_search"], file)
    for typed in ("cw_page=x mine=y", '{"cw_page": "x"}', "{cw_page: x}"):
        with pytest.raises(InputError, match="-e cw_page is no variable"):
            require_meaning(["psa_url", "cw_page"], {**file, "extra_vars": ("@vault.yml", typed)})
    with pytest.raises(InputError, match="did you mean cw_search"):
        require_meaning(["cw_serch"], file)


def test_a_playbook_of_the_users_own_has_variables_and_tasks_of_its_own() -> None:
    site = {"args": ("site.yml", OWN), "tags": ("backup",), "skip_tags": ("always",), "start_at_task": "Theirs"}
    require_meaning(["cw_page", "psa_url"], site)
    require_tasks(site, [])
    with pytest.raises(InputError, match="did you mean cw_search"):
        require_meaning(["cw_serch"], site)


@pytest.mark.parametrize(
    ("arguments", "tags", "said"),
    [
        ({"tags": ("nope",)}, [], "no task of this playbook is left with the tags nope"),
        ({"tags": ("always",)}, [], "the tags always"),
        ({"tags": ("all",), "skip_tags": ("nope",)}, ["one"], "the tags nope.*use one, or leave"),
        ({"tags": ("all",), "skip_tags": ("always",)}, None, "the tags always"),
        ({"start_at_task": "x"}, [], "--start-at-task leaves out the task"),
    ],
)
def test_a_command_line_that_leaves_no_task_is_refused(arguments, tags, said) -> None:
    with pytest.raises(InputError, match=said):
        require_tasks({"args": (OWN,), **arguments}, tags)


def test_a_command_line_that_leaves_tasks_is_taken() -> None:
    require_tasks({"args": (OWN,), "tags": ("all",), "skip_tags": ()}, [])
    require_tasks({"args": (OWN,), "tags": ("one",), "skip_tags": ()}, ["one"])
    require_tasks({"args": (OWN,), "tags": ("petra",), "skip_tags": ("zofiq",)})


def test_every_variable_of_the_playbooks_is_known() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob("playbooks/**/*.yml"))
    modules = {path.stem for path in ROOT.glob("plugins/modules/cw_*.py")}
    assert set(re.findall(r"\bcw_[a-z_]+\b", text)) - modules - {"cw_admin"} <= known_variables()


def test_a_misspelt_variable_of_awx_setup_is_told_also_in_a_file() -> None:
    text = (ROOT / "playbooks" / "awx_setup.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"\bawx_[a-z_]+\b", text)) - {"awx_setup"} == AWX
    file = {"args": ("msp.connectwise.awx_setup",), "extra_vars": ("@awx.yml",)}
    require_meaning([*AWX, "awx_inventory_id", "awx_job_id", "awx_user_name", "awx_ours"], file)
    for args in (file["args"], (str(ROOT / "playbooks" / "awx_setup.yml"),)):
        with pytest.raises(InputError, match=r"-e awx_projct_url is no variable of awx_setup.*awx_project_url"):
            require_meaning(["awx_projct_url"], {**file, "args": args})
    require_meaning(["awx_projct_url"], {"args": (OWN,)})


def test_tags_name_vendors() -> None:
    tags = tags_of({"tags": ["all"], "skip_tags": ()})
    assert tags == Tags()
    assert tags.wants("petra")
    tags = tags_of({"tags": ["petra, zofiq"], "skip_tags": ["zofiq"]})
    assert [vendor for vendor in ("petra", "umbrella", "zofiq") if tags.wants(vendor)] == ["petra"]
    tags.require(["petra", "zofiq", "petra"])


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        (Tags(only=frozenset({"petra", "zofig"})), "--tags names zofig, .*nothing was done.*: petra, zofiq"),
        (Tags(without=frozenset({"zofig"})), "--skip-tags names zofig, "),
        (Tags(without=frozenset({"zofiq", "petra"})), "--skip-tags leaves out every integration"),
    ],
)
def test_a_tag_that_names_no_vendor_is_refused(tags: Tags, said: str) -> None:
    with pytest.raises(InputError, match=said):
        tags.require(["zofiq", "petra"])
