"""The one SQLite file of the embedded chain, held by one process at a time.

py-evm sees a key-value store. Everything written between the start and the end of `transaction` lands in one
SQLite transaction, so a block is in the file with its whole state or not at all, whenever the process dies.
"""

import contextlib
import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from eth.db.backends.base import BaseAtomicDB
from eth.db.batch import BatchDB

from chain.errors import ChainBusy, ChainClosed, StoreDamaged

# The layout of the tables below. Raise it with every change, and write the step from the version before.
SCHEMA_VERSION = 1

# Below this SQLite's own journals no longer fit, and it calls that an I/O error.
_NO_SPACE_BYTES = 1_000_000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS node (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS log (
    block_number INTEGER NOT NULL, log_index INTEGER NOT NULL, block_hash BLOB NOT NULL,
    transaction_hash BLOB NOT NULL, transaction_index INTEGER NOT NULL, address BLOB NOT NULL,
    topic0 BLOB, topic1 BLOB, topic2 BLOB, topic3 BLOB, data BLOB NOT NULL,
    PRIMARY KEY (block_number, log_index)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS log_by_address ON log (address, block_number, log_index);
"""


class EvmStore(BaseAtomicDB):
    """py-evm's database on SQLite (WAL, synchronous=FULL), and the tables that are kept beside it.

    The file is created with mode 0600. A lock on a side file, released by the system when the process ends,
    keeps a second process out. Not safe for threads by itself: its owner takes turns.
    """

    def __init__(self, path: Path) -> None:
        """Opens or creates the file. Raises ChainBusy or StoreDamaged."""
        self._path = path
        self._depth = 0
        self._lock = _hold(path.with_name(path.name + ".lock"))
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._sqlite = self._open()
        except BaseException:
            os.close(self._lock)
            raise

    def close(self) -> None:
        """Closes the file and lets other processes in. Closing twice is harmless."""
        if self._lock >= 0:
            self._sqlite.close()
            os.close(self._lock)
            self._lock = -1

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything written inside is kept together or not at all; an inner one joins the outer one."""
        if self._depth:
            yield
            return
        self.rows("BEGIN IMMEDIATE")
        self._depth += 1
        try:
            yield
            self.rows("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):  # the first error is the one to report
                self._sqlite.execute("ROLLBACK")
            raise
        finally:
            self._depth -= 1

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """Runs one statement and returns its rows. Raises ChainClosed or StoreDamaged."""
        if self._lock < 0:
            raise ChainClosed("The embedded chain was closed; open it again to use it.")
        with self._translated():
            return self._sqlite.execute(sql, values).fetchall()

    def fact(self, name: str) -> bytes | None:
        """A value kept by name, or None."""
        found = self.rows("SELECT value FROM fact WHERE name = ?", (name,))
        return bytes(found[0][0]) if found else None

    def set_fact(self, name: str, value: bytes) -> None:
        """Keeps a value by name."""
        self.rows("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, value))

    # py-evm's database interface

    def __getitem__(self, key: bytes) -> bytes:
        found = self.rows("SELECT value FROM node WHERE key = ?", (key,))
        if not found:
            raise KeyError(key)
        return bytes(found[0][0])

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self.rows("INSERT OR REPLACE INTO node VALUES (?, ?)", (key, value))

    def __delitem__(self, key: bytes) -> None:
        self.rows("DELETE FROM node WHERE key = ?", (key,))

    def _exists(self, key: bytes) -> bool:
        return bool(self.rows("SELECT 1 FROM node WHERE key = ?", (key,)))

    @contextlib.contextmanager
    def atomic_batch(self) -> Iterator[Any]:
        with self.transaction():
            batch = BatchDB(self)
            yield batch
            batch.commit(apply_deletes=True)

    def _open(self) -> sqlite3.Connection:
        with self._translated():
            # check_same_thread: the owner of the store takes turns between threads with a lock of its own.
            # isolation_level None: transactions begin and end where this class says.
            sqlite = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            try:
                sqlite.execute("PRAGMA journal_mode = WAL")
                sqlite.execute("PRAGMA synchronous = FULL")
                version = sqlite.execute("PRAGMA user_version").fetchone()[0]
                if version not in (0, SCHEMA_VERSION):
                    raise StoreDamaged(
                        f"The embedded chain in {self._path} has layout {version} and this release reads "
                        f"{SCHEMA_VERSION}; use the release that wrote it, or move the file away."
                    )
                sqlite.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
            except BaseException:
                sqlite.close()
                raise
            return sqlite

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            free_bytes = shutil.disk_usage(self._path.parent).free
            if "full" in str(error) or ("I/O" in str(error) and free_bytes < _NO_SPACE_BYTES):
                raise StoreDamaged(
                    f"The disk that holds the embedded chain in {self._path} is full; free some space and try again."
                ) from error
            raise StoreDamaged(
                f"The embedded chain in {self._path} cannot be read or written ({error}); check the disk, or "
                "restore the file from a copy."
            ) from error


def _hold(path: Path) -> int:
    """Takes the lock file for as long as its descriptor is open. Raises ChainBusy."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise ChainBusy(
            f"The embedded chain in {path.with_suffix('')} is in use; stop the other process, or give "
            "this one a chain of its own."
        ) from error
    return descriptor
