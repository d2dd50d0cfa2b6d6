# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a cell of a vendor's table says of levels: a word, a tick, or "Add, Edit: All; Inquire: All". Pure functions."""

from __future__ import annotations

import re

from ansible_collections.msp.connectwise.plugins.module_utils._names import normalised
from ansible_collections.msp.connectwise.plugins.module_utils._permissions import RANK, VERBS

# Behind a name or a level, these refer to a footnote.
MARKS = re.compile(r"[*†‡§¹²³]+|\(\d+\)")
# What a browser adds to a tick to have it coloured.
_COLOURED = "\ufe0f"
_TICKS = ("yes", "y", "on", "true", "x", "✓", "✔", "✅", "☑", "•", "●")
# A spreadsheet writes a box without a tick as FALSE.
_CROSSES = ("no", "n", "off", "false", "✗", "✘", "✖", "❌", "☐", "")
_NOTHING = (*_CROSSES, "-", "n/a", "na")
_WORDS = {word.casefold(): word for word in RANK}
# Between the verbs and levels of a cell that has them in words.
_FILLERS = re.compile(r"[\s,;:=/|.()+-]+|\b(?:levels?|and|access)\b")


def level(cell: str, ticked: str | None = None) -> str | None:
    """The level that a cell names; None if it names none. ticked: what a tick means on this page."""
    word = _bare(cell)
    if word in _NOTHING:
        return "None"
    return ticked if word in _TICKS else _WORDS.get(word)


def is_ticked(cell: str) -> bool:
    return _bare(cell) in _TICKS


def yes_or_no(cell: str) -> bool | None:
    word = _bare(cell)
    if word in (*_TICKS, "allow", "allowed", "required"):
        return True
    return False if word in (*_CROSSES, "-", "disallow", "not required") else None


def in_words(cell: str) -> dict[str, str] | None:
    """The cells that a row would have if its one cell, such as "Add, Edit: All; Inquire: My", were four.

    A verb without a level is a tick. None: the cell says something else.
    """
    tokens = [one for one in _FILLERS.split(_bare(cell)) if one]
    if not tokens or any(one not in VERBS and one not in _WORDS for one in tokens):
        return None
    if tokens == ["none"]:
        return dict.fromkeys(VERBS, "None")
    found = _verbs_first(tokens) if tokens[0] in VERBS else _level_first(tokens)
    # Which of two levels a verb has, and which verbs a level is for, is not for us to choose.
    return None if found is None else {verb: found.get(verb, "") for verb in VERBS}


def _verbs_first(tokens: list[str]) -> dict[str, str] | None:
    found: dict[str, str] = {}
    waiting: list[str] = []
    for token in tokens:
        if token in VERBS:
            if token in found or token in waiting:
                return None
            waiting.append(token)
        elif not waiting:
            return None
        else:
            found |= dict.fromkeys(waiting, token)
            waiting = []
    return found | dict.fromkeys(waiting, "yes")


def _level_first(tokens: list[str]) -> dict[str, str] | None:
    """ "All: Add, Edit" """
    found: dict[str, str] = {}
    current, used = tokens[0], False
    for token in tokens[1:]:
        if token in VERBS:
            if token in found:
                return None
            found[token], used = current, True
        elif not used:
            return None
        else:
            current, used = token, False
    return found if used else None


def _bare(cell: str) -> str:
    return normalised(MARKS.sub("", cell.replace(_COLOURED, "")))
