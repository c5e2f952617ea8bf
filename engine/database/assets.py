"""A tenant's assets: found by what is known of them, tagged, and added where they were uploaded."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, exists, func, insert, select

from assets.asset import Asset, AssetKind
from engine.database.asset_rows import asset_row
from engine.database.clock import now
from engine.database.tables import asset_tags, assets, collection_assets, favourites, mints
from engine.errors import UnknownAsset

NEWEST_FIRST = (assets.c.created_at, assets.c.id)  # as engine.server.cursor.page orders


@dataclass(frozen=True)
class AssetFilter:
    """What assets must be; None asks nothing. ``owner`` is an address in its checksummed spelling."""

    kind: AssetKind | None = None
    tag: str | None = None
    creation: str | None = None
    collection: str | None = None
    owner: str | None = None
    minted: bool | None = None
    uploaded: bool | None = None
    favourite: bool | None = None

    @property
    def asks_nothing(self) -> bool:
        return self == AssetFilter()


def assets_of_tenant(tenant_id: str, wanted: AssetFilter) -> Select[Any]:
    """The rows of the tenant's assets that are as ``wanted``, in no order."""
    return select(assets).where(*_conditions(tenant_id, wanted))


def ids_of_tenant(connection: Connection, tenant_id: str, wanted: AssetFilter) -> set[str]:
    """The ids of the same."""
    return set(connection.scalars(select(assets.c.id).where(*_conditions(tenant_id, wanted))))


def own_asset(connection: Connection, tenant_id: str, asset_id: str) -> Row[Any]:
    """The row of one asset of the tenant. Raises UnknownAsset."""
    return own_assets(connection, tenant_id, [asset_id])[0]


def own_assets(connection: Connection, tenant_id: str, asset_ids: Sequence[str]) -> list[Row[Any]]:
    """The rows of the tenant's assets with these ids, in their order. Raises UnknownAsset for the first of another."""
    named = [
        asset_id for asset_id in asset_ids if asset_id.isprintable()
    ]  # PostgreSQL takes no NUL in a text
    query = select(assets).where(assets.c.tenant_id == tenant_id, assets.c.id.in_(named))
    found = {row.id: row for row in connection.execute(query)} if named else {}
    for asset_id in asset_ids:
        if asset_id not in found:
            raise UnknownAsset(
                f"There is no asset {asset_id[:80]!r}; list the assets to see those there are."
            )
    return [found[asset_id] for asset_id in asset_ids]


def set_tags(connection: Connection, asset_id: str, tags: Sequence[str]) -> None:
    """Gives the asset these tags and no others."""
    connection.execute(delete(asset_tags).where(asset_tags.c.asset_id == asset_id))
    rows = [{"asset_id": asset_id, "tag": tag} for tag in dict.fromkeys(tags)]
    if rows:
        connection.execute(insert(asset_tags), rows)


def set_favourite(connection: Connection, asset_id: str, marked: bool) -> None:
    """Marks the asset as a favourite, or no longer; again is the same as once."""
    own = favourites.c.asset_id == asset_id
    held = connection.scalar(select(favourites.c.asset_id).where(own)) is not None
    if marked and not held:
        connection.execute(insert(favourites).values(asset_id=asset_id, at=now()))
    elif held and not marked:
        connection.execute(delete(favourites).where(own))


def tags_of_tenant(connection: Connection, tenant_id: str, most: int) -> list[str]:
    """The tags that the tenant's assets have, the most used first."""
    query = (
        select(asset_tags.c.tag)
        .join(assets, assets.c.id == asset_tags.c.asset_id)
        .where(assets.c.tenant_id == tenant_id)
        .group_by(asset_tags.c.tag)
        .order_by(func.count().desc(), asset_tags.c.tag)
        .limit(most)
    )
    return list(connection.scalars(query))


def record_upload(connection: Connection, tenant_id: str, asset: Asset, tags: Sequence[str]) -> Row[Any]:
    """Records an asset that no creation made; returns its row."""
    own = {"tenant_id": tenant_id, "creation_id": None, "position": 0}
    connection.execute(insert(assets).values(**asset_row(asset), **own))
    set_tags(connection, asset.asset_id, tags)
    return own_asset(connection, tenant_id, asset.asset_id)


def _conditions(tenant_id: str, wanted: AssetFilter) -> list[ColumnElement[bool]]:
    asked = [assets.c.tenant_id == tenant_id]
    if wanted.kind is not None:
        asked.append(assets.c.kind == wanted.kind.value)
    if wanted.tag is not None:
        tagged = select(asset_tags.c.asset_id).where(asset_tags.c.tag == wanted.tag)
        asked.append(assets.c.id.in_(tagged))
    if wanted.creation is not None:
        asked.append(assets.c.creation_id == wanted.creation)
    if wanted.collection is not None:
        # Another tenant's collection holds none of this tenant's assets, so it needs no check of its own.
        held = select(collection_assets.c.asset_id).where(
            collection_assets.c.collection_id == wanted.collection
        )
        asked.append(assets.c.id.in_(held))
    if wanted.owner is not None:
        asked.append(assets.c.owner == wanted.owner)
    if wanted.minted is not None:
        confirmed = exists().where(mints.c.asset_id == assets.c.id, mints.c.status == "confirmed")
        asked.append(confirmed if wanted.minted else ~confirmed)
    if wanted.favourite is not None:
        marked = assets.c.id.in_(select(favourites.c.asset_id))
        asked.append(marked if wanted.favourite else ~marked)
    if wanted.uploaded is not None:
        asked.append(assets.c.creation_id.is_(None) if wanted.uploaded else assets.c.creation_id.is_not(None))
    return asked
