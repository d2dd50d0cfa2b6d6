# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control API below ``/_simulator/``: journal, state, faults, limits, clicks, changes behind the back."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from aiohttp import web

from . import edits, faults
from .edits import EditError
from .state import state

if TYPE_CHECKING:
    from .server import Simulator
    from .tenant import Tenant

TOKEN_HEADER = "X-Simulator-Token"


class ControlError(ValueError):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def answer(
    simulator: Simulator, method: str, path: str, query: str, headers: Mapping[str, str], content: bytes
) -> web.Response:
    try:
        token = headers.get(TOKEN_HEADER, "")
        if not hmac.compare_digest(token.encode(), simulator.token.encode()):
            raise ControlError(403, f"the {TOKEN_HEADER} header does not carry the token of the ready file")
        arguments = {name: values[-1] for name, values in parse_qs(query).items()}
        body = json.loads(content) if content else None
        result = _dispatch(simulator, method, path.strip("/").split("/"), arguments, body)
    except ControlError as error:
        return _json(error.status, {"error": str(error)})
    except (EditError, ValueError, TypeError, KeyError) as error:
        return _json(400, {"error": str(error) or repr(error)})
    return _json(200, result)


def _json(status: int, body: Any) -> web.Response:
    text = json.dumps(body, ensure_ascii=False)
    return web.Response(status=status, text=text, content_type="application/json")


def _tenant(simulator: Simulator, name: str) -> Tenant:
    tenant = simulator.tenant(name)
    if tenant is None:
        raise ControlError(404, f"there is no tenant {name!r}")
    return tenant


def _dispatch(simulator: Simulator, method: str, parts: list[str], arguments: dict[str, str], body: Any) -> Any:
    what = (method, parts[0], len(parts))
    if what == ("GET", "journal", 1):
        since, writes = int(arguments.get("since", "0")), arguments.get("writes") == "1"
        return simulator.journal.select(arguments.get("tenant"), since, writes)
    if what == ("DELETE", "journal", 1):
        simulator.journal.clear()
        return {}
    if what == ("GET", "state", 2):
        return state(_tenant(simulator, parts[1]))
    if what == ("GET", "faults", 1):
        return [rule.shown() for rule in simulator.faults.rules]
    if what == ("POST", "faults", 1):
        rules = faults.parse(body)
        simulator.faults.rules += rules
        return {"rules": len(simulator.faults.rules)}
    if what == ("DELETE", "faults", 1):
        simulator.faults.rules = []
        return {}
    if what == ("POST", "latency", 1):
        simulator.limits.latency_ms = float(body.get("ms") or 0)
        simulator.limits.jitter_ms = float(body.get("jitter_ms") or 0)
        return {}
    if what == ("POST", "rate_limit", 1):
        simulator.limits.per_minute = body.get("per_minute")
        simulator.limits.max_parallel = body.get("max_parallel")
        simulator.limits.recent.clear()
        return {}
    if what == ("POST", "operator", 2):
        made = edits.apply(_tenant(simulator, parts[1]), edits.STEPS, "kind", body)
        return [result for result in made if result]
    if what == ("POST", "edit", 2):
        return edits.apply(_tenant(simulator, parts[1]), edits.EDITS, "op", body)
    raise ControlError(404, f"the control API has no {method} {'/'.join(parts)}")
