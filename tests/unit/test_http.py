# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transport: TLS, time limits, what is tried again and what is not, over real HTTPS."""

from __future__ import annotations

import socket
import warnings
from contextlib import closing
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
import requests
import urllib3.connection
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.msp.connectwise.plugins.module_utils import _http as http
from ansible_collections.msp.connectwise.plugins.module_utils._answers import is_transient
from ansible_collections.msp.connectwise.plugins.module_utils._errors import (
    ConnectionFailed,
    DeadlinePassed,
    InputError,
    LostAnswer,
    NotThePsa,
    TlsUntrusted,
    TooSlow,
)
from ansible_collections.msp.connectwise.plugins.module_utils._http_errors import translated
from ansible_collections.msp.connectwise.plugins.module_utils._patience import Deadline, Limit
from ansible_collections.msp.connectwise.plugins.module_utils._wire import Budget

BUSY = {"status": 503, "body": "<html><title>Busy</title></html>"}
LIMITED = {"status": 429, "body": {"error": "ConnectWiseAPI", "message": "Too many requests."}}
FINE = {"body": {"id": 1}}
PLENTY = Budget(until=float("inf"), timeout=5.0, size=1000, limit=Limit("deadline", 600.0))


@pytest.fixture
def transport():
    """Makes transports: transport(server, retries=2). Their waits are in .waits."""
    made = []

    def make(server=None, *, jitter=0.0, **policy):
        policy = {"timeout": 5.0, "retries": 2, "verify": server.ca if server else True, **policy}
        waits = []
        one = http.Http(http.Policy(**policy), is_transient, sleep=waits.append, jitter=lambda: jitter)
        one.waits = waits
        made.append(one)
        return one

    yield make
    for one in made:
        one.close()


@pytest.fixture
def free_port():
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


# What is sent and what comes back


def test_a_request_and_its_answer(serve, transport):
    server = serve({"status": 201, "body": {"name": "Ä"}, "headers": {"Link": "x"}})
    found = transport(server).request(
        "POST",
        f"{server.url}/a",
        authorization="Basic abc",
        headers={"clientId": "c"},
        params={"x": "ü"},
        json={"n": "é"},
    )
    assert (found.status, found.data, found.is_json, found.headers["link"]) == (201, {"name": "Ä"}, True, "x")
    (seen,) = server.seen
    assert (seen.method, seen.path, seen.body) == ("POST", "/a?x=%C3%BC", '{"n": "\\u00e9"}')
    assert (seen.headers["Authorization"], seen.headers["clientId"]) == ("Basic abc", "c")


def test_a_form(serve, transport):
    server = serve(FINE)
    transport(server).request("POST", f"{server.url}/a", form={"actionMessage": '{"a": 1}'})
    assert server.seen[0].body == "actionMessage=%7B%22a%22%3A+1%7D"


@pytest.mark.parametrize(
    ("body", "text", "data", "is_json"),
    [
        ('{"name": "Zürich"}'.encode(), '{"name": "Zürich"}', {"name": "Zürich"}, True),
        (b"\xef\xbb\xbf[1]", "\ufeff[1]", [1], True),
        (b"null", "null", None, True),
        (b"", "", None, False),
        (b"\xff{", "\ufffd{", None, False),
        (b'{"half": ', '{"half": ', None, False),
        (b"<html>", "<html>", None, False),
    ],
)
def test_bodies(serve, transport, body, text, data, is_json):
    server = serve({"body": body, "headers": {"Content-Type": "application/vnd.connectwise.com+json; version=2025.1"}})
    found = transport(server).request("GET", server.url)
    assert (found.text, found.data, found.is_json) == (text, data, is_json)


