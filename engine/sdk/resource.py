"""Methods of both clients made of one description: a blocking one returns the result, an awaiting one a coroutine.

A resource is a class of these descriptors; mixed with ``Blocking`` it is the sync client's, with ``Awaiting`` the
async client's.
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import wraps
from pathlib import Path
from typing import Any, Generic, ParamSpec, Protocol, Self, TypeVar, overload

from pydantic import BaseModel

from engine.api.model import Page
from engine.sdk.call import Call, Download
from engine.sdk.errors import ServerFailed

P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item", bound=BaseModel)


class BlockingSender(Protocol):
    def send(self, call: Call[T]) -> T: ...

    def save(self, download: Download) -> Path: ...


class AwaitingSender(Protocol):
    async def send(self, call: Call[T]) -> T: ...

    async def save(self, download: Download) -> Path: ...


class Blocking:
    def __init__(self, sender: BlockingSender) -> None:
        self._sender = sender


class Awaiting:
    def __init__(self, sender: AwaitingSender) -> None:
        self._sender = sender


class Pages(Generic[Item]):
    """A list of any length: going through it asks for one page after another."""

    def __init__(self, sender: BlockingSender, call: Call[Page[Item]]) -> None:
        self._sender, self._call = sender, call

    def page(self, cursor: str | None = None) -> Page[Item]:
        """One page: the first, or the one after ``cursor``, which is the ``next`` of the page before."""
        return self._sender.send(self._call.asking(cursor=cursor))

    def __iter__(self) -> Iterator[Item]:
        cursor = None
        while True:
            page = self.page(cursor)
            yield from page.data
            if (cursor := _next(page, cursor)) is None:
                return


class AsyncPages(Generic[Item]):
    """The same for ``async for``."""

    def __init__(self, sender: AwaitingSender, call: Call[Page[Item]]) -> None:
        self._sender, self._call = sender, call

    async def page(self, cursor: str | None = None) -> Page[Item]:
        """One page: the first, or the one after ``cursor``, which is the ``next`` of the page before."""
        return await self._sender.send(self._call.asking(cursor=cursor))

    async def __aiter__(self) -> AsyncIterator[Item]:
        cursor = None
        while True:
            page = await self.page(cursor)
            for item in page.data:
                yield item
            if (cursor := _next(page, cursor)) is None:
                return


def _next(page: Page[Any], cursor: str | None) -> str | None:
    if page.next is not None and page.next == cursor:  # else it would go on for ever
        raise ServerFailed("The server gave the same page twice; its list cannot be read to the end.")
    return page.next


class Endpoint(Generic[P, T]):
    """A method that sends one call."""

    def __init__(self, route: Callable[P, Call[T]]) -> None:
        self._route = route

    @overload
    def __get__(self, resource: None, owner: type) -> Self: ...
    @overload
    def __get__(self, resource: Blocking, owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, resource: Awaiting, owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, resource: Blocking | Awaiting | None, owner: type) -> Any:
        if resource is None:
            return self
        return _method(self._route, resource._sender.send)


class Listing(Generic[P, Item]):
    """A method that gives a list."""

    def __init__(self, route: Callable[P, Call[Page[Item]]]) -> None:
        self._route = route

    @overload
    def __get__(self, resource: None, owner: type) -> Self: ...
    @overload
    def __get__(self, resource: Blocking, owner: type) -> Callable[P, Pages[Item]]: ...
    @overload
    def __get__(self, resource: Awaiting, owner: type) -> Callable[P, AsyncPages[Item]]: ...
    def __get__(self, resource: Blocking | Awaiting | None, owner: type) -> Any:
        if resource is None:
            return self
        if isinstance(resource, Blocking):
            sender = resource._sender
            return _method(self._route, lambda call: Pages(sender, call))
        awaited = resource._sender
        return _method(self._route, lambda call: AsyncPages(awaited, call))


class Saving(Generic[P]):
    """A method that writes an answer into a file and returns its path."""

    def __init__(self, route: Callable[P, Download]) -> None:
        self._route = route

    @overload
    def __get__(self, resource: None, owner: type) -> Self: ...
    @overload
    def __get__(self, resource: Blocking, owner: type) -> Callable[P, Path]: ...
    @overload
    def __get__(self, resource: Awaiting, owner: type) -> Callable[P, Coroutine[Any, Any, Path]]: ...
    def __get__(self, resource: Blocking | Awaiting | None, owner: type) -> Any:
        if resource is None:
            return self
        return _method(self._route, resource._sender.save)


def _method(route: Callable[..., Any], do: Callable[[Any], Any]) -> Callable[..., Any]:
    @wraps(route)
    def method(*args: Any, **kwargs: Any) -> Any:
        return do(route(*args, **kwargs))

    return method
