"""Drops as frozen records: what is free in them, who has claimed what, and what writes them in a transaction."""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, exists, func, insert, select, update

from engine.api.drop import DropState
from engine.database.clock import now
from engine.database.tables import (
    assets,
    collection_assets,
    collections,
    drop_addresses,
    drop_claims,
    drops,
    mints,
    vouchers,
)
from engine.database.voucher_places import LIVING_VOUCHER
from engine.errors import Conflict, UnknownRecord

NEWEST_FIRST: Final = (drops.c.created_at, drops.c.id)  # as engine.server.cursor.page orders
_COUNTED: Final = (*LIVING_VOUCHER, "claimed")  # against an address's limit


@dataclass(frozen=True)
class DropRecord:
    id: str
    tenant_id: str
    collection_id: str
    per_address: int
    listed_only: bool
    closed: bool
    starts_at_s: int
    ends_at_s: int
    created_at: str

    def state(self, left: int) -> DropState:
        """At this moment, with so many assets free."""
        if self.closed:
            return DropState.CLOSED
        if time.time() >= self.ends_at_s:
            return DropState.OVER
        if time.time() < self.starts_at_s:
            return DropState.EARLY
        return DropState.OPEN if left else DropState.EMPTY


@dataclass(frozen=True)
class DropCounts:
    total: int
    left: int
    promised: int
    claimed: int
    addresses: int


def drops_of(tenant_id: str) -> Select[Any]:
    """The rows of the tenant's drops, in no order."""
    return select(drops).where(drops.c.tenant_id == tenant_id)


def own_drop(connection: Connection, tenant_id: str, drop_id: str) -> DropRecord:
    """Raises UnknownRecord."""
    return _one(connection, drops_of(tenant_id), drop_id)


def known_drop(connection: Connection, drop_id: str) -> DropRecord:
    """A drop of any tenant: its page is public. Raises UnknownRecord."""
    return _one(connection, select(drops), drop_id)


def locked_drop(connection: Connection, drop_id: str) -> DropRecord:
    """The same, of which nobody else claims until the transaction's end."""
    return _one(connection, select(drops).with_for_update(), drop_id)


def drop_of(connection: Connection, collection_id: str) -> DropRecord | None:
    """The collection's drop."""
    row = connection.execute(select(drops).where(drops.c.collection_id == collection_id)).one_or_none()
    return None if row is None else DropRecord(**row._mapping)


def add_drop(
    connection: Connection,
    tenant_id: str,
    collection_id: str,
    *,
    per_address: int,
    listed_only: bool,
    addresses: Sequence[str],
    starts_at_s: int,
    ends_at_s: int,
) -> DropRecord:
    """Of a collection of the tenant's; ``addresses`` are checksummed. Raises Conflict where it is a drop already."""
    # Locked, so that two requests at once do not both open one.
    connection.execute(select(collections.c.id).where(collections.c.id == collection_id).with_for_update())
    if drop_of(connection, collection_id) is not None:
        raise Conflict(f"The collection {collection_id} is a drop already; change that one.")
    drop_id = f"drop-{uuid4().hex[:20]}"
    connection.execute(
        insert(drops).values(
            id=drop_id,
            tenant_id=tenant_id,
            collection_id=collection_id,
            per_address=per_address,
            listed_only=listed_only,
            closed=False,
            starts_at_s=starts_at_s,
            ends_at_s=ends_at_s,
            created_at=now(),
        )
    )
    _list(connection, drop_id, addresses)
    return known_drop(connection, drop_id)


def change_drop(
    connection: Connection, drop_id: str, addresses: Sequence[str] | None, **values: Any
) -> DropRecord:
    """``addresses`` take the place of those listed, unless they are None."""
    if values:
        connection.execute(update(drops).where(drops.c.id == drop_id).values(**values))
    if addresses is not None:
        connection.execute(delete(drop_addresses).where(drop_addresses.c.drop_id == drop_id))
        _list(connection, drop_id, addresses)
    return known_drop(connection, drop_id)


def is_listed(connection: Connection, drop_id: str, address: str) -> bool:
    own = (drop_addresses.c.drop_id == drop_id) & (drop_addresses.c.address == address)
    return connection.scalar(select(drop_addresses.c.address).where(own)) is not None


def listed(connection: Connection, drop_id: str) -> list[str]:
    own = drop_addresses.c.drop_id == drop_id
    return list(
        connection.scalars(select(drop_addresses.c.address).where(own).order_by(drop_addresses.c.address))
    )


