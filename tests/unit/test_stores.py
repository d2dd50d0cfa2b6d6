# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key stores behind their port: which module or lookup is asked with what, how its answer is read, what is told."""

from __future__ import annotations

import json
import os
import signal
import sys
import time

import pytest

from ansible_collections.msp.connectwise.plugins.plugin_utils._command_store import Command, Where
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_file import KeyFile, StoreError
from ansible_collections.msp.connectwise.plugins.plugin_utils._stores import (
    Described,
    LookupFailed,
    NoStore,
    VaultedFile,
    check_place,
    checked_description,
    shipped,
    unknown_store,
)

RECORD = {"vendor": "sync", "current": {"public_key": "pub7", "private_key": "secret-half"}}


class Outside:
    """Modules and lookups that answer from a script, and remember what they were given."""

    def __init__(self, *answers):
        self.answers, self.calls = list(answers), []

    def _answer(self, *call):
        self.calls.append(call)
        if not self.answers:
            return {}
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def run_module(self, name, arguments):
        return self._answer(name, arguments)

    def run_lookup(self, name, terms, options):
        return self._answer(name, terms, options)


def told(call, *arguments, **more):
    with pytest.raises(StoreError) as problem:
        call(*arguments, **more)
    message = str(problem.value)
    assert message.startswith("key store: ")
    assert "What to do: " in message
    assert "secret-half" not in message
    return message


# HashiCorp Vault, as it is described

PLACE = Where("north", "sync", "connectwise/north/sync", "kv", {"url": "https://vault", "token": "t"}, 3.0)


def vault(*answers):
    outside = Outside(*answers)
    return Described(shipped()["hashi_vault"], PLACE, outside), outside


def answered(record, version):
    return {"secret": record, "metadata": {"version": version}}


def test_a_vault_is_read_with_the_lookup_and_written_with_the_version_read():
    store, outside = vault(answered(RECORD, 4))
    assert (store.read(), store.place, store.guarded, store.settle) == (RECORD, "kv/connectwise/north/sync", True, 3.0)
    store.write({"new": 1})
    options = {"url": "https://vault", "token": "t", "engine_mount_point": "kv"}
    path = {"path": "connectwise/north/sync"}
    assert outside.calls == [
        ("community.hashi_vault.vault_kv2_get", ["connectwise/north/sync"], options),
        ("community.hashi_vault.vault_kv2_write", {**options, **path, "data": {"new": 1}, "cas": 4}),
    ]


def test_a_vault_without_the_record_is_written_as_version_0():
    store, outside = vault(LookupFailed("Invalid or missing path ['connectwise/north/sync']"))
    assert store.read() == {}
    store.write(RECORD)
    assert outside.calls[-1][1]["cas"] == 0


def test_a_removed_record_is_none_but_counts_versions():
    store, outside = vault(answered({"removed": True}, 9))
    assert store.read() == {}
    store.write(RECORD)
    assert outside.calls[-1][1]["cas"] == 9


def test_a_vault_forgets_all_versions():
    store, outside = vault(answered(RECORD, 2))
    store.read()
    store.delete()
    write, delete = outside.calls[1:]
    assert (write[1]["data"], write[1]["cas"]) == ({"removed": True}, 2)
    assert delete == (
        "community.hashi_vault.vault_kv2_delete",
        {
            "url": "https://vault",
            "token": "t",
            "engine_mount_point": "kv",
            "path": "connectwise/north/sync",
            "versions": [1, 2],
        },
    )


@pytest.mark.parametrize(
    ("said", "problem", "remedy"),
    [
        ("permission denied, on get", "permission denied", "read, create and update"),
        ("Forbidden: path", "permission denied", "read, create and update"),
        ("Vault is sealed", "the server is sealed", "unseal it"),
        ("HTTPSConnectionPool: Max retries exceeded", "the server cannot be reached", "integration_hashi_vault (url"),
        ("something new", "read failed", "look at the server and at integration_hashi_vault"),
    ],
)
def test_what_a_vault_says_is_told_with_what_to_do(said, problem, remedy):
    store, _outside = vault(LookupFailed(said))
    message = told(store.read)
    assert f"https://vault and the record kv/connectwise/north/sync: {problem}" in message
    assert remedy in message


