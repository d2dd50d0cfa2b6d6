# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A tenant's variables beside the inventory: single values put into the file that Ansible reads, the rest as it was."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import yaml

from ansible_collections.msp.connectwise.plugins.plugin_utils import _files

# In the order in which Ansible looks for host_vars/<tenant>; the first one is all that it reads.
_ENDINGS = ("", ".yml", ".yaml", ".json")
# The file of ours in a tenant's folder of variables.
_OURS = "connectwise_key.yml"
_ENTRY = tuple[str, yaml.Node, yaml.Node]


class HostVarsError(Exception):
    """Something about the file, with what to do about it; never with what the file holds."""

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem, self.remedy = problem, remedy
        super().__init__(f"{problem}. What to do: {remedy}.")


def folder_beside(inventory_dir: str | None, sources: Iterable[str]) -> Path:
    """The folder host_vars that Ansible reads for an inventory: beside the file, or in the directory that was named."""
    if not inventory_dir:
        raise HostVarsError(
            "there is no inventory file beside which the keys could be kept",
            "describe the tenant in an inventory file and name it with -i",
        )
    place = Path(inventory_dir)
    for source in sources:
        directory = Path(source)
        # A list of hosts, "north,south", is no path.
        if "," not in source and directory in (place, *place.parents) and directory.is_dir():
            place = directory
            break
    return place / "host_vars"


def file_of(folder: Path, tenant: str) -> Path:
    """The file to write a tenant's values to, so that Ansible goes on reading all that it reads now."""
    if not tenant or tenant.startswith(".") or Path(tenant).name != tenant or "\0" in tenant:
        raise HostVarsError(
            f'"{tenant}" cannot be the name of a file', "give the inventory host a name without slashes"
        )
    for ending in _ENDINGS:
        path = folder / f"{tenant}{ending}"
        if path.is_dir() and not ending:
            return path / _OURS
        if path.is_file():
            if ending in (".yml", ".yaml"):
                return path
            raise HostVarsError(
                f"{path} holds variables of {tenant} already, and not as a .yml file that could be added to",
                f"move it into a folder {folder / tenant}, then run again",
            )
    return folder / f"{tenant}.yml"


def others(path: Path) -> Iterator[Path]:
    """The files that Ansible reads beside ours, if the tenant has a folder of them."""
    if path.name == _OURS:
        for found in sorted(path.parent.rglob("*")):
            if found.is_file() and found != path and found.suffix in _ENDINGS and not found.name.startswith("."):
                yield found


def as_text(value: str) -> str:
    """A string as YAML, for a file that is encrypted as a whole."""
    return f" {json.dumps(value)}\n"


def as_vaulted(encrypted: bytes) -> str:
    """What ansible-vault made, as a YAML value of its own."""
    return " !vault |\n" + "".join(f"  {line}\n" for line in encrypted.decode().splitlines())


def _entries(text: str) -> list[_ENTRY]:
    """Name, key and value of each entry of a file of variables."""
    try:
        root = yaml.compose(text, yaml.SafeLoader)
    except yaml.YAMLError:
        raise HostVarsError("it is no valid YAML", "correct it, then run again") from None
    if root is None or root.value == "":
        return []
    if not isinstance(root, yaml.MappingNode):
        raise HostVarsError("it holds no variables, but something else", "correct it, then run again")
    return [(str(key.value), key, value) for key, value in root.value]


def _kept(text: str, names: Iterable[str]) -> list[tuple[str, str]]:
    """What a file holds but for some names, in a form that can be compared."""
    left = [(name, value) for name, _key, value in _entries(text) if name not in names]
    return [(name, yaml.serialize(value)) for name, value in left]


def edited(text: str, values: Mapping[str, str]) -> str:
    """The text with these values, each in the place of an older one or at the end; all else to the letter as it was."""
    old = text
    places: dict[str, list[tuple[int, int]]] = {}
    for name, key, value in _entries(text):
        if name in values:
            end = value.end_mark.index
            if value.end_mark.column:
                # To the end of the line, as a comment behind the old value would become a part of the new one.
                end = (text.find("\n", end) + 1) or len(text)
            places.setdefault(name, []).append((key.start_mark.index, end))
    cuts = [
        (start, end, f"{name}:{values[name]}" if number == 0 else "")
        for name, found in places.items()
        for number, (start, end) in enumerate(found)
    ]
    for start, end, new in sorted(cuts, reverse=True):
        text = text[:start] + new + text[end:]
    if text and not text.endswith("\n"):
        text += "\n"
    text += "".join(f"{name}:{value}" for name, value in values.items() if name not in places)
    try:
        sound = _kept(text, values) == _kept(old, values)
    except HostVarsError:
        sound = False
    if not sound:
        raise HostVarsError(
            "it is written in a way in which nothing can be added safely",
            "move it into a folder of the tenant's name beside it, then run again",
        )
    return text


def write(path: Path, data: bytes) -> None:
    """Replace a file, or make it, in one step; nobody but its owner may read it. A link stays a link."""
    try:
        _files.write(path, data, sync=True)
    except OSError as problem:
        raise unwritable(path, problem) from None


def unwritable(path: Path, problem: OSError) -> HostVarsError:
    return HostVarsError(f"{path} cannot be written ({problem.strerror})", _files.way_out(problem, path.parent))


def probe(path: Path) -> None:
    """Fail now if the file could not be written later. What is not there yet is made by the write itself."""
    place = path.resolve().parent
    while not place.exists():
        place = place.parent
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=place)
    except OSError as problem:
        raise unwritable(path, problem) from None
    os.close(handle)
    Path(temporary).unlink()
