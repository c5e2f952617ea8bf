"""Creations as the API tells them: a page of them by a fixed number of queries."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, func, select

from engine.api.asset import Asset
from engine.api.creation import Creation, CreationRequest, CreationStatus, Progress
from engine.asset_files import AssetFiles
from engine.database.asset_views import asset_views
from engine.database.creation_events import STEP
from engine.database.queue_places import QUEUE, places
from engine.database.records import CreationRecord
from engine.database.tables import assets, creation_events, jobs, mints
from generators.recipe import Kind


def creation_views(
    connection: Connection,
    found: Sequence[CreationRecord],
    files: AssetFiles | None,
    waiting: Mapping[str, int] | None = None,
) -> list[Creation]:
    """The creations, all of one tenant, in their order; their assets are left out where ``files`` is None.

    ``waiting`` are their places in the queue where these are known; else they are counted.

    Raises BlockMissing and BlockDamaged where what a clip comes in cannot be read.
    """
    if not found:
        return []
    made: dict[str, list[Asset]] = defaultdict(list)
    if files is not None:
        rows = connection.execute(
            select(assets)
            .where(assets.c.creation_id.in_([creation.id for creation in found]))
            .order_by(assets.c.creation_id, assets.c.position)
        ).all()
        for row, view in zip(rows, asset_views(connection, rows, files), strict=True):
            made[row.creation_id].append(view)
    by_status: dict[str, list[str]] = defaultdict(list)
    for creation in found:
        by_status[creation.status].append(creation.id)
    if waiting is None:
        waiting = places(connection, found[0].tenant_id, by_status[CreationStatus.QUEUED])
    progress = _progress(connection, by_status[CreationStatus.RUNNING])
    set_aside = _set_aside(connection, by_status[CreationStatus.FAILED])
    minted = _mints(connection, by_status[CreationStatus.SUCCEEDED])
    return [
        _view(
            creation,
            place=waiting.get(creation.id),
            progress=progress.get(creation.id),
            resumable=creation.id in set_aside,
            made=tuple(made[creation.id]),
            minted=tuple(minted[creation.id]),
        )
        for creation in found
    ]


def _view(
    creation: CreationRecord,
    *,
    place: int | None,
    progress: Progress | None,
    resumable: bool,
    made: tuple[Asset, ...],
    minted: tuple[str, ...],
) -> Creation:
    request = None if creation.request is None else CreationRequest.model_validate(creation.request)
    drawn = creation.recipes[0] if creation.recipes else {}
    here = f"/v1/creations/{creation.id}"
    links = {"self": here, "events": f"{here}/events", "assets": f"/v1/assets?creation={creation.id}"}
    if resumable:
        links["resume"] = f"{here}/resume"
    return Creation(
        id=creation.id,
        status=CreationStatus(creation.status),
        kind=Kind(drawn["kind"]) if request is None else request.kind,
        prompt=drawn["prompt"] if request is None else request.prompt,
        count=creation.count,
        seed=drawn["seed"] if request is None or request.seed is None else request.seed,
        model=drawn.get("model") or (None if request is None else request.model),
        priority=0 if request is None else request.priority,
        tags=() if request is None else request.tags,
        collection=creation.collection_id,
        queue_place=place,
        progress=progress,
        error=creation.error,
        resumable=resumable,
        created_at=creation.created_at,
        started_at=creation.started_at,
        finished_at=creation.finished_at,
        assets=made,
        mints=minted,
        links=links,
    )


def _progress(connection: Connection, ids: Sequence[str]) -> dict[str, Progress]:
    """What the last step of each said."""
    if not ids:
        return {}
    table = creation_events
    last = (
        select(table.c.creation_id, func.max(table.c.number).label("number"))
        .where(table.c.creation_id.in_(ids), table.c.type == STEP)
        .group_by(table.c.creation_id)
        .subquery()
    )
    query = select(table.c.creation_id, table.c.data).join(
        last, (table.c.creation_id == last.c.creation_id) & (table.c.number == last.c.number)
    )
    return {row.creation_id: Progress.model_validate(row.data) for row in connection.execute(query)}


def _set_aside(connection: Connection, ids: Sequence[str]) -> set[str]:
    if not ids:
        return set()
    query = select(jobs.c.record_id).where(
        jobs.c.queue == QUEUE, jobs.c.record_id.in_(ids), jobs.c.state == "set_aside"
    )
    return set(connection.scalars(query))


def _mints(connection: Connection, ids: Sequence[str]) -> dict[str, list[str]]:
    minted: dict[str, list[str]] = defaultdict(list)
    if ids:
        query = (
            select(assets.c.creation_id, mints.c.id)
            .join(mints, mints.c.asset_id == assets.c.id)
            .where(assets.c.creation_id.in_(ids))
            .order_by(assets.c.position, mints.c.id)
        )
        for creation_id, mint_id in connection.execute(query):
            minted[creation_id].append(mint_id)
    return minted
