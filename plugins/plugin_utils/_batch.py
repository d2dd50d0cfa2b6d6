# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts of the last fleet task of a run, for the play and the tasks after it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ansible_collections.msp.connectwise.plugins.plugin_utils import _files
from ansible_collections.msp.connectwise.plugins.plugin_utils._report import run_directory

_FILE = "connectwise_batch.json"


@dataclass(frozen=True)
class Batch:
    """hosts: of the play of the fleet task. unfinished: those that need tasks of their own, and the first one."""

    hosts: list[str]
    unfinished: list[str]


def remember(batch: Batch) -> None:
    """Note the hosts of a fleet task. Raises OSError."""
    _files.write(Path(run_directory()) / _FILE, json.dumps(asdict(batch)))


def remembered() -> Batch | None:
    """Return the hosts of the last fleet task of this run; None if there was none."""
    try:
        text = _files.read_text(Path(run_directory()) / _FILE)
    except FileNotFoundError:
        return None
    return Batch(**json.loads(text))


def hosts_of(variables: Mapping[str, Any]) -> Sequence[str]:
    """Return the hosts that a run is about; its last play leaves out those on which nothing is left to do."""
    batch = remembered()
    return batch.hosts if batch else [str(host) for host in variables.get("ansible_play_hosts_all") or []]
