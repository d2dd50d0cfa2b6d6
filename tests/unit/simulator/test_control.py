# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal, the operator, changes behind the back, the command line."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.simulator import cli
from tests.simulator.client import ROOT, Control, ControlError, Simulator

from .conftest import Psa


def test_the_token_is_needed(simulator):
    stranger = Control({**simulator.ready, "token": "guessed"})
    with pytest.raises(ControlError, match="X-Simulator-Token"):
        stranger.state("north")
    with pytest.raises(ControlError, match="no GET nonsense"):
        simulator.call("GET", "nonsense")
    with pytest.raises(ControlError, match="no tenant 'nobody'"):
        simulator.state("nobody")


def test_the_journal_tells_who_did_what(psa, simulator, name):
    psa.get("/system/info")
    before = simulator.journal()[-1]["n"]
    role = psa.role(name)
    Psa(simulator, "onprem").get("/system/info")
    entries = simulator.journal(since=before)
    assert [(e["tenant"], e["method"], e["status"]) for e in entries] == [
        ("north", "POST", 201),
        ("onprem", "GET", 200),
    ]
    entry = simulator.journal("north", since=before, writes=True)[0]
    assert entry["member"] == "Automation"
    assert entry["public_key"] == psa.tenant["public_key"]
    assert entry["path"] == "/v4_6_release/apis/3.0/system/securityroles"
    assert entry["body"] == {"name": name}
    assert entry["duration_ms"] > 0
    assert role["name"] == name
    simulator.clear_journal()
    assert simulator.journal() == []
    psa.get("/system/info")
    assert simulator.journal()[0]["n"] > before


def test_no_private_key_reaches_journal_or_log(psa, simulator, name):
    member = psa.member(name, "Technician")
    made = psa.post(f"/system/apiMembers/{member['id']}/apiKeys", {"description": "Secret"})
    secret, admin = made["privateKey"], psa.tenant["private_key"]
    psa("POST", "/system/securityroles", json={"name": "x", "privateKey": "something", secret: [secret, {"a": admin}]})
    psa("GET", f"/system/{secret}", params={"conditions": f'name = "{secret}"'})
    psa("POST", "/system/securityroles", data=secret, headers={"Content-Type": "application/json"})
    Psa(simulator, "north", secret, made["publicKey"])("GET", "/system/info")
    Psa(simulator, "north", made["publicKey"], "a wrong secret")("GET", "/system/info?x=a%20wrong%20secret")
    psa("DELETE", f"/system/apiMembers/{member['id']}/apiKeys/{made['id']}")
    psa("GET", f"/system/{secret}")
    text = json.dumps(simulator.journal()) + json.dumps(simulator.state("north")) + simulator.log.read_text()
    assert secret not in text
    assert admin not in text
    assert "something" not in text
    assert "(hidden)" in text


def test_a_request_that_is_no_http_is_logged_without_what_it_said(tmp_path):
    with Simulator({"tenants": [{"company_id": "one", "site": "na"}]}, tmp_path) as simulator:
        secret = simulator.ready["tenants"]["one"]["private_key"]
        host, port = simulator.ready["tenants"]["one"]["host"].split(":")
        context = ssl.create_default_context(cafile=simulator.ready["ca"])
        with (
            socket.create_connection((host, int(port)), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname=host) as connection,
        ):
            connection.sendall(f"GET / HTTP/1.1\r\nAuthorization: \0{secret}\r\n\r\n".encode())
            answer = connection.recv(10_000).decode()
        assert answer.startswith(("HTTP/1.1 400 ", "HTTP/1.0 400 "))
    log = simulator.log.read_text(encoding="utf-8")
    assert "BadHttpMessage" in log or "InvalidHeader" in log
    assert secret not in log


def steps(role, member):
    where = {"menu": ["System", "Security Roles", role], "do": "Click", "why": "Test"}
    service = {"module": "Service Desk", "function": "Service Tickets"}
    table = {"module": "System", "function": "Table Setup"}
    return [
        {**where, "kind": "role_activate", "role": role},
        {
            **where,
            "kind": "role_permission",
            "role": role,
            **service,
            "levels": {"add": "My", "edit": "None", "delete": "None", "inquire": "All"},
        },
        {
            **where,
            "kind": "customize_list",
            "role": role,
            **table,
            "allow": ["Service / Source"],
            "disallow": [],
            "rest": "disallow",
        },
        {**where, "kind": "create_key", "member": member, "member_type": "api", "description": "By hand"},
    ]


