# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was asked of the simulator, without secrets."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import Any

HIDDEN = "(hidden)"
SECRET_FIELDS = re.compile(r"private_?key|password|secret|authorization", re.IGNORECASE)
READS = ("GET", "HEAD", "OPTIONS")
KEPT = 500_000


@dataclass
class Entry:
    n: int
    time: float
    method: str
    path: str
    query: str
    tenant: str | None = None
    public_key: str | None = None
    member: str | None = None
    status: int | None = None
    duration_ms: float = 0.0
    fault: str | None = None
    body: Any = None

    def shown(self) -> dict[str, Any]:
        return {
            "n": self.n,
            "time": self.time,
            "tenant": self.tenant,
            "public_key": self.public_key,
            "member": self.member,
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "status": self.status,
            "duration_ms": round(self.duration_ms, 3),
            "fault": self.fault,
            "body": self.body,
        }


def hide(value: Any, secrets: list[str]) -> Any:
    """The value without fields that are named like a secret and without any of the secrets themselves."""
    if isinstance(value, dict):
        return {
            hide(name, secrets): HIDDEN if SECRET_FIELDS.search(str(name)) else hide(item, secrets)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [hide(item, secrets) for item in value]
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, HIDDEN)
    return value


@dataclass
class Journal:
    entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=KEPT))
    count: int = 0

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)

    def next(self) -> int:
        self.count += 1
        return self.count

    def select(self, tenant: str | None, since: int, writes: bool) -> list[dict[str, Any]]:
        return [
            entry.shown()
            for entry in self.entries
            if entry.n > since and (tenant is None or entry.tenant == tenant) and not (writes and entry.method in READS)
        ]

    def clear(self) -> None:
        self.entries.clear()
