"""Lists of any length, a page at a time."""

from itertools import islice
from typing import Any

import pytest

import tests.api_samples as samples
from engine.sdk import ServerFailed
from tests.scripted_server import Answer, Scripted


def page(*numbers: int, rest: str | None = None) -> Answer:
    return Answer(200, {"data": [samples.asset(number) for number in numbers], "next": rest})


def test_further_pages_are_asked_for_as_they_are_needed(client: Any, scripted: Scripted) -> None:
    scripted.answers = [page(1, 2, rest="a"), page(3, 4, rest="b"), page(5)]
    listed = client.assets.list(kind="item", page_size=2)
    assert scripted.asked == []
    assert [asset.id for asset in islice(listed, 3)] == ["asset-1", "asset-2", "asset-3"]
    assert scripted.paths == [
        "GET /v1/assets?kind=item&limit=2",
        "GET /v1/assets?kind=item&limit=2&cursor=a",
    ]
    scripted.answers = [page(1, 2, rest="a"), page(3, 4, rest="b"), page(5)]
    assert [asset.id for asset in listed] == [f"asset-{number}" for number in range(1, 6)]
    assert len(scripted.asked) == 5


def test_a_single_page_is_had_by_its_cursor(client: Any, scripted: Scripted) -> None:
    scripted.answers = [page(1, rest="a/b+c")]
    first = client.assets.list().page()
    assert (len(first.data), first.next) == (1, "a/b+c")
    client.assets.list().page(first.next)
    assert scripted.paths[1] == "GET /v1/assets?cursor=a%2Fb%2Bc"


def test_an_empty_page_within_a_list_does_not_end_it(client: Any, scripted: Scripted) -> None:
    scripted.answers = [page(rest="a"), page(1)]
    assert [asset.id for asset in client.assets.list()] == ["asset-1"]


def test_a_server_that_gives_one_page_for_ever_is_told_on(client: Any, scripted: Scripted) -> None:
    scripted.answers = [page(1, rest="a")]
    with pytest.raises(ServerFailed, match="same page"):
        list(client.assets.list())
    assert len(scripted.asked) == 2


def test_a_page_that_fails_for_a_moment_is_asked_for_again(client: Any, scripted: Scripted) -> None:
    scripted.answers = [page(1, rest="a"), Answer(503, samples.problem(503)), page(2)]
    assert [asset.id for asset in client.assets.list()] == ["asset-1", "asset-2"]
