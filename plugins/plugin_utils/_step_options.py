# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of the modules that make role, lists and members, from a profile and the settings of a host. Pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.msp.connectwise.plugins.plugin_utils._profile import Profile
from ansible_collections.msp.connectwise.plugins.plugin_utils._settings import Settings

# The integration whose key the runs themselves work with.
OWN_INTEGRATION = "cw_admin"


def variable_to_set(profile: Profile, vendor: str, options: Mapping[str, Any], option: str, example: str) -> str:
    """Return the remedy for a name that a tenant does not have: the variable of the host, with an example.

    A variable takes the place of the whole key of the profile, so the example has all of it.
    """
    if option == "customize":
        return f"set {vendor}_customize with one of these names, such as {vendor}_customize: {example}"
    identifier, first = (options.get("member") or options).get("identifier"), profile.keys[0].member
    if identifier != first["identifier"]:
        return f'set {option} of the member {identifier} in {vendor}_further_keys, such as {option}: "{example}"'
    member = json.dumps({**first, option: example}, ensure_ascii=False)
    return f"set {option} to one of these names, such as {vendor}_member: {member}"


@dataclass(frozen=True)
class StepOptions:
    """recorded: API members that the store names as those of the integration's keys. former: of its earlier keys."""

    profile: Profile
    settings: Settings
    recorded: Collection[str] = ()
    former: Collection[str] = ()

    @property
    def absent(self) -> bool:
        return self.settings.state == "absent"

    def matrix(self) -> dict[str, Any]:
        return {
            "permissions": self.profile.permissions,
            "exclusive": self.settings.exclusive,
            "on_unknown": self.settings.on_unknown,
        }

    def role(self) -> dict[str, Any] | None:
        """Options of cw_security_role; None if the integration touches no role."""
        if self.profile.role_name is None:
            return None
        options: dict[str, Any] = {
            "name": self.profile.role_name,
            "state": self.settings.state,
            "on_unsupported": self.settings.on_unsupported,
            **self._claim(),
        }
        if self.absent:
            return {**options, "in_use": "clear"}
        return {**options, **self.matrix()}

    def lists(self) -> dict[str, Any] | None:
        """Options of cw_table_setup, but for the key that reads; None if there is no list to set."""
        if self.profile.role_name is None or self.absent or not self.profile.customize:
            return None
        return {
            "role": self.profile.role_name,
            "lists": self.profile.customize,
            "on_unknown": self.settings.on_unknown,
            "on_unsupported": self.settings.on_unsupported,
            **self._claim(),
        }

    def members(self) -> list[dict[str, Any]]:
        """Options of cw_api_member, for each member once; a person's own record is left as it is."""
        found = {}
        for key in self.profile.keys:
            if key.member_type == "api":
                found[key.member["identifier"]] = {
                    "state": self.settings.state,
                    **key.member,
                    # Proves also a member that is to be switched off to be the integration's.
                    "security_role": self.profile.role_name,
                    "adopt": self.settings.adopt or key.member["identifier"] in self.recorded,
                    "own_key_role": self._may_change_own,
                }
        return list(found.values())

    @property
    def _may_change_own(self) -> bool:
        # Taking away the rights of our own key would end the run halfway.
        return self.profile.name == OWN_INTEGRATION and not self.profile.outside and not self.absent

    def _claim(self) -> dict[str, Any]:
        """Whose role it may be, in the words of the modules."""
        members = {key.member["identifier"] for key in self.profile.keys if key.member_type == "api"}
        return {
            "own_members": sorted({*members, *self.former}),
            "adopt": self.settings.adopt,
            "own_key_role": self._may_change_own,
        }
