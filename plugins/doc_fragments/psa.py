# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  company_id:
    description:
      - The company id as typed at the login page of ConnectWise PSA. Case-sensitive.
      - Falls back to the inventory variable C(cw_company_id), then to the environment variable E(CW_COMPANY_ID).
        So does every option of this group, by its own name.
    type: str
  public_key:
    description:
      - Public key of the API member that this task acts as.
      - Results and messages show its first four characters, because it may be the private key in the wrong place.
    type: str
  private_key:
    description:
      - Private key of the API member that this task acts as.
    type: str
  client_id:
    description:
      - The client id (a GUID) registered at U(https://developer.connectwise.com/ClientID). Sent with every call.
    type: str
  region:
    description:
      - The cloud the tenant is in. Ignored when O(host) is given.
    type: str
    choices: [na, eu, au, za, staging]
  host:
    description:
      - The API host of an on-premises or custom installation, such as V(manage.example.com).
      - A base URL without a path; the version path is added from O(codebase).
      - Keys go to the host of the inventory alone. Another one in extra variables or a task is an error, unless the
        inventory sets C(cw_allow_host_override) to V(true).
    type: str
  codebase:
    description:
      - The codebase in the address. V(v4_6_release) works everywhere.
      - V(auto) asks the tenant (C(GET /login/companyinfo/{company})) and follows an upgrade in the middle of a run.
    type: str
    default: v4_6_release
  api_version:
    description:
      - Version of the data model to ask for, such as V(2025.1). The latest when left out.
    type: str
  validate_certs:
    description:
      - Whether the certificate of the server is verified.
    type: bool
    default: true
  ca_path:
    description:
      - File with the CA certificates (PEM) to verify the server with. Wins over E(REQUESTS_CA_BUNDLE).
    type: path
  timeout:
    description:
      - Seconds to wait for an answer, and for each further piece of one that comes in pieces.
    type: float
    default: 30.0
  retries:
    description:
      - How often a read is tried again on 429, on a server error that passes by itself and on a broken connection;
        and a write on 429 and where no connection was made.
    type: int
    default: 4
  retry_max_delay:
    description:
      - The longest wait between two tries in seconds, also if the server's C(Retry-After) asks for more.
    type: float
    default: 60.0
  request_deadline:
    description:
      - Seconds that one request may take, from its first byte to the last byte of its answer, headers included. It is
        not tried again.
    type: float
    default: 120.0
  deadline:
    description:
      - Seconds that all requests of a task may take together, the waits between them included. The task then fails.
      - The playbooks over a fleet and the role C(integration) count it once for each tenant and run, for all vendors of
        the tenant together. Unless it is set, they add 120 seconds for each vendor after the first.
    type: float
    default: 600.0
  max_answer_mb:
    description:
      - The largest answer that is read, in megabytes, when it is unpacked. The pages of one list count together.
      - What counts is what it takes in memory, that is each value as 64 bytes beside its text, so that a whole
        permission matrix counts about half a megabyte.
    type: float
    default: 12.0
  extension_routes:
    description:
      - Replaces or extends, operation by operation, the table of routes that ConnectWise does not publish.
        An operation set to V(false) is switched off, and its changes become manual steps.
      - See the guide on the API ladder for the format.
    type: dict
  extension_routes_file:
    description:
      - A YAML file on the controller with the same table, an operation a key. O(extension_routes) wins over it.
      - It is checked before anything is sent; an error names its line. Relative paths begin at the playbook.
      - Or a directory of files by version, as the playbook C(msp.connectwise.learn_routes) writes them. The one of the
        tenant's version is used; see O(routes_on_new_version) for a tenant of another version.
    type: path
  routes_on_new_version:
    description:
      - What to do if the tenant has another version than the one that learned routes were proven on.
      - V(prove) proves them again on scratch records of that tenant, before the first write, once for each version;
        V(manual) makes what they would do a manual step. In check mode, and if something is only looked at, nothing is
        proven. Concerns only routes that were learned.
    type: str
    choices: [prove, manual]
    default: prove
requirements:
  - requests >= 2.28
notes:
  - Where the connection of the host is local, the task runs inside the Ansible process; elsewhere as a module on that
    host. Both give the same result. Set the variable C(cw_in_process) to V(false) to have module processes everywhere.
  - All modules belong to the action group C(msp.connectwise.psa) for C(module_defaults).
author:
  - The msp.connectwise contributors (@msp-connectwise)
"""

    LADDER = r"""
options:
  on_unsupported:
    description:
      - What to do when the tenant's API offers no operation for a change.
      - V(fail) fails with the manual steps in the result; V(manual) succeeds with RV(pending=true) and
        RV(manual_steps).
      - Either way nothing is reported as done that was not read back.
    type: str
    choices: [fail, manual]
    default: fail
"""

    UNKNOWN = r"""
options:
  on_unknown:
    description:
      - What to do with a name the tenant does not have. V(fail) lists the closest names it has; V(warn) leaves the
        entry out.
    type: str
    choices: [fail, warn]
    default: fail
"""
