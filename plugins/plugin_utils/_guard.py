# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an action returns where it hits a defect of its own.

Ansible before 2.19 registers the traceback of an exception as a template, and it may quote whoever wrote a record, a
report or an answer. What an action returns is marked as text.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from ansible.errors import AnsibleError

from ansible_collections.msp.connectwise.plugins.module_utils._module import defect, shown
from ansible_collections.msp.connectwise.plugins.module_utils._redact import redact

Run = Callable[..., dict[str, Any]]


def guarded(run: Run) -> Run:
    """For `run` of every action of this collection."""

    @wraps(run)
    def safe(self: Any, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        try:
            return shown(run(self, tmp, task_vars))
        except AnsibleError as problem:
            if redact(str(problem)) == str(problem):
                raise
            raise AnsibleError(redact(str(problem))) from None
        except Exception as problem:
            return shown(defect(self._task.action.rpartition(".")[2], problem))

    return safe
