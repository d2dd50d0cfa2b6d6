# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fields of the API's records that the planners rely on, and what they hold. Pure functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._errors import NotThePsa
from ._redact import beginning

_LEVELS = ("None", "My", "All")
_HIGHEST_ID = 2**63


def _is_text(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_flag(value: Any) -> bool:
    return value is None or isinstance(value, bool)


def _is_level(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value in _LEVELS)


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _HIGHEST_ID


def _is_reference(value: Any) -> bool:
    if value is None:
        return True
    if not isinstance(value, dict):
        return False
    known = value.get("id")
    return (known is None or _is_id(known)) and _is_text(value.get("name")) and _is_text(value.get("identifier"))


def _are_ids(value: Any) -> bool:
    return value is None or (isinstance(value, list) and all(_is_id(one) for one in value))


_FLAGS = "inactiveFlag myAllFlag reportFlag customFlag blockPriceFlag blockCostFlag adminFlag"
_REFERENCES = (
    "securityRole structureLevel securityLocation defaultLocation defaultDepartment salesDefaultLocation timeZone "
    "serviceDefaultBoard member"
)
_TEXTS = (
    "name identifier description category publicKey privateKey emailAddress notes moduleName moduleDescription "
    "moduleFunctionName moduleFunctionDescription customizeIdentifier itemIdentifier version cloudRegion CompanyName "
    "Codebase VersionNumber SiteUrl"
)
_FIELDS: dict[str, Callable[[Any], bool]] = {
    "id": _is_id,
    "excludedServiceBoardIds": _are_ids,
    **dict.fromkeys(("addLevel", "editLevel", "deleteLevel", "inquireLevel"), _is_level),
    **dict.fromkeys(_FLAGS.split(), _is_flag),
    **dict.fromkeys(_REFERENCES.split(), _is_reference),
    **dict.fromkeys(_TEXTS.split(), _is_text),
}
# Lists whose records others refer to by their ids.
_REFERRED_TO = frozenset(
    {
        "/service/info/boards",
        "/system/apiMembers",
        "/system/info/departments",
        "/system/locations",
        "/system/members",
        "/system/myCompany/corporateStructureLevels",
        "/system/securityroles",
        "/system/timeZoneSetups/info",
    }
)


def plausible(data: Any, status: int) -> Any:
    """The data of an answer, its records' fields being what they are documented to be; raises NotThePsa."""
    for record in data if isinstance(data, list) else (data,):
        if isinstance(record, dict):
            for name, value in record.items():
                check = _FIELDS.get(name)
                if check is not None and not check(value):
                    if name == "privateKey":
                        raise NotThePsa("the answer has something else than a text as a private key", status=status)
                    raise NotThePsa(f'the answer has {beginning(value, 60)!r} as "{name}" of a record', status=status)
    return data


def identified(path: str, records: list[dict[str, Any]], status: int) -> None:
    """Raises NotThePsa if a list of what is referred to by its id has a record without one."""
    if path in _REFERRED_TO and any("id" not in record for record in records):
        raise NotThePsa("the answer has a record without an id", status=status)
