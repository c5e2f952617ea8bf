"""All that was signed, by signer and nonce: several versions of one nonce, of which the chain takes one at most."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from chain.transactions import SignedTransaction, read_fields
from engine.database.clock import now
from engine.database.tables import signers, transactions

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
