# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that the learner was made without: what it learns of them says the same as they do, also of something new."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msp.connectwise.plugins.module_utils._customize import TABLE_SETUP, customizable
from ansible_collections.msp.connectwise.plugins.module_utils._facts import item_facts, matrix_facts
from ansible_collections.msp.connectwise.plugins.module_utils._permissions import VERBS
from ansible_collections.msp.connectwise.plugins.module_utils._routes import Extensions
from ansible_collections.msp.connectwise.plugins.plugin_utils._choreography import TO_PROVE, levels_of, usable_rows
from ansible_collections.msp.connectwise.plugins.plugin_utils._learn_tenant import Lesson
from tests.learning.replay import Told
from tests.learning.strangers import PASSWORD, PERSON, STRANGERS, TwoStep
from tests.learning.synthetic import (
    MEMBERS,
    NONCE,
    ROLES,
    Client,
    Graph,
    Rest,
    Wrapped,
    make_plan,
    matrix,
    records,
    study,
)

ALL = [Rest, Graph, Wrapped, *STRANGERS]


def taught(client: Client, folder: Path) -> Lesson:
    loaded = len(client.wire.entries)
    lesson = study([client.follow(make_plan()).save(folder / "session.har")], make_plan())
    # What was loaded once, is loaded.
    del client.wire.entries[loaded:]
    return lesson


def routes(lesson: Lesson, *operations: str) -> dict[str, Any]:
    return {operation: lesson.found[operation].routes[0] for operation in operations}


@pytest.mark.parametrize("client", STRANGERS)
def test_every_operation_of_a_stranger_is_learned(client: type[Client], tmp_path: Path) -> None:
    found = taught(client(), tmp_path).found
    assert {name: (one.state, one.why) for name, one in found.items()} == dict.fromkeys(found, ("learned", ""))
    assert len(found) == 6


@pytest.mark.parametrize("client", ALL)
def test_other_permissions_are_sent_as_the_client_sends_them(client: type[Client], tmp_path: Path) -> None:
    one = client()
    lesson = taught(one, tmp_path)
    chosen = usable_rows(matrix()[1], 4, skip=9)
    before = matrix_facts(matrix()[1], one.levels[1])
    wanted = {row.id: levels_of(letters) for row, letters in zip(chosen, TO_PROVE, strict=False)}
    rows = [{"module": row.module, "function": row.function, "levels": wanted[row.id]} for row in chosen]
    one.save_rows(1, rows)
    told = Told(one.wire, tmp_path)
    after = matrix_facts(matrix()[1], one.levels[1])
    extensions = Extensions(told, routes(lesson, "role_setting.update"))  # type: ignore[arg-type]
    changed = [fact for fact in after if fact["setting"] in wanted]
    if extensions.all_rows_at_once:
        extensions.update_settings(ROLES[1], changed, after)
    else:
        for fact in changed:
            held = next(row["levels"] for row in before if row["setting"] == fact["setting"])
            differs = {verb: fact["levels"][verb] for verb in VERBS if fact["levels"][verb] != held[verb]}
            extensions.update_setting(ROLES[1], fact["setting"], fact["levels"], differs, row=fact)
    assert told.sent


@pytest.mark.parametrize("client", ALL)
def test_another_list_is_sent_as_the_client_sends_it(client: type[Client], tmp_path: Path) -> None:
    one = client()
    lesson = taught(one, tmp_path)
    what = customizable(TABLE_SETUP, "System")
    some = records()[what.identifier]
    names = [what.name_of(record) for record in some]
    held = set(one.allowed[ROLES[0], what.identifier])
    refused = {names[2], names[5], names[-3]}
    one._list(
        {"role": 0, "module": what.module, "function": what.function, "identifier": what.identifier, "refused": refused}
    )
    told = Told(one.wire, tmp_path)
    row = next(fact for fact in matrix_facts(matrix()[0], {}) if fact["function"] == what.function)
    items = item_facts(some, what, set(names) - refused)
    parts = {
        "allowed": [item for item in items if item["allowed"]],
        "refused": [item for item in items if not item["allowed"]],
        "added": [item for item in items if item["allowed"] and item["name"] not in held],
        "removed": [item for item in items if not item["allowed"] and item["name"] in held],
    }
    extensions = Extensions(told, routes(lesson, "customize_items.replace", "customize_items.list"))  # type: ignore[arg-type]
    wanted = [name for name in names if name not in refused]
    extensions.replace_customize_items(
        ROLES[0], row["setting"], what.identifier, wanted, row=row, catalogue=items, **parts
    )
    assert told.sent
    while any(len(answers) > 1 for answers in told.answers.values()):
        # The read before the save is answered as it was then.
        extensions.customize_items(ROLES[0], row["setting"], row=row, catalogue=item_facts(some, what))
    found = extensions.customize_items(ROLES[0], row["setting"], row=row, catalogue=item_facts(some, what))
    assert sorted(found) == sorted(wanted)


