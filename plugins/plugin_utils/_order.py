# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The work order and the hand-over of an entry, as a person reads them. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._names import counted
from ansible_collections.msp.connectwise.plugins.plugin_utils._status import in_words

Step = Mapping[str, Any]

# Seconds that a person takes, by kind of step, and to open a screen and save it: estimates, not measurements.
SECONDS = {
    "role_permission": 20,
    "role_activate": 20,
    "customize_list": 90,
    "create_key": 120,
    "store_key": 120,
    "delete_key": 45,
    "own_key": 180,
    "leftover_key": 120,
}
SECONDS_OTHER = 60
SECONDS_SCREEN = 60
_KEY_STEPS = ("create_key", "store_key")


def screens(steps: Iterable[Step]) -> list[tuple[str, list[tuple[str, list[Step]]]]]:
    """Steps by screen, in the order they come, and within a screen by the part of it (such as a security module)."""
    places: dict[str, dict[str, list[Step]]] = {}
    for step in steps:
        parts = places.setdefault(" > ".join(step["menu"]), {})
        parts.setdefault(str(step.get("part") or ""), []).append(step)
    return [(place, list(parts.items())) for place, parts in places.items()]


def minutes(steps: Sequence[Step]) -> int:
    """How long a person will take."""
    seconds = sum(SECONDS.get(step["kind"], SECONDS_OTHER) for step in steps) + SECONDS_SCREEN * len(screens(steps))
    return -(-seconds // 60) if steps else 0


def amount(steps: Sequence[Step]) -> str:
    """Number and duration of steps, in words."""
    return f"{counted(len(steps), 'step')}, about {minutes(steps)} min"


def spoken(time: Any) -> str:
    """A moment as people read it: 1 March 2026, 04:05 UTC."""
    try:
        moment = datetime.fromisoformat(str(time).replace("Z", "+00:00"))
        if moment.tzinfo is not None:
            moment = moment.astimezone(timezone.utc)
    except (OverflowError, ValueError):
        return str(time)
    day = f"{moment.day} {moment:%B %Y}"
    return day if len(str(time)) <= len("2026-03-01") else f"{day}, {moment:%H:%M} UTC"


def markdown(entry: Mapping[str, Any]) -> str:
    """What the Markdown file of an entry says."""
    lines = [f"# {entry['product']} on {entry['tenant']}: {in_words(entry)}", ""]
    if entry.get("time"):
        lines += [f"Seen on {spoken(entry['time'])}.", ""]
    if entry["error"]:
        lines += ["## What went wrong", "", entry["error"], ""]
    lines += _changes(entry)
    lines += work_order(entry)
    if entry["differences"] and entry["status"] != "ready":
        lines += ["## What differs", "", *(f"- {line}" for line in entry["differences"]), ""]
    if entry.get("gaps") and entry["status"] != "absent":
        lines += ["## What the vendor's page leaves open", "", *(f"- {line}" for line in entry["gaps"]), ""]
    if entry.get("notes"):
        lines += ["## What to know", "", *(f"- {line}" for line in entry["notes"]), ""]
    lines += _rights(entry.get("access") or {})
    for part in entry.get("parts") or [entry]:
        if part.get("handover"):
            lines += _handover(part, of=part["member"] if entry.get("parts") else None)
    if entry.get("source"):
        lines += [f"Source of the profile: {entry['source']}", ""]
    return "\n".join(lines)


def _changes(entry: Mapping[str, Any]) -> list[str]:
    if not entry.get("changes"):
        return []
    title = "Changed before that" if entry["error"] else "Changed"
    return [f"## {title}", "", *(f"- {line}" for line in entry["changes"]), ""]


def work_order(entry: Mapping[str, Any]) -> list[str]:
    """Boxes to tick, by screen, and what to run when they are ticked."""
    steps = entry["manual_steps"]
    if not steps:
        return []
    since = f" Ordered on {spoken(entry['ordered'])}." if entry.get("ordered") else ""
    lines = ["## Work order", "", f"In ConnectWise PSA: {amount(steps)} (an estimate).{since}", ""]
    for place, parts in screens(steps):
        lines += [f"### {place}", ""]
        for part, mine in parts:
            lines += [f"{part}:", ""] if part else []
            lines += [f"- [ ] {_brief(step)}" for step in mine] + [""]
        if any(step.get("brief") for _part, mine in parts for step in mine):
            lines += ["- [ ] Save", ""]
    reasons = dict.fromkeys(step["why"] for step in steps)
    lines += [f"- Why by hand: {reason}" for reason in reasons]
    return [*lines, "", *_afterwards(entry, steps)]


def _brief(step: Step) -> str:
    return str(step.get("brief") or step["do"])


def _afterwards(entry: Mapping[str, Any], steps: Sequence[Step]) -> list[str]:
    commands = entry.get("commands") or {}
    if not commands:
        return ["Then run the same playbook again: what was done is seen, and its steps are gone.", ""]
    lines = ["## When the boxes are ticked", ""]
    if commands.get("here"):
        lines += [f"Run this in `{commands['here']}`:", ""]
    if entry.get("state") == "absent":
        return [*lines, *_block(commands["again"]), "What was done is seen, and its steps are gone.", ""]
    keys = [step for step in steps if step["kind"] in _KEY_STEPS]
    what = "takes the new key, proves it, and writes the hand-over" if keys else "proves it and writes the hand-over"
    lines += [*_block(commands["finish"]), f"It sees what was done, {what}.", ""]
    if keys:
        members = "\n".join(
            f"- {{tenant: {entry['tenant']}, member: {member}, public_key: PASTE, private_key: PASTE}}"
            for member in dict.fromkeys(step["member"] for step in keys)
        )
        lines += ["Or put the keys into a file (`ansible-vault encrypt` it, delete it afterwards):", ""]
        lines += [*_block(members, "yaml"), "and store them from there:", "", *_block(commands["store_key"])]
    return lines


def _block(text: str, language: str = "") -> list[str]:
    return [f"```{language}", text, "```", ""]


def _rights(access: Mapping[str, Any]) -> list[str]:
    lines = []
    for kind, title in (("missing", "Rights the key lacks"), ("excess", "Rights the key has beyond the profile")):
        rows = [
            [one["module"], one["function"], one["level"], one["wanted"], one["actual"]]
            for one in access.get(kind) or []
        ]
        items = [f"- {one['function']}: {one['item']}" for one in access.get(f"{kind}_items") or []]
        if rows:
            lines += [f"## {title}", "", *rows_of(["Module", "Function", "Level", "Wanted", "Actual"], rows), ""]
        if items:
            lines += [f"## {title}: Customize lists", "", *items, ""]
    return lines


def rows_of(heading: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    """A table of Markdown; a bar or a line's end in a cell does not end it."""
    lines = [heading, ["---"] * len(heading), *rows]
    return [f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines]


def _cell(value: Any) -> str:
    return " ".join(str("" if value is None else value).replace("|", "\\|").split())


def _handover(part: Mapping[str, Any], of: str | None) -> list[str]:
    handed = part["handover"]
    lines = ["## Hand-over to the vendor" + (f": {of}" if of else ""), ""]
    if handed.get("console"):
        lines += [f"Where: {handed['console']}", ""]
    if handed.get("written"):
        lines += [f"As of {spoken(handed['written'])}.", ""]
    lines += [f"- {line}" for line in old_keys(part.get("old_keys") or [])]
    lines += [""] if part.get("old_keys") else []
    lines += [f"- [ ] {step}" for step in handed["steps"]]
    if handed["fields"]:
        lines += ["", *rows_of(["Field", "Value"], ([field["label"], field["value"]] for field in handed["fields"]))]
    if handed.get("show"):
        others = "".join(f" (or `{one}`)" for one in handed["show"][1:])
        lines += ["", f"This displays the private key{others}:", "", *_block(handed["show"][0])[:-1]]
    if handed["watch"]:
        lines += ["", "Watch:", "", *(f"- {line}" for line in handed["watch"])]
    return [*lines, ""]


def old_keys(keys: Iterable[Mapping[str, Any]]) -> list[str]:
    """Until when each replaced key works, which is the time the vendor has to take the new one."""
    lines = []
    for key in keys:
        name = f"The old key {key['public_key']}"
        if key.get("until"):
            lines.append(
                f"{name} works until {spoken(key['until'])}: enter the new one before that. "
                "The first run after that time deletes it."
            )
        else:
            lines.append(f"{name} works until it is deleted: enter the new one first.")
    return lines
