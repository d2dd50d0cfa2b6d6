# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of a host as settings, the store they name, a person's keys, and the word that takes all away."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
import yaml
from ansible import context
from ansible.errors import AnsibleError

from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError, PsaError
from ansible_collections.msp.connectwise.plugins.module_utils._redact import redact
from ansible_collections.msp.connectwise.plugins.plugin_utils import _confirm, _files, _given_keys, _settings
from ansible_collections.msp.connectwise.plugins.plugin_utils._command_store import Command
from ansible_collections.msp.connectwise.plugins.plugin_utils._fleet_run import IntegrationResult, Tenant
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_file import StoreError
from ansible_collections.msp.connectwise.plugins.plugin_utils._settings import StoreMaker, beside, settings_of
from ansible_collections.msp.connectwise.plugins.plugin_utils._stores import Described, NoStore, VaultedFile

HOST = {"inventory_hostname": "north", "inventory_dir": "/inv"}


@pytest.fixture(autouse=True)
def command_line(monkeypatch):
    said = {"inventory": ["/inv/hosts.yml"]}
    monkeypatch.setattr(context, "CLIARGS", said)
    return said


def resolver(variables):
    """As Ansible does it, for what the tests need: {{ name }} in a text."""

    def resolve(variable, default=None, known=None):
        value = variables.get(variable, default)
        if isinstance(value, str):
            if "{{ undefined }}" in value:
                raise AnsibleError("'undefined' is undefined")
            for name, text in {**variables, **(known or {})}.items():
                value = value.replace("{{ " + name + " }}", str(text))
        return value

    return resolve


def settings(said=None, **variables):
    everything = {**HOST, **variables}
    return settings_of(everything, resolver(everything), **(said or {}))


def told(call, *arguments, **more):
    with pytest.raises(PsaError) as problem:
        call(*arguments, **more)
    assert "What to do: " in str(problem.value)
    return str(problem.value)


# Settings


def test_the_defaults_of_the_role():
    found = settings()
    assert (found.state, found.mode, found.store, found.store_name) == (
        "present",
        "converge",
        "vaulted_file",
        "vaulted_file",
    )
    assert (found.lease, found.key_max_age_days, found.key_grace_days, found.heal) == (900.0, 0.0, None, False)
    assert (found.store_tenant, found.store_dir, found.report_dir) == (
        "north",
        "/inv/connectwise_keys",
        "/inv/connectwise_reports",
    )


def test_what_the_host_says_counts_and_what_is_said_to_the_task_counts_more():
    variables = {"integration_heal": "yes", "integration_store_tenant": "tenant7", "integration_key_grace_days": "3"}
    found = settings(**variables)
    assert (found.heal, found.store_tenant, found.key_grace_days) == (True, "tenant7", 3.0)
    found = settings({"store_tenant": "said", "heal": None}, **variables)
    assert (found.store_tenant, found.heal) == ("said", True)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"integration_store_dir": "{{ undefined }}"}, "integration_store_dir cannot be resolved"),
        ({"integration_lease": "soon"}, 'integration_lease is "soon", and not a number'),
        ({"integration_lease": -1}, "integration_lease is -1, which is less than 0"),
        ({"integration_key_grace_days": -0.5}, "integration_key_grace_days is -0.5"),
        ({"integration_store_settle": -2}, "integration_store_settle is -2"),
        ({"integration_key_max_age_days": -1}, "integration_key_max_age_days is -1"),
        ({"integration_state": "gone"}, "integration_state"),
        ({"integration_mode": "look"}, "integration_mode"),
        ({"integration_store_command": "pass"}, "integration_store_command"),
    ],
)
def test_a_wrong_value_is_told_with_its_variable(variables, said):
    assert said in told(settings, **variables)


def test_keys_lie_beside_the_inventory_and_never_inside_of_its_directory(command_line, tmp_path, monkeypatch):
    assert beside("keys", "/inv") == "/inv/keys"
    inventory = tmp_path / "inventory"
    (inventory / "group").mkdir(parents=True)
    command_line["inventory"] = [str(inventory)]
    assert beside("keys", str(inventory)) == beside("keys", str(inventory / "group")) == str(tmp_path / "keys")
    command_line["inventory"] = ["north,south"]
    assert beside("keys", str(inventory)) == str(inventory / "keys")
    monkeypatch.chdir(tmp_path)
    assert beside("keys", None) == ""
    assert beside("reports", None, here=True) == str(tmp_path / "reports")


