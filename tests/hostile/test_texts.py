# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that a server, a store, a report or an inventory brings: rendered by nothing, obeyed by no terminal."""

from __future__ import annotations

import json
import ssl
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.playground import Playground, inventory_of
from tests.simulator.client import Simulator

TENANTS: dict[str, Any] = {
    "sites": [{"name": "na"}],
    "tenants": [
        {"company_id": name, "site": "na", "profile": profile}
        for name, profile in (
            ("north", "extended"),
            ("europe", "extended"),
            ("onprem", "published"),
            ("unsafe", "extended"),
        )
    ],
}
# Rendered, the first makes a file and the second is a number found nowhere else. Names have up to 30 characters.
TOUCH, SUM = "{{lookup('pipe','touch c')}}", "{{79190*70001}}"
RENDERED = str(79190 * 70001)
PLAYBOOKS = Path(__file__).resolve().parents[2] / "playbooks"
ESCAPES = "\x1b[2J\x1b]0;title\x07\x9b31m"
REFERENCES = ("structureLevel", "securityLocation", "defaultLocation", "defaultDepartment", "timeZone")
HTML = "</script><script>alert(1)</script>"


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with Simulator(TENANTS, tmp_path_factory.mktemp("psa")) as running:
        yield running


def ask(simulator: Simulator, tenant: str, path: str, body: Any = None) -> Any:
    """What the tenant answers its own administrator; with a body, the record that this makes."""
    known = simulator.ready["tenants"][tenant]
    token = f"{known['company_id']}+{known['public_key']}:{known['private_key']}"
    request = urllib.request.Request(
        f"https://{known['host']}/v4_6_release/apis/3.0{path}",
        None if body is None else json.dumps(body).encode(),
        {
            "Authorization": "Basic " + b64encode(token.encode()).decode(),
            "clientId": known["client_id"],
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=simulator.ready["ca"])) as answer:  # noqa: S310
        return json.loads(answer.read())


def unrendered(ground: Playground, output: str) -> None:
    """Nothing was rendered, and nothing that a terminal obeys was printed or written."""
    # A lookup runs in the directory of the playbook.
    for place in (ground.directory, PLAYBOOKS):
        made = [path for path in place.rglob("c") if path.is_file()]
        for path in made:
            path.unlink()
        assert made == []
    assert RENDERED not in output
    files = [path for path in (ground.directory / "connectwise_reports").rglob("*") if path.is_file()]
    for text in (output, *(path.read_text(encoding="utf-8") for path in files)):
        assert RENDERED not in text
        assert not any(character in text for character in ("\x1b", "\x9b", "\x07"))


def test_texts_of_a_server(simulator: Simulator, tmp_path: Path) -> None:
    ground = Playground(tmp_path / "ground", simulator.ready, cw_integrations=["umbrella"], integration_adopt=True)
    for tenant in ("north", "europe"):
        role = ask(simulator, tenant, "/system/securityroles", {"name": TOUCH})
        like = ask(simulator, tenant, "/system/apiMembers")[0]
        own = {
            "identifier": "Umbrella",
            "name": SUM + HTML[:15],
            "emailAddress": TOUCH,
            "securityRole": {"id": role["id"]},
        }
        ask(simulator, tenant, "/system/apiMembers", {**{name: like[name] for name in REFERENCES}, **own})
    audited = ground.play("audit", "--limit", "north", "--diff", "-v")
    unrendered(ground, audited.output)
    entry = ground.reports()["north"]["umbrella"]
    assert any(SUM in difference for difference in entry["differences"]), entry
    onboarded = ground.play("onboard", "--limit", "north", "--diff", "-v")
    unrendered(ground, onboarded.output)
    assert ground.statuses("north") == {"umbrella": "ready"}
    # An error that quotes the server passes through rescue, report and summary.
    said = f"{TOUCH}{SUM} {ESCAPES} {HTML}"
    simulator.faults({"fault": "status", "status": 500, "body": said, "path": "/mySecurity", "tenant": "north"})
    for playbook in ("audit", "doctor", "key_report"):
        unrendered(ground, ground.play(playbook, "--limit", "north", "-v").output)
    simulator.clear_faults()
    simulator.faults({"fault": "status", "status": 500, "body": said, "tenant": "europe", "method": "PATCH"})
    unrendered(ground, ground.play("onboard", "--limit", "europe", "-v").output)
    entry = ground.reports()["europe"]["umbrella"]
    assert entry["status"] == "failed"
    assert TOUCH in entry["error"]
    simulator.clear_faults()
    page = (ground.directory / "connectwise_reports" / "fleet.html").read_text(encoding="utf-8")
    assert HTML not in page
    assert TOUCH in page


