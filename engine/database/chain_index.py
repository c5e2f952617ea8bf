"""How far the chain's logs were read, and what they said, as rows; and undoing what a reorganisation removed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    ScalarSelect,
    Table,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from engine.database.claims import recheck_vouchers
from engine.database.tables import (
    assets,
    indexed_blocks,
    indexed_chains,
    indexed_contracts,
    mints,
    token_changes,
    tokens,
    transfers,
    voucher_events,
)

# Blocks whose hashes are kept: how deep a reorganisation may be without everything being read again. Raise it for a
# chain without finality.
KEPT_BLOCKS: Final = 256
NOWHERE: Final = "0x0000000000000000000000000000000000000000"
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Followed:
    """A contract whose logs are read; those before ``next_block`` were."""

    address: str
    kind: str
    first_block: int
    next_block: int


@dataclass(frozen=True)
class Standing:
    """How far the logs of one chain were read. ``blocks`` are numbers and hashes, the newest first."""

    version: int
    head_block: int
    contracts: tuple[Followed, ...]
    blocks: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Batch:
    """What the logs of the contracts ``addresses`` say up to ``last_block``; rows without their chain's id."""

    addresses: Sequence[str]
    first_block: int
    last_block: int
    blocks: Mapping[int, str]
    contracts: Sequence[Row] = ()
    tokens: Sequence[Row] = ()
    transfers: Sequence[Row] = ()
    changes: Sequence[Row] = ()
    vouchers: Sequence[Row] = ()
    # What becomes of tokens that were there before: contract, token_id, changed_block and the new value.
    owners: Sequence[Row] = ()
    digests: Sequence[Row] = ()
    frozen: Sequence[Row] = ()


def standing(connection: Connection, chain_id: int) -> Standing:
    row = connection.execute(
        select(indexed_chains).where(indexed_chains.c.chain_id == chain_id)
    ).one_or_none()
    followed = connection.execute(
        select(
            indexed_contracts.c.address,
            indexed_contracts.c.kind,
            indexed_contracts.c.first_block,
            indexed_contracts.c.next_block,
        )
        .where(indexed_contracts.c.chain_id == chain_id)
        .order_by(indexed_contracts.c.next_block, indexed_contracts.c.address)
    )
    blocks = connection.execute(
        select(indexed_blocks.c.number, indexed_blocks.c.hash)
        .where(indexed_blocks.c.chain_id == chain_id)
        .order_by(indexed_blocks.c.number.desc())
    )
    return Standing(
        0 if row is None else row.version,
        -1 if row is None else row.head_block,
        tuple(Followed(*each) for each in followed),
        tuple((number, block_hash) for number, block_hash in blocks),
    )


def advance(connection: Connection, chain_id: int, version: int, head_block: int) -> bool:
    """Begins a change of what stands at ``version``; False where another writer changed it since."""
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(
        dialect.insert(indexed_chains)
        .values(chain_id=chain_id, version=0, head_block=-1)
        .on_conflict_do_nothing()
    )
    own = and_(indexed_chains.c.chain_id == chain_id, indexed_chains.c.version == version)
    values = {"version": version + 1, "head_block": head_block}
    return connection.execute(update(indexed_chains).where(own).values(**values)).rowcount == 1


def watch(connection: Connection, chain_id: int, address: str, kind: str, first_block: int) -> None:
    """Lets the logs of a contract be read from ``first_block`` on; nothing where they are. ``kind`` as in the table."""
    _add_contracts(
        connection,
        chain_id,
        [{"address": address, "kind": kind, "first_block": first_block, "next_block": first_block}],
    )


def watches(connection: Connection, chain_id: int) -> bool:
    """Whether there is any contract whose logs are read."""
    table = indexed_contracts
    return connection.scalar(select(table.c.address).where(table.c.chain_id == chain_id).limit(1)) is not None


def write_batch(connection: Connection, chain_id: int, batch: Batch) -> None:
    """Writes what was read, and that it was. Call ``advance`` before, in the same transaction."""
    for table, rows in (
        (tokens, batch.tokens),
        (transfers, batch.transfers),
        (token_changes, batch.changes),
        (voucher_events, batch.vouchers),
    ):
        _insert(connection, chain_id, table, rows)
    for name, rows in (("owner", batch.owners), ("digest", batch.digests), ("frozen", batch.frozen)):
        _change_tokens(connection, chain_id, name, rows)
    _add_contracts(connection, chain_id, batch.contracts)
    connection.execute(
        update(indexed_contracts)
        .where(indexed_contracts.c.chain_id == chain_id, indexed_contracts.c.address == bindparam("read"))
        .values(next_block=batch.last_block + 1),
        [{"read": address} for address in batch.addresses],
    )
    _keep_blocks(connection, chain_id, batch.blocks)
    _follow_owners(connection, chain_id, batch.first_block)


