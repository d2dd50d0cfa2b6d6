# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vaulted file of a tenant: what it refuses, with which words, and that writers at once lose nothing."""

from __future__ import annotations

import errno
import fcntl
import json
import tempfile
import threading

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.msp.connectwise.plugins.plugin_utils._controller import decrypted
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_file import FORMAT, KeyFile, StoreError

RECORD = {"vendor": "zofiq", "current": {"public_key": "p", "private_key": "q"}}


def vault(passphrase):
    return VaultLib([("default", VaultSecret(passphrase))] if passphrase else [])


def store(directory, tenant="north", passphrase=b"one", **more):
    lib = vault(passphrase)
    return KeyFile(str(directory), tenant, lib.encrypt, lambda data: decrypted(lib, data), **more)


def said(call, *arguments):
    """The message, which says the problem and what to do, and never a secret."""
    with pytest.raises(StoreError) as problem:
        call(*arguments)
    message = str(problem.value)
    assert message.startswith("key store: ")
    assert "What to do: " in message
    assert "q" not in message.split()
    return message


def test_it_keeps_what_it_is_given_in_a_file_of_its_owner_alone(tmp_path):
    directory = tmp_path / "keys"
    assert store(directory).read("zofiq") == {}
    assert store(directory).write("zofiq", RECORD, 0) == 1
    assert store(directory).read("zofiq") == {**RECORD, "version": 1}
    file = directory / "north.yml"
    assert file.stat().st_mode & 0o777 == 0o600
    assert directory.stat().st_mode & 0o777 == 0o700
    assert file.read_bytes().startswith(b"$ANSIBLE_VAULT;")
    assert sorted(path.name for path in directory.iterdir()) == [".north.yml.lock", "north.yml"]


def test_a_write_of_another_version_is_refused(tmp_path):
    store(tmp_path).write("zofiq", RECORD, 0)
    assert "changed by another run (version 1, read as 0)" in said(store(tmp_path).write, "zofiq", RECORD, 0)
    assert store(tmp_path).write("zofiq", RECORD, 1) == 2


def test_the_last_record_takes_the_file_along(tmp_path):
    store(tmp_path).write("zofiq", RECORD, 0)
    store(tmp_path).write("petra", RECORD, 0)
    assert store(tmp_path).delete("zofiq")
    assert not store(tmp_path).delete("zofiq")
    assert store(tmp_path).read("petra")["version"] == 1
    assert store(tmp_path).delete("petra")
    assert not (tmp_path / "north.yml").exists()


@pytest.mark.parametrize("tenant", ["", "..", ".hidden", "a/b", "../north", "a\\b", "a\0b"])
def test_a_name_that_leaves_the_directory_is_refused(tmp_path, tenant):
    assert "would leave the directory" in said(store, tmp_path, tenant)


def test_a_link_is_refused(tmp_path):
    (tmp_path / "north.yml").symlink_to(tmp_path / "elsewhere")
    assert "is a symbolic link" in said(store, tmp_path)


def test_a_file_open_to_everybody_is_refused_unless_that_is_wanted(tmp_path):
    store(tmp_path).write("zofiq", RECORD, 0)
    (tmp_path / "north.yml").chmod(0o644)
    assert "open to every user" in said(store(tmp_path).read, "zofiq")
    assert store(tmp_path, allow_readable=True).read("zofiq")


@pytest.mark.parametrize("mode", [0o777, 0o707, 0o1777])
def test_a_folder_that_everybody_may_write_is_refused_unless_that_is_wanted(tmp_path, mode):
    directory = tmp_path / "keys"
    store(directory).write("zofiq", RECORD, 0)
    directory.chmod(mode)
    for call in (lambda keys: keys.read("zofiq"), lambda keys: keys.check(write=False)):
        told = said(call, store(directory))
        assert f"because {directory} is open to all (mode {mode:04o}). What to do: chmod o-w {directory}" in told
        call(store(directory, allow_readable=True))


@pytest.mark.parametrize(("mode", "refused"), [(0o777, True), (0o1777, False), (0o775, False)])
def test_a_folder_above_must_not_be_open_either_unless_it_is_sticky(tmp_path, mode, refused):
    above = tmp_path / "above"
    above.mkdir()
    above.chmod(mode)
    (tmp_path / "link").symlink_to(above)
    for directory in (above / "keys", tmp_path / "link" / "keys"):
        if refused:
            assert f"because {above} is open to all" in said(store(directory).write, "zofiq", RECORD, 0)
            assert not directory.exists() or not list(directory.glob("*.yml"))
        else:
            store(directory).write("zofiq", RECORD, None)