def test_texts_of_a_store_and_a_report(simulator: Simulator, tmp_path: Path) -> None:
    ground = Playground(tmp_path / "ground", simulator.ready, cw_integrations=["umbrella"])
    evil = f"{TOUCH}{SUM}"
    record = {
        "version": 3,
        "current": {"key_id": 1, "public_key": evil, "private_key": evil, "created": evil, "verified": evil},
        "retired": [{"key_id": evil, "public_key": evil, "private_key": evil, "since": evil}],
        "next": {"state": evil, "description": evil, "owner": {"host": evil, "part": evil}},
    }
    store = ground.directory / "connectwise_keys"
    store.mkdir(mode=0o700)
    reports = ground.directory / "connectwise_reports" / "onprem"
    reports.mkdir(parents=True)
    entry = dict.fromkeys(("tenant", "vendor", "product", "source", "member", "status", "error", "time"), evil)
    (reports / "umbrella.json").write_text(
        json.dumps({**entry, "tenant": "onprem", "vendor": "umbrella"}), encoding="utf-8"
    )
    (reports.parent / "fleet.json").write_text(json.dumps({"tenants": [entry], "time": evil}), encoding="utf-8")
    from ansible.parsing.vault import VaultLib, VaultSecret

    from ansible_collections.msp.connectwise.plugins.plugin_utils._key_file import FORMAT

    vault = VaultLib([("default", VaultSecret(ground.passphrase.read_bytes().strip()))])
    content = {"format": FORMAT, "tenant": "onprem", "integrations": {"umbrella": record}}
    for playbook in ("audit", "onboard", "key_report"):
        ground.write(store / "onprem.yml", vault.encrypt(json.dumps(content)).decode())
        output = ground.play(playbook, "--limit", "onprem", "-v").output
        unrendered(ground, output)
        assert "Traceback" not in output
        assert "defect" not in output


FORGED = {
    "too deep": "[" * 50_000 + "]" * 50_000,
    "numbers": json.dumps(dict.fromkeys(("tenant", "vendor", "product", "status", "time", "key", "parts", "error"), 7)),
    "lists": json.dumps({"status": "ready", "time": [1], "tenant": "onprem", "vendor": "umbrella", "parts": {"a": 1}}),
    "a list": "[1, null]",
    "a fleet": json.dumps({"format": "msp.connectwise fleet 1", "tenants": {"onprem": {"integrations": [1]}, "x": 7}}),
}


@pytest.mark.parametrize("forged", FORGED)
def test_reports_that_are_none(simulator: Simulator, tmp_path: Path, forged: str) -> None:
    ground = Playground(tmp_path / "ground", simulator.ready, cw_integrations=["umbrella"])
    folder = ground.directory / "connectwise_reports" / "onprem"
    folder.mkdir(parents=True)
    for playbook in ("audit", "key_report"):
        for path in (folder / "umbrella.json", folder / "keys.json", folder.parent / "fleet.json"):
            path.write_text(FORGED[forged], encoding="utf-8")
        output = ground.play(playbook, "--limit", "onprem").output
        assert "Traceback" not in output
        assert "defect" not in output
        assert "could not be made" not in output, output
    assert ground.statuses("onprem").keys() == {"umbrella"}


def test_texts_of_an_inventory(simulator: Simulator, tmp_path: Path) -> None:
    """A value that its inventory marks as unsafe stays as it is, whatever it holds."""
    ground = Playground(tmp_path / "ground", simulator.ready, cw_integrations=["umbrella"])
    plain = inventory_of(simulator.ready, cw_integrations=["umbrella"])
    lines = ["all:", "  vars: " + json.dumps(plain["all"]["vars"]), "  hosts:", "    unsafe:"]
    values = {**plain["all"]["hosts"]["unsafe"], "cw_company_id": TOUCH + SUM, "cw_public_key": SUM}
    lines += [f"      {name}: !unsafe {json.dumps(value)}" for name, value in values.items()]
    ground.inventory.write_text("\n".join(lines) + "\n", encoding="utf-8")
    for playbook in ("audit", "onboard", "doctor"):
        unrendered(ground, ground.play(playbook, "-v").output)
    assert "unsafe" in ground.reports()


# Keys in the wrong place


