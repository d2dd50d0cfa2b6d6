#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cw_key_file
short_description: The default key store, one ansible-vault encrypted file per tenant
version_added: 0.1.0
description:
  - Reads and writes the records of integrations' keys in C(<directory>/<tenant>.yml) on the controller.
  - The file is encrypted with the vault secrets of the running play, replaced atomically, and readable by its owner
    only.
  - Every write compares the version of the record first, under a lock, so that of two runs at once one wins and the
    other stops.
  - Register a read with C(no_log); its result holds private keys.
extends_documentation_fragment:
  - msp.connectwise.attributes
  - msp.connectwise.attributes.store
options:
  operation:
    description: What to do. V(rekey) encrypts the file again, with the passphrase that O(vault_id) names. The run needs
      the old passphrase as well.
    type: str
    choices: [read, write, delete, rekey]
    required: true
  directory:
    description: Directory of the store, made with mode 0700 if it does not exist. C(integration_store_dir) when left
      out.
    type: path
  tenant:
    description: Name of the tenant, and of its file. C(integration_store_tenant), or the host's name, when left out.
    type: str
  name:
    description: Name of the integration. Required except with O(operation=rekey).
    type: str
  record:
    description: The record to write. Required with O(operation=write).
    type: dict
  if_version:
    description: Write only when the stored record has this version; V(0) means that there is none.
    type: int
  vault_id:
    description: Id of the vault secret to encrypt with. C(integration_store_vault_id), or the first one, when left out.
      O(operation=rekey) needs one of the two.
    type: str
  allow_readable:
    description: Whether a file that other users of the controller can read, and a folder they can write, are accepted.
    type: bool
author:
  - The msp.connectwise contributors (@msp-connectwise)
"""

EXAMPLES = r"""
- name: What does the store know of this integration?
  msp.connectwise.cw_key_file:
    operation: read
    directory: "{{ inventory_dir }}/connectwise_keys"
    tenant: "{{ inventory_hostname }}"
    name: zofiq
  register: stored
  no_log: true

- name: Encrypt the tenant's file with the new passphrase
  msp.connectwise.cw_key_file:
    operation: rekey
    directory: "{{ inventory_dir }}/connectwise_keys"
    tenant: "{{ inventory_hostname }}"
    vault_id: new
"""

RETURN = r"""
record:
  description: The record; empty when there is none. Holds the private key.
  returned: with O(operation=read)
  type: dict
version:
  description: Version of the record that was written.
  returned: with O(operation=write)
  type: int
place:
  description: Where the record is.
  returned: always
  type: str
"""
