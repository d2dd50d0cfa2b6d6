# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates in all that the playbooks read, and the playbooks run over it: nothing is rendered, nothing is executed."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.msp.connectwise.plugins.plugin_utils import _fleet, _handed_over
from ansible_collections.msp.connectwise.plugins.plugin_utils._profile_check import SCHEMA
from tests.learning.ground import routes_of
from tests.learning.synthetic import Wire
from tests.playground import Played, Playground, inventory_of
from tests.simulator.client import Simulator
from tests.unit.planted import for_people, places, vendor_file

TENANTS: dict[str, Any] = {
    "sites": [{"name": "na"}],
    "tenants": [
        {"company_id": "north", "site": "na", "profile": "extended"},
        {"company_id": "tasks", "site": "na", "profile": "extended"},
        {"company_id": "onprem", "site": "na", "profile": "published"},
        {"company_id": "routed", "site": "na", "profile": "published", "web_client": "words"},
    ],
}
PLAYBOOKS = Path(__file__).resolve().parents[2] / "playbooks"
SUM = "{{79190*70001}}"
RENDERED = str(79190 * 70001)
GOOD = {
    "product": "Acme Sync",
    "role_name": "Acme",
    "member": {"identifier": "Acme"},
    "key_description": "Acme key",
    "permissions": {"Companies": {"Contacts": {"inquire": "All"}}},
}
# Words by which a file is taken for what it is, in the first of two rounds.
KNOWN = frozenset(
    {
        *("format", "version", "status", "state", "kind", "tenant", "vendor", "time", "generated", "run", "severity"),
        *("record", "member", "member_type"),
    }
)


def planted(value: Any, change: Callable[[str], str], known: frozenset[str] = frozenset(), key: str = "") -> Any:
    """A structure with each text of it changed, but for those whose key is known."""
    if isinstance(value, Mapping):
        return {name: planted(one, change, known, name) for name, one in value.items()}
    if isinstance(value, list):
        return [planted(one, change, known, key) for one in value]
    return change(value) if isinstance(value, str) and key not in known else value


# A store that modules and lookups of other collections keep, so that the tasks of the role work on its tenant.
SHELF = {
    "read": {"lookup": "ansible.builtin.file", "terms": ["SHELF/<name>.json"], "missing": "could not|not found"},
    "write": {
        "module": "ansible.builtin.lineinfile",
        "arguments": {"path": "SHELF/<name>.json", "line": "<json>", "regexp": "^", "create": True, "mode": "0600"},
    },
    "delete": {"module": "ansible.builtin.file", "arguments": {"path": "SHELF/<name>.json", "state": "absent"}},
}


