"""The time, as the records tell it."""

import time
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, literal, literal_column


def now() -> str:
    """The time as RFC 3339 in UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def clock_ms(connection: Connection) -> ColumnElement[int]:
    """Unix time by the clock that all workers share: the database server's, or this machine's."""
    if connection.dialect.name == "postgresql":
        return literal_column("(extract(epoch from statement_timestamp()) * 1000)::bigint")
    return literal(int(time.time() * 1000))