def test_the_operator_clicks_on_a_published_tenant(onprem, simulator, name, tmp_path, capsys):
    onprem.post("/system/securityroles", {"name": name, "inactiveFlag": True})
    onprem.member(name, name)
    order, keys = tmp_path / "order.json", tmp_path / "keys.json"
    order.write_text(json.dumps({"manual_steps": steps(name, name)}))
    arguments = ["operator", "--ready-file", str(simulator.ready_file), "--tenant", "onprem"]
    arguments += ["--work-order", str(order), "--keys-out", str(keys)]
    assert cli.main(arguments) == 0
    assert capsys.readouterr().out.splitlines() == [f"onprem: System > Security Roles > {name}: Click"] * 4
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    (key,) = json.loads(keys.read_text())
    assert {field: key[field] for field in ("tenant", "member", "description")} == {
        "tenant": "onprem",
        "member": name,
        "description": "By hand",
    }
    role = simulator.role("onprem", name)
    assert role["inactive"] is False
    assert role["permissions"]["Service Desk"]["Service Tickets"]["add"] == "My"
    assert role["allow"]["System"]["Table Setup"] == ["Service / Source"]
    own = Psa(simulator, "onprem", key["public_key"], key["private_key"])
    assert own.get("/service/tickets/count") == {"count": 310}
    listed = simulator.state("onprem")["keys"][name]
    assert [(entry["public_key"], entry["active"]) for entry in listed] == [(key["public_key"], True)]
    gone = {"kind": "delete_key", "member": name, "member_type": "api", "description": "By hand", "public_key": None}
    simulator.operator("onprem", [gone])
    assert simulator.state("onprem")["keys"][name] == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "dance"}, "kind must be one of role_permission"),
        ({"kind": "role_activate", "role": "Nobody"}, "no security roles are named 'Nobody'"),
        ({"kind": "role_activate"}, "role is missing"),
        ({"role": "Admin"}, "the Admin role cannot be changed"),
        ({"function": "Nonsense"}, "there is no row 'Nonsense'"),
        ({"function": "Company Maintenance", "module": "Companies", "levels": {"add": "My"}}, "does not offer My"),
        ({"levels": {"add": "Some"}}, "add cannot be 'Some'"),
        ({"kind": "customize_list", "function": "Table Setup", "module": "System", "allow": ["x"]}, "has no item 'x'"),
        ({"kind": "customize_list", "allow": []}, "has no Customize link"),
        ({"kind": "create_key", "member": "Nobody", "member_type": "api"}, "there is no API member 'Nobody'"),
    ],
)
def test_the_operator_stops_at_what_cannot_be_clicked(simulator, change, message):
    step = {
        "kind": "role_permission",
        "role": "Technician",
        "module": "Service Desk",
        "function": "Service Tickets",
        "levels": {"add": "All"},
        "description": "x",
        **change,
    }
    if change == {"kind": "role_activate"}:
        del step["role"]
    with pytest.raises(ControlError, match=message):
        simulator.operator("north", [step])


def test_the_operator_command_says_what_is_wrong(simulator, tmp_path, capsys):
    order = tmp_path / "order.json"
    order.write_text(json.dumps({"manual_steps": [{"kind": "role_activate", "role": "Nobody"}]}))
    arguments = [
        "operator",
        "--ready-file",
        str(simulator.ready_file),
        "--tenant",
        "onprem",
        "--work-order",
        str(order),
    ]
    assert cli.main(arguments) == 1
    assert capsys.readouterr().err == "error: entry 1 (role_activate): no security roles are named 'Nobody'\n"


