# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clone as a workplace: the link, the environment, and the set-up's word on an unsuitable Python."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import workspace

ROOT = workspace.ROOT
SCRIPT = [sys.executable, str(ROOT / "tools" / "workspace.py")]


@pytest.fixture
def clone(tmp_path):
    """Return a folder with a space in its name that holds the tools and the requirement files."""
    folder = tmp_path / "a clone"
    shutil.copytree(ROOT / "tools", folder / "tools")
    for path in [*ROOT.glob("requirements*.txt"), ROOT / "tests" / "unit" / "requirements.txt"]:
        (folder / path.relative_to(ROOT)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / path.relative_to(ROOT))
    return folder


def test_this_clone_is_the_collection():
    from ansible_collections.msp.connectwise.plugins.module_utils import _errors

    assert Path(_errors.__file__).resolve() == ROOT / "plugins" / "module_utils" / "_errors.py"


def test_the_link_leads_to_the_clone_and_moves_with_it(clone):
    collections = workspace.link_collection(clone)
    assert collections == clone / ".cache" / "collections"
    moved = clone.rename(clone.with_name("moved"))
    link = moved / ".cache" / "collections" / "ansible_collections" / "msp" / "connectwise"
    assert link.resolve() == moved


def test_a_link_to_elsewhere_is_mended(clone):
    link = clone / ".cache" / "collections" / "ansible_collections" / "msp" / "connectwise"
    link.parent.mkdir(parents=True)
    link.symlink_to("/nowhere")
    workspace.link_collection(clone)
    assert link.resolve() == clone
    assert [entry.name for entry in link.parent.iterdir()] == ["connectwise"]


def test_a_clone_inside_a_collection_tree_needs_no_link(tmp_path):
    clone = tmp_path / "ansible_collections" / "msp" / "connectwise"
    clone.mkdir(parents=True)
    assert workspace.link_collection(clone) == tmp_path
    assert not (clone / ".cache").exists()


def test_many_processes_link_at_once(clone):
    commands = [[sys.executable, str(clone / "tools" / "workspace.py"), "true"]] * 8
    started = [subprocess.Popen(command) for command in commands]
    assert [process.wait(timeout=240) for process in started] == [0] * 8
    parent = clone / ".cache" / "collections" / "ansible_collections" / "msp"
    assert [entry.name for entry in parent.iterdir()] == ["connectwise"]


