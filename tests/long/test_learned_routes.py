# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A person at the web client in Chromium, and from then on every vendor without a manual step; in each dialect."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.msp.connectwise.plugins.plugin_utils._prove import GROUPS
from tests.learning.ground import DIALECTS, scratch_left, tenants
from tests.playground import VENDORS, Playground
from tests.simulator.client import Simulator
from tests.web_client import record

ANOTHER = dict(zip(DIALECTS, (*DIALECTS[1:], DIALECTS[0]), strict=True))
DRIFT = {
    "op": "set_levels",
    "role": "Umbrella",
    "module": "Companies",
    "function": "Company Maintenance",
    "levels": dict.fromkeys(("add", "edit", "delete", "inquire"), "All"),
}


def steps(ground: Playground, tenant: str) -> list[dict[str, Any]]:
    return [step for entry in ground.reports()[tenant].values() for step in entry["manual_steps"]]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_one_recording_makes_a_tenant_automatic(dialect: str, tmp_path: Path) -> None:
    with Simulator(tenants(dialect), tmp_path / "psa") as simulator:
        folder = tmp_path / "play" / "connectwise_routes"
        ground = Playground(
            tmp_path / "play", simulator.ready, cw_integrations=VENDORS, cw_extension_routes_file=str(folder)
        )
        folder.mkdir()
        tenant = simulator.ready["tenants"][dialect]

        prepared = ground.play("learn_routes")
        assert prepared.code == 0, prepared.output
        lesson = folder / "lessons" / dialect
        assert "Export HAR" in (lesson / "choreography.html").read_text(encoding="utf-8")
        plan = json.loads((lesson / "plan.json").read_text(encoding="utf-8"))
        har = record(tenant, plan, ground.directory / "session.har")

        # As the guide says it: the name of a file that lies here.
        taught = ground.play("learn_routes", cw_recordings="session.har")
        assert taught.code == 0, taught.output
        assert scratch_left(simulator, dialect) == []
        assert not lesson.exists()
        assert "delete the recording now" in taught.output
        check_file(folder / "v2025.1.yml", har, tenant, dialect)

        first = ground.play("onboard")
        assert first.code == 0, first.output
        if dialect == "session":
            # Keys need the session of the browser: one step for each vendor, and no other.
            assert [step["kind"] for step in steps(ground, dialect)] == ["create_key"] * len(VENDORS)
        else:
            assert steps(ground, dialect) == []
            assert ground.statuses(dialect) == dict.fromkeys(VENDORS, "ready")
        simulator.clear_journal()
        assert ground.play("onboard").code == 0
        asked = [entry for entry in simulator.journal(dialect, writes=True) if "/apis/3.0" in entry["path"]]
        assert asked == []

        # The next version of the product, with another client: noticed before it writes.
        simulator.edit(
            dialect,
            {"op": "set_version", "version": "v2026.1"},
            {"op": "set_web_client", "dialect": ANOTHER[dialect]},
            DRIFT,
        )
        later = ground.play("onboard")
        assert later.code == 0, later.output
        assert "does not hold on v2026.1" in later.output
        assert {step["kind"] for step in steps(ground, dialect)} >= {"role_permission"}
        assert scratch_left(simulator, dialect) == []


def check_file(file: Path, har: Path, tenant: dict[str, Any], dialect: str) -> None:
    """What was proven stands in it, and nothing that the recording has of people, tokens and keys."""
    text = file.read_text(encoding="utf-8")
    assert text.count("state: proven") == (3 if dialect == "session" else 6)
    assert text.count("state: refused") == (len(GROUPS["keys"]) if dialect == "session" else 0)
    entries = json.loads(har.read_text(encoding="utf-8"))["log"]["entries"]
    cookies = {cookie["value"] for entry in entries for cookie in entry["request"]["cookies"]}
    assert cookies
    known = {tenant[name] for name in ("public_key", "private_key", "client_id", "host")}
    secrets = {*cookies, *known, "example.com"}
    assert [secret for secret in secrets if secret in text] == []
    assert not {"Automation", "automation"} & set(text.replace("'", " ").split())
