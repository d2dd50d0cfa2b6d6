# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Learned routes, used with care: only on the version they were proven on, or after another proof, or not at all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._client import Psa
from ansible_collections.msp.connectwise.plugins.module_utils._connection import parse_connection
from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError, PsaError
from ansible_collections.msp.connectwise.plugins.module_utils._http import Http
from ansible_collections.msp.connectwise.plugins.module_utils._route_check import ROUTES
from ansible_collections.msp.connectwise.plugins.plugin_utils._prove import Ground, Proof, Verdict
from ansible_collections.msp.connectwise.plugins.plugin_utils._prove_look import version_of
from ansible_collections.msp.connectwise.plugins.plugin_utils._routes_book import (
    PROVEN,
    Memory,
    Page,
    Stopped,
    chosen,
    folder_of,
    pages,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils._scratch import Scratch, new_nonce

PLACE, ON_NEW = "extension_routes_file", "routes_on_new_version"
# These write through extension routes, and are asked only if something is to be written.
_WRITERS = frozenset({"cw_security_role", "cw_table_setup", "cw_api_key"})
_lock = threading.Lock()
_versions: dict[str, str] = {}


def with_place(options: Mapping[str, Any], absolute: Callable[[str], str]) -> dict[str, Any]:
    """The options with the path of the routes file whole, and checked: nothing is sent with a wrong one."""
    place = options.get(PLACE)
    if not place:
        return dict(options)
    whole = absolute(str(place))
    pages(whole)
    return {**options, PLACE: whole}


class Care:
    """The extension routes of one tenant in one run. warnings: what a person should know, as it comes.

    session: gives the session of the tenant's modules, if they share one.
    """

    def __init__(
        self,
        options: Mapping[str, Any],
        *,
        check_mode: bool,
        local: bool = True,
        session: Callable[[], Http | None] = lambda: None,
    ) -> None:
        self._session = session
        self._options = {name: value for name, value in options.items() if name not in (PLACE, ON_NEW)}
        self._own = dict(options.get("extension_routes") or {})
        self._mode = str(options.get(ON_NEW) or "prove")
        if self._mode not in ("prove", "manual"):
            raise InputError(
                f'cw_{ON_NEW} is "{self._mode}"',
                remedy="write prove (on scratch records, before the first write) or manual",
            )
        self._place = str(options.get(PLACE) or "")
        self._check_mode, self._local = check_mode, local
        self._pages: list[Page] | None = None
        self.warnings: list[str] = []
        self.learned: set[str] = set()

    def options(self, module: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """What a module is told, with the routes that it may use. May prove routes first. Raises PsaError."""
        rest = {name: value for name, value in given.items() if name not in (PLACE, ON_NEW)}
        if not self._place:
            return rest
        if self._pages is None:
            self._pages = pages(self._place)
        routes = self._routes(module)
        return {**rest, "extension_routes": {**routes, **self._own}}

    def rungs(self, routes: Mapping[str, Any]) -> dict[str, str]:
        """For the report: the rung of the ladder that each operation stands on with these routes."""
        found = {}
        for operation in ROUTES:
            route = routes.get(operation, True)
            proven = operation in self.learned and operation not in self._own
            found[operation] = "by hand" if route in (False, None) else "proven route" if proven else "extension route"
        return found

    def failed(self, error: PsaError | Mapping[str, Any]) -> None:
        """A write that did not read back as wanted: the operation is not used any more, by no tenant of this run."""
        if isinstance(error, PsaError):
            kind, operation, said = type(error).__name__, error.operation, str(error)
        else:
            kind, operation, said = str(error.get("kind")), str(error.get("operation")), str(error.get("problem"))
        if kind == "NotApplied" and operation in self.learned:
            Stopped(folder_of(self._place)).add(operation, f"{error_tenant(error)}: {said}")

    def _routes(self, module: str) -> dict[str, Any]:
        plain = [page for page in self._pages or [] if not page.about]
        if len(self._pages or []) == 1 and plain:
            return dict(plain[0].routes)
        version = self._version()
        page = chosen(self._pages or [], version)
        if page is None:
            return {}
        routes = dict(page.routes)
        if not page.about:
            return routes
        usable = page.learned
        if page.version != version:
            usable &= self._proven(page, version, module)
        stopped = Stopped(folder_of(self._place)).read()
        for operation in usable & set(stopped):
            self._warn(f"the learned route {operation} is not used any more in this run: {stopped[operation]}")
        self.learned = usable - set(stopped)
        return {name: route if not route or name in self.learned else False for name, route in routes.items()}

    def _version(self) -> str:
        connection = parse_connection(self._options)
        with _lock:
            known = _versions.get(connection.tenant)
        if known is None:
            with Psa(connection, self._session()) as psa:
                known = version_of(psa)
            with _lock:
                _versions[connection.tenant] = known
        return known

    def _proven(self, page: Page, version: str, module: str) -> set[str]:
        """The operations that were proven on this tenant's version too; where nobody knows, a proof finds out."""
        connection = parse_connection(self._options)
        memory = Memory(folder_of(self._place), connection.tenant)
        known = memory.read().get("versions", {}).get(version)
        if known and known.get("of") == _name(page):
            return set(known["operations"])
        here = f"{connection.tenant} has {version}, and the routes were proven on {page.version}"
        if self._mode == "manual":
            self._warn(f"{here}: what they would do is a manual step (cw_{ON_NEW}: manual)")
            return set()
        if self._check_mode or not self._local or module not in _WRITERS:
            if module in _WRITERS:
                why = "a check proves nothing" if self._check_mode else "a proof needs a local connection"
                self._warn(f"{here}: {why}, so what they would do is shown as a manual step")
            return set()
        return self._prove(page, version, memory)

    def _prove(self, page: Page, version: str, memory: Memory) -> set[str]:
        with Psa(parse_connection(self._options), self._session()) as psa:
            verdicts = proof_on(psa, {name: [page.routes[name]] for name in page.learned}, memory)
        found = sorted(name for name, verdict in verdicts.items() if verdict.state == PROVEN)
        for name, verdict in verdicts.items():
            if verdict.state != PROVEN:
                self._warn(f"the learned route {name} does not hold on {version}: {verdict.why}")
        when = datetime.now(timezone.utc).isoformat(timespec="seconds")
        versions = memory.read().get("versions", {})
        memory.write(versions={**versions, version: {"of": _name(page), "operations": found, "at": when}})
        return set(found)

    def _warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)


def _name(page: Page) -> str:
    """The routes that a proof was of: those that are learned anew are others."""
    return f"{page.version} of {page.about.get('at')}"


def proof_on(
    psa: Psa, candidates: Mapping[str, Any], memory: Memory, prepared: Callable[[Ground], None] | None = None
) -> dict[str, Verdict]:
    """A proof on scratch records of its own; what an earlier one left is taken away first.

    prepared: what is done on the ground before anything is proven.
    """
    clean_up(psa, memory)
    nonce = new_nonce()
    memory.begin(nonce)
    proof = Proof(psa, Scratch(psa, nonce))
    with proof.ground() as ground:
        if prepared is not None:
            prepared(ground)
        verdicts = proof.run(ground, candidates)
    memory.ended(nonce)
    return verdicts


def clean_up(psa: Psa, memory: Memory) -> None:
    """Take away what proofs that were killed have left."""
    for nonce in memory.read().get("scratch", []):
        Scratch(psa, nonce).take_away()
        memory.ended(nonce)


def error_tenant(error: PsaError | Mapping[str, Any]) -> str:
    return str(error.tenant if isinstance(error, PsaError) else error.get("tenant"))
