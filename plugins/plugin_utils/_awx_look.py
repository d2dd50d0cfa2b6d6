# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps the set-up of AWX from working, found before anything is written: one sentence for each problem."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.msp.connectwise.plugins.plugin_utils._awx import Awx

# Kinds of credentials that AWX lets a job use.
_OF_JOBS = ("ssh", "vault", "net", "cloud", "kubernetes")
_URL = re.compile(r"(?:[a-z+]+://|[\w.-]+@[\w.-]+:|/)\S+")
_WITH_SECRET = re.compile(r"[a-z+]+://[^/@\s]*:[^/@\s]+@")
# What has to be there before a part of the set-up can be compared.
_NEEDS = {
    "execution_environment": ("credentials",),
    "project": ("execution_environment", "credentials"),
    "inventory_source": ("project", "inventory"),
    "workflow": ("inventory",),
    "templates": ("project", "inventory", "execution_environment", "credentials"),
    "nodes": ("workflow", "templates"),
    "schedule": ("workflow",),
}


@dataclass
class Found:
    """superuser: whether the user may do what only a system administrator may. missing: what the set-up will make.

    of_jobs: the names of the credentials that the jobs get; others are for the project or for the image.
    """

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    superuser: bool = False
    type_exists: bool = False
    absent: set[str] = field(default_factory=set)
    of_jobs: list[str] = field(default_factory=list)

    def comparable(self) -> dict[str, bool]:
        return {part: not self.absent.intersection(needs) for part, needs in _NEEDS.items()}


def wrong_options(wants: Mapping[str, Any]) -> list[str]:
    """What can be said without asking AWX."""
    problems = []
    url = (wants["project_url"] or "").strip()
    if not url:
        problems.append("awx_project_url is not set: name the repository with your inventory and playbooks")
    elif _WITH_SECRET.match(url):
        problems.append(
            "awx_project_url holds a password, which everybody who sees the project can read: make a credential of the "
            "type Source Control in AWX and name it as awx_project_credential"
        )
    elif not _URL.fullmatch(url):
        problems.append(f"awx_project_url is no address of a repository: {url!r}")
    problems += [
        f"awx_{name} is empty: leave it out, or give it a value"
        for name in ("organization", "project_branch", "inventory_file", "execution_environment_image")
        if not str(wants[name] or "").strip()
    ]
    given = [str(one.get("name") or "") for one in wants["new_credentials"]]
    if not all(given):
        problems.append("awx_new_credentials: each needs name, type and inputs")
    problems += [
        f"{name} is named {count} times in awx_credentials and awx_new_credentials"
        for name, count in Counter([*wants["credentials"], *given]).items()
        if count > 1
    ]
    return problems


def look(awx: Awx, wants: Mapping[str, Any]) -> Found:
    found = Found()
    me = awx.get("me/")["results"][0]
    found.superuser = bool(me.get("is_superuser"))
    organizations = awx.named("organizations", wants["organization"])
    if not organizations:
        found.problems.append(
            f"AWX has no organization {wants['organization']}, or {me['username']} does not see it; there are: "
            f"{', '.join(awx.names('organizations')) or 'none'}. Set awx_organization, or make it in AWX"
        )
        return found
    (organization,) = organizations
    capabilities = (organization.get("summary_fields") or {}).get("user_capabilities") or {}
    if not found.superuser and not capabilities.get("edit"):
        found.problems.append(
            f"{me['username']} is no administrator of the organization {wants['organization']}, which making a "
            "project, an inventory, job templates and a workflow takes: use the token of one"
        )
        return found
    types = {one["name"]: one for one in awx.get("credential_types/", page_size=200)["results"]}
    _look_at_type(found, wants, types)
    _look_at_credentials(awx, found, wants, types)
    _look_at_image(awx, found, wants)
    _look_for_parts(awx, found, wants, organization["id"])
    return found


def _look_at_type(found: Found, wants: Mapping[str, Any], types: Mapping[str, Any]) -> None:
    name = wants["credential_type"]
    found.type_exists = name in types
    if found.type_exists:
        return
    found.missing.append(f"credential type {name}")
    if not found.superuser:
        remedy = (
            f"the credential type {name} is missing, and only a system administrator of AWX may make it: let one run "
            "this playbook with --tags credential_type"
        )
        needed = any(one.get("type") == name for one in wants["new_credentials"])
        (found.problems if needed else found.notes).append(remedy)


def _look_at_credentials(awx: Awx, found: Found, wants: Mapping[str, Any], types: Mapping[str, Any]) -> None:
    new = {str(one["name"]): one for one in wants["new_credentials"]}
    if not new and not wants["credentials"]:
        found.notes.append(
            "awx_credentials is empty, so the jobs open no vaulted key store, and the keys of the tenants have to come "
            "from the inventory; name what the jobs use there, or let this playbook make it (awx_new_credentials)"
        )
    for one in new.values():
        _look_at_new(awx, found, one, wants, types)
    taken: list[tuple[str, str, tuple[str, ...]]] = [
        ("awx_credentials", name, _OF_JOBS) for name in wants["credentials"] if name not in new
    ]
    single = (("project_credential", ("scm",)), ("execution_environment_credential", ("registry",)))
    taken += [(f"awx_{option}", wants[option], kind) for option, kind in single if wants[option]]
    by_type: dict[str, list[str]] = {}
    for option, name, allowed in taken:
        one = new.get(name) or _known(awx, found, option, name, types)
        if one is None:
            continue
        kind = _kind(one, types)
        if kind not in allowed:
            found.problems.append(
                f"{option}: the credential {name} is of the kind {kind}, which AWX does not take there; it takes "
                f"{', '.join(allowed)}"
            )
        elif option == "awx_credentials":
            by_type.setdefault(_exclusive(one), []).append(name)
    of_jobs = {name: one for name, one in new.items() if _kind(one, types) in _OF_JOBS}
    for name, one in of_jobs.items():
        by_type.setdefault(_exclusive(one), []).append(name)
    found.of_jobs = [*wants["credentials"], *of_jobs]
    _look_for_doubles(found, by_type)


