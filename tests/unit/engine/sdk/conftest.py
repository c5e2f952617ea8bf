"""Both clients, asking a scripted server by the same test."""

from collections.abc import Callable, Iterator
from inspect import iscoroutine
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from engine.sdk import AsyncClient, Client
from tests.scripted_server import Scripted, serving

KEY = "lsk_test_secret"


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    script = Scripted()
    with serving(script):
        yield script


class Awaited:
    """An async client, or what it is made of, as if it blocked."""

    def __init__(self, own: Any, portal: BlockingPortal) -> None:
        self._own, self._portal = own, portal

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._own, name)
        if not callable(found):
            return Awaited(found, self._portal)

        def call(*args: Any, **kwargs: Any) -> Any:
            given = found(*args, **kwargs)
            return self._portal.call(_finished, given) if iscoroutine(given) else Awaited(given, self._portal)

        return call

    def __iter__(self) -> Iterator[Any]:
        going = aiter(self._own)
        while True:
            try:
                yield self._portal.call(_next, going)
            except StopAsyncIteration:
                return

    def __repr__(self) -> str:
        return repr(self._own)


async def _finished(given: Any) -> Any:
    return await given


async def _next(going: Any) -> Any:
    return await anext(going)


@pytest.fixture(params=["blocking", "awaited"])
def connect(request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Makes a client of either kind, which the test uses as one that blocks."""
    made: list[Any] = []
    if request.param == "blocking":

        def connect(url: str, key: str | None = KEY, **options: Any) -> Any:
            made.append(Client(url, key, **{"first_retry_s": 0.01, **options}))
            return made[-1]

        yield connect
        for client in made:
            client.close()
        return
    with start_blocking_portal() as portal:

        async def open_client(url: str, key: str | None, options: dict[str, Any]) -> AsyncClient:
            return AsyncClient(url, key, **{"first_retry_s": 0.01, **options})

        def connect_awaited(url: str, key: str | None = KEY, **options: Any) -> Any:
            made.append(Awaited(portal.call(open_client, url, key, options), portal))
            return made[-1]

        yield connect_awaited
        for client in made:
            client.close()


@pytest.fixture
def client(connect: Callable[..., Any], scripted: Scripted) -> Any:
    return connect(scripted.url)
