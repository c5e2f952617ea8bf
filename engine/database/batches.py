"""Mints that share one transaction: which they are is written before it is signed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, and_, case, delete, func, insert, or_, select, true, update

from assets.cid import Cid
from engine.database.clock import clock_ms, now
from engine.database.jobs import enqueue
from engine.database.mints import FINISHED_MINT, reopen_mints
from engine.database.tables import assets, batch_mints, jobs, mint_batches, mints, tokens

# While a batch is under way its jobs but one look again this late, should that one's worker be gone.
_OTHERS_LOOK_S = 5.0


@dataclass(frozen=True)
class Batch:
    """``mint_ids`` in the order of their tokens. ``half_of`` is the batch that was split into this one, or None."""

    id: str
    chain_id: int
    contract: str
    recipient: str
    half_of: str | None
    mint_ids: tuple[str, ...]


def batch_of(connection: Connection, mint_id: str) -> Batch | None:
    """The batch that the mint is in."""
    own = batch_mints.c.mint_id == mint_id
    batch_id = connection.scalar(select(batch_mints.c.batch_id).where(own))
    return None if batch_id is None else _batch(connection, batch_id)


def form_batch(
    connection: Connection,
    mint_id: str,
    chain_id: int,
    contract: str,
    recipient: str,
    limit: int,
    ready: ColumnElement[bool] | None = None,
) -> Batch:
    """Writes down a batch of the mint and of those to the same recipient that wait with it, oldest first.

    For one caller at a time. Jobs of the others wait for what becomes of it. ``ready`` is a condition on the others
    over the table ``mints``.
    """
    others = true() if ready is None else ready
    together = connection.scalars(
        select(mints.c.id)
        .where(
            mints.c.chain_id == chain_id,
            mints.c.recipient == recipient,
            mints.c.status == "prepared",
            mints.c.contract.is_(None) | (mints.c.contract == contract),
            mints.c.id.not_in(select(batch_mints.c.mint_id)),
            or_(mints.c.id == mint_id, others),
        )
        .order_by(case((mints.c.id == mint_id, 0), else_=1), mints.c.created_at, mints.c.id)
        .limit(limit)
    )
    batch = Batch(f"batch-{uuid4().hex[:20]}", chain_id, contract, recipient, None, tuple(together))
    _add(connection, batch)
    connection.execute(
        update(jobs)
        .where(jobs.c.queue == "mint", jobs.c.state == "queued", jobs.c.record_id.in_(batch.mint_ids))
        .values(run_after_ms=clock_ms(connection) + int(_OTHERS_LOOK_S * 1000))
    )
    return batch


def split_batch(connection: Connection, batch: Batch) -> None:
    """Puts the mints of a batch that the chain refused into two halves of it, whose jobs go on at once."""
    middle = len(batch.mint_ids) // 2
    connection.execute(delete(batch_mints).where(batch_mints.c.batch_id == batch.id))
    for mint_ids in (batch.mint_ids[:middle], batch.mint_ids[middle:]):
        half = f"batch-{uuid4().hex[:20]}"
        _add(connection, Batch(half, batch.chain_id, batch.contract, batch.recipient, batch.id, mint_ids))
    wake_jobs(connection, batch.mint_ids)


def wake_jobs(connection: Connection, mint_ids: Sequence[str]) -> None:
    """Lets the jobs of mints that wait go on at once."""
    waiting = (jobs.c.queue == "mint") & (jobs.c.state == "queued") & jobs.c.record_id.in_(mint_ids)
    connection.execute(update(jobs).where(waiting).values(run_after_ms=clock_ms(connection)))


def remove_jobs(connection: Connection, mint_ids: Sequence[str]) -> None:
    """Removes the jobs of mints that have ended and that no worker has; whoever has one finds that by itself."""
    idle = (jobs.c.queue == "mint") & (jobs.c.state != "running") & jobs.c.record_id.in_(mint_ids)
    connection.execute(delete(jobs).where(idle))


def reopen_batch(connection: Connection, batch_id: str, reason: str) -> int | None:
    """Lets the batch's confirmed mints be followed again, whose transaction is no longer in the chain; returns how many
    they are, None where there is no such batch."""
    if connection.scalar(select(mint_batches.c.id).where(mint_batches.c.id == batch_id)) is None:
        return None
    own = select(batch_mints.c.mint_id).where(batch_mints.c.batch_id == batch_id)
    reopened = reopen_mints(connection, list(connection.scalars(own)), reason)
    for place, mint in enumerate(reopened):
        enqueue(connection, "mint", mint.id, mint.tenant_id, after_s=_OTHERS_LOOK_S if place else 0.0)
    return len(reopened)


def digests_of(connection: Connection, batch: Batch) -> list[bytes]:
    """The sha2-256 digests of the metadata, 32 bytes each, in the order of the tokens."""
    rows = connection.execute(
        select(assets.c.metadata_cid)
        .select_from(
            batch_mints.join(mints, mints.c.id == batch_mints.c.mint_id).join(
                assets, assets.c.id == mints.c.asset_id
            )
        )
        .where(batch_mints.c.batch_id == batch.id)
        .order_by(batch_mints.c.position)
    )
    return [Cid.parse(row.metadata_cid).digest for row in rows]


def own_assets_to(connection: Connection, mint_ids: Sequence[str], owner: str) -> None:
    """Writes down who owns the assets of confirmed mints: ``owner``, unless the chain says who got them since."""
    of_asset = and_(mints.c.asset_id == assets.c.id, mints.c.id.in_(mint_ids))
    on_chain = (
        select(tokens.c.owner)
        .join(
            mints,
            and_(
                tokens.c.chain_id == mints.c.chain_id,
                tokens.c.contract == mints.c.contract,
                tokens.c.token_id == mints.c.token_id,
            ),
        )
        .where(of_asset)
        .correlate(assets)
        .scalar_subquery()
    )
    of_mints = select(mints.c.asset_id).where(mints.c.id.in_(mint_ids))
    connection.execute(
        update(assets).where(assets.c.id.in_(of_mints)).values(owner=func.coalesce(on_chain, owner))
    )


def unfinished(connection: Connection, batch: Batch) -> bool:
    """Whether one of the batch's mints has not ended."""
    query = select(mints.c.id).where(mints.c.id.in_(batch.mint_ids), mints.c.status.not_in(FINISHED_MINT))
    return connection.scalar(query.limit(1)) is not None


