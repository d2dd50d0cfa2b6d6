# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No test compares a clock with a figure: what takes 1 s on one machine takes 5 s on another that is busy.

Time is compared with time of the same run, or bytes, calls and pieces are counted; figures belong in benchmarks/.
A time that only ends a hang is one clock reading compared with another: ``end = time.monotonic() + LIMIT``.
"""

from __future__ import annotations

import ast
import re
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLOCKS = {"monotonic", "perf_counter", "process_time", "thread_time", "time", "times", "getrusage"}
CLOCKS |= {f"{name}_ns" for name in CLOCKS}
MODULES = {"time", "os", "resource"}
# How a measurement is called where it is kept.
MEASURES = {"cpu", "cpu_seconds", "duration", "duration_ms", "elapsed", "seconds", "wall", "wall_seconds"}

# What a file has that reads a clock, or what one has read.
WORDS = re.compile(rf"time\.time\(|\b({'|'.join(CLOCKS - {'time', 'times'} | MEASURES)})\b")


class Reader:
    """What is a measured time in one function, or at the top of a file. functions: those that return one."""

    def __init__(self, scope: ast.AST, functions: set[str]) -> None:
        self.functions = functions
        self.names: set[str] = set()
        # A name may come from another that comes from a clock.
        for _time in range(3):
            for node in ast.walk(scope):
                targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
                if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.NamedExpr) and node.value:
                    self._assigned(targets, node.value)

    def _assigned(self, targets: list[ast.expr], value: ast.expr) -> None:
        for target in targets:
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
                for one, its in zip(target.elts, value.elts, strict=True):
                    self._assigned([one], its)
            elif isinstance(target, ast.Name) and self.measured(value):
                self.names.add(target.id)

    def measured(self, node: ast.AST) -> bool:
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=module), attr=name)) if module in MODULES:
                return name in CLOCKS
            case ast.Call(func=ast.Name(id=name)) if name in self.functions or name in CLOCKS - {"time", "times"}:
                return True
            case ast.Call(func=ast.Name(id="min" | "max" | "sum" | "abs" | "round" | "float")):
                return any(map(self.measured, node.args))
            case ast.Name(id=name):
                return name in self.names
            case ast.Attribute(attr=name):
                return name in MEASURES or self.measured(node.value)
            case ast.Subscript(slice=ast.Constant(value=name)) if name in MEASURES:
                return True
            case ast.BinOp(left=left, op=ast.Div(), right=right) if self.measured(left) and self.measured(right):
                return False  # a ratio
            case ast.BinOp(left=left, right=right):
                return self.measured(left) or self.measured(right)
            case ast.Subscript(value=value) | ast.UnaryOp(operand=value):
                return self.measured(value)
        return False

    def limits(self, scope: ast.AST) -> list[int]:
        """The lines that compare a measured time with a figure."""
        found = []
        for node in ast.walk(scope):
            if isinstance(node, ast.Compare):
                sides = [node.left, *node.comparators]
                for left, operator, right in zip(sides, node.ops, sides[1:], strict=False):
                    if isinstance(operator, ast.Lt | ast.LtE | ast.Gt | ast.GtE) and (
                        (self.measured(left) and figure(right)) or (figure(left) and self.measured(right))
                    ):
                        found.append(node.lineno)
        return found


def figure(node: ast.AST) -> bool:
    """Whether an expression is made of numbers and constants alone, and not zero."""
    match node:
        case ast.Constant(value=int() | float() as value):
            return bool(value)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.isupper()
        case ast.BinOp(left=left, right=right):
            return (figure(left) or figure(right)) and all(
                figure(side) or isinstance(side, ast.Constant) for side in (left, right)
            )
        case ast.Subscript(value=value) | ast.UnaryOp(operand=value):
            return figure(value)
    return False


def functions_of(tree: ast.AST, known: set[str]) -> set[str]:
    """The functions of a file that return a measured time."""
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and any(
            isinstance(one, ast.Return) and one.value and Reader(node, known).measured(one.value)
            for one in ast.walk(node)
        )
    }


def limits(tree: ast.AST, imported: set[str]) -> set[int]:
    functions = imported | functions_of(tree, imported)
    scopes = [tree, *(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))]
    return {line for scope in scopes[1:] or scopes for line in Reader(scope, functions).limits(scope)}


def test_no_test_compares_a_clock_with_a_figure() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("tests/**/*.py"))}
    trees = {path: ast.parse(text) for path, text in texts.items() if WORDS.search(text)}
    assert len(trees) > 20
    returning = {path.stem: functions_of(tree, set()) for path, tree in trees.items()}
    found = []
    for path, tree in trees.items():
        imported = {
            alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module
            for alias in node.names
            if alias.name in returning.get(node.module.rpartition(".")[2], ())
        }
        found += [f"{path.relative_to(ROOT)}:{line}" for line in sorted(limits(tree, imported))]
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        "assert time.monotonic() - started < 3",
        "seconds = time.monotonic() - begun\nassert seconds < HASTE['deadline'] + 1.5",
        "assert (time.perf_counter() - began) / 1000 < 0.0005",
        "assert cost(work) < 0.5",
        "assert 2.0 >= min(cost(work), cost(work))",
        "wrong = case['cpu'] > CPU_LIMIT",
        "cpu, wall = time.process_time(), time.monotonic()\nassert wall - 1 < LIMITS.WALL",
        "assert played.seconds < 90",
    ],
)
def test_a_limit_is_found(code: str) -> None:
    cost = "def cost(work):\n    started = time.thread_time()\n    work()\n    return time.thread_time() - started\n"
    test = f"def test():\n{textwrap.indent(code, '    ')}"
    assert limits(ast.parse(f"{cost}{test}"), set())


@pytest.mark.parametrize(
    "code",
    [
        "end = time.monotonic() + LIMIT\nwhile time.monotonic() < end: pass",
        "assert time.monotonic() - made >= asked",
        "assert cost(again) * 10 < cost(anew)",
        "assert cost(large) / cost(small) < 24",
        "assert case['ratio'] > 6",
        "assert row['wall'] > 0",
        "assert len(calls) < 3",
    ],
)
def test_what_is_no_limit(code: str) -> None:
    cost = "def cost(work):\n    started = time.thread_time()\n    work()\n    return time.thread_time() - started\n"
    test = f"def test():\n{textwrap.indent(code, '    ')}"
    assert not limits(ast.parse(f"{cost}{test}"), set())
