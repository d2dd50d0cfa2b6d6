# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proof of routes: used with the keys of an API member on scratch records, read back through the published API.

A route is accepted only when all of what it should change was changed as asked for, and nothing else was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._access import member_of
from ansible_collections.msp.connectwise.plugins.module_utils._client import Psa, Record
from ansible_collections.msp.connectwise.plugins.module_utils._customize import (
    CUSTOMIZABLE,
    TABLE_SETUP,
    Customizable,
    own_items,
    read_own,
)
from ansible_collections.msp.connectwise.plugins.module_utils._errors import (
    AuthenticationFailed,
    ConnectionFailed,
    LostAnswer,
    NotThePsa,
    PermissionDenied,
    PsaError,
    RateLimited,
    RouteNotOffered,
    TransientFailure,
)
from ansible_collections.msp.connectwise.plugins.module_utils._lists import AllowList, ListFacts
from ansible_collections.msp.connectwise.plugins.module_utils._members import API_MEMBERS
from ansible_collections.msp.connectwise.plugins.module_utils._names import counted
from ansible_collections.msp.connectwise.plugins.module_utils._permissions import VERBS, Change, MatrixPlan
from ansible_collections.msp.connectwise.plugins.module_utils._resource import Names, settled
from ansible_collections.msp.connectwise.plugins.module_utils._roles import read_matrix, write_matrix
from ansible_collections.msp.connectwise.plugins.module_utils._routes import Extensions
from ansible_collections.msp.connectwise.plugins.plugin_utils._choreography import TO_PROVE, levels_of, usable_rows
from ansible_collections.msp.connectwise.plugins.plugin_utils._prove_look import Further, Look, differences, look
from ansible_collections.msp.connectwise.plugins.plugin_utils._scratch import Scratch

Route = Mapping[str, Any]
Routes = Mapping[str, Sequence[Route]]
# Keys first: with one of them, the lists of the scratch role can be read as published.
GROUPS = {
    "keys": ("api_member_key.list", "api_member_key.create", "api_member_key.delete"),
    "permissions": ("role_setting.update",),
    "lists": ("customize_items.list", "customize_items.replace"),
}
PROVEN, REFUSED, WRONG = "proven", "refused", "not proven"
# The tenant answered that these keys may not, or that there is no such thing: a session of the browser may be needed.
_REFUSALS = (AuthenticationFailed, PermissionDenied, RouteNotOffered, NotThePsa)
_PASSING = (ConnectionFailed, LostAnswer, RateLimited, TransientFailure)
_FEWEST_ITEMS = 4


class Refuted(Exception):
    """A route did not do what it was used for, or did something else."""


@dataclass
class Verdict:
    """What a proof found of one operation."""

    state: str
    why: str = ""
    route: Route | None = None


@dataclass
class Ground:
    """Scratch records of one proof."""

    psa: Psa
    role: Record
    member: Record
    reader: tuple[str, str] | None = None
    lists: Extensions | None = None

    def more(self) -> Further:
        """The Customize lists of the scratch role: as its member sees them, else as an unproven route shows them."""
        if self.reader is not None:
            reader = self.psa.with_keys(*self.reader)
            return {"a Customize list of the scratch role": lambda: _own_lists(reader)}
        if self.lists is None:
            return {}
        return {
            f"the list {what.module} / {what.function} of the scratch role": partial(
                lambda one: sorted(one.read()), one
            )
            for what, _items, one in _lists(self, self.lists)
        }


def _own_lists(reader: Psa) -> list[tuple[str, str]]:
    return sorted((str(one.get("customizeIdentifier")), str(one.get("itemIdentifier"))) for one in read_own(reader))


