# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of operations, published and extension, and the way from a request to one of them."""

from __future__ import annotations

from collections.abc import Callable

from . import errors, members, query, roles, structure
from .call import Call, Handler, Operation, Reply, counting, listing, single
from .catalog import Record
from .enforcement import ANYBODY, MEMBERS, ROLES, TABLE_SETUP, Need, check, owns_nothing
from .tenant import Tenant

# Path ("{}" stands for a number) -> method -> what is done and what it takes.
Table = dict[str, dict[str, Operation]]


class _Builder:
    def __init__(self) -> None:
        self.table: Table = {}

    def add(self, method: str, path: str, handler: Handler, need: Need, extension: bool = False) -> None:
        self.table.setdefault(path.lower(), {})[method] = Operation(handler, need, extension)

    def add_list(self, path: str, records: Callable[[Call], list[Record]], model: str | None, need: Need) -> None:
        """A list and its count."""
        self.add("GET", path, lambda call: listing(call, records(call), model), need)
        self.add("GET", f"{path}/count", lambda call: counting(call, records(call), model), need)

    def add_records(self, path: str, records: Callable[[Call], list[Record]], model: str | None, need: Need) -> None:
        """A list, its count, and each record by its id."""
        self.add_list(path, records, model, need)
        self.add("GET", f"{path}/{{}}", lambda call: by_id(call, records(call), path), need)


def by_id(call: Call, records: list[Record], path: str) -> Reply:
    number = call.number()
    for record in records:
        if record["id"] == number:
            return single(call, record)
    raise errors.not_found(f"{path.rsplit('/', 1)[1]} {number}")


def _role_operations(table: _Builder) -> None:
    need = Need((ROLES,))
    table.add_list("system/securityRoles", roles.roles, "SecurityRole", need)
    table.add("POST", "system/securityRoles", roles.create_role, need)
    table.add("GET", "system/securityRoles/{}", roles.get_role, need)
    table.add("DELETE", "system/securityRoles/{}", roles.delete_role, need)
    table.add_list("system/securityRoles/info", roles.role_infos, "SecurityRoleInfo", need)
    table.add("GET", "system/securityRoles/{}/info", roles.get_role_info, need)
    settings = "system/securityRoles/{}/settings"
    table.add_list(settings, roles.settings, "SecurityRoleSetting", need)
    table.add("GET", f"{settings}/{{}}", roles.get_setting, need)
    table.add("PATCH", f"{settings}/{{}}", roles.patch_setting, need, extension=True)
    table.add("GET", f"{settings}/{{}}/customizeItems", roles.get_customize, need, extension=True)
    table.add("PUT", f"{settings}/{{}}/customizeItems", roles.put_customize, need, extension=True)
    table.add("GET", "system/mySecurity", roles.list_my_security, ANYBODY)
    table.add("GET", "system/mySecurity/customizeItems", roles.list_my_items, ANYBODY)


def _member_operations(table: _Builder) -> None:
    need = Need((MEMBERS,))
    table.add_list("system/apiMembers", members.api_members, "ApiMember", need)
    table.add("POST", "system/apiMembers", members.create_api_member, need)
    table.add("GET", "system/apiMembers/default", members.default_api_member, need)
    table.add("GET", "system/apiMembers/{}", members.get_api_member, need)
    table.add("PUT", "system/apiMembers/{}", members.replace_api_member, need)
    table.add("PATCH", "system/apiMembers/{}", members.patch_api_member, need)
    table.add_records("system/members", members.members, "Member", need)
    table.add("POST", TOKENS, members.create_token, ANYBODY)
    for kind in ("apiMembers", "members"):
        keys = f"system/{kind}/{{}}/apiKeys"
        table.add("GET", keys, members.list_keys, need, extension=True)
        table.add("POST", keys, members.create_key, need, extension=True)
        table.add("DELETE", f"{keys}/{{}}", members.delete_key, need, extension=True)


