# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Six ways in which a web client might write, all invented; the pages that speak them lie in data/web_client."""

from __future__ import annotations

import base64
import json
import secrets
from typing import Any

from .call import Reply
from .catalog import Record
from .errors import ApiError
from .web_client import LEVELS, VERBS, Dialect, Web


def _levels(record: Record) -> dict[str, Any]:
    return {verb: record[f"{verb}Level"] for verb in VERBS}


def _flat(result: Any, problem: str | None) -> Any:
    return {"ok": problem is None, **({"message": problem} if problem else result or {})}


def _key(key: Record, **names: str) -> Record:
    return {new: key[old] for new, old in names.items() if old in key}


# words: a request for each row, levels as words, names of items

_WORDS_KEY = {"id": "id", "text": "description", "public": "publicKey", "private": "privateKey"}


def _words_row(web: Web) -> Any:
    given = web.json()
    web.save_rows(given["roleId"], {given["settingId"]: given["rights"]})
    return {"settingId": given["settingId"]}


def _words_role(web: Web) -> Any:
    rows = web.rows(web.json()["roleId"])
    return {
        "rows": [
            {
                "settingId": row["id"],
                "module": row["moduleName"],
                "name": row["moduleFunctionName"],
                "own": row["myAllFlag"],
                "list": row["customFlag"],
                "rights": _levels(row),
            }
            for row in rows
        ]
    }


def _words_list(web: Web) -> Any:
    given = web.json()
    items = web.items(given["roleId"], given["settingId"])
    return {"items": [{"text": item["name"], "on": item["allowed"]} for item in items]}


WORDS = Dialect(
    {
        "SaveRow": _words_row,
        "GetRole": _words_role,
        "GetList": _words_list,
        "SaveList": lambda web: web.save_items(web.json()["roleId"], web.json()["settingId"], web.json()["allow"]),
        "GetKeys": lambda web: {"keys": [_key(key, **_WORDS_KEY) for key in web.keys(web.json()["memberId"])]},
        "AddKey": lambda web: {"key": _key(web.create_key(web.json()["memberId"], web.json()["text"]), **_WORDS_KEY)},
        "DropKey": lambda web: web.delete_key(web.json()["memberId"], web.json()["keyId"]),
    },
    _flat,
)

# codes: the whole matrix, levels as numbers; a form whose fields hold JSON; what is allowed and what is not

_CODES = {"None": 1, "My": 2, "All": 4, None: 0}
_OF_CODE = {code: word for word, code in _CODES.items()}
_CODES_KEY = {"no": "id", "note": "description", "pub": "publicKey", "priv": "privateKey"}


def _codes_save(web: Web) -> Any:
    given = web.form()
    before = {row["id"]: _levels(row) for row in web.rows(int(given["role"]))}
    wanted = {}
    for setting, *codes in json.loads(given["matrix"]):
        levels = {verb: _OF_CODE[code] for verb, code in zip(VERBS, codes, strict=True)}
        if levels != before.pop(setting):
            wanted[setting] = {verb: level for verb, level in levels.items() if level is not None}
    if before:
        raise ApiError(400, {"message": "Rows are missing."})
    web.save_rows(int(given["role"]), wanted)
    return {"saved": len(wanted)}


def _codes_role(web: Web) -> Any:
    fields = ("moduleName", "moduleFunctionName", "myAllFlag", "customFlag", "moduleFunctionIdentifier")
    rows = web.rows(int(web.query["role"]))
    return {
        "matrix": [[row["id"], *[_CODES[level] for level in _levels(row).values()]] for row in rows],
        "head": [[row[name] for name in fields] for row in rows],
    }


def _codes_list(web: Web) -> Any:
    role = int(web.query["role"])
    items = web.items(role, web.setting_of(role, web.query["list"]))
    return {
        flag: [item["name"] for item in items if item["allowed"] is (flag == "allowed")]
        for flag in ("allowed", "denied")
    }