class Proof:
    """A proof on one tenant. Use `ground` around it, which takes all away again."""

    def __init__(self, psa: Psa, scratch: Scratch) -> None:
        self._psa = psa
        self._scratch = scratch
        self.proven: dict[str, Route] = {}
        self._held: dict[int, int] = {}

    @contextmanager
    def ground(self) -> Iterator[Ground]:
        """A scratch role and member, and their end whatever happens."""
        self._held = {
            int(one["id"]): int(one["securityRole"]["id"]) for one in self._members() if one.get("securityRole")
        }
        try:
            role = self._scratch.role("proof")
            yield Ground(self._psa, role, self._scratch.member("p", role))
        finally:
            self.clean()

    def _members(self) -> list[Record]:
        return self._psa.list(API_MEMBERS)

    def clean(self) -> list[str]:
        """Take the scratch records away; keys only with routes that were proven."""
        self._psa.begin()
        for member in self._members():
            # A route that gave somebody else the scratch role: back with the one held before.
            before = self._held.get(int(member["id"]))
            if before and self._scratch.owns(member.get("securityRole")) and not self._scratch.owns(member):
                self._scratch.give_role(member, {"id": before})
        keys = all(operation in self.proven for operation in GROUPS["keys"])
        extensions = Extensions(self._psa, dict(self.proven)) if keys else None
        return self._scratch.take_away(extensions).notes

    def run(self, ground: Ground, candidates: Routes) -> dict[str, Verdict]:
        """A verdict for each operation that there are candidates for."""
        verdicts: dict[str, Verdict] = {}
        ground.lists = self._reading(ground, candidates)
        for group, operations in GROUPS.items():
            if all(candidates.get(operation) for operation in operations):
                self._psa.begin()
                verdicts.update(self._group(ground, group, [candidates[operation] for operation in operations]))
        return verdicts

    def _reading(self, ground: Ground, candidates: Routes) -> Extensions | None:
        """The route that reads lists, where these keys may use it: what it shows must not change either."""
        if not candidates.get("customize_items.list"):
            return None
        extensions = Extensions(self._psa, {"customize_items.list": candidates["customize_items.list"][0]})
        try:
            for _what, _items, target in _lists(ground, extensions):
                target.read()
        except PsaError:
            return None
        return extensions

    def _group(self, ground: Ground, group: str, candidates: Sequence[Sequence[Route]]) -> dict[str, Verdict]:
        """The first of the candidates that holds; else what the first of them did."""
        operations = GROUPS[group]
        first: dict[str, Verdict] = {}
        for number in range(max(map(len, candidates))):
            routes = {
                operation: some[min(number, len(some) - 1)]
                for operation, some in zip(operations, candidates, strict=True)
            }
            try:
                _PROOFS[group](ground, Extensions(self._psa, routes))
            except _PASSING:
                # Says nothing of the routes: the proof is made another time.
                raise
            except _REFUSALS as problem:
                first = first or _all(operations, REFUSED, str(problem))
            except (Refuted, PsaError) as problem:
                first = first or _all(operations, WRONG, str(problem))
            else:
                self.proven.update(routes)
                return {operation: Verdict(PROVEN, route=route) for operation, route in routes.items()}
        return first


def _all(operations: Sequence[str], state: str, why: str) -> dict[str, Verdict]:
    return {operation: Verdict(state, why) for operation in operations}


def _unchanged(before: Look, after: Look, wanted: Mapping[int, Mapping[int, tuple[Any, ...]]]) -> None:
    if found := differences(before, after, wanted):
        raise Refuted(f"the route changed something else: {'; '.join(found[:3])}")


def _tuple(levels: Mapping[str, str]) -> tuple[Any, ...]:
    return tuple(levels[verb] for verb in VERBS)


# Permissions


def prove_permissions(ground: Ground, extensions: Extensions) -> None:
    """Two rounds of rows: levels up and down, rows alone and together; the whole matrix of every role is compared."""
    psa, role = ground.psa, int(ground.role["id"])
    chosen = usable_rows(read_matrix(psa, role), 4, skip=2)
    nothing = dict.fromkeys(VERBS, "None")
    rounds = [
        dict(zip([row.id for row in chosen], map(levels_of, TO_PROVE), strict=False)),
        {chosen[1].id: levels_of(TO_PROVE[4]), chosen[2].id: nothing},
        {chosen[0].id: nothing},
    ]
    for wanted in rounds:
        before = look(psa, ground.more())
        rows = read_matrix(psa, role)
        changes = [Change(row, wanted[row.id]) for row in rows if row.id in wanted]
        write_matrix(psa, extensions, role, MatrixPlan(changes=changes, rows=rows))
        levels = {int(change.row.id or 0): _tuple(change.after) for change in changes}
        _unchanged(before, look(psa, ground.more()), {role: levels})


# Keys


def _described(keys: Sequence[Record]) -> list[tuple[str, str]]:
    return sorted((str(key.get("description")), str(key.get("publicKey"))) for key in keys)


def _authenticates(ground: Ground, pair: tuple[str, str]) -> str:
    """The member that a key belongs to, as the tenant says; empty when the key is refused."""
    try:
        return member_of(ground.psa.with_keys(*pair).list("/system/mySecurity"))
    except AuthenticationFailed:
        return ""


def _keys_of_others(ground: Ground, extensions: Extensions) -> Further:
    members = [member for member in ground.psa.list(API_MEMBERS) if member["id"] != ground.member["id"]]
    return {
        f"the keys of the API member {member['identifier']}": partial(
            lambda number: _described(extensions.keys("api_member_key", number)), int(member["id"])
        )
        for member in members
    }


