# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person has before the set-up of AWX, and the set-up itself."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.awx.records import Record
from tests.awx.server import Awx

PLAYBOOKS = ("onboard", "audit", "rotate_keys", "offboard", "merge_reports")
LIMIT = 280.0
GIT = ["git", "-c", "user.name=A person", "-c", "user.email=person@example.org", "-c", "commit.gpgsign=false"]


def git(place: Path, *arguments: str) -> None:
    subprocess.run([*GIT, *arguments], cwd=place, check=True, capture_output=True, timeout=LIMIT)


class Repository:
    """A git repository with an inventory and the playbooks."""

    def __init__(self, place: Path, inventory: str, *, playbooks: tuple[str, ...] = PLAYBOOKS) -> None:
        self.place = place
        place.mkdir(parents=True)
        git(place, "init", "--quiet", "--initial-branch", "main")
        lines = {f"playbooks/{name}.yml": f"- import_playbook: msp.connectwise.{name}\n" for name in playbooks}
        self.push({"inventory.yml": inventory, **lines})

    @property
    def url(self) -> str:
        return self.place.as_uri()

    def push(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        git(self.place, "add", "--all")
        git(self.place, "commit", "--quiet", "--allow-empty", "--message", "what is there now")


def project(awx: Awx, name: str, repository: Repository, **more: Any) -> Record:
    """A project that is there already."""
    body = {"name": name, "organization": 1, "scm_url": repository.url, "scm_branch": "main", **more}
    record = awx.records.make("projects", body)
    awx.jobs.changed("projects", record, body)
    return record


def inventory(awx: Awx, source: Record, name: str) -> None:
    """An inventory whose source, of the name of the project, has not been read."""
    awx.jobs.settled("projects", source)
    made = awx.records.make("inventories", {"name": name, "organization": 1})
    body = {"name": source["name"], "inventory": made["id"], "source_project": source["id"]}
    awx.records.make("inventory_sources", {**body, "source_path": "inventory.yml"})


def set_up(
    awx: Awx, directory: Path, *arguments: str, token: str = "token-of-root", **variables: Any
) -> subprocess.CompletedProcess[str]:
    """playbooks/awx_setup.yml with the real modules of awx.awx."""
    file = directory / "awx.yml"
    file.touch(mode=0o600)
    # JSON is YAML too.
    file.write_text(json.dumps(variables), encoding="utf-8")
    environment = {
        **os.environ,
        "CONTROLLER_HOST": awx.address,
        "CONTROLLER_OAUTH_TOKEN": token,
        "ANSIBLE_NOCOLOR": "1",
    }
    return subprocess.run(
        ["ansible-playbook", "msp.connectwise.awx_setup", "-e", f"@{file}", *arguments],
        cwd=directory,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=LIMIT,
        check=False,
    )
