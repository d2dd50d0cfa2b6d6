# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""(d) One tenant after the other, with the public Python client pyconnectwise.

REQUESTS_CA_BUNDLE=CA python -m benchmarks.sequential INVENTORY WISHES KEYS
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pyconnectwise import ConnectWiseManageAPIClient
from pyconnectwise.endpoints.manage.SystemSecurityrolesIdSettingsEndpoint import SystemSecurityrolesIdSettingsEndpoint

ALL = {"pageSize": 1000}
NOT_PRESET = ("id", "identifier", "name", "_info", "inactiveFlag", "inactiveDate")


def client_of(host: dict[str, Any], public_key: str, private_key: str) -> ConnectWiseManageAPIClient:
    return ConnectWiseManageAPIClient(
        host["cw_company_id"], host["cw_host"], host["cw_client_id"], public_key, private_key
    )


def levels_of(client: ConnectWiseManageAPIClient) -> list[dict[str, Any]]:
    """The client knows this list, but offers no way to it."""
    company = client.system.my_company
    found: list[dict[str, Any]] = company._make_request("GET", "corporateStructureLevels", params=ALL).json()
    return found


def first(client: ConnectWiseManageAPIClient, host: dict[str, Any], wishes: dict[str, Any]) -> dict[str, str]:
    role = client.system.security_roles.post(data={"name": wishes["role"]})
    parent = client.system.security_roles.id(role.id)
    settings = SystemSecurityrolesIdSettingsEndpoint(client, parent_endpoint=parent)
    ids = {(row.module_name, row.module_function_name): row.id for row in settings.get(params=ALL)}
    for row in wishes["rows"]:
        operations = [{"op": "replace", "path": name, "value": value} for name, value in row["levels"].items()]
        settings.id(ids[row["module"], row["function"]])._make_request("PATCH", data=operations)
    items = [
        {"customizeIdentifier": name, "itemIdentifier": item} for name, all_ in wishes["allow"].items() for item in all_
    ]
    settings.id(ids["System", "Table Setup"])._make_request("PUT", "customizeItems", items)
    level_id, location = levels_of(client)[0]["id"], client.system.locations.get(params=ALL)[0]
    references = {"securityRole": role.id, "structureLevel": level_id, "securityLocation": location.id}
    members = client.system.api_members
    preset = members._make_request("GET", "default").json()
    preset = {name: value for name, value in preset.items() if name not in NOT_PRESET and value is not None}
    body = {**preset, **wishes["member"], **{name: {"id": one} for name, one in references.items()}}
    member = members.post(data=body)
    wish = {"description": wishes["key_description"]}
    made = members.id(member.id)._make_request("POST", "apiKeys", wish).json()
    key = {"publicKey": made["publicKey"], "privateKey": made["privateKey"]}
    check(host, wishes, key)
    return key


def unchanged(
    client: ConnectWiseManageAPIClient, host: dict[str, Any], wishes: dict[str, Any], key: dict[str, str]
) -> dict[str, str]:
    members = client.system.api_members.get(params=ALL)
    if not any(member.identifier == wishes["member"]["identifier"] for member in members):
        raise RuntimeError("no member")
    levels_of(client)
    client.system.locations.get(params=ALL)
    client.system.setup_screens.get(params=ALL)
    client.finance.agreements.types.get(params=ALL)
    check(host, wishes, key)
    return key


def check(host: dict[str, Any], wishes: dict[str, Any], key: dict[str, str]) -> None:
    own = client_of(host, key["publicKey"], key["privateKey"])
    rows = {(row.module_name, row.module_function_name): row for row in own.system.my_security.get(params=ALL)}
    for row in wishes["rows"]:
        actual = rows[row["module"], row["function"]].model_dump(by_alias=True)
        if any(actual[name] != value for name, value in row["levels"].items()):
            raise RuntimeError(f"{row['function']} differs")
    # Another list that the client knows, but offers no way to.
    found = own.system.my_security._make_request("GET", "customizeItems", params=ALL).json()
    items = {item["itemIdentifier"] for item in found}
    if not set(wishes["allow"]["SystemTableSetup"]) <= items:
        raise RuntimeError("the allow list differs")


def main(inventory: str, wishes_file: str, keys_file: str) -> None:
    hosts = json.loads(Path(inventory).read_text(encoding="utf-8"))["all"]["hosts"]
    wishes = json.loads(Path(wishes_file).read_text(encoding="utf-8"))
    store = Path(keys_file)
    known = json.loads(store.read_text(encoding="utf-8")) if store.exists() else {}
    for name, host in hosts.items():
        client = client_of(host, host["cw_public_key"], host["cw_private_key"])
        if name in known:
            unchanged(client, host, wishes, known[name])
        else:
            known[name] = first(client, host, wishes)
    store.touch(mode=0o600)
    store.write_text(json.dumps(known), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:4])
