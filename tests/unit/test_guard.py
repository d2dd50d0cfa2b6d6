# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What reaches Ansible's templates: variables by their name. A defect of ours is a result, and one tenant's: Ansible
before 2.19 would take its traceback for a template."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleError

from ansible_collections.msp.connectwise.plugins.plugin_utils import (
    _fleet_run,
    _guard,
    _handover,
    _key_report,
    _order,
    _report,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils._guard import guarded

ACTIONS = sorted(Path(importlib.import_module(_fleet_run.__name__).__file__ or "").parents[1].glob("action/*.py"))
EVIL = "{{ lookup('pipe', 'id') }}\x1b[2J"

# Caller of the templar -> the variables that it names. Whoever adds one sees to it that it is a variable of the
# inventory, the command line or the play, and nothing that was read from a file, a store or a server.
CALLERS = {
    "_bound_host": {"variable"},  # cw_host, cw_region and cw_allow_host_override of the inventory
    "_fleet_hosts": {
        *("'ansible_connection'", "'cw_in_process'", "'cw_integrations'", "'cw_vendor_dirs'"),
    },
    "_options": {"name"},  # cw_<option> of the connection
    "_profile": {"variable"},  # <vendor>_<key> of the host
    "_settings": {"name", "f'{PREFIX}{settings.store}_path'"},  # integration_<setting>
    "_tenant_action": {"'cw_in_process'", "'cw_integrations'", "'integration_vendor'"},
    "cw_first_key": {"source"},  # cw_first_public_key and cw_first_private_key
    "cw_integration_look": {"'cw_vendor_dirs'"},
    "cw_integration_report": {"'integration_defer_failure'"},
    "psa": {"'integration_vendor'"},
}
# Whoever asks Ansible for another host's variables, which it resolves by itself where they are asked for by name.
ASKS_HOSTVARS = {
    "_fleet_hosts",
    "_inventory",
    "_own_variables",
    "cw_fleet_report",
    "cw_summary",
    "cw_vendor_compare",
    "fleet",
}
# What names Ansible's templar, or makes a text a template.
TEMPLAR = {"_templar", "templar", "Templar", "copy_with_new_env", "trust_as_template", "TrustedAsTemplate"}


def names_in(tree: ast.AST) -> Iterator[str]:
    """The names that a file uses, also those of keywords and imports."""
    for one in ast.walk(tree):
        yield from (str(getattr(one, name)) for name in ("attr", "id", "arg") if getattr(one, name, None))
        if isinstance(one, (ast.Import, ast.ImportFrom)):
            yield from (part for alias in one.names for part in alias.name.split("."))


def calls_of(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Each call with the name of what is called; Resolver(action, variables)(name) counts as resolve(name)."""
    for one in ast.walk(tree):
        if isinstance(one, ast.Call):
            made = isinstance(one.func, ast.Call) and getattr(one.func.func, "id", "") == "Resolver"
            yield "resolve" if made else getattr(one.func, "attr", getattr(one.func, "id", "")), one


def test_one_function_calls_the_templar() -> None:
    callers: dict[str, set[str]] = {}
    of_hosts = set()
    files = sorted(ACTIONS[0].parents[1].glob("*/*.py"))
    # What runs on a host knows no templar, and imports nothing that does.
    for path in [one for one in files if one.parent.name not in ("modules", "module_utils")]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if path.stem == "_resolve":
            assert [name for name, _call in calls_of(tree)].count("template") == 1
            continue
        assert not TEMPLAR & set(names_in(tree)), path
        if any(isinstance(node, ast.Constant) and node.value == "hostvars" for node in ast.walk(tree)):
            of_hosts.add(path.stem)
        for node in ast.walk(tree):
            # By another name it would be called unseen.
            if isinstance(node, ast.arg) and ast.unparse(node.annotation or ast.Constant(0)).startswith("Resolve"):
                assert node.arg == "resolve", (path, node.arg)
            if isinstance(node, ast.Assign) and re.fullmatch(r"Resolver\([^()]*\)", ast.unparse(node.value)):
                assert ast.unparse(node.targets[0]) == "resolve", path
        for name, call in calls_of(tree):
            assert name != "template", path
            if name == "resolve" and call.args:  # a path has a method of this name, without arguments
                callers.setdefault(path.stem, set()).add(ast.unparse(call.args[0]))
    assert (callers, of_hosts) == (CALLERS, ASKS_HOSTVARS)


@pytest.mark.parametrize("path", ACTIONS, ids=lambda path: path.stem)
def test_every_action_is_guarded(path: Path) -> None:
    module = importlib.import_module(f"ansible_collections.msp.connectwise.plugins.action.{path.stem}")
    assert hasattr(module.ActionModule.run, "__wrapped__")


def raising(problem: Exception) -> Any:
    def run(_self: Any, _tmp: str | None = None, _task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        raise problem

    return guarded(run)(SimpleNamespace(_task=SimpleNamespace(action="msp.connectwise.cw_fleet"), _loader=None))


@pytest.mark.parametrize("name", ["inventory_hostname", "hostvars", "vars", "ansible_play_hosts_all", "groups", "omit"])
def test_no_action_runs_where_an_extra_variable_hides_a_name_of_ansible(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(_guard, "load_extra_vars", lambda _loader: {name: "europe", "cw_host": "europe.example.com"})
    result = raising(AssertionError("it ran"))
    assert (result["failed"], result["changed"]) == (True, False)
    assert f"extra variables set {name}, which Ansible itself sets; nothing was sent" in result["msg"]


def test_a_defect_is_a_result() -> None:
    result = raising(KeyError(EVIL))
    assert (result["failed"], result["changed"]) == (True, False)
    assert result["msg"].startswith("cw_fleet hit a defect of its own: KeyError: ")
    assert "\x1b" not in result["msg"]
    assert "KeyError" in result["exception"]


def test_what_ansible_raises_stays_its_own() -> None:
    with pytest.raises(AnsibleError, match="ours to read"):
        raising(AnsibleError("ours to read"))


def tenant(name: str) -> _fleet_run.Tenant:
    return _fleet_run.Tenant(name, broken=[_fleet_run.IntegrationResult("umbrella", error="not reached")])


def test_a_defect_while_a_tenant_is_recorded_leaves_the_others_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    real = _fleet_run._report.record_integration

    def record(look: Any, results: Any, name: str, facts: Any, **options: Any) -> Any:
        if name == "north" and "defect" not in options["error"]:
            raise ValueError(EVIL)
        return real(look, results, name, facts, **options)

    monkeypatch.setattr(_fleet_run._report, "record_integration", record)
    run = _fleet_run.FleetRun(check_mode=True, forks=2, show=lambda _text: None)
    seen = {one.name: one.entries for one in run.work_on([tenant("north"), tenant("south")])}
    assert "a defect of this collection: ValueError: {{ lookup" in seen["north"][0]["error"]
    assert "\x1b" not in seen["north"][0]["error"]
    assert seen["south"][0]["error"] == "not reached"


@pytest.mark.parametrize("moment", [EVIL, "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00", 7, ["x"]])
def test_moments_that_are_none(moment: Any) -> None:
    (key,) = _handover.old_keys([{"public_key": "k", "since": moment}], 3.0)
    assert key["until"] is None or key["until"].startswith("0001-")
    assert isinstance(_order.spoken(moment), str)


KEY: dict[str, Any] = {
    **dict.fromkeys(("member", "state", "place"), "x"),
    **dict.fromkeys(("public_key", "age_days")),
    **{name: [] for name in ("retired", "unknown", "excess", "findings")},
    "listed": True,
}


def test_of_a_file_of_keys_only_what_can_be_told_is_kept() -> None:
    forged = {
        "a": 7,
        "b": {},
        "c": {**KEY, "age_days": "old"},
        "d": {**KEY, "unknown": [1]},
        "e": {**KEY, "findings": 1},
    }
    assert _key_report.whole({**forged, "umbrella": KEY}) == {"umbrella": KEY}
    assert _key_report.whole([1]) == {}


@pytest.mark.parametrize(
    "forged",
    [
        None,
        [],
        {},
        {"status": [1]},
        {"status": "fine"},
        {"time": 7},
        {"key": "k"},
        {"parts": {"a": 1}},
        {"error": ["x"]},
    ],
)
def test_an_entry_that_is_none(forged: Any) -> None:
    entry = {"status": "ready", "time": "2026-03-01T02:00:00+00:00"}
    assert _report.is_entry(entry)
    assert not _report.is_entry({**entry, **forged} if forged else forged)