def prove_keys(ground: Ground, extensions: Extensions) -> None:
    """Two keys are made and used, one is deleted and refused from then on; nobody else's keys change."""
    psa, member = ground.psa, int(ground.member["id"])
    name = str(ground.member["identifier"])
    if extensions.keys("api_member_key", member):
        raise Refuted("keys are listed for a member that has none")
    others = {**_keys_of_others(ground, extensions), **ground.more()}
    before = look(psa, others)
    pairs: dict[str, tuple[str, str]] = {}
    for word in ("red", "blue"):
        description = f"Proof {name} {word}"
        made = extensions.create_key("api_member_key", member, description)
        pairs[description] = str(made["publicKey"]), str(made["privateKey"])
        wanted = sorted((text, public) for text, (public, _private) in pairs.items())
        listed = settled(
            lambda: _described(extensions.keys("api_member_key", member)),
            lambda found: found == wanted,  # noqa: B023
        )
        if listed != wanted:
            raise Refuted(f"of {counted(len(pairs), 'new key')} the list shows others: {len(listed)}")
        owner = _authenticates(ground, pairs[description])
        if owner != name:
            raise Refuted(f"the new key is {f'of {owner}' if owner else 'refused'}, not of {name}")
    _unchanged(before, look(psa, others), {})
    doomed, kept = list(pairs)
    number = next(key["id"] for key in extensions.keys("api_member_key", member) if key["description"] == doomed)
    extensions.delete_key("api_member_key", member, number)
    wanted = [(kept, pairs[kept][0])]
    listed = settled(lambda: _described(extensions.keys("api_member_key", member)), lambda found: found == wanted)
    if listed != wanted:
        raise Refuted(f"one of two keys was deleted, and {len(listed)} are listed")
    if _authenticates(ground, pairs[doomed]):
        raise Refuted("the deleted key still works")
    if _authenticates(ground, pairs[kept]) != name:
        raise Refuted("the other key does not work any more")
    _unchanged(before, look(psa, others), {})
    ground.reader = pairs[kept]


# Customize lists


def _lists(ground: Ground, extensions: Extensions) -> list[tuple[Customizable, list[str], AllowList]]:
    """The lists of the scratch role to prove on: Table Setup, and one other that the tenant has items for."""
    role = int(ground.role["id"])
    rows, names, found = read_matrix(ground.psa, role), Names(ground.psa), []
    for what in sorted(CUSTOMIZABLE, key=lambda one: one.function != TABLE_SETUP):
        row = next((one for one in rows if one.key == what.key and one.customizable), None)
        if row is None or not what.source:
            continue
        items = [what.name_of(record) for record in names.records(what.source)]
        if len(items) >= _FEWEST_ITEMS:
            facts = ListFacts(names, what, row, rows.index(row))
            found.append((what, items, AllowList(extensions, role, row, what, facts)))
    return found[:2]


def prove_lists(ground: Ground, extensions: Extensions) -> None:
    """Two lists in three rounds each, read back as the member itself sees them; no other list of any role changes."""
    psa = ground.psa
    if ground.reader is None:
        raise Refuted("without a key of a scratch member, the list cannot be read back as published")
    reader = psa.with_keys(*ground.reader)
    if not _authenticates(ground, ground.reader):
        raise Refuted("the key of the scratch member is refused, so the list cannot be read back as published")
    for what, items, target in _lists(ground, extensions):
        middle = len(items) // 2
        for refused in ({items[1], items[middle], items[-1]}, {items[0], items[middle]}, set()):
            others = _lists_of_others(ground, extensions, what)
            before, own = look(psa, others), read_own(reader)
            wanted = [item for item in items if item not in refused]
            target.send(wanted)
            _compare_lists(reader, what, own, wanted, target)
            _unchanged(before, look(psa, others), {})


def _compare_lists(
    reader: Psa, what: Customizable, before: Sequence[Record], wanted: Sequence[str], target: AllowList
) -> None:
    after = settled(lambda: read_own(reader), lambda found: sorted(own_items(found, what)) == sorted(wanted))
    seen = own_items(after, what)
    wrong = set(seen) ^ set(wanted)
    if wrong or len(seen) != len(wanted):
        amount = counted(len(wrong), "item")
        raise Refuted(f"the list {what.module} / {what.function} differs in {amount} from what was asked for")
    if sorted(target.read()) != sorted(wanted):
        raise Refuted(f"the route that reads {what.module} / {what.function} shows another list than the member sees")
    for other in CUSTOMIZABLE:
        if other.identifier != what.identifier and sorted(own_items(before, other)) != sorted(own_items(after, other)):
            raise Refuted(f"the list {other.module} / {other.function} of the role changed too")


def _lists_of_others(ground: Ground, extensions: Extensions, what: Customizable) -> Further:
    """The same list of every other role, over the route that reads it."""
    psa, names, found = ground.psa, Names(ground.psa), {}
    for other in psa.list("/system/securityroles"):
        if other["id"] == ground.role["id"]:
            continue
        rows = read_matrix(psa, int(other["id"]))
        row = next((one for one in rows if one.key == what.key), None)
        if row is not None:
            facts = ListFacts(names, what, row, rows.index(row))
            target = AllowList(extensions, int(other["id"]), row, what, facts)
            name = f"the list {what.module} / {what.function} of the role {other['name']}"
            found[name] = partial(lambda one: sorted(one.read()), target)
    return found


_PROOFS: dict[str, Callable[[Ground, Extensions], None]] = {
    "permissions": prove_permissions,
    "keys": prove_keys,
    "lists": prove_lists,
}
