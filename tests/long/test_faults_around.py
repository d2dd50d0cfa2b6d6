# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults around the requests: names, certificates, proxies, and lists that change between their pages."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.msp.connectwise.plugins.module_utils import _client
from tests.contract.campaign import Case, Fault, carry_out
from tests.contract.engine import Failed, Integration, connection, profile_of
from tests.simulator.client import Simulator

TENANTS: dict[str, Any] = {
    "sites": [
        {"name": "na"},
        {"name": "expired", "certificate": "expired"},
        {"name": "elsewhere", "certificate": "other_host"},
        {"name": "ui", "kind": "ui"},
    ],
    "tenants": [{"site": "na", "fleet": {"count": 99, "prefix": "t"}}],
}
SHIFTED = Fault("settings change between pages", {"fault": "shifted_pages"}, "not taken over|has no|does not have")


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with Simulator(TENANTS, tmp_path_factory.mktemp("psa")) as running:
        yield running


def refused(options: dict[str, Any]) -> str:
    with pytest.raises(Failed) as failed:
        Integration(options, profile_of("umbrella")).onboard()
    message = str(failed.value.result["msg"])
    assert "What to do:" in message
    return message


@pytest.mark.parametrize(
    ("site", "cause"),
    [("expired", "expired"), ("elsewhere", "not trusted"), ("ui", "not known at this host|user interface")],
)
def test_wrong_servers(simulator: Simulator, fresh: Iterator[str], site: str, cause: str) -> None:
    options = connection(simulator.ready, next(fresh), host=simulator.ready["sites"][site]["host"])
    assert any(words in refused(options) for words in cause.split("|"))


def test_a_name_that_is_not_known(simulator: Simulator, fresh: Iterator[str]) -> None:
    message = refused(connection(simulator.ready, next(fresh), host="no-such-host.invalid", retries=1))
    assert "the host name is not known" in message
    assert "DNS" in message


def test_a_proxy_that_fails(simulator: Simulator, fresh: Iterator[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
    message = refused(connection(simulator.ready, next(fresh), host="psa.example.com", retries=1))
    assert "the proxy refused or failed" in message
    assert "HTTPS_PROXY" in message


# After 3, 76 and 90 rows the one that is lost is a row of the profile.
@pytest.mark.parametrize("size", [3, 7, 25, 76, 90])
def test_settings_that_change_between_pages(
    simulator: Simulator, fresh: Iterator[str], monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(_client, "PAGE_SIZE", size)
    cases = []
    for path in ("/settings$", "/system/mySecurity$", "/system/setupScreens$", "/customizeItems/?$"):
        for times in ({"nth": 2}, {"nth": 5}, {}):
            tenant = next(fresh)
            cases.append(
                Case(SHIFTED, f"{path} {times}", tenant, {**SHIFTED.rule, "tenant": tenant, "path": path, **times})
            )
    carry_out(simulator, cases)
    assert [(case.where, case.outcome, case.message, case.problems) for case in cases if case.problems] == []
