# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Onboardings under faults: one tenant for each, many at a time, and what must be true afterwards."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._client import Psa
from ansible_collections.msp.connectwise.plugins.module_utils._connection import parse_connection
from tests.simulator.client import Simulator

from .engine import Failed, Integration, connection, profile_of, run

VENDOR = "umbrella"
PARALLEL = 6
FLEET: dict[str, Any] = {
    "sites": [{"name": "na"}],
    "tenants": [{"site": "na", "fleet": {"count": 9000, "prefix": "t"}}],
}
WRITES = ("POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Fault:
    """rule: for the simulator. cause: what a message about it must say. writes: whether it means writes only.

    options: how patient the client is, so that a fault which takes time does not take all of it.
    """

    name: str
    rule: dict[str, Any]
    cause: str
    writes: bool = False
    options: dict[str, Any] = field(default_factory=dict)


CONNECTION = "broke|no answer within"
GATEWAY = "gateway in front of it, failed|failed for the moment"
NOT_JSON = "not a record|not a list|not JSON|company's information|could not be read|no key pair"
UNMADE = "not taken over|still there|not there|does not exist|no key pair|is refused"
SHORT = {"timeout": 0.4}
FAULTS = [
    Fault("429, Retry-After", {"fault": "status", "status": 429, "retry_after": 1}, "rate limit"),
    Fault("429, no Retry-After", {"fault": "status", "status": 429, "retry_after": ""}, "rate limit"),
    Fault("500 timeout", {"fault": "status", "status": 500, "body": "timeout"}, "failed for the moment"),
    Fault("500 pool", {"fault": "status", "status": 500, "body": "pool"}, "failed for the moment"),
    Fault("500 other", {"fault": "status", "status": 500, "body": "Object reference not set"}, "the server failed"),
    Fault("500 after the effect", {"fault": "status", "status": 500, "after": True}, "failed for the moment", True),
    Fault("502 HTML", {"fault": "status", "status": 502}, GATEWAY),
    Fault("502 after the effect", {"fault": "status", "status": 502, "after": True}, GATEWAY, True),
    Fault("503 HTML", {"fault": "status", "status": 503}, GATEWAY),
    Fault("504 HTML", {"fault": "status", "status": 504}, GATEWAY),
    Fault("400 refused", {"fault": "status", "status": 400}, "refused the content"),
    Fault("401", {"fault": "status", "status": 401}, "keys were refused|is refused"),
    Fault("403 deny", {"fault": "deny"}, "lacks a permission"),
    Fault("404 endpoint", {"fault": "status", "status": 404}, "does not offer|cannot make"),
    Fault("409", {"fault": "status", "status": 409}, "in use"),
    Fault("HTML with 200", {"fault": "html_200"}, NOT_JSON),
    Fault("HTML with 200, after the effect", {"fault": "html_200", "after": True}, NOT_JSON, True),
    Fault("error body with 200", {"fault": "error_body_200"}, "error in a success"),
    Fault("null", {"fault": "null_body"}, NOT_JSON),
    Fault("dropped before the effect", {"fault": "drop_before"}, CONNECTION),
    Fault("dropped after the effect", {"fault": "drop_after"}, CONNECTION),
    Fault("slow answer", {"fault": "slow", "ms": 900}, CONNECTION, options=SHORT),
    Fault("slow body", {"fault": "slow_body", "ms": 900}, CONNECTION, options=SHORT),
    Fault("truncated JSON", {"fault": "truncated_json"}, NOT_JSON),
    Fault("short body", {"fault": "short_body"}, CONNECTION),
    Fault("wrong content type", {"fault": "wrong_content_type"}, NOT_JSON),
    Fault("stale read for 2 s", {"fault": "stale_read", "seconds": 2.0}, UNMADE),
    Fault("write ignored, answers new", {"fault": "patch_ignored", "answer": "new"}, UNMADE, True),
    Fault("write ignored, answers old", {"fault": "patch_ignored", "answer": "old"}, UNMADE, True),
    Fault("effect twice", {"fault": "duplicate_effect"}, "several entries", True),
    Fault("effect twice, answer lost", {"fault": "duplicate_effect", "drop": True}, f"several|{CONNECTION}", True),
    Fault("redirect", {"fault": "redirect"}, "redirects"),
]


@dataclass
class Case:
    """One disturbed onboarding."""

    fault: Fault
    where: str
    tenant: str
    rule: dict[str, Any]
    integration: Integration | None = None
    outcome: str = ""
    message: str = ""
    problems: list[str] = field(default_factory=list)


def tenants(start: int = 1) -> Iterator[str]:
    return (f"t{number:04d}" for number in range(start, 9001))


def requests_of(simulator: Simulator, tenant: str) -> list[tuple[str, str]]:
    """Every request of an undisturbed onboarding, in order: method, and path with its numbers as {}."""
    integration = Integration(connection(simulator.ready, tenant), profile_of(VENDOR))
    assert integration.onboard()["status"] == "ready"
    return [
        (entry["method"], re.sub(r"/\d+", "/{}", entry["path"].partition("/apis/3.0")[2]))
        for entry in simulator.journal(tenant)
    ]


def truth(simulator: Simulator, case: Case) -> list[str]:
    """What is wrong with an integration that says it is ready, judged by the simulator's own state."""
    assert case.integration is not None
    profile, state = case.integration.profile, simulator.state(case.tenant)
    wrong = duplicates(state, profile)
    roles = [role for role in state["roles"] if role["name"] == profile["role_name"]]
    if len(roles) != 1:
        return [*wrong, f"{len(roles)} roles"]
    rows = roles[0]["permissions"]
    wanted: dict[str, Any] = {}
    for module, functions in profile["permissions"].items():
        for function, levels in functions.items():
            full = {verb: levels.get(verb, "None") for verb in ("add", "edit", "delete", "inquire")}
            wanted.setdefault(module, {})[function] = full
    if rows != wanted:
        wrong.append(f"matrix {rows} instead of {wanted}")
    allowed = roles[0]["allow"]["System"]["Table Setup"]
    if sorted(allowed) != sorted(profile["customize"]["Table Setup"]["allow"]):
        wrong.append(f"allow list {allowed}")
    members = [one for one in state["api_members"] if one["identifier"] == case.integration.member]
    if len(members) != 1 or members[0]["inactiveFlag"] or members[0]["securityRole"] != profile["role_name"]:
        wrong.append(f"members {members}")
    keys = [key["public_key"] for key in state["keys"].get(case.integration.member, [])]
    if keys != [(case.integration.store.get("current") or {}).get("public_key")]:
        wrong.append(f"keys {keys}, and the store has {case.integration.store.get('current')}")
    return wrong


def duplicates(state: dict[str, Any], profile: dict[str, Any]) -> list[str]:
    counts = {
        "role": sum(role["name"] == profile["role_name"] for role in state["roles"]),
        "member": sum(one["identifier"] == profile["member"]["identifier"] for one in state["api_members"]),
    }
    return [f"{count} times the {what}" for what, count in counts.items() if count > 1]


def attempt(simulator: Simulator, case: Case) -> None:
    """One run, and what it claims."""
    if case.integration is None:
        options = connection(simulator.ready, case.tenant, **case.fault.options)
        case.integration = Integration(options, profile_of(VENDOR))
    try:
        entry = case.integration.onboard()
    except Failed as problem:
        case.outcome, case.message = "error", str(problem.result["msg"])
        return
    except Exception as problem:
        case.outcome, case.message = "traceback", repr(problem)
        return
    case.outcome, case.message = entry["status"], "; ".join(entry["differences"])


def judge(simulator: Simulator, case: Case) -> None:
    """After the disturbed run: ready and true, or a message with cause and remedy."""
    if case.outcome == "ready":
        case.problems += [f"false ok: {wrong}" for wrong in truth(simulator, case)]
    elif case.outcome == "error":
        if "a defect of" in case.message or "defect of its own" in case.message or "Traceback" in case.message:
            case.problems.append("a defect")
        if not re.search(case.fault.cause, case.message):
            case.problems.append("the message does not name the cause")
        if "What to do:" not in case.message and "un again" not in case.message:
            case.problems.append("the message names no remedy")
    elif case.outcome == "traceback" or not case.message:
        case.problems.append(case.outcome)


def together(cases: Iterable[Case], simulator: Simulator) -> None:
    with ThreadPoolExecutor(PARALLEL) as pool:
        list(pool.map(lambda case: attempt(simulator, case), cases))


def person(simulator: Simulator, case: Case) -> None:
    """Do what a person is asked to do: about keys that may be another store's, or several entries of one name."""
    assert case.integration is not None
    for step in case.integration.steps if case.outcome == "pending" else ():
        if step["kind"] == "leftover_key":
            which = {"member": step["member"], "state": "absent", "public_keys": step["public_keys"]}
            run("cw_api_key", connection(simulator.ready, case.tenant), **which)
    if case.outcome != "error" or "several entries" not in case.message:
        return
    twin = max(int(found) for found in re.findall(r"\bid (\d+)", case.message))
    with Psa(parse_connection(connection(simulator.ready, case.tenant))) as psa:
        if "security role" in case.message:
            psa.delete(f"/system/securityroles/{twin}")
        else:
            psa.patch(f"/system/apiMembers/{twin}", {"identifier": "Twin"})


def carry_out(simulator: Simulator, cases: list[Case]) -> None:
    """Disturb, judge, take the faults away, run again: everything must end ready, once, and unchanged after that."""
    simulator.faults(*(case.rule for case in cases))
    together(cases, simulator)
    simulator.clear_faults()
    for case in cases:
        judge(simulator, case)
        person(simulator, case)
    first = [(case.outcome, case.message) for case in cases]
    for case in cases:
        assert case.integration is not None
        case.integration.options = {**case.integration.options, "timeout": 10.0}
    together(cases, simulator)
    for case in cases:
        if case.outcome != "ready":
            case.problems.append(f"not recovered: {case.outcome} {case.message}")
        else:
            case.problems += [f"not recovered: {wrong}" for wrong in truth(simulator, case)]
    together(cases, simulator)
    for case, (outcome, message) in zip(cases, first, strict=True):
        assert case.integration is not None
        if case.outcome != "ready" or case.integration.changed:
            case.problems.append(f"not idempotent: {case.outcome}, changed {case.integration.changed}")
        case.outcome, case.message = outcome, message


def table(cases: list[Case]) -> str:
    """How often each fault was tried, and how it ended."""
    lines = [f"{'fault':34}{'tried':>6}{'ready':>7}{'pending':>9}{'error':>7}{'differs':>9}{'bad':>5}"]
    for name in dict.fromkeys(case.fault.name for case in cases):
        mine = [case for case in cases if case.fault.name == name]
        count = Counter(case.outcome for case in mine)
        bad = sum(bool(case.problems) for case in mine)
        lines.append(
            f"{name:34}{len(mine):6}{count['ready']:7}{count['pending']:9}{count['error']:7}{count['differs']:9}{bad:5}"
        )
    bad = sum(bool(case.problems) for case in cases)
    lines.append(f"{'all':34}{len(cases):6}   survived {len(cases) - bad}")
    return "\n".join(lines)
