# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures what the tests cover of the plugins, in every process that they start, and says so at the end of pytest.

python tools/workspace.py python tools/coverage_summary.py [PYTEST-ARGUMENT...]

Runs pytest with itself as a plugin. Code runs in three kinds of process: pytest's own and its workers, Ansible and its
forks, and module processes, where it lies in a zip file of Ansible's. coverage.py measures all of them, and the summary
tells the first two kinds, "in process", from the third.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import coverage
from coverage.exceptions import CoverageException

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / "build" / "coverage"
MEASURED = ("module_utils", "modules", "plugin_utils", "action", "filter", "callback")
# The two that count; the others stand in the report.
COUNTED = ("module_utils", "modules")
LEAST = 90.0  # percent of the counted, all processes together

CONFIG = """
[run]
branch = true
parallel = true
patch =
    subprocess
    fork
    _exit
data_file = {place}/data
disable_warnings = no-data-collected, module-not-measured, no-ctracer
include =
{include}
[paths]
plugins =
    {root}/plugins
    **/ansible_collections/msp/connectwise/plugins
[report]
# Ansible puts empty ones into the zip file.
omit =
    **/__init__.py
exclude_also =
    if TYPE_CHECKING:
    raise AssertionError
"""


def write_config() -> Path:
    """The configuration that every measured process reads."""
    bases = (str(ROOT), "**/*.zip/ansible_collections/msp/connectwise")
    include = "\n".join(f"    {base}/plugins/{name}/*" for base in bases for name in MEASURED)
    path = PLACE / "coveragerc"
    path.write_text(CONFIG.format(place=PLACE, root=ROOT, include=include), encoding="utf-8")
    return path


def is_of_modules(path: Path) -> bool | None:
    """Whether a data file is a module process's; None when the process was killed before it had written anything."""
    data = coverage.CoverageData(str(path), no_disk=False)
    try:
        data.read()
    except CoverageException:
        return None
    return any(".zip/" in name for name in data.measured_files())


def total(files: list[Path], name: str, show: bool = False) -> float:
    """Percentage covered by these data files of what counts; with show, the table by file goes to report.txt."""
    measured = coverage.Coverage(data_file=str(PLACE / name), config_file=str(PLACE / "coveragerc"), data_suffix=None)
    measured.combine([str(path) for path in files], keep=True)
    if show:
        with (PLACE / "report.txt").open("w", encoding="utf-8") as stream:
            measured.report(file=stream, show_missing=True)
    counted = [str(path) for part in COUNTED for path in sorted((ROOT / "plugins" / part).glob("*.py"))]
    return measured.report(include=counted, file=io.StringIO())


def summary() -> tuple[list[str], bool]:
    """The lines to show, and whether enough is covered."""
    kinds: dict[bool, list[Path]] = {False: [], True: []}
    for path in sorted(PLACE.glob("data.*")):
        kind = is_of_modules(path)
        if kind is not None:
            kinds[kind].append(path)
    together = total([*kinds[False], *kinds[True]], "all", show=True)
    parts = [f"in process {total(kinds[False], 'in-process'):.1f} %"]
    if kinds[True]:
        parts.append(f"as module processes {total(kinds[True], 'as-modules'):.1f} %")
    report = (PLACE / "report.txt").relative_to(ROOT)
    lines = [
        f"{' and '.join(COUNTED)}, lines and branches: {together:.1f} % ({', '.join(parts)})",
        f"{len(kinds[False])} processes of pytest and Ansible, {len(kinds[True])} of modules; by file: {report}",
    ]
    if together < LEAST:
        lines.append(f"less than {LEAST:.0f} %: tests are missing")
    return lines, together >= LEAST


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Hook of pytest: runs when all workers have ended."""
    running = coverage.Coverage.current()
    if running is not None:
        running.save()
    lines, enough = summary()
    terminalreporter.section("coverage")
    for line in lines:
        terminalreporter.write_line(line)
    if not enough and os.environ.get("COVERAGE_MUST_SUFFICE"):
        terminalreporter._session.exitstatus = 1


def main(arguments: list[str]) -> None:
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    os.environ["COVERAGE_PROCESS_START"] = str(write_config())
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    os.execvp("pytest", ["pytest", "-p", "tools.coverage_summary", *arguments])


if __name__ == "__main__":
    main(sys.argv[1:])
