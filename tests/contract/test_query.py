# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Properties of lists between client and simulator, over TLS: conditions, fields, orderBy, paging, hostile names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.msp.connectwise.plugins.module_utils import _client
from ansible_collections.msp.connectwise.plugins.module_utils._client import Psa
from ansible_collections.msp.connectwise.plugins.module_utils._connection import parse_connection
from ansible_collections.msp.connectwise.plugins.module_utils._errors import AmbiguousName, InputError, InvalidRecord
from ansible_collections.msp.connectwise.plugins.module_utils._names import normalised
from ansible_collections.msp.connectwise.plugins.module_utils._roles import find_role
from tests.simulator.client import Simulator

from .engine import connection, run

TENANTS: dict[str, Any] = {
    "sites": [{"name": "na"}],
    "tenants": [
        {"company_id": "none", "site": "na"},
        {"company_id": "backslash", "site": "na", "quotes": "backslash", "equals": "sensitive"},
        {"company_id": "doubled", "site": "na", "quotes": "doubled"},
        {"company_id": "found", "site": "na"},
        {"company_id": "made", "site": "na"},
    ],
}
HOSTILE = [
    "null",
    "NULL",
    "true",
    "0",
    "'",
    '"',
    "O'Brien & Sons",
    'say "hi"',
    "back\\slash",
    "trailing\\",
    "100%",
    "%41",
    "a_b*c?",
    "semi;colon",
    "and or not",
    "name = 'x'",
    "(paren",
    "[2016-08-20T18:04:26Z]",
    "🔑🔒 key",
    "שלום עולם",
    "\u202eright to left",
    "é as e\u0301",
    "x" * 30,
    "🔑" * 15,
    "<b>&amp;</b>",
    "a/b?c#d",
    "+plus+",
    "new\tline",
    "{{ jinja }}",
]
TEXT = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=30),
    st.text(st.sampled_from("'\"\\%_*ab ()=&|,;"), min_size=1, max_size=30),
)
NAMES = TEXT.filter(lambda name: name.strip() == name)
FIELDS = ["id", "name", "roleType", "adminFlag", "inactiveFlag"]


