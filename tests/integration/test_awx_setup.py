# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/awx_setup.yml with the real awx.awx modules, against a server with AWX's rules."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.msp.connectwise.plugins.plugin_utils._awx import Awx as Client
from ansible_collections.msp.connectwise.plugins.plugin_utils._awx import AwxError, connection
from ansible_collections.msp.connectwise.plugins.plugin_utils._awx_look import Found, look, wrong_options
from ansible_collections.msp.connectwise.plugins.plugin_utils._awx_sync import Sync
from tests.awx.ground import PLAYBOOKS, Repository, inventory, project, set_up
from tests.awx.server import Awx

INVENTORY = "all:\n  hosts:\n    north:\n    south:\n    west:\n"
SECRET = "password-of-a-new-credential"
VARIABLES: dict[str, Any] = {
    "awx_credentials": ["key store"],
    "awx_new_credentials": [
        {
            "name": "ConnectWise keys",
            "type": "ConnectWise PSA",
            "inputs": {"client_id": "an id", "private_key": SECRET},
        },
        {"name": "repository", "type": "Source Control", "inputs": {"username": "me", "password": SECRET}},
    ],
    "awx_project_credential": "repository",
}


@dataclass
class Ground:
    awx: Awx
    directory: Path
    repository: Repository
    dry: str = ""
    first: str = ""


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Set up once, in the steps that a person goes through who makes one mistake."""
    directory = tmp_path_factory.mktemp("awx")
    repository = Repository(directory / "repository", INVENTORY, playbooks=PLAYBOOKS[:-1])
    (directory / "server").mkdir()
    with Awx(directory / "server") as awx:
        awx.credential("key store", "Vault", vault_password="x")
        yield Ground(awx, directory, repository)


@pytest.fixture(scope="module")
def done(ground: Ground) -> Ground:
    variables = {**VARIABLES, "awx_project_url": ground.repository.url}
    dry = set_up(ground.awx, ground.directory, "--check", **variables)
    assert dry.returncode == 0, dry.stdout[-4000:] + dry.stderr[-2000:]
    assert ground.awx.records.sent == []
    ground.dry = dry.stdout
    # The first time the repository lacks a playbook.
    lacking = set_up(ground.awx, ground.directory, **variables)
    assert lacking.returncode == 2
    assert "lacks playbooks/merge_reports.yml" in lacking.stdout + lacking.stderr
    ground.repository.push({"playbooks/merge_reports.yml": "- import_playbook: msp.connectwise.merge_reports\n"})
    first = set_up(ground.awx, ground.directory, **variables)
    assert first.returncode == 0, first.stdout[-4000:] + first.stderr[-2000:]
    ground.first = dry.stdout + lacking.stdout + first.stdout
    return ground


def test_check_mode_on_a_fresh_awx_says_what_would_be_made(done: Ground) -> None:
    for part in ("credential type ConnectWise PSA", "credential ConnectWise keys", "project ConnectWise project"):
        assert part in done.dry
    assert "schedule ConnectWise nightly" in done.dry
    assert "changed=0" not in done.dry


def test_no_secret_of_a_new_credential_is_shown(done: Ground) -> None:
    assert SECRET not in done.first
    credential = done.awx.records.named("credentials", "ConnectWise keys")
    assert credential["inputs"] == {"client_id": "an id", "private_key": SECRET}


def test_the_credential_type_hands_the_keys_over_as_environment(done: Ground) -> None:
    (body,) = done.awx.records.bodies("credential_types")
    fields = ["company_id", "public_key", "private_key", "client_id", "region", "host"]
    assert (body["name"], body["kind"]) == ("ConnectWise PSA", "cloud")
    assert [one["id"] for one in body["inputs"]["fields"]] == fields
    assert [one["id"] for one in body["inputs"]["fields"] if one.get("secret")] == ["private_key"]
    assert body["injectors"] == {"env": {f"CW_{name.upper()}": "{{ " + name + " }}" for name in fields}}


def test_project_and_inventory_come_from_one_repository_and_the_tenants_are_known(done: Ground) -> None:
    records = done.awx.records
    (project,) = records.bodies("projects")
    assert project["credential"] == records.named("credentials", "repository")["id"]
    assert project["scm_url"] == done.repository.url
    assert (project["scm_type"], project["scm_branch"], project["scm_update_on_launch"]) == ("git", "main", True)
    (source,) = records.bodies("inventory_sources")
    assert (source["source"], source["source_path"]) == ("scm", "inventory.yml")
    assert (source["overwrite"], source["overwrite_vars"], source["update_on_launch"]) == (True, True, True)
    # Without them AWX would run the first job in one slice.
    assert records.named("inventories", "ConnectWise tenants")["total_hosts"] == 3


def test_job_templates_are_sliced_and_ask_what_a_person_decides(done: Ground) -> None:
    records = done.awx.records
    bodies = {body["name"].removeprefix("ConnectWise "): body for body in records.bodies("job_templates")}
    assert {name: body["playbook"] for name, body in bodies.items()} == {n: f"playbooks/{n}.yml" for n in PLAYBOOKS}
    slices = {"onboard": 5, "audit": 5, "rotate_keys": 5, "offboard": 1, "merge_reports": 1}
    assert {name: body["job_slice_count"] for name, body in bodies.items()} == slices
    asked = {name for name, body in bodies.items() if body["ask_job_slice_count_on_launch"]}
    assert asked == {"onboard", "audit", "rotate_keys"}
    assert all(body["forks"] == 50 and body["ask_limit_on_launch"] for body in bodies.values())
    strict = {"cw_fail_on": ["failed", "unreachable", "drifted"]}
    assert json.loads(bodies["audit"]["extra_vars"]) == json.loads(bodies["merge_reports"]["extra_vars"]) == strict
    surveys = {
        name: records.surveys.get(records.named("job_templates", f"ConnectWise {name}")["id"]) for name in bodies
    }
    questions = {name: [one["variable"] for one in survey["spec"]] for name, survey in surveys.items() if survey}
    assert questions == {
        "onboard": ["cw_hosts", "cw_integrations", "cw_confirm"],
        "audit": ["cw_hosts", "cw_integrations"],
        "rotate_keys": ["cw_hosts", "cw_integrations", "integration_key_max_age_days", "cw_confirm"],
        "offboard": ["cw_hosts", "cw_integrations", "cw_confirm"],
    }
    # A default would win over what the inventory says of each tenant.
    defaults = {one["variable"] for survey in surveys.values() if survey for one in survey["spec"] if "default" in one}
    assert defaults == {"cw_hosts", "integration_key_max_age_days"}
    assert [body["ask_variables_on_launch"] for body in bodies.values()] == [False] * len(bodies)
    linked = [numbers for (kind, _number, _name), numbers in records.related.items() if kind == "job_templates"]
    both = [records.named("credentials", name)["id"] for name in ("key store", "ConnectWise keys")]
    assert linked == [both] * 5


def test_nobody_offboards_what_he_has_not_named(done: Ground) -> None:
    template = done.awx.records.named("job_templates", "ConnectWise offboard")
    questions = {one["variable"]: one for one in done.awx.records.surveys[template["id"]]["spec"]}
    for question in (questions["cw_hosts"], questions["cw_integrations"]):
        assert question["required"]
        assert question["min"] == 1
        assert "default" not in question


def test_the_workflow_audits_mends_what_drifted_and_reports(done: Ground) -> None:
    records = done.awx.records
    kind = "workflow_job_template_nodes"
    nodes = {node["identifier"]: number for number, node in records.kinds[kind].items()}
    for identifier, template in (("audit", "audit"), ("onboard", "onboard"), ("report", "merge_reports")):
        number = records.named("job_templates", f"ConnectWise {template}")["id"]
        assert records.kinds[kind][nodes[identifier]]["unified_job_template"] == number
    assert {key[1:]: linked for key, linked in records.related.items() if key[0] == kind} == {
        (nodes["audit"], "success_nodes"): [nodes["report"]],
        (nodes["audit"], "failure_nodes"): [nodes["onboard"]],
        (nodes["onboard"], "always_nodes"): [nodes["report"]],
    }
    (schedule,) = records.bodies("schedules")
    assert schedule == {
        "name": "ConnectWise nightly",
        "rrule": "DTSTART:20260101T020000Z RRULE:FREQ=DAILY;INTERVAL=1",
        "unified_job_template": records.named("workflow_job_templates", "ConnectWise nightly")["id"],
        "enabled": True,
    }


@pytest.mark.parametrize("arguments", [(), ("--check",)], ids=["again", "check mode"])
def test_again_it_changes_nothing(done: Ground, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    before = len(done.awx.records.sent)
    again = set_up(done.awx, tmp_path, *arguments, **VARIABLES, awx_project_url=done.repository.url)
    assert again.returncode == 0, again.stdout[-3000:]
    assert done.awx.records.sent[before:] == []
    assert "changed=0" in again.stdout


def test_templates_that_took_every_variable_take_the_surveys_alone(done: Ground, tmp_path: Path) -> None:
    records = done.awx.records
    kinds = ("job_templates", "workflow_job_templates")
    templates = [
        one for kind in kinds for one in records.kinds[kind].values() if one["name"].startswith("ConnectWise ")
    ]
    assert "ConnectWise nightly" in {one["name"] for one in templates}
    variables = {**VARIABLES, "awx_project_url": done.repository.url}
    asking = set_up(done.awx, tmp_path, **variables, awx_ask_variables=True)
    assert asking.returncode == 0, asking.stdout[-3000:]
    assert "whoever may launch a job template may set any variable" in " ".join((asking.stdout + asking.stderr).split())
    assert {one["ask_variables_on_launch"] for one in templates} == {True}
    again = set_up(done.awx, tmp_path, **variables)
    assert again.returncode == 0, again.stdout[-3000:]
    assert "awx_ask_variables" not in again.stdout + again.stderr
    assert {one["ask_variables_on_launch"] for one in templates} == {False}


def test_problems_are_told_before_the_first_write(ground: Ground, tmp_path: Path) -> None:
    before = len(ground.awx.records.sent)
    variables: dict[str, Any] = {
        "awx_project_url": ground.repository.url,
        "awx_credentials": ["none"],
        "awx_project_credential": "key store",
    }
    wrong = set_up(ground.awx, tmp_path, **variables)
    assert wrong.returncode == 2
    assert "awx_credentials: AWX has no credential none" in wrong.stdout + wrong.stderr
    assert "awx_project_credential: the credential key store is of the kind vault" in wrong.stdout + wrong.stderr
    assert "__awx_fields" not in wrong.stdout
    assert ground.awx.records.sent[before:] == []


# Below, what the set-up asks before, without Ansible.

WANTS: dict[str, Any] = {
    "organization": "Default",
    "prefix": "Other",
    "project_url": "https://git.example.org/tenants.git",
    "project_branch": "main",
    "project_credential": "",
    "inventory": "Other tenants",
    "inventory_file": "inventory.yml",
    "execution_environment": "Other execution environment",
    "execution_environment_image": "localhost/msp-connectwise-ee:latest",
    "execution_environment_credential": "",
    "credentials": ["key store"],
    "new_credentials": [],
    "credential_type": "Another PSA",
    "fields": ["client_id", "private_key"],
    "required_fields": ["client_id"],
    "templates": ["audit"],
}
VAULT = {"name": "vault", "type": "Vault", "inputs": {"vault_password": "x"}}
KEYS = {"name": "keys", "type": "Another PSA", "inputs": {"client_id": "x"}}


def client(ground: Ground, token: str = "token-of-root", host: str | None = None) -> Client:
    return Client(connection({"controller_host": host or ground.awx.address, "controller_oauthtoken": token}))


def looked(ground: Ground, token: str = "token-of-root", **wants: Any) -> Found:
    return look(client(ground, token), {**WANTS, **wants})


@pytest.mark.parametrize(
    ("wants", "problem"),
    [
        ({"project_url": ""}, "awx_project_url is not set"),
        ({"project_url": None}, "awx_project_url is not set"),
        ({"project_url": "My tenants"}, "is no address of a repository: 'My tenants'"),
        ({"project_url": "https://me:secret@git.example.org/x"}, "awx_project_url holds a password"),
        ({"project_branch": ""}, "awx_project_branch is empty"),
        ({"new_credentials": [{"type": "Vault"}]}, "each needs name, type and inputs"),
        ({"new_credentials": [{**KEYS, "name": "key store"}]}, "key store is named 2 times"),
    ],
)
def test_options_that_cannot_be_right(wants: dict[str, Any], problem: str) -> None:
    (found,) = wrong_options({**WANTS, **wants})
    assert problem in found
    assert "me:secret" not in found


def test_options_that_can_be_right() -> None:
    for url in ("git@git.example.org:msp/tenants.git", "ssh://git@git.example.org/x", "file:///srv/tenants"):
        assert wrong_options({**WANTS, "project_url": url}) == []


@pytest.mark.parametrize(
    ("wants", "problem"),
    [
        (
            {"organization": "Nobody"},
            "AWX has no organization Nobody, or root does not see it; there are: Another, Default",
        ),
        ({"credentials": ["ConnectWise kys"]}, "AWX has no credential ConnectWise kys"),
        ({"project_credential": "key store"}, "is of the kind vault, which AWX does not take there; it takes scm"),
        ({"execution_environment_credential": "key store"}, "it takes registry"),
        ({"new_credentials": [{**KEYS, "type": "Valt"}]}, "keys is of the type Valt, which AWX does not have"),
        ({"new_credentials": [{**KEYS, "inputs": {"x": "1"}}]}, "does not have x and needs client_id"),
        ({"new_credentials": [{**KEYS, "inputs": {"client_id": ""}}]}, "needs client_id"),
        (
            {"credentials": ["key store"], "new_credentials": [VAULT]},
            "key store and vault are all of the type Vault, of which AWX gives a job one; leave",
        ),
        (
            {"new_credentials": [KEYS, {**KEYS, "name": "more keys"}]},
            "keys and more keys are all of the type Another PSA",
        ),
        ({"credentials": [], "new_credentials": [{**VAULT, "inputs": {"x": "1"}}]}, "the type Vault does not have x"),
    ],
)
def test_what_awx_does_not_have_is_named(ground: Ground, wants: dict[str, Any], problem: str) -> None:
    (found,) = looked(ground, **wants).problems
    assert problem in found


def test_a_new_credential_of_the_repository_is_not_one_of_the_jobs(ground: Ground) -> None:
    git = {"name": "git", "type": "Source Control", "inputs": {"password": "x"}}
    found = looked(ground, credentials=["key store"], new_credentials=[git, KEYS], project_credential="git")
    assert found.problems == []
    assert found.of_jobs == ["key store", "keys"]
    (wrong,) = looked(ground, new_credentials=[git], execution_environment_credential="git").problems
    assert "awx_execution_environment_credential: the credential git is of the kind scm" in wrong


def test_vaults_with_ids_of_their_own_can_be_together(ground: Ground) -> None:
    other = {**VAULT, "inputs": {"vault_password": "x", "vault_id": "other"}}
    assert looked(ground, credentials=["key store"], new_credentials=[other]).problems == []


def test_two_credentials_of_one_name_are_told_apart_by_a_person(ground: Ground) -> None:
    ground.awx.credential("twice", "Vault", vault_password="x")
    ground.awx.credential("twice", "Machine", username="x")
    assert looked(ground, credentials=["twice"]).problems == [
        "awx_credentials: 2 credentials are named twice; rename all but one"
    ]


def test_an_image_of_this_machine_is_none_on_kubernetes(ground: Ground) -> None:
    group = ground.awx.records.kinds["instance_groups"][1]
    assert looked(ground).problems == []
    group["is_container_group"] = True
    (problem,) = looked(ground).problems
    group["is_container_group"] = False
    assert "awx_execution_environment_image" in problem


def test_who_may_do_it(ground: Ground) -> None:
    assert looked(ground).problems == []
    (member,) = looked(ground, "token-of-member").problems
    assert "member is no administrator of the organization Default" in member
    boss = looked(ground, "token-of-boss")
    assert (boss.problems, boss.superuser) == ([], False)
    # All the rest can be done, unless something needs the type.
    assert any("--tags credential_type" in note for note in boss.notes)
    (needed,) = looked(ground, "token-of-boss", new_credentials=[KEYS]).problems
    assert "only a system administrator of AWX may make it" in needed


@pytest.mark.parametrize(
    ("token", "host", "problem"),
    [
        ("wrong", None, "does not accept the token"),
        ("", None, "no token for AWX: set CONTROLLER_OAUTH_TOKEN"),
        ("x", "http://127.0.0.1:9", "AWX is not reached at http://127.0.0.1:9"),
        ("x", "ftp://awx.example.org", "awx_host begins with https://"),
        ("x", " ", "no AWX is named: set awx_host"),
    ],
)
def test_a_server_that_does_not_answer_or_lets_nobody_in(
    ground: Ground, token: str, host: str | None, problem: str
) -> None:
    with pytest.raises(AwxError, match=problem):
        look(client(ground, token, host), WANTS)


def test_a_token_that_only_reads_is_told(ground: Ground) -> None:
    known = ground.awx.records.make("projects", {"name": "read only", "organization": 1, "scm_url": "x"})
    with pytest.raises(AwxError, match="may have the scope Read only"):
        client(ground, "token-of-reader").post(f"projects/{known['id']}/update/")


def sync(ground: Ground) -> Sync:
    return Sync(client(ground), "Default", interval=0.02)


def test_why_a_project_cannot_be_read_is_said_and_mended_at_the_next_run(ground: Ground) -> None:
    record = project(ground.awx, "wrong branch", ground.repository, scm_branch="master")
    for _attempt in ("AWX's own", "ours"):
        with pytest.raises(AwxError) as error:
            sync(ground).project("wrong branch", [])
        for part in (ground.repository.url, "branch master", "without a credential", "Remote branch master not found"):
            assert part in str(error.value)
        assert f"{ground.awx.address}/#/jobs/project/{record['last_update']}/output" in str(error.value)
    record["scm_branch"] = "main"
    assert sync(ground).project("wrong branch", ["playbooks/audit.yml"]) is True
    assert sync(ground).project("wrong branch", ["playbooks/audit.yml"]) is False


def test_a_private_repository_takes_a_credential(ground: Ground) -> None:
    ground.awx.jobs.private[ground.repository.url] = "let me in"
    try:
        project(ground.awx, "private", ground.repository)
        with pytest.raises(AwxError, match=r"could not read Username.*"):
            sync(ground).project("private", [])
        known = ground.awx.credential("git", "Source Control", username="me", password="let me in")
        project(ground.awx, "opened", ground.repository, credential=known["id"])
        assert sync(ground).project("opened", []) is False
    finally:
        ground.awx.jobs.private.clear()


def test_a_wholly_vaulted_inventory_is_told_with_what_to_do(ground: Ground, tmp_path: Path) -> None:
    vault = VaultLib([("default", VaultSecret(b"x"))])
    repository = Repository(tmp_path / "vaulted", vault.encrypt(INVENTORY).decode())
    inventory(ground.awx, project(ground.awx, "vaulted", repository), "vaulted")
    with pytest.raises(AwxError, match=r"vaulted as a whole.*!vault"):
        sync(ground).source("vaulted", "vaulted")
    repository.push({"inventory.yml": INVENTORY})
    # AWX reads the project again only when it is told.
    ground.awx.jobs.settled("projects", ground.awx.records.named("projects", "vaulted"))
    assert sync(ground).source("vaulted", "vaulted") is True
    assert sync(ground).source("vaulted", "vaulted") is False


def test_an_inventory_without_tenants_is_none(ground: Ground, tmp_path: Path) -> None:
    made = project(ground.awx, "empty", Repository(tmp_path / "empty", "all:\n  hosts: {}\n"))
    inventory(ground.awx, made, "empty")
    with pytest.raises(AwxError, match="has no hosts"):
        sync(ground).source("empty", "empty")