def swapped(simulator: Simulator, tenant: str) -> tuple[dict[str, Any], str]:
    plain = inventory_of(simulator.ready, cw_integrations=["umbrella"])
    host = plain["all"]["hosts"][tenant]
    private = host["cw_private_key"]
    host["cw_public_key"], host["cw_private_key"] = private, host["cw_public_key"]
    return plain, private


def shown_in(ground: Playground, *outputs: str) -> str:
    """All that a person, or a log, gets to see."""
    files = [path for path in (ground.directory / "connectwise_reports").rglob("*") if path.is_file()]
    return "\n".join([*outputs, *(path.read_text(encoding="utf-8") for path in files)])


@pytest.mark.parametrize("in_process", [True, False], ids=["in process", "module processes"])
def test_the_keys_of_the_connection_swapped(simulator: Simulator, tmp_path: Path, in_process: bool) -> None:
    ground = Playground(tmp_path / "ground", simulator.ready)
    inventory, private = swapped(simulator, "onprem")
    inventory["all"]["vars"]["cw_in_process"] = in_process
    ground.write(ground.inventory, json.dumps(inventory))
    env = {"ANSIBLE_INJECT_INVOCATION": "true"}
    outputs = [
        ground.play(book, "--limit", "onprem", "-vvv", env=env).output
        for book in ("onboard", "audit", "doctor", "key_report")
    ]
    shown = shown_in(ground, *outputs)
    assert private not in shown
    assert private[:5] not in shown
    assert f"{private[:4]}…" in shown
    assert (ground.directory / "connectwise_reports" / "fleet.html").exists()


def test_a_given_key_swapped(simulator: Simulator, tmp_path: Path) -> None:
    ground = Playground(tmp_path / "ground", simulator.ready, cw_integrations=["umbrella"])
    first = ground.play("onboard", "--limit", "onprem")
    assert first.code == 0, first.output
    secret = "Pr1vateHalfOfAKeyThatAPersonMade"
    made = [{"member": "Umbrella", "publicKey": secret, "privateKey": "PublicHalfOfAKey"}]
    stored = ground.store_keys("onprem", made)
    assert "was not stored" in stored.output or stored.code != 0, stored.output
    shown = shown_in(ground, stored.output)
    assert secret not in shown
    assert secret[:5] not in shown


@pytest.mark.parametrize(
    ("module", "options", "public", "private"),
    [
        ("cw_integration_info", {"member": {"identifier": "Automation"}}, "key_public", "key_private"),
        ("cw_access_check", {}, "public_key", "private_key"),
        (
            "cw_table_setup",
            {"role": "Admin", "allow": ["Service / Status"], "on_unsupported": "manual"},
            "reader_public_key",
            "reader_private_key",
        ),
        ("cw_tenant_info", {}, "public_key", "private_key"),
        ("cw_doctor", {}, "public_key", "private_key"),
    ],
)
@pytest.mark.parametrize("echo", [False, True], ids=["", "the server repeats it"])
def test_each_pair_of_keys_swapped(
    simulator: Simulator, module: str, options: dict[str, Any], public: str, private: str, echo: bool
) -> None:
    from .campaign import options_of, run

    known = simulator.ready["tenants"]["onprem"]
    connection = {**options_of(known, known["host"], simulator.ready["ca"]), "retries": 0}
    secret = known["private_key"]
    pair = {private: known["public_key"], public: secret}
    if echo:
        token = b64encode(f"{known['company_id']}+{secret}:{known['public_key']}".encode()).decode()
        rule = {"fault": "status", "status": 500, "body": f"{secret} and {token}", "tenant": "onprem"}
        # What is asked with the other pair of keys.
        simulator.faults({**rule, "path": "/system/" if public == "public_key" else "/mySecurity"})
    try:
        result = run({"module": module, **options, **pair}, connection)
    finally:
        simulator.clear_faults()
    shown = json.dumps(result, ensure_ascii=False)
    assert secret[:5] not in shown
    assert b64encode(f"{known['company_id']}+{secret}".encode()).decode()[:-4] not in shown


def test_links_in_the_place_of_reports_are_refused(tmp_path: Path) -> None:
    """Whoever may write there cannot turn a report into a write elsewhere."""
    from ansible_collections.msp.connectwise.plugins.plugin_utils import _files, _report

    target = tmp_path / "target"
    target.write_text("untouched", encoding="utf-8")
    link = tmp_path / "umbrella.json"
    link.symlink_to(target)
    with pytest.raises(_files.NotAFile, match=r"umbrella\.json is a symbolic link"):
        _report.replace_file(tmp_path, link, "report")
    assert target.read_text(encoding="utf-8") == "untouched"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["target", "umbrella.json"]
