# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page that shows the vendors of each tenant side by side: one file that needs neither network nor script. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape

from ansible_collections.msp.connectwise.plugins.module_utils._names import counted
from ansible_collections.msp.connectwise.plugins.module_utils._permissions import VERBS
from ansible_collections.msp.connectwise.plugins.plugin_utils._compare import (
    Comparison,
    Row,
    reductions,
    union_findings,
)
from ansible_collections.msp.connectwise.plugins.plugin_utils._page import filled

_LETTERS = {"None": "·", "My": "M", "All": "A"}


def page(comparisons: Sequence[Comparison], left: Mapping[str, str], made: str) -> str:
    """left: tenants that could not be compared, as `names` says them, and why."""
    body = [_index(comparisons, left)]
    for number, one in enumerate(comparisons):
        body += _section(number, one)
    return filled("compare.html", MADE=escape(made), BODY="\n".join(body))


def _index(comparisons: Sequence[Comparison], left: Mapping[str, str]) -> str:
    lines = [
        f'<li><a href="#set{number}">{escape(names(one.tenants))}</a>: '
        f"{escape(', '.join(profile.product for profile in one.profiles)) or 'no vendor'}"
        f"{_tag(len(one.problems), 'collision', 'failed')}</li>"
        for number, one in enumerate(comparisons)
    ]
    lines += [
        f'<li><span class="tag unreachable">not compared</span> {escape(tenant)}: {escape(why)}</li>'
        for tenant, why in left.items()
    ]
    return f"<nav><ul>{''.join(lines)}</ul></nav>"


def names(tenants: Sequence[str], most: int = 12) -> str:
    """Tenants as one place of a page or message has room for them."""
    shown = ", ".join(tenants[:most])
    return f"{shown} and {len(tenants) - most} more" if len(tenants) > most else shown


def _tag(count: int, word: str, style: str) -> str:
    return f' <span class="tag {style}">{counted(count, word)}</span>' if count else ""


def _section(number: int, one: Comparison) -> Iterator[str]:
    yield f'<section id="set{number}"><h2>{escape(names(one.tenants))}</h2>'
    if one.problems:
        yield "<h3>These vendors cannot go together</h3>" + _listed(one.problems)
    yield "<h3>Who asks for what</h3>"
    yield f'<div class="frame">{_matrix(one)}</div>'
    legend = "Add, Edit, Delete, Inquire: A is All, M is My, a dot is None. Bold: nobody else asks for it."
    yield f'<p class="soft">{legend}</p>'
    if one.lists:
        yield "<h3>Customize lists</h3>" + _lists(one)
    yield "<h3>Who could do with less</h3>"
    yield _listed(union_findings(one)) or "<p>No row stands out.</p>"
    narrower = [
        f"{profile.product}: {profile.name}_reductions: [{name}] — {what}"
        for profile in one.profiles
        for name, what, _count in reductions(profile)
    ]
    if narrower:
        yield "<h3>Narrower variants that a page supports</h3>" + _listed(narrower)
    if one.more:
        yield "<h3>What one more vendor would add</h3>" + "".join(_more(one))
    yield "</section>"


def _matrix(one: Comparison) -> str:
    heads = "".join(f'<th scope="col">{escape(profile.product)}</th>' for profile in one.profiles)
    lines = [f'<table><thead><tr><th scope="col">Function</th>{heads}<th scope="col">Together</th></tr></thead><tbody>']
    module, columns = None, len(one.profiles) + 2
    for row in one.rows:
        if row.module != module:
            module = row.module
            lines.append(f'<tr><th class="module" colspan="{columns}"><span>{escape(module)}</span></th></tr>')
        cells = "".join(f"<td>{_letters(row, profile.name)}</td>" for profile in one.profiles)
        together = "".join(_LETTERS[row.union[verb]] for verb in VERBS)
        name = "every function" if row.function == "*" else row.function
        lines.append(f'<tr><th scope="row">{escape(name)}</th>{cells}<td>{together}</td></tr>')
    return "".join([*lines, "</tbody></table>"])


def _letters(row: Row, vendor: str) -> str:
    if vendor not in row.wanted:
        return ""
    alone = row.alone(vendor)
    letters = [
        f"<b>{_LETTERS[row.wanted[vendor][verb]]}</b>" if verb in alone else _LETTERS[row.wanted[vendor][verb]]
        for verb in VERBS
    ]
    return "".join(letters)


def _lists(one: Comparison) -> str:
    products = {profile.name: profile.product for profile in one.profiles}
    return _listed(
        f"{function} — {products[vendor]}: {text}"
        for function, wanted in one.lists.items()
        for vendor, text in wanted.items()
    )


def _listed(texts: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return f"<ul>{items}</ul>" if items else ""


def _more(one: Comparison) -> Iterator[str]:
    for profile, added, problems in one.more:
        rows = f"{counted(len(added), 'row')} more" if added else "nothing more"
        title = f"{profile.product}: {rows}"
        yield f"<details><summary>{escape(title)}{_tag(len(problems), 'collision', 'failed')}</summary>"
        yield _listed([*problems, *added]) + "</details>"
