# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module promises, held against real ansible-playbook runs: in the Ansible process and as module processes,
on tenants that offer the extension routes and on tenants that do not.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import ANY

import pytest

from tests.integration.conftest import Run, Task, World
from tests.simulator.tls import Authority

IN, AS_MODULE = "in", "module"
PROFILES = ("extended", "published")
HOSTS = [f"{profile}-{way}" for profile in PROFILES for way in (IN, AS_MODULE)]
PARTS = ("check", "real", "again")
# A module process costs an interpreter start, so the hosts that use them do each thing once, and one predicts it too.
RUNS = {
    "extended-in": PARTS,
    "published-in": PARTS,
    "extended-module": ("check", "real"),
    "published-module": ("real",),
}


@dataclass(frozen=True)
class State:
    """A wanted state: run in check mode, for real, and again. diff: what the real run on an extended tenant shows.

    makes: whether a published tenant can do it, too. ladder: whether what it cannot do becomes manual steps.
    """

    name: str
    module: str
    args: dict[str, Any]
    diff: dict[str, Any]
    makes: bool = True
    ladder: bool = True
    register: str = ""


def levels(add="None", edit="None", delete="None", inquire="None"):
    return {"add": add, "edit": edit, "delete": delete, "inquire": inquire}


NONE = levels()
ROLE, MEMBER, KEY = "Contract Sync", "ContractSync", "Contract key"
WANTED = {
    "Companies": {"Company Maintenance": {"inquire": "All"}, "Contacts": {"add": "All", "inquire": "My"}},
    "Service": {"Closed Service Tickets": {"edit": "All"}},
    "System": {"Table Setup (Customize)": {"inquire": "All"}, "Member Maintenance": {"inquire": "All"}},
}
BEFORE_TABLES = ["Company / Configuration", "Service / Service Board"]
AFTER_TABLES = ["Service / Priority", "Service / Service Board"]
FIELDS = {
    "name": "Contract",
    "security_role": ROLE,
    "level": "top",
    "location": "Main Office",
    "department": "Professional Services",
    "time_zone": "UTC",
    "board": "Help Desk",
    "excluded_boards": ["Alerts"],
    "email": "sync@example.com",
    "notes": "Managed by Ansible\n",
    "block_price": True,
}