def undo_after(connection: Connection, chain_id: int, block_number: int) -> None:
    """Takes back all that blocks after ``block_number`` said, so that the rest is as it was then.

    Vouchers that ended there are looked at again. Call ``advance`` before, in the same transaction.
    """
    recheck_vouchers(connection, chain_id, block_number)
    for table in (transfers, token_changes, voucher_events):
        connection.execute(
            delete(table).where(table.c.chain_id == chain_id, table.c.block_number > block_number)
        )
    changed = and_(tokens.c.chain_id == chain_id, tokens.c.changed_block > block_number)
    receiver = _newest(transfers, transfers.c.receiver)
    digest = _newest(token_changes, token_changes.c.digest, token_changes.c.kind == "metadata")
    frozen = _newest(token_changes, token_changes.c.kind, token_changes.c.kind == "frozen")
    connection.execute(
        update(tokens)
        .where(changed)
        .values(
            owner=func.nullif(receiver, NOWHERE),  # None as well where the token is gone
            digest=func.coalesce(digest, tokens.c.minted_digest),
            frozen=frozen.is_not(None),
        )
    )
    _follow_owners(connection, chain_id, block_number + 1)
    connection.execute(
        delete(tokens).where(tokens.c.chain_id == chain_id, tokens.c.minted_block > block_number)
    )
    moved = _newest(transfers, transfers.c.block_number)
    told = func.coalesce(_newest(token_changes, token_changes.c.block_number), -1)
    connection.execute(
        update(tokens).where(changed).values(changed_block=case((told > moved, told), else_=moved))
    )
    for table, number in (
        (indexed_blocks, indexed_blocks.c.number),
        (indexed_contracts, indexed_contracts.c.found_block),
    ):
        connection.execute(delete(table).where(table.c.chain_id == chain_id, number > block_number))
    # A contract that was deployed after the fork may now have been deployed earlier than before.
    for column in (indexed_contracts.c.next_block, indexed_contracts.c.first_block):
        connection.execute(
            update(indexed_contracts)
            .where(indexed_contracts.c.chain_id == chain_id, column > block_number + 1)
            .values({column: block_number + 1})
        )


def _newest(table: Table, column: ColumnElement[Any], *more: ColumnElement[bool]) -> ScalarSelect[Any]:
    """The column in the newest row of ``table`` about a token of the statement around it."""
    return (
        select(column)
        .where(
            table.c.chain_id == tokens.c.chain_id,
            table.c.contract == tokens.c.contract,
            table.c.token_id == tokens.c.token_id,
            *more,
        )
        .order_by(table.c.block_number.desc(), table.c.log_index.desc())
        .limit(1)
        .correlate(tokens)
        .scalar_subquery()
    )


def _insert(connection: Connection, chain_id: int, table: Table, rows: Sequence[Row]) -> None:
    if rows:
        connection.execute(insert(table), [{"chain_id": chain_id, **row} for row in rows])


def _change_tokens(connection: Connection, chain_id: int, name: str, rows: Sequence[Row]) -> None:
    if not rows:
        return
    newer = bindparam("block", type_=BigInteger)
    connection.execute(
        update(tokens)
        .where(
            tokens.c.chain_id == chain_id,
            tokens.c.contract == bindparam("of"),
            tokens.c.token_id == bindparam("number"),
        )
        .values(
            {
                name: bindparam("value"),
                "changed_block": case((tokens.c.changed_block < newer, newer), else_=tokens.c.changed_block),
            }
        ),
        [
            {
                "of": row["contract"],
                "number": row["token_id"],
                "block": row["changed_block"],
                "value": row[name],
            }
            for row in rows
        ],
    )


def _add_contracts(connection: Connection, chain_id: int, rows: Sequence[Row]) -> None:
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    for row in rows:
        connection.execute(
            dialect.insert(indexed_contracts).values(chain_id=chain_id, **row).on_conflict_do_nothing()
        )


def _keep_blocks(connection: Connection, chain_id: int, blocks: Mapping[int, str]) -> None:
    table = indexed_blocks
    newest = sorted(blocks, reverse=True)[:KEPT_BLOCKS]
    there = set(
        connection.scalars(
            select(table.c.number).where(table.c.chain_id == chain_id, table.c.number.in_(newest))
        )
    )
    rows = [{"number": number, "hash": blocks[number]} for number in newest if number not in there]
    _insert(connection, chain_id, table, rows)
    own = table.c.chain_id == chain_id
    oldest = select(table.c.number).where(own).order_by(table.c.number.desc()).offset(KEPT_BLOCKS).limit(1)
    connection.execute(delete(table).where(own, table.c.number <= oldest.scalar_subquery()))


def _follow_owners(connection: Connection, chain_id: int, first_block: int) -> None:
    """Lets assets that were minted belong to whom the chain says, where it said anything since ``first_block``."""
    own = and_(
        tokens.c.chain_id == mints.c.chain_id,
        tokens.c.contract == mints.c.contract,
        tokens.c.token_id == mints.c.token_id,
    )
    living = and_(mints.c.chain_id == chain_id, or_(mints.c.status == "mined", mints.c.status == "confirmed"))
    owner = select(tokens.c.owner).where(own, living, mints.c.asset_id == assets.c.id).limit(1)
    touched = select(mints.c.asset_id).where(
        own, living, tokens.c.chain_id == chain_id, tokens.c.changed_block >= first_block
    )
    connection.execute(
        update(assets).where(assets.c.id.in_(touched)).values(owner=owner.correlate(assets).scalar_subquery())
    )
