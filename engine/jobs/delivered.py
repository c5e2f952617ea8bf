"""One transaction for who can wait until it is confirmed."""

import time

from chain.connection import Connection
from chain.errors import ReceiptTimeout, TransactionRejected
from chain.transactions import Receipt, reverted
from engine.jobs.hold import Hold
from engine.jobs.outbox import Build, Outbox


def delivered(
    outbox: Outbox,
    connection: Connection,
    purpose: str,
    build: Build,
    hold: Hold | None = None,
    sender: str | None = None,
) -> Receipt:
    """Delivers the purpose's transaction, signed by ``sender`` or the first signer, and waits until it is confirmed.

    May be called again after a crash or a timeout: it is signed once. Raises TransactionRejected or TransactionReverted
    where the chain refused it, then calling again signs anew; ReceiptTimeout where it takes longer than the chain's
    timeout; and node errors.
    """
    until = time.monotonic() + connection.settings.timeout_s
    while True:
        standing = outbox.deliver(purpose, build, hold, sender)
        if standing.status == "refused":
            outbox.release(purpose)
            raise TransactionRejected(standing.note or "The transaction was refused.")
        if standing.status == "confirmed" and standing.receipt is not None:
            if standing.receipt.status == 0:
                outbox.release(purpose)
                raise reverted(connection.web3, standing.receipt)
            return standing.receipt
        if time.monotonic() > until:
            raise ReceiptTimeout(
                f"The transaction {standing.tx_hash} is not confirmed within {connection.settings.timeout_s:g} s"
                f"{': ' + standing.note if standing.note else ''}; it goes on, ask again later."
            )
        time.sleep(connection.settings.poll_latency_s)
