# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one reader of profiles: a vendor's table, a host's variables over it, checked before anything is sent.

A fleet reads the same few tables for every tenant, so a table is parsed once, and a profile that no variable changes
is checked once. Whoever is given a profile must not change it.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError

from ansible_collections.msp.connectwise.plugins.module_utils._names import normalised
from ansible_collections.msp.connectwise.plugins.module_utils._roles import is_admin
from ansible_collections.msp.connectwise.plugins.plugin_utils import _profile_file as files
from ansible_collections.msp.connectwise.plugins.plugin_utils._privilege import Finding, asked, findings
from ansible_collections.msp.connectwise.plugins.plugin_utils._profile_check import (
    PROPERTIES,
    Problem,
    nearest,
    problems,
    said,
    templates_in,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils._profile_file import Document, ProfileError
from ansible_collections.msp.connectwise.plugins.plugin_utils._profile_names import (
    COLLECTION,
    Source,
    directories,
    find,
    listed,
    wanted,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils._profile_tables import (
    allows_nothing,
    with_levels,
    with_switches,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils._resolve import Resolve, has_marker

__all__ = ["Key", "Profile", "ProfileError", "collisions", "directories", "find", "of_mapping", "read", "wanted"]

SHARED, PER_TECHNICIAN = "shared_api_member", "per_technician"
# Lists that arrive as one text from the command line: -e ticket_scout_features=projects,opportunities
_SWITCHES = ("features", "members", "reductions")
_ABOUT = (
    *("checked", "completeness", "endpoints", "feature_groups", "features", "gaps", "notes", "readings"),
    *("reads_only", "reduction_groups", "reductions", "sources", "table"),
)
_VARIANTS = 1000  # of one vendor's profile, so many are kept
_SHOWN = 5


@dataclass(frozen=True)
class Key:
    """One key that an integration consists of.

    member: fields in the words of cw_api_member. member_type: "api", or "member" for a person. record: its name in the
    key store.
    """

    member: dict[str, Any]
    member_type: str
    description: str
    record: str


@dataclass(frozen=True)
class Profile:
    """What one vendor needs on one tenant, features and reductions worked in.

    role_name: None if no role is touched. grace_days: how long a replaced key works on, if the host does not say.
    about: what else the table says: completeness, gaps, readings, notes, endpoints … findings: rows that deserve a
    look, the riskiest first. outside: whether the table is none of this collection. empty: where the table is, if the
    role would have no right at all.
    """

    name: str
    vendor: str
    product: str
    source: str | None
    strategy: str
    role_name: str | None
    keys: list[Key]
    permissions: dict[str, Any]
    customize: dict[str, Any]
    handover: dict[str, Any]
    grace_days: float
    about: dict[str, Any]
    findings: list[Finding]
    outside: bool
    empty: str = ""

    def require_rights(self) -> None:
        """Raise ProfileError if the role of the integration would have no right at all."""
        if self.empty:
            groups = ", ".join(self.about.get("feature_groups", {}))
            features = f", or switch on what you use with {self.name}_features: {groups}" if groups else ""
            lists = ", and a Customize list alone gives no right" if self.customize else ""
            raise ProfileError(
                f"{self.empty}: no row allows anything{lists}, so the key could do nothing",
                remedy=f"fill in the rows of the vendor's page{features}; nothing was sent to the tenant",
            )

    @property
    def asks(self) -> list[str]:
        """The rights that are shown before the first write."""
        people = [key.member["identifier"] for key in self.keys if key.member_type == "member"] if self.outside else []
        keys = [f"a key of {one}, with every right of that person" for one in people]
        return [*keys, *asked(self.permissions, self.findings, outside=self.outside)]

    def as_dict(self) -> dict[str, Any]:
        """What reports say of the profile."""
        return {
            "vendor": self.vendor,
            "product": self.product,
            "source": self.source,
            "strategy": self.strategy,
            "role_name": self.role_name,
            "members": [key.member["identifier"] for key in self.keys],
            "handover": self.handover,
            "grace_days": self.grace_days,
            "findings": [one.as_dict() for one in self.findings],
            **self.about,
        }


@dataclass
class _Table:
    """A vendor's table as its file has it. templates: where it has what a file may not have, with the marker."""

    source: Source
    document: Document
    prefix: str
    values: dict[str, Any]
    templates: Sequence[Problem] = ()
    known: dict[str, Profile] = field(default_factory=dict)

    def place(self, path: Sequence[object], overlaid: Mapping[str, Any]) -> str:
        """Where a reader finds a key: a variable of the host, or file and line."""
        if path and path[0] in overlaid:
            return f"variable {self.source.vendor}_{said(tuple(path))}"
        own = (f"{self.prefix}{path[0]}", *path[1:]) if path else ()
        line = self.document.line_of(own)
        where = f"{self.document.name}, line {line}" if line else self.document.name
        return f"{where}: {said(own)}" if own else where


_tables: dict[Path, _Table] = {}


def read(
    name: str,
    variables: Mapping[str, Any],
    resolve: Resolve,
    directories: Sequence[Path] = (),
) -> Profile:
    """The profile of a vendor for one host.

    variables: of the host; `<vendor>_<key>` takes the place of a key as a whole. resolve: resolves one of them by name.
    The table itself is data: a template in it is an error, or text for people.
    """
    table = _table(find(name, directories))
    prefix = f"{table.source.vendor}_"
    overlaid = {}
    for variable in [one for one in variables if one.startswith(prefix)]:
        key = variable[len(prefix) :]
        if key not in PROPERTIES:
            _not_mistyped(variable, key)
            continue
        # A mapping such as hostvars resolves what it is asked for, so that is tried too.
        given = _resolved(variable, variables.__getitem__)
        if given != table.values.get(key) or has_marker(given):
            # In a vendor's own role its defaults are variables of the host too.
            overlaid[key] = _resolved(variable, resolve)
    _refuse_templates(table, overlaid)
    if not overlaid:
        return table.known.get("") or _kept(table, "", table.values, {})
    variant = json.dumps(overlaid, sort_keys=True, default=repr)
    return table.known.get(variant) or _kept(table, variant, {**table.values, **overlaid}, overlaid)


def of_file(name: str, document: Document) -> Profile:
    """The profile of a vendor file as it is, without a host's variables."""
    table = _of(Source(name, name, None, None), document)
    _refuse_templates(table, {})
    return _made(table, table.values, {})


def of_mapping(name: str, mapping: Mapping[str, Any]) -> Profile:
    """A profile given whole, as integration_profile, by a role of a user's own."""
    if not isinstance(mapping, Mapping):
        raise ProfileError(f"integration_profile of {name} is not a mapping", remedy="give the profile as a mapping")
    given = {key: value for key, value in mapping.items() if value is not None}
    document = Document(f"integration_profile of {name}", given)
    source = Source(name, name.rpartition(".")[2], None, None)
    return _made(_Table(source, document, "", given), given, {})


def _table(source: Source) -> _Table:
    if source.path is None:
        remedy = "run it as a role, or give its table as variables of its defaults"
        raise ProfileError(f"the role {source.role} hands over a profile of its own, which has no table", remedy=remedy)
    document = files.load(source.path)
    known = _tables.get(source.path)
    if known is None or known.document is not document:
        known = _of(source, document)
        _tables[source.path] = known
    return known


def _of(source: Source, document: Document) -> _Table:
    prefix = f"{source.vendor}_" if source.role else ""
    values = {key[len(prefix) :]: value for key, value in document.values.items() if key.startswith(prefix)}
    return _Table(source, document, prefix, values, tuple(templates_in(values)))


def _refuse_templates(table: _Table, overlaid: Mapping[str, Any]) -> None:
    """Raise ProfileError for a template in what is used of a file; only a variable is one."""
    found = [(path, marker) for path, marker in table.templates if path[0] not in overlaid]
    if not found:
        return
    # No variable can take the place of what is no key.
    strangers = list(dict.fromkeys(path[0] for path, _marker in found if path[0] not in PROPERTIES))
    if strangers:
        listed = "; ".join(
            f"{table.place((key,), {})}: there is no such key; {nearest(str(key), PROPERTIES)}"
            for key in strangers[:_SHOWN]
        )
        raise ProfileError(listed, remedy="correct the key, or take it out of the file")
    listed = "; ".join(f"{table.place(path, {})}: {marker} begins a template" for path, marker in found[:_SHOWN])
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    names = " and ".join(dict.fromkeys(f"{table.source.vendor}_{path[0]}" for path, _marker in found))
    problem = f"{listed}{more}; this file is data, and no template in it is resolved"
    raise ProfileError(problem, remedy=f"move the template to host_vars as {names}")


def _resolved(variable: str, resolve: Resolve) -> Any:
    try:
        return resolve(variable)
    except AnsibleError as problem:
        remedy = "define what it refers to"
        raise ProfileError(f"variable {variable}: cannot be resolved: {problem}", remedy=remedy) from None


def _not_mistyped(variable: str, key: str) -> None:
    """A variable of the host that is nearly a key of the profile was meant as one."""
    hint = nearest(key, PROPERTIES, cutoff=0.85)
    if hint.startswith("did you mean"):
        raise ProfileError(f"variable {variable}: a profile has no key {key}; {hint}", remedy="correct the variable")


def _kept(table: _Table, variant: str, values: Mapping[str, Any], overlaid: Mapping[str, Any]) -> Profile:
    profile = _made(table, values, overlaid)
    if len(table.known) < _VARIANTS:
        table.known[variant] = profile
    return profile


def _made(table: _Table, given: Mapping[str, Any], overlaid: Mapping[str, Any]) -> Profile:
    values = _settled(given)
    found = list(problems(values))
    if found:
        listed = "; ".join(f"{table.place(path, overlaid)}: {text}" for path, text in found[:_SHOWN])
        more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise ProfileError(f"{listed}{more}")
    vendor, strategy = table.source.vendor, values.get("strategy", SHARED)
    shared = strategy == SHARED
    permissions, customize = with_switches(values) if shared else ({}, {})
    empty = shared and allows_nothing(permissions)
    return Profile(
        name=vendor,
        vendor=values.get("vendor", vendor),
        product=values.get("product", vendor),
        source=values.get("source"),
        strategy=strategy,
        role_name=values["role_name"] if shared else None,
        keys=_keys(vendor, values) if shared else _keys_of_people(vendor, values),
        permissions=permissions,
        customize=customize,
        handover=values.get("handover", {}),
        grace_days=float(values.get("grace_days", 0)),
        about={key: values[key] for key in _ABOUT if key in values},
        findings=findings(
            permissions,
            customize,
            role_name=values.get("role_name") if shared else None,
            reads_only=bool(values.get("reads_only")),
        ),
        outside=not (table.source.role or "").startswith(f"{COLLECTION}."),
        empty=table.place(("permissions",), overlaid) if empty else "",
    )


def _settled(given: Mapping[str, Any]) -> dict[str, Any]:
    """The values with what the command line makes of them undone, and the host's own Member ID put in its place."""
    values = dict(given)
    for key in _SWITCHES:
        if isinstance(values.get(key), str):
            values[key] = [part for part in listed(values[key]) if part]
    values = with_levels(values)
    if isinstance(values.get("grace_days"), str):
        with contextlib.suppress(ValueError):  # the schema says what is wrong with it
            values["grace_days"] = float(values["grace_days"])
    if "member_identifier" in values and isinstance(values.get("member"), Mapping):
        values["member"] = {**values["member"], "identifier": values["member_identifier"]}
    return values


def _keys(vendor: str, values: Mapping[str, Any]) -> list[Key]:
    keys = [Key(dict(values["member"]), "api", values["key_description"], vendor)]
    for further in values.get("further_keys", []):
        member = dict(further.get("member") or values["member"])
        record = f"{vendor}/{further.get('record') or member['identifier']}"
        keys.append(Key(member, "api", further["key_description"], record))
    return keys


def _keys_of_people(vendor: str, values: Mapping[str, Any]) -> list[Key]:
    description = values["key_description"]
    return [Key({"identifier": one}, "member", description, f"{vendor}/{one}") for one in values["members"]]


def collisions(profiles: Sequence[Profile]) -> list[str]:
    """What integrations of one tenant may not share: each would undo what the other does. One sentence for each.

    The Admin role is everybody's, so no integration may have it.
    """
    claims: dict[tuple[str, ...], list[str]] = {}
    printed: dict[tuple[str, ...], str] = {}

    def claim(profile: Profile, what: str, *names: str) -> None:
        place = (what, *(normalised(name) for name in names))
        printed.setdefault(place, names[0])
        if profile.name not in claims.setdefault(place, []) or what == "name":
            claims[place].append(profile.name)

    for profile in profiles:
        claim(profile, "name", profile.name)
        if profile.role_name is not None:
            claim(profile, "security role", profile.role_name)
        for key in profile.keys:
            if key.member_type == "api":
                claim(profile, "API member", key.member["identifier"])
            else:
                claim(profile, "key of a member", key.member["identifier"], key.description)
    shared = {place: names for place, names in claims.items() if len(names) > 1}
    found = [
        f'{one.name} would change the security role "{one.role_name}", which is ConnectWise\'s own and has every '
        f"right; give it a role of its own with {one.name}_role_name"
        for one in profiles
        if is_admin(one.role_name)
    ]
    for place, names in shared.items():
        if place[0] == "name":
            found.append(f"{printed[place]} is named twice, once by its full name; leave one of them out")
            continue
        problem = f'{" and ".join(names)} would share the {place[0]} "{printed[place]}" on this tenant'
        found.append(f"{problem}; {_way_out(place[0], names)}")
    return found


def _way_out(what: str, names: Sequence[str]) -> str:
    variable = {"security role": "role_name", "API member": "member_identifier"}.get(what, "key_description")
    return f"give one of them another with {names[-1]}_{variable}"