# The store they name


def maker():
    return StoreMaker(SimpleNamespace(), lambda text, _id: text.encode(), lambda data: data.decode())


def store(name="sync", **variables):
    everything = {**HOST, **variables}
    return maker().store(settings(**variables), name, everything, resolver(everything), "Sync")


def test_each_name_makes_its_store():
    assert isinstance(store(), VaultedFile)
    assert store().place == "/inv/connectwise_keys/north.yml#sync"
    assert isinstance(store(integration_store="none"), NoStore)
    assert isinstance(store(integration_store="command", integration_store_command={"read": ["x"]}), Command)
    assert store(integration_store="hashi_vault").place == "secret/connectwise/north/sync"
    assert store(integration_store="sops").place == "/inv/connectwise_keys/north/sync.sops.json"


def test_a_folder_of_a_group_and_a_passphrase_for_all_are_warned_of(monkeypatch, tmp_path):
    warnings = []
    monkeypatch.setattr(_settings.Display, "warning", lambda _self, text: warnings.append(text))
    passphrase, script = tmp_path / "passphrase", tmp_path / "script"
    passphrase.write_text("secret", encoding="utf-8")
    script.write_text("#!/bin/sh", encoding="utf-8")
    script.chmod(0o755)
    arguments = {"vault_password_files": [str(passphrase)], "vault_ids": [f"all@{script}", "all@prompt"]}
    monkeypatch.setattr(context, "CLIARGS", arguments)
    for folder_mode, file_mode, expected in (
        (0o770, 0o644, ["may replace the key files", "may read the passphrase"]),
        (0o700, 0o640, []),
    ):
        warnings.clear()
        tmp_path.chmod(folder_mode)
        passphrase.chmod(file_mode)
        store(integration_store_dir=str(tmp_path))
        assert len(warnings) == len(expected), warnings
        assert all(part in text for part, text in zip(expected, warnings, strict=True))
        assert all("chmod" in text for text in warnings)


def test_a_technicians_own_record_is_one_file_of_the_tenant():
    assert store("sync/anna", integration_store="sops").place == "/inv/connectwise_keys/north/sync@anna.sops.json"
    assert store("sync/anna", integration_store="hashi_vault").place == "secret/connectwise/north/sync/anna"


def test_a_path_of_ones_own_may_name_tenant_and_record():
    path = "psa/{{ integration_store_tenant }}-{{ integration_record_name }}"
    found = store(
        integration_store="hashi_vault", integration_hashi_vault_path=path, integration_hashi_vault_mount="kv"
    )
    assert found.place == "kv/psa/north-sync"
    assert store(integration_store="sops", integration_sops_path="~/x.json").place.endswith("/x.json")
    assert "~" not in store(integration_store="sops", integration_sops_path="~/x.json").place


@pytest.mark.parametrize("kind", ["hashi_vault", "sops"])
def test_a_path_that_leaves_the_tenants_place_is_refused(kind):
    variables = {"integration_store": kind, f"integration_{kind}_path": "../south/sync"}
    assert "would leave the store" in told(store, **variables)
    assert "would leave" in told(store, integration_store=kind, integration_store_tenant="a/b")


def test_the_settle_time_reaches_the_store():
    assert store(integration_store="sops", integration_store_settle=9).settle == 9.0


DESCRIPTION = {
    "place": "mine <tenant>/<name>",
    "read": {"lookup": "a.b.c"},
    "write": {"module": "a.b.c"},
    "delete": {"module": "a.b.c"},
}


def test_a_users_own_mapping_and_file(tmp_path):
    found = store(integration_store=DESCRIPTION)
    assert (type(found), found.place) == (Described, "mine north/sync")
    assert settings(integration_store=DESCRIPTION).store_name == "described"
    file = tmp_path / "store.yml"
    file.write_text(yaml.safe_dump(DESCRIPTION), encoding="utf-8")
    assert store(integration_store=str(file)).place == "mine north/sync"


