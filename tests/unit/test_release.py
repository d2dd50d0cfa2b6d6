# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The version of a release follows from what the changelog fragments tell."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Makes a tree of that version with these fragments, and returns what writes a version into it."""
    monkeypatch.setattr(sys, "path", [str(ROOT / "tools"), *sys.path])
    import release

    monkeypatch.setattr(release, "ROOT", tmp_path)

    def made(version, *sections, released=()):
        fragments = tmp_path / "changelogs" / "fragments"
        fragments.mkdir(parents=True)
        for section in sections:
            (fragments / f"{section}.yml").write_text(yaml.safe_dump({section: ["something"]}), encoding="utf-8")
        changes = {"releases": {one: {} for one in released}}
        (tmp_path / "changelogs" / "changelog.yaml").write_text(yaml.safe_dump(changes), encoding="utf-8")
        (tmp_path / "galaxy.yml").write_text(f"name: x\nversion: {version}\nreadme: y\n", encoding="utf-8")
        return release.set_version

    return made


@pytest.mark.parametrize(
    ("old", "sections", "new"),
    [
        ("1.2.3", ["bugfixes"], "1.2.4"),
        ("1.2.3", ["minor_changes"], "1.3.0"),
        ("1.2.3", ["breaking_changes"], "2.0.0"),
        ("0.2.3", ["breaking_changes"], "0.3.0"),
        ("1.2.3", ["minor_changes"], "1.2.3"),
        ("1.2.3", [], "1.3.0-beta.1"),
    ],
)
def test_a_version_that_fits(tree, tmp_path, old, sections, new):
    tree(old, *sections)(new)
    assert (tmp_path / "galaxy.yml").read_text(encoding="utf-8") == f"name: x\nversion: {new}\nreadme: y\n"


@pytest.mark.parametrize(
    ("old", "sections", "new", "released", "said"),
    [
        ("1.2.3", [], "1.2.2", [], "older than 1.2.3"),
        ("1.2.3", ["breaking_changes"], "1.3.0", [], "need 2.0.0"),
        ("1.2.3", ["removed_features", "bugfixes"], "1.2.4", [], "need 2.0.0"),
        ("1.2.3", ["minor_changes"], "1.2.4", [], "need 1.3.0"),
        ("1.2.3", ["deprecated_features"], "1.2.9", [], "need 1.3.0"),
        ("1.2.3", [], "1.3.0", ["1.3.0"], "in the changelog already"),
        ("1.2.3", [], "1.3", [], "not a semantic version"),
    ],
)
def test_a_version_that_does_not_fit(tree, tmp_path, old, sections, new, released, said):
    with pytest.raises(SystemExit, match=said):
        tree(old, *sections, released=released)(new)
    assert f"version: {old}\n" in (tmp_path / "galaxy.yml").read_text(encoding="utf-8")
