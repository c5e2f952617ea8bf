"""A receiver of webhooks on loopback: a real socket that answers each connection as it is told to."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

Answer = Callable[[socket.socket, threading.Event], None]
_PATIENCE_S = 10.0


@dataclass(frozen=True)
class Received:
    """One POST as it came. ``headers`` have names in lower case."""

    line: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """Gives ``answers`` one after another, the last one for ever; ``received`` is what came."""

    def __init__(self, *answers: Answer, tls: ssl.SSLContext | None = None) -> None:
        self._answers, self._tls = list(answers), tls
        self.received: list[Received] = []
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(_PATIENCE_S)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def url(self, host: str = "127.0.0.1") -> str:
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}/hooks?of=me"

    def close(self) -> None:
        self._ended.set()
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        self._thread.join(_PATIENCE_S)
        self._listener.close()

    def _serve(self) -> None:
        while not self._ended.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            with connection, suppress(OSError):
                connection.settimeout(_PATIENCE_S)
                self._answer(self._tls.wrap_socket(connection, server_side=True) if self._tls else connection)

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            request = _request(connection)
            if request is None:
                return
            self.received.append(request)
            answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
            answer(connection, self._ended)


@contextmanager
def receiving(*answers: Answer, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    receiver = Receiver(*answers, tls=tls)
    try:
        yield receiver
    finally:
        receiver.close()


def answering(status: int, *headers: str) -> Answer:
    """An answer of this status and these header lines, with a short body."""

    def answer(connection: socket.socket, _: threading.Event) -> None:
        lines = [f"HTTP/1.1 {status} Said", "Content-Length: 2", *headers, "", "ok"]
        connection.sendall("\r\n".join(lines).encode())

    return answer


def hanging(connection: socket.socket, ended: threading.Event) -> None:
    """Says nothing."""
    ended.wait(_PATIENCE_S)


def dripping(connection: socket.socket, ended: threading.Event) -> None:
    """Sends its header a letter at a time, without end: each comes in time, the whole never."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not ended.wait(0.02):
        connection.sendall(b"a")


def endless(connection: socket.socket, ended: threading.Event) -> None:
    """Takes the delivery, then sends bytes for as long as somebody reads them."""
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while not ended.is_set():
        connection.sendall(b"x" * 65_536)


def endless_header(connection: socket.socket, ended: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while not ended.is_set():
        connection.sendall(b"X-More: " + b"x" * 10_000 + b"\r\n")


def half_a_header(connection: socket.socket, _: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Le")


def half_a_body(connection: socket.socket, _: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")


def no_http(connection: socket.socket, _: threading.Event) -> None:
    connection.sendall(b"220 mail.example ESMTP\r\n")


def _request(connection: socket.socket) -> Received | None:
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65_536)
        if not part:
            return None
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    line, *rest = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (row.partition(":") for row in rest)}
    while len(body) < int(headers["content-length"]):
        body += connection.recv(65_536)
    return Received(line, headers, body)
