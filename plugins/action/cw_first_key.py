# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps the keys that a person pasted and the tenant takes, encrypted, among its variables beside the inventory."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from ansible import context
from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.parsing.vault import match_encrypt_secret

from ansible_collections.msp.connectwise.plugins.module_utils._connection import parse_connection
from ansible_collections.msp.connectwise.plugins.module_utils._errors import (
    AuthenticationFailed,
    PermissionDenied,
    PsaError,
    RouteNotOffered,
    legible,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils import _commands, _files, _job_folder
from ansible_collections.msp.connectwise.plugins.plugin_utils import _first_key as first_key
from ansible_collections.msp.connectwise.plugins.plugin_utils import _host_vars as host_vars
from ansible_collections.msp.connectwise.plugins.plugin_utils._controller import yaml_of
from ansible_collections.msp.connectwise.plugins.plugin_utils._guard import guarded
from ansible_collections.msp.connectwise.plugins.plugin_utils._host_vars import HostVarsError
from ansible_collections.msp.connectwise.plugins.plugin_utils._resolve import Resolver
from ansible_collections.msp.connectwise.plugins.plugin_utils._tenant_action import InProcess, TenantAction

ARGUMENT_SPEC: dict[str, Any] = {
    "write": {"type": "bool", "default": True},
    "replace": {"type": "bool", "default": False},
    "vault_id": {"type": "str", "default": ""},
    "profile": {"type": "dict"},
}
# Kind of key -> the variable it is kept in, and the one it is pasted into.
VARIABLES = {
    "public": ("cw_public_key", "cw_first_public_key"),
    "private": ("cw_private_key", "cw_first_private_key"),
}


class ActionModule(TenantAction):
    """Runs on the controller, whatever the host's connection is."""

    _requires_connection = False

    @guarded
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        variables = task_vars or {}
        result: dict[str, Any] = super().run(tmp, variables)
        validation = ArgumentSpecValidator(ARGUMENT_SPEC).validate(dict(self._task.args))
        if validation.error_messages:
            return {**result, "failed": True, "msg": validation.error_messages[0]}
        tenant = variables["inventory_hostname"]
        try:
            return {**result, **self._keep(tenant, validation.validated_parameters, variables)}
        except HostVarsError as problem:
            return {**result, "failed": True, "msg": f"tenant {tenant}: {problem}"}
        except PsaError as problem:
            problem.tenant = tenant
            return {**result, "failed": True, "changed": False, **problem.as_result()}

    def _keep(self, tenant: str, args: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        _one_tenant(variables.get("ansible_play_hosts_all") or [tenant])
        self._label(args["vault_id"])
        folder = host_vars.folder_beside(variables.get("inventory_dir"), context.CLIARGS.get("inventory") or ())
        path = host_vars.file_of(folder, tenant)
        if _job_folder.is_lost(str(path.parent)):
            raise HostVarsError(
                f"{path} lies in the private folder of this AWX job, and AWX deletes it with the keys in it",
                "run first_key on a machine of your own, in a clone of the project, and commit the encrypted file",
            )
        self._refuse_others(path)
        host_vars.probe(path)
        said = {"changed": False, "path": str(path), "next": _next(tenant)}
        if args["profile"]:
            said["clicks"] = first_key.clicks(args["profile"])
        if not args["write"]:
            self._require_connection(variables)
            return said
        resolve = Resolver(self, variables)
        given = first_key.pasted({kind: resolve(source) for kind, (_kept, source) in VARIABLES.items()})
        wanted = {VARIABLES[kind][0]: key for kind, key in given.items()}
        had = self._held(path)
        if all(had.get(name) == key for name, key in wanted.items()):
            return said
        if had and not args["replace"]:
            raise HostVarsError(
                f"{path} holds another {' and '.join(sorted(had))} already",
                "add -e cw_first_key_replace=true if the pasted keys shall take the place of those",
            )
        self._try(given, variables)
        if not self._task.check_mode:
            backup = self._backed_up(path) if had else None
            self._write(path, wanted, args["vault_id"])
            if self._held(path) != wanted:
                remedy = "see whether another program changes it" + (f"; as it was before: {backup}" if backup else "")
                raise HostVarsError(f"{path} was written, and reads otherwise", remedy)
            if backup:
                said["backup"] = str(backup)
        return {**said, "changed": True}

    def _require_connection(self, variables: dict[str, Any]) -> None:
        """Raise PsaError if the tenant could not be asked whatever the keys are, before a person makes them."""
        others = {name: value for name, value in variables.items() if name not in dict(VARIABLES.values())}
        options = self.bound_options(others)
        parse_connection({**options, "public_key": "later", "private_key": "later too"})

    def _try(self, given: dict[str, str], variables: dict[str, Any]) -> None:
        """Raises HostVarsError if the tenant does not take the pasted keys."""
        refusal = self._refusal(given["public"], given["private"], variables)
        if refusal is None:
            return
        if isinstance(refusal, (AuthenticationFailed, RouteNotOffered)) and not self._refusal(
            given["private"], given["public"], variables
        ):
            raise HostVarsError("the two halves are swapped, so nothing was written", "run again and exchange them")
        problem = f"the pasted keys were tried, and nothing was written: {legible(refusal.problem)}"
        raise HostVarsError(problem, refusal.remedy)

    def _refusal(self, public: str, private: str, variables: dict[str, Any]) -> PsaError | None:
        """Return what the tenant has against a pair of keys; a right that is missing is nothing."""
        # Those of the host are what is to be replaced, and may not even be readable.
        others = {name: value for name, value in variables.items() if name not in dict(VARIABLES.values())}
        run = self.site(others, public_key=public, private_key=private).run
        try:
            run("cw_tenant_info", {"gather": ["system"]})
        except PermissionDenied:
            return None
        except PsaError as problem:
            return problem
        finally:
            if isinstance(run, InProcess):
                run.close()
        return None

    @staticmethod
    def _backed_up(path: Path) -> Path:
        """Copy the file to a name that Ansible does not read."""
        backup = path.with_name(f"{path.name}.{time.strftime('%Y%m%dT%H%M%S')}~")
        host_vars.write(backup, _files.read_bytes(path))
        return backup

    def _refuse_others(self, path: Path) -> None:
        """A file that Ansible reads after ours would win over it."""
        for other in host_vars.others(path):
            if names := sorted(self._held(other)):
                raise HostVarsError(
                    f"{other} holds {' and '.join(names)} already", "take these variables out of it, then run again"
                )

    def _held(self, path: Path) -> dict[str, str]:
        """Those of our variables that a file has, as Ansible reads it."""
        try:
            content = yaml_of(self._loader, path) or {}
            names = [name for name, _source in VARIABLES.values()]
            return {name: str(content[name]) for name in names if name in content}
        except FileNotFoundError:
            return {}
        except (AnsibleError, OSError, ValueError) as problem:
            reason = str(problem).splitlines()[0].rstrip(". ")
            raise HostVarsError(f"{path} cannot be read: {reason}", "correct it, or give its passphrase too") from None

    def _write(self, path: Path, wanted: dict[str, str], vault_id: str) -> None:
        vault = self._loader._vault
        data = _files.read_bytes(path) if path.exists() else b"---\n"
        whole = vault.is_encrypted(data)
        text = (vault.decrypt(data) if whole else data).decode()
        rendered = {
            name: host_vars.as_text(key) if whole else host_vars.as_vaulted(self._encrypt(key, vault_id))
            for name, key in wanted.items()
        }
        try:
            new = host_vars.edited(text, rendered)
        except HostVarsError as problem:
            raise HostVarsError(f"{path}: {problem.problem}", problem.remedy) from None
        host_vars.write(path, self._encrypt(new, _label_of(data) or vault_id) if whole else new.encode())

    def _encrypt(self, text: str, vault_id: str) -> bytes:
        label, secret = self._label(vault_id)
        encrypted: bytes = self._loader._vault.encrypt(text, secret=secret, vault_id=label)
        return encrypted

    def _label(self, vault_id: str) -> tuple[str, Any]:
        """Which vault secret encrypts, with its id."""
        secrets = self._loader._vault.secrets
        if not secrets:
            raise HostVarsError(
                "there is no vault passphrase to encrypt the keys with, so none is taken",
                "run with --vault-password-file or --ask-vault-pass, or set ANSIBLE_VAULT_PASSWORD_FILE",
            )
        try:
            label, secret = match_encrypt_secret(secrets, encrypt_vault_id=vault_id or None)
        except AnsibleError:
            raise HostVarsError(
                f'no vault secret has the id "{vault_id}"',
                "add it with --vault-id, or correct integration_store_vault_id",
            ) from None
        return label, secret


def _next(tenant: str) -> str:
    # A file of extra variables may hold the keys of this run.
    run = _commands.typed().without_files()
    return _commands.playbook("onboard", run, [tenant], ["--check", "--diff"])


def _one_tenant(tenants: list[str]) -> None:
    if len(tenants) > 1:
        shown = ", ".join(tenants[:5]) + (", …" if len(tenants) > 5 else "")
        raise HostVarsError(
            f"the keys of one tenant are pasted at a time, and this run has {len(tenants)}: {shown}",
            f"add --limit {tenants[0]}",
        )


def _label_of(data: bytes) -> str:
    """The vault id in the first line of an encrypted file; files of older versions have none."""
    parts = data.splitlines()[0].decode().split(";")
    return parts[3] if len(parts) > 3 else ""
