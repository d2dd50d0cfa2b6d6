# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find out before the first write of a tenant whether its reports can be written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError
from ansible_collections.msp.connectwise.plugins.plugin_utils import _files
from ansible_collections.msp.connectwise.plugins.plugin_utils._report import folder_name


def require_place(directory: Path, tenant: str, vendor: str) -> None:
    """Raises NotAFile if something else is in the place of a report that a run about an integration writes."""
    folder = directory / folder_name(tenant)
    _files.require_folders(folder, below=directory.parent)
    for path in (*(folder / f"{vendor}{ending}" for ending in (".json", ".md", ".check.md")), directory / "fleet.json"):
        _files.require_replaceable(path)


def check_writable(directory: Path) -> None:
    """Raises InputError if no report could be written there."""
    try:
        _files.make_folder(directory, below=directory.parent)
        with tempfile.TemporaryFile(dir=directory) as file:
            file.write(b"0" * 4096)
            file.flush()
            os.fsync(file.fileno())
    except OSError as problem:
        raise unwritable(directory, problem) from None


def unwritable(directory: object, problem: OSError) -> InputError:
    return InputError(
        f"reports cannot be written to {directory} ({problem.strerror})",
        remedy="give this user the right to write there, or set integration_report_dir; see that the disk is not full",
    )
