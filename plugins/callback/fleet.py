# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Progress of a run over a fleet: one live line on a terminal, a plain line now and then in a log."""

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet
type: aggregate
short_description: Show how far a run over a fleet of tenants is
version_added: 0.1.0
author:
  - The msp.connectwise contributors (@msp-connectwise)
description:
  - While a playbook of this collection runs, shows how many tenants are done, how many integrations are pending,
    drifted, new or failed, and how long the rest will take.
  - On a terminal this is one line that is written anew; elsewhere it is a plain line every few seconds.
  - It writes to standard error, so that the output of the callback that is used otherwise stays as it is.
  - It takes the place of the line of progress that M(msp.connectwise.cw_fleet) shows without it.
requirements:
  - Enable it with C(callbacks_enabled = msp.connectwise.fleet) in C(ansible.cfg), or C(ANSIBLE_CALLBACKS_ENABLED).
options:
  interval:
    description: Seconds between two plain lines.
    type: float
    default: 15
    ini:
      - section: callback_fleet
        key: interval
    env:
      - name: CW_FLEET_INTERVAL
"""

import json
import os
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any, TextIO

from ansible.plugins.callback import CallbackBase

from ansible_collections.msp.connectwise.plugins.module_utils._names import counted
from ansible_collections.msp.connectwise.plugins.plugin_utils._profile_names import listed
from ansible_collections.msp.connectwise.plugins.plugin_utils._report import JOURNAL, run_directory
from ansible_collections.msp.connectwise.plugins.plugin_utils._status import BAD

_LIVE = 0.5  # seconds between two looks on a terminal


class Progress:
    """What the journal of a run says so far. It is read on from where it was left."""

    def __init__(self, journal: Path) -> None:
        self._journal, self._position = journal, 0
        self.statuses: dict[tuple[str, str], str] = {}

    def read(self) -> None:
        try:
            with self._journal.open("rb") as stream:
                stream.seek(self._position)
                data = stream.read()
        except FileNotFoundError:
            return
        whole = data.rpartition(b"\n")[0]
        for line in whole.splitlines():
            entry = json.loads(line)
            self.statuses[entry["tenant"], entry["vendor"]] = entry["status"]
        self._position += len(whole) + 1 if whole else 0

    def line(self, tenants: dict[str, int], seconds: float) -> str:
        """tenants: how many integrations each has to have."""
        seen = Counter(tenant for tenant, _vendor in self.statuses)
        done = sum(seen[tenant] >= wanted for tenant, wanted in tenants.items())
        found = Counter(self.statuses.values())
        failed = sum(found[status] for status in BAD)
        work, finished = sum(tenants.values()), min(len(self.statuses), sum(tenants.values()))
        rest = "" if not finished or finished >= work else f", {_spoken(seconds * (work - finished) / finished)} left"
        others = f"{found['pending']} pending, {found['drifted']} drifted, {found['new']} new, {failed} failed"
        amount = f"{done} of {counted(len(tenants), 'tenant')} done, {finished} of {counted(work, 'integration')}"
        return f"{amount}: {others}{rest}"


def _spoken(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "msp.connectwise.fleet"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__()
        self._stream = stream or sys.stderr
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._tenants: dict[str, int] = {}
        self._owner = os.getpid()
        self._progress = Progress(Path(run_directory()) / JOURNAL)
        self._started = time.monotonic()

    def v2_playbook_on_play_start(self, play: Any) -> None:
        manager = play.get_variable_manager()
        variables = manager.get_vars(play=play) if manager is not None else {}
        for host in variables.get("ansible_play_hosts_all") or []:
            named = variables["hostvars"].raw_get(host).get("cw_integrations")
            count = len(listed(named or []))
            self._tenants[str(host)] = max(1, count)
        if self._thread is None and self._tenants:
            self._thread = threading.Thread(target=self._watch, name="fleet", daemon=True)
            self._thread.start()

    def v2_playbook_on_stats(self, stats: Any) -> None:
        del stats  # what counts is in the journal
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
            self._progress.read()
            self._show(live=False)

    def _watch(self) -> None:
        live = self._stream.isatty()
        option: Any = self.get_option
        interval = _LIVE if live else float(option("interval"))
        while not self._stop.wait(interval):
            self._progress.read()
            self._show(live=live)

    def _show(self, *, live: bool) -> None:
        # A worker is a copy of this process; only the run itself speaks.
        if os.getpid() != self._owner:
            return
        text = f"fleet: {self._progress.line(self._tenants, time.monotonic() - self._started)}"
        self._stream.write(f"\r\033[2K{text}" if live else f"{text}\n")
        self._stream.flush()