def test_a_users_own_store_that_is_none_is_told(tmp_path):
    assert "integration_store has the unknown word reed" in told(store, integration_store={**DESCRIPTION, "reed": 1})
    assert f"{tmp_path} is a directory; task files as a store" in told(store, integration_store=str(tmp_path))
    assert "cannot be read" in told(store, integration_store=str(tmp_path / "none.yml"))
    file = tmp_path / "store.yml"
    file.write_text("a: [", encoding="utf-8")
    assert "cannot be read" in told(store, integration_store=str(file))
    file.write_text("- list", encoding="utf-8")
    assert f"{file} is no description" in told(store, integration_store=str(file))
    assert '"vaulted_fil" is not a store; did you mean vaulted_file?' in told(store, integration_store="vaulted_fil")


def test_without_an_inventory_file_the_default_store_wants_a_directory():
    everything = {"inventory_hostname": "north", "inventory_dir": None}
    with pytest.raises(StoreError, match="set integration_store_dir"):
        maker().store(settings_of(everything, resolver(everything)), "sync", everything, resolver(everything))


def test_what_was_returned_to_the_play_is_the_record_of_no_store():
    returned = {"sync": {"current": {"public_key": "p"}}}
    assert store(integration_store="none", connectwise_returned_keys=returned).read() == returned["sync"]


# Keys that a person has made

KEY = {"member": "Sync", "public_key": " pub ", "private_key": "secret-half"}


def test_a_file_of_keys_is_read_and_trimmed(tmp_path):
    file = tmp_path / "keys.yml"
    file.write_text("x", encoding="utf-8")
    assert _given_keys.read(lambda _path: [KEY], str(file)) == [{**KEY, "public_key": "pub"}]


def test_a_file_is_where_the_command_is_typed(tmp_path, monkeypatch):
    (tmp_path / "keys.yml").write_text("x", encoding="utf-8")
    monkeypatch.setenv("PWD", str(tmp_path))
    assert _given_keys.read(lambda path: [{**KEY, "member": str(path)}], "keys.yml")[0]["member"] == str(
        tmp_path / "keys.yml"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "holds no list of keys"),
        ("text", "holds no list of keys"),
        ({"a": 1}, "holds no list of keys"),
        (["text"], "entry 1 is not a mapping"),
        ([KEY, {**KEY, "private_key": 17}], "entry 2 has no text as private_key"),
        ([{**KEY, "public_key": " "}], "entry 1 has no text as public_key"),
        ([{"tenant": "x"}], "no text as member, public_key, private_key"),
    ],
)
def test_a_file_that_holds_no_keys_is_told_without_its_content(tmp_path, content, said):
    file = tmp_path / "keys.yml"
    file.write_text("x", encoding="utf-8")
    message = told(_given_keys.read, lambda _path: content, str(file))
    assert said in message
    assert "secret-half" not in message


@pytest.mark.parametrize(
    ("words", "said"), [("Decryption failed (vault)", "it is vaulted"), ("secret-half", "no YAML")]
)
def test_a_file_that_cannot_be_read_is_not_quoted(tmp_path, words, said):
    file = tmp_path / "keys.yml"
    file.write_text("x", encoding="utf-8")

    def broken(_path):
        raise AnsibleError(words)

    message = told(_given_keys.read, broken, str(file))
    assert said in message
    assert "secret-half" not in message


def test_a_file_that_is_not_there_or_not_named():
    assert "no file of keys was named" in told(_given_keys.read, None, "")
    assert "there is no file /nowhere/keys.yml" in told(_given_keys.read, _files.read_text, "/nowhere/keys.yml")
    assert "/dev/zero is a device, and not a file" in told(_given_keys.read, _files.read_text, "/dev/zero")


@pytest.mark.parametrize(
    ("text", "clear"),
    [
        ("$ANSIBLE_VAULT;1.1;AES256\n6162", False),
        ("- private_key: !vault |\n    $ANSIBLE_VAULT;1.1;AES256\n    6162\n", False),
        ("- private_key: abc\n", True),
        ("- public_key: !vault |\n    $ANSIBLE_VAULT;1.1;AES256\n    6162\n  private_key: abc\n", True),
        ('[{"private_key": "abc"}]', True),
        ("- private_key: !vault |\n    $ANSIBLE_VAULT;1.1;AES256\n    6162\n- private_key: abc\n", True),
    ],
)
def test_a_file_in_clear_text_is_told_from_a_vaulted_one(tmp_path, text, clear):
    (tmp_path / "keys.yml").write_text(text, encoding="utf-8")
    assert _given_keys.in_clear_text(tmp_path / "keys.yml") is clear


