# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which keys may be sent to which host."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.msp.connectwise.plugins.module_utils._connection import parse_host
from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError
from ansible_collections.msp.connectwise.plugins.plugin_utils._binding import Binding, host_in, misdirected, server_of
from ansible_collections.msp.connectwise.plugins.plugin_utils._engine import Site
from ansible_collections.msp.connectwise.plugins.plugin_utils._fleet_run import Tenant, shared_companies
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_facts import Facts, Wish, mismatch
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_life import KeyLifeError, turn
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_record import SECONDS

HOME, OTHER = "psa.example.com", "psa.example.net"
NAMED = {"host": HOME, "home": HOME}


@pytest.mark.parametrize(
    ("options", "host"),
    [
        ({"host": "https://PSA.Example.com:443"}, HOME),
        ({"host": "psa.example.com."}, HOME),
        ({"host": "psa.example.com:8443"}, "psa.example.com:8443"),
        ({"host": "https://psa.example.com.:8443/"}, "psa.example.com:8443"),
        ({"host": "PSA.example.com.:443"}, HOME),
        ({"host": "[2001:DB8:0:0::1]:443"}, "[2001:db8::1]"),
        ({"host": "[2001:db8::0001]:8443"}, "[2001:db8::1]:8443"),
        ({"region": "eu"}, "api-eu.myconnectwise.net"),
        ({"region": "eu", "host": "API-EU.myconnectwise.net"}, "api-eu.myconnectwise.net"),
        ({"region": "eu", "host": HOME}, HOME),
        ({}, ""),
    ],
)
def test_hosts_are_compared_as_what_they_are(options: dict[str, Any], host: str) -> None:
    assert host_in(options) == host


@pytest.mark.parametrize(
    ("facts", "held", "refused"),
    [
        (NAMED, "", ""),
        (NAMED, HOME, ""),
        (NAMED, "PSA.example.com.:443", ""),
        (NAMED, "[", "belongs to the host ["),
        ({"host": OTHER, "home": HOME}, "", f"keys to {OTHER}, and the inventory names {HOME}"),
        ({"host": OTHER, "home": HOME}, HOME, "nothing was sent"),
        ({"host": OTHER, "home": HOME, "keys": False}, "", "nothing was sent"),
        # A confirmation is about the record, not about extra variables.
        ({"host": OTHER, "home": HOME, "moved": True}, HOME, "nothing was sent"),
        ({"host": OTHER, "home": HOME, "override": True}, "", ""),
        ({"host": OTHER, "home": HOME, "override": True}, HOME, ""),
        ({"host": OTHER, "home": HOME, "override": True}, OTHER, f"belongs to the host {OTHER}"),
        # The inventory itself names another host than the record.
        (NAMED, OTHER, f"belongs to the host {OTHER}, and the inventory names {HOME}"),
        ({**NAMED, "override": True}, OTHER, "was not sent"),
        ({**NAMED, "moved": True}, OTHER, ""),
        # The inventory names no host.
        ({"host": OTHER}, "", ""),
        ({"host": OTHER, "chosen": True}, "", ""),
        ({"host": OTHER, "keys": True}, "", ""),
        ({"host": OTHER, "chosen": True, "keys": True}, "", "the inventory names no host"),
        ({"host": OTHER, "chosen": True, "keys": True, "override": True}, "", ""),
        ({"host": OTHER, "chosen": True}, HOME, f"belongs to the host {HOME}"),
    ],
)
def test_a_key_goes_to_the_host_it_is_bound_to(facts: dict[str, Any], held: str, refused: str) -> None:
    problem = misdirected(Binding("north", **facts), held)
    if not refused:
        assert problem is None
        return
    assert isinstance(problem, InputError)
    assert problem.tenant == "north"
    assert refused in str(problem)
    assert "What to do: " in str(problem)


@pytest.mark.parametrize(
    ("host", "server"),
    [
        ("localhost", "loopback"),
        ("LOCALHOST", "loopback"),
        ("localhost.", "loopback"),
        ("https://localhost:443", "loopback"),
        ("127.0.0.1", "loopback"),
        ("127.9.9.9", "loopback"),
        ("127.1", "loopback"),
        ("0.0.0.0:8443", "loopback:8443"),
        ("[::1]", "loopback"),
        ("[0:0:0:0:0:0:0:1]:443", "loopback"),
        ("[::ffff:127.0.0.1]:8443", "loopback:8443"),
        ("LocalHost:8443", "loopback:8443"),
        ("127.0.0.1:8443", "loopback:8443"),
        ("psa.localhost:8443", "loopback:8443"),
        ("[2001:DB8::1]", "[2001:db8::1]"),
        ("[2001:DB8::1]:8443", "[2001:db8::1]:8443"),
        ("10.0.0.1", "10.0.0.1"),
        ("localhost.example.com", "localhost.example.com"),
        ("PSA.example.com.:443", HOME),
        ("api-aus.myconnectwise.net", "api-au.myconnectwise.net"),
        ("api-na.myconnectwise.net:443", "api-na.myconnectwise.net"),
    ],
)
def test_one_server_has_one_name(options: dict[str, Any], host: str, server: str) -> None:
    assert server_of(host_in({**options, "host": host})) == server
    assert server_of(parse_host(host)) == server