STATES = [
    State(
        "role created",
        "cw_security_role",
        {"name": ROLE, "permissions": WANTED},
        {
            "before": {},
            "after": {
                "role": ROLE,
                "permissions": {
                    "Companies / Company Maintenance": levels(inquire="All"),
                    "Companies / Contacts": levels(add="All", inquire="My"),
                    "Service Desk / Close Service Tickets": levels(edit="All"),
                    "System / Table Setup": levels(inquire="All"),
                    "System / Member Maintenance": levels(inquire="All"),
                },
            },
        },
    ),
    State(
        "role updated",
        "cw_security_role",
        {
            "name": ROLE,
            "exclusive": True,
            "permissions": {
                "Companies": {"Contacts": {"inquire": "All"}, "Company Maintenance": {"inquire": "All"}},
                "System": {"Table Setup": {"inquire": "All"}, "Member Maintenance": {"inquire": "All"}},
            },
        },
        {
            "before": {
                "role": ROLE,
                "permissions": {
                    "Companies / Contacts": levels(add="All", inquire="My"),
                    "Service Desk / Close Service Tickets": levels(edit="All"),
                },
            },
            "after": {
                "role": ROLE,
                "permissions": {
                    "Companies / Contacts": levels(inquire="All"),
                    "Service Desk / Close Service Tickets": NONE,
                },
            },
        },
        makes=False,
    ),
    State(
        "list set",
        "cw_table_setup",
        {"role": ROLE, "allow": [name.upper() for name in BEFORE_TABLES]},
        {"after": {"allowed": BEFORE_TABLES}},
        makes=False,
    ),
    State(
        "list with one more",
        "cw_table_setup",
        {"role": ROLE, "allow": ["Service / Priority"], "state": "present"},
        {"before": {"allowed": BEFORE_TABLES}, "after": {"allowed": [BEFORE_TABLES[0], *AFTER_TABLES]}},
        makes=False,
    ),
    State(
        "list with one less",
        "cw_table_setup",
        {"role": ROLE, "lists": {"Table Setup": {"disallow": ["Company / Configuration"]}}, "state": "absent"},
        {
            "before": {"Table Setup": {"allowed": [BEFORE_TABLES[0], *AFTER_TABLES]}},
            "after": {"Table Setup": {"allowed": AFTER_TABLES}},
        },
        makes=False,
    ),
    State(
        "member created",
        "cw_api_member",
        {"identifier": MEMBER, **FIELDS},
        {
            "before": {},
            # Boards are excluded by id, and ids are the tenant's own.
            "after": {**FIELDS, "identifier": MEMBER, "level": "Corporate", "excluded_boards": [ANY]},
        },
        ladder=False,
    ),
    State(
        "member updated",
        "cw_api_member",
        {
            "identifier": MEMBER,
            "adopt": True,
            "name": "Contract",
            "board": "Alerts",
            "excluded_boards": [],
            "block_price": False,
        },
        {
            "before": {"name": "Contract", "board": "Help Desk", "excluded_boards": [ANY], "block_price": True},
            "after": {"name": "Contract", "board": "Alerts", "excluded_boards": [], "block_price": False},
        },
        ladder=False,
    ),
    State(
        "key created",
        "cw_api_key",
        {"member": MEMBER, "description": KEY},
        {"before": {}, "after": {"key": KEY}},
        makes=False,
        register="made",
    ),
]
READS = {
    "tenant": ("cw_tenant_info", {}),
    "part of the tenant": ("cw_tenant_info", {"gather": ["levels", "boards"]}),
    "roles": ("cw_security_role_info", {}),
    "one role": ("cw_security_role_info", {"name": ROLE}),
    "no role": ("cw_security_role_info", {"name": "Nobody"}),
    "roles by pattern": ("cw_security_role_info", {"name": "Contract*"}),
    "members by pattern": ("cw_api_member_info", {"identifier": "Contr?ctSy*"}),
    "keys by pattern": ("cw_api_key_info", {"member": "*"}),
    "members": ("cw_api_member_info", {}),
    "one member": ("cw_api_member_info", {"identifier": MEMBER}),
    "keys": ("cw_api_key_info", {"member": MEMBER}),
    "keys of nobody": ("cw_api_key_info", {"member": "Nobody"}),
    "keys of a person": ("cw_api_key_info", {"member": "Tech1", "member_type": "member"}),
    "access": (
        "cw_access_check",
        {
            "public_key": "{{ made.api_key.public_key or cw_public_key }}",
            "private_key": "{{ made.api_key.private_key | default(cw_private_key) }}",
            "permissions": {
                "Companies": {"Contacts": {"inquire": "All"}},
                "Sales": {"Opportunity": {"inquire": "All"}},
            },
            "customize": {"Table Setup": {"allow": ["Service / Priority"]}},
            "probe": True,
            "fail_on": "none",
        },
    ),
    "integration": (
        "cw_integration_info",
        {
            "role_name": ROLE,
            "member": {"identifier": MEMBER, "name": "Contract", "level": "top", "board": "Help Desk"},
            "permissions": STATES[1].args["permissions"],
            "customize": {"Table Setup": {"allow": ["Service / Priority", "Service / Service Board"]}},
            "key_public": "{{ made.api_key.public_key or '' }}",
            "key_private": "{{ made.api_key.private_key | default('') }}",
        },
    ),
}
# Further calls of modules that the others show as module processes already.
MORE_READS = {"part of the tenant", "roles", "no role", "members", "keys of nobody", "keys of a person"}
MORE_READS |= {"roles by pattern", "members by pattern", "keys by pattern"}
GONE = [
    State(
        "key absent",
        "cw_api_key",
        {"member": MEMBER, "description": KEY, "state": "absent"},
        {"after": {"keys": []}},
        makes=False,
    ),
    State(
        "member absent",
        "cw_api_member",
        {"identifier": MEMBER, "security_role": ROLE, "state": "absent"},
        {"before": {"active": True}, "after": {"active": False}},
        ladder=False,
    ),
    State(
        "held role absent",
        "cw_security_role",
        {"name": ROLE, "own_members": [MEMBER], "state": "absent", "in_use": "clear"},
        {
            "before": {
                "role": ROLE,
                "permissions": {
                    "Companies / Company Maintenance": levels(inquire="All"),
                    "Companies / Contacts": levels(inquire="All"),
                    "System / Table Setup": levels(inquire="All"),
                    "System / Member Maintenance": levels(inquire="All"),
                },
            },
            "after": {
                "role": ROLE,
                "permissions": {
                    "Companies / Company Maintenance": NONE,
                    "Companies / Contacts": NONE,
                    "System / Table Setup": NONE,
                    "System / Member Maintenance": NONE,
                },
            },
        },
        makes=False,
    ),
    State("spare role created", "cw_security_role", {"name": "Spare"}, {"before": {}, "after": {"role": "Spare"}}),
    State(
        "role absent",
        "cw_security_role",
        {"name": "Spare", "state": "absent"},
        {"before": {"role": "Spare"}, "after": {}},
    ),
]
ALL = [*STATES, *GONE]


def task(name: str, module: str, args: dict[str, Any], **keywords: Any) -> dict[str, Any]:
    return {"name": name, f"msp.connectwise.{module}": args, **keywords}


def hosts_of(part: str) -> list[str]:
    return [host for host in HOSTS if part in RUNS[host]]


def readers_of(name: str) -> list[str]:
    return [host for host in HOSTS if host.endswith(IN) or name not in MORE_READS]