@pytest.mark.parametrize("client", ALL)
def test_another_key_is_made_and_deleted_as_the_client_does(client: type[Client], tmp_path: Path) -> None:
    one = client()
    lesson = taught(one, tmp_path)
    key = {"id": 9977, "description": "Another of them", "public": "Pabcdefgh12345", "private": "Sabcdefghi12345678"}
    one.create_key(MEMBERS[1], key)
    one.list_keys(MEMBERS[1], [key])
    one.delete_key(MEMBERS[1], key)
    told = Told(one.wire, tmp_path)
    operations = ("api_member_key.create", "api_member_key.list", "api_member_key.delete")
    extensions = Extensions(told, routes(lesson, *operations))  # type: ignore[arg-type]
    made = extensions.create_key("api_member_key", MEMBERS[1], key["description"])
    assert (made["publicKey"], made["privateKey"]) == (key["public"], key["private"])
    (listed,) = extensions.keys("api_member_key", MEMBERS[1])
    assert (listed["description"], listed["publicKey"]) == (key["description"], key["public"])
    extensions.delete_key("api_member_key", MEMBERS[1], listed["id"])
    assert len(told.sent) >= 3


@pytest.mark.parametrize("client", STRANGERS)
def test_nothing_of_people_and_of_the_session_is_kept(client: type[Client], tmp_path: Path) -> None:
    one = client()
    lesson = taught(one, tmp_path)
    text = json.dumps({name: found.routes for name, found in lesson.found.items()})
    planted = [PASSWORD, PERSON, "jsample", "jane@example.org", NONCE, "c00kie5ecret9876"]
    planted += [str(number) for number in (*ROLES, *MEMBERS)]
    planted += [half for keys in one.keys.values() for key in keys for half in (key["public"], key["private"])]
    planted += [value for value in (getattr(one, "token", ""), getattr(one, "session", "")) if value]
    assert [secret for secret in planted if secret in text] == []


class Known(TwoStep):
    """What signing in said of the person is sent with each key, and nothing else ever says it."""

    def create_key(self, member: int, key: dict[str, Any]) -> None:
        body = {"note": key["description"], "by": "jane@example.org"}
        self.send("POST", f"/members/{member}/keys", body, {"user": key["public"], "password": key["private"]})


class Carried(TwoStep):
    """The token of the session is a part of what is sent."""

    def create_key(self, member: int, key: dict[str, Any]) -> None:
        body = {"note": key["description"], "auth": self.session}
        self.send("POST", f"/members/{member}/keys", body, {"user": key["public"], "password": key["private"]})


@pytest.mark.parametrize(
    ("client", "said"),
    [
        (Known, "POST /services/members/501/keys, body.by holds what an answer says of a person"),
        (Carried, "POST /services/members/501/keys, body.auth holds a value of the browser's session"),
    ],
)
def test_what_is_of_the_person_or_the_session_is_named_with_its_place(
    client: type[Client], said: str, tmp_path: Path
) -> None:
    found = taught(client(), tmp_path).found
    assert found["api_member_key.create"].state == "not understood"
    assert said in found["api_member_key.create"].why
    assert found["role_setting.update"].state == "learned"


class Doubled(Rest):
    """The value of a cookie comes again in a header, as a protection against forged requests."""

    cookie = "c00kie5ecret9876"

    def create_key(self, member: int, key: dict[str, Any]) -> None:
        answer = {"user": key["public"], "password": key["private"]}
        headers = {"X-XSRF-TOKEN": self.cookie}
        body = {"note": key["description"]}
        self.wire.send("POST", f"/members/{member}/keys", answer, json_body=body, headers=headers)


def test_a_header_that_repeats_a_cookie_is_left_out_as_the_cookie_is(tmp_path: Path) -> None:
    (route,) = taught(Doubled(), tmp_path).found["api_member_key.create"].routes
    assert "headers" not in route
