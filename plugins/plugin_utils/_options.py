# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the connection as a task sees them: its own, then the inventory's, then the environment's."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.common.validation import (
    check_type_bool,
    check_type_dict,
    check_type_float,
    check_type_int,
)
from ansible.plugins.action import ActionBase

from ansible_collections.msp.connectwise.plugins.module_utils._connection import CONNECTION_OPTIONS, register_secrets
from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError, legible
from ansible_collections.msp.connectwise.plugins.plugin_utils._resolve import Resolve, Resolver

# How a value of a type is read, and what to call one that it can be read from.
_KINDS: dict[str, tuple[Callable[[Any], Any] | None, str]] = {
    "bool": (check_type_bool, "true or false"),
    "dict": (check_type_dict, "a mapping"),
    "float": (check_type_float, "a number"),
    "int": (check_type_int, "a whole number"),
}
_UNDEFINED = re.compile(r"'([A-Za-z_]\w*)' is undefined")
_REASON_LIMIT = 300  # characters of what Ansible says


def completed(
    action: ActionBase, options: Iterable[str], variables: Mapping[str, Any], resolve: Resolve | None = None
) -> dict[str, Any]:
    """The task's arguments with each missing option from `cw_<option>`, the play's or the process's CW_<OPTION>.

    Raises InputError, naming the tenant and the variable, for one that cannot be resolved or read.
    """
    args = dict(action._task.args)
    host = str(variables.get("inventory_hostname") or "")
    resolve = resolve or Resolver(action, variables)
    environment: dict[str, Any] = {}
    if action._task.environment:
        action._compute_environment_string(environment)
    for option in options:
        if args.get(option) is not None:
            continue
        args.pop(option, None)
        variable, name = f"cw_{option}", f"CW_{option.upper()}"
        for source, value in (
            (variable, _resolved(resolve, variable, variables.get(variable), host)),
            (name, environment.get(name)),
            (name, os.environ.get(name)),
        ):
            if value is not None and value != "":
                _check(option, source, value, host)
                args[option] = value
                break
    register_secrets(args)
    return args


def _resolved(resolve: Resolve, name: str, raw: Any, host: str) -> Any:
    if raw is None:
        return None
    try:
        value = resolve(name)
        if isinstance(value, bool) and _is_text(name):
            # True or False would be sent as a word.
            raise InputError(
                f"{name} is {value}: YAML reads no, on, off, yes and the like so where nothing quotes them",
                remedy=f"put the value in quotes in {_place(host)}, or where else the inventory sets {name}",
                tenant=host,
            )
        # A vaulted value is decrypted when it is looked at, on some versions not before.
        return str(value) if value is not None and _is_text(name) else value
    except AnsibleError as problem:
        raise _unresolved(name, raw, problem, host) from None


def _place(host: str) -> str:
    return f"host_vars/{host}.yml" if host else "the inventory"


def _is_text(name: str) -> bool:
    return CONNECTION_OPTIONS.get(name.removeprefix("cw_"), {}).get("type") in ("str", "path")


def _unresolved(name: str, raw: Any, problem: AnsibleError, host: str) -> InputError:
    """What Ansible says of a variable, in one line and without the variable's own text, which may be a key."""
    undefined = _UNDEFINED.search(str(problem))
    place = _place(host)
    if undefined:
        reason, remedy = f"{undefined.group(1)} is undefined", f"define it in {place}"
    else:
        said = legible(str(problem))
        reason = (said.replace(raw, name) if isinstance(raw, str) else said)[:_REASON_LIMIT]
        remedy = f"correct it in {place}, or where else the inventory sets {name}"
        if "vault" in reason.lower():
            remedy = "give the passphrase of the vault with --vault-password-file or --ask-vault-pass"
    return InputError(f"{name} cannot be resolved: {reason}", remedy=remedy, tenant=host)


def _check(option: str, source: str, value: Any, host: str) -> None:
    """Raises InputError for a value that the option's type or choices do not take."""
    spec = CONNECTION_OPTIONS.get(option, {})
    read, kind = _KINDS.get(str(spec.get("type")), (None, ""))
    remedy = f"correct it in host_vars/{host}.yml, or where else it is set"
    if read is not None:
        try:
            read(value)
        except (TypeError, ValueError):
            raise InputError(
                f'{source} is "{legible(value)[:60]}", and not {kind}', remedy=remedy, tenant=host
            ) from None
    choices = spec.get("choices")
    if choices and value not in choices:
        raise InputError(
            f'{source} is "{legible(value)[:60]}", and not one of {", ".join(choices)}', remedy=remedy, tenant=host
        )