def three_times(state: State) -> list[dict[str, Any]]:
    args = {**state.args, **({"on_unsupported": "manual"} if state.ladder else {})}
    real = {"register": state.register} if state.register else {}
    keywords = {"check": {"check_mode": True}, "real": real, "again": {}}
    return [
        task(
            f"{state.name}: {part}",
            state.module,
            args,
            diff=True,
            when=f"inventory_hostname in {hosts_of(part)}",
            **keywords[part],
        )
        for part in PARTS
    ]


@dataclass
class Played:
    """One play on the tenants of each profile, run when it is first looked at."""

    world: World
    runs: dict[str, Run] = field(default_factory=dict)
    journal: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def run(self, profile: str) -> Run:
        if profile not in self.runs:
            self.runs[profile] = play(self.world, [host for host in HOSTS if host.startswith(profile)])
        return self.runs[profile]

    def task(self, host: str, name: str) -> Task:
        return self.run(host.partition("-")[0]).task(host, name)

    def requests(self, host: str, name: str) -> list[dict[str, Any]]:
        """What a task asked of its tenant."""
        ran = self.task(host, name)
        if host not in self.journal:
            self.journal[host] = self.world.simulator.journal(host)
        return [one for one in self.journal[host] if ran.started <= one["time"] <= ran.ended]

    def writes(self, host: str, name: str) -> list[dict[str, Any]]:
        return [one for one in self.requests(host, name) if one["method"] != "GET"]


@pytest.fixture(scope="module")
def world(make_world: Any) -> World:
    return make_world(
        {
            "sites": [
                {"name": "na"},
                {"name": "ui", "kind": "ui"},
                {"name": "expired", "certificate": "expired"},
                {"name": "elsewhere", "certificate": "other_host"},
            ],
            "tenants": [
                *({"company_id": host, "site": "na", "profile": host.partition("-")[0]} for host in HOSTS),
                *({"company_id": host, "site": "na"} for host in ("north", "twins", "denied", "gateway", "page")),
                {"company_id": "onprem", "site": "na", "profile": "published"},
                {"company_id": "secretive", "site": "na", "bad_keys_status": 404},
                {"company_id": "late", "site": "expired"},
                {"company_id": "lost", "site": "elsewhere"},
            ],
        }
    )


def play(world: World, hosts: list[str]) -> Run:
    tasks = [one for state in STATES for one in three_times(state)]
    tasks += [
        task(name, module, args, when=f"inventory_hostname in {readers_of(name)}")
        for name, (module, args) in READS.items()
    ]
    tasks += [one for state in GONE for one in three_times(state)]
    inventory = world.inventory()
    for host, variables in inventory["all"]["hosts"].items():
        variables["cw_in_process"] = host.endswith(IN)
    plays = [{"hosts": ",".join(hosts), "gather_facts": False, "tasks": tasks}]
    run = world.runner.run(plays, inventory)
    assert run.code == 0, run.output
    return run


@pytest.fixture(scope="module")
def played(world: World) -> Played:
    return Played(world)


by_state = pytest.mark.parametrize("state", ALL, ids=lambda state: state.name)


@pytest.mark.parametrize("host", hosts_of("check"))
@by_state
def test_check_mode_sends_no_write(played, state, host):
    assert played.writes(host, f"{state.name}: check") == []


@by_state
def test_where_the_routes_are_offered_all_is_done(played, state):
    check, real, again = (played.task("extended-in", f"{state.name}: {part}").result for part in PARTS)
    assert (check["changed"], real["changed"], again["changed"]) == (True, True, False)
    assert not any(result.get("pending") or result.get("manual_steps") for result in (check, real, again))
    assert played.writes("extended-in", f"{state.name}: real")
    assert "diff" not in again
    # The prediction is what comes.
    assert check["diff"] == real["diff"]
    for side, expected in state.diff.items():
        assert real["diff"][side] == expected


@by_state
def test_where_they_are_not_the_rest_is_pending_and_nothing_else_changes(played, state):
    real, again = (played.task("published-in", f"{state.name}: {part}").result for part in ("real", "again"))
    assert (real["changed"], again["changed"]) == (state.makes or not state.ladder, False)
    if state.ladder:
        # What one run could not do, the next one says again.
        assert real["manual_steps"] == again["manual_steps"]
        assert real["pending"] is again["pending"] is bool(real["manual_steps"])
    if not state.makes and state.name != "held role absent":
        assert real["pending"]
        assert "diff" not in real


@pytest.mark.parametrize("host", hosts_of("again"))
@by_state
def test_the_second_run_writes_nothing(played, state, host):
    """Where a route is not offered, the one try that finds out is refused."""
    writes = played.writes(host, f"{state.name}: again")
    assert all(one["status"] in (404, 405) for one in writes)
    assert len(writes) <= (1 if host.startswith("published") else 0)


@pytest.mark.parametrize(("host", "name"), [(host, name) for name in READS for host in readers_of(name)])
def test_modules_that_read_only_read(played, name, host):
    found = played.task(host, name)
    assert found.result["changed"] is False
    assert "diff" not in found.result
    assert played.writes(host, name) == []
    assert played.requests(host, name)


