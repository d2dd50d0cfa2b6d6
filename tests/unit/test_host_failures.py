# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module that a host does not run is one sentence, which says what to do."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleError

from ansible_collections.msp.connectwise.plugins.action.psa import ActionModule
from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError, error_from


def outcome(found: Any, become: bool = True) -> dict[str, Any]:
    """What a module process gives, or raises, on a host named north."""

    def execute(**_given: Any) -> Any:
        if isinstance(found, Exception):
            raise found
        return found

    action: Any = object.__new__(ActionModule)
    action._task = SimpleNamespace(become=become, async_val=0)
    action._connection = SimpleNamespace(become=object() if become else None, transport="ssh", set_option=print)
    action._execute_module = execute
    told: dict[str, Any] = action.run_on_host("module", {}, {"inventory_hostname": "north"})
    return told


@pytest.mark.parametrize(
    ("stderr", "become", "said"),
    [
        (
            "/bin/sh: 1: sudo: not found\n",
            True,
            "tenant north: the host did not run the module: /bin/sh: 1: sudo: not found. What to do: leave become ",
        ),
        (
            "Traceback (most recent call last):\nKeyError: 'x'\n",
            False,
            "tenant north: the host did not run the module: KeyError: 'x'. What to do: see whether ansible north -m ",
        ),
        ("", True, "tenant north: the host did not run the module: it ended with 127 and said nothing. What to do: "),
    ],
)
def test_what_the_shell_says_is_told(stderr: str, become: bool, said: str) -> None:
    failed = {"failed": True, "msg": "MODULE FAILURE", "module_stderr": stderr, "module_stdout": "", "rc": 127}
    told = outcome(failed, become)
    assert told["msg"].startswith(said)
    # The engine raises it as the error of the tenant.
    assert str(error_from(told)).startswith(said)


def test_an_error_of_a_plugin_is_not_ours() -> None:
    with pytest.raises(InputError, match=r"^tenant north: .*plugin raised KeyError 'lost'\. What to do: leave become"):
        outcome(KeyError("lost"))
    with pytest.raises(AnsibleError, match="unreachable"):
        outcome(AnsibleError("unreachable"))


def test_what_a_module_says_itself_stays() -> None:
    failed = {"failed": True, "msg": "tenant north: refused", "error": {"kind": "PsaError"}}
    assert outcome(failed) == failed
