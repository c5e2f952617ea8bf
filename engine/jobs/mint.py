"""Prepare, sign, send, confirm: what brings assets onto the chain, many to the same recipient in one transaction."""

import time
from collections.abc import Callable, Sequence
from typing import Any, Final
from zlib import crc32

from sqlalchemy import ColumnElement, Connection

from assets.asset import Asset
from chain.asset_contract import MAX_BATCH, AssetContract
from chain.errors import (
    ChainError,
    ContractMissing,
    ReceiptTimeout,
    TransactionRejected,
    TransactionReverted,
)
from chain.transactions import Receipt, reverted
from engine.api.asset import MintEstimate
from engine.database.batches import (
    Batch,
    any_differs,
    any_is,
    batch_of,
    digests_of,
    form_batch,
    own_assets_to,
    remove_jobs,
    split_batch,
    unfinished,
)
from engine.database.mints import FINISHED_MINT, MintRecord, update_mints
from engine.database.records import Records
from engine.errors import WrongChain
from engine.jobs.hold import Hold
from engine.jobs.mint_contract import ChainAccess, MintContract
from engine.jobs.outbox import Build
from engine.jobs.standing import Standing
from engine.mint_estimate import estimate_mint

# What a contract refuses for every mint alike; halves of the batch would be refused as well.
_REFUSES_ALL: Final = ("MintingIsPaused", "Unauthorized")
_REMOVED: Final = "A reorganisation of the chain removed its block; it was sent again."
_BATCH_TURNS: Final = 64  # locks that the batches share


class MintJob:
    """Each look brings a mint a step on, with all in its batch. May be repeated after a crash anywhere inside: nothing
    is signed twice, for the batch and its transaction are written down before the transaction is sent."""

    def __init__(
        self,
        records: Records,
        chain: Callable[[], ChainAccess],
        configured: str | None,
        window_s: float,
        ready: ColumnElement[bool] | None = None,
    ) -> None:
        """A mint waits ``window_s`` for others to share its transaction, of which ``ready`` must hold, a condition over
        the table ``mints``; ``configured`` as of MintContract."""
        self._records, self._database = records, records.database
        self._chain, self._window_s, self._ready = chain, window_s, ready
        self._contract = MintContract(records, chain, configured)

    def contract(self) -> AssetContract:
        """The collection that is minted into. Raises ContractMissing where none is deployed yet."""
        return self._contract.open()

    def estimate(self, assets: Sequence[Asset], recipient: str) -> MintEstimate:
        """What minting ``assets`` to ``recipient`` would cost. Raises as ``estimate_mint``."""
        return estimate_mint(self._chain(), self._contract, assets, recipient)

    def ensure_collection(self, hold: Hold | None = None) -> AssetContract:
        """The collection, deployed where there is none, for who can wait for it. Raises as ``MintContract.ensure``, and
        ReceiptTimeout."""
        settings = self._chain().connection.settings
        until = time.monotonic() + settings.timeout_s
        while isinstance(contract := self._contract.ensure(hold), Standing):
            if time.monotonic() > until:
                why = f" {contract.note}" if contract.note else ""
                raise ReceiptTimeout(f"The contract is not deployed yet; it goes on, ask again later.{why}")
            time.sleep(settings.poll_latency_s)
        return contract

    def look(self, mint_id: str, hold: Hold | None = None, *, is_first: bool = False) -> float | None:
        """Returns the seconds until the mint wants to be looked at again, None where it has ended, well or not.

        ``hold`` is the worker's hold on the job, None where no other process can take it over; ``is_first`` lets the
        mint wait for others. Raises WrongChain where the mint was begun on another chain, ChainError where the chain
        cannot be asked.
        """
        mint = self._records.mint(mint_id)
        if mint is None or mint.status in FINISHED_MINT:
            return None
        settings = self._chain().connection.settings
        if mint.chain_id != settings.chain_id:
            raise WrongChain(
                f"The mint of {mint.asset_id} belongs to chain {mint.chain_id}, not to {settings.chain_id}; set "
                "LORESPARK_CHAIN_ID and LORESPARK_RPC_URL for that chain to finish it."
            )
        try:
            contract = self._contract.ensure(hold)
        except (TransactionReverted, TransactionRejected) as error:
            if not _is_final(error):
                raise
            self._end([mint_id], hold, str(error))
            return None
        if isinstance(contract, Standing):
            if mint.error != contract.note:
                self._records.update_mint(mint_id, hold=hold, error=contract.note)
            return settings.poll_latency_s
        batch = self._batch(mint, contract, hold, is_first)
        if batch.contract != contract.address:
            contract = AssetContract(self._chain().connection.web3, batch.contract)
        return self._advance(mint_id, batch, contract, hold)

    def _batch(self, mint: MintRecord, contract: AssetContract, hold: Hold | None, is_first: bool) -> Batch:
        with self._database.reading() as connection:
            batch = batch_of(connection, mint.id)
        if batch is not None:
            return batch
        if is_first:
            time.sleep(self._window_s)
        with self._database.exclusive(f"batches {mint.chain_id}"), self._database.writing() as connection:
            if hold is not None:
                hold.confirm(connection)
            return batch_of(connection, mint.id) or form_batch(
                connection,
                mint.id,
                mint.chain_id,
                contract.address,
                mint.recipient,
                MAX_BATCH,
                self._ready,
            )

    def _advance(
        self, mint_id: str, batch: Batch, contract: AssetContract, hold: Hold | None
    ) -> float | None:
        outbox, settings = self._chain().outbox, self._chain().connection.settings
        minters = self._contract.minters(contract, hold)
        # One look at a time: what one signs or splits, another would sign by another signer.
        with self._database.exclusive(f"batch {crc32(batch.id.encode()) % _BATCH_TURNS}"):
            with self._database.reading() as connection:
                if batch_of(connection, mint_id) != batch:
                    return 0.0
                digests = digests_of(connection, batch)
            then, sender = _Writes(batch, contract, hold), outbox.least_busy(minters)
            try:
                outbox.sign(batch.id, _minting(batch, contract, digests, sender), sender, hold, then)
            except (TransactionReverted, TransactionRejected) as error:
                if not _is_final(error):
                    raise
                if self._is_early(contract, sender, error):
                    return settings.poll_latency_s
                return self._refused(batch, error, hold)
            standing = outbox.follow(batch.id, then)
            if standing.status == "refused":
                return self._refused(batch, TransactionRejected(standing.note or "It was refused."), hold)
            if standing.status == "confirmed" and standing.receipt is not None:
                if standing.receipt.status == 0:
                    refusal = reverted(self._chain().connection.web3, standing.receipt)
                    if self._is_early(contract, outbox.sender(batch.id), refusal):
                        outbox.release(batch.id)
                        with self._database.writing() as connection:
                            then(connection, Standing("lost", standing.tx_hash, None, str(refusal)))
                        return settings.poll_latency_s
                    return self._refused(batch, refusal, hold)
                return None
        return 0.0 if standing.status == "lost" else settings.poll_latency_s

    def _is_early(self, contract: AssetContract, sender: str, error: ChainError) -> bool:
        reason = error.reason if isinstance(error, TransactionReverted) else None
        return reason == "Unauthorized" and self._contract.is_early(contract, sender)

    def _refused(self, batch: Batch, error: ChainError, hold: Hold | None) -> float | None:
        """Splits the batch, so that one bad mint fails alone; ends the mint where it is alone already."""
        reason = error.reason if isinstance(error, TransactionReverted) else None
        if len(batch.mint_ids) == 1 or reason in _REFUSES_ALL:
            self._end(batch.mint_ids, hold, str(error))
            return None
        with self._database.writing() as connection:
            if hold is not None:
                hold.confirm(connection)
            if batch_of(connection, batch.mint_ids[0]) == batch and unfinished(connection, batch):
                values = {"status": "prepared", "tx_hash": None, "block_number": None}
                told = f"{error} Its batch was split to find the mint that is refused."
                update_mints(connection, batch.mint_ids, error=told, **values)
                split_batch(connection, batch)
        return 0.0

    def _end(self, mint_ids: tuple[str, ...] | list[str], hold: Hold | None, reason: str) -> None:
        with self._database.writing() as connection:
            if hold is not None:
                hold.confirm(connection)
            update_mints(connection, mint_ids, status="failed", error=reason)
            remove_jobs(connection, mint_ids)


