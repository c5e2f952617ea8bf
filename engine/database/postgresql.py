"""PostgreSQL as a database for records and jobs, and what goes wrong with it in one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError

from engine.errors import DatabaseUnusable, InvalidRequest, InvalidSettings

POOL_SIZE: Final = 10  # connections that stay open; with MAX_MORE as many as a server's threads
MAX_MORE: Final = 40
CONNECT_TIMEOUT_S: Final = 10
# A process that stood still within a transaction would hold its locks for as long; none of ours waits so long inside.
IDLE_IN_TRANSACTION_S: Final = 30
# A host that vanished is noticed after about 15 s: keepalives are sent each 5 s, and three may be lost.
_KEEPALIVE: Final = {
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "connect_timeout": CONNECT_TIMEOUT_S,
}


def postgresql_engine(url: str, session: str = "lorespark") -> Engine:
    """An engine over psycopg; nothing is connected yet. Raises InvalidSettings where the URL cannot be used.

    ``session`` is the application name that the server knows its connections by.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise InvalidSettings(
            "LORESPARK_DATABASE_URL is no database's URL; set it as in postgresql://user:password@host/name."
        ) from error
    if parsed.get_backend_name() not in ("postgresql", "postgres") or not parsed.database:
        raise InvalidSettings(
            "LORESPARK_DATABASE_URL names no PostgreSQL database; set it as in postgresql://user:password@host/name."
        )
    try:
        engine = create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_size=POOL_SIZE,
            max_overflow=MAX_MORE,
            pool_pre_ping=True,  # a server that was restarted is met by a new connection
            connect_args=_KEEPALIVE | {"application_name": session},
        )
    except ImportError as error:
        raise InvalidSettings(
            "LORESPARK_DATABASE_URL needs the package psycopg; run: pip install 'lorespark[postgres]'."
        ) from error

    @event.listens_for(engine, "connect")
    def set_timeout(connection: Any, _: Any) -> None:
        connection.autocommit = True
        connection.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_IN_TRANSACTION_S}s'")
        connection.autocommit = False

    return engine


@contextmanager
def postgresql_boundary(engine: Engine) -> Iterator[None]:
    """Translates what SQLAlchemy and psycopg raise about the server into DatabaseUnusable, and about a value that no
    column takes into InvalidRequest.

    IntegrityError passes through: it is about a row.
    """
    try:
        yield
    except IntegrityError:
        raise
    except DataError as error:
        raise InvalidRequest(
            "The request holds a text with a null character, or a value that is too large to keep; correct it."
        ) from error
    except DBAPIError as error:
        # One line of the driver's own words; they name the host and the user, never the password.
        lines = str(error.orig).strip().splitlines() or [type(error.orig).__name__]
        raise DatabaseUnusable(
            f"The database {engine.url.database} at {engine.url.host or 'this host'} cannot be used "
            f"({lines[0][:300]}); see that it runs and that LORESPARK_DATABASE_URL is right."
        ) from error
