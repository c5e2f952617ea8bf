"""Work of every kind as the API tells it: what it is about, why it failed or waits, and what can be done about it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, and_, func, select

from engine.api.job import Job, JobKind, JobState
from engine.database.clock import now
from engine.database.creation_views import creation_views
from engine.database.records import CreationRecord
from engine.database.tables import assets, delivery_attempts


def job_views(connection: Connection, kind: JobKind, rows: Sequence[Row[Any]]) -> list[Job]:
    """``rows`` of the kind's feed, all of one tenant, as the API tells them, in their order."""
    return _VIEWS[kind](connection, rows) if rows else []


def _creations(connection: Connection, rows: Sequence[Row[Any]]) -> list[Job]:
    names = CreationRecord.__dataclass_fields__
    found = [CreationRecord(**{name: row._mapping[name] for name in names}) for row in rows]
    views = creation_views(connection, found, None)
    return [
        _job(
            JobKind.CREATION,
            row,
            about=view.prompt,
            error=view.error,
            queue_place=view.queue_place,
            progress=view.progress,
            can_retry=view.resumable
            or (row.state in (JobState.FAILED, JobState.CANCELLED) and record.request is not None),
            can_cancel=row.state in (JobState.WAITING, JobState.RUNNING),
            ended_at=view.finished_at,
            links={"self": view.links["self"], "retry": f"{view.links['self']}/retry"},
        )
        for row, view, record in zip(rows, views, found, strict=True)
    ]


def _minted(connection: Connection, rows: Sequence[Row[Any]]) -> list[Job]:
    names = _names(connection, rows)
    return [
        _job(
            JobKind.MINT,
            row,
            about=names.get(row.asset_id, ""),
            asset=row.asset_id,
            can_retry=_is_retriable(row) and not (row.status == "failed" and row.superseded),
            links=_links("mints", row.id),
        )
        for row in rows
    ]


def _promised(connection: Connection, rows: Sequence[Row[Any]]) -> list[Job]:
    names = _names(connection, rows)
    return [
        _job(
            JobKind.VOUCHER,
            row,
            about=names.get(row.asset_id, ""),
            asset=row.asset_id,
            can_retry=_is_retriable(row) and not (row.status == "failed" and row.superseded),
            can_cancel=row.status in ("prepared", "signed"),
            links=_links("vouchers", row.id),
        )
        for row in rows
    ]


def _pinned(connection: Connection, rows: Sequence[Row[Any]]) -> list[Job]:
    names = _names(connection, rows)
    return [
        _job(
            JobKind.PIN,
            row,
            about=f"{names.get(row.asset_id, '')} to {row.service}",
            asset=row.asset_id,
            can_retry=_is_retriable(row),
            created_at=row.requested_at,
            ended_at=row.pinned_at if row.state == JobState.SUCCEEDED else None,
            links={"self": f"/v1/assets/{row.asset_id}/health", "retry": f"/v1/pins/{row.id}/retry"},
        )
        for row in rows
    ]


def _delivered(connection: Connection, rows: Sequence[Row[Any]]) -> list[Job]:
    attempts = delivery_attempts
    last = (
        select(attempts.c.delivery_id, func.max(attempts.c.number).label("number"))
        .where(attempts.c.delivery_id.in_([row.id for row in rows]))
        .group_by(attempts.c.delivery_id)
        .subquery()
    )
    newest = last.c.delivery_id == attempts.c.delivery_id, last.c.number == attempts.c.number
    query = select(attempts).join(last, and_(*newest))
    why = {
        row.delivery_id: row.error or f"The receiver answered with status {row.status}."
        for row in connection.execute(query)
    }
    return [
        _job(
            JobKind.DELIVERY,
            row,
            about=row.event,
            webhook=row.webhook_id,
            error=None if row.status == "delivered" else why.get(row.id) or _untold(row),
            can_retry=_is_retriable(row, why.get(row.id)),
            ended_at=row.ended_at,
            links={
                "self": f"/v1/deliveries/{row.id}",
                "retry": f"/v1/deliveries/{row.id}/redeliver",
            },
        )
        for row in rows
    ]


def _untold(row: Row[Any]) -> str | None:
    return "It ended its worker again and again and was set aside." if row.status == "failed" else None


_VIEWS: Final[Mapping[JobKind, Callable[[Connection, Sequence[Row[Any]]], list[Job]]]] = {
    JobKind.CREATION: _creations,
    JobKind.MINT: _minted,
    JobKind.VOUCHER: _promised,
    JobKind.PIN: _pinned,
    JobKind.DELIVERY: _delivered,
}


def _job(kind: JobKind, row: Row[Any], *, can_retry: bool, links: dict[str, str], **more: Any) -> Job:
    values = {
        "id": row.id,
        "kind": kind,
        "state": row.state,
        "status": row.status,
        "asset": None,
        "webhook": None,
        "error": row._mapping.get("error"),
        "next_at": _next_at(row),
        "queue_place": None,
        "progress": None,
        "can_retry": can_retry,
        "can_cancel": False,
        "created_at": row._mapping.get("created_at"),
        "ended_at": None,
        "links": {name: path for name, path in links.items() if name != "retry" or can_retry},
    }
    return Job(**values | more)


def _is_retriable(row: Row[Any], error: str | None = None) -> bool:
    """It failed, was set aside, or waits for a later try because something went wrong."""
    if row.state == JobState.FAILED:
        return bool(row.job_state != "running")
    return _next_at(row) is not None and (row._mapping.get("error") or error) is not None


def _next_at(row: Row[Any]) -> str | None:
    """When what waits is tried again, where that is later than now."""
    if row.job_state != "queued" or row.state in (JobState.SUCCEEDED, JobState.CANCELLED):
        return None
    text = datetime.fromtimestamp(row.due_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return text if text > now() else None


def _names(connection: Connection, rows: Sequence[Row[Any]]) -> dict[str, str]:
    wanted = {row.asset_id for row in rows}
    found = connection.execute(select(assets.c.id, assets.c.name).where(assets.c.id.in_(wanted)))
    return {row.id: row.name for row in found}


def _links(records: str, record_id: str) -> dict[str, str]:
    own = f"/v1/{records}/{record_id}"
    return {"self": own, "retry": f"{own}/retry"}