def _known(awx: Awx, found: Found, option: str, name: str, types: Mapping[str, Any]) -> dict[str, Any] | None:
    """A credential that AWX has, with the name of its type."""
    known = awx.named("credentials", name)
    if len(known) == 1:
        names = {one["id"]: type_name for type_name, one in types.items()}
        return {**known[0], "type": names.get(known[0].get("credential_type"), "")}
    if known:
        found.problems.append(f"{option}: {len(known)} credentials are named {name}; rename all but one")
    else:
        there = ", ".join(awx.names("credentials")) or "none"
        found.problems.append(
            f"{option}: AWX has no credential {name}, or this user does not see it; there are: {there}. Make it in "
            "AWX, or let this playbook make it (awx_new_credentials)"
        )
    return None


def _kind(credential: Mapping[str, Any], types: Mapping[str, Any]) -> str:
    """What AWX calls the kind of a credential; the type that is still to be made is one of the cloud."""
    about = types.get(str(credential.get("type") or "")) or {}
    return str(about.get("kind") or credential.get("kind") or "cloud")


def _exclusive(credential: Mapping[str, Any]) -> str:
    """What a job can have one of: a type of credentials, and of the type Vault an id."""
    kind, inputs = str(credential.get("type") or ""), credential.get("inputs")
    identity = inputs.get("vault_id") if kind == "Vault" and isinstance(inputs, Mapping) else ""
    return kind + (f" with the id {identity}" if identity else "")


def _look_for_doubles(found: Found, by_type: Mapping[str, list[str]]) -> None:
    found.problems += [
        f"awx_credentials and awx_new_credentials: {' and '.join(names)} are all of the type {kind}, of which AWX "
        "gives a job one; leave the others out" + (", or give each a vault_id" if kind == "Vault" else "")
        for kind, names in by_type.items()
        if kind and len(names) > 1
    ]


def _look_at_new(
    awx: Awx, found: Found, one: Mapping[str, Any], wants: Mapping[str, Any], types: Mapping[str, Any]
) -> None:
    name, kind, inputs = one["name"], str(one.get("type") or ""), one.get("inputs")
    fields, required = list(wants["fields"]), list(wants["required_fields"])
    if kind in types:
        about = types[kind].get("inputs") or {}
        fields, required = [entry["id"] for entry in about.get("fields") or []], about.get("required") or []
    elif kind != wants["credential_type"]:
        found.problems.append(
            f"awx_new_credentials: {name} is of the type {kind}, which AWX does not have; such as Vault, Source "
            f"Control or {wants['credential_type']}"
        )
        return
    given = dict(inputs) if isinstance(inputs, Mapping) else {}
    filled = {field for field, value in given.items() if value not in ("", None)}
    wrong, lacking = sorted(set(given) - set(fields)), sorted(set(required) - filled)
    if wrong or lacking:
        told = [f"does not have {', '.join(wrong)}"] * bool(wrong) + [f"needs {', '.join(lacking)}"] * bool(lacking)
        found.problems.append(f"awx_new_credentials: {name}: the type {kind} {' and '.join(told)}")
    if not awx.named("credentials", str(name)):
        found.missing.append(f"credential {name}")
        found.absent.add("credentials")


def _look_at_image(awx: Awx, found: Found, wants: Mapping[str, Any]) -> None:
    image = wants["execution_environment_image"]
    groups = awx.get("instance_groups/", name="default")["results"]
    if image.startswith("localhost/") and any(group.get("is_container_group") for group in groups):
        found.problems.append(
            f"this AWX runs its jobs on Kubernetes, which pulls images and finds none as {image}: push the execution "
            "environment to a registry and set awx_execution_environment_image to its name there"
        )


def _look_for_parts(awx: Awx, found: Found, wants: Mapping[str, Any], organization: int) -> None:
    prefix = wants["prefix"]
    workflow = f"{prefix} nightly"
    parts = {
        "execution_environment": ("execution_environments", wants["execution_environment"], {}),
        "project": ("projects", f"{prefix} project", {"organization": organization}),
        "inventory": ("inventories", wants["inventory"], {"organization": organization}),
        "workflow": ("workflow_job_templates", workflow, {"organization": organization}),
    }
    for part, (kind, name, query) in parts.items():
        if not awx.named(kind, name, **query):
            found.missing.append(f"{part.replace('_', ' ')} {name}")
            found.absent.add(part)
    templates = [f"{prefix} {name}" for name in wants["templates"]]
    missing = [name for name in templates if not awx.named("job_templates", name, organization=organization)]
    found.missing += [f"job template {name}" for name in missing]
    found.absent.update(["templates"] if missing else [])
    if "workflow" in found.absent:
        found.missing.append(f"schedule {workflow}")
