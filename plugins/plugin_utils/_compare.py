# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The vendors of a tenant side by side: who asks for what, what they reach together, what one more would add. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._names import canonical_function, canonical_module
from ansible_collections.msp.connectwise.plugins.module_utils._permissions import RANK, VERBS, WHOLE_MODULE
from ansible_collections.msp.connectwise.plugins.plugin_utils._matrix import MATRIX, function_named, module_named
from ansible_collections.msp.connectwise.plugins.plugin_utils._profile import Profile, collisions
from ansible_collections.msp.connectwise.plugins.plugin_utils._profile_tables import rows

Place = tuple[str, str]
Levels = dict[str, str]


@dataclass
class Row:
    """One function: what each vendor asks for, and what they reach together."""

    module: str
    function: str
    wanted: dict[str, Levels] = field(default_factory=dict)

    @property
    def union(self) -> Levels:
        return {
            verb: max((levels[verb] for levels in self.wanted.values()), key=RANK.__getitem__, default="None")
            for verb in VERBS
        }

    def alone(self, vendor: str) -> list[str]:
        """The levels that no other vendor asks for as high."""
        mine = self.wanted.get(vendor, {})
        others = [levels for name, levels in self.wanted.items() if name != vendor]
        return [
            verb
            for verb in VERBS
            if mine and RANK[mine[verb]] > max((RANK[levels[verb]] for levels in others), default=0)
        ]


@dataclass
class Comparison:
    """The vendors of some tenants. more: what each further one would add. problems: why they cannot go together."""

    tenants: list[str]
    profiles: list[Profile]
    rows: list[Row]
    lists: dict[str, dict[str, str]]
    problems: list[str]
    more: list[tuple[Profile, list[str], list[str]]] = field(default_factory=list)


def side_by_side(profiles: Sequence[Profile]) -> list[Row]:
    """The rows of all, in the product's order of modules and by function."""
    found: dict[Place, Row] = {}
    for profile in profiles:
        for module, function, levels in rows(profile.permissions):
            if set(levels.values()) != {"None"}:
                place = canonical_module(module), canonical_function(module, function)
                row = found.setdefault(place, Row(module_named(module) or module, _shown(module, function)))
                row.wanted[profile.name] = levels
    for place, row in found.items():
        # Who asks for a whole module asks for each of its functions, unless it names the function itself.
        whole = found.get((place[0], WHOLE_MODULE), row)
        row.wanted = {**whole.wanted, **row.wanted}
    order = {module: number for number, module in enumerate(MATRIX)}
    return sorted(
        found.values(), key=lambda row: (order.get(row.module, len(order)), row.module, row.function.casefold())
    )


def _shown(module: str, function: str) -> str:
    """A function by ConnectWise's own name, whatever the first vendor's page prints."""
    known = module_named(module)
    return (function_named(known, function) if known else None) or function


def compared(tenants: Sequence[str], profiles: Sequence[Profile], others: Sequence[Profile] = ()) -> Comparison:
    return Comparison(
        tenants=list(tenants),
        profiles=list(profiles),
        rows=side_by_side(profiles),
        lists=_lists(profiles),
        problems=collisions(profiles),
        more=[(other, *_added(profiles, other)) for other in others],
    )


def _lists(profiles: Sequence[Profile]) -> dict[str, dict[str, str]]:
    """What the Customize list of a function holds, by function and vendor."""
    found: dict[str, dict[str, str]] = {}
    for profile in profiles:
        for function, one in profile.customize.items():
            found.setdefault(function, {})[profile.name] = list_text(one)
    return found


def list_text(one: Mapping[str, Any]) -> str:
    refused = ", ".join(one.get("disallow", []))
    if one.get("allow") == "all":
        return f"all but {refused}" if refused else "all"
    return ", ".join(one.get("allow", [])) or (f"without {refused}" if refused else "nothing")


def _added(profiles: Sequence[Profile], other: Profile) -> tuple[list[str], list[str]]:
    """The rights that nobody has yet and one more vendor would have, and what it would collide with."""
    before = {(row.module, row.function): row.union for row in side_by_side(profiles)}
    added = []
    for row in side_by_side([*profiles, other]):
        whole = before.get((row.module, WHOLE_MODULE), dict.fromkeys(VERBS, "None"))
        old = before.get((row.module, row.function), whole)
        new = row.union
        levels = [f"{verb.capitalize()} {new[verb]}" for verb in VERBS if RANK[new[verb]] > RANK[old[verb]]]
        if levels:
            added.append(f"{row.module} / {row.function}: {', '.join(levels)}")
    old_problems = collisions(profiles)
    return added, [text for text in collisions([*profiles, other]) if text not in old_problems]


def union_findings(comparison: Comparison) -> list[str]:
    """Which vendors could do with less: the rows that deserve a look, with the vendor that asks for them."""
    found = [(one.weight, f"{profile.product}: {one}") for profile in comparison.profiles for one in profile.findings]
    return [text for _weight, text in sorted(found, key=lambda pair: -pair[0])]


def reductions(profile: Profile) -> list[tuple[str, str, int]]:
    """The narrower variants of a vendor's page that are not switched on: name, what for, rows concerned."""
    switched = profile.about.get("reductions", [])
    return [
        (name, str(group.get("description", "")), len(rows(group.get("permissions", {}))))
        for name, group in profile.about.get("reduction_groups", {}).items()
        if name not in switched
    ]


def riskiest(profile: Profile, count: int = 3) -> list[str]:
    return [str(one) for one in profile.findings[:count]]
