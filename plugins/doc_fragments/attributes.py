# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying the tenant.
  diff_mode:
    description: Returns details on what has changed (or would change in C(check_mode)), when in diff mode.
  idempotent:
    description: Run again with the same options, it changes nothing.
"""

    WRITE = r"""
options: {}
attributes:
  check_mode:
    support: full
    details: A run in check mode sends no write.
  diff_mode:
    support: full
  idempotent:
    support: full
"""

    READ = r"""
options: {}
attributes:
  check_mode:
    support: full
    details: The module only reads.
  diff_mode:
    support: N/A
    details: The module only reads.
  idempotent:
    support: full
"""

    STORE = r"""
options: {}
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: What changes is secret.
  idempotent:
    support: N/A
    details: A write always counts the version of the record up.
  action:
    support: full
    description: Runs on the controller.
"""

    REPORT = r"""
options: {}
attributes:
  check_mode:
    support: full
    details: No file is written in check mode.
  diff_mode:
    support: none
    details: A report is not a change.
  idempotent:
    support: full
    details: Never changed.
  action:
    support: full
    description: Runs on the controller.
"""

    BEGIN = r"""
options: {}
attributes:
  check_mode:
    support: full
    details: No file is written in check mode.
  diff_mode:
    support: none
    details: The file is new.
  idempotent:
    support: none
    details: A file that is there is not written again without being told to.
  action:
    support: full
    description: Runs on the controller.
"""

    FLEET = r"""
options: {}
attributes:
  check_mode:
    support: full
    details: Changes no tenant; files are written only outside check mode.
  diff_mode:
    support: none
    details: A report is not a change.
  idempotent:
    support: full
    details: Never changed.
  action:
    support: full
    description: Runs on the controller.
  bypass_host_loop:
    support: full
    description: Runs once for all hosts of the play.
"""

    FLEET_WORK = r"""
options: {}
attributes:
  check_mode:
    support: full
    details: A run in check mode sends no write.
  diff_mode:
    support: full
  idempotent:
    support: full
    details: Never changed itself; what was changed at a tenant is in the return value C(changes).
  action:
    support: full
    description: Runs on the controller.
  bypass_host_loop:
    support: full
    description: Runs once for all hosts of the play.
"""

    FLEET_CHANGES = r"""
options: {}
attributes:
  check_mode:
    support: full
    details: It changes nothing itself.
  diff_mode:
    support: full
  idempotent:
    support: N/A
    details: It reports what another task changed.
  action:
    support: full
    description: Runs on the controller.
"""

    LOOK = r"""
options: {}
attributes:
  check_mode:
    support: full
    details: It changes nothing at the tenant. Only outside check mode it tries whether the key store can be written.
  diff_mode:
    support: N/A
    details: It changes nothing.
  idempotent:
    support: full
  action:
    support: full
    description: Runs on the controller; what it asks of the tenant runs where any module would.
"""

    UPDATE = r"""
options: {}
attributes:
  check_mode:
    support: full
    details: No update is started in check mode.
  diff_mode:
    support: none
    details: What an update brings is not known before.
  idempotent:
    support: full
  action:
    support: full
    description: Runs on the controller.
"""

    LEARN = r"""
options: {}
attributes:
  check_mode:
    support: none
    details: In check mode nothing is learned or proven, since both need records to try it on.
  diff_mode:
    support: none
    details: What is learned is written to files that can be compared.
  idempotent:
    support: partial
    details: Each step goes on from the files of the one before; a finished one begins anew.
  action:
    support: full
    description: Runs on the controller; what it asks of the tenant runs there as well.
"""
