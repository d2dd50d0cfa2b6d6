# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands ``serve`` and ``operator``."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
import tempfile
import traceback
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web

from . import config as configuration
from .client import Control, ControlError
from .server import MAX_LINE, Simulator
from .tenant import admin_keys, client_ids
from .tls import Authority

PARENT_POLL = 0.5


def write_atomically(path: Path, text: str) -> None:
    """A file that only its owner reads, and that others never see half written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
    os.replace(temporary, path)


def _ports(text: str) -> dict[str, int]:
    pairs = (part.partition("=") for part in text.split(",") if part)
    return {name: int(port) for name, _sign, port in pairs}


def ready_document(simulator: Simulator, ca: Path) -> dict[str, Any]:
    sites, addresses = simulator.config.sites, simulator.addresses
    first = next(iter(addresses.values()))
    tenants = {}
    for name, tenant in simulator.config.tenants.items():
        public, private = admin_keys(tenant, simulator.seed)
        tenants[name] = {
            "company_id": name,
            "site": tenant.site,
            "host": addresses[tenant.site],
            "public_key": public,
            "private_key": private,
            "client_id": client_ids(tenant, simulator.seed)[0],
            "profile": tenant.profile,
        }
    return {
        "pid": os.getpid(),
        "ca": str(ca),
        "control": f"https://localhost:{first.rsplit(':', 1)[1]}",
        "token": simulator.token,
        "sites": {
            name: {"host": address, "url": f"https://{address}", "kind": sites[name].kind}
            for name, address in addresses.items()
        },
        "tenants": tenants,
    }


class Discretion(logging.Filter):
    """Leaves out what an exception says: it may quote what a client sent, and with it a key."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info:
            kind, _value, trace = record.exc_info
            record.exc_text = "".join(traceback.format_tb(trace)) + (kind.__name__ if kind else "")
            record.exc_info = None
        return True


async def _run(arguments: argparse.Namespace, simulator: Simulator) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    authority = Authority(Path(arguments.state_dir).absolute())
    ports = _ports(arguments.ports)
    unknown = sorted(set(ports) - set(simulator.config.sites))
    if unknown:
        raise configuration.ConfigError(f"--ports names the unknown site {unknown[0]!r}")
    servers, listeners = [], []
    for name, site in simulator.config.sites.items():
        server = web.Server(
            partial(simulator.handle, site), access_log=None, max_line_size=MAX_LINE, max_field_size=MAX_LINE
        )
        context = authority.context(name, [site.host], site.certificate)
        listener = await loop.create_server(server, "127.0.0.1", ports.get(name, 0), ssl=context, backlog=1024)
        simulator.addresses[name] = f"{site.host}:{listener.sockets[0].getsockname()[1]}"
        servers.append(server)
        listeners.append(listener)
    ready = ready_document(simulator, authority.ca_file)
    if arguments.ready_file:
        write_atomically(Path(arguments.ready_file), json.dumps(ready, indent=2) + "\n")
    shown = ", ".join(f"{name} https://{address}" for name, address in simulator.addresses.items())
    print(f"serving {len(simulator.config.tenants)} tenants: {shown}", flush=True)
    watcher = asyncio.create_task(_watch_parent(stop)) if arguments.with_parent else None
    await stop.wait()
    if watcher is not None:
        watcher.cancel()
    for listener in listeners:
        listener.close()
    for server in servers:
        await server.shutdown(1)


async def _watch_parent(stop: asyncio.Event) -> None:
    parent = os.getppid()
    while os.getppid() == parent:
        await asyncio.sleep(PARENT_POLL)
    stop.set()


def serve(arguments: argparse.Namespace) -> int:
    handler = logging.StreamHandler()
    handler.addFilter(Discretion())
    logging.getLogger().addHandler(handler)
    simulator = Simulator(configuration.load(Path(arguments.tenants)), arguments.seed)
    for tenant in simulator.config.tenants.values():
        simulator.catalog(tenant)
    if arguments.state_dir:
        asyncio.run(_run(arguments, simulator))
    else:
        with tempfile.TemporaryDirectory(prefix="psa-simulator-") as arguments.state_dir:
            asyncio.run(_run(arguments, simulator))
    return 0


def operate(arguments: argparse.Namespace) -> int:
    """Do what a person would click for the manual steps of work orders."""
    ready = json.loads(Path(arguments.ready_file).read_text(encoding="utf-8"))
    control = Control(ready)
    keys = []
    for file in arguments.work_order:
        document = json.loads(Path(file).read_text(encoding="utf-8"))
        for step in document.get("manual_steps") or []:
            made = control.operator(arguments.tenant, [step])
            print(f"{arguments.tenant}: {' > '.join(step.get('menu', []))}: {step.get('do', step['kind'])}", flush=True)
            keys += [
                {
                    "tenant": arguments.tenant,
                    "member": key["member"],
                    "description": key["description"],
                    "public_key": key["publicKey"],
                    "private_key": key["privateKey"],
                }
                for key in made
            ]
            # Written as they come: a later step that fails must not cost the keys made so far.
            if arguments.keys_out:
                write_atomically(Path(arguments.keys_out), json.dumps(keys, indent=2) + "\n")
    return 0


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m tests.simulator", description="A ConnectWise PSA on loopback.")
    commands = top.add_subparsers(dest="command", required=True)
    server = commands.add_parser("serve", help="serve the tenants of a file until SIGTERM")
    server.add_argument("--tenants", required=True, help="YAML file with sites and tenants")
    server.add_argument("--state-dir", help="where CA and certificates are written (default: a temporary directory)")
    server.add_argument("--ready-file", help="JSON file written when it serves: addresses, CA, keys")
    server.add_argument("--ports", default="", help="site=port,... (default: a free port for each site)")
    server.add_argument("--seed", default="simulator", help="keys that the tenants file does not give derive from this")
    server.add_argument("--with-parent", action="store_true", help="end when the parent process is gone")
    server.set_defaults(run=serve)
    clicks = commands.add_parser("operator", help="carry out the manual steps of work orders")
    clicks.add_argument("--ready-file", required=True)
    clicks.add_argument("--tenant", required=True)
    clicks.add_argument("--work-order", required=True, nargs="+", help="JSON files with manual_steps")
    clicks.add_argument("--keys-out", help="JSON file for the keys made, readable by the owner only")
    clicks.set_defaults(run=operate)
    return top


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except (configuration.ConfigError, ControlError, OSError, json.JSONDecodeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return status