def test_a_write_that_lost_is_told():
    store, _outside = vault(answered(RECORD, 1), {"failed": True, "msg": "InvalidRequest writing to 'x'"})
    store.read()
    assert "another run has written it meanwhile" in told(store.write, RECORD)


ECHOED = 'odd: {"current": {"private_key": "secret-half"}} c2VjcmV0LWhhbGY='


@pytest.mark.parametrize("kind", ["hashi_vault", "sops", "own"])
def test_a_message_never_holds_what_the_store_said(kind):
    """On a read it may be the key that works, which nobody could cut out of it."""
    failed = {"failed": True, "msg": ECHOED, "module_stderr": ECHOED, "exception": ECHOED}
    description, where = (OWN, FILE) if kind == "own" else (shipped()[kind], FILE if kind == "sops" else PLACE)
    read = failed if kind == "own" else LookupFailed(ECHOED)
    for operation, answer in (("read", read), ("write", failed), ("delete", failed)):
        store = Described(description, where, Outside(answer))
        message = told(getattr(store, operation), *([RECORD] if operation == "write" else []))
        assert "odd" not in message
        assert "c2VjcmV0" not in message
        assert "by hand" in message or operation != "read"


def test_a_module_that_is_not_there_is_told():
    said = "The module acme.vault.get was not found in configured module paths"
    store, _outside = own({"failed": True, "msg": said})
    assert "read failed: acme.vault.get is not installed. What to do: install its collection" in told(store.read)


def test_the_servers_user_is_not_named():
    where = Where("north", "sync", "p", "kv", {"url": "https://user:secret-half@vault:8200"})
    store = Described(shipped()["hashi_vault"], where, Outside(LookupFailed("sealed")))
    assert "https://vault:8200 and the record" in told(store.read)


# sops, as it is described

FILE = Where(
    "north", "sync", "/keys/north/sync.sops.json", "", {"age": ["age1"], "age_keyfile": "/id", "other": 1}, 2.0
)


def test_sops_is_given_what_each_of_its_modules_takes():
    outside = Outside(json.dumps(RECORD))
    store = Described(shipped()["sops"], FILE, outside)
    assert (store.read(), store.guarded, store.place) == (RECORD, False, FILE.path)
    store.write(RECORD)
    store.delete()
    assert outside.calls == [
        ("community.sops.sops", [FILE.path], {"age_keyfile": "/id", "empty_on_not_exist": True}),
        ("ansible.builtin.file", {"path": "/keys/north", "state": "directory", "mode": "0700"}),
        (
            "community.sops.sops_encrypt",
            {
                "age": ["age1"],
                "age_keyfile": "/id",
                "path": FILE.path,
                "content_json": RECORD,
                "force": True,
                "mode": "0600",
            },
        ),
        ("ansible.builtin.file", {"path": FILE.path, "state": "absent"}),
    ]


def test_sops_without_a_file_has_no_record_and_an_empty_file_is_damage(tmp_path):
    """The lookup may answer to both with an empty text."""
    place = Where("north", "sync", str(tmp_path / "sync.sops.json"))
    assert Described(shipped()["sops"], place, Outside("")).read() == {}
    (tmp_path / "sync.sops.json").touch()
    message = told(Described(shipped()["sops"], place, Outside("")).read)
    assert f"{tmp_path}/sync.sops.json holds no record: it is damaged" in message
    assert "restore the record from a backup" in message


@pytest.mark.parametrize(("operation", "what"), [("read", "it cannot be read"), ("write", "it cannot be written")])
def test_sops_in_trouble(operation, what):
    failure = LookupFailed("no key") if operation == "read" else {"failed": True, "msg": "no key"}
    store = Described(shipped()["sops"], FILE, Outside(failure))
    message = told(store.read) if operation == "read" else told(store.write, RECORD)
    assert f"{FILE.path}: {what}. What to do: " in message


def test_the_first_module_that_fails_ends_the_write():
    outside = Outside({"failed": True, "msg": "no room"})
    told(Described(shipped()["sops"], FILE, outside).write, RECORD)
    assert len(outside.calls) == 1


# A user's own

