# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""To which host keys may be sent: that of the inventory, and that of the store's record. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from socket import inet_aton, inet_ntoa
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.msp.connectwise.plugins.module_utils._connection import REGIONS, parse_host
from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError

HOST_MOVED = "host-moved"
OVERRIDE = "cw_allow_host_override"
_HTTPS = 443
# Names of ConnectWise's cloud for one region; those of the user interface are refused before.
_ALIASES = {"api-aus.myconnectwise.net": REGIONS["au"]}


@dataclass(frozen=True)
class Binding:
    """A tenant's host in a run. host: that the run would use. home: that the inventory names; empty if it names none.

    chosen: whether extra variables chose the host. keys: whether keys that they did not give would go there.
    override: cw_allow_host_override of the inventory. moved: whether `host-moved` was confirmed for this one tenant.
    """

    tenant: str = ""
    host: str = ""
    home: str = ""
    chosen: bool = False
    keys: bool = False
    override: bool = False
    moved: bool = False

    @property
    def bound(self) -> str:
        """The host that a record of the store names."""
        return self.home or self.host


def host_in(options: Mapping[str, Any]) -> str:
    """The host of a connection as it is compared; empty if none is named. Raises InputError for what is no host."""
    if options.get("host"):
        host = parse_host(str(options["host"]))
    else:
        host = REGIONS.get(str(options.get("region") or ""), "")
    return _plain(host)


def _plain(host: str) -> str:
    """Return a host, and a port other than that of https, in the one way of several to write them."""
    try:
        place = urlsplit(f"//{host}")
        name, port = (place.hostname or "").rstrip("."), place.port
        if ":" in name:
            name = f"[{ip_address(name)}]"
    except ValueError:  # a record of the store may hold anything
        return host
    return name if port in (None, _HTTPS) else f"{name}:{port}"


def server_of(host: str) -> str:
    """Return one name for a server that has several, as far as that is known without asking the network."""
    name, colon, port = _plain(host).rpartition(":")
    if not port.isdecimal() or not name:
        name, colon, port = _plain(host), "", ""
    return f"{'loopback' if _is_loopback(name) else _ALIASES.get(name, name)}{colon}{port}"


def _is_loopback(name: str) -> bool:
    """Return whether a host is this machine, also by an address in short (127.1), or by that of every interface."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    with suppress(OSError, ValueError):
        address = ip_address(name.strip("[]") if ":" in name else inet_ntoa(inet_aton(name)))
        address = getattr(address, "ipv4_mapped", None) or address
        return address.is_loopback or address.is_unspecified
    return False


def misdirected(binding: Binding, held: str = "") -> InputError | None:
    """Why no key may be sent, or None. held: the host in the record of the key; empty for keys of the connection."""
    if not binding.override and (said := _chosen_elsewhere(binding)):
        return said
    if not moves(binding, held) or binding.moved:
        return None
    return InputError(
        f"the key store's record belongs to the host {held}, and the inventory names {binding.bound}; "
        "the stored key was not sent",
        remedy=f"if the tenant has moved there, add --limit {binding.tenant or 'TENANT'} -e cw_confirm={HOST_MOVED}; "
        "else correct cw_host or cw_region, or give the tenant another place in the store (integration_store_tenant)",
        tenant=binding.tenant,
    )


def moves(binding: Binding, held: str) -> bool:
    """Return whether a record names another host than the one that its tenant has now."""
    return bool(held and binding.bound) and _plain(held) != binding.bound


def _chosen_elsewhere(binding: Binding) -> InputError | None:
    if binding.home:
        if binding.host in ("", binding.home):
            return None
        problem = f"this run would send keys to {binding.host}, and the inventory names {binding.home}"
    elif binding.chosen and binding.keys:
        problem = f"extra variables would send keys to {binding.host}, and the inventory names no host"
    else:
        return None
    return InputError(
        f"{problem}; nothing was sent",
        remedy="set cw_host or cw_region in the inventory, and leave them out of extra variables and tasks; "
        f"{OVERRIDE}: true in the inventory allows another host",
        tenant=binding.tenant,
    )
