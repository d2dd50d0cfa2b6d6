# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A vendor's file begun from a copy of its page. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._names import counted
from ansible_collections.msp.connectwise.plugins.plugin_utils import _vendor_text
from ansible_collections.msp.connectwise.plugins.plugin_utils._page_rows import Reading, differences, hash_of, read_page
from ansible_collections.msp.connectwise.plugins.plugin_utils._profile_check import PROPERTIES, nearest
from ansible_collections.msp.connectwise.plugins.plugin_utils._profile_file import ProfileError
from ansible_collections.msp.connectwise.plugins.plugin_utils._profile_tables import (
    Matrix,
    rows,
    with_levels,
    with_switches,
)

_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_TOLD = 50
# Fields that every connection to ConnectWise PSA is made of.
_FIELDS = (
    ("Company ID", "company_id"),
    ("Site", "site_host"),
    ("Public Key", "public_key"),
    ("Private Key", "private_key"),
)


@dataclass(frozen=True)
class Begun:
    """The text of the file, and what its writer has to look at."""

    text: str
    reading: Reading
    messages: list[str]


def begun(name: str, page: str, given: Mapping[str, Any], prefix: str = "", ticked: str | None = None) -> Begun:
    """The file of a new vendor.

    page: its table as HTML, Markdown, CSV or TSV; given: keys that are known already; ticked: what a tick means there.
    """
    if not _NAME.match(name) or name == "all":
        remedy = "choose small letters, digits and underscores, such as acme_sync"
        raise ProfileError(f'"{name}" cannot be the name of a vendor', remedy=remedy)
    for key in given:
        if key not in PROPERTIES:
            raise ProfileError(f"a profile has no key {key}; {nearest(key, PROPERTIES)}", remedy="correct the key")
    reading = read_page(page, ticked) if page.strip() else Reading()
    profile = _profile(name, reading, given)
    remarks = {("permissions", *place): f'printed "{printed}"' for place, printed in reading.printed.items()}
    text = _vendor_text.written(profile, prefix, remarks)
    notes = [f"# not resolved: {line}" for line in reading.unresolved] + [
        f"# to check: {one}" for one in reading.questions
    ]
    amount = counted(len(rows(reading.permissions)), "row")
    messages = [
        f"{amount} read from the page" if page.strip() else "an empty table to fill in",
        *told("not resolved", reading.unresolved),
        *told("to check", reading.questions),
    ]
    return Begun("".join(f"{note}\n" for note in notes) + text, reading, messages)


def told(what: str, lines: Sequence[str]) -> list[str]:
    """As many lines as a person reads; the file has all of them."""
    more = [f"{what}: {len(lines) - _TOLD} more, see the file"] if len(lines) > _TOLD else []
    return [*(f"{what}: {line}" for line in lines[:_TOLD]), *more]


def _profile(name: str, reading: Reading, given: Mapping[str, Any]) -> dict[str, Any]:
    product = str(given.get("product") or name.replace("_", " ").title())
    member = {
        # A Member ID is a login name, so it has no spaces.
        "identifier": re.sub(r"[^A-Za-z0-9]+", "", product)[:15] or name[:15],
        "name": product[:30].strip(),
        "level": "top",
        "security_location": "top",
    }
    permissions = {
        module: {function: _vendor_text.ordered(levels) for function, levels in functions.items()}
        for module, functions in reading.permissions.items()
    }
    profile: dict[str, Any] = {
        "vendor": product,
        "product": product,
        "source": "the page that the table is from",
        "completeness": "partial" if reading.unresolved else "full",
        "role_name": product[:30].strip(),
        "member": member,
        "key_description": product,
        "permissions": permissions,
        "customize": reading.customize,
        "handover": {
            "console": f"{product}, its ConnectWise PSA connection",
            "steps": ["Enter the values below and save."],
            "fields": [{"label": label, "from": origin} for label, origin in _FIELDS],
        },
        "grace_days": 7,
    }
    if reading.unresolved:
        profile["gaps"] = list(reading.unresolved)
    if reading.ticks and reading.ticked:
        profile["readings"] = [f"The page ticks levels and does not name them; a tick is read as {reading.ticked}."]
    if reading.permissions:
        profile["table"] = hash_of(reading.permissions)
    return {**profile, **{key: value for key, value in given.items() if value not in (None, "")}}


def whole_table(values: Mapping[str, Any]) -> Matrix:
    """The table of a profile with all its features, as the page prints it."""
    everything = {
        "permissions": {},
        **with_levels(values),
        "features": list(values.get("feature_groups", {})),
        "reductions": [],
    }
    return with_switches(everything)[0]


def changes(values: Mapping[str, Any], reading: Reading) -> list[str]:
    """What a copy of the page changes in the table of a profile, row by row."""
    return differences(whole_table(values), reading.permissions)
