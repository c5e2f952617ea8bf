"""A signer on web3signer's own protocol for execution accounts, with keys in memory, that can be made to misbehave."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

from eth_keys.datatypes import PrivateKey
from eth_utils.crypto import keccak

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@dataclass
class RemoteKeys:
    """``fault``: slow, drip, refuse (with ``status``), other_key, other_data, high_s, garbage or long."""

    keys: list[PrivateKey] = field(default_factory=list)
    fault: str | None = None
    status: int = 500
    url: str = ""
    signed: list[bytes] = field(default_factory=list)
    ended: Event = field(default_factory=Event)

    def identifiers(self) -> list[str]:
        return ["0x" + key.public_key.to_bytes().hex() for key in self.keys]

    def signature(self, identifier: str, data: bytes) -> str | None:
        """As web3signer answers: 0x, r, s, and 27 or 28; None for a key that it does not have."""
        plain = identifier.removeprefix("0x").lower()
        key = next((each for each in self.keys if each.public_key.to_bytes().hex() == plain), None)
        if key is None:
            return None
        if self.fault == "other_key":
            key = PrivateKey(keccak(b"another key"))
        signed = key.sign_msg_hash(keccak(data + (b"more" if self.fault == "other_data" else b"")))
        r, s, v = signed.r, signed.s, signed.v
        if self.fault == "high_s":
            s, v = ORDER - s, 1 - v
        self.signed.append(data)
        return "0x" + (r.to_bytes(32) + s.to_bytes(32) + bytes([27 + v])).hex()


@contextmanager
def signing(remote: RemoteKeys) -> Iterator[RemoteKeys]:
    """Serves the keys at a loopback port of its own, which ``remote.url`` then names."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if remote.fault == "drip":
                for byte in body:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    if remote.ended.wait(0.05):
                        return
            self.wfile.write(body)

        def refused(self) -> bool:
            if remote.fault == "slow":
                remote.ended.wait(20)
            if remote.fault == "refuse":
                self.answer(remote.status, "text/plain", b"no")
            return remote.fault in ("refuse", "slow")

        def do_GET(self) -> None:
            if self.path != "/api/v1/eth1/publicKeys":
                self.answer(404, "text/plain", b"")
            elif not self.refused():
                self.answer(200, "application/json", json.dumps(remote.identifiers()).encode())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            prefix = "/api/v1/eth1/sign/"
            if self.refused():
                return
            if remote.fault in ("garbage", "long"):
                text = "0xnothing" if remote.fault == "garbage" else "0" * 2_000_000
            else:
                data = bytes.fromhex(json.loads(body)["data"].removeprefix("0x"))
                text = remote.signature(self.path.removeprefix(prefix), data) or ""
            self.answer(200 if text else 404, "text/plain; charset=utf-8", text.encode())

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:  # clients that went away
            pass

    with Server(("127.0.0.1", 0), Handler) as running:
        thread = Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        remote.url = f"http://127.0.0.1:{running.server_port}"
        try:
            yield remote
        finally:
            remote.ended.set()
            running.shutdown()
            thread.join(10)
