# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWX over its API, as far as the set-up asks it questions that the collection awx.awx does not answer."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit

from ansible.module_utils.urls import ConnectionError as NoConnection
from ansible.module_utils.urls import SSLValidationError, open_url

from ansible_collections.msp.connectwise.plugins.module_utils._connection import register_credentials
from ansible_collections.msp.connectwise.plugins.module_utils._names import counted
from ansible_collections.msp.connectwise.plugins.module_utils._redact import beginning, register_unless_word

CONNECTION_SPEC: dict[str, Any] = {
    "controller_host": {"type": "str"},
    "controller_oauthtoken": {"type": "str", "no_log": True},
    "controller_username": {"type": "str"},
    "controller_password": {"type": "str", "no_log": True},
    "validate_certs": {"type": "bool"},
}
# As awx.awx reads them.
_ENVIRONMENT = {
    "controller_host": ("CONTROLLER_HOST", "TOWER_HOST"),
    "controller_oauthtoken": ("CONTROLLER_OAUTH_TOKEN", "TOWER_OAUTH_TOKEN"),
    "controller_username": ("CONTROLLER_USERNAME", "TOWER_USERNAME"),
    "controller_password": ("CONTROLLER_PASSWORD", "TOWER_PASSWORD"),
    "validate_certs": ("CONTROLLER_VERIFY_SSL", "TOWER_VERIFY_SSL"),
}
RUNNING = ("new", "pending", "waiting", "running")
_TIMEOUT = 30  # seconds for one request
_BAD = re.compile(r"fatal:|error|unable to|no vault secrets", re.IGNORECASE)
_LONGEST = 800  # characters of what AWX says


class AwxError(Exception):
    """Says what AWX answered and what to do now."""


def connection(args: Mapping[str, Any]) -> dict[str, Any]:
    """The options, completed by the environment."""
    found = {}
    for name, variables in _ENVIRONMENT.items():
        given = next((os.environ[variable] for variable in variables if os.environ.get(variable)), None)
        found[name] = given if args.get(name) is None else args[name]
    if isinstance(found["validate_certs"], str):
        found["validate_certs"] = found["validate_certs"].lower() not in ("0", "false", "no", "n", "off", "f")
    return found


class Awx:
    def __init__(self, options: Mapping[str, Any]) -> None:
        host = (options["controller_host"] or "").strip().rstrip("/")
        if not host:
            raise AwxError("no AWX is named: set awx_host, or CONTROLLER_HOST in the environment, to its address")
        self.host = host if "://" in host else f"https://{host}"
        if urlsplit(self.host).scheme not in ("http", "https"):
            raise AwxError(f"{host} is no address of an AWX: awx_host begins with https://")
        prefix = os.environ.get("CONTROLLER_OPTIONAL_API_URLPATTERN_PREFIX") or "/api/"
        self._base = f"{prefix}v2/"
        self._verify = options["validate_certs"] is not False
        self._login: dict[str, Any] = {}
        self._headers = {"Content-Type": "application/json"}
        for name in ("controller_oauthtoken", "controller_password"):
            register_unless_word(options[name])
        register_credentials(host)
        if options["controller_oauthtoken"]:
            self._headers["Authorization"] = f"Bearer {options['controller_oauthtoken']}"
        elif options["controller_username"]:
            user, password = options["controller_username"], options["controller_password"]
            self._login = {"url_username": user, "url_password": password, "force_basic_auth": True}
        else:
            raise AwxError(
                "no token for AWX: set CONTROLLER_OAUTH_TOKEN, or CONTROLLER_USERNAME and CONTROLLER_PASSWORD"
            )

    def get(self, path: str, **query: Any) -> Any:
        return self._json(self._text("GET", path, query=query))

    def post(self, path: str) -> Any:
        return self._json(self._text("POST", path, body={}))

    def log(self, path: str) -> str:
        """The output of an update, as a person reads it."""
        return self._text("GET", path, query={"format": "txt"})

    def named(self, kind: str, name: str, **query: Any) -> list[dict[str, Any]]:
        """All records of that name that the user may see; elsewhere AWX takes one of several without a word."""
        found: list[dict[str, Any]] = self.get(f"{kind}/", name=name, page_size=200, **query)["results"]
        return [one for one in found if one.get("name") == name]

    def names(self, kind: str) -> list[str]:
        return sorted(str(one.get("name")) for one in self.get(f"{kind}/", page_size=200, order_by="name")["results"])

    def _text(self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Any = None) -> str:
        url = self.host + (path if path.startswith("/") else self._base + path)
        url += f"?{urlencode(query)}" if query else ""
        data = None if body is None else json.dumps(body)
        try:
            with open_url(
                url,
                data=data,
                method=method,
                headers=self._headers,
                timeout=_TIMEOUT,
                validate_certs=self._verify,
                http_agent="msp.connectwise",
                **self._login,
            ) as answer:
                return str(answer.read().decode("utf-8", "replace"))
        except HTTPError as error:
            raise self._refused(error, method, path) from error
        except (OSError, NoConnection, SSLValidationError, ValueError) as error:
            raise AwxError(
                f"AWX is not reached at {self.host}: {getattr(error, 'reason', None) or error}. Check the address "
                "(awx_host or CONTROLLER_HOST), whether it is up, and awx_validate_certs if its certificate is its own"
            ) from error

    def _refused(self, error: HTTPError, method: str, path: str) -> AwxError:
        said = beginning(error.read().decode("utf-8", "replace"), _LONGEST)
        if error.code == 401:
            return AwxError(
                f"AWX at {self.host} does not accept the token, or the user and password: make a token with the scope "
                "Write (in AWX: your user, Tokens) and put it into CONTROLLER_OAUTH_TOKEN"
            )
        if error.code == 403:
            return AwxError(
                f"AWX does not let this user {method} {path}: {said}. The token may have the scope Read only"
            )
        if error.code >= 500:
            return AwxError(f"AWX at {self.host} is there but does not work (status {error.code}); see its own log")
        return AwxError(f"AWX at {self.host} answers {error.code} to {method} {path}: {said}")

    def _json(self, text: str) -> Any:
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, (dict, list)):
            raise AwxError(f"what answers at {self.host} is not AWX: awx_host is its address, without a path")
        return found

    def ended(self, path: str, *, timeout: float, interval: float) -> dict[str, Any]:
        """A record, as soon as AWX is not working on it any more."""
        end = time.monotonic() + timeout
        while True:
            found: dict[str, Any] = self.get(path)
            if found.get("status") not in RUNNING:
                return found
            if time.monotonic() > end:
                raise AwxError(
                    f"AWX has not ended {found.get('name') or path} within {counted(timeout, 'second')} (status "
                    f"{found['status']}); see whether its instances have capacity, and run this playbook again"
                )
            time.sleep(interval)


def end_of(log: str) -> str:
    """What matters in the log of an update: the lines that tell of an error, else the last ones."""
    lines = list(dict.fromkeys(line.strip() for line in log.splitlines() if line.strip()))
    bad = [line for line in lines if _BAD.search(line)]
    return beginning(" / ".join((bad or lines)[-3:]), _LONGEST)