def _codes_save_list(web: Web) -> Any:
    given, role = web.form(), int(web.form()["role"])
    setting, allowed = web.setting_of(role, given["list"]), json.loads(given["allowed"])
    if len(allowed) + len(json.loads(given["denied"])) != len(web.items(role, setting)):
        raise ApiError(400, {"message": "Items are missing."})
    return web.save_items(role, setting, allowed)


CODES = Dialect(
    {
        "SaveMatrix": _codes_save,
        "Matrix": _codes_role,
        "List": _codes_list,
        "SaveList": _codes_save_list,
        "Keys": lambda web: {"result": [_key(key, **_CODES_KEY) for key in web.keys(int(web.query["member"]))]},
        "CreateKey": lambda web: {
            "result": _key(web.create_key(int(web.form()["member"]), web.form()["note"]), **_CODES_KEY)
        },
        "DeleteKey": lambda web: web.delete_key(int(web.form()["member"]), int(web.form()["no"])),
    },
    _flat,
)

# message: actionMessage, JSON in JSON in a form; all changed rows; every item with its flag

_MESSAGE_LEVELS = {"None": "NONE", "My": "MINE", "All": "ALL", None: None}
_OF_MESSAGE = {code: word for word, code in _MESSAGE_LEVELS.items()}
_MESSAGE_KEY = {"keyRecID": "id", "keyDescription": "description", "keyPublic": "publicKey", "keyPrivate": "privateKey"}


def _payload(web: Web) -> Record:
    message = json.loads(web.form()["actionMessage"])
    name = web.exchange.path.rpartition("/")[2].partition(".")[0]
    if message["payloadClassName"] != name or message["project"] != "SecurityIO":
        raise ApiError(400, {"message": "The message is for another action."})
    payload: Record = json.loads(message["payload"])
    return payload


def _message_told(result: Any, problem: str | None) -> Any:
    error = {"message": problem} if problem else None
    return {"data": {"error": error, "action": result, "isSuccess": not problem}, "error": None, "success": True}


def _message_save(web: Web) -> Any:
    given = _payload(web)
    rows = {
        row["settingRecID"]: {verb: _OF_MESSAGE[row[f"{verb}Level"]] for verb in VERBS if row[f"{verb}Level"]}
        for row in given["securityRows"]
    }
    web.save_rows(given["roleRecID"], rows)
    return {"roleRecID": given["roleRecID"]}


def _message_role(web: Web) -> Any:
    return {
        "securityRows": [
            {
                "settingRecID": row["id"],
                "moduleName": row["moduleName"],
                "functionName": row["moduleFunctionName"],
                "myFlag": row["myAllFlag"],
                "customFlag": row["customFlag"],
                **{f"{verb}Level": _MESSAGE_LEVELS[level] for verb, level in _levels(row).items()},
            }
            for row in web.rows(_payload(web)["roleRecID"])
        ]
    }


def _message_list(web: Web) -> Any:
    given = _payload(web)
    items = web.items(given["roleRecID"], given["settingRecID"])
    return {"items": [{"itemName": item["name"], "allowFlag": item["allowed"]} for item in items]}


def _message_save_list(web: Web) -> Any:
    given = _payload(web)
    allowed = [item["itemName"] for item in given["items"] if item["allowFlag"]]
    if len(given["items"]) != len(web.items(given["roleRecID"], given["settingRecID"])):
        raise ApiError(400, {"message": "Items are missing."})
    return web.save_items(given["roleRecID"], given["settingRecID"], allowed)


MESSAGE = Dialect(
    {
        "SaveSecurityRowsAction": _message_save,
        "GetSecurityRowsAction": _message_role,
        "GetCustomizeItemsAction": _message_list,
        "SaveCustomizeItemsAction": _message_save_list,
        "GetApiKeysAction": lambda web: {
            "apiKeys": [_key(key, **_MESSAGE_KEY) for key in web.keys(_payload(web)["memberRecID"])]
        },
        "CreateApiKeyAction": lambda web: {
            "apiKey": _key(
                web.create_key(_payload(web)["memberRecID"], _payload(web)["keyDescription"]), **_MESSAGE_KEY
            )
        },
        "DeleteApiKeyAction": lambda web: web.delete_key(_payload(web)["memberRecID"], _payload(web)["keyRecID"]),
    },
    _message_told,
)

