#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cw_awx_check
short_description: Find out what keeps AWX from being set up
version_added: 0.1.0
description:
  - Asks AWX whether it is there, takes the token, and has the organization, the credentials and the rights that
    C(msp.connectwise.awx_setup) needs. It only reads, and names every problem with what to do.
  - In check mode it says what would be made.
extends_documentation_fragment:
  - msp.connectwise.attributes
  - msp.connectwise.attributes.read
  - msp.connectwise.awx
options:
  prefix:
    description: What the names of everything that is made begin with.
    type: str
    required: true
  project_url:
    description: Address of the repository with the inventory and the playbooks.
    type: str
  project_branch:
    description: Its branch.
    type: str
  project_credential:
    description: Name of the credential that reads it; a private repository needs one.
    type: str
  inventory:
    description: Name of the inventory.
    type: str
    required: true
  inventory_file:
    description: Path of the inventory file in the repository.
    type: str
  execution_environment:
    description: Name of the execution environment.
    type: str
    required: true
  execution_environment_image:
    description: Its image.
    type: str
    default: ""
  execution_environment_credential:
    description: Name of the credential that pulls the image.
    type: str
  credentials:
    description: Names of the credentials that the jobs use.
    type: list
    elements: str
    default: []
  new_credentials:
    description: Credentials that the set-up makes, each with C(name), C(type) and C(inputs).
    type: list
    elements: dict
    default: []
  credential_type:
    description: Name of the type of credential that the set-up makes.
    type: str
    required: true
  fields:
    description: Fields of that type.
    type: list
    elements: str
    default: []
  required_fields:
    description: Those of its fields that a credential needs.
    type: list
    elements: str
    default: []
  templates:
    description: The job templates, without the prefix.
    type: list
    elements: str
    default: []
  ask_variables:
    description: Whether everybody who may launch the job templates may set any variable there; the task then warns.
    type: bool
    default: false
author:
  - The msp.connectwise contributors (@msp-connectwise)
"""

EXAMPLES = r"""
- name: See whether AWX can be set up
  msp.connectwise.cw_awx_check:
    organization: Default
    prefix: ConnectWise
    project_url: https://git.example.org/tenants.git
    project_branch: main
    inventory: ConnectWise tenants
    inventory_file: inventory.yml
    execution_environment: ConnectWise execution environment
    execution_environment_image: registry.example.org/msp-connectwise-ee:latest
    credential_type: ConnectWise PSA
    credentials: [key store]
"""

RETURN = r"""
problems:
  description: What keeps AWX from being set up, a sentence each.
  returned: failure
  type: list
  elements: str
notes:
  description: What else a person should know.
  returned: success
  type: list
  elements: str
missing:
  description: What AWX does not have yet.
  returned: success
  type: list
  elements: str
job_credentials:
  description: Names of the credentials that the jobs get; new ones of other kinds are for the project or the image.
  returned: success
  type: list
  elements: str
superuser:
  description: Whether the user is a system administrator.
  returned: success
  type: bool
type_exists:
  description: Whether AWX has the type of credential.
  returned: success
  type: bool
comparable:
  description: Which parts can be compared; in check mode not those that hang on something that is missing.
  returned: success
  type: dict
"""
