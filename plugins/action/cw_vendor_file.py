# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Begins the file of a vendor that the collection does not have, from a copy of the vendor's page."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError
from ansible_collections.msp.connectwise.plugins.module_utils._names import counted
from ansible_collections.msp.connectwise.plugins.plugin_utils import _files, _new_vendor, _profile
from ansible_collections.msp.connectwise.plugins.plugin_utils._inventory import own_directory
from ansible_collections.msp.connectwise.plugins.plugin_utils._own_action import OwnAction
from ansible_collections.msp.connectwise.plugins.plugin_utils._privilege import announced
from ansible_collections.msp.connectwise.plugins.plugin_utils._profile_check import SCHEMA_FILE
from ansible_collections.msp.connectwise.plugins.plugin_utils._profile_file import load, parse
from ansible_collections.msp.connectwise.plugins.plugin_utils._profile_names import known

_LARGEST = 16 * 2**20  # bytes of a page; a permission table has some hundred rows
_MOST = 20  # rows of an error

ARGUMENT_SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "table": {"type": "path"},
    "directory": {"type": "path"},
    "product": {"type": "str"},
    "vendor": {"type": "str"},
    "source": {"type": "str"},
    "ticked": {"type": "str", "choices": ["All", "My"]},
    "values": {"type": "dict", "default": {}},
    "replace": {"type": "bool", "default": False},
}


class ActionModule(OwnAction):
    """Runs on the controller."""

    _requires_connection = False
    OPTIONS = ARGUMENT_SPEC
    WRITES = "the vendor file"

    def work(self, args: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        name = args["name"]
        if not name:
            raise InputError("no vendor is named; nothing was written", remedy="name it: -e cw_vendor=acme_sync")
        directory = Path(args["directory"]) if args["directory"] else own_directory(variables)
        path = directory / f"{name}.yml"
        if name in known():
            remedy = f"choose another name, or set what differs as variables of a host, {name}_permissions and so on"
            raise InputError(f'the collection has a vendor "{name}" of its own', remedy=remedy)
        page = _page(Path(args["table"])) if args["table"] else ""
        given = {key: args[key] for key in ("product", "vendor", "source") if args[key]}
        if page:
            given["checked"] = time.strftime("%Y-%m")
        made = _new_vendor.begun(name, page, {**given, **args["values"]}, ticked=args["ticked"])
        if path.exists() and not args["replace"]:
            return _same_as(name, path, made, bool(args["table"]))
        text = _HEAD.format(name=name) + made.text
        # What is written is a vendor that the reader takes; a wrong value that was given shows here.
        profile = _profile.of_file(name, parse(text, str(path)))
        if not self._task.check_mode:
            _files.write(path, text, mode=0o644)
            _files.write(directory / SCHEMA_FILE.name, SCHEMA_FILE.read_bytes(), mode=0o644)
        done = f"{path} {'would be written' if self._task.check_mode else 'written'}"
        return {
            "changed": True,
            "file": str(path),
            "unresolved": made.reading.unresolved,
            "questions": made.reading.questions,
            "lines": [
                *made.messages,
                *_left_to_do(profile),
                *announced(name, profile.asks, outside=True),
                f"{done}; look it over, then add {name} to cw_integrations",
            ],
            "msg": f"{path}: {made.messages[0]}, {counted(len(made.reading.unresolved), 'line')} not resolved",
        }


def _same_as(name: str, path: Path, made: _new_vendor.Begun, compared: bool) -> dict[str, Any]:
    """Nothing is written over a file; whether its table is still that of the page is said."""
    document = load(path)
    profile = _profile.of_file(name, document)
    changes = _new_vendor.changes(document.values, made.reading) if compared else []
    if not compared or changes:
        more = f"; and {len(changes) - _MOST} more" if len(changes) > _MOST else ""
        said = f", and this page changes it: {'; '.join(changes[:_MOST])}{more}" if changes else ""
        remedy = "change the file, choose another name, or set replace (-e cw_replace=true) to write it anew"
        raise InputError(f"{path} is there already{said}", remedy=remedy)
    message = f"{path} is there already, and its table is that of this page"
    return {
        "changed": False,
        "file": str(path),
        "unresolved": made.reading.unresolved,
        "questions": made.reading.questions,
        "lines": [
            message,
            *_new_vendor.told("not resolved", made.reading.unresolved),
            *_left_to_do(profile),
            *announced(name, profile.asks, outside=True),
        ],
        "msg": message,
    }


def _left_to_do(profile: _profile.Profile) -> list[str]:
    return ["no row allows anything yet: onboard refuses this vendor until its rows do"] if profile.empty else []


_HEAD = """---
# yaml-language-server: $schema=profile.schema.json
# The vendor {name} of this inventory: add it to cw_integrations of a tenant.
"""


def _page(path: Path) -> str:
    try:
        return _files.read_text(path.expanduser(), limit=_LARGEST, encoding="utf-8-sig")
    except _files.NotAFile as problem:
        problem.remedy = "save the page, or only its table, as a file of its own (-e cw_table=page.html)"
        raise
    except UnicodeDecodeError:
        remedy = "save the page as HTML, or the table as CSV or TSV, in UTF-8; a PDF or a spreadsheet cannot be read"
        raise InputError(f"{path} is not a text in UTF-8", remedy=remedy) from None
    except OSError as problem:
        remedy = "correct the path (-e cw_table=page.html); it begins where the command is typed"
        raise InputError(f"the table {path} cannot be read: {problem.strerror or problem}", remedy=remedy) from None