# numbers: rows by their ids with four digits in a text; items by ids of the client's own, those that are not allowed

_NUMBERS_KEY = {"keyId": "id", "label": "description", "user": "publicKey", "secret": "privateKey"}


def _hidden(web: Web) -> Record:
    given: Record = json.loads(base64.b64decode(web.form()["data"]))
    return given


def _numbers_save(web: Web) -> Any:
    given = web.json()
    rows = {}
    for setting, text in given["rights"].items():
        codes = dict(zip(VERBS, text.split(","), strict=True))
        rows[int(setting)] = {verb: LEVELS[int(code)] for verb, code in codes.items() if code != "-"}
    web.save_rows(given["role"]["id"], rows)
    return {"role": given["role"]}


def _numbers_role(web: Web) -> Any:
    def text(row: Record) -> str:
        return ",".join("-" if level is None else str(LEVELS.index(level)) for level in _levels(row).values())

    rows = web.rows(int(web.query["role"]))
    names = ("moduleName", "moduleFunctionName", "myAllFlag", "customFlag")
    return {"rights": {str(row["id"]): [text(row), *[row[name] for name in names]] for row in rows}}


def _numbers_list(web: Web) -> Any:
    items = web.items(int(web.query["role"]), int(web.query["setting"]))
    found = []
    for item in items:
        group, slash, label = item["name"].partition(" / ")
        names = {"group": group, "label": label} if slash else {"group": "", "label": group}
        found.append({"itemId": item["number"], **names, "denied": not item["allowed"]})
    return {"items": found}


def _numbers_save_list(web: Web) -> Any:
    given = web.json()
    denied = set(given["denied"])
    items = web.items(given["role"], given["setting"])
    return web.save_items(
        given["role"], given["setting"], [item["name"] for item in items if item["number"] not in denied]
    )


NUMBERS = Dialect(
    {
        "Rights": lambda web: _numbers_save(web) if web.exchange.method == "PUT" else _numbers_role(web),
        "Items": lambda web: _numbers_save_list(web) if web.exchange.method == "PUT" else _numbers_list(web),
        "Keys": lambda web: {"keys": [_key(key, **_NUMBERS_KEY) for key in web.keys(int(web.query["member"]))]},
        "NewKey": lambda web: {
            "made": _key(web.create_key(_hidden(web)["member"]["id"], _hidden(web)["label"]), **_NUMBERS_KEY)
        },
        "EndKey": lambda web: web.delete_key(_hidden(web)["member"]["id"], _hidden(web)["key"]),
    },
    _flat,
)

# token: each save needs a token that an answer before it gave, and the role's record as it was read

_TOKEN_CODES = {"None": "N", "My": "M", "All": "A", None: ""}
_OF_TOKEN = {code: word for word, code in _TOKEN_CODES.items()}


def _role_record(web: Web, role: int) -> Record:
    return {"id": role, "stamp": f"{web.state.stamps.get(role, 0):08d}-{role}", "kind": "security"}


def _spend(web: Web, token: str | None) -> None:
    if token not in web.state.tokens:
        raise ApiError(400, {"message": "The token is not valid any more."})
    web.state.tokens.discard(token)


def _token_role(web: Web) -> Any:
    role = int(web.query["role"])
    fields = {"m": "moduleName", "f": "moduleFunctionName", "my": "myAllFlag", "c": "customFlag"}
    rows = [
        {
            "k": row["id"],
            **{new: row[old] for new, old in fields.items()},
            **{verb[0]: _TOKEN_CODES[level] for verb, level in _levels(row).items()},
        }
        for row in web.rows(role)
    ]
    return {"record": _role_record(web, role), "rows": rows}


