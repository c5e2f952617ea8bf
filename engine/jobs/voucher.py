"""Sign, cancel and expire: the jobs of a voucher. Claiming it is whoever's who has it."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final, Protocol

from chain.asset_contract import MINTER_ROLE, VOUCHER_ROLE, AssetContract
from chain.boundary import node_boundary
from chain.errors import ContractMissing, SignerRefused, TransactionRejected, TransactionReverted
from chain.signer import TypedDataSigner
from chain.transactions import Receipt, wait_for_receipt
from chain.voucher import Voucher, VoucherContract, sign_voucher, vouchers_transaction
from engine.database.jobs import Job, enqueue
from engine.database.records import Records
from engine.database.voucher_places import LIVING_VOUCHER
from engine.database.vouchers import (
    EXPIRY_MARGIN_S,
    QUEUE,
    VoucherRecord,
    next_nonce,
    set_voucher_contract,
    update_voucher,
    voucher,
    voucher_claimed,
    voucher_contract,
)
from engine.errors import HoldLost, WrongChain
from engine.jobs.delivered import delivered
from engine.jobs.hold import Hold
from engine.jobs.mint_contract import ChainAccess
from engine.jobs.outbox import Build
from engine.jobs.work import ROOM_ERRORS

# What no repetition changes.
FINAL_ERRORS: Final = (TransactionReverted, TransactionRejected, SignerRefused)
_MAX_NONCES: Final = 3  # a word of 256 that nobody ever used is found at the first try


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
        self._collections, self._configured = collections, configured

    def run(self, job: Job, hold: Hold) -> float | None:
        """Does what the job's record names: a voucher's id, perhaps after ``cancel:`` or ``expire:``."""
        what, _, voucher_id = job.record_id.rpartition(":")
        with self._records.database.reading() as connection:
            record = voucher(connection, voucher_id)
        if record is None or record.status not in LIVING_VOUCHER:
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
        contract = self._ensure_contract(collection, hold)
        signer = self._signer()
        nonce = self._nonce(record, signer.address, contract, hold)
        signed = sign_voucher(
            signer,
            Voucher(
                collection=collection.address,
                digest=bytes.fromhex(record.digest),
                nonce=nonce,
                deadline_s=record.deadline_s,
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
                from_block=head,
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

    def _ensure_contract(self, collection: AssetContract, hold: Hold) -> VoucherContract:
        """The voucher contract, with the roles that a claim needs. Deployed where there is none."""
        chain = self._chain()
        web3, chain_id, sender = (
            chain.connection.web3,
            chain.connection.settings.chain_id,
            chain.signer.address,
        )
        with self._records.database.reading() as connection:
            address = self._configured or voucher_contract(connection, chain_id)
        if address is None:
            address = self._delivered(
                "vouchers", lambda nonce: vouchers_transaction(web3, sender=sender, nonce=nonce), hold
            ).contract_address
            assert address is not None, "a deployment's receipt names its contract"
            with self._records.database.writing() as connection:
                set_voucher_contract(connection, chain_id, address)
        contract = VoucherContract(web3, address)
        if not contract.is_deployed():
            raise ContractMissing(
                f"The voucher contract {address} is not on the chain {chain_id}; restore chain.db from the backup that "
                "records.db came from, or set LORESPARK_VOUCHERS or LORESPARK_CHAIN_ID."
            )
        self._ensure_role(collection, contract.address, MINTER_ROLE, hold)
        self._ensure_role(collection, self._signer().address, VOUCHER_ROLE, hold)
        return contract

    def _ensure_role(self, collection: AssetContract, account: str, role: int, hold: Hold) -> None:
        if collection.has_roles(account, role):
            return
        chain = self._chain()
        sender = chain.signer.address
        self._delivered(
            f"grant {role} {account}",
            lambda nonce: collection.transaction("grantRoles", account, role, sender=sender, nonce=nonce),
            hold,
        )
        if not collection.has_roles(account, role):
            raise TransactionRejected(
                f"The role {role} of {account} in {collection.address} was taken back; the contract's owner grants it "
                "again with grantRoles."
            )

    # ------------------------------------------------------------------ ending

    def _cancel(self, record: VoucherRecord, hold: Hold) -> None:
        if record.status != "cancelling":
            return
        chain = self._chain()
        contract, signer, nonce = _signed(record, chain)
        first = record.from_block or 0
        if not contract.is_used(signer, nonce):
            # It was not claimed before the newest block that no reorganisation reaches.
            first = max(first, self._head() - chain.connection.settings.confirmations)
            with self._records.database.writing() as connection:
                hold.confirm(connection)
                update_voucher(connection, record.id, "cancelling", from_block=first)
            if chain.signer.address != signer:
                raise SignerRefused(
                    f"The voucher {record.id} was signed by {signer}, which alone can cancel it; wait for its "
                    "deadline, or set that key again."
                )
            self._delivered(
                f"cancel {record.id}",
                lambda number: contract.cancel_transaction([nonce], sender=signer, nonce=number),
                hold,
            )
        self._settle(record, contract, first, "cancelled", hold)

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
        self._settle(record, contract, record.from_block or 0, "expired", hold)
        return None

    def _settle(
        self, record: VoucherRecord, contract: VoucherContract, first: int, otherwise: str, hold: Hold
    ) -> None:
        """Its nonce is used: by a claim, or else in vain."""
        assert record.collection is not None, "a signed voucher knows its collection"
        _, signer, nonce = _signed(record, self._chain())
        claim = contract.claim_of(record.collection, signer, nonce, first, self._head())
        if claim is not None:  # it counts once it is as final as a mint has to be
            claim = replace(claim, block_number=self._wait(claim.tx_hash).block_number)
        with self._records.database.writing() as connection:
            hold.confirm(connection)
            if claim is None:
                update_voucher(connection, record.id, *LIVING_VOUCHER, status=otherwise, error=None)
            else:
                voucher_claimed(connection, record.chain_id, signer, nonce, claim)

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
