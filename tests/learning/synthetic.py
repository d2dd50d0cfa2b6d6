# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings made by code: a choreography followed at a client that exists only as the requests it would send."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from ansible_collections.msp.connectwise.plugins.module_utils._customize import CUSTOMIZABLE, TABLE_SETUP
from ansible_collections.msp.connectwise.plugins.module_utils._facts import matrix_facts
from ansible_collections.msp.connectwise.plugins.module_utils._permissions import VERBS, Row
from ansible_collections.msp.connectwise.plugins.plugin_utils import _choreography, _har
from ansible_collections.msp.connectwise.plugins.plugin_utils._learn_tenant import Lesson, learn
from tests.simulator import catalog
from tests.simulator.config import TenantConfig
from tests.simulator.roles import render_setting
from tests.simulator.tenant import Role

HOST = "psa.example.com"
ROLES, MEMBERS, NONCE = (401, 407), (501, 523), "abcde7"
BEGAN = datetime(2026, 3, 1, 9, 0, tzinfo=timezone.utc)


@cache
def product() -> catalog.Catalog:
    return catalog.build(TenantConfig("north", "na"))


@cache
def matrix() -> tuple[tuple[Row, ...], ...]:
    """The rows of both roles before the first save."""
    return tuple(
        tuple(Row.from_record(render_setting(Role(role, ""), row)) for row in product().rows) for role in ROLES
    )


@cache
def records() -> dict[str, list[dict[str, Any]]]:
    found = {"SystemTableSetup": list(product().screens)}
    for what in CUSTOMIZABLE:
        if what.source and what.function != TABLE_SETUP:
            resource = product().resources.get(what.source.strip("/").lower())
            found[what.identifier] = resource.records if resource else []
    return found


def make_plan() -> dict[str, Any]:
    lists = [
        (what, [what.name_of(one) for one in records()[what.identifier]])
        for what in sorted(CUSTOMIZABLE, key=lambda one: one.function != TABLE_SETUP)
        if what.source
    ]
    keys, deletes = _choreography.key_steps(NONCE)
    return {
        "nonce": NONCE,
        "tenant": "north",
        "version": "v2025.1",
        "roles": [
            {"id": one, "name": f"Scratch {NONCE} {word}"} for one, word in zip(ROLES, ("one", "two"), strict=True)
        ],
        "members": [{"id": one, "identifier": f"scr-{NONCE}-{word}"} for one, word in zip(MEMBERS, "ab", strict=True)],
        "saves": _choreography.saves(matrix()[0]),
        "lists": _choreography.list_saves(lists),
        "keys": keys,
        "deletes": deletes,
    }


def _headers(given: Mapping[str, str] | None) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in (given or {}).items()]


