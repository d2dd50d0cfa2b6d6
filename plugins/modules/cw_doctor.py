#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cw_doctor
short_description: Find out why a tenant does not work
version_added: 0.1.0
description:
  - Looks at a tenant from the outside in - options, proxy, name, connection, certificate, service, company, clock, kind
    of host, codebase, client id, keys, member, its level, its rights, the routes beside the published ones, the rate -
    and says of each whether it is well, and if not, what to do.
  - A check that depends on one that failed cannot be made, and is reported as V(unknown).
  - It only reads, makes every call once, and does not fail because of what it finds.
extends_documentation_fragment:
  - msp.connectwise.psa
  - msp.connectwise.attributes
  - msp.connectwise.attributes.read
options:
  permissions:
    description:
      - The levels these keys need, as in M(msp.connectwise.cw_security_role).
      - The role P(msp.connectwise.doctor#role) gives those that this collection itself needs.
    type: dict
    default: {}
  customize:
    description: The Customize lists these keys need, as in M(msp.connectwise.cw_access_check).
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: What is wrong with this tenant?
  msp.connectwise.cw_doctor:
    permissions:
      System:
        Security Roles: {add: All, edit: All, delete: All, inquire: All}
        Member Maintenance: {add: All, edit: All, delete: All, inquire: All}
  register: examined

- name: Show it
  ansible.builtin.debug:
    var: examined.report
"""

RETURN = r"""
healthy:
  description: Whether nothing is wrong. Warnings do not count.
  returned: success
  type: bool
report:
  description: The findings as text, a line each.
  returned: success
  type: list
  elements: str
findings:
  description: The findings as data, in the order in which the checks build on each other.
  returned: success
  type: list
  elements: dict
  contains:
    check: {description: What was looked at., type: str, returned: always, sample: client_id}
    status: {description: "V(ok), V(warning), V(wrong) or V(unknown).", type: str, returned: always}
    found: {description: What was found., type: str, returned: always}
    remedy: {description: What to do; empty if there is nothing to do., type: str, returned: always}
"""

from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._client import Psa
from ansible_collections.msp.connectwise.plugins.module_utils._diagnosis import Diagnosis
from ansible_collections.msp.connectwise.plugins.module_utils._doctor import diagnose, refused_options
from ansible_collections.msp.connectwise.plugins.module_utils._errors import PsaError
from ansible_collections.msp.connectwise.plugins.module_utils._module import Module, Result, main


def told(diagnosis: Diagnosis) -> Result:
    return Result(
        values={
            "healthy": diagnosis.healthy,
            "report": [str(line) for line in diagnosis.lines],
            "findings": [line.as_dict() for line in diagnosis.lines],
        }
    )


def run(psa: Psa, params: dict[str, Any], _check_mode: bool) -> Result:
    return told(diagnose(psa.connection, params["permissions"], params["customize"], params["extension_routes"]))


def unconnected(problem: PsaError) -> Result:
    return told(refused_options(problem))


MODULE = Module(
    name="msp.connectwise.cw_doctor",
    options={"permissions": {"type": "dict", "default": {}}, "customize": {"type": "dict", "default": {}}},
    run=run,
    unconnected=unconnected,
)

if __name__ == "__main__":
    main(MODULE)
