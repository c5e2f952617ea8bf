"""A real anvil of a test's own that can be restarted, and a proxy in front of it that fails as nodes do."""

import json
import random
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from chain.connection import ChainSettings, Connection, connect
from engine.settings import EMBEDDED_CHAIN_ID
from tests.conftest import ANVIL, NODE_TIMEOUT_S

# The first accounts of every anvil; their keys are published with it.
KEYS = (
    "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
)


class Anvil:
    """A node with a chain of its own, kept in ``folder`` while it is stopped."""

    def __init__(self, folder: Path) -> None:
        self._state = folder / "anvil.json"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        chain = ["--chain-id", str(EMBEDDED_CHAIN_ID), "--state", str(self._state), "-q"]
        command = [str(ANVIL), "--host", "127.0.0.1", "--port", str(self._port), *chain]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + NODE_TIMEOUT_S
        while time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self._port), timeout=1):
                return
            assert self._process.poll() is None, f"anvil ended with {self._process.returncode}"
            time.sleep(0.02)
        raise AssertionError("anvil did not open its port")

    def stop(self) -> None:
        """Ends the node; it writes its chain down, and forgets what waits to be mined."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=20)
            self._process = None

    def ask(self, method: str, *params: Any) -> Any:
        return ask(self.url, method, *params)


def ask(url: str, method: str, *params: Any) -> Any:
    """The result of a JSON-RPC method of the node there."""
    answer = post(url, {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})
    assert "error" not in answer, answer
    return answer["result"]


def quick_connection(url: str, confirmations: int) -> Connection:
    """A connection that looks at the chain often and waits for the node only for a moment."""
    return connect(
        ChainSettings(
            "anvil",
            EMBEDDED_CHAIN_ID,
            rpc_url=url,
            confirmations=confirmations,
            poll_latency_s=0.03,
            timeout_s=20,
            request_timeout_s=0.5,
        )
    )


def post(url: str, body: Any) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


# What a proxy does with a request: the node's own answer, or what comes in its place.
Fault = Callable[["Proxy", dict[str, Any]], tuple[int, bytes] | None]


def as_asked(proxy: "Proxy", body: dict[str, Any]) -> tuple[int, bytes]:
    return 200, json.dumps(post(proxy.node_url, body)).encode()


def twice(proxy: "Proxy", body: dict[str, Any]) -> tuple[int, bytes]:
    """The request arrives two times, and the second answer comes back."""
    as_asked(proxy, body)
    return as_asked(proxy, body)


def late(proxy: "Proxy", body: dict[str, Any]) -> tuple[int, bytes]:
    """The node does what it is asked, and answers after who asked gave up."""
    answer = as_asked(proxy, body)
    time.sleep(proxy.late_s)
    return answer


def cut_off(proxy: "Proxy", body: dict[str, Any]) -> None:
    """The node does what it is asked, and its answer is lost."""
    as_asked(proxy, body)


def unreachable(_: "Proxy", __: dict[str, Any]) -> None:
    return None


def page(_: "Proxy", __: dict[str, Any]) -> tuple[int, bytes]:
    return 200, b"<html>Service starts</html>"


def broken(_: "Proxy", __: dict[str, Any]) -> tuple[int, bytes]:
    return 502, b"<html>Bad Gateway</html>"


def too_many(_: "Proxy", __: dict[str, Any]) -> tuple[int, bytes]:
    return 429, b"slow down"


FAULTS: tuple[Fault, ...] = (twice, late, cut_off, unreachable, page, broken, too_many)


class Proxy:
    """In front of a node; ``rate`` of the requests meet one of ``faults``. ``asked`` are the methods asked for, ``met``
    those whose request met a fault."""

    def __init__(
        self, node_url: str, seed: int, faults: tuple[Fault, ...] = FAULTS, rate: float = 0.0
    ) -> None:
        self.node_url, self.faults, self.rate, self.late_s = node_url, faults, rate, 0.6
        self.only: str | None = None  # the one method that meets faults
        self.asked: list[str] = []
        self.met: list[str] = []
        self._chance = random.Random(seed)
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with suppress(BrokenPipeError, ConnectionResetError):
                    answer = proxy.answer(body)
                    if answer is not None:
                        self.send_response(answer[0])
                        self.send_header("Content-Type", "application/json")
                        self.send_header("Content-Length", str(len(answer[1])))
                        self.end_headers()
                        self.wfile.write(answer[1])

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, body: dict[str, Any]) -> tuple[int, bytes] | None:
        self.asked.append(body["method"])
        is_faulty = self._chance.random() < self.rate and self.only in (None, body["method"])
        fault = self._chance.choice(self.faults) if is_faulty else as_asked
        if is_faulty:
            self.met.append(body["method"])
        try:
            return fault(self, body)
        except (urllib.error.URLError, ConnectionError):
            return None  # the node is not there

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
