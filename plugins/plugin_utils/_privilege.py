# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Least privilege, said plainly: rules as data, each with its reason, and what they find in a profile. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._errors import legible
from ansible_collections.msp.connectwise.plugins.module_utils._names import (
    canonical_function,
    canonical_module,
    normalised,
)
from ansible_collections.msp.connectwise.plugins.module_utils._permissions import VERBS, WHOLE_MODULE
from ansible_collections.msp.connectwise.plugins.module_utils._roles import is_admin
from ansible_collections.msp.connectwise.plugins.plugin_utils._profile_tables import rows

WRITES = ("add", "edit", "delete")


@dataclass(frozen=True)
class Rule:
    """Rows that deserve a look. module, function: as ConnectWise calls them; "" for any; a trailing * for a beginning.

    verbs: the levels of which one is granted. only_reader: of a product that only reads, by its own page.
    """

    name: str
    weight: int
    reason: str
    verbs: tuple[str, ...] = VERBS
    module: str = ""
    function: str = ""
    only_reader: bool = False


# The heaviest rule that a level breaks is the one that is said; the order is that of the weights.
RULES = (
    Rule(
        "security roles", 9, "can give itself and others any right", WRITES, module="System", function="Security Roles"
    ),
    Rule(
        "members", 8, "can make and change members, and with them keys", WRITES, "System", "Member Maintenance"
    ),
    Rule("whole module", 7, "reaches every function of the module, also those that come later", function=WHOLE_MODULE),
    Rule(
        "deletes setup tables", 7, "can delete boards, types and statuses that records depend on", ("delete",),
        "System", "Table Setup",
    ),
    Rule("writes finance", 6, "can change what is invoiced or booked", WRITES, module="Finance"),
    Rule("writes although it reads", 6, "the page says that the product only reads", WRITES, only_reader=True),
    Rule("passwords", 5, "can read stored passwords", VERBS, "Companies", "Configuration - Display Passwords"),
    Rule("deletes", 4, "what is deleted is gone for good", ("delete",)),
    Rule("closes", 3, "can reopen and change what is closed", WRITES, function="Close *"),
    Rule(
        "changes setup tables", 3, "can change the tables that the whole product works with", ("add", "edit"), "System",
        "Table Setup",
    ),
)  # fmt: skip
ADMIN = Rule("admin role", 10, "the Admin role has every right there is")
OPEN_LIST = Rule("open Table Setup", 2, "without a Customize list, Table Setup reaches every table")


@dataclass(frozen=True)
class Finding:
    """One row of a profile, and why it deserves a look."""

    rule: str
    weight: int
    module: str
    function: str
    levels: str
    reason: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        place = f"{self.module} / {self.function}" if self.function else self.module
        return f"{place}{': ' + self.levels if self.levels else ''} — {self.reason}"


# Rules whose rows are shown before the first write, and modules of which every function is shown then.
_GRAVE = frozenset({ADMIN.name, "security roles", "members", "deletes setup tables"})
_GRAVE_MODULES = frozenset(canonical_module(module) for module in ("Finance", "System"))


def grave(found: Finding) -> bool:
    """Return whether a finding is shown to whoever makes the integration, before the first write."""
    whole = found.rule == "whole module" and canonical_module(found.module) in _GRAVE_MODULES
    return whole or found.rule in _GRAVE


def asked(permissions: Mapping[str, Any], found: Iterable[Finding], *, outside: bool) -> list[str]:
    """Return the risky rights of a vendor; of one that is not of this collection all rights too."""
    lines = [str(one) for one in found if grave(one)]
    for module, function, levels in rows(permissions) if outside else ():
        granted = ", ".join(f"{verb.capitalize()} {levels[verb]}" for verb in VERBS if levels[verb] != "None")
        if granted:
            lines.append(f"{module} / {_shown(function)}: {granted}")
    return lines


def announced(vendor: str, asks: Sequence[str], *, outside: bool) -> list[str]:
    """Return what is shown of a vendor before the first write: one line, or one a right if it is from outside."""
    if outside and asks:
        return [f"{vendor}, whose table is not of this collection, asks for:", *(f"  {legible(one)}" for one in asks)]
    return [f"{vendor} asks for: {legible('; '.join(asks))}"] if asks else []


def findings(
    permissions: Mapping[str, Any],
    customize: Mapping[str, Any],
    *,
    role_name: str | None = None,
    reads_only: bool = False,
) -> list[Finding]:
    """What deserves a look, the heaviest first; each level once."""
    found = list(_of_the_whole(permissions, customize, role_name))
    for module, function, levels in rows(permissions):
        said: dict[Rule, list[str]] = {}
        for verb in VERBS:
            rule = next((one for one in RULES if _breaks(one, module, function, verb, levels, reads_only)), None)
            if rule is not None:
                said.setdefault(rule, []).append(f"{verb.capitalize()} {levels[verb]}")
        found += [
            Finding(rule.name, rule.weight, module, _shown(function), ", ".join(granted), rule.reason)
            for rule, granted in said.items()
        ]
    return sorted(found, key=lambda one: -one.weight)


def _of_the_whole(
    permissions: Mapping[str, Any], customize: Mapping[str, Any], role_name: str | None
) -> Iterator[Finding]:
    if is_admin(role_name):
        yield Finding(ADMIN.name, ADMIN.weight, f"Role {role_name}", "", "", ADMIN.reason)
    reached = [
        levels for module, function, levels in rows(permissions) if _is(module, function, "System", "Table Setup")
    ]
    lists = {normalised(function) for function in customize}
    if any(level != "None" for levels in reached for level in levels.values()) and "table setup" not in lists:
        yield Finding(OPEN_LIST.name, OPEN_LIST.weight, "System", "Table Setup", "no Customize list", OPEN_LIST.reason)


def _breaks(rule: Rule, module: str, function: str, verb: str, levels: Mapping[str, str], reads_only: bool) -> bool:
    if verb not in rule.verbs or levels[verb] == "None" or (rule.only_reader and not reads_only):
        return False
    if rule.module and canonical_module(module) != canonical_module(rule.module):
        return False
    if rule.function.endswith(" *"):
        return normalised(function).startswith(normalised(rule.function[:-1]) + " ")
    return not rule.function or canonical_function(module, function) == canonical_function(module, rule.function)


def _is(module: str, function: str, wanted: str, name: str) -> bool:
    return canonical_module(module) == canonical_module(wanted) and canonical_function(
        module, function
    ) == canonical_function(wanted, name)


def _shown(function: str) -> str:
    return "every function" if function == WHOLE_MODULE else function
