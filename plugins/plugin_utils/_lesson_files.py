# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The three steps of a lesson over its files: each goes on from what the one before has written."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._client import Psa
from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError
from ansible_collections.msp.connectwise.plugins.module_utils._permissions import Row
from ansible_collections.msp.connectwise.plugins.module_utils._redact import register
from ansible_collections.msp.connectwise.plugins.module_utils._route_check import ROUTES
from ansible_collections.msp.connectwise.plugins.module_utils._routes import Extensions, parse_route
from ansible_collections.msp.connectwise.plugins.plugin_utils import _commands, _files, _har, _lesson
from ansible_collections.msp.connectwise.plugins.plugin_utils._choreography_page import as_html, as_markdown
from ansible_collections.msp.connectwise.plugins.plugin_utils._json import loaded
from ansible_collections.msp.connectwise.plugins.plugin_utils._learn_tenant import Lesson
from ansible_collections.msp.connectwise.plugins.plugin_utils._prove import GROUPS, PROVEN, Ground, Verdict
from ansible_collections.msp.connectwise.plugins.plugin_utils._prove_look import version_of
from ansible_collections.msp.connectwise.plugins.plugin_utils._routes_book import Memory, write_page
from ansible_collections.msp.connectwise.plugins.plugin_utils._routes_care import clean_up, proof_on
from ansible_collections.msp.connectwise.plugins.plugin_utils._scratch import Scratch, new_nonce

OPERATIONS = [operation for operations in GROUPS.values() for operation in operations]
_PLAN, _DRAFT = "plan.json", "draft.json"


