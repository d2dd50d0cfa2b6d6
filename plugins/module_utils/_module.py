# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The outermost layer: a module as a declaration, and the one place that turns a run into an Ansible result."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import env_fallback, remove_values
from ansible.module_utils.errors import AnsibleFallbackNotFound, UnsupportedError

from ._answers import is_transient
from ._client import Psa
from ._connection import CONNECTION_OPTIONS, PUBLIC_OPTIONS, parse_connection, register_secrets, shown_key
from ._errors import AuthenticationFailed, PsaError, Unsupported, legible
from ._http import Http
from ._manual import Step, where
from ._redact import redact, redact_data

ON_UNSUPPORTED = {"type": "str", "choices": ["fail", "manual"], "default": "fail"}
ON_UNKNOWN = {"type": "str", "choices": ["fail", "warn"], "default": "fail"}
STATE = {"type": "str", "choices": ["present", "absent"], "default": "present"}


@dataclass
class Result:
    """What a run found and did. values: the further fields of the task's result."""

    changed: bool = False
    values: dict[str, Any] = field(default_factory=dict)
    before: Any = None
    after: Any = None
    manual_steps: list[Step] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    failure: PsaError | None = None


def set_env_fallback(*names: str) -> Any:
    """A variable of the environment, unless it is empty: AWX injects every field of a credential, filled in or not."""
    value = env_fallback(*names)
    if value == "":
        raise AnsibleFallbackNotFound
    return value


Run = Callable[[Psa, dict[str, Any], bool], Result]


@dataclass(frozen=True)
class Module:
    """One module: its options beside the connection's, and what it does.

    unconnected: what it finds if the options give no connection, for the one module that looks into that.
    """

    name: str
    options: Mapping[str, Any]
    run: Run
    constraints: Mapping[str, Any] = field(default_factory=dict)
    unconnected: Callable[[PsaError], Result] | None = None

    @property
    def argument_spec(self) -> dict[str, Any]:
        connection = {
            name: {**spec, "fallback": (set_env_fallback, [f"CW_{name.upper()}"])}
            for name, spec in CONNECTION_OPTIONS.items()
        }
        return {**connection, **self.options}


def _plain(value: Any) -> Any:
    """Options as plain data, whatever string types Ansible's templating left in them."""
    return json.loads(json.dumps(value, default=str))


def execute(
    module: Module, options: Mapping[str, Any], *, check_mode: bool, diff_mode: bool, http: Http | None = None
) -> dict[str, Any]:
    """Run with validated options; the result as Ansible takes it, `failed` included.

    http: a session of the caller's, which stays open for the next module.
    """
    params = _plain(dict(options))
    register_secrets(params)
    tenant = ""
    try:
        try:
            connection = parse_connection(params)
        except PsaError as problem:
            if module.unconnected is None:
                raise
            return _finished(module.unconnected(problem), params, diff_mode, tenant)
        with Psa(connection, http) as psa:
            tenant = psa.tenant
            result = module.run(psa, params, check_mode)
        return _finished(result, params, diff_mode, tenant)
    except PsaError as problem:
        problem.tenant = problem.tenant or tenant
        return {"failed": True, "changed": False, **problem.as_result()}
    except Exception as problem:  # a defect of ours must not look like one of the tenant's
        return defect(module.name, problem)


def defect(name: str, problem: Exception) -> dict[str, Any]:
    """The result of a module or action that has raised what it does not know."""
    return {
        "failed": True,
        "changed": False,
        "msg": f"{name} hit a defect of its own: {type(problem).__name__}: {legible(problem)}. "
        "Please report it with the output of -vvv.",
        "exception": traceback.format_exc(),
    }


def unconnected(module: Module, problem: PsaError) -> dict[str, Any]:
    """The result if the options give no connection, found before the module was begun."""
    if module.unconnected is not None:
        return _finished(module.unconnected(problem), {}, False, problem.tenant)
    return {"failed": True, "changed": False, **problem.as_result()}


def _finished(result: Result, params: Mapping[str, Any], diff_mode: bool, tenant: str) -> dict[str, Any]:
    values: dict[str, Any] = {"changed": result.changed, **result.values}
    if "on_unsupported" in params:
        values.update(manual_steps=result.manual_steps, pending=bool(result.manual_steps))
    if result.warnings:
        values["warnings"] = [legible(warning) for warning in dict.fromkeys(result.warnings)]
    if diff_mode and result.before != result.after:
        values["diff"] = {"before": result.before or {}, "after": result.after or {}}
    failure = result.failure
    if result.manual_steps and params.get("on_unsupported") == "fail":
        failure = unsupported(result.manual_steps)
    if failure is None:
        return values
    failure.tenant = failure.tenant or tenant
    return {**values, **failure.as_result(), "failed": True}


