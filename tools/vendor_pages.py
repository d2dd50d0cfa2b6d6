# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written from a vendor's table: README, argument spec, tasks, metadata, and the lists of all vendors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.msp.connectwise.plugins.plugin_utils import _profile
from ansible_collections.msp.connectwise.plugins.plugin_utils._profile_check import PROPERTIES, SCHEMA
from ansible_collections.msp.connectwise.plugins.plugin_utils._profile_tables import rows

LICENSE = """\
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
MADE = "Written by `make vendors` from defaults/main.yml; change that."
PARTS = "security role, Customize lists, API member, API key in the store, a check with that key, and the hand-over"
MARKUP = re.compile(r"\b[CEIMOPRV]+\(((?:[^()]|\([^()]*\))*)\)")
FROM_TEXT = {
    "company_id": "company id of the tenant",
    "site_host": "host of the tenant's web client",
    "api_host": "host of the tenant's API",
    "api_url": "base URL of the tenant's API",
    "region": "region of the tenant",
    "public_key": "public key",
    "private_key": "place of the private key in the store",
    "client_id": "client id",
    "member": "identifier of the member",
}
# Variables of a vendor that a host sets, always or if the vendor has them; the other keys are facts about the page.
INPUTS = (
    *("role_name", "member", "member_identifier", "key_description", "permissions", "customize", "handover"),
    "grace_days",
)
IF_THERE = ("strategy", "members", "further_keys", "features", "feature_groups", "reductions", "reduction_groups")


@dataclass(frozen=True)
class Vendor:
    """A vendor's role: its defaults without their prefix, and the profile that the reader makes of them."""

    name: str
    values: dict[str, Any]
    profile: _profile.Profile

    @classmethod
    def of(cls, role: Path) -> Vendor:
        defaults = load(role / "defaults" / "main.yml")
        prefix = f"{role.name}_"
        values = {key[len(prefix) :]: value for key, value in defaults.items()}
        return cls(role.name, values, _profile.of_mapping(role.name, values))

    @property
    def inputs(self) -> list[str]:
        there = [name for name in IF_THERE if name in self.values]
        if "members" not in self.values:
            there = [name for name in there if name != "strategy"]
        return [*INPUTS, *there]


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def cell(text: object) -> str:
    """Text as it may stand in a table cell."""
    return re.sub(r"\s+", " ", str(text)).replace("|", "\\|").replace("*", "\\*").strip()


def code(value: object) -> str:
    shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "`" + cell(shown).replace("\\*", "*") + "`"


def unmarked(text: str) -> str:
    """Ansible's semantic markup as code."""
    return MARKUP.sub(lambda found: f"`{found.group(1)}`", text)


