"""Several nodes as one, over real HTTP on this machine."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import requests

from chain.boundary import node_boundary
from chain.connection import ChainSettings, connect
from chain.errors import NodeUnreachable, WrongChain
from chain.rpc import NodesProvider

SECRET = "super-secret-access-key"


class Node:
    """Answers what it is told to, after the question for its chain; ``asked`` are the methods it was asked for."""

    def __init__(self) -> None:
        self.chain_id, self.status, self.body = 31337, 200, b""
        self.asked: list[str] = []
        node = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                node.asked.append(request["method"])
                answer = {"jsonrpc": "2.0", "id": 1, "result": hex(node.chain_id)}
                is_check = request["method"] == "eth_chainId" and node.status == 200
                body = json.dumps(answer).encode() if is_check or not node.body else node.body
                self.send_response(200 if is_check else node.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/{SECRET}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def node() -> Iterator[Callable[[], Node]]:
    nodes: list[Node] = []

    def make() -> Node:
        nodes.append(Node())
        return nodes[-1]

    yield make
    for one in nodes:
        one.stop()


def over(*nodes: Node) -> NodesProvider:
    return NodesProvider(tuple(node.url for node in nodes), 31337, 2.0)


def ask(provider: NodesProvider) -> Any:
    return provider.make_request("eth_blockNumber", [])  # type: ignore[arg-type]


def told(error: dict[str, Any]) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "error": error}).encode()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"down"),
        (502, b"<html>"),
        (429, b"slow down"),
        (404, b""),
        (200, b"<html>hello</html>"),
        (200, b"\xff\xfe"),
        (200, b"[]"),
        (200, b'{"jsonrpc": "2.0"}'),
        (200, told({"code": -32005, "message": "limit exceeded"})),
    ],
)
def test_where_a_node_fails_the_next_one_answers(node: Callable[[], Node], status: int, body: bytes) -> None:
    first, second = node(), node()
    provider = over(first, second)
    provider.check_all()
    first.status, first.body = status, body
    assert ask(provider)["result"] == "0x7a69"
    assert ask(provider)["result"] == "0x7a69"
    assert first.asked.count("eth_blockNumber") == 1, "who failed is asked last for a while"


def test_an_error_of_execution_is_an_answer(node: Callable[[], Node]) -> None:
    first, second = node(), node()
    first.body = told({"code": 3, "message": "execution reverted"})
    answer = ask(over(first, second))
    assert answer["error"]["message"] == "execution reverted"
    assert second.asked == []


def test_where_all_limit_their_callers_it_is_said(node: Callable[[], Node]) -> None:
    first = node()
    first.body = told({"code": -32005, "message": "limit exceeded"})
    assert ask(over(first))["error"]["message"] == "limit exceeded"


def test_where_all_fail_no_text_holds_a_url(node: Callable[[], Node]) -> None:
    first, second = node(), node()
    provider = over(first, second)
    provider.check_all()
    first.status = second.status = 500
    with pytest.raises(NodeUnreachable) as caught, node_boundary("Asking"):
        ask(provider)
    assert SECRET not in f"{caught.value} {provider} {provider!r}"
    with pytest.raises(requests.HTTPError):
        ask(provider)


def test_a_node_of_another_chain_is_found_at_the_start_or_before_its_first_use(
    node: Callable[[], Node],
) -> None:
    first, second = node(), node()
    second.chain_id = 1
    with pytest.raises(WrongChain, match="node 2 of 2 serves chain id 1 and the settings say 31337"):
        connect(ChainSettings("testnet", 31337, rpc_url=f"{first.url},{second.url}"))
    second.status = 503
    provider = over(first, second)
    provider.check_all()  # the second does not answer yet
    second.status, first.status = 200, 500
    with pytest.raises(WrongChain):
        ask(provider)


def test_one_node_that_answers_is_enough_at_the_start(node: Callable[[], Node]) -> None:
    first, second = node(), node()
    first.status = 500
    with connect(ChainSettings("testnet", 31337, rpc_url=f"{first.url}, {second.url}")) as connection:
        assert connection.web3.eth.chain_id == 31337
