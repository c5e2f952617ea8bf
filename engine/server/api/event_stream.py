"""Events as a client's EventSource reads them. Source: WHATWG HTML, section 9.2, "Server-sent events"."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from fastapi.responses import StreamingResponse
from pydantic_core import to_json
from starlette.types import Send

from engine.api.creation import CreationEvent

RETRY_MS: Final = 2_000  # after which a client connects anew
# Proxies must not keep events back to send several at once.
_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class EventStream(StreamingResponse):
    """Sends ``events`` as they come, a comment for each None, and closes them however it ends."""

    def __init__(self, events: AsyncGenerator[CreationEvent | None, None]) -> None:
        super().__init__(_chunks(events), headers=_HEADERS, media_type="text/event-stream")
        self._events = events

    async def stream_response(self, send: Send) -> None:
        async with aclosing(self._events):
            await super().stream_response(send)


async def _chunks(events: AsyncGenerator[CreationEvent | None, None]) -> AsyncGenerator[bytes, None]:
    yield f"retry: {RETRY_MS}\n\n".encode()
    async for event in events:
        if event is None:
            yield b": nothing new\n\n"
        else:
            head = f"id: {event.number}\nevent: {event.type}\ndata: ".encode()
            yield head + to_json(event.data) + b"\n\n"
