# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a command line asks for, read strictly: a tag or a variable that is misspelt would count for nothing."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ansible import context

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
_PREFIXES = ("cw_", "integration_")
_ALIKE = 0.85
# Tags that Ansible itself gives a meaning.
_ANSIBLES = ("all", "always", "never", "tagged", "untagged")


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


def tags() -> Tags:
    return tags_of(context.CLIARGS)


def tags_of(arguments: Mapping[str, Any]) -> Tags:
    return Tags(*(_named(arguments.get(option) or ()) for option in ("tags", "skip_tags")))


def _named(texts: Iterable[Any]) -> frozenset[str]:
    names = (name.strip() for text in texts for name in str(text).split(","))
    return frozenset(name for name in names if name and name not in _ANSIBLES)


@lru_cache(maxsize=1)
def known_variables() -> frozenset[str]:
    options = (f"cw_{name}" for name in CONNECTION_OPTIONS)
    return frozenset((*OWN, *options, *(f"{_settings.PREFIX}{name}" for name in _settings.NAMES)))


@lru_cache(maxsize=1024)
def meant(variable: str) -> str:
    """The variable that a misspelt one stands for; empty for one that is known, or somebody's own."""
    if not variable.startswith(_PREFIXES) or variable in known_variables():
        return ""
    found = difflib.get_close_matches(variable, sorted(known_variables()), n=1, cutoff=_ALIKE)
    return found[0] if found else ""


def require_known(extra: Iterable[str]) -> None:
    """Raises InputError if a variable of the command line is misspelt: the run would be about something else."""
    for variable in extra:
        if right := meant(str(variable)):
            raise InputError(
                f"-e {variable} is no variable of this collection; nothing was done", remedy=f"did you mean {right}?"
            )