@pytest.mark.parametrize("profile", PROFILES)
def test_nobody_is_warned(played, profile):
    run = played.run(profile)
    assert run.output.count("[WARNING]") == run.output.count(f"[WARNING]: {HOLDS_KEY}")
    assert "DEPRECATION" not in run.output
    for one in run.tasks:
        # A key that nothing hides is warned of, and nothing else is.
        holds_key = bool((one.result.get("api_key") or {}).get("private_key"))
        warnings = one.result.get("warnings") or []
        assert [HOLDS_KEY in text for text in warnings] == [True] * holds_key, one.name
        assert not one.result.get("deprecations"), one.name


# Parts of a result that the two tenants cannot have in common.
OWN = {"id", "deleted", "excluded_boards", "company_id", "client_id", "public_key", "private_key", "key_public"}
# The header of a diff names the tenant.
OWN |= {"before_header", "after_header"}


def comparable(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: bool(inner) if name in OWN else comparable(inner)
            for name, inner in value.items()
            if not name.startswith("_ansible")
        }
    if isinstance(value, list):
        return [comparable(inner) for inner in value]
    # A key in a diff: its description, and its public half in parentheses.
    return re.sub(rf"^({KEY}) \(\w+\)$", r"\1", value) if isinstance(value, str) else value


@pytest.mark.parametrize(
    ("profile", "name"),
    [
        (profile, name)
        for profile in PROFILES
        for name in [
            *(f"{state.name}: {part}" for state in ALL for part in RUNS[f"{profile}-{AS_MODULE}"]),
            *(name for name in READS if name not in MORE_READS),
        ]
    ],
)
def test_both_ways_give_the_same_result(played, name, profile):
    here, there = (played.task(f"{profile}-{way}", name).result for way in (IN, AS_MODULE))
    assert comparable(here) == comparable(there)


@pytest.mark.parametrize("profile", PROFILES)
def test_no_private_key_is_shown_but_the_one_that_was_made(played, profile):
    for one in played.run(profile).tasks:
        text = json.dumps(one.result)
        assert played.world.simulator.ready["tenants"][one.host]["private_key"] not in text
        if one.name != "key created: real":
            made = played.task(one.host, "key created: real").result["api_key"].get("private_key")
            assert made is None or made not in text


# What the reads found


@pytest.mark.parametrize("host", [host for host in HOSTS if host.endswith(IN)])
def test_what_the_reads_found(played, host):
    def found(name):
        return played.task(host, name).result

    tenant = found("tenant")["tenant"]
    assert (tenant["company_id"], tenant["codebase"], tenant["is_cloud"]) == (host, "v2025_1", True)
    assert tenant["levels"][0] == "Corporate"
    assert "Service / Service Board" in tenant["setup_tables"]
    assert "Contacts" in tenant["functions"]["Companies"]
    assert set(found("part of the tenant")["tenant"]) == {"company_id", "host", "levels", "boards"}
    assert {"name": ROLE, "inactive": False}.items() <= next(
        r for r in found("roles")["roles"] if r["name"] == ROLE
    ).items()
    assert [role["name"] for role in found("one role")["roles"]] == [ROLE]
    assert found("no role")["roles"] == []
    (member,) = found("one member")["api_members"]
    assert (member["security_role"], member["board"], member["email"]) == (ROLE, "Alerts", "sync@example.com")
    assert MEMBER in [one["identifier"] for one in found("members")["api_members"]]
    assert found("keys of nobody")["member_exists"] is False


def test_names_are_taken_as_patterns(played):
    def found(name):
        return played.task(f"extended-{IN}", name).result

    (role,) = found("roles by pattern")["roles"]
    assert role == found("one role")["roles"][0]
    assert found("members by pattern")["api_members"] == found("one member")["api_members"]
    keys = found("keys by pattern")["api_keys"]
    assert {one["member"] for one in keys} > {MEMBER}
    assert [one for one in keys if one["member"] == MEMBER] == found("keys")["api_keys"]


@pytest.mark.parametrize("way", [IN, AS_MODULE])
def test_what_the_reads_found_with_the_key_that_was_made(played, way):
    def found(name):
        return played.task(f"extended-{way}", name).result

    (key,) = found("keys")["api_keys"]
    assert (key["description"], found("keys")["offered"]) == (KEY, True)
    assert found("one role")["roles"][0]["permissions"]["Companies"]["Contacts"] == levels(inquire="All")
    access = found("access")["access"]
    assert (access["member"], access["verdict"]) == (MEMBER, "missing")
    assert [(one["function"], one["actual"]) for one in access["missing"]] == [("Opportunity", "None")]
    assert access["excess_items"] == [{"function": "Table Setup", "item": "Service / Service Board"}]
    assert {one["function"]: one["ok"] for one in access["probes"]} == {"Contacts": True, "Opportunity": False}
    integration = found("integration")["integration"]
    assert integration["key"] == "valid"
    assert integration["differences"] == [f"member {MEMBER}: board is 'Alerts', wanted 'Help Desk'"]
    assert integration["access"]["verdict"] == "ok"


