# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules and lookups of other collections, run on the controller for a key store, and the vault secrets of the
play.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.parsing.vault import match_encrypt_secret
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import connection_loader

from ansible_collections.msp.connectwise.plugins.plugin_utils import _files
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_file import StoreError
from ansible_collections.msp.connectwise.plugins.plugin_utils._resolve import lookup_of
from ansible_collections.msp.connectwise.plugins.plugin_utils._stores import LookupFailed

NO_PASSPHRASE = "run with --vault-password-file or --ask-vault-pass, or set ANSIBLE_VAULT_PASSWORD_FILE"
_loading = threading.Lock()


class Controller:
    """What a described store needs, with the means of a running action. variables: of the host."""

    def __init__(self, action: ActionBase, variables: Mapping[str, Any]) -> None:
        self._action, self._variables = action, variables

    def run_module(self, name: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Run a module here, whatever the host's connection is; its arguments go over standard input, not to a disk."""
        action = self._action
        local: Any = connection_loader.get("ansible.builtin.local", action._play_context, os.devnull)
        with suppress(AnsibleError, KeyError):
            local.set_options(var_options={})
            local.set_option("pipelining", True)
        variables = {
            **self._variables,
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "ansible_pipelining": True,
        }
        task, remote = action._task, action._connection
        before = task.check_mode, task.no_log
        # A record is read in check mode too (nobody writes one then), and no module is to log what it is given.
        action._connection, task.check_mode, task.no_log = local, False, True
        try:
            result: dict[str, Any] = action._execute_module(
                module_name=name, module_args=dict(arguments), task_vars=variables
            )
        except AnsibleError as problem:
            return {"failed": True, "msg": str(problem)}
        finally:
            action._connection, task.check_mode, task.no_log = remote, *before
        return result

    def run_lookup(self, name: str, terms: Sequence[str], options: Mapping[str, Any]) -> Any:
        with _loading:
            lookup = lookup_of(self._action, name)
        if lookup is None:
            raise StoreError(f"the lookup {name} is not installed", "install its collection")
        try:
            found = lookup.run(list(terms), variables=dict(self._variables), **options)
        except AnsibleError as problem:
            raise LookupFailed(str(problem)) from None
        except Exception as problem:  # a library below the lookup says it in its own way
            raise LookupFailed(f"{type(problem).__name__}: {problem}") from None
        return found[0] if found else None


def yaml_of(loader: Any, path: Path) -> Any:
    """Return what a file of YAML holds, as data. The file may be vaulted, or values in it.

    Raises NotAFile, OSError, ValueError or AnsibleError.
    """
    data = _files.read_bytes(path)
    vault = loader._vault
    text = bytes(vault.decrypt(data) if vault.is_encrypted(data) else data).decode()
    return loader.load(text, file_name=str(path), show_content=False)


def encrypted(vault: Any, text: str, vault_id: str) -> bytes:
    """A text for a store's file, with the vault secret of that id, or the first one."""
    if not vault.secrets:
        raise StoreError("there is no vault passphrase to encrypt the keys with, so none is made", NO_PASSPHRASE)
    try:
        label, secret = match_encrypt_secret(vault.secrets, encrypt_vault_id=vault_id or None)
    except AnsibleError:
        raise StoreError(
            f'no vault secret has the id "{vault_id}"', "add it with --vault-id, or correct integration_store_vault_id"
        ) from None
    data: bytes = vault.encrypt(text, secret=secret, vault_id=label)
    return data


def decrypted(vault: Any, data: bytes) -> str:
    """A store's file as text, with the vault secrets of the running play."""
    if not vault.is_encrypted(data):
        raise StoreError("the file is not encrypted by ansible-vault, or damaged", "restore it from a backup")
    if not vault.secrets:
        raise StoreError("there is no vault passphrase to decrypt the keys with", NO_PASSPHRASE)
    try:
        return bytes(vault.decrypt(data)).decode()
    except (AnsibleError, UnicodeDecodeError):
        raise StoreError(
            "the file cannot be decrypted: the passphrase is wrong, or the file is damaged",
            "give the passphrase it was encrypted with, or restore it from a backup",
        ) from None


def require_new_passphrase(vault: Any, vault_id: str) -> None:
    """Raise StoreError if the run names no passphrase to encrypt with, or has no other one to decrypt with."""
    if not vault_id or len({bytes(secret.bytes) for _id, secret in vault.secrets or ()}) < 2:
        raise StoreError(
            "no new passphrase is given, so nothing was encrypted"
            if vault_id
            else "no passphrase is named as the new one, so nothing was encrypted",
            "give the old and the new one, and name the new one: --vault-id old@OLD --vault-id new@NEW "
            "-e integration_store_vault_id=new",
        )
