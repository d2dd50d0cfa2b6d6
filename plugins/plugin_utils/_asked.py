# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a command line asks for, read strictly: a tag or a variable that is misspelt would count for nothing."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from ansible import context
from ansible.errors import AnsibleError
from ansible.parsing.splitter import parse_kv

from ansible_collections.msp.connectwise.plugins.module_utils._connection import CONNECTION_OPTIONS
from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError
from ansible_collections.msp.connectwise.plugins.plugin_utils import _settings

# What the playbooks take besides the connection and the settings of the engine.
OWN = (
    "cw_allow_host_override",
    *("cw_add", "cw_confirm", "cw_fail_on", "cw_first_key_replace", "cw_first_private_key", "cw_first_public_key"),
    *("cw_hosts", "cw_in_process", "cw_integrations", "cw_keep_jobs", "cw_keys_file", "cw_merged_dir"),
    *("cw_merged_name", "cw_product", "cw_recordings", "cw_replace", "cw_reports", "cw_reports_max_age_hours"),
    *("cw_routes_dir", "cw_search", "cw_source", "cw_step", "cw_table", "cw_ticked", "cw_values", "cw_vendor"),
    *("cw_vendor_dirs", "integration_vendor", "integration_profile"),
)
# Those of awx_setup. AWX itself sets variables that begin with awx_, too, so they are looked at only there.
_AWX_SETUP, _OF_AWX = "awx_setup", "awx_"
AWX = frozenset(
    {
        *("awx_ask_variables", "awx_audit_rule", "awx_credentials", "awx_execution_environment"),
        *("awx_execution_environment_credential", "awx_execution_environment_image", "awx_forks", "awx_host"),
        *("awx_inventory", "awx_inventory_file", "awx_new_credentials", "awx_organization", "awx_prefix"),
        *("awx_project_branch", "awx_project_credential", "awx_project_url", "awx_slices", "awx_validate_certs"),
    }
)
_COLLECTION, _PLAYBOOKS = "msp.connectwise.", Path(__file__).resolve().parents[2] / "playbooks"
_PREFIXES = ("cw_", "integration_")
# Prefixes that a playbook of this collection reserves on its command line.
_RESERVED = (*_PREFIXES, "psa_")
# What a vendor's variables end with; a vendor file may have a name with such a prefix, as cw_admin has.
_OF_VENDORS = re.compile(
    r"[a-z]+_\w+_(customize|features|feature_groups|further_keys|grace_days|handover|key_description|members?|member_identifier"
    r"|permissions|reductions|reduction_groups|role_name|strategy)"
)
# A store that is described may take options of its own.
_OF_STORES = f"{_settings.PREFIX}store_"
_ALIKE, _SOMEWHAT_ALIKE = 0.85, 0.6
# More wrong letters than these make another word, such as integration_store_token beside integration_store_tenant.
_SLIPS = 2
# Tags that Ansible itself gives a meaning.
_ANSIBLES = ("all", "always", "never", "tagged", "untagged")
# Of these, those that would skip every task.
_SKIP_EVERYTHING = frozenset({"all", "always", "tagged"})


@dataclass(frozen=True)
class Tags:
    """The vendors that --tags and --skip-tags name; Ansible itself skips the tasks of other tags."""

    only: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()

    def wants(self, vendor: str) -> bool:
        return vendor not in self.without and (not self.only or vendor in self.only)

    def require(self, vendors: Iterable[str]) -> None:
        """Raises InputError if a tag names none of the vendors, so that nothing would be done, or too much."""
        known = sorted(set(vendors))
        for option, names in (("--tags", self.only), ("--skip-tags", self.without)):
            if unknown := ", ".join(sorted(names - set(known))):
                raise InputError(
                    f"{option} names {unknown}, and no tenant of this run has such an integration; nothing was done",
                    remedy=f"name vendors of cw_integrations: {', '.join(known) or 'there are none'}",
                )
        if known and not any(map(self.wants, known)):
            raise InputError(
                "--skip-tags leaves out every integration of this run; nothing was done",
                remedy="leave a vendor of cw_integrations out of --skip-tags",
            )


def tags() -> Tags:
    return tags_of(context.CLIARGS)


def tags_of(arguments: Mapping[str, Any]) -> Tags:
    return Tags(*(_named(arguments.get(option) or ()) for option in ("tags", "skip_tags")))


def _named(texts: Iterable[Any]) -> frozenset[str]:
    return _split(texts).difference(_ANSIBLES)


def _split(texts: Iterable[Any]) -> frozenset[str]:
    return frozenset(name.strip() for text in texts for name in str(text).split(",") if name.strip())


@lru_cache(maxsize=1)
def known_variables() -> frozenset[str]:
    options = (f"cw_{name}" for name in CONNECTION_OPTIONS)
    return frozenset((*OWN, *options, *(f"{_settings.PREFIX}{name}" for name in _settings.NAMES)))


