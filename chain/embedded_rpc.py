"""The embedded chain as a web3 provider that speaks the JSON-RPC of any other node.

It answers with the values and the faults that a node sends, before web3 formats them, so that everything
above takes one path for both.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

from eth.abc import BlockHeaderAPI
from eth_utils.address import to_canonical_address
from eth_utils.conversions import to_bytes
from eth_utils.exceptions import ValidationError
from web3 import Web3
from web3.providers import BaseProvider
from web3.types import RPCEndpoint, RPCResponse

from chain import evm_json
from chain.embedded import PRIORITY_FEE_WEI, EmbeddedChain
from chain.errors import RpcFault
from chain.evm_calls import REVERTED, SERVER_FAULT, Message
from chain.evm_json import data, quantity
from chain.evm_logs import LogFilter

# JSON-RPC 2.0, section 5.1.
_METHOD_NOT_FOUND = -32601
_INVALID_PARAMS = -32602

# A fee history of this many blocks is what execution-apis lets one request ask for.
_FEE_HISTORY_BLOCKS = 1024

_ZERO_ADDRESS = bytes(20)


class EmbeddedProvider(BaseProvider):
    """A web3 provider on an embedded chain."""

    # EIP-3668 lets a contract send the caller to a URL of its choice; none of ours does.
    global_ccip_read_enabled = False

    def __init__(self, chain: EmbeddedChain) -> None:
        super().__init__()
        self._chain = chain
        self._methods: dict[str, Callable[..., Any]] = {
            "web3_clientVersion": lambda: "lorespark-embedded",
            "net_version": lambda: str(chain.chain_id),
            "eth_chainId": lambda: quantity(chain.chain_id),
            "eth_syncing": lambda: False,
            "eth_accounts": list,
            "eth_blockNumber": lambda: quantity(chain.head().block_number),
            "eth_gasPrice": lambda: quantity(chain.next_base_fee_wei() + PRIORITY_FEE_WEI),
            "eth_maxPriorityFeePerGas": lambda: quantity(PRIORITY_FEE_WEI),
            "eth_feeHistory": self._fee_history,
            "eth_getBlockByNumber": self._block_by_number,
            "eth_getBlockByHash": self._block_by_hash,
            "eth_getTransactionByHash": self._transaction,
            "eth_getTransactionReceipt": self._receipt,
            "eth_getLogs": self._logs,
            "eth_getBalance": self._balance,
            "eth_getTransactionCount": self._nonce,
            "eth_getCode": self._code,
            "eth_getStorageAt": self._storage,
            "eth_call": self._call,
            "eth_estimateGas": self._estimate_gas,
            "eth_sendRawTransaction": lambda raw: data(chain.send(to_bytes(hexstr=raw))),
        }

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Answers one request: a result, or a JSON-RPC error."""
        answer: Any = {"jsonrpc": "2.0", "id": 1}
        try:
            answer["result"] = self._answer(method, params)
        except RpcFault as fault:
            answer["error"] = {"code": fault.code, "message": str(fault)}
            if fault.code == REVERTED:
                answer["error"]["data"] = data(fault.data or b"")
        response: RPCResponse = answer
        return response

    def is_connected(self, show_traceback: bool = False) -> bool:
        """Always: the chain is in this process."""
        return True

    def _answer(self, method: str, params: Any) -> Any:
        handler = self._methods.get(method)
        if handler is None:
            raise RpcFault(_METHOD_NOT_FOUND, f"the method {method} does not exist on the embedded chain")
        try:
            # As over HTTP: what web3 leaves as bytes arrives as text.
            return handler(*json.loads(Web3.to_json(params)))
        except (ValueError, TypeError, KeyError, ValidationError) as error:
            raise RpcFault(_INVALID_PARAMS, f"invalid parameters of {method}: {error}") from error

    def _header(self, block: str) -> BlockHeaderAPI:
        """The header of a block number or tag. Blocks are final at once: all tags but one mean the newest."""
        if block in ("latest", "pending", "safe", "finalized"):
            return self._chain.head()
        found = self._chain.header(0 if block == "earliest" else int(block, 16))
        if found is None:
            raise RpcFault(SERVER_FAULT, "header not found")
        return found

    def _block_by_number(self, block: str, whole: bool = False) -> Any:
        try:
            header = self._header(block)
        except RpcFault:
            return None
        return evm_json.block(self._chain.block(header), whole=whole)

    def _block_by_hash(self, block_hash: str, whole: bool = False) -> Any:
        header = self._chain.header_by_hash(to_bytes(hexstr=block_hash))
        return None if header is None else evm_json.block(self._chain.block(header), whole=whole)

    def _transaction(self, transaction_hash: str) -> Any:
        found = self._chain.mined(to_bytes(hexstr=transaction_hash))
        return None if found is None else evm_json.transaction(found.transaction, found.header, found.index)

    def _receipt(self, transaction_hash: str) -> Any:
        found = self._chain.mined(to_bytes(hexstr=transaction_hash))
        return None if found is None else evm_json.receipt(found)

    def _logs(self, wanted: dict[str, Any]) -> Any:
        if "blockHash" in wanted:
            header = self._chain.header_by_hash(to_bytes(hexstr=wanted["blockHash"]))
            if header is None:
                raise RpcFault(SERVER_FAULT, "unknown block")
            first = last = int(header.block_number)
        else:
            first = self._number(wanted.get("fromBlock", "latest"))
            last = self._number(wanted.get("toBlock", "latest"))
        addresses = wanted.get("address") or ()
        filter_ = LogFilter(
            first_block=first,
            last_block=last,
            addresses=tuple(
                to_canonical_address(address)
                for address in ([addresses] if isinstance(addresses, str) else addresses)
            ),
            topics=tuple(_topics(topic) for topic in wanted.get("topics") or ()),
        )
        return [evm_json.log(log) for log in self._chain.logs(filter_)]

    def _number(self, block: str) -> int:
        """A block's number from its tag; one beyond the newest is allowed, and finds nothing."""
        if block.startswith("0x"):
            return int(block, 16)
        return int(self._header(block).block_number)

    def _balance(self, address: str, block: str = "latest") -> str:
        return quantity(self._chain.balance_wei(to_canonical_address(address), self._header(block)))

    def _nonce(self, address: str, block: str = "latest") -> str:
        return quantity(self._chain.nonce(to_canonical_address(address), self._header(block)))

    def _code(self, address: str, block: str = "latest") -> str:
        return data(self._chain.code(to_canonical_address(address), self._header(block)))

    def _storage(self, address: str, slot: str, block: str = "latest") -> str:
        word = self._chain.storage(to_canonical_address(address), int(slot, 16), self._header(block))
        return data(word.to_bytes(32, "big"))

    def _call(self, message: dict[str, Any], block: str = "latest") -> str:
        return data(self._chain.call(_message(message), self._header(block)))

    def _estimate_gas(self, message: dict[str, Any], block: str = "latest") -> str:
        return quantity(self._chain.estimate_gas(_message(message), self._header(block)))

    def _fee_history(self, count: str | int, newest: str, percentiles: Sequence[float] = ()) -> Any:
        last = int(self._header(newest).block_number)
        wanted = int(count, 16) if isinstance(count, str) else count
        first = max(0, last + 1 - min(wanted, _FEE_HISTORY_BLOCKS))
        headers: list[Any] = [self._header(hex(number)) for number in range(first, last + 1)]
        after: Any = self._chain.header(last + 1)
        next_fee = self._chain.next_base_fee_wei() if after is None else after.base_fee_per_gas
        return {
            "oldestBlock": quantity(first),
            "baseFeePerGas": [*(quantity(header.base_fee_per_gas) for header in headers), quantity(next_fee)],
            "gasUsedRatio": [header.gas_used / header.gas_limit for header in headers],
            "reward": [[quantity(PRIORITY_FEE_WEI)] * len(percentiles) for _ in headers],
        }


def _message(wanted: dict[str, Any]) -> Message:
    receiver = wanted.get("to")
    gas = wanted.get("gas")
    return Message(
        sender=to_canonical_address(wanted["from"]) if "from" in wanted else _ZERO_ADDRESS,
        to=to_canonical_address(receiver) if receiver else b"",
        value=_integer(wanted.get("value", 0)),
        data=to_bytes(hexstr=wanted.get("data") or wanted.get("input") or "0x"),
        gas=None if gas is None else _integer(gas),
    )


def _integer(value: str | int) -> int:
    return int(value, 16) if isinstance(value, str) else value


def _topics(topic: str | Sequence[str] | None) -> tuple[bytes, ...] | None:
    """One position of a topic filter: None, or an empty list, lets every topic pass."""
    if not topic:
        return None
    return tuple(to_bytes(hexstr=item) for item in ([topic] if isinstance(topic, str) else topic))
