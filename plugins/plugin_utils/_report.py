# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How one integration on one tenant ended: its status, its hand-over, its work order, and where that is written."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from itertools import groupby
from pathlib import Path
from typing import Any

from ansible import constants

from ansible_collections.msp.connectwise.plugins.module_utils._connection import parse_connection, shown_key
from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_life import age_days

Entry = dict[str, Any]

# From best to worst; of several members of one integration the worst counts.
STATUSES = ("absent", "ready", "drifted", "pending", "failed", "unreachable")
# What makes a tenant count as failed.
BAD = ("failed", "unreachable")
# Errors that say that the tenant was not there, rather than that it refused something.
_AWAY = (
    "AnswerTooLarge",
    "ConnectionFailed",
    "DeadlinePassed",
    "LostAnswer",
    "NotThePsa",
    "TooSlow",
    "TransientFailure",
)
# In the temporary directory of one ansible-playbook run, which its workers share: what this run has found so far.
JOURNAL = "connectwise_fleet.jsonl"


def run_directory() -> str:
    """The temporary directory of this ansible-playbook run."""
    directory: str = vars(constants)["DEFAULT_LOCAL_TMP"]
    return directory


def status_of(
    *,
    error: str,
    state: str,
    in_sync: bool | None,
    steps: Sequence[Mapping[str, Any]],
    predicts: bool,
    gone: bool = False,
    error_kind: str = "",
) -> str:
    """predicts: the run changes nothing (an audit, or check mode), so a difference is drift and not a failure.

    gone: nothing of an integration that is to be absent is left.
    """
    if error:
        return "unreachable" if error_kind in _AWAY else "failed"
    if state == "absent":
        return "pending" if steps else "drifted" if predicts and in_sync is not None and not gone else "absent"
    if predicts:
        return "ready" if in_sync else "drifted"
    # Steps may be left where the key works: one that was to be replaced, or a replaced one that is to be deleted.
    return "pending" if steps else "ready" if in_sync else "failed"


def is_gone(profile: Mapping[str, Any], found: Mapping[str, Any], key: Mapping[str, Any]) -> bool:
    """Whether nothing of an integration is left; a technician's own membership is none of ours."""
    own = profile.get("strategy", "shared_api_member") != "per_technician"
    active = own and (found.get("member") or {}).get("active")
    return not active and not key.get("public_key") and found.get("key") != "valid"


def worst(statuses: Sequence[str]) -> str:
    return max(statuses, key=STATUSES.index)


def site_host(host: str) -> str:
    """The host of the user interface that belongs to a cloud's API host; an on-premises host is both."""
    return host.removeprefix("api-")


def connection_facts(options: Mapping[str, Any]) -> dict[str, Any]:
    """What a vendor's console asks about the connection."""
    known = {name: options.get(name) for name in ("company_id", "region", "client_id")}
    try:
        host = parse_connection(options).host
    except InputError:
        return known
    return {**known, "api_host": host, "api_url": f"https://{host}", "site_host": site_host(host)}


def entry_of(args: Mapping[str, Any], tenant: str, connection: Mapping[str, Any], *, predicts: bool) -> Entry:
    """The entry of one member of an integration, from the options of `cw_integration_report`."""
    profile, found, key, steps = args["profile"], args["found"], args["key"], args["steps"]
    now = datetime.now(timezone.utc)
    status = status_of(
        error=args["error"],
        state=args["state"],
        in_sync=found.get("in_sync"),
        steps=steps,
        predicts=predicts or args["mode"] == "audit",
        gone=is_gone(profile, found, key),
        error_kind=args["error_kind"],
    )
    entry: Entry = {
        "tenant": tenant,
        "vendor": args["vendor"],
        "product": profile.get("product") or args["vendor"],
        "source": profile.get("source"),
        "member": args["member"],
        "status": status,
        "changed": args["changed"],
        "changes": args["changes"],
        "differences": list(found.get("differences") or []) if status != "absent" else [],
        "manual_steps": steps,
        "access": found.get("access"),
        "error": args["error"],
        "key": None,
        "handover": None,
        "time": now.isoformat(timespec="seconds"),
    }
    if status == "failed" and not entry["error"]:
        entry["error"] = "what was done did not make it right: " + "; ".join(entry["differences"])
    if key.get("public_key"):
        age = age_days(key.get("created"), now)
        entry["key"] = {
            "public_key": key["public_key"] if found.get("key") == "valid" else shown_key(key["public_key"]),
            "created": key.get("created"),
            "age_days": None if age is None else round(age, 1),
            "place": args["place"],
        }
    if status == "ready":
        known = {
            **connection,
            "member": args["member"],
            "public_key": key.get("public_key"),
            "private_key": f"in the key store: {args['place']}",
        }
        entry["handover"] = handover(profile, known)
    return entry


def folder_name(tenant: str) -> str:
    return "".join(char if char.isalnum() or char in "-_.@" else "_" for char in tenant).lstrip(".")


def replace_file(path: Path, text: str) -> None:
    """A reader sees the old file or the new one, never half of it."""
    # Runs on several machines may write to the same share, where process ids are not unique.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.part")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def write_files(directory: Path, entry: Entry) -> None:
    """The entry as JSON, and as the work order a person reads."""
    folder = directory / folder_name(entry["tenant"])
    folder.mkdir(parents=True, exist_ok=True)
    content = json.dumps(entry, indent=1, ensure_ascii=False, default=str)
    replace_file(folder / f"{entry['vendor']}.json", content + "\n")
    replace_file(folder / f"{entry['vendor']}.md", markdown(entry) + "\n")