def table(head: list[str], lines: Iterable[list[str]]) -> list[str]:
    return ["| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *lines]]


def matrix(permissions: Mapping[str, Any]) -> list[list[str]]:
    return [
        [cell(module), "every function (`*`)" if function == "*" else cell(function), *levels.values()]
        for module, function, levels in rows(permissions)
    ]


def lists(customize: Mapping[str, Any]) -> list[list[str]]:
    found = []
    for function, one in customize.items():
        disallow = one.get("disallow", [])
        if one.get("allow") == "all":
            allowed, rest = ("everything else" if disallow else "everything"), "<br>".join(map(cell, disallow)) or "-"
        else:
            allowed, rest = "<br>".join(map(cell, one.get("allow", []))) or "nothing", "everything else"
        found.append([cell(function), allowed, rest])
    return found


HEAD = ["Module", "Function", "Add", "Edit", "Delete", "Inquire"]


def listed(title: str, texts: Iterable[object]) -> list[str]:
    texts = list(texts)
    return [title, "", *(f"- {cell(text)}" for text in texts), ""] if texts else []


def about_page(vendor: Vendor) -> list[str]:
    """Where the table comes from, and what is known of it."""
    values = vendor.values
    pages = [values["source"], *values.get("sources", [])]
    shown = ", ".join(f"<{page}>" if str(page).startswith("http") else str(page) for page in pages)
    whole = "the whole table" if values.get("completeness") == "full" else "a part of the table"
    read = f"read in {values.get('checked')}: {whole}"
    return [
        f"Vendor: {vendor.profile.vendor}. Product: {vendor.profile.product}. Source: {shown}, {read}.",
        "",
        *listed("What is not known:", values.get("gaps", [])),
        *listed("How the page was read:", values.get("readings", [])),
        *listed("What to know:", values.get("notes", [])),
    ]


def role_section(vendor: Vendor) -> list[str]:
    values = vendor.values
    lines = [
        f"## Security role {code(values['role_name'])}",
        "",
        *table(HEAD, matrix(values["permissions"])),
        "",
        "A function that is not in the table gets None everywhere, unless `integration_exclusive` is false.",
        "",
    ]
    for switch, groups, text in (
        ("features", "feature_groups", "adds to it"),
        ("reductions", "reduction_groups", "takes back"),
    ):
        for name, group in values.get(groups, {}).items():
            about = [
                f"What {code(name)} in {code(f'{vendor.name}_{switch}')} {text}: {cell(group.get('description', ''))}."
            ]
            lines += [*about, "", *table(HEAD, matrix(group.get("permissions", {}))), ""]
            lines += (
                [*table(["Function", "Allowed", "Disallowed"], lists(group["customize"])), ""]
                if "customize" in group
                else []
            )
    return lines


def customize_section(vendor: Vendor) -> list[str]:
    found = lists(vendor.values.get("customize", {}))
    lines = ["## Customize lists", ""]
    if not found:
        return [*lines, "None: the page names no list.", ""]
    return [*lines, *table(["Function", "Allowed", "Disallowed"], found), ""]


def privilege_section(vendor: Vendor) -> list[str]:
    lines = ["## Least privilege", ""]
    if not vendor.profile.findings:
        return [*lines, "Nothing in this table stands out.", ""]
    return [*lines, "Rows that deserve a look, the riskiest first:", "", *listed("", vendor.profile.findings)[2:]]


def handover_section(vendor: Vendor) -> list[str]:
    handover = vendor.values["handover"]
    fields = [
        [cell(field["label"]), FROM_TEXT[field["from"]] if "from" in field else code(field["value"])]
        for field in handover["fields"]
    ]
    return [
        "## Hand-over",
        "",
        f"Where: {handover['console']}",
        "",
        *(f"{number}. {step}" for number, step in enumerate(handover["steps"], 1)),
        "",
        *table(["Field", "Value"], fields),
        "",
        *listed("What to watch:", handover.get("watch", [])),
    ]


def default_shown(value: object) -> str:
    return "" if isinstance(value, dict) and value else code(value)


def kind(name: str) -> str:
    schema = PROPERTIES[name]
    schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    words = {"object": "dict", "array": "list", "number": "float", "string": "str"}
    return words[schema.get("type", "string")]


def elements(name: str) -> str:
    return "dict" if PROPERTIES[name].get("items", {}).get("type") == "object" else "str"


def readme(vendor: Vendor) -> str:
    member = [[key.replace("_", " ").capitalize(), code(value)] for key, value in vendor.values["member"].items()]
    inputs = [
        [
            code(f"{vendor.name}_{name}"),
            kind(name),
            default_shown(vendor.values[name]) if name in vendor.values else "",
            cell(PROPERTIES[name]["description"]),
        ]
        for name in vendor.inputs
    ]
    lines = [
        f"# msp.connectwise.{vendor.name}",
        "",
        f"<!-- {MADE} -->",
        "",
        f"{vendor.profile.product} on a ConnectWise PSA tenant: {PARTS}.",
        "",
        *about_page(vendor),
        "## Use",
        "",
        "```yaml",
        f"cw_integrations: [{vendor.name}] # in the inventory, for msp.connectwise.onboard",
        "```",
        "",
        "or as a role of your own play:",
        "",
        "```yaml",
        "- hosts: tenants",
        "  gather_facts: false",
        f"  roles: [msp.connectwise.{vendor.name}]",
        "```",
        "",
        "`integration_state: absent` takes the integration away again. The other `integration_…` variables are those",
        "of [msp.connectwise.integration](../integration/README.md).",
        "",
        *role_section(vendor),
        *customize_section(vendor),
        *privilege_section(vendor),
        "## API member and key",
        "",
        *table(["Field", "Value"], [*member, ["Key description", code(vendor.values["key_description"])]]),
        "",
        *handover_section(vendor),
        "## Inputs",
        "",
        *table(["Variable", "Type", "Default", "Meaning"], inputs),
    ]
    return "\n".join(lines) + "\n"


def argument_spec(vendor: Vendor) -> str:
    """What Ansible shows of the role; the schema of a profile stands once, in profile.schema.json."""
    options: dict[str, Any] = {}
    for name in vendor.inputs:
        option: dict[str, Any] = {"description": PROPERTIES[name]["description"].split(". ")[0].rstrip(".") + "."}
        option["type"] = kind(name)
        if option["type"] == "list":
            option["elements"] = elements(name)
        if "enum" in PROPERTIES[name]:
            option["choices"] = PROPERTIES[name]["enum"]
        if name in vendor.values and not isinstance(vendor.values[name], dict):
            option["default"] = vendor.values[name]
        options[f"{vendor.name}_{name}"] = option
    spec = {
        "short_description": f"{vendor.profile.product} on a ConnectWise PSA tenant",
        "description": [
            f"Makes the integration of {vendor.profile.product} real on one tenant: {PARTS}.",
            "The README of the role has the whole table, and says how the vendor's page was read.",
        ],
        "author": ["The msp.connectwise contributors"],
        "version_added": "0.1.0",
        "options": options,
    }
    text = yaml.dump(
        {"argument_specs": {"main": spec}}, sort_keys=False, allow_unicode=True, width=110, Dumper=_Indented
    )
    return f"---\n{LICENSE}# {MADE}\n{text}"


class _Indented(yaml.SafeDumper):
    """Items of a list stand deeper than their key, as in the other files."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)


def tasks(vendor: Vendor) -> str:
    return f"""\
---
{LICENSE}- name: Integration of {vendor.profile.product}
  ansible.builtin.import_role:
    name: msp.connectwise.integration
    rolespec_validate: false # its first task checks more, and says it better
  vars:
    integration_vendor: {vendor.name}
"""


def metadata(vendor: Vendor) -> str:
    return f"""\
---
{LICENSE}
galaxy_info:
  author: The msp.connectwise contributors
  description: Integration of {vendor.profile.product} with ConnectWise PSA
  license: GPL-3.0-or-later
  min_ansible_version: "2.16"
  galaxy_tags:
    - connectwise
    - psa
    - msp
dependencies: []
"""


def input_rows(options: dict[str, Any], prefix: str = "") -> list[list[str]]:
    found = []
    for name, option in options.items():
        type_ = option["type"] + (f" of {option['elements']}" if "elements" in option else "")
        text = option["description"]
        text = " ".join(text) if isinstance(text, list) else text
        if "choices" in option:
            text += " One of " + ", ".join(code(choice) for choice in option["choices"]) + "."
        default = code(option["default"]) if "default" in option else ("required" if option.get("required") else "")
        found.append([code(prefix + name), type_, default, cell(text)])
        inner = prefix + name + ("[]." if option["type"] == "list" else ".")
        found.extend(input_rows(option.get("options", {}), inner))
    return found


def plain_readme(role: Path) -> str:
    """The README of a role that is no vendor's, from its argument_specs."""
    spec = load(role / "meta" / "argument_specs.yml")["argument_specs"]["main"]
    description = spec["description"] if isinstance(spec["description"], list) else [spec["description"]]
    inputs = [[unmarked(field) for field in row] for row in input_rows(spec.get("options", {}))]
    lines = [
        f"# msp.connectwise.{role.name}",
        "",
        "<!-- Written by `make vendors` from meta/argument_specs.yml; change that. -->",
        "",
        f"{spec['short_description']}.",
        "",
        *(line for text in description for line in (unmarked(text), "")),
        "## Inputs",
        "",
        *table(["Variable", "Type", "Default", "Meaning"], inputs),
    ]
    return "\n".join(lines) + "\n"
