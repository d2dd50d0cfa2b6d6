# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The surveys and the schedule of the set-up under the rules of AWX, and the double that applies them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.awx.rules import answers_wrong, rule_wrong, survey_wrong

PLAY = yaml.safe_load((Path(__file__).resolve().parents[2] / "playbooks/awx_setup.yml").read_text(encoding="utf-8"))[0]


def questions(survey: list[Any]) -> list[dict[str, Any]]:
    """Return the questions of a survey. Those that several surveys ask are variables of the play."""
    return [PLAY["vars"][one.strip("{} ")] if isinstance(one, str) else one for one in survey]


SURVEYS = {
    one["name"]: {"name": "", "description": "", "spec": questions(one["survey"])}
    for one in PLAY["vars"]["__awx_templates"]
    if "survey" in one
}
QUESTION = {"question_name": "Age", "variable": "age", "type": "integer", "required": True, "min": 1, "max": 9}


def survey(**changes: Any) -> dict[str, Any]:
    return {"name": "", "description": "", "spec": [{**QUESTION, **changes}]}


def test_awx_keeps_what_is_set_up() -> None:
    assert set(SURVEYS) == {"onboard", "audit", "rotate_keys", "offboard"}
    assert [survey_wrong(one) for one in SURVEYS.values()] == ["", "", "", ""]
    assert rule_wrong(PLAY["vars"]["awx_audit_rule"]) == []


def test_a_launch_without_a_form_onboards_all_and_takes_nothing_away() -> None:
    assert answers_wrong(SURVEYS["onboard"], {}) == answers_wrong(SURVEYS["audit"], {}) == []
    assert answers_wrong(SURVEYS["rotate_keys"], {}) == ["'integration_key_max_age_days' value missing"]
    assert len(answers_wrong(SURVEYS["offboard"], {})) == 2
    assert answers_wrong(SURVEYS["offboard"], {"cw_hosts": "22", "cw_integrations": "petra"}) == []


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({}, "'age' value missing"),
        ({"age": "5"}, "expected to be a integer"),
        ({"age": True}, "expected to be a integer"),
        ({"age": None}, "expected to be a integer"),
        ({"age": 0}, "too small"),
        ({"age": 10}, "too large"),
    ],
)
def test_answers_that_awx_refuses(answers: dict[str, Any], said: str) -> None:
    # A default does not help: only a form sends it.
    (problem,) = answers_wrong(survey(default=5), answers)
    assert said in problem


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "", "description": ""},
        {"name": "", "description": "", "spec": []},
        {"name": "", "description": "", "spec": [QUESTION, QUESTION]},
        survey(required="yes"),
        survey(type="number"),
        survey(default="5"),
        survey(min="1"),
        survey(type="multiplechoice"),
    ],
)
def test_surveys_that_awx_refuses(wrong: dict[str, Any]) -> None:
    assert survey_wrong(wrong)


@pytest.mark.parametrize(
    "rule",
    [
        "RRULE:FREQ=DAILY;INTERVAL=1",
        "DTSTART:20260101T020000 RRULE:FREQ=DAILY;INTERVAL=1",
        "DTSTART:20260101T020000Z",
        "DTSTART:20260101T020000Z RRULE:FREQ=DAILY",
        "DTSTART:20260101T020000Z RRULE:FREQ=SECONDLY;INTERVAL=1",
        "DTSTART:20260101T020000Z RRULE:FREQ=DAILY;INTERVAL=1;COUNT=2;UNTIL=20270101T000000Z",
        "DTSTART:20260101T020000Z RRULE:FREQ=DAILY;INTERVAL=1 EXDATE:20260102T020000Z",
    ],
)
def test_rules_that_awx_refuses(rule: str) -> None:
    assert rule_wrong(rule)
    assert rule_wrong("DTSTART;TZID=Europe/Oslo:20260101T020000 RRULE:FREQ=DAILY;INTERVAL=1") == []
