"""A folder of blocks that survives power loss, and never serves a block that does not match its CID."""

import os
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from assets.block import MAX_BLOCK_BYTES, check_block
from assets.cid import Cid
from assets.errors import BlockDamaged, BlockMissing, InvalidCid, StorageFailed, storage_error

_TEMPORARY_SUFFIX = ".tmp"
# How much of a batch waits in temporary files before it is made durable: bounds open files and memory.
_BATCH_BLOCKS: Final = 64
_BATCH_BYTES: Final = 32 * 1024 * 1024
# Older than any write in progress could be; shorten only if no other process writes to the folder.
STALE_AFTER_S: Final = 3600.0


class BlockStore:
    """Blocks as files ``root/xy/CID``, where ``xy`` are the last two characters of the CID but one.

    A CIDv0 and the CIDv1 of the same node are one block, named by the CIDv1. Several processes may use one
    folder. Every method that touches the disk raises StorageFull when it is full, else StorageFailed.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, cid: Cid, data: bytes, /) -> None:
        """Stores one block durably: when this returns, the block survives a crash.

        A good block that is already there is left alone, a damaged one is replaced. Raises BlockDamaged when
        ``data`` does not hash to ``cid``, BlockTooLarge above 2 MiB.
        """
        self.put_many([(cid, data)])

    def put_many(self, blocks: Iterable[tuple[Cid, bytes]]) -> int:
        """Stores many blocks as :meth:`put` does, syncing each folder once a batch; how many it wrote.

        On an error, blocks of earlier batches stay stored and the batch at hand leaves no temporary files.
        """
        written = 0
        batch: dict[Path, bytes] = {}
        size = 0
        for cid, data in blocks:
            check_block(cid, data)
            batch[self._path(cid)] = data
            size += len(data)
            if len(batch) >= _BATCH_BLOCKS or size >= _BATCH_BYTES:
                written += self._write(batch)
                batch, size = {}, 0
        return written + self._write(batch)

    def get(self, cid: Cid, /) -> bytes:
        """The bytes of a block, hashed again on every read.

        Raises BlockMissing, and BlockDamaged when the file does not match the CID; storing the block again
        repairs that.
        """
        path = self._path(cid)
        try:
            with path.open("rb") as file:
                data = file.read(MAX_BLOCK_BYTES + 1)
        except FileNotFoundError as error:
            raise BlockMissing(f"Block {cid} is missing; import or fetch it first.") from error
        except OSError as error:
            raise storage_error(f"read block {cid}", error) from error
        if problem := _problem(cid, data):
            raise BlockDamaged(f"Block {cid} is damaged on disk ({problem}); store it again to repair it.")
        return data

    def has(self, cid: Cid) -> bool:
        """Whether the block's file is there; only :meth:`get` and :meth:`verify` say whether it is sound."""
        try:
            return self._path(cid).is_file()
        except OSError as error:
            raise storage_error(f"look for block {cid}", error) from error

    def delete(self, cid: Cid) -> None:
        """Removes a block if it is there; after a power loss it may be back."""
        try:
            self._path(cid).unlink(missing_ok=True)
        except OSError as error:
            raise storage_error(f"delete block {cid}", error) from error

    def __iter__(self) -> Iterator[Cid]:
        """The CIDv1 of each stored block, damaged ones included, in the order of the file names."""
        for path in self._files():
            try:
                cid = Cid.parse(path.name)
            except InvalidCid:
                continue  # not a file of ours
            if self._path(cid) == path:
                yield cid

    def verify(self) -> Iterator[tuple[Cid, str]]:
        """Reads every block; yields the CID of each that is damaged or unreadable, and what is wrong with it."""
        for cid in self:
            try:
                self.get(cid)
            except BlockMissing:
                continue  # deleted meanwhile
            except (BlockDamaged, StorageFailed) as error:
                yield cid, str(error)

    def remove_stale(self, older_than_s: float = STALE_AFTER_S) -> int:
        """Removes temporary files that killed writers left ``older_than_s`` seconds ago or more; how many."""
        removed = 0
        for path in self._files():
            if not _is_temporary(path):
                continue
            try:
                if time.time() - path.stat().st_mtime >= older_than_s:
                    path.unlink()
                    removed += 1
            except FileNotFoundError:
                continue  # its writer finished, or another process cleans too
            except OSError as error:
                raise storage_error("remove a stale temporary file", error) from error
        return removed

    def _path(self, cid: Cid) -> Path:
        name = str(cid.as_v1())
        return self._root / name[-3:-1] / name

    def _files(self) -> Iterator[Path]:
        try:
            folders = sorted(path for path in self._root.iterdir() if path.is_dir())
            for folder in folders:
                yield from sorted(path for path in folder.iterdir() if path.is_file())
        except FileNotFoundError:
            return  # nothing has been stored yet
        except OSError as error:
            raise storage_error("list the blocks", error) from error

    def _write(self, batch: dict[Path, bytes]) -> int:
        if not batch:
            return 0
        staged: dict[Path, Path] = {}
        try:
            for path, data in batch.items():
                if not _holds(path, data):
                    self._make_folder(path.parent)
                    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}{_TEMPORARY_SUFFIX}")
                    staged[temporary] = path
                    _write_file(temporary, data)
            for temporary in staged:
                _sync(temporary)
            for temporary, path in staged.items():
                temporary.replace(path)
            # Also for blocks that were there: another process may have renamed one without having synced yet.
            for folder in (self._root, *sorted({path.parent for path in batch})):
                _sync(folder)
        except OSError as error:
            for temporary in staged:
                with suppress(OSError):  # the first error is the one to report
                    temporary.unlink(missing_ok=True)
            raise storage_error("store blocks", error) from error
        return len(staged)

    def _make_folder(self, folder: Path) -> None:
        if not self._root.is_dir():
            self._root.mkdir(parents=True, exist_ok=True)
            _sync(self._root.parent)
        folder.mkdir(exist_ok=True)


def _problem(cid: Cid, data: bytes) -> str:
    """What is wrong with ``data`` as the block ``cid``, or nothing."""
    if len(data) > MAX_BLOCK_BYTES:
        return f"more than {MAX_BLOCK_BYTES} bytes"
    try:
        check_block(cid, data)
    except BlockDamaged:
        return f"its {len(data)} bytes have another hash"
    return ""


def _holds(path: Path, data: bytes) -> bool:
    """Whether the file at ``path`` holds exactly ``data``; an unreadable file does not, and is replaced."""
    try:
        with path.open("rb") as file:
            return file.read(len(data) + 1) == data
    except OSError:
        return False


def _is_temporary(path: Path) -> bool:
    return path.name.startswith(".") and path.name.endswith(_TEMPORARY_SUFFIX)


def _write_file(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o644)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(descriptor, left) :]
    finally:
        os.close(descriptor)


def _sync(path: Path) -> None:
    """Makes a file's content, or a folder's names, durable."""
    if os.name == "nt" and path.is_dir():
        return  # Windows cannot open a folder to sync it
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