def _structure_operations(table: _Builder) -> None:
    zones = Need((TABLE_SETUP,), "Company / Time Zone")
    table.add("GET", "system/info", structure.system_info, ANYBODY)
    table.add_records("system/setupScreens", structure.screens, "SetupScreen", Need((TABLE_SETUP,)))
    table.add_records("system/myCompany/corporateStructure", structure.structure, "CorporateStructure", ANYBODY)
    table.add_records("system/myCompany/corporateStructureLevels", structure.levels, "CorporateStructureLevel", ANYBODY)
    table.add_records("system/locations", structure.locations, "Location", ANYBODY)
    table.add_records("system/info/locations", structure.location_infos, "LocationInfo", ANYBODY)
    table.add_records("system/info/departments", structure.department_infos, "DepartmentInfo", ANYBODY)
    table.add_records("system/timeZoneSetups", structure.zones, "TimeZoneSetup", zones)
    table.add_list("system/timeZoneSetups/info", structure.zone_infos, "TimeZoneSetupInfo", ANYBODY)
    table.add_records("service/info/boards", structure.boards, "BoardInfo", ANYBODY)
    table.add("GET", "system/reports", structure.list_reports, Need(("System / API Reports",)))


TOKENS = "system/members/{identifier}/tokens"


def _operations() -> Table:
    builder = _Builder()
    _role_operations(builder)
    _member_operations(builder)
    _structure_operations(builder)
    return builder.table


OPERATIONS = _operations()


def _resource(path: str, tenant: Tenant) -> dict[str, Operation] | None:
    """The read-only lists, which come from data: the list, its count, or one record of it."""
    above, _slash, last = path.rpartition("/")
    whole = last != "count" and not _is_id(last)
    resource = tenant.catalog.resources.get(path if whole else above)
    if resource is None:
        return None
    need = Need((TABLE_SETUP,), resource.table) if resource.table else Need(resource.needs)

    def records(call: Call) -> list[Record]:
        return [] if owns_nothing(call.tenant, call.store, call.member, need) else resource.records

    def answer(call: Call) -> Reply:
        if whole:
            return listing(call, records(call), None)
        return counting(call, records(call), None) if last == "count" else by_id(call, records(call), above)

    return {"GET": Operation(answer, need)}


def route(path: str, tenant: Tenant, extended: bool = False) -> tuple[dict[str, Operation], list[str]]:
    """The operations at a path (the server ignores the case of routes), and the ids in it."""
    parts = path.strip("/").split("/")
    lower = [part.lower() for part in parts]
    ids = [part for part in parts if _is_id(part)]
    found = OPERATIONS.get("/".join("{}" if _is_id(part) else part for part in lower))
    if len(parts) == 4 and lower[:2] == ["system", "members"] and lower[3] == "tokens":
        found, ids = OPERATIONS[TOKENS.lower()], [parts[2]]
    if found is None:
        found = _resource("/".join(lower), tenant)
    if found is None:
        raise errors.no_endpoint()
    if tenant.config.profile == "published" and not extended:
        found = {method: operation for method, operation in found.items() if not operation.extension}
        if not found:
            raise errors.no_endpoint()
    return found, ids


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 10


def operation(method: str, path: str, tenant: Tenant, extended: bool = False) -> tuple[Operation, list[str]]:
    found, ids = route(path, tenant, extended)
    if method not in found:
        raise errors.method_not_allowed(method, sorted(found))
    return found[method], ids


def perform(call: Call, extended: bool = False) -> Reply:
    """Check the caller's rights and do it; `extended` also where the tenant does not offer it at this address."""
    found, call.ids = operation(call.method, call.path, call.tenant, extended)
    check(call.tenant, call.store, call.member, found.need, call.method)
    try:
        return found.handler(call)
    except query.QueryError as error:
        problem = errors.inner("UnsupportedFormat", error.parameter, error.parameter, str(error))
        raise errors.invalid(error.parameter, [problem]) from error
