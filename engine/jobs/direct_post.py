"""One POST to a checked target: to the very addresses that were checked, with no proxy, redirect or cookie between."""

import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpcore2

from engine.errors import DeliveryFailed
from engine.webhook_target import Target

MAX_ANSWER_BYTES: Final = 4_096
_ANSWER_S: Final = 1.0  # nobody reads the answer's body; a receiver that is slow with it holds no worker up


@dataclass(frozen=True)
class Limits:
    """Seconds to connect to one address, and for everything."""

    connect_s: float = 5.0
    whole_s: float = 15.0


def post(target: Target, headers: Mapping[str, str], body: bytes, tls: ssl.SSLContext, limits: Limits) -> int:
    """Sends ``body`` and returns the status of the answer, of which at most MAX_ANSWER_BYTES are read.

    The certificate must be for the target's name, whatever address it has. Raises DeliveryFailed where there is no
    answer; the message holds neither the URL nor what was sent.
    """
    deadline = _Deadline(limits.whole_s)
    own = {
        "Host": target.authority,
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    wait = {"connect": limits.connect_s, "read": limits.whole_s, "write": limits.whole_s}
    try:
        with (
            httpcore2.ConnectionPool(
                ssl_context=tls, network_backend=_PinnedBackend(target.addresses, deadline)
            ) as pool,
            pool.stream(
                "POST",
                httpcore2.URL(
                    scheme=target.scheme.encode(),
                    host=target.host.encode(),
                    port=target.port,
                    target=target.path,
                ),
                headers=[(name.encode(), value.encode()) for name, value in (own | dict(headers)).items()],
                content=body,
                extensions={"timeout": wait},
            ) as response,
        ):
            deadline.shorten(_ANSWER_S)
            _read(response)
            return response.status
    except httpcore2.TimeoutException as error:
        raise DeliveryFailed(f"The receiver gave no answer within {limits.whole_s:g} s.") from error
    except httpcore2.ConnectError as error:
        raise DeliveryFailed(f"The receiver cannot be reached ({_reason(error)}).") from error
    except httpcore2.NetworkError as error:
        raise DeliveryFailed(f"The connection to the receiver broke ({_reason(error)}).") from error
    except httpcore2.ProtocolError as error:
        raise DeliveryFailed("The receiver closed the connection without an answer in HTTP.") from error


def _read(response: httpcore2.Response) -> None:
    """Lets the receiver say what it has to say; the status has said already whether it took the delivery."""
    size = 0
    try:
        for part in response.iter_stream():
            size += len(part)
            if size >= MAX_ANSWER_BYTES:
                return
    except (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError):
        return


def _reason(error: BaseException) -> str:
    """What the system said, without addresses."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, ssl.SSLCertVerificationError):
            return f"its certificate is not valid: {found.verify_message.rstrip('.')}"
        if isinstance(found, ssl.SSLError):
            return "no TLS connection comes about"
        if isinstance(found, OSError):
            return (found.strerror or type(found).__name__).lower()
        found = found.__cause__ or found.__context__
    return type(error).__name__


class _Deadline:
    def __init__(self, whole_s: float) -> None:
        self._ends = time.monotonic() + whole_s

    def shorten(self, left_s: float) -> None:
        self._ends = min(self._ends, time.monotonic() + left_s)

    def left(self, at_most_s: float | None, late: type[httpcore2.TimeoutException]) -> float:
        """Seconds that one operation may take. Raises ``late`` where none are left."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise late("the time is over")
        return left if at_most_s is None else min(left, at_most_s)


class _PinnedBackend(httpcore2.NetworkBackend):
    """Connects to ``addresses``, one after another until one answers, whatever name it is asked for."""

    def __init__(self, addresses: tuple[str, ...], deadline: _Deadline) -> None:
        self._addresses, self._deadline = addresses, deadline
        self._plain = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        failed: Exception | None = None
        for address in self._addresses:
            left = self._deadline.left(timeout, httpcore2.ConnectTimeout)
            try:
                stream = self._plain.connect_tcp(address, port, left, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failed = error
            else:
                return _TimedStream(stream, self._deadline)
        assert failed is not None, "a target has an address"
        raise failed


class _TimedStream(httpcore2.NetworkStream):
    """A stream whose operations all end at one deadline: httpcore2's own limits are for each of them anew."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: _Deadline) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left(timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left(timeout, httpcore2.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        left = self._deadline.left(timeout, httpcore2.ConnectTimeout)
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
