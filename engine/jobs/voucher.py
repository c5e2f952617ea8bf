"""Sign, cancel and expire: the jobs of a voucher. Claiming it is whoever's who has it."""

import time
from collections.abc import Callable
from typing import Final, Protocol

from chain.asset_contract import AssetContract
from chain.boundary import node_boundary
from chain.errors import (
    ContractMissing,
    ReceiptTimeout,
    SignerRefused,
    TransactionRejected,
    TransactionReverted,
)
from chain.signer import TypedDataSigner
from chain.transactions import Receipt, wait_for_receipt
from chain.voucher import Claim, Voucher, VoucherContract, sign_voucher
from engine.database.claims import RECHECK, claim_block, claim_removed, voucher_claimed
from engine.database.jobs import Job, enqueue
from engine.database.records import Records
from engine.database.voucher_places import LIVING_VOUCHER
from engine.database.vouchers import (
    EXPIRY_MARGIN_S,
    QUEUE,
    VoucherRecord,
    next_nonce,
    update_voucher,
    voucher,
)
from engine.errors import HoldLost, WrongChain
from engine.jobs.delivered import delivered
from engine.jobs.hold import Hold
from engine.jobs.mint_contract import ChainAccess
from engine.jobs.outbox import Build
from engine.jobs.voucher_contract import ClaimContract
from engine.jobs.work import ROOM_ERRORS

# What the chain ended, and a reorganisation may open again.
_ENDED: Final = ("claimed", "cancelled")
# What no repetition changes.
FINAL_ERRORS: Final = (TransactionReverted, TransactionRejected, SignerRefused)
_MAX_NONCES: Final = 3  # a word of 256 that nobody ever used is found at the first try
# How far a reorganisation may move a claim back, before the block in which nobody had the signature yet. Raise it with
# KEPT_BLOCKS of the index.
_DEEPEST_BLOCKS: Final = 256
_SHORTER_S: Final = 1.0  # until a chain that is shorter than it was is looked at again
_LOOKS: Final = 3  # at a chain that changes between two questions


class Collections(Protocol):
    """Who knows the collection that is minted into."""

    def ensure_collection(self, hold: Hold | None = None) -> AssetContract:
        """The collection, deployed where there is none."""