def test_a_file_system_without_locks_is_told_as_such(tmp_path, monkeypatch):
    def refuse(_handle, _operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    told = said(store(tmp_path).write, "zofiq", RECORD, 0)
    assert f"the file system of {tmp_path} does not support locks (No locks available)" in told
    assert "integration_store_dir" in told
    assert "another run" not in told
    assert not (tmp_path / "north.yml").exists()


def test_another_passphrase_is_told(tmp_path):
    store(tmp_path).write("zofiq", RECORD, 0)
    before = (tmp_path / "north.yml").read_bytes()
    told = said(store(tmp_path, passphrase=b"two").read, "zofiq")
    assert told.startswith(f"key store: {tmp_path}/north.yml: the file cannot be decrypted: the passphrase is wrong")
    assert "the passphrase is wrong" in said(store(tmp_path, passphrase=b"two").write, "petra", RECORD, 0)
    assert "no vault passphrase" in said(store(tmp_path, passphrase=None).read, "zofiq")
    assert (tmp_path / "north.yml").read_bytes() == before


def test_a_mistyped_passphrase_is_told_before_the_first_key_of_a_tenant(tmp_path):
    store(tmp_path).write("zofiq", RECORD, 0)
    (tmp_path / "notes.yml").write_text("plain: text\n")
    for write in (True, False):
        told = said(lambda write=write: store(tmp_path, "south", b"two").check(write=write))
        assert "does not decrypt the key files of other tenants" in told
        store(tmp_path, "south").check(write=write)
        store(tmp_path, "south", b"two", own_passphrase=True).check(write=write)
    store(tmp_path / "empty", "south", b"two").check(write=True)


@pytest.mark.parametrize("left", [600, 0, None])
def test_a_damaged_file_is_told_and_left_alone(tmp_path, left):
    store(tmp_path).write("zofiq", RECORD, 0)
    file = tmp_path / "north.yml"
    damaged = b"plain text" if left is None else file.read_bytes()[:left]
    file.write_bytes(damaged)
    assert "damaged" in said(store(tmp_path).read, "zofiq")
    assert "damaged" in said(store(tmp_path).write, "zofiq", RECORD, 1)
    assert file.read_bytes() == damaged


@pytest.mark.parametrize("text", ["[]", "{}", '{"format": "other", "tenant": "north", "integrations": {}}', "no json"])
def test_another_kind_of_vaulted_file_is_told(tmp_path, text):
    (tmp_path / "north.yml").write_bytes(vault(b"one").encrypt(text))
    (tmp_path / "north.yml").chmod(0o600)
    assert "damaged or not a key store" in said(store(tmp_path).read, "zofiq")


def test_the_file_of_another_tenant_is_told(tmp_path):
    content = json.dumps({"format": FORMAT, "tenant": "europe", "integrations": {"zofiq": RECORD}})
    (tmp_path / "north.yml").write_bytes(vault(b"one").encrypt(content))
    (tmp_path / "north.yml").chmod(0o600)
    assert "holds the keys of tenant europe, not of north" in said(store(tmp_path).read, "zofiq")


def test_a_place_that_takes_no_directory_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    assert "cannot be written" in said(store(tmp_path / "file").write, "zofiq", RECORD, 0)


def test_what_a_killed_run_left_goes_with_the_next_write(tmp_path):
    store(tmp_path).write("zofiq", RECORD, 0)
    left = tmp_path / ".north.yml.abc_1234"
    left.write_text("half", encoding="utf-8")
    # What another tenant's run is writing this moment, also if the names begin alike or mean something to a shell.
    others = [tmp_path / name for name in (".north.yml.yml.abc_1234", ".north.yml.x.yml.abc_1234", ".x.yml.abc_1234")]
    for other in others:
        other.write_text("whole in a moment", encoding="utf-8")
    store(tmp_path).write("zofiq", RECORD, 1)
    store(tmp_path, "*").write("zofiq", RECORD, 0)
    assert not left.exists()
    assert all(other.exists() for other in others)


def test_a_new_passphrase(tmp_path):
    store(tmp_path).write("zofiq", RECORD, 0)
    old, new = VaultSecret(b"one"), VaultSecret(b"two")
    both = VaultLib([("old", old), ("new", new)])
    keys = KeyFile(
        str(tmp_path),
        "north",
        lambda text: both.encrypt(text, secret=new, vault_id="new"),
        lambda data: decrypted(both, data),
    )
    assert keys.rekey()
    assert store(tmp_path, passphrase=b"two").read("zofiq") == {**RECORD, "version": 1}
    assert "the passphrase is wrong" in said(store(tmp_path).read, "zofiq")
    assert not store(tmp_path / "none").rekey()


def test_writers_at_once_lose_nothing(tmp_path):
    problems = []

    def work(name):
        try:
            for version in range(6):
                store(tmp_path).write(name, {**RECORD, "n": version}, version)
        except StoreError as problem:
            problems.append(problem)

    threads = [threading.Thread(target=work, args=(f"vendor{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert problems == []
    assert [store(tmp_path).read(f"vendor{number}")["n"] for number in range(4)] == [5] * 4


def test_a_read_only_directory_is_told(tmp_path, monkeypatch):
    def refuse(*_arguments, **_more):
        raise PermissionError(errno.EACCES, "Permission denied")

    store(tmp_path).write("zofiq", RECORD, 0)
    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    assert "cannot be written (Permission denied)" in said(store(tmp_path).write, "zofiq", RECORD, 1)
    assert store(tmp_path).read("zofiq")["version"] == 1
