# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The choreography as pages that a person follows beside the browser: Markdown and HTML. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from ansible_collections.msp.connectwise.plugins.module_utils._permissions import VERBS
from ansible_collections.msp.connectwise.plugins.plugin_utils._choreography import HOW_TO_RECORD, Step, steps

_BEFORE = (
    "Start the recording as below in a window of its own. Only then open the web client of this tenant and sign in.",
    "Sign in as somebody who may change security roles and API members.",
    "Do exactly these steps, in this order. Close each role and member after its step, so that the next opens it anew.",
    "If a save went wrong, run the step prepare again, and begin a new recording with the new page.",
)
_AFTER = (
    "Save the recording as above.",
    "The recording holds whatever the browser saw, also the password: keep it on this controller.",
    "Delete it once the routes are proven.",
)


def as_markdown(plan: Mapping[str, Any], learn: str) -> str:
    lines = [f"# Teach the routes of {plan['tenant']}, version {plan['version']}", ""]
    lines += [f"- {text}" for text in _BEFORE]
    lines += ["", "## Record", "", *[f"- {browser}: {how}" for browser, how in HOW_TO_RECORD], "", "## Do"]
    for number, step in enumerate(steps(plan), start=1):
        lines += ["", f"### {number}. {step.where}", "", step.what]
        if step.rows:
            lines += [
                "",
                f"| Row | {' | '.join(verb.capitalize() for verb in VERBS)} |",
                "| --- |" + " --- |" * len(VERBS),
            ]
            lines += [f"| {_name(row)} | {' | '.join(row['levels'][verb] for verb in VERBS)} |" for row in step.rows]
        if step.items:
            lines += ["", *[f"- {item}" for item in step.items]]
    lines += ["", "## Then", "", *[f"- {text}" for text in _AFTER], f"- Run: `{learn}`", ""]
    return "\n".join(lines)


def _name(row: Mapping[str, Any]) -> str:
    return f"{row['module']} / {row['function']}"


_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 52rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem }
.steps { list-style: none; padding: 0 }
.steps > li { border: 1px solid color-mix(in srgb, currentColor 25%, transparent); border-radius: .5rem;
  margin: .8rem 0; padding: .6rem .9rem }
.steps > li:has(input:checked) { opacity: .45 }
label { display: flex; gap: .6rem; cursor: pointer; font-weight: 600 }
label input { flex: none; width: 1.1rem; height: 1.1rem; margin-top: .2rem }
p { margin: .3rem 0 }
.wide { overflow-x: auto }
table { border-collapse: collapse; margin: .4rem 0 }
th, td { text-align: left; padding: .15rem .7rem .15rem 0; vertical-align: top }
td.My { color: light-dark(#8a4b00, #ffb454) } td.All { color: light-dark(#0a5c2b, #7ddf9d) }
td.My, td.All { font-weight: 600 }
code { background: color-mix(in srgb, currentColor 10%, transparent); padding: .1rem .3rem; border-radius: .2rem;
  overflow-wrap: anywhere; user-select: all }
@media (max-width: 30rem) { .rows { font-size: .8rem } .rows td, .rows th { padding-right: .4rem } }
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
        *[f"<tr><th>{escape(browser)}</th><td>{escape(how)}</td></tr>" for browser, how in HOW_TO_RECORD],
        '</table><h2>Do</h2><ol class="steps">',
        *[_step_html(number, step) for number, step in enumerate(steps(plan), start=1)],
        "</ol><h2>Then</h2><ul>",
        *[f"<li>{escape(text)}</li>" for text in _AFTER],
        f"<li>Run <code>{escape(learn)}</code></li></ul>",
        "</body></html>",
        "",
    ]
    return "\n".join(lines)


def _step_html(number: int, step: Step) -> str:
    parts = [
        f'<li><label><input type="checkbox"> <span>{number}. {escape(step.where)}</span></label>',
        f"<p>{escape(step.what)}</p>",
    ]
    if step.rows:
        head = "".join(f"<th>{verb.capitalize()}</th>" for verb in VERBS)
        parts.append(f'<div class="wide"><table class="rows"><tr><th>Row</th>{head}</tr>')
        for row in step.rows:
            levels = [row["levels"][verb] for verb in VERBS]
            cells = "".join(f'<td class="{escape(level)}">{escape(level)}</td>' for level in levels)
            parts.append(f"<tr><td>{escape(_name(row))}</td>{cells}</tr>")
        parts.append("</table></div>")
    if step.items:
        parts.append("<ul>" + "".join(f"<li><code>{escape(item)}</code></li>" for item in step.items) + "</ul>")
    return "".join([*parts, "</li>"])
