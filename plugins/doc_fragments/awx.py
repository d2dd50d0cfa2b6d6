# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  controller_host:
    description: Address of AWX. Without it the environment variable E(CONTROLLER_HOST).
    type: str
  controller_oauthtoken:
    description: Token of a user. Without it the environment variable E(CONTROLLER_OAUTH_TOKEN).
    type: str
  controller_username:
    description: User, if there is no token. Without it the environment variable E(CONTROLLER_USERNAME).
    type: str
  controller_password:
    description: Password of that user. Without it the environment variable E(CONTROLLER_PASSWORD).
    type: str
  validate_certs:
    description:
      - Whether AWX's certificate is verified. Without it the environment variable E(CONTROLLER_VERIFY_SSL), else yes.
    type: bool
  organization:
    description: Name of the organization.
    type: str
    required: true
"""
