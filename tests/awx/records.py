# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX keeps, and what it refuses to keep: the rules that a set-up meets there."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.awx.rules import rule_wrong

Record = dict[str, Any]

# What AWX puts where a body says nothing, or null.
DEFAULTS: dict[str, Record] = {
    "credential_types": {"description": "", "kind": "cloud", "managed": False, "inputs": {}, "injectors": {}},
    "credentials": {"description": "", "organization": None, "inputs": {}},
    "execution_environments": {"description": "", "organization": None, "credential": None, "pull": ""},
    "projects": {
        "description": "",
        "credential": None,
        "scm_branch": "",
        "status": "never updated",
        "scm_revision": "",
    },
    "inventories": {"description": "", "kind": "", "host_filter": None, "variables": "", "total_hosts": 0},
    "inventory_sources": {"description": "", "credential": None, "status": "never updated", "source_vars": ""},
    "job_templates": {
        "description": "",
        "limit": "",
        "forks": 0,
        "job_slice_count": 1,
        "extra_vars": "",
        "job_type": "run",
    },
    "workflow_job_templates": {"description": "", "inventory": None, "extra_vars": "", "limit": ""},
    "workflow_job_template_nodes": {},
    "schedules": {"description": "", "extra_data": {}},
}
RELATED = ("credentials", "success_nodes", "failure_nodes", "always_nodes")
FILTERS = {"id", "name", "identifier", "organization", "inventory", "credential_type", "unified_job_template", "kind"}
FILTERS |= {"workflow_job_template", "or__id", "or__name", "organization__name", "page_size", "order_by", "page"}
JOB_KINDS = ("ssh", "vault", "net", "cloud", "kubernetes")
MAX_FORKS = 200
MANAGED = {
    "Machine": ("ssh", ["username", "password", "ssh_key_data"]),
    "Source Control": ("scm", ["username", "password", "ssh_key_data"]),
    "Vault": ("vault", ["vault_password", "vault_id"]),
    "Container Registry": ("registry", ["host", "username", "password"]),
}
DENIED = {"detail": "You do not have permission to perform this action."}


def exclusive(credential: Record) -> tuple[int, str]:
    """A job has one credential of each type, of vaults one of each id."""
    identity = credential["inputs"].get("vault_id") or "" if credential["kind"] == "vault" else ""
    return credential["credential_type"], identity


@dataclass(frozen=True)
class User:
    id: int
    username: str
    superuser: bool = False
    admin_of: tuple[int, ...] = ()
    member_of: tuple[int, ...] = ()
    scope: str = "write"


class Refused(Exception):
    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status, body)
        self.status, self.body = status, body


