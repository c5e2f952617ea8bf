"""The database that holds the records: a SQLite file, or PostgreSQL for several processes and hosts."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Self
from uuid import uuid4

from sqlalchemy import Connection, Engine, text

from engine.database.postgresql import postgresql_boundary, postgresql_engine
from engine.database.schema import migrate
from engine.database.sqlite import database_boundary, sqlite_engine
from engine.errors import DatabaseUnusable

ENQUEUED = "lorespark-enqueued"  # in a connection's ``info``: its transaction let work wait


class Database:
    """One engine and its transactions. Every method raises DatabaseUnusable where the database does not answer."""

    def __init__(self, engine: Engine, path: Path | None = None, session: str = "") -> None:
        """``path`` is that of the SQLite file, None for PostgreSQL. The schema is left as it is; see ``open``.

        ``session`` is the application name of this process' connections to PostgreSQL. ``enqueued`` is set each time
        that a transaction of this process let work wait.
        """
        self.engine, self.path, self.session = engine, path, session
        self.enqueued = threading.Event()
        self._turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Opens the SQLite file, made or migrated to the newest schema.

        Raises DatabaseUnusable where the file is no database or was written by a newer version.
        """
        return cls(sqlite_engine(path), path)._migrated()

    @classmethod
    def connect(cls, url: str) -> Self:
        """Connects to PostgreSQL at ``url`` (postgresql://…) and migrates it to the newest schema.

        Raises DatabaseUnusable where it does not answer, refuses, or was written by a newer version.
        """
        session = f"lorespark-{uuid4().hex[:24]}"
        return cls(postgresql_engine(url, session), session=session)._migrated()

    @property
    def is_shared(self) -> bool:
        """Whether other processes and hosts may work on it too."""
        return self.path is None

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that sees and changes one state, committed at the end unless an error passes through.

        On SQLite no two run at once. IntegrityError passes as it is.
        """
        with self._boundary(), self.engine.begin() as connection:
            if self.path is not None:
                # The driver begins by itself at the first INSERT, UPDATE or DELETE, so after what was read before.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection
            enqueued = connection.info.pop(ENQUEUED, False)
        if enqueued:
            self.enqueued.set()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self._boundary(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def exclusive(self, name: str) -> Iterator[None]:
        """Holds the lock ``name`` among all threads and processes that work on this database; not re-entrant."""
        with self._turns[name]:
            if self.path is not None:  # its data folder belongs to one process
                yield
                return
            with self._boundary():
                connection = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
                connection.execute(
                    text("SELECT pg_advisory_lock(hashtextextended(:name, 0))"), {"name": name}
                )
            try:
                yield
            finally:
                # A connection that broke has let go of the lock by that.
                with suppress(DatabaseUnusable), self._boundary(), connection:
                    connection.execute(
                        text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))"), {"name": name}
                    )

    def _migrated(self) -> Self:
        try:
            with self._boundary():
                migrate(self.engine)
        except BaseException:
            self.close()
            raise
        return self

    def _boundary(self) -> AbstractContextManager[None]:
        return postgresql_boundary(self.engine) if self.path is None else database_boundary(self.path)
