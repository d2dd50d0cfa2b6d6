# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files in whose place others have put a pipe, a device, a folder or a link."""

from __future__ import annotations

import ast
import errno
import os
import resource
import socket
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msp.connectwise.plugins.plugin_utils import _files, _report_place

KINDS = ("a named pipe", "a folder", "a socket", "a device")


@pytest.fixture(params=KINDS)
def placed(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, str]:
    """A path with what is no file in its place, and what that is called."""
    path = tmp_path / "it"
    if request.param == "a device":
        return Path("/dev/zero"), request.param
    if request.param == "a named pipe":
        os.mkfifo(path)
    elif request.param == "a folder":
        path.mkdir()
    else:
        # The address of a socket is short.
        monkeypatch.chdir(tmp_path)
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    return path, request.param


def test_what_is_no_file_is_refused_at_once(placed: tuple[Path, str]) -> None:
    path, kind = placed
    for below in (None, path.parent):
        with pytest.raises(_files.NotAFile, match=f"{path} is {kind}, and not a file. What to do: "):
            _files.read_bytes(path, below=below)
    with pytest.raises(_files.NotAFile, match=kind):
        _files.write(path, "text")
    assert not path.is_file()


def test_a_link_to_a_file_is_read_unless_it_lies_below_a_folder_of_ours(tmp_path: Path) -> None:
    real = _written(tmp_path / "real", "theirs")
    link = tmp_path / "link"
    link.symlink_to(real)
    assert _files.read_text(link) == "theirs"
    with pytest.raises(_files.NotAFile, match="link is a symbolic link, and not a file"):
        _files.read_text(link, below=tmp_path)
    with pytest.raises(_files.NotAFile, match="a symbolic link"):
        _files.write(link, "ours", below=tmp_path)
    assert real.read_text(encoding="utf-8") == "theirs"
    # Without a folder of ours the file behind a link is replaced, and the link stays.
    _files.write(link, "ours")
    assert (link.is_symlink(), real.read_text(encoding="utf-8")) == (True, "ours")
    link.unlink()
    link.symlink_to(os.mkfifo(tmp_path / "pipe") or tmp_path / "pipe")
    with pytest.raises(_files.NotAFile, match="a named pipe"):
        _files.read_text(link)


@pytest.mark.parametrize("linked", ["reports", "reports/north"])
def test_no_folder_from_ours_on_is_a_link_and_those_above_may_be_one(tmp_path: Path, linked: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "north").mkdir(parents=True)
    _written(elsewhere / "north" / "entry", "theirs")
    _written(elsewhere / "entry", "theirs")
    place = tmp_path / linked
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(elsewhere)
    reports = tmp_path / "reports"
    path = reports / "north" / "entry"
    for act in (_files.read_bytes, lambda path, below: _files.write(path, "ours", below=below)):
        with pytest.raises(_files.NotAFile, match=f"{place} is a symbolic link, and not a folder"):
            act(path, below=tmp_path)
    with pytest.raises(_files.NotAFile, match="a symbolic link"):
        _files.require_folders(path.parent, below=tmp_path)
    assert not any(one.read_text(encoding="utf-8") != "theirs" for one in elsewhere.rglob("entry"))
    above = tmp_path / "above"
    above.symlink_to(tmp_path)
    place.unlink()
    path = above / "reports" / "north" / "entry"
    _files.write(path, "ours", below=above)
    assert _files.read_text(path, below=above) == "ours"


def test_a_file_is_replaced_in_one_step_with_the_modes_that_were_asked_for(tmp_path: Path) -> None:
    mask = os.umask(0o077)
    try:
        path = tmp_path / "a" / "b" / "c"
        _files.write(path, "old", below=tmp_path, mode=0o640, folder_mode=0o750)
    finally:
        os.umask(mask)
    assert [one.stat().st_mode & 0o777 for one in (path, path.parent, path.parent.parent)] == [0o640, 0o750, 0o750]
    with path.open(encoding="utf-8") as reader:
        _files.write(path, b"new", below=tmp_path, sync=True)
        assert reader.read() == "old"
    assert (path.read_text(encoding="utf-8"), path.stat().st_mode & 0o777) == ("new", 0o600)
    assert [one.name for one in path.parent.iterdir()] == ["c"]


def test_a_file_that_is_too_large_is_not_read_whole(tmp_path: Path) -> None:
    path = _written(tmp_path / "file", "x" * 11)
    assert _files.read_text(path, limit=11) == "x" * 11
    with pytest.raises(_files.NotAFile, match="larger than"):
        _files.read_text(path, limit=10)


def test_the_ends_of_lines_are_those_of_a_text(tmp_path: Path) -> None:
    assert _files.read_text(_written(tmp_path / "file", "a\r\nb\rc\n")) == "a\nb\nc\n"


