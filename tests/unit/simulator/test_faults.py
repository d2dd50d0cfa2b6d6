# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way to misbehave, as a client sees it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import pytest
import requests

from tests.simulator import faults
from tests.simulator.client import ControlError

from .conftest import Psa

INFO = "/system/info"


@pytest.mark.parametrize(
    ("options", "status", "text"),
    [
        (
            {"status": 429, "retry_after": 7},
            429,
            '{"error": "ConnectWiseAPI", "message": "Too many requests. Please try',
        ),
        ({"status": 500}, 500, "A timeout has occured. Please try again."),
        ({"status": 500, "body": "pool"}, 500, "max pool size was reached"),
        ({"status": 502}, 502, "<h1>502 Bad Gateway</h1>"),
        ({"status": 503, "retry_after": 1}, 503, "<h1>Service Unavailable</h1>"),
        ({"status": 409}, 409, '"code": "Conflict"'),
        ({"status": 400, "body": "as you like"}, 400, "as you like"),
        ({"status": 404}, 404, "The endpoint does not exist."),
    ],
)
def test_a_status(psa, simulator, options, status, text):
    simulator.faults({"fault": "status", **options, "times": 1})
    response = psa("GET", INFO)
    assert response.status_code == status
    assert text in response.text
    assert response.headers.get("Retry-After") == (str(options["retry_after"]) if "retry_after" in options else None)
    assert psa("GET", INFO).status_code == 200


def test_dropped_before_and_after_the_effect(psa, simulator, name):
    for kind, effect in (("drop_before", False), ("drop_after", True)):
        simulator.clear_faults()
        simulator.faults({"fault": kind, "method": "post", "path": "^/system/securityroles$"})
        with pytest.raises(requests.exceptions.ConnectionError):
            psa("POST", "/system/securityroles", json={"name": f"{name} {kind}"})
        assert (simulator.role("north", f"{name} {kind}") is not None) is effect
        entry = simulator.journal("north", writes=True)[-1]
        assert (entry["status"], entry["fault"]) == (None, kind)


def test_an_error_after_the_effect(psa, simulator, name):
    simulator.faults({"fault": "status", "status": 504, "after": True, "method": "POST"})
    assert psa("POST", "/system/securityroles", json={"name": name}).status_code == 504
    assert simulator.role("north", name)


def test_wrong_contents_with_status_200(psa, simulator):
    expected = {
        "html_200": ("text/html; charset=utf-8", "<!DOCTYPE html>"),
        "error_body_200": ("application/json; charset=utf-8", '{"code": "ConnectWiseApi"'),
        "null_body": ("application/json; charset=utf-8", "null"),
        "wrong_content_type": ("text/html; charset=utf-8", '{"version"'),
        "truncated_json": ("application/json; charset=utf-8", '{"version"'),
    }
    for kind, (content_type, start) in expected.items():
        simulator.clear_faults()
        simulator.faults({"fault": kind})
        response = psa("GET", INFO)
        assert (response.status_code, response.headers["Content-Type"]) == (200, content_type)
        assert response.text.startswith(start)
        if kind == "truncated_json":
            with pytest.raises(requests.exceptions.JSONDecodeError):
                response.json()


def test_a_body_that_ends_too_soon(psa, simulator):
    simulator.faults({"fault": "short_body"})
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        psa("GET", INFO)


def test_slowness(psa, simulator):
    asked = 0.4
    for kind in ("slow", "slow_body"):
        simulator.clear_faults()
        simulator.faults({"fault": kind, "ms": asked * 1000})
        started = time.monotonic()
        assert psa.get(INFO)["version"]
        assert time.monotonic() - started >= asked * 0.9
    # The client gives up in the middle of the body; the server must not mind.
    with pytest.raises((requests.exceptions.ConnectionError, requests.exceptions.Timeout)):
        psa("GET", INFO, timeout=0.03)


def test_a_redirect(psa, simulator):
    simulator.faults({"fault": "redirect", "location": "http://localhost/elsewhere"})
    response = psa("GET", INFO)
    assert (response.status_code, response.headers["Location"]) == (302, "http://localhost/elsewhere")


@pytest.mark.parametrize("form", ["json", "text", "page", "redirect"])
def test_an_error_that_quotes_what_was_done(psa, simulator, name, form):
    simulator.faults({"fault": "quoting", "status": 302 if form == "redirect" else 400, "form": form, "method": "POST"})
    response = psa("POST", "/system/securityroles", json={"name": f"{name} {form}"})
    assert response.status_code == (302 if form == "redirect" else 400)
    assert f"{name} {form}" in unquote(unescape(response.text + response.headers.get("Location", "")))
    assert simulator.role("north", f"{name} {form}") is not None


