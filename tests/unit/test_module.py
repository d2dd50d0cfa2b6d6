# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outermost layer: the same result in this process and as a module of its own, and nothing secret in it."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from ansible.module_utils import basic
from ansible.module_utils.common.parameters import PASS_VARS

from ansible_collections.msp.connectwise.plugins.module_utils import _module as outermost
from ansible_collections.msp.connectwise.plugins.module_utils._connection import CONNECTION_OPTIONS, PUBLIC_OPTIONS
from ansible_collections.msp.connectwise.plugins.module_utils._errors import Conflict, InputError
from ansible_collections.msp.connectwise.plugins.module_utils._manual import role_activate
from ansible_collections.msp.connectwise.plugins.module_utils._module import Module, Result

PACKAGE = "ansible_collections.msp.connectwise.plugins"
NAME = "msp.connectwise.cw_example"
OPTIONS = {
    "name": {"type": "str", "required": True},
    "count": {"type": "int", "default": 1},
    "kind": {"type": "str", "choices": ["a", "b"]},
    "reader_public": {"type": "str"},
    "reader_private": {"type": "str", "no_log": True},
    "on_unsupported": outermost.ON_UNSUPPORTED,
}
CONSTRAINTS = {"required_together": [("reader_public", "reader_private")]}


def module(run=None, **changes):
    def nothing(_psa, _params, _check_mode):
        return Result()

    return Module(name=NAME, options={**OPTIONS, **changes}, run=run or nothing, constraints=CONSTRAINTS)


def returning(result):
    return module(lambda _psa, _params, _check_mode: result)


def raising(problem):
    def run(_psa, _params, _check_mode):
        raise problem

    return module(run)


def in_process(one, args, check=False, diff=False):
    return outermost.run_in_process(one, args, check_mode=check, diff_mode=diff, action=NAME)


@pytest.fixture
def as_module(monkeypatch, capfd):
    """Runs a module as its own process would, up to the JSON it prints."""

    warnings = []
    # Where this process also holds the controller, ansible-core would print them instead.
    monkeypatch.setattr(basic.AnsibleModule, "warn", lambda _module, text, **_options: warnings.append(text))

    def run(one, args, check=False, diff=False):
        warnings.clear()
        internal = {"_ansible_check_mode": check, "_ansible_diff": diff, "_ansible_module_name": NAME}
        if "inject_invocation" in PASS_VARS:
            internal["_ansible_inject_invocation"] = True
        payload = json.dumps({"ANSIBLE_MODULE_ARGS": {**args, **internal}})
        monkeypatch.setattr(basic, "_ANSIBLE_ARGS", payload.encode())
        monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
        with pytest.raises(SystemExit) as ended:
            outermost.main(one)
        result = json.loads(capfd.readouterr().out)
        assert bool(ended.value.code) is result.get("failed", False)
        return {**result, "warnings": list(warnings)}

    return run


def plain(result):
    """A result without what only one of the two ways knows of."""
    result = json.loads(json.dumps(result))
    result.pop("exception", None)
    result.pop(outermost.SECONDS, None)
    return {"failed": False, "changed": False, "warnings": [], **result}


STEPS = [role_activate("one"), role_activate("two"), role_activate("three"), role_activate("four")]
DEFECT = ZeroDivisionError("division by zero")
CASES = {
    "nothing": (module(), {}),
    "changed": (returning(Result(True, {"role": {"id": 1}}, {"a": 1}, {"a": 2})), {}),
    "unchanged": (returning(Result(False, {"role": {"id": 1}}, {"a": 1}, {"a": 1})), {}),
    "created": (returning(Result(True, {}, None, {"a": 2})), {}),
    "warnings": (returning(Result(warnings=["one", "two", "one"])), {}),
    "pending": (returning(Result(values={"x": 1}, manual_steps=STEPS)), {"on_unsupported": "manual"}),
    "unsupported": (returning(Result(True, {"x": 1}, manual_steps=STEPS)), {}),
    "failure": (returning(Result(True, {"x": 1}, failure=Conflict("in use"))), {}),
    "error": (raising(Conflict("in use", said="no", status=409, tenant="t", operation="DELETE /x", more=[1])), {}),
    "error of input": (raising(InputError("bad")), {}),
    "secrets": (
        returning(Result(values={"said": "privateprivate, and readerreader", "list": [{"k": "privateprivate"}]})),
        {"reader_public": "readerpublic", "reader_private": "readerreader"},
    ),
    "secret in an error": (raising(Conflict("the key is privateprivate", said="privateprivate")), {}),
    "unknown option": (module(), {"nmae": "x", "private_key": "privateprivate"}),
    "missing option": (module(), {"name": None}),
    "wrong choice": (module(), {"kind": "c"}),
    "wrong type": (module(), {"count": "many"}),
    "not together": (module(), {"reader_private": "readerreader"}),
    "no connection": (module(), {"company_id": None, "client_id": ""}),
    "wrong host": (module(), {"host": "na.myconnectwise.net"}),
    "missing library": (raising(InputError("x", remedy="")), {}),
}


