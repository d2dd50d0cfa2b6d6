# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a pair of keys may really do, against what a profile asks: effective matrix, allow lists, probes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ._client import Psa, Record
from ._customize import Customizable, customizable, own_items, read_own, universe
from ._errors import AuthenticationFailed, InputError, PermissionDenied, PsaError, readable, unverified
from ._names import canonical_item
from ._permissions import ListWish, Row, begins, deviations, plan_list, wanted_matrix
from ._resource import Names

# One cheap published read per function, as the vendor's own software would make. A read that takes Table Setup besides
# (note types, SLAs) proves nothing about the function.
PROBES: dict[tuple[str, str], str] = {
    ("Companies", "Company Maintenance"): "/company/companies/count",
    ("Companies", "Configurations"): "/company/configurations/count",
    ("Companies", "Contacts"): "/company/contacts/count",
    ("Companies", "Tracks"): "/company/tracks/count",
    ("Companies", "CRM/Sales Activities"): "/sales/activities/count",
    ("Companies", "Manage Attachments"): "/system/documents/count",
    ("Finance", "Accounting Interface"): "/finance/accounting/unpostedinvoices/count",
    ("Finance", "Agreements"): "/finance/agreements/count",
    ("Finance", "Invoicing"): "/finance/invoices/count",
    ("Procurement", "Inventory Adjustments"): "/procurement/adjustments/count",
    ("Procurement", "Product Catalog"): "/procurement/catalog/count",
    ("Procurement", "Products"): "/procurement/products/count",
    ("Procurement", "Purchase Orders"): "/procurement/purchaseorders/count",
    ("Project", "Project Headers"): "/project/projects/count",
    ("Project", "Project Tickets"): "/project/tickets/count",
    ("Sales", "Opportunity"): "/sales/opportunities/count",
    ("Service Desk", "Knowledge Base Creator"): "/service/knowledgeBaseArticles/count",
    ("Service Desk", "Resource Scheduling"): "/schedule/entries/count",
    ("Service Desk", "Service Tickets"): "/service/tickets/count",
    ("Service Desk", "Ticket Templates"): "/service/templates/count",
    ("System", "Member Maintenance"): "/system/members/count",
    ("System", "Security Roles"): "/system/securityroles/count",
    ("System", "Table Setup"): "/system/setupScreens/count",
    ("Time & Expense", "Expense Report Entry"): "/expense/entries/count",
    ("Time & Expense", "Time Entry"): "/time/entries/count",
}


# The option of a list that state took the place of.
EXCLUSIVE = "exclusive"


@dataclass
class Access:
    """What the keys can do (read from the tenant), and how that differs from the profile."""

    member: str
    missing: list[dict[str, str]] = field(default_factory=list)
    excess: list[dict[str, str]] = field(default_factory=list)
    missing_items: list[dict[str, str]] = field(default_factory=list)
    excess_items: list[dict[str, str]] = field(default_factory=list)
    probes: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    unverified: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """ok, missing (the vendor's work fails somewhere), or excess (the key can do more than it should).

        unverified: nothing differs, and the tenant does not show all of it.
        """
        if self.differs:
            missing = self.missing or self.missing_items or any(not probe["ok"] for probe in self.probes)
            return "missing" if missing else "excess"
        return "unverified" if self.unverified else "ok"

    @property
    def differs(self) -> bool:
        """Return whether a right is not as wanted, as far as the tenant shows them."""
        rights = (self.missing, self.missing_items, self.excess, self.excess_items)
        return any(rights) or any(not probe["ok"] for probe in self.probes)

    def as_dict(self) -> dict[str, Any]:
        return {
            "verdict": self.verdict,
            "summary": self.summary(),
            "member": self.member,
            "missing": self.missing,
            "excess": self.excess,
            "missing_items": self.missing_items,
            "excess_items": self.excess_items,
            "probes": self.probes,
            "unverified": self.unverified,
        }

    def summary(self) -> str:
        """The verdict in one line, the first few differences named."""
        lines = [
            f"{kind}: {one['module']} / {one['function']} {one['level']} is {one['actual']}, wanted {one['wanted']}"
            for kind, found in (("missing", self.missing), ("excess", self.excess))
            for one in found
        ]
        lines += [f"missing: {one['function']} does not allow {one['item']}" for one in self.missing_items]
        lines += [f"excess: {one['function']} allows {one['item']}" for one in self.excess_items]
        lines += [f"missing: {one['path']} answers {one['error']}" for one in self.probes if not one["ok"]]
        lines = lines or self.unverified
        more = f" and {len(lines) - 5} more" if len(lines) > 5 else ""
        return "; ".join(lines[:5]) + more if lines else "ok"


@dataclass(frozen=True)
class Own:
    """Holds the rights and allow lists that the keys read of themselves; None and why if the tenant hides them."""

    settings: list[Record] | None
    items: list[Record] | None
    why_settings: PsaError | None = None
    why_items: PsaError | None = None

    @property
    def member(self) -> str:
        """Return the member that the keys belong to; empty if the tenant does not tell."""
        return member_of(self.settings or [])