def test_stale_reads(psa, simulator, name):
    asked = 2.0
    simulator.faults({"fault": "stale_read", "seconds": asked, "method": "GET"})
    made = time.monotonic()
    path = f"/system/securityroles/{psa.role(name)['id']}"
    assert psa("GET", path).status_code == 404
    while psa("GET", path).status_code == 404:
        time.sleep(0.1)
    assert time.monotonic() - made >= asked


@pytest.mark.parametrize(("answer", "shown"), [("new", "All"), ("old", "None")])
def test_a_patch_that_changes_nothing(psa, simulator, name, answer, shown):
    path = psa.setting(psa.role(name)["id"], "Companies", "Contacts")
    simulator.faults({"fault": "patch_ignored", "answer": answer, "method": "PATCH"})
    response = psa.patch(path, addLevel="All")
    assert (response.status_code, response.json()["addLevel"]) == (200, shown)
    assert psa.get(path)["addLevel"] == "None"


def test_an_effect_that_happens_twice(psa, simulator, name):
    simulator.faults({"fault": "duplicate_effect", "method": "POST", "drop": True})
    with pytest.raises(requests.exceptions.ConnectionError):
        psa("POST", "/system/securityroles", json={"name": name})
    assert [role["name"] for role in simulator.state("north")["roles"]].count(name) == 2
    with pytest.raises(ControlError, match="2 roles are named"):
        simulator.role("north", name)


def test_denied_by_permission_member_and_role(psa, simulator):
    simulator.faults(
        {"fault": "deny", "permission": "System / Security Roles", "role": "Admin", "member": "Automation"}
    )
    assert psa("GET", "/system/securityroles").status_code == 403
    assert psa("GET", "/system/apiMembers").status_code == 200


def test_a_list_that_shrinks_between_pages(psa, simulator):
    simulator.faults({"fault": "shifted_pages", "path": "/settings$"})
    role = psa.get("/system/securityroles")[0]["id"]
    path = f"/system/securityRoles/{role}/settings"
    first = psa.get(path, page=1, pageSize=50)
    second = psa.get(path, page=2, pageSize=50)
    assert (len(first), len(second)) == (50, 45)


def test_which_requests_a_rule_means(psa, simulator):
    simulator.faults(
        {"fault": "status", "status": 409, "nth": 2, "path": "info$"},
        {"fault": "status", "status": 503, "times": 2, "query": "page=2"},
        {"fault": "deny", "tenant": "elsewhere"},
    )
    assert [psa("GET", INFO).status_code for _attempt in range(3)] == [200, 409, 200]
    assert [psa("GET", "/system/setupScreens?page=2").status_code for _attempt in range(3)] == [503, 503, 200]
    hits = [(rule["fault"], rule["seen"], rule["hits"]) for rule in simulator.fault_hits()]
    assert hits == [("status", 3, 1), ("status", 3, 2), ("deny", 0, 0)]


def test_probability_is_repeatable(psa, simulator):
    rule = {"fault": {"kind": "status", "status": 503}, "probability": 0.5, "seed": 7}
    runs = []
    for _run in range(2):
        simulator.clear_faults()
        simulator.faults(rule)
        runs.append([psa("GET", INFO).status_code for _attempt in range(20)])
    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 503}


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({}, "a rule is a mapping with 'fault'"),
        ({"fault": "gremlins"}, "unknown fault 'gremlins'"),
        ({"fault": "slow", "minutes": 1}, "fault slow: unknown minutes"),
    ],
)
def test_rules_that_mean_nothing(simulator, rule, message):
    with pytest.raises(ControlError, match=message):
        simulator.faults(rule)


def test_every_fault_is_tried_here():
    source = Path(__file__).read_text(encoding="utf-8")
    assert [kind for kind in faults.KINDS if f'"{kind}"' not in source] == []


def test_latency(psa, simulator):
    asked = 0.12
    simulator.latency(asked * 1000, 20)
    started = time.monotonic()
    psa.get(INFO)
    assert time.monotonic() - started >= asked


def test_rate_limit(psa, simulator):
    simulator.rate_limit(per_minute=3)
    answers = [psa("GET", INFO) for _attempt in range(4)]
    assert [response.status_code for response in answers] == [200, 200, 200, 429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    other = Psa(simulator, "strange")
    assert other("GET", INFO).status_code == 200


def test_too_many_at_once(psa, simulator):
    simulator.latency(1200)
    simulator.rate_limit(max_parallel=4)

    def parallel(count):
        with ThreadPoolExecutor(count) as pool:
            clients = [Psa(simulator, "north") for _client in range(count)]
            return [future.result().status_code for future in [pool.submit(client, "GET", INFO) for client in clients]]

    assert set(parallel(4)) == {200}
    assert 429 in parallel(12)
