# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The vendors there are, as a list to search."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._names import counted
from ansible_collections.msp.connectwise.plugins.plugin_utils import _profile
from ansible_collections.msp.connectwise.plugins.plugin_utils._compare import riskiest
from ansible_collections.msp.connectwise.plugins.plugin_utils._profile_names import known, vendor_files
from ansible_collections.msp.connectwise.plugins.plugin_utils._profile_tables import rows
from ansible_collections.msp.connectwise.plugins.plugin_utils._status import PARTIAL, completeness


def profiles(directories: Sequence[Path]) -> tuple[list[_profile.Profile], list[str]]:
    """Every vendor as its table has it, without a host's variables; and why others cannot be used."""
    found, wrong = [], []
    for name in [*known(), *(path.stem for path in vendor_files(directories))]:
        try:
            profile = _profile.read(name, {}, {}.get, directories)
            # Of a vendor that is all features, each tenant chooses some.
            if not profile.about.get("feature_groups"):
                profile.require_rights()
            found.append(profile)
        except _profile.ProfileError as problem:
            wrong.append(f"{name} cannot be used: {problem.problem}")
    return found, wrong


def listed(directories: Sequence[Path], search: str = "") -> tuple[list[dict[str, Any]], list[str]]:
    """The vendors with these words, and why others cannot be used."""
    words = search.casefold().split()
    found, wrong = profiles(directories)
    entries = [_entry(profile, directories) for profile in found]
    return [entry for entry in entries if all(word in _text(entry) for word in words)], wrong


def _entry(profile: _profile.Profile, directories: Sequence[Path]) -> dict[str, Any]:
    source = _profile.find(profile.name, directories)
    return {
        "name": profile.name,
        "vendor": profile.vendor,
        "product": profile.product,
        "strategy": profile.strategy,
        "rows": len(rows(profile.permissions)),
        "functions": [f"{module} / {function}" for module, function, _levels in rows(profile.permissions)],
        "lists": list(profile.customize),
        "riskiest": riskiest(profile),
        "source": profile.source,
        "checked": profile.about.get("checked"),
        "completeness": completeness(profile.about)["completeness"],
        "features": list(profile.about.get("feature_groups", {})),
        "reductions": list(profile.about.get("reduction_groups", {})),
        "file": None if source.role else str(source.path),
    }


def _text(entry: dict[str, Any]) -> str:
    words = [entry["name"], entry["vendor"], entry["product"], *entry["functions"], *entry["lists"], *entry["riskiest"]]
    return " ".join(words).casefold()


def lines(entries: Sequence[dict[str, Any]]) -> list[str]:
    """One line a vendor, as a terminal shows it."""
    width = max((len(entry["name"]) for entry in entries), default=0)
    found = []
    for entry in entries:
        partial = ", partial" if entry["completeness"] == PARTIAL else ""
        risk = entry["riskiest"][0] if entry["riskiest"] else "nothing stands out"
        checked = f", read in {entry['checked']}" if entry["checked"] else ""
        rows_ = "keys of people" if entry["strategy"] == _profile.PER_TECHNICIAN else counted(entry["rows"], "row")
        about = f"{entry['product']}: {rows_}{partial}{checked}"
        found.append(f"{entry['name']:{width}}  {about}; {risk}; {entry['source'] or 'no source'}")
    return found
