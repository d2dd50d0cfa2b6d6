# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The end of a fleet playbook in a few plain lines: how it stands, who has to do what, and what to type next. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import zip_longest
from textwrap import wrap
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._names import counted
from ansible_collections.msp.connectwise.plugins.plugin_utils._commands import (
    Typed,
    short_path,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils._fleet import word
from ansible_collections.msp.connectwise.plugins.plugin_utils._next import (
    NAMES,
    Fleet,
    found_by_run,
    named,
    next_commands,
    nothing_to_type,
    of_this_run,
    with_status,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils._order import amount, spoken
from ansible_collections.msp.connectwise.plugins.plugin_utils._report_place import folder_name
from ansible_collections.msp.connectwise.plugins.plugin_utils._status import (
    BAD,
    STATUSES,
    is_unverified,
    partly,
    shades,
)

WIDTH = 100
# More tenants, or more lines of vendors, are counted instead of listed.
TENANTS, VENDORS = 6, 12
_LONG = 4  # lines of an error, and of what to do about it
# Changes after which a vendor has to be given a key.
NEW_KEY = ("new API key", "given key stored")
_SHADES: Sequence[tuple[Callable[[Mapping[str, Any]], object], str]] = (
    (partly, "partial"),
    (is_unverified, "not verified"),
)


def table(
    fleet: Fleet,
    files: Mapping[str, str] | None = None,
    run: Typed | None = None,
    hosts: Iterable[str] = (),
    keys: str = "",
    orders: str = "",
) -> list[str]:
    """About ten lines of at most WIDTH columns; a command is a line of its own, and as long as it has to be.

    files: paths of what was written, as `cw_fleet_report` returns them; run: the command line that is repeated;
    hosts: the tenants a run was about that recorded nothing, as one that only stores keys; keys: those in a line;
    orders: the folder of the predicted work orders.
    """
    files, run = files or {}, run or Typed()
    names = _about(fleet, hosts)
    check = " --check (nothing was changed)" if fleet["check_mode"] else ""
    lines = _wrapped(f"{fleet['playbook']}{check}, {spoken(fleet['generated'])}: {_totals(fleet, names)}", "", 2)
    lines += matrix(fleet, names) or by_status(fleet, names)
    others = len(fleet["tenants"]) - len(names)
    if others:
        lines.append(f"and {counted(others, 'tenant')} of earlier runs, in the report")
    lines += ["", *_asked(fleet, names), *_needed(fleet, names, orders and short_path(orders, run.here))]
    lines += _line("Keys:", keys, 2) if keys else []
    if page := files.get("keys.html") if keys else "":
        lines.append(f"         {short_path(page, run.here)}")
    if page := files.get("fleet.html"):
        lines.append(f"Report:  {short_path(page, run.here)}")
    commands = next_commands(fleet, names, files, run)
    return lines + [f"Next:    {command}" for command in commands or [nothing_to_type(fleet, names)]]


def closing(
    head: str,
    rows: Sequence[Sequence[str]],
    needed: Iterable[tuple[str, str]],
    commands: Iterable[str],
    places: Iterable[tuple[str, str]] = (),
) -> list[str]:
    """Return the lines that a playbook other than the fleet's ends with.

    needed: labels and texts. places: labels and paths, which stay in one line as commands do.
    """
    # Its totals stand at the end, so it is not cut.
    lines = [
        *wrap(head, WIDTH, subsequent_indent=" " * 9, break_on_hyphens=False),
        *(_cut(line) for line in (_columns(rows) if rows else ())),
        "",
    ]
    for label, text in needed:
        lines += _line(label, text, 4)
    lines += [f"{label:<9}{path}" for label, path in places]
    return lines + [f"Next:    {command}" for command in commands]


def _cut(text: str) -> str:
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"


def _line(label: str, text: str, lines: int = 1) -> list[str]:
    """A labelled line, or a few, cut at the last."""
    return _wrapped(text, f"{label:<9}", lines)


def _wrapped(text: str, begin: str, lines: int) -> list[str]:
    return wrap(
        " ".join(text.split()),
        WIDTH,
        initial_indent=begin,
        subsequent_indent=" " * 9,
        max_lines=lines,
        placeholder=" …",
        break_on_hyphens=False,
    )


def failure(problem: str) -> list[str]:
    """Return the summary of a run that has no other, because a task for all tenants failed."""
    return wrap(
        problem,
        WIDTH,
        initial_indent="Failed:  ",
        subsequent_indent=" " * 9,
        break_on_hyphens=False,
        break_long_words=False,
    )


def _about(fleet: Fleet, hosts: Iterable[str]) -> list[str]:
    """The tenants that the run was about."""
    seen = [
        name
        for name, tenant in fleet["tenants"].items()
        if any(cell["run"] == fleet["run"] for cell in tenant["integrations"].values())
        or (tenant["error"] and not tenant["integrations"])
    ]
    return sorted(seen or [name for name in hosts if name in fleet["tenants"]] or fleet["tenants"])


def _vendors(fleet: Fleet, names: Iterable[str]) -> list[str]:
    return sorted({vendor for name in names for vendor in fleet["tenants"][name]["integrations"]})


def _word(cell: Mapping[str, Any] | None, run: str) -> str:
    if cell is None:
        return "-"
    said = word(cell)
    return said if cell["run"] == run else f"({said.replace(' (', '; ').rstrip(')')})"


def matrix(fleet: Fleet, names: Sequence[str]) -> list[str]:
    """Tenants by vendors, or if that is too wide vendors by tenants; nothing if both are too much to read."""
    vendors = _vendors(fleet, names)
    if not names or len(names) > TENANTS:
        return []
    rows = [["", *vendors]]
    for name in names:
        tenant = fleet["tenants"][name]
        cells = [_word(tenant["integrations"].get(vendor), fleet["run"]) for vendor in vendors]
        rows.append([name, *cells] if vendors and tenant["integrations"] else [name, "unreachable"])
    lines = _columns(rows)
    if max(map(len, lines)) > WIDTH and len(vendors) <= VENDORS:
        lines = _columns([list(column) for column in zip_longest(*rows, fillvalue="unreachable")])
    if max(map(len, lines)) > WIDTH:
        return []
    old = any(text.startswith("(") for row in rows for text in row[1:])
    return lines + (["(in brackets: as an earlier run has found it)"] if old else [])


def by_status(fleet: Fleet, names: Sequence[str]) -> list[str]:
    """How many integrations of each vendor this run has found in each status; of many those that are not all well."""
    found, partial = _found(fleet, names), _partial(fleet, names)
    statuses = [one for one in reversed(STATUSES) if any(counts[one] for counts in found.values())]
    vendors = sorted(found, key=lambda vendor: (-sum(found[vendor][one] for one in STATUSES[2:]), vendor))
    rows = [["", *statuses]]
    for vendor in vendors[:TENANTS]:
        note = f" ({partial[vendor]})" if vendor in partial else ""
        rows.append([f"{vendor}{note}", *(str(found[vendor][one] or "-") for one in statuses)])
    if others := vendors[TENANTS:]:
        rest = [str(sum(found[vendor][one] for vendor in others) or "-") for one in statuses]
        few = sum(vendor in partial for vendor in others)
        rows.append([f"{counted(len(others), 'other vendor')}{f' ({few} partial)' if few else ''}", *rest])
    return _columns(rows) if statuses else []


def _partial(fleet: Fleet, names: Sequence[str]) -> dict[str, str]:
    """Return how incomplete the table of each vendor is that is not whole; that of the tenant with most gaps."""
    cells = sorted(
        (len(cell.get("gaps") or []), vendor, partly(cell))
        for _name, vendor, cell in found_by_run(fleet, names, STATUSES)
    )
    return {vendor: note for _gaps, vendor, note in cells if note}


def _found(fleet: Fleet, names: Sequence[str]) -> dict[str, Counter[str]]:
    """What this run has found; one that looked at no integration repeats what an earlier one found."""
    found: dict[str, Counter[str]] = {}
    for _name, vendor, cell in found_by_run(fleet, names, STATUSES):
        found.setdefault(vendor, Counter())[cell["status"]] += 1
    return found


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    count = max(len(row) for row in rows)
    widths = [max(len(row[at]) for row in rows if at < len(row)) for at in range(count)]
    return ["  ".join(text.ljust(widths[at]) for at, text in enumerate(row)).rstrip() for row in rows]


def _totals(fleet: Fleet, names: Sequence[str]) -> str:
    found: Counter[str] = sum(_found(fleet, names).values(), Counter())
    parts = ", ".join(
        f"{found[status]} {status}{_shades([cell for _name, _vendor, cell in found_by_run(fleet, names, [status])])}"
        for status in reversed(STATUSES)
        if found[status]
    )
    return f"{counted(len(names), 'tenant')}: {parts or 'nothing is known'}"


def _shades(cells: Sequence[Mapping[str, Any]]) -> str:
    """Return what is to be known of all these, or of how many of them what is to be known."""
    said = {"; ".join(shades(cell)) for cell in cells}
    if len(said) > 1:
        amounts = ((sum(bool(of(cell)) for cell in cells), what) for of, what in _SHADES)
        said = {", ".join(f"{count} {what}" for count, what in amounts if count)}
    return f" ({text})" if (text := said.pop()) else ""


def _needed(fleet: Fleet, names: Sequence[str], orders: str) -> list[str]:
    """What a person has to see to, worst first."""
    lines: list[str] = []
    bad = _failures(fleet, names)
    for who, error, changes in bad[:2]:
        lines += _failed(f"{who}: {error}")
        lines += _line("", f"changed before that: {', '.join(changes)}") if changes else []
    if len(bad) > 2:
        lines += _line("", f"and {named([who for who, _error, _changes in bad[2:]])}")
    lines += _by_hand(fleet, names, orders)
    drifted = found_by_run(fleet, names, ["drifted"])
    for name, vendor, cell in drifted[:1]:
        what = "; ".join(cell.get("differences") or []) or "it is not there yet"
        more = f" (and {len(drifted) - 1} more)" if len(drifted) > 1 else ""
        lines += _line("Differs:", f"{name} {vendor}{more}: {what}", 2)
    if new := [f"{name} {vendor}" for name, vendor, _cell in found_by_run(fleet, names, ["new"])]:
        lines += _line("New:", f"nothing exists yet of {named(new)}", 2)
    return lines + _noted(fleet, names) + _for_vendors(fleet, names) + _since(fleet)


def _failed(text: str) -> list[str]:
    """Return an error in a few lines; of a long one what to do is not cut off."""
    problem, mark, remedy = text.partition(" What to do: ")
    if not mark or len(_line("Failed:", text, _LONG + 1)) <= _LONG:
        return _line("Failed:", text, _LONG)
    return [*_line("Failed:", problem, _LONG), *_line("", f"What to do: {remedy}", _LONG)]


def _noted(fleet: Fleet, names: Sequence[str]) -> list[str]:
    """What is no difference and worth knowing, once for all integrations of which it is told in the same words."""
    told: dict[str, list[str]] = {}
    for name, vendor, cell in found_by_run(fleet, names, STATUSES):
        for line in cell.get("notes") or []:
            told.setdefault(line, []).append(f"{name} {vendor}")
    lines = [part for line, who in list(told.items())[:2] for part in _line("Note:", f"{named(who)}: {line}", 4)]
    return [*lines, *(_line("", f"and {len(told) - 2} more, in the report") if len(told) > 2 else [])]


def _asked(fleet: Fleet, names: Sequence[str]) -> list[str]:
    """The risky rights of what this run makes, and all rights of vendor files, once for each vendor."""
    made = of_this_run(fleet, with_status(fleet, names, STATUSES))
    told = {f"{vendor} asks for {'; '.join(cell['asks'])}": vendor for _name, vendor, cell in made if cell.get("asks")}
    lines = [line for text in list(told)[:NAMES] for line in _line("Rights:", text, 2)]
    rest = list(told.values())[NAMES:]
    return [*lines, *(_line("", f"and {named(rest)}, as shown above") if rest else [])]


def _by_hand(fleet: Fleet, names: Sequence[str], orders: str) -> list[str]:
    """What waits for a person; in check mode only what this run has predicted."""
    waiting = [one for one in with_status(fleet, names, STATUSES) if one[2].get("manual_steps")]
    if fleet["check_mode"]:
        waiting = of_this_run(fleet, waiting)
    if not waiting:
        return []
    steps = [step for _name, _vendor, cell in waiting for step in cell["manual_steps"]]
    who = named([f"{name} {vendor} ({len(cell['manual_steps'])})" for name, vendor, cell in waiting])
    if not fleet["check_mode"]:
        return _line("By hand:", f"{amount(steps)}: {who}", 2)
    name, vendor, _cell = waiting[0]
    more = f" and {len(waiting) - 1} more" if len(waiting) > 1 else ""
    where = [f"         {orders}/{folder_name(name)}/{vendor}.check.md{more}"] if orders else []
    return _line("By hand:", f"would be {amount(steps)}: {who}", 2) + where


def _for_vendors(fleet: Fleet, names: Sequence[str]) -> list[str]:
    """Keys that a person has to give to vendors: until when at the latest, or those that this run has made."""
    known = with_status(fleet, names, STATUSES)
    ends = [
        (key["until"], f"{name} {vendor}")
        for name, vendor, cell in known
        for key in cell.get("old_keys") or []
        if key.get("until")
    ]
    if ends:
        # By what is shown: seconds between keys of one run would order them by chance.
        ends.sort(key=lambda one: (str(one[0])[:16], one[1]))
        until = f"old keys work until {spoken(ends[0][0])}"
        return _line("Vendors:", f"{until}; enter the new ones before: {named([who for _until, who in ends])}", 2)
    made = [
        f"{name} {vendor}"
        for name, vendor, cell in of_this_run(fleet, known)
        if cell["status"] == "ready" and any(line.endswith(NEW_KEY) for line in cell.get("changes") or [])
    ]
    if not made or fleet["check_mode"]:
        return []
    return _line("Vendors:", f"give them their new keys, as the hand-overs in the report say: {named(made)}", 2)


def _since(fleet: Fleet) -> list[str]:
    # Check mode writes no report to compare the next one with, and what it predicts has not come.
    since = (None if fleet["check_mode"] else fleet.get("since")) or {"changes": []}
    told = [
        f"{one['tenant']} {one['vendor']} {one['before'] or 'not seen yet'} > {one['after']}"
        for one in since["changes"]
    ]
    return _line("Since:", f"{spoken(since['generated'])}: {named(told)}", 2) if told else []


def _failures(fleet: Fleet, names: Sequence[str]) -> list[tuple[str, str, list[str]]]:
    """Who failed in this run, why, and what was changed before that; the same error of one tenant is told once."""
    found: dict[tuple[str, str], tuple[list[str], list[str]]] = {}
    for name in names:
        tenant = fleet["tenants"][name]
        if tenant["error"] and not tenant["integrations"]:
            found[name, tenant["error"]] = ([], [])
    for name, vendor, cell in of_this_run(fleet, with_status(fleet, names, BAD)):
        vendors, changes = found.setdefault((name, cell.get("error") or cell["status"]), ([], []))
        vendors.append(vendor)
        changes += cell.get("changes") or []
    return [
        (" ".join([name, *([", ".join(vendors)] if vendors else [])]), error, changes)
        for (name, error), (vendors, changes) in found.items()
    ]
