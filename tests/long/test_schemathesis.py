# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""schemathesis over the published operations of the simulator: what the document allows works, the rest is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract import reports
from tests.simulator.client import Simulator

ROOT = Path(__file__).resolve().parents[2]
TENANTS: dict[str, Any] = {
    "sites": [{"name": "na"}],
    "tenants": [{"company_id": "north", "site": "na", "profile": "published"}],
}
ANY = ["status_code_conformance", "content_type_conformance", "response_headers_conformance", "unsupported_method"]
# Not among them: ignored_auth takes any answer but 401 for a leak, and a foreign company id is "Cannot route" with 400.
# In the negative mode not_a_server_error is left out, as the product answers a value of the wrong type with 500, and
# negative_data_rejection, as it ignores fields and parameters it does not know.
CHECKS = {"positive": [*ANY, "not_a_server_error", "response_schema_conformance"], "negative": ANY}
EXAMPLES = 6
RUN_LIMIT = 1200  # seconds


def published() -> dict[str, Any]:
    """The published part of the document. `fields` is left out: it trims what the schema of the answer requires."""
    document: dict[str, Any] = yaml.safe_load((ROOT / "tests/simulator/data/openapi.yml").read_text(encoding="utf-8"))
    for path, methods in list(document["paths"].items()):
        for method, operation in list(methods.items()):
            if "published" not in operation["tags"]:
                del methods[method]
            operation["parameters"] = [
                one for one in operation.get("parameters", []) if one.get("$ref") != "#/components/parameters/fields"
            ]
        if not methods:
            del document["paths"][path]
    return document


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with Simulator(TENANTS, tmp_path_factory.mktemp("psa")) as running:
        yield running


@pytest.mark.timeout(RUN_LIMIT + 60)
@pytest.mark.parametrize("mode", CHECKS)
def test_published_operations(simulator: Simulator, tmp_path: Path, mode: str) -> None:
    document = published()
    (tmp_path / "openapi.json").write_text(json.dumps(document), encoding="utf-8")
    tenant = simulator.ready["tenants"]["north"]
    done = subprocess.run(
        [
            *(Path(sysconfig.get_path("scripts")) / "schemathesis", "run", "openapi.json"),
            *("--url", f"https://{tenant['host']}/v4_6_release/apis/3.0", "--tls-verify", simulator.ready["ca"]),
            *("--header", f"clientId:{tenant['client_id']}"),
            *("--auth", f"north+{tenant['public_key']}:{tenant['private_key']}"),
            *("--mode", mode, "--phases", "fuzzing", "--max-examples", str(EXAMPLES), "--seed", "5"),
            *("--checks", ",".join(CHECKS[mode]), "--continue-on-failure", "--workers", "2", "--no-color"),
            *("--report", "json", "--report-json-path", "report.json", "--suppress-health-check", "all"),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        encoding="utf-8",
        timeout=RUN_LIMIT,
        check=False,
    )
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert report["failures"] == [], done.stdout
    assert report["errors"] == [], done.stdout
    operations = sum(len(methods) for methods in document["paths"].values())
    cases, tested = report["test_cases"]["generated"], report["operations"]["tested"]
    # schemathesis skips one whose parameters it can make nothing of in this mode.
    assert tested + report["operations"]["skipped"] == operations
    assert tested > 0.95 * operations
    assert cases > 2 * operations
    reports.keep(f"schemathesis-{mode}", f"{mode}: {cases} cases over {tested} operations, no failure")