OWN = {
    "read": {
        "module": "acme.vault.get",
        "arguments": {"id": "<tenant>/<name>"},
        "record": "item.text",
        "missing": "404",
    },
    "write": {
        "module": "acme.vault.put",
        "arguments": {"id": "cw <tenant>", "text": "<json>", "deep": [{"r": "<record>"}]},
    },
    "delete": [{"module": "acme.vault.drop", "arguments": {"n": 3, "all": "<versions>", "at": "<version>-<mount>"}}],
}


def own(*answers, **more):
    outside = Outside(*answers)
    return Described({**OWN, **more}, Where("north", "sync", "/a/b", "kv"), outside), outside


def test_a_users_own_store():
    store, outside = own({"item": {"text": json.dumps(RECORD)}})
    assert (store.read(), store.place, store.guarded) == (RECORD, "north/sync", False)
    store.write(RECORD)
    store.delete()
    assert outside.calls == [
        ("acme.vault.get", {"id": "north/sync"}),
        ("acme.vault.put", {"id": "cw north", "text": json.dumps(RECORD), "deep": [{"r": RECORD}]}),
        ("acme.vault.drop", {"n": 3, "all": [], "at": "0-kv"}),
    ]


def test_paths_and_versions_are_placeholders_too():
    read = {"module": "m", "arguments": {"p": "<path>", "f": "<folder>"}, "version": "v"}
    store, outside = own({"v": 2}, read=read, compares_versions=True, place="<mount>:<path>")
    store.read()
    store.delete()
    assert (store.place, store.guarded) == ("kv:/a/b", True)
    assert outside.calls[0] == ("m", {"p": "/a/b", "f": "/a"})
    assert outside.calls[1][1] == {"n": 3, "all": [1, 2], "at": "2-kv"}


@pytest.mark.parametrize(
    "answer",
    [{"failed": True, "msg": "answered 404"}, {"item": {"text": "{}"}}, {"item": {"text": {}}}, {"item": {}}, {}],
)
def test_no_record(answer):
    assert own(answer)[0].read() == {}


def test_a_failure_that_is_not_described_is_told():
    message = told(own({"failed": True, "msg": "answered 500"})[0].read)
    assert "north/sync: read failed (acme.vault.get)" in message
    assert "how integration_store describes it, and run acme.vault.get by hand" in message


def test_a_failure_without_words_is_one():
    assert "read failed" in told(own(LookupFailed(""))[0].read)


def test_problems_may_be_of_one_operation():
    problems = [{"says": "50", "when": "write", "problem": "full", "remedy": "make room"}]
    assert "read failed" in told(own({"failed": True, "msg": "500"}, problems=problems)[0].read)
    assert "full. What to do: make room" in told(
        own({"failed": True, "msg": "500"}, problems=problems)[0].write, RECORD
    )


@pytest.mark.parametrize("text", ["no json", "[1]", '"text"', "17", "", " \n", "null", '{"current": {'])
def test_an_answer_that_is_no_record_is_told(text):
    message = told(own({"item": {"text": text}})[0].read)
    assert "north/sync holds no record: it is damaged. What to do: restore the record from a backup" in message
    assert "holds no record" in told(own({"item": {"text": [1]}})[0].read)


def test_an_unknown_placeholder_is_told():
    with pytest.raises(StoreError, match="unknown placeholder <tennant>") as problem:
        own(place="<tennant>")
    assert "<tenant>, <name>, <path>" in str(problem.value)


def test_whether_it_can_be_written_is_found_by_writing_what_is_there():
    store, outside = own({"item": {"text": json.dumps(RECORD)}})
    store.check(write=True)
    assert [call[0] for call in outside.calls] == ["acme.vault.get", "acme.vault.put"]
    assert outside.calls[1][1]["text"] == json.dumps(RECORD)
    store, outside = own()
    store.check(write=False)
    assert [call[0] for call in outside.calls] == ["acme.vault.get"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"reed": {}}, "has the unknown word reed; did you mean read?"),
        ({"read": None}, "x.read names no lookup or module"),
        ({"read": {"terms": []}}, "x.read names no lookup or module"),
        ({"write": {"lookup": "a.b.c"}}, "x.write names no module"),
        ({"delete": []}, "x.delete names no module"),
        ({"delete": [{"module": "a"}, "b"]}, "x.delete names no module"),
    ],
)
def test_a_description_that_is_none_is_told(change, said):
    assert said in told(checked_description, {**OWN, **change}, "x")


