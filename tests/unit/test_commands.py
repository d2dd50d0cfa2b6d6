# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands that a report tells a person to type: right as printed, and without a secret."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.msp.connectwise.plugins.filter.named_tenants import matching
from ansible_collections.msp.connectwise.plugins.plugin_utils._commands import (
    Typed,
    playbook,
    show_command,
    typed,
    typed_of,
)

HERE = "/home/me/tenants"


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"inventory": [f"{HERE}/inventory.yml"]}, "-i inventory.yml"),
        ({"inventory": ("/srv/inventory.yml", "north,")}, "-i /srv/inventory.yml -i north,"),
        # From ansible.cfg or the environment, which a fresh shell or another folder does not have.
        ({"inventory": ["/etc/ansible/hosts"]}, "-i /etc/ansible/hosts"),
        ({"vault_password_files": [f"{HERE}/pw file"]}, "--vault-password-file 'pw file'"),
        ({"vault_ids": [f"prod@{HERE}/pw", "dev@prompt"]}, "--vault-id prod@pw --vault-id dev@prompt"),
        ({"ask_vault_pass": True}, "--ask-vault-pass"),
        ({"extra_vars": (f"@{HERE}/more.yml", "integration_store=sops x=1")}, "-e @more.yml -e integration_store=sops"),
        # What a vendor is to be here belongs to what the command makes.
        ({"extra_vars": ("petra_role_name='A b' x=1", "petra_colour=1")}, "-e 'petra_role_name='\"'\"'A b'\"'\"''"),
        (
            {"extra_vars": ('{"petra_permissions": {"System": {"Reports": {"inquire": "All"}}}, "x": {"y": "z"}}',)},
            """-e '{"petra_permissions": {"System": {"Reports": {"inquire": "All"}}}}'""",
        ),
        ({"extra_vars": ("petra_member_identifier=Petra2",)}, "-e petra_member_identifier=Petra2"),
        # An empty answer stays one: without it, offboard would be about every vendor.
        ({"extra_vars": ("cw_integrations=",)}, "-e cw_integrations="),
        # Any other variable may be a secret.
        ({"extra_vars": ("cw_private_key=SECRET", '{"integration_store": {"read": "SECRET"}}', "{", "a='")}, ""),
        (
            {"extra_vars": ('{"cw_integrations": ["petra"], "y": "SECRET"}',)},
            """-e '{"cw_integrations": ["petra"]}'""",
        ),
    ],
)
def test_a_later_command_repeats_inventory_vault_and_place(given: dict[str, Any], wanted: str) -> None:
    run = typed_of(given, HERE, {})
    assert playbook("onboard", run) == f"ansible-playbook msp.connectwise.onboard {wanted}".rstrip()


def test_a_later_command_brings_what_this_one_had_from_its_environment() -> None:
    environment = {"ANSIBLE_VAULT_PASSWORD_FILE": f"{HERE}/pw", "MSP_CONNECTWISE_RUN_WITH": "'my env/python' run.py"}
    run = typed_of({"inventory": ["north,"]}, HERE, environment)
    begin = "'my env/python' run.py ansible"
    assert playbook("onboard", run) == (f"{begin}-playbook msp.connectwise.onboard -i north, --vault-password-file pw")
    assert show_command("vaulted_file", "keys/north.yml#zofiq", run) == [
        f"{begin}-vault view --vault-password-file pw keys/north.yml"
    ]
    assert show_command("sops", "keys/north.json", run) == ["sops -d keys/north.json"]
    # What the command line says counts.
    given = {"vault_password_files": [f"{HERE}/other"]}
    assert typed_of(given, HERE, environment).vault == ("--vault-password-file", "other")
    assert typed_of({"ask_vault_pass": True}, HERE, environment).vault == ("--ask-vault-pass",)


@pytest.mark.parametrize("given", ["cw_keys_file='my keys.yml' x=SECRET", '{"cw_keys_file": "my keys.yml", "x": "S"}'])
def test_only_what_stores_keys_names_their_file_again(given: str) -> None:
    run = typed_of({"extra_vars": [given]}, HERE, {})
    (option, said) = run.keys_file
    assert option == "-e"
    assert said in ("cw_keys_file='my keys.yml'", '{"cw_keys_file": "my keys.yml"}')
    assert playbook("store_key", run, ["north"]).startswith(
        "ansible-playbook msp.connectwise.store_key --limit north -e "
    )
    assert "keys" not in playbook("onboard", run)


def test_what_chose_the_vendors_of_a_run_can_be_left_out_of_the_next() -> None:
    given = (
        "-e",
        "@more to say.yml",
        "-e",
        "cw_integrations=petra cw_hosts=site",
        "-e",
        '{"cw_integrations": ["petra"]}',
    )
    assert Typed(extra=given).without("cw_integrations").extra == ("-e", "@more to say.yml", "-e", "cw_hosts=site")
    spaced = Typed(extra=("-e", "cw_integrations='petra, zofiq' cw_hosts='a, b'")).without("cw_integrations")
    assert spaced.extra == ("-e", "cw_hosts='a, b'")


def test_tenants_are_one_argument_also_with_odd_names() -> None:
    command = playbook("store_key", Typed(), ["north", "a b"], ["-e", "cw_keys_file=FILE"])
    limit = r"north,~^a\sb$"
    assert command == f"ansible-playbook msp.connectwise.store_key --limit '{limit}' -e cw_keys_file=FILE"
    assert matching("all", {"all": ["north", "a b", "a_b", "a"]}, limit) == ["north", "a b"]


@pytest.mark.parametrize(
    ("store", "place", "commands"),
    [
        (
            "vaulted_file",
            f"{HERE}/connectwise_keys/no#rth.yml#zofiq",
            ["ansible-vault view --ask-vault-pass 'connectwise_keys/no#rth.yml'"],
        ),
        ("hashi_vault", "secret/cw/north", ["bao kv get secret/cw/north", "vault kv get secret/cw/north"]),
        ("sops", f"{HERE}/keys/north/zofiq.sops.json", ["sops -d keys/north/zofiq.sops.json"]),
        ("command", "op: north/zofiq", ["op read north"]),
        ("none", "returned to the play", []),
        ("/my/own/store", "somewhere", []),
        ("vaulted_file", "", []),
    ],
)
def test_each_store_has_its_command_that_displays_a_key(store: str, place: str, commands: list[str]) -> None:
    run = Typed(vault=("--ask-vault-pass",), here=HERE)
    assert show_command(store, place, run, ["op", "read", "north"]) == commands


def test_awx_is_known_by_what_it_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWX_PRIVATE_DATA_DIR", raising=False)
    assert typed().templates is None
    monkeypatch.setenv("AWX_PRIVATE_DATA_DIR", "/runner")
    assert playbook("onboard", typed()) == "in AWX, launch onboard"


def test_a_store_whose_command_is_not_known_shows_none() -> None:
    assert show_command("command", "op: north/zofiq") == []