@pytest.mark.parametrize(
    ("code", "first"),
    [
        (errno.ENOSPC, "free space on the disk of PLACE, or set integration_report_dir"),
        (errno.EDQUOT, "free space"),
        (errno.EROFS, "make the file system writable that holds PLACE"),
        (errno.ENOTDIR, "remove the file"),
        (errno.EEXIST, "remove the file"),
        (errno.EACCES, "give this user the right to write in PLACE"),
    ],
)
def test_a_place_that_takes_no_file_is_told_with_its_own_way_out(tmp_path: Path, code: int, first: str) -> None:
    told = _report_place.unwritable(tmp_path, OSError(code, os.strerror(code)))
    assert told.remedy.startswith(first.replace("PLACE", str(tmp_path)))
    assert os.strerror(code) in told.problem


@pytest.mark.parametrize("before", [None, "the old report"])
def test_a_disk_that_is_full_in_the_middle_leaves_what_was_there_and_no_part(
    tmp_path: Path, before: str | None
) -> None:
    file = tmp_path / "reports" / "north" / "umbrella.json"
    file.parent.mkdir(parents=True)
    if before is not None:
        file.write_text(before, encoding="utf-8")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, limits[1]))
    try:
        with pytest.raises(OSError, match=r"File too large.*umbrella\.json"):
            _report_place.replace_file(tmp_path / "reports", file, "x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    left = {one.name: one.read_text(encoding="utf-8") for one in file.parent.iterdir()}
    assert left == ({} if before is None else {"umbrella.json": before})


def test_what_went_wrong_first_is_told_where_nothing_can_be_cleared_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(code: int) -> Any:
        def refused(*_arguments: Any, **_more: Any) -> None:
            raise OSError(code, os.strerror(code))

        return refused

    monkeypatch.setattr(os, "replace", refuse(errno.ENOSPC))
    monkeypatch.setattr(os, "unlink", refuse(errno.EROFS))
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        _files.write(tmp_path / "file", "text")


def _written(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize(("mode", "folder"), [(0o600, 0o700), (0o640, 0o750), (0o644, 0o755), (0o660, 0o770)])
def test_who_reads_the_files_enters_their_folder(mode: int, folder: int) -> None:
    assert _files.folder_mode(mode) == folder


def test_what_an_earlier_run_left_open_is_closed(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "reports", tmp_path / "elsewhere.json"
    folder.mkdir(mode=0o755)
    elsewhere.touch(mode=0o644)
    (folder / "linked.json").symlink_to(elsewhere)
    os.mkfifo(folder / "pipe.json", 0o644)
    for name in ("a.json", "b.md", "notes.txt"):
        (folder / name).touch(mode=0o644)
        (folder / name).chmod(0o644)
    _files.tighten(folder, 0o600, (".json", ".md"))
    modes = {one.name: one.lstat().st_mode & 0o777 for one in (folder, *folder.iterdir()) if not one.is_symlink()}
    left = {"notes.txt": 0o644, "pipe.json": modes["pipe.json"]}
    assert modes == {"reports": 0o700, "a.json": 0o600, "b.md": 0o600, **left}
    assert elsewhere.stat().st_mode & 0o777 == 0o644
    folder.chmod(0o755)
    _files.tighten(folder, 0o640, ("a.json",), itself=False)
    assert [one.stat().st_mode & 0o777 for one in (folder, folder / "a.json", folder / "b.md")] == [0o755, 0o640, 0o600]
    _files.tighten(tmp_path / "missing", 0o600, (".json",))


# What is the collection's own, the machine's or the run's: nobody else puts anything there.
OWN = {
    "_page": {"read_text"},
    "_profile_check": {"read_text"},
    "_profile_names": {"read_text"},
    "_settings": {"read_text"},
    "_stores": {"read_text"},
    "_run": {"read_text"},
    "_job_folder": {"read_text"},
    "cw_vendor_file": {"read_bytes"},
    # The journal and the lock, in folders of the run and of the store.
    "_report": {"open", "read_text"},
    "fleet": {"open"},
    "_key_file": {"open"},
    # The terminal of the run.
    "cw_fleet": {"open"},
}
RAW = {"open", "read_bytes", "read_text", "write_bytes", "write_text", "load_from_file"}


def test_files_of_others_are_read_and_written_in_one_place() -> None:
    plugins = Path(__file__).resolve().parents[2] / "plugins"
    found: dict[str, set[str]] = {}
    for path in sorted(plugins.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                safe = getattr(getattr(node.func, "value", None), "id", "") == "_files"
                if name in RAW and not safe and path.stem != "_files":
                    found.setdefault(path.stem, set()).add(name)
    assert found == OWN


def test_a_file_that_cannot_be_written_is_named_and_not_its_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.open

    def refuse(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if str(path).endswith(".part"):
            raise OSError(errno.EROFS, "Read-only file system", path)
        return opened(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(OSError, match="Read-only") as caught:
        _files.write(tmp_path / "vendors.html", "x")
    assert caught.value.filename == str(tmp_path / "vendors.html")


def test_what_is_in_the_place_of_a_folder_need_not_be_taken_away(tmp_path: Path) -> None:
    place = _written(tmp_path / "reports", "notes")
    with pytest.raises(_files.NotAFile, match=r"set the path to another place, or, if .*reports is not needed, move"):
        _files.require_folders(place / "north", below=tmp_path)
