# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong, in the words of the server."""

from __future__ import annotations

import json
from typing import Any

NO_ENDPOINT = "The endpoint does not exist."
CANNOT_ROUTE = "Cannot route. Codebase/company is invalid"
DENIED = "You do not have security permission to perform this action."


class ApiError(Exception):
    """An answer other than success: status, body (an object for JSON, a string for plain text) and extra headers."""

    def __init__(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body
        self.headers = headers or {}


def no_endpoint() -> ApiError:
    return ApiError(404, {"code": "ConnectWiseApi", "message": NO_ENDPOINT, "errors": None})


def not_found(what: str) -> ApiError:
    return ApiError(404, {"code": "NotFound", "message": f"{what} was not found.", "errors": None})


def method_not_allowed(method: str, allowed: list[str]) -> ApiError:
    body = {"Message": f"The requested resource does not support http method '{method}'."}
    return ApiError(405, body, {"Allow": ", ".join(allowed)})


def denied() -> ApiError:
    return ApiError(403, {"code": "Security", "message": DENIED, "errors": None})


def unauthorized() -> ApiError:
    return ApiError(401, {"code": "Unauthorized", "message": "UserNotAuthenticated", "errors": None})


def cannot_route(status: int = 400) -> ApiError:
    return ApiError(status, CANNOT_ROUTE)


def inner(code: str, resource: str, field: str, message: str) -> dict[str, str]:
    return {"code": code, "message": message, "resource": resource, "field": field}


def missing(resource: str, field: str) -> dict[str, str]:
    return inner("MissingRequiredField", resource, field, f"The {field} field is required.")


def too_long(resource: str, field: str, limit: int) -> dict[str, str]:
    return inner(
        "MaxLengthField", resource, field, f"The {field} field must be a string with a maximum length of {limit}."
    )


def invalid(resource: str, errors: list[dict[str, str]]) -> ApiError:
    body = {"code": "InvalidObject", "message": f"{resource} object is invalid", "errors": errors}
    return ApiError(400, body)


def conversion(value: Any, wanted: str, path: str) -> ApiError:
    """The server's deserializer answers 500 when a value has the wrong type."""
    message = f"Error converting value {json.dumps(value)[:80]} to type '{wanted}'. Path '{path}'."
    return ApiError(500, {"code": "ConnectWiseApi", "message": message, "errors": None})
