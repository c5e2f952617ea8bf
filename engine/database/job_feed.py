"""The tenant's work of every kind as one list: what waits, runs or ended, newest first, and why it failed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Connection, Row, Select, Table, and_, case, func, select

from engine.api.job import Job, JobCounts, JobKind, JobState
from engine.database.clock import now
from engine.database.creation_views import creation_views
from engine.database.records import CreationRecord
from engine.database.tables import (
    assets,
    creations,
    deliveries,
    delivery_attempts,
    jobs,
    mints,
    pins,
    vouchers,
)

_EXPIRY: Final = "expire:%"  # of a voucher's deadline, for which nobody waits


@dataclass(frozen=True)
class Feed:
    """Where one kind's records lie. ``states`` are what each status means where the record's job says no more,
    ``job_id`` is what that job calls the record, and ``superseded`` whether a later one took a failed one's place."""

    kind: JobKind
    table: Table
    at: Column[str]
    queue: str
    states: Mapping[str, JobState]
    job_id: ColumnElement[Any]
    superseded: ColumnElement[bool] | None = None

    @property
    def order(self) -> tuple[Column[str], Column[str]]:
        return self.at, self.table.c.id

    def query(self, tenant_id: str, states: Sequence[JobState] = ()) -> Select[Any]:
        """The rows of the tenant's records with how their work stands; those in ``states``, or all."""
        work = and_(jobs.c.queue == self.queue, jobs.c.record_id == self.job_id)
        state = self._state()
        more = [] if self.superseded is None else [self.superseded.label("superseded")]
        query = (
            select(
                self.table,
                state.label("state"),
                jobs.c.state.label("job_state"),
                jobs.c.run_after_ms.label("due_ms"),
                *more,
            )
            .outerjoin_from(self.table, jobs, work)
            .where(self.table.c.tenant_id == tenant_id)
        )
        return query.where(state.in_([each.value for each in states])) if states else query

    def _state(self) -> ColumnElement[str]:
        ended = [
            name for name, state in self.states.items() if state not in (JobState.WAITING, JobState.RUNNING)
        ]
        status = self.table.c.status
        return case(
            (and_(jobs.c.state == "set_aside", status.not_in(ended)), JobState.FAILED.value),
            (and_(jobs.c.state == "running", status.not_in(ended)), JobState.RUNNING.value),
            else_=case({name: state.value for name, state in self.states.items()}, value=status),
        )


_other_mints, _other_vouchers = mints.alias(), vouchers.alias()
FEEDS: Final[Mapping[JobKind, Feed]] = {
    feed.kind: feed
    for feed in (
        Feed(
            JobKind.CREATION,
            creations,
            creations.c.created_at,
            "generate",
            {
                "queued": JobState.WAITING,
                "running": JobState.RUNNING,
                "succeeded": JobState.SUCCEEDED,
                "failed": JobState.FAILED,
                "cancelled": JobState.CANCELLED,
            },
            creations.c.id,
        ),
        Feed(
            JobKind.MINT,
            mints,
            mints.c.created_at,
            "mint",
            {
                "prepared": JobState.WAITING,
                "signed": JobState.RUNNING,
                "sent": JobState.RUNNING,
                "mined": JobState.RUNNING,
                "confirmed": JobState.SUCCEEDED,
                "failed": JobState.FAILED,
            },
            mints.c.id,
            select(_other_mints.c.id)
            .where(
                _other_mints.c.asset_id == mints.c.asset_id,
                _other_mints.c.chain_id == mints.c.chain_id,
                _other_mints.c.status != "failed",
            )
            .correlate(mints)
            .exists(),
        ),
        Feed(
            JobKind.VOUCHER,
            vouchers,
            vouchers.c.created_at,
            "voucher",
            {
                "prepared": JobState.WAITING,
                "cancelling": JobState.RUNNING,
                "signed": JobState.SUCCEEDED,
                "claimed": JobState.SUCCEEDED,
                "cancelled": JobState.CANCELLED,
                "expired": JobState.CANCELLED,
                "failed": JobState.FAILED,
            },
            case((vouchers.c.status == "cancelling", "cancel:" + vouchers.c.id), else_=vouchers.c.id),
            select(_other_vouchers.c.id)
            .where(
                _other_vouchers.c.asset_id == vouchers.c.asset_id,
                _other_vouchers.c.chain_id == vouchers.c.chain_id,
                _other_vouchers.c.status.in_(("prepared", "signed", "cancelling", "claimed")),
            )
            .correlate(vouchers)
            .exists(),
        ),
        Feed(
            JobKind.PIN,
            pins,
            pins.c.requested_at,
            "pin",
            {
                "queued": JobState.WAITING,
                "pinning": JobState.RUNNING,
                "pinned": JobState.SUCCEEDED,
                "failed": JobState.FAILED,
                "lost": JobState.FAILED,
            },
            pins.c.id,
        ),
        Feed(
            JobKind.DELIVERY,
            deliveries,
            deliveries.c.created_at,
            "deliver",
            {"pending": JobState.WAITING, "delivered": JobState.SUCCEEDED, "failed": JobState.FAILED},
            deliveries.c.id,
        ),
    )
}


def job_views(connection: Connection, kind: JobKind, rows: Sequence[Row[Any]]) -> list[Job]:
    """``rows`` of the kind's feed, all of one tenant, as the API tells them, in their order."""
    return _VIEWS[kind](connection, rows) if rows else []


def job_counts(connection: Connection, tenant_id: str) -> JobCounts:
    """How much of the tenant's work there is by state."""
    rows = connection.execute(
        select(jobs.c.state, func.count())
        .where(jobs.c.tenant_id == tenant_id, jobs.c.record_id.not_like(_EXPIRY))
        .group_by(jobs.c.state)
    )
    found = {row[0]: row[1] for row in rows}
    return JobCounts(
        waiting=found.get("queued", 0), running=found.get("running", 0), set_aside=found.get("set_aside", 0)
    )


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


def _job(kind: JobKind, row: Row[Any], *, can_retry: bool, **more: Any) -> Job:
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
    }
    return Job(**values | more)


def _is_retriable(row: Row[Any], error: str | None = None) -> bool:
    """It failed, was set aside, or waits for a later try because something went wrong."""
    if row.state == JobState.FAILED:
        return row.job_state != "running"
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
