# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values in a file of variables: ours are put in or replaced, everything else stays to the letter."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.msp.connectwise.plugins.plugin_utils import _host_vars as host_vars
from ansible_collections.msp.connectwise.plugins.plugin_utils._host_vars import HostVarsError

NEW = {"key": " new\n", "other": " more\n"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "key: new\nother: more\n"),
        ("---\n", "---\nkey: new\nother: more\n"),
        ("# a\na: 1 # one", "# a\na: 1 # one\nkey: new\nother: more\n"),
        ("key: old # the old one\na: 1\n", "key: new\na: 1\nother: more\n"),
        ("a: 1\nkey: !vault |\n  33\n  66\nb: 2\n", "a: 1\nkey: new\nb: 2\nother: more\n"),
        ("a: 1\nkey: old", "a: 1\nkey: new\nother: more\n"),
        ("key: old\n# c\nb: 1\nkey: older\n", "key: new\n# c\nb: 1\nother: more\n"),
        ("other: 'x'\nkey:\n  - 1\n  - 2\nb: 1\n", "other: more\nkey: new\nb: 1\n"),
    ],
)
def test_edited(before, after):
    assert host_vars.edited(before, NEW) == after
    assert host_vars.edited(after, NEW) == after


@pytest.mark.parametrize(
    "text",
    ["{a: 1}\n", "- 1\n", "a: [\n", "a: 1\n...\n", "a: 1\n---\nb: 1\n", "key: &x old\nb: *x\n", "text\n", "  a: 1\n"],
)
def test_what_cannot_be_edited_safely_is_refused(text):
    with pytest.raises(HostVarsError):
        host_vars.edited(text, NEW)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ab:#- \n'\"é{}|>", max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["a", "b", "key", "c d", "other"]), VALUES), st.sampled_from([6, 20, 80]))
def test_whatever_else_a_file_holds_is_the_same_afterwards(content, width):
    before = yaml.safe_dump(content, default_flow_style=False, width=width) if content else ""
    after = yaml.safe_load(host_vars.edited(before, NEW))
    # What was written is read back: folding a long text, the dumper itself may change it.
    assert after == {**(yaml.safe_load(before) or {}), "key": "new", "other": "more"}


def test_a_vaulted_value_is_yaml():
    text = f"key:{host_vars.as_vaulted(b'$ANSIBLE_VAULT;1.1;AES256' + bytes([10]) + b'3366' + bytes([10]))}"
    (entry,) = yaml.compose(text, yaml.SafeLoader).value
    assert (entry[1].tag, entry[1].value) == ("!vault", "$ANSIBLE_VAULT;1.1;AES256\n3366\n")


def test_the_folder_that_ansible_reads(tmp_path):
    hosts = tmp_path / "inventory" / "hosts.yml"
    hosts.parent.mkdir()
    hosts.touch()
    here = str(hosts.parent)
    assert host_vars.folder_beside(here, [str(hosts)]) == hosts.parent / "host_vars"
    assert host_vars.folder_beside(here, ["north,south", here]) == hosts.parent / "host_vars"
    (hosts.parent / "more").mkdir()
    assert host_vars.folder_beside(str(hosts.parent / "more"), [here]) == hosts.parent / "host_vars"
    # The one that was named and not one that holds it or lies elsewhere, whatever their order.
    assert (
        host_vars.folder_beside(here, [str(hosts.parent / "more"), here, str(tmp_path)]) == hosts.parent / "host_vars"
    )
    with pytest.raises(HostVarsError, match="no inventory file"):
        host_vars.folder_beside(None, ["north,"])


def test_the_file_that_ansible_reads(tmp_path):
    assert host_vars.file_of(tmp_path, "north") == tmp_path / "north.yml"
    (tmp_path / "north.yaml").touch()
    assert host_vars.file_of(tmp_path, "north") == tmp_path / "north.yaml"
    (tmp_path / "north").mkdir()
    assert host_vars.file_of(tmp_path, "north") == tmp_path / "north" / "connectwise_key.yml"
    (tmp_path / "south.json").touch()
    with pytest.raises(HostVarsError, match=r"south\.json holds variables of south already"):
        host_vars.file_of(tmp_path, "south")


@pytest.mark.parametrize("tenant", ["", ".north", "../north", "a/b", "a\0b"])
def test_a_name_that_would_lead_elsewhere(tmp_path, tenant):
    with pytest.raises(HostVarsError, match="cannot be the name"):
        host_vars.file_of(tmp_path, tenant)


def test_what_ansible_reads_besides(tmp_path):
    folder = tmp_path / "north"
    (folder / "deep.yml").mkdir(parents=True)
    for name in ("a.yml", "b", "c.txt", ".d.yml", "deep.yml/e.json", "connectwise_key.yml"):
        (folder / name).touch()
    found = [str(path.relative_to(folder)) for path in host_vars.others(folder / "connectwise_key.yml")]
    assert found == ["a.yml", "b", "deep.yml/e.json"]
    assert not list(host_vars.others(tmp_path / "north.yml"))


def test_a_file_is_replaced_behind_its_link_and_only_its_owner_reads_it(tmp_path):
    (tmp_path / "kept").mkdir()
    real = tmp_path / "kept" / "north.yml"
    real.write_text("old", encoding="utf-8")
    real.chmod(0o644)
    (tmp_path / "north.yml").symlink_to(real)
    host_vars.write(tmp_path / "north.yml", b"new")
    assert (tmp_path / "north.yml").is_symlink()
    assert (real.read_text(encoding="utf-8"), real.stat().st_mode & 0o777) == ("new", 0o600)
    assert [path.name for path in real.parent.iterdir()] == ["north.yml"]


def test_a_write_that_fails_leaves_nothing(tmp_path, monkeypatch):
    def full(*_paths, **_folders):
        raise OSError(28, "No space left on device")

    host_vars.write(tmp_path / "a" / "b" / "north.yml", b"old")
    monkeypatch.setattr(host_vars.os, "replace", full)
    with pytest.raises(HostVarsError, match=r"north\.yml cannot be written \(No space left on device\)"):
        host_vars.write(tmp_path / "a" / "b" / "north.yml", b"new")
    (left,) = (tmp_path / "a" / "b").iterdir()
    assert left.read_bytes() == b"old"


def test_a_place_that_cannot_be_written_is_told_before(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(HostVarsError, match="cannot be written"):
        host_vars.probe(tmp_path / "file" / "north.yml")
    host_vars.probe(tmp_path / "host_vars" / "north.yml")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
