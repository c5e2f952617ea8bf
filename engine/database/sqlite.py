"""SQLite files whose commits survive a power cut, and what goes wrong with them in one sentence."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, IntegrityError

from engine.errors import DatabaseUnusable

BUSY_TIMEOUT_S = 30.0
POOL_SIZE = 10  # open connections; with MAX_MORE as many as a server's threads
MAX_MORE = 40
NO_SPACE_BYTES = 1_000_000  # below this SQLite's own journals no longer fit, and it calls that an I/O error


def sqlite_engine(path: Path) -> Engine:
    """An engine with write-ahead log and synchronous FULL, whose writers wait in line."""
    engine = create_engine(
        f"sqlite:///{path}",
        connect_args={"timeout": BUSY_TIMEOUT_S},
        pool_size=POOL_SIZE,
        max_overflow=MAX_MORE,
    )

    @event.listens_for(engine, "connect")
    def set_durable(connection: Any, _: Any) -> None:
        connection.isolation_level = "IMMEDIATE"  # writers wait in line instead of failing half-way
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    return engine


@contextmanager
def database_boundary(path: Path) -> Iterator[None]:
    """Translates what SQLAlchemy and SQLite raise about the file into DatabaseUnusable.

    IntegrityError passes through: it is about a row.
    """
    try:
        yield
    except IntegrityError:
        raise
    except (DBAPIError, sqlite3.Error) as error:
        said = str(error.orig if isinstance(error, DBAPIError) else error)
        raise DatabaseUnusable(_sentence(path, said)) from error


def check_file(path: Path) -> None:
    """Reads the whole file, if there is one. Raises DatabaseUnusable where it is damaged."""
    if not path.exists():
        return
    with database_boundary(path):
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S)
        try:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        finally:
            connection.close()
    if found != "ok":
        raise DatabaseUnusable(_sentence(path, " ".join(str(found).split())))


def _sentence(path: Path, said: str) -> str:
    if "full" in said or ("I/O" in said and shutil.disk_usage(path.parent).free < NO_SPACE_BYTES):
        return f"The disk that holds {path} is full; free some space and run the command again."
    if "locked" in said:
        return f"The database {path} is locked by another program; close that program."
    if "unable to open" in said or "readonly" in said:
        return (
            f"The database {path} cannot be opened ({said}); fix the permissions of the file and its folder."
        )
    return (
        f"The database {path} cannot be read ({said}); restore it from a backup, or move the file away to "
        "begin anew."
    )
