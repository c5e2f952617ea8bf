"""Blocks in the shared database, so that its hosts need no folder in common."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from assets.block import check_block
from assets.cid import Cid
from assets.errors import BlockDamaged, BlockMissing, StorageFailed
from engine.database.database import Database
from engine.database.tables import blocks
from engine.errors import DatabaseUnusable

# How much of a batch waits in memory before it is written.
_BATCH_BLOCKS: Final = 64
_BATCH_BYTES: Final = 8 * 1024 * 1024
_CACHE_BYTES: Final = (
    16 * 1024 * 1024
)  # blocks read last; more only helps who serves more pictures than that at once
_PAGE: Final = 1_000  # CIDs listed in one query


class DatabaseBlocks:
    """The same as ``assets.blockstore.BlockStore`` over the table ``blocks``.

    Every method raises StorageFailed where the database does not answer.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cache: OrderedDict[str, bytes] = OrderedDict()
        self._cached_bytes = 0
        self._caching = threading.Lock()

    def put(self, cid: Cid, data: bytes, /) -> None:
        """Stores one block durably. Raises BlockDamaged, BlockTooLarge."""
        self.put_many([(cid, data)])

    def put_many(self, wanted: Iterable[tuple[Cid, bytes]]) -> int:
        """Stores many blocks, a batch in a transaction; how many it wrote.

        A damaged block that is there is replaced. Raises BlockDamaged, BlockTooLarge.
        """
        written = 0
        batch: dict[str, bytes] = {}
        size = 0
        for cid, data in wanted:
            check_block(cid, data)
            batch[_key(cid)] = data
            size += len(data)
            if len(batch) >= _BATCH_BLOCKS or size >= _BATCH_BYTES:
                written += self._write(batch)
                batch, size = {}, 0
        return written + self._write(batch)

    def get(self, cid: Cid, /) -> bytes:
        """The bytes of a block, hashed when they are read. Raises BlockMissing, BlockDamaged."""
        key = _key(cid)
        with self._caching:
            if (data := self._cache.get(key)) is not None:
                self._cache.move_to_end(key)
                return data
        with self._translated(f"read block {cid}"), self._database.reading() as connection:
            found: bytes | None = connection.scalar(select(blocks.c.data).where(blocks.c.cid == key))
        if found is None:
            raise BlockMissing(f"Block {cid} is missing; import or fetch it first.")
        try:
            check_block(cid, found)
        except BlockDamaged as error:
            raise BlockDamaged(
                f"Block {cid} is damaged in the database; store it again to repair it."
            ) from error
        self._keep(key, found)
        return found

    def has(self, cid: Cid) -> bool:
        """Whether the block is there; only :meth:`get` and :meth:`verify` say whether it is sound."""
        with self._translated(f"look for block {cid}"), self._database.reading() as connection:
            return connection.scalar(select(blocks.c.cid).where(blocks.c.cid == _key(cid))) is not None

    def delete(self, cid: Cid) -> None:
        """Removes a block if it is there. Other processes may answer with it for as long as they remember it."""
        key = _key(cid)
        with self._translated(f"delete block {cid}"), self._database.writing() as connection:
            connection.execute(delete(blocks).where(blocks.c.cid == key))
        with self._caching:
            self._cached_bytes -= len(self._cache.pop(key, b""))

    def __iter__(self) -> Iterator[Cid]:
        """The CIDv1 of each stored block, damaged ones included, in the order of their texts."""
        last = ""
        while True:
            with self._translated("list the blocks"), self._database.reading() as connection:
                page = list(
                    connection.scalars(
                        select(blocks.c.cid).where(blocks.c.cid > last).order_by(blocks.c.cid).limit(_PAGE)
                    )
                )
            yield from map(Cid.parse, page)
            if len(page) < _PAGE:
                return
            last = page[-1]

    def verify(self) -> Iterator[tuple[Cid, str]]:
        """Reads every block; yields the CID of each that is damaged or unreadable, and what is wrong with it."""
        with self._caching:
            self._cache.clear()
            self._cached_bytes = 0
        for cid in self:
            try:
                self.get(cid)
            except BlockMissing:
                continue  # deleted meanwhile
            except (BlockDamaged, StorageFailed) as error:
                yield cid, str(error)

    def remove_stale(self, older_than_s: float = 0.0) -> int:
        """Nothing: a transaction that was cut off leaves nothing behind."""
        return 0

    def _write(self, batch: dict[str, bytes]) -> int:
        if not batch:
            return 0
        with self._translated("store blocks"), self._database.writing() as connection:
            held = connection.execute(select(blocks.c.cid, blocks.c.data).where(blocks.c.cid.in_(batch)))
            same = {row.cid for row in held if row.data == batch[row.cid]}
            # In one order, so that two writers of the same blocks never wait for each other in a ring.
            fresh = [{"cid": cid, "data": data} for cid, data in sorted(batch.items()) if cid not in same]
            if fresh:
                _upsert(connection, fresh)
        return len(fresh)

    def _keep(self, key: str, data: bytes) -> None:
        with self._caching:
            if key not in self._cache:
                self._cached_bytes += len(data)
            self._cache[key] = data
            while self._cached_bytes > _CACHE_BYTES:
                self._cached_bytes -= len(self._cache.popitem(last=False)[1])

    @contextmanager
    def _translated(self, action: str) -> Iterator[None]:
        try:
            yield
        except DatabaseUnusable as error:
            raise StorageFailed(f"Could not {action}: {error}") from error


def _upsert(connection: Connection, rows: list[dict[str, Any]]) -> None:
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    adding = dialect.insert(blocks)
    connection.execute(
        adding.on_conflict_do_update(index_elements=["cid"], set_={"data": adding.excluded.data}), rows
    )


def _key(cid: Cid) -> str:
    return str(cid.as_v1())
