"""A creation's events over connections that break, and what is waited for."""

from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest

import tests.api_samples as samples
from engine.sdk import (
    CreationFailed,
    MintFailed,
    NotFound,
    Progress,
    ServerFailed,
    Unreachable,
    WaitTimedOut,
)
from tests.scripted_server import Answer, Scripted

QUEUED, STARTED = (1, "queued", '{"place": 1}'), (2, "started", "{}")
STEP = (3, "step", '{"step": 10, "steps": 20, "done": 0, "of": 1}')
DONE = (4, "succeeded", "{}")


def stream(*sent: tuple[int, str, str], cut_at: int | None = None) -> Answer:
    return Answer(200, samples.events(*sent), {"Content-Type": "text/event-stream; charset=utf-8"}, cut_at)


def test_events_come_in_their_order_until_the_last(client: Any, scripted: Scripted) -> None:
    scripted.answers = [stream(QUEUED, STARTED, STEP, DONE)]
    heard = list(client.creations.events("creation-1"))
    assert [(event.number, event.type) for event in heard] == [
        (1, "queued"),
        (2, "started"),
        (3, "step"),
        (4, "succeeded"),
    ]
    assert heard[0].data == {"place": 1}
    [asked] = scripted.asked
    assert (asked.path, asked.headers["accept"]) == ("/v1/creations/creation-1/events", "text/event-stream")
    assert "last-event-id" not in asked.headers


def test_a_connection_that_breaks_goes_on_after_the_last_event(client: Any, scripted: Scripted) -> None:
    whole = len(samples.events(QUEUED, STARTED))
    scripted.answers = [
        stream(QUEUED),
        stream(STARTED, STEP, cut_at=whole),
        Answer(503, samples.problem(503)),
        stream(STEP, DONE),
    ]
    assert [event.number for event in client.creations.events("creation-1")] == [1, 2, 3, 4]
    assert [asked.headers.get("last-event-id") for asked in scripted.asked][:2] == [None, "1"]
    assert scripted.asked[-1].headers["last-event-id"] in ("2", "3")


def test_events_that_were_seen_are_not_told_again(client: Any, scripted: Scripted) -> None:
    scripted.answers = [stream(QUEUED, STARTED), stream(QUEUED, STARTED, STEP, DONE)]
    assert [event.number for event in client.creations.events("creation-1")] == [1, 2, 3, 4]


def test_it_can_begin_after_an_event(client: Any, scripted: Scripted) -> None:
    scripted.answers = [stream(DONE)]
    assert [event.number for event in client.creations.events("creation-1", after=3)] == [4]
    assert scripted.asked[0].headers["last-event-id"] == "3"


def test_who_leaves_early_asks_no_more(client: Any, scripted: Scripted) -> None:
    scripted.answers = [stream(QUEUED, STARTED, STEP)]
    assert [event.number for event in islice(client.creations.events("creation-1"), 2)] == [1, 2]
    assert len(scripted.asked) == 1


def test_a_server_that_breaks_off_for_ever_is_given_up(
    connect: Callable[..., Any], scripted: Scripted
) -> None:
    scripted.answers = [stream(QUEUED, cut_at=9)]
    with pytest.raises(Unreachable):
        list(connect(scripted.url, max_retries=2).creations.events("creation-1"))
    assert len(scripted.asked) == 3


def test_a_stream_that_ends_without_news_of_a_living_creation_is_given_up(
    connect: Callable[..., Any], scripted: Scripted
) -> None:
    scripted.answers = [stream(), Answer(200, samples.creation())] * 3
    with pytest.raises(Unreachable, match="again and again"):
        list(connect(scripted.url, max_retries=2).creations.events("creation-1"))
    assert len(scripted.asked) == 6


def test_a_creation_whose_events_are_gone_has_ended(client: Any, scripted: Scripted) -> None:
    scripted.answers = [stream(), Answer(200, samples.creation("succeeded"))]
    assert client.creations.wait("creation-1").status == "succeeded"


def test_an_unknown_creation_is_told_at_once(client: Any, scripted: Scripted) -> None:
    scripted.answers = [Answer(404, samples.problem(404))]
    with pytest.raises(NotFound):
        list(client.creations.events("creation-1"))
    assert len(scripted.asked) == 1


@pytest.mark.parametrize("answer", [stream((1, "queued", "{no json")), Answer(200, {"no": "stream"})])
def test_what_is_no_stream_of_events_is_told(client: Any, scripted: Scripted, answer: Answer) -> None:
    scripted.answers = [answer]
    with pytest.raises(ServerFailed):
        list(client.creations.events("creation-1"))
    assert len(scripted.asked) == 1


def test_waiting_tells_progress_and_gives_the_assets(client: Any, scripted: Scripted) -> None:
    scripted.answers = [stream(QUEUED, STARTED, STEP, DONE), Answer(200, samples.creation("succeeded"))]
    heard: list[Progress] = []
    made = client.creations.wait("creation-1", on_progress=heard.append, timeout_s=30)
    assert [asset.id for asset in made.assets] == ["asset-1"]
    assert heard == [Progress(step=10, steps=20, done=0, of=1)]


@pytest.mark.parametrize(("status", "error"), [("failed", "The disk is full."), ("cancelled", None)])
def test_a_creation_that_ends_without_assets_is_an_error(
    client: Any, scripted: Scripted, status: str, error: str | None
) -> None:
    ended = samples.creation(status, error=error)
    scripted.answers = [stream(QUEUED, (2, status, "{}")), Answer(200, ended)]
    with pytest.raises(CreationFailed) as raised:
        client.creations.wait("creation-1")
    assert raised.value.creation.status == status
    assert str(raised.value).startswith(f"The creation creation-1 {status}: ")
    assert (error or "it was stopped.") in str(raised.value)


@pytest.mark.parametrize("said", [b": still here\n\n", b""], ids=["heartbeats", "silence"])
def test_waiting_has_an_end_though_the_server_holds_on(client: Any, scripted: Scripted, said: bytes) -> None:
    body, kind = samples.events(QUEUED), {"Content-Type": "text/event-stream"}
    scripted.answers = [Answer(200, body, kind, then=(said,) * 50)]
    with pytest.raises(WaitTimedOut, match=r"not ended within 0\.2 s"):
        client.creations.wait("creation-1", timeout_s=0.2)


def test_events_are_told_as_they_come(client: Any, scripted: Scripted) -> None:
    later = (samples.events(STARTED, retry=False), samples.events(DONE, retry=False))
    kind = {"Content-Type": "text/event-stream"}
    scripted.answers = [Answer(200, samples.events(QUEUED), kind, then=later)]
    assert [event.number for event in client.creations.events("creation-1")] == [1, 2, 4]
    assert len(scripted.asked) == 1


def test_a_mint_is_waited_for_until_it_is_confirmed(client: Any, scripted: Scripted) -> None:
    scripted.answers = [Answer(200, samples.mint(status)) for status in ("prepared", "mined", "confirmed")]
    assert client.mints.wait("mint-1").token_id == "1"
    scripted.answers = [Answer(200, samples.mint("failed", error="The gas ran out."))]
    with pytest.raises(MintFailed, match=r"The mint mint-1 failed: The gas ran out\.$"):
        client.mints.wait("mint-1")
    scripted.answers = [Answer(200, samples.mint("sent"))]
    with pytest.raises(WaitTimedOut):
        client.mints.wait("mint-1", timeout_s=0.05)