class LessonFiles:
    """The lesson of one tenant, in a folder of its own."""

    def __init__(self, psa: Psa, folder: str, tenant: str) -> None:
        self._psa, self._tenant = psa, tenant
        self._routes = Path(folder)
        self.place = self._routes / "lessons" / re.sub(r"[^A-Za-z0-9._-]", "_", tenant)
        self._memory = Memory(self._routes, psa.connection.tenant)

    def _read(self, name: str, step: str) -> dict[str, Any]:
        try:
            found = loaded(_files.read_text(self.place / name, below=self._routes))
        except FileNotFoundError:
            found = None
        except (OSError, ValueError) as problem:
            raise InputError(
                f"{self.place / name} cannot be read ({problem})", remedy="begin again with prepare"
            ) from None
        if not isinstance(found, dict) or found.get("format") != _lesson.FORMAT:
            raise InputError(
                f"there is no {name} of {self._tenant}, which the step before writes",
                remedy=f"run the step {step} first",
            )
        return found

    def _write(self, name: str, document: Mapping[str, Any] | str) -> Path:
        text = document if isinstance(document, str) else json.dumps(document, indent=1) + "\n"
        try:
            _files.write(self.place / name, text, below=self._routes, folder_mode=0o755, sync=True)
        except OSError as problem:
            raise InputError(
                f"{self.place / name} cannot be written ({problem.strerror})",
                remedy=_files.way_out(problem, self.place),
            ) from None
        return self.place / name

    # The steps

    def prepare(self) -> dict[str, Any]:
        """Scratch records and the choreography; the same ones again as long as nobody has worked on them."""
        if (self.place / _PLAN).exists():
            plan = self._read(_PLAN, "prepare")
            if self._untouched(plan):
                return self._shown(plan, False)
            self._take_away(plan, None)
        clean_up(self._psa, self._memory)
        self._write("README", "The choreography, and what was learned of its recording. Made by learn_routes.\n")
        nonce = new_nonce()
        self._memory.begin(nonce)
        try:
            plan = _lesson.prepare(self._psa, self._tenant, nonce)
        except BaseException:
            clean_up(self._psa, self._memory)
            raise
        self._write(_PLAN, plan)
        # From now on the plan knows of them.
        self._memory.ended(nonce)
        return self._shown(plan, True)

    def _untouched(self, plan: Mapping[str, Any]) -> bool:
        known = {role["id"] for role in self._psa.list("/system/securityroles")}
        if not {role["id"] for role in plan["roles"]} <= known:
            return False
        for role, before in zip(plan["roles"], plan["before"], strict=True):
            rows = [Row.from_record(record) for record in _lesson.settings(self._psa, int(role["id"]))]
            if [row.levels for row in rows] != [Row.from_record(record).levels for record in before]:
                return False
        return True

    def _shown(self, plan: Mapping[str, Any], changed: bool) -> dict[str, Any]:
        more = ["-e", "cw_recordings=FILE.har"]
        command = _commands.playbook("learn_routes", _commands.typed(), [self._tenant], more)
        page = self._write("choreography.html", as_html(plan, command))
        self._write("choreography.md", as_markdown(plan, command))
        return {
            "changed": changed,
            "page": str(page),
            "msg": f"open {page} beside the browser, follow it while the browser records, then run: {command}",
        }

    def learn(self, recordings: Sequence[str]) -> dict[str, Any]:
        plan = self._read(_PLAN, "prepare")
        if not recordings:
            raise InputError("no recording is given", remedy="set cw_recordings to the HAR file, or a list of them")
        lesson = _lesson.study(self._psa, plan, recordings)
        routes = {operation: found.routes for operation, found in lesson.found.items()}
        _free_of_secrets(routes, recordings, lesson, _lesson.hosts(self._psa))
        for operation, some in routes.items():
            for route in some:
                parse_route(operation, route)
        found = {operation: {"state": one.state, "why": one.why} for operation, one in lesson.found.items()}
        draft = {"format": _lesson.FORMAT, "found": found, "routes": routes, "recordings": list(recordings)}
        self._write(_DRAFT, draft)
        learned = [operation for operation in OPERATIONS if routes.get(operation)]
        if not learned:
            said = "; ".join(f"{name}: {one['state']}, {one['why']}" for name, one in found.items())
            raise InputError(f"nothing was learned. {said}", remedy=_har.AGAIN)
        return {"changed": True, "operations": found, "msg": _sentence(found)}

    def prove(self) -> dict[str, Any]:
        """Prove what was learned, write the file of the version, and take all scratch records away."""
        plan, draft = self._read(_PLAN, "prepare"), self._read(_DRAFT, "learn")
        version = version_of(self._psa)
        if version != plan["version"]:
            raise InputError(
                f"the tenant has {version} by now, and the recording is of {plan['version']}",
                remedy="begin with prepare",
            )
        verdicts: dict[str, Verdict] = {}
        proven: dict[str, Any] = {}
        try:
            candidates = {operation: routes for operation, routes in draft["routes"].items() if routes}
            verdicts = proof_on(self._psa, candidates, self._memory, lambda ground: self._reader(ground, plan, draft))
            proven = {name: verdict.route for name, verdict in verdicts.items() if verdict.state == PROVEN}
        finally:
            notes = self._take_away(plan, proven)
        states = {
            operation: {"state": verdicts[operation].state, "why": verdicts[operation].why}
            if operation in verdicts
            else {"state": found["state"] if found["state"] != "learned" else "not proven", "why": found["why"]}
            for operation, found in draft["found"].items()
        }
        result = {"changed": True, "operations": states, "notes": notes, "msg": _sentence(states)}
        if proven:
            result["file"] = str(self._page(version, states, proven))
        shutil.rmtree(self.place)
        return result

    def forget(self) -> dict[str, Any]:
        """Take the scratch records and the files of an unfinished lesson away, and what killed proofs have left."""
        notes: list[str] = []
        begun = (self.place / _PLAN).exists()
        if begun:
            notes = self._take_away(self._read(_PLAN, "prepare"), None)
        clean_up(self._psa, self._memory)
        shutil.rmtree(self.place, ignore_errors=True)
        said = "the scratch records are taken away" if begun else "there is no lesson to forget"
        return {"changed": begun, "notes": notes, "msg": said}

    def _page(self, version: str, states: Mapping[str, Any], proven: Mapping[str, Any]) -> Path:
        when = datetime.now(timezone.utc).isoformat(timespec="seconds")
        operations = {
            # Why not, was said in the run: it speaks of the tenant, and this file may go to others.
            name: {"state": one["state"], **({"at": when} if one["state"] == PROVEN else {})}
            for name, one in states.items()
        }
        about = {"version": version, "proven_on": self._tenant, "at": when, "operations": operations}
        routes = {name: proven.get(name, False) for name in ROUTES if name in OPERATIONS}
        return write_page(self._routes, version, about, routes)

    def _reader(self, ground: Ground, plan: Mapping[str, Any], draft: Mapping[str, Any]) -> None:
        """The key that the recording made, and did not delete, reads lists where no key can be made with API keys."""
        if any(not Path(path).exists() for path in draft["recordings"]) or not draft["routes"].get(
            "api_member_key.create"
        ):
            return
        kept = next(key for key in plan["keys"] if key["description"] not in plan["deletes"])
        pair = _lesson.study_keys(self._psa, dict(plan), draft["recordings"]).get(kept["description"])
        if pair is None:
            return
        member = self._psa.get(f"/system/apiMembers/{plan['members'][kept['member']]['id']}")
        Scratch(self._psa, plan["nonce"]).give_role(member, ground.role)
        ground.reader = pair

    def _take_away(self, plan: Mapping[str, Any], proven: Mapping[str, Any] | None) -> list[str]:
        with_keys = proven and all(operation in proven for operation in GROUPS["keys"])
        extensions = Extensions(self._psa, dict(proven or {})) if with_keys else None
        self._psa.begin()
        return Scratch(self._psa, plan["nonce"]).take_away(extensions).notes


def _sentence(states: Mapping[str, Mapping[str, str]]) -> str:
    return "; ".join(
        f"{operation}: {states[operation]['state']}"
        + (f" ({states[operation]['why']})" if states[operation]["why"] else "")
        for operation in OPERATIONS
        if operation in states
    )


def _free_of_secrets(routes: Mapping[str, Any], recordings: Sequence[str], lesson: Lesson, hosts: set[str]) -> None:
    """The last look before anything is written: no cookie, credential or key of the recording is in a route."""
    text = json.dumps(routes)
    for _public, private in lesson.pairs.values():
        register(private)
    secrets = _har.load(recordings, hosts).secrets | {half for pair in lesson.pairs.values() for half in pair}
    if any(secret in text for secret in secrets):
        raise InputError(
            "what was learned would hold a secret of the recording, so nothing was written",
            remedy="report the version of the product with this message; its client sends secrets in an unknown way",
        )
