"""The embedded chain's values as JSON-RPC writes them (execution-apis, "Ethereum JSON-RPC Specification")."""

from collections.abc import Sequence
from typing import Any

import rlp  # type: ignore[import-untyped]
from eth.abc import BlockAPI, BlockHeaderAPI, SignedTransactionAPI
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from chain.embedded import Mined
from chain.evm_logs import IndexedLog

_TYPE_OF_LEGACY = 0


def quantity(value: int) -> str:
    """A number: hexadecimal without leading zeros."""
    return hex(value)


def data(value: bytes) -> str:
    """Bytes: hexadecimal, two digits each."""
    return "0x" + bytes(value).hex()


def block(found: BlockAPI, *, whole: bool) -> dict[str, Any]:
    """A block, with its transactions whole or as hashes."""
    header: Any = found.header
    transactions: Sequence[SignedTransactionAPI] = found.transactions
    return {
        "number": quantity(header.block_number),
        "hash": data(header.hash),
        "parentHash": data(header.parent_hash),
        "nonce": data(header.nonce),
        "sha3Uncles": data(header.uncles_hash),
        "logsBloom": data(int(header.bloom).to_bytes(256, "big")),
        "transactionsRoot": data(header.transaction_root),
        "receiptsRoot": data(header.receipt_root),
        "stateRoot": data(header.state_root),
        "miner": to_checksum_address(header.coinbase),
        "difficulty": quantity(header.difficulty),
        "mixHash": data(header.mix_hash),
        "extraData": data(header.extra_data),
        "size": quantity(len(rlp.encode(found))),
        "gasLimit": quantity(header.gas_limit),
        "gasUsed": quantity(header.gas_used),
        "timestamp": quantity(header.timestamp),
        "baseFeePerGas": quantity(header.base_fee_per_gas),
        "withdrawalsRoot": data(header.withdrawals_root),
        "blobGasUsed": quantity(header.blob_gas_used),
        "excessBlobGas": quantity(header.excess_blob_gas),
        "parentBeaconBlockRoot": data(header.parent_beacon_block_root),
        "requestsHash": data(header.requests_hash),
        "uncles": [],
        "withdrawals": [],
        "transactions": [
            transaction(item, header, index) if whole else data(item.hash)
            for index, item in enumerate(transactions)
        ],
    }


def transaction(found: SignedTransactionAPI, header: BlockHeaderAPI, index: int) -> dict[str, Any]:
    """A mined transaction."""
    kind = _kind(found)
    written = {
        "type": quantity(kind),
        "hash": data(found.hash),
        "nonce": quantity(found.nonce),
        "blockHash": data(header.hash),
        "blockNumber": quantity(header.block_number),
        "transactionIndex": quantity(index),
        "from": to_checksum_address(found.sender),
        "to": to_checksum_address(found.to) if found.to else None,
        "value": quantity(found.value),
        "gas": quantity(found.gas),
        "gasPrice": quantity(_paid_a_gas_wei(found, header)),
        "input": data(found.data),
        "r": quantity(found.r),
        "s": quantity(found.s),
    }
    if found.chain_id is not None:
        written["chainId"] = quantity(found.chain_id)
    if kind == _TYPE_OF_LEGACY:
        legacy: Any = found
        return {**written, "v": quantity(legacy.v)}
    written |= {"v": quantity(found.y_parity), "yParity": quantity(found.y_parity)}
    accesses = [
        {
            "address": to_checksum_address(address),
            "storageKeys": [data(key.to_bytes(32, "big")) for key in keys],
        }
        for address, keys in found.access_list
    ]
    written_1559 = {
        "maxFeePerGas": quantity(found.max_fee_per_gas),
        "maxPriorityFeePerGas": quantity(found.max_priority_fee_per_gas),
    }
    return {**written, "accessList": accesses, **(written_1559 if kind > 1 else {})}


def receipt(found: Mined) -> dict[str, Any]:
    """A mined transaction's receipt."""
    item = found.transaction
    created = to_checksum_address(_created_address(item)) if not item.to else None
    return {
        "type": quantity(_kind(item)),
        "status": quantity(int.from_bytes(found.receipt.state_root, "big")),
        "transactionHash": data(item.hash),
        "transactionIndex": quantity(found.index),
        "blockHash": data(found.header.hash),
        "blockNumber": quantity(found.header.block_number),
        "from": to_checksum_address(item.sender),
        "to": to_checksum_address(item.to) if item.to else None,
        "contractAddress": created,
        "gasUsed": quantity(found.gas_used),
        "cumulativeGasUsed": quantity(found.receipt.gas_used),
        "effectiveGasPrice": quantity(_paid_a_gas_wei(item, found.header)),
        "logsBloom": data(int(found.receipt.bloom).to_bytes(256, "big")),
        "logs": [
            log(
                IndexedLog(
                    block_number=found.header.block_number,
                    log_index=found.first_log_index + offset,
                    block_hash=bytes(found.header.hash),
                    transaction_hash=bytes(item.hash),
                    transaction_index=found.index,
                    address=bytes(entry.address),
                    topics=tuple(topic.to_bytes(32, "big") for topic in entry.topics),
                    data=bytes(entry.data),
                )
            )
            for offset, entry in enumerate(found.receipt.logs)
        ],
    }


def log(found: IndexedLog) -> dict[str, Any]:
    """An event log. It is never removed: the embedded chain has no forks."""
    return {
        "blockNumber": quantity(found.block_number),
        "blockHash": data(found.block_hash),
        "transactionHash": data(found.transaction_hash),
        "transactionIndex": quantity(found.transaction_index),
        "logIndex": quantity(found.log_index),
        "address": to_checksum_address(found.address),
        "topics": [data(topic) for topic in found.topics],
        "data": data(found.data),
        "removed": False,
    }


def _kind(found: Any) -> int:
    """The transaction's type (EIP-2718); a legacy one has none and counts as 0."""
    return int(getattr(found, "type_id", None) or _TYPE_OF_LEGACY)


def _paid_a_gas_wei(found: SignedTransactionAPI, header: Any) -> int:
    """What the sender paid a gas (EIP-1559); for older types both caps are the one gas price."""
    return int(min(found.max_fee_per_gas, header.base_fee_per_gas + found.max_priority_fee_per_gas))


def _created_address(found: SignedTransactionAPI) -> bytes:
    """Where a contract creation puts the contract (Yellow Paper, equation 88)."""
    return keccak(rlp.encode([bytes(found.sender), found.nonce]))[12:]
