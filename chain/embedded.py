"""The embedded chain: an EVM in this process, kept in one SQLite file, that mines each transaction at once.

Blocks are final at once: there are no forks, no pending transactions, and nothing to lose but what was never
answered. `chain.embedded_rpc` gives it the JSON-RPC interface of any other node.
"""

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from eth.abc import BlockAPI, BlockHeaderAPI, ReceiptAPI, SignedTransactionAPI
from eth.chains.base import MiningChain
from eth.constants import POST_MERGE_DIFFICULTY, POST_MERGE_MIX_HASH, POST_MERGE_NONCE, ZERO_ADDRESS
from eth.db.schema import SchemaV1
from eth.exceptions import HeaderNotFound, TransactionNotFound
from eth_account import Account
from eth_typing import Address, BlockNumber, Hash32
from eth_utils.address import to_canonical_address
from eth_utils.exceptions import ValidationError
from rlp.exceptions import DecodingError, DeserializationError  # type: ignore[import-untyped]

from chain import evm_calls
from chain.errors import RpcFault, StoreDamaged, TransactionReverted, WrongChain
from chain.evm_admission import BLOCK_GAS_LIMIT_GAS, TRANSFER_GAS, check_admission
from chain.evm_calls import EVM, SERVER_FAULT, Message
from chain.evm_logs import IndexedLog, LogFilter, LogIndex
from chain.evm_store import EvmStore

# What the embedded chain asks senders to add to the base fee. Nobody else competes for its blocks.
PRIORITY_FEE_WEI = 1_000_000_000

# What the treasury owns in the first block: enough to never run out.
_TREASURY_WEI = 10**30


class _Evm(MiningChain):
    """py-evm's chain with one fork from the first block and a constant gas limit."""

    vm_configuration = ((BlockNumber(0), EVM),)

    def create_header_from_parent(
        self, parent_header: BlockHeaderAPI, **header_params: Any
    ) -> BlockHeaderAPI:
        params = {**header_params, "gas_limit": BLOCK_GAS_LIMIT_GAS}
        return super().create_header_from_parent(parent_header, **params)


@dataclass(frozen=True)
class Mined:
    """A transaction where it was mined. first_log_index is the block-wide index of its first log."""

    header: BlockHeaderAPI
    transaction: SignedTransactionAPI
    index: int
    receipt: ReceiptAPI
    gas_used: int
    first_log_index: int


