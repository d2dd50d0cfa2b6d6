# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every molecule scenario, through pytest-ansible; molecule runs in extensions/ with this clone as the collection."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_ansible.plugin import scenarios

ROOT = Path(__file__).resolve().parents[2]


def test_every_scenario_is_known():
    here = {path.parent.name for path in ROOT.glob("extensions/molecule/*/molecule.yml")}
    assert here
    assert {scenario.name for scenario in scenarios} == here


@pytest.mark.timeout(600)
def test_scenario(molecule_scenario, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert molecule_scenario.test().returncode == 0
