# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One integration on one tenant: look, check everything before the first write, carry out the steps, tell the result.

The steps are the modules that roles/integration composes as tasks, in the same order. A fleet runs them from here, one
tenant a thread; both ways take the options of the modules from this file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._errors import VENDOR, NotOurs, PsaError
from ansible_collections.msp.connectwise.plugins.module_utils._names import same
from ansible_collections.msp.connectwise.plugins.plugin_utils import _commands, _key_report, _look
from ansible_collections.msp.connectwise.plugins.plugin_utils import _key_life as life
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_loop import Loop, Outcome
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_port import MemberKeys
from ansible_collections.msp.connectwise.plugins.plugin_utils._key_record import (
    Record,
    elapsed,
    register_keys,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils._look import (
    CONVERGE,
    UNCHANGED,
    KeyLook,
    Look,
    Run,
    Site,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils._privilege import announced
from ansible_collections.msp.connectwise.plugins.plugin_utils._profile import Key, Profile
from ansible_collections.msp.connectwise.plugins.plugin_utils._report_place import check_writable, require_place
from ansible_collections.msp.connectwise.plugins.plugin_utils._run import is_alive, this_run
from ansible_collections.msp.connectwise.plugins.plugin_utils._settings import Settings
from ansible_collections.msp.connectwise.plugins.plugin_utils._step_options import StepOptions, variable_to_set
from ansible_collections.msp.connectwise.plugins.plugin_utils._step_results import Results
from ansible_collections.msp.connectwise.plugins.plugin_utils._stores import Store

__all__ = ["CONVERGE", "UNCHANGED", "Integration", "KeyLook", "Look", "Run", "Site"]


class Integration:
    """One profile on one tenant, with the settings of its host."""

    def __init__(
        self, site: Site, profile: Profile, settings: Settings, store: Callable[[Key], Store], vendor: str = ""
    ) -> None:
        self.site, self.profile, self.settings = site, profile, settings
        self._store = store
        self.vendor = vendor or profile.name
        # What the steps have said so far, also if one of them fails.
        self.results: Results = {}
        # The members that the store names as those of the integration's keys.
        self.recorded: set[str] = set()
        # The same of keys that the profile names no more, as far as the store lists them.
        self.former: set[str] = set()

    @property
    def absent(self) -> bool:
        return self.settings.state == "absent"

    @property
    def stores_keys(self) -> bool:
        """Return whether this run does nothing but store keys that a person has made."""
        return self.settings.mode == "store_key"

    @property
    def grace_days(self) -> float:
        said = self.settings.key_grace_days
        return self.profile.grace_days if said is None else said

    # What the modules are told

    @property
    def _options(self) -> StepOptions:
        return StepOptions(self.profile, self.settings, self.recorded, self.former)

    def wish(self, key: Key) -> life.Wish:
        settings = self.settings
        given = life.given_for(settings.given_keys, key.member["identifier"], [settings.store_tenant, self.site.name])
        return life.Wish(
            member=key.member["identifier"],
            member_type=key.member_type,
            description=key.description,
            vendor=self.vendor,
            company_id=self.site.company_id,
            binding=self.site.binding,
            absent=self.absent,
            max_age_days=settings.key_max_age_days,
            grace_days=self.grace_days,
            heal=settings.heal,
            beside=settings.new_key,
            lease=settings.lease,
            given=given[-1] if given and settings.mode == "store_key" else None,
            ad_hoc=_commands.ad_hoc(self.site.name, _commands.typed()),
            heal_command=_commands.heal(_commands.typed(), [self.site.name]),
        )

    def _role(self, look: Look) -> dict[str, Any] | None:
        """Options of cw_security_role; also whether a member is then given the role."""
        options = self._options.role()
        if options is None or self.absent:
            return options
        held = [(one.found.get("member") or {}).get("security_role") for one in look.keys]
        return {**options, "given": any(role != options["name"] for role in held)}

    def access(self) -> dict[str, Any] | None:
        """Options of cw_access_check, but for the key; None if there is no role to check."""
        if self.profile.role_name is None or self.absent:
            return None
        return {**self._options.matrix(), **self._probing(), "customize": self.profile.customize, "fail_on": "none"}

    # Looking

    def look(self) -> Look:
        """Read stores and tenant, and decide what is left to do. Nothing is changed. Raises PsaError."""
        if not self.absent and not self.stores_keys:
            self.profile.require_rights()
        look = Look(UNCHANGED)
        for key in self.profile.keys:
            store = self._store(key)
            key_look = KeyLook(key, store, store.read(), {})
            register_keys(key_look.record)
            if reason := life.misplaced(key_look.record, self.wish(key)):
                raise life.KeyLifeError(reason)
            if key.member_type == "api" and key_look.record.get("member"):
                self.recorded.add(str(key_look.record["member"]))
            look.keys.append(key_look)
            result = self._ask("cw_integration_info", self._asked(key, key_look.record))
            key_look.found = result["integration"]
            if key_look.found["key"] == "refused" and not self.stores_keys:
                self._explain_refusal(key_look)
            look.warnings += result.get("warnings") or []
            if len(look.keys) == 1 and (self.settings.mode in ("audit", "key_report") or _look.hides_rights(key_look)):
                self._compare_matrix(key_look)
            if self._needs_work(key_look):
                look.work = CONVERGE
            if self.settings.mode == "key_report":
                key_look.report = self._key_report(key_look)
        return look

    def _explain_refusal(self, key_look: KeyLook) -> None:
        """Put the reason into the difference of a refused key, as far as the tenant lists keys."""
        with suppress(PsaError):
            facts = self._facts(key_look.key)
            line = life.refusal(key_look.record, facts, self.wish(key_look.key))
            found = key_look.found["differences"]
            key_look.found["differences"] = [line if one == life.REFUSED else one for one in found]

    def _facts(self, key: Key) -> life.Facts:
        listing = self._keys(key).listing()
        return life.Facts(listing.offered, listing.keys, listing.active)

    def _compare_matrix(self, key_look: KeyLook) -> None:
        """Without a working key of the integration, or one that shows its rights, the API reads those of its role."""
        options, hidden = self._options.role(), _look.hides_rights(key_look)
        if (key_look.found["key"] == "valid" and not hidden) or options is None or self.absent:
            return
        # Nothing is to be written, so nobody's rights have to be spared, and who holds the role is not read.
        compared = {**options, "on_unsupported": "manual", "adopt": True, "own_key_role": True}
        try:
            told = self._ask("cw_security_role", compared, check_mode=True)
        except NotOurs as problem:
            key_look.found["differences"].append(problem.problem)
            return
        key_look.found["role"] = {"exists": told["role"]["exists"]}
        if not told["role"]["exists"]:
            key_look.found["differences"].append(f"security role {options['name']} does not exist")
            return
        key_look.found["open_steps"] = told["differs"]
        key_look.found["differences"] += [one["difference"] for one in told["differs"]]
        key_look.found["in_sync"] = not key_look.found["differences"]

    def _key_report(self, key_look: KeyLook) -> dict[str, Any]:
        """What there is to say about a key, and about those that only the tenant knows."""
        wish, now = self.wish(key_look.key), datetime.now(timezone.utc)
        problem = life.mismatch(key_look.record, wish) or life.busy(
            key_look.record, self.me(), wish.lease, now, is_alive
        )
        facts = self._facts(key_look.key)
        found = key_look.found
        report = _key_report.report(
            key_look.record, facts, found["key"], wish, found.get("access"), key_look.store.place, problem, now
        )
        known = _look.worth_knowing(found, self.profile.about)
        return {**report, "risks": [str(one) for one in self.profile.findings], "known": known}

    def _keys(self, key: Key) -> MemberKeys:
        return MemberKeys(self.site.run, key.member["identifier"], key.member_type, key.description)

    def _asked(self, key: Key, record: Record) -> dict[str, Any]:
        current = record.get("current") or {}
        return {
            **self._options.matrix(),
            "member": key.member,
            "member_type": key.member_type,
            "role_name": self.profile.role_name,
            "customize": self.profile.customize,
            "key_public": current.get("public_key"),
            "key_private": current.get("private_key"),
            **self._probing(),
        }

    def _probing(self) -> dict[str, Any]:
        return {"probe": self.settings.probe, "endpoints": self.profile.about.get("endpoints", [])}

    def _needs_work(self, key_look: KeyLook) -> bool:
        mode = self.settings.mode
        if mode == "store_key":
            return self.wish(key_look.key).given is not None
        if mode != "converge":
            return False
        if self.absent or self.settings.rotate or not key_look.found["in_sync"]:
            return True
        wish = self.wish(key_look.key)
        return wish.moves(key_look.record) or life.is_due(key_look.record, wish, datetime.now(timezone.utc))

    def shown_first(self, look: Look) -> list[str]:
        """Return the rights that a person is shown before the first write; none if nothing is to be made."""
        making = look.work == CONVERGE and self.settings.mode == "converge" and not self.absent
        return self.profile.asks if making else []

    def announcement(self, look: Look) -> list[str]:
        """Return the lines that say so."""
        asks = self.shown_first(look)
        return announced(self.vendor, asks, outside=self.profile.outside) if asks else []

    def preflight(self, look: Look, *, as_tasks: bool = False) -> None:
        """Find what would make a later step fail, before the first write of the tenant. Raises PsaError.

        as_tasks: whether the steps follow as tasks, so that no result of theirs can be taken back.
        """
        now, me = datetime.now(timezone.utc), self.me()
        for key_look in look.keys:
            wish = self.wish(key_look.key)
            reason = life.mismatch(key_look.record, wish) or life.busy(key_look.record, me, wish.lease, now, is_alive)
            reason = reason or life.not_moved(key_look.record, wish, key_look.found["key"])
            if reason:
                raise life.KeyLifeError(reason)
        self._know_former(look)
        reports = Path(self.settings.report_dir)
        require_place(reports, self.site.name, self.vendor)
        check_writable(reports, self.settings.file_mode)
        for key_look in look.keys if not self.absent else ():
            if not key_look.record.get("current") or self.settings.rotate:
                key_look.store.check(write=not self.site.check_mode)
        if self.settings.mode == "converge" and not self.absent:
            self._require_people(look)
        if (self.site.check_mode and not as_tasks) or self.settings.mode != "converge":
            return
        # What the tenant says to names, lengths and levels is found by predicting the steps.
        for module, options in (("cw_security_role", self._role(look)), ("cw_table_setup", self._options.lists())):
            if options is not None:
                self._ask(module, {**options, "on_unsupported": "manual"}, check_mode=True)
        for options in self._options.members():
            self._ask("cw_api_member", options, check_mode=True)

    def _know_former(self, look: Look) -> None:
        """Learn the members of keys that the profile names no more, from a store that lists its records."""
        listing: Any = getattr(look.keys[0].store, "neighbours", None) if look.keys else None
        for record in listing(f"{self.profile.name}/") if listing else ():
            if record.get("member"):
                self.former.add(str(record["member"]))

    def _require_people(self, look: Look) -> None:
        """Raise PsaError if a person that is to get a key does not exist, with who looks alike: no step makes one."""
        for key_look in look.keys:
            member = key_look.found.get("member") or {}
            if key_look.key.member_type == "member" and not member.get("exists"):
                self._ask("cw_api_key", self._keys(key_look.key).wanted, check_mode=True)

    def _ask(self, module: str, options: Mapping[str, Any], *, check_mode: bool | None = None) -> dict[str, Any]:
        """Run a module at the tenant; a way out that it names is told with the variables of this integration."""
        try:
            return self.site.run(module, options, check_mode=check_mode)
        except PsaError as problem:
            problem.remedy = problem.remedy.replace(VENDOR, self.vendor)
            if problem.choice:
                problem.remedy = variable_to_set(self.profile, self.vendor, options, *problem.choice)
            raise

    def me(self) -> dict[str, Any]:
        return this_run(self.site.name)

    def as_dict(self, look: Look) -> dict[str, Any]:
        """What the tasks of the role and the report need to know, without any secret."""
        settings = self.settings
        return {
            "vendor": self.vendor,
            "profile": self.profile.as_dict(),
            "state": settings.state,
            "mode": settings.mode,
            "work": look.work,
            "asks": self.shown_first(look),
            "directory": settings.report_dir,
            "report_mode": settings.report_mode,
            "defer_failure": settings.defer_failure,
            "store": settings.store_name,
            "store_read": list((settings.store_command or {}).get("read") or []),
            "grace_days": self.grace_days,
            "role": self._role(look),
            "lists": self._options.lists(),
            "members": self._options.members(),
            "access": self.access(),
            "api_keys": [
                _look.as_planned(one, wanted=settings.mode != "store_key" or self._needs_work(one)) for one in look.keys
            ],
        }

    # Doing

    def carry_out(self, look: Look) -> Results:
        """Every step in its order, as roles/integration has them as tasks.

        Raises PsaError; `results` has what was done.
        """
        results = self.results
        if self.settings.mode == "converge":
            self._step("cw_security_role", self._role(look))
            lists = self._options.lists()
            current = look.keys[0].record.get("current") or {} if look.keys else {}
            if lists is not None and current.get("private_key"):
                reader = {"reader_public_key": current["public_key"], "reader_private_key": current["private_key"]}
                lists = {**lists, **reader}
            self._step("cw_table_setup", lists)
            for options in self._options.members():
                self._step("cw_api_member", options)
        refused: list[PsaError] = []
        for key_look in look.keys:
            if self.stores_keys and not self._needs_work(key_look):
                continue
            try:
                outcome = self.key_step(key_look)
            except PsaError as problem:
                if not self.stores_keys:
                    raise
                # The key of another member is shown once, and would be lost.
                refused.append(problem)
                continue
            done = {**outcome.as_result(), "record": key_look.key.record, "place": key_look.store.place}
            done |= {"member": key_look.key.member["identifier"], "diff": outcome.diff()}
            results.setdefault("cw_api_key", []).append(done)
            self._check(key_look, outcome)
        if refused:
            raise refused[0]
        return results

    def _step(self, module: str, options: Mapping[str, Any] | None) -> None:
        if options is not None:
            self.results.setdefault(module, []).append(self._ask(module, options))

    def _check(self, key_look: KeyLook, outcome: Outcome) -> None:
        """See what the key may do, with the key itself."""
        current, options = outcome.record.get("current") or {}, self.access()
        if options is None or outcome.state != "valid" or key_look.key.member_type != "api" or self.site.check_mode:
            return
        key = {"public_key": current["public_key"], "private_key": current["private_key"]}
        # What was changed a moment ago may not show at once.
        settle = any(one.get("changed") for results in self.results.values() for one in results)
        result = self.site.run("cw_access_check", {**options, **key, "settle": settle})
        self.results.setdefault("cw_access_check", []).append({**result, "record": key_look.key.record})

    def tried(self, member: str, pair: Mapping[str, str]) -> str:
        """Return valid, refused, foreign or swapped, as the tenant says of a key that a person typed.

        Raises PsaError.
        """
        keys = self._keys(self._key_of(member))
        state = keys.state(pair)
        swapped = state == "refused" and keys.state(life.swapped(pair)) != "refused"
        return "swapped" if swapped else state

    def stored_since(self, member: str, time: str) -> bool:
        """Return whether the store has taken a key of a member after a moment. Raises PsaError."""
        now, current = datetime.now(timezone.utc), self._store(self._key_of(member)).read().get("current") or {}
        stored, order = elapsed(current.get("verified"), now), elapsed(time, now)
        return stored is not None and order is not None and stored < order

    def _key_of(self, member: str) -> Key:
        return next(key for key in self.profile.keys if same(key.member["identifier"], member))

    def key_step(self, key_look: KeyLook) -> Outcome:
        """Lead one key through its life. Raises PsaError."""
        loop = Loop(
            self._keys(key_look.key),
            key_look.store,
            self.wish(key_look.key),
            self.me(),
            own=self.site.own_key,
            rotate=self.settings.rotate and not self.absent,
            check_mode=self.site.check_mode,
        )
        return loop.run()
