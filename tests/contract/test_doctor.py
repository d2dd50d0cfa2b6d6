# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The doctor finds each thing that can be wrong, and says what to do; the collection's own rights are the least."""

from __future__ import annotations

import copy
import itertools
import re
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.playground import Playground
from tests.simulator.client import Simulator

from .engine import ROOT, Failed, Integration, connection, profile_of, run

TENANTS: dict[str, Any] = {
    "sites": [
        {"name": "na"},
        {"name": "other"},
        {"name": "onprem", "kind": "on_prem"},
        {"name": "ui", "kind": "ui"},
        {"name": "expired", "certificate": "expired"},
        {"name": "elsewhere", "certificate": "other_host"},
    ],
    "tenants": [
        {"company_id": "north", "site": "na"},
        {"company_id": "abroad", "site": "other"},
        {"company_id": "hidden", "site": "na", "bad_keys_status": 404},
        {"company_id": "onprem", "site": "onprem", "profile": "published"},
        {"site": "na", "fleet": {"count": 60, "prefix": "t"}},
    ],
}
ADMIN = profile_of("cw_admin")
RIGHTS = [
    (module, function, verb)
    for module, functions in ADMIN["permissions"].items()
    for function, levels in functions.items()
    for verb in levels
]
TABLES = ADMIN["customize"]["Table Setup"]["allow"]
CHECKS = [
    *("options", "proxy", "name", "connection", "certificate", "service", "company", "clock", "host", "codebase"),
    *("client_id", "keys", "member", "level", "rights", "routes", "rate"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with Simulator(TENANTS, tmp_path_factory.mktemp("psa")) as simulator:
        yield simulator


@pytest.fixture
def simulator(server: Simulator) -> Iterator[Simulator]:
    yield server
    server.clear_faults()
    server.latency(0)


@pytest.fixture(scope="module")
def fresh() -> Iterator[str]:
    """Tenants that nobody has touched yet."""
    return (f"t{number:04d}" for number in itertools.count(1))


def examine(ready: dict[str, Any], tenant: str = "north", **changes: Any) -> dict[str, Any]:
    wishes = {"permissions": ADMIN["permissions"], "customize": ADMIN["customize"]}
    result = run("cw_doctor", connection(ready, tenant, **changes), **wishes)
    assert not result.get("failed"), result
    assert [line["check"] for line in result["findings"] if line["check"] in CHECKS]
    order = [CHECKS.index(line["check"]) for line in result["findings"]]
    assert order == sorted(order)
    assert set(order) == set(range(len(CHECKS)))
    return result


def only_wrong(result: dict[str, Any]) -> dict[str, str]:
    wrong = [line for line in result["findings"] if line["status"] == "wrong"]
    assert len(wrong) == 1, result["report"]
    assert wrong[0]["remedy"]
    assert result["healthy"] is False
    place = CHECKS.index(wrong[0]["check"])
    assert all(line["status"] != "wrong" for line in result["findings"] if CHECKS.index(line["check"]) < place)
    # What stands on it takes one line, not one each, of what a person reads.
    assert sum("not looked at" in line for line in result["report"]) <= 1
    return wrong[0]


def test_a_tenant_that_works(simulator: Simulator) -> None:
    result = examine(simulator.ready)
    assert result["healthy"] is True
    assert {line["status"] for line in result["findings"]} == {"ok", "warning"}
    warnings = {line["check"]: line for line in result["findings"] if line["status"] == "warning"}
    assert set(warnings) == {"rights"}
    assert "levels more" in warnings["rights"]["found"]
    assert "offered: Customize lists, API keys" in "\n".join(result["report"])
    assert simulator.journal("north", writes=True) == []


def test_a_published_tenant_on_premises(simulator: Simulator) -> None:
    result = examine(simulator.ready, "onprem")
    assert result["healthy"] is True
    report = "\n".join(result["report"])
    assert "not offered, so changes are manual steps: Customize lists, API keys" in report
    assert "on premises" in report


@pytest.mark.parametrize(
    ("changes", "check", "found", "remedy"),
    [
        ({"host": "https://psa.example.com/v4_6_release"}, "options", "has a path", "base address"),
        ({"client_id": ""}, "options", "no client_id", "cw_client_id"),
        ({"host": "na.myconnectwise.net"}, "options", "user interface", "api-na.myconnectwise.net"),
        ({"host": "no-such-host.invalid"}, "name", "not known", "DNS"),
        ({"company_id": "North"}, "company", '"North" is not known', "case-sensitive"),
        ({"codebase": "v2019_1"}, "codebase", "do not belong together", "v4_6_release"),
        ({"client_id": "11111111-2222-3333-4444-555555555555"}, "client_id", "not known", "client_id"),
        ({"private_key": "wrongwrongwrong"}, "keys", "refused", "private_key"),
        ({"ca_path": "/no/such/file.pem"}, "certificate", "cannot be read", "ca_path"),
    ],
)
def test_wrong_options(simulator: Simulator, changes: dict[str, Any], check: str, found: str, remedy: str) -> None:
    line = only_wrong(examine(simulator.ready, **changes))
    assert line["check"] == check
    assert found in line["found"]
    assert remedy in line["remedy"]


@pytest.mark.parametrize(
    ("site", "check", "found"),
    [
        ("expired", "certificate", "expired"),
        ("elsewhere", "certificate", "not trusted"),
        ("ui", "host", "user interface"),
        ("other", "company", "not known at this host"),
    ],
)
def test_wrong_sites(simulator: Simulator, site: str, check: str, found: str) -> None:
    line = only_wrong(examine(simulator.ready, host=simulator.ready["sites"][site]["host"]))
    assert line["check"] == check
    assert found in line["found"]


def test_keys_that_look_like_a_missing_endpoint(simulator: Simulator) -> None:
    assert only_wrong(examine(simulator.ready, "hidden", private_key="wrongwrongwrong"))["check"] == "keys"


def test_nobody_listens(simulator: Simulator) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    line = only_wrong(examine(simulator.ready, host=f"localhost:{port}"))
    assert line["check"] == "connection"
    assert "firewall" in line["remedy"]


def test_a_server_without_tls(simulator: Simulator) -> None:
    def answer(listener: socket.socket) -> None:
        for _turn in range(2):
            opened, _address = listener.accept()
            with opened:
                opened.recv(4096)
                opened.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(120)
        thread = threading.Thread(target=answer, args=(listener,))
        thread.start()
        line = only_wrong(examine(simulator.ready, host=f"localhost:{listener.getsockname()[1]}"))
        thread.join()
    assert line["check"] == "connection"
    assert "does not speak TLS" in line["found"]


@pytest.mark.parametrize("proxy", ["http://no-such-proxy.invalid:3128", "http://user:secret@127.0.0.1:{port}"])
def test_a_proxy_that_is_not_there(simulator: Simulator, monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", proxy.format(port=port))
    result = examine(simulator.ready, host="psa.example.com")
    wrong = [line for line in result["findings"] if line["status"] == "wrong"]
    assert [line["check"] for line in wrong] == ["proxy"]
    assert "HTTPS_PROXY" in wrong[0]["remedy"]
    assert "secret" not in str(result["report"])


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        ({"fault": "status", "status": 503, "path": "/system/info"}, "service"),
        ({"fault": "status", "status": 500, "path": "/system/info"}, "service"),
        ({"fault": "drop_after", "path": "/system/info"}, "service"),
        ({"fault": "html_200", "path": "/system/info"}, "host"),
        ({"fault": "redirect", "path": "/system/info"}, "host"),
        ({"fault": "status", "status": 429, "path": "/system/info"}, "rate"),
        ({"fault": "html_200", "path": "/login/companyinfo"}, "host"),
        ({"fault": "status", "status": 502, "path": "/login/companyinfo"}, "service"),
    ],
)
def test_a_server_in_trouble(simulator: Simulator, fault: dict[str, Any], check: str) -> None:
    simulator.faults({**fault, "tenant": "north"})
    assert only_wrong(examine(simulator.ready))["check"] == check


def test_a_clock_that_is_wrong(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.msp.connectwise.plugins.module_utils import _doctor

    class Ahead:
        monotonic = staticmethod(_doctor.time.monotonic)
        real = staticmethod(_doctor.time.time)

        @classmethod
        def time(cls) -> float:
            return cls.real() + 3600

    monkeypatch.setattr(_doctor, "time", Ahead)
    line = only_wrong(examine(simulator.ready))
    assert line["check"] == "clock"
    assert "ahead of" in line["found"]
    assert "NTP" in line["remedy"]


def test_a_slow_tenant_is_a_warning(simulator: Simulator) -> None:
    simulator.faults({"fault": "slow", "ms": 3300, "tenant": "north", "path": "/system/info", "nth": 3})
    result = examine(simulator.ready)
    assert result["healthy"] is True
    assert [line["check"] for line in result["findings"] if line["status"] == "warning"] == ["rights", "rate"]


# The collection's own rights


def least(simulator: Simulator, tenant: str) -> dict[str, Any]:
    """The connection options of a key with exactly the rights of cw_admin, made with an administrator's keys."""
    first = connection(simulator.ready, tenant)
    own = Integration(first, ADMIN)
    assert own.onboard()["status"] == "ready"
    key = own.store["current"]
    return {**first, "public_key": key["public_key"], "private_key": key["private_key"]}


def life(options: dict[str, Any]) -> None:
    """What the playbooks do to an integration, from nothing to nothing again."""
    profile = copy.deepcopy(profile_of("zofiq"))
    profile["customize"]["Configurations"] = {"allow": "all"}
    vendor = Integration(options, profile, key_grace_days=0)
    assert vendor.onboard()["status"] == "ready"
    vendor.onboard()
    assert not vendor.changed
    assert vendor.onboard(rotate=True)["status"] == "ready"
    for module, arguments in (
        ("cw_tenant_info", {}),
        ("cw_security_role_info", {}),
        ("cw_api_member_info", {}),
        ("cw_api_key_info", {"member": vendor.member}),
    ):
        vendor.task(module, **arguments)
    vendor.remove()
    vendor.task("cw_security_role", name="Nobody's")
    vendor.task("cw_security_role", name="Nobody's", state="absent")


def test_with_exactly_these_rights_everything_works(simulator: Simulator, fresh: Iterator[str]) -> None:
    tenant = next(fresh)
    options = least(simulator, tenant)
    simulator.clear_journal()
    life(options)
    assert 403 not in {entry["status"] for entry in simulator.journal(tenant)}
    result = examine({**simulator.ready, "tenants": {tenant: options}}, tenant)
    rights = [line for line in result["findings"] if line["check"] == "rights"]
    assert [(line["status"], line["found"]) for line in rights] == [("ok", "exactly what is needed")]


@pytest.mark.parametrize(("module", "function", "verb"), RIGHTS)
def test_without_one_right_the_message_names_it(
    simulator: Simulator, fresh: Iterator[str], module: str, function: str, verb: str
) -> None:
    tenant = next(fresh)
    options = least(simulator, tenant)
    levels = {
        name: ADMIN["permissions"][module][function].get(name, "None") for name in ("add", "edit", "delete", "inquire")
    }
    edit = {"op": "set_levels", "role": ADMIN["role_name"], "module": module, "function": function}
    simulator.edit(tenant, {**edit, "levels": {**levels, verb: "None"}})
    with pytest.raises(Failed) as failed:
        life(options)
    message = failed.value.result["msg"]
    assert f"{module} / {function} with {verb.capitalize()}: All" in message
    assert "What to do:" in message
    result = examine({**simulator.ready, "tenants": {tenant: options}}, tenant)
    line = only_wrong(result)
    assert line["check"] == "rights"
    assert f"{module} / {function} has {verb.capitalize()} None" in line["found"]
    assert f"set {verb.capitalize()} Level of {function} ({module}) to All" in line["remedy"]


@pytest.mark.parametrize("table", TABLES)
def test_without_one_table_the_message_names_it(simulator: Simulator, fresh: Iterator[str], table: str) -> None:
    tenant = next(fresh)
    options = least(simulator, tenant)
    kept = [name for name in TABLES if name != table]
    function = {"module": "System", "function": "Table Setup"}
    simulator.edit(tenant, {"op": "set_allow", "role": ADMIN["role_name"], **function, "items": kept})
    with pytest.raises(Failed) as failed:
        life(options)
    assert f"{table} on its Customize list" in failed.value.result["msg"]
    line = only_wrong(examine({**simulator.ready, "tenants": {tenant: options}}, tenant))
    assert f"Table Setup does not allow {table}" in line["found"]


def test_a_member_below_the_top_level(simulator: Simulator, fresh: Iterator[str]) -> None:
    tenant = next(fresh)
    first = connection(simulator.ready, tenant)
    levels = run("cw_tenant_info", first, gather=["levels"])["tenant"]["levels"]
    assert len(levels) > 1
    profile = {**ADMIN, "member": {**ADMIN["member"], "level": levels[-1]}}
    own = Integration(first, profile)
    own.onboard()
    key = own.store["current"]
    line = only_wrong(examine(simulator.ready, tenant, public_key=key["public_key"], private_key=key["private_key"]))
    assert line["check"] == "level"
    assert levels[0] in line["remedy"]


def test_the_playbook_over_a_fleet(simulator: Simulator, tmp_path: Any) -> None:
    ready = copy.deepcopy(simulator.ready)
    ready["tenants"] = {name: ready["tenants"][name] for name in ("north", "onprem", "abroad")}
    ready["tenants"]["abroad"]["private_key"] = "wrongwrongwrong"
    ground = Playground(tmp_path, ready)
    played = ground.play("doctor", passphrase=False)
    assert played.code == 2, played.output
    assert {name: counts["failed"] for name, counts in played.recap.items()} == {"north": 0, "onprem": 0, "abroad": 1}
    assert "wrong   keys: the keys were refused" in played.output
    assert "What to do: the company exists here, so check public_key" in played.output
    assert played.changed == 0
    # Whatever failed before it, the summary is the last that is shown.
    said = played.output.partition("PLAY RECAP")[0].rpartition("TASK [")[2].splitlines()
    assert said[0].startswith("Show the summary]")
    (head,) = (line for line in said if line.startswith("doctor, "))
    assert re.fullmatch(r"doctor, .* UTC: 3 tenants: 1 wrong, 2 (well|with a warning)", head)
    assert "abroad  wrong (keys)" in said
    doctor, onboard = (line for line in said if line.startswith("Next:"))
    assert doctor.endswith("msp.connectwise.doctor -i inventory.json --limit abroad")
    assert onboard.endswith("-i inventory.json --limit north,onprem --check --diff --ask-vault-pass")
    lenient = ground.play("doctor", "--limit", "abroad", passphrase=False, doctor_fail=False)
    assert lenient.code == 0, lenient.output


def test_the_profile_is_a_role_like_any_other(tmp_path: Any, simulator: Simulator, fresh: Iterator[str]) -> None:
    tenant = next(fresh)
    ground = Playground(tmp_path, {**simulator.ready, "tenants": {tenant: simulator.ready["tenants"][tenant]}})
    played = ground.play("onboard", cw_integrations=["cw_admin"])
    assert played.code == 0, played.output
    assert ground.statuses(tenant) == {"cw_admin": "ready"}
    specs = yaml.safe_load((ROOT / "roles/cw_admin/meta/argument_specs.yml").read_text(encoding="utf-8"))
    assert set(specs["argument_specs"]) == {"main"}