def unsupported(steps: list[Step]) -> Unsupported:
    count = len(steps)
    return Unsupported(
        f"the tenant's API cannot make {'this change' if count == 1 else f'{count} of these changes'}: "
        + " ".join(f"[{where(step)}] {step['do']}" for step in steps[:3])
        + (f" (and {count - 3} more, in manual_steps)" if count > 3 else "")
    )


def _shown(params: Mapping[str, Any]) -> dict[str, Any]:
    """The options as a result tells them."""
    hidden = {name: shown_key(params[name]) for name in PUBLIC_OPTIONS if params.get(name)}
    # Of an address somebody may have put a password into.
    hidden.update({name: redact(str(params[name])) for name in ("host",) if params.get(name)})
    return {**params, **hidden}


def _secrets(module: Module, known: set[str], params: Mapping[str, Any], result: Mapping[str, Any]) -> set[str]:
    """What must not stand in a result: a public key may, once the tenant has taken it for one."""
    if (result.get("error") or {}).get("kind") == AuthenticationFailed.__name__:
        return known
    private = {
        params.get(name)
        for name, spec in module.argument_spec.items()
        if spec.get("no_log") and name not in PUBLIC_OPTIONS
    }
    return known - ({params.get(name) for name in PUBLIC_OPTIONS} - private)


def run_in_process(
    module: Module,
    args: Mapping[str, Any],
    *,
    check_mode: bool,
    diff_mode: bool,
    action: str,
    invocation: bool = True,
    http: Http | None = None,
) -> dict[str, Any]:
    """What AnsibleModule does around a run, without its process: validate, execute, scrub.

    invocation: whether the result says with which options; from ansible-core 2.21 on, a setting decides. http: a
    session to work over, which stays open.
    """
    validation = ArgumentSpecValidator(module.argument_spec, **module.constraints).validate(dict(args))
    params, secrets = validation.validated_parameters, set(validation._no_log_values)
    if validation.error_messages:
        msg = str(validation.errors[0].msg)
        if isinstance(validation.errors[0], UnsupportedError):
            msg = f"Unsupported parameters for ({action}) module: {msg}"
        result: dict[str, Any] = {"failed": True, "msg": msg}
    else:
        result = execute(module, params, check_mode=check_mode, diff_mode=diff_mode, http=http)
        secrets = _secrets(module, secrets, params, result)
        params = _shown(params)
    if invocation:
        result["invocation"] = {"module_args": params}
    return shown(remove_values(result, secrets))


# What a result is there to bring, although it is a secret: the key that cw_api_key made without a store, one that a
# play asked to have returned, and the record that cw_key_file read.
_MEANT = (("api_key", "private_key"), ("ansible_facts", "connectwise_returned_keys"))
_RECORD = "record"


def shown(result: dict[str, Any]) -> dict[str, Any]:
    """A result of a module or an action without any known secret but those that are meant to be in it."""
    clean = redact_data(result)
    for outer, inner in _MEANT:
        meant = result.get(outer)
        if isinstance(meant, Mapping) and inner in meant and clean[outer] is not meant:
            clean = {**clean, outer: {**clean[outer], inner: meant[inner]}}
    return {**clean, _RECORD: result[_RECORD]} if isinstance(result.get(_RECORD), Mapping) else clean


# What a module process tells its action, which takes it out again: the seconds that the tenant was at work.
SECONDS = "connectwise_seconds"


def main(module: Module) -> None:
    """Run as a module process, as any Ansible module."""
    ansible = AnsibleModule(argument_spec=module.argument_spec, supports_check_mode=True, **module.constraints)
    http: Http | None = None
    with suppress(PsaError, ValueError):  # execute says what is wrong with the connection
        http = Http(parse_connection(_plain(ansible.params)).policy, is_transient)
    result = execute(module, ansible.params, check_mode=ansible.check_mode, diff_mode=ansible._diff, http=http)
    if http is not None:
        http.close()
        result[SECONDS] = round(http.deadline.spent, 3)
    ansible.no_log_values = _secrets(module, set(ansible.no_log_values), ansible.params, result)
    ansible.params = _shown(ansible.params)
    result = shown(remove_values(result, ansible.no_log_values))
    for warning in result.pop("warnings", []):
        ansible.warn(warning)
    if result.pop("failed", False):
        ansible.fail_json(**result)
    ansible.exit_json(**result)
