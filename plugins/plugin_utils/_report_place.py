# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of reports: which folder is a tenant's, whether they can be written, and writing them."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError
from ansible_collections.msp.connectwise.plugins.module_utils._redact import redact
from ansible_collections.msp.connectwise.plugins.plugin_utils import _files

# The files about all tenants.
_OF_ALL = ("fleet.json", "fleet.html", "keys.html", "vendors.html", "failed", "left")
# Names beside the folders of tenants that are no tenant's: those files, and the folders of merged reports and of jobs.
_TAKEN = re.compile("|".join([*map(re.escape, _OF_ALL), "merged", "job-[0-9]+"]))
_LONGEST = 60  # characters of a name that has to be made another


def folder_name(tenant: str) -> str:
    """Return the name of a tenant's folder: its own, or if that cannot be, one like it that no other tenant has."""
    plain = old_folder_name(tenant)
    if plain == tenant and tenant and len(tenant.encode()) <= 200 and not _TAKEN.fullmatch(tenant.casefold()):
        return tenant
    # No name of a tenant that is kept as it is has this character.
    return f"{plain[:_LONGEST]}~{hashlib.sha256(tenant.encode()).hexdigest()[:8]}"


def old_folder_name(tenant: str) -> str:
    """Return the name that earlier versions gave the folder, which several tenants could share."""
    return "".join(char if char.isalnum() or char in "-_.@" else "_" for char in tenant).lstrip(".")


def move_out(directory: Path, tenant: str, vendor: str, owner: str, mode: int) -> None:
    """Move reports that an earlier version has left in a shared folder to that of their tenant.

    tenant: whose old folder it is. owner: the tenant that they are about.
    """
    old, new = directory / old_folder_name(tenant), directory / folder_name(owner)
    if old == new or (new / f"{vendor}.json").exists():
        return
    _files.make_folder(new, below=directory.parent, mode=_files.folder_mode(mode))
    for ending in (".json", ".md"):
        with suppress(FileNotFoundError):
            (old / f"{vendor}{ending}").rename(new / f"{vendor}{ending}")
    with suppress(OSError):
        # Only if it is empty.
        old.rmdir()


def replace_file(directory: Path, path: Path, text: str, *, mode: int = _files.PRIVATE) -> None:
    """Write a file of the reports in a directory, which must be no link itself. Raises NotAFile or OSError."""
    folder_mode = _files.folder_mode(mode)
    _files.write(path, redact(text), below=directory.parent, mode=mode, folder_mode=folder_mode)


def tighten(folder: Path, mode: int) -> None:
    """Give a tenant's folder of reports, and what earlier runs have left in it, the mode that new ones have."""
    _files.tighten(folder, mode, (".json", ".md"))


def tighten_all(directory: Path, tenants: Iterable[str], mode: int, usual: str) -> None:
    """Give all reports in a directory the mode. usual: its name unless a user chose it, whose folder keeps its mode."""
    _files.tighten(directory, mode, _OF_ALL, itself=usual in (directory.name, directory.parent.name))
    for tenant in tenants:
        tighten(directory / folder_name(tenant), mode)


def require_place(directory: Path, tenant: str, vendor: str) -> None:
    """Raises NotAFile if something else is in the place of a report that a run about an integration writes."""
    folder = directory / folder_name(tenant)
    _files.require_folders(folder, below=directory.parent)
    for ending in (".json", ".md", ".check.md"):
        _files.require_replaceable(folder / f"{vendor}{ending}")
    require_place_of_all(directory)


def require_place_of_all(directory: Path) -> None:
    """Raises NotAFile if something else is in the place of a report about all tenants."""
    for name in _OF_ALL:
        _files.require_replaceable(directory / name)


def check_writable(directory: Path, mode: int = _files.PRIVATE) -> None:
    """Raises InputError if no report could be written there."""
    try:
        _files.make_folder(directory, below=directory.parent, mode=_files.folder_mode(mode))
        with tempfile.TemporaryFile(dir=directory) as file:
            file.write(b"0" * 4096)
            file.flush()
            os.fsync(file.fileno())
    except OSError as problem:
        raise unwritable(directory, problem) from None


def unwritable(directory: object, problem: OSError) -> InputError:
    return InputError(
        f"reports cannot be written to {directory} ({problem.strerror})",
        remedy=_files.way_out(problem, directory, "integration_report_dir"),
    )
