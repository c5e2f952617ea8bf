"""What assets were made from, and what was made from them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, String, and_, cast, or_, select

from engine.database.tables import assets, creations

MOST_RELATIVES = 60  # a picture of which more was made shows its newest
_UNFINISHED = ("queued", "running")


def children_of(connection: Connection, tenant_id: str, asset_id: str) -> list[Row[Any]]:
    """The newest rows of the tenant's assets that were made from this one."""
    query = (
        select(assets)
        .where(assets.c.tenant_id == tenant_id, _names(assets.c.parents, asset_id))
        .order_by(assets.c.created_at.desc(), assets.c.id.desc())
        .limit(MOST_RELATIVES)
    )
    return list(connection.execute(query))


def parents_of(connection: Connection, tenant_id: str, parents: Sequence[str]) -> list[Row[Any]]:
    """The rows of those of ``parents`` that are the tenant's, in their order."""
    query = select(assets).where(assets.c.tenant_id == tenant_id, assets.c.id.in_(list(parents)))
    found = {row.id: row for row in connection.execute(query)}
    return [found[parent] for parent in parents if parent in found]


def is_being_used(connection: Connection, tenant_id: str, asset_id: str) -> bool:
    """Whether a creation that has not ended starts from the asset, or is about it."""
    query = select(creations.c.id).where(
        creations.c.tenant_id == tenant_id,
        creations.c.status.in_(_UNFINISHED),
        or_(_names(creations.c.request, asset_id), _names(creations.c.recipes, asset_id)),
    )
    return connection.scalar(query.limit(1)) is not None


def _names(column: ColumnElement[Any], asset_id: str) -> ColumnElement[bool]:
    """Whether the JSON of ``column`` holds the id as a text; an id holds nothing that JSON writes otherwise."""
    text = cast(column, String)
    return and_(column.is_not(None), text.contains(f'"{asset_id}"', autoescape=True))
