# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What imports what: one way, through the layers that CONTRIBUTING.md lists."""

from __future__ import annotations

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "ansible_collections.msp.connectwise.plugins."
FOLDERS = ("module_utils", "plugin_utils")
FILES = {
    f"{path.parent.name}.{path.stem}": path.read_text(encoding="utf-8")
    for path in sorted(ROOT.glob("plugins/*/*.py"))
    if path.stem != "__init__"
}
# A folder -> the folders that its files may import from, beside its own.
ALLOWED = {
    "module_utils": set(),
    "modules": {"module_utils"},
    "plugin_utils": {"module_utils"},
    "action": {"module_utils", "plugin_utils"},
    "callback": {"module_utils", "plugin_utils"},
    "filter": {"module_utils", "plugin_utils"},
    "doc_fragments": set(),
}
# An import that the folders alone would forbid, and that is meant.
MEANT = {"plugin_utils._modules": {"modules"}, "action.cw_api_key": {"modules"}}


def imported_by(name, code):
    """Each import of a file: its own files as folder.file, others by their first part."""
    folder = name.partition(".")[0]
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level:
            modules = [f"{PACKAGE}{folder}.{node.module}"]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module]
            if node.module.count(".") == PACKAGE.count(".") and node.module.startswith(PACKAGE):
                modules = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (
            module.removeprefix(PACKAGE) if module.startswith(PACKAGE) else module.partition(".")[0]
            for module in modules
        )


def layers(text):
    """Folder -> its rows in the document, each a list of files."""
    found = {}
    for folder in FOLDERS:
        table = re.search(rf"(?m)^\| `{folder}` \|.*\n\| ---.*\n((?:\|.*\n)+)", text)
        assert table, f"CONTRIBUTING.md has no table of the layers of {folder}"
        rows = [line.strip("| ").split("|")[1] for line in table.group(1).splitlines()]
        found[folder] = [[f"{folder}.{name}" for name in re.findall(r"`(\w+)`", row)] for row in rows]
    return found


def upward(files, rows):
    """Imports of a file from a row below its own."""
    level = {name: number for number, row in enumerate(rows) for name in row}
    return [
        f"{name} imports {other}"
        for name in level
        for other in imported_by(name, files[name])
        if level.get(other, -1) > level[name]
    ]


LAYERS = layers((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_file_has_one_place(folder):
    places = [name for row in LAYERS[folder] for name in row]
    assert sorted(places) == sorted(name for name in FILES if name.startswith(f"{folder}."))


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_file_imports_from_a_row_below_its_own(folder):
    assert upward(FILES, LAYERS[folder]) == []


def test_an_import_from_a_row_below_is_found():
    first, last = LAYERS["module_utils"][0][0], LAYERS["module_utils"][-1][0]
    for line in (
        f"from .{last.partition('.')[2]} import x",
        f"from {PACKAGE}{last} import x",
        f"import {PACKAGE}{last}",
    ):
        assert upward({**FILES, first: line}, LAYERS["module_utils"]) == [f"{first} imports {last}"]
    parents = f"from {PACKAGE}module_utils import {last.partition('.')[2]}"
    assert upward({**FILES, first: parents}, LAYERS["module_utils"]) == [f"{first} imports {last}"]


def test_folders_import_from_those_that_they_may():
    wrong = []
    for name, code in FILES.items():
        folder = name.partition(".")[0]
        may = ALLOWED[folder] | {folder} | MEANT.get(name, set())
        others = [other for other in imported_by(name, code) if other in FILES]
        wrong += [f"{name} imports {other}" for other in others if other.partition(".")[0] not in may]
    assert wrong == []


def test_no_imports_go_in_a_circle():
    graph = {name: [other for other in imported_by(name, code) if other in FILES] for name, code in FILES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as problem:
        pytest.fail(" imports ".join(problem.args[1]))


# Names of ansible-core (and namedtuple's _replace) that begin with an underscore, and why there is no other way.
PRIVATE = {
    "_task": "what every action is given",
    "_templar": "what every action is given",
    "_loader": "what every action is given",
    "_play_context": "what every action is given",
    "_execute_module": "how an action runs a module",
    "_compute_environment_string": "the environment of a task, as an action passes it on",
    "_vault": "the vault secrets of the play; the loader has no other door to them",
    "_no_log_values": "what the validator found to be secret; AnsibleModule takes it from there too",
    "_inventory": "the hosts of a manager of variables",
    "_replace": "of a namedtuple, where it is documented",
}


def private_names(files):
    """Attributes that begin with an underscore and that no file of the collection defines."""
    used, own = set(), set()
    for code in files:
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                own.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                own.add(node.id)
            elif isinstance(node, ast.Attribute):
                of_itself = isinstance(node.value, ast.Name) and node.value.id == "self"
                (own if isinstance(node.ctx, ast.Store) and of_itself else used).add(node.attr)
    return {name for name in used - own if name.startswith("_") and not name.startswith("__")}


def test_what_is_used_of_the_private_parts_of_ansible():
    assert private_names(FILES.values()) == set(PRIVATE)
    assert private_names([*FILES.values(), "variables._variable_manager.get_vars()"]) - set(PRIVATE) == {
        "_variable_manager"
    }


def test_only_the_outermost_layer_fails_a_module():
    assert [name for name, code in FILES.items() if "fail_json" in code or "AnsibleModule(" in code] == [
        "module_utils._module"
    ]


def test_only_http_and_the_doctor_know_requests():
    http = {name for row in LAYERS["module_utils"] for name in row if "module_utils._http" in row}
    users = {name for name, code in FILES.items() if {"requests", "urllib3"} & set(imported_by(name, code))}
    assert users == http | {"module_utils._doctor_network"}
