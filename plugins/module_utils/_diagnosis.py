# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a doctor has to say: a line for each thing that can be wrong with a tenant."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ._errors import PsaError, legible

# Each depends on those before it: if one is wrong, those after it cannot be checked.
CHECKS = (
    "options",
    "proxy",
    "name",
    "connection",
    "certificate",
    "service",
    "company",
    "clock",
    "host",
    "codebase",
    "client_id",
    "keys",
    "member",
    "level",
    "rights",
    "routes",
    "rate",
)
OK, WARNING, WRONG, UNKNOWN = "ok", "warning", "wrong", "unknown"


@dataclass
class Line:
    check: str
    status: str
    found: str
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        found, remedy = legible(self.found), legible(self.remedy)
        return {"check": self.check, "status": self.status, "found": found, "remedy": remedy}

    def __str__(self) -> str:
        return legible(
            f"{self.status:<8}{self.check}: {self.found}"
            + (f". What to do: {self.remedy}" if self.remedy and self.status != OK else "")
        )


class Stop(Exception):
    """What is wrong keeps the rest from being looked at."""


@dataclass
class Diagnosis:
    lines: list[Line] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    def add(self, check: str, found: str, *, status: str = OK, remedy: str = "") -> None:
        self.lines.append(Line(check, status, found, remedy))

    def wrong(self, check: str, problem: PsaError) -> None:
        said = f' (the server said: "{problem.said}")' if problem.said else ""
        self.add(check, problem.problem + said, status=WRONG, remedy=problem.remedy)

    @property
    def healthy(self) -> bool:
        return not any(line.status == WRONG for line in self.lines)

    def finished(self) -> Diagnosis:
        """With a line for what could not be looked at, in the order of the checks."""
        seen = {line.check for line in self.lines}
        first = next((line.check for line in self.lines if line.status == WRONG), "")
        for check in CHECKS:
            if check not in seen:
                self.add(check, f"not looked at: {first} comes first", status=UNKNOWN)
        self.lines.sort(key=lambda line: CHECKS.index(line.check))
        return self

    @contextmanager
    def attempt(self, place: Callable[[PsaError], str], *passed: str) -> Iterator[None]:
        """Run something that shows what is wrong by its error; `passed`: the checks that its error leaves behind it."""
        started = time.monotonic()
        try:
            yield
        except PsaError as problem:
            check = place(problem)
            for one in passed:
                if CHECKS.index(one) < CHECKS.index(check):
                    self.add(one, "good, as far as the answer shows")
            self.wrong(check, problem)
            raise Stop from None
        finally:
            self.times.append(time.monotonic() - started)
