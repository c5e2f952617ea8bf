"""Getting a signer's transactions to the chain in the order of their nonces, and past what holds them up."""

import time
from typing import Any, Final

from web3 import Web3

from chain.errors import NonceTaken, TransactionRejected, Underpriced
from chain.fees import current_fees, raised
from chain.replacement import empty_transaction, fees_of, raised_transaction
from chain.signer import Signer
from chain.transactions import SignedTransaction, is_known, next_nonce, settled_nonces, submit
from engine.database import transactions as ledger
from engine.database.database import Database
from engine.database.transactions import EMPTY, TransactionRecord
from engine.jobs.standing import SendingTerms

# How many earlier nonces one look brings to the node; the next look goes on.
_MOST: Final = 64
_GWEI: Final = 10**9


class Sending:
    """One signer's transactions; used by whoever holds the signer's lock."""

    def __init__(
        self, database: Database, web3: Web3, address: str, signer: Signer | None, terms: SendingTerms
    ) -> None:
        """``signer`` signs for the account ``address``; None where its key is not in the settings any more: then what
        was signed is still sent, and nothing is replaced."""
        self._database, self._web3, self._terms = database, web3, terms
        self._address, self._signer = address, signer

    def bring(self, settled: int, nonce: int) -> str | None:
        """Sends what the node lacks of the nonces from ``settled``, the next that the chain takes, to ``nonce``.

        Fills a gap, and replaces the first where it is stuck. Returns why it waits, where there is a reason. Raises
        node errors, and TransactionRejected where the sender cannot pay.
        """
        own, note = _newest(self._slot(nonce)), None
        pending = next_nonce(self._web3, self._address)
        if pending <= nonce or own is None or own.status != "sent" or not is_known(self._web3, own.hash):
            for each in range(settled, min(nonce, settled + _MOST - 1) + 1):
                note = note or self._ensure(each, is_at_node=each < pending)
        return self._unstick(settled) or note

    def _ensure(self, nonce: int, is_at_node: bool) -> str | None:
        slot = self._slot(nonce)
        version = _newest(slot)
        if version is not None:
            return self._send(version)
        refused = next((each for each in reversed(slot) if each.status == "refused"), None)
        if refused is None and is_at_node:
            return None  # what is there is somebody else's
        return self._fill(nonce, refused)

    def _send(self, version: TransactionRecord) -> str | None:
        try:
            submit(self._web3, SignedTransaction(version.raw, version.hash, version.nonce, version.sender))
        except NonceTaken:
            if settled_nonces(self._web3, version.sender) > version.nonce:
                return None  # mined meanwhile, this or another version
            # The node has another version of it that this one does not outbid, or somebody else's transaction.
            if any(is_known(self._web3, each.hash) for each in self._slot(version.nonce)):
                return None
            return self._raise_fee(version)
        except Underpriced:
            return self._raise_fee(version)
        except TransactionRejected as error:
            if type(error) is not TransactionRejected:
                raise  # that a coin or an earlier nonce is missing passes
            if version.purpose == EMPTY:
                raise
            with self._database.writing() as connection:
                ledger.change_version(connection, version.number, status="refused", reason=str(error))
            return self._fill(version.nonce, version)
        # What a deep reorganisation removed stays "confirmed" until DeepReorganisations finds it.
        if version.status not in ("sent", "confirmed"):
            with self._database.writing() as connection:
                ledger.change_version(connection, version.number, status="sent", since_ms=_now_ms())
        return None

    def _fill(self, nonce: int, instead_of: TransactionRecord | None) -> str | None:
        """An empty transaction at the nonce, so that those after it can be mined."""
        if self._signer is None:
            return self._keyless(nonce)
        above = None if instead_of is None else fees_of(instead_of.raw)
        fields = empty_transaction(self._web3, sender=self._address, nonce=nonce, above=above)
        self._replace(self._signer, fields, EMPTY, None if instead_of is None else instead_of.hash)
        return None

    def _unstick(self, nonce: int) -> str | None:
        """Raises the fee of the nonce that the chain takes next, where it has waited too long."""
        version = _newest(self._slot(nonce))
        if version is None or version.status != "sent" or version.since_ms is None:
            return self._too_dear(version)
        if _now_ms() - version.since_ms < self._terms.stuck_after_s * 1000:
            return None
        return self._raise_fee(version)

    def _raise_fee(self, version: TransactionRecord) -> str | None:
        fees = raised(fees_of(version.raw), current_fees(self._web3))
        if fees.max_fee_per_gas_wei > self._terms.max_fee_wei:
            return self._ceiling()
        if self._signer is None:
            return self._keyless(version.nonce)
        raised_fields = raised_transaction(version.raw, fees)
        self._replace(self._signer, raised_fields, version.purpose, version.hash)
        return None

    def _replace(self, signer: Signer, fields: dict[str, Any], purpose: str, replaces: str | None) -> None:
        signed = signer.sign_transaction(fields)
        with self._database.writing() as connection:
            ledger.add_signed(connection, self._terms.chain_id, purpose, signed, replaces)
        version = _newest(self._slot(signed.nonce))
        assert version is not None, "it was just added"
        try:
            submit(self._web3, signed)
        except (NonceTaken, Underpriced):
            return  # the next look raises it further
        with self._database.writing() as connection:
            ledger.change_version(connection, version.number, status="sent", since_ms=_now_ms())

    def _too_dear(self, version: TransactionRecord | None) -> str | None:
        """Why a transaction that no node takes waits."""
        if version is None or version.status != "signed":
            return None
        fees = raised(fees_of(version.raw), current_fees(self._web3))
        return self._ceiling() if fees.max_fee_per_gas_wei > self._terms.max_fee_wei else None

    def _ceiling(self) -> str:
        return (
            "The transaction waits because the network asks for a higher fee than LORESPARK_MAX_FEE_GWEI allows "
            f"({self._terms.max_fee_wei / _GWEI:g} gwei a gas); raise it, or wait until fees fall."
        )

    def _keyless(self, nonce: int) -> str:
        return (
            f"The transaction waits because the one with the nonce {nonce} of {self._address} must be replaced, and "
            "that account is no signer any more; name it again (LORESPARK_PRIVATE_KEY, or LORESPARK_SIGNER_ADDRESS) "
            "until its transactions are confirmed."
        )

    def _slot(self, nonce: int) -> list[TransactionRecord]:
        with self._database.reading() as connection:
            return ledger.versions_at(connection, self._terms.chain_id, self._address, nonce)


def _newest(slot: list[TransactionRecord]) -> TransactionRecord | None:
    """The version that is to be at the node."""
    return next((version for version in reversed(slot) if version.status not in ("refused", "lost")), None)


def _now_ms() -> int:
    return int(time.time() * 1000)
