# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The choreography as pages that a person follows beside the browser: Markdown and HTML. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from ansible_collections.msp.connectwise.plugins.plugin_utils._choreography import HOW_TO_RECORD, steps

_BEFORE = (
    "Sign in to the web client of this tenant as somebody who may change security roles and API members.",
    "Start the recording as below, and only then open the first page.",
    "Do exactly these steps, in this order. A save that went wrong may be done again: then record all of it again.",
)
_AFTER = (
    'Save the recording with its content (HAR, "with content" where the browser asks).',
    "The recording holds whatever the browser saw. It stays on this controller; delete it once the routes are proven.",
)


def as_markdown(plan: Mapping[str, Any], learn: str) -> str:
    lines = [f"# Teach the routes of {plan['tenant']}, version {plan['version']}", ""]
    lines += [f"- {text}" for text in _BEFORE]
    lines += ["", "## Record", "", *[f"- {browser}: {how}" for browser, how in HOW_TO_RECORD], "", "## Do", ""]
    for number, (heading, details) in enumerate(steps(plan), start=1):
        lines += [f"{number}. {heading}", *[f"   - {detail}" for detail in details]]
    lines += ["", "## Then", "", *[f"- {text}" for text in _AFTER], f"- Run: `{learn}`", ""]
    return "\n".join(lines)


_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 48rem; margin: 2rem auto; padding: 0 1rem }
ol > li { margin: 1rem 0; padding-left: .4rem }
label { display: block; cursor: pointer }
li:has(> label input:checked) { opacity: .45 }
code { background: color-mix(in srgb, currentColor 10%, transparent); padding: .1rem .3rem; border-radius: .2rem }
table { border-collapse: collapse } td { padding: .1rem .8rem .1rem 0 }
""".strip()


def as_html(plan: Mapping[str, Any], learn: str) -> str:
    title = f"Teach the routes of {escape(str(plan['tenant']))}, version {escape(str(plan['version']))}"
    lines = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
        f"<title>{title}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{title}</h1>",
        "<ul>" + "".join(f"<li>{escape(text)}</li>" for text in _BEFORE) + "</ul>",
        "<h2>Record</h2><table>",
        *[f"<tr><td>{escape(browser)}</td><td>{escape(how)}</td></tr>" for browser, how in HOW_TO_RECORD],
        "</table><h2>Do</h2><ol>",
    ]
    for heading, details in steps(plan):
        inside = "".join(f"<li>{escape(detail)}</li>" for detail in details)
        lines.append(f'<li><label><input type="checkbox"> {escape(heading)}</label><ul>{inside}</ul></li>')
    lines += [
        "</ol><h2>Then</h2><ul>",
        *[f"<li>{escape(text)}</li>" for text in _AFTER],
        f"<li>Run <code>{escape(learn)}</code></li></ul>",
        "</body></html>",
        "",
    ]
    return "\n".join(lines)
