# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine that users run, without Ansible's processes: its fleet run for one tenant, and a store in memory.

A run takes a fraction of a second, which lets a test disturb every single request of it.
"""

from __future__ import annotations

import atexit
import copy
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.msp.connectwise.plugins.module_utils._module import run_in_process
from ansible_collections.msp.connectwise.plugins.plugin_utils import _engine, _profile
from ansible_collections.msp.connectwise.plugins.plugin_utils._fleet_run import FleetRun, Tenant, TenantResult
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_file import StoreError
from ansible_collections.msp.connectwise.plugins.plugin_utils._modules import MODULES
from ansible_collections.msp.connectwise.plugins.plugin_utils._settings import settings_of
from ansible_collections.msp.connectwise.plugins.plugin_utils._tenant_action import InProcess, site_of

ROOT = Path(__file__).resolve().parents[2]
Result = dict[str, Any]
# The engine wants a place for reports that it can write to; what these runs report is looked at in memory.
_reports = tempfile.TemporaryDirectory(prefix="reports-")
atexit.register(_reports.cleanup)


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
    """A task or an integration failed; `result` is what it said."""

    def __init__(self, what: str, result: Result) -> None:
        super().__init__(f"{what}: {result['msg']}")
        self.result = result


def profile_of(vendor: str) -> dict[str, Any]:
    """A vendor's table from the defaults of its role."""
    defaults = yaml.safe_load((ROOT / "roles" / vendor / "defaults" / "main.yml").read_text(encoding="utf-8"))
    return {name.removeprefix(f"{vendor}_"): value for name, value in defaults.items()}


class Shelf:
    """A store in memory: the record of one key. It outlives a failed run, as the real ones do."""

    guarded, settle = True, 0.0

    def __init__(self, records: dict[str, Any], name: str) -> None:
        self._records, self._name, self._version = records, name, 0
        self.place = f"memory#{name}"

    def read(self) -> dict[str, Any]:
        record: dict[str, Any] = copy.deepcopy(self._records.get(self._name) or {})
        self._version = record.get("version", 0)
        return record

    def write(self, record: dict[str, Any]) -> None:
        if (self._records.get(self._name) or {}).get("version", 0) != self._version:
            raise StoreError("another run has written", "run again")
        self._version += 1
        self._records[self._name] = {**copy.deepcopy(record), "version": self._version}

    def delete(self) -> None:
        self._records.pop(self._name, None)

    def check(self, *, write: bool) -> None:
        """Memory can be written."""


class Integration:
    """One profile on one tenant. settings: `integration_*` variables, without their prefix."""

    def __init__(
        self, options: Mapping[str, Any], profile: Mapping[str, Any], *, name: str = "vendor", **settings: Any
    ) -> None:
        self.options, self.profile, self.name = options, profile, name
        self.settings: dict[str, Any] = {"heal": True, "report_dir": _reports.name, **settings}
        self.records: dict[str, Any] = {}
        self.changed = False
        self.steps: list[dict[str, Any]] = []

    @property
    def member(self) -> str:
        return str(self.profile["member"]["identifier"])

    @property
    def store(self) -> dict[str, Any]:
        """What the store holds of the integration's first key."""
        found: dict[str, Any] = self.records.get(self.name) or {}
        return found

    def task(self, module: str, **arguments: Any) -> Result:
        result = run(module, self.options, **arguments)
        if result.get("failed"):
            raise Failed(module, result)
        return result

    def carried_out(self, *, check: bool = False, **settings: Any) -> TenantResult:
        """One run of the engine."""
        run = InProcess(self.options, check_mode=check)
        site = site_of(str(self.options["company_id"]), run, dict(self.options), check_mode=check)
        variables = {f"integration_{name}": value for name, value in {**self.settings, **settings}.items()}
        integration = _engine.Integration(
            site,
            _profile.of_mapping(self.name, self.profile),
            settings_of({"inventory_hostname": site.name, **variables}, variables.get),
            lambda key: Shelf(self.records, key.record),
        )
        tenant = Tenant(site.name, site, self.options, directory=None, integrations=[integration])
        (result,) = FleetRun(check_mode=check, forks=1, show=lambda _text: None).work_on([tenant])
        return result

    def onboard(self, **settings: Any) -> dict[str, Any]:
        """What the report says of the integration after a run; Failed if it failed."""
        result = self.carried_out(**settings)
        (entry,) = result.entries
        self.changed, self.steps = bool(result.changes), entry["manual_steps"]
        if entry["error"]:
            raise Failed(self.name, {"msg": entry["error"]})
        return entry

    def remove(self) -> dict[str, Any]:
        return self.onboard(state="absent")
