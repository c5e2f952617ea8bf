"""Several nodes of one chain as one: where a node fails, the next is asked; what a node answers is the answer."""

import json
import time
from threading import Lock
from typing import Any, Final

import requests
from web3 import HTTPProvider
from web3.exceptions import Web3Exception, Web3RPCError
from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from chain.errors import WrongChain

# What says that a node failed, and nothing about the request: it is not reachable, does not answer in time, answers
# with HTTP 429 or 5xx (or another status that is none of JSON-RPC's), or with what is not JSON.
_FAULTS: Final = (
    requests.RequestException,
    json.JSONDecodeError,
    UnicodeDecodeError,
    ConnectionError,
    Web3RPCError,
)
# JSON-RPC errors by which services say the same: too many requests (EIP-1474), and internal errors of a gateway.
_FAULT_CODES: Final = (-32005, -32603)
# All nodes are asked this often before the request fails; a node that restarts is back a moment later.
_ROUNDS: Final = 2
_PAUSE_S: Final = 0.2
# A node that failed is asked last for so long.
_SHUNNED_S: Final = 10.0
_CHAIN_ID: Final = RPCEndpoint("eth_chainId")


class _Node:
    """One node. Its URL stays out of texts."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self._http = HTTPProvider(
            url,
            request_kwargs={"timeout": timeout_s},
            exception_retry_configuration=None,  # the next node is asked instead
        )
        self.is_checked = False
        self.shunned_until = 0.0

    def ask(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Raises one of _FAULTS where what came back is no answer."""
        answer = self._http.make_request(method, params)
        if not isinstance(answer, dict) or not ("result" in answer or "error" in answer):
            raise json.JSONDecodeError("no JSON-RPC answer", "", 0)
        return answer


class NodesProvider(JSONBaseProvider):
    """A web3 provider over the nodes at ``urls``, the first that works."""

    # EIP-3668 lets a contract send the caller to a URL of its choice; none of ours does.
    global_ccip_read_enabled = False

    def __init__(self, urls: tuple[str, ...], chain_id: int, timeout_s: float) -> None:
        """``timeout_s`` bounds each answer. Nothing is asked yet."""
        super().__init__()
        self._nodes = [_Node(url, timeout_s) for url in urls]
        self._chain_id = chain_id
        self._turn = Lock()

    def check_all(self) -> None:
        """Asks each node for its chain; one that does not answer is asked again before it is used.

        Raises WrongChain where a node serves another chain, and a transport error where none answers.
        """
        fault: Exception | None = None
        for node in self._nodes:
            try:
                self._check(node)
            except _FAULTS as error:
                self._shun(node)
                fault = error
        if fault is not None and not any(node.is_checked for node in self._nodes):
            raise fault

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """The answer of the first node that gives one, errors of execution included."""
        answer: RPCResponse | None = None
        fault: Exception | None = None
        for turn in range(_ROUNDS):
            for node in self._in_order():
                try:
                    self._check(node)
                    answer = node.ask(method, params)
                except _FAULTS as error:
                    fault = error
                    self._shun(node)
                    continue
                if not _is_fault(answer):
                    with self._turn:
                        node.shunned_until = 0.0
                    return answer
                self._shun(node)
            if turn + 1 < _ROUNDS:
                time.sleep(_PAUSE_S)
        if answer is not None:
            return answer
        raise fault or Web3Exception("no node was asked")

    def __str__(self) -> str:
        return f"{len(self._nodes)} nodes of chain {self._chain_id}"

    def _check(self, node: _Node) -> None:
        if node.is_checked:
            return
        answer = node.ask(_CHAIN_ID, [])
        if "error" in answer:
            raise Web3RPCError("no chain id", rpc_response=answer)
        try:
            chain_id = int(str(answer.get("result")), 16)
        except ValueError:
            raise json.JSONDecodeError("no chain id", "", 0) from None
        if chain_id != self._chain_id:
            raise WrongChain(
                f"The node {self._nodes.index(node) + 1} of {len(self._nodes)} serves chain id {chain_id} and the "
                f"settings say {self._chain_id}; correct the RPC URL or the chain id."
            )
        node.is_checked = True

    def _in_order(self) -> list[_Node]:
        """As they were named, those that failed lately last."""
        with self._turn:
            return sorted(self._nodes, key=lambda node: node.shunned_until > time.monotonic())

    def _shun(self, node: _Node) -> None:
        with self._turn:
            node.shunned_until = time.monotonic() + _SHUNNED_S


def _is_fault(answer: RPCResponse) -> bool:
    error = answer.get("error")
    return isinstance(error, dict) and error.get("code") in _FAULT_CODES
