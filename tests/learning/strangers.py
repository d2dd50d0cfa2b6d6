# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""More clients that exist only as the requests they would send; the learner was made without them."""

from __future__ import annotations

import base64
import json
import secrets
import uuid
from collections.abc import Mapping
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._permissions import VERBS
from tests.learning.synthetic import Client, Rest

PASSWORD, PERSON = "Winter2026!", "Jane Sample"
_LETTERS = {"None": "N", "My": "M", "All": "A", None: ""}
_FLAGS = {"None": 0, "My": 1, "All": 3, None: 0}


class Rails(Rest):
    """Forms with indexed and repeated names; a token in a meta tag of the page that was loaded once."""

    def __init__(self) -> None:
        super().__init__()
        self.token = secrets.token_urlsafe(32) + "7"
        page = (
            f"<!doctype html><html><body><p>Hello <b>{PERSON}</b></p>"
            f'<meta name="csrf-param" content="authenticity_token"><meta name="csrf-token" content="{self.token}">'
            "</body></html>"
        )
        self.wire.send("GET", "/security", page, kind="text/html")

    def post(self, path: str, form: list[tuple[str, Any]], answer: Any) -> None:
        headers = {"X-CSRF-Token": self.token, "X-Requested-With": "XMLHttpRequest"}
        self.wire.send("POST", path, answer, form=[("utf8", "✓"), *form], headers=headers)

    def write_rows(self, role: int, changed: list[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
        form = [("role[id]", role)]
        for number, row in enumerate(changed):
            form.append((f"role[rows][{number}][id]", row["setting"]))
            form += [(f"role[rows][{number}][{verb}]", _LETTERS[row["levels"][verb]]) for verb in VERBS]
        self.post("/security/save", form, {"ok": True})

    def write_list(self, role: int, row: dict[str, Any], items: list[dict[str, Any]]) -> None:
        form = [("role", role), ("setting", row["setting"])]
        form += [("items[]", item["id"]) for item in items if item["on"]]
        self.post("/security/items", form, {"ok": True})

    def delete_key(self, member: int, key: dict[str, Any]) -> None:
        self.post("/security/keys/remove", [("what", f"member:{member}|key:{key['public']}")], {"ok": True})


class Stamped(Rest):
    """Records are sent back with one part changed, numbers as texts, and only as the version that was read."""

    def __init__(self) -> None:
        super().__init__()
        self.version: dict[str, int] = {}

    def _tag(self, path: str) -> str:
        return f'W/"{self.version.setdefault(path, 3):08x}{abs(len(path)) * 977:06x}"'

    def _record(self, role: int, row: dict[str, Any]) -> dict[str, Any]:
        path = f"/rights/{role}/{row['setting']}"
        record = {
            "recId": str(row["setting"]),
            "roleRecId": str(role),
            "functionName": row["function"],
            "updatedBy": PERSON,
            "lastUpdate": f"2026-02-{self.version.get(path, 3):02d}T08:00:00Z",
            "flags": None,
            "isActive": True,
        }
        self.wire.send("GET", path, record, answer_headers={"ETag": self._tag(path)})
        return record

    def write_rows(self, role: int, changed: list[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
        for row in changed:
            path = f"/rights/{role}/{row['setting']}"
            record = self._record(role, row)
            bits = sum(_FLAGS[row["levels"][verb]] << (2 * place) for place, verb in enumerate(VERBS))
            body = {**record, "flags": bits + 0x8000}
            self.wire.send("PUT", path, {"isSuccess": True}, json_body=body, headers={"If-Match": self._tag(path)})
            self.version[path] += 1


class Batched(Rest):
    """One address and numbered calls in a list; an id for each request; lists as what is added and removed."""

    calls = 4

    def ask(self, action: str, data: Any, result: Any) -> None:
        self.calls += 1
        body = [{"action": "Security", "method": action, "tid": self.calls, "type": "rpc", "data": [data]}]
        answer = [{"type": "rpc", "tid": self.calls, "method": action, "result": result}]
        headers = {"X-Request-Id": str(uuid.uuid4()), "X-Call": str(uuid.uuid4())}
        self.wire.send("POST", "/direct", answer, json_body=body, headers=headers)

    def write_rows(self, role: int, changed: list[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
        data = [[row["setting"], *(_LETTERS[row["levels"][verb]] for verb in VERBS)] for row in changed]
        self.ask("saveRows", {"role": f"role-{role}", "rows": data}, {"success": True})

    def load_list(self, role: int, row: dict[str, Any], items: list[dict[str, Any]]) -> None:
        shown = [{"pk": item["own"], "title": item["name"], "state": "on" if item["on"] else "off"} for item in items]
        self.ask("items", {"role": f"role-{role}", "row": row["setting"]}, {"items": shown})
        self.before = {item["own"]: item["on"] for item in items}

    def write_list(self, role: int, row: dict[str, Any], items: list[dict[str, Any]]) -> None:
        added = [item["own"] for item in items if item["on"] and not self.before[item["own"]]]
        removed = [item["own"] for item in items if not item["on"] and self.before[item["own"]]]
        data = {"role": f"role-{role}", "row": row["setting"], "add": added, "remove": removed}
        self.ask("changeItems", data, {"success": True})

    def list_keys(self, member: int, keys: list[dict[str, Any]]) -> None:
        shown = [{"pk": key["id"], "title": key["description"], "publicKey": key["public"]} for key in keys]
        self.ask("keys", {"member": member}, {"keys": shown})

    def create_key(self, member: int, key: dict[str, Any]) -> None:
        answer = {"pk": key["id"], "publicKey": key["public"], "privateKey": key["private"]}
        self.ask("newKey", {"member": member, "title": key["description"]}, answer)

    def delete_key(self, member: int, key: dict[str, Any]) -> None:
        self.ask("dropKey", f"/members/{member}/keys/{key['id']}", {"success": True})


class TwoStep(Rest):
    """A key is begun and then confirmed; only rights that change are sent; the session is sent in a header as well."""

    def __init__(self) -> None:
        super().__init__()
        self.session = secrets.token_hex(20)
        self.current: dict[int, Mapping[str, Any]] = {}
        body = {"user": "jsample", "password": PASSWORD, "company": "north"}
        answer = {"token": self.session, "user": {"name": PERSON, "mail": "jane@example.org"}}
        self.wire.send("POST", "/signin", answer, json_body=body)
        self.wire.send("GET", "/me", {"user": {"name": PERSON}})

    def send(self, method: str, path: str, body: Any, answer: Any) -> None:
        self.wire.send(method, path, answer, json_body=body, headers={"X-Session": self.session})

    def write_rows(self, role: int, changed: list[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
        for row in changed:
            before = self.current.get(row["setting"], dict.fromkeys(VERBS, "None"))
            patch = [
                {"op": "replace", "path": f"/{verb}_level", "value": row["levels"][verb].lower()}
                for verb in VERBS
                if row["levels"][verb] != before[verb]
            ]
            self.current[row["setting"]] = row["levels"]
            self.send("PATCH", f"/roles/{role}/rows/{row['setting']}", patch, {"ok": True})

    def write_list(self, role: int, row: dict[str, Any], items: list[dict[str, Any]]) -> None:
        body = {"allow": [item["name"] for item in items if item["on"]], "editor": PERSON}
        text = base64.b64encode(json.dumps(body).encode()).decode()
        self.send("POST", f"/roles/{role}/lists/{row['identifier']}", {"payload": text}, {"ok": True})

    def list_keys(self, member: int, keys: list[dict[str, Any]]) -> None:
        shown = [{"note": key["description"], "user": key["public"]} for key in keys]
        self.wire.send("GET", f"/members/{member}/keys", shown, headers={"X-Session": self.session})

    def create_key(self, member: int, key: dict[str, Any]) -> None:
        ticket = secrets.token_hex(12)
        self.send("POST", f"/members/{member}/keys/begin", {"kind": "api"}, {"ticket": ticket})
        answer = {"user": key["public"], "password": key["private"]}
        body = {"ticket": ticket, "note": key["description"]}
        self.send("POST", f"/members/{member}/keys/confirm", body, answer)


STRANGERS: list[type[Client]] = [Rails, Stamped, Batched, TwoStep]
