"""Vouchers that the chain says were claimed, told to the records of their assets."""

from sqlalchemy import Connection, and_, select

from chain.voucher import Claim
from engine.database.claims import voucher_claimed
from engine.database.database import Database
from engine.database.tables import voucher_events, vouchers

_AT_ONCE = 500  # claims in one transaction


class VoucherClaims:
    """Of one chain. A claim counts once it has as many ``confirmations`` as a mint needs."""

    def __init__(self, database: Database, chain_id: int, confirmations: int) -> None:
        self._database, self._chain_id, self._confirmations = database, chain_id, confirmations

    def settle(self, head_block: int) -> int:
        """Makes final claims up to ``head_block`` mints of their assets; returns of how many."""
        last_block = head_block - self._confirmations + 1
        with self._database.reading() as connection:
            if not self._open(connection, last_block, 1):
                return 0
        with self._database.writing() as connection:
            found = self._open(connection, last_block, _AT_ONCE)
            for signer, nonce, claim in found:
                voucher_claimed(connection, self._chain_id, signer, nonce, claim)
        return len(found)

    def _open(self, connection: Connection, last_block: int, limit: int) -> list[tuple[str, int, Claim]]:
        of_voucher = and_(
            vouchers.c.chain_id == voucher_events.c.chain_id,
            vouchers.c.signer == voucher_events.c.signer,
            vouchers.c.nonce == voucher_events.c.nonce,
            vouchers.c.contract == voucher_events.c.contract,
        )
        query = (
            select(voucher_events)
            .join(vouchers, of_voucher)
            .where(
                voucher_events.c.chain_id == self._chain_id,
                voucher_events.c.kind == "claimed",
                voucher_events.c.block_number <= last_block,
                # Those too that ended otherwise here: what the chain took is a token, whatever the records held.
                vouchers.c.status != "claimed",
            )
            .order_by(voucher_events.c.block_number, voucher_events.c.log_index)
            .limit(limit)
        )
        return [
            (
                row.signer,
                int(row.nonce),
                Claim(int(row.token_id), row.recipient, row.tx_hash, row.block_number),
            )
            for row in connection.execute(query)
        ]