@pytest.mark.parametrize("description", [None, "text", [OWN]])
def test_what_is_no_mapping_is_told(description):
    assert "x is no description of a store" in told(checked_description, description, "x")


def test_the_descriptions_that_come_with_the_collection_are_ones():
    for name in ("hashi_vault", "sops"):
        assert checked_description(shipped()[name], name) is shipped()[name]
    assert checked_description(OWN, "x") is OWN


# A command


def command(directory, **more):
    script = (
        "import json, os, pathlib, sys\n"
        "tenant, name = os.environ['CW_STORE_TENANT'], os.environ['CW_STORE_NAME']\n"
        f"file = pathlib.Path({str(directory)!r}) / f'{{tenant}}.{{name}}'\n"
        "if sys.argv[1] == 'read': print(file.read_text())\n"
        "elif sys.argv[1] == 'write': file.write_text(sys.stdin.read())\n"
        "else: file.unlink()\n"
    )
    commands = {name: [sys.executable, "-c", script, name] for name in ("read", "write", "delete")}
    return Command({**commands, "missing": "No such file", **more}, Where("north", "sync", settle=7.0))


def test_a_command_keeps_a_record(tmp_path):
    store = command(tmp_path)
    assert (store.guarded, store.settle, store.place) == (False, 7.0, f"{sys.executable}: north/sync")
    assert store.read() == {}
    store.check(write=True)
    assert store.read() == {}
    store.write(RECORD)
    assert store.read() == RECORD
    assert json.loads((tmp_path / "north.sync").read_text(encoding="utf-8")) == RECORD
    store.delete()
    assert store.read() == {}
    store.check(write=False)
    assert not list(tmp_path.iterdir())


def test_a_command_may_say_where_it_keeps_it(tmp_path):
    assert command(tmp_path, place="pass cw/north").place == "pass cw/north"


@pytest.mark.parametrize(
    ("operation", "argv", "said"),
    [
        (
            "read",
            ["sh", "-c", "exit 3"],
            "the command that reads (sh) failed for north/sync: it ended with exit code 3",
        ),
        ("read", ["sh", "-c", "kill -9 $$"], "it was ended by signal 9"),
        ("read", ["echo", "no json"], "what it printed is no record"),
        ("read", ["echo", '{"current": {'], "what it printed is no record"),
        ("read", ["echo", "[]"], "what it printed is no record"),
        ("read", ["/nowhere/x"], "it cannot be run (FileNotFoundError)"),
        ("read", [], "the command that reads (none is set) failed"),
        ("write", ["sh", "-c", "exit 1"], "the command that writes (sh) failed"),
        ("delete", ["sh", "-c", "exit 1"], "the command that deletes (sh) failed"),
    ],
)
def test_a_command_in_trouble(tmp_path, operation, argv, said):
    store = command(tmp_path, **{operation: argv})
    arguments = [RECORD] if operation == "write" else []
    message = told(getattr(store, operation), *arguments)
    assert said in message
    assert "CW_STORE_TENANT=north CW_STORE_NAME=sync" in message


def test_what_a_command_says_is_never_shown(tmp_path):
    """It may quote the record: on a read the live key, on a write the one to be stored, in any form."""
    for operation, given in (("read", []), ("write", [RECORD]), ("delete", [])):
        store = command(tmp_path, **{operation: ["sh", "-c", "cat >&2; echo secret-half c2Vj >&2; exit 3"]})
        message = told(getattr(store, operation), *given)
        assert "c2Vj" not in message
        assert "exit code 3" in message
        assert f"integration_store_command.{operation} by hand with" in message


@pytest.mark.parametrize("printed", ["", " \n"])
def test_empty_output_is_no_missing_record(tmp_path, printed):
    """It is what a write leaves that was cut short."""
    message = told(command(tmp_path, read=["printf", printed]).read)
    assert "it printed nothing and ended with exit code 0, so the record is damaged" in message
    assert "restore the record from a backup" in message
    assert "where there is none, let it print {}" in message
    assert command(tmp_path, read=["echo", "{}"]).read() == {}


