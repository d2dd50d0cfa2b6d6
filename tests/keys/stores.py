# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the key stores share."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.keys.ground import MEMBER, ROOT, VENDOR, Ground
from tests.keys.openbao import OpenBao

TENANT = "north"
# A store as a user writes one; the guide prints it.
PLAIN = ROOT / "tests" / "keys" / "plain_store"


def optional_collections() -> None:
    tool = ROOT / "tools" / "optional_collections.py"
    subprocess.run([sys.executable, str(tool), "community.hashi_vault", "community.sops"], check=True, timeout=240)


def hashi_vault(bao: OpenBao, token: str | None = None) -> dict[str, Any]:
    options = {"url": bao.url, "auth_method": "token", "token": token or bao.root}
    return {"integration_store": "hashi_vault", "integration_hashi_vault": options}


def commands_in(directory: Path) -> dict[str, Any]:
    """What a user puts on top of `pass`, `op` or `bw`; here, on a directory."""
    scripts = {
        "read": 'cat "$CW_STORE_TENANT.$CW_STORE_NAME"',
        "write": 'cat > "$CW_STORE_TENANT.$CW_STORE_NAME"',
        "delete": 'rm "$CW_STORE_TENANT.$CW_STORE_NAME"',
    }
    commands: dict[str, Any] = {name: ["sh", "-c", f"cd '{directory}' && {text}"] for name, text in scripts.items()}
    return {**commands, "missing": "No such file"}


def live_through(ground: Ground, record: Callable[[], dict[str, Any]], **store: Any) -> None:
    """Create, rotate and take away; record: reads what the store holds."""
    assert ground.run(TENANT, **store) == 0, ground.output()
    first = record()
    assert not ground.problem(TENANT, first)
    assert (first["vendor"], first["member"], first["company_id"]) == (VENDOR, MEMBER, TENANT)

    assert ground.run(TENANT, integration_rotate=True, **store) == 0, ground.output()
    second = record()
    assert not ground.problem(TENANT, second)
    assert second["current"]["public_key"] != first["current"]["public_key"]

    assert ground.run(TENANT, integration_state="absent", **store) == 0, ground.output()
    assert not record().get("current")
    assert ground.live_keys(TENANT) == []