def any_is(connection: Connection, batch: Batch, status: str) -> bool:
    """Whether one of the batch's mints has this status."""
    query = select(mints.c.id).where(mints.c.id.in_(batch.mint_ids), mints.c.status == status)
    return connection.scalar(query.limit(1)) is not None


def any_differs(connection: Connection, batch: Batch, values: dict[str, Any]) -> bool:
    """Whether one of the batch's mints has not these values and has not ended."""
    differs = or_(*(mints.c[name].is_distinct_from(value) for name, value in values.items()))
    open_mint = mints.c.id.in_(batch.mint_ids) & mints.c.status.not_in(FINISHED_MINT)
    return connection.scalar(select(mints.c.id).where(open_mint, differs).limit(1)) is not None


def _add(connection: Connection, batch: Batch) -> None:
    connection.execute(
        insert(mint_batches).values(
            id=batch.id,
            chain_id=batch.chain_id,
            contract=batch.contract,
            recipient=batch.recipient,
            half_of=batch.half_of,
            created_at=now(),
        )
    )
    rows = [
        {"mint_id": mint_id, "batch_id": batch.id, "position": position}
        for position, mint_id in enumerate(batch.mint_ids)
    ]
    connection.execute(insert(batch_mints), rows)


def _batch(connection: Connection, batch_id: str) -> Batch:
    row = connection.execute(select(mint_batches).where(mint_batches.c.id == batch_id)).one()
    own = batch_mints.c.batch_id == batch_id
    mint_ids = connection.scalars(select(batch_mints.c.mint_id).where(own).order_by(batch_mints.c.position))
    return Batch(row.id, row.chain_id, row.contract, row.recipient, row.half_of, tuple(mint_ids))
