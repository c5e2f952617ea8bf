"""Where work waits and who has it: rows written in the same transaction as the record that the work is about."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    case,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from engine.database import tables
from engine.database.clock import clock_ms, now
from engine.database.database import ENQUEUED

# In place of a model's id: any of those that are bundled, whichever version a worker has.
BUNDLED = "bundled"
QUEUES = ("generate", "mint", "verify", "voucher", "pin", "deliver", "expire", "index")
# The recurring job of a queue, which is never done and never set aside.
RECURRING = {"expire": "expiry", "pin": "pin-schedule", "index": "chain"}
# How often a worker may end under a job. More would let one bad job take every worker down again and again.
MAX_DEATHS = 3


@dataclass(frozen=True)
class Job:
    """A job in a worker's hands. ``run`` counts how often it was begun, this time included; ``deaths`` how many
    workers ended while they had it."""

    number: int
    queue: str
    record_id: str
    tenant_id: str
    run: int
    deaths: int


def enqueue(
    connection: Connection,
    queue: str,
    record_id: str,
    tenant_id: str,
    *,
    model: str = "",
    priority: int = 0,
    after_s: float = 0.0,
) -> None:
    """Lets the record's work wait in ``queue`` from ``after_s`` seconds on; nothing where it waits already.

    Where it was set aside, it is tried again. ``model`` is the id of the one that a worker must have, BUNDLED or ""
    for any worker.
    """
    table = tables.jobs
    state = state_of(connection, queue, record_id)
    if state is not None:
        if state == "set_aside":
            resume_job(connection, queue, record_id)
        return
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(
        # A tenant that was never served is next, once: serving it sends it to the end of the line.
        dialect.insert(tables.turns)
        .values(queue=queue, tenant_id=tenant_id, served=0)
        .on_conflict_do_nothing()
    )
    values: dict[str, Any] = {
        "queue": queue,
        "record_id": record_id,
        "tenant_id": tenant_id,
        "model": model,
        "priority": priority,
        "state": "queued",
        "run_after_ms": clock_ms(connection) + int(after_s * 1000),
        "created_at": now(),
    }
    try:
        with connection.begin_nested():
            connection.execute(insert(table).values(**values))
    except IntegrityError:
        return  # another process was first
    connection.info[ENQUEUED] = True


def waiting(connection: Connection, queue: str, tenant_id: str | None = None) -> int:
    """How many jobs wait in ``queue``, of all tenants or of one."""
    table = tables.jobs
    query = select(func.count()).select_from(table).where(table.c.queue == queue, table.c.state == "queued")
    if tenant_id is not None:
        query = query.where(table.c.tenant_id == tenant_id)
    return connection.scalar(query) or 0


@dataclass(frozen=True)
class Lengths:
    """How many jobs there are by queue and state, and for how many seconds the longest waiting one has been due."""

    counts: dict[tuple[str, str], int]
    oldest_due_s: dict[str, float]


def lengths(connection: Connection) -> Lengths:
    """Of all queues."""
    table = tables.jobs
    due_ms = func.min(table.c.run_after_ms)
    rows = connection.execute(
        select(table.c.queue, table.c.state, func.count(), due_ms, clock_ms(connection)).group_by(
            table.c.queue, table.c.state
        )
    ).all()
    return Lengths(
        {(queue, state): count for queue, state, count, _, _ in rows},
        {
            queue: max(0, now_ms - first_ms) / 1000
            for queue, state, _, first_ms, now_ms in rows
            if state == "queued"
        },
    )


def any_due(connection: Connection, queues: Sequence[str]) -> bool:
    """Whether a job of ``queues`` could be begun now, by whoever has its model; one look into an index."""
    table = tables.jobs
    due = select(table.c.number).where(
        table.c.queue.in_(queues), table.c.state == "queued", table.c.run_after_ms <= clock_ms(connection)
    )
    return connection.scalar(due.limit(1)) is not None


def claim(connection: Connection, queue: str, worker_id: str, models: Sequence[str]) -> Job | None:
    """Takes the next job of ``queue``, in a transaction; None where none can be taken at this moment.

    It comes from the tenant that was served longest ago among those with a job that waits, is due and needs no other
    model than ``models``; of that tenant's the one of highest priority, then the oldest.
    """
    table, turns = tables.jobs, tables.turns
    next_of_tenant = (
        select(table.c.number)
        .where(
            table.c.queue == queue,
            table.c.state == "queued",
            table.c.tenant_id == turns.c.tenant_id,
            table.c.run_after_ms <= clock_ms(connection),
            table.c.model.in_(("", *models)),
        )
        .order_by(table.c.priority.desc(), table.c.number)
        .limit(1)
        .correlate(turns)
        .scalar_subquery()
    )
    # Another worker that takes this tenant's next job holds its turn; then it is the next tenant's.
    chosen = connection.execute(
        select(turns.c.tenant_id, next_of_tenant.label("number"))
        .where(turns.c.queue == queue, next_of_tenant.is_not(None))
        .order_by(turns.c.served, turns.c.tenant_id)
        .limit(1)
        .with_for_update(of=turns, skip_locked=True)
    ).one_or_none()
    if chosen is None:
        return None
    job = _take(connection, worker_id, table.c.number == chosen.number)
    if job is not None:
        last = select(func.max(turns.c.served)).where(turns.c.queue == queue).scalar_subquery()
        own = and_(turns.c.queue == queue, turns.c.tenant_id == chosen.tenant_id)
        connection.execute(update(turns).where(own).values(served=last + 1))
    return job


def claim_record(connection: Connection, queue: str, record_id: str, worker_id: str) -> Job | None:
    """Takes this record's job out of turn, due or not, for who waits for it; None where it does not wait."""
    table = tables.jobs
    return _take(connection, worker_id, and_(table.c.queue == queue, table.c.record_id == record_id))


