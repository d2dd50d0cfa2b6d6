# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records how an integration ended: as a fact, and as a JSON file and a work order on the controller."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

from ansible_collections.msp.connectwise.plugins.module_utils._connection import CONNECTION_OPTIONS, parse_connection
from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError
from ansible_collections.msp.connectwise.plugins.plugin_utils import _report
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_life import age_days
from ansible_collections.msp.connectwise.plugins.plugin_utils._options import completed

FACT = "connectwise_integrations"
ARGUMENT_SPEC: dict[str, Any] = {
    "vendor": {"type": "str", "required": True},
    "profile": {"type": "dict", "required": True},
    "directory": {"type": "path"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "mode": {"type": "str", "choices": ["converge", "audit", "store_key"], "default": "converge"},
    "member": {"type": "str"},
    "continues": {"type": "bool", "default": False},
    "found": {"type": "dict", "default": {}},
    "steps": {"type": "list", "elements": "dict", "default": []},
    "key": {"type": "dict", "default": {}, "no_log": False},
    "place": {"type": "str"},
    "changed": {"type": "bool", "default": False},
    "error": {"type": "str", "default": ""},
    "defer_failure": {"type": "bool", "default": False},
}


class ActionModule(ActionBase):
    """Runs on the controller, whatever the host's connection is."""

    _requires_connection = False

    def run(self, tmp: object = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        variables = task_vars or {}
        result: dict[str, Any] = super().run(tmp, variables)
        connection = self._connection_of(variables)
        own = {name: value for name, value in self._task.args.items() if name in ARGUMENT_SPEC}
        validation = ArgumentSpecValidator(ARGUMENT_SPEC).validate(own)
        if validation.error_messages:
            return {**result, "failed": True, "msg": validation.error_messages[0]}
        args = validation.validated_parameters
        known = self._templar.template(variables.get(FACT)) or {}
        entry = self._entry(args, str(variables["inventory_hostname"]), connection)
        if args["continues"] and args["vendor"] in known:
            entry = _report.merged(known[args["vendor"]], entry)
        if args["directory"] and not self._task.check_mode:
            self._write(Path(args["directory"]), entry)
        result.update(
            changed=False,
            msg=_report.summary(entry),
            integration=entry,
            ansible_facts={FACT: {**known, args["vendor"]: entry}},
        )
        if entry["status"] == "failed" and not args["defer_failure"]:
            result["failed"] = True
        return result

    def _connection_of(self, variables: dict[str, Any]) -> dict[str, Any]:
        options = completed(self, CONNECTION_OPTIONS, variables)
        known = {name: options.get(name) for name in ("company_id", "region", "client_id")}
        try:
            host = parse_connection(options).host
        except InputError:
            return known
        return {**known, "api_host": host, "api_url": f"https://{host}", "site_host": _report.site_host(host)}

    def _entry(self, args: dict[str, Any], tenant: str, connection: dict[str, Any]) -> _report.Entry:
        profile, found, key, steps = args["profile"], args["found"], args["key"], args["steps"]
        now = datetime.now(timezone.utc)
        status = _report.status_of(
            error=args["error"],
            state=args["state"],
            in_sync=found.get("in_sync"),
            steps=steps,
            predicts=bool(self._task.check_mode) or args["mode"] == "audit",
        )
        entry: _report.Entry = {
            "tenant": tenant,
            "vendor": args["vendor"],
            "product": profile.get("product") or args["vendor"],
            "source": profile.get("source"),
            "member": args["member"],
            "status": status,
            "changed": args["changed"],
            "differences": list(found.get("differences") or []) if status != "absent" else [],
            "manual_steps": steps,
            "access": found.get("access"),
            "error": args["error"],
            "key": None,
            "handover": None,
            "time": now.isoformat(timespec="seconds"),
        }
        if status == "failed" and not entry["error"]:
            entry["error"] = "what was done did not make it right: " + "; ".join(entry["differences"])
        if key.get("public_key"):
            age = age_days(key.get("created"), now)
            entry["key"] = {
                "public_key": key["public_key"],
                "created": key.get("created"),
                "age_days": None if age is None else round(age, 1),
                "place": args["place"],
            }
        if status == "ready":
            known = {
                **connection,
                "member": args["member"],
                "public_key": key.get("public_key"),
                "private_key": f"in the key store: {args['place']}",
            }
            entry["handover"] = _report.handover(profile, known)
        return entry

    def _write(self, directory: Path, entry: _report.Entry) -> None:
        folder = directory / "".join(char if char.isalnum() or char in "-_.@" else "_" for char in entry["tenant"]).lstrip(".")
        folder.mkdir(parents=True, exist_ok=True)
        content = json.dumps(entry, indent=1, ensure_ascii=False, default=str)
        for suffix, text in (("json", content), ("md", _report.markdown(entry))):
            path = folder / f"{entry['vendor']}.{suffix}"
            temporary = path.with_suffix(f".{suffix}.part")
            temporary.write_text(text + "\n", encoding="utf-8")
            temporary.replace(path)
