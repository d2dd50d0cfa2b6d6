# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lets AWX fetch a project or read an inventory where it has not done so yet, and says what went wrong there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

from ansible_collections.msp.connectwise.plugins.plugin_utils._awx import (
    CONNECTION_SPEC,
    RUNNING,
    Awx,
    AwxError,
    connection,
    end_of,
)

ARGUMENT_SPEC: dict[str, Any] = {
    **CONNECTION_SPEC,
    "project": {"type": "str"},
    "organization": {"type": "str", "required": True},
    "playbooks": {"type": "list", "elements": "str", "default": []},
    "inventory": {"type": "str"},
    "source": {"type": "str"},
    "timeout": {"type": "float", "default": 600.0},
    "interval": {"type": "float", "default": 2.0},
}


class ActionModule(ActionBase):
    """Runs on the controller of Ansible."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars or {})
        validator = ArgumentSpecValidator(
            ARGUMENT_SPEC, required_one_of=[["project", "source"]], required_by={"source": "inventory"}
        )
        validation = validator.validate(dict(self._task.args))
        if validation.error_messages:
            return {**result, "failed": True, "msg": validation.error_messages[0]}
        args = validation.validated_parameters
        try:
            sync = self._project if args["project"] else self._source
            result.update(changed=sync(Awx(connection(args)), args))
        except AwxError as problem:
            result.update(failed=True, msg=str(problem))
        return result

    def _project(self, awx: Awx, args: Mapping[str, Any]) -> bool:
        project = self._one(awx, "projects", args["project"], organization__name=args["organization"])
        if project is None:
            return True
        credential = ((project.get("summary_fields") or {}).get("credential") or {}).get("name")
        about = f"the repository {project['scm_url']}, branch {project['scm_branch'] or '(its default)'}, read " + (
            f"with the credential {credential}" if credential else "without a credential (awx_project_credential)"
        )

        def lacking() -> list[str]:
            there = awx.get(f"projects/{project['id']}/playbooks/")
            return [name for name in args["playbooks"] if name not in there]

        changed = self._settled(awx, project, args, about, lambda: not lacking())
        if lacking() and not (changed and self._task.check_mode):
            raise AwxError(
                f"{about}, lacks {', '.join(lacking())}. AWX makes a job template only if its playbook file exists. "
                "Each is one line, such as `- import_playbook: msp.connectwise.audit`. Add what is missing, push, and "
                "run this playbook again"
            )
        return changed

    def _source(self, awx: Awx, args: Mapping[str, Any]) -> bool:
        inventory = self._one(awx, "inventories", args["inventory"], organization__name=args["organization"])
        source = inventory and self._one(awx, "inventory_sources", args["source"], inventory=inventory["id"])
        if inventory is None or source is None:
            return True
        about = f"the inventory file {source['source_path']} of the project"

        def hosts() -> int:
            return int(awx.get(inventory["url"])["total_hosts"])

        changed = self._settled(awx, source, args, about, lambda: hosts() > 0)
        if hosts() == 0 and not (changed and self._task.check_mode):
            raise AwxError(
                f"{about} has no hosts, so there is no tenant to work on: set awx_inventory_file, or add them"
            )
        return changed

    def _one(self, awx: Awx, kind: str, name: str, **query: Any) -> dict[str, Any] | None:
        """None only in check mode, if a run is still to make it."""
        found = awx.named(kind, name, **query)
        if len(found) == 1:
            return found[0]
        if not found and self._task.check_mode:
            return None
        raise AwxError(f"AWX has {len(found)} {kind.replace('_', ' ')} named {name}, and one is needed; see it in AWX")

    def _settled(
        self, awx: Awx, record: Mapping[str, Any], args: Mapping[str, Any], about: str, good: Callable[[], bool]
    ) -> bool:
        """Wait for the update that runs; make one if the last one failed, or did not bring what is wanted."""
        waiting = {"timeout": args["timeout"], "interval": args["interval"]}
        running = record["status"] in RUNNING
        now = awx.ended(record["url"], **waiting)
        last = ((now.get("summary_fields") or {}).get("last_update") or {}).get("id")
        updates = "project_updates" if args["project"] else "inventory_updates"
        changed = not running and not (now["status"] == "successful" and good())
        if changed and self._task.check_mode:
            return True
        if changed:
            last = awx.post(f"{record['url']}update/")["id"]
            now = awx.ended(f"{updates}/{last}/", **waiting)
        if now["status"] != "successful":
            raise AwxError(_failure(awx, about, updates, last))
        return changed


def _failure(awx: Awx, about: str, updates: str, number: int | None) -> str:
    if number is None:
        return f"AWX could not read {about}, and does not say why"
    explanation = awx.get(f"{updates}/{number}/").get("job_explanation") or ""
    said = " / ".join(part for part in (explanation, end_of(awx.log(f"{updates}/{number}/stdout/"))) if part)
    job = "project" if updates == "project_updates" else "inventory"
    text = f"AWX could not read {about}. It says: {said}. Its whole log: {awx.host}/#/jobs/{job}/{number}/output. "
    if job == "inventory" and "vault" in said.lower():
        return text + (
            "AWX has no vault password when it reads an inventory, so it cannot read one that is vaulted as a whole: "
            "leave the file readable and encrypt the values in it (ansible-vault encrypt_string, !vault)"
        )
    return text + "Mend the address, the branch, the credential or the file, and run this playbook again"