def finish(connection: Connection, number: int, worker_id: str) -> bool:
    """Removes a job that has ended; False where it is no longer ``worker_id``'s."""
    return connection.execute(delete(tables.jobs).where(_held(number, worker_id))).rowcount > 0


def put_back(connection: Connection, number: int, worker_id: str, after_s: float = 0.0) -> bool:
    """Lets a job wait again, from ``after_s`` seconds on; False where it is no longer ``worker_id``'s."""
    due_ms = clock_ms(connection) + int(after_s * 1000)
    values = {"state": "queued", "worker_id": None, "run_after_ms": due_ms}
    return connection.execute(update(tables.jobs).where(_held(number, worker_id)).values(values)).rowcount > 0


def put_back_all(connection: Connection, worker_id: str) -> None:
    """Lets all that a worker has wait again, because it ends as it should."""
    table = tables.jobs
    held = and_(table.c.worker_id == worker_id, table.c.state == "running")
    connection.execute(update(table).where(held).values(state="queued", worker_id=None))


def take_over(connection: Connection) -> list[Job]:
    """Lets jobs of workers that are gone wait again; returns those that are set aside instead.

    That is what happens to a job whose worker ended for the third time; one that recurs goes on for ever.
    """
    table, deaths = tables.jobs, tables.jobs.c.deaths + 1
    gone = table.c.worker_id.not_in(select(tables.workers.c.id))
    is_too_many = and_(deaths >= MAX_DEATHS, table.c.record_id.not_in(RECURRING.values()))
    rows = connection.execute(
        update(table)
        .where(table.c.state == "running", gone)
        .values(
            state=case((is_too_many, "set_aside"), else_="queued"),
            deaths=deaths,
            worker_id=None,
        )
        .returning(*_JOB, table.c.state)
    ).all()
    return [_job(row) for row in rows if row.state == "set_aside"]


def resume_job(connection: Connection, queue: str, record_id: str) -> bool:
    """Lets a job that was set aside be tried again, its record with it; False where none is."""
    table = tables.jobs
    own = and_(table.c.queue == queue, table.c.record_id == record_id, table.c.state == "set_aside")
    values = {"state": "queued", "deaths": 0, "run_after_ms": clock_ms(connection)}
    if connection.execute(update(table).where(own).values(values)).rowcount == 0:
        return False
    connection.info[ENQUEUED] = True
    if queue == "generate":
        record = tables.creations
        connection.execute(
            update(record)
            .where(record.c.id == record_id, record.c.status == "failed")
            .values(status="queued", error=None, finished_at=None)
        )
    elif queue == "mint":
        connection.execute(update(tables.mints).where(tables.mints.c.id == record_id).values(error=None))
    return True


def bring_forward(connection: Connection, queue: str, record_ids: Sequence[str]) -> None:
    """Lets jobs of these records that wait for a later time be taken now."""
    table = tables.jobs
    own = and_(table.c.queue == queue, table.c.record_id.in_(record_ids), table.c.state == "queued")
    if (
        record_ids
        and connection.execute(update(table).where(own).values(run_after_ms=clock_ms(connection))).rowcount
    ):
        connection.info[ENQUEUED] = True


def state_of(connection: Connection, queue: str, record_id: str) -> str | None:
    """``queued``, ``running`` or ``set_aside``; None where the record's work has ended or was never asked for."""
    table = tables.jobs
    return connection.scalar(
        select(table.c.state).where(table.c.queue == queue, table.c.record_id == record_id)
    )


_JOB = (
    tables.jobs.c.number,
    tables.jobs.c.queue,
    tables.jobs.c.record_id,
    tables.jobs.c.tenant_id,
    tables.jobs.c.run,
    tables.jobs.c.deaths,
)


def _take(connection: Connection, worker_id: str, which: ColumnElement[bool]) -> Job | None:
    table = tables.jobs
    number = connection.scalar(
        select(table.c.number).where(which, table.c.state == "queued").with_for_update(skip_locked=True)
    )
    if number is None:
        return None
    row = connection.execute(
        update(table)
        .where(table.c.number == number)
        .values(state="running", worker_id=worker_id, run=table.c.run + 1)
        .returning(*_JOB)
    ).one()
    return _job(row)


def _held(number: int, worker_id: str) -> ColumnElement[bool]:
    return and_(tables.jobs.c.number == number, tables.jobs.c.worker_id == worker_id)


def _job(row: Row[Any]) -> Job:
    return Job(row.number, row.queue, row.record_id, row.tenant_id, row.run, row.deaths)
