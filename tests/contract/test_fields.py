# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every published field of an API member and of a security role is an option, or is left out for a reason."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ansible_collections.msp.connectwise.plugins.action.psa import MODULES
from ansible_collections.msp.connectwise.plugins.module_utils._connection import CONNECTION_OPTIONS
from ansible_collections.msp.connectwise.plugins.module_utils._members import FIELDS, IDENTIFIER
from ansible_collections.msp.connectwise.plugins.module_utils._roles import NAME_LIMIT

from .engine import ROOT

SCHEMAS: dict[str, Any] = yaml.safe_load((ROOT / "tests/simulator/data/openapi.yml").read_text(encoding="utf-8"))[
    "components"
]["schemas"]
# Field of the record -> option of the module that is not one of FIELDS.
OPTIONS = {
    "ApiMember": {"identifier": "identifier", "inactiveFlag": "state"},
    "SecurityRole": {"name": "name"},
}
EXCLUDED = {
    "ApiMember": {
        "id": "given by the tenant",
        "_info": "given by the tenant: links and the time of the last change",
        "inactiveDate": "set by the tenant when inactiveFlag is; state says whether the member is active",
    },
    "SecurityRole": {
        "id": "given by the tenant",
        "_info": "given by the tenant: links and the time of the last change",
        "inactiveFlag": "no published operation changes a role; an inactive one becomes a manual step",
        "adminFlag": "no published operation changes a role, and an integration never is an administrator",
        "roleType": "no published operation changes a role; the tenant's own default is right for integrations",
    },
}


def fields(schema: str) -> dict[str, Any]:
    found: dict[str, Any] = SCHEMAS[schema]["properties"]
    return found


@pytest.mark.parametrize(("schema", "module"), [("ApiMember", "cw_api_member"), ("SecurityRole", "cw_security_role")])
def test_every_field_is_an_option_or_left_out_for_a_reason(schema: str, module: str) -> None:
    spec = set(MODULES[f"msp.connectwise.{module}"].argument_spec) - set(CONNECTION_OPTIONS)
    options = dict(OPTIONS[schema])
    if schema == "ApiMember":
        options |= {field.api: field.option for field in FIELDS}
    assert set(fields(schema)) == set(options) | set(EXCLUDED[schema])
    assert not set(options) & set(EXCLUDED[schema])
    assert set(options.values()) <= spec
    assert all(len(reason) > 10 for reason in EXCLUDED[schema].values())


def test_kinds_and_lengths_are_those_of_the_schema() -> None:
    published = fields("ApiMember")
    for field in [*FIELDS, IDENTIFIER]:
        schema = published[field.api]
        kind = {"boolean": "flag", "array": "ids", "string": "text"}.get(schema.get("type", ""), "ref")
        assert (field.api, kind) == (field.api, field.kind)
        assert (field.api, schema.get("maxLength")) == (field.api, field.limit)
    assert fields("SecurityRole")["name"]["maxLength"] == NAME_LIMIT


def test_the_four_levels_are_those_of_the_schema() -> None:
    from ansible_collections.msp.connectwise.plugins.module_utils._permissions import VERBS

    levels = {name for name in fields("SecurityRoleSetting") if name.endswith("Level")}
    assert levels == {f"{verb}Level" for verb in VERBS}
