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
