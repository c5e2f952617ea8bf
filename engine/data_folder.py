"""The folder that holds everything one Lorespark knows, held by one process at a time.

Where PostgreSQL holds the records, several processes of a machine may share it.
"""

import errno
import fcntl
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from engine.errors import DataFolderUnusable
from engine.whole_file import writing_whole

LOCK_FILE = "lock"
RECORDS_FILE = "records.db"


@dataclass
class DataFolder:
    """Locked from ``open`` to ``close``; the lock ends with the process, however it ends."""

    root: Path
    _lock: IO[str]

    @classmethod
    def open(cls, root: Path, shared: bool = False) -> Self:
        """Makes the folder where it is missing and locks it; ``shared`` together with others that share it.

        Raises DataFolderUnusable where it cannot be written, its disk is full, or another process holds it.
        """
        try:
            _make(root)
            lock = (root / LOCK_FILE).open("a+", encoding="ascii")
        except OSError as error:
            raise unusable(root, error) from error
        try:
            fcntl.flock(lock, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            holder = lock.read(20).strip()
            lock.close()
            who = f"process {holder}" if holder.isdigit() else "another process"
            raise DataFolderUnusable(
                f"The data folder {root} is in use by {who}; wait for it, stop it, or set LORESPARK_DATA_DIR "
                "to another folder."
            ) from error
        except OSError as error:
            lock.close()
            raise unusable(root, error) from error
        try:
            lock.seek(0)
            lock.truncate()
            lock.write("" if shared else str(os.getpid()))
            lock.flush()
        except OSError as error:
            with suppress(OSError):  # closing tries to write once more
                lock.close()
            raise unusable(root, error) from error
        return cls(root, lock)

    def close(self) -> None:
        self._lock.close()

    @property
    def records(self) -> Path:
        return self.root / RECORDS_FILE

    @property
    def jobs(self) -> Path:
        return self.root / "jobs.db"

    @property
    def blocks(self) -> Path:
        return self.root / "blocks"

    @property
    def chain(self) -> Path:
        return self.root / "chain.db"

    @property
    def model_digests(self) -> Path:
        """The sha256 of each file of a configured model, so that gigabytes are not read at each start."""
        return self.root / "model-digests.json"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def storyboards(self) -> Path:
        """Drawn shots of films, kept so that a killed film goes on; whatever is removed is drawn again."""
        return self.root / "storyboards"

    @property
    def media(self) -> Path:
        """Finished pictures as plain files, for people; the block store is what is served and verified."""
        return self.root / "media"


def records_path(root: Path) -> Path:
    """Where the records lie, for those who use nothing else of the folder and so need not lock it.

    Makes the folder where it is missing. Raises DataFolderUnusable.
    """
    try:
        _make(root)
    except OSError as error:
        raise unusable(root, error) from error
    return root / RECORDS_FILE


def _make(root: Path) -> None:
    root.mkdir(parents=True, exist_ok=True, mode=0o700)


def unusable(root: Path, error: OSError) -> DataFolderUnusable:
    """The sentence for what the system said about the data folder."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DataFolderUnusable(
            f"The disk of the data folder {root} is full; free some space or set LORESPARK_DATA_DIR to another disk."
        )
    if error.errno in (errno.EEXIST, errno.ENOTDIR, errno.EISDIR):
        reason = "something on its path is not what it must be: a folder, with files inside"
    else:
        reason = (error.strerror or "it cannot be opened").lower()
    return DataFolderUnusable(
        f"The data folder {root} cannot be used ({reason}); fix its permissions or set LORESPARK_DATA_DIR "
        "to a folder you can write."
    )


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file so that it is never seen half written, and makes its folder. Raises DataFolderUnusable."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with writing_whole(path) as file:
            file.write(data)
    except OSError as error:
        raise unusable(path.parent, error) from error