class Wire:
    """A recording that is being made."""

    def __init__(self, prefix: str = "/v2025_1/services", host: str = HOST) -> None:
        self.prefix, self.host = prefix, host
        self.entries: list[dict[str, Any]] = []
        self.moment = BEGAN

    @property
    def now(self) -> int:
        return int(self.moment.timestamp() * 1000)

    def send(
        self,
        method: str,
        path: str,
        answer: Any,
        *,
        query: Mapping[str, Any] | None = None,
        json_body: Any = None,
        form: Mapping[str, Any] | Sequence[tuple[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
        status: int = 200,
        kind: str = "application/json",
        answer_headers: Mapping[str, str] | None = None,
    ) -> None:
        self.moment += timedelta(milliseconds=900)
        url = f"https://{self.host}{self.prefix}{path}" + (f"?{urlencode(query)}" if query else "")
        request: dict[str, Any] = {
            "method": method,
            "url": url,
            "headers": _headers(headers),
            "cookies": [{"name": "session", "value": "c00kie5ecret9876"}],
        }
        if json_body is not None:
            request["postData"] = {"mimeType": "application/json", "text": json.dumps(json_body)}
        if form is not None:
            request["postData"] = {"mimeType": "application/x-www-form-urlencoded", "text": urlencode(form)}
        text = answer if isinstance(answer, str) else json.dumps(answer)
        self.entries.append(
            {
                "startedDateTime": self.moment.isoformat(),
                "request": request,
                "response": {
                    "status": status,
                    "headers": _headers(answer_headers),
                    "content": {"mimeType": kind, "text": text},
                },
            }
        )

    def save(self, path: Path) -> str:
        path.write_text(json.dumps({"log": {"version": "1.2", "entries": self.entries}}), encoding="utf-8")
        return str(path)


class Client:
    """What all clients know: the matrix, the lists and the keys as they become. One that writes overrides the rest."""

    def __init__(self) -> None:
        self.wire = Wire()
        self.levels: list[dict[int | None, Mapping[str, str]]] = [{}, {}]
        self.allowed: dict[tuple[int, str], set[str]] = {}
        self.keys: dict[int, list[dict[str, Any]]] = {one: [] for one in MEMBERS}
        self.number = 9000

    def follow(self, plan: Mapping[str, Any]) -> Wire:
        for save in plan["saves"]:
            self.save_rows(save["role"], save["rows"])
        for save in plan["lists"]:
            self._list(save)
        for key in plan["keys"]:
            member = MEMBERS[key["member"]]
            self.number += 7
            made = {
                "id": self.number,
                "description": key["description"],
                "public": f"P{secrets.token_hex(7)}",
                "private": f"S{secrets.token_hex(9)}",
            }
            self.keys[member].append(made)
            self.create_key(member, made)
            self.list_keys(member, self.keys[member])
        for description in plan["deletes"]:
            member = next(
                one for one, keys in self.keys.items() if any(key["description"] == description for key in keys)
            )
            key = next(one for one in self.keys[member] if one["description"] == description)
            self.keys[member].remove(key)
            self.delete_key(member, key)
            self.list_keys(member, self.keys[member])
        return self.wire

    def save_rows(self, role: int, wanted: list[dict[str, Any]]) -> None:
        rows = matrix()[role]
        self.load_role(ROLES[role], matrix_facts(rows, self.levels[role]))
        changed = []
        for one in wanted:
            row = next(row for row in rows if (row.module, row.function) == (one["module"], one["function"]))
            self.levels[role][row.id] = one["levels"]
            changed.append(row.id)
        facts = matrix_facts(rows, self.levels[role])
        self.write_rows(ROLES[role], [fact for fact in facts if fact["setting"] in changed], facts)

    def _list(self, save: Mapping[str, Any]) -> None:
        role = ROLES[save["role"]]
        rows = matrix_facts(matrix()[save["role"]], {})
        row = next(fact for fact in rows if (fact["module"], fact["function"]) == (save["module"], save["function"]))
        what = next(one for one in CUSTOMIZABLE if one.identifier == save["identifier"])
        names = [what.name_of(record) for record in records()[what.identifier]]
        held = self.allowed.setdefault((role, what.identifier), set(names))
        self.load_list(role, row, self._items(what.identifier, names, held))
        held.clear()
        held.update(set(names) - set(save["refused"]))
        self.write_list(role, row, self._items(what.identifier, names, held))
        self.load_list(role, row, self._items(what.identifier, names, held))

    @staticmethod
    def _items(identifier: str, names: list[str], held: set[str]) -> list[dict[str, Any]]:
        return [
            {"id": record["id"], "name": name, "own": f"i{position * 31 + len(identifier) * 1000}", "on": name in held}
            for position, (record, name) in enumerate(zip(records()[identifier], names, strict=True))
        ]

    # What a client overrides

    def load_role(self, role: int, rows: list[dict[str, Any]]) -> None:
        pass

    def write_rows(self, role: int, changed: list[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
        raise NotImplementedError

    def load_list(self, role: int, row: dict[str, Any], items: list[dict[str, Any]]) -> None:
        raise NotImplementedError

    def write_list(self, role: int, row: dict[str, Any], items: list[dict[str, Any]]) -> None:
        raise NotImplementedError

    def list_keys(self, member: int, keys: list[dict[str, Any]]) -> None:
        raise NotImplementedError

    def create_key(self, member: int, key: dict[str, Any]) -> None:
        raise NotImplementedError

    def delete_key(self, member: int, key: dict[str, Any]) -> None:
        raise NotImplementedError


class Rest(Client):
    """Addresses with ids in them; four letters for a row; all items with positions; a key by its public half."""

    def write_rows(self, role: int, changed: list[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
        for row in reversed(changed):
            letters = "".join({"None": "x", "My": "o", "All": "*"}[row["levels"][verb]] for verb in VERBS)
            path = f"/security/role-{role}/rights/{row['setting']}"
            self.wire.send("PUT", path, {"success": True}, json_body={"value": letters}, headers={"X-Client": "web 4"})

    def load_list(self, role: int, row: dict[str, Any], items: list[dict[str, Any]]) -> None:
        shown = [{"label": item["name"], "granted": int(item["on"])} for item in reversed(items)]
        self.wire.send("GET", f"/security/role-{role}/lists/{row['identifier']}", {"entries": shown})

    def write_list(self, role: int, row: dict[str, Any], items: list[dict[str, Any]]) -> None:
        flags = "".join("1" if item["on"] else "0" for item in items)
        body = {"entries": [{"at": place, "granted": flag} for place, flag in enumerate(flags)]}
        self.wire.send("PUT", f"/security/role-{role}/lists/{row['identifier']}", {"success": True}, json_body=body)

    def list_keys(self, member: int, keys: list[dict[str, Any]]) -> None:
        shown = [{"note": key["description"], "user": key["public"]} for key in keys]
        self.wire.send("GET", f"/members/{member}/keys", shown, query={"_": self.wire.now + 900})

    def create_key(self, member: int, key: dict[str, Any]) -> None:
        answer = {"user": key["public"], "password": key["private"]}
        self.wire.send("POST", f"/members/{member}/keys", answer, json_body={"note": key["description"]}, status=201)

    def delete_key(self, member: int, key: dict[str, Any]) -> None:
        self.wire.send("DELETE", f"/members/{member}/keys/{key['public']}", "", status=204)


class Graph(Client):
    """One address for all; a document that names the operation; rows by the names of their functions."""

    QUERY = "mutation {op}($input: {op}Input!) {{ {name}(input: $input) {{ ok {{id}} }} }}"

    def ask(self, name: str, variables: Mapping[str, Any], data: Any) -> None:
        document = self.QUERY.format(op=name.title(), name=name)
        body = {"operationName": name, "query": document, "variables": variables}
        self.wire.send("POST", "/graphql", {"data": data, "errors": None}, json_body=body)

    def write_rows(self, role: int, changed: list[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
        codes = {"None": 10, "My": 20, "All": 30}
        rights = {row["function_id"]: [codes[row["levels"][verb]] for verb in VERBS] for row in changed}
        self.ask("saveRights", {"roleId": str(role), "rights": rights}, {"saveRights": {"ok": True}})

    def load_list(self, role: int, row: dict[str, Any], items: list[dict[str, Any]]) -> None:
        shown = [{"id": item["id"], "title": item["name"]} for item in items if item["on"]]
        self.ask("customize", {"roleId": str(role), "row": row["setting"]}, {"customize": shown})

    def write_list(self, role: int, row: dict[str, Any], items: list[dict[str, Any]]) -> None:
        body = {"roleId": str(role), "row": row["setting"], "ids": [item["id"] for item in items if item["on"]]}
        self.ask("saveCustomize", body, {"saveCustomize": {"ok": True}})

    def list_keys(self, member: int, keys: list[dict[str, Any]]) -> None:
        shown = {str(key["id"]): {"name": key["description"], "publicKey": key["public"]} for key in keys}
        self.ask("keys", {"memberId": member}, {"keys": shown})

    def create_key(self, member: int, key: dict[str, Any]) -> None:
        answer = {"createKey": {"publicKey": key["public"], "privateKey": key["private"]}}
        self.ask("createKey", {"memberId": member, "name": key["description"]}, answer)

    def delete_key(self, member: int, key: dict[str, Any]) -> None:
        self.ask("deleteKey", {"keyId": str(key["id"])}, {"deleteKey": {"ok": True}})


class Wrapped(Client):
    """JSON as text in every answer and request; the whole matrix by position; ids of its own from a read before."""

    stamp = 1

    def post(self, action: str, given: Any, answer: Any) -> None:
        form = {"request": json.dumps({"args": json.dumps(given), "token": self.token()})}
        self.wire.send("POST", f"/{action}.asmx", {"d": json.dumps({"result": answer, "error": None})}, form=form)

    def token(self) -> str:
        token = secrets.token_urlsafe(18) + "9"
        self.wire.send("GET", "/token.asmx", {"d": json.dumps({"value": token})})
        return token

    def load_role(self, role: int, rows: list[dict[str, Any]]) -> None:
        self.stamp += 3
        answer = {"role": {"id": role, "rev": f"r{self.stamp}", "owner": "Jane Sample"}}
        self.wire.send("GET", "/role.asmx", {"d": json.dumps(answer)}, query={"id": role})

    def write_rows(self, role: int, changed: list[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
        words = {"None": "0", "My": "1", "All": "2", None: "-"}
        record = {"id": role, "rev": f"r{self.stamp}", "owner": "Jane Sample"}
        text = ["".join(words[row["levels"][verb]] for verb in VERBS) for row in rows]
        self.post("saveRole", {"role": record, "rights": text}, "saved")

    def load_list(self, role: int, row: dict[str, Any], items: list[dict[str, Any]]) -> None:
        shown = [[item["own"], item["name"], "yes" if item["on"] else "no"] for item in items]
        answer = {"d": json.dumps({"items": shown})}
        self.wire.send("GET", "/items.asmx", answer, query={"role": role, "list": row["identifier"]})

    def write_list(self, role: int, row: dict[str, Any], items: list[dict[str, Any]]) -> None:
        off = [item["own"] for item in items if not item["on"]]
        on = [item["own"] for item in items if item["on"]]
        given = {"role": role, "list": row["identifier"], "off": ",".join(off), "on": ",".join(on)}
        self.post("saveItems", given, "saved")

    def list_keys(self, member: int, keys: list[dict[str, Any]]) -> None:
        shown = [{"no": key["id"], "text": key["description"], "pub": key["public"]} for key in keys]
        self.wire.send("GET", "/keys.asmx", {"d": json.dumps({"keys": shown})}, query={"member": member})

    def create_key(self, member: int, key: dict[str, Any]) -> None:
        answer = {"no": key["id"], "pub": key["public"], "prv": key["private"]}
        self.post("newKey", {"member": member, "text": key["description"]}, answer)

    def delete_key(self, member: int, key: dict[str, Any]) -> None:
        self.post("dropKey", {"member": member, "no": key["id"]}, "gone")


def study(paths: list[str], plan: Mapping[str, Any]) -> Lesson:
    return learn(plan, _har.load(paths, {HOST}), matrix(), records())