def read_access(psa: Psa) -> Own:
    """Read what these keys may do: `GET /system/mySecurity` and `…/customizeItems/`. Raises PsaError.

    A tenant that shows neither has to accept the keys at `GET /system/info`, which takes no right; keys that both
    refuse are refused.
    """
    reads = [partial(psa.list, "/system/mySecurity"), partial(read_own, psa)]
    (settings, why_settings), (items, why_items) = psa.together([partial(readable, one, proven=True) for one in reads])
    if isinstance(why_settings, AuthenticationFailed) and isinstance(why_items, AuthenticationFailed):
        raise why_settings
    if settings is None and items is None:
        psa.get("/system/info")
    return Own(settings, items, why_settings, why_items)


def member_of(settings: list[Record]) -> str:
    """The member the keys belong to, as mySecurity names it."""
    for record in settings:
        member = record.get("member") or {}
        if member.get("identifier"):
            return str(member["identifier"])
    return ""


def no_longer(where: str = "") -> InputError:
    """Return the error for the option of a list that was named so before there was state."""
    return InputError(
        f"{where}{EXCLUSIVE} is no option any more; state took its place",
        remedy=f"write state: present in place of {EXCLUSIVE}: false; take {EXCLUSIVE}: true out, "
        "since state: exact is the default",
    )


def wished(function: str, entry: Any, state: str | None = None) -> tuple[Customizable, ListWish]:
    """One entry of a profile's Customize lists, checked. state: that of an entry without one."""
    if not isinstance(entry, Mapping):
        raise InputError(
            f"customize.{function}: expected a mapping, not {entry!r}",
            remedy="write {allow: [...], disallow: [...]}, or {allow: all}",
        )
    if strangers := sorted(set(entry) - {"allow", "disallow", "state", "module", "on_unknown"}):
        if EXCLUSIVE in strangers:
            raise no_longer(f"customize.{function}: ")
        raise InputError(
            f"customize.{function} has unknown fields: {', '.join(map(str, strangers))}",
            remedy="use allow, disallow, state (exact, present or absent), module, on_unknown",
        )
    try:
        wish = ListWish.parse(entry.get("allow"), entry.get("disallow"), entry.get("state", state))
    except InputError as problem:
        problem.problem = f"customize.{function}: {problem.problem}"
        raise
    return customizable(function, entry.get("module")), wish


def compare(
    own: Own,
    permissions: Mapping[str, Any],
    customize: Mapping[str, Any],
    names: Names,
    *,
    exclusive: bool = True,
    lenient: bool = False,
) -> Access:
    """The difference between what the keys can do and a profile.

    exclusive: a right of a function that the profile does not name is one in excess.
    """
    access = Access(own.member)
    if own.settings is not None:
        rows = [Row.from_record(record) for record in own.settings]
        missing, excess, warnings = deviations(rows, permissions, exclusive=exclusive, lenient=lenient)
        access.missing = [one.as_dict() for one in missing]
        access.excess = [one.as_dict() for one in excess]
        access.warnings += warnings
    elif own.why_settings:
        access.unverified.append(unverified("the rights of the key, and whose it is", own.why_settings))
    if own.items is None and own.why_items and customize:
        access.unverified.append(unverified(f"the Customize lists {', '.join(customize)}", own.why_items))
    for function, entry in customize.items() if own.items is not None else ():
        what, wish = wished(function, entry)
        current = own_items(own.items or [], what)
        loose = lenient or entry.get("on_unknown") == "warn"
        # Names the list itself holds need no catalogue, which saves a read on every unchanged night.
        held = {canonical_item(item) for item in current}
        named = {canonical_item(item) for item in [*(wish.allow or []), *wish.disallow]}
        catalogue: list[str] = []
        if wish.needs_universe or not named <= held:
            try:
                catalogue = universe(names, what, wish)
            except PermissionDenied:
                catalogue = [item for item in [*(wish.allow or []), *wish.disallow] if not begins(item)]
                access.warnings.append(
                    f"these keys may not read the {what.item}s of the tenant, so it was not checked with them whether "
                    f"{what.function} allows every one that it should"
                )
        plan = plan_list(wish, current, catalogue, what=what.item, lenient=loose)
        access.missing_items += [{"function": what.function, "item": item} for item in plan.allow]
        access.excess_items += [{"function": what.function, "item": item} for item in plan.disallow]
        access.warnings += plan.warnings
    return access


def probe(
    psa: Psa,
    own: Own,
    permissions: Mapping[str, Any],
    lenient: bool,
    endpoints: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Make one cheap read for every function the profile may inquire, and of what the vendor's software calls."""
    rows = [Row.from_record(record) for record in own.settings or []]
    wanted, _warnings = wanted_matrix(rows, permissions, lenient=lenient or own.settings is None)
    paths = {Row(None, module, function, {}).key: path for (module, function), path in PROBES.items()}
    todo = [
        (row, paths[row.key])
        for row in rows
        if row.key in paths and wanted.get(row.key, {}).get("inquire", "None") != "None"
    ]
    # Of a list, its count is the cheapest read that takes the same right.
    called = [path if path.endswith("/count") else f"{path.rstrip('/')}/count" for path in endpoints]
    todo += [(Row(None, "", "the vendor's own call", {}), path) for path in called]

    def call(row: Row, path: str) -> dict[str, Any]:
        result: dict[str, Any] = {"module": row.module, "function": row.function, "path": path, "ok": True, "error": ""}
        try:
            psa.get(path)
        except PermissionDenied as problem:
            result.update(ok=False, error=problem.said or problem.problem)
        except PsaError as problem:
            result.update(ok=False, error=problem.problem)
        return result

    return psa.together(partial(call, row, path) for row, path in todo)
