# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Show the summary of a playbook below the last line of its task, so that only Ansible's recap follows.

Ansible loads this file by itself, for it stands beside the playbooks. A task prints before Ansible's own line about it.
"""

from __future__ import annotations

from typing import Any

from ansible.plugins.callback import CallbackBase

from ansible_collections.msp.connectwise.plugins.plugin_utils import _screen


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "cw_summary"
    CALLBACK_NEEDS_ENABLED = False

    def __init__(self) -> None:
        super().__init__()
        _screen.show_summaries_later()

    def v2_runner_on_ok(self, result: Any) -> None:
        del result  # the task has left its lines in a file
        _screen.show_kept_summary()

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        del result, ignore_errors
        _screen.show_kept_summary()
