# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read and write files that others can put something else in the place of: a pipe, a device, a folder or a link.

Without `below`, links are followed, and what they lead to has to be a regular file. With `below`, the file and the
folders that lead from `below` to it must not be links. The folder `below` itself and those above it may be.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError

PRIVATE = 0o600
LIMIT = 256 * 2**20  # bytes; the fleet report of thousands of tenants has some tens of millions
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_KINDS = (
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (lambda mode: stat.S_ISCHR(mode) or stat.S_ISBLK(mode), "a device"),
)


_WAYS_OUT = (
    ((errno.ENOSPC, errno.EDQUOT), "free space on the disk of"),
    ((errno.EFBIG,), "raise the limit of the size of files (ulimit -f) for"),
    ((errno.EROFS,), "make the file system writable that holds"),
    ((errno.ENOTDIR, errno.EEXIST), "remove the file that stands where a folder belongs, on the path to"),
)


class NotAFile(InputError):
    """Something else is in the place of a regular file or a folder, or the file is too large."""


def read_bytes(path: Path, *, below: Path | None = None, limit: int = LIMIT) -> bytes:
    """Return the content of a regular file. Raises NotAFile, or OSError as open does."""
    with _parent(path, below) as folder:
        name = path if folder is None else path.name
        # A device is not even opened, for that alone may do something.
        _require_regular(path, os.stat(name, dir_fd=folder, follow_symlinks=folder is None).st_mode)
        handle = os.open(name, _READ | (0 if folder is None else os.O_NOFOLLOW), dir_fd=folder)
    with os.fdopen(handle, "rb") as file:
        _require_regular(path, os.fstat(handle).st_mode)
        data = file.read(limit + 1)
    if len(data) > limit:
        raise NotAFile(f"{path} is larger than {limit // 2**20} MB", remedy="take it away, or put the right file there")
    return data


