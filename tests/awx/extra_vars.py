# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Extra variables as AWX writes them into env/extravars: YAML whose strings, names too, are tagged !unsafe.

From ansible-core 2.19 on the text behind that tag is resolved again as if nothing had quoted it: a time becomes a
datetime, '22' a number, 'no' a boolean.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml


class _Unsafe(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _tagged(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("!unsafe", text)


_Unsafe.add_representer(str, _tagged)


def rendered(variables: Mapping[str, Any], template: Mapping[str, Any] | None = None) -> str:
    """template: the job template's own extra_vars, which AWX trusts as long as a launch leaves them as they are."""
    trusted = template or {}
    parts = []
    for name, value in variables.items():
        dumper = yaml.SafeDumper if name in trusted and trusted[name] == value else _Unsafe
        parts.append(yaml.dump({name: value}, Dumper=dumper, default_flow_style=False))
    return "".join(parts)
