# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof of routes: right ones pass in every dialect, servers that do something else never do, nothing is left."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msp.connectwise.plugins.module_utils import _resource
from ansible_collections.msp.connectwise.plugins.module_utils._http import Http
from ansible_collections.msp.connectwise.plugins.plugin_utils._prove import GROUPS, Proof
from ansible_collections.msp.connectwise.plugins.plugin_utils._routes_book import Memory
from ansible_collections.msp.connectwise.plugins.plugin_utils._routes_care import clean_up, proof_on
from ansible_collections.msp.connectwise.plugins.plugin_utils._scratch import Scratch, new_nonce
from tests.learning.ground import DIALECTS, psa_of, routes_of, scratch_left, tenants
from tests.simulator.client import Simulator
from tests.simulator.mutations import MUTATIONS

OF_GROUP = {"levels": "permissions", "lists": "lists", "keys": "keys"}
WRONG = [(kind, name) for kind, names in MUTATIONS.items() for name in names]


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with Simulator(tenants(), tmp_path_factory.mktemp("psa")) as running:
        for name in DIALECTS:
            running.edit(
                name,
                {"op": "add_role", "name": "Bystander"},
                {"op": "add_member", "identifier": "Bystander", "member_type": "api", "role": "Bystander"},
            )
        yield running


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_resource, "_SETTLE", (0.0, 0.01))


def states(simulator: Simulator, tenant: str, memory: Memory) -> dict[str, str]:
    with psa_of(simulator, tenant) as psa:
        verdicts = proof_on(psa, routes_of(tenant), memory)
    return {operation: verdict.state for operation, verdict in verdicts.items()}


@pytest.mark.parametrize("dialect", [name for name in DIALECTS if name != "session"])
def test_right_routes_are_proven(simulator: Simulator, dialect: str, tmp_path: Path) -> None:
    before = simulator.state(dialect)
    found = states(simulator, dialect, Memory(tmp_path, dialect))
    assert found == dict.fromkeys([operation for some in GROUPS.values() for operation in some], "proven")
    assert scratch_left(simulator, dialect) == []
    after = simulator.state(dialect)
    assert after["roles"] == before["roles"]
    assert {name: after["keys"][name] for name in before["keys"]} == before["keys"]


def test_what_needs_the_session_is_refused_to_api_keys(simulator: Simulator, tmp_path: Path) -> None:
    found = states(simulator, "session", Memory(tmp_path, "session"))
    assert {found[operation] for operation in GROUPS["keys"]} == {"refused"}
    assert found["role_setting.update"] == "proven"
    # Nobody holds a key that could read the lists back as published.
    assert {found[operation] for operation in GROUPS["lists"]} == {"not proven"}
    assert scratch_left(simulator, "session") == []


@pytest.mark.parametrize(("kind", "mutation"), WRONG)
def test_a_server_that_does_something_else_is_never_accepted(
    simulator: Simulator, kind: str, mutation: str, tmp_path: Path
) -> None:
    before = simulator.state("message")
    simulator.edit("message", {"op": "set_web_client", "mutation": mutation})
    try:
        found = states(simulator, "message", Memory(tmp_path, "message"))
    finally:
        simulator.edit("message", {"op": "set_web_client", "mutation": None})
    assert {found[operation] for operation in GROUPS[OF_GROUP[kind]]} == {"not proven"}
    assert scratch_left(simulator, "message") == []
    roles = {member["identifier"]: member["securityRole"] for member in before["api_members"]}
    after = {member["identifier"]: member["securityRole"] for member in simulator.state("message")["api_members"]}
    if mutation != "a_role_renamed":
        assert {name: after[name] for name in ("Automation", "Bystander")} == {
            name: roles[name] for name in ("Automation", "Bystander")
        }


def test_there_are_ten_kinds_of_wrong_servers_and_more() -> None:
    assert len(WRONG) >= 10


class Killed(BaseException):
    """The process is gone: nothing of it runs any more."""


class Mortal(Http):
    """Dies at its nth request, and answers nothing after it."""

    left = 0

    def request(self, *args: Any, **details: Any) -> Any:
        Mortal.left -= 1
        if Mortal.left < 0:
            raise Killed
        return super().request(*args, **details)


# PROOF_EVERY=1 kills at each of its requests.
EVERY = int(os.environ.get("PROOF_EVERY", "0"))
STEPS = range(0, 260, EVERY) if EVERY else [*range(0, 60, 6), *range(60, 260, 25)]


@pytest.mark.parametrize("steps", STEPS)
def test_a_killed_proof_is_cleaned_up_by_the_next(simulator: Simulator, steps: int, tmp_path: Path) -> None:
    memory = Memory(tmp_path, "token")
    nonce = new_nonce()
    with psa_of(simulator, "token") as psa:
        psa._http = Mortal(psa.connection.policy, lambda _answer: False)
        Mortal.left = steps
        memory.begin(nonce)
        proof = Proof(psa, Scratch(psa, nonce))
        with suppress(Killed), proof.ground() as ground:
            proof.run(ground, routes_of("token"))
    with psa_of(simulator, "token") as psa:
        clean_up(psa, memory)
    assert scratch_left(simulator, "token") == []
    assert memory.read()["scratch"] == []


def test_scratch_members_are_used_again(simulator: Simulator, tmp_path: Path) -> None:
    """A member cannot be deleted, so each proof would otherwise leave another one."""
    for _proof in range(3):
        assert set(states(simulator, "words", Memory(tmp_path, "words")).values()) == {"proven"}
    scratch = [one for one in simulator.state("words")["api_members"] if one["identifier"].startswith("scr-")]
    assert len(scratch) == 1
