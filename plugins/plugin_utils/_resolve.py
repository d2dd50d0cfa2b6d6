# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one way to Ansible's templates: a variable of a host or a play, by its name.

Files, pages, recordings, reports, records of stores, artifacts and answers are data. They have no name that could be
handed in here, so they never reach the templar.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.plugins.loader import lookup_loader
from ansible.utils.unsafe_proxy import wrap_var

# Takes the name of a variable, what counts if it is not set, and further variables that its template may name.
Resolve = Callable[..., Any]
# What begins a template in Ansible.
MARKERS = ("{{", "{%", "{#")


class Resolver:
    """Resolves the variables of one host. variables: raw, as Ansible hands them to an action."""

    def __init__(self, action: ActionBase, variables: Mapping[str, Any]) -> None:
        self._action, self._variables = action, variables
        # Made once: a fleet resolves some thirty variables of each tenant, and each templar has an environment.
        self._made: Any = None

    def __call__(self, name: str, default: Any = None, known: Mapping[str, Any] | None = None) -> Any:
        """Return the value of a variable with its templates resolved. known: data that its template may name."""
        if name not in self._variables:
            return default
        templar = self._with({**self._variables, **_as_data(known)}) if known else self._made
        if templar is None:
            templar = self._made = self._with(self._variables)
        return templar.template(self._variables[name])

    def _with(self, variables: Mapping[str, Any]) -> Any:
        return self._action._templar.copy_with_new_env(available_variables=dict(variables))


def _as_data(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values marked as data: before ansible-core 2.19 a text is a template wherever it comes from."""
    found: dict[str, Any] = wrap_var(dict(values))
    return found


def lookup_of(action: ActionBase, name: str) -> Any:
    """Return a lookup plugin, or None. It gets a templar, as some ask it for a folder; its terms stay as they are."""
    return lookup_loader.get(name, loader=action._loader, templar=action._templar)


def marker_in(text: Any) -> str:
    """Return what begins a template in a text; empty if nothing does."""
    found = [(text.find(marker), marker) for marker in MARKERS if marker in text] if isinstance(text, str) else []
    return min(found)[1] if found else ""


def has_marker(value: Any) -> bool:
    """Return whether a value holds a template in any of its texts."""
    if isinstance(value, Mapping):
        return any(has_marker(one) for pair in value.items() for one in pair)
    if isinstance(value, (list, tuple)):
        return any(has_marker(one) for one in value)
    return bool(marker_in(value))
