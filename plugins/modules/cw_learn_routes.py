#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cw_learn_routes
short_description: Learn extension routes from a recording of the web client, and prove them
version_added: 0.1.0
description:
  - ConnectWise publishes no operation that writes permissions, Customize lists or API keys; the product's web client
    does write them. A person does so once while the browser records. What is learned from the recording is used only
    after it was proven on scratch records of that version, read back through the published API.
  - The playbook C(msp.connectwise.learn_routes) runs the three steps. Each goes on from the files of the one before.
extends_documentation_fragment:
  - msp.connectwise.psa
  - msp.connectwise.attributes
  - msp.connectwise.attributes.learn
options:
  step:
    description:
      - V(prepare) makes scratch roles and API members, and writes a page with what a person does while it is recorded.
      - V(learn) reads the recordings, and writes what it understood. Nothing of them but the form of the requests is
        kept.
      - V(prove) uses each route with the API keys on further scratch records, compares all of the tenant before and
        after, writes the file of the version and takes the scratch records away.
      - V(forget) takes the scratch records and the files of a lesson away that nobody wants to finish.
    type: str
    choices: [prepare, learn, prove, forget]
    required: true
  recordings:
    description: HAR files with content, on the controller. For O(step=learn).
    type: list
    elements: path
    default: []
  directory:
    description: Where the routes are kept. C(connectwise_routes) beside the inventory when left out.
    type: path
seealso:
  - module: msp.connectwise.cw_security_role
"""

EXAMPLES = r"""
- name: Scratch records, and a page to follow
  msp.connectwise.cw_learn_routes:
    step: prepare

- name: What does the recording teach?
  msp.connectwise.cw_learn_routes:
    step: learn
    recordings: [session.har]

- name: Prove it, and write connectwise_routes/VERSION.yml
  msp.connectwise.cw_learn_routes:
    step: prove
"""

RETURN = r"""
msg:
  description: What was found, and what to do next.
  returned: always
  type: str
page:
  description: The page to follow beside the browser.
  returned: with O(step=prepare)
  type: str
operations:
  description:
    - For each operation its C(state) and C(why). After O(step=learn), V(learned), V(not understood) or V(not recorded);
      after O(step=prove), also V(proven), V(refused) (the API keys may not; the browser's session is needed) or
      V(not proven).
  returned: with O(step=learn) and O(step=prove)
  type: dict
file:
  description: The file of routes.
  returned: with O(step=prove), if anything was proven
  type: str
notes:
  description: What could not be taken away.
  returned: with O(step=prove) and O(step=forget)
  type: list
  elements: str
"""
