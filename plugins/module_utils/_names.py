# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare names and levels as people print them, and print numbers of things. Pure functions."""

from __future__ import annotations

import difflib
import fnmatch
import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

from ._errors import AmbiguousName, InputError, UnknownName

_DASHES = re.compile("[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")
# Characters without width, which a PDF or a web page leaves in a copied name.
_HIDDEN = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_CUSTOMIZE = re.compile(r"\(\s*customi[sz]e\s*\)")
_TIGHT = re.compile(r" ?([/-]) ?")
# Characters of a name that is remembered and suggested, and how many are compared: a server has any number of either.
_LONGEST, _CANDIDATES = 300, 2000

# Names that vendors' pages print for one and the same row, by module ("" = the module's own name).
# Sources: the vendors' permission tables, ConnectWise's role matrix of 2017 and its BrightGauge page.
_PRINTED: dict[str, dict[str, tuple[str, ...]]] = {
    "": {
        "Companies": ("Company", "Companies Module", "Company module"),
        "Finance": ("Finance Module", "Invoicing and Finance"),
        "Project": ("Projects", "Project Module"),
        "Service Desk": ("Service", "Service Desk Module"),
        "Time & Expense": ("Time & Expenses", "Time and Expenses"),
    },
    "Companies": {
        "CRM/Sales Activities": ("CRM Sales Activities",),
        "Manage Attachments": ("Manage Documents",),
        "Team Members": ("Teams Members",),
        "UserCentric": ("User Scenarios",),
    },
    "Finance": {
        "Accounting Interface": ("GL Interface",),
        "Expense Reimbursements": ("Expense Reimbursement",),
    },
    "Procurement": {
        "Product Catalog": ("Product Entry",),
        "Products": ("Product",),
    },
    "Project": {
        "Close Projects": ("Close Project",),
        "Project Ticket - Dependencies": ("Project Ticket - Dependancies", "Project Tickets - Dependencies"),
        "Project Tickets": ("Project Ticket",),
    },
    "Sales": {
        "Opportunity": ("Opportunities",),
        "Sales Order Finance": ("Sales Orders Finance",),
    },
    "Service Desk": {
        "Close Service Tickets": ("Close Service Ticket", "Closed Service Tickets"),
        "Reports": ("Reporting",),
        "Service Ticket - Dependencies": (
            "Service Ticket Dependencies",
            "Service Ticket - Dependancies",
            "Service Tickets - Dependencies",
        ),
        "Service Tickets": ("Service Ticket",),
    },
    "System": {
        "Manage Hosted API": ("Managed Hosted API",),
        "Security Roles": ("Security",),
        "Table Setup": ("Setup Tables",),
    },
    "Time & Expense": {
        "Time Entry Billable Option": ("Tim Entry Billable Option",),
    },
}

# The same for setup tables ("Category / Table").
_PRINTED_TABLES: dict[str, tuple[str, ...]] = {
    "Project / Project Board": ("Project / Project Boards",),
    "Service / Service Board": ("Service / Service Boards",),
    "General / Workflow Rules": ("General / Workflow_Rules",),
    "Agreements / Batch": ("Agreements / Batch Setup",),
}

# What people write for a level; without quotes, YAML makes False or True of it.
_NO, _YES = ("no", "off", "false"), ("yes", "on", "true")
_LEVELS = ("None", "My", "All")


def normalised(name: str) -> str:
    """A name without the differences of print: case, spacing, dashes, "&" for "and", a "(Customize)" behind it."""
    return _normalised(name) if len(name) <= _LONGEST else _normalised.__wrapped__(name)


@lru_cache(maxsize=4096)
def _normalised(name: str) -> str:
    text = _DASHES.sub("-", _HIDDEN.sub("", unicodedata.normalize("NFKC", name))).casefold()
    text = _CUSTOMIZE.sub(" ", text.replace("&", " and "))
    return _TIGHT.sub(r"\1", " ".join(text.split()))


def _index(printed: Mapping[str, Iterable[str]]) -> dict[str, str]:
    return {normalised(variant): normalised(name) for name, variants in printed.items() for variant in variants}


MODULE_VARIANTS = _index(_PRINTED[""])
FUNCTION_VARIANTS = {normalised(module): _index(names) for module, names in _PRINTED.items() if module}
TABLE_VARIANTS = _index(_PRINTED_TABLES)


def canonical(name: str, variants: Mapping[str, str]) -> str:
    """The key under which a name and its known variants are the same."""
    key = normalised(name)
    return variants.get(key, key)


def canonical_module(name: str) -> str:
    return canonical(name, MODULE_VARIANTS)


def canonical_function(module: str, name: str) -> str:
    return canonical(name, FUNCTION_VARIANTS.get(canonical_module(module), {}))


