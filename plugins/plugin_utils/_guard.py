# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all actions refuse, and what one returns where it hits a defect of its own.

Ansible before 2.19 registers the traceback of an exception as a template, and it may quote whoever wrote a record, a
report or an answer. What an action returns is marked as text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from ansible.constants import INTERNAL_STATIC_VARS
from ansible.errors import AnsibleError
from ansible.utils.vars import load_extra_vars

from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError
from ansible_collections.msp.connectwise.plugins.module_utils._module import defect, shown
from ansible_collections.msp.connectwise.plugins.module_utils._redact import redact

Run = Callable[..., dict[str, Any]]
# What Ansible itself says of a host and a play: extra variables win over it, and a tenant would pass for another one.
_ANSIBLES = frozenset(
    {
        *INTERNAL_STATIC_VARS,
        *("ansible_check_mode", "ansible_delegated_vars", "ansible_play_name", "omit", "vars"),
        *("ansible_parent_role_names", "ansible_parent_role_paths"),
    }
)


def require_true_names(extra: Iterable[str]) -> None:
    """Raise InputError if an extra variable hides one of Ansible's own."""
    if hidden := ", ".join(sorted(_ANSIBLES.intersection(map(str, extra)))):
        raise InputError(
            f"extra variables set {hidden}, which Ansible itself sets; nothing was sent",
            remedy="leave that out of extra variables, and name tenants with --limit or -e cw_hosts=TENANT",
        )


def guarded(run: Run) -> Run:
    """For `run` of every action of this collection."""

    @wraps(run)
    def safe(self: Any, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        try:
            require_true_names(load_extra_vars(self._loader))
            return shown(run(self, tmp, task_vars))
        except AnsibleError as problem:
            if redact(str(problem)) == str(problem):
                raise
            raise AnsibleError(redact(str(problem))) from None
        except InputError as problem:
            return shown({"failed": True, "changed": False, **problem.as_result()})
        except Exception as problem:
            return shown(defect(self._task.action.rpartition(".")[2], problem))

    return safe
