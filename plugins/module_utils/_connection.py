# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a tenant is and how to speak to it: connection options turned into a checked Connection. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote, urlsplit

from ._errors import InputError
from ._http import Policy
from ._redact import register, register_unless_word

REGIONS = {
    "na": "api-na.myconnectwise.net",
    "eu": "api-eu.myconnectwise.net",
    "au": "api-au.myconnectwise.net",
    "za": "api-za.myconnectwise.net",
    "staging": "api-staging.connectwisedev.com",
}
DEFAULT_CODEBASE = "v4_6_release"
_UI_HOST = re.compile(r"(na|eu|au|aus|za|staging)\.(myconnectwise\.net|connectwisedev\.com)", re.IGNORECASE)
CODEBASE = re.compile(r"v\d[\w.]*", re.ASCII)
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_HEADER_VALUE = re.compile(r"[\w.{}-]+", re.ASCII)

# no_log keeps it from the system's log; `_module` shows its beginning in results, because somebody may have put the
# private key in its place.
PUBLIC_KEY: dict[str, Any] = {"type": "str", "no_log": True}
PUBLIC_OPTIONS = ("public_key", "key_public", "reader_public_key")
PRIVATE_OPTIONS = ("private_key", "key_private", "reader_private_key")

CONNECTION_OPTIONS: dict[str, dict[str, Any]] = {
    "company_id": {"type": "str"},
    "public_key": PUBLIC_KEY,
    "private_key": {"type": "str", "no_log": True},
    "client_id": {"type": "str"},
    "region": {"type": "str", "choices": list(REGIONS)},
    "host": {"type": "str"},
    "codebase": {"type": "str", "default": DEFAULT_CODEBASE},
    "api_version": {"type": "str"},
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path"},
    "timeout": {"type": "float", "default": 30.0},
    "retries": {"type": "int", "default": 4},
    "retry_max_delay": {"type": "float", "default": 60.0},
    "request_deadline": {"type": "float", "default": 120.0},
    "deadline": {"type": "float", "default": 600.0},
    "max_answer_mb": {"type": "float", "default": 12.0},
    "extension_routes": {"type": "dict"},
    "extension_routes_file": {"type": "path"},
    "routes_on_new_version": {"type": "str", "choices": ["prove", "manual"], "default": "prove"},
}
# Limits, by what they are measured in.
_ABOVE_ZERO = {
    "timeout": "seconds",
    "request_deadline": "seconds",
    "deadline": "seconds",
    "max_answer_mb": "megabytes",
}
_SHOWN = 4  # characters of a key
_NEEDED = ("company_id", "public_key", "private_key", "client_id")


@dataclass(frozen=True)
class Connection:
    """A checked way to one tenant with one pair of keys."""

    company_id: str
    public_key: str
    private_key: str
    client_id: str
    host: str
    codebase: str
    api_version: str | None
    policy: Policy
    region: str | None = None

    def __repr__(self) -> str:
        return f"Connection({self.tenant})"

    @property
    def tenant(self) -> str:
        return f"{self.company_id} at {self.host}"

    def with_keys(self, public_key: str, private_key: str) -> Connection:
        return replace(self, public_key=public_key, private_key=private_key)


def shown_key(key: object) -> str:
    """A key as it may be shown before the tenant has proved it: it may be the private one, put in the wrong place."""
    text = str(key or "")
    return f"{text[:_SHOWN]}…" if text else "none"


def register_secrets(options: Mapping[str, Any]) -> None:
    """Keep the private halves among options, and credentials in the host, out of what this process shows."""
    for name in PRIVATE_OPTIONS:
        register(options.get(name))
    register_credentials(options.get("host"))


def register_credentials(address: object) -> None:
    """Keep the user name and password in an address out of what this process shows."""
    credentials, at, _host = str(address or "").rpartition("@")
    if at:
        credentials = credentials.rpartition("//")[2]
        password = credentials.partition(":")[2]
        for secret in (credentials, password, unquote(password)):
            register_unless_word(secret)


