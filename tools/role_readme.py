# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the READMEs of all roles and the vendor table of the top README from the roles themselves.

python tools/role_readme.py            write what is not current
python tools/role_readme.py --check    write nothing, exit 1 and name what is not current
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
MARKUP = re.compile(r"\b[CEIMOPRV]+\(((?:[^()]|\([^()]*\))*)\)")
LEVELS = ("add", "edit", "delete", "inquire")
TABLE_START = "<!-- vendors:start -->"
TABLE_END = "<!-- vendors:end -->"
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


@dataclass(frozen=True)
class VendorRole:
    """One vendor role as its files describe it."""

    slug: str
    profile: dict[str, Any]
    defaults: dict[str, Any]
    spec: dict[str, Any]

    def value(self, name: str) -> Any:
        return self.defaults[f"{self.slug}_{name}"]


def load_roles(root: Path) -> list[VendorRole]:
    """The roles that hand a profile to the engine, by name."""
    roles = []
    for tasks in sorted(root.glob("roles/*/tasks/main.yml")):
        handed = [task.get("vars", {}) for task in _yaml(tasks) or []]
        profile = next((found["integration_profile"] for found in handed if "integration_profile" in found), None)
        if not isinstance(profile, dict):
            continue
        role = tasks.parent.parent
        specs = _yaml(role / "meta" / "argument_specs.yml")["argument_specs"]
        roles.append(VendorRole(role.name, profile, _yaml(role / "defaults" / "main.yml"), specs["main"]))
    return roles


def plain_roles(root: Path) -> list[Path]:
    """The roles that hand no profile to the engine: the engine itself, and tools beside it."""
    vendors = {role.slug for role in load_roles(root)}
    specs = sorted(root.glob("roles/*/meta/argument_specs.yml"))
    return [path.parent.parent for path in specs if path.parent.parent.name not in vendors]


def _yaml(path: Path) -> Any:
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


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    return ["| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]]


def source(profile: dict[str, Any]) -> str:
    text = str(profile["source"])
    return f"<{text}>" if text.startswith("https://") else text


def permission_rows(permissions: dict[str, Any]) -> list[list[str]]:
    rows = []
    for module, functions in permissions.items():
        for function, levels in functions.items():
            name = "every function (`*`)" if function == "*" else cell(function)
            rows.append([cell(module), name, *(str(levels.get(level, "None")) for level in LEVELS)])
    return rows


def customize_rows(customize: dict[str, Any]) -> list[list[str]]:
    rows = []
    for function, lists in customize.items():
        disallow = lists.get("disallow", [])
        if lists["allow"] == "all":
            allowed, rest = ("everything else" if disallow else "everything"), "<br>".join(map(cell, disallow)) or "-"
        else:
            allowed, rest = "<br>".join(map(cell, lists["allow"])), "everything else"
        rows.append([cell(function), allowed, rest])
    return rows


def input_rows(options: dict[str, Any], prefix: str = "") -> list[list[str]]:
    rows = []
    for name, option in options.items():
        kind = option["type"] + (f" of {option['elements']}" if "elements" in option else "")
        text = option["description"]
        text = " ".join(text) if isinstance(text, list) else text
        if "choices" in option:
            text += " One of " + ", ".join(code(choice) for choice in option["choices"]) + "."
        default = code(option["default"]) if "default" in option else ("required" if option.get("required") else "")
        rows.append([code(prefix + name), kind, default, cell(text)])
        inner = prefix + name + ("[]." if option["type"] == "list" else ".")
        rows.extend(input_rows(option.get("options", {}), inner))
    return rows


def permission_section(role: VendorRole) -> list[str]:
    head = ["Module", "Function", "Add", "Edit", "Delete", "Inquire"]
    lines = [
        f"## Security role {code(role.value('role_name'))}",
        "",
        *table(head, permission_rows(role.value("permissions"))),
        "",
        "A function that is not in the table gets None everywhere, unless `integration_exclusive` is false.",
        "",
    ]
    features = role.defaults.get(f"{role.slug}_feature_permissions", {})
    if features:
        rows = [[code(name), *row] for name, wanted in features.items() for row in permission_rows(wanted)]
        lines += [f"What {code(role.slug + '_features')} adds to it:", "", *table(["Feature", *head], rows), ""]
    return lines


def customize_section(role: VendorRole) -> list[str]:
    rows = customize_rows(role.value("customize"))
    lines = ["## Customize lists", ""]
    if not rows:
        return [*lines, "None: the page asks for no list.", ""]
    return [*lines, *table(["Function", "Allowed", "Disallowed"], rows), ""]


def handover_section(role: VendorRole) -> list[str]:
    handover = role.value("handover")
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
        "What to watch:",
        "",
        *(f"- {text}" for text in handover["watch"]),
        "",
    ]


