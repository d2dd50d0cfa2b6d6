# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers that a test counts, kept in .cache/reports for people to read."""

from __future__ import annotations

from .engine import ROOT


def keep(name: str, text: str) -> None:
    place = ROOT / ".cache" / "reports"
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{name}.txt").write_text(text + "\n", encoding="utf-8")
    print(text)
