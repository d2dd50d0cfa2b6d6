# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connection options: what can work, and what each mistake is told."""

from __future__ import annotations

import pytest

from ansible_collections.msp.connectwise.plugins.module_utils._connection import (
    CONNECTION_OPTIONS,
    REGIONS,
    parse_connection,
    parse_host,
)
from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError


def refused(options, **changes):
    with pytest.raises(InputError) as caught:
        parse_connection({**options, **changes})
    return caught.value


@pytest.mark.parametrize("region", REGIONS)
def test_regions(options, region):
    del options["host"]
    connection = parse_connection({**options, "region": region})
    assert connection.host == REGIONS[region]
    assert connection.host.startswith(f"api-{region}.")
    assert connection.tenant == f"north at {REGIONS[region]}"


def test_host_wins_over_region(options):
    assert parse_connection({**options, "region": "na"}).host == "psa.example.com"


@pytest.mark.parametrize(
    ("given", "host"),
    [
        ("manage.example.com", "manage.example.com"),
        ("https://manage.example.com", "manage.example.com"),
        ("https://manage.example.com/", "manage.example.com"),
        (" manage.example.com:8443 ", "manage.example.com:8443"),
        ("HTTPS://api-na.myconnectwise.net", "api-na.myconnectwise.net"),
        ("127.0.0.1:8443", "127.0.0.1:8443"),
        ("[::1]:8443", "[::1]:8443"),
    ],
)
def test_hosts(given, host):
    assert parse_host(given) == host


@pytest.mark.parametrize(
    ("given", "problem", "remedy"),
    [
        ("http://manage.example.com", "is not an https address", "TLS only"),
        ("ftp://manage.example.com", "is not an https address", "TLS only"),
        (
            "https://manage.example.com/v4_6_release/apis/3.0",
            "has a path",
            "https://manage.example.com; the version path",
        ),
        ("manage.example.com/v2025_1", "has a path", "the version path is added from codebase"),
        ("manage.example.com?x=1", "has a path", "base address only"),
        ("https://user:secret@manage.example.com", "has a user name or a password", "manage.example.com"),
        ("https://", "is not a host name", "manage.example.com"),
        ("manage example.com", "is not a host name", "manage.example.com"),
        ("manage.example.com:port", "has no usable port", ":8443"),
        ("manage.example.com:99999", "has no usable port", ":8443"),
        ("na.myconnectwise.net", "is the host of the user interface", "api-na.myconnectwise.net, or set region: na"),
        ("https://AU.myconnectwise.net", "is the host of the user interface", "set region: au"),
        ("aus.myconnectwise.net", "is the host of the user interface", "set region: au"),
        ("staging.connectwisedev.com", "is the host of the user interface", "set region: staging"),
    ],
)
def test_hosts_that_can_never_work(options, given, problem, remedy):
    error = refused(options, host=given)
    assert problem in error.problem
    assert remedy in error.remedy
    assert error.tenant == "north"


@pytest.mark.parametrize("name", ["company_id", "public_key", "private_key", "client_id"])
@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_missing_option_says_where_it_can_be_set(options, name, value):
    error = refused(options, **{name: value})
    assert error.problem == f"no {name}"
    for place in (f"task option ({name})", "module_defaults", f"cw_{name}", f"CW_{name.upper()}"):
        assert place in error.remedy


def test_all_that_is_missing_is_named_at_once():
    with pytest.raises(InputError) as caught:
        parse_connection({})
    assert caught.value.problem == "no company_id, no public_key, no private_key, no client_id, no region or host"
    assert "CW_COMPANY_ID" in caught.value.remedy


def test_neither_region_nor_host(options):
    del options["host"]
    error = refused(options)
    assert error.problem == "no region or host"
    assert "cw_region" in error.remedy


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"host": None, "region": "us"}, 'region "us" is not known'),
        ({"codebase": "latest"}, 'codebase "latest" is not one'),
        ({"codebase": "v2025_1/apis/3.0"}, "is not one"),
        ({"timeout": 0}, "timeout must be more than 0 seconds"),
        ({"timeout": -1.0}, "timeout must be more than 0 seconds"),
        ({"client_id": "1111\u20132222"}, "cannot be sent"),
        ({"client_id": "one two"}, "cannot be sent"),
        ({"client_id": "abc"}, 'client_id "abc" cannot be sent, because it is no GUID'),
        ({"api_version": "2025.1\nX-Other: 1"}, "cannot be sent"),
    ],
)
def test_other_mistakes(options, changes, problem):
    error = refused(options, **changes)
    assert problem in error.problem
    assert error.remedy


def test_defaults(options):
    connection = parse_connection(options)
    assert (connection.codebase, connection.api_version) == ("v4_6_release", None)
    policy = connection.policy
    assert (policy.timeout, policy.retries, policy.max_delay, policy.verify) == (30.0, 4, 60.0, True)


def test_the_defaults_are_those_of_the_options(options):
    filled = {name: spec.get("default") for name, spec in CONNECTION_OPTIONS.items()}
    assert parse_connection({**filled, **options}) == parse_connection(options)


@pytest.mark.parametrize(
    ("given", "verify"),
    [
        ({"validate_certs": False, "ca_path": "/ca.pem"}, False),
        ({"validate_certs": True, "ca_path": "/ca.pem"}, "/ca.pem"),
        ({"ca_path": "/ca.pem"}, "/ca.pem"),
        ({"ca_path": ""}, True),
    ],
)
def test_verification(options, given, verify):
    assert parse_connection({**options, **given}).policy.verify == verify


def test_zero_is_a_value(options):
    policy = parse_connection({**options, "retries": 0, "retry_max_delay": 0}).policy
    assert (policy.retries, policy.max_delay) == (0, 0.0)


def test_values_are_trimmed(options):
    connection = parse_connection(
        {**options, "private_key": " secret\n", "codebase": "v2025_1/", "api_version": 2025.1}
    )
    assert (connection.private_key, connection.codebase, connection.api_version) == ("secret", "v2025_1", "2025.1")


def test_other_keys_of_the_same_tenant(options):
    other = parse_connection(options).with_keys("pub", "priv")
    assert (other.company_id, other.public_key, other.private_key) == ("north", "pub", "priv")


def test_a_connection_does_not_show_its_keys(options):
    assert repr(parse_connection(options)) == "Connection(north at psa.example.com)"


def test_the_keys_are_kept_out_of_logs():
    secret = {name for name, spec in CONNECTION_OPTIONS.items() if spec.get("no_log")}
    assert secret == {"public_key", "private_key"}
