# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names of integrations: which ones a tenant wants, and where what each of them needs is written down."""

from __future__ import annotations

import difflib
import importlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ansible_collections.msp.connectwise.plugins.plugin_utils._profile_file import ProfileError
from ansible_collections.msp.connectwise.plugins.plugin_utils._settings import beside

COLLECTION = "msp.connectwise"
ROLES = Path(__file__).resolve().parent.parent.parent / "roles"
ALL = "all"
# Beside the inventory.
DIRECTORY = "connectwise_vendors"
# A role of this collection that is no vendor's: "all" leaves it out.
_OWN = "cw_admin"
_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_ROLE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){2}\Z")
_BULLETS = r"-\u2010-\u2015\u00b7\u2022\u2023\u25aa\u25cb\u25cf\u25e6"
_BULLET = re.compile(rf"^\s*(?:[{_BULLETS}*]\s+|\d+[.)]\s+|[{_BULLETS}]$)")
_QUOTED = re.compile(r"(['\"\u2018\u201a\u201c\u201e\u00ab])(.*)(?:\1|[\u2018\u2019\u201c\u201d\u00bb])", re.DOTALL)
# What a text that was copied from a page has between its letters.
_HIDDEN = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_REMEDY = "write cw_integrations as a list, such as [zofiq, umbrella], as text, such as zofiq,umbrella, or as all"


@dataclass(frozen=True)
class Source:
    """Where a vendor's table is.

    name: as the tenant asks for it; vendor: its short name, which begins its variables; path: the file, or None for a
    role that hands over a profile of its own; role: the full name of the role, or None for a vendor file.
    """

    name: str
    vendor: str
    path: Path | None
    role: str | None


def listed(value: str | Iterable[Any]) -> list[Any]:
    """The names in a list, or in a text with commas or with a name on each line, as people fill in a survey."""
    if not isinstance(value, str):
        return [part.strip() if isinstance(part, str) else part for part in value]
    text = _HIDDEN.sub("", value).strip()
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    lines = [_BULLET.sub("", line).strip() for line in text.splitlines()]
    lines = [line for line in lines if line]
    # The comma at the end of a line is no name.
    lines = [line.strip(" ,;") for line in lines] if len(lines) > 1 else lines or [""]
    return [_QUOTED.sub(r"\2", part.strip()).strip() for line in lines for part in re.split("[,;]", line)]


def wanted(value: Any, directories: Sequence[Path] = ()) -> list[str]:
    """The names in cw_integrations. Whether there is such a vendor is for `find` to say, name by name."""
    if not isinstance(value, (str, list, tuple)):
        raise _not_a_list(value)
    names = listed(value)
    if names == [ALL]:
        return [*vendors(), *(path.stem for path in vendor_files(directories))]
    for name in names:
        _checked(name)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ProfileError(f"cw_integrations names {', '.join(twice)} twice", remedy="name each of them once")
    return names


def _not_a_list(value: Any) -> ProfileError:
    if value is None:
        return ProfileError("cw_integrations is empty", remedy=f"{_REMEDY}; [] is for a tenant without integrations")
    if isinstance(value, Mapping):
        some = next(iter(value), "zofiq")
        problem = "cw_integrations is a mapping, whose values would count for nothing"
        remedy = f"write a list, and what one vendor should have as variables of its own, such as {some}_role_name"
        return ProfileError(problem, remedy=remedy)
    return ProfileError(f"cw_integrations is {value!r}, which names no integration", remedy=_REMEDY)


def _checked(name: Any) -> None:
    if not isinstance(name, str):
        raise ProfileError(f"cw_integrations: {name!r} is not the name of an integration", remedy=_REMEDY)
    if not name:
        raise ProfileError("cw_integrations has an empty name", remedy="take the comma or the item away")
    if name == ALL:
        raise ProfileError("cw_integrations: all stands alone", remedy="write cw_integrations: all, or name them")
    if not _NAME.match(name) and not _ROLE.match(name):
        problem = f'cw_integrations: "{name}" cannot be the name of an integration'
        remedy = f"{_hint(name, known())}a name has small letters, digits and underscores; {_REMEDY}"
        raise ProfileError(problem, remedy=remedy)


