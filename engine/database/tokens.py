"""Queries of what the chain's logs said, and tokens and transfers as the API tells them."""

from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, and_, func, select, tuple_

from assets.cid import Cid
from engine.api.token import IndexState, OwnedToken, Transfer
from engine.database.chain_index import NOWHERE
from engine.database.tables import indexed_chains, indexed_contracts, mints, tokens, transfers
from engine.errors import UnknownRecord

TOKENS_NEWEST_FIRST: Final = (
    tokens.c.minted_block,
    tokens.c.minted_index,
)  # as engine.server.cursor.page orders
TRANSFERS_NEWEST_FIRST: Final = (transfers.c.block_number, transfers.c.log_index)
TokenKey = tuple[str, str]  # contract and token id


def tokens_of(
    chain_id: int, contract: str | None = None, owner: str | None = None, minted_since: str | None = None
) -> Select[Any]:
    """The rows of living tokens, in no order. Addresses with their checksum, the time as RFC 3339 in UTC."""
    query = select(tokens).where(tokens.c.chain_id == chain_id, tokens.c.owner.is_not(None))
    if contract is not None:
        query = query.where(tokens.c.contract == contract)
    if owner is not None:
        query = query.where(tokens.c.owner == owner)
    return query if minted_since is None else query.where(tokens.c.minted_at >= minted_since)


def transfers_of(chain_id: int, contract: str | None = None, token_id: str | None = None) -> Select[Any]:
    """The rows of transfers, in no order."""
    query = select(transfers).where(transfers.c.chain_id == chain_id)
    if contract is not None:
        query = query.where(transfers.c.contract == contract)
    return query if token_id is None else query.where(transfers.c.token_id == token_id)


def token_row(connection: Connection, chain_id: int, contract: str, token_id: str) -> Row[Any]:
    """The token, burned or not. Raises UnknownRecord."""
    row = connection.execute(
        select(tokens).where(
            tokens.c.chain_id == chain_id, tokens.c.contract == contract, tokens.c.token_id == token_id
        )
    ).one_or_none()
    if row is None:
        raise UnknownRecord(
            f"There is no token {token_id} of {contract}; list the tokens to see those there are, and wait a moment "
            "for one that was minted just now."
        )
    return row


def owner_on_chain(connection: Connection, chain_id: int, contract: str, token_id: str) -> str | None:
    """Who owns a token as far as the chain was read; None where it is burned or not read yet."""
    return connection.scalar(
        select(tokens.c.owner).where(
            tokens.c.chain_id == chain_id, tokens.c.contract == contract, tokens.c.token_id == token_id
        )
    )


def assets_of_tokens(
    connection: Connection, tenant_id: str, chain_id: int, keys: Collection[TokenKey]
) -> dict[TokenKey, str]:
    """The ids of the tenant's assets that are these tokens."""
    if not keys:
        return {}
    rows = connection.execute(
        select(mints.c.contract, mints.c.token_id, mints.c.asset_id).where(
            mints.c.tenant_id == tenant_id,
            mints.c.chain_id == chain_id,
            mints.c.status != "failed",
            tuple_(mints.c.contract, mints.c.token_id).in_(list(keys)),
        )
    )
    return {(row.contract, row.token_id): row.asset_id for row in rows}


def token_views(
    connection: Connection, tenant_id: str, chain_id: int, rows: Collection[Row[Any]]
) -> tuple[OwnedToken, ...]:
    """Tokens as the API tells them to a tenant."""
    known = assets_of_tokens(connection, tenant_id, chain_id, [(row.contract, row.token_id) for row in rows])
    return tuple(token_view(row, known.get((row.contract, row.token_id))) for row in rows)


def token_view(row: Row[Any], asset_id: str | None) -> OwnedToken:
    path = f"/v1/tokens/{row.contract}/{row.token_id}"
    links = {"self": path, "activity": f"/v1/activity?contract={row.contract}&token_id={row.token_id}"}
    if asset_id is not None:
        links["asset"] = f"/v1/assets/{asset_id}"
    return OwnedToken(
        chain_id=row.chain_id,
        contract=row.contract,
        token_id=row.token_id,
        owner=row.owner,
        metadata_digest=row.digest,
        metadata_cid=None if row.digest is None else str(Cid.raw(bytes.fromhex(row.digest))),
        frozen=row.frozen,
        asset=asset_id,
        minted_block=row.minted_block,
        minted_tx=row.minted_tx,
        minted_at=row.minted_at,
        links=links,
    )


def transfer_view(row: Row[Any]) -> Transfer:
    return Transfer(
        chain_id=row.chain_id,
        contract=row.contract,
        token_id=row.token_id,
        sender=None if row.sender == NOWHERE else row.sender,
        receiver=None if row.receiver == NOWHERE else row.receiver,
        block_number=row.block_number,
        log_index=row.log_index,
        tx_hash=row.tx_hash,
        at=row.at,
    )


def index_state(connection: Connection, chain_id: int) -> IndexState:
    """How far the chain was read."""
    table = indexed_contracts
    head = connection.scalar(select(indexed_chains.c.head_block).where(indexed_chains.c.chain_id == chain_id))
    rows = connection.execute(
        select(table.c.address, table.c.kind, table.c.next_block).where(table.c.chain_id == chain_id)
    ).all()
    return IndexState(
        chain_id=chain_id,
        block=min((row.next_block for row in rows), default=0) - 1,
        head_block=-1 if head is None else head,
        contracts={row.address: row.kind for row in rows},
    )


def owned_counts(connection: Connection, chain_id: int, owners: Collection[str]) -> dict[str, int]:
    """How many living tokens each of these accounts owns; those that own none are left out."""
    own = and_(tokens.c.chain_id == chain_id, tokens.c.owner.in_(list(owners)))
    rows = connection.execute(select(tokens.c.owner, func.count()).where(own).group_by(tokens.c.owner))
    return {row[0]: row[1] for row in rows}


def newest_of_each(
    connection: Connection, query: Select[Any], by: tuple[Any, ...], order: tuple[Any, ...], most: int
) -> list[Row[Any]]:
    """The newest rows of ``query``, at most ``most`` of each group ``by``, the newest first."""
    place = func.row_number().over(partition_by=by, order_by=[column.desc() for column in order])
    ranked = query.add_columns(place.label("place")).subquery()
    newest = select(ranked).where(ranked.c.place <= most)
    return list(connection.execute(newest.order_by(*(ranked.c[column.name].desc() for column in order))))
