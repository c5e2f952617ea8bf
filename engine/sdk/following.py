"""A creation's events over connections that may break: where they stand, and when to connect anew."""

from collections.abc import Iterator
from time import monotonic
from typing import Any, Final

import httpx2
from pydantic import ValidationError
from pydantic_core import from_json

from engine.api.creation import Creation, CreationEvent, CreationStatus, Progress
from engine.sdk.attempts import Attempts
from engine.sdk.call import Call, get, nothing
from engine.sdk.errors import CreationFailed, LoresparkError, ServerFailed, Unreachable, WaitTimedOut

IDLE_S: Final = 45.0  # the server says something at least every 15 s
# A connection that lasted longer was a sound one; proxies cut those too.
_SOUND_S: Final = 5.0
_ENDS: Final = frozenset(status.value for status in CreationStatus if status.ended)


class Following:
    """Knows the last event that was seen; the same for both clients, which only read and sleep."""

    def __init__(self, creation_id: str, after: int, max_retries: int, first_s: float) -> None:
        self.creation_id, self.ended = creation_id, False
        self._last, self._before, self._opened_s = after, after, 0.0
        self._most, self._first_s = max_retries, first_s
        self._attempts = Attempts(max_retries, first_s)

    def call(self) -> Call[None]:
        """The connection that goes on after the last event."""
        self._opened_s, self._before = monotonic(), self._last
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if self._last > 0:
            headers["Last-Event-ID"] = str(self._last)
        asked = get(nothing, "creations", self.creation_id, "events")
        return Call(asked.method, asked.path, nothing, headers=headers)

    def event(self, sent: httpx2.ServerSentEvent) -> CreationEvent | None:
        """The event that was sent; None where it holds none or was seen before. Raises ServerFailed."""
        if sent.retry is not None:
            self._first_s = min(max(sent.retry / 1000, 0.01), 30.0)
        if not sent.data or not sent.id:
            return None
        try:
            told = {"number": sent.id, "type": sent.event, "data": from_json(sent.data)}
            event = CreationEvent.model_validate(told)
        except (ValueError, ValidationError) as error:
            raise ServerFailed(
                f"The server sent an event of {self.creation_id} that cannot be read; see that it is no older."
            ) from error
        if event.number <= self._last:
            return None
        self._last, self.ended = event.number, event.type in _ENDS
        self._renew()
        return event

    @property
    def silent(self) -> bool:
        """Whether the connection brought nothing new."""
        return self._last == self._before

    def after(self, failure: LoresparkError | None) -> float:
        """The seconds until the next connection, after one that failed or just ended; raises at the last."""
        if monotonic() - self._opened_s > _SOUND_S:
            self._renew()
        return self._attempts.after(
            failure
            or Unreachable(
                f"The server broke the events of {self.creation_id} off again and again; try later."
            )
        )

    def _renew(self) -> None:
        self._attempts = Attempts(self._most, self._first_s)


class Until(httpx2.SyncByteStream):
    """A stream that is given up at a moment: looked at whenever the server says something, heartbeats included."""

    def __init__(self, stream: Any, until_s: float, late: WaitTimedOut) -> None:
        self._stream, self._until_s, self._late = stream, until_s, late

    def __iter__(self) -> Iterator[bytes]:
        for part in self._stream:
            yield part
            if monotonic() > self._until_s:
                raise self._late

    def close(self) -> None:
        self._stream.close()


def progress_in(event: CreationEvent) -> Progress | None:
    """How far the drawing is, where the event says so."""
    return Progress.model_validate(event.data) if event.type == "step" else None


def fulfilled(creation: Creation) -> Creation:
    """The creation, where it has its assets. Raises CreationFailed."""
    if creation.status is not CreationStatus.SUCCEEDED:
        raise CreationFailed(creation)
    return creation


def late(what: str, timeout_s: float) -> WaitTimedOut:
    return WaitTimedOut(f"{what} has not ended within {timeout_s:g} s; it goes on, so wait for it again.")