@pytest.mark.parametrize("diff", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_both_ways_give_the_same(case, diff, options, as_module):
    one, changes = CASES[case]
    args = {name: value for name, value in {**options, "name": "x", **changes}.items() if value is not None}
    here, there = in_process(one, args, diff=diff), as_module(one, args, diff=diff)
    assert plain(here) == plain(there)
    assert "privateprivate" not in json.dumps(here)
    assert "readerreader" not in json.dumps(here)
    assert ("diff" in here) == (diff and case in ("changed", "created"))


@pytest.mark.parametrize("check", [False, True])
def test_check_mode_reaches_the_run(check, options, as_module):
    seen = []

    def run(_psa, params, check_mode):
        seen.append((params["name"], params["count"], check_mode))
        return Result()

    in_process(module(run), {**options, "name": "x"}, check=check)
    as_module(module(run), {**options, "name": "x"}, check=check)
    assert seen == [("x", 1, check)] * 2


def test_a_result(options):
    result = in_process(CASES["changed"][0], {**options, "name": "x"}, diff=True)
    assert result["changed"] is True
    assert result["role"] == {"id": 1}
    assert result["diff"] == {"before": {"a": 1}, "after": {"a": 2}}
    assert (result["manual_steps"], result["pending"]) == ([], False)
    assert result["invocation"]["module_args"]["name"] == "x"


def test_the_options_can_be_left_out_of_a_result(options):
    result = outermost.run_in_process(
        module(), {**options, "name": "x"}, check_mode=False, diff_mode=False, action=NAME, invocation=False
    )
    assert "invocation" not in result


def test_modules_without_a_ladder_say_nothing_of_steps(options):
    one = Module(name=NAME, options={}, run=lambda _psa, _params, _check_mode: Result())
    assert set(in_process(one, options)) == {"changed", "invocation"}


def test_pending(options):
    result = in_process(CASES["pending"][0], {**options, "name": "x", "on_unsupported": "manual"})
    assert (result["changed"], result["pending"], result["x"]) == (False, True, 1)
    assert "failed" not in result
    assert [step["role"] for step in result["manual_steps"]] == ["one", "two", "three", "four"]


def test_unsupported_says_what_to_click_and_keeps_the_rest(options):
    result = in_process(CASES["unsupported"][0], {**options, "name": "x"})
    assert (result["failed"], result["changed"], result["x"], result["pending"]) == (True, True, 1, True)
    assert result["msg"].startswith(
        "tenant north at psa.example.com: the tenant's API cannot make 4 of these changes: "
        "[System > Security Roles > one] Clear the Inactive box"
    )
    assert "(and 1 more, in manual_steps)" in result["msg"]
    assert "on_unsupported: manual" in result["msg"]
    assert result["error"]["kind"] == "Unsupported"
    assert len(result["manual_steps"]) == 4


def test_an_error(options):
    result = in_process(CASES["error"][0], {**options, "name": "x"})
    assert result["msg"] == (
        'tenant t: DELETE /x: in use. The server said: "no". '
        "What to do: take it out of use in ConnectWise PSA, then run again."
    )
    assert result["error"] == {
        "kind": "Conflict",
        "problem": "in use",
        "tenant": "t",
        "operation": "DELETE /x",
        "server_said": "no",
        "remedy": "take it out of use in ConnectWise PSA, then run again",
        "status": 409,
    }
    assert (result["failed"], result["changed"], result["more"]) == (True, False, [1])


def test_an_error_of_a_planner_gets_the_tenant(options):
    result = in_process(CASES["error of input"][0], {**options, "name": "x"})
    assert result["msg"] == "tenant north at psa.example.com: bad."


def test_a_defect_is_not_blamed_on_the_tenant(options, as_module):
    one, args = raising(DEFECT), {**options, "name": "x"}
    here, there = in_process(one, args), as_module(one, args)
    for result in (here, there):
        assert result["failed"] is True
        assert result["msg"] == (
            f"{NAME} hit a defect of its own: ZeroDivisionError: division by zero. "
            "Please report it with the output of -vvv."
        )
    assert "ZeroDivisionError" in here["exception"]


def test_a_secret_in_a_defect_is_scrubbed(options):
    result = in_process(raising(KeyError("privateprivate")), {**options, "name": "x"})
    assert "privateprivate" not in json.dumps(result)


def test_an_option_that_is_not_supported_is_named(options):
    result = in_process(module(), {**options, "name": "x", "nmae": "y"})
    assert result["msg"].startswith(f"Unsupported parameters for ({NAME}) module: nmae. Supported parameters include: ")


def test_options_come_from_the_environment_last(options, monkeypatch):
    seen = []

    def run(psa, _params, _check_mode):
        seen.append((psa.connection.company_id, psa.connection.policy.retries))
        return Result()

    monkeypatch.setenv("CW_COMPANY_ID", "elsewhere")
    monkeypatch.setenv("CW_RETRIES", "7")
    in_process(module(run), {**options, "name": "x"})
    del options["company_id"]
    in_process(module(run), {**options, "name": "x"})
    assert seen == [("north", 7), ("elsewhere", 7)]


def test_an_empty_variable_of_the_environment_is_none(options, monkeypatch):
    """AWX injects a credential's fields also where they were left empty; an empty region is not one of the choices."""
    monkeypatch.setenv("CW_REGION", "")
    monkeypatch.setenv("CW_RETRIES", "")
    assert "failed" not in in_process(module(), {**options, "name": "x"})


# The modules of the collection

MODULES = sorted(
    path.stem
    for path in (Path(__file__).resolve().parents[2] / "plugins" / "modules").glob("cw_*.py")
    if hasattr(import_module(f"{PACKAGE}.modules.{path.stem}"), "MODULE")
)


def documented(name):
    source = import_module(f"{PACKAGE}.modules.{name}")
    documentation = yaml.safe_load(source.DOCUMENTATION)
    options = dict(documentation["options"])
    for fragment in documentation["extends_documentation_fragment"]:
        _namespace, _collection, file, *part = fragment.split(".")
        holder = import_module(f"{PACKAGE}.doc_fragments.{file}").ModuleDocFragment
        options.update(
            yaml.safe_load(getattr(holder, part[0].upper() if part else "DOCUMENTATION")).get("options") or {}
        )
    return source.MODULE, options


@pytest.mark.parametrize("name", MODULES)
def test_modules_are_documented_as_they_are(name):
    one, options = documented(name)
    assert one.name == f"msp.connectwise.{name}"
    assert set(options) == set(one.argument_spec)
    for option, spec in one.argument_spec.items():
        for field in ("type", "default", "choices", "required", "elements"):
            assert options[option].get(field) == spec.get(field), f"{option}.{field}"


@pytest.mark.parametrize("name", MODULES)
def test_every_secret_option_is_marked(name):
    one, _options = documented(name)
    marked = {option for option, spec in one.argument_spec.items() if spec.get("no_log")}
    halves = {option for option in one.argument_spec if "private" in option} | set(PUBLIC_OPTIONS)
    assert halves & set(one.argument_spec) == marked


def test_every_connection_option_is_on_every_module():
    for name in MODULES:
        assert set(CONNECTION_OPTIONS) <= set(documented(name)[0].argument_spec)