def canonical_item(name: str) -> str:
    return canonical(name, TABLE_VARIANTS)


def closest(name: str, candidates: Iterable[str], limit: int = 4) -> list[str]:
    """The candidates that look most like a name, best first."""
    likely = islice((candidate for candidate in candidates if len(candidate) <= _LONGEST), _CANDIDATES)
    by_key: dict[str, list[str]] = {}
    for candidate in likely:
        by_key.setdefault(normalised(candidate), []).append(candidate)
    found = difflib.get_close_matches(normalised(name), list(by_key), n=limit, cutoff=0.5)
    # Of names that are one to a reader of print, the one in the same letters comes first.
    letters = _letters(name)
    return [one for key in found for one in sorted(by_key[key], key=lambda one: _letters(one) != letters)][:limit]


def unknown(what: str, name: str, candidates: Iterable[str], where: str = "this tenant") -> UnknownName:
    """The error for a name nobody knows, with the closest names there are."""
    near = closest(name, candidates)
    hint = "did you mean " + " or ".join(f'"{one}"' for one in near) + "?" if near else "no name there is close to it"
    return UnknownName(
        f'{where} has no {what} "{name}"; {hint}',
        remedy="correct the name; the cw_tenant_info module lists the names of the tenant",
        name=name,
        closest=near,
    )


def listed(names: Iterable[str], limit: int = 8) -> str:
    """Names as a sentence lists them, the first of many."""
    known = list(names)
    more = f" and {len(known) - limit} more" if len(known) > limit else ""
    return ", ".join(f'"{name}"' for name in known[:limit]) + more


def ambiguous(what: str, name: str, found: Iterable[object]) -> AmbiguousName:
    """The error for a name that several records carry."""
    listed = ", ".join(str(one) for one in found)
    return AmbiguousName(
        f'several entries are called {what} "{name}": {listed}',
        remedy="rename or remove all but one of them in ConnectWise PSA (System), then run again",
        name=name,
    )


def sought(records: Iterable[Mapping[str, Any]], key: str, name: str, what: str) -> tuple[dict[str, Any] | None, str]:
    """Return the record of exactly this name, and else a name that differs in case, spaces or dashes only.

    A "(Customize)" behind a name makes it another name. Raises AmbiguousName.
    """
    named = [dict(record) for record in records]
    found = [record for record in named if record.get(key) == name]
    if len(found) > 1:
        raise ambiguous(what, name, [f"id {record.get('id')}" for record in found])
    if found:
        return found[0], ""
    return None, next((str(one.get(key)) for one in named if _letters(str(one.get(key))) == _letters(name)), "")


def fitting(records: Iterable[Mapping[str, Any]], key: str, name: str, what: str) -> list[dict[str, Any]]:
    """Return the record of exactly this name; if there is none, those whose name fits it as a pattern.

    `*` stands for any characters and `?` for one. Brackets stand for themselves, since names have them.
    Raises AmbiguousName.
    """
    named = [dict(record) for record in records]
    exact, _alike = sought(named, key, name, what)
    if exact is not None:
        return [exact]
    return [one for one in named if fnmatch.fnmatchcase(str(one.get(key)), name.replace("[", "[[]"))]


def _letters(name: str) -> str:
    plain = _HIDDEN.sub("", unicodedata.normalize("NFKC", name))
    return "".join(_DASHES.sub("-", plain).casefold().split())


def same(left: str, right: str) -> bool:
    return normalised(left) == normalised(right)


def counted(number: float, noun: str, nouns: str = "") -> str:
    """Return a number with its noun: 1 vendor, 2 vendors. nouns: a plural that is not the noun with an s."""
    shown = int(number) if number == int(number) else number
    return f"{shown} {noun if number == 1 else nouns or f'{noun}s'}"


def level_meant(value: Any) -> Any:
    """Return the level None for what YAML makes of an unquoted no, off or false; any other value as it is."""
    is_no = value is False or (isinstance(value, str) and value.strip().casefold() in _NO)
    return "None" if is_no else value


def level_hint(value: Any) -> str:
    """Return what to write instead of a value that is no level but was meant as one; empty if that is not known."""
    if value is True or (isinstance(value, str) and value.strip().casefold() in _YES):
        return '; YAML reads yes, on and true without quotes as true: write "All" or "My"'
    return "; write the word, not a number" if isinstance(value, (int, float)) else ""


def level_word(value: Any, where: str) -> str:
    """A level as the API spells it, from any capitalisation; null is None."""
    word = "None" if value is None else str(level_meant(value)).strip().capitalize()
    if word not in _LEVELS:
        raise InputError(
            f'{where}: "{value}" is not a level', remedy=f"a level is one of None, My, All{level_hint(value)}"
        )
    return word