@lru_cache(maxsize=1024)
def meant(variable: str) -> str:
    """The variable that a misspelt one stands for; empty for one that is known, or somebody's own."""
    if not variable.startswith(_PREFIXES) or variable in known_variables():
        return ""
    return _misspelt(variable, known_variables())


def _misspelt(variable: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(variable, sorted(known), n=1, cutoff=_ALIKE)
    return found[0] if found and (found[0].startswith(variable) or _slips(variable, found[0]) <= _SLIPS) else ""


def _slips(one: str, other: str) -> int:
    """Return how many letters are missing, too many or wrong."""
    changes = difflib.SequenceMatcher(None, one, other).get_opcodes()
    return sum(max(i2 - i1, j2 - j1) for tag, i1, i2, j1, j2 in changes if tag != "equal")


def require_known(extra: Iterable[str]) -> None:
    """Raises InputError if a variable of the command line is misspelt: the run would be about something else."""
    for variable in extra:
        if right := meant(str(variable)):
            raise InputError(
                f"-e {variable} is no variable of this collection; nothing was done", remedy=f"did you mean {right}?"
            )


def require_meaning(extra: Iterable[str], arguments: Mapping[str, Any]) -> None:
    """Raise InputError if an extra variable counts for nothing. arguments: those of ansible-playbook.

    A playbook of the user's own may have further variables with such a name. So may a file, which other variables may
    refer to, or other programs read.
    """
    names = [str(name) for name in extra]
    require_known(names)
    if runs_own(arguments):
        given = [str(one) for one in arguments.get("extra_vars") or ()]
        typed = {name for one in given if not one.startswith("@") for name in _names_in(one)}
        _refuse_unknown(name for name in names if not given or name in typed)
        if any(_stem(one) == _AWX_SETUP for one in arguments["args"]):
            _refuse_misspelt_of_awx(names)


def _refuse_misspelt_of_awx(names: Iterable[str]) -> None:
    """Raise InputError if a variable is one of awx_setup, misspelt. They usually stand in a file."""
    for name in names:
        if name.startswith(_OF_AWX) and name not in AWX and (right := _misspelt(name, AWX)):
            raise InputError(
                f"-e {name} is no variable of awx_setup; nothing was done", remedy=f"did you mean {right}?"
            )


def _stem(playbook: Any) -> str:
    """Return the name of a playbook that is given as a path, or with its collection."""
    return str(playbook).removesuffix(".yml").rpartition("/")[2].rpartition(".")[2]


def _names_in(text: str) -> list[str]:
    """Return the names of variables that the text of one -e sets."""
    try:
        found = yaml.safe_load(text) if text.lstrip().startswith(("{", "[")) else parse_kv(text)
    except (yaml.YAMLError, AnsibleError):
        return []
    return [str(name) for name in found] if isinstance(found, dict) else []


def require_tasks(arguments: Mapping[str, Any], tags: Iterable[str] | None = None) -> None:
    """Raise InputError if the command line leaves out the tasks that a playbook of this collection consists of.

    arguments: those of ansible-playbook. tags: what --tags may name; None if they name vendors, of which the tasks of
    the fleet know.
    """
    if not runs_own(arguments):
        return
    if tags is not None and arguments.get("start_at_task"):
        raise InputError(
            "nothing was done: --start-at-task leaves out the task that the others need",
            remedy="run the playbook without it; what is done already is left as it is",
        )
    given = {option: _split(arguments.get(option) or ()) for option in ("tags", "skip_tags")}
    skipped = given["skip_tags"] & _SKIP_EVERYTHING
    named = given["skip_tags"] | (frozenset() if "all" in given["tags"] else given["tags"])
    unknown = skipped if tags is None else skipped | named.difference(tags)
    if unknown:
        known = f"use {', '.join(sorted(tags))}, or leave" if tags else "leave"
        raise InputError(
            f"nothing was done: no task of this playbook is left with the tags {', '.join(sorted(unknown))}",
            remedy=f"{known} --tags and --skip-tags out",
        )


def runs_own(arguments: Mapping[str, Any]) -> bool:
    """Return whether ansible-playbook runs playbooks of this collection only, by name or by path."""
    names = [str(one) for one in arguments.get("args") or ()]
    return bool(names) and all(one.startswith(_COLLECTION) or Path(one).resolve().parent == _PLAYBOOKS for one in names)


def _refuse_unknown(extra: Iterable[str]) -> None:
    """Raise InputError if a variable of a playbook's command line has a prefix of this collection and no meaning."""
    for variable in map(str, extra):
        own = not variable.startswith(_RESERVED) or variable.startswith(_OF_STORES) or _OF_VENDORS.fullmatch(variable)
        if own or variable in known_variables():
            continue
        near = difflib.get_close_matches(
            re.sub("^psa_", "cw_", variable), sorted(known_variables()), n=1, cutoff=_SOMEWHAT_ALIKE
        )
        hint = f"did you mean {near[0]}? " if near else ""
        raise InputError(
            f"-e {variable} is no variable of this collection; nothing was done",
            remedy=f"{hint}Correct it, or give your own variables another prefix than {', '.join(_RESERVED)}",
        )
