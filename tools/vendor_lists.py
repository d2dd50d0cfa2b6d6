# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lists of all vendors: the table of the top README, and the page of the documentation."""

from __future__ import annotations

import re

from vendor_pages import LICENSE, Vendor, cell, table

from ansible_collections.msp.connectwise.plugins.module_utils._names import counted
from ansible_collections.msp.connectwise.plugins.plugin_utils._profile_tables import rows


def vendor_table(vendors: list[Vendor]) -> str:
    """The table of vendors for the top README, without its markers."""
    lines = []
    for vendor in vendors:
        page = str(vendor.profile.source)
        whole = "" if vendor.values.get("completeness") == "full" else " (partial)"
        lines.append(
            [
                f"[`{vendor.name}`](roles/{vendor.name}/README.md)",
                cell(vendor.profile.vendor),
                cell(vendor.profile.product),
                f"{len(rows(vendor.values['permissions']))}{whole}",
                ", ".join(cell(name) for name in vendor.values.get("customize", {})) or "-",
                f"[page]({page})" if page.startswith("https://") else cell(page),
            ]
        )
    return "\n".join(table(["Role", "Vendor", "Product", "Permission rows", "Customize lists", "Source"], lines))


def rst(text: object) -> str:
    """Text as it may stand in reStructuredText."""
    return re.sub(r"([*`_|\\\\])", r"\\\1", re.sub(r"\s+", " ", str(text))).strip()


def vendor_guide(vendors: list[Vendor]) -> str:
    """The page of the documentation that lists the vendors."""
    lines = [
        "..",
        *(f"  {line[2:]}" for line in LICENSE.splitlines()),
        "  Written by make vendors from the roles' defaults; change those.",
        "",
        ".. _ansible_collections.msp.connectwise.docsite.vendors:",
        "",
        "The vendors",
        "===========",
        "",
        f"{len(vendors)} vendors are roles of this collection, and another one is",
        ":ref:`one file beside the inventory <ansible_collections.msp.connectwise.docsite.guide_vendor_role>`.",
        "``ansible-playbook msp.connectwise.vendors -e cw_search=WORDS`` searches them.",
        "Rows that deserve a look are found by rules, which do not judge a vendor.",
        "",
    ]
    for vendor in vendors:
        profile, values = vendor.profile, vendor.values
        title = rst(f"{profile.product} ({vendor.name})")
        partial = "" if values.get("completeness") == "full" else ", a part of the page's table"
        page = str(profile.source)
        lines += [title, "-" * len(title), ""]
        count = counted(len(rows(values["permissions"])), "row")
        source = f"`its page <{page}>`__" if page.startswith("http") else rst(page)
        lines += [f"- {rst(profile.vendor)}; {count} from {source}, read in {values.get('checked')}{partial}"]
        lines += [f"- Customize lists: {', '.join(map(rst, values['customize']))}"] if values.get("customize") else []
        lines += (
            [f"- Features: {', '.join(map(rst, values['feature_groups']))}"] if values.get("feature_groups") else []
        )
        lines += (
            [f"- Reductions: {', '.join(map(rst, values['reduction_groups']))}"] if "reduction_groups" in values else []
        )
        lines += [f"- Deserves a look: {rst(one)}" for one in profile.findings[:3]]
        lines += [f"- Not known: {rst(one)}" for one in values.get("gaps", [])]
        lines.append("")
    return "\n".join(lines)
