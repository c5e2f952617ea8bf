"""Where in the queue a creation stands, as far as that can be said cheaply."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, func, select

from engine.database.tables import creations, jobs

QUEUE = "generate"


def waiting_by_tenant(connection: Connection) -> dict[str, int]:
    """How many creations of each tenant wait."""
    table = jobs
    query = (
        select(table.c.tenant_id, func.count())
        .where(table.c.queue == QUEUE, table.c.state == "queued")
        .group_by(table.c.tenant_id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def waiting_assets(connection: Connection) -> int:
    """How many assets all creations that wait are to make."""
    query = (
        select(func.sum(creations.c.count))
        .join(jobs, jobs.c.record_id == creations.c.id)
        .where(jobs.c.queue == QUEUE, jobs.c.state == "queued")
    )
    return connection.scalar(query) or 0


def place(waiting: dict[str, int], tenant_id: str, rank: int) -> int:
    """The place of a tenant's creation that is number ``rank`` among its own, with ``waiting`` for each tenant.

    Tenants are served in turn, so before it go as many of each other tenant's, or all of them where they are fewer.
    It is the last place that this can mean: whose turn it is, and what a worker's models leave out, is not counted.
    """
    return rank + sum(min(count, rank) for other, count in waiting.items() if other != tenant_id)


def next_rank(connection: Connection, tenant_id: str, priority: int) -> int:
    """The number that a new creation of that priority would have among its tenant's own."""
    own = (jobs.c.queue == QUEUE) & (jobs.c.state == "queued") & (jobs.c.tenant_id == tenant_id)
    return _counted(connection, own & (jobs.c.priority >= priority)) + 1


def places(connection: Connection, tenant_id: str, creation_ids: Sequence[str]) -> dict[str, int]:
    """The place of each of a tenant's creations that waits; those that do not are left out."""
    if not creation_ids:
        return {}
    ranks = _ranks(connection, tenant_id, creation_ids)
    if not ranks:
        return {}
    waiting = waiting_by_tenant(connection)
    return {creation_id: place(waiting, tenant_id, rank) for creation_id, rank in ranks.items()}


def _ranks(connection: Connection, tenant_id: str, creation_ids: Sequence[str]) -> dict[str, int]:
    table = jobs
    own = (table.c.queue == QUEUE) & (table.c.state == "queued") & (table.c.tenant_id == tenant_id)
    if len(creation_ids) == 1:  # counting costs much less than numbering all of them
        query = select(table.c.priority, table.c.number).where(own, table.c.record_id == creation_ids[0])
        row = connection.execute(query).one_or_none()
        if row is None:
            return {}
        higher = own & (table.c.priority > row.priority)
        level = own & (table.c.priority == row.priority) & (table.c.number <= row.number)
        return {creation_ids[0]: sum(_counted(connection, which) for which in (higher, level))}
    order = func.row_number().over(order_by=(table.c.priority.desc(), table.c.number))
    ranked = select(table.c.record_id, order.label("rank")).where(own).subquery()
    found = connection.execute(
        select(ranked.c.record_id, ranked.c.rank).where(ranked.c.record_id.in_(creation_ids))
    )
    return {row.record_id: row.rank for row in found}


def _counted(connection: Connection, which: ColumnElement[bool]) -> int:
    return connection.scalar(select(func.count()).select_from(jobs).where(which)) or 0