def parse_host(value: str) -> str:
    """The bare host[:port] of a base URL; raises InputError for what can never be an API host."""
    text = value.strip()
    if "@" in text:
        register_credentials(text)
        raise InputError(
            "host has a user name or a password in it",
            remedy="write the host alone, such as manage.example.com; the keys are public_key and private_key",
        )
    url = urlsplit(text if "://" in text else f"https://{text}")
    if url.scheme != "https":
        raise InputError(
            f'host "{value}" is not an https address',
            remedy="the API is offered over TLS only; write https:// or nothing",
        )
    if url.path.strip("/") or url.query or url.fragment:
        raise InputError(
            f'host "{value}" has a path',
            remedy=f"give the base address only, such as https://{url.netloc or 'manage.example.com'}; "
            "the version path is added from codebase",
        )
    if not url.hostname or re.search(r"[\s\\]", url.netloc):
        raise InputError(f'host "{value}" is not a host name', remedy="write a host such as manage.example.com")
    try:
        url.port  # noqa: B018 - reading it is the check
    except ValueError:
        raise InputError(
            f'host "{value}" has no usable port', remedy="write a host such as manage.example.com:8443"
        ) from None
    if _UI_HOST.fullmatch(url.hostname):
        place = url.hostname.split(".")[0]
        raise InputError(
            f'host "{value}" is the host of the user interface',
            remedy=f"use the API host, api-{url.hostname}, or set region: {'au' if place == 'aus' else place}",
        )
    return url.netloc


def parse_connection(options: Mapping[str, Any]) -> Connection:
    """A Connection from the options of a module; raises InputError naming every way to mend it."""
    register_secrets(options)
    try:
        return _parsed(options)
    except InputError as problem:
        problem.tenant = str(options.get("company_id") or "")
        raise


def _require(options: Mapping[str, Any]) -> None:
    missing = [name for name in _NEEDED if not str(options.get(name) or "").strip()]
    if not options.get("host") and not options.get("region"):
        missing.append("region or host")
    if missing:
        first = missing[0].split()[0]
        raise InputError(
            f"no {', no '.join(missing)}",
            remedy=f"set each as a task option ({first}), in module_defaults of group/msp.connectwise.psa, "
            f"as an inventory variable (cw_{first}) or in the environment (CW_{first.upper()})",
        )


def _parsed(options: Mapping[str, Any]) -> Connection:
    _require(options)
    region = options.get("region")
    if options.get("host"):
        host = parse_host(str(options["host"]))
    elif region in REGIONS:
        host = REGIONS[region]
    else:
        raise InputError(
            f'region "{region}" is not known',
            remedy=f"use one of {', '.join(REGIONS)}, or host for an on-premises server",
        )
    codebase = str(options.get("codebase") or DEFAULT_CODEBASE).strip().strip("/")
    if codebase != "auto" and not CODEBASE.fullmatch(codebase):
        raise InputError(
            f'codebase "{codebase}" is not one', remedy="use v4_6_release, a versioned one such as v2025_1, or auto"
        )
    _require_headers(str(options["client_id"]).strip(), str(options.get("api_version") or "").strip())
    return Connection(
        company_id=str(options["company_id"]).strip(),
        public_key=str(options["public_key"]).strip(),
        private_key=str(options["private_key"]).strip(),
        client_id=str(options["client_id"]).strip(),
        host=host,
        codebase=codebase,
        api_version=str(options.get("api_version") or "").strip() or None,
        region=region,
        policy=_policy(options),
    )


def _require_headers(client_id: str, api_version: str) -> None:
    """Raise InputError if a value cannot be the header that it is for."""
    if api_version and not _HEADER_VALUE.fullmatch(api_version):
        raise InputError(f'api_version "{api_version}" cannot be sent', remedy="write it as in 2025.1")
    if not _GUID.fullmatch(client_id):
        raise InputError(
            f'client_id "{client_id}" cannot be sent, because it is no GUID',
            remedy="set client_id (cw_client_id, CW_CLIENT_ID) to the client id registered at "
            "developer.connectwise.com/ClientID, such as 00000000-0000-0000-0000-000000000000",
        )


def _policy(options: Mapping[str, Any]) -> Policy:
    given = {name: float(options[name]) for name in _ABOVE_ZERO if options.get(name) is not None}
    for name, value in given.items():
        if not 0 < value < float("inf"):
            raise InputError(f"{name} must be more than 0 {_ABOVE_ZERO[name]}", remedy=f"leave {name} out, or raise it")
    usual = Policy()
    retries, delay = options.get("retries"), options.get("retry_max_delay")
    return replace(
        usual,
        **given,
        retries=usual.retries if retries is None else max(0, int(retries)),
        max_delay=usual.max_delay if delay is None else max(0.0, float(delay)),
        verify=False if options.get("validate_certs") is False else (options.get("ca_path") or True),
    )
