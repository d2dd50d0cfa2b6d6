# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A learned route against what the client itself sends for something that the recording did not have."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from ansible_collections.msp.connectwise.plugins.plugin_utils import _har
from tests.learning.synthetic import HOST, Wire

_NEW = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _plain(path: str, body: Any, headers: Mapping[str, str]) -> str:
    """A request as one text, but for what a client makes anew for each."""
    split = urlsplit(path)
    query = [(name, value) for name, value in parse_qsl(split.query) if not re.fullmatch(r"\d{13}", value)]
    wanted = {name.lower(): value for name, value in headers.items() if name.lower() != "content-type"}
    text = json.dumps([unquote(split.path), query, body, wanted], sort_keys=True)
    return re.sub(r'"tid": \d+', '"tid": 0', _NEW.sub("uuid", text))


class Told:
    """A tenant that answers what the client was answered, and nothing to requests that the client did not send."""

    tenant = "told"

    def __init__(self, wire: Wire, folder: Path) -> None:
        self.sent: list[str] = []
        self.answers: dict[str, list[dict[str, Any]]] = {}
        for entry in _har.load([wire.save(folder / "another.har")], {HOST}).entries:
            body: Any = _parsed(entry.body) if entry.body else None
            if "urlencoded" in entry.body_type:
                body = [list(pair) for pair in parse_qsl(entry.body, keep_blank_values=True)]
            headers = {name: value for name, value in entry.headers.items() if name != "x-session"}
            query = "?" + "&".join(f"{name}={value}" for name, value in entry.query) if entry.query else ""
            key = f"{entry.method} {_plain(entry.path + query, body, headers)}"
            answer = {"text": entry.answer, "data": _parsed(entry.answer), "headers": dict(entry.answer_headers)}
            self.answers.setdefault(key, []).append(answer)

    def exchange(
        self, method: str, path: str, *, body: Any, form: bytes | None, site: Any, headers: Mapping[str, str]
    ) -> Any:
        if form is not None:
            body = [list(pair) for pair in parse_qsl(form.decode(), keep_blank_values=True)]
        key = f"{method} {_plain(path, body, headers)}"
        assert key in self.answers, f"never sent by the client: {key}\nsent: {sorted(self.answers)}"
        self.sent.append(key)
        answers = self.answers[key]
        return SimpleNamespace(**(answers.pop(0) if len(answers) > 1 else answers[0]))

    def call(
        self, method: str, path: str, *, body: Any, form: bytes | None, site: Any, headers: Mapping[str, str]
    ) -> Any:
        return self.exchange(method, path, body=body, form=form, site=site, headers=headers).data
