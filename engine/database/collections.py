"""A tenant's collections: assets that belong together, in the order in which they were added."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update

from engine.api.asset import Collection, CollectionChange, NewCollection
from engine.database.assets import own_assets
from engine.database.clock import now
from engine.database.tables import assets, collection_assets, collections
from engine.errors import Conflict, UnknownRecord

MAX_ASSETS: Final = 10_000  # of one collection: a CAR of them is made in one answer
NEWEST_FIRST = (collections.c.created_at, collections.c.id)  # as engine.server.cursor.page orders
_COUNT = (
    select(func.count())
    .select_from(collection_assets)
    .where(collection_assets.c.collection_id == collections.c.id)
    .scalar_subquery()
    .label("asset_count")
)


def collections_of(tenant_id: str) -> Select[Any]:
    """The rows of the tenant's collections with their ``asset_count``, in no order."""
    return select(collections, _COUNT).where(collections.c.tenant_id == tenant_id)


def collection_view(row: Row[Any]) -> Collection:
    """A row of ``collections_of`` as the API tells it."""
    here = f"/v1/collections/{row.id}"
    return Collection(
        id=row.id,
        name=row.name,
        description=row.description,
        asset_count=row.asset_count,
        created_at=row.created_at,
        links={
            "self": here,
            "assets": f"/v1/assets?collection={row.id}",
            "sheet": f"{here}/sheet",
            "car": f"{here}/car",
        },
    )


def own_collection(connection: Connection, tenant_id: str, collection_id: str) -> Row[Any]:
    """One collection of the tenant. Raises UnknownRecord."""
    query = collections_of(tenant_id).where(collections.c.id == collection_id)
    # PostgreSQL takes no NUL in a text.
    row = connection.execute(query).one_or_none() if collection_id.isprintable() else None
    if row is None:
        raise UnknownRecord(
            f"There is no collection {collection_id[:80]!r}; list the collections to see those there are."
        )
    return row


def add_collection(connection: Connection, tenant_id: str, wanted: NewCollection) -> Row[Any]:
    """Raises UnknownAsset for an asset that is not the tenant's; then nothing is made."""
    collection_id = f"collection-{uuid4().hex[:20]}"
    connection.execute(
        insert(collections).values(
            id=collection_id,
            tenant_id=tenant_id,
            name=wanted.name,
            description=wanted.description,
            created_at=now(),
        )
    )
    add_assets(connection, tenant_id, collection_id, wanted.assets)
    return own_collection(connection, tenant_id, collection_id)


def change_collection(
    connection: Connection, tenant_id: str, collection_id: str, change: CollectionChange
) -> Row[Any]:
    """Raises UnknownRecord."""
    own_collection(connection, tenant_id, collection_id)
    values = change.model_dump(exclude_none=True)
    if values:
        connection.execute(update(collections).where(collections.c.id == collection_id).values(**values))
    return own_collection(connection, tenant_id, collection_id)


def remove_collection(connection: Connection, tenant_id: str, collection_id: str) -> None:
    """Its assets stay. Raises UnknownRecord."""
    own_collection(connection, tenant_id, collection_id)
    connection.execute(delete(collections).where(collections.c.id == collection_id))


def add_assets(connection: Connection, tenant_id: str, collection_id: str, asset_ids: Sequence[str]) -> None:
    """Puts assets at the end of a collection of the tenant's; one that is there stays where it is.

    Raises UnknownRecord, UnknownAsset, and Conflict where there would be more than ``MAX_ASSETS``.
    """
    # Locked, so that two requests at once give no place twice.
    connection.execute(select(collections.c.id).where(collections.c.id == collection_id).with_for_update())
    own_collection(connection, tenant_id, collection_id)
    own_assets(connection, tenant_id, asset_ids)
    table = collection_assets
    of_collection = table.c.collection_id == collection_id
    held = set(
        connection.scalars(select(table.c.asset_id).where(of_collection, table.c.asset_id.in_(asset_ids)))
    )
    fresh = [asset_id for asset_id in dict.fromkeys(asset_ids) if asset_id not in held]
    count, last = connection.execute(
        select(func.count(), func.coalesce(func.max(table.c.position), -1)).where(of_collection)
    ).one()
    if count + len(fresh) > MAX_ASSETS:
        raise Conflict(f"A collection holds {MAX_ASSETS:,d} assets at most; begin another one.")
    rows = [
        {"collection_id": collection_id, "asset_id": asset_id, "position": last + 1 + place}
        for place, asset_id in enumerate(fresh)
    ]
    if rows:
        connection.execute(insert(table), rows)


def remove_asset(connection: Connection, tenant_id: str, collection_id: str, asset_id: str) -> None:
    """Takes an asset out; again is the same as once. Raises UnknownRecord, UnknownAsset."""
    own_collection(connection, tenant_id, collection_id)
    own_assets(connection, tenant_id, [asset_id])
    table = collection_assets
    connection.execute(
        delete(table).where(table.c.collection_id == collection_id, table.c.asset_id == asset_id)
    )


def assets_in(
    connection: Connection,
    tenant_id: str,
    collection_id: str,
    limit: int | None = None,
    begin: int = 0,
) -> list[Row[Any]]:
    """The rows of the collection's assets, in the order in which they were added, or ``limit`` of them from the
    ``begin``-th. Raises UnknownRecord.
    """
    own_collection(connection, tenant_id, collection_id)
    query = (
        select(assets)
        .join(collection_assets, collection_assets.c.asset_id == assets.c.id)
        .where(collection_assets.c.collection_id == collection_id)
        .order_by(collection_assets.c.position)
    )
    return list(connection.execute(query if limit is None else query.limit(limit).offset(begin)))