def quick(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with Simulator(TENANTS, tmp_path_factory.mktemp("psa")) as running:
        for tenant in TENANTS["tenants"][:4]:
            names = [*HOSTILE, *(f"{name}2"[:30] for name in HOSTILE), "Plain", "plainer"]
            running.edit(tenant["company_id"], *({"op": "add_role", "name": name} for name in dict.fromkeys(names)))
        yield running


@pytest.fixture(scope="module")
def clients(simulator: Simulator) -> Iterator[dict[str, Psa]]:
    made = {name: Psa(parse_connection(connection(simulator.ready, name))) for name in simulator.ready["tenants"]}
    yield made
    for client in made.values():
        client.__exit__(None, None, None)


@pytest.fixture(scope="module")
def roles(clients: dict[str, Psa]) -> dict[str, list[dict[str, Any]]]:
    """Every role of each tenant, read once without conditions."""
    return {name: client.list("/system/securityroles") for name, client in clients.items()}


def literal(text: str, quotes: str) -> str | None:
    """A string in conditions as the tenant un-escapes it; None where it cannot be said."""
    if quotes == "backslash":
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if quotes == "doubled":
        return '"' + text.replace('"', '""') + '"'
    return next((f"{mark}{text}{mark}" for mark in "'\"" if mark not in text), None)


def plain(text: object, tenant: str) -> str:
    return str(text) if tenant == "backslash" else str(text).lower()


Condition = tuple[str, Any]


def conditions() -> st.SearchStrategy[Any]:
    """Trees of conditions: leaves compare a field, nodes join two."""
    leaf = st.one_of(
        st.tuples(st.just("="), st.sampled_from(HOSTILE)),
        st.tuples(st.just("!="), st.sampled_from(HOSTILE)),
        st.tuples(st.just("contains"), st.sampled_from(["a", "'", "\\", "2", "🔑", "e"])),
        st.tuples(st.just("in"), st.lists(st.sampled_from(HOSTILE), min_size=1, max_size=3)),
        st.tuples(st.sampled_from(["<", "<=", ">", ">="]), st.integers(0, 400)),
    )
    return st.recursive(leaf, lambda inner: st.tuples(st.sampled_from(["and", "or"]), inner, inner), max_leaves=4)


def written(tree: Any, quotes: str) -> str | None:
    kind = tree[0]
    if kind in ("and", "or"):
        left, right = written(tree[1], quotes), written(tree[2], quotes)
        return f"({left} {kind} {right})" if left is not None and right is not None else None
    if kind == "in":
        parts = [literal(one, quotes) for one in tree[1]]
        return f"name in ({', '.join(str(part) for part in parts)})" if None not in parts else None
    if kind in ("<", "<=", ">", ">="):
        return f"id {kind} {tree[1]}"
    value = literal(tree[1], quotes)
    return f"name {kind} {value}" if value is not None else None


def holds(tree: Any, role: dict[str, Any], tenant: str) -> bool:
    kind, name = tree[0], plain(role["name"], tenant)
    if kind == "and":
        return holds(tree[1], role, tenant) and holds(tree[2], role, tenant)
    if kind == "or":
        return holds(tree[1], role, tenant) or holds(tree[2], role, tenant)
    if kind == "in":
        return name in [plain(one, tenant) for one in tree[1]]
    if kind == "contains":
        return str(tree[1]).lower() in str(role["name"]).lower()
    if kind in ("=", "!="):
        return (name == plain(tree[1], tenant)) is (kind == "=")
    number, limit = int(role["id"]), int(tree[1])
    return {"<": number < limit, "<=": number <= limit, ">": number > limit, ">=": number >= limit}[kind]


@pytest.mark.parametrize("tenant", ["none", "backslash", "doubled"])
def test_conditions_select_what_they_say(clients: dict[str, Psa], roles: dict[str, Any], tenant: str) -> None:
    tried = 0

    @quick(60)
    @given(conditions())
    def check(tree: Any) -> None:
        nonlocal tried
        text = written(tree, tenant)
        if text is None:
            return
        found = clients[tenant].list("/system/securityroles", conditions=text)
        wanted = [role["id"] for role in roles[tenant] if holds(tree, role, tenant)]
        assert sorted(role["id"] for role in found) == sorted(wanted), text
        assert clients[tenant].get("/system/securityroles/count", conditions=text)["count"] == len(wanted)
        tried += 1

    check()
    assert tried > 20


def test_conditions_that_are_none_are_refused_in_words(clients: dict[str, Psa]) -> None:
    @quick(40)
    @given(st.text(st.sampled_from("'\"\\()=<>[] andorinlikename1,%"), min_size=1, max_size=25))
    def check(text: str) -> None:
        refusal: InvalidRecord | None = None
        try:
            clients["none"].list("/system/securityroles", conditions=text)
        except InvalidRecord as problem:
            refusal = problem
        if refusal is not None:
            assert "conditions" in str(refusal)
            assert refusal.remedy

    check()


def test_fields_and_order_change_nothing_else(clients: dict[str, Psa], roles: dict[str, Any]) -> None:
    @quick(25)
    @given(
        st.lists(st.sampled_from(FIELDS), min_size=1, unique=True),
        st.sampled_from(["name", "id", "name asc", "name desc", "id desc", "adminFlag desc, name asc"]),
    )
    def check(fields: list[str], order: str) -> None:
        found = clients["none"].list("/system/securityroles", fields=",".join(fields), orderBy=order)
        assert len(found) == len(roles["none"])
        assert all(set(role) - {"_info"} <= set(fields) for role in found)
        ordered = clients["none"].list("/system/securityroles", orderBy=order)
        assert [role.get("id") for role in found if "id" in role] == (
            [role["id"] for role in ordered] if "id" in fields else []
        )
        if order.startswith("id"):
            numbers = [role["id"] for role in ordered]
            assert numbers == sorted(numbers, reverse=order.endswith("desc"))

    check()


def test_pages_of_any_size_give_each_record_once(
    clients: dict[str, Psa], roles: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    @quick(15)
    @given(st.integers(1, 80), st.sampled_from([None, "name desc", "id"]))
    def check(size: int, order: str | None) -> None:
        monkeypatch.setattr(_client, "PAGE_SIZE", size)
        found = clients["none"].list("/system/securityroles", orderBy=order)
        assert sorted(role["id"] for role in found) == sorted(role["id"] for role in roles["none"])

    check()


def test_forward_only_pages_give_each_record_once(clients: dict[str, Psa], roles: dict[str, Any]) -> None:
    client = clients["none"]

    @quick(10)
    @given(st.integers(1, 30))
    def check(size: int) -> None:
        url = f"https://{client.connection.host}/v4_6_release/apis/3.0/system/securityroles?pageSize={size}"
        seen: list[int] = []
        for _page in range(200):
            answer = client._http.request(
                "GET",
                url,
                authorization=client._authorization,
                headers={"clientId": client.connection.client_id, "pagination-type": "forward-only"},
            )
            assert answer.status == 200
            seen += [role["id"] for role in answer.data]
            following = re.search(r'<([^>]+)>;\s*rel="next"', answer.headers.get("Link", ""))
            if following is None:
                break
            assert "pageId=" in following.group(1)
            url = following.group(1)
        assert seen == [role["id"] for role in roles["none"]]

    check()


@pytest.mark.parametrize("tenant", ["none", "backslash", "doubled"])
def test_a_role_is_found_by_its_name_whatever_it_is(
    clients: dict[str, Psa], roles: dict[str, Any], tenant: str
) -> None:
    for role in roles[tenant]:
        found = find_role(clients[tenant], role["name"])
        assert found is not None
        assert found["name"] == role["name"]


def test_a_name_finds_nothing_of_another_meaning(clients: dict[str, Psa], roles: dict[str, Any]) -> None:
    @quick(40)
    @given(NAMES)
    def check(name: str) -> None:
        try:
            found = find_role(clients["found"], name)
        except AmbiguousName:
            return
        if found is not None:
            assert normalised(found["name"]) == normalised(name)
        else:
            assert name not in [role["name"] for role in roles["found"]]

    check()


def test_roles_and_members_of_any_name_are_made_once_and_taken_away(simulator: Simulator) -> None:
    """Through the modules: create, find again, unchanged, delete."""
    options = connection(simulator.ready, "made")
    done: set[str] = set()

    @quick(10)
    @given(NAMES.filter(lambda name: len(name) <= 30 and normalised(name) not in {"", "admin", "technician"}))
    def check(name: str) -> None:
        if normalised(name) in done:
            return
        done.add(normalised(name))
        first = run("cw_security_role", options, name=name)
        assert not first.get("failed"), first
        assert first["changed"]
        again = run("cw_security_role", options, name=name)
        assert (again.get("failed"), again["changed"]) == (None, False)
        assert simulator.role("made", again["role"]["name"]) is not None
        gone = run("cw_security_role", options, name=name, state="absent")
        assert gone["changed"]
        assert simulator.role("made", name) is None

    check()
    identifiers = ['O\'Brien "x"', "back\\slash", "100% sure", "🔑🔑🔑🔑🔑🔑🔑", "null", "\u202eabc", "x" * 15]
    for identifier in identifiers:
        made = run("cw_api_member", options, identifier=identifier, security_role="Technician", level="top")
        assert not made.get("failed"), made
        again = run("cw_api_member", options, identifier=identifier, security_role="Technician", level="top")
        assert not again["changed"]
        owned = run("cw_api_key", options, member=identifier, description=identifier)
        assert owned["changed"], owned
        assert not run("cw_api_key", options, member=identifier, description=identifier)["changed"]
    members = [one["identifier"] for one in simulator.state("made")["api_members"]]
    assert sorted(members) == sorted(["Automation", *identifiers])


@pytest.mark.parametrize("name", ["", "   ", "x" * 31, "🔑" * 31])
def test_names_that_cannot_be_are_refused_before_anything_is_sent(simulator: Simulator, name: str) -> None:
    before = len(simulator.journal("made"))
    result = run("cw_security_role", connection(simulator.ready, "made"), name=name)
    assert result["failed"]
    assert result["error"]["kind"] == InputError.__name__
    assert len(simulator.journal("made")) == before


def test_spaces_around_a_name_do_not_make_a_second_role(simulator: Simulator) -> None:
    options = connection(simulator.ready, "made")
    run("cw_security_role", options, name="Spaced")
    for name in ("Spaced ", " spaced"):
        result = run("cw_security_role", options, name=name)
        assert (result["changed"], result["error"]["kind"]) == (False, "NotOurs")
        assert 'one is called "Spaced"' in result["msg"]
