# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/awx_setup.yml with the real awx.awx modules, against a controller that only keeps what it is sent."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

RELATED = ("credentials", "success_nodes", "failure_nodes", "always_nodes", "survey_spec")


class Controller(ThreadingHTTPServer):
    """As much of AWX's API as a client can tell: lists, records, associations. `sent` is every body in order."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.sent: list[tuple[str, str, Any]] = []
        self.records: dict[str, dict[int, dict[str, Any]]] = {
            "organizations": {1: {"id": 1, "name": "Default"}},
            "credentials": {2: {"id": 2, "name": "ConnectWise key store"}},
        }
        self.related: dict[str, list[dict[str, Any]]] = {}
        self.surveys: dict[str, Any] = {}
        self.lock = threading.Lock()

    def bodies(self, kind: str) -> list[dict[str, Any]]:
        return [body for method, path, body in self.sent if method == "POST" and path == f"/api/v2/{kind}/"]


class Handler(BaseHTTPRequestHandler):
    server: Controller

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""

    def answer(self, status: int, body: Any = None) -> None:
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-API-Product-Name", "AWX")
        self.send_header("X-API-Product-Version", "24.6.1")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def handle_one(self, method: str) -> None:
        url = urlsplit(self.path)
        parts = url.path.strip("/").split("/")[2:]
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"null") if length else None
        with self.server.lock:
            if method != "GET":
                self.server.sent.append((method, url.path, body))
            self.answer(*self.result(method, parts, dict(parse_qsl(url.query)), body))

    def result(self, method: str, parts: list[str], query: dict[str, str], body: Any) -> tuple[int, Any]:
        if not parts:
            return 200, {}
        kind, rest = parts[0], parts[1:]
        if kind == "unified_job_templates":
            everything = [
                one
                for name in ("job_templates", "projects", "workflow_job_templates")
                for one in self.server.records.get(name, {}).values()
            ]
            return 200, listed(everything, query)
        records = self.server.records.setdefault(kind, {})
        if not rest:
            return self.whole_list(method, kind, records, query, body)
        found = records.get(int(rest[0]))
        if found is None:
            return 404, {"detail": "Not found."}
        if len(rest) > 1:
            return self.below(method, "/".join(parts), rest[1], body)
        if method == "PATCH":
            found.update(body)
        return 200, found

    def whole_list(
        self, method: str, kind: str, records: dict[int, dict[str, Any]], query: dict[str, str], body: Any
    ) -> tuple[int, Any]:
        if method == "GET":
            return 200, listed(list(records.values()), query)
        number = 10 + sum(map(len, self.server.records.values()))
        base = f"/api/v2/{kind}/{number}/"
        record = {**body, "id": number, "url": base, "type": kind.removesuffix("s")}
        record.update(scm_revision="", summary_fields={})
        record["related"] = {name: f"{base}{name}/" for name in RELATED}
        records[number] = record
        return 201, record

    def below(self, method: str, path: str, name: str, body: Any) -> tuple[int, Any]:
        if name == "survey_spec":
            if method == "GET":
                return 200, self.server.surveys.get(path, {})
            self.server.surveys[path] = body
            return 200, {}
        linked = self.server.related.setdefault(path, [])
        if method == "GET":
            return 200, {"count": len(linked), "next": None, "results": linked}
        if body.get("disassociate"):
            self.server.related[path] = [one for one in linked if one["id"] != body["id"]]
        else:
            linked.append({"id": body["id"]})
        return 204, None

    def do_GET(self) -> None:
        self.handle_one("GET")

    def do_POST(self) -> None:
        self.handle_one("POST")

    def do_PATCH(self) -> None:
        self.handle_one("PATCH")


def listed(records: list[dict[str, Any]], query: dict[str, str]) -> dict[str, Any]:
    known = {key.removesuffix("__name"): value for key, value in query.items() if not key.startswith("or__")}
    found = [one for one in records if all(key not in one or str(one[key]) == value for key, value in known.items())]
    return {"count": len(found), "next": None, "results": found}


@pytest.fixture(scope="module")
def controller() -> Iterator[Controller]:
    with Controller() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def setup(controller: Controller, directory: Path) -> str:
    command = [
        "ansible-playbook",
        "msp.connectwise.awx_setup",
        "-e",
        "awx_project_url=https://git.example.org/tenants.git",
        "-e",
        '{"awx_credentials": ["ConnectWise key store"]}',
    ]
    environment = {
        **os.environ,
        "CONTROLLER_HOST": f"http://127.0.0.1:{controller.server_address[1]}",
        "CONTROLLER_OAUTH_TOKEN": "token-of-the-test",
        "ANSIBLE_NOCOLOR": "1",
    }
    done = subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, encoding="utf-8", timeout=280, check=False
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def first(controller: Controller, tmp_path_factory: pytest.TempPathFactory) -> str:
    return setup(controller, tmp_path_factory.mktemp("awx"))


def test_the_credential_type_hands_the_keys_over_as_environment(controller: Controller, first: str) -> None:
    (body,) = controller.bodies("credential_types")
    fields = ["company_id", "public_key", "private_key", "client_id", "region", "host"]
    assert body["name"] == "ConnectWise PSA"
    assert body["kind"] == "cloud"
    assert [field["id"] for field in body["inputs"]["fields"]] == fields
    assert [field["id"] for field in body["inputs"]["fields"] if field.get("secret")] == ["private_key"]
    assert body["injectors"] == {"env": {f"CW_{name.upper()}": "{{ " + name + " }}" for name in fields}}


def test_project_and_inventory_come_from_one_repository(controller: Controller, first: str) -> None:
    (project,) = controller.bodies("projects")
    assert project["scm_url"] == "https://git.example.org/tenants.git"
    assert (project["scm_type"], project["scm_branch"], project["scm_update_on_launch"]) == ("git", "main", True)
    (inventory,) = controller.bodies("inventories")
    (source,) = controller.bodies("inventory_sources")
    assert {name: value for name, value in inventory.items() if value is not None} == {
        "name": "ConnectWise tenants",
        "organization": 1,
    }
    assert (source["source"], source["source_path"]) == ("scm", "inventory.yml")
    assert (source["overwrite"], source["overwrite_vars"], source["update_on_launch"]) == (True, True, True)
    project_id = next(iter(controller.records["projects"]))
    assert source["source_project"] == project_id


def test_job_templates_are_sliced_and_ask_what_a_person_decides(controller: Controller, first: str) -> None:
    bodies = {body["name"].removeprefix("ConnectWise "): body for body in controller.bodies("job_templates")}
    assert {name: body["playbook"] for name, body in bodies.items()} == {
        name: f"playbooks/{name}.yml" for name in ("onboard", "audit", "rotate_keys", "offboard", "merge_reports")
    }
    assert {name: body["job_slice_count"] for name, body in bodies.items()} == {
        "onboard": 5, "audit": 5, "rotate_keys": 5, "offboard": 1, "merge_reports": 1,
    }  # fmt: skip
    assert all(body["forks"] == 50 and body["ask_limit_on_launch"] for body in bodies.values())
    strict = {"cw_fail_on": ["failed", "unreachable", "drifted"]}
    assert json.loads(bodies["audit"]["extra_vars"]) == json.loads(bodies["merge_reports"]["extra_vars"]) == strict
    assert all(body["ask_job_slice_count_on_launch"] for body in bodies.values())
    assert {name for name, body in bodies.items() if body["survey_enabled"]} == {"onboard", "rotate_keys", "offboard"}
    surveys = [body for _method, path, body in controller.sent if path.endswith("/survey_spec/")]
    asked = [[question["variable"] for question in survey["spec"]] for survey in surveys]
    assert asked == [["cw_hosts"], ["integration_key_max_age_days"], ["cw_integrations"]]
    for survey in surveys:
        for question in survey["spec"]:
            assert {
                "question_name",
                "question_description",
                "required",
                "type",
                "variable",
                "default",
            } <= question.keys()
            assert question["type"] in {"text", "textarea", "password", "integer", "float", "multiplechoice"}
    credentials = [
        body for _m, path, body in controller.sent if path.endswith("/credentials/") and "job_templates" in path
    ]
    assert credentials == [{"id": 2}] * 5


def test_the_workflow_audits_mends_what_drifted_and_reports(controller: Controller, first: str) -> None:
    nodes = {body["identifier"]: number for number, body in controller.records["workflow_job_template_nodes"].items()}
    templates = {body["name"]: number for number, body in controller.records["job_templates"].items()}
    for identifier, template in (("audit", "audit"), ("onboard", "onboard"), ("report", "merge_reports")):
        node = controller.records["workflow_job_template_nodes"][nodes[identifier]]
        assert node["unified_job_template"] == templates[f"ConnectWise {template}"]
    base = "workflow_job_template_nodes"
    links = {
        path: [one["id"] for one in linked] for path, linked in controller.related.items() if path.startswith(base)
    }
    assert links == {
        f"{base}/{nodes['audit']}/success_nodes": [nodes["report"]],
        f"{base}/{nodes['audit']}/failure_nodes": [nodes["onboard"]],
        f"{base}/{nodes['onboard']}/always_nodes": [nodes["report"]],
    }


def test_it_runs_every_night(controller: Controller, first: str) -> None:
    (schedule,) = controller.bodies("schedules")
    workflow = next(iter(controller.records["workflow_job_templates"]))
    assert schedule == {
        "name": "ConnectWise nightly",
        "rrule": "DTSTART:20260101T020000Z RRULE:FREQ=DAILY;INTERVAL=1",
        "unified_job_template": workflow,
        "enabled": True,
    }


def test_again_it_changes_nothing(controller: Controller, first: str, tmp_path: Path) -> None:
    before = len(controller.sent)
    output = setup(controller, tmp_path)
    assert controller.sent[before:] == []
    assert "changed=0" in output
