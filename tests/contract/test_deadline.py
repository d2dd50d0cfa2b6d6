# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The deadline of a tenant passes at any request about its keys: none is lost, and the next run goes on with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msp.connectwise.plugins.module_utils import _resource
from ansible_collections.msp.connectwise.plugins.module_utils._http import Http
from ansible_collections.msp.connectwise.plugins.plugin_utils import _report
from tests.simulator.client import Simulator

from .engine import Failed, Integration, connection, profile_of

VENDOR = "umbrella"
# Requests about keys, counted from the one that makes the key: before it, itself, and those that look at what it made.
MOMENTS = range(-1, 3)


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    names = [f"t{number}" for number in range(len(MOMENTS))]
    tenants = [{"company_id": name, "site": "na", "profile": "extended"} for name in names]
    with Simulator({"sites": [{"name": "na"}], "tenants": tenants}, tmp_path_factory.mktemp("psa")) as running:
        yield running


def live_keys(simulator: Simulator, tenant: str, member: str) -> list[str]:
    return [key["public_key"] for key in simulator.state(tenant)["keys"].get(member, [])]


@pytest.mark.parametrize("moment", MOMENTS)
def test_no_key_is_lost_when_the_deadline_passes(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, moment: int
) -> None:
    monkeypatch.setattr(_resource, "_SETTLE", (0.0, 0.01))
    monkeypatch.setattr(_report, "run_directory", lambda: str(tmp_path))
    tenant = f"t{MOMENTS.index(moment)}"
    integration = Integration(connection(simulator.ready, tenant), profile_of(VENDOR))
    real, made = Http.request, [0]

    def request(self: Http, method: str, url: str, **details: Any) -> Any:
        is_creation = method == "POST" and url.endswith("/apiKeys")
        made[0] += is_creation or bool(made[0] and url.endswith("/apiKeys"))
        if is_creation and moment < 0:
            self.deadline.spend(self.deadline.limit.seconds)
        answer = real(self, method, url, **details)
        if made[0] == moment + 1 and made[0]:
            self.deadline.spend(self.deadline.limit.seconds)
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(Http, "request", request)
        with pytest.raises(Failed, match=r"the time limit deadline \(cw_deadline\) of 600 s was over"):
            integration.onboard()
    left = live_keys(simulator, tenant, integration.member)
    assert len(left) == (moment >= 0)
    entry = integration.onboard()
    assert entry["status"] == "ready"
    keys = live_keys(simulator, tenant, integration.member)
    assert keys == [integration.store["current"]["public_key"]]
    # The key that was made is the one that stays.
    assert set(left) <= set(keys)