def integration(tenant, *members, store_tenant="", **more):
    keys = [SimpleNamespace(member={"identifier": name}) for name in members]
    values = {"store_tenant": store_tenant or tenant, "mode": "converge", "state": "present", "rotate": False, **more}
    return SimpleNamespace(
        vendor="sync",
        site=SimpleNamespace(name=tenant),
        settings=SimpleNamespace(report_dir="/reports", **values),
        profile=SimpleNamespace(keys=keys, product="Example Sync"),
        stored_since=lambda member, _time: member == "Stored",
    )


def takers(*integrations, **left):
    """Tenants of integrations. left: tenant -> the members that the tasks of roles make, or None."""
    tenants = [Tenant(one.site.name, settings=one.settings, integrations=[one]) for one in integrations]
    return [*map(_given_keys.taker, tenants), *(_given_keys.taker(Tenant(name), found) for name, found in left.items())]


def test_a_tenant_that_is_left_to_tasks_excuses_its_own_keys_only():
    ours = takers(integration("north", "Sync"), west=["Petra"], far=None)
    keys = [{**KEY, "public_key": "public", "member": "Synk", **where} for where in ({}, {"tenant": "far"})]
    assert _given_keys.untaken(keys, ours) == ""
    assert "did you mean Sync?" in _given_keys.untaken([{**keys[0], "tenant": "north"}], ours)
    assert "did you mean Petra?" in _given_keys.untaken([{**keys[0], "tenant": "west", "member": "Petrra"}], ours)
    broken = _given_keys.taker(Tenant("sick", broken=[IntegrationResult("sync", error="no")]))
    assert _given_keys.untaken([{**keys[0], "tenant": "sick"}], [*ours, broken]) == ""


def test_keys_are_stored_if_a_step_says_so(tmp_path):
    keys = [{**KEY, "tenant": name} for name in ("north", "south", "west")]
    note = _given_keys.Note("store_key", keys=_given_keys.marked(keys))
    for key, state, public in ((keys[0], "valid", "pub"), (keys[1], "refused", "pub"), (keys[2], "valid", "another")):
        _given_keys.note_stored(str(tmp_path), key, {"api_key": {"state": state, "public_key": public}})
    assert [one.partition("… ")[2] for one in _given_keys.not_stored(str(tmp_path), note)] == [
        "of Sync on south",
        "of Sync on west",
    ]


def test_a_vaulted_value_is_taken():
    class Vaulted:
        _ciphertext = "6162"

        def __str__(self):
            return "opened"

    (key,) = _given_keys.checked([{"member": "Sync", "public_key": Vaulted(), "private_key": Vaulted()}], "it")
    assert (key["public_key"], key["private_key"]) == ("opened", "opened")


def test_every_key_has_a_taker():
    ours = takers(integration("north", "Sync", store_tenant="n1"), integration("south", "Sync", "Other"))
    taken = [{**KEY, "public_key": "public", **where} for where in ({}, {"tenant": "NORTH"}, {"tenant": "n1"})]
    assert _given_keys.untaken(taken, ours) == ""


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"member": "Synk"}, "publ… of Synk (did you mean Sync?)"),
        ({"member": "Zzz", "tenant": "south"}, "publ… of Zzz on south (its members are Other, Sync)"),
        ({"tenant": "west"}, "publ… of Sync on west (no such tenant in this run)"),
        ({"member": "Other", "tenant": "north"}, "publ… of Other on north (its members are Sync)"),
    ],
)
def test_a_key_that_nobody_takes_is_told(wrong, said):
    ours = takers(integration("north", "Sync"), integration("south", "Sync", "Other"))
    found = _given_keys.untaken([{**KEY, "public_key": "public", **wrong}], ours)
    assert said in found
    assert "public" not in found


class Person:
    """Somebody at a terminal, whose answers are given one after the other; said: what was shown."""

    def __init__(self, *answers):
        self.answers, self.asked, self.said = list(answers), [], []

    def ask(self, question):
        self.asked.append(question)
        return self.answers.pop(0)

    def say(self, line):
        self.said.append(line)


def waiting(*members, states=()):
    """Keys of north that are waited for. states: what the tenant says of each pair, in their order."""
    left = list(states)
    tenant = SimpleNamespace(tried=lambda _member, _pair: left.pop(0))
    return [_given_keys.Waiting("north", name, "Example Sync", tenant) for name in members]


def typed(member, public="pub1", private="secret-half"):
    return {"tenant": "north", "member": member, "public_key": public, "private_key": private}


