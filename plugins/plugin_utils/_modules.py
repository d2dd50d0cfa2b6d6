# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one list of the modules that talk to a tenant; the action, meta/runtime.yml and the tests go by it."""

from __future__ import annotations

from ansible_collections.msp.connectwise.plugins.module_utils._module import Module
from ansible_collections.msp.connectwise.plugins.modules import (
    cw_access_check,
    cw_api_key,
    cw_api_key_info,
    cw_api_member,
    cw_api_member_info,
    cw_doctor,
    cw_integration_info,
    cw_security_role,
    cw_security_role_info,
    cw_table_setup,
    cw_tenant_info,
)

MODULES: dict[str, Module] = {
    source.MODULE.name: source.MODULE
    for source in (
        cw_access_check,
        cw_api_key,
        cw_api_key_info,
        cw_api_member,
        cw_api_member_info,
        cw_doctor,
        cw_integration_info,
        cw_security_role,
        cw_security_role_info,
        cw_table_setup,
        cw_tenant_info,
    )
}
