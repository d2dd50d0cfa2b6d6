# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other ways to the extension operations, which a tenant of the tenants file can have: `other_routes: [rest, actions]`.

Both are invented to rehearse cw_extension_routes with. `rest` stays below the REST API and names things differently;
`actions` is the form in which the product's web client writes: a form field actionMessage that holds JSON in JSON. The
names of the product's own actions are not published; those here are not them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

from . import api, errors
from .call import Call, Reply
from .errors import ApiError

VERBS = ("addLevel", "editLevel", "deleteLevel", "inquireLevel")
ACTION = re.compile(r"/[^/]+/services/system_io/actionprocessor/System/(\w+)\.rails", re.IGNORECASE)


def _extension(call: Call, method: str, path: str, body: Any = None) -> Any:
    return api.perform(replace(call, method=method, path=path, body=body), extended=True).body


def _patch(levels: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"op": "replace", "path": verb, "value": levels.get(verb)} for verb in VERBS]


def rest(call: Call) -> Reply | None:
    """The answer of another REST-like route; None when the path is none."""
    setting = re.fullmatch(r"(/system/securityRoles/\d+/settings/\d+)(/allowed)?", call.path, re.IGNORECASE)
    if setting and setting[2] is None and call.method == "PUT":
        levels = call.body if isinstance(call.body, dict) else {}
        return Reply(200, _extension(call, "PATCH", setting[1], _patch(levels)))
    if setting and setting[2] and call.method in ("GET", "PUT"):
        rows = call.body.get("rows") if isinstance(call.body, dict) else None
        return Reply(200, {"allowed": _extension(call, call.method, f"{setting[1]}/customizeItems", rows)})
    keys = re.fullmatch(r"(/system/apiMembers/\d+)/keys(/\d+)?", call.path, re.IGNORECASE)
    if keys and keys[2] is None and call.method in ("GET", "POST"):
        found = _extension(call, call.method, f"{keys[1]}/apiKeys", call.body)
        return Reply(201, {"key": found}) if call.method == "POST" else Reply(200, {"keys": found})
    if keys and keys[2] and call.method == "DELETE":
        _extension(call, "DELETE", f"{keys[1]}/apiKeys{keys[2]}")
        return Reply(204)
    return None


def _setting(payload: dict[str, Any]) -> str:
    return f"/system/securityRoles/{payload['roleID']}/settings/{payload['settingID']}"


def _keys(payload: dict[str, Any]) -> str:
    return f"/system/apiMembers/{payload['memberID']}/apiKeys"


ACTIONS: dict[str, Callable[[Call, dict[str, Any]], Any]] = {
    "SaveRoleSettingAction": lambda call, given: _extension(call, "PATCH", _setting(given), _patch(given["levels"])),
    "ListAllowedAction": lambda call, given: _extension(call, "GET", f"{_setting(given)}/customizeItems"),
    "SaveAllowedAction": lambda call, given: _extension(
        call, "PUT", f"{_setting(given)}/customizeItems", given["rows"]
    ),
    "ListKeysAction": lambda call, given: _extension(call, "GET", _keys(given)),
    "CreateKeyAction": lambda call, given: _extension(
        call, "POST", _keys(given), {"description": given["description"]}
    ),
    "DeleteKeyAction": lambda call, given: _extension(call, "DELETE", f"{_keys(given)}/{given['keyID']}"),
}


def action(call: Call, name: str, content: bytes) -> Reply:
    """One action. What is wrong is told in the body, with status 200."""
    fields = parse_qs(content.decode("utf-8", errors="replace"))
    try:
        message = json.loads(fields["actionMessage"][-1])
        payload = json.loads(message["payload"])
        if message["payloadClassName"] != name or not isinstance(payload, dict):
            raise errors.invalid("actionMessage", [errors.missing("actionMessage", "payloadClassName")])
        result = ACTIONS[name](call, payload)
    except (KeyError, TypeError, ValueError) as problem:
        return _told({"error": {"message": f"The action message cannot be read ({problem})."}, "isSuccess": False})
    except ApiError as refused:
        text = refused.body.get("message") if isinstance(refused.body, dict) else str(refused.body)
        return _told({"error": {"message": text}, "isSuccess": False})
    return _told({"error": None, "action": {"result": result}, "isSuccess": True})


def _told(data: dict[str, Any]) -> Reply:
    return Reply(200, {"data": data, "error": None, "success": True})