def test_no_netrc_and_no_cookies(serve, transport, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login somebody password else\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    server = serve({"body": {}, "headers": {"Set-Cookie": "session=1"}})
    one = transport(server)
    for _time in range(2):
        one.request("GET", server.url)
    assert all("Authorization" not in seen.headers and "Cookie" not in seen.headers for seen in server.seen)


# What is tried again


def test_reads_are_tried_again_on_what_passes_by_itself(serve, transport):
    server = serve(BUSY, "drop", FINE)
    assert transport(server).request("GET", f"{server.url}/a").data == {"id": 1}
    assert server.calls == ["GET /a"] * 3


@pytest.mark.parametrize(
    "body", ["A timeout has occured. Please try again.", "Timeout expired. max pool size was reached."]
)
def test_reads_are_tried_again_on_a_500_that_passes(serve, transport, body):
    server = serve({"status": 500, "body": {"code": "ConnectWiseApi", "message": body}}, FINE)
    assert transport(server).request("GET", server.url).status == 200
    assert len(server.seen) == 2


@pytest.mark.parametrize(
    "outcome",
    [
        {"status": 500, "body": {"message": "Error converting value. Path 'x'."}},
        {"status": 500, "body": {"message": "Object reference not set"}},
        {"status": 404, "body": {"code": "NotFound", "message": "x"}},
        {"status": 403, "body": {"code": "Security", "message": "x"}},
    ],
)
def test_nothing_else_is_tried_again(serve, transport, outcome):
    server = serve(outcome, FINE)
    assert transport(server).request("GET", server.url).status == outcome["status"]
    assert len(server.seen) == 1


def test_the_last_answer_is_given_when_the_tries_are_used_up(serve, transport):
    server = serve(BUSY)
    one = transport(server, retries=3)
    assert one.request("GET", server.url).status == 503
    assert (len(server.seen), len(one.waits)) == (4, 3)


def test_no_retries(serve, transport):
    server = serve(BUSY, FINE)
    assert transport(server, retries=0).request("GET", server.url).status == 503
    assert len(server.seen) == 1


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
def test_writes_are_tried_again_on_429_alone(serve, transport, method):
    server = serve(LIMITED, FINE)
    assert transport(server).request(method, f"{server.url}/a", json={}).status == 200
    assert server.calls == [f"{method} /a"] * 2
    server = serve(BUSY, FINE)
    assert transport(server).request(method, server.url, json={}).status == 503
    assert len(server.seen) == 1


@pytest.mark.parametrize("outcome", ["drop", "short"])
@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
def test_a_write_whose_answer_is_lost_is_not_sent_again(serve, transport, method, outcome):
    server = serve(outcome, FINE)
    with pytest.raises(LostAnswer, match="before the answer was complete"):
        transport(server).request(method, server.url, json={})
    assert len(server.seen) == 1


def test_a_read_whose_answer_is_cut_short_is_sent_again(serve, transport):
    server = serve("short", FINE)
    assert transport(server).request("GET", server.url).data == {"id": 1}
    assert len(server.seen) == 2


def test_a_read_whose_answer_stays_lost(serve, transport):
    server = serve("drop")
    with pytest.raises(LostAnswer) as caught:
        transport(server, retries=1).request("GET", server.url)
    assert len(server.seen) == 2
    assert "run again" in caught.value.remedy


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_where_no_connection_was_made_all_are_tried_again(transport, free_port, method):
    one = transport(retries=2)
    with pytest.raises(ConnectionFailed, match="no connection could be made") as caught:
        one.request(method, f"https://127.0.0.1:{free_port}/a")
    assert len(one.waits) == 2
    assert "firewall" in caught.value.remedy


def test_no_answer_within_the_time_limit(serve, transport, monkeypatch):
    limits = []

    class Noted(socket.socket):
        def settimeout(self, value):
            limits.append(value)
            super().settimeout(value)

    monkeypatch.setattr(socket, "socket", Noted)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        port = silent.getsockname()[1]
        limits.clear()
        with pytest.raises(LostAnswer, match="no answer within the time limit") as caught:
            transport(timeout=0.2, retries=0).request("POST", f"https://127.0.0.1:{port}/", json={})
    assert set(limits) == {0.2}
    assert "the time limit timeout (cw_timeout) of 0.2 s" in caught.value.problem
    assert "cw_timeout" in caught.value.remedy
    assert caught.value.limit == "timeout"


@pytest.mark.parametrize(
    ("policy", "kind", "option"),
    [
        ({"timeout": 0.2}, LostAnswer, "timeout"),
        ({"request_deadline": 0.2}, TooSlow, "request_deadline"),
        ({"deadline": 0.2}, TooSlow, "deadline"),
        ({"deadline": 0.2, "retries": 3}, TooSlow, "deadline"),
        ({"deadline": 0.3, "timeout": 0.2, "retries": 3}, LostAnswer, "deadline"),
        ({"request_deadline": 0.2, "deadline": 0.1}, TooSlow, "deadline"),
    ],
)
def test_the_limit_that_was_reached_is_named(transport, policy, kind, option):
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(kind) as caught:
            transport(**{"retries": 0, **policy}).request("GET", url)
    assert caught.value.limit == option
    assert f"the time limit {option} (cw_{option}) of {policy[option]:g} s" in caught.value.problem
    assert f"cw_{option}" in caught.value.remedy


def test_a_connection_that_does_not_come_about_in_time(transport, monkeypatch):
    def never(*_arguments, **_options):
        raise TimeoutError("timed out")

    monkeypatch.setattr(urllib3.util.connection, "create_connection", never)
    for policy, words in (
        ({"timeout": 0.2}, "no connection within the time limit timeout (cw_timeout) of 0.2 s"),
        ({"timeout": 30.0}, "no connection within the time limit of 10 s"),
    ):
        with pytest.raises(ConnectionFailed) as caught:
            transport(retries=0, **policy).request("GET", "https://127.0.0.1:1/")
        assert words in caught.value.problem
        assert caught.value.limit == "timeout"


def test_two_sessions_with_one_deadline(serve):
    server, deadline = serve(FINE), Deadline(30.0)
    policy = http.Policy(verify=server.ca)
    with (
        closing(http.Http(policy, is_transient, deadline=deadline)) as one,
        closing(http.Http(policy, is_transient, deadline=deadline)) as other,
    ):
        assert one.request("GET", server.url).status == 200
        deadline.extend(-31.0)
        other.begin()
        for session in (one, other):
            with pytest.raises(DeadlinePassed):
                session.request("GET", server.url)
    assert len(server.seen) == 1


# How long to wait


def test_waits_double_and_are_spread(transport, serve):
    server = serve(BUSY)
    low, high = transport(server, retries=4, jitter=0.0), transport(server, retries=4, jitter=1.0)
    low.request("GET", server.url)
    high.request("GET", server.url)
    assert low.waits == [0.25, 0.5, 1.0, 2.0]
    assert high.waits == [0.5, 1.0, 2.0, 4.0]


def test_the_server_says_how_long(transport, serve):
    server = serve({**LIMITED, "headers": {"Retry-After": "3"}}, {**LIMITED, "headers": {"Retry-After": "900"}}, FINE)
    one = transport(server, jitter=1.0, max_delay=60.0)
    one.request("GET", server.url)
    assert one.waits == [3.3, 60.0]


def test_the_server_says_until_when(transport, serve):
    until = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=30), usegmt=True)
    server = serve({**LIMITED, "headers": {"Retry-After": until}}, FINE)
    one = transport(server)
    one.request("GET", server.url)
    assert 25 < one.waits[0] <= 30


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("7", 7.0),
        (" 1.5 ", 1.5),
        ("-3", 0.0),
        ("nan", 0.0),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 90.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
    ],
)
def test_retry_after(value, seconds):
    headers = {} if value is None else {"Retry-After": value}
    assert http.retry_after(headers, now=lambda: 10.0) == seconds