def _hint(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_"), list(names), n=3, cutoff=0.6)
    return f"did you mean {' or '.join(near)}? " if near else ""


@lru_cache(maxsize=1)
def known() -> tuple[str, ...]:
    """The roles of this collection that bring a vendor's table."""
    return tuple(sorted(path.name for path in ROLES.iterdir() if _has_table(path)))


def vendors() -> list[str]:
    return [name for name in known() if name != _OWN]


def _has_table(role: Path) -> bool:
    defaults = role / "defaults" / "main.yml"
    try:
        return f"\n{role.name}_permissions:" in defaults.read_text(encoding="utf-8")
    except OSError:
        return False


def vendor_files(directories: Sequence[Path]) -> list[Path]:
    """The vendor files of a user, by name; the first directory wins no contest: a name there twice is an error."""
    found: dict[str, Path] = {}
    for directory in directories:
        for path in sorted([*directory.glob("*.yml"), *directory.glob("*.yaml")]):
            if not _NAME.match(path.stem) or path.stem == ALL:
                remedy = "name it <vendor>.yml with small letters, digits and underscores"
                raise ProfileError(f"{path}: the name of this file cannot be that of a vendor", remedy=remedy)
            _shadows(path.stem, path)
            if path.stem in found:
                raise _twice(path.stem, found[path.stem], path)
            found[path.stem] = path
    return [found[name] for name in sorted(found)]


def _shadows(name: str, path: Path) -> None:
    if (ROLES / name).is_dir():
        remedy = (
            f"give the file another name, or take the file away and set what differs as variables, {name}_permissions …"
        )
        raise ProfileError(f'{path}: the collection has a "{name}" of its own, which this file hides', remedy=remedy)


def _twice(name: str, one: Path, other: Path) -> ProfileError:
    return ProfileError(f'two files describe the vendor "{name}": {one} and {other}', remedy="take one of them away")


def find(name: str, directories: Sequence[Path] = ()) -> Source:
    """Where a vendor's table is: a role of this collection, a vendor file, or a role of another collection."""
    _checked(name)
    if "." in name and not name.startswith(COLLECTION + "."):
        return _foreign(name)
    vendor = name.rpartition(".")[2]
    files = [path for where in directories for path in (where / f"{vendor}.yml", where / f"{vendor}.yaml")]
    files = [path for path in files if path.is_file()]
    for path in files:
        _shadows(vendor, path)
    if vendor in known():
        return Source(name, vendor, ROLES / vendor / "defaults" / "main.yml", f"{COLLECTION}.{vendor}")
    if not files:
        raise _unknown(name, directories)
    if len(files) > 1:
        raise _twice(vendor, files[0], files[1])
    return Source(name, vendor, files[0], None)


def _unknown(name: str, directories: Sequence[Path]) -> ProfileError:
    names = [*known(), *(path.stem for where in directories for path in where.glob("*.y*ml"))]
    where = f", nor a file {name}.yml in {' or '.join(map(str, directories))}" if directories else ""
    return ProfileError(
        f'there is no vendor "{name}" in this collection{where}',
        remedy=f"{_hint(name, names)}msp.connectwise.vendors lists the vendors there are; a vendor that is not in the "
        f"collection is a file {DIRECTORY}/<name>.yml beside the inventory",
    )


def _foreign(name: str) -> Source:
    namespace, collection, role = name.split(".")
    try:
        package = importlib.import_module(f"ansible_collections.{namespace}.{collection}")
    except ImportError:
        remedy = f"install it (ansible-galaxy collection install {namespace}.{collection})"
        raise ProfileError(f'there is no collection {namespace}.{collection} for "{name}"', remedy=remedy) from None
    path = next((Path(one) / "roles" / role for one in package.__path__ if (Path(one) / "roles" / role).is_dir()), None)
    if path is None:
        remedy = "correct the name of the role"
        raise ProfileError(f"the collection {namespace}.{collection} has no role {role}", remedy=remedy)
    return Source(name, role, path / "defaults" / "main.yml" if _has_table(path) else None, name)


def directories(inventory_dir: str | None, further: Any = None) -> list[Path]:
    """Where vendor files are: connectwise_vendors beside the inventory, if it is there, and cw_vendor_dirs."""
    own = Path(beside(DIRECTORY, inventory_dir, here=True))
    found = [own] if own.is_dir() else []
    given = listed(further) if isinstance(further, str) else further or []
    for one in given:
        path = Path(str(one)).expanduser()
        path = path if path.is_absolute() else own.parent / path
        if not path.is_dir():
            raise ProfileError(f"cw_vendor_dirs: {path} is not a directory", remedy="correct the path")
        found.append(path)
    return list(dict.fromkeys(found))
