"""Pinning services on loopback that speak the real protocols and keep real blocks, with faults on demand.

Tests drive the product against these; by hand the same client was tried against js-ipfs (see docs/pinning.md).
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

from assets.block import MemoryBlocks
from assets.car import encode_car, export_dag, read_car
from assets.cid import Cid, raw_cid
from assets.errors import BlockMissing

HANGS_S = 30.0  # longer than any time limit of the tests; ends with the server


@dataclass
class Simulator:
    """What one service holds and what is wrong with it.

    ``fault``: "slow" answers when the test is over, "500" fails without JSON, "full" has no space, "wrong root" calls
    the content otherwise, "forgets" says yes and keeps nothing, "damaged" gives back other bytes, "endless" gives back
    without end, "garbage" answers what is no JSON. ``asked`` are the requests so far, ``tokens`` those they carried.
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
        if self.fault == "damaged":
            data = b"something else"
            return encode_car([root], [(raw_cid(data), data)])
        return encode_car([root], export_dag([root], self.blocks))


@dataclass
class ApiSimulator(Simulator):
    """A service of the IPFS Pinning Service API. It fetches from ``origin``, once it is asked ``polls`` times."""

    origin: Any = None
    polls: int = 0
    requests: dict[str, dict[str, Any]] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)


class _Handler(BaseHTTPRequestHandler):
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


class _Kubo(_Handler):
    def do_POST(self) -> None:
        body, parts = self.body(), urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if self.handled(parts.path):
            return
        match parts.path.removeprefix("/api/v0"):
            case "/version":
                self.answer(200, {"Version": "0.40.0", "Commit": "", "Repo": "17", "System": "amd64/linux"})
            case "/dag/import":
                self._import(body)
            case "/pin/ls":
                self._list(Cid.parse(query["arg"]))
            case "/pin/rm":
                self._unpin(Cid.parse(query["arg"]))
            case "/dag/export":
                self._export(Cid.parse(query["arg"]))
            case "/block/get":
                self.answer(200, data=self.simulator.blocks.get(Cid.parse(query["arg"])))
            case _:
                self.answer(404, data=b"404 page not found")

    def fail(self, message: str) -> None:
        self.answer(500, {"Message": message, "Code": 0, "Type": "error"})

    def _import(self, body: bytes) -> None:
        simulator = self.simulator
        boundary = self.headers["Content-Type"].partition("boundary=")[2].strip('"').encode()
        content = body.split(b"--" + boundary)[1].partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
        if simulator.fault == "full":
            self.fail("write /data/ipfs/blocks/x: no space left on device")
            return
        (root,), blocks = read_car(BytesIO(content))
        taken = MemoryBlocks()
        for cid, data in blocks:
            taken.put(cid, data)
        list(export_dag([root], taken))  # whole, or the import fails as in Kubo
        if simulator.fault != "forgets":
            for cid, data in taken.items():
                simulator.blocks.put(cid, data)
        simulator.pinned.add(root)
        told = raw_cid(b"other") if simulator.fault == "wrong root" else root
        self.answer(200, {"Root": {"Cid": {"/": str(told)}, "PinErrorMsg": ""}})

    def _list(self, root: Cid) -> None:
        if root in self.simulator.pinned:
            self.answer(200, {"Keys": {str(root): {"Type": "recursive"}}})
        else:
            self.fail(f"path '{root}' is not pinned")

    def _unpin(self, root: Cid) -> None:
        if root not in self.simulator.pinned:
            self.fail("not pinned or pinned indirectly")
            return
        self.simulator.pinned.remove(root)
        self.answer(200, {"Pins": [str(root)]})

    def _export(self, root: Cid) -> None:
        if self.simulator.fault == "endless":
            self.stream(_endless(self.simulator))
            return
        try:
            parts = list(self.simulator.car(root))
        except BlockMissing:
            self.fail(f"block was not found locally (offline): ipld: could not find {root}")
            return
        self.stream(iter(parts))


