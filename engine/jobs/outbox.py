"""Transactions signed once, stored before they are sent, and sent until the chain has them."""

from collections.abc import Callable, Mapping
from typing import Any

from web3 import Web3

from chain.errors import NonceTaken
from chain.signer import Signer
from chain.transactions import SignedTransaction, next_nonce, submit
from engine.database.records import Hold, Records, TransactionRecord, now

MAX_ATTEMPTS = 5  # a nonce lost this often to another user of the key will be lost again


class Outbox:
    """Hands out the signer's nonces, one transaction at a time among all that work on these records."""

    def __init__(self, records: Records, web3: Web3, signer: Signer, chain_id: int) -> None:
        self._records, self._web3, self._signer, self._chain_id = records, web3, signer, chain_id
        self._turn = f"signer {chain_id} {signer.address}"

    def deliver(
        self, purpose: str, build: Callable[[int], Mapping[str, Any]], hold: Hold | None = None
    ) -> SignedTransaction:
        """Signs the transaction that ``build`` makes for a nonce, unless one is stored, and sends it.

        Safe to call again after a crash anywhere inside: what was stored is what is sent, and the chain is asked
        first. Where another user of the key took the nonce, so that the stored one can never be mined, it is
        signed again with the next.

        Nothing is signed once ``hold`` is lost. Raises what ``build`` and ``chain.transactions.submit`` raise.
        """
        with self._records.database.exclusive(self._turn):
            lowest_nonce = 0
            for attempt in range(1, MAX_ATTEMPTS + 1):
                signed = self._sign_once(self._name(purpose, attempt), build, lowest_nonce, hold)
                try:
                    submit(self._web3, signed)
                except NonceTaken:
                    if attempt == MAX_ATTEMPTS:
                        raise
                    # The node that counts may lag behind the one that refused.
                    lowest_nonce = signed.nonce + 1
                else:
                    return signed
        raise AssertionError("the loop ends by returning or raising")

    def _sign_once(
        self,
        name: str,
        build: Callable[[int], Mapping[str, Any]],
        lowest_nonce: int,
        hold: Hold | None,
    ) -> SignedTransaction:
        record = self._records.transaction(name)
        if record is not None:
            return SignedTransaction(record.raw, record.hash, record.nonce, record.sender)
        nonce = max(lowest_nonce, next_nonce(self._web3, self._signer.address))
        signed = self._signer.sign_transaction(build(nonce))
        self._records.add_transaction(
            TransactionRecord(
                purpose=name,
                chain_id=self._chain_id,
                sender=signed.sender,
                nonce=signed.nonce,
                hash=signed.hash,
                raw=signed.raw,
                created_at=now(),
            ),
            hold,
        )
        return signed

    def _name(self, purpose: str, attempt: int) -> str:
        return f"{self._chain_id}/{purpose}" + (f"/{attempt}" if attempt > 1 else "")
