# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""(e) The bound: threads that make only the requests no way can do without, and compare nothing but what they must.

python -m benchmarks.bound INVENTORY WISHES KEYS THREADS
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

# Read in an unchanged run: the member, the names its profile refers to, and what the stored key may do.
NAMES = ("/system/myCompany/corporateStructureLevels", "/system/locations", "/system/setupScreens")
NOT_PRESET = ("id", "identifier", "name", "_info", "inactiveFlag", "inactiveDate")
MORE_NAMES = ("/finance/agreements/types",)


class Api:
    def __init__(self, host: dict[str, Any], ca: str) -> None:
        self.root = f"https://{host['cw_host']}/v4_6_release/apis/3.0"
        self.company = host["cw_company_id"]
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = ca
        self.session.headers.update({"clientId": host["cw_client_id"], "Accept": "application/json"})
        self.keys = (f"{self.company}+{host['cw_public_key']}", host["cw_private_key"])

    def call(self, method: str, path: str, body: Any = None, keys: tuple[str, str] | None = None) -> Any:
        params = {"pageSize": 1000} if method == "GET" else None
        answer = self.session.request(
            method, self.root + path, json=body, params=params, auth=keys or self.keys, timeout=60
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None


def first(api: Api, wishes: dict[str, Any]) -> dict[str, str]:
    role = api.call("POST", "/system/securityroles", {"name": wishes["role"]})
    place = f"/system/securityRoles/{role['id']}/settings"
    ids = {(row["moduleName"], row["moduleFunctionName"]): row["id"] for row in api.call("GET", place)}
    for row in wishes["rows"]:
        operations = [{"op": "replace", "path": name, "value": value} for name, value in row["levels"].items()]
        api.call("PATCH", f"{place}/{ids[row['module'], row['function']]}", operations)
    items = [
        {"customizeIdentifier": name, "itemIdentifier": item} for name, all_ in wishes["allow"].items() for item in all_
    ]
    api.call("PUT", f"{place}/{ids['System', 'Table Setup']}/customizeItems", items)
    level, location = api.call("GET", NAMES[0])[0], api.call("GET", NAMES[1])[0]
    references = {"securityRole": role, "structureLevel": level, "securityLocation": location}
    preset = api.call("GET", "/system/apiMembers/default")
    preset = {name: value for name, value in preset.items() if name not in NOT_PRESET and value is not None}
    body = {**preset, **wishes["member"], **{name: {"id": one["id"]} for name, one in references.items()}}
    member = api.call("POST", "/system/apiMembers", body)
    made = api.call("POST", f"/system/apiMembers/{member['id']}/apiKeys", {"description": wishes["key_description"]})
    check(api, wishes, made)
    return {"publicKey": made["publicKey"], "privateKey": made["privateKey"]}


def unchanged(api: Api, wishes: dict[str, Any], key: dict[str, str]) -> dict[str, str]:
    members = api.call("GET", "/system/apiMembers")
    if not any(member["identifier"] == wishes["member"]["identifier"] for member in members):
        raise RuntimeError("no member")
    for path in (*NAMES, *MORE_NAMES):
        api.call("GET", path)
    check(api, wishes, key)
    return key


def check(api: Api, wishes: dict[str, Any], key: dict[str, str]) -> None:
    keys = (f"{api.company}+{key['publicKey']}", key["privateKey"])
    rows = {
        (one["moduleName"], one["moduleFunctionName"]): one for one in api.call("GET", "/system/mySecurity", keys=keys)
    }
    for row in wishes["rows"]:
        found = rows[row["module"], row["function"]]
        if any(found[name] != value for name, value in row["levels"].items()):
            raise RuntimeError(f"{row['function']} differs")
    items = {one["itemIdentifier"] for one in api.call("GET", "/system/mySecurity/customizeItems/", keys=keys)}
    if not set(wishes["allow"]["SystemTableSetup"]) <= items:
        raise RuntimeError("the allow list differs")


def main(inventory: str, wishes_file: str, keys_file: str, threads: str) -> None:
    everywhere = json.loads(Path(inventory).read_text(encoding="utf-8"))["all"]
    wishes = json.loads(Path(wishes_file).read_text(encoding="utf-8"))
    store = Path(keys_file)
    known = json.loads(store.read_text(encoding="utf-8")) if store.exists() else {}

    def work(item: tuple[str, dict[str, Any]]) -> tuple[str, dict[str, str]]:
        name, host = item
        api = Api(host, everywhere["vars"]["cw_ca_path"])
        return name, unchanged(api, wishes, known[name]) if name in known else first(api, wishes)

    with ThreadPoolExecutor(int(threads)) as pool:
        found = dict(pool.map(work, everywhere["hosts"].items()))
    store.touch(mode=0o600)
    store.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:5])
