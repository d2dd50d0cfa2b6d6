# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""plugins/modules is the list of modules: whatever else names them says the same. And documents name what exists."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "ansible_collections.msp.connectwise.plugins"
ACTIONS = {path.stem for path in (ROOT / "plugins" / "action").glob("cw_*.py")}
SOURCES = {path.stem: import_module(f"{PACKAGE}.modules.{path.stem}") for path in ROOT.glob("plugins/modules/cw_*.py")}
# Those that run as a module does; the others are done by an action of their own.
RUNNING = {name for name, source in SOURCES.items() if hasattr(source, "MODULE")}
CONNECTED = {
    name
    for name, source in SOURCES.items()
    if "msp.connectwise.psa" in yaml.safe_load(source.DOCUMENTATION)["extends_documentation_fragment"]
}
RUNTIME = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))


def test_every_module_is_carried_out_by_something():
    assert set(SOURCES) - RUNNING <= ACTIONS, "no MODULE and no action of its own: nothing carries it out"
    assert set(SOURCES) >= ACTIONS, "an action without the module that documents it"


def test_the_action_knows_every_module():
    known = import_module(f"{PACKAGE}.action.psa").MODULES
    assert set(known) == {f"msp.connectwise.{name}" for name in RUNNING}, "correct plugins/plugin_utils/_modules.py"


def test_every_module_is_redirected_to_the_action():
    redirects = {name: entry["redirect"] for name, entry in RUNTIME["plugin_routing"]["action"].items()}
    assert redirects == dict.fromkeys(RUNNING - ACTIONS, "msp.connectwise.psa"), "correct action in meta/runtime.yml"


def test_the_action_group_holds_all_that_take_the_connection():
    # And the action itself: Ansible looks a task's defaults up under the name that a task is redirected to.
    assert set(RUNTIME["action_groups"]["psa"]) - {"psa"} >= CONNECTED, "add it to action_groups in meta/runtime.yml"
    assert set(RUNTIME["action_groups"]["psa"]) <= {*SOURCES, "psa"}, "action_groups in meta/runtime.yml names more"


# Documents

DOCUMENTS = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "SUPPORT.md", "tests/simulator/README.md"]
TEXT = {name: (ROOT / name).read_text(encoding="utf-8") for name in DOCUMENTS}
TOP = {path.name for path in ROOT.iterdir()} | {".ci"}
# What runs and tools make, and what stands for a name of the reader's.
MADE = re.compile(r"^(build|\.cache|\.venv|\.cw|\.\./|connectwise_|host_vars|inventory|changelogs/fragments/<)")
PATH = re.compile(r"(?<![\w/.:@-])(?:[\w.*-]+/)+[\w.*<>-]*|(?<![\w/.:@-])[\w-]+\.(?:md|yml|toml|cfg|rst)(?![\w/])")


def paths_of(text):
    """What looks like a path of this project, in code and in links."""
    code = "\n".join(re.findall(r"`([^`\n]+)`", text) + re.findall(r"(?ms)^```\w*\n(.*?)^```", text))
    links = re.findall(r"\]\(([^)#]+)", text)
    found = {*PATH.findall(code), *(link for link in links if "://" not in link)}
    return {path for path in found if path.split("/")[0] in TOP and not MADE.match(path)}


def exists(path, base):
    pattern = re.sub(r"<\w+>", "*", path).rstrip("/")
    return bool(list(ROOT.glob(pattern)) or list(base.glob(pattern)))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_path_that_a_document_names_exists(name):
    missing = [path for path in sorted(paths_of(TEXT[name])) if not exists(path, (ROOT / name).parent)]
    assert not missing, f"{name} names what is not there: {', '.join(missing)}"


def test_paths_are_found():
    text = "see `tests/nowhere.py`, [that](docs/gone.md) and\n```console\npytest tools/none.py\n```\n`roles/<vendor>`"
    assert paths_of(text) == {"tests/nowhere.py", "docs/gone.md", "tools/none.py", "roles/<vendor>"}
    assert [path for path in sorted(paths_of(text)) if exists(path, ROOT)] == ["roles/<vendor>"]
    assert len(paths_of(TEXT["CONTRIBUTING.md"])) > 20


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_make_target_that_a_document_names_exists(name):
    targets = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8")))
    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", TEXT[name], re.MULTILINE)) <= targets


def test_readme_lists_every_module_and_playbook():
    readme = TEXT["README.md"]
    missing = [name for name in SOURCES if f"`{name}`" not in readme]
    missing += [path.stem for path in ROOT.glob("playbooks/*.yml") if f"`msp.connectwise.{path.stem}`" not in readme]
    assert not missing, f"README.md does not list {', '.join(missing)}"
    named = set(re.findall(r"`(cw_\w+?)(?:`)", readme.partition("## Modules")[2].partition("\n## ")[0]))
    assert named <= set(SOURCES), "README.md lists modules that are not there"


def test_contributing_lists_every_target():
    targets = re.findall(r"(?m)^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"))
    missing = [target for target in targets if f"`make {target}" not in TEXT["CONTRIBUTING.md"]]
    assert not set(missing) - {"help", "setup", "setup-dev", "format"}, missing


def test_every_test_that_the_mutants_are_given_to_exists():
    text = (ROOT / "tools" / "mutants.py").read_text(encoding="utf-8")
    named = re.findall(r'"((?:tests|plugins)/[\w/]+\.py)"', text)
    assert len(named) > 5
    assert not [path for path in named if not (ROOT / path).is_file()]
