# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a vendor is given, and what a person types after a work order, as data. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._connection import shown_key
from ansible_collections.msp.connectwise.plugins.plugin_utils import _commands


def is_handed_over(status: str, found: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the vendor can be given the key: also while a person still has to delete an older one."""
    to_delete = all(step["kind"] in ("delete_key", "own_key", "leftover_key") for step in steps)
    return status == "ready" or bool(status == "pending" and found.get("in_sync") and to_delete)


def filled(args: Mapping[str, Any], connection: Mapping[str, Any], run: _commands.Typed) -> dict[str, Any] | None:
    """The hand-over of this integration."""
    place, public = str(args["place"] or ""), args["key"].get("public_key")
    known = {
        **connection,
        "member": args["member"],
        "public_key": public,
        "private_key": f"in the key store: {args['place']}",
    }
    store, read = args.get("store") or "vaulted_file", args.get("store_read") or []
    return handover(args["profile"], known, _commands.show_command(store, place, run, read) if public else [])


def handover(profile: Mapping[str, Any], known: Mapping[str, Any], show: Sequence[str] = ()) -> dict[str, Any] | None:
    """The fields the vendor's own console asks for, filled in; the private key as its place in the store.

    show: the commands that display it.
    """
    wanted = profile.get("handover") or {}
    if not wanted:
        return None
    fields = []
    for field in wanted.get("fields") or []:
        source = field.get("from")
        value = known.get(source) if source else field.get("value")
        if value:
            fields.append({"label": field["label"], "value": value})
    return {
        "console": wanted.get("console"),
        "steps": list(wanted.get("steps") or []),
        "fields": fields,
        "show": list(show),
        "watch": list(wanted.get("watch") or []),
    }


def old_keys(retired: Sequence[Mapping[str, Any]], grace_days: float) -> list[dict[str, Any]]:
    """The replaced keys that still work, and until when; for how long is not known if a person is to delete them."""
    found = []
    for key in retired:
        until = None
        # A record may have been written by anybody whom the store lets in.
        with suppress(OverflowError, ValueError):
            if key.get("since") and grace_days > 0:
                moment = datetime.fromisoformat(str(key["since"]).replace("Z", "+00:00")) + timedelta(days=grace_days)
                until = moment.isoformat(timespec="seconds")
        found.append({"public_key": shown_key(key.get("public_key")), "since": key.get("since"), "until": until})
    return found


def commands(state: str, tenant: str, run: _commands.Typed) -> dict[str, str]:
    """What a person types after a work order, as this run was typed."""
    again = {"absent": "offboard"}.get(state, "onboard")
    return {
        "here": run.here,
        "finish": _commands.playbook("finish", run, [tenant]),
        "store_key": _commands.playbook("store_key", run, [tenant], ["-e", "cw_keys_file=FILE"]),
        "again": _commands.playbook(again, run, [tenant]),
    }
