# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host that the inventory names for a tenant, whatever extra variables say, and the binding that follows."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from ansible import context
from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.vars import load_extra_vars

from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError
from ansible_collections.msp.connectwise.plugins.plugin_utils._batch import hosts_of
from ansible_collections.msp.connectwise.plugins.plugin_utils._binding import HOST_MOVED, OVERRIDE, Binding, host_in
from ansible_collections.msp.connectwise.plugins.plugin_utils._confirm import names_tenants
from ansible_collections.msp.connectwise.plugins.plugin_utils._resolve import Resolve

_PLACE = ("host", "region")
_KEYS = ("public_key", "private_key", "key_public", "key_private", "reader_public_key", "reader_private_key")
_TELLING = 4  # characters of a text that is taken for a part of a host's name


def binding_of(
    action: ActionBase,
    options: Mapping[str, Any],
    variables: Mapping[str, Any],
    resolve: Resolve,
) -> Binding:
    """Return the binding of a tenant.

    options: of its connection in this run. resolve: resolves its variables without extra ones.
    Raises InputError if the inventory names what is no host.
    """
    tenant = str(variables.get("inventory_hostname") or "")

    def said(variable: str) -> Any:
        try:
            return resolve(variable) or None
        except AnsibleError:  # without extra variables it says nothing
            return None

    try:
        host = host_in(options)
    except InputError:  # no connection comes of it, and its error says more
        return Binding(tenant)
    try:
        home = host_in({name: said(f"cw_{name}") or os.environ.get(f"CW_{name.upper()}") for name in _PLACE})
    except InputError as problem:
        problem.tenant = tenant
        raise
    extra = load_extra_vars(action._loader)
    # Where the inventory names a host, nothing else is asked.
    texts = set() if home else set(_texts(extra))
    return Binding(
        tenant,
        host,
        home,
        chosen=not home and _is_chosen(action, options, host, texts),
        keys=not home and any(options.get(name) and str(options[name]) not in texts for name in _KEYS),
        override=host != home and bool(boolean(said(OVERRIDE) or False, strict=False)),
        moved=_moved(extra, variables),
    )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for one in value:
            yield from _texts(one)
    elif value is not None:
        yield str(value).strip()


def _is_chosen(action: ActionBase, options: Mapping[str, Any], host: str, texts: set[str]) -> bool:
    """Return whether a host that the inventory does not name comes from extra variables."""
    if not texts or not host:
        return False
    if not action._task.environment and not any(action._task.args.get(name) for name in _PLACE):
        return True
    # The task itself names it, as it stands or with an extra variable in it.
    named = {host, *(str(options[name]).lower() for name in _PLACE if options.get(name))}
    parts = [text.lower() for text in texts if len(text) >= _TELLING]
    return bool(named & {text.lower() for text in texts}) or any(
        part in one or one in part for part in parts for one in named
    )


def _moved(extra: Mapping[str, Any], variables: Mapping[str, Any]) -> bool:
    """Return whether the command line confirms that its one tenant has moved."""
    said = str(extra.get("cw_confirm") or "").strip() == HOST_MOVED
    # The last play of a run over a fleet may have one tenant left of many.
    alone = len(hosts_of(variables)) == 1 and len(variables.get("ansible_play_hosts_all") or ()) == 1
    return said and alone and names_tenants(context.CLIARGS.get("subset"), extra)
