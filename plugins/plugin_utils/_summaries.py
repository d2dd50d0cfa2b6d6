# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Summarise what a playbook other than the fleet's has done, out of what its tasks have registered. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._errors import UNVERIFIED
from ansible_collections.msp.connectwise.plugins.module_utils._names import counted
from ansible_collections.msp.connectwise.plugins.plugin_utils._commands import Typed, playbook, short_path
from ansible_collections.msp.connectwise.plugins.plugin_utils._next import NAMES
from ansible_collections.msp.connectwise.plugins.plugin_utils._order import spoken
from ansible_collections.msp.connectwise.plugins.plugin_utils._table import TENANTS, closing

# What the tasks of the playbooks register.
BEGUN, EXAMINED, KEPT = "first_key_begun", "doctor_examined", "__kept"
CHECKED, REKEYED, COMPARED = "__checked", "__rekeyed", "__compared"
PREVIEW = ("--check", "--diff")
ASK_PASSPHRASE = ("--ask-vault-pass",)
BOTH_PASSPHRASES = ("--vault-id", "old@prompt", "--vault-id", "new@prompt")
# Playbooks that change nothing, so that a check does the same.
_READERS = ("compare", "doctor")
Result = Mapping[str, Any]
Needed = list[tuple[str, str]]


@dataclass(frozen=True)
class Ended:
    """A run of a playbook.

    hosts: its tenants. variables: those of a tenant, with what tasks registered. typed: its command line. vaulted:
    whether it has a passphrase.
    """

    hosts: Sequence[str]
    variables: Callable[[str], Mapping[str, Any]]
    typed: Typed
    check_mode: bool
    vaulted: bool = True

    def result(self, host: str, name: str) -> Result:
        """Return what a task registered for a tenant; empty if the task did not run."""
        found = self.variables(host).get(name)
        return found if isinstance(found, Mapping) else {}

    def command(self, name: str, tenants: Collection[str] = (), more: Sequence[str] = ()) -> str:
        """Return the command that runs a playbook for some tenants, or for those of this run."""
        few = sorted(tenants) if 0 < len(tenants) <= NAMES else [self.typed.limit] if self.typed.limit else []
        return playbook(name, self.typed, few, more)

    def preview(self, tenants: Collection[str] = ()) -> str:
        """Return the command that shows what an onboarding would do. It needs the passphrase of the key store."""
        run = replace(self, typed=self.typed.without("cw_add"))
        return run.command("onboard", tenants, (*PREVIEW, *(() if self.vaulted else ASK_PASSPHRASE)))

    def head(self, name: str, totals: str) -> str:
        """Return the first line: playbook, time, number of tenants, totals."""
        check = " --check (nothing was changed)" if self.check_mode and name not in _READERS else ""
        count = counted(len(self.hosts), "tenant")
        return f"{name}{check}, {spoken(datetime.now(timezone.utc).isoformat())}: {count}: {totals}"


def doctor(run: Ended) -> list[str]:
    """Summarise a diagnosis: how each tenant is, what is wrong, and what to do."""
    states = {host: _diagnosis(run.result(host, EXAMINED)) for host in run.hosts}
    bad = [host for host, (word, _text) in states.items() if word.startswith(("wrong", "failed"))]
    kinds = Counter(word.partition(" ")[0] for word, _text in states.values())
    commands = [run.command("doctor", bad)] if bad else []
    if good := [host for host in run.hosts if host not in bad]:
        commands.append(run.preview(good if bad else ()))
    return closing(
        run.head("doctor", ", ".join(f"{kinds[kind]} {said}" for kind, said in _STATES.items() if kinds[kind])),
        _rows({host: word for host, (word, _text) in states.items()}),
        _told([(host, *state) for host, state in states.items()]),
        commands,
    )


# How a tenant can be, worst first, and how it is counted.
_STATES = {"failed": "failed", "wrong": "wrong", "warning": "with a warning", "well": "well"}


def _diagnosis(result: Result) -> tuple[str, str]:
    """Return how a tenant is in a word or two, and the first finding with its remedy."""
    if "findings" not in result:
        return "failed", str(result.get("msg") or "the tenant was not looked at; the output says why")
    for status, word in (("wrong", "wrong"), ("warning", "warning")):
        if found := [one for one in result["findings"] if one["status"] == status]:
            remedy = f". What to do: {found[0]['remedy']}" if found[0]["remedy"] else ""
            return f"{word} ({', '.join(one['check'] for one in found)})", f"{found[0]['found']}{remedy}"
    hidden = [one["check"] for one in result["findings"] if str(one["found"]).startswith(UNVERIFIED)]
    return f"well (not verified: {', '.join(dict.fromkeys(hidden))})" if hidden else "well", ""


def _told(states: Sequence[tuple[str, str, str]]) -> Needed:
    """Return what a person has to see to, worst first; the same text of several tenants once."""
    needed: Needed = []
    for kind, label in (("failed", "Failed:"), ("wrong", "Wrong:"), ("warning", "Warning:")):
        texts: dict[str, list[str]] = {}
        for host, word, text in states:
            if word.startswith(kind):
                texts.setdefault(text, []).append(host)
        shown = list(texts.items())
        needed += [(label, f"{_named(hosts)}: {text}") for text, hosts in shown[:2]]
        if rest := [host for _text, hosts in shown[2:] for host in hosts]:
            needed.append(("", f"and {_named(rest)}, as shown above"))
    return needed


