"""Sending signed transactions and reading what became of them.

Nothing here remembers anything: whoever sends stores the signed transaction first, and may then call `submit`
as often as needed, for the chain takes it at most once.
"""

import time
from dataclasses import dataclass, field
from typing import Any

from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_typing import HexStr
from eth_utils.address import to_checksum_address
from hexbytes import HexBytes
from web3 import Web3
from web3.exceptions import BlockNotFound, ContractLogicError, TransactionNotFound, Web3RPCError
from web3.types import LogReceipt, TxData, TxReceipt

from chain.boundary import node_boundary, node_message, revert_reason
from chain.errors import (
    InsufficientFunds,
    NodeRefused,
    NonceAhead,
    NonceTaken,
    ReceiptTimeout,
    TransactionRejected,
    TransactionReverted,
    Underpriced,
)


@dataclass(frozen=True)
class SignedTransaction:
    """A signed transaction as it goes to a node. hash is 0x and 64 digits; sender is checksummed."""

    raw: bytes
    hash: str
    nonce: int
    sender: str


@dataclass(frozen=True)
class Receipt:
    """What became of a mined transaction.

    status is 1 for success and 0 for a revert. confirmations counts the transaction's own block, so it is 1
    in the newest block. A block_hash that changes between two readings is a reorganisation. logs are the node's.
    """

    tx_hash: str
    block_number: int
    block_hash: str
    status: int
    gas_used: int
    contract_address: str | None
    confirmations: int
    logs: tuple[LogReceipt, ...] = field(default=(), repr=False, compare=False)


# What nodes say for the same refusal: geth, then anvil, Nethermind, Besu, Erigon and Reth where they differ.
_ALREADY_THERE = ("already known", "already imported", "alreadyknown")
# What says nothing about the transaction: the same one may be taken a moment later, or by another node.
_PASSING = (
    "pool is full",
    "queue is full",
    "limit exceeded",
    "too many",
    "internal error",
    "timeout",
    "syncing",
)
_REFUSALS: tuple[tuple[tuple[str, ...], type[TransactionRejected], str], ...] = (
    (
        (
            "nonce too low",
            "nonce is too low",
            "nonce below",
            "oldnonce",
            "old nonce",
            "replacement transaction",
        ),
        NonceTaken,
        "another transaction of this account has its nonce; sign it again with the next nonce",
    ),
    (
        ("nonce too high", "nonce gap", "nonce too distant", "nonce is distant"),
        NonceAhead,
        "an earlier nonce of this account has not been sent; send that one first",
    ),
    (
        ("insufficient funds", "insufficientfunds", "upfront cost exceeds", "insufficient balance"),
        InsufficientFunds,
        "its sender cannot pay for it; send coins of this network to the sender",
    ),
    (
        ("underpriced", "fee per gas less than", "feetoolow", "fee too low", "price too low", "price below"),
        Underpriced,
        "its fee is too low now; sign it again with the fee of the moment",
    ),
)


def submit(web3: Web3, signed: SignedTransaction) -> None:
    """Brings a signed transaction to the chain; harmless when it is there already.

    Raises NonceTaken, NonceAhead, InsufficientFunds, Underpriced or TransactionRejected where the node has
    reason to refuse it; NodeRefused where it takes none at present, and NodeUnreachable where it cannot be asked:
    then calling again is safe.
    """
    if is_known(web3, signed.hash):
        return
    try:
        with node_boundary("Sending the transaction"):
            try:
                web3.eth.send_raw_transaction(signed.raw)
            except Web3RPCError as error:
                refusal = _refusal(node_message(error))
                # The node may have taken it between the question and the sending, and mined it since.
                if refusal is None or _find(web3, signed.hash) is not None:
                    return
                raise refusal from error
    except TransactionReverted as error:
        raise TransactionRejected(f"The transaction was not sent: {error}") from error


def receipt(web3: Web3, tx_hash: str) -> Receipt | None:
    """What became of a transaction, or None while it is not mined. Raises NodeUnreachable or NodeRefused."""
    with node_boundary("Reading the transaction's receipt"):
        try:
            found: TxReceipt = web3.eth.get_transaction_receipt(HexStr(tx_hash))
        except TransactionNotFound:
            return None
        head = web3.eth.block_number
    return Receipt(
        tx_hash=_hex(found["transactionHash"]),
        block_number=found["blockNumber"],
        block_hash=_hex(found["blockHash"]),
        status=found["status"],
        gas_used=found["gasUsed"],
        contract_address=to_checksum_address(created) if (created := found["contractAddress"]) else None,
        confirmations=max(1, head - found["blockNumber"] + 1),
        logs=tuple(found["logs"]),
    )


