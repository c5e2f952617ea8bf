"""Transactions signed once for a purpose, stored before they are sent, and followed until the chain settled them."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError
from web3 import Web3

from chain.errors import KeyRefused
from chain.fees import Fees
from chain.signer import Signer
from chain.transactions import (
    Receipt,
    head_number,
    is_in_chain,
    next_nonce,
    receipt,
    settled_nonces,
)
from engine.database import transactions as ledger
from engine.database.database import Database
from engine.database.records import Hold
from engine.database.transactions import EMPTY, LIVING, TransactionRecord
from engine.jobs.sending import Sending
from engine.jobs.standing import SendingTerms, Standing, Then

# What is built for a nonce, unsigned and complete.
Build = Callable[[int], Mapping[str, Any]]
_TAKEN: Final = (
    "Another transaction of this account took its nonce; it is signed again once that one is confirmed."
)


def nothing_else(_: Connection, __: Standing) -> None:
    """For ``then`` where nothing else is to be written."""


class Outbox:
    """Hands out nonces of several signers, each under a lock among all that work on these records."""

    def __init__(
        self, database: Database, web3: Web3, signers: Sequence[Signer], terms: SendingTerms
    ) -> None:
        self._database, self._web3, self.terms = database, web3, terms
        self._signers = {signer.address: signer for signer in signers}

    @property
    def addresses(self) -> tuple[str, ...]:
        """The accounts that sign, in the order of the settings."""
        return tuple(self._signers)

    def least_busy(self, addresses: Sequence[str]) -> str:
        """The one of the accounts with the fewest nonces that the chain has not settled."""
        with self._database.reading() as connection:
            counts = ledger.busy(connection, self.terms.chain_id, addresses)
        return min(addresses, key=lambda address: counts[address])

    def sign(
        self,
        purpose: str,
        build: Build,
        sender: str,
        hold: Hold | None = None,
        then: Then = nothing_else,
    ) -> None:
        """Signs and stores what ``build`` makes of the sender's next nonce, unless the purpose was signed for before.

        Nothing is signed once ``hold`` is lost. Raises what ``build`` raises, and node errors; then no nonce was used.
        """
        chain_id = self.terms.chain_id
        with self._database.exclusive(self._turn(sender)):
            with self._database.reading() as connection:
                if ledger.version_of(connection, chain_id, purpose) is not None:
                    return
                own = ledger.next_nonce(connection, chain_id, sender) or 0
            # Somebody else may use the key too.
            nonce = max(own, next_nonce(self._web3, sender))
            signed = self._signer(sender).sign_transaction(self._within_ceiling(build(nonce)))
            try:
                with self._database.writing() as connection:
                    if hold is not None:
                        hold.confirm(connection)
                    ledger.add_signed(connection, chain_id, purpose, signed)
                    ledger.set_next_nonce(connection, chain_id, sender, nonce + 1)
                    then(connection, Standing("signed", signed.hash))
            except IntegrityError:
                return  # another process signed for this purpose first, with another signer

    def follow(self, purpose: str, then: Then = nothing_else) -> Standing:
        """Brings the purpose's transaction a step on: sends it where the node lacks it, replaces it where it is stuck,
        and reads what became of it. ``then`` is called with each standing that it gets to.

        Safe to call as often as needed, whatever died or got lost in between. Raises node errors.
        """
        version = self._version(purpose)
        with self._database.exclusive(self._turn(version.sender)):
            return self._step(self._version(purpose), then)

    def follow_nonce(self, sender: str, nonce: int) -> None:
        """As ``follow``, of a nonce that no job follows."""
        with self._database.exclusive(self._turn(sender)):
            slot = self._slot(sender, nonce)
            living = [version for version in slot if version.status in LIVING]
            if living or any(version.status == "refused" for version in slot):
                self._step((living or slot)[-1], nothing_else)

    def deliver(
        self, purpose: str, build: Build, hold: Hold | None = None, sender: str | None = None
    ) -> Standing:
        """``sign`` by ``sender`` or the first signer, and ``follow``; call it until it is confirmed."""
        self.sign(purpose, build, sender or self.addresses[0], hold)
        return self.follow(purpose)

    def is_settled(self, purpose: str) -> bool:
        """Whether nothing is under way for the purpose: its transaction is confirmed, or none was signed."""
        with self._database.reading() as connection:
            version = ledger.version_of(connection, self.terms.chain_id, purpose)
        return version is None or version.status == "confirmed"

    def sender(self, purpose: str) -> str:
        """Who signed for the purpose."""
        return self._version(purpose).sender

    def release(self, purpose: str) -> None:
        """Lets a purpose whose transaction was refused be signed for anew."""
        version = self._version(purpose)
        with self._database.exclusive(self._turn(version.sender)), self._database.writing() as connection:
            for each in ledger.versions_at(connection, self.terms.chain_id, version.sender, version.nonce):
                if each.purpose == purpose:
                    ledger.change_version(connection, each.number, status="lost")

    # ------------------------------------------------------------------ within

    def _step(self, version: TransactionRecord, then: Then) -> Standing:
        """``follow``, by who holds the signer's lock."""
        slot = self._slot(version.sender, version.nonce)
        found = self._receipt(slot)
        if found is None:
            settled = settled_nonces(self._web3, version.sender)
            if settled > version.nonce:
                found = self._receipt(slot)  # mined since
                if found is None:
                    return self._overtaken(slot, version, then)
            else:
                note = self._brought(slot, version, settled)
                slot = self._slot(version.sender, version.nonce)
                status = "sent" if _is_sent(slot) else "signed"
                standing = Standing(status, _newest(slot).hash, None, note)
                self._tell(standing, then)
                found = self._receipt(slot)
                if found is None:
                    return standing
        return self._mined(slot, version, found, then)

    def _brought(self, slot: list[TransactionRecord], version: TransactionRecord, settled: int) -> str | None:
        removed = [each for each in slot if each.status == "mined"]
        if removed:
            with self._database.writing() as connection:
                for each in removed:
                    gone = {"status": "signed", "block_number": None, "block_hash": None}
                    ledger.change_version(connection, each.number, **gone)
        return self._sending(version.sender).bring(settled, version.nonce)

    def _mined(
        self, slot: list[TransactionRecord], version: TransactionRecord, found: Receipt, then: Then
    ) -> Standing:
        """What the mined version of the slot, its own or an empty one, means for the purpose."""
        winner = next(each for each in slot if each.hash == found.tx_hash)
        is_own = winner.purpose == version.purpose
        place = {"block_number": found.block_number, "block_hash": found.block_hash}
        standing = Standing("mined", found.tx_hash, found)
        with self._database.writing() as connection:
            if winner.status != "confirmed":
                ledger.change_version(connection, winner.number, status="mined", **place)
            if is_own:
                then(connection, standing)
        if found.confirmations < self.terms.confirmations or not is_in_chain(self._web3, found):
            return standing if is_own else Standing("sent", version.hash, None, version.reason or _TAKEN)
        refusal = next((each.reason for each in slot if each.status == "refused"), None)
        if is_own:
            standing = Standing("confirmed", found.tx_hash, found)
        elif refusal is not None:
            standing = Standing("refused", version.hash, None, refusal)
        else:
            standing = Standing("lost", version.hash, None, _TAKEN)
        with self._database.writing() as connection:
            ledger.change_version(connection, winner.number, status="confirmed", **place)
            for each in slot:
                if each.number != winner.number and each.status in LIVING:
                    ledger.change_version(connection, each.number, status="lost")
            then(connection, standing)
        return standing

    def _overtaken(self, slot: list[TransactionRecord], version: TransactionRecord, then: Then) -> Standing:
        """The chain counts a transaction at the slot's nonce that is none of its versions."""
        head, at_ms = head_number(self._web3), _now_ms()
        living = [each for each in slot if each.status in LIVING]
        noticed = next((each for each in living if each.status == "overtaken"), None)
        is_sure = noticed is not None and (
            head - (noticed.block_number or 0) + 1 >= self.terms.confirmations
            and at_ms - (noticed.since_ms or 0) >= self.terms.sure_after_s * 1000
        )
        with self._database.writing() as connection:
            for each in living:
                if is_sure:
                    ledger.change_version(connection, each.number, status="lost")
                elif each.status != "overtaken":
                    seen = {"status": "overtaken", "block_number": head, "since_ms": at_ms}
                    ledger.change_version(connection, each.number, **seen)
            standing = Standing("lost" if is_sure else "sent", version.hash, None, _TAKEN)
            if is_sure:
                then(connection, standing)
        return standing

    def _tell(self, standing: Standing, then: Then) -> None:
        with self._database.writing() as connection:
            then(connection, standing)

    def _receipt(self, slot: Sequence[TransactionRecord]) -> Receipt | None:
        """Of whichever version the chain took."""
        for version in reversed(slot):
            if version.status != "lost" and (found := receipt(self._web3, version.hash)) is not None:
                return found
        return None

    def _within_ceiling(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        fees = Fees(fields["maxFeePerGas"], fields["maxPriorityFeePerGas"]).capped(self.terms.max_fee_wei)
        return {
            **fields,
            "maxFeePerGas": fees.max_fee_per_gas_wei,
            "maxPriorityFeePerGas": fees.max_priority_fee_per_gas_wei,
        }

    def _version(self, purpose: str) -> TransactionRecord:
        with self._database.reading() as connection:
            version = ledger.version_of(connection, self.terms.chain_id, purpose)
        assert version is not None, f"{purpose} is followed after it was signed"
        return version

    def _slot(self, sender: str, nonce: int) -> list[TransactionRecord]:
        with self._database.reading() as connection:
            return ledger.versions_at(connection, self.terms.chain_id, sender, nonce)

    def _sending(self, address: str) -> Sending:
        return Sending(self._database, self._web3, address, self._signers.get(address), self.terms)

    def _signer(self, address: str) -> Signer:
        try:
            return self._signers[address]
        except KeyError:
            raise KeyRefused(
                f"The account {address} is to sign and is no signer here; name it in LORESPARK_PRIVATE_KEY or "
                "LORESPARK_SIGNER_ADDRESS."
            ) from None

    def _turn(self, address: str) -> str:
        return turn(self.terms.chain_id, address)


def turn(chain_id: int, address: str) -> str:
    """The name of the lock on what one account signed."""
    return f"signer {chain_id} {address}"


def _newest(slot: Sequence[TransactionRecord]) -> TransactionRecord:
    living = [version for version in slot if version.status in LIVING and version.purpose != EMPTY]
    return (living or list(slot))[-1]


def _is_sent(slot: Sequence[TransactionRecord]) -> bool:
    return any(version.status == "sent" for version in slot)


def _now_ms() -> int:
    return int(time.time() * 1000)