@pytest.mark.parametrize(
    ("hosts", "company", "shared"),
    [
        (("localhost:8443", "LOCALHOST:8443", "127.0.0.1:8443", "[::1]:8443"), "north", True),
        (("psa.example.com", "PSA.EXAMPLE.COM.:443"), "north", True),
        (("", "api-na.myconnectwise.net"), "north", True),
        (("psa.example.com", "psa.example.net"), "north", False),
        (("localhost:8443", "localhost:9443"), "north", False),
    ],
)
def test_hosts_of_the_inventory_that_are_one_company(
    options: dict[str, Any], hosts: tuple[str, ...], company: str, shared: bool
) -> None:
    tenants = []
    for number, host in enumerate(hosts):
        named = {"host": host} if host else {"host": None, "region": "na"}
        site = Site(f"t{number}", lambda *_call, **_more: {}, company, "", False)
        one: Any = SimpleNamespace(vendor="umbrella")
        tenants.append(Tenant(site.name, site, {**options, **named}, integrations=[one]))
    assert sorted(shared_companies(tenants)) == ([one.name for one in tenants] if shared else [])
    # Integrations of their own do not meet.
    tenants[0].integrations[0].vendor = "petra"
    assert (tenants[0].name in shared_companies(tenants)) is (shared and len(tenants) > 2)


def test_the_command_for_a_tenant_that_has_moved_is_in_the_error() -> None:
    assert "--limit north -e cw_confirm=host-moved" in str(misdirected(Binding("north", **NAMED), OTHER))


# What follows for a record


def wish(**facts: Any) -> Wish:
    return Wish("Sync", "api", "Sync", company_id="north", binding=Binding("north", **{**NAMED, **facts}))


def turned(record: dict[str, Any], one: Wish, state: str) -> Any:
    from datetime import datetime, timezone

    facts = Facts(True, [{"id": 1, "description": "Sync", "public_key": "p"}], True, {"p": state})
    moment = datetime.fromtimestamp(SECONDS, timezone.utc)
    return turn(record, facts, one, {"host": "here", "pid": 1}, moment, lambda _owner: False)


CURRENT = {"key_id": 1, "public_key": "p", "private_key": "q"}


def test_a_record_of_an_older_version_is_bound_once_its_key_is_valid() -> None:
    held = {"current": CURRENT}
    assert mismatch(held, wish()) == ""
    for absent in (False, True):
        step = turned(held, replace(wish(), absent=absent), "valid")
        assert (step.do, step.record, step.does) == ("write", held, f"stored key bound to the host {HOME}")
    assert wish().identity["host"] == HOME
    assert turned({"current": CURRENT, "host": HOME}, wish(), "valid").do == "rest"
    # Nothing says to whom it could be bound.
    assert turned(held, Wish("Sync", "api", "Sync", company_id="north"), "valid").do == "rest"


@pytest.mark.parametrize("more", [{"heal": True}, {"replace": "p"}, {"absent": True}])
def test_a_record_of_an_older_version_is_nobodys_whom_its_key_does_not_know(more: dict[str, Any]) -> None:
    held = {"current": CURRENT}
    with pytest.raises(KeyLifeError, match=r"names no host.*nothing was changed.*-e cw_confirm=host-moved"):
        turned(held, replace(wish(), **more), "refused")
    confirmed = turned(held, replace(wish(moved=True), **more), "refused")
    assert confirmed.do == ("delete" if "absent" in more else "write")


def test_the_record_of_a_tenant_that_has_moved_names_its_new_host_once_its_key_is_valid_there() -> None:
    held = {"current": CURRENT, "host": OTHER}
    with pytest.raises(KeyLifeError, match="belongs to the host"):
        turned(held, wish(), "valid")
    for state in ("refused", "foreign", "none"):
        with pytest.raises(KeyLifeError, match="does not accept the stored key"):
            turned(held, wish(moved=True), state)
    step = turned(held, wish(moved=True), "valid")
    assert (step.do, step.record) == ("write", held)
    assert HOME in step.does