def test_a_person_is_asked_for_the_keys_that_work_orders_wait_for():
    person = Person("pub1", "secret-half", "")
    found = _given_keys.asked_for(waiting("Sync", "Other", states=["valid"]), person)
    assert found == [typed("Sync")]
    assert [line.partition(" (not shown")[0] for line in person.asked] == [
        "Public key of Sync (Example Sync) on north",
        "Private key of Sync (Example Sync) on north",
        "Public key of Other (Example Sync) on north",
    ]
    assert person.said[-1] == "Other (Example Sync) on north is left out."


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("swapped", "the two halves are swapped"),
        ("foreign", "this key is another member's"),
        ("refused", "the tenant refuses this key"),
    ],
)
def test_a_pair_that_the_tenant_does_not_take_is_asked_for_again(state, said):
    person = Person("secret-half", "pub1", "a b", "c", "pub1", "secret-half")
    found = _given_keys.asked_for(waiting("Sync", states=[state, "valid"]), person)
    assert found == [typed("Sync")]
    assert said in person.said[0]
    assert "has blanks" in person.said[1]
    assert "secret-half" not in "".join(person.said)


def test_after_three_tries_the_run_fails_with_what_was_typed_last_and_the_next_is_asked_for():
    person = Person("a", "b", "c", "d", "e", "f", "pub1", "secret-half")
    found = _given_keys.asked_for(waiting("Sync", "Other", states=["refused"] * 3 + ["valid"]), person)
    assert found == [typed("Sync", "e", "f"), typed("Other")]


def test_an_empty_private_half_is_asked_for_again():
    person = Person("pub1", "", "", "secret-half")
    assert _given_keys.asked_for(waiting("Sync", states=["valid"]), person) == [typed("Sync")]
    assert "private key" not in " ".join(person.said)
    person = Person("pub1", "", "", "", "")
    assert _given_keys.asked_for(waiting("Sync"), person) == []
    assert "nothing was given as the private key" in person.said[0]


def test_a_tenant_that_cannot_be_asked_is_not_said_to_take_a_key():
    def away(_member, _pair):
        raise PsaError("the tenant is away")

    person = Person("pub1", "secret-half")
    waits = [_given_keys.Waiting("north", "Sync", "Example Sync", SimpleNamespace(tried=away))]
    assert _given_keys.asked_for(waits, person) == [typed("Sync")]
    assert person.said == ["The key of Sync (Example Sync) on north could not be tried now. The run tries it again."]


def test_what_waits_is_what_the_work_orders_say(tmp_path):
    one = integration("north", "Sync", "Other", "Stored")
    tenant = Tenant("north", directory=str(tmp_path), integrations=[one], left_to_tasks={"acme.psa.away": "ssh"})
    orders = {"sync": ("Sync", "Gone", "Stored"), "away": ("Away",)}
    (tmp_path / "north").mkdir()
    for vendor, members in orders.items():
        steps = [{"kind": "create_key", "member": name} for name in members]
        entry = {
            "status": "pending",
            "time": "",
            "product": "Far",
            "manual_steps": [{"kind": "role_permission"}, *steps],
        }
        (tmp_path / "north" / f"{vendor}.json").write_text(json.dumps(entry), encoding="utf-8")
    found = _given_keys.waiting_for([tenant, Tenant("south", directory=str(tmp_path))])
    assert [(key.place, key.integration) for key in found] == [
        ("Sync (Example Sync) on north", one),
        ("Away (Far) on north", None),
    ]


def entry(**more):
    step = {"kind": "create_key", "member": "Sync"}
    return {"tenant": "north", "status": "pending", "changed": False, "manual_steps": [step], **more}


@pytest.mark.parametrize(
    ("entries", "left"),
    [
        ([entry()], True),
        ([entry(manual_steps=[])], False),
        ([entry(tenant="south")], False),
        ([entry(), entry(tenant="south", changed=True)], False),
        ([], False),
    ],
)
def test_a_run_that_asked_nobody_fails_if_it_did_nothing_else(tmp_path, entries, left):
    assert _given_keys.remembered(str(tmp_path)) is None
    _given_keys.remember(str(tmp_path), _given_keys.Note("finish", unasked=[["north", "Sync", "Example Sync"]]))
    found = _given_keys.unasked(_given_keys.remembered(str(tmp_path)), entries)
    assert bool(found) is left
    somebody = _given_keys.Note("finish", unasked=[["north", "Sync", "Example Sync"]], asked=True)
    assert _given_keys.unasked(somebody, entries) == []
    assert "Sync on north" in _given_keys.nothing_done([["north", "Sync", "Example Sync"]])