class VoucherJob:
    """What a worker does for vouchers. Each part may run again after a crash anywhere inside."""

    def __init__(
        self,
        records: Records,
        chain: Callable[[], ChainAccess],
        signer: Callable[[], TypedDataSigner],
        collections: Collections,
        configured: str | None,
    ) -> None:
        """``configured`` is the voucher contract's address; None deploys one."""
        self._records, self._chain, self._signer = records, chain, signer
        self._collections = collections
        self._contract = ClaimContract(records, chain, signer, configured)

    def run(self, job: Job, hold: Hold) -> float | None:
        """Does what the job's record names: a voucher's id, perhaps after ``cancel:``, ``expire:`` or ``recheck:``."""
        what, _, voucher_id = job.record_id.rpartition(":")
        with self._records.database.reading() as connection:
            record = voucher(connection, voucher_id)
        if record is None or record.status not in (_ENDED if what == RECHECK else LIVING_VOUCHER):
            return None
        try:
            if record.chain_id != self._chain().connection.settings.chain_id:
                raise WrongChain(
                    f"The voucher {record.id} belongs to chain {record.chain_id}; set LORESPARK_CHAIN_ID and "
                    "LORESPARK_RPC_URL for that chain to go on with it."
                )
            if what == "cancel":
                self._cancel(record, hold)
            elif what == "expire":
                return self._expire(record, hold)
            elif what == RECHECK:
                return self._recheck(record, hold)
            else:
                self._sign(record, hold)
        except HoldLost:
            raise
        except ROOM_ERRORS as error:
            failed = not what and isinstance(error, FINAL_ERRORS)
            with self._records.database.writing() as connection:
                hold.confirm(connection)
                ended = {"status": "failed"} if failed else {}
                update_voucher(connection, record.id, "prepared", "cancelling", error=str(error), **ended)
            if not failed:
                raise
        return None

    # ------------------------------------------------------------------ signing

    def _sign(self, record: VoucherRecord, hold: Hold) -> None:
        if record.status != "prepared":
            return
        collection = self._collections.ensure_collection(hold)
        contract = self._contract.ensure(collection, hold)
        signer = self._signer()
        nonce = self._nonce(record, signer.address, contract, hold)
        signed = sign_voucher(
            signer,
            Voucher(
                collection=collection.address,
                digest=bytes.fromhex(record.digest),
                nonce=nonce,
                deadline_s=record.deadline_s,
                price_wei=int(record.price_wei),
                recipient=record.recipient,
            ),
            chain_id=record.chain_id,
            contract=contract.address,
        )
        head = self._head()
        with self._records.database.writing() as connection:
            hold.confirm(connection)
            made = update_voucher(
                connection,
                record.id,
                "prepared",
                status="signed",
                collection=collection.address,
                contract=contract.address,
                signature="0x" + signed.signature.hex(),
                from_block=max(0, head - _DEEPEST_BLOCKS),
                error=None,
            )
            if made:  # else it was cancelled meanwhile, and nobody ever gets the signature
                after_s = max(0.0, record.deadline_s + EXPIRY_MARGIN_S - time.time())
                enqueue(connection, QUEUE, f"expire:{record.id}", record.tenant_id, after_s=after_s)

    def _nonce(self, record: VoucherRecord, signer: str, contract: VoucherContract, hold: Hold) -> int:
        """A nonce that the chain has not seen: the records may be older than their backup's chain."""
        if record.signer == signer and record.nonce is not None:
            return int(record.nonce)
        database = self._records.database
        for attempt in range(_MAX_NONCES):
            # One at a time, because two that read the same last nonce would both take the next.
            with database.exclusive("voucher nonces"), database.writing() as connection:
                hold.confirm(connection)
                nonce = next_nonce(connection, signer, record.chain_id, fresh=attempt > 0)
                update_voucher(connection, record.id, "prepared", signer=signer, nonce=str(nonce))
            if not contract.is_used(signer, nonce):
                return nonce
        raise ContractMissing(
            f"The contract {contract.address} says that every voucher was used; set LORESPARK_VOUCHERS to a sound one."
        )

    # ------------------------------------------------------------------ ending

    def _cancel(self, record: VoucherRecord, hold: Hold) -> None:
        if record.status != "cancelling":
            return
        contract, signer, nonce = _signed(record, self._chain())
        # Used is not ended: a claim in a block that a reorganisation removes leaves it open again. So nothing but a
        # claim that is there, or a cancellation of our own that is final, lets another voucher or a mint be made.
        if not contract.is_used(signer, nonce) or self._claim(record) is None:
            self._cancel_there(record, hold)
        self._settle(record, "cancelled", hold)

    def _cancel_there(self, record: VoucherRecord, hold: Hold) -> None:
        """Uses the voucher's nonce on the chain, unless a claim did."""
        chain = self._chain()
        contract, signer, nonce = _signed(record, chain)
        if chain.signer.address != signer:
            raise SignerRefused(
                f"The voucher {record.id} was signed by {signer}, which alone can cancel it; wait for its deadline, or "
                "set that key again."
            )
        self._delivered(
            f"cancel {record.id}",
            lambda number: contract.cancel_transaction([nonce], sender=signer, nonce=number),
            hold,
        )

    def _expire(self, record: VoucherRecord, hold: Hold) -> float | None:
        left_s = record.deadline_s + EXPIRY_MARGIN_S - time.time()
        if left_s > 0:
            return left_s
        contract, signer, nonce = _signed(record, self._chain())
        if record.handed_out_at is None or not contract.is_used(signer, nonce):
            with self._records.database.writing() as connection:
                hold.confirm(connection)
                update_voucher(connection, record.id, "signed", "cancelling", status="expired", error=None)
            return None
        self._settle(record, "expired", hold)
        return None

    def _recheck(self, record: VoucherRecord, hold: Hold) -> float | None:
        """A reorganisation removed what ended it: the chain says anew whether it is a token, or open."""
        if record.signature is None or record.handed_out_at is None:
            return None  # nobody can have claimed it
        with self._records.database.reading() as connection:
            claimed_block = claim_block(connection, record.id)
        if claimed_block is not None and self._head() < claimed_block:
            return _SHORTER_S  # the chain, or a node that lags and looks like a reorganisation
        contract, signer, nonce = _signed(record, self._chain())
        for _ in range(_LOOKS):
            claim = self._claim(record)
            if claim is not None and self._settle(record, record.status, hold):
                return None
            if not contract.is_used(signer, nonce):
                break
        if record.status == "claimed":
            # For a while only, where the chain takes the same claim again: the index tells of it.
            with self._records.database.writing() as connection:
                hold.confirm(connection)
                claim_removed(connection, record.id)
        else:
            self._cancel_there(record, hold)  # the asset may be on another way already
            self._settle(record, record.status, hold)
        return None

    def _claim(self, record: VoucherRecord) -> Claim | None:
        """How it was claimed, as the chain is now."""
        assert record.collection is not None, "a signed voucher knows its collection"
        contract, signer, nonce = _signed(record, self._chain())
        return contract.claim_of(record.collection, signer, nonce, record.from_block or 0, self._head())

    def _settle(self, record: VoucherRecord, otherwise: str, hold: Hold) -> bool:
        """Its nonce is used: by a claim, or else in vain. Whether it was claimed."""
        _, signer, nonce = _signed(record, self._chain())
        claim = self._final_claim(record)
        with self._records.database.writing() as connection:
            hold.confirm(connection)
            if claim is None:
                update_voucher(connection, record.id, *LIVING_VOUCHER, status=otherwise, error=None)
            else:
                voucher_claimed(connection, record.chain_id, signer, nonce, claim)
        return claim is not None

    def _final_claim(self, record: VoucherRecord) -> Claim | None:
        """The claim once it is as final as a mint has to be; a reorganisation may give it another place and token."""
        for _ in range(_LOOKS):
            claim = self._claim(record)
            if claim is None:
                return None
            mined = self._wait(claim.tx_hash)
            if mined.block_number == claim.block_number and self._claim(record) == claim:
                return claim
        raise ReceiptTimeout(
            f"The chain gives the claim of {record.id} one place after another; look again later."
        )

    # ------------------------------------------------------------------ within

    def _head(self) -> int:
        with node_boundary("Reading the newest block"):
            return self._chain().connection.web3.eth.block_number

    def _wait(self, tx_hash: str) -> Receipt:
        """For a transaction that is another's."""
        connection = self._chain().connection
        return wait_for_receipt(
            connection.web3,
            tx_hash,
            timeout_s=connection.settings.timeout_s,
            poll_latency_s=connection.settings.poll_latency_s,
            confirmations=connection.settings.confirmations,
        )

    def _delivered(self, purpose: str, build: Build, hold: Hold) -> Receipt:
        chain = self._chain()
        return delivered(chain.outbox, chain.connection, purpose, build, hold)


def _signed(record: VoucherRecord, chain: ChainAccess) -> tuple[VoucherContract, str, int]:
    """The contract, the signer and the nonce of a voucher that is signed."""
    contract, signer, nonce = record.contract, record.signer, record.nonce
    assert contract is not None, "it was signed"
    assert signer is not None, "it was signed"
    assert nonce is not None, "it was signed"
    return VoucherContract(chain.connection.web3, contract), signer, int(nonce)