class _Api(_Handler):
    simulator: ApiSimulator

    def do_GET(self) -> None:
        simulator, parts = self.simulator, urlsplit(self.path)
        if self.handled(parts.path):
            return
        if parts.path.startswith("/ipfs/"):
            root = Cid.parse(parts.path.removeprefix("/ipfs/"))
            if simulator.fault == "endless":
                self.stream(_endless(simulator))
                return
            try:
                self.stream(iter(list(simulator.car(root))))
            except BlockMissing:
                self.answer(404, data=b"not found")
            return
        query = parse_qs(parts.query)
        if parts.path == "/psa/pins":
            found = [
                self._seen(request_id)
                for request_id, request in simulator.requests.items()
                if "cid" not in query or request["pin"]["cid"] == query["cid"][0]
            ]
            wanted = query.get("status", ["pinned"])[0].split(",")
            found = [request for request in found if request["status"] in wanted]
            self.answer(200, {"count": len(found), "results": found[: int(query.get("limit", ["10"])[0])]})
            return
        request_id = parts.path.removeprefix("/psa/pins/")
        if request_id not in simulator.requests:
            self.answer(404, {"error": {"reason": "NOT_FOUND", "details": "no such pin"}})
            return
        self.answer(200, self._seen(request_id))

    def do_POST(self) -> None:
        simulator, body = self.simulator, json.loads(self.body())
        if self.handled(urlsplit(self.path).path):
            return
        if simulator.fault == "full":
            self.answer(409, {"error": {"reason": "INSUFFICIENT_FUNDS", "details": "The plan is used up"}})
            return
        cid = str(raw_cid(b"other")) if simulator.fault == "wrong root" else body["cid"]
        request_id = f"request-{len(simulator.requests) + 1}"
        simulator.left[request_id] = simulator.polls
        simulator.requests[request_id] = {
            "requestid": request_id,
            "status": "queued",
            "created": "2026-11-24T12:00:00Z",
            "pin": {**body, "cid": cid},
            "delegates": ["/ip4/127.0.0.1/tcp/4001/p2p/12D3KooWExample"],
            "info": {},
        }
        self.answer(202, self._seen(request_id))

    def do_DELETE(self) -> None:
        if self.handled(urlsplit(self.path).path):
            return
        request = self.simulator.requests.pop(self.path.removeprefix("/psa/pins/"), None)
        self.answer(404, {"error": {"reason": "NOT_FOUND"}}) if request is None else self.answer(202)

    def _seen(self, request_id: str) -> dict[str, Any]:
        """The pin as it is now; each look brings it one step on, to being fetched from the origin."""
        simulator, request = self.simulator, self.simulator.requests[request_id]
        if request["status"] in ("queued", "pinning"):
            if simulator.left[request_id] > 0:
                simulator.left[request_id] -= 1
                request["status"] = "pinning"
                return dict(request)
            root = Cid.parse(request["pin"]["cid"])
            try:
                if simulator.fault not in ("forgets", "wrong root"):
                    for cid, data in export_dag([root], simulator.origin or simulator.blocks):
                        simulator.blocks.put(cid, data)
                request["status"] = "pinned"
                simulator.pinned.add(root)
            except BlockMissing:
                request["status"] = "failed"
                request["info"] = {"status_details": "No origin has the content."}
        return dict(request)


def _endless(simulator: Simulator) -> Iterator[bytes]:
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
def _serving(simulator: Simulator, handler: type[_Handler], path: str) -> Iterator[None]:
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


@contextmanager
def kubo(**values: Any) -> Iterator[Simulator]:
    """A Kubo node's RPC API; ``url`` is its address."""
    simulator = Simulator(**values)
    with _serving(simulator, _Kubo, ""):
        yield simulator


@contextmanager
def pinning_api(**values: Any) -> Iterator[ApiSimulator]:
    """A remote pinning service at ``url``, with a trustless gateway below the same host."""
    simulator = ApiSimulator(**values)
    with _serving(simulator, _Api, "/psa"):
        yield simulator


def gateway_of(simulator: Simulator) -> str:
    return simulator.url.removesuffix("/psa")