def test_changes_behind_the_back(psa, simulator, name):
    made = simulator.edit(
        "north",
        {"op": "add_role", "name": name},
        {"set_levels": {"role": name, "module": "Companies", "function": "Contacts", "levels": {"inquire": "All"}}},
        {"op": "set_allow", "role": name, "function": "Table Setup", "items": ["Service / Source"]},
        {"op": "add_member", "identifier": name, "member_type": "api", "role": name},
        {"op": "add_key", "member": name, "description": "Behind"},
    )
    key = Psa(simulator, "north", made[4]["publicKey"], made[4]["privateKey"])
    assert key("GET", "/company/contacts").status_code == 200
    assert simulator.role("north", name)["allow"]["System"]["Table Setup"] == ["Service / Source"]
    simulator.edit("north", {"op": "assign_role", "member": name, "role": "Technician"})
    assert key("GET", "/company/contacts").status_code == 403
    simulator.edit("north", {"op": "deactivate", "member": name})
    assert key("GET", "/system/info").status_code == 401
    assert simulator.state("north")["keys"][name][0]["active"] is False
    simulator.edit("north", {"op": "activate", "member": name})
    assert key("GET", "/system/info").status_code == 200
    simulator.edit("north", {"op": "delete_key", "public_key": made[4]["publicKey"]})
    assert key("GET", "/system/info").status_code == 401
    simulator.edit("north", {"op": "rename_role", "role": name, "name": f"{name} B"})
    simulator.edit("north", {"op": "delete_role", "role": f"{name} B"})
    assert simulator.role("north", f"{name} B") is None
    for edit, message in [
        ({"op": "set_allow", "role": "Technician", "function": "Reports", "items": []}, "7 rows are named 'Reports'"),
        ({"op": "delete_role", "role": "Technician"}, "members hold the role"),
        ({"op": "delete_key", "public_key": "x"}, "there is no key 'x'"),
        ({"op": "nonsense"}, "op must be one of set_levels"),
    ]:
        with pytest.raises(ControlError, match=message):
            simulator.edit("north", edit)


def test_a_new_version_retires_the_old_codebase(simulator):
    psa = Psa(simulator, "t0003")
    psa.base = psa.base.replace("v4_6_release", "v2025_1")
    assert psa("GET", "/system/info").status_code == 200
    simulator.edit("t0003", {"op": "set_version", "version": "v2026.1", "status": 404})
    assert psa("GET", "/system/info").status_code == 404
    psa.base = psa.base.replace("v2025_1", "v2026_1")
    assert psa.get("/system/info")["version"].startswith("v2026.1")
    with pytest.raises(ControlError, match=r"looks like v2025\.1"):
        simulator.edit("t0003", {"op": "set_version", "version": "next"})


def test_two_starts_have_the_same_administrators_and_none_leaves_a_process(tmp_path):
    tenants = {"sites": [{"name": "na", "host": "psa.localhost"}], "tenants": [{"company_id": "one", "site": "na"}]}
    seen = []
    for _start in range(2):
        with Simulator(tenants, tmp_path / "psa") as simulator:
            assert stat.S_IMODE(simulator.ready_file.stat().st_mode) == 0o600
            assert simulator.ready["sites"]["na"]["host"].startswith("psa.localhost:")
            tenant = simulator.ready["tenants"]["one"]
            seen.append((tenant["public_key"], tenant["private_key"], tenant["client_id"]))
            assert simulator.role("one", "Admin")
            pid = simulator.ready["pid"]
        assert simulator.process.returncode == 0
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert seen[0] == seen[1]


def test_it_ends_with_its_parent(tmp_path):
    tenants, ready = tmp_path / "tenants.yml", tmp_path / "ready.json"
    tenants.write_text("tenants: [{company_id: one, site: na}]")
    serve = [sys.executable, "-m", "tests.simulator", "serve", "--with-parent"]
    serve += ["--tenants", str(tenants), "--ready-file", str(ready)]
    script = f"import subprocess, time; subprocess.Popen({serve!r}); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.DEVNULL) as parent:
        wait_for(ready.exists)
        pid = json.loads(ready.read_text())["pid"]
        parent.send_signal(signal.SIGKILL)
    wait_for(lambda: not running(pid))


def running(pid):
    """Whether a process is there and not a zombie, which an orphan may stay where nobody waits for it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_for(condition, seconds=120.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_tenants_file_that_cannot_be_used(tmp_path, capsys):
    tenants = tmp_path / "tenants.yml"
    tenants.write_text("tenants: [{company_id: one, site: moon}]")
    assert cli.main(["serve", "--tenants", str(tenants)]) == 1
    assert capsys.readouterr().err == "error: tenant one: site 'moon' is no site that serves the API\n"
    with pytest.raises(ControlError, match="is no site that serves the API"):
        Simulator(tenants, tmp_path / "psa")