def wait_for_receipt(
    web3: Web3, tx_hash: str, *, timeout_s: float, poll_latency_s: float, confirmations: int = 1
) -> Receipt:
    """Waits until a transaction is mined under that many blocks, its own included.

    Raises TransactionReverted where a contract refused it, with the name of the contract's error where the
    node can replay it, and ReceiptTimeout after timeout_s; then the transaction may still be mined later.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        found = receipt(web3, tx_hash)
        if found is not None and found.confirmations >= confirmations:
            if found.status == 0:
                raise reverted(web3, found)
            return found
        if time.monotonic() >= deadline:
            raise ReceiptTimeout(
                f"The transaction {tx_hash} was not mined and confirmed within {timeout_s:g} s; "
                "ask again later, or send it again, which is harmless."
            )
        time.sleep(min(poll_latency_s, max(0.0, deadline - time.monotonic())))


def is_known(web3: Web3, tx_hash: str) -> bool:
    """Whether the node has the transaction, pending or mined. Raises NodeUnreachable or NodeRefused."""
    return _find(web3, tx_hash) is not None


def is_in_chain(web3: Web3, found: Receipt) -> bool:
    """Whether the receipt's block is the chain's block of that number. Raises NodeUnreachable or NodeRefused."""
    with node_boundary("Reading the transaction's block"):
        try:
            block = web3.eth.get_block(found.block_number)
        except BlockNotFound:
            return False
    return _hex(block["hash"]) == found.block_hash


def settled_nonces(web3: Web3, address: str) -> int:
    """How many transactions of the account are mined; the nonce of the next. Raises as `next_nonce`."""
    with node_boundary("Reading the account's mined nonce"):
        return web3.eth.get_transaction_count(to_checksum_address(address), "latest")


def head_number(web3: Web3) -> int:
    """The number of the newest block. Raises NodeUnreachable or NodeRefused."""
    with node_boundary("Reading the chain's height"):
        return web3.eth.block_number


def read_fields(raw: bytes) -> dict[str, Any]:
    """The fields of a signed transaction of type 2 as they were signed, in web3's names, without the signature."""
    fields = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
    signature = ("v", "r", "s", "accessList")
    kept = {name: value for name, value in fields.items() if name not in signature}
    to = bytes(kept.pop("to", b""))
    kept["data"] = HexBytes(kept["data"])
    return {**kept, **({"to": to_checksum_address(to)} if to else {})}


def next_nonce(web3: Web3, address: str) -> int:
    """The nonce after everything the node knows of this account, pending transactions included."""
    with node_boundary("Reading the account's nonce"):
        return web3.eth.get_transaction_count(to_checksum_address(address), "pending")


def _find(web3: Web3, tx_hash: str) -> TxData | None:
    """A transaction the node knows, pending or mined."""
    with node_boundary("Looking the transaction up"):
        try:
            return web3.eth.get_transaction(HexStr(tx_hash))
        except TransactionNotFound:
            return None


def _refusal(message: str) -> TransactionRejected | NodeRefused | None:
    """The error for what a node said, or None where it says that it has the transaction."""
    said = message.lower()
    if any(words in said for words in _ALREADY_THERE):
        return None
    if any(words in said for words in _PASSING):
        return NodeRefused(f"The node does not take transactions now ({message}); it is sent again.")
    for words, error, advice in _REFUSALS:
        if any(word in said for word in words):
            return error(f"The transaction was not sent because {advice}.")
    return TransactionRejected(
        f"The transaction was not sent because the node refused it: {message}; sign another one."
    )


def reverted(web3: Web3, found: Receipt) -> TransactionReverted:
    """The error for a receipt of status 0, with the contract's reason where the node can replay it."""
    reason = _replayed_reason(web3, found)
    said = f"with {reason}" if reason else "without a known reason"
    return TransactionReverted(
        f"The transaction {found.tx_hash} was mined but the contract refused it {said}; "
        "mend the cause and send another one.",
        reason,
        found.tx_hash,
    )


def _replayed_reason(web3: Web3, found: Receipt) -> str | None:
    """Runs a reverted transaction again on the state before its block, for a receipt holds no reason."""
    sent = _find(web3, found.tx_hash)
    if sent is None:
        return None
    again: Any = {"from": sent["from"], "value": sent["value"], "data": sent["input"], "gas": sent["gas"]}
    if sent.get("to"):
        again["to"] = sent["to"]
    try:
        with node_boundary("Replaying the transaction"):
            try:
                web3.eth.call(again, found.block_number - 1)
            except ContractLogicError as error:
                return revert_reason(error.data if isinstance(error.data, str) else None)
            except Web3RPCError:
                return None  # a node may have dropped that state; the reason is then lost
    except TransactionReverted as error:
        return error.reason
    return None


def _hex(value: HexBytes) -> str:
    return "0x" + bytes(value).hex()