def render(role: VendorRole) -> str:
    """The README of one role."""
    description = role.spec["description"]
    member = [[key.replace("_", " ").capitalize(), code(value)] for key, value in role.value("member").items()]
    lines = [
        f"# msp.connectwise.{role.slug}",
        "",
        "<!-- Written by tools/role_readme.py from defaults/main.yml and meta/argument_specs.yml; change those. -->",
        "",
        f"{role.spec['short_description']}.",
        "",
        *(line for text in description for line in (text, "")),
        f"Vendor: {role.profile['vendor']}. Product: {role.profile['product']}. Source: {source(role.profile)}",
        "",
        "## Use",
        "",
        "```yaml",
        "- hosts: tenants",
        "  gather_facts: false",
        f"  roles: [msp.connectwise.{role.slug}]",
        "```",
        "",
        "`integration_state: absent` takes the integration away again. The other `integration_…` variables are those",
        "of [msp.connectwise.integration](../integration/README.md).",
        "",
        *permission_section(role),
        *customize_section(role),
        "## API member and key",
        "",
        *table(["Field", "Value"], [*member, ["Key description", code(role.value("key_description"))]]),
        "",
        *handover_section(role),
        "## Inputs",
        "",
        *table(["Variable", "Type", "Default", "Meaning"], input_rows(role.spec["options"])),
    ]
    return "\n".join(lines) + "\n"


def render_plain(role: Path) -> str:
    """The README of a role that is no vendor's, from its argument_specs."""
    spec = _yaml(role / "meta" / "argument_specs.yml")["argument_specs"]["main"]
    description = spec["description"] if isinstance(spec["description"], list) else [spec["description"]]
    rows = [[unmarked(field) for field in row] for row in input_rows(spec.get("options", {}))]
    lines = [
        f"# msp.connectwise.{role.name}",
        "",
        "<!-- Written by tools/role_readme.py from meta/argument_specs.yml; change that. -->",
        "",
        f"{spec['short_description']}.",
        "",
        *(line for text in description for line in (unmarked(text), "")),
        "## Inputs",
        "",
        *table(["Variable", "Type", "Default", "Meaning"], rows),
    ]
    return "\n".join(lines) + "\n"


def vendor_table(roles: list[VendorRole]) -> str:
    """The table of vendors for the top README, without its markers."""
    rows = []
    for role in roles:
        page = str(role.profile["source"])
        rows.append(
            [
                f"[`{role.slug}`](roles/{role.slug}/README.md)",
                cell(role.profile["vendor"]),
                cell(role.profile["product"]),
                str(len(permission_rows(role.value("permissions")))),
                ", ".join(cell(name) for name in role.value("customize")) or "-",
                f"[page]({page})" if page.startswith("https://") else cell(page),
            ]
        )
    return "\n".join(table(["Role", "Vendor", "Product", "Permission rows", "Customize lists", "Source"], rows))


def with_vendor_table(text: str, roles: list[VendorRole]) -> str:
    """The top README with the current table between its markers; unchanged when it has none."""
    if text.count(TABLE_START) != 1 or text.count(TABLE_END) != 1 or text.index(TABLE_START) > text.index(TABLE_END):
        return text
    before, rest = text.split(TABLE_START)
    after = rest.split(TABLE_END)[1]
    return f"{before}{TABLE_START}\n{vendor_table(roles)}\n{TABLE_END}{after}"


def wanted_files(root: Path) -> dict[Path, str]:
    """Every file this tool writes, with the text it should have."""
    roles = load_roles(root)
    files = {root / "roles" / role.slug / "README.md": render(role) for role in roles}
    files |= {role / "README.md": render_plain(role) for role in plain_roles(root)}
    top = root / "README.md"
    if top.exists():
        files[top] = with_vendor_table(top.read_text(encoding="utf-8"), roles)
    return files


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is not current")
    parser.add_argument("--root", type=Path, default=ROOT, help="the collection (default: this one)")
    options = parser.parse_args(argv)
    stale = [
        (path, text)
        for path, text in wanted_files(options.root).items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    for path, text in stale:
        name = path.relative_to(options.root)
        if options.check:
            print(f"{name} is not current: run python tools/role_readme.py", file=sys.stderr)
        else:
            path.write_text(text, encoding="utf-8")
            print(f"{name} written")
    return 1 if options.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
