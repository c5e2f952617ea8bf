"""Settings, and the way to a node that is wrong, absent or no node at all."""

import socket
import threading
import traceback
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from chain.connection import ChainSettings, connect
from chain.errors import InvalidSettings, NodeRefused, NodeUnreachable, WrongChain

SECRET = "an-access-key-in-the-path"


@pytest.fixture
def server() -> Iterator[Any]:
    """An HTTP server that answers every request with its `answer`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = self.server.answer  # type: ignore[attr-defined]
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        yield http
        http.shutdown()
        thread.join()


def settings_for(server: Any, chain_id: int = 31337) -> ChainSettings:
    url = f"http://127.0.0.1:{server.server_address[1]}/{SECRET}"
    return ChainSettings("testnet", chain_id, rpc_url=url, timeout_s=2)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rpc_url": None, "embedded_path": None},
        {"rpc_url": "http://127.0.0.1", "embedded_path": Path("chain.sqlite")},
        {"rpc_url": "ws://127.0.0.1"},
        {"rpc_url": "127.0.0.1:8545"},
        {"rpc_url": "http://127.0.0.1", "chain_id": 0},
        {"rpc_url": "http://127.0.0.1", "confirmations": 0},
        {"rpc_url": "http://127.0.0.1", "poll_latency_s": 0},
        {"rpc_url": "http://127.0.0.1", "timeout_s": -1},
    ],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidSettings):
        ChainSettings(**{"network": "testnet", "chain_id": 1, **wrong})


def test_a_url_is_in_no_text_of_its_settings() -> None:
    settings = ChainSettings("testnet", 1, rpc_url=f"https://node.example/{SECRET}")
    assert SECRET not in f"{settings!r} {settings}"


def test_a_node_that_is_not_there_is_said_without_its_url() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/{SECRET}"
        with pytest.raises(NodeUnreachable, match="Connecting to testnet") as refused:
            connect(ChainSettings("testnet", 1, rpc_url=url, timeout_s=1))
    assert SECRET not in "".join(traceback.format_exception(refused.value))


def test_something_that_is_no_node_is_said_without_its_url(server: Any) -> None:
    server.answer = b"<html>hello</html>"
    with pytest.raises(NodeUnreachable, match="not an Ethereum node") as refused:
        connect(settings_for(server))
    assert SECRET not in "".join(traceback.format_exception(refused.value))


def test_a_node_that_refuses_is_quoted(server: Any) -> None:
    server.answer = b'{"jsonrpc":"2.0","id":0,"error":{"code":-32005,"message":"daily limit reached"}}'
    with pytest.raises(NodeRefused, match="daily limit reached"):
        connect(settings_for(server))


def test_the_wrong_network_is_told_apart(server: Any) -> None:
    server.answer = b'{"jsonrpc":"2.0","id":0,"result":"0x1"}'
    with pytest.raises(WrongChain, match="serves chain id 1 and the settings say 31337"):
        connect(settings_for(server))
    with connect(settings_for(server, chain_id=1)) as connection:
        assert connection.embedded is None
