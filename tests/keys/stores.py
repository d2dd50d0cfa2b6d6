# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the key stores share."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any

import pyrage
import yaml

from tests.keys.ground import MEMBER, ROOT, VENDOR, Ground, Store
from tests.keys.openbao import OpenBao
from tests.playground import Playground

TENANT = "north"
GUIDE = ROOT / "docs" / "docsite" / "rst" / "keys_guide.rst"


def optional_collections() -> None:
    tool = ROOT / "tools" / "optional_collections.py"
    subprocess.run([sys.executable, str(tool), "community.hashi_vault", "community.sops"], check=True, timeout=240)


def hashi_vault(bao: OpenBao, token: str | None = None) -> dict[str, Any]:
    options = {"url": bao.url, "auth_method": "token", "token": token or bao.root}
    return {"integration_store": "hashi_vault", "integration_hashi_vault": options}


def commands_in(directory: Path, delay: float = 0) -> dict[str, Any]:
    """What a user puts on top of `pass`, `op` or `bw`; here, on a directory. delay: seconds before the first byte."""
    scripts = {
        "read": 'cat "$CW_STORE_TENANT.$CW_STORE_NAME"',
        # As the guide recommends: what is written is whole, or not there.
        "write": f'{{ sleep {delay}; cat; }} > "$CW_STORE_TENANT.new" && '
        'mv "$CW_STORE_TENANT.new" "$CW_STORE_TENANT.$CW_STORE_NAME"',
        "delete": 'rm "$CW_STORE_TENANT.$CW_STORE_NAME"',
    }
    commands: dict[str, Any] = {name: ["sh", "-c", f"cd '{directory}' && {text}"] for name, text in scripts.items()}
    return {**commands, "missing": "No such file"}


@contextmanager
def vaulted_file(_directory: Path) -> Iterator[None]:
    """The default store needs nothing."""
    yield None


@contextmanager
def openbao(directory: Path) -> Iterator[Store]:
    optional_collections()
    with OpenBao(directory / "bao") as bao:
        path = f"connectwise/{{}}/{VENDOR}"
        token = bao.token("create", "read", "update")
        yield Store(
            lambda tenant: bao.record(path.format(tenant)),
            lambda tenant: bao.forget(path.format(tenant)),
            hashi_vault(bao, token),
        )


@contextmanager
def sops(directory: Path) -> Iterator[Store]:
    """With an age identity of its own; directory: the inventory's."""
    optional_collections()
    identity = pyrage.x25519.Identity.generate()
    keyfile = Playground.write(directory / "age.txt", f"{identity}\n")

    def file(tenant: str) -> Path:
        return directory / "connectwise_keys" / tenant / f"{VENDOR}.sops.json"

    def record(tenant: str) -> dict[str, Any]:
        if not file(tenant).exists():
            return {}
        environment = {**os.environ, "SOPS_AGE_KEY_FILE": str(keyfile)}
        command = ["sops", "-d", str(file(tenant))]
        done = subprocess.run(command, env=environment, capture_output=True, check=True, timeout=60)
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    options = {"age": [str(identity.to_public())], "age_keyfile": str(keyfile)}
    variables = {"integration_store": "sops", "integration_sops": options, "integration_store_settle": 1}
    yield Store(record, lambda tenant: file(tenant).unlink(missing_ok=True), variables)


@contextmanager
def command(directory: Path) -> Iterator[Store]:
    place = directory / "by_command"
    place.mkdir(mode=0o700, exist_ok=True)

    def file(tenant: str) -> Path:
        return place / f"{tenant}.{VENDOR}"

    def record(tenant: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(file(tenant).read_text(encoding="utf-8")) if file(tenant).exists() else {}
        return found

    variables = {
        "integration_store": "command",
        # As slow as a program that asks a server.
        "integration_store_command": commands_in(place, 0.06),
        "integration_store_settle": 1,
    }
    yield Store(record, lambda tenant: file(tenant).unlink(missing_ok=True), variables)


def guide_store(directory: Path) -> dict[str, Any]:
    """The store that the guide describes as a user does it, in a directory of its own."""
    lines = GUIDE.read_text(encoding="utf-8").splitlines()
    begin = next(number for number, line in enumerate(lines) if line == "   integration_store:")
    block = list(takewhile(lambda line: not line or line.startswith("   "), lines[begin:]))
    found: dict[str, Any] = yaml.safe_load("\n".join(block).replace("/srv/encrypted", str(directory)))
    return found


@contextmanager
def described(directory: Path) -> Iterator[Store]:
    place = directory / "by_description"
    place.mkdir(mode=0o700, exist_ok=True)

    def file(tenant: str) -> Path:
        return place / f"{tenant}-{VENDOR}.json"

    def record(tenant: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(file(tenant).read_text(encoding="utf-8")) if file(tenant).exists() else {}
        return found

    variables = {**guide_store(place), "integration_store_settle": 1}
    yield Store(record, lambda tenant: file(tenant).unlink(missing_ok=True), variables)


# Each makes a store in a directory, as Ground takes it.
STORES: dict[str, Callable[[Path], AbstractContextManager[Store | None]]] = {
    "vaulted_file": vaulted_file,
    "hashi_vault": openbao,
    "sops": sops,
    "command": command,
    "described": described,
}


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
