# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tenants file and the shipped data."""

from __future__ import annotations

import pytest

from tests.simulator import catalog, config


def parse(**tenant):
    return config.parse({"tenants": [{"company_id": "one", "site": "na", **tenant}]}).tenants["one"]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "must be a mapping"),
        ({"tenant": []}, "unknown tenant"),
        ({"tenants": ["x"]}, "expected a mapping, not 'x'"),
        ({"tenants": [{"site": "na"}]}, "company_id is required"),
        ({"tenants": [{"company_id": "one", "site": "na", "colour": "red"}]}, "tenant one: unknown colour"),
        ({"tenants": [{"company_id": "one", "site": "na"}] * 2}, "tenant one is there twice"),
        ({"tenants": [{"company_id": "one", "site": "na", "profile": "secret"}]}, "profile is 'secret'"),
        ({"tenants": [{"company_id": "one", "site": "na", "version": "2025"}]}, "version must look like"),
        ({"tenants": [{"company_id": "one", "site": "na", "fleet": {"count": 2}}]}, "a company_id or a fleet"),
        ({"sites": [{"name": "x", "kind": "moon"}]}, "site x: kind is 'moon'"),
        ({"sites": [{"name": "x", "certificate": "paper"}]}, "certificate is 'paper'"),
        ({"tenants": [{"company_id": "one", "site": "na", "functions": {"remov": []}}]}, "functions: unknown remov"),
    ],
)
def test_mistakes_are_named(document, message):
    with pytest.raises(config.ConfigError, match=message):
        config.parse(document)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(config.ConfigError, match="cannot read"):
        config.load(tmp_path / "none.yml")


@pytest.mark.parametrize(
    ("tenant", "message"),
    [
        ({"functions": {"remove": ["Sales / Nothing"]}}, "there is no 'Sales / Nothing'"),
        ({"functions": {"rename": {"Nothing": "x"}}}, "there is no 'Nothing'"),
        ({"functions": {"add": ["Nothing"]}}, "not of the form"),
        ({"tables": {"remove": ["Sales / Nothing"]}}, "there is no 'Sales / Nothing'"),
    ],
)
def test_differences_must_differ_from_something(tenant, message):
    with pytest.raises(config.ConfigError, match=message):
        catalog.build(parse(**tenant))


def test_a_fleet_at_the_top_and_as_a_tenant():
    document = {
        "fleet": {"count": 2},
        "tenants": [{"site": "na", "profile": "published", "fleet": {"count": 1, "prefix": "x"}}],
    }
    tenants = config.parse(document).tenants
    assert {name: tenant.profile for name, tenant in tenants.items()} == {
        "x0001": "published",
        "t0001": "extended",
        "t0002": "extended",
    }


def test_the_shipped_data_holds_together():
    built = catalog.build(parse())
    assert len({row.key for row in built.rows}) == len(built.rows) == 96
    assert {row.customize for row in built.rows if row.customize} == set(built.customize)
    assert all(built.customize.values())
    tables = built.customize["SystemTableSetup"]
    assert len(set(tables)) == len(tables) == 88
    for resource in built.resources.values():
        assert set(resource.needs) <= built.by_key.keys()
        assert resource.table is None or resource.table in tables
        assert bool(resource.needs) != bool(resource.table)


def test_renamed_tables():
    built = catalog.build(parse(tables={"rename": {"Service / Source": "Service / Ticket Source"}}))
    assert "Service / Ticket Source" in built.customize["SystemTableSetup"]
    assert "Service / Source" not in built.customize["SystemTableSetup"]
