# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Learning from recordings of clients that exist nowhere else, and from recordings that are of no use."""

from __future__ import annotations

import copy
import json
import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import context
from ansible.module_utils.common.collections import ImmutableDict

from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError
from ansible_collections.msp.connectwise.plugins.module_utils._permissions import VERBS
from ansible_collections.msp.connectwise.plugins.module_utils._routes import parse_route
from ansible_collections.msp.connectwise.plugins.module_utils._templates import fill
from ansible_collections.msp.connectwise.plugins.plugin_utils import _choreography, _har
from ansible_collections.msp.connectwise.plugins.plugin_utils._choreography_page import as_html, as_markdown
from ansible_collections.msp.connectwise.plugins.plugin_utils._lesson_files import LessonFiles
from tests.learning import synthetic
from tests.learning.synthetic import HOST, NONCE, Client, Graph, Rest, Wire, Wrapped, make_plan, study

CLIENTS = [Rest, Graph, Wrapped]


def recorded(client: Client, folder: Path) -> str:
    return client.follow(make_plan()).save(folder / "session.har")


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_that_was_never_seen(client: type[Client], tmp_path: Path) -> None:
    lesson = study([recorded(client(), tmp_path)], make_plan())
    assert {operation: found.state for operation, found in lesson.found.items()} == dict.fromkeys(
        (
            "role_setting.update",
            "customize_items.replace",
            "customize_items.list",
            "api_member_key.list",
            "api_member_key.create",
            "api_member_key.delete",
        ),
        "learned",
    )
    for operation, found in lesson.found.items():
        for route in found.routes:
            parse_route(operation, route)


def test_ids_in_addresses_and_letters_for_levels(tmp_path: Path) -> None:
    route = study([recorded(Rest(), tmp_path)], make_plan()).found["role_setting.update"].routes[0]
    assert route["path"] == "/services/security/role-{role}/rights/{setting}"
    assert route["maps"]["words"] == {"None": "x", "My": "o", "All": "*"}
    levels = dict(zip(VERBS, ("All", "None", "My", "All"), strict=True))
    assert fill(route["body"], {"levels": levels, "maps": route["maps"]}) == {"value": "*xo*"}


def test_values_of_an_earlier_answer_are_asked_for(tmp_path: Path) -> None:
    route = study([recorded(Wrapped(), tmp_path)], make_plan()).found["role_setting.update"].routes[0]
    assert [step["path"] for step in route["first"]] == ["/services/role.asmx", "/services/token.asmx"]
    assert route["first"][0]["query"] == {"id": "{role}"}


@pytest.mark.parametrize("client", CLIENTS)
def test_nothing_of_the_recording_but_its_form_is_kept(client: type[Client], tmp_path: Path) -> None:
    one = client()
    file = recorded(one, tmp_path)
    text = json.dumps({name: found.routes for name, found in study([file], make_plan()).found.items()})
    planted = ["c00kie5ecret9876", "Jane Sample", NONCE, str(synthetic.ROLES[0]), str(synthetic.MEMBERS[0])]
    content = Path(file).read_text(encoding="utf-8")
    planted += [half for keys in one.keys.values() for key in keys for half in (key["public"], key["private"])]
    planted += [entry["value"] for entry in _tokens(content)]
    assert all(secret in content for secret in planted if secret != "Jane Sample")
    assert [secret for secret in planted if secret in text] == []


def _tokens(content: str) -> list[dict[str, str]]:
    answers = [entry["response"]["content"]["text"] for entry in json.loads(content)["log"]["entries"]]
    return [json.loads(json.loads(text)["d"]) for text in answers if text.startswith('{"d": "{\\"value')]


