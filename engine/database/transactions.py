"""All that was signed, by signer and nonce: several versions of one nonce, of which the chain takes one at most."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, exists, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from chain.transactions import SignedTransaction, read_fields
from engine.database.clock import now
from engine.database.mints import FINISHED_MINT
from engine.database.tables import batch_mints, mints, signers, transactions

EMPTY = "empty"  # the purpose of a transaction that does nothing but fill its nonce
LIVING = ("signed", "sent", "mined", "overtaken")  # what the chain has not settled


@dataclass(frozen=True)
class TransactionRecord:
    """One version. ``status``: signed, sent, mined, confirmed; refused where no node will ever take it, overtaken where
    another transaction has its nonce, lost where that one is confirmed. ``since_ms`` is the Unix time of when it was
    sent or overtaken."""

    number: int
    chain_id: int
    purpose: str
    sender: str
    nonce: int
    hash: str
    raw: bytes
    status: str
    reason: str | None
    replaces: str | None
    gas: int
    max_fee_per_gas_wei: int
    max_priority_fee_per_gas_wei: int
    since_ms: int | None
    block_number: int | None
    block_hash: str | None
    created_at: str


def version_of(connection: Connection, chain_id: int, purpose: str) -> TransactionRecord | None:
    """The purpose's newest version, unless its nonce was lost to another transaction."""
    table = transactions
    query = select(table).where(
        table.c.chain_id == chain_id, table.c.purpose == purpose, table.c.status != "lost"
    )
    row = connection.execute(query.order_by(table.c.number.desc()).limit(1)).one_or_none()
    return None if row is None else TransactionRecord(**row._mapping)


def versions_at(connection: Connection, chain_id: int, sender: str, nonce: int) -> list[TransactionRecord]:
    """All versions of one nonce, oldest first."""
    table = transactions
    own = (table.c.chain_id == chain_id) & (table.c.sender == sender) & (table.c.nonce == nonce)
    rows = connection.execute(select(table).where(own).order_by(table.c.number))
    return [TransactionRecord(**row._mapping) for row in rows]


def add_signed(
    connection: Connection,
    chain_id: int,
    purpose: str,
    signed: SignedTransaction,
    replaces: str | None = None,
) -> None:
    """A version that goes to the chain after this transaction of the database."""
    fields = read_fields(signed.raw)
    connection.execute(
        insert(transactions).values(
            chain_id=chain_id,
            purpose=purpose,
            sender=signed.sender,
            nonce=signed.nonce,
            hash=signed.hash,
            raw=signed.raw,
            status="signed",
            replaces=replaces,
            gas=fields["gas"],
            max_fee_per_gas_wei=fields["maxFeePerGas"],
            max_priority_fee_per_gas_wei=fields["maxPriorityFeePerGas"],
            created_at=now(),
        )
    )


def change_version(connection: Connection, number: int, **values: Any) -> None:
    connection.execute(update(transactions).where(transactions.c.number == number).values(**values))


def next_nonce(connection: Connection, chain_id: int, address: str) -> int | None:
    """What the signer gives out next; None where it never signed for these records."""
    own = (signers.c.chain_id == chain_id) & (signers.c.address == address)
    return connection.scalar(select(signers.c.next_nonce).where(own))


def set_next_nonce(connection: Connection, chain_id: int, address: str, nonce: int) -> None:
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    row = dialect.insert(signers).values(chain_id=chain_id, address=address, next_nonce=nonce)
    key = [signers.c.chain_id, signers.c.address]
    connection.execute(row.on_conflict_do_update(index_elements=key, set_={"next_nonce": nonce}))


def busy(connection: Connection, chain_id: int, addresses: Sequence[str]) -> dict[str, int]:
    """How many nonces of each signer the chain has not settled."""
    table = transactions
    rows = connection.execute(
        select(table.c.sender, func.count(table.c.nonce.distinct()))
        .where(
            table.c.chain_id == chain_id,
            table.c.sender.in_(addresses),
            table.c.status.in_(LIVING),
            table.c.purpose != EMPTY,
        )
        .group_by(table.c.sender)
    ).all()
    return dict.fromkeys(addresses, 0) | {row[0]: row[1] for row in rows}


def confirmed_places(connection: Connection, chain_id: int, first_block: int) -> set[tuple[int, str]]:
    """The blocks from ``first_block`` on, each with its hash, in which confirmed transactions were mined."""
    table = transactions
    rows = connection.execute(
        select(table.c.block_number, table.c.block_hash)
        .where(
            table.c.chain_id == chain_id,
            table.c.status == "confirmed",
            table.c.block_number >= first_block,
            table.c.block_hash.is_not(None),
        )
        .distinct()
    )
    return {(row.block_number, row.block_hash) for row in rows}


def confirmed_in(connection: Connection, chain_id: int, block_hash: str) -> list[TransactionRecord]:
    """The transactions that were confirmed in that block."""
    table = transactions
    own = (
        (table.c.chain_id == chain_id) & (table.c.status == "confirmed") & (table.c.block_hash == block_hash)
    )
    rows = connection.execute(select(table).where(own).order_by(table.c.nonce))
    return [TransactionRecord(**row._mapping) for row in rows]


def reopen(connection: Connection, version: TransactionRecord, refusal: str | None) -> None:
    """Lets a confirmed transaction be brought to the chain again, with the versions that it won against. ``refusal``
    says why not, where nobody wants it any more: then an empty one is to take its place."""
    table = transactions
    gone = {"block_number": None, "block_hash": None}
    own = table.c.number == version.number
    if refusal is not None:
        connection.execute(update(table).where(own).values(status="refused", reason=refusal, **gone))
        return
    siblings = (
        (table.c.chain_id == version.chain_id)
        & (table.c.sender == version.sender)
        & (table.c.nonce == version.nonce)
        & (table.c.purpose == version.purpose)
        & (table.c.status == "lost")
    )
    # What an empty one won against may have been signed anew for another nonce, and stays lost.
    which = own if version.purpose == EMPTY else own | siblings
    connection.execute(update(table).where(which).values(status="signed", **gone))


def unfollowed(connection: Connection, chain_id: int, limit: int) -> list[tuple[str, int]]:
    """Sender and nonce of what the chain has not settled and no mint's job follows, in the order of the nonces."""
    table, other = transactions, transactions.alias()
    slot = (other.c.chain_id == table.c.chain_id) & (other.c.sender == table.c.sender)
    settled = slot & (other.c.nonce == table.c.nonce) & (other.c.status == "confirmed")
    in_batch = (batch_mints.c.batch_id == table.c.purpose) & (mints.c.id == batch_mints.c.mint_id)
    rows = connection.execute(
        select(table.c.sender, table.c.nonce)
        .where(
            table.c.chain_id == chain_id,
            table.c.status.in_((*LIVING, "refused")),
            ~exists().where(settled).correlate(table),
            ~exists().where(in_batch, mints.c.status.not_in(FINISHED_MINT)).correlate(table),
        )
        .group_by(table.c.sender, table.c.nonce)
        .order_by(table.c.nonce, table.c.sender)
        .limit(limit)
    )
    return [(row.sender, row.nonce) for row in rows]
