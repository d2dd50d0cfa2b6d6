# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What requests and urllib3 raise, as the typed errors of this collection."""

from __future__ import annotations

from ._errors import (
    AnswerTooLarge,
    ConnectionFailed,
    DeadlinePassed,
    InputError,
    LostAnswer,
    NotThePsa,
    PsaError,
    TlsUntrusted,
    TooSlow,
)
from ._patience import Limit
from ._redact import beginning
from ._wire import CONNECTING, Budget, TooMuch, too_large

try:
    import requests
    import urllib3
except ImportError:
    pass  # _http says so before anything is sent

_REASON_LIMIT = 300  # characters of what the libraries say, which may quote the server


def _chain(problem: BaseException) -> list[BaseException]:
    """The causes of an exception, outermost first, also those requests and urllib3 carry as arguments."""
    seen: list[BaseException] = []
    todo = [problem]
    while todo:
        one = todo.pop(0)
        if one in seen:
            continue
        seen.append(one)
        inner = [one.__cause__, one.__context__, getattr(one, "reason", None), *getattr(one, "args", ())]
        todo.extend(each for each in inner if isinstance(each, BaseException))
    return seen


def unreadable(verify: bool | str, problem: object) -> InputError:
    which = f"the CA bundle {verify}" if isinstance(verify, str) else "the CA bundle of the environment"
    return InputError(
        f"{which} cannot be read ({problem})",
        remedy="set ca_path (cw_ca_path) to an existing file with the CA certificates in PEM form"
        + ("" if isinstance(verify, str) else ", or correct REQUESTS_CA_BUNDLE"),
    )


def _tls_error(reason: str, verify: bool | str) -> PsaError:
    """What is wrong with a TLS connection that did not come about, or that broke."""
    lower = reason.lower()
    if "certificate_verify_failed" in lower or "certificate verify failed" in lower or "doesn't match" in lower:
        remedy: str | None = None
        if "expired" in lower or "not yet valid" in lower:
            remedy = "renew the certificate of the server, and check the clock of this controller"
        elif "mismatch" in lower or "doesn't match" in lower or "not valid for" in lower:
            remedy = "set host to the name that the server's certificate is made out to"
        elif isinstance(verify, str):
            remedy = (
                f"{verify} (ca_path) does not hold the CA that signed the server's certificate; set it to one that does"
            )
        return TlsUntrusted(f"the TLS certificate of the server is not trusted ({reason})", remedy=remedy)
    if "no certificate or crl found" in lower or "x509" in lower or "pem lib" in lower:
        return unreadable(verify, reason)
    if "wrong_version_number" in lower or "wrong version number" in lower or "http_request" in lower:
        return ConnectionFailed(
            f"the server does not speak TLS at this port ({reason})", remedy="check the port in host; the API needs TLS"
        )
    # It may have broken after the request was sent.
    return LostAnswer(f"the TLS connection broke ({reason})")


def _too_late(limit: Limit | str, option: str, *, connected: bool) -> PsaError:
    """The error that names the limit of time that was reached. option: which raises it."""
    found: PsaError
    if not connected:
        found = ConnectionFailed(f"no connection within {limit}")
    elif option == "timeout":
        found = LostAnswer(f"no answer within {limit}")
        found.remedy = "raise timeout (cw_timeout), then run again"
    else:
        found = TooSlow(f"the answer was not complete within {limit}")
    if option == "deadline":
        found.problem += ", which all requests to the tenant share"
        found.remedy = DeadlinePassed.remedy
    found.limit = option
    return found


def translated(problem: Exception, verify: bool | str, budget: Budget) -> PsaError:
    """The typed error of what requests, or urllib3 while a body was read, have raised.

    verify: what the connection trusts. budget: of the request.
    """
    chain = _chain(problem)
    names = {type(one).__name__ for one in chain}
    reason = beginning(next((one for one in reversed(chain) if str(one)), type(problem).__name__), _REASON_LIMIT)
    if any(isinstance(one, TooMuch) for one in chain):
        return too_large(budget.size) if budget.has_headers else AnswerTooLarge("the headers of the answer do not end")
    connected = not isinstance(problem, requests.exceptions.ConnectTimeout)
    if budget.is_late:
        return _too_late(budget.limit, budget.limit.option, connected=connected)
    if isinstance(problem, (requests.exceptions.SSLError, urllib3.exceptions.SSLError)):
        return _tls_error(reason, verify)
    if any(isinstance(one, urllib3.exceptions.InvalidHeader) for one in chain):
        return NotThePsa(f"the headers of the answer contradict each other ({reason})")
    # urllib3 1.26 calls it the proxy's failure too when a connection through it breaks after the request was sent.
    broken = names & {"ConnectionResetError", "RemoteDisconnected", "BrokenPipeError"}
    if isinstance(problem, requests.exceptions.ProxyError) and not broken:
        return ConnectionFailed(
            f"the proxy refused or failed ({reason})", remedy="check HTTPS_PROXY and NO_PROXY of the controller"
        )
    if names & {"NameResolutionError", "gaierror"}:
        return ConnectionFailed(
            f"the host name is not known ({reason})",
            remedy="check region or host for a typing mistake, and the DNS of the controller",
        )
    if not connected:
        usual = (
            Limit("timeout", budget.timeout) if budget.timeout < CONNECTING else f"the time limit of {CONNECTING:g} s"
        )
        return _too_late(usual, "timeout", connected=False)
    if names & {"NewConnectionError", "ConnectionRefusedError"}:
        return ConnectionFailed(f"no connection could be made ({reason})")
    if isinstance(problem, requests.exceptions.Timeout) or "ReadTimeoutError" in names:
        return _too_late(Limit("timeout", budget.timeout), "timeout", connected=True)
    if isinstance(
        problem,
        (
            requests.exceptions.InvalidHeader,
            requests.exceptions.InvalidSchema,
            requests.exceptions.InvalidURL,
            requests.exceptions.MissingSchema,
        ),
    ):
        return InputError(f"the request cannot be made ({reason})", remedy="check host, client_id and api_version")
    return LostAnswer(f"the connection broke before the answer was complete ({reason})")
