# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The doctor's look at what lies between the controller and the tenant: proxy, host name, connection, certificate."""

from __future__ import annotations

import socket
import ssl
import time
from urllib.parse import urlsplit

from ._connection import Connection
from ._diagnosis import WARNING, WRONG, Diagnosis, Stop
from ._errors import ConnectionFailed

_EXPIRES_SOON = 21  # days


def _without_password(url: str) -> str:
    parts = urlsplit(url if "://" in url else f"http://{url}")
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def proxy_of(connection: Connection, diagnosis: Diagnosis) -> str:
    """The proxy the environment sends this connection through; empty when there is none."""
    import requests.utils  # here, where it is known to be installed

    url = f"https://{connection.host}/"
    chosen = requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url))
    if chosen:
        diagnosis.add("proxy", f"the environment sends this connection through {_without_password(chosen)}")
        return str(chosen)
    diagnosis.add("proxy", "none")
    return ""


def reach(connection: Connection, diagnosis: Diagnosis, proxy: str) -> None:
    """Name, connection and certificate; through a proxy the last two show in the first request."""
    target = (
        urlsplit(proxy if "://" in proxy else f"http://{proxy}") if proxy else urlsplit(f"https://{connection.host}")
    )
    host, port = target.hostname or "", target.port or (443 if target.scheme == "https" else 80)
    try:
        found = sorted({str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)})
    except (OSError, UnicodeError) as problem:
        diagnosis.add(
            "proxy" if proxy else "name",
            f"the host name {host} is not known ({problem})",
            status=WRONG,
            remedy="check HTTPS_PROXY of the controller"
            if proxy
            else "check region or host for a typing mistake, and the DNS of the controller",
        )
        raise Stop from None
    whose = "the proxy " if proxy else ""
    diagnosis.add("name", f"{whose}{host} is {', '.join(found)}")
    limit = min(10.0, connection.policy.timeout)
    try:
        opened = socket.create_connection((host, port), timeout=limit)
    except OSError as problem:
        diagnosis.add(
            "proxy" if proxy else "connection",
            f"{whose}{host} port {port} cannot be reached ({problem})",
            status=WRONG,
            remedy="check HTTPS_PROXY and NO_PROXY of the controller" if proxy else ConnectionFailed.remedy,
        )
        raise Stop from None
    with opened:
        diagnosis.add("connection", f"{whose}{host} port {port} can be reached")
        if not proxy and connection.policy.verify is not False:
            _certificate(opened, host, connection, diagnosis)


def _certificate(opened: socket.socket, host: str, connection: Connection, diagnosis: Diagnosis) -> None:
    """How long the certificate holds. What is wrong with it is left to the first request, which says so better."""
    import requests.adapters  # here, where it is known to be installed

    bundle = (
        connection.policy.verify
        if isinstance(connection.policy.verify, str)
        else requests.adapters.DEFAULT_CA_BUNDLE_PATH
    )
    try:
        context = ssl.create_default_context(cafile=bundle)
        with context.wrap_socket(opened, server_hostname=host) as secured:
            until = str((secured.getpeercert() or {}).get("notAfter") or "")
        days = int((ssl.cert_time_to_seconds(until) - time.time()) // 86400)
    except (OSError, ValueError):
        return
    if days < _EXPIRES_SOON:
        diagnosis.add(
            "certificate",
            f"trusted, but it ends on {until}",
            status=WARNING,
            remedy="have the server's certificate renewed",
        )
    else:
        diagnosis.add("certificate", f"trusted, until {until}")
