# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The key reports of all tenants as one page, those with findings first. Pure functions, but for `reports_below`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from html import escape
from pathlib import Path
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._connection import shown_key
from ansible_collections.msp.connectwise.plugins.module_utils._names import counted
from ansible_collections.msp.connectwise.plugins.plugin_utils import _files
from ansible_collections.msp.connectwise.plugins.plugin_utils._json import loaded
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_report import details, state_word, whole
from ansible_collections.msp.connectwise.plugins.plugin_utils._order import spoken
from ansible_collections.msp.connectwise.plugins.plugin_utils._page import filled
from ansible_collections.msp.connectwise.plugins.plugin_utils._report_place import folder_name, old_folder_name

# {tenant: {time, keys: {name of the record: report}}}
Reports = Mapping[str, Mapping[str, Any]]

HEAD = ("Tenant", "Integration", "Member", "Public key", "State", "Age", "Kept in", "Seen", "What to look at")
# The colour of a state, and what it means.
STATES = {
    "valid": ("ready", "the tenant accepts the stored key, and it is the member's"),
    "refused": ("failed", "the tenant does not accept the stored key"),
    "foreign": ("failed", "the stored key is another member's"),
    "none": ("absent", "the store has no key"),
}


def reports_below(directory: Path, tenants: Iterable[str] = ()) -> dict[str, dict[str, Any]]:
    """Return what runs have left about the keys of each tenant. tenants: whose folders have another name than they."""
    names = {folder_name(tenant): tenant for tenant in tenants}
    # Left by an earlier version, which wrote the reports of several tenants there.
    shared = {old_folder_name(tenant) for folder, tenant in names.items() if folder != tenant} - names.keys()
    found = {}
    for path in sorted(directory.glob("*/keys.json")):
        try:
            keys = whole(loaded(_files.read_text(path, below=directory.parent)))
        except (OSError, ValueError, _files.NotAFile):
            # Half a file is one that its run did not end; what is no file is no report of ours.
            continue
        time = datetime.fromtimestamp(path.stat().st_mtime, timezone.utc).isoformat(timespec="seconds")
        if keys and path.parent.name not in shared:
            found[names.get(path.parent.name, path.parent.name)] = {"time": time, "keys": keys}
    return found


def summary(reports: Reports) -> str:
    """All keys in a line."""
    keys = [one for there in reports.values() for one in there["keys"].values()]
    states = Counter(one["state"] for one in keys)
    amounts = ", ".join(f"{count} {state_word(state)}" for state, count in sorted(states.items()))
    found = sum(bool(one["findings"]) for one in keys)
    return f"{counted(len(reports), 'tenant')}, {counted(len(keys), 'key')}: {amounts or 'none'}; {found} with findings"


def page(reports: Reports, generated: str) -> str:
    """One HTML page without scripts."""
    rows = [
        (tenant, name, one, one.get("seen") or there["time"])
        for tenant, there in reports.items()
        for name, one in there["keys"].items()
    ]
    # Those with findings first, and of those the oldest.
    rows.sort(key=lambda row: (not row[2]["findings"], -(row[2]["age_days"] or 0), row[0], row[1]))
    legend = "".join(
        f"<dt>{_state(state)}</dt><dd>{escape(meaning)}</dd>" for state, (_colour, meaning) in STATES.items()
    )
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in HEAD)
    body = "\n".join(_row(*row) for row in rows)
    return filled(
        "keys.html", ABOUT=escape(f"{spoken(generated)}: {summary(reports)}"), LEGEND=legend, HEAD=head, ROWS=body
    )


def _state(state: str) -> str:
    colour = STATES.get(state, ("drifted", ""))[0]
    return f'<span class="tag {colour}">{escape(state_word(state))}</span>'


def _row(tenant: str, name: str, one: Mapping[str, Any], time: str) -> str:
    days = one["age_days"]
    age = "" if days is None else counted(round(days), "day")
    public = shown_key(one["public_key"]) if one["public_key"] else ""
    cells = [escape(str(text)) for text in (name, one["member"], public)]
    cells += [_state(str(one["state"]))]
    cells += [escape(str(text)) for text in (age, one["place"] or "", spoken(time))]
    found = _listed(details(one))
    return (
        f'<tr><th scope="row">{escape(tenant)}</th>'
        + "".join(f'<td data-label="{label}">{cell}</td>' for label, cell in zip(HEAD[1:], cells, strict=False))
        + f'<td class="findings" data-label="{HEAD[-1] if found else ""}">{found}</td></tr>'
    )


def _listed(lines: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<ul>{items}</ul>" if items else ""