class Ground(Playground):
    """A playground whose runs may have another ansible-core. made: the name of the file that a template would make."""

    def __init__(self, directory: Path, simulator: Simulator, binaries: Path | None) -> None:
        super().__init__(directory, simulator.ready)
        self.made = f"ran-{secrets.token_hex(4)}"
        touch = f"lookup('ansible.builtin.pipe','touch {self.made}')"
        self.evil = f"{{{{{touch}}}}}{{%if {touch}%}}{{%endif%}}{{#gone#}}{SUM}"
        self.env = {} if binaries is None else {"PATH": os.pathsep.join([str(binaries), os.environ["PATH"]])}
        inventory = inventory_of(simulator.ready, cw_integrations=["people"], cw_fail_on=[])
        hosts = inventory["all"]["hosts"]
        hosts["north"]["cw_integrations"] = ["people", *self.vendors()]
        shelf = json.loads(json.dumps(SHELF).replace("SHELF", str(directory / "shelf")))
        hosts["tasks"].update(cw_integrations=["people", self.role()], sync_prefix="North")
        hosts["tasks"].update(integration_store=shelf, integration_store_settle=0)
        (directory / "shelf").mkdir(mode=0o700)
        hosts["routed"]["cw_extension_routes_file"] = "connectwise_routes"
        # A variable of the inventory is a template, whichever way a tenant goes.
        for name in ("north", "tasks"):
            control = f"{{{{ lookup('ansible.builtin.pipe', 'touch \"{directory}/control-{name}\"') }}}}Acme key"
            hosts[name]["people_key_description"] = control
        self.write(self.inventory, json.dumps(inventory))
        self.routes()

    def run(self, *playbooks: str, arguments: Sequence[str] = (), sound: bool = True, **extra: Any) -> Played:
        """Playbooks one after the other in one run; that nothing was rendered by it."""
        play = self.directory / "play.yml"
        play.write_text(json.dumps([{"import_playbook": f"msp.connectwise.{one}"} for one in playbooks]))
        played = self.play(play, *arguments, env=self.env, **extra)
        for place in (self.directory, PLAYBOOKS):
            assert [*place.rglob(self.made)] == [], played.output
        files = [path for path in (self.directory / "connectwise_reports").rglob("*") if path.is_file()]
        for text in (played.output, *(path.read_text(encoding="utf-8") for path in files)):
            assert RENDERED not in text
        assert "Traceback" not in played.output, played.output
        assert "defect" not in played.output, played.output
        assert not sound or played.code == 0, played.output
        return played

    def change(self, text: str) -> str:
        return f"{text} {self.evil}"

    # What is planted

    def vendors(self) -> list[str]:
        """A vendor that has templates in all its texts for people, and one for each other place of a vendor file."""
        folder = self.directory / "connectwise_vendors"
        folder.mkdir()
        people = {**GOOD, "handover": {"console": self.evil, "steps": [self.evil], "watch": [self.evil]}}
        people["handover"]["fields"] = [{"label": self.evil, "value": self.evil}]
        people.update(dict.fromkeys(("vendor", "product", "source"), self.evil))
        people.update({name: [self.evil] for name in ("sources", "gaps", "readings", "notes")})
        people["feature_groups"] = {"more": {"description": self.evil}}
        (folder / "people.yml").write_text(yaml.safe_dump(people), encoding="utf-8")
        used = sorted((path for path in set(places(SCHEMA)) if not for_people(path)), key=str)
        for number, path in enumerate(used):
            (folder / f"used_{number}.yml").write_text(vendor_file(GOOD, path, self.evil), encoding="utf-8")
        return [f"used_{number}" for number in range(len(used))]

    def role(self) -> str:
        """A role of another collection. Where it runs, Ansible resolves its defaults; read by path they are data."""
        collections = self.directory / "collections"
        self.env["ANSIBLE_COLLECTIONS_PATH"] = os.pathsep.join(
            [str(collections), os.environ["ANSIBLE_COLLECTIONS_PATH"]]
        )
        role = collections / "ansible_collections" / "acme" / "psa" / "roles" / "sync"
        table = {**GOOD, "role_name": "{{ sync_prefix }} Sync", "member": {"identifier": "Sync"}}
        (role / "defaults").mkdir(parents=True)
        (role / "tasks").mkdir()
        defaults = yaml.safe_dump({f"sync_{key}": value for key, value in table.items()})
        (role / "defaults" / "main.yml").write_text(defaults, encoding="utf-8")
        tasks = [{"ansible.builtin.import_role": {"name": "msp.connectwise.integration"}}]
        (role / "tasks" / "main.yml").write_text(yaml.safe_dump(tasks), encoding="utf-8")
        return "acme.psa.sync"

    def page(self) -> Path:
        """A page with a template in the place of each kind of cell, and in each beside its own text."""
        head = ["Module", "Function", "Add", "Edit", "Delete", "Inquire"]
        row = ["Companies", "Contacts", "All", "None", "None", "My"]
        rows = [row]
        for place in range(len(row)):
            rows += [[*row[:place], text, *row[place + 1 :]] for text in (self.evil, f"{row[place]} {self.evil}")]
        lists = [["Category", "Table", "Allowed"], ["Service", "Service Board", "yes"]]
        lists += [[*lists[1][:place], self.evil, *lists[1][place + 1 :]] for place in range(3)]
        tables = [[head, *rows], lists, [["What", self.evil], ["Contacts", f"Inquire: All {self.evil}"]]]
        cells = (
            "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in one)}</tr>" for one in table) for table in tables
        )
        html = "".join(f"<h2>{self.evil}</h2><table>{one}</table>" for one in cells)
        path = self.directory / "page.html"
        path.write_text(html, encoding="utf-8")
        return path

    def files(self, known: frozenset[str]) -> None:
        """Reports, records and what is known of routes, as runs have left them, with a template in each text."""
        for path in [*(self.directory / "connectwise_reports").rglob("*.json"), *self.directory.glob("shelf/*")]:
            content = json.loads(path.read_text(encoding="utf-8"))
            path.write_text(json.dumps(planted(content, self.change, known)), encoding="utf-8")
        vault = VaultLib([("default", VaultSecret(self.passphrase.read_bytes().strip()))])
        for path in (self.directory / "connectwise_keys").glob("*.yml"):
            content = json.loads(vault.decrypt(path.read_bytes()))
            records = planted(content["integrations"], self.change, known)
            self.write(path, vault.encrypt(json.dumps({**content, "integrations": records})).decode())

    def routes(self) -> None:
        folder = self.directory / "connectwise_routes"
        folder.mkdir(exist_ok=True)
        routes = {operation: some[0] for operation, some in routes_of("words").items()}
        about = {"version": "v2025.1", "tenant": self.evil, "operations": {one: {"state": "proven"} for one in routes}}
        for operation in about["operations"].values():
            operation["why"] = self.evil
        (folder / "v2025.1.yml").write_text(yaml.safe_dump({"about": about, **routes}), encoding="utf-8")

    def recording(self) -> Path:
        wire = Wire()
        wire.send("POST", "/x", {"a": self.evil}, json_body={"b": self.evil})
        path = Path(wire.save(self.directory / "session.har"))
        whole = json.loads(path.read_text(encoding="utf-8"))
        keep = frozenset({"method", "url", "startedDateTime", "version", "mimeType"})
        path.write_text(json.dumps(planted(whole, self.change, keep)), encoding="utf-8")
        return path

    def artifacts(self) -> dict[str, Any]:
        """What jobs before this one have handed over: a digest as text, and as AWX makes a mapping of one."""
        reports = self.directory / "connectwise_reports"
        whole = _fleet.unpacked(json.loads((reports / "fleet.json").read_text(encoding="utf-8")))
        digest = _handed_over.digest(whole, "")
        return {"connectwise_fleet_7": digest, "connectwise_fleet_8": json.loads(digest)}