def test_the_file_that_is_to_be_written_is_one_that_is_read():
    keys = [["north", "Sync", "Example Sync"], ["a: b", "O'ther", "Other"]]
    lines = _given_keys.not_asked(keys, "ansible-playbook finish")
    found = _given_keys.checked(yaml.safe_load("\n".join(lines[1:-1])), "it")
    assert [(key["tenant"], key["member"]) for key in found] == [("north", "Sync"), ("a: b", "O'ther")]
    assert lines[-1] == "Then run: ansible-playbook finish"


# The word


def required(said="", subset=None, extra=None, monkeypatch=None, **values):
    monkeypatch.setattr(context, "CLIARGS", {"subset": subset})
    monkeypatch.setattr(_confirm, "load_extra_vars", lambda _loader: extra or {})
    tenants = []
    for name in ("north", "south", "broken"):
        one = integration(name, "Sync", **values)
        tenants.append(SimpleNamespace(name=name, integrations=[one], left_to_tasks={}, settings=one.settings))
    # What is left to the tasks of the role asks nobody, so it counts too; what cannot be done does not.
    tenants[1].integrations, tenants[1].left_to_tasks = [], {"sync": "the connection is ssh"}
    tenants[2].settings = None
    _confirm.require(said, tenants, None)


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"state": "absent"}, "offboard-all"),
        ({"rotate": True}, "rotate-all"),
        ({"state": "absent", "rotate": True}, "offboard-all"),
    ],
)
def test_taking_away_from_all_wants_the_word(monkeypatch, values, word):
    message = told(required, monkeypatch=monkeypatch, **values)
    assert "2 integrations: 1 vendor on 2 tenants; nothing was done" in message
    assert f"cw_confirm={word}" in message
    other = "rotate-all" if word == "offboard-all" else "offboard-all"
    assert f"cw_confirm={word}" in told(required, said=other, monkeypatch=monkeypatch, **values)
    for everybody in ("all", "*", ["all"], "- all\r\n", "'all'", "all,all"):
        extra = {"cw_hosts": everybody}
        assert f"cw_confirm={word}" in told(required, extra=extra, monkeypatch=monkeypatch, **values)
    required(said=word, monkeypatch=monkeypatch, **values)
    required(subset="north", monkeypatch=monkeypatch, **values)
    required(extra={"cw_integrations": "sync"}, monkeypatch=monkeypatch, **values)
    required(extra={"cw_hosts": "north"}, monkeypatch=monkeypatch, **values)


@pytest.mark.parametrize("values", [{}, {"mode": "audit", "state": "absent"}, {"mode": "store_key", "rotate": True}])
def test_what_takes_nothing_away_wants_no_word(monkeypatch, values):
    required(monkeypatch=monkeypatch, **values)


def test_a_wrong_setting_is_an_input_error():
    with pytest.raises(InputError):
        settings(integration_lease=-1)


@pytest.mark.parametrize(
    ("said", "mode"),
    [(None, 0o600), ("0640", 0o640), ("0644", 0o644), ("660", 0o660), (416, 0o640), ("416", 0o640), (384, 0o600)],
)
def test_the_mode_of_reports(said, mode):
    variables = HOST if said is None else {**HOST, "integration_report_mode": said}
    assert settings_of(variables, variables.get).file_mode == mode


@pytest.mark.parametrize("said", [412, 999, "0646", "0740", "0040", "0400", "rw", "", "0o640", "07777"])
def test_a_mode_of_reports_that_is_none(said):
    variables = {**HOST, "integration_report_mode": said}
    with pytest.raises(InputError, match='write four octal digits in quotes, such as "0640"'):
        settings_of(variables, variables.get)


def test_paths_of_a_store_stay_readable():
    _settings._register_options(
        {
            "token_path": "/home/me/.vault-secret",
            "password_file": "/etc/pass1word",
            "token": "Tok3n-of-store",
            "secret_id": "vendors",
        }
    )
    text = "/home/me/.vault-secret /etc/pass1word vendors"
    assert redact(f"{text} Tok3n-of-store") == f"{text} ********"
