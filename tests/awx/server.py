# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that answers as AWX 24 does, as far as the set-up asks, and really fetches projects and runs jobs."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.awx.jobs import Jobs
from tests.awx.records import DENIED, NotAFile, Record, Records, User
from tests.awx.rules import survey_wrong

USERS = {
    "token-of-root": User(1, "root", superuser=True),
    "token-of-boss": User(2, "boss", admin_of=(1,)),
    "token-of-member": User(3, "member", member_of=(1,)),
    "token-of-reader": User(1, "root", superuser=True, scope="read"),
}


class Awx(ThreadingHTTPServer):
    """`with Awx(directory) as awx:` listens at awx.address."""

    daemon_threads = True

    def __init__(self, directory: Path, **jobs: Any) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.records = Records()
        self.jobs = Jobs(self.records, directory, **jobs)
        self.address = f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> Awx:
        super().__enter__()
        self._thread = threading.Thread(target=self.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self.jobs.stop()
        self.shutdown()
        self._thread.join()
        super().__exit__(*error)

    def credential(self, name: str, kind: str, **inputs: str) -> Record:
        """A credential that a person has made."""
        number = self.records.named("credential_types", kind)["id"]
        body = {"name": name, "organization": 1, "credential_type": number, "inputs": inputs}
        return self.records.make("credentials", body)


class Handler(BaseHTTPRequestHandler):
    server: Awx

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""

    def answer(self, status: int, body: Any = None) -> None:
        text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if isinstance(body, str) else "application/json")
        self.send_header("X-API-Product-Name", "AWX")
        self.send_header("X-API-Product-Version", "24.6.1")
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def handle_one(self, method: str) -> None:
        url = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"null") if length else None
        records = self.server.records
        try:
            user = USERS.get((self.headers.get("Authorization") or "").removeprefix("Bearer "))
            if user is None:
                raise NotAFile(401, {"detail": "Authentication credentials were not provided."})
            parts = url.path.removeprefix("/api/v2/").strip("/").split("/")
            with records.lock:
                status, found = self.result(method, user, parts, dict(parse_qsl(url.query)), body)
                if method != "GET":
                    records.sent.append((method, "/".join([*parts, ""]), body))
        except NotAFile as refused:
            status, found = refused.status, refused.body
        self.answer(status, found)

    def result(self, method: str, user: User, parts: list[str], query: dict[str, str], body: Any) -> tuple[int, Any]:
        records, kind, rest = self.server.records, parts[0], parts[1:]
        if kind == "me":
            return 200, page([{"id": user.id, "username": user.username, "is_superuser": user.superuser}])
        if method != "GET" and not records.may_write(user, kind):
            raise NotAFile(403, DENIED)
        if not rest:
            return self.whole_list(method, user, kind, query, body)
        record = records.kinds.get(kind, {}).get(int(rest[0]))
        if record is None or not records.sees(user, kind, record):
            raise NotAFile(404, {"detail": "Not found."})
        if rest[1:]:
            return self.below(method, kind, record, rest[1], body)
        if method == "PATCH":
            records.change(kind, record, body)
            self.server.jobs.changed(kind, record, body)
        return 200, records.shown(kind, record, user)

    def whole_list(self, method: str, user: User, kind: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        records = self.server.records
        if method == "GET":
            found = records.listed(kind, user, query)
            return 200, page([records.shown(kind, one, user) for one in found])
        record = records.make(kind, body)
        self.server.jobs.changed(kind, record, body)
        return 201, records.shown(kind, record, user)

    def below(self, method: str, kind: str, record: Record, name: str, body: Any) -> tuple[int, Any]:
        records, jobs, number = self.server.records, self.server.jobs, record["id"]
        if name == "survey_spec":
            if method == "POST":
                if wrong := survey_wrong(body):
                    raise NotAFile(400, {"error": wrong})
                records.surveys[number] = body
            return 200, records.surveys.get(number, {})
        if name == "playbooks":
            return 200, record.get("playbooks", [])
        if name == "stdout":
            return 200, str(record["log"])
        if name == "update":
            made = jobs.update(kind, record)
            return 202, {"id": made["id"], "status": made["status"]}
        if method == "GET":
            return 200, page([{"id": one} for one in records.related.get((kind, number, name), [])])
        records.link(kind, number, name, body)
        return 204, None

    def do_GET(self) -> None:
        self.handle_one("GET")

    def do_POST(self) -> None:
        self.handle_one("POST")

    def do_PATCH(self) -> None:
        self.handle_one("PATCH")


def page(found: list[Any]) -> dict[str, Any]:
    return {"count": len(found), "next": None, "results": found}
