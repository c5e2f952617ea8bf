"""Which blocks of a DAG a CAR carries: those that lead to its end, and as much of the end as is asked for.

Source: Trustless Gateway specification (ipfs/specs), "dag-scope" and "entity-bytes".
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from assets.block import BlockReader
from assets.car import export_dag
from assets.cid import DAG_PB, RAW, Cid
from assets.unixfs import file_size, list_directory, node_type, read_file
from assets.unixfs_data import NodeType

DIRECTORIES: Final = frozenset({NodeType.DIRECTORY, NodeType.HAMT_SHARD})
FILES: Final = frozenset({NodeType.RAW, NodeType.FILE})


class DagScope(Enum):
    """The end's root block alone, the file or the directory's list, or everything below it."""

    BLOCK = "block"
    ENTITY = "entity"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class EntityBytes:
    """Bytes ``first`` to ``last`` of a file, both inside; negative counts from its end, None is its end."""

    first: int
    last: int | None

    def within(self, size: int) -> tuple[int, int]:
        """Start and stop in a file of ``size`` bytes; the same number twice where nothing of it is meant."""
        start = self.first if self.first >= 0 else max(size + self.first, 0)
        last = size - 1 if self.last is None else self.last
        stop = min((last if last >= 0 else size + last) + 1, size)
        return (start, stop) if start < stop else (0, 0)


class Trail:
    """Reads ``blocks`` and remembers what was read, in order, until it is taken."""

    def __init__(self, blocks: BlockReader) -> None:
        self._blocks = blocks
        self._read: list[tuple[Cid, bytes]] = []

    def get(self, cid: Cid, /) -> bytes:
        """The block's bytes. Raises BlockMissing or BlockDamaged."""
        data = self._blocks.get(cid)
        self._read.append((cid, data))
        return data

    def take(self) -> list[tuple[Cid, bytes]]:
        """What was read since the last time."""
        read, self._read = self._read, []
        return read


def scoped_blocks(
    path: Iterable[Cid],
    end: Cid,
    blocks: BlockReader,
    scope: DagScope = DagScope.ALL,
    span: EntityBytes | None = None,
) -> Iterator[tuple[Cid, bytes]]:
    """The blocks of ``path``, then those of ``end`` in depth-first order, each once and read when it is asked for.

    ``span`` narrows a file to the blocks that hold these bytes, and means ``DagScope.ENTITY``; a directory takes
    no notice of it. Raises InvalidUnixFs for a bad node, BlockMissing and BlockDamaged from ``blocks``.
    """
    seen: set[Cid] = set()
    for cid, data in _every(path, end, blocks, DagScope.ENTITY if span else scope, span):
        if cid.as_v1() not in seen:
            seen.add(cid.as_v1())
            yield cid, data


def _every(
    path: Iterable[Cid], end: Cid, blocks: BlockReader, scope: DagScope, span: EntityBytes | None
) -> Iterator[tuple[Cid, bytes]]:
    for cid in path:
        yield cid, blocks.get(cid)
    if scope is DagScope.ALL:
        yield from export_dag([end], blocks)
        return
    yield end, blocks.get(end)
    if scope is DagScope.BLOCK or end.codec not in (RAW, DAG_PB):
        return
    kind, trail = node_type(end, blocks), Trail(blocks)
    parts: Iterator[object] = iter(())
    if kind in DIRECTORIES:
        parts = list_directory(end, trail)
    elif kind in FILES:
        start, stop = (0, None) if span is None else span.within(file_size(end, blocks))
        parts = iter(()) if start == stop else read_file(end, trail, start, stop)
    for _ in parts:
        yield from trail.take()
    yield from trail.take()
