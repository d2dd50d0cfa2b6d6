# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""API members and members: their fields as data, finding one, and the keys they own."""

from __future__ import annotations

from typing import Any

from ._client import Psa, Record
from ._errors import InputError
from ._names import fitting, sought, unknown
from ._resource import LEVELS, Field, Names, Reference, settled

API_MEMBERS = "/system/apiMembers"
MEMBERS = "/system/members"
BOARDS = "/service/info/boards"
# Where the members that own keys are, by kind, and what one is called.
_OWNERS = {"api": (API_MEMBERS, "API member"), "member": (MEMBERS, "member")}
IDENTIFIER = Field("identifier", "identifier", label="Member ID", limit=15)

# Labels are the product's own, System > Members > API Members. Lengths: schema ApiMember.
FIELDS = [
    Field("name", "name", label="Member Name", limit=30),
    Field("security_role", "securityRole", "ref", "/system/securityroles", "Role ID", exact=True),
    Field("level", "structureLevel", "ref", LEVELS, "Level", top=True, always=True),
    Field("security_location", "securityLocation", "ref", "/system/locations", "Name", top=True),
    Field("location", "defaultLocation", "ref", "/system/locations", "Location", top=True),
    Field("department", "defaultDepartment", "ref", "/system/info/departments", "Department"),
    Field("territory", "salesDefaultLocation", "ref", "/system/locations", "Default Territory", top=True),
    Field("time_zone", "timeZone", "ref", "/system/timeZoneSetups/info", "Time Zone"),
    Field("board", "serviceDefaultBoard", "ref", BOARDS, "Service Board"),
    Field("excluded_boards", "excludedServiceBoardIds", "ids", BOARDS, "Excluded Service Boards"),
    Field("email", "emailAddress", label="Email", limit=250),
    Field("notes", "notes", label="Notes"),
    Field("block_price", "blockPriceFlag", "flag", label="Block Price"),
    Field("block_cost", "blockCostFlag", "flag", label="Block Cost"),
]


def find_api_member(psa: Psa, identifier: str) -> Record | None:
    """The API member of exactly that identifier, or None."""
    return seek_api_member(psa, identifier)[0]


def seek_api_member(psa: Psa, identifier: str) -> tuple[Record | None, str]:
    """The API member of exactly that identifier, and else the identifier of one that looks alike."""
    return sought(psa.list(API_MEMBERS), "identifier", identifier, "API member")


def find_owner(psa: Psa, identifier: str, member_type: str) -> Record | None:
    """The member that owns keys: an API member (`api`) or a person's member record (`member`)."""
    path, what = _OWNERS[member_type]
    return sought(psa.list(path), "identifier", identifier, what)[0]


def find_owners(psa: Psa, name: str, member_type: str) -> list[Record]:
    """Return the member of exactly that identifier; if there is none, those that fit it as a pattern."""
    path, what = _OWNERS[member_type]
    return fitting(psa.list(path), "identifier", name, what)


def key_routes(member_type: str) -> str:
    """Prefix of the extension operations for the keys of this kind of member."""
    return "api_member_key" if member_type == "api" else "member_key"


def no_member(psa: Psa, identifier: str, member_type: str) -> InputError:
    path, what = _OWNERS[member_type]
    return unknown(what, identifier, [str(one.get("identifier")) for one in psa.list(path)])


class MemberNames(Names):
    """References of a member; in check mode a role that another task of the play would create is a placeholder."""

    def __init__(self, psa: Psa, check_mode: bool) -> None:
        super().__init__(psa)
        self._check_mode = check_mode

    def resolve(self, field: Field, name: str) -> Reference:
        if field.option == "security_role":
            if self._check_mode:
                if not self._lists_role(field, name):
                    return Reference(None, name)
            else:
                # A role that an earlier task made may not be in the first list.
                settled(lambda: self._lists_role(field, name, fresh=True), bool)
        return super().resolve(field, name)

    def _lists_role(self, field: Field, name: str, *, fresh: bool = False) -> bool:
        def there() -> bool:
            return any(role.get("name") == name for role in self.records(field.source))

        if fresh and not there():
            self._lists.pop(field.source)
        return there()


def describe(record: Record | None, identifier: str) -> dict[str, Any]:
    """A member in the words of the module's options."""
    if record is None:
        return {"id": None, "identifier": identifier, "exists": False, "active": False}
    described: dict[str, Any] = {
        "id": record.get("id"),
        "identifier": record.get("identifier"),
        "exists": True,
        "active": not record.get("inactiveFlag"),
    }
    return {**described, **{field.option: field.current(record) for field in FIELDS}}
