# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The troubleshooting guide knows every kind of error there is, and gives the advice that the error itself gives."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from ansible_collections.msp.connectwise.plugins.module_utils._errors import PsaError

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "ansible_collections.msp.connectwise.plugins"
GUIDE = ROOT / "docs" / "docsite" / "rst" / "guide_troubleshooting.rst"


def kinds(of: type[PsaError] = PsaError) -> dict[str, type[PsaError]]:
    found = {}
    for kind in of.__subclasses__():
        if kind.__module__.startswith(PACKAGE):
            found[kind.__name__] = kind
            found.update(kinds(kind))
    return found


@pytest.fixture(scope="module", autouse=True)
def _everything_is_imported():
    for folder in ("module_utils", "modules", "plugin_utils"):
        for path in sorted((ROOT / "plugins" / folder).glob("*.py")):
            if path.stem != "__init__":
                importlib.import_module(f"{PACKAGE}.{folder}.{path.stem}")


@pytest.fixture(scope="module")
def sections():
    """Term of a definition list -> its text, in one line."""
    text = GUIDE.read_text(encoding="utf-8")
    blocks = re.findall(r"^(\S[^\n]*)\n((?:  [^\n]*\n?)+)", text, re.MULTILINE)
    return {term: " ".join(body.split()) for term, body in blocks if not term.startswith("..")}


def test_it_has_exactly_the_kinds_there_are(sections):
    there = {term for term in sections if re.fullmatch(r"[A-Z]\w+", term)}
    assert there == set(kinds())


def test_it_gives_the_advice_of_each_kind(sections):
    for name, kind in kinds().items():
        inherited = next((base for base in kind.__mro__[1:] if getattr(base, "remedy", "") == kind.remedy), None)
        if not kind.remedy:
            continue
        said = sections[name]
        shared = inherited is not None and inherited is not PsaError and f"the advice of {inherited.__name__}" in said
        assert shared or f"What to do: {kind.remedy}" in said, name


def test_its_other_messages_are_those_of_the_plugins_and_roles(sections):
    sources = [*ROOT.glob("plugins/**/*.py"), *ROOT.glob("playbooks/*.yml"), *ROOT.glob("roles/**/*.yml")]
    # Strings are wrapped in the sources: compare without quotes, line ends and indentation.
    code = " ".join(re.sub(r"[\"']\s+f?[\"']|\s+", " ", path.read_text(encoding="utf-8")) for path in sources)
    code = re.sub(r"\s+", " ", code)
    messages = [term for term in sections if not re.fullmatch(r"[A-Z]\w+", term)]
    assert messages
    for message in messages:
        assert message in code, message
