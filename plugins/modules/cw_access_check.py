#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cw_access_check
short_description: Check what a pair of API keys can really do against a profile
version_added: 0.1.0
description:
  - Reads, with the keys it is given, their own effective permission matrix (C(GET /system/mySecurity)) and Customize
    lists (C(GET /system/mySecurity/customizeItems/)), both published, and compares them with what an integration needs.
  - A right is missing if the keys have less than the profile asks, and in excess if they have more.
extends_documentation_fragment:
  - msp.connectwise.psa
  - msp.connectwise.psa.unknown
  - msp.connectwise.attributes
  - msp.connectwise.attributes.read
options:
  permissions:
    description: The wanted levels, as in M(msp.connectwise.cw_security_role).
    type: dict
    default: {}
  customize:
    description:
      - The wanted Customize lists by function, each with C(allow), C(disallow), C(state), C(module) and
        C(on_unknown) as in M(msp.connectwise.cw_table_setup).
      - Where C(allow) is V(all), the items the tenant has are read with the keys under test, which need the right for
        it.
    type: dict
    default: {}
  exclusive:
    description:
      - Whether functions that the profile does not name count as V(None), so that a right there is one in excess.
    type: bool
    default: true
  probe:
    description:
      - Whether to call one cheap published read (such as C(GET /service/tickets/count)) for every function the profile
        may inquire, as the vendor's software would.
    type: bool
    default: false
  endpoints:
    description: Lists of the API whose count is read too with O(probe), such as C(/service/tickets).
    type: list
    elements: str
    default: []
  store:
    description:
      - The key store that holds the key to check, instead of the connection's own - its name, or a dictionary with
        C(name), C(record) (name of the record, such as V(umbrella)) and the settings of the store; settings that are
        left out come from the C(integration_*) variables. No variable of the play ever holds the key.
    type: raw
  settle:
    description:
      - Whether to look again for up to three seconds if a right is missing or in excess. A tenant may show the old
        rights for a moment after a role, a list or a member was changed.
    type: bool
    default: false
  fail_on:
    description:
      - When the task fails. V(missing) on missing rights only, V(excess) on missing and on excess rights, V(none)
        never.
    type: str
    choices: [missing, excess, none]
    default: missing
"""

EXAMPLES = r"""
- name: Can the key do what the vendor's page asks, and nothing more?
  msp.connectwise.cw_access_check:
    public_key: "{{ vendor_public_key }}"
    private_key: "{{ vendor_private_key }}"
    permissions:
      Service Desk:
        Service Tickets: {add: All, edit: All, inquire: All}
      System:
        Table Setup: {inquire: All}
    customize:
      Table Setup:
        allow: [Service / Service Board]
    fail_on: excess
"""

RETURN = r"""
access:
  description: What the keys can do, against the profile.
  returned: success
  type: dict
  contains:
    verdict:
      description: V(ok), V(missing), V(excess), or V(unverified) if nothing differs and the tenant does not show all.
      type: str
      returned: always
    member: {description: Identifier of the member the keys belong to., type: str, returned: always}
    missing:
      description: Rights the keys lack, each with C(module), C(function), C(level), C(wanted), C(actual).
      type: list
      elements: dict
      returned: always
    excess:
      description: Rights the keys have beyond the profile, in the same form.
      type: list
      elements: dict
      returned: always
    missing_items:
      description: Items a Customize list should allow and does not, each with C(function) and C(item).
      type: list
      elements: dict
      returned: always
    excess_items:
      description: Items a Customize list allows and should not.
      type: list
      elements: dict
      returned: always
    probes:
      description: The reads that were tried, each with C(module), C(function), C(path), C(ok), C(error).
      type: list
      elements: dict
      returned: always
    unverified:
      description: What the tenant refuses to show or does not offer, and why, a line each.
      type: list
      elements: str
      returned: always
"""

from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._access import Access, Own, compare, probe, read_access
from ansible_collections.msp.connectwise.plugins.module_utils._client import Psa
from ansible_collections.msp.connectwise.plugins.module_utils._errors import PsaError
from ansible_collections.msp.connectwise.plugins.module_utils._module import ON_UNKNOWN, Module, Result, main
from ansible_collections.msp.connectwise.plugins.module_utils._resource import Names, settled


class AccessDiffers(PsaError):
    """The keys cannot do what the profile asks, or can do more."""

    remedy = "run the onboarding of this integration again, or correct the security role in System > Security Roles"


def run(psa: Psa, params: dict[str, Any], _check_mode: bool) -> Result:
    lenient = params["on_unknown"] == "warn"
    names = Names(psa)

    def look() -> tuple[Own, Access]:
        own = read_access(psa)
        wanted, exclusive = (params["permissions"], params["customize"]), params["exclusive"]
        return own, compare(own, *wanted, names, exclusive=exclusive, lenient=lenient)

    own, access = settled(look, lambda found: not found[1].differs) if params["settle"] else look()
    if params["probe"]:
        access.probes = probe(psa, own, params["permissions"], lenient, params["endpoints"])
    result = Result(values={"access": access.as_dict()}, warnings=access.warnings)
    failing = {"missing": ("missing",), "excess": ("missing", "excess"), "none": ()}[params["fail_on"]]
    if access.verdict in failing:
        result.failure = AccessDiffers(
            f"the keys of {access.member} differ from the profile: {access.summary()}", tenant=psa.tenant
        )
    return result


MODULE = Module(
    name="msp.connectwise.cw_access_check",
    options={
        "permissions": {"type": "dict", "default": {}},
        "customize": {"type": "dict", "default": {}},
        "exclusive": {"type": "bool", "default": True},
        "probe": {"type": "bool", "default": False},
        "endpoints": {"type": "list", "elements": "str", "default": []},
        "store": {"type": "raw"},
        "settle": {"type": "bool", "default": False},
        "fail_on": {"type": "str", "choices": ["missing", "excess", "none"], "default": "missing"},
        "on_unknown": ON_UNKNOWN,
    },
    run=run,
)

if __name__ == "__main__":
    main(MODULE)