def note(run_directory: str, entry: Mapping[str, Any]) -> None:
    """Add an entry to what this run has found; of several about one integration the last counts."""
    line = json.dumps(entry, ensure_ascii=False, default=str) + "\n"
    handle = os.open(Path(run_directory) / JOURNAL, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        # One write: the workers append at the same time.
        os.write(handle, line.encode())
    finally:
        os.close(handle)


def noted(run_directory: str) -> list[Entry]:
    """What this run has found, each integration once."""
    try:
        text = (Path(run_directory) / JOURNAL).read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    # Not splitlines: names may hold other characters that it takes for the end of a line.
    entries = [json.loads(line) for line in text.split("\n") if line]
    return list({(entry["tenant"], entry["vendor"]): entry for entry in entries}.values())


def handover(profile: Mapping[str, Any], known: Mapping[str, Any]) -> Entry | None:
    """The fields the vendor's own console asks for, filled in; the private key as its place in the store."""
    wanted = profile.get("handover") or {}
    if not wanted:
        return None
    fields = []
    for field in wanted.get("fields") or []:
        source = field.get("from")
        value = known.get(source) if source else field.get("value")
        if value:
            fields.append({"label": field["label"], "value": value})
    return {
        "console": wanted.get("console"),
        "steps": list(wanted.get("steps") or []),
        "fields": fields,
        "watch": list(wanted.get("watch") or []),
    }


def merged(known: Entry, entry: Entry) -> Entry:
    """One entry for an integration of several members; each member's own stands in `parts`."""
    parts = [*(known.get("parts") or [known]), entry]
    return {
        **entry,
        "member": None,
        "parts": parts,
        "status": worst([part["status"] for part in parts]),
        "changed": any(part["changed"] for part in parts),
        "changes": [line for part in parts for line in part["changes"]],
        "error": "; ".join(part["error"] for part in parts if part["error"]),
        "differences": [line for part in parts for line in part["differences"]],
        "manual_steps": [step for part in parts for step in part["manual_steps"]],
        "key": None,
        "handover": None,
    }


def summary(entry: Mapping[str, Any]) -> str:
    """The status of an entry in one line."""
    status = entry["status"]
    if status in BAD:
        return f"{entry['product']}: {status}: {entry['error']}"
    if status == "pending":
        count = len(entry["manual_steps"])
        return f"{entry['product']}: pending, {count} manual step{'s' if count != 1 else ''} left"
    if status == "drifted":
        return f"{entry['product']}: drifted: {'; '.join(entry['differences'])}"
    return f"{entry['product']}: {status}"


def markdown(entry: Mapping[str, Any]) -> str:
    """The work order and the hand-over as a person reads them."""
    lines = [f"# {entry['product']} on {entry['tenant']}: {entry['status']}", ""]
    if entry["error"]:
        lines += ["## What went wrong", "", entry["error"], ""]
    if entry["manual_steps"]:
        lines += ["## Work order", "", "In ConnectWise PSA, in this order:", ""]
        number = 0
        for menu, steps in groupby(entry["manual_steps"], key=lambda step: step["menu"]):
            lines += [f"**{' > '.join(menu)}**", ""]
            for step in steps:
                number += 1
                lines.append(f"{number}. {step['do']}")
            lines.append("")
        lines += [f"Why by hand: {reason}" for reason in dict.fromkeys(step["why"] for step in entry["manual_steps"])]
        lines += ["", "Then run the same playbook again: what was done is seen, and its steps are gone.", ""]
    if entry["differences"] and entry["status"] != "ready":
        lines += ["## What differs", "", *(f"- {line}" for line in entry["differences"]), ""]
    lines += _rights(entry.get("access") or {})
    for part in entry.get("parts") or [entry]:
        if part.get("handover"):
            lines += _handover(part["handover"], part["member"] if entry.get("parts") else None)
    if entry.get("source"):
        lines += [f"Source of the profile: {entry['source']}", ""]
    return "\n".join(lines)


def _rights(access: Mapping[str, Any]) -> list[str]:
    lines = []
    for kind, title in (("missing", "Rights the key lacks"), ("excess", "Rights the key has beyond the profile")):
        rows = [
            f"| {one['module']} | {one['function']} | {one['level']} | {one['wanted']} | {one['actual']} |"
            for one in access.get(kind) or []
        ]
        items = [f"- {one['function']}: {one['item']}" for one in access.get(f"{kind}_items") or []]
        if rows:
            lines += [
                f"## {title}",
                "",
                "| Module | Function | Level | Wanted | Actual |",
                "| --- | --- | --- | --- | --- |",
            ]
            lines += [*rows, ""]
        if items:
            lines += [f"## {title}: Customize lists", "", *items, ""]
    return lines


def _handover(handed: Mapping[str, Any], member: str | None) -> list[str]:
    lines = ["## Hand-over to the vendor" + (f": {member}" if member else ""), ""]
    if handed.get("console"):
        lines += [f"Where: {handed['console']}", ""]
    lines += [f"{number}. {step}" for number, step in enumerate(handed["steps"], 1)]
    if handed["fields"]:
        lines += ["", "| Field | Value |", "| --- | --- |"]
        lines += [f"| {field['label']} | {field['value']} |" for field in handed["fields"]]
    if handed["watch"]:
        lines += ["", "Watch:", "", *(f"- {line}" for line in handed["watch"])]
    return [*lines, ""]