def test_every_place_lies_inside_the_clone(clone, monkeypatch):
    monkeypatch.setenv("ANSIBLE_COLLECTIONS_PATH", "/elsewhere")
    monkeypatch.setenv("NO_PROXY", "intranet")
    environment = workspace.environment(clone)
    inside = {name: value for name, value in environment.items() if name.endswith(("HOME", "TMP", "TEMP", "DIR"))}
    assert {"ANSIBLE_HOME", "ANSIBLE_LOCAL_TEMP", "ANSIBLE_REMOTE_TMP", "TMPDIR", "XDG_CACHE_HOME"} <= set(inside)
    assert all(Path(value).is_relative_to(clone) for value in inside.values())
    assert environment["ANSIBLE_COLLECTIONS_PATH"].split(os.pathsep) == [
        str(clone / ".cache" / "collections"),
        "/elsewhere",
    ]
    assert environment["NO_PROXY"] == "intranet,localhost,127.0.0.1,::1"
    assert environment["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)


def test_a_command_sees_no_keys_of_a_real_tenant():
    show = "import os; print(sorted(name for name in os.environ if name.startswith('CW_')))"
    done = subprocess.run(
        [*SCRIPT, sys.executable, "-c", show],
        env={**os.environ, "CW_PRIVATE_KEY": "real", "CW_COMPANY_ID": "real"},
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    assert done.stdout == "[]\n"


def test_ansible_knows_how_it_was_started_and_nothing_else_does(tmp_path):
    say = tmp_path / "ansible-say"
    say.write_text('#!/bin/sh\necho "$MSP_CONNECTWISE_RUN_WITH"\n', encoding="utf-8")
    say.chmod(0o755)
    other = tmp_path / "say"
    shutil.copy(say, other)
    script = [sys.executable, "tools/workspace.py"]
    for command, said in ((say, shlex.join(script)), (other, "")):
        done = subprocess.run([*script, str(command), "x"], cwd=ROOT, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == said


def test_a_command_that_does_not_exist_is_named():
    done = subprocess.run([*SCRIPT, "no-such-command"], capture_output=True, text=True, timeout=240, check=False)
    assert (done.returncode, done.stderr) == (1, "no-such-command: No such file or directory\n")


def run_setup(clone, search_path, **variables):
    """Run the set-up with nothing but the given programs and what a shell script needs."""
    tools = clone / "system"
    tools.mkdir()
    for name in ("cat", "cksum", "rm"):
        (tools / name).symlink_to(shutil.which(name))
    return subprocess.run(
        [shutil.which("sh"), "tools/setup.sh", "test"],
        cwd=clone,
        env={"PATH": f"{search_path}{os.pathsep}{tools}", **variables},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def interpreter(folder, name, prelude):
    """Write a python that behaves like the running one after the prelude."""
    folder.mkdir(exist_ok=True)
    program = folder / name
    body = f"import sys\n{prelude}\nexec(sys.stdin.read())"
    program.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c '{body}'\n", encoding="utf-8")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("prelude", "fault"),
    [
        ("sys.version_info = (3, 9, 18)", "python3.11, which is Python 3.9, too old"),
        ('sys.modules["ensurepip"] = None', "without the module ensurepip"),
        ('sys.modules["venv"] = None', "without the module venv"),
        ("sys.exit(127)", "python3.11, which does not run"),
    ],
)
def test_an_unsuitable_python_is_explained(clone, tmp_path, prelude, fault):
    interpreter(tmp_path / "bin", "python3.11", prelude)
    done = run_setup(clone, tmp_path / "bin")
    assert done.returncode == 1
    assert fault in done.stderr
    assert "needs Python >= 3.10 with the modules venv and ensurepip" in done.stderr
    assert "apt-get install python3 python3-venv" in done.stderr
    assert not (clone / ".venv").exists()


def test_no_python_at_all_is_explained(clone, tmp_path):
    done = run_setup(clone, tmp_path / "empty")
    assert done.returncode == 1
    assert "python3.13 to python3.10 and python3, none of which is on PATH" in done.stderr


def test_the_python_that_was_asked_for_is_named(clone, tmp_path):
    done = run_setup(clone, tmp_path / "empty", PYTHON="/no/such/python")
    assert done.returncode == 1
    assert "PYTHON=/no/such/python, which does not run" in done.stderr


def test_a_finished_set_up_is_left_alone(clone):
    (clone / ".venv" / "bin").mkdir(parents=True)
    (clone / ".venv" / "bin" / "python").symlink_to(sys.executable)
    files = ["requirements.txt", "tests/unit/requirements.txt", "requirements-test.txt"]
    text = b"".join((clone / name).read_bytes() for name in files)
    checksum = subprocess.run(["cksum"], input=text, capture_output=True, check=True).stdout.decode().strip()
    stamp = clone / ".venv" / ".installed-test"
    stamp.write_text(f"{clone} {checksum}\n", encoding="utf-8")
    before = stamp.stat().st_mtime_ns
    done = run_setup(clone, "/nowhere")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert stamp.stat().st_mtime_ns == before


def test_a_changed_requirement_is_seen(clone):
    (clone / ".venv" / "bin").mkdir(parents=True)
    (clone / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (clone / ".venv" / ".installed-test").write_text(f"{clone} 1 1\n", encoding="utf-8")
    done = run_setup(clone, "/nowhere")
    assert done.returncode == 1
    assert "no usable Python was found" in done.stderr


def test_a_copy_has_what_git_would_take(tmp_path, monkeypatch):
    source, copy = tmp_path / "source", tmp_path / "copy"
    source.mkdir()
    for name, text in ((".gitignore", "made\n"), ("made", ""), ("tracked", "on disk"), ("untracked", ""), ("gone", "")):
        (source / name).write_text(text, encoding="utf-8")
    (source / "untracked").chmod(0o755)
    for command in (["init", "--quiet"], ["add", "tracked", "gone", ".gitignore"]):
        subprocess.run(["git", *command], cwd=source, check=True)
    (source / "gone").unlink()
    copy.mkdir()
    (copy / "stale").touch()
    monkeypatch.setattr(workspace, "ROOT", source)
    assert workspace.copy_to(copy) == copy
    assert sorted(path.name for path in copy.iterdir()) == [".gitignore", "tracked", "untracked"]
    assert (copy / "untracked").stat().st_mode & 0o100
    workspace.copy_to(copy, untracked=False)
    assert sorted(path.name for path in copy.iterdir()) == [".gitignore", "tracked"]
    workspace.copy_to(copy, repository=True)
    said = subprocess.run(["git", "ls-files"], cwd=copy, capture_output=True, text=True, check=True).stdout
    assert said.split() == [".gitignore", "tracked", "untracked"]