class _Writes:
    """What a standing of the batch's transaction means for its mints; see engine.jobs.standing.Then."""

    def __init__(self, batch: Batch, contract: AssetContract, hold: Hold | None) -> None:
        self._batch, self._contract, self._hold = batch, contract, hold

    def __call__(self, connection: Connection, standing: Standing) -> None:
        batch, receipt = self._batch, standing.receipt
        if receipt is not None and receipt.status == 0:
            return  # told once it is final
        tokens = None if receipt is None else self._tokens(receipt)
        values: dict[str, Any] = {
            "status": "prepared" if standing.status in ("lost", "refused") else standing.status,
            "tx_hash": standing.tx_hash,
            "contract": self._contract.address,
            "block_number": None if receipt is None else receipt.block_number,
            "error": standing.note,
        }
        if not any_differs(connection, batch, values):
            return
        if self._hold is not None:
            self._hold.confirm(connection)
        if receipt is not None and any_is(connection, batch, "signed"):
            # Who sent it ended before that was written down.
            update_mints(connection, batch.mint_ids, status="sent", tx_hash=standing.tx_hash)
        if tokens is None:
            values["token_id"] = None  # of a block that was removed
            if standing.note is None and any_is(connection, batch, "mined"):
                values["error"] = _REMOVED
        changed = update_mints(connection, batch.mint_ids, tokens, **values)
        if standing.status == "confirmed":
            own_assets_to(connection, changed, batch.recipient)
            remove_jobs(connection, batch.mint_ids)

    def _tokens(self, receipt: Receipt) -> list[str]:
        ids = self._contract.minted_ids(receipt)
        if len(ids) != len(self._batch.mint_ids):
            raise ContractMissing(
                f"The transaction {receipt.tx_hash} minted {len(ids)} tokens in {self._contract.address} in place of "
                f"{len(self._batch.mint_ids)}; set LORESPARK_CONTRACT back to the contract that these mints began with."
            )
        return [str(token_id) for token_id in ids]


def _minting(batch: Batch, contract: AssetContract, digests: list[bytes], sender: str) -> Build:
    def build(nonce: int) -> dict[str, Any]:
        if len(digests) == 1:
            return contract.mint_transaction(batch.recipient, digests[0], sender=sender, nonce=nonce)
        return contract.mint_batch_transaction(batch.recipient, digests, sender=sender, nonce=nonce)

    return build


def _is_final(error: ChainError) -> bool:
    """Whether no repetition changes the chain's answer."""
    return type(error) in (TransactionReverted, TransactionRejected)