def test_what_the_reads_found_without_the_routes(played):
    def found(name):
        return played.task(f"published-{IN}", name).result

    assert {"offered": False, "member_exists": True, "api_keys": []}.items() <= found("keys").items()
    assert found("integration")["integration"]["key"] == "none"


# What a person does is seen by the next run


@pytest.mark.parametrize("way", [IN, AS_MODULE])
def test_the_steps_of_a_role_are_such_that_following_them_is_enough(played, way):
    host = f"published-{way}"
    steps = played.task(host, "role created: real").result["manual_steps"]
    world = played.world
    world.simulator.edit(host, {"op": "add_role", "name": "By hand"})
    world.simulator.operator(host, [{**step, "role": "By hand"} for step in steps])
    role = world.simulator.role(host, "By hand")
    assert role["permissions"]["Companies"]["Contacts"] == levels(add="All", inquire="My")
    assert role["permissions"]["Service Desk"] == {"Close Service Tickets": levels(edit="All")}


# Mistakes and troubles, as the person reads them

GUID = "00000000-0000-0000-0000-000000000000"
READ = ("cw_security_role_info", {"name": "Technician"})


@dataclass(frozen=True)
class Bad:
    """A task that fails. says: parts of its message, in order. twice: also as a module process, with the same words."""

    name: str
    host: str
    module: str
    args: dict[str, Any]
    kind: str
    says: tuple[str, ...]
    twice: bool = False


def role(name: str = "Bad", **args: Any) -> tuple[str, dict[str, Any]]:
    return "cw_security_role", {"name": name, **args}


def granting(module: str, function: str, **given: str) -> tuple[str, dict[str, Any]]:
    return role(permissions={module: {function: given}})


def member(**args: Any) -> tuple[str, dict[str, Any]]:
    return "cw_api_member", {"identifier": "Bad", **args}


def tables(*allow: str, **args: Any) -> tuple[str, dict[str, Any]]:
    return "cw_table_setup", {"role": "Technician", "allow": list(allow), **args}


