"""What becomes of a collection as a whole: its creations, its assets' traits, and their mints."""

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, func, select

from engine.database.tables import assets, collection_assets, creations, mints
from engine.errors import Conflict

_OPEN = ("queued", "running")
_MOST_FAULTS = 100  # that are told; who has more mends their common cause first


@dataclass(frozen=True)
class Fault:
    """``name`` is of an asset, or the prompt of one that was not drawn."""

    id: str
    name: str
    reason: str


@dataclass(frozen=True)
class Whole:
    """How many are in each state, and why some failed."""

    counts: dict[str, int]
    faults: tuple[Fault, ...]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def of(self, *states: str) -> int:
        """How many are in one of these states."""
        return sum(self.counts.get(state, 0) for state in states)


def drawing_of(connection: Connection, collection_id: str) -> Whole:
    """The assets that were asked for into the collection, by the state of their creations."""
    own = creations.c.collection_id == collection_id
    rows = connection.execute(
        select(creations.c.status, func.sum(creations.c.count)).where(own).group_by(creations.c.status)
    )
    failed = connection.execute(
        select(creations.c.id, creations.c.request, creations.c.error)
        .where(own, creations.c.status == "failed")
        .order_by(creations.c.created_at.desc())
        .limit(_MOST_FAULTS)
    )
    faults = tuple(
        Fault(row.id, (row.request or {}).get("prompt", row.id), row.error or "It gave no reason.")
        for row in failed
    )
    return Whole({status: int(count) for status, count in rows}, faults)


def open_states() -> ColumnElement[bool]:
    """The condition that a creation has not ended."""
    return creations.c.status.in_(_OPEN)


def open_creations(connection: Connection, collection_id: str) -> list[str]:
    """The ids of the creations into the collection that have not ended."""
    own = (creations.c.collection_id == collection_id) & open_states()
    return list(connection.scalars(select(creations.c.id).where(own).order_by(creations.c.created_at)))


def minting_of(connection: Connection, collection_id: str, chain_id: int) -> Whole:
    """The collection's assets by the state of their newest mint on the chain; those without one are ``unminted``."""
    rows = connection.execute(
        select(assets.c.id, assets.c.name, mints.c.status, mints.c.error)
        .select_from(
            collection_assets.join(assets, assets.c.id == collection_assets.c.asset_id).outerjoin(
                mints, (mints.c.asset_id == assets.c.id) & (mints.c.chain_id == chain_id)
            )
        )
        .where(collection_assets.c.collection_id == collection_id)
        .order_by(collection_assets.c.position, mints.c.created_at, mints.c.id)
    )
    newest = {row.id: row for row in rows}  # of an asset's mints the living one, or the last that failed
    living = {row.id: row for row in newest.values() if row.status is not None}
    faults = [
        Fault(row.id, row.name, row.error or "The chain gave no reason.")
        for row in living.values()
        if row.status == "failed"
    ]
    counts = Counter(row.status or "unminted" for row in newest.values())
    return Whole(dict(counts), tuple(faults[:_MOST_FAULTS]))


def traits_in(connection: Connection, collection_id: str, most: int) -> list[tuple[str, dict[str, str]]]:
    """The id and traits of each asset of the collection, in its order; the kind is a trait too.

    Raises Conflict where it has more than ``most``.
    """
    query = (
        select(assets.c.id, assets.c.kind, creations.c.request)
        .select_from(
            collection_assets.join(assets, assets.c.id == collection_assets.c.asset_id).outerjoin(
                creations, creations.c.id == assets.c.creation_id
            )
        )
        .where(collection_assets.c.collection_id == collection_id)
        .order_by(collection_assets.c.position)
        .limit(most + 1)
    )
    rows = connection.execute(query).all()
    if len(rows) > most:
        raise Conflict(f"The rarity of more than {most:,d} assets is not told; make several collections.")
    return [
        (
            row.id,
            {"Kind": row.kind.capitalize()}
            | {each["name"]: each["value"] for each in (row.request or {}).get("traits", ())},
        )
        for row in rows
    ]
