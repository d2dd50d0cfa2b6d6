# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each attack at each operation of an onboarding, one after another, and what each of them cost.

    python -m tests.hostile.campaign DIRECTORY [--attacks NAME ...] [--operations TEXT ...] [--part 1/2]

runs in a process of its own, so that its time and memory are those of the collection alone; one line of JSON a case,
whose "ratio" is its CPU for each answer, divided by that of the largest honest answer in the same process.
"""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import yaml

from tests.simulator.client import Simulator

from .gateway import operation

if __name__ == "__main__":
    importlib.import_module("conftest")  # makes the collection importable in a process of its own

ROOT = Path(__file__).resolve().parents[2]
VENDOR = "umbrella"
TENANT: dict[str, Any] = {
    "sites": [{"name": "na"}],
    "tenants": [{"company_id": "north", "site": "na", "profile": "extended"}],
}
# Patience of the client: enough for an attack that floods, and for one that drips not longer than a test may take.
PATIENCE = {"timeout": 5.0, "retries": 1, "retry_max_delay": 0.01, "request_deadline": 10.0, "deadline": 15.0}
# An answer may take so many times the CPU of the largest honest one, which reads as much and understands it too.
DEAR = 6.0
# Where the largest honest answer is measured: a list that a module reads and returns nothing else of.
YARDSTICK = ("cw_security_role_info", "GET /v4_6_release/apis/{}.0/system/securityroles")
HASTE = {"timeout": 0.4, "retries": 0, "retry_max_delay": 0.01, "request_deadline": 0.5, "deadline": 1.0}


def steps() -> list[dict[str, Any]]:
    """The modules of an onboarding and of an offboarding, in their order. KEY stands for the key that was made."""
    defaults = yaml.safe_load((ROOT / "roles" / VENDOR / "defaults" / "main.yml").read_text(encoding="utf-8"))
    profile = {name.removeprefix(f"{VENDOR}_"): value for name, value in defaults.items()}
    member, role = profile["member"], profile["role_name"]
    needs = {"permissions": profile["permissions"], "customize": profile["customize"]}
    made = {"key_public": "KEY", "key_private": "KEY"}
    reader = {"reader_public_key": "KEY", "reader_private_key": "KEY"}
    own = {"on_unsupported": "manual", "own_members": [member["identifier"]]}
    lists = {"role": role, **own, **profile["customize"]["Table Setup"]}
    key = {"member": member["identifier"], "description": "vendor's key"}
    info = {"member": member, "role_name": role, **needs}
    return [
        {"module": "cw_tenant_info", "codebase": "auto"},
        {"module": "cw_doctor", **needs},
        {"module": "cw_integration_info", **info},
        {"module": "cw_security_role", "name": role, "permissions": profile["permissions"], **own},
        {"module": "cw_table_setup", **lists},
        {"module": "cw_api_member", "security_role": role, **member},
        {"module": "cw_api_key_info", "member": member["identifier"]},
        {"module": "cw_api_key", **key, "on_unsupported": "manual"},
        {"module": "cw_integration_info", **info, **made, "probe": True},
        {"module": "cw_table_setup", **lists, **reader},
        {"module": "cw_access_check", **needs},
        {"module": "cw_api_member", "identifier": member["identifier"], "security_role": role, "notes": "changed"},
        {"module": "cw_security_role_info", "name": role},
        {"module": "cw_api_key", **key, "state": "absent", "on_unsupported": "manual"},
        {"module": "cw_api_member", "identifier": member["identifier"], "security_role": role, "state": "absent"},
        {"module": "cw_security_role", "name": role, "state": "absent", "in_use": "clear", **own},
    ]


def run(step: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    from ansible_collections.msp.connectwise.plugins.action.psa import MODULES
    from ansible_collections.msp.connectwise.plugins.module_utils._module import run_in_process

    module = MODULES[f"msp.connectwise.{step['module']}"]
    given = {**options, **{name: value for name, value in step.items() if name != "module"}}
    return run_in_process(module, given, check_mode=False, diff_mode=True, action=module.name)


def options_of(tenant: dict[str, Any], host: str, ca: str) -> dict[str, Any]:
    names = ("company_id", "public_key", "private_key", "client_id")
    return {**{name: tenant[name] for name in names}, "host": host, "ca_path": ca}


def record(directory: Path) -> None:
    """Onboard a simulated tenant and keep every answer, for the gateway to play back."""
    from ansible_collections.msp.connectwise.plugins.module_utils._http import Http

    answers: list[dict[str, list[Any]]] = []
    real = Http.request

    def request(self: Any, method: str, url: str, **details: Any) -> Any:
        answer = real(self, method, url, **details)
        answers[-1].setdefault(operation(method, urlsplit(url).path), []).append([answer.status, answer.data])
        return answer

    done: list[dict[str, Any]] = []
    with Simulator(TENANT, directory / "psa") as simulator, mock.patch.object(Http, "request", request):
        tenant = simulator.ready["tenants"]["north"]
        options = options_of(tenant, tenant["host"], simulator.ready["ca"])
        key: dict[str, Any] = {}
        for step in steps():
            known = {
                name: key["public_key" if "public" in name else "private_key"] for name in step if step[name] == "KEY"
            }
            done.append({**step, **known})
            answers.append({})
            result = run(done[-1], options)
            assert not result.get("failed"), result
            key = key or result.get("api_key") or {}
        keep = {name: tenant[name] for name in ("company_id", "public_key", "private_key", "client_id")}
    (directory / "answers.json").write_text(json.dumps(answers), encoding="utf-8")
    (directory / "steps.json").write_text(json.dumps({"tenant": keep, "steps": done}), encoding="utf-8")


@contextmanager
def gateway(directory: Path) -> Iterator[Any]:
    """A gateway process: its ready line, and a function that gives it a command and returns what it saw before."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.hostile.gateway", str(directory)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        commands, answers = process.stdin, process.stdout
        assert commands is not None
        assert answers is not None
        ready = json.loads(answers.readline())

        def tell(**command: Any) -> dict[str, Any]:
            commands.write(json.dumps(command) + "\n")
            commands.flush()
            seen: dict[str, Any] = json.loads(answers.readline())
            return seen

        try:
            yield ready, tell
        finally:
            process.kill()


