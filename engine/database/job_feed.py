"""The tenant's work of every kind as one list: what waits, runs or ended, newest first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Connection, Select, Table, and_, case, func, select

from engine.api.job import JobCounts, JobKind, JobState
from engine.database.jobs import RECURRING
from engine.database.tables import (
    creations,
    deliveries,
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


def job_counts(connection: Connection, tenant_id: str) -> JobCounts:
    """How much of the tenant's work there is by state."""
    rows = connection.execute(
        select(jobs.c.state, func.count())
        .where(
            jobs.c.tenant_id == tenant_id,
            jobs.c.queue.in_([feed.queue for feed in FEEDS.values()]),
            jobs.c.record_id.not_in(RECURRING.values()),
            jobs.c.record_id.not_like(_EXPIRY),
        )
        .group_by(jobs.c.state)
    )
    found = {row[0]: row[1] for row in rows}
    return JobCounts(
        waiting=found.get("queued", 0), running=found.get("running", 0), set_aside=found.get("set_aside", 0)
    )