@given(st.integers(0, 40), st.one_of(st.none(), st.floats(0, 1e9)), st.floats(0, 1), st.floats(0, 600))
def test_no_wait_is_longer_than_allowed(attempt, asked, spread, limit):
    one = http.Http(http.Policy(max_delay=limit), is_transient, jitter=lambda: spread)
    try:
        wait = one._delay(attempt, asked)
    finally:
        one.close()
    assert 0 <= wait <= limit
    assert asked is None or wait >= min(asked, limit)


# Redirects


def test_a_read_follows_on_the_same_server(serve, transport):
    server = serve({"status": 302, "headers": {"Location": "/b?page=2"}}, FINE)
    found = transport(server).request("GET", f"{server.url}/a", params={"x": 1}, authorization="Basic abc")
    assert found.data == {"id": 1}
    assert server.calls == ["GET /a?x=1", "GET /b?page=2"]
    assert server.seen[1].headers["Authorization"] == "Basic abc"


@pytest.mark.parametrize("target", ["https://elsewhere.example.com/login", "http://localhost/a", ""])
def test_a_read_goes_nowhere_else(serve, transport, target):
    server = serve({"status": 302, "headers": {"Location": target} if target else {}}, {"status": 302, "headers": {}})
    with pytest.raises(NotThePsa, match="the server redirects to") as caught:
        transport(server).request("GET", f"{server.url}/a")
    assert "API host itself" in caught.value.remedy
    # A redirect without a target comes back to the same address until the hops are used up.
    assert len(server.seen) == (1 if target else 6)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_write_is_never_redirected(serve, transport, status):
    server = serve({"status": status, "headers": {"Location": "/b"}}, FINE)
    with pytest.raises(NotThePsa, match="redirects to https://localhost"):
        transport(server).request("POST", f"{server.url}/a", json={})
    assert server.calls == ["POST /a"]


def test_a_redirect_that_never_ends(serve, transport):
    server = serve({"status": 302, "headers": {"Location": "/a"}})
    with pytest.raises(NotThePsa):
        transport(server).request("GET", f"{server.url}/a")
    assert len(server.seen) == 6


# TLS


def test_a_certificate_nobody_vouches_for(serve, transport):
    server = serve(FINE)
    one = transport(server, verify=True)
    with pytest.raises(TlsUntrusted, match="not trusted") as caught:
        one.request("GET", server.url)
    assert "ca_path (cw_ca_path)" in caught.value.remedy
    assert (one.waits, server.seen) == ([], [])


