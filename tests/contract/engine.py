# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The integration engine without Ansible's processes: the same modules and filters in the order of roles/integration.

A run takes a fraction of a second, which lets a test disturb every single request of it. The key store is a dictionary.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.msp.connectwise.plugins.action.psa import MODULES
from ansible_collections.msp.connectwise.plugins.filter import key_life
from ansible_collections.msp.connectwise.plugins.module_utils._module import run_in_process

ROOT = Path(__file__).resolve().parents[2]
Result = dict[str, Any]


def connection(ready: Mapping[str, Any], tenant: str, **changes: Any) -> dict[str, Any]:
    """The connection options of a simulated tenant."""
    known = ready["tenants"][tenant]
    options = {name: known[name] for name in ("company_id", "host", "public_key", "private_key", "client_id")}
    return {**options, "ca_path": ready["ca"], "retry_max_delay": 0.02, "timeout": 10.0, **changes}


def run(module: str, options: Mapping[str, Any], *, check: bool = False, **arguments: Any) -> Result:
    """A task: its result as Ansible would show it."""
    given = {name: value for name, value in {**options, **arguments}.items() if value is not None}
    source = MODULES[f"msp.connectwise.{module}"]
    return run_in_process(source, given, check_mode=check, diff_mode=False, action=source.name)


class Failed(Exception):
    """A task failed; `result` is what it said."""

    def __init__(self, module: str, result: Result) -> None:
        super().__init__(f"{module}: {result['msg']}")
        self.module = module
        self.result = result


def profile_of(vendor: str) -> dict[str, Any]:
    """A vendor's profile from the defaults of its role."""
    defaults = yaml.safe_load((ROOT / "roles" / vendor / "defaults" / "main.yml").read_text(encoding="utf-8"))
    names = ("role_name", "member", "key_description", "permissions", "customize")
    return {name: defaults[f"{vendor}_{name}"] for name in names}


class Integration:
    """One profile on one tenant. `store` outlives a failed run, as the real one does."""

    def __init__(self, options: Mapping[str, Any], profile: Mapping[str, Any]) -> None:
        self.options = options
        self.profile = profile
        self.store: dict[str, Any] = {}
        self.changed = False
        self.steps: list[dict[str, Any]] = []

    @property
    def member(self) -> str:
        return str(self.profile["member"]["identifier"])

    def task(self, module: str, **arguments: Any) -> Result:
        result = run(module, self.options, **arguments)
        if result.get("failed"):
            raise Failed(module, result)
        self.changed = self.changed or bool(result.get("changed"))
        self.steps += result.get("manual_steps") or []
        return result

    def compared(self, **key: Any) -> dict[str, Any]:
        current = self.store.get("current") or {}
        found: dict[str, Any] = self.task(
            "cw_integration_info",
            member=self.profile["member"],
            role_name=key.pop("role_name", self.profile["role_name"]),
            permissions=self.profile["permissions"],
            customize=self.profile["customize"],
            key_public=key.get("public_key") or current.get("public_key"),
            key_private=key.get("private_key") or current.get("private_key"),
        )["integration"]
        return found

    def onboard(self, *, rotate: bool = False) -> dict[str, Any]:
        """roles/integration/tasks/member.yml and converge.yml."""
        self.changed, self.steps = False, []
        seen = self.compared()
        if seen["in_sync"] and not rotate and not {"next", "retired"} & set(self.store):
            return seen
        profile = self.profile
        self.task(
            "cw_security_role",
            name=profile["role_name"],
            permissions=profile["permissions"],
            exclusive=True,
            on_unsupported="manual",
        )
        reader = self.store.get("current") or {}
        for function, wish in profile["customize"].items():
            self.task(
                "cw_table_setup",
                role=profile["role_name"],
                function=function,
                reader_public_key=reader.get("public_key"),
                reader_private_key=reader.get("private_key"),
                on_unsupported="manual",
                **wish,
            )
        self.task("cw_api_member", security_role=profile["role_name"], **profile["member"])
        self.key(seen, rotate=rotate)
        return self.compared()

    def key(self, seen: Mapping[str, Any], *, rotate: bool) -> None:
        """roles/integration/tasks/key.yml."""
        listed = self.task("cw_api_key_info", member=self.member)
        found = self.compared() if seen["key"] == "refused" else seen
        description = self.profile["key_description"]
        plan = key_life.key_plan(
            self.store,
            found,
            listed,
            member=self.member,
            member_type="api",
            description=description,
            rotate=rotate,
            heal=True,
        )
        if plan["orphans"]:
            self.task("cw_api_key", member=self.member, key_ids=plan["orphans"], state="absent")
        self.steps += plan["steps"]
        if plan["do"] == "stop":
            raise Failed("key_plan", {"msg": plan["message"]})
        if plan["do"] in ("create", "clean", "manual"):
            self.store = plan["record"]
        if plan["do"] == "create":
            known = plan["record"]["next"]["known_ids"]
            made = self.task(
                "cw_api_key",
                member=self.member,
                description=description,
                other_than=known,
                on_unsupported="manual",
            )
            if made["pending"]:
                self.store = {part: value for part, value in self.store.items() if part != "next"}
            elif "private_key" not in made["api_key"]:
                raise Failed("cw_api_key", {"msg": "somebody else has just made the key; it was left alone. Run again"})
            else:
                self.store = key_life.key_created(self.store, made["api_key"])
        if (self.store.get("next") or {}).get("state") == "created":
            self.prove(self.store["next"])
        if retired := self.store.get("retired"):
            keys = retired if isinstance(retired, list) else [retired]
            doomed = [key["public_key"] for key in keys]
            self.task("cw_api_key", member=self.member, description=description, public_keys=doomed, state="absent")
            self.store = {part: value for part, value in self.store.items() if part != "retired"}

    def prove(self, made: Mapping[str, Any]) -> None:
        """roles/integration/tasks/prove_key.yml."""
        state = self.compared(public_key=made["public_key"], private_key=made["private_key"])["key"]
        if state == "valid":
            self.store = key_life.key_promoted(self.store)
            return
        if state == "refused":
            self.task("cw_api_key", member=self.member, public_keys=[made["public_key"]], state="absent")
        self.store = key_life.key_given_up(self.store)
        raise Failed("prove_key", {"msg": f"the new key is {state}; it was given up. Run again"})

    def remove(self) -> None:
        """roles/integration/tasks/remove.yml."""
        self.changed, self.steps = False, []
        description = self.profile["key_description"]
        self.task("cw_api_key", member=self.member, description=description, state="absent", on_unsupported="manual")
        self.task("cw_api_member", identifier=self.member, state="absent")
        self.task(
            "cw_security_role",
            name=self.profile["role_name"],
            state="absent",
            in_use="clear",
            on_unsupported="manual",
        )
        self.store = {}