def _rows(words: Mapping[str, str]) -> list[list[str]]:
    return [list(one) for one in words.items()] if len(words) <= TENANTS else []


def _named(hosts: Sequence[str]) -> str:
    more = f" and {len(hosts) - NAMES} more" if len(hosts) > NAMES else ""
    return ", ".join(hosts[:NAMES]) + more


def first_key(run: Ended) -> list[str]:
    """Summarise what became of a tenant's first key."""
    host = run.hosts[0] if run.hosts else ""
    # What keeps a run from asking for the keys is found by its first play.
    begun = run.result(host, BEGUN)
    kept = begun if begun.get("failed") else run.result(host, KEPT)
    if kept.get("failed") or "path" not in kept:
        text = str(kept.get("msg") or "the keys were not asked for; the output says why")
        return closing(run.head("first_key", "not kept"), [], [("Failed:", text)], [run.command("first_key", [host])])
    word, text = _diagnosis(run.result(host, EXAMINED))
    places = [("File:", short_path(str(kept["path"]), run.typed.here))]
    if kept.get("backup"):
        places.append(("Backup:", f"as it was before: {kept['backup']}"))
    well = word.startswith(("well", "warning"))
    stored = "the keys would be kept" if run.check_mode else "kept" if kept.get("changed") else "kept already"
    again = str(kept["next"])
    if not well:
        again = replace(run, typed=run.typed.without_files()).command("doctor", [host])
    if run.check_mode:
        again = run.command("first_key", [host])
    return closing(run.head("first_key", stored), [[host, word]], _told([(host, word, text)]), [again], places)


def rekey_store(run: Ended) -> list[str]:
    """Summarise which key files have another passphrase now."""
    results = {host: run.result(host, REKEYED) for host in run.hosts}
    words = {host: _rekeyed(one) for host, one in results.items()}
    failed = [host for host, word in words.items() if word == "failed"]
    done = [host for host, word in words.items() if word == "encrypted"]
    counts = Counter(words.values())
    needed = _told([(host, words[host], str(results[host].get("msg") or "")) for host in failed])
    if not failed and not done:
        return closing(run.head("rekey_store", "nothing was encrypted"), [], *_without_passphrase(run))
    if done and not run.check_mode:
        text = "the old passphrase still opens backups and vaulted variables, such as host_vars: ansible-vault rekey"
        needed.append(("Left:", text))
    following = "rekey_store" if failed or run.check_mode else "key_report"
    return closing(
        run.head("rekey_store", ", ".join(f"{count} {word}" for word, count in counts.most_common())),
        _rows(words),
        needed,
        [run.command(following, failed)],
    )


def _without_passphrase(run: Ended) -> tuple[Needed, list[str]]:
    """Return what kept a run from encrypting anything, and the command that asks for both passphrases."""
    checked = next((found for host in run.hosts if (found := run.result(host, CHECKED)).get("failed")), None)
    if checked is None:
        text = "no tenant of this run has a key file. What to do: see whether integration_store_dir names the key store"
        return [("Failed:", text)], [run.command("rekey_store")]
    asking = replace(run, typed=replace(run.typed.without("integration_store_vault_id"), vault=BOTH_PASSPHRASES))
    command = asking.command("rekey_store", more=("-e", "integration_store_vault_id=new"))
    return [("Failed:", str(checked.get("msg")))], [command]


def _rekeyed(result: Result) -> str:
    if result.get("failed"):
        return "failed"
    return "encrypted" if result.get("changed") else "without a key file" if result else "not looked at"


def compare(run: Ended) -> list[str]:
    """Summarise which tenants have which vendors, and which vendors cannot go together."""
    result = next((found for host in run.hosts if (found := run.result(host, COMPARED))), {})
    if result.get("failed") or "comparisons" not in result:
        text = str(result.get("msg") or "nothing was compared; the output says why")
        return closing(run.head("compare", "failed"), [], [("Failed:", text)], [run.command("compare")])
    problems, alike = result["collisions"], result["comparisons"]
    rows = [[_named(one["tenants"]), ", ".join(one["vendors"]) or "no vendors"] for one in alike[:TENANTS]]
    if len(alike) > TENANTS:
        rows.append([f"and {counted(len(alike) - TENANTS, 'other set')} of vendors", ""])
    needed: Needed = _additions(alike)
    needed += [("Failed:", text) for text in problems[:2]]
    if len(problems) > 2:
        needed.append(("", f"and {len(problems) - 2} more, as shown above"))
    places = [("Page:", short_path(str(result["file"]), run.typed.here))] if result.get("file") else []
    totals = counted(len(problems), "problem") if problems else "the vendors can go together"
    command = run.command("compare") if problems else run.preview()
    return closing(run.head("compare", totals), rows, needed, [command], places)


def _additions(alike: Sequence[Mapping[str, Any]]) -> Needed:
    """Return what each vendor would add that was named to be compared. Without a name, all there are would."""
    texts = [
        f"{vendor} has {counted(len(rows), 'row')} that {_named(one['tenants'])} {verb} not have yet"
        for one in alike
        for verb in ["does" if len(one["tenants"]) == 1 else "do"]
        for vendor, rows in one.get("more", {}).items()
    ]
    return [("Adding:", text) for text in texts] if len(texts) <= NAMES else []


SUMMARIES: Mapping[str, Callable[[Ended], list[str]]] = {
    one.__name__: one for one in (compare, doctor, first_key, rekey_store)
}