BAD = [
    Bad(
        "an option of before state",
        "north",
        "cw_table_setup",
        {"role": "Bad", "allow": ["Service / Priority"], "exclusive": False},
        "InputError",
        ("exclusive is no option any more; state took its place", "write state: present in place of exclusive: false"),
        twice=True,
    ),
    Bad(
        "a field of before state",
        "north",
        "cw_table_setup",
        {"role": "Bad", "lists": {"Table Setup": {"allow": ["Service / Priority"], "exclusive": False}}},
        "InputError",
        ("customize.Table Setup: exclusive is no option any more", "write state: present"),
    ),
    Bad(
        "an unknown item that is not to be allowed",
        "north",
        "cw_table_setup",
        {"role": "Technician", "disallow": ["Service / Prioriti"], "state": "absent"},
        "UnknownName",
        ('no table "Service / Prioriti"', 'such as {"Table Setup": {"disallow": ["Service / Priority"]}}'),
    ),
    Bad(
        "misspelt setting of a store",
        "north",
        "cw_api_key",
        {"member": "Admin", "description": "Bad", "store": {"name": "vaulted_file", "dirctory": "x", "record": "bad"}},
        "StoreError",
        ("tenant north", "store has no setting dirctory; did you mean directory?"),
    ),
    Bad(
        "a rotation without a store",
        "north",
        "cw_api_key",
        {"member": "Admin", "description": "Bad", "rotate": True, "max_age_days": 90},
        "InputError",
        ("tenant north", "rotate, max_age_days would do nothing without store", "such as store: vaulted_file"),
    ),
    # Who and where
    Bad(
        "wrong keys",
        "north",
        READ[0],
        {"private_key": "nonsense"},
        "AuthenticationFailed",
        (
            "tenant north at",
            "GET /system/securityroles",
            "the keys were refused",
            "UserNotAuthenticated",
            "the company exists here, so check public_key",
        ),
        twice=True,
    ),
    Bad(
        "wrong keys that look like a missing endpoint",
        "secretive",
        READ[0],
        {"private_key": "nonsense"},
        "AuthenticationFailed",
        ("tenant secretive", "the keys were refused (here that looks like a missing endpoint)"),
    ),
    Bad(
        "no client id",
        "north",
        READ[0],
        {"client_id": ""},
        "InputError",
        ("tenant north", "no client_id", "cw_client_id", "CW_CLIENT_ID"),
        twice=True,
    ),
    Bad(
        "a client id that is no GUID",
        "north",
        READ[0],
        {"client_id": "abc"},
        "InputError",
        ("tenant north", 'client_id "abc" cannot be sent, because it is no GUID', "developer.connectwise.com/ClientID"),
    ),
    Bad(
        "unknown client id",
        "north",
        READ[0],
        {"client_id": GUID},
        "ClientIdRefused",
        ("the client id is not known", "Cannot find the clientId", "developer.connectwise.com/ClientID"),
    ),
    Bad(
        "unknown company",
        "north",
        READ[0],
        {"company_id": "nirth"},
        "WrongAddress",
        ("tenant nirth", 'the company id "nirth" is not known at this host', "company_id (case-sensitive"),
    ),
    Bad(
        "unknown codebase",
        "north",
        READ[0],
        {"codebase": "v1999_1"},
        "WrongAddress",
        (
            "host, codebase and company do not belong together",
            "Cannot route",
            "set codebase to v2025_1, v4_6_release or auto",
        ),
    ),
    Bad(
        "host of the user interface",
        "north",
        READ[0],
        {"host": "na.myconnectwise.net"},
        "InputError",
        ("is the host of the user interface", "use the API host, api-na.myconnectwise.net, or set region: na"),
    ),
    Bad(
        "host of a user interface nobody knew",
        "north",
        READ[0],
        {"host": "{{ ui }}"},
        "UserInterfaceHost",
        ("this is the host of the user interface", "SSL is required.", "begins with api-"),
    ),
    Bad(
        "path in host",
        "north",
        READ[0],
        {"host": "https://psa.example.com/v4_6_release/apis/3.0"},
        "InputError",
        ("has a path", "give the base address only, such as https://psa.example.com", "codebase"),
    ),
    Bad(
        "no TLS in host",
        "north",
        READ[0],
        {"host": "http://psa.example.com"},
        "InputError",
        ("is not an https address",),
    ),
    Bad(
        "nobody listens",
        "north",
        READ[0],
        {"host": "localhost:1"},
        "ConnectionFailed",
        (
            "tenant north at localhost:1: GET /system/securityroles",
            "no connection could be made",
            "refused",
            "firewall",
        ),
    ),
    # TLS
    Bad(
        "not trusted",
        "north",
        READ[0],
        {"ca_path": ""},
        "TlsUntrusted",
        ("the TLS certificate of the server is not trusted", "set ca_path (cw_ca_path)"),
    ),
    Bad(
        "the wrong CA",
        "north",
        READ[0],
        {"ca_path": "{{ other_ca }}"},
        "TlsUntrusted",
        ("is not trusted", "other.pem (ca_path) does not hold the CA"),
        twice=True,
    ),
    Bad(
        "no CA",
        "north",
        READ[0],
        {"ca_path": "/nowhere/ca.pem"},
        "InputError",
        ("the CA bundle /nowhere/ca.pem cannot be read", "ca_path (cw_ca_path)"),
    ),
    Bad("expired", "late", *READ, "TlsUntrusted", ("certificate has expired", "renew the certificate")),
    Bad("another name", "lost", *READ, "TlsUntrusted", ("is not trusted", "set host to the name")),
    # Names
    Bad(
        "unknown function",
        "north",
        *granting("Companies", "Contcts", inquire="All"),
        "UnknownName",
        ("tenant north at", 'no function of module Companies "Contcts"; did you mean "Contacts"', "cw_tenant_info"),
        twice=True,
    ),
    Bad(
        "unknown module",
        "north",
        *granting("Servce Desk", "Service Tickets", inquire="All"),
        "UnknownName",
        ('no module "Servce Desk"; did you mean "Service Desk"',),
    ),
    Bad(
        "unknown level",
        "north",
        *granting("Companies", "Contacts", inquire="Everything"),
        "InputError",
        ("Companies / Contacts, inquire", '"Everything" is not a level', "None, My, All"),
    ),
    Bad(
        "unknown verb",
        "north",
        *granting("Companies", "Contacts", read="All"),
        "InputError",
        ("unknown level name read", "add, edit, delete, inquire"),
    ),
    Bad(
        "My where it is not offered",
        "north",
        *granting("Companies", "Company Maintenance", inquire="My"),
        "LevelNotOffered",
        ("Companies / Company Maintenance does not offer the level My", "None or All"),
    ),
    Bad(
        "unknown table",
        "north",
        *tables("Servce / Priority"),
        "UnknownName",
        ('no table "Servce / Priority"; did you mean "Service / Priority"',),
    ),
    Bad(
        "unknown list",
        "north",
        *tables("x", function="Contacts"),
        "InputError",
        ('no Customize list is known for the function "Contacts"', "System / Table Setup"),
    ),
    Bad(
        "nothing asked for", "north", "cw_table_setup", {"role": "Technician"}, "InputError", ("nothing is asked for",)
    ),
    Bad(
        "unknown role",
        "north",
        *tables("Service / Priority", role="Technican"),
        "UnknownName",
        ('no security role "Technican"; did you mean "Technician"',),
    ),
    Bad(
        "unknown reference",
        "north",
        *member(board="Hepl Desk"),
        "UnknownName",
        ('no Service Board "Hepl Desk"; did you mean "Help Desk"',),
    ),
    Bad(
        "unknown member",
        "north",
        "cw_api_key",
        {"member": "Nobody", "description": "x"},
        "UnknownName",
        ('no API member "Nobody"',),
    ),
    Bad(
        "two roles of one name",
        "twins",
        *role("Twin"),
        "AmbiguousName",
        ("tenant twins", 'several entries are called security role "Twin": id ', "rename or remove all but one"),
    ),
    # Lengths
    Bad("long role name", "north", *role("x" * 31), "InputError", ("has 31 characters; ConnectWise takes 1 to 30",)),
    Bad(
        "long identifier",
        "north",
        *member(identifier="x" * 16),
        "InputError",
        ("is 16 characters long; ConnectWise takes 15", "shorten identifier"),
    ),
    Bad("long name", "north", *member(name="x" * 31), "InputError", ("is 31 characters long; ConnectWise takes 30",)),
    # What the server does
    Bad(
        "denied",
        "denied",
        *role("Technician", permissions={"Companies": {"Contacts": {"inquire": "All"}}}),
        "PermissionDenied",
        (
            "tenant denied",
            "/settings",
            "lacks a permission",
            "You do not have security permission to perform this action.",
            "the API member that owns the key",
            "System / Security Roles with Inquire: All",
        ),
        twice=True,
    ),
    Bad(
        "a gateway",
        "gateway",
        *READ,
        "TransientFailure",
        (
            "tenant gateway",
            "a gateway in front of it, failed for the moment",
            "an HTML page titled 502 Bad Gateway",
            "run again later",
        ),
    ),
    Bad(
        "a page that says all is well",
        "page",
        *READ,
        "NotThePsa",
        ("tenant page", "the answer is not JSON", "an HTML page titled ConnectWise PSA", "under maintenance"),
    ),
    Bad(
        "a role in use",
        "north",
        *role("Technician", state="absent"),
        "Conflict",
        ('the role "Technician" is held by', "give the members that hold this role another one, or set in_use: clear"),
    ),
    Bad(
        "not offered",
        "onprem",
        *role("Technician", adopt=True, permissions={"Companies": {"Contacts": {"delete": "All"}}}),
        "Unsupported",
        (
            "tenant onprem",
            "the tenant's API cannot make this change",
            "[System > Security Roles > Technician]",
            "set Delete Level to All",
            "on_unsupported: manual",
        ),
        twice=True,
    ),
    # The task itself
    Bad(
        "a wrong route",
        "north",
        *role("Bad", extension_routes={"role_setting.update": {"path": "nowhere"}}),
        "InputError",
        ("extension_routes.role_setting.update.path", "does not begin with /"),
    ),
    Bad(
        "an option nobody knows",
        "north",
        *role(permissons={}),
        "",
        ("Unsupported parameters for (msp.connectwise.cw_security_role) module: permissons",),
        twice=True,
    ),
    Bad(
        "a choice nobody offers",
        "north",
        READ[0],
        {"region": "us"},
        "",
        ("value of region must be one of: na, eu",),
        twice=True,
    ),
    Bad(
        "no keys to delete",
        "north",
        "cw_api_key",
        {"member": "Bad", "state": "absent"},
        "InputError",
        ("nothing says which keys", "description, public_keys or key_ids"),
    ),
]

