"""What a list of collections shows of each: its first pictures, what is being drawn, and its drop."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, func, select

from engine.database.collection_progress import open_states
from engine.database.tables import assets, collection_assets, creations, drops

PICTURES: Final = 4


@dataclass(frozen=True)
class Cover:
    """``pictures`` are rows with the id, name, kind and recipe of assets; ``waiting`` assets are not drawn yet."""

    pictures: tuple[Any, ...]
    waiting: int
    drop_id: str | None


def covers(connection: Connection, collection_ids: Sequence[str]) -> dict[str, Cover]:
    """Of each collection, by a fixed number of queries."""
    place = (
        func.row_number()
        .over(partition_by=collection_assets.c.collection_id, order_by=collection_assets.c.position)
        .label("place")
    )
    inside = (
        select(collection_assets.c.collection_id, collection_assets.c.asset_id, place)
        .where(collection_assets.c.collection_id.in_(collection_ids))
        .subquery()
    )
    rows = connection.execute(
        select(inside.c.collection_id, assets.c.id, assets.c.name, assets.c.kind, assets.c.recipe)
        .join(assets, assets.c.id == inside.c.asset_id)
        .where(inside.c.place <= PICTURES)
        .order_by(inside.c.collection_id, inside.c.place)
    )
    pictures: defaultdict[str, list[Any]] = defaultdict(list)
    for row in rows:
        pictures[row.collection_id].append(row)
    own = creations.c.collection_id.in_(collection_ids) & open_states()
    waiting = dict(
        connection.execute(
            select(creations.c.collection_id, func.sum(creations.c.count))
            .where(own)
            .group_by(creations.c.collection_id)
        )
        .tuples()
        .all()
    )
    found = select(drops.c.collection_id, drops.c.id).where(drops.c.collection_id.in_(collection_ids))
    opened = dict(connection.execute(found).tuples().all())
    return {
        each: Cover(tuple(pictures[each]), int(waiting.get(each) or 0), opened.get(each))
        for each in collection_ids
    }
