# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutation testing of the planners: changes their code in one place at a time and expects the unit tests to notice.

python tools/workspace.py python tools/mutants.py [NAME...]     such as _permissions

The mutants are cosmic-ray's. They are made in a copy below build/, and each is tested in a fork of this process, where
pytest and Ansible are loaded already. A survivor is an error, unless EQUIVALENT explains why no test can notice it.
"""

from __future__ import annotations

import ast
import importlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass

from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator
from workspace import NAME, NAMESPACE, ROOT, copy_to

COPY = ROOT / "build" / "mutants" / "ansible_collections" / NAMESPACE / NAME
LIMIT = 60  # seconds a mutant may take; one that loops for ever is a mutant that was noticed


@dataclass(frozen=True)
class Target:
    """A file to mutate, above the line that begins with `until`, and its tests. fixtures: do they need conftest.py?"""

    path: str
    tests: tuple[str, ...]
    until: str = ""
    fixtures: bool = True


TARGETS = {
    "_permissions": Target(
        "plugins/module_utils/_permissions.py",
        ("tests/unit/test_permissions.py", "tests/unit/test_exact_permissions.py"),
        fixtures=False,
    ),
    "_resource": Target(
        "plugins/module_utils/_resource.py", ("tests/unit/test_resource.py", "tests/unit/test_exact_resource.py")
    ),
    "_keys": Target("plugins/module_utils/_keys.py", ("tests/unit/test_keys.py",)),
    "_key_life": Target("plugins/plugin_utils/_key_life.py", ("tests/unit/test_exact_key_life.py",), fixtures=False),
    "_key_facts": Target("plugins/plugin_utils/_key_facts.py", ("tests/unit/test_exact_key_life.py",), fixtures=False),
    "_key_record": Target(
        "plugins/plugin_utils/_key_record.py", ("tests/unit/test_exact_key_life.py",), fixtures=False
    ),
    "_key_loop": Target("plugins/plugin_utils/_key_loop.py", ("tests/unit/test_key_loop.py",), fixtures=False),
    "_host_vars": Target("plugins/plugin_utils/_host_vars.py", ("tests/unit/test_host_vars.py",), fixtures=False),
}

OPERATORS = [
    f"core/{name}"
    for name in (
        "AddNot",
        "ExceptionReplacer",
        "NumberReplacer",
        "ReplaceAndWithOr",
        "ReplaceBinaryOperator_Add_Sub",
        "ReplaceBinaryOperator_BitAnd_BitOr",
        "ReplaceBinaryOperator_BitOr_BitAnd",
        "ReplaceBinaryOperator_Div_Mul",
        "ReplaceBinaryOperator_Mul_Div",
        "ReplaceBinaryOperator_Sub_Add",
        "ReplaceBreakWithContinue",
        "ReplaceComparisonOperator_Eq_NotEq",
        "ReplaceComparisonOperator_GtE_Gt",
        "ReplaceComparisonOperator_GtE_Lt",
        "ReplaceComparisonOperator_Gt_GtE",
        "ReplaceComparisonOperator_Gt_LtE",
        "ReplaceComparisonOperator_Is_IsNot",
        "ReplaceComparisonOperator_IsNot_Is",
        "ReplaceComparisonOperator_LtE_Gt",
        "ReplaceComparisonOperator_LtE_Lt",
        "ReplaceComparisonOperator_Lt_GtE",
        "ReplaceComparisonOperator_Lt_LtE",
        "ReplaceComparisonOperator_NotEq_Eq",
        "ReplaceContinueWithBreak",
        "ReplaceFalseWithTrue",
        "ReplaceOrWithAnd",
        "ReplaceTrueWithFalse",
        "ReplaceUnaryOperator_Delete_Not",
        "ZeroIterationForLoop",
    )
]

# A part of the mutated line, as it is after the change -> why the program stays the same.
EQUIVALENT = {
    "_SETTLE = ( 1.0,": "the first look is at once, whatever stands here",
    "_SETTLE = ( -1.0,": "the first look is at once, whatever stands here",
    "found[ -1][": "there is exactly one here",
    "found[ -1].get(": "there is exactly one here",
    "places[ -1]": "there is exactly one here",
    'RANK = {"None": -1,': "only the order of the ranks counts",
    '"All": 3}': "only the order of the ranks counts",
    "RANK[have] <= RANK[want]": "two levels that are the same are no deviation and do not come here",
    "in_module[ -1].module": "all of them are rows of one module",
    "resolved.append(found[ -1])": "there is exactly one here",
    "for attempt in ( 0, 2)": "the last attempt is told from the one before it, and nothing else",
    "unlink(missing_ok=False)": "the file was made a moment before",
    "/,": "a separator of parameters and no operator: callers name what stands after it",
    "@dataclass(frozen=False)": "nothing assigns to the fields; frozen keeps it so for whoever comes next",
    "grace_days: float = -1": "no grace is any number that is not above 0",
    "or -1.0) >= grace_days": "grace_days is above 0 here, which neither 0 nor -1 seconds reach",
}


@dataclass(frozen=True)
class Mutant:
    operator: str
    number: int
    line: int
    before: str
    after: str
    code: str


def annotation_lines(code: str) -> set[tuple[int, int]]:
    """(line, column) of every place inside an annotation: they are never evaluated, so a change there is none."""
    places = set()
    for node in ast.walk(ast.parse(code)):
        annotations = []
        if isinstance(node, ast.FunctionDef):
            annotations = [node.returns, *(one.annotation for one in [*node.args.args, *node.args.kwonlyargs])]
        elif isinstance(node, ast.AnnAssign):
            annotations = [node.annotation]
        for one in annotations:
            if one is not None:
                last = one.end_col_offset or 0
                places |= {(one.lineno, column) for column in range(one.col_offset, last)}
    return places


def changed_place(before: str, after: str) -> tuple[int, int]:
    """Line and column of the first difference."""
    for number, (old, new) in enumerate(zip(before.splitlines(), after.splitlines(), strict=False), 1):
        if old != new:
            column = next(
                (at for at, (left, right) in enumerate(zip(old, new, strict=False)) if left != right),
                min(len(old), len(new)),
            )
            return number, column
    raise AssertionError("a mutant that changes nothing")


def mutants(code: str, until: str) -> Iterator[Mutant]:
    """Every mutant of the code above the line that begins with `until`, each once."""
    lines = code.splitlines()
    end = next((number for number, line in enumerate(lines, 1) if until and line.startswith(until)), len(lines) + 1)
    ignored = annotation_lines(code)
    seen = set()
    for name in OPERATORS:
        operator = get_operator(name)()
        number = 0
        while (changed := mutate_code(code, operator, number)) is not None:
            number += 1
            if changed in seen or changed == code:
                continue
            seen.add(changed)
            line, column = changed_place(code, changed)
            if line < end and (line, column) not in ignored:
                yield Mutant(
                    name.removeprefix("core/"),
                    number,
                    line,
                    lines[line - 1].strip(),
                    changed.splitlines()[line - 1].strip(),
                    changed,
                )


def run_tests(tests: tuple[str, ...], log: str = os.devnull) -> int:
    """Run tests in a fork; their exit status, or -1 after too long a time."""
    child = os.fork()
    if child == 0:
        status = 3
        try:
            import pytest

            output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(output, 1)
            os.dup2(output, 2)
            status = int(pytest.main(["-x", "-q", "-c", "../../../pytest.ini", "--rootdir", ".", *tests]))
        except BaseException:  # whatever a mutant does, the fork must not go on as its parent
            traceback.print_exc()
        sys.stdout.flush()
        os._exit(status)
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -1


def warm_up() -> None:
    """Load what every test loads, and nothing of what is mutated."""
    os.chdir(COPY)
    sys.dont_write_bytecode = True
    # Plugins would cost more than the tests.
    os.environ.update(PYTHONDONTWRITEBYTECODE="1", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    (COPY.parents[2] / "pytest.ini").write_text(
        "[pytest]\naddopts = --import-mode=importlib -p no:cacheprovider\n", encoding="utf-8"
    )
    os.environ["ANSIBLE_COLLECTIONS_PATH"] = str(COPY.parents[2])
    import ansible.plugins.loader
    import hypothesis

    for name in ("pytest", "requests", "cryptography.x509", "yaml"):
        importlib.import_module(name)

    # In a real tree the clone's conftest leaves the collection finder to others.
    ansible.plugins.loader.init_plugin_loader([str(COPY.parents[2])])
    sys.path.insert(0, str(COPY))
    # The same examples for every mutant, and few: what few cannot see is for a test by table.
    hypothesis.settings.register_profile("mutants", max_examples=10, derandomize=True, database=None, deadline=None)
    hypothesis.settings.load_profile("mutants")


def examine(name: str, target: Target) -> list[Mutant]:
    """The mutants of one file that no test notices and nothing explains."""
    path = COPY / target.path
    code = path.read_text(encoding="utf-8")
    tests = target.tests if target.fixtures else ("--noconftest", *target.tests)
    log = COPY.parents[2] / f"{name}.log"
    if run_tests(tests, str(log)) != 0:
        sys.exit(f"the tests of {name} fail without any mutant: see {log}")
    started, survivors, explained, total = time.monotonic(), [], 0, 0
    try:
        for mutant in mutants(code, target.until):
            total += 1
            if total % 25 == 0:
                print(f"  {name}: {total} mutants so far, {time.monotonic() - started:.0f} s", flush=True)
            path.write_text(mutant.code, encoding="utf-8")
            if run_tests(tests) != 0:
                continue
            if any(part in mutant.after for part in EQUIVALENT):
                explained += 1
                continue
            survivors.append(mutant)
            print(f"  survives: {target.path}:{mutant.line} {mutant.operator}", flush=True)
            print(f"    - {mutant.before}\n    + {mutant.after}", flush=True)
    finally:
        path.write_text(code, encoding="utf-8")
    killed = total - len(survivors) - explained
    seconds = time.monotonic() - started
    print(
        f"{name}: {total} mutants, {killed} killed, {explained} equivalent, {len(survivors)} survive ({seconds:.0f} s)"
    )
    return survivors


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in TARGETS]
    if unknown:
        sys.exit(f"unknown: {', '.join(unknown)}; known: {', '.join(TARGETS)}")
    copy_to(COPY)
    warm_up()
    left = [
        mutant for name, target in TARGETS.items() if not names or name in names for mutant in examine(name, target)
    ]
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
