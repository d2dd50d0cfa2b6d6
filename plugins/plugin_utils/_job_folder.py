# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The private folder of an AWX job, which AWX deletes when the job ends, and what would be lost there."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.msp.connectwise.plugins.plugin_utils._key_file import StoreError
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_record import Record
from ansible_collections.msp.connectwise.plugins.plugin_utils._stores import Store

VARIABLE = "AWX_PRIVATE_DATA_DIR"
# Set by every ansible-runner, that of AWX too.
_RUNNERS = "AWX_ISOLATED_DATA_DIR"
# The same folder as the job sees it, if it runs in an execution environment.
INSIDE = Path("/runner")
_MOUNTS = Path("/proc/self/mountinfo")
REMEDY = (
    "a folder outside of the job's own, and mount it into the jobs: in AWX under Settings > Job Settings > Paths to "
    "expose to isolated jobs, or as a volume in the pod specification of the instance group"
)


@dataclass(frozen=True)
class Mount:
    """point: where it is seen. root: which folder of its file system is seen there."""

    point: Path
    root: Path


def is_job(environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether ansible-runner or AWX runs this: its terminal has nobody who answers."""
    return VARIABLE in environment or _RUNNERS in environment


def mounts(text: str) -> list[Mount]:
    """Return the mounts of a mountinfo file."""
    lines = [line.split(" ") for line in text.splitlines()]
    return [Mount(_unescaped(fields[4]), _unescaped(fields[3])) for fields in lines if len(fields) > 4]


def _unescaped(text: str) -> Path:
    return Path(re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text))


def is_lost(folder: str, environment: Mapping[str, str] = os.environ, mountinfo: Path = _MOUNTS) -> bool:
    """Return whether AWX deletes a folder with the job that this run is."""
    private = environment.get(VARIABLE)
    if not private or not folder:
        return False
    try:
        seen = mounts(mountinfo.read_text(encoding="utf-8"))
    except OSError:
        # A system that tells no mounts.
        seen = []
    place = Path(os.path.realpath(folder))
    # Parts of the private folder are mounted at places of their own, and are deleted all the same.
    kept = [mount.point for mount in seen if Path(private).name not in mount.root.parts]
    return any(
        place.is_relative_to(base)
        and not any(point != base and point.is_relative_to(base) and place.is_relative_to(point) for point in kept)
        for base in (INSIDE, Path(os.path.realpath(private)))
    )


class Lost:
    """A store in a folder that is deleted at the end of this job: it can be read, and takes no record."""

    def __init__(self, store: Store, folder: str, setting: str) -> None:
        self._store, self._folder, self._setting = store, folder, setting
        self.place, self.guarded, self.settle = store.place, store.guarded, store.settle

    def read(self) -> Record:
        return self._store.read()

    def write(self, record: Record) -> None:  # noqa: ARG002
        raise problem_of(self._folder, self._setting)

    def delete(self) -> None:
        self._store.delete()

    def check(self, *, write: bool) -> None:  # noqa: ARG002
        raise problem_of(self._folder, self._setting)


def lasting(store: Store, folder: str, setting: str) -> Store:
    """Return the store, or one that takes no record if AWX deletes its folder with this job."""
    return Lost(store, folder, setting) if is_lost(folder) else store


def problem_of(folder: str, setting: str) -> StoreError:
    return StoreError(
        f"{folder} lies in the private folder of this AWX job, and AWX deletes that with every key in it when the job "
        "ends, so no key is made or stored",
        f"set {setting} to {REMEDY}; or choose an integration_store that is no folder, such as hashi_vault",
    )
