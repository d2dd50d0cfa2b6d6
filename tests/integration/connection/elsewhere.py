# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection that is not local, to a host without a network: each command is a process here, and is noted."""

from __future__ import annotations

import os
from pathlib import Path

from ansible.errors import AnsibleError
from ansible.plugins.connection.local import Connection as Local

DOCUMENTATION = """
name: elsewhere
short_description: Run commands as if elsewhere
description: Runs each command here, and notes it in the file named by the environment variable ELSEWHERE_FILE.
author: The msp.connectwise contributors (@msp-connectwise)
extends_documentation_fragment:
  - connection_pipelining
"""


class Connection(Local):
    transport = "elsewhere"

    def exec_command(self, cmd, in_data=None, sudoable=True):
        with Path(os.environ["ELSEWHERE_FILE"]).open("a", encoding="utf-8") as stream:
            stream.write(f"{len(in_data or b'')} {cmd}\n")
        return super().exec_command(cmd, in_data=in_data, sudoable=sudoable)

    def put_file(self, in_path, out_path):
        # A module's options hold keys: they go over standard input, and lie in no file there.
        raise AnsibleError(f"{in_path} was to be written to the host as {out_path}")