def next_free(
    connection: Connection, drop: DropRecord, chain_id: int, but: Collection[str] = ()
) -> Row[Any] | None:
    """The row of the first asset of the collection that nobody has or was promised, but those of ``but``."""
    query = _assets(drop).where(_is_free(chain_id), assets.c.id.not_in(but))
    return connection.execute(query.order_by(collection_assets.c.position).limit(1)).one_or_none()


def is_free(connection: Connection, drop: DropRecord, chain_id: int, asset_id: str) -> bool:
    query = _assets(drop).where(_is_free(chain_id), assets.c.id == asset_id)
    return connection.execute(query).one_or_none() is not None


def shown_assets(connection: Connection, drop: DropRecord, chain_id: int, limit: int) -> list[Row[Any]]:
    """The rows of the collection's first assets, each with ``is_free``."""
    query = _assets(drop).add_columns(_is_free(chain_id).label("is_free"))
    return list(connection.execute(query.order_by(collection_assets.c.position).limit(limit)))


def drop_counts(connection: Connection, drop: DropRecord, chain_id: int) -> DropCounts:
    inside = _assets(drop).subquery()
    free = _assets(drop).where(_is_free(chain_id)).subquery()
    rows = connection.execute(
        select(vouchers.c.status, func.count())
        .join(drop_claims, drop_claims.c.voucher_id == vouchers.c.id)
        .where(drop_claims.c.drop_id == drop.id)
        .group_by(vouchers.c.status)
    )
    by_status = {status: int(count) for status, count in rows}
    on_list = drop_addresses.c.drop_id == drop.id
    return DropCounts(
        total=connection.scalar(select(func.count()).select_from(inside)) or 0,
        left=connection.scalar(select(func.count()).select_from(free)) or 0,
        promised=sum(by_status.get(status, 0) for status in LIVING_VOUCHER),
        claimed=by_status.get("claimed", 0),
        addresses=connection.scalar(select(func.count()).select_from(drop_addresses).where(on_list)) or 0,
    )


def claims_of(connection: Connection, drop_id: str, address: str) -> list[Row[Any]]:
    """What the drop promised to an account, with what its asset is called, the newest first."""
    query = (
        select(vouchers, assets.c.name, assets.c.image_cid, assets.c.recipe)
        .join(drop_claims, drop_claims.c.voucher_id == vouchers.c.id)
        .join(assets, assets.c.id == vouchers.c.asset_id)
        .where(drop_claims.c.drop_id == drop_id, drop_claims.c.address == address)
        .order_by(vouchers.c.created_at.desc(), vouchers.c.id.desc())
    )
    return list(connection.execute(query))


def counted(claims: Sequence[Row[Any]]) -> int:
    """How many of an account's claims count against its limit: what expired or was cancelled does not."""
    return sum(claim.status in _COUNTED for claim in claims)


def add_claim(connection: Connection, drop_id: str, address: str, voucher_id: str) -> None:
    connection.execute(insert(drop_claims).values(voucher_id=voucher_id, drop_id=drop_id, address=address))


def time_text(moment_s: int) -> str:
    """Unix time as RFC 3339, in UTC."""
    return datetime.fromtimestamp(moment_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _one(connection: Connection, query: Select[Any], drop_id: str) -> DropRecord:
    # PostgreSQL takes no NUL in a text.
    row = (
        connection.execute(query.where(drops.c.id == drop_id)).one_or_none()
        if drop_id.isprintable()
        else None
    )
    if row is None:
        raise UnknownRecord(f"There is no drop {drop_id[:80]!r}; see whether its link is whole.")
    return DropRecord(**row._mapping)


def _list(connection: Connection, drop_id: str, addresses: Sequence[str]) -> None:
    rows = [{"drop_id": drop_id, "address": address} for address in dict.fromkeys(addresses)]
    if rows:
        connection.execute(insert(drop_addresses), rows)


def _assets(drop: DropRecord) -> Select[Any]:
    return (
        select(assets)
        .join(collection_assets, collection_assets.c.asset_id == assets.c.id)
        .where(collection_assets.c.collection_id == drop.collection_id)
    )


def _is_free(chain_id: int) -> ColumnElement[bool]:
    on_chain = exists().where(
        mints.c.asset_id == assets.c.id, mints.c.chain_id == chain_id, mints.c.status != "failed"
    )
    promised = exists().where(
        vouchers.c.asset_id == assets.c.id,
        vouchers.c.chain_id == chain_id,
        vouchers.c.status.in_(LIVING_VOUCHER),
    )
    unheld = assets.c.holder_player_id.is_(None) & assets.c.holder_reference.is_(None)
    return ~on_chain & ~promised & unheld
