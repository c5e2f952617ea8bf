"""A small HTTP server that answers what a test scripts."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from time import sleep
from typing import Any


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """``cut_at`` closes the connection after so many bytes of the body; ``then`` goes on with these, 20 ms apart."""

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    cut_at: int | None = None
    then: tuple[bytes, ...] = ()

    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class Scripted:
    """Gives its answers in their order, and the last of them for ever; ``asked`` is what came.

    What is in ``by_path``, as in "GET /v1/models", is answered by that, whenever it is asked.
    """

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    by_path: dict[str, Answer] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def next(self, asked: Asked) -> Answer:
        with self.lock:
            self.asked.append(asked)
            if (known := self.by_path.get(f"{asked.method} {asked.path}")) is not None:
                return known
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    @property
    def paths(self) -> list[str]:
        return [f"{asked.method} {asked.path}" for asked in self.asked]


@contextmanager
def serving(script: Scripted) -> Iterator[None]:
    """Serves the script at a loopback port of its own, which ``script.url`` then names."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = script.next(Asked(self.command, self.path, headers, body))
            content = answer.content()
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            if answer.then:
                self.send_header("Connection", "close")
            else:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: answer.cut_at])
            with suppress(OSError):  # of a client that went away
                for part in answer.then:
                    self.wfile.flush()
                    sleep(0.02)
                    self.wfile.write(part)
            if answer.cut_at is not None:
                self.close_connection = True

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            """The test's own output stays clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    script.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
