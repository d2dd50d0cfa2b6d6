# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each answer of the server means."""

from __future__ import annotations

import json

import pytest

from ansible_collections.msp.connectwise.plugins.module_utils import _answers as answers
from ansible_collections.msp.connectwise.plugins.module_utils import _errors as errors
from ansible_collections.msp.connectwise.plugins.module_utils._http import Answer

PAGE = "<!DOCTYPE html><html><head><title>502 Bad\n Gateway</title></head><body>secret</body></html>"
DENIED = "You do not have security permission to perform this action."
POOL = "Timeout expired.  The timeout period elapsed ... and max pool size was reached."


def reply(status, body):
    text = body if isinstance(body, str) else json.dumps(body)
    return Answer(status, {}, text, None if isinstance(body, str) else body, not isinstance(body, str))


def coded(code, message, inner=None):
    return {"code": code, "message": message, "errors": inner}


# status, body, error, words that its problem or remedy must have
TABLE = [
    (401, coded("Unauthorized", "UserNotAuthenticated"), errors.AuthenticationFailed, "company_id (case-sensitive)"),
    (401, coded("ConnectWiseApi", "UserNotAuthenticated"), errors.AuthenticationFailed, "public_key and private_key"),
    (401, "", errors.AuthenticationFailed, "the keys were refused"),
    (
        400,
        coded("ConnectWiseApi", "Missing clientId header."),
        errors.ClientIdRefused,
        "no client id reached the server",
    ),
    (400, "The client id is required", errors.ClientIdRefused, "strips the clientId header"),
    (401, "Cannot find the clientId sent with this request.", errors.ClientIdRefused, "the client id is not known"),
    (401, coded("Unauthorized", "Invalid client_id"), errors.ClientIdRefused, "developer.connectwise.com/ClientID"),
    (400, "Cannot route. Codebase/company is invalid", errors.WrongAddress, "codebase and company_id"),
    (404, "Cannot route. Codebase/company is invalid", errors.WrongAddress, "codebase and company_id"),
    (403, coded("Security", DENIED), errors.PermissionDenied, "lacks a permission"),
    (403, coded("Security", "SSL is required."), errors.UserInterfaceHost, "begins with api-"),
    (403, PAGE, errors.NotThePsa, "in front of the API"),
    (404, coded("ConnectWiseApi", "The endpoint does not exist."), errors.RouteNotOffered, "does not offer"),
    (
        405,
        {"Message": "The requested resource does not support http method 'PATCH'."},
        errors.RouteNotOffered,
        "codebase",
    ),
    (405, "", errors.RouteNotOffered, "does not offer"),
    (404, coded("NotFound", "ApiMember 9 was not found."), errors.RecordNotFound, "does not exist"),
    (404, PAGE, errors.NotThePsa, "unexpected answer with status 404"),
    (400, coded("InvalidObject", "apiMember object is invalid", []), errors.InvalidRecord, "refused the content"),
    (400, "Bad Request", errors.NotThePsa, "unexpected answer with status 400"),
    (409, coded("Conflict", "in use"), errors.Conflict, "in use"),
    (415, {"Message": "The media type is not supported"}, errors.NotThePsa, "content type"),
    (429, {"error": "ConnectWiseAPI", "message": "Too many requests."}, errors.RateLimited, "fewer forks"),
    (
        500,
        coded("ConnectWiseApi", "A timeout has occured. Please try again."),
        errors.TransientFailure,
        "for the moment",
    ),
    (500, coded("ConnectWiseApi", POOL), errors.TransientFailure, "for the moment"),
    (
        500,
        coded("ConnectWiseApi", "Error converting value 'x' to type 'Y'. Path 'z'."),
        errors.InvalidRecord,
        "could not read",
    ),
    (500, coded("ConnectWiseApi", "Object reference not set"), errors.ServerFailed, "support"),
    (502, PAGE, errors.TransientFailure, "for the moment"),
    (503, "Service Unavailable", errors.TransientFailure, "for the moment"),
    (504, "", errors.TransientFailure, "for the moment"),
    (507, "", errors.ServerFailed, "the server failed"),
    (302, "", errors.NotThePsa, "unexpected answer with status 302"),
]


@pytest.mark.parametrize(("status", "body", "kind", "words"), TABLE)
def test_errors(status, body, kind, words):
    answer = reply(status, body)
    error = answers.error_of(answer)
    assert error.__class__ is kind
    assert words in f"{error.problem}. {error.remedy}"
    assert error.status == status
    assert error.remedy
    with pytest.raises(kind):
        answers.data_of(answer)
    assert answers.is_transient(answer) is (kind is errors.TransientFailure)


def test_a_clientid_in_a_validation_error_is_the_callers_own_word():
    inner = [{"code": "NotFound", "message": "clientId was not found", "field": "x"}]
    assert isinstance(answers.error_of(reply(400, coded("InvalidObject", "bad", inner))), errors.InvalidRecord)


def test_the_inner_errors_are_said_and_kept():
    inner = [
        {"code": "MaxLengthField", "message": "Too long.", "resource": "apiMember", "field": "identifier"},
        {"code": "ObjectExists", "message": "Must be unique.", "resource": "apiMember", "field": "identifier"},
    ]
    error = answers.error_of(reply(400, coded("InvalidObject", "apiMember object is invalid", inner)))
    assert isinstance(error, errors.InvalidRecord)
    assert error.codes == {"MaxLengthField", "ObjectExists"}
    assert error.said == (
        "apiMember object is invalid; identifier MaxLengthField Too long.; identifier ObjectExists Must be unique."
    )
    assert error.as_result()["errors"] == inner


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (PAGE, "an HTML page titled 502 Bad Gateway"),
        ("<html><body>x</body></html>", "an HTML page"),
        ("plain   text\n here", "plain text here"),
        ({"Message": "capital"}, "capital"),
        ({"other": 1}, '{"other": 1}'),
        ({"code": "X", "message": None, "errors": "text"}, '{"code": "X", "message": null, "errors": "text"}'),
        ("x" * 400, "x" * 299 + "…"),
        ("", ""),
    ],
)
def test_what_the_server_said_in_one_line(body, words):
    assert answers.said(reply(500, body)) == words


def test_data():
    assert answers.data_of(reply(200, [1])) == [1]
    assert answers.data_of(Answer(200, {}, "null", None, True)) is None
    assert answers.data_of(Answer(204, {}, "", None, False), empty_allowed=True) is None
    assert answers.data_of(Answer(200, {}, " ", None, False), empty_allowed=True) is None
    assert answers.data_of(reply(201, {"id": 1, "code": "c", "message": "m"})) == {"id": 1, "code": "c", "message": "m"}


@pytest.mark.parametrize("status", [200, 201])
def test_a_page_is_no_success(status):
    with pytest.raises(errors.NotThePsa, match="an HTML page titled 502"):
        answers.data_of(reply(status, PAGE), empty_allowed=True)


def test_nothing_is_no_success_for_a_read():
    with pytest.raises(errors.NotThePsa, match="not JSON"):
        answers.data_of(Answer(204, {}, "", None, False))


def test_an_error_in_a_success():
    with pytest.raises(errors.ServerFailed, match=r"error in a success.*A timeout has occured"):
        answers.data_of(reply(200, coded("ConnectWiseApi", "A timeout has occured. Please try again.")))
