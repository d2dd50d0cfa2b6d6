# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a recording belongs to the person and to the browser's session, and so to no route. Pure functions.

API keys authenticate by themselves. Requests that sign in are set aside, and headers that only repeat a cookie or what
signing in gave are left out, as cookies are; whether the tenant can do without them, the proof finds out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.msp.connectwise.plugins.plugin_utils._har import Entry
from ansible_collections.msp.connectwise.plugins.plugin_utils._learn_decode import answer_of, leaves, request_of
from ansible_collections.msp.connectwise.plugins.plugin_utils._learn_history import is_secretive

_SHORTEST = 4
_SIGNING_IN = re.compile(
    r"\w*(password|passwd|passphrase|pwd)|pass|t?otp|mfacode|granttype|refreshtoken|codeverifier|clientsecret"
    r"|samlresponse|idtoken"
)
_OF_A_PERSON = re.compile(
    r"(user|login|member|owner|\w*edby)(name|id|identifier)?|(full|first|last|display|given|family)name|\w*e?mail|phone"
)
_TYPED = re.compile(r"\w*(user|login|company|account)\w*")


def _plain(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())


@dataclass
class Session:
    """What was typed to sign in, what signing in gave, and what answers say of people."""

    typed: set[str] = field(default_factory=set, repr=False)
    given: set[str] = field(default_factory=set, repr=False)
    people: set[str] = field(default_factory=set, repr=False)

    def why_not(self, value: Any) -> str:
        """Why a value may not stand in a route as it is; empty where it may."""
        if not isinstance(value, str) or len(value) < _SHORTEST:
            return ""
        if value in self.given:
            return "holds a value of the browser's session, which API keys do not have"
        if value in self.typed:
            return "holds what was typed to sign in"
        return "holds what an answer says of a person" if value in self.people else ""


def set_aside(entries: Sequence[Entry], cookies: set[str]) -> tuple[list[Entry], Session]:
    """The entries without those that sign in, and without headers of the session; and what the session is."""
    session, kept = Session(given=set(cookies)), []
    for entry in entries:
        tree = request_of(entry).tree
        sent = [*_texts(tree["body"]), *_texts(tree["query"])]
        answered = [*_texts(answer_of(entry)), *entry.answer_headers.items()]
        session.people |= {value for name, value in answered if _OF_A_PERSON.fullmatch(_plain(name))}
        if entry.method == "GET" or not any(_SIGNING_IN.fullmatch(name) for name, _value in sent):
            kept.append(entry)
            continue
        session.given |= {value for name, value in answered if is_secretive(value) and "@" not in value}
        session.typed |= {
            value for name, value in sent if any(kind.fullmatch(name) for kind in (_SIGNING_IN, _TYPED, _OF_A_PERSON))
        }
    return [replace(_bare(entry, session), number=number) for number, entry in enumerate(kept)], session


def _bare(entry: Entry, session: Session) -> Entry:
    headers = {name: value for name, value in entry.headers.items() if not _of_session(value, session)}
    return replace(entry, headers=headers)


def _of_session(value: str, session: Session) -> bool:
    return any(part in session.given for part in (value, *value.split(" ")) if len(part) >= _SHORTEST)


def _texts(data: Any) -> Iterator[tuple[str, str]]:
    """Every text with the last step of its path, and with the last two: a name of a user is no name of a role."""
    for path, value in leaves(data):
        if isinstance(value, str) and value:
            names = [_plain(step) for step in path if not step.startswith("(") and not step.isdigit()]
            yield "".join(names[-1:]), value
            yield "".join(names[-2:]), value