def _token_save(web: Web) -> Any:
    given = web.json()
    _spend(web, web.exchange.headers.get("x-form-token"))
    role = given["record"]["id"]
    if given["record"] != _role_record(web, role):
        raise ApiError(400, {"message": "Somebody else has changed the role meanwhile."})
    rows = {row["k"]: {verb: _OF_TOKEN[row[verb[0]]] for verb in VERBS if row[verb[0]]} for row in given["rows"]}
    web.save_rows(role, rows)
    web.state.stamps[role] = web.state.stamps.get(role, 0) + 1
    return {"stamp": _role_record(web, role)["stamp"]}


def _token(web: Web) -> Any:
    token = secrets.token_urlsafe(24)
    web.state.tokens.add(token)
    return {"token": token}


def _token_form(web: Web) -> Reply:
    token = _token(web)["token"]
    page = f'<!doctype html><title>Keys</title><form><input type="hidden" name="__token" value="{token}"></form>'
    return Reply(200, page, {"Content-Type": "text/html; charset=utf-8"})


def _token_list(web: Web) -> Any:
    items = web.items(int(web.query["role"]), int(web.query["row"]))
    return {"choices": {str(item["number"]): [item["name"], 1 if item["allowed"] else 0] for item in items}}


def _token_save_list(web: Web) -> Any:
    given = web.form()
    _spend(web, given["token"])
    role, row = int(given["role"]), int(given["row"])
    chosen = set(filter(None, given["chosen"].split(";")))
    return web.save_items(role, row, [item["name"] for item in web.items(role, row) if str(item["number"]) in chosen])


def _token_new_key(web: Web) -> Any:
    given = web.form()
    _spend(web, given["__token"])
    return {"pair": web.create_key(int(given["member"]), given["description"])}


def _token_end_key(web: Web) -> Any:
    given = web.form()
    _spend(web, given["__token"])
    return web.delete_key(int(given["member"]), int(given["key"]))


TOKEN = Dialect(
    {
        "Token": _token,
        "KeyForm": _token_form,
        "Role": _token_role,
        "SaveRole": _token_save,
        "Choices": _token_list,
        "SaveChoices": _token_save_list,
        "Keys": lambda web: {"keys": web.keys(int(web.query["member"]))},
        "NewKey": _token_new_key,
        "EndKey": _token_end_key,
    },
    _flat,
)

# session: two flags for each right, a multipart form; what concerns keys needs the session of the browser

_FLAGS = [(f"{verb}{word}", verb, word) for verb in VERBS for word in ("All", "My")]


def _session_save(web: Web) -> Any:
    given = web.parts()
    rows = {}
    for row in json.loads(given["rows"]):
        rows[int(row["setting"])] = {
            verb: next((word for name, one, word in _FLAGS if one == verb and row[name]), "None") for verb in VERBS
        }
    web.save_rows(int(given["roleId"]), rows)
    return {}


def _session_role(web: Web) -> Any:
    rows = [
        {
            "setting": str(row["id"]),
            "module": row["moduleName"],
            "name": row["moduleFunctionName"],
            "own": row["myAllFlag"],
            "list": row["customFlag"],
            **{name: row[f"{verb}Level"] == word for name, verb, word in _FLAGS},
        }
        for row in web.rows(int(web.query["roleId"]))
    ]
    return {"rows": rows}


SESSION = Dialect(
    {
        "SaveRows": _session_save,
        "Rows": _session_role,
        "GetList": lambda web: {
            "items": [
                {"text": item["name"], "on": "Y" if item["allowed"] else "N"}
                for item in web.items(int(web.query["roleId"]), int(web.query["settingId"]))
            ]
        },
        "SaveList": lambda web: web.save_items(
            int(web.parts()["roleId"]), int(web.parts()["settingId"]), json.loads(web.parts()["allow"])
        ),
        "GetKeys": lambda web: {"keys": [_key(key, **_WORDS_KEY) for key in web.keys(web.json()["memberId"])]},
        "AddKey": WORDS.services["AddKey"],
        "DropKey": WORDS.services["DropKey"],
    },
    _flat,
    frozenset({"GetKeys", "AddKey", "DropKey"}),
)

DIALECTS = {
    "words": WORDS,
    "codes": CODES,
    "message": MESSAGE,
    "numbers": NUMBERS,
    "token": TOKEN,
    "session": SESSION,
}