def _memory() -> tuple[float, float]:
    """Resident memory now and at its highest, in MB; where the system has no such file, the highest for both."""
    try:
        lines = dict(
            line.split(":", 1)
            for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
            if ":" in line
        )
        return int(lines["VmRSS"].split()[0]) / 1000, int(lines["VmHWM"].split()[0]) / 1000
    except (OSError, KeyError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        return peak, peak


def _forget_peak() -> None:
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return


def targets(modules: list[str], answers: list[dict[str, list[Any]]]) -> dict[str, int]:
    """Every operation, and the first step that needs it; the doctor, who takes all as it comes, for the rest."""
    found: dict[str, int] = {}
    for number in sorted(range(len(modules)), key=lambda each: modules[each] == "cw_doctor"):
        for name in answers[number]:
            found.setdefault(name, number)
    return found


def measured(step: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    _forget_peak()
    before, _peak = _memory()
    cpu, wall = time.process_time(), time.monotonic()
    result = run(step, options)
    cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    return {"cpu": cpu, "seconds": wall, "memory": _memory()[1] - before, "result": result}


def _ratio(found: dict[str, Any], honest: dict[str, Any]) -> float:
    """How many times the CPU of the largest honest answer each answer takes."""
    ratio: float = found["cpu"] / honest["cpu"] / max(found["hits"], 1)
    return ratio


class Campaign:
    """Cases against one gateway. yardstick: the largest honest answer, measured at about the same time."""

    def __init__(self, directory: Path, ready: dict[str, Any], tell: Callable[..., dict[str, Any]]) -> None:
        kept = json.loads((directory / "steps.json").read_text(encoding="utf-8"))
        self._steps: list[dict[str, Any]] = kept["steps"]
        self._answers = json.loads((directory / "answers.json").read_text(encoding="utf-8"))
        self._options = options_of(kept["tenant"], ready["host"], ready["ca"])
        self._tell = tell
        self._list = [step["module"] for step in self._steps].index(YARDSTICK[0])

    def warm_up(self) -> None:
        """Everything is imported and warm before anything is measured."""
        for number in range(len(self._steps)):
            warm = self._measured(number, "", "")
            assert not warm["result"].get("failed"), warm

    def targets(self) -> dict[str, int]:
        return targets([step["module"] for step in self._steps], self._answers)

    def _measured(self, number: int, operation: str, attack: str) -> dict[str, Any]:
        from .more_attacks import SLOW

        self._tell(step=number, operation=operation, attack=attack)
        found = measured(self._steps[number], {**self._options, **(HASTE if attack in SLOW else PATIENCE)})
        return {**found, **self._tell(step=number)}

    def yardstick(self) -> dict[str, Any]:
        from .more_attacks import LARGEST

        honest = self._measured(self._list, YARDSTICK[1], LARGEST)
        assert not honest["result"].get("failed"), honest
        assert honest["hits"]
        return honest

    def case(self, number: int, operation: str, attack: str, honest: dict[str, Any]) -> dict[str, Any]:
        found = self._measured(number, operation, attack)
        ratio = _ratio(found, honest)
        for _again in range(2 if ratio > DEAR else 0):
            # The machine may have had other work meanwhile: both once more, side by side.
            ratio = min(ratio, _ratio(self._measured(number, operation, attack), self.yardstick()))
        named = {"operation": operation, "module": self._steps[number]["module"], "attack": attack}
        return {**named, **found, "ratio": ratio}


def cases(directory: Path, attacks: list[str], operations: list[str]) -> Iterator[dict[str, Any]]:
    with gateway(directory) as (ready, tell), mock.patch("time.sleep"):
        campaign = Campaign(directory, ready, tell)
        campaign.warm_up()
        for name, number in campaign.targets().items():
            if operations and not any(part in name for part in operations):
                continue
            honest = campaign.yardstick()
            for attack in attacks:
                yield campaign.case(number, name, attack, honest)


def main() -> None:
    from .more_attacks import ATTACKS, SLOW

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--attacks", nargs="*")
    parser.add_argument("--slow", action="store_true", help="those that only a deadline ends, instead of the others")
    parser.add_argument("--operations", nargs="*", default=[])
    parser.add_argument("--part", default="1/1")
    given = parser.parse_args()
    if not (given.directory / "answers.json").exists():
        given.directory.mkdir(parents=True, exist_ok=True)
        record(given.directory)
    names = given.attacks or [name for name in ATTACKS if (name in SLOW) is given.slow]
    part, parts = (int(number) for number in given.part.split("/"))
    for case in cases(given.directory, names[part - 1 :: parts], given.operations):
        print(json.dumps(case), flush=True)


if __name__ == "__main__":
    main()