def test_the_wrong_ca(serve, transport, tmp_path):
    from tests.simulator.tls import Authority

    other = Authority(tmp_path).ca_file
    server = serve(FINE)
    with pytest.raises(TlsUntrusted) as caught:
        transport(server, verify=str(other)).request("GET", server.url)
    assert f"{other} (ca_path) does not hold the CA" in caught.value.remedy


@pytest.mark.parametrize(
    ("certificate", "remedy"), [("expired", "renew the certificate"), ("other_host", "set host to the name")]
)
def test_bad_certificates(serve, transport, certificate, remedy):
    server = serve(FINE, certificate=certificate)
    with pytest.raises(TlsUntrusted) as caught:
        transport(server).request("GET", server.url)
    assert remedy in caught.value.remedy
    assert "ca_path" not in caught.value.remedy


def test_ca_path_wins_over_the_environment(serve, transport, monkeypatch, tmp_path):
    from tests.simulator.tls import Authority

    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(Authority(tmp_path).ca_file))
    server = serve(FINE)
    assert transport(server).request("GET", server.url).status == 200


def test_without_ca_path_the_environment_counts(serve, transport, monkeypatch):
    server = serve(FINE)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", server.ca)
    assert transport(server, verify=True).request("GET", server.url).status == 200


@pytest.mark.parametrize("kind", ["missing", "not PEM", "empty"])
def test_a_ca_bundle_that_is_none(serve, transport, tmp_path, kind):
    bundle = tmp_path / "ca.pem"
    if kind != "missing":
        bundle.write_text("hello\n" if kind == "not PEM" else "", encoding="utf-8")
    server = serve(FINE)
    one = transport(server, verify=str(bundle))
    with pytest.raises(InputError, match="cannot be read") as caught:
        one.request("GET", server.url)
    assert str(bundle) in caught.value.problem
    assert "ca_path (cw_ca_path)" in caught.value.remedy
    assert one.waits == []


def test_a_ca_bundle_of_the_environment_that_is_none(serve, transport, tmp_path, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    server = serve(FINE)
    with pytest.raises(InputError, match="CA bundle of the environment") as caught:
        transport(server, verify=True).request("GET", server.url)
    assert "REQUESTS_CA_BUNDLE" in caught.value.remedy


def test_not_verified_on_request_and_without_a_word(serve, transport):
    server = serve(FINE)
    with warnings.catch_warnings(record=True) as heard:
        assert transport(server, verify=False).request("GET", server.url).status == 200
    assert heard == []


def test_a_port_without_tls(serve, transport):
    server = serve(FINE, tls=False)
    with pytest.raises(ConnectionFailed, match="does not speak TLS") as caught:
        transport(server, retries=0).request("GET", server.url)
    assert "check the port" in caught.value.remedy


# Names and other mistakes


def test_an_unknown_host(transport, monkeypatch):
    def lookup(*_arguments, **_options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    with pytest.raises(ConnectionFailed, match="the host name is not known") as caught:
        transport(retries=0).request("GET", "https://psa.invalid/")
    assert "DNS" in caught.value.remedy


def test_a_connection_that_breaks_behind_a_proxy_may_have_carried_the_request():
    """As urllib3 1.26 puts it."""
    cause = urllib3.exceptions.ProxyError("Cannot connect to proxy.", ConnectionResetError(104, "reset by peer"))
    assert isinstance(translated(requests.exceptions.ProxyError(cause), True, PLENTY), LostAnswer)


def test_a_proxy_that_is_not_there(transport, free_port, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_port}")
    with pytest.raises(ConnectionFailed, match="the proxy refused or failed") as caught:
        transport(retries=0).request("GET", "https://psa.example.com/")
    assert "HTTPS_PROXY" in caught.value.remedy


def test_a_header_that_cannot_be_sent(serve, transport):
    server = serve(FINE)
    with pytest.raises(InputError, match="cannot be made"):
        transport(server).request("GET", server.url, headers={"clientId": "a\nb"})
    assert server.seen == []


def test_requests_is_missing(monkeypatch):
    monkeypatch.setattr(http, "REQUESTS_MISSING", "No module named 'requests'")
    with pytest.raises(InputError, match="the Python library requests is missing"):
        http.Http(http.Policy(), is_transient)


def test_one_connection_serves_many_requests(serve, transport, monkeypatch):
    server = serve(FINE)
    one = transport(server)
    made = []
    connect = urllib3.connection.HTTPSConnection.connect
    monkeypatch.setattr(
        urllib3.connection.HTTPSConnection,
        "connect",
        lambda connection: (made.append(1), connect(connection))[1],
    )
    for _time in range(3):
        one.request("GET", server.url)
    assert (len(server.seen), len(made)) == (3, 1)
