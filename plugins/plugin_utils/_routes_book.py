# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The directory of learned routes: a file for each version, and beside them what is remembered of each tenant."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import yaml

from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError
from ansible_collections.msp.connectwise.plugins.plugin_utils import _files, _routes_file
from ansible_collections.msp.connectwise.plugins.plugin_utils._json import loaded
from ansible_collections.msp.connectwise.plugins.plugin_utils._run import is_alive, this_run

FOLDER = "connectwise_routes"
PROVEN = "proven"
_MEMORY = "tenants"
_HEAD = """\
# Extension routes for version {version} of ConnectWise PSA, learned from a recording of its web client and proven on
# scratch records over the API. ConnectWise publishes none of them: they are unsupported and may change with any
# version. Nothing of the recording but the form of its requests is in here. What is false was not proven, and stays a
# manual step.
---
"""


@dataclass(frozen=True)
class Page:
    """One file of routes. about: empty for a file that a person wrote."""

    path: Path
    routes: Mapping[str, Any]
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def version(self) -> str:
        return str(self.about.get("version") or self.path.stem)

    @property
    def learned(self) -> set[str]:
        """The operations whose routes were proven."""
        states = self.about.get("operations") or {}
        return {name for name, one in states.items() if one.get("state") == PROVEN and self.routes.get(name)}


def pages(place: str) -> list[Page]:
    """The file, or the files of the directory, checked. Raises InputError."""
    path = Path(place)
    files = sorted(path.glob("*.y*ml")) if path.is_dir() else [path]
    return [Page(file, *_routes_file.read(str(file))) for file in files]


def folder_of(place: str) -> Path:
    path = Path(place)
    return path if path.is_dir() else path.parent


def _order(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


def chosen(found: list[Page], version: str) -> Page | None:
    """The page of a version; else the learned one of the nearest version before, or after."""
    exact = [page for page in found if page.version == version]
    if exact:
        return exact[-1]
    learned = sorted((page for page in found if page.about), key=lambda page: _order(page.version))
    before = [page for page in learned if _order(page.version) < _order(version)]
    return before[-1] if before else learned[0] if learned else None


def write_page(folder: Path, version: str, about: Mapping[str, Any], routes: Mapping[str, Any]) -> Path:
    """The file of a version. It is read back as any such file, so that none is written that could not be used."""
    path = folder / f"{re.sub(r'[^A-Za-z0-9._-]', '_', version)}.yml"
    document = {_routes_file.ABOUT: dict(about), **routes}
    text = yaml.dump(document, Dumper=_Plain, sort_keys=False, width=120, allow_unicode=True)
    try:
        _files.write(path, _HEAD.format(version=version) + text, mode=0o644, sync=True)
    except OSError as problem:
        raise InputError(
            f"the routes cannot be written to {path} ({problem.strerror})",
            remedy=_files.way_out(problem, path.parent),
        ) from None
    _routes_file.read(str(path))
    return path


class _Plain(yaml.SafeDumper):
    """Writes equal parts out instead of pointing from one to the other, and lists as linters want them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)

    def ignore_aliases(self, _data: Any) -> bool:
        return True


class Memory:
    """What is known of one tenant: versions its routes were proven on, scratch records that may be left there."""

    def __init__(self, folder: Path, tenant: str) -> None:
        self._folder = folder
        self._path = folder / _MEMORY / f"{re.sub(r'[^A-Za-z0-9._-]', '_', tenant)}.json"
        self._lost: dict[str, Any] = {}

    def read(self) -> dict[str, Any]:
        try:
            found = loaded(_files.read_text(self._path, below=self._folder))
        except (OSError, ValueError):
            found = {}
        return {**(found if isinstance(found, dict) else {}), **self._lost}

    def write(self, **changes: Any) -> None:
        after = {**self.read(), **changes}
        try:
            text = json.dumps(after, indent=1, sort_keys=True) + "\n"
            _files.write(self._path, text, below=self._folder, folder_mode=0o755, sync=True)
        except OSError:
            # A folder that is read-only, as in an execution environment: known for this run only.
            self._lost = after

    def begin(self, nonce: str) -> None:
        """Before scratch records are made: whoever comes next finds them, also if this run is killed."""
        self.write(scratch=sorted({*self.read().get("scratch", []), nonce}))

    def ended(self, nonce: str) -> None:
        self.write(scratch=[one for one in self.read().get("scratch", []) if one != nonce])


class Stopped:
    """Operations that no tenant of this run uses any more, since at one of them a write did not do what it should."""

    _lock = threading.Lock()
    _known: ClassVar[dict[str, dict[str, str]]] = {}

    def __init__(self, folder: Path) -> None:
        run = this_run()
        self._name = f"run-{run['pid']}-{re.sub(r'[^0-9A-Za-z]', '', run['process'])}.json"
        self._routes, self._folder = folder, folder / _MEMORY
        self._run = run

    def read(self) -> dict[str, str]:
        """By operation, what was found at which tenant."""
        with self._lock:
            known = dict(self._known.get(self._name, {}))
        try:
            document = loaded(_files.read_text(self._folder / self._name, below=self._routes))
            return {**document["stopped"], **known}
        except (OSError, ValueError, KeyError, TypeError):
            return known

    def add(self, operation: str, said: str) -> None:
        stopped = {**self.read(), operation: said}
        with self._lock:
            self._known[self._name] = stopped
        for old in self._folder.glob("run-*.json"):
            self._forget(old)
        try:
            text = json.dumps({"run": self._run, "stopped": stopped}, indent=1) + "\n"
            _files.write(self._folder / self._name, text, below=self._routes, folder_mode=0o755, sync=True)
        except OSError:
            return

    @staticmethod
    def _forget(path: Path) -> None:
        """What a run that has ended left."""
        try:
            run = loaded(_files.read_text(path, below=path.parent))["run"]
            if is_alive(run) is False:
                path.unlink()
        except (OSError, ValueError, KeyError, TypeError, _files.NotAFile):
            return
