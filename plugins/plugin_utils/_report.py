# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of one integration on one tenant: its status, its hand-over, its work order, and where that is written.

The order of a run: `entry_of` a member -> `merged` with the members before it -> `recorded`, whose result has in it
what stays of the entry that an earlier run has written.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

from ansible import constants

from ansible_collections.msp.connectwise.plugins.module_utils._connection import parse_connection, shown_key
from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError
from ansible_collections.msp.connectwise.plugins.module_utils._names import same
from ansible_collections.msp.connectwise.plugins.module_utils._redact import redact_data
from ansible_collections.msp.connectwise.plugins.plugin_utils import (
    _commands,
    _files,
    _handover,
    _key_report,
    _step_results,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils._history import continued
from ansible_collections.msp.connectwise.plugins.plugin_utils._json import loaded
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_record import age_days
from ansible_collections.msp.connectwise.plugins.plugin_utils._order import amount, markdown
from ansible_collections.msp.connectwise.plugins.plugin_utils._report_place import (
    folder_name,
    move_out,
    old_folder_name,
    replace_file,
    tighten,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils._status import (
    BAD,
    STATUSES,
    completeness,
    in_words,
    is_gone,
    is_new,
    status_of,
    worst,
)

Entry = dict[str, Any]

_LISTS = ("asks", "changes", "differences", "gaps", "manual_steps", "notes", "old_keys", "parts", "unseen")
# In the temporary directory of one ansible-playbook run, which its workers share: what this run has found so far.
JOURNAL = "connectwise_fleet.jsonl"
# Of what a run has found, that by which the work order of an earlier one is judged.
_FOUND = ("in_sync", "differences", "key", "access", "member", "open_steps")


def run_directory() -> str:
    """The temporary directory of this ansible-playbook run."""
    directory: str = vars(constants)["DEFAULT_LOCAL_TMP"]
    return directory


def site_host(host: str) -> str:
    """The host of the user interface that belongs to a cloud's API host; an on-premises host is both."""
    return host.removeprefix("api-")


def connection_facts(options: Mapping[str, Any]) -> dict[str, Any]:
    """What a vendor's console asks about the connection."""
    known = {name: options.get(name) for name in ("company_id", "region", "client_id")}
    try:
        host = parse_connection(options).host
    except (InputError, ValueError):
        return known
    return {**known, "api_host": host, "api_url": f"https://{host}", "site_host": site_host(host)}


def entry_of(
    args: Mapping[str, Any],
    tenant: str,
    connection: Mapping[str, Any],
    *,
    predicts: bool,
    run: _commands.Typed | None = None,
) -> Entry:
    """The entry of one member of an integration, from the options of `cw_integration_report`.

    run: the command line that later commands repeat; this run's when left out.
    """
    profile, found, steps = args["profile"], args["found"], args["steps"]
    now, predicts = datetime.now(timezone.utc), predicts or args["mode"] in ("audit", _step_results.STORE_KEY)
    run = _commands.typed() if run is None else run
    status = _status(args, predicts=predicts)
    entry: Entry = {
        "tenant": tenant,
        "vendor": args["vendor"],
        "product": profile.get("product") or args["vendor"],
        "source": profile.get("source"),
        **completeness(profile),
        "member": args["member"],
        "state": args["state"],
        "status": status,
        "changed": args["changed"],
        "changes": args["changes"],
        **{name: args[name] for name in ("asks",) if args.get(name)},
        "differences": list(found.get("differences") or []) if status != "absent" else [],
        **_notes(found, status),
        **({"refused": True} if args.get("refused") and status != "absent" else {}),
        "manual_steps": steps,
        "access": found.get("access"),
        "error": args["error"],
        "key": _key(args, now),
        "old_keys": _old_keys(args) if status != "absent" else [],
        "handover": None,
        "commands": _handover.commands(args["state"], tenant, run),
        "time": now.isoformat(timespec="seconds"),
        "found": {"predicts": predicts, **{name: found.get(name) for name in _FOUND}},
    }
    if status == "failed" and not entry["error"]:
        entry["error"] = (
            f"after this run the integration still differs: {'; '.join(entry['differences'])}. What to do: run again, "
            "for a tenant may show a change late; if it stays, run msp.connectwise.doctor for this tenant"
        )
    if _handover.is_handed_over(status, found, steps):
        entry["handover"] = _handover.filled(args, connection, run)
    return entry


def _notes(found: Mapping[str, Any], status: str) -> dict[str, list[str]]:
    """Return what is no difference and worth knowing, such as what the tenant does not show."""
    lines = [*(found.get("notes") or []), *((found.get("access") or {}).get("unverified") or [])]
    return {"notes": lines} if lines and status != "absent" else {}


def _old_keys(args: Mapping[str, Any]) -> list[dict[str, Any]]:
    return _handover.old_keys(args.get("retired") or [], float(args.get("grace_days") or 0))


def _status(args: Mapping[str, Any], *, predicts: bool) -> str:
    status = status_of(
        error=args["error"],
        state=args["state"],
        in_sync=args["found"].get("in_sync"),
        steps=args["steps"],
        predicts=predicts,
        gone=is_gone(args["profile"], args["found"], args["key"]),
        new=is_new(args["profile"], args["found"], args["key"]),
        error_kind=args["error_kind"],
    )
    # A key that took the place of another one may leave steps, such as to delete that.
    waits = status == "ready" and args["steps"] and args["mode"] == _step_results.STORE_KEY
    return "pending" if waits else status


def entry_of_integration(
    look: Mapping[str, Any],
    results: _step_results.Results,
    tenant: str,
    connection: Mapping[str, Any],
    *,
    check_mode: bool,
    error: str = "",
    error_kind: str = "",
    run: _commands.Typed | None = None,
) -> Entry:
    """The entry of a whole integration, out of what was found and what its steps said."""
    entry: Entry | None = None
    for options in _step_results.entry_options(
        look, results, check_mode=check_mode, error=error, error_kind=error_kind
    ):
        part = entry_of(options, tenant, connection, predicts=check_mode, run=run)
        entry = part if entry is None else merged(entry, part)
    if entry is None:
        raise AssertionError("an integration has at least one key")
    return entry


def is_silent(look: Mapping[str, Any], results: _step_results.Results, error: str, *, check_mode: bool) -> bool:
    """Return whether a run says nothing of an integration: it was to store keys, and stored none of this one."""
    stored = results.get("cw_api_key") and not check_mode
    return look.get("mode") == _step_results.STORE_KEY and not error and not stored


def record_integration(
    look: Mapping[str, Any],
    results: _step_results.Results,
    tenant: str,
    connection: Mapping[str, Any],
    *,
    check_mode: bool,
    directory: str | None,
    error: str = "",
    error_kind: str = "",
    unknown_vendor: bool = False,
    mode: int = _files.PRIVATE,
) -> Entry:
    """Record the result of an integration: its entry, and in a report on keys what there is to say about them.

    unknown_vendor: no vendor has that name, so the entry is for this run only. mode: of the files.
    """
    entry = entry_of_integration(
        look, results, tenant, connection, check_mode=check_mode, error=error, error_kind=error_kind
    )
    if unknown_vendor:
        entry["unknown_vendor"] = True
    if directory and not check_mode:
        place = Path(directory)
        folder = place / folder_name(tenant)
        reports = {key["record"]: key["report"] for key in look.get("api_keys") or [] if key.get("report")}
        if not reports and not error:
            keys = _step_results.entry_options(look, results, check_mode=False)
            reports = _key_report.renewed_reports(folder, keys)
        if reports:
            _key_report.write_reports(folder, reports, tenant, partial(replace_file, place, mode=mode))
    return recorded(directory, entry, check_mode=check_mode, mode=mode)


def _key(args: Mapping[str, Any], now: datetime) -> dict[str, Any] | None:
    key = args["key"]
    if not key.get("public_key"):
        return None
    age = age_days(key.get("created"), now)
    # Only the tenant's word makes it sure that the halves of a pair were not swapped.
    proven = args["found"].get("key") == "valid"
    return {
        "public_key": key["public_key"] if proven else shown_key(key["public_key"]),
        "created": key.get("created"),
        "age_days": None if age is None else round(age, 1),
        "place": args["place"],
    }


def earlier_entry(directory: Path, entry: Mapping[str, Any]) -> Entry | None:
    """Return what the run before this one has written about the same integration. Raises NotAFile."""
    return entry_in(directory, str(entry["tenant"]), str(entry["vendor"]))


def entry_in(directory: Path, tenant: str, vendor: str) -> Entry | None:
    """Return the entry of an integration that the reports in a directory have. Raises NotAFile."""
    found = _entry_at(directory / folder_name(tenant) / f"{vendor}.json", directory)
    if found is None:
        # Earlier versions have written the reports of several tenants to one folder.
        found = _old_entry(directory, tenant, vendor)
    return found if found is not None and found.get("tenant", tenant) == tenant else None


def _old_entry(directory: Path, tenant: str, vendor: str) -> Entry | None:
    """Return what an earlier version has written to the folder that it gave the tenant, about it or another one."""
    with suppress(_files.NotAFile):
        # A file about all tenants may have the name of that folder.
        return _entry_at(directory / old_folder_name(tenant) / f"{vendor}.json", directory)
    return None


def _entry_at(path: Path, directory: Path) -> Entry | None:
    try:
        found = loaded(_files.read_text(path, below=directory.parent))
    except (OSError, ValueError):
        return None
    return found if is_entry(found) else None


def is_entry(found: Any) -> bool:
    """Whether it is an integration's report, and what others rely on is of its type."""
    if not isinstance(found, dict) or found.get("status") not in STATUSES:
        return False
    texts = all(isinstance(found.get(name, ""), str) for name in ("tenant", "vendor", "product", "error"))
    lists = all(isinstance(found.get(name) or [], list) for name in _LISTS)
    return texts and lists and isinstance(found.get("time"), str) and isinstance(found.get("key") or {}, dict)


def with_history(entry: Entry, earlier: Entry | None) -> Entry:
    """An entry with what stays of an earlier one: work order, its date, hand-over; `pending` if it waits for those."""
    known = earlier or {}
    before = [*(known.get("parts") or ([earlier] if earlier else [])), *(known.get("unseen") or [])]
    named = [part for part in before if part.get("member")]
    if not entry.get("parts") and not entry.get("member") and len(named) > 1:
        # What went wrong did so before the members were known.
        parts = [continued({**entry, "member": part["member"]}, part) for part in named]
        return {**joined(parts), "error": entry["error"]}
    parts = [continued(part, _part_of(before, part.get("member"))) for part in entry.get("parts") or [entry]]
    seen = [part["member"] for part in parts if part.get("member")]
    # A run writes after each member, and those to come have their history still in the file.
    unseen = [part for part in named if seen and not any(same(str(part["member"]), str(one)) for one in seen)]
    result = joined(parts) if entry.get("parts") else parts[0]
    return {**result, "unseen": unseen} if unseen else result


def _part_of(before: Sequence[Entry], member: str | None) -> Entry | None:
    for part in before:
        if not member or not part.get("member") or same(str(part["member"]), member):
            return part
    return None


def write_files(directory: Path, entry: Entry, *, predicted: bool = False, mode: int = _files.PRIVATE) -> Entry:
    """Write the entry as JSON, and as the work order a person reads; returns it with what it keeps of the one before.

    predicted: in check mode only the work order that a run would write goes to a file, beside the real one.
    """
    entry = with_history(entry, earlier_entry(directory, entry))
    folder = directory / folder_name(entry["tenant"])
    write = partial(replace_file, directory, mode=mode)
    guess = folder / f"{entry['vendor']}.check.md"
    if predicted:
        write(guess, "Predicted by check mode; nothing was changed.\n\n" + markdown(entry) + "\n")
        tighten(folder, mode)
        return entry
    old = _old_entry(directory, entry["tenant"], entry["vendor"])
    if old is not None and old.get("tenant"):
        move_out(directory, entry["tenant"], entry["vendor"], str(old["tenant"]), mode)
    content = json.dumps(entry, indent=1, ensure_ascii=False, default=str)
    write(folder / f"{entry['vendor']}.json", content + "\n")
    write(folder / f"{entry['vendor']}.md", markdown(entry) + "\n")
    guess.unlink(missing_ok=True)
    if entry["status"] == "absent":
        _key_report.forget(folder, entry["vendor"], entry["tenant"], write)
    tighten(folder, mode)
    return entry


def recorded(directory: str | None, entry: Entry, *, check_mode: bool, mode: int = _files.PRIVATE) -> Entry:
    """Write an entry if there is a directory for it, and add it to what this run has found."""
    entry = redact_data(entry)
    if not directory:
        entry = with_history(entry, None)
    elif check_mode and not (entry["manual_steps"] and entry["status"] in ("new", "drifted", "pending")):
        entry = with_history(entry, earlier_entry(Path(directory).expanduser(), entry))
    else:
        entry = write_files(Path(directory).expanduser(), entry, predicted=check_mode, mode=mode)
    note(run_directory(), entry)
    return entry


def note(run_directory: str, entry: Mapping[str, Any], journal: str = JOURNAL) -> None:
    """Add an entry to what this run has found; of several about one integration the last counts."""
    line = json.dumps(entry, ensure_ascii=False, default=str) + "\n"
    handle = os.open(Path(run_directory) / journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        # One write: the workers append at the same time.
        os.write(handle, line.encode())
    finally:
        os.close(handle)


def noted(run_directory: str, journal: str = JOURNAL) -> list[Entry]:
    """What this run has found, each integration once."""
    entries = notes(run_directory, journal)
    return list({(entry["tenant"], entry["vendor"]): entry for entry in entries}.values())


def notes(run_directory: str, journal: str) -> list[Entry]:
    """Return all entries of a journal, in their order."""
    try:
        text = (Path(run_directory) / journal).read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    # Not splitlines: names may hold other characters that it takes for the end of a line.
    return [loaded(line) for line in text.split("\n") if line]


def merged(known: Entry, entry: Entry) -> Entry:
    """One entry for an integration of several members; each member's own stands in `parts`."""
    return joined([*(known.get("parts") or [known]), entry])


def joined(parts: Sequence[Entry]) -> Entry:
    left_out = ("found", "notes", "parts", "refused", "unseen")
    last = {name: value for name, value in parts[-1].items() if name not in left_out}
    ordered = [part["ordered"] for part in parts if part.get("ordered")]
    return {
        **last,
        "member": None,
        "parts": [{name: value for name, value in part.items() if name != "unseen"} for part in parts],
        "status": worst([part["status"] for part in parts]),
        "changed": any(part["changed"] for part in parts),
        "changes": [line for part in parts for line in part["changes"]],
        # What stops the integration stops each of its keys.
        "error": "; ".join(dict.fromkeys(part["error"] for part in parts if part["error"])),
        "differences": [line for part in parts for line in part["differences"]],
        **_joined_notes(parts),
        "manual_steps": [step for part in parts for step in part["manual_steps"]],
        "ordered": max(ordered, default=None),
        "old_keys": [key for part in parts for key in part.get("old_keys") or []],
        "key": None,
        "handover": None,
    }


def _joined_notes(parts: Sequence[Entry]) -> Entry:
    lines = list(dict.fromkeys(line for part in parts for line in part.get("notes") or []))
    refused = {"refused": True} if any(part.get("refused") for part in parts) else {}
    return {**({"notes": lines} if lines else {}), **refused}


def summary(entry: Mapping[str, Any]) -> str:
    """The status of an entry in one line."""
    status, steps = entry["status"], entry["manual_steps"]
    waiting = f"; a work order of {amount(steps)}, is open" if steps else ""
    if status in BAD:
        before = f"; changed before that: {', '.join(entry['changes'])}" if entry.get("changes") else ""
        error = entry["error"].rstrip(".") if before or waiting else entry["error"]
        return f"{entry['product']}: {status}: {error}{before}{waiting}"
    word = in_words(entry)
    if status == "pending":
        return f"{entry['product']}: {word}, waiting for a person: {amount(steps)}"
    if status in ("drifted", "new"):
        return f"{entry['product']}: {word}: {'; '.join(entry['differences'])}{waiting}"
    return f"{entry['product']}: {word}" + "".join(f"; {line}" for line in entry.get("notes") or [])