WARNED = "names of another version"
HOLDS_KEY = "the result holds the private key"
COMPANY = {"company_id": "the task"}
PRECEDENCE: list[tuple[str, dict[str, Any]]] = [
    ("the process", {}),
    ("the play", {"environment": {"CW_COMPANY_ID": "the play"}}),
    (
        "the inventory",
        {"environment": {"CW_COMPANY_ID": "the play"}, "vars": {"cw_company_id": "{{ 'the inventory' }}"}},
    ),
    (
        "the group",
        {
            "vars": {"cw_company_id": "the inventory"},
            "module_defaults": {"group/msp.connectwise.psa": {"company_id": "the group"}},
        },
    ),
    (
        "the module",
        {
            "vars": {"cw_company_id": "the inventory"},
            "module_defaults": {
                "group/msp.connectwise.psa": {"company_id": "the group"},
                "msp.connectwise.cw_tenant_info": {"company_id": "the module"},
            },
        },
    ),
    (
        "the task",
        {
            "environment": {"CW_COMPANY_ID": "the play"},
            "vars": {"cw_company_id": "the inventory"},
            "module_defaults": {
                "group/msp.connectwise.psa": {"company_id": "the group"},
                "msp.connectwise.cw_tenant_info": {"company_id": "the module"},
            },
        },
    ),
]