@contextmanager
def ground_of(directory: Path, binaries: Path | None = None) -> Iterator[Ground]:
    """What sound runs have left, with a vendor file whose texts for people are templates."""
    with Simulator(TENANTS, directory / "psa") as simulator:
        ground = Ground(directory / "ground", simulator, binaries)
        ground.run("onboard", "key_report", arguments=["--limit", "north,tasks,onprem"])
        assert {path.name for path in ground.directory.glob("control-*")} == {"control-north", "control-tasks"}
        found = ground.reports()
        for tenant, status in {"north": "ready", "tasks": "ready", "onprem": "pending"}.items():
            assert found[tenant]["people"]["status"] == status, found
            assert ground.evil in json.dumps(found[tenant]["people"], ensure_ascii=False)
        assert found["tasks"]["sync"]["status"] == "ready", found["tasks"]["sync"]
        assert simulator.role("tasks", "North Sync")
        refused = {name: entry["error"] for name, entry in found["north"].items() if name.startswith("used_")}
        assert len(refused) > 40
        for name, error in refused.items():
            assert f"connectwise_vendors/{name}.yml, line " in error
            assert f"move the template to host_vars as {name}_" in error or "is not one of" in error
        yield ground


class TemplateTests:
    """One tree for all playbooks. Each file of tests has a fixture `ground`, with the ansible-core that it is about."""

    def test_a_page_and_the_list_of_vendors(self, ground: Ground) -> None:
        played = ground.run("new_vendor", "vendors", cw_vendor="paged", cw_table=str(ground.page()))
        file = (ground.directory / "connectwise_vendors" / "paged.yml").read_text(encoding="utf-8")
        assert ground.evil in played.output.replace("\\", "")
        assert ground.evil in file
        assert "role_name" in file
        # The way on from a page: its vendor is made real, and compared.
        played = ground.run("onboard", "compare", arguments=["--limit", "onprem"], cw_integrations=["paged"])
        assert "1 tenant: the vendors can go together" in played.output
        page = (ground.directory / "connectwise_reports" / "vendors.html").read_text(encoding="utf-8")
        assert ground.made in page
        compared = ground.run("compare", arguments=["--limit", "tasks"], sound=False)
        assert "move the template to host_vars as sync_role_name" in compared.output

    @pytest.mark.parametrize("known", [KNOWN, frozenset()], ids=["texts", "all"])
    def test_reports_records_and_artifacts(self, ground: Ground, known: frozenset[str]) -> None:
        artifacts = ground.artifacts()
        artifacts["connectwise_fleet_9"] = planted(artifacts["connectwise_fleet_8"], ground.change, known)
        # A tenant that has a template for its name, and one for that of its vendor.
        (tenant,) = list(artifacts["connectwise_fleet_9"]["tenants"].values())[:1]
        (cell,) = list(tenant["integrations"].values())[:1]
        strange = {**tenant, "integrations": {ground.evil: {**cell, "status": "failed", "product": ground.evil}}}
        artifacts["connectwise_fleet_9"]["tenants"][ground.evil] = strange
        ground.files(known)
        file = ground.write(ground.directory / "artifacts.json", json.dumps(artifacts))
        variables = {"cw_fail_on": ["failed"], "cw_hosts": "north"}
        played = ground.run("merge_reports", arguments=["-e", f"@{file}"], sound=False, **variables)
        # Where not even the format is told any more, it is refused.
        said = "failed or not reached: " if known is KNOWN else "could not be made: not a fleet report"
        assert said in played.output, played.output
        ground.files(known)
        ground.run("audit", "key_report", "onboard", "doctor", doctor_fail=False)

    def test_keys_of_a_person(self, ground: Ground) -> None:
        keys = [{"member": "Acme", "public_key": ground.evil, "private_key": f"x{ground.evil}"}]
        file = ground.write(ground.directory / "given.json", json.dumps(keys))
        ground.run("store_key", "finish", "rekey_store", cw_keys_file=str(file), sound=False)
        ground.write(file, json.dumps(planted(keys, ground.change)))
        ground.run("store_key", cw_keys_file=str(file), sound=False)

    def test_a_first_key(self, ground: Ground) -> None:
        keys = {"cw_first_public_key": "x{{y}}", "cw_first_private_key": ground.evil}
        variables = ground.directory / "first.yml"
        lines = [f"{name}: !unsafe {json.dumps(value)}" for name, value in keys.items()]
        ground.write(variables, "\n".join(lines) + "\n")
        played = ground.run("first_key", arguments=["--limit", "onprem", "-e", f"@{variables}"], sound=False)
        assert "the public key has {{ in it" in played.output
        # As AWX hands on what a survey was answered.
        ground.write(variables, f"cw_hosts: !unsafe {json.dumps(ground.evil)}\n")
        ground.run("audit", "offboard", arguments=["-e", f"@{variables}"], sound=False)

    def test_a_recording(self, ground: Ground) -> None:
        ground.run("learn_routes", arguments=["--limit", "routed"])
        for path in (ground.directory / "connectwise_routes").rglob("*.json"):
            content = json.loads(path.read_text(encoding="utf-8"))
            path.write_text(json.dumps(planted(content, ground.change, frozenset({"format"}))), encoding="utf-8")
        ground.run("learn_routes", arguments=["--limit", "routed"], sound=False, cw_recordings=str(ground.recording()))

    def test_rotation_and_offboarding(self, ground: Ground) -> None:
        ground.run("rotate_keys", "offboard", arguments=["--limit", "north,tasks,onprem"], sound=False)
