"""The client that blocks."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import httpx2

from engine.api.asset import Mint
from engine.api.creation import Creation, CreationEvent, Progress
from engine.sdk.attempts import FIRST_RETRY_S, MAX_RETRIES, Attempts
from engine.sdk.call import Call, Download
from engine.sdk.connection import TIMEOUT_S, Connection
from engine.sdk.errors import LoresparkError, failure_of, of_network, unwritable
from engine.sdk.following import IDLE_S, Following, Until, fulfilled, late, progress_in
from engine.sdk.resource import Blocking
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


class Sender:
    """Sends calls, again where that may help; every error of the network leaves it as ours."""

    def __init__(self, connection: Connection, http: httpx2.Client) -> None:
        self.connection, self._http = connection, http

    def send(self, call: Call[T]) -> T:
        attempts = self._attempts()
        while True:
            try:
                with self.stream(call) as response:
                    response.read()
                return call.read(response)
            except LoresparkError as failure:
                time.sleep(attempts.after(failure))

    def save(self, download: Download) -> Path:
        attempts, path = self._attempts(), download.path
        while True:
            try:
                with self.stream(download.call) as response, writing_whole(path) as file:
                    for part in response.iter_bytes():
                        file.write(part)
                return path
            except LoresparkError as failure:
                time.sleep(attempts.after(failure))
            except OSError as error:
                raise unwritable(path, error) from error

    @contextmanager
    def stream(self, call: Call[T], read_s: float | None = None) -> Iterator[httpx2.Response]:
        """One attempt; its answer, which succeeded and has not been read."""
        request = call.request(self._http)
        if read_s is not None:
            request.extensions["timeout"]["read"] = read_s
        try:
            response = self._http.send(request, stream=True)
            try:
                if not response.is_success:
                    response.read()
                    raise failure_of(response)
                yield response
            finally:
                response.close()
        except httpx2.HTTPError as error:
            raise of_network(error, self.connection.address) from error

    def close(self) -> None:
        self._http.close()

    def _attempts(self) -> Attempts:
        return Attempts(self.connection.max_retries, self.connection.first_retry_s)


class _Resource(Blocking):
    def __init__(self, sender: Sender) -> None:
        super().__init__(sender)
        self._server = sender


class Creations(CreationMethods, _Resource):
    def events(self, creation_id: str, *, after: int = 0) -> Iterator[CreationEvent]:
        """What happens to the creation, from its beginning or after event number ``after``, until it ends.

        A connection that breaks is made anew and goes on where it was. Raises NotFound, Unreachable.
        """
        return self._followed(creation_id, after, None)

    def wait(
        self,
        creation_id: str,
        *,
        on_progress: Callable[[Progress], object] | None = None,
        timeout_s: float | None = None,
    ) -> Creation:
        """The creation with its assets, once it has them; ``on_progress`` hears of every step.

        Raises CreationFailed where it ends without them, and WaitTimedOut after ``timeout_s`` seconds, or up to 15
        more where the server has nothing to say.
        """
        for event in self._followed(creation_id, 0, timeout_s):
            if on_progress is not None and (progress := progress_in(event)) is not None:
                on_progress(progress)
        return fulfilled(self.get(creation_id))

    def _followed(self, creation_id: str, after: int, timeout_s: float | None) -> Iterator[CreationEvent]:
        connection = self._server.connection
        following = Following(creation_id, after, connection.max_retries, connection.first_retry_s)
        until_s = None if timeout_s is None else time.monotonic() + timeout_s
        too_late = late(f"The creation {creation_id}", timeout_s or 0)
        while True:
            failure: LoresparkError | None = None
            left_s = IDLE_S if until_s is None else until_s - time.monotonic()
            if left_s <= 0:
                raise too_late
            try:
                with self._server.stream(following.call(), min(IDLE_S, left_s)) as response:
                    if until_s is not None:
                        response.stream = Until(response.stream, until_s, too_late)
                    for sent in httpx2.EventSource(response):
                        if (event := following.event(sent)) is not None:
                            yield event
                        if following.ended:
                            return
            except LoresparkError as error:
                failure = error
            if failure is None and following.silent and self.get(creation_id).status.ended:
                return  # its events are gone, as those of an old creation may be
            pause_s = following.after(failure)
            time.sleep(pause_s if until_s is None else max(0.0, min(pause_s, until_s - time.monotonic())))


class Assets(AssetMethods, _Resource):
    pass


class Collections(CollectionMethods, _Resource):
    pass


class Mints(MintMethods, _Resource):
    def wait(self, mint_id: str, *, timeout_s: float = 600.0) -> Mint:
        """The mint, once it is confirmed. Raises MintFailed, and WaitTimedOut after ``timeout_s`` seconds."""
        until_s = time.monotonic() + timeout_s
        for pause_s in pauses_s():
            if (done := confirmed(self.get(mint_id))) is not None:
                return done
            if (left_s := until_s - time.monotonic()) <= 0:
                break
            time.sleep(min(pause_s, left_s))
        raise late(f"The mint {mint_id}", timeout_s)


class Tokens(TokenMethods, _Resource):
    pass


class Vouchers(VoucherMethods, _Resource):
    pass


class Keys(KeyMethods, _Resource):
    pass


class Webhooks(WebhookMethods, _Resource):
    pass


class Client(AccountMethods, Blocking):
    """A server's API. Usable from several threads at once; to be closed, or used with ``with``.

    ``base_url`` and ``api_key`` left out are LORESPARK_SERVER and LORESPARK_API_KEY. ``max_retries`` is how often a
    call is tried again where the network fails or the server says that it is busy (429, 502, 503, 504), after
    ``first_retry_s`` seconds and then ever longer ones; no call has a second effect by it. ``timeout_s`` bounds the
    silence between two parts of an answer. ``transport`` is httpx2's, for tests and proxies.

    Every method raises the errors of ``engine.sdk``.
    """

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        timeout_s: float = TIMEOUT_S,
        max_retries: int = MAX_RETRIES,
        first_retry_s: float = FIRST_RETRY_S,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self._connection = Connection.make(
            base_url, api_key, timeout_s=timeout_s, max_retries=max_retries, first_retry_s=first_retry_s
        )
        sender = Sender(self._connection, httpx2.Client(transport=transport, **self._connection.options()))
        super().__init__(sender)
        self._close = sender.close
        self.creations = Creations(sender)
        self.assets = Assets(sender)
        self.collections = Collections(sender)
        self.mints = Mints(sender)
        self.tokens = Tokens(sender)
        self.vouchers = Vouchers(sender)
        self.keys = Keys(sender)
        self.webhooks = Webhooks(sender)

    def close(self) -> None:
        """Ends its connections."""
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self._connection.address!r})"
