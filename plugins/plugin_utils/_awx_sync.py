# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lets AWX fetch a project or read an inventory where it has not done so yet, and says what went wrong there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.msp.connectwise.plugins.plugin_utils._awx import RUNNING, Awx, AwxError, end_of


@dataclass
class Sync:
    """timeout, interval: seconds that AWX has, and between two looks."""

    awx: Awx
    organization: str
    check_mode: bool = False
    timeout: float = 600.0
    interval: float = 2.0

    def project(self, name: str, playbooks: list[str]) -> bool:
        project = self._one("projects", name, organization__name=self.organization)
        if project is None:
            return True
        credential = ((project.get("summary_fields") or {}).get("credential") or {}).get("name")
        about = f"the repository {project['scm_url']}, branch {project['scm_branch'] or '(its default)'}, read " + (
            f"with the credential {credential}" if credential else "without a credential (awx_project_credential)"
        )

        def lacking() -> list[str]:
            there = self.awx.get(f"projects/{project['id']}/playbooks/")
            return [name for name in playbooks if name not in there]

        changed = self._settled(project, "project_updates", about, lambda: not lacking())
        if lacking() and not (changed and self.check_mode):
            raise AwxError(
                f"{about}, lacks {', '.join(lacking())}. AWX makes a job template only if its playbook file exists. "
                "Each is one line, such as `- import_playbook: msp.connectwise.audit`. Add what is missing, push, and "
                "run this playbook again"
            )
        return changed

    def source(self, inventory_name: str, name: str) -> bool:
        inventory = self._one("inventories", inventory_name, organization__name=self.organization)
        source = inventory and self._one("inventory_sources", name, inventory=inventory["id"])
        if inventory is None or source is None:
            return True
        about = f"the inventory file {source['source_path']} of the project"

        def hosts() -> int:
            return int(self.awx.get(inventory["url"])["total_hosts"])

        changed = self._settled(source, "inventory_updates", about, lambda: hosts() > 0)
        if hosts() == 0 and not (changed and self.check_mode):
            raise AwxError(
                f"{about} has no hosts, so there is no tenant to work on: set awx_inventory_file, or add them"
            )
        return changed

    def _one(self, kind: str, name: str, **query: Any) -> dict[str, Any] | None:
        """None only in check mode, if a run is still to make it."""
        found = self.awx.named(kind, name, **query)
        if len(found) == 1:
            return found[0]
        if not found and self.check_mode:
            return None
        raise AwxError(f"AWX has {len(found)} {kind.replace('_', ' ')} named {name}, and one is needed; see it in AWX")

    def _settled(self, record: Mapping[str, Any], updates: str, about: str, good: Callable[[], bool]) -> bool:
        """Wait for the update that runs; make one if the last one failed, or did not bring what is wanted."""
        waiting = {"timeout": self.timeout, "interval": self.interval}
        now = self.awx.ended(record["url"], **waiting)
        last = ((now.get("summary_fields") or {}).get("last_update") or {}).get("id")
        changed = record["status"] not in RUNNING and not (now["status"] == "successful" and good())
        if changed and self.check_mode:
            return True
        if changed:
            last = self.awx.post(f"{record['url']}update/")["id"]
            now = self.awx.ended(f"{updates}/{last}/", **waiting)
        if now["status"] != "successful":
            raise AwxError(_failure(self.awx, about, updates, last))
        return changed


def _failure(awx: Awx, about: str, updates: str, number: int | None) -> str:
    if number is None:
        return f"AWX could not read {about}, and does not say why"
    explanation = awx.get(f"{updates}/{number}/").get("job_explanation") or ""
    log = awx.log(f"{updates}/{number}/stdout/")
    said = " / ".join(part for part in (explanation, end_of(log)) if part)
    job = "project" if updates == "project_updates" else "inventory"
    text = f"AWX could not read {about}. It says: {said}. Its whole log: {awx.host}/#/jobs/{job}/{number}/output. "
    if job == "inventory" and "no vault secrets" in log:
        return text + (
            "AWX has no vault password when it reads an inventory, so it cannot read one that is vaulted as a whole: "
            "leave the file readable and encrypt the values in it (ansible-vault encrypt_string, !vault)"
        )
    return text + "Mend the address, the branch, the credential or the file, and run this playbook again"
