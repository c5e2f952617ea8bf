"""How content is cut into blocks. Two importers give one file the same CID only under the same profile."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from assets.block import MAX_BLOCK_BYTES

_KIB = 1024


class ShardEstimate(StrEnum):
    """How the size of a directory is estimated when deciding whether to shard it."""

    LINKS = "links"
    """The bytes of all names and CIDs."""
    BLOCK = "block"
    """The bytes of the directory's block."""


@dataclass(frozen=True, slots=True)
class ImportProfile:
    """The parameters of an import; the defaults are what Kubo does for ``ipfs add --cid-version=1``.

    ``chunk_bytes`` is the size of a leaf, ``max_links`` the width of the balanced tree over them. A directory
    whose estimate exceeds ``shard_threshold_bytes`` becomes a HAMT with ``fanout`` children per node.
    Raises ValueError for parameters that no importer could follow. Source: IPIP-499, CID profiles.
    """

    cid_version: int = 1
    raw_leaves: bool = True
    chunk_bytes: int = 256 * _KIB
    max_links: int = 174
    shard_threshold_bytes: int = 256 * _KIB
    shard_estimate: ShardEstimate = ShardEstimate.LINKS
    fanout: int = 256

    def __post_init__(self) -> None:
        if self.cid_version not in (0, 1):
            raise ValueError("cid_version must be 0 or 1")
        if not 0 < self.chunk_bytes < MAX_BLOCK_BYTES or self.max_links < 2 or self.shard_threshold_bytes < 0:
            raise ValueError(
                "a chunk must fit a block, a node needs two links, and a threshold cannot be negative"
            )
        if self.fanout not in (8, 16, 32, 64, 128, 256, 512, 1024):
            raise ValueError("fanout must be a power of two from 8 to 1024")


KUBO_V1: Final = ImportProfile()
"""CIDv1, raw leaves of 256 KiB, 174 links: a file of at most 256 KiB is its own raw block."""

UNIXFS_V0_2015: Final = ImportProfile(cid_version=0, raw_leaves=False)
"""CIDv0 as ``ipfs add`` has always given: for comparing with addresses minted elsewhere."""

UNIXFS_V1_2025: Final = ImportProfile(
    chunk_bytes=1024 * _KIB, max_links=1024, shard_estimate=ShardEstimate.BLOCK
)
"""CIDv1 with leaves of 1 MiB and 1024 links: fewer blocks for large media."""
