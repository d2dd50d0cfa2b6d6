# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Teaches a tenant's version: prepares a choreography, learns its recording, proves the routes on scratch records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._client import Psa
from ansible_collections.msp.connectwise.plugins.module_utils._connection import parse_connection
from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError
from ansible_collections.msp.connectwise.plugins.plugin_utils._lesson_files import LessonFiles
from ansible_collections.msp.connectwise.plugins.plugin_utils._own_action import OwnAction
from ansible_collections.msp.connectwise.plugins.plugin_utils._routes_book import FOLDER
from ansible_collections.msp.connectwise.plugins.plugin_utils._settings import beside
from ansible_collections.msp.connectwise.plugins.plugin_utils._tenant_action import TenantAction

ARGUMENT_SPEC: dict[str, Any] = {
    "step": {"type": "str", "choices": ["prepare", "learn", "prove", "forget"], "required": True},
    "recordings": {"type": "list", "elements": "path", "default": []},
    "directory": {"type": "path"},
}


class ActionModule(OwnAction, TenantAction):
    """Runs on the controller, and speaks to the tenant from there."""

    _requires_connection = False
    OPTIONS = ARGUMENT_SPEC

    def work(self, args: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        if self._task.check_mode:
            return {"changed": False, "skipped": True, "msg": "a check makes, learns and proves nothing"}
        folder = args["directory"] or beside(FOLDER, variables.get("inventory_dir"), here=True)
        recordings = [self._found(str(path), variables) for path in args["recordings"]]
        with Psa(parse_connection(self.bound_options(variables))) as psa:
            lesson = LessonFiles(psa, str(folder), str(variables.get("inventory_hostname") or ""))
            if args["step"] == "prepare":
                return lesson.prepare()
            if args["step"] == "learn":
                return lesson.learn(recordings)
            if recordings:
                raise InputError(f"the step {args['step']} takes no recordings", remedy="give them to the step learn")
            return lesson.prove() if args["step"] == "prove" else lesson.forget()

    def _found(self, path: str, variables: dict[str, Any]) -> str:
        """A path as it was typed: from here or beside the inventory; the playbook lies in the collection."""
        places = [Path.cwd(), Path(str(variables.get("inventory_dir") or ".")), Path(self._loader.get_basedir())]
        found = next((place / path for place in places if (place / path).exists()), places[0] / path)
        return str(found)