@pytest.mark.parametrize("memory", [True, False])
def test_a_command_has_its_whole_input_before_it_starts(tmp_path, monkeypatch, memory):
    """A cut pipe would leave an empty record. What it reads from has no name on any disk."""
    if not memory:
        monkeypatch.delattr(os, "memfd_create", raising=False)
    write = (
        f"ls -l /proc/self/fd/0 > '{tmp_path}/what'; stat -L -c %s /proc/self/fd/0 > '{tmp_path}/size'; cat > /dev/null"
    )
    command(tmp_path, write=["sh", "-c", write]).write(RECORD)
    assert int((tmp_path / "size").read_text(encoding="utf-8")) == len(json.dumps(RECORD))
    assert "deleted" in (tmp_path / "what").read_text(encoding="utf-8")


def test_a_command_goes_on_when_its_run_is_killed(tmp_path):
    """With all processes of the run's group, before the command has read a byte."""
    slow = ["sh", "-c", f"cd '{tmp_path}'; touch begun; sleep 0.5; cat > new; mv new record"]
    run = os.fork()
    if run == 0:
        os.setsid()
        command(tmp_path, write=slow).write(RECORD)
        os._exit(0)
    wait_for((tmp_path / "begun").exists)
    os.killpg(run, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(run, 0)[1]) == -signal.SIGKILL
    wait_for((tmp_path / "record").exists)
    assert json.loads((tmp_path / "record").read_text(encoding="utf-8")) == RECORD


def wait_for(done):
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_failure_is_no_missing_record_unless_that_is_said(tmp_path):
    assert "failed for north/sync" in told(command(tmp_path, missing=None).read)
    assert "failed" in told(command(tmp_path, missing="never said").read)


# No store


def test_without_a_store_a_key_is_returned_only_if_that_is_wanted():
    store = NoStore({}, "Sync", return_key=False)
    store.check(write=True)
    assert store.read() == {}
    message = told(store.write, RECORD)
    assert "a new key of Sync would be lost, and none was made" in message
    assert "integration_return_key: true" in message
    store = NoStore({}, "Sync", return_key=True)
    store.write(RECORD)
    assert (store.read(), store.record, store.guarded) == (RECORD, RECORD, True)
    store.delete()
    assert store.read() == {}


def test_what_an_earlier_task_returned_is_the_record():
    store = NoStore(RECORD, "Sync", return_key=False)
    assert store.read() == RECORD
    store.read()["current"] = None
    assert store.read() == RECORD


# The default store


def test_the_default_store_compares_the_version_it_has_read(tmp_path):
    def opened():
        file = KeyFile(str(tmp_path), "north", lambda text: text.encode(), lambda data: data.decode())
        return VaultedFile(file, "sync")

    one, other = opened(), opened()
    assert (one.read(), other.read(), one.guarded) == ({}, {}, True)
    assert one.place == f"{tmp_path}/north.yml#sync"
    one.write(RECORD)
    one.write(RECORD)
    assert "changed by another run" in told(other.write, RECORD)
    assert other.read() == {**RECORD, "version": 2}
    other.write(RECORD)
    assert other.read()["version"] == 3
    other.check(write=True)
    # A record that another run has written since is not taken out.
    one.read()
    other.write(RECORD)
    assert "changed by another run" in told(one.delete)
    other.delete()
    assert opened().read() == {}


# Names


@pytest.mark.parametrize(
    ("tenant", "place", "directory"),
    [
        ("", "connectwise//sync", ""),
        (".hidden", "x", ""),
        ("a/b", "connectwise/a/b/sync", ""),
        ("north", "connectwise/../south/sync", ""),
        ("north", "./sync", ""),
        ("..", "connectwise/../sync", ""),
        ("north", "/north/sync.sops.json", ""),
    ],
)
def test_a_place_outside_of_the_tenants_is_refused(tenant, place, directory):
    assert "would leave the store, or lies outside" in told(check_place, tenant, place, directory)


@pytest.mark.parametrize(
    ("place", "directory"),
    [("connectwise/north/sync", ""), ("sync", ""), ("/north/sync", "/keys"), ("a..b/north", ""), ("/srv/north/x", "")],
)
def test_a_place_of_the_tenants_is_taken(place, directory):
    assert check_place("north", place, directory) is None


def test_a_store_that_is_none_is_told():
    assert '"hashi_valt" is not a store; did you mean hashi_vault?' in str(unknown_store("hashi_valt"))
    assert "use one of vaulted_file, hashi_vault, sops, command, none, a mapping" in str(unknown_store("zzz"))