@pytest.fixture(scope="module")
def troubled(world: World) -> Run:
    """One run with every mistake, in an environment whose REQUESTS_CA_BUNDLE is of no use."""
    simulator = world.simulator
    other = Authority(world.runner.directory / "other").ca_file.rename(world.runner.directory / "other.pem")
    simulator.edit("twins", {"op": "add_role", "name": "Twin"}, {"op": "add_role", "name": "Twin"})
    simulator.faults(
        {"fault": "deny", "tenant": "denied", "path": "/settings"},
        {"fault": "status", "status": 502, "tenant": "gateway"},
        {"fault": "html_200", "tenant": "page"},
    )
    ui = simulator.ready["sites"]["ui"]["host"]
    inventory = world.inventory(cw_retries=1, cw_retry_max_delay=0.01, other_ca=str(other), ui=ui)
    # Some mistakes are a host that is not the tenant's.
    inventory["all"]["vars"]["cw_allow_host_override"] = True
    bare = {name: value for name, value in inventory["all"]["hosts"]["north"].items() if name != "cw_company_id"}
    inventory["all"]["hosts"].update({"bare-in": bare, "bare-module": {**bare, "cw_in_process": False}})
    plays = []
    for host in dict.fromkeys(bad.host for bad in BAD):
        tasks = []
        for bad in BAD:
            if bad.host == host:
                tasks.append(task(bad.name, bad.module, bad.args, ignore_errors=True))
                if bad.twice:
                    as_module = {"ignore_errors": True, "vars": {"cw_in_process": False}}
                    tasks.append(task(f"{bad.name} as a module", bad.module, bad.args, **as_module))
        plays.append({"hosts": host, "gather_facts": False, "tasks": tasks})
    lenient = role("Lenient", permissions={"Sales": {"Deal Room": {"inquire": "All"}}}, on_unknown="warn")
    plays[0]["tasks"] += [
        task(WARNED, *lenient),
        task(f"{WARNED} as a module", *lenient, vars={"cw_in_process": False}),
    ]
    tasks = []
    for name, keywords in PRECEDENCE:
        args = {"gather": [], **(COMPANY if name == "the task" else {})}
        tasks.append(task(f"company of {name}", "cw_tenant_info", args, **keywords))
    plays.append({"hosts": "bare-in,bare-module", "gather_facts": False, "tasks": tasks})
    env = {"REQUESTS_CA_BUNDLE": str(other), "CW_COMPANY_ID": "the process"}
    try:
        run = world.runner.run(plays, inventory, env=env)
    finally:
        simulator.clear_faults()
    assert run.code == 0, run.output
    return run


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_what_a_mistake_is_told(troubled, bad):
    found = troubled.task(bad.host, bad.name)
    message = found.result["msg"]
    assert found.failed
    position = 0
    for part in bad.says:
        assert part in message[position:], message
        position = message.index(part, position)
    assert "Traceback" not in json.dumps(found.result)
    assert found.result.get("error", {}).get("kind", "") == bad.kind
    if bad.kind:
        assert "What to do: " in message


@pytest.mark.parametrize("bad", [bad for bad in BAD if bad.twice], ids=lambda bad: bad.name)
def test_a_module_process_says_the_same(troubled, bad):
    here, there = (troubled.task(bad.host, name).result for name in (bad.name, f"{bad.name} as a module"))
    assert here["msg"] == there["msg"]
    assert here.get("error") == there.get("error")


def test_what_a_mistake_asks_for_is_not_done(world, troubled):
    """None of the mistakes left a trace on its tenant."""
    north = world.simulator.state("north")
    assert "Bad" not in [one["name"] for one in north["roles"]]
    assert "Bad" not in [one["identifier"] for one in north["api_members"]]
    assert "Admin" in [one["name"] for one in north["roles"]]
    for host in ("denied", "onprem", "twins", "gateway", "page"):
        done = [one for one in world.simulator.journal(host, writes=True) if one["status"] < 300]
        assert done == [], host


def test_the_steps_stand_in_the_failed_result(troubled):
    result = troubled.task("onprem", "not offered").result
    assert [step["kind"] for step in result["manual_steps"]] == ["role_permission"]
    assert result["pending"] is True


def test_no_secret_in_any_output(world, troubled):
    for tenant in world.simulator.ready["tenants"].values():
        assert tenant["private_key"] not in troubled.output
        assert not any(tenant["private_key"] in json.dumps(one.result) for one in troubled.tasks)


@pytest.mark.parametrize("name", [WARNED, f"{WARNED} as a module"])
def test_a_warning_reaches_the_reader(troubled, name):
    found = troubled.task("north", name)
    assert not found.failed
    (warning,) = found.result["warnings"]
    assert 'no function of module Sales "Deal Room"' in str(warning)
    assert " ".join(troubled.output.split()).count("[WARNING]: this tenant has no function of module Sales") >= 1


@pytest.mark.parametrize("host", ["bare-in", "bare-module"])
@pytest.mark.parametrize("name", [name for name, _keywords in PRECEDENCE])
def test_which_setting_counts(troubled, host, name):
    assert troubled.task(host, f"company of {name}").result["tenant"]["company_id"] == name