class Colliding(Graph):
    """The code of a level is the id of a role, and of a member."""

    def write_rows(self, role: int, changed: list[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
        codes = {"None": synthetic.ROLES[0], "My": synthetic.ROLES[1], "All": synthetic.MEMBERS[0]}
        rights = [[row["setting"], *(codes[row["levels"][verb]] for verb in VERBS)] for row in changed]
        self.ask("saveRights", {"roleId": role, "kind": synthetic.ROLES[0], "rights": rights}, {"saveRights": {}})


def test_values_that_collide_are_told_apart(tmp_path: Path) -> None:
    route = study([recorded(Colliding(), tmp_path)], make_plan()).found["role_setting.update"].routes[0]
    variables = route["body"]["variables"]
    assert variables["roleId"] == "{role}"
    assert variables["kind"] == synthetic.ROLES[0]
    assert [cell["of"] for cell in variables["rights"]["do"][1:]] == [f"{{each.levels.{verb}}}" for verb in VERBS]


class Nonce(Rest):
    """A number made by the client that nothing explains."""

    def create_key(self, member: int, key: dict[str, Any]) -> None:
        self.number += 3
        body = {"note": key["description"], "ticket": f"{self.number * 7919 % 100003:06d}"}
        answer = {"user": key["public"], "password": key["private"]}
        self.wire.send("POST", f"/members/{member}/keys", answer, json_body=body, status=201)


def test_what_nothing_explains_is_named_with_its_place(tmp_path: Path) -> None:
    found = study([recorded(Nonce(), tmp_path)], make_plan()).found
    assert found["api_member_key.create"].state == "not understood"
    assert "POST /services/members/501/keys, body.ticket" in found["api_member_key.create"].why
    assert found["role_setting.update"].state == "learned"


class Audited(Rest):
    """Everything is told to a log as well, in other words."""

    def create_key(self, member: int, key: dict[str, Any]) -> None:
        body = {"event": "key", "who": member, "what": key["description"]}
        self.wire.send("POST", "/audit", {"id": self.wire.now}, json_body=body)
        super().create_key(member, key)


def test_of_two_candidates_only_one_makes_a_key(tmp_path: Path) -> None:
    found = study([recorded(Audited(), tmp_path)], make_plan()).found["api_member_key.create"]
    assert found.state == "learned"
    assert [route["path"] for route in found.routes] == ["/services/members/{member}/keys"]


class Doubtful(Rest):
    """Two addresses take the same levels: only a proof tells which of them writes."""

    def write_rows(self, role: int, changed: list[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
        for row in changed:
            body = {"role": role, "row": row["setting"], **row["levels"]}
            self.wire.send("POST", "/journal", {"noted": self.wire.now}, json_body=body)
        super().write_rows(role, changed, rows)


def test_two_candidates_are_both_kept_for_the_proof(tmp_path: Path) -> None:
    found = study([recorded(Doubtful(), tmp_path)], make_plan()).found["role_setting.update"]
    assert sorted(route["path"].split("/")[2] for route in found.routes) == ["journal", "security"]


class Noisy(Rest):
    """Polls, telemetry, a failed attempt and its retry, another host, a WebSocket, a picture."""

    def create_key(self, member: int, key: dict[str, Any]) -> None:
        self.wire.send("POST", "/poll", {"n": self.wire.now}, json_body={"member": member, "at": self.wire.now})
        self.wire.send("OPTIONS", f"/members/{member}/keys", "")
        self.wire.send("GET", "/logo.png", "", kind="image/png")
        failed = {"note": key["description"]}
        self.wire.send("POST", f"/members/{member}/keys", {"message": "try again"}, json_body=failed, status=503)
        host, self.wire.host = self.wire.host, "telemetry.example.net"
        self.wire.send("POST", "/collect", {}, json_body={"what": key["description"]})
        self.wire.host = host
        super().create_key(member, key)
        self.wire.entries.append(
            {**self.wire.entries[-1], "_webSocketMessages": [], "request": {"method": "GET", "url": "wss://x/"}}
        )
        self.wire.entries.append({"broken": True})


def test_noise_is_set_aside(tmp_path: Path) -> None:
    lesson = study([recorded(Noisy(), tmp_path)], make_plan())
    assert {found.state for found in lesson.found.values()} == {"learned"}


# Recordings that are of no use


def changed(folder: Path, change: Any) -> str:
    file = Path(recorded(Rest(), folder))
    document = json.loads(file.read_text(encoding="utf-8"))
    document["log"]["entries"] = change(document["log"]["entries"])
    file.write_text(json.dumps(document), encoding="utf-8")
    return str(file)


def without_content(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for entry in entries:
        entry["response"]["content"] = {"mimeType": "application/json", "size": 7}
    return entries


def elsewhere(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**one, "request": {**one["request"], "url": "https://other.example.com/"}} for one in entries]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without_content, "holds no content"),
        (lambda _entries: [], "is empty"),
        (elsewhere, "other.example.com"),
        (lambda entries: json.loads(json.dumps(entries).replace(NONCE, "zzzzz9")), "not of this choreography"),
    ],
)
def test_a_recording_of_no_use_says_what_to_record(tmp_path: Path, change: Any, said: str) -> None:
    with pytest.raises(InputError, match=said) as refused:
        study([changed(tmp_path, change)], make_plan())
    assert "record" in refused.value.remedy


def test_a_cut_off_recording(tmp_path: Path) -> None:
    file = Path(recorded(Rest(), tmp_path))
    file.write_text(file.read_text(encoding="utf-8")[:-300], encoding="utf-8")
    with pytest.raises(InputError, match="cut off"):
        study([str(file)], make_plan())


def test_half_a_gigabyte_is_refused_before_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "huge.har"
    with file.open("wb") as stream:
        stream.truncate(500 * 1024 * 1024)
    with pytest.raises(InputError, match=r"is 500 MB; 100 MB are read"):
        study([str(file)], make_plan())


@pytest.mark.parametrize("content", ["[]", '{"log": {}}', "7", ""])
def test_a_file_that_is_no_recording(tmp_path: Path, content: str) -> None:
    file = tmp_path / "x.har"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(InputError):
        study([str(file)], make_plan())


def test_only_some_of_the_repetitions(tmp_path: Path) -> None:
    def last_left_out(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        made = [one for one in entries if one["request"]["method"] == "POST"]
        return [one for one in entries if one not in made[1:]]

    found = study([changed(tmp_path, last_left_out)], make_plan()).found["api_member_key.create"]
    assert found.state == "not recorded"
    assert "makes the keys of the scratch members (POST /services/members/501/keys) is in the recording only once" in (
        found.why
    )


def test_nothing_but_noise(tmp_path: Path) -> None:
    wire = Wire()
    wire.send("POST", "/poll", {"name": f"Scratch {NONCE} one"}, json_body={"at": wire.now})
    found = study([wire.save(tmp_path / "x.har")], make_plan()).found
    assert {one.state for one in found.values()} == {"not recorded"}


def test_two_files_are_one_recording(tmp_path: Path) -> None:
    entries = Rest().follow(make_plan()).entries
    files = []
    for name, some in (("a", entries[1::2]), ("b", entries[::2])):
        part = Wire()
        part.entries = some
        files.append(part.save(tmp_path / f"{name}.har"))
    assert {found.state for found in study(files, make_plan()).found.values()} == {"learned"}


# The choreography


def test_no_two_rights_can_be_mistaken_for_each_other() -> None:
    seen = set()
    everywhere = (1 << len(_choreography.TO_LEARN)) - 1
    for place in range(len(VERBS)):
        for letter in _choreography.LETTERS:
            pattern = sum(1 << number for number, row in enumerate(_choreography.TO_LEARN) if row[place] == letter)
            assert pattern not in (0, everywhere)
            assert not {pattern, everywhere ^ pattern} & seen
            seen.add(pattern)


def test_every_save_changes_something_and_rows_come_again() -> None:
    plan = make_plan()
    assert [len(save["rows"]) for save in plan["saves"]] == [4, 3, 2]
    assert {save["role"] for save in plan["saves"]} == {0, 1}
    assert {save["identifier"] for save in plan["lists"]} > {"SystemTableSetup"}
    assert all(row["module"] != "System" for save in plan["saves"] for row in save["rows"])


def test_the_page_says_every_step_in_both_forms() -> None:
    plan = make_plan()
    for text in (as_markdown(plan, "run this"), as_html(plan, "run this")):
        for save in plan["saves"]:
            for row in save["rows"]:
                assert row["function"].split("&")[0] in text
        assert all(key["description"] in text for key in plan["keys"])
        assert "Firefox" in text
        assert "run this" in text


def test_the_command_that_follows_names_inventory_tenant_and_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = {"inventory": [str(tmp_path / "my tenants.yml")], "extra_vars": ["cw_routes_dir=routes"]}
    monkeypatch.setattr(context, "CLIARGS", ImmutableDict(arguments))
    monkeypatch.chdir(tmp_path)
    psa: Any = SimpleNamespace(connection=SimpleNamespace(tenant="north at host"))
    said = LessonFiles(psa, str(tmp_path / "routes"), "north")._shown(make_plan(), False)
    words = shlex.split(said["msg"].rpartition("then run: ")[2])
    assert words[:4] == ["ansible-playbook", "msp.connectwise.learn_routes", "-i", "my tenants.yml"]
    assert words[4:] == ["-e", "cw_routes_dir=routes", "--limit", "north", "-e", "cw_recordings=FILE.har"]
    assert shlex.join(words) in (Path(said["page"]).with_suffix(".md")).read_text(encoding="utf-8")


def test_what_is_left_of_the_choreography_is_told() -> None:
    plan = make_plan()
    rows = list(synthetic.matrix()[1])
    missing = _choreography.done(plan, rows, 1)
    assert missing == [f"{row['module']} / {row['function']}" for row in copy.copy(plan["saves"][2]["rows"])] or set(
        missing
    ) == {f"{row['module']} / {row['function']}" for row in plan["saves"][2]["rows"]}


def test_what_browsers_send_by_themselves_is_no_part_of_a_route(tmp_path: Path) -> None:
    wire = Wire()
    usual = {"User-Agent": "x", "Sec-Fetch-Mode": "cors", "Cookie": "a=b", "Authorization": "Basic eHl6", "X-Own": "1"}
    wire.send("GET", "/x", {}, headers=usual)
    (entry,) = _har.load([wire.save(tmp_path / "x.har")], {HOST}).entries
    assert entry.headers == {"x-own": "1"}
    assert (entry.site, entry.path) == (True, "/services/x")
