"""What is tried again, how often, and what it ends in."""

import socket
from collections.abc import Callable
from typing import Any

import pytest

import tests.api_samples as samples
from engine.sdk import (
    Conflict,
    Forbidden,
    Invalid,
    LoresparkError,
    NotFound,
    RateLimited,
    ServerFailed,
    Unauthorised,
    Unreachable,
)
from engine.sdk.attempts import MAX_RETRY_AFTER_S, Attempts
from tests.scripted_server import Answer, Scripted

GOOD = Answer(202, samples.creation())


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_asked_again_with_the_same_idempotency_key(
    client: Any, scripted: Scripted, status: int
) -> None:
    scripted.answers = [Answer(status, samples.problem(status)), Answer(status, b"<html>"), GOOD]
    assert client.creations.create("a knight").id == "creation-1"
    assert len(scripted.asked) == 3
    assert len({asked.headers["idempotency-key"] for asked in scripted.asked}) == 1
    assert len({asked.body for asked in scripted.asked}) == 1


def test_an_answer_that_breaks_off_is_asked_for_again(client: Any, scripted: Scripted) -> None:
    scripted.answers = [Answer(202, samples.creation(), cut_at=20), GOOD]
    assert client.creations.create("a knight").id == "creation-1"
    assert len({asked.headers["idempotency-key"] for asked in scripted.asked}) == 1
    assert len(scripted.asked) == 2


def test_it_ends_after_the_retries_that_were_allowed(connect: Callable[..., Any], scripted: Scripted) -> None:
    scripted.answers = [Answer(503, samples.problem(503, "not-ready"))]
    with pytest.raises(ServerFailed) as raised:
        connect(scripted.url, max_retries=2).models()
    assert raised.value.type == "urn:lorespark:problem:not-ready"
    assert len(scripted.asked) == 3
    with pytest.raises(ServerFailed):
        connect(scripted.url, max_retries=0).models()
    assert len(scripted.asked) == 4


def test_a_server_that_is_not_there_is_named_without_what_was_asked(connect: Callable[..., Any]) -> None:
    with socket.socket() as taken:  # bound and not listening: every connection is refused
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(Unreachable) as raised:
            connect(address, max_retries=1).models()
    assert address in str(raised.value)
    assert "cannot be reached (ConnectError)" in str(raised.value)
    assert (raised.value.status, raised.value.type) == (None, None)


def test_a_server_that_says_nothing_is_given_up(connect: Callable[..., Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(Unreachable, match="did not answer in time"):
            connect(address, max_retries=0, timeout_s=0.05).models()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Invalid),
        (401, Unauthorised),
        (403, Forbidden),
        (404, NotFound),
        (405, Invalid),
        (409, Conflict),
        (413, Invalid),
        (422, Invalid),
        (500, ServerFailed),
    ],
)
def test_an_error_that_will_not_pass_is_raised_at_once_with_the_problem(
    client: Any, scripted: Scripted, status: int, kind: type[LoresparkError]
) -> None:
    fields = [{"pointer": "#/controls/size", "in": "body", "detail": "too small"}]
    scripted.answers = [Answer(status, samples.problem(status, "that-one", errors=fields))]
    with pytest.raises(LoresparkError) as raised:
        client.creations.create("a knight")
    told = raised.value
    assert type(told) is kind
    assert (told.status, told.type) == (status, "urn:lorespark:problem:that-one")
    assert str(told) == told.detail == "Something is wrong; correct it."
    assert [(error.pointer, error.in_, error.detail) for error in told.errors] == [
        ("#/controls/size", "body", "too small")
    ]
    assert len(scripted.asked) == 1


def test_a_quota_that_is_full_for_long_is_not_waited_for(client: Any, scripted: Scripted) -> None:
    scripted.answers = [Answer(429, samples.problem(429), {"Retry-After": "40000"})]
    with pytest.raises(RateLimited) as raised:
        client.creations.create("a knight")
    assert raised.value.retry_after_s == 40_000
    assert len(scripted.asked) == 1


def test_the_pause_is_the_servers_where_it_names_one() -> None:
    attempts = Attempts(most=5, first_s=0.5)
    assert 3.0 <= attempts.after(RateLimited("busy", retry_after_s=3.0)) <= 3.5
    assert attempts.after(RateLimited("busy", retry_after_s=MAX_RETRY_AFTER_S)) >= MAX_RETRY_AFTER_S
    with pytest.raises(RateLimited):
        attempts.after(RateLimited("busy", retry_after_s=MAX_RETRY_AFTER_S + 1))


def test_pauses_grow_to_a_bound_and_vary() -> None:
    pauses = [[Attempts(9, 1.0) for _ in range(50)], []]
    attempts = pauses[0]
    rounds = [[attempt.after(Unreachable("gone")) for attempt in attempts] for _ in range(6)]
    for number, round_ in enumerate(rounds):
        longest = min(8.0, 2.0**number)
        assert all(longest / 2 <= pause <= longest for pause in round_)
        assert len(set(round_)) > 1


@pytest.mark.parametrize("date", ["Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2015 07:28:00 -0000"])
def test_a_retry_after_that_is_a_date_counts_from_now(client: Any, scripted: Scripted, date: str) -> None:
    scripted.answers = [Answer(429, samples.problem(429), {"Retry-After": date}), GOOD]
    assert client.creations.create("a knight").id == "creation-1"


@pytest.mark.parametrize("body", [b"<html>not ours</html>", b"[]", b"", b'{"id": 1}'])
def test_an_answer_that_is_none_of_lorespark_says_so(client: Any, scripted: Scripted, body: bytes) -> None:
    scripted.answers = [Answer(200, body)]
    with pytest.raises(ServerFailed, match="none of Lorespark's"):
        client.creations.get("creation-1")
    with pytest.raises(ServerFailed, match="none of Lorespark's"):
        client.models()


def test_a_redirection_is_told_and_the_key_sent_nowhere_else(client: Any, scripted: Scripted) -> None:
    scripted.answers = [Answer(307, b"", {"Location": f"{scripted.url}/elsewhere"})]
    with pytest.raises(ServerFailed, match="answered 307"):
        client.models()
    assert len(scripted.asked) == 1


def test_fields_that_a_newer_server_adds_are_let_be(client: Any, scripted: Scripted) -> None:
    scripted.answers = [Answer(200, samples.creation(colour="new"))]
    assert client.creations.get("creation-1").seed == 7
