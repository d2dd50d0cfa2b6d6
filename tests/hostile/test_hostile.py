# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every answer of an enemy in the place of a tenant's: an error of the tenant, soon, cheap, and no key lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msp.connectwise.plugins.module_utils._client import _MAX_PAGES
from ansible_collections.msp.connectwise.plugins.module_utils._http import Policy

from .campaign import DEAR, ROOT, record
from .more_attacks import ATTACKS, FIRST, SLOW

# An answer is there as bytes, as text and as what it says; in MB.
MEMORY_LIMIT = 4 * Policy.max_answer_mb
PARTS = 2
# A read of a list, of a matrix and of one record, each kind of write, and the address without keys; tests/long has all.
OPERATIONS = (
    "companyinfo",
    "GET /v4_6_release/apis/{}.0/system/securityroles",
    "GET /v4_6_release/apis/{}.0/system/mySecurity",
    "GET /v4_6_release/apis/{}.0/system/apiMembers/{}",
    "settings/{}",
    "apiKeys",
    "PUT",
    "POST",
    "DELETE",
)
# For the other half of the answers: an address without keys, a list, what is made, and one record.
FEWER = (
    "companyinfo",
    "GET /v4_6_release/apis/{}.0/system/securityroles",
    "GET /v4_6_release/apis/{}.0/system/info",
    "POST",
)


def played(directory: Path, *arguments: str, parts: int = PARTS) -> list[dict[str, Any]]:
    """The cases of a campaign, in processes beside each other."""
    if not (directory / "answers.json").exists():
        record(directory)
    command = [sys.executable, "-m", "tests.hostile.campaign", str(directory), *arguments]
    running = [
        subprocess.Popen([*command, "--part", f"{part + 1}/{parts}"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for part in range(parts)
    ]
    found = [json.loads(line) for process in running for line in process.communicate(timeout=2400)[0].splitlines()]
    assert [process.returncode for process in running] == [0] * parts
    return found


def wrong(case: dict[str, Any]) -> list[str]:
    """What must not be in how a case ended."""
    result = case["result"]
    shown = json.dumps(result, ensure_ascii=False)
    error = result.get("error") or {}
    found = {
        "a traceback": "exception" in result,
        "an error without a kind": result.get("failed") and not error.get("kind"),
        "an error without the tenant": result.get("failed") and "north" not in result["msg"],
        "an error without a remedy": result.get("failed") and not error.get("remedy"),
        "blamed on an option": "cannot be made" in result.get("msg", ""),
        f"{case['ratio']:.1f} times the CPU of the largest honest answer": case["ratio"] > DEAR,
        f"{case['hits']} requests": case["hits"] > 2 * _MAX_PAGES,
        f"{case['memory']:.0f} MB": case["memory"] > MEMORY_LIMIT,
        "a connection to another host": case["elsewhere"] > 0,
        "never asked": case["hits"] == 0,
        # So a tenant names it; a result of ours says private_key.
        "an answer with a key": "privateKey" in shown,
        "an escape": any(character in shown for character in ("\x1b", "\x9b", "\\u001b", "\\u009b")),
        "waited until the enemy had enough": case["outlasted"] > 0,
    }
    return [name for name, true in found.items() if true]


def judged(cases: list[dict[str, Any]]) -> list[str]:
    return [f"{case['attack']} at {case['operation']}: {', '.join(wrong(case))}" for case in cases if wrong(case)]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


def test_there_are_enough_of_them() -> None:
    assert len(ATTACKS) >= 250


@pytest.mark.timeout(2400)
def test_every_answer(kept: Path) -> None:
    quick = set(ATTACKS) - SLOW
    cases = [
        *played(kept, "--operations", *OPERATIONS, "--attacks", *sorted(quick & FIRST)),
        *played(kept, "--operations", *FEWER, "--attacks", *sorted(quick - FIRST)),
    ]
    assert {case["attack"] for case in cases} == set(ATTACKS) - SLOW
    assert judged(cases) == []
    # No answer is taken for the tenant's: each case says what is wrong with it, or ends as the true answer would.
    silent = [
        case for case in cases if case["attack"] in ("NaN", "UTF-16", "a key twice") and "failed" in case["result"]
    ]
    assert silent
    assert all("JSON" in case["result"]["msg"] for case in silent)


@pytest.mark.timeout(1200)
def test_what_drips_ends_with_the_deadline(kept: Path) -> None:
    cases = played(kept, "--slow", "--operations", "GET /v4_6_release/apis/{}.0/system/mySecurity", "POST")
    assert {case["attack"] for case in cases} == SLOW
    assert judged(cases) == []
    late = [case for case in cases if case["result"].get("failed") and case["operation"].startswith("GET")]
    kinds = {case["result"]["error"]["kind"] for case in late}
    assert late
    assert kinds <= {"TooSlow", "LostAnswer", "DeadlinePassed"}