class EmbeddedChain:
    """One embedded chain. Safe for threads: calls take turns.

    Raises RpcFault wherever a node would answer with a JSON-RPC error, and StoreDamaged for a broken file.
    """

    def __init__(self, path: Path, chain_id: int) -> None:
        """Opens the chain in the file, or begins it. Raises ChainBusy, StoreDamaged or WrongChain."""
        self.chain_id = chain_id
        self._turn = threading.RLock()
        self._store = EvmStore(path)
        self._logs = LogIndex(self._store)
        try:
            self._evm = self._open()
        except BaseException:
            self._store.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file. Closing twice is harmless."""
        with self._turn:
            self._store.close()

    # ------------------------------------------------------------------ blocks, transactions, logs

    def head(self) -> BlockHeaderAPI:
        """The header of the newest block."""
        with self._turn:
            return self._evm.get_canonical_head()

    def header(self, number: int) -> BlockHeaderAPI | None:
        """The header of a block by its number, or None."""
        with self._turn:
            try:
                return self._evm.get_canonical_block_header_by_number(BlockNumber(number))
            except (HeaderNotFound, ValidationError):
                return None

    def header_by_hash(self, block_hash: bytes) -> BlockHeaderAPI | None:
        """The header of a block by its hash, or None."""
        with self._turn:
            try:
                return self._evm.get_block_header_by_hash(Hash32(block_hash))
            except (HeaderNotFound, ValidationError):
                return None

    def block(self, header: BlockHeaderAPI) -> BlockAPI:
        """The block of a header."""
        with self._turn:
            return self._evm.get_block_by_header(header)

    def mined(self, transaction_hash: bytes) -> Mined | None:
        """A mined transaction and its receipt by hash, or None. Costs the same however long the chain is."""
        with self._turn:
            try:
                number, index = self._evm.get_canonical_transaction_index(Hash32(transaction_hash))
            except TransactionNotFound:
                return None
            header = self._evm.get_canonical_block_header_by_number(number)
            receipts = tuple(self._evm.chaindb.get_receipts(header, EVM.get_receipt_builder()))
            gas_before = receipts[index - 1].gas_used if index else 0
            return Mined(
                header=header,
                transaction=self._evm.get_canonical_transaction_by_index(number, index),
                index=index,
                receipt=receipts[index],
                gas_used=receipts[index].gas_used - gas_before,
                first_log_index=sum(len(receipt.logs) for receipt in receipts[:index]),
            )

    def logs(self, wanted: LogFilter) -> tuple[IndexedLog, ...]:
        """The logs that match, in the order in which they were mined."""
        with self._turn:
            return tuple(self._logs.find(wanted))

    # ------------------------------------------------------------------ state

    def balance_wei(self, address: bytes, header: BlockHeaderAPI) -> int:
        """An account's balance after the block of header."""
        with self._turn:
            return int(self._evm.get_vm(header).state.get_balance(Address(address)))

    def nonce(self, address: bytes, header: BlockHeaderAPI) -> int:
        """How many transactions an account had sent after the block of header."""
        with self._turn:
            return int(self._evm.get_vm(header).state.get_nonce(Address(address)))

    def code(self, address: bytes, header: BlockHeaderAPI) -> bytes:
        """A contract's code after the block of header; empty for an account that is no contract."""
        with self._turn:
            return bytes(self._evm.get_vm(header).state.get_code(Address(address)))

    def storage(self, address: bytes, slot: int, header: BlockHeaderAPI) -> int:
        """One storage word of a contract after the block of header."""
        with self._turn:
            return int(self._evm.get_vm(header).state.get_storage(Address(address), slot))

    def call(self, message: Message, header: BlockHeaderAPI) -> bytes:
        """What a message returns on the state after the block of header; nothing is kept."""
        with self._turn:
            return evm_calls.call(self._evm, header, message)

    def estimate_gas(self, message: Message, header: BlockHeaderAPI) -> int:
        """A gas limit with which a message succeeds on the state after the block of header."""
        with self._turn:
            return evm_calls.estimate_gas(self._evm, header, message)

    def next_base_fee_wei(self) -> int:
        """The base fee a gas of the next block."""
        with self._turn:
            header: Any = self._evm.create_header_from_parent(self.head())
            return int(header.base_fee_per_gas)

    # ------------------------------------------------------------------ sending

    def send(self, raw: bytes) -> bytes:
        """Mines a signed transaction in a block of its own and returns its hash.

        The block's time is now, or one second after its parent where the clock has not moved on or went back.
        When this returns, the block is on the disk. Raises RpcFault where a node would refuse.
        """
        try:
            transaction = EVM.get_transaction_builder().decode(raw)
            transaction.validate()
            sender = transaction.sender
        except (DecodingError, DeserializationError, ValidationError, TypeError, IndexError) as error:
            raise RpcFault(SERVER_FAULT, "the transaction cannot be decoded") from error
        with self._turn:
            head = self.head()
            check_admission(
                transaction,
                chain_id=self.chain_id,
                next_nonce=self.nonce(sender, head),
                balance_wei=self.balance_wei(sender, head),
                base_fee_wei=self.next_base_fee_wei(),
            )
            with self._store.transaction():
                try:
                    result, receipts, _ = self._evm.mine_all([transaction], parent_header=head)
                except ValidationError as error:
                    raise RpcFault(SERVER_FAULT, f"invalid transaction: {error}") from error
                self._index(result.imported_block, receipts)
            return bytes(transaction.hash)

    def fund(self, address: str, minimum_wei: int) -> str | None:
        """Raises an account's balance to at least minimum_wei from the treasury.

        Returns the transaction's hash, or None where the balance was high enough: calling it again after a
        restart sends nothing twice. Raises TransactionReverted where the address is a contract that refuses.
        """
        with self._turn:
            missing_wei = minimum_wei - self.balance_wei(to_canonical_address(address), self.head())
            if missing_wei <= 0:
                return None
            treasury = Account.from_key(self._store.fact("treasury_key"))
            raw = treasury.sign_transaction(
                {
                    "type": 2,
                    "chainId": self.chain_id,
                    "nonce": self.nonce(to_canonical_address(treasury.address), self.head()),
                    "to": address,
                    "value": missing_wei,
                    # A contract's receive function may need more than a plain transfer.
                    "gas": TRANSFER_GAS * 2,
                    "maxFeePerGas": self.next_base_fee_wei() + PRIORITY_FEE_WEI,
                    "maxPriorityFeePerGas": PRIORITY_FEE_WEI,
                }
            ).raw_transaction
            tx_hash = "0x" + self.send(bytes(raw)).hex()
            if self.balance_wei(to_canonical_address(address), self.head()) < minimum_wei:
                raise TransactionReverted(
                    f"The contract at {address} refused to be funded; give an account that takes coins.",
                    tx_hash=tx_hash,
                )
            return tx_hash

    # ------------------------------------------------------------------ within

    def _open(self) -> MiningChain:
        evm_class = _Evm.configure("EmbeddedEvm", chain_id=self.chain_id)
        kept = self._store.fact("chain_id")
        if kept is None:
            with self._store.transaction():
                return self._begin(evm_class)
        if int.from_bytes(kept, "big") != self.chain_id:
            raise WrongChain(
                f"The embedded chain's file belongs to chain id {int.from_bytes(kept, 'big')}, not to "
                f"{self.chain_id}; set that chain id, or move the file away to begin a new chain."
            )
        newest = SchemaV1.make_canonical_head_hash_lookup_key()
        if not self._store.exists(newest) or self._store.fact("treasury_key") is None:
            raise StoreDamaged("The embedded chain's file is not whole; restore it from a copy.")
        return evm_class(self._store)

    def _begin(self, evm_class: type[MiningChain]) -> MiningChain:
        """Writes the first block, in which the treasury owns everything."""
        # The treasury's key never leaves the file; it can move nothing but this chain's own coins.
        treasury = Account.create()
        self._store.set_fact("chain_id", self.chain_id.to_bytes(32, "big"))
        self._store.set_fact("treasury_key", bytes(treasury.key))
        owns: Any = {"balance": _TREASURY_WEI, "nonce": 0, "code": b"", "storage": {}}
        first: Any = {
            "coinbase": ZERO_ADDRESS,
            "difficulty": POST_MERGE_DIFFICULTY,
            "extra_data": b"lorespark",
            "gas_limit": BLOCK_GAS_LIMIT_GAS,
            "mix_hash": POST_MERGE_MIX_HASH,
            "nonce": POST_MERGE_NONCE,
            "timestamp": int(time.time()),
        }
        state = {Address(to_canonical_address(treasury.address)): owns}
        evm_class.from_genesis(self._store, first, state)
        return evm_class(self._store)

    def _index(self, block: BlockAPI, receipts: tuple[ReceiptAPI, ...]) -> None:
        """Records the logs of the block that is being written."""
        logs: list[IndexedLog] = []
        for index, (transaction, receipt) in enumerate(zip(block.transactions, receipts, strict=True)):
            for log in receipt.logs:
                logs.append(
                    IndexedLog(
                        block_number=block.number,
                        log_index=len(logs),
                        block_hash=bytes(block.hash),
                        transaction_hash=bytes(transaction.hash),
                        transaction_index=index,
                        address=bytes(log.address),
                        topics=tuple(topic.to_bytes(32, "big") for topic in log.topics),
                        data=bytes(log.data),
                    )
                )
        self._logs.add(logs)
