# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX refuses: surveys, answers to them, and rules of schedules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "textarea": (str,),
    "password": (str,),
    "integer": (int,),
    "float": (int, float),
    "multiselect": (list,),
    "multiplechoice": (str,),
}


def answers_wrong(survey: Mapping[str, Any] | None, answers: Mapping[str, Any]) -> list[str]:
    """What AWX has against a launch."""
    wrong = []
    for question in (survey or {}).get("spec") or []:
        variable = question["variable"]
        if variable in answers:
            wrong += answer_wrong(question, answers[variable])
        elif question["required"]:
            # A form sends the default as an answer. Who launches without a form has to, too.
            wrong.append(f"'{variable}' value missing")
    return wrong


def answer_wrong(question: Mapping[str, Any], answer: Any) -> list[str]:
    """What AWX has against an answer, or against a default in its place."""
    variable = question["variable"]
    if type(answer) not in _TYPES[question["type"]]:
        return [f"Value {answer} for '{variable}' expected to be a {question['type']}."]
    if question["type"] in ("multiselect", "multiplechoice"):
        return []
    size = len(answer) if isinstance(answer, str) else answer
    least, most = question.get("min"), question.get("max")
    if least is not None and size < least:
        return [f"'{variable}' value {answer} is too small (must be at least {least})."]
    if most is not None and size > most:
        return [f"'{variable}' value {answer} is too large (must be no more than {most})."]
    return []


def survey_wrong(survey: Mapping[str, Any]) -> str:
    """Why AWX does not keep a survey; empty if it does."""
    if not all(isinstance(survey.get(name), str) for name in ("name", "description")) or not survey.get("spec"):
        return "Field 'name', 'description' or 'spec' is missing from survey spec."
    variables = [question.get("variable") for question in survey["spec"]]
    if len(set(variables)) < len(variables):
        return "'variable' duplicated in survey question."
    for number, question in enumerate(survey["spec"]):
        for name, kind in (("type", str), ("question_name", str), ("variable", str), ("required", bool)):
            if not isinstance(question.get(name), kind):
                return f"'{name}' in survey question {number} expected to be {kind.__name__}."
        if question["type"] not in _TYPES:
            return f"'{question['type']}' in survey question {number} is not one of the allowed question types."
        if question.get("default", "") != "" and not isinstance(question["default"], _TYPES[question["type"]]):
            return f"Default value {question['default']} in survey question {number} expected to be of its type."
        if any(question.get(limit) is not None and not isinstance(question[limit], int) for limit in ("min", "max")):
            return f"The limit in survey question {number} expected to be integer."
        if question["type"].startswith("multi") and "choices" not in question:
            return f"Survey question {number} must specify choices."
    return ""


def rule_wrong(rule: str) -> list[str]:
    """What AWX has against the rule of a schedule."""
    wrong = []
    starts = re.findall(r"DTSTART(?:;[^:]+)?:[0-9]+T[0-9]+Z?", rule)
    if len(starts) != 1 or re.match(r"DTSTART:[0-9]+T[0-9]+(?!Z)(?=\s)", rule):
        wrong.append("Valid DTSTART required in rrule. Value should start with: DTSTART:YYYYMMDDTHHMMSSZ")
    rules = re.findall(r"RULE:[^\s]*", rule)
    if not rules:
        wrong.append("One or more rule required in rrule.")
    for one in rules:
        if "INTERVAL" not in one.upper():
            wrong.append(f"INTERVAL required in rrule: {one}")
        if "SECONDLY" in one.upper():
            wrong.append(f"SECONDLY is not supported: {one}")
        if "COUNT" in one and "UNTIL" in one:
            wrong.append(f"RRULE may not contain both COUNT and UNTIL: {one}")
    if re.search(r"(?i)(exdate|rdate):", rule):
        wrong.append("EXDATE and RDATE not allowed in rrule.")
    return wrong
