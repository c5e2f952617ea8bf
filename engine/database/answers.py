"""Answers to POSTs, kept for a day so that the same request gets the same answer."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from engine.database.records import now
from engine.database.tables import idempotency

KEPT_FOR: Final = timedelta(hours=24)


@dataclass(frozen=True)
class Answer:
    """``body`` is encrypted where it is ``sealed``."""

    fingerprint: str
    status: int
    headers: dict[str, str]
    body: bytes
    sealed: bool


def reserve_answer(connection: Connection, tenant_id: str, key: str, fingerprint: str) -> bool:
    """Takes ``key`` for the answer that this transaction will keep; False where there is one already.

    Waits for another transaction that does the same: once that has ended, either its answer is there or the key is
    free. An answer that is older than KEPT_FOR makes room.
    """
    table = idempotency
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    taken = dialect.insert(table).values(
        tenant_id=tenant_id,
        key=key,
        fingerprint=fingerprint,
        status=0,
        headers={},
        body=b"",
        sealed=False,
        created_at=now(),
    )
    renewed = {name: taken.excluded[name] for name in ("fingerprint", "created_at")}
    taken = taken.on_conflict_do_update(
        index_elements=[table.c.tenant_id, table.c.key], set_=renewed, where=table.c.created_at < _oldest()
    )
    return connection.execute(taken.returning(table.c.key)).first() is not None


def keep_answer(connection: Connection, tenant_id: str, key: str, answer: Answer) -> None:
    """Writes the answer in the place that was reserved for it."""
    own = (idempotency.c.tenant_id == tenant_id) & (idempotency.c.key == key)
    connection.execute(update(idempotency).where(own).values(**vars(answer)))


def kept_answer(connection: Connection, tenant_id: str, key: str) -> Answer:
    """The answer that is there."""
    own = (idempotency.c.tenant_id == tenant_id) & (idempotency.c.key == key)
    columns = (idempotency.c[name] for name in Answer.__dataclass_fields__)
    return Answer(**connection.execute(select(*columns).where(own)).one()._mapping)


def forget_answers(connection: Connection) -> int:
    """Removes the answers that count no more; returns how many."""
    return connection.execute(delete(idempotency).where(idempotency.c.created_at < _oldest())).rowcount


def _oldest() -> str:
    return (datetime.now(UTC) - KEPT_FOR).strftime("%Y-%m-%dT%H:%M:%SZ")
