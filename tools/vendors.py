# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vendors of the collection: what is written from their tables, a new one, and what a new copy of a page changes.

python tools/vendors.py                          write what is not current: READMEs, argument specs, tasks, the list
python tools/vendors.py --check                  write nothing, exit 1 and name what is not current
python tools/vendors.py --new NAME [--table F]   begin the role of another vendor, from a copy of its page
python tools/vendors.py --compare F [NAME]       which rows a new copy of a page changes
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from workspace import link_collection

if "ansible_collections" not in sys.modules:
    sys.path.insert(0, str(link_collection()))

import vendor_lists as lists
import vendor_pages as pages
from vendor_pages import Vendor

from ansible_collections.msp.connectwise.plugins.plugin_utils import _new_vendor, _page_rows
from ansible_collections.msp.connectwise.plugins.plugin_utils._profile_file import ProfileError

ROOT = Path(__file__).resolve().parent.parent
TABLE_START = "<!-- vendors:start -->"
TABLE_END = "<!-- vendors:end -->"


def vendor_roles(root: Path) -> list[Path]:
    """The roles with a vendor's table, by name."""
    return [
        path.parent.parent
        for path in sorted(root.glob("roles/*/defaults/main.yml"))
        if f"\n{path.parent.parent.name}_permissions:" in path.read_text(encoding="utf-8")
    ]


def with_vendor_table(text: str, vendors: list[Vendor]) -> str:
    """The top README with the current table between its markers; unchanged when it has none."""
    if text.count(TABLE_START) != 1 or text.count(TABLE_END) != 1 or text.index(TABLE_START) > text.index(TABLE_END):
        return text
    before, rest = text.split(TABLE_START)
    after = rest.split(TABLE_END)[1]
    return f"{before}{TABLE_START}\n{lists.vendor_table(vendors)}\n{TABLE_END}{after}"


def wanted_files(root: Path) -> dict[Path, str]:
    """Every file that is written from tables, with the text it should have."""
    roles = vendor_roles(root)
    vendors = [Vendor.of(role) for role in roles]
    files: dict[Path, str] = {}
    for role, vendor in zip(roles, vendors, strict=True):
        files[role / "README.md"] = pages.readme(vendor)
        files[role / "meta" / "argument_specs.yml"] = pages.argument_spec(vendor)
        files[role / "meta" / "main.yml"] = pages.metadata(vendor)
        files[role / "tasks" / "main.yml"] = pages.tasks(vendor)
    specs = sorted(root.glob("roles/*/meta/argument_specs.yml"))
    files |= {path.parents[1] / "README.md": pages.plain_readme(path.parents[1]) for path in specs if path not in files}
    guide = root / "docs" / "docsite" / "rst" / "vendors.rst"
    if guide.parent.is_dir():
        files[guide] = lists.vendor_guide(vendors)
    top = root / "README.md"
    if top.exists():
        files[top] = with_vendor_table(top.read_text(encoding="utf-8"), vendors)
    return files


def write(root: Path, *, check: bool) -> int:
    stale = [
        (path, text)
        for path, text in wanted_files(root).items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    for path, text in stale:
        name = path.relative_to(root)
        if check:
            print(f"{name} is not current: run make vendors", file=sys.stderr)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"{name} written")
    return 1 if check and stale else 0


def begin(root: Path, name: str, page: Path | None, ticked: str | None = None) -> int:
    """Write the defaults of a new vendor's role, and all that follows from them."""
    defaults = root / "roles" / name / "defaults" / "main.yml"
    if defaults.parent.parent.exists():
        print(f"roles/{name} is there already", file=sys.stderr)
        return 1
    text = page.read_text(encoding="utf-8-sig") if page else ""
    made = _new_vendor.begun(name, text, {}, prefix=f"{name}_", ticked=ticked)
    defaults.parent.mkdir(parents=True)
    defaults.write_text(f"---\n{pages.LICENSE}{made.text}", encoding="utf-8")
    for line in made.messages:
        print(line)
    print(f"{defaults.relative_to(root)} written: complete it, then run make vendors again")
    return write(root, check=False)


def compare(root: Path, page: Path, name: str | None, ticked: str | None = None) -> int:
    """Say what a new copy of a page changes. Without a name, the vendor is the one whose table is closest."""
    reading = _page_rows.read_page(page.read_text(encoding="utf-8-sig"), ticked)
    vendors = {role.name: Vendor.of(role) for role in vendor_roles(root)}
    if name is not None and name not in vendors:
        print(f"there is no vendor {name}; there are {', '.join(vendors)}", file=sys.stderr)
        return 2
    if not reading.permissions:
        print("\n".join(reading.unresolved), file=sys.stderr)
        return 2
    chosen = vendors[name] if name else min(vendors.values(), key=lambda one: len(_changes(one, reading)))
    print(f"{chosen.name} (read in {chosen.values.get('checked')}, {chosen.profile.source})")
    for line in reading.unresolved:
        print(f"? {line}")
    if _page_rows.hash_of(reading.permissions) == chosen.values.get("table") and not reading.unresolved:
        print("The table is the one that the role was made from.")
        return 0
    found = _changes(chosen, reading)
    print("\n".join(found) if found else "No row differs.")
    return 1 if found or reading.unresolved else 0


def _changes(vendor: Vendor, reading: _page_rows.Reading) -> list[str]:
    return _new_vendor.changes(vendor.values, reading)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file is not current")
    parser.add_argument("--new", metavar="NAME", help="begin the role of another vendor")
    parser.add_argument("--table", type=Path, help="with --new: the vendor's table (HTML, Markdown, CSV, TSV)")
    parser.add_argument("--compare", type=Path, metavar="FILE", help="say what a new copy of a page changes")
    parser.add_argument("--ticked", choices=("All", "My"), help="what a tick means on the page")
    parser.add_argument("name", nargs="?", help="with --compare: the vendor (default: the one that is closest)")
    parser.add_argument("--root", type=Path, default=ROOT, help="the collection (default: this one)")
    options = parser.parse_args(argv)
    try:
        if options.new:
            return begin(options.root, options.new, options.table, options.ticked)
        if options.compare:
            return compare(options.root, options.compare, options.name, options.ticked)
        return write(options.root, check=options.check)
    except ProfileError as problem:
        print(problem, file=sys.stderr)
        return 1
    except (OSError, UnicodeDecodeError) as problem:
        print(f"{options.compare or options.table or options.root} cannot be read: {problem}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
