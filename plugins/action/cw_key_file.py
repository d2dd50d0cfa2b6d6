# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads and writes the default key store with the vault secrets of the running play."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.parsing.vault import match_encrypt_secret
from ansible.plugins.action import ActionBase

from ansible_collections.msp.connectwise.plugins.plugin_utils._key_file import KeyFile, StoreError

ARGUMENT_SPEC: dict[str, Any] = {
    "operation": {"type": "str", "choices": ["read", "write", "delete", "rekey"], "required": True},
    "directory": {"type": "path", "required": True},
    "tenant": {"type": "str", "required": True},
    "name": {"type": "str"},
    "record": {"type": "dict", "no_log": False},
    "if_version": {"type": "int"},
    "vault_id": {"type": "str", "default": ""},
    "allow_readable": {"type": "bool", "default": False},
}
CONSTRAINTS: dict[str, Any] = {
    "required_if": [
        ("operation", "read", ("name",)),
        ("operation", "write", ("name", "record")),
        ("operation", "delete", ("name",)),
    ]
}


class ActionModule(ActionBase):
    """Runs on the controller, whatever the host's connection is."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars or {})
        validation = ArgumentSpecValidator(ARGUMENT_SPEC, **CONSTRAINTS).validate(dict(self._task.args))
        if validation.error_messages:
            return {**result, "failed": True, "msg": validation.error_messages[0]}
        try:
            return {**result, **self._operate(validation.validated_parameters)}
        except StoreError as problem:
            return {**result, "failed": True, "msg": str(problem)}

    def _operate(self, args: dict[str, Any]) -> dict[str, Any]:
        vault_id = args["vault_id"] or None
        store = KeyFile(
            args["directory"],
            args["tenant"],
            lambda text: self._encrypt(text, vault_id),
            lambda data: decrypted(self._loader._vault, data),
            allow_readable=args["allow_readable"],
        )
        place = {"changed": False, "place": f"{store.path}#{args['name']}" if args["name"] else str(store.path)}
        operation, name = args["operation"], args["name"]
        if operation == "read":
            return {**place, "record": store.read(name), "guarded": True}
        if self._task.check_mode:
            return {**place, "changed": operation != "delete" or bool(store.read(name))}
        if operation == "write":
            return {**place, "changed": True, "version": store.write(name, _plain(args["record"]), args["if_version"])}
        changed = store.delete(name) if operation == "delete" else store.rekey()
        return {**place, "changed": changed}

    def _encrypt(self, text: str, vault_id: str | None) -> bytes:
        vault = self._loader._vault
        if not vault.secrets:
            raise StoreError(
                "there is no vault passphrase to encrypt the keys with, so none is made",
                "run with --vault-password-file or --ask-vault-pass, or set ANSIBLE_VAULT_PASSWORD_FILE",
            )
        try:
            label, secret = match_encrypt_secret(vault.secrets, encrypt_vault_id=vault_id)
        except AnsibleError:
            raise StoreError(
                f'no vault secret has the id "{vault_id}"',
                "add it with --vault-id, or correct integration_store_vault_id",
            ) from None
        encrypted: bytes = vault.encrypt(text, secret=secret, vault_id=label)
        return encrypted


def decrypted(vault: Any, data: bytes) -> str:
    """A store's file as text, with the vault secrets of the running play."""
    if not vault.is_encrypted(data):
        raise StoreError("the file is not encrypted by ansible-vault, or damaged", "restore it from a backup")
    if not vault.secrets:
        raise StoreError(
            "there is no vault passphrase to decrypt the keys with",
            "run with --vault-password-file or --ask-vault-pass, or set ANSIBLE_VAULT_PASSWORD_FILE",
        )
    try:
        return bytes(vault.decrypt(data)).decode()
    except (AnsibleError, UnicodeDecodeError):
        raise StoreError(
            "the file cannot be decrypted: the passphrase is wrong, or the file is damaged",
            "give the passphrase it was encrypted with, or restore it from a backup",
        ) from None


def _plain(value: Any) -> Any:
    """Templating may hand over strings and containers of its own types; the file holds plain data."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, str) else value
