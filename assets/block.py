"""A block: at most 2 MiB of bytes under the CID that they hash to, and who gives and takes blocks."""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Final, Protocol

from assets.cid import Cid
from assets.errors import BlockDamaged, BlockMissing, BlockTooLarge

# Bitswap's limit: others could not fetch a larger block. Raise it only when the network does.
MAX_BLOCK_BYTES: Final = 2 * 1024 * 1024


class BlockReader(Protocol):
    """Whoever can give the bytes of a block."""

    def get(self, cid: Cid, /) -> bytes:
        """The block's bytes, which hash to ``cid``. Raises BlockMissing or BlockDamaged."""


class BlockWriter(Protocol):
    """Whoever takes blocks."""

    def put(self, cid: Cid, data: bytes, /) -> None:
        """Takes the block ``data``, which hashes to ``cid``."""


class Blocks(BlockReader, BlockWriter, Protocol):
    """Whoever keeps blocks: ``assets.blockstore`` in a folder, others elsewhere. Its docstrings say what each does."""

    def put_many(self, blocks: Iterable[tuple[Cid, bytes]], /) -> int: ...

    def has(self, cid: Cid) -> bool: ...

    def delete(self, cid: Cid) -> None: ...

    def __iter__(self) -> Iterator[Cid]: ...

    def verify(self) -> Iterator[tuple[Cid, str]]: ...

    def remove_stale(self, older_than_s: float) -> int: ...


class NoBlocks:
    """Takes blocks and forgets them: for computing a CID without storing anything."""

    def put(self, cid: Cid, data: bytes, /) -> None:
        """Does nothing."""


class MemoryBlocks:
    """Blocks held in memory: for staging a small DAG before any of it reaches the disk.

    A CIDv0 and the CIDv1 of the same node are one block; iteration gives CIDv1 in the order of arrival.
    """

    def __init__(self) -> None:
        self._blocks: dict[Cid, bytes] = {}

    def put(self, cid: Cid, data: bytes, /) -> None:
        """Keeps ``data``. Raises BlockDamaged or BlockTooLarge."""
        check_block(cid, data)
        self._blocks[cid.as_v1()] = data

    def get(self, cid: Cid, /) -> bytes:
        """The bytes of the block. Raises BlockMissing."""
        try:
            return self._blocks[cid.as_v1()]
        except KeyError as error:
            raise BlockMissing(f"Block {cid} is missing; import or fetch it first.") from error

    def __contains__(self, cid: Cid) -> bool:
        return cid.as_v1() in self._blocks

    def __iter__(self) -> Iterator[Cid]:
        return iter(self._blocks)

    def __len__(self) -> int:
        return len(self._blocks)

    def items(self) -> Iterator[tuple[Cid, bytes]]:
        """Each CID with its bytes, in the order of arrival."""
        return iter(self._blocks.items())


def check_block(cid: Cid, data: bytes) -> None:
    """Raises BlockTooLarge when ``data`` exceeds 2 MiB, BlockDamaged when it does not hash to ``cid``."""
    if len(data) > MAX_BLOCK_BYTES:
        raise BlockTooLarge(
            f"Block {cid} has {len(data)} bytes, more than {MAX_BLOCK_BYTES}; import the content as a file."
        )
    if hashlib.sha256(data).digest() != cid.digest:
        raise BlockDamaged(f"Block {cid} does not hash to its CID; fetch it again from another source.")