def read_text(path: Path, *, below: Path | None = None, limit: int = LIMIT, encoding: str = "utf-8") -> str:
    """Return the text of a regular file, its lines ended by \\n. Raises NotAFile, OSError or UnicodeDecodeError."""
    text = read_bytes(path, below=below, limit=limit).decode(encoding)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def write(
    path: Path,
    data: str | bytes,
    *,
    below: Path | None = None,
    mode: int = 0o600,
    folder_mode: int = 0o700,
    sync: bool = False,
) -> None:
    """Put a file in its place in one step, with the folders that are missing. Raises NotAFile or OSError.

    mode, folder_mode: of the file, and of the folders that are made. sync: whether the disk has it on return.
    """
    if below is None:
        path = Path(os.path.realpath(path))
        below = path.parent
    make_folder(path.parent, below=below, mode=folder_mode)
    with _parent(path, below) as folder:
        require_replaceable(path, folder)
        temporary = f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.part"
        try:
            with os.fdopen(os.open(temporary, _NEW, 0o600, dir_fd=folder), "wb") as file:
                file.write(data.encode() if isinstance(data, str) else data)
                os.fchmod(file.fileno(), mode)
                if sync:
                    file.flush()
                    os.fsync(file.fileno())
            os.replace(temporary, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException as problem:
            if isinstance(problem, OSError) and problem.filename in (None, temporary):
                problem.filename, problem.filename2 = str(path), None
            # What went wrong first is what is told.
            with suppress(OSError):
                os.unlink(temporary, dir_fd=folder)
            raise
        if sync and folder is not None:
            os.fsync(folder)


def way_out(problem: OSError, place: object, setting: str = "") -> str:
    """Return what to do about a file that could not be written. setting: the variable that chooses another place."""
    found = next((way for codes, way in _WAYS_OUT if problem.errno in codes), "give this user the right to write in")
    return f"{found} {place}" + (f", or set {setting} to another place" if setting else "")


def make_folder(folder: Path, *, below: Path, mode: int = 0o700) -> None:
    """Make a folder and those that lead to it from `below`, if they are missing. Raises NotAFile or OSError."""
    below.mkdir(parents=True, exist_ok=True)
    for place in _down(folder, below):
        try:
            place.mkdir(mode)
        except FileExistsError:
            _require_folder(place)
            continue
        # What is asked for, whatever the umask of this process is.
        handle = os.open(place, _FOLDER | os.O_NOFOLLOW)
        try:
            os.fchmod(handle, mode)
        finally:
            os.close(handle)


def folder_mode(mode: int) -> int:
    """Return the mode of a folder whose files have a mode: who reads them may enter it."""
    return mode | (mode & 0o444) >> 2


def writable_by(folder: Path, others: int) -> Path | None:
    """Return the folder, or one above it, in which others may put something else in its place; None if there is none.

    others: bits of a mode. Above the folder, a sticky one is safe, such as /tmp: only the owner may rename there.
    """
    real = Path(os.path.realpath(folder))
    for place in (real, *real.parents):
        try:
            mode = place.stat().st_mode
        except OSError:
            # It is made later, or cannot be seen.
            continue
        if mode & others and not (mode & stat.S_ISVTX and place != real):
            return place
    return None


def tighten(folder: Path, mode: int, endings: Collection[str], *, itself: bool = True) -> None:
    """Give the files in a folder with these endings, and the folder itself, their mode; but not another user's."""
    with suppress(OSError):
        if itself:
            _chmod(folder, _FOLDER, folder_mode(mode))
        with os.scandir(folder) as found:
            for one in found:
                with suppress(OSError):
                    if one.name.endswith(tuple(endings)) and one.is_file(follow_symlinks=False):
                        _chmod(Path(one.path), _READ | os.O_NOFOLLOW, mode)


def _chmod(path: Path, how: int, mode: int) -> None:
    if stat.S_IMODE(path.lstat().st_mode) == mode:
        return
    handle = os.open(path, how)
    try:
        if os.fstat(handle).st_uid == os.geteuid():
            os.fchmod(handle, mode)
    finally:
        os.close(handle)


def require_replaceable(path: Path, folder: int | None = None) -> None:
    """Raises NotAFile if a file cannot be written there without harm to what is there now."""
    try:
        mode = os.stat(path if folder is None else path.name, dir_fd=folder, follow_symlinks=False).st_mode
    except OSError:
        # What else is wrong with the place, the write tells.
        return
    _require_regular(path, mode)


def require_folders(folder: Path, *, below: Path) -> None:
    """Raises NotAFile if one of the folders in `below` is something else; one that is missing is no problem."""
    for place in _down(folder, below):
        if not os.path.lexists(place):
            return
        _require_folder(place)


def _down(folder: Path, below: Path) -> list[Path]:
    """Return the folders that lead from `below` to a folder, without `below`."""
    steps = folder.relative_to(below).parts
    return [below.joinpath(*steps[:count]) for count in range(1, len(steps) + 1)]


@contextmanager
def _parent(path: Path, below: Path | None) -> Iterator[int | None]:
    """Open the folder of a file step by step, each of which must be no link; None if links are followed."""
    if below is None:
        yield None
        return
    handle = os.open(below, _FOLDER)
    try:
        for place in _down(path.parent, below):
            try:
                deeper = os.open(place.name, _FOLDER | os.O_NOFOLLOW, dir_fd=handle)
            except OSError as problem:
                if problem.errno in (errno.ELOOP, errno.ENOTDIR):
                    _require_folder(place)
                raise
            os.close(handle)
            handle = deeper
        yield handle
    finally:
        os.close(handle)


def _require_folder(place: Path) -> None:
    mode = place.lstat().st_mode
    if not stat.S_ISDIR(mode):
        raise NotAFile(f"{place} is {_kind(mode)}, and not a folder", remedy=_remedy(place, mode, "a folder"))


def _require_regular(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise NotAFile(f"{path} is {_kind(mode)}, and not a file", remedy=_remedy(path, mode, "the file"))


def _kind(mode: int) -> str:
    return next((name for fits, name in _KINDS if fits(mode)), "a file" if stat.S_ISREG(mode) else "something else")


def _remedy(path: Path, mode: int, wanted: str) -> str:
    if stat.S_ISLNK(mode):
        return f"replace the link by {wanted} itself, or set the path to what it leads to"
    return f"set the path to another place, or, if {path} is not needed, move it away"
