# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The company's own structure: version, levels, locations, departments, time zones, boards, setup tables."""

from __future__ import annotations

from .call import Call, Reply, listing
from .catalog import Record, names

REPORTS = ("Company", "Member", "Service", "Time")


def system_info(call: Call) -> Reply:
    config, cloud = call.tenant.config, call.tenant.site.kind == "cloud"
    zones = call.tenant.references["time_zones"].values()
    body: Record = {
        "version": f"{call.tenant.version}.{config.build}",
        "isCloud": cloud,
        "serverTimeZone": next(zone["zone"] for zone in zones),
        "licenseBits": [{"name": "Service", "activeFlag": True}, {"name": "Project", "activeFlag": True}],
        "maxWorkFlowRecordsAllowed": 500,
    }
    if cloud:
        body["cloudRegion"] = call.tenant.site.region
    return Reply(200, body)


def entries(call: Call, kind: str) -> list[tuple[int, Record]]:
    return list(call.tenant.references[kind].items())


def structure(call: Call) -> list[Record]:
    level_names = names([entry for _number, entry in entries(call, "levels")])
    record: Record = {
        "id": 1,
        "fiscalYearStart": "January",
        "locationCaption": "Location",
        "groupCaption": "Department",
        "baseCurrency": {"id": 1, "symbol": "$", "currencyCode": "USD", "name": "US Dollars"},
        "levelCount": f"Level{min(len(level_names), 5)}",
    }
    record.update({f"level{position}Name": name for position, name in enumerate(level_names[:5], start=1)})
    return [record]


def levels(call: Call) -> list[Record]:
    return [{"id": number, "name": entry["name"]} for number, entry in entries(call, "levels")]


def locations(call: Call) -> list[Record]:
    places = entries(call, "locations")
    departments = [number for number, _entry in entries(call, "departments")]
    zone = call.tenant.reference(call.store, "time_zones", entries(call, "time_zones")[0][0])
    found: list[Record] = []
    for number, entry in places:
        record: Record = {
            "id": number,
            "name": entry["name"],
            "structureLevel": call.tenant.reference(call.store, "levels", entry["level"]),
            "ownerLevelId": number,
            "timeZoneSetup": zone,
            "locationFlag": entry["level"] == entries(call, "levels")[-1][0],
            "clientFlag": False,
            "departmentIds": departments,
        }
        if number != places[0][0]:
            record["reportsTo"] = call.tenant.reference(call.store, "locations", places[0][0])
        found.append(record)
    return found


def location_infos(call: Call) -> list[Record]:
    wanted = ("id", "name", "locationFlag", "structureLevel")
    return [{name: record[name] for name in wanted} for record in locations(call)]


def department_infos(call: Call) -> list[Record]:
    return [{"id": number, "name": entry["name"]} for number, entry in entries(call, "departments")]


def zones(call: Call) -> list[Record]:
    return [
        {
            "id": number,
            "name": entry["name"],
            "timeZone": {"id": number, "name": entry["zone"]},
            "offset": entry["offset"],
            "defaultFlag": bool(entry["default"]),
            "daylightSavingsFlag": False,
        }
        for number, entry in entries(call, "time_zones")
    ]


def zone_infos(call: Call) -> list[Record]:
    return [{name: record[name] for name in ("id", "name", "offset")} for record in zones(call)]


def boards(call: Call) -> list[Record]:
    main = call.tenant.default_member()["defaultLocation"]
    department = call.tenant.top()["defaultDepartment"]
    return [
        {
            "id": number,
            "name": entry["name"],
            "location": call.tenant.reference(call.store, "locations", main),
            "department": call.tenant.reference(call.store, "departments", department),
            "projectFlag": bool(entry.get("project")),
            "inactiveFlag": bool(entry.get("inactive")),
        }
        for number, entry in entries(call, "boards")
    ]


def screens(call: Call) -> list[Record]:
    return [dict(screen) for screen in call.tenant.catalog.screens]


def reports(call: Call) -> list[Record]:
    return [{"id": number, "name": name} for number, name in enumerate(REPORTS, start=1)]


def list_reports(call: Call) -> Reply:
    return listing(call, reports(call), None)
