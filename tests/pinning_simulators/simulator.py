"""What every simulated service has: what it holds, what is wrong with it, and an HTTP server on loopback."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from assets.block import MemoryBlocks
from assets.car import encode_car, export_dag
from assets.cid import Cid, raw_cid

HANGS_S = 30.0  # longer than any time limit of the tests; ends with the server


@dataclass
class Simulator:
    """What one service holds and what is wrong with it.

    ``fault``: "slow" answers when the test is over, "500" fails without JSON, "full" has no space, "wrong root" calls
    the content otherwise, "forgets" says yes and keeps nothing, "damaged" gives back other bytes, "endless" gives back
    without end, "nothing" gives back no byte, "finds damage" (Kubo) hashes what it reads, "garbage" answers what is
    no JSON. ``asked`` are the requests so far, ``tokens`` those they carried.
    """

    blocks: MemoryBlocks = field(default_factory=MemoryBlocks)
    pinned: set[Cid] = field(default_factory=set)
    fault: str | None = None
    asked: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    url: str = ""
    token: str | None = None  # what it wants to see
    ended: threading.Event = field(default_factory=threading.Event)

    def forget(self) -> None:
        """Loses all that it holds, and still lists its pins."""
        self.blocks = MemoryBlocks()

    def car(self, root: Cid) -> Iterator[bytes]:
        if self.fault == "nothing":
            return iter(())
        if self.fault == "damaged":
            data = b"something else"
            return encode_car([root], [(raw_cid(data), data)])
        return encode_car([root], export_dag([root], self.blocks))


class Handler(BaseHTTPRequestHandler):
    simulator: Simulator
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def answer(self, status: int, value: Any = None, data: bytes | None = None) -> None:
        payload = data if data is not None else b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header(
            "Content-Type", "application/octet-stream" if data is not None else "application/json"
        )
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def stream(self, parts: Iterator[bytes]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/vnd.ipld.car")
        self.send_header("Transfer-Encoding", "chunked")  # as Go's servers do
        self.end_headers()
        for part in parts:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        self.wfile.write(b"0\r\n\r\n")

    def handled(self, path: str) -> bool:
        """Whether the fault of this service, or a wrong token, was the answer."""
        simulator = self.simulator
        simulator.asked.append(f"{self.command} {path}")
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        simulator.tokens.add(given)
        if simulator.fault == "slow":
            simulator.ended.wait(HANGS_S)
            self.close_connection = True
            return True
        if simulator.fault == "500":
            self.answer(500, data=b"<h1>Internal Server Error</h1>")
            return True
        if simulator.fault == "garbage":
            self.answer(200, data=b"<h1>Welcome to nginx!</h1>")
            return True
        if simulator.token is not None and given != simulator.token and not path.startswith("/ipfs/"):
            self.answer(401, {"error": {"reason": "UNAUTHORIZED", "details": "no such token"}})
            return True
        return False


def endless(simulator: Simulator) -> Iterator[bytes]:
    data = b"\0" * 65536
    root = raw_cid(data)
    yield from encode_car([root], [(root, data)])
    block = b"".join(list(encode_car([root], [(root, data)]))[1:])
    while not simulator.ended.is_set():
        yield block


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that went away is no fault of the test's."""


@contextmanager
def serving(simulator: Simulator, handler: type[Handler], path: str) -> Iterator[None]:
    bound = type(handler.__name__, (handler,), {"simulator": simulator})
    with _Server(("127.0.0.1", 0), bound) as server:
        simulator.url = f"http://127.0.0.1:{server.server_address[1]}{path}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield
        finally:
            simulator.ended.set()
            server.shutdown()
            thread.join(timeout=10)