@dataclass
class Records:
    """By kind and number. `sent` is every write that was let in, in order."""

    kinds: dict[str, dict[int, Record]] = field(default_factory=dict)
    related: dict[tuple[str, int, str], list[int]] = field(default_factory=dict)
    surveys: dict[int, Any] = field(default_factory=dict)
    sent: list[tuple[str, str, Any]] = field(default_factory=list)
    lock: Any = field(default_factory=threading.RLock)
    last: int = 100

    def __post_init__(self) -> None:
        for kind in (*DEFAULTS, "organizations", "project_updates", "inventory_updates", "instance_groups"):
            self.kinds.setdefault(kind, {})
        self.kinds["organizations"][1] = {"id": 1, "name": "Default"}
        self.kinds["organizations"][2] = {"id": 2, "name": "Another"}
        self.kinds["instance_groups"][1] = {"id": 1, "name": "default", "is_container_group": False}
        for number, (name, (kind, fields)) in enumerate(MANAGED.items(), 1):
            inputs = {"fields": [{"id": one, "secret": "password" in one or "key" in one} for one in fields]}
            record = {**DEFAULTS["credential_types"], "id": number, "name": name, "kind": kind, "managed": True}
            self.kinds["credential_types"][number] = {**record, "inputs": inputs}

    def named(self, kind: str, name: str) -> Record:
        (found,) = [one for one in self.kinds[kind].values() if name in (one.get("name"), one.get("identifier"))]
        return found

    def bodies(self, kind: str) -> list[Record]:
        return [body for method, path, body in self.sent if method == "POST" and path == f"{kind}/"]

    def number(self) -> int:
        self.last += 1
        return self.last

    def make(self, kind: str, body: Mapping[str, Any]) -> Record:
        given = {name: value for name, value in body.items() if value is not None}
        record = {**DEFAULTS[kind], **given, "id": self.number()}
        self.check(kind, record)
        if kind == "credentials":
            record["kind"] = self.kinds["credential_types"][record["credential_type"]]["kind"]
        self.kinds[kind][record["id"]] = record
        return record

    def change(self, kind: str, record: Record, body: Mapping[str, Any]) -> None:
        given = {name: DEFAULTS[kind].get(name) if value is None else value for name, value in body.items()}
        self.check(kind, {**record, **given})
        record.update(given)

    def check(self, kind: str, record: Record) -> None:
        for name in ("organization", "project", "inventory", "execution_environment"):
            kinds = {"inventory": "inventories"}.get(name, f"{name}s")
            if record.get(name) is not None and record[name] not in self.kinds[kinds]:
                raise Refused(400, {name: [f'Invalid pk "{record[name]}" - object does not exist.']})
        if kind == "job_templates":
            there = self.kinds["projects"][record["project"]].get("playbooks", [])
            if record["playbook"] not in there:
                raise Refused(400, {"playbook": ["Playbook not found for project."]})
            if record["forks"] > MAX_FORKS:
                raise Refused(400, {"forks": [f"Maximum number of forks ({MAX_FORKS}) exceeded."]})
        if kind == "credentials":
            fields = self.kinds["credential_types"][record["credential_type"]]["inputs"]["fields"]
            wrong = set(record["inputs"]) - {one["id"] for one in fields}
            if wrong:
                raise Refused(400, {"inputs": [f"Additional properties are not allowed ({wrong} was unexpected)"]})
            for one in fields:
                value = record["inputs"].get(one["id"])
                if one.get("choices") and value is not None and value not in one["choices"]:
                    raise Refused(400, {"inputs": {one["id"]: [f"'{value}' is not one of {one['choices']}"]}})
        if kind == "schedules" and (problems := rule_wrong(record["rrule"])):
            raise Refused(400, {"rrule": problems})

    def link(self, kind: str, number: int, name: str, body: Mapping[str, Any]) -> None:
        linked = self.related.setdefault((kind, number, name), [])
        if body.get("disassociate"):
            linked.remove(body["id"])
            return
        if name == "credentials":
            self._check_credential(linked, self.kinds["credentials"].get(body["id"]))
        linked.append(body["id"])

    def _check_credential(self, linked: list[int], credential: Record | None) -> None:
        if credential is None:
            raise Refused(400, {"error": "credential does not exist"})
        if credential["kind"] not in JOB_KINDS:
            raise Refused(400, {"error": f"Cannot assign a Credential of kind `{credential['kind']}`."})
        if exclusive(credential) in [exclusive(self.kinds["credentials"][one]) for one in linked]:
            raise Refused(400, {"error": f"Cannot assign multiple {exclusive(credential)} credentials."})

    def listed(self, kind: str, user: User, query: Mapping[str, str]) -> list[Record]:
        if unknown := set(query) - FILTERS:
            raise Refused(400, {"detail": f"{kind} has no field named {', '.join(unknown)}"})
        kinds = ("job_templates", "projects", "workflow_job_templates") if kind == "unified_job_templates" else (kind,)
        every = [(one_kind, one) for one_kind in kinds for one in self.kinds.get(one_kind, {}).values()]
        return [one for one_kind, one in every if self.sees(user, one_kind, one) and self._fits(one, query)]

    def _fits(self, record: Record, query: Mapping[str, str]) -> bool:
        alternatives = [str(record.get(key[4:])) == value for key, value in query.items() if key.startswith("or__")]
        for key, value in query.items():
            if key == "organization__name":
                actual = self.kinds["organizations"].get(record.get("organization") or 0, {}).get("name")
            elif key.startswith("or__") or key in ("page_size", "order_by", "page"):
                continue
            else:
                actual = record.get(key)
            if str(actual) != value:
                return False
        return not alternatives or any(alternatives)

    def sees(self, user: User, kind: str, record: Record) -> bool:
        if user.superuser or kind in (
            "credential_types",
            "instance_groups",
            "workflow_job_template_nodes",
            "schedules",
        ):
            return True
        if kind == "organizations":
            return record["id"] in (*user.admin_of, *user.member_of)
        if kind == "credentials":
            return record["organization"] in user.admin_of
        return record.get("organization") in (None, *user.admin_of, *user.member_of)

    def may_write(self, user: User, kind: str) -> bool:
        if user.scope != "write":
            return False
        return user.superuser or (kind != "credential_types" and bool(user.admin_of))

    def shown(self, kind: str, record: Record, user: User) -> Record:
        """A record as the API shows it; secrets never."""
        base = f"/api/v2/{kind}/{record['id']}/"
        summary: Record = {"user_capabilities": {"edit": user.superuser or record["id"] in user.admin_of}}
        credential = self.kinds["credentials"].get(record.get("credential") or 0)
        if credential:
            summary["credential"] = {"id": credential["id"], "name": credential["name"]}
        if record.get("last_update"):
            summary["last_update"] = {"id": record["last_update"], "status": record["status"]}
        found = {name: value for name, value in record.items() if name not in ("playbooks", "checkout", "tenants")}
        if kind == "credentials":
            about = self.kinds["credential_types"][record["credential_type"]]["inputs"]["fields"]
            secret = {one["id"] for one in about if one.get("secret")}
            found["inputs"] = {n: "$encrypted$" if n in secret else value for n, value in record["inputs"].items()}
        related = {name: f"{base}{name}/" for name in (*RELATED, "survey_spec", "update")}
        return {**found, "url": base, "type": kind.removesuffix("s"), "summary_fields": summary, "related": related}
