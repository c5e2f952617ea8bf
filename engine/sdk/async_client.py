"""The client that is awaited, on asyncio or trio."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from math import inf
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import anyio
import anyio.to_thread
import httpx2

from engine.api.asset import Mint
from engine.api.creation import Creation, CreationEvent, Progress
from engine.sdk.attempts import FIRST_RETRY_S, MAX_RETRIES, Attempts
from engine.sdk.call import Call, Download
from engine.sdk.connection import TIMEOUT_S, Connection
from engine.sdk.errors import LoresparkError, failure_of, of_network, unwritable
from engine.sdk.following import IDLE_S, Following, fulfilled, late, progress_in
from engine.sdk.resource import Awaiting
from engine.sdk.resources import (
    AccountMethods,
    AssetMethods,
    CollectionMethods,
    CreationMethods,
    KeyMethods,
    MintMethods,
    TokenMethods,
    VoucherMethods,
    WebhookMethods,
)
from engine.sdk.waiting import confirmed, pauses_s
from engine.whole_file import writing_whole

T = TypeVar("T")


class AsyncSender:
    """Sends calls, again where that may help; every error of the network leaves it as ours."""

    def __init__(self, connection: Connection, http: httpx2.AsyncClient) -> None:
        self.connection, self._http = connection, http

    async def send(self, call: Call[T]) -> T:
        attempts = self._attempts()
        while True:
            try:
                async with self.stream(call) as response:
                    await response.aread()
                return call.read(response)
            except LoresparkError as failure:
                await anyio.sleep(attempts.after(failure))

    async def save(self, download: Download) -> Path:
        attempts, path = self._attempts(), download.path
        while True:
            try:
                async with self.stream(download.call) as response:
                    with writing_whole(path) as file:
                        async for part in response.aiter_bytes():
                            await anyio.to_thread.run_sync(file.write, part)
                return path
            except LoresparkError as failure:
                await anyio.sleep(attempts.after(failure))
            except OSError as error:
                raise unwritable(path, error) from error

    @asynccontextmanager
    async def stream(self, call: Call[T], read_s: float | None = None) -> AsyncIterator[httpx2.Response]:
        """One attempt; its answer, which succeeded and has not been read."""
        request = call.request(self._http)
        if read_s is not None:
            request.extensions["timeout"]["read"] = read_s
        try:
            response = await self._http.send(request, stream=True)
            try:
                if not response.is_success:
                    await response.aread()
                    raise failure_of(response)
                yield response
            finally:
                with anyio.CancelScope(shield=True):
                    await response.aclose()
        except httpx2.HTTPError as error:
            raise of_network(error, self.connection.address) from error

    async def close(self) -> None:
        await self._http.aclose()

    def _attempts(self) -> Attempts:
        return Attempts(self.connection.max_retries, self.connection.first_retry_s)


class _Resource(Awaiting):
    def __init__(self, sender: AsyncSender) -> None:
        super().__init__(sender)
        self._server = sender


class AsyncCreations(CreationMethods, _Resource):
    async def events(self, creation_id: str, *, after: int = 0) -> AsyncGenerator[CreationEvent, None]:
        """What happens to the creation, from its beginning or after event number ``after``, until it ends.

        A connection that breaks is made anew and goes on where it was. Raises NotFound, Unreachable.
        """
        connection = self._server.connection
        following = Following(creation_id, after, connection.max_retries, connection.first_retry_s)
        while True:
            failure: LoresparkError | None = None
            try:
                async with self._server.stream(following.call(), IDLE_S) as response:
                    async for sent in httpx2.EventSource(response):
                        if (event := following.event(sent)) is not None:
                            yield event
                        if following.ended:
                            return
            except LoresparkError as error:
                failure = error
            if failure is None and following.silent and (await self.get(creation_id)).status.ended:
                return  # its events are gone, as those of an old creation may be
            await anyio.sleep(following.after(failure))

    async def wait(
        self,
        creation_id: str,
        *,
        on_progress: Callable[[Progress], object] | None = None,
        timeout_s: float | None = None,
    ) -> Creation:
        """The creation with its assets, once it has them; ``on_progress`` hears of every step.

        Raises CreationFailed where it ends without them, and WaitTimedOut after ``timeout_s`` seconds.
        """
        with anyio.move_on_after(inf if timeout_s is None else timeout_s):
            async with aclosing(self.events(creation_id)) as events:
                async for event in events:
                    if on_progress is not None and (progress := progress_in(event)) is not None:
                        on_progress(progress)
            return fulfilled(await self.get(creation_id))
        raise late(f"The creation {creation_id}", timeout_s or 0)


class AsyncAssets(AssetMethods, _Resource):
    pass


class AsyncCollections(CollectionMethods, _Resource):
    pass


class AsyncMints(MintMethods, _Resource):
    async def wait(self, mint_id: str, *, timeout_s: float = 600.0) -> Mint:
        """The mint, once it is confirmed. Raises MintFailed, and WaitTimedOut after ``timeout_s`` seconds."""
        with anyio.move_on_after(timeout_s):
            for pause_s in pauses_s():
                if (done := confirmed(await self.get(mint_id))) is not None:
                    return done
                await anyio.sleep(pause_s)
        raise late(f"The mint {mint_id}", timeout_s)


class AsyncTokens(TokenMethods, _Resource):
    pass


class AsyncVouchers(VoucherMethods, _Resource):
    pass


class AsyncKeys(KeyMethods, _Resource):
    pass


class AsyncWebhooks(WebhookMethods, _Resource):
    pass


class AsyncClient(AccountMethods, Awaiting):
    """The same as ``Client``, awaited: ``await client.creations.create(…)``, ``async for asset in
    client.assets.list()``. To be closed, or used with ``async with``."""

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        timeout_s: float = TIMEOUT_S,
        max_retries: int = MAX_RETRIES,
        first_retry_s: float = FIRST_RETRY_S,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._connection = Connection.make(
            base_url, api_key, timeout_s=timeout_s, max_retries=max_retries, first_retry_s=first_retry_s
        )
        http = httpx2.AsyncClient(transport=transport, **self._connection.options())
        sender = AsyncSender(self._connection, http)
        super().__init__(sender)
        self._close = sender.close
        self.creations = AsyncCreations(sender)
        self.assets = AsyncAssets(sender)
        self.collections = AsyncCollections(sender)
        self.mints = AsyncMints(sender)
        self.tokens = AsyncTokens(sender)
        self.vouchers = AsyncVouchers(sender)
        self.keys = AsyncKeys(sender)
        self.webhooks = AsyncWebhooks(sender)

    async def close(self) -> None:
        """Ends its connections."""
        await self._close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"AsyncClient({self._connection.address!r})"
