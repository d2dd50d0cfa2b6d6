# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Latency and rate limits."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field

from .call import Reply
from .faults import too_many


@dataclass
class Limits:
    """Latency and rate limits for all tenants."""

    latency_ms: float = 0.0
    jitter_ms: float = 0.0
    per_minute: int | None = None
    max_parallel: int | None = None
    running: dict[str, int] = field(default_factory=dict)
    recent: dict[str, deque[float]] = field(default_factory=dict)

    def refuses(self, tenant: str) -> Reply | None:
        if self.max_parallel is not None and self.running.get(tenant, 0) > self.max_parallel:
            return too_many(1)
        if self.per_minute is None:
            return None
        now = time.monotonic()
        recent = self.recent.setdefault(tenant, deque())
        while recent and recent[0] < now - 60:
            recent.popleft()
        if len(recent) >= self.per_minute:
            return too_many(max(1, round(recent[0] + 60 - now)))
        recent.append(now)
        return None
